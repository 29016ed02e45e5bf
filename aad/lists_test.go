package aad_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/internal/memhttp"
)

// reading is a way to read a list.
type reading struct {
	method string
	call   func(context.Context, *aad.Client) (int, error)
	one    bool // there is never a second page
}

func readings() []reading {
	users := func(o *aad.UsersOptions) func(context.Context, *aad.Client) (int, error) {
		return func(ctx context.Context, c *aad.Client) (int, error) { return count(c.Users(ctx, o)) }
	}
	return []reading{
		{"Domains", func(ctx context.Context, c *aad.Client) (int, error) { return count(c.Domains(ctx)) }, false},
		{"RoleAssignments", func(ctx context.Context, c *aad.Client) (int, error) {
			return count(c.RoleAssignments(ctx, aad.GlobalAdministrator))
		}, false},
		{"RoleDefinitions", func(ctx context.Context, c *aad.Client) (int, error) { return count(c.RoleDefinitions(ctx)) }, false},
		{"RoleUsers", func(ctx context.Context, c *aad.Client) (int, error) {
			return count(c.RoleUsers(ctx, aad.GlobalAdministrator))
		}, true},
		{"GroupMembers", func(ctx context.Context, c *aad.Client) (int, error) { return count(c.GroupMembers(ctx, "g")) }, false},
		{"Users", users(nil), false},
		{"Users", users(&aad.UsersOptions{Domain: "example.com", Reuse: true, OnTotal: func(int) {}}), false},
		{"Users", users(&aad.UsersOptions{IDs: []string{"1", "2"}}), false},
		{"Users", users(&aad.UsersOptions{Parallel: true}), false},
		{"SignIns", func(ctx context.Context, c *aad.Client) (int, error) { return count(c.SignIns(ctx, nil)) }, false},
		{"VerificationRecords", func(ctx context.Context, c *aad.Client) (int, error) {
			all, err := c.VerificationRecords(ctx, "example.com")
			return len(all), err
		}, true},
		{"ServiceRecords", func(ctx context.Context, c *aad.Client) (int, error) {
			all, err := c.ServiceRecords(ctx, "example.com")
			return len(all), err
		}, true},
	}
}

// singles are read as lists, and return what is in them.
var singles = []reading{
	{"Organization", func(ctx context.Context, c *aad.Client) (int, error) { _, err := c.Organization(ctx); return 0, err }, true},
	{"Federation", func(ctx context.Context, c *aad.Client) (int, error) {
		_, err := c.Federation(ctx, "example.com")
		return 0, err
	}, true},
}

func count[T any](all iter.Seq2[*T, error]) (n int, err error) {
	for _, err = range all {
		if err == nil {
			n++
		}
	}
	return n, err
}

// TestEveryListIsListed finds the list methods by what they return.
func TestEveryListIsListed(t *testing.T) {
	known := make(map[string]bool)
	for _, r := range readings() {
		known[r.method] = true
	}
	methods := reflect.TypeFor[*aad.Client]()
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		if m.Type.NumOut() == 0 {
			continue
		}
		out := m.Type.Out(0)
		if list := out.Kind() == reflect.Slice || out.Kind() == reflect.Func; list != known[m.Name] {
			t.Errorf("%s: a list method: %v; in the table of lists: %v", m.Name, list, known[m.Name])
		}
	}
}

