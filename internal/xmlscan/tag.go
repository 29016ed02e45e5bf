package xmlscan

import (
	"bytes"
	"hash/maphash"
)

// startTag reads a start tag or an empty-element tag.
func (s *Scanner) startTag() error {
	end, err := s.tagEnd()
	if err != nil {
		return err
	}
	if end < 0 {
		return s.fail(s.pos, "a tag without an end")
	}
	if s.root && len(s.open) == 0 {
		return s.fail(s.pos, "a second root element")
	}
	stop := end
	if s.buf[end-1] == '/' {
		stop--
	}
	qname, colon, err := s.qname(s.pos+1, stop)
	if err != nil {
		return err
	}
	depth := len(s.open) + 1
	if depth > maxDepth {
		return s.fail(s.pos, "elements nested more than %d deep", maxDepth)
	}
	if err := s.attributes(s.pos+1+len(qname), stop, depth); err != nil {
		return err
	}
	if err := s.resolve(qname, colon); err != nil {
		return err
	}
	s.root = true
	s.Elements++
	s.open = append(s.open, element{len(s.stack), colon, s.Name.Space, s.Name.URI})
	s.stack = append(s.stack, qname...)
	s.pending = stop != end
	s.pos = end + 1
	return nil
}

// attributes reads the attributes at buf[i:stop].
func (s *Scanner) attributes(i, stop, depth int) error {
	s.Attrs = s.Attrs[:0]
	for {
		j := SkipSpace(s.buf[:stop], i)
		if j == stop {
			return nil
		}
		if j == i {
			return s.fail(j, "no space before an attribute")
		}
		if len(s.Attrs) == maxAttrs {
			return s.fail(j, "more than %d attributes in one element", maxAttrs)
		}
		name, colon, err := s.qname(j, stop)
		if err != nil {
			return err
		}
		s.Attrs = append(s.Attrs, Attr{})
		a := &s.Attrs[len(s.Attrs)-1]
		if a.Raw, i, err = s.attrValue(j+len(name), stop); err != nil {
			return err
		}
		a.Prefix, a.Local = split(name, colon)
		s.work += len(a.Raw)
		a.plain = clean(a.Raw) == len(a.Raw)
		a.declares = string(a.Prefix) == "xmlns" || colon < 0 && string(name) == "xmlns"
		if a.declares {
			if err := s.declare(a, j, depth); err != nil {
				return err
			}
		}
	}
}

