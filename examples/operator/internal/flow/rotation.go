package flow

import (
	"reflect"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// How long a rotation waits, by the bent clock.
const (
	rotationPeople   = peopleEvery      // for people, before it looks again
	rotationUnlisted = 15 * time.Minute // for the customers file to have the domain again
)

// Rotation carries out an approved rotation: it makes one call after the other, waits between
// them as long as each asks for, and ends when the certificate is rotated or what is to be done
// is no longer what was approved. Whatever changes is signalled to the workflow of the domain
// ([SignalRotation]) and answers [QueryState].
//
// It accepts [SignalPaused], by which its domain tells that it is paused, [UpdatePause],
// [UpdateResume] and [SignalLook], which ends a wait for people and
// one after a failure for which no service has named a time. A pause lets the call that is
// under way finish, and does not hold the calls that mend a domain on which nobody can sign in:
// which those are, the activity decides.
func (w *Workflows) Rotation(ctx workflow.Context, in RotationIn) error {
	r := &rotationRun{w: w, in: in, began: workflow.Now(ctx), looks: workflow.GetSignalChannel(ctx, SignalLook)}
	r.pauses = workflow.GetSignalChannel(ctx, SignalPaused)
	r.state = RotationState{Domain: in.Domain}
	if rotate := in.Approved.Open.Rotate; rotate != nil {
		r.state.Method = rotate.Method
	}
	if in.State != nil {
		r.state = *in.State
		sent := r.state
		r.sent = &sent
	}
	r.since = r.began.Add(-speed(in.Speed).real(r.state.Failing))
	if err := r.handle(ctx); err != nil {
		return err
	}
	workflow.Go(ctx, r.paused)
	r.report(ctx)
	for {
		if err := workflow.Await(ctx, r.free); err != nil {
			return r.cancelled(ctx)
		}
		if r.mayContinue(ctx) {
			return r.carryOn(ctx)
		}
		rotationDrain(r.looks) // the call sees what they are about
		out, err := r.call(ctx)
		if ctx.Err() != nil {
			return r.cancelled(ctx)
		}
		next := r.take(ctx, out, err)
		r.report(ctx)
		if next.end {
			return r.end(ctx)
		}
		woken := func() bool { return next.looks && r.looks.Len() > 0 }
		if _, err := workflow.AwaitWithTimeout(ctx, speed(in.Speed).real(next.wait), woken); err != nil {
			return r.cancelled(ctx)
		}
	}
}

// rotationRun is one run of a Rotation.
type rotationRun struct {
	w        *Workflows
	in       RotationIn
	state    RotationState
	sent     *RotationState // what the domain was told last
	customer string         // as the last call told it
	began    time.Time
	since    time.Time // when the failures began
	made     int       // calls, in this run
	telling  int       // notices and reports that are under way
	looks    workflow.ReceiveChannel
	pauses   workflow.ReceiveChannel
}

// rotationNext is what comes after a call: the end, or another call after a while.
type rotationNext struct {
	end   bool
	wait  time.Duration // by the bent clock
	looks bool          // SignalLook ends the wait
}

// handle sets the handlers. None of them waits but for the report.
func (r *rotationRun) handle(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryState, func() (RotationState, error) {
		return r.state, nil
	}, workflow.QueryHandlerOptions{Description: "how far the rotation is"})
	if err != nil {
		return err
	}
	pause := func(to bool, refusal string) (func(workflow.Context) error, workflow.UpdateHandlerOptions) {
		handler := func(ctx workflow.Context) error {
			r.state.Paused = to
			r.report(ctx)
			return nil
		}
		return handler, workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context) error {
			switch {
			case r.state.Done || r.state.Ended:
				return refuse("the rotation is over")
			case r.state.Paused == to:
				return refuse(refusal)
			}
			return r.w.admits(ctx)
		}}
	}
	handler, options := pause(true, "the rotation is paused already")
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdatePause, handler, options); err != nil {
		return err
	}
	handler, options = pause(false, "the rotation is not paused")
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateResume, handler, options)
}

