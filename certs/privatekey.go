package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"unicode/utf8"
)

// findKey looks for a private key anywhere in text: by the markers of PEM, of
// PuTTY, age, .NET and JWK, by what OpenSSL and GnuTLS print of one, and by DER
// in base64 or hexadecimal digits that begins like a key. Words about private
// keys are none: there must be something that could be one.
func findKey(t []byte) *ParseError { return findKeyWithin(t, 0) }

func findKeyWithin(t []byte, depth int) *ParseError {
	count(len(t))
	before := byte(' ')
	for i := 0; i+1 < len(t); i++ {
		c := t[i]
		if !mayBegin(c, t[i+1]) {
			before = c
			continue
		}
		k := wordAt(t, i)
		if k == "" && (!base64Byte(before) || i >= 2 && t[i-2] == '\\' || i >= 3 && t[i-3] == '%') {
			k = bareKey(t[i:])
		}
		if k != "" {
			return refuse(k, "%s", adviceKey)
		}
		before = c
	}
	if jwkKey(t) {
		return refuse(KindPrivateKey, "%s", adviceKey)
	}
	return encodedKey(t, depth)
}

// mayBegin reports whether what wordAt or bareKey look for can begin with c and d.
func mayBegin(c, d byte) bool {
	switch c {
	case 'M':
		return true
	case 'P':
		return d == 'R' || d == 'r' || d == 'u'
	case 'p':
		return d == 'r'
	case 'c':
		return d == 'o'
	case 'A':
		return d == 'G'
	case 'b', '3':
		return d == '3' || d == '0'
	case 'K':
		return d == 'e'
	case 'L':
		return d == 'S'
	}
	return false
}

// bareKey looks for a key without markers where t begins, which is a word.
func bareKey(t []byte) Kind {
	switch {
	case len(t) <= 20:
	case t[0] == 'L' && bytes.HasPrefix(t, []byte("LS0tLS1CRUdJT")):
		return markedKey(decodePrefix(t, 96))
	case t[0] == '3' && hexKey(t):
		return KindPrivateKey
	case t[0] == 'M':
		return keyKind(derKind(decodePrefix(t, 48)))
	}
	return ""
}

func keyKind(k Kind) Kind {
	if k == KindPrivateKey || k == KindEncryptedPrivateKey {
		return k
	}
	return ""
}

// minKeyText is less than any private key has in base64.
const minKeyText = 40

// textKey looks for a private key that begins where t does.
func textKey(t []byte) Kind {
	i := skipSpace(t, 0)
	if len(t)-i < minKeyText {
		return ""
	}
	switch t[i] {
	case 'M':
		return keyKind(derKind(decodePrefix(t[i:], 48)))
	case '-':
		return markedKey(t[i:min(len(t), i+400)])
	}
	return ""
}

