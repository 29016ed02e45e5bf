package flow

import (
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

const maxSeen = 24 // updates that are known again

// refuse is what a validator says; the page shows it as it is.
func refuse(text string) error {
	return temporal.NewNonRetryableApplicationError(text, "refused", nil)
}

// handle answers the query and the updates, and receives the signals.
func (d *domainRun) handle(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (State, error) { return d.s, nil }); err != nil {
		return err
	}
	d.receive(ctx)
	for _, set := range []func() error{
		func() error { return update(ctx, d, UpdateApprove, d.mayApprove, d.approve) },
		func() error { return update(ctx, d, UpdateReject, d.mayReject, d.reject) },
		func() error { return update(ctx, d, UpdateRotate, d.mayRotate, d.askRotation) },
		func() error { return update(ctx, d, UpdateRetire, d.mayRetire, d.askRetire) },
		func() error { return update(ctx, d, UpdateNote, d.mayNote, d.note) },
		func() error { return updateBare(ctx, d, UpdatePause, d.mayPause, d.pause) },
		func() error { return updateBare(ctx, d, UpdateResume, d.mayResume, d.resume) },
		func() error { return updateBare(ctx, d, UpdateRevert, d.mayRevert, d.askRevert) },
	} {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

// update sets a handler that acts at once. One that was seen in an earlier run is done.
func update[Arg any](ctx workflow.Context, d *domainRun, name string, may func(Arg) error, do func(workflow.Context, Arg)) error {
	handler := func(ctx workflow.Context, arg Arg) error {
		if d.see(ctx) {
			do(ctx, arg)
			d.stir(ctx)
		}
		return nil
	}
	validate := func(ctx workflow.Context, arg Arg) error {
		return d.validate(ctx, func() error { return may(arg) })
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handler, workflow.UpdateHandlerOptions{Validator: validate})
}

// updateBare is update for an update without an argument.
func updateBare(ctx workflow.Context, d *domainRun, name string, may func() error, do func(workflow.Context)) error {
	handler := func(ctx workflow.Context) error {
		if d.see(ctx) {
			do(ctx)
			d.stir(ctx)
		}
		return nil
	}
	validate := func(ctx workflow.Context) error {
		return d.validate(ctx, may)
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handler, workflow.UpdateHandlerOptions{Validator: validate})
}

// validate judges an update: one that was seen in an earlier run is judged already.
func (d *domainRun) validate(ctx workflow.Context, may func() error) error {
	if !slices.Contains(d.s.Kept.Seen, workflow.GetCurrentUpdateInfo(ctx).ID) {
		if d.s.Kept.Retiring {
			return refuse("the domain is being retired: nothing is done for it any more")
		}
		if err := may(); err != nil {
			return err
		}
	}
	return d.w.admits(ctx)
}

// see remembers an update, and reports whether it is new.
func (d *domainRun) see(ctx workflow.Context) bool {
	id := workflow.GetCurrentUpdateInfo(ctx).ID
	if slices.Contains(d.s.Kept.Seen, id) {
		return false
	}
	d.s.Kept.Seen = append(slices.Clone(d.s.Kept.Seen), id)
	if over := len(d.s.Kept.Seen) - maxSeen; over > 0 {
		d.s.Kept.Seen = d.s.Kept.Seen[over:]
	}
	return true
}

// same refuses what was meant for another proposal than the one that is open.
func (d *domainRun) same(hash string) error {
	switch {
	case d.s.Open == nil:
		return refuse("no proposal waits for an approval: it was approved, rejected or is void; load the page again")
	case d.s.Open.Hash != hash:
		return refuse("it is not the proposal that waits now: load the page again, and look at the present one")
	}
	return nil
}

func (d *domainRun) mayApprove(a ApproveArg) error {
	if err := d.same(a.Hash); err != nil {
		return err
	}
	o := d.s.Open
	switch {
	case d.s.Unlisted:
		return refuse("the domain is not in the customers file: list it again first")
	case d.rotating() && (o.Rotate == nil || !o.Rotate.Cancel):
		return refuse("a rotation of the certificate is under way: approve when it is done")
	case o.First != nil && !a.Complete:
		return refuse("somebody else has approved meanwhile: load the page again, and approve as the second")
	case o.First != nil && o.First.SHA256 == a.Approval.SHA256:
		return refuse("it is the approval that the first person has given: another person has to approve")
	case o.Two && o.First == nil && a.Complete:
		return refuse("two people have to approve, and nobody has yet: load the page again, and approve as the first")
	}
	return nil
}

// approve keeps the first approval of two, or has the proposal carried out.
func (d *domainRun) approve(ctx workflow.Context, a ApproveArg) {
	o := d.s.Open
	if o == nil || o.Hash != a.Hash {
		return
	}
	if !a.Complete {
		o.Two, o.First = true, &a.Approval
		d.waitForPeople()
		return
	}
	open := *o
	d.s.Open = nil
	if d.s.Approved != nil {
		d.withdraw()
	}
	d.approved(ctx, Approved{Open: open, Approval: a.Approval, Batch: a.Batch})
	d.well()
	d.tellBatch(a.Batch, OutcomeWaiting)
}

func (d *domainRun) mayReject(a RejectArg) error { return d.same(a.Hash) }

// reject closes the proposal. The same one is not proposed again until somebody asks. A
// run that was begun, and was held by it, goes on.
func (d *domainRun) reject(ctx workflow.Context, a RejectArg) {
	if d.s.Open == nil || d.s.Open.Hash != a.Hash {
		return
	}
	asked := !fromLook(d.s.Open.Verb)
	d.s.Open = nil
	if asked {
		d.at(Looking)
		return
	}
	d.s.Kept.Rejected = a.Hash
	if d.s.Approved != nil {
		d.at(Looking)
		return
	}
	d.toWatch(ctx)
	d.s.Waits = "the proposal was rejected: look again for a new one"
}

func (d *domainRun) mayPause() error {
	if d.s.Paused {
		return refuse("it is paused already")
	}
	return nil
}

// pause lets nothing begin to write, neither here nor in the rotation that is under way.
func (d *domainRun) pause(workflow.Context) {
	d.s.Paused = true
	d.tellRotation(SignalPaused, PausedSignal{Paused: true})
}

func (d *domainRun) mayResume() error {
	if !d.s.Paused && d.s.Phase != People {
		return refuse("it is not paused, and does not wait for people: there is nothing to resume")
	}
	return nil
}

// resume lets writes begin again, and looks at once at what waits for people.
func (d *domainRun) resume(workflow.Context) {
	if d.s.Paused {
		d.s.Paused = false
		d.tellRotation(SignalPaused, PausedSignal{})
	}
	if d.s.Phase == People || d.s.Open != nil && d.s.Open.Standing {
		d.lookSoon()
	}
}

// asked reports whether a proposal of that kind is being made.
func (d *domainRun) asked(revert bool) bool {
	q := d.queue
	if d.s.Kept.Asked != nil {
		q = append(slices.Clone(q), *d.s.Kept.Asked)
	}
	return slices.ContainsFunc(q, func(q Queued) bool { return q.Revert == revert && !q.Look })
}

// mayAsk refuses to make proposals where nothing is to be written.
func (d *domainRun) mayAsk() error {
	switch {
	case d.s.Unlisted:
		return refuse("the domain is not in the customers file: list it again first")
	case d.s.Mode == "watch":
		return refuse("the customer is only watched: set mode: manage in the customers file first")
	}
	return nil
}

func (d *domainRun) mayRevert() error {
	if err := d.mayAsk(); err != nil {
		return err
	}
	switch {
	case len(d.s.Reports) == 0:
		return refuse("this operator has written nothing for the domain: there is nothing to revert")
	case d.rotating():
		return refuse("a rotation of the certificate is under way: wait until it is done, or have it led back, then revert")
	case d.asked(true):
		return refuse("a proposal to revert is being made: wait for it")
	case d.s.Open != nil && d.s.Open.Verb == federation.VerbRevert:
		return refuse("a proposal to revert waits for an approval already")
	}
	return nil
}

func (d *domainRun) askRevert(workflow.Context) { d.queue = append(d.queue, Queued{Revert: true}) }

func (d *domainRun) mayRotate(a RotateArg) error {
	if err := d.mayAsk(); err != nil {
		return err
	}
	switch {
	case a.Method == "" && !a.Cancel:
		return refuse("a rotation needs a method: choose one")
	case d.rotating() && !a.Cancel:
		return refuse("a rotation of the certificate is under way already")
	case d.s.Approved != nil:
		return refuse("a run is approved or under way: ask for a rotation when it is done")
	case d.asked(false):
		return refuse("a proposal to rotate is being made: wait for it")
	case d.s.Open != nil && d.s.Open.Verb == federation.VerbRotate:
		return refuse("a proposal to rotate waits already: approve it, or reject it first")
	}
	return nil
}

func (d *domainRun) askRotation(_ workflow.Context, a RotateArg) {
	d.queue = append(d.queue, Queued{Rotate: &a})
}

func (d *domainRun) mayRetire(RetireArg) error {
	if d.rotating() {
		return refuse("a rotation of the certificate is under way: wait until it is done, or have it led back, then retire")
	}
	return nil
}

func (d *domainRun) askRetire(workflow.Context, RetireArg) { d.s.Kept.Retiring = true }

func (d *domainRun) mayNote(NoteArg) error { return nil }

// note keeps the last notes, and counts the earlier ones.
func (d *domainRun) note(_ workflow.Context, a NoteArg) {
	d.s.Notes = append(slices.Clone(d.s.Notes), a.Note)
	d.s.shorten()
}
