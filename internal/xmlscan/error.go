package xmlscan

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Error says why a document was refused, and where: Line and Column count from
// 1, in characters.
type Error struct {
	Line, Column int
	DTD          bool // it has a document type declaration
	Detail       string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Detail)
}

// doctype returns the error for a document type declaration at hand.
func (s *Scanner) doctype() error {
	e := s.Fail("remove the DOCTYPE; SAML metadata has none").(*Error)
	e.DTD = true
	return e
}

// Position returns line and column of text[i], counted from 1.
func Position(text []byte, i int) (line, col int) {
	line, col = New(text).position(i)
	return line, col + 1
}

// clip returns b for an error, cut to most characters.
func clip(b []byte, most int) string {
	for i, n := 0, 0; i < len(b); n++ {
		if n == most {
			return string(bytes.ToValidUTF8(b[:i], []byte("\ufffd"))) + "…"
		}
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return string(bytes.ToValidUTF8(b, []byte("\ufffd")))
}
