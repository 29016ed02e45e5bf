package flow

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// watchStep watches. A domain that is not federated by us has no certificates to watch: it
// is looked at.
func (d *domainRun) watchStep(ctx workflow.Context) {
	if !ours(d.s.Found) {
		d.watchNext(ctx)
		d.at(Looking)
		return
	}
	whole := !workflow.Now(ctx).Before(d.s.Kept.Whole)
	if !d.watch(ctx, whole) || d.s.Phase != Watching || d.s.Unlisted {
		return
	}
	w := d.s.Watch
	switch {
	case whole && !d.s.Effective && d.wholeWrong():
		d.wrong(ctx, false)
	case whole && !d.s.Effective && !d.rotating():
		d.s.Kept.Verify = d.in(ctx, verifyFor)
		d.at(Verifying)
	case w.Twice && whole, w.Level == federation.Alarm && !d.rotating():
		d.at(Looking)
	case w.Due != "" && d.s.Mode != "watch" && !d.s.Paused && !d.rotating() && d.s.Approved == nil:
		d.s.Kept.Asked = &Queued{Rotate: &RotateArg{Method: w.Due, Replace: w.Replace}, Standing: true}
		d.at(Looking)
	}
}

func (d *domainRun) wholeWrong() bool {
	for _, l := range d.s.Layers {
		if l.Status == federation.Wrong {
			return true
		}
	}
	return false
}

// watch asks for a Watch, keeps and tells what it found, and reports whether it found
// anything. It sets when the next one is.
func (d *domainRun) watch(ctx workflow.Context, whole bool) bool {
	listed, phase, due := d.listed, d.s.Phase, d.s.Kept.Watch
	out, err := call[WatchOut](ctx, d, reading(), "Watch", WatchIn{Domain: d.s.Domain, Whole: whole})
	p := out.Problem
	if err != nil {
		p = &Problem{Class: federation.ClassFault, Code: "activity", Text: "the operator could not look: see its log"}
	}
	if ctx.Err() != nil || d.s.Unlisted {
		return false
	}
	people := p != nil && p.Class == federation.ClassPeople
	if p != nil && (!people || phase != Watching) {
		d.unseen(ctx, p, phase == Watching && d.s.Phase == Watching)
		return false
	}
	if !d.took(ctx, out.Reply, nil, listed) || out.Watched == nil {
		d.s.Kept.Watch = d.s.Next
		if out.Busy == 0 {
			d.s.Kept.Watch = d.in(ctx, againEvery)
		}
		return false
	}
	if d.s.Kept.Watch.Equal(due) { // else a rotation has ended meanwhile: look again
		d.watchNext(ctx)
		if whole && out.Whole != nil {
			d.s.Kept.Whole = d.in(ctx, wholeEvery)
		}
	}
	if whole && out.Whole != nil {
		d.verified(*out.Whole)
		if out.Whole.Effective {
			d.s.Kept.Told.Late = ""
		}
	}
	d.watched(ctx, *out.Watched, out.Whole)
	return true
}

// unseen counts a watch that failed; three in a row are told.
func (d *domainRun) unseen(ctx workflow.Context, p *Problem, shown bool) {
	if !shown { // a proposal waits for people: that is what is shown
		d.s.Kept.Watch = d.in(ctx, againEvery)
		return
	}
	p.Text = clip(p.Text, maxProblem)
	d.failed(ctx, p)
	d.again(ctx, p, againEvery)
	d.s.Kept.Watch = d.s.Next
	if d.s.Failures >= failedWatches {
		d.tellFailed(ctx, fmt.Sprintf("it could not be watched %d times in a row: %s", d.s.Failures, p.Text))
	}
}

// watched keeps what was found, and tells once what is to be told.
func (d *domainRun) watched(ctx workflow.Context, w Watched, whole *VerifyOut) {
	var before Watched
	if d.s.Watch != nil {
		before = *d.s.Watch
	}
	if whole == nil && !w.Compared && w.Drift == 0 { // it did not look at that
		w.Drift, w.Twice = before.Drift, before.Twice
	} else {
		if whole != nil {
			w.Drift = max(w.Drift, whole.Drift)
		}
		w.Twice = w.Drift > 0 && (w.Twice || before.Drift > 0)
	}
	d.s.Watch = &w
	told := &d.s.Kept.Told
	switch {
	case w.Drift == 0:
		told.Drift = false
	case d.rotating(), d.s.Open != nil && fromLook(d.s.Open.Verb): // it is being seen to, or waits for people
	case !w.Twice:
		next := d.in(ctx, confirmAfter)
		d.s.Kept.Watch, d.s.Kept.Whole = next, next
	case !told.Drift:
		told.Drift = true
		d.tell(ctx, Notice{Kind: NoticeDrift, Text: fmt.Sprintf("%d settings are not as the plan says, seen twice", w.Drift)})
	}
	if w.Foreign && !told.Foreign {
		d.tell(ctx, Notice{Kind: NoticeForeign, Text: "Azure AD accepts a certificate that nobody knows: find out whose it is, at once"})
	}
	told.Foreign = w.Foreign
	d.expiry(ctx, w)
}

// expiry tells once when 30, 7 and 1 days are left of a certificate, or fewer.
func (d *domainRun) expiry(ctx workflow.Context, w Watched) {
	if !w.Known {
		return
	}
	stage := 0
	for _, days := range []int{30, 7, 1} {
		if w.Days <= days {
			stage = days
		}
	}
	told := &d.s.Kept.Told
	if stage != 0 && (told.Expiry == 0 || stage < told.Expiry) {
		d.tell(ctx, Notice{Kind: NoticeExpiry, Days: w.Days, Text: fmt.Sprintf("%d days are left of the signing certificate: rotate it", w.Days)})
	}
	told.Expiry = stage
}
