package aadtest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

// Keys may stand in parentheses, and the tenant in the path.
func TestAddresses(t *testing.T) {
	w := newWire(t)
	w.s.AddUser(aad.User{ID: "1", UserPrincipalName: "o'neil@example.com"})
	w.s.AddUser(aad.User{ID: "2", UserPrincipalName: "$odd@example.com"})
	made := w.expect(201, "", "POST", federation, config())
	id := made.body["id"].(string)
	tenant := w.s.TenantID
	for path, want := range map[string]string{
		"/v1.0/users('1')":                                                   "1",
		"/v1.0/users(%271%27)":                                               "1",
		"/v1.0/users('o''neil@example.com')":                                 "1",
		"/v1.0/users('$odd@example.com')":                                    "2",
		"/v1.0/domains('example.com')":                                       "example.com",
		"/v1.0/domains('example.com')/rootDomain":                            "example.com",
		"/v1.0/domains('example.com')/federationConfiguration('" + id + "')": id,
		"/v1.0/organization('" + tenant + "')":                               tenant,
		"/v1.0/" + tenant + "/users/1":                                       "1",
		"/v1.0/" + strings.ToUpper(tenant) + "/domains/example.com":          "example.com",
		"/v1.0/example.com/users('1')":                                       "1",
		definitions + "('" + aad.GlobalAdministrator + "')":                  aad.GlobalAdministrator,
	} {
		if a := w.expect(200, "", "GET", path, ""); a.body["id"] != want {
			t.Errorf("%s = %s; want %s", path, a.text, want)
		}
	}
	w.expect(400, "not an operator", "GET", "/v1.0/users/$odd@example.com", "")
	w.expect(400, "segment", "GET", "/v1.0/nowhere.example/users", "")
	w.expect(404, "", "GET", "/v1.0/users('nobody')", "")
	w.expect(204, "", "PATCH", "/v1.0/"+tenant+"/users('1')", `{"department":"IT"}`)
	if a := w.expect(200, "", "GET", "/v1.0/users/1?$select=department", ""); a.body["department"] != "IT" {
		t.Errorf("user = %s", a.text)
	}
	last := w.s.Requests()[len(w.s.Requests())-2]
	if last.Pattern != "PATCH /v1.0/users/{id}" || last.Path != "/v1.0/"+tenant+"/users('1')" {
		t.Errorf("log: %q, %q", last.Pattern, last.Path)
	}
}

// Links to the next page lead where the request went.
func TestLinksKeepTheAddress(t *testing.T) {
	w := newWire(t)
	w.s.AddUser(aad.User{ID: "1"})
	w.s.AddUser(aad.User{ID: "2"})
	path := "/v1.0/" + w.s.InitialDomain + "/users"
	a := w.expect(200, "", "GET", path+"?$top=1&$select=id", "")
	next, err := url.Parse(a.body["@odata.nextLink"].(string))
	if err != nil || next.Path != path {
		t.Fatalf("link = %v, %v", next, err)
	}
	if a := w.expect(200, "", "GET", next.RequestURI(), ""); a.body["@odata.nextLink"] != nil || len(a.body["value"].([]any)) != 1 {
		t.Errorf("second page = %s", a.text)
	}
}

