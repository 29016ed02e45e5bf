package federation

import (
	"fmt"
	"slices"
)

// stranger tells of a second certificate that nobody here knows.
func (r *rotating) stranger(s *standingCerts) {
	shown := showCertificate(rawCertificate(r.see.st.fed.NextSigningCertificate, r.see.st.fed.RawNextSigningCertificate))
	what := "find out who set it, in Azure AD's audit log under Set federation settings on domain; " +
		"set consent.removeNextCertificate in the rotation's plan to have it removed"
	if s.odd1 {
		shown = "(what is no certificate, as the first one)"
	}
	message := "beside JumpCloud's, Azure AD accepts another certificate for " + r.rot.Domain + ": " + shown +
		"; whoever has its key can sign in as anybody"
	if l := r.given; l != nil && l.New.is(s.e2) {
		message = "the second certificate that Azure AD accepts for " + r.rot.Domain + " is the one that this rotation has made, " + shown +
			", and its key is not in the store any more"
		what = "bring the stored key back; or set consent.removeNextCertificate in the rotation's plan, and another pair is made"
	}
	r.alarm(CodeNextCertificate, r.rot.Domain, message, what)
}

func (r *rotating) alarm(c Code, subject, message, repair string) {
	var ps findings
	ps.alarm(c, subject, message, repair)
	r.note(ps)
}

func (r *rotating) warn(c Code, subject, message, repair string) {
	var ps findings
	ps.warn(c, subject, message, repair)
	r.note(ps)
}

// note files findings, each once.
func (r *rotating) note(fs []Finding) {
	for _, f := range fs {
		same := func(g Finding) bool { return g.Code == f.Code && g.Message == f.Message }
		if !slices.ContainsFunc(r.rot.Findings, same) {
			r.rot.Findings = append(r.rot.Findings, f)
		}
	}
}

// nextText says what the next call will do.
func (r *rotating) nextText(step rotateStep) string {
	rot := r.rot
	switch step {
	case stepPublish, stepBegin:
		return "make Azure AD accept a new certificate as well"
	case stepSwitch:
		return "look again whether Azure AD accepts the certificate " + rot.New.Thumbprint + ", and have JumpCloud sign with it"
	case stepSwap:
		return fmt.Sprintf("make %s the first certificate in Azure AD, and the one before, %s, the second", rot.New.Thumbprint,
			rot.Old.Thumbprint)
	case stepRetire:
		return "have Azure AD accept the certificate " + rot.Old.Thumbprint + " no more"
	case stepMend:
		return "have Azure AD accept what JumpCloud signs with"
	}
	return "nothing, until a person has looked at the second certificate: see the findings"
}
