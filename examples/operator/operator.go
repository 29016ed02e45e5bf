package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/examples/operator/internal/codec"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/desk"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/notify"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/examples/operator/internal/trace"
	"github.com/jcaad/jcaad/examples/operator/internal/work"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// operator is one that runs.
type operator struct {
	settings
	out io.Writer
	log *slog.Logger

	dir      *data.Dir
	audit    *audit.Log
	key      approve.Key
	guard    *approve.Guard
	password string
	holder   customers.Holder
	vault    *secret.Vault
	clock    bent.Clock
	client   client.Client
	desk     *desk.Desk
	metrics  *notify.Metrics
	sender   *notify.Sender
	fakes    string // address of the stand-ins
}

// operate runs the operator until a signal ends it.
func operate(ctx context.Context, args []string, out, errout io.Writer) error {
	s, err := readSettings(args, os.Getenv, errout)
	if errors.Is(err, flag.ErrHelp) || errors.Is(err, errUsage) {
		return err
	}
	if err != nil {
		fmt.Fprintln(errout, "operator:", err)
		return errUsage
	}
	if s.demonstration {
		fmt.Fprintf(out, "The demonstration begins. Nothing of it leaves this machine; what it keeps is in %s\n", s.dir)
	} else {
		fmt.Fprintf(out, "The operator begins, with what it keeps in %s\n", s.dir)
	}
	o := &operator{settings: s, out: out, clock: bent.Clock{}}
	return o.run(ctx, errout)
}

// run opens what is kept, and runs everything until ctx ends.
func (o *operator) run(ctx context.Context, errout io.Writer) (err error) {
	if o.dir, err = o.folder(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.dir.Close()) }()
	logs, err := o.openLog(errout)
	if err != nil {
		return err
	}
	defer logs.Close()
	if o.audit, err = audit.Open(o.dir.Audit()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.audit.Close()) }()
	if e, ok := o.audit.Repair(); ok {
		o.log.Warn("the audit had a torn end", "entry", e.Seq, "outcome", e.Outcome)
	}
	shutdown, err := trace.Setup(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = shutdown(ctx) // spans that cannot be sent are dropped
	}()
	passphrase := o.getenv(passphraseVariable)
	connection := client.Options{}
	if o.demonstration {
		d, err := o.demonstrate(ctx)
		if err != nil {
			return err
		}
		defer d.stop(ctx)
		connection, passphrase = d.connection, d.secrets.Passphrase
	} else if connection, err = o.cluster(); err != nil {
		return err
	}
	if err := o.holder.Load(o.settings.customers); err != nil {
		return err
	}
	if err := o.credentials(); err != nil {
		return err
	}
	o.vault = secret.NewVault(nil)
	connection.Logger = sdkLog{o.log}
	if o.client, err = client.NewLazyClient(connection); err != nil {
		return fmt.Errorf("the client of Temporal: %w", err)
	}
	defer o.client.Close()
	o.desk = desk.New(desk.Options{
		Client: o.client, Data: o.dir, Audit: o.audit, Key: o.key, Customers: &o.holder, Vault: o.vault,
		Password: o.guard.ByPassword(), Speed: o.speed, Now: o.clock.Now, Log: o.log,
	})
	return o.serve(ctx, passphrase)
}

// folder opens the folder of what is kept. The stand-ins are in memory: of a demonstration
// in its own folder whose stand-ins are gone, nothing is kept.
func (o *operator) folder(ctx context.Context) (*data.Dir, error) {
	options := &data.Options{KeepPeople: o.keep}
	dir, err := data.Open(o.settings.dir, options)
	if err != nil || !o.own {
		return dir, err
	}
	if _, ok := newChildren(dir.Path(), o.speed, nil, func(string) {}).Find(ctx, roleFakes); ok {
		return dir, nil
	}
	if err := errors.Join(dir.Close(), os.RemoveAll(dir.Path())); err != nil {
		return nil, err
	}
	return data.Open(o.settings.dir, options)
}

