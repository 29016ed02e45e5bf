package recording

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
)

// pem replaces the PEM blocks of a text: certificates by others, everything else by a
// sentence, and so is what stands around them.
func (m *mask) pem(s string) (string, bool) {
	const begin = "-----BEGIN "
	if !strings.Contains(s, begin) {
		return "", false
	}
	var out strings.Builder
	rest := []byte(s)
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		if der, ok := m.certificate(block.Bytes); ok {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		} else {
			out.WriteString(m.sentence(string(block.Bytes)) + "\n")
		}
		rest = after
	}
	if out.Len() == 0 {
		return "", false
	}
	text := out.String()
	if !strings.HasSuffix(s, "\n") {
		text = strings.TrimSuffix(text, "\n")
	}
	return text, true
}

// certificate returns the DER of a certificate that stands for the one in der: of the same
// kind and size of key, the same algorithm of its signature, and the same length of
// validity, moved like all times. Keys that are the same stay the same, and what has
// issued itself does so again. It is false if der is no certificate.
func (m *mask) certificate(der []byte) ([]byte, bool) {
	real, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.sum("certificate", string(real.Raw))
	if known, ok := m.certs[id]; ok {
		return known, true
	}
	made, err := m.remake(real)
	if err != nil {
		return m.bytes(der), true
	}
	m.certs[id] = made
	return made, true
}

func (m *mask) remake(real *x509.Certificate) ([]byte, error) {
	key, err := m.keyLike(real)
	if err != nil {
		return nil, err
	}
	serial := make([]byte, max(len(real.SerialNumber.Bytes()), 8))
	rand.Read(serial) // never fails
	serial[0] = serial[0]&0x7f | 0x40
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      m.subject(real.RawSubject, real.Subject), NotBefore: m.move(real.NotBefore), NotAfter: m.move(real.NotAfter),
		KeyUsage: real.KeyUsage, ExtKeyUsage: real.ExtKeyUsage, BasicConstraintsValid: real.BasicConstraintsValid, IsCA: real.IsCA,
		SignatureAlgorithm: real.SignatureAlgorithm,
	}
	parent, signer := t, key
	if string(real.RawIssuer) != string(real.RawSubject) {
		parent = &x509.Certificate{Subject: m.subject(real.RawIssuer, real.Issuer)}
	}
	made, err := x509.CreateCertificate(rand.Reader, t, parent, signer.Public(), signer)
	if err != nil { // an algorithm that nobody signs with any more, or that does not go with the key
		t.SignatureAlgorithm = x509.UnknownSignatureAlgorithm
		made, err = x509.CreateCertificate(rand.Reader, t, parent, signer.Public(), signer)
	}
	return made, err
}

// subject returns a name with the parts that the real one has.
func (m *mask) subject(raw []byte, real pkix.Name) pkix.Name {
	r := m.draw("subject", string(raw))
	part := func(in []string) (out []string) {
		for range in {
			out = append(out, capitals("Aa", utter(r, 4)))
		}
		return out
	}
	n := pkix.Name{Organization: part(real.Organization), OrganizationalUnit: part(real.OrganizationalUnit), Locality: part(real.Locality)}
	if real.CommonName != "" || len(n.Organization) == 0 {
		n.CommonName = capitals("Aa", utter(r, 4))
	}
	return n
}

// keyLike returns a private key of the same kind and size, the same one for the same key.
func (m *mask) keyLike(real *x509.Certificate) (crypto.Signer, error) {
	id := m.sum("key", string(real.RawSubjectPublicKeyInfo))
	if k, ok := m.keys[id].(crypto.Signer); ok {
		return k, nil
	}
	var key crypto.Signer
	var err error
	switch public := real.PublicKey.(type) {
	case *ecdsa.PublicKey:
		key, err = ecdsa.GenerateKey(public.Curve, rand.Reader)
	case ed25519.PublicKey:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case *rsa.PublicKey:
		key, err = rsaLike(min(max(public.N.BitLen(), 1024), 16384), public.E)
	default: // a kind that x509 does not sign with
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err == nil {
		m.keys[id] = key
	}
	return key, err
}

// rsaLike returns a key with a modulus of so many bits, made of many small primes: it signs and
// verifies like any other and is found at once, where two large primes take seconds. It protects
// nothing, and nothing must be protected with it.
func rsaLike(bits, exponent int) (*rsa.PrivateKey, error) {
	const size = 64 // of a prime
	if exponent < 3 || exponent%2 == 0 {
		exponent = 65537
	}
	one, e := big.NewInt(1), big.NewInt(int64(exponent))
	for {
		n, phi := big.NewInt(1), big.NewInt(1)
		var primes []*big.Int
		for left := bits; left > 0; left = bits - n.BitLen() {
			if left >= 2*size {
				left = size
			} else if left > size {
				left /= 2
			}
			p, err := rand.Prime(rand.Reader, max(left, size/4))
			if err != nil {
				return nil, err
			}
			less := new(big.Int).Sub(p, one)
			if new(big.Int).GCD(nil, nil, less, e).Cmp(one) != 0 || new(big.Int).Mod(n, p).Sign() == 0 {
				continue
			}
			n.Mul(n, p)
			phi.Mul(phi, less)
			primes = append(primes, p)
		}
		if n.BitLen() != bits {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: exponent}, D: new(big.Int).ModInverse(e, phi), Primes: primes}
		key.Precompute()
		return key, key.Validate()
	}
}
