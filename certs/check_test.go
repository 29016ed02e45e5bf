package certs_test

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
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

// selfSigned makes a certificate of one's own design.
func selfSigned(t *testing.T, key crypto.Signer, edit func(*x509.Certificate)) certs.Cert {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(4, 0, 0)}
	if edit != nil {
		edit(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return mustCert(t, der)
}

func TestCheck(t *testing.T) {
	key := rsaSigner().key
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := selfSigned(t, key, nil)
	end := good.X509().NotAfter
	for _, test := range []struct {
		name string
		cert certs.Cert
		at   time.Time
		want []string // severity code
	}{
		{"good", good, now, nil},
		{"JumpCloud 2021", mustCert(t, fixture(t, "jumpcloud-2021.pem")), now, nil},
		{"JumpCloud 2024", mustCert(t, fixture(t, "jumpcloud-2024.pem")), now, nil},
		{"new pair", pairA().Cert(), now, nil},
		{"zero", certs.Cert{}, now, []string{"error no-certificate"}},
		{"last second", good, end, []string{"warning expires-soon"}},
		{"expired", good, end.Add(time.Second), []string{"error expired"}},
		{"30 days", good, end.Add(-30 * 24 * time.Hour), []string{"warning expires-soon"}},
		{"more than 30 days", good, end.Add(-30*24*time.Hour - time.Second), nil},
		{"first second", good, good.X509().NotBefore, nil},
		{"not yet valid", good, good.X509().NotBefore.Add(-time.Second), []string{"error not-yet-valid"}},
		{"ecdsa", selfSigned(t, ec, nil), now, []string{"error not-rsa"}},
		{"ed25519", selfSigned(t, ed, nil), now, []string{"error not-rsa"}},
		{"rsa 1024", selfSigned(t, weak, nil), now, []string{"warning weak-rsa"}},
		{"10 years", selfSigned(t, key, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(10, 0, 0) }), now, nil},
		{"over 10 years", selfSigned(t, key, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(10, 0, 1) }), now, []string{"warning long-validity"}},
		{"ca", selfSigned(t, key, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), now, []string{"info ca"}},
		{"sha-1", selfSigned(t, key, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }), now, []string{"info weak-signature-hash"}},
		{"worst first", selfSigned(t, weak, func(c *x509.Certificate) {
			c.SignatureAlgorithm, c.IsCA, c.BasicConstraintsValid, c.NotAfter = x509.SHA1WithRSA, true, true, c.NotBefore.AddDate(20, 0, 0)
		}), now.AddDate(30, 0, 0), []string{"error expired", "warning weak-rsa", "warning long-validity", "info weak-signature-hash", "info ca"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range test.cert.Check(test.at) {
				got = append(got, p.Severity.String()+" "+string(p.Code))
				if s := p.String(); p.Message == "" || strings.Contains(s, "\n") || !strings.HasSuffix(s, "["+string(p.Code)+"]") {
					t.Errorf("String = %q", s)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Check (-want +got):\n%s", diff)
			}
		})
	}
}

// What Check says of certificates that crypto/x509 would not make: the length of
// the key at both sides of each bound, version 1, and a key that it cannot name.
func TestCheckOdd(t *testing.T) {
	modulus := func(bits uint) []byte {
		n := random(2048)
		n.Rsh(n, 2048-bits)
		return spkiOf("1.2.840.113549.1.1.1", derNull, rsaKeyDER(n.SetBit(n, 0, 1), big.NewInt(65537)))
	}
	v1 := unsigned(modulus(2048))
	v1.v1 = true
	for _, test := range []struct {
		name string
		d    design
		want string
	}{
		{"2048 bits", unsigned(modulus(2048)), ""},
		{"2047 bits", unsigned(modulus(2047)), "warning: the RSA key has 2047 bits"},
		{"1024 bits", unsigned(modulus(1024)), "warning: the RSA key has 1024 bits"},
		{"1023 bits", unsigned(modulus(1023)), "error: the RSA key has 1023 bits"},
		{"version 1", v1, "info: the certificate is X.509 version 1"},
		{"X448", unsigned(spkiOf("1.3.101.111", nil, make([]byte, 56))), "error: the key is of an unknown kind:"},
		{"ECDSA", unsigned(spkiOfKey(ecKey(t, elliptic.P256()).Public())), "error: the key is ECDSA:"},
	} {
		var got string
		for _, p := range mustCert(t, test.d.build()).Check(now) {
			got += p.String()
		}
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q; want %q", test.name, got, test.want)
		}
	}
}

// A damaged certificate can come from metadata, which is not pasted.
func TestCheckDamaged(t *testing.T) {
	der := pairA().Cert().DER()
	der[400] ^= 1
	md, err := certs.ParseMetadata([]byte(jumpCloudMetadata(b64(string(der)))))
	if err != nil {
		t.Fatal(err)
	}
	ps := md.SigningCerts[0].Check(now)
	if len(ps) != 1 || ps[0].Code != certs.CodeDamaged || ps[0].Severity != certs.Error {
		t.Errorf("Check = %v; want damaged", ps)
	}
	if _, err := certs.Parse([]byte(jumpCloudMetadata(b64(string(der))))); found(err) != certs.KindDamaged {
		t.Errorf("Parse: %v; want KindDamaged", err)
	}
}

