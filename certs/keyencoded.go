package certs

import (
	"bytes"
	"encoding/base64"
)

// encodedKey looks for a private key in the base64 of text that stands in t.
func encodedKey(t []byte, depth int) *ParseError {
	const step = 64 // no text with a key in it is shorter
	if depth == maxNested {
		return nil
	}
	for i := step - 1; i < len(t); i += step {
		if !base64Byte(t[i]) {
			continue
		}
		from, end := i, i
		for from > 0 && base64Byte(t[from-1]) {
			from--
		}
		if !looksText(decodePrefix(t[from:], 96)) {
			for i+1 < len(t) && base64Byte(t[i+1]) {
				i++
			}
			continue
		}
		var packed []byte
		for at := from; at < len(t); { // the lines that it is folded into
			for end = at; end < len(t) && base64Byte(t[end]); {
				end++
			}
			if end == at {
				break
			}
			packed = append(packed, t[at:end]...)
			at = end
			for at < len(t) && bytes.IndexByte([]byte(" \t\r\n>|#*"), t[at]) >= 0 {
				at++
			}
			if bytes.IndexByte(t[end:at], '\n') < 0 || at-end > 40 {
				break
			}
		}
		count(len(packed))
		i = max(i, end)
		if len(packed) >= step {
			n, _ := base64.RawStdEncoding.Decode(packed, packed[:len(packed)&^3])
			if err := findKeyWithin(packed[:n], depth+1); err != nil {
				return err
			}
			if k := textKey(packed[:n]); k != "" {
				return refuse(k, "%s", adviceKey)
			}
		}
	}
	return nil
}

// jwkKey reports whether t holds a JSON Web Key with its private part.
func jwkKey(t []byte) bool {
	if !bytes.Contains(t, []byte(`"kty"`)) {
		return false
	}
	for rest := t; ; {
		_, after, ok := bytes.Cut(rest, []byte(`"d"`))
		count(len(rest) - len(after))
		if !ok {
			return false
		}
		rest = after
		value := bytes.TrimLeft(after[:min(len(after), keyReach)], ": \t\r\n")
		if value, ok := bytes.CutPrefix(value, []byte(`"`)); ok {
			n := 0
			for n < len(value) && (base64Byte(value[n]) || value[n] == '-' || value[n] == '_') {
				n++
			}
			if n >= minKeyText {
				return true
			}
		}
	}
}
