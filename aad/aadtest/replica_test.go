package aadtest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// A replica that lags behind does not find a user who was just created, by ID
// or name, and still finds one who was just deleted.
func TestUsersLagByIDAndName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.s.ListLag, w.s.GetLag = aadtest.Lag{For: time.Minute}, aadtest.Lag{For: time.Minute}
		const upn = "lag@contoso.onmicrosoft.com"
		a := w.send("POST", "/v1.0/users", `{"userPrincipalName":"`+upn+`","displayName":"Lag","mailNickname":"lag","accountEnabled":true,"passwordProfile":{"password":"long enough 1!"}}`)
		id, _ := a.body["id"].(string)
		if a.status != http.StatusCreated || id == "" {
			t.Fatalf("creation: %d %s", a.status, a.text)
		}
		see := func(when string, want int) {
			t.Helper()
			for _, p := range []string{"/v1.0/users/" + id, "/v1.0/users/" + upn} {
				if a := w.send("GET", p, ""); a.status != want {
					t.Errorf("%s: GET %s: %d; want %d", when, p, a.status, want)
				}
			}
		}
		see("created", http.StatusNotFound)
		time.Sleep(time.Minute)
		see("created a minute ago", http.StatusOK)
		w.send("DELETE", "/v1.0/users/"+id, "")
		see("deleted", http.StatusOK)
		time.Sleep(time.Minute)
		see("deleted a minute ago", http.StatusNotFound)
	})
}

// What somebody edits is seen as late as what is written; what is added has been
// there for long. Lists and what is asked by ID lag apart.
func TestEditsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.s.GetLag = aadtest.Lag{For: time.Minute}
		id := w.s.AddUser(aad.User{UserPrincipalName: "old@contoso.onmicrosoft.com", DisplayName: "Old"})
		w.s.EditUser(id, func(u *aad.User) { u.DisplayName = "New" })
		one := func() any { return w.send("GET", "/v1.0/users/"+id, "").body["displayName"] }
		if got := one(); got != "Old" {
			t.Errorf("by ID, at once: %v", got)
		}
		if list := w.send("GET", "/v1.0/users?$select=id,displayName", "").text; !strings.Contains(list, `"New"`) || strings.Contains(list, `"Old"`) {
			t.Errorf("in a list, which does not lag: %s", list)
		}
		time.Sleep(time.Minute)
		if got := one(); got != "New" {
			t.Errorf("by ID, after a minute: %v", got)
		}
	})
}

// OnRequest is called when the effect can be seen, also if the answer is lost.
func TestOnRequest(t *testing.T) {
	w := newWire(t)
	w.s.AddDomain("fresh.example")
	var mu sync.Mutex
	var got []bool
	w.s.OnRequest = func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, w.s.Domain("fresh.example").IsDefault)
	}
	w.s.Fault = func(r *http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.Error500After} }
	if a := w.send("PATCH", "/v1.0/domains/fresh.example", `{"isDefault":true}`); a.status != http.StatusInternalServerError {
		t.Errorf("%d %s", a.status, a.text)
	}
	if d := cmp.Diff([]bool{true}, got); d != "" {
		t.Errorf("the effect was seen (-want +got):\n%s", d)
	}
	if n := len(w.s.Domains()); n != 3 {
		t.Errorf("%d domains", n)
	}
}

// What nobody else tells: who has which role in truth.
func TestRoleAssignmentsAreTheTruth(t *testing.T) {
	var s aadtest.Server
	s.ListLag, s.GetLag = aadtest.Lag{For: time.Hour}, aadtest.Lag{For: time.Hour}
	boss := s.AddUser(aad.User{DisplayName: "Boss"})
	id := s.MakeGlobalAdministrator(boss)
	want := []aad.RoleAssignment{{ID: id, RoleDefinitionID: aad.GlobalAdministrator, PrincipalID: boss, DirectoryScopeID: "/"}}
	if d := cmp.Diff(want, s.RoleAssignments()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s.RemoveRole(id)
	if got := s.RoleAssignments(); len(got) != 0 {
		t.Errorf("after its removal: %v", got)
	}
}
