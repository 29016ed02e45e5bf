package fake

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// RetryAfterStyle is how a [Throttle] tells the wait.
type RetryAfterStyle int

// How a [Throttle] tells the wait.
const (
	WholeSeconds      RetryAfterStyle = iota // seconds, rounded up
	FractionalSeconds                        // seconds with three digits, as in Graph's documentation
	HTTPDate                                 // an HTTP date, rounded up to the second
	NoRetryAfter                             // not at all
)

// Throttle is a token bucket of Burst tokens that gets Rate of them a second, full
// at the start. A request without a token is answered with 429 and costs nothing.
// The fields are set before the first request.
type Throttle struct {
	Rate  float64
	Burst int
	Style RetryAfterStyle

	// AtLeast is the shortest wait that is told.
	AtLeast time.Duration

	// Grace is how long after a refusal a request may still arrive that was
	// sent before the refusal was known: the round trip's time.
	Grace time.Duration

	// Status and Body of a refusal; 0 and "" mean 429 in the words of the service.
	Status int
	Body   string

	// Only, if set, selects the requests that count. Otherwise all do to which
	// the service's own limits apply.
	Only func(*http.Request) bool

	mu     sync.Mutex
	tokens float64
	last   time.Time
	closed []closure
	stats  ThrottleStats
}

// closure is a time during which no request should arrive.
type closure struct{ from, until time.Time }

// ThrottleStats counts what a [Throttle] did.
type ThrottleStats struct {
	Accepted int
	Refused  int
	// Early counts requests that came before the time that a refusal had
	// named, and later than Grace after that refusal.
	Early       int
	First, Last time.Time // arrival of the first and of the last request accepted
}

// Schedule returns the shortest time in which n requests can be accepted.
func (b *Throttle) Schedule(n int) time.Duration {
	return time.Duration(max(0, float64(n-b.Burst)) / b.Rate * float64(time.Second))
}

// Stats returns what the bucket counted so far.
func (b *Throttle) Stats() ThrottleStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// ResetStats forgets the counts, not the tokens.
func (b *Throttle) ResetStats() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats = ThrottleStats{}
}

// Wrap returns a handler that lets through what the bucket has tokens for.
// A nil bucket lets everything through.
func (b *Throttle) Wrap(next http.Handler) http.Handler { return b.wrap(next, new(Front)) }

// wrap takes from front what the bucket does not say itself.
func (b *Throttle) wrap(next http.Handler, front *Front) http.Handler {
	if b == nil {
		return next
	}
	only := b.Only
	if only == nil {
		only = front.Throttled
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if only != nil && !only(r) {
			next.ServeHTTP(w, r)
			return
		}
		header, ok := b.take(time.Now())
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		kind := TooMany
		if header == "" {
			kind = TooManyBare
		}
		noteOf(r.Context()).set(kind)
		f := Fault{Status: b.Status, Body: cmp.Or(b.Body, front.words(r, kind))}
		f.answer(w, r, http.StatusTooManyRequests, header)
	})
}

// take takes a token, or says what Retry-After tells.
func (b *Throttle) take(now time.Time) (retryAfter string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() {
		b.tokens, b.last = float64(b.Burst), now
	}
	b.tokens = min(float64(b.Burst), b.tokens+now.Sub(b.last).Seconds()*b.Rate)
	b.last = now
	for _, c := range b.closed {
		if now.After(c.from) && now.Before(c.until) {
			b.stats.Early++
			break
		}
	}
	if b.tokens >= 1-1e-9 {
		b.tokens--
		b.stats.Accepted++
		if b.stats.First.IsZero() {
			b.stats.First = now
		}
		b.stats.Last = now
		return "", true
	}
	b.stats.Refused++
	wait := max(b.AtLeast, time.Duration((1-b.tokens)/b.Rate*float64(time.Second)))
	until := now.Add(wait)
	switch b.Style {
	case WholeSeconds:
		s := math.Ceil(wait.Seconds())
		retryAfter, until = strconv.Itoa(int(s)), now.Add(time.Duration(s)*time.Second)
	case FractionalSeconds:
		ms := math.Ceil(wait.Seconds() * 1000)
		retryAfter, until = strconv.FormatFloat(ms/1000, 'f', 3, 64), now.Add(time.Duration(ms)*time.Millisecond)
	case HTTPDate:
		if t := until.Truncate(time.Second); t.Before(until) {
			until = t.Add(time.Second)
		}
		retryAfter = until.UTC().Format(http.TimeFormat)
	case NoRetryAfter:
		return "", false
	}
	if n := len(b.closed); n > 64 { // the oldest have long passed
		b.closed = append(b.closed[:0], b.closed[n-32:]...)
	}
	b.closed = append(b.closed, closure{now.Add(b.Grace), until})
	return retryAfter, false
}
