package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A bailiff looks at each write, before it has an effect: the report that was stored
// last must list its change as unknown.
type bailiff struct {
	t      *testing.T
	mu     sync.Mutex
	stored *federation.Report // last
	writes int
	verb   string
}

func (w *bailiff) onReport(_ context.Context, rep *federation.Report) error {
	b, err := json.Marshal(rep)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stored, err = federation.ParseReport(b)
	return err
}

func (w *bailiff) see(r *http.Request) jumpcloudtest.Fault {
	if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "token") {
		return jumpcloudtest.Fault{}
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	if err != nil || w.stored == nil {
		w.t.Errorf("%s: %s %s: %v, and no report was stored before", w.verb, r.Method, r.URL.Path, err)
		return jumpcloudtest.Fault{}
	}
	for _, s := range w.stored.Steps {
		if s.Outcome == "" {
			w.t.Errorf("%s: nothing is said of %s", w.verb, s.Change)
		}
	}
	if !slices.ContainsFunc(w.stored.Steps, func(s federation.Step) bool {
		return s.Outcome == federation.Unknown && concerns(s, r.URL.Path+" "+string(body))
	}) {
		w.t.Errorf("%s: %s %s %s: not listed as unknown:\n%s", w.verb, r.Method, r.URL.Path, body, w.stored)
	}
	return jumpcloudtest.Fault{}
}

// concerns reports whether a request names all that a step is about.
func concerns(s federation.Step, request string) bool {
	c := s.Change
	if c.Parent != "" && c.Target != "" {
		return strings.Contains(request, c.Parent) && strings.Contains(request, c.Target)
	}
	names := []string{s.ID, c.Target, c.Parent, c.Name}
	if c.Resource == federation.ResDefaultDomain {
		names = []string{c.Fields[0].New}
	}
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.Contains(request, n) })
}

// Every write of every verb is listed, as unknown and with its target, in the report
// that was stored last.
func TestOnReportBeforeEveryWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{DefaultDomain: true, Users: 12})
		plan, opts := everyKind(env)
		plan.Groups[1].Members = nil
		for _, u := range env.JumpCloud.Users() {
			plan.Groups[1].Members = append(plan.Groups[1].Members, u.Email)
		}
		w := &bailiff{t: t}
		opts.OnReport = w.onReport
		env.JumpCloud.Fault, env.AzureAD.Fault = w.see, w.see
		f := env.Federator(opts)
		do := func(verb string, run func() (*federation.Report, error)) *federation.Report {
			t.Helper()
			w.verb, w.stored, w.writes = verb, nil, 0
			rep, err := run()
			if err != nil || w.writes < rep.Count(federation.Done) || !rep.Changed() {
				t.Errorf("%s: %d writes, %v\n%s", verb, w.writes, err, rep)
			}
			if w.stored == nil || w.stored.Finished.IsZero() || w.stored.String() != rep.String() {
				t.Errorf("%s: what was stored last is not what came of it:\n%s\n%s", verb, w.stored, rep)
			}
			time.Sleep(time.Hour)
			return rep
		}
		ctx := t.Context()
		federate := func(edit func(*federation.Plan)) func() (*federation.Report, error) {
			return func() (*federation.Report, error) {
				p := plan
				edit(&p)
				return f.Federate(ctx, p)
			}
		}
		revert := func(rep *federation.Report) func() (*federation.Report, error) {
			return func() (*federation.Report, error) { return f.Revert(ctx, rep) }
		}
		first := do("federate", federate(func(*federation.Plan) {}))
		brand := do("federate, another brand", federate(func(p *federation.Plan) { p.BrandName = "Other" }))
		do("revert the brand", revert(brand))
		ended := do("defederate", func() (*federation.Report, error) {
			return f.Defederate(ctx, federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown})
		})
		back := do("revert defederate", revert(ended))
		do("revert the revert", revert(back))
		for _, u := range env.JumpCloud.Users() {
			env.AzureAD.EditUser(u.Email, func(u *aad.User) { u.ImmutableID = "" })
		}
		repaired := do("repair", func() (*federation.Report, error) {
			rep, err := f.PreviewRepair(ctx, federation.RepairPlan{Plan: plan, ImmutableIDs: federation.FromJumpCloudID, Bind: true, Group: "Pilots"})
			if err != nil {
				return rep, err
			}
			return f.Repair(ctx, rep)
		})
		do("revert repair", revert(repaired))
		do("revert federate", revert(first))
	})
}

