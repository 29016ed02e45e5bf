package certs

import (
	"bytes"
	"html"
	"io"
	"mime/quotedprintable"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// peelEscapes undoes the escapes that t begins with, once, in all of it.
func peelEscapes(t []byte) ([]byte, bool) {
	switch {
	case t[0] == '&' && quotedPrintable(t):
		return peelQuotedPrintable(t)
	case t[0] == '&', htmlJSON(t):
		out := html.UnescapeString(string(t))
		return []byte(out), len(out) < len(t)
	case t[0] == '%':
		return decodeURL(t)
	case len(t) > 1 && t[0] == '\\' && bytes.IndexByte([]byte(`ux"'<`), t[1]) >= 0:
		return decodeString(t), true
	case bytes.HasPrefix(t, []byte("=3C")), bytes.HasPrefix(t, []byte("=3c")):
		return peelQuotedPrintable(t)
	}
	return nil, false
}

// decodeURL decodes percent-encoding. A + is a blank if no blank was encoded
// otherwise: XML has some, and base64 has + itself. References within, of what
// looks like a reference, can be XML's or have been escaped for HTML since: that is
// refused.
func decodeURL(t []byte) ([]byte, bool) {
	for _, amp := range [...]string{"&amp;", "&#38;", "&#x26;", "&#X26;"} {
		for rest := t; ; {
			_, after, ok := bytes.Cut(rest, []byte(amp))
			count(len(rest) - len(after))
			if !ok {
				break
			}
			i := bytes.IndexFunc(after, notInReference)
			count(max(i, 0))
			if i > 0 && (after[i] == ';' || bytes.HasPrefix(after[i:], []byte("%3B"))) {
				return nil, true
			}
			rest = after
		}
	}
	return unpercent(t, !bytes.Contains(t, []byte("%20")))
}

// decodeString decodes the escapes that JSON, JavaScript, Java, C, Python and YAML
// have in common. It returns nil if there are others: what is a letter to one of
// them is an escape or a backslash to another, and a byte over 0x7f a character.
func decodeString(t []byte) []byte {
	yaml := continuesYAML(t)
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] != '\\' || i+1 == len(t) {
			out = append(out, t[i])
			continue
		}
		i++
		switch c := t[i]; {
		case c == 'n':
			out = append(out, '\n')
		case c == 'r':
			out = append(out, '\r')
		case c == 't':
			out = append(out, '\t')
		case c == '\n' || c == '\r' && bytes.HasPrefix(t[i+1:], []byte("\n")): // the line goes on
			if c == '\r' {
				i++
			}
			switch next := skipSpace(t, i); {
			case yaml:
				i = max(i, next-1)
			case next > i+1 && len(out) > 0 && out[len(out)-1] != '>' && next < len(t) && t[next] != '<':
				return nil // YAML drops the blanks, others do not
			}
		case c == 'u' || c == 'U' || c == 'x':
			r, n := escapedRune(c, t[i+1:])
			if n == 0 {
				return nil
			}
			out = utf8.AppendRune(out, r)
			i += n
		case letter(c) || '0' <= c && c <= '9':
			return nil
		default:
			out = append(out, c)
		}
	}
	return out
}

// escapedRune reads what follows \u, \U or \x, and returns how many bytes that is,
// 0 if it is no character.
func escapedRune(c byte, t []byte) (r rune, n int) {
	n = map[byte]int{'u': 4, 'U': 8, 'x': 2}[c]
	r, ok := hexRune(t, n)
	if ok && utf16.IsSurrogate(r) && bytes.HasPrefix(t[n:], []byte(`\u`)) {
		low, _ := hexRune(t[n+2:], 4)
		r, n = utf16.DecodeRune(r, low), n+6
		ok = r != unicode.ReplacementChar
	}
	if !ok || !utf8.ValidRune(r) || c == 'x' && r >= utf8.RuneSelf {
		return 0, 0
	}
	return r, n
}

// continuesYAML reports whether a string is folded as only YAML does: the next
// line is indented, and the blank that counts escaped.
func continuesYAML(t []byte) bool {
	for _, end := range [...]string{"\\\n", "\\\r\n"} {
		for rest := t; ; {
			_, after, ok := bytes.Cut(rest, []byte(end))
			count(len(rest) - len(after))
			if !ok {
				break
			}
			n := skipSpace(after, 0)
			if count(n); n > 0 && bytes.HasPrefix(after[n:], []byte(`\ `)) {
				return true
			}
			rest = after
		}
	}
	return false
}

// continued reports whether a line of t ends in a backslash.
func continued(t []byte) bool {
	return bytes.Contains(t, []byte("\\\n")) || bytes.Contains(t, []byte("\\\r\n"))
}

// onlyBehind reports whether no c stands in t but with esc before it.
func onlyBehind(t []byte, c, esc byte) bool {
	count(len(t))
	for i := range t {
		if t[i] == c && (i == 0 || t[i-1] != esc) {
			return false
		}
	}
	return true
}

// hasEscape reports whether t holds a backslash that was escaped, or a quote or $:
// nobody writes those who does not mean an escape, but not all languages have it.
func hasEscape(t []byte) bool {
	count(len(t))
	for {
		_, after, ok := bytes.Cut(t, []byte(`\`))
		if !ok || len(after) == 0 {
			return false
		}
		if bytes.IndexByte([]byte("\\\"'`$"), after[0]) >= 0 {
			return true
		}
		t = after
	}
}

func notInReference(r rune) bool { return r != '#' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func hexRune(t []byte, digits int) (rune, bool) {
	if len(t) < digits {
		return 0, false
	}
	v, err := strconv.ParseUint(string(t[:digits]), 16, 32)
	return rune(v), err == nil
}

// decodePowerShell decodes the escapes of PowerShell's strings. It returns nil for
// `u, which only its newer versions know.
func decodePowerShell(t []byte) []byte {
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] != '`' || i+1 == len(t) {
			out = append(out, t[i])
			continue
		}
		i++
		switch t[i] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			return nil
		default:
			out = append(out, t[i])
		}
	}
	return out
}

// htmlJSON reports whether t begins like JSON that was escaped for HTML.
func htmlJSON(t []byte) bool {
	in := t[skipSpace(t, 1):]
	return (t[0] == '{' || t[0] == '[') && (bytes.HasPrefix(in, []byte("&quot;")) || bytes.HasPrefix(in, []byte("&#34;")))
}

// quotedPrintable reports whether the first = in t is one that was encoded.
func quotedPrintable(t []byte) bool {
	i := bytes.IndexByte(t[:min(len(t), 2048)], '=')
	return i >= 0 && bytes.HasPrefix(t[i+1:], []byte("3D"))
}

func peelQuotedPrintable(t []byte) ([]byte, bool) {
	out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(t)))
	return out, err == nil && len(out) < len(t)
}
