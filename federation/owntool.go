package federation

import (
	"slices"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// inspectOwnTool recognises a federation that JumpCloud's own tool has made, or an
// application of this organisation: it is to be adopted, not taken over, which
// would make a second application and break the first. It reports whether it is
// one.
func (st *observation) inspectOwnTool(ps *findings, p Plan) bool {
	issuer := st.fed.IssuerURI
	apps := st.likely()
	if len(apps) == 0 && !(strings.EqualFold(bareIssuer(issuer), p.Domain) && within(hostOf(st.fed.PassiveSignInURI), "jumpcloud.com")) {
		return false
	}
	message := p.Domain + " is federated with JumpCloud already, by JumpCloud's own tool or by hand: the issuer is " + issuer +
		", the plan's entity ID " + p.Application.IdPEntityID
	repair := "set application.idpEntityID to " + quote(issuer) + ", which adopts the application that people sign in through"
	names := make([]string, 0, len(apps))
	for _, a := range apps {
		names = append(names, quote(a.DisplayLabel)+" ("+a.ID+")")
	}
	switch {
	case len(apps) == 0:
		message += "; no application of this organisation carries that issuer"
		repair = "set application.idpEntityID to " + quote(issuer) +
			", and the application is made anew; if another JumpCloud organisation has it, people lose their sign-in there"
	case apps[0].IdPEntityID == issuer:
		message += ". The application is " + strings.Join(names, " or ")
	default:
		message += ". People are sent to the application " + strings.Join(names, " or ") + ", whose entity ID is " + quote(apps[0].IdPEntityID)
		repair = "give the application the entity ID " + quote(issuer) +
			" in JumpCloud's console, because Azure AD compares letter by letter; then set application.idpEntityID to it"
	}
	f := ps.refuse(CodeDomainOwn, p.Domain, message, repair)
	if p.Consent.TakeOver {
		f.unless("takeOver", true) // somebody insists on a second application
	}
	return true
}

// inspectNear tells which application people are sent to, if its entity ID is not the
// issuer that Azure AD expects: it is there, and nobody gets in through it.
func (st *observation) inspectNear(ps *findings, domain string) {
	for _, a := range st.likely() {
		ps.warn(CodeDomainOwn, domain, "people on "+domain+" are sent to the application "+quote(a.DisplayLabel)+" ("+a.ID+
			"), whose entity ID "+quote(a.IdPEntityID)+" is not the issuer "+quote(st.fed.IssuerURI)+" that Azure AD expects",
			"give the application the entity ID "+quote(st.fed.IssuerURI)+" in JumpCloud's console, because Azure AD compares letter by letter")
	}
}

// likely are the applications that the domain's federation may be with, the
// likeliest first: by the issuer letter by letter, by the issuer in other capitals
// or without its scheme, by the sign-in address.
func (st *observation) likely() []*jumpcloud.Application {
	for _, is := range []func(*jumpcloud.Application) bool{
		func(a *jumpcloud.Application) bool { return a.IdPEntityID == st.fed.IssuerURI },
		func(a *jumpcloud.Application) bool {
			return strings.EqualFold(bareIssuer(a.IdPEntityID), bareIssuer(st.fed.IssuerURI)) && sameEndpoint(a.SSOURL, st.fed.PassiveSignInURI)
		},
		func(a *jumpcloud.Application) bool {
			return a.SSOURL != "" && sameEndpoint(a.SSOURL, st.fed.PassiveSignInURI)
		},
	} {
		var found []*jumpcloud.Application
		for _, a := range st.others {
			if is(a) {
				found = append(found, a)
			}
		}
		if found != nil {
			slices.SortFunc(found, func(a, b *jumpcloud.Application) int { return strings.Compare(a.ID, b.ID) })
			return found
		}
	}
	return nil
}

// bareIssuer is an issuer without the beginnings that JumpCloud's tool knows.
func bareIssuer(s string) string {
	for _, prefix := range []string{"https://", entityIDPrefix} {
		if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
		}
	}
	return strings.TrimSuffix(s, "/")
}
