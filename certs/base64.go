package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"unicode"
	"unicode/utf8"
)

// decodeBase64 decodes text in either alphabet, with or without padding. White
// space and invisible characters may be anywhere. A visible character that does
// not belong is an error and never dropped: dots, asterisks and hyphens stand
// for something that is missing.
func decodeBase64(t []byte) ([]byte, *ParseError) {
	packed := make([]byte, 0, len(t)+3)
	pad, std, url := -1, false, false
	for i := 0; i < len(t); {
		c := t[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '+' || c == '/':
			std = true
		case c == '-':
			url, c = true, '+'
		case c == '_':
			url, c = true, '/'
		case c == '=':
			if pad < 0 {
				pad = i
			}
			i++
			continue
		case c < utf8.RuneSelf:
			if !invisible(rune(c)) {
				return nil, foreign(t, i, rune(c))
			}
			i++
			continue
		default:
			r, n := utf8.DecodeRune(t[i:])
			if !invisible(r) {
				return nil, foreign(t, i, r)
			}
			i += n
			continue
		}
		if pad >= 0 {
			return nil, foreign(t, pad, '=')
		}
		packed = append(packed, c)
		i++
	}
	if std && url {
		i := bytes.IndexAny(t, "-_")
		return nil, foreign(t, i, rune(t[i]))
	}
	if len(packed)%4 == 1 {
		// One character too many or three too few. The bytes before it tell
		// more: what is there, and how much is missing.
		packed = packed[:len(packed)-1]
	}
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(packed)))
	n, _ := base64.RawStdEncoding.Decode(raw, packed) // nothing foreign is left in it
	return raw[:n], nil
}

// invisible reports whether a reader of the text sees nothing of r: white
// space, control and formatting characters (zero-width spaces, soft hyphens,
// byte order marks, direction marks, variation selectors).
func invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f
	}
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) ||
		r >= 0xFE00 && r <= 0xFE0F || r == 0x034F || r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0x2800
}

// trimText cuts off what is invisible at both ends.
func trimText(t []byte) []byte {
	return bytes.TrimRightFunc(trimLeft(t), invisible)
}

func trimLeft(t []byte) []byte { return bytes.TrimLeftFunc(t, invisible) }

// decodeHex decodes a dump of DER in hexadecimal digits, with white space or
// colons between them, or a 0x in front.
func decodeHex(t []byte) ([]byte, bool) {
	if bytes.HasPrefix(t, []byte("0x")) {
		t = t[2:]
	}
	if !bytes.HasPrefix(t, []byte("30")) || len(t) < 64 {
		return nil, false
	}
	packed := make([]byte, 0, len(t))
	for _, c := range t {
		switch {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
			packed = append(packed, c)
		case isSpace(c) || c == ':':
		default:
			return nil, false
		}
	}
	n, err := hex.Decode(packed, packed)
	return packed[:n], err == nil
}

// parseBase64 reads bare base64 of one certificate, or of several one after the
// other.
func parseBase64(t []byte, in nesting) ([]Cert, *ParseError) {
	cs, err := parseBase64One(t, in)
	if err == nil || err.Found != KindTruncated && err.Found != KindTrailingData && err.Found != KindNotCertificate {
		return cs, err
	}
	parts := splitBase64(t)
	if len(parts) < 2 {
		return nil, err
	}
	cs = nil
	for _, part := range parts {
		c, perr := parseBase64One(part, in)
		if perr != nil {
			return nil, err
		}
		cs = append(cs, c...)
	}
	return cs, nil
}

func parseBase64One(t []byte, in nesting) ([]Cert, *ParseError) {
	raw, err := decodeBase64(t)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, refuse(KindNotCertificate, "text of %d characters", len(t))
	}
	if raw[0] == 0x30 && looksDER(raw) {
		return parseDER(raw)
	}
	if looksText(raw) {
		if !in.more() {
			return nil, refuse(KindNotCertificate, "base64 of text, where base64 of a certificate belongs: %s", adviceExport)
		}
		return parseNested(raw, in)
	}
	return nil, refuse(KindNotCertificate, "base64 of %d bytes that are no certificate: %s", len(raw), adviceExport)
}

// splitBase64 cuts text where one certificate may end and the next begin:
// behind padding, and before a line that begins like a certificate.
func splitBase64(t []byte) [][]byte {
	var parts [][]byte
	begin, padded, fresh := 0, false, false
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case c == '=':
			padded = true
		case c == '\n' || c == '\r' || c == ',' || c == ';':
			fresh = true
		case isSpace(c):
		default:
			if padded || fresh && bytes.HasPrefix(t[i:], []byte("MII")) && i > begin {
				parts = append(parts, bytes.TrimRight(t[begin:i], " \t\r\n,;"))
				begin = i
				if len(parts) > 1+i/minCertText {
					return nil
				}
			}
			padded, fresh = false, false
		}
	}
	return append(parts, bytes.TrimRight(t[begin:], " \t\r\n,;"))
}

// minCertText is less than the smallest certificate has in base64.
const minCertText = 200
