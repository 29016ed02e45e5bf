package services

import (
	"math"
	"sync"
	"time"
)

// Limit is how many requests a service takes. Nil takes all.
type Limit struct {
	Requests int           // at once
	Per      time.Duration // the time in which they come back

	// Windows says that all come back at the end of Per, which begins with the first
	// request. Otherwise they come back one by one, as into a bucket.
	Windows bool

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// Schedule returns the shortest time in which n requests are taken, where no answer takes time.
func (l *Limit) Schedule(n int) time.Duration {
	if l.Windows {
		return time.Duration(max(0, n-1)/l.Requests) * l.Per
	}
	return time.Duration(max(0, n-l.Requests)) * l.Per / time.Duration(l.Requests)
}

// take takes a request, or says how long to wait, in whole seconds.
func (l *Limit) take(now time.Time) (wait int, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		l.tokens, l.last = float64(l.Requests), now
	}
	past := now.Sub(l.last)
	switch {
	case !l.Windows:
		l.tokens = min(float64(l.Requests), l.tokens+float64(l.Requests)*float64(past)/float64(l.Per))
		l.last = now
	case past >= l.Per:
		l.tokens, l.last = float64(l.Requests), now
	}
	if l.tokens >= 1 {
		l.tokens--
		return 0, true
	}
	left := l.Per - now.Sub(l.last)
	if !l.Windows {
		left = time.Duration((1 - l.tokens) * float64(l.Per) / float64(l.Requests))
	}
	return max(1, int(math.Ceil(left.Seconds()))), false
}
