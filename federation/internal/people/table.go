package people

import "math/bits"

// A table finds numbers by the hashes of what they stand for, by open addressing. A
// slot has the number, which is not 0, and above it as much of the hash as there is
// room for: so hardly anything is compared that is not the same.
type table struct {
	slots []uint32
	used  int
	width uint // of a number, in bits
}

const firstWidth = 24

// find returns the number that is meant: one with the hash for which is holds; 0 if
// there is none.
func (t *table) find(hash uint64, is func(v uint32) bool) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	mark, number := uint32(hash)<<t.width, uint32(1)<<t.width-1
	for i := t.first(hash); ; i = t.after(i) {
		switch s := t.slots[i]; {
		case s == 0:
			return 0
		case s&^number == mark && is(s&number):
			return s & number
		}
	}
}

// add adds a number that is not there. Of sixteen slots at most fifteen are used: to look at
// several in a row costs little.
func (t *table) add(hash uint64, v uint32, hashOf func(v uint32) uint64) {
	width := max(t.width, firstWidth, uint(bits.Len32(v)))
	n := len(t.slots)
	if (t.used+1)*16 > n*15 { // so that one is free always, where a search ends
		n = max(1024, n+n/2)
	}
	t.resize(n, width, hashOf)
	t.put(hash, v)
	t.used++
}

// grow makes room for n numbers.
func (t *table) grow(n int, hashOf func(v uint32) uint64) {
	if n = (n+n/64)*16/15 + 8; n > len(t.slots) {
		t.resize(n, max(t.width, firstWidth), hashOf)
	}
}

func (t *table) resize(n int, width uint, hashOf func(v uint32) uint64) {
	if n == len(t.slots) && width == t.width {
		return
	}
	old, number := t.slots, uint32(1)<<t.width-1
	t.slots, t.width = make([]uint32, n), width
	for _, s := range old {
		if s != 0 {
			t.put(hashOf(s&number), s&number)
		}
	}
}

func (t *table) put(hash uint64, v uint32) {
	i := t.first(hash)
	for t.slots[i] != 0 {
		i = t.after(i)
	}
	t.slots[i] = v | uint32(hash)<<t.width
}

func (t *table) first(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(hi)
}

func (t *table) after(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}
