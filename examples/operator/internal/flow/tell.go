package flow

import (
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"
)

// What is told is bounded: of notices that cannot be sent the oldest are dropped, as each
// is on the page too.
const (
	tellFor    = 24 * time.Hour
	maxNotices = 12
	maxText    = 400
	maxProblem = 1024
)

// saying is what another workflow is told.
type saying struct {
	workflow string // its ID
	signal   string
	arg      any // nil: none
}

// tell has a notice sent. Its ID is counted over all runs of the workflow.
func (d *domainRun) tell(ctx workflow.Context, n Notice) {
	d.s.Kept.Notices++
	n.ID = d.s.Domain + "/" + d.first(ctx) + "/" + strconv.Itoa(d.s.Kept.Notices)
	n.Domain, n.Customer, n.Text = d.s.Domain, d.s.Customer, clip(n.Text, maxText)
	u := Unsent{Notice: n, Until: workflow.Now(ctx).Add(tellFor)}
	d.notices, d.fresh = append(d.notices, u), append(d.fresh, u)
	if over := len(d.notices) - maxNotices; over > 0 {
		d.notices = slices.Delete(d.notices, 0, over)
	}
}

// short is what is carried of a notice: what the workflow knows anyway is left out.
func (u Unsent) short() Unsent {
	u.Notice.Domain, u.Notice.Customer = "", ""
	return u
}

// unsent are the notices that were carried.
func unsent(in DomainIn) []Unsent {
	out := slices.Clone(in.Notices)
	for i := range out {
		if n := &out[i].Notice; n.Domain == "" && in.State != nil {
			n.Domain, n.Customer = in.Domain, in.State.Customer
		}
	}
	return out
}

// first tells the workflow from an earlier one of the same domain.
func (d *domainRun) first(ctx workflow.Context) string {
	id := workflow.GetInfo(ctx).FirstRunID
	return id[:min(len(id), 8)]
}

// tellBatch has a batch told how it went; nobody if there is no batch.
func (d *domainRun) tellBatch(batch string, says Outcome) {
	if batch != "" {
		d.say(BatchID(batch), SignalOutcome, OutcomeSignal{Domain: d.s.Domain, Outcome: says})
	}
}

// tellRotation has the rotation told that is under way; nobody if there is none.
func (d *domainRun) tellRotation(signal string, arg any) {
	if d.rotating() {
		d.say(RotationID(d.s.Domain), signal, arg)
	}
}

func (d *domainRun) say(workflow, signal string, arg any) {
	d.says = append(d.says, saying{workflow, signal, arg})
	d.telling++
}

// post sends each notice by itself, so that an address that does not answer holds nothing.
func (d *domainRun) post(ctx workflow.Context) {
	for {
		if workflow.Await(ctx, func() bool { return len(d.fresh) > 0 }) != nil {
			return
		}
		notices := d.fresh
		d.fresh = nil
		for _, u := range notices {
			workflow.Go(ctx, func(ctx workflow.Context) { d.send(ctx, u) })
		}
	}
}

// send sends a notice, and gives up when it is too old.
func (d *domainRun) send(ctx workflow.Context, u Unsent) {
	if left := u.Until.Sub(workflow.Now(ctx)); left > 0 {
		ctx := workflow.WithActivityOptions(ctx, telling(left))
		if err := workflow.ExecuteActivity(ctx, "Tell", u.Notice).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Error("a notice was not sent", "notice", u.Notice.ID, "error", err)
		}
	}
	d.notices = slices.DeleteFunc(d.notices, func(v Unsent) bool { return v.Notice.ID == u.Notice.ID })
}

// report tells other workflows, one thing after the other, as the later one counts. One that
// is over does not hear it, and need not.
func (d *domainRun) report(ctx workflow.Context) {
	for {
		if workflow.Await(ctx, func() bool { return len(d.says) > 0 }) != nil {
			return
		}
		s := d.says[0]
		d.says = d.says[1:]
		if err := workflow.SignalExternalWorkflow(ctx, s.workflow, "", s.signal, s.arg).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Info("a workflow was not told", "workflow", s.workflow, "signal", s.signal, "error", err)
		}
		d.telling--
	}
}
