package page

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// The page of a domain says everything about it.
func TestDomainPage(t *testing.T) {
	f := contosoFake(t)
	srv := site(t, f)
	page := as(t, srv, "ada").get("/domain/" + contoso)
	if page.status != http.StatusOK {
		t.Fatalf("status %d\n%s", page.status, page.body)
	}
	wellFormed(t, page.body)
	page.shows(t,
		"<h1>contoso.example</h1>", "Contoso", "grace", "tier: gold", "mend-ours", "A proposal waits for an approval", "somebody has to approve",
		"differs: people sign in", "25 days are left", "2 settings are not as the plan says", signs, "2026-03-14 10:00 UTC",
		"aaaaaaaaaaaa", hashA, "Good until", "2026-03-17 08:00 UTC", "3 days", "tenant tenant-1, organisation org-1",
		"JumpCloud: group", "<strong>create</strong>", "before:</span> urn:old",
		"after:</span> urn:uri:contoso.example", "<strong>remove</strong>",
		"zoe@contoso.example", "is not in JumpCloud", "one person is locked out", "the sign-out URL is odd", "What to do: look at it",
		"it is the default domain", "Who would be locked out", "asked by telephone", "pause", "managed → federated", "failed: 1 step done",
		"/audit?domain=contoso.example", "/domain/contoso.example/evidence",
	)
	page.hides(t, "mallory", "root", "of no customer", "Nobody would be locked out", "px1@contoso.example")
	for _, action := range []string{"approve", "reject", "pause", "note", "look", "revert", "rotate", "retire"} {
		if !slices.Contains(page.forms(), "/domain/contoso.example/"+action) {
			t.Errorf("no form to %s", action)
		}
	}
	if slices.Contains(page.forms(), "/domain/contoso.example/resume") {
		t.Error("it is not paused, and can be resumed")
	}
}

// What is live is the same as in the page, and holds nothing that somebody types into.
func TestDomainParts(t *testing.T) {
	f := contosoFake(t)
	s := contosoState()
	s.Phase, s.Open = flow.Running, nil
	s.Problem = &flow.Problem{Class: federation.ClassPeople, Code: "denied", Text: "the credential is refused"}
	s.Failures, s.Failing = 3, time.Hour
	s.Approved = &flow.Approved{Open: flow.Open{Verb: federation.VerbFederate, Changes: 2}}
	s.Layers = []flow.Layer{{Name: federation.LayerRealm, Status: federation.Late}, {Name: federation.LayerPeople, Status: federation.Good}}
	s.Verification = new(s.Reports[0])
	s.Rotation = &flow.RotationState{Method: federation.OwnKeyPair, Phase: federation.RotationPublished, Calls: 2, Waits: "for 2 h",
		Failures: 1}
	f.set(s)
	f.live[contoso] = []string{"create jumpcloud/group", "waits for the group"}
	f.verifications[contoso] = &federation.Verification{Layers: []federation.Layer{
		{Name: federation.LayerRealm, Status: federation.Late, Evidence: "still says managed", Range: "up to 24 h"},
		{Name: federation.LayerPeople, Status: federation.Wrong, Evidence: "of another look"}}}
	f.rotations[contoso] = &federation.Rotation{Next: "JumpCloud is given the key", NotBefore: then.Add(2 * time.Hour),
		Steps: make([]federation.Step, 3)}
	srv := site(t, f)
	ada := as(t, srv, "ada")
	page := ada.get("/domain/" + contoso)
	wellFormed(t, page.body)
	var got struct {
		Acts  string
		Parts map[string]string
	}
	fresh := ada.get("/domain/"+contoso, partsHeader, "1")
	if err := json.Unmarshal([]byte(fresh.body), &got); err != nil {
		t.Fatalf("%v\n%s", err, fresh.body)
	}
	if len(got.Parts) != len(domainParts)+1 {
		t.Fatalf("%d parts", len(got.Parts))
	}
	if !strings.Contains(page.body, `data-acts="`+got.Acts+`"`) || got.Acts == "" {
		t.Errorf("the page has not the token %q", got.Acts)
	}
	for name, html := range got.Parts {
		for _, no := range []string{"<form", "<input", "<textarea", "<select", "<button"} {
			if strings.Contains(html, no) {
				t.Errorf("the part %s has %s", name, no)
			}
		}
		wellFormed(t, html)
		if !strings.Contains(page.body, `data-part="`+name+`"`) || !strings.Contains(page.body, html) {
			t.Errorf("the page has not the part %s as the script gets it", name)
		}
	}
	for part, want := range map[string][]string{
		"status":       {"It is being written", "federate, 2 changes"},
		"problem":      {"the credential is refused", "denied", "somebody has done something", "3 times in a row, for 60 min"},
		"steps":        {"create jumpcloud/group", "waits for the group"},
		"layers":       {"not yet", "still says managed", "up to 24 h"},
		"certificates": {"25 days are left"},
		"rotation":     {"own-key-pair", "published", "with 3 steps", "JumpCloud is given the key", "2026-03-14 11:00 UTC", "It failed once"},
	} {
		for _, w := range want {
			if !strings.Contains(got.Parts[part], w) {
				t.Errorf("%s does not say %q:\n%s", part, w, got.Parts[part])
			}
		}
	}
	if strings.Contains(got.Parts["layers"], "of another look") {
		t.Error("the evidence is of another look")
	}
}

