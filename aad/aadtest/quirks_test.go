package aadtest_test

import (
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

var certificate = sync.OnceValue(func() certs.Cert {
	now := time.Now()
	k, err := certs.NewKeyPair(pkix.Name{CommonName: "idp"}, certs.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}, 0)
	if err != nil {
		panic(err)
	}
	return k.Cert()
})

// wire speaks to a server as a program without our client would.
type wire struct {
	t    *testing.T
	s    *aadtest.Server
	cred azcore.TokenCredential
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (a answer) code() string    { return a.errorField("code") }
func (a answer) message() string { return a.errorField("message") }

func (a answer) errorField(name string) string {
	e, _ := a.body["error"].(map[string]any)
	s, _ := e[name].(string)
	return s
}

func (w wire) send(method, path, body string, header ...string) answer {
	w.t.Helper()
	if strings.Contains(path, " ") {
		p, q, _ := strings.Cut(path, "?")
		path = p + "?" + strings.ReplaceAll(q, " ", "%20")
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, "https://graph.microsoft.com"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cred != nil {
		token, err := w.cred.GetToken(w.t.Context(), policy.TokenRequestOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.s.HTTPClient().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(b)}
	json.Unmarshal(b, &a.body)
	return a
}

// expect sends a request and compares status and, if given, a part of the error's message.
func (w wire) expect(status int, message, method, path, body string, header ...string) answer {
	w.t.Helper()
	a := w.send(method, path, body, header...)
	if a.status != status || !strings.Contains(a.message(), message) {
		w.t.Errorf("%s %s = %d %s; want %d %q", method, path, a.status, a.text, status, message)
	}
	return a
}

func newWire(t *testing.T) wire {
	s := new(aadtest.Server)
	s.AddDomain("example.com")
	return wire{t, s, s.Credential()}
}

const (
	domains    = "/v1.0/domains"
	example    = domains + "/example.com"
	federation = example + "/federationConfiguration"
)

// config is the body of a creation, changed by pairs of name and JSON value; "" deletes.
func config(change ...string) string {
	m := map[string]json.RawMessage{
		"@odata.type": json.RawMessage(`"#microsoft.graph.internalDomainFederation"`), "displayName": json.RawMessage(`"Example"`), "issuerUri": json.RawMessage(`"urn:uri:example.com"`),
		"passiveSignInUri": json.RawMessage(`"https://sso.example/"`), "signOutUri": json.RawMessage(`"https://sso.example/out"`),
		"signingCertificate": json.RawMessage(`"` + certificate().Base64() + `"`), "preferredAuthenticationProtocol": json.RawMessage(`"saml"`),
		"federatedIdpMfaBehavior": json.RawMessage(`"acceptIfMfaDoneByFederatedIdp"`),
	}
	for i := 0; i < len(change); i += 2 {
		if m[change[i]] = json.RawMessage(change[i+1]); change[i+1] == "" {
			delete(m, change[i])
		}
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func (w wire) authentication() aad.AuthenticationType {
	return w.s.Domain("example.com").AuthenticationType
}

func TestCreationWithoutCertificateBricksTheDomain(t *testing.T) {
	w := newWire(t)
	w.expect(500, "", "POST", federation, config("signingCertificate", ""))
	w.expect(404, "'federationConfiguration' does not exist", "GET", federation, "")
	if a := w.expect(200, "", "GET", example, ""); a.body["authenticationType"] != "Federated" {
		t.Errorf("domain = %s", a.text)
	}
	w.expect(400, "already has Federation Configuration", "POST", federation, config())
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	w.expect(201, "", "POST", federation, config())
}

func TestHalfStateKnob(t *testing.T) {
	w := newWire(t)
	w.s.Quirks.HalfState = 1
	w.expect(500, "", "POST", federation, config())
	if _, ok := w.s.Federation("example.com"); ok || w.authentication() != aad.Federated {
		t.Error("not half a state")
	}
}

func TestManagedDomainHasNoConfiguration(t *testing.T) {
	w := newWire(t)
	if a := w.expect(404, "Resource 'federationConfiguration' does not exist", "GET", federation, ""); a.code() != "Request_ResourceNotFound" {
		t.Errorf("code = %s", a.code())
	}
	w.expect(404, "Resource 'nope.example' does not exist", "GET", domains+"/nope.example/federationConfiguration", "")
	w.s.Quirks.EmptyList = true
	if a := w.expect(200, "", "GET", federation, ""); len(a.body["value"].([]any)) != 0 {
		t.Errorf("list = %s", a.text)
	}
}

func TestFederationNeedsItsOwnPermission(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("other.example")
	w.s.SetFederation("other.example", aad.Federation{ID: "o", IssuerURI: "urn:o:o", MFA: aad.RejectMFAByFederatedIdP, SigningCertificate: certificate()})
	other := domains + "/other.example/federationConfiguration"
	w.cred = w.s.Credential("Domain.ReadWrite.All")
	w.expect(403, "Insufficient privileges", "GET", other, "") // Domain permissions never were enough to list
	w.expect(200, "", "GET", other+"/o", "")
	w.expect(200, "", "PATCH", other+"/o", `{"displayName":"x"}`)
	w.expect(201, "", "POST", federation, config()) // as the permissions reference says
	w.s.RemoveFederation("example.com")

	w.s.Quirks.DomainWriteIsNotEnough = true // as was seen for years
	w.expect(403, "Insufficient privileges", "POST", federation, config())
	w.expect(403, "", "DELETE", other+"/o", "")
	w.expect(200, "", "PATCH", other+"/o", `{"displayName":"x"}`)
	w.s.Quirks.DomainWriteMayNotUpdate = true
	w.expect(403, "", "PATCH", other+"/o", `{"displayName":"x"}`)
	w.cred = w.s.Credential("Domain-InternalFederation.ReadWrite.All")
	w.expect(201, "", "POST", federation, config())
}

func TestPermissions(t *testing.T) {
	tests := []struct{ method, path, body, least string }{
		{"GET", domains, "", "Domain.Read.All"},
		{"GET", example, "", "Domain.Read.All"},
		{"PATCH", example, `{"isDefault":true}`, "Domain.ReadWrite.All"},
		{"POST", domains, `{"id":"new.example"}`, "Domain.ReadWrite.All"},
		{"POST", example + "/verify", "", "Domain.ReadWrite.All"},
		{"POST", example + "/promote", "", "Domain.ReadWrite.All"},
		{"POST", example + "/forceDelete", "", "Domain.ReadWrite.All"},
		{"DELETE", example, "", "Domain.ReadWrite.All"},
		{"GET", example + "/rootDomain", "", "Domain.Read.All"},
		{"GET", example + "/verificationDnsRecords", "", "Domain.Read.All"},
		{"GET", example + "/serviceConfigurationRecords", "", "Domain.Read.All"},
		{"GET", example + "/domainNameReferences", "", "Domain.Read.All"},
		{"GET", federation, "", "Domain-InternalFederation.Read.All"},
		{"GET", federation + "/x", "", "Domain-InternalFederation.Read.All"},
		{"POST", federation, "{}", "Domain-InternalFederation.ReadWrite.All"},
		{"PATCH", federation + "/x", "{}", "Domain-InternalFederation.ReadWrite.All"},
		{"DELETE", federation + "/x", "", "Domain-InternalFederation.ReadWrite.All"},
		{"GET", "/v1.0/policies/federatedTokenValidationPolicy", "", "Policy.Read.All"},
		{"GET", "/v1.0/organization", "", "Organization.Read.All"},
		{"GET", "/v1.0/users", "", "User.Read.All"},
		{"GET", "/v1.0/users/$count", "", "User.Read.All"},
		{"GET", "/v1.0/users/x", "", "User.Read.All"},
		{"POST", "/v1.0/users", "{}", "User.ReadWrite.All"},
		{"PATCH", "/v1.0/users/x", "{}", "User.ReadWrite.All"},
		{"DELETE", "/v1.0/users/x", "", "User.ReadWrite.All"},
		{"POST", "/v1.0/users/x/revokeSignInSessions", "", "User.RevokeSessions.All"},
		{"POST", "/v1.0/users/x/revokeSignInSessions", "", "User.ReadWrite.All"},
		{"POST", "/v1.0/users/x/revokeSignInSessions", "", "Directory.ReadWrite.All"},
		{"GET", "/v1.0/groups/x/transitiveMembers/microsoft.graph.user", "", "GroupMember.Read.All"},
		{"GET", "/v1.0/roleManagement/directory/roleDefinitions", "", "RoleManagement.Read.Directory"},
		{"GET", "/v1.0/roleManagement/directory/roleAssignments", "", "RoleManagement.Read.Directory"},
		{"POST", "/v1.0/roleManagement/directory/roleAssignments", "{}", "RoleManagement.ReadWrite.Directory"},
		{"DELETE", "/v1.0/roleManagement/directory/roleAssignments/x", "", "RoleManagement.ReadWrite.Directory"},
	}
	for _, tt := range tests {
		w := newWire(t)
		w.cred = w.s.Credential("Mail.Read", "")
		if a := w.expect(403, "Insufficient privileges to complete the operation.", tt.method, tt.path, tt.body); a.code() != "Authorization_RequestDenied" {
			t.Errorf("code = %s", a.code())
		}
		w.cred = w.s.Credential(tt.least)
		if a := w.send(tt.method, tt.path, tt.body); a.status == 403 {
			t.Errorf("%s %s with %s = 403", tt.method, tt.path, tt.least)
		}
		w.cred = nil
		a := w.expect(401, "Access token is empty.", tt.method, tt.path, tt.body)
		if a.code() != "InvalidAuthenticationToken" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer realm") {
			t.Errorf("code = %s, %v", a.code(), a.header)
		}
	}
}

func TestSignedInUsersNeedMoreToChangeTheAuthentication(t *testing.T) {
	w := newWire(t)
	w.cred = w.s.UserCredential("Domain.ReadWrite.All")
	w.expect(403, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	w.cred = w.s.UserCredential("Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All")
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Managed"}`)
}

func TestAuthenticationTypeCannotBeSetToFederated(t *testing.T) {
	w := newWire(t)
	w.expect(400, "Changing authenticationType from Managed to Federated is currently not supported.", "PATCH", example, `{"authenticationType":"Federated"}`)
	w.expect(500, "", "PATCH", example, `{"authenticationType":"Federated","federationConfiguration":[]}`)
	w.expect(201, "", "POST", federation, config())
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Federated"}`)
	w.expect(400, "Invalid value", "PATCH", example, `{"authenticationType":"x"}`)
	w.expect(400, "Creation of federated domain is not allowed.", "POST", domains, `{"id":"sub.example.com","authenticationType":"Federated"}`)
}

func TestCreationAndDeletionConvertTheDomain(t *testing.T) {
	w := newWire(t)
	first := w.expect(201, "", "POST", federation, config())
	if w.authentication() != aad.Federated || first.body["id"] == "" || first.body["signingCertificateUpdateStatus"] != nil {
		t.Errorf("created %s", first.text)
	}
	w.expect(400, "Domain already has Federation Configuration set.", "POST", federation, config())
	w.expect(404, "", "DELETE", federation+"/stale", "")
	w.expect(204, "", "DELETE", federation+"/"+first.body["id"].(string), "")
	if w.authentication() != aad.Managed {
		t.Error("still federated")
	}
	second := w.expect(201, "", "POST", federation, config())
	if first.body["id"] == second.body["id"] {
		t.Error("the ID did not change")
	}
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	w.expect(404, "federationConfiguration", "GET", federation, "")
}

func TestWhichDomainsCannotBeFederated(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("default.example", aadtest.Default)
	w.s.AddDomain("new.example", aadtest.Unverified)
	w.s.AddDomain("sub.example.com")
	for _, name := range []string{"contoso.onmicrosoft.com", "default.example", "new.example", "sub.example.com"} {
		w.expect(400, "", "POST", domains+"/"+name+"/federationConfiguration", config())
	}
	w.expect(404, "", "POST", domains+"/nope.example/federationConfiguration", config())
}

func TestWhatACreationMustHave(t *testing.T) {
	for _, tt := range []struct {
		change  []string
		status  int
		message string
	}{
		{[]string{"federatedIdpMfaBehavior", ""}, 400, "FederatedIdpMfaBehavior cannot be empty"},
		{[]string{"federatedIdpMfaBehavior", `""`}, 400, "FederatedIdpMfaBehavior cannot be empty"},
		{[]string{"federatedIdpMfaBehavior", `"x"`}, 400, "Invalid value specified for property 'federatedIdpMfaBehavior'"},
		{[]string{"preferredAuthenticationProtocol", `"SAMLP"`}, 400, "'preferredAuthenticationProtocol'"},
		{[]string{"promptLoginBehavior", `"x"`}, 400, "Invalid value specified for property 'promptLoginBehavior' of resource 'InternalDomainFederation'."},
		{[]string{"signingCertificate", `"MIIE"`}, 400, "'signingCertificate'"},
		{[]string{"signingCertificate", `"` + certificate().Base64()[:64] + `\n` + certificate().Base64()[64:] + `"`}, 400, "'signingCertificate'"},
		{[]string{"issuerUri", `"example"`}, 400, "'issuerUri'"},
		{[]string{"somethingNew", `1`}, 400, "'somethingNew'"},
		{[]string{"displayName", `1`}, 400, "'displayName'"},
		{[]string{"id", `"x"`}, 400, "read-only"},
		{[]string{"signOutUri", "", "activeSignInUri", `null`, "passwordResetUri", `"https://sso.example/reset"`}, 201, ""},
	} {
		w := newWire(t)
		w.expect(tt.status, tt.message, "POST", federation, config(tt.change...))
	}
}

func TestIssuersAreUnique(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("other.example")
	w.s.AddForeignIssuer("urn:of:another:tenant")
	w.expect(201, "", "POST", domains+"/other.example/federationConfiguration", config())
	if a := w.expect(409, "issuerUri", "POST", federation, config()); a.code() != "Request_MultipleObjectsWithSameKeyValue" {
		t.Errorf("code = %s", a.code())
	}
	w.expect(409, "", "POST", federation, config("issuerUri", `"urn:of:another:tenant"`))
	made := w.expect(201, "", "POST", federation, config("issuerUri", `"urn:own:x"`))
	one := federation + "/" + made.body["id"].(string)
	w.expect(409, "", "PATCH", one, `{"issuerUri":"urn:uri:example.com"}`)
	w.expect(200, "", "PATCH", one, `{"issuerUri":"urn:own:x"}`) // what it is already
	w.s.Quirks.SharedIssuerIs400 = true
	w.expect(400, "in use", "PATCH", one, `{"issuerUri":"urn:uri:example.com"}`)
}

func TestUpdateAnswers(t *testing.T) {
	w := newWire(t)
	made := w.expect(201, "", "POST", federation, config())
	one := federation + "/" + made.body["id"].(string)
	if a := w.expect(200, "", "PATCH", one, `{"displayName":"New"}`); a.body["displayName"] != "New" || a.body["issuerUri"] != "urn:uri:example.com" {
		t.Errorf("answer = %s", a.text)
	}
	w.s.Quirks.UpdateStatus = 204
	if a := w.expect(204, "", "PATCH", one, `{"displayName":"Newer"}`); a.text != "" {
		t.Errorf("answer = %s", a.text)
	}
	w.s.Quirks.UpdateReplies500 = 1
	w.expect(500, "", "PATCH", one, `{"displayName":"Newest"}`)
	if f, _ := w.s.Federation("example.com"); f.DisplayName != "Newest" {
		t.Errorf("the update had no effect: %+v", f)
	}
	w.expect(400, "FederatedIdpMfaBehavior cannot be empty", "PATCH", one, `{"federatedIdpMfaBehavior":null}`)
	w.expect(400, "", "PATCH", one, `{"signingCertificate":null}`)
	w.s.Quirks.UpdateStatus = 0
	w.expect(200, "", "PATCH", one, `{"nextSigningCertificate":"`+certificate().Base64()+`"}`)
	w.s.Quirks.RefuseNullCertificate = true
	w.expect(400, "nextSigningCertificate", "PATCH", one, `{"nextSigningCertificate":null}`)
	w.s.Quirks.RefuseNullCertificate = false
	if a := w.expect(200, "", "PATCH", one, `{"nextSigningCertificate":null}`); a.body["nextSigningCertificate"] != nil {
		t.Errorf("answer = %s", a.text)
	}
	w.expect(404, "", "PATCH", federation+"/stale", `{}`)
	w.expect(404, "", "GET", federation+"/stale", "")
}

func TestSubdomainsInherit(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("sub.example.com")
	sub := domains + "/sub.example.com"
	w.expect(201, "", "POST", federation, config())
	if a := w.expect(200, "", "GET", sub, ""); a.body["authenticationType"] != "Federated" || a.body["isRoot"] != false {
		t.Errorf("subdomain = %s", a.text)
	}
	if a := w.expect(200, "", "GET", sub+"/rootDomain", ""); a.body["id"] != "example.com" {
		t.Errorf("root = %s", a.text)
	}
	w.expect(404, "", "GET", sub+"/federationConfiguration", "")
	w.s.Quirks.SubdomainShowsParent = true
	w.expect(200, "", "GET", sub+"/federationConfiguration", "")
	w.s.Quirks.SubdomainShowsParent = false
	w.expect(400, "", "PATCH", sub, `{"authenticationType":"Managed"}`)
	if a := w.send("GET", "/common/userrealm/a@sub.example.com?api-version=2.1", ""); a.body["NameSpaceType"] != "Federated" || !strings.HasPrefix(fmt.Sprint(a.body["AuthURL"]), "https://sso.example/") {
		t.Errorf("realm = %s", a.text)
	}
	if a := w.expect(201, "", "POST", domains, `{"id":"created.example.com"}`); a.body["isVerified"] != true || a.body["authenticationType"] != "Federated" {
		t.Errorf("created subdomain = %s", a.text)
	}
}

func TestPromotion(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("sub.example.com")
	w.s.AddDomain("new.example", aadtest.Unverified)
	w.expect(201, "", "POST", federation, config())
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@sub.example.com"})
	w.expect(400, "Unverified domains can't be promoted.", "POST", domains+"/new.example/promote", "")
	w.expect(400, "Promoting a subdomain with user references isn't allowed.", "POST", domains+"/sub.example.com/promote", "")
	w.s.RemoveUser(id)
	if a := w.expect(200, "", "POST", domains+"/sub.example.com/promote", ""); a.body["value"] != true {
		t.Errorf("answer = %s", a.text)
	}
	if d := w.s.Domain("sub.example.com"); d.AuthenticationType != aad.Managed || !d.IsRoot {
		t.Errorf("promoted = %+v", d)
	}
	w.expect(400, "", "POST", example+"/promote", "")
}

func TestDefaultDomain(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("new.example", aadtest.Unverified)
	w.expect(400, "Only verified domains can be updated.", "PATCH", domains+"/new.example", `{"isDefault":true}`)
	w.expect(400, "", "PATCH", domains+"/contoso.onmicrosoft.com", `{"isDefault":false}`)
	w.expect(204, "", "PATCH", example, `{"isDefault":true,"supportedServices":["Email"]}`)
	if w.s.Domain("contoso.onmicrosoft.com").IsDefault || !w.s.Domain("example.com").IsDefault {
		t.Error("there is not exactly one default domain")
	}
	w.expect(400, "", "POST", federation, config())
	w.expect(400, "", "DELETE", example, "")
	w.expect(204, "", "PATCH", domains+"/contoso.onmicrosoft.com", `{"isDefault":true}`)
	w.expect(201, "", "POST", federation, config())
	w.expect(400, "must be Managed", "PATCH", example, `{"isDefault":true}`)
}

func TestDomainLife(t *testing.T) {
	w := newWire(t)
	w.expect(201, "", "POST", domains, `{"id":"new.example"}`)
	w.expect(400, "", "POST", domains, `{"id":"new.example"}`)
	w.expect(400, "", "POST", domains, `{"id":"bad"}`)
	w.s.Quirks.DNSMissing = true
	w.expect(400, "verification failed", "POST", domains+"/new.example/verify", "")
	w.s.Quirks.DNSMissing = false
	w.expect(200, "", "POST", domains+"/new.example/verify", "")
	w.expect(400, "", "POST", domains+"/new.example/verify", "")
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@new.example"})
	if a := w.expect(200, "", "GET", domains+"/new.example/domainNameReferences", ""); len(a.body["value"].([]any)) != 1 {
		t.Errorf("references = %s", a.text)
	}
	w.expect(400, "in use", "DELETE", domains+"/new.example", "")
	w.s.RemoveUser(id)
	w.expect(204, "", "DELETE", domains+"/new.example", "")
	w.expect(404, "", "GET", domains+"/new.example", "")
	w.expect(201, "", "POST", domains, `{"id":"new.example"}`)
	w.expect(204, "", "POST", domains+"/new.example/forceDelete", `{"disableUserAccounts":true}`)
	w.expect(201, "", "POST", federation, config())
	if a := w.expect(400, "This API is not supported for federated domains.", "GET", example+"/domainNameReferences", ""); a.code() != "Request_UnsupportedQuery" {
		t.Errorf("code = %s", a.code())
	}
	w.expect(400, "", "POST", example+"/forceDelete", "")
}

const someone = `{"accountEnabled":true,"displayName":"B","mailNickname":"b","passwordProfile":{"password":"x"},"userPrincipalName":"b@example.com"%s}`
