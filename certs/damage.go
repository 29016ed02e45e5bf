package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"math"
)

// What damaged can say.
const (
	damageSignature = "its own signature does not verify"
	damageKey       = "its key is of an algorithm that nobody knows, or not what its algorithm has for a key"
	damageTrailing  = "there are bytes behind its signature"
)

// damaged says what proves that x was changed after it was signed, or "" if
// nothing does. A self-signed certificate is its own checksum: a bit lost in a
// paste shows nowhere else (crypto/x509 reads such a certificate without
// complaint).
//
// It is not damage that another key made the signature, though subject and
// issuer are the same (RFC 5280, 3.2: self-issued, as when a key is rolled
// over), where the certificate shows it: in the key identifiers, or because the
// signature is of a kind or length that its own key cannot make. A bit that is
// lost cannot bring that about. Without such a sign, a self-issued certificate
// is taken for a self-signed one.
//
// CheckSignatureFrom cannot be used: it insists on a CA, and the certificates
// that JumpCloud makes have no basic constraints at all.
func damaged(x *x509.Certificate) string {
	if !threeParts(x.Raw) {
		return damageTrailing
	}
	key, ok := signingKey(x)
	if !ok {
		return damageKey
	}
	sameName := bytes.Equal(x.RawIssuer, x.RawSubject)
	switch verify(x, key, sameName) {
	case sigChanged:
		return damageSignature
	case sigWrong:
		if sameName && !namesAnother(x) || oneNameChanged(x, key) {
			return damageSignature
		}
	}
	return ""
}

// verdict is what a certificate's own key says about its signature.
type verdict int

const (
	sigUnchecked verdict = iota // of another kind than the key makes, or of one that is not known here
	sigRight
	sigWrong   // made by another key; or the key or the signature was changed
	sigChanged // made by this key, but over other bytes
)

// verify checks the signature of x with key, which is the certificate's own. If
// likely is false, the signature is expected to be another key's; that only
// saves time.
func verify(x *x509.Certificate, key crypto.PublicKey, likely bool) verdict {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if n := key.Size() - len(x.Signature); n < -1 || n > 1 {
			// Another key's. One byte is what the first bits of a modulus make.
			return sigUnchecked
		}
		if key.N.BitLen() > maxRSABits {
			return sigUnchecked
		}
		if isPSS(x.SignatureAlgorithm) {
			if key.N.BitLen() < minRSABits || key.E > math.MaxInt32 {
				return sigUnchecked // not by crypto/rsa
			}
			return check(x, key, x.RawTBSCertificate)
		}
		if !isPKCS1(x.SignatureAlgorithm) {
			return sigUnchecked
		}
		if likely && check(x, key, x.RawTBSCertificate) == sigRight {
			return sigRight
		}
		if v := verifyPKCS1(x, key); v != sigUnchecked {
			return v
		}
		return oidChanged(x, key)
	case *ecdsa.PublicKey:
		// SEQUENCE of two INTEGERs below the curve's order; that one of them
		// is eight bytes shorter happens once in 2⁶⁴ times.
		n := (key.Curve.Params().BitSize + 7) / 8
		if !isECDSA(x.SignatureAlgorithm) || len(x.Signature) > 2*n+9 || len(x.Signature) < 2*n-16 {
			return oidChanged(x, key)
		}
		return check(x, key, x.RawTBSCertificate)
	case ed25519.PublicKey:
		if x.SignatureAlgorithm == x509.PureEd25519 {
			return check(x, key, x.RawTBSCertificate)
		}
		return oidChanged(x, key)
	case x25519Key:
		// One character makes an Ed25519 key such a one, which signs nothing.
		tbs := bytes.ReplaceAll(x.RawTBSCertificate, []byte(oidX25519), []byte(oidEd25519))
		if check(x, ed25519.PublicKey(key), tbs) == sigRight {
			return sigChanged
		}
	}
	return sigUnchecked
}

