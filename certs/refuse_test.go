package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
)

func found(err error) certs.Kind {
	var perr *certs.ParseError
	if !errors.As(err, &perr) {
		return ""
	}
	return perr.Found
}

func TestParseRefuses(t *testing.T) {
	c, d := pairA().Cert(), pairB().Cert()
	der, b64, pemText := c.DER(), c.Base64(), string(c.PEM())
	enc := base64.StdEncoding.EncodeToString
	armour := func(label string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(c.X509().PublicKey.(*rsa.PublicKey))
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.AddDate(0, 1, 0)},
		&x509.Certificate{SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign, Subject: pkix.Name{CommonName: "x"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		b := c.DER()
		b[at] ^= 1
		return b
	}
	spMetadata := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="sp"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>`
	for _, test := range []struct {
		name string
		in   []byte
		want certs.Kind
	}{
		{"nil", nil, certs.KindEmpty},
		{"white space", []byte(" \r\n\t\u00a0\ufeff"), certs.KindEmpty},
		{"empty string", []byte(`""`), certs.KindNotCertificate},
		{"too large", make([]byte, certs.MaxInput+1), certs.KindTooLarge},
		{"words", []byte("TODO"), certs.KindNotCertificate},
		{"a sentence", []byte("please ask the administrator for the certificate"), certs.KindNotCertificate},
		{"a file name", []byte("/etc/ssl/certs/idp.pem"), certs.KindNotCertificate},
		{"a URL", []byte("https://sso.jumpcloud.com/saml2/metadata/abc"), certs.KindNotCertificate},
		{"a thumbprint", []byte(c.Thumbprint()), certs.KindNotCertificate},
		{"a fingerprint", []byte(c.Fingerprint()), certs.KindNotCertificate},
		{"random base64", []byte(enc([]byte(strings.Repeat("\x81\x02\x9c\xff\x10", 200)))), certs.KindNotCertificate},
		{"csr", csr, certs.KindCSR},
		{"csr pem", armour("CERTIFICATE REQUEST", csr), certs.KindCSR},
		{"csr base64", []byte(enc(csr)), certs.KindCSR},
		{"csr as certificate", armour("CERTIFICATE", csr), certs.KindCSR},
		{"public key", spki, certs.KindPublicKey},
		{"public key pem", armour("PUBLIC KEY", spki), certs.KindPublicKey},
		{"public key base64", []byte(enc(spki)), certs.KindPublicKey},
		{"public key pkcs1", pkcs1, certs.KindPublicKey},
		{"public key pkcs1 pem", armour("RSA PUBLIC KEY", pkcs1), certs.KindPublicKey},
		{"crl", crl, certs.KindCRL},
		{"crl pem", armour("X509 CRL", crl), certs.KindCRL},
		{"crl base64", []byte(enc(crl)), certs.KindCRL},
		{"pkcs12", []byte("\x30\x13\x02\x01\x03\x30\x0e\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x01\x00"), certs.KindPKCS12},
		{"ssh", []byte("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 user@host"), certs.KindSSHKey},
		{"ssh2", []byte("---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQC7\n---- END SSH2 PUBLIC KEY ----"), certs.KindSSHKey},
		{"html", []byte("<!DOCTYPE html>\n<html><body>Sign in</body></html>"), certs.KindHTML},
		{"html without doctype", []byte("\n<HTML><head><title>x</title></head></HTML>"), certs.KindHTML},
		{"html around a certificate", []byte("<html><body><pre>" + pemText + "</pre></body></html>"), certs.KindHTML},
		{"json", []byte(`{"message":"Unauthorized","status":401}`), certs.KindJSON},
		{"json array", []byte(`[1,2,3]`), certs.KindJSON},
		{"sp metadata", []byte(spMetadata), certs.KindServiceProvider},
		{"metadata without key", []byte(metadataHead + metadataTail), certs.KindNoSigningKey},
		{"metadata with encryption key only", []byte(strings.Replace(jumpCloudMetadata(b64), `use="signing"`, `use="encryption"`, 1)), certs.KindNoSigningKey},
		{"metadata with placeholder", []byte(jumpCloudMetadata("TODO")), certs.KindNotCertificate},
		{"metadata with doctype", []byte(`<!DOCTYPE x><x/>`), certs.KindDTD},
		{"metadata with stray words", []byte(jumpCloudMetadata("subject=/CN=x\n" + b64)), certs.KindNotCertificate},
		{"snippet with doctype", []byte(`<X509Certificate>` + b64 + `<!DOCTYPE x></X509Certificate>`), certs.KindDTD},
		{"saml response", []byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`), certs.KindNotMetadata},
		{"other xml", []byte(`<project><name>x</name></project>`), certs.KindNotMetadata},
		{"truncated der", der[:len(der)-100], certs.KindTruncated},
		{"truncated base64", []byte(b64[:len(b64)-100]), certs.KindTruncated},
		{"truncated pem", []byte(pemText[:len(pemText)-126] + "\n-----END CERTIFICATE-----"), certs.KindTruncated},
		{"truncated pem without end", []byte(pemText[:400]), certs.KindTruncated},
		{"a line missing", []byte(b64[:640] + b64[704:]), certs.KindTruncated},
		{"a character missing", []byte(b64[:640] + b64[641:]), certs.KindTruncated},
		{"a line twice", []byte(b64[:704] + b64[640:]), certs.KindTrailingData},
		{"trailing newline of der", append(c.DER(), '\n'), certs.KindTrailingData},
		{"trailing bytes", append(c.DER(), 1, 2, 3, 4), certs.KindTrailingData},
		{"trailing bytes in base64", []byte(enc(append(c.DER(), 0, 0, 0))), certs.KindTrailingData},
		{"indefinite length", append([]byte{0x30, 0x80}, append(c.DER()[4:], 0, 0)...), certs.KindNotCertificate},
		{"bit in the key", flipped(400), certs.KindDamaged},
		{"bit in the signature", flipped(len(der) - 10), certs.KindDamaged},
		{"bit in the issuer", flipped(strings.Index(string(der), "Boulder")), certs.KindDamaged},
		{"bit in the subject", flipped(strings.LastIndex(string(der), "Boulder")), certs.KindDamaged},
		{"letter O for digit 0", []byte(b64[:700] + strings.Replace(b64[700:], "0", "O", 1)), certs.KindDamaged},
		{"ellipsis", []byte(b64[:300] + "…" + b64[300:]), certs.KindNotCertificate},
		{"three dots", []byte(b64[:300] + "..." + b64[300:]), certs.KindNotCertificate},
		{"three dots in pem", []byte(pemText[:300] + "..." + pemText[300:]), certs.KindNotCertificate},
		{"masked", []byte(b64[:300] + "****" + b64[304:]), certs.KindNotCertificate},
		{"percent signs", []byte(b64[:300] + "%" + b64[300:]), certs.KindNotCertificate},
		{"hyphenated", []byte(fold(b64, 64, "-\n")), certs.KindNotCertificate},
		{"cyrillic letter", []byte(strings.Replace(b64, "A", "А", 1)), certs.KindNotCertificate},
		{"padding in the middle", []byte(b64[:100] + "=" + b64[100:]), certs.KindNotCertificate},
		{"empty pem", []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), certs.KindNotCertificate},
		{"pem ends as another", []byte(strings.Replace(pemText, "END CERTIFICATE", "END PUBLIC KEY", 1)), certs.KindNotCertificate},
		{"good and damaged", append(d.PEM(), armour("CERTIFICATE", flipped(400))...), certs.KindDamaged},
		{"zip", []byte("PK\x03\x04\x14\x00\x00\x00"), certs.KindNotCertificate},
		{"two", append(c.PEM(), d.PEM()...), certs.KindSeveral},
		{"two der", append(c.DER(), d.DER()...), certs.KindSeveral},
		{"two base64", []byte(b64 + "\n" + d.Base64()), certs.KindSeveral},
		{"two base64 with commas", []byte(b64 + "," + d.Base64()), certs.KindSeveral},
		{"two in pkcs7", pkcs7(c.DER(), d.DER()), certs.KindSeveral},
		{"two x5c", []byte(`{"x5c":["` + b64 + `","` + d.Base64() + `"]}`), certs.KindSeveral},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, err := certs.ParseOne(test.in)
			if got := found(err); got != test.want {
				t.Errorf("ParseOne = %v, %v; want Found = %q", one, err, test.want)
			}
			all, err := certs.Parse(test.in)
			if (test.want == certs.KindSeveral) != (err == nil) {
				t.Errorf("Parse = %v, %v", all, err)
			}
			if err == nil && (len(all) != 2 || all[0] != c || all[1] != d) {
				t.Errorf("Parse = %v; want both in order", all)
			}
			if err != nil {
				checkErrorText(t, err)
			}
		})
	}
}

