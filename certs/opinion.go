package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"io"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// The second opinion on a document that this package has verified is
// goxmldsig's. Two implementations that share no code, down to the parser, must
// agree before anything is believed.
//
// It counts wherever goxmldsig is known to be right, which is nearly every
// document. It is not where XML Signature is right and goxmldsig is wrong: that
// can be told from what is signed alone, and is nothing that others can add.

// doubts returns whether goxmldsig gets wrong how the document is signed.
func (g *signature) doubts() bool {
	value := g.info.kids[2].kids[2].text
	return g.assumed || // it would sign the comments
		len(g.infoBy.Prefixes) > 0 || // it does not look at them
		g.by.Prefixes[""] || // it does not know #default
		bytes.ContainsAny(value, " \t") // it takes line ends only
}

// see looks for what goxmldsig gets wrong in a token of what is signed.
func (g *signature) see(s *xmlscan.Scanner, k xmlscan.Kind) {
	g.doubt = g.doubt || xmlsig.Doubtful(s, k)
}

// seeAncestor does the same for an element that holds the SignedInfo.
func (g *signature) seeAncestor(s *xmlscan.Scanner) {
	g.doubt = g.doubt || !g.infoBy.Exclusive && xmlsig.DoubtfulAncestor(s)
}

func errDisagree(err error) *ParseError {
	e := refuse(KindBadSignature, "two implementations of XML Signature do not agree on it: please report the document")
	e.err = err
	return e
}

// secondOpinion returns the root of what goxmldsig finds to be signed by the key.
func (g *signature) secondOpinion(doc document, key *x509.Certificate) (*etree.Element, *ParseError) {
	// What is changed for it is outside of the signed bytes. goxmldsig refuses a
	// KeyInfo whose certificate is missing or not the first; it takes no white
	// space in SignatureValue, and ECDSA's numbers in ASN.1 only; it signs
	// comments.
	text := doc.text
	if k := g.keyInfo; k != nil {
		text = slices.Concat(text[:k.from], text[k.to:])
	}
	root, perr := parseTree(text)
	if perr != nil {
		return nil, errDisagree(perr)
	}
	sig := signatureOf(root)
	for _, el := range sig.ChildElements() {
		if el.Tag == "SignatureValue" {
			value := g.signed
			if pub, ok := key.PublicKey.(*ecdsa.PublicKey); ok {
				value = xmlsig.ASN1(value, pub)
			}
			el.SetText(base64.StdEncoding.EncodeToString(value))
		}
	}
	if g.by.Comments {
		removeComments(root, sig)
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}})
	ctx.Clock = dsig.NewFakeClockAt(key.NotBefore) // dates are not judged here
	signed, err := ctx.Validate(root)
	if err != nil || signed == nil {
		return nil, errDisagree(err)
	}
	return signed, nil
}

func signatureOf(root *etree.Element) *etree.Element {
	for _, el := range root.ChildElements() {
		if el.Tag == "Signature" && el.NamespaceURI() == xmlscan.URIDS {
			return el
		}
	}
	return etree.NewElement("Signature") // does not verify
}

// removeComments removes the comments in el, but for those in keep.
func removeComments(el, keep *etree.Element) {
	kids := el.Child[:0:0]
	for _, c := range el.Child {
		if _, ok := c.(*etree.Comment); ok {
			continue
		}
		if c, ok := c.(*etree.Element); ok && c != keep {
			removeComments(c, keep)
		}
		kids = append(kids, c)
	}
	if len(kids) == len(el.Child) {
		return
	}
	for len(el.Child) > 0 {
		el.RemoveChildAt(len(el.Child) - 1)
	}
	for _, c := range kids {
		el.AddChild(c)
	}
}

// parseTree reads a document that the scanner has found well-formed.
func parseTree(text []byte) (*etree.Element, *ParseError) {
	doc := etree.NewDocument()
	// The text is UTF-8, whatever its declaration says.
	doc.ReadSettings.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, &ParseError{Found: KindMalformedXML, detail: "it cannot be read", err: err}
	}
	if doc.Root() == nil {
		return nil, refuse(KindMalformedXML, "there is no element")
	}
	return doc.Root(), nil
}

// walk feeds the extractor from the tree that goxmldsig returned.
func (x *extractor) walk(el *etree.Element) error {
	at := treeAttributes{el}
	space, ok := xmlscan.KnownSpace(el.NamespaceURI())
	if !ok {
		space = xmlscan.Other
	}
	if err := x.start(xmlscan.Name{Space: space, Local: []byte(el.Tag)}, at); err != nil {
		return err
	}
	children := el.Child
	if x.states[len(x.states)-1] == inNothing {
		children = nil // nothing below counts
	}
	for _, c := range children {
		switch c := c.(type) {
		case *etree.Element:
			if err := x.walk(c); err != nil {
				return err
			}
		case *etree.CharData:
			x.data([]byte(c.Data))
		}
	}
	x.end()
	return nil
}

type treeAttributes struct{ el *etree.Element }

func (t treeAttributes) Attr(local string) (string, bool) { return plainAttr(t.el, local) }
func (t treeAttributes) Here() (line, col int)            { return 0, 0 }

// plainAttr returns an attribute without a prefix. SelectAttr takes any prefix.
func plainAttr(el *etree.Element, key string) (string, bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}
