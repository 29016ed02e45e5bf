package federation

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// errNotShown is what a step ends with to which a service has said yes, and which
// does not show.
var errNotShown = errors.New("the service has said yes, and it does not show yet")

// shows reports whether the services show a change to be made: by itself, not in
// some other way.
func (r *repairing) shows(ctx context.Context, c Change) bool {
	at, _, err := r.f.personStands(ctx, c, Unknown)
	return err == nil && at == undone
}

// readBack looks what became of steps whose outcome is unknown: those to which a
// service has said yes until nothing has shown for as long as a change may take,
// those whose answer was lost at the same time. Nothing is sent, and what is there
// now was not there before. Of an undo, lost answers are [repairing.doubtful].
func (r *repairing) readBack(ctx context.Context, todo []int) {
	last := time.Now()
	for n := 1; ctx.Err() == nil; n++ {
		var mu sync.Mutex
		var waiting []int
		progress := false
		var g errgroup.Group
		g.SetLimit(repairWorkers)
		for _, i := range todo {
			s := &r.rep.Steps[i]
			if s.Outcome != Unknown || r.phase == PhaseUndo && !r.said[i] {
				continue
			}
			g.Go(func() error {
				is := r.shows(ctx, s.Change)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case is:
					s.Outcome, s.Error, s.RequestID = Done, "", ""
					progress = true
				case r.said[i]:
					waiting = append(waiting, i)
				}
				return nil
			})
		}
		_ = g.Wait() // what cannot be read stays unknown
		if n == 1 {
			waiting = r.withoutRule(ctx, waiting)
		}
		if progress {
			last = time.Now()
		}
		if len(waiting) == 0 || since(ctx, last) >= r.f.opts.Settle || sleep(ctx, backoff(n)) != nil {
			return
		}
	}
}

// withoutRule refuses the changes of groups whose members a rule decides on, and
// returns the other steps.
func (r *repairing) withoutRule(ctx context.Context, steps []int) (others []int) {
	rules := make(map[string]string) // by group
	for _, i := range steps {
		s := &r.rep.Steps[i]
		why, ok := rules[s.Change.Parent]
		if !ok {
			why = r.f.ruled(ctx, s.Change)
			rules[s.Change.Parent] = why
		}
		if why == "" {
			others = append(others, i)
			continue
		}
		s.Outcome, s.Error = Refused, why
	}
	return others
}
