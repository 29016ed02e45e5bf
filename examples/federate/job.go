package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// job is one run of the program.
type job struct {
	settings
	stdin    io.Reader
	terminal bool // somebody sits at stdin
	out, err io.Writer

	plan      federation.Plan
	done      *federation.Report // read from a file: to be resumed or reverted
	federator *federation.Federator
	progress  *cli.Progress
	section   int
	asked     bool // the changes were shown already

	counted *federationtest.Env // stand-ins that count requests; nil on live services
}

// federate shows what stands in the way and what would change, makes it so,
// and shows what came of it.
func (j *job) federate(ctx context.Context) int {
	if code, stop := j.show(ctx); stop {
		return code
	}

	j.head("Federate: make it so, the domain last")
	j.count()
	rep, err := j.run(ctx, j.federator.Federate)
	saved := j.save(rep, err)
	if saved != nil {
		fmt.Fprintln(j.err, saved)
	}
	if err != nil {
		return j.failed(ctx, err, rep)
	}
	j.counts()

	v, code := j.verify(ctx)
	j.head("The procedure by hand, row by row, and what became of it")
	j.rows(rep, v)
	switch {
	case saved != nil:
		return exitFailed
	case code != exitDone || j.counted == nil:
		return code
	}
	return j.again(ctx)
}

// findingsAtMost is how many findings about people are shown.
const findingsAtMost = 50

// show runs what only reads. It reports whether to stop, and with which code.
func (j *job) show(ctx context.Context) (code int, stop bool) {
	j.head("Preflight: who and what stands in the way? (reads only)")
	var pre *federation.Preflight
	err := j.watch(func() (err error) {
		pre, err = j.federator.Preflight(ctx, j.plan)
		return err
	})
	if err != nil {
		return j.failed(ctx, err, nil), true
	}
	fmt.Fprintln(j.out)
	cli.Findings(j.out, pre, findingsAtMost)

	j.head("Preview: what would change? (reads only)")
	changes, err := j.federator.Preview(ctx, j.plan)
	if err == nil || len(changes) > 0 {
		j.diff(changes)
	}
	switch {
	case err != nil:
		return j.failed(ctx, err, nil), true
	case !j.preview:
		j.asked = true
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
	for _, g := range p.Gates {
		if g.Severity == federation.Refusal && !g.Consented {
			return true
		}
	}
	return false
}

// watch shows the progress of f.
func (j *job) watch(f func() error) error {
	quiet := j.progress
	j.progress = cli.NewProgress(j.out)
	err := f()
	j.progress.Close()
	j.progress = quiet
	return err
}

// run is watch for what makes a report.
func (j *job) run(
	ctx context.Context, f func(context.Context, federation.Plan) (*federation.Report, error),
) (rep *federation.Report, err error) {
	err = j.watch(func() error {
		rep, err = f(ctx, j.plan)
		return err
	})
	return rep, err
}

// verify looks layer by layer whether people can sign in, until they can or the
// time of -wait is over.
func (j *job) verify(ctx context.Context) (*federation.Verification, int) {
	j.head("Verify: does it hold, and can people sign in? Layer by layer")
	v, err := j.look(ctx)
	switch {
	case v == nil:
		return nil, j.failed(ctx, err, nil)
	case v.Wrong():
		fmt.Fprintln(j.out, "\nA layer is wrong, and waiting does not mend it.")
		return v, exitFailed
	case v.Effective():
		fmt.Fprintln(j.out, "\nEvery layer is good: people can sign in.")
		return v, exitDone
	case err != nil && !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return v, j.failed(ctx, err, nil)
	case j.wait > 0:
		fmt.Fprintf(j.out, "\nNot in effect after %s; nothing is wrong. Run the same command again to go on waiting.\n", j.wait)
		return v, exitWaiting
	}
	fmt.Fprintf(j.out, "\nNot in effect yet; nothing is wrong. Run the same command again in %s, or with -wait 2h.\n", v.AskAgain)
	return v, exitDone
}

// look verifies once and, with -wait, again until the result is final.
func (j *job) look(ctx context.Context) (v *federation.Verification, err error) {
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
	if v == nil {
		return before, err
	}
	j.layers(v, before)
	return v, err
}

// again federates once more: nothing is left to do.
func (j *job) again(ctx context.Context) int {
	j.head("The same again: a second run finds nothing to do")
	j.count()
	rep, err := j.run(ctx, j.federator.Federate)
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

// undo reverts what a report says was done.
func (j *job) undo(ctx context.Context) int {
	j.head("Revert: undo what the report says was done, last first")
	rep, err := j.run(ctx, func(ctx context.Context, _ federation.Plan) (*federation.Report, error) {
		return j.federator.Revert(ctx, j.done)
	})
	fmt.Fprintln(j.out)
	for _, s := range rep.Steps {
		fmt.Fprintf(j.out, "  %-8s %s %s %q", s.Outcome, s.Change.Action, s.Change.Resource, s.Change.Name)
		if s.Error != "" {
			fmt.Fprintf(j.out, ": %s", s.Error)
		}
		fmt.Fprintln(j.out)
	}
	saved := j.save(rep, err)
	if saved != nil {
		fmt.Fprintln(j.err, saved)
	}
	switch {
	case err != nil:
		return j.failed(ctx, err, rep)
	case saved != nil:
		return exitFailed
	}
	return exitDone
}

// confirm is asked once before the first write.
func (j *job) confirm(ctx context.Context, changes federation.Changes) error {
	if j.yes {
		return nil
	}
	j.progress.Pause()
	if !j.asked {
		fmt.Fprintln(j.out)
		j.diff(changes)
	}
	if !j.terminal {
		return errors.New("standard input is no terminal, so that nobody can be asked; -yes goes on without asking")
	}
	fmt.Fprintf(j.out, "\nMake %s to %s now? Type yes: ", plural(len(changes), "this change", "these %d changes"), j.plan.Domain)
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(j.stdin).ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(j.out)
		return context.Cause(ctx)
	case answer := <-line:
		if answer != "yes" {
			return errors.New("the answer was not yes")
		}
		return nil
	}
}

// save writes the report to the file that -report names, unless the run ended
// before it wrote anything.
func (j *job) save(rep *federation.Report, err error) error {
	if j.report == "" || err != nil && len(rep.Steps) == 0 {
		return nil
	}
	if err := cli.WriteJSON(j.report, rep); err != nil {
		return fmt.Errorf("the report was not written: %w", err)
	}
	fmt.Fprintf(j.out, "\nThe report is in %s.", j.report)
	if j.revert == "" {
		fmt.Fprintf(j.out, " To undo this run: federate -live -revert %s", j.report)
	}
	fmt.Fprintln(j.out)
	return nil
}
