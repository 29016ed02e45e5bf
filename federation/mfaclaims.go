package federation

import (
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// CodeMFAClaim tells that JumpCloud is not known to say of a second factor what Azure AD
// would take, or says it of everybody.
const CodeMFAClaim Code = "mfa-claim"

// multipleAuthn is the only class by which Azure AD takes a second factor that a provider
// of SAML 2.0 has asked for. It does not read attributes.
const multipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn"

// inspectMFA tells, before it is enforced, that nothing shows JumpCloud to send what
// Azure AD enforces: whoever is asked for a second factor then goes round in a loop. It
// refuses nothing, as JumpCloud publishes the names of the settings and not their values,
// and whether a second factor is asked for at all is up to the tenant.
func (st *observation) inspectMFA(ps *findings, p Plan) {
	a := st.app(p)
	claims, everybody := false, false
	if a != nil {
		c := a.AuthnContext()
		single, mapped := strings.Contains(strings.ToLower(c.Mode), "single"), strings.Contains(strings.ToLower(c.Mode), "map")
		everybody = single && c.Single == multipleAuthn
		claims = !mapped && c.Single == multipleAuthn || !single && slices.Contains(c.Mapped, multipleAuthn)
	}
	if everybody && p.MFA != aad.RejectMFAByFederatedIdP {
		ps.warn(CodeMFAClaim, quote(a.DisplayLabel), "JumpCloud's application "+quote(a.DisplayLabel)+
			" says of everybody that a second factor was given (its singleAuthnContextValue is multipleauthn), "+
			"and Azure AD takes that for one, whether or not JumpCloud has asked for any",
			"map the class by what the person gave, in the application's authentication claims, "+
				"or have JumpCloud ask everybody for a second factor for this application")
	}
	standing := st.federated(p.Domain) && ours(p, st) && st.fed.MFA == p.MFA
	if p.MFA != aad.EnforceMFAByFederatedIdP || claims || standing {
		return
	}
	why := "and nothing in the settings of the application " + p.Application.IdPEntityID + " shows that it does (authClaimConfiguration)"
	if a == nil {
		why = "and an application that is yet to be made is not set to"
	}
	ps.warn(CodeMFAClaim, p.Domain, "mfa is enforceMfaByFederatedIdp, by which whoever is asked for a second factor gets in only "+
		"if JumpCloud sends the class multipleauthn, "+why+": until then they go round in a loop"+withMeaning(codeLoop),
		"set the application's authentication claims in JumpCloud's console to send "+multipleAuthn+
			" when a second factor was given, and have one person sign in on a test domain; or choose acceptIfMfaDoneByFederatedIdp")
}