// serve runs the page, the worker, and what is done from time to time, until ctx ends.
func (o *operator) serve(ctx context.Context, passphrase string) error {
	wo := work.Options{
		Customers: o.holder.Current, Roles: o.desk.Roles, Vault: o.vault, Data: o.dir, Audit: o.audit, Key: o.key,
		Now: o.clock.Now, Speed: o.speed, KeyPassphrase: passphrase, OnStep: o.desk.Step, OnSent: o.metrics.Step,
		Beat: work.Heartbeat(o.client), Notify: o.sender.Send, HTTPClient: o.requests,
	}
	if o.demonstration {
		wo.Context = federationtest.Hurry // what the library waits for is a thousandth, as all is
	}
	activities, err := work.New(wo)
	if err != nil {
		return err
	}
	ends, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	var all sync.WaitGroup
	web, err := o.listen(ends, failed)
	if err != nil {
		return err
	}
	all.Go(func() { o.work(ends, activities) })
	all.Go(func() { o.desk.Start(ends) })
	all.Go(func() { o.reloads(ends) })
	all.Go(func() { o.hourly(ends) })
	if o.demonstration {
		o.explain(web.url)
		all.Go(func() { o.narrate(ends) })
		if o.tour > 0 {
			all.Go(func() { o.guide(ends) })
		}
	} else {
		fmt.Fprintf(o.out, "The page is at %s\n", web.url)
	}
	<-ends.Done()
	if ctx.Err() != nil {
		fmt.Fprintln(o.out, "It ends. Once more: at once.")
	}
	web.close()
	all.Wait()
	if cause := context.Cause(ends); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// credentials reads the keys and who may log in.
func (o *operator) credentials() (err error) {
	if !o.demonstration {
		if o.key, err = approve.ParseKey(o.getenv(approve.KeyVariable)); err != nil {
			return err
		}
		o.password = o.getenv(passwordVariable)
	}
	if o.guard, err = o.settings.guard(o.password); err != nil {
		return err
	}
	o.metrics = notify.NewMetrics()
	if o.notify == "" {
		return nil
	}
	key, err := notify.ParseKey(o.getenv(notify.KeyVariable))
	if err != nil {
		return err
	}
	o.sender, err = notify.New(notify.Options{URL: o.notify, Key: key, Metrics: o.metrics})
	return err
}

// cluster is how the Temporal cluster is reached that the environment names.
func (o *operator) cluster() (client.Options, error) {
	c, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return c, fmt.Errorf("the TEMPORAL_ variables, or the profile that they name, are wrong: %w", err)
	}
	return encrypted(c, o.getenv(payloadVariable))
}

// encrypted has everything encrypted that a Temporal keeps of workflows.
func encrypted(c client.Options, text string) (client.Options, error) {
	keys, err := codec.ParseKeys(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", payloadVariable, err)
	}
	c.DataConverter, c.FailureConverter, err = codec.New(keys, codec.Options{})
	return c, err
}

// openLog begins the log: of the demonstration in a file, so that what it tells can be
// read.
func (o *operator) openLog(errout io.Writer) (io.Closer, error) {
	if !o.demonstration {
		o.log = slog.New(slog.NewTextHandler(errout, nil))
		return io.NopCloser(nil), nil
	}
	name := filepath.Join(o.dir.Path(), "logs", "operator.log")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	o.log = slog.New(slog.NewTextHandler(f, nil))
	return f, nil
}

// requests is the client of a credential: its requests are counted and traced.
func (o *operator) requests(c customers.Credential) *http.Client {
	service := notify.JumpCloud
	if c.Kind == customers.App || c.Kind == customers.Token {
		service = notify.AzureAD
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: o.metrics.Transport(service, trace.Transport(service, connections()))}
}

// connections are those that all credentials share. Most requests are to a few hosts, of
// which Go would keep two connections each.
var connections = sync.OnceValue(func() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = idleConnections
	return t
})

// idleConnections are as many as domains are worked on at once.
const idleConnections = 16

// reloads reads the customers file again at each SIGHUP.
func (o *operator) reloads(ctx context.Context) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	defer signal.Stop(c)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c:
		}
		differences, err := o.desk.Reload(ctx)
		if err != nil {
			o.log.Error("the customers file", "error", err.Error())
			continue
		}
		o.log.Info("the customers file was read again", "differences", len(differences))
	}
}

// digestHour is when the digest of a day is sent, in UTC.
const digestHour = 6

// hourly removes old lists of people, and sends the digest of the day.
func (o *operator) hourly(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	var sent string // of the digest
	for {
		if n, err := o.dir.Prune(o.clock.Now()); err != nil {
			o.log.Error("old lists of people", "error", err.Error())
		} else if n > 0 {
			o.log.Info("old lists of people were removed", "lists", n)
		}
		if now := time.Now().UTC(); o.sender != nil && now.Hour() >= digestHour && sent != now.Format(time.DateOnly) {
			if err := o.sender.Send(ctx, notify.Digest(o.desk.Domains(), now)); err != nil {
				o.log.Warn("the digest is sent again in an hour", "error", err.Error())
			} else {
				sent = now.Format(time.DateOnly)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// workflows are those of flow, which show their states on the desk.
func (o *operator) workflows() *flow.Workflows {
	return &flow.Workflows{Show: o.desk.Show, ShowBatch: o.desk.ShowBatch, Admit: o.desk.Admit}
}
