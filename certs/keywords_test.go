package certs_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Words about a private key are no key.
func TestWordsAboutKeys(t *testing.T) {
	c := pairB().Cert()
	for _, words := range []string{
		"The text must not begin with a private key, please.",
		"The PRIVATE KEY stays on the server.",
		"the end of the private key",
		"BEGIN with the PRIVATE KEY in the vault",
		"Begin Private Key handling",
		"Private-Key: (2048 bit) is not shown",
		"privateExponent: see the vault",
		"private key: with the operator",
		"priv: no",
		"-----BEGIN CERTIFICATE----- follows; the private key does not",
		"RSAKeyValue without private parts",
	} {
		t.Run(words, func(t *testing.T) {
			if got, err := certs.ParseOne(append([]byte(words+"\n"), c.PEM()...)); err != nil && !strings.HasPrefix(words, "-----BEGIN") || err == nil && got != c {
				t.Errorf("before PEM: %v", err)
			}
			for _, md := range []string{
				strings.Replace(jumpCloudMetadata(c.Base64()), "<md:IDPSSODescriptor", "<!-- "+strings.ReplaceAll(words, "--", "=")+" --><md:IDPSSODescriptor", 1),
				strings.Replace(jumpCloudMetadata(c.Base64()), "</md:IDPSSODescriptor>", "</md:IDPSSODescriptor><md:Organization>"+words+"</md:Organization>", 1),
			} {
				if got, err := certs.ParseMetadata([]byte(md)); err != nil || got.SigningCerts[0] != c {
					t.Errorf("in metadata: %v", err)
				}
			}
		})
	}
}

