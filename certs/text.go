package certs

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// decodeText returns b as UTF-8. Windows PowerShell's Out-File writes UTF-16
// with a byte order mark, older editors Windows-1252: that it is the latter, and
// not one of its kin, is guessed; as is half a character of UTF-16.
func decodeText(b []byte) (text []byte, guessed bool, perr *ParseError) {
	switch {
	case bytes.HasPrefix(b, []byte("\ufeff")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b, guessed = decodeUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b, guessed = decodeUTF16(b[2:], binary.BigEndian)
	case len(b) >= 8 && b[0] == 0 && b[2] == 0 && b[4] == 0 && b[1] != 0:
		b, guessed = decodeUTF16(b, binary.BigEndian)
	case len(b) >= 8 && b[1] == 0 && b[3] == 0 && b[5] == 0 && b[0] != 0:
		b, guessed = decodeUTF16(b, binary.LittleEndian)
	}
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return b, guessed, nil
	}
	if what := binaryKind(b); what != "" {
		return nil, false, refuse(KindNotCertificate, "%s: %s", what, adviceExport)
	}
	if k := bytes.TrimRight(b, "\x00"); len(k) < len(b) && utf8.Valid(k) && bytes.IndexByte(k, 0) < 0 {
		return k, false, nil // a C string, or a block padded with zeros
	}
	if !looksText(b) {
		return nil, false, refuse(KindNotCertificate, "binary data that is no DER: %s", adviceExport)
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
	return out, true, nil
}

// decodeUTF16 reports whether it had to replace half a character.
func decodeUTF16(b []byte, order binary.ByteOrder) (out []byte, replaced bool) {
	out = make([]byte, 0, len(b)/2)
	for len(b) >= 2 {
		r := rune(order.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if len(b) >= 2 {
				low = rune(order.Uint16(b))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				replaced = true
			} else {
				b = b[2:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if len(b) > 0 {
		return utf8.AppendRune(out, utf8.RuneError), true
	}
	return out, replaced
}

// windows1252 returns the character of a byte in the encoding that Windows uses
// in Western countries, as far as it matters here: blanks, dashes, quotes.
func windows1252(c byte) rune {
	switch c {
	case 0x85:
		return '…'
	case 0x91:
		return '‘'
	case 0x92:
		return '’'
	case 0x93:
		return '“'
	case 0x94:
		return '”'
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

func isSpace(c byte) bool { return xmlscan.IsSpace(c) }

func skipSpace(b []byte, i int) int { return xmlscan.SkipSpace(b, i) }

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
	for _, p := range [...]string{
		"ssh-rsa ", "ssh-ed25519 ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh",
	} {
		if bytes.HasPrefix(t, []byte(p)) {
			return true
		}
	}
	return false
}
