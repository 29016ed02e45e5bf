package work

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

var (
	errHeld     = errors.New("work: new writes are held")
	errUnlisted = errors.New("work: the domain may not be written to any more")
)

// A writer keeps the reports of a run, each in its file, and lets no write begin that
// must not.
type writer struct {
	j *job
	p *pulse

	mu  sync.Mutex
	at  map[*federation.Report]time.Time
	why error // why a write was not let begin
}

func (j *job) writer(p *pulse) *writer {
	return &writer{j: j, p: p, at: make(map[*federation.Report]time.Time)}
}

func (w *writer) options() federation.Options {
	o := w.j.a.options()
	o.OnEvent = func(e federation.Event) { w.j.a.o.OnStep(w.j.c.Domain, w.p.step(e)) }
	o.OnReport = func(_ context.Context, rep *federation.Report) error {
		if err := w.keep(rep); err != nil {
			return err
		}
		return w.may()
	}
	return o
}

// keep stores a report: each that there is of the run has a file, by when it was begun. The
// names sort in the order in which the runs of the domain were made.
func (w *writer) keep(rep *federation.Report) error {
	b, err := json.Marshal(rep)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.at[rep]
	if !ok {
		if at, err = w.next(rep.Started.UTC()); err != nil {
			return err
		}
		w.at[rep] = at
	}
	_, err = w.j.a.o.Data.SaveReport(w.j.c.Domain, w.j.in.Run, at, b)
	return err
}

// next is the time under which a report is kept that was begun then: it is after those of
// all others of the domain, also if the clock went back.
func (w *writer) next(at time.Time) (time.Time, error) {
	refs, err := w.j.a.o.Data.Reports(w.j.c.Domain)
	if err != nil || len(refs) == 0 {
		return at, err
	}
	last, err := timeOf(refs[len(refs)-1].Name)
	if err == nil && !at.After(last) {
		at = last.Add(1)
	}
	return at, err
}

// may says why no write may begin now.
func (w *writer) may() error {
	var why error
	switch {
	case w.p.silent():
		why = ErrSilent
	case w.j.a.o.Data.Stopped():
		why = errHeld
	case !w.j.a.listed(w.j.c.Domain):
		why = errUnlisted
	default:
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why = why
	return why
}

func (w *writer) stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// ended says how a call was ended that the operator itself has stopped, "" if it has not.
func (w *writer) ended(ctx context.Context, err error, r *flow.Reply) (outcome string) {
	switch stopped := w.stopped(); {
	case err == nil:
	case errors.Is(stopped, errHeld):
		r.Busy, r.Why = w.j.a.bent(stopLook), whyHeld
		return "held by the Stop button"
	case errors.Is(stopped, errUnlisted):
		r.Unlisted = true
		return "ended: not listed or not managed any more"
	case w.gone(ctx, err) != nil:
		return "ended by its worker"
	}
	return ""
}

// gone returns why the worker may not go on, if that has ended the call.
func (w *writer) gone(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(w.stopped(), ErrSilent):
		return ErrSilent
	}
	return nil
}
