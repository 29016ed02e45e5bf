// Package fake is what both stand-ins have in common: the troubles that they can be
// told to make (faults of single requests, a throttle, latency, reads that lag), and
// the log that tests read afterwards. All of it works over memhttp and over a real
// net/http server.
//
// Both export its names: [Fault] and its kinds, [Throttle] and its styles, [Lag],
// [Request]. Their vocabulary.go is written by this package's test with -update, so
// that one file here is all that a new fault needs.
package fake

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/jcaad/jcaad/internal/reshape"
	"github.com/jcaad/jcaad/internal/wait"
)

// FaultKind is what goes wrong with a request.
type FaultKind int

// The kinds of faults.
const (
	None           FaultKind = iota // nothing
	Refuse503                       // 503, without effect; Retry-After as in the Fault
	Error500Before                  // 500, without effect
	Error500After                   // the effect, then 500
	DropBefore                      // the connection is reset, without effect
	DropAfter                       // the effect, then the answer is lost
	Truncate                        // the effect, and half of the answer's body
	TooMany                         // 429 with Retry-After, by default of one second
	TooManyBare                     // 429 without Retry-After
	Hang                            // no answer until the client gives up; without effect
	SlowBody                        // the effect, and a body that takes Delay to arrive
)

// String returns the constant's name.
func (k FaultKind) String() string {
	names := [...]string{"None", "Refuse503", "Error500Before", "Error500After", "DropBefore", "DropAfter",
		"Truncate", "TooMany", "TooManyBare", "Hang", "SlowBody"}
	if k < 0 || int(k) >= len(names) {
		return "FaultKind(" + strconv.Itoa(int(k)) + ")"
	}
	return names[k]
}

// Fault is what happens to one request. The zero value lets it through.
type Fault struct {
	Kind FaultKind

	// Delay is waited before the request is looked at; for SlowBody, it is
	// the time that the body takes.
	Delay time.Duration

	// RetryAfter is the value of the header of Refuse503 and TooMany.
	RetryAfter string

	// Status and Body replace those of an answer that the fault itself gives.
	Status int
	Body   string
}

// Wrap returns a handler that asks f before each request and does what it
// says; f is called from many goroutines. A nil f lets everything through.
func Wrap(next http.Handler, f func(*http.Request) Fault) http.Handler {
	if f == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flt := f(r)
		note := noteOf(r.Context())
		note.set(flt.Kind)
		if flt.Kind != SlowBody && !outlives(r.Context(), flt.Delay) {
			panic(http.ErrAbortHandler)
		}
		run := func() *buffer {
			b := &buffer{reshape.Buffer{Head: make(http.Header)}}
			next.ServeHTTP(b, r)
			b.WriteHeader(http.StatusOK)
			note.inner(b.Status)
			return b
		}
		switch flt.Kind {
		case Refuse503:
			flt.answer(w, r, http.StatusServiceUnavailable, flt.RetryAfter)
		case Error500Before:
			flt.answer(w, r, http.StatusInternalServerError, "")
		case Error500After:
			run()
			flt.answer(w, r, http.StatusInternalServerError, "")
		case DropBefore:
			drain(r)
			panic(http.ErrAbortHandler)
		case DropAfter:
			run()
			panic(http.ErrAbortHandler)
		case Truncate:
			run().truncate(w)
		case TooMany:
			after := flt.RetryAfter
			if after == "" {
				after = "1"
			}
			flt.answer(w, r, http.StatusTooManyRequests, after)
		case TooManyBare:
			flt.answer(w, r, http.StatusTooManyRequests, "")
		case Hang:
			drain(r)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case SlowBody:
			run().slow(r.Context(), w, flt.Delay)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// answer is an answer of the fault's own.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request, status int, retryAfter string) {
	drain(r)
	if f.Status != 0 {
		status = f.Status
	}
	body := f.Body
	if body == "" {
		body = `{"message":"` + http.StatusText(status) + `"}`
	}
	w.Header().Set("Content-Type", "application/json")
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// drain reads the request's body, so that the connection can be used again
// and the server notices when the client goes away.
func drain(r *http.Request) { io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20)) }

// buffer holds an answer back that a fault lets out in its own way.
type buffer struct{ reshape.Buffer }

// start sends the header with the whole length.
func (b *buffer) start(w http.ResponseWriter) {
	for k, v := range b.Head {
		w.Header()[k] = v
	}
	if b.Body.Len() > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(b.Body.Len()))
	}
	w.WriteHeader(b.Status)
}

// truncate sends half of the body and drops the connection. An answer without
// a body is lost whole.
func (b *buffer) truncate(w http.ResponseWriter) {
	if b.Body.Len() == 0 {
		panic(http.ErrAbortHandler)
	}
	b.start(w)
	w.Write(b.Body.Bytes()[:b.Body.Len()/2])
	flush(w)
	panic(http.ErrAbortHandler)
}

// slow sends the body in ten pieces.
func (b *buffer) slow(ctx context.Context, w http.ResponseWriter, d time.Duration) {
	const pieces = 10
	b.start(w)
	flush(w)
	p := b.Body.Bytes()
	for i := range pieces {
		if !outlives(ctx, d/pieces) {
			panic(http.ErrAbortHandler)
		}
		w.Write(p[len(p)*i/pieces : len(p)*(i+1)/pieces])
		flush(w)
	}
}

func flush(w http.ResponseWriter) { http.NewResponseController(w).Flush() }

// outlives waits, and reports whether ctx lives longer than d.
func outlives(ctx context.Context, d time.Duration) bool {
	return wait.For(ctx, d) == nil && ctx.Err() == nil
}
