// Package jsonscan reads JSON in one pass, without building it: lists of users
// are hundreds of megabytes, of which a handful of strings is wanted, and
// encoding/json would spend more on them than the network does.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// Scanner walks over one JSON value. It takes exactly what encoding/json takes;
// after the first mistake every method returns nothing, and End says what it was.
type Scanner struct {
	b     []byte
	i     int
	depth int
	err   error
}

// maxDepth is how deep values may be nested, as in encoding/json.
const maxDepth = 10000

var (
	errSyntax  = errors.New("the answer is not valid JSON")
	errStopped = errors.New("not read to its end")
)

// New returns a scanner of b, which the caller leaves alone.
func New(b []byte) Scanner { return Scanner{b: b} }

// At returns the present place in the text.
func (s *Scanner) At() int { return s.i }

// Stop ends the scan, as a mistake would.
func (s *Scanner) Stop() {
	if s.err == nil {
		s.err = errStopped
	}
	s.i = len(s.b)
}

// End checks that nothing follows, and returns the first mistake: what was cut
// is [io.ErrUnexpectedEOF].
func (s *Scanner) End() error {
	if s.Peek() != 0 {
		s.fail()
	}
	return s.err
}

// fail notes a mistake at the present place. If it is the end of the text, the
// text was cut.
func (s *Scanner) fail() {
	if s.err == nil {
		if s.err = errSyntax; s.i >= len(s.b) {
			s.err = io.ErrUnexpectedEOF
		}
	}
	s.i = len(s.b)
}

// Peek returns the first byte of the next token, 0 at the end.
func (s *Scanner) Peek() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' {
			return c
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default: // which no token begins with
			s.fail()
		}
	}
	return 0
}

// Object calls f with each key of the object that follows; f may consume the
// value. Anything else, such as null, is skipped.
func (s *Scanner) Object(f func(key []byte)) {
	if s.open('{', '}') {
		for s.err == nil {
			key := s.key()
			at := s.i
			if f(key); s.i == at {
				s.Skip() // f did not want it
			}
			if !s.more('}') {
				return
			}
		}
	}
}

// Array calls f for each element of the array that follows; f may consume it.
// Anything else, such as null, is skipped.
func (s *Scanner) Array(f func()) {
	if s.open('[', ']') {
		for s.err == nil {
			at := s.i
			if f(); s.i == at {
				s.Skip()
			}
			if !s.more(']') {
				return
			}
		}
	}
}

// open enters an object or array; false if there is none, or nothing in it.
func (s *Scanner) open(begin, end byte) bool {
	if s.Peek() != begin {
		s.Skip()
		return false
	}
	if s.depth++; s.depth > maxDepth {
		s.fail()
		return false
	}
	s.i++
	if s.Peek() == end {
		s.i++
		s.depth--
		return false
	}
	return true
}

// more goes to the next element, or leaves.
func (s *Scanner) more(end byte) bool {
	switch s.Peek() {
	case ',':
		s.i++
		s.Peek() // an end now would be a mistake, which the element will find
		return s.err == nil
	case end:
		s.i++
		s.depth--
	default:
		s.fail()
	}
	return false
}

// key reads a key and its colon, and goes to the value.
func (s *Scanner) key() []byte {
	if s.Peek() != '"' {
		s.fail()
		return nil
	}
	from := s.i
	key, plain := s.Quoted()
	if !plain {
		var v string
		if json.Unmarshal(s.b[from:s.i], &v) == nil {
			key = []byte(v)
		}
	}
	if s.Peek() != ':' {
		s.fail()
		return nil
	}
	s.i++
	s.Peek()
	return key
}

