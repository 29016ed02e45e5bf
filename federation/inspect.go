package federation

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Status is the state that a domain is in, and the safe next step.
type Status struct {
	Domain  string    `json:"domain"`
	State   State     `json:"state"` // "" if it is not known: see Error
	Meaning string    `json:"meaning"`
	Next    string    `json:"next"`
	Checked time.Time `json:"checked"`

	// Default says that new users are created in the domain.
	Default bool `json:"default,omitempty"`
	// Root is the root domain that a subdomain is below. In [StateInherits] it
	// decides how people sign in; otherwise the subdomain was promoted, and stands
	// for itself, or is not verified yet.
	Root string `json:"root,omitempty"`

	// Provider names who people sign in with, if the domain is federated: by
	// issuer and sign-in address, and by the name of the host if it is nobody
	// known. "JumpCloud" is an application of this organisation, "JumpCloud (own
	// tool)" one whose issuer is of the form that JumpCloud's own tool writes,
	// "JumpCloud (no application here)" another organisation's, or one that is
	// gone.
	Provider string `json:"provider,omitempty"`
	// MFA says whose multi-factor authentication counts, if the domain is
	// federated.
	MFA aad.MFABehavior `json:"mfa,omitempty"`
	// Expires and NextExpires are the ends of the two certificates that Azure AD
	// accepts, ApplicationExpires of the one that JumpCloud signs with. Zero: there
	// is none, or it cannot be read.
	Expires            time.Time `json:"expires,omitzero"`
	NextExpires        time.Time `json:"nextExpires,omitzero"`
	ApplicationExpires time.Time `json:"applicationExpires,omitzero"`
	// Administrators are the user principal names of the Global Administrators on
	// the domain, enabled or not, in order. Only [Federator.Overview] reads them.
	Administrators []string `json:"administrators,omitempty"`

	// Applications are the JumpCloud applications that carry the domain's
	// entity ID, as "label (ID)".
	Applications []string        `json:"applications,omitempty"`
	Federation   *aad.Federation `json:"federation,omitempty"`
	// Rotation is how far a rotation of the certificate has come, as far as that can be
	// known without a [Rotation]; "" if none shows. Next says what its next call does.
	Rotation RotationPhase `json:"rotation,omitempty"`
	// Signer is the certificate that JumpCloud's application signs with, if
	// there is one application.
	Signer   certs.Cert `json:"signer,omitzero"`
	Findings []Finding  `json:"findings,omitempty"`

	// Error says why something about this domain could not be read in an
	// [Federator.Overview]. What could be is told.
	Error string `json:"error,omitempty"`
}

// String is the status for people.
func (s *Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Domain, s.state())
	tell := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s%s\n", what, value)
		}
	}
	tell("", s.Meaning)
	tell("could not be read: ", plain(s.Error))
	tell("", s.place())
	tell("identity provider: ", plain(s.Provider))
	tell("multi-factor authentication: ", plain(string(s.MFA)))
	if s.Federation != nil {
		fmt.Fprintf(&b, "  issuer: %s\n  sign-in: %s\n", s.Federation.IssuerURI, s.Federation.PassiveSignInURI)
		fmt.Fprintf(&b, "  accepts: %s\n",
			Field{Name: fieldCertificate}.show(rawCertificate(s.Federation.SigningCertificate, s.Federation.RawSigningCertificate)))
		if next := rawCertificate(s.Federation.NextSigningCertificate, s.Federation.RawNextSigningCertificate); next != "" {
			fmt.Fprintf(&b, "  also accepts: %s\n", showCertificate(next))
		}
	}
	tell("rotation: ", string(s.Rotation))
	tell("administrators: ", plain(strings.Join(s.Administrators, ", ")))
	for _, a := range s.Applications {
		tell("application: ", a)
	}
	if !s.Signer.IsZero() {
		fmt.Fprintf(&b, "  JumpCloud signs with: %s\n", showCertificate(s.Signer.Base64()))
	}
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "  %s: %s\n", f.Severity, f)
	}
	tell("next: ", s.Next)
	return b.String()
}

// state is the state as it is shown.
func (s *Status) state() string { return cmp.Or(string(s.State), "not known") }

// place says what the domain is in its tenant, if that is remarkable.
func (s *Status) place() string {
	var is []string
	if s.Default {
		is = append(is, "the tenant's default domain")
	}
	if s.promoted() {
		is = append(is, "a subdomain of "+s.Root+" that was promoted, and stands for itself")
	}
	return strings.Join(is, "; ")
}

// promoted reports whether the domain is a subdomain that stands for itself.
func (s *Status) promoted() bool {
	return s.Root != "" && s.State != StateInherits && s.State != StateUnverified
}

