package flow

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// lookOrPropose looks at what is missing, or makes the proposal that somebody has asked for.
func (d *domainRun) lookOrPropose(ctx workflow.Context) {
	if d.s.Kept.Asked != nil {
		d.propose(ctx)
		return
	}
	d.look(ctx)
}

// begun reports whether a run was begun that is not done.
func (d *domainRun) begun() bool { return d.s.Approved != nil && d.s.Approved.Begun }

// look looks, and decides where the domain goes from there.
func (d *domainRun) look(ctx workflow.Context) {
	listed := d.listed
	out, err := call[LookOut](ctx, d, reading(), "Look", LookIn{Domain: d.s.Domain})
	if err == nil && out.Found != "" {
		d.s.Found = out.Found
	}
	if err == nil && out.Look != nil {
		d.s.Look = out.Look
	}
	if d.begun() && err == nil && out.Problem != nil && out.Problem.Class == federation.ClassPeople {
		out.Problem = nil // whoever goes on writing sees for itself, and says so
	}
	if !d.took(ctx, out.Reply, err, listed) {
		if d.s.Phase == People && d.s.Open != nil && fromLook(d.s.Open.Verb) {
			d.s.Open = nil
		}
		return
	}
	d.looked(ctx, out.Open)
}

// fromLook reports whether a Look makes proposals of the verb; others are asked for.
func fromLook(v federation.Verb) bool {
	return v != federation.VerbRevert && v != federation.VerbRotate
}

// looked goes on after a look that shows what is missing: nothing if open is nil.
func (d *domainRun) looked(ctx workflow.Context, open *Open) {
	s := &d.s
	switch {
	case s.Open != nil && !fromLook(s.Open.Verb):
		d.waitForPeople()
		return
	case d.begun():
		s.Open = nil
		d.s.Phase, d.s.Next = Running, time.Time{}
		return
	case s.Approved != nil && (!fromLook(s.Approved.Open.Verb) || open != nil && open.Hash == s.Approved.Open.Hash):
		s.Open = nil
		d.at(Turn)
		return
	case s.Approved != nil:
		d.withdraw()
		d.tell(ctx, Notice{Kind: NoticeRefused, Text: "what is to be done is not what was approved: look at the new proposal"})
	}
	if open == nil {
		s.Open, s.Kept.Told.Refused = nil, ""
		d.afterNothing(ctx)
		return
	}
	if s.Kept.Held || open.Hash == s.Kept.Rejected {
		s.Open = nil
		d.toWatch(ctx)
		s.Waits = "what is missing was rejected or reverted: look again for a new proposal"
		return
	}
	d.open(ctx, *open)
}

// afterNothing goes on where nothing is to be done.
func (d *domainRun) afterNothing(ctx workflow.Context) {
	if !d.s.Kept.Verify.IsZero() {
		d.at(Verifying)
		return
	}
	d.toWatch(ctx)
}

// toWatch watches: what was never watched is watched now.
func (d *domainRun) toWatch(ctx workflow.Context) {
	d.at(Watching)
	switch {
	case d.s.Kept.Watch.After(workflow.Now(ctx)):
	case !ours(d.s.Found):
		d.watchNext(ctx)
	case d.s.Kept.Watch.IsZero():
		d.s.Kept.Watch = workflow.Now(ctx)
	}
}

// open has a proposal carried out if it stands, else it waits for an approval.
func (d *domainRun) open(ctx workflow.Context, o Open) {
	if was := d.s.Open; was != nil && was.Hash == o.Hash {
		o.First, o.Two = was.First, o.Two || was.Two
	}
	d.s.Kept.Open = time.Time{}
	if o.Life > 0 {
		d.s.Kept.Open = d.in(ctx, o.Life)
	}
	if o.Standing && !d.s.Paused && !d.rotating() && !d.begun() {
		d.s.Open = nil
		d.approved(ctx, Approved{Open: o})
		return
	}
	d.s.Open, d.s.Kept.Told.Refused = &o, ""
	d.waitForPeople()
	if d.s.Kept.Told.Approval != o.Hash {
		d.s.Kept.Told.Approval = o.Hash
		d.tell(ctx, Notice{Kind: NoticeApproval, Hash: o.Hash})
	}
}

// waitForPeople waits for an approval of the open proposal, which is looked at anew when it
// is good no more; the certificates are watched meanwhile.
func (d *domainRun) waitForPeople() {
	d.s.Phase, d.s.Next = Approval, d.s.Kept.Open
	d.s.Waits = "somebody has to approve or reject"
	if d.s.Open.First != nil {
		d.s.Waits = "a second person has to approve or reject"
	}
	if w := d.s.Kept.Watch; d.s.Watch != nil && !w.IsZero() && (d.s.Next.IsZero() || w.Before(d.s.Next)) {
		d.s.Next = w
	}
}

// approvalStep is made when the open proposal is too old, or a watch is due.
func (d *domainRun) approvalStep(ctx workflow.Context) {
	if d.s.Open == nil {
		d.at(Looking)
		return
	}
	if o := d.s.Kept.Open; !o.IsZero() && !workflow.Now(ctx).Before(o) {
		d.s.Open = nil
		d.at(Looking)
		return
	}
	d.watch(ctx, false)
	if d.s.Phase == Approval && d.s.Open != nil && !d.s.Unlisted {
		d.waitForPeople()
	}
}

// approved fixes what is carried out, under a name that no other run has.
func (d *domainRun) approved(ctx workflow.Context, a Approved) {
	d.s.Kept.Runs++
	a.Run = a.Open.Hash[:min(len(a.Open.Hash), 12)] + "-" + d.first(ctx) + "-" + strconv.Itoa(d.s.Kept.Runs)
	a.Open.First = nil
	d.disapprove()
	d.s.Approved, d.s.Kept.Held, d.s.Kept.Rejected = &a, false, ""
	d.at(Turn)
}

// propose makes the proposal that somebody has asked for, or that is due.
func (d *domainRun) propose(ctx workflow.Context) {
	asked := *d.s.Kept.Asked
	listed := d.listed
	var out ProposeOut
	var err error
	none := "no run is to be undone: everything is as it was before, or was changed by others since; nothing was written"
	if asked.Revert {
		in := ProposeRevertIn{Domain: d.s.Domain, Reports: d.s.Reports, Earlier: d.s.EarlierReports}
		out, err = call[ProposeOut](ctx, d, reading(), "ProposeRevert", in)
	} else {
		none = "no rotation is to be made: nothing was written"
		in := ProposeRotationIn{Domain: d.s.Domain, Rotate: *asked.Rotate, Standing: asked.Standing}
		out, err = call[ProposeOut](ctx, d, reading(), "ProposeRotation", in)
	}
	if !d.took(ctx, out.Reply, err, listed) {
		if d.s.Phase == People {
			d.s.Kept.Asked = nil
		}
		return
	}
	d.s.Kept.Asked = nil
	switch {
	case out.Open == nil && asked.Standing:
		d.toWatch(ctx)
	case out.Open == nil:
		d.people(ctx, &Problem{Class: federation.ClassPeople, Code: "nothing", Text: none}, NoticeRefused)
	default:
		if asked.Rotate != nil {
			out.Open.Rotate = asked.Rotate
		}
		d.open(ctx, *out.Open)
	}
}
