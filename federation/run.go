package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
// A run that finds nothing to do makes 10 requests, at most three of which wait
// for each other; translation rules in the plan add one, listed members one for
// each group and one to look them up.
//
// Federate does not wait until people can sign in; see [Federator.Wait].
func (f *Federator) Federate(ctx context.Context, plan Plan) (*Report, error) {
	rep := &Report{Version: reportVersion, Plan: plan, Started: time.Now(), Steps: []Step{}}
	r := &run{f: f, plan: plan, rep: rep, sent: make(map[string]*sent), absent: make(map[string]bool)}
	err := r.federate(ctx)
	r.finish(err)
	f.emit(ctx, Event{Phase: PhaseDone, Domain: rep.Plan.Domain, Text: rep.summary("made"), Elapsed: rep.Finished.Sub(rep.Started), Err: err})
	return rep, err
}

// run is one Federate in progress.
type run struct {
	f    *Federator
	plan Plan
	st   observation
	rep  *Report

	// resumed is set if the plan was pinned: an earlier run may have left
	// changes that not all replicas show.
	resumed bool

	sent   map[string]*sent // by the change's key
	absent map[string]bool  // by the key of a creation: two looks have shown that there is none
	looked time.Time        // when the lists were looked at first

	people string // what became of the look at people, for the report
	before reach  // who could sign in when they were judged
	realm  string // what the public realm endpoint said at the end
}

// sent is what a run knows of a change that it has sent.
type sent struct {
	step   int  // index into rep.Steps
	made   bool // not to be sent again: it was made, or may have been
	theirs bool // somebody else has made it: not ours to undo
	seen   int  // in how many observations in a row it showed

	// refusal is an answer that the thing is there already: the reason to be
	// told if it never shows.
	refusal error
}

// made reports whether a change was sent and must not be sent again.
func (r *run) made(c Change) bool {
	s := r.sent[c.key()]
	return s != nil && s.made
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
	r.looked = time.Now()
	if r.rep.Tenant, err = r.f.tenant(ctx); err != nil {
		return reading(PhaseCheck, err)
	}
	r.rep.Organization = r.st.organization(plan)
	r.rep.Before = classify(plan, &r.st)
	todo := diff(plan, &r.st)
	findings := inspect(plan, &r.st, time.Now())
	gateCustomer((*problems)(&findings), "plan", plan.Tenant, r.rep.Tenant, plan.Organization, r.rep.Organization)
	if len(todo) > 0 {
		gates, people, err := r.f.check(ctx, plan, &r.st)
		if err != nil {
			return err
		}
		findings, r.before = append(findings, gates...), reachBefore(plan, &r.st)
		if people != nil {
			r.people = people.Counts.Summary()
		}
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
		r.realm = "the public realm endpoint said " + string(realm.NameSpaceType)
	}
}

