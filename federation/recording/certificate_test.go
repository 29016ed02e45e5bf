package recording

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// issue makes a certificate of somebody's, self-issued unless parent is given.
func issue(t *testing.T, key crypto.Signer, alg x509.SignatureAlgorithm, from time.Time, life time.Duration, issuer string) certs.Cert {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(4711), NotBefore: from, NotAfter: from.Add(life), SignatureAlgorithm: alg,
		Subject: pkix.Name{CommonName: "Ada Abbott", Organization: []string{"Fabrikam"}, Locality: []string{"Graz"}}}
	parent := tmpl
	if issuer != "" {
		parent = &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestCertificates: a certificate becomes a fresh one of the same kind, whatever it is written like.
func TestCertificates(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		key    crypto.Signer
		alg    x509.SignatureAlgorithm
		life   time.Duration
		issuer string
	}{
		{"RSA 2048", must(rsaLike(2048, 65537)), x509.SHA256WithRSA, 5 * 365 * 24 * time.Hour, ""},
		{"RSA 3072", must(rsaLike(3072, 3)), x509.SHA384WithRSA, time.Hour, ""},
		{"SHA-1", must(rsaLike(1024, 65537)), x509.SHA1WithRSA, time.Hour, ""},
		{"PSS", must(rsaLike(2048, 65537)), x509.SHA256WithRSAPSS, time.Hour, ""},
		{"P-256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), x509.ECDSAWithSHA256, 90 * 24 * time.Hour, ""},
		{"P-384", must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), x509.ECDSAWithSHA384, time.Hour, ""},
		{"Ed25519", ed, x509.PureEd25519, time.Hour, ""},
		{"of an authority", must(rsaLike(2048, 65537)), x509.SHA256WithRSA, time.Hour, "An authority of Fabrikam"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMask()
			real := issue(t, tt.key, tt.alg, at, tt.life, tt.issuer)
			text := replaced(m, "signingCertificate", real.Base64())
			got, err := certs.ParseOne([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got == real || strings.Contains(text, "\n") {
				t.Error("it is the real one, or not on one line")
			}
			x, y := real.X509(), got.X509()
			if x.SignatureAlgorithm != y.SignatureAlgorithm || x.PublicKeyAlgorithm != y.PublicKeyAlgorithm || size(x) != size(y) {
				t.Errorf("%v with %d bits becomes %v with %d bits", x.SignatureAlgorithm, size(x), y.SignatureAlgorithm, size(y))
			}
			if y.NotAfter.Sub(y.NotBefore) != tt.life || !y.NotBefore.Equal(at.Add(m.shift)) {
				t.Errorf("it is valid from %v to %v", y.NotBefore, y.NotAfter)
			}
			if bytes.Equal(y.RawIssuer, y.RawSubject) != (tt.issuer == "") || x.SerialNumber.Cmp(y.SerialNumber) == 0 {
				t.Errorf("subject %v, issuer %v, serial number %v", y.Subject, y.Issuer, y.SerialNumber)
			}
			for _, secret := range []string{"Ada", "Fabrikam", "Graz", "authority"} {
				if bytes.Contains(y.Raw, []byte(secret)) {
					t.Errorf("it holds %s", secret)
				}
			}
			for form, b := range map[string]string{
				"PEM": string(real.PEM()), "base64 of PEM": base64.StdEncoding.EncodeToString(real.PEM()), "lines": wrapped(real.Base64(), strings.Repeat("x", 64)+"\n"),
				"XML": "<X509Certificate>" + real.Base64() + "</X509Certificate>", "for URLs": base64.RawURLEncoding.EncodeToString(real.DER()),
				"JSON": `{"a":["` + real.Base64() + `"]}`,
			} {
				other, err := certs.ParseOne([]byte(replaced(m, "", b)))
				if form == "JSON" {
					other, err = certs.ParseOne([]byte(strings.Split(replaced(m, "", b), `"`)[3]))
				}
				if err != nil || other != got {
					t.Errorf("%s: %v, another certificate", form, err)
				}
			}
			renewed, err := certs.ParseOne([]byte(replaced(m, "", issue(t, tt.key, tt.alg, at.Add(time.Hour), tt.life, tt.issuer).Base64())))
			if err != nil || renewed == got || !bytes.Equal(renewed.X509().RawSubjectPublicKeyInfo, y.RawSubjectPublicKeyInfo) {
				t.Errorf("a renewed one of the same key: %v, another key", err)
			}
		})
	}
}

func size(c *x509.Certificate) int {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	}
	return 0
}

// TestNoKey: of a private key nothing is left.
func TestNoKey(t *testing.T) {
	der := must(x509.MarshalPKCS8PrivateKey(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
	key := base64.StdEncoding.EncodeToString(der)
	block := "-----BEGIN PRIVATE KEY-----\n" + key[:64] + "\n" + key[64:] + "\n-----END PRIVATE KEY-----\n"
	for _, member := range []string{"idpPrivateKey", "", "description"} {
		for _, form := range []string{block, base64.StdEncoding.EncodeToString([]byte(block)), "see " + block, key} {
			if got := replaced(newMask(), member, form); strings.Contains(got, key[30:60]) || got == form {
				t.Errorf("%s: %s", member, got)
			}
		}
	}
}
