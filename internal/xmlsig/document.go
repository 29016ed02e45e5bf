// Package xmlsig verifies the enveloped signatures within an XML document, each
// on its own, and tells what is wrong with one that does not verify.
//
// A document is read once, strictly, into a tree, and what a signature covers is
// said in terms of that tree: who reads on reads what was verified. Metadata, which
// may be too long for a tree, is verified by package certs as it passes by.
package xmlsig

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Document is an XML document in UTF-8.
type Document struct {
	Text []byte
	Root *Node

	// Relative is a namespace in it that is no absolute URI, if there is one:
	// what it means depends on who reads it.
	Relative string
}

// Node is an element.
type Node struct {
	Space, Local string // the namespace's name, and the element's without a prefix
	Attrs        []Attr // declarations of namespaces are not among them
	Kids         []*Node
	Parent       *Node // nil of the root
	Mixed        bool  // it has text beside its child elements
	Comment      bool  // a comment or an instruction is among its text and children

	text     []byte
	parts    int32 // of text
	declared int32 // namespaces
	from, to int   // where it stands in the document
	inside   int   // where its start tag ends
	n        int   // how many start tags come before it
}

// Attr is an attribute. Space is empty for one without a prefix.
type Attr struct{ Space, Local, Value string }

// Parse reads a document of at most so many elements. It does not look for IDs
// that two elements have.
func Parse(b []byte, elements int) (*Document, error) {
	s := xmlscan.New(b)
	s.MaxIDs = 0
	d := &Document{Text: b}
	names := make(map[string]string, 32)
	name := func(b []byte) string {
		if v, ok := names[string(b)]; ok {
			return v
		}
		v := string(b)
		names[v] = v
		return v
	}
	var open *Node
	nodes := make([]Node, 0, min(48, elements))
	attrs := make([]Attr, 0, 32)
	for {
		from := s.Pos()
		k, err := s.Next()
		if err != nil {
			return nil, err
		}
		switch k {
		case xmlscan.Start:
			if s.Elements > elements {
				return nil, s.Fail("more than %d elements", elements)
			}
			if len(nodes) == cap(nodes) {
				nodes = make([]Node, 0, 2*cap(nodes)) // those that are there stay where they are
			}
			nodes = append(nodes, Node{Space: s.URI(s.Name.Prefix), Local: name(s.Name.Local), Parent: open,
				from: from, inside: s.Pos(), n: s.Elements - 1})
			el := &nodes[len(nodes)-1]
			for i := range s.Attrs {
				if a := &s.Attrs[i]; !a.Declares() {
					space := ""
					if len(a.Prefix) > 0 {
						space = s.URI(a.Prefix)
					}
					attrs = append(attrs, Attr{space, name(a.Local), string(s.Value(a))})
				}
			}
			if len(attrs) > 0 {
				el.Attrs = attrs[:len(attrs):len(attrs)]
				attrs = attrs[len(attrs):]
			}
			for _, b := range s.Declared() {
				el.declared++
				if b.URI != "" && d.Relative == "" && !c14n.Absolute(b.URI) {
					d.Relative = b.URI
				}
			}
			if open == nil {
				d.Root = el
			} else {
				open.Kids = append(open.Kids, el)
			}
			open = el
		case xmlscan.End:
			open.to = s.Pos()
			open.Mixed = len(open.Kids) > 0 && len(bytes.Trim(open.text, space)) > 0
			open = open.Parent
		case xmlscan.Text:
			if open.parts == 0 {
				open.text = s.Text[:len(s.Text):len(s.Text)] // of the document, or decoded for this token alone
			} else {
				open.text = append(open.text, s.Text...)
			}
			open.parts++
		case xmlscan.Comment, xmlscan.Instruction:
			if open != nil {
				open.Comment = true
			}
		case xmlscan.EOF:
			return d, nil
		}
	}
}

const space = " \t\r\n"

// Text returns the element's own text.
func (n *Node) Text() string { return string(n.text) }

// Is reports whether the element has this name.
func (n *Node) Is(space, local string) bool { return n.Local == local && n.Space == space }

// Attr returns the value of an attribute without a prefix.
func (n *Node) Attr(local string) (string, bool) {
	for i := range n.Attrs {
		if a := &n.Attrs[i]; a.Space == "" && a.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// Value is Attr for those who take an absent attribute for an empty one.
func (n *Node) Value(local string) string {
	v, _ := n.Attr(local)
	return v
}

// Kid returns the first child of this name, or nil.
func (n *Node) Kid(space, local string) *Node {
	for _, k := range n.Kids {
		if k.Is(space, local) {
			return k
		}
	}
	return nil
}

// All returns the children of this name.
func (n *Node) All(space, local string) []*Node {
	var all []*Node
	for _, k := range n.Kids {
		if k.Is(space, local) {
			all = append(all, k)
		}
	}
	return all
}

// Walk calls f for the element and those in it, in their order, until f says no
// for one, whose children are then left out.
func (n *Node) Walk(f func(*Node) bool) {
	if !f(n) {
		return
	}
	for _, k := range n.Kids {
		k.Walk(f)
	}
}

// Within reports whether the element is m, or in it.
func (n *Node) Within(m *Node) bool {
	for ; n != nil; n = n.Parent {
		if n == m {
			return m != nil
		}
	}
	return false
}

// Path names the elements around n and itself.
func (n *Node) Path() string {
	var names []string
	for m := n; m != nil; m = m.Parent {
		names = append([]string{m.Local}, names...)
	}
	if len(names) > 8 {
		return fmt.Sprintf("%s/…/%s", strings.Join(names[:3], "/"), strings.Join(names[len(names)-3:], "/"))
	}
	return strings.Join(names, "/")
}

// equal compares all but attributes with a prefix and comments.
func (n *Node) equal(m *Node) bool {
	if n.Space != m.Space || n.Local != m.Local || !bytes.Equal(n.text, m.text) || len(n.Kids) != len(m.Kids) {
		return false
	}
	count := 0
	for _, a := range n.Attrs {
		if a.Space != "" {
			continue
		}
		if v, ok := m.Attr(a.Local); !ok || v != a.Value {
			return false
		}
		count++
	}
	for _, a := range m.Attrs {
		if a.Space == "" {
			count--
		}
	}
	if count != 0 {
		return false
	}
	for i, k := range n.Kids {
		if !k.equal(m.Kids[i]) {
			return false
		}
	}
	return true
}
