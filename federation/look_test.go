package federation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// busy is an answer that nobody waits for: it is told to the caller at once.
var busy = jumpcloudtest.Fault{Kind: jumpcloudtest.TooMany, RetryAfter: "130"}

// A look that fails is none: what is to be seen twice before something is made, is
// seen twice.
func TestSecondLookMustAnswer(t *testing.T) {
	for name, path := range map[string]string{"application": "/api/applications", "group": "/api/v2/usergroups"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				plan.Groups = append(plan.Groups, federation.Group{Name: "Pilots", Members: []string{env.JumpCloud.Users()[0].Email}})
				// Somebody makes it between the two looks, of which the second one
				// fails for a while.
				start := time.Now()
				var failed atomic.Int32
				env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
					after := time.Since(start)
					if r.Method != http.MethodGet || r.URL.Path != path || after < 4*time.Second || after > 20*time.Second {
						return jumpcloudtest.Fault{}
					}
					if failed.Add(1) == 1 {
						if name == "group" {
							env.JumpCloud.AddGroup("Pilots")
						} else {
							env.JumpCloud.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
						}
					}
					return busy
				}
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil {
					t.Errorf("%v\n%s", err, rep)
				}
				if failed.Load() == 0 {
					t.Fatal("no look failed")
				}
				n := 0
				for _, g := range env.JumpCloud.Groups() {
					if g.Name == "Pilots" {
						n++
					}
				}
				if apps := len(env.JumpCloud.Applications()); apps != 1 || n != 1 {
					t.Errorf("%d applications and %d groups; want one of each\n%s", apps, n, rep)
				}
			})
		})
	}
}

// A change that does not show because nothing can be read ends as one that does not
// show, and not as done.
func TestUnreadIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var mu sync.Mutex
		switched := false
		env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "federationConfiguration") {
				switched = true
			} else if switched && strings.Contains(r.URL.Path, "/domains") {
				return busy
			}
			return aadtest.Fault{}
		}
		rep, err := env.Federator(&federation.Options{Settle: 2 * time.Minute}).Federate(t.Context(), env.Plan())
		if !switched || !errors.Is(err, federation.ErrNotConverged) || !errors.Is(err, aad.ErrThrottled) {
			t.Errorf("%v; want that it did not show, and why\n%s", err, rep)
		}
		if last := rep.Steps[len(rep.Steps)-1]; last.Change.Resource != federation.ResFederation || last.Outcome != federation.Made {
			t.Errorf("the switch is %s; want made", last.Outcome)
		}
	})
}

// Before a switch that took its time the state is read anew, and an answer that fails
// is waited for.
func TestFreshMustAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var mu sync.Mutex
		var bound time.Time
		failed := 0
		env.JumpCloud.OnRequest = func(r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/associations") && bound.IsZero() {
				bound = time.Now()
				env.JumpCloud.GetLag = jumpcloudtest.Lag{For: time.Minute} // the switch comes a minute later
			}
		}
		env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodGet && !bound.IsZero() && time.Since(bound) > 30*time.Second && failed < 4 && r.URL.Path == "/api/applications" {
				failed++
				if failed == 1 {
					env.JumpCloud.SetApplicationField(env.JumpCloud.Applications()[0].ID, "active", false)
				}
				return busy
			}
			return jumpcloudtest.Fault{}
		}
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if failed == 0 {
			t.Fatalf("nothing failed: %v\n%s", err, rep)
		}
		// It was deactivated before the switch: it is active again, or nothing was switched.
		_, switched := env.AzureAD.Federation("example.com")
		if active := env.JumpCloud.Applications()[0].Active; switched && !active || (err == nil) != (switched && active) {
			t.Errorf("switched %v, active %v: %v\n%s", switched, active, err, rep)
		}
	})
}