// tagEnd returns the index of the > that ends the tag at pos, outside quotes.
func (s *Scanner) tagEnd() (int, error) {
	i := 1
	for quote := byte(0); ; {
		s.work -= i
		for ; s.pos+i < len(s.buf); i++ {
			c := s.buf[s.pos+i]
			if quote == 0 && classes[c]&endsTag == 0 {
				continue
			}
			switch {
			case quote != 0:
				n := bytes.IndexByte(s.buf[s.pos+i:], quote)
				if n < 0 {
					i = len(s.buf) - s.pos - 1
					continue
				}
				i += n
				quote = 0
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				s.work += i
				return s.pos + i, nil
			case c == '<':
				return 0, s.fail(s.pos+i, "a < inside a tag")
			}
		}
		s.work += i
		if s.eof {
			return -1, nil
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// declare notes a namespace declaration.
func (s *Scanner) declare(a *Attr, at, depth int) error {
	var prefix []byte
	if len(a.Prefix) > 0 {
		prefix = a.Local
	}
	v := a.Raw
	if !a.plain {
		var err error
		if v, err = s.decode(s.offset(a.Raw), a.Raw, true); err != nil {
			return err
		}
	}
	uri := kept(v)
	isXML := string(prefix) == "xml"
	switch {
	case string(prefix) == "xmlns" || uri == URIXMLNS || isXML != (uri == URIXML):
		return s.fail(at, "a reserved namespace declared anew")
	case uri == "" && len(prefix) > 0:
		return s.fail(at, "a prefix bound to no namespace")
	case isXML:
		return nil
	}
	for i := len(s.bound) - 1; i >= 0 && s.bound[i].depth == depth; i-- {
		if s.bound[i].Prefix == string(prefix) {
			return s.fail(at, "an attribute given twice")
		}
	}
	if len(s.bound) > maxPrefixes { // one is that of xml
		return s.fail(at, "more than %d namespace declarations", maxPrefixes)
	}
	b := Binding{kept(prefix), uri, None, depth}
	if uri != "" {
		b.space = s.namespace(uri)
	}
	s.bound = append(s.bound, b)
	return nil
}

// kept returns a prefix or URI as a string, which takes memory only for those
// that are not among the usual ones.
func kept(b []byte) string {
	for _, v := range [...]string{URIDS, URIMD, URISAML, URISAMLP, "ds", "md", "saml", "samlp"} {
		if string(b) == v {
			return v
		}
	}
	return string(b)
}

// namespace returns the number of a URI. Only those in scope need to differ.
func (s *Scanner) namespace(uri string) Space {
	if id, ok := KnownSpace(uri); ok {
		return id
	}
	for _, b := range s.bound {
		s.work++
		if b.URI == uri && b.space >= Other {
			return b.space
		}
	}
	s.others++
	return Other + Space(s.others)
}

// lookup returns the innermost declaration of a prefix, or nil.
func (s *Scanner) lookup(prefix []byte) *Binding {
	for i := len(s.bound) - 1; i >= 0; i-- {
		s.work++
		if s.bound[i].Prefix == string(prefix) {
			return &s.bound[i]
		}
	}
	return nil
}

// resolve finds the namespaces of the element and its attributes, and refuses
// attributes given twice and IDs used twice.
func (s *Scanner) resolve(qname []byte, colon int) error {
	prefix, local := split(qname, colon)
	s.Name = Name{Prefix: prefix, Local: local}
	switch b := s.lookup(prefix); {
	case b != nil:
		s.Name.Space, s.Name.URI = b.space, b.URI
	case colon >= 0:
		return s.fail(s.pos, "the prefix %q is not declared", clip(prefix, 40))
	}
	for i := range s.Attrs {
		a := &s.Attrs[i]
		if len(a.Prefix) > 0 && !a.declares {
			b := s.lookup(a.Prefix)
			if b == nil {
				return s.fail(s.pos, "the prefix %q is not declared", clip(a.Prefix, 40))
			}
			a.Space, a.URI = b.space, b.URI
		}
		for j := range i {
			s.work++
			b := &s.Attrs[j]
			if a.Space == b.Space && bytes.Equal(a.Local, b.Local) && (a.Space != None || bytes.Equal(a.Prefix, b.Prefix)) {
				return s.fail(s.pos, "an attribute given twice")
			}
		}
		if a.declares {
			continue // declare has decoded it
		}
		if len(a.Prefix) == 0 && string(a.Local) == "ID" || a.Space == XML && string(a.Local) == "id" {
			if err := s.noteID(a); err != nil {
				return err
			}
		} else if err := s.checkValue(a); err != nil {
			return err
		}
	}
	return nil
}

// checkValue checks an attribute's characters and references.
func (s *Scanner) checkValue(a *Attr) error {
	if a.plain {
		return nil
	}
	_, err := s.decode(s.offset(a.Raw), a.Raw, true)
	return err
}

// offset returns where in buf a part of it begins.
func (s *Scanner) offset(part []byte) int { return cap(s.buf) - cap(part) }

// noteID refuses an ID that another element has: a signature could refer to
// either.
func (s *Scanner) noteID(a *Attr) error {
	v, err := s.decode(s.offset(a.Raw), a.Raw, true)
	if err != nil {
		return err
	}
	if s.ids == nil {
		s.ids, s.seed = map[uint64]struct{}{}, maphash.MakeSeed()
	}
	h := maphash.Bytes(s.seed, v)
	if _, dup := s.ids[h]; dup {
		return s.fail(s.pos, "an ID that two elements have")
	}
	if len(s.ids) < s.MaxIDs {
		s.ids[h] = struct{}{}
	}
	return nil
}

// Attr returns the decoded value of an attribute without a namespace.
func (s *Scanner) Attr(local string) (string, bool) {
	for i := range s.Attrs {
		a := &s.Attrs[i]
		if len(a.Prefix) == 0 && string(a.Local) == local {
			v, err := s.decode(s.pos, a.Raw, true) // checked before
			return string(v), err == nil
		}
	}
	return "", false
}

// Value returns the decoded value of one of Attrs.
func (s *Scanner) Value(a *Attr) []byte {
	if a.plain {
		return a.Raw
	}
	v, _ := s.decode(s.pos, a.Raw, true) // checked before
	return v
}

// Declared returns the namespace declarations of the element that has just
// begun.
func (s *Scanner) Declared() []Binding {
	i := len(s.bound)
	for i > 0 && s.bound[i-1].depth == len(s.open) {
		i--
	}
	return s.bound[i:]
}

// InScope returns the declarations of all open elements, outermost first; a
// later one takes the place of an earlier one of its prefix. That of the prefix
// xml is the first.
func (s *Scanner) InScope() []Binding { return s.bound }

// URI returns the namespace that a prefix is bound to, "" if to none.
func (s *Scanner) URI(prefix []byte) string {
	for i := len(s.bound) - 1; i >= 0; i-- {
		s.work++
		if s.bound[i].Prefix == string(prefix) {
			return s.bound[i].URI
		}
	}
	return ""
}

func (s *Scanner) endTag() error {
	end, err := s.until(2, ">")
	if err != nil {
		return err
	}
	if end < 0 {
		return s.fail(s.pos, "a tag without an end")
	}
	if n := len(s.open); n > 0 && bytes.Equal(s.buf[s.pos+2:end], s.stack[s.open[n-1].from:]) {
		s.pop()
		s.pos = end + 1
		return nil
	}
	qname, _, err := s.qname(s.pos+2, end)
	if err != nil {
		return err
	}
	if i := s.pos + 2 + len(qname); SkipSpace(s.buf[:end], i) != end {
		return s.fail(i, "an end tag with more than a name")
	}
	if len(s.open) == 0 {
		return s.fail(s.pos, "an end tag without a start tag")
	}
	if open := s.stack[s.open[len(s.open)-1].from:]; !bytes.Equal(open, qname) {
		return s.fail(s.pos, "</%s> where </%s> was expected", clip(qname, 60), clip(open, 60))
	}
	s.pop()
	s.pos = end + 1
	return nil
}

// pop closes the innermost element and leaves its name in s.Name.
func (s *Scanner) pop() {
	depth := len(s.open)
	e := &s.open[depth-1]
	prefix, local := split(s.stack[e.from:], e.colon)
	s.Name = Name{e.space, e.uri, prefix, local}
	s.stack = s.stack[:e.from]
	s.open = s.open[:depth-1]
	for len(s.bound) > 0 && s.bound[len(s.bound)-1].depth == depth {
		s.bound = s.bound[:len(s.bound)-1]
	}
}

// qname reads a qualified name at buf[i:stop]. The colon is where it is in the
// name, or -1.
func (s *Scanner) qname(i, stop int) (q []byte, colon int, err error) {
	n, colon, ok := scanQName(s.buf[i:stop])
	switch {
	case n == 0:
		return nil, 0, s.fail(i, "a character where a name should begin")
	case n > MaxName:
		return nil, 0, s.fail(i, "a name of more than %d bytes", MaxName)
	case !ok:
		return nil, 0, s.fail(i, "a name with a misplaced colon")
	}
	return s.buf[i : i+n], colon, nil
}

// attrValue reads = and a quoted value at buf[i:stop].
func (s *Scanner) attrValue(i, stop int) ([]byte, int, error) {
	i = SkipSpace(s.buf[:stop], i)
	if i == stop || s.buf[i] != '=' {
		return nil, 0, s.fail(i, "an attribute without a value")
	}
	i = SkipSpace(s.buf[:stop], i+1)
	if i == stop || s.buf[i] != '"' && s.buf[i] != '\'' {
		return nil, 0, s.fail(i, "an attribute without quotes")
	}
	n := bytes.IndexByte(s.buf[i+1:stop], s.buf[i])
	if n < 0 {
		return nil, 0, s.fail(i, "an attribute without a closing quote")
	}
	if n > maxAttrValue {
		return nil, 0, s.fail(i, "an attribute of more than %d KiB", maxAttrValue>>10)
	}
	v := s.buf[i+1 : i+1+n]
	if j := bytes.IndexByte(v, '<'); j >= 0 {
		return nil, 0, s.fail(i+1+j, "a < inside an attribute: a quote may be missing before it")
	}
	return v, i + n + 2, nil
}
