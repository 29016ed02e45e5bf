package federation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
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
)

// truth writes down what both services hold, as far as a federation touches it.
func truth(env *federationtest.Env) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range env.JumpCloud.Applications() {
		add("application %s %q active=%v", a.EntityID, a.Label, a.Active)
	}
	for _, g := range env.JumpCloud.Groups() {
		add("group %s", g.Name)
	}
	for _, a := range env.JumpCloud.Associations() {
		add("association %s - %s", a[0], a[1])
	}
	add("directory %+v", env.JumpCloud.Directory(env.Directory))
	for _, u := range env.AzureAD.Users() {
		add("user %s", u.UserPrincipalName)
	}
	for _, name := range []string{env.Domain, "contoso.onmicrosoft.com"} {
		d := env.AzureAD.Domain(name)
		add("domain %s %s default=%v", name, d.AuthenticationType, d.IsDefault)
	}
	if fed, ok := env.AzureAD.Federation(env.Domain); ok {
		add("federation %s %s %s %s", fed.DisplayName, fed.IssuerURI, fed.PassiveSignInURI, fed.SigningCertificate.Thumbprint())
	}
	slices.Sort(lines)
	return lines
}

// Somebody takes the federation away while a Revert of a changed certificate judges:
// that step is left, whichever look notices it, and nothing is written.
func TestRevertWhileTheFederationGoes(t *testing.T) {
	const judging = 4 // requests about domains before the one that writes
	for _, gone := range []struct {
		at    int  // before which request of Revert
		again bool // it comes back before the next one: one replica is behind
	}{{1, false}, {2, false}, {3, false}, {4, false}, {5, false}, {6, false}, {1000, false}, {2, true}, {3, true}, {4, true}, {5, true}, {6, true}} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
				t.Fatal(err)
			}
			fed, _ := env.AzureAD.Federation(env.Domain)
			fed.MFA = aad.RejectMFAByFederatedIdP
			env.AzureAD.SetFederation(env.Domain, fed)
			plan := env.Plan()
			plan.MFA = aad.AcceptIfMFADoneByFederatedIdP
			rep, err := env.Federator(nil).Federate(t.Context(), plan)
			if err != nil || len(rep.Steps) != 1 || rep.Steps[0].Change.Action != federation.Update {
				t.Fatalf("%v\n%s", err, rep)
			}
			time.Sleep(time.Hour)
			env.ResetLog()
			fed, _ = env.AzureAD.Federation(env.Domain)
			var mu sync.Mutex
			n := 0
			env.AzureAD.OnRequest = func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(r.URL.Path, "/v1.0/domains") || strings.HasPrefix(r.URL.Path, "/domains") {
					switch n++; {
					case n == gone.at:
						env.AzureAD.RemoveFederation(env.Domain)
					case n == gone.at+1 && gone.again:
						env.AzureAD.SetFederation(env.Domain, fed)
					}
				}
			}
			out, err := env.Federator(nil).Revert(t.Context(), rep)
			mu.Lock()
			defer mu.Unlock()
			left := errors.Is(err, federation.ErrDiffers) && env.Writes() == 0 && out.Steps[0].Outcome == federation.Left
			done := err == nil && env.Writes() == 1 && out.Steps[0].Outcome == federation.Done
			refused := err != nil && out.Steps[0].Outcome == federation.Refused && gone.at > judging
			if n < gone.at && !done || n >= gone.at && !left && !refused && !(gone.again && done) {
				t.Errorf("at %d of %d, back %v: %v, %d writes\n%s", gone.at, n, gone.again, err, env.Writes(), out)
			}
		})
	}
}

