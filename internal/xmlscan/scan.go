// Package xmlscan reads XML strictly: what two readers could read in two ways
// is refused. It knows the namespaces of SAML and of XML signatures.
package xmlscan

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"unicode/utf8"
)

// Limits of the Scanner. Honest metadata stays far below: the largest
// attributes are URLs, the deepest documents have a dozen levels.
const (
	maxDepth     = 100
	maxAttrs     = 128
	maxPrefixes  = 128      // namespace declarations in scope at once
	maxAttrValue = 64 << 10 // bytes
	MaxName      = 1 << 10  // bytes
	maxIDs       = 64 << 10 // kept, if nobody says otherwise
	maxToken     = 16 << 20 // bytes of one tag, comment or run of text
	minWindow    = 64 << 10 // bytes read at a time
)

// Kind is the kind of thing that Scanner.Next found.
type Kind int

const (
	Start       Kind = iota // Scanner.Name and Scanner.Attrs are set
	End                     // Scanner.Name is set
	Text                    // Scanner.Text is set, decoded
	Comment                 // also outside the root element; Scanner.Text is set
	Instruction             // Scanner.Name.Local and Scanner.Text are set
	EOF
)

// Space identifies a namespace: one of these, or any higher number.
type Space int

const (
	None Space = iota
	XML
	MD
	DS
	SAMLP
	SAML
	Other // of prefixes that are bound to something else, from here on
)

