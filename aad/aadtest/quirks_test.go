package aadtest_test

import (
	"compress/gzip"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
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

func TestUsersOfFederatedDomainsNeedAnImmutableID(t *testing.T) {
	w := newWire(t)
	w.expect(201, "", "POST", federation, config())
	w.expect(400, "One or more properties contains invalid values.", "POST", "/v1.0/users", fmt.Sprintf(someone, ""))
	made := w.expect(201, "", "POST", "/v1.0/users", fmt.Sprintf(someone, `,"onPremisesImmutableId":"QQ=="`))
	one := "/v1.0/users/" + made.body["id"].(string)
	w.expect(400, "userPrincipalName already exists", "POST", "/v1.0/users", fmt.Sprintf(someone, `,"onPremisesImmutableId":"RR=="`))
	id := w.s.AddUser(aad.User{UserPrincipalName: "c@contoso.onmicrosoft.com"})
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"userPrincipalName":"c@example.com"}`)
	w.expect(400, "onPremisesImmutableId already exists", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"QQ=="}`)
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"a$b"}`)
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":""}`)
	w.expect(204, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"RR==","userPrincipalName":"c@example.com"}`)
	w.expect(400, "domain portion", "PATCH", "/v1.0/users/"+id, `{"userPrincipalName":"c@elsewhere.example"}`)
	w.expect(204, "", "PATCH", one, `{"onPremisesImmutableId":null,"displayName":"Bea","accountEnabled":false}`)
	w.s.Quirks.ImmutableIDFixedWhenFederated = true
	w.expect(400, "external service", "PATCH", one, `{"onPremisesImmutableId":"SS=="}`)
	w.expect(400, "", "POST", "/v1.0/users", `{"displayName":"x"}`)
	w.expect(404, "", "PATCH", "/v1.0/users/nobody", `{}`)
	w.expect(404, "", "DELETE", "/v1.0/users/nobody", "")
}

func TestImmutableIDHasToBeAskedFor(t *testing.T) {
	w := newWire(t)
	on := true
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com", ImmutableID: "QQ==", OnPremisesSyncEnabled: &on})
	one := "/v1.0/users/" + id
	if a := w.expect(200, "", "GET", one, ""); a.body["onPremisesImmutableId"] != nil || strings.Contains(a.text, "accountEnabled") {
		t.Errorf("user = %s", a.text)
	}
	if a := w.expect(200, "", "GET", "/v1.0/users", ""); strings.Contains(a.text, "QQ==") {
		t.Errorf("users = %s", a.text)
	}
	if a := w.expect(200, "", "GET", one+"?$select=onPremisesImmutableId", ""); a.body["onPremisesImmutableId"] != "QQ==" || a.body["id"] != nil {
		t.Errorf("user = %s", a.text)
	}
	w.expect(400, "Could not find a property named 'nonsense'", "GET", one+"?$select=nonsense", "")
	w.expect(400, "on-premises mastered", "PATCH", one, `{"onPremisesImmutableId":"RR=="}`)
	w.expect(400, "on-premises mastered", "PATCH", one, `{"userPrincipalName":"b@example.com"}`)
}

func TestAdvancedQueriesNeedTheHeader(t *testing.T) {
	w := newWire(t)
	w.s.GenerateUsers(300, func(i int) aad.User {
		return aad.User{UserPrincipalName: fmt.Sprintf("%c%03d@example.com", 'a'+i%3, i), DisplayName: fmt.Sprint(i)}
	})
	const users = "/v1.0/users?$select=id&"
	for _, q := range []string{"$filter=endsWith(userPrincipalName,'@example.com')", "$filter=not(startsWith(userPrincipalName,'a'))", "$filter=userType ne 'Guest'"} {
		w.expect(400, "required parameters might be missing", "GET", users+q, "")
	}
	if a := w.expect(200, "", "GET", users+"$count=true", ""); a.body["@odata.count"] != nil {
		t.Errorf("without the header the count is %v; want none", a.body["@odata.count"])
	}
	header := []string{"ConsistencyLevel", "eventual"}
	w.expect(400, "", "GET", users+"$filter=endsWith(mail,'x')", "", header...) // and $count
	a := w.expect(200, "", "GET", users+"$count=true&$top=2&$filter=endsWith(userPrincipalName,'@EXAMPLE.com') and not(startsWith(userPrincipalName,'A')) and accountEnabled eq true", "", header...)
	if a.body["@odata.count"] != 200.0 || len(a.body["value"].([]any)) != 2 {
		t.Errorf("answer = %.200s", a.text)
	}
	next, err := url.Parse(a.body["@odata.nextLink"].(string))
	if err != nil || next.Host != "graph.microsoft.com" {
		t.Fatalf("nextLink = %v, %v", next, err)
	}
	w.expect(400, "", "GET", next.RequestURI(), "") // the header has to be sent again
	w.expect(200, "", "GET", next.RequestURI(), "", header...)
	w.expect(400, "Invalid page size", "GET", users+"$top=1000", "")
	w.expect(400, "'nonsense'", "GET", users+"$filter=nonsense", "")
	w.expect(400, "", "GET", users+"$skiptoken=x", "")
	w.expect(400, "", "GET", "/v1.0/users/$count", "")
	if a := w.expect(200, "", "GET", "/v1.0/users/$count?$filter=startsWith(userPrincipalName,'b') or id in ('x','y')", "", header...); a.text != "100" {
		t.Errorf("count = %s", a.text)
	}
	if a := w.expect(200, "", "GET", users+"$filter=displayName eq '7'", ""); len(a.body["value"].([]any)) != 1 {
		t.Errorf("by name: %s", a.text)
	}
}

func TestGeneratedUsersCanBeChanged(t *testing.T) {
	w := newWire(t)
	w.s.GenerateUsers(1000, func(i int) aad.User { return aad.User{UserPrincipalName: fmt.Sprintf("u%03d@example.com", i)} })
	found := w.expect(200, "", "GET", "/v1.0/users/U500@example.com", "")
	id := found.body["id"].(string)
	w.expect(204, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"QQ=="}`)
	w.expect(204, "", "DELETE", "/v1.0/users/u501@example.com", "")
	w.s.EditUser("u502@example.com", func(u *aad.User) { u.Mail = "x@example.com" })
	if a := w.expect(200, "", "GET", "/v1.0/users/$count", "", "ConsistencyLevel", "eventual"); a.text != "999" {
		t.Errorf("count = %s; want 999", a.text)
	}
	w.expect(404, "", "GET", "/v1.0/users/u501@example.com", "")
	if a := w.expect(200, "", "GET", "/v1.0/users/"+id+"?$select=onPremisesImmutableId", ""); a.body["onPremisesImmutableId"] != "QQ==" {
		t.Errorf("user = %s", a.text)
	}
	if us := w.s.Users(); len(us) != 2 || us[1].Mail != "x@example.com" {
		t.Errorf("users = %+v", us)
	}
	w.expect(400, "in use", "DELETE", example, "")
}