// Revert brings back what was there before, whatever goes wrong with whichever
// request of it: each request has its turn with one trouble or another.
func TestRevertFaults(t *testing.T) {
	type scenario struct {
		r  reads
		tr trouble
		k  int
	}
	var all []scenario
	step, turn := everyNth(11, 29, 151), 0
	for _, r := range readings {
		n := 0
		synctest.Test(t, func(t *testing.T) {
			w := newWatched()
			r.set(w.Env)
			rep, err := w.Federator(nil).Federate(t.Context(), w.plan)
			if err != nil {
				t.Fatal(err)
			}
			w.ResetLog()
			if _, err := w.Federator(nil).Revert(t.Context(), rep); err != nil {
				t.Fatal(err)
			}
			n = w.Requests()
		})
		for _, tr := range troubles {
			for k := 1 + turn%step; k <= n; k += step {
				all = append(all, scenario{r, tr, k})
			}
			turn++
		}
	}
	start := time.Now()
	t.Run("matrix", func(t *testing.T) {
		for part := range slices.Chunk(all, (len(all)+4*runtime.GOMAXPROCS(0)-1)/(4*runtime.GOMAXPROCS(0))) {
			t.Run(fmt.Sprintf("%s/%s/%d", part[0].r.name, part[0].tr.name, part[0].k), func(t *testing.T) {
				t.Parallel()
				for _, s := range part {
					synctest.Test(t, func(t *testing.T) {
						if err := revertUnder(t, s.r, s.tr, s.k); err != nil {
							t.Errorf("%s reads, %s at request %d: %v", s.r.name, s.tr.name, s.k, err)
						}
					})
				}
			})
		}
	})
	t.Logf("%d scenarios in %v", len(all), time.Since(start).Round(time.Millisecond))
}

func revertUnder(t *testing.T, r reads, tr trouble, k int) error {
	w := newWatched()
	r.set(w.Env)
	before := truth(w.Env)
	rep, err := w.Federator(nil).Federate(t.Context(), w.plan)
	if err != nil {
		return err
	}
	if cmp.Equal(before, truth(w.Env)) {
		return errors.New("Federate changed nothing")
	}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	over := w.faulty(k, tr, die)
	_, first := w.Federator(nil).Revert(ctx, rep)
	over()
	out, err := w.Federator(nil).Revert(t.Context(), rep)
	if err != nil {
		return fmt.Errorf("second Revert: %w (first: %v)\n%s", err, first, out)
	}
	if d := cmp.Diff(before, truth(w.Env)); d != "" {
		return fmt.Errorf("after Revert (-before +after), first run %v:\n%s", first, d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.bad) > 0 {
		return errors.New(w.bad[0])
	}
	return nil
}

// What somebody did in the meantime is not undone.
func TestRevertRefusesDrift(t *testing.T) {
	for name, test := range map[string]struct {
		meddle func(*federationtest.Env, *federation.Report)
		says   string
		stays  string // a line of truth that must still be there
	}{
		"federation edited": {func(env *federationtest.Env, _ *federation.Report) {
			fed, _ := env.AzureAD.Federation(env.Domain)
			fed.PassiveSignInURI = "https://sso.elsewhere.example/saml"
			env.AzureAD.SetFederation(env.Domain, fed)
		}, "passiveSignInUri", "domain example.com Federated"},
		"application renamed": {func(env *federationtest.Env, rep *federation.Report) {
			env.JumpCloud.SetApplicationField(rep.Plan.Application.ID, "displayLabel", "Ours now")
		}, "label", `"Ours now"`},
		"group used": {func(env *federationtest.Env, rep *federation.Report) {
			if err := env.JumpCloud.Client(nil).AddGroupMember(context.Background(), rep.Plan.Groups[0].ID, env.JumpCloud.Users()[0].ID); err != nil {
				panic(err)
			}
		}, "has members", "group Microsoft 365"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				plan.Groups = []federation.Group{{Name: "Microsoft 365"}}
				plan.Consent.LockOut.AtMost = 3 // whom the new group does not let in
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				test.meddle(env, rep)
				out, err := env.Federator(nil).Revert(t.Context(), rep)
				if !errors.Is(err, federation.ErrDiffers) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("Revert: %v; want ErrDiffers that tells %q\n%s", err, test.says, out)
				}
				if all := strings.Join(truth(env), "\n"); !strings.Contains(all, test.stays) {
					t.Errorf("%q is gone:\n%s", test.stays, all)
				}
			})
		})
	}
}

func TestRevertTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		other := federationtest.New(&federationtest.Options{Domain: "example.com"})
		if _, err := other.Federator(nil).Federate(t.Context(), other.Plan()); err != nil {
			t.Fatal(err)
		}
		foreign, _ := other.AzureAD.Federation("example.com")
		foreign.IssuerURI, foreign.PassiveSignInURI, foreign.ActiveSignInURI = "http://www.okta.com/exk1", "https://example.okta.com/app/sso/saml", ""
		env.AzureAD.SetFederation(env.Domain, foreign)
		before := truth(env)
		_, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodeDomainForeign) || !strings.Contains(err.Error(), "Okta") || env.Writes() != 0 {
			t.Fatalf("Federate: %v, %d writes; want a refusal that names Okta", err, env.Writes())
		}
		plan := env.Plan()
		plan.Consent.TakeOver = true
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		if err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if !slices.ContainsFunc(rep.Consents, func(f federation.Finding) bool { return f.Code == federation.CodeDomainForeign }) {
			t.Error("the report does not tell that the consent was used")
		}
		if _, err := env.Federator(nil).Revert(t.Context(), rep); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, truth(env)); d != "" {
			t.Errorf("after Revert (-before +after):\n%s", d)
		}
	})
}

func TestDefederate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		before := truth(env)
		env.ResetLog()
		_, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain})
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodePlanPasswords) || env.Writes() != 0 {
			t.Fatalf("without a word on passwords: %v, %d writes", err, env.Writes())
		}
		rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsReset})
		if err != nil {
			t.Fatal(err)
		}
		if d := env.AzureAD.Domain(env.Domain); d.AuthenticationType != aad.Managed {
			t.Errorf("the domain is %s", d.AuthenticationType)
		}
		if rep.Before != federation.StateFederated || rep.After != federation.StatePrepared || len(rep.Steps) != 1 || rep.Steps[0].Backup == nil {
			t.Errorf("report: %s", rep)
		}
		if n := len(rep.Findings); n != 3 {
			t.Errorf("%d people are named as needing a password; want 3", n)
		}
		again, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsReset})
		if err != nil || again.Changed() {
			t.Errorf("again: %v, %s", err, again)
		}

		if _, err := env.Federator(nil).Revert(t.Context(), rep); err != nil {
			t.Fatalf("Revert: %v", err)
		}
		if d := cmp.Diff(before, truth(env)); d != "" {
			t.Errorf("after Revert (-before +after):\n%s", d)
		}

		rep, err = env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown, RemoveApplication: true})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(env.JumpCloud.Applications()); n != 0 {
			t.Errorf("%d applications are left", n)
		}
		if _, err := env.Federator(nil).Revert(t.Context(), rep); !errors.Is(err, federation.ErrDiffers) {
			t.Errorf("Revert without the application: %v; want ErrDiffers", err)
		}
	})
}

func TestFederateAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var plans []federation.Plan
		for i := range 50 {
			p := env.Plan()
			if i > 0 {
				p.Domain = fmt.Sprintf("d%d.example", i)
				env.AzureAD.AddDomain(p.Domain)
				env.JumpCloud.AddDirectoryDomain(env.Directory, p.Domain, false)
			}
			plans = append(plans, p)
		}
		bad := slices.Clone(plans)
		bad[0].MFA = ""
		reports, err := env.Federator(nil).FederateAll(t.Context(), bad, &federation.BatchOptions{Concurrency: 1})
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !errors.Is(err, federation.ErrNotStarted) || env.Writes() != 0 {
			t.Fatalf("a batch whose first plan is bad: %v, %d writes", err, env.Writes())
		}
		for i, r := range reports {
			if r == nil || r.Error == "" {
				t.Errorf("report %d: %v", i, r)
			}
		}
		bad[1] = bad[2]
		if _, err := env.Federator(nil).FederateAll(t.Context(), bad, nil); err == nil || !strings.Contains(err.Error(), "two plans") {
			t.Errorf("two plans for a domain: %v", err)
		}
		reports, err = env.Federator(nil).FederateAll(t.Context(), plans, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range reports {
			if r.After != federation.StateFederated || r.Plan.Domain != plans[i].Domain {
				t.Errorf("report %d: %s %s", i, r.Plan.Domain, r.After)
			}
		}
		if n := len(env.JumpCloud.Applications()); n != 50 {
			t.Errorf("%d applications; want 50", n)
		}
		if n := len(env.JumpCloud.Groups()); n != 1 {
			t.Errorf("%d groups; want 1", n)
		}
	})
}

