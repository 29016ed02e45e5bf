package xmlscan

import (
	"bytes"
	"unicode/utf8"
)

// SplitName cuts a qualified name at its first colon.
func SplitName(q []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(q, ':'); i >= 0 {
		return q[:i], q[i+1:]
	}
	return nil, q
}

// split is SplitName for who knows where the colon is.
func split(q []byte, colon int) (prefix, local []byte) {
	if colon < 0 {
		return nil, q
	}
	return q[:colon], q[colon+1:]
}

// ScanName returns how many bytes of b are a name, colons included.
func ScanName(b []byte) int {
	i := 0
	for i < len(b) {
		if c := b[i]; c < utf8.RuneSelf {
			if classes[c]&inName == 0 || i == 0 && classes[c]&beginsName == 0 {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 || !nameRune(r, i == 0) {
			return i
		}
		i += n
	}
	return i
}

// scanQName is ScanName that also returns where the colon is, -1 if there is none,
// and whether the name is one with at most one colon, between two names.
func (s *Scanner) scanQName(b []byte) (n, colon int, ok bool) {
	colon, ok = -1, true
	for n < len(b) && classes[b[n]]&inName != 0 {
		if b[n] == ':' {
			ok = colon < 0 && n > 0 && n+1 < len(b) && classes[b[n+1]]&beginsName != 0
			colon = n
		}
		n++
	}
	switch {
	case n < len(b) && b[n] >= utf8.RuneSelf:
		s.ASCII = false
		n = ScanName(b)
		if colon = bytes.IndexByte(b[:n], ':'); colon >= 0 {
			local := b[colon+1 : n]
			ok = colon > 0 && len(local) > 0 && ScanName(local) == len(local) && bytes.IndexByte(local, ':') < 0
		}
	case n > 0 && classes[b[0]]&beginsName == 0:
		n = 0
	}
	return n, colon, ok
}

// What a byte of ASCII may be.
const (
	inName uint8 = 1 << iota
	beginsName
	endsTag // or begins a value, or must not be in a tag
)

var classes = func() (t [256]uint8) {
	for c := range utf8.RuneSelf {
		switch c := byte(c); {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':':
			t[c] = inName | beginsName
		case '0' <= c && c <= '9', c == '-', c == '.':
			t[c] = inName
		case c == '>', c == '<', c == '"', c == '\'':
			t[c] = endsTag
		}
	}
	return t
}()

// nameRune is NameStartChar and NameChar of XML 1.0 beyond ASCII.
func nameRune(r rune, first bool) bool {
	switch {
	case 0xC0 <= r && r <= 0x2FF && r != 0xD7 && r != 0xF7, 0x370 <= r && r <= 0x1FFF && r != 0x37E,
		r == 0x200C || r == 0x200D, 0x2070 <= r && r <= 0x218F, 0x2C00 <= r && r <= 0x2FEF,
		0x3001 <= r && r <= 0xD7FF, 0xF900 <= r && r <= 0xFDCF, 0xFDF0 <= r && r <= 0xFFFD, 0x10000 <= r && r <= 0xEFFFF:
		return true
	}
	return !first && (r == 0xB7 || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040)
}

// IsSpace reports whether c is white space of XML.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// SkipSpace returns the index of the first byte from b[i] that is not white
// space, or len(b).
func SkipSpace(b []byte, i int) int {
	for i < len(b) && IsSpace(b[i]) {
		i++
	}
	return i
}
