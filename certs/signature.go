package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// signature is the enveloped signature of a document's root element.
type signature struct {
	info, value *node
	keyInfo     *node  // or nil
	from, to    int    // where it is in the document, without what is empty before it
	id          string // of the root element
	prefixedID  bool   // the root element has an ID with a prefix

	// Set by check.
	method  string
	keyRSA  bool        // the method's keys are RSA's, not ECDSA's
	hash    crypto.Hash // of the method
	infoBy  c14n.Method // how SignedInfo is canonicalized
	whole   bool        // the reference is to the document, not to the root element
	by      c14n.Method // how what is referred to is canonicalized
	digest  crypto.Hash
	want    []byte // the digest
	assumed bool   // no transform says how: it is the default

	signed []byte // the signature's value

	doubt bool // goxmldsig may be wrong about it
}

const uriExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

// xpointer are characters that no ID has, and with which a reference is not to
// an ID but an XPointer, for some: #xpointer(/).
const xpointer = "()[]{}'\"^#<> \t\r\n"

// ofRoot notes what a reference is held against, of the root element's start tag.
func (g *signature) ofRoot(s *xmlscan.Scanner) {
	g.id, _ = s.Attr("ID")
	for i := range s.Attrs {
		g.prefixedID = g.prefixedID || len(s.Attrs[i].Prefix) > 0 && string(s.Attrs[i].Local) == "ID"
	}
}

// shape finds the parts of a Signature.
func (g *signature) shape(n *node) *ParseError {
	for _, el := range n.kids {
		if el.space != xmlscan.URIDS {
			return refuse(KindBadSignature, "the Signature holds an element that does not belong")
		}
	}
	kids, tags := n.kids, []string{"SignedInfo", "SignatureValue"}
	if len(kids) == 3 {
		tags = append(tags, "KeyInfo") // outside of what is signed: it says nothing that is trusted
	}
	if len(kids) < 2 || !slices.EqualFunc(kids, tags, func(k *node, tag string) bool { return k.tag == tag }) {
		return refuse(KindBadSignature, "the Signature does not consist of one SignedInfo, one SignatureValue, and at most one KeyInfo")
	}
	g.info, g.value = kids[0], kids[1]
	if len(kids) == 3 {
		g.keyInfo = kids[2]
	}
	return nil
}

// check looks at what the signature claims to sign, and how.
func (g *signature) check(sha1 bool) *ParseError {
	var parts [3]*node
	if err := g.info.parts(parts[:], "CanonicalizationMethod", "SignatureMethod", "Reference"); err != nil {
		return err
	}
	by, method, ref := parts[0], parts[1], parts[2]
	var ok bool
	if g.infoBy, ok = canonicalization(by); !ok {
		return refuse(KindBadSignature, "its canonicalization %q is not known", text.Printable(by.attr("Algorithm"), 100))
	}
	g.method = method.attr("Algorithm")
	if g.keyRSA, g.hash = xmlsig.Method(g.method); g.hash == 0 || len(method.kids) > 0 {
		return refuse(KindBadSignature, "its algorithm %q is not accepted: sign with rsa-sha256", text.Printable(g.method, 100))
	}
	uri, ok := ref.find("URI")
	switch {
	case g.prefixedID:
		return refuse(KindBadSignature, "the root element has an ID with a prefix")
	case !ok || uri != "" && (g.id == "" || uri != "#"+g.id):
		return refuse(KindBadSignature, "it signs another element than the root")
	case strings.ContainsAny(uri[min(1, len(uri)):], xpointer):
		return refuse(KindBadSignature, "the root element's ID is no name: %q", text.Printable(g.id, 60))
	}
	g.whole = uri == ""
	if err := ref.parts(parts[:], "Transforms", "DigestMethod", "DigestValue"); err != nil {
		return err
	}
	list, digest, value := parts[0], parts[1], parts[2]
	alg := digest.attr("Algorithm")
	if g.digest = xmlsig.Digest(alg); g.digest == 0 || len(digest.kids) > 0 {
		return refuse(KindBadSignature, "its digest %q is not accepted: use sha256", text.Printable(alg, 100))
	}
	if (g.hash == crypto.SHA1 || g.digest == crypto.SHA1) && !sha1 {
		return refuse(KindWeakSignature, "have it signed with SHA-256, or accept the risk with VerifyOptions.InsecureAllowSHA1")
	}
	if g.want, ok = value.base64(); !ok {
		return refuse(KindBadSignature, "its DigestValue is not base64")
	}
	return g.transforms(list)
}

// transforms reads what was done to the document before it was digested.
func (g *signature) transforms(list *node) *ParseError {
	enveloped, canonical := 0, 0
	for _, t := range list.kids {
		alg := t.attr("Algorithm")
		by, known := canonicalization(t)
		switch {
		case t.tag != "Transform" || t.space != xmlscan.URIDS:
			return refuse(KindBadSignature, "its Transforms hold something else")
		case alg == xmlsig.Enveloped && canonical == 0 && len(t.kids) == 0:
			enveloped++
		case known:
			g.by = by
			canonical++
		default:
			return refuse(KindBadSignature, "its transform %q is not accepted", text.Printable(alg, 100))
		}
	}
	if enveloped != 1 || canonical > 1 || list.mixed() {
		return refuse(KindBadSignature, "its transforms are not enveloped-signature and one canonicalization")
	}
	// What XML Signature takes for granted where octets are needed and none of
	// the transforms has made them: Canonical XML 1.0 without comments.
	g.assumed = canonical == 0
	g.doubt = g.doubts()
	return nil
}

