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
	const latency = 200 * time.Millisecond
	t := &table{
		title: "Federating",
		text: fmt.Sprintf("The whole of it, on the stand-ins of the library: both services read, group and application made, the domain "+
			"federated, everything read back. None of the others does it. %d ms a request; round trips are the most requests "+
			"of which each came when the one before it was answered; of a fresh domain one more passes meanwhile, while the run waits "+
			"five seconds for its second look at the lists.", latency.Milliseconds()),
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
		if !run.before {
			r.Trips-- // the administrators, who are read while it waits
		}
		book.note(run.name+" requests", float64(r.Requests))
		book.note(run.name+" trips", float64(r.Trips))
		t.add(run.title, thousands(r.Requests), thousands(r.Trips))
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
