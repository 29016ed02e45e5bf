package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

var everyCharacter = flag.Bool("damage", false, "TestOneCharacter: every place and every character, which takes minutes")

// typed is what stands at a place of a paste by mistake: letters of base64
// read or typed wrongly first, then what the layers around base64 have a
// meaning for, and what cannot be seen.
const typed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=" + " \t\r\n!\"#$%&'()*,.:;<>?@[\\]^`{|}~\x00\x7f"

var typedRunes = append([]rune(typed), '\u00a0', '\u00ad', '\u200b', '\ufeff', '‹', '“', '…', 'А', 'é', '／', '＝')

// A certificate that was pasted with one character that is another, lost, there
// twice, or in its neighbour's place never comes back as another certificate.
func TestOneCharacter(t *testing.T) {
	alone(t)
	key := rsaSigner().key
	withIDs := func(x *x509.Certificate) { // with key identifiers, as authorities have them
		x.IsCA, x.BasicConstraintsValid = true, true
		x.SubjectKeyId = []byte("twenty bytes as usual")
		x.AuthorityKeyId = x.SubjectKeyId
	}
	pss := func(x *x509.Certificate) { x.SignatureAlgorithm = x509.SHA256WithRSAPSS }
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		cert certs.Cert
	}{
		{"JumpCloud 2021", mustCert(t, fixture(t, "jumpcloud-2021.pem"))},
		{"JumpCloud 2024", mustCert(t, fixture(t, "jumpcloud-2024.pem"))},
		{"RSA 2048", pairA().Cert()},
		{"RSA 2048 with key identifiers", selfSigned(t, key, withIDs)},
		{"RSA PSS", selfSigned(t, key, pss)},
		{"RSA PSS with key identifiers", selfSigned(t, key, func(x *x509.Certificate) { pss(x); withIDs(x) })},
		{"ECDSA P-256", selfSigned(t, ecKey(t, elliptic.P256()), nil)},
		{"ECDSA P-256 with key identifiers", selfSigned(t, ecKey(t, elliptic.P256()), withIDs)},
		{"ECDSA P-384 with key identifiers", selfSigned(t, ecKey(t, elliptic.P384()), withIDs)},
		{"ECDSA P-521", selfSigned(t, ecKey(t, elliptic.P521()), nil)},
		{"Ed25519 with key identifiers", selfSigned(t, ed, withIDs)},
	} {
		for _, form := range []struct{ name, text string }{
			{"PEM", strings.TrimSuffix(string(test.cert.PEM()), "\n")},
			{"base64", test.cert.Base64()},
		} {
			t.Run(test.name+"/"+form.name, func(t *testing.T) {
				if *everyCharacter {
					t.Parallel()
				}
				judgeMistakes(t, test.cert, form.text)
			})
		}
	}
}

// judgeMistakes parses text with each mistake. Without the flag, it takes every
// letter of base64 where the algorithm of the key is, as far as the text has no
// lines, and elsewhere an even choice of mistakes, of which no two places near
// each other get the same.
func judgeMistakes(t *testing.T, c certs.Cert, text string) {
	const stride = 499 // prime to the number of characters and the length of lines
	// The SEQUENCEs of key and algorithm with its OID and parameters have no
	// more than 25 bytes.
	from := len(text)
	if text == c.Base64() {
		from = bytes.Index(c.DER(), c.X509().RawSubjectPublicKeyInfo) * 4 / 3
	}
	var n, tried, same int
	try := func(what string, at int, letter bool, damaged func() string) {
		if n++; !*everyCharacter && n%stride != 0 && !(letter && from <= at && at < from+34) {
			return
		}
		tried++
		s := damaged()
		switch got, err := certs.ParseOne([]byte(s)); {
		case err == nil && got == c:
			same++
		case err == nil:
			t.Errorf("%s at %d: %q came back as another certificate: %v", what, at, s[max(0, at-5):min(len(s), at+6)], got)
		}
	}
	for i := range len(text) {
		for _, r := range typedRunes {
			if r != rune(text[i]) {
				try("another character", i, slices.Contains(typedRunes[:64], r), func() string { return text[:i] + string(r) + text[i+1:] })
			}
		}
		try("a lost character", i, true, func() string { return text[:i] + text[i+1:] })
		try("a doubled character", i, true, func() string { return text[:i+1] + text[i:] })
		if i > 0 && text[i-1] != text[i] {
			try("swapped characters", i, true, func() string { return text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:] })
		}
	}
	t.Logf("%d of %d mistakes, of which %d mean the same certificate", tried, n, same)
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
