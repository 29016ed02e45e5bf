package certs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// unescape undoes one layer of escaping of single characters, a JSON string, or
// the head of a data: URI.
func unescape(t []byte) ([]byte, bool) {
	for _, f := range [...]func([]byte) ([]byte, bool){
		decodeJSONString, dropDataURI, decodePercent, decodeEntities, decodeBackslashes, decodeBackticks,
	} {
		if out, ok := f(t); ok && len(out) < len(t) {
			return out, true
		}
	}
	return nil, false
}

// decodeJSONString takes the quotes off together with the escapes: quotes that
// were escaped must not be taken for the end.
func decodeJSONString(t []byte) ([]byte, bool) {
	var s string
	if t[0] != '"' || t[len(t)-1] != '"' || json.Unmarshal(t, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

func dropDataURI(t []byte) ([]byte, bool) {
	if len(t) < 5 || !bytes.EqualFold(t[:5], []byte("data:")) {
		return nil, false
	}
	i := bytes.IndexByte(t[:min(len(t), 200)], ',')
	return t[i+1:], i > 0
}

// decodePercent decodes percent-encoding. A + is a blank only if + itself was
// encoded, or if it stands in a marker: else it is part of the base64.
func decodePercent(t []byte) ([]byte, bool) {
	if bytes.IndexByte(t, '%') < 0 {
		return nil, false
	}
	plus := bytes.Contains(t, []byte("%2B")) || bytes.Contains(t, []byte("%2b")) || bytes.Contains(t, []byte("BEGIN+"))
	return unpercent(t, plus)
}

// unpercent decodes percent-encoding, and + as a blank if plus says so.
func unpercent(t []byte, plus bool) ([]byte, bool) {
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '%':
			if i+2 >= len(t) {
				return nil, false
			}
			var c [1]byte
			if _, err := hex.Decode(c[:], t[i+1:i+3]); err != nil {
				return nil, false
			}
			out = append(out, c[0])
			i += 2
		case t[i] == '+' && plus:
			out = append(out, ' ')
		default:
			out = append(out, t[i])
		}
	}
	return out, true
}

// maxReference is how long a reference of HTML is at most: &ZeroWidthSpace;
const maxReference = 16

// decodeEntities decodes the references of HTML that matter in a certificate or
// in metadata. Others stay as they are.
func decodeEntities(t []byte) ([]byte, bool) {
	if bytes.IndexByte(t, '&') < 0 {
		return nil, false
	}
	out := make([]byte, 0, len(t))
	changed := false
	for i := 0; i < len(t); i++ {
		if t[i] == '&' {
			if end := bytes.IndexByte(t[i:min(len(t), i+maxReference)], ';'); end > 0 {
				if r, ok := htmlReference(string(t[i+1 : i+end])); ok {
					out = utf8.AppendRune(out, r)
					i += end
					changed = true
					continue
				}
			}
		}
		out = append(out, t[i])
	}
	return out, changed
}

func htmlReference(name string) (rune, bool) {
	if r, ok := xmlscan.Reference(strings.Replace(name, "#X", "#x", 1)); ok {
		return r, true
	}
	switch name {
	case "nbsp", "ensp", "emsp", "thinsp", "NewLine", "Tab":
		return ' ', true
	case "shy", "zwnj", "zwj", "lrm", "rlm", "ZeroWidthSpace":
		return '\u200b', true
	case "plus":
		return '+', true
	case "sol":
		return '/', true
	case "equals":
		return '=', true
	case "hyphen", "dash", "ndash", "mdash", "minus":
		return '—', true
	case "lowbar":
		return '_', true
	case "ldquo", "rdquo", "bdquo", "laquo", "raquo":
		return '"', true
	case "lsquo", "rsquo":
		return '\'', true
	}
	return 0, false
}

// decodeBackslashes decodes the escapes of JSON and of most languages' strings,
// and joins lines that end in a backslash.
func decodeBackslashes(t []byte) ([]byte, bool) {
	if bytes.IndexByte(t, '\\') < 0 {
		return nil, false
	}
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] != '\\' || i+1 == len(t) {
			out = append(out, t[i])
			continue
		}
		i++
		switch c := t[i]; c {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'f', 'v', 'b', '0':
			out = append(out, ' ')
		case '\n':
		case '\r':
			if i+1 < len(t) && t[i+1] == '\n' {
				i++
			}
		case 'u', 'x', 'U':
			r, n := escapedRune(c, t[i+1:])
			if n == 0 {
				out = append(out, '\\', c)
				break
			}
			i += n
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return out, true
}

// decodeBackticks decodes the line ends of PowerShell's strings.
func decodeBackticks(t []byte) ([]byte, bool) {
	if !bytes.Contains(t, []byte("`n")) {
		return nil, false
	}
	t = bytes.ReplaceAll(t, []byte("`r"), nil)
	return bytes.ReplaceAll(t, []byte("`n"), []byte("\n")), true
}

// straightenQuotes replaces the quotation marks of word processors.
func straightenQuotes(t []byte) ([]byte, bool) {
	out := bytes.Map(func(r rune) rune {
		switch r {
		case '“', '”', '„', '‟', '«', '»', '″', '＂', '「', '」':
			return '"'
		case '‘', '’', '‚', '‛', '‹', '›', '′', '＇', '´':
			return '\''
		}
		return r
	}, t)
	return out, len(out) < len(t)
}
