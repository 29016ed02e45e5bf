package certs

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/internal/text"
)

// Severity grades a [Problem].
type Severity int

const (
	// Info is worth knowing and needs no action.
	Info Severity = iota
	// Warning should be looked at. Whether Azure AD minds is not known.
	Warning
	// Error means that the certificate should not be given to Azure AD.
	Error
)

// String returns "info", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", int(s))
}

// MarshalText returns [Severity.String].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [Severity.MarshalText] writes.
func (s *Severity) UnmarshalText(b []byte) error {
	for _, k := range [...]Severity{Info, Warning, Error} {
		if k.String() == string(b) {
			*s = k
			return nil
		}
	}
	return fmt.Errorf("certs: %q is not a severity: use info, warning or error", text.Printable(string(b), 40))
}

// Code names a kind of [Problem] for programs.
type Code string

// What [Cert.Check] can find.
const (
	CodeNoCertificate     Code = "no-certificate"      // error: the zero value
	CodeDamaged           Code = "damaged"             // error: its own signature does not verify, or its key is none
	CodeExpired           Code = "expired"             // error
	CodeExpiresSoon       Code = "expires-soon"        // warning: within 30 days
	CodeNotYetValid       Code = "not-yet-valid"       // error
	CodeNotRSA            Code = "not-rsa"             // error
	CodeWeakRSA           Code = "weak-rsa"            // warning: under 2048 bits; error: under 1024
	CodeKnownBackdoor     Code = "known-backdoor"      // error: the private key is public
	CodeWeakSignatureHash Code = "weak-signature-hash" // info
	CodeCA                Code = "ca"                  // info
	CodeLongValidity      Code = "long-validity"       // warning: over 10 years
	CodeX509v1            Code = "x509-v1"             // info
)

// Problem is one thing that speaks against a certificate.
type Problem struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // one line: what is so, and what to do about it
}

// String returns the problem in one line.
func (p Problem) String() string {
	return p.Severity.String() + ": " + p.Message + " [" + string(p.Code) + "]"
}

// soon is when a certificate's end deserves a warning. JumpCloud's first mail
// comes 60 days before, its next one 30.
const soon = 30 * 24 * time.Hour

// backdoorKey is the SHA-256 of the SubjectPublicKeyInfo in any_sts, the
// certificate that the penetration testing tool AADInternals (Gerenios, on
// GitHub) plants as a back door: its private key is published with the tool, so
// whoever has downloaded that can sign in as anybody. Its thumbprint is
// 4B56E1F1B80024359E34010D9AAB3CED9C67FF5E; the key is compared, since a new
// certificate for it would be as bad.
const backdoorKey = "427790a823b018db76f5d1d913495a8107d7c3a1fe396898c2c862074c680058"

// Check says what speaks against the certificate as the signing certificate of
// an Azure AD domain at the time at, the worst first. It returns nil if nothing
// does, as for every certificate that JumpCloud makes (RSA 4096, five years, no
// extensions) until a month before it expires.
//
// Microsoft documents little about signingCertificate: base64 that is
// "compatible with the X509Certificate2 class". What follows from documents is
// an [Error]: the only signature algorithms that its page on SAML identity
// providers names are RSA's, and a certificate is good between its dates and
// not outside (RFC 5280, 4.1.2.5). Where nothing is known to be required, as
// for the length of the key or of the validity, the finding is a [Warning].
// What is known not to matter is [Info]: the certificate is a mere container of
// the key, which is trusted by name, so its extensions and its issuer are not
// looked at, and its own signature only for damage.
func (c Cert) Check(at time.Time) []Problem {
	x := c.X509()
	if x == nil {
		return []Problem{{CodeNoCertificate, Error, "there is no certificate"}}
	}
	var ps [Error + 1][]Problem
	add := func(code Code, sev Severity, format string, args ...any) {
		ps[sev] = append(ps[sev], Problem{code, sev, fmt.Sprintf(format, args...)})
	}

	if spki := sha256.Sum256(x.RawSubjectPublicKeyInfo); hex.EncodeToString(spki[:]) == backdoorKey {
		add(CodeKnownBackdoor, Error, "the private key of this certificate is public (AADInternals any_sts): anybody can sign in as anybody; "+
			"if a domain has it, treat the tenant as broken into")
	}
	if why := damaged(x); why != "" {
		add(CodeDamaged, Error, "the certificate is damaged: %s, so it was changed on the way; fetch it again from the source", why)
	}
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	switch {
	case at.After(x.NotAfter):
		add(CodeExpired, Error, "the certificate expired on %s: make a new one in JumpCloud", day(x.NotAfter))
	case at.Before(x.NotBefore):
		add(CodeNotYetValid, Error, "the certificate is not valid before %s: wait, or check the clock", x.NotBefore.UTC().Format(time.RFC3339))
	case x.NotAfter.Sub(at) <= soon:
		add(CodeExpiresSoon, Warning, "the certificate expires on %s: rotate it before", day(x.NotAfter))
	}
	if pub, ok := x.PublicKey.(*rsa.PublicKey); !ok {
		// "Use a SAML 2.0 IdP for single sign-on" (how-to-connect-fed-saml-idp)
		// names rsa-sha1 and rsa-sha256 and no other algorithm.
		add(CodeNotRSA, Error, "the key is %s: Microsoft documents RSA signatures only, so make an RSA certificate", keyName(x))
	} else if n := pub.N.BitLen(); n < 2048 {
		// AADSTS50032 is "weak RSA key"; from which length on is not documented.
		sev := Warning
		if n < minRSABits {
			sev = Error
		}
		add(CodeWeakRSA, sev, "the RSA key has %d bits: Azure AD may refuse it as weak (AADSTS50032), so make one of at least 2048", n)
	}
	if x.NotAfter.After(x.NotBefore.AddDate(10, 0, 0)) {
		add(CodeLongValidity, Warning, "the certificate is valid for more than 10 years: a stolen key would be good as long")
	}
	switch x.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		add(CodeWeakSignatureHash, Info, "the certificate itself is signed with %s: harmless, as only its key is used", x.SignatureAlgorithm)
	}
	if x.IsCA {
		add(CodeCA, Info, "the certificate is marked as a certificate authority: harmless, as only its key is used")
	}
	if x.Version == 1 {
		add(CodeX509v1, Info, "the certificate is X.509 version 1: harmless, as only its key is used")
	}
	return append(append(ps[Error], ps[Warning]...), ps[Info]...)
}

func keyName(x *x509.Certificate) string {
	if x.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return "of an unknown kind"
	}
	return x.PublicKeyAlgorithm.String()
}
