package aadtest_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

const (
	requestID = `_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	opening   = `<samlp:AuthnRequest ID="_" Version="2.0" IssueInstant="2026-03-02T09:00:00.000Z"`
	behind    = ` xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">` + `<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
		`urn:federation:MicrosoftOnline</Issuer>`
	policyElement = `<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/>`
	closing       = `</samlp:AuthnRequest>`
)

// request is what the provider gets: XML, and beside it what is not SAMLRequest.
func request(t *testing.T, p *page) (address, text string, rest url.Values) {
	t.Helper()
	address, rest = p.form()
	raw, err := base64.StdEncoding.DecodeString(rest.Get("SAMLRequest"))
	if p.status == http.StatusFound {
		to, perr := url.Parse(p.header.Get("Location"))
		if perr != nil {
			t.Fatal(perr)
		}
		rest = to.Query()
		z, derr := base64.StdEncoding.DecodeString(rest.Get("SAMLRequest"))
		if derr != nil {
			t.Fatal(derr)
		}
		raw, err = io.ReadAll(flate.NewReader(bytes.NewReader(z)))
		to.RawQuery = ""
		address = to.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	rest.Del("SAMLRequest")
	return address, string(raw), rest
}

// TestAuthnRequest: the request is, byte for byte, what was recorded.
func TestAuthnRequest(t *testing.T) {
	signed := true
	asks := `<samlp:RequestedAuthnContext Comparison="exact"><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + multiple +
		`</AuthnContextClassRef></samlp:RequestedAuthnContext>`
	for _, tt := range []struct {
		name    string
		edit    func(*aad.Federation)
		prepare func(*aadtest.Server)
		want    string
		address string
		beside  string // parameters
	}{
		{"form", nil, nil, opening + behind + policyElement + closing, idpURL, "RelayState"},
		{"redirect", nil, func(s *aadtest.Server) { s.Quirks.RedirectBinding = true },
			opening + behind + policyElement + closing, idpURL, "RelayState"},
		{"user name", nil, func(s *aadtest.Server) { s.Quirks.SAMLUserName = true }, opening + behind + policyElement + closing,
			idpURL + "?username=ann%40example.com", "RelayState"},
		{"user name, redirect", nil, func(s *aadtest.Server) { s.Quirks.SAMLUserName, s.Quirks.RedirectBinding = true, true },
			opening + behind + policyElement + closing, idpURL, "RelayState username"},
		{"second factor not asked for", func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP }, func(s *aadtest.Server) {
			s.DemandMFA = func(aad.User) bool { return true }
		}, opening + behind + policyElement + closing, idpURL, "RelayState"},
		{"second factor", func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP }, func(s *aadtest.Server) {
			s.Quirks.RequestMFA, s.DemandMFA = true, func(aad.User) bool { return true }
		}, opening + behind + policyElement + asks + closing, idpURL, "RelayState"},
		{"signed, redirect", func(f *aad.Federation) { f.SignedRequestsRequired = &signed },
			func(s *aadtest.Server) { s.Quirks.RedirectBinding = true },
			opening + ` Destination="` + idpURL + `"` + behind + policyElement + closing, idpURL, "RelayState SigAlg Signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := signInTenant(func(f *aad.Federation) {
				if tt.edit != nil {
					tt.edit(f)
				}
			})
			if tt.prepare != nil {
				tt.prepare(s)
			}
			b := newBrowser(t, s)
			address, text, rest := request(t, b.begin("ann@example.com"))
			if diff := cmp.Diff(tt.want, regexp.MustCompile(requestID).ReplaceAllString(text, "_")); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if address != tt.address || rest.Get("RelayState") == "" {
				t.Errorf("it goes to %q with %v", address, rest)
			}
			for _, name := range strings.Fields(tt.beside) {
				if !rest.Has(name) {
					t.Errorf("no %s", name)
				}
				rest.Del(name)
			}
			if len(rest) > 0 {
				t.Errorf("beside it: %v", rest)
			}
		})
	}
}

// TestSignedRequest: the signature is between Issuer and NameIDPolicy, names the key,
// and verifies.
func TestSignedRequest(t *testing.T) {
	signed := true
	s := signInTenant(func(f *aad.Federation) {
		f.SignedRequestsRequired, f.PassiveSignInURI = &signed, idpURL+"?a=1&b=2"
	})
	b := newBrowser(t, s)
	address, text, _ := request(t, b.begin("ann@example.com"))
	if address != idpURL+"?a=1&b=2" {
		t.Errorf("it goes to %s", address)
	}
	cert, err := x509.ParseCertificate(s.RequestCertificate().DER())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmlsig.Parse([]byte(text), 100)
	if err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, k := range doc.Root.Kids {
		kids = append(kids, k.Local)
	}
	if diff := cmp.Diff([]string{"Issuer", "Signature", "NameIDPolicy"}, kids); diff != "" {
		t.Fatalf("elements (-want +got):\n%s", diff)
	}
	if got := doc.Root.Value("Destination"); got != address {
		t.Errorf("Destination = %q", got)
	}
	sig, fault := xmlsig.Read(doc.Root.Kids[1], "ID")
	if fault != nil {
		t.Fatal(fault)
	}
	if out, err := xmlsig.NewVerifier(doc, "ID").Verify(sig, []*x509.Certificate{cert}); err != nil || !sig.SHA1() {
		t.Errorf("%+v, %v, SHA-1: %v", out, err, sig.SHA1())
	}
	want := `<KeyInfo><X509Data><X509SKI>` + base64.StdEncoding.EncodeToString(cert.SubjectKeyId) + `</X509SKI></X509Data>` +
		`<KeyName>MicrosoftOnline</KeyName></KeyInfo></Signature>`
	if !strings.Contains(text, want) || strings.Contains(text, "X509Certificate") {
		t.Errorf("KeyInfo in %s", text)
	}
	if p := b.answer(reply{}); p.id("userPrincipalName") != "ann@example.com" {
		t.Errorf("not signed in: %s", p.id("message"))
	}

	s.Quirks.RedirectBinding = true
	p := newBrowser(t, s).begin("ann@example.com")
	_, query, _ := strings.Cut(p.header.Get("Location"), "?a=1&b=2&")
	input, value, ok := strings.Cut(query, "&Signature=")
	value, err = url.QueryUnescape(value)
	if err != nil || !ok {
		t.Fatalf("query %q, %v", query, err)
	}
	signature, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(input))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature); err != nil {
		t.Errorf("the query's signature: %v", err)
	}
}
