package clients

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// wireTest is a request as msgraph-sdk-go sends it: the bodies are compressed, and the
// names of parameters have %24 in batches, and $ elsewhere.
type wireTest struct {
	name    string
	request string // method, and what follows the version
	header  string // one more, "Name: value"
	body    string
	status  int
	want    []string // in the answer; what begins with an exclamation mark is not in it
}

const (
	eventually = "ConsistencyLevel: eventual"
	newUser    = `{"@odata.type":"#microsoft.graph.user","accountEnabled":true,"displayName":"Dana","mailNickname":"dana","passwordProfile":` +
		`{"forceChangePasswordNextSignIn":true,"password":"not-a-real-password-1"},"userPrincipalName":"dana@example.com"}`
	newFederation = `{"@odata.type":"#microsoft.graph.internalDomainFederation","displayName":"example.com","issuerUri":"urn:uri:example.com",` +
		`"passiveSignInUri":"https://sso.jumpcloud.com/saml2/example-com","preferredAuthenticationProtocol":"saml","signingCertificate":"CERTIFICATE","activeSignInUri":` +
		`"https://sso.jumpcloud.com/saml2/example-com","federatedIdpMfaBehavior":"acceptIfMfaDoneByFederatedIdp","signOutUri":"https://console.jumpcloud.com/userconsole/"}`
	assignments = "/roleManagement/directory/roleAssignments"
)

// wireTests are sent one after the other.
var wireTests = []wireTest{
	{name: "domains", request: "GET /domains", status: 200, want: []string{`"id":"example.com"`}},
	{name: "domain", request: "GET /domains/example.com?$select=id,isVerified", status: 200, want: []string{`"isVerified":true`, "!isDefault"}},
	{name: "federation of a managed domain", request: "GET /domains/example.com/federationConfiguration", status: 404, want: []string{"Request_ResourceNotFound"}},
	{name: "federation without MFA", request: "POST /domains/example.com/federationConfiguration",
		body: strings.Replace(newFederation, `"federatedIdpMfaBehavior":"acceptIfMfaDoneByFederatedIdp",`, "", 1), status: 400, want: []string{"FederatedIdpMfaBehavior"}},
	{name: "federation of the default domain", request: "POST /domains/contoso.onmicrosoft.com/federationConfiguration", body: newFederation, status: 400},
	{name: "federation", request: "POST /domains/example.com/federationConfiguration", body: newFederation, status: 201, want: []string{`"issuerUri":"urn:uri:example.com"`}},
	{name: "federation once more", request: "POST /domains/example.com/federationConfiguration", body: newFederation, status: 400, want: []string{"already has"}},
	{name: "the issuer elsewhere", request: "POST /domains/other.example/federationConfiguration", body: newFederation, status: 409, want: []string{"issuerUri"}},
	{name: "back", request: "PATCH /domains/example.com", body: `{"@odata.type":"#microsoft.graph.domain","authenticationType":"Managed"}`, status: 204},

	{name: "user", request: "POST /users", body: newUser, status: 201, want: []string{`"userPrincipalName":"dana@example.com"`}},
	{name: "user's change", request: "PATCH /users/dana@example.com", body: `{"@odata.type":"#microsoft.graph.user","department":"IT","usageLocation":"DE"}`, status: 204},
	{name: "user with an escaped address", request: "GET /users/dana%40example.com?$select=department,usageLocation", status: 200, want: []string{`"IT"`, `"DE"`}},
	{name: "filter", request: "GET /users?$filter=startsWith%28userPrincipalName%2C%27a%27%29&$select=userPrincipalName&$top=5", status: 200,
		want: []string{"alice@", "!dana@"}},
	{name: "filter with an escaped name", request: "GET /users?%24filter=startsWith%28userPrincipalName%2C%27a%27%29&%24select=userPrincipalName", status: 200,
		want: []string{"alice@", "!dana@"}},
	{name: "advanced", request: "GET /users?$count=true&$filter=endsWith%28userPrincipalName%2C%27example.com%27%29&$orderby=displayName%20desc&$select=id",
		header: eventually, status: 200, want: []string{`"@odata.count":2`}},
	{name: "search", request: "GET /users?$search=%22displayName%3ADana%22", header: eventually, status: 200, want: []string{"dana@", "!alice@"}},
	{name: "search without the header", request: "GET /users?$search=%22displayName%3ADana%22", status: 400, want: []string{"Request_UnsupportedQuery"}},
	{name: "count", request: "GET /users/$count", header: eventually, status: 200, want: []string{"2"}},
	{name: "count without the header", request: "GET /users/$count", status: 400},
	{name: "organization", request: "GET /organization", status: 200, want: []string{`"verifiedDomains"`}},
	{name: "policy", request: "GET /policies/federatedTokenValidationPolicy", status: 200, want: []string{"validatingDomains"}},

	{name: "roles", request: "GET /roleManagement/directory/roleDefinitions?$filter=displayName%20eq%20%27Global%20Administrator%27", status: 200,
		want: []string{"62e90394-69f5-4237-9190-012177145e10"}},
	{name: "assignments", request: "GET " + assignments + "?$expand=principal%28$select%3Did%2CuserPrincipalName%29", status: 200, want: []string{`"principal":{`, "alice@"}},
	{name: "another expansion", request: "GET " + assignments + "?$expand=appScope", status: 501, want: []string{"appScope"}},

	{name: "batch", request: "POST /$batch", status: 200, want: []string{`"id":"1","status":200`, `"id":"2","status":404`, `"id":"3","status":501`},
		body: `{"requests":[{"id":"1","method":"GET","url":"/users?%24select=id&%24top=1","headers":{"accept":"application/json"},"body":null,"dependsOn":[]},` +
			`{"id":"2","method":"GET","url":"/users/nobody%40example.com","headers":{"accept":"application/json"},"body":null,"dependsOn":[]},` +
			`{"id":"3","method":"DELETE","url":"/users/dana%40example.com","headers":{"accept":"application/json"},"body":null,"dependsOn":[]}]}`},

	{name: "groups", request: "GET /groups", status: 501, want: []string{"notImplemented", "GET /groups"}},
	{name: "delta", request: "GET /users/delta()", status: 501, want: []string{"notImplemented"}},
	{name: "another count", request: "GET /domains/$count", status: 501, want: []string{"GET /domains/$count"}},
	{name: "parameter", request: "GET /users?$expand=manager", status: 501, want: []string{"$expand of GET /users"}},
	{name: "property", request: "PATCH /users/dana@example.com", body: `{"@odata.type":"#microsoft.graph.user","skills":["x"]}`, status: 501, want: []string{"skills"}},
	{name: "another type", request: "PATCH /users/dana@example.com", body: `{"@odata.type":"#microsoft.graph.group","department":"x"}`, status: 400},
	{name: "delete", request: "DELETE /users/dana@example.com", status: 204},
}

