package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Propose says what Federate would do for the plan, for a person to approve and for
// [Federator.Apply] to carry out. It only reads, and reads what Federate does before its
// first write. A plan that holds gives a proposal without changes, and applying that
// does nothing.
//
// If something stands in the way the error is a [*PreconditionError], as of Federate: a
// token that is known to lack a permission for a write is refused here as well. What
// kept it from reading is a [*StepError]. The proposal is never nil, and tells what was
// found all the same; Apply ends with the same error as long as the reason stands.
func (f *Federator) Propose(ctx context.Context, plan Plan) (*Proposal, error) {
	r := f.newRun(plan, nil)
	r.only = true
	err := r.propose(ctx)
	p := &Proposal{
		Verb: VerbFederate, Domain: r.plan.Domain, Plan: &r.asked,
		Tenant: r.rep.Tenant, Organization: r.rep.Organization,
		Findings: slices.Concat(r.rep.Consents, r.rep.Findings),
	}
	if r.st.domains != nil {
		p.Changes = append(diff(r.plan, &r.st), r.st.removals(r.plan)...)
	}
	return f.seal(p), err
}

func (r *run) propose(ctx context.Context) error {
	plan, err := r.plan.normalize()
	r.plan, r.rep.Plan, r.asked = plan, plan, plan
	if err != nil {
		return err
	}
	_, err = r.judge(ctx, true)
	return err
}

// proposal is what the run is about to do.
func (r *run) proposal(todo Changes) *Proposal {
	return r.f.seal(&Proposal{
		Verb: VerbFederate, Domain: r.plan.Domain, Plan: &r.asked, Tenant: r.rep.Tenant, Organization: r.rep.Organization,
		Changes: todo, Findings: slices.Concat(r.rep.Consents, r.rep.Findings),
	})
}

// ProposeDefederate says what Defederate would do for the plan. It only reads; errors
// are as of [Federator.Propose].
func (f *Federator) ProposeDefederate(ctx context.Context, plan DefederatePlan) (*Proposal, error) {
	u := f.newDefederation(plan)
	u.only = true
	err := u.defederate(ctx, plan)
	return u.proposal(), err
}

// ProposeRevert says what Revert would undo of a run, or RevertAll of several of one
// domain. It only reads. Of several runs only the newest is judged, for who would lose
// their sign-in; it tells everything that all of them have made, which is the most that
// can be undone.
//
// Errors are as of [Federator.Propose]. The proposal is nil only if the reports are
// those that [Federator.RevertAll] refuses, or if none is of a run to undo: then nothing
// was asked.
func (f *Federator) ProposeRevert(ctx context.Context, reports ...*Report) (*Proposal, error) {
	reports, err := newestFirst(reports)
	if err != nil {
		return nil, err
	}
	var p *Proposal
	runs := 0
	for _, rep := range reports {
		if rep.Verb != VerbRevert {
			runs++
		}
	}
	for i, rep := range reports {
		if rep.Verb == VerbRevert {
			continue
		}
		if p == nil {
			u := f.newRevert(rep)
			u.only, u.heirs, u.elders = true, broughtBack(reports), elders(reports[i+1:])
			err = u.revert(ctx, rep)
			p = u.proposal()
			p.Revert = reports
		}
		for _, s := range slices.Backward(rep.Steps) {
			c := s.Change.inverse()
			if runs > 1 && s.tookEffect() && !slices.ContainsFunc(p.Changes, func(o Change) bool { return reflect.DeepEqual(o, c) }) {
				p.Changes = append(p.Changes, c)
			}
		}
	}
	if p == nil {
		return nil, errors.New("federation: there is no report of a run to undo")
	}
	return f.seal(p), err
}

// proposal is what the call is about to do.
func (u *undoing) proposal() *Proposal {
	p := &Proposal{
		Verb: u.rep.Verb, Domain: u.p.Domain, Tenant: u.rep.Tenant, Organization: u.rep.Organization,
		Defederate: u.plan, Changes: u.changes, Findings: slices.Concat(u.rep.Consents, u.rep.Findings),
	}
	if u.of != nil {
		p.Revert = []*Report{u.of}
	}
	return u.f.seal(p)
}