// check verifies the signature of x over tbs with a key that fits it.
func check(x *x509.Certificate, key crypto.PublicKey, tbs []byte) verdict {
	// A copy: CheckSignature takes the key from the certificate, and has none
	// of an algorithm that crypto/x509 does not know.
	y := x509.Certificate{PublicKey: key}
	if y.CheckSignature(x.SignatureAlgorithm, tbs, x.Signature) != nil {
		return sigWrong
	}
	return sigRight
}

// signatureOIDs has the elements of the signature algorithms that one mistake
// can turn into one that nobody knows. For RSA of the old kind, there is
// verifyPKCS1.
var signatureOIDs = [...]struct {
	oid string
	alg x509.SignatureAlgorithm
}{
	{"\x06\x07\x2a\x86\x48\xce\x3d\x04\x01", x509.ECDSAWithSHA1},
	{"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", x509.ECDSAWithSHA256},
	{"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", x509.ECDSAWithSHA384},
	{"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04", x509.ECDSAWithSHA512},
	{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", x509.SHA256WithRSAPSS},
	{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", x509.SHA384WithRSAPSS},
	{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", x509.SHA512WithRSAPSS},
	{oidEd25519, x509.PureEd25519},
}

// oidChanged is sigChanged if the signature of x is right once its algorithm is
// another one of as many bytes. That an unknown algorithm looks like one that is
// known proves nothing: ecdsa-with-SHA224, which crypto/x509 does not know,
// differs from ecdsa-with-SHA256 in one byte.
func oidChanged(x *x509.Certificate, key crypto.PublicKey) verdict {
	cert, _, _ := readElement(x.Raw)
	_, rest, _ := readElement(cert.body)
	alg, _, _ := readElement(rest)
	_, params, _ := readElement(alg.body)
	oid := bytes.TrimSuffix(alg.body, params)
	for _, s := range signatureOIDs {
		if len(s.oid) != len(oid) {
			continue // the lengths around it would be wrong, too
		}
		y := x509.Certificate{SignatureAlgorithm: s.alg, Signature: x.Signature}
		if check(&y, key, bytes.ReplaceAll(x.RawTBSCertificate, oid, []byte(s.oid))) == sigRight {
			return sigChanged
		}
	}
	return sigUnchecked
}

func isPKCS1(alg x509.SignatureAlgorithm) bool {
	switch alg {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA:
		return true
	}
	return alg == x509.UnknownSignatureAlgorithm // perhaps: the signature itself tells
}

func isPSS(alg x509.SignatureAlgorithm) bool {
	switch alg {
	case x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return true
	}
	return false
}

func isECDSA(alg x509.SignatureAlgorithm) bool {
	switch alg {
	case x509.ECDSAWithSHA1, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return true
	}
	return false
}

// namesAnother reports whether the key identifiers of x say that another key
// signed it. Two identifiers of which only a few bytes differ, or of which one
// is the beginning of the other, are of one key: something was changed in one of
// them, or in its length.
func namesAnother(x *x509.Certificate) bool {
	n := min(len(x.AuthorityKeyId), len(x.SubjectKeyId))
	differ := 0
	for i := range n {
		if x.AuthorityKeyId[i] != x.SubjectKeyId[i] {
			differ++
		}
	}
	return differ > n/2
}

// oneNameChanged reports whether the signature of x is that of its own key once
// issuer and subject, of which something was changed in one, are the same again.
func oneNameChanged(x *x509.Certificate, key crypto.PublicKey) bool {
	if len(x.RawIssuer) != len(x.RawSubject) {
		return false // the lengths around them would be wrong, too
	}
	for _, tbs := range [...][]byte{
		bytes.ReplaceAll(x.RawTBSCertificate, x.RawIssuer, x.RawSubject),
		bytes.ReplaceAll(x.RawTBSCertificate, x.RawSubject, x.RawIssuer),
	} {
		if check(x, key, tbs) == sigRight {
			return true
		}
	}
	return false
}
