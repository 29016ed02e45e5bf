package xmlscan

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// maxReference is how long a reference may be: a number may have zeros before it.
const maxReference = 64

// special reports whether a byte needs a closer look in text or a value: a
// reference, a line end, what must not be there, and what is not ASCII.
func special(c byte) bool { return c < 0x20 || c == '&' || c >= utf8.RuneSelf }

// eight returns 0 if none of the first eight bytes of b is special.
func eight(b []byte) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	x := binary.LittleEndian.Uint64(b)
	amp := x ^ ones*'&'
	// A byte below 0x20, and what is 0 for an &, borrows.
	return (x | (x-ones*0x20)&^x | (amp-ones)&^amp) & tops
}

// clean returns how many bytes from the first of b on are not special.
func clean(b []byte) int {
	i := 0
	for ; i+16 <= len(b); i += 16 {
		if eight(b[i:])|eight(b[i+8:]) != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if special(b[i]) {
			break
		}
	}
	return i
}

// decode checks the characters of raw, which begins at buf[at], and replaces
// references and line ends; in an attribute white space becomes blanks. The
// result shares raw's memory if nothing had to be replaced.
func (s *Scanner) decode(at int, raw []byte, inAttr bool) ([]byte, error) {
	s.work += len(raw)
	i := 0
	for {
		if i += clean(raw[i:]); i == len(raw) {
			return raw, nil
		}
		c := raw[i]
		if (c == '\n' || c == '\t') && !inAttr {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		n, ok := xmlRune(raw[i:])
		if !ok {
			return nil, s.badChar(at + i)
		}
		i += n
	}
	out := append(make([]byte, 0, len(raw)), raw[:i]...)
	for i < len(raw) {
		switch c := raw[i]; {
		case c == '&':
			end := bytes.IndexByte(raw[i:min(len(raw), i+maxReference)], ';')
			if end < 0 {
				return nil, s.fail(at+i, "an & that begins no reference: write &amp;")
			}
			r, ok := Reference(string(raw[i+1 : i+end]))
			if !ok {
				return nil, s.fail(at+i, "a reference to an unknown entity or an impossible character")
			}
			out = utf8.AppendRune(out, r)
			i += end + 1
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			i++
			out = append(out, lineEnd(inAttr))
		case c == '\n':
			out = append(out, lineEnd(inAttr))
			i++
		case c == '\t' && inAttr:
			out = append(out, ' ')
			i++
		default:
			n, ok := xmlRune(raw[i:])
			if !ok {
				return nil, s.badChar(at + i)
			}
			out = append(out, raw[i:i+n]...)
			i += n
		}
	}
	return out, nil
}

func lineEnd(inAttr bool) byte {
	if inAttr {
		return ' '
	}
	return '\n'
}

// lines returns b with its line ends made one newline each.
func lines(b []byte) []byte {
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return b
	}
	out := append(make([]byte, 0, len(b)), b[:i]...)
	for ; i < len(b); i++ {
		if b[i] == '\r' {
			out = append(out, '\n')
			if i+1 < len(b) && b[i+1] == '\n' {
				i++
			}
			continue
		}
		out = append(out, b[i])
	}
	return out
}

func (s *Scanner) checkChars(at int, raw []byte) error {
	s.work += len(raw)
	for i := 0; ; {
		if i += clean(raw[i:]); i == len(raw) {
			return nil
		}
		n, ok := xmlRune(raw[i:])
		if !ok {
			return s.badChar(at + i)
		}
		i += n
	}
}

func (s *Scanner) badChar(i int) error {
	return s.fail(i, "a byte or character that XML in UTF-8 cannot have: convert the file to UTF-8")
}

// xmlRune returns the length of the first character of b and whether XML may
// have it.
func xmlRune(b []byte) (int, bool) {
	c := b[0]
	if c < utf8.RuneSelf {
		return 1, c >= 0x20 || c == '\t' || c == '\n' || c == '\r'
	}
	r, n := utf8.DecodeRune(b)
	return n, n > 1 && isXMLChar(r)
}

func isXMLChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// Reference resolves what is between & and ;.
func Reference(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	if len(digits) == 0 || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n <= 0x10FFFF && isXMLChar(rune(n))
}
