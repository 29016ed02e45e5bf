package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// pacer decides when a request of a [Caller] may leave. It is
//
//   - a gate: after a throttling answer nothing leaves before the time named;
//   - a pace: after the first refusal requests are spaced at the rate that the
//     service was seen to bear (rate.go);
//   - a width: so many bulk requests at a time as it bears (width.go).
//
// Whoever wants to send takes the turn, waits for gate and pace, and gives the
// turn away. So there is one sleeper and no herd, and a single call goes before
// the pages of a bulk read.
type pacer struct {
	mu        sync.Mutex
	notBefore time.Time     // the gate
	changed   chan struct{} // closed and replaced when the gate moves
	refusals  int           // episodes without an accepted request since
	episode   time.Time     // when the last refusal became known
	taken     bool          // the turn
	single    []chan struct{}
	bulk      []chan struct{}
	rate      rate
	width     width
}

// lease is the permission to send one request.
type lease struct {
	held  bool
	bulk  bool
	bound bool // the pace, not the demand, set the time
	at    time.Time
}

// shutError says that the gate stays closed longer than anybody waits.
type shutError struct{ wait time.Duration }

func (e *shutError) Error() string {
	return fmt.Sprintf("the service allows no request for another %v", e.wait.Round(time.Millisecond))
}

func newPacer(workers, maxWorkers int) *pacer {
	return &pacer{
		changed: make(chan struct{}),
		width:   width{now: workers, most: maxWorkers},
	}
}

// patience is how long enter may wait: for the gate at once, and in all.
type patience struct{ single, total time.Duration }

// enter waits until a request may be sent. It fails at once if the wait is
// longer than may be waited or than ctx lives.
func (p *pacer) enter(ctx context.Context, bulk bool, pat patience) (lease, error) {
	began := time.Now()
	if bulk {
		if err := p.width.enter(ctx, &p.mu); err != nil {
			return lease{}, err
		}
	}
	l, err := p.turn(ctx, bulk, began, pat)
	if err != nil && bulk {
		p.leave(lease{held: true, bulk: true})
	}
	return l, err
}

func (p *pacer) turn(ctx context.Context, bulk bool, began time.Time, pat patience) (lease, error) {
	bound := false
	mine := false // whether this call has the turn
	for {
		p.mu.Lock()
		now := time.Now()
		if !mine && !p.taken {
			p.taken, mine = true, true
		}
		gate := p.notBefore.Sub(now)
		wait := gate
		if mine && gate <= 0 {
			wait = p.rate.delay(now)
		}
		err := ctx.Err()
		switch {
		case err != nil:
			err = ended(ctx)
		case gate > pat.single || !bulk && now.Sub(began)+wait > pat.total:
			err = &shutError{max(gate, wait)}
		case wait > 0 && !meets(ctx, wait):
			err = &deadlineError{wait, true}
		}
		if err != nil || mine && wait <= 0 {
			if mine {
				p.pass()
			}
			if err == nil {
				p.rate.take(now)
			}
			p.mu.Unlock()
			return lease{held: err == nil, bulk: bulk, bound: bound, at: now}, err
		}
		changed := p.changed
		var ready chan struct{}
		if !mine {
			ready = make(chan struct{})
			if bulk {
				p.bulk = append(p.bulk, ready)
			} else {
				p.single = append(p.single, ready)
			}
		}
		p.mu.Unlock()

		var timer *time.Timer
		var over <-chan time.Time
		if mine {
			bound = bound || gate <= 0
			timer = time.NewTimer(wait)
			over = timer.C
		}
		select {
		case <-over:
		case <-ready:
			mine = true
		case <-changed:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ready != nil && !mine {
			mine = p.withdraw(ready)
		}
	}
}

// pass gives the turn to the next in line. p.mu is held.
func (p *pacer) pass() {
	for _, line := range []*[]chan struct{}{&p.single, &p.bulk} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = (*line)[1:]
			return
		}
	}
	p.taken = false
}

// withdraw leaves the line and reports whether the turn had come already.
func (p *pacer) withdraw(ready chan struct{}) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range []*[]chan struct{}{&p.single, &p.bulk} {
		for i, ch := range *line {
			if ch == ready {
				*line = append((*line)[:i:i], (*line)[i+1:]...)
				return false
			}
		}
	}
	return true
}

// leave gives the place of a bulk request back.
func (p *pacer) leave(l lease) {
	if l.held && l.bulk {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.width.leave()
	}
}

// closedFor returns how long the gate stays closed.
func (p *pacer) closedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.notBefore))
}

// Waits of our own, when the service refuses and names no time.
const (
	minRefusalWait = 250 * time.Millisecond
	maxRefusalWait = 15 * time.Second
	// maxGate is the longest closure believed: a service that names more
	// than a day has sent something else than a wait.
	maxGate = 24 * time.Hour
)

// observe learns from an answer: asked is what a throttling answer, or a 503,
// asked to wait, and shut says that all requests are meant.
func (p *pacer) observe(l lease, a *attempt, shut bool, asked time.Duration) {
	if !l.held {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case shut:
		fresh := l.at.After(p.episode) // else it was under way when the refusal came
		if fresh {
			p.episode = a.done
			p.refusals++
		}
		wait := asked
		if wait <= 0 {
			wait = p.ownWait()
		}
		p.close(a.done.Add(min(wait, maxGate)))
		p.rate.refused(l.at, a.done, wait, asked > 0, fresh)
		p.width.strain(a.done, l.at)
	case a.status != 0 && a.status < 500:
		p.refusals = 0
		p.rate.accepted(l, a.done)
		if l.bulk {
			p.width.served(l.at, a.done)
		}
		if pct, err := strconv.ParseFloat(a.header.Get(throttleHeader), 64); err == nil && pct >= 0.8 {
			p.rate.slow(a.done, pct)
			p.width.careful = true
			p.width.strain(a.done, l.at)
		}
	default: // no answer, or the service is in trouble
		p.width.careful = true
		p.width.strain(a.done, l.at)
	}
}

// throttleHeader is Graph's warning: the share of the limit that is used, sent
// from 0.8 on.
var throttleHeader = http.CanonicalHeaderKey("x-ms-throttle-limit-percentage")

// ownWait is the wait after a refusal that names none: as long as a few
// requests take at the pace known, twice as long each time it did not help.
func (p *pacer) ownWait() time.Duration {
	d := minRefusalWait
	if p.rate.known() {
		d = max(minRefusalWait/5, min(minRefusalWait*4, time.Duration(2/p.rate.pace*float64(time.Second))))
	}
	d = min(d<<min(max(p.refusals-1, 0), 12), maxRefusalWait)
	return d + rand.N(d/5+1)
}

// close shuts the gate until t, with a few milliseconds of grace: several
// processes may have been told the same time.
func (p *pacer) close(t time.Time) {
	if !t.After(p.notBefore) {
		return
	}
	p.notBefore = t.Add(rand.N(5 * time.Millisecond))
	close(p.changed)
	p.changed = make(chan struct{})
}

// closeFor shuts the gate for d: the service is away, and said how long.
func (p *pacer) closeFor(d time.Duration) {
	if d > 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.close(time.Now().Add(min(d, maxGate)))
	}
}

func (p *pacer) currentWidth() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width.now
}
