package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Preview returns what Federate would change, in order; an empty list means
// that the plan holds. It only reads, and asks about nobody: what Federate would
// check besides is [Federator.Preflight].
//
// If the state of the services stands in the way, the error is a
// [*PreconditionError], and the changes are returned all the same.
func (f *Federator) Preview(ctx context.Context, plan Plan) (Changes, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	st, err := f.firstLook(ctx, plan)
	if err != nil {
		return nil, err
	}
	return diff(plan, &st), problems(inspect(plan, &st, time.Now())).err()
}

// Federate brings both services in line with the plan. If they already are, it
// only reads, and the report has no steps.
//
// All gates are checked before the first write; what is shut comes back in one
// [*PreconditionError]. The domain comes last: it is federated only when the
// application is active, bound and shows the same certificate in both places.
// A change counts as made once it showed in two reads in a row.
//
// The report is never nil; on error it says what was done before. Nothing is
// undone (see [Federator.Revert]). Federate may be called again at any time,
// best with the report's plan, which is pinned: it looks first and goes on from
// what it finds. One case remains where a second application may come to be:
// the process dies, the answer to its creation was lost, and the list does not
// show it when the next run looks.
//
// Federate does not wait until people can sign in; see [Federator.Wait].
func (f *Federator) Federate(ctx context.Context, plan Plan) (*Report, error) {
	rep := &Report{Version: reportVersion, Plan: plan, Started: time.Now(), Steps: []Step{}}
	r := &run{f: f, plan: plan, rep: rep, made: make(map[string]bool), seen: make(map[string]int), steps: make(map[string]int)}
	err := r.federate(ctx)
	r.finish(err)
	f.emit(ctx, Event{Phase: PhaseDone, Domain: rep.Plan.Domain, Text: rep.summary(), Elapsed: rep.Finished.Sub(rep.Started), Err: err})
	return rep, err
}

// run is one Federate in progress.
type run struct {
	f    *Federator
	plan Plan
	st   state
	rep  *Report

	// resumed is set if the plan was pinned: an earlier run may have left
	// changes that not all replicas show.
	resumed bool

	made map[string]bool // by key: not to be sent again, it was made or may have been
	seen map[string]int  // by key of a made change: in how many observations in a row it showed

	people string // what became of the look at people, for the report
	realm  string // what the public realm endpoint said at the end

	mu    sync.Mutex     // guards made, plan, steps and rep while a stage is applied
	steps map[string]int // by key: index into rep.Steps
}

func (r *run) federate(ctx context.Context) error {
	plan, err := r.plan.normalize()
	r.plan, r.rep.Plan = plan, plan
	if err != nil {
		return err
	}
	unlock, err := r.f.lock(ctx, plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()

	if r.st, err = r.f.firstLook(ctx, plan); err != nil {
		return err
	}
	r.rep.Before = classify(plan, &r.st)
	todo := diff(plan, &r.st)
	findings := inspect(plan, &r.st, time.Now())
	if len(todo) > 0 {
		more, err := r.check(ctx)
		if err != nil {
			return err
		}
		findings = append(findings, more...)
	}
	r.rep.note(findings)
	if err := problems(findings).err(); err != nil {
		return err
	}
	r.resumed = plan.Application.ID != "" || slices.ContainsFunc(plan.Groups, func(g Group) bool { return g.ID != "" })
	r.pin()
	if len(todo) == 0 && r.st.unlisted() == 0 {
		return nil
	}
	if confirm := r.f.opts.Confirm; confirm != nil && len(todo) > 0 {
		r.f.emit(ctx, Event{Phase: PhaseConfirm, Domain: plan.Domain})
		if err := confirm(todo); err != nil {
			return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
		}
	}
	if err := r.converge(ctx); err != nil {
		return err
	}
	r.askRealm(ctx)
	return nil
}

// askRealm notes what the public endpoint says so soon after the change. It
// follows with a delay, so nothing depends on it.
func (r *run) askRealm(ctx context.Context) {
	switch realm, err := r.f.ad.Realm(ctx, r.plan.Domain); {
	case err != nil:
		r.realm = "the public realm endpoint did not answer"
	default:
		r.realm = "the public realm endpoint says " + string(realm.NameSpaceType)
	}
}

// converge makes stage after stage until nothing is missing and every change
// showed twice in a row.
func (r *run) converge(ctx context.Context) error {
	for {
		todo := diff(r.plan, &r.st)
		if len(todo) == 0 {
			again, err := r.confirm(ctx)
			if err != nil || !again {
				return err
			}
			continue
		}
		stage := todo.first()
		if err := r.ready(ctx, stage); err != nil {
			return err
		}
		if stage = diff(r.plan, &r.st).first().only(stage); len(stage) == 0 {
			continue // getting ready has shown it to be done
		}
		if err := r.make(ctx, stage); err != nil {
			return err
		}
	}
}

// ready holds back the changes that must not be made on a first glance.
func (r *run) ready(ctx context.Context, stage Changes) error {
	switch c := stage[0]; c.Resource {
	case ResRecover:
		return r.patience(ctx, c)
	case ResFederation:
		return r.certificate(ctx, c)
	}
	return nil
}

// halfStateLooks and halfStatePause: a configuration that lags behind its
// domain looks like one that cannot be read. Only what stays unreadable over
// this many looks is recovered from.
const (
	halfStateLooks = 6
	halfStatePause = 10 * time.Second
)

func (r *run) patience(ctx context.Context, c Change) error {
	for n := 1; n <= halfStateLooks; n++ {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n, Text: "making sure that the configuration cannot be read"})
		if err := sleep(ctx, halfStatePause); err != nil {
			return &StepError{PhaseWait, c, err}
		}
		if err := r.look(ctx, partDomains|partFederation); err != nil && !temporary(err) {
			return &StepError{PhaseWait, c, err}
		}
		if !diff(r.plan, &r.st).has(c.key()) {
			return nil
		}
	}
	return nil
}

