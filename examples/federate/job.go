package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// job is one run of the program.
type job struct {
	*settings
	command  command
	stdin    io.Reader
	terminal bool // somebody sits at stdin

	doc  io.Writer // what is for another program: documents
	out  io.Writer // what is for people, of a table; else nothing
	tell io.Writer // what people must see in any case
	err  io.Writer // why it ended
	log  io.Writer // each request, with -v

	plan      federation.Plan
	reports   []*federation.Report // read from files: to be resumed or reverted
	approved  *federation.Proposal
	federator *federation.Federator
	progress  *cli.Progress
	section   int
	asked     bool // the changes were shown already

	kept    reportFiles
	counted *federationtest.Env // stand-ins that count requests; nil on live services
	served  *standin.Services   // stand-ins; nil on live services
}

func newJob(c command, s *settings, stdin io.Reader, stdout, stderr io.Writer) *job {
	j := &job{settings: s, command: c, stdin: stdin, terminal: cli.IsTerminal(stdin), doc: stdout, log: stderr}
	page, errs := cli.NewPage(stdout, s.services.Getenv), cli.NewPage(stderr, s.services.Getenv)
	j.out, j.tell, j.err = page, page, errs
	if s.form != "table" || s.before != "" {
		j.out, j.tell = io.Discard, errs
	}
	j.progress = cli.NewProgress(io.Discard)
	return j
}

// load reads the files that the flags name.
func (j *job) load() (err error) {
	switch {
	case j.planFile != "":
		if j.plan, err = cli.ReadPlan(j.planFile, j.stdin); err != nil {
			return err
		}
	case j.proposal != "":
		if j.approved, err = cli.ReadProposal(j.proposal, j.stdin); err != nil {
			return err
		}
		j.plan.Domain = j.approved.Domain
	case j.standIns && j.resume == "", j.command.name == "demo":
		if j.plan, err = cli.ParsePlan(examplePlan); err != nil {
			return err
		}
	}
	names := j.args
	switch {
	case j.resume != "":
		names = []string{j.resume}
	case j.command.name != "revert":
		if len(j.args) == 1 {
			j.plan.Domain = j.args[0]
		}
		return nil
	}
	for _, name := range names {
		rep, err := cli.ReadReport(name)
		if err != nil {
			return err
		}
		j.reports = append(j.reports, rep)
	}
	switch {
	case j.approved != nil:
		j.approved.Runs = j.reports
	default:
		j.plan = j.reports[0].Plan // pinned: it names what was found and made
	}
	return nil
}

// connect makes the clients and what works on them. Without the right to write
// nothing can be written, whoever tries.
func (j *job) connect() error {
	opts := cli.ClientOptions{ReadOnly: !j.command.writes || j.previewOnly}
	if j.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(j.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	jc, ad, err := j.services.Clients(opts)
	if err != nil {
		return err
	}
	j.federator = federation.New(jc, ad, &federation.Options{
		SignInLog:         j.signInLog(),
		OnEvent:           func(e federation.Event) { j.progress.Event(e) },
		OnReport:          j.kept.store,
		Confirm:           j.confirm,
		Settle:            j.settle,
		TechnicalPassword: aad.NewSecret(j.services.Getenv("TECHNICAL_PASSWORD")),
	})
	return nil
}

// signInLog is what may be read of the sign-in logs, if anything.
func (j *job) signInLog() *federation.SignInLog {
	if !j.signIns {
		return nil
	}
	log := &federation.SignInLog{Since: j.since.Time}
	if log.Since.IsZero() && len(j.reports) > 0 {
		log.Since = j.reports[0].Finished
	}
	return log
}

// watch shows the progress of f: below a table, or on a terminal's standard error.
func (j *job) watch(f func() error) error {
	quiet := j.progress
	switch {
	case j.out != io.Discard:
		j.progress = cli.NewProgress(j.out)
	case cli.IsTerminal(j.err):
		j.progress = cli.NewProgress(j.err)
	}
	err := f()
	if j.progress != quiet {
		j.progress.Close()
	}
	j.progress = quiet
	return err
}

// run is watch for what makes a report.
func (j *job) run(f func() (*federation.Report, error)) (rep *federation.Report, err error) {
	err = j.watch(func() error {
		rep, err = f()
		return err
	})
	return rep, err
}

// confirm is asked once before the first write.
func (j *job) confirm(ctx context.Context, p *federation.Proposal) error {
	if j.yes {
		return nil
	}
	j.progress.Pause()
	if !j.asked {
		fmt.Fprintln(j.tell)
		j.diff(j.tell, p.Changes)
	}
	for i, f := range p.People {
		if i == namesAtMost {
			fmt.Fprintf(j.tell, "  and %d more\n", len(p.People)-namesAtMost)
			break
		}
		fmt.Fprintf(j.tell, "  will be locked out:  %s\n", f)
	}
	return cli.Confirm(ctx, j.stdin, j.terminal, j.tell, fmt.Sprintf("Make %s to %s now?", plural(len(p.Changes), "this change", "these %d changes"), p.Domain))
}

// namesAtMost is how many people are named before a question.
const namesAtMost = 20

// document writes what is not a table: v in JSON, or what markdown writes.
func (j *job) document(v any, markdown func(io.Writer) error) error {
	switch j.form {
	case "json":
		e := json.NewEncoder(j.doc)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "markdown":
		return markdown(j.doc)
	}
	return nil
}

// finish writes a document, and returns the exit code.
func (j *job) finish(code int, v any, markdown func(io.Writer) error) int {
	if err := j.document(v, markdown); err != nil {
		fmt.Fprintln(j.err, err)
		return cmp.Or(code, exitFailed)
	}
	return code
}

// where says what is worked on.
func (j *job) where(does, subject string) {
	where := "live"
	if j.standIns {
		where = "on stand-ins"
	}
	fmt.Fprintf(j.out, "%s: %s\n\n  JumpCloud   %s\n  Azure AD    %s\n", does, where, j.services.JumpCloud(), j.services.AzureAD())
	if subject != "" {
		fmt.Fprintf(j.out, "  %s\n", subject)
	}
}

// source says where the plan is from.
func (j *job) source() string {
	if j.standIns && j.planFile == "" && j.resume == "" {
		return "the plan    plan.yaml of this program"
	}
	return "the plan    " + cmp.Or(j.planFile, j.resume)
}
