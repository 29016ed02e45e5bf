package fake

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Request is one request that a stand-in has seen.
type Request struct {
	N       int // from 1, in the order of arrival
	Method  string
	Path    string // as it was sent, without the query
	Pattern string // of the http.ServeMux that served it, if it got there
	Write   bool
	Status  int // that was sent; 0 if the connection was dropped
	Inner   int // of the handler behind a fault; 0 if it was not asked or no fault came between
	Fault   FaultKind
	At      time.Time     // of arrival
	Took    time.Duration // until the answer was written
	Done    bool          // false while it is being served
}

// Log records requests. The zero value is empty and ready; it is safe for use
// by several goroutines.
type Log struct {
	mu       sync.Mutex
	requests []*Request
	inFlight int
	most     int
}

// Wrap returns a handler that records each request before next serves it. It
// goes outside of [Wrap] and of [Throttle.Wrap]. write says which requests count
// as writes; nil means every method but GET and HEAD.
func (l *Log) Wrap(next http.Handler, write func(*http.Request) bool) http.Handler {
	if write == nil {
		write = func(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &Request{Method: r.Method, Path: r.URL.Path, Write: write(r), At: time.Now()}
		l.mu.Lock()
		rec.N = len(l.requests) + 1
		l.requests = append(l.requests, rec)
		l.inFlight++
		l.most = max(l.most, l.inFlight)
		l.mu.Unlock()

		n := &note{log: l, rec: rec}
		in := r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		sw := &statusWriter{ResponseWriter: w}
		returned := false
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.inFlight--
			rec.Pattern = in.Pattern
			r.Pattern = in.Pattern // for a log around this one
			rec.Status = sw.status
			if returned && sw.status == 0 {
				rec.Status = http.StatusOK
			}
			rec.Took, rec.Done = time.Since(rec.At), true
		}()
		next.ServeHTTP(sw, in)
		returned = true
	})
}

// Requests returns what was recorded, in the order of arrival.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, len(l.requests))
	for i, r := range l.requests {
		out[i] = *r
	}
	return out
}

// Writes returns how many of the recorded requests were writes.
func (l *Log) Writes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.requests {
		if r.Write {
			n++
		}
	}
	return n
}

// MaxInFlight returns how many requests were served at the same time at most.
func (l *Log) MaxInFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most
}

// Reset forgets what was recorded.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests, l.most = nil, l.inFlight
}

// note lets the inner handlers complete the record. A nil note is fine.
type note struct {
	log *Log
	rec *Request
}

type noteKey struct{}

func noteOf(ctx context.Context) *note {
	n, _ := ctx.Value(noteKey{}).(*note)
	return n
}

func (n *note) set(k FaultKind) {
	if n != nil {
		n.log.mu.Lock()
		n.rec.Fault = k
		n.log.mu.Unlock()
	}
}

func (n *note) inner(status int) {
	if n != nil {
		n.log.mu.Lock()
		n.rec.Inner = status
		n.log.mu.Unlock()
	}
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