// The token of a page changes with what can be done, and not with what is live.
func TestDomainActs(t *testing.T) {
	f := contosoFake(t)
	srv := site(t, f)
	token := func() string {
		var got struct{ Acts string }
		if err := json.Unmarshal([]byte(as(t, srv, "ada").get("/domain/"+contoso, partsHeader, "1").body), &got); err != nil {
			t.Fatal(err)
		}
		return got.Acts
	}
	last := token()
	for _, tt := range []struct {
		name   string
		change func(*flow.State)
		other  bool
	}{
		{"nothing", func(*flow.State) {}, false},
		{"a watch", func(s *flow.State) { s.Watch.Days = 3 }, false},
		{"a look", func(s *flow.State) { s.Next = then.Add(3 * time.Hour) }, false},
		{"another proposal", func(s *flow.State) { s.Open.Hash = hashB }, true},
		{"paused", func(s *flow.State) { s.Paused = true }, true},
		{"the first of two", func(*flow.State) { f.approvers[contoso+" federate"] = []string{"abe"} }, true},
		{"another certificate", func(s *flow.State) { s.Watch.Replace = hashB }, true},
		{"none", func(s *flow.State) { s.Open, s.Phase = nil, flow.Watching }, true},
	} {
		s, _ := f.Domain(contoso)
		s.Open, s.Watch = new(*contosoState().Open), new(*s.Watch)
		if now, _ := f.Domain(contoso); now.Open != nil {
			s.Open = new(*now.Open)
		}
		tt.change(&s)
		f.set(s)
		now := token()
		if (now != last) != tt.other {
			t.Errorf("%s: %s, then %s", tt.name, last, now)
		}
		last = now
	}
}

// One spelling, and nothing that is no name.
func TestDomainNames(t *testing.T) {
	f := contosoFake(t)
	ada := as(t, site(t, f), "ada")
	for path, want := range map[string]string{
		"/domain/CONTOSO.Example":                    "/domain/contoso.example",
		"/domain/contoso.example.":                   "/domain/contoso.example",
		"/domain/Contoso.example/preflight?q=a%2Fb":  "/domain/contoso.example/preflight?q=a%2Fb",
		"/domain/c%4Fntoso.example":                  "/domain/contoso.example",
		"/domain/Contoso.example/evidence":           "/domain/contoso.example/evidence",
		"/domain/contoso.example/preflight?format=x": "/domain/contoso.example/preflight?format=x",
	} {
		if got := ada.get(path); got.status != http.StatusOK || got.url.RequestURI() != want {
			t.Errorf("%s: %d at %s", path, got.status, got.url.RequestURI())
		}
	}
	for _, path := range []string{
		"/domain/fabrikam.example", "/domain/nowhere.example", "/domain/", "/domain/contoso", "/domain/contoso.example%2Fpreflight",
		"/domain/contoso.example%00", "/domain/%20contoso.example", "/domain/contoso.example/", "/domain/..%2F..%2Flog-in",
		"/domain/contoso.example/approve",
		"/domain/%2F%2Fevil.example", "/domain/A%2Fb.example", "/domain/%2F%2FEVIL.example", "/domain/contoso.example/nothing", "/domain/fabrikam.example/evidence", "/domain/fabrikam.example/proposal",
		"/domain/fabrikam.example/preflight", "/domain/fabrikam.example/report",
	} {
		if got := ada.get(path); got.status != http.StatusNotFound || got.url.EscapedPath() != path {
			t.Errorf("%s: %d at %s", path, got.status, got.url)
		}
	}
	// A form is sent to the one spelling only.
	form := ada.get("/domain/"+contoso).form(t, "/domain/"+contoso+"/pause")
	for _, name := range []string{"CONTOSO.example", "contoso.example.", "contoso.example%00", "fabrikam.example"} {
		if got := ada.post("/domain/"+name+"/pause", form); got.status != http.StatusNotFound || len(f.done()) != 0 {
			t.Errorf("a form to %s: %d, %d acts", name, got.status, len(f.done()))
		}
	}
}

