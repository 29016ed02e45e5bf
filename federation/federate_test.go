package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Every row of the manual procedure can be pointed at in the report, and what
// the services hold is what the row asks for.
func TestFederateRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{DefaultDomain: true})
		plan := env.Plan()
		member := env.JumpCloud.Users()[0]
		plan.Groups = append(plan.Groups, federation.Group{Name: "Pilots", Members: []string{member.Email}})
		plan.Directory.Rules = []string{"user_department"}
		plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "tech@contoso.onmicrosoft.com", Create: true}
		const password = "correct horse battery staple"
		rep, err := env.Federator(&federation.Options{TechnicalPassword: aad.NewSecret(password)}).Federate(t.Context(), plan)
		if err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		want := map[int]string{
			1: "checked", 2: "done", 3: "done", 4: "done", 5: "done", 6: "done", 7: "done", 8: "done", 9: "done", 10: "checked", 11: "waiting",
		}
		got := make(map[int]string)
		for _, r := range rep.Rows {
			got[r.Number] = r.State
			if r.Evidence == "" {
				t.Errorf("row %d (%s) has no evidence", r.Number, r.Title)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("rows (-want +got):\n%s", d)
		}

		for _, s := range rep.Steps {
			if s.RequestID == "" || s.Started.IsZero() || s.Attempts != 1 || s.Outcome != federation.Done {
				t.Errorf("step %+v; want a request ID, a time, one attempt, done", s)
			}
		}

		// 2: the account is there, cloud-only, enabled, with the role.
		i := slices.IndexFunc(env.AzureAD.Users(), func(u aad.User) bool { return u.UserPrincipalName == "tech@contoso.onmicrosoft.com" })
		if i < 0 {
			t.Fatal("row 2: no technical account")
		}
		tech := env.AzureAD.Users()[i]
		if tech.Enabled == nil || !*tech.Enabled || tech.ImmutableID != "" {
			t.Errorf("row 2: the technical account is %+v", tech)
		}
		// 3: the default domain moved.
		if !env.AzureAD.Domain("contoso.onmicrosoft.com").IsDefault || env.AzureAD.Domain(env.Domain).IsDefault {
			t.Error("row 3: the default domain did not move")
		}
		// 4 to 7: group, member, application.
		apps := env.JumpCloud.Applications()
		if len(apps) != 1 || !apps[0].Active || apps[0].EntityID != "urn:uri:example.com" || apps[0].SSOURL != "https://sso.jumpcloud.com/saml2/example-com" {
			t.Errorf("rows 5 to 7: applications %+v", apps)
		}
		app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: rep.Plan.Application.ID}
		dir := jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: env.Directory}
		for _, g := range rep.Plan.Groups {
			group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}
			if !env.JumpCloud.Associated(app, group) {
				t.Errorf("row 6: %s is not bound to the application", g.Name)
			}
			if !env.JumpCloud.Associated(dir, group) {
				t.Errorf("row 8: %s is not bound to the directory", g.Name)
			}
		}
		// 9: the domain.
		fed, ok := env.AzureAD.Federation(env.Domain)
		if !ok || fed.SigningCertificate != apps[0].Certificate || fed.Protocol != aad.SAML || fed.MFA != aad.AcceptIfMFADoneByFederatedIdP ||
			fed.IssuerURI != apps[0].EntityID || fed.PassiveSignInURI != apps[0].SSOURL || fed.SignOutURI != federation.DefaultSignOutURL {
			t.Errorf("row 9: %+v", fed)
		}

		b, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), password) || strings.Contains(rep.String(), password) {
			t.Error("the report tells the password")
		}
		back, err := federation.ParseReport(b)
		if err != nil {
			t.Fatal(err)
		}
		if back.String() != rep.String() {
			t.Errorf("a report changes on its way through JSON:\n%s", cmp.Diff(rep.String(), back.String()))
		}
	})
}

// Preview shows everything that Federate then does, and writes nothing.
func TestPreviewIsWhatFederateDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{DefaultDomain: true})
		readOnly := federation.New(env.JumpCloud.Client(&jumpcloud.Options{ReadOnly: true}), env.AzureAD.Client(&aad.Options{ReadOnly: true}), nil)
		changes, err := readOnly.Preview(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 || env.Writes() != 0 {
			t.Fatalf("Preview: %d changes, %d writes", len(changes), env.Writes())
		}
		if _, err := readOnly.Federate(t.Context(), env.Plan()); !errors.Is(err, jumpcloud.ErrReadOnly) && !errors.Is(err, aad.ErrReadOnly) {
			t.Errorf("Federate over read-only clients: %v; want ErrReadOnly", err)
		}
		if env.Writes() != 0 {
			t.Errorf("read-only clients wrote %d times", env.Writes())
		}
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		var previewed, done []string
		for _, c := range changes {
			previewed = append(previewed, string(c.Action)+" "+string(c.Resource)+" "+c.Name)
		}
		for _, s := range rep.Steps {
			done = append(done, string(s.Change.Action)+" "+string(s.Change.Resource)+" "+s.Change.Name)
		}
		slices.Sort(previewed)
		slices.Sort(done)
		if d := cmp.Diff(previewed, done); d != "" {
			t.Errorf("previewed and done differ (-previewed +done):\n%s", d)
		}
	})
}

func TestConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		no := errors.New("not on a Friday")
		asked := 0
		opts := &federation.Options{Confirm: func(_ context.Context, p *federation.Proposal) error {
			cs := p.Changes
			if asked++; len(cs) == 0 {
				t.Error("Confirm was asked about nothing")
			}
			return no
		}}
		rep, err := env.Federator(opts).Federate(t.Context(), env.Plan())
		if !errors.Is(err, no) || !errors.Is(err, federation.ErrNotConfirmed) {
			t.Errorf("Federate: %v; want what Confirm returned, and ErrNotConfirmed", err)
		}
		if asked != 1 || env.Writes() != 0 || rep == nil || rep.Changed() || rep.Error == "" {
			t.Errorf("asked %d times, %d writes, report %v", asked, env.Writes(), rep)
		}
		if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		if _, err := env.Federator(opts).Federate(t.Context(), env.Plan()); err != nil || asked != 1 {
			t.Errorf("with nothing to do: %v, asked %d times", err, asked)
		}
	})
}

// What changed while somebody thought about the answer is judged before the first
// write, not only before the switch.
func TestConfirmIsJudgedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		opts := &federation.Options{Confirm: func(context.Context, *federation.Proposal) error {
			for _, upn := range env.Administrators {
				env.AzureAD.RemoveUser(upn)
			}
			time.Sleep(time.Hour)
			return nil
		}}
		rep, err := env.Federator(opts).Federate(t.Context(), env.Plan())
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodeBreakGlass) || env.Writes() != 0 {
			t.Errorf("%v after %d writes; want a refusal before the first\n%s", err, env.Writes(), rep)
		}
	})
}

// Events tell each change twice, before and after, in an order that makes
// sense, and never two at once.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		slow(env)
		var phases []federation.Phase
		begun, ended := make(map[string]int), make(map[string]int)
		var inside sync.Mutex
		opts := &federation.Options{OnEvent: func(e federation.Event) {
			if !inside.TryLock() {
				t.Error("two events at once")
				return
			}
			defer inside.Unlock()
			if len(phases) == 0 || phases[len(phases)-1] != e.Phase {
				phases = append(phases, e.Phase)
			}
			if e.Domain == "" && e.Phase != federation.PhaseCheck {
				t.Errorf("an event without domain: %+v", e)
			}
			if e.Phase == federation.PhaseApply {
				name := string(e.Change.Resource) + e.Change.Name
				if e.Elapsed == 0 {
					begun[name]++
				} else {
					ended[name]++
				}
			}
		}}
		rep, err := env.Federator(opts).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if len(begun) != len(rep.Steps) || !cmp.Equal(begun, ended) {
			t.Errorf("%d steps; begun %v, ended %v", len(rep.Steps), begun, ended)
		}
		want := []federation.Phase{federation.PhaseObserve, federation.PhaseCheck, federation.PhaseApply}
		if len(phases) < 4 || !cmp.Equal(phases[:3], want) || phases[len(phases)-1] != federation.PhaseDone {
			t.Errorf("phases %v; want %v … done", phases, want)
		}
	})
}

// Two runs at the same moment, for one domain and for two domains of one
// tenant, make nothing twice and lose nothing.
func TestFederateAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		domains []string
		shared  bool // one Federator, or two processes
	}{
		"one domain, one process":    {[]string{"example.com"}, true},
		"one domain, two processes":  {[]string{"example.com"}, false},
		"two domains, one process":   {[]string{"example.com", "example.org"}, true},
		"two domains, two processes": {[]string{"example.com", "example.org"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				for _, d := range test.domains[1:] {
					env.AzureAD.AddDomain(d)
					env.JumpCloud.AddDirectoryDomain(env.Directory, d, false)
				}
				slow(env)
				one := env.Federator(nil)
				var everybody []string // the group is new, and lets in whom the plan lists
				for _, u := range env.JumpCloud.Users() {
					everybody = append(everybody, u.Email)
				}
				var wg sync.WaitGroup
				errs := make([]error, 2)
				reps := make([]*federation.Report, 2)
				for i := range errs {
					f := one
					if !test.shared {
						f = env.Federator(nil)
					}
					plan := env.Plan()
					plan.Domain = test.domains[i%len(test.domains)]
					plan.Groups = []federation.Group{{Name: "Microsoft 365", Members: everybody}}
					wg.Go(func() { reps[i], errs[i] = f.Federate(t.Context(), plan) })
				}
				wg.Wait()
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				if n := len(env.JumpCloud.Applications()); n != len(test.domains) {
					t.Errorf("%d applications; want %d", n, len(test.domains))
				}
				n := 0
				for _, g := range env.JumpCloud.Groups() {
					if g.Name == "Microsoft 365" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d groups; want 1", n)
				}
				// What one run has made, the other does not claim: its Revert
				// would take it away.
				made := make(map[federation.Resource]int)
				for _, rep := range reps {
					for _, s := range rep.Steps {
						if s.Change.Action == federation.Create && s.Outcome != federation.Skipped {
							made[s.Change.Resource]++
						}
					}
				}
				want := map[federation.Resource]int{federation.ResApplication: len(test.domains), federation.ResGroup: 1, federation.ResFederation: len(test.domains)}
				if d := cmp.Diff(want, made); d != "" {
					t.Errorf("claimed by the reports (-want +got):\n%s", d)
				}
				for _, d := range test.domains {
					plan := env.Plan()
					plan.Domain, plan.Groups = d, []federation.Group{{Name: "Microsoft 365", Members: everybody}}
					changes, err := one.Preview(t.Context(), plan)
					if err != nil || len(changes) != 0 {
						t.Errorf("%s: Preview: %v\n%s", d, err, changes)
					}
				}
			})
		})
	}
}
