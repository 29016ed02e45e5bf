package jumpcloudtest_test

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

const appURL = "https://sso.jumpcloud.com/saml2/x"

func addApp(s *jumpcloudtest.Server) string {
	return s.AddApplication("office365", "M365", "urn:uri:example.com", appURL)
}

func put(t testing.TB, s *jumpcloudtest.Server, id string, edit func(app, config map[string]any)) answer {
	t.Helper()
	m := send(t, s, "GET", "/api/applications/"+id, "").json(t)
	edit(m, m["config"].(map[string]any))
	b, _ := json.Marshal(m)
	return send(t, s, "PUT", "/api/applications/"+id, string(b))
}

func TestPutIsFullReplace(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	s.SetApplicationField(id, "description", "D")
	s.SetApplicationSetting(id, "spEntityId", "other")
	a := put(t, &s, id, func(app, config map[string]any) {
		delete(app, "description")
		delete(app, "active")
		delete(config, "spEntityId")
	})
	m := a.json(t)
	if m["description"] != "" || m["active"] != false || m["config"].(map[string]any)["spEntityId"].(map[string]any)["value"] != "urn:federation:MicrosoftOnline" {
		t.Errorf("%s; want what was not sent reset", a.body)
	}
}

func TestPutWithoutCertificateMakesANewOne(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	before, _ := s.Application(id)
	put(t, &s, id, func(_, config map[string]any) { delete(config, "idpCertificate") })
	after, _ := s.Application(id)
	if after.Certificate == before.Certificate || after.Certificate.IsZero() || !after.HasKey {
		t.Errorf("before %+v, after %+v", before, after)
	}
	put(t, &s, id, func(app, _ map[string]any) { delete(app, "config") })
	if again, _ := s.Application(id); again.Certificate == after.Certificate {
		t.Error("a PUT without config kept the certificate")
	}
	after, _ = s.Application(id)
	put(t, &s, id, func(map[string]any, map[string]any) {}) // everything echoed, the empty key too
	if again, _ := s.Application(id); again != after {
		t.Errorf("a PUT of everything changed %+v to %+v", after, again)
	}
}

func TestPrivateKeyIsWriteOnly(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	m := send(t, &s, "GET", "/api/applications/"+id, "").json(t)["config"].(map[string]any)
	if v := m["idpPrivateKey"].(map[string]any)["value"]; v != "" {
		t.Errorf("idpPrivateKey = %v", v)
	}
	text, err := base64.StdEncoding.DecodeString(m["idpCertificate"].(map[string]any)["value"].(string))
	if err != nil || !strings.HasPrefix(string(text), "-----BEGIN CERTIFICATE-----") {
		t.Errorf("idpCertificate = %q, %v; want base64 of PEM", text, err)
	}
}

func TestUploadOfCertificateWipesKey(t *testing.T) {
	var s jumpcloudtest.Server
	id, other := addApp(&s), addApp(&s)
	o, _ := s.Application(other)
	value := base64.StdEncoding.EncodeToString(o.Certificate.PEM())
	put(t, &s, id, func(_, config map[string]any) { config["idpCertificate"].(map[string]any)["value"] = value })
	a, _ := s.Application(id)
	if a.Certificate != o.Certificate || a.HasKey || s.Signer(id) != nil {
		t.Errorf("application = %+v; want the certificate and no key", a)
	}
}

func TestEmptyKeyKnob(t *testing.T) {
	for knob, want := range map[jumpcloudtest.EmptyKey]struct{ same, key bool }{
		jumpcloudtest.KeepKey: {true, true}, jumpcloudtest.LoseKey: {true, false}, jumpcloudtest.RenewCertificate: {false, true},
	} {
		s := jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{EmptyKey: knob}}
		id := addApp(&s)
		before, _ := s.Application(id)
		put(t, &s, id, func(map[string]any, map[string]any) {})
		after, _ := s.Application(id)
		if same := before.Certificate == after.Certificate; same != want.same || after.HasKey != want.key {
			t.Errorf("EmptyKey %d: same certificate %v, key %v; want %+v", knob, same, after.HasKey, want)
		}
	}
}