// paused goes by what the domain tells. As in a batch, what is not acted on in the same
// breath stays in the channel, for the run that follows.
func (r *rotationRun) paused(ctx workflow.Context) {
	for workflow.Await(ctx, func() bool { return r.pauses.Len() > 0 }) == nil {
		r.telling++
		r.drainPauses(ctx)
		r.report(ctx)
		r.telling--
	}
}

func (r *rotationRun) drainPauses(ctx workflow.Context) {
	drained(ctx, r.pauses, func(_ workflow.Context, s PausedSignal) { r.state.Paused = s.Paused })
}

// free says that a call may be made.
func (r *rotationRun) free() bool {
	return !r.state.Paused || r.state.Phase == federation.RotationBroken
}

// call makes one call of the rotation. A worker that is lost is none: Temporal asks again.
func (r *rotationRun) call(ctx workflow.Context) (RotateOut, error) {
	ctx = workflow.WithActivityOptions(ctx, writing())
	r.made++
	var out RotateOut
	err := workflow.ExecuteActivity(ctx, "Rotate", RotateIn{
		Domain: r.in.Domain, Approved: r.in.Approved, Last: r.state.Rotation,
	}).Get(ctx, &out)
	return out, err
}

// take writes down what a call returned, and says what comes next.
func (r *rotationRun) take(ctx workflow.Context, out RotateOut, err error) rotationNext {
	if err != nil {
		workflow.GetLogger(ctx).Error("a call of a rotation has no result", "domain", r.in.Domain, "error", err)
		out = RotateOut{Reply: Reply{Problem: &Problem{
			Class: federation.ClassFault, Code: "activity", Text: "the call has no result; the log of the operator says why",
		}}}
	}
	if out.Customer != "" {
		r.customer = out.Customer
	}
	switch {
	case out.Unlisted:
		r.clear("the customers file does not have the domain")
		return rotationNext{wait: rotationUnlisted, looks: true}
	case out.Busy > 0:
		r.state.Waits = out.Why
		return rotationNext{wait: out.Busy}
	}
	r.state.Calls++
	if out.Phase != "" {
		r.state.Phase = out.Phase
	}
	if out.Rotation != nil {
		r.state.Rotation = out.Rotation
	}
	switch {
	case out.Done:
		r.clear("")
		r.state.Problem, r.state.Done = out.Problem, true
		return rotationNext{end: true}
	case out.Void:
		r.clear("")
		r.state.Problem = out.Problem
		if r.state.Problem == nil {
			r.state.Problem = &Problem{Class: federation.ClassPeople,
				Text: "what is to be done now is not what was approved: ask for the rotation again, and approve it"}
		}
		return rotationNext{end: true}
	case out.Problem != nil:
		return r.trouble(ctx, out.Problem)
	case out.Wait <= 0:
		return r.trouble(ctx, &Problem{Class: federation.ClassPeople, Text: out.Next})
	}
	r.clear(out.Next)
	return rotationNext{wait: out.Wait}
}

// clear says that nothing is wrong.
func (r *rotationRun) clear(waits string) {
	r.state.Problem, r.state.Waits, r.state.Failures, r.state.Failing, r.state.Told = nil, waits, 0, 0, false
}

// trouble says when to call again after a problem.
func (r *rotationRun) trouble(ctx workflow.Context, problem *Problem) rotationNext {
	if problem.Class == federation.ClassPeople {
		r.clear("")
		r.state.Problem, r.state.Waits = problem, "somebody has to act"
		return rotationNext{wait: rotationPeople, looks: true}
	}
	if r.state.Failures == 0 {
		r.since = workflow.Now(ctx)
	}
	r.state.Problem, r.state.Waits = problem, "it is tried again"
	r.state.Failures++
	r.state.Failing = speed(r.in.Speed).bent(workflow.Now(ctx).Sub(r.since))
	if r.state.Failing >= failingTold && !r.state.Told {
		r.state.Told = true
		notice := r.notice(NoticeFailed, problem.Text)
		r.telling++
		workflow.Go(ctx, func(ctx workflow.Context) {
			rotationTell(ctx, notice)
			r.telling--
		})
	}
	return rotationNext{wait: max(backOff(r.state.Failures), problem.After), looks: problem.After == 0}
}

