package federation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// storing are verbs besides Federate that write, in an environment that was prepared,
// by the reports of the runs before.
var storing = map[string]struct {
	federated bool
	do        func(context.Context, *federationtest.Env, *federation.Federator, []*federation.Report) (*federation.Report, error)
}{
	"defederate": {true, func(ctx context.Context, env *federationtest.Env, f *federation.Federator, _ []*federation.Report) (*federation.Report, error) {
		return f.Defederate(ctx, federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown, RemoveApplication: true})
	}},
	"repair": {false, func(ctx context.Context, env *federationtest.Env, f *federation.Federator, _ []*federation.Report) (*federation.Report, error) {
		rep, err := f.PreviewRepair(ctx, federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
		if err != nil {
			return rep, err
		}
		return f.Repair(ctx, rep)
	}},
	"revert": {true, func(ctx context.Context, _ *federationtest.Env, f *federation.Federator, reps []*federation.Report) (*federation.Report, error) {
		return f.Revert(ctx, reps[0])
	}},
}

// furnished is an environment for one of these verbs.
func furnished(t *testing.T, isFederated bool) (env *federationtest.Env, reps []*federation.Report) {
	env = federationtest.New(nil)
	if isFederated {
		reps = append(reps, federated(t, env))
	} else {
		for _, u := range env.JumpCloud.Users() {
			env.AzureAD.EditUser(u.Email, func(u *aad.User) { u.ImmutableID = "" })
		}
	}
	time.Sleep(time.Hour)
	return env, reps
}

// Whatever verb is killed anywhere: by what was stored all that was ever made is undone.
func TestOnReportVerbsKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 4
	}
	for name, verb := range storing {
		for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
			t.Run(name+", "+kind.String(), func(t *testing.T) {
				t.Parallel()
				for k, n := 1, 0; n >= k-step; k += step {
					synctest.Test(t, func(t *testing.T) {
						pristine, _ := furnished(t, false)
						if verb.federated {
							pristine = federationtest.New(nil)
						}
						before := ending(pristine)
						env, reps := furnished(t, verb.federated)
						var s shelf
						ctx, over := s.killAt(t.Context(), env, k, kind)
						_, _ = verb.do(ctx, env, env.Federator(&federation.Options{OnReport: s.begin()}), reps)
						n = over()
						time.Sleep(time.Hour)
						back, err := env.Federator(nil).RevertAll(t.Context(), append(reps, s.reports(t)...)...)
						if d := cmp.Diff(before, ending(env)); err != nil || d != "" {
							t.Errorf("killed at %d: %v, left behind (-before +after):\n%s\n%v", k, err, d, back)
						}
					})
				}
			})
		}
	}
}

// A report that cannot be stored stops every verb before the next write, with people
// who sign in, and the same call goes on when there is room again.
func TestOnReportRefusesVerbs(t *testing.T) {
	full := errors.New("no space left on device")
	for name, verb := range storing {
		t.Run(name, func(t *testing.T) {
			for n, over := 1, false; !over; n++ {
				synctest.Test(t, func(t *testing.T) {
					env, reps := furnished(t, verb.federated)
					calls, refused, writes := 0, false, 0
					f := env.Federator(&federation.Options{OnReport: func(context.Context, *federation.Report) error {
						if calls++; calls == n {
							refused, writes = true, env.Writes()
							return full
						}
						return nil
					}})
					rep, err := verb.do(t.Context(), env, f, reps)
					if over = !refused; over {
						if err != nil || n < 5 {
							t.Errorf("%d calls: %v\n%s", calls, err, rep)
						}
						return
					}
					if !errors.Is(err, federation.ErrNotStored) || !errors.Is(err, full) || rep.Error == "" {
						t.Errorf("call %d: %v; want ErrNotStored, and why\n%s", n, err, rep)
					}
					if under := env.Writes() - writes; under > 2 && name == "repair" || under > 0 && name != "repair" {
						t.Errorf("call %d: %d writes after it\n%s", n, under, rep)
					}
					fed, is := env.AzureAD.Federation(env.Domain)
					if is && (len(env.JumpCloud.Applications()) != 1 || fed.IssuerURI != env.JumpCloud.Applications()[0].EntityID) {
						t.Errorf("call %d: the domain is federated without its application\n%s", n, rep)
					}
					time.Sleep(time.Hour)
					if rep, err = verb.do(t.Context(), env, env.Federator(nil), reps); err != nil {
						t.Errorf("call %d, again: %v\n%s", n, err, rep)
					}
				})
			}
		})
	}
}