// converge makes stage after stage until nothing is missing and every change
// showed twice in a row.
func (r *run) converge(ctx context.Context) error {
	for {
		todo := diff(r.plan, &r.st)
		if len(todo) == 0 {
			again, err := r.whole(ctx)
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

// sureAfter is how long after the first look at the lists a second one is taken
// before something is made that they did not show.
const sureAfter = 5 * time.Second

// ready holds back the changes that must not be made on a first glance.
func (r *run) ready(ctx context.Context, stage Changes) error {
	if slices.ContainsFunc(stage, func(c Change) bool { return c.makes() && !r.made(c) && !r.absent[c.key()] }) {
		return r.sure(ctx, stage)
	}
	switch c := stage[0]; c.Resource {
	case ResRecover:
		return r.patience(ctx, c)
	case ResFederation:
		if err := r.judgeAgain(ctx); err != nil {
			return err
		}
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

// makes reports whether the change makes something that there must not be two
// of, and that nobody would be told of if its answer were lost.
func (c Change) makes() bool {
	return c.Action == Create && (c.Resource == ResApplication || c.Resource == ResGroup || c.Resource == ResTechnicalAccount)
}

// sure looks a second time for what the stage is to make. A list may be older than
// what another run has made, and an answer without a list must not pass for an
// empty one.
func (r *run) sure(ctx context.Context, stage Changes) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n := 1; ; n++ {
		pause := max(sureAfter-time.Since(r.looked), 0)
		if n > 1 {
			pause = max(pause, backoff(n))
		}
		if err := sleep(ctx, pause); err != nil {
			return &StepError{PhaseWait, stage[0], err}
		}
		err := r.lookAgain(ctx, stage.parts())
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, stage[0], err}
		case err == nil:
			for _, c := range diff(r.plan, &r.st).only(stage) {
				r.absent[c.key()] = c.makes()
			}
			return nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &stage[0], Attempt: n, Err: err})
	}
}

func (r *run) patience(ctx context.Context, c Change) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for looks := 0; looks < halfStateLooks; {
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: looks + 1, Text: "making sure that the configuration cannot be read"})
		if err := sleep(ctx, halfStatePause); err != nil {
			return &StepError{PhaseWait, c, err}
		}
		switch err := r.lookAgain(ctx, partDomains|partFederation); {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, c, err}
		case err != nil:
			continue // saw nothing
		case !diff(r.plan, &r.st).has(c.key()):
			return nil
		}
		looks++
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
		if err := r.lookAgain(ctx, partApplications|partMetadata); err != nil && (!temporary(err) || parent.Err() != nil) {
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
		if err := r.lookAgain(ctx, stage.parts()); err != nil {
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
			return &StepError{PhaseWait, todo[0], errors.Join(err, last, r.refusal(todo[0]))}
		}
	}
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
		r.file(c)
		young[i] = r.young(c)
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
		case temporary(err), young[i] && notThere(err):
			refusals = append(refusals, err)
		default:
			errs = append(errs, &StepError{PhaseApply, c, err})
		}
	}
	return errors.Join(refusals...), errors.Join(errs...)
}

// file enters a change into the report, as something that is about to be sent.
func (r *run) file(c Change) {
	s := r.sent[c.key()]
	if s == nil {
		s = &sent{step: len(r.rep.Steps)}
		r.sent[c.key()] = s
		r.rep.Steps = append(r.rep.Steps, Step{Change: c, Started: time.Now(), Absent: r.absent[c.key()]})
	}
	step := &r.rep.Steps[s.step]
	step.Attempts++
	if c.Resource == ResFederation && c.Action == Update && step.Backup == nil {
		step.Backup = r.st.fed
	}
}

// applyOne sends a filed change and writes down what came of it. It returns the
// ID of what was made, and the refusal, unless that says that it is so already.
func (r *run) applyOne(ctx context.Context, plan Plan, c Change) (id string, err error) {
	sent := r.sent[c.key()]
	s := &r.rep.Steps[sent.step]
	start := time.Now()
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: s.Attempts})
	var answered atomic.Value // the ID of the last request that was answered
	note := func(id string) { answered.Store(id) }
	if strings.HasPrefix(string(c.Resource), "azure-ad/") {
		id, err = r.send(aad.WithRequestIDs(ctx, note), plan, c)
	} else {
		id, err = r.send(jumpcloud.WithRequestIDs(ctx, note), plan, c)
	}
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: plan.Domain, Change: &c, Attempt: s.Attempts, Elapsed: max(time.Since(start), 1), Err: err})

	s.Change, s.Elapsed = c, time.Since(s.Started)
	if s.RequestID = requestID(err); err == nil {
		s.RequestID, _ = answered.Load().(string)
	}
	if id != "" {
		s.ID = id
	}
	switch {
	case err == nil:
		s.Outcome, s.Error, sent.made = Made, "", true
	case already(err):
		// Somebody was there first: this run's own request, if it lost an
		// answer before, else somebody else.
		sent.theirs, sent.made, sent.refusal = s.Outcome != Unknown, true, err
		s.Outcome, s.Error = Unknown, err.Error()
		return id, nil
	case unknown(err):
		s.Outcome, s.Error = Unknown, err.Error()
		sent.made = c.Action == Create && (c.Resource == ResApplication || c.Resource == ResGroup)
	default:
		s.Outcome, s.Error = Refused, err.Error()
	}
	return id, err
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
