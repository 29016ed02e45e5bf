package jumpcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// scanner walks over JSON in one pass, without building it: the lists of users
// are hundreds of megabytes, of which a handful of strings is wanted. It takes
// exactly what encoding/json takes; after the first mistake every method returns
// nothing, and end says what it was.
type scanner struct {
	b     []byte
	i     int
	depth int
	err   error
}

// maxDepth is how deep values may be nested.
const maxDepth = 200

var errSyntax = errors.New("the answer is not valid JSON")

// end checks that nothing follows, and returns the first mistake.
func (s *scanner) end() error {
	if s.peek() != 0 {
		s.fail()
	}
	return s.err
}

// fail notes a mistake at the present place. If it is the end of the text, the
// text was cut.
func (s *scanner) fail() {
	if s.err == nil {
		if s.err = errSyntax; s.i >= len(s.b) {
			s.err = io.ErrUnexpectedEOF
		}
	}
	s.i = len(s.b)
}

// peek returns the first byte of the next token, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		case 0: // which no token begins with
			s.fail()
		default:
			return c
		}
	}
	return 0
}

// object calls f with each key of the object that follows; f may consume the
// value. Anything else, such as null, is skipped.
func (s *scanner) object(f func(key []byte)) {
	if s.open('{', '}') {
		for s.err == nil {
			key := s.key()
			at := s.i
			if f(key); s.i == at {
				s.skip() // f did not want it
			}
			if !s.more('}') {
				return
			}
		}
	}
}

// array calls f for each element of the array that follows; f may consume it.
// Anything else, such as null, is skipped.
func (s *scanner) array(f func()) {
	if s.open('[', ']') {
		for s.err == nil {
			at := s.i
			if f(); s.i == at {
				s.skip()
			}
			if !s.more(']') {
				return
			}
		}
	}
}

// open enters an object or array; false if there is none, or nothing in it.
func (s *scanner) open(begin, end byte) bool {
	if s.peek() != begin {
		s.skip()
		return false
	}
	if s.depth++; s.depth > maxDepth {
		s.fail()
		return false
	}
	s.i++
	if s.peek() == end {
		s.i++
		s.depth--
		return false
	}
	return true
}

// more goes to the next element, or leaves.
func (s *scanner) more(end byte) bool {
	switch s.peek() {
	case ',':
		s.i++
		s.peek() // an end now would be a mistake, which the element will find
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
func (s *scanner) key() []byte {
	if s.peek() != '"' {
		s.fail()
		return nil
	}
	from := s.i
	key, escaped := s.quoted()
	if escaped {
		var v string
		if json.Unmarshal(s.b[from:s.i], &v) == nil {
			key = []byte(v)
		}
	}
	if s.peek() != ':' {
		s.fail()
		return nil
	}
	s.i++
	s.peek()
	return key
}

// quoted returns what is between the quotes of the string at the present place,
// and whether it has escapes.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	from := s.i + 1
	for i := from; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[from:i], escaped
		case c == '\\':
			escaped = true
			i++
			if i < len(s.b) && s.b[i] == 'u' {
				for range 4 {
					if i++; i < len(s.b) && !isHex(s.b[i]) {
						s.i = i
						s.fail()
						return nil, false
					}
				}
			} else if i < len(s.b) && bytes.IndexByte([]byte(`"\/bfnrt`), s.b[i]) < 0 {
				s.i = i
				s.fail()
				return nil, false
			}
		case c < 0x20:
			s.i = i
			s.fail()
			return nil, false
		}
	}
	s.i = len(s.b)
	s.fail()
	return nil, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// skip passes over one value of any kind and returns its bytes.
func (s *scanner) skip() []byte {
	c := s.peek()
	from := s.i
	switch {
	case c == '{':
		s.object(func([]byte) {})
	case c == '[':
		s.array(func() {})
	case c == '"':
		s.quoted()
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
func (s *scanner) word() {
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
func (s *scanner) digits() {
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

// page reads a list in one of JumpCloud's forms, {"totalCount":1,"results":[…]}
// or a bare array, and calls f for each element. The total is -1 if there is
// none. Everything without an array is an error: to take it for an empty list
// would be a lie.
func (s *scanner) page(a *arena, f func()) (total int, err error) {
	total = -1
	list := false
	elements := func() {
		list = s.peek() == '['
		s.array(f)
	}
	if s.peek() == '{' {
		s.object(func(key []byte) {
			switch string(key) {
			case "results":
				elements()
			case "totalCount":
				if n, ok := s.number(); ok {
					total = n
				}
			}
		})
	} else {
		elements()
	}
	a.done()
	if err := s.end(); err != nil || list {
		return total, err
	}
	return total, errNoList
}

// number reads a number or a string that holds one; ok is false for the rest.
func (s *scanner) number() (n int, ok bool) {
	v := bytes.Trim(s.skip(), `"`)
	n, err := strconv.Atoi(string(v))
	return n, err == nil
}

// truth reads true or "true".
func (s *scanner) truth() bool {
	return string(bytes.Trim(s.skip(), `"`)) == "true"
}

// moment reads a time; zero if there is none.
func (s *scanner) moment() time.Time {
	if s.peek() != '"' {
		s.skip()
		return time.Time{}
	}
	raw, _ := s.quoted()
	return parseTime(string(raw))
}

// arena gathers the strings of one page and makes them one allocation. Whoever
// keeps a string keeps its page's strings: a few kilobytes.
type arena struct {
	buf   []byte
	spans []span
}

// newArena is for a page of n bytes.
func newArena(n int) arena {
	return arena{buf: make([]byte, 0, n/2), spans: make([]span, 0, 4*pageSize)}
}

type span struct {
	dst      *string
	from, to int
}

// text reads a string into *dst, which is set by done. Numbers are taken as
// they are written; null and the rest leave it empty.
func (a *arena) text(s *scanner, dst *string) {
	from := len(a.buf)
	switch c := s.peek(); {
	case c == '"':
		begin := s.i
		raw, escaped := s.quoted()
		if escaped || !utf8.Valid(raw) {
			var v string
			if json.Unmarshal(s.b[begin:s.i], &v) == nil {
				a.buf = append(a.buf, v...)
			}
		} else {
			a.buf = append(a.buf, raw...)
		}
	case c == '-' || c >= '0' && c <= '9':
		a.buf = append(a.buf, s.skip()...)
	default:
		s.skip()
	}
	if len(a.buf) > from {
		a.spans = append(a.spans, span{dst, from, len(a.buf)})
	}
}

// done sets all strings, and begins anew.
func (a *arena) done() {
	all := string(a.buf)
	for _, sp := range a.spans {
		*sp.dst = all[sp.from:sp.to]
	}
	a.buf, a.spans = a.buf[:0], a.spans[:0]
}

// parseTime reads the forms that JumpCloud writes; zero if it is none of them.
func parseTime(s string) time.Time {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
