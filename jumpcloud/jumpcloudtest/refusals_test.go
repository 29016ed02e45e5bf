package jumpcloudtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// What is not modelled is refused with 501 and its name, and changes nothing.
func TestNotModelled(t *testing.T) {
	var s jumpcloudtest.Server
	user := s.AddUser(jumpcloud.User{Username: "ann", Email: "ann@example.com", State: jumpcloud.Activated})
	s.GenerateUsers(1, func(int) jumpcloud.User { return jumpcloud.User{Username: "made", Email: "made@example.com"} })
	group, dir, app := s.AddGroup("G"), s.AddDirectory("D"), addApp(&s)
	u, g, d := "/api/systemusers/"+user, "/api/v2/usergroups/"+group, "/api/v2/office365s/"+dir
	for _, tt := range []struct{ request, body, name string }{
		// Routes.
		{"POST " + u + "/expire", "", "/expire"},
		{"POST " + u + "/resetmfa", `{"exclusion":true}`, "/resetmfa"},
		{"POST " + u + "/mfasync", "", "/mfasync"},
		{"GET " + u + "/totpinfo", "", "/totpinfo"},
		{"GET " + u + "/sshkeys", "", "/sshkeys"},
		{"GET /api/v2/administrators", "", "/administrators"},
		{"GET /api/v2/service-accounts", "", "/service-accounts"},
		{"POST /api/search/organizations", "{}", "/search/organizations"},
		{"PUT /api/organizations/" + s.OrgID(), `{"settings":{}}`, "PUT /api/organizations/"},
		{"GET /api/v2/applications/" + app + "/import/users", "", "/import/users"},
		{"DELETE /api/v2/applications/" + app + "/logo", "", "DELETE"},

		// Parameters.
		{"GET /api/systemusers?nonsense=1", "", `"nonsense"`},
		{"GET /api/systemusers?filter[not][0]=a:$eq:b", "", `"filter[not][0]"`},
		{"GET " + u + "?filter=username:$eq:x", "", `"filter"`},
		{"GET /api/systemusers?sort=lastname,-username", "", `"sort"`},
		{"GET " + d + "/users?syncStatus=yes", "", `"syncStatus"`},
		{"POST /api/systemusers?fullValidationDetails=true", `{"username":"x","email":"x@example.com"}`, `"fullValidationDetails"`},
		{"PUT " + u + "?fullValidationDetails=true", `{"firstname":"x"}`, `"fullValidationDetails"`},
		{"GET /api/organizations?search=x", "", `"search"`},
		{"GET /api/organizations/" + s.OrgID() + "?fields=settings", "", "settings"},
		{"GET /api/v2/directories?filter=type:eq:office_365", "", `"filter"`},
		{"GET " + g + "/members?sort=id", "", `"sort"`},
		{"GET " + g + "/associations?targets=application&filter=type:eq:application", "", `"filter"`},
		{"GET " + d + "/import/users?search=x", "", `"search"`},
		{"GET " + d + "/import/users?orderby=surname", "", `"orderby"`},
		{"GET " + d + "/import/users?count=true", "", `"count"`},
		{"GET " + d + "/import/users?filter=surname%20ne%20'x'", "", "surname ne 'x'"},
		{"GET " + d + "/import/users?filter=surname%20eq%20'x'%20or%20surname%20eq%20'y'", "", " or "},
		{"GET " + d + "/import/users?filter=surname%20eq%20'x'%20and%20", "", "and"},

		// Operators and fields.
		{"GET /api/v2/usergroups?filter=name:between:a|b", "", "between"},
		{"GET /api/v2/usergroups?filter=disabled:eq:true", "", "disabled"},
		{"GET /api/v2/usergroups?sort=suggestionCounts", "", "suggestionCounts"},
		{"GET /api/v2/usergroups?fields=name,memberQuery", "", "memberQuery"},
		{"GET " + g + "/membership?filter=name:eq:x", "", "name"},
		{"POST /api/search/systemusers", `{"filter":{"not":[{"a":"b"}]}}`, `"not"`},
		{"POST /api/search/systemusers", `{"filter":[{"username":{"$in":["a"]}}]}`, "$in"},

		// Properties.
		{"POST /api/search/systemusers", `{"search":{}}`, `"search"`},
		{"POST /api/search/systemusers", `{"searchFilter":{"searchTerm":"a","fields":["email"],"exact":true}}`, `"exact"`},
		{"POST /api/v2/usergroups", `{"name":"H","nonsense":1}`, `"nonsense"`},
		{"PUT " + g, `{"name":"H","nonsense":1}`, `"nonsense"`},
		{"POST " + g + "/members", `{"op":"add","type":"user","id":"` + user + `","nonsense":1}`, `"nonsense"`},
		{"POST " + g + "/associations", `{"op":"add","type":"application","id":"` + app + `","nonsense":1}`, `"nonsense"`},
		{"POST " + g + "/associations", `{"op":"add","type":"radius_server","id":"` + app + `"}`, "radius_server"},
		{"PATCH " + d, `{"name":"E","nonsense":1}`, `"nonsense"`},
		{"POST " + d + "/domains", `{"domain":"example.com","nonsense":1}`, `"nonsense"`},
		{"POST " + d + "/translationrules", `{"builtIn":"user_city","direction":"export","nonsense":1}`, `"nonsense"`},
		{"POST /api/systemusers", `{"username":"x","email":"x@example.com","firstName":"X"}`, `"firstName"`},
		{"PUT " + u, `{"mfaEnrollment":{}}`, `"mfaEnrollment"`},
		{"PUT " + u, `{"totp_enabled":true}`, `"totp_enabled"`},
		{"POST /api/applications", `{"name":"bookmark","ssoUrl":"https://x.example.com","config":{},"nonsense":1}`, `"nonsense"`},
		{"PUT /api/applications/" + app, `{"name":"office365","ssoUrl":"https://x.example.com","nonsense":1}`, `"nonsense"`},
		{"POST " + u + "/unlock", `{"nonsense":1}`, `"nonsense"`},
		{"POST /insights/directory/v1/events", `{"service":["sso"],"start_time":"2026-01-01T00:00:00Z","nonsense":1}`, `"nonsense"`},

		{"POST /insights/directory/v1/events", `{"service":["sso"],"start_time":"2026-01-01T00:00:00Z","search_term":{"xor":{"a":"b"}}}`, "xor"},

		// Numbers that are none, what is there twice, and values of other types.
		{"GET /api/systemusers?limit=-1", "", `"limit"`},
		{"GET /api/systemusers?limit=", "", `"limit"`},
		{"GET /api/systemusers?skip=x", "", `"skip"`},
		{"GET /api/v2/usergroups?limit=1.5", "", `"limit"`},
		{"GET " + d + "/domains?skip=-1", "", `"skip"`},
		{"GET " + d + "/import/users?top=0", "", `"top"`},
		{"GET " + d + "/import/users?skipToken=x", "", "skipToken"},
		{"GET /api/systemusers?limit=1&limit=2", "", `"limit"`},
		{"GET /api/systemusers?sort=_id&sort=email", "", `"sort"`},
		{"GET " + g + "/associations?targets=application&targets=office_365", "", `"targets"`},
		{"POST /api/search/systemusers", `{"limit":-1}`, `"limit"`},
		{"POST /api/search/systemusers", `{"skip":-1}`, `"skip"`},
		{"POST /api/search/systemusers", `{"searchFilter":{"searchTerm":"a"}}`, "fields"},
		{"POST /api/systemusers", `{"username":"x","email":"x@example.com","activated":"yes"}`, `"activated"`},
		{"PUT " + u, `{"activated":"x"}`, `"activated"`},
		{"PUT " + u, `{"suspended":null}`, `"suspended"`},
		{"PUT " + u, `{"addresses":"x"}`, `"addresses"`},
		{"PUT " + u, `{"department":7}`, `"department"`},
		{"PUT " + u, `{"unix_uid":"7"}`, `"unix_uid"`},
		{"PUT " + u, `{"mfa":true}`, `"mfa"`},
		{"POST /api/v2/usergroups", `{"name":"H","description":7}`, `"description"`},
		{"POST /api/v2/usergroups", `{"name":"H","type":"system_group"}`, `"system_group"`},
		{"PUT " + g, `{"name":"G","memberQuery":"x"}`, `"memberQuery"`},
		{"PATCH " + d, `{"groupsEnabled":"yes"}`, `"groupsEnabled"`},
		{"PATCH " + d, `{"name":null}`, "without a name"},
		{"PUT /api/applications/" + app, `{"name":"office365","ssoUrl":"https://x.example.com","config":{},"active":"yes"}`, `"active"`},
		{"POST /insights/directory/v1/events", `{"service":["x"],"start_time":"2026-01-01T00:00:00Z"}`, "service"},
		{"POST /insights/directory/v1/events/count", "{}", "/events/count"},

		// States that are changed in a way that is not known.
		{"POST " + u + "/state/activate", "{}", "ACTIVATED"},
		{"PUT /api/systemusers/" + jumpcloudtest.GeneratedID(0), `{"firstname":"x"}`, "not kept in memory"},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		before := len(s.Users()) + len(s.Groups()) + len(s.Associations())
		a := send(t, &s, method, path, tt.body)
		if a.status != http.StatusNotImplemented || !strings.Contains(a.json(t)["message"].(string), tt.name) {
			t.Errorf("%s %s: %d %s; want 501 and %s", tt.request, tt.body, a.status, a.body, tt.name)
		}
		if after := len(s.Users()) + len(s.Groups()) + len(s.Associations()); after != before {
			t.Errorf("%s %s changed something", tt.request, tt.body)
		}
	}
	if a := send(t, &s, "GET", "/api/v2/administrators", "", "-"); a.status != http.StatusFound {
		t.Errorf("without a key: %d", a.status)
	}
	if a := send(t, &s, "GET", "/elsewhere", ""); a.status != http.StatusNotFound {
		t.Errorf("outside of the API: %d", a.status)
	}
}

