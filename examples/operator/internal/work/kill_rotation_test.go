package work

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

var everyKill = flag.Bool("every-kill", false, "kill rotations at every request, which takes minutes")

// A rotation by each method is killed at any request of each of its calls. The next activity
// goes on under the same approval, and there is one of each.
func TestRotationKilledAnywhere(t *testing.T) {
	step := 6
	if testing.Short() {
		step = 31
	}
	if *everyKill {
		step = 1
	}
	for _, tt := range []struct {
		method       federation.RotateMethod
		consent      federation.RotateConsent
		applications int
		who          []string
	}{
		{federation.OwnKeyPair, federation.RotateConsent{}, 1, []string{approve1}},
		{federation.Regenerate, federation.RotateConsent{Gap: true}, 1, []string{approve1}},
		{federation.Emergency, federation.RotateConsent{Outage: true}, 1, []string{approve1, approve2}},
		{federation.SecondApplication, federation.RotateConsent{Policies: true}, 2, []string{approve1}}, // the old one is kept
	} {
		for i, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
			t.Run(string(tt.method)+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				for k := 1 + i; ; k += step {
					kills := killedRotation(t, tt.method, tt.consent, kind, k, tt.applications, tt.who)
					if kills == 0 && k < 10 {
						t.Errorf("no call has %d requests", k)
					}
					if kills == 0 || t.Failed() {
						t.Logf("up to request %d", k)
						return
					}
				}
			})
		}
	}
}

// killedRotation makes a rotation each call of which is killed at the k-th request, if it has
// so many, and then made again; it returns how many were killed.
func killedRotation(t *testing.T, method federation.RotateMethod, consent federation.RotateConsent, kind jumpcloudtest.FaultKind, k,
	applications int, who []string) (kills int) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, manage)
		b.o.Context = nil
		restart := func() { b.restart(); b.plainKeys() }
		restart()
		move := b.bend()
		b.federated(t.Context())
		move(26 * time.Hour)
		before := b.watch(t.Context())
		arg := flow.RotateArg{Method: method, Replace: before.Replace, Consent: consent}
		prop, err := b.a.ProposeRotation(t.Context(), flow.ProposeRotationIn{Domain: b.env.Domain, Rotate: arg})
		if err != nil || prop.Open == nil {
			t.Fatalf("proposed: %+v %+v, %v", prop, prop.Problem, err)
		}
		in := b.approved(*prop.Open, who...)
		var last *data.Ref
		done := false
		for call := 1; call < 60 && !done; call++ {
			ctx, mend := b.killAt(t.Context(), k, kind)
			lost, err := b.a.Rotate(ctx, flow.RotateIn{Domain: b.env.Domain, Approved: in, Last: last})
			keep(b, lost, err)
			if n := mend(); n >= k {
				kills++
			} else if err == nil && lost.Rotation != nil { // it was not killed
				last, done = lost.Rotation, lost.Done
				move(max(lost.Wait, time.Minute))
				continue
			}
			restart()
			out, err := b.a.Rotate(t.Context(), flow.RotateIn{Domain: b.env.Domain, Approved: in, Last: last})
			if keep(b, out, err); err != nil || out.Void || out.Problem != nil && out.Problem.Class == federation.ClassPeople {
				t.Fatalf("request %d, call %d: %+v %+v, %v", k, call, out, out.Problem, err)
			}
			last, done = out.Rotation, out.Done
			move(max(out.Wait, time.Minute))
		}
		if n := len(b.env.JumpCloud.Applications()); !done || n != applications {
			t.Errorf("request %d: done %v, %d applications", k, done, n)
		}
		if applications == 1 {
			b.one()
		} else if _, ok := b.env.AzureAD.Federation(b.env.Domain); !ok {
			t.Errorf("request %d: the domain is not federated", k)
		}
		if w := b.watch(t.Context()); w.Replace == before.Replace || w.Foreign || w.Drift > 0 {
			t.Errorf("request %d: %+v", k, w)
		}
		b.clean()
	})
	return kills
}
