package flow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// long reports whether the run is long enough to continue as new.
func (d *domainRun) long(ctx workflow.Context) bool {
	return workflow.Now(ctx).Sub(d.began) >= maxAge || historyLong(ctx)
}

// settle waits until no handler is under way, nothing is to be told, and every signal was acted on.
func (d *domainRun) settle(ctx workflow.Context) error {
	quiet := func() bool { return workflow.AllHandlersFinished(ctx) && d.telling == 0 }
	for {
		if err := workflow.Await(ctx, quiet); err != nil {
			return err
		}
		d.drain(ctx)
		if quiet() {
			return nil
		}
	}
}

// carryOn continues as new. It is called between two steps, so that no activity is under
// way but one that sends a notice, which the next run sends again under the same ID.
func (d *domainRun) carryOn(ctx workflow.Context) error {
	if err := d.settle(ctx); err != nil {
		return err
	}
	if d.s.Kept.Retiring {
		return d.retire(ctx)
	}
	state := d.copy()
	var notices []Unsent
	for _, u := range d.notices {
		notices = append(notices, u.short())
	}
	return workflow.NewContinueAsNewError(ctx, d.w.Domain, DomainIn{
		Domain: d.s.Domain, Speed: float64(d.speed), State: &state, Queue: d.queue, Notices: notices,
	})
}

// retire ends the workflow. Nothing is written.
func (d *domainRun) retire(ctx workflow.Context) error {
	d.withdraw()
	d.s.Open = nil
	d.s.Phase, d.s.Next, d.s.Waits, d.s.Problem = Retired, time.Time{}, "", nil
	d.show(ctx)
	if err := d.settle(ctx); err != nil {
		return err
	}
	_, err := workflow.AwaitWithTimeout(ctx, time.Minute, func() bool { return len(d.notices) == 0 })
	d.s.Phase, d.s.Next, d.s.Waits = Retired, time.Time{}, ""
	d.show(ctx)
	return err
}
