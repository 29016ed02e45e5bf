package certs

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

var embeddedCert = regexp.MustCompile(`(?s)<(?:[\w.-]+:)?X509Certificate[^>]*>([^<]+)<`)

// TestCorpusSigned compares the verification of signatures with xmlsec1, over
// documents of any kind: most are SAML responses.
func TestCorpusSigned(t *testing.T) {
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
			Doctype    bool
			Signatures []struct {
				ParentIsRoot        bool
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
		if row.Kind != "signed-document" && row.Kind != "metadata" && row.Kind != "hostile-xml" {
			continue
		}
		t.Run(path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				t.Fatal(err)
			}
			good := false
			for _, s := range row.Signatures {
				good = good || s.ParentIsRoot && (s.XMLSec1WithEmbedded || s.XMLSec1WithRepoCert)
			}
			var keys []*x509.Certificate
			var trusted []Cert
			for _, m := range embeddedCert.FindAllSubmatch(b, -1) {
				if c, err := ParseOne(m[1]); err == nil {
					keys, trusted = append(keys, c.X509()), append(trusted, c)
				}
			}
			_, verr := VerifyMetadata(b, trusted...)
			if verr == nil && !good {
				t.Error("VerifyMetadata accepts what xmlsec1 does not")
			}
			if doc, perr := openMetadata(b); perr == nil && doc.utf16 {
				count["XML in base64, which has a row of its own"]++
				return
			}
			doc, perr := openMetadata(b)
			if perr != nil {
				count["not XML: "+string(perr.Found)]++
				return
			}
			s := xmlscan.New(doc.text)
			for {
				k, err := s.Next()
				if err != nil {
					if row.WellFormed && !row.Doctype && !strings.Contains(err.Error(), "an ID that two elements have") {
						t.Errorf("the scanner refuses a well-formed document: %v", err)
					}
					count["not well-formed"]++
					return
				}
				if k == xmlscan.EOF {
					break
				}
			}
			if !row.WellFormed || row.Doctype {
				t.Error("the scanner accepts a document that is not well-formed or has a DOCTYPE")
			}
			if _, perr := parseTree(doc.text); perr != nil {
				t.Fatalf("etree refuses what the scanner accepts: %v", perr)
			}
			// Most are no metadata, and some have their signature at another
			// place: what VerifyMetadata asks of the root is left out.
			var kind Kind
			_, err = verifySignature(doc, keys, true, func(xmlscan.Name, attributes) error { return nil })
			perr, _ = err.(*ParseError)
			if perr != nil {
				kind = perr.Found
			}
			switch {
			case perr == nil && strings.HasSuffix(path, "_ecdsaResponse.xml"):
				// goxmldsig's own sample. It writes ECDSA signatures in ASN.1,
				// which no standard says; it reads them, too.
				count["in goxmldsig's own form"]++
			case perr == nil && !good:
				t.Error("verified; xmlsec1 refuses it")
			case perr == nil:
				count["verified by both"]++
			case good && strings.Contains(row.Root, xmlscan.URIMD):
				t.Errorf("%v; xmlsec1 verifies it", perr)
			case good:
				count["refused though xmlsec1 verifies it"]++
				t.Logf("stricter than xmlsec1: %v", perr)
			case kind == KindUnsigned:
				count["root not signed"]++
			default:
				count["refused by both"]++
			}
		})
	}
	t.Log(count)
}
