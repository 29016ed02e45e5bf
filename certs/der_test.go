package certs

import (
	"strings"
	"testing"
)

// tlv is an element of DER that is as long as it says.
func tlv(tag byte, parts ...string) string {
	body := strings.Join(parts, "")
	return header(tag, len(body)) + body
}

// header is the beginning of an element, whose body is n bytes.
func header(tag byte, n int) string {
	switch {
	case n < 0x80:
		return string([]byte{tag, byte(n)})
	case n < 0x100:
		return string([]byte{tag, 0x81, byte(n)})
	}
	return string([]byte{tag, 0x82, byte(n >> 8), byte(n)})
}

// Only what is DER is read as such: a length that could be written shorter, or
// that is indefinite, would be another certificate for other readers.
func TestReadElement(t *testing.T) {
	for _, test := range []struct {
		in               string
		ok               bool
		head, size, body int
		rest             string
	}{
		{"", false, 0, 0, 0, ""},
		{"\x30", false, 0, 0, 0, ""},
		{"\x02\x00", true, 2, 0, 0, ""},
		{"\x02\x00\x05", true, 2, 0, 0, "\x05"},
		{"\x02\x01\x05\x06\x07", true, 2, 1, 1, "\x06\x07"},
		{"\x02\x03\x05", true, 2, 3, 1, ""},
		{"\x1e\x01\x05", true, 2, 1, 1, ""},
		{"\x20\x01\x05", true, 2, 1, 1, ""},
		{"\x1f\x01\x05", false, 0, 0, 0, ""},
		{"\xbf\x01\x05", false, 0, 0, 0, ""},
		{"\x30\x7f\x05", true, 2, 127, 1, ""},
		{"\x30\x80\x05\x00\x00", false, 0, 0, 0, ""},
		{"\x30\x81", false, 0, 0, 0, ""},
		{"\x30\x81\x7f\x05", false, 0, 0, 0, ""},
		{"\x30\x81\x80", true, 3, 128, 0, ""},
		{"\x30\x81\x81\x05", true, 3, 129, 1, ""},
		{"\x30\x82\x01", false, 0, 0, 0, ""},
		{"\x30\x82\x00\x80\x05", false, 0, 0, 0, ""},
		{"\x30\x82\x00\xff\x05", false, 0, 0, 0, ""},
		{"\x30\x82\x01\x02\x05\x06", true, 4, 258, 2, ""},
		{"\x30\x82\x01\x00" + strings.Repeat("x", 256) + "yz", true, 4, 256, 256, "yz"},
		{"\x30\x83\x01\x02\x03\x05", true, 5, 66051, 1, ""},
		{"\x30\x83\x00\xff\xff\x05", false, 0, 0, 0, ""},
		{"\x30\x84\x40\x00\x00\x00\x05", true, 6, 1 << 30, 1, ""},
		{"\x30\x84\x40\x00\x00\x01\x05", false, 0, 0, 0, ""},
		{"\x30\x84\xff\xff\xff\xff\x05", false, 0, 0, 0, ""},
		{"\x30\x85\x01\x00\x00\x00\x00\x05", false, 0, 0, 0, ""},
		{"\x30\xff\x01", false, 0, 0, 0, ""},
	} {
		e, rest, ok := readElement([]byte(test.in))
		if ok != test.ok {
			t.Errorf("%x: ok = %v", test.in, ok)
			continue
		}
		if !ok {
			if len(e.body)+len(rest) > 0 {
				t.Errorf("%x: not ok, but body %x, rest %x", test.in, e.body, rest)
			}
			continue
		}
		if e.tag != test.in[0] || e.head != test.head || e.size != test.size || len(e.body) != test.body || string(rest) != test.rest {
			t.Errorf("%x: %+v, rest %x", test.in, e, rest)
		}
		if e.whole() != (test.body == test.size) {
			t.Errorf("%x: whole = %v", test.in, e.whole())
		}
	}
}

