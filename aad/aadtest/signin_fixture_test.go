package aadtest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
	"golang.org/x/net/html"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

// office is when the people of these tests sign in.
var office = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const (
	loginHost = "https://login.microsoftonline.com"
	idpIssuer = "https://sso.example.com/saml2/example.com"
	idpURL    = "https://sso.example.com/saml2/m365"
	annID     = "5f1b2c3d4e5f60718293a4b5"
	password  = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	multiple  = "http://schemas.microsoft.com/claims/multipleauthn"
)

// signer is a key of an identity provider.
type signer struct {
	key  *rsa.PrivateKey
	cert certs.Cert
}

func newSigner() signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: office.AddDate(-1, 0, 0), NotAfter: office.AddDate(2, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		panic(err)
	}
	return signer{key, c}
}

var (
	provider = sync.OnceValue(newSigner)
	stranger = sync.OnceValue(newSigner)
)

// reply is an answer of the identity provider. The zero value is a good one about Ann.
type reply struct {
	issuer, name, audience, class string
	at                            time.Time
	by                            *signer
	unsigned, failed, wsfed       bool
}

func (p reply) or(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

// xml returns the message.
func (p reply) xml(t *testing.T, inResponseTo string) string {
	t.Helper()
	if p.at.IsZero() {
		p.at = office
	}
	time := func(d time.Duration) string { return p.at.Add(d).Format("2006-01-02T15:04:05.000Z") }
	text := response20
	if p.wsfed {
		text = response11
	}
	if p.failed {
		text = text[:strings.Index(text, "<saml:Assertion")] + "</samlp:Response>"
		text = strings.ReplaceAll(text, "status:Success", "status:Responder")
	}
	text = strings.NewReplacer("{issuer}", p.or(p.issuer, idpIssuer), "{name}", p.or(p.name, annID),
		"{audience}", p.or(p.audience, "urn:federation:MicrosoftOnline"), "{class}", p.or(p.class, password),
		"{now}", time(0), "{soon}", time(5*60e9), "{later}", time(60*60e9), "{before}", time(-60e9), "{request}", inResponseTo).Replace(text)
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	if a := doc.Root().FindElement(".//Assertion"); a != nil && !p.unsigned {
		p.sign(t, a)
	}
	out, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p reply) sign(t *testing.T, a *etree.Element) {
	by := provider()
	if p.by != nil {
		by = *p.by
	}
	ctx, err := dsig.NewSigningContext(by.key, [][]byte{by.cert.DER()})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	at := 1 // behind Issuer
	if p.wsfed {
		ctx.IdAttribute, at = "AssertionID", len(a.Child)
	}
	ns, err := etreeutils.NSBuildParentContext(a)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := etreeutils.NSDetatch(ns, a)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ctx.ConstructSignature(alone, true)
	if err != nil {
		t.Fatal(err)
	}
	a.InsertChildAt(at, sig)
}

const response20 = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"` +
	` ID="_r1" Version="2.0" IssueInstant="{now}" Destination="https://login.microsoftonline.com/login.srf" InResponseTo="{request}">` +
	`<saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
	`<saml:Assertion ID="_a1" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject>` +
	`<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{name}</saml:NameID>` +
	`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{request}"` +
	` NotOnOrAfter="{soon}" Recipient="https://login.microsoftonline.com/login.srf"/></saml:SubjectConfirmation></saml:Subject>` +
	`<saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>` +
	`</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}"><saml:AuthnContext>` +
	`<saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>` +
	`<saml:Attribute Name="IDPEmail"><saml:AttributeValue>ann@example.com</saml:AttributeValue></saml:Attribute>` +
	`</saml:AttributeStatement></saml:Assertion></samlp:Response>`

const response11 = `<t:RequestSecurityTokenResponse xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust"><t:RequestedSecurityToken>` +
	`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" MajorVersion="1" MinorVersion="1" AssertionID="_a1"` +
	` Issuer="{issuer}" IssueInstant="{now}"><saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}">` +
	`<saml:AudienceRestrictionCondition>` +
	`<saml:Audience>{audience}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions><saml:AttributeStatement>` + subject11 +
	`<saml:Attribute AttributeName="UPN" AttributeNamespace="http://schemas.xmlsoap.org/claims">` +
	`<saml:AttributeValue>ann@example.com</saml:AttributeValue></saml:Attribute>` +
	`<saml:Attribute AttributeName="ImmutableID" AttributeNamespace="http://schemas.microsoft.com/LiveID/Federation/2008/05">` +
	`<saml:AttributeValue>{name}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>` +
	`<saml:AuthenticationStatement AuthenticationMethod="{class}" AuthenticationInstant="{now}">` + subject11 +
	`</saml:AuthenticationStatement></saml:Assertion></t:RequestedSecurityToken>` +
	`<t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType></t:RequestSecurityTokenResponse>`

const subject11 = `<saml:Subject>` +
	`<saml:NameIdentifier Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">{name}</saml:NameIdentifier>` +
	`<saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod>` +
	`</saml:SubjectConfirmation></saml:Subject>`

// signInTenant is a tenant with Ann, whose domain is federated, and Mia, whose is not.
func signInTenant(edit ...func(*aad.Federation)) *aadtest.Server {
	s := &aadtest.Server{Now: func() time.Time { return office }}
	s.AddDomain("example.com")
	s.AddDomain("managed.example")
	s.AddUser(aad.User{UserPrincipalName: "ann@example.com", DisplayName: "Ann <Example>", ImmutableID: annID})
	s.AddUser(aad.User{UserPrincipalName: "mia@managed.example", DisplayName: "Mia", ImmutableID: "other"})
	s.SetPassword("mia@managed.example", "secret")
	f := aad.Federation{DisplayName: "Example & Co", IssuerURI: idpIssuer, PassiveSignInURI: idpURL, Protocol: aad.SAML,
		MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: provider().cert}
	for _, e := range edit {
		e(&f)
	}
	s.SetFederation("example.com", f)
	return s
}

// browser walks the pages of a tenant. It follows no redirect to elsewhere.
type browser struct {
	t    *testing.T
	c    *http.Client
	page *page
}

// page is what the browser shows.
type page struct {
	url    *url.URL
	status int
	header http.Header
	text   string
	doc    *html.Node
}

func newBrowser(t *testing.T, s *aadtest.Server) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.HTTPClient()
	c.Jar = jar
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != "login.microsoftonline.com" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &browser{t: t, c: c}
}

