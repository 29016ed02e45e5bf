package certs

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/certs/internal/xmlscan"
)

// node is an element of a Signature.
type node struct {
	space, tag string
	attrs      map[string]string // those without a prefix
	text       string            // of the element itself
	kids       []*node
}

// maxNodes bounds the elements of a Signature without its KeyInfo. Honest ones
// have a dozen.
const maxNodes = 64

// readNode reads the element that has just begun, to its end. Of a KeyInfo it
// keeps the name only.
func readNode(s *xmlscan.Scanner) (*node, *ParseError) {
	open := []*node{newNode(s)}
	text := []*strings.Builder{{}}
	key := 0 // depth within KeyInfo
	for n := 1; ; {
		k, err := s.Next()
		if err != nil {
			return nil, refuse(KindMalformedXML, "%v", err) // it was read before
		}
		last := len(open) - 1
		switch {
		case key > 0:
			if k == xmlscan.Start {
				key++
			} else if k == xmlscan.End {
				key--
			}
		case k == xmlscan.Start:
			if n++; n > maxNodes {
				return nil, refuse(KindBadSignature, "the Signature has more than %d elements", maxNodes)
			}
			el := newNode(s)
			open[last].kids = append(open[last].kids, el)
			if el.tag == "KeyInfo" && el.space == xmlscan.URIDS {
				key = 1
				continue
			}
			open, text = append(open, el), append(text, new(strings.Builder))
		case k == xmlscan.Text:
			text[last].Write(s.Text)
		case k == xmlscan.End:
			open[last].text = text[last].String()
			if last == 0 {
				return open[0], nil
			}
			open, text = open[:last], text[:last]
		}
	}
}

func newNode(s *xmlscan.Scanner) *node {
	n := &node{space: s.URI(s.Name.Prefix), tag: string(s.Name.Local), attrs: make(map[string]string)}
	for i := range s.Attrs {
		if a := &s.Attrs[i]; len(a.Prefix) == 0 && !a.Declares() {
			n.attrs[string(a.Local)] = string(s.Value(a))
		}
	}
	return n
}

func (n *node) attr(local string) string { return n.attrs[local] }

// mixed reports whether there is text beside the child elements.
func (n *node) mixed() bool { return strings.Trim(n.text, " \t\r\n") != "" }

// equal compares all but attributes with a prefix: a canonicalization may add
// those of xml.
func (n *node) equal(m *node) bool {
	return n.space == m.space && n.tag == m.tag && n.text == m.text && maps.Equal(n.attrs, m.attrs) && slices.EqualFunc(n.kids, m.kids, (*node).equal)
}

// parts finds the children of an element that has one of each tag, in this
// order, and nothing else.
func (n *node) parts(out []*node, tags ...string) *ParseError {
	for i, tag := range tags {
		if i >= len(n.kids) || n.kids[i].tag != tag || n.kids[i].space != xmlscan.URIDS {
			return refuse(KindBadSignature, "its %s has no %s where one is due", n.tag, tag)
		}
		out[i] = n.kids[i]
	}
	if len(n.kids) > len(tags) || n.mixed() {
		return refuse(KindBadSignature, "its %s holds more than %s", n.tag, strings.Join(tags, ", "))
	}
	return nil
}

// base64 decodes the element's text, in which white space does not count.
func (n *node) base64() ([]byte, bool) {
	text := strings.Map(func(r rune) rune {
		if r < 0x80 && isSpace(byte(r)) {
			return -1
		}
		return r
	}, n.text)
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(n.kids) == 0
}
