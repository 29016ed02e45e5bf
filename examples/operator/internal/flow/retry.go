package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// call asks an activity, and ends it when the domain is listed no more.
func call[Out any](ctx workflow.Context, d *domainRun, options workflow.ActivityOptions, name string, in any) (Out, error) {
	var out Out
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	defer cancel()
	d.cancel = cancel
	err := workflow.ExecuteActivity(ctx, name, in).Get(ctx, &out)
	d.cancel = nil
	return out, err
}

// took sees to what every reply says, and reports whether the services were asked and have
// answered; if not, it has set when to go on. listed is what it was before the call.
func (d *domainRun) took(ctx workflow.Context, r Reply, err error, listed int) bool {
	if ctx.Err() != nil || d.s.Unlisted {
		return false
	}
	if r.Customer != "" {
		d.s.Customer = r.Customer
	}
	if r.Mode != "" {
		d.s.Mode = r.Mode
	}
	switch {
	case err != nil:
		d.trouble(ctx, &Problem{Class: federation.ClassFault, Code: "activity",
			Text: "the operator could not do its part, and tries again: look at its log for " + d.s.Domain})
		workflow.GetLogger(ctx).Error("an activity failed", "error", err)
	case r.Unlisted && d.listed == listed:
		d.unlist(ctx)
	case r.Unlisted:
		d.at(Looking)
	case r.Busy > 0:
		d.s.Waits, d.s.Next = r.Why, d.in(ctx, r.Busy)
	case r.Problem != nil:
		d.trouble(ctx, r.Problem)
	default:
		if d.s.Phase != Looking || !d.begun() { // a look between two runs ends no failing
			d.well()
		}
		return true
	}
	return false
}

// well forgets what went wrong before.
func (d *domainRun) well() {
	d.s.Problem, d.s.Failures, d.s.Failing, d.s.Waits = nil, 0, 0, ""
	d.s.Kept.Since, d.s.Kept.Told.Failed = time.Time{}, false
}

// trouble decides what is done about a problem: when it is tried again, and who is told.
func (d *domainRun) trouble(ctx workflow.Context, p *Problem) {
	p.Text = clip(p.Text, maxProblem)
	if p.Class == federation.ClassPeople {
		d.people(ctx, p, NoticeRefused)
		return
	}
	d.failed(ctx, p)
	after := backOff(d.s.Failures)
	if p.Class == federation.ClassStopped && d.s.Failures == 1 {
		after = 0
	}
	d.again(ctx, p, after)
	if d.s.Failing >= failingTold {
		d.tellFailed(ctx, "it has failed for an hour: "+p.Text)
	}
}

// again sets when something is tried again.
func (d *domainRun) again(ctx workflow.Context, p *Problem, after time.Duration) {
	if p.After > longRetry {
		after = p.After
	}
	d.s.Next, d.s.Waits = d.in(ctx, after), "it is tried again"
}

// failed counts a failure.
func (d *domainRun) failed(ctx workflow.Context, p *Problem) {
	d.s.Problem = p
	if d.s.Failures++; d.s.Failures == 1 {
		d.s.Kept.Since = workflow.Now(ctx)
	}
	d.s.Failing = d.passed(ctx, d.s.Kept.Since)
}

// people waits until somebody does something; it is looked at again from time to time.
func (d *domainRun) people(ctx workflow.Context, p *Problem, notice string) {
	d.well()
	d.at(People)
	d.s.Problem = p
	d.s.Waits, d.s.Next = "somebody has to do something; it is looked at again by itself", d.in(ctx, peopleEvery)
	told := &d.s.Kept.Told.Refused
	if notice == NoticeFailed {
		told = &d.s.Kept.Told.Late
	}
	if text := mark(p.Text); *told != text {
		*told = text
		d.tell(ctx, Notice{Kind: notice, Text: p.Text})
	}
}

// tellFailed tells once that something fails.
func (d *domainRun) tellFailed(ctx workflow.Context, text string) {
	if !d.s.Kept.Told.Failed {
		d.s.Kept.Told.Failed = true
		d.tell(ctx, Notice{Kind: NoticeFailed, Text: text})
	}
}

// mark tells a text from another one.
func mark(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// clip cuts a text, between two characters, to so many bytes that it has in JSON.
func clip(s string, limit int) string {
	size := 0
	for i, c := range s {
		b, err := json.Marshal(string(c))
		if size += len(b) - 2; err != nil || size > limit {
			return s[:i]
		}
	}
	return s
}
