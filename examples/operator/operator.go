package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
)

// flags are those of the operator.
type flags struct {
	data           string
	speed          float64
	stdout, stderr io.Writer
}

func (f *flags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.data, "data", defaultData, "the `folder` of everything that must outlive a run")
	fs.Float64Var(&f.speed, "speed", defaultSpeed, "how many `times` as fast the clock of the stand-ins runs")
}

// run is the operator until ctx ends.
func run(ctx context.Context, f flags) (err error) {
	fmt.Fprintf(f.stdout, "operator: starts, data in %s\n", f.data)
	dir, err := data.Open(f.data, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	var mu sync.Mutex
	set := newChildren(f.data, f.speed, nil, func(what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(f.stdout, "operator:", what)
	})
	defer func() { err = errors.Join(err, set.Stop(context.WithoutCancel(ctx))) }()
	server, err := set.Start(ctx, roleTemporal)
	if err != nil {
		return err
	}
	services, err := set.Start(ctx, roleFakes)
	if err != nil {
		return err
	}
	file, err := useFakes(ctx, f.data, services)
	if err != nil {
		return err
	}
	fmt.Fprintf(f.stdout, "operator: Temporal at %s, stand-ins at http://%s, customers in %s\n", server, services, file)
	set.Keep(ctx)
	return nil
}
