package certs_test

import (
	"bytes"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// exampleFile reads a file of the examples.
func exampleFile(name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		panic(err)
	}
	return b
}

func ExampleNormalize() {
	pasted := exampleFile("signer.pem")
	signing, err := certs.Normalize(pasted)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signing[:40] + "…")
	// Output:
	// MIICtTCCAZ2gAwIBAgIBBzANBgkqhkiG9w0BAQsF…
}

func ExampleNormalize_wrong() {
	_, err := certs.Normalize([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFq root@idp"))
	fmt.Println(err)
	// Output:
	// certs: found an SSH key: SSH keys have no certificate: export the certificate as PEM or base64
}

func ExampleParse() {
	bundle := append(exampleFile("jumpcloud-2021.pem"), exampleFile("signer.pem")...)
	cs, err := certs.Parse(bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range cs {
		fmt.Println(c)
	}
	// Output:
	// CN=JumpCloudSAMLUser,OU=JumpCloudSAMLIdP,O=Example,L=Boulder,ST=CO,C=US (thumbprint AA4423FAF5603886BEF2772A9F2AF0A341938D04, expires 2029-10-29)
	// CN=federation operator (thumbprint 2EA66DC8121CF5BC8FBD7FBFE465F8FB9E088045, expires 2024-03-01)
}

func ExampleParseOne() {
	pem := exampleFile("signer.pem")
	cut := pem[:len(pem)/2]
	_, err := certs.ParseOne(cut)
	var perr *certs.ParseError
	if errors.As(err, &perr) && perr.Found == certs.KindTruncated {
		fmt.Println(perr.Missing, "bytes are missing")
	}
	fmt.Println(err)
	// Output:
	// 349 bytes are missing
	// certs: found a truncated certificate: 349 of 697 bytes are missing: copy it again, from the first to the last character
}

func ExampleCert_Check() {
	c, err := certs.ParseOne(exampleFile("signer.pem"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range c.Check(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
		fmt.Println(p)
	}
	// Output:
	// error: the certificate expired on 2024-03-01: make a new one in JumpCloud [expired]
}

func ExampleParseMetadata() {
	md, err := certs.ParseMetadata(exampleFile("metadata.xml"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("issuer:", md.EntityID)
	if e, ok := md.Endpoint(certs.BindingHTTPPost); ok {
		fmt.Println("log-in:", e.Location)
	}
	fmt.Println("certificates:", len(md.SigningCerts))
	// Output:
	// issuer: urn:uri:example.com
	// log-in: https://sso.jumpcloud.com/saml2/office365
	// certificates: 1
}

func ExampleParseMetadataFor() {
	_, err := certs.ParseMetadataFor(exampleFile("metadata.xml"), "urn:uri:example.org")
	fmt.Println(err)
	// Output:
	// certs: found metadata without the entity that was asked for (urn:uri:example.com): "urn:uri:example.org" is not among the entities, of which there are 1
}

func ExampleReadMetadataFor() {
	stream := bytes.NewReader(exampleFile("metadata.xml")) // say, the body of a response
	md, err := certs.ReadMetadataFor(stream, "urn:uri:example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(md.NameIDFormats)
	// Output:
	// [urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified]
}

func ExampleVerifyMetadata() {
	operator, err := certs.ParseOne(exampleFile("signer.pem"))
	if err != nil {
		fmt.Println(err)
		return
	}
	signed := exampleFile("signed.xml")
	md, err := certs.VerifyMetadata(signed, operator)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(md.EntityID, "until", md.ValidUntil.Format(time.DateOnly))

	forged := bytes.Replace(signed, []byte("sso.jumpcloud.com"), []byte("sso.example.net"), 1)
	_, err = certs.VerifyMetadata(forged, operator)
	var perr *certs.ParseError
	fmt.Println(errors.As(err, &perr) && perr.Found == certs.KindBadSignature)
	// Output:
	// urn:uri:example.com until 2030-01-02
	// true
}

func ExampleVerifyMetadataWith() {
	operator, err := certs.ParseOne(exampleFile("signer.pem"))
	if err != nil {
		fmt.Println(err)
		return
	}
	md, err := certs.VerifyMetadataWith(exampleFile("signed.xml"), []certs.Cert{operator}, &certs.VerifyOptions{EntityID: "urn:uri:example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(md.EntityID)
	// Output:
	// urn:uri:example.com
}

func ExampleNewKeyPair() {
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	pair, err := certs.NewKeyPair(
		pkix.Name{Organization: []string{"Example"}, CommonName: "Microsoft 365, 2026"},
		certs.Lifetime{NotBefore: from, NotAfter: from.AddDate(5, 0, 0)},
		2048,
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pair.Cert().X509().Subject)
	fmt.Println(pair.Cert().Check(from) == nil, len(pair.PrivateKeyPEM()) > 0)
	// Output:
	// CN=Microsoft 365\, 2026,O=Example
	// true true
}

func ExampleParseKeyPair() {
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	made, err := certs.NewKeyPair(
		pkix.Name{CommonName: "Microsoft 365, 2026"},
		certs.Lifetime{NotBefore: from, NotAfter: from.AddDate(5, 0, 0)},
		2048,
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	certificate, key := made.Cert().PEM(), made.PrivateKeyPEM() // to a safe place, and back

	pair, err := certs.ParseKeyPair(certificate, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pair.Cert() == made.Cert(), pair.Bits())

	_, err = certs.ParseKeyPair(certificate, certificate)
	fmt.Println(err)
	// Output:
	// true 2048
	// certs: found something that is not a private key: the PEM block is no private key: are certificate and private key exchanged?
}
