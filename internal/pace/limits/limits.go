// Package limits is an exact model of services that count requests: tests compare
// what a reader took with the earliest moment at which the service could have served it.
package limits

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Kind is how a service counts.
type Kind int

const (
	Windows Kind = iota // Requests in each span of Per, counted afresh
	Bucket              // Requests tokens, full at first; as many come back in each span of Per
)

// Style is how a refusal tells the wait.
type Style int

const (
	Whole    Style = iota // seconds, rounded up
	Fraction              // seconds with three digits
	Date                  // an HTTP date, rounded up
	Silent                // not at all
)

// Limit is what a service bears.
type Limit struct {
	Kind     Kind
	Requests int
	Per      time.Duration
	Phase    time.Duration // how old the first window is when the service starts
}

// Server is a service with a limit. The fields are set before the first request.
type Server struct {
	Limit
	Style   Style
	Warns   bool          // x-ms-throttle-limit-percentage from 0.8 on
	Latency time.Duration // between a refusal and the first request that can know of it
	Next    http.Handler  // answers what is admitted

	mu       sync.Mutex
	start    time.Time
	state    state
	accepted int
	refused  int
	early    int
	named    time.Time // the first time that a refusal named
	before   int       // accepted until then
	then     state     // of the limit
	closed   []span
}

type span struct{ from, until time.Time }

// Counts are what a [Server] has counted. Early requests came before a time that a
// refusal named, though their sender could know of it; Named is the first such time,
// counted from the first request.
type Counts struct {
	Accepted, Refused, Early int
	Named                    time.Duration
}

// Counts returns what was counted so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Accepted: s.accepted, Refused: s.refused, Early: s.early}
	if !s.named.IsZero() {
		c.Named = s.named.Sub(s.start)
	}
	return c
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.admit(w.Header()) {
		s.Next.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusTooManyRequests)
}

func (s *Server) admit(h http.Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.start.IsZero() {
		s.start = now
	}
	for _, c := range s.closed[max(0, len(s.closed)-64):] {
		if now.After(c.from) && now.Before(c.until) {
			s.early++
			break
		}
	}
	wait := s.state.take(s.Limit, now.Sub(s.start))
	if used := s.state.used / float64(s.Requests); s.Warns && used >= 0.8 {
		h.Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(used, 'f', 2, 64))
	}
	if wait <= 0 {
		s.accepted++
		return true
	}
	s.refused++
	until := now.Add(wait)
	switch s.Style {
	case Whole:
		n := math.Ceil(wait.Seconds())
		until = now.Add(time.Duration(n) * time.Second)
		h.Set("Retry-After", strconv.Itoa(int(n)))
	case Fraction:
		ms := math.Ceil(wait.Seconds() * 1000)
		until = now.Add(time.Duration(ms) * time.Millisecond)
		h.Set("Retry-After", strconv.FormatFloat(ms/1000, 'f', 3, 64))
	case Date:
		if t := until.Truncate(time.Second); t.Before(until) {
			until = t.Add(time.Second)
		}
		h.Set("Retry-After", until.UTC().Format(http.TimeFormat))
	case Silent:
		return false
	}
	if s.named.IsZero() {
		s.named, s.before, s.then = until, s.accepted, s.state
	}
	s.closed = append(s.closed, span{now.Add(s.Latency), until})
	return false
}

// state is how much of a limit is used.
type state struct {
	used float64
	last time.Duration
}

// take uses up one request, if the limit has one at the time at, or returns the
// wait for it.
func (u *state) take(l Limit, at time.Duration) (wait time.Duration) {
	most := float64(l.Requests)
	if l.Kind == Windows {
		at += l.Phase
		if at/l.Per != u.last/l.Per {
			u.used = 0
		}
		wait = l.Per - at%l.Per
	} else {
		u.used = max(0, u.used-most*(at-u.last).Seconds()/l.Per.Seconds())
		wait = time.Duration(math.Ceil((u.used + 1 - most) / most * float64(l.Per)))
	}
	u.last = at
	if u.used+1 <= most+1e-6 {
		u.used++
		return 0
	}
	return max(wait, 1)
}

// Told returns when the n-th request can have been answered by a reader that met the
// limit when the reader of s did, waited as long as it was told, and knew everything
// from then on; 0 if no time was named.
func (s *Server) Told(n int, each time.Duration, chain bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named.IsZero() {
		return 0
	}
	u := s.then
	named := s.named.Sub(s.start) + each // where in its round trip the wait began nobody can tell
	l := s.Limit
	if l.Kind == Windows { // when they began nobody can tell who was told whole seconds
		l.Phase, u = 0, state{}
		return named + l.schedule(&u, 0, n-s.before, each, chain)
	}
	return l.schedule(&u, named, n-s.before, each, chain)
}

// Schedule returns the earliest time after the first request at which the n-th one
// can have been answered, by a reader that knows the limit. each is the time of a
// request; one that is a chain waits for each answer before it sends the next.
func (l Limit) Schedule(n int, each time.Duration, chain bool) time.Duration {
	return l.schedule(new(state), 0, n, each, chain)
}

func (l Limit) schedule(u *state, at time.Duration, n int, each time.Duration, chain bool) time.Duration {
	for i := range n {
		if chain && i > 0 {
			at += each
		}
		for {
			wait := u.take(l, at)
			if wait <= 0 {
				break
			}
			at += wait
		}
	}
	return at + each
}

// String returns the limit in words.
func (l Limit) String() string {
	s := strconv.Itoa(l.Requests) + " in " + l.Per.String()
	if l.Kind == Bucket {
		s += ", bucket"
	}
	if l.Phase > 0 {
		s += ", from " + l.Phase.String()
	}
	return s
}

// String returns the style in a word.
func (s Style) String() string { return [...]string{"whole", "fraction", "date", "silent"}[s] }
