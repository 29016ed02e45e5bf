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
