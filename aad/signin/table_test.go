package signin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jcaad/jcaad/aad/signin"
)

// page is the table of the package's page.
type page struct {
	rows    []pageRow
	sources map[string]string // what a source is called there, and how it begins in full
}

type pageRow struct {
	topic, wanted, result string
	codes, sources        []string
}

// readPage reads the table once for all tests.
var readPage = sync.OnceValue(func() *page {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		panic(err)
	}
	p := &page{sources: map[string]string{"-": ""}}
	columns := regexp.MustCompile(`^//\t(.{9})  (.{52})  (.{9})  (.{15})  (\S.*)$`)
	source := regexp.MustCompile(`^//\t(\S+(?: \S+)*)  +(\S.*)$`)
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if m := columns.FindStringSubmatch(line); m != nil {
			if m[3] == "if not so" {
				continue
			}
			p.rows = append(p.rows, pageRow{topic: strings.TrimSpace(m[1]), wanted: strings.TrimSpace(m[2]), result: strings.TrimSpace(m[3]),
				codes: strings.FieldsFunc(m[4], func(r rune) bool { return r < '0' || r > '9' }), sources: strings.Split(m[5], ", ")})
		} else if m := source.FindStringSubmatch(line); m != nil && len(p.rows) > 0 {
			p.sources[m[1]] = m[2]
		}
	}
	return p
})

// inTable demands that the table has each check of a verdict that is not good: topic,
// result, code and source.
func inTable(t testing.TB, v *signin.Verdict) {
	t.Helper()
	p := readPage()
	for _, c := range v.Checks {
		if c.Result == signin.Good || c.Result == signin.Unknown && c.Code == "" && c.Source == "" {
			continue
		}
		found := false
		for _, r := range p.rows {
			code := strings.TrimPrefix(c.Code, "AADSTS")
			ok := r.topic == string(c.Topic) && r.result == c.Result.String() && (code == "" && len(r.codes) == 0 || slices.Contains(r.codes,
				code))
			if ok && slices.ContainsFunc(r.sources, func(s string) bool { return fullSource(p.sources[s], c.Source) }) {
				found = true
			}
		}
		if !found {
			t.Errorf("the table of the page has no row for %s, %v, code %q, source %q: %s", c.Topic, c.Result, c.Code, c.Source, c.Found)
		}
	}
}

// fullSource reports whether a line of the page tells a source.
func fullSource(line, source string) bool {
	words := map[string]string{
		"and reports of the loop in which the browser is caught": "Microsoft: Satisfy multifactor authentication controls with MFA claims " +
			"from a federated IdP; reports of the loop",
		"the same, and two reports of the protocol as the cause": "Microsoft: support notes on the issuer claim; two reports of the " +
			"protocol as the cause",
		"six that were published": "six working set-ups that were published",
		"recorded answers of it":  "recorded answers of AD FS",
		"the standard":            "XML Signature",
	}
	if w := words[line]; w != "" {
		line = w
	}
	return line != "" && (source == line || strings.HasPrefix(source, line+"; the meaning"))
}

// TestChecksTable holds the table of the package's page to the code: the topics in their
// order, the codes of the source, and each source explained. The other tests hold what
// the judge tells of mutations, tenants and attacks to it: inTable.
func TestChecksTable(t *testing.T) {
	p := readPage()
	order := []signin.Topic{signin.TopicMessage, signin.TopicRealm, signin.TopicProtocol, signin.TopicSignature, signin.TopicLifetime,
		signin.TopicAudience, signin.TopicRecipient, signin.TopicSubject, signin.TopicUser, signin.TopicMFA, signin.TopicPolicy}
	at, codes, used := 0, make(map[string]bool), make(map[string]bool)
	for _, r := range p.rows {
		for at < len(order) && string(order[at]) != r.topic {
			at++
		}
		if at == len(order) {
			t.Fatalf("%s, %s: not in the order of the topics", r.topic, r.wanted)
		}
		for _, c := range r.codes {
			codes["AADSTS"+c] = true
		}
		for _, s := range r.sources {
			used[s] = true
			if _, ok := p.sources[s]; !ok {
				t.Errorf("%s: the page does not say what %q is", r.wanted, s)
			}
		}
	}
	if len(p.rows) < 60 {
		t.Errorf("only %d rows were read", len(p.rows))
	}
	for s := range p.sources {
		if !used[s] {
			t.Errorf("no row has the source %q", s)
		}
	}
	inCode := make(map[string]bool)
	literal := regexp.MustCompile(`"(AADSTS\d+)"`)
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "codes.go" {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(b), -1) {
			inCode[m[1]] = true
		}
	}
	for c := range inCode {
		if !codes[c] {
			t.Errorf("no row has the code %s", c)
		}
		if e := signin.Explain(c); len(e) != 1 || e[0].Source == "" {
			t.Errorf("%s is not explained", c)
		}
	}
	for c := range codes {
		if !inCode[c] {
			t.Errorf("no check has the code %s", c)
		}
	}
}
