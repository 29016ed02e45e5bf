package federation

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
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
			if sent.theirs {
				s.Outcome = Skipped
				continue
			}
			s.Outcome, s.Error = Done, ""
			if s.ID == "" {
				s.ID = r.found(s.Change) // the answer that told it was lost
			}
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
	var ps problems
	inspectTwice(&ps, r.plan, &r.st)
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
	need := 1
	if r.resumed {
		need = 2
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	good := 0 // looks in a row in which nothing was missing or hidden
	parts := everything
	for n := 1; ; n++ {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Attempt: n, Text: "looking at everything once more"})
		err := r.lookAgain(ctx, parts)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return false, &StepError{Phase: PhaseWait, Err: err}
		case err == nil:
			missing := diff(r.plan, &r.st)
			if slices.ContainsFunc(missing, func(c Change) bool { return !r.made(c) }) {
				return true, nil
			}
			parts = r.pending(missing)
			if good++; len(missing) > 0 || r.st.unlisted() != 0 {
				good = 0
			}
			if good < need {
				parts = everything
			} else if parts == 0 {
				return false, nil
			}
		}
		if serr := sleep(ctx, backoff(n)); serr != nil {
			return false, &StepError{Phase: PhaseWait, Err: errors.Join(serr, err)}
		}
	}
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
		if resources[s.Change.Resource].part.has(p) {
			return true
		}
	}
	return false
}

// yield settles it when another run has made the same application or group at
// the same moment, which JumpCloud does not prevent. The older one, by ID, is
// kept by both runs; the run that made the younger one removes its own.
func (r *run) yield(ctx context.Context) error {
	made := r.sent[Change{Resource: ResApplication, Name: r.plan.Application.IdPEntityID, Action: Create}.key()]
	if made != nil && len(r.st.apps) > 1 {
		s, older := &r.rep.Steps[made.step], r.st.apps[0].ID
		if own := s.ID; own != "" && own != older && !r.uses(own) {
			if err := r.f.jc.DeleteApplication(ctx, own); err != nil {
				return err
			}
			made.gaveWay(s, "application", older)
			r.plan.Application.ID, r.rep.Plan.Application.ID = older, older
			r.forget(ResApplicationGroup, ResFederation)
			st, err := r.f.observe(ctx, r.plan, r.st, partApplications|partMetadata|partApplicationGroups)
			if err != nil {
				return err
			}
			r.st = st
		}
	}
	for i := range r.plan.Groups {
		g := &r.plan.Groups[i]
		made := r.sent[Change{Resource: ResGroup, Name: g.Name, Action: Create}.key()]
		all := r.st.groups[g.Name]
		if made == nil || len(all) < 2 {
			continue
		}
		s, older := &r.rep.Steps[made.step], all[0].ID
		if s.ID == "" || s.ID == older {
			continue
		}
		if err := r.f.jc.DeleteGroup(ctx, s.ID); err != nil {
			return err
		}
		made.gaveWay(s, "group", older)
		g.ID = older
		r.forget(ResMember, ResApplicationGroup, ResDirectoryGroup)
		st, err := r.f.observe(ctx, r.plan, r.st, partGroups|partMembers)
		if err != nil {
			return err
		}
		r.st = st
	}
	return nil
}

// gaveWay writes down that what the step made was removed again for the older
// one of another run, which is not ours to undo.
func (made *sent) gaveWay(s *Step, kind, older string) {
	s.Error = "another run made the " + kind + " " + older + " at the same moment; " + s.ID + " was removed again"
	made.theirs, s.Outcome, s.ID = true, Skipped, older
}

// forget lets changes of these resources be made again.
func (r *run) forget(rs ...Resource) {
	for _, sent := range r.sent {
		if slices.Contains(rs, r.rep.Steps[sent.step].Change.Resource) {
			sent.made, sent.seen = false, 0
		}
	}
}

// backoff is the pause after the n-th look: 1 s, doubled up to 15 s, with
// jitter so that runs do not march in step.
func backoff(n int) time.Duration {
	d := min(time.Second<<min(n-1, 5), 15*time.Second)
	return d/2 + rand.N(d)
}

// sleep waits or returns the context's cause.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
