package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// preflight lists everyone whom federating would lock out.
func (j *job) preflight(ctx context.Context) int {
	before, err := j.earlier()
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitUsage
	}
	j.where("Preflight of "+j.plan.Domain, j.source())
	fmt.Fprintln(j.out)
	pre, err := j.look(ctx)
	if err != nil {
		return j.failed(ctx, err, nil)
	}
	code := exitDone
	switch {
	case pre.People == nil:
		code = exitFailed
	case slices.ContainsFunc(pre.Gates, func(f federation.Finding) bool {
		return f.Code == federation.CodeLockOut && f.Severity == federation.Refusal && !f.Consented
	}):
		code = exitRefused
	}
	switch {
	case before != nil:
		_, err = fmt.Fprint(j.doc, federation.Diff(before, pre))
	case j.lockOuts:
		err = j.writeLockOuts(pre)
	case j.form == "csv":
		err = j.withBOM(pre.WriteCSV)
	case j.form == "json":
		err = pre.WriteJSON(j.doc)
	case j.form == "markdown":
		err = pre.WriteMarkdown(j.doc)
	default:
		fmt.Fprintln(j.out)
		cli.Findings(j.out, pre, pre.People.Len())
	}
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitFailed
	}
	return code
}

// earlier reads the preflight to compare with, if there is one.
func (j *job) earlier() (*federation.Preflight, error) {
	if j.before == "" {
		return nil, nil
	}
	b, err := os.ReadFile(j.before)
	if err != nil {
		return nil, err
	}
	pre, err := federation.ParsePreflight(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.before, err)
	}
	return pre, nil
}

// look reads both directories.
func (j *job) look(ctx context.Context) (pre *federation.Preflight, err error) {
	err = j.watch(func() error {
		pre, err = j.federator.Preflight(ctx, j.plan)
		return err
	})
	return pre, err
}

// findingsAtMost is how many findings about people are shown beside other things.
const findingsAtMost = 50

// show runs what only reads. It reports whether to stop, and with which code.
func (j *job) show(ctx context.Context, only bool) (code int, stop bool) {
	j.head("Preflight: who and what stands in the way? (reads only)")
	pre, err := j.look(ctx)
	if err != nil {
		return j.failed(ctx, err, nil), true
	}
	fmt.Fprintln(j.out)
	cli.Findings(j.out, pre, findingsAtMost)

	j.head("Preview: what would change? (reads only)")
	changes, err := j.federator.Preview(ctx, j.plan)
	if err == nil || len(changes) > 0 {
		j.diff(j.out, changes)
	}
	switch {
	case err != nil:
		return j.failed(ctx, err, nil), true
	case !only:
		j.asked = j.form == "table"
		return exitDone, false
	case shut(pre):
		fmt.Fprintln(j.out, "\nFederate would refuse, because of what preflight calls a refusal.")
		return exitRefused, true
	case len(changes) > 0:
		return exitChanges, true
	}
	return exitDone, true
}

// shut reports whether a gate keeps Federate from writing.
func shut(p *federation.Preflight) bool {
	return slices.ContainsFunc(p.Gates, func(g federation.Finding) bool { return g.Severity == federation.Refusal && !g.Consented })
}

// preview shows what apply would do. As a document that is a proposal, or a page for
// a change ticket.
func (j *job) preview(ctx context.Context) int {
	if j.form != "table" {
		return j.proposed(ctx, func() (*federation.Proposal, error) { return j.federator.Propose(ctx, j.plan) })
	}
	j.where("Preview of "+j.plan.Domain, j.source())
	code, _ := j.show(ctx, true)
	return code
}

// proposed shows what a verb would do, and returns the exit code of a preview.
func (j *job) proposed(ctx context.Context, propose func() (*federation.Proposal, error)) int {
	var p *federation.Proposal
	err := j.watch(func() (err error) {
		p, err = propose()
		return err
	})
	code := exitDone
	switch {
	case err != nil:
		code = j.failed(ctx, err, nil)
	case len(p.Changes) > 0:
		code = exitChanges
	}
	if p == nil || err != nil && code != exitRefused {
		return code
	}
	if j.form == "table" {
		fmt.Fprintf(j.out, "\n%s", p)
	}
	return j.finish(code, p, func(w io.Writer) error {
		plan := federation.Plan{Domain: p.Domain}
		if p.Plan != nil {
			plan = *p.Plan
		}
		return federation.Evidence{Plan: plan, Changes: p.Changes}.WriteMarkdown(w)
	})
}

