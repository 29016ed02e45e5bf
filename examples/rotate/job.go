package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/examples/internal/keyfile"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// job is one run of the program.
type job struct {
	*settings
	clock
	stdin    io.Reader
	terminal bool // somebody sits at stdin

	out, err *cli.Page
	log      io.Writer // each request, with -v

	plan      federation.RotatePlan
	last      *federation.Rotation
	store     *keyStore // nil: there is none
	federator *federation.Federator
	calls     int
	section   int
}

// keyStore is the folder of keys, and why it could not be read.
type keyStore struct {
	keyfile.Store
	mu  sync.Mutex
	bad error
}

// Load implements [federation.KeyStore].
func (s *keyStore) Load(ctx context.Context, domain string) (*certs.KeyPair, error) {
	k, err := s.Store.Load(ctx, domain)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad = err; errors.Is(err, federation.ErrNoKey) || ctx.Err() != nil {
		s.bad = nil
	}
	return k, err
}

// unread is why the last Load failed.
func (s *keyStore) unread() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad
}

// open reads the files, and makes the clients: without the right to write nothing can be
// written, whoever tries.
func (j *job) open() error {
	plan, err := cli.ReadRotatePlan(j.planFile, j.stdin)
	if err != nil {
		return err
	}
	j.plan = j.over(plan)
	if j.state != "" {
		if j.last, err = cli.ReadRotation(j.state); err != nil {
			return err
		}
	}
	if j.keys != "" {
		j.store = &keyStore{Store: keyfile.Store{Dir: j.keys, Passphrase: j.services.Getenv("ROTATE_PASSPHRASE")}}
		if _, err := j.store.Load(context.Background(), j.plan.Plan.Domain); err != nil && !errors.Is(err, federation.ErrNoKey) {
			return err
		}
	}
	opts := cli.ClientOptions{ReadOnly: j.watch || j.preview}
	if j.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(j.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	jc, ad, err := j.services.Clients(opts)
	if err != nil {
		return err
	}
	j.use(jc, ad)
	return nil
}

// use makes what works on the two services.
func (j *job) use(jc *jumpcloud.Client, ad *aad.Client) {
	opts := &federation.Options{Now: j.now, Confirm: j.confirm}
	if j.store != nil {
		opts.Keys = j.store
	}
	j.federator = federation.New(jc, ad, opts)
}

// Rests between calls: after a failure that may pass by itself, and how many of them in
// a row are borne.
const (
	rest     = 5 * time.Minute
	patience = 12
)

// rotate calls until it is done, and keeps what each call returns. It returns the exit
// code.
func (j *job) rotate(ctx context.Context) int {
	if !j.fast {
		fmt.Fprintf(j.out, "Rotating the certificate of %s: %s\n\n  JumpCloud   %s\n  Azure AD    %s\n  the state   %s\n\n", j.plan.Plan.Domain,
			cmp.Or(j.plan.Method, federation.OwnKeyPair), j.services.JumpCloud(), j.services.AzureAD(), j.state)
	}
	err := j.intend(ctx)
	for failures := 0; ; {
		if err == nil {
			err = j.call(ctx)
		}
		var stored *storeError
		if errors.As(err, &stored) {
			fmt.Fprintln(j.err, err)
			return exitFailed
		}
		rot := j.last
		again := rot.NotBefore
		switch {
		case err == nil && rot.Done():
			j.done()
			return exitDone
		case err == nil && rot.NotBefore.IsZero():
			if !j.fast {
				fmt.Fprintln(j.err, "\nA person has to act: see above. Then run the same command again.")
			}
			return exitPerson
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return j.interrupted()
		default:
			if code := j.failed(err); code != exitFailed {
				return code
			}
			if j.once || !passes(err) || failures == patience {
				fmt.Fprintln(j.err, "\nRun the same command again: it looks first, and goes on from what it finds.")
				return exitFailed
			}
			failures++
			again = later(again, j.now().Add(rest))
			fmt.Fprintf(j.err, "\nThat may pass by itself: going on at %s.\n", moment(again))
		}
		if j.once {
			fmt.Fprintf(j.out, "\nNot finished yet. Run the same command again at %s or later.\n", moment(again))
			return exitWaiting
		}
		if err = j.wait(ctx, later(again, j.now().Add(time.Second))); err != nil {
			return j.interrupted()
		}
	}
}

// intend stores before the first call of an emergency what is to be expelled: if the
// program is killed when that is done, the next call knows that people are to be signed
// out.
func (j *job) intend(ctx context.Context) error {
	if j.plan.Method != federation.Emergency || j.last != nil || j.state == "" {
		return nil
	}
	p, err := j.federator.PreviewRotation(ctx, j.plan, nil)
	if err != nil || len(p.Calls) == 0 {
		return nil // the call says why
	}
	j.last = &federation.Rotation{
		Version: 1, Domain: p.Domain, Method: p.Method, Phase: p.Phase, Old: p.Old, Plan: j.plan.Plan,
		Next: p.Calls[0].Does, Steps: []federation.Step{},
	}
	return j.keep()
}

// keep stores the state.
func (j *job) keep() error {
	if j.state == "" {
		return nil
	}
	if err := cli.WriteJSON(j.state, j.last); err != nil {
		return &storeError{err}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// call makes one call, keeps what it returns, and shows it.
func (j *job) call(ctx context.Context) error {
	began, before := j.now(), j.last
	rot, err := j.federator.Rotate(ctx, j.plan, j.last)
	j.last, j.calls = rot, j.calls+1
	if err := j.keep(); err != nil {
		return err
	}
	j.tell(began, before, err)
	return err
}

// A storeError is why the state could not be stored.
type storeError struct{ err error }

func (e *storeError) Error() string {
	return "the state could not be stored: " + e.err.Error() +
		"\nNothing is lost: mend that, and run the same command again. It waits longer then."
}

// passes reports whether a failure may pass by itself.
func passes(err error) bool {
	for _, e := range []error{
		jumpcloud.ErrThrottled, jumpcloud.ErrUnavailable, jumpcloud.ErrOutcomeUnknown,
		aad.ErrThrottled, aad.ErrUnavailable, aad.ErrOutcomeUnknown,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// failed says why a call failed. It returns the exit code.
func (j *job) failed(err error) int {
	fmt.Fprintln(j.err)
	var refused *federation.PreconditionError
	switch bad := j.store.unread(); {
	case errors.As(err, &refused), errors.Is(err, federation.ErrNotConfirmed):
		j.services.Explain(j.err, err)
		return exitRefused
	case bad != nil:
		fmt.Fprintf(j.err, "Nothing was written: %v\n", bad)
		return exitRefused
	}
	j.services.Explain(j.err, err)
	return exitFailed
}

func (j *job) interrupted() int {
	text := "\nInterrupted. Nothing is lost: run the same command again"
	if at := j.last.NotBefore; at.After(j.now()) {
		text += ", at " + moment(at) + " or later"
	}
	fmt.Fprintln(j.err, text+".")
	return exitWaiting
}

// confirm is asked in each call that writes.
func (j *job) confirm(ctx context.Context, p *federation.Proposal) error {
	if j.yes {
		return nil
	}
	fmt.Fprintf(j.out, "%s\n", strings.TrimRight(p.Changes.String(), "\n"))
	return cli.Confirm(ctx, j.stdin, j.terminal, j.out, fmt.Sprintf("Make this change to %s now?", p.Domain))
}

// look is Watch. It returns the severity as exit code.
func (j *job) look(ctx context.Context) int {
	w, err := j.federator.Watch(ctx, j.plan.Plan)
	if err != nil {
		j.services.Explain(j.err, err)
		return watchUnknown
	}
	fmt.Fprint(j.out, w)
	switch w.Level {
	case federation.Alarm:
		return watchAlarm
	case federation.Warning, federation.Refusal:
		return watchWarning
	}
	return watchQuiet
}

// keyPath is the key file, if there is one.
func (j *job) keyPath() string {
	if j.store == nil {
		return ""
	}
	path, err := j.store.Path(j.plan.Plan.Domain)
	if err != nil {
		return ""
	}
	if _, err := os.Lstat(path); err != nil {
		return ""
	}
	return path
}
