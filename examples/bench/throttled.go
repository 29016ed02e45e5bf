package main

import (
	"context"
	"fmt"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/services"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// throttled measures lists of services that refuse what is too fast.
func (b *bench) throttled(ctx context.Context, p *plan, book *ledger) (*table, error) {
	pages, graphPages := p.throttled/100, (p.throttled+998)/999
	t := &table{
		title: "Throttled",
		text: fmt.Sprintf("The users of JumpCloud: %d pages, 50 requests in 2 s. The accounts of Azure AD: %d pages, 5 requests in 2 s. "+
			"What is too fast is refused with 429 and Retry-After in whole seconds. *Bucket*: requests come back one by one; "+
			"*windows*: all at once, every 2 s. *Schedule* is the least time in which the service takes a request for each page.",
			pages, graphPages),
		head: []string{"list", by, "time, s", "schedule = 1", "requests", "refused"},
	}
	programs, err := b.programs(ctx, p, ours, hand, retry, official)
	if err != nil {
		return nil, err
	}
	people := crowd.New(p.throttled, false)
	for _, l := range []limit{
		{task.JumpCloud, "JumpCloud, bucket", pages, 50, false}, {task.JumpCloud, "JumpCloud, windows", pages, 50, true},
		{task.Graph, "Graph, bucket", graphPages, 5, false}, {task.Graph, "Graph, windows", graphPages, 5, true},
	} {
		config, want := l.settings(p.throttled), people.Users()
		limits := config.JumpCloud
		if l.work == task.Graph {
			limits, want = config.Graph, people.Accounts()
		}
		for _, c := range programs {
			workers := 0
			if c == hand {
				workers = 1
			}
			r, err := b.run(ctx, cell{contender: c, settings: config, Task: task.Task{Work: l.work, Workers: workers}, want: want})
			if err != nil {
				return nil, err
			}
			title := c.title
			if c == hand {
				title = "by hand, one request at a time, patient"
			}
			if r.gave != "" {
				t.add(l.title, title, r.gave, "", thousands(r.Requests), thousands(r.Refused))
				continue
			}
			ratio := r.Wall.Seconds() / limits.Schedule(l.pages).Seconds()
			if c == ours {
				noteThrottled(book, r, l, limits)
			}
			t.add(l.title, title, seconds(r.Wall.Seconds()), fmt.Sprintf("%.2f", ratio), thousands(r.Requests), thousands(r.Refused))
		}
	}
	return t, nil
}

// noteThrottled keeps the worst of what the lists came to.
func noteThrottled(book *ledger, r result, l limit, limits *services.Limit) {
	worst := func(name string, v float64) { book.note(name, max(v, book.figures[name])) }
	worst("throttled wall", r.Wall.Seconds()/limits.Schedule(l.pages).Seconds())
	refused := 100 * float64(r.Refused) / float64(r.Requests)
	if l.pages < 50 {
		worst("throttled few", refused)
	} else {
		worst("throttled many", refused)
	}
	if l.work == task.Graph {
		worst("throttled requests", 100*float64(r.Requests)/float64(l.pages))
	}
}