// hexKey reports whether t begins with a private key in hexadecimal digits:
// PKCS#8, encrypted or not, PKCS#1 or SEC 1.
func hexKey(t []byte) bool {
	var digits [64]byte
	n := 0
	for _, c := range t[:min(len(t), 2*len(digits))] {
		if n == len(digits) || c != ':' && !isSpace(c) && !hexDigit(c) {
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
	return err == nil && keyKind(derKind(der[:k])) != ""
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// decodePrefix decodes the first n characters of base64 at the beginning of t.
func decodePrefix(t []byte, n int) []byte {
	var packed [96]byte
	k := 0
	for _, c := range t[:min(len(t), 40*n)] {
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

// markedKey finds the words that stand around private keys, and a key with
// them.
func markedKey(t []byte) Kind {
	for i := 0; i+1 < len(t); i++ {
		if mayBegin(t[i], t[i+1]) {
			if k := wordAt(t, i); k != "" {
				return k
			}
		}
	}
	return ""
}

// wordAt judges whether t[i] begins one of the words that stand around private
// keys: in PEM, in what openssl and certtool print, in the files of BIND, PuTTY,
// age, OpenSSH and .NET.
func wordAt(t []byte, i int) Kind {
	rest := t[i:]
	is := func(word string) bool { return len(rest) >= len(word) && string(rest[:len(word)]) == word }
	if len(rest) < 5 {
		return ""
	}
	switch rest[0] {
	case 'P', 'p':
		switch {
		case rest[1] == 'R' && is("PRIVATE"), rest[1] == 'r' && rest[2] == 'i' && string(rest[1:min(len(rest), 7)]) == "rivate":
			after := bytes.TrimPrefix(rest[7:], []byte(" "))
			if len(after) > 8 && bytes.EqualFold(after[:8], []byte("exponent")) {
				return printedKey(after[8:])
			}
			if len(after) > 4 && bytes.EqualFold(after[:4], []byte("key:")) && printedKey(after[4:]) != "" {
				return KindPrivateKey
			}
			return keyMarker(t, i, i+7)
		case is("priv:"):
			return printedKey(rest[5:])
		case is("prime1"), is("Prime1"):
			return printedKey(rest[6:])
		case is("PuTTY-User-Key-File-") && len(rest) > 21 && '0' <= rest[20] && rest[20] <= '9' && rest[21] == ':':
			return KindPrivateKey
		}
	case 'c':
		if is("coefficient:") {
			return printedKey(rest[12:])
		}
	case 'A':
		if is("AGE-SECRET-KEY-1") && material(rest[16:min(len(rest), 16+58)]) {
			return KindPrivateKey
		}
	case 'b':
		if is("b3BlbnNzaC1rZXktdjE") {
			return KindPrivateKey
		}
	case 'K':
		if i > 3 && is("KeyValue") && string(t[i-2:i]) == "SA" {
			return keyValue(t, i-2)
		}
	}
	return ""
}

// keyReach is how far from a marker the key itself may begin: behind headers,
// or before an END marker.
const keyReach = 400

// keyMarker judges whether the word PRIVATE at t[from:to] is part of a marker
// with a key.
func keyMarker(t []byte, from, to int) Kind {
	rest := t[to:]
	i := 0
	for i < len(rest) && i < 12 && (rest[i]|0x20 < 'a' || rest[i]|0x20 > 'z') {
		i++
	}
	if len(rest) < i+3 || !bytes.EqualFold(rest[i:i+3], []byte("KEY")) {
		return ""
	}
	start := max(0, from-60)
	before := bytes.ToUpper(t[start:from])
	word, begin := "BEGIN", bytes.LastIndex(before, []byte("BEGIN"))
	if e := bytes.LastIndex(before, []byte("END")); e > begin {
		word, begin = "END", e
	}
	if begin < 0 {
		return ""
	}
	label := before[begin+len(word):]
	if bytes.IndexByte(label, '\n') >= 0 {
		return ""
	}
	name := string(lettersOf(label))
	if !keyLabel(name) && !isDashBefore(before[:begin]) {
		return "" // prose: "must not begin with a private key"
	}
	var near []byte
	if word == "BEGIN" {
		near = rest[i+3 : min(len(rest), i+3+keyReach)]
		if e := bytes.Index(near, []byte("BEGIN")); e >= 0 {
			near = near[:e]
		}
	} else {
		near = t[max(0, start+begin-keyReach) : start+begin]
		if e := bytes.LastIndex(near, []byte("END")); e >= 0 {
			near = near[e:]
		}
		if e := bytes.LastIndex(near, []byte("CERTIFICATE")); e >= 0 {
			near = near[e:]
		}
	}
	count(len(near))
	switch {
	case !material(near) && (word == "END" || !armored(rest[i+3:])):
		return ""
	case bytes.Contains([]byte(name), []byte("ENCRYPTED")) || bytes.Contains(near, []byte("4,ENCRYPTED")):
		return KindEncryptedPrivateKey
	}
	return KindPrivateKey
}

// lettersOf returns the letters and digits of a label, whose blanks may be
// encoded.
func lettersOf(label []byte) []byte {
	var out []byte
	for i := 0; i < len(label); i++ {
		switch c := label[i]; {
		case c == '%' && i+2 < len(label), c == '\\' && i+5 < len(label) && label[i+1] == 'U':
			i += 2
			if c == '\\' {
				i += 3
			}
		case c == '&':
			if n := bytes.IndexByte(label[i:], ';'); n > 0 {
				i += n
			}
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			out = append(out, c)
		}
	}
	return out
}

// keyLabel reports whether name is what stands before PRIVATE KEY in a marker.
func keyLabel(name string) bool {
	switch name {
	case "", "RSA", "EC", "DSA", "DH", "ANY", "ENCRYPTED", "OPENSSH", "SSH2", "SSH2ENCRYPTED", "PGP", "ED25519", "ED448", "X25519",
		"X448", "TSS2", "SM2":
		return true
	}
	return false
}

// material reports whether there is anything in t that could be a key: a run of
// base64 that is no word, and does not begin a certificate.
func material(t []byte) bool {
	run := longestRun(t)
	if len(run) >= 24 {
		return run[0] != 'M' || derKind(decodePrefix(run, 48)) != ""
	}
	return keyKind(derKind(decodePrefix(bytes.TrimLeft(t, "-–— \t\r\n>#|*"), 48))) != ""
}

// armored reports whether the marker whose words t follows ends its line, and the
// next is one of base64, however short.
func armored(t []byte) bool {
	head, after, _ := bytes.Cut(t[:min(len(t), keyReach)], []byte("\n"))
	line, _, _ := bytes.Cut(bytes.TrimLeft(after, " \t\r\n>#|*"), []byte("\n"))
	line = bytes.TrimRight(line, " \t\r=")
	return len(bytes.TrimRightFunc(head, func(r rune) bool { return isDash(r) || r < utf8.RuneSelf && isSpace(byte(r)) })) == 0 &&
		len(line) > 0 && len(longestRun(line)) == len(line)
}

func isDashBefore(b []byte) bool {
	b = bytes.TrimRight(b, " \t+")
	r, _ := utf8.DecodeLastRune(b)
	return isDash(r) || bytes.HasSuffix(b, []byte("%2D")) || bytes.HasSuffix(b, []byte("&#45;")) || bytes.HasSuffix(b, []byte("%20"))
}

// printedKey reports whether t begins like the number behind its name: bytes in
// hexadecimal digits with colons between them, over several lines, or base64.
func printedKey(t []byte) Kind {
	t = bytes.TrimLeft(t[:min(len(t), keyReach)], ":= \t\r\n>|#*\"'")
	t = bytes.TrimLeft(dropBreak(t), " \t\r\n")
	t = bytes.TrimPrefix(t, []byte("0x"))
	pairs := 0
	for len(t) > 2 && hexDigit(t[0]) && hexDigit(t[1]) {
		if pairs++; pairs == 8 {
			return KindPrivateKey
		}
		t = bytes.TrimLeft(t[2:], ": \t\r\n>|#*")
		t = bytes.TrimLeft(dropBreak(t), ": \t\r\n>|#*")
	}
	n := 0
	for n < len(t) && base64Byte(t[n]) {
		n++
	}
	if n >= 24 {
		return KindPrivateKey
	}
	return ""
}

// dropBreak cuts off what is a line end in HTML.
func dropBreak(t []byte) []byte {
	for _, b := range [...]string{"<br>", "<br/>", "<br />", "&#10;", "&#xA;", "&#xa;", "&#13;&#10;"} {
		if rest, ok := bytes.CutPrefix(t, []byte(b)); ok {
			return rest
		}
	}
	return t
}

// keyValue looks for the private part of the RSAKeyValue or DSAKeyValue that
// the SAKeyValue at t[at] may be the start tag of, with or without prefix.
func keyValue(t []byte, at int) Kind {
	if at < 2 || t[at-1] != 'R' && t[at-1] != 'D' || t[at-2] != '<' && t[at-2] != ':' {
		return ""
	}
	parts := []string{"D", "P", "Q", "DP", "DQ", "InverseQ"}
	if t[at-1] == 'D' {
		parts = []string{"X"}
	}
	start := max(0, at-keyReach)
	open := bytes.LastIndexByte(t[start:at], '<')
	if open < 0 {
		return ""
	}
	prefix := t[start+open+1 : at-1]
	in := t[at+10:]
	if end := bytes.Index(in, []byte("SAKeyValue")); end >= 0 {
		in = in[:end]
	}
	count(len(in) + at - start)
	for p := (pieces{rest: in}); p.next(); {
		if p.kind != pieceStart || !bytes.HasPrefix(p.body, prefix) || !slices.Contains(parts, string(p.name()[len(prefix):])) {
			continue
		}
		if value := bytes.TrimLeft(p.rest[:min(len(p.rest), 200)], " \t\r\n"); len(value) > 0 && base64Byte(value[0]) {
			return KindPrivateKey
		}
	}
	return ""
}