// A context that ends while a run waits ends the run at once, with its cause.
func TestCancelledWhileWaiting(t *testing.T) {
	enough := errors.New("enough")
	late := jumpcloudtest.Lag{For: 50 * time.Second}
	ended := 0
	for _, v := range deniable {
		if v.name != "Federate" && v.name != "Revert" && v.name != "Defederate" {
			continue
		}
		for _, half := range []bool{false, true} {
			for _, after := range []int{1, 3, 6, 12, 25, 55, 80, 120, 200} {
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(&federationtest.Options{DefaultDomain: true})
					var rep *federation.Report
					if v.before != nil {
						rep = v.before(t, env)
					}
					plan, opts := everyKind(env)
					if half && v.name == "Federate" {
						env.AzureAD.AddDomain("half.example", aadtest.Broken)
						env.JumpCloud.AddDirectoryDomain(env.Directory, "half.example", false)
						plan.Domain, plan.Consent.Recover = "half.example", true
					}
					env.JumpCloud.ListLag, env.JumpCloud.GetLag, env.AzureAD.ListLag, env.AzureAD.GetLag = late, late, late, late
					ctx, cancel := context.WithCancelCause(t.Context())
					var at time.Time
					time.AfterFunc(time.Duration(after)*time.Second, func() {
						at = time.Now()
						cancel(enough)
					})
					out, err := v.do(ctx, env.Federator(opts), plan, rep)
					if at.IsZero() {
						return // it was done before
					}
					ended++
					if took := time.Since(at); took > time.Second || !errors.Is(err, enough) && !errors.Is(err, context.Canceled) || out.Error == "" {
						t.Errorf("%s, half %v, after %d s: %v later, %v\n%s", v.name, half, after, took, err, out)
					}
				})
			}
		}
	}
	if ended < 30 {
		t.Errorf("%d runs were ended; most of them should be at work for minutes", ended)
	}
}

// Who follows a run is told of each look that it waits for, counted from one.
func TestEventsOfWaits(t *testing.T) {
	collect := func(events *[]federation.Event) *federation.Options {
		return &federation.Options{OnEvent: func(e federation.Event) { *events = append(*events, e) }}
	}
	t.Run("a configuration that cannot be read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			env.AzureAD.AddDomain("half.example", aadtest.Broken)
			env.JumpCloud.AddDirectoryDomain(env.Directory, "half.example", false)
			plan := env.Plan()
			plan.Domain, plan.Consent.Recover = "half.example", true
			var events []federation.Event
			if rep, err := env.Federator(collect(&events)).Federate(t.Context(), plan); err != nil {
				t.Fatalf("%v\n%s", err, rep)
			}
			var attempts []int
			for _, e := range events {
				if e.Text == "making sure that the configuration cannot be read" {
					attempts = append(attempts, e.Attempt)
				}
			}
			if d := cmp.Diff([]int{1, 2, 3, 4, 5, 6}, attempts); d != "" {
				t.Errorf("looks (-want +got):\n%s", d)
			}
		})
	})
	t.Run("somebody is asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			var events []federation.Event
			opts := collect(&events)
			opts.Confirm = func(context.Context, *federation.Proposal) error { return nil }
			if out, err := env.Federator(opts).Revert(t.Context(), rep); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			n := 0
			for _, e := range events {
				if e.Phase == federation.PhaseConfirm {
					n++
				}
			}
			if n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	})
}

// What the public endpoint says when a run ends is evidence, and so is its silence.
func TestRealmIsEvidence(t *testing.T) {
	for name, tt := range map[string]struct {
		silent bool
		says   string
	}{
		"it answers":         {false, "the public realm endpoint said Federated when the run ended"},
		"it does not answer": {true, "the public realm endpoint did not answer when the run ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(25 * time.Hour)
				plan := env.Plan()
				plan.MFA = aad.RejectMFAByFederatedIdP
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if tt.silent && strings.Contains(strings.ToLower(r.URL.Path), "userrealm") {
						return aadtest.Fault{Kind: aadtest.Refuse503, Status: http.StatusForbidden}
					}
					return aadtest.Fault{}
				}
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil || len(rep.Steps) != 1 || !strings.Contains(rep.Rows[9].Evidence, tt.says) {
					t.Errorf("%v: %q; want %q", err, rep.Rows[9].Evidence, tt.says)
				}
			})
		})
	}
}

