package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"strings"
	"unicode/utf8"
)

// Metadata travels wrapped: quoted in a line of code, indented in YAML, behind
// the > of a mail, escaped once or twice. Unlike a certificate's, its text
// means something down to the last character, so nothing is undone that was not
// done. A wrapping is told by what stands outermost; each is taken off as its own
// rules say, and once the text begins like XML, all that looks like an escape in
// it is XML's.

// peelXML takes off all wrappings of t, and reports whether XML is left.
func peelXML(t []byte) ([]byte, bool) {
	left := 4096 + 4*len(t)
	for range maxLayers {
		if t = trimText(t); len(t) == 0 || left < 0 {
			return nil, false
		}
		left -= len(t)
		count(len(t))
		next, ok := peel(t)
		if !ok {
			return t, opensXML(t)
		}
		if loses(t, next, "IDPSSODescriptor") {
			return nil, false // two documents, of which one would be chosen
		}
		t = next
	}
	return nil, false
}

// loses reports whether something of the given name was cut off from t with what
// is around in.
func loses(t, in []byte, name string) bool {
	count(len(t))
	return bytes.Count(in, []byte(name)) < bytes.Count(t, []byte(name))
}

// peel takes off the outermost wrapping of t, which is not empty.
func peel(t []byte) ([]byte, bool) {
	if opensXML(t) {
		return peelMarkup(t)
	}
	for _, f := range [...]func([]byte) ([]byte, bool){
		peelDataURI, peelFence, peelQuotes, peelEscapes, peelJSON, peelMail, peelLinePrefix, peelContext, peelBase64, peelValue,
	} {
		if out, ok := f(t); ok {
			return out, true
		}
	}
	return nil, false
}

// opensXML reports whether t begins with a tag, an instruction or a comment.
func opensXML(t []byte) bool {
	return len(t) > 1 && t[0] == '<' && (t[1] == '?' || t[1] == '!' || t[1] == '_' || t[1] >= utf8.RuneSelf || letter(t[1]))
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// peelMarkup takes off what can stand around XML although it begins with <, too:
// a CDATA section, HTML tags, and the escapes of a string whose quotes are lost.
// Those are told by the first attribute, whose value stands in plain quotes else.
func peelMarkup(t []byte) ([]byte, bool) {
	if in, ok := bytes.CutPrefix(t, []byte("<![CDATA[")); ok {
		in, _, _ = bytes.Cut(in, []byte("]]>"))
		return in, true
	}
	if in, ok := bytes.CutPrefix(t, []byte("<?php")); ok {
		return in, true
	}
	if quotedPrintable(t) { // a soft line break may stand in a tag or a reference
		return peelQuotedPrintable(t)
	}
	if isTextTag([]byte(rootName(t))) {
		_, in, _ := bytes.Cut(t, []byte(">"))
		in, ok := bytes.CutSuffix(in, []byte(">"))
		if !ok {
			return nil, false
		}
		i := bytes.LastIndexByte(in, '<')
		return in[:max(i, 0)], i > 0
	}
	i := bytes.IndexByte(t[:min(len(t), 2048)], '=')
	if i < 0 {
		return nil, false
	}
	switch v := t[i+1:]; {
	case bytes.HasPrefix(v, []byte(`\"`)), bytes.HasPrefix(v, []byte(`\'`)):
		return decodeString(t), true
	case bytes.HasPrefix(v, []byte(`""`)) && len(v) > 2 && !xmlValueEnds(v[2]):
		return bytes.ReplaceAll(t, []byte(`""`), []byte(`"`)), true // CSV, Visual Basic
	case bytes.HasPrefix(v, []byte("''")) && len(v) > 2 && !xmlValueEnds(v[2]):
		return bytes.ReplaceAll(t, []byte("''"), []byte("'")), true // YAML, SQL, PowerShell
	case bytes.HasPrefix(v, []byte("`\"")), bytes.HasPrefix(v, []byte("``")):
		return decodePowerShell(t), true
	case bytes.HasPrefix(v, []byte("&quot;")), bytes.HasPrefix(v, []byte("&#34;")),
		bytes.HasPrefix(v, []byte("&#39;")), bytes.HasPrefix(v, []byte("&apos;")):
		return []byte(html.UnescapeString(string(t))), true
	}
	switch escapedLines(t) {
	case '\\':
		return decodeString(t), true
	case '`':
		return decodePowerShell(t), true
	}
	return nil, false
}

// escapedLines returns what escapes the line end behind the XML declaration: in a
// string with quotes of the other kind than XML's nothing else may be escaped.
func escapedLines(t []byte) byte {
	_, after, _ := bytes.Cut(t[:min(len(t), 2048)], []byte("?>"))
	if len(after) > 1 && (after[0] == '\\' || after[0] == '`') && (after[1] == 'n' || after[1] == 'r') {
		return after[0]
	}
	return 0
}

// escapedTags reports whether t, which begins like XML, is the content of a
// string literal with its escapes.
func escapedTags(t []byte) bool {
	_, ok := peelMarkup(t)
	return ok
}

// xmlValueEnds reports whether c can stand behind the quotes of an empty value.
func xmlValueEnds(c byte) bool { return isSpace(c) || c == '>' || c == '/' || c == '?' }

func peelDataURI(t []byte) ([]byte, bool) {
	head, _, _ := bytes.Cut(t[:min(len(t), 200)], []byte(","))
	in, ok := dropDataURI(t)
	if ok && !bytes.Contains(bytes.ToLower(head), []byte(";base64")) {
		return decodeURL(in)
	}
	return in, ok
}

// peelFence takes off a Markdown fence.
func peelFence(t []byte) ([]byte, bool) {
	mark := t[0]
	n := len(t) - len(bytes.TrimLeft(t, string(mark)))
	if n < 3 || mark != '`' && mark != '~' {
		return nil, false
	}
	if in := t[n:]; opensXML(in) || bytes.HasPrefix(in, []byte("&lt;")) { // all in one line
		return in[:max(0, bytes.LastIndex(in, t[:n]))], true
	}
	_, in, _ := bytes.Cut(t, []byte("\n"))
	return untilLine(in, string(t[:n])), true
}

// untilLine returns the lines before the one that begins with what ends them.
func untilLine(t []byte, end string) []byte {
	from := 0
	for line := range bytes.Lines(t) {
		count(len(line))
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(end)) {
			return t[:from]
		}
		from += len(line)
	}
	return t
}

