package federation

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Field names that hold a certificate as base64.
const (
	fieldCertificate     = "signingCertificate"
	fieldNextCertificate = "nextSigningCertificate"
)

// wanted is the federation configuration that the plan asks for. Values of an
// application that does not exist yet are Later, its certificate is zero.
func (p Plan) wanted(st *observation) (w aad.Federation, cert string) {
	w = aad.Federation{
		DisplayName:      p.BrandName,
		IssuerURI:        p.Application.IdPEntityID,
		PassiveSignInURI: p.loginURL(st.template),
		SignOutURI:       p.SignOutURL,
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

func diffFederation(cs Changes, p Plan, st *observation) Changes {
	if st.app(p) == nil && len(st.apps) > 0 {
		return cs
	}
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
	if have == nil {
		return append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Create, Fields: []Field{
			{Name: "displayName", New: w.DisplayName},
			{Name: "issuerUri", New: w.IssuerURI},
			{Name: "passiveSignInUri", New: w.PassiveSignInURI},
			{Name: "activeSignInUri", New: w.ActiveSignInURI},
			{Name: "signOutUri", New: w.SignOutURI},
			{Name: "preferredAuthenticationProtocol", New: string(w.Protocol)},
			{Name: "federatedIdpMfaBehavior", New: string(w.MFA)},
			{Name: fieldCertificate, New: cert},
		}})
	}
	var fs []Field
	set := func(name, old, new string) {
		if old != new {
			fs = append(fs, Field{Name: name, Old: old, New: new})
		}
	}
	set("displayName", have.DisplayName, w.DisplayName)
	set("issuerUri", have.IssuerURI, w.IssuerURI)
	set("passiveSignInUri", have.PassiveSignInURI, w.PassiveSignInURI)
	// Old clients send passwords there. That there is none is fine, and so is
	// another path; somebody else's host is not.
	if have.ActiveSignInURI != "" && (have.PassiveSignInURI != w.PassiveSignInURI || hostOf(have.ActiveSignInURI) != hostOf(w.ActiveSignInURI)) {
		set("activeSignInUri", have.ActiveSignInURI, w.ActiveSignInURI)
	}
	set("signOutUri", have.SignOutURI, w.SignOutURI)
	set("preferredAuthenticationProtocol", string(have.Protocol), string(w.Protocol))
	set("federatedIdpMfaBehavior", string(have.MFA), string(w.MFA))
	set(fieldCertificate, rawCertificate(have.SigningCertificate, have.RawSigningCertificate), cert)
	next := rawCertificate(have.NextSigningCertificate, have.RawNextSigningCertificate)
	if next != "" && next != cert && (p.Consent.RemoveNextCertificate || p.Consent.TakeOver && !ours(p, st)) {
		set(fieldNextCertificate, next, "")
	}
	if fs != nil {
		cs = append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Update, Target: have.ID, Fields: fs})
	}
	return cs
}

// rawCertificate is the canonical base64 of a certificate, or whatever stands
// in its place.
func rawCertificate(c certs.Cert, raw string) string {
	if c.IsZero() {
		return raw
	}
	return c.Base64()
}

// inspectCertificates judges the certificate that is to be written, and those
// that Azure AD holds.
func inspectCertificates(ps *problems, p Plan, st *observation, now time.Time) {
	if st.app(p) != nil {
		own, err := st.cert(p)
		if err != nil {
			ps.add(CodeCertificateMismatch, p.Application.IdPEntityID, err.Error(), "wait a minute and try again; if it stays so, look at the application in JumpCloud's console")
		} else {
			checkCertificate(ps, p, own, now)
		}
	}
	if st.fed == nil || !ours(p, st) {
		return
	}
	if classifyOurs(p, st) == StateUnknownNext {
		shown := showCertificate(rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate))
		*ps = append(*ps, Finding{
			Code: CodeNextCertificate, Severity: Alarm, Subject: p.Domain,
			Message:   "beside JumpCloud's, Azure AD accepts another certificate for " + p.Domain + ": " + shown + "; whoever has its key can sign in as anybody",
			Repair:    "find out who set it; set consent.removeNextCertificate to have it removed",
			Consent:   "removeNextCertificate",
			Consented: p.Consent.RemoveNextCertificate,
		})
	}
}

func (r *run) sendFederation(ctx context.Context, plan Plan, c Change) (string, error) {
	w, _ := plan.wanted(&r.st)
	if c.Action == Create {
		fed, err := r.f.ad.CreateFederation(ctx, plan.Domain, w)
		if err != nil {
			return "", err
		}
		return fed.ID, nil
	}
	u, err := federationUpdate(c.Fields)
	if err != nil {
		return "", err
	}
	_, err = r.f.ad.UpdateFederation(ctx, plan.Domain, c.Target, u)
	return "", err
}

