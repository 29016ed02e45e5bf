package fake

import (
	"net/http"
	"time"

	"github.com/jcaad/jcaad/internal/wait"
)

// Front is what a request meets on its way to a stand-in, in this order.
type Front struct {
	Latency   time.Duration
	Throttle  *Throttle
	Fault     func(*http.Request) Fault
	OnRequest func(*http.Request) // after the effect, before the answer

	// Throttled, if set, selects the requests that a Throttle without Only counts.
	Throttled func(*http.Request) bool

	// Words, if set, returns the body of an answer that the stand-in's trouble gives,
	// in the service's words; "" for one in no service's.
	Words func(*http.Request, FaultKind) string
}

// Serve returns a handler that keeps l and makes trouble before next. now is asked
// for each request; write says what counts as one: see [Log.Wrap].
func (l *Log) Serve(next http.Handler, write func(*http.Request) bool, now func() Front) http.Handler {
	return l.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := now()
		if wait.For(r.Context(), f.Latency) != nil {
			panic(http.ErrAbortHandler)
		}
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if f.OnRequest != nil {
				f.OnRequest(r)
			}
		})
		f.Throttle.wrap(Wrap(inner, f.fault), &f).ServeHTTP(w, r)
	}), write)
}

// fault asks the Fault field.
func (f *Front) fault(r *http.Request) Fault {
	if f.Fault == nil {
		return Fault{}
	}
	flt := f.Fault(r)
	if flt.Body == "" {
		flt.Body = f.words(r, flt.Kind)
	}
	return flt
}

func (f *Front) words(r *http.Request, k FaultKind) string {
	if f.Words == nil {
		return ""
	}
	return f.Words(r, k)
}
