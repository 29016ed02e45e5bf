package recording

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Forms that have other forms in them are opened, what is in them is replaced, and they are
// closed again: JSON, XML, certificates, tokens, percent-encoding, and base64.

var (
	jwtForm     = regexp.MustCompile(`^(?i:Bearer )?([A-Za-z0-9_-]{4,})\.([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]*)$`)
	percentForm = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	base64Form  = regexp.MustCompile(`^[A-Za-z0-9+/_-][A-Za-z0-9+/_\s-]*={0,2}\s*$`)
	formForm    = regexp.MustCompile(`^[A-Za-z0-9_.$-]+=[^&\s]*(&[A-Za-z0-9_.$%-]+=[^&\s]*)+$`)
)

func (m *mask) opened(s string, at place, depth int) (string, bool) {
	switch s[0] {
	case '{', '[', '"':
		if json.Valid([]byte(s)) {
			return string(m.json([]byte(s), at, depth+1)), true
		}
	case '<':
		if out, ok := m.xml([]byte(s), at, depth+1); ok {
			return string(out), true
		}
	}
	if out, ok := m.pem(s); ok {
		return out, true
	}
	if out, ok := m.jwt(s, at, depth); ok {
		return out, true
	}
	if formForm.MatchString(s) {
		return m.query(s, at, depth), true
	}
	if out, ok := m.percent(s, at, depth); ok {
		return out, true
	}
	return m.base64(s, at, depth)
}

// percent opens percent-encoding. Addresses are not encoded, only their parts are.
func (m *mask) percent(s string, at place, depth int) (string, bool) {
	if !percentForm.MatchString(s) || schemeForm.MatchString(s) || strings.HasPrefix(s, "/") || strings.ContainsAny(s, " \n") {
		return "", false
	}
	if plain, err := url.QueryUnescape(s); err == nil && utf8.ValidString(plain) && plain != s {
		return url.QueryEscape(m.form(plain, at, depth+1)), true
	}
	return "", false
}

// jwt opens a JSON web token: its two parts are replaced like any JSON, and its signature is gone.
func (m *mask) jwt(s string, at place, depth int) (string, bool) {
	p := jwtForm.FindStringSubmatch(s)
	if p == nil {
		return "", false
	}
	out := s[:strings.Index(s, p[1])]
	for _, part := range p[1:3] {
		plain, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || len(plain) == 0 || plain[0] != '{' || !json.Valid(plain) {
			return "", false
		}
		out += base64.RawURLEncoding.EncodeToString(m.json(plain, at, depth+1)) + "."
	}
	signature, err := base64.RawURLEncoding.DecodeString(p[3])
	if err != nil {
		signature = []byte(p[3])
	}
	return out + base64.RawURLEncoding.EncodeToString(m.bytes(signature)), true
}

// base64 opens base64 of either alphabet, with or without padding and line breaks. Certificates
// in it become others, texts in it are read as texts, GUIDs in it as GUIDs; all else
// becomes as many other bytes.
func (m *mask) base64(s string, at place, depth int) (string, bool) {
	if len(s) < 16 || !base64Form.MatchString(s) {
		return "", false
	}
	bare := strings.Join(strings.Fields(s), "")
	unpadded := strings.TrimRight(bare, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(unpadded, "-_") {
		encoding = base64.RawURLEncoding
	}
	plain, err := encoding.DecodeString(unpadded)
	if err != nil {
		return "", false
	}
	padded := len(bare) != len(unpadded)
	var out []byte
	switch der, ok := m.certificate(plain); {
	case ok:
		out = der
	case readable(plain):
		out = []byte(m.form(string(plain), at, depth+1))
	case len(plain) == 16 && padded:
		out = m.packed(plain)
	case !padded && !mixed(s), strings.ContainsAny(s, " ") && len(s) < 80, len(plain) < 16:
		return "", false // words
	default:
		out = m.bytes(plain)
	}
	text := encoding.EncodeToString(out)
	if padded || len(unpadded)%4 == 0 {
		text += strings.Repeat("=", (4-len(text)%4)%4)
	}
	return wrapped(text, s), true
}

// readable reports whether b is a text that somebody may have encoded.
func readable(b []byte) bool {
	return len(b) > 0 && utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t'
	}) < 0
}

// packed replaces a GUID in the 16 bytes that .NET makes of one.
func (m *mask) packed(b []byte) []byte {
	swap := func(b []byte) []byte {
		return []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]}
	}
	h := hex.EncodeToString(swap(b))
	g := m.hex(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
	out, err := hex.DecodeString(strings.ReplaceAll(g, "-", ""))
	if err != nil {
		return m.bytes(b)
	}
	return swap(out)
}

// wrapped breaks text into lines as like is broken.
func wrapped(text, like string) string {
	i := strings.IndexAny(like, "\r\n")
	if i <= 0 {
		return text
	}
	end := "\n"
	if like[i] == '\r' {
		end = "\r\n"
	}
	var b strings.Builder
	for len(text) > i {
		b.WriteString(text[:i] + end)
		text = text[i:]
	}
	return b.String() + text
}
