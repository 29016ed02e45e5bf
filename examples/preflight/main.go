// Preflight lists everyone whom federating a domain would lock out, surprise or
// take for somebody else: by name, with the reason and what to do about it. It
// only reads.
//
// Without flags it needs no account: it serves a stand-in of each service on
// this machine, with an organisation of 25 people:
//
//	go run ./preflight
//	go run ./preflight -people 20000 -o csv > people.csv
//
// With -live it looks at your tenants, with clients that cannot write:
//
//	export JUMPCLOUD_API_KEY=…
//	az login
//	go run ./preflight -live -plan plan.yaml
//	go run ./preflight -live -plan plan.yaml -o json > monday.json
//	go run ./preflight -live -plan plan.yaml -before monday.json
//
// The exit code is
//
//	0    nobody would be locked out, but for those whom the plan consents to
//	1    a service failed, or there is nobody to judge
//	3    somebody would be locked out
//	64   wrong flags, or a file or a setting that is missing or wrong; nothing was asked
//	130  interrupted
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// Exit codes.
const (
	exitNobody      = 0
	exitFailed      = 1
	exitLockedOut   = 3
	exitUsage       = 64
	exitInterrupted = 130
)

const usage = `Preflight lists everyone whom federating a domain would lock out.

  go run ./preflight                              on stand-ins of both services; needs no account
  go run ./preflight -live -plan plan.yaml        on your tenants; it only reads
  go run ./preflight -live -plan plan.yaml -o csv > people.csv

Environment, with -live:
` + cli.Environment + `
Exit codes:
  0 nobody would be locked out      1 a service failed, or there is nobody to judge
  3 somebody would be locked out    64 wrong flags or files    130 interrupted

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the flags.
type settings struct {
	live             bool
	planFile, before string
	format           string
	people           int
	latency          time.Duration
	services         cli.Services
}

// formats write a preflight.
var formats = map[string]func(*federation.Preflight, io.Writer) error{
	"table": (*federation.Preflight).WriteTable,
	"csv":   (*federation.Preflight).WriteCSV,
	"json":  (*federation.Preflight).WriteJSON,
	"md":    (*federation.Preflight).WriteMarkdown,
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{services: cli.Services{Getenv: os.Getenv}}
	fs := flag.NewFlagSet("preflight", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, usage)
		fs.PrintDefaults()
	}
	fs.BoolVar(&s.live, "live", false, "look at live tenants (or at whatever the URLs below name) instead of stand-ins")
	fs.StringVar(&s.planFile, "plan", "", "with -live: `file` with the plan, in YAML; see ../federate/plan.yaml")
	fs.StringVar(&s.format, "o", "table", "`format`: table, csv, json or md")
	fs.StringVar(&s.before, "before", "", "`file` with an earlier preflight, in JSON: shows what has changed since instead")
	fs.IntVar(&s.people, "people", 0, "without -live: `how many` more people the stand-ins have on each side")
	fs.DurationVar(&s.latency, "latency", 50*time.Millisecond, "without -live: how `long` the stand-ins take for each request")
	s.services.Flags(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, errors.New("preflight -h tells the flags") // fs has told what is wrong
	}
	switch {
	case fs.NArg() > 0:
		return s, fmt.Errorf("preflight takes no arguments, only flags: %q", fs.Args())
	case formats[s.format] == nil:
		return s, fmt.Errorf("-o %q is none of table, csv, json, md", s.format)
	case s.before != "" && s.format != "table":
		return s, errors.New("-before shows a comparison, for which there is only one format: leave out -o")
	case s.live && s.planFile == "":
		return s, errors.New("-live needs a plan: give -plan FILE")
	case !s.live && s.planFile != "":
		return s, errors.New("-plan needs -live: the stand-ins come with a plan")
	case s.live && s.people != 0, s.people < 0, s.latency < 0:
		return s, errors.New("-people and -latency are for the stand-ins, and not negative")
	}
	return s, nil
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitNobody
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	var plan federation.Plan
	if s.live {
		plan, err = cli.ReadPlan(s.planFile)
	} else {
		var stop func() error
		if plan, stop, err = s.standIns(); err == nil {
			defer stop()
		}
	}
	var before *federation.Preflight
	if err == nil && s.before != "" {
		before, err = read(s.before)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	// The clients cannot write: it is not left to the program's good will.
	jc, ad, err := s.services.Clients(cli.ClientOptions{ReadOnly: true})
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}

	opts := &federation.Options{}
	if cli.IsTerminal(stderr) { // else the output is for a file, or another program
		progress := cli.NewProgress(stderr)
		defer progress.Close()
		opts.OnEvent = progress.Event
	}
	pf, err := federation.New(jc, ad, opts).Preflight(ctx, plan)
	if opts.OnEvent != nil {
		fmt.Fprintln(stderr)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "Interrupted. Nothing was changed.")
		return exitInterrupted
	case err != nil:
		s.services.Explain(stderr, err)
		return exitFailed
	}
	if err := s.show(stdout, pf, before); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return verdict(pf)
}

func read(path string) (*federation.Preflight, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pf, err := federation.ParsePreflight(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pf, nil
}

func (s *settings) show(w io.Writer, pf, before *federation.Preflight) error {
	out := bufio.NewWriter(w)
	var err error
	if before != nil {
		_, err = fmt.Fprint(out, federation.Diff(before, pf))
	} else {
		err = formats[s.format](pf, out)
	}
	return errors.Join(err, out.Flush())
}

// verdict is the exit code.
func verdict(pf *federation.Preflight) int {
	switch {
	case pf.People == nil:
		return exitFailed
	case slices.ContainsFunc(pf.Gates, func(f federation.Finding) bool {
		return f.Code == federation.CodeLockOut && f.Severity == federation.Refusal && !f.Consented
	}):
		return exitLockedOut
	}
	return exitNobody
}
