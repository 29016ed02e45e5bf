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
		sum := all.sum()
		if sum.users != 2*people+2 || sum.on < 2*people*9/10 || sum.texts == 0 {
			t.Fatalf("%+v", sum)
		}
		if each := float64(after.Mallocs-before.Mallocs) / float64(sum.users); each > 1 {
			t.Errorf("reuse = %v: %.2f allocations a user; want at most 1", reuse, each)
		} else {
			t.Logf("reuse = %v: %.2f allocations a user", reuse, each)
		}
	}
}