func TestRolesNameNobody(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com", DisplayName: "A"})
	w.s.MakeGlobalAdministrator(id)
	w.s.MakeGlobalAdministrator(w.s.AddGroup("g", id))
	w.s.MakeGlobalAdministrator("an-application")
	list := "/v1.0/roleManagement/directory/roleAssignments?$expand=principal&$filter=roleDefinitionId eq '" + aad.GlobalAdministrator + "'"
	a := w.expect(200, "", "GET", list, "")
	var kinds []any
	for _, v := range a.body["value"].([]any) {
		kinds = append(kinds, v.(map[string]any)["principal"].(map[string]any)["@odata.type"])
	}
	if diff := cmp.Diff([]any{"#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal"}, kinds); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(a.text, "a@example.com") {
		t.Error("a principal has its user principal name")
	}
	w.s.Quirks.PrincipalNames = true
	if a := w.expect(200, "", "GET", list, ""); !strings.Contains(a.text, "a@example.com") {
		t.Error("no user principal name")
	}
	one := fmt.Sprintf(`{"principalId":%q,"roleDefinitionId":%q,"directoryScopeId":"/"}`, id, aad.GlobalAdministrator)
	w.expect(400, "conflicting object", "POST", "/v1.0/roleManagement/directory/roleAssignments", one)
	w.expect(400, "", "POST", "/v1.0/roleManagement/directory/roleAssignments", `{"principalId":"x"}`)
	w.s.RemoveUser(id)
	if a := w.expect(200, "", "GET", list, ""); len(a.body["value"].([]any)) != 2 {
		t.Error("a user who is gone still has a role")
	}
	w.expect(400, "", "GET", "/v1.0/roleManagement/directory/roleAssignments?$filter=x", "")
}

