package certs

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// node is an element of a Signature.
type node struct {
	space, tag string
	attrs      []nodeAttr // those without a prefix, by name
	text       []byte     // of the element itself
	kids       []*node
	few        [3]*node // what kids begins with
	from, to   int      // where it is in the document, without what is empty before it
}

type nodeAttr struct{ name, value string }

// maxNodes bounds the elements of a Signature without its KeyInfo. Honest ones
// have a dozen.
const maxNodes = 64

// readNode reads the element that has just begun, to its end, with the tokens
// that next reads from s. Of a KeyInfo it keeps the name only. The second error is
// that of next.
func readNode(s *xmlscan.Scanner, next func() (xmlscan.Kind, error)) (*node, *ParseError, error) {
	t := tree{make([]node, 0, 16), make([]nodeAttr, 0, 16)}
	root := t.add(s)
	open := append(make([]*node, 0, 8), root)
	for n := 1; ; {
		from := s.Pos()
		k, err := next()
		if err != nil {
			return nil, nil, err
		}
		last := open[len(open)-1]
		switch k {
		case xmlscan.Start:
			if n++; n > maxNodes {
				perr := refuse(KindBadSignature, "the Signature has more than %d elements", maxNodes)
				return nil, perr, skip(next, len(open)+1)
			}
			el := t.add(s)
			el.from = from
			last.kids = append(last.kids, el)
			if el.tag == "KeyInfo" && el.space == xmlscan.URIDS {
				if err := skip(next, 1); err != nil {
					return nil, nil, err
				}
				el.to = s.Pos()
				continue
			}
			open = append(open, el)
		case xmlscan.Text:
			if len(last.text) == 0 {
				last.text = s.Text[:len(s.Text):len(s.Text)] // of the document, or decoded for this token alone
			} else {
				last.text = append(last.text, s.Text...)
			}
		case xmlscan.End:
			last.to = s.Pos()
			if open = open[:len(open)-1]; len(open) == 0 {
				return root, nil, nil
			}
		}
	}
}

// skip reads on until as many of the open elements have ended.
func skip(next func() (xmlscan.Kind, error), elements int) error {
	for elements > 0 {
		k, err := next()
		switch {
		case err != nil:
			return err
		case k == xmlscan.Start:
			elements++
		case k == xmlscan.End:
			elements--
		}
	}
	return nil
}

// tree makes nodes, many at a time.
type tree struct {
	nodes []node
	attrs []nodeAttr
}

// add returns a node for the element that has just begun.
func (t *tree) add(s *xmlscan.Scanner) *node {
	if len(t.nodes) == cap(t.nodes) {
		t.nodes = make([]node, 0, 16) // those that are there stay where they are
	}
	t.nodes = append(t.nodes, node{space: s.Name.URI, tag: usual(s.Name.Local)})
	n := &t.nodes[len(t.nodes)-1]
	n.kids = n.few[:0]
	for i := range s.Attrs {
		if a := &s.Attrs[i]; len(a.Prefix) == 0 && !a.Declares() {
			t.attrs = append(t.attrs, nodeAttr{usual(a.Local), usual(s.Value(a))})
		}
	}
	n.attrs = t.attrs[:len(t.attrs):len(t.attrs)]
	t.attrs = t.attrs[len(t.attrs):]
	if len(n.attrs) > 1 {
		slices.SortFunc(n.attrs, func(a, b nodeAttr) int { return strings.Compare(a.name, b.name) })
	}
	return n
}

// usual returns a name or a value as a string, which takes memory only for those
// that most Signatures do not have.
func usual(b []byte) string {
	for _, v := range [...]string{
		"SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms", "Transform", "DigestMethod", "DigestValue",
		"SignatureValue", "KeyInfo", "Signature", "Algorithm", "URI",
		uriExclusive, xmlsig.Enveloped, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256",
	} {
		if string(b) == v {
			return v
		}
	}
	return string(b)
}

func (n *node) attr(name string) string {
	v, _ := n.find(name)
	return v
}

func (n *node) find(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// mixed reports whether there is text beside the child elements.
func (n *node) mixed() bool { return len(bytes.Trim(n.text, " \t\r\n")) > 0 }

// equal compares all but attributes with a prefix: a canonicalization may add
// those of xml.
func (n *node) equal(m *node) bool {
	return n.space == m.space && n.tag == m.tag && bytes.Equal(n.text, m.text) && slices.Equal(n.attrs, m.attrs) &&
		slices.EqualFunc(n.kids, m.kids, (*node).equal)
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
	text := slices.DeleteFunc(slices.Clone(n.text), isSpace)
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	m, err := base64.StdEncoding.Decode(b, text)
	return b[:m], err == nil && len(n.kids) == 0
}
