package jumpcloud_test

import (
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// withApp is a server with one application that has fields nobody knows.
func withApp(t testing.TB) (*jumpcloudtest.Server, string) {
	t.Helper()
	s := &jumpcloudtest.Server{}
	id := s.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
	s.SetApplicationField(id, "newInConsole", map[string]any{"big": json.Number("12345678901234567890"), "list": []int{1, 2}})
	s.SetApplicationField(id, "description", "by hand")
	s.ResetLog()
	return s, id
}

// spy keeps the body of the last PUT or POST.
type spy struct {
	http.Handler
	body []byte
}

func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		var m json.RawMessage
		json.NewDecoder(r.Body).Decode(&m)
		s.body = m
		r.Body = http.NoBody
		r, _ = http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(string(m)))
		r.Header.Set("X-Api-Key", "k")
	}
	s.Handler.ServeHTTP(w, r)
}

// rawApp is the application as GET shows it.
func rawApp(t testing.TB, s *jumpcloudtest.Server, id string) map[string]any {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, "https://console.jumpcloud.com/api/applications/"+id, nil)
	req.Header.Set("X-Api-Key", "k")
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var m map[string]any
	d := json.NewDecoder(resp.Body)
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// What is written back is what was read, but for the edit.
func TestModifyApplicationKeepsEverything(t *testing.T) {
	s, id := withApp(t)
	before := rawApp(t, s, id)
	truth, _ := s.Application(id)
	h := &spy{Handler: s}
	c := newClient(t, h, nil)

	_, err := c.ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error {
		a.DisplayLabel = "M365 <é>"
		return a.SetSetting("signResponse", true)
	})
	if err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	d := json.NewDecoder(strings.NewReader(string(h.body)))
	d.UseNumber()
	if err := d.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	before["displayLabel"] = "M365 <é>"
	for _, name := range []string{"idpCertificateUpdatedAt", "idpPrivateKeyUpdatedAt"} { // read only
		if sso := before["sso"].(map[string]any); sso[name] == nil {
			t.Errorf("the application was read without %s", name)
		} else {
			delete(sso, name)
		}
	}
	before["config"].(map[string]any)["signResponse"].(map[string]any)["value"] = true
	if diff := cmp.Diff(before, sent); diff != "" {
		t.Errorf("body (-read +sent):\n%s", diff)
	}
	if key, ok := sent["config"].(map[string]any)["idpPrivateKey"].(map[string]any)["value"]; !ok || key != "" {
		t.Errorf("idpPrivateKey = %v, %v; want it echoed as it was read: empty", key, ok)
	}
	after, _ := s.Application(id)
	truth.Label = "M365 <é>"
	if diff := cmp.Diff(truth, after); diff != "" {
		t.Errorf("application (-want +got):\n%s", diff)
	}
}

