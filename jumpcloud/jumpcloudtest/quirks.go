package jumpcloudtest

import "time"

// Quirks choose among behaviours. The zero value is what has been seen or, where
// nobody has, what is likely.
type Quirks struct {
	// DeleteStatus is the answer to the deletion of an application: 200 with
	// the application (the default), or 204.
	DeleteStatus int

	// EmptyNotFound leaves the body of 404 answers empty.
	EmptyNotFound bool

	// EmptyKey is what happens when an application is written with its
	// certificate and without a private key, which can never be read back.
	EmptyKey EmptyKey

	// UniqueGroupNames refuses a second group of the same name.
	UniqueGroupNames bool

	// UniqueEntityIDs refuses a second application with the same IdP entity ID,
	// AlterEntityIDs gives it another one, with its own ID behind it.
	UniqueEntityIDs, AlterEntityIDs bool

	// CertificateLag keeps a new certificate, and its dates, out of what readers of an
	// application see, MetadataLag out of metadata.xml. The answer to the write that
	// brought the certificate shows it.
	CertificateLag, MetadataLag Lag

	// KeepOldKey goes on signing with the old key when certificate and key are written.
	KeepOldKey bool

	// OmitUpdatedAt does not tell when certificate and key were replaced.
	OmitUpdatedAt bool

	// StringTotals quotes the totalCount of domains, as protobuf's JSON does.
	StringTotals bool

	// NoTotals leaves out x-total-count.
	NoTotals bool

	// ListOffice365s answers GET /api/v2/office365s, which is not found otherwise. No
	// description has it, and JumpCloud's own command line asks it.
	ListOffice365s bool

	// RequireMetadataOrg refuses metadata.xml without x-org-id.
	RequireMetadataOrg bool

	// MetadataType is the Content-Type of metadata.xml; the default is
	// application/xml.
	MetadataType string

	// SignIn are those of the identity provider.
	SignIn SignInQuirks
}

// EmptyKey is what a write of an application without its private key does.
type EmptyKey int

// The possibilities.
const (
	KeepKey          EmptyKey = iota // nothing, which is what JumpCloud's console relies on
	LoseKey                          // the application cannot sign any more
	RenewCertificate                 // a new key and certificate are made
)

// SignInQuirks choose among behaviours of the identity provider, of which next to
// nothing has been published. The zero value is what is likely, and what Azure AD accepts.
type SignInQuirks struct {
	// ClockSkew is how far the identity provider's clock is ahead of [Server].Now.
	ClockSkew time.Duration

	// Lifetime of assertions; the default is ten minutes.
	Lifetime time.Duration

	// AuthnContext is the class that is named where the application has no
	// [AuthClaims]; the default is PasswordProtectedTransport.
	AuthnContext string

	// ImmutableIDAttribute sends the immutable ID in an attribute as well.
	ImmutableIDAttribute bool

	// NameUnexported sends the user's ID as immutable ID even if no Microsoft 365
	// directory has exported the user, whom JumpCloud is said to refuse.
	NameUnexported bool

	// WSFed answers the requests of WS-Federation as well, with an assertion of SAML
	// 1.1, at the login URL and at /wsfed/ with the application's ID behind it. What
	// JumpCloud puts into such answers is not known: these hold what Azure AD needs.
	WSFed bool

	// Failures is how events tell of a person who was refused.
	Failures Failures
}
