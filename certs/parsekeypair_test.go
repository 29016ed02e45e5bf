package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// rsaKey is the key of a pair.
func rsaKeyOf(t testing.TB, k *certs.KeyPair) *rsa.PrivateKey {
	t.Helper()
	b, _ := pem.Decode(k.PrivateKeyPEM())
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func TestParseKeyPair(t *testing.T) {
	k := pairA()
	pkcs8, pkcs1 := k.PrivateKeyPEM(), block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKeyOf(t, k)))
	windows := func(pem []byte) []byte { return bytes.ReplaceAll(pem, []byte("\n"), []byte("\r\n")) }
	for name, in := range map[string]struct{ cert, key []byte }{
		"as it was made":                {k.Cert().PEM(), pkcs8},
		"PKCS#1":                        {k.Cert().PEM(), pkcs1},
		"line ends of Windows":          {windows(k.Cert().PEM()), windows(pkcs8)},
		"text around the key":           {k.Cert().PEM(), []byte("Bag Attributes\n  friendlyName: idp\n" + string(pkcs8) + "\n\n")},
		"no PEM around the certificate": {[]byte(k.Cert().Base64()), pkcs8},
	} {
		cert, key := bytes.Clone(in.cert), bytes.Clone(in.key)
		got, err := certs.ParseKeyPair(cert, key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Cert() != k.Cert() || !bytes.Equal(got.PrivateKeyPEM(), pkcs8) || got.Bits() != 2048 {
			t.Errorf("%s: %v, of %d bits; want %v", name, got, got.Bits(), k)
		}
		if !bytes.Equal(cert, in.cert) || !bytes.Equal(key, in.key) {
			t.Errorf("%s: an argument was changed", name)
		}
		clear(key)
		if !bytes.Equal(got.PrivateKeyPEM(), pkcs8) {
			t.Errorf("%s: the pair shares the argument's memory", name)
		}
	}
}

