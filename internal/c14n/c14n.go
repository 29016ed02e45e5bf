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
	plain                bool // as xmlscan says it
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
		w.inherit = append(w.inherit, attr{xmlscan.URIXML, []byte("xml"), bytes.Clone(a.Local), bytes.Clone(s.Value(a)), a.Plain()})
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
	w.spaces = w.spaces[:0]
	w.namespaces(s)
	if len(w.spaces) > 1 {
		slices.SortFunc(w.spaces, func(a, b binding) int { return strings.Compare(a.prefix, b.prefix) })
	}
	w.out = append(w.out, '<')
	w.name(s.Name.Prefix, s.Name.Local)
	for i := range w.spaces {
		w.declaration(&w.spaces[i])
	}
	if w.depth > 1 && ordered(s.Attrs) { // as they are, then
		for i := range s.Attrs {
			if a := &s.Attrs[i]; !a.Declares() {
				w.attribute(a.Prefix, a.Local, s.Value(a), a.Plain())
			}
		}
	} else {
		w.sort(s)
		for i := range w.attrs {
			a := &w.attrs[i]
			w.attribute(a.prefix, a.local, a.value, a.plain)
		}
	}
	w.out = append(w.out, '>')
	w.flush(MinFlush)
}

// ordered reports whether attributes are in the order of the canonical form.
func ordered(attrs []xmlscan.Attr) bool {
	var last *xmlscan.Attr
	for i := range attrs {
		a := &attrs[i]
		switch {
		case a.Declares():
			continue
		case last == nil:
		case cmp.Or(strings.Compare(last.URI, a.URI), bytes.Compare(last.Local, a.Local)) > 0:
			return false
		}
		last = a
	}
	return true
}

// sort makes attrs those of the start tag at hand in the order of the canonical
// form, with those that it inherits.
func (w *Writer) sort(s *xmlscan.Scanner) {
	w.attrs = w.attrs[:0]
	for i := range s.Attrs {
		if a := &s.Attrs[i]; !a.Declares() {
			w.attrs = append(w.attrs, attr{a.URI, a.Prefix, a.Local, s.Value(a), a.Plain()})
		}
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
	slices.SortFunc(w.attrs, func(a, b attr) int {
		return cmp.Or(strings.Compare(a.uri, b.uri), bytes.Compare(a.local, b.local))
	})
}

// declaration writes the declaration of a namespace.
func (w *Writer) declaration(b *binding) {
	w.out = append(w.out, " xmlns"...)
	if b.prefix != "" {
		w.out = append(w.out, ':')
		w.out = append(w.out, b.prefix...)
	}
	w.out = append(w.out, `="`...)
	escape(w, b.uri, &inValue)
	w.out = append(w.out, '"')
}

// attribute writes an attribute. If it is plain, its value has nothing but quotes
// that is written as a reference.
func (w *Writer) attribute(prefix, local, value []byte, plain bool) {
	w.out = append(w.out, ' ')
	w.name(prefix, local)
	w.out = append(w.out, `="`...)
	if plain && bytes.IndexByte(value, '"') < 0 {
		w.out = append(w.out, value...)
	} else {
		escape(w, value, &inValue)
	}
	w.out = append(w.out, '"')
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
				w.render(b)
			}
		}
	}
	if !w.method.Exclusive {
		return
	}
	w.use(s, s.Name.Prefix, s.Name.URI)
	for i := range s.Attrs {
		if a := &s.Attrs[i]; len(a.Prefix) > 0 && !a.Declares() {
			w.use(s, a.Prefix, a.URI)
		}
	}
}

// use renders the declaration of a prefix that the start tag at hand uses.
func (w *Writer) use(s *xmlscan.Scanner, prefix []byte, uri string) {
	if n := len(w.rendered); n > 0 && w.rendered[n-1].uri == uri && w.rendered[n-1].prefix == string(prefix) {
		return
	}
	b := xmlscan.Binding{URI: uri}
	scope := s.InScope()
	for i := len(scope) - 1; i >= 0 && len(prefix) > 0; i-- {
		if scope[i].Prefix == string(prefix) {
			b = scope[i]
			break
		}
	}
	w.render(b)
}

// render adds a declaration to the start tag at hand, unless the output has it
// already.
func (w *Writer) render(b xmlscan.Binding) {
	if b.Prefix == "xml" || w.current(b.Prefix) == b.URI {
		return
	}
	w.rendered = append(w.rendered, binding{b.Prefix, b.URI, w.depth})
	w.spaces = append(w.spaces, w.rendered[len(w.rendered)-1])
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
	w.flush(MinFlush)
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
	n := clean(b)
	w.out = append(w.out, b[:n]...)
	if n < len(b) {
		escape(w, b[n:], &inText)
	}
	w.flush(MinFlush)
}

// Characters writes the text that the scanner has read.
func (w *Writer) Characters(s *xmlscan.Scanner) {
	if !s.Plain {
		w.Text(s.Text)
		return
	}
	w.out = append(w.out, s.Text...)
	w.flush(MinFlush)
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
	w.flush(MinFlush)
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
