package federation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// make sends the changes of one stage and looks until they show.
func (r *run) make(ctx context.Context, stage Changes) error {
	parent, w := ctx, newStall(ctx, r.f.opts.Settle)
	defer func() { w.end() }()
	todo := stage
	for n := 1; ; n++ {
		refused, err := r.apply(w.ctx, todo)
		if err != nil {
			return err
		}
		last := refused
		if err := r.lookAgain(w.ctx, stage.parts()); err != nil {
			if !temporary(err) || parent.Err() != nil {
				return &StepError{PhaseWait, todo[0], errors.Join(refused, err)}
			}
			last = errors.Join(refused, err)
		}
		left := diff(r.plan, &r.st).only(stage)
		switch {
		case len(left) == 0:
			return nil
		case len(left) < len(todo):
			w.progress()
		}
		todo = left
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &todo[0], Attempt: n, Err: last})
		if err := sleep(w.ctx, backoff(n)); err != nil {
			if errors.Is(err, ErrNotConverged) {
				err = fmt.Errorf("%w; call again in some minutes, it goes on from what it finds", err)
			}
			return &StepError{PhaseWait, todo[0], errors.Join(err, last, r.refusal(todo[0]))}
		}
		if c := todo[0]; c.ofFederation() && !r.made(c) {
			// The switch is about to be sent again, perhaps minutes later.
			if still, err := r.fresh(w.ctx, c); err != nil || !still {
				return err
			}
		}
	}
}

// A stall bounds a wait that may go on for as long as it gets on: its context ends
// with [ErrNotConverged] when nothing has got better for a while.
type stall struct {
	parent context.Context
	limit  time.Duration
	ctx    context.Context
	end    context.CancelFunc
}

func newStall(parent context.Context, limit time.Duration) *stall {
	w := &stall{parent: parent, limit: limit, end: func() {}}
	w.progress()
	return w
}

// progress lets the time begin anew. Nothing may be under way under the context.
func (w *stall) progress() {
	w.end()
	w.ctx, w.end = context.WithTimeoutCause(w.parent, w.limit, ErrNotConverged)
}

// apply sends those of the changes that were not sent yet, side by side. A
// temporary refusal is returned as refused, for the caller to look and try
// again; anything else ends the run.
//
// On a temporary failure the change may have been made all the same. Making a
// second application or group is worse than looking, so those are not sent
// again; everything else is a set, and sending it twice changes nothing.
func (r *run) apply(ctx context.Context, todo Changes) (refused, err error) {
	// Filed before any of them starts: equal runs tell equal stories, and
	// everybody has a step of their own to write into.
	todo = slices.DeleteFunc(slices.Clone(todo), r.made)
	young := make([]bool, len(todo))
	for i, c := range todo {
		if err := r.approved.objections(Changes{c}, nil, r.rep.Steps); err != nil {
			return nil, &StepError{PhaseApply, c, err}
		}
		todo[i] = r.aim(c)
	}
	for i, c := range todo {
		r.file(c)
		young[i] = r.young(c) || r.youngAccount(c)
	}
	type answer struct {
		id  string
		err error
	}
	answers := make([]answer, len(todo))
	plan := r.plan // as it is before this stage pins what it makes
	var wg sync.WaitGroup
	for i, c := range todo {
		wg.Go(func() {
			answers[i].id, answers[i].err = r.applyOne(ctx, plan, c)
		})
	}
	wg.Wait()
	var refusals, errs []error
	for i, c := range todo {
		if answers[i].id != "" {
			r.pinCreated(c, answers[i].id)
		}
		switch err := answers[i].err; {
		case err == nil:
		case errors.Is(err, ErrNotStored):
			errs = append(errs, &StepError{PhaseApply, c, err})
		case temporary(err), young[i] && unheard(c, err):
			refusals = append(refusals, err)
		default:
			errs = append(errs, &StepError{PhaseApply, c, err})
		}
	}
	return errors.Join(refusals...), errors.Join(errs...)
}

// aim gives the change the ID of what this run has made, which one of a service's
// replicas may not show any more although another one did.
func (r *run) aim(c Change) Change {
	of, by := c.builtOn()
	if made := r.sent[Change{Resource: of, Name: c.Name, Action: by}.key()]; c.Target == "" && made != nil {
		c.Target = r.rep.Steps[made.step].ID
	}
	return c
}

