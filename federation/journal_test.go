package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A shelf is what a program has stored that stores what it is given, one report a run.
type shelf struct {
	mu   sync.Mutex
	runs [][]byte
	dead bool
}

// begin makes room for the report of another run.
func (s *shelf) begin() (onReport func(context.Context, *federation.Report) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = false
	i := len(s.runs)
	s.runs = append(s.runs, nil)
	return func(_ context.Context, rep *federation.Report) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.dead {
			return nil // nobody is there any more
		}
		b, err := json.Marshal(rep)
		s.runs[i] = b
		return err
	}
}

func (s *shelf) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

func (s *shelf) reports(t *testing.T) (reps []*federation.Report) {
	for _, b := range s.runs {
		if b == nil {
			continue // it had written nothing
		}
		rep, err := federation.ParseReport(b)
		if err != nil {
			t.Fatal(err)
		}
		reps = append(reps, rep)
	}
	return reps
}

// killAt lets a program die with the k-th request from now on: before its effect, or
// after it.
func (s *shelf) killAt(ctx context.Context, env *federationtest.Env, k int, kind jumpcloudtest.FaultKind) (context.Context, func() (requests int)) {
	ctx, die := context.WithCancelCause(ctx)
	var mu sync.Mutex
	n := 0
	end := func() {
		s.die()
		die(errors.New("killed"))
	}
	var last *http.Request
	strike := func(r *http.Request) jumpcloudtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch n++; {
		case n == k && kind == jumpcloudtest.DropBefore:
			end()
			return jumpcloudtest.Fault{Kind: kind}
		case n == k:
			last = r
		case n > k:
			return jumpcloudtest.Fault{Kind: jumpcloudtest.DropBefore}
		}
		return jumpcloudtest.Fault{}
	}
	after := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if last != nil && r.Method == last.Method && r.URL.Path == last.URL.Path {
			end()
		}
	}
	env.JumpCloud.Fault, env.AzureAD.Fault = strike, strike
	env.JumpCloud.OnRequest, env.AzureAD.OnRequest = after, after
	return ctx, func() int {
		die(nil)
		synctest.Wait() // requests that were given up may still arrive
		mu.Lock()
		defer mu.Unlock()
		env.JumpCloud.Fault, env.AzureAD.Fault, env.JumpCloud.OnRequest, env.AzureAD.OnRequest = nil, nil, nil, nil
		return n
	}
}

// A program that stores what it is given is killed at any request, and perhaps at
// another one when it is started anew. By what it has stored everything is undone.
func TestOnReportKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 5
	}
	for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
		for again := range 3 { // how it goes on: not at all, to the end, killed once more
			t.Run(fmt.Sprintf("%v, %d", kind, again), func(t *testing.T) {
				t.Parallel()
				for k := 1; ; k += step {
					if n := killedAnywhere(t, kind, k, again); n < k {
						if n < 30 {
							t.Errorf("a run has %d requests", n)
						}
						break
					}
				}
			})
		}
	}
}

func killedAnywhere(t *testing.T, kind jumpcloudtest.FaultKind, k, again int) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{DefaultDomain: true})
		plan, opts := everyKind(env)
		before := truth(env)
		var s shelf
		run := func(at int) int {
			o := *opts
			o.OnReport = s.begin()
			ctx, over := s.killAt(t.Context(), env, at, kind)
			rep, err := env.Federator(&o).Federate(ctx, plan)
			n := over()
			if n < at && err != nil {
				t.Fatalf("%v\n%s", err, rep)
			}
			time.Sleep(time.Hour)
			return n
		}
		requests = run(k)
		switch again {
		case 1:
			run(1 << 30)
		case 2:
			run(20 + k%17)
		}
		back, err := env.Federator(nil).RevertAll(t.Context(), s.reports(t)...)
		if err != nil {
			t.Errorf("killed at %d: %v\n%v", k, err, back)
		}
		if d := cmp.Diff(before, truth(env)); d != "" {
			t.Errorf("killed at %d: left behind (-before +after):\n%s\n%v", k, d, back)
		}
	})
	return requests
}

