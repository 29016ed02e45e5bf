package federation

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A journal hands a report to [Options.OnReport] before each write, and after it. It
// guards the steps while several changes are sent side by side.
type journal struct {
	f      *Federator
	rep    *Report
	mu     sync.Mutex
	failed error // of the first report that was not stored
}

// before lists a step as one of which nothing is known, because its change is about
// to be sent. If the report could not be stored, nothing may be sent, and the step is
// as it was.
func (j *journal) before(ctx context.Context, s *Step, c Change) error {
	if j.f.opts.OnReport == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	was := *s
	s.Change, s.Outcome = c, Unknown
	err := j.store(ctx)
	if err != nil {
		*s = was
	}
	return err
}

// removing stores the report before what a step has made, or names, is removed.
func (j *journal) removing(ctx context.Context, s *Step) error {
	if s.Change.Action == Delete {
		return j.before(ctx, s, s.Change)
	}
	return j.after(ctx, true, func() {}) // a creation, which stays one until it is gone
}

// after files what came of a change and, if it was sent, stores the report.
func (j *journal) after(ctx context.Context, sent bool, file func()) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if file(); !sent {
		return nil
	}
	return j.store(ctx)
}

// store hands the report out as it is. After a failure it does so no more.
func (j *journal) store(ctx context.Context) error {
	if j.failed == nil {
		j.failed = j.f.store(ctx, j.rep)
	}
	return j.failed
}

// last stores the report of a run that has ended, if it has written anything. What it
// returns is err, and why that report was not stored.
func (j *journal) last(ctx context.Context, err error) error {
	if !j.rep.Changed() || j.failed != nil {
		return err
	}
	if stored := j.f.store(ctx, j.rep); stored != nil {
		j.rep.Error = errors.Join(err, stored).Error()
		return errors.Join(err, stored)
	}
	return err
}

func (f *Federator) store(ctx context.Context, rep *Report) error {
	if f.opts.OnReport == nil {
		return nil
	}
	f.reports.Lock()
	defer f.reports.Unlock()
	if err := f.opts.OnReport(context.WithoutCancel(ctx), rep); err != nil {
		return fmt.Errorf("federation: %w: %w", ErrNotStored, err)
	}
	return nil
}
