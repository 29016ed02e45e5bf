package xmlsig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Outcome is what the verification of a signature has shown.
type Outcome struct {
	// Key is the index of the first of the keys that has made the signature, or
	// -1 if none has.
	Key int

	// Covers is the element that the signature covers, without the Signature
	// itself: the one that holds it, or the root for a reference to the whole
	// document. It is nil unless Key is one and the digest is right.
	Covers *Node

	// Disagree is set where this package verifies what goxmldsig does not,
	// although nothing is known that goxmldsig gets wrong about it.
	Disagree error
}

// Verifier verifies signatures of one document.
type Verifier struct {
	doc  *Document
	id   string
	tree *etree.Element // the document as goxmldsig sees it, if all of it was needed
}

// NewVerifier returns a verifier of signatures whose references name the
// attribute id.
func NewVerifier(d *Document, id string) *Verifier { return &Verifier{doc: d, id: id} }

// Verify verifies a signature that Read has found no fault with. The error is
// about a signature that cannot be judged.
//
// This package's own implementation decides, and where goxmldsig is known to be
// right it must agree.
func (v *Verifier) Verify(g *Signature, keys []*x509.Certificate) (Outcome, error) {
	out := Outcome{Key: -1}
	if v.doc.Relative != "" {
		return out, fmt.Errorf("the namespace %.100q is no absolute URI: it cannot be signed", v.doc.Relative)
	}
	info, _, err := v.doc.canonical(g.info, nil, g.infoBy, &g.doubt, false)
	if err != nil {
		return out, err
	}
	if out.Key = g.key(info, keys); out.Key < 0 {
		return out, nil
	}
	// All that was read from SignedInfo before must be in what is signed.
	if d, err := Parse(info, maxInfo); err != nil || !d.Root.equal(g.info) {
		return out, errors.New("the SignedInfo reads differently in canonical form")
	}
	apex := g.Node.Parent
	if g.Whole() {
		apex = v.doc.Root
	}
	by, scope, err := v.doc.canonical(apex, g.Node, g.by, &g.doubt, g.Whole())
	if err != nil {
		return out, err
	}
	if !bytes.Equal(Sum(g.digest, by), g.want) {
		if g.Whole() && g.Node.Parent != apex {
			// Some read it as a reference to the element, and sign that.
			by, _, err = v.doc.canonical(g.Node.Parent, g.Node, g.by, &g.doubt, false)
			if err == nil && bytes.Equal(Sum(g.digest, by), g.want) {
				err = errors.New("its reference is to the whole document, and its digest that of the element alone")
			}
		}
		return out, err
	}
	out.Covers = apex
	// goxmldsig takes a reference to the whole document for one to the element,
	// and does not stop for comments.
	if apex == g.Node.Parent && !g.doubt && !g.by.Comments {
		out.Disagree = v.second(g, scope, keys[out.Key])
	}
	return out, nil
}

// maxInfo is how many elements a SignedInfo has at most. Honest ones have nine.
const maxInfo = 32

// key returns the first of the keys that has signed the SignedInfo.
func (g *Signature) key(info []byte, keys []*x509.Certificate) int {
	sum := Sum(g.hash, info)
	for i, key := range keys {
		switch pub := key.PublicKey.(type) {
		case *rsa.PublicKey:
			if g.keyRSA && rsa.VerifyPKCS1v15(pub, g.hash, sum, g.value) == nil {
				return i
			}
		case *ecdsa.PublicKey:
			if der := ASN1(g.value, pub); !g.keyRSA && der != nil && ecdsa.VerifyASN1(pub, sum, der) {
				return i
			}
		}
	}
	return -1
}

// canonical returns the canonical form of an element, without skip, and the
// namespaces that are declared around it; it notes what goxmldsig gets wrong. Comments
// are no part of it whatever the method: a reference to the same document leaves them
// out, and there are none in a Signature.
func (d *Document) canonical(apex, skip *Node, m c14n.Method, doubt *bool, whole bool) (out []byte, scope []xmlscan.Binding, err error) {
	text, above := d.path(apex)
	s, w := xmlscan.New(text), c14n.NewWriter(nil, m)
	s.MaxIDs = 0
	w.Grow(apex.to - apex.from)
	left := -1 // the number of what is skipped
	if skip != nil {
		left = above + skip.n - apex.n
	}
	depth, off := 0, 0 // of the open elements: in the apex, in what is skipped
	for n := -1; ; {
		k, err := s.Next()
		if err != nil {
			return nil, nil, err // it was read before
		}
		switch k {
		case xmlscan.Start:
			n++
			switch {
			case off > 0 || n == left:
				off++
			case depth > 0 || n == above:
				if depth++; depth == 1 && apex.Parent != nil {
					scope = slices.Clone(s.InScope()[1:]) // the first is that of xml
				}
				*doubt = *doubt || Doubtful(s, k)
				w.Start(s)
			case n < above:
				*doubt = *doubt || !m.Exclusive && DoubtfulAncestor(s)
				w.Ancestor(s)
			}
		case xmlscan.End:
			switch {
			case off > 0:
				off--
			case depth > 0:
				w.End(s.Name)
				if depth--; depth == 0 && !whole {
					out, err = w.Bytes()
					return out, scope, err
				}
			}
		case xmlscan.Text:
			if depth > 0 && off == 0 {
				w.Characters(s)
			}
		case xmlscan.Instruction:
			if off == 0 && (depth > 0 || whole) {
				*doubt = true
				w.Instruction(s.Name.Local, s.Text)
			}
		case xmlscan.EOF:
			out, err = w.Bytes()
			return out, scope, err
		}
	}
}

