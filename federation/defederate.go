package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// PasswordStrategy says how people without an Azure AD password will get in
// once the domain is managed again. Azure AD never learned the passwords of
// people who signed in through JumpCloud; those who have none get AADSTS50056.
type PasswordStrategy string

const (
	// PasswordsKnown: everybody has an Azure AD password, because JumpCloud's
	// directory exported it or it was set before the federation.
	PasswordsKnown PasswordStrategy = "known"
	// PasswordsReset: administrators set a new one for everybody.
	PasswordsReset PasswordStrategy = "reset"
	// PasswordsTemporaryAccessPass: everybody gets a temporary access pass.
	PasswordsTemporaryAccessPass PasswordStrategy = "temporary-access-pass"
)

// A DefederatePlan says how a domain goes back to Azure AD passwords.
type DefederatePlan struct {
	// Domain is the federated domain.
	Domain string `json:"domain" yaml:"domain"`

	// Passwords has no default: a plan that does not choose is refused.
	Passwords PasswordStrategy `json:"passwords" yaml:"passwords"`

	// RemoveApplication deletes the JumpCloud application that the domain was
	// federated with. Its certificate cannot be brought back. By default the
	// application is left as it is.
	RemoveApplication bool `json:"removeApplication,omitempty" yaml:"removeApplication,omitempty"`

	// OtherProvider allows ending a federation with somebody else than
	// JumpCloud.
	OtherProvider bool `json:"otherProvider,omitempty" yaml:"otherProvider,omitempty"`
}

// Codes of findings of a Defederate.
const (
	CodePlanPasswords  Code = "plan-passwords"
	CodeOtherProvider  Code = "other-provider"
	CodePasswordNeeded Code = "password-needed"
)

func (p DefederatePlan) normalize() (DefederatePlan, error) {
	var ps problems
	p.Domain = domainName(p.Domain)
	if reason := checkDomain(p.Domain); reason != "" {
		ps.add(CodePlanDomain, p.Domain, "the domain "+quote(p.Domain)+" "+reason, "give it as Azure AD lists it, such as example.com")
	}
	switch p.Passwords {
	case PasswordsKnown, PasswordsReset, PasswordsTemporaryAccessPass:
	default:
		ps.add(CodePlanPasswords, string(p.Passwords), "the plan does not say how people without an Azure AD password will get in (AADSTS50056)",
			"set passwords to known (everybody has one), reset (administrators set new ones) or temporary-access-pass")
	}
	return p, ps.err()
}

// Defederate takes the federation of a domain away: people sign in with Azure
// AD passwords again. It is idempotent: a domain that is managed already is
// left alone.
//
// The whole configuration is kept in the report, so that [Federator.Revert] can
// bring it back as long as JumpCloud's application exists. Unless everybody's
// password is known, the report names everybody on the domain: they need one,
// and Azure AD does not tell who has. Published delays are up to 60 minutes.
func (f *Federator) Defederate(ctx context.Context, plan DefederatePlan) (*Report, error) {
	rep := &Report{Version: reportVersion, Plan: Plan{Domain: domainName(plan.Domain)}, Started: time.Now(), Steps: []Step{}}
	err := f.defederate(ctx, plan, rep)
	rep.Finished = time.Now()
	if err != nil {
		rep.Error = err.Error()
	}
	f.emit(ctx, Event{Phase: PhaseDone, Domain: rep.Plan.Domain, Text: rep.summary("made"), Elapsed: rep.Finished.Sub(rep.Started), Err: err})
	return rep, err
}