// A Revert that is killed anywhere is called again, with what was stored of the run.
func TestOnReportRevertKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 7
	}
	for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			for k, n := 1, 0; n >= k-step; k += step { // until the last one is not reached any more
				synctest.Test(t, func(t *testing.T) {
					env := federationtest.New(&federationtest.Options{DefaultDomain: true})
					plan, opts := everyKind(env)
					before := truth(env)
					var s shelf
					opts.OnReport = s.begin()
					if rep, err := env.Federator(opts).Federate(t.Context(), plan); err != nil {
						t.Fatalf("%v\n%s", err, rep)
					}
					time.Sleep(time.Hour)
					run := s.reports(t)[0]
					opts.OnReport = s.begin()
					ctx, over := s.killAt(t.Context(), env, k, kind)
					_, _ = env.Federator(opts).Revert(ctx, run)
					n = over()
					time.Sleep(time.Hour)
					back, err := env.Federator(nil).RevertAll(t.Context(), s.reports(t)...)
					if d := cmp.Diff(before, truth(env)); err != nil || d != "" {
						t.Errorf("killed at %d: %v, left behind (-before +after):\n%s\n%v", k, err, d, back)
					}
				})
			}
		})
	}
}

// A report that cannot be stored stops the run before the next write.
func TestOnReportRefuses(t *testing.T) {
	full := errors.New("no space left on device")
	for n := 1; ; n++ {
		over := false
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(&federationtest.Options{DefaultDomain: true})
			plan, opts := everyKind(env)
			var mu sync.Mutex
			calls, writes, inside := 0, 0, false
			opts.OnReport = func(ctx context.Context, rep *federation.Report) error {
				mu.Lock()
				defer mu.Unlock()
				if inside {
					t.Error("two calls at once")
				}
				inside = true
				defer func() { inside = false }()
				calls++
				if ctx.Err() != nil || rep.Tenant == "" || rep.Organization == "" {
					t.Errorf("call %d: %v, tenant %q, organisation %q", calls, ctx.Err(), rep.Tenant, rep.Organization)
				}
				if !slices.ContainsFunc(rep.Steps, func(s federation.Step) bool { return s.Outcome == federation.Unknown || s.Outcome == federation.Made }) && rep.Finished.IsZero() {
					t.Errorf("call %d tells of nothing under way\n%s", calls, rep)
				}
				if calls == n {
					writes = env.Writes()
					return full
				}
				return nil
			}
			rep, err := env.Federator(opts).Federate(t.Context(), plan)
			if over = calls < n; over {
				if err != nil || calls < 2*len(rep.Steps) {
					t.Errorf("%d calls for %d steps: %v", calls, len(rep.Steps), err)
				}
				return
			}
			if !errors.Is(err, federation.ErrNotStored) || !errors.Is(err, full) {
				t.Errorf("call %d: %v; want ErrNotStored, and why", n, err)
			}
			// What was under way beside it may still arrive; nothing begins after.
			if under := env.Writes() - writes; under > 8 || len(rep.Steps) > 0 && rep.Error == "" {
				t.Errorf("call %d: %d writes after it\n%s", n, under, rep)
			}
			env.ResetLog()
			opts.OnReport = nil
			if rep, err := env.Federator(opts).Federate(t.Context(), plan); err != nil {
				t.Errorf("call %d, again: %v\n%s", n, err, rep)
			}
		})
		if over {
			break
		}
	}
}

