package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// BatchOptions tune FederateAll. The zero value of every field is its default.
type BatchOptions struct {
	// Concurrency is how many domains are worked on at once. The default is 4.
	Concurrency int
	// KeepGoing goes on with the other domains when one fails.
	KeepGoing bool
}

// ErrNotStarted is the error of a domain that a batch did not come to, because
// another one had failed.
var ErrNotStarted = errors.New("not started, because another domain failed")

// FederateAll federates several domains, one plan each: every domain has an
// application of its own, because Azure AD finds the domain by the
// application's entity ID; groups and the directory may be shared. Subdomains
// inherit from their root and are refused like in Federate.
//
// By default no further domain is begun once one has failed; what is under way
// is finished. The reports are in the order of the plans and never nil. The
// error joins those of the domains; for domains that were not begun it
// includes [ErrNotStarted].
func (f *Federator) FederateAll(ctx context.Context, plans []Plan, opts *BatchOptions) ([]*Report, error) {
	var o BatchOptions
	if opts != nil {
		o = *opts
	}
	reports := make([]*Report, len(plans))
	errs := make([]error, len(plans))
	seen := make(map[string]bool)
	for i, p := range plans {
		reports[i] = &Report{Version: reportVersion, Plan: p, Steps: []Step{}}
		if d := domainName(p.Domain); seen[d] {
			errs[i] = fmt.Errorf("federation: the domain %q has two plans", d)
		} else {
			seen[d] = true
		}
	}
	if err := errors.Join(errs...); err != nil {
		return reports, err
	}
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(cmp.Or(max(o.Concurrency, 0), 4))
	for i, p := range plans {
		g.Go(func() error {
			if failed.Load() && !o.KeepGoing || ctx.Err() != nil {
				errs[i] = fmt.Errorf("federation: %s: %w", p.Domain, cmp.Or(context.Cause(ctx), ErrNotStarted))
				reports[i].Error = errs[i].Error()
				return nil
			}
			reports[i], errs[i] = f.Federate(ctx, p)
			if errs[i] != nil {
				failed.Store(true)
				errs[i] = fmt.Errorf("%s: %w", p.Domain, errs[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each domain's error is in errs
	return reports, errors.Join(errs...)
}
