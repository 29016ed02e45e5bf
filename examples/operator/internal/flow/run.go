package flow

import (
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// held says why what is approved may not begin now; "" if it may.
func (d *domainRun) held() string {
	a := d.s.Approved
	switch {
	case a == nil:
		return ""
	case a.Begun:
		return "" // what was begun is finished
	case d.s.Paused:
		return "it is paused: resume it to go on"
	case d.rotating() && (a.Open.Rotate == nil || !a.Open.Rotate.Cancel):
		return "a rotation of the certificate is under way"
	case a.Batch != "" && d.s.Kept.Turn != a.Batch:
		return "its turn in the batch " + a.Batch
	}
	return ""
}

// runStep carries out what is approved, or goes on with it.
func (d *domainRun) runStep(ctx workflow.Context) {
	a := d.s.Approved
	switch {
	case a == nil:
		d.at(Looking)
		return
	case a.Open.Verb == federation.VerbRotate:
		d.rotate(ctx)
		return
	}
	a.Begun = true
	d.at(Running)
	d.show(ctx)
	listed := d.listed
	out, err := call[RunOut](ctx, d, writing(), "Run", RunIn{Domain: d.s.Domain, Approved: *a, Reports: d.s.Kept.Ran})
	d.came(ctx, out, err, listed)
}

// came goes on after a run.
func (d *domainRun) came(ctx workflow.Context, out RunOut, err error, listed int) {
	a := d.s.Approved
	unsettled := err == nil && out.Problem != nil && out.Problem.Class == federation.ClassUnsettled
	if err != nil || out.Sent || unsettled {
		d.s.Kept.Sent = true
	}
	for _, ref := range out.stored() {
		d.s.Reports = keep(d.s.Reports, ref)
		d.s.Kept.Ran = keep(d.s.Kept.Ran, ref)
	}
	d.s.shorten()
	if out.After != "" {
		d.s.Found = out.After
	}
	a.Begun = d.s.Kept.Sent
	if err == nil && out.Void {
		d.voided(ctx, out.Problem)
		return
	}
	if err == nil && out.Done {
		d.well()
		d.done(ctx)
		return
	}
	if d.s.Unlisted || ctx.Err() != nil {
		return
	}
	if err == nil && out.Problem == nil && !out.Unlisted && out.Busy == 0 {
		out.Problem = &Problem{Class: federation.ClassUnsettled, Code: "unfinished", Text: "the run ended before everything was done: it goes on"}
		unsettled, a.Begun, d.s.Kept.Sent = true, true, true
	}
	d.took(ctx, out.Reply, err, listed)
	switch {
	case d.s.Unlisted || d.s.Phase == Looking:
		return
	case d.s.Phase == People:
		if d.s.Kept.Sent {
			d.tellBatch(a.Batch, OutcomeFailed)
		}
		return
	case unsettled:
		d.s.Phase = Looking
	case !a.Begun:
		d.s.Phase = Turn
	}
	if p := d.s.Problem; p != nil && (p.Class == federation.ClassFault || d.s.Kept.Told.Failed) {
		d.tellBatch(a.Batch, OutcomeFailed)
	}
}

// voided gives up an approval that is of something else than what is to be done now.
func (d *domainRun) voided(ctx workflow.Context, p *Problem) {
	text := "what is to be done is not what was approved: look at the new proposal"
	if p != nil {
		text = p.Text
	}
	d.withdraw()
	d.well()
	d.tell(ctx, Notice{Kind: NoticeRefused, Text: text})
	d.at(Looking)
}

// done goes on after everything that was approved is done.
func (d *domainRun) done(ctx workflow.Context) {
	a := *d.s.Approved
	d.disapprove()
	d.s.Open, d.s.Effective, d.s.Verification, d.s.Layers = nil, false, nil, nil
	if d.s.Look != nil { // what it found missing was done since
		seen := *d.s.Look
		seen.Changes = 0
		d.s.Look = &seen
	}
	told := &d.s.Kept.Told
	told.Refused, told.Approval, told.Late, told.Drift = "", "", "", false
	if d.s.Watch != nil {
		d.s.Watch.Drift, d.s.Watch.Twice = 0, false
	}
	d.tellBatch(a.Batch, OutcomeFederated)
	if a.Open.Verb == federation.VerbRevert || a.Open.Verb == federation.VerbDefederate {
		d.s.Kept.Held, d.s.Kept.Verify, d.s.Watch = true, time.Time{}, nil
		d.s.Kept.Watch, d.s.Kept.Whole = time.Time{}, time.Time{}
		d.tellBatch(a.Batch, OutcomeEffective)
		d.at(Looking)
		return
	}
	d.s.Kept.Batch = a.Batch
	d.s.Kept.Verify = d.in(ctx, verifyFor)
	d.at(Verifying)
}

// keep adds a report. One that was stored again takes the place of its earlier self.
func keep(refs []data.Ref, ref data.Ref) []data.Ref {
	for i := range refs {
		if refs[i].Name == ref.Name {
			out := slices.Clone(refs)
			out[i] = ref
			return out
		}
	}
	return append(slices.Clone(refs), ref)
}

// rotate starts the workflow of a rotation, which goes on whatever becomes of this one. If
// it is to lead one back that is under way, that one is ended first.
func (d *domainRun) rotate(ctx workflow.Context) {
	a := d.s.Approved
	if d.rotating() && !d.ended(ctx) {
		return
	}
	if d.s.Approved != a || d.s.Unlisted {
		return
	}
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: RotationID(d.s.Domain), ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	})
	a.Begun = true
	in := RotationIn{Domain: d.s.Domain, Speed: float64(d.speed), Approved: *a}
	err := workflow.ExecuteChildWorkflow(child, "Rotation", in).GetChildWorkflowExecution().Get(ctx, nil)
	if ctx.Err() != nil {
		return
	}
	if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		a.Begun = false
		d.s.Phase = Turn
		d.trouble(ctx, &Problem{Class: federation.ClassFault, Code: "rotation", Text: "the rotation could not be started: it is tried again"})
		return
	}
	d.well()
	if !d.rotating() {
		d.s.Rotation = &RotationState{Domain: d.s.Domain}
		if a.Open.Rotate != nil {
			d.s.Rotation.Method = a.Open.Rotate.Method
		}
	}
	if d.s.Paused { // since it was begun
		d.tellRotation(SignalPaused, PausedSignal{Paused: true})
	}
	d.s.Kept.Rotation = a.Batch
	d.tellBatch(a.Batch, OutcomeFederated)
	d.disapprove()
	if !d.s.Unlisted {
		d.toWatch(ctx)
	}
}

// ended asks the rotation that is under way to end, and reports whether it is over.
func (d *domainRun) ended(ctx workflow.Context) bool {
	err := workflow.RequestCancelExternalWorkflow(ctx, RotationID(d.s.Domain), "").Get(ctx, nil)
	if ctx.Err() != nil {
		return false
	}
	if err != nil { // there is none any more
		d.s.Rotation.Ended = true
		return true
	}
	if d.s.Rotation.Ended {
		return true
	}
	d.s.Phase, d.s.Waits, d.s.Next = Turn, "the rotation that is under way ends", d.in(ctx, cancelEvery)
	return false
}
