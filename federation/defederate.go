package federation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
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
	var ps findings
	p.Domain = domainName(p.Domain)
	if reason := checkDomain(p.Domain); reason != "" {
		ps.refuse(CodePlanDomain, p.Domain, "the domain "+quote(p.Domain)+" "+reason, "give it as Azure AD lists it, such as example.com")
	}
	switch p.Passwords {
	case PasswordsKnown, PasswordsReset, PasswordsTemporaryAccessPass:
	default:
		ps.refuse(CodePlanPasswords, string(p.Passwords),
			"the plan does not say how people without an Azure AD password will get in"+withMeaning(codeNoPassword),
			"set passwords to known (everybody has one), reset (administrators set new ones) or temporary-access-pass")
	}
	return p, ps.err()
}

// Defederate takes the federation of a domain away: people sign in with Azure
// AD passwords again. It is idempotent: a domain that is managed already is
// left alone.
//
// The domain is read by its name, never from a list. With RemoveApplication the
// application's groups are unbound and the application is deleted, but only once
// the domain was seen twice, a quarter of a minute apart, to be managed, gone, or
// federated with another issuer; until then they stay, the report says why, and
// the error wraps [ErrDiffers]. Groups, members, the directory and its bindings are
// never touched.
//
// A rotation that is under way ends with the federation, and is told; so is which of its
// two applications RemoveApplication leaves.
//
// The whole configuration is kept in the report, so that [Federator.Revert] can
// bring it back as long as JumpCloud's application exists. Unless everybody's
// password is known, the report names everybody on the domain: they need one,
// and Azure AD does not tell who has. Published delays are up to 60 minutes.
func (f *Federator) Defederate(ctx context.Context, plan DefederatePlan) (*Report, error) {
	u := f.newDefederation(plan)
	err := u.defederate(ctx, plan)
	return u.rep, u.finish(ctx, err, "made")
}

func (f *Federator) newDefederation(plan DefederatePlan) *undoing {
	p := Plan{Domain: domainName(plan.Domain)}
	return &undoing{f: f, p: p, plan: &plan, began: time.Now(),
		rep: &Report{Version: reportVersion, Verb: VerbDefederate, Plan: p, Started: f.now(), Steps: []Step{}}}
}

func (u *undoing) defederate(ctx context.Context, plan DefederatePlan) error {
	plan, err := plan.normalize()
	if err != nil {
		return err
	}
	u.plan = &plan
	unlock, err := u.f.lock(ctx, plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	u.p.Application = Application{Template: DefaultTemplate, IdPEntityID: entityIDPrefix + plan.Domain}
	st, err := u.f.firstDomainLook(ctx, &u.p)
	if err != nil {
		return reading(PhaseObserve, err)
	}
	if err := u.f.observeKey(ctx, plan.Domain, &st); err != nil {
		return reading(PhaseObserve, err)
	}
	u.keys = st.stored
	rep := u.rep
	rep.Before = st.classify(u.p)
	if a := st.app(u.p); a != nil {
		u.p.Application.ID = a.ID
	}
	rep.Plan = u.p
	if rep.Tenant, err = u.f.tenant(ctx); err != nil {
		return reading(PhaseCheck, err)
	}
	rep.Organization = cmp.Or(st.organization(u.p), u.f.jc.OrgID())
	if err := u.approved.customer(rep.Tenant, rep.Organization); err != nil {
		return err
	}
	if perms, err := u.f.ad.Permissions(ctx); err == nil { // an opaque token says nothing
		var ps findings
		gateSignedOut(&ps, plan, &st, perms)
		rep.note(ps)
	}
	if err := st.defederateProblems(plan, rep); err != nil {
		return err
	}
	if a := st.app(u.p); a != nil && plan.RemoveApplication {
		if st.appGroups, err = u.f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: a.ID}); err != nil {
			return reading(PhaseObserve, err)
		}
	}
	for _, s := range st.defederateSteps(plan, u.p) {
		u.steps = append(u.steps, &undoStep{Step: s, losing: s.Change.loses(), perhaps: s.Change.ofFederation()})
	}
	if plan.Passwords != PasswordsKnown {
		if err := u.f.needPasswords(ctx, plan, rep); err != nil {
			return err
		}
	}
	return u.run(ctx)
}

// firstDomainLook reads the domain by its name, since a list may be old, and the
// application that it is federated with, which becomes the plan's.
func (f *Federator) firstDomainLook(ctx context.Context, p *Plan) (observation, error) {
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: p.Domain, Text: "reading both services"})
	s, err := f.lookAtDomain(ctx, *p)
	if err != nil || s.st.fed == nil {
		return s.st, err
	}
	p.Application.IdPEntityID = s.st.fed.IssuerURI
	p.BrandName, p.SignOutURL, p.MFA = s.st.fed.DisplayName, s.st.fed.SignOutURI, s.st.fed.MFA
	err = f.lookAtApplications(ctx, *p, &s.st)
	return s.st, err
}

func (st *observation) defederateProblems(plan DefederatePlan, rep *Report) error {
	var ps findings
	switch rep.Before {
	case StateUnknown, StateInherits, StateUnverified:
		ps.refuse(CodeDomainUnknown, plan.Domain, plan.Domain+": "+rep.Before.Meaning(), rep.Before.Next())
	}
	if st.fed != nil && !byJumpCloud(st.fed) && len(st.apps) == 0 {
		ps.refuse(CodeOtherProvider, plan.Domain, plan.Domain+" is federated with "+provider(st.fed.IssuerURI, st.fed.PassiveSignInURI)+
			", not with JumpCloud",
			"set otherProvider if that federation is to be ended").
			unless("otherProvider", plan.OtherProvider)
	}
	rep.note(ps)
	return ps.err()
}

// defederateSteps are the steps, written as what Federate would have done the
// other way round, so that the same code makes them and Revert undoes them.
func (st *observation) defederateSteps(plan DefederatePlan, p Plan) (steps []Step) {
	steps = append(steps, managing(plan.Domain, st.fed))
	a := st.app(p)
	if !plan.RemoveApplication || a == nil {
		return steps
	}
	for _, id := range slices.Sorted(maps.Keys(st.appGroups)) {
		steps = append(steps, unbinding(a.ID, id))
	}
	return append(steps, deletingApplication(a))
}

// needPasswords names everybody on the domain and on the subdomains that follow
// it. People of other tenants sign in at home.
func (f *Federator) needPasswords(ctx context.Context, plan DefederatePlan, rep *Report) error {
	repair := "set a new password"
	if plan.Passwords == PasswordsTemporaryAccessPass {
		repair = "issue a temporary access pass"
	}
	people, err := f.accounts(ctx, plan.Domain)
	if err != nil {
		return reading(PhaseCheck, err)
	}
	var ps findings
	for _, p := range people {
		ps.info(CodePasswordNeeded, p.UserPrincipalName, p.UserPrincipalName+" may have no Azure AD password", repair)
	}
	rep.note(ps)
	return nil
}
