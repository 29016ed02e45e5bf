package federation

import (
	"context"
	"errors"
	"fmt"
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
	if err := r.yield(ctx); err != nil {
		return err
	}
	var ps problems
	inspectTwice(&ps, r.plan, &r.st)
	if err := ps.err(); err != nil {
		return err // somebody has made another one meanwhile; guessing would lock people out
	}
	missing := diff(r.plan, &r.st)
	for key, i := range r.steps {
		s := &r.rep.Steps[i]
		switch {
		case resources[s.Change.Resource].part&^parts != 0 || s.Outcome == Refused:
			// not looked at, or not made
		case missing.has(key), r.hidden(s.Change):
			r.seen[key] = 0
		default:
			r.seen[key]++
			if r.theirs[key] {
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

// confirm looks at everything once more, and then at what has not shown twice
// in a row until it has: replicas do not all learn of a change at the same
// moment. A resumed run looks at everything twice, because it does not know what
// the run before it has left. It reports whether there is something new to be
// made.
func (r *run) confirm(ctx context.Context) (again bool, err error) {
	everything := part(partAll)
	for _, precondition := range []part{partAdmins, partDirectories} {
		if !r.touched(precondition) {
			everything &^= precondition // nothing that this run wrote concerns it
		}
	}
	need := 1
	if r.resumed {
		need = 2
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	whole := 0 // looks in a row in which nothing was missing or hidden
	parts := everything
	for n := 1; ; n++ {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Attempt: n, Text: "looking at everything once more"})
		err := r.look(ctx, parts)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return false, fmt.Errorf("federation: %s: %w", PhaseWait, err)
		case err == nil:
			missing := diff(r.plan, &r.st)
			if slices.ContainsFunc(missing, func(c Change) bool { return !r.made[c.key()] }) {
				return true, nil
			}
			parts = r.pending(missing)
			if whole++; len(missing) > 0 || r.st.unlisted() != 0 {
				whole = 0
			}
			if whole < need {
				parts = everything
			} else if parts == 0 {
				return false, nil
			}
		}
		if serr := sleep(ctx, backoff(n)); serr != nil {
			return false, fmt.Errorf("federation: %s: %w", PhaseWait, errors.Join(serr, err))
		}
	}
}

// pending is what has to be looked at again: what is missing though it was
// made, what lists do not show, and what has not shown twice in a row.
func (r *run) pending(missing Changes) part {
	parts := missing.parts() | r.st.unlisted()
	for key, i := range r.steps {
		if r.seen[key] < 2 && r.rep.Steps[i].Outcome != Refused {
			parts |= resources[r.rep.Steps[i].Change.Resource].part
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
	key := Change{Resource: ResApplication, Name: r.plan.Application.IdPEntityID, Action: Create}.key()
	if i, ok := r.steps[key]; ok && len(r.st.apps) > 1 && r.rep.Steps[i].ID != "" {
		own, older := r.rep.Steps[i].ID, r.st.apps[0].ID
		if own != older && !r.uses(own) {
			if err := r.f.jc.DeleteApplication(ctx, own); err != nil {
				return err
			}
			r.theirs[key] = true
			r.rep.Steps[i].Outcome, r.rep.Steps[i].ID = Skipped, older
			r.rep.Steps[i].Error = "another run made the application " + older + " at the same moment; " + own + " was removed again"
			r.plan.Application.ID, r.rep.Plan.Application.ID = older, older
			r.forget(ResApplicationGroup, ResFederation)
			st, err := r.f.observe(ctx, r.plan, r.st, partApplications|partMetadata|partApplicationGroups)
			if err != nil {
				return err
			}
			r.st = st
		}
	}
	for gi := range r.plan.Groups {
		g := &r.plan.Groups[gi]
		key := Change{Resource: ResGroup, Name: g.Name, Action: Create}.key()
		i, ok := r.steps[key]
		all := r.st.groups[g.Name]
		if !ok || len(all) < 2 || r.rep.Steps[i].ID == "" || r.rep.Steps[i].ID == all[0].ID {
			continue
		}
		own, older := r.rep.Steps[i].ID, all[0].ID
		if err := r.f.jc.DeleteGroup(ctx, own); err != nil {
			return err
		}
		r.theirs[key] = true
		r.rep.Steps[i].Outcome, r.rep.Steps[i].ID = Skipped, older
		r.rep.Steps[i].Error = "another run made the group " + older + " at the same moment; " + own + " was removed again"
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

// forget lets changes of these resources be made again.
func (r *run) forget(rs ...Resource) {
	for key, i := range r.steps {
		for _, res := range rs {
			if r.rep.Steps[i].Change.Resource == res {
				delete(r.made, key)
				r.seen[key] = 0
			}
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