// What one plan of a batch has made is never told by the report of another as that
// one's, not even while they run.
func TestOnReportOfSharedThings(t *testing.T) {
	for _, kind := range []jumpcloudtest.FaultKind{0, jumpcloudtest.DropAfter, jumpcloudtest.TooManyBare} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plans := many(env, 4)
				slow(env)
				struck := false
				var mu sync.Mutex
				env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
					mu.Lock()
					defer mu.Unlock()
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/usergroups") || struck {
						return jumpcloudtest.Fault{}
					}
					struck = true
					return jumpcloudtest.Fault{Kind: kind}
				}
				claimed := make(map[string]string) // by what was made
				f := env.Federator(&federation.Options{OnReport: func(_ context.Context, rep *federation.Report) error {
					for _, s := range rep.Steps {
						shared := s.Change.Resource == federation.ResGroup || s.Change.Resource == federation.ResMember
						if s.Outcome != federation.Unknown && s.Outcome != federation.Made && s.Outcome != federation.Done || !shared {
							continue
						}
						if of := claimed[s.Change.String()]; of != "" && of != rep.Plan.Domain {
							t.Errorf("%s: of %s and %s", s.Change, of, rep.Plan.Domain)
						}
						claimed[s.Change.String()] = rep.Plan.Domain
					}
					return nil
				}})
				if _, err := f.FederateAll(t.Context(), plans, nil); err != nil {
					t.Fatal(err)
				}
				if !struck || len(claimed) != 2 {
					t.Errorf("struck: %v, claimed: %v", struck, claimed)
				}
			})
		})
	}
}

