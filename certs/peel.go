package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"mime/quotedprintable"
	"strconv"
	"unicode"
	"unicode/utf16"
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
		t = next
	}
	return nil, false
}

// peel takes off the outermost wrapping of t, which is not empty.
func peel(t []byte) ([]byte, bool) {
	if opensXML(t) {
		return peelMarkup(t)
	}
	for _, f := range [...]func([]byte) ([]byte, bool){
		peelDataURI, peelFence, peelQuotes, peelEscapes, peelJSON, peelLinePrefix, peelContext, peelBase64,
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
	case bytes.HasPrefix(v, []byte("3D")):
		return peelQuotedPrintable(t)
	case bytes.HasPrefix(v, []byte(`""`)) && len(v) > 2 && !xmlValueEnds(v[2]):
		return bytes.ReplaceAll(t, []byte(`""`), []byte(`"`)), true // CSV, Visual Basic
	case bytes.HasPrefix(v, []byte("`\"")), bytes.HasPrefix(v, []byte("``")):
		return decodePowerShell(t), true
	case bytes.HasPrefix(v, []byte("&quot;")), bytes.HasPrefix(v, []byte("&#34;")), bytes.HasPrefix(v, []byte("&#39;")), bytes.HasPrefix(v, []byte("&apos;")):
		return []byte(html.UnescapeString(string(t))), true
	}
	// In a string with quotes of the other kind only the line ends are escaped.
	if _, after, ok := bytes.Cut(t[:min(len(t), 2048)], []byte("?>")); ok {
		switch {
		case bytes.HasPrefix(after, []byte(`\n`)), bytes.HasPrefix(after, []byte(`\r`)):
			return decodeString(t), true
		case bytes.HasPrefix(after, []byte("`n")), bytes.HasPrefix(after, []byte("`r")):
			return decodePowerShell(t), true
		}
	}
	return nil, false
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
			return in, true
		}
	}
	i := bytes.LastIndexAny(t, end)
	xml := opensXML(trimText(t[n:]))
	if i < n || xml && i < bytes.LastIndexByte(t, '>') { // the other one was lost
		return cutTail(t[n:]), true
	}
	in := t[n:i]
	if open == '"' {
		var s string
		if json.Unmarshal(t[:i+1], &s) == nil {
			if bytes.IndexByte(in, '\\') >= 0 && bytes.Count(in, []byte("`n")) > bytes.Count(in, []byte(`\n`)) {
				return nil, true // PowerShell's, perhaps: there a backslash is one
			}
			return []byte(s), true
		}
	}
	if !xml && bytes.Contains(in, []byte("\\"+string(open))) {
		return decodeString(in), true
	}
	return cutTail(in), true
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

// peelEscapes undoes the escapes that t begins with, once, in all of it.
func peelEscapes(t []byte) ([]byte, bool) {
	switch {
	case t[0] == '&':
		out := html.UnescapeString(string(t))
		return []byte(out), len(out) < len(t)
	case t[0] == '%':
		return decodeURL(t)
	case len(t) > 1 && t[0] == '\\' && bytes.IndexByte([]byte(`ux"'<`), t[1]) >= 0:
		return decodeString(t), true
	case bytes.HasPrefix(t, []byte("=3C")), bytes.HasPrefix(t, []byte("=3c")):
		return peelQuotedPrintable(t)
	}
	return nil, false
}

// decodeURL decodes percent-encoding. A + is a blank if no blank was encoded
// otherwise: XML has some, and base64 has + itself. References within, of what
// looks like a reference, can be XML's or have been escaped for HTML since: that is
// refused.
func decodeURL(t []byte) ([]byte, bool) {
	for _, amp := range [...]string{"&amp;", "&#38;", "&#x26;", "&#X26;"} {
		for rest := t; ; {
			_, after, ok := bytes.Cut(rest, []byte(amp))
			count(len(rest) - len(after))
			if !ok {
				break
			}
			i := bytes.IndexFunc(after, notInReference)
			count(max(i, 0))
			if i > 0 && (after[i] == ';' || bytes.HasPrefix(after[i:], []byte("%3B"))) {
				return nil, true
			}
			rest = after
		}
	}
	plus := !bytes.Contains(t, []byte("%20"))
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '%':
			if i+2 >= len(t) {
				return nil, false
			}
			v, err := strconv.ParseUint(string(t[i+1:i+3]), 16, 8)
			if err != nil {
				return nil, false
			}
			out = append(out, byte(v))
			i += 2
		case t[i] == '+' && plus:
			out = append(out, ' ')
		default:
			out = append(out, t[i])
		}
	}
	return out, true
}

