package work

import (
	"testing"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

const manage = "    mode: manage\n"

func TestFederate(t *testing.T) {
	b := newBench(t, &federationtest.Options{Lifelike: true}, manage)
	out := b.federated(t.Context())
	if out.After != federation.StateFederated || out.Steps == 0 || !out.Sent || out.Problem != nil {
		t.Errorf("the run: %+v", out)
	}
	again := b.look(t.Context())
	if again.Open != nil || again.Problem != nil || again.Found != federation.StateFederated || again.Look.Changes != 0 {
		t.Errorf("afterwards: %+v %+v", again, again.Problem)
	}
	v, err := b.a.Verify(t.Context(), flow.VerifyIn{Domain: b.env.Domain})
	if keep(b, v, err); err != nil || v.Problem != nil || len(v.Layers) == 0 || v.Verification == nil {
		t.Errorf("verify: %+v, %v", v, err)
	}
	w, err := b.a.Watch(t.Context(), flow.WatchIn{Domain: b.env.Domain, Whole: true})
	if keep(b, w, err); err != nil || w.Problem != nil || w.Watched == nil || !w.Watched.Known || w.Whole == nil {
		t.Errorf("watch: %+v, %v", w, err)
	}
	b.clean()
}
