package federation

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// wanted is the federation configuration that the plan asks for. Values of an
// application that does not exist yet are Later, its certificate is zero.
func (p Plan) wanted(st *observation) (w aad.Federation, cert string) {
	w = aad.Federation{
		DisplayName:      p.BrandName,
		IssuerURI:        p.Application.IdPEntityID,
		PassiveSignInURI: p.loginURL(st.template),
		SignOutURI:       cmp.Or(p.SignOutURL, st.signOut),
		Protocol:         aad.SAML,
		MFA:              p.MFA,
	}
	if a := st.app(p); a != nil {
		w.PassiveSignInURI = a.SSOURL
	}
	// JumpCloud's own tool sets both sign-in URLs to the same value.
	w.ActiveSignInURI = w.PassiveSignInURI
	c, err := st.cert(p)
	if err != nil {
		return w, Later
	}
	w.SigningCertificate = c
	return w, c.Base64()
}

// ofFederation reports whether the change is about the federation of the domain.
func (c Change) ofFederation() bool { return c.Resource == ResFederation }

// federates reports whether the change federates the domain.
func (c Change) federates() bool { return c.ofFederation() && c.Action == Create }

// recovers reports whether the change makes a domain managed whose configuration
// cannot be read.
func (c Change) recovers() bool { return c.Resource == ResRecover }

// federating is the change that federates a domain.
func federating(domain string) Change {
	return Change{Resource: ResFederation, Name: domain, Action: Create}
}

// updating is a change of the configuration that a domain is federated with.
func updating(domain, id string) Change {
	return Change{Resource: ResFederation, Name: domain, Action: Update, Target: id}
}

// managing is the step that makes a domain managed, which had this configuration.
func managing(domain string, fed *aad.Federation) Step {
	s := Step{Change: federating(domain).inverse(), Backup: fed}
	if fed != nil {
		s.Change.Fields = inverse(backupFields(fed))
	}
	return s
}

func (st *observation) diffFederation(cs Changes, p Plan) Changes {
	w, cert := p.wanted(st)
	have := st.fed
	if !st.federated(p.Domain) {
		have = nil // one of the two answers is older than the other
	}
	if have == nil && p.Consent.Recover && st.federated(p.Domain) {
		cs = append(cs, Change{Resource: ResRecover, Name: p.Domain, Action: Update, Fields: []Field{
			{Name: "authenticationType", Old: string(aad.Federated), New: string(aad.Managed)},
		}})
	}
	want := func(f configField) string {
		if f.name == fieldCertificate {
			return cert
		}
		return f.get(&w)
	}
	rot := st.rotation(p)
	var fs []Field
	if have == nil {
		for _, f := range configFields {
			if v := want(f); v != "" {
				fs = append(fs, Field{Name: f.name, New: v})
			}
		}
		return append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Create, Fields: fs})
	}
	for _, f := range configFields {
		now, v := f.get(have), want(f)
		keeps := rot.mends && !st.anew && !rot.next.IsZero() && f.name == fieldNextCertificate
		if keeps {
			v = rot.next.Base64() // some of JumpCloud's nodes may still sign with it
		}
		switch {
		case now == v, rot.stays(p, st, f.name, now):
			continue
		case keeps:
		case f.name == fieldActiveSignIn && (now == "" || have.PassiveSignInURI == w.PassiveSignInURI && hostOf(now) == hostOf(v)):
			// Old clients send passwords there. That there is none is fine, and
			// so is another path; somebody else's host is not.
			continue
		case f.name == fieldNextCertificate && (now == cert || st.shows(p, have.NextSigningCertificate) ||
			rot.knows(have.NextSigningCertificate) || !st.kept.IsZero() && have.NextSigningCertificate == st.kept ||
			!p.Consent.RemoveNextCertificate && (!p.Consent.TakeOver || ours(p, st))):
			continue // JumpCloud's next one, or told by inspectCertificates
		case f.name == fieldSignOut && st.keepsSignOut(p):
			continue // told by inspectSignOut
		case leftover(f.name) && (st.stays[f.name] == now || harmless(f.name, now) && ours(p, st)):
			continue
		}
		fs = append(fs, Field{Name: f.name, Old: now, New: v})
	}
	if fs != nil {
		cs = append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Update, Target: have.ID, Fields: fs})
	}
	return cs
}

// inspectCertificates judges the certificate that is to be written, and those
// that Azure AD holds.
func (st *observation) inspectCertificates(ps *findings, p Plan, now time.Time) {
	if st.app(p) != nil {
		own, err := st.cert(p)
		rot := st.rotation(p)
		switch {
		case err != nil && rot.unsure:
			ps.warn(CodeCertificateMismatch, p.Application.IdPEntityID, err.Error()+"; Azure AD accepts both",
				"nothing, if a rotation is under way: one of the two places is late")
		case err != nil:
			ps.refuse(CodeCertificateMismatch, p.Application.IdPEntityID, err.Error(),
				"wait a minute and try again; if it stays so, look at the application in JumpCloud's console")
		default:
			checkCertificate(ps, p, own, now)
		}
	}
	if st.fed != nil && ours(p, st) {
		st.inspectRotation(ps, p)
	}
}

