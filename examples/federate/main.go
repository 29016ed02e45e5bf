// Federate federates an Azure AD domain with JumpCloud, and shows each step.
//
// Without a command it needs no account: it serves a stand-in of each service on
// this machine, with an organisation of 25 people, and federates example.com
// over HTTP, through the code that serves live tenants:
//
//	go run ./federate
//
// It ends with a person's sign-in, walked page by page over HTTP. With -serve the stand-ins
// go on listening, and you can sign in with your own browser:
//
//	go run ./federate -serve
//
// With a command it works on your tenants, and asks before the first write:
//
//	go build -o bin/federate ./federate
//	export JUMPCLOUD_API_KEY=…
//	az login
//	bin/federate preflight -plan plan.yaml
//	bin/federate preview -plan plan.yaml
//	bin/federate apply -plan plan.yaml
//	bin/federate verify -plan plan.yaml -wait 2h
//	bin/federate revert federate-example.com-20260102-030405.json
//
// What is approved by somebody else, later, is a proposal in a file, and just that is
// done:
//
//	bin/federate preview -plan plan.yaml -o json > proposal.json
//	bin/federate apply -proposal proposal.json
//
// The exit code is
//
//	0    done, or nothing to do; nobody would be locked out
//	1    a service failed, or the result is wrong
//	2    a preview: there is something to change
//	3    refused, or not confirmed, and nothing was written; somebody would be locked out
//	4    in order, but people cannot sign in yet
//	64   wrong flags, or a file or a setting that is missing or wrong; nothing was asked
//	130  interrupted
//
// "go run" turns each of them but 0 into 1: build the program where they matter.
//
// Whatever writes keeps its report in a file, before each write and after it, also if
// it is killed. It is safe to repeat: after an error or an interruption, run the same
// command again. It looks first, and goes on from what it finds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
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

const usage = `Federate lets people sign in to Microsoft 365 through JumpCloud.

  federate                       show it on stand-ins; needs no account
  federate -serve                then sign in there with a browser
  federate preflight -plan F     who would be locked out, and why     reads
  federate preview -plan F       what would change                    reads
  federate apply -plan F         do it, after asking; safe to repeat  WRITES
  federate verify -plan F        does it hold, can people sign in     reads
  federate inspect DOMAIN        its state, and the safe next step    reads
  federate overview              every domain of the tenant           reads
  federate revert REPORT...      undo what reports say was done       WRITES
  federate defederate DOMAIN     back to passwords of Azure AD        WRITES
  federate repair -plan F        immutable IDs, bindings, groups      WRITES

"federate COMMAND -h" tells its flags. -plan - reads standard input, and
-o table, json or markdown chooses the form. "federate -version" tells it.
Whatever writes keeps a report in a file: it says which at once.

Exit codes: 0 done   1 failed, or wrong   2 a preview with changes
  3 refused, or somebody would be locked out   4 not in effect yet
  64 wrong usage   130 interrupted         ("go run" makes 1 of them all)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// A command is what the first argument names.
type command struct {
	name, args, does string
	flags            func(*settings, *flag.FlagSet) // its own; nil: none
	check            func(*settings) error
	run              func(*job, context.Context) int // returns the exit code
	writes           bool
}

// commands are in the order in which they are needed.
func commands() []command {
	return []command{
		{
			name: "demo", does: "federates stand-ins of both services, and shows each step and a sign-in",
			flags: (*settings).demoFlags, check: (*settings).checkDemo, run: (*job).demonstrate, writes: true,
		},
		{
			name: "preflight", args: "-plan FILE", does: "lists everyone whom federating would lock out, and why",
			flags: (*settings).preflightFlags, check: (*settings).checkPreflight, run: (*job).preflight,
		},
		{
			name: "preview", args: "-plan FILE", does: "shows what would change",
			flags: (*settings).planFlags, check: (*settings).checkPlan, run: (*job).preview,
		},
		{
			name: "apply", args: "-plan FILE", does: "federates by the plan, after asking",
			flags: (*settings).applyFlags, check: (*settings).checkApply, run: (*job).apply, writes: true,
		},
		{
			name: "verify", args: "-plan FILE", does: "says whether it holds, and whether people can sign in",
			flags: (*settings).verifyFlags, check: (*settings).checkVerify, run: (*job).verifyOnly,
		},
		{
			name: "inspect", args: "DOMAIN", does: "names the state of a domain and the safe next step",
			check: (*settings).checkDomain, run: (*job).inspect,
		},
		{
			name: "overview", does: "shows every domain of the tenant at a glance",
			check: (*settings).checkNothing, run: (*job).overview,
		},
		{
			name: "revert", args: "REPORT...", does: "undoes what reports of one domain say was done, the newest first",
			flags: (*settings).writeFlags, check: (*settings).checkRevert, run: (*job).revert, writes: true,
		},
		{
			name: "defederate", args: "DOMAIN -passwords STRATEGY", does: "lets a domain go back to passwords of Azure AD",
			flags: (*settings).defederateFlags, check: (*settings).checkDefederate, run: (*job).defederate, writes: true,
		},
		{
			name: "repair", args: "-plan FILE", does: "gives people what they need to sign in",
			flags: (*settings).repairFlags, check: (*settings).checkRepair, run: (*job).repair, writes: true,
		},
	}
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "-serve" || args[0] == "--serve" {
		args = append([]string{"demo"}, args...)
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return exitDone
	case "-version", "--version", "version":
		fmt.Fprintln(stdout, version())
		return exitDone
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		s, err := c.parse(args[1:], stdout, stderr)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return exitDone
		case err != nil:
			fmt.Fprintln(stderr, err)
			return exitUsage
		}
		return newJob(c, s, stdin, stdout, stderr).start(ctx)
	}
	if strings.HasPrefix(args[0], "-") {
		fmt.Fprintf(stderr, "federate begins with a command, and its flags follow: %q is none. federate -h tells the commands\n", args[0])
	} else {
		fmt.Fprintf(stderr, "federate has no command %q. federate -h tells them\n", args[0])
	}
	return exitUsage
}

// version says what was built.
func version() string {
	is, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		is = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = ", revision " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return fmt.Sprintf("federate %s%s, %s %s/%s", is, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// start works on stand-ins or on live services, and returns the exit code.
func (j *job) start(ctx context.Context) int {
	err := j.load()
	if err == nil && (j.standIns || j.command.name == "demo") {
		var stop func() error
		if stop, err = j.serve(); err == nil {
			defer stop()
		}
	}
	if err == nil {
		err = j.connect()
	}
	if err == nil && j.command.writes && !j.previewOnly && j.command.name != "demo" {
		err = j.keepReport()
	}
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitUsage
	}
	return j.command.run(j, ctx)
}
