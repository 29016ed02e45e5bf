package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/examples/operator/internal/children"
	"github.com/jcaad/jcaad/examples/operator/internal/temporal"
)

// demonstration is what the operator has of its own when it runs without a customers
// file: a Temporal and customers, as children.
type demonstration struct {
	set        *children.Set
	secrets    secrets
	connection client.Options

	keeping chan struct{}
	end     context.CancelFunc
}

// secrets are those of the demonstration, the same for each start.
type secrets struct {
	Approval   string `json:"approval"`
	Passphrase string `json:"passphrase"`
}

// demonstrate starts the children, or finds those that a killed operator has left.
func (o *operator) demonstrate(ctx context.Context) (_ *demonstration, err error) {
	d := &demonstration{}
	if d.secrets, err = demonstrationSecrets(filepath.Join(o.dir.Path(), "demonstration.json")); err != nil {
		return nil, err
	}
	if o.key, err = approve.ParseKey(d.secrets.Approval); err != nil {
		return nil, err
	}
	if o.password = o.getenv(passwordVariable); o.password == "" {
		o.password = rand.Text()
	}
	if o.clock, err = bent.Open(o.dir.Path(), o.speed); err != nil {
		return nil, fmt.Errorf("%w: give another folder with -data, or remove this one", err)
	}
	d.set = newChildren(o.dir.Path(), o.speed, o.fakeFlags(), func(what string) { o.log.Info("children", "told", what) })
	defer func() {
		if err != nil {
			d.stop(ctx)
		}
	}()
	fmt.Fprintln(o.out, "Temporal and 2 stand-ins for each customer are started on this machine ...")
	var wg sync.WaitGroup
	var addr string
	var failed [2]error
	wg.Go(func() { addr, failed[0] = d.set.Start(ctx, roleTemporal) })
	wg.Go(func() { o.fakes, failed[1] = d.set.Start(ctx, roleFakes) })
	wg.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	keep, end := context.WithCancel(context.WithoutCancel(ctx))
	d.end, d.keeping = end, make(chan struct{})
	go func() { defer close(d.keeping); d.set.Keep(keep) }()
	if o.settings.customers, err = useFakes(ctx, o.dir.Path(), o.fakes); err != nil {
		return nil, err
	}
	d.connection = client.Options{HostPort: addr, Namespace: temporal.Namespace}
	if text := o.getenv(payloadVariable); text != "" {
		if d.connection, err = encrypted(d.connection, text); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// stop ends the children.
func (d *demonstration) stop(ctx context.Context) {
	if d.end != nil {
		d.end()
		<-d.keeping
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	_ = d.set.Stop(ctx) // who is left ends by itself
}

// fakeFlags are those of the stand-ins.
func (o *operator) fakeFlags() []string {
	flags := []string{"-customers", strconv.Itoa(o.fakeCount), "-people", strconv.Itoa(o.fakeSize)}
	if o.fakePlain {
		flags = append(flags, "-plain", "-drift", "0")
	}
	return flags
}

// demonstrationSecrets reads the secrets of the demonstration, or makes them.
func demonstrationSecrets(path string) (secrets, error) {
	var s secrets
	b, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			return s, fmt.Errorf("%s cannot be read: remove it, and approve again what waits: %w", path, err)
		}
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s = secrets{Approval: rand.Text() + rand.Text(), Passphrase: rand.Text()}
	if b, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, replaceFile(path, b)
}

// replaceFile writes a file of the demonstration, whole or not at all.
func replaceFile(path string, b []byte) error {
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
