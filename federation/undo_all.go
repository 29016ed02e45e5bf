package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// RevertAll undoes several runs of one domain, the newest first, each as
// [Federator.Revert] does. The reports may come in any order, and those of runs that
// were killed belong to them, as [Options.OnReport] was given them. Reports of Revert
// belong to them as well, and are not undone: what they have undone is seen to be undone
// when it comes to the run that had made it, and a federation that they have brought
// back is taken for that of the run. What an older run has made, and a newer one has
// taken away, is not brought back to be taken away again.
//
// The reports that it returns are those of the Reverts, in their order. After one
// that only had to leave something ([Left]) it goes on, because that may belong to an
// older run; after any other error it stops. What was left because people signed in by
// what an older run had made is tried again, in another Revert, when that is undone. The
// error joins those of the last Revert of each run, and wraps [ErrDiffers] if something
// is left. RevertAll may be called again with the same reports: what is undone is
// [Skipped].
//
// Reports of several domains or customers, and a nil one, are refused before anything is
// asked; without reports there is nothing to do.
func (f *Federator) RevertAll(ctx context.Context, reports ...*Report) (out []*Report, err error) {
	reports, err = newestFirst(reports)
	if err != nil {
		return nil, err
	}
	return f.revertAll(ctx, reports, nil)
}

// revertAll undoes runs, the newest first. Runs of which something was left are undone
// once more after older ones, as long as that changes something.
func (f *Federator) revertAll(ctx context.Context, reports []*Report, approved *approval) (out []*Report, err error) {
	heirs := broughtBack(reports)
	var sent []Step
	todo := make([]int, 0, len(reports))
	for i, rep := range reports {
		if rep.Verb != VerbRevert {
			todo = append(todo, i)
		}
	}
	errs, rest := make([]error, len(reports)), slices.Clone(reports)
	for len(todo) > 0 {
		var left []int
		changed := false // since something was left
		for _, i := range todo {
			rep := rest[i]
			u := f.newRevert(rep)
			u.heirs, u.approved, u.earlier, u.elders = heirs, approved, sent, elders(reports[i+1:])
			err := u.finish(ctx, u.revert(ctx, rep), "undone")
			out, sent, heirs = append(out, u.rep), append(sent, u.rep.Steps...), append(heirs, broughtBack([]*Report{u.rep})...)
			changed = changed || len(left) > 0 && u.rep.Changed()
			if errs[i] = nil; err == nil {
				continue
			}
			errs[i] = fmt.Errorf("federation: the run of %s: %w", rep.Started.UTC().Format("2006-01-02 15:04:05"), err)
			if !onlyLeft(u.rep) {
				return out, errors.Join(errs...)
			}
			left, rest[i] = append(left, i), leftOf(rep, u.rep)
		}
		if !changed {
			break
		}
		todo = left
	}
	return out, errors.Join(errs...)
}

// leftOf is a report of what its Revert has left. The rest was seen to be undone.
func leftOf(rep, reverted *Report) *Report {
	left := *rep
	left.Steps = slices.Clone(rep.Steps)
	for i, s := range left.Steps {
		if !slices.ContainsFunc(reverted.Steps, func(o Step) bool { return o.Outcome == Left && o.Change.key() == s.Change.inverse().key() }) {
			left.Steps[i].Outcome = Skipped
		}
	}
	return &left
}

// elders are the steps of older runs, which are undone later.
func elders(older []*Report) (steps []Step) {
	for _, rep := range older {
		if rep.Verb != VerbRevert {
			steps = append(steps, rep.Steps...)
		}
	}
	return steps
}

// elder reports whether an older run, which is undone later, has made a thing: if that
// is gone, neither it nor anything of it is brought back, to be taken away again.
func (u *undoing) elder(r Resource, name, id string) bool {
	return slices.ContainsFunc(u.elders, func(s Step) bool {
		return s.tookEffect() && s.Change.Action == Create && s.Change.Resource == r &&
			(name == "" || s.Change.Name == name) && (id == "" || s.ID == id)
	})
}

// onlyLeft reports whether a Revert went through, and only had to leave something.
func onlyLeft(rep *Report) bool {
	return rep.Count(Left) > 0 && rep.Count(Left, Done, Skipped) == len(rep.Steps)
}

// broughtBack are the IDs of the federations that Reverts have brought back.
func broughtBack(reports []*Report) (ids []string) {
	for _, rep := range reports {
		for _, s := range rep.Steps {
			if rep.Verb == VerbRevert && s.Change.federates() && s.tookEffect() && s.ID != "" {
				ids = append(ids, s.ID)
			}
		}
	}
	return ids
}

// newestFirst sorts reports, which are to be of one domain of one customer.
func newestFirst(reports []*Report) ([]*Report, error) {
	tenant, organization := "", ""
	for _, rep := range reports {
		if rep == nil {
			return nil, errors.New("federation: one of the reports is nil")
		}
		tenant, organization = cmp.Or(tenant, rep.Tenant), cmp.Or(organization, rep.Organization)
		switch {
		case rep.Tenant != "" && rep.Tenant != tenant:
			return nil, fmt.Errorf("federation: the reports are of two Azure AD tenants, %s and %s: revert those of each by themselves",
				tenant, rep.Tenant)
		case rep.Organization != "" && rep.Organization != organization:
			return nil, fmt.Errorf("federation: the reports are of two JumpCloud organisations, %s and %s: revert those of each by themselves",
				organization, rep.Organization)
		case domainName(rep.Plan.Domain) != domainName(reports[0].Plan.Domain):
			return nil, fmt.Errorf("federation: the reports are of two domains, %s and %s: revert each domain by itself",
				reports[0].Plan.Domain, rep.Plan.Domain)
		}
	}
	reports = slices.Clone(reports)
	slices.SortStableFunc(reports, func(a, b *Report) int { return b.Started.Compare(a.Started) })
	return reports, nil
}