// The preflight can be searched, and be had whole.
func TestPreflight(t *testing.T) {
	f := contosoFake(t)
	srv := site(t, f)
	vic := as(t, srv, "vic")
	page := vic.get("/domain/" + contoso + "/preflight")
	wellFormed(t, page.body)
	page.shows(t, "300 findings", "100 are not shown", "it is the default domain", "zoe@contoso.example")
	if n := strings.Count(page.body, "<tr>"); n != 1+mostPeople {
		t.Errorf("%d rows", n)
	}
	if first := strings.Index(page.body, "zoe@"); first > strings.Index(page.body, "px1@") {
		t.Error("who would be locked out does not stand first")
	}
	found := vic.get("/domain/" + contoso + "/preflight?q=ZOE")
	wellFormed(t, found.body)
	found.shows(t, "1 finding.", "zoe@contoso.example", `value="ZOE"`)
	if by := vic.get("/domain/" + contoso + "/preflight?code=person-no-account"); strings.Count(by.body, "<tr>") != 2 {
		t.Error("the code chooses nothing")
	}
	vic.get("/domain/"+contoso+"/preflight?q=nobody-of-that-name").shows(t, "0 findings")

	rows, err := csv.NewReader(strings.NewReader(vic.get("/domain/" + contoso + "/preflight?format=csv").body)).ReadAll()
	if err != nil || len(rows) != 1+1+300 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if rows[1][0] != "services" || rows[2][5] != "zoe@contoso.example" || rows[2][2] != "yes" {
		t.Errorf("%q %q", rows[1], rows[2])
	}
	var whole struct {
		Gates  []federation.Finding
		People []federation.PersonFinding
	}
	if err := json.Unmarshal([]byte(vic.get("/domain/"+contoso+"/preflight?format=json").body),
		&whole); err != nil || len(whole.People) != 300 ||
		len(whole.Gates) != 1 || !whole.People[0].LockedOut {
		t.Errorf("%v: %d people, %d gates", err, len(whole.People), len(whole.Gates))
	}
	delete(f.preflights, contoso)
	if got := vic.get("/domain/" + contoso + "/preflight"); got.status != http.StatusNotFound {
		t.Errorf("without one: %d", got.status)
	}
	vic.get("/domain/"+contoso).shows(t, "There is none, or it is not kept any more")
}

// No cell of the CSV is a formula.
func TestPreflightFormulas(t *testing.T) {
	f := contosoFake(t)
	bad := `=HYPERLINK("http://evil.example","x")`
	f.preflights[contoso] = contosoPreflight(t, federation.PersonFinding{
		Code: "person-name", Severity: federation.Info, UserPrincipalName: "@SUM(1)", Email: "+1", DisplayName: bad,
		Evidence: "-2+3", Repair: "\t=1",
	})
	f.preflights[contoso].Gates[0].Message, f.preflights[contoso].Gates[0].Subject = bad, "a;=1"
	got := as(t, site(t, f), "vic").get("/domain/" + contoso + "/preflight?format=csv")
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") ||
		got.header.Get("Content-Disposition") != `attachment; filename="contoso.example-preflight.csv"` {
		t.Errorf("%v", got.header)
	}
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if c := strings.TrimSpace(cell); c != "" && strings.ContainsAny(c[:1], "=+-@") || strings.Contains(cell, ";=") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if !slices.Contains(rows[2], "'"+bad) {
		t.Errorf("%q", rows[2])
	}
}

