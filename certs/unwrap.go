package certs

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"
)

// unwrap undoes the outermost wrapping of t: one of the ways in which text is
// escaped, quoted, or embedded in a line of code or configuration. It reports
// false if it knows none. The result is never longer than t.
//
// Values of a configuration are looked for only in input, not in an element of
// metadata: other readers of that would not find them.
func unwrap(t []byte, input bool) ([]byte, bool) {
	if input && len(findMarkers(t)) == 0 {
		if out, ok := dropTags(t); ok {
			return out, true // before a line that ends in one is taken for something else
		}
		if out, ok := keepLongValues(t); ok && len(out) < len(t) {
			return out, true
		}
	}
	if out, ok := unescape(t); ok {
		return out, true
	}
	for _, f := range [...]func([]byte) ([]byte, bool){
		straightenQuotes, joinLiterals, dropFence, dropTags, decodeQuotedPrintable, dropAssignment, dropPunctuation, dropLinePrefix,
	} {
		if out, ok := f(t); ok && len(out) < len(t) {
			return out, true
		}
	}
	return nil, false
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

// decodeQuotedPrintable decodes the encoding of mails: = before a line end,
// which is gone, or before two hexadecimal digits.
func decodeQuotedPrintable(t []byte) ([]byte, bool) {
	out := make([]byte, 0, len(t))
	changed := false
	for i := 0; i < len(t); i++ {
		if t[i] != '=' {
			out = append(out, t[i])
			continue
		}
		rest := t[i+1:]
		j := 0
		for j < len(rest) && j < 80 && (rest[j] == ' ' || rest[j] == '\t') {
			j++
		}
		var c [1]byte
		switch {
		case j < len(rest) && rest[j] == '\n':
			i += j + 1
		case j+1 < len(rest) && rest[j] == '\r' && rest[j+1] == '\n':
			i += j + 2
		case len(rest) == 0:
		case len(rest) > 1:
			if _, err := hex.Decode(c[:], rest[:2]); err != nil {
				return nil, false
			}
			out = append(out, c[0])
			i += 2
		default:
			return nil, false
		}
		changed = true
	}
	return out, changed
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
