package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Names of fields of the federation configuration that are named elsewhere.
const (
	fieldIssuer          = "issuerUri"
	fieldPassiveSignIn   = "passiveSignInUri"
	fieldActiveSignIn    = "activeSignInUri"
	fieldProtocol        = "preferredAuthenticationProtocol"
	fieldSignOut         = "signOutUri"
	fieldCertificate     = "signingCertificate"     // as base64
	fieldNextCertificate = "nextSigningCertificate" // as base64
)

// A configField is one field of the federation configuration, under Graph's name.
type configField struct {
	name  string
	get   func(*aad.Federation) string                 // its value, as a [Field] has it
	set   func(*aad.Federation, string) error          // and back
	patch func(*aad.FederationUpdate, *aad.Federation) // takes the value over into an update
}

// configFields are the fields that are compared, written, restored and shown, in
// the order in which they are told.
var configFields = []configField{
	textField("displayName", func(f *aad.Federation) *string { return &f.DisplayName }, func(u *aad.FederationUpdate) **string { return &u.DisplayName }),
	textField(fieldIssuer, func(f *aad.Federation) *string { return &f.IssuerURI }, func(u *aad.FederationUpdate) **string { return &u.IssuerURI }),
	textField(fieldPassiveSignIn, func(f *aad.Federation) *string { return &f.PassiveSignInURI }, func(u *aad.FederationUpdate) **string { return &u.PassiveSignInURI }),
	textField(fieldActiveSignIn, func(f *aad.Federation) *string { return &f.ActiveSignInURI }, func(u *aad.FederationUpdate) **string { return &u.ActiveSignInURI }),
	textField(fieldSignOut, func(f *aad.Federation) *string { return &f.SignOutURI }, func(u *aad.FederationUpdate) **string { return &u.SignOutURI }),
	textField(fieldProtocol, func(f *aad.Federation) *aad.Protocol { return &f.Protocol }, func(u *aad.FederationUpdate) **aad.Protocol { return &u.Protocol }),
	textField("federatedIdpMfaBehavior", func(f *aad.Federation) *aad.MFABehavior { return &f.MFA }, func(u *aad.FederationUpdate) **aad.MFABehavior { return &u.MFA }),
	certificateField(fieldCertificate, func(f *aad.Federation) (*certs.Cert, *string) { return &f.SigningCertificate, &f.RawSigningCertificate },
		func(u *aad.FederationUpdate) **certs.Cert { return &u.SigningCertificate }),
	certificateField(fieldNextCertificate, func(f *aad.Federation) (*certs.Cert, *string) {
		return &f.NextSigningCertificate, &f.RawNextSigningCertificate
	},
		func(u *aad.FederationUpdate) **certs.Cert { return &u.NextSigningCertificate }),
	// What follows is never set by a plan, and cleared where a provider has left it.
	textField(fieldMetadataExchange, func(f *aad.Federation) *string { return &f.MetadataExchangeURI }, func(u *aad.FederationUpdate) **string { return &u.MetadataExchangeURI }),
	textField(fieldPromptLogin, func(f *aad.Federation) *aad.PromptLoginBehavior { return &f.PromptLogin },
		func(u *aad.FederationUpdate) **aad.PromptLoginBehavior { return &u.PromptLogin }),
	{
		name: fieldSignedRequests,
		get: func(f *aad.Federation) string {
			if f.SignedRequestsRequired != nil && *f.SignedRequestsRequired {
				return "true"
			}
			return "" // the service's default, which it says or leaves out
		},
		set:   func(f *aad.Federation, v string) error { f.SignedRequestsRequired = ptr(v == "true"); return nil },
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { u.SignedRequestsRequired = f.SignedRequestsRequired },
	},
}

func ptr[T any](v T) *T { return &v }

func textField[T ~string](name string, in func(*aad.Federation) *T, out func(*aad.FederationUpdate) **T) configField {
	return configField{
		name:  name,
		get:   func(f *aad.Federation) string { return string(*in(f)) },
		set:   func(f *aad.Federation, v string) error { *in(f) = T(v); return nil },
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { *out(u) = in(f) },
	}
}

