package people

import (
	"encoding/hex"
	"hash/maphash"
	"math/bits"
)

func appendGUID(b []byte, k [16]byte) []byte {
	for i, from := range [...]int{0, 4, 6, 8, 10} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, k[from:[...]int{4, 6, 8, 10, 16}[i]])
	}
	return b
}

// unhex reads small hexadecimal digits into dst.
func unhex(dst []byte, s string) bool {
	for i := range dst {
		a, b := digit(s[2*i]), digit(s[2*i+1])
		if a > 15 || b > 15 {
			return false
		}
		dst[i] = a<<4 | b
	}
	return true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// unguid reads a GUID, in capitals or not.
func unguid(dst *[16]byte, s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	var b [36]byte
	for i := range 36 {
		b[i] = s[i]
		if 'A' <= b[i] && b[i] <= 'F' {
			b[i] += 'a' - 'A'
		}
	}
	n := 0
	for i := 0; i < 36; i += 2 {
		if b[i] == '-' {
			i++
		}
		x, y := digit(b[i]), digit(b[i+1])
		if x > 15 || y > 15 {
			return false
		}
		dst[n] = x<<4 | y
		n++
	}
	return true
}

// rows is a list that grows without being copied.
type rows[T any] struct {
	blocks [][]T
	n      uint32
}

const rowsBits = 11 // a block of what is kept here fills pages of the heap

func (r *rows[T]) add(v T) uint32 {
	if r.n>>rowsBits == uint32(len(r.blocks)) {
		r.blocks = append(r.blocks, make([]T, 1<<rowsBits))
	}
	r.blocks[r.n>>rowsBits][r.n&(1<<rowsBits-1)] = v
	r.n++
	return r.n - 1
}

// at returns a pointer that stays valid.
func (r *rows[T]) at(i uint32) *T { return &r.blocks[i>>rowsBits][i&(1<<rowsBits-1)] }

// sparse is a number for some of many records; 0 is none. It costs what those records
// cost that have one, and their neighbours.
type sparse struct{ blocks []*[1 << sparseBits]uint32 }

const sparseBits = 6

func (s *sparse) set(i, v uint32) {
	if n := int(i >> sparseBits); n >= len(s.blocks) {
		s.blocks = append(s.blocks, make([]*[1 << sparseBits]uint32, n+1-len(s.blocks))...)
	}
	b := &s.blocks[i>>sparseBits]
	if *b == nil {
		*b = new([1 << sparseBits]uint32)
	}
	(*b)[i&(1<<sparseBits-1)] = v
}

func (s *sparse) at(i uint32) uint32 {
	if n := int(i >> sparseBits); n >= len(s.blocks) || s.blocks[n] == nil {
		return 0
	}
	return s.blocks[i>>sparseBits][i&(1<<sparseBits-1)]
}

// bitmap is a set of small numbers.
type bitmap []uint64

func newBitmap(n uint32) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) has(i uint32) bool { return b[i/64]>>(i%64)&1 != 0 }

// add reports whether i is new.
func (b bitmap) add(i uint32) bool {
	is := b.has(i)
	b[i/64] |= 1 << (i % 64)
	return !is
}

// idIndex finds records by ID.
type idIndex struct {
	slots []uint32 // index from 1
	used  int
	seed  maphash.Seed
}

func (x *idIndex) slot(id []byte) int {
	hi, _ := bits.Mul64(maphash.Bytes(x.seed, id), uint64(len(x.slots)))
	return int(hi)
}

func (x *idIndex) find(id []byte, idOf func(uint32) []byte) (uint32, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	for i := x.slot(id); x.slots[i] != 0; {
		if string(idOf(x.slots[i]-1)) == string(id) {
			return x.slots[i] - 1, true
		}
		if i++; i == len(x.slots) {
			i = 0
		}
	}
	return 0, false
}

// findHash finds a record by the hash of its ID alone.
func (x *idIndex) findHash(hash uint64, idOf func(uint32) []byte) (uint32, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	hi, _ := bits.Mul64(hash, uint64(len(x.slots)))
	for i := int(hi); x.slots[i] != 0; {
		if maphash.Bytes(x.seed, idOf(x.slots[i]-1)) == hash {
			return x.slots[i] - 1, true
		}
		if i++; i == len(x.slots) {
			i = 0
		}
	}
	return 0, false
}

func (x *idIndex) set(id []byte, v uint32, idOf func(uint32) []byte) {
	if x.used*8 >= len(x.slots)*7 {
		x.grow(max(1024, len(x.slots)+len(x.slots)/2), idOf)
	}
	x.insert(id, v+1)
	x.used++
}

func (x *idIndex) insert(id []byte, v uint32) {
	i := x.slot(id)
	for x.slots[i] != 0 {
		if i++; i == len(x.slots) {
			i = 0
		}
	}
	x.slots[i] = v
}

func (x *idIndex) grow(n int, idOf func(uint32) []byte) {
	if n <= len(x.slots) {
		return
	}
	old := x.slots
	x.slots = make([]uint32, n)
	for _, v := range old {
		if v != 0 {
			x.insert(idOf(v-1), v)
		}
	}
}
