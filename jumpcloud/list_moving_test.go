package jumpcloud

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestListWideMoves is the law of long lists: whoever is there all the time is
// seen, and in a sorted list exactly once, however the list moves while it is read.
func TestListWideMoves(t *testing.T) {
	c, err := New("key", nil)
	if err != nil {
		t.Fatal(err)
	}
	type item struct{ id string }
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 0))
		shuffled := seed%4 == 3 // the service promises no order
		var mu sync.Mutex
		var live []item
		next := 0
		add := func() {
			live = append(live, item{fmt.Sprintf("%08d", next)})
			next++
		}
		for range 50 + r.IntN(1500) {
			add()
		}
		if shuffled {
			r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
		}
		always := make(map[string]bool)
		for _, it := range live {
			always[it.id] = true
		}
		limit := 0
		if seed%5 == 0 {
			limit = 7 // the service gives smaller pages
		}
		fetch := func(_ context.Context, skip, n int) (page[item], error) {
			mu.Lock()
			defer mu.Unlock()
			if limit > 0 {
				n = min(n, limit)
			}
			from, to := min(skip, len(live)), min(skip+n, len(live))
			p := page[item]{items: slices.Clone(live[from:to]), total: len(live)}
			for range r.IntN(4) * r.IntN(2+n/50) { // then it moves
				switch r.IntN(3) {
				case 0:
					if len(live) > 0 {
						i := r.IntN(len(live))
						delete(always, live[i].id)
						live = slices.Delete(live, i, i+1)
					}
				case 1:
					if i := r.IntN(len(live) + 1); len(live)-i > 5 { // several neighbours
						for _, it := range live[i : i+5] {
							delete(always, it.id)
						}
						live = slices.Delete(live, i, i+5)
					}
				case 2:
					add()
				}
			}
			return p, nil
		}
		seen := make(map[string]int)
		for it, err := range listWide(t.Context(), c, fetch, func(it *item) string { return it.id }) {
			if err != nil {
				t.Fatal(err)
			}
			seen[it.id]++
		}
		for id, n := range seen {
			if n > 1 && !shuffled { // doubles of such a list are looked for near the borders only
				t.Errorf("seed %d: %s was seen %d times", seed, id, n)
			}
		}
		for id := range always {
			if seen[id] == 0 {
				t.Errorf("seed %d: %s was lost", seed, id)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestListWideRequests makes sure that a list that does not move is read with
// hardly more requests than it has pages.
func TestListWideRequests(t *testing.T) {
	c, err := New("key", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ items, want int }{{0, 1}, {1, 1}, {99, 1}, {100, 1}, {101, 2}, {199, 2}, {200, 3}, {10000, 101}} {
		var mu sync.Mutex
		requests, seen := 0, 0
		fetch := func(_ context.Context, skip, n int) (page[int], error) {
			mu.Lock()
			defer mu.Unlock()
			requests++
			var p page[int]
			for i := skip; i < min(skip+n, tt.items); i++ {
				p.items = append(p.items, i)
			}
			p.total = tt.items
			return p, nil
		}
		for _, err := range listWide(t.Context(), c, fetch, func(i *int) string { return fmt.Sprintf("%08d", *i) }) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
		}
		if seen != tt.items || requests != tt.want {
			t.Errorf("%d items: %d seen with %d requests, want %d", tt.items, seen, requests, tt.want)
		}
	}
}
