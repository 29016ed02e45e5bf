package federation

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// carried is a report in which the changes were made, a second each.
func carried(p Plan, cs Changes, before, after State) *Report {
	start := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	r := &Report{Version: reportVersion, Plan: p, Started: start, Before: before, After: after}
	for i, c := range cs {
		s := Step{Change: c, Outcome: Done, Started: start.Add(time.Duration(i) * time.Second), Elapsed: time.Second, Attempts: 1}
		if c.Action == Create {
			s.ID = "id" + string(rune('1'+i))
		}
		r.Steps = append(r.Steps, s)
	}
	r.Finished = start.Add(time.Duration(len(cs)) * time.Second)
	return r
}

var evidences = []struct {
	name string
	make func(t *testing.T, s *scene) Evidence
}{
	{"planned", func(t *testing.T, s *scene) Evidence {
		s.fresh()
		s.makeDefault()
		s.technical()
		return Evidence{Plan: s.p, Changes: diff(s.p, &s.st), Reason: "CHG-1", JumpCloud: "the service account federation",
			AzureAD: &aad.Permissions{AppOnly: true, AppID: "11111111-2222-3333-4444-555555555555", TenantID: "99999999-8888-7777-6666-555555555555",
				Granted: []string{"Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All"}}}
	}},
	{"made", func(t *testing.T, s *scene) Evidence {
		s.unfederated()
		r := carried(s.p, diff(s.p, &s.st), StatePrepared, StateFederated)
		r.Consents = []Finding{{Code: CodeLockOut, Severity: Refusal, Subject: "example.com", Message: "one person will be locked out: uma@example.com", Consent: "lockOut", Consented: true}}
		r.Findings = []Finding{{Code: CodeBreakGlassOne, Severity: Warning, Message: "only one Global Administrator, a_b@contoso.onmicrosoft.com, could sign in if JumpCloud were down", Repair: "have two"}}
		return Evidence{Report: r, AzureAD: &aad.Permissions{AppID: "11111111-2222-3333-4444-555555555555", TenantID: "99999999-8888-7777-6666-555555555555"}}
	}},
	{"take-over", func(t *testing.T, s *scene) Evidence {
		s.foreign(t)
		s.st.fed.NextSigningCertificate = fixedCert(t, "second")
		s.p.Consent.TakeOver = true
		r := carried(s.p, diff(s.p, &s.st), StateForeign, StateFederated)
		r.Steps[0].Backup = s.st.fed
		return Evidence{Report: r}
	}},
	{"recovered", func(t *testing.T, s *scene) Evidence {
		s.st.fed, s.p.Consent.Recover = nil, true
		return Evidence{Report: carried(s.p, diff(s.p, &s.st), StateHalf, StateFederated), AzureAD: &aad.Permissions{
			AppID: "11111111-2222-3333-4444-555555555555", TenantID: "99999999-8888-7777-6666-555555555555", UserPrincipalName: "root@contoso.onmicrosoft.com"}}
	}},
	{"defederated", func(t *testing.T, s *scene) Evidence {
		r := carried(Plan{Domain: "example.com"}, Changes{
			{Resource: ResFederation, Name: "example.com", Action: Delete},
			{Resource: ResApplicationGroup, Name: "Staff", Action: Remove},
			{Resource: ResApplication, Name: "urn:uri:example.com", Action: Delete},
		}, StateFederated, StateManaged)
		r.Steps[0].Backup = s.st.fed
		return Evidence{Report: r}
	}},
	{"stopped", func(t *testing.T, s *scene) Evidence {
		s.unfederated()
		r := carried(s.p, diff(s.p, &s.st), StatePrepared, StatePrepared)
		r.Steps[0].Outcome, r.Steps[0].ID, r.Steps[0].RequestID = Unknown, "", "0b6c0f1e-0000-4000-8000-000000000001"
		r.Steps[0].Error = "aad: POST domains/{domain}/federationConfiguration: 500 Internal Server Error; the change may have been made"
		r.Error = "federation: apply create azure-ad/federation \"example.com\": " + r.Steps[0].Error
		return Evidence{Report: r}
	}},
	{"refused", func(t *testing.T, s *scene) Evidence {
		r := carried(s.p, nil, StateForeign, StateForeign)
		r.Error = "federation: refused before any write: example.com is federated with Okta"
		return Evidence{Report: r}
	}},
	{"nothing", func(t *testing.T, s *scene) Evidence {
		return Evidence{Report: carried(s.p, nil, StateFederated, StateFederated)}
	}},
	{"repair-planned", func(t *testing.T, s *scene) Evidence {
		return Evidence{Report: &Report{Plan: s.p, Repair: &RepairPlan{Plan: s.p}, Steps: []Step{
			{Outcome: Planned, Change: givingImmutableID("ann@example.com", "o1", "aWQ=")},
			{Outcome: Planned, Change: bindingUser("ann@example.com", "d1", "u1")},
			{Outcome: Planned, Change: joining("ann@example.com", &jumpcloud.Group{Name: "Staff", ID: "g1"}, "u1")},
		}}}
	}},
	{"hostile", func(t *testing.T, s *scene) Evidence {
		s.fresh()
		s.p.Groups = []Group{{Name: "a|b`c```\n# <img src=x onerror=alert(1)> [click](https://evil.example)"}}
		s.p.Directory.Groups = []string{s.p.Groups[0].Name}
		s.p.Application.Label = "O'Brien’s $(Remove-MgDomain) `\n'; Remove-Item *"
		s.p.BrandName = "it’s'; Remove-MgDomain -DomainId 'example.com' #"
		return Evidence{Plan: s.p, Changes: diff(s.p, &s.st), Reason: "**bold** <b>|\n# heading"}
	}},
}

