package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

func TestPagesStop(t *testing.T) {
	bad := errors.New("bad page")
	tests := []struct {
		name      string
		pages     int
		fail      map[int]bool
		breakAt   int // -1: never
		wantPages int
		wantErr   bool
	}{
		{"none", 0, nil, -1, 0, false},
		{"one", 1, nil, -1, 1, false},
		{"the first fails", 50, map[int]bool{0: true}, -1, 0, true},
		{"two fail, the later first", 50, map[int]bool{7: true, 9: true}, -1, 7, true},
		{"break", 50, nil, 5, 6, false},
		{"break at once", 50, nil, 0, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := caller(t, nil, nil)
				var running, most, begun atomic.Int64
				seq := rest.Pages(t.Context(), c, tt.pages, func(ctx context.Context, page int) (int, error) {
					begun.Add(1)
					n := running.Add(1)
					defer running.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					d := time.Second
					if page == 9 {
						d /= 2
					}
					select {
					case <-time.After(d):
					case <-ctx.Done():
						return 0, ctx.Err()
					}
					if tt.fail[page] {
						return 0, bad
					}
					return page, nil
				})
				for range 2 { // each range starts again
					pages, failed := 0, false
					begun.Store(0)
					for v, err := range seq {
						if err != nil {
							if !errors.Is(err, bad) || failed {
								t.Errorf("got %v", err)
							}
							failed = true
							continue
						}
						if v != pages {
							t.Errorf("page %d came in place of %d", v, pages)
						}
						pages++
						if v == tt.breakAt {
							break
						}
					}
					if pages != tt.wantPages || failed != tt.wantErr {
						t.Errorf("%d pages, failed %v; want %d, %v", pages, failed, tt.wantPages, tt.wantErr)
					}
					if running.Load() != 0 {
						t.Errorf("%d fetches outlive the loop", running.Load())
					}
					if most.Load() > 4 || begun.Load() > int64(pages+8) {
						t.Errorf("%d at a time, %d begun for %d pages; want at most 4, and at most 8 ahead", most.Load(), begun.Load(), pages)
					}
				}
			})
		})
	}
}

// TestPagesEndWithTheContext: a listing that waits for a gate is woken.
func TestPagesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		}), nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Second, cancel)
		start := time.Now()
		if _, err := list(ctx, c, 10); !errors.Is(err, context.Canceled) || time.Since(start) != 100*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