// ProposeRepair says what Repair would do for the plan, person by person. It only
// reads: what [Federator.PreviewRepair] reads, with its errors.
func (f *Federator) ProposeRepair(ctx context.Context, plan RepairPlan) (*Proposal, error) {
	rep, err := f.PreviewRepair(ctx, plan)
	return f.seal(&Proposal{
		Verb: VerbRepair, Domain: rep.Plan.Domain, Repair: rep.Repair, Tenant: rep.Tenant, Organization: rep.Organization,
		Changes: rep.changes(Planned), Findings: slices.Concat(rep.Consents, rep.Findings),
	}), err
}

// changes are those of the steps with one of the outcomes.
func (r *Report) changes(outcomes ...Outcome) (cs Changes) {
	for _, s := range r.Steps {
		if slices.Contains(outcomes, s.Outcome) {
			cs = append(cs, s.Change)
		}
	}
	return cs
}

// Apply does what was approved, and nothing else. It never asks [Options.Confirm].
//
// Everything is looked at and judged anew, as by the proposal's verb. If a change is
// missing that the proposal does not name, or somebody would lose their sign-in whom
// it does not name, the error is [ErrNotApproved] and tells them; nothing was done that
// was not approved, and what was done before is in the report. The same error comes of
// a proposal that has expired or was changed. What has been done already is not
// done again, so that Apply may be called again, in any process, until it returns nil:
// hand it the reports of the calls before in [Proposal.Runs], so that it knows what
// these have begun. All other errors are those of the verb: [Federator.Federate],
// Defederate, Repair, Revert. So are the permissions.
//
// The report is never nil. For several reports to undo it is one, of all steps. The
// proposal is not changed.
func (f *Federator) Apply(ctx context.Context, p *Proposal) (*Report, error) {
	rep := &Report{Version: reportVersion, Started: f.now(), Steps: []Step{}}
	if p != nil {
		rep.Verb, rep.Plan = p.Verb, Plan{Domain: p.Domain}
	}
	if err := p.good(f.now(), f.opts.ProposalLife); err != nil {
		rep.Finished, rep.Error = rep.Started, err.Error()
		return rep, err
	}
	opts := f.opts
	opts.Confirm = nil
	f = f.With(opts)
	a := approve(p)
	switch p.Verb {
	case VerbFederate:
		r := f.newRun(p.resumed(), nil)
		r.approved = a
		return r.all(ctx)
	case VerbDefederate:
		u := f.newDefederation(*p.Defederate)
		u.approved = a
		err := u.defederate(ctx, *p.Defederate)
		return u.rep, u.finish(ctx, err, "made")
	case VerbRepair:
		return f.applyRepair(ctx, p, a)
	case VerbRevert:
		return f.applyRevert(ctx, p, a, rep)
	}
	return rep, fmt.Errorf("federation: no way to apply a proposal to %s", p.Verb)
}

// resumed is the plan with the IDs of what earlier runs of the proposal have made, by
// which it is found where lists do not show it.
func (p *Proposal) resumed() Plan {
	plan := *p.Plan
	for _, rep := range p.Runs {
		for _, s := range rep.Steps {
			if s.ID != "" && s.Change.Action == Create && s.tookEffect() {
				plan.pin(s.Change, s.ID)
			}
		}
	}
	return plan
}

// applyRepair looks at everybody anew, and repairs if that is what was approved.
func (f *Federator) applyRepair(ctx context.Context, p *Proposal, a *approval) (*Report, error) {
	rep, err := f.PreviewRepair(ctx, *p.Repair)
	if err == nil {
		err = cmp.Or(a.customer(rep.Tenant, rep.Organization), a.objections(rep.changes(Planned), nil, nil))
	}
	if err != nil {
		rep.Error = err.Error()
		return rep, err
	}
	return f.Repair(ctx, rep)
}

// applyRevert tells of all Reverts in one report.
func (f *Federator) applyRevert(ctx context.Context, p *Proposal, a *approval, all *Report) (*Report, error) {
	reps, err := f.revertAll(ctx, p.Revert, a)
	for i, rep := range reps {
		if i == 0 {
			all.Plan, all.Repair, all.Tenant, all.Organization, all.Before = rep.Plan, rep.Repair, rep.Tenant, rep.Organization, rep.Before
		}
		all.After, all.Finished = rep.After, rep.Finished
		all.Steps = append(all.Steps, rep.Steps...)
		all.Findings, all.Consents = append(all.Findings, rep.Findings...), append(all.Consents, rep.Consents...)
	}
	if err != nil {
		all.Error = err.Error()
	}
	return all, err
}
