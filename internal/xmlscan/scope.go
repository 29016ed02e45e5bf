package xmlscan

import (
	"bytes"
	"hash/maphash"
)

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
