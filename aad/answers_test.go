package aad_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// answering is a transport that always gives the same answer.
type answering struct {
	status int
	header http.Header
	body   string
	cut    bool
}

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	h := a.header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	h.Set("request-id", "the-request")
	resp := &http.Response{StatusCode: a.status, Header: h, Request: req, ContentLength: -1, Body: io.NopCloser(strings.NewReader(a.body))}
	if a.cut {
		resp.ContentLength = int64(len(a.body) + 100)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(a.body), failing{}))
	}
	return resp, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func graphError(code, message string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message,
		"innerError": map[string]any{"date": "2023-02-15T10:48:47", "request-id": "inner", "client-request-id": "client"}}})
	return string(b)
}

func TestErrorClasses(t *testing.T) {
	classes := []error{
		aad.ErrNotFound, aad.ErrNotFederated, aad.ErrAlreadyFederated, aad.ErrIssuerInUse, aad.ErrInvalid, aad.ErrConflict, aad.ErrDenied,
		aad.ErrUnauthenticated, aad.ErrThrottled, aad.ErrUnavailable, aad.ErrReadOnly,
	}
	tests := []struct {
		name   string
		answer answering
		want   error
		status int
	}{
		{"400", answering{status: 400, body: graphError("Request_BadRequest", "no\r\ngood")}, aad.ErrInvalid, 400},
		{"401", answering{status: 401, body: graphError("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")}, aad.ErrUnauthenticated, 401},
		{"403", answering{status: 403, body: graphError("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")}, aad.ErrDenied, 403},
		{"404", answering{status: 404, body: graphError("Request_ResourceNotFound", "Resource 'alice@example.com' does not exist or one of its queried reference-property objects are not present.")}, aad.ErrNotFound, 404},
		{"409", answering{status: 409, body: graphError("Request_MultipleObjectsWithSameKeyValue", "Another object")}, aad.ErrConflict, 409},
		{"429", answering{status: 429, header: http.Header{"Retry-After": {"3600"}}, body: graphError("TooManyRequests", "")}, aad.ErrThrottled, 429},
		{"500", answering{status: 500, body: graphError("InternalServerError", "")}, aad.ErrUnavailable, 500},
		{"502 in HTML", answering{status: 502, body: "<html><body>Bad gateway alice@example.com</body></html>"}, aad.ErrUnavailable, 502},
		// A proxy's page says nothing about tokens, permissions and objects.
		{"401 in HTML", answering{status: 401, body: "<!DOCTYPE html><title>Log in</title>"}, aad.ErrUnavailable, 401},
		{"403 in HTML", answering{status: 403, body: "<html>"}, aad.ErrUnavailable, 403},
		{"404 in HTML", answering{status: 404, body: "<html>"}, aad.ErrUnavailable, 404},
		{"407 in HTML", answering{status: 407, header: http.Header{"Content-Type": {"text/html"}}, body: "Who are you?"}, aad.ErrUnavailable, 407},
		{"400 in HTML", answering{status: 400, body: "<html>Request too long"}, aad.ErrInvalid, 400},
		{"429 in HTML", answering{status: 429, header: http.Header{"Retry-After": {"3600"}}, body: "<html>"}, aad.ErrThrottled, 429},
		{"404 without body", answering{status: 404}, aad.ErrNotFound, 404},
		{"501 truncated", answering{status: 501, body: `{"error":{"code":"Not`, cut: true}, aad.ErrUnavailable, 501},
		{"302", answering{status: 302, header: http.Header{"Location": {"https://evil.example/"}}}, nil, 302},
	}
	for _, op := range operations(t) {
		for _, tt := range tests {
			t.Run(op.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					var s aadtest.Server
					c := s.Client(&aad.Options{HTTPClient: &http.Client{Transport: tt.answer}})
					_, err := op.call(t.Context(), c)
					page := strings.HasSuffix(tt.name, "in HTML")
					if tt.status == 404 && op.absentOK && !page {
						if err != nil {
							t.Fatalf("err = %v; want nil", err)
						}
						return
					}
					want := tt.want
					if want == aad.ErrConflict && strings.Contains(op.name, "Federation") {
						want = aad.ErrIssuerInUse
					}
					var e *aad.Error
					if !errors.As(err, &e) {
						t.Fatalf("err = %#v; want an *aad.Error", err)
					}
					if e.StatusCode != tt.status || e.RequestID != "the-request" || e.ClientRequestID == "" || e.Op == "" {
						t.Errorf("err = %+v; want status %d and the IDs", *e, tt.status)
					}
					for _, class := range classes {
						if got := errors.Is(err, class); got != (class == want) {
							t.Errorf("errors.Is(%v, %v) = %v", err, class, got)
						}
					}
					text := err.Error()
					if strings.ContainsAny(text, "\r\n") || strings.Contains(text, "@example.com") || strings.Count(text, "aad: ") != 1 {
						t.Errorf("text = %q; want one line without user names", text)
					}
					if names := strings.Contains(text, op.permission); names != (tt.status == 403 && !page) {
						t.Errorf("text = %q; names %s: %v", text, op.permission, names)
					}
					if page && !strings.Contains(text, "an HTML page instead of JSON, as proxies and captive portals send") {
						t.Errorf("text = %q; want the page named", text)
					}
					if unknown := op.write && tt.status >= 500 && tt.status != 501; errors.Is(err, aad.ErrOutcomeUnknown) != unknown {
						t.Errorf("outcome unknown = %v; want %v", !unknown, unknown)
					}
					if tt.status == 429 && e.RetryAfter != time.Hour {
						t.Errorf("RetryAfter = %v; want 1h", e.RetryAfter)
					}
				})
			})
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, op := range operations(t) {
		for name, answer := range map[string]answering{
			"HTML":      {status: 200, body: "<html><body>signed in as alice@example.com</body></html>"},
			"truncated": {status: 200, body: `{"value":[{"id":"x`, cut: true},
			"cut short": {status: 200, body: `{"value":[{"id":"x`},
		} {
			t.Run(op.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					var s aadtest.Server
					c := s.Client(&aad.Options{HTTPClient: &http.Client{Transport: answer}})
					_, err := op.call(t.Context(), c)
					if op.noAnswer && err == nil {
						return // the answer's body does not matter to it
					}
					var e *aad.Error
					if !errors.As(err, &e) || e.StatusCode != 200 || !errors.Is(err, aad.ErrUnavailable) || strings.Contains(err.Error(), "alice") {
						t.Fatalf("err = %v; want an *aad.Error with status 200 that is ErrUnavailable", err)
					}
					if op.write && !e.OutcomeUnknown {
						t.Errorf("err = %v; want the outcome to be unknown", err)
					}
				})
			})
		}
	}
}