// decodeString decodes the escapes that JSON, JavaScript, Java, C and Python have
// in common.
func decodeString(t []byte) []byte {
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
		case '\n': // the line goes on
		case 'u', 'x':
			digits := 4
			if c == 'x' {
				digits = 2
			}
			r, ok := hexRune(t[i+1:], digits)
			if !ok {
				out = append(out, '\\', c)
				break
			}
			i += digits
			if utf16.IsSurrogate(r) && bytes.HasPrefix(t[i+1:], []byte(`\u`)) {
				if low, ok := hexRune(t[i+3:], 4); ok && utf16.DecodeRune(r, low) != unicode.ReplacementChar {
					r = utf16.DecodeRune(r, low)
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return out
}

func notInReference(r rune) bool { return r != '#' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func hexRune(t []byte, digits int) (rune, bool) {
	if len(t) < digits {
		return 0, false
	}
	v, err := strconv.ParseUint(string(t[:digits]), 16, 32)
	return rune(v), err == nil
}

// decodePowerShell decodes the escapes of PowerShell's strings.
func decodePowerShell(t []byte) []byte {
	out := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] != '`' || i+1 == len(t) {
			out = append(out, t[i])
			continue
		}
		i++
		switch t[i] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			out = append(out, t[i])
		}
	}
	return out
}

func peelQuotedPrintable(t []byte) ([]byte, bool) {
	out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(t)))
	return out, err == nil && len(out) < len(t)
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
			}
		}
		return nil
	})
	return out, n == 1
}

// linePrefix are the characters that lines are quoted or commented out with.
const linePrefix = " \t>#/;*+|-!"

// peelLinePrefix takes off what every line begins with: the > of a mail, the # or
// // of a comment, the + of a patch. An empty line may have lost it.
func peelLinePrefix(t []byte) ([]byte, bool) {
	prefix := t[:len(t)-len(bytes.TrimLeft(t, linePrefix))]
	for line := range bytes.Lines(t) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) == 0 {
			continue
		}
		n := 0
		for n < min(len(line), len(prefix)) && line[n] == prefix[n] {
			n++
		}
		prefix = prefix[:n]
	}
	if prefix = bytes.TrimRight(prefix, " \t"); len(prefix) == 0 || len(prefix) > 20 {
		return nil, false
	}
	out := make([]byte, 0, len(t))
	for line := range bytes.Lines(t) {
		rest, ok := bytes.CutPrefix(line, prefix)
		switch {
		case ok:
			out = append(out, bytes.TrimPrefix(rest, []byte(" "))...)
		default:
			out = append(out, '\n')
		}
	}
	return out, true
}

// peelContext finds XML in text of another kind: behind a name and a quote, in a
// block of YAML, a here-document, a fence, or below a sentence.
func peelContext(t []byte) ([]byte, bool) {
	at := beginsXML(t)
	if at <= 0 {
		return nil, false
	}
	start := bytes.LastIndexByte(t[:at], '\n') + 1
	if lead := bytes.TrimRight(t[start:at], " \t"); len(lead) > 0 {
		if len(bytes.Trim(lead, linePrefix)) == 0 {
			return nil, true // some lines are quoted, and others are not
		}
		return fromQuote(t, at, lead)
	}
	intro := bytes.TrimRight(t[:start], " \t\r\n")
	last := intro[bytes.LastIndexByte(intro, '\n')+1:]
	indent := t[start:at]
	switch word, here := hereWord(last); {
	case here:
		return untilLine(t[start:], word), true
	case isBlock(last):
		return block(t[start:], indent), true
	case bytes.Contains(last, []byte("```")):
		return untilLine(t[start:], "```"), true
	case bytes.Contains(last, []byte("~~~")):
		return untilLine(t[start:], "~~~"), true
	}
	return fromQuote(t, at, intro)
}

