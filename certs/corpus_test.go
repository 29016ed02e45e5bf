package certs_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// corpusRow is a row of expected.json, as far as the test looks at it.
type corpusRow struct {
	Kind       string
	Verdict    string
	Reason     string
	Certs      []corpusCert
	Policy     []string
	WellFormed bool
	Doctype    bool
	IsMetadata bool
	IDPCount   int `json:"idpCount"`
	Entities   []struct {
		EntityID string `json:"entityID"`
		IDP      []struct {
			Protocols               []string
			WantAuthnRequestsSigned string
			Signing                 []struct {
				SHA256  string
				Problem string
			}
			SSO, SLO        []certs.Endpoint
			NameIDFormats   []string `json:"nameIDFormats"`
			DistinctSigning []string `json:"distinctSigning"`
			Complete        bool
		} `json:"idp"`
	}
	Signatures []struct {
		Parent              string
		ParentIsRoot        bool
		C14N                string `json:"c14n"`
		SigAlg              string `json:"sigAlg"`
		Embedded            []string
		XMLSec1WithEmbedded bool `json:"xmlsec1WithEmbedded"`
		XMLSec1WithRepoCert bool `json:"xmlsec1WithRepoCert"`
		VerifiedBy          string
		Refs                []struct {
			URI        string `json:"uri"`
			Digest     string
			Transforms []string
		}
	}
	Root string
}

type corpusCert struct{ SHA1, SHA256 string }

type corpus struct {
	dir   string
	asOf  time.Time
	facts map[string]struct {
		GoX509 string `json:"goX509"`
	}
	rows map[string]corpusRow
}

// openCorpus reads the collection of real and hostile files that JCAAD_CORPUS
// names: certificates, metadata and signed documents from the test data of many
// projects, with the truth computed by tools that share no code with Go.
func openCorpus(t *testing.T) corpus {
	dir := os.Getenv("JCAAD_CORPUS")
	if dir == "" {
		t.Skip("JCAAD_CORPUS is not set: the corpus is not part of the repository")
	}
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Meta  struct{ AsOf time.Time }
		Certs map[string]struct {
			GoX509 string `json:"goX509"`
		}
		Files map[string]corpusRow
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return corpus{dir, file.Meta.AsOf, file.Certs, file.Files}
}

// each calls f for every file of a kind, in order.
func (c corpus) each(t *testing.T, kind string, f func(t *testing.T, b []byte, row corpusRow)) {
	var paths []string
	for path, row := range c.rows {
		if row.Kind == kind {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	if len(paths) == 0 {
		t.Errorf("the corpus has no %s", kind)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(c.dir, path))
			if err != nil {
				t.Fatal(err)
			}
			f(t, b, c.rows[path])
		})
	}
	t.Logf("%d files", len(paths))
}

func fingerprints(cs []certs.Cert) []string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Fingerprint())
	}
	return out
}

func TestCorpusCerts(t *testing.T) {
	c := openCorpus(t)
	codes := []string{"expired", "not-yet-valid", "not-rsa", "weak-rsa", "weak-signature-hash", "x509-v1"}
	c.each(t, "cert-input", func(t *testing.T, b []byte, row corpusRow) {
		all, allErr := certs.Parse(b)
		one, oneErr := certs.ParseOne(b)
		for _, err := range []error{allErr, oneErr} {
			if err != nil {
				var perr *certs.ParseError
				if !errors.As(err, &perr) {
					t.Errorf("%T is not a ParseError", err)
				}
				t.Log(err)
			}
		}
		var want []string
		for _, rc := range row.Certs {
			want = append(want, rc.SHA256)
		}
		unread := ""
		for _, fp := range want {
			if note := c.facts[fp].GoX509; note != "ok" {
				unread = note
			}
		}
		switch row.Verdict {
		case "accept":
			if oneErr != nil {
				if unread == "" {
					t.Errorf("ParseOne: %v; want a certificate", oneErr)
				}
				return
			}
			if one.Fingerprint() != row.Certs[0].SHA256 || one.Thumbprint() != row.Certs[0].SHA1 {
				t.Errorf("ParseOne = %v; want %v", one, row.Certs[0])
			}
			var got []string
			for _, p := range one.Check(c.asOf) {
				if slices.Contains(codes, string(p.Code)) {
					got = append(got, string(p.Code))
				}
			}
			wantPolicy := slices.Clone(row.Policy)
			slices.Sort(got)
			slices.Sort(wantPolicy)
			if !slices.Equal(got, wantPolicy) {
				t.Errorf("Check = %q; want %q", got, wantPolicy)
			}
			backdoor := slices.ContainsFunc(one.Check(c.asOf), func(p certs.Problem) bool { return p.Code == certs.CodeKnownBackdoor })
			if backdoor != strings.HasSuffix(t.Name(), "/any_sts.txt") {
				t.Errorf("known as a back door: %v", backdoor)
			}
		case "multiple":
			if oneErr == nil {
				t.Errorf("ParseOne = %v; want an error", one)
			}
			if unread == "" && !slices.Equal(fingerprints(all), want) {
				t.Errorf("Parse = %q, %v; want %q", fingerprints(all), allErr, want)
			}
		case "reject":
			if strings.HasSuffix(t.Name(), "/broken.simplesamlphp.org.crt") {
				// Its markers are -----BEGINCERTIFICATE-----, which strict
				// readers do not know. It can mean only one thing.
				return
			}
			if oneErr == nil || allErr == nil {
				t.Errorf("accepted: %v; want an error for %s", all, row.Reason)
			}
		case "either":
			if oneErr == nil && len(want) > 0 && one.Fingerprint() != want[0] {
				t.Errorf("ParseOne = %v; want %s or an error", one, want[0])
			}
		default:
			t.Fatalf("unknown verdict %q", row.Verdict)
		}
	})
}

