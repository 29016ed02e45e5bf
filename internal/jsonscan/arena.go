package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// chunk is how many bytes of text are allocated together, and as much as whoever
// keeps one short text holds on to.
const chunk = 4 << 10

// Arena makes texts, many of them in one allocation. The zero value is ready, and
// may be used for any number of documents: what it has made stays as it is. It is
// not to be copied.
type Arena struct {
	// A Builder is written at its end alone, so that what it has returned
	// never changes.
	b strings.Builder
}

// Text reads a string into *dst. Null and all that is no string leave it alone.
func (a *Arena) Text(s *Scanner, dst *string) {
	if s.here() != '"' && s.Peek() != '"' {
		s.pass()
		return
	}
	begin := s.i
	raw, plain := s.Quoted()
	if !plain && (bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw)) {
		*dst = decoded(s.b[begin:s.i])
		return
	}
	*dst = a.keep(raw)
}

// decoded is what a string with escapes, or with what is not UTF-8, says.
func decoded(quoted []byte) (text string) {
	json.Unmarshal(quoted, &text) // after a mistake, nothing
	return text
}

// Loose is Text that takes numbers too, as they are written.
func (a *Arena) Loose(s *Scanner, dst *string) {
	if s.here() != '"' {
		if c := s.Peek(); c == '-' || c >= '0' && c <= '9' {
			*dst = a.keep(s.Skip())
			return
		}
	}
	a.Text(s, dst)
}

// keep returns b as a string.
func (a *Arena) keep(b []byte) string {
	if len(b) > a.b.Cap()-a.b.Len() {
		if len(b) > chunk/8 { // which would waste the rest of a chunk
			return string(b)
		}
		a.b.Reset()
		a.b.Grow(chunk)
	}
	from := a.b.Len()
	a.b.Write(b)
	return a.b.String()[from:]
}
