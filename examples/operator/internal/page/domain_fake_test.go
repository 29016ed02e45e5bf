package page

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

const (
	contoso = "contoso.example"
	hashA   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	signs   = "1111111111111111111111111111111111111111111111111111111111111111"
)

// contosoRoles are ada, an admin; abe, who approves; vic, who views; and eve, of another
// customer.
func contosoRoles() *fake {
	f := newFake(
		approve.Grant{Actor: "ada", Customer: "Contoso", Role: approve.Admin}, approve.Grant{Actor: "abe", Customer: "Contoso",
			Role: approve.Approve},
		approve.Grant{Actor: "vic", Customer: "Contoso", Role: approve.View}, approve.Grant{Actor: "eve", Customer: "Fabrikam",
			Role: approve.Admin},
	)
	return f
}

// contosoState is a domain at which a proposal waits.
func contosoState() flow.State {
	return flow.State{
		Domain: contoso, Customer: "Contoso", Phase: flow.Approval, Mode: "manage", Found: federation.StateDiffers,
		Waits:   "somebody has to approve or reject",
		Open:    &flow.Open{Hash: hashA, Verb: federation.VerbFederate, Changes: 2, LockedOut: 1, Life: time.Hour},
		Watch:   &flow.Watched{Known: true, Days: 25, Replace: signs, Level: federation.Warning, Codes: []string{"certificate"}, Drift: 2},
		Reports: []data.Ref{{Name: "reports/contoso.example/20260301T080000.000000000Z-run1.json"}},
		Changed: then, Next: then.Add(time.Hour),
	}
}

// contosoProposal is the proposal of waiting.
func contosoProposal() *federation.Proposal {
	return &federation.Proposal{
		Version: 1, Verb: federation.VerbFederate, Domain: contoso, Tenant: "tenant-1", Organization: "org-1", Hash: hashA,
		Created: then.Add(-time.Hour), Expires: then.Add(71 * time.Hour),
		Changes: federation.Changes{
			{Resource: federation.ResGroup, Name: "Microsoft 365", Action: federation.Create, Fields: []federation.Field{{Name: "name",
				New: "Microsoft 365"}}},
			{Resource: federation.ResFederation, Name: contoso, Action: federation.Update,
				Fields: []federation.Field{{Name: "issuerUri", Old: "urn:old", New: "urn:uri:contoso.example"}}},
			{Resource: federation.ResMember, Name: "leaver", Action: federation.Remove},
		},
		Findings: []federation.Finding{
			{Code: federation.CodeLockOut, Severity: federation.Refusal, Subject: "one", Message: "one person is locked out",
				Consent: "lockOut", Consented: true},
			{Code: federation.CodeSignOut, Severity: federation.Warning, Subject: contoso, Message: "the sign-out URL is odd",
				Repair: "look at it"},
		},
		People: []federation.PersonFinding{{
			Code: "person-no-account", Severity: federation.Refusal, LockedOut: true, UserPrincipalName: "zoe@contoso.example", DisplayName: "Zoe",
			Evidence: "is not in JumpCloud", Repair: "create the user",
		}},
	}
}

// full fills a fake with one domain that has everything.
func contosoFake(t testing.TB) *fake {
	t.Helper()
	f := contosoRoles()
	s := contosoState()
	f.set(s, flow.State{Domain: "fabrikam.example", Customer: "Fabrikam", Phase: flow.Watching, Mode: "manage"})
	f.proposals[contoso] = contosoProposal()
	f.preflights[contoso] = contosoPreflight(t, manyPeople(300)...)
	f.reports[contoso] = s.Reports
	f.report[s.Reports[0].Name] = contosoReport()
	f.notes[contoso] = []string{"2026-03-01T08:00:00Z ada: asked by telephone"}
	f.entries = []audit.Entry{
		{Seq: 1, Time: then, Actors: []string{"ada"}, Customer: "Contoso", Domain: contoso, Verb: "pause", Outcome: "asked"},
		{Seq: 2, Time: then, Actors: []string{"mallory"}, Customer: "Initech", Domain: contoso, Verb: "pause",
			Outcome: "of who had the domain before"},
		{Seq: 3, Time: then, Actors: []string{"root"}, Domain: contoso, Verb: "reload", Outcome: "of no customer"},
	}
	f.file = contosoFile(t)
	return f
}

