package federationtest_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

const (
	issuer  = "urn:uri:example.com"
	loginAt = "https://sso.jumpcloud.com/saml2/example"
	second  = "https://sso.jumpcloud.com/saml2/example-2"
	lag     = 2 * time.Hour
	settle  = lag + 11*time.Minute
)

// rig is an environment that has been federated for a day, by a clock that only the
// test puts on.
type rig struct {
	*federationtest.Env
	now, from time.Time
	app       string
	old, new  certs.Cert
	pair      *certs.KeyPair // of new
}

var newPair = sync.OnceValue(func() *certs.KeyPair {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pair, err := certs.NewKeyPair(pkix.Name{CommonName: "new"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(5, 0, 0)}, 0)
	if err != nil {
		panic(err)
	}
	return pair
})

func newRig(t *testing.T) *rig {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &rig{Env: federationtest.New(nil), now: now, pair: newPair(), new: newPair().Cert()}
	clock := func() time.Time { return r.now }
	r.JumpCloud.Now, r.AzureAD.Now = clock, clock
	r.app = r.addApp(loginAt)
	r.bind(r.app)
	r.old = r.shown(t, r.app)
	r.AzureAD.SetFederation(r.Domain, aad.Federation{IssuerURI: issuer, PassiveSignInURI: loginAt, SigningCertificate: r.old})
	r.pass(24 * time.Hour)
	r.from = r.now
	r.pass(3 * time.Hour)
	return r
}

func (r *rig) pass(d time.Duration) { r.now = r.now.Add(d) }

// addApp adds an active application with the domain's issuer.
func (r *rig) addApp(url string) string {
	return r.JumpCloud.AddApplication("office365", "M365", issuer, url)
}

func (r *rig) bind(id string) {
	r.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, r.everybody())
}

func (r *rig) everybody() jumpcloud.Object {
	return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: r.JumpCloud.Groups()[0].ID}
}

func (r *rig) unbind(id string) {
	r.JumpCloud.Unbind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, r.everybody())
}

func (r *rig) shown(t *testing.T, id string) certs.Cert {
	t.Helper()
	a, ok := r.JumpCloud.Application(id)
	if !ok || a.Certificate.IsZero() {
		t.Fatalf("application %s shows no certificate", id)
	}
	return a.Certificate
}

// patch changes the federation.
func (r *rig) patch(edit func(*aad.Federation)) {
	f, _ := r.AzureAD.Federation(r.Domain)
	edit(&f)
	r.AzureAD.SetFederation(r.Domain, f)
}

// hide takes the tile of an application away, by a request.
func (r *rig) hide(t *testing.T, id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://console.jumpcloud.com/api/applications/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "k")
	resp, err := r.JumpCloud.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var app map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&app); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	app["sso"].(map[string]any)["hidden"] = true
	body, _ := json.Marshal(app)
	req.Method, req.Body, req.ContentLength = http.MethodPut, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if resp, err = r.JumpCloud.HTTPClient().Do(req); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

// upload has the application sign with the new pair.
func (r *rig) upload(t *testing.T, id string) {
	t.Helper()
	if _, err := r.JumpCloud.Client(nil).ReplaceCertificate(t.Context(), id, r.pair); err != nil {
		t.Fatal(err)
	}
}

