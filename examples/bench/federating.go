package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// federating counts what a federation takes, and one that finds nothing to do.
func (b *bench) federating(ctx context.Context, p *plan, book *ledger) (*table, error) {
	const (
		latency = 200 * time.Millisecond
		apart   = 5 * time.Second
	)
	t := &table{
		title: "Federating",
		text: fmt.Sprintf("The whole of it, on the stand-ins of the library: both services read, group and application made, the domain "+
			"federated, everything read back. None of the others does it. %d ms a request; round trips are the time divided by "+
			"that, without the %v that pass between two looks at the lists before the first write.", latency.Milliseconds(), apart),
		head: []string{"Federate", "requests", "round trips"},
	}
	if _, err := b.programs(ctx, p, ours); err != nil {
		return nil, err
	}
	for _, run := range []struct {
		name, title string
		before      bool // it is federated already
	}{{"fresh", "a fresh domain", false}, {"again", "nothing to do", true}} {
		r, err := b.federate(ctx, settings{Latency: latency}, run.before)
		if err != nil {
			return nil, err
		}
		wall := r.Wall
		if !run.before {
			wall -= apart
		}
		trips := wall.Seconds() / latency.Seconds()
		book.note(run.name+" requests", float64(r.Requests))
		book.note(run.name+" trips", trips)
		t.add(run.title, thousands(r.Requests), fmt.Sprintf("%.1f", trips))
	}
	return t, nil
}

// federate federates a domain: a fresh one by a group that is not there yet, or once more.
func (b *bench) federate(ctx context.Context, config settings, again bool) (r result, err error) {
	s, err := b.server(ctx, config)
	if err != nil {
		return r, err
	}
	defer s.stop()
	r.cell = cell{contender: ours, settings: config, Task: task.Task{Work: task.Federate, NewGroup: !again}, want: crowd.Sum{Count: 1}}
	if again {
		first := r
		if err := b.work(ctx, &first, s); err != nil {
			return r, err
		}
	}
	return r, b.work(ctx, &r, s)
}
