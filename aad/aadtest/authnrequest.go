package aadtest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// requestKey signs requests.
type requestKey struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

// RequestCertificate returns the certificate of the key that signs requests to
// identity providers, where a federation wants them signed.
func (s *Server) RequestCertificate() certs.Cert {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := certs.ParseOne(s.requestKey().cert.Raw)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	return c
}

func (s *Server) requestKey() *requestKey {
	if s.requests != nil {
		return s.requests
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	ski := sha1.Sum(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "MicrosoftOnline"}, SubjectKeyId: ski[:],
		NotBefore: s.now().AddDate(-1, 0, 0), NotAfter: s.now().AddDate(4, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	s.requests = &requestKey{key, cert}
	return s.requests
}

// sendAuthnRequest sends the browser to the identity provider with a request of SAML.
func (s *Server) sendAuthnRequest(w http.ResponseWriter, r *http.Request, a *attempt, f *aad.Federation, to *url.URL) {
	signed := f.SignedRequestsRequired != nil && *f.SignedRequestsRequired
	request := s.authnRequest(a, f, signed)
	if s.Quirks.SAMLUserName && a.login != "" {
		u, err := url.Parse(withQuery(to, "username="+url.QueryEscape(a.login)))
		if err == nil {
			to = u
		}
	}
	if s.Quirks.RedirectBinding {
		http.Redirect(w, r, withQuery(to, s.redirectQuery(request, a.id, signed)), http.StatusFound)
		return
	}
	if signed {
		request = s.envelop(request)
	}
	s.show(w, "provider", view{Title: "Redirecting", Attempt: a, Brand: f.DisplayName, Action: to.String(), Fields: []field{
		{"SAMLRequest", base64.StdEncoding.EncodeToString([]byte(request))}, {"RelayState", a.id}}})
}

// authnRequest is the request as Azure AD writes it, without a signature.
func (s *Server) authnRequest(a *attempt, f *aad.Federation, signed bool) string {
	var b strings.Builder
	b.WriteString(`<samlp:AuthnRequest ID="_` + s.newID(0x5a31) + `" Version="2.0" IssueInstant="` +
		s.now().UTC().Format("2006-01-02T15:04:05.000Z") + `"`)
	if signed {
		b.WriteString(` Destination="`)
		xml.EscapeText(&b, []byte(f.PassiveSignInURI))
		b.WriteString(`"`)
	}
	b.WriteString(` xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>` +
		`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/>`)
	if s.asksForMFA(a, f) {
		b.WriteString(`<samlp:RequestedAuthnContext Comparison="exact"><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
			multipleAuthn + `</AuthnContextClassRef></samlp:RequestedAuthnContext>`)
	}
	b.WriteString(`</samlp:AuthnRequest>`)
	return b.String()
}

// envelop puts the signature between Issuer and NameIDPolicy. It names the key, and
// has no certificate.
func (s *Server) envelop(request string) string {
	fail := func(err error) {
		if err != nil {
			panic("aadtest: " + err.Error())
		}
	}
	k := s.requestKey()
	doc := etree.NewDocument()
	fail(doc.ReadFromString(request))
	ctx, err := dsig.NewSigningContext(k.key, [][]byte{k.cert.Raw})
	fail(err)
	ctx.Prefix = ""
	fail(ctx.SetSignatureMethod(dsig.RSASHA1SignatureMethod))
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := ctx.ConstructSignature(doc.Root(), true)
	fail(err)
	if old := signature.SelectElement("KeyInfo"); old != nil {
		signature.RemoveChild(old)
	}
	info := signature.CreateElement("KeyInfo")
	info.CreateElement("X509Data").CreateElement("X509SKI").SetText(base64.StdEncoding.EncodeToString(k.cert.SubjectKeyId))
	info.CreateElement("KeyName").SetText("MicrosoftOnline")
	doc.Root().InsertChildAt(1, signature)
	out, err := doc.WriteToString()
	fail(err)
	return out
}

// redirectQuery is a request in an address; the signature, if it has one, is beside it.
func (s *Server) redirectQuery(request, state string, signed bool) string {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	z.Write([]byte(request))
	z.Close()
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(b.Bytes())) + "&RelayState=" + url.QueryEscape(state)
	if !signed {
		return query
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA1SignatureMethod)
	sum := sha1.Sum([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.requestKey().key, crypto.SHA1, sum[:])
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}
