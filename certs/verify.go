package certs

import (
	"bytes"
	"crypto/x509"
	"math"
	"reflect"

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
	first, err := scanSigned(doc, new(extractor).root)
	if err != nil {
		return nil, err
	}
	if !first {
		return nil, refuse(KindBadSignature, "the Signature is not the first element of the document")
	}
	signed, perr := verifySignature(doc, keys, o.InsecureAllowSHA1)
	if perr != nil {
		return nil, perr
	}
	x := &extractor{signed: true, want: o.EntityID, byID: o.EntityID != ""}
	if err := x.scan(xmlscan.New(signed.text)); err != nil {
		return nil, err
	}
	if signed.tree != nil {
		second := &extractor{want: o.EntityID, byID: o.EntityID != "", signed: true}
		if err := second.walk(signed.tree); err != nil || !reflect.DeepEqual(second.found, x.found) {
			return nil, errDisagree(err)
		}
	}
	return x.result()
}

// covered is what a signature covers: its canonical form, and what goxmldsig
// made of the document, if its opinion counts.
type covered struct {
	text []byte
	tree *etree.Element
}

// verifySignature verifies the signature of a document that scanSigned has
// found to be in order, and returns what it covers.
func verifySignature(doc document, keys []*x509.Certificate, sha1 bool) (*covered, *ParseError) {
	g, perr := findSignature(doc)
	if perr != nil {
		return nil, perr
	}
	if perr := g.check(sha1); perr != nil {
		return nil, perr
	}
	key, perr := g.verify(doc, keys)
	if perr != nil {
		return nil, perr
	}
	text, err := g.canonical(doc)
	if err != nil {
		return nil, refuse(KindBadSignature, "what it signs cannot be canonicalized: %v", err)
	}
	if !bytes.Equal(sumOf(g.digest, text), g.want) {
		return nil, refuse(KindBadSignature, "the digest is another one: the file was changed after it was signed")
	}
	c := &covered{text: text}
	if !g.doubt {
		c.tree, perr = g.secondOpinion(doc, key)
	}
	return c, perr
}

// scanSigned checks strictly what etree and goxmldsig do not, and that the
// document has one Signature among the children of its root element. It reports
// whether that is the first of them. The root element is looked at by root.
func scanSigned(doc document, root func(xmlscan.Name, attributes) error) (first bool, err error) {
	s := doc.scanner()
	s.MaxIDs = math.MaxInt // an ID that is not compared could be the signature's
	var mixed []mix
	children, signatures := 0, 0
	for {
		k, err := s.Next()
		if err != nil {
			return false, scanError(err)
		}
		switch k {
		case xmlscan.Start:
			switch len(mixed) {
			case 0:
				if err := root(s.Name, s); err != nil {
					return false, err
				}
			case 1:
				if s.Name.Is(xmlscan.DS, "Signature") {
					signatures++
					first = first || children == 0
				}
				children++
			}
			mixed = append(mixed, mix{})
			// 30 elements to the KiB are twice what real metadata has. More
			// would take more memory than the document promises.
			if s.Elements > 10_000+len(doc.text)/32 {
				return false, scanError(s.Fail("too many elements for its size"))
			}
		case xmlscan.End:
			mixed = mixed[:len(mixed)-1]
		case xmlscan.Text:
			m := &mixed[len(mixed)-1]
			m.text = m.text || skipSpace(s.Text, 0) < len(s.Text)
		case xmlscan.Comment:
			mixed[len(mixed)-1].comment = true
		case xmlscan.EOF:
			switch {
			case signatures == 0:
				return false, refuse(KindUnsigned, "JumpCloud signs none: to use it, compare its certificate's thumbprint and read it with ParseMetadata")
			case signatures > 1:
				return false, refuse(KindBadSignature, "the document has more than one Signature")
			}
			return first, nil
		}
		if n := len(mixed); n > 0 && mixed[n-1].text && mixed[n-1].comment {
			// Some readers stop at the comment: user@example.com<!---->.evil.com
			return false, scanError(s.Fail("a comment within text: remove it before signing"))
		}
	}
}

// mix is what an open element was seen to contain.
type mix struct{ text, comment bool }
