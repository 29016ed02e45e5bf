// Package signed makes signed SAML metadata. It is written in its canonical form, so that a
// reader that knows nothing can check it: the floor of what that costs.
package signed

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

const xmldsig = "http://www.w3.org/2000/09/xmldsig#"

// Signer signs with an RSA key of 2048 bits.
type Signer struct {
	key  *rsa.PrivateKey
	cert []byte
}

// New makes a key, and a certificate of it.
func New() (*Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	s := &Signer{key: key}
	s.cert, err = s.certificate(1)
	return s, err
}

func (s *Signer) certificate(serial int64) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("idp%d.example.com", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	return x509.CreateCertificate(rand.Reader, template, template, s.key.Public(), s.key)
}

// Certificate returns the certificate that is trusted, as PEM.
func (s *Signer) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert})
}

// EntityID returns the name of a provider.
func EntityID(i int) string { return fmt.Sprintf("https://idp%d.example.com/saml2/idp", i) }

// One returns the metadata of one provider, and that provider's certificate.
func (s *Signer) One() (document, cert string, err error) {
	cert, role, err := s.role(0)
	if err != nil {
		return "", "", err
	}
	return s.sign(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_1a2b" entityID="`+EntityID(0)+`">`,
		role+`</md:EntityDescriptor>`), cert, nil
}

// Aggregate returns the metadata of n providers, and the certificate of the one in the middle.
func (s *Signer) Aggregate(n int) (document, cert string, err error) {
	var b strings.Builder
	for i := range n {
		c, role, err := s.role(i)
		if err != nil {
			return "", "", err
		}
		if i == n/2 {
			cert = c
		}
		b.WriteString(`<md:EntityDescriptor entityID="` + EntityID(i) + `">` + role + `</md:EntityDescriptor>` + "\n")
	}
	return s.sign(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_1a2b">`,
		b.String()+`</md:EntitiesDescriptor>`), cert, nil
}

func (s *Signer) role(i int) (cert, role string, err error) {
	der, err := s.certificate(int64(i) + 2)
	if err != nil {
		return "", "", err
	}
	cert = base64.StdEncoding.EncodeToString(der)
	const binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
	sso := func(kind string) string {
		return `<md:SingleSignOnService Binding="` + binding + kind +
			`" Location="https://sso.example.com/saml2/office365"></md:SingleSignOnService>`
	}
	return cert, `<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="` + xmldsig + `"><ds:X509Data><ds:X509Certificate>` + cert +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>` +
		sso("Redirect") + sso("POST") + `</md:IDPSSODescriptor>`, nil
}

// sign signs an element that is written in its canonical form, in two parts: the
// signature comes between them.
func (s *Signer) sign(head, rest string) string {
	digest := sha256.Sum256([]byte(head + rest))
	method := func(name, algorithm string) string {
		return `<ds:` + name + ` Algorithm="` + algorithm + `"></ds:` + name + `>`
	}
	const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	info := method("CanonicalizationMethod", exclusive) + method("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256") +
		`<ds:Reference URI="#_1a2b"><ds:Transforms>` +
		method("Transform", xmldsig+"enveloped-signature") + method("Transform", exclusive) + `</ds:Transforms>` +
		method("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256") +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	hash := sha256.Sum256([]byte(`<ds:SignedInfo xmlns:ds="` + xmldsig + `">` + info))
	value, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, hash[:])
	if err != nil {
		panic("signed: " + err.Error()) // a key of 2048 bits signs every hash
	}
	return head + `<ds:Signature xmlns:ds="` + xmldsig + `"><ds:SignedInfo>` + info +
		`<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue>` +
		`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(s.cert) +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>` + rest
}