// The namespaces that have a number.
const (
	URIXML   = "http://www.w3.org/XML/1998/namespace"
	URIXMLNS = "http://www.w3.org/2000/xmlns/"
	URIMD    = "urn:oasis:names:tc:SAML:2.0:metadata"
	URIDS    = "http://www.w3.org/2000/09/xmldsig#"
	URISAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
	URISAML  = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// KnownSpace returns the number of a namespace that has one.
func KnownSpace(uri string) (Space, bool) {
	switch uri {
	case "":
		return None, true
	case URIXML:
		return XML, true
	case URIMD:
		return MD, true
	case URIDS:
		return DS, true
	case URISAMLP:
		return SAMLP, true
	case URISAML:
		return SAML, true
	}
	return Other, false
}

// Name is an element's name with its namespace resolved. The bytes are good
// until the next token.
type Name struct {
	Space         Space
	URI           string // of the namespace, "" for none
	Prefix, Local []byte
}

// Is reports whether n is the name local in space.
func (n Name) Is(space Space, local string) bool { return n.Space == space && string(n.Local) == local }

// Attr is an attribute as written: the value is not decoded yet.
type Attr struct {
	Prefix, Local, Raw []byte
	Space              Space
	URI                string // of the namespace of a prefix, "" for none

	declares bool
	plain    bool
}

// Declares reports whether the attribute is a namespace declaration.
func (a *Attr) Declares() bool { return a.declares }

// Plain reports whether the value is ASCII without references and line ends: it
// is Raw.
func (a *Attr) Plain() bool { return a.plain }

// Binding is a namespace declaration.
type Binding struct {
	Prefix string // "" for the default namespace
	URI    string // "" if that is taken back
	space  Space
	depth  int
}

// element is an open one.
type element struct {
	from, colon int // its name in stack, and the colon therein, or -1
	space       Space
	uri         string
}

// Scanner reads XML 1.0 with namespaces in UTF-8, strictly. encoding/xml and
// with it etree pass over two root elements, text after the root, attributes
// given twice, prefixes that nobody declared, declarations in the middle and
// more; documents that two readers can read in two ways are how signatures are
// wrapped. The Scanner has no document types, so that no entity can grow.
//
// It works in a window that moves over the input and holds no more than the
// token at hand, and it copies nothing that it is not asked for.
type Scanner struct {
	r   io.Reader // nil: buf holds everything
	buf []byte
	pos int  // of the next token in buf
	eof bool // buf ends where the input ends

	line int  // of buf[0]
	col  int  // characters before buf[0] in its line
	any  bool // something was discarded: buf[0] is not the beginning

	// UTF16 says that the text was converted from UTF-16, so that a declaration
	// may name it.
	UTF16 bool

	// MaxIDs is how many values of ID attributes are kept to compare further ones
	// with. The default is 65,536.
	MaxIDs int

	// What Next found; good until it is called again.
	Name  Name
	Attrs []Attr
	Text  []byte // decoded
	Plain bool   // Text has none of & < > and CR; only said if it stood there like this
	ASCII bool   // the names in the start tag are

	// Elements counts the start tags so far.
	Elements int

	stack  []byte // names of the open elements, one after the other
	open   []element
	bound  []Binding
	others int // namespaces seen that are not among the known ones

	pending bool // an empty-element tag still owes its end
	root    bool // the root element has begun

	mark, markLine, markCol int // how far Here has counted

	// What most documents need, so that it takes no allocation of its own.
	first struct {
		attrs [8]Attr
		bound [8]Binding
		stack [256]byte
		open  [16]element
	}

	// work counts the bytes and names that were looked at, again and again or
	// not. Tests hold it against the length of the input.
	work int

	seed maphash.Seed
	ids  map[uint64]struct{} // values of ID, hashed
}

// New returns a scanner of a document in memory.
func New(b []byte) *Scanner {
	s := &Scanner{buf: b, eof: true, line: 1}
	s.init()
	return s
}

// NewReader returns a scanner of a stream.
func NewReader(r io.Reader) *Scanner {
	s := &Scanner{r: r, line: 1}
	s.init()
	return s
}

func (s *Scanner) init() {
	s.MaxIDs = maxIDs
	s.Attrs, s.stack, s.open = s.first.attrs[:0], s.first.stack[:0], s.first.open[:0]
	s.bound = append(s.first.bound[:0], Binding{"xml", URIXML, XML, 0})
}

// fill reads more of the input behind buf[pos:], which keeps its content.
func (s *Scanner) fill() error {
	if s.eof {
		return nil
	}
	if s.pos > 0 {
		s.work += len(s.buf) - s.pos
		s.line, s.col = s.position(s.pos)
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos, s.any = 0, true
		s.mark, s.markLine, s.markCol = 0, 0, 0
	}
	if len(s.buf) > maxToken {
		return s.fail(0, "a tag, comment or text of more than %d MiB", maxToken>>20)
	}
	if cap(s.buf)-len(s.buf) < minWindow/2 {
		s.work += len(s.buf)
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
func (s *Scanner) position(i int) (line, col int) {
	s.work += i
	before := s.buf[:i]
	line = s.line + bytes.Count(before, []byte{'\n'})
	if nl := bytes.LastIndexByte(before, '\n'); nl >= 0 {
		return line, utf8.RuneCount(before[nl+1:])
	}
	return line, s.col + utf8.RuneCount(before)
}

// Here returns line and column of the token at hand. Unlike position it counts
// each character once, however often it is called.
func (s *Scanner) Here() (line, col int) {
	if s.markLine == 0 {
		s.markLine, s.markCol = s.line, s.col
	}
	passed := s.buf[s.mark:s.pos]
	s.work += len(passed)
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
func (s *Scanner) fail(i int, format string, args ...any) error {
	e := &Error{Detail: fmt.Sprintf(format, args...)}
	var col int
	e.Line, col = s.position(min(i, len(s.buf)))
	e.Column = col + 1
	return e
}

// Pos returns where in a document in memory the token at hand ends.
func (s *Scanner) Pos() int { return s.pos }

// Fail returns the error that the token at hand is refused.
func (s *Scanner) Fail(format string, args ...any) error { return s.fail(s.pos, format, args...) }

// until makes sure that buf holds the first occurrence of sep at or after
// pos+from, and returns its index; -1 if the input ends before.
func (s *Scanner) until(from int, sep string) (int, error) {
	for {
		if s.pos+from <= len(s.buf) {
			if i := bytes.Index(s.buf[s.pos+from:], []byte(sep)); i >= 0 {
				s.work += i
				return s.pos + from + i, nil
			}
			s.work += len(s.buf) - s.pos - from
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
func (s *Scanner) have(n int) error {
	for len(s.buf)-s.pos < n && !s.eof {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scanner) at(prefix string) bool { return bytes.HasPrefix(s.buf[s.pos:], []byte(prefix)) }

// Next advances to the next token.
func (s *Scanner) Next() (Kind, error) {
	if s.pending {
		s.pending = false
		s.pop()
		return End, nil
	}
	for {
		if !s.eof {
			if err := s.have(9); err != nil { // <![CDATA[ and <!DOCTYPE
				return 0, err
			}
		}
		if !s.any && s.pos == 0 && s.at("\ufeff") {
			s.pos = 3
			if err := s.have(6); err != nil {
				return 0, err
			}
			if s.at("<?xml") && len(s.buf) > 8 && IsSpace(s.buf[8]) {
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
			return EOF, nil
		}
		if s.buf[s.pos] != '<' {
			if ok, err := s.characters(); err != nil || ok {
				return Text, err
			}
			continue
		}
		var next byte
		if s.pos+1 < len(s.buf) {
			next = s.buf[s.pos+1]
		}
		switch next {
		case '/':
			return End, s.endTag()
		case '!':
			if k, err := s.declared(); err != nil || k != EOF {
				return k, err
			}
		case '?':
			if ok, err := s.instruction(); err != nil || ok {
				return Instruction, err
			}
		default:
			return Start, s.startTag()
		}
	}
}

// declared reads what begins with <!. It returns EOF for a CDATA section that is
// empty.
func (s *Scanner) declared() (Kind, error) {
	switch {
	case s.at("<!--"):
		return Comment, s.comment()
	case s.at("<![CDATA["):
		ok, err := s.cdata()
		if err != nil || ok {
			return Text, err
		}
		return EOF, nil
	case s.at("<!DOCTYPE"):
		return 0, s.doctype()
	}
	return 0, s.fail(s.pos, "a markup declaration")
}
