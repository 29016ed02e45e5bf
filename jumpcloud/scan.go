package jumpcloud

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// scanner walks over JSON that is known to be valid, without building it: the
// lists of users are hundreds of megabytes, of which a handful of strings is
// wanted.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// object calls f with each key of the object that follows; f must consume the
// value. Anything else, such as null, is skipped.
func (s *scanner) object(f func(key []byte)) { s.each('{', '}', f) }

// array calls f for each element of the array that follows.
func (s *scanner) array(f func()) { s.each('[', ']', func([]byte) { f() }) }

func (s *scanner) each(open, end byte, f func(key []byte)) {
	if s.peek() != open {
		s.skip()
		return
	}
	s.i++
	for {
		switch s.peek() {
		case 0:
			return
		case end:
			s.i++
			return
		case ',':
			s.i++
			continue
		}
		start := s.i
		var key []byte
		if open == '{' {
			key = s.key()
		}
		before := s.i
		if f(key); s.i == before {
			s.skip() // f did not want it
		}
		if s.i == start {
			s.i++ // no JSON after all: at least come to an end
		}
	}
}

// key reads a key and its colon.
func (s *scanner) key() []byte {
	s.space()
	from := s.i
	key, escaped := s.quoted()
	if escaped {
		var v string
		if json.Unmarshal(s.b[from:s.i], &v) == nil {
			key = []byte(v)
		}
	}
	if s.peek() == ':' {
		s.i++
	}
	s.space()
	return key
}

// quoted returns what is between the quotes of the string that follows, and
// whether it has escapes.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	if s.peek() != '"' {
		s.skip()
		return nil, false
	}
	s.i++
	from := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			raw = s.b[from:s.i]
			s.i++
			return raw, escaped
		case '\\':
			escaped = true
			s.i++
		}
		s.i++
	}
	s.i = len(s.b)
	return nil, false
}

// skip passes over one value of any kind and returns its bytes.
func (s *scanner) skip() []byte {
	s.space()
	from, depth := s.i, 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.quoted()
			if depth == 0 {
				return s.b[from:s.i]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.b[from:s.i] // the end of what is around a bare word
			}
			if depth--; depth == 0 {
				s.i++
				return s.b[from:s.i]
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.b[from:s.i]
			}
		}
		s.i++
	}
	return s.b[from:min(s.i, len(s.b))]
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
