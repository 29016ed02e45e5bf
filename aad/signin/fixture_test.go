package signin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

// now is the time at which messages of the fixtures are judged.
var now = time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC)

const (
	issuer = "https://sso.example.com/saml2/example.com"
	annID  = "5f1b2c3d4e5f60718293a4b5"
)

// pair is a key with its certificate.
type pair struct {
	key  crypto.Signer
	cert certs.Cert
}

func newPair(key crypto.Signer, serial int64, from, to time.Time) pair {
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "sso.example.com"},
		NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		panic(err)
	}
	return pair{key, c}
}

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// keys are made once: the realm's two, a stranger's, a renewed certificate of the
// first key, one that has expired, and one of an elliptic curve.
var keys = sync.OnceValue(func() (k struct{ current, next, foreign, renewed, expired, curve pair }) {
	from, to := now.AddDate(-1, 0, 0), now.AddDate(3, 0, 0)
	first := newRSA()
	k.current = newPair(first, 1, from, to)
	k.renewed = newPair(first, 2, from, to)
	k.expired = newPair(first, 3, from, now.AddDate(0, 0, -1))
	k.next = newPair(newRSA(), 4, from, to)
	k.foreign = newPair(newRSA(), 5, from, to)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	k.curve = newPair(curve, 6, from, to)
	return k
})

// response is a message of SAML 2.0 as working identity providers send it,
// without its signatures.
const response = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"` +
	` ID="_r1" Version="2.0" IssueInstant="2026-03-02T09:00:00.120Z" Destination="https://login.microsoftonline.com/login.srf"` +
	` InResponseTo="_3f2504e0-4f89-11d3-9a0c-0305e82c3301">
  <saml:Issuer>` + issuer + `</saml:Issuer>
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <saml:Assertion ID="_a1" Version="2.0" IssueInstant="2026-03-02T09:00:00.120Z">
    <saml:Issuer>` + issuer + `</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` + annID + `</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData InResponseTo="_3f2504e0-4f89-11d3-9a0c-0305e82c3301" NotOnOrAfter="2026-03-02T09:05:00.120Z"` +
	` Recipient="https://login.microsoftonline.com/login.srf"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="2026-03-02T08:58:00.120Z" NotOnOrAfter="2026-03-02T10:00:00.120Z">
      <saml:AudienceRestriction><saml:Audience>urn:federation:MicrosoftOnline</saml:Audience></saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="2026-03-02T08:59:58Z" SessionIndex="_s1">
      <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport` +
	`</saml:AuthnContextClassRef></saml:AuthnContext>
    </saml:AuthnStatement>
    <saml:AttributeStatement>
      <saml:Attribute Name="IDPEmail"><saml:AttributeValue>ann@example.com</saml:AttributeValue></saml:Attribute>
    </saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>`

// token is a message of WS-Federation, as AD FS writes them, without its signature.
const token = `<t:RequestSecurityTokenResponse xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust">` +
	`<t:Lifetime><wsu:Created xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">` +
	`2026-03-02T09:00:00.120Z</wsu:Created></t:Lifetime>` +
	`<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy">` +
	`<wsa:EndpointReference xmlns:wsa="http://www.w3.org/2005/08/addressing"><wsa:Address>urn:federation:MicrosoftOnline</wsa:Address>` +
	`</wsa:EndpointReference></wsp:AppliesTo><t:RequestedSecurityToken>` +
	`<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="_a1" Issuer="` + issuer + `" IssueInstant="2026-03-02T09:00:00.120Z"` +
	` xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion">` +
	`<saml:Conditions NotBefore="2026-03-02T08:58:00.120Z" NotOnOrAfter="2026-03-02T10:00:00.120Z"><saml:AudienceRestrictionCondition>` +
	`<saml:Audience>urn:federation:MicrosoftOnline</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>` +
	`<saml:AttributeStatement>` + subject11 +
	`<saml:Attribute AttributeName="UPN" AttributeNamespace="http://schemas.xmlsoap.org/claims">` +
	`<saml:AttributeValue>ann@example.com</saml:AttributeValue></saml:Attribute>` +
	`<saml:Attribute AttributeName="ImmutableID" AttributeNamespace="http://schemas.microsoft.com/LiveID/Federation/2008/05">` +
	`<saml:AttributeValue>` + annID + `</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>` +
	`<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password"` +
	` AuthenticationInstant="2026-03-02T08:59:58Z">` + subject11 + `</saml:AuthenticationStatement></saml:Assertion>` +
	`</t:RequestedSecurityToken><t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>` +
	`<t:RequestType>http://schemas.xmlsoap.org/ws/2005/02/trust/Issue</t:RequestType>` +
	`<t:KeyType>http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey</t:KeyType></t:RequestSecurityTokenResponse>`

const subject11 = `<saml:Subject><saml:NameIdentifier Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">` + annID +
	`</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer` +
	`</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>`

