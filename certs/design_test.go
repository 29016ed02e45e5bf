package certs_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
)

// design is a certificate of one's own design, with what crypto/x509 would not
// make.
type design struct {
	spki         []byte
	subject      string
	issuer       string
	skid, akid   []byte
	alg          []byte // AlgorithmIdentifier
	v1           bool   // without a version
	sign         func(tbs []byte) []byte
	afterSig     []byte // what follows the signature
	serialNumber int64
}

// der is an element of DER.
func der(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

func derInt(n *big.Int) []byte {
	b, err := asn1.Marshal(n)
	if err != nil {
		panic(err)
	}
	return b
}

func derOID(id string) []byte {
	oid, err := x509.ParseOID(id)
	if err != nil {
		panic(err)
	}
	b, err := oid.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return der(6, b)
}

func bitString(b []byte) []byte { return der(3, []byte{0}, b) }

var derNull = []byte{5, 0}

func spkiOf(id string, params, key []byte) []byte {
	return der(0x30, der(0x30, derOID(id), params), bitString(key))
}

func spkiOfKey(pub any) []byte {
	b, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		panic(err)
	}
	return b
}

func rsaKeyDER(n, e *big.Int, more ...[]byte) []byte {
	return der(0x30, append([][]byte{derInt(n), derInt(e)}, more...)...)
}

var (
	algRSA     = der(0x30, derOID("1.2.840.113549.1.1.11"), derNull)
	algECDSA   = der(0x30, derOID("1.2.840.10045.4.3.2"))
	algSHA224  = der(0x30, derOID("1.2.840.10045.4.3.1"))
	algEd25519 = der(0x30, derOID("1.3.101.112"))
	algPSS     = der(0x30, derOID("1.2.840.113549.1.1.10"), pssParams)
	algUnknown = der(0x30, derOID("1.2.3.4.5"))
	algMD2     = der(0x30, derOID("1.2.840.113549.1.1.2"), derNull)

	pssSHA256 = der(0x30, derOID("2.16.840.1.101.3.4.2.1"), derNull)
	pssParams = der(0x30, der(0xa0, pssSHA256), der(0xa1, der(0x30, derOID("1.2.840.113549.1.1.8"), pssSHA256)), der(0xa2, []byte{2, 1, 32}))
)

func (d design) build() []byte {
	name := func(s string) []byte {
		b, err := asn1.Marshal(pkix.Name{CommonName: s, Organization: []string{"Example"}}.ToRDNSequence())
		if err != nil {
			panic(err)
		}
		return b
	}
	var exts []byte
	if d.skid != nil {
		exts = append(exts, der(0x30, derOID("2.5.29.14"), der(4, der(4, d.skid)))...)
	}
	if d.akid != nil {
		exts = append(exts, der(0x30, derOID("2.5.29.35"), der(4, der(0x30, der(0x80, d.akid))))...)
	}
	if exts != nil {
		exts = der(0xa3, der(0x30, exts))
	}
	version := der(0xa0, derInt(big.NewInt(2)))
	if d.v1 {
		version = nil
	}
	tbs := der(0x30, version, derInt(big.NewInt(7+d.serialNumber)), d.alg, name(d.issuer),
		der(0x30, der(0x17, []byte("250101000000Z")), der(0x17, []byte("310101000000Z"))), name(d.subject), d.spki, exts)
	return der(0x30, tbs, d.alg, bitString(d.sign(tbs)), d.afterSig)
}

// signWith signs with a key of crypto; PKCS #1 for RSA, unless opts say PSS.
func signWith(key crypto.Signer, opts crypto.SignerOpts) func([]byte) []byte {
	return func(tbs []byte) []byte {
		if opts.HashFunc() != 0 {
			sum := sha256.Sum256(tbs)
			tbs = sum[:]
		}
		sig, err := key.Sign(rand.Reader, tbs, opts)
		if err != nil {
			panic(err)
		}
		return sig
	}
}

// oddKey is an RSA key of any length and public exponent.
type oddKey struct{ n, e, d *big.Int }

func newOddKey(bits int, e *big.Int) oddKey {
	one := big.NewInt(1)
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			panic(err)
		}
		q, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			panic(err)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		n := new(big.Int).Mul(p, q)
		if d := new(big.Int).ModInverse(e, phi); d != nil && n.BitLen() == bits {
			return oddKey{n, e, d}
		}
	}
}

func (k oddKey) spki() []byte {
	return spkiOf("1.2.840.113549.1.1.1", derNull, rsaKeyDER(k.n, k.e))
}

// sign makes an RSA signature with SHA-256. The parameters of the hash are NULL
// or nothing: RFC 8017, B.1, would have readers take both.
func (k oddKey) sign(params []byte) func(tbs []byte) []byte {
	return k.signInfo(func(tbs []byte) []byte {
		sum := sha256.Sum256(tbs)
		return der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.1"), params), der(4, sum[:]))
	})
}

func (k oddKey) signInfo(info func(tbs []byte) []byte) func(tbs []byte) []byte {
	return func(tbs []byte) []byte {
		d := info(tbs)
		return k.raw(slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, k.size()-3-len(d)), []byte{0}, d))
	}
}

func (k oddKey) size() int { return (k.n.BitLen() + 7) / 8 }

func (k oddKey) raw(em []byte) []byte {
	s := new(big.Int).SetBytes(em)
	return s.Exp(s, k.d, k.n).FillBytes(make([]byte, k.size()))
}

// plusModulus is a signature that is right but for being too large a number.
func (k oddKey) plusModulus(sig []byte) []byte {
	s := new(big.Int).SetBytes(sig)
	return s.Add(s, k.n).FillBytes(make([]byte, k.size()))
}

// random is a number of exactly so many bits, with which nothing was signed.
func random(bits int) *big.Int {
	b := make([]byte, bits/8)
	rand.Read(b)
	b[0] |= 0x80
	b[len(b)-1] |= 1
	return new(big.Int).SetBytes(b)
}

// unsignedRSA has an RSA key and a signature of so many bits, which have nothing
// to do with each other.
func unsignedRSA(bits, sigBits int) design {
	k := oddKey{n: random(bits), e: big.NewInt(65537)}
	return design{spki: k.spki(), alg: algRSA, sign: func([]byte) []byte { return append([]byte{1}, random(sigBits-8).Bytes()...) }}
}

func id20(b byte) []byte { return bytes.Repeat([]byte{b, b + 1}, 10) }