// What the descriptions exclude is refused, and nothing of it is kept.
func TestExcluded(t *testing.T) {
	var s jumpcloudtest.Server
	user := s.AddUser(jumpcloud.User{Username: "ann", Email: "ann@example.com", State: jumpcloud.Activated})
	s.AddUser(jumpcloud.User{Username: "bob", Email: "bob@example.com"})
	u, g := "/api/systemusers/"+user, "/api/v2/usergroups/"+s.AddGroup("G")
	before := send(t, &s, "GET", u, "").body + send(t, &s, "GET", g, "").body
	for _, tt := range []struct {
		request, body string
		status        int
	}{
		{"PUT " + u, `{"email":""}`, 400},
		{"PUT " + u, `{"username":null}`, 400},
		{"PUT " + u, `{"email":"Bob@example.com"}`, 409},
		{"PUT " + u, `{"username":"bob"}`, 409},
		{"PUT " + u, `{"state":"NONE"}`, 400},
		{"PUT " + u, `{"state":null}`, 400},
		{"POST /api/systemusers", `{"username":"x","email":"x@example.com","state":"NONE"}`, 400},
		{"PUT " + g, `{"name":"G","membershipMethod":"NONE"}`, 400},
		{"PUT " + g, `{"name":7}`, 400},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		if a := send(t, &s, method, path, tt.body); a.status != tt.status {
			t.Errorf("%s %s: %d %s; want %d", tt.request, tt.body, a.status, a.body, tt.status)
		}
	}
	if after := send(t, &s, "GET", u, "").body + send(t, &s, "GET", g, "").body; after != before || len(s.Users()) != 2 {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
	if a := send(t, &s, "PUT", u, `{"username":"ANN","email":"ann@example.com"}`); a.status != 200 {
		t.Errorf("the user's own name: %d %s", a.status, a.body)
	}
}

// Of types that nobody can add there is nothing; those that do not exist are refused.
func TestTargets(t *testing.T) {
	var s jumpcloudtest.Server
	user, group := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"}), s.AddGroup("G")
	app := addApp(&s)
	for _, from := range []string{"users/" + user, "usergroups/" + group} {
		for _, target := range []string{
			"active_directory", "application", "g_suite", "idp_routing_policy", "ldap_server", "office_365",
			"password_manager_item", "radius_server", "system", "system_group",
		} {
			if a := send(t, &s, "GET", "/api/v2/"+from+"/associations?targets="+target, ""); a.status != 200 || a.body != "[]" {
				t.Errorf("%s, %s: %d %s", from, target, a.status, a.body)
			}
		}
		for _, step := range []string{"radiusservers", "systems", "systemgroups", "ldapservers", "activedirectories", "gsuites"} {
			if a := send(t, &s, "GET", "/api/v2/"+from+"/"+step, ""); a.status != 200 || a.body != "[]" {
				t.Errorf("%s, %s: %d %s", from, step, a.status, a.body)
			}
		}
		if a := send(t, &s, "GET", "/api/v2/"+from+"/associations?targets=nonsense", ""); a.status != 400 {
			t.Errorf("%s: %d %s", from, a.status, a.body)
		}
	}
	if a := send(t, &s, "GET", "/api/v2/applications/"+app+"/associations?targets=system_group", ""); a.status != 400 {
		t.Errorf("of an application: %d %s", a.status, a.body)
	}
}

// The type that is named must be the one that the object has.
func TestAssociationsCheckTypes(t *testing.T) {
	var s jumpcloudtest.Server
	group, suite := s.AddGroup("G"), s.AddDirectoryOf("g_suite", "Google")
	path := "/api/v2/usergroups/" + group + "/associations"
	if a := send(t, &s, "POST", path, `{"op":"add","type":"office_365","id":"`+suite+`"}`); a.status != http.StatusNotFound {
		t.Errorf("as another type: %d %s", a.status, a.body)
	}
	if a := send(t, &s, "POST", path, `{"op":"add","type":"g_suite","id":"`+suite+`"}`); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, step := range []string{"gsuites", "directories", "associations?targets=g_suite"} {
		if got := send(t, &s, "GET", "/api/v2/usergroups/"+group+"/"+step, "").list(t); len(got) != 1 || got[0] != suite {
			t.Errorf("%s: %v", step, got)
		}
	}
}
