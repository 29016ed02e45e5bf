package certs

import (
	"bytes"
	"crypto/x509"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/internal/xmlscan"
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
// What XML Signature says is right is accepted, with Canonical XML 1.0 and 1.1
// and Exclusive XML Canonicalization 1.0, with RSA and ECDSA. This package's
// own implementation decides, and where goxmldsig is known to be right it must
// agree; where other implementations are known to read a signed document in
// another way, it is refused.
//
// Documents that could be read in two ways are refused: what is not
// well-formed, IDs used twice, document types, comments within text. What is
// returned was read from the bytes that the signature covers, and from nothing
// else.
//
// It needs memory in proportion to the document: about twenty times its size,
// if a trusted key has signed it, and a few times otherwise.
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
	signed, err := verifySignature(doc, keys, o.InsecureAllowSHA1, new(extractor).root)
	if err != nil {
		return nil, err
	}
	if !signed.first {
		return nil, refuse(KindBadSignature, "the Signature is not the first element of the document")
	}
	x := &extractor{signed: true, want: o.EntityID, byID: o.EntityID != ""}
	if signed.tree != nil {
		err = x.walk(signed.tree)
	} else {
		err = x.scan(xmlscan.New(signed.text))
	}
	if err != nil {
		return nil, err
	}
	return x.result()
}

// covered is what a signature covers: as the element that goxmldsig returned, if
// its opinion counts, and in canonical form otherwise. Nothing else is read from a
// signed document.
type covered struct {
	text  []byte
	tree  *etree.Element
	first bool // the Signature is the first child of the root element
}

// verifySignature verifies the enveloped signature of a document, whose root
// element it shows to root, and returns what it covers.
func verifySignature(doc document, keys []*x509.Certificate, sha1 bool, root func(xmlscan.Name, attributes) error) (*covered, error) {
	p, key, err := prove(doc, keys, sha1, root)
	if err != nil {
		return nil, err
	}
	c := &covered{first: p.first}
	if p.g.doubt {
		c.text, err = p.g.text(doc)
		return c, err
	}
	var perr *ParseError
	if c.tree, perr = p.g.secondOpinion(doc, key); perr != nil {
		return nil, perr
	}
	return c, nil
}

// prove is verifySignature by this package alone. It returns the key that has
// signed the document.
func prove(doc document, keys []*x509.Certificate, sha1 bool, root func(xmlscan.Name, attributes) error) (*pass, *x509.Certificate, error) {
	var key *x509.Certificate
	p := &pass{doc: doc, sha1: sha1, root: root}
	p.verify = func(g *signature, info []byte) (perr *ParseError) {
		key, perr = g.verify(info, keys)
		return perr
	}
	if err := p.run(); err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(p.h.Sum(nil), p.g.want) {
		return nil, nil, refuse(KindBadSignature, "the digest is another one: the file was changed after it was signed")
	}
	return p, key, nil
}
