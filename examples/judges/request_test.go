package judges_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/crewjam/saml"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

// azure is the stand-in of Azure AD, whose domain is federated.
func azure(signs, redirect, mfa bool) *aadtest.Server {
	s := &aadtest.Server{}
	s.AddDomain("example.com")
	s.AddUser(aad.User{UserPrincipalName: annUPN, DisplayName: "Ann", ImmutableID: annID})
	f := aad.Federation{IssuerURI: idpIssuer, PassiveSignInURI: entityOf + "?a=1&b=2", Protocol: aad.SAML,
		MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: pairs().current.Cert(), SignedRequestsRequired: &signs}
	s.Quirks.RedirectBinding = redirect
	if mfa {
		f.MFA = aad.EnforceMFAByFederatedIdP
		s.Quirks.RequestMFA, s.DemandMFA = true, func(aad.User) bool { return true }
	}
	s.SetFederation("example.com", f)
	return s
}

// ask types Ann's address at the stand-in, and returns the request that a browser makes to
// the identity provider.
func ask(t *testing.T, s *aadtest.Server) *http.Request {
	t.Helper()
	c := s.HTTPClient()
	b := newBrowser(t, c)
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "sso.example.com" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	values, to := b.form(c.Get("https://login.microsoftonline.com/"))
	values.Set("loginfmt", annUPN)
	resp, err := c.PostForm(to, values)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusFound {
		resp.Body.Close()
		return httptest.NewRequest(http.MethodGet, resp.Header.Get("Location"), nil)
	}
	values, to = b.form(resp, nil)
	return posted(to, values)
}

func posted(to string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, to, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// xmlOf is the message of a request.
func xmlOf(t *testing.T, r *http.Request) []byte {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(r.Form.Get("SAMLRequest"))
	if err == nil && r.Method == http.MethodGet {
		b, err = io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	}
	if err != nil || len(b) == 0 {
		t.Fatalf("%v: %v", err, r.Form)
	}
	return b
}

// readers are foreign identity providers that read requests. They return the ID, or
// why the request is refused. With a certificate they want a signature by it.
var readers = []struct {
	name string
	read func(*testing.T, *http.Request, certs.Cert) (id, refused string)
}{{"crewjam", readByCrewjam}, {"samlify", readBySamlify}}

func readByCrewjam(t *testing.T, r *http.Request, cert certs.Cert) (id, refused string) {
	t.Helper()
	s := &service{metadata: saml.EntityDescriptor{EntityID: online, SPSSODescriptors: []saml.SPSSODescriptor{{
		AssertionConsumerServices: []saml.IndexedEndpoint{{Binding: saml.HTTPPostBinding, Location: loginSRF}}}}}}
	sso, err := url.Parse(entityOf + "?a=1&b=2")
	if err != nil {
		t.Fatal(err)
	}
	idp := &saml.IdentityProvider{ServiceProviderProvider: s, SSOURL: *sso, WantAuthnRequestsSigned: !cert.IsZero()}
	if !cert.IsZero() {
		s.metadata.SPSSODescriptors[0].KeyDescriptors = provider(cert).IDPSSODescriptors[0].KeyDescriptors
	}
	query, _, _ := strings.Cut(r.URL.RawQuery, "SAMLRequest=") // its own part of the address
	r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery, query)
	req, err := saml.NewIdpAuthnRequest(idp, r)
	if err == nil {
		err = req.Validate()
	}
	if err != nil {
		return "", err.Error()
	}
	if req.ACSEndpoint.Location != loginSRF || req.Request.NameIDPolicy == nil || *req.Request.NameIDPolicy.Format != persistent {
		t.Errorf("it asks for %v at %v", req.Request.NameIDPolicy, req.ACSEndpoint)
	}
	return req.Request.ID, ""
}

func readBySamlify(t *testing.T, r *http.Request, cert certs.Cert) (id, refused string) {
	t.Helper()
	args := map[string]any{"certificate": string(cert.PEM())}
	if r.Method == http.MethodGet {
		_, query, _ := strings.Cut(r.URL.RawQuery, "SAMLRequest=")
		args["query"] = "SAMLRequest=" + query
	} else {
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		args["form"] = map[string]string{"SAMLRequest": r.PostForm.Get("SAMLRequest")}
	}
	a := node(t, "read", args)
	if a.Error == "" && (a.Issuer != online || a.Policy != persistent) {
		t.Errorf("it is read as %+v", a)
	}
	return a.ID, a.Error
}

// TestRequests: the requests of the stand-in of Azure AD are read by foreign identity
// providers, and their signatures verified; another's are refused.
func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		signs, redirect, mfa bool
	}{
		{"form", false, false, false},
		{"redirect", false, true, false},
		{"signed form", true, false, false},
		{"signed redirect", true, true, false},
		{"second factor", false, false, true},
		{"second factor, signed redirect", true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := azure(tt.signs, tt.redirect, tt.mfa)
			var cert certs.Cert
			if tt.signs {
				cert = s.RequestCertificate()
			}
			message := xmlOf(t, ask(t, s))
			if strings.Contains(string(message), "RequestedAuthnContext") != tt.mfa {
				t.Errorf("asks for a second factor: %v\n%s", !tt.mfa, message)
			}
			if tt.signs { // by the Redirect binding beside the message
				if got := verifies(t, message, authnRequest, nil, cert); got == tt.redirect {
					t.Errorf("xmlsec1 verifies it: %v\n%s", got, message)
				}
				if verifies(t, message, authnRequest, nil, pairs().foreign.Cert()) {
					t.Error("xmlsec1 verifies it with another key")
				}
			}
			for _, idp := range readers {
				t.Run(idp.name, func(t *testing.T) {
					r := ask(t, s)
					if id, refused := idp.read(t, r, cert); refused != "" || !strings.Contains(string(xmlOf(t, r)), ` ID="`+id+`"`) || id == "" {
						t.Errorf("%q: %s\n%s", id, refused, message)
					}
					if !tt.signs {
						if id, refused := idp.read(t, ask(t, s), pairs().foreign.Cert()); refused == "" {
							t.Errorf("it is not signed, and accepted: %s", id)
						}
						return
					}
					if id, refused := idp.read(t, ask(t, s), pairs().foreign.Cert()); refused == "" {
						t.Errorf("accepted with another key: %s", id)
					}
					if id, refused := idp.read(t, changed(t, ask(t, s)), cert); refused == "" {
						t.Errorf("changed, and accepted: %s", id)
					}
				})
			}
		})
	}
}

// changed is a request with another ID than the one that was signed.
func changed(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	text := strings.Replace(string(xmlOf(t, r)), ` ID="_`, ` ID="_0`, 1)
	if r.Method == http.MethodPost {
		return posted(r.URL.String(), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(text))},
			"RelayState": {r.PostForm.Get("RelayState")}})
	}
	_, rest, _ := strings.Cut(r.URL.RawQuery, "&RelayState=")
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, entityOf+"?SAMLRequest="+
		url.QueryEscape(base64.StdEncoding.EncodeToString(b.Bytes()))+"&RelayState="+rest, nil)
}
