package jumpcloudtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func TestSkipWithoutSortGivesDoubles(t *testing.T) {
	var s jumpcloudtest.Server
	s.GenerateUsers(200, func(i int) jumpcloud.User { return jumpcloud.User{Username: fmt.Sprint(i)} })
	doubles := func(query string) (n int) {
		seen := map[string]bool{}
		for _, skip := range []string{"0", "100"} {
			for _, id := range send(t, &s, "GET", "/api/systemusers?limit=100&skip="+skip+query, "").list(t) {
				if seen[id] {
					n++
				}
				seen[id] = true
			}
		}
		return n
	}
	if doubles("") == 0 {
		t.Error("no doubles without sort")
	}
	if n := doubles("&sort=_id"); n != 0 {
		t.Errorf("%d doubles with sort=_id", n)
	}
}

func TestFields(t *testing.T) {
	var s jumpcloudtest.Server
	s.AddUser(jumpcloud.User{ID: "u1", Username: "u", Email: "u@example.com", State: "ACTIVATED"})
	wantAnswer(t, send(t, &s, "GET", "/api/systemusers?fields=email+state", ""), 200,
		`{"totalCount":1,"results":[{"email":"u@example.com","state":"ACTIVATED","_id":"u1"}]}`)
	if a := send(t, &s, "GET", "/api/systemusers?fields=email,state", ""); !strings.Contains(a.body, "unix_uid") {
		t.Errorf("a list with commas was not ignored: %s", a.body)
	}
}

