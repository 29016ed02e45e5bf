package federation_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A view has hooks of its own, and none of those of the Federator that it is a view
// of; runs for one domain wait for each other all the same.
func TestWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		slow(env)
		var mu sync.Mutex
		var told [2]int
		asked := 0
		count := func(i int) func(federation.Event) {
			return func(federation.Event) {
				mu.Lock()
				defer mu.Unlock()
				told[i]++
			}
		}
		f := env.Federator(&federation.Options{OnEvent: count(0), Confirm: func(context.Context, *federation.Proposal) error {
			asked++
			return nil
		}})
		view := f.With(federation.Options{OnEvent: count(1)})
		err1, err2 := both(t, f, view, env.Plan(), env.Plan())
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if told[0] == 0 || told[1] == 0 || asked > 1 {
			t.Errorf("%d and %d events, asked %d times", told[0], told[1], asked)
		}
		if n := len(env.JumpCloud.Applications()); n != 1 {
			t.Errorf("%d applications", n)
		}
		before := told
		if rep, err := f.With(federation.Options{}).Federate(t.Context(), env.Plan()); err != nil || rep.Changed() || told != before {
			t.Errorf("%v, %v events; want %v\n%s", err, told, before, rep)
		}
	})
}

// Dates are judged by the clock of the options, and told by it. The stand-ins have one
// as well.
func TestNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := time.Now().AddDate(12, 0, 0)
		clock := &federation.Options{Now: func() time.Time { return later }}

		env := federationtest.New(nil)
		var pe *federation.PreconditionError
		rep, err := env.Federator(clock).Federate(t.Context(), env.Plan())
		if !errors.As(err, &pe) || !pe.Has(federation.CodeCertificate) {
			t.Errorf("a certificate that has expired by then: %v", err)
		}
		if !rep.Started.Equal(later) || !rep.Finished.Equal(later) || rep.Steps[0].Elapsed < 0 {
			t.Errorf("the report is of %v to %v; want %v", rep.Started, rep.Finished, later)
		}

		env = federationtest.New(nil)
		env.JumpCloud.Now, env.AzureAD.Now = clock.Now, clock.Now
		if rep, err = env.Federator(clock).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if v, err := env.Federator(clock).Verify(t.Context(), env.Plan()); err != nil || v.Wrong() {
			t.Errorf("%v, %v", v, err)
		}
		if v, err := env.Federator(nil).Verify(t.Context(), env.Plan()); err != nil || len(v.Drift) == 0 {
			t.Errorf("a certificate that is not yet valid: %v, %v", v, err)
		}
	})
}

// The clock of who undoes may be behind that of the run: what looks undone is made sure
// of for as long as an answer may be old, and no longer.
func TestRevertByAnotherClock(t *testing.T) {
	ahead := &federation.Options{Now: func() time.Time { return time.Now().Add(24 * time.Hour) }}
	for name, run := range map[string]func(*testing.T, *federationtest.Env) *federation.Report{
		"federate": func(t *testing.T, env *federationtest.Env) *federation.Report {
			rep, err := env.Federator(ahead).Federate(t.Context(), env.Plan())
			if err != nil {
				t.Fatal(err)
			}
			if err := env.AzureAD.Client(nil).SetManaged(t.Context(), env.Domain); err != nil { // by hand
				t.Fatal(err)
			}
			return rep
		},
		"repair": func(t *testing.T, env *federationtest.Env) *federation.Report {
			email := env.JumpCloud.Users()[0].Email
			env.AzureAD.EditUser(email, func(u *aad.User) { u.ImmutableID = "" })
			f := env.Federator(ahead)
			rep, err := f.PreviewRepair(t.Context(), federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
			if err == nil {
				rep, err = f.Repair(t.Context(), rep)
			}
			if err != nil {
				t.Fatal(err)
			}
			env.AzureAD.EditUser(email, func(u *aad.User) { u.ImmutableID = "" }) // by hand
			return rep
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				rep := run(t, env)
				if !rep.Changed() {
					t.Fatalf("nothing to undo\n%s", rep)
				}
				began := time.Now()
				back, err := env.Federator(nil).Revert(t.Context(), rep)
				if took := time.Since(began); err != nil || back.Count(federation.Skipped) == 0 || took < 4*time.Minute || took > 15*time.Minute {
					t.Errorf("%v after %v\n%s", err, took, back)
				}
			})
		})
	}
}
