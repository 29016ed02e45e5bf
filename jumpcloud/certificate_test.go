package jumpcloud_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// somePair is one pair for all tests that do not need two.
var somePair = sync.OnceValue(func() *certs.KeyPair {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p, err := certs.NewKeyPair(pkix.Name{CommonName: "some"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(5, 0, 0)}, 0)
	if err != nil {
		panic(err)
	}
	return p
})

// requests are methods and paths of what was asked, with the ID cut out.
func requests(s *jumpcloudtest.Server, id string) []string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, r.Method+" "+strings.ReplaceAll(strings.ReplaceAll(r.Path, id, "ID"), s.OrgID(), "ORG"))
	}
	return all
}

func TestReplaceCertificate(t *testing.T) {
	s, id := withApp(t)
	pair, c := newPair(t), s.Client(nil)
	if _, err := c.ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error { a.Hidden = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.ResetLog()
		a, err := c.ReplaceCertificate(t.Context(), id, pair)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Certificate(); err != nil || got != pair.Cert() || !a.Hidden || a.CertificateUpdated.IsZero() || a.KeyUpdated.IsZero() {
			t.Errorf("certificate = %v, %v of %+v; want the pair's, hidden, and both dates", got, err, a)
		}
		truth, _ := s.Application(id)
		if truth.Certificate != pair.Cert() || !truth.HasKey || !truth.Active || truth.Description != "by hand" {
			t.Errorf("application = %+v", truth)
		}
		want := []string{"GET /api/applications/ID", "PUT /api/applications/ID", "GET /api/applications/ID",
			"GET /api/organizations/ORG/applications/ID/metadata.xml"}
		if diff := cmp.Diff(want, requests(s, id)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
	if got := s.Signer(id).Public(); !pair.Cert().X509().PublicKey.(*rsa.PublicKey).Equal(got) {
		t.Error("the application signs with another key")
	}
	md, err := c.Metadata(t.Context(), s.OrgID(), id)
	if err != nil || md.SigningCerts[0] != pair.Cert() {
		t.Errorf("metadata = %v, %v", md, err)
	}
}

// TestCertificateBodies: what a write with another certificate tells is what was
// read, but for certificate, key, and what was told about the old ones.
func TestCertificateBodies(t *testing.T) {
	for name, write := range map[string]func(*jumpcloud.Client, string, certs.Cert) error{
		"replaced": func(c *jumpcloud.Client, id string, _ certs.Cert) error {
			_, err := c.ReplaceCertificate(t.Context(), id, somePair())
			return err
		},
		"regenerated": func(c *jumpcloud.Client, id string, old certs.Cert) error {
			_, err := c.RegenerateCertificate(t.Context(), id, old)
			return err
		},
	} {
		s, id := withApp(t)
		s.SetApplicationSetting(id, "acsUrl", "https://login.example/")
		want, truth := rawApp(t, s, id), must(t)(s.Application(id))
		h := &spy{Handler: s}
		if err := write(newClient(t, h, nil), id, truth.Certificate); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var sent map[string]any
		d := json.NewDecoder(strings.NewReader(string(h.body)))
		d.UseNumber()
		if err := d.Decode(&sent); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"idpCertExpirationAt", "idpCertificateUpdatedAt", "idpPrivateKeyUpdatedAt"} {
			delete(want["sso"].(map[string]any), key)
		}
		config := sent["config"].(map[string]any)
		for _, key := range []string{"idpCertificate", "idpPrivateKey"} {
			if _, ok := config[key]; ok != (name == "replaced") {
				t.Errorf("%s: %s is sent: %v", name, key, ok)
			}
			delete(config, key)
			delete(want["config"].(map[string]any), key)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("%s: body (-read +sent):\n%s", name, diff)
		}
	}
}

func must(t testing.TB) func(jumpcloudtest.Application, bool) jumpcloudtest.Application {
	t.Helper()
	return func(a jumpcloudtest.Application, ok bool) jumpcloudtest.Application {
		t.Helper()
		if !ok {
			t.Fatal("there is no application")
		}
		return a
	}
}

// TestReplaceCertificateShows: a certificate that was written, and that JumpCloud
// does not show everywhere, says where it is missing, and shows after a while.
func TestReplaceCertificateShows(t *testing.T) {
	hour := jumpcloudtest.Lag{For: time.Hour}
	for _, tt := range []struct {
		name   string
		quirks jumpcloudtest.Quirks
		say    string // "": it is shown at once
		oldKey bool   // and stays so
	}{
		{"at once", jumpcloudtest.Quirks{}, "", false},
		{"without dates", jumpcloudtest.Quirks{OmitUpdatedAt: true}, "", false},
		{"late in the application", jumpcloudtest.Quirks{CertificateLag: hour}, "the application shows", false},
		{"late in the metadata", jumpcloudtest.Quirks{MetadataLag: hour}, "the metadata shows", false},
		{"late in both", jumpcloudtest.Quirks{CertificateLag: hour, MetadataLag: hour}, "the application shows", false},
		{"with the old key", jumpcloudtest.Quirks{KeepOldKey: true}, "its private key is of 2000-01-01T00:00:00Z", true},
		{"with the old key, and nobody can tell", jumpcloudtest.Quirks{KeepOldKey: true, OmitUpdatedAt: true}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, id := withApp(t)
				s.Quirks = tt.quirks
				c, pair := s.Client(nil), somePair()
				time.Sleep(2 * time.Hour)
				for i, late := range []bool{tt.say != "", tt.say != "" && tt.oldKey} {
					a, err := c.ReplaceCertificate(t.Context(), id, pair)
					if truth := must(t)(s.Application(id)); truth.Certificate != pair.Cert() {
						t.Fatalf("the certificate was not written: %v, %v", truth, err)
					}
					if errors.Is(err, jumpcloud.ErrNotVisible) != late || (err != nil) != late {
						t.Fatalf("call %d: err = %v; want ErrNotVisible: %v", i, err, late)
					}
					if a == nil || late && !strings.Contains(err.Error(), tt.say) || strings.Contains(tt.name, "key") != !signsWith(s, id, pair) {
						t.Errorf("call %d: got %v, %v; want %q", i, a, err, tt.say)
					}
					time.Sleep(2 * time.Hour)
				}
			})
		})
	}
}

