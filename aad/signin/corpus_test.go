package signin_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

var (
	embedded = regexp.MustCompile(`(?s)<(?:[\w.-]+:)?X509Certificate[^>]*>([^<]+)<`)
)

// attacks are files of the corpus that carry somebody's signature to another
// assertion, or break how it is read.
var attacks = regexp.MustCompile(`(?i)wrapp|concealed|doubled_signed|spoofed|escalation|duplicate_ids|node_text_attack|` +
	`comment_truncation|new_attack|hmac|xslt|digest_comment|wrapped_signed_info|multiple-root|multiple_assertions`)

// unseen are files with such a name in which nothing shows: one is encrypted as a
// whole, one was changed after it was signed, one has CDATA where others have a
// comment, which all read alike, and one has lost its comment.
var unseen = regexp.MustCompile(`encrypted_new_attack|escalation_test|node_text_attack3|hostile-xml/.*comment_truncation`)

// TestCorpus judges messages from the test data of many projects, as if the realm
// were that of their issuer and had the certificates that they name. The verdict
// on each signature is held against xmlsec1's.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("JCAAD_CORPUS")
	if dir == "" {
		t.Skip("JCAAD_CORPUS is not set: the corpus is not part of the repository")
	}
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct {
		Files map[string]struct {
			Kind, Root string
			WellFormed bool
			Signatures []struct {
				Parent              string
				Embedded            []string
				XMLSec1WithEmbedded bool `json:"xmlsec1WithEmbedded"`
				XMLSec1WithRepoCert bool `json:"xmlsec1WithRepoCert"`
			}
		}
	}
	if err := json.Unmarshal(b, &corpus); err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for path, row := range corpus.Files {
		if row.Kind != "signed-document" && row.Kind != "hostile-xml" {
			continue
		}
		t.Run(path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			v := signin.Judge(b, realmOf(b), now)
			inTable(t, v)
			if d := time.Since(begin); d > time.Minute { // 100 ms, on a machine that does nothing else
				t.Errorf("it took %v", d)
			}
			count[v.Accepted.String()]++
			if v.Accepted == signin.Yes {
				t.Errorf("accepted: none of them is for Azure AD\n%s", list(v))
			}
			isResponse := strings.Contains(row.Root, "protocol}Response")
			if attacks.MatchString(path) && !unseen.MatchString(path) && isResponse {
				count["attacks"]++
				if v.Attack == "" {
					t.Errorf("not told to be an attack: %v\n%s", v, list(v))
				} else {
					t.Log(v.Attack)
				}
			} else if v.Attack != "" {
				count["others that look like one"]++
				t.Log("looks like an attack: " + v.Attack)
			}
			good, of, known := false, 0, row.WellFormed // what stands in base64 has a row of its own
			for _, s := range row.Signatures {
				if s.Parent == "Assertion" {
					known = known && len(s.Embedded) > 0 // or xmlsec1 had no certificate
					good, of = s.XMLSec1WithEmbedded || s.XMLSec1WithRepoCert, of+1
				}
			}
			verified := strings.Contains(list(v), "signature good the assertion is signed by")
			switch {
			case !known:
			case verified && !good:
				t.Errorf("verified; xmlsec1 does not\n%s", list(v))
			case verified:
				count["assertions verified by both"]++
			case good && of == 1 && isResponse && v.Attack == "":
				count["verified by xmlsec1 only"]++
				t.Logf("xmlsec1 verifies it\n%s", list(v))
			}
		})
	}
	t.Log(count)
}

// realmOf returns a tenant that has the issuers and certificates that a message
// names, as far as two slots go.
func realmOf(b []byte) signin.Tenant {
	if found, err := signin.Messages(b); err == nil {
		b = found[len(found)-1].XML
	}
	fed := aad.Federation{Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP}
	if doc, err := xmlsig.Parse(b, 5000); err == nil {
		doc.Root.Walk(func(n *xmlsig.Node) bool {
			if n.Is(xmlscan.URISAML, "Issuer") && n.Parent.Local == "Assertion" && fed.IssuerURI == "" {
				fed.IssuerURI = n.Text()
			}
			return true
		})
	}
	for _, m := range embedded.FindAllSubmatch(b, -1) {
		c, err := certs.ParseOne(m[1])
		switch {
		case err != nil:
		case fed.SigningCertificate.IsZero():
			fed.SigningCertificate = c
		case fed.SigningCertificate != c:
			fed.NextSigningCertificate = c
		}
	}
	return signin.Tenant{Domains: []signin.Domain{{Name: "example.com", Root: "example.com", Federation: &fed}}, User: signin.Users()}
}