func TestErrorsLookLikeGraphs(t *testing.T) {
	w := newWire(t)
	a := w.expect(404, "", "GET", domains+"/nope.example", "", "client-request-id", "mine")
	inner := a.body["error"].(map[string]any)["innerError"].(map[string]any)
	if _, err := time.Parse("2006-01-02T15:04:05", inner["date"].(string)); err != nil {
		t.Errorf("date = %v; want one without zone", inner["date"])
	}
	if inner["client-request-id"] != "mine" || a.header.Get("client-request-id") != "mine" || inner["request-id"] != a.header.Get("request-id") || a.header.Get("request-id") == "" {
		t.Errorf("IDs: %v, %v", inner, a.header)
	}
	if a := w.expect(200, "", "GET", example, ""); a.header.Get("client-request-id") != a.header.Get("request-id") || a.header.Get("x-ms-resource-unit") != "1" || a.header.Get("Date") == "" {
		t.Errorf("headers = %v", a.header)
	}
	for path, want := range map[string]string{"/v1.0/users": "2", "/v1.0/users?$select=id": "1", example + "/domainNameReferences": "4"} {
		if got := w.send("GET", path, "").header.Get("x-ms-resource-unit"); got != want {
			t.Errorf("%s costs %s; want %s", path, got, want)
		}
	}
	w.expect(400, "", "GET", "/v1.0/nonsense", "")
	w.expect(400, "valid JSON", "PATCH", example, "{")
	w.expect(400, "Content-Type", "PATCH", example, "{}", "Content-Type", "text/plain")
}