// certificate waits until JumpCloud shows the application's certificate, the
// same in both places, and judges it.
func (r *run) certificate(ctx context.Context, c Change) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		own, err := r.st.cert(r.plan)
		if err == nil {
			var ps problems
			checkCertificate(&ps, r.plan, own, time.Now())
			if err := ps.err(); err != nil {
				r.rep.note(ps)
				return err
			}
			return nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n, Err: err})
		if n > 1 {
			if serr := sleep(ctx, backoff(n)); serr != nil {
				return &StepError{PhaseWait, c, errors.Join(serr, err)}
			}
		}
		if err := r.look(ctx, partApplications|partMetadata); err != nil && (!temporary(err) || parent.Err() != nil) {
			return &StepError{PhaseWait, c, err}
		}
	}
}

// make sends the changes of one stage and looks until they show.
func (r *run) make(ctx context.Context, stage Changes) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	todo := stage
	for n := 1; ; n++ {
		refused, err := r.apply(ctx, todo)
		if err != nil {
			return err
		}
		last := refused
		if err := r.look(ctx, stage.parts()); err != nil {
			if !temporary(err) || parent.Err() != nil {
				return &StepError{PhaseWait, todo[0], errors.Join(refused, err)}
			}
			last = errors.Join(refused, err)
		}
		left := diff(r.plan, &r.st).only(stage)
		if len(left) == 0 {
			return nil
		}
		todo = left
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &todo[0], Attempt: n, Err: last})
		if err := sleep(ctx, backoff(n)); err != nil {
			return &StepError{PhaseWait, todo[0], errors.Join(err, last)}
		}
	}
}

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
	missing := diff(r.plan, &r.st)
	for key, i := range r.steps {
		s := &r.rep.Steps[i]
		switch {
		case resources[s.Change.Resource].part&^parts != 0 || !r.made[key]:
			// not looked at, or not sent
		case missing.has(key), r.hidden(s.Change):
			r.seen[key] = 0
		default:
			r.seen[key]++
			s.Outcome, s.Error = Done, ""
			if s.ID == "" {
				s.ID = r.found(s.Change) // the answer that told it was lost
			}
		}
	}
	return nil
}

// hidden reports whether a list does not show yet what the change has made. A
// run that is not pinned would make it again.
func (r *run) hidden(c Change) bool {
	switch c.Resource {
	case ResApplication:
		return r.st.appHidden
	case ResGroup:
		return r.st.hidden[c.Name]
	}
	return false
}

// found is the ID of what a creation made, as the services show it.
func (r *run) found(c Change) string {
	switch {
	case c.Action != Create:
	case c.Resource == ResApplication:
		if a := r.st.app(r.plan); a != nil {
			r.pinCreated(c, a.ID)
			return a.ID
		}
	case c.Resource == ResGroup:
		for _, g := range r.plan.Groups {
			if have := r.st.group(g); g.Name == c.Name && have != nil {
				r.pinCreated(c, have.ID)
				return have.ID
			}
		}
	case c.Resource == ResTechnicalAccount && r.st.technical != nil:
		return r.st.technical.id
	case c.Resource == ResFederation && r.st.fed != nil:
		return r.st.fed.ID
	}
	return ""
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
		if r.seen[key] < 2 {
			parts |= resources[r.rep.Steps[i].Change.Resource].part
		}
	}
	return parts
}

// unlisted is what has to be read until the lists show what is pinned.
func (st *state) unlisted() (p part) {
	if st.appHidden {
		p |= partApplications
	}
	if len(st.hidden) > 0 {
		p |= partGroups
	}
	return p
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
		i, ok := r.steps[Change{Resource: ResGroup, Name: g.Name, Action: Create}.key()]
		all := r.st.groups[g.Name]
		if !ok || len(all) < 2 || r.rep.Steps[i].ID == "" || r.rep.Steps[i].ID == all[0].ID {
			continue
		}
		own, older := r.rep.Steps[i].ID, all[0].ID
		if err := r.f.jc.DeleteGroup(ctx, own); err != nil {
			return err
		}
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

// uses reports whether the domain is federated with the application.
func (r *run) uses(appID string) bool {
	if r.st.fed == nil {
		return false
	}
	for _, a := range r.st.apps {
		if c, err := a.Certificate(); a.ID == appID && err == nil && c == r.st.fed.SigningCertificate {
			return true
		}
	}
	return false
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

// temporary reports whether a failure may pass by itself.
func temporary(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	for _, t := range []error{
		jumpcloud.ErrThrottled, jumpcloud.ErrUnavailable, jumpcloud.ErrOutcomeUnknown,
		aad.ErrThrottled, aad.ErrUnavailable, aad.ErrOutcomeUnknown,
	} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// unknown reports whether a failed write may have been carried out.
func unknown(err error) bool {
	return errors.Is(err, jumpcloud.ErrOutcomeUnknown) || errors.Is(err, aad.ErrOutcomeUnknown)
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
