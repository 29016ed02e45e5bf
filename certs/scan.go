package certs

import (
	"bytes"
	"hash/maphash"
	"io"
	"unicode/utf8"
)

// Limits of the scanner. Honest metadata stays far below: the largest
// attributes are URLs, the deepest documents have a dozen levels.
const (
	maxDepth     = 100
	maxAttrs     = 128
	maxPrefixes  = 128      // namespace declarations in scope at once
	maxAttrValue = 64 << 10 // bytes
	maxName      = 1 << 10  // bytes
	maxToken     = 16 << 20 // bytes of one tag, comment or run of text
	minWindow    = 64 << 10 // bytes read at a time
)

// tokenKind is the kind of thing that scanner.next found.
type tokenKind int

const (
	tokenStart   tokenKind = iota // scanner.name and scanner.attrs are set
	tokenEnd                      // scanner.name is set
	tokenText                     // scanner.text is set, decoded
	tokenComment                  // within the root element
	tokenEOF
)

// nsID identifies a namespace: one of these, or any higher number.
type nsID int

const (
	nsNone nsID = iota
	nsXML
	nsMD
	nsDS
	nsSAMLP
	nsSAML
	nsOther // of prefixes that are bound to something else, from here on
)

// The namespaces that have a number.
const (
	uriXML   = "http://www.w3.org/XML/1998/namespace"
	uriXMLNS = "http://www.w3.org/2000/xmlns/"
	uriMD    = "urn:oasis:names:tc:SAML:2.0:metadata"
	uriDS    = "http://www.w3.org/2000/09/xmldsig#"
	uriSAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
	uriSAML  = "urn:oasis:names:tc:SAML:2.0:assertion"
)

func knownNamespace(uri string) (nsID, bool) {
	switch uri {
	case "":
		return nsNone, true
	case uriXML:
		return nsXML, true
	case uriMD:
		return nsMD, true
	case uriDS:
		return nsDS, true
	case uriSAMLP:
		return nsSAMLP, true
	case uriSAML:
		return nsSAML, true
	}
	return nsOther, false
}

// name is an element's name with its namespace resolved. The bytes are good
// until the next token.
type name struct {
	space nsID
	local []byte
}

func (n name) is(space nsID, local string) bool { return n.space == space && string(n.local) == local }

// attr is an attribute as written: the value is not decoded yet.
type attr struct {
	prefix, local, raw []byte
	space              nsID
}

type binding struct {
	prefix string
	space  nsID
	uri    string
	depth  int
}

// scanner reads XML 1.0 with namespaces in UTF-8, strictly. encoding/xml and
// with it etree pass over two root elements, text after the root, attributes
// given twice, prefixes that nobody declared, declarations in the middle and
// more; documents that two readers can read in two ways are how signatures are
// wrapped. The scanner has no document types, so that no entity can grow.
//
// It works in a window that moves over the input and holds no more than the
// token at hand, and it copies nothing that it is not asked for.
type scanner struct {
	r   io.Reader // nil: buf holds everything
	buf []byte
	pos int  // of the next token in buf
	eof bool // buf ends where the input ends

	line int  // of buf[0]
	col  int  // characters before buf[0] in its line
	any  bool // something was discarded: buf[0] is not the beginning

	utf16 bool // the text was converted, so a declaration may say UTF-16

	elements int
	stack    []byte // names of the open elements, one after the other
	open     []int  // where each begins in stack
	bound    []binding
	others   int // namespaces seen that are not among the known ones

	name    name
	attrs   []attr
	text    []byte
	pending bool // an empty-element tag still owes its end

	root bool // the root element has begun

	mark, markLine, markCol int // how far here has counted

	seed maphash.Seed
	ids  map[uint64]struct{} // values of ID, hashed
}

func newScanner(b []byte) *scanner {
	s := &scanner{buf: b, eof: true, line: 1}
	s.init()
	return s
}

func newStreamScanner(r io.Reader) *scanner {
	s := &scanner{r: r, line: 1}
	s.init()
	return s
}

func (s *scanner) init() {
	s.bound = append(s.bound, binding{"xml", nsXML, uriXML, 0})
}

