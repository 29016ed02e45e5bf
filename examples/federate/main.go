// Federate federates an Azure AD domain with JumpCloud, and shows each step.
//
// Without flags it needs no account: it serves a stand-in of each service on
// this machine, with an organisation of 25 people, and federates example.com
// over HTTP, through the code that serves live tenants:
//
//	go run ./federate
//
// With -live it works on your tenants, and asks before the first write:
//
//	export JUMPCLOUD_API_KEY=…
//	az login
//	go run ./federate -live -plan plan.yaml -preview
//	go run ./federate -live -plan plan.yaml -report report.json
//	go run ./federate -live -revert report.json
//
// The exit code is
//
//	0    done, or nothing to do
//	1    a service failed, or the result is wrong
//	2    -preview: there is something to change
//	3    refused, or not confirmed; nothing was written
//	4    done, but people cannot sign in yet within the time that -wait gives
//	64   wrong flags, or a file or a setting that is missing or wrong; nothing was asked
//	130  interrupted
//
// Federating is safe to repeat: after an error or an interruption, run the same
// command again. It looks first, and goes on from what it finds.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2
	exitRefused     = 3
	exitWaiting     = 4
	exitUsage       = 64
	exitInterrupted = 130
)

const usage = `Federate federates an Azure AD domain with JumpCloud.

  go run ./federate                                 on stand-ins of both services; needs no account
  go run ./federate -live -plan plan.yaml -preview  shows what would change on your tenants
  go run ./federate -live -plan plan.yaml           does it, after asking
  go run ./federate -live -revert report.json       undoes what a report says

Environment, with -live:
` + cli.Environment + `  TECHNICAL_PASSWORD        the first password of a technical account that the plan has made

Exit codes:
  0 done, or nothing to do      1 a service failed, or the result is wrong
  2 -preview: changes           3 refused or not confirmed; nothing was written
  4 done, not in effect yet within -wait
  64 wrong flags or files       130 interrupted

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// settings are the flags.
type settings struct {
	onLive, preview, yes, verbose    bool
	planFile, report, resume, revert string
	wait, every                      time.Duration
	services                         cli.Services
}

//go:embed plan.yaml
var examplePlan []byte

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	j := &job{settings: s, stdin: stdin, terminal: cli.IsTerminal(stdin), out: stdout, err: stderr}
	if !s.onLive {
		return j.demonstrate(ctx)
	}
	return j.live(ctx)
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{services: cli.Services{Getenv: os.Getenv}}
	fs := flag.NewFlagSet("federate", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, usage)
		fs.PrintDefaults()
	}
	fs.BoolVar(&s.onLive, "live", false, "work on live tenants (or on whatever the URLs below name) instead of stand-ins")
	fs.StringVar(&s.planFile, "plan", "", "with -live: `file` with the plan, in YAML; see plan.yaml")
	fs.BoolVar(&s.preview, "preview", false, "stop after the preview; exit code 2 if there is something to change")
	fs.BoolVar(&s.yes, "yes", false, "do not ask before the first write")
	fs.StringVar(&s.report, "report", "", "new `file` for the report, in JSON: what -resume and -revert need")
	fs.StringVar(&s.resume, "resume", "", "with -live: go on with the plan of the report in this `file`")
	fs.StringVar(&s.revert, "revert", "", "with -live: undo what the report in this `file` says was done")
	fs.DurationVar(&s.wait, "wait", 0, "how `long` to wait until people can sign in, such as 2h; 0 looks once")
	fs.DurationVar(&s.every, "ask-every", 0, "`pause` between looks with -wait; 0 starts with half a minute and asks less and less often")
	fs.BoolVar(&s.verbose, "v", false, "log each request to standard error")
	s.services.Flags(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, errors.New("federate -h tells the flags") // fs has told what is wrong
	}
	return s, s.check(fs.Args())
}

func (s *settings) check(args []string) error {
	given := 0
	for _, f := range []string{s.planFile, s.resume, s.revert} {
		if f != "" {
			given++
		}
	}
	switch {
	case len(args) > 0:
		return fmt.Errorf("federate takes no arguments, only flags: %q", args)
	case !s.onLive && given > 0:
		return errors.New("-plan, -resume and -revert need -live: without it, stand-ins are federated by the plan in plan.yaml")
	case s.onLive && given == 0:
		return errors.New("-live needs a plan: give -plan FILE, or -resume or -revert with the FILE of a report")
	case given > 1:
		return errors.New("only one of -plan, -resume and -revert can be given")
	case s.preview && s.revert != "":
		return errors.New("-revert shows what it would undo before it asks; -preview is for plans")
	case s.preview && s.report != "":
		return errors.New("-preview makes no report")
	case s.wait < 0 || s.every < 0:
		return errors.New("-wait and -ask-every cannot be negative")
	}
	if s.report != "" {
		return cli.CheckNew(s.report)
	}
	return nil
}

// live works on the services that the flags and the environment name.
func (j *job) live(ctx context.Context) int {
	err := j.load()
	if err == nil {
		err = j.connect(ctx)
	}
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitUsage
	}
	fmt.Fprintf(j.out, "Federating %s with JumpCloud: live\n\n  JumpCloud   %s\n  Azure AD    %s\n  the plan    %s\n",
		j.plan.Domain, j.services.JumpCloud(), j.services.AzureAD(), cmp.Or(j.planFile, j.resume, j.revert))
	if j.revert != "" {
		return j.undo(ctx)
	}
	return j.federate(ctx)
}

// load reads the file with the plan or the report.
func (j *job) load() (err error) {
	switch {
	case j.planFile != "":
		j.plan, err = cli.ReadPlan(j.planFile)
	case j.resume != "":
		if j.done, err = cli.ReadReport(j.resume); err == nil {
			j.plan = j.done.Plan // pinned: it names what was found and made
		}
	default:
		if j.done, err = cli.ReadReport(j.revert); err == nil {
			j.plan = j.done.Plan
		}
	}
	return err
}

// connect makes the clients and what works on them.
func (j *job) connect(ctx context.Context) error {
	opts := cli.ClientOptions{ReadOnly: j.preview}
	if j.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(j.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	jc, ad, err := j.services.Clients(opts)
	if err != nil {
		return err
	}
	j.progress = cli.NewProgress(io.Discard)
	j.federator = federation.New(jc, ad, &federation.Options{
		OnEvent:           func(e federation.Event) { j.progress.Event(e) },
		Confirm:           func(_ context.Context, p *federation.Proposal) error { return j.confirm(ctx, p.Changes) },
		TechnicalPassword: aad.NewSecret(j.services.Getenv("TECHNICAL_PASSWORD")),
	})
	return nil
}