func TestSelectedProperties(t *testing.T) {
	w := newWire(t)
	for path, want := range map[string][]string{
		domains + "?$select=id,isDefault":                             {"id", "isDefault"},
		example + "/verificationDnsRecords?$select=label, recordType": {"label", "recordType"},
		"/v1.0/organization?$select=displayName":                      {"displayName"},
		definitions + "?$select=displayName":                          {"displayName"},
		"/v1.0/policies/federatedTokenValidationPolicy?$select=id":    {"id"},
		"/v1.0/organization/" + w.s.TenantID + "?$select=tenantType":  {"tenantType"},
		"/v1.0/users/x@example.com?$select=id,id":                     {"id"},
	} {
		if strings.Contains(path, "/users/") {
			w.s.AddUser(aad.User{UserPrincipalName: "x@example.com"})
		}
		a := w.expect(200, "", "GET", path, "")
		objects, ok := a.body["value"].([]any)
		if !ok {
			objects = []any{a.body}
		}
		for _, o := range objects {
			var got []string
			for _, name := range want {
				if _, ok := o.(map[string]any)[name]; ok {
					got = append(got, name)
				}
			}
			for name := range o.(map[string]any) {
				if !strings.HasPrefix(name, "@") && !strings.Contains(path, name) {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
	w.expect(404, "", "GET", "/v1.0/organization/x", "")
}

func TestRoleDefinitionsAndAssignments(t *testing.T) {
	w := newWire(t)
	const reader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	ann := w.s.AddUser(aad.User{UserPrincipalName: "ann@example.com", DisplayName: "Ann", Mail: "ann@example.com"})
	group := w.s.AddGroup("Administrators", ann)
	one := w.s.MakeGlobalAdministrator(ann)
	two := w.s.AssignRole(reader, ann, "/administrativeUnits/1")
	three := w.s.AssignRole(reader, group)
	for query, want := range map[string][]string{
		"":                                 {one, two, three},
		"?$filter=directoryScopeId eq '/'": {one, three},
		"?$filter=directoryScopeId eq '/administrativeUnits/1'":                          {two},
		"?$filter=roleDefinitionId in ('" + reader + "','x')":                            {two, three},
		"?$filter=principalId eq '" + ann + "' and roleDefinitionId eq '" + reader + "'": {two},
		"?$filter=(principalId eq '" + group + "') or roleDefinitionId eq 'x'":           {three},
		"?$filter=principalId eq '" + ann + "' and directoryScopeId eq '/'&$select=id":   {one},
	} {
		var got []string
		for _, v := range w.expect(200, "", "GET", assignments+query, "").body["value"].([]any) {
			got = append(got, v.(map[string]any)["id"].(string))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	if a := w.expect(200, "", "GET", assignments+"/"+two, ""); a.body["directoryScopeId"] != "/administrativeUnits/1" || a.body["principal"] != nil {
		t.Errorf("assignment = %s", a.text)
	}
	if got := w.s.RoleAssignments()[1].DirectoryScopeID; got != "/administrativeUnits/1" {
		t.Errorf("the truth's scope is %q", got)
	}
	w.expect(404, "", "GET", assignments+"/x", "")
	w.expect(400, "property 'roleDefinitionId'", "GET", assignments+"?$filter=startsWith(roleDefinitionId,'6')", "")
	w.expect(501, "appScopeId", "GET", assignments+"?$filter=appScopeId eq '/'", "")

	for query, want := range map[string]int{
		"": 6, "?$filter=displayName eq 'global reader'": 1, "?$filter=isBuiltIn eq true": 6, "?$filter=isBuiltIn eq false": 0, "?$filter=id in ('" + reader + "')": 1,
	} {
		if got := len(w.expect(200, "", "GET", definitions+query, "").body["value"].([]any)); got != want {
			t.Errorf("%s: %d; want %d", query, got, want)
		}
	}
	if a := w.expect(200, "", "GET", definitions+"/"+reader, ""); a.body["displayName"] != "Global Reader" {
		t.Errorf("definition = %s", a.text)
	}
	w.expect(404, "", "GET", definitions+"/x", "")
}

func TestExpandedPrincipals(t *testing.T) {
	w := newWire(t)
	ann := w.s.AddUser(aad.User{UserPrincipalName: "ann@example.com", DisplayName: "Ann", Mail: "ann@example.com"})
	w.s.MakeGlobalAdministrator(ann)
	w.s.MakeGlobalAdministrator(w.s.AddGroup("g"))
	w.expect(204, "", "PATCH", "/v1.0/users/"+ann, `{"department":"IT"}`)
	principals := func(query string) (all []map[string]any) {
		t.Helper()
		for _, v := range w.expect(200, "", "GET", assignments+query, "").body["value"].([]any) {
			p, _ := v.(map[string]any)["principal"].(map[string]any)
			all = append(all, p)
		}
		return all
	}
	whole := principals("?$expand=principal")[0]
	for name, want := range map[string]any{"id": ann, "displayName": "Ann", "mail": "ann@example.com", "mailNickname": "ann", "department": "IT", "userType": "Member",
		"accountEnabled": true, "userPrincipalName": nil} {
		if whole[name] != want {
			t.Errorf("the whole principal has the %s %v; want %v", name, whole[name], want)
		}
	}
	want := []map[string]any{
		{"@odata.type": "#microsoft.graph.user", "id": ann, "userPrincipalName": "ann@example.com", "displayName": "Ann"},
		{"@odata.type": "#microsoft.graph.group", "displayName": "g"},
	}
	got := principals("?$select=principalId&$expand=principal($select=userPrincipalName,displayName)")
	delete(got[1], "id")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for expand, status := range map[string]int{
		"principal($expand=manager)": 501, "roleDefinition": 501, "principal,roleDefinition": 501, "nonsense": 400, "principal($select=nonsense)": 400,
		"principal($select=aboutMe)": 501, "principal($select=id": 400, "principal($select=id;$top=1)": 501,
	} {
		w.expect(status, "", "GET", assignments+"?$expand="+url.QueryEscape(expand), "")
	}
}
