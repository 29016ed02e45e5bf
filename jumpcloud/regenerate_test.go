package jumpcloud_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func TestRegenerateCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := withApp(t)
		before := must(t)(s.Application(id))
		time.Sleep(time.Hour)
		a, err := s.Client(nil).RegenerateCertificate(t.Context(), id, before.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		after := must(t)(s.Application(id))
		got, err := a.Certificate()
		if err != nil || got == before.Certificate || got != after.Certificate || !after.HasKey {
			t.Errorf("certificate = %v, %v; there was %v and is %v", got, err, before, after)
		}
		if now := time.Now(); !a.CertificateUpdated.Equal(now) || !a.KeyUpdated.Equal(now) {
			t.Errorf("updated at %v and %v; want %v", a.CertificateUpdated, a.KeyUpdated, now)
		}
		if diff := cmp.Diff([]string{"GET /api/applications/ID", "PUT /api/applications/ID"}, requests(s, id)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		after.Certificate = before.Certificate
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the rest changed (-before +after):\n%s", diff)
		}
		// Once more, with what was in place the first time, makes no third one.
		a, err = s.Client(nil).RegenerateCertificate(t.Context(), id, before.Certificate)
		if a != nil || !errors.Is(err, jumpcloud.ErrCertificate) {
			t.Errorf("again: %v, %v; want ErrCertificate", a, err)
		}
		if s.Writes() != 1 || must(t)(s.Application(id)).Certificate != got {
			t.Errorf("%d writes; want 1", s.Writes())
		}
	})
}

// TestRegenerateCertificateRefuses: it writes only over the certificate that the
// caller has seen.
func TestRegenerateCertificateRefuses(t *testing.T) {
	holds := func(certificate string) func(*jumpcloudtest.Server, string) {
		return func(s *jumpcloudtest.Server, id string) { s.SetApplicationSetting(id, "idpCertificate", certificate) }
	}
	for _, tt := range []struct {
		name  string
		setup func(*jumpcloudtest.Server, string)
		old   func(certs.Cert) certs.Cert
		err   error
		reads int
	}{
		{"none is named", nil, func(certs.Cert) certs.Cert { return certs.Cert{} }, jumpcloud.ErrInvalid, 0},
		{"another is named", nil, func(certs.Cert) certs.Cert { return somePair().Cert() }, jumpcloud.ErrCertificate, 1},
		{"another is in place", func(s *jumpcloudtest.Server, id string) { s.RegenerateCertificate(id) }, nil, jumpcloud.ErrCertificate, 1},
		{"none is in place", holds(""), nil, jumpcloud.ErrNoCertificate, 1},
		{"nonsense is in place", holds("x"), nil, jumpcloud.ErrCertificate, 1},
		{"no application is", func(s *jumpcloudtest.Server, id string) { s.DeleteApplication(id) }, nil, jumpcloud.ErrNotFound, 1},
	} {
		s, id := withApp(t)
		old := must(t)(s.Application(id)).Certificate
		if tt.old != nil {
			old = tt.old(old)
		}
		if tt.setup != nil {
			tt.setup(s, id)
		}
		a, err := s.Client(nil).RegenerateCertificate(t.Context(), id, old)
		if a != nil || !errors.Is(err, tt.err) || s.Writes() != 0 || len(s.Requests()) != tt.reads {
			t.Errorf("%s: %v, %v, requests %v; want %v and nothing written", tt.name, a, err, requests(s, id), tt.err)
		}
	}
}

