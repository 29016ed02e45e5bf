package jumpcloud_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func tokenRequests(s *jumpcloudtest.Server) (n int) {
	for _, r := range s.Requests() {
		if r.Path == "/oauth2/token" {
			n++
		}
	}
	return n
}

func TestServiceAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jumpcloudtest.Server{ClientID: "id with space", ClientSecret: "s3cr%t+/=", Latency: 10 * time.Millisecond, TokenLifetime: time.Hour}
		id := s.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
		c := s.ServiceAccount(nil)
		if n := len(s.Requests()); n != 0 {
			t.Errorf("%d requests by the constructor", n)
		}
		var wg sync.WaitGroup
		for range 20 { // one token for all
			wg.Go(func() {
				if _, err := c.User(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := tokenRequests(s); n != 1 {
			t.Errorf("%d tokens fetched; want 1", n)
		}
		time.Sleep(time.Hour - 31*time.Second) // still good
		if _, err := c.User(t.Context(), id); err != nil || tokenRequests(s) != 1 {
			t.Errorf("err = %v, %d tokens; want 1", err, tokenRequests(s))
		}
		time.Sleep(2 * time.Second) // 30 s before its end it is renewed
		if _, err := c.User(t.Context(), id); err != nil || tokenRequests(s) != 2 {
			t.Errorf("err = %v, %d tokens; want 2", err, tokenRequests(s))
		}
		time.Sleep(time.Minute)
		s.RevokeTokens() // a 401 renews it, once for all
		for range 20 {
			wg.Go(func() {
				if _, err := c.User(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := tokenRequests(s); n != 3 {
			t.Errorf("%d tokens fetched; want 3", n)
		}
	})
}

// A token that expires while a list is read.
func TestServiceAccountExpiresMidListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jumpcloudtest.Server{Latency: 10 * time.Second, TokenLifetime: 50 * time.Second}
		s.GenerateUsers(20000, generated)
		if n := len(ids(t, s.ServiceAccount(nil), nil)); n != 20000 {
			t.Errorf("%d users", n)
		}
		if n := tokenRequests(s); n < 2 {
			t.Errorf("%d tokens; want more than one", n)
		}
	})
}

func TestServiceAccountRequest(t *testing.T) {
	var got *http.Request
	var form string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/token" {
			if a := r.Header.Get("Authorization"); a != "Bearer tok" || r.Header.Get("X-Api-Key") != "" {
				t.Errorf("Authorization = %q, x-api-key = %q", a, r.Header.Get("X-Api-Key"))
			}
			io.WriteString(w, realUser)
			return
		}
		b, _ := io.ReadAll(r.Body)
		got, form = r.Clone(context.Background()), string(b)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"tok","token_type":"bearer","expires_in":"3600"}`)
	})
	c, err := jumpcloud.NewServiceAccount("me", "secret", &jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}, Region: jumpcloud.EU})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.User(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	if got.Host != "admin-oauth.id.eu.jumpcloud.com" || got.Method != http.MethodPost || form != "grant_type=client_credentials&scope=api" ||
		got.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("me:secret")) ||
		got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("token request: %s %s %s %q %v", got.Method, got.Host, got.URL, form, got.Header)
	}
}

func TestServiceAccountRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		header http.Header
		class  error
	}{
		{"wrong secret", 401, `{"error":"invalid_client","error_description":"Client authentication failed"}`, nil, jumpcloud.ErrUnauthenticated},
		{"wrong scope", 400, `{"error":"invalid_scope"}`, nil, jumpcloud.ErrInvalid},
		{"down", 503, `<html>`, nil, jumpcloud.ErrUnavailable},
		{"throttled", 429, ``, http.Header{"Retry-After": {"3600"}}, jumpcloud.ErrThrottled},
		{"HTML", 200, `<html>log in</html>`, nil, jumpcloud.ErrUnavailable},
		{"no token", 200, `{}`, nil, jumpcloud.ErrUnavailable},
		{"redirect", 302, ``, http.Header{"Location": {"https://evil.example/login"}}, jumpcloud.ErrUnauthenticated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &canned{answers: []answer{{tt.status, tt.body, tt.header}}}
				c, err := jumpcloud.NewServiceAccount("id", "the-secret", &jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}})
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.CreateGroup(t.Context(), jumpcloud.Group{Name: "g"})
				var e *jumpcloud.Error
				if !errors.As(err, &e) || !errors.Is(err, tt.class) || e.StatusCode != tt.status {
					t.Errorf("err = %#v; want class %v, status %d", err, tt.class, tt.status)
				}
				if errors.Is(err, jumpcloud.ErrOutcomeUnknown) {
					t.Errorf("%v: nothing was sent to the API", err)
				}
				if !strings.Contains(err.Error(), "oauth2/token") && !strings.Contains(err.Error(), "token endpoint") || strings.Contains(err.Error(), "the-secret") {
					t.Errorf("err = %v; want the token endpoint named, and no secret", err)
				}
				for _, r := range h.seen {
					if r.Path != "/oauth2/token" {
						t.Errorf("request to %s without a token", r.Path)
					}
				}
			})
		})
	}
}

func TestServiceAccountCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jumpcloudtest.Server{Latency: time.Hour}
		c := s.ServiceAccount(nil)
		for range 3 { // one fetches, the others wait for it
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := c.User(ctx, "u"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("err = %v", err)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
	})
}

func TestRegions(t *testing.T) {
	for region, host := range map[jumpcloud.Region]string{
		jumpcloud.US: "console.jumpcloud.com", "us": "console.jumpcloud.com", jumpcloud.EU: "console.eu.jumpcloud.com", jumpcloud.IN: "console.in.jumpcloud.com",
	} {
		var got string
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Host; io.WriteString(w, realUser) })
		if _, err := newClient(t, h, &jumpcloud.Options{Region: region}).User(t.Context(), "u"); err != nil || got != host {
			t.Errorf("region %q: host %q, %v; want %q", region, got, err, host)
		}
	}
	s := &jumpcloudtest.Server{Region: jumpcloud.EU}
	if _, err := s.Client(&jumpcloud.Options{Region: jumpcloud.US}).User(t.Context(), "u"); !errors.Is(err, jumpcloud.ErrUnauthenticated) || !strings.Contains(err.Error(), "region") {
		t.Errorf("a key of another region: err = %v", err)
	}
	if _, err := s.Client(nil).User(t.Context(), "u"); !errors.Is(err, jumpcloud.ErrNotFound) {
		t.Errorf("the right region: err = %v; want ErrNotFound", err)
	}
}
