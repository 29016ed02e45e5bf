package people

import (
	"fmt"
	"strings"
	"testing"
)

// What the directory says about a binding is told whole, the last of it, and kept once
// if it says the same of everybody.
func TestFaults(t *testing.T) {
	var f faults
	texts := newTexts()
	long := strings.Repeat("very ", maxText)
	for i, said := range []string{"a\tb", long, "a\tb", "one", "two"} {
		f.set(texts, uint32(i), said)
	}
	f.set(texts, 3, long)  // was short
	f.set(texts, 1, "one") // was long
	for i, want := range []string{"a b", "one", "a b", long, "two"} {
		if got := f.at(texts, uint32(i)); got != want {
			t.Errorf("of %d: %.20q, want %.20q", i, got, want)
		}
	}
	if a, b := f.of.at(0), f.of.at(2); a != b {
		t.Errorf("the same text is kept at %d and %d", a, b)
	}
	for i := range uint32(3 * saidAtMost) {
		f.set(texts, i, fmt.Sprint("fault ", i))
	}
	if got := f.at(texts, 3*saidAtMost-1); got != fmt.Sprint("fault ", 3*saidAtMost-1) || len(f.said) != saidAtMost {
		t.Errorf("%q, and %d texts are remembered, want %d", got, len(f.said), saidAtMost)
	}
}

func TestSparse(t *testing.T) {
	var s sparse[uint32]
	if s.at(0) != 0 || s.at(1<<31) != 0 {
		t.Error("an empty one has numbers")
	}
	for _, i := range []uint32{0, 63, 64, 5000, 4999} {
		s.set(i, i+1)
	}
	for i := range uint32(6000) {
		want := uint32(0)
		switch i {
		case 0, 63, 64, 5000, 4999:
			want = i + 1
		}
		if got := s.at(i); got != want {
			t.Errorf("at %d: %d, want %d", i, got, want)
		}
	}
}