// TestRegenerateCertificateAnswers: the PUT is made once whatever becomes of its
// answer, and what does not show another certificate is no success.
func TestRegenerateCertificateAnswers(t *testing.T) {
	s, id := withApp(t)
	old := must(t)(s.Application(id)).Certificate
	shown, err := s.Client(nil).Application(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	value, _ := shown.Setting("idpCertificate")
	same := `{"_id":"` + id + `","config":{"idpCertificate":{"value":` + string(value) + `}}}`
	none := `{"_id":"` + id + `","config":{"idpCertificate":{"value":""}}}`
	other := `{"_id":"` + id + `","config":{"idpCertificate":{"value":"` + somePair().Cert().Base64() + `"}}}`
	for _, tt := range []struct {
		name     string
		put      answer
		then     answer
		err      error
		requests int
	}{
		{"another one", answer{200, other, nil}, answer{}, nil, 2},
		{"the same one", answer{200, same, nil}, answer{}, jumpcloud.ErrNotVisible, 2},
		{"none", answer{200, none, nil}, answer{}, jumpcloud.ErrNoCertificate, 2},
		{"nothing, and then another one", answer{200, "", nil}, answer{200, other, nil}, nil, 3},
		{"nothing, and then the same one", answer{200, "", nil}, answer{200, same, nil}, jumpcloud.ErrNotVisible, 3},
		{"nothing, and then nothing", answer{200, "{}", nil}, answer{404, "", nil}, jumpcloud.ErrOutcomeUnknown, 3},
		{"an error", answer{500, "", nil}, answer{}, jumpcloud.ErrOutcomeUnknown, 2},
		{"a refusal", answer{403, "{}", nil}, answer{}, jumpcloud.ErrDenied, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &canned{answers: []answer{{200, same, nil}, tt.put, tt.then}}
				a, err := newClient(t, h, nil).RegenerateCertificate(t.Context(), id, old)
				if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || len(h.seen) != tt.requests {
					t.Errorf("%v, %v, %d requests; want %v after %d", a, err, len(h.seen), tt.err, tt.requests)
				}
				if tt.err == jumpcloud.ErrNoCertificate && !errors.Is(err, jumpcloud.ErrNotVisible) {
					t.Errorf("err = %v; want ErrNotVisible as well", err)
				}
			})
		})
	}
}

// A PUT whose answer is lost made one certificate, and not one with each attempt.
func TestRegenerateCertificateIsSentOnce(t *testing.T) {
	for _, kind := range []jumpcloudtest.FaultKind{
		jumpcloudtest.DropBefore, jumpcloudtest.DropAfter, jumpcloudtest.Error500After, jumpcloudtest.Truncate,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, id := withApp(t)
			old := must(t)(s.Application(id)).Certificate
			s.Fault = from(1, http.MethodPut, kind).of()
			_, err := s.Client(nil).RegenerateCertificate(t.Context(), id, old)
			if kind == jumpcloudtest.Truncate {
				if err != nil { // it is read back
					t.Errorf("%v: %v", kind, err)
				}
			} else if !errors.Is(err, jumpcloud.ErrOutcomeUnknown) {
				t.Errorf("%v: err = %v; want ErrOutcomeUnknown", kind, err)
			}
			if made := must(t)(s.Application(id)).Certificate != old; made == (kind == jumpcloudtest.DropBefore) || s.Writes() != 1 {
				t.Errorf("%v: %d writes, and another certificate: %v", kind, s.Writes(), made)
			}
		})
	}
}

// TestHiddenApplications: hidden when they are made, and afterwards.
func TestHiddenApplications(t *testing.T) {
	s := &jumpcloudtest.Server{}
	c := s.Client(nil)
	tmpl, err := c.Template(t.Context(), "office365")
	if err != nil {
		t.Fatal(err)
	}
	n := jumpcloud.NewApplication{Template: tmpl, Label: "M365", SSOURL: "https://sso.jumpcloud.com/saml2/x"}
	for _, hidden := range []bool{true, false} {
		n.Hidden = hidden
		made, err := c.CreateApplication(t.Context(), n)
		if err != nil || made.Hidden != hidden {
			t.Fatalf("created: %v, %v; want hidden %v", made, err, hidden)
		}
		for _, to := range []bool{!hidden, hidden} {
			if _, err := c.ModifyApplication(t.Context(), made.ID, func(a *jumpcloud.Application) error { a.Hidden = to; return nil }); err != nil {
				t.Fatal(err)
			}
			a, err := c.Application(t.Context(), made.ID)
			if err != nil || a.Hidden != to || a.SSOType != "saml" || a.CertificateExpires.IsZero() {
				t.Errorf("read: %+v, %v; want hidden %v, and the rest as it was", a, err, to)
			}
		}
	}
	h := &canned{answers: []answer{{200, `{"_id":"a1","config":{}}`, nil}}}
	_, err = newClient(t, h, nil).ModifyApplication(t.Context(), "a1", func(a *jumpcloud.Application) error { a.Hidden = true; return nil })
	if !errors.Is(err, jumpcloud.ErrInvalid) || len(h.seen) != 1 {
		t.Errorf("without sso: %v; want ErrInvalid after a GET", err)
	}
}
