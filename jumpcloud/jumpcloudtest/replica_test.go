package jumpcloudtest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A replica that lags behind does not find what was just created, by its own ID
// or through it, and still finds what was just deleted.
func TestLagByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{GetLag: jumpcloudtest.Lag{For: time.Minute}}
		send(t, &s, "POST", "/api/applications", fmt.Sprintf(createBody, ""))
		send(t, &s, "POST", "/api/v2/usergroups", `{"name":"G"}`)
		app, group := s.Applications()[0].ID, s.Groups()[0].ID
		paths := []string{
			"/api/applications/" + app,
			"/api/organizations/" + s.OrgID() + "/applications/" + app + "/metadata.xml",
			"/api/v2/applications/" + app + "/associations?targets=user_group",
			"/api/v2/applications/" + app + "/usergroups",
			"/api/v2/usergroups/" + group,
			"/api/v2/usergroups/" + group + "/members",
			"/api/v2/usergroups/" + group + "/membership",
			"/api/v2/usergroups/" + group + "/associations?targets=application",
		}
		see := func(when string, want int) {
			t.Helper()
			for _, p := range paths {
				if a := send(t, &s, "GET", p, ""); a.status != want {
					t.Errorf("%s: GET %s: %d; want %d", when, p, a.status, want)
				}
			}
		}
		see("created", http.StatusNotFound)
		time.Sleep(time.Minute)
		see("created a minute ago", http.StatusOK)
		send(t, &s, "DELETE", "/api/applications/"+app, "")
		send(t, &s, "DELETE", "/api/v2/usergroups/"+group, "")
		see("deleted", http.StatusOK)
		time.Sleep(time.Minute)
		see("deleted a minute ago", http.StatusNotFound)
	})
}

// What somebody edits is seen as late as what is written; what is added has been
// there for long.
func TestEditsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jumpcloudtest.Server{GetLag: jumpcloudtest.Lag{For: time.Minute}}
		id, user := addApp(&s), s.AddUser(jumpcloud.User{Username: "old"})
		s.SetApplicationField(id, "description", "new")
		s.EditUser(user, func(u *jumpcloud.User) { u.Username = "new" })
		see := func(when, want string) {
			t.Helper()
			for path, key := range map[string]string{"/api/applications/" + id: "description", "/api/systemusers/" + user: "username"} {
				if got := send(t, &s, "GET", path, "").json(t)[key]; got != want && (got != "" || want != "old") {
					t.Errorf("%s: GET %s: %v", when, path, got)
				}
			}
		}
		see("at once", "old")
		time.Sleep(time.Minute)
		see("after a minute", "new")
		s.DeleteApplication(id)
		if a := send(t, &s, "GET", "/api/applications/"+id, ""); a.status != http.StatusOK {
			t.Errorf("deleted, at once: %d", a.status)
		}
	})
}

// Only the group itself tells that a rule decides on its members.
func TestMembershipMethodNotListed(t *testing.T) {
	var s jumpcloudtest.Server
	id := s.AddDynamicGroup("Rule")
	if b := string(send(t, &s, "GET", "/api/v2/usergroups", "").body); strings.Contains(b, "membershipMethod") || !strings.Contains(b, id) {
		t.Errorf("the list: %s", b)
	}
	if b := string(send(t, &s, "GET", "/api/v2/usergroups/"+id, "").body); !strings.Contains(b, `"membershipMethod":"DYNAMIC_AUTOMATED"`) {
		t.Errorf("the group: %s", b)
	}
}

// OnRequest is called when the effect can be seen, also if the answer is lost;
// not for a request that had no effect because it was refused before.
func TestOnRequest(t *testing.T) {
	var s jumpcloudtest.Server
	var mu sync.Mutex
	var got []string
	s.OnRequest = func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %d", r.Method, len(s.Groups())))
	}
	kinds := []jumpcloudtest.FaultKind{jumpcloudtest.None, jumpcloudtest.Error500After, jumpcloudtest.Refuse503}
	s.Fault = func(*http.Request) jumpcloudtest.Fault {
		f := jumpcloudtest.Fault{Kind: kinds[0]}
		kinds = slices.Delete(kinds, 0, 1)
		return f
	}
	for i := range 3 {
		send(t, &s, "POST", "/api/v2/usergroups", fmt.Sprintf(`{"name":"G%d"}`, i))
	}
	if d := cmp.Diff([]string{"POST 1", "POST 2"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The members of a group in a group are reached through both, not listed.
func TestNestedGroups(t *testing.T) {
	var s jumpcloudtest.Server
	user := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"})
	inner := s.AddGroup("Inner", user)
	middle, outer := s.AddGroup("Middle"), s.AddGroup("Outer")
	group := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id} }
	s.Bind(group(outer), group(middle))
	s.Bind(group(middle), group(inner))
	app := addApp(&s)
	s.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: outer})
	for path, want := range map[string][]string{
		"/api/v2/usergroups/" + outer + "/members":    {},
		"/api/v2/usergroups/" + outer + "/membership": {user},
		"/api/v2/applications/" + app + "/users":      {user},
		"/api/v2/applications/" + app + "/usergroups": {outer, middle, inner},
		"/api/v2/users/" + user + "/memberof":         {inner, middle, outer},
	} {
		got := append([]string{}, send(t, &s, "GET", path, "").list(t)...)
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("GET %s (-want +got):\n%s", path, d)
		}
	}
}

// Who is bound to a group is a member of it, whichever way round; what is bound to
// an application is not.
func TestBindMakesMembers(t *testing.T) {
	var s jumpcloudtest.Server
	g, ann, bob := s.AddGroup("G"), s.AddUser(jumpcloud.User{Username: "ann"}), s.AddUser(jumpcloud.User{Username: "bob"})
	group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g}
	s.Bind(group, jumpcloud.Object{Type: jumpcloud.UserObject, ID: ann})
	s.Bind(jumpcloud.Object{Type: jumpcloud.UserObject, ID: bob}, group)
	app := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: addApp(&s)}
	s.Bind(app, group)
	if d := cmp.Diff([]string{ann, bob}, s.Groups()[0].Members); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if got := send(t, &s, "GET", "/api/v2/usergroups/"+g+"/members", "").list(t); !slices.Equal(got, []string{ann, bob}) {
		t.Errorf("GET members: %v", got)
	}
	if d := cmp.Diff([][2]jumpcloud.Object{{app, group}}, s.Associations()); d != "" {
		t.Errorf("associations (-want +got):\n%s", d)
	}
	s.Unbind(group, jumpcloud.Object{Type: jumpcloud.UserObject, ID: ann})
	if got := s.Groups()[0].Members; !slices.Equal(got, []string{bob}) {
		t.Errorf("after Unbind: %v", got)
	}
}