func (r *run) sendFederation(ctx context.Context, plan Plan, c Change) (id string, err error) {
	w, u, err := configuration(c.Fields)
	if err != nil {
		return "", err
	}
	r.trusted = append(r.trusted, w.SigningCertificate)
	if c.Action == Update && !w.NextSigningCertificate.IsZero() {
		r.st.kept = w.NextSigningCertificate
	}
	if c.Action == Create {
		err := r.f.switchOver(ctx, plan, r.st.elders(plan), func() error {
			fed, err := r.f.ad.CreateFederation(ctx, c.Name, w)
			if err == nil {
				id = fed.ID
			}
			return err
		})
		return id, err
	}
	return "", r.updateFederation(ctx, c, u)
}

// driftFederation tells each field of the configuration that was changed.
func (st *observation) driftFederation(p Plan, c Change, f Finding) []Finding {
	switch {
	case st.classify(p) != StateForeign && st.fed != nil:
	case !st.federated(p.Domain) && c.ofFederation():
		f.Message, f.Severity = c.Name+" is not federated: people sign in with Azure AD passwords", Alarm
		return []Finding{f}
	default:
		return nil // told by inspectDomain
	}
	var fs []Finding
	for _, field := range c.Fields {
		g := f
		g.Message = fmt.Sprintf("Azure AD has %s %s for %s, the plan says %s", field.Name, field.show(field.Old), c.Name, field.show(field.New))
		switch field.Name {
		case fieldNextCertificate:
			continue // told by inspectCertificates, or a part of the mend
		case fieldCertificate:
			g.Severity = Alarm
			g.Message = fmt.Sprintf("Azure AD expects the %s for %s, JumpCloud signs with the %s: nobody can sign in",
				field.show(field.Old), c.Name, field.show(field.New))
			if field.New == Later {
				g.Message = fmt.Sprintf("Azure AD expects the %s for %s, and JumpCloud shows none: nobody can sign in", field.show(field.Old), c.Name)
			}
		case fieldIssuer, fieldPassiveSignIn, fieldActiveSignIn, fieldProtocol:
			g.Severity = Alarm // sign-in is broken, or somebody else's
		}
		fs = append(fs, g)
	}
	return fs
}

func (c Change) federationCmdlets(b *bufio.Writer, s Step) {
	domain := psQuote(c.Name)
	// The ID of the configuration before the change is not that of another
	// one that was made later.
	id := "(Get-MgDomainFederationConfiguration -DomainId " + domain + ").Id"
	switch c.Action {
	case Delete:
		fmt.Fprintf(b, "Remove-MgDomainFederationConfiguration -DomainId %s -InternalDomainFederationId %s "+
			"# the domain is managed from then on\n", domain, id)
		return
	case Create:
		if len(c.Fields) == 0 && s.Backup != nil {
			c.Fields = backupFields(s.Backup)
		}
	}
	b.WriteString("$federation = @{\n    '@odata.type' = '#microsoft.graph.internalDomainFederation'\n")
	for _, f := range c.Fields {
		fmt.Fprintf(b, "    %s = %s\n", psQuote(f.Name), psValue(f))
	}
	b.WriteString("}\n")
	if c.Action == Create {
		fmt.Fprintf(b, "New-MgDomainFederationConfiguration -DomainId %s -BodyParameter $federation\n", domain)
		return
	}
	fmt.Fprintf(b, "Update-MgDomainFederationConfiguration -DomainId %s -InternalDomainFederationId %s -BodyParameter $federation\n",
		domain, id)
}

// updateFederation sends an update. If the service refuses it, and leftovers are
// to be cleared by it, it is sent without those: they are not worth a sign-in.
func (r *run) updateFederation(ctx context.Context, c Change, u aad.FederationUpdate) error {
	clears := slices.ContainsFunc(c.Fields, func(f Field) bool { return leftover(f.Name) })
	_, err := r.f.ad.UpdateFederation(ctx, c.Name, c.Target, u)
	if errors.Is(err, aad.ErrInvalid) && clears {
		r.st.keep(r.st.fed)
		u.MetadataExchangeURI, u.PromptLogin, u.SignedRequestsRequired = nil, nil, nil
		if u.IsZero() {
			return nil
		}
		_, err = r.f.ad.UpdateFederation(ctx, c.Name, c.Target, u)
	}
	if err == nil && clears {
		r.st.asked = time.Now()
	}
	return err
}