// Every bit of a self-signed certificate counts.
func TestDamage(t *testing.T) {
	c := pairA().Cert()
	step := 7
	if testing.Short() {
		step = 101
	}
	for bit := 0; bit < 8*len(c.DER()); bit += step {
		der := c.DER()
		der[bit/8] ^= 1 << (bit % 8)
		if got, err := certs.ParseOne(der); err == nil {
			t.Errorf("bit %d: accepted as %v", bit, got)
		}
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range []certs.Severity{certs.Info, certs.Warning, certs.Error} {
		text, err := s.MarshalText()
		var back certs.Severity = 99
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%v -> %s -> %v", s, text, back)
		}
	}
	var s certs.Severity
	if err := s.UnmarshalText([]byte("bad")); err == nil {
		t.Error("UnmarshalText(bad) succeeds")
	}
	for n, want := range map[int]string{40: strings.Repeat("x", 40), 41: strings.Repeat("x", 40) + "…"} {
		if err := s.UnmarshalText([]byte(strings.Repeat("x", n))); err == nil || !strings.Contains(err.Error(), `"`+want+`"`) {
			t.Errorf("UnmarshalText of %d letters: %v", n, err)
		}
	}
	if got := certs.Severity(7).String(); got != "Severity(7)" {
		t.Errorf("String = %q", got)
	}
}

func TestNewKeyPair(t *testing.T) {
	k := pairA()
	x := k.Cert().X509()
	if x.Version != 3 || x.SignatureAlgorithm != x509.SHA256WithRSA || len(x.Extensions) > 0 || x.PublicKey.(*rsa.PublicKey).N.BitLen() < 2048 || x.SerialNumber.BitLen() < 64 {
		t.Errorf("certificate %v %v %v %v", x.Version, x.SignatureAlgorithm, x.Extensions, x.SerialNumber)
	}
	if !x.NotBefore.Equal(now.AddDate(-1, 0, 0)) || !x.NotAfter.Equal(now.AddDate(4, 0, 0)) || !bytes.Equal(x.RawIssuer, x.RawSubject) {
		t.Errorf("certificate %v %v %v", x.NotBefore, x.NotAfter, x.Issuer)
	}
	if ps := k.Cert().Check(now); len(ps) > 0 {
		t.Errorf("Check = %v", ps)
	}
	if _, err := certs.Parse(k.PrivateKeyPEM()); found(err) != certs.KindPrivateKey {
		t.Errorf("Parse(PrivateKeyPEM) = %v", err)
	}
	if pairB().Cert() == k.Cert() {
		t.Error("two pairs have one certificate")
	}
	subject, year := pkix.Name{CommonName: "x"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}
	for _, tt := range []struct {
		name     string
		subject  pkix.Name
		lifetime certs.Lifetime
		bits     int
		say      string
	}{
		{"no subject", pkix.Name{}, year, 0, "needs a subject"},
		{"no lifetime", subject, certs.Lifetime{}, 0, "set both times"},
		{"no end", subject, certs.Lifetime{NotBefore: now}, 0, "set both times"},
		{"ends at once", subject, certs.Lifetime{NotBefore: now, NotAfter: now}, 0, "set both times"},
		{"too long", subject, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(11, 0, 0)}, 0, "10 years"},
		{"too few bits", subject, year, 2047, "2048 to 4096 bits, not 2047"},
		{"too many bits", subject, year, 4097, "2048 to 4096 bits, not 4097"},
		{"negative bits", subject, year, -1, "not -1"},
	} {
		k, err := certs.NewKeyPair(tt.subject, tt.lifetime, tt.bits)
		if err == nil || k != nil || !strings.HasPrefix(err.Error(), "certs: ") || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v, %v; want an error with %q", tt.name, k, err, tt.say)
		}
	}
}

func TestKeyPairBits(t *testing.T) {
	if got := pairA().Bits(); got != 2048 {
		t.Errorf("Bits = %d; want 2048, which is what 0 means", got)
	}
	if got := (certs.KeyPair{}).Bits(); got != 0 {
		t.Errorf("Bits of no pair = %d", got)
	}
	for _, bits := range []int{2049, 3072} {
		k, err := certs.NewKeyPair(pkix.Name{CommonName: "x"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}, bits)
		if err != nil {
			t.Fatal(err)
		}
		if n := k.Cert().X509().PublicKey.(*rsa.PublicKey).N.BitLen(); k.Bits() != bits || n != bits {
			t.Errorf("Bits = %d, the certificate's key has %d; want %d", k.Bits(), n, bits)
		}
	}
}

