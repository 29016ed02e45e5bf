package certs

import (
	"bytes"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// pieceKind is the kind of a piece of markup.
type pieceKind int

const (
	pieceText pieceKind = iota
	pieceStart
	pieceEmpty // an empty-element tag
	pieceEnd
	pieceComment
	pieceCDATA
	pieceOther // an instruction or declaration
	pieceBroken
)

// pieces cuts text into what XML takes it for, without judging it: the
// declarations of a snippet's prefixes are missing more often than not, and so
// are its ends. Each byte is looked at once or twice.
type pieces struct {
	rest []byte

	kind pieceKind
	body []byte // what is in the tag, comment or section; or the text
}

// next advances to the next piece and reports whether there is one. A piece
// that has no end is broken and goes on to the end of the text.
func (p *pieces) next() bool {
	if len(p.rest) == 0 {
		return false
	}
	defer func(n int) { count(n - len(p.rest)) }(len(p.rest))
	if p.rest[0] != '<' {
		n := bytes.IndexByte(p.rest, '<')
		if n < 0 {
			n = len(p.rest)
		}
		p.kind, p.body, p.rest = pieceText, p.rest[:n], p.rest[n:]
		return true
	}
	switch {
	case p.cut("<!--", "-->", pieceComment), p.cut("<![CDATA[", "]]>", pieceCDATA), p.cut("<?", "?>", pieceOther),
		p.cut("<!", ">", pieceOther), p.cut("</", ">", pieceEnd):
	default:
		end := tagEnd(p.rest)
		if end < 0 {
			p.kind, p.body, p.rest = pieceBroken, p.rest[1:], nil
			return true
		}
		p.kind, p.body, p.rest = pieceStart, p.rest[1:end], p.rest[end+1:]
		if n := len(p.body); n > 0 && p.body[n-1] == '/' {
			p.kind, p.body = pieceEmpty, p.body[:n-1]
		}
	}
	return true
}

func (p *pieces) cut(open, end string, kind pieceKind) bool {
	after, ok := bytes.CutPrefix(p.rest, []byte(open))
	if !ok {
		return false
	}
	p.kind = kind
	if p.body, p.rest, ok = bytes.Cut(after, []byte(end)); !ok {
		p.kind, p.rest = pieceBroken, nil
	}
	return true
}

// name is the name of the tag at hand, as written.
func (p *pieces) name() []byte {
	return p.body[:xmlscan.ScanName(p.body[:min(len(p.body), xmlscan.MaxName)])]
}

// local is the local name of the tag at hand.
func (p *pieces) local() string {
	_, local := xmlscan.SplitName(p.name())
	return string(local)
}

// tagEnd returns the index of the > that ends the tag at t[0], outside of
// quotes, or -1. A < ends it, too: there was no >.
func tagEnd(t []byte) int {
	for i := 1; i < len(t); i++ {
		switch c := t[i]; c {
		case '>':
			return i
		case '<':
			return -1
		case '"', '\'':
			n := bytes.IndexByte(t[i+1:], c)
			if n < 0 {
				return -1
			}
			i += 1 + n
		}
	}
	return -1
}

// tagAttr returns the value of an attribute of the tag at hand.
func (p *pieces) tagAttr(name string) string {
	b := p.body[xmlscan.ScanName(p.body):]
	for {
		b = b[skipSpace(b, 0):]
		n := xmlscan.ScanName(b)
		i := skipSpace(b, n)
		if n == 0 || i == len(b) || b[i] != '=' {
			return ""
		}
		j := skipSpace(b, i+1)
		if j == len(b) || b[j] != '"' && b[j] != '\'' {
			return ""
		}
		value, after, ok := bytes.Cut(b[j+1:], b[j:j+1])
		if !ok {
			return ""
		}
		if string(b[:n]) == name {
			if dec, ok := decodeEntities(value); ok {
				value = dec
			}
			return string(value)
		}
		b = after
	}
}

// parseSnippet reads the X509Certificate elements in a piece of metadata. What
// is in a comment is not there; tags in a CDATA section are text.
func parseSnippet(t []byte) ([]Cert, *ParseError) {
	var cs []Cert
	var text []byte
	inCert, encryption := false, false
	take := func() *ParseError {
		inCert = false
		if dec, ok := decodeEntities(text); ok {
			text = dec
		}
		c, err := parseElement(string(text), newCert)
		if err == nil {
			cs = append(cs, c)
		}
		return err
	}
	for p := (pieces{rest: t}); p.next(); {
		switch p.kind {
		case pieceText, pieceCDATA:
			if inCert {
				text = append(text, p.body...)
			}
		case pieceOther:
			if !bytes.HasPrefix(p.body, []byte("xml")) && (bytes.HasPrefix(p.body, []byte("DOCTYPE")) || bytes.HasPrefix(p.body, []byte("ENTITY"))) {
				return nil, refuse(KindDTD, "%s", markupAdvice(KindDTD))
			}
		case pieceBroken:
			return nil, refuse(KindMalformedXML, "a tag or comment without an end: %s", adviceCopy)
		case pieceStart:
			switch p.local() {
			case "KeyDescriptor":
				encryption = p.tagAttr("use") == "encryption"
			case "X509Certificate":
				if inCert {
					return nil, refuse(KindMalformedXML, "an X509Certificate element inside of another: %s", adviceCopy)
				}
				inCert, text = !encryption, text[:0]
			default:
				if inCert {
					return nil, refuse(KindMalformedXML, "an element inside of an X509Certificate: %s", adviceCopy)
				}
			}
		case pieceEmpty:
			if inCert {
				return nil, refuse(KindMalformedXML, "an element inside of an X509Certificate: %s", adviceCopy)
			}
		case pieceEnd:
			switch {
			case inCert:
				if err := take(); err != nil {
					return nil, err
				}
			case p.local() == "KeyDescriptor":
				encryption = false
			}
		}
	}
	if inCert { // the end was lost in the paste
		if err := take(); err != nil {
			return nil, err
		}
	}
	if len(cs) == 0 {
		return nil, refuse(KindNoSigningKey, "a piece of metadata that has no X509Certificate for signing: download the whole")
	}
	return cs, nil
}