// federationUpdate turns the fields of a change into what is to be written.
func federationUpdate(fs []Field) (u aad.FederationUpdate, err error) {
	for _, f := range fs {
		v := f.New
		switch f.Name {
		case "displayName":
			u.DisplayName = &v
		case "issuerUri":
			u.IssuerURI = &v
		case "passiveSignInUri":
			u.PassiveSignInURI = &v
		case "activeSignInUri":
			u.ActiveSignInURI = &v
		case "signOutUri":
			u.SignOutURI = &v
		case "preferredAuthenticationProtocol":
			p := aad.Protocol(v)
			u.Protocol = &p
		case "federatedIdpMfaBehavior":
			m := aad.MFABehavior(v)
			u.MFA = &m
		case fieldCertificate, fieldNextCertificate:
			var cert certs.Cert
			if v != "" {
				if cert, err = certs.ParseOne([]byte(v)); err != nil {
					return u, err
				}
			}
			if f.Name == fieldCertificate {
				u.SigningCertificate = &cert
			} else {
				u.NextSigningCertificate = &cert // zero: cleared
			}
		}
	}
	return u, nil
}

// federationField is the present value of a field, as diff writes it.
func federationField(fed *aad.Federation, name string) string {
	switch name {
	case "displayName":
		return fed.DisplayName
	case "issuerUri":
		return fed.IssuerURI
	case "passiveSignInUri":
		return fed.PassiveSignInURI
	case "activeSignInUri":
		return fed.ActiveSignInURI
	case "signOutUri":
		return fed.SignOutURI
	case "preferredAuthenticationProtocol":
		return string(fed.Protocol)
	case "federatedIdpMfaBehavior":
		return string(fed.MFA)
	case fieldCertificate:
		return rawCertificate(fed.SigningCertificate, fed.RawSigningCertificate)
	case fieldNextCertificate:
		return rawCertificate(fed.NextSigningCertificate, fed.RawNextSigningCertificate)
	}
	return ""
}

func (f *Federator) federationStands(ctx context.Context, s Step) (standing, string, error) {
	c := s.Change
	d, err := f.ad.Domain(ctx, c.Name)
	if err != nil {
		return differs, "", err
	}
	fed, err := f.ad.Federation(ctx, c.Name)
	if err != nil && !errors.Is(err, aad.ErrNotFederated) {
		return differs, "", err
	}
	managed := !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
	switch c.Action {
	case Delete: // the step made it
		switch {
		case managed:
			return undone, "", nil
		case fed == nil:
			return asLeft, "", nil // a creation that came half through
		}
	case Create: // the step took it away
		if managed || fed == nil {
			return f.backupFits(ctx, s)
		}
		if s.Backup != nil && fed.IssuerURI == s.Backup.IssuerURI && fed.SigningCertificate == s.Backup.SigningCertificate {
			return undone, "", nil
		}
		return differs, c.Name + " is federated with " + provider(fed.IssuerURI, fed.PassiveSignInURI), nil
	default:
		if fed == nil {
			return differs, c.Name + " has no federation configuration any more", nil
		}
	}
	return fieldsStand(c.Fields, func(name string) string { return federationField(fed, name) })
}

// backupFits reports whether a configuration may be brought back: JumpCloud
// must still have the application, with the certificate that it names. That of
// another provider is for its owner to judge.
func (f *Federator) backupFits(ctx context.Context, s Step) (standing, string, error) {
	b := s.Backup
	if b == nil {
		return differs, "the report holds no backup of the configuration", nil
	}
	p := Plan{Domain: s.Change.Name, Application: Application{Template: DefaultTemplate, IdPEntityID: b.IssuerURI}}
	st, err := f.observe(ctx, p, observation{}, partApplications)
	if err != nil {
		return differs, "", err
	}
	if len(st.apps) == 0 && provider(b.IssuerURI, b.PassiveSignInURI) != "JumpCloud" {
		return asLeft, "", nil
	}
	for _, a := range st.apps {
		if c, err := a.Certificate(); err == nil && c == b.SigningCertificate {
			return asLeft, "", nil
		}
	}
	return differs, "JumpCloud has no application that signs with the certificate " + b.SigningCertificate.Thumbprint() + " of the configuration", nil
}

func (f *Federator) undoFederation(ctx context.Context, s Step) error {
	c := s.Change
	switch c.Action {
	case Create:
		if s.Backup == nil {
			return errors.New("the report holds no backup of the configuration")
		}
		back := *s.Backup
		back.ID = ""
		_, err := f.ad.CreateFederation(ctx, c.Name, back)
		if errors.Is(err, aad.ErrAlreadyFederated) {
			return nil
		}
		return err
	case Delete:
		return f.unfederate(ctx, c.Name)
	}
	fed, err := f.ad.Federation(ctx, c.Name)
	if err != nil {
		return err
	}
	u, err := federationUpdate(c.Fields)
	if err != nil {
		return err
	}
	_, err = f.ad.UpdateFederation(ctx, c.Name, fed.ID, u)
	return err
}

// unfederate makes a domain managed: by deleting the configuration, or, where
// that cannot be read, by setting the domain to Managed.
func (f *Federator) unfederate(ctx context.Context, domain string) error {
	fed, err := f.ad.Federation(ctx, domain)
	switch {
	case errors.Is(err, aad.ErrNotFederated):
		return f.ad.SetManaged(ctx, domain)
	case err != nil:
		return err
	}
	return f.ad.DeleteFederation(ctx, domain, fed.ID)
}
