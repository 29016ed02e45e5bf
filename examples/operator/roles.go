package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/examples/operator/internal/children"
	"github.com/jcaad/jcaad/examples/operator/internal/fakes"
	"github.com/jcaad/jcaad/examples/operator/internal/temporal"
)

// Names of the roles that are children.
const (
	roleTemporal = "serve-temporal"
	roleFakes    = "serve-fakes"
)

// defaultData is the folder of a demonstration.
const defaultData = "operator-data"

// service has the flags that all services have.
type service struct {
	data, addr string
	orphaned   time.Duration
}

func (s *service) register(fs *flag.FlagSet) {
	fs.StringVar(&s.data, "data", defaultData, "the `folder` in which the operator finds this service")
	fs.StringVar(&s.addr, "addr", "127.0.0.1:0", "`address` of loopback to listen at; port 0 takes a free one")
	fs.DurationVar(&s.orphaned, "orphaned", 0, "end when no operator has looked for it for this `time`; 0 is never")
}

// as takes a role, and gives it back when serve returns.
func (s *service) as(ctx context.Context, name string, stdout io.Writer, serve func(context.Context, *children.Child) error) error {
	fmt.Fprintf(stdout, "%s: starts, process %d, data in %s\n", name, os.Getpid(), s.data)
	ctx, c, err := children.Begin(ctx, s.data, name, s.orphaned)
	if errors.Is(err, children.ErrHeld) {
		return fmt.Errorf("another %s serves for %s already", name, s.data)
	}
	if err != nil {
		return err
	}
	err = errors.Join(serve(ctx, c), c.Close())
	fmt.Fprintf(stdout, "%s: ends\n", name)
	return err
}

func serveTemporal(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s service
	fs := flag.NewFlagSet(roleTemporal, flag.ContinueOnError)
	s.register(fs)
	if err := parse(fs, args, stderr, "operator serve-temporal runs a Temporal server with its state in DIR/temporal.db,\n"+
		"for demonstrations and tests. Whoever manages real customers uses a cluster."); err != nil {
		return err
	}
	return s.as(ctx, roleTemporal, stdout, func(ctx context.Context, c *children.Child) error {
		ctx, fail := context.WithCancelCause(ctx)
		defer fail(nil)
		err := temporal.Serve(ctx, temporal.Options{
			File: filepath.Join(s.data, "temporal.db"), Addr: s.addr, Log: filepath.Join(s.data, "logs", "temporal.log"),
			Ready: func(addr string) {
				fmt.Fprintf(stdout, "%s: ready at %s, namespace %s\n", roleTemporal, addr, temporal.Namespace)
				if err := c.Ready(addr); err != nil {
					fail(err)
				}
			},
		})
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = errors.Join(cause, err)
		}
		return err
	})
}

func serveFakes(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s service
	var o fakes.Options
	fs := flag.NewFlagSet(roleFakes, flag.ContinueOnError)
	s.register(fs)
	fs.IntVar(&o.Customers, "customers", 25, "how `many` customers there are")
	fs.IntVar(&o.People, "people", 3, "how `many` people each of them has")
	fs.BoolVar(&o.Plain, "plain", false, "all customers are alike: none is in trouble, none is federated")
	fs.DurationVar(&o.Propagation, "propagation", 0, "how `long` the login service takes, by the bent clock, until it shows a change; "+
		"0 is half an hour, less is none")
	speed := fs.Float64("speed", defaultSpeed, "how many `times` as fast the services' clock runs")
	drift := fs.Duration("drift", 45*time.Second, "after what `time` somebody changes a federation by hand; 0 is never")
	if err := parse(fs, args, stderr, "operator serve-fakes serves customers on stand-ins of JumpCloud and Azure AD.\n"+
		"They are in memory, and forgotten when it ends."); err != nil {
		return err
	}
	if o.Customers < 1 || o.People < 1 {
		fmt.Fprintln(stderr, "there is at least one customer, with at least one person")
		return errUsage
	}
	return s.as(ctx, roleFakes, stdout, func(ctx context.Context, c *children.Child) error {
		var err error
		if o.Clock, err = bent.Open(s.data, *speed); err != nil {
			return err
		}
		f, err := fakes.New(ctx, o)
		if err != nil {
			return err
		}
		if host, _, err := net.SplitHostPort(s.addr); err != nil || !net.ParseIP(host).IsLoopback() {
			return fmt.Errorf("the address %s is not of this machine alone: use one such as 127.0.0.1:8081", s.addr)
		}
		l, err := net.Listen("tcp", s.addr)
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
		defer context.AfterFunc(ctx, func() { srv.Close() })()
		if *drift > 0 {
			go f.DriftLater(ctx, *drift)
		}
		addr := l.Addr().String()
		fmt.Fprintf(stdout, "%s: ready at http://%s, %d customers\n", roleFakes, addr, o.Customers)
		if err := c.Ready(addr); err != nil {
			return errors.Join(err, l.Close())
		}
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

const auditUsage = `operator audit verify FILE
operator audit verify -data DIR

says whether the audit's chain is whole. Whoever can write the file can also make a new
chain, or cut off its end: compare the number of its entries with one kept elsewhere.`

// auditRole verifies an audit.
func auditRole(_ context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("audit verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprintln(stderr, auditUsage) }
	dir := fs.String("data", "", "the `folder` of the operator")
	if len(args) > 0 && args[0] == "verify" {
		args = args[1:]
	} else if len(args) == 0 || !strings.HasPrefix(args[0], "-h") && args[0] != "--help" {
		fs.Usage()
		return errUsage
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case (*dir == "") == (fs.NArg() == 0) || fs.NArg() > 1:
		fs.Usage()
		return errUsage
	}
	name := fs.Arg(0)
	if *dir != "" {
		name = filepath.Join(*dir, "audit.jsonl")
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := audit.Verify(f)
	if err != nil {
		return fmt.Errorf("%s: %d entries are good, then: %w", name, n, err)
	}
	fmt.Fprintf(stdout, "%s: %d entries, the chain is whole\n", name, n)
	return nil
}
