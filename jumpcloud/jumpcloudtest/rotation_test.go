package jumpcloudtest_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// borrowed is the pair of an application in another organisation.
func borrowed(t *testing.T) (cert certs.Cert, key *rsa.PrivateKey) {
	t.Helper()
	var other jumpcloudtest.Server
	id := other.AddApplication("office365", "M365", "urn:uri:other.example", appURL)
	a, _ := other.Application(id)
	return a.Certificate, other.Signer(id).(*rsa.PrivateKey)
}

func keyPEM(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// putPair writes certificate and key, as the console's upload does.
func putPair(t *testing.T, s *jumpcloudtest.Server, id string, cert certs.Cert, key *rsa.PrivateKey) answer {
	t.Helper()
	return put(t, s, id, func(_, config map[string]any) {
		config["idpCertificate"].(map[string]any)["value"] = value(cert.PEM())
		config["idpPrivateKey"].(map[string]any)["value"] = value(keyPEM(key))
	})
}

// dates are when certificate and key were replaced, as an application says, in
// hours after start.
func dates(t *testing.T, a answer, start time.Time) string {
	t.Helper()
	sso := a.json(t)["sso"].(map[string]any)
	hours := func(name string) string {
		s, ok := sso[name].(string)
		if !ok {
			return "-"
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(at.Sub(start).Hours())
	}
	return hours("idpCertificateUpdatedAt") + " " + hours("idpPrivateKeyUpdatedAt")
}

// The dates tell when certificate and key were replaced, and nothing else; what a
// body says of them is ignored.
func TestUpdatedAt(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := start
	s := jumpcloudtest.Server{Now: func() time.Time { return now }}
	id := addApp(&s)
	cert, key := borrowed(t)
	for _, step := range []struct {
		name   string
		quirks jumpcloudtest.Quirks
		do     func() answer
		want   string
	}{
		{"made", jumpcloudtest.Quirks{}, func() answer { return answer{} }, "0 0"},
		{"another label", jumpcloudtest.Quirks{}, func() answer {
			return put(t, &s, id, func(app, _ map[string]any) {
				app["displayLabel"] = "x"
				app["sso"].(map[string]any)["idpCertificateUpdatedAt"] = "2001-01-01T00:00:00.000Z"
				app["sso"].(map[string]any)["idpPrivateKeyUpdatedAt"] = "2001-01-01T00:00:00.000Z"
			})
		}, "0 0"},
		{"a pair", jumpcloudtest.Quirks{}, func() answer { return putPair(t, &s, id, cert, key) }, "2 2"},
		{"the same pair", jumpcloudtest.Quirks{}, func() answer { return putPair(t, &s, id, cert, key) }, "2 3"},
		{"no certificate", jumpcloudtest.Quirks{}, func() answer {
			return put(t, &s, id, func(_, config map[string]any) { delete(config, "idpCertificate") })
		}, "4 4"},
		{"a pair, whose key is not taken", jumpcloudtest.Quirks{KeepOldKey: true}, func() answer { return putPair(t, &s, id, cert, key) }, "5 4"},
		{"regenerated in the console", jumpcloudtest.Quirks{}, func() answer { s.RegenerateCertificate(id); return answer{} }, "6 6"},
		{"broken in the console", jumpcloudtest.Quirks{}, func() answer {
			s.SetApplicationSetting(id, "idpCertificate", "x")
			return answer{}
		}, "7 6"},
		{"not told", jumpcloudtest.Quirks{OmitUpdatedAt: true}, func() answer { return answer{} }, "- -"},
	} {
		s.Quirks = step.quirks
		if a := step.do(); a.status != 0 {
			if got := dates(t, a, start); got != step.want {
				t.Errorf("%s: the answer says %s; want %s", step.name, got, step.want)
			}
		}
		if got := dates(t, send(t, &s, "GET", "/api/applications/"+id, ""), start); got != step.want {
			t.Errorf("%s: %s; want %s", step.name, got, step.want)
		}
		now = now.Add(time.Hour)
	}
}

func TestKeepOldKey(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	cert, key := borrowed(t)
	old := s.Signer(id)
	s.Quirks.KeepOldKey = true
	putPair(t, &s, id, cert, key)
	if a, _ := s.Application(id); a.Certificate != cert || !a.HasKey || s.Signer(id) != old {
		t.Errorf("%+v, signs with the old key: %v; want the new certificate and the old key", a, s.Signer(id) == old)
	}
	s.Quirks.KeepOldKey = false
	putPair(t, &s, id, cert, key)
	if got := s.Signer(id).(*rsa.PrivateKey); !got.Equal(key) {
		t.Error("the key that was written does not sign")
	}
}

// A new certificate is late to be seen in the application, in lists and in the
// metadata, each as it is said; what else changed is seen at once, and the answer to
// the write shows all of it.
func TestCertificateAndMetadataLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		id := addApp(&s)
		before, _ := s.Application(id)
		time.Sleep(time.Hour)
		s.Quirks.CertificateLag, s.Quirks.MetadataLag = jumpcloudtest.Lag{For: time.Minute}, jumpcloudtest.Lag{For: 3 * time.Minute}
		made := put(t, &s, id, func(app, config map[string]any) {
			app["displayLabel"] = "new"
			delete(config, "idpCertificate")
		})
		after, _ := s.Application(id)
		if after.Certificate == before.Certificate || !strings.Contains(made.body, value(after.Certificate.PEM())) {
			t.Fatalf("the write was answered with %s; want the new certificate", made.body)
		}
		c := s.Client(nil)
		names := map[certs.Cert]string{before.Certificate: "old", after.Certificate: "new"}
		// see tells what is seen where: in the application, in a list, in the metadata.
		see := func() (seen [3]string) {
			t.Helper()
			show := func(a *jumpcloud.Application) string {
				cert, err := a.Certificate()
				if err != nil {
					t.Fatal(err)
				}
				if told := a.CertificateExpires.Equal(cert.X509().NotAfter) && a.CertificateUpdated.Equal(a.KeyUpdated); !told {
					t.Errorf("what is told of the certificate is of another: %+v", a)
				}
				if names[cert] == "old" == a.CertificateUpdated.After(a.Created) {
					t.Errorf("the %s certificate is of %v, the application of %v", names[cert], a.CertificateUpdated, a.Created)
				}
				return a.DisplayLabel + "/" + names[cert]
			}
			a, err := c.Application(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			seen[0] = show(a)
			for a, err := range c.Applications(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				seen[1] = show(a)
			}
			m, err := c.Metadata(t.Context(), s.OrgID(), id)
			if err != nil {
				t.Fatal(err)
			}
			seen[2] = names[m.SigningCerts[0]]
			return seen
		}
		var got [][3]string
		for range 4 {
			got = append(got, see())
			time.Sleep(time.Minute)
		}
		want := [][3]string{
			{"new/old", "new/old", "old"}, {"new/new", "new/new", "old"}, {"new/new", "new/new", "old"}, {"new/new", "new/new", "new"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// What has just been made had no certificate before, what does not sign never had
// one, and a lag of the whole application hides more.
func TestCertificateLagAndOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute := jumpcloudtest.Lag{For: time.Minute}
		s := jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{CertificateLag: minute, MetadataLag: minute}}
		send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, ""))
		send(t, &s, "POST", "/api/applications", `{"name":"oidc","config":{}}`)
		for i, a := range s.Applications() {
			if got := send(t, &s, "GET", "/api/applications/"+a.ID, ""); got.status != 200 || strings.Contains(got.body, `"idpCertificate":null`) {
				t.Errorf("%d: %d %s", i, got.status, got.body)
			}
		}
		id := s.Applications()[0].ID
		metadata := "/api/organizations/" + s.OrgID() + "/applications/" + id + "/metadata.xml"
		if got := send(t, &s, "GET", metadata, ""); got.status != 200 {
			t.Errorf("metadata: %d %s", got.status, got.body)
		}
		time.Sleep(time.Hour)
		s.GetLag = jumpcloudtest.Lag{For: time.Hour}
		before, _ := s.Application(id)
		s.RegenerateCertificate(id)
		time.Sleep(2 * time.Minute)
		a := send(t, &s, "GET", "/api/applications/"+id, "")
		if !strings.Contains(a.body, value(before.Certificate.PEM())) {
			t.Errorf("what lags for an hour shows after two minutes: %s", a.body)
		}
	})
}

func TestAlterEntityIDs(t *testing.T) {
	s := jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{AlterEntityIDs: true}}
	var ids []string
	for range 2 {
		if a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, "")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	for _, a := range s.Applications() {
		put(t, &s, a.ID, func(app, _ map[string]any) { app["displayLabel"] = "again" })
		a, _ = s.Application(a.ID)
		ids = append(ids, strings.ReplaceAll(a.EntityID, a.ID, "ID"))
	}
	if len(ids) != 2 || ids[0] == "" || ids[1] != ids[0]+"/ID" {
		t.Errorf("entity IDs = %q; want the first as it was sent, and the second another", ids)
	}
}
