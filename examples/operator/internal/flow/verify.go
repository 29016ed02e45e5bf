package flow

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// verifyStep looks once whether people can sign in.
func (d *domainRun) verifyStep(ctx workflow.Context) {
	listed := d.listed
	out, err := call[VerifyOut](ctx, d, reading(), "Verify", VerifyIn{Domain: d.s.Domain, Last: d.s.Verification})
	if !d.took(ctx, out.Reply, err, listed) {
		return
	}
	d.verified(out)
	switch {
	case out.Effective:
		d.effective(ctx)
	case out.Wrong:
		d.wrong(ctx, true)
	case out.AskAgain <= 0 || !workflow.Now(ctx).Before(d.s.Kept.Verify):
		d.late(ctx)
	default:
		d.s.Waits, d.s.Next = "people cannot sign in everywhere yet: "+layers(out.Layers, federation.Late), d.in(ctx, out.AskAgain)
	}
}

// verified keeps what a Verify has shown.
func (d *domainRun) verified(out VerifyOut) {
	d.s.Layers, d.s.Effective = out.Layers, out.Effective
	if out.Verification != nil {
		d.s.Verification = out.Verification
	}
	if out.Found != "" {
		d.s.Found = out.Found
	}
}

// effective goes on after people can sign in.
func (d *domainRun) effective(ctx workflow.Context) {
	d.s.Kept.Verify, d.s.Kept.Told.Late = time.Time{}, ""
	d.s.Kept.Watch, d.s.Kept.Whole = workflow.Now(ctx), d.in(ctx, wholeEvery)
	d.tellBatch(d.s.Kept.Batch, OutcomeEffective)
	d.s.Kept.Batch = ""
	d.tell(ctx, Notice{Kind: NoticeEffective})
	d.at(Watching)
}

// wrong looks at once what is missing, and waits for people if nothing is.
func (d *domainRun) wrong(ctx workflow.Context, written bool) {
	p := &Problem{Class: federation.ClassPeople, Code: "verify", Text: "it was verified, and something is wrong: " +
		layers(d.s.Layers, federation.Wrong) + ". Look at the evidence, mend it, then have it looked at again"}
	if written {
		d.tellBatch(d.s.Kept.Batch, OutcomeFailed)
	} else {
		d.s.Kept.Watch, d.s.Kept.Whole = workflow.Now(ctx), workflow.Now(ctx)
	}
	d.at(Looking)
	d.look(ctx)
	if d.s.Phase == Verifying || d.s.Phase == Watching {
		d.people(ctx, p, NoticeFailed)
	}
}

// late tells that the time is over in which people should have become able to sign in; it
// is looked at again as what waits for people is.
func (d *domainRun) late(ctx workflow.Context) {
	d.people(ctx, &Problem{Class: federation.ClassPeople, Code: "late", Text: "people cannot sign in everywhere, " +
		"and the time for it is over: " + layers(d.s.Layers, federation.Late) + ". Look at the evidence, and at the services' status pages"},
		NoticeFailed)
}

// layers names those with a status.
func layers(all []Layer, status federation.LayerStatus) string {
	var names []string
	for _, l := range all {
		if l.Status == status {
			names = append(names, l.Name)
		}
	}
	if len(names) == 0 {
		return "no layer says so by itself"
	}
	return strings.Join(names, ", ")
}