const createBody = `{"active":true,"name":"office365","displayLabel":"M","ssoUrl":"` + appURL + `","config":{"idpEntityId":{"value":"urn:uri:a.com"}%s}}`

func TestCreateWithEmptyCertificateIs503(t *testing.T) {
	var s jumpcloudtest.Server
	for range 3 { // every time
		a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, `,"idpCertificate":{"value":"","required":true}`))
		if a.status != 503 {
			t.Errorf("%d; want 503", a.status)
		}
	}
	if a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, "")); a.status != 200 {
		t.Errorf("without the keys: %d %s", a.status, a.body)
	}
	if n := len(s.Applications()); n != 1 {
		t.Errorf("%d applications", n)
	}
}

func TestCreateWithoutURL(t *testing.T) {
	var s jumpcloudtest.Server
	wantAnswer(t, send(t, &s, "POST", "/api/applications", `{"name":"office365","config":{}}`), 400, `{"error":"The IdP URL is required","status":400}`)
	if a := send(t, &s, "POST", "/api/applications", `{"name":"oidc","config":{}}`); a.status != 200 {
		t.Errorf("oidc without URL: %d %s", a.status, a.body)
	}
	if a := send(t, &s, "POST", "/api/applications", `{"name":"oidc","ssoUrl":"https://x.com","config":{}}`); a.status != 400 {
		t.Errorf("oidc with URL: %d", a.status)
	}
}

func TestActiveDefaultsToFalse(t *testing.T) {
	var s jumpcloudtest.Server
	send(t, &s, "POST", "/api/applications", strings.Replace(fmt.Sprintf(createBody, ""), `"active":true,`, "", 1))
	if a := s.Applications()[0]; a.Active {
		t.Errorf("%+v", a)
	}
}

func TestURLsAndEntityIDsAreNotUnique(t *testing.T) {
	var s jumpcloudtest.Server
	for range 2 {
		if a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, "")); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	s.Quirks.UniqueEntityIDs = true
	if a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, "")); a.status != 400 {
		t.Errorf("UniqueEntityIDs: %d", a.status)
	}
}

// Settings that the template does not have are refused, unless the application has
// got them from the console.
func TestUnknownSettings(t *testing.T) {
	var s jumpcloudtest.Server
	a := send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, `,"nonsense":{"value":1}`))
	if a.status != 501 || !strings.Contains(a.body, "nonsense") {
		t.Errorf("%d %s", a.status, a.body)
	}
	id := addApp(&s)
	s.SetApplicationSetting(id, "nonsense", "old")
	a = put(t, &s, id, func(_, config map[string]any) { config["nonsense"] = map[string]any{"value": "new"} })
	if a.status != 200 || !strings.Contains(a.body, `"nonsense":{"value":"new"}`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestExpiryIsShown(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	truth, _ := s.Application(id)
	m := send(t, &s, "GET", "/api/applications/"+id, "").json(t)
	want := truth.Certificate.X509().NotAfter.UTC().Format("2006-01-02T15:04:05.000Z")
	if got := m["sso"].(map[string]any)["idpCertExpirationAt"]; got != want {
		t.Errorf("idpCertExpirationAt = %v; want %v", got, want)
	}
}

func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{Organization: "Müller & Söhne"}
		seen := map[string]bool{}
		for range 8 {
			a, _ := s.Application(addApp(&s))
			x := a.Certificate.X509()
			if got := rdn(t, x.RawSubject); got != "C=US, ST=CO, L=Boulder, O=Müller & Söhne, OU=JumpCloudSAMLIdP, CN=JumpCloudSAMLUser" {
				t.Errorf("subject = %s", got)
			}
			if x.Version != 3 || x.SignatureAlgorithm != x509.SHA256WithRSA || x.PublicKey.(*rsa.PublicKey).N.BitLen() != 2048 || len(x.Extensions) != 0 || string(x.RawIssuer) != string(x.RawSubject) {
				t.Errorf("certificate = %v", x)
			}
			if !x.NotBefore.Equal(time.Now().Truncate(time.Second)) || !x.NotAfter.Equal(x.NotBefore.AddDate(5, 0, 0)) {
				t.Errorf("valid from %v to %v; now is %v", x.NotBefore, x.NotAfter, time.Now())
			}
			if err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature); err != nil {
				t.Error(err)
			}
			if seen[a.Certificate.Fingerprint()] {
				t.Error("two applications with one certificate")
			}
			seen[a.Certificate.Fingerprint()] = true
		}
	})
}

