package aad_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// rewriting edits the answers that a server gives.
type rewriting struct {
	next http.RoundTripper
	edit func(r *http.Request, body map[string]any)
}

func (t rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if json.Unmarshal(b, &body) == nil {
		t.edit(r, body)
		b, _ = json.Marshal(body)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return resp, nil
}

// assigned adds assignments to those that the service lists.
func assigned(s *aadtest.Server, more ...map[string]any) *aad.Client {
	return s.Client(&aad.Options{HTTPClient: &http.Client{Transport: rewriting{s.HTTPClient().Transport, func(r *http.Request, body map[string]any) {
		if list, ok := body["value"].([]any); ok && strings.HasSuffix(r.URL.Path, "/roleAssignments") {
			for _, a := range more {
				list = append([]any{a}, list...)
			}
			body["value"] = list
		}
	}}}})
}

// An assignment outlives its principal, and may be of another tenant: the others
// who have the role are found all the same, and who is left out is told.
func TestRoleUsersLeavesOut(t *testing.T) {
	group := map[string]any{"@odata.type": "#microsoft.graph.group", "id": "gone-group"}
	for name, tt := range map[string]struct {
		more  map[string]any
		fault func(*http.Request) aadtest.Fault
		want  string
	}{
		"a user who is gone":     {more: map[string]any{"id": "a1", "principalId": "gone", "directoryScopeId": "/"}, want: "gone"},
		"nobody at all":          {more: map[string]any{"id": "a1", "principalId": ""}, want: ""},
		"a group that is gone":   {more: map[string]any{"id": "a1", "principalId": "gone-group", "principal": group}, want: "gone-group"},
		"a group of others":      {more: map[string]any{"id": "a1", "principalId": "gone-group", "principal": group}, fault: refuse("/groups/", 403), want: "gone-group"},
		"a list that is refused": {more: map[string]any{"id": "a1", "principalId": "gone", "directoryScopeId": "/"}, fault: refuse("/users?", 400), want: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tenant()
			s.MakeGlobalAdministrator(userID)
			s.Fault = tt.fault
			var got, out []string
			for u, err := range assigned(s, tt.more).RoleUsers(t.Context(), aad.GlobalAdministrator, func(a *aad.RoleAssignment, err error) {
				if err == nil {
					t.Error("left out without a reason")
				}
				out = append(out, a.PrincipalID)
			}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, u.UserPrincipalName)
			}
			if !slices.Equal(got, []string{"alice@example.com"}) || !slices.Equal(out, []string{tt.want}) {
				t.Errorf("found %q, left out %q", got, out)
			}
		})
	}
}

// Nobody is left out in silence: who does not ask to be told gets an error.
func TestRoleUsersUnreadableGroup(t *testing.T) {
	s := tenant()
	s.MakeGlobalAdministrator(s.AddGroup("Administrators", userID))
	s.Fault = refuse("/groups/", 403)
	var last error
	for _, err := range s.Client(nil).RoleUsers(t.Context(), aad.GlobalAdministrator) {
		last = err
	}
	if !errors.Is(last, aad.ErrDenied) {
		t.Errorf("err = %v", last)
	}
	s.Fault = refuse("/users?", 403)
	s.MakeGlobalAdministrator(userID)
	for _, err := range s.Client(nil).RoleUsers(t.Context(), aad.GlobalAdministrator, func(*aad.RoleAssignment, error) {}) {
		last = err
	}
	if !errors.Is(last, aad.ErrDenied) {
		t.Errorf("users that may not be read: err = %v", last)
	}
}

// A role over a part of the tenant does not hide the same role over all of it.
func TestRoleUsersScopes(t *testing.T) {
	part := map[string]any{"id": "a1", "principalId": userID, "directoryScopeId": "/administrativeUnits/7"}
	for name, all := range map[string]func(*aadtest.Server) string{
		"their own": func(s *aadtest.Server) string { return userID },
		"a group's": func(s *aadtest.Server) string { return s.AddGroup("Administrators", userID) },
	} {
		s := tenant()
		s.MakeGlobalAdministrator(all(s))
		var got []string
		for u, err := range assigned(s, part).RoleUsers(t.Context(), aad.GlobalAdministrator) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, u.DirectoryScopeID)
		}
		if len(got) == 0 || got[len(got)-1] != "/" {
			t.Errorf("%s: scopes %q", name, got)
		}
	}
}

func refuse(part string, status int) func(*http.Request) aadtest.Fault {
	return func(r *http.Request) aadtest.Fault {
		if strings.Contains(r.URL.String(), part) {
			return aadtest.Fault{Kind: aadtest.Error500Before, Status: status}
		}
		return aadtest.Fault{}
	}
}

// A name that begins with a dollar sign is an operator in a path, and is found
// all the same.
func TestUserWithADollar(t *testing.T) {
	for _, upn := range []string{"$rescue@example.com", "$o'neil@example.com", "resc$ue@example.com", "o'neil@example.com"} {
		s := tenant()
		id := s.AddUser(aad.User{UserPrincipalName: upn})
		c := s.Client(nil)
		u, err := c.User(t.Context(), upn)
		if err != nil || u.ID != id || u.UserPrincipalName != upn {
			t.Errorf("User(%q) = %+v, %v", upn, u, err)
		}
		if err := c.SetImmutableID(t.Context(), upn, "QUJD"); err != nil {
			t.Errorf("SetImmutableID(%q): %v", upn, err)
		}
		if err := c.RevokeSignInSessions(t.Context(), upn); err != nil || len(s.Revocations()) != 1 || s.Revocations()[0].UserID != id {
			t.Errorf("RevokeSignInSessions(%q): %v, %v", upn, err, s.Revocations())
		}
		if err := c.DeleteUser(t.Context(), upn); err != nil || len(s.Users()) != 1 {
			t.Errorf("DeleteUser(%q): %v, %d users", upn, err, len(s.Users()))
		}
		if _, err := c.User(t.Context(), upn); !errors.Is(err, aad.ErrNotFound) {
			t.Errorf("User(%q) after its deletion: %v", upn, err)
		}
	}
}

// The prompt behaviour of a federation is cleared by null.
func TestPromptLoginCleared(t *testing.T) {
	s := tenant()
	fed, err := s.Client(nil).CreateFederation(t.Context(), "example.com", federation(t))
	if err != nil {
		t.Fatal(err)
	}
	set, none := aad.NativeSupport, aad.PromptLoginBehavior("")
	for _, want := range []*aad.PromptLoginBehavior{&set, &none} {
		got, err := s.Client(nil).UpdateFederation(t.Context(), "example.com", fed.ID, aad.FederationUpdate{PromptLogin: want})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(*want, got.PromptLogin); d != "" {
			t.Error(d)
		}
	}
}
