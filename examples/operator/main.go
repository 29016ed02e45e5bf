// Operator federates the domains of many customers, and keeps them so: for hundreds of
// customers, and days at a time, on Temporal.
//
//	go run -C examples/operator .
//
// Without flags it shows that on stand-ins of both services. It prints the address of
// its page, and runs until it is interrupted. The other roles of the program are
// services that it starts itself:
//
//	operator serve-temporal   a Temporal server with its state in a file
//	operator serve-fakes      customers on stand-ins, in memory
//	operator audit verify     whether the audit's file is whole
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	os.Exit(dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitGood  = 0
	exitWrong = 1  // something failed
	exitUsage = 64 // flags or arguments
)

// errUsage is of arguments; what is wrong was printed.
var errUsage = errors.New("wrong arguments")

const usage = `operator federates the domains of many customers, and keeps them so.

  operator [flags]                        the page and what works for it; -h tells the flags
  operator serve-temporal [flags]         a Temporal server with its state in a file
  operator serve-fakes [flags]            customers on stand-ins, in memory
  operator audit verify FILE | -data DIR  whether an audit is whole

Without flags the first one shows what it does on stand-ins of JumpCloud and Azure AD: it
starts the second and the third itself, ends them when it is interrupted, and finds them
again if it was killed.

Exit codes: 0 good, 1 something failed, 64 wrong flags or arguments.
`

// role is one of the program's.
type role func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// dispatch plays the role that the arguments name. It returns the exit code.
func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	roles := map[string]role{roleTemporal: serveTemporal, roleFakes: serveFakes, "audit": auditRole}
	play := role(operate)
	if len(args) > 0 && args[0] == "help" {
		fmt.Fprint(stdout, usage)
		return exitGood
	}
	if len(args) > 0 {
		if named, ok := roles[args[0]]; ok {
			play, args = named, args[1:]
		}
	}
	switch err := play(ctx, args, stdout, stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitGood
	case errors.Is(err, errUsage):
		return exitUsage
	default:
		fmt.Fprintln(stderr, "operator:", err)
		return exitWrong
	}
}

// parse reads flags, which say what is wrong with them, and refuses other arguments.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer, about string) error {
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintf(stderr, "%s\n\nFlags:\n", about)
		fs.PrintDefaults()
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "%q is neither a role nor a flag; operator help tells them\n", fs.Arg(0))
		return errUsage
	}
	return nil
}
