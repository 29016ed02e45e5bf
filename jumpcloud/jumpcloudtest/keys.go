package jumpcloudtest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"math/big"
	"sync"
	"time"
)

// pool holds a few keys for the whole process: tests make thousands of
// applications, and a key takes a tenth of a second.
var pool struct {
	sync.Mutex
	keys map[int][]*rsa.PrivateKey
}

const poolSize = 6

// poolKey returns the n-th key that an organisation makes. The first poolSize of
// them are different, and of any so many in a row; other organisations have the same.
func poolKey(bits, n int) *rsa.PrivateKey {
	pool.Lock()
	defer pool.Unlock()
	n %= poolSize
	for n >= len(pool.keys[bits]) {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		if pool.keys == nil {
			pool.keys = map[int][]*rsa.PrivateKey{}
		}
		pool.keys[bits] = append(pool.keys[bits], k)
	}
	return pool.keys[bits][n]
}

// pair is a key with its certificate.
type pair struct {
	key *rsa.PrivateKey
	der []byte
}

// newPair makes a pair as JumpCloud does: self-signed, SHA-256, five calendar
// years, a random serial number of up to 160 bits, no extensions. No two
// certificates are the same.
func (s *Server) newPair() *pair {
	key := poolKey(cmp.Or(s.KeyBits, 2048), s.keys)
	s.keys++
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	if err != nil {
		panic(err)
	}
	subject := subject(s.organization())
	now := s.now().UTC().Truncate(time.Second)
	tmpl := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), RawSubject: subject,
		NotBefore: now, NotAfter: now.AddDate(5, 0, 0), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &pair{key, der}
}

// subject is a name in JumpCloud's order, which pkix.Name would change.
func subject(organization string) []byte {
	var rdn pkix.RDNSequence
	for _, a := range []struct {
		id    int
		value string
	}{{6, "US"}, {8, "CO"}, {7, "Boulder"}, {10, organization}, {11, "JumpCloudSAMLIdP"}, {3, "JumpCloudSAMLUser"}} {
		rdn = append(rdn, pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 5, 4, a.id}, Value: a.value}})
	}
	b, err := asn1.Marshal(rdn)
	if err != nil {
		panic(err)
	}
	return b
}

// configValue is how a certificate is kept in a setting: base64 of PEM.
func configValue(der []byte) string {
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// parseValue is the certificate of a setting, nil if it is not base64 of PEM.
func parseValue(value string) *x509.Certificate {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}

// parseKey is the private key of a setting, nil if it cannot be read.
func parseKey(value string) *rsa.PrivateKey {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k
	}
	k, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	rk, _ := k.(*rsa.PrivateKey)
	return rk
}

// metadataXML is the document of real metadata.xml answers, byte for byte.
func metadataXML(entityID, ssoURL string, cert *x509.Certificate, redirect, signedRequests bool) []byte {
	esc := func(s string) string {
		var b bytes.Buffer
		xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	var b bytes.Buffer
	want := "false"
	if signedRequests {
		want = "true"
	}
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` +
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + esc(entityID) + `">` +
		`<md:IDPSSODescriptor WantAuthnRequestsSigned="` + want + `" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` +
		`<ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(cert.Raw) +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified</md:NameIDFormat>` +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + esc(ssoURL) + `"/>`)
	if redirect {
		b.WriteString(`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + esc(ssoURL) + `"/>`)
	}
	b.WriteString(`</md:IDPSSODescriptor></md:EntityDescriptor>`)
	return b.Bytes()
}
