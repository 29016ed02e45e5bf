package certs_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// unsigned is a certificate with a key, and with a signature that no key of its
// algorithm could have made: so nothing but the key is looked at.
func unsigned(spki []byte) design {
	return design{spki: spki, alg: algUnknown, sign: func([]byte) []byte { return []byte("nothing") }}
}

func judge(t *testing.T, what string, d design, damaged bool) {
	t.Helper()
	want := certs.Kind("")
	if damaged {
		want = certs.KindDamaged
	}
	if c, err := certs.ParseOne(d.build()); found(err) != want {
		t.Errorf("%s: ParseOne = %v, %v; want damaged: %v", what, c, err, damaged)
	}
}

// A certificate for a key that crypto/x509 does not know is passed on, if the
// key has the length that its standard gives it, and no parameters. A key of any
// other length shows that its algorithm was changed.
func TestKeySizes(t *testing.T) {
	for id, sizes := range map[string][]int{
		"1.3.101.110":                {32},             // X25519
		"1.3.101.111":                {56},             // X448
		"1.3.101.113":                {57},             // Ed448
		"1.2.840.113549.1.9.16.3.17": {48, 52, 56, 60}, // HSS/LMS
		"1.3.6.1.5.5.7.6.34":         {52, 68, 132},    // XMSS
		"1.3.6.1.5.5.7.6.35":         {52, 68, 132},    // XMSS^MT
		"2.16.840.1.101.3.4.3.17":    {1312},           // ML-DSA
		"2.16.840.1.101.3.4.3.18":    {1952},
		"2.16.840.1.101.3.4.3.19":    {2592},
		"2.16.840.1.101.3.4.3.20":    {32}, // SLH-DSA
		"2.16.840.1.101.3.4.3.21":    {32},
		"2.16.840.1.101.3.4.3.22":    {48},
		"2.16.840.1.101.3.4.3.23":    {48},
		"2.16.840.1.101.3.4.3.24":    {64},
		"2.16.840.1.101.3.4.3.25":    {64},
		"2.16.840.1.101.3.4.3.26":    {32},
		"2.16.840.1.101.3.4.3.27":    {32},
		"2.16.840.1.101.3.4.3.28":    {48},
		"2.16.840.1.101.3.4.3.29":    {48},
		"2.16.840.1.101.3.4.3.30":    {64},
		"2.16.840.1.101.3.4.3.31":    {64},
		"2.16.840.1.101.3.4.4.1":     {800}, // ML-KEM
		"2.16.840.1.101.3.4.4.2":     {1184},
		"2.16.840.1.101.3.4.4.3":     {1568},
	} {
		for _, n := range sizes {
			for _, size := range []int{n - 1, n, n + 1} {
				judge(t, fmt.Sprintf("%s, %d bytes", id, size), unsigned(spkiOf(id, nil, make([]byte, size))), !slices.Contains(sizes, size))
			}
		}
		key := make([]byte, sizes[0])
		judge(t, id+" with NULL", unsigned(spkiOf(id, derNull, key)), true)
		judge(t, id+" of broken bytes", unsigned(der(0x30, der(0x30, derOID(id)), der(3, []byte{1}, key))), true)
	}
	judge(t, "unknown", unsigned(spkiOf("2.16.840.1.101.3.4.3.15", nil, make([]byte, 32))), true)
}

// Other keys begin with a byte that tells their type, and have parameters of
// one type or none.
func TestKeyTags(t *testing.T) {
	for id, form := range map[string]struct {
		params []byte
		first  []byte
	}{
		"1.2.840.113549.1.3.1": {der(0x30), []byte{2}}, // Diffie-Hellman
		"1.2.840.10046.2.1":    {der(0x30), []byte{2}},
		"1.3.14.3.2.12":        {der(0x30), []byte{2}}, // DSA
		"1.3.132.1.12":         {derOID("1.2.840.10045.3.1.7"), []byte{2, 3, 4}},
		"1.3.132.1.13":         {derOID("1.2.840.10045.3.1.7"), []byte{2, 3, 4}},
		"1.2.643.2.2.19":       {der(0x30), []byte{4}}, // GOST
		"1.2.643.2.2.20":       {der(0x30), []byte{4}},
		"1.2.643.7.1.1.1.1":    {der(0x30), []byte{4}},
		"1.2.643.7.1.1.1.2":    {der(0x30), []byte{4}},
	} {
		for first := range byte(6) {
			key := append([]byte{first, 3}, "key"...)
			bad := !bytes.Contains(form.first, []byte{first})
			judge(t, fmt.Sprintf("%s, %d", id, first), unsigned(spkiOf(id, nil, key)), bad)
			judge(t, fmt.Sprintf("%s, %d, parameters", id, first), unsigned(spkiOf(id, form.params, key)), bad)
		}
		judge(t, id+" with NULL", unsigned(spkiOf(id, derNull, append(form.first, "key"...))), true)
		judge(t, id+" without a key", unsigned(spkiOf(id, nil, nil)), true)
		judge(t, id+" of one byte", unsigned(spkiOf(id, nil, form.first[:1])), false)
	}
}

