package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/rest"
)

func TestBaseURL(t *testing.T) {
	tests := []struct{ url, want string }{
		{"https://api.example.com", ""},
		{"https://api.example.com/v1.0/", ""},
		{"http://localhost:8080", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://127.3.2.1", ""},
		{"http://[::1]:8080/api", ""},
		{"api.example.com", "has no scheme"},
		{"//api.example.com", "has no scheme"},
		{"http://api.example.com", "loopback"},
		{"http://localhost.example.com", "loopback"},
		{"http://10.0.0.1", "loopback"},
		{"ftp://api.example.com", `scheme "ftp"`},
		{"https:///path", "no host"},
		{"https://user:hunter2@api.example.com", "password"},
		{"https://api.example.com?x=1", "query"},
		{"https://api.example.com#x", "fragment"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = rest.New(rest.Config{Base: u})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v; want %q", tt.url, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password is in the error: %v", tt.url, err)
		}
	}
	if _, err := rest.New(rest.Config{}); err == nil {
		t.Error("New without a base succeeded")
	}
}

func TestPaths(t *testing.T) {
	var got string
	c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI }), nil)
	do := func(path string, args ...string) error {
		got = ""
		_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: path, Args: args, Query: url.Values{"q": {"a b&c"}}}, nil)
		return err
	}
	for _, tt := range []struct {
		path string
		args []string
		want string
	}{
		{"users/{id}", []string{"a/b"}, "/v1/users/a%2Fb?q=a+b%26c"},
		{"/users/{id}/x", []string{"o'ñ?#"}, "/v1/users/o%27%C3%B1%3F%23/x?q=a+b%26c"},
		{"users/{id}", []string{"a+b@example.com"}, "/v1/users/a+b@example.com?q=a+b%26c"},
		{"d/{d}/f/{f}", []string{"...", "%2e%2e"}, "/v1/d/.../f/%252e%252e?q=a+b%26c"},
	} {
		if err := do(tt.path, tt.args...); err != nil || got != tt.want {
			t.Errorf("%s %q: asked for %s, %v; want %s", tt.path, tt.args, got, err, tt.want)
		}
	}
	for _, args := range [][]string{{""}, {"."}, {".."}, {"a\nb"}, {"a\x00"}, {"\xff"}, {"\u0085"}, {}, {"a", "b"}} {
		err := do("users/{id}", args...)
		if err == nil || got != "" {
			t.Errorf("%q: got %v and a request for %q; want an error and none", args, err, got)
			continue
		}
		if f := failure(t, err); f.Attempts != 0 || f.Path != "users/{id}" {
			t.Errorf("%q: %+v", args, f)
		}
	}
}

func TestFollow(t *testing.T) {
	var asked []string
	c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI+" "+r.Header.Get("Authorization")+r.Header.Get("ConsistencyLevel"))
	}), func(cfg *rest.Config) {
		cfg.Authorize = func(_ context.Context, h http.Header) error { h.Set("Authorization", "T"); return nil }
	})
	r := &rest.Request{Path: "users", Header: http.Header{"Consistencylevel": {"eventual"}}, Class: rest.Create, Body: "x"}
	for _, link := range []string{
		"https://api.example.com/v1/users?$skiptoken=abc", "https://API.example.com:443/v1/users?$skiptoken=abc", "/v1/users?$skiptoken=abc",
	} {
		asked = nil
		if _, err := c.Follow(t.Context(), link, r, nil); err != nil {
			t.Errorf("%s: %v", link, err)
		}
		if diff := cmp.Diff([]string{"/v1/users?$skiptoken=abc Teventual"}, asked); diff != "" {
			t.Errorf("%s (-want +got)\n%s", link, diff)
		}
	}
	asked = nil
	for _, link := range []string{
		"https://evil.example.org/v1/users?$skiptoken=abc", "http://api.example.com/v1/users", "https://api.example.com:8443/v1/users",
		"//evil.example.org/x", "https://u:p@api.example.com/", "", "https://api.example.com.evil.org/", "file:///etc/passwd", "%zz",
	} {
		_, err := c.Follow(t.Context(), link, r, nil)
		if err == nil || len(asked) > 0 {
			t.Errorf("%q: got %v and %d requests; want an error and none", link, err, len(asked))
			continue
		}
		if strings.Contains(err.Error(), "skiptoken") {
			t.Errorf("%q: the query is in the error: %v", link, err)
		}
		if strings.Contains(link, "evil.example.org") && (!errors.Is(err, rest.ErrForeignLink) || !strings.Contains(err.Error(), "evil.example.org")) {
			t.Errorf("%q: got %v; want the foreign host named", link, err)
		}
	}
}