func TestEvidenceGolden(t *testing.T) {
	var names []string
	for _, tt := range evidences {
		page, script := "evidence/"+tt.name+".md", "evidence/"+tt.name+".ps1"
		names = append(names, page, script)
		t.Run(tt.name, func(t *testing.T) {
			e := tt.make(t, converged(t))
			var b bytes.Buffer
			if err := e.WriteMarkdown(&b); err != nil {
				t.Fatal(err)
			}
			Golden(t, page, b.String())
			for _, row := range strings.Split(b.String(), "\n") {
				if strings.HasPrefix(row, "| ") && !strings.HasSuffix(row, " |") {
					t.Errorf("a row of a table does not end: %s", row)
				}
			}
			b.Reset()
			if err := e.WritePowerShell(&b); err != nil {
				t.Fatal(err)
			}
			Golden(t, script, b.String())
		})
	}
	GoldenFiles(t, "evidence", names)
}

// TestEvidenceKnowsAll: no change is without an audit event, and none is left
// out of the script.
func TestEvidenceKnowsAll(t *testing.T) {
	for r := range resources {
		for _, a := range []Action{Create, Update, Delete, Add, Remove} {
			c := Change{Resource: r, Name: "x", Action: a, Fields: []Field{{Name: "defaultDomain", Old: "y", New: "x"}}}
			natural := len(c.events()) > 0
			if !natural && (a == Create || a == Delete) == (r == ResGroup || r == ResApplication) && (a == Add || a == Remove) == (r == ResDirectoryRule || r == ResDirectoryDomain) {
				t.Errorf("%s leaves no audit event", c.String())
			}
			var b strings.Builder
			e := Evidence{Plan: Plan{Domain: "example.com"}, Changes: Changes{c}}
			if err := e.WritePowerShell(&b); err != nil || strings.Count(b.String(), "'x'")+strings.Count(b.String(), `"x"`) == 0 {
				t.Errorf("%s is not in the script: %v\n%s", c.String(), err, b.String())
			}
		}
	}
}

func TestEvidenceQuoting(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "''"}, {"a", "'a'"}, {"it's", "'it''s'"}, {"it’s", "'it’’s'"}, {"‘’‚‛", "'‘‘’’‚‚‛‛'"}, {"a\nb", "'a b'"}, {"$(x) `n", "'$(x) `n'"},
	} {
		if got := psQuote(tt.in); got != tt.want {
			t.Errorf("psQuote(%q) = %s; want %s", tt.in, got, tt.want)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"a", "`a`"}, {"a|b", "`a\\|b`"}, {"a`b", "``a`b``"}, {"`", "`` ` ``"}, {"a\nb", "`a b`"}, {"``x", "``` ``x ```"},
	} {
		if got := span(tt.in); got != tt.want {
			t.Errorf("span(%q) = %s; want %s", tt.in, got, tt.want)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("the disk is full")

func TestEvidenceWriteFails(t *testing.T) {
	s := converged(t)
	s.fresh()
	e := Evidence{Plan: s.p, Changes: diff(s.p, &s.st)}
	if err := e.WriteMarkdown(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("WriteMarkdown: %v; want %v", err, errFull)
	}
	if err := e.WritePowerShell(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("WritePowerShell: %v; want %v", err, errFull)
	}
}
