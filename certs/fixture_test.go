package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/certs"
)

var update = flag.Bool("update", false, "make the files in testdata anew")

// signer makes enveloped signatures.
type signer struct {
	key  crypto.Signer
	cert certs.Cert
}

var (
	rsaSigner = sync.OnceValue(func() signer { return newSigner(2048) })
	rsaOther  = sync.OnceValue(func() signer { return newSigner(2048) })
	ecSigner  = sync.OnceValue(func() signer { return newSigner(0) })
)

// newSigner makes an RSA key of the given length, or an ECDSA key for 0.
func newSigner(bits int) signer {
	var key crypto.Signer
	var err error
	if bits > 0 {
		key, err = rsa.GenerateKey(rand.Reader, bits)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "federation operator"},
		NotBefore: now.AddDate(-3, 0, 0), NotAfter: now.AddDate(-2, 0, 0)} // expired: dates are not judged
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		panic(err)
	}
	return signer{key, c}
}

// sign signs the root element of a document, with the Signature as its first
// child and xmlsec's form of ECDSA signatures.
func (s signer) sign(doc, method string) string {
	d := etree.NewDocument()
	if err := d.ReadFromString(doc); err != nil {
		panic(err)
	}
	ctx, err := dsig.NewSigningContext(s.key, [][]byte{s.cert.DER()})
	if err != nil {
		panic(err)
	}
	if method != "" {
		if err := ctx.SetSignatureMethod(method); err != nil {
			panic(err)
		}
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	sig, err := ctx.ConstructSignature(d.Root(), true)
	if err != nil {
		panic(err)
	}
	if pub, ok := s.key.Public().(*ecdsa.PublicKey); ok {
		value := sig.FindElement("./SignatureValue")
		der, err := base64.StdEncoding.DecodeString(value.Text())
		if err != nil {
			panic(err)
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			panic(err)
		}
		n := (pub.Curve.Params().BitSize + 7) / 8
		raw := append(rs.R.FillBytes(make([]byte, n)), rs.S.FillBytes(make([]byte, n))...)
		value.SetText(base64.StdEncoding.EncodeToString(raw))
	}
	d.Root().InsertChildAt(0, sig)
	out, err := d.WriteToString()
	if err != nil {
		panic(err)
	}
	return out
}

// signable is metadata with an ID to refer to.
func signable(c certs.Cert) string {
	return strings.Replace(jumpCloudMetadata(c.Base64()), "<md:EntityDescriptor ", `<md:EntityDescriptor ID="_1a2b" validUntil="2030-01-02T03:04:05Z" `, 1)
}

// jumpCloudCert makes a certificate as JumpCloud does: RSA-4096, five years,
// a serial number of 21 octets; and, as it did until 2022, an extension list
// that is there and empty, which crypto/x509 would not write.
func jumpCloudCert(emptyExtensions bool) []byte {
	key, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		panic(err)
	}
	serial := new(big.Int).Lsh(big.NewInt(0xe37bf9e8), 128)
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{Country: []string{"US"}, Province: []string{"CO"}, Locality: []string{"Boulder"}, Organization: []string{"Example"},
			OrganizationalUnit: []string{"JumpCloudSAMLIdP"}, CommonName: "JumpCloudSAMLUser"},
		NotBefore: time.Date(2024, 10, 29, 17, 58, 59, 0, time.UTC), NotAfter: time.Date(2029, 10, 29, 17, 58, 59, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	if emptyExtensions {
		var outer struct {
			TBS asn1.RawValue
			Alg asn1.RawValue
			Sig asn1.BitString
		}
		if _, err := asn1.Unmarshal(der, &outer); err != nil {
			panic(err)
		}
		outer.TBS.FullBytes, err = asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true,
			Bytes: append(bytes.Clone(outer.TBS.Bytes), 0xa3, 2, 0x30, 0)})
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(outer.TBS.FullBytes)
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		outer.Sig = asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}
		if der, err = asn1.Marshal(outer); err != nil {
			panic(err)
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestUpdate makes the fixtures. Their private keys are thrown away.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join("testdata", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, current := jumpCloudCert(true), jumpCloudCert(false)
	write("jumpcloud-2021.pem", old)
	write("jumpcloud-2024.pem", current)
	c, err := certs.ParseOne(current)
	if err != nil {
		t.Fatal(err)
	}
	write("metadata.xml", []byte(jumpCloudMetadata(c.Base64())))
	s := rsaSigner()
	write("signer.pem", s.cert.PEM())
	write("signed.xml", []byte(s.sign(signable(c), "")))
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