func TestFilters(t *testing.T) {
	var s jumpcloudtest.Server
	for _, n := range []string{"ann", "bob", "cy|d"} {
		s.AddUser(jumpcloud.User{ID: n, Username: n, Email: n + "@example.com"})
	}
	for query, want := range map[string][]string{
		"filter=username:$eq:ann":                                     {"ann"},
		"filter=username:$ne:ann":                                     {"bob", "cy|d"},
		"filter=username:$in:ann|bob":                                 {"ann", "bob"},
		`filter=username:$in:cy\|d`:                                   {"cy|d"},
		"filter=username:$nin:ann|bob":                                {"cy|d"},
		"filter=username:$sw:a":                                       {"ann"},
		"filter=username:$gt:ann&filter=username:$lt:c":               {"bob"},
		"filter[0]=username:$gte:ann&filter[1]=username:$lte:bob":     {"ann", "bob"},
		"filter[or][0]=username:$eq:ann&filter[or][1]=email:$sw:bob@": {"ann", "bob"},
		"filter=username:$eq:ANN":                                     nil,
		"search=BOB":                                                  {"bob"},
	} {
		a := send(t, &s, "GET", "/api/systemusers?sort=_id&fields=_id&"+strings.NewReplacer("|", "%7C", `\`, "%5C", "[", "%5B", "]", "%5D").Replace(query), "")
		if diff := cmp.Diff(want, a.list(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	wantAnswer(t, send(t, &s, "GET", "/api/systemusers?filter=username:eq:ann", ""), 400, `{"error":"Invalid filter","status":400}`)
	if a := send(t, &s, "GET", "/api/systemusers?sort=_id&fields=_id&filter=email:$co:@ex", "", "X-Eventually-Consistent: true"); len(a.list(t)) != 3 {
		t.Errorf("$co = %s", a.body)
	}
	if a := send(t, &s, "GET", "/api/systemusers?filter=email:$co:@ex", ""); a.status != 400 {
		t.Errorf("$co without the header: %d", a.status)
	}
	// v2: no $, and a comma breaks the value.
	g := s.AddGroup("Sales")
	s.AddGroup("Sales, EMEA")
	if got := send(t, &s, "GET", "/api/v2/usergroups?filter=name:eq:Sales", "").list(t); len(got) != 1 || got[0] != g {
		t.Errorf("groups = %v", got)
	}
	if a := send(t, &s, "GET", "/api/v2/usergroups?filter=name:eq:Sales,%20EMEA", ""); a.status != 400 {
		t.Errorf("a comma in a v2 filter: %d %s", a.status, a.body)
	}
	if got := send(t, &s, "GET", "/api/v2/usergroups?filter=name:eq:Sal*", "").list(t); len(got) != 2 {
		t.Errorf("wildcard: %v", got)
	}
}

func TestAssociationsOnTheWire(t *testing.T) {
	var s jumpcloudtest.Server
	app, g := addApp(&s), s.AddGroup("G")
	path := "/api/v2/applications/" + app + "/associations"
	body := func(op string) string { return `{"op":"` + op + `","type":"user_group","id":"` + g + `"}` }
	wantAnswer(t, send(t, &s, "GET", path+"?targets=user_group", ""), 200, "[]") // a new one has none
	wantAnswer(t, send(t, &s, "POST", path, body("remove")), 404, `{"message":"Not Found"}`)
	wantAnswer(t, send(t, &s, "POST", path, body("add")), 204, "")
	wantAnswer(t, send(t, &s, "POST", path, body("add")), 409, `{"message":"Already Exists"}`)
	wantAnswer(t, send(t, &s, "GET", path+"?targets=user_group", ""), 200, `[{"attributes":null,"to":{"attributes":null,"id":"`+g+`","type":"user_group"}}]`)
	wantAnswer(t, send(t, &s, "GET", "/api/v2/usergroups/"+g+"/associations?targets=application", ""), 200, `[{"attributes":null,"to":{"attributes":null,"id":"`+app+`","type":"application"}}]`)
	for _, query := range []string{"", "?targets=", "?targets=moon", "?targets=application"} {
		if a := send(t, &s, "GET", path+query, ""); a.status != 400 {
			t.Errorf("targets %q: %d", query, a.status)
		}
	}
	const nowhere = "/api/v2/applications/60ffffffffffffffffffffff/associations"
	wantAnswer(t, send(t, &s, "GET", nowhere+"?targets=user_group", ""), 404, `{"message":"Not Found"}`)
	wantAnswer(t, send(t, &s, "POST", nowhere, body("add")), 404, `{"message":"Not Found"}`)
	wantAnswer(t, send(t, &s, "POST", path, body("remove")), 204, "")
}

func TestTraverse(t *testing.T) {
	var s jumpcloudtest.Server
	u, v := s.AddUser(jumpcloud.User{Username: "u"}), s.AddUser(jumpcloud.User{Username: "v"})
	app, g := addApp(&s), s.AddGroup("G", u, v)
	s.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g})
	s.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: v})
	// Direct edges are one thing, access another.
	if got := send(t, &s, "GET", "/api/v2/applications/"+app+"/associations?targets=user", "").list(t); len(got) != 1 || got[0] != v {
		t.Errorf("direct users = %v", got)
	}
	paths := map[string]int{}
	for r, err := range s.Client(nil).Traverse(t.Context(), jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app}, jumpcloud.UserObject) {
		if err != nil {
			t.Fatal(err)
		}
		paths[r.ID] = len(r.Paths)
	}
	if diff := cmp.Diff(map[string]int{u: 1, v: 2}, paths); diff != "" {
		t.Errorf("ways to users (-want +got):\n%s", diff)
	}
	wantAnswer(t, send(t, &s, "GET", "/api/v2/users/60ffffffffffffffffffffff/memberof", ""), 200, "[]") // not a 404
	if got := send(t, &s, "GET", "/api/v2/users/"+u+"/memberof", "").list(t); len(got) != 1 || got[0] != g {
		t.Errorf("memberof = %v", got)
	}
	if got := send(t, &s, "GET", "/api/v2/users/"+u+"/applications", "").list(t); len(got) != 1 || got[0] != app {
		t.Errorf("applications = %v", got)
	}
}

func TestGroupsOnTheWire(t *testing.T) {
	var s jumpcloudtest.Server
	wantAnswer(t, send(t, &s, "POST", "/api/v2/usergroups", `{}`), 400, `{"code":400,"message":"name is required","status":"Bad Request"}`)
	a := send(t, &s, "POST", "/api/v2/usergroups", `{"name":"G","description":"D"}`)
	id, _ := a.json(t)["id"].(string)
	if a.status != 201 || !strings.Contains(a.body, `"ldapGroups":[{"name":"G"}]`) || !strings.Contains(a.body, `"type":"user_group"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := send(t, &s, "PUT", "/api/v2/usergroups/"+id, `{"name":"H"}`); a.json(t)["description"] != "" {
		t.Errorf("PUT without description: %s", a.body)
	}
	if a := send(t, &s, "POST", "/api/v2/usergroups", `{"name":"H"}`); a.status != 201 {
		t.Errorf("the same name: %d", a.status)
	}
	s.Quirks.UniqueGroupNames = true
	wantAnswer(t, send(t, &s, "POST", "/api/v2/usergroups", `{"name":"h"}`), 409, `{"message":"Already Exists"}`)
	wantAnswer(t, send(t, &s, "DELETE", "/api/v2/usergroups/"+id, ""), 204, "")
	wantAnswer(t, send(t, &s, "DELETE", "/api/v2/usergroups/"+id, ""), 404, `{"message":"Not Found"}`)
}

func TestMembersOnTheWire(t *testing.T) {
	var s jumpcloudtest.Server
	u, g, d := s.AddUser(jumpcloud.User{Username: "u"}), s.AddGroup("G"), s.AddDynamicGroup("D")
	post := func(g, op, u string) answer {
		return send(t, &s, "POST", "/api/v2/usergroups/"+g+"/members", `{"op":"`+op+`","type":"user","id":"`+u+`"}`)
	}
	wantAnswer(t, post("60ffffffffffffffffffffff", "add", u), 400, `{"error":"INVALID_ARGUMENT","message":"user_group not found"}`)
	wantAnswer(t, post(g, "add", "60ffffffffffffffffffffff"), 404, `{"message":"Not Found"}`)
	wantAnswer(t, post(g, "add", u), 204, "")
	wantAnswer(t, post(g, "add", u), 409, `{"message":"Already Exists"}`)
	wantAnswer(t, post(d, "add", u), 204, "") // and nothing has happened
	wantAnswer(t, send(t, &s, "GET", "/api/v2/usergroups/"+d+"/members", ""), 200, "[]")
}

func TestDirectoriesOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		d := s.AddDirectory("M365")
		s.AddDirectoryOf("g_suite", "Workspace")
		dom := s.AddDirectoryDomain(d, "example.com", true)
		s.SetOAuth(d, jumpcloud.OAuthStatus{Expiry: time.Unix(1703732260, 0), Error: "invalid_grant", Message: "AADSTS9002313"})
		a := send(t, &s, "GET", "/api/v2/directories", "")
		for _, want := range []string{`"oAuthStatus":{"error":"invalid_grant","errorMessage":"AADSTS9002313","expiry":{"seconds":"1703732260"}}`, `"type":"g_suite"`, `"defaultDomain":{"domain":"example.com","id":"` + dom + `"}`} {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s; want %s in it", a.body, want)
			}
		}
		wantAnswer(t, send(t, &s, "GET", "/api/v2/office365s", ""), 404, `{"message":"Not Found"}`)
		s.Quirks.ListOffice365s = true
		if got := send(t, &s, "GET", "/api/v2/office365s", "").list(t); len(got) != 1 || got[0] != d {
			t.Errorf("office365s = %v", got)
		}
		domains := "/api/v2/office365s/" + d + "/domains"
		wantAnswer(t, send(t, &s, "GET", domains, ""), 200, `{"domains":[{"default":true,"domain":"example.com","objectId":"`+dom+`","resourceObjectId":"`+d+`"}],"totalCount":1}`)
		s.Quirks.StringTotals = true
		if a := send(t, &s, "GET", domains, ""); !strings.Contains(a.body, `"totalCount":"1"`) {
			t.Errorf("%s", a.body)
		}
		wantAnswer(t, send(t, &s, "POST", domains, `{"domain":"example.com"}`), 409, `{"message":"Already Exists"}`)
		if a := send(t, &s, "POST", domains, `{}`); a.status != 400 || !strings.Contains(a.body, `"details"`) {
			t.Errorf("%d %s; want google.rpc.Status", a.status, a.body)
		}
		office := "/api/v2/office365s/" + d
		if a := send(t, &s, "PATCH", office, `{"userLockoutAction":"remove_access"}`); a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := send(t, &s, "PATCH", office, `{"userLockoutAction":"suspend","defaultDomain":{}}`); a.status != 200 || !strings.Contains(a.body, `"defaultDomain":{}`) || !strings.Contains(a.body, `"userLockoutAction":"suspend"`) {
			t.Errorf("%d %s", a.status, a.body)
		}
		rules := office + "/translationrules"
		if a := send(t, &s, "POST", rules, `{"builtIn":"user_city","direction":"export"}`); a.status != 201 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := send(t, &s, "POST", rules, `{"builtIn":"user_state"}`); a.status != 201 || !strings.Contains(a.body, `"direction":"export"`) {
			t.Errorf("without a direction: %d %s", a.status, a.body)
		}
		if a := send(t, &s, "POST", rules, `{"builtIn":"user_moon","direction":"export"}`); a.status != 400 || !strings.Contains(a.body, "@type") {
			t.Errorf("%d %s; want ErrorDetails", a.status, a.body)
		}
		if a := send(t, &s, "POST", rules, `{"builtIn":"user_state","direction":"import"}`); a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestBoundUsers(t *testing.T) {
	var s jumpcloudtest.Server
	u, v, d := s.AddUser(jumpcloud.User{Username: "u"}), s.AddUser(jumpcloud.User{Username: "v"}), s.AddDirectory("M365")
	s.BindUser(d, u, "object-1")
	s.Bind(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: d}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: s.AddGroup("G", v)})
	path := "/api/v2/office365s/" + d + "/users"
	if a := send(t, &s, "GET", path, ""); strings.Contains(a.body, "externalId") || len(a.list(t)) != 2 {
		t.Errorf("without syncStatus: %s", a.body)
	}
	a := send(t, &s, "GET", path+"?syncStatus=true", "")
	if !strings.Contains(a.body, `"externalId":"object-1","syncStatus":{"code":200,"message":"OK"`) || strings.Count(a.body, "externalId") != 1 {
		t.Errorf("%s", a.body)
	}
	s.Sync = func(_, userID string) jumpcloud.BoundUser {
		return jumpcloud.BoundUser{ExternalID: "late-" + userID, Sync: &jumpcloud.SyncStatus{Code: "PENDING"}}
	}
	if a := send(t, &s, "GET", path+"?syncStatus=true", ""); !strings.Contains(a.body, "late-"+v) || !strings.Contains(a.body, `"code":"PENDING"`) {
		t.Errorf("%s", a.body)
	}
}

