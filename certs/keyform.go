package certs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"
)

// signingKey returns the key of x, with which its own signature may be checked,
// or nil for one of a known algorithm whose signatures are not checked. It is
// not ok if nobody knows the algorithm, or the key is none of that algorithm.
func signingKey(x *x509.Certificate) (key crypto.PublicKey, ok bool) {
	id, params, b, whole := splitKey(x.RawSubjectPublicKeyInfo)
	_, isRSA := x.PublicKey.(*rsa.PublicKey)
	switch form := keyForms[id]; {
	case form != nil && whole:
		return form(params, b)
	case form != nil:
		return nil, false
	case isRSA && whole:
		// crypto/x509 does not mind what stands behind the exponent.
		_, ok := rsaKey(b)
		return x.PublicKey, ok
	case isRSA || x.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm:
		return nil, false
	}
	return x.PublicKey, true
}

// brokenKey reports whether what crypto/x509 does not read has a key that is none of its
// algorithm's. Newer versions of it read more algorithms, and refuse such a certificate.
func brokenKey(der []byte) bool {
	cert, _, _ := readElement(der)
	tbs, _, _ := readElement(cert.body)
	e, rest, ok := readElement(tbs.body)
	if ok && e.tag == tagContext0 {
		_, rest, ok = readElement(rest)
	}
	for range 4 { // algorithm, issuer, validity, subject
		if ok {
			_, rest, ok = readElement(rest)
		}
	}
	if !ok {
		return false
	}
	id, params, b, whole := splitKey(rest)
	form := keyForms[id]
	if form == nil {
		return false
	}
	_, ok = form(params, b)
	return !whole || !ok
}

// splitKey takes SubjectPublicKeyInfo apart. The key is whole if it is of whole bytes, as
// all of them are.
func splitKey(spki []byte) (id string, params, key []byte, whole bool) {
	info, _, _ := readElement(spki)
	alg, rest, _ := readElement(info.body)
	bits, _, _ := readElement(rest)
	key, whole = bytes.CutPrefix(bits.body, []byte{0})
	var oid asn1.ObjectIdentifier
	params, err := asn1.Unmarshal(alg.body, &oid)
	if err != nil {
		return "", nil, nil, false
	}
	return oid.String(), params, key, whole
}

// keyForm reads a key of an algorithm that crypto/x509 does not know, or did not in Go 1.25. It is not ok if
// parameters and key are not what the algorithm has.
type keyForm func(params, key []byte) (pub crypto.PublicKey, ok bool)

