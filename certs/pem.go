package certs

import (
	"bytes"
	"unicode/utf8"
)

// marker is a BEGIN or END line of PEM, or what is left of one.
type marker struct {
	from, to int // in the text
	end      bool
	label    string // upper case, without spaces
}

// findMarkers finds the markers in t: -----BEGIN CERTIFICATE----- with any
// number and kind of dashes, in any case, with or without the spaces. Around a label
// that nobody knows one hyphen is too few: base64 in the URL alphabet may hold
// "-End4u-".
func findMarkers(t []byte) []marker {
	var ms []marker
	for i := 0; i < len(t); {
		m, ok := marker{}, false
		switch t[i] {
		case 'B', 'b':
			m, ok = readMarker(t, i, "BEGIN")
		case 'E', 'e':
			m, ok = readMarker(t, i, "END")
		}
		if !ok {
			// Words stand at the beginning of a line or behind a dash; so
			// most of the text can be skipped.
			n := bytes.IndexAny(t[i+1:min(len(t), i+1+4096)], "BbEe")
			if n < 0 {
				i = min(len(t), i+1+4096)
			} else {
				i += 1 + n
			}
			continue
		}
		if n := len(ms); n > 0 {
			m.from = max(m.from, ms[n-1].to) // two may share a run of dashes
		}
		ms = append(ms, m)
		i = m.to
	}
	return ms
}

// readMarker reads the marker with the given word at t[i].
func readMarker(t []byte, i int, word string) (marker, bool) {
	m := marker{end: word == "END"}
	if len(t)-i < len(word) || !bytes.EqualFold(t[i:i+len(word)], []byte(word)) {
		return m, false
	}
	from, dashes := dashesBefore(t, i)
	label, j := readLabel(t, i+len(word))
	count(i - from + j - i)
	m.label = string(label)
	to, after := dashesAfter(t, j)
	count(to - j)
	known := labelKind(m.label) != labelUnknown
	if len(label) == 0 || dashes == 0 && !(known && string(t[i:i+len(word)]) == word && lineBegins(t, i)) ||
		after == 0 && !(known && lineEnds(t, j)) || len(label) > 40 || !known && min(i-from, to-j) < 2 {
		return m, false
	}
	m.from, m.to = from, to
	return m, true
}

// readLabel reads the label at t[i], up to the first dash or other character
// that does not belong, and returns where that is.
func readLabel(t []byte, i int) (label []byte, end int) {
	for i < len(t) && len(label) <= 40 {
		switch c := t[i]; {
		case 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '#' || c == '.':
			label = append(label, c)
		case 'a' <= c && c <= 'z':
			label = append(label, c-'a'+'A')
		case c == '_':
		default:
			r, n := utf8.DecodeRune(t[i:])
			if r == '\n' || r == '\r' || !invisible(r) {
				return label, i
			}
			i += n - 1
		}
		i++
	}
	return label, i
}

func lineBegins(t []byte, i int) bool {
	s := bytes.TrimRight(t[:i], " \t")
	return len(s) == 0 || s[len(s)-1] == '\n' || s[len(s)-1] == '\r'
}

func lineEnds(t []byte, i int) bool {
	s := bytes.TrimLeft(t[i:], " \t")
	return len(s) == 0 || s[0] == '\n' || s[0] == '\r'
}

// dashesBefore returns where the run of dashes that ends before t[i] begins.
func dashesBefore(t []byte, i int) (from, n int) {
	from = i
	for j := i; j > 0; {
		r, size := utf8.DecodeLastRune(t[:j])
		switch {
		case isDash(r):
			n++
			from = j - size
		case r == '\n' || r == '\r' || !invisible(r):
			return from, n
		}
		j -= size
	}
	return from, n
}

// dashesAfter returns where the run of dashes that begins at t[i] ends.
func dashesAfter(t []byte, i int) (to, n int) {
	to = i
	for j := i; j < len(t); {
		r, size := utf8.DecodeRune(t[j:])
		switch {
		case isDash(r):
			n++
			to = j + size
		case r == '\n' || r == '\r' || !invisible(r):
			return to, n
		}
		j += size
		if n > 0 && to != j { // the next marker's dashes may follow a blank
			return to, n
		}
	}
	return to, n
}

type labelClass int

const (
	labelUnknown labelClass = iota
	labelCert
	labelTrusted // a certificate with OpenSSL's trust settings behind it
	labelPKCS7
	labelOther // known, and no certificate
)

func labelKind(label string) labelClass {
	switch label {
	case "CERTIFICATE", "X509CERTIFICATE", "X.509CERTIFICATE", "CERTIFICATES", "CERT":
		return labelCert
	case "TRUSTEDCERTIFICATE":
		return labelTrusted
	case "PKCS7", "PKCS#7", "CMS", "PKCS7SIGNEDDATA", "PKCS#7SIGNEDDATA", "CERTIFICATECHAIN":
		return labelPKCS7
	}
	if otherLabel(label) != "" {
		return labelOther
	}
	return labelUnknown
}

func otherLabel(label string) Kind {
	switch label {
	case "CERTIFICATEREQUEST", "NEWCERTIFICATEREQUEST":
		return KindCSR
	case "PUBLICKEY", "RSAPUBLICKEY", "ECPUBLICKEY":
		return KindPublicKey
	case "X509CRL", "CRL":
		return KindCRL
	case "SSH2PUBLICKEY":
		return KindSSHKey
	case "PKCS12", "PKCS#12":
		return KindPKCS12
	case "DHPARAMETERS", "ECPARAMETERS", "PGPMESSAGE", "PGPPUBLICKEYBLOCK", "PGPSIGNATURE", "ATTRIBUTECERTIFICATE":
		return KindNotCertificate
	}
	return ""
}

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

// markerStart returns where the dashes of the marker at the end of line begin.
func markerStart(line []byte) int {
	up := bytes.ToUpper(line)
	i := bytes.LastIndex(up, []byte("BEGIN"))
	if i < 0 {
		return 0
	}
	from, _ := dashesBefore(line, i)
	return from
}
