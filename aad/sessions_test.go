package aad_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// TestRevokeSignInSessions: what the service says decides, and an answer that says
// nothing is no success: somebody else may hold the sessions.
func TestRevokeSignInSessions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		err    error
		say    string
	}{
		{"done", 200, `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean","value":true}`, nil, ""},
		{"done, without a word", 204, "", nil, ""},
		{"done, and white space", 200, "\r\n", nil, ""},
		{"not done", 200, `{"value":false}`, aad.ErrUnavailable, "were not revoked"},
		{"nothing said", 200, `{}`, aad.ErrUnavailable, "does not say"},
		{"null", 200, `{"value":null}`, aad.ErrUnavailable, "does not say"},
		{"a page", 200, `<html><body>Welcome to the hotel</body></html>`, aad.ErrUnavailable, "does not say"},
		{"nobody", 404, graphError("Request_ResourceNotFound", "Resource 'x' does not exist."), aad.ErrNotFound, ""},
		{"an administrator", 403, graphError("Authorization_RequestDenied", "Insufficient privileges."), aad.ErrDenied,
			"User.RevokeSessions.All"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var s aadtest.Server
				c := s.Client(&aad.Options{HTTPClient: &http.Client{Transport: answering{status: tt.status, body: tt.body}}})
				err := c.RevokeSignInSessions(t.Context(), userID)
				if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || err != nil && !strings.Contains(err.Error(), tt.say) {
					t.Fatalf("err = %v; want %v with %q", err, tt.err, tt.say)
				}
				if unknown := tt.err == aad.ErrUnavailable; errors.Is(err, aad.ErrOutcomeUnknown) != unknown {
					t.Errorf("err = %v; want the outcome to be unknown: %v", err, unknown)
				}
			})
		})
	}
}

// TestRevokeSignInSessionsIsRepeated: it may be made twice, and so is sent again
// after an answer that was lost.
func TestRevokeSignInSessionsIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		at := time.Now()
		lost := false
		s.Fault = func(*http.Request) aadtest.Fault {
			if lost {
				return aadtest.Fault{}
			}
			lost = true
			return aadtest.Fault{Kind: aadtest.DropAfter}
		}
		if err := s.Client(nil).RevokeSignInSessions(t.Context(), userID); err != nil {
			t.Fatal(err)
		}
		got := s.Revocations()
		if len(got) != 2 || !got[0].At.Equal(at) || !got[1].At.After(at) {
			t.Fatalf("revocations = %v; want one at %v and one after it", got, at)
		}
		got[0].At, got[1].At = time.Time{}, time.Time{}
		if diff := cmp.Diff([]aadtest.Revocation{{UserID: userID}, {UserID: userID}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestFederationByID: which of the three is missing, as far as the service tells.
func TestFederationByID(t *testing.T) {
	for _, tt := range []struct {
		name, domain, id string
		prepare          func(*aadtest.Server)
		quirks           aadtest.Quirks
		err              error
	}{
		{"it is there", "example.com", "fed-1", federated(t), aadtest.Quirks{}, nil},
		{"it is there, wrapped", "example.com", "fed-1", federated(t), aadtest.Quirks{WrapEntities: true}, nil},
		{"another one is", "example.com", "fed-2", federated(t), aadtest.Quirks{}, aad.ErrNotFound},
		{"none is", "example.com", "fed-1", nil, aadtest.Quirks{}, aad.ErrNotFederated},
		{"none is, in the words of a missing domain", "example.com", "fed-1", nil, aadtest.Quirks{PlainNotFound: true}, aad.ErrNotFound},
		{"no domain is", "nowhere.example", "fed-1", nil, aadtest.Quirks{}, aad.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			if tt.prepare != nil {
				tt.prepare(s)
			}
			s.Quirks = tt.quirks
			got, err := s.Client(nil).FederationByID(t.Context(), tt.domain, tt.id)
			if !errors.Is(err, tt.err) || (got == nil) != (err != nil) {
				t.Fatalf("got %v, %v; want %v", got, err, tt.err)
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests; want 1", n)
			}
			if err != nil {
				return
			}
			want, _ := s.Federation("example.com")
			if diff := cmp.Diff(&want, got, compare); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// federated is a domain with a federation, as most tests have it.
func federated(t *testing.T) func(*aadtest.Server) {
	return func(s *aadtest.Server) {
		f := federation(t)
		f.ID = "fed-1"
		s.SetFederation("example.com", f)
	}
}