// canonicalization reads a CanonicalizationMethod or Transform.
func canonicalization(n *node) (c14n.Method, bool) {
	m, ok := c14n.Find(n.attr("Algorithm"))
	if !ok || len(n.kids) == 0 {
		return m, ok && !n.mixed()
	}
	list := n.kids[0]
	v, given := list.find("PrefixList")
	if !m.Exclusive || !given || len(n.kids) > 1 || len(list.kids) > 0 {
		return m, false
	}
	return m, list.space == uriExclusive && list.tag == "InclusiveNamespaces" && m.PrefixList(v)
}

// write writes a token of what is signed. Comments are no part of it whatever the
// method, as a reference to the same document leaves them out.
func (g *signature) write(w *c14n.Writer, s *xmlscan.Scanner, k xmlscan.Kind, inside bool) {
	switch k {
	case xmlscan.Start:
		g.see(s, k)
		w.Start(s)
	case xmlscan.End:
		w.End(s.Name)
	case xmlscan.Text:
		w.Characters(s)
	case xmlscan.Instruction:
		if inside || g.whole {
			g.see(s, k)
			w.Instruction(s.Name.Local, s.Text)
		}
	}
}

// again writes what is signed of the document's beginning, which was read before.
func (g *signature) again(doc document, end int, w *c14n.Writer) error {
	s := doc.scanner()
	s.MaxIDs = 0
	for depth := 0; ; {
		k, err := s.Next()
		if err != nil {
			return err
		}
		at := s.Pos() // behind the token
		switch {
		case k == xmlscan.EOF || at > end:
			return nil
		case k == xmlscan.Start:
			depth++
		case k == xmlscan.End:
			depth--
		}
		if at <= g.from || at > g.to {
			g.write(w, s, k, depth > 0)
		}
	}
}

// text returns what is signed in canonical form, if it is still what it was.
func (g *signature) text(doc document) ([]byte, error) {
	w := c14n.NewWriter(nil, g.by)
	w.Grow(len(doc.text))
	if err := g.again(doc, len(doc.text), w); err != nil {
		return nil, err
	}
	b, err := w.Bytes()
	if err == nil && !bytes.Equal(xmlsig.Sum(g.digest, b), g.want) {
		err = refuse(KindBadSignature, "it reads differently the second time")
	}
	return b, err
}

// canonicalInfo returns the canonical form of the SignedInfo, which is what the
// key has signed.
func (g *signature) canonicalInfo(doc document) ([]byte, error) {
	s, w := doc.scanner(), c14n.NewWriter(nil, g.infoBy)
	s.MaxIDs = 0
	w.Grow(g.info.to - g.info.from + 1<<8)
	for depth := 0; ; {
		k, err := s.Next()
		if err != nil {
			return nil, err
		}
		at := s.Pos() // behind the token
		write := at > g.info.from
		switch k {
		case xmlscan.Start:
			depth++
			switch {
			case write:
				g.see(s, k)
				w.Start(s)
			case depth == 1 || at > g.from:
				g.seeAncestor(s)
				w.Ancestor(s)
			}
		case xmlscan.End:
			depth--
			if write {
				w.End(s.Name)
				if at == g.info.to {
					return w.Bytes()
				}
			}
		case xmlscan.Text:
			if write {
				w.Characters(s)
			}
		case xmlscan.Comment:
			if write && g.infoBy.Comments {
				g.see(s, k)
				w.Comment(s.Text)
			}
		case xmlscan.Instruction:
			if write {
				g.see(s, k)
				w.Instruction(s.Name.Local, s.Text)
			}
		case xmlscan.EOF:
			return nil, io.ErrUnexpectedEOF // it was seen before
		}
	}
}

// verify finds the key that has signed the SignedInfo, which is in canonical form.
func (g *signature) verify(info []byte, keys []*x509.Certificate) (*x509.Certificate, *ParseError) {
	sum := xmlsig.Sum(g.hash, info)
	var cause, err error
	for _, key := range keys {
		switch pub := key.PublicKey.(type) {
		case *rsa.PublicKey:
			if !g.keyRSA {
				continue
			}
			err = rsa.VerifyPKCS1v15(pub, g.hash, sum, g.signed)
		case *ecdsa.PublicKey:
			if g.keyRSA {
				continue
			}
			err = nil
			if der := xmlsig.ASN1(g.signed, pub); der == nil || !ecdsa.VerifyASN1(pub, sum, der) {
				err = errors.New("the signature does not verify")
			}
		default:
			continue
		}
		if err == nil {
			if perr := g.sameInfo(info); perr != nil {
				return nil, perr
			}
			return key, nil
		}
		if cause == nil || errors.Is(cause, rsa.ErrVerification) {
			cause = err
		}
	}
	e := refuse(KindBadSignature,
		"it does not verify with any of the trusted certificates: find out the signer's, and whether the file was changed")
	for _, key := range keys[:min(len(keys), maxListed)] {
		e.Subjects = append(e.Subjects, subject(key)+" "+thumbprint(key.Raw))
	}
	e.err = cause
	return nil, e
}

// sameInfo makes sure that all that was read from SignedInfo before is in what is
// signed.
func (g *signature) sameInfo(info []byte) *ParseError {
	s := xmlscan.New(info)
	if _, err := s.Next(); err != nil {
		return refuse(KindBadSignature, "its SignedInfo cannot be read in canonical form: %v", err)
	}
	if n, perr, err := readNode(s, s.Next); perr != nil || err != nil || !n.equal(g.info) {
		return refuse(KindBadSignature, "its SignedInfo reads differently in canonical form")
	}
	return nil
}
