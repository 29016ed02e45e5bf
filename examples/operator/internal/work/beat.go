package work

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/federation"
)

const (
	beatEvery  = 5 * time.Second
	beatSilent = 20 * time.Second // after which nothing may be written
)

// ErrSilent is why a run ends of which no heartbeat got through: somebody else may have
// been given its work.
var ErrSilent = errors.New("work: no heartbeat got through for 20 s")

// Progress is what a heartbeat tells. It names no person.
type Progress struct {
	Steps int    `json:"steps"`          // that were begun
	Step  string `json:"step,omitempty"` // the last one
}

// Heartbeat returns the Beat of [Options] that sends a heartbeat of the activity that the
// context is of by c, and returns an error unless Temporal has taken it. If the activity
// is to end, or is somebody else's by now, the SDK hears of it, which ends its context.
func Heartbeat(c client.Client) func(context.Context, Progress) error {
	return func(ctx context.Context, p Progress) error {
		err := c.RecordActivityHeartbeat(ctx, activity.GetInfo(ctx).TaskToken, p)
		if over(err) && ctx.Err() == nil {
			activity.RecordHeartbeat(ctx, p)
		}
		return err
	}
}

// over reports whether Temporal has said that an activity is not to go on.
func over(err error) bool {
	var canceled *temporal.CanceledError
	var gone *serviceerror.NotFound
	return errors.As(err, &canceled) || errors.As(err, &gone) ||
		errors.Is(err, activity.ErrActivityPaused) || errors.Is(err, activity.ErrActivityReset)
}

// A pulse sends heartbeats, and ends a context when none gets through.
type pulse struct {
	beat func(context.Context, Progress) error
	end  context.CancelCauseFunc
	done chan struct{}

	mu   sync.Mutex
	now  Progress
	last time.Time // when one got through
}

// pulse begins to send heartbeats. The context ends if none gets through; stop ends both.
func (a *Activities) pulse(ctx context.Context) (_ context.Context, p *pulse, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	p = &pulse{beat: a.o.Beat, end: end, done: make(chan struct{}), last: time.Now()}
	go p.run(ctx)
	return ctx, p, func() {
		end(context.Canceled)
		<-p.done
	}
}

func (p *pulse) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	free := make(chan struct{}, 1) // one heartbeat at a time, which may hang
	free <- struct{}{}
	for {
		select {
		case <-free:
			go func() {
				defer func() { free <- struct{}{} }()
				began := time.Now()
				ctx, cancel := context.WithTimeout(ctx, beatSilent)
				defer cancel()
				if p.beat(ctx, p.progress()) == nil {
					p.mu.Lock()
					p.last = began
					p.mu.Unlock()
				}
			}()
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.silent() {
			p.end(ErrSilent)
			return
		}
	}
}

func (p *pulse) progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// silent reports whether no heartbeat got through for too long.
func (p *pulse) silent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.last) >= beatSilent
}

// step files an event of a run.
func (p *pulse) step(e federation.Event) string {
	s := stepText(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.Step = s; e.Change != nil && e.Phase == federation.PhaseApply && e.Elapsed == 0 {
		p.now.Steps++
	}
	return s
}

// stepText tells an event without what may name a person.
func stepText(e federation.Event) string {
	s := string(e.Phase)
	if e.Change != nil {
		s += fmt.Sprintf(" %s %s", e.Change.Action, e.Change.Resource)
	}
	if e.Attempt > 1 {
		s += fmt.Sprintf(", attempt %d", e.Attempt)
	}
	if e.Total > 0 {
		s += fmt.Sprintf(", %d of %d", e.Done, e.Total)
	} else if e.Done > 0 {
		s += fmt.Sprintf(", %d", e.Done)
	}
	switch {
	case e.Err != nil:
		s += ": " + string(federation.Class(e.Err))
	case e.Elapsed > 0:
		s += ": done"
	}
	return s
}

// reading sends heartbeats for a call that only reads, however they fare; none for a call
// that ends soon.
func (a *Activities) reading(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_ = a.o.Beat(ctx, Progress{Step: "reading"})
		}
	}()
	return cancel
}
