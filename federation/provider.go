package federation

import (
	"cmp"
	"net/url"
	"strings"
)

// provider names the identity provider behind a federation, as far as its
// issuer and sign-in URL tell.
func provider(issuer, signIn string) string {
	host, path := hostOf(signIn), ""
	if u, err := url.Parse(signIn); err == nil {
		path = strings.ToLower(u.Path)
	}
	ih := hostOf(issuer)
	for _, known := range []struct{ name, host, path string }{
		{"JumpCloud", "jumpcloud.com", ""},
		{"Okta", "okta.com", ""}, {"Okta", "oktapreview.com", ""}, {"Okta", "okta-emea.com", ""},
		{"GoDaddy", "godaddy.com", ""}, {"GoDaddy", "secureserver.net", ""},
		{"Google Workspace", "accounts.google.com", ""},
		{"OneLogin", "onelogin.com", ""},
		{"Duo", "duosecurity.com", ""},
		{"PingOne", "pingone.com", ""}, {"PingOne", "pingidentity.com", ""}, {"PingOne", "pingone.eu", ""},
		{"PingOne", "pingone.asia", ""}, {"PingOne", "pingone.ca", ""}, {"PingOne", "pingone.com.au", ""},
		{"Rippling", "rippling.com", ""},
		{"CyberArk Identity", "idaptive.app", ""}, {"CyberArk Identity", "centrify.com", ""},
		{"Auth0", "auth0.com", ""},
		{"VMware Workspace ONE", "vmwareidentity.com", ""}, {"VMware Workspace ONE", "workspaceoneaccess.com", ""},
		{"AD FS", "", "/adfs/"},
		{"Keycloak", "", "/realms/"},
		{"Shibboleth", "", "/idp/profile/"},
		{"PingFederate", "", "/idp/sso.saml2"}, {"PingFederate", "", "/idp/prp.wsf"},
		{"authentik", "", "/application/saml/"},
	} {
		// Providers are used under names of the company's own, which only the
		// issuer gives away. JumpCloud is not: who sends people elsewhere with
		// JumpCloud's issuer is somebody else.
		if known.host != "" && (within(host, known.host) || within(ih, known.host) && known.name != "JumpCloud") {
			return known.name
		}
		if known.path != "" && (strings.Contains(path, known.path) || strings.Contains(strings.ToLower(issuer), known.path)) {
			return known.name
		}
	}
	return cmp.Or(host, issuer, "an unknown provider")
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