const secret = "s3cr3t-k3y"

// TestNoSecretsOutside looks for the key and the query in what a failing
// request leaves behind, and for the key at the host of a redirect.
func TestNoSecretsOutside(t *testing.T) {
	var foreign atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/redirect"):
			http.Redirect(w, r, other.URL+"/", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/drop"):
			panic(http.ErrAbortHandler)
		default:
			http.Error(w, "no", http.StatusBadRequest)
		}
	}))
	defer srv.Close()
	closed := httptest.NewServer(nil)
	closed.Close()

	var logged bytes.Buffer
	for _, host := range []string{srv.URL, closed.URL} {
		base, _ := url.Parse(host)
		c, err := rest.New(rest.Config{
			Base:      base,
			Logger:    slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Authorize: func(_ context.Context, h http.Header) error { h.Set("X-Api-Key", secret); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"{id}/drop", "{id}/redirect", "{id}/x"} {
			if host == closed.URL && path != "{id}/drop" {
				break // it takes its time to give up
			}
			_, err := c.Do(t.Context(), &rest.Request{
				Method: "POST", Path: path, Args: []string{"pat@example.com"}, Class: rest.Create,
				Query: url.Values{"$filter": {"upn eq 'pat@example.com'"}}, Body: map[string]string{"password": "hunter2"},
			}, nil)
			f := failure(t, err)
			if path == "{id}/redirect" && host == srv.URL && f.Status != http.StatusTemporaryRedirect {
				t.Errorf("redirect: %+v; want its status", f)
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v", f.Err), fmt.Sprintf("%+v", c)} {
				for _, word := range []string{secret, "filter", "pat@", "hunter2"} {
					if strings.Contains(text, word) {
						t.Errorf("%s: %q is in %q", path, word, text)
					}
				}
			}
		}
	}
	if foreign.Load() > 0 {
		t.Error("the redirect to another host was followed")
	}
	for _, word := range []string{secret, "filter", "pat@", "hunter2", srv.URL} {
		if strings.Contains(logged.String(), word) {
			t.Errorf("%q is in the log:\n%s", word, &logged)
		}
	}
	if !strings.Contains(logged.String(), "path={id}/drop status=0 attempt=1") {
		t.Errorf("log:\n%s", &logged)
	}
}

// TestLog: one record an attempt.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		s := &service{script: []fake.Fault{{Kind: fake.TooMany, RetryAfter: "2"}}}
		c := caller(t, s.handler(), func(cfg *rest.Config) {
			cfg.Logger = slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		if _, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "users/{id}", Args: []string{"7"}, Query: url.Values{"a": {"b"}}}, nil); err != nil {
			t.Fatal(err)
		}
		type record struct {
			Level, Msg, Method, Path string
			Status, Attempt          int
			RequestID                string `json:"request_id"`
		}
		var got []record
		var waits []time.Duration
		for line := range strings.Lines(buf.String()) {
			var r struct {
				record
				Wait time.Duration
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			got, waits = append(got, r.record), append(waits, r.Wait)
		}
		want := []record{
			{"DEBUG", "request", "GET", "users/{id}", 429, 1, ""},
			{"DEBUG", "request", "GET", "users/{id}", 200, 2, "r-2"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if len(waits) == 2 && (waits[0] != 0 || waits[1] < 2*time.Second) {
			t.Errorf("waits %v", waits)
		}
	})
}

// TestPoolIsKeptAfterFailure: go-retryablehttp closes all idle connections
// when a request fails; ours stay.
func TestPoolIsKeptAfterFailure(t *testing.T) {
	var conns atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.Header().Set("Retry-After", "1000")
			http.Error(w, strings.Repeat("no ", 10<<10), http.StatusServiceUnavailable)
			return
		}
		time.Sleep(20 * time.Millisecond) // so that the requests overlap
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	c, err := rest.New(rest.Config{Base: base, Workers: 4, MaxWorkers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list(t.Context(), c, 8); err != nil {
		t.Fatal(err)
	}
	before := conns.Load()
	for range 3 {
		_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "bad", Class: rest.Create}, nil)
		if f := failure(t, err); f.Status != 503 {
			t.Fatalf("%+v", f)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		c.Do(ctx, &rest.Request{Method: "GET", Path: "slow"}, nil)
		cancel()
	}
	if _, err := list(t.Context(), c, 8); err != nil {
		t.Fatal(err)
	}
	// Each request that was cancelled in flight cost its own connection.
	if n := conns.Load() - before; n > 3 {
		t.Errorf("%d new connections after the failures; want at most 3", n)
	}
}

// TestCreateIsSentAgainIfNothingWasWritten dials in vain first.
func TestCreateIsSentAgainIfNothingWasWritten(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(b)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	dials := 0
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials++; dials == 1 {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer tr.CloseIdleConnections()
	c, err := rest.New(rest.Config{Base: base, HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]int
	r, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create, Body: map[string]int{"a": 1}}, &out)
	if err != nil || r.Attempts != 2 || out["a"] != 1 {
		t.Errorf("got %+v, %v, %v; want the second attempt's answer", r, out, err)
	}
}

// TestCreateOverTransportWithoutTrace: where httptrace is not served, nobody
// knows what was written.
func TestCreateOverTransportWithoutTrace(t *testing.T) {
	sent := 0
	c := caller(t, nil, func(cfg *rest.Config) {
		cfg.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			sent++
			return nil, &url.Error{Op: "Post", URL: "https://x/?q=hunter2", Err: errors.New("broken pipe")}
		})}
	})
	_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
	if f := failure(t, err); sent != 1 || !f.OutcomeUnknown || f.Status != 0 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%d sent; %+v", sent, f)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCallersClientIsNotModified(t *testing.T) {
	hc := &http.Client{Timeout: time.Minute}
	if _, err := rest.New(rest.Config{Base: &url.URL{Scheme: "https", Host: "x"}, HTTPClient: hc}); err != nil {
		t.Fatal(err)
	}
	if hc.Transport != nil || hc.CheckRedirect != nil {
		t.Error("the caller's client was modified")
	}
}

