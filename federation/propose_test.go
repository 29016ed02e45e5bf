package federation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// What was approved for one customer is not done to another, whose services need just
// the same, nor where the token does not tell whose it is.
func TestApplyToAnotherCustomer(t *testing.T) {
	verbs := map[string]struct {
		federated bool // before
		propose   func(context.Context, *federation.Federator, federation.Plan) (*federation.Proposal, error)
	}{
		"federate": {false, func(ctx context.Context, f *federation.Federator, plan federation.Plan) (*federation.Proposal, error) {
			return f.Propose(ctx, plan)
		}},
		"defederate": {true, func(ctx context.Context, f *federation.Federator, plan federation.Plan) (*federation.Proposal, error) {
			return f.ProposeDefederate(ctx, federation.DefederatePlan{Domain: plan.Domain, Passwords: federation.PasswordsKnown})
		}},
		"repair": {false, func(ctx context.Context, f *federation.Federator, plan federation.Plan) (*federation.Proposal, error) {
			return f.ProposeRepair(ctx, federation.RepairPlan{Plan: plan, ImmutableIDs: federation.FromJumpCloudID})
		}},
	}
	others := map[string]func(env *federationtest.Env) *federation.Federator{
		"": func(env *federationtest.Env) *federation.Federator { return env.Federator(nil) },
		"another tenant": func(env *federationtest.Env) *federation.Federator {
			env.AzureAD.TenantID = "00000000-0000-4000-8000-000000000000"
			return env.Federator(nil)
		},
		"another organisation": func(env *federationtest.Env) *federation.Federator {
			other := env.JumpCloud.AddOrganization("Other")
			other.AddDirectory("Microsoft 365")
			other.AddGroup(federationtest.Group)
			return federation.New(env.JumpCloud.Client(nil).ForOrganization(other.OrgID()), env.AzureAD.Client(nil), nil)
		},
		"an opaque token": func(env *federationtest.Env) *federation.Federator {
			env.AzureAD.OpaqueTokens = true
			return env.Federator(nil)
		},
	}
	for verb, v := range verbs {
		for name, edit := range others {
			t.Run(verb+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(nil)
					if v.federated {
						federated(t, env)
					}
					env.AzureAD.EditUser(env.JumpCloud.Users()[0].Email, func(u *aad.User) { u.ImmutableID = "" })
					plan := env.Plan()
					plan.Consent.LockOut.AtMost = 1
					p, err := v.propose(t.Context(), env.Federator(nil), plan)
					if err != nil || len(p.Changes) == 0 || p.Organization == "" {
						t.Fatalf("%v\n%s", err, p)
					}
					f := edit(env)
					env.ResetLog()
					rep, err := f.Apply(t.Context(), stored(t, p))
					if name == "" {
						if err != nil || env.Writes() == 0 {
							t.Errorf("the same customer: %v\n%s", err, rep)
						}
					} else if !errors.Is(err, federation.ErrNotApproved) || env.Writes() > 0 || rep.Error == "" {
						t.Errorf("%d writes: %v\n%s", env.Writes(), err, rep)
					}
				})
			})
		}
	}
}

// Who has no immutable ID, and is shut out when another provider's federation comes
// back, is named in the proposal, and nobody else may be shut out by it.
func TestProposeRevertToAnotherProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		other := federationtest.New(nil)
		federated(t, other)
		foreign, _ := other.AzureAD.Federation(env.Domain) // whose certificate is in date
		foreign.IssuerURI, foreign.PassiveSignInURI, foreign.ActiveSignInURI = "http://www.okta.com/exk1", "https://example.okta.com/app/sso/saml", ""
		env.AzureAD.SetFederation(env.Domain, foreign)
		ended, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{
			Domain: env.Domain, Passwords: federation.PasswordsKnown, OtherProvider: true})
		if err != nil {
			t.Fatalf("%v\n%s", err, ended)
		}
		time.Sleep(time.Hour)
		id := env.AzureAD.AddUser(aad.User{UserPrincipalName: "known@example.com"})
		f := env.Federator(&federation.Options{Confirm: never(t)})
		p, err := f.ProposeRevert(t.Context(), ended)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || len(pe.People) != 1 || len(p.People) != 1 {
			t.Fatalf("without consent: %v\n%s", err, p)
		}
		ended.Plan.Consent.LockOut.AtMost = 5
		p, err = f.ProposeRevert(t.Context(), ended)
		if err != nil || len(p.People) != 1 || p.People[0].AzureADID != id || p.People[0].UserPrincipalName != "known@example.com" {
			t.Fatalf("%v\n%s", err, p)
		}
		env.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@example.com"})
		more, err := f.ProposeRevert(t.Context(), ended)
		if err != nil || more.Hash == p.Hash {
			t.Errorf("one person more, the same hash: %v\n%s", err, more)
		}
		env.ResetLog()
		rep, err := f.Apply(t.Context(), stored(t, p))
		if !errors.Is(err, federation.ErrNotApproved) || !strings.Contains(err.Error(), "new.hire@") || env.Writes() > 0 {
			t.Errorf("%d writes: %v\n%s", env.Writes(), err, rep)
		}
		if rep, err = f.Apply(t.Context(), stored(t, more)); err != nil || !rep.Changed() {
			t.Errorf("%v\n%s", err, rep)
		}
	})
}