// TestListWithoutItsArray: silence is no answer. A list that does not come is a
// failure of the service, to be asked for again, and never an empty list, which
// would say that a domain is not federated, or that nobody is on it. The same on
// the first page and on a later one.
func TestListWithoutItsArray(t *testing.T) {
	forms := []struct {
		name, body, says string
		cut              bool
	}{
		{"an empty object", `{}`, "it is an object without anything known", false},
		{"an error object", graphError("UnknownError", "try again"), "UnknownError: try again", false},
		{"a count without a list", `{"@odata.count":3}`, "it is an object with @odata.count", false},
		{"no body", "", "it is nothing", false},
		{"HTML", "<!DOCTYPE html><html><head><title>Log in</title></head></html>", `an HTML page instead of JSON, as proxies and captive portals send: title "Log in"`, false},
		{"null", "null", "null", false},
		{"a list that is none", `{"value":{}}`, "", false},
		{"a list that is a text", `{"value":"x"}`, "", false},
		{"a bare list", `[]`, "", false},
		{"a text", `"x"`, "a text", false},
		{"JSON that ends early", `{"value":[{"id":"1"}`, "", false},
		{"a list without its end", `{"value":[{"id":"1"}]`, "", false},
		{"a body that breaks off", `{"value":[{"id":"1"},`, "", true},
	}
	for _, r := range append(readings(), singles...) {
		for i, form := range forms {
			for _, later := range []bool{false, true} {
				if later && r.one {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/later=%v/%d", r.method, form.name, later, i), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						var sent atomic.Int64
						h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if sent.Add(1) == 1 && later {
								io.WriteString(w, `{"value":[{"id":"0"},{"id":"00"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next?$skiptoken=1"}`)
								return
							}
							if form.cut {
								w.Header().Set("Content-Length", "1000")
							}
							io.WriteString(w, form.body)
						})
						var s aadtest.Server
						n, err := r.call(t.Context(), s.Client(&aad.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}}))
						want := 0
						if later {
							want = 2
						}
						var e *aad.Error
						if !errors.As(err, &e) || !errors.Is(err, aad.ErrUnavailable) || errors.Is(err, aad.ErrOutcomeUnknown) || e.StatusCode != 200 {
							t.Fatalf("%d objects, err = %v; want ErrUnavailable with status 200", n, err)
						}
						if n != want || !strings.Contains(err.Error(), form.says) || e.ClientRequestID == "" {
							t.Errorf("%d objects, err = %v; want %d, and %q", n, err, want, form.says)
						}
					})
				})
			}
		}
		if len(r.method) > 0 && r.method != "Organization" && r.method != "Federation" {
			empty := answering{status: 200, body: `{"value":[]}`}
			var s aadtest.Server
			if n, err := r.call(t.Context(), s.Client(&aad.Options{HTTPClient: &http.Client{Transport: empty}})); n != 0 || err != nil {
				t.Errorf("%s, empty: %d objects, err = %v; want none", r.method, n, err)
			}
		}
	}
}

// TestObjectWithoutID: an object that says nothing is none, and a creation that
// was answered with one may have been made.
func TestObjectWithoutID(t *testing.T) {
	objects := map[string]bool{"Domain": true, "RootDomain": true, "CreateDomain": true, "VerifyDomain": true, "Organization": true, "Federation": true,
		"FederationByID": true, "CreateFederation": true, "TokenValidationPolicy": true, "User": true, "CreateUser": true, "AssignRole": true}
	for _, op := range operations(t) {
		if !objects[op.name] {
			continue
		}
		delete(objects, op.name)
		for _, body := range []string{`{}`, `null`, ``, `{"error":{"code":"UnknownError"}}`, `{"value":{}}`, `{"value":[{}]}`, `{"displayName":"x"}`} {
			t.Run(op.name+"/"+body, func(t *testing.T) {
				var s aadtest.Server
				got, err := op.call(t.Context(), s.Client(&aad.Options{HTTPClient: &http.Client{Transport: answering{status: 200, body: body}}}))
				if !errors.Is(err, aad.ErrUnavailable) || errors.Is(err, aad.ErrOutcomeUnknown) != op.write {
					t.Errorf("got %+v, %v; want ErrUnavailable, and unknown: %v", got, err, op.write)
				}
			})
		}
	}
	for name := range objects {
		t.Errorf("%s is not among the operations", name)
	}
}

// TestNotFoundOnAPage: a proxy's 404 does not say that a domain has no federation.
func TestNotFoundOnAPage(t *testing.T) {
	page := answering{status: 404, body: "<html><title>'federationConfiguration'</title></html>"}
	var s aadtest.Server
	_, err := s.Client(&aad.Options{HTTPClient: &http.Client{Transport: page}}).Federation(t.Context(), "example.com")
	if errors.Is(err, aad.ErrNotFederated) || errors.Is(err, aad.ErrNotFound) || !errors.Is(err, aad.ErrUnavailable) {
		t.Errorf("err = %v; want ErrUnavailable", err)
	}
}

