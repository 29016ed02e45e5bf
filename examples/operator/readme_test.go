package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/notify"
	"github.com/jcaad/jcaad/federation"
)

// readme is the README, and that of the library.
func readme(t *testing.T) (own, library string) {
	t.Helper()
	var texts [2]string
	for i, name := range []string{"README.md", "../../README.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	return texts[0], texts[1]
}

// receivers is what those are told who receive notices and metrics.
func receivers(t *testing.T) string {
	t.Helper()
	own, _ := readme(t)
	const name = "RECEIVERS.md"
	b, err := os.ReadFile(name)
	if err != nil || !strings.Contains(own, "]("+name+")") {
		t.Fatalf("the README does not lead to %s: %v", name, err)
	}
	return string(b)
}

// blocks are those of a language, without their indentation.
func blocks(text, language string) (all []string) {
	for _, m := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		all = append(all, regexp.MustCompile(`(?m)^`+m[1]).ReplaceAllString(m[2], ""))
	}
	return all
}

// matches are what the group of a pattern finds, each once, sorted.
func matches(text, pattern string) []string {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// between is the text between two others, which have to be there.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	part, _, ends := strings.Cut(rest, to)
	if !ok || !ends {
		t.Fatalf("nothing stands between %q and %q", from, to)
	}
	return part
}

// TestREADMEStart: the first command is one, stands on the first screen, and what it costs
// stands before it.
func TestREADMEStart(t *testing.T) {
	text, _ := readme(t)
	all := blocks(text, "sh")
	if len(all) < 2 || all[0] != "go run -C examples/operator .\n" {
		t.Fatalf("the commands are %q", all)
	}
	before, _, _ := strings.Cut(text, all[0])
	if !strings.Contains(before, "three minutes") || !strings.Contains(before, "2 GB") || strings.Count(before, "\n") > 15 {
		t.Errorf("before the command stands:\n%s", before)
	}
}

// TestREADMEFlags: each flag that is named is one of the operator, and all are named that
// mean something with -customers.
func TestREADMEFlags(t *testing.T) {
	var told bytes.Buffer
	if _, err := readSettings([]string{"-h"}, func(string) string { return "" }, &told); err == nil {
		t.Fatal("-h is no error")
	}
	flags := matches(told.String(), `(?m)^  -([a-z-]+)`)
	var production []string
	for _, name := range flags {
		value := map[bool]string{true: "true", false: "1"}[name == "fake-plain"]
		_, err := readSettings([]string{"-customers", "c", "-" + name + "=" + value}, func(string) string { return "" }, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "is of the demonstration") {
			production = append(production, name)
		}
	}
	if len(flags) != 14 || len(production) != 9 {
		t.Fatalf("the flags are %q, those of production %q", flags, production)
	}
	text, _ := readme(t)
	text = strings.ReplaceAll(text, "go run -C", "")
	text = strings.ReplaceAll(text, "go build -C examples/operator -o", "")
	text = regexp.MustCompile(`clientSecret: .*|.*\bopenssl .*|kill -9`).ReplaceAllString(text, "")
	named := matches(text, `[^\w-]-([a-z][a-z-]*)`)
	for _, name := range named {
		if !slices.Contains(flags, name) {
			t.Errorf("there is no flag -%s", name)
		}
	}
	for _, name := range production {
		if !slices.Contains(named, name) {
			t.Errorf("-%s is not named", name)
		}
	}
}

// TestREADMEVariables: the variables of the program are those that are named.
func TestREADMEVariables(t *testing.T) {
	read := make(map[string]bool)
	literals(t, ".", func(_, value string) {
		if regexp.MustCompile(`^OPERATOR_[A-Z_]+$`).MatchString(value) {
			read[value] = true
		}
	})
	if !read[payloadVariable] || !read[notify.KeyVariable] {
		t.Fatalf("the program reads %v", read)
	}
	text, _ := readme(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(read)), matches(text, `(OPERATOR_[A-Z_]+)`)); diff != "" {
		t.Errorf("read (-) and named (+): %s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(read)), matches(text, "(?m)^ *\\| `(OPERATOR_[A-Z_]+)` \\| \\w")); diff != "" {
		t.Errorf("read (-) and explained (+): %s", diff)
	}
}

