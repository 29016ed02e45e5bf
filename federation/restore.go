package federation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/jumpcloud"
)

// judgeFederation judges the step that leads the domain's federation back, by the
// rules of its direction. It depends on what is true now, not on what the report
// thought.
func (u *undoing) judgeFederation(ctx context.Context, ps *findings) error {
	for _, s := range u.steps {
		if !s.Change.ofFederation() || s.at == undone {
			continue
		}
		if s.Change.Action == Update && u.sight.st.fed == nil && s.at != differs {
			s.at, s.why = differs, u.p.Domain+noConfiguration // it went while the steps were judged
		}
		if s.at == differs {
			code := CodeRevertForeign
			if s.Change.Action == Create && u.sight.st.fed == nil {
				code = CodeRevertNothing
			}
			if s.Change.Action == Update && u.sight.st.fed == nil {
				continue // stays alone: nobody signs in by it
			}
			ps.refuse(code, u.p.Domain, s.why, "revert the report of the run that came later first, or see Inspect for the safe next step")
			continue
		}
		var err error
		switch {
		case s.Change.Action == Delete:
			err = u.judgeTakingAway(ctx, s, ps)
		case u.bringsJumpCloud(s):
			err = u.judgeJumpCloud(ctx, s, ps)
		case s.Change.Action == Create || s.restores(fieldIssuer):
			err = u.judgeOtherProvider(ctx, s, ps)
		default:
			u.judgeFields(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bringsJumpCloud reports whether a step brings a federation with a JumpCloud
// application back, rather than another provider's or a few fields.
func (u *undoing) bringsJumpCloud(s *undoStep) bool {
	if s.Change.Action != Create && !s.restores(fieldIssuer) && !s.restores(fieldPassiveSignIn) {
		return false
	}
	t := u.target(s)
	if byJumpCloud(t) {
		return true
	}
	return slices.ContainsFunc(u.sight.st.apps, func(a *jumpcloud.Application) bool { return a.IdPEntityID == t.IssuerURI })
}

// judgeTakingAway is refused for nobody. It tells what people need from then on,
// and who came since the run, whose password Azure AD may never have learned.
func (u *undoing) judgeTakingAway(ctx context.Context, s *undoStep, ps *findings) error {
	if s.begun.IsZero() {
		return nil // Defederate names everybody
	}
	ps.warn(CodePasswordNeeded, u.p.Domain,
		"people on "+u.p.Domain+" sign in with Azure AD passwords from then on; who has none is refused"+withMeaning(codeNoPassword)+". "+
			"For up to an hour, pages that are open may still send people to JumpCloud",
		"set passwords, or issue temporary access passes, for people without one")
	if u.sight.st.fed != nil {
		for _, f := range s.Change.Fields {
			if now := federationField(u.sight.st.fed, f.Name); f.Old != Later && now != f.Old {
				ps.info(CodeDrift, u.p.Domain,
					f.Name+" of the federation is "+f.show(now)+", the run left "+f.show(f.Old)+"; it goes with the rest", "")
			}
		}
	}
	people, err := u.f.accounts(ctx, u.p.Domain, "createdDateTime")
	if err != nil {
		if temporary(err) || ctx.Err() != nil {
			return err
		}
		ps.info(CodePasswordNeeded, u.p.Domain,
			"who came since the run is not known, because the accounts cannot be read: "+err.Error(), "")
		return nil
	}
	for _, p := range people {
		if p.Created.After(s.begun) {
			ps.warn(CodePasswordNeeded, p.UserPrincipalName,
				p.UserPrincipalName+" was created since the run and may have no Azure AD password",
				"set a password")
		}
	}
	return nil
}

// accounts lists the enabled accounts of the tenant's own on a domain and on the
// subdomains that follow it, with these properties besides their names, in the
// order of the names.
func (f *Federator) accounts(ctx context.Context, domain string, properties ...string) ([]aad.User, error) {
	var st observation
	for d, err := range f.ad.Domains(ctx) {
		if err != nil {
			return nil, err
		}
		st.domains = append(st.domains, d)
	}
	var found []aad.User
	for _, d := range append([]string{domain}, st.followers(domain)...) {
		opts := &aad.UsersOptions{Domain: d, Parallel: true, Select: append([]string{"id", "userPrincipalName", "accountEnabled"}, properties...)}
		for p, err := range f.ad.Users(ctx, opts) {
			if err != nil {
				return nil, err
			}
			if (p.Enabled == nil || *p.Enabled) && !people.IsExternal(p.UserPrincipalName) {
				found = append(found, *p)
			}
		}
	}
	slices.SortFunc(found, func(a, b aad.User) int {
		return strings.Compare(strings.ToLower(a.UserPrincipalName), strings.ToLower(b.UserPrincipalName))
	})
	return found, nil
}

// judgeJumpCloud lets a federation with JumpCloud come back only through every
// gate of Federate: the application must stand, sign with the certificate of the
// configuration, and let in everybody who can sign in now.
func (u *undoing) judgeJumpCloud(ctx context.Context, s *undoStep, ps *findings) error {
	t := u.target(s)
	anew := "run Federate, which makes a federation that works, instead of this Revert"
	var app *jumpcloud.Application
	for _, a := range u.sight.st.apps {
		if a.IdPEntityID != t.IssuerURI || a.SSOURL != t.PassiveSignInURI || u.gone(a.ID) {
			continue
		}
		if own, err := a.Certificate(); app == nil || err == nil && (own == t.SigningCertificate || own == t.NextSigningCertificate) {
			app = a
		}
	}
	if app == nil {
		ps.refuse(CodeRevertNothing, u.p.Domain, "JumpCloud has no application with the entity ID "+t.IssuerURI+" at "+t.PassiveSignInURI+
			" any more, so the federation that the run ended cannot come back", anew)
		return nil
	}
	if own, err := app.Certificate(); err != nil || own != t.SigningCertificate && own != t.NextSigningCertificate {
		ps.refuse(CodeRevertNothing, u.p.Domain,
			"JumpCloud has no application that signs with the certificate "+t.SigningCertificate.Thumbprint()+
				" of the configuration that the run ended", anew)
		return nil
	}
	p, err := u.planOf(ctx, app, t)
	if err != nil {
		return err
	}
	st, err := u.f.observe(ctx, p, observation{}, partAll)
	if err != nil {
		return err
	}
	*ps = append(*ps, st.inspectAll(p, u.f.now())...)
	gates, _, err := u.f.check(ctx, p, &st, true)
	if err != nil {
		return err
	}
	*ps = append(*ps, gates...)
	return nil
}

// planOf is the plan by which a federation that comes back is judged: its
// application, with every group that will be bound to it then.
func (u *undoing) planOf(ctx context.Context, app *jumpcloud.Application, t *aad.Federation) (Plan, error) {
	p := u.p
	p.BrandName, p.SignOutURL, p.MFA = t.DisplayName, t.SignOutURI, t.MFA
	p.Application = Application{ID: app.ID, Template: cmp.Or(p.Application.Template, DefaultTemplate), IdPEntityID: app.IdPEntityID}
	p.Groups, p.TechnicalAccount, p.DefaultDomain = nil, TechnicalAccount{}, ""
	p.Directory = Directory{ID: p.Directory.ID, Name: p.Directory.Name}
	ids, err := u.f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID})
	if err != nil {
		return p, err
	}
	dir := make(map[string]bool)
	for _, s := range u.steps {
		switch c := s.Change; {
		case c.Action != Add || s.why != "":
		case c.bindsApplication() && c.Parent == app.ID:
			ids[c.Target] = true
		case c.bindsDirectory():
			dir[c.Target] = true
		}
	}
	for id := range ids {
		g, err := u.f.jc.Group(ctx, id)
		if errors.Is(err, jumpcloud.ErrNotFound) {
			continue
		}
		if err != nil {
			return p, err
		}
		p.Groups = append(p.Groups, Group{Name: g.Name, ID: g.ID})
		if dir[id] {
			p.Directory.Groups = append(p.Directory.Groups, g.Name)
		}
	}
	slices.SortFunc(p.Groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// judgeOtherProvider lets another provider's federation come back if its
// certificate is in date. Nobody here can see what that provider knows of people;
// who has no immutable ID it cannot name to Azure AD.
func (u *undoing) judgeOtherProvider(ctx context.Context, s *undoStep, ps *findings) error {
	t := u.target(s)
	name := provider(t.IssuerURI, t.PassiveSignInURI)
	switch {
	case t.SigningCertificate.IsZero():
		ps.refuse(CodeRevertNothing, u.p.Domain, "the certificate of "+name+" in the report cannot be read",
			"set the federation up anew from "+name)
		return nil
	case inDate(t.SigningCertificate, u.f.now()) != "" &&
		(t.NextSigningCertificate.IsZero() || inDate(t.NextSigningCertificate, u.f.now()) != ""):
		ps.refuse(CodeRevertNothing, u.p.Domain,
			"the certificate "+t.SigningCertificate.Thumbprint()+" of "+name+" "+inDate(t.SigningCertificate, u.f.now()),
			"set the federation up anew from "+name)
		return nil
	}
	ps.warn(CodeOtherProvider, u.p.Domain,
		u.p.Domain+" is federated with "+name+" again; whether people can sign in there cannot be checked from here",
		"make sure with its administrator first")
	accounts, err := u.f.accounts(ctx, u.p.Domain, "onPremisesImmutableId")
	if err != nil {
		return err
	}
	managed := !u.sight.st.federated(u.p.Domain)
	var bad, told []string
	ids := make(map[string]string, len(accounts))
	for _, p := range accounts {
		ids[p.UserPrincipalName] = p.ID
		switch {
		case p.ImmutableID != "":
		case managed:
			bad = append(bad, p.UserPrincipalName)
		default:
			told = append(told, p.UserPrincipalName)
		}
	}
	bad, accepted := u.p.Consent.LockOut.covers(bad)
	const why = " no immutable ID, by which Azure AD finds people who come from another provider"
	loses := func(upn, will, repair string, consented bool) {
		f := ps.refuse(CodeLockOut, upn, upn+will+" be locked out: the account has"+why, repair)
		f.unless("lockOut.people", consented)
		f.People = []PersonFinding{{
			Code: CodePersonNoImmutableID, Severity: Refusal, LockedOut: true, UserPrincipalName: people.Fold(upn), AzureADID: ids[upn],
			Evidence: "the account has" + why, Repair: "give the account its immutable ID",
		}}
	}
	for _, upn := range bad {
		loses(upn, " would", "give the account its immutable ID, or name it in consent.lockOut.people", false)
	}
	for _, upn := range accepted {
		loses(upn, " will", "", true)
	}
	for _, upn := range told {
		ps.warn(CodeLockOut, upn,
			upn+" cannot sign in, before or after: the account has"+why, "")
	}
	return nil
}

// covers divides people into those whom the consent does not cover and those
// whom it does.
func (c LockOut) covers(upns []string) (bad, accepted []string) {
	for _, upn := range upns {
		if slices.ContainsFunc(c.People, func(p string) bool { return strings.EqualFold(p, upn) }) {
			accepted = append(accepted, upn)
		} else {
			bad = append(bad, upn)
		}
	}
	if len(bad) > c.AtMost {
		return bad, accepted
	}
	return nil, append(accepted, bad...)
}

// stillStanding looks at everything that sign-in needs, right before a
// federation with JumpCloud comes back.
func (u *undoing) stillStanding(ctx context.Context, s *undoStep) (why string, err error) {
	if !u.bringsJumpCloud(s) {
		return "", nil
	}
	t := u.target(s)
	for n := 1; ; n++ {
		why, err = u.missing(ctx, t)
		switch {
		case err == nil && why == "", err != nil && !temporary(err):
			return "", err
		case n == differsLooks && err != nil:
			return "", err
		case n == differsLooks:
			return why + ": run Federate instead", nil
		}
		if err := sleep(ctx, backoff(n)); err != nil {
			return "", err
		}
	}
}

func (u *undoing) missing(ctx context.Context, t *aad.Federation) (string, error) {
	p := u.p
	p.Application.IdPEntityID = t.IssuerURI
	for _, a := range u.sight.st.apps {
		if a.IdPEntityID == t.IssuerURI && a.SSOURL == t.PassiveSignInURI {
			p.Application.ID = a.ID
		}
	}
	a, err := u.f.jc.Application(ctx, p.Application.ID)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		return "the application " + p.Application.ID + " is gone", nil
	case err != nil:
		return "", err
	case !a.Active:
		return "the application " + quote(a.DisplayLabel) + " is not active", nil
	}
	m, err := u.f.jc.Metadata(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return "", err
	}
	own, err := signingCert(a, m)
	if err != nil {
		return err.Error(), nil
	}
	if own != t.SigningCertificate && own != t.NextSigningCertificate {
		return "JumpCloud signs with " + own.Thumbprint() + ", not with a certificate of the configuration", nil
	}
	bound, err := u.f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: a.ID})
	if err != nil {
		return "", err
	}
	for _, s := range u.steps {
		if c := s.Change; c.bindsApplication() && c.Action == Add && c.Parent == a.ID && s.why == "" && !bound[c.Target] {
			return "the group " + c.Target + " is not bound to the application", nil
		}
	}
	return "", nil
}