// What is no proposal, or a damaged one, is refused; nothing panics.
func TestApplyDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		f := env.Federator(nil)
		good, err := f.Propose(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		for name, edit := range map[string]func(*federation.Proposal){
			"another verb":       func(p *federation.Proposal) { p.Verb = federation.VerbRepair },
			"no verb":            func(p *federation.Proposal) { p.Verb = "" },
			"two things at once": func(p *federation.Proposal) { p.Defederate = new(federation.DefederatePlan) },
			"a run that is none": func(p *federation.Proposal) { p.Runs = []*federation.Report{nil} },
			"a report that is none": func(p *federation.Proposal) {
				p.Plan, p.Verb, p.Revert = nil, federation.VerbRevert, []*federation.Report{nil}
			},
			"good for ever": func(p *federation.Proposal) { p.Expires = p.Expires.AddDate(90, 0, 0) },
			"made in the next century": func(p *federation.Proposal) {
				p.Created, p.Expires = p.Created.AddDate(90, 0, 0), p.Expires.AddDate(90, 0, 0)
			},
		} {
			p := stored(t, good)
			edit(p)
			if name == "good for ever" {
				time.Sleep(73 * time.Hour)
			}
			env.ResetLog()
			if rep, err := f.Apply(t.Context(), p); err == nil || rep == nil || rep.Error == "" || env.Requests() > 0 {
				t.Errorf("%s: %v, %d requests\n%s", name, err, env.Requests(), rep)
			}
		}
		if rep, err := f.Apply(t.Context(), nil); err == nil || rep == nil || rep.Error == "" {
			t.Errorf("nil: %v", err)
		}
	})
}

// What somebody else has changed since a proposal was begun is brought back only if
// that leads to what was approved.
func TestApplyAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		since func(*aad.Federation)
		says  string // in the error; "" for none
	}{
		"another field":               {func(f *aad.Federation) { f.MFA = aad.RejectMFAByFederatedIdP }, "federatedIdpMfaBehavior"},
		"the field that was approved": {func(f *aad.Federation) { f.DisplayName = "Somebody's" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				plan := env.Plan()
				plan.BrandName = "Other"
				f := env.Federator(&federation.Options{Confirm: never(t)})
				p, err := f.Propose(t.Context(), plan)
				if err != nil || len(p.Changes) != 1 {
					t.Fatalf("%v\n%s", err, p)
				}
				rep, err := f.Apply(t.Context(), stored(t, p))
				if err != nil || !rep.Changed() {
					t.Fatalf("%v\n%s", err, rep)
				}
				edit(t, env, tt.since)
				p.Runs = []*federation.Report{rep}
				env.ResetLog()
				rep, err = f.Apply(t.Context(), stored(t, p))
				if tt.says == "" && (err != nil || !rep.Changed()) ||
					tt.says != "" && (!errors.Is(err, federation.ErrNotApproved) || !strings.Contains(err.Error(), tt.says) || env.Writes() > 0) {
					t.Errorf("%d writes: %v; want %q\n%s", env.Writes(), err, tt.says, rep)
				}
			})
		})
	}
}

// A second application that appears while a proposal is applied is not removed, though
// the plan consents to it: nobody has seen it in the proposal.
func TestApplyRemovesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plan := env.Plan()
		plan.Consent.RemoveDuplicate = true
		f := env.Federator(&federation.Options{Confirm: never(t)})
		p, err := f.Propose(t.Context(), plan)
		if err != nil || len(p.Changes) == 0 {
			t.Fatalf("%v\n%s", err, p)
		}
		second := ""
		var once sync.Once // several groups are bound side by side
		env.JumpCloud.OnRequest = func(r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/associations") {
				once.Do(func() {
					second = env.JumpCloud.AddApplication("office365", "Second", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/second")
				})
			}
		}
		rep, err := f.Apply(t.Context(), stored(t, p))
		if !errors.Is(err, federation.ErrNotApproved) || !strings.Contains(err.Error(), "- jumpcloud/application") {
			t.Errorf("%v\n%s", err, rep)
		}
		if n := len(env.JumpCloud.Applications()); second == "" || n != 2 {
			t.Errorf("%d applications\n%s", n, rep)
		}
	})
}

// A domain that somebody else has federated, after it was sent, is not taken from them:
// what was approved was to federate one that is managed.
func TestApplyTakesNothingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plan := env.Plan()
		plan.Consent.TakeOver = true
		f := env.Federator(&federation.Options{Confirm: never(t)})
		p, err := f.Propose(t.Context(), plan)
		if err != nil {
			t.Fatalf("%v\n%s", err, p)
		}
		rep, err := f.Apply(t.Context(), stored(t, p))
		if err != nil || !rep.Changed() {
			t.Fatalf("%v\n%s", err, rep)
		}
		time.Sleep(time.Hour)
		env.AzureAD.SetFederation(env.Domain, okta(t))
		p.Runs = []*federation.Report{rep}
		env.ResetLog()
		rep, err = f.Apply(t.Context(), stored(t, p))
		if !errors.Is(err, federation.ErrNotApproved) || env.Writes() > 0 {
			t.Errorf("%d writes: %v\n%s", env.Writes(), err, rep)
		}
	})
}

