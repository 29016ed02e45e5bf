package federation_test

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// knownKinds are the ways in which people lose their sign-in behind everybody's
// back today, or are told what is not so, each with the rule that will mend it.
// Whoever mends one strikes its line: a kind that nothing shows any more fails
// the test as well as a new one does.
var knownKinds = map[string]string{}

// accounts are what all tales together came to.
type accounts struct {
	mu        sync.Mutex
	scenarios int
	requests  int
	kinds     map[string]int
	example   map[string]string
}

// file adds a tale that has been told.
func (a *accounts) file(t *testing.T, s *tale, where string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scenarios++
	s.ledger.mu.Lock()
	a.requests += s.ledger.requests
	s.ledger.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(s.found)) {
		a.kinds[kind]++
		if a.example[kind] == "" {
			a.example[kind] = where + ": " + s.found[kind][0]
		}
		if knownKinds[kind] == "" {
			t.Errorf("%s: a new kind: %s\n%s\n%s", where, kind, strings.Join(s.found[kind], "\n"), strings.Join(s.noted, "\n"))
		}
	}
}

func TestLedger(t *testing.T) {
	start := time.Now()
	all := &accounts{kinds: make(map[string]int), example: make(map[string]string)}
	situations := slices.Concat(switching, undoing)
	t.Run("situations", func(t *testing.T) {
		for _, sit := range situations {
			t.Run(sit.about, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newTale(t, sit.about, federationtest.New(nil))
					sit.tell(s)
					time.Sleep(time.Hour) // whatever is still under way arrives
					t.Log(strings.Join(s.noted, "\n"))
					all.file(t, s, "situation")
				})
			})
		}
	})
	faults := mishapScenarios(t)
	t.Run("faults", func(t *testing.T) {
		// One subtest per slice of them, so that all cores have work.
		for part := range slices.Chunk(faults, (len(faults)+4*runtime.GOMAXPROCS(0)-1)/(4*runtime.GOMAXPROCS(0))) {
			t.Run(part[0].String(), func(t *testing.T) {
				t.Parallel()
				for _, f := range part {
					synctest.Test(t, func(t *testing.T) {
						s := f.tell(t)
						time.Sleep(time.Hour)
						all.file(t, s, f.String())
					})
				}
			})
		}
	})
	everything := all.scenarios == len(situations)+len(faults) // not narrowed by -run
	t.Logf("%d scenarios, %d requests on %d cores in %v", all.scenarios, all.requests, runtime.GOMAXPROCS(0), time.Since(start).Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(all.kinds)) {
		t.Logf("%5d  %s\n         e.g. %s", all.kinds[kind], kind, all.example[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(knownKinds)) {
		chance := strings.HasSuffix(kind, "(faults)") && *ledgerStep != 1 // may be among those that were left out
		if everything && all.kinds[kind] == 0 && !chance {
			t.Errorf("nothing shows this kind any more, strike it: %s", kind)
		}
	}
}