func (b *browser) take(resp *http.Response, err error) *page {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = &page{resp.Request.URL, resp.StatusCode, resp.Header, string(text), doc}
	return b.page
}

func (b *browser) open(path string) *page {
	b.t.Helper()
	return b.take(b.c.Get(loginHost + path))
}

func (b *browser) post(path string, fields ...string) *page {
	b.t.Helper()
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.take(b.c.PostForm(loginHost+path, form))
}

// submit fills the page's form and sends it.
func (b *browser) submit(fields ...string) *page {
	b.t.Helper()
	action, values := b.page.form()
	for i := 0; i < len(fields); i += 2 {
		if !values.Has(fields[i]) {
			b.t.Fatalf("the page has no field %s:\n%s", fields[i], b.page.text)
		}
		values.Set(fields[i], fields[i+1])
	}
	if !strings.HasPrefix(action, "/") {
		b.t.Fatalf("the form goes to %q", action)
	}
	return b.take(b.c.PostForm(loginHost+action, values))
}

// begin types a user name on the first page.
func (b *browser) begin(user string) *page {
	b.t.Helper()
	b.open("/")
	return b.submit("loginfmt", user)
}

// answer is what the provider posts back for the page with its request.
func (b *browser) answer(p reply) *page {
	b.t.Helper()
	_, values := b.page.form()
	id := ""
	if raw, err := base64.StdEncoding.DecodeString(values.Get("SAMLRequest")); err == nil {
		_, after, _ := strings.Cut(string(raw), ` ID="`)
		id, _, _ = strings.Cut(after, `"`)
	}
	message := base64.StdEncoding.EncodeToString([]byte(p.xml(b.t, id)))
	return b.post("/login.srf", "SAMLResponse", message, "RelayState", values.Get("RelayState"))
}

func (p *page) walk(f func(*html.Node)) {
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode {
			f(n)
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// form returns where the form goes, and what is in it.
func (p *page) form() (action string, values url.Values) {
	values = make(url.Values)
	p.walk(func(n *html.Node) {
		switch n.Data {
		case "form":
			action = attr(n, "action")
		case "input":
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	})
	return action, values
}

// id returns the text of the element with an ID.
func (p *page) id(id string) string {
	text := ""
	p.walk(func(n *html.Node) {
		if attr(n, "id") == id && n.FirstChild != nil {
			text = n.FirstChild.Data
		}
	})
	return text
}