// fill reads more of the input behind buf[pos:], which keeps its content.
func (s *scanner) fill() error {
	if s.eof {
		return nil
	}
	if s.pos > 0 {
		s.line, s.col = s.position(s.pos)
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos, s.any = 0, true
		s.mark, s.markLine, s.markCol = 0, 0, 0
	}
	if len(s.buf) > maxToken {
		return s.fail(0, "a tag, comment or text of more than %d MiB", maxToken>>20)
	}
	if cap(s.buf)-len(s.buf) < minWindow/2 {
		grown := make([]byte, len(s.buf), max(minWindow, 2*cap(s.buf)))
		copy(grown, s.buf)
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err == io.EOF {
			s.eof = true
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// position returns line and column (less one) of buf[i].
func (s *scanner) position(i int) (line, col int) {
	before := s.buf[:i]
	line = s.line + bytes.Count(before, []byte{'\n'})
	if nl := bytes.LastIndexByte(before, '\n'); nl >= 0 {
		return line, utf8.RuneCount(before[nl+1:])
	}
	return line, s.col + utf8.RuneCount(before)
}

// here returns line and column of the token at hand. Unlike position it counts
// each character once, however often it is called.
func (s *scanner) here() (line, col int) {
	if s.markLine == 0 {
		s.markLine, s.markCol = s.line, s.col
	}
	passed := s.buf[s.mark:s.pos]
	if nl := bytes.LastIndexByte(passed, '\n'); nl >= 0 {
		s.markLine += bytes.Count(passed, []byte{'\n'})
		s.markCol = utf8.RuneCount(passed[nl+1:])
	} else {
		s.markCol += utf8.RuneCount(passed)
	}
	s.mark = s.pos
	return s.markLine, s.markCol + 1
}

// fail returns the error that the document is not well-formed at buf[i].
func (s *scanner) fail(i int, format string, args ...any) error {
	return s.failKind(KindMalformedXML, i, format, args...)
}

func (s *scanner) failKind(k Kind, i int, format string, args ...any) error {
	e := refuse(k, format, args...)
	var col int
	e.Line, col = s.position(min(i, len(s.buf)))
	e.Column = col + 1
	return e
}

// until makes sure that buf holds the first occurrence of sep at or after
// pos+from, and returns its index; -1 if the input ends before.
func (s *scanner) until(from int, sep string) (int, error) {
	for {
		if s.pos+from <= len(s.buf) {
			if i := bytes.Index(s.buf[s.pos+from:], []byte(sep)); i >= 0 {
				return s.pos + from + i, nil
			}
			from = max(from, len(s.buf)-s.pos-len(sep)+1)
		}
		if s.eof {
			return -1, nil
		}
		if err := s.fill(); err != nil {
			return -1, err
		}
	}
}

// have makes sure that buf holds n bytes from pos, unless the input ends.
func (s *scanner) have(n int) error {
	for len(s.buf)-s.pos < n && !s.eof {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) at(prefix string) bool { return bytes.HasPrefix(s.buf[s.pos:], []byte(prefix)) }

// next advances to the next token.
func (s *scanner) next() (tokenKind, error) {
	if s.pending {
		s.pending = false
		return tokenEnd, s.pop()
	}
	for {
		if err := s.have(9); err != nil { // <![CDATA[ and <!DOCTYPE
			return 0, err
		}
		if !s.any && s.pos == 0 && s.at("\ufeff") {
			s.pos = 3
			if err := s.have(6); err != nil {
				return 0, err
			}
			if s.at("<?xml") && len(s.buf) > 8 && isSpace(s.buf[8]) {
				if err := s.declaration(); err != nil {
					return 0, err
				}
			}
			continue
		}
		if s.pos == len(s.buf) {
			if len(s.open) > 0 {
				return 0, s.fail(s.pos, "the document ends inside an element: it is cut off")
			}
			if !s.root {
				return 0, s.fail(s.pos, "there is no element")
			}
			return tokenEOF, nil
		}
		switch {
		case s.buf[s.pos] != '<':
			ok, err := s.characters()
			if err != nil || ok {
				return tokenText, err
			}
		case s.at("<!--"):
			if err := s.comment(); err != nil {
				return 0, err
			}
			if len(s.open) > 0 {
				return tokenComment, nil
			}
		case s.at("<![CDATA["):
			ok, err := s.cdata()
			if err != nil || ok {
				return tokenText, err
			}
		case s.at("<!DOCTYPE"):
			return 0, s.failKind(KindDTD, s.pos, "remove the DOCTYPE; SAML metadata has none")
		case s.at("<!"):
			return 0, s.fail(s.pos, "a markup declaration")
		case s.at("<?"):
			if err := s.instruction(); err != nil {
				return 0, err
			}
		case s.at("</"):
			return tokenEnd, s.endTag()
		default:
			return tokenStart, s.startTag()
		}
	}
}