func TestParseKeyPairRefuses(t *testing.T) {
	k := pairA()
	cert, key, private := k.Cert().PEM(), k.PrivateKeyPEM(), rsaKeyOf(t, k)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec8, _ := x509.MarshalPKCS8PrivateKey(ec)
	sec1, _ := x509.MarshalECPrivateKey(ec)
	public, _ := x509.MarshalPKIXPublicKey(&private.PublicKey)
	ecCert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ec"}},
		&x509.Certificate{}, ec.Public(), ec)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(private)
	legacy := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1,
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,D5E9B4F1A0C7D5E9B4F1A0C7D5E9B4F1"}}
	bent := bytes.Clone(pkcs1)
	bent[len(bent)/2] ^= 1              // in a prime
	quick, err := asn1.Marshal(struct { // only what makes signing fast is damaged
		Version                     int
		N                           *big.Int
		E                           int
		D, P, Q, ExpP, ExpQ, Coeffs *big.Int
	}{0, private.N, private.E, private.D, private.Primes[0], private.Primes[1],
		new(big.Int).Xor(private.Precomputed.Dp, big.NewInt(2)), private.Precomputed.Dq, private.Precomputed.Qinv})
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := pem.Decode(key)

	for _, tt := range []struct {
		name      string
		cert, key []byte
		found     certs.Kind
		say       string
	}{
		{"no certificate", nil, key, certs.KindEmpty, ""},
		{"no key", cert, nil, certs.KindEmpty, "the private key is missing"},
		{"white space for a key", cert, []byte(" \r\n"), certs.KindEmpty, "the private key is missing"},
		{"exchanged", key, cert, certs.KindPrivateKey, ""},
		{"the certificate twice", cert, cert, certs.KindNotKey, "exchanged?"},
		{"the key twice", key, key, certs.KindPrivateKey, ""},
		{"another pair's key", cert, pairB().PrivateKeyPEM(), certs.KindOtherKey, "do not belong together"},
		{"another pair's certificate", pairB().Cert().PEM(), key, certs.KindOtherKey, "do not belong together"},
		{"two certificates", append(bytes.Clone(cert), pairB().Cert().PEM()...), key, certs.KindSeveral, ""},
		{"certificate and key in one", append(bytes.Clone(cert), key...), key, certs.KindPrivateKey, ""},
		{"key and certificate in one", cert, append(bytes.Clone(key), cert...), certs.KindNotKey, "more than one PEM block"},
		{"certificate and key, for the key", cert, append(bytes.Clone(cert), key...), certs.KindNotKey, "more than one PEM block"},
		{"two keys", cert, append(bytes.Clone(key), key...), certs.KindNotKey, "more than one PEM block"},
		{"half a block behind", cert, append(bytes.Clone(key), "-----BEGIN PRIV"...), certs.KindNotKey, "more than one PEM block"},
		{"half a block before", cert, append([]byte("-----BEGIN PRIVATE KEY-----\nMIIE\n"), key...), certs.KindNotKey, ""},
		{"cut key", cert, key[:len(key)/2], certs.KindNotKey, "no PEM block that is whole"},
		{"no PEM", cert, []byte(base64.StdEncoding.EncodeToString(encoded.Bytes)), certs.KindNotKey, "no PEM block"},
		{"DER", cert, encoded.Bytes, certs.KindNotKey, "no PEM block"},
		{"encrypted", cert, block("ENCRYPTED PRIVATE KEY", []byte("x")), certs.KindEncryptedPrivateKey, "take the passphrase off"},
		{"encrypted, old", cert, pem.EncodeToMemory(legacy), certs.KindEncryptedPrivateKey, "take the passphrase off"},
		{"EC", cert, block("PRIVATE KEY", ec8), certs.KindUnusableKey, "not RSA"},
		{"EC, old", cert, block("EC PRIVATE KEY", sec1), certs.KindUnusableKey, "not RSA"},
		{"EC, both", block("CERTIFICATE", ecCert), block("PRIVATE KEY", ec8), certs.KindUnusableKey, "not RSA"},
		{"EC certificate", block("CERTIFICATE", ecCert), key, certs.KindUnusableKey, "the certificate's key is ECDSA"},
		{"of SSH", cert, block("OPENSSH PRIVATE KEY", []byte("x")), certs.KindSSHKey, "for SSH"},
		{"public", cert, block("PUBLIC KEY", public), certs.KindPublicKey, "the private key is needed"},
		{"named wrongly", cert, block("PRIVATE KEY", pkcs1), certs.KindUnusableKey, "damaged, or not what the PEM block says"},
		{"named wrongly, the other way", cert, block("RSA PRIVATE KEY", encoded.Bytes), certs.KindUnusableKey, "damaged"},
		{"something behind", cert, block("RSA PRIVATE KEY", append(bytes.Clone(pkcs1), 0)), certs.KindUnusableKey, "damaged"},
		{"one bit is wrong", cert, block("RSA PRIVATE KEY", bent), certs.KindUnusableKey, "damaged"},
		{"what makes signing fast is wrong", cert, block("RSA PRIVATE KEY", quick), certs.KindUnusableKey, "damaged"},
		{"nothing in it", cert, block("PRIVATE KEY", nil), certs.KindUnusableKey, "damaged"},
		{"too large", cert, bytes.Repeat([]byte(" x\n"), 1<<20), certs.KindTooLarge, "few KiB"},
	} {
		got, err := certs.ParseKeyPair(tt.cert, tt.key)
		var perr *certs.ParseError
		if got != nil || !errors.As(err, &perr) {
			t.Errorf("%s: %v, %v; want a ParseError", tt.name, got, err)
			continue
		}
		if perr.Found != tt.found || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v; want %q with %q", tt.name, err, tt.found, tt.say)
		}
		checkErrorText(t, err)
		noPieces(t, err, tt.cert, tt.key)
	}
}

