package aadtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

const (
	assignments = "/v1.0/roleManagement/directory/roleAssignments"
	definitions = "/v1.0/roleManagement/directory/roleDefinitions"
)

// Names of properties may have other capitals in a query, as those that PowerShell sends,
// and come back as Graph spells them; how the service takes them in a body is not known.
func TestCapitals(t *testing.T) {
	w := newWire(t)
	w.s.AddUser(aad.User{ID: "1", DisplayName: "Ann", UserPrincipalName: "a@example.com"})
	const query = "?$select=DisplayName,USERPRINCIPALNAME,displayName"
	want := map[string]any{"displayName": "Ann", "userPrincipalName": "a@example.com"}
	list := w.expect(200, "", "GET", "/v1.0/users"+query+"&$filter=DisplayName eq 'Ann'", "").body["value"]
	if d := cmp.Diff([]any{want}, list); d != "" {
		t.Error(d)
	}
	one := w.expect(200, "", "GET", "/v1.0/users/1"+query, "").body
	delete(one, "@odata.context")
	if d := cmp.Diff(want, one); d != "" {
		t.Error(d)
	}
	w.expect(501, "DisplayName", "PATCH", "/v1.0/users/1", `{"DisplayName":"Bea"}`)
	w.expect(400, "payload", "PATCH", "/v1.0/users/1", "null")
	w.expect(400, "businessPhones", "PATCH", "/v1.0/users/1", `{"businessPhones":["1","2"]}`)
	w.expect(400, "mailNickname", "PATCH", "/v1.0/users/1", `{"mailNickname":"a b"}`)
}

// What Graph has and the server does not is 501 with its name, what Graph does not
// have is 400.
func TestQueryParametersThatAreRefused(t *testing.T) {
	w := newWire(t)
	w.s.AddUser(aad.User{ID: "1", UserPrincipalName: "a@example.com"})
	for _, tt := range []struct {
		status        int
		message, path string
	}{
		{501, "$top of GET /domains", domains + "?$top=1"},
		{501, "$filter of GET /domains", domains + "?$filter=isDefault eq true"},
		{501, "$expand of GET /domains/{domain}", example + "?$expand=rootDomain"},
		{501, "$select of GET /domains/{domain}/federationConfiguration", federation + "?$select=id"},
		{501, "$expand of GET /users", "/v1.0/users?$expand=manager"},
		{501, "$expand of GET /users/{id}", "/v1.0/users/1?$expand=manager"},
		{501, "$format", "/v1.0/users?$format=json"},
		{501, "select of GET /users", "/v1.0/users?select=id"},
		{501, "$Select of GET /users", "/v1.0/users?$Select=id"},
		{501, "$top of GET /users/$count", "/v1.0/users/$count?$top=1"},
		{501, "$top", assignments + "?$top=1"},
		{501, "$count", definitions + "?$count=true"},
		{501, "$filter", "/v1.0/organization?$filter=id eq 'x'"},
		{501, "$select", "/v1.0/auditLogs/signIns?$select=id"},
		{400, "'$skip' is not supported", "/v1.0/users?$skip=1"},
		{400, "'$nonsense'", "/v1.0/users?$nonsense=1"},
		{400, "'page'", "/v1.0/users?page=1"},
		{400, "more than once", "/v1.0/users?$select=id&$select=mail"},
		{400, "cannot be empty", "/v1.0/users?$select="},
		{400, "$count", "/v1.0/users?$count=maybe"},
		{400, "URI", "/v1.0/users?$select=%zz"},
		{400, "'nonsense'", domains + "?$select=nonsense"},
		{501, "the property aboutMe of user", "/v1.0/users?$select=aboutMe"},
		{501, "the property rootDomain of domain", domains + "?$select=rootDomain"},
		{501, "the property city of organization", "/v1.0/organization?$select=city"},
		{501, "$select=*", "/v1.0/users?$select=*"},
	} {
		path, query, _ := strings.Cut(tt.path, "?")
		a := w.expect(tt.status, tt.message, "GET", path+"?"+query, "")
		if want := map[int]string{501: "notImplemented"}[tt.status]; want != "" && a.code() != want {
			t.Errorf("%s: code %q; want %q", tt.path, a.code(), want)
		}
	}
	for _, path := range []string{"/v2.0/users", "/V1.0/users", "/common/discovery/instance", "/v1.0/myorganization/users"} {
		w.expect(501, path[strings.LastIndex(path, "/"):], "GET", path, "")
	}
	w.expect(501, "POST /getuserrealm.srf", "POST", "/getuserrealm.srf", "")
	w.expect(501, "$select of POST /users", "POST", "/v1.0/users?$select=id", "{}")
	w.expect(501, "If-Match", "DELETE", example, "", "If-Match", `W/"1"`)
	w.expect(501, "If-None-Match", "GET", example, "", "If-None-Match", "*")
	w.expect(200, "", "GET", example, "", "If-Match", "*")
	w.expect(501, "$batch", "POST", "/v1.0/$batch?$select=id", "{}")
}

