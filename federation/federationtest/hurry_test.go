package federationtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestHurry: a run and its undo pause for seconds, and in a hurry for a hundredth
// of that; they do the same.
func TestHurry(t *testing.T) {
	took := func(hurry bool) (federate, revert time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			ctx := t.Context()
			if hurry {
				ctx = federationtest.Hurry(ctx)
			}
			began := time.Now()
			rep, err := env.Federator(nil).Federate(ctx, env.Plan())
			if err != nil || !rep.Changed() {
				t.Fatalf("%v\n%s", err, rep)
			}
			federate, began = time.Since(began), time.Now()
			undone, err := env.Federator(nil).Revert(ctx, rep)
			if err != nil || !undone.Changed() {
				t.Fatalf("%v\n%s", err, undone)
			}
			revert = time.Since(began)
		})
		return federate, revert
	}
	federate, revert := took(false)
	if federate < 5*time.Second || revert < 15*time.Second {
		t.Fatalf("%v and %v; there is nothing to hurry", federate, revert)
	}
	if f, r := took(true); f > federate/50 || r > revert/50 {
		t.Errorf("in a hurry %v and %v; otherwise %v and %v", f, r, federate, revert)
	}
}
