package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/rest"
)

// caller returns a Caller that asks h in memory; edit may change the Config.
func caller(t *testing.T, h http.Handler, edit func(*rest.Config)) *rest.Caller {
	t.Helper()
	cfg := rest.Config{
		Base:       &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1"},
		HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}},
		RequestID:  func(h http.Header) string { return h.Get("Request-Id") },
	}
	if edit != nil {
		edit(&cfg)
	}
	c, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPagesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"page":%s}`, r.URL.Query().Get("page"))
		}), nil)
		next := 0
		for v, err := range rest.Pages(t.Context(), c, 100, func(ctx context.Context, page int) (int, error) {
			var out struct{ Page int }
			_, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "things", Query: url.Values{"page": {fmt.Sprint(page)}}}, &out)
			return out.Page, err
		}) {
			if err != nil || v != next {
				t.Fatalf("page %d: got %d, %v", next, v, err)
			}
			next++
		}
		if next != 100 {
			t.Errorf("got %d pages; want 100", next)
		}
	})
}