// TestSignIns: what each way of changing something costs, in seconds.
func TestSignIns(t *testing.T) {
	const open, end = 10 * time.Minute, 9 * time.Hour
	tests := []struct {
		name string
		do   func(t *testing.T, r *rig)
		want []gap // counted from three hours after the beginning
	}{
		{"nothing happens", func(*testing.T, *rig) {}, nil},
		{"a new key without preparation", func(t *testing.T, r *rig) {
			r.upload(t, r.app)
			r.pass(5 * time.Minute)
			r.patch(func(f *aad.Federation) { f.SigningCertificate = r.new })
		}, []gap{{-open, 5*time.Minute + lag, []string{"sent to " + loginAt, "NEW", "accepts OLD"}}}},
		{"a new key that is announced, as it should be", func(t *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.new })
			r.pass(settle)
			r.upload(t, r.app)
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = r.new, r.old })
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = certs.Cert{} })
		}, nil},
		{"a new key that was announced a minute too late", func(t *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.new })
			r.pass(lag - time.Minute)
			r.upload(t, r.app)
		}, []gap{{lag - time.Minute - open, lag, []string{"signs with NEW, and Azure AD accepts OLD"}}}},
		{"the old key's certificate goes a minute too early", func(t *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.new })
			r.pass(settle)
			r.upload(t, r.app)
			r.pass(lag - time.Minute)
			r.patch(func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = r.new, certs.Cert{} })
		}, []gap{{settle + lag - time.Minute - open, settle + lag, []string{"signs with OLD, and Azure AD accepts NEW"}}}},
		{"slots that are swapped", func(_ *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.new })
			r.patch(func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = r.new, r.old })
		}, nil},
		{"the first application is deactivated while a page may be open", func(t *testing.T, r *rig) {
			r.unbind(r.app)
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.shown(t, r.addApp(second)) })
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.PassiveSignInURI = second })
			r.pass(lag)
			r.JumpCloud.SetApplicationField(r.app, "active", false)
		}, []gap{{settle + lag - open, settle + lag, []string{"sent to " + loginAt, "is not active"}}}},
		{"the first application is deactivated in time, and its tile is not", func(t *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.shown(t, r.addApp(second)) })
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.PassiveSignInURI = second })
			r.pass(settle)
			r.JumpCloud.SetApplicationField(r.app, "active", false)
		}, []gap{{2*settle - open, 2*settle + lag, []string{"from the tile", "is not active"}}}},
		{"the URL is switched before the second application is active", func(t *testing.T, r *rig) {
			id := r.addApp(second)
			r.JumpCloud.SetApplicationField(id, "active", false)
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.shown(t, id) })
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.PassiveSignInURI = second })
			r.pass(time.Minute)
			r.JumpCloud.SetApplicationField(id, "active", true)
		}, []gap{{settle, settle + time.Minute + lag, []string{"sent to " + second, "is not active"}}}},
		{"the URL is of no application for a minute", func(_ *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.PassiveSignInURI = second })
			r.pass(time.Minute)
			r.patch(func(f *aad.Federation) { f.PassiveSignInURI = loginAt })
		}, []gap{{0, time.Minute + lag, []string{"sent to " + second + ": no application has this URL"}}}},
		{"a second tile is seen for a hundred seconds, with a certificate that nobody knows", func(_ *testing.T, r *rig) {
			id := r.addApp(second)
			r.bind(id)
			r.pass(100 * time.Second)
			r.unbind(id)
		}, []gap{{0, 100*time.Second + lag, []string{"from the tile", "accepts OLD"}}}},
		{"a second application that nobody sees", func(_ *testing.T, r *rig) { r.addApp(second) }, nil},
		{"a second tile of another issuer, and a hidden one", func(_ *testing.T, r *rig) {
			r.bind(r.JumpCloud.AddApplication("office365", "M365", "urn:uri:other.example", second))
			id := r.addApp(second)
			r.hide(t, id)
			r.pass(lag)
			r.bind(id)
		}, nil},
		{"a certificate is shown, and the old key is kept", func(_ *testing.T, r *rig) {
			r.patch(func(f *aad.Federation) { f.NextSigningCertificate = r.new })
			r.pass(settle)
			r.JumpCloud.SetApplicationSetting(r.app, "idpCertificate", base64.StdEncoding.EncodeToString(r.new.PEM()))
			r.pass(settle)
			r.patch(func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = r.new, certs.Cert{} })
			r.pass(settle)
		}, []gap{{2*settle - open, end, []string{"signs with OLD, and Azure AD accepts NEW"}}}},
		{"the application is deleted", func(_ *testing.T, r *rig) {
			r.JumpCloud.DeleteApplication(r.app)
			r.pass(settle)
		}, []gap{{-open, end, []string{"no application has this URL"}}}},
		{"the domain is managed for a minute", func(_ *testing.T, r *rig) {
			f, _ := r.AzureAD.Federation(r.Domain)
			r.AzureAD.RemoveFederation(r.Domain)
			r.pass(time.Minute)
			r.AzureAD.SetFederation(r.Domain, f)
		}, []gap{{-open, time.Minute + lag, []string{"the domain is managed"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			begin := r.now
			tt.do(t, r)
			to := begin.Add(end)
			got := r.SignIns(r.from, to, lag)
			words := strings.NewReplacer(r.old.Thumbprint(), "OLD", r.new.Thumbprint(), "NEW")
			var failed int
			var want, have []string
			for _, g := range tt.want {
				want = append(want, g.from.String()+" "+g.to.String())
				failed += int((g.to - g.from) / time.Second)
			}
			for _, g := range got.Gaps {
				have = append(have, g.From.Sub(begin).String()+" "+g.To.Sub(begin).String())
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Fatalf("want -, got +\n%s\n%s", diff, words.Replace(got.String()))
			}
			for i, g := range tt.want {
				for _, part := range g.why {
					if why := words.Replace(got.Gaps[i].Why); !strings.Contains(why, part) {
						t.Errorf("%q; want it to say %q", why, part)
					}
				}
			}
			if got.Failed != failed || got.Seconds != int(to.Sub(r.from)/time.Second) {
				t.Errorf("%s; want %d failed", got, failed)
			}
		})
	}
}

type gap struct {
	from, to time.Duration
	why      []string
}

// TestSignInsOfSubdomain: a subdomain is as federated as its root domain.
func TestSignInsOfSubdomain(t *testing.T) {
	r := newRig(t)
	r.AzureAD.AddDomain("sub." + r.Domain)
	r.Domain = "sub." + r.Domain
	if got := r.SignIns(r.from, r.now, lag); got.Failed > 0 || got.Seconds != 3*3600 {
		t.Error(got)
	}
}

// TestSignInsWithoutHistory: nothing has been federated, or the time is none.
func TestSignInsWithoutHistory(t *testing.T) {
	now := time.Now()
	e := federationtest.New(nil)
	want := federationtest.SignIns{Seconds: 2, Failed: 2, Gaps: []federationtest.Gap{
		{From: now.Round(0), To: now.Round(0).Add(2 * time.Second), Why: "the domain is managed in Azure AD"},
	}}
	if diff := cmp.Diff(want, e.SignIns(now, now.Add(1500*time.Millisecond), lag)); diff != "" {
		t.Error(diff)
	}
	e.AzureAD.AddDomain("broken.example", aadtest.Broken)
	e.Domain = "broken.example"
	if got := e.SignIns(now, now.Add(time.Second), lag); got.Seconds != 1 || got.Failed != 1 || !strings.Contains(got.String(), "broken") {
		t.Error(got)
	}
	e.Domain = "nobody.example"
	if got := e.SignIns(now, now, lag); got.Seconds != 0 || got.Failed != 0 || got.Gaps != nil {
		t.Error(got)
	}
	if got := e.SignIns(now, now.Add(-time.Hour), lag); got.Seconds != 0 || got.Gaps != nil {
		t.Error(got)
	}
}
