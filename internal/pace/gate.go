// Package pace decides when requests to a service that counts them may leave.
package pace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jcaad/jcaad/internal/wait"
)

// Gate stands before one service, for all that ask it. It is
//
//   - a gate: after a throttling answer nothing leaves before the time named;
//   - a pace: after the first refusal requests keep to the limit that it tells of
//     (quota.go), or are spaced at the rate that the service was seen to bear (rate.go);
//   - a width: so many bulk requests at a time as it bears (width.go), and no more
//     single ones than there are connections. What waited behind the gate for
//     one would be sent after a refusal that all others keep to.
//
// Whoever wants to send takes the turn, waits for gate and pace, and gives the
// turn away. So there is one sleeper and no herd, and a single call goes before
// the pages of a bulk read.
//
// A request goes through Enter, is sent, and tells what came of it with Observe;
// whether or not it was sent, Leave gives its place back.
type Gate struct {
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
	places    width // of single requests: as many as there are connections
	expected  int   // bulk requests of the lists that were begun
	accepted  int   // bulk requests
	refused   int
}

// Lease is the permission to send one request. The zero value is none.
type Lease struct {
	held  bool
	bulk  bool
	bound bool // the pace, not the demand, set the time
	at    time.Time
}

// ClosedError says that nothing leaves for Wait: it is longer than the caller's
// patience, or than its context lives, and then Err says so.
type ClosedError struct {
	Wait time.Duration
	Err  error
}

func (e *ClosedError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("the service allows no request for another %v", e.Wait.Round(time.Millisecond))
}

// Unwrap returns e.Err.
func (e *ClosedError) Unwrap() error { return e.Err }

// New returns an open gate through which first bulk requests go at a time, and
// never more than most. As many single requests go beside them.
func New(first, most int) *Gate {
	return &Gate{
		changed: make(chan struct{}),
		width:   width{now: first, most: most},
		places:  width{now: most, most: most},
	}
}

// Patience is how long Enter may wait: for the gate at once, and in all. Bulk
// requests wait in all as long as their context lives.
type Patience struct{ Single, Total time.Duration }

// Enter waits until a request may be sent. It fails at once, with a
// [ClosedError], if the wait is longer than may be waited or than ctx lives.
func (g *Gate) Enter(ctx context.Context, bulk bool, pat Patience) (Lease, error) {
	began := time.Now()
	if err := g.place(bulk).enter(ctx, &g.mu); err != nil {
		return Lease{}, err
	}
	l, err := g.turn(ctx, bulk, began, pat)
	if err != nil {
		g.Leave(Lease{held: true, bulk: bulk})
	}
	return l, err
}

// place is where a request has its place.
func (g *Gate) place(bulk bool) *width {
	if bulk {
		return &g.width
	}
	return &g.places
}

func (g *Gate) turn(ctx context.Context, bulk bool, began time.Time, pat Patience) (Lease, error) {
	bound := false
	mine := false // whether this call has the turn
	for {
		g.mu.Lock()
		now := time.Now()
		if !mine && !g.taken {
			g.taken, mine = true, true
		}
		closed := g.notBefore.Sub(now)
		delay := closed
		if mine && closed <= 0 {
			g.rate.left, g.rate.few = g.expected-g.accepted, g.few()
			delay = g.rate.delay(now)
			g.narrow() // it may have learned
		}
		err := ctx.Err()
		switch {
		case err != nil:
			err = wait.Ended(ctx)
		case closed > pat.Single || !bulk && now.Sub(began)+delay > pat.Total:
			err = &ClosedError{Wait: max(closed, delay)}
		case delay > 0 && !wait.Fits(ctx, delay):
			err = &ClosedError{delay, &wait.DeadlineError{Wait: delay}}
		}
		if err != nil || mine && delay <= 0 {
			if mine {
				g.pass()
			}
			if err == nil {
				g.rate.take(now)
			}
			g.mu.Unlock()
			return Lease{held: err == nil, bulk: bulk, bound: bound, at: now}, err
		}
		changed := g.changed
		var ready chan struct{}
		if !mine {
			ready = make(chan struct{})
			if bulk {
				g.bulk = append(g.bulk, ready)
			} else {
				g.single = append(g.single, ready)
			}
		}
		g.mu.Unlock()

		var timer *time.Timer
		var over <-chan time.Time
		if mine {
			bound = bound || closed <= 0
			timer = time.NewTimer(delay)
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
			mine = g.withdraw(ready)
		}
	}
}

// pass gives the turn to the next in line. g.mu is held.
func (g *Gate) pass() {
	for _, line := range []*[]chan struct{}{&g.single, &g.bulk} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = (*line)[1:]
			return
		}
	}
	g.taken = false
}

// withdraw leaves the line and reports whether the turn had come already.
func (g *Gate) withdraw(ready chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, line := range []*[]chan struct{}{&g.single, &g.bulk} {
		for i, ch := range *line {
			if ch == ready {
				*line = append((*line)[:i:i], (*line)[i+1:]...)
				return false
			}
		}
	}
	return true
}

// Leave gives the place of a request back.
func (g *Gate) Leave(l Lease) {
	if l.held {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.place(l.bulk).leave()
	}
}

// Closed returns how long the gate stays closed.
func (g *Gate) Closed() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, time.Until(g.notBefore))
}

