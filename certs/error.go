package certs

import (
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Kind says what an input turned out to be. Its value is a phrase for people;
// programs compare with the constants.
type Kind string

// What can be found in place of what was asked for.
const (
	KindEmpty               Kind = "nothing"
	KindTooLarge            Kind = "too much data"
	KindPrivateKey          Kind = "a private key"
	KindEncryptedPrivateKey Kind = "an encrypted private key"
	KindCSR                 Kind = "a certificate signing request"
	KindPublicKey           Kind = "a public key without a certificate"
	KindCRL                 Kind = "a certificate revocation list"
	KindPKCS12              Kind = "a PKCS#12 file"
	KindSSHKey              Kind = "an SSH key"
	KindHTML                Kind = "an HTML page"
	KindJSON                Kind = "JSON without a certificate"
	KindNotCertificate      Kind = "something that is not a certificate"
	KindTruncated           Kind = "a truncated certificate"
	KindTrailingData        Kind = "data after the certificate"
	KindDamaged             Kind = "a damaged certificate"
	KindUnreadable          Kind = "a certificate that cannot be read"
	KindSeveral             Kind = "more than one certificate"

	// Key pairs.
	KindNotKey      Kind = "something that is not a private key"
	KindUnusableKey Kind = "a private key that cannot be used"
	KindOtherKey    Kind = "the private key of another certificate"

	// Metadata.
	KindMalformedXML    Kind = "XML that is not well-formed"
	KindDTD             Kind = "XML with a document type declaration"
	KindNotMetadata     Kind = "XML that is not SAML metadata"
	KindServiceProvider Kind = "metadata of a service provider"
	KindNoSigningKey    Kind = "metadata without a signing certificate"
	KindSeveralIdPs     Kind = "metadata of more than one identity provider"
	KindUnknownEntity   Kind = "metadata without the entity that was asked for"

	// Signatures.
	KindUnsigned      Kind = "metadata that is not signed"
	KindWeakSignature Kind = "metadata signed with SHA-1"
	KindBadSignature  Kind = "metadata whose signature cannot be trusted"
)

// ParseError says what an input was found to be, in place of what was asked
// for. Every error of this package's parsing and verifying functions is one.
//
// Its text is one line that ends in what to do. It never holds key material.
type ParseError struct {
	// Found is what the input turned out to be.
	Found Kind

	// Line and Column are where, counted from 1 in characters, in the text as
	// it was passed in. They are 0 where there is no such place: the input is
	// binary, or it had to be decoded first.
	Line, Column int

	// Missing is how many bytes of a truncated certificate are missing.
	Missing int

	// Trailing is how many bytes follow the certificate, for KindTrailingData.
	Trailing int

	// Subjects are the subjects of the certificates for KindSeveral and
	// KindDamaged, and the entity IDs for KindSeveralIdPs and
	// KindUnknownEntity: the first few, if there are many.
	Subjects []string

	detail string
	offset int // in the text at hand, plus 1; becomes Line and Column
	err    error
}

// Error implements error.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString("certs: found ")
	b.WriteString(string(e.Found))
	if e.Line > 0 {
		fmt.Fprintf(&b, " at line %d, column %d", e.Line, e.Column)
	}
	if len(e.Subjects) > 0 {
		b.WriteString(" (")
		b.WriteString(strings.Join(e.Subjects, "; "))
		b.WriteString(")")
	}
	if e.detail != "" {
		b.WriteString(": ")
		b.WriteString(e.detail)
	}
	return text.Printable(b.String(), 2000)
}

// Unwrap returns the error of the package that refused the input, or nil.
func (e *ParseError) Unwrap() error { return e.err }

// maxListed bounds the names in one error.
const maxListed = 8

// refuse makes a ParseError.
func refuse(k Kind, format string, args ...any) *ParseError {
	return &ParseError{Found: k, detail: fmt.Sprintf(format, args...)}
}

// scanError turns an error of the scanner into this package's. Those of a
// reader stay as they are.
func scanError(err error) error {
	e, ok := err.(*xmlscan.Error)
	if !ok {
		return err
	}
	k := KindMalformedXML
	if e.DTD {
		k = KindDTD
	}
	return &ParseError{Found: k, Line: e.Line, Column: e.Column, detail: e.Detail}
}