func TestOperationsThatAreRefused(t *testing.T) {
	w := newWire(t)
	for _, tt := range []struct {
		status                int
		message, method, path string
	}{
		{501, "GET /groups.", "GET", "/v1.0/groups"},
		{501, "GET /me.", "GET", "/v1.0/me"},
		{501, "GET /directoryRoles.", "GET", "/v1.0/directoryRoles"},
		{501, "GET /users/x/memberOf.", "GET", "/v1.0/users/x/memberOf"},
		{501, "PATCH /organization/x.", "PATCH", "/v1.0/organization/x"},
		{501, "PUT /users/x.", "PUT", "/v1.0/users/x"},
		{501, "GET /beta/users.", "GET", "/beta/users"},
		{501, "the key users(userPrincipalName='x')", "GET", "/v1.0/users(userPrincipalName='x')"},
		{501, "GET /domains/$count.", "GET", "/v1.0/domains/$count"},
		{501, "GET /users/x/$ref.", "GET", "/v1.0/users/x/$ref"},
		{501, "the function delta()", "GET", "/v1.0/users/delta()"},
		{501, "the function delta", "GET", "/v1.0/users/delta"},
		{400, "segment 'nonsense'", "GET", "/v1.0/nonsense/1"},
		{400, "segment 'users('a'", "GET", "/v1.0/users('a'"},
	} {
		if a := w.expect(tt.status, tt.message, tt.method, tt.path, ""); !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", tt.path, a.header.Get("Content-Type"))
		}
	}
	w.cred = nil
	w.expect(401, "", "GET", "/beta/users", "")
	w.expect(401, "", "GET", "/v1.0/users('a'", "")
}

func TestBodiesThatAreRefused(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com"})
	made := w.expect(201, "", "POST", federation, config())
	configuration := federation + "/" + made.body["id"].(string)
	for _, tt := range []struct {
		status                      int
		message, method, path, body string
	}{
		{501, "the property aboutMe of user", "PATCH", "/v1.0/users/" + id, `{"aboutMe":"x"}`},
		{501, "manager@odata.bind", "PATCH", "/v1.0/users/" + id, `{"manager@odata.bind":"x"}`},
		{400, "'nonsense' does not exist", "PATCH", "/v1.0/users/" + id, `{"nonsense":1}`},
		{400, "'proxyAddresses' is read-only", "PATCH", "/v1.0/users/" + id, `{"proxyAddresses":[]}`},
		{400, "'department'", "PATCH", "/v1.0/users/" + id, `{"department":1}`},
		{400, "'usageLocation'", "PATCH", "/v1.0/users/" + id, `{"usageLocation":"Germany"}`},
		{400, "'usageLocation'", "PATCH", "/v1.0/users/" + id, `{"usageLocation":null}`},
		{400, "'accountEnabled'", "PATCH", "/v1.0/users/" + id, `{"accountEnabled":null}`},
		{400, "'otherMails'", "PATCH", "/v1.0/users/" + id, `{"otherMails":["a@example.com",null]}`},
		{400, "'employeeHireDate'", "PATCH", "/v1.0/users/" + id, `{"employeeHireDate":"tomorrow"}`},
		{400, "'division'", "PATCH", "/v1.0/users/" + id, `{"employeeOrgData":{"division":1}}`},
		{400, "'nonsense'", "PATCH", "/v1.0/users/" + id, `{"employeeOrgData":{"nonsense":"1"}}`},
		{400, "resolved", "PATCH", "/v1.0/users/" + id, `{"@odata.type":"#microsoft.graph.group"}`},
		{400, "external service", "PATCH", "/v1.0/users/" + id, `{"passwordProfile":{"password":"x"}}`}, // of a federated domain
		{501, "supportedServices", "POST", domains, `{"id":"new.example","supportedServices":["Email"]}`},
		{400, "'isRoot' is read-only", "POST", domains, `{"id":"new.example","isRoot":true}`},
		{400, "'nonsense'", "POST", domains, `{"id":"new.example","nonsense":true}`},
		{400, "'id' is read-only", "PATCH", example, `{"id":"x.example"}`},
		{400, "'isVerified' is read-only", "PATCH", example, `{"isVerified":true}`},
		{400, "'supportedServices'", "PATCH", example, `{"supportedServices":["Nonsense"]}`},
		{501, "the body of an action", "POST", example + "/verify", `{"x":1}`},
		{400, "'nonsense'", "PATCH", configuration, `{"nonsense":1}`},
		{400, "'signOutUri'", "PATCH", configuration, `{"signOutUri":1}`},
		{400, "'signingCertificateUpdateStatus' is read-only", "PATCH", configuration, `{"signingCertificateUpdateStatus":{}}`},
		{501, "condition", "POST", assignments, `{"principalId":"x","condition":"x"}`},
		{501, "/administrativeUnits/1", "POST", assignments,
			`{"principalId":"` + id + `","roleDefinitionId":"` + aad.GlobalAdministrator + `","directoryScopeId":"/administrativeUnits/1"}`},
	} {
		w.expect(tt.status, tt.message, tt.method, tt.path, tt.body)
	}
	if u := w.s.Users()[0]; u.OtherMails != nil || !*u.Enabled {
		t.Errorf("what was refused has changed %+v", u)
	}
	if got := len(w.s.Domains()); got != 2 {
		t.Errorf("%d domains; want 2", got)
	}
}

func TestOtherPropertiesOfAFederation(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("other.example")
	w.s.SetFederation("other.example", aad.Federation{IssuerURI: "urn:uri:other.example", Extra: map[string]json.RawMessage{"somethingNew": json.RawMessage("1")}})
	made := w.expect(201, "", "POST", federation, config("somethingNew", "2", "passwordResetUri", `"https://sso.example/reset"`))
	one := federation + "/" + made.body["id"].(string)
	for _, want := range []map[string]any{
		{"somethingNew": 2.0, "passwordResetUri": "https://sso.example/reset"}, {"somethingNew": 3.0, "passwordResetUri": nil},
	} {
		a := w.expect(200, "", "GET", one, "")
		got := map[string]any{"somethingNew": a.body["somethingNew"], "passwordResetUri": a.body["passwordResetUri"]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		w.expect(200, "", "PATCH", one, `{"somethingNew":3,"passwordResetUri":null}`)
	}
}
