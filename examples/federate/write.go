package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jcaad/jcaad/federation"
)

// apply makes it so: by a plan, after asking, or by a proposal that was approved.
func (j *job) apply(ctx context.Context) int {
	if j.approved != nil {
		return j.applyProposal(ctx)
	}
	j.where("Federating "+j.plan.Domain+" with JumpCloud", j.source())
	if j.previewOnly {
		return j.preview(ctx)
	}
	j.willKeep()
	return j.federate(ctx)
}

// federate shows what stands in the way and what would change, makes it so,
// and shows what came of it.
func (j *job) federate(ctx context.Context) int {
	if j.form == "table" {
		if code, stop := j.show(ctx, false); stop {
			return code
		}
	}
	j.head("Federate: make it so, the domain last")
	j.count()
	rep, err := j.run(func() (*federation.Report, error) { return j.federator.Federate(ctx, j.plan) })
	j.hasKept()
	if err != nil {
		return j.finishReport(j.failed(ctx, err, rep), rep)
	}
	j.counts()
	v, code := j.verify(ctx)
	j.head("The procedure by hand, row by row, and what became of it")
	j.rows(rep, v)
	if code == exitDone && j.counted != nil {
		code = j.again(ctx)
	}
	return j.finishReport(code, rep)
}

// applyProposal does just what was approved.
func (j *job) applyProposal(ctx context.Context) int {
	j.where("A proposal to "+string(j.approved.Verb)+" "+j.approved.Domain, "the proposal  "+j.proposal)
	j.willKeep()
	fmt.Fprintf(j.out, "\n%s", j.approved)
	j.head("Apply: just that")
	rep, err := j.run(func() (*federation.Report, error) { return j.federator.Apply(ctx, j.approved) })
	j.steps(rep)
	j.hasKept()
	if err != nil {
		return j.finishReport(j.failed(ctx, err, rep), rep)
	}
	code := exitDone
	if j.approved.Plan != nil {
		j.plan = rep.Plan
		var v *federation.Verification
		v, code = j.verify(ctx)
		j.head("The procedure by hand, row by row, and what became of it")
		j.rows(rep, v)
	}
	return j.finishReport(code, rep)
}

// finishReport writes the report as a document, and returns the exit code.
func (j *job) finishReport(code int, rep *federation.Report) int {
	return j.finish(code, rep, func(w io.Writer) error { return federation.Evidence{Report: rep}.WriteMarkdown(w) })
}

// revert undoes what reports say was done.
func (j *job) revert(ctx context.Context) int {
	j.where("Reverting "+plural(len(j.reports), "a run", "%d runs")+" on "+j.plan.Domain, "")
	if j.previewOnly {
		return j.proposed(ctx, func() (*federation.Proposal, error) { return j.federator.ProposeRevert(ctx, j.reports...) })
	}
	j.willKeep()
	j.head("Revert: undo what the reports say was done, the newest first, and of each the last thing first")
	var undone []*federation.Report
	err := j.watch(func() (err error) {
		undone, err = j.federator.RevertAll(ctx, j.reports...)
		return err
	})
	for _, rep := range undone {
		j.steps(rep)
	}
	j.hasKept()
	code := exitDone
	if err != nil {
		var last *federation.Report
		if len(undone) > 0 {
			last = undone[len(undone)-1]
		}
		code = j.failed(ctx, err, last)
	}
	return j.finish(code, undone, func(w io.Writer) error {
		var errs []error
		for _, rep := range undone {
			errs = append(errs, federation.Evidence{Report: rep}.WriteMarkdown(w))
		}
		return errors.Join(errs...)
	})
}

// defederate lets a domain go back to passwords of Azure AD.
func (j *job) defederate(ctx context.Context) int {
	j.defederation.Domain = j.plan.Domain
	j.where("Ending the federation of "+j.plan.Domain, "")
	if j.previewOnly {
		return j.proposed(ctx, func() (*federation.Proposal, error) { return j.federator.ProposeDefederate(ctx, j.defederation) })
	}
	j.willKeep()
	j.head("Defederate: the domain first, and only then what people signed in by")
	rep, err := j.run(func() (*federation.Report, error) { return j.federator.Defederate(ctx, j.defederation) })
	return j.ended(ctx, rep, err)
}

// repair gives people what they need to sign in.
func (j *job) repair(ctx context.Context) int {
	j.repairs.Plan = j.plan
	j.where("Repairing people of "+j.plan.Domain, j.source())
	if j.previewOnly {
		return j.proposed(ctx, func() (*federation.Proposal, error) { return j.federator.ProposeRepair(ctx, j.repairs) })
	}
	j.willKeep()
	j.head("Repair: person by person")
	rep, err := j.run(func() (*federation.Report, error) {
		rep, err := j.federator.PreviewRepair(ctx, j.repairs)
		if err != nil || rep.Count(federation.Planned) == 0 {
			return rep, err
		}
		return j.federator.Repair(ctx, rep)
	})
	return j.ended(ctx, rep, err)
}

// ended shows what came of a run.
func (j *job) ended(ctx context.Context, rep *federation.Report, err error) int {
	j.steps(rep)
	for _, f := range rep.Findings {
		fmt.Fprintf(j.out, "  %-8s  %s\n", f.Severity, f)
	}
	j.hasKept()
	code := exitDone
	if err != nil {
		code = j.failed(ctx, err, rep)
	}
	return j.finishReport(code, rep)
}

// again federates once more: nothing is left to do.
func (j *job) again(ctx context.Context) int {
	j.head("The same again: a second run finds nothing to do")
	j.count()
	rep, err := j.run(func() (*federation.Report, error) { return j.federator.Federate(ctx, j.plan) })
	if err != nil {
		return j.failed(ctx, err, rep)
	}
	j.counts()
	if rep.Changed() {
		fmt.Fprintln(j.err, "the second run wrote something, which it must not")
		return exitFailed
	}
	fmt.Fprintf(j.out, "\nNothing to do: %s is federated with JumpCloud.\n", j.plan.Domain)
	return exitDone
}
