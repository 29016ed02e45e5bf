package certs

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/text"
)

// Cert is an X.509 certificate in canonical form.
//
// Two values are == exactly if the certificates are the same, byte for byte, so
// a Cert can be compared, be a map key and live in plain data. Every value
// other than the zero one is complete DER that [crypto/x509] reads. One that
// comes from [Parse] is not damaged, either; for one from metadata, that is
// among what [Cert.Check] looks at.
//
// The zero value is "no certificate": [Cert.IsZero] is true, and the methods
// return empty results.
type Cert struct {
	der string
}

// newCert reads exactly one certificate. It refuses what crypto/x509 cannot
// read and what is damaged.
func newCert(der []byte) (Cert, *ParseError) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		if brokenKey(der) {
			return Cert{}, &ParseError{Found: KindDamaged, detail: damageKey + bitChanged}
		}
		return Cert{}, unreadable(err)
	}
	if why := damaged(x); why != "" {
		return Cert{}, &ParseError{Found: KindDamaged, Subjects: []string{subject(x)}, detail: why + bitChanged}
	}
	return Cert{der: string(der)}, nil
}

const bitChanged = ", so at least one bit was changed on the way: copy it again from the source"

// readCert is newCert without the check of the signature.
func readCert(der []byte) (Cert, *ParseError) {
	if _, err := x509.ParseCertificate(der); err != nil {
		return Cert{}, unreadable(err)
	}
	return Cert{der: string(der)}, nil
}

// unreadable translates an error of crypto/x509.
func unreadable(err error) *ParseError {
	e := &ParseError{Found: KindUnreadable, err: err}
	switch msg := err.Error(); {
	case strings.Contains(msg, "negative serial number"):
		// Refused since Go 1.23; RFC 5280 4.1.2.2 forbids them.
		e.detail = "its serial number is negative: have a new certificate made"
	default:
		e.detail = strings.TrimPrefix(msg, "x509: ") + ": copy it again, and if that does not help, have a new certificate made"
	}
	return e
}

// IsZero reports whether c is "no certificate". Because of it the JSON option
// omitzero leaves an absent certificate out.
func (c Cert) IsZero() bool { return c.der == "" }

// Equal reports whether c and d are the same certificate. It is ==, for code
// that looks for a method of this name.
func (c Cert) Equal(d Cert) bool { return c == d }

// SamePublicKey reports whether c and d are of the same public key, so that what
// the one's key signed is accepted by who knows the other: a certificate can be
// made anew for an old key. It is false if either is the zero value.
func (c Cert) SamePublicKey(d Cert) bool {
	x, y := c.X509(), d.X509()
	if x == nil || y == nil {
		return false
	}
	// The same key can be written in two ways, with or without parameters.
	a, _ := signingKey(x)
	b, _ := signingKey(y)
	if p, ok := a.(*rsa.PublicKey); ok && p != nil {
		q, ok := b.(*rsa.PublicKey)
		return ok && q != nil && p.Equal(q)
	}
	return bytes.Equal(x.RawSubjectPublicKeyInfo, y.RawSubjectPublicKeyInfo)
}

// Base64 returns standard base64 of the DER in one line, without markers: the
// form of signingCertificate in Microsoft Graph, of X509Certificate in SAML
// metadata, and of x5c in a JWK.
func (c Cert) Base64() string {
	return base64.StdEncoding.EncodeToString([]byte(c.der))
}

// PEM returns the certificate as one PEM block, or nil for the zero value.
func (c Cert) PEM() []byte {
	if c.IsZero() {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(c.der)})
}

// DER returns a copy of the certificate's bytes, or nil for the zero value.
func (c Cert) DER() []byte {
	if c.IsZero() {
		return nil
	}
	return []byte(c.der)
}

// X509 returns the parsed certificate, which the caller may keep and change, or
// nil for the zero value. Each call parses anew.
func (c Cert) X509() *x509.Certificate {
	// This fails for the zero value alone: the others have been parsed before.
	x, err := x509.ParseCertificate([]byte(c.der))
	if err != nil {
		return nil
	}
	return x
}

// Thumbprint returns the SHA-1 of the DER in upper-case hex, as the consoles of
// Microsoft and JumpCloud show it, or "" for the zero value. It identifies a
// certificate to a person; to decide by it, take [Cert.Fingerprint] or ==.
func (c Cert) Thumbprint() string {
	if c.IsZero() {
		return ""
	}
	return thumbprint([]byte(c.der))
}

func thumbprint(der []byte) string {
	sum := sha1.Sum(der)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// Fingerprint returns the SHA-256 of the DER in lower-case hex, or "" for the
// zero value.
func (c Cert) Fingerprint() string {
	if c.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(c.der))
	return hex.EncodeToString(sum[:])
}

// String describes the certificate in one line: subject, thumbprint and the day
// of expiry. JumpCloud gives all certificates of an organisation the same
// subject, so the thumbprint is what tells two of them apart.
func (c Cert) String() string {
	x := c.X509()
	if x == nil {
		return "no certificate"
	}
	return fmt.Sprintf("%s (thumbprint %s, expires %s)", subject(x), c.Thumbprint(), x.NotAfter.UTC().Format(time.DateOnly))
}

// GoString is like [Cert.String], so that %#v does not print the bytes.
func (c Cert) GoString() string { return "certs.Cert(" + c.String() + ")" }

// LogValue implements [slog.LogValuer].
func (c Cert) LogValue() slog.Value {
	x := c.X509()
	if x == nil {
		return slog.StringValue("no certificate")
	}
	return slog.GroupValue(
		slog.String("subject", subject(x)),
		slog.String("thumbprint", c.Thumbprint()),
		slog.Time("notAfter", x.NotAfter.UTC()),
	)
}

// MarshalText returns [Cert.Base64]: empty for the zero value. JSON uses it too.
func (c Cert) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, []byte(c.der)), nil
}

// UnmarshalText sets c to the one certificate in text, in any form that
// [ParseOne] takes. Empty text gives the zero value. On error c is unchanged.
func (c *Cert) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Cert{}
		return nil
	}
	d, err := ParseOne(text)
	if err != nil {
		return err
	}
	*c = d
	return nil
}

// subject is the subject's name in one printable line of bounded length.
func subject(x *x509.Certificate) string {
	s := x.Subject.String()
	if s == "" {
		return "empty subject"
	}
	return text.Printable(s, 200)
}