// Waits of our own, when the service refuses and names no time.
const (
	minRefusalWait = 250 * time.Millisecond
	maxRefusalWait = 15 * time.Second
	// maxGate is the longest closure believed: a service that names more
	// than a day has sent something else than a wait.
	maxGate = 24 * time.Hour
)

// Answer is what came of a request.
type Answer struct {
	Status  int           // 0: none came
	Done    time.Time     // when it had come
	Refused bool          // it was throttled, as all others would have been
	Asked   time.Duration // how long the service asked to wait, 0 if it did not
	Grain   time.Duration // by how much of it the service may have rounded up
	Used    float64       // the share of the limit that is used, if the service warns of it
}

// Observe learns from the answer to a request that had the lease l.
func (g *Gate) Observe(l Lease, a Answer) {
	if !l.held {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case a.Refused:
		g.refused++
		fresh := l.at.After(g.episode) // else it was under way when the refusal came
		if fresh {
			g.episode = a.Done
			g.refusals++
		}
		pause := a.Asked
		if pause <= 0 {
			pause = g.ownWait()
		}
		g.close(a.Done.Add(min(pause, maxGate)))
		g.rate.refused(l.at, a.Done, pause, a.Grain, a.Asked > 0, fresh)
		g.width.strain(a.Done, l.at)
		g.narrow()
	case a.Status != 0 && a.Status < 500:
		g.refusals = 0
		g.rate.accepted(l, a.Done)
		if l.bulk {
			g.accepted++
			g.narrow()
			g.width.served(l.at, a.Done)
		}
		if a.Used >= 0.8 {
			g.rate.slow(a.Done, a.Used)
			g.width.careful = true
			g.width.strain(a.Done, l.at)
		}
	default: // no answer, or the service is in trouble
		g.width.careful = true
		g.width.strain(a.Done, l.at)
	}
}

// ownWait is the wait after a refusal that names none: as long as a few
// requests take at the pace known, twice as long each time it did not help.
func (g *Gate) ownWait() time.Duration {
	if d := g.rate.ownWait(time.Now()); d > 0 {
		return d
	}
	d := minRefusalWait
	if g.rate.known() {
		d = max(minRefusalWait/5, min(minRefusalWait*4, time.Duration(2/g.rate.pace*float64(time.Second))))
	}
	d = min(d<<min(max(g.refusals-1, 0), 12), maxRefusalWait)
	return d + rand.N(d/5+1)
}

// close shuts the gate until t, with a few milliseconds of grace: several
// processes may have been told the same time.
func (g *Gate) close(t time.Time) {
	if !t.After(g.notBefore) {
		return
	}
	g.notBefore = t.Add(rand.N(5 * time.Millisecond))
	close(g.changed)
	g.changed = make(chan struct{})
}

// Close shuts the gate for d: the service is away, and said how long.
func (g *Gate) Close(d time.Duration) {
	if d > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.close(time.Now().Add(min(d, maxGate)))
	}
}

// Expect says that a list of so many bulk requests is about to be read; fewer than none
// takes back what a list that ended early has not asked for.
func (g *Gate) Expect(requests int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expected += requests
}

// Throttled reports whether the service has ever refused.
func (g *Gate) Throttled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rate.closing || g.rate.refusedOnce()
}

// Width returns how many bulk requests of the lists expected may be under way at
// a time.
func (g *Gate) Width() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rate.closing || g.rate.refusedOnce() || g.accepted >= wideAfter {
		return g.width.allowed()
	}
	return min(g.width.allowed(), g.start())
}

const (
	// burstShare: a limit that nobody knew of refuses all that is under way when it
	// is met. That is no more than a 25th of what is read.
	burstShare = 25
	// doubtShare is the same for the second refusal, where the first told too little.
	doubtShare = 100
	// wideAfter is how many accepted requests show that there is no small limit.
	wideAfter = 75
)

// few reports whether the list is too short for another refusal. g.mu is held.
func (g *Gate) few() bool {
	allowed := 0.05
	if g.expected < 50 {
		allowed = 0.08
	}
	return g.expected > g.accepted && float64(g.refused+1) > allowed*float64(g.expected+g.refused+1)
}

// start is how many bulk requests of a list may be under way before the first
// refusal. g.mu is held.
func (g *Gate) start() int {
	n := max(1, (g.expected+burstShare/2)/burstShare)
	if g.expected < 4*burstShare {
		return min(n, max(1, g.accepted/3))
	}
	return min(n, max(4, g.accepted))
}

// narrow keeps few bulk requests under way while it is doubtful what the service
// bears. g.mu is held.
func (g *Gate) narrow() {
	before := g.width.cap
	switch {
	case !g.rate.closing && !g.rate.refusedOnce() && g.accepted < wideAfter:
		g.width.cap = max(4, g.start())
	case !g.rate.closing && !g.rate.doubted && g.rate.quota.n > 0 && g.rate.quota.good <= g.rate.quota.n:
		g.width.cap = max(4, 2*g.expected/doubtShare) // until the next span has begun as it should
	case !g.rate.closing && !g.rate.doubted:
		g.width.cap = 0
	case g.rate.quota.good == 0 && !g.rate.named:
		g.width.cap = 1
	case g.expected < 2*wideAfter:
		g.width.cap = 1
	default:
		g.width.cap = max(2, g.expected/doubtShare)
	}
	if before != g.width.cap {
		g.width.admit()
	}
}
