// Rotate replaces the certificate that JumpCloud signs with on a federated domain, weeks
// before it ends, without a minute in which a sign-in fails.
//
// It can be watched on stand-ins of both services, which need no account. Their clock is
// bent: hours pass at once, and the sign-ins of every second are judged afterwards:
//
//	go run ./rotate -fast
//	go run ./rotate -fast -method regenerate
//
// On your tenants, in the order in which it is needed:
//
//	go build -o bin/rotate ./rotate
//	mkdir -m 700 keys
//	bin/rotate -plan plan.yaml -watch
//	bin/rotate -plan plan.yaml -keys keys -preview
//	bin/rotate -plan plan.yaml -keys keys -state rotation.json
//
// The last one goes on for about 6 hours. With -once it makes one call and ends, for a
// scheduler that starts it every 10 minutes:
//
//	bin/rotate -plan plan.yaml -keys keys -state rotation.json -once -yes
//
// -plan is the plan that the domain was federated with, or a file that has it under
// "plan" and beside it what the flags say as well:
//
//	plan: {domain: example.com, mfa: acceptIfMfaDoneByFederatedIdp, groups: [{name: Everyone}]}
//	method: second-application
//	replace: 1f2e…             # SHA-256, as -watch shows it
//	settle: 2h
//	consent: {policies: true}
//
// The exit code is
//
//	0    done, or nothing is due
//	1    something failed: run the same command again, it goes on from what it finds
//	2    refused before any write: wrong flags, an unreadable plan, state or key file,
//	     something that stands in the way, not confirmed
//	3    not finished yet: run the same command again, at the time that it says
//	4    a person has to act: what to do is said
//
// With -watch it is what programs that watch others expect:
//
//	0    nothing to do now
//	1    a warning
//	2    an alarm
//	3    not known: wrong flags, or a service that cannot be read
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
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
)

// Exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitRefused = 2
	exitWaiting = 3
	exitPerson  = 4

	watchQuiet   = 0
	watchWarning = 1
	watchAlarm   = 2
	watchUnknown = 3
)

const usage = `Rotate replaces the certificate that JumpCloud signs with on a federated domain.

  rotate -fast [-method M]               show it on stand-ins; no account needed
  rotate -plan F -watch                  how long is it good for?          reads
  rotate -plan F -keys DIR -preview      what does each call do, when?     reads
  rotate -plan F -keys DIR -state S      do it, until it is done          WRITES
    the same with -once -yes             one call, for a scheduler        WRITES

The same command again goes on from what it finds, after whatever happened.

Methods: own-key-pair        no gap, 3 x settle, about 6 h; needs -keys
         second-application  no gap, 5 x settle, about 10 h; -consent policies
         regenerate          sign-ins fail for up to settle; -consent gap
         emergency           for a stolen key: an outage; -consent outage

Exit codes: 0 done, or nothing is due   1 something failed: run it again
  2 refused before any write, wrong flags, an unreadable file
  3 not finished yet: run it again at the time it says   4 a person has to act
With -watch: 0 nothing to do now   1 a warning   2 an alarm   3 not known
("go run" makes 1 of them all.)

Environment:
` + cli.Environment + `  ROTATE_PASSPHRASE         encrypts the key file, and decrypts it

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runAt(ctx, clock{now: time.Now, wait: sleep}, args, stdin, stdout, stderr)
}

func runAt(ctx context.Context, c clock, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, err)
		return s.refused()
	}
	j := &job{
		settings: s, clock: c, stdin: stdin, terminal: cli.IsTerminal(stdin), log: stderr,
		out: cli.NewPage(stdout, s.services.Getenv), err: cli.NewPage(stderr, s.services.Getenv),
	}
	if s.fast {
		return j.demonstrate(ctx)
	}
	if err := j.open(); err != nil {
		fmt.Fprintln(j.err, err)
		return s.refused()
	}
	switch {
	case s.watch:
		return j.look(ctx)
	case s.preview:
		return j.show(ctx)
	}
	return j.rotate(ctx)
}

// A clock is the time, and how it is waited for.
type clock struct {
	now  func() time.Time
	wait func(ctx context.Context, until time.Time) error
}

// sleep waits until a time by the clock on the wall, which may be set meanwhile, or run
// on while the machine is asleep.
func sleep(ctx context.Context, until time.Time) error {
	for {
		left := time.Until(until.Round(0))
		if left <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(left, time.Minute)):
		}
	}
}