func certificateField(name string, in func(*aad.Federation) (c *certs.Cert, raw *string), out func(*aad.FederationUpdate) **certs.Cert) configField {
	return configField{
		name: name,
		get: func(f *aad.Federation) string {
			c, raw := in(f)
			return rawCertificate(*c, *raw)
		},
		set: func(f *aad.Federation, v string) (err error) {
			c, _ := in(f)
			if *c = (certs.Cert{}); v != "" {
				*c, err = certs.ParseOne([]byte(v))
			}
			return err
		},
		patch: func(u *aad.FederationUpdate, f *aad.Federation) { *out(u), _ = in(f) }, // zero: cleared
	}
}

// federationField is the present value of a field, as diff writes it.
func federationField(fed *aad.Federation, name string) string {
	for _, f := range configFields {
		if f.name == name {
			return f.get(fed)
		}
	}
	return ""
}

// backupFields are the values that a whole configuration sets.
func backupFields(fed *aad.Federation) []Field {
	var fs []Field
	for _, f := range configFields {
		if v := f.get(fed); v != "" {
			fs = append(fs, Field{Name: f.name, New: v})
		}
	}
	return fs
}

// configuration turns the fields of a change into what is to be written, as a
// whole configuration and as an update of one.
func configuration(fs []Field) (w aad.Federation, u aad.FederationUpdate, err error) {
	for _, f := range fs {
		i := slices.IndexFunc(configFields, func(c configField) bool { return c.name == f.Name })
		if i < 0 {
			return w, u, fmt.Errorf("federation: no way to write the field %s", f.Name)
		}
		if err := configFields[i].set(&w, f.New); err != nil {
			return w, u, fmt.Errorf("federation: %s: %w", f.Name, err)
		}
		configFields[i].patch(&u, &w)
	}
	return w, u, nil
}

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

func diffFederation(cs Changes, p Plan, st *observation) Changes {
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
		switch {
		case now == v:
			continue
		case f.name == fieldActiveSignIn && (now == "" || have.PassiveSignInURI == w.PassiveSignInURI && hostOf(now) == hostOf(v)):
			// Old clients send passwords there. That there is none is fine, and
			// so is another path; somebody else's host is not.
			continue
		case f.name == fieldNextCertificate && (now == cert || st.shows(p, have.NextSigningCertificate) || !p.Consent.RemoveNextCertificate && (!p.Consent.TakeOver || ours(p, st))):
			continue // JumpCloud's next one, or told by inspect
		case f.name == fieldSignOut && keepsSignOut(p, st):
			continue // told by inspect
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
		severity := Alarm
		if p.Consent.RemoveNextCertificate {
			severity = Warning // somebody has looked, and it is to go
		}
		*ps = append(*ps, Finding{
			Code: CodeNextCertificate, Severity: severity, Subject: p.Domain,
			Message:   "beside JumpCloud's, Azure AD accepts another certificate for " + p.Domain + ": " + shown + "; whoever has its key can sign in as anybody",
			Repair:    "find out who set it; set consent.removeNextCertificate to have it removed",
			Consent:   "removeNextCertificate",
			Consented: p.Consent.RemoveNextCertificate,
		})
	}
}

