package federation

import "testing"

func TestProvider(t *testing.T) {
	for _, tt := range []struct{ name, issuer, signIn, want string }{
		{"ours", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com", "JumpCloud"},
		{"ours in Europe", "urn:uri:example.com", "https://sso.eu.jumpcloud.com/saml2/example-com", "JumpCloud"},
		{"JumpCloud by WS-Fed", "https://example.com", "https://sso.jumpcloud.com/wsfed/office365", "JumpCloud"},
		{"AD FS", "http://sts.corp.example/adfs/services/trust/", "https://sts.corp.example/adfs/ls/", "AD FS"},
		{"AD FS behind another name", "http://sts.corp.example/adfs/services/trust/", "https://login.corp.example/", "AD FS"},
		{"AD FS in capitals", "http://sts.corp.example/ADFS/services/trust", "https://sts.corp.example/ADFS/LS/", "AD FS"},
		{"Okta", "http://www.okta.com/exk1abc", "https://corp.okta.com/app/office365/exk1abc/sso/wsfed/passive", "Okta"},
		{"Okta preview", "exk1abc", "https://corp.oktapreview.com/app/office365/exk1abc/sso/wsfed/passive", "Okta"},
		{"Okta in Europe", "exk1abc", "https://corp.okta-emea.com/app/office365/exk1abc/sso/wsfed/passive", "Okta"},
		{"Okta with a domain of one's own", "http://www.okta.com/exk1abc", "https://login.corp.example/app/office365/exk1abc/sso/wsfed/passive", "Okta"},
		{"GoDaddy", "https://sso.godaddy.com/example.com", "https://sso.godaddy.com/v1/wsfederation?app=o365", "GoDaddy"},
		{"GoDaddy, former name", "urn:x", "https://sso.secureserver.net/?app=o365&realm=pass", "GoDaddy"},
		{"Google", "https://accounts.google.com/o/saml2?idpid=C01abc", "https://accounts.google.com/o/saml2/idp?idpid=C01abc", "Google Workspace"},
		{"OneLogin", "https://app.onelogin.com/saml/metadata/123", "https://corp.onelogin.com/trust/saml2/http-post/sso/123", "OneLogin"},
		{"Duo", "https://sso-abc.sso.duosecurity.com/saml2/sp/DI/metadata", "https://sso-abc.sso.duosecurity.com/saml2/sp/DI/sso", "Duo"},
		{"PingOne", "https://auth.pingone.com/1/abc", "https://auth.pingone.com/abc/saml20/idp/sso", "PingOne"},
		{"PingOne in Europe", "urn:x", "https://auth.pingone.eu/abc/saml20/idp/sso", "PingOne"},
		{"PingOne in Asia", "urn:x", "https://auth.pingone.asia/abc/saml20/idp/sso", "PingOne"},
		{"PingFederate", "PF-DEMO", "https://pf.corp.example:9031/idp/SSO.saml2", "PingFederate"},
		{"PingFederate by WS-Fed", "PF-DEMO", "https://pf.corp.example:9031/idp/prp.wsf", "PingFederate"},
		{"Keycloak", "https://id.corp.example/realms/corp", "https://id.corp.example/realms/corp/protocol/saml", "Keycloak"},
		{"Keycloak before 17", "https://id.corp.example/auth/realms/corp", "https://id.corp.example/auth/realms/corp/protocol/saml", "Keycloak"},
		{"Shibboleth", "https://idp.uni.example/idp/shibboleth", "https://idp.uni.example/idp/profile/SAML2/POST/SSO", "Shibboleth"},
		{"authentik", "authentik", "https://id.corp.example/application/saml/microsoft-365/sso/binding/redirect/", "authentik"},
		{"WatchGuard", "urn:x", "https://usa.authpoint.watchguard.com/saml/x", "WatchGuard AuthPoint"},
		{"Okta with a domain of one's own, of which only the realm tells", "", "https://login.corp.example/app/office365/exk1abc/sso/wsfed/passive?username=a%40b", "Okta"},
		{"SecureAuth", "urn:x", "https://idp.corp.example/SecureAuth23/", "SecureAuth"},
		{"RSA", "urn:x", "https://sso.corp.example/IdPServlet?idp_id=1", "RSA SecurID Access"},
		{"LemonLDAP::NG", "https://auth.corp.example/saml/metadata", "https://auth.corp.example/saml/singleSignOn", "LemonLDAP::NG"},
		{"WSO2", "urn:x", "https://is.corp.example/passivests", "WSO2 Identity Server"},
		{"PingOne for Enterprise", "urn:x", "https://sso.connect.pingidentity.com/sso/idp/SSO.saml2?idpid=1", "PingOne"},
		{"CyberArk, new name", "urn:x", "https://acme.id.cyberark.cloud/applogin/appKey/1", "CyberArk Identity"},
		{"Workspace ONE in another region", "urn:x", "https://corp.vmwareidentity.asia/SAAS/API/1.0/POST/sso", "VMware Workspace ONE"},
		{"Entrust", "urn:x", "https://corp.us.trustedauth.com/x", "Entrust Identity"},
		{"Shibboleth behind another name", "https://idp.uni.example/idp/shibboleth", "https://login.uni.example/x", "Shibboleth"},
		{"Auth0", "urn:corp.eu.auth0.com", "https://corp.eu.auth0.com/samlp/abc", "Auth0"},
		{"Rippling", "https://www.rippling.com/saml/abc", "https://app.rippling.com/api/platform/sso/sp-initiated/abc", "Rippling"},
		{"CyberArk", "https://aab1234.my.idaptive.app/abc", "https://aab1234.my.idaptive.app/applogin/appKey/abc", "CyberArk Identity"},
		{"Workspace ONE", "https://corp.vmwareidentity.com/SAAS/API/1.0/GET/metadata/idp.xml", "https://corp.vmwareidentity.com/SAAS/API/1.0/POST/sso", "VMware Workspace ONE"},
		{"unheard of", "urn:idp:corp", "https://login.corp.example/saml", "login.corp.example"},
		{"without a sign-in URL", "urn:idp:corp", "", "urn:idp:corp"},
		{"of nobody", "", "", "an unknown provider"},
		{"only the realm's URL", "", "https://corp.okta.com/app/office365/x?username=a%40b", "Okta"},
		// Who calls a host like a provider's is not the provider.
		{"the provider's name as a prefix", "urn:x", "https://okta.com.evil.example/saml", "okta.com.evil.example"},
		{"the provider's name as a suffix", "urn:x", "https://notokta.com/saml", "notokta.com"},
		{"JumpCloud's name in the path", "urn:x", "https://evil.example/sso.jumpcloud.com/saml2/x", "evil.example"},
		{"JumpCloud's name in the user part", "urn:x", "https://sso.jumpcloud.com@evil.example/saml2/x", "evil.example"},
		{"JumpCloud's name in the issuer alone", "https://sso.jumpcloud.com/saml2/x", "https://evil.example/saml", "evil.example"},
		{"no URL", "urn:x", "://", "urn:x"},
	} {
		if got := provider(tt.issuer, tt.signIn); got != tt.want {
			t.Errorf("%s: provider(%q, %q) = %q; want %q", tt.name, tt.issuer, tt.signIn, got, tt.want)
		}
	}
}
