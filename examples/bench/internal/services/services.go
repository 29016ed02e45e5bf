// Package services is JumpCloud and Microsoft Graph, as fast as they can be: the lists of
// people are computed by number into a buffer, and everything else is answered by the
// stand-ins of the library. Nothing is compressed.
package services

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// World is both services. The fields are set before the first request.
type World struct {
	*crowd.Crowd // nil: nobody but those of the stand-ins
	Env          *federationtest.Env
	Latency      time.Duration // of each request
	JumpCloud    *Limit
	Graph        *Limit

	stats Stats
}

// Stats are the requests that came.
type Stats struct {
	Requests atomic.Int64
	Refused  atomic.Int64 // of them

	mu    sync.Mutex
	trips int64
	last  time.Time // when the last one that counts was answered
}

// answered notes a request that is answered now: it is one more round trip if it began
// after the last one that counts. Of all ways to choose requests none of which began
// before another was answered, this one finds the most.
func (s *Stats) answered(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !began.Before(s.last) {
		s.trips, s.last = s.trips+1, now
	}
}

// Stats returns what came so far: all requests, those of them that were refused, and how
// many at the most came one after the other.
func (w *World) Stats() (requests, refused, trips int64) {
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	return w.stats.Requests.Load(), w.stats.Refused.Load(), w.stats.trips
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// answer is a list's page: the header that tells its total, if not empty, and the body.
type answer func(b []byte, r *http.Request) (body []byte, total string)

// front counts a request, delays it, refuses it if it is one too many, and answers it: with
// a page if list knows it, by the stand-in otherwise.
func (w *World) front(limit *Limit, list func(*http.Request) answer, standIn http.Handler, refusal string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.stats.Requests.Add(1)
		defer w.stats.answered(time.Now())
		if w.Latency > 0 {
			time.Sleep(w.Latency)
		}
		var page answer
		if w.Crowd != nil {
			page = list(r)
		}
		if page == nil {
			standIn.ServeHTTP(rw, r)
			return
		}
		h := rw.Header()
		h["Content-Type"] = contentType
		if wait, ok := limit.take(time.Now()); !ok {
			w.stats.Refused.Add(1)
			h.Set("Retry-After", strconv.Itoa(wait))
			rw.WriteHeader(http.StatusTooManyRequests)
			rw.Write([]byte(refusal))
			return
		}
		buf := buffers.Get().(*[]byte)
		body, total := page((*buf)[:0], r)
		if total != "" {
			h["X-Total-Count"] = []string{total}
		}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		rw.Write(body)
		*buf = body
		buffers.Put(buf)
	})
}

var contentType = []string{"application/json; charset=utf-8"}