// Text is not taken for binary, though base64 and numbers may begin with the
// digit 0.
func TestLooksDER(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "0": false, "\x30\x80": true, "\x30\x81x": true, "\x30\x82": true, "\x30\x84xyz": true, "\x30\x85xyz": false, "\x30\xff": false, "\x30\x7f": false,
		"\x30\x00": true, "\x30\x00x": false, "\x30\x01x": true, "\x30\x01": false, "\x30\x01xy": false, "\x31\x82": false, "\x31\x00": false, "x": false,
		"0" + strings.Repeat("A", 66): true, "0" + strings.Repeat("A", 65): false, "0" + strings.Repeat("A", 67): false,
	} {
		if got := looksDER([]byte(in)); got != want {
			t.Errorf("looksDER(%q) = %v", in, got)
		}
	}
}

// What was passed in place of a certificate is named rightly, even if it is cut
// off: a private key above all, which must never be taken for something to show.
func TestDERKind(t *testing.T) {
	oid, integer, null, utc := tlv(6, "\x2a\x03\x04"), tlv(2, "\x01"), tlv(5), tlv(0x17, "250101000000Z")
	alg, name := tlv(0x30, oid), tlv(0x30, tlv(0x31, tlv(0x30, oid)))
	version := func(n byte) string { return tlv(2, string([]byte{n})) }
	for _, test := range []struct {
		name string
		in   string
		want Kind
	}{
		{"nothing", "", KindNotCertificate},
		{"one byte", "\x30", KindNotCertificate},
		{"empty", tlv(0x30), KindNotCertificate},
		{"a SET", tlv(0x31, tlv(0x30, tlv(0xa0, version(2)))), KindNotCertificate},
		{"another SET", tlv(0x31, version(0), alg), KindNotCertificate},
		{"a string", tlv(0x30, tlv(0x0c, "x")), KindNotCertificate},

		{"certificate", tlv(0x30, tlv(0x30, tlv(0xa0, version(2)), integer, alg)), ""},
		{"certificate of version 1", tlv(0x30, tlv(0x30, integer, alg, name, tlv(0x30, utc, utc), name), alg), ""},
		{"certificate of version 1, cut off behind the algorithm", tlv(0x30, tlv(0x30, integer, alg)), ""},
		{"certificate of version 1, cut off behind the issuer", tlv(0x30, tlv(0x30, integer, alg, name)), ""},
		{"CRL", tlv(0x30, tlv(0x30, version(1), alg, name, utc, utc)), KindCRL},
		{"CRL with the other time", tlv(0x30, tlv(0x30, version(1), alg, name, tlv(0x18, "20500101000000Z"))), KindCRL},
		{"CRL of version 1", tlv(0x30, tlv(0x30, alg, name, utc)), KindCRL},
		{"no CRL of version 1", tlv(0x30, tlv(0x30, tlv(0x30, integer))), KindNotCertificate},
		{"no CRL of version 1: empty", tlv(0x30, tlv(0x30, tlv(0x30))), KindNotCertificate},
		{"CSR", tlv(0x30, tlv(0x30, version(0), name)), KindCSR},
		{"CSR without a subject", tlv(0x30, tlv(0x30, version(0), tlv(0x30), alg)), KindCSR},
		{"two numbers", tlv(0x30, tlv(0x30, integer, integer)), KindNotCertificate},
		{"a number", tlv(0x30, tlv(0x30, integer)), KindNotCertificate},
		{"a number and an algorithm that is a SET", tlv(0x30, tlv(0x30, integer, tlv(0x31, oid))), KindNotCertificate},
		{"an empty SEQUENCE", tlv(0x30, tlv(0x30), tlv(3)), KindNotCertificate},
		{"public key", tlv(0x30, alg, tlv(3, "\x00x")), KindPublicKey},
		{"encrypted private key", tlv(0x30, alg, tlv(4, "x")), KindEncryptedPrivateKey},
		{"an algorithm and NULL", tlv(0x30, alg, null), KindNotCertificate},
		{"an algorithm", tlv(0x30, alg), KindNotCertificate},

		{"signed data", tlv(0x30, tlv(6, oidSignedData)), oidSignedData},
		{"other data of PKCS#7", tlv(0x30, tlv(6, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")), KindNotCertificate},
		{"PKCS#12", tlv(0x30, version(3), tlv(0x30)), KindPKCS12},
		{"3 and no SEQUENCE", tlv(0x30, version(3), integer), KindNotCertificate},
		{"4 and a SEQUENCE", tlv(0x30, version(4), tlv(0x30)), KindNotCertificate},
		{"2 and an algorithm", tlv(0x30, version(2), alg), KindNotCertificate},
		{"public RSA key", tlv(0x30, tlv(2, "\x00\xff"), integer), KindPublicKey},
		{"longer public RSA key", tlv(0x30, tlv(2, "\x00\xff\xff"), integer), KindPublicKey},
		{"a long number and a SEQUENCE", tlv(0x30, tlv(2, "\x00\xff"), alg), KindNotCertificate},

		{"PKCS#8", tlv(0x30, version(0), alg, tlv(4)), KindPrivateKey},
		{"PKCS#8 of version 1", tlv(0x30, version(1), alg), KindPrivateKey},
		{"PKCS#8 with a string", tlv(0x30, version(0), tlv(0x30, tlv(4, "\x2a\x03\x04"))), KindNotCertificate},
		{"PKCS#8 with an empty algorithm", tlv(0x30, version(0), tlv(0x30)), KindNotCertificate},
		{"OID of 2 bytes", tlv(0x30, version(0), tlv(0x30, header(6, 2))), KindNotCertificate},
		{"OID of 3 bytes", tlv(0x30, version(0), tlv(0x30, header(6, 3))), KindPrivateKey},
		{"OID of 16 bytes", tlv(0x30, version(0), tlv(0x30, header(6, 16))), KindPrivateKey},
		{"OID of 17 bytes", tlv(0x30, version(0), tlv(0x30, header(6, 17))), KindNotCertificate},
		{"modulus of 31 bytes", tlv(0x30, version(0), header(2, 31)), KindNotCertificate},
		{"modulus of 32 bytes", tlv(0x30, version(0), header(2, 32)), KindPrivateKey},
		{"modulus of 4096 bytes", tlv(0x30, version(0), header(2, 4096)), KindPrivateKey},
		{"modulus of 4097 bytes", tlv(0x30, version(0), header(2, 4097)), KindNotCertificate},
		{"key of 13 bytes", tlv(0x30, version(1), header(4, 13)), KindNotCertificate},
		{"key of 14 bytes", tlv(0x30, version(1), header(4, 14)), KindPrivateKey},
		{"key of 72 bytes", tlv(0x30, version(1), header(4, 72)), KindPrivateKey},
		{"key of 73 bytes", tlv(0x30, version(1), header(4, 73)), KindNotCertificate},
		{"version 2 of RSA", tlv(0x30, version(2), header(2, 256)), KindNotCertificate},
		{"a number and a string", tlv(0x30, version(0), tlv(0x0c, strings.Repeat("x", 40))), KindNotCertificate},
		{"a number alone", tlv(0x30, version(0)), KindNotCertificate},
	} {
		if got := derKind([]byte(test.in)); got != test.want {
			t.Errorf("%s: %q; want %q", test.name, got, test.want)
		}
	}
}

// Base64 that ends within a certificate, or goes on behind one, is not one
// certificate.
func TestIsCertificate(t *testing.T) {
	cert := tlv(0x30, tlv(0x30, tlv(0xa0, tlv(2, "\x02"))), tlv(0x30), tlv(3))
	for name, test := range map[string]struct {
		in   string
		want bool
	}{
		"whole":     {cert, true},
		"cut off":   {cert[:len(cert)-1], false},
		"and more":  {cert + "\x00", false},
		"and a CSR": {tlv(0x30, tlv(0x30, tlv(2, "\x00"), tlv(0x30))), false},
		"nothing":   {"", false},
	} {
		if got := isCertificate([]byte(test.in)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The three elements of a certificate are all of it: what stands behind them
// is signed by nobody.
func TestThreeParts(t *testing.T) {
	part := tlv(0x30, "xx")
	for n := range 6 {
		if got := threeParts([]byte(tlv(0x30, strings.Repeat(part, n)))); got != (n <= 3) {
			t.Errorf("%d elements: %v", n, got)
		}
	}
	if threeParts([]byte(tlv(0x30, part, part, part, "\x00"))) {
		t.Error("a byte behind three elements passes")
	}
}