// maker makes messages.
type maker struct {
	xml      string
	before   func(*etree.Element) // changes the message before it is signed
	after    func(*etree.Element) // and after
	by       pair                 // zero: the realm's current key
	response bool                 // sign the response, too
	unsigned bool                 // do not sign the assertion
	method   string               // signature method; empty for rsa-sha256
	canon    dsig.Canonicalizer   // nil for exclusive
}

// make returns the message.
func (m maker) make(tb testing.TB) []byte {
	tb.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(m.xml); err != nil {
		tb.Fatal(err)
	}
	root := doc.Root()
	if m.before != nil {
		m.before(root)
	}
	if a := root.FindElement(".//Assertion"); a != nil && !m.unsigned {
		at := 0
		for _, k := range a.ChildElements() {
			if k.Tag == "Issuer" {
				at = k.Index() + 1
				break
			}
		}
		if a.SelectAttr("AssertionID") != nil {
			at = len(a.Child)
		}
		a.InsertChildAt(at, m.sign(tb, a))
	}
	if m.response {
		root.InsertChildAt(root.FindElement("./Issuer").Index()+1, m.sign(tb, root))
	}
	if m.after != nil {
		m.after(root)
	}
	b, err := doc.WriteToBytes()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sign returns the signature of an element.
func (m maker) sign(tb testing.TB, el *etree.Element) *etree.Element {
	tb.Helper()
	by := m.by
	if by.key == nil {
		by = keys().current
	}
	ctx, err := dsig.NewSigningContext(by.key, [][]byte{by.cert.DER()})
	if err != nil {
		tb.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if m.canon != nil {
		ctx.Canonicalizer = m.canon
	}
	if m.method != "" {
		if err := ctx.SetSignatureMethod(m.method); err != nil {
			tb.Fatal(err)
		}
	}
	if el.SelectAttr("AssertionID") != nil {
		ctx.IdAttribute = "AssertionID"
	}
	detached := el.Copy()
	if el.Parent() != nil && el.Parent().Tag != "" {
		ns, err := etreeutils.NSBuildParentContext(el)
		if err != nil {
			tb.Fatal(err)
		}
		if detached, err = etreeutils.NSDetatch(ns, el); err != nil {
			tb.Fatal(err)
		}
	}
	sig, err := ctx.ConstructSignature(detached, true)
	if err != nil {
		tb.Fatal(err)
	}
	return sig
}

func good() maker   { return maker{xml: response} }
func good11() maker { return maker{xml: token} }

// ann is the user of the fixtures.
func ann() *aad.User {
	return &aad.User{ID: "1", UserPrincipalName: "ann@example.com", ImmutableID: annID}
}

// tenant returns the tenant in which the good messages are accepted, for the
// protocol.
func tenant(p aad.Protocol) signin.Tenant {
	return signin.Tenant{
		Domains: []signin.Domain{
			{Name: "example.com", Root: "example.com", Federation: &aad.Federation{IssuerURI: issuer, Protocol: p,
				MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: keys().current.cert, NextSigningCertificate: keys().next.cert}},
			{Name: "sub.example.com", Root: "example.com"},
			{Name: "example.org", Root: "example.org"},
			{Name: "contoso.onmicrosoft.com", Root: "contoso.onmicrosoft.com"},
		},
		Policy: &aad.TokenValidationPolicy{RootDomains: aad.AllDomains},
		User:   signin.Users(ann()),
	}
}

// find returns an element by the names on its way from the root; "." is the root.
func find(root *etree.Element, path string) *etree.Element {
	for _, name := range strings.Split(path, "/") {
		if name == "." || root == nil {
			continue
		}
		var next *etree.Element
		for _, k := range root.ChildElements() {
			if k.Tag == name {
				next = k
				break
			}
		}
		root = next
	}
	return root
}

var messagesDir = flag.String("messages", "", "write each message that is judged, with what is said of its signatures, to this directory")

var written atomic.Int64

// judge is signin.Judge at the time of the fixtures. With -messages it leaves the message
// and the checks of its signatures to another judge, in a file of JSON each.
func judge(tb testing.TB, message []byte, t signin.Tenant) *signin.Verdict {
	tb.Helper()
	v := signin.Judge(message, t, now)
	inTable(tb, v)
	if *messagesDir == "" {
		return v
	}
	file := struct {
		Name    string
		Message []byte
		Certs   []certs.Cert
		Checks  []signin.Check
	}{Name: tb.Name(), Message: message}
	for _, d := range t.Domains {
		if f := d.Federation; f != nil {
			file.Certs = append(file.Certs, f.SigningCertificate, f.NextSigningCertificate)
		}
	}
	file.Certs = slices.DeleteFunc(file.Certs, certs.Cert.IsZero)
	for _, c := range v.Checks {
		if c.Topic == signin.TopicSignature {
			file.Checks = append(file.Checks, c)
		}
	}
	b, err := json.Marshal(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(*messagesDir, fmt.Sprintf("%05d.json", written.Add(1))), b, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
