package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/internal/rest"
)

func TestBodies(t *testing.T) {
	var got, ctype string
	c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, ctype = string(b), r.Header.Get("Content-Type")
	}), nil)
	for _, tt := range []struct {
		body        any
		want, ctype string
	}{
		{nil, "", ""},
		{map[string]int{"a": 1}, `{"a":1}`, "application/json"},
		{json.RawMessage(` {"a": 1}`), ` {"a": 1}`, "application/json"},
		{url.Values{"grant_type": {"client_credentials"}}, "grant_type=client_credentials", "application/x-www-form-urlencoded"},
	} {
		if _, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Body: tt.body}, nil); err != nil || got != tt.want || ctype != tt.ctype {
			t.Errorf("%v: sent %q as %q, %v", tt.body, got, ctype, err)
		}
	}
	if _, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Body: func() {}}, nil); err == nil {
		t.Error("a function was sent as a body")
	}
}

func TestAnswers(t *testing.T) {
	html := "<html>" + strings.Repeat("x", 100<<10)
	tests := []struct {
		name   string
		serve  func(w http.ResponseWriter)
		status int
		is     error
		body   int
		sent   int
	}{
		{"empty", func(w http.ResponseWriter) {}, 200, nil, 0, 1},
		{"no content", func(w http.ResponseWriter) { w.WriteHeader(204) }, 204, nil, 0, 1},
		{"byte order mark", func(w http.ResponseWriter) { io.WriteString(w, "\xef\xbb\xbf{}") }, 200, nil, 5, 1},
		{"html for json", func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, 200, rest.ErrNotJSON, 6, 1},
		{"wrong type", func(w http.ResponseWriter) { io.WriteString(w, `{"name":[]}`) }, 200, rest.ErrNotJSON, 11, 1},
		{"cut without a transport error", func(w http.ResponseWriter) { io.WriteString(w, `{"name":`) }, 200, io.ErrUnexpectedEOF, 8, 5},
		{"html error, long", func(w http.ResponseWriter) { w.WriteHeader(502); io.WriteString(w, html) }, 502, nil, 64 << 10, 5},
		{"error, cut", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(404)
			io.WriteString(w, "half")
		}, 404, nil, 4, 1},
		{"too large", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(65<<20))
			io.WriteString(w, "x")
		}, 200, rest.ErrTooLarge, 0, 1},
		{"too large, declared", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(65<<20))
			io.WriteString(w, "x")
		}, 200, rest.ErrTooLarge, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sent++; tt.serve(w) }), nil)
				var out struct{ Name string }
				r, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, &out)
				if sent != tt.sent {
					t.Errorf("sent %d times; want %d", sent, tt.sent)
				}
				if err == nil {
					if r.Status != tt.status || tt.is != nil || tt.status >= 300 || len(r.Body) != tt.body {
						t.Errorf("got %+v", r)
					}
					return
				}
				f := failure(t, err)
				if f.Status != tt.status || tt.is != nil && !errors.Is(err, tt.is) || len(f.Body) != tt.body || strings.Contains(err.Error(), "\n") {
					t.Errorf("status %d, %d bytes, %v", f.Status, len(f.Body), err)
				}
			})
		})
	}
}
