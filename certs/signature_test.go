package certs_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// ed25519Cert is a certificate whose key signs no XML here.
func ed25519Cert(t *testing.T) certs.Cert {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "ed25519"}, NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(1.9e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A key of another kind than the signature's method takes does not verify it,
// whether it is one that this package knows or not.
func TestSignatureKeysOfOtherKinds(t *testing.T) {
	good, ec, ed := rsaSigner(), ecSigner(), ed25519Cert(t)
	doc := signable(pairA().Cert())
	byRSA := good.sign(doc, "")
	byEC := ec.sign(doc, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")
	for _, test := range []struct {
		name, doc string
		trusted   []certs.Cert
		ok        bool
	}{
		{"Ed25519 for RSA's", byRSA, []certs.Cert{ed}, false},
		{"Ed25519 for ECDSA's", byEC, []certs.Cert{ed}, false},
		{"ECDSA for RSA's", byRSA, []certs.Cert{ec.cert}, false},
		{"RSA for ECDSA's", byEC, []certs.Cert{good.cert}, false},
		{"all of them for RSA's", byRSA, []certs.Cert{ed, ec.cert, good.cert}, true},
		{"all of them for ECDSA's", byEC, []certs.Cert{ed, good.cert, ec.cert}, true},
	} {
		got, err := certs.VerifyMetadata([]byte(test.doc), test.trusted...)
		if (err == nil) != test.ok || !test.ok && found(err) != certs.KindBadSignature {
			t.Errorf("%s: VerifyMetadata = %v, %v; want accepted = %v", test.name, got, err, test.ok)
		}
	}
}

// Who trusts the wrong keys is told which, a few of them, and why the first did
// not verify it.
func TestSignatureTellsTheKeys(t *testing.T) {
	others := make([]certs.Cert, 10)
	for i := range others {
		others[i] = rsaOther().cert
	}
	_, err := certs.VerifyMetadata([]byte(rsaSigner().sign(signable(pairA().Cert()), "")), others...)
	var e *certs.ParseError
	if !errors.As(err, &e) || len(e.Subjects) != 8 || !errors.Is(err, rsa.ErrVerification) {
		t.Errorf("err = %v; want eight subjects and the cause", err)
	}
}

// Each thing that is wrong with a signature is told by name: a person can tell a
// file that was changed from one that was never good, and none of the checks
// stands in for another.
func TestSignatureSays(t *testing.T) {
	const root = ` ID="_r" entityID="x"`
	s, exc := rsaSigner(), transform(c14nExclusive)
	plain := handSigned{root: root, uri: "#_r", transform: exc, content: `<md:Extensions><a></a></md:Extensions>`}.document(s)
	sig := signatureElement.FindString(plain)
	bare := strings.Replace(plain, sig, "", 1)
	behind := func(in, tag string) string { return strings.Replace(plain, tag, tag+in, 1) }
	elements := func(n int) string { return behind(strings.Repeat("<ds:X></ds:X>", n-11), "</ds:SignatureValue>") }
	for _, test := range []struct{ name, doc, want string }{
		{"good", plain, ""},
		{"a Signature behind another element", strings.Replace(bare, "</md:Extensions>", "</md:Extensions>"+sig, 1), "not the first element"},
		{"two Signatures", behind(sig, "</ds:Signature>"), "more than one Signature"},
		{"a DigestValue that is none", handSigned{root: root, uri: "#_r", transform: exc, digest: [2]string{"!", ""}}.document(s), "DigestValue is not base64"},
		{"a SignatureValue that is none", strings.Replace(plain, "<ds:SignatureValue>", "<ds:SignatureValue>!", 1), "SignatureValue is not base64"},
		{"an element in the SignatureValue", behind("<ds:X></ds:X>", "<ds:SignatureValue>"), "SignatureValue is not base64"},
		{"two canonicalizations", handSigned{root: root, uri: "#_r", transform: exc + exc}.document(s), "enveloped-signature and one canonicalization"},
		{"enveloped twice", handSigned{root: root, uri: "#_r", transform: transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature") + exc}.document(s), "enveloped-signature and one canonicalization"},
		{"enveloped behind a canonicalization", handSigned{root: root, uri: "#_r", transform: exc + transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature")}.document(s), "is not accepted"},
		{"text among the transforms", behind("x", "<ds:Transforms>"), "enveloped-signature and one canonicalization"},
		{"text in the SignedInfo", behind("x", "</ds:SignatureMethod>"), "its SignedInfo holds more than"},
		{"an element too many in the Reference", behind("<ds:X></ds:X>", "</ds:DigestValue>"), "its Reference holds more than"},
		{"an element too many in the SignedInfo", behind("<ds:X></ds:X>", "</ds:Reference>"), "its SignedInfo holds more than"},
		{"no DigestValue", regexp.MustCompile(`<ds:DigestValue>.*</ds:DigestValue>`).ReplaceAllString(plain, ""), "its Reference has no DigestValue"},
		{"a parameter of the method", behind("<ds:HMACOutputLength>8</ds:HMACOutputLength>", `xmldsig-more#rsa-sha256">`), "its algorithm"},
		{"a parameter of the digest", behind("<ds:X></ds:X>", `xmlenc#sha256">`), "its digest"},
		{"another namespace in the Signature", behind(`<x xmlns="urn:x"></x>`, "</ds:SignatureValue>"), "an element that does not belong"},
		{"no SignatureValue", regexp.MustCompile(`<ds:SignatureValue>.*</ds:SignatureValue>`).ReplaceAllString(plain, ""), "does not consist of"},
		{"another fourth element", behind("<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo></ds:KeyInfo>", "</ds:SignatureValue>"), "does not consist of"},
		{"64 elements", elements(64), "does not consist of"},
		{"65 elements", elements(65), "more than 64 elements"},
		{"what is signed was changed", strings.Replace(plain, `entityID="x"`, `entityID="y"`, 1), "changed after it was signed"},
		{"one character before a comment", behind("a<!-- c -->", "<a>"), "a comment within text"},
		{"one character behind a comment", behind("<!-- c -->a", "<a>"), "a comment within text"},
		{"a comment within the root's own text", behind("a<!-- c -->", "</ds:Signature>"), "a comment within text"},
	} {
		_, err := certs.VerifyMetadata([]byte(test.doc), s.cert)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: err = %v; want it to say %q", test.name, err, test.want)
		}
	}
}
