package certs_test

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

// short is an element that announces n bytes more than there are.
func short(tag byte, n int, body []byte) []byte {
	b := der(tag, body, make([]byte, n))
	return b[:len(b)-n]
}

// Of PKCS#7, all that leads to the certificates is read strictly: what is there
// in another way may hold other certificates for other readers.
func TestPKCS7(t *testing.T) {
	c, d := pairA().Cert(), pairB().Cert()
	damaged := c.DER()
	damaged[400] ^= 1
	signedData := derOID("1.2.840.113549.1.7.2")
	version, digests, data := []byte{2, 1, 1}, der(0x31), der(0x30, derOID("1.2.840.113549.1.7.1"))
	list := der(0xa0, c.DER(), d.DER())
	info := func(content []byte, more ...[]byte) []byte {
		return der(0x30, append([][]byte{signedData, content}, more...)...)
	}
	signed := func(parts ...[]byte) []byte { return info(der(0xa0, der(0x30, parts...))) }
	const odd, none = "PKCS#7 that cannot be read", "PKCS#7 without certificates"
	for _, test := range []struct {
		name string
		in   []byte
		want string // in the error; or nothing
	}{
		{"two", signed(version, digests, data, list, der(0x31)), ""},
		{"nothing behind the certificates", signed(version, digests, data, list), ""},
		{"no content", der(0x30, signedData), odd},
		{"content of another tag", info(der(0xa1, der(0x30, version, digests, data, list))), odd},
		{"content cut off", info(short(0xa0, 1, der(0x30, version, digests, data, list))), odd},
		{"more behind the content", info(der(0xa0, der(0x30, version, digests, data, list)), derNull), odd},
		{"empty content", info(der(0xa0)), odd},
		{"a SET", info(der(0xa0, der(0x31, version, digests, data, list))), odd},
		{"signed data cut off", info(der(0xa0, short(0x30, 1, slices.Concat(version, digests, data, list)))), odd},
		{"more behind signed data", info(der(0xa0, der(0x30, version, digests, data, list), derNull)), odd},
		{"no parts", signed(), odd},
		{"no version", signed(digests, data, list), odd},
		{"no digests", signed(version, data, list), odd},
		{"no data", signed(version, digests, list), odd},
		{"data cut off", signed(version, digests, short(0x30, 1, derOID("1.2.840.113549.1.7.1"))), odd},
		{"no certificates", signed(version, digests, data), none},
		{"signers instead", signed(version, digests, data, der(0x31)), none},
		{"an empty list", signed(version, digests, data, der(0xa0)), none},
		{"the list cut off", signed(version, digests, data, short(0xa0, 1, slices.Concat(c.DER(), d.DER()))), none},
		{"a SET in the list", signed(version, digests, data, der(0xa0, c.DER(), der(0x31, []byte{2, 1, 1}))), odd},
		{"half a byte in the list", signed(version, digests, data, der(0xa0, c.DER(), []byte{0x30})), odd},
		{"a certificate cut off", signed(version, digests, data, der(0xa0, c.DER(), d.DER()[:300])), odd},
		{"a damaged certificate", signed(version, digests, data, der(0xa0, c.DER(), damaged)), "signature does not verify"},
	} {
		cs, err := certs.Parse(test.in)
		if test.want == "" && (err != nil || !slices.Equal(cs, []certs.Cert{c, d})) {
			t.Errorf("%s: %v, %v; want both", test.name, cs, err)
		}
		if test.want != "" && (err == nil || len(cs) > 0 || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, %v; want %q", test.name, cs, err, test.want)
		}
	}
	two := slices.Concat(signed(version, digests, data, der(0xa0, c.DER())), d.DER())
	if cs, err := certs.Parse(two); err != nil || !slices.Equal(cs, []certs.Cert{c, d}) {
		t.Errorf("PKCS#7 and a certificate: %v, %v", cs, err)
	}
}

// An error says how much is missing or too much: that shows which piece of a
// paste was lost.
func TestMissingAndTrailing(t *testing.T) {
	c, d := pairA().Cert().DER(), pairB().Cert().DER()
	csr := der(0x30, der(0x30, derInt(big.NewInt(0)), der(0x30)))
	unreadable := unsigned(spkiOf("1.2.840.113549.1.1.1", derNull, []byte("no key"))).build()
	for _, test := range []struct {
		name              string
		in                []byte
		found             certs.Kind
		missing, trailing int
		text              string
	}{
		{"100 missing", c[:len(c)-100], certs.KindTruncated, 100, 0, "100 of "},
		{"1 missing", c[:len(c)-1], certs.KindTruncated, 1, 0, "1 of "},
		{"100 missing of the second", slices.Concat(d, c[:len(c)-100]), certs.KindTruncated, 100, 0, "100 of "},
		{"1 behind", append(bytes.Clone(c), '\n'), certs.KindTrailingData, 0, 1, "1 bytes follow"},
		{"4 behind the second", slices.Concat(c, d, []byte{1, 2, 3, 4}), certs.KindTrailingData, 0, 4, "4 bytes follow"},
		{"a request behind", slices.Concat(c, csr), certs.KindTrailingData, 0, len(csr), ""},
		{"PKCS#7 cut off", pkcs7(c)[:500], certs.KindTruncated, len(pkcs7(c)) - 500, 0, ""},
		{"a key behind", slices.Concat(c, der(0x30, derInt(big.NewInt(0)), der(0x30, derOID("1.2.840.113549.1.1.1")))), certs.KindPrivateKey, 0, 0, ""},
		{"an encrypted key behind", slices.Concat(c, der(0x30, der(0x30, derOID("1.2.840.113549.1.5.13")), der(4, c[:100]))), certs.KindPrivateKey, 0, 0, ""},
		{"unreadable", unreadable, certs.KindUnreadable, 0, 0, ""},
		{"unreadable, and more", slices.Concat(unreadable, []byte{1, 2, 3}), certs.KindTrailingData, 0, 3, ""},
		{"unreadable, and another", slices.Concat(unreadable, c), certs.KindUnreadable, 0, 0, ""},
		{"indefinite length", slices.Concat([]byte{0x30, 0x80}, c), certs.KindNotCertificate, 0, 0, "BER of indefinite length"},
		{"unknown", der(0x30, bytes.Repeat([]byte{0x0c, 0}, 100)), certs.KindNotCertificate, 0, 0, ""},
	} {
		_, err := certs.Parse(test.in)
		var perr *certs.ParseError
		if !errors.As(err, &perr) {
			t.Errorf("%s: %v; want a ParseError", test.name, err)
			continue
		}
		if key := perr.Found == certs.KindEncryptedPrivateKey && test.found == certs.KindPrivateKey; perr.Found != test.found && !key {
			t.Errorf("%s: %v; want %q", test.name, err, test.found)
		}
		if perr.Missing != test.missing || perr.Trailing != test.trailing || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %d missing, %d trailing: %v", test.name, perr.Missing, perr.Trailing, err)
		}
		if strings.Contains(err.Error(), "BER") != strings.HasPrefix(test.name, "indefinite") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
