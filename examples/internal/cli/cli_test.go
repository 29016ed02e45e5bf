package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

func TestParsePlan(t *testing.T) {
	const good = `
domain: example.com
mfa: acceptIfMfaDoneByFederatedIdp
groups: [{name: Everyone, members: [ada@example.com]}]
application: {label: L, idpEntityID: 'urn:x', loginURL: 'https://x', template: office365, id: a}
directory: {name: D, rules: [user_department], groups: [Everyone], defaultDomain: example.com, id: d}
brandName: B
signOutURL: https://s
defaultDomain: contoso.onmicrosoft.com
technicalAccount: {userPrincipalName: t@contoso.onmicrosoft.com, displayName: T, create: true}
consent: {takeOver: true, recover: true, noBreakGlass: true, directorySync: true, removeNextCertificate: true,
  certificate: [expired], lockOut: {people: [uma@example.com], atMost: 2}}
`
	p, err := ParsePlan([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := federation.Plan{
		Domain: "example.com", MFA: aad.AcceptIfMFADoneByFederatedIdP,
		Groups:      []federation.Group{{Name: "Everyone", Members: []string{"ada@example.com"}}},
		Application: federation.Application{Label: "L", IdPEntityID: "urn:x", LoginURL: "https://x", Template: "office365", ID: "a"},
		Directory:   federation.Directory{Name: "D", Rules: []string{"user_department"}, Groups: []string{"Everyone"}, DefaultDomain: "example.com", ID: "d"},
		BrandName:   "B", SignOutURL: "https://s", DefaultDomain: "contoso.onmicrosoft.com",
		TechnicalAccount: federation.TechnicalAccount{UserPrincipalName: "t@contoso.onmicrosoft.com", DisplayName: "T", Create: true},
		Consent: federation.Consent{
			TakeOver: true, Recover: true, NoBreakGlass: true, DirectorySync: true, RemoveNextCertificate: true,
			Certificate: []string{"expired"}, LockOut: federation.LockOut{People: []string{"uma@example.com"}, AtMost: 2},
		},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("ParsePlan = %+v\nwant %+v", p, want)
	}
	for text, says := range map[string]string{
		"":                                     "empty",
		"# nothing":                            "empty",
		"domain: a.example\nconsent: {all: 1}": "all",
		"domain: [":                            "no plan",
		"- a":                                  "no plan",
		"domain: a.example\n---\ndomain: b.example\n": "more than one document",
		"domain: a.example\nbad: [":                   "no plan",
		"domian: a.example":                           `line 1, column 1: domian: no such field; did you mean "domain"?`,
		"mfa: a\nmfa: b":                              "line 2, column 1: mfa: doubled: it is there already on line 1",
		"groups:\n  - name:\n":                        "line 2, column 10: groups[0].name: text is wanted, and there is no value",
		"consent:\n  takeOver: yes":                   `line 2, column 13: consent.takeOver: true or false is wanted, this is the text "yes"`,
		"consent: {takeOver: \"true\"}":               "true or false is wanted",
		"consent: {lockOut: {atMost: 010}}":           "decimal digits is wanted, this is 010",
		"domain: !!binary YQ==":                       `of the kind "!!binary"`,
		"domain: !!int 3":                             `of the kind "!!int"`,
		"groups: !set {a}":                            `of the kind "!set"`,
		"directory: &d {name: D, rules: *d}":          "directory.rules: a list is wanted, this has fields",
		"directory: {<<: {name: D}}":                  "directory.<<: no such field",
		`{"groups": [{"name": 123}]}`:                 "groups[0].name: text is wanted, this is 123",
		`{"mfa": "a", "mfa": "b"}`:                    "mfa: doubled",
		"domian: a\ngruops: []":                       `line 2, column 1: gruops: no such field; did you mean "groups"?`,
	} {
		if _, err := ParsePlan([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParsePlan(%q) = %v; want an error that says %q", text, err, says)
		}
	}
	if _, err := ParsePlan([]byte("\ufeff{\"domain\": \"example.com\"}\n")); err != nil {
		t.Errorf("a plan in JSON: %v", err)
	}
	// What YAML takes for something else is text where text is wanted; below a name there may be nothing.
	p, err = ParsePlan([]byte("domain: 1e3.example\ngroups: [{name: 0123}, {name: true}, {name: 2024-01-01, members: &m [a@b]}, {name: 'n', members: *m}]\n" +
		"brandName: yes\nconsent:\n  # takeOver: true\napplication: {label: !!str 7}\n"))
	want = federation.Plan{
		Domain: "1e3.example", BrandName: "yes", Application: federation.Application{Label: "7"},
		Groups: []federation.Group{{Name: "0123"}, {Name: "true"}, {Name: "2024-01-01", Members: []string{"a@b"}}, {Name: "n", Members: []string{"a@b"}}},
	}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("ParsePlan = %+v, %v\nwant %+v", p, err, want)
	}
}

func TestWriteJSON(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := CheckNew(path); err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(path, &federation.Report{Version: 1, Plan: federation.Plan{Domain: "example.com"}}); err != nil {
		t.Fatal(err)
	}
	if err := CheckNew(path); err == nil {
		t.Error("CheckNew does not see the file")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if rep, err := ReadReport(path); err != nil || rep.Plan.Domain != "example.com" {
		t.Errorf("ReadReport = %+v, %v", rep, err)
	}
	if err := WriteJSON(filepath.Join(dir, "bad"), func() {}); err == nil {
		t.Error("a function was written as JSON")
	}
	if err := WriteJSON(filepath.Join(dir, "none", "r"), 1); err == nil {
		t.Error("a file was written into a folder that does not exist")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left, want 1", len(files))
	}
}

func TestExplain(t *testing.T) {
	s := &Services{Region: "eu", GraphTokenEnv: "TOKEN"}
	denied := &jumpcloud.Error{Op: "GET /api/x", StatusCode: 403, Message: "no", Scope: "applications", RequestID: "ray-1"}
	change := federation.Change{Resource: federation.ResApplication, Name: "urn:x", Action: federation.Create}
	for _, c := range []struct {
		name string
		err  error
		says []string
	}{
		{"step", &federation.StepError{Phase: federation.PhaseApply, Change: change, Err: denied},
			[]string{"JumpCloud answered", "GET /api/x", "403 Forbidden: no", "applications", "ray-1", "what to do", `The run stopped at: apply create jumpcloud/application "urn:x"`}},
		{"both", errors.Join(denied, denied, &aad.Error{Op: "GET domains", StatusCode: 429, RequestID: "g-1"}),
			[]string{"JumpCloud answered", "Azure AD answered", "429 Too Many Requests", "g-1", "come back later"}},
		{"other region", &jumpcloud.Error{Op: "GET /api/x", StatusCode: 401}, []string{"it is eu"}},
		{"no answer", fmt.Errorf("federation: %w", &aad.Error{Op: "GET domains", Err: io.ErrUnexpectedEOF}), []string{"Azure AD could not be asked", "unexpected EOF"}},
		{"step without service", &federation.StepError{Phase: federation.PhaseWait, Change: change, Err: federation.ErrNotConverged}, []string{"The run stopped at: wait", "does not show yet"}},
		{"not confirmed", fmt.Errorf("federation: %w: %w", federation.ErrNotConfirmed, errors.New("no")), []string{"Not confirmed: no", "nothing was written"}},
		{"refused", &federation.PreconditionError{Findings: []federation.Finding{{Message: "m1", Repair: "r1", Consent: "takeOver"}, {Message: "m2"}}},
			[]string{"Refused; nothing was written. 2 things", "  1. m1", "what to do:  r1", "consent.takeOver", "  2. m2"}},
		{"refused late", &federation.StepError{Phase: federation.PhaseApply, Change: change,
			Err: &federation.PreconditionError{Findings: []federation.Finding{{Message: "m1"}}}},
			[]string{"Refused before the domain was switched. One thing", "  1. m1", "The run stopped at: apply create", "what to do", "mend"}},
		{"anything", errors.New("federation: something"), []string{"Something"}},
	} {
		var b strings.Builder
		s.Explain(&b, c.err)
		rest := b.String()
		for _, text := range c.says {
			i := strings.Index(rest, text)
			if i < 0 {
				t.Errorf("%s: no %q, or not in order, in:\n%s", c.name, text, b.String())
				break
			}
			rest = rest[i:]
		}
		if strings.Count(b.String(), "JumpCloud answered") > 1 {
			t.Errorf("%s: told twice:\n%s", c.name, b.String())
		}
	}
}

func TestFindingsAreCut(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	pre, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	Findings(&b, pre, 1)
	if !strings.Contains(b.String(), fmt.Sprintf("and %d more", pre.People.Len()-1)) {
		t.Errorf("it does not say how many are left out:\n%s", b.String())
	}
	b.Reset()
	Findings(&b, &federation.Preflight{}, 1)
	if !strings.Contains(b.String(), "no findings") {
		t.Errorf("an empty preflight: %q", b.String())
	}
}

// console is a terminal that keeps what was written.
type console struct{ strings.Builder }

func (*console) IsTerminal() bool { return true }

func TestProgress(t *testing.T) {
	events := []federation.Event{
		{Phase: federation.PhaseObserve, Text: "reading"},
		{Phase: federation.PhaseCheck, Text: "reading people", Done: 5, Total: 10},
		{Phase: federation.PhaseCheck, Text: "compared", Done: 10, Total: 10},
		{Phase: federation.PhaseConfirm},
		{Phase: federation.PhaseApply, Change: &federation.Change{Resource: federation.ResGroup, Name: "G", Action: federation.Create}},
		{Phase: federation.PhaseApply, Change: &federation.Change{Resource: federation.ResGroup, Name: "G", Action: federation.Create}, Elapsed: 1},
		{Phase: federation.PhaseWait, Attempt: 2, Err: errors.New("late")},
		{Phase: federation.PhaseDone, Text: "1 change made"},
	}
	var plain strings.Builder
	p := NewProgress(&plain)
	for _, e := range events {
		p.Event(e)
	}
	p.Close()
	if n := strings.Count(plain.String(), "\n"); n != 4 || strings.ContainsAny(plain.String(), "\r\x1b") {
		t.Errorf("%d lines, want 4 without control characters:\n%s", n, plain.String())
	}
	for _, s := range []string{"reading", `row 4  create jumpcloud/group "G" (0.00 s)`, "(look 2): late", "1 change made"} {
		if !strings.Contains(plain.String(), s) {
			t.Errorf("no %q in:\n%s", s, plain.String())
		}
	}
	var term console
	p = NewProgress(&term)
	for _, e := range events {
		p.Event(e)
	}
	p.Close()
	if !strings.Contains(term.String(), "[##########          ] 5 of 10") || !strings.Contains(term.String(), "\r\x1b[K") {
		t.Errorf("nothing moves on a terminal:\n%q", term.String())
	}
}
