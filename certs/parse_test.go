package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/certs"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newPair(cn string) *certs.KeyPair {
	kp, err := certs.NewKeyPair(pkix.Name{
		Country: []string{"US"}, Province: []string{"CO"}, Locality: []string{"Boulder"}, Organization: []string{"Example"},
		OrganizationalUnit: []string{"JumpCloudSAMLIdP"}, CommonName: cn,
	}, certs.Lifetime{NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(4, 0, 0)}, 0)
	if err != nil {
		panic(err)
	}
	return kp
}

// The pairs of the tests, made once.
var (
	pairA = sync.OnceValue(func() *certs.KeyPair { return newPair("JumpCloudSAMLUser") })
	pairB = sync.OnceValue(func() *certs.KeyPair { return newPair("another") })
)

func TestParseForms(t *testing.T) {
	// Two certificates, for the accidents of base64: padding, + and /.
	for _, pair := range []*certs.KeyPair{pairA(), pairB()} {
		c := pair.Cert()
		for _, f := range acceptable(c) {
			t.Run(f.name, func(t *testing.T) {
				got, err := certs.ParseOne(f.b)
				if err != nil {
					t.Fatal(err)
				}
				if got != c {
					t.Fatalf("ParseOne = %v; want %v", got, c)
				}
				if s, err := certs.Normalize(f.b); err != nil || s != c.Base64() {
					t.Errorf("Normalize = %q, %v", s, err)
				}
				if cs, err := certs.Parse(f.b); err != nil || len(cs) != 1 || cs[0] != c {
					t.Errorf("Parse = %v, %v", cs, err)
				}
			})
		}
	}
}

// privateKeyForms returns a private key in the forms that could hide in an
// input.
func privateKeyForms(t *testing.T) map[string][]byte {
	t.Helper()
	pkcs8PEM := pairA().PrivateKeyPEM()
	block, _ := pem.Decode(pkcs8PEM)
	anyKey, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(anyKey.(*rsa.PrivateKey))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edDER, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.StdEncoding.EncodeToString
	armour := func(label string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}) }
	pkcs8Text := string(pkcs8PEM)
	return map[string][]byte{
		"pkcs8 pem":                pkcs8PEM,
		"pkcs8 der":                block.Bytes,
		"pkcs8 base64":             []byte(enc(block.Bytes)),
		"pkcs8 base64 folded":      []byte(fold(enc(block.Bytes), 64, "\n")),
		"pkcs8 base64 url":         []byte(base64.RawURLEncoding.EncodeToString(block.Bytes)),
		"pkcs8 as certificate":     armour("CERTIFICATE", block.Bytes),
		"pkcs8 utf-16":             utf16Text(pkcs8Text, false, true),
		"pkcs8 base64 of pem":      []byte(enc(pkcs8PEM)),
		"pkcs8 json":               []byte(`{"key":` + jsonString(pkcs8Text) + `}`),
		"pkcs8 json string":        []byte(jsonString(pkcs8Text)),
		"pkcs8 escaped":            []byte(strings.ReplaceAll(pkcs8Text, "\n", `\n`)),
		"pkcs8 percent":            []byte(url.QueryEscape(pkcs8Text)),
		"pkcs8 percent everything": []byte(percentAll(pkcs8Text)),
		"pkcs8 em dashes":          []byte(strings.ReplaceAll(pkcs8Text, "-----", "—")),
		"pkcs8 no dashes":          []byte(strings.ReplaceAll(pkcs8Text, "-----", "")),
		"pkcs8 lower case":         []byte(strings.NewReplacer("BEGIN PRIVATE KEY", "begin private key", "END PRIVATE KEY", "end private key").Replace(pkcs8Text)),
		"pkcs8 squashed":           []byte(strings.ReplaceAll(pkcs8Text, "PRIVATE KEY", "PRIVATEKEY")),
		"pkcs8 without begin":      []byte(pkcs8Text[strings.Index(pkcs8Text, "\n")+1:]),
		"pkcs8 hex":                []byte(hex.EncodeToString(block.Bytes)),
		"pkcs8 cut off":            block.Bytes[:200],
		"pkcs8 cut off base64":     []byte(enc(block.Bytes[:200])),
		"pkcs1 pem":                armour("RSA PRIVATE KEY", pkcs1),
		"pkcs1 der":                pkcs1,
		"pkcs1 base64":             []byte(enc(pkcs1)),
		"sec1 pem":                 armour("EC PRIVATE KEY", sec1),
		"sec1 der":                 sec1,
		"sec1 base64":              []byte(enc(sec1)),
		"ed25519 der":              edDER,
		"ed25519 base64":           []byte(enc(edDER)),
		"encrypted pem":            []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE6TAbBgkqhkiG9w0BBQMwDgQI\n-----END ENCRYPTED PRIVATE KEY-----\n"),
		"openssh":                  []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n"),
		"putty":                    []byte("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n"),
		"dotnet":                   []byte("<RSAKeyValue><Modulus>sZ+9</Modulus><Exponent>AQAB</Exponent><D>zZ9</D></RSAKeyValue>"),
		"jwk":                      []byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx","e":"AQAB","d":"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH"}`),
	}
}

