package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
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
	return keyKind(derKind(decodePrefix(t[skipSpace(t, 0):], 48)))
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
