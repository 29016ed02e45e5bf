package jumpcloudtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// people are three users, in an order that is none of their fields'.
func people(t testing.TB) (s *jumpcloudtest.Server, names map[string]string) {
	t.Helper()
	s, names = new(jumpcloudtest.Server), map[string]string{}
	for _, u := range []struct{ name, more string }{
		{"bob", `"department":"IT","unix_uid":900,"sudo":true,"mfa":{"exclusion":true},"attributes":[{"name":"k","value":"1"},{"name":"l","value":"2"}]`},
		{"Ann", `"department":"Sales","unix_uid":10000`},
		{"cid", `"department":"IT","unix_uid":5001,"attributes":[{"name":"l","value":"1"}]`},
	} {
		a := send(t, s, "POST", "/api/systemusers", fmt.Sprintf(`{"username":%q,"email":"%s@example.com",%s}`, u.name, strings.ToLower(u.name), u.more))
		names[a.json(t)["_id"].(string)] = u.name
	}
	return s, names
}

func TestUsersFound(t *testing.T) {
	s, names := people(t)
	for _, tt := range []struct{ query, want string }{
		{"sort=_id", "bob Ann cid"},
		{"sort=-_id", "cid Ann bob"},
		{"sort=username", "Ann bob cid"},
		{"sort=-username", "cid bob Ann"},
		{"sort=unix_uid", "bob cid Ann"},
		{"sort=-unix_uid", "Ann cid bob"},
		{"sort=department%20-username", "cid bob Ann"},
		{"sort=-username&limit=1&skip=1", "bob"},
		{"sort=_id&filter=unix_uid:$gt:900", "Ann cid"},
		{"sort=_id&filter=unix_uid:$gte:900", "bob Ann cid"},
		{"sort=_id&filter=unix_uid:$lt:5001", "bob"},
		{"sort=_id&filter=unix_uid:$lte:5001", "bob cid"},
		{"sort=_id&filter=sudo:$eq:true", "bob"},
		{"sort=_id&filter=sudo:$eq:false", "Ann cid"},
		{"sort=_id&filter=mfa.exclusion:$eq:true", "bob"},
		{"sort=_id&filter=mfa.configured:$eq:false", "bob Ann cid"},
		{"sort=_id&filter=attributes.value:$eq:1", "bob cid"},
		{"sort=_id&filter=attributes.value:$ne:1", "Ann"},
		{"sort=_id&filter=attributes.name:$in:k|m", "bob"},
		{"sort=_id&filter=attributes.name:$nin:k|m", "Ann cid"},
		{"sort=_id&filter=department:$eq:IT&filter=username:$sw:c", "cid"},
		{"sort=_id&filter[0]=department:$eq:IT&filter[1]=username:$sw:c", "cid"},
		{"sort=_id&filter[and][0]=department:$eq:IT&filter[and][1]=username:$sw:c", "cid"},
		{"sort=_id&filter[or][0]=department:$eq:Sales&filter[or][1]=username:$sw:c", "Ann cid"},
		{"sort=_id&search=ANN", "Ann"},
	} {
		if got := called(names, send(t, s, "GET", "/api/systemusers?"+tt.query, "").list(t)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.query, got, tt.want)
		}
	}
	for _, tt := range []struct{ body, want string }{
		{`{}`, "bob Ann cid"},
		{`{"sort":"-username"}`, "cid bob Ann"},
		{`{"filter":["department:$eq:IT"]}`, "bob cid"},
		{`{"filter":["department:$eq:IT","username:$ne:bob"]}`, "cid"},
		{`{"filter":{"and":["department:$eq:IT",{"username":"bob"}]}}`, "bob"},
		{`{"filter":{"or":["username:$eq:bob",{"username":"Ann"}]}}`, "bob Ann"},
		{`{"filter":[{"department":"IT","username":"cid"}]}`, "cid"},
		{`{"filter":[{"sudo":true}]}`, "bob"},
		{`{"filter":["unix_uid:$gt:900"]}`, "Ann cid"},
		{`{"searchFilter":{"searchTerm":["ANN","cid@"],"fields":["username","email"]}}`, "Ann cid"},
		{`{"searchFilter":{"searchTerm":"1","fields":["attributes.value"]},"limit":1,"skip":1}`, "cid"},
	} {
		body := tt.body
		if !strings.Contains(body, "sort") {
			body = strings.Replace(strings.TrimSuffix(body, "}")+`,"sort":"_id"}`, "{,", "{", 1)
		}
		if got := called(names, send(t, s, "POST", "/api/search/systemusers", body).list(t)); got != tt.want {
			t.Errorf("%s: %s, want %s", body, got, tt.want)
		}
	}
	for _, body := range []string{`{"filter":["department:eq:IT"]}`, `{"filter":["department"]}`, `{"filter":[1]}`, `{"filter":1}`} {
		if a := send(t, s, "POST", "/api/search/systemusers", body); a.status != 400 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func called(names map[string]string, ids []string) string {
	var got []string
	for _, id := range ids {
		got = append(got, names[id])
	}
	return strings.Join(got, " ")
}

// Fields that package jumpcloud does not know are shown when they are asked for.
func TestUserFields(t *testing.T) {
	s, names := people(t)
	var bob string
	for id, name := range names {
		if name == "bob" {
			bob = id
		}
	}
	for _, tt := range []struct {
		fields string
		want   []string
	}{
		{"username", []string{"_id", "username"}},
		{"sudo%20sudo%20department%20costCenter%20nonsense", []string{"_id", "costCenter", "department", "sudo"}},
	} {
		m := send(t, s, "GET", "/api/systemusers/"+bob+"?fields="+tt.fields, "").json(t)
		if d := cmp.Diff(tt.want, keysOf(m)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.fields, d)
		}
		list := send(t, s, "GET", "/api/systemusers?sort=_id&limit=1&fields="+tt.fields, "").json(t)["results"].([]any)
		if d := cmp.Diff(m, list[0]); d != "" {
			t.Errorf("%s: the list shows something else (-one +list):\n%s", tt.fields, d)
		}
	}
}