// pieces of the key, none of which may appear anywhere.
func leaks(s string) bool {
	block, _ := pem.Decode(pairA().PrivateKeyPEM())
	b64 := base64.StdEncoding.EncodeToString(block.Bytes)
	for i := 420; i+12 <= len(b64); i += 12 { // before that is the modulus, which is public
		if strings.Contains(s, b64[i:i+12]) {
			return true
		}
	}
	return false
}

func TestPrivateKeys(t *testing.T) {
	other := pairB().Cert()
	for name, key := range privateKeyForms(t) {
		inputs := map[string][]byte{"alone": key}
		if utf8.Valid(key) && !bytes.Contains(key, []byte{0}) && name != "dotnet" && name != "jwk" && !strings.HasPrefix(name, "pkcs8 json") {
			inputs["before a certificate"] = append(append(bytes.Clone(key), '\n'), other.PEM()...)
			inputs["behind a certificate"] = append(other.PEM(), key...)
		} else if key[0] == 0x30 && name != "pkcs8 cut off" {
			inputs["behind a certificate"] = append(other.DER(), key...)
		}
		for where, in := range inputs {
			t.Run(name+" "+where, func(t *testing.T) {
				cs, err := certs.Parse(in)
				var perr *certs.ParseError
				if !errors.As(err, &perr) {
					t.Fatalf("Parse = %v, %v; want a ParseError", cs, err)
				}
				if perr.Found != certs.KindPrivateKey && perr.Found != certs.KindEncryptedPrivateKey {
					t.Errorf("Found = %q (%v); want a private key", perr.Found, err)
				}
				if s := fmt.Sprintf("%v %+v %#v %q", err, err, perr, errors.Unwrap(err)); leaks(s) {
					t.Error("the error holds a piece of the key")
				}
				if _, err := certs.ParseMetadata(in); err == nil || leaks(fmt.Sprintf("%#v", err)) {
					t.Errorf("ParseMetadata: %v", err)
				}
			})
		}
	}
}

// What is read has an end: in bytes, and in how often it is wrapped.
func TestParseEnds(t *testing.T) {
	blank := bytes.Repeat([]byte(" "), certs.MaxInput+1)
	if _, err := certs.Parse(blank[:certs.MaxInput]); found(err) != certs.KindEmpty {
		t.Errorf("as much as is read: %v", err)
	}
	if _, err := certs.Parse(blank); found(err) != certs.KindTooLarge || !strings.Contains(err.Error(), "16777217 bytes, where at most 16 MiB") {
		t.Errorf("a byte more: %v", err)
	}
	c := pairA().Cert()
	for _, inner := range []string{string(c.PEM()), c.Base64()} {
		in := inner
		for range 5 {
			in = base64.StdEncoding.EncodeToString([]byte(in))
		}
		if got, err := certs.ParseOne([]byte(in)); err != nil || got != c {
			t.Errorf("base64 of it five times: %v, %v", got, err)
		}
		in = base64.StdEncoding.EncodeToString([]byte(in))
		if _, err := certs.ParseOne([]byte(in)); found(err) != certs.KindNotCertificate || !strings.Contains(err.Error(), "base64 of text") {
			t.Errorf("base64 of it six times: %v", err)
		}
	}
}

// Base64 in the URL alphabet may hold what looks like half of a marker.
func TestParseHyphenatedWords(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"-End4u-A", "-ENDdn-w", "-BEGINa-", "-beginX-", "--EnDa-A", "-EnDaB--"} {
		b, err := base64.URLEncoding.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		value := slices.Concat(b, []byte{0}, b, []byte{0}, b) // one of them stands where a letter begins
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.AddDate(1, 0, 0), Subject: pkix.Name{CommonName: "words"},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Value: value}},
		}, &x509.Certificate{Subject: pkix.Name{CommonName: "words"}}, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		text := base64.URLEncoding.EncodeToString(der)
		if !strings.Contains(text, word) {
			t.Fatalf("%s is not in %s", word, text)
		}
		for _, in := range []string{text, fold(text, 64, "\n"), strings.Replace(text, word, "\n"+word+"\n", 1)} {
			if c, err := certs.ParseOne([]byte(in)); err != nil || !bytes.Equal(c.DER(), der) {
				t.Errorf("%s: %v, %v", word, c, err)
			}
		}
	}
}