func TestModifyApplication(t *testing.T) {
	off := func(s *jumpcloudtest.Server, id string) { s.SetApplicationField(id, "active", false) }
	errMine := errors.New("mine")
	pair := newPair(t)
	tests := []struct {
		name  string
		setup func(*jumpcloudtest.Server, string)
		edit  func(*jumpcloud.Application) error
		err   error
		puts  int
		check func(jumpcloudtest.Application) error
	}{
		{name: "nothing", edit: func(*jumpcloud.Application) error { return nil }},
		{name: "to the same", edit: func(a *jumpcloud.Application) error {
			a.Active, a.DisplayLabel = true, "Microsoft 365"
			return a.SetSetting("idpEntityId", "urn:uri:example.com")
		}},
		{name: "the edit fails", edit: func(a *jumpcloud.Application) error { a.Active = false; return errMine }, err: errMine},
		{name: "activate", setup: off, edit: func(a *jumpcloud.Application) error { a.Active = true; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.Active, true) }},
		{name: "deactivate", edit: func(a *jumpcloud.Application) error { a.Active = false; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.Active, false) }},
		{name: "entity ID", edit: func(a *jumpcloud.Application) error { a.IdPEntityID = "urn:uri:other.com"; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.EntityID, "urn:uri:other.com") }},
		{name: "description", edit: func(a *jumpcloud.Application) error { a.Description = ""; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.Description, "") }},
		{name: "hide", edit: func(a *jumpcloud.Application) error { a.Hidden = true; return nil }, puts: 1},
		{name: "an inactive one stays so", setup: off, edit: func(a *jumpcloud.Application) error { a.Description = "x"; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.Active, false) }},
		{name: "certificate", edit: func(a *jumpcloud.Application) error { return a.SetSetting("idpCertificate", pair.Cert().Base64()) }, err: jumpcloud.ErrCertificate},
		{name: "empty certificate", edit: func(a *jumpcloud.Application) error { return a.SetSetting("idpCertificate", "") }, err: jumpcloud.ErrCertificate},
		{name: "private key", edit: func(a *jumpcloud.Application) error { return a.SetSetting("idpPrivateKey", "x") }, err: jumpcloud.ErrCertificate},
		{name: "ID", edit: func(a *jumpcloud.Application) error { a.ID = "x"; return nil }, err: jumpcloud.ErrInvalid},
		{name: "SSO URL", edit: func(a *jumpcloud.Application) error { a.SSOURL += "2"; return nil }, err: jumpcloud.ErrInvalid},
		{name: "unknown setting", edit: func(a *jumpcloud.Application) error { return a.SetSetting("nameid", 1) }, err: jumpcloud.ErrInvalid},
		{name: "setting that is no JSON", edit: func(a *jumpcloud.Application) error { return a.SetSetting("acsUrl", func() {}) }, err: jumpcloud.ErrInvalid},
		{name: "another in its place", edit: func(a *jumpcloud.Application) error { *a = jumpcloud.Application{}; return nil }, err: errAny},
		{name: "blanked config", setup: func(s *jumpcloudtest.Server, id string) { s.SetApplicationSetting(id, "idpCertificate", "") },
			edit: func(a *jumpcloud.Application) error { a.Description = "x"; return nil }, puts: 1,
			check: func(a jumpcloudtest.Application) error { return want(a.Certificate.IsZero(), false) }}, // it never had one, and is given one
		{name: "a certificate in the wrong form", setup: func(s *jumpcloudtest.Server, id string) {
			s.SetApplicationSetting(id, "idpCertificate", string(pair.Cert().PEM()))
		},
			edit: func(a *jumpcloud.Application) error { a.Description = "x"; return nil }, puts: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, id := withApp(t)
			if tt.setup != nil {
				tt.setup(s, id)
			}
			truth, _ := s.Application(id)
			_, err := s.Client(nil).ModifyApplication(t.Context(), id, tt.edit)
			if tt.err == errAny && err == nil || tt.err != errAny && !errors.Is(err, tt.err) {
				t.Fatalf("err = %v; want %v", err, tt.err)
			}
			if got := s.Writes(); got != tt.puts {
				t.Errorf("%d writes; want %d", got, tt.puts)
			}
			after, _ := s.Application(id)
			if truth.Certificate != after.Certificate && !truth.Certificate.IsZero() || after.HasKey != truth.HasKey {
				t.Errorf("the certificate changed: %+v to %+v", truth, after)
			}
			if tt.check != nil {
				if err := tt.check(after); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

var errAny = errors.New("any error")

func want[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v; want %v", got, want)
	}
	return nil
}

func newPair(t testing.TB) *certs.KeyPair {
	t.Helper()
	now := time.Now()
	p, err := certs.NewKeyPair(pkix.Name{CommonName: "test"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(5, 0, 0)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A proxy or a recorder that blanks the settings: to write would be to
// regenerate.
func TestModifyApplicationWithoutSight(t *testing.T) {
	h := &canned{answers: []answer{{200, realApp, nil}}}
	_, err := newClient(t, h, nil).ModifyApplication(t.Context(), "617c3664e6f8ae27f7e1201e", func(a *jumpcloud.Application) error {
		a.Active = false
		return nil
	})
	if !errors.Is(err, jumpcloud.ErrNoCertificate) || len(h.seen) != 1 {
		t.Errorf("err = %v after %d requests; want ErrNoCertificate after 1", err, len(h.seen))
	}
}

// JumpCloud replaces the certificate all the same: nobody may learn it from
// the users.
func TestRegeneratedCertificate(t *testing.T) {
	s, id := withApp(t)
	s.Quirks.EmptyKey = jumpcloudtest.RenewCertificate
	c := s.Client(nil)
	_, err := c.ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error { a.Description = "x"; return nil })
	if !errors.Is(err, jumpcloud.ErrCertificateRegenerated) || !strings.Contains(err.Error(), "thumbprint") {
		t.Errorf("err = %v; want ErrCertificateRegenerated with thumbprints", err)
	}
}

// PUT is repeated: the effect, and no answer, then the same again.
func TestModifyApplicationUnderFaults(t *testing.T) {
	for _, kind := range []jumpcloudtest.FaultKind{
		jumpcloudtest.Refuse503, jumpcloudtest.Error500Before, jumpcloudtest.Error500After, jumpcloudtest.DropBefore, jumpcloudtest.DropAfter,
		jumpcloudtest.Truncate, jumpcloudtest.TooMany, jumpcloudtest.TooManyBare,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, id := withApp(t)
				truth, _ := s.Application(id)
				n := 0
				s.Fault = func(r *http.Request) jumpcloudtest.Fault {
					if n++; n == 2 {
						return jumpcloudtest.Fault{Kind: kind}
					}
					return jumpcloudtest.Fault{}
				}
				a, err := s.Client(nil).ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error { a.DisplayLabel = "new"; return nil })
				if err != nil || a.DisplayLabel != "new" {
					t.Fatalf("got %v, %v", a, err)
				}
				after, _ := s.Application(id)
				truth.Label = "new"
				if diff := cmp.Diff(truth, after); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCreateApplication(t *testing.T) {
	s := &jumpcloudtest.Server{}
	h := &spy{Handler: s}
	c := newClient(t, h, nil)
	tmpl, err := c.Template(t.Context(), "office365")
	if err != nil {
		t.Fatal(err)
	}
	good := jumpcloud.NewApplication{
		Template: tmpl, Label: "M365", Description: "D", SSOURL: "https://sso.jumpcloud.com/saml2/x", IdPEntityID: "urn:uri:example.com", Active: true,
		Settings: map[string]any{"signResponse": true},
	}
	a, err := c.CreateApplication(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	var sent struct {
		Active bool
		Config map[string]struct{ Value any }
	}
	json.Unmarshal(h.body, &sent)
	if _, ok := sent.Config["idpCertificate"]; ok {
		t.Error("a certificate was sent")
	}
	if _, ok := sent.Config["idpPrivateKey"]; ok {
		t.Error("a private key was sent")
	}
	if !sent.Active || sent.Config["idpEntityId"].Value != "urn:uri:example.com" || sent.Config["acsUrl"].Value != "https://login.microsoftonline.com/login.srf" || sent.Config["signResponse"].Value != true {
		t.Errorf("body = %s", h.body)
	}
	truth, _ := s.Application(a.ID)
	if cert, _ := a.Certificate(); !truth.Active || !truth.HasKey || cert != truth.Certificate || cert.IsZero() || a.OrganizationID != s.OrgID() {
		t.Errorf("application = %v, truth %+v", a, truth)
	}
	if !a.CertificateExpires.Equal(truth.Certificate.X509().NotAfter) {
		t.Errorf("expires %v; want %v", a.CertificateExpires, truth.Certificate.X509().NotAfter)
	}

	for name, edit := range map[string]func(*jumpcloud.NewApplication){
		"no template":      func(n *jumpcloud.NewApplication) { n.Template = nil },
		"no label":         func(n *jumpcloud.NewApplication) { n.Label = " " },
		"no URL":           func(n *jumpcloud.NewApplication) { n.SSOURL = "" },
		"plain http":       func(n *jumpcloud.NewApplication) { n.SSOURL = "http://sso.jumpcloud.com/saml2/x" },
		"relative URL":     func(n *jumpcloud.NewApplication) { n.SSOURL = "saml2/x" },
		"a certificate":    func(n *jumpcloud.NewApplication) { n.Settings = map[string]any{"idpCertificate": "x"} },
		"a private key":    func(n *jumpcloud.NewApplication) { n.Settings = map[string]any{"idpPrivateKey": "x"} },
		"unknown setting":  func(n *jumpcloud.NewApplication) { n.Settings = map[string]any{"x": "y"} },
		"long description": func(n *jumpcloud.NewApplication) { n.Description = strings.Repeat("é", 257) },
	} {
		n := good
		edit(&n)
		before := s.Writes()
		if _, err := c.CreateApplication(t.Context(), n); !errors.Is(err, jumpcloud.ErrInvalid) || s.Writes() != before {
			t.Errorf("%s: err = %v, %d writes; want ErrInvalid and none", name, err, s.Writes()-before)
		}
	}
}

// A create is never sent again blindly.
func TestCreateApplicationUnderFaults(t *testing.T) {
	tests := []struct {
		kind    jumpcloudtest.FaultKind
		unknown bool
		made    int // how many there are afterwards
	}{
		{jumpcloudtest.Error500Before, true, 0}, {jumpcloudtest.Error500After, true, 1},
		{jumpcloudtest.DropBefore, true, 0}, {jumpcloudtest.DropAfter, true, 1}, {jumpcloudtest.Truncate, true, 1},
		{jumpcloudtest.TooMany, false, 1}, {jumpcloudtest.TooManyBare, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &jumpcloudtest.Server{}
				c := s.Client(nil)
				tmpl, err := c.Template(t.Context(), "office365")
				if err != nil {
					t.Fatal(err)
				}
				first := true
				s.Fault = func(r *http.Request) jumpcloudtest.Fault {
					if r.Method == http.MethodPost && first {
						first = false
						return jumpcloudtest.Fault{Kind: tt.kind}
					}
					return jumpcloudtest.Fault{}
				}
				_, err = c.CreateApplication(t.Context(), jumpcloud.NewApplication{
					Template: tmpl, Label: "M365", SSOURL: "https://sso.jumpcloud.com/saml2/x", IdPEntityID: "urn:uri:example.com", Active: true,
				})
				if errors.Is(err, jumpcloud.ErrOutcomeUnknown) != tt.unknown || (err == nil) == tt.unknown {
					t.Errorf("err = %v; want unknown %v", err, tt.unknown)
				}
				if n := len(s.Applications()); n != tt.made {
					t.Errorf("%d applications; want %d", n, tt.made)
				}
			})
		})
	}
}
