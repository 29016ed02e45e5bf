package aadtest

import (
	"net/url"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

const multipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn"

// wsFedRequest is the address of the identity provider with a request of WS-Federation.
func (s *Server) wsFedRequest(a *attempt, f *aad.Federation, to *url.URL) string {
	params := [][2]string{
		{"client-request-id", a.correlation}, {"username", a.login}, {"wa", "wsignin1.0"}, {"wtrealm", "urn:federation:MicrosoftOnline"},
	}
	switch mfa := s.asksForMFA(a, f); {
	case mfa:
		params = append(params, [2]string{"wauth", multipleAuthn})
	case !a.fresh:
	case f.PromptLogin == aad.TranslateToFreshPasswordAuthentication:
		params = append(params, [2]string{"wauth", "urn:oasis:names:tc:SAML:1.0:am:password"}, [2]string{"wfresh", "0"})
	case f.PromptLogin == aad.NativeSupport:
		params = append(params, [2]string{"prompt", "login"})
	}
	params = append(params, [2]string{"wctx", "estsredirect=2&estsrequest=" + a.id})
	var b strings.Builder
	for _, p := range params {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0] + "=" + url.QueryEscape(p[1]))
	}
	return withQuery(to, b.String())
}

// withQuery returns an address with more in its query.
func withQuery(to *url.URL, query string) string {
	u := *to
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String()
}