// verifyOnly says whether the plan holds and people can sign in.
func (j *job) verifyOnly(ctx context.Context) int {
	j.where("Verify "+j.plan.Domain, j.source())
	v, code := j.verify(ctx)
	if v == nil {
		return code
	}
	if code == exitDone && !v.Effective() {
		code = exitWaiting
	}
	return j.finish(code, v, func(w io.Writer) error { return layersMarkdown(w, v) })
}

// verify looks layer by layer whether people can sign in, until they can or the
// time of -wait is over.
func (j *job) verify(ctx context.Context) (*federation.Verification, int) {
	j.head("Verify: does it hold, and can people sign in? Layer by layer")
	v, err := j.verification(ctx)
	switch {
	case v == nil:
		return nil, j.failed(ctx, err, nil)
	case v.Wrong():
		fmt.Fprintln(j.out, "\nA layer is wrong, and waiting does not mend it.")
		return v, exitFailed
	case v.Effective():
		fmt.Fprintln(j.out, "\n"+effective(v))
		return v, exitDone
	case err != nil && !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return v, j.failed(ctx, err, nil)
	case j.wait > 0:
		fmt.Fprintf(j.out, "\nNot in effect after %s; nothing is wrong. To go on waiting:  federate verify -wait 2h, with the same plan\n",
			j.wait)
		return v, exitWaiting
	}
	fmt.Fprintf(j.out, "\nNot in effect yet; nothing is wrong. Ask again in %s:  federate verify, with the same plan, or with -wait 2h\n",
		v.AskAgain)
	return v, exitDone
}

// effective says that people can sign in, and what that rests on.
func effective(v *federation.Verification) string {
	for _, l := range v.Layers {
		if l.Name == federation.LayerSignIn && l.Status != federation.Good {
			return "People can sign in by what both services show; that somebody has is not proved yet."
		}
	}
	return "Every layer is good: people can sign in."
}

// verification verifies once and, with -wait, again until the result is final.
func (j *job) verification(ctx context.Context) (v *federation.Verification, err error) {
	start := time.Now()
	for {
		next, err := j.federator.Verify(ctx, j.plan)
		if err != nil {
			return v, err
		}
		if j.wait > 0 {
			fmt.Fprintf(j.out, "  after %.1f s\n", time.Since(start).Seconds())
		}
		j.layers(next, v)
		v = next
		left := j.wait - time.Since(start)
		switch {
		case v.Effective() || v.Wrong() || left <= 0:
			return v, nil
		case j.every == 0:
			return j.waitFor(ctx, v, left)
		}
		select {
		case <-ctx.Done():
			return v, context.Cause(ctx)
		case <-time.After(min(j.every, left)):
		}
	}
}

// waitFor leaves it to the library when to look again.
func (j *job) waitFor(ctx context.Context, before *federation.Verification, atMost time.Duration) (v *federation.Verification, err error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err = j.watch(func() error {
		v, err = j.federator.Wait(ctx, j.plan)
		return err
	})
	if err == nil && j.signIns { // at which Wait does not look
		v, err = j.federator.Verify(ctx, j.plan)
	}
	if v == nil {
		return before, err
	}
	j.layers(v, before)
	return v, err
}

// inspect names the state of a domain.
func (j *job) inspect(ctx context.Context) int {
	var s *federation.Status
	err := j.watch(func() (err error) {
		s, err = j.federator.Inspect(ctx, j.plan.Domain)
		return err
	})
	if err != nil {
		return j.failed(ctx, err, nil)
	}
	fmt.Fprintf(j.out, "\n%s", s)
	return j.finish(exitDone, s, federation.Statuses{*s}.WriteMarkdown)
}

// overview shows every domain of the tenant.
func (j *job) overview(ctx context.Context) int {
	var all federation.Statuses
	err := j.watch(func() (err error) {
		all, err = j.federator.Overview(ctx)
		return err
	})
	if err != nil {
		return j.failed(ctx, err, nil)
	}
	fmt.Fprintf(j.out, "\n%s", all)
	code := exitDone
	if slices.ContainsFunc(all, func(s federation.Status) bool { return s.Error != "" }) {
		code = exitFailed
	}
	return j.finish(code, all, all.WriteMarkdown)
}
