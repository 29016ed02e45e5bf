package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// What is no damage: keys and signatures of other kinds than the usual, and
// that another key of the same name made the signature, where that shows.
func TestHonest(t *testing.T) {
	rsa2048, other2048 := rsaSigner().key, rsaOther().key
	p256, other256, p384 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e65537 := big.NewInt(65537)
	rsa1024 := newOddKey(1024, e65537)
	spki := func(key crypto.Signer) []byte { return spkiOfKey(key.Public()) }
	withRSA, with256 := signWith(other2048, crypto.SHA256), signWith(other256, crypto.SHA256)
	withSHA224 := func(tbs []byte) []byte {
		sum := sha256.Sum224(tbs)
		sig, err := p256.Sign(rand.Reader, sum[:], crypto.SHA224)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	odd := func(bits int, e int64) design {
		k := newOddKey(bits, big.NewInt(e))
		return design{spki: k.spki(), alg: algRSA, sign: k.sign(derNull)}
	}
	pssOpts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	pub := rsa2048.Public().(*rsa.PublicKey)
	rawRSA := rsaKeyDER(pub.N, big.NewInt(int64(pub.E)))
	byRSA := func(spki []byte) design { return design{spki: spki, alg: algRSA, sign: withRSA} }
	for name, d := range map[string]design{
		"exponent 1":                      odd(1024, 1),
		"exponent 3":                      odd(1024, 3),
		"exponent 2^31+11":                odd(1024, 1<<31+11),
		"exponent 2^32+15":                odd(1024, 1<<32+15),
		"768 bits":                        odd(768, 65537),
		"1032 bits":                       odd(1032, 65537),
		"a hash without NULL":             {spki: rsa1024.spki(), alg: algRSA, sign: rsa1024.sign(nil)},
		"an unknown hash":                 {spki: rsa1024.spki(), alg: algUnknown, sign: rsa1024.signInfo(func([]byte) []byte { return der(0x30, algUnknown, der(4, id20(1))) })},
		"an unknown signature":            {spki: rsa1024.spki(), alg: algUnknown, sign: func([]byte) []byte { return bytes.Repeat([]byte{1}, 128) }},
		"MD2":                             {spki: rsa1024.spki(), alg: algMD2, sign: rsa1024.signInfo(func([]byte) []byte { return der(0x30, algMD2, der(4, id20(1)[:16])) })},
		"RSA by RSA, identifiers":         {spki: spki(rsa2048), alg: algRSA, sign: withRSA, skid: id20(1), akid: id20(100)},
		"PSS by PSS, identifiers":         {spki: spki(rsa2048), alg: algPSS, sign: signWith(other2048, pssOpts), skid: id20(1), akid: id20(100)},
		"identifiers of unequal length":   {spki: spki(p256), alg: algECDSA, sign: with256, skid: id20(1), akid: append(id20(100), 1, 2, 3)},
		"RSA by ECDSA, identifiers":       {spki: spki(rsa2048), alg: algECDSA, sign: with256, skid: id20(1), akid: id20(100)},
		"RSA by ECDSA":                    {spki: spki(rsa2048), alg: algECDSA, sign: with256},
		"ECDSA by RSA":                    byRSA(spki(p256)),
		"ECDSA by ECDSA, identifiers":     {spki: spki(p256), alg: algECDSA, sign: with256, skid: id20(1), akid: id20(100)},
		"ECDSA by a longer key":           {spki: spki(p256), alg: algECDSA, sign: signWith(p384, crypto.SHA256)},
		"ECDSA by a shorter key":          {spki: spki(p384), alg: algECDSA, sign: with256},
		"RSA by a shorter key":            {spki: spki(rsa2048), alg: algRSA, sign: rsa1024.sign(derNull)},
		"RSA by a longer key":             byRSA(rsa1024.spki()),
		"Ed25519":                         {spki: spki(ed), alg: algEd25519, sign: signWith(ed, crypto.Hash(0))},
		"Ed25519 by Ed448":                {spki: spki(ed), alg: der(0x30, derOID("1.3.101.113")), sign: func([]byte) []byte { return random(912).Bytes() }},
		"ECDSA with SHA-224":              {spki: spki(p256), alg: algSHA224, sign: withSHA224},
		"RSA by ECDSA as long":            {spki: oddKey{n: random(1112), e: e65537}.spki(), alg: algECDSA, sign: func([]byte) []byte { return random(1112).Bytes() }},
		"ECDSA by RSA as long":            {spki: spki(ecKey(t, elliptic.P521())), alg: algRSA, sign: rsa1024.sign(derNull)},
		"Ed25519 by RSA":                  byRSA(spki(ed)),
		"RSA by another name":             {spki: spki(rsa2048), alg: algRSA, sign: withRSA, issuer: "another"},
		"ECDSA by another name":           {spki: spki(p256), alg: algECDSA, sign: with256, issuer: "another"},
		"ECDSA by another name as long":   {spki: spki(p256), alg: algECDSA, sign: with256, issuer: "b", subject: "a"},
		"RSASSA-PSS key":                  {spki: spkiOf("1.2.840.113549.1.1.10", nil, rawRSA), alg: algPSS, sign: signWith(rsa2048, pssOpts)},
		"RSASSA-PSS key with parameters":  {spki: spkiOf("1.2.840.113549.1.1.10", pssParams, rawRSA), alg: algPSS, sign: signWith(rsa2048, pssOpts)},
		"RSASSA-PSS, exponent of 37 bits": {spki: spkiOf("1.2.840.113549.1.1.10", nil, rsaKeyDER(rsa1024.n, new(big.Int).Lsh(e65537, 20))), alg: algPSS, sign: rsa1024.sign(nil)},
		"RSASSA-PSS, 768 bits":            {spki: spkiOf("1.2.840.113549.1.1.10", nil, rsaKeyDER(random(768), e65537)), alg: algPSS, sign: func([]byte) []byte { return random(760).Bytes() }},
		"a signature two bytes longer":    unsignedRSA(1024, 1040),
		"a signature two bytes shorter":   unsignedRSA(1024, 1008),
		"RSASSA-PSS, exponent of 72 bits": {spki: spkiOf("1.2.840.113549.1.1.10", nil, rsaKeyDER(rsa1024.n, new(big.Int).Lsh(e65537, 55))), alg: algPSS, sign: rsa1024.sign(nil)},
		"RSA of X.509":                    {spki: spkiOf("2.5.8.1.1", []byte{2, 2, 4, 0}, rsaKeyDER(rsa1024.n, e65537)), alg: algRSA, sign: rsa1024.sign(derNull)},
		"RSAES-OAEP":                      {spki: spkiOf("1.2.840.113549.1.1.7", nil, rawRSA), alg: algRSA, sign: withRSA, skid: id20(1), akid: id20(100)},
		"more than 16384 bits":            unsignedRSA(16392, 16392),
		"X25519":                          byRSA(spkiOf("1.3.101.110", nil, make([]byte, 32))),
		"X25519 by Ed25519":               {spki: spkiOf("1.3.101.110", nil, bytes.Repeat([]byte{9}, 32)), alg: algEd25519, sign: signWith(ed, crypto.Hash(0))},
		"X448":                            byRSA(spkiOf("1.3.101.111", nil, make([]byte, 56))),
		"Ed448":                           byRSA(spkiOf("1.3.101.113", nil, make([]byte, 57))),
		"ML-DSA-65":                       byRSA(spkiOf("2.16.840.1.101.3.4.3.18", nil, make([]byte, 1952))),
		"SLH-DSA-SHA2-128s":               byRSA(spkiOf("2.16.840.1.101.3.4.3.20", nil, make([]byte, 32))),
		"Diffie-Hellman":                  byRSA(spkiOf("1.2.840.113549.1.3.1", der(0x30, derInt(e65537), derInt(e65537)), derInt(rsa1024.n))),
		"DSA":                             byRSA(spkiOf("1.2.840.10040.4.1", der(0x30, derInt(e65537), derInt(e65537), derInt(e65537)), derInt(rsa1024.n))),
		"ECDH":                            byRSA(spkiOf("1.3.132.1.12", derOID("1.2.840.10045.3.1.7"), append([]byte{4}, make([]byte, 64)...))),
		"GOST R 34.10-2012":               byRSA(spkiOf("1.2.643.7.1.1.1.1", der(0x30, derOID("1.2.643.7.1.2.1.1.1")), der(4, make([]byte, 64)))),
	} {
		t.Run(name, func(t *testing.T) {
			b := d.build()
			c, err := certs.ParseOne(b)
			if err != nil {
				t.Fatalf("ParseOne: %v", err)
			}
			for _, p := range c.Check(now) {
				if p.Code == certs.CodeDamaged {
					t.Errorf("Check: %v", p)
				}
			}
		})
	}
}

// A signature is its own key's, whatever names and identifiers say, exactly if
// it is padded as RFC 8017, 9.2 has it.
func TestPadding(t *testing.T) {
	k := newOddKey(1024, big.NewInt(65537))
	info := der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.1"), derNull), der(4, make([]byte, 32)))
	ff := func(n int) []byte { return bytes.Repeat([]byte{0xff}, n) }
	for _, test := range []struct {
		name string
		em   []byte
		own  bool
	}{
		{"right", slices.Concat([]byte{0, 1}, ff(128-3-len(info)), []byte{0}, info), true},
		{"eight", slices.Concat([]byte{0, 1}, ff(8), []byte{0}, info, make([]byte, 128-11-len(info))), true},
		{"seven", slices.Concat([]byte{0, 1}, ff(7), []byte{0}, info, make([]byte, 128-10-len(info))), false},
		{"type 2", slices.Concat([]byte{0, 2}, ff(128-3-len(info)), []byte{0}, info), false},
		{"type 0", slices.Concat([]byte{0, 0}, ff(128-3-len(info)), []byte{0}, info), false},
		{"a byte before", slices.Concat([]byte{1, 1}, ff(128-3-len(info)), []byte{0}, info), false},
		{"no zero", slices.Concat([]byte{0, 1}, ff(128-3-len(info)), []byte{1}, info), false},
		{"nothing but padding", slices.Concat([]byte{0, 1}, ff(126)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Without another name, the signature should be the key's.
			d := design{spki: k.spki(), alg: algRSA, sign: func([]byte) []byte { return k.raw(test.em) }, subject: "subject", issuer: "subject"}
			if c, err := certs.ParseOne(d.build()); found(err) != certs.KindDamaged {
				t.Errorf("ParseOne, one name = %v, %v; want damaged", c, err)
			}
			d = design{spki: k.spki(), alg: algRSA, sign: func([]byte) []byte { return k.raw(test.em) }, subject: "subject", issuer: "another"}
			if c, err := certs.ParseOne(d.build()); (err != nil) != test.own {
				t.Errorf("ParseOne = %v, %v; want damaged: %v", c, err, test.own)
			}
		})
	}
}

// What is damage, beside what one character can do to the usual certificates.
func TestDamaged(t *testing.T) {
	rsa2048, other2048 := rsaSigner().key, rsaOther().key
	p256, other256 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e65537 := big.NewInt(65537)
	spki := func(key crypto.Signer) []byte { return spkiOfKey(key.Public()) }
	pub := rsa2048.Public().(*rsa.PublicKey)
	rawRSA := rsaKeyDER(pub.N, e65537)
	byRSA := func(spki []byte) design {
		return design{spki: spki, alg: algRSA, sign: signWith(other2048, crypto.SHA256), issuer: "another"}
	}
	// The signature of one certificate on another, which differs in the serial
	// number or in what edit changes.
	moved := func(d design, edit func(*design)) design {
		var sig []byte
		before := d
		before.sign = func(tbs []byte) []byte { sig = d.sign(tbs); return sig }
		before.build()
		edit(&d)
		d.sign = func([]byte) []byte { return sig }
		return d
	}
	serial := func(d *design) { d.serialNumber++ }
	alg := func(other []byte) func(*design) { return func(d *design) { d.alg = other } }
	odd := func(bits int, e int64) design {
		k := newOddKey(bits, big.NewInt(e))
		return moved(design{spki: k.spki(), alg: algRSA, sign: k.sign(derNull)}, serial)
	}
	own := func(key crypto.Signer, alg []byte, opts crypto.SignerOpts) design {
		return design{spki: spki(key), alg: alg, sign: signWith(key, opts), subject: "a name", issuer: "a name"}
	}
	pssOpts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	ownRSA, ownPSS, own256, ownEd := own(rsa2048, algRSA, crypto.SHA256), own(rsa2048, algPSS, pssOpts), own(p256, algECDSA, crypto.SHA256), own(ed, algEd25519, crypto.Hash(0))
	with := func(d design, skid, akid []byte) design {
		d.skid, d.akid = skid, akid
		return d
	}
	k1020 := newOddKey(1020, e65537)
	near := append([]byte{77}, id20(1)[1:]...)
	for name, d := range map[string]design{
		"exponent 1":                               odd(1024, 1),
		"exponent 2^31+11":                         odd(1024, 1<<31+11),
		"exponent 2^32+15":                         odd(1024, 1<<32+15),
		"768 bits":                                 odd(768, 65537),
		"RSA":                                      moved(ownRSA, serial),
		"PSS":                                      moved(ownPSS, serial),
		"ECDSA":                                    moved(own256, serial),
		"Ed25519":                                  moved(ownEd, serial),
		"RSA, issuer":                              moved(ownRSA, func(d *design) { d.issuer = "a nome" }),
		"RSA, two characters of issuer":            moved(ownRSA, func(d *design) { d.issuer = "A nome" }),
		"RSA, issuer and serial number":            moved(ownRSA, func(d *design) { d.issuer = "no"; d.serialNumber++ }),
		"PSS, issuer":                              moved(ownPSS, func(d *design) { d.issuer = "a nome" }),
		"ECDSA, issuer":                            moved(own256, func(d *design) { d.issuer = "a nome" }),
		"ECDSA, subject":                           moved(own256, func(d *design) { d.subject = "a nome" }),
		"Ed25519, subject":                         moved(ownEd, func(d *design) { d.subject = "a nome" }),
		"RSA, identifiers, serial":                 moved(with(ownRSA, id20(1), id20(100)), serial),
		"ECDSA, equal identifiers":                 moved(with(own256, id20(1), id20(1)), serial),
		"ECDSA, one identifier":                    moved(with(own256, id20(1), nil), serial),
		"ECDSA, SKI":                               moved(with(own256, id20(1), id20(1)), func(d *design) { d.skid = near }),
		"ECDSA, AKI":                               moved(with(own256, id20(1), id20(1)), func(d *design) { d.akid = near }),
		"ECDSA, length of SKI":                     moved(with(own256, id20(1), id20(1)), func(d *design) { d.skid = d.skid[:19] }),
		"PSS, AKI":                                 moved(with(ownPSS, id20(1), id20(1)), func(d *design) { d.akid = near }),
		"RSA by another key":                       {spki: spki(rsa2048), alg: algRSA, sign: signWith(other2048, crypto.SHA256)},
		"ECDSA by another key":                     {spki: spki(p256), alg: algECDSA, sign: signWith(other256, crypto.SHA256)},
		"RSA, algorithm":                           moved(ownRSA, alg(algUnknown)),
		"RSA, algorithm and serial":                moved(ownRSA, func(d *design) { alg(algUnknown)(d); serial(d) }),
		"PSS, algorithm":                           moved(ownPSS, alg(der(0x30, derOID("1.2.840.113549.1.1.42"), pssParams))),
		"ECDSA, a bit of the algorithm":            moved(own256, alg(der(0x30, derOID("1.2.840.10045.4.3.18")))),
		"ECDSA, another byte of the algorithm":     moved(own256, alg(der(0x30, derOID("1.2.840.10044.4.3.2")))),
		"Ed25519, algorithm":                       moved(ownEd, alg(der(0x30, derOID("1.3.101.116")))),
		"Ed25519 as Ed448":                         moved(ownEd, alg(der(0x30, derOID("1.3.101.113")))),
		"PSS of 1024 bits":                         {spki: oddKey{n: random(1024), e: e65537}.spki(), alg: algPSS, sign: func([]byte) []byte { return random(1016).Bytes() }},
		"PSS, the largest exponent":                {spki: oddKey{n: random(1032), e: big.NewInt(1<<31 - 1)}.spki(), alg: algPSS, sign: func([]byte) []byte { return random(1024).Bytes() }},
		"an unknown key":                           byRSA(spkiOf("1.2.840.113549.1.1.13", derNull, rawRSA)),
		"an unknown elliptic key":                  byRSA(spkiOf("1.2.840.10045.2.3", derOID("1.2.840.10045.3.1.7"), append([]byte{4}, make([]byte, 64)...))),
		"RSA as RSASSA-PSS":                        byRSA(spkiOf("1.2.840.113549.1.1.10", derNull, rawRSA)),
		"RSA as RSAES-OAEP":                        byRSA(spkiOf("1.2.840.113549.1.1.7", derNull, rawRSA)),
		"RSA as Diffie-Hellman":                    byRSA(spkiOf("1.2.840.113549.1.3.1", derNull, rawRSA)),
		"Diffie-Hellman with RSA's key":            byRSA(spkiOf("1.2.840.113549.1.3.1", nil, rawRSA)),
		"RSASSA-PSS with another's key":            byRSA(spkiOf("1.2.840.113549.1.1.10", nil, derInt(pub.N))),
		"RSASSA-PSS with half a key":               byRSA(spkiOf("1.2.840.113549.1.1.10", nil, der(0x30, derInt(pub.N)))),
		"RSASSA-PSS key, serial":                   moved(design{spki: spkiOf("1.2.840.113549.1.1.10", nil, rawRSA), alg: algPSS, sign: signWith(rsa2048, pssOpts)}, serial),
		"RSA of X.509 without parameters":          byRSA(spkiOf("2.5.8.1.1", nil, rawRSA)),
		"RSA of X.509, serial":                     moved(design{spki: spkiOf("2.5.8.1.1", derNull, rawRSA), alg: algRSA, sign: signWith(rsa2048, crypto.SHA256)}, serial),
		"X448 of another length":                   byRSA(spkiOf("1.3.101.111", nil, make([]byte, 57))),
		"Ed448 with parameters":                    byRSA(spkiOf("1.3.101.113", derNull, make([]byte, 57))),
		"Ed25519 as X25519":                        moved(ownEd, func(d *design) { d.spki = spkiOf("1.3.101.110", nil, edPub) }),
		"a signature one byte longer":              unsignedRSA(1024, 1032),
		"a signature one byte shorter":             unsignedRSA(1024, 1016),
		"X448 but for a bit":                       byRSA(der(0x30, der(0x30, derOID("1.3.101.111")), der(3, []byte{1}, make([]byte, 56)))),
		"16384 bits, of another key":               unsignedRSA(16384, 16384),
		"1020 bits, a signature that is too large": {spki: k1020.spki(), alg: algRSA, sign: func(tbs []byte) []byte { return k1020.plusModulus(k1020.sign(derNull)(tbs)) }},
		"bytes behind the exponent":                byRSA(spkiOf("1.2.840.113549.1.1.1", derNull, rsaKeyDER(pub.N, e65537, derNull))),
		"bytes behind the key":                     byRSA(spkiOf("1.2.840.113549.1.1.1", derNull, append(rawRSA, 5, 0))),
		"bytes behind the signature":               func() design { d := ownRSA; d.afterSig = derNull; return d }(),
		"an element behind ECDSA":                  func() design { d := own256; d.issuer = "by another"; d.afterSig = []byte{0}; return d }(),
		"a byte behind an authority's RSA":         func() design { d := byRSA(spki(rsa2048)); d.afterSig = []byte{0}; return d }(),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := certs.ParseOne(d.build()); found(err) != certs.KindDamaged {
				t.Errorf("ParseOne = %v, %v; want KindDamaged", c, err)
			}
		})
	}
}
