package jumpcloud_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestWrap: every request goes through the wrapper, that for a token too.
func TestWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		id := s.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
		made, seen := 0, ""
		opts := &jumpcloud.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
			made++
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				kind, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
				if req.Header.Get("X-Api-Key") != "" {
					kind = "key"
				}
				seen += fmt.Sprintf("%s %s by %s\n", req.Method, req.URL.Path, kind)
				return next.RoundTrip(req)
			})
		}}
		for _, tt := range []struct {
			client *jumpcloud.Client
			seen   string
		}{
			{s.Client(opts), "GET /api/systemusers/" + id + " by key\n"},
			{s.ServiceAccount(opts), "POST /oauth2/token by Basic\nGET /api/systemusers/" + id + " by Bearer\n"},
		} {
			seen = ""
			if _, err := tt.client.User(t.Context(), id); err != nil || seen != tt.seen {
				t.Errorf("%v, saw\n%s; want\n%s", err, seen, tt.seen)
			}
		}
		if made != 3 { // for the API twice, for the token address once
			t.Errorf("made %d times; want 3", made)
		}
	})
	none := &jumpcloud.Options{Wrap: func(http.RoundTripper) http.RoundTripper { return nil }}
	if _, err := jumpcloud.NewServiceAccount("id", "secret", none); err == nil || strings.Contains(err.Error(), "URL") {
		t.Errorf("%v; want an error about Wrap", err)
	}
}

// TestWrapOutcomeUnknown: what a wrapper says for itself of a write tells nothing
// about the write.
func TestWrapOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s jumpcloudtest.Server
		c := s.Client(&jumpcloud.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				if _, err := next.RoundTrip(req); err != nil {
					t.Error(err)
				}
				return nil, errors.New("the exporter is full: " + req.Header.Get("X-Api-Key"))
			})
		}})
		_, err := c.CreateGroup(t.Context(), jumpcloud.Group{Name: "Staff"})
		if !errors.Is(err, jumpcloud.ErrOutcomeUnknown) || s.Writes() != 1 || strings.Contains(err.Error(), "jumpcloudtest") {
			t.Errorf("%v after %d writes", err, s.Writes())
		}
	})
}