func checkErrorText(t *testing.T, err error) {
	t.Helper()
	s := err.Error()
	if !strings.HasPrefix(s, "certs: ") || strings.Count(s, "certs: ") != 1 || strings.ContainsAny(s, "\r\n") || len(s) > 2500 {
		t.Errorf("error text %q", s)
	}
}

// The error about several lists them, up to eight; one about data says what it is.
func TestRefusalsSay(t *testing.T) {
	c, d := pairA().Cert(), pairB().Cert()
	subjectOf := func(c certs.Cert) string { return c.X509().Subject.String() }
	var ten strings.Builder
	var subjects []string
	for range 10 {
		e := newSigner(0).cert
		ten.Write(e.PEM())
		subjects = append(subjects, subjectOf(e)+" "+e.Thumbprint())
	}
	noise := make([]byte, 600)
	for i := range noise {
		noise[i] = byte(i*i*7 + i>>3 | 0x80)
	}
	for _, test := range []struct {
		name     string
		in       []byte
		want     certs.Kind
		subjects []string
		text     string
	}{
		{"two", append(c.PEM(), d.PEM()...), certs.KindSeveral, []string{subjectOf(c) + " " + c.Thumbprint(), subjectOf(d) + " " + d.Thumbprint()}, "2 of them"},
		{"ten", []byte(ten.String()), certs.KindSeveral, subjects[:8], "10 of them"},
		{"a ZIP archive", []byte("PK\x03\x04\x14\x00\x00\x00"), certs.KindNotCertificate, nil, "a ZIP archive or Office document"},
		{"a Java keystore", []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), certs.KindNotCertificate, nil, "a Java keystore, which may hold a private key"},
		{"another", []byte("\xce\xce\xce\xce\x00\x00\x00\x02"), certs.KindNotCertificate, nil, "a Java keystore"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), certs.KindNotCertificate, nil, "gzip data"},
		{"noise", noise, certs.KindNotCertificate, nil, "binary data that is no DER"},
		{"noise with zeros", append([]byte("ab\x00\x01\x00"), noise...), certs.KindNotCertificate, nil, "binary data that is no DER"},
		{"a short one", []byte("\x00\x01\x02"), certs.KindNotCertificate, nil, "binary data that is no DER"},
		{"control characters", bytes.Repeat([]byte("ab\x01\x02\xff"), 40), certs.KindNotCertificate, nil, "binary data that is no DER"},
		{"words in an X509Certificate", []byte(jumpCloudMetadata("to do")), certs.KindNotCertificate, nil, "in an X509Certificate element: "},
	} {
		_, err := certs.Normalize(test.in)
		var perr *certs.ParseError
		if !errors.As(err, &perr) || perr.Found != test.want || !slices.Equal(perr.Subjects, test.subjects) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v; want %q of %q: %s", test.name, err, test.want, test.subjects, test.text)
		}
		if md, err := certs.ParseMetadata(test.in); err == nil {
			t.Errorf("%s: ParseMetadata = %v", test.name, md)
		}
	}
}
