package federation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// many is an environment with n domains, and plans that share everything that can
// be shared.
func many(env *federationtest.Env, n int) (plans []federation.Plan) {
	for i := range n {
		p := env.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "Shared", Members: []string{env.JumpCloud.Users()[0].Email}})
		p.Directory.Rules = []string{"user_department"}
		if i > 0 {
			p.Domain = "d" + string(rune('a'+i)) + ".example"
			env.AzureAD.AddDomain(p.Domain)
			env.JumpCloud.AddDirectoryDomain(env.Directory, p.Domain, false)
		}
		plans = append(plans, p)
	}
	return plans
}

// What plans share is made once, whatever becomes of the answer to its creation,
// and only the plan that has made it tells so.
func TestBatchMakesSharedThingsOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind fake.FaultKind
	}{{"without faults", fake.None}, {"lost answer", fake.DropAfter}, {"throttled", fake.TooManyBare}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plans := many(env, 4)
				slow(env)
				var n atomic.Int64
				env.JumpCloud.Fault = func(r *http.Request) fake.Fault {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/usergroups") && n.Add(1) <= 2 {
						return fake.Fault{Kind: tt.kind}
					}
					return fake.Fault{}
				}
				reports, err := env.Federator(nil).FederateAll(t.Context(), plans, nil)
				if err != nil {
					t.Fatal(err)
				}
				if n.Load() == 0 {
					t.Fatal("nobody made the group")
				}
				count := 0
				for _, g := range env.JumpCloud.Groups() {
					if g.Name == "Shared" {
						count++
					}
				}
				if count != 1 {
					t.Errorf("%d groups; want 1", count)
				}
				made := make(map[string]int)
				for _, rep := range reports {
					for _, s := range rep.Steps {
						if s.Outcome == federation.Done && (s.Change.Resource == federation.ResGroup || s.Change.Resource == federation.ResMember ||
							s.Change.Resource == federation.ResDirectoryGroup || s.Change.Resource == federation.ResDirectoryRule) {
							made[s.Change.String()]++
						}
						if s.Outcome == federation.Skipped && s.Change.Resource == federation.ResGroup && s.ID == "" {
							t.Errorf("%s is skipped without its ID", s.Change)
						}
					}
				}
				for change, n := range made {
					if n != 1 {
						t.Errorf("%d reports claim to %s", n, change)
					}
				}
				if len(made) < 4 {
					t.Errorf("only %v were made", made)
				}
			})
		})
	}
}

// Twenty domains that share everything cost at most 24 requests each.
func TestBatchBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plans := many(env, 20)
		env.ResetLog()
		if _, err := env.Federator(nil).FederateAll(t.Context(), plans, nil); err != nil {
			t.Fatal(err)
		}
		if n := env.Requests(); n > 20*24 {
			t.Errorf("%d requests, %.1f a domain; want at most 24", n, float64(n)/20)
		} else {
			t.Logf("%d requests, %.1f a domain", n, float64(n)/20)
		}
	})
}

// Plans that cannot all be true are refused before the first request that writes.
func TestBatchContradictions(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(a, b *federation.Plan)
		says string
	}{
		{"one domain twice", func(a, b *federation.Plan) { b.Domain = strings.ToUpper(a.Domain) }, "has two plans"},
		{"one entity ID", func(a, b *federation.Plan) {
			a.Application.IdPEntityID, b.Application.IdPEntityID = "urn:uri:signin.example", "urn:uri:signin.example"
		}, "the same IdP entity ID"},
		{"one login URL", func(a, b *federation.Plan) {
			a.Application.LoginURL, b.Application.LoginURL = "https://sso.jumpcloud.com/saml2/x", "https://sso.jumpcloud.com/saml2/X/"
		}, "the same login URL"},
		{"one application", func(a, b *federation.Plan) {
			a.Application.ID, b.Application.ID = "600000040000000000000001", "600000040000000000000001"
		}, "the same application ID"},
		{"a default domain that is federated", func(a, b *federation.Plan) { a.DefaultDomain = b.Domain }, "another plan federates it"},
		{"two pinned groups of one name", func(a, b *federation.Plan) {
			a.Groups = []federation.Group{{Name: "Everyone", ID: "600000030000000000000001"}}
			b.Groups = []federation.Group{{Name: "Everyone", ID: "600000030000000000000002"}}
		}, "to two IDs"},
		{"different rules", func(a, b *federation.Plan) {
			a.Directory.Rules, b.Directory.Rules = []string{"user_department"}, []string{"user_title"}
		}, "different translation rules"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plans := many(env, 2)
				tt.edit(&plans[0], &plans[1])
				reports, err := env.Federator(nil).FederateAll(t.Context(), plans, nil)
				var pe *federation.PreconditionError
				if !errors.As(err, &pe) || !pe.Has(federation.CodeBatch) || !strings.Contains(err.Error(), tt.says) || env.Writes() != 0 {
					t.Errorf("%v, %d writes; want a refusal that says %q", err, env.Writes(), tt.says)
				}
				for _, rep := range reports {
					if rep == nil || rep.Error == "" {
						t.Errorf("report %v", rep)
					}
				}
			})
		})
	}
}

