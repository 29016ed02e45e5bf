// Package c14n writes XML in canonical form: Canonical XML 1.0 and 1.1, and
// Exclusive XML Canonicalization 1.0, as XML signatures need them.
package c14n

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Writer writes the canonical form of a document, or of the subtree of one
// element, from the tokens of a scanner as they come. It keeps nothing of them.
//
// What the canonical form leaves out, such as an enveloped signature, is not
// passed to it. That includes comments if the method has none of them; of the
// instructions outside the root element only those that belong to what is
// written.
type Writer struct {
	to     io.Writer
	method Method
	out    []byte
	err    error

	depth    int  // of the open elements that were written
	ended    bool // the root element was written
	rendered []binding
	bases    int
	inherit  []attr // xml:* of omitted ancestors, each once, the innermost's

	// Work space of Start.
	spaces []binding
	attrs  []attr
}

type binding struct {
	prefix, uri string
	depth       int
}

type attr struct {
	uri                  string
	prefix, local, value []byte
}

// NewWriter returns a Writer to w. If that is nil, the Writer keeps what it
// writes for Bytes.
func NewWriter(w io.Writer, m Method) *Writer { return &Writer{to: w, method: m} }

// Grow makes room for n bytes.
func (w *Writer) Grow(n int) { w.out = slices.Grow(w.out, n) }

// Bytes returns what was written, and the first error.
func (w *Writer) Bytes() ([]byte, error) { return w.out, w.err }

// Ancestor notes an element that begins, is not written, and holds what is.
// They are to be noted outermost first.
func (w *Writer) Ancestor(s *xmlscan.Scanner) {
	if w.method.Exclusive {
		return
	}
	for i := range s.Attrs {
		a := &s.Attrs[i]
		if a.Space != xmlscan.XML || w.method.V11 && !inherited11(a.Local) {
			continue
		}
		w.base(a.Local)
		w.inherit = slices.DeleteFunc(w.inherit, func(b attr) bool { return bytes.Equal(a.Local, b.local) })
		w.inherit = append(w.inherit, attr{xmlscan.URIXML, []byte("xml"), bytes.Clone(a.Local), bytes.Clone(s.Value(a))})
	}
}

// inherited11 reports whether Canonical XML 1.1 passes an attribute of xml on to
// what is in the element. 1.0 does so with all of them.
func inherited11(local []byte) bool {
	switch string(local) {
	case "lang", "space", "base":
		return true
	}
	return false
}

// errBase is about a rule of Canonical XML 1.1 that nobody needs: several bases
// are joined to one, by an algorithm that has had errata.
var errBase = errors.New("more than one xml:base under Canonical XML 1.1, which is not supported")

var errAmbiguous = errors.New("a PrefixList with more than one space between its names, which are read in two ways")

// base counts the xml:base attributes that make up the apex's.
func (w *Writer) base(local []byte) {
	if w.method.V11 && string(local) == "base" {
		if w.bases++; w.bases > 1 && w.err == nil {
			w.err = errBase
		}
	}
}

// Start writes the start tag that the scanner has read.
func (w *Writer) Start(s *xmlscan.Scanner) {
	w.depth++
	w.spaces, w.attrs = w.spaces[:0], w.attrs[:0]
	for i := range s.Attrs {
		a := &s.Attrs[i]
		if a.Declares() {
			continue
		}
		uri := ""
		if len(a.Prefix) > 0 {
			uri = s.URI(a.Prefix)
		}
		w.attrs = append(w.attrs, attr{uri, a.Prefix, a.Local, s.Value(a)})
	}
	if w.depth == 1 {
		for _, a := range w.attrs {
			if w.bases > 0 && a.uri == xmlscan.URIXML {
				w.base(a.local)
			}
		}
		for _, a := range w.inherit {
			if !slices.ContainsFunc(w.attrs, func(b attr) bool { return b.uri == a.uri && bytes.Equal(b.local, a.local) }) {
				w.attrs = append(w.attrs, a)
			}
		}
	}
	w.namespaces(s)
	slices.SortFunc(w.spaces, func(a, b binding) int { return strings.Compare(a.prefix, b.prefix) })
	slices.SortFunc(w.attrs, func(a, b attr) int {
		return cmp.Or(strings.Compare(a.uri, b.uri), bytes.Compare(a.local, b.local))
	})
	w.out = append(w.out, '<')
	w.name(s.Name.Prefix, s.Name.Local)
	for _, b := range w.spaces {
		w.out = append(w.out, " xmlns"...)
		if b.prefix != "" {
			w.out = append(w.out, ':')
			w.out = append(w.out, b.prefix...)
		}
		w.value([]byte(b.uri))
	}
	for i := range w.attrs {
		w.out = append(w.out, ' ')
		w.name(w.attrs[i].prefix, w.attrs[i].local)
		w.value(w.attrs[i].value)
	}
	w.out = append(w.out, '>')
	w.flush(minFlush)
}

