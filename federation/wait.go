package federation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Wait verifies until people can sign in, the context ends, or 24 hours have
// passed. It keeps no state: after a restart, call it again.
//
// It asks after half a minute, then less and less often, down to every ten
// minutes, with jitter. While nothing but the public realm endpoint is behind,
// that one is asked alone, and everything once an hour. Failures to read do not
// end it. It returns the last verification with nil when everything is good,
// with [ErrWrong] when a layer was found wrong twice in a row, or at once when
// the certificate has expired or a second one is there that nobody knows, with
// [ErrNotConverged] after 24 hours, else with the context's cause.
func (f *Federator) Wait(ctx context.Context, plan Plan) (*Verification, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, longestWait, ErrNotConverged)
	defer cancel()
	var last *Verification
	wrong, everybody := 0, true
	var known *observation // while nothing but the realm endpoint is waited for
	for n := 1; ; n++ {
		v, st, err := f.verify(ctx, plan, known, everybody)
		switch {
		case err != nil && !temporary(err):
			if ctx.Err() != nil {
				return last, fmt.Errorf("federation: %s: %w", PhaseWait, context.Cause(ctx))
			}
			return last, err
		case err != nil:
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Err: err})
		default:
			if last != nil && !everybody && len(last.Layers) > len(v.Layers) {
				v.Layers = append(v.Layers, last.Layers[len(last.Layers)-1]) // people were looked at already
			}
			last = v
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Text: v.slowest()})
			if f := v.unknownNext(); f != nil {
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, f.Message)
			}
			if v.expired {
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, v.slowest())
			}
			if v.Effective() && known != nil {
				known = nil
				continue // at once: everything once more
			}
			if v.Effective() {
				return v, nil
			}
			if known = st; !v.onlyRealm() || n%lookAtAll == 0 {
				known = nil
			}
			if wrong++; !v.Wrong() {
				wrong = 0
			}
			if wrong == 2 {
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, v.slowest())
			}
			// Everybody is looked at when something changes about people: at
			// the start, and while that layer is not good.
			everybody = v.Layers[len(v.Layers)-1].Name != LayerPeople || v.Layers[len(v.Layers)-1].Status != Good
		}
		pause := min(30*time.Second<<min(n-1, 6), 10*time.Minute)
		if err := sleep(ctx, pause*3/4+rand.N(pause/2)); err != nil {
			if parent.Err() != nil {
				err = context.Cause(parent)
			}
			return last, fmt.Errorf("federation: %s: %w", PhaseWait, err)
		}
	}
}

// lookAtAll is how often Wait looks at everything again while it waits for
// nothing but the public realm endpoint: about once an hour.
const lookAtAll = 6

// onlyRealm reports whether nothing but the realm endpoint is behind.
func (v *Verification) onlyRealm() bool {
	for _, l := range v.Layers {
		if l.Name != LayerRealm && l.Status != Good || l.Name == LayerRealm && l.Status == Wrong {
			return false
		}
	}
	return true
}

// slowest describes the first layer that is not good.
func (v *Verification) slowest() string {
	for _, status := range []LayerStatus{Wrong, Unseen, Late} {
		for _, l := range v.Layers {
			if l.Status == status {
				return l.Name + ": " + l.Evidence
			}
		}
	}
	return "every layer is good"
}