// Two domains whose only administrators outside are each on the other one are not
// both federated: by a batch, by two runs of one process, nor, if one run can see
// the other at work or the domain by its name shows it, by two processes.
func TestLastAdministratorStays(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error)
	}{
		{"a batch", func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error) {
			_, err := env.Federator(nil).FederateAll(t.Context(), []federation.Plan{a, b}, &federation.BatchOptions{KeepGoing: true})
			if env.Writes() != 0 {
				t.Errorf("%d writes before the refusal", env.Writes())
			}
			return err, nil
		}},
		{"two Federators over one client", func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error) {
			ad := env.AzureAD.Client(nil)
			env.AzureAD.ListLag, env.AzureAD.GetLag = aadtest.Lag{For: 30 * time.Second}, aadtest.Lag{For: 30 * time.Second} // no list tells what the other one has done
			f, g := federation.New(env.JumpCloud.Client(nil), ad, nil), federation.New(env.JumpCloud.Client(nil), ad, nil)
			return both(t, f, g, a, b)
		}},
		{"one after the other, and the list of domains is old", func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error) {
			ad := env.AzureAD.Client(nil)
			env.AzureAD.ListLag, env.AzureAD.GetLag = aadtest.Lag{For: 10 * time.Minute}, aadtest.Lag{For: 10 * time.Minute}
			f := federation.New(env.JumpCloud.Client(nil), ad, &federation.Options{Settle: time.Minute})
			if rep, err := f.Federate(t.Context(), a); !errors.Is(err, federation.ErrNotConverged) || env.AzureAD.Domain(a.Domain).AuthenticationType != aad.Federated {
				t.Errorf("%v; want a domain that is switched, and does not show it\n%s", err, rep)
			}
			env.JumpCloud.SetApplicationField(env.JumpCloud.Applications()[0].ID, "active", false) // not at work any more, as far as JumpCloud tells
			_, err := federation.New(env.JumpCloud.Client(nil), ad, nil).Federate(t.Context(), b)
			return nil, err
		}},
		{"another process, and the list of domains is old", func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error) {
			env.AzureAD.ListLag = aadtest.Lag{For: 10 * time.Minute}
			_, err := federation.New(env.JumpCloud.Client(nil), env.AzureAD.Client(nil), &federation.Options{Settle: time.Minute}).Federate(t.Context(), a)
			if env.AzureAD.Domain(a.Domain).AuthenticationType != aad.Federated {
				t.Errorf("%v; want a domain that is switched", err)
			}
			env.JumpCloud.SetApplicationField(env.JumpCloud.Applications()[0].ID, "active", false) // not at work any more, as far as JumpCloud tells
			_, err = env.Federator(nil).Federate(t.Context(), b)
			return nil, err
		}},
		{"two processes", func(t *testing.T, env *federationtest.Env, a, b federation.Plan) (error, error) {
			return both(t, env.Federator(nil), env.Federator(nil), a, b)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				env.AzureAD.AddDomain("other.example")
				env.JumpCloud.AddDirectoryDomain(env.Directory, "other.example", false)
				for _, upn := range env.Administrators {
					env.AzureAD.RemoveUser(upn)
				}
				for _, upn := range []string{"boss@example.com", "boss@other.example"} {
					env.AzureAD.MakeGlobalAdministrator(env.AzureAD.AddUser(aad.User{UserPrincipalName: upn, UserType: "Member"}))
				}
				slow(env)
				env.ResetLog()
				a := env.Plan()
				a.TechnicalAccount = federation.TechnicalAccount{}
				a.Consent.LockOut.AtMost = 2 // the administrators, who are not in JumpCloud
				b := a
				b.Domain = "other.example"
				err1, err2 := tt.run(t, env, a, b)
				federated := 0
				for _, d := range []string{a.Domain, b.Domain} {
					if env.AzureAD.Domain(d).AuthenticationType == aad.Federated {
						federated++
					}
				}
				var pe *federation.PreconditionError
				if err := errors.Join(err1, err2); federated > 1 || !errors.As(err, &pe) || !pe.Has(federation.CodeBreakGlass) {
					t.Errorf("%d domains are federated: %v", federated, err)
				}
			})
		})
	}
}