func (f *Federator) defederate(ctx context.Context, plan DefederatePlan, rep *Report) error {
	plan, err := plan.normalize()
	if err != nil {
		return err
	}
	unlock, err := f.lock(ctx, plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	p := Plan{Domain: plan.Domain, Application: Application{Template: DefaultTemplate, IdPEntityID: entityIDPrefix + plan.Domain}}
	st, err := f.firstDomainLook(ctx, &p)
	if err != nil {
		return err
	}
	rep.Plan, rep.Before = p, classify(p, &st)
	if err := defederateProblems(plan, &st, rep); err != nil {
		return err
	}
	steps := f.defederateSteps(plan, p, &st)
	if len(steps) == 0 {
		rep.After = rep.Before
		return nil
	}
	if plan.Passwords != PasswordsKnown {
		if err := f.needPasswords(ctx, plan, rep); err != nil {
			return err
		}
	}
	if confirm := f.opts.Confirm; confirm != nil {
		var cs Changes
		for _, s := range steps {
			cs = append(cs, s.Change)
		}
		if err := confirm(cs); err != nil {
			return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
		}
	}
	for _, s := range steps {
		s.Started = time.Now()
		err := f.undo(ctx, p, s, &s)
		s.Elapsed = time.Since(s.Started)
		if err != nil {
			s.Error = err.Error()
		}
		rep.Steps = append(rep.Steps, s)
		if err != nil {
			return &StepError{PhaseApply, s.Change, err}
		}
	}
	rep.After = StateManaged
	if !plan.RemoveApplication && st.app(p) != nil {
		rep.After = StatePrepared
	}
	return nil
}

// firstDomainLook reads the domain and the application that it is federated
// with, which becomes the plan's.
func (f *Federator) firstDomainLook(ctx context.Context, p *Plan) (observation, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Text: "reading both services"})
	st, err := f.observe(ctx, *p, observation{}, partDomains|partFederation)
	if err != nil {
		return st, reading(PhaseObserve, err)
	}
	if st.fed != nil {
		p.Application.IdPEntityID = st.fed.IssuerURI
		p.BrandName, p.SignOutURL, p.MFA = st.fed.DisplayName, st.fed.SignOutURI, st.fed.MFA
	}
	st, err = f.observe(ctx, *p, st, partApplications|partMetadata|partApplicationGroups)
	return st, reading(PhaseObserve, err)
}

func defederateProblems(plan DefederatePlan, st *observation, rep *Report) error {
	var ps problems
	switch rep.Before {
	case StateUnknown, StateInherits, StateUnverified:
		ps.add(CodeDomainUnknown, plan.Domain, plan.Domain+": "+rep.Before.info().Meaning, rep.Before.info().Next)
	}
	if st.fed != nil && provider(st.fed.IssuerURI, st.fed.PassiveSignInURI) != "JumpCloud" && len(st.apps) == 0 {
		ps.add(CodeOtherProvider, plan.Domain, plan.Domain+" is federated with "+provider(st.fed.IssuerURI, st.fed.PassiveSignInURI)+", not with JumpCloud",
			"set otherProvider if that federation is to be ended")
		ps.consent("otherProvider", plan.OtherProvider)
	}
	rep.note(ps)
	return ps.err()
}

// defederateSteps are the steps, written as what Federate would have done the
// other way round, so that the same code makes them and Revert undoes them.
func (f *Federator) defederateSteps(plan DefederatePlan, p Plan, st *observation) (steps []Step) {
	if st.federated(plan.Domain) {
		s := Step{Change: Change{Resource: ResFederation, Name: plan.Domain, Action: Delete}, Backup: st.fed}
		if st.fed != nil {
			s.Change.Fields = inverse(backupFields(st.fed))
		}
		steps = append(steps, s)
	}
	a := st.app(p)
	if !plan.RemoveApplication || a == nil {
		return steps
	}
	var groups []string
	for id := range st.appGroups {
		groups = append(groups, id)
	}
	slices.Sort(groups)
	for _, id := range groups {
		steps = append(steps, Step{Change: Change{Resource: ResApplicationGroup, Name: id, Action: Remove, Parent: a.ID, Target: id}})
	}
	return append(steps, Step{ID: a.ID, Change: Change{Resource: ResApplication, Name: a.IdPEntityID, Action: Delete, Fields: []Field{
		{Name: "label", Old: a.DisplayLabel}, {Name: "idpEntityID", Old: a.IdPEntityID}, {Name: "loginURL", Old: a.SSOURL},
	}}})
}

// needPasswords names everybody on the domain.
func (f *Federator) needPasswords(ctx context.Context, plan DefederatePlan, rep *Report) error {
	repair := "set a new password"
	if plan.Passwords == PasswordsTemporaryAccessPass {
		repair = "issue a temporary access pass"
	}
	opts := &aad.UsersOptions{Domain: plan.Domain, Select: []string{"id", "userPrincipalName", "accountEnabled"}}
	var names []string
	for u, err := range f.ad.Users(ctx, opts) {
		if err != nil {
			return reading(PhaseCheck, err)
		}
		if u.Enabled == nil || *u.Enabled {
			names = append(names, u.UserPrincipalName)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for _, n := range names {
		rep.Findings = append(rep.Findings, Finding{Code: CodePasswordNeeded, Severity: Info, Subject: n, Message: n + " may have no Azure AD password", Repair: repair})
	}
	return nil
}
