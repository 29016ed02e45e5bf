package federation

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// jumpCloud is what [Status.Provider] says of JumpCloud; the other two say more.
const (
	jumpCloud          = "JumpCloud"
	jumpCloudTool      = "JumpCloud (own tool)"
	jumpCloudElsewhere = "JumpCloud (no application here)"
)

// providers are the identity providers that are known by the host of their sign-in
// address or issuer, or, where companies host them under names of their own, by a
// path. Behind each stands where its form was seen; "metadata" is a SAML metadata
// document of the provider in public tests or set-up guides, "realm" what Azure AD's
// public sign-in realm answers for a company that uses it. Who is not listed is told
// by the host's name.
var providers = []struct{ name, host, path string }{
	{jumpCloud, "jumpcloud.com", ""},                         // the template office365: https://sso.jumpcloud.com/saml2/…, sso.eu and sso.in
	{"Okta", "okta.com", ""},                                 // metadata: issuer http://www.okta.com/exk…; realm: /app/office365/…
	{"Okta", "oktapreview.com", ""},                          // public lists of Okta's domains
	{"Okta", "okta-emea.com", ""},                            // the same
	{"Okta", "okta-gov.com", ""},                             // the same
	{"Okta", "", "/app/office365/"},                          // realm, host of the company's own: /app/office365/exk…/sso/wsfed/passive
	{"GoDaddy", "godaddy.com", ""},                           // https://sso.godaddy.com/?app=o365, where its Microsoft 365 customers sign in
	{"GoDaddy", "secureserver.net", ""},                      // its resellers: https://sso.secureserver.net/?app=o365
	{"Google Workspace", "accounts.google.com", ""},          // metadata: https://accounts.google.com/o/saml2/idp?idpid=…
	{"OneLogin", "onelogin.com", ""},                         // metadata: https://….onelogin.com/trust/saml2/http-post/sso/…
	{"Duo", "duosecurity.com", ""},                           // metadata: https://sso-….sso.duosecurity.com/saml2/sp/…/sso
	{"WatchGuard AuthPoint", "authpoint.watchguard.com", ""}, // https://usa.authpoint.watchguard.com sends its answers; the path is not known
	{"PingOne", "pingone.com", ""},                           // metadata: https://auth.pingone.com/…/saml20/idp/sso
	{"PingOne", "pingone.eu", ""},                            // the same in Europe
	{"PingOne", "pingone.asia", ""},                          // further regions of PingOne; not seen in a federation
	{"PingOne", "pingone.ca", ""},
	{"PingOne", "pingone.com.au", ""},
	{"PingOne", "pingidentity.com", ""},                    // its guides: https://sso.connect.pingidentity.com/sso/idp/SSO.saml2
	{"Rippling", "rippling.com", ""},                       // metadata: https://app.rippling.com/api/platform/sso/sp-initiated/…
	{"CyberArk Identity", "idaptive.app", ""},              // https://….my.idaptive.app, an older name that customers keep
	{"CyberArk Identity", "centrify.com", ""},              // metadata: https://….my.centrify.com/applogin/appKey/…
	{"CyberArk Identity", "id.cyberark.cloud", ""},         // https://….id.cyberark.cloud, in CyberArk's guides
	{"Auth0", "auth0.com", ""},                             // metadata: issuer urn:….auth0.com, https://….auth0.com/samlp/…
	{"Entrust Identity", "trustedauth.com", ""},            // Entrust's guide, itself at https://entrust.us.trustedauth.com
	{"VMware Workspace ONE", "vmwareidentity.com", ""},     // Microsoft's guide: https://….vmwareidentity.com/SAAS/API/1.0/…
	{"VMware Workspace ONE", "workspaceoneaccess.com", ""}, // the same guide
	{"VMware Workspace ONE", "", "/saas/api/1.0/"},         // the same guide, which has hosts of further regions
	{"AD FS", "", "/adfs/"},                                // realm: https://sts.…/adfs/ls/; issuer http://sts.…/adfs/services/trust/
	{"Keycloak", "", "/realms/"},                           // set-ups of domains: …/realms/…/protocol/saml, formerly behind /auth
	{"Shibboleth", "", "/idp/profile/"},                    // metadata: …/idp/profile/SAML2/POST/SSO
	{"Shibboleth", "", "/idp/shibboleth"},                  // metadata: the usual entity ID
	{"PingFederate", "", "/idp/sso.saml2"},                 // guides of its endpoints
	{"PingFederate", "", "/idp/prp.wsf"},                   // realm: https://federation.…/idp/prp.wsf
	{"authentik", "", "/application/saml/"},                // authentik's guide for Microsoft 365
	{"SecureAuth", "", "/secureauth"},                      // realm: https://idp.…/SecureAuth23/
	{"RSA SecurID Access", "", "/idpservlet"},              // realm: https://….…/IdPServlet?idp_id=…
	{"LemonLDAP::NG", "", "/saml/singlesignon"},            // its guide for Microsoft 365: /saml/singleSignOn
	{"WSO2 Identity Server", "", "/passivests"},            // its guide for Microsoft 365 by WS-Federation
}

// provider names the identity provider behind a federation, as far as its
// issuer and sign-in URL tell: one of the list, else the host.
func provider(issuer, signIn string) string {
	host, path := hostOf(signIn), ""
	if u, err := url.Parse(signIn); err == nil {
		path = strings.ToLower(u.Path)
	}
	ih := hostOf(issuer)
	for _, known := range providers {
		// Providers are used under names of the company's own, which only the
		// issuer gives away. JumpCloud is not: who sends people elsewhere with
		// JumpCloud's issuer is somebody else.
		if known.host != "" && (within(host, known.host) || within(ih, known.host) && known.name != jumpCloud) {
			return known.name
		}
		if known.path != "" && (strings.Contains(path, known.path) || strings.Contains(strings.ToLower(issuer), known.path)) {
			return known.name
		}
	}
	return cmp.Or(host, issuer, "an unknown provider")
}

// byJumpCloud reports whether people are sent to JumpCloud, by whomever.
func byJumpCloud(fed *aad.Federation) bool {
	return fed != nil && provider(fed.IssuerURI, fed.PassiveSignInURI) == jumpCloud
}

// provider names who people on a domain sign in with; "" if it is not known to be
// federated. Of JumpCloud's it says whether an application of this organisation
// answers, and whether the issuer is of the form that JumpCloud's own tool writes,
// which a plan has to be told.
func (st *observation) provider(domain string) string {
	switch fed := st.fed; {
	case fed == nil:
		return ""
	case !byJumpCloud(fed):
		return provider(fed.IssuerURI, fed.PassiveSignInURI)
	case len(st.apps) == 0 && len(st.likely()) == 0:
		return jumpCloudElsewhere
	case fed.IssuerURI != entityIDPrefix+domain && strings.EqualFold(bareIssuer(fed.IssuerURI), domain):
		return jumpCloudTool
	}
	return jumpCloud
}

func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