// peelQuotes takes off the quotes that t begins with, what follows them, and the
// escapes of their kind of string with them.
func peelQuotes(t []byte) ([]byte, bool) {
	open, n := utf8.DecodeRune(t)
	end := closing(open)
	if end == "" {
		return nil, false
	}
	if rest, ok := afterKey(t, n, end); ok {
		return rest, true
	}
	for _, triple := range [...]string{`"""`, "'''"} {
		if in, ok := bytes.CutPrefix(t, []byte(triple)); ok {
			in, _, _ = bytes.Cut(in, []byte(triple))
			if opensXML(trimText(in)) && hasEscape(in) && !escapedTags(trimText(in)) {
				return nil, true // Python's and TOML's have escapes, others not
			}
			return in, true
		}
	}
	xml := opensXML(trimText(t[n:]))
	if joined, ok := joinedLiterals(t); ok && xml {
		return joined, true
	}
	i := bytes.LastIndexAny(t, end)
	if i < n || xml && i < bytes.LastIndexByte(t, '>') { // the other one was lost
		return cutTail(t[n:]), true
	}
	in := t[n:i]
	if open == '"' {
		var s string
		if json.Unmarshal(t[:i+1], &s) == nil {
			if bytes.IndexByte(in, '\\') > 0 && !bytes.Contains(in, []byte(`\"`)) && bytes.Count(in, []byte("`n")) > bytes.Count(in, []byte(`\n`)) {
				return nil, true // PowerShell's, perhaps: there a backslash is one
			}
			if replaced(in, s) || xml && bytes.Contains(in, []byte("``")) {
				return nil, true
			}
			return []byte(s), true
		}
	}
	if !xml && bytes.Contains(in, []byte("\\"+string(open))) || open == '"' && continued(in) && onlyBehind(in, '"', '\\') {
		return decodeString(in), true
	}
	if xml && !escapedTags(trimText(in)) && escapesDiffer(in, open) {
		return nil, true
	}
	return cutTail(in), true
}

// replaced reports whether the decoder of JSON has put another character in the
// place of one that t writes half.
func replaced(t []byte, s string) bool {
	const char = "\ufffd"
	return strings.Contains(s, char) && !bytes.Contains(t, []byte(char))
}

