package federation

import (
	"context"
	"log/slog"
	"time"
)

// Phase is what a run is doing.
type Phase string

// The phases of a run, in order. PhaseWait and PhaseApply alternate.
const (
	PhaseObserve Phase = "observe" // reading both services
	PhaseCheck   Phase = "check"   // reading what the gates and the list of people need
	PhaseConfirm Phase = "confirm" // asking Options.Confirm
	PhaseApply   Phase = "apply"   // writing a change
	PhaseWait    Phase = "wait"    // looking whether a change shows
	PhaseUndo    Phase = "undo"    // reverting a change
	PhaseDone    Phase = "done"
)

// An Event is one step of a run, for progress and logs. It can be sent as JSON:
// see [Event.MarshalJSON].
type Event struct {
	Time   time.Time
	Phase  Phase
	Domain string
	// Change is set while one change is applied, waited for or undone.
	Change *Change
	// Text says in a few words what is being done or what came of it. It may
	// be empty where Phase and Change tell; [Event.String] never is.
	Text string
	// Attempt counts from 1 within one wait.
	Attempt int
	// Elapsed is set on the event that ends a change or a phase, and on no
	// other; see [Event.Moment].
	Elapsed time.Duration
	// Done and Total count people while they are read; Total is 0 if unknown.
	Done, Total int
	// Err is a failure that did not end the run, or the one that did.
	Err error
}

// LogValue implements [slog.LogValuer].
func (e Event) LogValue() slog.Value {
	as := []slog.Attr{slog.String("phase", string(e.Phase)), slog.String("moment", string(e.Moment()))}
	if e.Domain != "" {
		as = append(as, slog.String("domain", e.Domain))
	}
	if e.Change != nil {
		as = append(as, slog.String("change", e.Change.String()))
	}
	as = append(as, slog.String("text", e.words()))
	if e.Attempt > 0 {
		as = append(as, slog.Int("attempt", e.Attempt))
	}
	if e.Elapsed > 0 {
		as = append(as, slog.Duration("elapsed", e.Elapsed))
	}
	if e.Done > 0 || e.Total > 0 {
		as = append(as, slog.Int("done", e.Done), slog.Int("total", e.Total))
	}
	if e.Err != nil {
		as = append(as, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(as...)
}

// emit tells one event to the logger and to OnEvent.
func (f *Federator) emit(ctx context.Context, e Event) {
	e.Time = f.now()
	f.opts.Logger.LogAttrs(ctx, e.level(), "federation", slog.Any("event", e))
	if f.opts.OnEvent == nil {
		return
	}
	f.events.Lock()
	defer f.events.Unlock()
	f.opts.OnEvent(e)
}