func signsWith(s *jumpcloudtest.Server, id string, pair *certs.KeyPair) bool {
	return pair.Cert().X509().PublicKey.(*rsa.PublicKey).Equal(s.Signer(id).Public())
}

// TestReplaceCertificateRepairs: a certificate in a form that JumpCloud cannot use
// makes its metadata fail, and is replaced like another.
func TestReplaceCertificateRepairs(t *testing.T) {
	for name, value := range map[string]string{"PEM": string(somePair().Cert().PEM()), "nonsense": "nonsense", "nothing": ""} {
		synctest.Test(t, func(t *testing.T) {
			s, id := withApp(t)
			s.SetApplicationSetting(id, "idpCertificate", value)
			c := s.Client(nil)
			if _, err := c.Metadata(t.Context(), s.OrgID(), id); !errors.Is(err, jumpcloud.ErrUnavailable) {
				t.Fatalf("%s: the metadata is of use: %v", name, err)
			}
			if _, err := c.ReplaceCertificate(t.Context(), id, somePair()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.Quirks.MetadataLag = jumpcloudtest.Lag{For: time.Hour}
			s.SetApplicationSetting(id, "idpCertificate", value)
			time.Sleep(2 * time.Hour)
			_, err := c.ReplaceCertificate(t.Context(), id, somePair())
			if !errors.Is(err, jumpcloud.ErrNotVisible) || !errors.Is(err, jumpcloud.ErrUnavailable) {
				t.Errorf("%s, and late metadata: %v; want ErrNotVisible, because it is unavailable", name, err)
			}
		})
	}
}

// TestReplaceCertificateUnderFaults: somebody regenerates the certificate right
// after the write, or answers are lost.
func TestReplaceCertificateUnderFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   faults
		foreign bool
		err     error
		shown   bool // an application is returned
	}{
		{"a PUT is lost", upTo(1, http.MethodPut, jumpcloudtest.DropAfter), false, nil, true},
		{"a PUT is cut", upTo(1, http.MethodPut, jumpcloudtest.Truncate), false, nil, true},
		{"all PUTs are cut", from(1, http.MethodPut, jumpcloudtest.Truncate), false, nil, true},
		{"all PUTs are lost", from(1, http.MethodPut, jumpcloudtest.DropAfter), false, jumpcloud.ErrOutcomeUnknown, false},
		{"no PUT arrives", from(1, http.MethodPut, jumpcloudtest.DropBefore), false, jumpcloud.ErrOutcomeUnknown, false},
		{"it cannot be read back", from(2, http.MethodGet, jumpcloudtest.DropBefore), false, jumpcloud.ErrOutcomeUnknown, false},
		{"the metadata cannot be read", from(3, http.MethodGet, jumpcloudtest.DropBefore), false, jumpcloud.ErrNotVisible, true},
		{"somebody regenerates", nil, true, jumpcloud.ErrCertificateRegenerated, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, id := withApp(t)
				s.Fault = tt.fault.of()
				s.OnRequest = func(r *http.Request) {
					if r.Method == http.MethodPut && tt.foreign {
						s.RegenerateCertificate(id)
					}
				}
				a, err := s.Client(nil).ReplaceCertificate(t.Context(), id, somePair())
				if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || (a != nil) != tt.shown {
					t.Errorf("got %v, %v; want %v, and the application: %v", a, err, tt.err, tt.shown)
				}
				if s.Writes() == 0 {
					t.Error("nothing was written")
				}
			})
		})
	}
}

// faults say what goes wrong with the n-th PUT, and with the n-th GET.
type faults func(n int, method string) jumpcloudtest.FaultKind

// of returns what a server asks of each request.
func (f faults) of() func(*http.Request) jumpcloudtest.Fault {
	n := make(map[string]int)
	return func(r *http.Request) jumpcloudtest.Fault {
		n[r.Method]++
		if f == nil {
			return jumpcloudtest.Fault{}
		}
		return jumpcloudtest.Fault{Kind: f(n[r.Method], r.Method)}
	}
}

// upTo lets the first few requests of a method fail, from lets all fail that come later.
func upTo(last int, method string, k jumpcloudtest.FaultKind) faults {
	return func(n int, m string) jumpcloudtest.FaultKind {
		if m != method || n > last {
			return jumpcloudtest.None
		}
		return k
	}
}

func from(first int, method string, k jumpcloudtest.FaultKind) faults {
	return func(n int, m string) jumpcloudtest.FaultKind {
		if m != method || n < first {
			return jumpcloudtest.None
		}
		return k
	}
}

// TestReplaceCertificateRefuses: what the service provider would refuse is not sent.
func TestReplaceCertificateRefuses(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weak"},
		NotAfter: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := certs.ParseKeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string]*certs.KeyPair{"nil": nil, "empty": {}, "weak": weak} {
		s, id := withApp(t)
		a, err := s.Client(nil).ReplaceCertificate(t.Context(), id, pair)
		if a != nil || !errors.Is(err, jumpcloud.ErrInvalid) || len(s.Requests()) != 0 {
			t.Errorf("%s: %v, %v, %d requests; want ErrInvalid and none", name, a, err, len(s.Requests()))
		}
	}
}
