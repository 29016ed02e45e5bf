package certs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
)

// minRSABits is the length below which crypto/rsa does not verify.
const minRSABits = 1024

// maxRSABits is the length above which nothing is verified: the work grows with
// its square. It is OpenSSL's limit, too.
const maxRSABits = 16384

// verifyPKCS1 checks an RSA signature of the old kind (RFC 8017, 8.2) with any
// key, also those that crypto/rsa does not take: short ones, and exponents that
// are even, 1, or of more than 31 bits. It tells, too, whether the key made the
// signature, whatever was signed: that is so exactly if it decrypts to the
// padding, which for any other key is as good as impossible.
func verifyPKCS1(x *x509.Certificate, key *rsa.PublicKey) verdict {
	unopened := sigWrong
	if x.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		unopened = sigUnchecked
	}
	s := new(big.Int).SetBytes(x.Signature)
	if s.Cmp(key.N) >= 0 {
		return unopened
	}
	em := s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
	// 00 01, at least eight FF, 00, DigestInfo: RFC 8017, 9.2.
	padded, begins := bytes.CutPrefix(em, []byte("\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"))
	info, ends := bytes.CutPrefix(bytes.TrimLeft(padded, "\xff"), []byte{0})
	if !begins || !ends {
		return unopened
	}
	hash, sum := digestInfo(info)
	if !hash.Available() {
		return sigUnchecked
	}
	h := hash.New()
	h.Write(x.RawTBSCertificate)
	if !bytes.Equal(h.Sum(nil), sum) {
		return sigChanged
	}
	return sigRight
}

// digestInfo reads what was signed:
//
//	DigestInfo ::= SEQUENCE { SEQUENCE { OID, NULL or nothing }, OCTET STRING }
//
// The hash is 0 if it is not known here; MD5 is not, nor MD2.
func digestInfo(b []byte) (hash crypto.Hash, sum []byte) {
	info, _, _ := readElement(b)
	alg, rest, _ := readElement(info.body)
	oid, _, _ := readElement(alg.body)
	octets, _, _ := readElement(rest)
	if info.tag != tagSequence || alg.tag != tagSequence || oid.tag != tagOID || octets.tag != tagOctets {
		return
	}
	switch string(oid.body) {
	case "\x2b\x0e\x03\x02\x1a": // 1.3.14.3.2.26
		hash = crypto.SHA1
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x01": // 2.16.840.1.101.3.4.2.1 and on
		hash = crypto.SHA256
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x02":
		hash = crypto.SHA384
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x03":
		hash = crypto.SHA512
	case "\x60\x86\x48\x01\x65\x03\x04\x02\x04":
		hash = crypto.SHA224
	}
	return hash, octets.body
}