// file enters a change into the report, as something that is about to be sent.
func (r *run) file(c Change) {
	s := r.sent[c.key()]
	if s == nil {
		s = &sent{step: len(r.rep.Steps), began: time.Now()}
		r.sent[c.key()] = s
		r.rep.Steps = append(r.rep.Steps, Step{Change: c, Outcome: Planned, Started: r.f.now(), Absent: r.absent[c.key()]})
	}
	step := &r.rep.Steps[s.step]
	step.Attempts++
	if c.ofFederation() && c.Action == Update && step.Backup == nil {
		step.Backup = r.st.fed
	}
}

// applyOne sends a filed change and writes down what came of it. It returns the
// ID of what was made, and the refusal, unless that says that it is so already.
func (r *run) applyOne(ctx context.Context, plan Plan, c Change) (string, error) {
	sent := r.sent[c.key()]
	s := &r.rep.Steps[sent.step]
	lost := s.tookEffect() // or may have: an answer was lost, or one that showed it was followed by an older one
	start := time.Now()
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: s.Attempts})
	var answered atomic.Value // the ID of the last request that was answered
	note := func(id string) { answered.Store(id) }
	id, theirs, err := r.f.makings.once(ctx, r, c, func() (string, error) {
		if err := r.journal.before(ctx, s, c); err != nil {
			return "", err
		}
		if err := r.afresh(ctx, c); err != nil {
			return "", err
		}
		if strings.HasPrefix(string(c.Resource), "azure-ad/") {
			return r.send(aad.WithRequestIDs(ctx, note), plan, c)
		}
		return r.send(jumpcloud.WithRequestIDs(ctx, note), plan, c)
	})
	sent.theirs = sent.theirs || theirs
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: s.Attempts, Elapsed: max(time.Since(start), 1), Err: err})
	stored := r.journal.after(ctx, true, func() {
		s.Change, s.Elapsed = c, time.Since(sent.began)
		if s.RequestID = requestID(err); err == nil {
			s.RequestID, _ = answered.Load().(string)
		}
		if id != "" {
			s.ID = id
		}
		s.Error = ""
		if err != nil {
			s.Error = err.Error()
		}
		switch {
		case theirs && (err == nil || unknown(err)): // never this run's to undo
			s.Outcome, sent.refusal = Skipped, err
			sent.made = err == nil || c.Action == Create && resources[c.Resource].doubles
		case err == nil:
			s.Outcome, sent.made = Made, true
		case already(err):
			// Somebody was there first: this run's own request, if it lost an
			// answer before, else somebody else.
			sent.theirs, sent.made, sent.refusal = !lost, true, err
			s.Outcome = Unknown
		case unknown(err):
			s.Outcome, sent.refusal = Unknown, err
			sent.made = c.Action == Create && resources[c.Resource].doubles
		case !lost:
			s.Outcome = Refused
		}
	})
	if already(err) {
		err = nil
	}
	if stored != nil {
		err = errors.Join(err, stored)
	}
	return id, err
}

// afresh makes sure once more of what the switch depends on, if storing the report
// took so long that it was read too long ago. An error says that it must not be sent.
func (r *run) afresh(ctx context.Context, c Change) error {
	if !c.ofFederation() || r.f.opts.OnReport == nil {
		return nil
	}
	switch still, err := r.fresh(ctx, c); {
	case err != nil:
		return err
	case !still || !reflect.DeepEqual(r.aim(diff(r.plan, &r.st).only(Changes{c})[0]), c):
		return fmt.Errorf("not sent, because something else was missing when the report was stored: %w", errLagging)
	}
	return nil
}

// young reports whether the change builds on something that this run made,
// which one of a service's replicas may not have heard of yet.
func (r *run) young(c Change) bool {
	for _, s := range r.rep.Steps {
		if s.ID != "" && (s.ID == c.Parent || s.ID == c.Target) && s.Change.Action == Create {
			return true
		}
	}
	return false
}

// refusal is why a change that never shows was taken for made.
func (r *run) refusal(c Change) error {
	if s := r.sent[c.key()]; s != nil {
		return s.refusal
	}
	return nil
}