// escapesDiffer reports whether XML between quotes, whose own quotes are not
// escaped, holds what is an escape in some languages and none in others, or if
// somebody has just put quotes around it.
func escapesDiffer(in []byte, quote rune) bool {
	switch quote {
	case '\'', '"', '`':
	default:
		return false
	}
	q := string(quote)
	if bytes.Contains(in, []byte(`\\`)) || bytes.Contains(in, []byte(`\`+q)) {
		return true
	}
	if quote == '`' && bytes.Contains(in, []byte(`\$`)) || quote == '"' && bytes.IndexByte(in, '`') >= 0 && onlyBehind(in, '"', '`') {
		return true // JavaScript's, PowerShell's
	}
	for rest := in; ; {
		_, after, ok := bytes.Cut(rest, []byte(q+q))
		count(len(rest) - len(after))
		if !ok {
			return false
		}
		if quote == '\'' || len(after) > 0 && !xmlValueEnds(after[0]) {
			return true
		}
		rest = after
	}
}

// joinedLiterals joins the string literals that t begins with, if there are two
// at least, with an operator or a line end between them. What is in them stays
// as it is, with the quotes of one around it.
func joinedLiterals(t []byte) ([]byte, bool) {
	quote := t[0]
	if quote != '"' && quote != '\'' && quote != '`' {
		return nil, false
	}
	count(len(t))
	out := []byte{quote}
	parts, from := 1, 1
	for i := 1; i < len(t); i++ {
		switch t[i] {
		case '\\':
			i++
		case quote:
			next := nextLiteral(t[i:])
			if next == 0 {
				continue // one of XML's
			}
			out = append(out, t[from:i]...)
			parts++
			from = i + next
			i = from - 1
		}
	}
	return append(out, t[from:]...), parts > 1
}

// nextLiteral returns where the string literal begins that the one which ends
// at t[0] is joined with, 0 if there is none.
func nextLiteral(t []byte) int {
	j := skipSpace(t, 1)
	joined := bytes.IndexByte(t[:j], '\n') >= 0
	for j < len(t) && bytes.IndexByte([]byte("+.&~,\\"), t[j]) >= 0 {
		j, joined = j+1, true
	}
	j = skipSpace(t, j)
	if count(j); !joined || j == len(t) || t[j] != t[0] {
		return 0
	}
	return j + 1
}

// afterKey cuts off the name in quotes that t begins with, if one does, and what
// stands between it and its value.
func afterKey(t []byte, n int, end string) ([]byte, bool) {
	key := t[n:min(len(t), n+100)]
	i := bytes.IndexAny(key, end)
	if i < 0 || bytes.IndexByte(key[:i], '<') >= 0 {
		return nil, false
	}
	_, size := utf8.DecodeRune(key[i:])
	rest := bytes.TrimLeft(t[n+i+size:], " \t\r\n")
	for _, sep := range [...]string{"=>", ":", "=", ","} {
		if rest, ok := bytes.CutPrefix(rest, []byte(sep)); ok {
			return rest, true
		}
	}
	return nil, false
}

// closing returns the quotation marks that can end what r begins, "" if r is none.
func closing(r rune) string {
	switch r {
	case '"', '\'', '`', '”', '’', '＂', '＇', '´', '″', '′':
		return string(r)
	case '“', '‟':
		return "”"
	case '„':
		return "“”"
	case '‘', '‛':
		return "’"
	case '‚':
		return "‘’"
	case '«':
		return "»"
	case '»':
		return "«"
	case '‹':
		return "›"
	case '›':
		return "‹"
	case '「':
		return "」"
	}
	return ""
}

// cutTail cuts off what follows XML that was quoted.
func cutTail(t []byte) []byte {
	if in := trimText(t); opensXML(in) {
		if i := bytes.LastIndexByte(in, '>'); i > 0 && len(in)-i < 200 {
			return in[:i+1]
		}
	}
	return t
}

// peelJSON returns the one string of a JSON document that is XML.
func peelJSON(t []byte) ([]byte, bool) {
	if t[0] != '{' && t[0] != '[' || !json.Valid(t) {
		return nil, false
	}
	var out []byte
	n := 0
	_ = jsonStrings(t, func(_, value string) *ParseError {
		if len(value) >= minCertText {
			if v, ok := peelXML([]byte(value)); ok {
				out = v
				n++
				if replaced(t, value) {
					n++
				}
			}
		}
		return nil
	})
	return out, n == 1
}

// peelBase64 undoes base64 of text.
func peelBase64(t []byte) ([]byte, bool) {
	raw, err := decodeBase64(t)
	if err != nil || len(raw) == 0 || raw[0] == 0x30 || base64.StdEncoding.EncodedLen(len(raw)) > len(t)+4 || !looksText(raw) {
		return nil, false
	}
	text, guessed, err := decodeText(raw)
	return text, err == nil && !guessed
}

// peelValue undoes the base64 that is the one long value of a configuration.
func peelValue(t []byte) ([]byte, bool) {
	if out, ok := keepLongValues(t); ok {
		return peelBase64(trimText(out))
	}
	return nil, false
}
