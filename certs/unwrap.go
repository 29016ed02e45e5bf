package certs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/certs/internal/xmlscan"
)

// unwrap undoes the outermost wrapping of t: one of the ways in which text is
// escaped, quoted, or embedded in a line of code or configuration. It reports
// false if it knows none. The result is never longer than t.
func unwrap(t []byte) ([]byte, bool) {
	if out, ok := unescape(t); ok {
		return out, true
	}
	for _, f := range [...]func([]byte) ([]byte, bool){
		straightenQuotes, joinLiterals, dropFence, dropTags, keepLongValues, decodeQuotedPrintable, dropAssignment, dropPunctuation, dropLinePrefix,
	} {
		if out, ok := f(t); ok && len(out) < len(t) {
			return out, true
		}
	}
	return nil, false
}

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
			if end := bytes.IndexByte(t[i:min(len(t), i+12)], ';'); end > 0 {
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
		case 'r', 't', 'f', 'v', 'b', '0':
			out = append(out, ' ')
		case '\n':
		case '\r':
			if i+1 < len(t) && t[i+1] == '\n' {
				i++
			}
		case 'u', 'x', 'U':
			n := map[byte]int{'u': 4, 'x': 2, 'U': 8}[c]
			if i+n >= len(t) {
				out = append(out, '\\', c)
				break
			}
			v, err := strconv.ParseUint(string(t[i+1:i+1+n]), 16, 31)
			if err != nil {
				out = append(out, '\\', c)
				break
			}
			out = utf8.AppendRune(out, rune(v))
			i += n
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

// joinLiterals returns the content of the string literals in t, one after the
// other, if there is nothing else in t that could be part of a certificate:
//
//	$cert = "MIID…"
//	"-----BEGIN CERTIFICATE-----" +
//	"MIID…"
func joinLiterals(t []byte) ([]byte, bool) {
	i := bytes.IndexAny(t, "\"'`")
	if i < 0 {
		return nil, false
	}
	quote := t[i : i+1]
	var out []byte
	for rest := t; ; {
		before, after, ok := bytes.Cut(rest, quote)
		if len(longestRun(before)) >= 40 || bytes.Contains(before, []byte("-----")) {
			return nil, false
		}
		if !ok {
			break
		}
		in, after, ok := bytes.Cut(after, quote)
		if !ok && len(out) > 0 {
			return nil, false
		}
		out = append(append(out, in...), '\n')
		rest = after
	}
	if len(out) >= len(t) {
		out = bytes.TrimSuffix(out, []byte("\n"))
	}
	return out, true
}

// longestRun returns the longest run of base64 in t.
func longestRun(t []byte) []byte {
	var best []byte
	for i := 0; i < len(t); i++ {
		from := i
		for i < len(t) && base64Byte(t[i]) {
			i++
		}
		if i-from > len(best) {
			best = t[from:i]
		}
	}
	return best
}

// dropFence removes the lines of a Markdown fence.
func dropFence(t []byte) ([]byte, bool) {
	for _, fence := range [...]string{"```", "~~~"} {
		if !bytes.HasPrefix(t, []byte(fence)) {
			continue
		}
		_, rest, _ := bytes.Cut(t, []byte("\n"))
		rest, _, _ = bytes.Cut(rest, []byte(fence))
		return rest, true
	}
	return nil, false
}

// dropTags removes the tags that a browser's text is wrapped and broken with.
func dropTags(t []byte) ([]byte, bool) {
	if bytes.IndexByte(t, '<') < 0 {
		return nil, false
	}
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] == '<' {
			if end := bytes.IndexByte(t[i:min(len(t), i+300)], '>'); end > 0 && isTextTag(t[i+1:i+end]) {
				out = append(out, '\n')
				i += end
				continue
			}
		}
		out = append(out, t[i])
	}
	return out, len(out) < len(t)
}

func isTextTag(tag []byte) bool {
	tag = bytes.Trim(tag, "/ ")
	if i := bytes.IndexAny(tag, " \t\r\n"); i >= 0 {
		tag = tag[:i]
	}
	switch string(bytes.ToLower(tag)) {
	case "br", "p", "pre", "code", "div", "span", "b", "i", "em", "strong", "tt", "li", "ul", "ol", "td", "tr", "table", "tbody",
		"textarea", "blockquote", "wbr", "font", "samp", "kbd":
		return true
	}
	return false
}

// decodeQuotedPrintable decodes the encoding of mails, told by lines that end
// in = and by =3D.
func decodeQuotedPrintable(t []byte) ([]byte, bool) {
	if !bytes.Contains(t, []byte("=\n")) && !bytes.Contains(t, []byte("=\r\n")) && !bytes.Contains(t, []byte("=3D")) {
		return nil, false
	}
	out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(t)))
	return out, err == nil
}

// keepLongValues returns the long values in lines of the form key = value or
// key: value, if everything else is too short to be part of a certificate.
func keepLongValues(t []byte) ([]byte, bool) {
	var out []byte
	for line := range bytes.Lines(t) {
		i := bytes.IndexAny(line, ":=")
		value := bytes.Trim(line[max(0, i+1):], " \t\r\n\"',;")
		if i > 0 && len(value) >= minCertText && len(longestRun(line[:i])) < 40 && len(longestRun(value)) >= len(bytes.TrimRight(value, "=")) {
			out = append(append(out, value...), '\n')
		} else if len(longestRun(line)) >= 40 {
			return nil, false
		}
	}
	return out, len(out) > 0
}

// dropAssignment cuts off what a value is assigned to, in its first line: a key
// of YAML or of a properties file, a variable of a shell or of PowerShell.
func dropAssignment(t []byte) ([]byte, bool) {
	line, _, _ := bytes.Cut(t[:min(len(t), 200)], []byte("\n"))
	i := bytes.IndexAny(line, ":=")
	if i < 1 {
		return nil, false
	}
	for _, c := range line[:i] {
		if !base64Byte(c) && !bytes.ContainsRune([]byte(" \t$-_.[]()@'\"<"), rune(c)) {
			return nil, false
		}
	}
	for i < len(t) && (bytes.IndexByte([]byte(":= \t"), t[i]) >= 0 || t[i] == '>' && t[i-1] == '=') {
		i++
	}
	if i < len(t) && (t[i] == '|' || t[i] == '>') { // YAML's block scalars
		for i++; i < len(t) && bytes.IndexByte([]byte("+-0123456789 \t"), t[i]) >= 0; i++ {
		}
	}
	return t[i:], true
}

// dropPunctuation removes brackets around t and what ends a statement.
func dropPunctuation(t []byte) ([]byte, bool) {
	out := bytes.TrimRight(bytes.TrimLeft(t, "([{<@\"'`*_|"), ")]}>;,.\"'`@*_| \t\r\n")
	return out, len(out) > 0
}

// dropLinePrefix removes the sign that every line begins with: the > of a mail,
// the # of a comment, the - of a list.
func dropLinePrefix(t []byte) ([]byte, bool) {
	i := bytes.IndexFunc(t, func(r rune) bool { return r < utf8.RuneSelf && base64Byte(byte(r)) || isDash(r) })
	if i < 1 {
		return nil, false
	}
	prefix := bytes.TrimSpace(t[:i])
	if len(prefix) == 0 || len(prefix) > 8 {
		return nil, false
	}
	out := make([]byte, 0, len(t))
	for line := range bytes.Lines(t) {
		line = bytes.TrimLeft(line, " \t")
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		cut, ok := bytes.CutPrefix(line, prefix)
		if !ok {
			return nil, false
		}
		out = append(out, cut...)
	}
	return out, true
}
