package certs

import "bytes"

// parsePEM reads the blocks between markers, and bare certificates that are values
// in the text around them; all else of that counts for nothing. Blocks of another kind are passed over beside certificates, and
// named if there are none.
func parsePEM(t []byte, ms []marker, in nesting) ([]Cert, *ParseError) {
	var cs []Cert
	var other *ParseError
	take := func(from, to int, label string) *ParseError {
		if k := otherLabel(label); k != "" {
			if other == nil {
				other = refuse(k, "%s", adviceDER(k))
			}
			return nil
		}
		block, err := parseBlock(t, from, to, label, in)
		if err != nil && labelKind(label) == labelUnknown {
			if other == nil {
				other = refuse(KindNotCertificate, "a PEM block of another kind: %s", adviceExport)
			}
			return nil
		}
		cs = append(cs, block...)
		return err
	}
	done := 0 // what has been read
	beside := func(to int) *ParseError {
		found, err := bareBeside(t[done:max(done, to)], in)
		cs = append(cs, found...)
		return err
	}
	for i, m := range ms {
		if !m.end {
			if err := beside(m.from); err != nil {
				return nil, err
			}
		}
		done = m.to
		next := marker{from: len(t), label: m.label, end: true}
		if i+1 < len(ms) {
			next = ms[i+1]
		}
		switch {
		case m.end && (i == 0 || ms[i-1].end):
			// The BEGIN line was lost in the paste.
			from := 0
			if i > 0 {
				from = ms[i-1].to
			}
			if err := take(from, m.from, m.label); err != nil {
				return nil, err
			}
		case m.end:
		case next.end && next.label != m.label:
			return nil, refuse(KindNotCertificate, "a PEM block whose END line does not fit its BEGIN line: %s", adviceCopy)
		default:
			if err := take(m.to, next.from, m.label); err != nil {
				return nil, err
			}
			done = next.from
		}
	}
	if err := beside(len(t)); err != nil {
		return nil, err
	}
	if len(cs) == 0 {
		return nil, other
	}
	return cs, nil
}

// bareBeside returns the certificates that are values of configuration in text
// beside PEM. They would be left out silently else.
func bareBeside(t []byte, in nesting) ([]Cert, *ParseError) {
	if len(t) < minCertText || !in.more() { // in metadata, other readers would not find them
		return nil, nil
	}
	values, _ := keepLongValues(t)
	var cs []Cert
	for value := range bytes.Lines(values) {
		raw, err := decodeBase64(value)
		if err != nil || !looksDER(raw) || derKind(raw) != "" {
			continue
		}
		found, err := parseDER(raw)
		if err != nil {
			return nil, err
		}
		cs = append(cs, found...)
	}
	return cs, nil
}

// parseBlock reads the content of one block.
func parseBlock(t []byte, from, to int, label string, in nesting) ([]Cert, *ParseError) {
	body := t[from:to]
	if bytes.IndexByte(body, ':') >= 0 {
		body = skipHeaders(body)
	}
	unquoted := unquoteLines(t, from, body)
	if len(trimText(unquoted)) == 0 {
		return nil, refuse(KindNotCertificate, "a PEM block without content: %s", adviceCopy)
	}
	raw, err := decodeBase64(unquoted)
	if err != nil {
		if raw, ok := unescapeBody(unquoted); ok {
			return parseRaw(raw, label, in)
		}
		if len(unquoted) == len(body) && err.offset > 0 {
			err.offset += to - len(body) // the body is the end of the block
		} else {
			err.offset = 0
		}
		return nil, err
	}
	return parseRaw(raw, label, in)
}

// unescapeBody decodes the content of a block whose lines are escaped, quoted
// or broken by tags: its first foreign character tells by what. The text around
// the block, which may have such characters of its own, has no part in it.
func unescapeBody(body []byte) ([]byte, bool) {
	for range maxLayers {
		count(len(body))
		raw, err := decodeBase64(body)
		if err == nil {
			return raw, true
		}
		if err.offset == 0 {
			return nil, false
		}
		var next []byte
		ok := false
		switch c := body[err.offset-1]; c {
		case '\\':
			next, ok = decodeBackslashes(body)
		case '%':
			next, ok = decodePercent(body)
		case '&':
			next, ok = decodeEntities(body)
		case '=':
			next, ok = decodeQuotedPrintable(body)
		case '<':
			next, ok = dropTags(body)
		}
		if !ok || len(next) >= len(body) {
			return nil, false
		}
		body = next
	}
	return nil, false
}

// parseRaw reads what a block's base64 holds.
func parseRaw(raw []byte, label string, in nesting) ([]Cert, *ParseError) {
	if labelKind(label) == labelTrusted {
		if e, _, ok := readElement(raw); ok && e.whole() {
			raw = raw[:e.head+e.size]
		}
	}
	if looksDER(raw) {
		return parseDER(raw)
	}
	if in.more() && looksText(raw) {
		return parseNested(raw, in)
	}
	return nil, refuse(KindNotCertificate, "a PEM block that holds no DER: %s", adviceCopy)
}

// skipHeaders cuts off headers as in RFC 1421: lines with a colon, and an empty
// line after them.
func skipHeaders(body []byte) []byte {
	rest := body
	seen := false
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 && seen:
			return after
		case len(line) == 0:
		case bytes.IndexByte(line, ':') > 0:
			seen = true
		case !seen:
			return body
		}
		rest = after
	}
	return body
}

// unquoteLines removes what stands before the BEGIN line in each of the block's
// lines too: the > of a mail, the # of a comment, the + of a patch.
func unquoteLines(t []byte, from int, body []byte) []byte {
	if from == 0 {
		return body
	}
	head := t[max(0, from-160):from] // a prefix is short
	head = head[bytes.LastIndexAny(head, "\r\n")+1:]
	if len(head) == 160 {
		return body
	}
	prefix := bytes.TrimSpace(head[:markerStart(head)])
	if len(prefix) == 0 || len(prefix) > 20 {
		return body
	}
	lines := bytes.Split(bytes.ReplaceAll(body, []byte("\r"), []byte("\n")), []byte("\n"))
	if len(lines) == 1 {
		return body
	}
	out := make([]byte, 0, len(body))
	number, tail, numbered := lineNumber(prefix)
	for _, line := range lines[1:] {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			continue
		}
		cut, ok := bytes.CutPrefix(line, prefix)
		if numbered {
			var n int
			number++
			if n, cut, ok = lineNumber(line); ok {
				ok = n == number
			}
			cut = bytes.TrimPrefix(cut, tail)
		}
		if !ok && prefix[0] == '>' {
			cut, ok = line, true // a mail program has folded a line
		}
		if !ok {
			return body
		}
		out = append(append(out, cut...), '\n')
	}
	return out
}
