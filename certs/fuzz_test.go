package certs_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

// checkCert checks the laws of a certificate that was read.
func checkCert(t *testing.T, c certs.Cert) {
	t.Helper()
	if c.IsZero() || c.X509() == nil {
		t.Fatal("a certificate without content")
	}
	for _, b := range [][]byte{c.DER(), c.PEM(), []byte(c.Base64()), []byte(fold(c.Base64(), 64, "\r\n"))} {
		got, err := certs.ParseOne(b)
		if err != nil || got != c {
			t.Fatalf("ParseOne(%q) = %v, %v; want %v", b, got, err, c)
		}
	}
	if s, err := certs.Normalize([]byte(c.Base64())); err != nil || s != c.Base64() {
		t.Fatalf("Normalize(%q) = %q, %v", c.Base64(), s, err)
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var perr *certs.ParseError
	if !errors.As(err, &perr) || perr.Found == "" {
		t.Fatalf("%T is not a ParseError that says what was found", err)
	}
	checkErrorText(t, err)
}

func FuzzParse(f *testing.F) {
	c, err := certs.ParseOne(fixture(f, "jumpcloud-2024.pem"))
	if err != nil {
		f.Fatal(err)
	}
	for _, form := range acceptable(c) {
		f.Add(form.b)
	}
	f.Add(pkcs7(c.DER(), c.DER()))
	f.Add(pairA().PrivateKeyPEM())
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		cs, err := certs.Parse(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the input was changed")
		}
		one, oneErr := certs.ParseOne(b)
		if err != nil {
			checkError(t, err)
			if len(cs) > 0 || oneErr == nil {
				t.Fatal("certificates beside an error")
			}
			return
		}
		if len(cs) == 0 || (len(cs) == 1) != (oneErr == nil) || oneErr == nil && one != cs[0] {
			t.Fatalf("Parse = %v, but ParseOne = %v, %v", cs, one, oneErr)
		}
		for i, c := range cs {
			if slices.Contains(cs[:i], c) {
				t.Fatal("a certificate twice")
			}
			checkCert(t, c)
		}
		var all []byte
		for _, c := range cs {
			all = append(all, c.PEM()...)
		}
		if again, err := certs.Parse(all); err != nil || !slices.Equal(again, cs) {
			t.Fatalf("Parse of what Parse returned = %v, %v", again, err)
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(fixture(f, "metadata.xml"), "urn:uri:example.com")
	f.Add(fixture(f, "signed.xml"), "urn:uri:example.com")
	for _, doc := range illFormed {
		if len(doc) < 4096 {
			f.Add([]byte(doc), "x")
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, id string) {
		md, err := certs.ParseMetadata(b)
		if err != nil {
			checkError(t, err)
		} else {
			if md.EntityID == "" || len(md.SigningCerts) == 0 {
				t.Fatalf("incomplete metadata %v", md)
			}
			for _, c := range md.SigningCerts {
				if ps := c.Check(now); len(ps) == 0 || !slices.ContainsFunc(ps, func(p certs.Problem) bool { return p.Code == certs.CodeDamaged }) {
					checkCert(t, c)
				}
			}
			if got, err := certs.ParseMetadataFor(b, md.EntityID); err != nil || !cmp.Equal(got, md) {
				t.Fatalf("ParseMetadataFor = %v, %v; want %v", got, err, md)
			}
			id = md.EntityID
		}
		if len(b) == 0 || b[0] != '<' {
			return
		}
		got, err := certs.ParseMetadataFor(b, id)
		stream, serr := certs.ReadMetadataFor(iotest.HalfReader(bytes.NewReader(b)), id)
		if (err == nil) != (serr == nil) || err == nil && !cmp.Equal(stream, got) {
			// What is recognised before the scan has no counterpart in a stream.
			if k := found(err); k != certs.KindPrivateKey && k != certs.KindHTML {
				t.Fatalf("ReadMetadataFor = %v, %v; ParseMetadataFor = %v, %v", stream, serr, got, err)
			}
		}
		if err == nil {
			// Whatever the scanner takes, encoding/xml takes.
			dec := xml.NewDecoder(bytes.NewReader(b))
			dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
			for {
				if _, err := dec.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("encoding/xml refuses it: %v", err)
				}
			}
		}
	})
}

func FuzzVerifyMetadata(f *testing.F) {
	signed := fixture(f, "signed.xml")
	trusted, err := certs.ParseOne(fixture(f, "signer.pem"))
	if err != nil {
		f.Fatal(err)
	}
	want, err := certs.VerifyMetadata(signed, trusted)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	for _, attack := range wrappings(string(signed)) {
		f.Add([]byte(attack.doc))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := certs.VerifyMetadata(b, trusted)
		if err != nil {
			checkError(t, err)
			return
		}
		// The key has signed one document only.
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("what was not signed was accepted (-signed +accepted):\n%s", diff)
		}
	})
}
