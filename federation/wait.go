package federation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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
	for n := 1; ; n++ {
		pause := pauseAfter(n)
		switch v, err := f.verifyAgain(ctx, plan, last, false); {
		case err != nil && !temporary(err):
			if ctx.Err() != nil {
				return last, fmt.Errorf("federation: %s: %w", PhaseWait, context.Cause(ctx))
			}
			return last, err
		case err != nil:
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Err: err})
		default:
			last = v
			f.emit(ctx, Event{Phase: PhaseWait, Domain: plan.Domain, Attempt: n, Text: v.slowest()})
			switch f := v.unknownNext(); {
			case f != nil:
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, f.Message)
			case v.Effective():
				return v, nil
			case v.AskAgain == 0:
				return v, fmt.Errorf("federation: %s: %w: %s", plan.Domain, ErrWrong, v.slowest())
			}
			pause = v.AskAgain
		}
		if err := sleep(ctx, pause); err != nil {
			if parent.Err() != nil {
				err = context.Cause(parent)
			}
			return last, fmt.Errorf("federation: %s: %w", PhaseWait, err)
		}
	}
}

// pauseAfter is how long is waited after the n-th look, with jitter.
func pauseAfter(n int) time.Duration {
	pause := min(30*time.Second<<min(max(n-1, 0), 6), 10*time.Minute) // n may have been stored
	return pause*3/4 + rand.N(pause/2)
}

// VerifyAgain is [Federator.Verify] for a program that waits by itself, such as one that
// is stopped and started meanwhile: one look of [Federator.Wait]. It takes the
// Verification before it, of the same plan, which may have been read back from JSON, and is
// not changed; nil begins anew, as it must when the plan is another one. AskAgain of what it returns says when to call it again: after half a
// minute at first, then less and less often, down to every ten minutes, with jitter; 0 if
// waiting does not help or is not needed.
//
// While nothing but the public realm endpoint is behind, that one is asked alone, and
// everything once an hour; what was not looked at is as it was, with the time at which it
// was. When the endpoint is no longer behind, everything is looked at in the same call.
// People are looked at until they are good, sign-in logs whenever everything is.
// What is wrong is looked at a second time before AskAgain says that waiting does not
// help, but for a certificate that has expired, and a second one that nobody knows.
//
// After an error nothing is lost: call it again with the same Verification.
func (f *Federator) VerifyAgain(ctx context.Context, plan Plan, last *Verification) (*Verification, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	return f.verifyAgain(ctx, plan, last, true)
}

func (f *Federator) verifyAgain(ctx context.Context, plan Plan, last *Verification, signIns bool) (*Verification, error) {
	if last != nil && last.Domain != plan.Domain {
		last = nil
	}
	var v *Verification
	if last != nil && last.onlyRealm() && f.now().Sub(last.layer(LayerGraph).Checked) < lookAtAll {
		if v = f.verifyRealm(ctx, plan, last); ctx.Err() != nil {
			return nil, reading(PhaseObserve, context.Cause(ctx))
		}
	}
	if v == nil || v.layer(LayerRealm).Status == Good || v.Wrong() {
		var was *Layer
		if last != nil {
			was = last.layer(LayerPeople)
		}
		everybody := was == nil || was.Status != Good
		all, st, err := f.verify(ctx, plan, everybody)
		if err != nil {
			return nil, err
		}
		if v = all; !everybody && st.domain(plan.Domain) != nil {
			v.Layers = append(v.Layers, *was)
		}
		if signIns {
			if err := f.addSignIns(ctx, plan, v, st); err != nil {
				return nil, err
			}
		}
	}
	v.goOn(last)
	return v, nil
}

// goOn counts v as the look after last, and says when the next one is due.
func (v *Verification) goOn(last *Verification) {
	v.Looks, v.WrongLooks = 1, 0
	if last != nil {
		v.Looks = last.Looks + 1
	}
	if v.Wrong() {
		v.WrongLooks = 1
		if last != nil {
			v.WrongLooks = last.WrongLooks + 1
		}
	}
	v.AskAgain = 0
	switch {
	case v.expired || v.unknownNext() != nil || v.WrongLooks > 1:
	case !v.Effective() || v.late():
		v.AskAgain = pauseAfter(v.Looks)
	}
}

// verifyRealm looks at the public realm endpoint alone; all else is as it was.
func (f *Federator) verifyRealm(ctx context.Context, plan Plan, last *Verification) *Verification {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: plan.Domain, Text: "verifying"})
	realm, err := f.ad.Realm(ctx, plan.Domain)
	v := *last
	v.Layers = slices.Clone(last.Layers)
	l := v.layerRealm(plan, realm, err)
	l.Checked = f.now()
	*v.layer(LayerRealm) = l
	return &v
}

// lookAtAll is how often everything is looked at again while nothing but the public realm
// endpoint is behind.
const lookAtAll = time.Hour

// onlyRealm reports whether nothing but the realm endpoint is behind, and it is.
func (v *Verification) onlyRealm() bool {
	behind := false
	for _, l := range v.Layers {
		switch {
		case l.Name == LayerRealm:
			behind = l.Status != Good && l.Status != Wrong
		case l.Status != Good && (l.Name != LayerSignIn || l.Status == Wrong):
			return false
		}
	}
	return behind && v.layer(LayerGraph) != nil
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