// Quoted returns what is between the quotes of the string at the present place.
// It is plain if that is ASCII without escapes; for the rest, [Arena] decodes it.
func (s *Scanner) Quoted() (raw []byte, plain bool) {
	from, b := s.i+1, s.b
	plain = true
	for i := from; i < len(b); i++ {
		for i+8 <= len(b) { // eight that say nothing at a time
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			break
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return b[from:i], plain
		case c == '\\':
			plain = false
			n := escape(b[i+1:])
			if n <= 0 {
				s.i = i + 1 - n
				s.fail()
				return nil, false
			}
			i += n
		case c < 0x20:
			s.i = i
			s.fail()
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.i = len(b)
	s.fail()
	return nil, false
}

// special marks the bytes of x that a string has to be looked at for: quotes,
// backslashes, control characters and what is not ASCII. The lowest mark is
// right; those above it need not be.
func special(x uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := x^each*'"', x^each*'\\'
	return (x | (x-each*0x20)&^x | (quote-each)&^quote | (slash-each)&^slash) & high
}

// escape returns how many bytes of b are the rest of an escape, or else, negated,
// how many of them could be.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		for i := 1; i < 5; i++ {
			if i >= len(b) || !isHex(b[i]) {
				return -i
			}
		}
		return 5
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// Skip passes over one value of any kind and returns its bytes.
func (s *Scanner) Skip() []byte {
	c := s.Peek()
	from := s.i
	switch {
	case c == '{':
		s.Object(func([]byte) {})
	case c == '[':
		s.Array(func() {})
	case c == '"':
		s.Quoted()
	case c == '-' || c >= '0' && c <= '9':
		s.digits()
	default:
		s.word()
	}
	if s.err != nil {
		return nil
	}
	return s.b[from:s.i]
}

// word passes over true, false and null.
func (s *Scanner) word() {
	for _, w := range [...]string{"true", "false", "null"} {
		if n := min(len(w), len(s.b)-s.i); n > 0 && string(s.b[s.i:s.i+n]) == w[:n] {
			s.i += n
			if n < len(w) {
				s.fail()
			}
			return
		}
	}
	s.fail()
}

// digits passes over a number.
func (s *Scanner) digits() {
	some := func() {
		if s.i >= len(s.b) || s.b[s.i] < '0' || s.b[s.i] > '9' {
			s.fail()
		}
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
	}
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else {
		some()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		some()
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		some()
	}
}

// Number reads a number or a string that holds one; ok is false for the rest.
func (s *Scanner) Number() (n int, ok bool) {
	v := bytes.Trim(s.Skip(), `"`)
	n, err := strconv.Atoi(string(v))
	return n, err == nil
}

// Arena gathers strings and makes them one allocation: whoever keeps one of them
// keeps them all. The zero value is ready.
type Arena struct {
	buf   []byte
	spans []span
}

// NewArena is for about n strings with size bytes in all.
func NewArena(n, size int) Arena {
	return Arena{buf: make([]byte, 0, size), spans: make([]span, 0, n)}
}

type span struct {
	dst      *string
	from, to int
}

// Text reads a string into *dst, which is set by Done. Null and all that is no
// string leave it alone.
func (a *Arena) Text(s *Scanner, dst *string) {
	if s.Peek() != '"' {
		s.Skip()
		return
	}
	begin, from := s.i, len(a.buf)
	raw, plain := s.Quoted()
	if !plain && (bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw)) {
		var v string
		json.Unmarshal(s.b[begin:s.i], &v) // after a mistake, nothing
		a.buf = append(a.buf, v...)
	} else {
		a.buf = append(a.buf, raw...)
	}
	a.spans = append(a.spans, span{dst, from, len(a.buf)})
}

// Loose is Text that takes numbers too, as they are written.
func (a *Arena) Loose(s *Scanner, dst *string) {
	if c := s.Peek(); c != '-' && (c < '0' || c > '9') {
		a.Text(s, dst)
		return
	}
	from := len(a.buf)
	a.buf = append(a.buf, s.Skip()...)
	a.spans = append(a.spans, span{dst, from, len(a.buf)})
}

// Done sets all strings, and begins anew. It has to be called before a *dst moves.
func (a *Arena) Done() {
	all := string(a.buf)
	for _, sp := range a.spans {
		*sp.dst = all[sp.from:sp.to]
	}
	a.buf, a.spans = a.buf[:0], a.spans[:0]
}
