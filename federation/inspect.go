package federation

import (
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
	State   State     `json:"state"`
	Meaning string    `json:"meaning"`
	Next    string    `json:"next"`
	Checked time.Time `json:"checked"`
	// Provider names who people sign in with, if the domain is federated.
	Provider string `json:"provider,omitempty"`
	// Applications are the JumpCloud applications that carry the domain's
	// entity ID, as "label (ID)".
	Applications []string        `json:"applications,omitempty"`
	Federation   *aad.Federation `json:"federation,omitempty"`
	// Signer is the certificate that JumpCloud's application signs with, if
	// there is one application.
	Signer   certs.Cert `json:"signer,omitzero"`
	Findings []Finding  `json:"findings,omitempty"`
}

// String is the status for people.
func (s *Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n  %s\n", s.Domain, s.State, s.Meaning)
	if s.Provider != "" {
		fmt.Fprintf(&b, "  identity provider: %s\n", s.Provider)
	}
	if s.Federation != nil {
		fmt.Fprintf(&b, "  issuer: %s\n  sign-in: %s\n", s.Federation.IssuerURI, s.Federation.PassiveSignInURI)
		fmt.Fprintf(&b, "  accepts: %s\n",
			Field{Name: fieldCertificate}.show(rawCertificate(s.Federation.SigningCertificate, s.Federation.RawSigningCertificate)))
		if next := rawCertificate(s.Federation.NextSigningCertificate, s.Federation.RawNextSigningCertificate); next != "" {
			fmt.Fprintf(&b, "  also accepts: %s\n", showCertificate(next))
		}
	}
	for _, a := range s.Applications {
		fmt.Fprintf(&b, "  application: %s\n", a)
	}
	if !s.Signer.IsZero() {
		fmt.Fprintf(&b, "  JumpCloud signs with: %s\n", showCertificate(s.Signer.Base64()))
	}
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "  %s: %s\n", f.Severity, f)
	}
	fmt.Fprintf(&b, "  next: %s\n", s.Next)
	return b.String()
}

// Inspect names the state that a domain is in and the safe next step, without
// a plan: what the domain is federated with decides which application is
// looked for. It only reads.
func (f *Federator) Inspect(ctx context.Context, domain string) (*Status, error) {
	name := domainName(domain)
	if reason := checkDomain(name); reason != "" {
		var ps findings
		ps.refuse(CodePlanDomain, name, "the domain "+quote(name)+" "+reason, "give it as Azure AD lists it, such as example.com")
		return nil, ps.err()
	}
	f.emit(ctx, Event{Phase: PhaseObserve, Domain: name, Text: "inspecting"})
	p := Plan{Domain: name, Application: Application{Template: DefaultTemplate, IdPEntityID: entityIDPrefix + name}}
	st, err := f.observe(ctx, p, observation{}, partDomains)
	if err != nil {
		return nil, reading(PhaseObserve, err)
	}
	if d := st.domain(name); d != nil && d.IsRoot && st.federated(name) {
		if st, err = f.observe(ctx, p, st, partFederation); err != nil {
			return nil, reading(PhaseObserve, err)
		}
	}
	known := false // what provider, by its URLs
	if st.fed != nil {
		// The domain's own values are the plan, so that nothing but the
		// application and the certificates is judged.
		p.Application.IdPEntityID = st.fed.IssuerURI
		p.BrandName, p.SignOutURL, p.MFA = st.fed.DisplayName, st.fed.SignOutURI, st.fed.MFA
		known = provider(st.fed.IssuerURI, st.fed.PassiveSignInURI) == "JumpCloud"
	}
	if st, err = f.observe(ctx, p, st, partApplications|partMetadata); err != nil {
		return nil, reading(PhaseObserve, err)
	}
	s := &Status{Domain: name, State: st.classify(p), Checked: f.now(), Federation: st.fed}
	if s.State == StateOrphaned && !known {
		s.State = StateForeign // its own issuer is no sign that it is ours
	}
	s.Meaning, s.Next = s.State.Meaning(), s.State.Next()
	if s.State == StateInherits {
		s.Meaning += " " + st.rootOf(name)
	}
	if st.fed != nil {
		s.Provider = provider(st.fed.IssuerURI, st.fed.PassiveSignInURI)
	}
	for _, a := range st.apps {
		s.Applications = append(s.Applications, st.nameApplication(a))
	}
	if own, err := st.cert(p); err == nil {
		s.Signer = own
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
	if d := st.domain(name); d != nil {
		inspectDeletion(&ps, d)
	}
	if st.fed != nil && st.app(p) != nil && st.fed.IssuerURI != entityIDPrefix+name {
		ps.info(CodeDomainOwn, name,
			"the issuer "+st.fed.IssuerURI+" is not the one that a plan has by default",
			"set application.idpEntityID to "+quote(st.fed.IssuerURI)+" in a plan for "+name)
	}
	s.Findings = ps
	return s, nil
}
