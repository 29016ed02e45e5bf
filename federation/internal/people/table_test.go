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
