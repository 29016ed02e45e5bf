package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeText returns b as UTF-8. Windows PowerShell's Out-File writes UTF-16
// with a byte order mark, older editors Windows-1252.
func decodeText(b []byte) ([]byte, *ParseError) {
	switch {
	case bytes.HasPrefix(b, []byte("\ufeff")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b = decodeUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b = decodeUTF16(b[2:], binary.BigEndian)
	case len(b) >= 8 && b[0] == 0 && b[2] == 0 && b[4] == 0 && b[1] != 0:
		b = decodeUTF16(b, binary.BigEndian)
	case len(b) >= 8 && b[1] == 0 && b[3] == 0 && b[5] == 0 && b[0] != 0:
		b = decodeUTF16(b, binary.LittleEndian)
	}
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return b, nil
	}
	if what := binaryKind(b); what != "" {
		return nil, refuse(KindNotCertificate, "%s: %s", what, adviceExport)
	}
	if k := bytes.TrimRight(b, "\x00"); len(k) < len(b) && utf8.Valid(k) && bytes.IndexByte(k, 0) < 0 {
		return k, nil // a C string, or a block padded with zeros
	}
	if !looksText(b) {
		return nil, refuse(KindNotCertificate, "binary data that is no DER: %s", adviceExport)
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			r = windows1252(b[0])
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out, nil
}

func decodeUTF16(b []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(b)/2)
	for len(b) >= 2 {
		r := rune(order.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) {
			if len(b) < 2 {
				return utf8.AppendRune(out, utf8.RuneError)
			}
			if pair := utf16.DecodeRune(r, rune(order.Uint16(b))); pair != utf8.RuneError {
				r, b = pair, b[2:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if len(b) > 0 {
		return utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}

// windows1252 returns the character of a byte in the encoding that Windows uses
// in Western countries, as far as it matters here: blanks, dashes, quotes.
func windows1252(c byte) rune {
	switch c {
	case 0x85:
		return '…'
	case 0x91, 0x92:
		return '\''
	case 0x93, 0x94:
		return '"'
	case 0x96, 0x97:
		return '–'
	}
	return rune(c)
}

// binaryKind names formats that are mistaken for certificates.
func binaryKind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "a ZIP archive or Office document"
	case bytes.HasPrefix(b, []byte("\xfe\xed\xfe\xed")), bytes.HasPrefix(b, []byte("\xce\xce\xce\xce")):
		return "a Java keystore, which may hold a private key"
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return "gzip data"
	}
	return ""
}

// looksText reports whether b is text in some encoding, judged by its beginning.
func looksText(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	head := b[:min(len(b), 512)]
	odd, zero := 0, 0
	for _, c := range head {
		switch {
		case c == 0:
			zero++
		case c < 0x20 && !isSpace(c), c == 0x7f, c >= 0x80 && c < 0x91:
			odd++
		}
	}
	if zero*2 >= len(head)-2 && len(head) >= 8 && odd == 0 {
		return true // UTF-16 without a mark
	}
	return zero == 0 && odd*20 <= len(head) && utf8Share(head)
}

// utf8Share reports whether at most a tenth of b is not UTF-8. Random bytes
// fail: half of them are not ASCII.
func utf8Share(b []byte) bool {
	bad := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		i += n
	}
	return bad*10 <= len(b)
}

// findKey looks for a private key anywhere in text: by the markers of PEM, of
// PuTTY, age, .NET and JWK, and by DER in base64 that begins like a key.
func findKey(t []byte) *ParseError {
	count(len(t))
	if k := markedKey(t); k != "" {
		return refuse(k, "%s", adviceKey)
	}
	before := byte(' ')
	for i := 0; i+20 < len(t); i++ {
		c := t[i]
		if (c == 'M' || c == 'L' || c == '3') && (!base64Byte(before) || i >= 2 && t[i-2] == '\\') {
			switch {
			case c == 'L' && (bytes.HasPrefix(t[i:], []byte("LS0tLS1CRUdJTi")) || bytes.HasPrefix(t[i:], []byte("LS0tLS1CRUdJT"))):
				head := decodePrefix(t[i:], 96)
				if k := markedKey(head); k != "" {
					return refuse(k, "%s", adviceKey)
				}
			case c == '3':
				if hexKey(t[i:]) {
					return refuse(KindPrivateKey, "%s", adviceKey)
				}
			case c == 'M':
				head := decodePrefix(t[i:], 48)
				if k := derKind(head); k == KindPrivateKey || k == KindEncryptedPrivateKey {
					return refuse(k, "%s", adviceKey)
				}
			}
		}
		before = c
	}
	return nil
}

// textKey looks for a private key that begins where t does.
func textKey(t []byte) Kind {
	i := skipSpace(t, 0)
	if len(t)-i < 40 {
		return ""
	}
	switch t[i] {
	case 'M':
		if k := derKind(decodePrefix(t[i:], 48)); k == KindPrivateKey || k == KindEncryptedPrivateKey {
			return k
		}
	case '-':
		return markedKey(t[i:min(len(t), i+80)])
	}
	return ""
}

// hexKey reports whether t begins with a private key in hexadecimal digits:
// PKCS#8, PKCS#1 or SEC 1.
func hexKey(t []byte) bool {
	var digits [64]byte
	n := 0
	for _, c := range t[:min(len(t), 2*len(digits))] {
		if n == len(digits) || c != ':' && !isSpace(c) && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			break
		}
		if n == 2 && string(digits[:2]) != "30" {
			return false
		}
		if c != ':' && !isSpace(c) {
			digits[n] = c
			n++
		}
	}
	var der [32]byte
	k, err := hex.Decode(der[:], digits[:n&^1])
	return err == nil && derKind(der[:k]) == KindPrivateKey
}

// maxPrefix is how far decodePrefix looks, over however much white space.
const maxPrefix = 2048

// decodePrefix decodes the first n characters of base64 at the beginning of t.
func decodePrefix(t []byte, n int) []byte {
	var packed [96]byte
	k := 0
	for i, c := range t {
		if i == maxPrefix {
			break
		}
		count(1)
		if k == n {
			break
		}
		switch {
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		case isSpace(c):
			continue
		case !base64Byte(c):
			n = k
			continue
		}
		if k < n {
			packed[k] = c
			k++
		}
	}
	m, _ := base64.RawStdEncoding.Decode(packed[:], packed[:k&^3])
	return bytes.Clone(packed[:m])
}

func base64Byte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// markedKey finds the words that stand around private keys, and keys that are
// written out in numbers.
func markedKey(t []byte) Kind {
	for _, word := range [...]string{"PRIVATE", "private", "Private"} {
		for rest, at := t, 0; ; {
			i := bytes.Index(rest, []byte(word))
			if i < 0 {
				break
			}
			if k := keyAround(t, at+i, at+i+len(word)); k != "" {
				return k
			}
			at += i + len(word)
			rest = rest[i+len(word):]
		}
	}
	switch {
	case bytes.Contains(t, []byte("PuTTY-User-Key-File")), bytes.Contains(t, []byte("AGE-SECRET-KEY-")),
		bytes.Contains(t, []byte("b3BlbnNzaC1rZXktdjE")), xmlKey(t), printedKey(t):
		return KindPrivateKey
	}
	return ""
}

// xmlKey reports whether t holds an RSA key of .NET with its private part.
func xmlKey(t []byte) bool {
	if !bytes.Contains(t, []byte("RSAKeyValue")) {
		return false
	}
	for _, tag := range [...]string{"<D>", ":D>", "<InverseQ", ":InverseQ", "<DP>", ":DP>"} {
		if bytes.Contains(t, []byte(tag)) {
			return true
		}
	}
	return false
}

// printedKey reports whether t holds a private number as openssl and certtool
// print it: a name, and hexadecimal digits below it.
func printedKey(t []byte) bool {
	for _, name := range [...]string{
		"rivateExponent:", "rivate Exponent:", "rivate exponent:", "priv:", "rime1:", "rime 1:", "private key:", "Private key:", "Private Key:",
	} {
		for rest := t; ; {
			_, after, ok := bytes.Cut(rest, []byte(name))
			count(len(rest) - len(after))
			if !ok {
				break
			}
			if hexDigits(after) >= 16 {
				return true
			}
			rest = after
		}
	}
	return false
}

// hexDigits counts the hexadecimal digits that t begins with, up to 16.
func hexDigits(t []byte) int {
	n := 0
	for i := skipSpace(t[:min(len(t), 200)], 0); i < len(t) && n < 16; i++ {
		switch c := t[i]; {
		case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f':
			n++
		case n > 0 && (c == ':' || c == 'x' || isSpace(c)):
		default:
			return n
		}
	}
	return n
}

// keyAround judges what stands around the word PRIVATE in t[from:to]: a marker
// of PEM is meant, not a word in a sentence.
func keyAround(t []byte, from, to int) Kind {
	after := bytes.ToUpper(t[to:min(len(t), to+12)])
	i := 0
	for i < len(after) && (after[i] < 'A' || after[i] > 'Z') {
		i++
	}
	if !bytes.HasPrefix(after[i:], []byte("KEY")) {
		return ""
	}
	// The nearest line only, and only if a marker begins there.
	head := t[max(0, from-48):from]
	before := bytes.ToUpper(head)
	begin := max(bytes.LastIndex(before, []byte("BEGIN")), bytes.LastIndex(before, []byte("END")))
	if begin < 0 || bytes.IndexByte(before[begin:], '\n') >= 0 || bytes.Contains(before[begin:], []byte("--")) {
		return ""
	}
	end := to + i + len("KEY")
	switch few, dashed := dashesEnd(before[:begin]); {
	case dashed && !few:
	case dashed && end < len(t) && isDashBefore(t[:min(len(t), end+2)]): // BEGIN was left with two, or so
	case bareMarker(t, from-len(head)+begin, from, end):
	default:
		return "" // a sentence: "must not begin with a private key", "the end of the private key"
	}
	if bytes.Contains(before[begin:], []byte("ENCRYPTED")) {
		return KindEncryptedPrivateKey
	}
	return KindPrivateKey
}

// dashesEnd reports whether b ends in dashes, and whether these are fewer than
// anybody writes a marker with: a comment of XML begins with two.
func dashesEnd(b []byte) (few, dashed bool) {
	b = bytes.TrimRight(b, " \t+")
	n := len(b) - len(bytes.TrimRight(b, "-"))
	return n > 0 && n < 4 && !isDashBefore(b[:len(b)-n]), isDashBefore(b)
}

// bareMarker reports whether the line from BEGIN, which is at begin, to end is a
// marker that has lost its dashes: capitals, alone in its line.
func bareMarker(t []byte, begin, from, end int) bool {
	if !bytes.HasPrefix(t[begin:], []byte("BEGIN")) || !lineBegins(t, begin) || !lineEnds(t, end) {
		return false
	}
	for _, c := range t[begin:from] {
		if 'a' <= c && c <= 'z' {
			return false
		}
	}
	return true
}

func isDashBefore(b []byte) bool {
	b = bytes.TrimRight(b, " \t+")
	r, _ := utf8.DecodeLastRune(b)
	return isDash(r) || bytes.HasSuffix(b, []byte("%2D")) || bytes.HasSuffix(b, []byte("&#45;")) || bytes.HasSuffix(b, []byte("%20"))
}

// isDash reports whether r is a hyphen, a dash or a minus sign: word processors
// make one of the others out of two or three of the first.
func isDash(r rune) bool {
	switch r {
	case '-', '‐', '‑', '‒', '–', '—', '―', '−', '﹘', '﹣', '－':
		return true
	}
	return false
}

// isSSH reports whether t is a public key of OpenSSH.
func isSSH(t []byte) bool {
	for _, p := range [...]string{"ssh-rsa ", "ssh-ed25519 ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh"} {
		if bytes.HasPrefix(t, []byte(p)) {
			return true
		}
	}
	return false
}
