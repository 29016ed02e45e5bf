package judges_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

const (
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	more      = "http://www.w3.org/2001/04/xmldsig-more#"
	sha256    = "http://www.w3.org/2001/04/xmlenc#sha256"
	prefixes  = `<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="saml xs #default"/>`
	withCert  = "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>"
)

// blank is a signature that xmlsec1 fills in.
type blank struct {
	uri, info, by, list, method, digest, key string
	curve                                    bool
}

func (b blank) String() string {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	return `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` +
		or(b.info, exclusive) + `">` + b.list + `</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="` + or(b.method, more+"rsa-sha256") +
		`"/><ds:Reference URI="` + strings.TrimPrefix(or(b.uri, "#_a1"), "-") + `"><ds:Transforms><ds:Transform Algorithm="` + enveloped +
		`"/><ds:Transform Algorithm="` + or(b.by, exclusive) + `">` + b.list + `</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="` +
		or(b.digest, sha256) + `"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>` + b.key + `</ds:Signature>`
}

// TestSignedByXMLSec1: xmlsec1 signs in ways in which the others do not, and the judge says
// of each what its rules say. Its base64 has line breaks.
func TestSignedByXMLSec1(t *testing.T) {
	command, err := xmlsec()
	if err != nil {
		missing(t, "xmlsec1 is not installed")
	}
	curve, curveKey := newCurve(t)
	for _, tt := range []struct {
		name string
		blank
		want string
	}{
		{"as the facts have it", blank{key: withCert}, "yes"},
		{"without KeyInfo", blank{}, "yes"},
		{"key's value", blank{key: "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>"}, "yes"},
		{"certificate and its subject", blank{
			key: "<ds:KeyInfo><ds:X509Data><ds:X509SubjectName/><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>",
		}, "yes"},
		{"a list of prefixes", blank{list: prefixes}, "yes"},
		{"SHA-1", blank{method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", digest: "http://www.w3.org/2000/09/xmldsig#sha1"},
			"yes, signature doubtful"},
		{"digest by SHA-1", blank{digest: "http://www.w3.org/2000/09/xmldsig#sha1"}, "yes, signature doubtful"},
		{"SHA-384", blank{method: more + "rsa-sha384", digest: more + "sha384"}, "cannot say, signature unknown"},
		{"SHA-512", blank{method: more + "rsa-sha512"}, "cannot say, signature unknown"},
		{"an elliptic curve", blank{method: more + "ecdsa-sha256", curve: true}, "cannot say, signature unknown"},
		{"inclusive", blank{by: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}, "cannot say, signature unknown"},
		{"SignedInfo inclusive", blank{info: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}, "cannot say, signature unknown"},
		{"canonicalization 1.1", blank{by: "http://www.w3.org/2006/12/xml-c14n11"}, "cannot say, signature unknown"},
		{"with comments", blank{by: exclusive + "WithComments"}, "cannot say, signature unknown"},
		{"the whole document", blank{uri: "-"}, "yes"},
		{"the response", blank{uri: "#_r1"}, "no 500081, signature bad, attack"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := facts()
			r.signs = "none"
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(crewjam(t, r, false)); err != nil {
				t.Fatal(err)
			}
			a := doc.FindElement("Response/Assertion")
			a.CreateAttr("ID", "_a1")
			sig := etree.NewDocument()
			if err := sig.ReadFromString(tt.blank.String()); err != nil {
				t.Fatal(err)
			}
			a.InsertChildAt(1, sig.Root())
			dir := t.TempDir()
			if err := doc.WriteToFile(filepath.Join(dir, "blank.xml")); err != nil {
				t.Fatal(err)
			}
			key, cert := pairs().current.PrivateKeyPEM(), pairs().current.Cert()
			if tt.curve {
				key, cert = curveKey, curve
			}
			for name, b := range map[string][]byte{"key.pem": key, "cert.pem": cert.PEM()} {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(command[0], "--sign", "--output", "signed.xml", "--privkey-pem", "key.pem,cert.pem",
				"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response",
				"blank.xml")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			message, err := os.ReadFile(filepath.Join(dir, "signed.xml"))
			if err != nil {
				t.Fatal(err)
			}
			if !verifies(t, message, assertion, nil, cert) {
				t.Fatal("xmlsec1 does not verify what it has signed")
			}
			v := signin.Judge(message, tenant(idpIssuer, cert, certs.Cert{}, annID), time.Now())
			agree(t, message, v, cert)
			if got := verdict(v); got != tt.want {
				t.Errorf("%s; want %s%s\n%s", got, tt.want, found(v), message)
			}
		})
	}
}

// newCurve is a key of an elliptic curve, with its certificate.
func newCurve(t *testing.T) (certs.Cert, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "curve"},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return c, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})
}
