package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
)

// seen is a request as the service got it.
type seen struct {
	Method, Path string
	Query        url.Values
	Body         string
	header       http.Header
}

// canned answers each request in its turn; the last answer stays.
type canned struct {
	mu      sync.Mutex
	answers []answer
	seen    []seen
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (c *canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	a := c.answers[min(len(c.seen), len(c.answers)-1)]
	c.seen = append(c.seen, seen{r.Method, r.URL.EscapedPath(), r.URL.Query(), string(body), r.Header.Clone()})
	c.mu.Unlock()
	for k, v := range a.header {
		w.Header()[http.CanonicalHeaderKey(k)] = v
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

func newClient(t testing.TB, h http.Handler, opts *jumpcloud.Options) *jumpcloud.Client {
	t.Helper()
	var o jumpcloud.Options
	if opts != nil {
		o = *opts
	}
	o.HTTPClient = &http.Client{Transport: &memhttp.Transport{Handler: h}}
	c, err := jumpcloud.New("0123456789abcdef-key", &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func collect[T any](all iter.Seq2[T, error]) (any, error) {
	var out []T
	for v, err := range all {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

var plainData = cmp.Options{cmpopts.IgnoreUnexported(jumpcloud.Application{}, jumpcloud.Template{}), cmpopts.EquateEmpty()}

func TestOperations(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			h := &canned{answers: []answer{{max(op.status, 200), op.body, op.header}}}
			if op.status == 0 {
				h.answers[0].status = http.StatusOK
			}
			got, err := op.call(t.Context(), newClient(t, h, nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(op.result, got, plainData); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if len(h.seen) != 1 {
				t.Fatalf("%d requests; want 1", len(h.seen))
			}
			if diff := cmp.Diff(op.want, h.seen[0], cmpopts.IgnoreUnexported(seen{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if got := h.seen[0].header.Get("X-Api-Key"); got != "0123456789abcdef-key" {
				t.Errorf("x-api-key = %q", got)
			}
			if ua := h.seen[0].header.Get("User-Agent"); !strings.HasPrefix(ua, "jcaad-jumpcloud/") {
				t.Errorf("User-Agent = %q", ua)
			}
		})
	}
}

// Each class of error, for each operation, with the number of attempts.
func TestErrorClasses(t *testing.T) {
	const html = "<!DOCTYPE html><html><body>oops</body></html>"
	tests := []struct {
		name     string
		answer   answer
		class    error
		status   int
		message  string
		attempts func(operation) int
		skip     func(operation) bool
	}{
		{"302 to the log-in page", answer{302, "", http.Header{"Location": {"/login"}}}, jumpcloud.ErrUnauthenticated, 302, "log-in", nil, nil},
		{"401", answer{401, `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`, nil}, jumpcloud.ErrUnauthenticated, 401, "api key user not found", nil, nil},
		{"400 v1", answer{400, `{"status":400,"error":"The IdP URL is required"}`, nil}, jumpcloud.ErrInvalid, 400, "The IdP URL is required", nil, nil},
		{"400 v2", answer{400, `{"code":400,"message":"name is required","status":"Bad Request"}`, nil}, jumpcloud.ErrInvalid, 400, "name is required", nil, nil},
		{"400 that means not found", answer{400, `{"error":"INVALID_ARGUMENT","message":"user_group not found"}`, nil}, jumpcloud.ErrNotFound, 400, "user_group not found", nil,
			func(o operation) bool { return o.gone || o.name == "Dissociate" }},
		{"403", answer{403, `{"message":"Forbidden"}`, nil}, jumpcloud.ErrDenied, 403, "Forbidden", nil, nil},
		{"404", answer{404, `{"message":"Not Found"}`, nil}, jumpcloud.ErrNotFound, 404, "Not Found", nil, func(o operation) bool { return o.gone }},
		{"404 without a body", answer{404, "", nil}, jumpcloud.ErrNotFound, 404, "", nil, func(o operation) bool { return o.gone }},
		{"409", answer{409, `{"message":"Already Exists"}`, nil}, jumpcloud.ErrConflict, 409, "Already Exists", nil, func(o operation) bool { return o.there }},
		// A proxy's page says nothing about keys, scopes and objects.
		{"401 HTML", answer{401, html, nil}, jumpcloud.ErrUnavailable, 401, "an HTML page instead of JSON", nil, nil},
		{"403 HTML", answer{403, html, nil}, jumpcloud.ErrUnavailable, 403, "an HTML page instead of JSON", nil, nil},
		{"404 HTML", answer{404, html, nil}, jumpcloud.ErrUnavailable, 404, "an HTML page instead of JSON", nil, nil},
		{"407 HTML", answer{407, "Who are you?", http.Header{"Content-Type": {"text/html"}}}, jumpcloud.ErrUnavailable, 407, "an HTML page instead of JSON", nil, nil},
		{"413 HTML", answer{413, html, nil}, jumpcloud.ErrInvalid, 413, "an HTML page instead of JSON", nil, nil},
		{"500 HTML", answer{500, html, nil}, jumpcloud.ErrUnavailable, 500, "", func(o operation) int { return attempts(o, 5) }, nil},
		{"502 empty", answer{502, "", nil}, jumpcloud.ErrUnavailable, 502, "", func(o operation) int { return attempts(o, 5) }, nil},
		{"503", answer{503, html, nil}, jumpcloud.ErrUnavailable, 503, "", func(o operation) int { return attempts(o, 5) }, nil},
		{"429 for too long", answer{429, `{"message":"slow down"}`, http.Header{"Retry-After": {"3600"}}}, jumpcloud.ErrThrottled, 429, "slow down", nil, nil},
		{"suspected abuse", answer{403, "<html>Your IP was blocked due to Suspected Abuse</html>", http.Header{"Retry-After": {"3600"}}}, jumpcloud.ErrThrottled, 403, "", nil, nil},
	}
	classes := []error{jumpcloud.ErrNotFound, jumpcloud.ErrConflict, jumpcloud.ErrInvalid, jumpcloud.ErrUnauthenticated, jumpcloud.ErrDenied, jumpcloud.ErrThrottled, jumpcloud.ErrUnavailable}
	for _, tt := range tests {
		for _, op := range operations {
			if tt.skip != nil && tt.skip(op) {
				continue
			}
			t.Run(tt.name+"/"+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := tt.answer
					a.header = a.header.Clone()
					if a.header == nil {
						a.header = http.Header{}
					}
					a.header.Set("Cf-Ray", "80e618d4be38a783-EZE")
					h := &canned{answers: []answer{a}}
					_, err := op.call(t.Context(), newClient(t, h, nil))
					var e *jumpcloud.Error
					if !errors.As(err, &e) {
						t.Fatalf("err = %v; want an *Error", err)
					}
					for _, class := range classes {
						if errors.Is(err, class) != (class == tt.class) {
							t.Errorf("errors.Is(%v, %v) = %v", err, class, class != tt.class)
						}
					}
					if e.StatusCode != tt.status || !strings.Contains(e.Message, tt.message) || e.RequestID != "80e618d4be38a783-EZE" {
						t.Errorf("err = %+v (status %d, message %q, request %q)", err, e.StatusCode, e.Message, e.RequestID)
					}
					if op.name != "Dissociate" && e.Scope != op.scope {
						t.Errorf("scope = %q; want %q", e.Scope, op.scope)
					}
					if tt.class == jumpcloud.ErrDenied && !strings.Contains(err.Error(), "needs the scope "+op.scope) {
						t.Errorf("err = %v; want the scope %s named", err, op.scope)
					}
					if names := strings.Contains(err.Error(), "scope "); names != (tt.class == jumpcloud.ErrDenied) {
						t.Errorf("err = %v; names a scope: %v", err, names)
					}
					if strings.Contains(err.Error(), "oops") || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "jumpcloud: ") {
						t.Errorf("err = %q", err)
					}
					want := 1
					if tt.attempts != nil {
						want = tt.attempts(op)
					}
					if tt.class != jumpcloud.ErrNotFound && (e.Attempts != want || len(h.seen) != want) {
						t.Errorf("%d attempts, %d requests; want %d", e.Attempts, len(h.seen), want)
					}
					if unknown := errors.Is(err, jumpcloud.ErrOutcomeUnknown); unknown != (op.write && tt.status >= 500) {
						t.Errorf("outcome unknown = %v", unknown)
					}
				})
			})
		}
	}
}

func attempts(o operation, n int) int {
	if o.create {
		return 1
	}
	return n
}

// Answers with status 200 that are not what was promised.
func TestUselessAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<html>log in</html>", "cut": `{"totalCount":1,"results":[{"_id":`, "another object": `{"message":"hello"}`, "empty": "", "text": `"x"`,
	} {
		for _, op := range operations {
			if op.result == nil || name == "another object" && (op.name == "ImportableUsers" || op.name == "Office365Domains") {
				continue // nothing is read, or everything may be absent
			}
			t.Run(name+"/"+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &canned{answers: []answer{{200, body, nil}}}
					got, err := op.call(t.Context(), newClient(t, h, nil))
					var e *jumpcloud.Error
					if !errors.As(err, &e) || e.StatusCode != 200 || !errors.Is(err, jumpcloud.ErrUnavailable) {
						t.Fatalf("got %v, %v; want an *Error with status 200 that is ErrUnavailable", got, err)
					}
					if errors.Is(err, jumpcloud.ErrOutcomeUnknown) != op.write && op.name != "UpdateUser" && op.name != "UpdateOffice365" {
						t.Errorf("outcome unknown = %v; write = %v", !op.write, op.write)
					}
				})
			})
		}
	}
}

