package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
)

var update = flag.Bool("update", false, "write the golden files anew")

// program runs the program, in the folder of the test.
func program(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

var thumbprint = regexp.MustCompile(`\b[0-9A-F]{40}\b`)

// golden holds a text, but for the thumbprints of certificates, against a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	got = thumbprint.ReplaceAllString(got, "0123456789ABCDEF0123456789ABCDEF01234567")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// captured is what the browser had in its hands when Ada signed in at 9:00, and the
// tenant to which she did.
var captured = sync.OnceValue(func() (c struct{ page, field, xml, tenant string }) {
	ctx, cancel := contextOf()
	defer cancel()
	st, err := newStage(ctx)
	if err != nil {
		panic(err)
	}
	posted, _, err := st.signIn(ctx, "ada.abbott")
	if err != nil {
		panic(err)
	}
	c.page = posting(posted)
	fields, err := url.ParseQuery(posted)
	if err != nil {
		panic(err)
	}
	c.field = fields.Get("SAMLResponse")
	b, err := base64.StdEncoding.DecodeString(c.field)
	if err != nil {
		panic(err)
	}
	c.xml = string(b)
	f, _ := st.env.AzureAD.Federation(st.env.Domain)
	fed, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	users, err := json.Marshal(st.env.AzureAD.Users())
	if err != nil {
		panic(err)
	}
	c.tenant = fmt.Sprintf(`{"domains": [{"name": "example.com", "root": "example.com", "federation": %s}], "users": %s, "mfa": "no",
		"policy": {"validatingDomains": {"rootDomains": "all"}}}`, fed, users)
	return c
})

// posting is a page whose form posts what was posted.
func posting(posted string) string {
	fields, err := url.ParseQuery(posted)
	if err != nil {
		panic(err)
	}
	return `<!DOCTYPE html><html><body><form method="post" action="` + login + `"><input type="hidden" name="SAMLResponse" value="` +
		html.EscapeString(fields.Get("SAMLResponse")) + `"><button type="submit">Go on</button></form></body></html>`
}

const login = "https://login.microsoftonline.com/login.srf"

// har is an archive of requests: method, address, body.
func har(entries ...[3]string) string {
	type m = map[string]any
	var all []m
	for i, e := range entries {
		all = append(all, m{"startedDateTime": fmt.Sprintf("2026-03-02T09:00:0%d.250Z", i),
			"request": m{"method": e[0], "url": e[1], "postData": m{"text": e[2]}}})
	}
	b, err := json.Marshal(m{"log": m{"entries": all}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// files writes files into a new folder, and goes there. It returns the folder of the
// golden files.
func files(t *testing.T, all map[string]string) string {
	t.Helper()
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, text := range all {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// TestDemo: without an argument, whatever standard input is, three sign-ins fail and
// one succeeds, the same each time.
func TestDemo(t *testing.T) {
	code, out, errs := program(t, "SAMLResponse=x")
	if code != exitDone || errs != "" {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	golden(t, filepath.Join("testdata", "demo.txt"), out)
	for _, s := range scenes[:3] {
		if !strings.Contains(out, "\nRefused with "+s.want) {
			t.Errorf("no refusal with %s", s.want)
		}
	}
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(line); n > 111 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

// TestGolden shows one refusal in all forms: Ben's answer was posted, of two messages
// in a HAR, and the tenant knows another issuer, and nobody.
func TestGolden(t *testing.T) {
	c := captured()
	ten := strings.ReplaceAll(c.tenant, `"urn:uri:example.com"`, `"urn:uri:Example.com"`)
	ten = ten[:strings.Index(ten, `"users"`)] + `"users": []}`
	body := "SAMLResponse=" + url.QueryEscape(c.field)
	data := files(t, map[string]string{
		"tenant.json": ten,
		"signin.har": har([3]string{"GET", "https://sso.jumpcloud.com/saml2/example-com", ""}, [3]string{"POST", login, body},
			[3]string{"POST", "https://example.org/acs", body}),
		"page.txt": "Sorry, but we're having trouble signing you in.\nAADSTS51004: The user account x does not exist in the y directory.\n" +
			"Trace ID: 00050107-aaaa\nand AADSTS99999999 was seen",
	})
	for form, ext := range map[string]string{"table": "txt", "json": "json", "markdown": "md"} {
		code, out, errs := program(t, "", "-tenant", "tenant.json", "signin.har", "-o", form)
		if code != exitRefused || errs != "" {
			t.Errorf("exit code %d\n%s", code, errs)
		}
		golden(t, filepath.Join(data, "refused."+ext), out)
		code, out, errs = program(t, "", "page.txt", "-o="+form)
		if code != exitDone || errs != "" {
			t.Errorf("exit code %d\n%s", code, errs)
		}
		golden(t, filepath.Join(data, "explained."+ext), out)
	}
	code, out, _ := program(t, body, "-at", "2026-03-02 09:01", "-")
	if code != exitCannotSay {
		t.Errorf("exit code %d without a tenant", code)
	}
	golden(t, filepath.Join(data, "no-tenant.txt"), out)
}

// TestInputs reads one answer in the forms in which people have it, by the tenant that
// accepts it.
func TestInputs(t *testing.T) {
	c := captured()
	body := "SAMLResponse=" + url.QueryEscape(c.field) + "&RelayState=x"
	tracer, err := json.Marshal(map[string]any{"requests": []any{map[string]any{"method": "POST", "url": login,
		"post": [][]string{{"SAMLResponse", c.field}}}}})
	if err != nil {
		t.Fatal(err)
	}
	folded := regexp.MustCompile(`.{76}`).ReplaceAllString(c.field, "$0\r\n")
	files(t, map[string]string{"tenant.json": c.tenant, "xml": c.xml})
	at := []string{"-tenant", "tenant.json", "-at", "2026-03-02T10:01:00+01:00"}
	for _, test := range []struct {
		name, in string
		args     []string
		code     int
		says     []string
	}{
		{"XML", c.xml, at, exitDone, []string{"Accepted: Azure AD signs ada.abbott@example.com in", "standard input, XML",
			"09:01:00 UTC, as -at says"}},
		{"markup", html.EscapeString(c.xml), at, exitDone, []string{"Accepted"}},
		{"field", c.field, at, exitDone, []string{"Accepted"}},
		{"field in lines", folded, at, exitDone, []string{"Accepted"}},
		{"body", body, at, exitDone, []string{"Accepted", "the field SAMLResponse"}},
		{"page", c.page, at, exitDone, []string{"Accepted", "posted to " + login}},
		{"SAML-tracer", string(tracer), at, exitDone, []string{"Accepted"}},
		{"HAR", har([3]string{"POST", login, body}), at[:2:2], exitDone, []string{"Accepted", "09:00:00 UTC, as the HAR says"}},
		{"HAR at another time", har([3]string{"POST", login, body}), append([]string{"-at", "2026-03-02T12:00"}, at[:2:2]...), exitRefused,
			[]string{"Refused with AADSTS500089", "side the identity provider's clock", "expired at", "12:00:00 UTC, as -at says"}},
		{"HAR, posted elsewhere", har([3]string{"POST", "https://example.org/", body}, [3]string{"POST", "https://example.net/", body}),
			at, exitDone,
			[]string{"the last of 2 messages, as none was posted to login.srf", "doubtful"}},
		{"now", c.xml, at[:2:2], exitRefused, []string{"which is now", "Refused with AADSTS500089",
			"If the message was posted at another time", "-at TIME"}},
		{"changed", strings.Replace(c.xml, "ada.abbott@", "ben.baker@", 1), at, exitRefused,
			[]string{"Refused with AADSTS50006", "was changed after it was signed", "side the identity provider, or what lies between",
				"All of this is unproved"}},
		{"wrapped", wrap(t, c.xml), at, exitRefused, []string{"ATTACK?", "forged", "wrapping"}},
		{"document type", "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + c.xml, at, exitCannotSay, []string{"ATTACK?",
			"document type"}},
		{"broken", c.xml[:len(c.xml)/2], at, exitCannotSay, []string{"Cannot say", "not well-formed"}},
		{"no tenant, expired", c.xml, nil, exitRefused, []string{"Refused, with AADSTS500089 if nothing before it is", "Give -tenant FILE"}},
		{"no tenant", body, at[2:], exitCannotSay, []string{"Cannot say, because the tenant is not known", "it names the certificate ",
			"Give -tenant FILE"}},
		{"second factor", body, append([]string{"-mfa=yes"}, at...), exitDone, []string{"which is no second factor: Azure AD asks " +
			"for a second factor itself"}},
		{"a code beside", c.xml + "<!-- AADSTS50105 -->", at, exitDone, []string{"Accepted", "AADSTS50105: the user is not assigned"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := program(t, test.in, append(slices.Clip(test.args), "-")...)
			if code != test.code || errs != "" {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, errs, out)
			}
			for _, s := range test.says {
				if flat := strings.Join(strings.Fields(out), " "); !strings.Contains(flat, s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
			whole(t, c.xml, out)
		})
	}
}

// whole demands that an output has no large part of a message.
func whole(t *testing.T, xml, out string) {
	t.Helper()
	parts := regexp.MustCompile(`SignatureValue>([^<]+)<|X509Certificate>([^<]+)<|SessionIndex="([^"]+)"`)
	for _, part := range parts.FindAllStringSubmatch(xml, -1) {
		if s := part[1] + part[2] + part[3]; strings.Contains(out, s[:min(len(s), 24)]) {
			t.Errorf("the output has %.24s… of the message", s)
		}
	}
	if strings.Contains(out, "<saml") || strings.Contains(out, ":Assertion") {
		t.Error("the output quotes the message")
	}
}

// wrap puts a forged assertion in front of the signed one.
func wrap(t *testing.T, xml string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<[\w:]*Assertion .*</[\w:]*Assertion>`).FindString(xml)
	if m == "" {
		t.Fatal("no assertion")
	}
	forged := regexp.MustCompile(`(?s)<[\w:]*Signature .*?</[\w:]*Signature>`).ReplaceAllString(m, "")
	forged = regexp.MustCompile(` ID="[^"]*"`).ReplaceAllString(forged, ` ID="_forged"`)
	end := regexp.MustCompile(`</[\w:]*Assertion>$`).FindString(forged)
	return strings.Replace(xml, m, strings.TrimSuffix(forged, end)+m+end, 1)
}

// TestBad: what cannot be used is an error that says why, and what to do.
func TestBad(t *testing.T) {
	c := captured()
	files(t, map[string]string{
		"tenant.json": c.tenant, "x.xml": c.xml, "empty": "", "note.txt": "nothing in here but the number 50107",
		"no-response.har": har([3]string{"GET", "https://www.office.com/", ""}, [3]string{"POST", login, "ctx=1"}, [3]string{"POST",
			"https://x.example/", ""}),
		"request.xml": `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"/>`,
		"binary":      "\xff\xfe\x00\x01\x02",
		"list.json":   `[1, 2]`, "object.json": `{"a": 1}`,
		"huge.har":       `{"log": ` + strings.Repeat(" ", signin.MaxInput) + `}`,
		"huge.xml":       "<a>" + strings.Repeat("x", 2<<20) + "</a>",
		"mistyped.json":  `{"domains": [{"name": "example.com"}], "usres": []}`,
		"no-domain.json": `{"users": []}`,
		"plan.yaml":      "domain: example.com\nmfa: acceptIfMfaDoneByFederatedIdp\nfoo: 1\n",
		"no-mfa.yaml":    "domain: example.com\n",
	})
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"-v"}, []string{"name the file"}},
		{[]string{""}, []string{"name the file"}},
		{[]string{"a", "b"}, []string{"one file", "2"}},
		{[]string{"-format", "json", "x.xml"}, []string{"not defined: -format", "signin -h"}},
		{[]string{"-o", "yaml", "x.xml"}, []string{`"yaml" is none of table, json, markdown`}},
		{[]string{"-at", "yesterday", "x.xml"}, []string{`"yesterday"`, "2026-03-02T09:01:00Z"}},
		{[]string{"-at", "1709370060", "x.xml"}, []string{"this is no time"}},
		{[]string{"-mfa", "perhaps", "x.xml"}, []string{"yes or no"}},
		{[]string{"-tenant", "tenant.json", "-live", "x.xml"}, []string{"leave out -plan and -live"}},
		{[]string{"-certificate", "c.pem", "x.xml"}, []string{"-certificate is for -plan"}},
		{[]string{"-certificate", "c.pem", "-plan", "plan.yaml", "-live", "x.xml"}, []string{"-certificate is for -plan"}},
		{[]string{"-tenant", "-", "-"}, []string{"only one of the files"}},
		{[]string{"-cloud", "moon", "x.xml"}, []string{`"moon" is none of`}},
		{[]string{"missing"}, []string{"cannot be read", "missing"}},
		{[]string{"empty"}, []string{"nothing to judge or to explain in empty", "found: nothing", "the input is empty", "What to do"}},
		{[]string{"note.txt"}, []string{"found: text, 36 bytes", "neither XML, nor a field SAMLResponse", "Preserve log"}},
		{[]string{"no-response.har"}, []string{"a HAR of 3 requests, of which 2 are POSTs, 1 of these to login.srf",
			"no response of an identity provider"}},
		{[]string{"request.xml"}, []string{"markup", "AuthnRequest", "a request and no answer"}},
		{[]string{"binary"}, []string{"no text, 5 bytes"}},
		{[]string{"list.json"}, []string{"text, 6 bytes"}},
		{[]string{"object.json"}, []string{"JSON, 8 bytes"}},
		{[]string{"huge.har"}, []string{"more than 64 MiB"}},
		{[]string{"huge.xml"}, []string{"markup, 2 MiB", "too many"}},
		{[]string{"-tenant", "nowhere.json", "x.xml"}, []string{"the tenant cannot be read", "nowhere.json"}},
		{[]string{"-tenant", "empty", "x.xml"}, []string{"empty: the tenant is empty"}},
		{[]string{"-tenant", "mistyped.json", "x.xml"}, []string{"mistyped.json: this is no tenant", `unknown field "usres"`}},
		{[]string{"-tenant", "no-domain.json", "x.xml"}, []string{"no domains"}},
		{[]string{"-plan", "plan.yaml", "x.xml"}, []string{"foo", "no such field"}},
		{[]string{"-plan", "no-mfa.yaml", "x.xml"}, []string{"MFA"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, out, errs := program(t, "", test.args...)
			if code != exitUsage || out != "" {
				t.Errorf("exit code %d, and %q on standard output", code, out)
			}
			flat := strings.Join(strings.Fields(errs), " ")
			for _, s := range test.says {
				if !strings.Contains(flat, s) {
					t.Errorf("it does not say %q:\n%s", s, errs)
				}
			}
			if len(errs) > 2000 {
				t.Errorf("%d bytes", len(errs))
			}
		})
	}
}

// TestHelp: -h tells the flags, and asks nobody.
func TestHelp(t *testing.T) {
	code, out, errs := program(t, "", "-h")
	if code != exitDone || errs != "" {
		t.Errorf("exit code %d, %s", code, errs)
	}
	for _, s := range []string{"signin -tenant TENANT FILE", "Exit codes", "-at time", "-mfa yes|no", "-graph-token-env"} {
		if !strings.Contains(out, s) {
			t.Errorf("no %q in:\n%s", s, out)
		}
	}
	if strings.Contains(out, "jumpcloud-url") {
		t.Error("JumpCloud is not asked")
	}
}

// TestNarrow: on a narrow terminal no line is longer, but for one word.
func TestNarrow(t *testing.T) {
	c := captured()
	files(t, map[string]string{"tenant.json": strings.ReplaceAll(c.tenant, `"saml"`, `"wsFed"`), "x.xml": c.xml})
	t.Setenv("COLUMNS", "60")
	code, out, _ := program(t, "", "-tenant", "tenant.json", "-at", "2026-03-02T09:01:00Z", "x.xml")
	if code != exitRefused || !strings.Contains(out, "AADSTS50107") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if utf8.RuneCountInString(line) > 60 && len(strings.Fields(line)) > 1 {
			t.Errorf("too long: %q", line)
		}
	}
}