// noPieces fails if a text of err holds a piece of what was passed in. That a block
// is named is no piece of it.
func noPieces(t *testing.T, err error, inputs ...[]byte) {
	t.Helper()
	const piece = 12
	for ; err != nil; err = errors.Unwrap(err) {
		text := err.Error()
		for _, in := range inputs {
			for _, line := range strings.FieldsFunc(string(in), func(r rune) bool { return r == '\n' || r == '\r' || r == '-' }) {
				for i := 0; i+piece <= len(line); i += piece {
					if part := line[i : i+piece]; strings.Contains(text, part) && strings.Trim(part, part[:1]) != "" && !strings.HasSuffix(part, " KEY") {
						t.Errorf("%q holds %q of what was passed in", text, part)
					}
				}
			}
		}
	}
}

// TestSamePublicKey: a certificate that was made anew for the old key is another
// one and of the same key.
func TestSamePublicKey(t *testing.T) {
	a, b := pairA(), pairB()
	key := rsaKeyOf(t, a)
	selfSigned := func(key crypto.Signer, hash x509.SignatureAlgorithm) certs.Cert {
		t.Helper()
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "again"},
			NotBefore: now, NotAfter: now.AddDate(1, 0, 0), SignatureAlgorithm: hash}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := certs.ParseOne(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ec := func() certs.Cert {
		t.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return selfSigned(k, x509.ECDSAWithSHA256)
	}
	renewed, otherHash := selfSigned(key, x509.SHA256WithRSA), selfSigned(key, x509.SHA512WithRSA)
	curve, another := ec(), ec()
	for _, tt := range []struct {
		name string
		c, d certs.Cert
		want bool
	}{
		{"itself", a.Cert(), a.Cert(), true},
		{"made anew", a.Cert(), renewed, true},
		{"signed with another hash", renewed, otherHash, true},
		{"another pair", a.Cert(), b.Cert(), false},
		{"another pair, made anew", renewed, b.Cert(), false},
		{"no RSA", curve, curve, true},
		{"two of no RSA", curve, another, false},
		{"RSA and another", a.Cert(), curve, false},
		{"none", certs.Cert{}, a.Cert(), false},
		{"none twice", certs.Cert{}, certs.Cert{}, false},
	} {
		if got, back := tt.c.SamePublicKey(tt.d), tt.d.SamePublicKey(tt.c); got != tt.want || back != tt.want {
			t.Errorf("%s: %v, and the other way %v; want %v", tt.name, got, back, tt.want)
		}
	}
	if renewed == a.Cert() {
		t.Error("the certificate that was made anew is the old one")
	}
}

func FuzzParseKeyPair(f *testing.F) {
	k := pairA()
	cert, key := k.Cert().PEM(), k.PrivateKeyPEM()
	f.Add(cert, key)
	f.Add(key, cert)
	f.Add([]byte(k.Cert().Base64()), append(bytes.Clone(key), cert...))
	f.Add(cert, pairB().PrivateKeyPEM())
	f.Add(cert, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKeyOf(f, k))))
	f.Add(cert, block("ENCRYPTED PRIVATE KEY", []byte("x")))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		before := bytes.Clone(key)
		got, err := certs.ParseKeyPair(cert, key)
		if !bytes.Equal(key, before) {
			t.Fatal("the key was changed")
		}
		if err != nil {
			checkError(t, err)
			if got != nil {
				t.Fatal("a pair beside an error")
			}
			return
		}
		checkCert(t, got.Cert())
		again, err := certs.ParseKeyPair(got.Cert().PEM(), got.PrivateKeyPEM())
		if err != nil || again.Cert() != got.Cert() || !bytes.Equal(again.PrivateKeyPEM(), got.PrivateKeyPEM()) {
			t.Fatalf("what was read is read differently: %v, %v", again, err)
		}
		signed, want := rsaKeyOf(t, got).PublicKey, got.Cert().X509().PublicKey.(*rsa.PublicKey)
		if !signed.Equal(want) {
			t.Fatal("the key is not the certificate's")
		}
	})
}
