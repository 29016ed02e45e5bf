package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// lookAtClock is how long WaitRotation sleeps at most before it looks at the clock
	// again, which somebody may have set, or which ran on while the machine was asleep.
	lookAtClock = 3 * time.Minute
	// restAfter is how long it rests after a failure that may pass by itself, and after a
	// call that neither moved on nor has anything to wait for.
	restAfter = 5 * time.Minute
)

// WaitRotation calls [Federator.Rotate] until the rotation is done, each time when it
// makes sense. That takes hours. A program that may end meanwhile calls Rotate by itself
// and stores what each call returns; one that is killed in here has lost some waiting,
// and never safety.
//
// It returns, with the last Rotation, which is never nil:
//   - nil when the rotation is done, or when a person has to act: it is not
//     [Rotation.Done] then, and Next says what is to be done;
//   - the error of Rotate, if that is a [*PreconditionError] or another one that does not
//     pass by itself. After one that may, such as throttling or a lost answer, it rests
//     for 5 minutes at least, and goes on;
//   - the context's cause when that ends, together with the error of a call that was
//     interrupted by it.
//
// [Rotation.NotBefore] is awaited by the clock of [Options.Now]: with the default exactly
// until then. Of a clock that is bent, real time is slept, at most 3 minutes at once,
// before it is looked at again. The domain is not locked meanwhile. It is safe to repeat;
// requests and permissions are those of Rotate.
func (f *Federator) WaitRotation(ctx context.Context, plan RotatePlan, last *Rotation) (*Rotation, error) {
	for n := 1; ; n++ {
		rot, err := f.Rotate(ctx, plan, last)
		var refused *PreconditionError
		switch {
		case ctx.Err() != nil && !rot.Done():
			return rot, endedWith(ctx, err)
		case err != nil && (errors.As(err, &refused) || !temporary(err)):
			return rot, err
		case err == nil && (rot.Done() || rot.NotBefore.IsZero()):
			return rot, nil
		}
		rest := time.Duration(0)
		if err != nil || last != nil && rot.Phase == last.Phase && !rot.NotBefore.After(f.now()) {
			rest = restAfter
		}
		last = rot
		f.emit(ctx, Event{Phase: PhaseWait, Domain: rot.Domain, Attempt: n, Text: awaited(rot, rest), Err: err})
		if err := f.waitUntil(ctx, rot.NotBefore, rest); err != nil {
			return rot, endedWith(ctx, nil)
		}
	}
}

// awaited says what is waited for.
func awaited(rot *Rotation, rest time.Duration) string {
	if rest > 0 && rot.NotBefore.IsZero() {
		return "resting for " + rest.String()
	}
	return "until " + when(rot.NotBefore) + ": " + cmp.Or(rot.Next, "call again")
}

// waitUntil rests, and then waits until a time by the clock of the options.
func (f *Federator) waitUntil(ctx context.Context, at time.Time, rest time.Duration) error {
	if err := sleep(ctx, rest); err != nil {
		return err
	}
	for left := at.Sub(f.now()); left > 0; left = at.Sub(f.now()) {
		if err := sleep(ctx, min(left, lookAtClock)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// endedWith is the cause of ctx's end, and what else went wrong.
func endedWith(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err != nil && errors.Is(err, cause) {
		return err
	}
	return errors.Join(fmt.Errorf("federation: %s: %w", PhaseWait, cause), err)
}

// RotateAll makes one call of [Federator.Rotate] for each plan, as many at once as the
// options say: 4 by default. The last rotations stand in the order of the plans, nil for
// one that there is none of; lasts may be nil as a whole.
//
// Two plans of one domain, and lasts of another number than the plans, are refused with a
// [*PreconditionError] before anything is asked or written. By default no further domain
// is begun once one has failed; what is under way is finished.
//
// What comes back is in the order of the plans and never nil. A domain that was not begun
// keeps its last rotation, with the error in it; without one it has an empty one. The
// error joins those of the domains, each with the domain's name; for domains that were not
// begun it includes [ErrNotStarted]. It is safe to repeat, as Rotate is; requests and
// permissions are those of its calls.
func (f *Federator) RotateAll(ctx context.Context, plans []RotatePlan, lasts []*Rotation, opts *BatchOptions) ([]*Rotation, error) {
	var o BatchOptions
	if opts != nil {
		o = *opts
	}
	all, errs := make([]*Rotation, len(plans)), make([]error, len(plans))
	keep := func(i int, err error) { // what is not begun
		all[i] = f.newRotating(plans[i], nil).rot
		all[i].Method = cmp.Or(all[i].Method, OwnKeyPair)
		if len(lasts) == len(plans) && lasts[i] != nil {
			*all[i] = *lasts[i]
		}
		all[i].Error = err.Error()
	}
	if err := contradictingRotations(plans, lasts); err != nil {
		for i := range plans {
			keep(i, err)
		}
		return all, err
	}
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(cmp.Or(max(o.Concurrency, 0), 4))
	for i, p := range plans {
		g.Go(func() error {
			name := domainName(p.Plan.Domain)
			if failed.Load() && !o.KeepGoing || ctx.Err() != nil {
				errs[i] = fmt.Errorf("federation: %s: %w", name, notStarted(cmp.Or(context.Cause(ctx), errOtherFailed)))
				keep(i, errs[i])
				return nil
			}
			var last *Rotation
			if lasts != nil {
				last = lasts[i]
			}
			if all[i], errs[i] = f.Rotate(ctx, p, last); errs[i] != nil {
				failed.Store(true)
				errs[i] = fmt.Errorf("%s: %w", name, errs[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each domain's error is in errs
	return all, errors.Join(errs...)
}

// contradictingRotations tells of plans that cannot be carried out together.
func contradictingRotations(plans []RotatePlan, lasts []*Rotation) error {
	var ps findings
	if lasts != nil && len(lasts) != len(plans) {
		ps.refuse(CodeBatch, "", fmt.Sprintf("there are %d plans and %d last rotations", len(plans), len(lasts)),
			"give each plan its last rotation, nil for one that has none, or no list at all")
	}
	domains := make(map[string]bool)
	for _, p := range plans {
		d := domainName(p.Plan.Domain)
		if domains[d] {
			ps.refuse(CodeBatch, d, "the domain "+quote(d)+" has two plans", "give each domain one plan")
		}
		domains[d] = true
	}
	return ps.err()
}