// A report has a page, if it is one of the domain.
func TestReportPage(t *testing.T) {
	f := contosoFake(t)
	f.report["reports/fabrikam.example/x.json"] = contosoReport()
	f.reports["fabrikam.example"] = append(f.reports["fabrikam.example"], f.reports[contoso][0])
	vic := as(t, site(t, f), "vic")
	at := "/domain/" + contoso + "/report?name=" + f.reports[contoso][0].Name
	page := vic.get(at)
	if page.status != http.StatusOK {
		t.Fatalf("%d", page.status)
	}
	wellFormed(t, page.body)
	page.shows(t, "Report: federate of contoso.example", "failed: 1 step done", "the last step was refused", "request r1",
		"at the attempt 2", "odd", "managed")
	vic.get("/domain/"+contoso).shows(t,
		`href="/domain/contoso.example/report?name=reports%2fcontoso.example%2f20260301T080000.000000000Z-run1.json"`)
	if r, err := federation.ParseReport([]byte(vic.get(at + "&format=json").body)); err != nil || len(r.Steps) != 2 {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", "reports/fabrikam.example/x.json", "../audit.jsonl", "/etc/passwd"} {
		if got := vic.get("/domain/" + contoso + "/report?name=" + name); got.status != http.StatusNotFound {
			t.Errorf("%q: %d", name, got.status)
		}
	}
	delete(f.report, f.reports[contoso][0].Name)
	if got := vic.get(at); got.status != http.StatusNotFound {
		t.Errorf("not kept: %d", got.status)
	}
	vic.get("/domain/"+contoso).shows(t, "it is not kept any more", "2026-03-01 08:00 UTC")
}

// The newest stands first, and what is old is told in short.
func TestHistory(t *testing.T) {
	f := contosoFake(t)
	f.reports[contoso], f.notes[contoso], f.entries = nil, []string{"note-1.", "note-2."}, nil
	for i := range 25 {
		ref := data.Ref{Name: fmt.Sprintf("reports/contoso.example/202603%02dT080000.000000000Z-run.json", i+1)}
		r := contosoReport()
		r.Started, r.Error = time.Date(2026, 3, i+1, 8, 0, 0, 0, time.UTC), ""
		f.reports[contoso], f.report[ref.Name] = append(f.reports[contoso], ref), r
	}
	for i := range 2000 {
		f.entries = append(f.entries, audit.Entry{Time: then, Customer: "Contoso", Domain: contoso, Verb: fmt.Sprintf("verb-%d.", i)})
	}
	page := as(t, site(t, f), "ada").get("/domain/" + contoso)
	wellFormed(t, page.body)
	page.shows(t, "5 earlier runs", "verb-1980.", "done: 1 step done")
	page.hides(t, "verb-1979.")
	last := -1
	for _, want := range []string{"2026-03-25 08:00", "2026-03-24 08:00", "2026-03-06 08:00", "2026-03-05 08:00", "2026-03-01 08:00",
		"note-2.", "note-1.", "verb-1999.", "verb-1998."} {
		i := strings.Index(page.body, want)
		if i <= last {
			t.Errorf("%s stands at %d, after %d", want, i, last)
		}
		last = i
	}
	if n := strings.Count(page.body, "managed → federated"); n != mostReports {
		t.Errorf("%d reports are read", n)
	}
}

// Files are saved under a name, and only by who may see the domain.
func TestFiles(t *testing.T) {
	f := contosoFake(t)
	srv := site(t, f)
	got := as(t, srv, "vic").get("/domain/" + contoso + "/evidence")
	if got.status != 200 || got.body != "# contoso.example\n" ||
		got.header.Get("Content-Disposition") != `attachment; filename="contoso.example-evidence.md"` {
		t.Errorf("%d %v %q", got.status, got.header, got.body)
	}
	if p, err := federation.ParseProposal([]byte(as(t, srv,
		"vic").get("/domain/" + contoso + "/proposal").body)); err != nil || p.Hash != hashA {
		t.Errorf("%v", err)
	}
	for _, what := range []string{"evidence", "proposal", "preflight", "report"} {
		if got := as(t, srv, "eve").get("/domain/" + contoso + "/" + what); got.status != http.StatusNotFound {
			t.Errorf("eve: %s: %d", what, got.status)
		}
		if got := as(t, srv, "").get("/domain/" + contoso + "/" + what); got.status != http.StatusForbidden {
			t.Errorf("nobody: %s: %d", what, got.status)
		}
	}
	if _, err := f.Proposal("fabrikam.example"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	got = as(t, srv, "eve").get("/domain/fabrikam.example/proposal")
	if got.status != http.StatusNotFound || got.header.Get("Content-Disposition") != "" {
		t.Errorf("no proposal: %d", got.status)
	}
}