// TestWire holds what a client needs that is too large to be compiled here.
func TestWire(t *testing.T) {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.AddDomain("other.example")
	alice := tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com", DisplayName: "Alice"})
	tenant.MakeGlobalAdministrator(alice)
	tenant.SetPolicy(aad.TokenValidationPolicy{})
	token, err := tokens{&tenant}.Token()
	if err != nil {
		t.Fatal(err)
	}
	certificate := certificate(t)
	for _, tt := range wireTests {
		t.Run(tt.name, func(t *testing.T) {
			tt.body = strings.Replace(tt.body, "CERTIFICATE", certificate, 1)
			req := tt.make(t)
			token.SetAuthHeader(req)
			resp, err := tenant.HTTPClient().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status {
				t.Fatalf("%d %s (%v), want %d", resp.StatusCode, answer, err, tt.status)
			}
			for _, w := range tt.want {
				not, ok := strings.CutPrefix(w, "!")
				if strings.Contains(string(answer), not) == ok {
					t.Errorf("the answer is %s; want %s", answer, w)
				}
			}
			if id := resp.Header.Get("client-request-id"); id != req.Header.Get("client-request-id") {
				t.Errorf("client-request-id is %q, not the client's", id)
			}
		})
	}
}

// make makes the request, with the headers that all of them have.
func (tt *wireTest) make(t *testing.T) *http.Request {
	method, path, _ := strings.Cut(tt.request, " ")
	var body io.Reader
	if tt.body != "" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, tt.body)
		z.Close()
		body = &b
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "https://graph.microsoft.com/v1.0"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-Encoding", "gzip")
	}
	switch {
	case strings.HasSuffix(path, "/$count"):
		req.Header.Set("Accept", "text/plain;q=0.9")
	case !strings.HasSuffix(path, "/$batch"):
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", "kiota-go/1.5.4")
	req.Header.Set("Sdkversion", "graph-go/1.89.0, graph-go-core/1.4.0 (hostOS=linux; hostArch=amd64;)")
	req.Header.Set("Client-Request-Id", "0c9e2a4e-4b4c-4f3e-9f5e-2f0a5a1b7c11")
	if name, value, ok := strings.Cut(tt.header, ": "); ok {
		req.Header.Set(name, value)
	}
	return req
}
