package xmlsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	_ "crypto/sha1" // for those who allow it
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Enveloped is the transform that leaves out the signature itself.
const Enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

// Method knows the signature algorithms: whether they take RSA keys, and their
// hash, which is 0 for those that are not accepted.
func Method(alg string) (rsaKey bool, h crypto.Hash) {
	switch alg {
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256":
		return true, crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":
		return true, crypto.SHA384
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":
		return true, crypto.SHA512
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256":
		return false, crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":
		return false, crypto.SHA384
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":
		return false, crypto.SHA512
	case "http://www.w3.org/2000/09/xmldsig#rsa-sha1":
		return true, crypto.SHA1
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1":
		return false, crypto.SHA1
	}
	return false, 0
}

// Digest returns the hash of a digest algorithm, 0 if it is not accepted.
func Digest(alg string) crypto.Hash {
	switch alg {
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512
	case "http://www.w3.org/2000/09/xmldsig#sha1":
		return crypto.SHA1
	}
	return 0
}

// Sum returns the hash of b.
func Sum(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// ASN1 turns the two numbers side by side of XML signatures into the ASN.1 that
// crypto/ecdsa takes. It returns nil for what is not two numbers of the curve's
// size, such as the ASN.1 that goxmldsig writes: XML Signature does not know it.
func ASN1(value []byte, pub *ecdsa.PublicKey) []byte {
	n := (pub.Curve.Params().BitSize + 7) / 8
	if len(value) != 2*n {
		return nil
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(value[:n]), new(big.Int).SetBytes(value[n:])})
	if err != nil {
		return nil
	}
	return der
}

// Doubtful reports whether goxmldsig gets a token of what is signed wrong.
func Doubtful(s *xmlscan.Scanner, k xmlscan.Kind) bool {
	switch k {
	case xmlscan.Instruction:
		return true // it leaves out those beside the root element
	case xmlscan.Comment:
		return true // in SignedInfo; it takes CRLF in them for two characters
	case xmlscan.Start:
		prefixed := 0
		for i := range s.Attrs {
			a := &s.Attrs[i]
			switch {
			case !a.Plain() && bytes.ContainsAny(a.Raw, "\t\n\r"): // it does not make them spaces
				return true
			case a.Declares():
				if len(a.Raw) == 0 { // it forgets that the default namespace was taken back
					return true
				}
			case len(a.Prefix) > 0:
				prefixed++
			}
		}
		// encoding/xml has the names of an older XML; and it sorts by prefix.
		return !s.ASCII || prefixed > 1
	}
	return false
}

// DoubtfulAncestor does the same for an element around what is signed, which is
// not written, under a canonicalization that is not exclusive.
func DoubtfulAncestor(s *xmlscan.Scanner) bool {
	for i := range s.Attrs {
		if s.Attrs[i].Space == xmlscan.XML { // it does not pass them on
			return true
		}
	}
	return false
}
