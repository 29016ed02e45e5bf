package jumpcloudtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// Whatever a filter says, it is answered with a list, or refused.
func FuzzFilters(f *testing.F) {
	for _, filter := range []string{
		"", "username:$eq:ann", "attributes.name:$in:a|\\||b", "mfa.x.y:$lt:1", "username:eq:ann", "name:eq:*a*b*,name:ge:1", "type:between:a|b",
		"surname eq 'O''Hara' and startsWith(givenName, 'A')", "startswith(", "id eq '", "'", "surname eq 'a' and", ":::", "*",
		`["username:$sw:a",{"sudo":true}]`, `{"or":["a:$ne:"],"and":[{}]}`, `{"not":[]}`, `[[]]`, `[{"a":{"$in":[]}}]`, "null", "1",
	} {
		f.Add(filter)
	}
	s := jumpcloudtest.Server{ImportUsers: []jumpcloud.ImportUser{{ID: "1", GivenName: "Ann", Surname: "O'Hara"}}}
	s.AddUser(jumpcloud.User{Username: "ann", Email: "ann@example.com"})
	group, dir := s.AddGroup("G", s.AddUser(jumpcloud.User{Username: "bob", Email: "bob@example.com"})), s.AddDirectory("D")
	f.Fuzz(func(t *testing.T, filter string) {
		q := url.Values{"filter": {filter}}.Encode()
		for _, path := range []string{
			"/api/systemusers", "/api/organizations", "/api/v2/usergroups", "/api/v2/usergroups/" + group + "/membership",
			"/api/v2/office365s/" + dir + "/import/users",
		} {
			expect(t, send(t, &s, "GET", path+"?"+q, ""), path, filter)
		}
		if json.Valid([]byte(filter)) {
			expect(t, send(t, &s, "POST", "/api/search/systemusers", `{"filter":`+filter+`}`), "search", filter)
		}
	})
}

func expect(t *testing.T, a answer, where, filter string) {
	t.Helper()
	switch a.status {
	case http.StatusOK:
		a.list(t)
	case http.StatusBadRequest, http.StatusNotImplemented:
		if a.json(t)["message"] == nil && a.json(t)["error"] == nil {
			t.Errorf("%s, %q: %s", where, filter, a.body)
		}
	default:
		t.Errorf("%s, %q: %d %s", where, filter, a.status, a.body)
	}
}