// What an unanswered creation may have made is taken for the run's own only if
// everything about it is as the run asked for.
func TestRevertOfALostCreation(t *testing.T) {
	for name, tt := range map[string]struct {
		since func(env *federationtest.Env, id string)
		stays int // applications that are left
	}{
		"as it was asked for": {func(*federationtest.Env, string) {}, 0},
		"renamed": {func(env *federationtest.Env, id string) {
			env.JumpCloud.SetApplicationField(id, "displayLabel", "Ours")
		}, 1},
		"at another address": {func(env *federationtest.Env, id string) {
			env.JumpCloud.SetApplicationField(id, "ssoUrl", "https://sso.jumpcloud.com/saml2/ours")
		}, 1},
		"two of them": {func(env *federationtest.Env, id string) {
			env.JumpCloud.AddApplication("office365", "Microsoft 365 (example.com)", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				ctx, die := context.WithCancelCause(t.Context())
				env.JumpCloud.OnRequest = func(r *http.Request) {
					if r.Method == http.MethodPost && r.URL.Path == "/api/applications" {
						die(errors.New("killed")) // before the answer arrives
					}
				}
				rep, err := env.Federator(nil).Federate(ctx, env.Plan())
				if err == nil || len(env.JumpCloud.Applications()) != 1 || rep.Count(federation.Unknown) != 1 {
					t.Fatalf("%v\n%s", err, rep)
				}
				env.JumpCloud.OnRequest = nil
				tt.since(env, env.JumpCloud.Applications()[0].ID)
				time.Sleep(time.Hour)
				out, err := env.Federator(nil).Revert(t.Context(), rep)
				if n := len(env.JumpCloud.Applications()); n != tt.stays || (err == nil) != (tt.stays == 0) || tt.stays > 0 && out.Count(federation.Left) != 1 {
					t.Errorf("%d applications are left; want %d: %v\n%s", n, tt.stays, err, out)
				}
			})
		})
	}
}

// A field that somebody has changed since, or that would not fit any more, stays; the
// others go back.
func TestRevertFieldByField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		f := env.Federator(nil)
		if _, err := f.Federate(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		was, _ := env.AzureAD.Federation("example.com")
		time.Sleep(time.Hour)
		env.JumpCloud.RegenerateCertificate(env.JumpCloud.Applications()[0].ID)
		plan := env.Plan()
		plan.BrandName, plan.MFA = "Example", aad.RejectMFAByFederatedIdP
		rep, err := f.Federate(t.Context(), plan)
		if err != nil || len(rep.Steps) != 1 || len(rep.Steps[0].Change.Fields) != 4 { // with the certificate before, as the second
			t.Fatalf("%v\n%s", err, rep)
		}
		time.Sleep(time.Hour)
		now, _ := env.AzureAD.Federation("example.com")
		now.MFA = aad.EnforceMFAByFederatedIdP
		env.AzureAD.SetFederation("example.com", now)
		out, err := f.Revert(t.Context(), rep)
		if !errors.Is(err, federation.ErrDiffers) {
			t.Errorf("%v; want what stays", err)
		}
		for _, want := range []string{"federatedIdpMfaBehavior is \"enforceMfaByFederatedIdp\"", "somebody has changed it since",
			"signingCertificate stays", "because JumpCloud signs with that"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", err, want)
			}
		}
		want := now
		want.DisplayName = was.DisplayName
		fed, _ := env.AzureAD.Federation("example.com")
		if d := cmp.Diff(want, fed); d != "" || want.SigningCertificate == was.SigningCertificate {
			t.Errorf("the federation (-want +got):\n%s\n%s", d, out)
		}
		if fs := out.Steps[0].Change.Fields; len(fs) != 1 || fs[0].Name != "displayName" {
			t.Errorf("the report tells of %v", fs)
		}
	})
}

// What people sign in by is left at the judgement: nobody waits for the domain to be
// managed that was federated before the run.
func TestRevertLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		plan := env.Plan()
		plan.Groups = append(plan.Groups, federation.Group{Name: "Pilots", Members: []string{env.JumpCloud.Users()[0].Email}})
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		env.ResetLog()
		start := time.Now()
		out, err := env.Federator(nil).Revert(t.Context(), rep)
		if !errors.Is(err, federation.ErrDiffers) || out.Count(federation.Left) != len(rep.Steps) || env.Writes() > 0 {
			t.Errorf("%d writes: %v\n%s", env.Writes(), err, out)
		}
		if took := time.Since(start); took > 90*time.Second {
			t.Errorf("took %v", took)
		}
		if want := "revert the report of the run that federated the domain first, or call Defederate"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	})
}
