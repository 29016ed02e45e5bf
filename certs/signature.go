package certs

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/certs/internal/xmlscan"
)

// signature is the enveloped signature of a document's root element.
type signature struct {
	el, info, value *etree.Element
	index           int // among the root's child elements
	method          string
}

const (
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algSHA1      = "http://www.w3.org/2000/09/xmldsig#sha1"
)

// signatureMethod knows the signature algorithms that are accepted: whether
// they take RSA keys, and whether they are SHA-1's and need the option.
func signatureMethod(alg string) (rsaKey, sha1, ok bool) {
	switch alg {
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":
		return true, false, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":
		return false, false, true
	case "http://www.w3.org/2000/09/xmldsig#rsa-sha1":
		return true, true, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1":
		return false, true, true
	}
	return false, false, false
}

func strongDigest(alg string) bool {
	switch alg {
	case "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512":
		return true
	}
	return false
}

func canonicalization(alg string) bool {
	switch alg {
	case "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
		"http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2006/12/xml-c14n11#WithComments":
		return true
	}
	return false
}

// findSignature finds the signature among the root's children. goxmldsig would
// take any, at any depth, whose reference names the root.
func findSignature(root *etree.Element) (*signature, *ParseError) {
	var found *etree.Element
	index := 0
	for i, el := range root.ChildElements() {
		if el.Tag != "Signature" || el.NamespaceURI() != xmlscan.URIDS {
			continue
		}
		if found != nil {
			return nil, refuse(KindBadSignature, "the document has more than one Signature")
		}
		found, index = el, i
	}
	if found == nil {
		return nil, refuse(KindUnsigned, "JumpCloud signs none: to use it, compare its certificate's thumbprint and read it with ParseMetadata")
	}
	s := &signature{el: found, index: index}
	var keyInfo []*etree.Element
	for _, el := range found.ChildElements() {
		if el.NamespaceURI() != xmlscan.URIDS {
			return nil, refuse(KindBadSignature, "the Signature holds an element that does not belong")
		}
		switch {
		case el.Tag == "SignedInfo" && s.info == nil:
			s.info = el
		case el.Tag == "SignatureValue" && s.value == nil && s.info != nil:
			s.value = el
		case el.Tag == "KeyInfo" && len(keyInfo) == 0 && s.value != nil:
			keyInfo = append(keyInfo, el)
		default:
			return nil, refuse(KindBadSignature, "the Signature does not consist of one SignedInfo, one SignatureValue, and at most one KeyInfo")
		}
	}
	if s.info == nil || s.value == nil {
		return nil, refuse(KindBadSignature, "the Signature has no SignedInfo or no SignatureValue")
	}
	// KeyInfo is outside of what is signed and says nothing that is trusted.
	// goxmldsig refuses what it could do without: certificates missing, or not
	// first.
	for _, el := range keyInfo {
		found.RemoveChild(el)
	}
	return s, nil
}

// child returns the only child element with the tag.
func child(el *etree.Element, tag string) (*etree.Element, *ParseError) {
	var found *etree.Element
	for _, c := range el.ChildElements() {
		if c.Tag != tag || c.NamespaceURI() != xmlscan.URIDS {
			continue
		}
		if found != nil {
			return nil, refuse(KindBadSignature, "its %s has more than one %s", el.Tag, tag)
		}
		found = c
	}
	if found == nil {
		return nil, refuse(KindBadSignature, "its %s has no %s", el.Tag, tag)
	}
	return found, nil
}

// plainAttr returns an attribute without a prefix. SelectAttr takes any prefix.
func plainAttr(el *etree.Element, key string) (string, bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}

