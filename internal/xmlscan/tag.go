package xmlscan

import "bytes"

// startTag reads a start tag or an empty-element tag.
func (s *Scanner) startTag() error {
	s.ASCII = true
	qname, colon := s.bareTag()
	end := s.pos + 1 + len(qname)
	var err error
	if qname == nil {
		if end, err = s.tagEnd(); err != nil {
			return err
		}
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
	if qname == nil {
		if qname, colon, err = s.qname(s.pos+1, stop); err != nil {
			return err
		}
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

// bareTag returns the name in a start tag that is nothing but a name, and where the
// colon is; nil for any other.
func (s *Scanner) bareTag() ([]byte, int) {
	b := s.buf[s.pos+1 : min(len(s.buf), s.pos+2+MaxName)]
	n, colon, ok := s.scanQName(b)
	s.work += n
	if !ok || n == 0 || n == len(b) || b[n] != '>' {
		return nil, 0
	}
	return b[:n], colon
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
		b := s.buf[s.pos:]
		for i < len(b) {
			if quote != 0 {
				n := bytes.IndexByte(b[i:], quote)
				if n < 0 {
					i = len(b)
					break
				}
				i += n + 1
				quote = 0
			}
			for i < len(b) && classes[b[i]]&endsTag == 0 {
				i++
			}
			if i == len(b) {
				break
			}
			switch b[i] {
			case '>':
				s.work += i
				return s.pos + i, nil
			case '<':
				return 0, s.fail(s.pos+i, "a < inside a tag")
			}
			quote = b[i]
			i++
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

func (s *Scanner) endTag() error {
	if n := len(s.open); n > 0 { // as nearly always
		open := s.stack[s.open[n-1].from:]
		if end := s.pos + 2 + len(open); end < len(s.buf) && s.buf[end] == '>' && bytes.Equal(s.buf[s.pos+2:end], open) {
			s.work += len(open)
			s.pop()
			s.pos = end + 1
			return nil
		}
	}
	end, err := s.until(2, ">")
	if err != nil {
		return err
	}
	if end < 0 {
		return s.fail(s.pos, "a tag without an end")
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
	n, colon, ok := s.scanQName(s.buf[i:stop])
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
