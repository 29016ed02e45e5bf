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
//
// Objects and arrays are loops; a value that the body of the loop does not consume
// is skipped, and so is a value of another kind:
//
//	for key, ok := s.Object(); ok; key, ok = s.Field() {
//		switch string(key) {
//		case "id":
//			id = s.Skip()
//		case "names":
//			for ok := s.Array(); ok; ok = s.Element() {
//				names = append(names, s.Skip())
//			}
//		}
//	}
type Scanner struct {
	b     []byte
	i     int
	value int // where the value at hand begins: as long as i is there, it was not consumed
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
	if c := s.here(); c > ' ' {
		return c
	}
	return s.space()
}

// here returns the byte at the present place. It is most of Peek, which is too long
// for the compiler to copy to where it is called for each token.
func (s *Scanner) here() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// space passes over white space, and is Peek then.
func (s *Scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			if c > ' ' {
				return c
			}
			s.fail() // no token begins with it
		}
	}
	return 0
}

// Object enters the object that follows and returns its first key; ok is false if
// it has none, or if what follows, and is skipped then, is no object.
func (s *Scanner) Object() (key []byte, ok bool) {
	if !s.open('{', '}') {
		return nil, false
	}
	return s.key(), s.err == nil
}

// Field goes on to the next key of the object that Object has entered, or leaves it.
func (s *Scanner) Field() (key []byte, ok bool) {
	if s.i == s.value {
		s.pass()
	}
	if !s.more('}') {
		return nil, false
	}
	return s.key(), s.err == nil
}

// Array enters the array that follows; ok is false if it has no element, or if what
// follows, and is skipped then, is no array.
func (s *Scanner) Array() (ok bool) {
	if s.open('[', ']') {
		s.value, ok = s.i, true
	}
	return ok
}

// Element goes on to the next element of the array that Array has entered, or leaves it.
func (s *Scanner) Element() (ok bool) {
	if s.i == s.value {
		s.pass()
	}
	if s.more(']') {
		s.value, ok = s.i, true
	}
	return ok
}

// open enters an object or array; false if there is none, or nothing in it.
func (s *Scanner) open(begin, end byte) bool {
	if s.Peek() != begin {
		s.pass()
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
	return s.err == nil
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
	s.value = s.i
	return key
}

// Quoted returns what is between the quotes of the string at the present place.
// It is plain if that is ASCII without escapes; for the rest, [Arena] decodes it.
func (s *Scanner) Quoted() (raw []byte, plain bool) {
	i := s.i + 1
	for i+8 <= len(s.b) { // eight that say nothing at a time
		m := special(binary.LittleEndian.Uint64(s.b[i : i+8]))
		if m == 0 {
			i += 8
			continue
		}
		if i += bits.TrailingZeros64(m) / 8; s.b[i] == '"' {
			raw, s.i = s.b[s.i+1:i], i+1
			return raw, true
		}
		break
	}
	return s.quoted(s.i+1, i)
}

// quoted is Quoted for the string that begins at from and is plain as far as i.
func (s *Scanner) quoted(from, i int) (raw []byte, plain bool) {
	b := s.b
	plain = true
	for ; i < len(b); i++ {
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
	s.Peek()
	from := s.i
	if s.pass(); s.err != nil {
		return nil
	}
	return s.b[from:s.i]
}

// pass passes over one value of any kind.
func (s *Scanner) pass() {
	switch c := s.Peek(); {
	case c == '"':
		s.Quoted()
	case c == '{':
		for _, ok := s.Object(); ok; _, ok = s.Field() {
		}
	case c == '[':
		for ok := s.Array(); ok; ok = s.Element() {
		}
	case c == '-' || c >= '0' && c <= '9':
		s.digits()
	default:
		s.word()
	}
}

// word passes over true, false and null.
func (s *Scanner) word() {
	b := s.b[s.i:]
	switch {
	case len(b) >= 4 && (string(b[:4]) == "true" || string(b[:4]) == "null"):
		s.i += 4
		return
	case len(b) >= 5 && string(b[:5]) == "false":
		s.i += 5
		return
	}
	for _, w := range [...]string{"true", "false", "null"} {
		if len(b) < len(w) && string(b) == w[:len(b)] {
			s.i = len(s.b) // cut
		}
	}
	s.fail()
}

// digits passes over a number.
func (s *Scanner) digits() {
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else {
		s.some()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		s.some()
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		s.some()
	}
}

// some passes over one digit or more.
func (s *Scanner) some() {
	if s.i >= len(s.b) || s.b[s.i] < '0' || s.b[s.i] > '9' {
		s.fail()
	}
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
}

// Number reads a number or a string that holds one; ok is false for the rest.
func (s *Scanner) Number() (n int, ok bool) {
	v := bytes.Trim(s.Skip(), `"`)
	n, err := strconv.Atoi(string(v))
	return n, err == nil
}
