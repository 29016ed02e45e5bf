package jumpcloudtest_test

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// clock is one that each reading puts on by a second.
func clock(s *jumpcloudtest.Server) func() time.Time {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { now = now.Add(time.Second); return now }
	return func() time.Time { return now }
}

// glance is what matters about a version.
type glance struct {
	Active, Hidden, Bound, Everywhere, Gone bool

	URL          string
	Shows, Signs string // thumbprints
}

func glances(h jumpcloudtest.History) (out []glance) {
	for _, v := range h.Versions {
		out = append(out, glance{v.Active, v.Hidden, v.Bound, v.Everywhere, v.Gone, v.SSOURL, v.Certificate.Thumbprint(), v.Signs.Thumbprint()})
	}
	return out
}

func value(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func newPair(t testing.TB) *certs.KeyPair {
	t.Helper()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p, err := certs.NewKeyPair(pkix.Name{CommonName: "jumpcloudtest"}, certs.Lifetime{NotBefore: from, NotAfter: from.AddDate(5, 0, 0)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHistories: however an application changes, it is remembered, with the key that
// it has.
func TestHistories(t *testing.T) {
	const other = appURL + "2"
	pair := newPair(t)
	mine := pair.Cert().Thumbprint()
	app := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id} }
	group := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id} }

	tests := []struct {
		name string
		do   func(t *testing.T, s *jumpcloudtest.Server, id string)
		want func(first string, h jumpcloudtest.History) []glance // after the first version
	}{
		{"fields and settings", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			s.SetApplicationField(id, "active", false)
			s.SetApplicationField(id, "ssoUrl", other)
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{{URL: appURL, Shows: first, Signs: first}, {URL: other, Shows: first, Signs: first}}
		}},
		{"hidden by a PUT", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			put(t, s, id, func(app, _ map[string]any) { app["sso"].(map[string]any)["hidden"] = true })
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{{Active: true, Hidden: true, URL: appURL, Shows: first, Signs: first}}
		}},
		{"a pair is uploaded", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			put(t, s, id, func(_, config map[string]any) {
				config["idpCertificate"].(map[string]any)["value"] = value(pair.Cert().PEM())
				config["idpPrivateKey"].(map[string]any)["value"] = value(pair.PrivateKeyPEM())
			})
		}, func(string, jumpcloudtest.History) []glance {
			return []glance{{Active: true, URL: appURL, Shows: mine, Signs: mine}}
		}},
		{"a certificate is uploaded without its key", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			put(t, s, id, func(_, config map[string]any) {
				config["idpCertificate"].(map[string]any)["value"] = value(pair.Cert().PEM())
			})
		}, func(string, jumpcloudtest.History) []glance {
			return []glance{{Active: true, URL: appURL, Shows: mine}}
		}},
		{"the certificate is another's", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			s.SetApplicationSetting(id, "idpCertificate", value(pair.Cert().PEM()))
			s.SetApplicationField(id, "displayLabel", "L")
			s.SetApplicationSetting(id, "idpCertificate", "none")
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{
				{Active: true, URL: appURL, Shows: mine, Signs: first}, {Active: true, URL: appURL, Shows: mine, Signs: first},
				{Active: true, URL: appURL, Signs: first},
			}
		}},
		{"a new pair is made", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			s.RegenerateCertificate(id)
			put(t, s, id, func(_, config map[string]any) { delete(config, "idpCertificate") })
		}, func(first string, h jumpcloudtest.History) []glance {
			a, b := h.Versions[1].Certificate.Thumbprint(), h.Versions[2].Certificate.Thumbprint()
			if a == b || a == first {
				return nil
			}
			return []glance{{Active: true, URL: appURL, Shows: a, Signs: a}, {Active: true, URL: appURL, Shows: b, Signs: b}}
		}},
		{"bound by requests", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			g, u := s.AddGroup("G"), s.AddUser(jumpcloud.User{Username: "u"})
			s.AddDirectory("D")
			send(t, s, "POST", "/api/v2/usergroups/"+g+"/associations", `{"op":"add","type":"application","id":"`+id+`"}`)
			send(t, s, "POST", "/api/v2/applications/"+id+"/associations", `{"op":"add","type":"user","id":"`+u+`"}`)
			send(t, s, "POST", "/api/v2/applications/"+id+"/associations", `{"op":"remove","type":"user_group","id":"`+g+`"}`)
			send(t, s, "POST", "/api/v2/applications/"+id+"/associations", `{"op":"remove","type":"user_group","id":"`+g+`"}`)
			send(t, s, "DELETE", "/api/systemusers/"+u, "")
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{
				{Active: true, Bound: true, URL: appURL, Shows: first, Signs: first},
				{Active: true, URL: appURL, Shows: first, Signs: first},
			}
		}},
		{"bound behind everybody's back, twice", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			g := s.AddGroup("G")
			s.Bind(app(id), group(g))
			s.Bind(group(g), app(id))
			s.SetApplicationField(id, "displayLabel", "L")
			s.Unbind(group(g), app(id))
			s.Unbind(group(g), app(id))
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{
				{Active: true, Bound: true, URL: appURL, Shows: first, Signs: first},
				{Active: true, Bound: true, URL: appURL, Shows: first, Signs: first},
				{Active: true, URL: appURL, Shows: first, Signs: first},
			}
		}},
		{"deleted while it is bound", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			s.Bind(app(id), group(s.AddGroup("G")))
			send(t, s, "DELETE", "/api/applications/"+id, "")
		}, func(first string, _ jumpcloudtest.History) []glance {
			return []glance{{Active: true, Bound: true, URL: appURL, Shows: first, Signs: first}, {Gone: true}}
		}},
		{"deleted behind everybody's back", func(t *testing.T, s *jumpcloudtest.Server, id string) {
			s.DeleteApplication(id)
		}, func(string, jumpcloudtest.History) []glance { return []glance{{Gone: true}} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s jumpcloudtest.Server
			now := clock(&s)
			id := addApp(&s)
			first, _ := s.Application(id)
			tt.do(t, &s, id)
			all := s.Histories()
			if len(all) != 1 || all[0].ID != id {
				t.Fatalf("%+v; want the history of %s", all, id)
			}
			thumb := first.Certificate.Thumbprint()
			want := append([]glance{{Active: true, Everywhere: true, URL: appURL, Shows: thumb, Signs: thumb}}, tt.want(thumb, all[0])...)
			if diff := cmp.Diff(want, glances(all[0])); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			last := time.Time{}
			for i, v := range all[0].Versions {
				if !v.At.After(last) || v.At.After(now()) || v.ID != id {
					t.Errorf("version %d is of %s, by %s", i, v.At, v.ID)
				}
				last = v.At
			}
		})
	}
}

