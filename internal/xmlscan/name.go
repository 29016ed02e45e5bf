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

// ScanName returns how many bytes of b are a name, colons included.
func ScanName(b []byte) int {
	i := 0
	for i < len(b) {
		c := b[i]
		if c < utf8.RuneSelf {
			if !nameByte(c, i == 0) {
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

// nameByte reports whether an ASCII character may be in a name.
func nameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':':
		return true
	}
	return !first && ('0' <= c && c <= '9' || c == '-' || c == '.')
}

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
