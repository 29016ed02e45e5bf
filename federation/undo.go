package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Revert undoes what a report says was done, last first. The report may be one
// of Federate or Defederate, whole or of a run that failed.
//
// A step is undone only if the present state is what the step left; otherwise
// it is refused, with what differs, and the steps before it are still tried as
// far as they do not depend on it. Nothing is deleted that the run did not
// make. What the run replaced is restored. A step that is undone already is
// skipped, so Revert may be called again until it succeeds.
//
// Taking a federation away sends people back to Azure AD passwords, which they
// may not have; see [Federator.Defederate] for the deliberate way.
func (f *Federator) Revert(ctx context.Context, rep *Report) (*Report, error) {
	out := &Report{Version: reportVersion, Plan: rep.Plan, Started: time.Now(), Steps: []Step{}, Before: rep.After}
	err := f.revert(ctx, rep, out)
	out.Finished = time.Now()
	if err != nil {
		out.Error = err.Error()
	}
	f.emit(ctx, Event{Phase: PhaseDone, Domain: rep.Plan.Domain, Text: out.summary("undone"), Elapsed: out.Finished.Sub(out.Started), Err: err})
	return out, err
}

func (f *Federator) revert(ctx context.Context, rep, out *Report) error {
	unlock, err := f.lock(ctx, rep.Plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	var todo []Step
	var changes Changes
	for _, s := range slices.Backward(rep.Steps) {
		if s.Outcome == Refused || s.Outcome == Skipped {
			continue
		}
		s.Change = s.Change.inverse()
		todo = append(todo, s)
		changes = append(changes, s.Change)
	}
	if confirm := f.opts.Confirm; confirm != nil && len(todo) > 0 {
		if err := confirm(changes); err != nil {
			return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
		}
	}
	var errs []error
	for _, s := range todo {
		done := Step{Change: s.Change, ID: s.ID, Backup: s.Backup, Started: time.Now()}
		err := f.undo(ctx, rep.Plan, s, &done)
		done.Elapsed = time.Since(done.Started)
		f.emit(ctx, Event{Phase: PhaseUndo, Domain: rep.Plan.Domain, Change: &s.Change, Text: string(done.Outcome), Elapsed: max(done.Elapsed, 1), Err: err})
		if err != nil {
			done.Error = err.Error()
			errs = append(errs, &StepError{PhaseUndo, s.Change, err})
		}
		out.Steps = append(out.Steps, done)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// differsLooks is how many looks in a row must find another state than the step
// left before the step is refused.
const differsLooks = 4

// undo brings one step back: look, send, look until it shows twice in a row.
func (f *Federator) undo(ctx context.Context, p Plan, s Step, done *Step) error {
	ctx, cancel := context.WithTimeoutCause(ctx, f.opts.Settle, ErrNotConverged)
	defer cancel()
	c := s.Change
	done.Outcome = Skipped
	seen, differing := 0, 0
	var last error
	for n := 1; ; n++ {
		at, why, err := f.stands(ctx, p, s)
		switch {
		case err != nil && !temporary(err):
			return err
		case err != nil:
			last, seen = err, 0
		case at == undone:
			differing = 0
			if seen++; seen == 2 {
				if done.Outcome != Skipped {
					done.Outcome = Done
				}
				return nil
			}
			continue // at once: a second look
		case at == differs && done.Outcome == Skipped:
			// Two answers of different age can look like somebody's doing.
			seen, last = 0, fmt.Errorf("%w: %s", ErrDiffers, why)
			if differing++; differing == differsLooks {
				done.Outcome = Refused
				return last
			}
		default:
			seen, differing = 0, 0
			if done.Outcome == Skipped || done.Outcome == Unknown {
				f.emit(ctx, Event{Phase: PhaseUndo, Domain: p.Domain, Change: &c, Attempt: n})
				done.Attempts++
				switch err := f.sendUndo(ctx, p, s); {
				case err == nil:
					done.Outcome, last = Made, nil
					continue // look at once
				case temporary(err) || notThere(err):
					done.Outcome, last = Unknown, err
				default:
					done.Outcome, done.RequestID = Refused, requestID(err)
					return err
				}
			}
		}
		f.emit(ctx, Event{Phase: PhaseWait, Domain: p.Domain, Change: &c, Attempt: n, Err: last})
		if err := sleep(ctx, backoff(n)); err != nil {
			return errors.Join(err, last)
		}
	}
}