// TestCompressedBodies: Microsoft's own clients compress what they send, and
// send it again as it is after 415.
func TestCompressedBodies(t *testing.T) {
	w := newWire(t)
	var b strings.Builder
	z := gzip.NewWriter(&b)
	io.WriteString(z, config())
	z.Close()
	w.expect(415, "br", "POST", federation, config(), "Content-Encoding", "br")
	w.expect(400, "", "POST", federation, config(), "Content-Encoding", "gzip") // it is not
	w.expect(400, "", "POST", federation, b.String()[:b.Len()/2], "Content-Encoding", "gzip")
	if got := w.authentication(); got != aad.Managed {
		t.Errorf("the domain is %s after what could not be read", got)
	}
	w.expect(201, "", "POST", federation, b.String(), "Content-Encoding", "gzip")
	if got := w.authentication(); got != aad.Federated {
		t.Errorf("the domain is %s; want %s", got, aad.Federated)
	}
}

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		token, err := w.cred.GetToken(t.Context(), policy.TokenRequestOptions{})
		if err != nil {
			t.Fatal(err)
		}
		fixed := wire{t, w.s, nil}
		auth := []string{"Authorization", "Bearer " + token.Token}
		fixed.expect(200, "", "GET", example, "", auth...)
		time.Sleep(time.Hour)
		fixed.expect(401, "Lifetime validation failed, the token is expired.", "GET", example, "", auth...)
		w.s.RevokeTokens()
		fixed.expect(401, "validation failure", "GET", example, "", auth...)

		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "scope": {"https://graph.microsoft.com/.default"}}
		ask := func(edit func(url.Values)) answer {
			f := url.Values{}
			for k, v := range form {
				f[k] = v
			}
			edit(f)
			return fixed.send("POST", "/contoso/oauth2/v2.0/token", f.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		}
		a := ask(func(url.Values) {})
		if a.status != 200 || a.body["token_type"] != "Bearer" || a.body["expires_in"] != 3600.0 {
			t.Errorf("token = %s", a.text)
		}
		fixed.expect(200, "", "GET", example, "", "Authorization", "Bearer "+fmt.Sprint(a.body["access_token"]))
		for name, want := range map[string]int{"grant_type": 400, "client_id": 400, "client_secret": 401, "scope": 400} {
			if a := ask(func(f url.Values) { f.Del(name) }); a.status != want || a.body["error"] == nil {
				t.Errorf("without %s: %d %s", name, a.status, a.text)
			}
		}
		if a := fixed.send("GET", "/contoso/v2.0/.well-known/openid-configuration", ""); !strings.HasSuffix(fmt.Sprint(a.body["token_endpoint"]), "/oauth2/v2.0/token") {
			t.Errorf("configuration = %s", a.text)
		}
		if w.s.Writes() != 0 {
			t.Errorf("asking for a token counts as a write")
		}
	})
}

func TestRealmForms(t *testing.T) {
	w := newWire(t)
	w.cred = nil
	w.s.SetFederation("example.com", aad.Federation{DisplayName: "Ex", PassiveSignInURI: "https://sts.example/adfs/ls/?a=b", ActiveSignInURI: "https://sts.example/active", Protocol: aad.WSFed})
	a := w.send("GET", "/getuserrealm.srf?login=u@example.com", "")
	if a.body["State"] != 3.0 || a.body["NameSpaceType"] != "Federated" || !strings.HasPrefix(fmt.Sprint(a.body["AuthURL"]), "https://sts.example/adfs/ls/?a=b&username=u%40example.com&wa=wsignin1.0") {
		t.Errorf("getuserrealm = %s", a.text)
	}
	a = w.send("GET", "/getuserrealm.srf?login=contoso.onmicrosoft.com&xml=1", "")
	if !strings.HasPrefix(a.text, `<RealmInfo Success="true"><State>4</State><UserState>1</UserState><Login>contoso.onmicrosoft.com</Login><NameSpaceType>Managed</NameSpaceType>`) {
		t.Errorf("XML = %s", a.text)
	}
	a = w.send("GET", "/getuserrealm.srf?login=u@nope.example&json=1", "")
	if diff := cmp.Diff(map[string]any{"State": 4.0, "UserState": 1.0, "Login": "u@nope.example", "NameSpaceType": "Unknown"}, a.body); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	a = w.send("GET", "/common/userrealm/u@example.com?api-version=1.0", "")
	if a.body["account_type"] != "Federated" || a.body["federation_protocol"] != "WSTrust" || a.body["federation_active_auth_url"] != "https://sts.example/active" {
		t.Errorf("1.0 = %s", a.text)
	}
	w.s.Quirks.SAMLAuthURL = func(signIn, user string) string { return signIn + "#" + user }
	w.s.SetFederation("example.com", aad.Federation{PassiveSignInURI: "https://sso.example/", Protocol: aad.SAML})
	a = w.send("GET", "/common/userrealm/?user=u@example.com&api-version=2.1&checkForMicrosoftAccount=false", "")
	if a.body["federation_protocol"] != "SAML20" || a.body["AuthURL"] != "https://sso.example/#u@example.com" {
		t.Errorf("2.1 = %s", a.text)
	}
	if a := w.send("GET", "/common/userrealm/u@example.com?api-version=9", ""); a.status != 404 {
		t.Errorf("version 9 = %d", a.status)
	}
	w.s.AddDomain("broken.example", aadtest.Broken)
	if a := w.send("GET", "/getuserrealm.srf?login=broken.example", ""); a.body["NameSpaceType"] != "Federated" || a.body["AuthURL"] != nil {
		t.Errorf("half a state = %s", a.text)
	}
}

