package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// maxLayers bounds how often one wrapping is undone to find another, and
// maxNested how deep base64 or JSON may hold further text.
const (
	maxLayers = 12
	maxNested = 5
)

// nesting is how deep in base64 or JSON some text was found, and how many bytes
// of text may still be looked at: layers within nested text within layers would
// multiply.
type nesting struct {
	depth int
	left  *int
}

func newNesting(b []byte) nesting {
	left := 4096 + 4*maxLayers*len(b)
	return nesting{0, &left}
}

func (n nesting) deeper() nesting { return nesting{n.depth + 1, n.left} }

func (n nesting) more() bool { return n.depth < maxNested }

// counted, if a test has set it, is told how many bytes each step of a text
// reader looks at, so that tests can see that all of them together are in
// proportion to the input.
var counted func(n int)

func count(n int) {
	if counted != nil {
		counted(n)
	}
}

const (
	adviceKey    = "a private key must not leave its place: if it was sent to anybody, make a new one; paste only the certificate"
	adviceCopy   = "copy it again, from the first to the last character"
	adviceExport = "export the certificate as PEM or base64"
)

// Parse returns every certificate in b, in order, without repeats, whatever
// the form; the package comment lists the forms. There is at least one, or an
// error, which is a [*ParseError].
//
// It never returns some of the certificates: if one is damaged, or b holds a
// private key anywhere, all are refused.
func Parse(b []byte) ([]Cert, error) {
	cs, err := parse(b)
	if err != nil {
		return nil, err
	}
	return cs, nil
}

func parse(b []byte) ([]Cert, *ParseError) {
	if len(b) > MaxInput {
		return nil, refuse(KindTooLarge, "%d bytes, where at most %d MiB are read", len(b), MaxInput>>20)
	}
	if der, ok := exactly(b); ok {
		c, err := newCert(der)
		if err != nil {
			return nil, err
		}
		return []Cert{c}, nil
	}
	cs, err := parseBytes(b, newNesting(b))
	if err != nil {
		return nil, err
	}
	return unique(cs), nil
}

// exactly reads the frequent case, that b is one certificate in base64 or PEM
// and nothing else, in a single pass.
func exactly(b []byte) (der []byte, ok bool) {
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	if body, ok := bytes.CutPrefix(b, []byte(begin)); ok {
		if b, ok = bytes.CutSuffix(bytes.TrimRight(body, " \t\r\n"), []byte(end)); !ok {
			return nil, false
		}
	}
	packed := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			n = len(b)
		}
		packed = append(packed, bytes.Trim(b[:n], " \t\r")...)
		b = b[min(len(b), n+1):]
	}
	// Decode passes over \r and \n, and takes nothing else that is foreign.
	n, err := base64.StdEncoding.Strict().Decode(packed, packed)
	if err != nil || !isCertificate(packed[:n]) {
		return nil, false
	}
	return packed[:n], true
}

// ParseOne returns the one certificate in b, in any form that [Parse] takes. If
// there are several, the error is KindSeveral and lists their subjects: to
// choose among them is not for a parser.
func ParseOne(b []byte) (Cert, error) {
	c, err := parseOne(b)
	if err != nil {
		return Cert{}, err
	}
	return c, nil
}

func parseOne(b []byte) (Cert, *ParseError) {
	cs, err := parse(b)
	if err != nil {
		return Cert{}, err
	}
	if len(cs) > 1 {
		return Cert{}, several(cs)
	}
	return cs[0], nil
}

func several(cs []Cert) *ParseError {
	e := refuse(KindSeveral, "%d of them, where one is needed: pass only the one that signs", len(cs))
	for _, c := range cs[:min(len(cs), maxListed)] {
		e.Subjects = append(e.Subjects, subject(c.X509())+" "+c.Thumbprint())
	}
	return e
}

// Normalize returns the one certificate in b as Microsoft Graph's
// signingCertificate takes it. It is [ParseOne] and then [Cert.Base64]; on what
// it returns, it changes nothing.
func Normalize(b []byte) (string, error) {
	c, err := ParseOne(b)
	if err != nil {
		return "", err
	}
	return c.Base64(), nil
}