func both(t *testing.T, f, g *federation.Federator, a, b federation.Plan) (error, error) {
	done := make(chan error)
	go func() {
		_, err := g.Federate(t.Context(), b)
		done <- err
	}()
	_, err := f.Federate(t.Context(), a)
	return err, <-done
}

// Two runs of one Federator at the same moment need the same group. It is made once,
// although no list shows it while they last.
func TestOneFederatorMakesOnce(t *testing.T) {
	for name, lag := range map[string]time.Duration{"a minute": time.Minute, "longer than they wait": 20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plans := many(env, 3)
				env.JumpCloud.ListLag = jumpcloudtest.Lag{For: lag}
				slow(env)
				answer, asked := make(chan bool), make(chan bool)
				f := env.Federator(&federation.Options{Confirm: func(_ context.Context, p *federation.Proposal) error {
					cs := p.Changes
					if strings.Contains(cs.String(), plans[2].Domain) {
						<-answer
						return errors.New("no")
					}
					return nil
				}})
				go func() {
					_, _ = f.Federate(t.Context(), plans[2])
					close(asked)
				}()
				err1, err2 := both(t, f, f, plans[0], plans[1])
				n := 0
				for _, g := range env.JumpCloud.Groups() {
					if g.Name == "Shared" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d groups; want 1: %v, %v", n, err1, err2)
				}
				time.Sleep(time.Hour)
				for _, p := range plans[:2] {
					if rep, err := f.Federate(t.Context(), p); err != nil {
						t.Errorf("%v\n%s", err, rep)
					}
				}
				// Once they are over, what is gone is made anew, though another run
				// has begun when they were under way.
				env.JumpCloud.ListLag = jumpcloudtest.Lag{}
				for _, g := range env.JumpCloud.Groups() {
					if g.Name == "Shared" {
						if err := env.JumpCloud.Client(nil).DeleteGroup(t.Context(), g.ID); err != nil {
							t.Fatal(err)
						}
					}
				}
				rep, err := f.Federate(t.Context(), plans[0])
				if err != nil || !slices.ContainsFunc(rep.Steps, func(s federation.Step) bool {
					return s.Change.Resource == federation.ResGroup && s.Outcome == federation.Done
				}) {
					t.Errorf("%v\n%s", err, rep)
				}
				close(answer)
				<-asked
			})
		})
	}
}

