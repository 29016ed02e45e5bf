package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// RevertAll undoes several runs of one domain, the newest first, each as
// [Federator.Revert] does. The reports may come in any order, and those of runs that
// were killed belong to them, as [Options.OnReport] was given them. Reports of Revert
// are passed over: what they undid is seen to be undone when it comes to the run that
// had made it.
//
// The reports that it returns are those of the Reverts, in their order. After one
// that only had to leave something ([Left]) it goes on, because that may belong to an
// older run; after any other error it stops. The error joins those of the Reverts.
func (f *Federator) RevertAll(ctx context.Context, reports ...*Report) ([]*Report, error) {
	runs, err := newestFirst(reports)
	if err != nil {
		return nil, err
	}
	var out []*Report
	var errs []error
	for _, rep := range runs {
		back, err := f.Revert(ctx, rep)
		out = append(out, back)
		if err != nil {
			errs = append(errs, fmt.Errorf("federation: the run of %s: %w", rep.Started.UTC().Format("2006-01-02 15:04:05"), err))
			if !onlyLeft(back) {
				break
			}
		}
	}
	return out, errors.Join(errs...)
}

// onlyLeft reports whether a Revert went through, and only had to leave something.
func onlyLeft(rep *Report) bool {
	return rep.Count(Left) > 0 && rep.Count(Left, Done, Skipped) == len(rep.Steps)
}

// newestFirst are the reports of runs among those of one domain.
func newestFirst(reports []*Report) ([]*Report, error) {
	runs := make([]*Report, 0, len(reports))
	for _, rep := range reports {
		switch {
		case rep == nil:
			return nil, errors.New("federation: one of the reports is nil")
		case domainName(rep.Plan.Domain) != domainName(reports[0].Plan.Domain):
			return nil, fmt.Errorf("federation: the reports are of two domains, %s and %s: revert each domain by itself",
				reports[0].Plan.Domain, rep.Plan.Domain)
		case rep.Verb != VerbRevert:
			runs = append(runs, rep)
		}
	}
	slices.SortStableFunc(runs, func(a, b *Report) int { return b.Started.Compare(a.Started) })
	return runs, nil
}
