package aad_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestWrap: what goes to Graph and to the login service goes through the wrapper,
// and an error of its own leaves open whether a write was made.
func TestWrap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s aadtest.Server
		s.AddDomain("example.com")
		made, seen := 0, ""
		full := false
		c := s.Client(&aad.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
			made++
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				seen += fmt.Sprintf("%s %s %v\n", req.Method, req.URL.Path, req.Header.Get("Authorization") != "")
				resp, err := next.RoundTrip(req)
				if err == nil && full {
					return nil, errors.New("the exporter is full: " + req.Header.Get("Authorization"))
				}
				return resp, err
			})
		}})
		if _, err := c.Domain(t.Context(), "example.com"); err != nil {
			t.Error(err)
		}
		if _, err := c.Realm(t.Context(), "example.com"); err != nil {
			t.Error(err)
		}
		full = true
		_, err := c.CreateDomain(t.Context(), "new.example")
		if !errors.Is(err, aad.ErrOutcomeUnknown) || strings.Contains(err.Error(), "Bearer") {
			t.Errorf("%v; want ErrOutcomeUnknown, without the token", err)
		}
		want := "GET /v1.0/domains/example.com true\nGET /common/userrealm/realm@example.com false\nPOST /v1.0/domains true\n"
		if made != 2 || seen != want {
			t.Errorf("made %d times, saw\n%s; want twice,\n%s", made, seen, want)
		}
	})
	none := &aad.Options{Wrap: func(http.RoundTripper) http.RoundTripper { return nil }}
	if _, err := aad.New(new(aadtest.Server).Credential(), none); err == nil || !strings.HasPrefix(err.Error(), "aad: Options.Wrap returned nil") {
		t.Errorf("%v; want an error about Wrap", err)
	}
}