// beginsXML returns where XML begins in t, plain or escaped; -1 if nowhere.
func beginsXML(t []byte) int {
	count(len(t))
	best := -1
	for from := 0; ; {
		i := bytes.IndexByte(t[from:], '<')
		if i < 0 {
			break
		}
		if i += from; opensXML(t[i:]) && (i == 0 || t[i-1] != '<') {
			best = i
			break
		}
		from = i + 1
	}
	for _, escaped := range [...]string{"&lt;", "&#60;", "&#x3c;", "&#x3C;", "%3C", "%3c", `\u003c`, `\u003C`, `\x3c`, `\x3C`, "&amp;lt;", "%253C"} {
		if i := bytes.Index(t, []byte(escaped)); i >= 0 && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

// fromQuote returns what begins at, or with the quote before it, without what
// follows it.
func fromQuote(t []byte, at int, lead []byte) ([]byte, bool) {
	if len(longestRun(lead)) >= 40 {
		return nil, false
	}
	// The outermost quotes: what is in them may begin with a name, too.
	line := lead[bytes.LastIndexByte(lead, '\n')+1:]
	if i := bytes.IndexFunc(line, func(r rune) bool { return closing(r) != "" }); i >= 0 {
		from := at - (len(t[:at]) - bytes.LastIndex(t[:at], line)) + i
		return t[from:], true
	}
	switch {
	case t[at] == '%':
		i := bytes.IndexAny(t[at:], "& \t\r\n\"'")
		if i < 0 {
			i = len(t) - at
		}
		return t[at : at+i], true
	case t[at] == '&':
		i := bytes.LastIndexByte(t, ';')
		return t[at:max(i+1, at)], true
	case t[at] == '<':
		i := bytes.LastIndexByte(t, '>')
		return t[at:max(i+1, at)], true
	}
	return t[at:], true
}

// hereWord returns what ends a here-document, if the line begins one: <<EOF of
// shells, Ruby and Terraform, <<<EOF of PHP, @" of PowerShell.
func hereWord(line []byte) (string, bool) {
	line = bytes.TrimRight(line, " \t\r")
	for _, q := range [...]string{"'", `"`} {
		if bytes.HasSuffix(line, []byte("@"+q)) {
			return q + "@", true
		}
	}
	_, word, ok := bytes.Cut(line, []byte("<<"))
	if !ok {
		return "", false
	}
	word = bytes.TrimLeft(word, "<-~ \t'\"")
	n := 0
	for n < len(word) && (base64Byte(word[n]) && word[n] != '+' && word[n] != '/' || word[n] == '_') {
		n++
	}
	return string(word[:n]), n > 0
}

// isBlock reports whether a line announces a block scalar of YAML.
func isBlock(line []byte) bool {
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, "+-0123456789 \t\r")
	if !bytes.HasSuffix(line, []byte("|")) && !bytes.HasSuffix(line, []byte(">")) {
		return false
	}
	line = bytes.TrimRight(line[:len(line)-1], " \t")
	return bytes.HasSuffix(line, []byte(":")) || bytes.HasSuffix(line, []byte("-")) || len(line) == 0
}

// block returns the lines that are indented as the first one is, without that.
func block(t, indent []byte) []byte {
	out := make([]byte, 0, len(t))
	for line := range bytes.Lines(t) {
		in, ok := bytes.CutPrefix(line, indent)
		if !ok && len(bytes.TrimSpace(line)) > 0 {
			break
		}
		if !ok {
			in = []byte("\n")
		}
		out = append(out, in...)
	}
	return out
}

// peelBase64 undoes base64 of text.
func peelBase64(t []byte) ([]byte, bool) {
	raw, err := decodeBase64(t)
	if err != nil || len(raw) == 0 || raw[0] == 0x30 || base64.StdEncoding.EncodedLen(len(raw)) > len(t)+4 || !looksText(raw) {
		return nil, false
	}
	text, err := decodeText(raw)
	return text, err == nil
}
