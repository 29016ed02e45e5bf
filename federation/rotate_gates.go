package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/perm"
)

// gateStore refuses a rotation that cannot keep its key.
func (r *rotating) gateStore() error {
	if r.f.opts.Keys != nil || r.plan.Method != OwnKeyPair || r.plan.Cancel {
		return nil
	}
	var ps findings
	ps.refuse(CodeRotationKey, r.plan.Plan.Domain,
		"a rotation with an own key pair takes hours, and there is no place to keep the key meanwhile",
		"set Options.Keys to a store of yours, or choose the method second-application, which needs none")
	return ps.err()
}

// load asks the store for the pair.
func (r *rotating) load(ctx context.Context) error {
	if r.f.opts.Keys == nil {
		return nil
	}
	k, err := r.f.loadKey(ctx, r.plan.Plan.Domain)
	if err != nil {
		if r.plan.Method == Emergency {
			return fmt.Errorf("federation: nothing was written, because the key store could not be read; "+
				"without Options.Keys JumpCloud makes the new pair, and an emergency does not wait for the store: %w", err)
		}
		return fmt.Errorf("federation: nothing was written, because the key store could not be read: %w", err)
	}
	r.key = k
	return nil
}

// unusable says why the stored pair must not be given to the services; "" if it may.
func (r *rotating) unusable() string {
	c := r.key.Cert()
	fed := r.see.st.fed
	if r.key.Bits() != r.plan.Key.Bits {
		return fmt.Sprintf("its key has %d bits, the plan asks for %d", r.key.Bits(), r.plan.Key.Bits)
	}
	if age := r.f.age(c.X509().NotBefore); age > keyFreshFor {
		return "it is older than 30 days"
	}
	for _, p := range c.Check(r.f.now()) {
		if p.Severity == certs.Error {
			return p.Message
		}
	}
	j, _ := r.see.signs()
	switch {
	case c.SamePublicKey(j), c.SamePublicKey(fed.SigningCertificate), r.spent(c):
		return "it has the public key of a certificate that is replaced"
	}
	return ""
}

// spent reports whether a certificate has the public key of one that is, or was,
// replaced.
func (r *rotating) spent(c certs.Cert) bool {
	key := keyOf(c)
	if r.last != nil && r.last.Old.Key != "" && r.last.Old.Key == key {
		return true
	}
	return r.expelled(c)
}

// expelled reports whether an emergency has taken a certificate's key out, or is to.
func (r *rotating) expelled(c certs.Cert) bool {
	key := keyOf(c)
	for _, e := range r.rot.Expelled {
		if e == key {
			return true
		}
	}
	return false
}

// gateCustomer refuses another customer's credentials.
func (r *rotating) gateCustomer(ctx context.Context) error {
	perms, err := r.f.ad.Permissions(ctx)
	if err != nil && !errors.Is(err, aad.ErrOpaqueToken) {
		return reading(PhaseCheck, err)
	}
	if err == nil {
		r.perms, r.tenant = perms, perms.TenantID
	}
	p, answered := r.plan.Plan, ""
	if r.see.app != nil {
		answered = r.see.app.OrganizationID
	}
	var ps findings
	gateCustomer(&ps, "plan", p.Tenant, r.tenant, p.Organization, answered)
	gateAnswers(&ps, r.f.jc.OrgID(), answered)
	return ps.err()
}

// gateState refuses what is no domain of ours, in the state's own words.
func (r *rotating) gateState() error {
	st, p := &r.see.st, r.plan.Plan
	var ps findings
	refuse := func(code Code, state State, message string) {
		if message == "" {
			message = p.Domain + ": " + state.Meaning()
		}
		ps.refuse(code, p.Domain, message, state.Next())
	}
	switch d := st.domain(p.Domain); {
	case d == nil:
		refuse(CodeDomainUnknown, StateUnknown, p.Domain+" is not a domain of this Azure AD tenant")
	case d.IsInitial:
		refuse(CodeDomainInitial, StateInitial, "")
	case !d.IsVerified:
		refuse(CodeDomainUnverified, StateUnverified, "")
	case !d.IsRoot:
		refuse(CodeDomainInherits, StateInherits, p.Domain+" is a subdomain and inherits the authentication of "+st.rootOf(p.Domain))
	case !st.federated(p.Domain):
		ps.refuse(CodeRotation, p.Domain, p.Domain+" is managed: nobody signs in with a certificate that could be replaced", "run Federate")
	case st.fed == nil:
		refuse(CodeDomainHalf, StateHalf, "")
	case r.bereft():
		if !r.plan.Cancel {
			r.refuseBereft(&ps)
		}
	case st.pinLost && !r.outlived():
		st.inspectApplication(&ps, p)
	case r.see.app == nil && st.fed.IssuerURI == p.Application.IdPEntityID:
		ps.refuse(CodeRotation, p.Domain, "people on "+p.Domain+" are sent to "+st.fed.PassiveSignInURI+
			", and no JumpCloud application with the entity ID "+p.Application.IdPEntityID+" answers there", "run Inspect")
	case r.see.app == nil:
		refuse(CodeDomainForeign, StateForeign,
			fmt.Sprintf("%s is federated with %s (issuer %s)", p.Domain, provider(st.fed.IssuerURI, st.fed.PassiveSignInURI), st.fed.IssuerURI))
	default:
		r.gatePins(&ps)
	}
	return ps.err()
}

