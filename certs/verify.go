package certs

import (
	"crypto/x509"
	"io"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/certs/internal/xmlscan"
)

// VerifyOptions tune [VerifyMetadataWith]. The zero value of every field is its
// default.
type VerifyOptions struct {
	// EntityID chooses one identity provider of a signed aggregate, as in
	// [ParseMetadataFor]. The default takes the only one there is.
	EntityID string

	// InsecureAllowSHA1 accepts signatures and digests with SHA-1. Collisions
	// of SHA-1 are affordable: who can get one document signed can prepare
	// another one with the same signature.
	InsecureAllowSHA1 bool
}

// VerifyMetadata reads the metadata of one identity provider as
// [ParseMetadata] does, and returns only what one of the trusted certificates'
// keys has signed.
//
// The whole document must be signed, by an enveloped signature that is the
// first child of the root element and refers to it. What KeyInfo says about the
// signer counts for nothing: the signature must verify with a trusted key, and
// each is tried. No chain is built, and the dates of the trusted certificates
// are not looked at, nor is ValidUntil: see [Cert.Check]. SHA-1 is refused; see
// [VerifyOptions].
//
// Documents that could be read in two ways are refused before any cryptography:
// what is not well-formed, IDs used twice, document types, comments within
// text. What is returned was read from the bytes that the signature covers.
//
// It needs memory in proportion to the document, about twenty times its size.
func VerifyMetadata(b []byte, trusted ...Cert) (*Metadata, error) {
	return VerifyMetadataWith(b, trusted, nil)
}

// VerifyMetadataWith is [VerifyMetadata] with options. A nil opts means the
// defaults.
func VerifyMetadataWith(b []byte, trusted []Cert, opts *VerifyOptions) (*Metadata, error) {
	var o VerifyOptions
	if opts != nil {
		o = *opts
	}
	keys := make([]*x509.Certificate, 0, len(trusted))
	for _, c := range trusted {
		if x := c.X509(); x != nil {
			keys = append(keys, x)
		}
	}
	if len(keys) == 0 {
		return nil, refuse(KindBadSignature, "no trusted certificate was given to verify it with")
	}
	doc, perr := openMetadata(b)
	if perr != nil {
		return nil, perr
	}
	if err := scanSigned(doc); err != nil {
		return nil, err
	}
	root, perr := parseTree(doc.text)
	if perr != nil {
		return nil, perr
	}
	sig, perr := findSignature(root)
	if perr != nil {
		return nil, perr
	}
	if sig.index > 0 {
		return nil, refuse(KindBadSignature, "the Signature is not the first element of the document")
	}
	signed, perr := sig.verify(root, keys, o.InsecureAllowSHA1)
	if perr != nil {
		return nil, perr
	}
	x := &extractor{signed: true, want: o.EntityID, byID: o.EntityID != ""}
	if err := x.walk(signed); err != nil {
		return nil, err
	}
	return x.result()
}

// scanSigned checks strictly what etree and goxmldsig do not.
func scanSigned(doc document) error {
	s := xmlscan.New(doc.text)
	s.UTF16 = doc.utf16
	var mixed []mix
	for {
		k, err := s.Next()
		if err != nil {
			return scanError(err)
		}
		switch k {
		case xmlscan.Start:
			if len(mixed) == 0 {
				if err := new(extractor).root(s.Name, s); err != nil {
					return err
				}
			}
			mixed = append(mixed, mix{})
			// 30 elements to the KiB are twice what real metadata has. More
			// would take more memory than the document promises.
			if s.Elements > 10_000+len(doc.text)/32 {
				return scanError(s.Fail("too many elements for its size"))
			}
		case xmlscan.End:
			mixed = mixed[:len(mixed)-1]
		case xmlscan.Text:
			m := &mixed[len(mixed)-1]
			m.text = m.text || skipSpace(s.Text, 0) < len(s.Text)
		case xmlscan.Comment:
			mixed[len(mixed)-1].comment = true
		case xmlscan.EOF:
			return nil
		}
		if n := len(mixed); n > 0 && mixed[n-1].text && mixed[n-1].comment {
			// Some readers stop at the comment: user@example.com<!---->.evil.com
			return scanError(s.Fail("a comment within text: remove it before signing"))
		}
	}
}

// mix is what an open element was seen to contain.
type mix struct{ text, comment bool }

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
		case *etree.Comment:
			x.comment()
		}
	}
	x.end()
	return nil
}

type treeAttributes struct{ el *etree.Element }

func (t treeAttributes) Attr(local string) (string, bool) { return plainAttr(t.el, local) }
func (t treeAttributes) Here() (line, col int)            { return 0, 0 }
