package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/services"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// plan is what is measured.
type plan struct {
	quick     bool
	sizes     []int // people a side
	preflight []int
	latency   int
	throttled int // people, for 200 pages of JumpCloud and 21 of Graph
	built     map[contender]bool
}

func newPlan(quick bool) *plan {
	p := &plan{
		quick: quick, sizes: []int{1000, 10000, 100000, 300000, 1000000}, preflight: []int{10000, 100000, 300000},
		latency: 100000, throttled: 20000, built: make(map[contender]bool),
	}
	if quick {
		p.sizes, p.preflight, p.latency, p.throttled = []int{1000, 10000}, []int{10000}, 10000, 6000
	}
	return p
}

// moduleDir is the folder of this module, whatever the command runs in below it.
func moduleDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/jcaad/jcaad/examples/bench").Output()
	if err != nil {
		return "", fmt.Errorf("run this in the folder of the module examples/bench: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// programs builds those of the contenders that are run, each once, and returns them.
func (b *bench) programs(ctx context.Context, p *plan, all ...contender) ([]contender, error) {
	var out []contender
	for _, c := range all {
		if p.quick && c == official {
			continue
		}
		if !p.built[c] {
			if err := b.build(ctx, c); err != nil {
				return nil, err
			}
			p.built[c] = true
		}
		out = append(out, c)
	}
	return out, nil
}

// runs is how often a size is measured: what is over quickly varies.
func runs(people int) int {
	if people <= 100000 {
		return 3
	}
	return 1
}

// tooLarge says why a size is skipped, if it is, by what a smaller one needed.
func tooLarge(last *result, people int) string {
	if last == nil {
		return ""
	}
	times := float64(people) / float64(last.settings.People)
	switch {
	case last.gave != "":
		return last.gave
	case last.Wall.Seconds()*times > mostTime.Seconds():
		return "skipped: over 3 minutes"
	case float64(last.Peak)*times > mostMemory:
		return "skipped: over 3 GiB"
	}
	return ""
}

// reading measures what both directories cost, by size.
func (b *bench) reading(ctx context.Context, p *plan, book *ledger) (*table, error) {
	t := &table{
		title: "Reading and joining both directories",
		text: "Services without latency or limits. A *person* is one in both directories, that is, two users. *Memory* is the most " +
			"that the whole process had.",
		head: []string{"people a side", by, "processor time, s", "floor = 1", "allocations a person", "memory, MiB", "requests"},
	}
	programs, err := b.programs(ctx, p, floor, ours, hand, retry, official)
	if err != nil {
		return nil, err
	}
	last := make(map[contender]*result)
	for _, n := range p.sizes {
		want := crowd.New(n, false).Joined()
		var least result
		for _, c := range programs {
			r := result{gave: tooLarge(last[c], n)}
			if r.gave == "" {
				r, err = b.run(ctx, cell{contender: c, settings: settings{People: n}, Task: task.Task{Work: task.Join}, want: want, times: runs(n)})
				if err != nil {
					return nil, err
				}
			}
			r.contender, r.settings.People = c, n
			last[c] = &r
			if c == floor {
				least = r
			}
			if r.gave != "" {
				t.add(thousands(n), c.title, r.gave, "", "", "", "")
				continue
			}
			book.results = append(book.results, r)
			if c == ours && n == 300000 {
				book.note("reading cpu", r.CPU.Seconds()/least.CPU.Seconds())
				book.note("reading allocations", float64(r.Allocs)/float64(n))
			}
			t.add(thousands(n), c.title, seconds(r.CPU.Seconds()), fmt.Sprintf("%.1f", r.CPU.Seconds()/least.CPU.Seconds()),
				perPerson(r.Result, n), mib(r.Peak), thousands(r.Requests))
		}
	}
	return t, nil
}

// latency measures how long the reading takes where each request takes 50 ms.
func (b *bench) latency(ctx context.Context, p *plan, book *ledger) (*table, error) {
	t := &table{
		title: "The time that requests take",
		text:  fmt.Sprintf("%s a side, 50 ms a request, no limits.", thousands(p.latency)),
		head:  []string{by, "time, s", "processor time, s", "requests"},
	}
	programs, err := b.programs(ctx, p, ours, hand, retry, official)
	if err != nil {
		return nil, err
	}
	for _, c := range programs {
		r, err := b.run(ctx, cell{
			contender: c, settings: settings{People: p.latency, Latency: 50 * time.Millisecond}, Task: task.Task{Work: task.Join},
			want: crowd.New(p.latency, false).Joined(),
		})
		if err != nil {
			return nil, err
		}
		if r.gave != "" {
			t.add(c.title, r.gave, "", "")
			continue
		}
		if c == ours && p.latency == 100000 {
			book.note("latency wall", r.Wall.Seconds())
		}
		t.add(c.title, seconds(r.Wall.Seconds()), seconds(r.CPU.Seconds()), thousands(r.Requests))
	}
	return t, nil
}

// limit is one way to refuse.
type limit struct {
	work     string
	title    string
	pages    int
	requests int
	windows  bool
}

func (l limit) settings(people int) settings {
	limit := &services.Limit{Requests: l.requests, Per: 2 * time.Second, Windows: l.windows}
	if l.work == task.JumpCloud {
		return settings{People: people, JumpCloud: limit}
	}
	return settings{People: people, Graph: limit}
}
