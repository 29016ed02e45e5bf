package certs_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/jcaad/jcaad/certs"
)

// printedRSA is a key as openssl pkey -text prints it.
func printedRSA(t *testing.T) string {
	t.Helper()
	block, _ := pem.Decode(pairA().PrivateKeyPEM())
	anyKey, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := anyKey.(*rsa.PrivateKey)
	dump := func(b []byte) string {
		return "\n    " + fold(fold(fmt.Sprintf("%x", b), 2, ":"), 45, "\n    ") + "\n"
	}
	return "Private-Key: (2048 bit, 2 primes)\nmodulus:" + dump(key.N.Bytes()) + "publicExponent: 65537 (0x10001)\nprivateExponent:" + dump(key.D.Bytes()) +
		"prime1:" + dump(key.Primes[0].Bytes()) + "prime2:" + dump(key.Primes[1].Bytes())
}

func TestWordsAreNoKey(t *testing.T) {
	c := pairA().Cert()
	for _, words := range []string{
		"The text must not begin with a private key, please.",
		"BEGIN with the certificate; the PRIVATE KEY stays on the server",
		"Never send a file that says -----BEGIN PRIVATE KEY----- to anybody.",
		"-----BEGIN RSA PRIVATE KEY-----\n[redacted]\n-----END RSA PRIVATE KEY-----",
		"the end of the private key\n",
		"privateExponent: (not shown)\nprime1: (not shown)\npriv: no",
		"a PuTTY-User-Key-File is not needed, nor an AGE-SECRET-KEY-1",
		"no RSAKeyValue with a D, please",
	} {
		for where, in := range map[string]string{"before": words + "\n" + string(c.PEM()), "behind": string(c.PEM()) + words + "\n"} {
			if got, err := certs.ParseOne([]byte(in)); err != nil || got != c {
				t.Errorf("%s the certificate, %q: ParseOne = %v, %v", where, words, got, err)
			}
		}
		doc := strings.Replace(jumpCloudMetadata(c.Base64()), "<md:IDPSSO", "<!-- "+strings.ReplaceAll(words, "--", "==")+" --><md:IDPSSO", 1)
		if md, err := certs.ParseMetadata([]byte(doc)); err != nil || md.SigningCerts[0] != c {
			t.Errorf("in a comment, %q: ParseMetadata = %v, %v", words, md, err)
		}
		if md, err := certs.ReadMetadataFor(strings.NewReader(doc), "urn:uri:example.com"); err != nil || md.SigningCerts[0] != c {
			t.Errorf("in a comment, %q: ReadMetadataFor = %v, %v", words, md, err)
		}
	}
}

// A key may hide where nobody reads it, and still be sent to everybody.
func TestHiddenKeys(t *testing.T) {
	c := pairB().Cert()
	text := keyText(pairA())
	bare := strings.ReplaceAll(text, "\n", "")
	pemText := string(pairA().PrivateKeyPEM())
	printed := printedRSA(t)
	priv := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("some number, ", 5)))
	rsaValue := `<ds:RSAKeyValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Modulus>sZ+9</ds:Modulus><ds:Exponent>AQAB</ds:Exponent><ds:D>` + priv + `</ds:D></ds:RSAKeyValue>`
	doc := jumpCloudMetadata(c.Base64())
	into := func(old, with string) string { return strings.Replace(doc, old, with, 1) }
	for name, in := range map[string]string{
		"attribute":                into("<md:IDPSSO", `<md:Extensions key="`+bare+`"/><md:IDPSSO`),
		"attribute in single":      into("<md:IDPSSO", `<md:Extensions key='`+bare+`'/><md:IDPSSO`),
		"comment":                  into("<md:IDPSSO", `<!-- `+bare+` --><md:IDPSSO`),
		"comment, folded":          into("<md:IDPSSO", "<!--\n"+text+"\n--><md:IDPSSO"),
		"comment before the root":  into("<md:Entity", `<!-- `+bare+` --><md:Entity`),
		"comment behind the root":  doc + `<!-- ` + bare + ` -->`,
		"instruction":              into("<md:IDPSSO", `<?key `+bare+`?><md:IDPSSO`),
		"text behind words":        into("<md:IDPSSO", `<md:Extensions>key: `+bare+`</md:Extensions><md:IDPSSO`),
		"cdata":                    into("<md:IDPSSO", `<md:Extensions><![CDATA[`+pemText+`]]></md:Extensions><md:IDPSSO`),
		"printed in a comment":     into("<md:IDPSSO", `<!-- `+printed+` --><md:IDPSSO`),
		"RSAKeyValue with D":       into("<md:NameIDFormat>", rsaValue+"<md:NameIDFormat>"),
		"RSAKeyValue in a comment": into("<md:NameIDFormat>", "<!-- "+rsaValue+" --><md:NameIDFormat>"),
		"beyond the first window":  into("<md:IDPSSO", strings.Repeat("<!-- nothing -->\n", 3000)+`<!-- `+bare+` --><md:IDPSSO`),
	} {
		t.Run(name, func(t *testing.T) {
			for what, read := range map[string]func() error{
				"Parse":         func() error { _, err := certs.Parse([]byte(in)); return err },
				"ParseMetadata": func() error { _, err := certs.ParseMetadata([]byte(in)); return err },
				"ReadMetadataFor": func() error {
					_, err := certs.ReadMetadataFor(strings.NewReader(in), "urn:uri:example.com")
					return err
				},
				"ReadMetadataFor, bytewise": func() error {
					_, err := certs.ReadMetadataFor(iotest.OneByteReader(strings.NewReader(in)), "urn:uri:example.com")
					return err
				},
			} {
				if err := read(); found(err) != certs.KindPrivateKey || leaks(err.Error()) {
					t.Errorf("%s: %v; want a private key", what, err)
				}
			}
		})
	}
	public := strings.Replace(rsaValue, "ds:D>", "ds:E>", 2)
	if md, err := certs.ParseMetadata([]byte(into("<md:NameIDFormat>", public+"<md:NameIDFormat>"))); err != nil {
		t.Errorf("RSAKeyValue without D: %v, %v", md, err)
	}
	for name, in := range map[string]string{
		"printed":          printed,
		"printed, mail":    "> " + strings.ReplaceAll(printed, "\n", "\n> "),
		"printed EC":       "Private-Key: (256 bit)\npriv:\n    00:e1:2f:55:aa:bb:cc:dd:ee:ff:01:02:03:04:05:\n    06:07\npub:\n    04:aa\n",
		"certtool":         "\tprivate exponent:\n\t\t" + strings.Repeat("0a:", 40) + "\n",
		"BIND":             "Private-key-format: v1.3\nPrivateExponent: " + priv + "\n",
		"old, encrypted":   "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n" + priv + "\n",
		"label with %20":   "-----BEGIN%20PRIVATE%20KEY-----%0A" + priv,
		"only the END":     "zz" + priv + "\n-----END RSA PRIVATE KEY-----\n",
		"of another maker": "-----BEGIN FOO PRIVATE KEY-----\n" + priv + "\n",
	} {
		for where, in := range map[string]string{"before": in + "\n" + string(c.PEM()), "behind": string(c.PEM()) + in} {
			cs, err := certs.Parse([]byte(in))
			if k := found(err); k != certs.KindPrivateKey && k != certs.KindEncryptedPrivateKey {
				t.Errorf("%s %s the certificate: Parse = %v, %v; want a private key", name, where, cs, err)
			}
		}
	}
}