// However long it takes to store a report, what a write depends on is looked at after
// that: the world has not waited.
func TestOnReportTakesItsTime(t *testing.T) {
	const brandNew = "new.hire@example.com"
	removeGroups := func(env *federationtest.Env) {
		for _, a := range env.JumpCloud.Applications() {
			env.JumpCloud.SetApplicationField(a.ID, "active", false)
		}
	}
	for name, tt := range map[string]struct {
		before   func(*testing.T, *federationtest.Env) *federation.Report
		do       func(context.Context, *federation.Federator, federation.Plan, *federation.Report) (*federation.Report, error)
		resource federation.Resource // when its report is stored
		happens  func(*testing.T, *federationtest.Env)
		federate bool // whether the domain is federated in the end
		check    func(*testing.T, *federationtest.Env, error)
	}{
		"somebody is hired before the switch": {
			do: func(ctx context.Context, f *federation.Federator, plan federation.Plan, _ *federation.Report) (*federation.Report, error) {
				return f.Federate(ctx, plan)
			},
			resource: federation.ResFederation,
			happens: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.AddUser(aad.User{UserPrincipalName: brandNew})
			},
			check: func(t *testing.T, _ *federationtest.Env, err error) {
				if err == nil || !strings.Contains(err.Error(), brandNew) {
					t.Errorf("%v; want %s named", err, brandNew)
				}
			},
		},
		"the application is switched off before the switch": {
			do: func(ctx context.Context, f *federation.Federator, plan federation.Plan, _ *federation.Report) (*federation.Report, error) {
				return f.Federate(ctx, plan)
			},
			resource: federation.ResFederation, federate: true,
			happens: func(_ *testing.T, env *federationtest.Env) { removeGroups(env) },
			check: func(t *testing.T, env *federationtest.Env, err error) {
				if err != nil || !env.JumpCloud.Applications()[0].Active {
					t.Errorf("%v, %+v", err, env.JumpCloud.Applications())
				}
			},
		},
		"the application is switched off before a federation comes back": {
			before: func(t *testing.T, env *federationtest.Env) *federation.Report {
				federated(t, env)
				time.Sleep(time.Hour)
				rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown})
				if err != nil {
					t.Fatal(err)
				}
				return rep
			},
			do: func(ctx context.Context, f *federation.Federator, _ federation.Plan, rep *federation.Report) (*federation.Report, error) {
				return f.Revert(ctx, rep)
			},
			resource: federation.ResFederation,
			happens:  func(_ *testing.T, env *federationtest.Env) { removeGroups(env) },
			check: func(t *testing.T, _ *federationtest.Env, err error) {
				if !errors.Is(err, federation.ErrDiffers) {
					t.Error(err)
				}
			},
		},
		"the domain is federated again before a binding is ended": {
			before: func(t *testing.T, env *federationtest.Env) *federation.Report { return federated(t, env) },
			do: func(ctx context.Context, f *federation.Federator, _ federation.Plan, rep *federation.Report) (*federation.Report, error) {
				return f.Revert(ctx, rep)
			},
			resource: federation.ResApplicationGroup, federate: true,
			happens: func(t *testing.T, env *federationtest.Env) {
				if rep, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil || !rep.Changed() {
					t.Errorf("%v\n%s", err, rep)
				}
			},
			check: func(t *testing.T, env *federationtest.Env, err error) {
				if !errors.Is(err, federation.ErrDiffers) || len(env.JumpCloud.Applications()) != 1 {
					t.Error(err)
				}
			},
		},
		"somebody gets another immutable ID before a repair": {
			before: func(t *testing.T, env *federationtest.Env) *federation.Report {
				env.AzureAD.EditUser(env.JumpCloud.Users()[0].Email, func(u *aad.User) { u.ImmutableID = "" })
				rep, err := env.Federator(nil).PreviewRepair(t.Context(), federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
				if err != nil {
					t.Fatal(err)
				}
				return rep
			},
			do: func(ctx context.Context, f *federation.Federator, _ federation.Plan, rep *federation.Report) (*federation.Report, error) {
				return f.Repair(ctx, rep)
			},
			resource: federation.ResImmutableID,
			happens: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.EditUser(env.JumpCloud.Users()[0].Email, func(u *aad.User) { u.ImmutableID = "another" })
			},
			check: func(t *testing.T, env *federationtest.Env, err error) {
				for _, u := range env.AzureAD.Users() {
					if u.UserPrincipalName == env.JumpCloud.Users()[0].Email && u.ImmutableID != "another" {
						t.Errorf("%v, %+v", err, u)
					}
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				var rep *federation.Report
				if tt.before != nil {
					rep = tt.before(t, env)
					time.Sleep(time.Hour)
				}
				happened := false
				f := env.Federator(&federation.Options{OnReport: func(_ context.Context, rep *federation.Report) error {
					if !happened && slices.ContainsFunc(rep.Steps, func(s federation.Step) bool {
						return s.Outcome == federation.Unknown && s.Change.Resource == tt.resource
					}) {
						happened = true
						time.Sleep(2 * time.Minute)
						tt.happens(t, env)
					}
					return nil
				}})
				rep, err := tt.do(t.Context(), f, env.Plan(), rep)
				if !happened {
					t.Fatalf("nothing happened: %v\n%s", err, rep)
				}
				tt.check(t, env, err)
				if _, is := env.AzureAD.Federation(env.Domain); is != tt.federate || rep.Error == "" != (err == nil) {
					t.Errorf("federated: %v, %v\n%s", is, err, rep)
				}
			})
		})
	}
}