// No answer at all.
func TestDropped(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n++; panic(http.ErrAbortHandler) })
				_, err := op.call(t.Context(), newClient(t, h, nil))
				if !errors.Is(err, jumpcloud.ErrUnavailable) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) != op.write {
					t.Errorf("err = %v", err)
				}
				if want := attempts(op, 5); n != want {
					t.Errorf("%d requests; want %d", n, want)
				}
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	cause := errors.New("the user went home")
	for _, op := range operations {
		ctx, cancel := context.WithCancelCause(t.Context())
		h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(cause); panic(http.ErrAbortHandler) })
		_, err := op.call(ctx, newClient(t, h, nil))
		if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: err = %v", op.name, err)
		}
		if errors.Is(err, jumpcloud.ErrUnavailable) {
			t.Errorf("%s: %v is ErrUnavailable, though nobody asked any more", op.name, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	for _, op := range operations {
		h := &canned{answers: []answer{{max(op.status, 200), op.body, op.header}}}
		_, err := op.call(t.Context(), newClient(t, h, &jumpcloud.Options{ReadOnly: true}))
		if op.write {
			if !errors.Is(err, jumpcloud.ErrReadOnly) || len(h.seen) != 0 {
				t.Errorf("%s: err = %v, %d requests", op.name, err, len(h.seen))
			}
			if errors.Is(err, jumpcloud.ErrUnavailable) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) {
				t.Errorf("%s: err = %v has a wrong class", op.name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

// x-org-id goes where it is understood, and only there.
func TestOrganizationHeader(t *testing.T) {
	for _, op := range operations {
		h := &canned{answers: []answer{{max(op.status, 200), op.body, op.header}}}
		c := newClient(t, h, &jumpcloud.Options{OrgID: "60259a2ad81e1a474d4e7c83"})
		if _, err := op.call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		want := "60259a2ad81e1a474d4e7c83"
		if strings.HasPrefix(h.seen[0].Path, "/api/organizations") {
			want = ""
		}
		if got := h.seen[0].header.Get("X-Org-Id"); got != want {
			t.Errorf("%s: x-org-id = %q; want %q", op.name, got, want)
		}
	}
}

// The client works over a real connection, too.
func TestOverTCP(t *testing.T) {
	h := &canned{answers: []answer{{200, realUser, nil}}}
	srv := httptest.NewServer(h)
	defer srv.Close()
	c, err := jumpcloud.New("k-e-y", &jumpcloud.Options{BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.User(t.Context(), "u1")
	if err != nil || u.Email != "dana.reyes@contoso.com" {
		t.Errorf("User = %v, %v", u, err)
	}
	if got, want := fmt.Sprint(c), "jumpcloud.Client("+srv.URL+")"; got != want {
		t.Errorf("String = %q; want %q", got, want)
	}
}