// TestListsEnd: a list that always names another page ends, and says how it can
// be read further.
func TestListsEnd(t *testing.T) {
	for _, r := range readings() {
		if strings.HasSuffix(r.method, "Records") {
			continue // below
		}
		t.Run(r.method, func(t *testing.T) {
			var sent atomic.Int64
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"value":[{"id":"1"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next?$skiptoken=%d"}`, sent.Add(1))
			})
			var s aadtest.Server
			n, err := r.call(t.Context(), s.Client(&aad.Options{MaxPages: 7, HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}}))
			if !errors.Is(err, aad.ErrTooManyPages) || errors.Is(err, aad.ErrUnavailable) || !strings.Contains(err.Error(), "more than 7 pages") || !strings.Contains(err.Error(), "Options.MaxPages") {
				t.Errorf("err = %v; want it to name the bound and the option", err)
			}
			if want := 7; sent.Load() != 7 || n != want && r.method != "RoleUsers" {
				t.Errorf("%d requests, %d objects; want 7 of each", sent.Load(), n)
			}
		})
	}
	chain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"value":[{"id":"1"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next?$skiptoken=x%s"}`, r.URL.Query().Get("$skiptoken"))
	})
	var s aadtest.Server
	if all, err := s.Client(&aad.Options{MaxPages: 3, HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: chain}}}).ServiceRecords(t.Context(), "example.com"); !errors.Is(err, aad.ErrTooManyPages) {
		t.Errorf("%d records, err = %v", len(all), err)
	}
	for _, o := range []aad.Options{{MaxPages: -1}, {IdleTimeout: -1}} {
		if _, err := aad.New(static("x"), &o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// TestStalledAnswers: an answer that begins and does not go on ends, as a failure
// of a read and as an unknown write.
func TestStalledAnswers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for r.Context().Err() == nil {
			select {
			case <-time.After(59 * time.Second):
				io.WriteString(w, " ")
			case <-r.Context().Done():
			}
		}
	})
	for _, op := range operations(t) {
		t.Run(op.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				began := time.Now()
				var s aadtest.Server
				_, err := op.call(t.Context(), s.Client(&aad.Options{IdleTimeout: 20 * time.Second, HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}}))
				if !errors.Is(err, aad.ErrUnavailable) || errors.Is(err, aad.ErrOutcomeUnknown) != op.write || !strings.Contains(err.Error(), "within 20s") {
					t.Errorf("err = %v", err)
				}
				if d := time.Since(began); d > 5*time.Minute {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

// TestCancelledWrites: a write that was cancelled while it was under way may have
// been made, and says so, whoever cancelled it and why. One that was cancelled
// before has not been made.
func TestCancelledWrites(t *testing.T) {
	other := &aad.Error{Op: "GET other", StatusCode: 400, Message: "another call that failed"}
	for _, op := range operations(t) {
		for name, cause := range map[string]error{"cancelled": nil, "because of another call": other} {
			for _, when := range []string{"before", "under way", "while the answer comes"} {
				t.Run(op.name+"/"+name+"/"+when, func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						ctx, cancel := context.WithCancelCause(t.Context())
						h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if when == "while the answer comes" {
								w.(http.Flusher).Flush()
								io.WriteString(w, "{")
							}
							cancel(cause)
							<-r.Context().Done()
							panic(http.ErrAbortHandler)
						})
						if when == "before" {
							cancel(cause)
						}
						var s aadtest.Server
						_, err := op.call(ctx, s.Client(&aad.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}}))
						if !errors.Is(err, context.Canceled) || cause != nil && !errors.Is(err, cause) || errors.Is(err, aad.ErrUnavailable) {
							t.Errorf("err = %v; want context.Canceled, its cause, and nothing about the service", err)
						}
						var e *aad.Error
						if !errors.As(err, &e) {
							t.Fatalf("err = %#v; want an *Error", err)
						}
						if e == other || e.OutcomeUnknown != (op.write && when != "before") {
							t.Errorf("err = %v; unknown %v", err, e.OutcomeUnknown)
						}
					})
				})
			}
		}
	}
}
