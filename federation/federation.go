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
	// Logger receives one record per [Event], with the same content. What failed
	// is at level Error: a change, or the run. At Warn are refusals, of the plan or
	// of [Options.Confirm] for example, after which nothing has to be mended, and
	// failures after which the run looks again and goes on. Everything else is at
	// Info. The default discards.
	Logger *slog.Logger

	// OnEvent is told of every step. Calls never overlap; a run waits for
	// each to return.
	OnEvent func(Event)

	// Confirm is asked before the first write of a run, with everything that is to be
	// done and everybody who would lose their sign-in; what it says yes to is all that
	// the run does. If it takes its time and something else is missing by then, it is
	// asked again. An error stops the run; it comes back joined with
	// [ErrNotConfirmed].
	Confirm func(context.Context, *Proposal) error

	// ProposalLife is how long a [Proposal] may be applied: by who makes it, and by
	// who applies it, whichever is shorter. The default is 72 hours.
	ProposalLife time.Duration

	// OnReport is given the report before each write, with that step listed as
	// [Unknown], after it, with what came of it, and when the run ends. A program that
	// stores it each time can have everything undone that was ever made, wherever it
	// is killed: [Federator.Revert] looks at what is unknown, and undoes what it can
	// prove to be this run's. An error stops the run before the next write; it comes
	// back joined with [ErrNotStored].
	//
	// Calls never overlap: one that calls a verb which writes, of the same Federator or
	// a view of it, waits for itself. The report goes on changing when OnReport has
	// returned: marshal it, and do not keep it. The context is not cancelled with the
	// run's. What a write depends on is looked at again if OnReport took its time.
	OnReport func(context.Context, *Report) error

	// Now is the clock that dates are compared by: how long certificates are valid,
	// how old a change is, when a report was made. Waits within one call are real.
	// The default is [time.Now].
	Now func() time.Time

	// Settle is how long one change may take to show in both services'
	// answers before the run stops with [ErrNotConverged].
	// The default is 5 minutes.
	Settle time.Duration

	// LikelyService says why an account looks like a service, a room or a
	// shared mailbox rather than a person; "" if it does not. The default is
	// [LikelyService].
	LikelyService func(userPrincipalName, displayName string) (reason string)

	// Keys keeps the key pair of [Federator.Rotate] between its calls. Without it only
	// the methods rotate that need no key, and a second certificate that a rotation has
	// given to Azure AD is unknown to every verb.
	Keys KeyStore

	// SignInLog, if not nil, has Verify and Preflight look at real sign-ins, for which
	// they need further permissions. The default is not to look.
	SignInLog *SignInLog

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
	*shared
}

// shared is what a Federator and its views have in common.
type shared struct {
	events  sync.Mutex // serialises OnEvent
	reports sync.Mutex // serialises OnReport
	mu      sync.Mutex
	domains map[string]chan struct{} // a domain's lock: full while held
	makings makings                  // what several runs may need
}

// New returns a Federator over the two clients. A nil opts means the defaults;
// opts is copied.
func New(jc *jumpcloud.Client, ad *aad.Client, opts *Options) *Federator {
	f := &Federator{jc: jc, ad: ad, shared: &shared{domains: make(map[string]chan struct{})}}
	if opts == nil {
		opts = new(Options)
	}
	return f.With(*opts)
}

// With returns a view of the Federator that goes by other options, all of them: what
// opts leaves out has its default. Clients, their pace, and the locks of domains are
// shared, so a program may have a view for each call, with hooks of its own; calls of
// OnEvent, and those of OnReport, do not overlap over all views. With costs nothing, asks
// nothing, and leaves f as it is.
func (f *Federator) With(opts Options) *Federator {
	opts.Settle = cmp.Or(opts.Settle, 5*time.Minute)
	opts.ProposalLife = cmp.Or(opts.ProposalLife, 72*time.Hour)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Federator{jc: f.jc, ad: f.ad, opts: opts, shared: f.shared}
}

// now is the time by the clock of the options.
func (f *Federator) now() time.Time { return f.opts.Now() }

// age is how long ago something was, by that clock.
func (f *Federator) age(t time.Time) time.Duration { return f.now().Sub(t) }

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
