package desk

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// mostLive is how many steps of a domain are remembered.
const mostLive = 50

// board is what the workflows have shown.
type board struct {
	mu      sync.Mutex
	domains map[string]flow.State
	live    map[string][]string
	batches map[string]flow.BatchState
	order   []string // of batches, the newest first
	subs    map[chan struct{}]bool
}

func newBoard() board {
	return board{
		domains: make(map[string]flow.State), live: make(map[string][]string),
		batches: make(map[string]flow.BatchState), subs: make(map[chan struct{}]bool),
	}
}

// changed wakes all who have subscribed: each has at most one thing in its channel.
func (b *board) changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake()
}

// wake is changed for who holds b.mu.
func (b *board) wake() {
	for c := range b.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Show puts the state of a domain on the board. It is what flow.Workflows is given.
func (d *Desk) Show(s flow.State) { d.put(s, true) }

// ShowBatch puts the state of a batch on the board.
func (d *Desk) ShowBatch(s flow.BatchState) { d.board.putBatch(s, true) }

// put puts a state on the board; one that is not fresh replaces none that is there.
func (d *Desk) put(s flow.State, fresh bool) {
	s.Domain = lower(s.Domain)
	if first := d.board.put(s, fresh); first {
		d.heardOf(s)
	}
}

// put reports whether it is the first state of the domain.
func (b *board) put(s flow.State, fresh bool) (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, known := b.domains[s.Domain]
	if known && !fresh {
		return false
	}
	if s.Phase == flow.Running && was.Phase != flow.Running {
		delete(b.live, s.Domain)
	}
	b.domains[s.Domain] = s
	b.wake()
	return !known
}

func (b *board) putBatch(s flow.BatchState, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.batches[s.Batch]
	switch {
	case known && !fresh:
		return
	case !known && fresh:
		b.order = slices.Insert(b.order, 0, s.Batch)
	case !known:
		b.order = append(b.order, s.Batch)
	}
	b.batches[s.Batch] = s
	b.wake()
}

func (b *board) get(domain string) (flow.State, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.domains[lower(domain)]
	return s, ok
}

// Step keeps a step of a run that is under way; text names no person.
func (d *Desk) Step(domain, text string) {
	b := &d.board
	domain = lower(domain)
	b.mu.Lock()
	defer b.mu.Unlock()
	live := append(b.live[domain], text)
	if len(live) > mostLive {
		live = slices.Clone(live[len(live)-mostLive:])
	}
	b.live[domain] = live
	b.wake()
}

// Live returns the last steps of a domain's run.
func (d *Desk) Live(domain string) []string {
	d.board.mu.Lock()
	defer d.board.mu.Unlock()
	return slices.Clone(d.board.live[lower(domain)])
}

// Subscribe returns a channel that has something whenever something has changed since it
// was last received from.
func (d *Desk) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	d.board.mu.Lock()
	defer d.board.mu.Unlock()
	d.board.subs[c] = true
	return c, func() {
		d.board.mu.Lock()
		defer d.board.mu.Unlock()
		delete(d.board.subs, c)
	}
}

// Domains returns the states of all domains that are known or listed, by domain. Of one
// that is listed, and of which no workflow has been heard yet, the state says that. The
// customer is that of the file in force. What a state points to is everybody's: it is only
// to be read.
func (d *Desk) Domains() []flow.State {
	file := d.File()
	d.board.mu.Lock()
	all := maps.Clone(d.board.domains)
	d.board.mu.Unlock()
	if file != nil {
		for _, c := range file.Customers {
			if _, ok := all[c.Domain]; !ok {
				all[c.Domain] = d.unheard(c)
			}
		}
	}
	out := make([]flow.State, 0, len(all))
	for _, s := range all {
		out = append(out, listed(s, file))
	}
	slices.SortFunc(out, func(a, b flow.State) int { return cmp.Compare(a.Domain, b.Domain) })
	return out
}

// Domain returns the state of a domain that is known or listed.
func (d *Desk) Domain(domain string) (flow.State, bool) {
	file := d.File()
	if s, ok := d.board.get(domain); ok {
		return listed(s, file), true
	}
	if c, ok := file.ByDomain(domain); ok {
		return d.unheard(*c), true
	}
	return flow.State{}, false
}

// unheard is the state of a listed domain before anything was heard of it.
func (d *Desk) unheard(c customers.Customer) flow.State {
	s := flow.State{Domain: c.Domain, Customer: c.Name, Mode: string(c.Mode), Phase: flow.Looking, Waits: "nothing was heard of it yet"}
	if _, err := d.Away(); err != nil {
		s.Waits = "Temporal does not answer: it goes on as soon as it does"
	}
	return s
}

// listed corrects a state by the file in force, so that nobody has a role by a name that
// a customer had once.
func listed(s flow.State, f *customers.File) flow.State {
	c, ok := f.ByDomain(s.Domain)
	if s.Unlisted = !ok; ok {
		s.Customer = c.Name
	}
	return s
}

// Batches returns all batches that are known, the newest first.
func (d *Desk) Batches() []flow.BatchState {
	d.board.mu.Lock()
	defer d.board.mu.Unlock()
	out := make([]flow.BatchState, 0, len(d.board.order))
	for _, id := range d.board.order {
		out = append(out, d.board.batches[id])
	}
	return out
}