// literals tells the texts in the program below dir, each with the constant that it is of,
// if any.
func literals(t *testing.T, dir string, tell func(constant, value string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		names := make(map[ast.Expr]string)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, v := range n.Values {
					names[v] = n.Names[i].Name
				}
			case *ast.BasicLit:
				if value, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					tell(names[n], value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestREADMENotices: kinds and fields of notices are those that are named, and what a
// receiver is told to compute is what is sent.
func TestREADMENotices(t *testing.T) {
	text := receivers(t)
	kinds := make(map[string]bool)
	literals(t, filepath.Join("internal", "flow"), func(constant, value string) {
		if strings.HasPrefix(constant, "Notice") {
			kinds[value] = true
		}
	})
	if !kinds[flow.NoticeDigest] || len(kinds) < 10 {
		t.Fatalf("the kinds are %v", kinds)
	}
	named := matches(between(t, text, "of kind", "A receiver"), "(?m)^\\| `(\\w+)`")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(kinds)), named); diff != "" {
		t.Errorf("kinds that there are (-) and that are named (+): %s", diff)
	}
	var fields []string
	for f := range reflect.TypeFor[flow.Notice]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, strconv.Quote(name))
	}
	if all := "`{" + strings.Join(fields, ",") + "}`"; !strings.Contains(text, all) {
		t.Errorf("the fields are not %s", all)
	}

	const secret = "an-example-of-32-bytes-or-more-of-text"
	sent, body, _ := exchange(t, secret)
	line := regexp.MustCompile(`\{ printf '([^']*)' "\$TIMESTAMP"; cat body\.json; \} \| openssl dgst -sha256 -hmac "\$(\w+)"`).FindStringSubmatch(text)
	if line == nil || line[2] != notify.KeyVariable {
		t.Fatalf("there is no line for a shell: %q", line)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, line[1], sent.Get("Jcaad-Timestamp"))
	mac.Write(body)
	got := http.Header{"Jcaad-Signature": {"v1=" + hex.EncodeToString(mac.Sum(nil))}}
	for _, name := range []string{"Jcaad-Timestamp", "Idempotency-Key"} {
		got[name] = sent[name]
	}
	for name := range got {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the header %s is not named", name)
		}
	}
	key, err := notify.ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := notify.Verify(got, body, key, time.Now()); err != nil {
		t.Errorf("what the README computes: %v", err)
	}
	if !strings.Contains(between(t, text, "refuses a timestamp", "off"), "five minutes") ||
		notify.Window != 5*time.Minute {
		t.Error("the window is not five minutes")
	}
}

// exchange sends a notice, and returns its headers, its body, and the metrics after it.
func exchange(t *testing.T, secret string) (http.Header, []byte, string) {
	t.Helper()
	var header http.Header
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			header = r.Header.Clone()
			body, _ = io.ReadAll(r.Body)
		}
	}))
	defer receiver.Close()
	key, err := notify.ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	m := notify.NewMetrics()
	sender, err := notify.New(notify.Options{URL: receiver.URL, Key: key, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	n := flow.Notice{ID: "contoso.example/1/1", Kind: flow.NoticeDrift, Domain: "contoso.example", Text: "it differs"}
	if err := sender.Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	m.Step(federation.Done)
	m.Observe([]flow.State{{Domain: "contoso.example", Phase: flow.Watching, Watch: &flow.Watched{Known: true, Days: 30}}})
	client := &http.Client{Transport: m.Transport(notify.AzureAD, nil)}
	resp, err := client.Get(receiver.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if header.Get(notify.HeaderSignature) == "" || len(body) == 0 {
		t.Fatalf("the notice did not arrive: %v, %d bytes", header, len(body))
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return header, body, w.Body.String()
}

// TestREADMEMetrics: the metrics are those that are named.
func TestREADMEMetrics(t *testing.T) {
	text := receivers(t)
	_, _, told := exchange(t, strings.Repeat("0123456789abcdef", 2))
	there := matches(told, `(?m)^# TYPE (operator_\w+)`)
	if len(there) < 10 {
		t.Fatalf("the metrics are\n%s", told)
	}
	if diff := cmp.Diff(there, matches(text, "`(operator_\\w+)`")); diff != "" {
		t.Errorf("metrics that there are (-) and that are named (+): %s", diff)
	}
}

// TestREADMECustomers: the customers file is one, also with what is a comment in it.
func TestREADMECustomers(t *testing.T) {
	text, _ := readme(t)
	all := blocks(text, "yaml")
	if len(all) != 1 {
		t.Fatalf("%d files", len(all))
	}
	whole := regexp.MustCompile(`(?m)^    # (\w+: )`).ReplaceAllString(all[0], "    $1")
	if strings.Count(whole, "\n    standing: ")+strings.Count(whole, "\n    window: ") != 2 {
		t.Fatalf("nothing was in comments:\n%s", whole)
	}
	for what, tt := range map[string]struct {
		file     string
		standing int
	}{"as it is": {all[0], 0}, "with what is a comment": {whole, 1}} {
		f, err := customers.Parse([]byte(tt.file), "customers.yaml")
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		c, ok := f.ByDomain("contoso.example")
		if !ok || c.Mode != customers.Watch || len(c.Standing) != tt.standing || (c.Window != nil) != (tt.standing > 0) {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

// TestREADMEPrivileges: what a customer that is only watched needs is what the library says
// of reading, and what the others need is among what it says of writing.
func TestREADMEPrivileges(t *testing.T) {
	text, library := readme(t)
	const name = "`([^`.][^`]*\\.[^`]*|[a-z]+)`" // of a permission or a scope
	cell := func(row string, service int) []string {
		m := regexp.MustCompile(`(?m)^\| `+regexp.QuoteMeta(row)+`[^|]*\|([^|;]*)`).FindAllStringSubmatch(library, -1)
		if len(m) < 2 {
			t.Fatalf("there is no row %s of both services", row)
		}
		return matches(m[service*(len(m)-1)][1], name)
	}
	rows := regexp.MustCompile("(?m)^ *\\| `mode: (?:watch|manage)` \\|([^|]*)\\|([^|]*)\\|$").FindAllStringSubmatch(text, -1)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range []string{"`Preflight`, `Preview`", "`Federate`"} {
		for service := range 2 {
			want := cell(row, service)
			if diff := cmp.Diff(want, matches(rows[i][1+service], name)); diff != "" || len(want) == 0 {
				t.Errorf("%s: the library's (-), ours (+): %s", rows[i][0], diff)
			}
		}
	}
	if !strings.Contains(library, "\n## Before you run it on a live tenant\n") || !strings.Contains(library, "\n## What it will never do\n") {
		t.Error("the headings of the library that are referred to are not there")
	}
}