func unique(cs []Cert) []Cert {
	if len(cs) < 2 {
		return cs
	}
	seen := make(map[Cert]bool, len(cs))
	out := cs[:0]
	for _, c := range cs {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// parseBytes reads b, which may be DER or text in some encoding.
func parseBytes(b []byte, in nesting) ([]Cert, *ParseError) {
	if len(b) == 0 {
		return nil, refuse(KindEmpty, "there is no input at all")
	}
	if looksDER(b) {
		return parseDER(b)
	}
	text, _, err := decodeText(b)
	if err != nil {
		return nil, err
	}
	return parseText(text, in)
}

// parseNested reads what was encoded or quoted as a whole: a place in it is none in
// the input.
func parseNested(b []byte, in nesting) ([]Cert, *ParseError) {
	cs, err := parseBytes(b, in.deeper())
	if err != nil {
		err.Line, err.Column, err.offset = 0, 0, 0
	}
	return cs, err
}

// parseText reads text, undoing one wrapping after the other until something is
// recognised. Every attempt takes time linear in the text, and there are at
// most maxLayers of them.
func parseText(text []byte, in nesting) ([]Cert, *ParseError) {
	var first *ParseError
	for layer := range maxLayers {
		count(len(text))
		if *in.left -= len(text); *in.left < 0 {
			return nil, refuse(KindNotCertificate, "text that is wrapped too often: %s", adviceExport)
		}
		if err := findKey(text); err != nil {
			return nil, err
		}
		t := trimText(text)
		if len(t) == 0 {
			if first != nil {
				break
			}
			return nil, refuse(KindEmpty, "there is only white space")
		}
		if rest, ok := afterComment(t); ok {
			if text = rest; len(trimText(rest)) == 0 {
				return nil, refuse(KindNotCertificate, "only a comment of XML, in which a certificate is not there: %s", adviceCopy)
			}
			continue
		}
		if layer == 0 && mayHoldXML(t) {
			if cs, err, ok := parseWrapped(t, in); ok {
				return cs, err
			}
		}
		if code, ok := bytes.CutPrefix(t, []byte("<?php")); ok {
			text = code
			continue
		}
		cs, err := parsePlain(t, in)
		if err == nil {
			// What stands around the certificates may be wrapped, too.
			if inner, ok := unescape(t); ok {
				if kerr := findKey(inner); kerr != nil {
					return nil, kerr
				}
			}
			return cs, nil
		}
		if layer == 0 {
			locate(err, text, len(text)-len(trimLeft(text)))
		} else {
			err.Line, err.Column = 0, 0
		}
		if err.Found != KindNotCertificate {
			return nil, err
		}
		if first == nil {
			first = err
		}
		next, ok := unwrap(t, in.more())
		if !ok || loses(t, next, "IDPSSODescriptor") {
			break
		}
		text = next
	}
	return nil, first
}

// mayHoldXML reports whether there is anything in t that XML could begin with, or
// be escaped by.
func mayHoldXML(t []byte) bool { return bytes.ContainsAny(t, `<&%\`) }

// parseWrapped reads wrapped metadata, or a piece of it. It reports false if t is
// nothing of the kind.
func parseWrapped(t []byte, in nesting) ([]Cert, *ParseError, bool) {
	if opensXML(t) {
		if _, ok := peelMarkup(t); !ok {
			return nil, nil, false
		}
	}
	if (t[0] == '{' || t[0] == '[') && json.Valid(t) {
		return nil, nil, false // all of its strings are read
	}
	x, ok := peelXML(t)
	if !ok {
		return nil, nil, false
	}
	if err := findKey(x); err != nil {
		return nil, err, true
	}
	if loses(t, x, "BEGIN CERTIFICATE") {
		return nil, refuse(KindNotCertificate, "certificates beside what holds others: paste one of them"), true
	}
	switch rootName(x) {
	case "EntityDescriptor", "EntitiesDescriptor", "X509Certificate", "X509Data", "KeyInfo", "KeyDescriptor", "IDPSSODescriptor":
		cs, err := parseMarkup(x, in)
		return cs, nil, err == nil
	}
	return nil, nil, false
}

// parsePlain reads text in which nothing is wrapped any more.
func parsePlain(t []byte, in nesting) ([]Cert, *ParseError) {
	if t[0] == '<' {
		return parseMarkup(t, in)
	}
	if t[0] == '{' || t[0] == '[' {
		if cs, err, ok := parseJSON(t, in); ok {
			return cs, err
		}
	}
	if ms := findMarkers(t); len(ms) > 0 {
		return parsePEM(t, ms, in)
	}
	if isSSH(t) {
		return nil, refuse(KindSSHKey, "SSH keys have no certificate: "+adviceExport)
	}
	if der, ok := decodeHex(t); ok {
		return parseBytes(der, in.deeper())
	}
	return parseBase64(t, in)
}

// parseElement reads the text of one X509Certificate element, and its DER by
// read.
func parseElement(text string, read func(der []byte) (Cert, *ParseError)) (Cert, *ParseError) {
	if len(strings.TrimSpace(text)) == 0 {
		return Cert{}, refuse(KindEmpty, "an X509Certificate element without content")
	}
	if der, ok := exactly([]byte(text)); ok {
		return read(der)
	}
	// PEM markers happen there, too. What holds no certificate but base64 of
	// a whole file is refused: other readers of the metadata would not get it.
	cs, err := parseBytes([]byte(text), nesting{maxNested, newNesting([]byte(text)).left})
	if err != nil {
		if err.Found == KindNotCertificate {
			err.detail = "in an X509Certificate element: " + err.detail
		}
		return Cert{}, err
	}
	if cs = unique(cs); len(cs) > 1 {
		return Cert{}, several(cs)
	}
	return cs[0], nil
}

// locate turns the offset that err has in trimmed text into line and column.
func locate(err *ParseError, text []byte, cut int) {
	if err.offset == 0 || err.Line > 0 {
		return
	}
	err.Line, err.Column = xmlscan.Position(text, min(cut+err.offset-1, len(text)))
}

// foreign makes the error for a visible character that base64 does not have.
func foreign(t []byte, at int, r rune) *ParseError {
	e := refuse(KindNotCertificate, "the character %s (U+%04X) is not base64: %s", quoteRune(r), r, adviceCopy)
	e.offset = at + 1
	return e
}

func quoteRune(r rune) string { return fmt.Sprintf("%q", r) }