func TestKeyPairRedacts(t *testing.T) {
	k := pairA()
	type holder struct {
		Pair  *certs.KeyPair
		Value certs.KeyPair
		pair  *certs.KeyPair
	}
	h := holder{k, *k, k}
	secret := strings.Split(string(k.PrivateKeyPEM()), "\n")[10]
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "pair", k, "value", *k, "holder", h)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pair", k, "value", *k, "holder", h)
	js, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	d := new(big.Int).SetBytes([]byte(secret)).String()
	for _, s := range []string{
		fmt.Sprint(k), fmt.Sprint(*k), fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k), fmt.Sprintf("%v %+v %#v", h, h, h), log.String(), string(js),
	} {
		if leaks(s) || strings.Contains(s, secret) || strings.Contains(s, d) || strings.Contains(s, "D:") {
			t.Errorf("the key shows in %q", s)
		}
		if !strings.Contains(s, "redacted") && !strings.Contains(s, "0x") {
			t.Errorf("%q does not say that something is redacted", s)
		}
	}
	var zero certs.KeyPair
	if zero.PrivateKeyPEM() != nil || !zero.Cert().IsZero() || zero.String() == "" {
		t.Error("the zero value has content")
	}
}

func TestCertValue(t *testing.T) {
	c := pairA().Cert()
	var zero certs.Cert
	if !zero.IsZero() || zero.Base64() != "" || zero.PEM() != nil || zero.DER() != nil || zero.X509() != nil || zero.Thumbprint() != "" || zero.Fingerprint() != "" ||
		zero.String() != "no certificate" || zero.LogValue().String() != "no certificate" {
		t.Error("the zero value has content")
	}
	if c.IsZero() || !c.Equal(mustCert(t, c.PEM())) || c.Equal(zero) {
		t.Error("Equal is wrong")
	}
	der := c.DER()
	der[0] = 0
	if c.DER()[0] != 0x30 {
		t.Error("DER gives away the certificate's own bytes")
	}
	want := "CN=JumpCloudSAMLUser,OU=JumpCloudSAMLIdP,O=Example,L=Boulder,ST=CO,C=US (thumbprint " + c.Thumbprint() + ", expires 2030-03-01)"
	if c.String() != want || fmt.Sprintf("%v|%s|%#v", c, c, c) != want+"|"+want+"|certs.Cert("+want+")" {
		t.Errorf("String = %q", c)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cert", c)
	if !strings.Contains(log.String(), "cert.thumbprint="+c.Thumbprint()) {
		t.Errorf("log = %s", &log)
	}
	type plan struct {
		Cert  certs.Cert
		Other certs.Cert          `json:",omitzero"`
		ByKey map[certs.Cert]bool `json:",omitempty"`
	}
	in := plan{Cert: c, ByKey: map[certs.Cert]bool{c: true}}
	js, err := json.Marshal(in)
	if err != nil || strings.Contains(string(js), "Other") || !strings.Contains(string(js), `"Cert":"`+c.Base64()+`"`) {
		t.Fatalf("%s, %v", js, err)
	}
	var out plan
	if err := json.Unmarshal(js, &out); err != nil || !cmp.Equal(in, out) {
		t.Errorf("%v, %v; want %v", out, err, in)
	}
	if err := json.Unmarshal([]byte(`{"Cert":`+jsonString(string(c.PEM()))+`}`), &out); err != nil || out.Cert != c {
		t.Errorf("from PEM: %v, %v", out.Cert, err)
	}
	if err := json.Unmarshal([]byte(`{"Cert":""}`), &out); err != nil || !out.Cert.IsZero() {
		t.Errorf("from nothing: %v, %v", out.Cert, err)
	}
	if err := json.Unmarshal([]byte(`{"Cert":"x"}`), &out); found(err) != certs.KindNotCertificate {
		t.Errorf("from x: %v", err)
	}
}

// The name in errors and logs is there, and of bounded length.
func TestSubject(t *testing.T) {
	named := func(cn string) string {
		return selfSigned(t, ecKey(t, elliptic.P256()), func(c *x509.Certificate) { c.Subject.CommonName = cn }).String()
	}
	for cn, want := range map[string]string{
		"":                       "empty subject (",
		"x":                      "CN=x (",
		strings.Repeat("x", 197): "CN=" + strings.Repeat("x", 197) + " (",
		strings.Repeat("x", 198): "CN=" + strings.Repeat("x", 197) + "… (",
	} {
		if got := named(cn); !strings.HasPrefix(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

// What metadata holds in place of a certificate is refused, also where damaged
// ones are let through to be looked at.
func TestMetadataHoldsCertificates(t *testing.T) {
	d := unsigned(spkiOf("1.2.840.113549.1.1.1", derNull, []byte("no key"))).build()
	if md, err := certs.ParseMetadata([]byte(jumpCloudMetadata(b64(string(d))))); found(err) != certs.KindUnreadable {
		t.Errorf("%v, %v; want KindUnreadable", md, err)
	}
}
