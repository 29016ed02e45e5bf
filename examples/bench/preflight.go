package main

import (
	"context"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// preflight measures Preflight beside the loop by hand, with few findings and with one for
// everybody.
func (b *bench) preflight(ctx context.Context, p *plan, book *ledger) (*table, error) {
	t := &table{
		title: "Preflight",
		text: "Who would be locked out: the users of both directories, the bindings and the members of the group, joined and judged. " +
			"The loop reads the same four lists and counts; it names nobody, and has no gates, findings, retries or pace. *Few* have a finding: " +
			"two in a hundred. *All*: nobody has an immutable ID or is synchronised yet, as before a company's first run. " +
			"*Bytes a person* are those of the process at the peak beyond those at the start.",
		head: []string{"people a side", by, "processor time, s", "time, s", "allocations a person", "bytes a person", "memory, MiB"},
	}
	programs, err := b.programs(ctx, p, ours, hand)
	if err != nil {
		return nil, err
	}
	for _, n := range p.preflight {
		for _, all := range []bool{false, true} {
			for _, c := range programs {
				r, err := b.run(ctx, cell{
					contender: c, settings: settings{People: n, All: all}, Task: task.Task{Work: task.Preflight},
					want: crowd.Sum{Count: crowd.New(n, all).LockedOut()}, times: runs(n),
				})
				if err != nil {
					return nil, err
				}
				title := map[bool]string{false: ", few", true: ", all"}[all]
				if title = "Preflight" + title; c == hand {
					title = "the loop" + map[bool]string{false: ", few", true: ", all"}[all]
				}
				if r.gave != "" {
					t.add(thousands(n), title, r.gave, "", "", "", "")
					continue
				}
				person := float64(r.Peak-r.Base) / float64(n)
				if c == ours && n == 300000 && all {
					notePreflight(book, r, person)
				}
				t.add(thousands(n), title, seconds(r.CPU.Seconds()), seconds(r.Wall.Seconds()), perPerson(r.Result, n),
					thousands(int(person)), mib(r.Peak))
			}
		}
	}
	return t, nil
}

func notePreflight(book *ledger, r result, person float64) {
	book.note("preflight peak", person)
	book.note("preflight allocations", float64(r.Allocs)/float64(r.settings.People))
	if alone, ok := book.find(ours, task.Join, r.settings.People, false); ok {
		book.note("preflight cpu", r.CPU.Seconds()/alone.CPU.Seconds())
	}
}