func TestReadOnly(t *testing.T) {
	readOnly := errors.New("read only")
	sent := 0
	c := caller(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ }), func(cfg *rest.Config) { cfg.ReadOnly = readOnly })
	for _, class := range []rest.Class{rest.Idempotent, rest.Create} {
		if _, err := c.Do(t.Context(), &rest.Request{Method: "PUT", Path: "x", Class: class}, nil); !errors.Is(err, readOnly) || sent != 0 {
			t.Errorf("class %v: got %v, %d sent", class, err, sent)
		}
	}
	if _, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "search"}, nil); err != nil || sent != 1 {
		t.Errorf("a search: %v, %d sent", err, sent)
	}
}

func TestRenewAfter401(t *testing.T) {
	token, renewed := "old", 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "new" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	config := func(next string) func(*rest.Config) {
		return func(cfg *rest.Config) {
			cfg.Authorize = func(_ context.Context, h http.Header) error { h.Set("Authorization", token); return nil }
			cfg.Renew = func() { renewed++; token = next }
		}
	}
	if r, err := caller(t, h, config("new")).Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil); err != nil || renewed != 1 || r.Attempts != 2 {
		t.Errorf("got %+v, %v after %d renewals", r, err, renewed)
	}
	token, renewed = "old", 0
	_, err := caller(t, h, config("still old")).Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil)
	if f := failure(t, err); f.Status != 401 || renewed != 1 || f.Attempts != 2 {
		t.Errorf("%+v after %d renewals", f, renewed)
	}
}

func TestCredentialFails(t *testing.T) {
	broken := errors.New("no identity")
	c := caller(t, http.NotFoundHandler(), func(cfg *rest.Config) {
		cfg.Authorize = func(context.Context, http.Header) error { return broken }
	})
	_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x", Permission: "Domain.Read.All"}, nil)
	if f := failure(t, err); !errors.Is(err, broken) || f.Attempts != 0 || f.Permission != "Domain.Read.All" {
		t.Errorf("%+v", f)
	}
}

func TestUserAgent(t *testing.T) {
	if got := rest.UserAgent(" mine/1 ", "jcaad-x"); !strings.HasPrefix(got, "mine/1 jcaad-x/") {
		t.Errorf("got %q", got)
	}
	if got := rest.UserAgent("", "jcaad-x"); !strings.HasPrefix(got, "jcaad-x/") {
		t.Errorf("got %q", got)
	}
}
