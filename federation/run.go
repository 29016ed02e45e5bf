package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Preview returns what Federate would change; an empty list means that the plan
// holds. It only reads, and asks about nobody: what Federate would
// check besides is [Federator.Preflight].
//
// If the state of the services stands in the way, the error is a
// [*PreconditionError], and the changes are returned all the same.
func (f *Federator) Preview(ctx context.Context, plan Plan) (Changes, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	st, err := f.firstLook(ctx, plan, observation{})
	if err != nil {
		return nil, err
	}
	return append(diff(plan, &st), st.removals(plan)...), st.inspectAll(plan, f.now()).err()
}

// Federate brings both services in line with the plan. If they already are, it
// only reads, and the report has no steps.
//
// All gates are checked before the first write; what is shut comes back in one
// [*PreconditionError]. A group or an application that is to be made is looked for twice,
// five seconds apart; unless somebody is asked in between, the gates are checked with the
// second look. The domain comes last: it is federated only when the
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
// A run that finds nothing to do makes 10 requests in two round trips; translation rules
// in the plan add one, listed members one for each group and one to look them up. A run
// that federates a fresh domain, with one group that it makes with one member, makes 36
// in 12 round trips, besides the five seconds; two more if [Options.Confirm] is asked.
//
// While a rotation of the certificate is under way (see [Federator.Rotate]), Azure AD's
// two certificates and the addresses of its applications stay as they are; the report
// tells the phase and the next step, and the rest of the plan is done. The label of the
// application waits until the rotation is done, or a second certificate is gone that may
// be a rotation's: JumpCloud takes an application as a whole, and written back as it was
// before it got the new key it would show the old certificate again.
//
// A domain on which nobody can sign in, because Azure AD accepts nothing that JumpCloud
// signs, is mended in one request, and the certificate before is kept as the second one.
// That is refused where both of Azure AD's places hold one certificate that was made
// after JumpCloud's, or the stored pair's: an emergency was interrupted, which Rotate
// finishes. What [Options.Keys] has is asked for only where Azure AD has a second
// certificate; if that fails, nothing is done that would write a certificate.
//
// Federate does not wait until people can sign in; see [Federator.Wait].
func (f *Federator) Federate(ctx context.Context, plan Plan) (*Report, error) {
	return f.federate(ctx, plan, nil)
}

// federate is Federate, alone or as part of a batch.
func (f *Federator) federate(ctx context.Context, plan Plan, batch *recall) (*Report, error) {
	return f.newRun(plan, batch).all(ctx)
}

func (f *Federator) newRun(plan Plan, batch *recall) *run {
	rep := &Report{Version: reportVersion, Verb: VerbFederate, Plan: plan, Started: f.now(), Steps: []Step{}}
	return &run{
		f: f, plan: plan, asked: plan, rep: rep, journal: journal{f: f, rep: rep}, batch: batch,
		sent: make(map[string]*sent), absent: make(map[string]bool),
	}
}

// all is a run from beginning to end.
func (r *run) all(ctx context.Context) (*Report, error) {
	f, rep := r.f, r.rep
	leave := f.makings.enter(r)
	err := r.federate(ctx)
	leave()
	r.finish(err)
	err = r.journal.last(ctx, err)
	f.emit(ctx, Event{Phase: PhaseDone, Domain: rep.Plan.Domain, Text: rep.summary("made"), Elapsed: rep.Finished.Sub(rep.Started), Err: err})
	return rep, err
}