// namespaces finds the declarations that the start tag at hand needs.
func (w *Writer) namespaces(s *xmlscan.Scanner) {
	// Those that change only where they are declared.
	if !w.method.Exclusive || len(w.method.Prefixes) > 0 || w.method.Ambiguous {
		declared := s.Declared()
		if w.depth == 1 {
			declared = s.InScope()
		}
		for i, b := range declared {
			if b.Prefix == "" && w.method.Ambiguous && len(s.Name.Prefix) > 0 && w.current("") != b.URI && w.err == nil {
				w.err = errAmbiguous
			}
			if b.Prefix == "xml" || w.method.Exclusive && !w.method.Prefixes[b.Prefix] {
				continue
			}
			if w.depth > 1 || !slices.ContainsFunc(declared[i+1:], func(c xmlscan.Binding) bool { return c.Prefix == b.Prefix }) {
				render(w, b.Prefix, b.URI)
			}
		}
	}
	if !w.method.Exclusive {
		return
	}
	render(w, s.Name.Prefix, s.URI(s.Name.Prefix))
	for i := range s.Attrs {
		if a := &s.Attrs[i]; len(a.Prefix) > 0 && !a.Declares() {
			render(w, a.Prefix, s.URI(a.Prefix))
		}
	}
}

// render adds a declaration to the start tag at hand, unless the output has it
// already.
func render[T string | []byte](w *Writer, prefix T, uri string) {
	if string(prefix) == "xml" {
		return
	}
	if w.current(string(prefix)) == uri {
		return
	}
	b := binding{string(prefix), uri, w.depth}
	w.rendered = append(w.rendered, b)
	w.spaces = append(w.spaces, b)
}

// current returns what the output has bound a prefix to, "" if to nothing.
func (w *Writer) current(prefix string) string {
	for i := len(w.rendered) - 1; i >= 0; i-- {
		if w.rendered[i].prefix == prefix {
			return w.rendered[i].uri
		}
	}
	return ""
}

// End writes the end tag of the innermost element.
func (w *Writer) End(n xmlscan.Name) {
	w.out = append(w.out, "</"...)
	w.name(n.Prefix, n.Local)
	w.out = append(w.out, '>')
	for len(w.rendered) > 0 && w.rendered[len(w.rendered)-1].depth == w.depth {
		w.rendered = w.rendered[:len(w.rendered)-1]
	}
	w.depth--
	w.ended = w.depth == 0
	w.flush(minFlush)
}

func (w *Writer) name(prefix, local []byte) {
	if len(prefix) > 0 {
		w.out = append(w.out, prefix...)
		w.out = append(w.out, ':')
	}
	w.out = append(w.out, local...)
}

// Text writes a piece of decoded text.
func (w *Writer) Text(b []byte) {
	w.escape(b, &inText)
	w.flush(minFlush)
}

// Comment writes a comment.
func (w *Writer) Comment(text []byte) {
	w.outside(func() {
		w.out = append(w.out, "<!--"...)
		w.out = append(w.out, text...)
		w.out = append(w.out, "-->"...)
	})
}

// Instruction writes a processing instruction.
func (w *Writer) Instruction(target, data []byte) {
	w.outside(func() {
		w.out = append(w.out, "<?"...)
		w.out = append(w.out, target...)
		if len(data) > 0 {
			w.out = append(w.out, ' ')
			w.out = append(w.out, data...)
		}
		w.out = append(w.out, "?>"...)
	})
}

// outside writes what can stand before and behind the root element, where the
// canonical form gives it a line of its own.
func (w *Writer) outside(write func()) {
	if w.ended {
		w.out = append(w.out, '\n')
	}
	write()
	if w.depth == 0 && !w.ended {
		w.out = append(w.out, '\n')
	}
	w.flush(minFlush)
}

// Close passes on what is left.
func (w *Writer) Close() error {
	w.flush(0)
	return w.err
}

func (w *Writer) flush(most int) {
	if w.to != nil && len(w.out) > most {
		if w.err == nil {
			_, w.err = w.to.Write(w.out)
		}
		w.out = w.out[:0]
	}
}

// value writes an attribute's value, = and quotes included.
func (w *Writer) value(v []byte) {
	w.out = append(w.out, `="`...)
	w.escape(v, &inValue)
	w.out = append(w.out, '"')
}

// escaped is a set of bytes that the canonical form writes as references.
type escaped [256]bool

var (
	inText  = escaped{'&': true, '<': true, '>': true, '\r': true}
	inValue = escaped{'&': true, '<': true, '"': true, '\t': true, '\n': true, '\r': true}
)

func (w *Writer) escape(b []byte, set *escaped) {
	from := 0
	for i, c := range b {
		if set[c] {
			w.out = append(w.out, b[from:i]...)
			w.out = append(w.out, reference(c)...)
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