func contosoFile(t testing.TB) *customers.File {
	t.Helper()
	f, err := customers.Parse([]byte(`customers:
  - name: Contoso
    domain: contoso.example
    owner: grace
    labels: {tier: gold}
    mode: manage
    standing: [mend-ours]
    jumpCloud: {apiKey: env:A}
    azureAD: {tenant: t, clientID: c, clientSecret: env:B}
    plan: {mfa: rejectMfaByFederatedIdp, groups: [{name: Everyone}]}
`), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func contosoReport() *federation.Report {
	return &federation.Report{
		Version: 2, Verb: federation.VerbFederate, Plan: federation.Plan{Domain: contoso},
		Before: federation.StateManaged, After: federation.StateFederated,
		Started: then.Add(-time.Hour), Finished: then, Error: "the last step was refused",
		Steps: []federation.Step{
			{Change: contosoProposal().Changes[0], Outcome: federation.Done, ID: "g1", Started: then.Add(-time.Hour), Elapsed: time.Second,
				Attempts: 2, RequestID: "r1"},
			{Change: contosoProposal().Changes[1], Outcome: federation.Refused, Error: "no", Started: then.Add(-time.Hour)},
		},
		Findings: []federation.Finding{{Code: federation.CodeSignOut, Severity: federation.Warning, Message: "odd"}},
		Rows:     []federation.Row{{Number: 4, Title: "group", State: "done"}},
	}
}

// manyPeople are findings about many; the last of them is locked out.
func manyPeople(n int) (out []federation.PersonFinding) {
	for i := range n {
		out = append(out, federation.PersonFinding{
			Code: "person-name", Severity: federation.Info, UserPrincipalName: "p" + strings.Repeat("x", i%7) + thousands(i) + "@contoso.example",
			Evidence: "has another name", Repair: "none",
		})
	}
	out[n-1].LockedOut, out[n-1].UserPrincipalName, out[n-1].Code = true, "zoe@contoso.example", "person-no-account"
	return out
}

// contosoPreflight is one as it is read back from where it is stored.
func contosoPreflight(t testing.TB, people ...federation.PersonFinding) *federation.Preflight {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"version": 1, "domain": contoso, "time": then,
		"gates": []federation.Finding{{Code: federation.CodeDefaultDomain, Severity: federation.Refusal, Subject: contoso,
			Message: "it is the default domain"}},
		"people": map[string]any{"domain": contoso, "counts": federation.PeopleCounts{LockedOut: 1}, "findings": people},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := federation.ParsePreflight(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// element is an element of a page.
type element struct {
	name string
	attr map[string]string
}

var (
	elementTag   = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*>`)
	elementAttr  = regexp.MustCompile(`([a-zA-Z-]+)(?:="([^"]*)")?`)
	voidElements = []string{"meta", "link", "input", "br"}
)

// wellFormed reads a page strictly: every element is closed, no less-than sign is loose,
// nothing runs, and what a form or a table needs is there.
func wellFormed(t testing.TB, body string) []element {
	t.Helper()
	body = strings.TrimPrefix(body, "<!DOCTYPE html>")
	if rest := elementTag.ReplaceAllString(body, ""); strings.ContainsAny(rest, "<>") {
		i := strings.IndexAny(rest, "<>")
		t.Errorf("loose: %.60q", rest[i:])
	}
	var open []string
	var out []element
	ids := make(map[string]bool)
	for _, m := range elementTag.FindAllStringSubmatch(body, -1) {
		name := strings.ToLower(m[2])
		if m[1] != "" {
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
			continue
		}
		if !slices.Contains(voidElements, name) {
			open = append(open, name)
		}
		one := element{name, make(map[string]string)}
		for _, a := range elementAttr.FindAllStringSubmatch(m[3], -1) {
			one.attr[a[1]] = a[2]
			if strings.HasPrefix(a[1], "on") || a[1] == "style" {
				t.Errorf("<%s> has %s", name, a[1])
			}
		}
		if id := one.attr["id"]; id != "" {
			if ids[id] {
				t.Errorf("two have the id %s", id)
			}
			ids[id] = true
		}
		out = append(out, one)
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
	labels := make(map[string]bool)
	for _, one := range out {
		if one.name == "label" {
			labels[one.attr["for"]] = true
		}
	}
	tables, captions, level := 0, 0, 0
	for _, one := range out {
		switch a := one.attr; {
		case slices.Contains([]string{"input", "select", "textarea"}, one.name) && a["type"] != "hidden" && !labels[a["id"]]:
			t.Errorf("<%s name=%q> has no label", one.name, a["name"])
		case one.name == "label" && !ids[a["for"]]:
			t.Errorf("a label is for %q, which is not there", a["for"])
		case one.name == "th" && a["scope"] == "":
			t.Error("a <th> has no scope")
		case len(one.name) == 2 && one.name[0] == 'h' && one.name[1] >= '1' && one.name[1] <= '6':
			now := int(one.name[1] - '0')
			if now > level+1 && level > 0 {
				t.Errorf("<%s> follows <h%d>", one.name, level)
			}
			level = now
		case one.name == "table":
			tables++
		case one.name == "caption":
			captions++
		case one.name == "script" && a["src"] != "/static/live.js", one.name == "img", one.name == "iframe", one.name == "object":
			t.Errorf("<%s> %v", one.name, a)
		case strings.Contains(strings.ToLower(a["href"]+a["action"]+a["src"]), "javascript:"):
			t.Errorf("an address runs a script: %v", a)
		}
	}
	if tables != captions {
		t.Errorf("%d tables and %d captions", tables, captions)
	}
	return out
}

// forms are the addresses that the forms of a page are sent to.
func (a answer) forms() (out []string) {
	for _, f := range formTag.FindAllStringSubmatch(a.body, -1) {
		out = append(out, f[1])
	}
	return out
}

// shows asserts that a page has a text.
func (a answer) shows(t testing.TB, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(a.body, w) {
			t.Errorf("%s does not show %q", a.url, w)
		}
	}
}

func (a answer) hides(t testing.TB, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(a.body, w) {
			t.Errorf("%s shows %q", a.url, w)
		}
	}
}

// asked opens the page of a domain, fills in one of its forms and sends it.
func asked(t testing.TB, srv *httptest.Server, who, verb string, more url.Values) answer {
	t.Helper()
	b := as(t, srv, who)
	form := b.get("/domain/"+contoso).form(t, "/domain/"+contoso+"/"+verb)
	for k, v := range more {
		form[k] = v
	}
	return b.post("/domain/"+contoso+"/"+verb, form)
}