// path returns the document with nothing before an element but the start tags of those
// around it, and how many these are; nothing is left out before the root.
func (d *Document) path(el *Node) (text []byte, above int) {
	if el.Parent == nil {
		return d.Text, 0
	}
	size := el.to - el.from
	for n := el.Parent; n != nil; n = n.Parent {
		size += n.inside - n.from
		above++
	}
	text = make([]byte, size)
	at := size - copy(text[size-(el.to-el.from):], d.Text[el.from:el.to])
	for n := el.Parent; n != nil; n = n.Parent {
		at -= n.inside - n.from
		copy(text[at:], d.Text[n.from:n.inside])
	}
	return text, above
}

// second asks goxmldsig, which shares no code with this package, down to the
// parser. It is given the element alone, with the namespaces of what is around
// it, as who verifies a part of a document has to do.
func (v *Verifier) second(g *Signature, scope []xmlscan.Binding, key *x509.Certificate) error {
	el, err := v.alone(g, inherited(scope, g.Node.Parent))
	if err != nil {
		return err
	}
	// What is changed for it is outside of the signed bytes: it refuses a KeyInfo
	// whose certificate is missing or not the first, takes no white space in
	// SignatureValue, and ECDSA's numbers in ASN.1 only.
	for _, sig := range el.ChildElements() {
		if sig.Tag != "Signature" || sig.NamespaceURI() != xmlscan.URIDS {
			continue
		}
		for _, c := range sig.ChildElements() {
			switch c.Tag {
			case "KeyInfo":
				sig.RemoveChild(c)
			case "SignatureValue":
				value := g.value
				if pub, ok := key.PublicKey.(*ecdsa.PublicKey); ok {
					value = ASN1(value, pub)
				}
				c.SetText(base64.StdEncoding.EncodeToString(value))
			}
		}
		break
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}})
	ctx.IdAttribute = v.id
	ctx.Clock = dsig.NewFakeClockAt(key.NotBefore) // dates are not judged here
	signed, err := ctx.Validate(el)
	if err == nil && signed == nil {
		err = errors.New("it finds nothing signed")
	}
	return err
}

// inherited returns the namespaces that an element has from what is around it.
func inherited(scope []xmlscan.Binding, el *Node) []xmlscan.Binding {
	if el.Parent == nil {
		return nil
	}
	var out []xmlscan.Binding
	for i, b := range scope[:len(scope)-int(el.declared)] {
		if !slices.ContainsFunc(scope[i+1:], func(c xmlscan.Binding) bool { return c.Prefix == b.Prefix }) {
			out = append(out, b)
		}
	}
	return out
}

// alone returns the element that holds a signature as a document of its own, with
// these namespaces besides its own.
func (v *Verifier) alone(g *Signature, spaces []xmlscan.Binding) (*etree.Element, error) {
	el := g.Node.Parent
	if v.tree != nil && el.Parent != nil {
		found := find(v.tree, el)
		if found == nil {
			return nil, errors.New("the element is not there for the other parser")
		}
		found = found.Copy()
		for _, b := range spaces {
			key := "xmlns"
			if b.Prefix != "" {
				key += ":" + b.Prefix
			}
			found.CreateAttr(key, b.URI)
		}
		return found, nil
	}
	doc := etree.NewDocument()
	// The text is UTF-8, whatever its declaration says.
	doc.ReadSettings.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if err := doc.ReadFromBytes(v.text(g, spaces)); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil {
		return nil, errors.New("it finds no element")
	}
	if el.Parent == nil {
		v.tree = root
	}
	return root, nil
}

// find returns the element in another tree of the same document.
func find(root *etree.Element, n *Node) *etree.Element {
	if n.Parent == nil {
		return root
	}
	in := find(root, n.Parent)
	if in == nil {
		return nil
	}
	kids := in.ChildElements()
	if i := slices.Index(n.Parent.Kids, n); i < len(kids) && kids[i].Tag == n.Local {
		return kids[i]
	}
	return nil
}

// text returns the text of the element that holds a signature, without the
// signature's KeyInfo, and with these namespaces.
func (v *Verifier) text(g *Signature, spaces []xmlscan.Binding) []byte {
	text, el := v.doc.Text, g.Node.Parent
	from, to := el.from, el.to
	if el.Parent == nil {
		from, to = 0, len(text)
	}
	out, at := make([]byte, 0, to-from+len(spaces)*64), from
	if el.Parent != nil {
		at += 1 + xmlscan.ScanName(text[from+1:to])
		out = append(out, text[from:at]...)
	}
	for _, b := range spaces {
		out = append(out, " xmlns"...)
		if b.Prefix != "" {
			out = append(append(out, ':'), b.Prefix...)
		}
		// Absolute URIs have no character that would have to be escaped.
		out = append(append(append(out, `="`...), b.URI...), '"')
	}
	if k := g.keyInfo; k != nil {
		out = append(out, text[at:k.from]...)
		at = k.to
	}
	return append(out, text[at:to]...)
}