// A key is found wherever in metadata it hides, and in print.
func TestKeysWhereNobodyLooks(t *testing.T) {
	c := pairB().Cert()
	block, _ := pem.Decode(pairA().PrivateKeyPEM())
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	_ = key
	b64 := base64.StdEncoding.EncodeToString(block.Bytes)
	var colons strings.Builder
	for i, b := range block.Bytes[30:90] {
		if i%15 == 0 {
			colons.WriteString("\n    ")
		}
		colons.WriteString(hex.EncodeToString([]byte{b}) + ":")
	}
	rsaKey := "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>sZ+9</ds:Modulus><ds:Exponent>AQAB</ds:Exponent><ds:D>zZ9</ds:D></ds:RSAKeyValue></ds:KeyValue>"
	md := jumpCloudMetadata(c.Base64())
	for name, in := range map[string]string{
		"printed, RSA":                    "Private-Key: (2048 bit, 2 primes)\nmodulus:\n    00:b4\nprivateExponent:" + colons.String() + "\n" + string(c.PEM()),
		"printed, prime":                  "prime1:" + colons.String() + "\n" + string(c.PEM()),
		"printed, EC":                     string(c.PEM()) + "Private-Key: (256 bit)\npriv:" + colons.String() + "\npub:\n",
		"printed by certtool":             string(c.PEM()) + "private key:" + colons.String() + "\n",
		"printed, in a comment":           strings.Replace(md, "<md:IDPSSODescriptor", "<!-- privateExponent:"+colons.String()+" --><md:IDPSSODescriptor", 1),
		"bare, in an attribute":           strings.Replace(md, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor errorURL="`+b64+`"`, 1),
		"bare, in a prefixed attribute":   strings.Replace(md, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor xmlns:v="urn:v" v:key="`+b64+`"`, 1),
		"bare, in an attribute of others": strings.Replace(md, "</md:IDPSSODescriptor>", `</md:IDPSSODescriptor><x:y xmlns:x="urn:x" key=" `+b64+`"/>`, 1),
		"bare, in a comment":              strings.Replace(md, "<md:IDPSSODescriptor", "<!-- the key: "+b64+" --><md:IDPSSODescriptor", 1),
		"bare, in an instruction":         strings.Replace(md, "<md:IDPSSODescriptor", "<?key "+b64+"?><md:IDPSSODescriptor", 1),
		"bare, in an element of others":   strings.Replace(md, "</md:IDPSSODescriptor>", `</md:IDPSSODescriptor><x:y xmlns:x="urn:x">`+b64+`</x:y>`, 1),
		"RSAKeyValue":                     strings.Replace(md, "<ds:X509Data>", rsaKey+"<ds:X509Data>", 1),
		"RSAKeyValue alone":               `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + rsaKey + "<ds:X509Data><ds:X509Certificate>" + c.Base64() + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
		"without dashes":                  "BEGIN RSA PRIVATE KEY\nzzzz\nEND RSA PRIVATE KEY\n" + string(c.PEM()),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.Parse([]byte(in))
			var perr *certs.ParseError
			if !errors.As(err, &perr) || perr.Found != certs.KindPrivateKey {
				t.Errorf("Parse: %v; want a private key", err)
			}
			if leaks(err.Error()) {
				t.Error("the error holds a piece of the key")
			}
			if !strings.HasPrefix(in, "<?xml") {
				return
			}
			if _, err := certs.ParseMetadata([]byte(in)); !errors.As(err, &perr) || perr.Found != certs.KindPrivateKey || leaks(err.Error()) {
				t.Errorf("ParseMetadata: %v; want a private key", err)
			}
			if _, err := certs.ReadMetadataFor(strings.NewReader(in), "x"); !errors.As(err, &perr) || perr.Found != certs.KindPrivateKey {
				t.Errorf("ReadMetadataFor: %v; want a private key", err)
			}
		})
	}
}

// A public RSAKeyValue beside the certificate is none.
func TestPublicRSAKeyValue(t *testing.T) {
	c := pairB().Cert()
	md := strings.Replace(jumpCloudMetadata(c.Base64()), "<ds:X509Data>",
		"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>sZ+9</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue><ds:X509Data>", 1)
	md = strings.Replace(md, "</md:IDPSSODescriptor>", `</md:IDPSSODescriptor><x:D xmlns:x="urn:x">d</x:D>`, 1)
	if got, err := certs.ParseMetadata([]byte(md)); err != nil || got.SigningCerts[0] != c {
		t.Errorf("%v", err)
	}
}

// Values are read as the schema's types say, and what is wrong with one entity
// is no matter of the others.
func TestSchemaTypes(t *testing.T) {
	c := pairB().Cert()
	md := jumpCloudMetadata(c.Base64())
	with := func(attr string) string {
		return strings.Replace(md, `WantAuthnRequestsSigned="false"`, attr, 1)
	}
	for attr, want := range map[string]bool{
		`WantAuthnRequestsSigned="true"`: true, "WantAuthnRequestsSigned='\n1'": true, `WantAuthnRequestsSigned=" true	"`: true,
		`WantAuthnRequestsSigned="1"`: true, `WantAuthnRequestsSigned="0"`: false, `WantAuthnRequestsSigned="TRUE"`: false, "": false,
	} {
		if got, err := certs.ParseMetadata([]byte(with(attr))); err != nil || got.WantAuthnRequestsSigned != want {
			t.Errorf("%s: %v, want %t", attr, err, want)
		}
	}
	for until, ok := range map[string]bool{
		"2030-01-02T03:04:05Z": true, " 2030-01-02T03:04:05Z\n": true, "2030-01-02T03:04:05.123456789123Z": true, "2030-01-02T03:04:05+14:00": true,
		"2030-01-02T24:00:00Z": true, "2030-01-02T03:04:05": true, "2030-01-02": false, "soon": false, "2030-02-30T03:04:05Z": false,
	} {
		in := strings.Replace(md, "<md:EntityDescriptor ", `<md:EntityDescriptor validUntil="`+until+`" `, 1)
		if got, err := certs.ParseMetadata([]byte(in)); (err == nil) != ok || ok && got.ValidUntil.IsZero() {
			t.Errorf("validUntil %q: %v", until, err)
		}
	}
	_, entity, _ := strings.Cut(md, "?>")
	stranger := func(attr string) string {
		return `<md:EntityDescriptor entityID="https://sp.example" ` + attr + `><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></md:EntityDescriptor>`
	}
	aggregate := func(of string) string {
		return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + of + "</md:EntitiesDescriptor>"
	}
	bad := `validUntil="2022-06-15T03:03:01+0000"`
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"another entity's date", aggregate(stranger(bad) + entity), true},
		{"another entity's date, behind", aggregate(entity + stranger(bad)), true},
		{"another group's date", aggregate("<md:EntitiesDescriptor " + bad + ">" + stranger("") + "</md:EntitiesDescriptor>" + entity), true},
		{"its own date", aggregate(strings.Replace(entity, "<md:EntityDescriptor ", "<md:EntityDescriptor "+bad+" ", 1)), false},
		{"its group's date", aggregate("<md:EntitiesDescriptor " + bad + ">" + entity + "</md:EntitiesDescriptor>"), false},
	} {
		if _, err := certs.ParseMetadata([]byte(tt.in)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
