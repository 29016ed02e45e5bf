package people

import "encoding/hex"

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
		a, b := hexDigits[s[2*i]], hexDigits[s[2*i+1]]
		if a|b > 15 {
			return false
		}
		dst[i] = a<<4 | b
	}
	return true
}

// hexDigits are the values of small hexadecimal digits; 0xff for all other bytes.
var hexDigits = func() (t [256]byte) {
	for c := range t {
		t[c] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// unguid reads a GUID, in capitals or not.
func unguid(dst *[16]byte, s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for n, i := range [...]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		x, y := hexDigits[lower(s[i])], hexDigits[lower(s[i+1])]
		if x|y > 15 {
			return false
		}
		dst[n] = x<<4 | y
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
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
type sparse[T uint32 | uint64] struct{ blocks []*[1 << sparseBits]T }

const sparseBits = 6

func (s *sparse[T]) set(i uint32, v T) {
	if n := int(i >> sparseBits); n >= len(s.blocks) {
		s.blocks = append(s.blocks, make([]*[1 << sparseBits]T, n+1-len(s.blocks))...)
	}
	b := &s.blocks[i>>sparseBits]
	if *b == nil {
		*b = new([1 << sparseBits]T)
	}
	(*b)[i&(1<<sparseBits-1)] = v
}

func (s *sparse[T]) at(i uint32) T {
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