func TestCorpusMetadata(t *testing.T) {
	c := openCorpus(t)
	c.each(t, "metadata", func(t *testing.T, b []byte, row corpusRow) {
		md, err := certs.ParseMetadata(b)
		if err != nil {
			t.Log(err)
		}
		if !row.WellFormed || !row.IsMetadata || row.IDPCount == 0 || row.Doctype {
			if err == nil {
				t.Errorf("ParseMetadata = %v; want an error", md)
			}
			return
		}
		if row.IDPCount > 1 && err == nil {
			t.Errorf("ParseMetadata chose %q of %d", md.EntityID, row.IDPCount)
		}
		for _, e := range row.Entities {
			if len(e.IDP) != 1 {
				continue
			}
			want := e.IDP[0]
			got, err := certs.ParseMetadataFor(b, e.EntityID)
			if err != nil {
				unread := false
				for _, s := range want.Signing {
					unread = unread || c.facts[s.SHA256].GoX509 != "ok"
				}
				if want.Complete && !unread {
					t.Errorf("ParseMetadataFor(%q): %v", e.EntityID, err)
				} else {
					t.Logf("ParseMetadataFor(%q): %v", e.EntityID, err)
				}
				continue
			}
			gotSigning := fingerprints(got.SigningCerts)
			slices.Sort(gotSigning)
			wantSigning := slices.Clone(want.DistinctSigning)
			slices.Sort(wantSigning)
			if got.EntityID != e.EntityID || !slices.Equal(gotSigning, wantSigning) {
				t.Errorf("%q: SigningCerts = %q; want %q", got.EntityID, gotSigning, wantSigning)
			}
			if !slices.Equal(got.SSO, want.SSO) || !slices.Equal(got.SLO, want.SLO) || !slices.Equal(got.NameIDFormats, want.NameIDFormats) {
				t.Errorf("%q: got %v %v %q; want %v %v %q", e.EntityID, got.SSO, got.SLO, got.NameIDFormats, want.SSO, want.SLO, want.NameIDFormats)
			}
			wantSigned := want.WantAuthnRequestsSigned == "true" || want.WantAuthnRequestsSigned == "1"
			if got.WantAuthnRequestsSigned != wantSigned {
				t.Errorf("%q: WantAuthnRequestsSigned = %v", e.EntityID, got.WantAuthnRequestsSigned)
			}
			if row.IDPCount == 1 {
				if md == nil || md.EntityID != got.EntityID {
					t.Errorf("ParseMetadata = %v, %v; want %q", md, err, got.EntityID)
				}
			}
			stream, err := certs.ReadMetadataFor(strings.NewReader(string(b)), e.EntityID)
			if err != nil || !slices.Equal(stream.SigningCerts, got.SigningCerts) {
				t.Errorf("ReadMetadataFor(%q) = %v, %v; want what ParseMetadataFor returns", e.EntityID, stream, err)
			}
		}
	})
}

func TestCorpusHostile(t *testing.T) {
	c := openCorpus(t)
	c.each(t, "hostile-xml", func(t *testing.T, b []byte, row corpusRow) {
		began := time.Now()
		_, err := certs.ParseMetadata(b)
		if row.Doctype && err == nil || !row.WellFormed && err == nil {
			t.Errorf("ParseMetadata accepted it; doctype %v, well-formed %v", row.Doctype, row.WellFormed)
		}
		t.Log(err)
		if _, err := certs.Parse(b); row.Doctype && err == nil {
			t.Error("Parse accepted a document type")
		}
		if d := time.Since(began); d > time.Minute {
			t.Errorf("took %v", d)
		}
	})
}