// RSA's keys of other names are two numbers and nothing else.
func TestKeyRSA(t *testing.T) {
	const oaep, pss, old, usual = "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.10", "2.5.8.1.1", "1.2.840.113549.1.1.1"
	n, e := derInt(random(1024)), derInt(big.NewInt(65537))
	key := der(0x30, n, e)
	for _, test := range []struct {
		name        string
		id          string
		params, key []byte
		damaged     bool
	}{
		{"usual", usual, derNull, key, false},
		{"PSS", pss, nil, key, false},
		{"PSS with parameters", pss, der(0x30), key, false},
		{"PSS with NULL", pss, derNull, key, true},
		{"OAEP", oaep, nil, key, false},
		{"OAEP with parameters", oaep, der(0x30), key, false},
		{"OAEP with NULL", oaep, derNull, key, true},
		{"old, with a number", old, der(2, []byte{4, 0}), key, false},
		{"old, with NULL", old, derNull, key, false},
		{"old", old, nil, key, true},
		{"old, no key", old, derNull, n, true},
		{"a SET", pss, nil, der(0x31, n, e), true},
		{"no numbers", pss, nil, der(0x30, der(4, []byte{1}), der(4, []byte{1})), true},
		{"no modulus", pss, nil, der(0x30, der(4, []byte{1}), e), true},
		{"no exponent", pss, nil, der(0x30, n, der(4, []byte{1})), true},
		{"half", pss, nil, der(0x30, n), true},
		{"empty", pss, nil, der(0x30), true},
		{"nothing", pss, nil, nil, true},
		{"empty modulus", pss, nil, der(0x30, der(2), e), true},
		{"empty exponent", pss, nil, der(0x30, n, der(2)), true},
		{"modulus of one byte", pss, nil, der(0x30, der(2, []byte{3}), e), false},
		{"exponent of one byte", pss, nil, der(0x30, n, der(2, []byte{3})), false},
		{"exponent cut off", pss, nil, der(0x30, n, []byte{2, 3, 1, 0}), true},
		{"exponent of 8 bytes", pss, nil, der(0x30, n, der(2, bytes.Repeat([]byte{0x7f}, 8))), false},
		{"exponent of 9 bytes", pss, nil, der(0x30, n, der(2, bytes.Repeat([]byte{0x7f}, 9))), false},
		{"more numbers", pss, nil, der(0x30, n, e, derNull), true},
		{"more behind", pss, nil, slices.Concat(key, derNull), true},
		{"more in it and behind", pss, nil, slices.Concat(der(0x30, n, e, derNull), derNull), true},
		{"usual, more numbers", usual, derNull, der(0x30, n, e, derNull), true},
	} {
		judge(t, test.name, unsigned(spkiOf(test.id, test.params, test.key)), test.damaged)
	}

	// The exponent is read in full, though crypto/rsa would refuse it.
	k := newOddKey(1024, big.NewInt(1<<62+1))
	spki := spkiOf(old, derNull, rsaKeyDER(k.n, k.e))
	judge(t, "exponent of 63 bits", design{spki: spki, alg: algRSA, sign: k.sign(derNull)}, false)
	judge(t, "exponent of 63 bits, changed", design{spki: spki, alg: algRSA, sign: k.signInfo(func([]byte) []byte {
		return der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.1"), derNull), der(4, make([]byte, 32)))
	})}, true)
}