// gatePins refuses a pin that names another application than the one that people are
// sent to, unless that is the other one of a rotation by a second application.
func (r *rotating) gatePins(ps *findings) {
	a, p := r.see.app, r.plan.Plan.Application
	other := r.plan.Method == SecondApplication && r.pair() != nil
	if p.ID != "" && p.ID != a.ID && !(other && r.pair().ID == p.ID) && !(r.see.st.pinLost && r.outlived()) {
		ps.refuse(CodeApplicationFixed, a.ID, "the plan pins the application "+p.ID+", and people on "+r.plan.Plan.Domain+" are sent to "+a.ID,
			"set application.id to "+a.ID)
	}
	if p.LoginURL != "" && p.LoginURL != a.SSOURL && !(other && r.pair().SSOURL == p.LoginURL) &&
		!(r.outlived() && secondURL(p.LoginURL, r.plan.Replace) == a.SSOURL) {
		ps.refuse(CodeApplicationFixed, a.ID, "the plan has the login URL "+p.LoginURL+
			", and people on "+r.plan.Plan.Domain+" are sent to "+a.SSOURL,
			"set application.loginURL to "+a.SSOURL+", or leave it out")
	}
	if p.IdPEntityID != a.IdPEntityID {
		ps.refuse(CodeApplicationFixed, a.ID, "the application has the entity ID "+a.IdPEntityID+", the plan "+p.IdPEntityID,
			"set application.idpEntityID to "+a.IdPEntityID)
	}
}

// gateSecond refuses to touch the certificate of an application while a rotation by a
// second one is under way, and tells of other applications with the entity ID.
func (r *rotating) gateSecond() error {
	if len(r.see.others) == 0 {
		return nil
	}
	var ps findings
	if o := r.pair(); o != nil && o.Active && r.plan.Method != Emergency {
		ps.refuse(CodeRotation, o.ID, "a rotation by a second application is under way: "+r.see.st.nameApplication(r.see.app)+" and "+
			r.see.st.nameApplication(o)+" both sign for "+r.rot.Domain,
			"call Rotate with the method second-application until it is done, or with cancel")
	} else if o == nil {
		var names []string
		for _, a := range r.see.others {
			names = append(names, r.see.st.nameApplication(a))
		}
		ps.warn(CodeApplicationTwice, r.rot.Domain, "beside the domain's application others carry its entity ID: "+strings.Join(names, ", "),
			"delete the ones that nobody uses")
	}
	r.note(ps)
	return ps.err()
}

// gateBegin asks what must hold before a rotation begins: who could sign in without
// JumpCloud is read only then.
func (r *rotating) gateBegin(ctx context.Context, emergency bool) error {
	p, st := r.plan.Plan, &r.see.st
	var ps findings
	if !r.see.app.Active && !emergency {
		ps.refuse(CodeRotation, r.see.app.ID, "the application "+st.nameApplication(r.see.app)+" is not active, so nobody signs in through it",
			"run Federate first")
	}
	r.gateWrites(&ps)
	err := r.f.observeAdmins(ctx, Plan{Domain: p.Domain}, st, partAdmins)
	if err != nil && !emergency {
		return reading(PhaseCheck, err)
	}
	var glass findings
	if err == nil {
		p.Consent.NoBreakGlass = p.Consent.NoBreakGlass || r.plan.Consent.NoBreakGlass
		st.gateBreakGlass(&glass, p)
	} else {
		glass.warn(CodeBreakGlass, p.Domain, "who could sign in without JumpCloud cannot be read: "+err.Error(), "")
	}
	for i := range glass {
		if emergency && glass[i].refuses() {
			glass[i].Severity = Alarm // a stolen key does not wait
		}
	}
	ps = append(ps, glass...)
	r.note(ps)
	return ps.err()
}

// gateWrites compares the token with what a rotation writes.
func (r *rotating) gateWrites(ps *findings) {
	gatePermissions(ps, Changes{updating(r.plan.Plan.Domain, "")}, r.perms)
	if r.plan.RevokeSessions && r.perms != nil && !r.perms.Has(perm.RevokeSessions) && !r.perms.Has(perm.UserWrite) &&
		!r.perms.Has("Directory.ReadWrite.All") {
		ps.refuse(CodePermission, perm.RevokeSessions,
			"the token lacks the permission "+perm.RevokeSessions+", which is needed to sign people out",
			"grant it to the application, or leave revokeSessions out and sign people out by hand")
	}
}

// confirm asks for the changes of the call.
func (r *rotating) confirm(ctx context.Context, changes ...Change) error {
	if r.only {
		r.ahead = append(r.ahead, changes...)
		return errOnly
	}
	confirm := r.f.opts.Confirm
	if confirm == nil || r.asked {
		return nil
	}
	r.asked = true
	r.f.emit(ctx, Event{Phase: PhaseConfirm, Domain: r.rot.Domain})
	plan := r.plan
	organization := ""
	if r.see.app != nil {
		organization = r.see.app.OrganizationID
	}
	p := r.f.seal(&Proposal{
		Verb: VerbRotate, Domain: r.rot.Domain, Tenant: r.tenant, Organization: organization,
		Rotate: &plan, Changes: changes, Findings: r.rot.Findings,
	})
	if err := confirm(ctx, p); err != nil {
		return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
	}
	return nil
}

// errOnly ends a call that must not write, before its first write.
var errOnly = errors.New("a preview writes nothing")