func TestConflictingState(t *testing.T) {
	var s jumpcloudtest.Server
	u := s.AddUser(jumpcloud.User{Username: "u"})
	path := "/api/systemusers/" + u
	wantAnswer(t, send(t, &s, "PUT", path, `{"state":"ACTIVATED","suspended":true}`), 400, `{"error":"Cannot save conflicting state and suspended fields. (state=ACTIVATED suspended=true)","status":400}`)
	if a := send(t, &s, "PUT", path, `{"suspended":true,"department":"IT"}`).json(t); a["state"] != "SUSPENDED" || a["department"] != "IT" || a["username"] != "u" {
		t.Errorf("%v", a)
	}
	if a := send(t, &s, "PUT", path, `{"state":"STAGED"}`); a.status != 400 {
		t.Errorf("%d", a.status)
	}
	if a := send(t, &s, "POST", "/api/systemusers", `{"username":"x"}`); a.status != 400 {
		t.Errorf("without email: %d", a.status)
	}
}

func TestSearch(t *testing.T) {
	var s jumpcloudtest.Server
	for _, n := range []string{"ann", "bob"} {
		s.AddUser(jumpcloud.User{ID: n, Username: n, Email: n + "@Example.com"})
	}
	for body, want := range map[string][]string{
		`{"sort":"_id"}`:                  {"ann", "bob"},
		`{"filter":[{"username":"ann"}]}`: {"ann"},
		`{"filter":{"or":[{"username":"ann"},{"username":"bob"}]},"sort":"_id"}`:             {"ann", "bob"},
		`{"filter":{"and":[{"username":"ann"},{"username":"bob"}]}}`:                         nil,
		`{"searchFilter":{"searchTerm":"@example","fields":["email"]},"sort":"_id"}`:         {"ann", "bob"},
		`{"searchFilter":{"searchTerm":["bo","zz"],"fields":["username"]},"fields":"email"}`: {"bob"},
	} {
		if diff := cmp.Diff(want, send(t, &s, "POST", "/api/search/systemusers", body).list(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	if s.Writes() != 0 {
		t.Error("a search counts as a write")
	}
}

func TestGeneratedUsers(t *testing.T) {
	var s jumpcloudtest.Server
	own := s.AddUser(jumpcloud.User{Username: "own", Email: "own@example.com"})
	s.GenerateUsers(1_000_000, func(i int) jumpcloud.User {
		return jumpcloud.User{Username: fmt.Sprint(i), Email: fmt.Sprintf("u%d@example.com", i)}
	})
	if got := send(t, &s, "GET", "/api/systemusers?sort=_id&limit=2&fields=_id", "").list(t); got[0] != own || got[1] != jumpcloudtest.GeneratedID(0) {
		t.Errorf("%v", got)
	}
	u, err := s.Client(nil).User(t.Context(), jumpcloudtest.GeneratedID(999_999))
	if err != nil || u.Username != "999999" {
		t.Errorf("%v, %v", u, err)
	}
	if a := send(t, &s, "GET", "/api/systemusers/"+jumpcloudtest.GeneratedID(1_000_000), ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
	s.AddGroup("G", jumpcloudtest.GeneratedID(5))
}

func TestImportUsers(t *testing.T) {
	s := jumpcloudtest.Server{PageSize: 2}
	d := s.AddDirectory("M365")
	for i := range 5 {
		s.ImportUsers = append(s.ImportUsers, jumpcloud.ImportUser{ID: fmt.Sprint(i)})
	}
	n := 0
	for u, err := range s.Client(nil).ImportableUsers(t.Context(), d) {
		if err != nil || u.ID != fmt.Sprint(n) {
			t.Fatal(u, err)
		}
		n++
	}
	if n != 5 {
		t.Errorf("%d users", n)
	}
}