// A self-issued certificate whose signature could not have been made by its own
// key was signed by another one. What could have been, but was not, is damaged.
func TestSignatureLength(t *testing.T) {
	for _, test := range []struct {
		curve     elliptic.Curve
		low, high int // that the key can make
	}{
		{elliptic.P224(), 40, 65},
		{elliptic.P256(), 48, 73},
		{elliptic.P384(), 80, 105},
		{elliptic.P521(), 116, 141},
	} {
		spki := spkiOfKey(ecKey(t, test.curve).Public())
		for _, n := range []int{test.low - 1, test.low, test.high, test.high + 1} {
			d := design{spki: spki, alg: algECDSA, sign: func([]byte) []byte { return bytes.Repeat([]byte{1}, n) }}
			judge(t, fmt.Sprintf("%s, %d bytes", test.curve.Params().Name, n), d, test.low <= n && n <= test.high)
		}
	}
	for n := 126; n <= 130; n++ {
		judge(t, fmt.Sprintf("RSA of 128, %d bytes", n), unsignedRSA(1024, 8*n), n >= 127 && n <= 129)
	}
}

// Key identifiers that differ in most bytes name two keys; one mistake changes
// no more than a few bytes, or a length.
func TestKeyIdentifiers(t *testing.T) {
	spki := spkiOfKey(ecKey(t, elliptic.P256()).Public())
	wrong := signWith(ecKey(t, elliptic.P256()), &rsa.PSSOptions{Hash: 5})
	id := func(n, changed int) []byte {
		b := bytes.Repeat([]byte{7}, n)
		for i := range changed {
			b[i]++
		}
		return b
	}
	for _, test := range []struct {
		name       string
		skid, akid []byte
		damaged    bool
	}{
		{"none", nil, nil, true},
		{"subject's", id(20, 0), nil, true},
		{"authority's", nil, id(20, 0), true},
		{"equal", id(20, 0), id(20, 0), true},
		{"7 bytes", id(20, 0), id(20, 7), true},
		{"10 bytes", id(20, 0), id(20, 10), true},
		{"11 bytes", id(20, 0), id(20, 11), false},
		{"all bytes", id(20, 0), id(20, 20), false},
		{"a beginning", id(20, 0), id(8, 0), true},
		{"a beginning of the other", id(8, 0), id(20, 0), true},
		{"shorter, another", id(20, 0), id(8, 5), false},
	} {
		judge(t, test.name, design{spki: spki, alg: algECDSA, sign: wrong, skid: test.skid, akid: test.akid}, test.damaged)
	}
}

// What the key has signed is compared only if it is a digest of a known kind.
func TestDigestInfo(t *testing.T) {
	k := newOddKey(1024, big.NewInt(65537))
	sha256, zeros := derOID("2.16.840.1.101.3.4.2.1"), make([]byte, 32)
	for _, test := range []struct {
		name    string
		info    []byte
		changed bool
	}{
		{"SHA-256", der(0x30, der(0x30, sha256), der(4, zeros)), true},
		{"SHA-1", der(0x30, der(0x30, derOID("1.3.14.3.2.26")), der(4, zeros[:20])), true},
		{"SHA-224", der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.4")), der(4, zeros[:28])), true},
		{"SHA-384", der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.2")), der(4, make([]byte, 48))), true},
		{"SHA-512", der(0x30, der(0x30, derOID("2.16.840.1.101.3.4.2.3")), der(4, make([]byte, 64))), true},
		{"MD5", der(0x30, der(0x30, derOID("1.2.840.113549.2.5")), der(4, zeros[:16])), false},
		{"a SET", der(0x31, der(0x30, sha256), der(4, zeros)), false},
		{"an algorithm that is a SET", der(0x30, der(0x31, sha256), der(4, zeros)), false},
		{"an algorithm that is a string", der(0x30, der(0x30, der(4, sha256[2:])), der(4, zeros)), false},
		{"a digest that is a BIT STRING", der(0x30, der(0x30, sha256), der(3, zeros)), false},
		{"nothing", nil, false},
	} {
		judge(t, test.name, design{spki: k.spki(), alg: algRSA, sign: k.signInfo(func([]byte) []byte { return test.info })}, test.changed)
	}
}