func TestReadsLagBehind(t *testing.T) {
	list := func(w wire) string {
		if a := w.send("GET", federation, ""); a.status == 200 {
			return "new"
		}
		return "old"
	}
	auth := func(w wire) string {
		if a := w.send("GET", example, ""); a.body["authenticationType"] == "Federated" {
			return "new"
		}
		return "old"
	}
	for _, tt := range []struct {
		name string
		lag  aadtest.Lag
		only string
		wait time.Duration // between reads
		read func(wire) string
		want string
	}{
		{"none", aadtest.Lag{}, "", 0, list, "new new new new"},
		{"by reads", aadtest.Lag{Reads: 2}, "", 0, list, "old old new new"},
		{"by time", aadtest.Lag{For: 5 * time.Second}, "", 2 * time.Second, auth, "old old old new"},
		{"flapping", aadtest.Lag{Flaps: 3}, "", 0, auth, "new old new new"},
		{"another resource", aadtest.Lag{Reads: 9}, "domains/example.com", 0, list, "new new new new"},
		{"this resource", aadtest.Lag{Reads: 9}, "domains/example.com", 0, auth, "old old old old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t)
				w.s.ListLag, w.s.GetLag = tt.lag, tt.lag
				if tt.only != "" {
					w.s.ResourceLag = func(r string) aadtest.Lag {
						if r == tt.only {
							return tt.lag
						}
						return aadtest.Lag{}
					}
				}
				w.expect(201, "", "POST", federation, config())
				var got []string
				for range 4 {
					got = append(got, tt.read(w))
					time.Sleep(tt.wait)
				}
				if s := strings.Join(got, " "); s != tt.want {
					t.Errorf("reads = %s; want %s", s, tt.want)
				}
			})
		})
	}
}

