package certs

import (
	"bytes"
	"io"
	"time"

	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Limits on the size of an input, in bytes. What is larger is refused with
// [KindTooLarge] before anything else is done with it.
const (
	MaxInput    = 16 << 20  // of [Parse], [ParseOne], [Normalize]
	MaxMetadata = 256 << 20 // of the functions that read metadata from memory
)

// The bindings of SAML 2.0 that matter for signing in with a browser.
const (
	BindingHTTPPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	BindingHTTPRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// Endpoint is where an identity provider takes messages, as its metadata says.
// Location is not judged: before a browser is sent there, check that it is an
// https URL.
type Endpoint struct {
	Binding  string `json:"binding"`
	Location string `json:"location"`
}

// Metadata is what the SAML 2.0 metadata of one identity provider says.
type Metadata struct {
	// EntityID is the provider's name, byte for byte: Azure AD's issuerUri
	// must equal it. JumpCloud lets administrators type any text.
	EntityID string

	// SigningCerts are the certificates of the KeyDescriptors with
	// use="signing" or without use, in the order of the document, each once.
	// There is at least one. Several mean a rotation under way, or a chain:
	// where one X509Data holds more than one certificate, all of them are
	// here.
	SigningCerts []Cert

	// SSO and SLO are the endpoints for signing in and out, in order.
	// JumpCloud's metadata has no SLO.
	SSO, SLO []Endpoint

	NameIDFormats           []string
	WantAuthnRequestsSigned bool

	// ValidUntil is the earliest validUntil that applies, or zero: JumpCloud's
	// metadata has none. It is not judged, as this package has no clock.
	ValidUntil time.Time

	// CacheDuration is the shortest cacheDuration that applies, or 0 if there
	// is none or it cannot be read. A month counts 30 days, a year 365.
	CacheDuration time.Duration
}

// Endpoint returns the first of the SSO endpoints with the given binding.
func (m *Metadata) Endpoint(binding string) (Endpoint, bool) {
	for _, e := range m.SSO {
		if e.Binding == binding {
			return e, true
		}
	}
	return Endpoint{}, false
}

// ParseMetadata reads the metadata of one identity provider: an
// EntityDescriptor, or an EntitiesDescriptor in which only one entity is an
// identity provider. If there are several, the error is KindSeveralIdPs and
// lists them; see [ParseMetadataFor].
//
// It trusts b: whoever can change b chooses the certificate. JumpCloud does not
// sign its metadata, so trust comes from the way in which it was fetched, or
// from a person who compares a thumbprint. See [VerifyMetadata] for metadata
// that is signed.
//
// The document must be well-formed without exception, in UTF-8, or UTF-16 with
// a byte order mark, and have no document type. Metadata that was
// percent-encoded, HTML-escaped, quoted or put into base64 on the way is read
// as by [Parse]. Elements of the provider that are not needed may hold
// anything, but a signing certificate that cannot be read refuses the whole.
// The certificates' own signatures are not verified, which would take longer
// than everything else; [Cert.Check] does, and [Parse] of the same document.
func ParseMetadata(b []byte) (*Metadata, error) {
	return parseMetadata(b, &extractor{})
}

// ParseMetadataFor is [ParseMetadata] for the entity with the given ID, out of
// an aggregate of any number. The ID must match byte for byte, and only one
// entity may have it. Other entities are checked for well-formedness and
// otherwise passed over.
//
// Beside b itself it needs memory only for what it returns. To read an
// aggregate that is not in memory, see [ReadMetadataFor].
func ParseMetadataFor(b []byte, entityID string) (*Metadata, error) {
	return parseMetadata(b, &extractor{want: entityID, byID: true})
}

// ReadMetadataFor is [ParseMetadataFor] on a stream of any length. It reads r
// to its end, in a window of 64 KiB that grows only for a single tag or text
// that is longer (to 16 MiB at most); of the entities that were not asked for
// nothing is kept, but for the first 65,536 IDs, to find one that is used twice.
// Errors of r are returned as they are.
//
// It takes XML in UTF-8 only; what is wrapped or in UTF-16 must be unpacked
// before.
func ReadMetadataFor(r io.Reader, entityID string) (*Metadata, error) {
	x := &extractor{want: entityID, byID: true}
	if err := x.scan(xmlscan.NewReader(r)); err != nil {
		return nil, err
	}
	return x.result()
}

func parseMetadata(b []byte, x *extractor) (*Metadata, error) {
	doc, perr := openMetadata(b)
	if perr != nil {
		return nil, perr
	}
	if err := x.scan(doc.scanner()); err != nil {
		return nil, err
	}
	return x.result()
}

// document is XML text in UTF-8.
type document struct {
	text  []byte
	utf16 bool // it was UTF-16, and an XML declaration may say so
}

func (d document) scanner() *xmlscan.Scanner {
	s := xmlscan.New(d.text)
	s.UTF16 = d.utf16
	return s
}

// openMetadata undoes what can happen to metadata on its way, and refuses what
// is obviously something else.
func openMetadata(b []byte) (document, *ParseError) {
	if len(b) > MaxMetadata {
		return document{}, refuse(KindTooLarge, "%d bytes, where at most %d MiB are read", len(b), MaxMetadata>>20)
	}
	bare := bytes.TrimPrefix(b, []byte("\ufeff"))
	if i := skipSpace(bare, 0); i < len(bare) && bare[i] == '<' {
		// The usual case, without another look at each byte.
		if k := markupKind(b); k != "" {
			return document{}, refuse(k, "%s", markupAdvice(k))
		}
		if _, wrapped := peelMarkup(trimText(bare[i:])); !wrapped || len(b) > MaxInput {
			return document{text: b}, nil
		}
	}
	if len(b) > MaxInput {
		return document{}, refuse(KindNotMetadata, "it does not begin with <")
	}
	return unwrapMetadata(b)
}
