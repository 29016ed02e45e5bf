package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// pacer is the gate, the pace and the width of a Caller.
type pacer struct {
	mu         sync.Mutex
	notBefore  time.Time
	width      int
	maxWidth   int
	inflight   int // bulk
	waiters    []chan struct{}
	backoffs   int
	lastNarrow time.Time
}

// lease is the permission to send one request.
type lease struct {
	bulk, held bool
	at         time.Time
}

// shutError says that the gate stays closed longer than anybody waits.
type shutError struct{ wait time.Duration }

func (e *shutError) Error() string {
	return fmt.Sprintf("the service allows no request for another %v", e.wait.Round(time.Millisecond))
}

func newPacer(width, maxWidth int) *pacer {
	return &pacer{width: width, maxWidth: maxWidth}
}

// enter waits until a request may be sent.
func (p *pacer) enter(ctx context.Context, bulk bool, maxWait time.Duration) (lease, error) {
	for bulk {
		p.mu.Lock()
		if p.inflight < p.width {
			p.inflight++
			p.mu.Unlock()
			break
		}
		ch := make(chan struct{})
		p.waiters = append(p.waiters, ch)
		p.mu.Unlock()
		select {
		case <-ch:
		case <-ctx.Done():
			return lease{}, ended(ctx)
		}
	}
	l := lease{bulk: bulk, held: true}
	for {
		wait := p.closedFor()
		var err error
		switch {
		case ctx.Err() != nil:
			err = ended(ctx)
		case wait <= 0:
			l.at = time.Now()
			return l, nil
		case wait > maxWait:
			err = &shutError{wait}
		case !meets(ctx, wait):
			err = &deadlineError{wait}
		default:
			err = sleep(ctx, wait+rand.N(5*time.Millisecond))
		}
		if err != nil {
			p.leave(l)
			return lease{}, err
		}
	}
}

// leave gives the place back.
func (p *pacer) leave(l lease) {
	if !l.held || !l.bulk {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inflight--
	p.wake()
}

func (p *pacer) wake() {
	for _, ch := range p.waiters {
		close(ch)
	}
	p.waiters = nil
}

func (p *pacer) closedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.notBefore)
}

func (p *pacer) shut() bool { return p.closedFor() > 0 }

// observe learns from an answer.
func (p *pacer) observe(l lease, a *attempt, throttled bool, asked time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case throttled:
		if asked <= 0 {
			asked = min(minBackoff<<min(p.backoffs, 10), maxBackoff)
		}
		if l.at.After(p.lastNarrow) {
			p.backoffs++
			p.width = max(1, p.width/2)
			p.lastNarrow = a.done
		}
		if t := a.done.Add(asked); t.After(p.notBefore) {
			p.notBefore = t
		}
	case a.ok():
		p.backoffs = 0
		if l.bulk && p.width < p.maxWidth {
			p.width++
			p.wake()
		}
	}
}

func (p *pacer) currentWidth() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width
}
