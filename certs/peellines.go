package certs

import (
	"bytes"
	"unicode/utf8"
)

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
		if out, ok := stripLead(t, start, bytes.TrimSpace(lead)); ok {
			return cutTail(out), true
		}
		if len(bytes.Trim(lead, linePrefix)) == 0 {
			return nil, true // some lines are quoted, and others are not
		}
		return fromQuote(t, at, lead)
	}
	intro := bytes.TrimRight(t[:start], " \t\r\n")
	last := intro[bytes.LastIndexByte(intro, '\n')+1:]
	indent := t[start:at]
	switch word, raw, here := hereWord(last); {
	case here:
		in := untilLine(t[start:], word)
		if !raw && hasEscape(in) || word == `"@` && bytes.IndexByte(in, '`') >= 0 {
			return nil, true // which ones count depends on the language
		}
		return in, true
	case isBlock(last):
		return block(t[start:], indent), true
	case bytes.Contains(last, []byte("```")):
		return untilLine(t[start:], "```"), true
	case bytes.Contains(last, []byte("~~~")):
		return untilLine(t[start:], "~~~"), true
	}
	return fromQuote(t, at, intro)
}

// stripLead takes off what stands before the XML that begins in the line at
// t[start], and before the lines that follow: the > of a mail whose first lines
// are not quoted, the name of a file, the numbers of lines.
func stripLead(t []byte, start int, lead []byte) ([]byte, bool) {
	if r, _ := utf8.DecodeLastRune(lead); len(lead) > 60 || closing(r) != "" {
		return nil, false // a literal on every line
	}
	name := lead[:len(lead)-len(numberAtEnd(lead))] // of the file, before the number of the line
	number, tail, numbered := lineNumber(lead[len(name):])
	matched, seen := 0, start
	var out []byte
	for line := range bytes.Lines(t[start:]) {
		rest := bytes.TrimLeft(line, " \t")
		count(len(line))
		if len(bytes.TrimSpace(rest)) > 0 {
			var cut []byte
			ok := false
			if numbered {
				var n int
				if cut, ok = bytes.CutPrefix(rest, name); ok {
					if n, cut, ok = lineNumber(cut); ok {
						ok = n == number+matched
					}
				}
				cut, _ = bytes.CutPrefix(cut, tail)
			} else {
				cut, ok = bytes.CutPrefix(rest, lead)
			}
			if !ok {
				return out, matched > 1 && beginsXML(t[seen:]) < 0 && len(findMarkers(t[seen:])) == 0
			}
			matched++
			if len(cut) > 0 && (cut[0] == ' ' || cut[0] == '\t') {
				cut = cut[1:]
			}
			out = append(out, cut...)
		} else {
			out = append(out, '\n')
		}
		seen += len(line)
	}
	return out, matched > 1
}

// peelMail decodes the quoted-printable text of a mail in which XML is quoted.
func peelMail(t []byte) ([]byte, bool) {
	at := beginsXML(t)
	if at <= 0 || t[at] != '<' {
		return nil, false
	}
	if !quotedPrintable(t[at:]) {
		return nil, false
	}
	return peelQuotedPrintable(t)
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
		if i += from; opensXML(t[i:]) && (i == 0 || t[i-1] != '<') && !isAddress(t[i+1:]) {
			best = i
			break
		}
		from = i + 1
	}
	for _, escaped := range [...]string{
		"&lt;", "&#60;", "&#x3c;", "&#x3C;", "%3C", "%3c", `\u003c`, `\u003C`, `\x3c`, `\x3C`, "&amp;lt;", "%253C",
	} {
		if i := bytes.Index(t, []byte(escaped)); i >= 0 && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

// isAddress reports whether t begins with what stands in angle brackets in
// mails: an address, or that of a page.
func isAddress(t []byte) bool {
	t, _, ok := bytes.Cut(t[:min(len(t), 300)], []byte(">"))
	return ok && !bytes.ContainsAny(t, " \"'=<") && (bytes.IndexByte(t, '@') > 0 || bytes.Contains(t, []byte("://")))
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
		if name := bytes.TrimRight(line[:i], " \t"); t[from] == '\'' && len(name) > 0 && bytes.IndexByte([]byte(":(,"), name[len(name)-1]) >= 0 {
			if in, ok := undouble(t[from+1:]); ok {
				return in, true
			}
		}
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

// undouble returns what is in a literal of YAML or SQL between single quotes, of
// which two stand for one. It reports false if none are doubled in it, and
// returns nothing if it does not show where the literal ends.
func undouble(t []byte) ([]byte, bool) {
	var out []byte
	doubled := false
	for {
		in, after, ok := bytes.Cut(t, []byte("'"))
		out = append(out, in...)
		switch {
		case !ok:
			return nil, doubled // it has no end
		case len(after) > 0 && after[0] == '\'':
			out = append(out, '\'')
			doubled, t = true, after[1:]
		case bytes.IndexByte(after, '\'') >= 0 || bytes.Contains(out, []byte(`\\`)):
			return nil, doubled
		default:
			return out, doubled
		}
	}
}

// hereWord returns what ends a here-document, if the line begins one: <<EOF of
// shells, Ruby and Terraform, <<<EOF of PHP, @" of PowerShell. It is raw if there
// is no backslash that escapes anything in it.
func hereWord(line []byte) (end string, raw, ok bool) {
	line = bytes.TrimRight(line, " \t\r")
	for _, q := range [...]string{"'", `"`} {
		if bytes.HasSuffix(line, []byte("@"+q)) {
			return q + "@", true, true
		}
	}
	_, word, ok := bytes.Cut(line, []byte("<<"))
	if !ok {
		return "", false, false
	}
	word = bytes.TrimLeft(word, "<-~ \t")
	raw = len(word) > 0 && word[0] == '\''
	word = bytes.TrimLeft(word, "'\"")
	n := 0
	for n < len(word) && (base64Byte(word[n]) && word[n] != '+' && word[n] != '/' || word[n] == '_') {
		n++
	}
	return string(word[:n]), raw, n > 0
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

// numberAtEnd returns the number that a line begins with, or the one before the
// sign that lead ends with.
func numberAtEnd(lead []byte) []byte {
	if _, _, ok := lineNumber(lead); ok {
		return lead
	}
	digits := bytes.TrimRight(lead, ":-|) \t")
	n := len(digits) - len(bytes.TrimRight(digits, "0123456789"))
	if n == 0 || n == len(digits) || len(digits) == len(lead) {
		return nil
	}
	return lead[len(digits)-n:]
}

// lineNumber reads the number at the beginning of a line, and returns what
// follows it.
func lineNumber(line []byte) (n int, rest []byte, ok bool) {
	i := 0
	for i < len(line) && i < 9 && '0' <= line[i] && line[i] <= '9' {
		n = 10*n + int(line[i]-'0')
		i++
	}
	rest = line[i:]
	if i > 0 && len(rest) > 0 && bytes.IndexByte([]byte(":.|)"), rest[0]) >= 0 {
		rest = rest[1:]
	}
	return n, rest, i > 0 && (len(rest) == 0 || !base64Byte(rest[0]))
}