// Another run makes an application of its own at the same moment and federates the
// domain with it, which no list has shown so far. Its certificate stays, because
// people sign in through it, and this run's application goes.
func TestOvertaken(t *testing.T) {
	for _, tt := range []struct {
		name    string
		at      string        // the path that this run writes to at that moment
		lag     time.Duration // of JumpCloud's lists
		seen    bool          // its application shows at all
		overdue bool
	}{
		{"right before the switch", "federationConfiguration", 0, true, false},
		{"right before the switch, and lists lag", "federationConfiguration", 20 * time.Second, true, false},
		{"while groups are bound", "associations", 0, true, false},
		{"while groups are bound, and lists lag", "associations", 20 * time.Second, true, false},
		{"with an application that never shows", "federationConfiguration", 0, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				theirs := env.JumpCloud.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/other")
				app := env.JumpCloud.Applications()[0]
				cert := app.Certificate
				env.JumpCloud.DeleteApplication(theirs)
				var once sync.Once
				overtake := func(r *http.Request) {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, tt.at) {
						once.Do(func() {
							env.JumpCloud.ListLag = jumpcloudtest.Lag{For: tt.lag}
							if tt.seen {
								theirs = env.JumpCloud.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", app.SSOURL)
								other, _ := env.JumpCloud.Application(theirs)
								cert = other.Certificate
							}
							env.AzureAD.SetFederation("example.com", aad.Federation{IssuerURI: "urn:uri:example.com", SigningCertificate: cert,
								PassiveSignInURI: app.SSOURL, ActiveSignInURI: app.SSOURL, SignOutURI: app.SSOURL, Protocol: aad.SAML})
						})
					}
				}
				env.JumpCloud.OnRequest, env.AzureAD.OnRequest = overtake, overtake
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if tt.overdue != errors.Is(err, federation.ErrNotConverged) || !tt.overdue && err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				if tt.overdue && !strings.Contains(err.Error(), "another run has federated the domain") {
					t.Errorf("the error does not say why: %v", err)
				}
				fed, ok := env.AzureAD.Federation("example.com")
				if !ok || fed.SigningCertificate != cert || fed.IssuerURI != "urn:uri:example.com" {
					t.Errorf("the domain does not trust the other run's application any more: %+v\n%s", fed, rep)
				}
				apps := env.JumpCloud.Applications()
				if !tt.overdue && (len(apps) != 1 || apps[0].ID != theirs || rep.Plan.Application.ID != theirs) {
					t.Errorf("%d applications; want the other run's alone\n%s", len(apps), rep)
				}
			})
		})
	}
}

// The application gets another certificate right after the domain was federated with
// the one before, as part of one run: that is nobody else's doing.
func TestNotOvertakenByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var once sync.Once
		env.AzureAD.OnRequest = func(r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "federationConfiguration") {
				once.Do(func() { env.JumpCloud.RegenerateCertificate(env.JumpCloud.Applications()[0].ID) })
			}
		}
		start := time.Now()
		env.AzureAD.ListLag = aadtest.Lag{For: 40 * time.Second} // so that the run looks at everything once more
		env.AzureAD.GetLag = env.AzureAD.ListLag
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil || time.Since(start) > 3*time.Minute {
			t.Errorf("after %v: %v\n%s", time.Since(start), err, rep)
		}
		fed, _ := env.AzureAD.Federation("example.com")
		if app := env.JumpCloud.Applications()[0]; fed.SigningCertificate != app.Certificate {
			t.Errorf("the domain trusts another certificate than the application's\n%s", rep)
		}
	})
}

// Another application with the plan's entity ID is told of; it goes only with
// consent, and only if nobody uses it.
func TestSecondApplication(t *testing.T) {
	for _, tt := range []struct {
		name    string
		consent bool
		bound   bool // somebody has bound a group of their own to it
		left    int
		steps   string
	}{
		{"without consent", false, false, 2, ""},
		{"with consent", true, false, 1, "done"},
		{"with consent, and used", true, true, 2, "left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				second := env.JumpCloud.AddApplication("office365", "Again", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/again")
				if tt.bound {
					env.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: second}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Strangers")})
				}
				plan := env.Plan()
				plan.Consent.RemoveDuplicate = tt.consent
				again, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil {
					t.Fatalf("%v\n%s", err, again)
				}
				told := append(again.Findings, again.Consents...)
				ok := false
				for _, f := range told {
					ok = ok || f.Code == federation.CodeApplicationTwice && strings.Contains(f.Message, second)
				}
				if !ok {
					t.Errorf("the second application is not told:\n%s", again)
				}
				apps := env.JumpCloud.Applications()
				if len(apps) != tt.left || apps[0].ID != rep.Plan.Application.ID {
					t.Errorf("%d applications are left; want %d\n%s", len(apps), tt.left, again)
				}
				if tt.steps == "" && len(again.Steps) > 0 || tt.steps != "" && (len(again.Steps) != 1 || string(again.Steps[0].Outcome) != tt.steps) {
					t.Errorf("steps:\n%s", again)
				}
			})
		})
	}
}
