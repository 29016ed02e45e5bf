package certs

import (
	"bytes"
	"crypto/x509"
	"math"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
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

// covered is what a signature covers: in canonical form, and as the element that
// goxmldsig returned, if its opinion counts. Nothing else is read from a signed
// document.
type covered struct {
	text  []byte
	tree  *etree.Element
	first bool // the Signature is the first child of the root element
}

// verifySignature verifies the enveloped signature of a document, whose root
// element it shows to root, and returns what it covers.
func verifySignature(doc document, keys []*x509.Certificate, sha1 bool, root func(xmlscan.Name, attributes) error) (*covered, error) {
	v, err := prove(doc, keys, sha1, root)
	if err != nil {
		return nil, err
	}
	if !v.g.doubt {
		var perr *ParseError
		if v.covered.tree, perr = v.g.secondOpinion(doc, v.key); perr != nil {
			return nil, perr
		}
	}
	return v.covered, nil
}

// proof is what this package alone finds of a signature that verifies.
type proof struct {
	g       *signature
	key     *x509.Certificate // has made it
	covered *covered
}

// prove is verifySignature without the second opinion.
func prove(doc document, keys []*x509.Certificate, sha1 bool, root func(xmlscan.Name, attributes) error) (*proof, error) {
	var key *x509.Certificate
	g, perr := findSignature(doc)
	if perr == nil {
		perr = g.check(sha1)
	}
	if perr == nil {
		key, perr = g.verify(doc, keys)
	}
	if perr != nil {
		g = nil
	}
	c, err := scanSigned(doc, g, root)
	switch {
	case err != nil: // says more of a document with both
		return nil, err
	case perr != nil:
		return nil, perr
	case !bytes.Equal(xmlsig.Sum(g.digest, c.text), g.want):
		return nil, refuse(KindBadSignature, "the digest is another one: the file was changed after it was signed")
	}
	return &proof{g, key, c}, nil
}

// scanSigned checks strictly what etree and goxmldsig do not, and that the
// document has one Signature among the children of its root element. If g is
// not nil it returns, in canonical form, what that Signature covers: all but
// itself. Comments are no part of it whatever the method, as a reference to the
// same document leaves them out.
func scanSigned(doc document, g *signature, root func(xmlscan.Name, attributes) error) (*covered, error) {
	s := doc.scanner()
	s.MaxIDs = math.MaxInt // an ID that is not compared could be the signature's
	var w *c14n.Writer
	if g != nil {
		w = c14n.NewWriter(nil, g.by)
		w.Grow(len(doc.text))
	}
	c := new(covered)
	children, signatures, skip := 0, 0, g == nil
	var mixed []mix
	for {
		k, err := s.Next()
		if err != nil {
			return nil, scanError(err)
		}
		switch k {
		case xmlscan.Start:
			switch len(mixed) {
			case 0:
				if err := root(s.Name, s); err != nil {
					return nil, err
				}
			case 1:
				if s.Name.Is(xmlscan.DS, "Signature") {
					signatures++
					c.first = c.first || children == 0
					skip = true
				}
				children++
			}
			for _, b := range s.Declared() {
				if b.URI != "" && !c14n.Absolute(b.URI) {
					return nil, scanError(s.Fail("the namespace %q is no absolute URI: it cannot be signed", text.Printable(b.URI, 100)))
				}
			}
			mixed = append(mixed, mix{})
			// 30 elements to the KiB are twice what real metadata has. More
			// would take more memory than the document promises.
			if s.Elements > 10_000+len(doc.text)/32 {
				return nil, scanError(s.Fail("too many elements for its size"))
			}
			if !skip {
				g.see(s, k)
				w.Start(s)
			}
		case xmlscan.End:
			mixed = mixed[:len(mixed)-1]
			if !skip {
				w.End(s.Name)
			}
			skip = g == nil || skip && len(mixed) > 1
		case xmlscan.Text:
			m := &mixed[len(mixed)-1]
			m.text = m.text || skipSpace(s.Text, 0) < len(s.Text)
			if !skip {
				w.Text(s.Text)
			}
		case xmlscan.Comment:
			if len(mixed) > 0 {
				mixed[len(mixed)-1].comment = true
			}
		case xmlscan.Instruction:
			if !skip && (len(mixed) > 0 || g.whole) {
				g.see(s, k)
				w.Instruction(s.Name.Local, s.Text)
			}
		case xmlscan.EOF:
			switch {
			case signatures == 0:
				return nil, refuse(KindUnsigned, "JumpCloud signs none: to use it, compare its certificate's thumbprint and read it with ParseMetadata")
			case signatures > 1:
				return nil, refuse(KindBadSignature, "the document has more than one Signature")
			case g != nil:
				c.text, err = w.Bytes()
			}
			return c, err
		}
		if n := len(mixed); n > 0 && mixed[n-1].text && mixed[n-1].comment {
			// Some readers stop at the comment: user@example.com<!---->.evil.com
			return nil, scanError(s.Fail("a comment within text: remove it before signing"))
		}
	}
}

// mix is what an open element was seen to contain.
type mix struct{ text, comment bool }
