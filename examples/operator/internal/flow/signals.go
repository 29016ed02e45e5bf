package flow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// signals are the channels of a run.
type signals struct {
	turn, listed, look, rotation workflow.ReceiveChannel
}

// receive has each signal acted on when it comes. It takes none out of a channel that it
// does not act on in the same breath: a run that ends drains the channels, and would not
// find what somebody else has taken.
func (d *domainRun) receive(ctx workflow.Context) {
	s := &d.signals
	s.turn, s.listed = workflow.GetSignalChannel(ctx, SignalTurn), workflow.GetSignalChannel(ctx, SignalListed)
	s.look, s.rotation = workflow.GetSignalChannel(ctx, SignalLook), workflow.GetSignalChannel(ctx, SignalRotation)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			waiting := func() bool { return s.turn.Len()+s.listed.Len()+s.look.Len()+s.rotation.Len() > 0 }
			if workflow.Await(ctx, waiting) != nil {
				return
			}
			d.drain(ctx)
		}
	})
}

// drain acts on the signals that are there.
func (d *domainRun) drain(ctx workflow.Context) {
	drained(ctx, d.signals.turn, d.onTurn)
	drained(ctx, d.signals.listed, d.onListed)
	drained(ctx, d.signals.look, d.onLook)
	drained(ctx, d.signals.rotation, d.onRotation)
}

func drained[T any](ctx workflow.Context, ch workflow.ReceiveChannel, on func(workflow.Context, T)) {
	for {
		var v T
		if !ch.ReceiveAsync(&v) {
			return
		}
		on(ctx, v)
	}
}

// onTurn keeps the turn. A domain at which there is nothing to do says so.
func (d *domainRun) onTurn(ctx workflow.Context, s TurnSignal) {
	if s.Skipped {
		d.skipped(ctx, s.Batch)
		return
	}
	d.s.Kept.Turn = s.Batch
	if d.s.Phase == Watching && d.s.Effective && d.s.Approved == nil && d.s.Open == nil && !d.s.Unlisted {
		d.tellBatch(s.Batch, OutcomeEffective)
	}
	d.stir(ctx)
}

// skipped gives up what was approved in a batch that will give it no turn, and looks for what
// can be approved instead. What has its turn goes on.
func (d *domainRun) skipped(ctx workflow.Context, batch string) {
	if a := d.s.Approved; a == nil || a.Batch != batch || a.Begun || d.s.Kept.Turn == batch {
		return
	}
	d.withdraw()
	if d.s.Phase == Turn && !d.s.Unlisted {
		d.at(Looking)
	}
	d.stir(ctx)
}

// onListed ends what is under way if the domain is listed no more, and has it looked at if
// it is listed again, or with another plan.
func (d *domainRun) onListed(ctx workflow.Context, s ListedSignal) {
	if !s.Listed {
		d.unlist(ctx)
		return
	}
	d.listed++
	if s.Plan {
		d.replan(ctx)
	}
	if d.s.Unlisted {
		d.s.Unlisted = false
		d.at(Looking)
	}
	d.stir(ctx)
}

// unlist stops everything: nothing is asked with the customer's credentials any more.
func (d *domainRun) unlist(ctx workflow.Context) {
	if d.s.Unlisted {
		return
	}
	d.well()
	d.s.Unlisted, d.s.Next = true, time.Time{}
	d.s.Waits = "it is not in the customers file: list it again to go on, or retire it"
	d.tell(ctx, Notice{Kind: NoticeUnlisted, Text: "it is in the customers file no more: nothing is done for it"})
	if d.cancel != nil {
		d.cancel()
	}
	d.stir(ctx)
}

// replan voids what was proposed by another plan. A run that was begun goes on: whoever
// writes sees whether what was approved is still what is to be done.
func (d *domainRun) replan(ctx workflow.Context) {
	d.s.Open, d.s.Kept.Open = nil, time.Time{}
	if d.s.Approved != nil && !d.s.Approved.Begun {
		d.withdraw()
	}
	d.lookSoon()
	if d.s.Phase == Approval || d.s.Phase == Turn {
		d.at(Looking)
	}
}

// withdraw gives up what was approved.
func (d *domainRun) withdraw() {
	if d.s.Approved != nil {
		d.tellBatch(d.s.Approved.Batch, OutcomeWithdrawn)
		d.s.Kept.Turn = ""
	}
	d.disapprove()
}

// disapprove forgets what was approved.
func (d *domainRun) disapprove() {
	d.s.Approved, d.s.Kept.Sent, d.s.Kept.Ran = nil, false, nil
}

// lookSoon asks for a look, once.
func (d *domainRun) lookSoon() {
	for _, q := range d.queue {
		if q.Look {
			return
		}
	}
	d.queue = append(d.queue, Queued{Look: true})
}

// onLook looks now.
func (d *domainRun) onLook(ctx workflow.Context, _ struct{}) {
	d.lookSoon()
	d.tellRotation(SignalLook, nil)
	d.stir(ctx)
}

// onRotation keeps how far the rotation is. After it, everything is looked at.
func (d *domainRun) onRotation(ctx workflow.Context, s RotationState) {
	was := d.rotating()
	d.s.Rotation = &s
	if was && s.Ended {
		says := OutcomeFailed
		if s.Done {
			says = OutcomeEffective
		}
		d.tellBatch(d.s.Kept.Rotation, says)
		d.s.Kept.Rotation = ""
		now := workflow.Now(ctx)
		d.s.Kept.Watch, d.s.Kept.Whole = now, now
		if d.s.Phase == Turn {
			d.s.Next = time.Time{}
		}
	}
	d.stir(ctx)
}
