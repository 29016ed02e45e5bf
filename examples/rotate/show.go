package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/federation"
)

// moment is a time for people.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// tell shows what a call did and found.
func (j *job) tell(began time.Time, before *federation.Rotation, err error) {
	rot := j.last
	fmt.Fprintf(j.out, "%2d.  %s  %s\n", j.calls, moment(began), rot.Phase)
	if j.fast && before == nil {
		before = &federation.Rotation{Findings: rot.Findings} // the preview has told them
	}
	known := 0
	if before != nil && len(before.Steps) <= len(rot.Steps) && (len(before.Steps) == 0 || sameStep(before.Steps[0], rot.Steps[0])) {
		known = len(before.Steps)
	}
	for _, s := range rot.Steps[known:] {
		fmt.Fprintf(j.out, "     %-8s %s %s %q%s\n", s.Outcome, s.Change.Action, s.Change.Resource, s.Change.Name, fields(s.Change))
	}
	for _, f := range rot.Findings {
		same := func(g federation.Finding) bool { return g.Code == f.Code && g.Message == f.Message }
		if before != nil && slices.ContainsFunc(before.Findings, same) {
			continue
		}
		if f.Severity == federation.Refusal && (err != nil || f.Consented) {
			continue // the error says it, or the plan consents
		}
		fmt.Fprintf(j.out, "     %s: %s\n", f.Severity, f)
	}
	if rot.Next != "" {
		fmt.Fprintf(j.out, "     next     %s\n", rot.Next)
	}
	if rot.NotBefore.After(j.now()) && !rot.Done() {
		fmt.Fprintf(j.out, "     not before %s\n", moment(rot.NotBefore))
	}
}

func sameStep(a, b federation.Step) bool {
	return a.Started.Equal(b.Started) && a.Change.Name == b.Change.Name && a.Change.Resource == b.Change.Resource
}

// fields names what a change changes.
func fields(c federation.Change) string {
	text := ""
	for _, f := range c.Fields {
		if text != "" {
			text += ","
		}
		text += " " + f.Name
	}
	if text != "" {
		return ":" + text
	}
	return ""
}

// done says what is left for a person.
func (j *job) done() {
	rot := j.last
	if rot.Phase == federation.RotationIdle {
		fmt.Fprintln(j.out, "\nNothing was to be done.")
		return
	}
	fmt.Fprintf(j.out, "\nDone: the rotation of %s is complete (%s).\n", rot.Domain, rot.Phase)
	if path := j.keyPath(); path != "" {
		fmt.Fprintf(j.out, "Nobody needs the key file any more; delete it:\n\n  %s\n", path)
	}
	if a := rot.Plan.Application; rot.Method == federation.SecondApplication && rot.Phase == federation.RotationClosed {
		fmt.Fprintf(j.out, "In the plan that you keep, set\n\n  application:\n    id: %s\n    loginURL: %s\n", a.ID, a.LoginURL)
	}
}

// show is PreviewRotation. It returns the exit code.
func (j *job) show(ctx context.Context) int {
	p, err := j.federator.PreviewRotation(ctx, j.plan, j.last)
	fmt.Fprint(j.out, p)
	if err != nil {
		return j.failed(err)
	}
	return exitDone
}