func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.s.Throttle = &aadtest.Throttle{Rate: 1, Burst: 2, Style: aadtest.FractionalSeconds}
		w.send("GET", example, "")
		w.send("GET", example, "")
		a := w.expect(429, "Please retry again later.", "GET", example, "")
		if a.code() != "TooManyRequests" || a.header.Get("Retry-After") != "1.000" {
			t.Errorf("refusal = %v %s", a.header, a.text)
		}
		if a := w.send("GET", "/getuserrealm.srf?login=example.com", ""); a.status != 200 {
			t.Errorf("the login service was throttled too: %d", a.status)
		}
		w.s.Throttle = nil
		for _, f := range []aadtest.Fault{{Kind: aadtest.TooMany, RetryAfter: "7"}, {Kind: aadtest.TooManyBare}, {Kind: aadtest.Refuse503}} {
			w.s.Fault = func(*http.Request) aadtest.Fault { return f }
			a := w.send("GET", example, "")
			if a.code() == "" || a.header.Get("Retry-After") != f.RetryAfter || a.header.Get("request-id") == "" {
				t.Errorf("%v = %d %v %s", f.Kind, a.status, a.header, a.text)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	w := newWire(t)
	var told []string
	w.s.OnFederationChange = func(st aadtest.State) {
		told = append(told, fmt.Sprintf("%s %s->%s %v", st.Domain, st.Before.AuthenticationType, st.AuthenticationType, st.Federation != nil))
	}
	made := w.expect(201, "", "POST", federation, config())
	if len(told) != 1 {
		t.Error("not told before the answer")
	}
	w.expect(200, "", "PATCH", federation+"/"+made.body["id"].(string), `{"displayName":"x"}`)
	w.expect(204, "", "PATCH", example, `{"isDefault":false}`) // no change of the federation
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	w.expect(500, "", "POST", federation, config("signingCertificate", ""))
	want := []string{"example.com Managed->Federated true", "example.com Federated->Federated true", "example.com Federated->Managed false", "example.com Managed->Federated false"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if h := w.s.History(); len(h) != 4 || h[1].Federation.DisplayName != "x" || h[1].Before.Federation.DisplayName != "Example" {
		t.Errorf("history = %+v", h)
	}
}

func TestLog(t *testing.T) {
	w := newWire(t)
	w.expect(404, "", "GET", federation, "")
	w.expect(201, "", "POST", federation, config())
	w.s.Fault = func(*http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.Error500After} }
	w.expect(500, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	var got []string
	for _, r := range w.s.Requests() {
		got = append(got, fmt.Sprintln(r.Path, r.Pattern, r.Status, r.Write, r.Fault))
	}
	want := []string{
		"/v1.0/domains/example.com/federationConfiguration GET /v1.0/domains/{domain}/federationConfiguration 404 false None\n",
		"/v1.0/domains/example.com/federationConfiguration POST /v1.0/domains/{domain}/federationConfiguration 201 true None\n",
		"/v1.0/domains/example.com PATCH /v1.0/domains/{domain} 500 true Error500After\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if w.s.Writes() != 2 || w.authentication() != aad.Managed {
		t.Errorf("%d writes, the domain is %s", w.s.Writes(), w.authentication())
	}
	if w.s.ResetLog(); len(w.s.Requests()) != 0 {
		t.Error("the log is still there")
	}
}

func TestOrganizationAndPolicy(t *testing.T) {
	w := newWire(t)
	w.s.SetOnPremisesSync(true)
	a := w.expect(200, "", "GET", "/v1.0/organization", "")
	o := a.body["value"].([]any)[0].(map[string]any)
	if o["onPremisesSyncEnabled"] != true || len(o["verifiedDomains"].([]any)) != 2 {
		t.Errorf("organization = %s", a.text)
	}
	a = w.expect(200, "", "GET", "/v1.0/policies/federatedTokenValidationPolicy", "")
	if d := a.body["validatingDomains"].(map[string]any); d["@odata.type"] != "#microsoft.graph.allDomains" || d["rootDomains"] != "all" {
		t.Errorf("policy = %s", a.text)
	}
	w.s.SetPolicy(aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"a.example"}})
	a = w.expect(200, "", "GET", "/v1.0/policies/federatedTokenValidationPolicy", "")
	if d := a.body["validatingDomains"].(map[string]any); d["@odata.type"] != "#microsoft.graph.enumeratedDomains" || len(d["domainNames"].([]any)) != 1 {
		t.Errorf("policy = %s", a.text)
	}
}

func TestMisusePanics(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{})
	for name, f := range map[string]func(){
		"domain twice":       func() { w.s.AddDomain("Example.com") },
		"user twice":         func() { w.s.AddUser(aad.User{ID: id}) },
		"no such domain":     func() { w.s.SetFederation("nope.example", aad.Federation{}) },
		"its truth":          func() { w.s.Domain("nope.example") },
		"its federation":     func() { w.s.Federation("nope.example") },
		"no such user":       func() { w.s.EditUser("nobody", func(*aad.User) {}) },
		"a user long gone":   func() { w.s.RemoveUser("nobody") },
		"no such assignment": func() { w.s.RemoveRole("nothing") },
		"impossible options": func() { w.s.Client(&aad.Options{GraphURL: "x"}) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.HasPrefix(fmt.Sprint(p), "aadtest: ") {
					t.Errorf("%s: panic = %v", name, p)
				}
			}()
			f()
		}()
	}
}
