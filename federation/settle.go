package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
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
		err := r.lookAtWhole(ctx, parts, n)
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
	if r.common == nil || n > 1 || others == 0 {
		return r.lookAgain(ctx, parts)
	}
	if err := r.look(r.common.recalling(ctx, time.Now().Add(-freshRead)), others); err != nil {
		return err
	}
	return r.lookAgain(ctx, parts&own)
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
	if made != nil && len(r.st.apps) > 1 && r.rep.Steps[made.step].ID != "" {
		s, unpinned := &r.rep.Steps[made.step], r.plan
		unpinned.Application.ID = ""
		if theirs := r.st.app(unpinned); s.ID != theirs.ID && r.plan.Application.ID != theirs.ID {
			r.giveWay(made, ResApplication, theirs.ID)
			r.plan.Application.ID, r.rep.Plan.Application.ID = theirs.ID, theirs.ID
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
		if id := r.rep.Steps[made.step].ID; id == "" || id == all[0].ID || g.ID == all[0].ID {
			continue
		}
		r.giveWay(made, ResGroup, all[0].ID)
		g.ID = all[0].ID
		r.forget(ResMember, ResApplicationGroup, ResDirectoryGroup)
		st, err := r.f.observe(ctx, r.plan, r.st, partGroups|partMembers)
		if err != nil {
			return err
		}
		r.st = st
	}
	return nil
}

// A double is what this run has made and another run has made too. It is removed
// at the end, when the other one was seen in its place.
type double struct {
	kind   Resource
	id     string
	theirs string // what it gave way to
	step   int    // of its creation
}

// giveWay lets another run's thing take the place of what this run has made. Until
// that is removed again its step stays as it is, for Revert to find.
func (r *run) giveWay(made *sent, kind Resource, theirs string) {
	if id := r.rep.Steps[made.step].ID; !slices.ContainsFunc(r.doubles, func(d double) bool { return d.id == id }) {
		r.doubles = append(r.doubles, double{kind, id, theirs, made.step})
	}
}

// tidy removes what this run has made and another run has made too, and, with
// consent, other applications with the plan's entity ID. What anybody may still use
// stays, and is told.
func (r *run) tidy(ctx context.Context) error {
	doubles := r.doubles
	r.doubles = nil
	for _, c := range removals(r.plan, &r.st) {
		if !slices.ContainsFunc(doubles, func(d double) bool { return d.id == c.Target }) {
			r.rep.Steps = append(r.rep.Steps, Step{Change: c, ID: c.Target, Started: time.Now()})
			doubles = append(doubles, double{ResApplication, c.Target, r.plan.Application.ID, len(r.rep.Steps) - 1})
		}
	}
	for _, d := range doubles {
		s := &r.rep.Steps[d.step]
		why, err := r.inUse(ctx, d, doubles)
		if err == nil && why == "" {
			if d.kind == ResApplication {
				err = r.f.jc.DeleteApplication(ctx, d.id)
			} else {
				err = r.f.jc.DeleteGroup(ctx, d.id)
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return &StepError{PhaseApply, s.Change, err}
		case err != nil:
			why = err.Error()
		}
		removed := why == ""
		switch {
		case s.Change.Action == Delete && removed:
			s.Outcome, s.Attempts = Done, 1
		case s.Change.Action == Delete:
			s.Outcome, s.Error = Left, why
		case removed:
			s.Outcome, s.ID = Skipped, d.theirs
			s.Error = "another run made " + d.theirs + " at the same moment, which is used; " + d.id + " was removed again"
		default:
			s.Error = "another run made " + d.theirs + " at the same moment, which is used; " + d.id + " is left: " + why
		}
		if !removed {
			r.rep.Findings = append(r.rep.Findings, Finding{Code: CodeApplicationTwice, Severity: Alarm, Subject: d.id,
				Message: "the " + string(d.kind) + " " + d.id + " stands beside " + d.theirs + ", which is used, and is left: " + why, Repair: "look who uses it, and delete it by hand"})
		}
	}
	return nil
}

// removals are the other applications with the plan's entity ID that the plan
// consents to remove, once everything else holds.
func removals(p Plan, st *observation) (cs Changes) {
	if !p.Consent.RemoveDuplicate {
		return nil
	}
	for _, a := range st.apps {
		if a != st.app(p) && a.IdPEntityID == p.Application.IdPEntityID {
			cs = append(cs, Change{Resource: ResApplication, Name: a.IdPEntityID, Action: Delete, Target: a.ID, Fields: []Field{{Name: "label", Old: a.DisplayLabel}}})
		}
	}
	return cs
}

// inUse says why a double must stay; "" means that nobody uses it.
func (r *run) inUse(ctx context.Context, d double, doubles []double) (string, error) {
	if d.kind == ResApplication {
		domain, fed, err := r.f.authentication(ctx, r.plan.Domain)
		if err != nil {
			return "", err
		}
		now := observation{apps: r.st.apps, fed: fed}
		if domain != nil {
			now.domains = []*aad.Domain{domain}
		}
		if now.federated(r.plan.Domain) && (fed == nil || now.uses(d.id)) {
			return "the domain may be federated with it", nil
		}
		for to, err := range r.f.jc.Associations(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: d.id}, jumpcloud.GroupObject, jumpcloud.UserObject) {
			if errors.Is(err, jumpcloud.ErrNotFound) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			ours := slices.ContainsFunc(r.plan.Groups, func(g Group) bool { return g.ID == to.ID }) ||
				slices.ContainsFunc(doubles, func(d double) bool { return d.id == to.ID })
			if to.Type != jumpcloud.GroupObject || !ours {
				return "the " + to.String() + " is bound to it, which the plan does not name", nil
			}
		}
		return "", nil
	}
	listed := make(map[string]bool) // whom the plan has put there
	for _, g := range r.plan.Groups {
		if g.ID == d.theirs {
			for _, m := range g.Members {
				listed[r.st.userIDs[strings.ToLower(m)]] = true
			}
		}
	}
	for id, err := range r.f.jc.GroupMembers(ctx, d.id) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if !listed[id] {
			return "the user " + id + " is in it, whom the plan does not list", nil
		}
	}
	return "", nil
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
