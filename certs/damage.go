package certs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
)

// minRSABits is the length below which crypto/rsa does not verify.
const minRSABits = 1024

// damaged reports whether x carries the proof that it was changed after it was
// signed. A self-signed certificate is its own checksum: a bit lost in a paste
// shows nowhere else (crypto/x509 reads such a certificate without complaint).
//
// CheckSignatureFrom cannot be used: it insists on a CA, and the certificates
// that JumpCloud makes have no basic constraints at all.
func damaged(x *x509.Certificate) bool {
	pub, isRSA := x.PublicKey.(*rsa.PublicKey)
	if isRSA && pub.N.BitLen() < minRSABits {
		return false // cannot be checked
	}
	selfIssued := bytes.Equal(x.RawIssuer, x.RawSubject)
	switch pkcs1Hash(x.SignatureAlgorithm) {
	case 0:
		if !selfIssued {
			return false // whose signature it is cannot be known
		}
	default:
		if !isRSA {
			return false // signed by another key of the same name, or not checkable
		}
		if !selfIssued && !signedBySelf(x, pub) {
			return false
		}
	}
	err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature)
	var insecure x509.InsecureAlgorithmError
	return err != nil && !errors.As(err, &insecure) && !errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// pkcs1Hash returns the hash of RSA signatures of the old kind, or 0.
func pkcs1Hash(alg x509.SignatureAlgorithm) crypto.Hash {
	switch alg {
	case x509.SHA1WithRSA:
		return crypto.SHA1
	case x509.SHA256WithRSA:
		return crypto.SHA256
	case x509.SHA384WithRSA:
		return crypto.SHA384
	case x509.SHA512WithRSA:
		return crypto.SHA512
	}
	return 0
}

// signedBySelf reports whether the RSA signature of x, whose issuer and subject
// differ, was made with the certificate's own key. That is so exactly if it
// decrypts to PKCS#1 padding; for any other key that is as good as impossible.
// If it does not verify nevertheless, something was changed: perhaps a bit of
// one of the names.
func signedBySelf(x *x509.Certificate, pub *rsa.PublicKey) bool {
	if len(x.Signature) != pub.Size() || pub.N.Bit(0) == 0 {
		return false
	}
	s := new(big.Int).SetBytes(x.Signature)
	if s.Cmp(pub.N) >= 0 {
		return false
	}
	em := s.Exp(s, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, pub.Size()))
	// 00 01 FF … FF 00, then the DigestInfo of at most 19 bytes before the
	// hash: RFC 8017, 9.2.
	pad := len(em) - 3 - 19 - pkcs1Hash(x.SignatureAlgorithm).Size()
	return pad > 0 && em[0] == 0 && em[1] == 1 && bytes.Count(em[2:2+pad], []byte{0xff}) == pad
}