// keyForms has the key algorithms that certificates are made for, beside those
// of crypto/x509. One changed bit can turn an algorithm into another one that
// is here, such as RSA into RSASSA-PSS or Diffie-Hellman: so the form counts.
var keyForms = map[string]keyForm{
	"1.2.840.113549.1.1.7":       rsaForm,                              // RSAES-OAEP, RFC 4055
	"1.2.840.113549.1.1.10":      rsaForm,                              // RSASSA-PSS
	"2.5.8.1.1":                  oldRSAForm,                           // RSA of X.509 itself
	"1.2.840.113549.1.3.1":       taggedForm(tagSequence, tagInteger),  // Diffie-Hellman, PKCS #3
	"1.2.840.10046.2.1":          taggedForm(tagSequence, tagInteger),  // Diffie-Hellman, X9.42
	"1.3.14.3.2.12":              taggedForm(tagSequence, tagInteger),  // DSA of OIW
	"1.3.132.1.12":               taggedForm(tagOID, 0x02, 0x03, 0x04), // ECDH, RFC 5480
	"1.3.132.1.13":               taggedForm(tagOID, 0x02, 0x03, 0x04), // ECMQV
	"1.2.643.2.2.19":             taggedForm(tagSequence, tagOctets),   // GOST R 34.10-2001, RFC 4491
	"1.2.643.2.2.20":             taggedForm(tagSequence, tagOctets),   // GOST R 34.10-94
	"1.2.643.7.1.1.1.1":          taggedForm(tagSequence, tagOctets),   // GOST R 34.10-2012, 256 bits, RFC 9215
	"1.2.643.7.1.1.1.2":          taggedForm(tagSequence, tagOctets),   // 512 bits
	"1.3.101.110":                x25519Form,                           // X25519, RFC 8410
	"1.3.101.111":                sizedForm(56),                        // X448
	"1.3.101.113":                sizedForm(57),                        // Ed448
	"1.2.840.113549.1.9.16.3.17": sizedForm(48, 52, 56, 60),            // HSS/LMS, RFC 9802
	"1.3.6.1.5.5.7.6.34":         sizedForm(52, 68, 132),               // XMSS
	"1.3.6.1.5.5.7.6.35":         sizedForm(52, 68, 132),               // XMSS^MT
	"2.16.840.1.101.3.4.3.17":    sizedForm(1312),                      // ML-DSA-44, RFC 9881
	"2.16.840.1.101.3.4.3.18":    sizedForm(1952),                      // ML-DSA-65
	"2.16.840.1.101.3.4.3.19":    sizedForm(2592),                      // ML-DSA-87
	"2.16.840.1.101.3.4.3.20":    sizedForm(32),                        // SLH-DSA, RFC 9909: SHA2-128s
	"2.16.840.1.101.3.4.3.21":    sizedForm(32),                        // SHA2-128f
	"2.16.840.1.101.3.4.3.22":    sizedForm(48),                        // SHA2-192s
	"2.16.840.1.101.3.4.3.23":    sizedForm(48),                        // SHA2-192f
	"2.16.840.1.101.3.4.3.24":    sizedForm(64),                        // SHA2-256s
	"2.16.840.1.101.3.4.3.25":    sizedForm(64),                        // SHA2-256f
	"2.16.840.1.101.3.4.3.26":    sizedForm(32),                        // SHAKE-128s
	"2.16.840.1.101.3.4.3.27":    sizedForm(32),                        // SHAKE-128f
	"2.16.840.1.101.3.4.3.28":    sizedForm(48),                        // SHAKE-192s
	"2.16.840.1.101.3.4.3.29":    sizedForm(48),                        // SHAKE-192f
	"2.16.840.1.101.3.4.3.30":    sizedForm(64),                        // SHAKE-256s
	"2.16.840.1.101.3.4.3.31":    sizedForm(64),                        // SHAKE-256f
	"2.16.840.1.101.3.4.4.1":     sizedForm(800),                       // ML-KEM-512, RFC 9935
	"2.16.840.1.101.3.4.4.2":     sizedForm(1184),                      // ML-KEM-768
	"2.16.840.1.101.3.4.4.3":     sizedForm(1568),                      // ML-KEM-1024
}

// x25519Key is a key of X25519, which crypto/x509 does not read in certificates.
type x25519Key []byte

// The identifiers 1.3.101.110 and 1.3.101.112, as elements.
const (
	oidX25519  = "\x06\x03\x2b\x65\x6e"
	oidEd25519 = "\x06\x03\x2b\x65\x70"
)

func x25519Form(params, key []byte) (crypto.PublicKey, bool) {
	return x25519Key(key), len(params) == 0 && len(key) == 32
}

// sizedForm is the form of keys without parameters, of one of some sizes.
func sizedForm(sizes ...int) keyForm {
	return func(params, key []byte) (crypto.PublicKey, bool) {
		return nil, len(params) == 0 && slices.Contains(sizes, len(key))
	}
}

// taggedForm is the form of keys that begin with one of some bytes, and whose
// parameters, which an issuer may have instead, are of one type.
func taggedForm(param byte, first ...byte) keyForm {
	return func(params, key []byte) (crypto.PublicKey, bool) {
		return nil, (len(params) == 0 || params[0] == param) && len(key) > 0 && slices.Contains(first, key[0])
	}
}

// rsaForm is the form of keys that are RSA's, with parameters that never are
// the NULL of an ordinary RSA key.
func rsaForm(params, key []byte) (crypto.PublicKey, bool) {
	pub, ok := rsaKey(key)
	return pub, ok && (len(params) == 0 || params[0] == tagSequence)
}

// oldRSAForm has the length of the modulus as its parameter, or NULL.
func oldRSAForm(params, key []byte) (crypto.PublicKey, bool) {
	pub, ok := rsaKey(key)
	return pub, ok && len(params) > 1
}

// rsaKey reads RSAPublicKey (RFC 8017, A.1.1) and nothing behind it. The key is
// nil if its exponent is too large for one.
func rsaKey(b []byte) (crypto.PublicKey, bool) {
	seq, after, _ := readElement(b)
	n, rest, _ := readElement(seq.body)
	e, more, _ := readElement(rest)
	if seq.tag != tagSequence || n.tag != tagInteger || e.tag != tagInteger || !e.whole() || len(after)+len(more) > 0 ||
		len(n.body) == 0 || len(e.body) == 0 {
		return nil, false
	}
	exp := new(big.Int).SetBytes(e.body)
	if !exp.IsInt64() || int64(int(exp.Int64())) != exp.Int64() {
		return nil, true
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n.body), E: int(exp.Int64())}, true
}