// notice is one about this rotation.
func (r *rotationRun) notice(kind, text string) Notice {
	n := Notice{Kind: kind, Domain: r.in.Domain, Customer: r.customer, Hash: r.in.Approved.Open.Hash}
	n.Text = clip(text, maxText)
	n.ID = RotationID(r.in.Domain) + "/" + r.in.Approved.Run + "/" + kind
	if kind == NoticeFailed {
		n.ID += "/" + strconv.Itoa(r.state.Calls)
	}
	return n
}

// report signals the state to the domain, if it has changed since it did so last. A domain
// that is not there needs none.
func (r *rotationRun) report(ctx workflow.Context) {
	if r.sent != nil && reflect.DeepEqual(*r.sent, r.state) {
		return
	}
	sent := r.state
	r.sent = &sent
	err := workflow.SignalExternalWorkflow(ctx, DomainID(r.in.Domain), "", SignalRotation, sent).Get(ctx, nil)
	if err != nil && ctx.Err() == nil {
		workflow.GetLogger(ctx).Info("the domain does not take the state of its rotation", "domain", r.in.Domain, "error", err)
	}
}

// end tells that the rotation is done, if it is, and that the workflow is no more. Somebody is
// told first: a rotation of the domain that is started then finds no other in its way.
func (r *rotationRun) end(ctx workflow.Context) error {
	if r.state.Done {
		rotationTell(ctx, r.notice(NoticeRotated, ""))
	}
	if err := workflow.Await(ctx, func() bool { return r.telling == 0 && workflow.AllHandlersFinished(ctx) }); err != nil {
		return r.cancelled(ctx)
	}
	r.state.Ended = true
	r.report(ctx)
	return nil
}

// cancelled tells that somebody has ended the workflow.
func (r *rotationRun) cancelled(ctx workflow.Context) error {
	free, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.state.Ended, r.state.Waits = true, ""
	if !r.state.Done {
		r.state.Problem = &Problem{Class: federation.ClassStopped,
			Text: "the rotation was cancelled where it was: ask for it again, and it goes on from there"}
	}
	r.report(free)
	return ctx.Err()
}

// mayContinue says that this run is long enough, and nothing of it is under way.
func (r *rotationRun) mayContinue(ctx workflow.Context) bool {
	return r.made > 0 && r.telling == 0 &&
		(workflow.Now(ctx).Sub(r.began) >= maxAge || historyLong(ctx))
}

// carryOn continues as new: the next run begins with a call, which sees what the signals that
// are dropped here are about.
func (r *rotationRun) carryOn(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) && r.telling == 0 }); err != nil {
		return r.cancelled(ctx)
	}
	rotationDrain(r.looks)
	r.drainPauses(ctx)
	if r.state.Failures > 0 {
		r.state.Failing = speed(r.in.Speed).bent(workflow.Now(ctx).Sub(r.since))
	}
	in := r.in
	in.State = &r.state
	return workflow.NewContinueAsNewError(ctx, workflow.GetInfo(ctx).WorkflowType.Name, in)
}

// rotationTell sends a notice, for a day at most: what is told is on the page as well.
func rotationTell(ctx workflow.Context, notice Notice) {
	ctx = workflow.WithActivityOptions(ctx, telling(tellFor))
	if err := workflow.ExecuteActivity(ctx, "Tell", notice).Get(ctx, nil); err != nil && ctx.Err() == nil {
		workflow.GetLogger(ctx).Error("a notice was not sent", "notice", notice.ID, "error", err)
	}
}

// rotationDrain drops the signals that are there.
func rotationDrain(ch workflow.ReceiveChannel) {
	for ch.ReceiveAsync(nil) {
	}
}
