package federation

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Options tune a [Federator]. The zero value of every field is its default.
type Options struct {
	// Logger receives one record per [Event], with the same content.
	// The default discards.
	Logger *slog.Logger

	// OnEvent is told of every step. Calls never overlap; a run waits for
	// each to return.
	OnEvent func(Event)

	// Confirm is asked once before the first write of a run, with everything
	// that is to be done. An error stops the run; it comes back joined with
	// [ErrNotConfirmed].
	Confirm func(Changes) error

	// Settle is how long one change may take to show in both services'
	// answers before the run stops with [ErrNotConverged].
	// The default is 5 minutes.
	Settle time.Duration

	// LikelyService says why an account looks like a service, a room or a
	// shared mailbox rather than a person; "" if it does not. The default is
	// [LikelyService].
	LikelyService func(userPrincipalName, displayName string) (reason string)

	// TechnicalPassword is the first password of a technical account that the
	// plan has created. It is sent once and never shown.
	TechnicalPassword aad.Secret
}

// A Federator federates domains of one Azure AD tenant with one JumpCloud
// organisation. It is safe for concurrent use; runs for one domain wait for
// each other.
type Federator struct {
	jc   *jumpcloud.Client
	ad   *aad.Client
	opts Options

	events  sync.Mutex // serialises OnEvent
	mu      sync.Mutex
	domains map[string]chan struct{} // a domain's lock: full while held
}

// New returns a Federator over the two clients. A nil opts means the defaults;
// opts is copied.
func New(jc *jumpcloud.Client, ad *aad.Client, opts *Options) *Federator {
	f := &Federator{jc: jc, ad: ad, domains: make(map[string]chan struct{})}
	if opts != nil {
		f.opts = *opts
	}
	f.opts.Settle = cmp.Or(f.opts.Settle, 5*time.Minute)
	if f.opts.Logger == nil {
		f.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return f
}

// lock takes the domain for one run; the returned function gives it back.
func (f *Federator) lock(ctx context.Context, domain string) (unlock func(), err error) {
	f.mu.Lock()
	l := f.domains[domain]
	if l == nil {
		l = make(chan struct{}, 1)
		f.domains[domain] = l
	}
	f.mu.Unlock()
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

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

// An Event is one step of a run, for progress and logs.
type Event struct {
	Time   time.Time
	Phase  Phase
	Domain string
	// Change is set while one change is applied, waited for or undone.
	Change *Change
	// Text says in a few words what is being done or what came of it.
	Text string
	// Attempt counts from 1 within one wait.
	Attempt int
	// Elapsed is set on the event that ends a change or a phase.
	Elapsed time.Duration
	// Done and Total count people while they are read; Total is 0 if unknown.
	Done, Total int
	// Err is a failure that did not end the run, or the one that did.
	Err error
}

// LogValue implements [slog.LogValuer].
func (e Event) LogValue() slog.Value {
	as := []slog.Attr{slog.String("phase", string(e.Phase))}
	if e.Domain != "" {
		as = append(as, slog.String("domain", e.Domain))
	}
	if e.Change != nil {
		as = append(as, slog.String("change", e.Change.String()))
	}
	if e.Text != "" {
		as = append(as, slog.String("text", e.Text))
	}
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
	e.Time = time.Now()
	f.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "federation", slog.Any("event", e))
	if f.opts.OnEvent == nil {
		return
	}
	f.events.Lock()
	defer f.events.Unlock()
	f.opts.OnEvent(e)
}
