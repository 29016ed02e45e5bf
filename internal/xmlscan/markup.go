package xmlscan

import "bytes"

// characters reads text up to the next markup. It reports whether there is any
// within the root element.
func (s *Scanner) characters() (bool, error) {
	end, err := s.until(0, "<")
	if err != nil {
		return false, err
	}
	if end < 0 {
		end = len(s.buf)
	}
	raw := s.buf[s.pos:end]
	if len(s.open) == 0 {
		for i, c := range raw {
			if !IsSpace(c) {
				return false, s.fail(s.pos+i, "text outside the root element")
			}
		}
		s.pos = end
		return false, nil
	}
	angle := bytes.IndexByte(raw, '>') >= 0
	if angle {
		if i := bytes.Index(raw, []byte("]]>")); i >= 0 {
			return false, s.fail(s.pos+i, "]]> in text")
		}
	}
	if s.Text, err = s.decode(s.pos, raw, false); err != nil {
		return false, err
	}
	// It is what it was if it has no reference and no CR.
	s.Plain = !angle && (len(raw) == 0 || &s.Text[0] == &raw[0])
	s.pos = end
	return true, nil
}

func (s *Scanner) comment() error {
	end, err := s.until(4, "--")
	if err != nil {
		return err
	}
	if end >= 0 {
		if err := s.have(end - s.pos + 3); err != nil {
			return err
		}
		end, _ = s.until(4, "--") // the window may have moved
	}
	if end < 0 {
		return s.fail(s.pos, "a comment without an end")
	}
	if end+2 >= len(s.buf) || s.buf[end+2] != '>' {
		return s.fail(end, "-- in a comment")
	}
	if err := s.checkChars(s.pos, s.buf[s.pos:end]); err != nil {
		return err
	}
	s.Text = lines(s.buf[s.pos+4 : end])
	s.pos = end + 3
	return nil
}

func (s *Scanner) cdata() (bool, error) {
	end, err := s.until(9, "]]>")
	switch {
	case err != nil:
		return false, err
	case end < 0:
		return false, s.fail(s.pos, "a CDATA section without an end")
	case len(s.open) == 0:
		return false, s.fail(s.pos, "a CDATA section outside the root element")
	}
	s.Text, s.Plain = s.buf[s.pos+9:end], false
	if err := s.checkChars(s.pos+9, s.Text); err != nil {
		return false, err
	}
	s.pos = end + 3
	s.Text = lines(s.Text)
	return len(s.Text) > 0, nil
}

// instruction reads a processing instruction. It reports false for the XML
// declaration, which is none.
func (s *Scanner) instruction() (bool, error) {
	end, err := s.until(2, "?>")
	if err != nil {
		return false, err
	}
	if end < 0 {
		return false, s.fail(s.pos, "a processing instruction without an end")
	}
	if !s.any && s.pos == 0 && s.at("<?xml") && IsSpace(s.buf[5]) {
		return false, s.declaration()
	}
	n := ScanName(s.buf[s.pos+2 : end])
	target := s.buf[s.pos+2 : s.pos+2+n]
	switch {
	case n == 0 || bytes.IndexByte(target, ':') >= 0 || s.pos+2+n < end && !IsSpace(s.buf[s.pos+2+n]):
		return false, s.fail(s.pos, "a processing instruction without a name")
	case bytes.EqualFold(target, []byte("xml")):
		return false, s.fail(s.pos, "an XML declaration that is not at the very beginning: remove what is before it")
	}
	if err := s.checkChars(s.pos, s.buf[s.pos:end]); err != nil {
		return false, err
	}
	s.Name = Name{Local: target}
	s.Text = lines(s.buf[SkipSpace(s.buf[:end], s.pos+2+n):end])
	s.pos = end + 2
	return true, nil
}

// declaration reads <?xml … ?>. The version must be 1.0, the encoding one that
// the bytes are really in.
func (s *Scanner) declaration() error {
	end, err := s.until(2, "?>")
	if err != nil {
		return err
	}
	if end < 0 {
		return s.fail(s.pos, "an XML declaration without an end")
	}
	if err := s.checkChars(s.pos, s.buf[s.pos:end]); err != nil {
		return err
	}
	i, seen := s.pos+5, 0
	for {
		j := SkipSpace(s.buf[:end], i)
		if j == end {
			break
		}
		n := ScanName(s.buf[j:end])
		if n == 0 || j == i {
			return s.fail(j, "an XML declaration that cannot be read")
		}
		key := string(s.buf[j : j+n])
		v, k, err := s.attrValue(j+n, end)
		if err != nil {
			return err
		}
		order := map[string]int{"version": 1, "encoding": 2, "standalone": 3}[key]
		if order <= seen || seen == 0 && order != 1 {
			return s.fail(j, "an XML declaration that cannot be read")
		}
		seen = order
		switch {
		case key == "version" && string(v) != "1.0":
			return s.fail(j, "XML version %s: only 1.0 is in use for SAML", clip(v, 20))
		case key == "encoding" && !s.encodingOK(string(v)):
			return s.fail(j, "the encoding %s: convert the file to UTF-8", clip(v, 40))
		case key == "standalone" && string(v) != "yes" && string(v) != "no":
			return s.fail(j, "an XML declaration that cannot be read")
		}
		i = k
	}
	if seen == 0 {
		return s.fail(s.pos, "an XML declaration that cannot be read")
	}
	s.pos = end + 2
	return nil
}

func (s *Scanner) encodingOK(enc string) bool {
	up := string(bytes.ToUpper([]byte(enc)))
	switch up {
	case "UTF-8", "UTF8", "US-ASCII", "ASCII":
		return true
	case "UTF-16", "UTF-16LE", "UTF-16BE":
		return s.UTF16
	}
	return false
}
