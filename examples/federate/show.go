package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// head begins a section.
func (j *job) head(title string) {
	j.section++
	title = fmt.Sprintf("%d. %s", j.section, title)
	width := len(title)
	if page, ok := j.out.(*cli.Page); ok {
		width = min(width, page.Width())
	}
	fmt.Fprintf(j.out, "\n%s\n%s\n\n", title, strings.Repeat("-", width))
}

// diff shows changes.
func (j *job) diff(w io.Writer, changes federation.Changes) {
	if len(changes) == 0 {
		fmt.Fprintln(w, "  nothing: both services are as the plan says")
		return
	}
	for _, line := range strings.Split(strings.TrimSuffix(changes.String(), "\n"), "\n") {
		fmt.Fprintln(w, "  "+line)
	}
	fmt.Fprintf(w, "\n  %s. + is made, ~ is changed, - is removed.\n", plural(len(changes), "1 change", "%d changes"))
}

// layers shows a verification; of one that follows another, what is new.
func (j *job) layers(v, before *federation.Verification) {
	was := make(map[string]federation.LayerStatus)
	if before != nil {
		for _, l := range before.Layers {
			was[l.Name] = l.Status
		}
	}
	same := true
	for _, l := range v.Layers {
		if was[l.Name] == l.Status {
			continue
		}
		same = false
		text := l.Evidence
		if l.Range != "" {
			text += " (live tenants: " + l.Range + ")"
		}
		fmt.Fprintf(j.out, "  %-8s %-12s  %s\n", l.Status, l.Name, text)
	}
	if same {
		fmt.Fprintln(j.out, "  as before")
	}
	if before == nil {
		for _, f := range v.Drift {
			fmt.Fprintf(j.out, "  %-8s  %s\n", f.Severity, f)
		}
	}
}

// rows shows what became of the rows of the procedure. What the report cannot
// know of the last one, the verification tells.
func (j *job) rows(rep *federation.Report, v *federation.Verification) {
	for _, r := range rep.Rows {
		if r.Number == 11 && v != nil && v.Effective() {
			r.State, r.Evidence = "good", "every layer of the verification is good"
		}
		fmt.Fprintf(j.out, "  %2d  %-8s %s\n", r.Number, r.State, r.Title)
		if r.Evidence != "" {
			fmt.Fprintf(j.out, "               %s\n", r.Evidence)
		}
	}
	fmt.Fprintln(j.out, "\n  done: this run wrote it; held: it was so already; checked: read and compared; open: not reached; "+
		"waiting: it takes its time")
}

// count begins to count requests.
func (j *job) count() {
	if j.counted != nil {
		j.counted.ResetLog()
	}
}

// counts shows how many requests there were.
func (j *job) counts() {
	if j.counted != nil {
		fmt.Fprintf(j.out, "\n  The stand-ins counted %d requests, %s.\n", j.counted.Requests(),
			plural(j.counted.Writes(), "1 of them a write", "%d of them writes"))
	}
}

// failed says why the run ended and how to go on. It returns the exit code.
func (j *job) failed(ctx context.Context, err error, rep *federation.Report) int {
	var refused *federation.PreconditionError
	wrote := rep != nil && rep.Changed()
	fmt.Fprintln(j.err)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(j.err, "Interrupted.")
		j.stopped(err, rep)
		j.goOn(wrote)
		return exitInterrupted
	case errors.As(err, &refused), errors.Is(err, federation.ErrNotConfirmed), errors.Is(err, federation.ErrNotApproved) && !wrote:
		j.services.Explain(j.err, err)
		return exitRefused
	}
	j.services.Explain(j.err, err)
	if rep != nil {
		j.stopped(nil, rep)
		j.goOn(wrote)
	}
	return exitFailed
}

// stopped says where a run stopped and what it had done by then.
func (j *job) stopped(err error, rep *federation.Report) {
	var step *federation.StepError
	if errors.As(err, &step) {
		fmt.Fprintf(j.err, "The run stopped at: %s %s %s %q\n", step.Phase, step.Change.Action, step.Change.Resource, step.Change.Name)
	}
	if rep == nil || len(rep.Steps) == 0 {
		fmt.Fprintln(j.err, "Nothing was written.")
		return
	}
	fmt.Fprintln(j.err, "What was sent by then:")
	for _, s := range rep.Steps {
		fmt.Fprintf(j.err, "  %-8s %s %s %q\n", s.Outcome, s.Change.Action, s.Change.Resource, s.Change.Name)
	}
}

// goOn says how to go on.
func (j *job) goOn(wrote bool) {
	kept := j.kept.names()
	switch {
	case !wrote:
		fmt.Fprintln(j.err, "To start again, run the same command.")
	case j.standIns || j.counted != nil:
		fmt.Fprintln(j.err, "On live services: run the same command again. It looks first, and goes on from what it finds. "+
			"(These stand-ins have forgotten everything; the next run starts from the beginning.)")
	case j.command.name == "revert":
		fmt.Fprintln(j.err, "To go on, run the same command again: what is undone already is skipped.")
	case len(kept) > 0 && j.approved != nil:
		fmt.Fprintf(j.err, "To go on with what was approved:  federate apply -proposal %s -resume %s\n"+
			"To undo what was done instead:  federate revert %s\n", j.proposal, kept[0], kept[0])
	case len(kept) > 0 && j.command.name == "apply":
		fmt.Fprintf(j.err, "To go on:  federate apply -resume %s, with your other flags. It looks first, and goes on from what it finds.\n"+
			"To undo what was done instead:  federate revert %s\n", kept[0], kept[0])
	default:
		fmt.Fprintln(j.err, "To go on, run the same command again. It looks first, and goes on from what it finds.")
	}
}

// steps shows what a run did, a line for each step.
func (j *job) steps(rep *federation.Report) {
	if len(rep.Steps) == 0 {
		fmt.Fprintln(j.out, "\n  nothing was to be done")
		return
	}
	fmt.Fprintln(j.out)
	for _, s := range rep.Steps {
		problem := ""
		if s.Error != "" {
			problem = ": " + s.Error
		}
		fmt.Fprintf(j.out, "  %-8s  %s %s %q%s\n", s.Outcome, s.Change.Action, s.Change.Resource, s.Change.Name, problem)
	}
}

// layersMarkdown writes a verification as a table.
func layersMarkdown(w io.Writer, v *federation.Verification) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Verification of %s\n\n| layer | status | what was seen |\n|---|---|---|\n", v.Domain)
	escape := strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[")
	for _, l := range v.Layers {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", l.Name, l.Status, escape.Replace(l.Evidence))
	}
	for i, f := range v.Drift {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "- %s: %s\n", f.Severity, escape.Replace(f.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plural chooses between two texts; the second may have a %d.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	if strings.Contains(many, "%d") {
		return fmt.Sprintf(many, n)
	}
	return many
}