func keysOf(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestGroupsFound(t *testing.T) {
	var s jumpcloudtest.Server
	names := map[string]string{}
	add := func(name, more string) {
		names[send(t, &s, "POST", "/api/v2/usergroups", `{"name":"`+name+`"`+more+`}`).json(t)["id"].(string)] = name
	}
	add("B", `,"email":"b@example.com","attributes":{"sudo":{"enabled":true}}`)
	add("C", `,"membershipMethod":"DYNAMIC_AUTOMATED"`)
	add("A", `,"description":"first"`)
	for _, tt := range []struct{ query, want string }{
		{"", "B C A"},
		{"sort=name", "A B C"},
		{"sort=-name", "C B A"},
		{"sort=membershipMethod,-name", "C B A"},
		{"sort=-membershipMethod,name", "A B C"},
		{"sort=-id&limit=1", "A"},
		{"filter=type:eq:user_group", "B C A"},
		{"filter=type:ne:user_group", ""},
		{"filter=membershipMethod:eq:STATIC", "B A"},
		{"filter=membershipMethod:ne:STATIC", "C"},
		{"filter=name:gt:A", "B C"},
		{"filter=name:ge:B", "B C"},
		{"filter=name:lt:B", "A"},
		{"filter=name:le:B", "B A"},
		{"filter=name:in:A|C", "C A"},
		{"filter=description:search:FIR", "A"},
		{"filter=email:eq:*@*.com", "B"},
		{"filter=attributes.sudo.enabled:eq:true", "B"},
		{"filter=name:ge:A,name:le:B&sort=name", "A B"},
	} {
		if got := called(names, send(t, &s, "GET", "/api/v2/usergroups?"+tt.query, "").list(t)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
	a := send(t, &s, "GET", "/api/v2/usergroups?fields=name,email&limit=1", "")
	if want := `[{"email":"b@example.com","id":"` + a.list(t)[0] + `","name":"B"}]`; a.body != want {
		t.Errorf("fields: %s, want %s", a.body, want)
	}
}

// What is reached is found by its ID and type, whether it is kept in memory or not.
func TestReachedFound(t *testing.T) {
	var s jumpcloudtest.Server
	ann, bob := s.AddUser(jumpcloud.User{Username: "ann"}), s.AddUser(jumpcloud.User{Username: "bob"})
	g, dir := s.AddGroup("G", bob, ann), s.AddDirectory("D")
	s.BindUser(dir, ann, "x")
	s.GenerateBound(dir, 2, func(i int) jumpcloud.BoundUser {
		return jumpcloud.BoundUser{UserID: jumpcloudtest.GeneratedID(i), ExternalID: fmt.Sprint("made", i)}
	})
	names := map[string]string{ann: "ann", bob: "bob", jumpcloudtest.GeneratedID(0): "0", jumpcloudtest.GeneratedID(1): "1"}
	for _, tt := range []struct{ path, want string }{
		{"usergroups/" + g + "/membership?sort=object_id", "ann bob"},
		{"usergroups/" + g + "/membership?sort=-object_id", "bob ann"},
		{"usergroups/" + g + "/membership?filter=type:eq:user_group", ""},
		{"usergroups/" + g + "/membership?filter=object_id:eq:" + ann, "ann"},
		{"office365s/" + dir + "/users?filter=object_id:ne:" + ann, "0 1"},
		{"office365s/" + dir + "/users?syncStatus=true&filter=object_id:eq:" + jumpcloudtest.GeneratedID(1), "1"},
	} {
		if got := called(names, send(t, &s, "GET", "/api/v2/"+tt.path, "").list(t)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
	a := send(t, &s, "GET", "/api/v2/office365s/"+dir+"/users?syncStatus=true&filter=object_id:eq:"+jumpcloudtest.GeneratedID(1), "")
	if !strings.Contains(a.body, `"externalId":"made1"`) {
		t.Errorf("without the state of its synchronisation: %s", a.body)
	}
}

func TestImportUsersFound(t *testing.T) {
	s := jumpcloudtest.Server{PageSize: 1, ImportUsers: []jumpcloud.ImportUser{
		{ID: "1", UserPrincipalName: "ann@example.com", GivenName: "Ann", Surname: "O'Hara"},
		{ID: "2", UserPrincipalName: "bob@example.com", GivenName: "Bob", Surname: "O'Hara"},
		{ID: "3", UserPrincipalName: "andy@example.com", GivenName: "Andy", Surname: "Hall"},
	}}
	path := "/api/v2/office365s/" + s.AddDirectory("D") + "/import/users"
	for _, tt := range []struct{ filter, want string }{
		{"", "1 2 3"},
		{"userPrincipalName%20eq%20'BOB@example.com'", "2"},
		{"surname%20eq%20'O''Hara'", "1 2"},
		{"startsWith(givenName,'an')", "1 3"},
		{"startswith(givenName,%20'an')%20and%20surname%20eq%20'Hall'", "3"},
		{"id%20eq%20'4'", ""},
	} {
		var got []string
		for token := ""; ; {
			m := send(t, &s, "GET", path+"?filter="+tt.filter+"&skipToken="+token, "").json(t)
			for _, u := range m["users"].([]any) {
				got = append(got, u.(map[string]any)["id"].(string))
			}
			if token, _ = m["skipToken"].(string); token == "" {
				break
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.filter, got, tt.want)
		}
	}
}

func TestOrganizationsFound(t *testing.T) {
	s := jumpcloudtest.Server{Organization: "b"}
	a, c := s.AddOrganization("A"), s.AddOrganization("C")
	names := map[string]string{s.OrgID(): "b", a.OrgID(): "A", c.OrgID(): "C"}
	for query, want := range map[string]string{
		"sort=displayName": "A C b", "sort=-displayName": "b C A", "sortIgnoreCase=displayName": "A b C",
		"sort=_id&filter=displayName:$eq:C": "C", "sort=_id&limit=1&skip=1": "A",
	} {
		if got := called(names, send(t, &s, "GET", "/api/organizations?"+query, "").list(t)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for id, name := range names {
		m := send(t, &s, "GET", "/api/organizations/"+id+"?fields=displayName", "").json(t)
		if d := cmp.Diff(map[string]any{"_id": id, "displayName": name}, m); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if r := send(t, &s, "GET", "/api/organizations/000000000000000000000000", ""); r.status != 404 {
		t.Errorf("an unknown one: %d %s", r.status, r.body)
	}
}
