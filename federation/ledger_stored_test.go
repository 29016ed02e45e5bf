package federation_test

import (
	"context"
	"slices"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// storing are options of a program that keeps its reports on a shelf, until it dies
// with ctx.
func (s *shelf) storing(ctx context.Context) *federation.Options {
	keep := s.begin()
	return &federation.Options{OnReport: func(c context.Context, rep *federation.Report) error {
		if context.Cause(ctx) != nil {
			return nil // nobody is there any more
		}
		return keep(c, rep)
	}}
}

// keepers are verbs of programs that store their reports, or what was approved: what
// was made is undone, or carried to its end, and nobody loses their sign-in by it.
var keepers = []verb{
	{"Federate that stores its reports, and RevertAll", func(s *tale) {
		var kept shelf
		p := s.rich()
		s.amid(func(ctx context.Context) { s.federate(ctx, p, kept.storing(ctx)) })
		time.Sleep(time.Minute)
		s.federate(s.ctx, p, kept.storing(s.ctx))
		time.Sleep(time.Minute)
		s.revertAll(s.ctx, &kept)
	}},
	{"RevertAll", func(s *tale) {
		var kept shelf
		p := s.rich()
		s.federate(s.ctx, s.Plan(), kept.storing(s.ctx))
		time.Sleep(time.Minute)
		s.federate(s.ctx, p, kept.storing(s.ctx))
		time.Sleep(time.Minute)
		s.amid(func(ctx context.Context) {
			s.call("RevertAll", func() (w said) {
				reps, err := s.Federator(kept.storing(ctx)).RevertAll(ctx, kept.reports(s.t)...)
				return s.reverted(reps, err)
			})
		})
		time.Sleep(time.Minute)
		s.revertAll(s.ctx, &kept)
	}},
	{"Apply, and Apply again", func(s *tale) {
		var kept shelf
		p, err := s.Federator(nil).Propose(s.ctx, s.rich())
		if err != nil {
			s.t.Fatal(err)
		}
		s.amid(func(ctx context.Context) { s.apply(ctx, p, &kept) })
		time.Sleep(time.Minute)
		for range 5 { // as often as a replica may answer with what is old
			p.Runs = kept.reports(s.t)
			if err = s.apply(s.ctx, p, &kept); err == nil {
				return
			}
			time.Sleep(10 * time.Minute)
		}
		s.blame("Apply does not come to its end", "%v", err)
	}},
}

func (s *tale) reverted(reps []*federation.Report, err error) (w said) {
	s.note("RevertAll: %v\n%v", err, reps)
	w.refusal(err)
	for _, rep := range reps {
		w.report(rep)
	}
	return w
}

// revertAll undoes everything that was stored, after which nothing is left: in a few
// calls, where a replica answers with what is old.
func (s *tale) revertAll(ctx context.Context, kept *shelf) {
	var last error
	for range 5 {
		s.call("RevertAll", func() said {
			var reps []*federation.Report
			reps, last = s.Federator(kept.storing(ctx)).RevertAll(ctx, kept.reports(s.t)...)
			return s.reverted(reps, last)
		})
		if last == nil {
			break
		}
		time.Sleep(10 * time.Minute)
	}
	_, federated := s.AzureAD.Federation(s.Domain)
	apps := len(s.JumpCloud.Applications())
	group := slices.ContainsFunc(s.JumpCloud.Groups(), func(g jumpcloudtest.Group) bool { return g.Name == "Pilots" })
	if last != nil || federated || apps > 0 || group {
		s.blame("RevertAll leaves something", "federated %v, %d applications, its group %v: %v", federated, apps, group, last)
	}
}

func (s *tale) apply(ctx context.Context, p *federation.Proposal, kept *shelf) (err error) {
	s.call("Apply", func() (w said) {
		var rep *federation.Report
		rep, err = s.Federator(kept.storing(ctx)).Apply(ctx, p)
		s.note("Apply: %v\n%s", err, rep)
		w.refusal(err)
		w.report(rep)
		return w
	})
	return err
}
