package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
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