// TestHistoryOfCreated: what a request creates is not there for all who read, and the
// key of a pair that does not belong together still has a certificate.
func TestHistoryOfCreated(t *testing.T) {
	var s jumpcloudtest.Server
	one, two := newPair(t), newPair(t)
	body, _ := json.Marshal(map[string]any{
		"name": "office365", "ssoUrl": appURL, "active": true, "sso": map[string]any{"hidden": true},
		"config": map[string]any{
			"idpCertificate": map[string]any{"value": value(one.Cert().PEM())},
			"idpPrivateKey":  map[string]any{"value": value(two.PrivateKeyPEM())},
		},
	})
	if a := send(t, &s, "POST", "/api/applications", string(body)); a.status != 200 {
		t.Fatalf("%+v", a)
	}
	h := s.Histories()[0]
	v := h.Versions[0]
	if v.Everywhere || !v.Hidden || !v.Active || v.Certificate != one.Cert() || len(h.Versions) != 1 {
		t.Errorf("%+v", h)
	}
	if v.Signs == two.Cert() || !v.Signs.SamePublicKey(two.Cert()) {
		t.Errorf("signs with %s; want a certificate of the key that was uploaded", v.Signs)
	}
	if again := s.Histories()[0].Versions[0].Signs; again != v.Signs {
		t.Errorf("the certificate of the key is another one the second time: %s", again)
	}
	if truth, _ := s.Application(h.ID); !truth.Hidden {
		t.Errorf("%+v; want it hidden", truth)
	}
}

// TestKeysDiffer: keys that an application gets one after the other are different ones,
// whatever other organisations do meanwhile.
func TestKeysDiffer(t *testing.T) {
	var s, other jumpcloudtest.Server
	id, elsewhere := addApp(&s), addApp(&other)
	for range 4 {
		s.RegenerateCertificate(id)
		other.RegenerateCertificate(elsewhere)
		other.RegenerateCertificate(elsewhere)
	}
	seen := make(map[string]bool)
	for _, v := range s.Histories()[0].Versions {
		seen[string(v.Signs.X509().RawSubjectPublicKeyInfo)] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d keys; want 5", len(seen))
	}
}