// run is one Federate in progress.
type run struct {
	f        *Federator
	plan     Plan
	asked    Plan      // as it was given, before anything was found
	approved *approval // nil: everything that the plan needs
	st       observation
	rep      *Report

	journal journal

	batch *recall // what the plans of a batch have read; nil for a single run
	only  bool    // only looks

	// resumed is set if the plan was pinned: an earlier run may have left
	// changes that not all replicas show.
	resumed bool

	sent   map[string]*sent // by the change's key
	absent map[string]bool  // by the key of a creation: two looks have shown that there is none
	looked readAt           // when the lists were looked at first
	read   time.Time        // when everything was read last
	judged time.Time        // when people were judged last

	stood   *aad.Federation // what stood in Azure AD at the first look
	trusted []certs.Cert    // the signing certificates that this run has sent there

	judgedAt    int       // how many steps had been filed by then
	disbelieved time.Time // since when a list shows a certificate that is not in its place

	certified time.Time // when the certificate that was switched to was judged
	listed    time.Time // when another run's application was looked for right before the switch

	doubles []double // what gave way to another run's

	people string       // what became of the look at people, for the report
	before people.Reach // who could sign in when they were judged
	realm  string       // what the public realm endpoint said at the end
}

// sent is what a run knows of a change that it has sent.
type sent struct {
	step   int  // index into rep.Steps
	made   bool // not to be sent again: it was made, or may have been
	theirs bool // somebody else has made it: not ours to undo
	seen   int  // in how many observations in a row it showed
	began  time.Time

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
	r.plan, r.rep.Plan, r.asked = plan, plan, plan
	if err != nil {
		return err
	}
	unlock, err := r.f.lock(ctx, plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()

	applies := r.approved != nil
	for asked := 0; ; asked++ {
		todo, err := r.judge(ctx, asked == 0)
		if err != nil {
			return err
		}
		todo = append(todo, r.st.removals(r.plan)...)
		if len(todo) == 0 && r.st.unlisted() == 0 {
			return nil
		}
		confirm, other := r.f.opts.Confirm, r.objections(todo)
		switch {
		case other != nil && (applies || asked == asksAtMost):
			return other
		case applies, confirm == nil, r.approved != nil && other == nil:
			return r.write(ctx)
		}
		r.f.emit(ctx, Event{Phase: PhaseConfirm, Domain: plan.Domain})
		p := r.proposal(todo)
		if err := confirm(ctx, p); err != nil {
			return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
		}
		r.approved = approve(p)
		if time.Since(r.read) <= freshRead {
			return r.write(ctx)
		}
		// The answer took its time: what was judged is judged again.
	}
}

// asksAtMost is how often Confirm is asked while each time something else is missing
// when it has answered.
const asksAtMost = 5

// objections are what was approved of neither the changes nor of those who would lose
// their sign-in.
func (r *run) objections(changes Changes) error {
	return r.approved.objections(changes, lostBy(slices.Concat(r.rep.Consents, r.rep.Findings)), r.rep.Steps)
}

// write brings both services in line with the plan.
func (r *run) write(ctx context.Context) error {
	if time.Since(r.judged) > unseenFor {
		clear(r.absent) // what the gates' lists did not show may have been made since
	}
	if err := r.converge(r.batch.recalling(ctx, time.Time{})); err != nil {
		if len(r.doubles) > 0 && ctx.Err() == nil {
			_ = r.tidy(ctx, nil) // what could not be removed is told in the report
		}
		return err
	}
	r.rep.note(r.st.told(r.plan.Domain))
	r.askRealm(ctx)
	return nil
}

// judge looks at everything, asks every gate, and returns what is missing. It begins
// anew if somebody else makes meanwhile what is missing.
func (r *run) judge(ctx context.Context, first bool) (todo Changes, err error) {
	defer func() { r.st.shown, r.st.appVanished, r.st.groupVanished = nil, false, false }() // what counts is pinned
	for n := 1; ; n++ {
		todo, overtaken, err := r.judgeOnce(ctx, first && n == 1)
		if !overtaken || n == firstLooks {
			return todo, err
		}
		if err := sleep(ctx, backoff(n)); err != nil {
			return nil, reading(PhaseObserve, err)
		}
	}
}

func (r *run) judgeOnce(ctx context.Context, first bool) (todo Changes, overtaken bool, err error) {
	began := time.Now()
	plan := r.plan
	ctx = r.batch.recalling(ctx, began.Add(-freshRead))
	if r.st, err = r.f.firstLook(ctx, plan, observation{stored: r.st.stored, asksAll: true, shown: r.st.shown}); err != nil {
		return nil, false, err
	}
	r.looked, r.read = r.st.at, began
	if r.rep.Tenant, err = r.f.tenant(ctx); err != nil {
		return nil, false, reading(PhaseCheck, err)
	}
	answered := r.st.organization(plan)
	r.rep.Organization = cmp.Or(answered, r.f.jc.OrgID())
	if first {
		r.rep.Before, r.stood = r.st.classify(plan), r.st.fed
		r.resumed = plan.Application.ID != "" || slices.ContainsFunc(plan.Groups, func(g Group) bool { return g.ID != "" })
	}
	todo = diff(plan, &r.st)
	if r.rep.Organization == "" && len(todo) > 0 {
		if r.rep.Organization, err = r.f.onlyOrganization(ctx); err != nil && !errors.Is(err, jumpcloud.ErrDenied) {
			return nil, false, reading(PhaseCheck, err)
		}
	}
	if err := r.approved.customer(r.rep.Tenant, r.rep.Organization); err != nil {
		return nil, false, err
	}
	ps := r.st.inspectAll(plan, r.f.now())
	gateCustomer(&ps, "plan", plan.Tenant, r.rep.Tenant, plan.Organization, r.rep.Organization)
	gateAnswers(&ps, r.f.jc.OrgID(), answered)
	if len(todo) > 0 {
		later := r.st.userIDs == nil
		gates, people, again, err := r.survey(ctx, todo, ps.err() != nil)
		if err != nil {
			return nil, false, err
		}
		overtaken = again
		if later {
			if err := r.inspectMembers(ctx, &ps); err != nil {
				return nil, false, err
			}
			todo = diff(plan, &r.st)
		}
		ps, r.before = append(ps, gates...), reachBefore(plan, &r.st)
		if people != nil {
			r.people = people.Counts.Summary()
		}
	}
	r.rep.Findings, r.rep.Consents = nil, nil
	r.rep.note(ps)
	if err := ps.err(); err != nil {
		return nil, overtaken, err
	}
	r.pin()
	return todo, overtaken, nil
}

// askRealm notes what the public endpoint says so soon after the change. It
// follows with a delay, so nothing depends on it, and right after a switch it is
// not asked at all.
func (r *run) askRealm(ctx context.Context) {
	if r.made(federating(r.plan.Domain)) {
		r.realm = "the public realm endpoint follows with a delay: ask Verify"
		return
	}
	switch realm, err := r.f.ad.Realm(ctx, r.plan.Domain); {
	case err != nil:
		r.realm = "the public realm endpoint did not answer when the run ended"
	default:
		r.realm = "the public realm endpoint said " + string(realm.NameSpaceType) + " when the run ended"
	}
}

// converge makes stage after stage until nothing is missing and every change
// showed twice in a row.
func (r *run) converge(ctx context.Context) error {
	for {
		todo := diff(r.plan, &r.st)
		if len(todo) == 0 {
			again, err := r.whole(ctx)
			if err != nil {
				return err
			}
			if !again {
				return r.tidy(ctx, r.st.removals(r.plan))
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

// pin writes the IDs of what was found into the plan of the report, so that a
// resumed run finds those very objects.
func (r *run) pin() {
	if a := r.st.app(r.plan); a != nil {
		r.plan.Application.ID = a.ID
	}
	groups := slices.Clone(r.plan.Groups)
	for i := range groups {
		if g := r.st.group(groups[i]); g != nil {
			groups[i].ID = g.ID
		}
	}
	r.plan.Groups = groups
	if d := r.st.directory(r.plan); d != nil {
		r.plan.Directory.ID = d.ID
	}
	r.rep.Plan = r.plan
}
