package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/wait"
)

// look observes some parts anew and counts which of the made changes show.
func (r *run) look(ctx context.Context, parts part) error {
	st, err := r.f.observe(ctx, r.plan, r.st, parts)
	if err != nil {
		return err
	}
	r.st = st
	missing := diff(r.plan, &r.st)
	for key, sent := range r.sent {
		s := &r.rep.Steps[sent.step]
		switch {
		case s.Change.Resource.shown()&^parts != 0 || s.Outcome == Refused:
			// not looked at, or not made
		case missing.has(key), r.hidden(s.Change):
			sent.seen = 0
		default:
			sent.seen++
			if s.ID == "" {
				s.ID = r.found(s.Change) // the answer that told it was lost
			}
			if sent.theirs {
				s.Outcome = Skipped
				continue
			}
			s.Outcome, s.Error = Done, ""
		}
	}
	return nil
}

// lookAgain looks, gives way to another run that has made the same, and refuses
// to go on with two things of one name: guessing would lock people out.
func (r *run) lookAgain(ctx context.Context, parts part) error {
	if err := r.look(ctx, parts); err != nil {
		return err
	}
	if err := r.yield(ctx); err != nil {
		return err
	}
	var ps findings
	r.st.inspectTwice(&ps, r.plan)
	return ps.err()
}

// whole looks at everything once more, and then at what has not shown twice
// in a row until it has: replicas do not all learn of a change at the same
// moment. A resumed run looks at everything twice, because it does not know what
// the run before it has left. It reports whether there is something new to be
// made.
func (r *run) whole(ctx context.Context) (again bool, err error) {
	everything := part(partAll)
	for _, precondition := range []part{partAdmins, partDirectories} {
		if !r.touched(precondition) {
			everything &^= precondition // nothing that this run wrote concerns it
		}
	}
	if time.Since(r.certified) < freshRead {
		everything &^= partMetadata // the certificate was judged right before the switch
	}
	if time.Since(r.listed) < freshRead {
		everything &^= partApplications // so were the applications
	}
	need := 1
	if r.resumed {
		need = 2
	}
	parent, w := ctx, newStall(ctx, r.f.opts.Settle)
	defer func() { w.end() }()
	least := len(r.rep.Steps) + 1 // how few changes were left to be seen
	good := 0                     // looks in a row in which nothing was missing or hidden
	parts := everything
	for n := 1; ; n++ {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Attempt: n, Text: "looking at everything once more"})
		err := r.lookAtWhole(w.ctx, parts, n)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return false, &StepError{Phase: PhaseWait, Err: err}
		case err == nil:
			missing := diff(r.plan, &r.st)
			if slices.ContainsFunc(missing, func(c Change) bool { return !r.made(c) }) {
				return true, nil
			}
			parts = r.pending(missing)
			if left := r.toBeSeen(); left < least {
				least = left
				w.progress()
			}
			if good++; len(missing) > 0 || r.st.unlisted() != 0 {
				good = 0
			}
			if good < need {
				parts |= everything
			} else if parts == 0 {
				return false, nil
			}
		}
		if serr := sleep(w.ctx, backoff(n)); serr != nil {
			return false, &StepError{Phase: PhaseWait, Err: errors.Join(fmt.Errorf("%w: %s", serr, r.unseen()), err)}
		}
	}
}

// lookAtWhole looks at parts anew, but what this run has not written itself, a plan
// of a batch may take from what another one has read a moment ago.
func (r *run) lookAtWhole(ctx context.Context, parts part, n int) error {
	own := partDomains | partFederation | partApplications | partApplicationGroups | partMetadata
	for _, sent := range r.sent {
		if s := &r.rep.Steps[sent.step]; !sent.theirs && s.Outcome != Refused {
			own |= s.Change.Resource.shown()
		}
	}
	others := parts &^ own
	if r.batch == nil || n > 1 || others == 0 {
		return r.lookAgain(ctx, parts)
	}
	if err := r.look(r.batch.recalling(ctx, time.Now().Add(-freshRead)), others); err != nil {
		return err
	}
	return r.lookAgain(ctx, parts&own)
}

// toBeSeen is how many changes have not shown twice in a row.
func (r *run) toBeSeen() (n int) {
	for _, sent := range r.sent {
		if sent.seen < 2 && r.rep.Steps[sent.step].Outcome != Refused {
			n++
		}
	}
	return n
}

// unseen says what does not show twice in a row, for who has waited for it.
func (r *run) unseen() string {
	var names []string
	for i := range r.rep.Steps {
		s := &r.rep.Steps[i]
		if sent := r.sent[s.Change.key()]; sent != nil && sent.seen < 2 && s.Outcome != Refused {
			names = append(names, s.Change.String())
		}
	}
	if missing := diff(r.plan, &r.st); len(names) == 0 {
		for _, c := range missing {
			names = append(names, c.String())
		}
	}
	if len(names) == 0 {
		return "the lists do not show everything that the plan pins; call again in some minutes, it goes on from what it finds"
	}
	return strings.Join(names, ", ") + "; call again in some minutes, it goes on from what it finds"
}

// pending is what has to be looked at again: what is missing though it was
// made, what lists do not show, and what has not shown twice in a row.
func (r *run) pending(missing Changes) part {
	parts := missing.parts() | r.st.unlisted()
	for _, sent := range r.sent {
		if s := &r.rep.Steps[sent.step]; sent.seen < 2 && s.Outcome != Refused {
			parts |= s.Change.Resource.shown()
		}
	}
	return parts
}

func (r *run) touched(p part) bool {
	for _, s := range r.rep.Steps {
		if resources[s.Change.Resource].parts.has(p) {
			return true
		}
	}
	return false
}

// backoff is the pause after the n-th look: 1 s, doubled up to 15 s, with
// jitter so that runs do not march in step.
func backoff(n int) time.Duration {
	d := min(time.Second<<min(n-1, 5), 15*time.Second)
	return d/2 + rand.N(d)
}

// sleep waits or returns the context's cause.
func sleep(ctx context.Context, d time.Duration) error {
	if wait.For(ctx, d/wait.Haste(ctx)) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// since is [time.Since] for who waits by sleep.
func since(ctx context.Context, t time.Time) time.Duration { return time.Since(t) * wait.Haste(ctx) }
