package certs_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// Bare base64 of several certificates is cut behind padding, and where a line or
// the next of a list begins like a certificate.
func TestSeveralInBase64(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	bare := func(c certs.Cert) string { return strings.TrimRight(c.Base64(), "=") }
	for _, sep := range []string{"\n", "\r", "\r\n", "\n\n", ",", ", ", ";", " ;\n", "\t\n"} {
		for _, in := range []string{
			bare(a) + sep + bare(b), a.Base64() + sep + b.Base64(), bare(a) + sep + b.Base64() + sep,
			fold(bare(a), 64, "\n") + sep + fold(bare(b), 64, "\n"), bare(a) + sep + bare(b) + sep + bare(a),
		} {
			if got, err := certs.Parse([]byte(in)); err != nil || !slices.Equal(got, []certs.Cert{a, b}) {
				t.Errorf("with %q between them: %v, %v", sep, got, err)
			}
		}
	}
	padded := a
	if !strings.HasSuffix(padded.Base64(), "=") {
		t.Fatal("there is no padding")
	}
	for _, sep := range []string{"", " "} {
		if got, err := certs.Parse([]byte(padded.Base64() + sep + bare(b))); err != nil || !slices.Equal(got, []certs.Cert{padded, b}) {
			t.Errorf("behind padding and %q: %v, %v", sep, got, err)
		}
	}
	half := bare(b)[:len(bare(b))/2]
	for name, in := range map[string]string{
		"the second is cut off": bare(a) + "\n" + half, "the first is cut off": half + "\n" + bare(a), "nothing between them": bare(a) + bare(b),
	} {
		if got, err := certs.Parse([]byte(in)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What is wrong with the text of an X509Certificate element is said of it.
func TestElementSays(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	for _, tt := range []struct {
		name, text string
		kind       certs.Kind
		says       string
	}{
		{"nothing", " \n\t", certs.KindEmpty, "without content"},
		{"a word", "TODO: the certificate", certs.KindNotCertificate, "in an X509Certificate element: "},
		{"base64 of a file", b64(string(a.PEM())), certs.KindNotCertificate, "base64 of text, where base64 of a certificate belongs"},
		{"two", string(a.PEM()) + string(b.PEM()), certs.KindSeveral, "2 of them"},
		{"half", a.Base64()[:400], certs.KindTruncated, "missing"},
	} {
		for _, in := range []string{jumpCloudMetadata(tt.text), "<X509Certificate>" + tt.text + "</X509Certificate>"} {
			_, err := certs.Parse([]byte(in))
			if found(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s in %.20s: %v; want %s that says %q", tt.name, in, err, tt.kind, tt.says)
			}
		}
	}
	for name, text := range map[string]string{"PEM": string(a.PEM()), "PEM twice": string(a.PEM()) + string(a.PEM()), "folded": fold(a.Base64(), 64, "\n ")} {
		if got, err := certs.Parse([]byte(jumpCloudMetadata(text))); err != nil || !slices.Equal(got, []certs.Cert{a}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// A place is told in what was passed, and in nothing that was made of it.
func TestPlaces(t *testing.T) {
	bad := fold(pairA().Cert().Base64(), 64, "\n")
	bad = bad[:200] + "*" + bad[201:]
	line, column := 1+strings.Count(bad[:200], "\n"), 200-strings.LastIndexByte(bad[:200], '\n')
	for _, tt := range []struct {
		name, in     string
		line, column int
	}{
		{"as it is", bad, line, column},
		{"below blank lines", "\n\n " + bad, line + 2, column},
		{"in base64", base64.StdEncoding.EncodeToString([]byte(bad)), 0, 0},
		{"in base64 in PEM", "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString([]byte(bad)) + "\n-----END CERTIFICATE-----\n", 0, 0},
	} {
		_, err := certs.Parse([]byte(tt.in))
		var perr *certs.ParseError
		if !errors.As(err, &perr) || perr.Line != tt.line || perr.Column != tt.column {
			t.Errorf("%s: %v; want line %d, column %d", tt.name, err, tt.line, tt.column)
		}
	}
}

// Who has several is told which, but not all of very many.
func TestSeveralAreListed(t *testing.T) {
	var in []byte
	n := 12
	for i := range n {
		c := selfSigned(t, rsaSigner().key, func(x *x509.Certificate) { x.SerialNumber = big.NewInt(int64(i + 1)) })
		in = append(in, c.PEM()...)
	}
	_, err := certs.ParseOne(in)
	var perr *certs.ParseError
	if !errors.As(err, &perr) || perr.Found != certs.KindSeveral || len(perr.Subjects) != 8 || !strings.Contains(err.Error(), "12 of them") {
		t.Fatalf("%v", err)
	}
	cs, err := certs.Parse(in)
	if err != nil || len(cs) != n {
		t.Fatalf("%d, %v", len(cs), err)
	}
	for i, s := range perr.Subjects {
		if !strings.HasSuffix(s, cs[i].Thumbprint()) {
			t.Errorf("subject %d is %q; want that of %s", i, s, cs[i].Thumbprint())
		}
	}
}

// What was seen where nobody looks for a certificate, or for a key.
func TestWhatHides(t *testing.T) {
	c := pairB().Cert()
	key := keyText(pairA())
	jwk := `{"kty":"RSA","n":"sZ-9","d":"` + strings.NewReplacer("+", "-", "/", "_").Replace(strings.ReplaceAll(key, "\n", "")[:120]) + `"}`
	md := jumpCloudMetadata(c.Base64())
	printed := "privateExponent:<br>" + strings.Repeat("0a:", 40)
	for name, in := range map[string]string{
		"base64 of a key in PEM, in a comment": strings.Replace(md, "<md:IDPSSO", "<!-- "+b64(string(pairA().PrivateKeyPEM()))+" --><md:IDPSSO", 1),
		"the same, folded":                     strings.Replace(md, "<md:IDPSSO", "<!--\n"+fold(b64(string(pairA().PrivateKeyPEM())), 64, "\n")+"\n--><md:IDPSSO", 1),
		"the same twice":                       strings.Replace(md, "<md:IDPSSO", "<!-- "+b64(b64(string(pairA().PrivateKeyPEM())))+" --><md:IDPSSO", 1),
		"a JWK in a comment":                   strings.Replace(md, "<md:IDPSSO", "<!-- "+jwk+" --><md:IDPSSO", 1),
		"a JWK beside PEM":                     string(c.PEM()) + jwk,
		"print in HTML":                        printed + "<br>" + string(c.PEM()),
		"references in an attribute":           strings.Replace(md, "<md:IDPSSO", `<md:Extensions key="`+strings.ReplaceAll(key, "M", "&#77;")+`"/><md:IDPSSO`, 1),
	} {
		if got, err := certs.Parse([]byte(in)); found(err) != certs.KindPrivateKey {
			t.Errorf("%s: %v, %v; want a private key", name, got, err)
		}
	}
	for name, in := range map[string]string{
		"a public JWK":  `{"kty":"RSA","n":"sZ-9","e":"AQAB","x5c":["` + c.Base64() + `"]}`,
		"base64 of it":  string(c.PEM()) + "\n" + b64(string(c.PEM())) + "\n",
		"after comment": "<!-- the certificate -->\n" + string(c.PEM()),
	} {
		if got, err := certs.ParseOne([]byte(in)); err != nil || got != c {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := certs.Parse([]byte("<!-- " + string(c.PEM()) + " -->")); found(err) != certs.KindNotCertificate || !strings.Contains(err.Error(), "comment of XML") {
		t.Errorf("in a comment alone: %v, %v", got, err)
	}
	encryption := `<KeyDescriptor use="encr&#121;ption"><X509Data><X509Certificate>` + c.Base64() + `</X509Certificate></X509Data></KeyDescriptor>`
	if got, err := certs.Parse([]byte(encryption)); found(err) != certs.KindNoSigningKey {
		t.Errorf("for encryption, by a reference: %v, %v", got, err)
	}
}

// Certificates beside PEM, without markers, are certificates of the input too.
func TestBesidePEM(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	folded := "old: |\n  " + fold(b.Base64(), 64, "\n  ") + "\n"
	for _, tt := range []struct {
		name, in string
		want     []certs.Cert
		kind     certs.Kind
	}{
		{"before", "old: " + b.Base64() + "\n" + string(a.PEM()), []certs.Cert{b, a}, ""},
		{"behind", string(a.PEM()) + "next = \"" + b.Base64() + "\"\n", []certs.Cert{a, b}, ""},
		{"between", string(a.PEM()) + folded + string(a.PEM()), []certs.Cert{a, b}, ""},
		{"the same", "cert: " + a.Base64() + "\n" + string(a.PEM()), []certs.Cert{a}, ""},
		{"behind what has no END", "-----BEGIN CERTIFICATE-----\n" + a.Base64() + "\n" + string(b.PEM()), []certs.Cert{a, b}, ""},
		{"half of one", "old: " + b.Base64()[:400] + "\n" + string(a.PEM()), nil, certs.KindTruncated},
		{"a damaged one", "old: " + strings.Replace(b.Base64(), b.Base64()[900:904], "AAAA", 1) + "\n" + string(a.PEM()), nil, certs.KindDamaged},
		{"base64 of something else", "token: " + strings.Repeat("c2Vzc2lvbg", 40) + "\n" + string(a.PEM()), []certs.Cert{a}, ""},
		{"prose", "It was " + b.Base64() + " before.\n" + string(a.PEM()), []certs.Cert{a}, ""},
	} {
		got, err := certs.Parse([]byte(tt.in))
		if !slices.Equal(got, tt.want) || found(err) != tt.kind {
			t.Errorf("%s: %v, %v; want %v, %q", tt.name, got, err, tt.want, tt.kind)
		}
	}
}

// A key below a certificate is found in the element of an entity that nobody
// asked for, too.
func TestKeyBelowACertificate(t *testing.T) {
	a := pairA().Cert()
	good := entity(`entityID="good"`, idpRole("", keyDescriptor("", a)))
	other := entity(`entityID="other"`, idpRole("", strings.Replace(keyDescriptor("", a), a.Base64(), a.Base64()+"\n"+strings.ReplaceAll(keyText(pairB()), "\n", ""), 1)))
	doc := `<md:EntitiesDescriptor ` + mdNS + `>` + good + other + `</md:EntitiesDescriptor>`
	if md, err := certs.ParseMetadataFor([]byte(doc), "good"); found(err) != certs.KindPrivateKey {
		t.Errorf("ParseMetadataFor = %v, %v; want a private key", md, err)
	}
}
