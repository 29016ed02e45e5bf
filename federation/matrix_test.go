package federation_test

import (
	"flag"
	"testing"
)

// whole plays the fault matrices whole, which takes minutes. Without it they are
// thinned, so that each request still has its turn with one trouble or another.
var whole = flag.Bool("whole", false, "play every cell of the fault matrices")

// everyNth is how far apart the cells of a matrix are that are played: usually, with
// -short, and under the race detector, which looks for races that each verb has or has
// not.
func everyNth(usual, short, race int) int {
	switch {
	case *whole:
		return 1
	case raceDetector:
		return race
	case testing.Short():
		return short
	}
	return usual
}

// thin skips a test that is the i-th of many alike, but for every fourth, under the race
// detector: each then takes five times as long, and the calls that are looked at for races
// are the same ones. Without it every one has its turn.
func thin(t *testing.T, i int) {
	t.Helper()
	if raceDetector && !*whole && i%4 != 0 {
		t.Skip("the race detector looks at every fourth")
	}
}

// alone skips a test of one goroutine under the race detector, if it takes long there.
func alone(t *testing.T) {
	t.Helper()
	if raceDetector && !*whole {
		t.Skip("one goroutine has no races")
	}
}
