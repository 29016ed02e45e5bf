package pace

import (
	"context"
	"sync"
	"time"

	"github.com/jcaad/jcaad/internal/wait"
)

// width is how many bulk requests are under way at a time. It starts small,
// grows by one with each answer, so it doubles each round. A sign of strain
// halves it: a refusal, a warning, a 5xx, or latency that grows with the width.
// After a refusal the pace keeps the service from harm, and the width grows as
// before; after the other signs it grows by one each round.
//
// The mutex of the Gate guards it.
type width struct {
	now, most int
	cap       int // not more than that for a while; 0: as many as now
	inUse     int
	waiting   []chan struct{}

	careful    bool      // there was a sign of strain other than a refusal
	narrowed   time.Time // when it was halved last
	round      int       // answers since the last step
	fastest    time.Duration
	typical    time.Duration // moving average
	fastestAge int
}

// enter waits for a place. mu is not held.
func (w *width) enter(ctx context.Context, mu *sync.Mutex) error {
	mu.Lock()
	if w.inUse < w.allowed() {
		w.inUse++
		mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	w.waiting = append(w.waiting, ch)
	mu.Unlock()
	select {
	case <-ch: // the place was handed over
		return nil
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	for i, other := range w.waiting {
		if other == ch {
			w.waiting = append(w.waiting[:i:i], w.waiting[i+1:]...)
			return wait.Ended(ctx)
		}
	}
	w.leave() // it came in the same moment
	return wait.Ended(ctx)
}

// allowed is how many may be under way.
func (w *width) allowed() int {
	if w.cap > 0 {
		return min(w.now, w.cap)
	}
	return w.now
}

func (w *width) leave() {
	w.inUse--
	w.admit()
}

func (w *width) admit() {
	for w.inUse < w.allowed() && len(w.waiting) > 0 {
		w.inUse++
		close(w.waiting[0])
		w.waiting = w.waiting[1:]
	}
}

// served counts an answer.
func (w *width) served(sent, done time.Time) {
	if w.slower(done.Sub(sent)) {
		w.careful = true
		w.strain(done, sent)
		return
	}
	w.round++
	if w.now >= w.most || w.inUse < w.now/2 { // wide enough, or not used
		return
	}
	if !w.careful || w.round >= w.now {
		w.now++
		w.round = 0
		w.admit()
	}
}

// slower keeps the latencies and reports whether the service slows down under
// the present width: typical answers take more than twice as long as the
// fastest, and by more than a jitter.
func (w *width) slower(d time.Duration) bool {
	const jitter = 50 * time.Millisecond
	if w.fastestAge++; w.fastest == 0 || d < w.fastest || w.fastestAge > 1000 {
		w.fastest, w.fastestAge = max(d, 1), 0
	}
	if w.typical == 0 {
		w.typical = d
	}
	w.typical += (d - w.typical) / 8
	return w.typical > 2*w.fastest+jitter
}

// strain narrows the width, once for all requests that were under way.
func (w *width) strain(now, sent time.Time) {
	w.round = 0
	if !sent.After(w.narrowed) {
		return
	}
	w.narrowed = now
	w.now = max(1, w.now/2)
	w.typical = w.fastest
}