// Inspect names the state that a domain is in and the safe next step, without
// a plan: what the domain is federated with decides which application is
// looked for. Of a rotation it names the phase. It only reads, [Options.Keys] as well
// where Azure AD has a second certificate.
func (f *Federator) Inspect(ctx context.Context, domain string) (*Status, error) {
	name := domainName(domain)
	if reason := checkDomain(name); reason != "" {
		var ps findings
		ps.refuse(CodePlanDomain, name, "the domain "+quote(name)+" "+reason, "give it as Azure AD lists it, such as example.com")
		return nil, ps.err()
	}
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: name, Text: "inspecting"})
	st, err := f.observe(ctx, Plan{Domain: name}, observation{}, partDomains)
	if err != nil {
		return nil, reading(PhaseObserve, err)
	}
	if d := st.domain(name); d != nil && d.IsRoot && st.federated(name) {
		if st, err = f.observe(ctx, Plan{Domain: name}, st, partFederation); err != nil {
			return nil, reading(PhaseObserve, err)
		}
	}
	p := st.ownPlan(name)
	if st, err = f.observe(ctx, p, st, partApplications|partMetadata); err != nil {
		return nil, reading(PhaseObserve, err)
	}
	return st.status(p, f.now()), nil
}

// ownPlan is a plan that wants what the domain has, so that nothing but the
// application and the certificates is judged by it.
func (st *observation) ownPlan(name string) Plan {
	p := Plan{Domain: name, Application: Application{Template: DefaultTemplate, IdPEntityID: entityIDPrefix + name}}
	if st.fed != nil {
		p.Application.IdPEntityID = st.fed.IssuerURI
		p.BrandName, p.SignOutURL, p.MFA = st.fed.DisplayName, st.fed.SignOutURI, st.fed.MFA
	}
	return p
}

// status tells what was observed about the domain of its own plan.
func (st *observation) status(p Plan, now time.Time) *Status {
	name := p.Domain
	s := &Status{Domain: name, State: st.classify(p), Checked: now}
	if s.State == StateOrphaned && !byJumpCloud(st.fed) {
		s.State = StateForeign // its own issuer is no sign that it is ours
	}
	s.Meaning, s.Next = s.State.Meaning(), s.State.Next()
	if s.State == StateInherits {
		s.Meaning += " " + st.rootOf(name)
	}
	st.fill(s)
	rot := st.rotation(p)
	for _, a := range st.apps {
		name := st.nameApplication(a)
		if a == rot.second {
			name += ", the other one of a rotation"
			if isSecondOf(a, st.app(p)) {
				name = strings.TrimSuffix(name, "other one of a rotation") + "rotation's second"
			}
		}
		s.Applications = append(s.Applications, name)
	}
	if s.Rotation = rot.phase; rot.told() {
		s.Next = rot.call()
	}
	if own, err := st.cert(p); err == nil {
		s.Signer, s.ApplicationExpires = own, ends(own)
	}
	var ps findings
	st.inspectDoubles(&ps, p)
	if s.State != StateForeign { // whose second certificate is none of our business
		st.inspectCertificates(&ps, p, s.Checked)
	}
	if s.State == StateDiffers {
		for _, c := range st.diffFederation(nil, p) {
			for _, field := range c.Fields {
				ps.warn(CodeDrift, name,
					fmt.Sprintf("Azure AD has %s %s, JumpCloud's application wants %s", field.Name, field.show(field.Old), field.show(field.New)), "")
			}
		}
	}
	if s.State == StateOrphaned {
		st.inspectNear(&ps, name)
	}
	if d := st.domain(name); d != nil {
		inspectDeletion(&ps, d)
	}
	if st.fed != nil && st.app(p) != nil && st.fed.IssuerURI != entityIDPrefix+name {
		ps.info(CodeDomainOwn, name,
			"the issuer "+st.fed.IssuerURI+" is not the one that a plan has by default",
			"set application.idpEntityID to "+quote(st.fed.IssuerURI)+" in a plan for "+name)
	}
	s.Findings = ps
	return s
}

// fill adds what the domain and its federation say by themselves.
func (st *observation) fill(s *Status) {
	if d := st.domain(s.Domain); d != nil {
		s.Default, s.Root = d.IsDefault, st.above(s.Domain)
	}
	if s.Federation = st.fed; st.fed != nil {
		s.Provider, s.MFA = st.provider(s.Domain), st.fed.MFA
		s.Expires, s.NextExpires = ends(st.fed.SigningCertificate), ends(st.fed.NextSigningCertificate)
	}
}

// ends is when a certificate ends; zero for none.
func ends(c certs.Cert) time.Time {
	if c.IsZero() {
		return time.Time{}
	}
	return c.X509().NotAfter.UTC()
}
