package flow

import (
	"encoding/json"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/federation"
)

// Domain is the workflow of a domain, of the ID [DomainID]: it looks, waits for an
// approval and for its turn, writes, waits until people can sign in, and watches for ever.
// It ends when it is retired, and not by anything that a service says.
//
// Each step makes at most one call of an activity. What is waited for is an instant of its
// [State], so that it continues as new between any two steps and goes on from there.
func (w *Workflows) Domain(ctx workflow.Context, in DomainIn) error {
	drains := workflow.GetVersion(ctx, versionDomain, workflow.DefaultVersion, versionDomainNow) >= 2
	d := begin(ctx, w, in)
	if err := d.handle(ctx); err != nil {
		return err
	}
	workflow.Go(ctx, d.post)
	workflow.Go(ctx, d.report)
	for {
		if drains {
			d.drain(ctx) // what came in the same task, such as another plan, counts for the next step
		}
		d.show(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		seen := d.stirs
		switch {
		case d.s.Kept.Retiring:
			return d.retire(ctx)
		case d.long(ctx):
			return d.carryOn(ctx)
		case d.s.Unlisted:
			if err := workflow.Await(ctx, func() bool { return d.stirs != seen }); err != nil {
				return err
			}
		case d.act():
		case d.ripe(ctx):
			d.step(ctx)
		default:
			if err := d.wait(ctx, seen); err != nil {
				return err
			}
		}
	}
}

// domainRun is one run of a Domain. Its handlers and its loop take turns, so that nothing
// of it is locked.
type domainRun struct {
	w     *Workflows
	s     State
	queue []Queued
	speed speed
	began time.Time
	// stirs counts what came from outside: a wait that sees another number ends.
	stirs int
	// listed counts how often the domain was listed again.
	listed int
	// cancel ends the activity that asks the services, if one is under way.
	cancel func()
	// notices are those that were not sent yet, new those that nobody sends yet.
	notices []Unsent
	fresh   []Unsent
	// says are to be told to other workflows, telling counts those that were not told yet.
	says    []saying
	telling int
	signals signals
	// shown is the state that was shown last, without when it changed.
	shown []byte
}

// begin reads what the run is given. What was on the way in the run before is sent again.
func begin(ctx workflow.Context, w *Workflows, in DomainIn) *domainRun {
	d := &domainRun{w: w, speed: speed(in.Speed), queue: in.Queue, began: workflow.Now(ctx)}
	if in.State != nil {
		d.s = *in.State
		d.s.shorten() // an earlier version had lists of any length
	} else {
		d.s = State{Domain: in.Domain, Phase: Looking}
	}
	d.s.Domain = in.Domain
	d.notices = unsent(in)
	d.fresh = slices.Clone(d.notices)
	return d
}

// show tells the state to whoever listens, if it has changed.
func (d *domainRun) show(ctx workflow.Context) {
	was := d.s.Changed
	d.s.Changed = time.Time{}
	now, err := json.Marshal(d.s)
	d.s.Changed = was
	if err != nil || string(now) == string(d.shown) {
		return
	}
	d.shown, d.s.Changed = now, workflow.Now(ctx)
	if d.w.Show == nil || workflow.IsReplaying(ctx) {
		return
	}
	d.w.Show(d.copy())
}

// copy is the state, and shares nothing with it.
func (d *domainRun) copy() State {
	var out State
	b, err := json.Marshal(d.s)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return State{Domain: d.s.Domain, Phase: d.s.Phase}
	}
	return out
}

// stir wakes the loop, after something of the state was changed from outside.
func (d *domainRun) stir(ctx workflow.Context) {
	d.stirs++
	d.show(ctx)
}

// step makes the next step.
func (d *domainRun) step(ctx workflow.Context) {
	switch d.s.Phase {
	case Looking:
		d.lookOrPropose(ctx)
	case Approval:
		d.approvalStep(ctx)
	case Turn, Running:
		d.runStep(ctx)
	case Verifying:
		d.verifyStep(ctx)
	case Watching:
		d.watchStep(ctx)
	default: // People
		d.at(Looking)
	}
}

// ripe reports whether the next step may be made now; if not, it says what is waited for.
func (d *domainRun) ripe(ctx workflow.Context) bool {
	switch d.s.Phase {
	case Turn:
		if waits := d.held(); waits != "" {
			d.s.Waits, d.s.Next = waits, time.Time{}
			return false
		}
	case Approval:
		if d.s.Next.IsZero() {
			return false
		}
	case Watching:
		d.s.Next = d.s.Kept.Watch
	}
	return !workflow.Now(ctx).Before(d.s.Next)
}

// at enters a phase whose step is made at once.
func (d *domainRun) at(p Phase) {
	d.s.Phase, d.s.Next, d.s.Waits = p, time.Time{}, ""
}

// rotating reports whether a rotation is under way.
func (d *domainRun) rotating() bool { return d.s.Rotation != nil && !d.s.Rotation.Ended }

// ours reports whether the domain is federated by us, so that there are certificates to watch.
func ours(s federation.State) bool {
	switch s {
	case federation.StateFederated, federation.StateDiffers, federation.StateRotating, federation.StateUnknownNext,
		federation.StateMismatch:
		return true
	}
	return false
}

// act begins what was asked for, and reports whether there was something.
func (d *domainRun) act() bool {
	if len(d.queue) == 0 || d.s.Kept.Asked != nil {
		return false
	}
	q := d.queue[0]
	d.queue = d.queue[1:]
	if q.Look {
		d.s.Kept.Rejected, d.s.Kept.Held = "", false
	} else {
		d.s.Kept.Asked = &q
	}
	d.at(Looking)
	return true
}
