package people

import "testing"

// Numbers are found whatever they need, also if one needs more room than there was, and
// if all have the same hash.
func TestTable(t *testing.T) {
	const many = 900
	for name, of := range map[string]func(v uint32) uint64{
		"all the same":          func(uint32) uint64 { return 7 },
		"all at the end":        func(v uint32) uint64 { return 1<<64 - 1 - uint64(v) },
		"the same upper half":   func(v uint32) uint64 { return uint64(v * 2654435761) },
		"the same lower half":   func(v uint32) uint64 { return uint64(v*2654435761) << 32 },
		"that are not the same": func(v uint32) uint64 { return uint64(v) * 0x9e3779b97f4a7c15 },
	} {
		var x table
		found := func(v uint32) bool {
			return x.find(of(v), func(w uint32) bool { return w == v }) == v
		}
		if found(1) {
			t.Errorf("%s: an empty one has a number", name)
		}
		x.grow(10, of)
		numbers := make([]uint32, 0, many)
		for n := range uint32(many) {
			v := n + 1
			switch {
			case n > 2*many/3: // they grow wider, to all of a slot
				v = 1<<31 + n
			case n > many/3:
				v = 1<<firstWidth + n
			}
			x.add(of(v), v, of)
			numbers = append(numbers, v)
		}
		for _, v := range numbers {
			if !found(v) {
				t.Fatalf("%s: %d is not found", name, v)
			}
			if found(v + many) {
				t.Fatalf("%s: %d is found", name, v+many)
			}
		}
	}
}

// TestTableHasRoom makes sure that a search for what is not there ends, however few
// were expected: there is a free slot always.
func TestTableHasRoom(t *testing.T) {
	hash := func(v uint32) uint64 { return uint64(v) * 0x9e3779b97f4a7c15 }
	for expected := -1; expected < 40; expected++ {
		var x table
		x.grow(room(expected), hash)
		for v := uint32(1); v < 100; v++ {
			x.add(hash(v), v, hash)
			free := 0
			for _, s := range x.slots {
				if s == 0 {
					free++
				}
			}
			if free == 0 {
				t.Fatalf("expected %d, got %d: all of the %d slots are used", expected, v, len(x.slots))
			}
			if got := x.find(hash(v+1), func(w uint32) bool { return w == v+1 }); got != 0 {
				t.Fatalf("%d was found, which is not there", got)
			}
		}
		for v := uint32(1); v < 100; v++ {
			if got := x.find(hash(v), func(w uint32) bool { return w == v }); got != v {
				t.Fatalf("%d was found, want %d", got, v)
			}
		}
	}
}
