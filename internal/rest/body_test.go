package rest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/internal/rest"
)

// pageOf is a body that no other path has.
func pageOf(path string) string { return strings.Repeat(path+"|", 300+len(path)) }

// TestBodyIsLent: what is read into memory that is used again is whole until it is
// given back, and what an error keeps of an answer stays as it is.
func TestBodyIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries sync.Map
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := tries.LoadOrStore(r.URL.Path, new(atomic.Int64))
			again := n.(*atomic.Int64).Add(1) > 1
			switch body := pageOf(r.URL.Path); {
			case strings.Contains(r.URL.Path, "refused"):
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, body)
			case strings.Contains(r.URL.Path, "away") && !again:
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, strings.Repeat("away", 9000))
			case strings.Contains(r.URL.Path, "cut") && !again:
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				io.WriteString(w, body[:len(body)/2])
			default:
				io.WriteString(w, body)
			}
		}), nil)
		var wg sync.WaitGroup
		var failures sync.Map
		for i := range 60 {
			path := fmt.Sprint([]string{"well", "refused", "away", "cut"}[i%4], i/4)
			wg.Go(func() {
				var b rest.Body
				_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: path}, &b)
				if i%4 == 1 {
					failures.Store("/v1/"+path, err)
					return
				}
				if err != nil || string(b.Bytes) != pageOf("/v1/"+path) {
					t.Errorf("%s: %d bytes, %v", path, len(b.Bytes), err)
				}
				b.Release()
			})
		}
		wg.Wait()
		n := 0
		for path, err := range failures.Range {
			var f *rest.Failure
			if n++; !errors.As(err.(error), &f) || string(f.Body) != pageOf(path.(string)) {
				t.Errorf("%s: %v, not what was answered", path, err)
			}
		}
		if n != 15 {
			t.Errorf("%d failures", n)
		}
	})
}