// What builds on something that this run has made is sent to just that, though a
// replica is asked meanwhile that does not show it yet.
func TestFederateOlderAnswers(t *testing.T) {
	for _, lag := range []aadtest.Lag{{Flaps: 1}, {Flaps: 2}, {Flaps: 3}, {Flaps: 5}, {FlapFor: 10 * time.Second}, {FlapFor: time.Minute}} {
		for refused := range 4 {
			t.Run(fmt.Sprintf("%+v, %d refused", lag, refused), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(nil)
					env.AzureAD.ListLag, env.AzureAD.GetLag, env.JumpCloud.ListLag, env.JumpCloud.GetLag = lag, lag, lag, lag
					env.AzureAD.AddDomain("new.example")
					var roles atomic.Int32
					env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
						if strings.HasSuffix(r.URL.Path, "/roleAssignments") && r.Method == http.MethodPost && roles.Add(1) <= int32(refused) {
							return aadtest.Fault{Kind: aadtest.Refuse503, Status: http.StatusNotFound} // the account is too young
						}
						return aadtest.Fault{}
					}
					plan := env.Plan()
					plan.Domain, plan.Directory.DefaultDomain = "new.example", "new.example"
					plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "tech@contoso.onmicrosoft.com", Create: true}
					rep, err := env.Federator(&federation.Options{TechnicalPassword: aad.NewSecret("Correct-Horse-7")}).Federate(t.Context(), plan)
					if err != nil {
						t.Fatalf("%v\n%s", err, rep)
					}
					for _, s := range rep.Steps {
						if s.Outcome != federation.Done || (s.Change.Resource == federation.ResRole || s.Change.Resource == federation.ResDirectoryDefault) && s.Change.Target == "" {
							t.Errorf("%v of %q: %s", s.Change, s.Change.Target, s.Outcome)
						}
					}
				})
			})
		}
	}
}

// The members of a group that was just seen are asked for again if a replica does not
// know the group: nobody is judged by that, and nothing is refused.
func TestMembersOfAGroupThatAReplicaDoesNotKnow(t *testing.T) {
	for _, often := range []int{1, 3, 1000} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			var mu sync.Mutex
			n := 0
			env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
				mu.Lock()
				defer mu.Unlock()
				if n < often && strings.HasSuffix(r.URL.Path, "/membership") {
					n++
					return jumpcloudtest.Fault{Kind: jumpcloudtest.TooManyBare, Status: http.StatusNotFound, Body: `{"message":"Not Found"}`}
				}
				return jumpcloudtest.Fault{}
			}
			pre, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
			if n != min(often, 7) {
				t.Errorf("%d of %d answers said that it is not there", n, often)
			}
			if lost := often == 1000; (err == nil) == lost || lost && !errors.Is(err, jumpcloud.ErrNotFound) || !lost && len(pre.LockedOut()) > 0 {
				t.Errorf("%d times: %v\n%s", often, err, pre)
			}
		})
	}
}

// A switch whose answer was lost, that shows, and that an older answer hides again, is
// sent once more. That the domain is federated by then is this run's doing, and its
// report undoes it.
func TestLostAnswerBeforeOldOnes(t *testing.T) {
	for _, lag := range []aadtest.Lag{{Flaps: 2}, {Flaps: 5}} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			before := truth(env)
			env.AzureAD.ListLag, env.AzureAD.GetLag = lag, lag
			var mu sync.Mutex
			sent := 0
			env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				mu.Lock()
				defer mu.Unlock()
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "federationConfiguration") {
					if sent++; sent == 1 {
						return aadtest.Fault{Kind: aadtest.DropAfter}
					}
				}
				return aadtest.Fault{}
			}
			rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
			if last := rep.Steps[len(rep.Steps)-1]; err != nil || sent != 2 || last.Outcome != federation.Done {
				t.Errorf("sent %d times, %s: %v\n%s", sent, last.Outcome, err, rep)
			}
			if back, err := env.Federator(nil).Revert(t.Context(), rep); err != nil {
				t.Errorf("%v\n%s", err, back)
			}
			if d := cmp.Diff(before, truth(env)); d != "" {
				t.Errorf("left behind (-before +after):\n%s", d)
			}
		})
	}
}