// What was approved is killed anywhere, and applied again with what was stored: it comes
// to the same end as without, whatever the verb, and asks nobody.
func TestApplyOfAnyVerbKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 4
	}
	defederation := federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown}
	for name, propose := range map[string]func(context.Context, *federationtest.Env, *federation.Federator, []*federation.Report) (*federation.Proposal, error){
		"defederate": func(ctx context.Context, _ *federationtest.Env, f *federation.Federator, _ []*federation.Report) (*federation.Proposal, error) {
			plan := defederation
			plan.RemoveApplication = true
			return f.ProposeDefederate(ctx, plan)
		},
		"revert one": func(ctx context.Context, _ *federationtest.Env, f *federation.Federator, reps []*federation.Report) (*federation.Proposal, error) {
			return f.ProposeRevert(ctx, reps[1])
		},
		"revert all": func(ctx context.Context, _ *federationtest.Env, f *federation.Federator, reps []*federation.Report) (*federation.Proposal, error) {
			return f.ProposeRevert(ctx, reps...)
		},
		"revert a defederate": func(ctx context.Context, _ *federationtest.Env, f *federation.Federator, _ []*federation.Report) (*federation.Proposal, error) {
			rep, err := f.Defederate(ctx, defederation)
			if err != nil {
				return nil, err
			}
			time.Sleep(time.Hour)
			return f.ProposeRevert(ctx, rep)
		},
		"repair": func(ctx context.Context, env *federationtest.Env, f *federation.Federator, _ []*federation.Report) (*federation.Proposal, error) {
			for _, u := range env.JumpCloud.Users() {
				env.AzureAD.EditUser(u.Email, func(u *aad.User) { u.ImmutableID = "" })
			}
			return f.ProposeRepair(ctx, federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
		},
		"revert a repair": func(ctx context.Context, env *federationtest.Env, f *federation.Federator, reps []*federation.Report) (*federation.Proposal, error) {
			if back, err := f.RevertAll(ctx, reps...); err != nil {
				return nil, errors.Join(err, errors.New(back[0].String()))
			}
			for _, u := range env.JumpCloud.Users() {
				env.AzureAD.EditUser(u.Email, func(u *aad.User) { u.ImmutableID = "" })
			}
			rep, err := f.PreviewRepair(ctx, federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
			if err == nil {
				rep, err = f.Repair(ctx, rep)
			}
			if err != nil {
				return nil, err
			}
			time.Sleep(time.Hour)
			return f.ProposeRevert(ctx, rep)
		},
	} {
		for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
			t.Run(name+", "+kind.String(), func(t *testing.T) {
				t.Parallel()
				var want []string // how it ends
				for k, n := 1<<30, 1<<30; n >= k-step || k == 1<<30; {
					synctest.Test(t, func(t *testing.T) {
						env := federationtest.New(nil)
						var reps []*federation.Report
						for _, brand := range []string{"", "Other"} {
							plan := env.Plan()
							plan.BrandName = brand
							rep, err := env.Federator(nil).Federate(t.Context(), plan)
							if err != nil || !rep.Changed() {
								t.Fatalf("%v\n%s", err, rep)
							}
							reps = append(reps, rep)
							time.Sleep(time.Hour)
						}
						p, err := propose(t.Context(), env, env.Federator(nil), reps)
						if err != nil || len(p.Changes) == 0 {
							t.Fatalf("%v\n%s", err, p)
						}
						time.Sleep(time.Hour)
						var s shelf
						opts := &federation.Options{Confirm: never(t), OnReport: s.begin()}
						ctx, over := s.killAt(t.Context(), env, k, kind)
						rep, err := env.Federator(opts).Apply(ctx, stored(t, p))
						n = over()
						switch now := ending(env); {
						case want == nil && err != nil:
							t.Fatalf("not killed: %v\n%s", err, rep)
						case want == nil:
							want = now
							return
						}
						time.Sleep(time.Hour)
						p.Runs = s.reports(t)
						opts.OnReport = s.begin()
						rep, err = env.Federator(opts).Apply(t.Context(), stored(t, p))
						if d := cmp.Diff(want, ending(env)); err != nil || d != "" {
							t.Errorf("killed at %d: %v\n%s\n%s", k, err, d, rep)
						}
					})
					if k == 1<<30 {
						k = 1 - step
					}
					k += step
				}
			})
		}
	}
}

// ending is how things stand, but for the certificate, which is another each time.
func ending(env *federationtest.Env) (lines []string) {
	for _, s := range truth(env) {
		if strings.HasPrefix(s, "federation ") {
			s = s[:strings.LastIndexByte(s, ' ')]
		}
		lines = append(lines, s)
	}
	for _, u := range env.AzureAD.Users() {
		lines = append(lines, u.UserPrincipalName+" "+u.ImmutableID)
	}
	return lines
}
