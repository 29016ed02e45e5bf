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
	if !bytes.Equal(x.RawIssuer, x.RawSubject) {
		return signedBySelf(x) // a bit of one of the names may be what was lost
	}
	pub, isRSA := x.PublicKey.(*rsa.PublicKey)
	if isRSA && pub.N.BitLen() < minRSABits {
		return false // cannot be checked
	}
	err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature)
	var insecure x509.InsecureAlgorithmError
	return err != nil && !errors.As(err, &insecure) && !errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// signedBySelf reports whether the RSA signature of x, whose issuer and subject
// differ, was made with the certificate's own key. That is so exactly if it
// decrypts to PKCS#1 padding; for any other key that is as good as impossible.
// Then the names were the same when it was signed.
func signedBySelf(x *x509.Certificate) bool {
	pub, ok := x.PublicKey.(*rsa.PublicKey)
	if !ok || len(x.Signature) != pub.Size() || pub.Size() < 64 || pub.N.Bit(0) == 0 {
		return false
	}
	h := map[x509.SignatureAlgorithm]crypto.Hash{
		x509.SHA1WithRSA: crypto.SHA1, x509.SHA256WithRSA: crypto.SHA256,
		x509.SHA384WithRSA: crypto.SHA384, x509.SHA512WithRSA: crypto.SHA512,
	}[x.SignatureAlgorithm]
	if h == 0 {
		return false
	}
	s := new(big.Int).SetBytes(x.Signature)
	if s.Cmp(pub.N) >= 0 {
		return false
	}
	em := s.Exp(s, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, pub.Size()))
	// 00 01 FF … FF 00, then the DigestInfo: RFC 8017, 9.2.
	pad := len(em) - 3 - 19 - h.Size()
	return pad > 8 && em[0] == 0 && em[1] == 1 && bytes.Count(em[2:2+pad-4], []byte{0xff}) == pad-4
}
