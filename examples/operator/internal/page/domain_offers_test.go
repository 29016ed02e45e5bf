package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// Where a form is none, the page says why.
func TestOffers(t *testing.T) {
	rotating := &flow.RotationState{Method: federation.OwnKeyPair, Phase: federation.RotationPublished}
	for name, tt := range map[string]struct {
		set  func(*fake, *flow.State)
		none []string // verbs that are not offered
		says []string
	}{
		"nothing": {func(*fake, *flow.State) {}, []string{"resume"}, nil},
		"no proposal": {func(_ *fake, s *flow.State) { s.Open, s.Phase = nil, flow.Watching },
			[]string{"approve", "reject", "resume"}, []string{"No proposal waits for an approval."}},
		"paused":             {func(_ *fake, s *flow.State) { s.Paused = true }, []string{"pause"}, []string{"No new write begins until"}},
		"waiting for people": {func(_ *fake, s *flow.State) { s.Open, s.Phase = nil, flow.People }, []string{"approve", "reject"}, nil},
		"watched": {func(_ *fake, s *flow.State) { s.Mode = "watch" },
			[]string{"approve", "revert", "rotate", "resume"}, []string{"The customer is only watched"}},
		"unlisted": {func(_ *fake, s *flow.State) { s.Unlisted = true },
			[]string{"approve", "revert", "rotate", "resume", "look"}, []string{"list it again first"}},
		"retired": {func(_ *fake, s *flow.State) { s.Phase, s.Open = flow.Retired, nil },
			[]string{"approve", "reject", "revert", "rotate", "resume", "look", "pause", "note", "retire"}, []string{"managed no more"}},
		"retiring": {func(_ *fake, s *flow.State) { s.Kept.Retiring = true },
			[]string{"approve", "reject", "revert", "rotate", "resume", "look", "pause", "note", "retire"}, []string{"managed no more"}},
		"rotating": {func(_ *fake, s *flow.State) { s.Rotation = rotating },
			[]string{"approve", "revert", "resume", "retire"}, []string{"approve when it is done", "Propose to lead it back"}},
		"rotated": {func(_ *fake, s *flow.State) { r := *rotating; r.Ended, r.Done = true, true; s.Rotation = &r }, []string{"resume"},
			[]string{"done"}},
		"emergency": {func(_ *fake, s *flow.State) { s.Rotation = &flow.RotationState{Method: federation.Emergency} },
			[]string{"approve", "revert", "resume", "retire", "rotate"}, []string{"cannot be led back"}},
		"approved": {func(_ *fake, s *flow.State) { s.Open, s.Approved, s.Phase = nil, &flow.Approved{}, flow.Turn },
			[]string{"approve", "reject", "resume", "rotate"}, []string{"ask for a rotation when it is done"}},
		"never watched": {func(_ *fake, s *flow.State) { s.Watch = nil }, []string{"resume", "rotate"},
			[]string{"not known which certificate"}},
		"nothing written": {func(_ *fake, s *flow.State) { s.Reports = nil }, []string{"resume", "revert"}, []string{"nothing to revert"}},
		"revert is asked": {func(_ *fake, s *flow.State) { s.Kept.Asked = &flow.Queued{Revert: true} }, []string{"resume", "revert"},
			[]string{"to revert is being made"}},
		"rotate is asked": {func(_ *fake, s *flow.State) { s.Kept.Asked = &flow.Queued{Rotate: &flow.RotateArg{}} }, []string{"resume",
			"rotate"}, []string{"to rotate is being made"}},
		"expired": {func(f *fake, _ *flow.State) { f.proposals[contoso].Expires = then }, []string{"resume", "approve"},
			[]string{"has expired", "look again for a new one"}},
		"proposal is lost": {func(f *fake, _ *flow.State) { delete(f.proposals, contoso) }, []string{"resume", "approve"},
			[]string{"cannot be shown, and so not be approved"}},
		"proposal is another": {func(f *fake, _ *flow.State) { f.proposals[contoso].Hash = hashB }, []string{"resume", "approve"},
			[]string{"has just changed"}},
		"you were first": {func(f *fake, s *flow.State) {
			s.Open.Two, s.Open.First = true, new(data.Ref)
			f.approvers[contoso+" federate"] = []string{"ada"}
		}, []string{"resume", "approve"}, []string{"another person has to approve it now", "the first was <strong>ada</strong>"}},
		"another was first": {func(f *fake, s *flow.State) {
			s.Open.Two, s.Open.First = true, new(data.Ref)
			f.approvers[contoso+" federate"] = []string{"abe"}
		}, []string{"resume"}, []string{"the first was <strong>abe</strong>"}},
		"two, and nobody": {func(_ *fake, s *flow.State) { s.Open.Two = true }, []string{"resume"},
			[]string{"two different people have to approve it; nobody has yet", "as the first of two"}},
		"retirement, you were first": {func(f *fake, _ *flow.State) { f.approvers[contoso+" retire"] = []string{"ada"} }, []string{"resume",
			"retire"},
			[]string{"<strong>ada</strong> has approved first", "another person has to approve it now"}},
		"retirement, another was": {func(f *fake, _ *flow.State) { f.approvers[contoso+" retire"] = []string{"abe"} }, []string{"resume"},
			[]string{"<strong>abe</strong> has approved first", "Retire, as the second"}},
	} {
		f, s := contosoFake(t), contosoState()
		tt.set(f, &s)
		f.set(s)
		ada := as(t, site(t, f), "ada")
		page := ada.get("/domain/" + contoso)
		if page.status != http.StatusOK {
			t.Fatalf("%s: %d", name, page.status)
		}
		wellFormed(t, page.body)
		if fresh := ada.get("/domain/"+contoso, partsHeader, "1"); !sameActs(t, page, fresh) {
			t.Errorf("%s: the script is told of other forms than the page has", name)
		}
		forms := page.forms()
		for verb := range domainVerbs {
			if offered := slices.Contains(forms, "/domain/"+contoso+"/"+verb); offered == slices.Contains(tt.none, verb) {
				t.Errorf("%s: %s is offered: %t", name, verb, offered)
			}
		}
		for _, says := range tt.says {
			if !strings.Contains(page.body, says) {
				t.Errorf("%s: the page does not say %q", name, says)
			}
		}
	}
}