func (r *run) sendFederation(ctx context.Context, plan Plan, c Change) (id string, err error) {
	w, u, err := configuration(c.Fields)
	if err != nil {
		return "", err
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

func (u *undoing) federationStands(ctx context.Context, s *undoStep) (standing, string, error) {
	c := s.Change
	d, fed, err := u.f.authentication(ctx, c.Name)
	if err != nil {
		return differs, "", err
	}
	managed := d == nil || !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
	switch c.Action {
	case Delete: // the step made it
		switch {
		case managed:
			return undone, "", nil
		case fed == nil:
			return asLeft, "", nil // a creation that came half through
		}
		return u.sameFederation(s, fed)
	case Create: // the step took it away
		switch b := s.Backup; {
		case b == nil:
			return differs, "the report holds no backup of the configuration", nil
		case d == nil:
			return differs, c.Name + " is not a domain of this tenant any more", nil
		case !managed && fed == nil:
			return differs, c.Name + " is federated, and its configuration cannot be read", nil
		case fed == nil:
			return asLeft, "", nil
		case fed.IssuerURI == b.IssuerURI && fed.PassiveSignInURI == b.PassiveSignInURI:
			return undone, "", nil
		default:
			return differs, c.Name + " is federated with " + provider(fed.IssuerURI, fed.PassiveSignInURI), nil
		}
	}
	if managed || fed == nil {
		return differs, c.Name + " has no federation configuration any more: run Federate if it is wanted", nil
	}
	if s.wrote(fieldIssuer) {
		if s.back(fed, fieldIssuer) && s.back(fed, fieldPassiveSignIn) {
			return undone, "", nil
		}
		return u.sameFederation(s, fed)
	}
	// Fields are judged one by one, see judgeFields.
	for _, f := range c.Fields {
		if f.Old == Later || federationField(fed, f.Name) != f.New {
			return asLeft, "", nil
		}
	}
	return undone, "", nil
}

// wrote reports whether the step changed the field.
func (s *undoStep) wrote(name string) bool {
	return slices.ContainsFunc(s.Change.Fields, func(f Field) bool { return f.Name == name })
}

// back reports whether a field is as it was before the step, or was never
// written by it.
func (s *undoStep) back(fed *aad.Federation, name string) bool {
	for _, f := range s.Change.Fields {
		if f.Name == name {
			return federationField(fed, name) == f.New
		}
	}
	return true
}

// sameFederation tells whether a federation is still the one that the step left:
// its issuer and its address decide. Other settings may have been changed since;
// another ID, or another application, shows a later run's.
func (u *undoing) sameFederation(s *undoStep, fed *aad.Federation) (standing, string, error) {
	for _, f := range s.Change.Fields {
		if f.Name != fieldIssuer && f.Name != fieldPassiveSignIn || f.Old == Later {
			continue
		}
		if now := federationField(fed, f.Name); now != f.Old {
			return differs, fmt.Sprintf("%s is federated with %s by now: %s is %s, the run left %s", s.Change.Name, provider(fed.IssuerURI, fed.PassiveSignInURI), f.Name, f.show(now), f.show(f.Old)), nil
		}
	}
	if s.Change.Action == Delete && s.ID != "" && fed.ID != "" && fed.ID != s.ID {
		return differs, s.Change.Name + " was federated anew after this run: the configuration " + s.ID + " that it made is gone, and " + fed.ID + " is a later run's", nil
	}
	return asLeft, "", nil
}

func (u *undoing) sendFederation(ctx context.Context, s *undoStep) error {
	c := s.Change
	switch c.Action {
	case Create:
		back := *s.Backup
		back.ID = ""
		err := u.f.switchOver(ctx, Plan{Domain: u.p.Domain, Consent: u.p.Consent}, nil, func() error {
			fed, err := u.f.ad.CreateFederation(ctx, c.Name, back)
			if err == nil {
				s.ID = fed.ID
			}
			return err
		})
		if errors.Is(err, aad.ErrAlreadyFederated) {
			return nil
		}
		return err
	case Delete:
		return u.unfederate(ctx, s)
	}
	fed, err := u.f.ad.Federation(ctx, c.Name)
	if err != nil {
		return err
	}
	_, up, err := configuration(c.Fields)
	if err != nil {
		return err
	}
	s.Backup = fed
	_, err = u.f.ad.UpdateFederation(ctx, c.Name, fed.ID, up)
	return err
}

// unfederate makes a domain managed: by deleting the configuration, or, where
// that cannot be read, by setting the domain to Managed.
func (u *undoing) unfederate(ctx context.Context, s *undoStep) error {
	fed, err := u.f.ad.Federation(ctx, s.Change.Name)
	switch {
	case errors.Is(err, aad.ErrNotFederated):
		return u.f.ad.SetManaged(ctx, s.Change.Name)
	case err != nil:
		return err
	}
	s.Backup = fed
	return u.f.ad.DeleteFederation(ctx, s.Change.Name, fed.ID)
}
