package certs_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/certs"
)

// Each benchmark has a floor beside it: what the standard library, or etree and
// goxmldsig, take for the same bytes. The budget is the quotient of the two:
//
//	ParseOne        1.2
//	ParseMetadata   1.1
//	VerifyMetadata  1.25, of etree and goxmldsig alone, which are its second opinion;
//	                its own verdict 2, of a pass that looks for nothing wrong
//
// On a machine that does other things, compare the minima of several runs:
//
//	go test -run=- -bench=. -count=10 ./certs

// parseFloor is what a certificate costs at least: parsing, and the check of
// its own signature.
func parseFloor(b *testing.B, der []byte) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	if err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkParseOne(b *testing.B) {
	for _, c := range []struct {
		name string
		cert certs.Cert
	}{
		{"rsa2048", pairA().Cert()},
		{"rsa4096", mustCert(b, fixture(b, "jumpcloud-2024.pem"))},
	} {
		for _, form := range []struct {
			name  string
			in    []byte
			floor func([]byte) []byte
		}{
			{"pem", c.cert.PEM(), func(in []byte) []byte { block, _ := pem.Decode(in); return block.Bytes }},
			{"der", c.cert.DER(), func(in []byte) []byte { return in }},
			{"wrapped", []byte(fold(c.cert.Base64(), 64, "\r\n")), func(in []byte) []byte {
				der, err := base64.StdEncoding.DecodeString(string(in)) // passes over line ends
				if err != nil {
					b.Fatal(err)
				}
				return der
			}},
		} {
			b.Run(c.name+"/"+form.name+"/certs", func(b *testing.B) {
				for b.Loop() {
					if _, err := certs.ParseOne(form.in); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(c.name+"/"+form.name+"/floor", func(b *testing.B) {
				for b.Loop() {
					parseFloor(b, form.floor(form.in))
				}
			})
		}
	}
}

func mustCert(tb testing.TB, in []byte) certs.Cert {
	tb.Helper()
	c, err := certs.ParseOne(in)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// aggregate is metadata of n providers with one certificate each.
func aggregate(n int, c certs.Cert) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<md:EntitiesDescriptor ` + mdNS + ` xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_1a2b">`)
	for i := range n {
		b.WriteString(fmt.Sprintf(`<md:EntityDescriptor entityID="https://idp%d.example.com/idp">`, i) +
			idpRole("", "\n  "+keyDescriptor(`use="signing"`, c)+"\n  <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n  "+
				sso(certs.BindingHTTPPost, "https://idp.example.com/idp/profile/SAML2/POST/SSO")+"\n"+
				sso(certs.BindingHTTPRedirect, "https://idp.example.com/idp/profile/SAML2/Redirect/SSO")) +
			`<md:Organization><md:OrganizationName xml:lang="en">Example &amp; Sons</md:OrganizationName></md:Organization></md:EntityDescriptor>` + "\n")
	}
	b.WriteString(`</md:EntitiesDescriptor>`)
	return b.String()
}

func BenchmarkParseMetadata(b *testing.B) {
	floor := func(b *testing.B, doc []byte) *etree.Document {
		d := etree.NewDocument()
		if err := d.ReadFromBytes(doc); err != nil {
			b.Fatal(err)
		}
		return d
	}
	for _, test := range []struct {
		name string
		cert certs.Cert
	}{
		{"rsa2048", pairA().Cert()},
		{"rsa4096", mustCert(b, fixture(b, "jumpcloud-2024.pem"))},
	} {
		doc := []byte(jumpCloudMetadata(test.cert.Base64()))
		b.Run(test.name+"/certs", func(b *testing.B) {
			for b.Loop() {
				if _, err := certs.ParseMetadata(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
		// The whole floor: the tree, and the certificate that is in it.
		b.Run(test.name+"/floor", func(b *testing.B) {
			for b.Loop() {
				text := floor(b, doc).FindElement("//X509Certificate").Text()
				der, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					b.Fatal(err)
				}
				parseFloor(b, der)
			}
		})
		b.Run(test.name+"/etree alone", func(b *testing.B) {
			for b.Loop() {
				floor(b, doc)
			}
		})
	}
	agg := []byte(aggregate(1000, pairA().Cert()))
	b.Run("aggregate/certs", func(b *testing.B) {
		b.SetBytes(int64(len(agg)))
		for b.Loop() {
			if _, err := certs.ParseMetadataFor(agg, "https://idp500.example.com/idp"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aggregate/stream", func(b *testing.B) {
		b.SetBytes(int64(len(agg)))
		for b.Loop() {
			if _, err := certs.ReadMetadataFor(bytes.NewReader(agg), "https://idp500.example.com/idp"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aggregate/floor", func(b *testing.B) {
		b.SetBytes(int64(len(agg)))
		for b.Loop() {
			floor(b, agg)
		}
	})
}

// took is the processor time that the process has had.
func took(tb testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// plainly is what who has goxmldsig alone does with a signed document.
func plainly(doc []byte, signer *x509.Certificate) error {
	d := etree.NewDocument()
	if err := d.ReadFromBytes(doc); err != nil {
		return err
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{signer}})
	ctx.Clock = dsig.NewFakeClockAt(signer.NotBefore.Add(time.Hour))
	_, err := ctx.Validate(d.Root())
	return err
}

// BenchmarkVerifyMetadata shows the whole, this package's own verdict within it,
// goxmldsig alone with the parsing of etree, and the floor, in turns: processor
// time of each, the whole as a multiple of goxmldsig's, and the verdict as one of
// the floor.
func BenchmarkVerifyMetadata(b *testing.B) {
	s := rsaSigner()
	for _, test := range []struct {
		name, doc, id string
	}{
		{"one", s.sign(signable(pairA().Cert()), ""), ""},
		{"rsa4096", s.sign(signable(mustCert(b, fixture(b, "jumpcloud-2024.pem"))), ""), ""},
		{"aggregate", s.sign(aggregate(100, pairA().Cert()), ""), "https://idp50.example.com/idp"},
	} {
		doc, verdict, floor := []byte(test.doc), certs.Verdict(s.cert), certs.Floor(s.cert)
		runs := []struct {
			name string
			run  func() error
		}{
			{"whole", func() error {
				_, err := certs.VerifyMetadataWith(doc, []certs.Cert{s.cert}, &certs.VerifyOptions{EntityID: test.id})
				return err
			}},
			{"goxmldsig", func() error { return plainly(doc, s.cert.X509()) }},
			{"verdict", func() error { return verdict(doc) }},
			{"floor", func() error { return floor(doc) }},
		}
		b.Run(test.name, func(b *testing.B) {
			times := max(1, 400_000/len(doc)) // together they take long enough to be measured
			var each [4]time.Duration
			for b.Loop() {
				for i, r := range runs {
					runtime.GC() // who made the garbage has it collected, not the next
					from := took(b)
					for range times {
						if err := r.run(); err != nil {
							b.Fatalf("%s: %v", r.name, err)
						}
					}
					each[i] += took(b) - from
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, r := range runs {
				b.ReportMetric(float64(each[i].Microseconds())/float64(times*b.N), r.name+"-µs")
			}
			b.ReportMetric(float64(each[0])/float64(each[1]), "whole/goxmldsig")
			b.ReportMetric(float64(each[2])/float64(each[3]), "verdict/floor")
		})
	}
}
