package c14n

import "encoding/binary"

// escaped is a set of bytes that the canonical form writes as references.
type escaped [256]bool

var (
	inText  = escaped{'&': true, '<': true, '>': true, '\r': true}
	inValue = escaped{'&': true, '<': true, '"': true, '\t': true, '\n': true, '\r': true}
)

// eight returns 0 if text has the first eight bytes of b as they are.
func eight(b []byte) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	x := binary.LittleEndian.Uint64(b)
	// What is 0 for a byte that it has not borrows; < and > differ in one bit.
	amp, angle, cr := x^ones*'&', x&^(ones*2)^ones*'<', x^ones*'\r'
	return ((amp-ones)&^amp | (angle-ones)&^angle | (cr-ones)&^cr) & tops
}

// clean returns how many bytes from the first of b on text has as they are.
func clean(b []byte) int {
	i := 0
	for ; i+16 <= len(b); i += 16 {
		if eight(b[i:])|eight(b[i+8:]) != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if inText[b[i]] {
			break
		}
	}
	return i
}

func escape[T string | []byte](w *Writer, b T, set *escaped) {
	from := 0
	for i := range len(b) {
		if set[b[i]] {
			w.out = append(w.out, b[from:i]...)
			w.out = append(w.out, reference(b[i])...)
			from = i + 1
		}
	}
	w.out = append(w.out, b[from:]...)
}

func reference(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	}
	return "&#xD;"
}
