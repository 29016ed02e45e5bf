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
	makings makings                  // what several runs may need
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
