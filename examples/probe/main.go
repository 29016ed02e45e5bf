// Probe says whether JumpCloud and Azure AD behave for you as this module assumes.
//
// Much of what the module relies on is documented nowhere, or was seen to differ. The
// program asks both services, reads only, and says of each assumption whether it holds,
// whether it differs and what that means for you, or why it could not be told.
//
// Without a flag it needs no account: it looks at stand-ins of both services on this
// machine, over HTTP, through the code that looks at live ones. -differ has the stand-ins
// behave otherwise, and -fresh takes away what is not there before the first federation:
//
//	go run ./probe
//	go run ./probe -differ jc-template-name,aad-managed-404
//	go run ./probe -fresh
//
// With -live it looks at your organisation and your tenant, with the credentials that
// federate takes, at most 60 requests, and never a write:
//
//	go build -o bin/probe ./probe
//	export JUMPCLOUD_API_KEY=…
//	az login
//	bin/probe -live -domain example.com
//	bin/probe -live -domain example.com -save recording.json
//
// -save writes what went between the program and the services, anonymised, after showing
// what remains and asking: for whoever maintains this module, to make a test of it.
//
// The exit code is
//
//	0    nothing differs; what could not be told is listed
//	1    a service could not be asked, or the recording was not written
//	2    something differs: it is safe to go on, or an option has to be set
//	3    something differs: do not federate yet
//	64   wrong flags, or a setting that is missing or wrong; nothing was asked
//	130  interrupted
//
// "go run" turns each of them but 0 into 1: build the program where they matter.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation/assumptions"
)

// Exit codes, as those of federate.
const (
	exitHolds       = 0
	exitFailed      = 1
	exitDiffers     = 2
	exitNotYet      = 3
	exitUsage       = 64
	exitInterrupted = 130
)

const usage = `Probe says whether JumpCloud and Azure AD behave for you as this module assumes.

  probe                    look at stand-ins; needs no account
  probe -differ ID,…       the same, with these assumptions turned round
  probe -fresh             the same, before anything is federated
  probe -list              every assumption, with what breaks and what answers it
  probe -live              look at your organisation and tenant       reads
  probe -live -save FILE   keep what was seen, anonymised, to hand over

At most 60 requests, and never a write. -o table, json or markdown chooses the form.

Exit codes: 0 nothing differs   1 a service could not be asked
  2 it differs: safe to go on, or an option to set   3 do not federate yet
  64 wrong usage   130 interrupted         ("go run" makes 1 of them all)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	p := &probe{settings: s, stdin: stdin, out: stdout, err: cli.NewPage(stderr, os.Getenv)}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone(nil)
	case err != nil:
		fmt.Fprintln(p.err, err)
		return exitUsage
	case s.list:
		return exitDone(writeList(stdout, s.form))
	}
	stop, err := p.connect()
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	defer stop()
	return p.look(ctx)
}

func exitDone(err error) int {
	if err != nil {
		return exitFailed
	}
	return exitHolds
}

// look looks, shows what was found, and keeps the recording.
func (p *probe) look(ctx context.Context) int {
	if p.form == "table" {
		p.introduce()
	}
	late := fmt.Errorf("not everything was asked within %s; -within gives it longer", p.within)
	within, cancel := context.WithTimeoutCause(ctx, p.within, late)
	defer cancel()
	found, err := assumptions.Look(within, &p.watch, p.jc, p.ad, p.domain)
	if ctx.Err() != nil {
		fmt.Fprintln(p.err, "interrupted")
		return exitInterrupted
	}
	code := exitOf(found)
	if werr := write(p.out, p.form, found); werr != nil {
		fmt.Fprintln(p.err, werr)
		code = exitFailed
	}
	if err != nil {
		p.services.Explain(p.err, err)
		code = exitFailed
	}
	if p.form == "table" {
		p.hint(found)
	}
	if p.save != "" {
		if err := p.keep(ctx); err != nil {
			fmt.Fprintf(p.err, "The recording was not written: %v\n", err)
			code = exitFailed
		}
	}
	return code
}

func exitOf(f *assumptions.Findings) int {
	switch f.Advice() {
	case "":
		return exitHolds
	case assumptions.DoNotFederate:
		return exitNotYet
	}
	return exitDiffers
}
