package work

import (
	"slices"
	"sync"
	"time"
)

const (
	slotsEach = 4  // domains of one credential
	slotsAll  = 16 // domains in all

	firstWait, longestWait = time.Second, 10 * time.Second
	// patience is how much later than told somebody may come and still have their place
	// in the queue.
	patience = 30 * time.Second
)

// slots are the places for domains. Who finds none is told when to come again, and keeps
// their place in the queue; nobody waits in here.
type slots struct {
	mu     sync.Mutex
	held   map[string][]string // credentials, by the domain that is being worked on
	queue  []waiter            // in the order in which they came
	inUses map[string]int      // by credential
}

type waiter struct {
	domain string
	keys   []string
	until  time.Time // when the place is lost
}

func newSlots() *slots {
	return &slots{held: make(map[string][]string), inUses: make(map[string]int)}
}

// take returns how to give the place back, or how long to wait, and for what.
func (s *slots) take(domain string, keys ...string) (leave func(), wait time.Duration, why string) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.held[domain]; ok {
		return nil, firstWait, "another call for the domain is under way"
	}
	now := time.Now()
	s.queue = slices.DeleteFunc(s.queue, func(w waiter) bool { return w.domain != domain && now.After(w.until) })

	// Those before get their places first, as far as there are any for them.
	uses, all, place := make(map[string]int, len(s.inUses)), len(s.held), 0
	for k, n := range s.inUses {
		uses[k] = n
	}
	fits := func(keys []string) bool {
		return all < slotsAll && !slices.ContainsFunc(keys, func(k string) bool { return uses[k] >= slotsEach })
	}
	at := len(s.queue)
	for i, w := range s.queue {
		if w.domain == domain {
			at = i
			break
		}
		if place++; fits(w.keys) {
			all++
			for _, k := range w.keys {
				uses[k]++
			}
		}
	}
	if fits(keys) {
		if at < len(s.queue) {
			s.queue = slices.Delete(s.queue, at, at+1)
		}
		s.held[domain] = keys
		for _, k := range keys {
			s.inUses[k]++
		}
		return sync.OnceFunc(func() { s.give(domain) }), 0, ""
	}
	wait = min(firstWait+time.Duration(place)*firstWait, longestWait)
	w := waiter{domain, keys, now.Add(wait + patience)}
	if at < len(s.queue) {
		s.queue[at] = w
	} else {
		s.queue = append(s.queue, w)
	}
	return nil, wait, "as many domains as may be are being worked on"
}

func (s *slots) give(domain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.held[domain] {
		if s.inUses[k]--; s.inUses[k] == 0 {
			delete(s.inUses, k)
		}
	}
	delete(s.held, domain)
}