func rdn(t testing.TB, raw []byte) string {
	t.Helper()
	names := map[string]string{"2.5.4.6": "C", "2.5.4.8": "ST", "2.5.4.7": "L", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN"}
	var parts []string
	var seq pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &seq); err != nil {
		t.Fatal(err)
	}
	for _, set := range seq {
		parts = append(parts, names[set[0].Type.String()]+"="+fmt.Sprint(set[0].Value))
	}
	return strings.Join(parts, ", ")
}

func TestMetadataIsJumpClouds(t *testing.T) {
	var s jumpcloudtest.Server
	id := s.AddApplication("office365", "M365", `urn:uri:a.com?x="1"&y`, appURL)
	truth, _ := s.Application(id)
	path := "/api/organizations/" + s.OrgID() + "/applications/" + id + "/metadata.xml"
	a := send(t, &s, "GET", path, "")
	want := `<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:uri:a.com?x=&#34;1&#34;&amp;y"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		truth.Certificate.Base64() + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:NameIDFormat>urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified</md:NameIDFormat><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + appURL + `"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + appURL + `"/></md:IDPSSODescriptor></md:EntityDescriptor>`
	if diff := cmp.Diff(want, a.body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	md, err := certs.ParseMetadata([]byte(a.body))
	if err != nil || md.EntityID != `urn:uri:a.com?x="1"&y` {
		t.Errorf("%v, %v", md, err)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/xml" {
		t.Errorf("Content-Type = %s", ct)
	}
	s.Quirks.MetadataType = "text/plain"
	if ct := send(t, &s, "GET", path, "").header.Get("Content-Type"); ct != "text/plain" {
		t.Errorf("Content-Type = %s", ct)
	}
	s.SetApplicationSetting(id, "declareRedirectEndpoint", "false")
	if a := send(t, &s, "GET", path, ""); strings.Contains(a.body, "HTTP-Redirect") {
		t.Error("a redirect endpoint that was not declared")
	}
}

func TestMetadataOfUnencodedCertificateIs500(t *testing.T) {
	var s jumpcloudtest.Server
	id := addApp(&s)
	truth, _ := s.Application(id)
	path := "/api/organizations/" + s.OrgID() + "/applications/" + id + "/metadata.xml"
	put(t, &s, id, func(_, config map[string]any) {
		config["idpCertificate"].(map[string]any)["value"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: truth.Certificate.DER()}))
	})
	for range 2 {
		if a := send(t, &s, "GET", path, ""); a.status != 500 {
			t.Errorf("%d; want 500", a.status)
		}
	}
}

func TestDeleteStatus(t *testing.T) {
	for _, status := range []int{0, 204} {
		s := jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{DeleteStatus: status}}
		id := addApp(&s)
		a := send(t, &s, "DELETE", "/api/applications/"+id, "")
		if status == 204 && (a.status != 204 || a.body != "") || status == 0 && (a.status != 200 || a.json(t)["id"] != id) {
			t.Errorf("DeleteStatus %d: %d %s", status, a.status, a.body)
		}
		if err := s.Client(nil).DeleteApplication(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

func TestTemplates(t *testing.T) {
	var s jumpcloudtest.Server
	s.SetTemplate(`{"name":"office365","displayName":"Office 365","sso":{"type":"saml"},"config":{"idpEntityId":{"value":""},"new":{"value":1}}}`)
	s.SetTemplate(`{"name":"extra","config":{}}`)
	s.RemoveTemplate("bookmark")
	c := s.Client(nil)
	var names []string
	for tmpl, err := range c.Templates(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tmpl.Name)
	}
	if diff := cmp.Diff([]string{"saml2", "oidc", "office365", "extra"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tmpl, err := c.Template(t.Context(), "office365")
	if v, ok := tmpl.Setting("new"); err != nil || !ok || string(v) != "1" {
		t.Errorf("%v, %v", tmpl, err)
	}
}