// sameActs reports whether a page has the token that the script gets.
func sameActs(t testing.TB, page, fresh answer) bool {
	t.Helper()
	var got struct{ Acts string }
	if err := json.Unmarshal([]byte(fresh.body), &got); err != nil || got.Acts == "" {
		t.Fatalf("%v %+v", err, got)
	}
	return strings.Contains(page.body, `data-acts="`+got.Acts+`"`)
}

// Password mode cannot tell two people apart, and says what to do.
func TestOffersByPassword(t *testing.T) {
	const password = "correct horse battery"
	f, s := contosoFake(t), contosoState()
	f.roles, s.Open.Two = approve.PasswordRoles(), true
	f.set(s)
	g, err := approve.NewGuard(approve.GuardOptions{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	b := as(t, serve(t, Options{Backend: f, Guard: g, Now: func() time.Time { return then }}), "")
	form := b.get("/domain/"+contoso).form(t, "/log-in")
	form.Set("password", password)
	page := b.post("/log-in", form)
	if page.url.Path != "/domain/"+contoso {
		t.Fatalf("at %s", page.url)
	}
	page.shows(t, sentence(approve.ErrNoTwo.Error()))
	for _, verb := range []string{"approve", "retire"} {
		if slices.Contains(page.forms(), "/domain/"+contoso+"/"+verb) {
			t.Errorf("%s is offered", verb)
		}
	}
	if !slices.Contains(page.forms(), "/domain/"+contoso+"/reject") {
		t.Error("reject is not offered")
	}
}

// A revert says who has no known password; a rotation, how and with what consents.
func TestProposalVerbs(t *testing.T) {
	f, s := contosoFake(t), contosoState()
	s.Open.Verb, s.Open.Two = federation.VerbRevert, true
	f.set(s)
	p := f.proposals[contoso]
	p.Verb, p.People = federation.VerbRevert, nil
	p.Findings = []federation.Finding{
		{Code: federation.CodePasswordNeeded, Severity: federation.Warning, Subject: contoso,
			Message: "people sign in with passwords from then on"},
		{Code: federation.CodePasswordNeeded, Severity: federation.Warning, Subject: "new@contoso.example", Message: "new may have none",
			Repair: "set a password"},
		{Code: federation.CodePasswordNeeded, Severity: federation.Info, People: []federation.PersonFinding{
			{UserPrincipalName: "old@contoso.example", Evidence: "old may have none"}}},
	}
	page := as(t, site(t, f), "ada").get("/domain/" + contoso)
	wellFormed(t, page.body)
	page.shows(t, "Proposal to revert", "Who has no known Azure AD password", "new@contoso.example", "set a password", "old@contoso.example",
		"people sign in with passwords from then on")
	if i := strings.Index(page.body, "new@contoso.example"); i < strings.Index(page.body,
		"Who has no known") || i > strings.Index(page.body, "What should be known") {
		t.Error("who has no password is not in the table")
	}

	s.Open.Verb, s.Open.Rotate = federation.VerbRotate, &flow.RotateArg{Cancel: true}
	f.set(s)
	p.Verb, p.Findings = federation.VerbRotate, nil
	p.Rotate = &federation.RotatePlan{
		Method: federation.Emergency, Replace: signs, Settle: 3 * time.Hour, Cancel: true, Consent: federation.RotateConsent{Outage: true},
	}
	page = as(t, site(t, f), "ada").get("/domain/" + contoso)
	wellFormed(t, page.body)
	page.shows(t, "Proposal to rotate", "emergency: for a stolen key only", signs, "3 h", "Led back", "What consent covers",
		"Sign-ins may fail until all has spread")
	page.hides(t, "Who has no known Azure AD password")
}

// What the services say is text, wherever it is shown.
func TestCanaries(t *testing.T) {
	n := 0
	bad := func() string {
		n++
		return fmt.Sprintf(`<script>alert(%d)</script>"><img src=x onerror=alert(%d)>' javascript:alert(%d) {{.}}`, n, n, n)
	}
	f, s := contosoFake(t), contosoState()
	s.Waits, s.Found = bad(), federation.State(bad())
	s.Problem = &flow.Problem{Class: federation.ErrorClass(bad()), Code: bad(), Text: bad()}
	s.Phase = flow.Running
	s.Layers = []flow.Layer{{Name: bad(), Status: federation.LayerStatus(bad())}}
	s.Verification = new(data.Ref)
	s.Watch.Codes, s.Watch.Level, s.Watch.Due = []string{bad()}, federation.Severity(bad()), federation.RotateMethod(bad())
	s.Watch.Replace = bad()
	s.Rotation = &flow.RotationState{Method: federation.RotateMethod(bad()), Phase: federation.RotationPhase(bad()), Waits: bad(),
		Ended:   true,
		Problem: &flow.Problem{Code: bad(), Text: bad()}}
	s.Open.Two = true
	f.approvers[contoso+" federate"] = []string{bad()}
	f.set(s)
	f.live[contoso] = []string{bad()}
	f.verifications[contoso] = &federation.Verification{Layers: []federation.Layer{
		{Name: s.Layers[0].Name, Status: s.Layers[0].Status, Evidence: bad(), Range: bad()}}}
	f.rotations[contoso] = &federation.Rotation{Next: bad()}
	f.notes[contoso] = []string{bad()}
	finding := func() federation.Finding {
		return federation.Finding{Code: federation.Code(bad()), Severity: federation.Severity(bad()), Subject: bad(), Message: bad(),
			Repair: bad()}
	}
	person := func() federation.PersonFinding {
		return federation.PersonFinding{Code: federation.Code(bad()), Severity: federation.Refusal, LockedOut: true, UserPrincipalName: bad(),
			Email: bad(), DisplayName: bad(), Evidence: bad(), Repair: bad()}
	}
	field := federation.Field{Name: bad(), Old: bad(), New: bad()}
	change := federation.Change{Resource: federation.Resource(bad()), Name: bad(), Action: federation.Action(bad()),
		Fields: []federation.Field{field}}
	p := f.proposals[contoso]
	consented := finding()
	consented.Consented, consented.Consent, consented.Severity = true, bad(), federation.Refusal
	p.Tenant, p.Changes, p.Findings, p.People = bad(), federation.Changes{change}, []federation.Finding{finding(),
		consented}, []federation.PersonFinding{person()}
	p.Plan = &federation.Plan{Domain: contoso, BrandName: bad()}
	f.preflights[contoso] = contosoPreflight(t, person())
	f.preflights[contoso].Gates = []federation.Finding{finding()}
	ref := data.Ref{Name: bad()}
	f.reports[contoso] = []data.Ref{ref}
	f.report[ref.Name] = &federation.Report{
		Verb: federation.Verb(bad()), Before: federation.State(bad()), After: federation.State(bad()), Error: bad(), Tenant: bad(),
		Steps:    []federation.Step{{Change: change, Outcome: federation.Outcome(bad()), ID: bad(), RequestID: bad(), Error: bad()}},
		Findings: []federation.Finding{finding()}, Consents: []federation.Finding{finding()},
		Rows: []federation.Row{{Title: bad(), State: bad(), Evidence: bad()}},
	}
	f.entries = []audit.Entry{{Actors: []string{bad()}, Customer: "Contoso", Domain: contoso, Verb: bad(), Outcome: bad()}}
	c := &f.file.Customers[0]
	c.Owner, c.Labels = bad(), map[string]string{bad(): bad()}

	ada := as(t, site(t, f), "ada")
	seen := make(map[int]bool)
	for _, path := range []string{"", "/preflight", "/preflight?q=%3Cscript%3E%22%3E&code=%22%3E%3Cimg%3E",
		"/report?name=" + url.QueryEscape(ref.Name)} {
		page := ada.get("/domain/" + contoso + path)
		if page.status != http.StatusOK {
			t.Fatalf("%s: %d", path, page.status)
		}
		wellFormed(t, page.body)
		page.hides(t, "<script>alert", "<img", `href="javascript:`)
		for i := range n {
			seen[i+1] = seen[i+1] || strings.Contains(page.body, fmt.Sprintf("&lt;script&gt;alert(%d)&lt;/script&gt;", i+1))
		}
	}
	parts := ada.get("/domain/"+contoso, partsHeader, "1")
	if parts.status != http.StatusOK || strings.Contains(parts.body, "<script") {
		t.Errorf("the parts: %d", parts.status)
	}
	missing := 0
	for i := range n {
		if !seen[i+1] {
			missing++
		}
	}
	if missing > 4 { // severity and repair of what is consented to, a resource put into words, and what is shown as JSON
		t.Errorf("%d of %d canaries are shown nowhere", missing, n)
	}
	// Another customer's name comes of the file and of the state.
	s.Customer = "<script>alert(0)</script>"
	f.roles = must(approve.NewRoles(approve.Grant{Actor: "ada", Customer: s.Customer, Role: approve.Admin}))
	f.set(s)
	page := ada.get("/domain/" + contoso)
	page.shows(t, "<dd>&lt;script&gt;alert(0)&lt;/script&gt;</dd>")
	wellFormed(t, page.body)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
