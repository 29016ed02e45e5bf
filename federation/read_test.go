package federation_test

import (
	"runtime"
	"testing"
)

// TestReadAllocations: reading all users of both directories costs at most one
// allocation a user, the requests and what net/http needs for them included.
func TestReadAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	const people = 20000
	s := serve(t, people, 0)
	for _, reuse := range []bool{false, true} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all := s.clients(t, people, reuse, nil)
		runtime.ReadMemStats(&after)
		n, texts, flags := all.sum()
		if n != 2*people+2 || texts < 80*people || flags < people {
			t.Fatalf("%d users, %d bytes of text, %d flags", n, texts, flags)
		}
		if each := float64(after.Mallocs-before.Mallocs) / float64(n); each > 1 {
			t.Errorf("reuse = %v: %.2f allocations a user; want at most 1", reuse, each)
		} else {
			t.Logf("reuse = %v: %.2f allocations a user", reuse, each)
		}
	}
}
