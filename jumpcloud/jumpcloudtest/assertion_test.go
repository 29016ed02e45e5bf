package jumpcloudtest_test

import (
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestSigningKey: a message is signed with the key that the application has, whatever
// certificate it shows.
func TestSigningKey(t *testing.T) {
	replace := func(w *world) {
		pair, err := certs.NewKeyPair(pkix.Name{CommonName: "new"}, certs.Lifetime{NotBefore: w.now, NotAfter: w.now.AddDate(1, 0, 0)}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Client(nil).ReplaceCertificate(t.Context(), w.app, pair); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(*world)
		want   signin.Answer
	}{
		{"its own", func(*world) {}, signin.Yes},
		{"another pair", replace, signin.Yes},
		{"another certificate, the old key", func(w *world) { w.Quirks.KeepOldKey = true; replace(w) }, signin.No},
		{"regenerated", func(w *world) { w.RegenerateCertificate(w.app) }, signin.Yes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.logIn(b.post(loginURL, posted(request)))
			v := w.judged(p)
			if v.Accepted != tt.want || tt.want == signin.No && v.Code != "AADSTS5000811" && v.Code != "AADSTS50006" {
				t.Errorf("%v\n%+v", v, v.Checks)
			}
			versions := w.Histories()[0].Versions
			signs := versions[len(versions)-1].Signs
			xml, _ := p.response()
			tenant := w.tenant()
			tenant.Domains[0].Federation.SigningCertificate = signs
			if v := signin.Judge(xml, tenant, w.now); v.Accepted != signin.Yes {
				t.Errorf("by the certificate that the history names: %v\n%+v", v, v.Checks)
			}
		})
	}
}

// TestAssertion: what is in the message, by settings and quirks.
func TestAssertion(t *testing.T) {
	setting := func(key, value string) func(*world) {
		return func(w *world) { w.SetApplicationSetting(w.app, key, value) }
	}
	for _, tt := range []struct {
		name   string
		before func(*world)
		want   signin.Answer
		not    []string // what is not good
		has    []string
	}{
		{"as it is", func(*world) {}, signin.Yes, []string{"mfa doubtful"}, []string{"#rsa-sha256", `Name="IDPEmail"`}},
		{"both signed", setting("signResponse", "true"), signin.Yes, []string{"mfa doubtful"}, []string{"#rsa-sha256"}},
		{"only the response", func(w *world) {
			setting("signResponse", "true")(w)
			setting("signAssertion", "false")(w)
		}, signin.No, nil, nil},
		{"not signed", setting("signAssertion", "false"), signin.No, nil, nil},
		{"SHA-1", setting("signatureAlgorithm", "RSA-SHA1"), signin.Yes, []string{"mfa doubtful", "signature doubtful"}, []string{"#rsa-sha1"}},
		{"another format", setting("overrideNameIdFormat", ""), signin.Yes, []string{"mfa doubtful", "subject doubtful"}, nil},
		{"another audience", setting("spEntityId", "urn:x"), signin.No, nil, nil},
		{"an address in a list", setting("acsUrl",
			`[{"index":"0","url":"https://example.net/"},{"index":"1","isDefault":"true","url":"`+loginSRF+`"}]`),
			signin.Yes, []string{"mfa doubtful"}, nil},
		{"the clock is fast", func(w *world) { w.Quirks.SignIn.ClockSkew = 10 * time.Minute }, signin.No, nil, nil},
		{"the clock is a little slow", func(w *world) { w.Quirks.SignIn.ClockSkew = -2 * time.Minute },
			signin.Yes, []string{"mfa doubtful"}, nil},
		{"short", func(w *world) { w.Quirks.SignIn.Lifetime = time.Minute },
			signin.Yes, []string{"mfa doubtful"}, []string{`NotOnOrAfter="2026-03-02T09:01:00.000Z"`}},
		{"an older immutable ID", func(w *world) { w.SetImmutableID(w.ann, "3q2+7w==") }, signin.No, nil, []string{">3q2+7w==<"}},
		{"not exported, sent all the same", func(w *world) {
			w.SetSync(w.dir, jumpcloud.BoundUser{UserID: w.ann})
			w.Quirks.SignIn.NameUnexported = true
		}, signin.Yes, []string{"mfa doubtful"}, nil},
		{"in an attribute as well", func(w *world) { w.Quirks.SignIn.ImmutableIDAttribute = true }, signin.Yes, []string{"mfa doubtful"},
			[]string{"http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"}},
		{"a class of its own", func(w *world) { w.Quirks.SignIn.AuthnContext = "http://schemas.microsoft.com/claims/multipleauthn" },
			signin.Yes, nil, []string{"multipleauthn"}},
		{"an address that is not the UPN", func(w *world) {
			w.EditUser(w.ann, func(u *jumpcloud.User) { u.Email = `a"<&>'` + "\r\n\x01@example.com" })
		},
			signin.Yes, []string{"mfa doubtful", "user doubtful"}, []string{`a&quot;&lt;&amp;&gt;&apos;`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.logIn(b.get(loginURL))
			v := w.judged(p)
			xml, _ := p.response()
			if v.Accepted != tt.want || v.Attack != "" {
				t.Fatalf("%v\n%s", v, xml)
			}
			if diff := gocmp.Diff(tt.not, bad(v)); tt.want == signin.Yes && diff != "" {
				t.Errorf("what is not good (-want +got):\n%s\n%v", diff, v.Checks)
			}
			for _, s := range tt.has {
				if !strings.Contains(string(xml), s) {
					t.Errorf("%s is not in it:\n%s", s, xml)
				}
			}
		})
	}
}

// TestAttributes: an application's own rows, and groups, as the API set them.
func TestAttributes(t *testing.T) {
	w := newWorld()
	w.SetTemplate(`{"name":"x","displayName":"X","sso":{"type":"saml"},"config":{"idpEntityId":{"value":""},"idpCertificate":{"value":""},
"idpPrivateKey":{"value":""},"spEntityId":{"value":"urn:x"},
"acsUrl":{"value":"https://login.microsoftonline.com/login.srf"},"subjectField":{"value":"username"},
"signAssertion":{"value":true},"includeGroups":{"value":true},"groupsAttributeName":{"value":"teams"},"defaultTargetUrl":{"value":"/start"},
"constantAttributes":{"value":[{"name":"tier","value":"gold"}]},
"databaseAttributes":{"value":[{"name":"first","value":"firstname"},{"name":"none","value":"lastname"}]}}}`)
	id := w.AddApplication("x", "X", "urn:idp", "https://sso.jumpcloud.com/apps/x") // not the usual path
	w.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: w.ann})
	b := w.browser(t)
	xml, relay := b.logIn(b.get("https://sso.jumpcloud.com/apps/x")).response()
	for _, s := range []string{
		`<saml:Attribute Name="tier"><saml:AttributeValue>gold</saml:AttributeValue></saml:Attribute>`,
		`<saml:Attribute Name="first"><saml:AttributeValue>Ann</saml:AttributeValue></saml:Attribute>`,
		`<saml:Attribute Name="teams"><saml:AttributeValue>Staff</saml:AttributeValue></saml:Attribute>`,
		`<saml:NameID Format="urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified">ann</saml:NameID>`,
	} {
		if !strings.Contains(string(xml), s) {
			t.Errorf("%s is not in it:\n%s", s, xml)
		}
	}
	if strings.Contains(string(xml), `"none"`) || relay != "/start" {
		t.Errorf("RelayState %q\n%s", relay, xml)
	}
}