// Reports of one domain come in any order; a Revert among them is passed over.
func TestRevertAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		before := truth(env)
		f := env.Federator(nil)
		one, err := f.Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		plan := env.Plan()
		plan.Directory.Rules = []string{"user_department"}
		two, err := f.Federate(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		back, err := f.Revert(t.Context(), two)
		if err != nil || back.Verb != federation.VerbRevert {
			t.Fatal(back.Verb, err)
		}
		time.Sleep(time.Hour)
		out, err := f.RevertAll(t.Context(), one, back, two)
		if err != nil || len(out) != 2 || out[0].Count(federation.Skipped) != 1 || !out[1].Changed() {
			t.Errorf("%v\n%v", err, out)
		}
		if d := cmp.Diff(before, truth(env)); d != "" {
			t.Errorf("left behind (-before +after):\n%s", d)
		}

		other, tenant, organization := *one, *one, *one
		other.Plan.Domain, tenant.Tenant, organization.Organization = "example.org", "another", "another"
		env.ResetLog()
		for name, reps := range map[string][]*federation.Report{
			"two domains": {one, &other}, "nil": {one, nil}, "two tenants": {one, &tenant}, "two organisations": {one, &organization},
		} {
			if out, err := f.RevertAll(t.Context(), reps...); err == nil || len(out) > 0 || env.Requests() > 0 {
				t.Errorf("%s: %v, %d requests", name, err, env.Requests())
			}
		}
		if out, err := f.RevertAll(t.Context()); err != nil || len(out) > 0 {
			t.Errorf("nothing: %v", err)
		}
	})
}

// What a newer run has made stays while people sign in by it, and goes when the older
// run that federated the domain is undone: in the same call, by RevertAll and by Apply.
func TestRevertAllUndoesWhatWasLeft(t *testing.T) {
	for _, apply := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			before := truth(env)
			f := env.Federator(nil)
			one, err := f.Federate(t.Context(), env.Plan())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			plan := env.Plan()
			plan.Groups = append(plan.Groups, federation.Group{Name: "Interns"})
			two, err := f.Federate(t.Context(), plan)
			if err != nil || len(two.Steps) < 3 {
				t.Fatal(err, two)
			}
			time.Sleep(time.Hour)
			var out []*federation.Report
			if apply {
				p, perr := f.ProposeRevert(t.Context(), one, two)
				if perr != nil {
					t.Fatal(perr)
				}
				var rep *federation.Report
				rep, err = f.Apply(t.Context(), p)
				out = append(out, rep)
			} else {
				out, err = f.RevertAll(t.Context(), one, two)
			}
			if n := out[0].Count(federation.Left); err != nil || n == 0 {
				t.Errorf("apply %v: %v; %d steps were left first\n%v", apply, err, n, out)
			}
			if d := cmp.Diff(before, truth(env)); d != "" {
				t.Errorf("apply %v: left behind (-before +after):\n%s", apply, d)
			}
		})
	}
}

// What an older run has made, and is gone by now, is not missed when a newer one is
// undone: RevertAll comes to its end, however often it is called.
func TestRevertAllAgain(t *testing.T) {
	for name, edit := range map[string]func(*federation.DefederatePlan){
		"nothing ended":   nil,
		"ended":           func(*federation.DefederatePlan) {},
		"and removed too": func(p *federation.DefederatePlan) { p.RemoveApplication = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				before := truth(env)
				f := env.Federator(nil)
				var reps []*federation.Report
				for _, brand := range []string{"", "Other"} {
					plan := env.Plan()
					plan.BrandName = brand
					rep, err := f.Federate(t.Context(), plan)
					if err != nil || !rep.Changed() {
						t.Fatalf("%v\n%s", err, rep)
					}
					reps = append(reps, rep)
					time.Sleep(time.Hour)
				}
				if edit != nil {
					plan := federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown}
					edit(&plan)
					rep, err := f.Defederate(t.Context(), plan)
					if err != nil || !rep.Changed() {
						t.Fatalf("%v\n%s", err, rep)
					}
					reps = append(reps, rep)
					time.Sleep(time.Hour)
				}
				for n := range 2 {
					out, err := f.RevertAll(t.Context(), reps...)
					if d := cmp.Diff(before, truth(env)); err != nil || d != "" || len(out) != len(reps) {
						t.Errorf("call %d: %v, left behind (-before +after):\n%s\n%v", n+1, err, d, out)
					}
					reps = append(reps, out...)
					time.Sleep(time.Hour)
					reps = slices.DeleteFunc(reps, func(r *federation.Report) bool { return r.Verb == federation.VerbRevert })
				}
			})
		})
	}
}