// check looks at what the signature claims to sign, and how.
func (s *signature) check(root *etree.Element, sha1 bool) *ParseError {
	c14n, err := child(s.info, "CanonicalizationMethod")
	if err != nil {
		return err
	}
	if alg, _ := plainAttr(c14n, "Algorithm"); !canonicalization(alg) {
		return refuse(KindBadSignature, "its canonicalization %q is not known", printable(alg, 100))
	}
	method, err := child(s.info, "SignatureMethod")
	if err != nil {
		return err
	}
	s.method, _ = plainAttr(method, "Algorithm")
	_, weak, ok := signatureMethod(s.method)
	if !ok {
		return refuse(KindBadSignature, "its algorithm %q is not accepted: sign with rsa-sha256", printable(s.method, 100))
	}
	ref, err := child(s.info, "Reference")
	if err != nil {
		return err
	}
	uri, _ := plainAttr(ref, "URI")
	id, _ := plainAttr(root, "ID")
	for _, a := range root.Attr {
		if a.Space != "" && a.Key == "ID" {
			return refuse(KindBadSignature, "the root element has an ID with a prefix")
		}
	}
	if uri != "" && (id == "" || uri != "#"+id) {
		return refuse(KindBadSignature, "it signs another element than the root")
	}
	digest, err := child(ref, "DigestMethod")
	if err != nil {
		return err
	}
	if alg, _ := plainAttr(digest, "Algorithm"); !strongDigest(alg) {
		if alg != algSHA1 {
			return refuse(KindBadSignature, "its digest %q is not accepted: use sha256", printable(alg, 100))
		}
		weak = true
	}
	if weak && !sha1 {
		return refuse(KindWeakSignature, "have it signed with SHA-256, or accept the risk with VerifyOptions.InsecureAllowSHA1")
	}
	if _, err := child(ref, "DigestValue"); err != nil {
		return err
	}
	list, err := child(ref, "Transforms")
	if err != nil {
		return err
	}
	enveloped, canonical := 0, 0
	for _, t := range list.ChildElements() {
		alg, _ := plainAttr(t, "Algorithm")
		switch {
		case t.Tag != "Transform" || t.NamespaceURI() != xmlscan.URIDS:
			return refuse(KindBadSignature, "its Transforms hold something else")
		case alg == algEnveloped && canonical == 0:
			enveloped++
		case canonicalization(alg):
			canonical++
		default:
			return refuse(KindBadSignature, "its transform %q is not accepted", printable(alg, 100))
		}
	}
	if enveloped != 1 || canonical != 1 {
		return refuse(KindBadSignature, "its transforms are not enveloped-signature and one canonicalization")
	}
	return nil
}

// verify tries each key and returns the root of what the signature covers.
func (s *signature) verify(root *etree.Element, keys []*x509.Certificate, sha1 bool) (*etree.Element, *ParseError) {
	if err := s.check(root, sha1); err != nil {
		return nil, err
	}
	isRSA, _, _ := signatureMethod(s.method)
	text := strings.Map(func(r rune) rune {
		if r < 0x80 && isSpace(byte(r)) {
			return -1 // not signed, and often folded; goxmldsig takes none
		}
		return r
	}, s.value.Text())
	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(s.value.ChildElements()) > 0 {
		return nil, refuse(KindBadSignature, "its SignatureValue is not base64")
	}
	var cause error
	tried := make([]string, 0, len(keys))
	for _, key := range keys {
		if len(tried) < maxListed {
			tried = append(tried, subject(key)+" "+thumbprint(key.Raw))
		}
		switch pub := key.PublicKey.(type) {
		case *rsa.PublicKey:
			if !isRSA {
				continue
			}
			s.value.SetText(text)
		case *ecdsa.PublicKey:
			if isRSA {
				continue
			}
			s.value.SetText(base64.StdEncoding.EncodeToString(asn1Signature(value, pub)))
		default:
			continue
		}
		ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}})
		ctx.Clock = dsig.NewFakeClockAt(key.NotBefore) // dates are not judged here
		signed, err := ctx.Validate(root)
		if err == nil && signed != nil {
			return signed, nil
		}
		if cause == nil || errors.Is(cause, rsa.ErrVerification) {
			cause = err
		}
	}
	e := refuse(KindBadSignature, "it does not verify with any of the trusted certificates: find out the signer's, and whether the file was changed")
	e.Subjects, e.err = tried, cause
	return nil, e
}

// asn1Signature turns the two numbers side by side of XML signatures into the
// ASN.1 that crypto/x509 takes. Other values are left alone: goxmldsig itself
// writes ASN.1.
func asn1Signature(value []byte, pub *ecdsa.PublicKey) []byte {
	n := (pub.Curve.Params().BitSize + 7) / 8
	if len(value) != 2*n {
		return value
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(value[:n]), new(big.Int).SetBytes(value[n:])})
	if err != nil {
		return value
	}
	return der
}
