package work

import (
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// A Watch sees drift without looking at everything, and both count the same.
func TestWatchSeesDrift(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*bench)
		want  bool
	}{
		"nothing":                   {func(*bench) {}, false},
		"a field of the federation": {spoilFederation, true},
		"a binding":                 {spoilBinding, true},
		"federation gone":           {func(b *bench) { b.env.AzureAD.RemoveFederation(b.env.Domain) }, true},
		"application gone":          {func(b *bench) { b.env.JumpCloud.DeleteApplication(b.env.JumpCloud.Applications()[0].ID) }, true},
		"near its end": {func(b *bench) {
			b.bend()(time.Duration(b.watch(b.t.Context()).Days-5) * 24 * time.Hour)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			b.federated(t.Context())
			tt.spoil(b)
			b.env.ResetLog()
			w := b.watch(t.Context())
			if !w.Compared || (w.Drift > 0) != tt.want || w.Twice {
				t.Errorf("watched: %+v", w)
			}
			if n := b.env.Requests(); n > 25 || b.env.Writes() > 0 {
				t.Errorf("%d requests, %d writes", n, b.env.Writes())
			}
			whole, err := b.a.Watch(t.Context(), flow.WatchIn{Domain: b.env.Domain, Whole: true})
			if keep(b, whole, err); err != nil || whole.Watched == nil || whole.Whole == nil {
				t.Fatalf("whole: %+v %+v, %v", whole, whole.Problem, err)
			}
			if whole.Watched.Drift != w.Drift || whole.Whole.Drift != w.Drift {
				t.Errorf("drift %d; whole %d and %d", w.Drift, whole.Watched.Drift, whole.Whole.Drift)
			}
			b.clean()
		})
	}
}

// A rotation that is under way is no drift, nor is one that is done.
func TestRotationIsNoDrift(t *testing.T) {
	for _, tt := range []struct {
		method  federation.RotateMethod
		consent federation.RotateConsent
	}{{federation.OwnKeyPair, federation.RotateConsent{}}, {federation.SecondApplication, federation.RotateConsent{Policies: true}}} {
		t.Run(string(tt.method), func(t *testing.T) {
			b := newBench(t, nil, manage)
			b.plainKeys()
			move := b.bend()
			b.federated(t.Context())
			move(26 * time.Hour)
			out, err := b.a.ProposeRotation(t.Context(), flow.ProposeRotationIn{Domain: b.env.Domain,
				Rotate: flow.RotateArg{Method: tt.method, Replace: b.watch(t.Context()).Replace, Consent: tt.consent}})
			if err != nil || out.Open == nil {
				t.Fatalf("proposed: %+v %+v, %v", out, out.Problem, err)
			}
			looks := 0
			b.rotate(t.Context(), b.approved(*out.Open, approve1), func(d time.Duration) {
				looks++
				if w := b.watch(t.Context()); w.Drift > 0 {
					t.Errorf("after call %d: %+v", looks, w)
				}
				move(d)
			})
			if w := b.watch(t.Context()); w.Drift > 0 || looks == 0 {
				t.Errorf("afterwards, %d looks: %+v", looks, w)
			}
		})
	}
}
