// Package switches remembers which domains of a tenant were switched to an
// identity provider by the programs' parts that share a client, and lets them do
// so one after the other. Lists of domains lag behind; what this process itself
// has sent is known at once.
package switches

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Apart is how far apart two sightings must be before a domain counts as managed.
const Apart = 15 * time.Second

// A Book is the memory of one tenant. The zero value is empty. It is safe for
// concurrent use.
type Book struct {
	mu      sync.Mutex
	turn    chan struct{} // full while somebody judges and switches
	domains map[string]*time.Time
}

// Lock waits for the tenant's turn; the returned function gives it back. Whoever
// holds it reads, judges, sends one request and takes the answer, and never waits
// for anything else.
func (b *Book) Lock(ctx context.Context) (unlock func(), err error) {
	b.mu.Lock()
	if b.turn == nil {
		b.turn = make(chan struct{}, 1)
	}
	turn := b.turn
	b.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Sent notes that the switch of a domain was sent, or is about to be.
func (b *Book) Sent(domain string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.domains == nil {
		b.domains = make(map[string]*time.Time)
	}
	b.domains[domain] = new(time.Time)
}

// Forget notes that the switch was certainly refused, or that the domain was seen
// twice, apart, to be managed.
func (b *Book) Forget(domain string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.domains, domain)
}

// Seen notes what a read by the domain's name has shown. Two sightings of a managed
// domain, [Apart] from each other with none of a federated one between them, make
// it forgotten.
func (b *Book) Seen(domain string, managed bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := b.domains[domain]
	switch {
	case since == nil:
	case !managed:
		*since = time.Time{}
	case since.IsZero():
		*since = at
	case at.Sub(*since) >= Apart:
		delete(b.domains, domain)
	}
}

// Domains returns the domains that count as federated, whatever lists say, sorted.
func (b *Book) Domains() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for n := range b.domains {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
