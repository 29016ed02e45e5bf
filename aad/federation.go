package aad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// Protocol is the protocol between Azure AD and the identity provider.
type Protocol string

// The protocols. Others may appear. SAMLP and its kin, which old cmdlets want, are not among them.
const (
	SAML  Protocol = "saml"
	WSFed Protocol = "wsFed"
)

// MFABehavior says whose multi-factor authentication counts. It has no default,
// and once set it can be changed but not unset.
type MFABehavior string

// The behaviours. Others may appear.
const (
	// AcceptIfMFADoneByFederatedIdP: the provider's is accepted; if it did none, Azure AD asks.
	AcceptIfMFADoneByFederatedIdP MFABehavior = "acceptIfMfaDoneByFederatedIdp"
	// EnforceMFAByFederatedIdP: the provider's is accepted; if it did none, the
	// user is sent back to it.
	EnforceMFAByFederatedIdP MFABehavior = "enforceMfaByFederatedIdp"
	// RejectMFAByFederatedIdP: Azure AD always asks for itself.
	RejectMFAByFederatedIdP MFABehavior = "rejectMfaByFederatedIdp"
)

// PromptLoginBehavior says what becomes of prompt=login. It matters to WS-Fed only.
type PromptLoginBehavior string

// The behaviours. Others may appear.
const (
	TranslateToFreshPasswordAuthentication PromptLoginBehavior = "translateToFreshPasswordAuthentication"
	NativeSupport                          PromptLoginBehavior = "nativeSupport"
	PromptLoginDisabled                    PromptLoginBehavior = "disabled"
)

// Federation is the federation configuration of a domain (internalDomainFederation).
// In JSON it has the shape that Graph gives it.
type Federation struct {
	ID                  string // given by the service; another one after each creation
	DisplayName         string
	IssuerURI           string // unique among all domains of all tenants
	MetadataExchangeURI string // WS-Fed only
	PassiveSignInURI    string // where browsers are sent
	ActiveSignInURI     string // optional
	SignOutURI          string
	Protocol            Protocol
	MFA                 MFABehavior
	PromptLogin         PromptLoginBehavior // optional

	// A response is accepted if either of these certificates signed it.
	SigningCertificate     certs.Cert
	NextSigningCertificate certs.Cert // usually none

	// What the service holds as a certificate and is none that can be read; otherwise empty.
	RawSigningCertificate     string
	RawNextSigningCertificate string

	SignedRequestsRequired *bool // nil if the service does not say

	UpdateStatus *UpdateStatus // read-only

	// Extra has the properties that this package does not know, as they came.
	// Client.CreateFederation sends them too, so that a configuration that was
	// read can be restored.
	Extra map[string]json.RawMessage
}

// UpdateStatus tells how the last automatic renewal of the certificate went,
// which takes place with WS-Fed metadata only.
type UpdateStatus struct {
	Result  string    `json:"certificateUpdateResult,omitempty"` // compare without regard to case
	LastRun time.Time `json:"lastRunDateTime,omitzero"`
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (s *UpdateStatus) UnmarshalJSON(b []byte) error {
	var wire struct {
		CertificateUpdateResult string
		LastRunDateTime         timestamp
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*s = UpdateStatus{wire.CertificateUpdateResult, time.Time(wire.LastRunDateTime)}
	return nil
}

const federationType = "#microsoft.graph.internalDomainFederation"

// wireFederation is a Federation as Graph writes it.
type wireFederation struct {
	ODataType              string              `json:"@odata.type,omitempty"`
	ID                     string              `json:"id,omitempty"`
	DisplayName            string              `json:"displayName,omitempty"`
	IssuerURI              string              `json:"issuerUri,omitempty"`
	MetadataExchangeURI    string              `json:"metadataExchangeUri,omitempty"`
	PassiveSignInURI       string              `json:"passiveSignInUri,omitempty"`
	ActiveSignInURI        string              `json:"activeSignInUri,omitempty"`
	SignOutURI             string              `json:"signOutUri,omitempty"`
	Protocol               Protocol            `json:"preferredAuthenticationProtocol,omitempty"`
	MFA                    MFABehavior         `json:"federatedIdpMfaBehavior,omitempty"`
	PromptLogin            PromptLoginBehavior `json:"promptLoginBehavior,omitempty"`
	SigningCertificate     string              `json:"signingCertificate,omitempty"`
	NextSigningCertificate string              `json:"nextSigningCertificate,omitempty"`
	SignedRequestsRequired *bool               `json:"isSignedAuthenticationRequestRequired,omitempty"`
	UpdateStatus           *UpdateStatus       `json:"signingCertificateUpdateStatus,omitempty"`
}

// federationFields are the properties that wireFederation knows.
var federationFields = []string{
	"@odata.type", "id", "displayName", "issuerUri", "metadataExchangeUri", "passiveSignInUri", "activeSignInUri",
	"signOutUri", "preferredAuthenticationProtocol", "federatedIdpMfaBehavior", "promptLoginBehavior", "signingCertificate",
	"nextSigningCertificate", "isSignedAuthenticationRequestRequired", "signingCertificateUpdateStatus",
}

// wire returns f as it is written.
func (f Federation) wire() wireFederation {
	text := func(c certs.Cert, raw string) string {
		if c.IsZero() {
			return raw
		}
		return c.Base64()
	}
	return wireFederation{
		federationType, f.ID, f.DisplayName, f.IssuerURI, f.MetadataExchangeURI, f.PassiveSignInURI, f.ActiveSignInURI,
		f.SignOutURI, f.Protocol, f.MFA, f.PromptLogin, text(f.SigningCertificate, f.RawSigningCertificate),
		text(f.NextSigningCertificate, f.RawNextSigningCertificate), f.SignedRequestsRequired, f.UpdateStatus,
	}
}

// MarshalJSON implements [encoding/json.Marshaler].
func (f Federation) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(f.wire())
	if err != nil || len(f.Extra) == 0 {
		return b, err
	}
	all := maps.Clone(f.Extra)
	if err := json.Unmarshal(b, &all); err != nil { // what has a field of its own wins
		return nil, err
	}
	return json.Marshal(all)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (f *Federation) UnmarshalJSON(b []byte) error {
	var w wireFederation
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	var extra map[string]json.RawMessage
	if err := json.Unmarshal(b, &extra); err != nil {
		return err
	}
	maps.DeleteFunc(extra, func(k string, v json.RawMessage) bool {
		known := func(name string) bool { return strings.EqualFold(name, k) }
		return slices.ContainsFunc(federationFields, known) || strings.Contains(k, "@odata.") || string(v) == "null"
	})
	if len(extra) == 0 {
		extra = nil
	}
	read := func(s string) (certs.Cert, string) {
		if s == "" {
			return certs.Cert{}, ""
		}
		c, err := certs.ParseOne([]byte(s))
		if err != nil {
			return certs.Cert{}, s
		}
		return c, ""
	}
	*f = Federation{
		ID: w.ID, DisplayName: w.DisplayName, IssuerURI: w.IssuerURI, MetadataExchangeURI: w.MetadataExchangeURI,
		PassiveSignInURI: w.PassiveSignInURI, ActiveSignInURI: w.ActiveSignInURI, SignOutURI: w.SignOutURI,
		Protocol: w.Protocol, MFA: w.MFA, PromptLogin: w.PromptLogin,
		SignedRequestsRequired: w.SignedRequestsRequired, UpdateStatus: w.UpdateStatus, Extra: extra,
	}
	f.SigningCertificate, f.RawSigningCertificate = read(w.SigningCertificate)
	f.NextSigningCertificate, f.RawNextSigningCertificate = read(w.NextSigningCertificate)
	return nil
}

const federationPath = "domains/{domain}/federationConfiguration"

// Federation returns the federation configuration of a domain.
//
// A domain without one is [ErrNotFederated], a domain that does not exist
// [ErrNotFound]. ErrNotFederated does not say that the domain is managed: a
// creation that went wrong can leave a federated domain whose configuration cannot
// be read. Who has to know compares with [Domain].AuthenticationType.
//
//	GET /domains/{domain}/federationConfiguration, and GET /domains/{domain} after a 404 whose text leaves
//	open what is missing; Domain-InternalFederation.Read.All; safe to repeat
func (c *Client) Federation(ctx context.Context, domain string) (*Federation, error) {
	r := &rest.Request{Method: http.MethodGet, Path: federationPath, Permission: perm.FederationRead}
	var page struct{ Value collection[Federation] }
	resp, err := c.domainCall(ctx, r, domain, &page)
	var e *Error
	switch {
	case err == nil && !page.Value.read:
		return nil, unusable(r, resp, errNoList)
	case err == nil:
		for _, f := range page.Value.items {
			switch {
			case f == nil:
			case f.ID == "":
				return nil, unusable(r, resp, errHollow)
			default:
				return f, nil
			}
		}
		return nil, &Error{Op: r.Method + " " + r.Path, StatusCode: http.StatusOK, Message: "the list is empty", meaning: ErrNotFederated}
	case !errors.Is(err, ErrNotFound) || !errors.As(err, &e):
		return nil, err
	case !configurationMissing(e):
		// Is it the domain that is missing, or what it should contain?
		if _, err := c.Domain(ctx, domain); err != nil {
			return nil, err
		}
	}
	e.meaning = ErrNotFederated
	return nil, e
}

// FederationByID returns the federation configuration of a domain that has this ID.
// It may know more of it than the list that [Client.Federation] reads: read by ID
// what was written.
//
// If there is none, that is [ErrNotFederated] if the service says that it is the
// configuration that is missing, and [ErrNotFound] otherwise: the domain, or its
// configuration has another ID. It does not say whether the domain is federated.
//
//	GET /domains/{domain}/federationConfiguration/{id}; Domain-InternalFederation.Read.All; safe to repeat
func (c *Client) FederationByID(ctx context.Context, domain, id string) (*Federation, error) {
	r := &rest.Request{Method: http.MethodGet, Path: federationPath + "/{id}", Args: []string{id}, Permission: perm.FederationRead}
	if id == "" {
		return nil, invalid(r.Method+" "+r.Path, errNoID)
	}
	var f entity[Federation]
	resp, err := c.domainCall(ctx, r, domain, &f)
	if err != nil {
		if e, ok := err.(*Error); ok && errors.Is(err, ErrNotFound) && configurationMissing(e) {
			e.meaning = ErrNotFederated
		}
		return nil, err
	}
	return f.get(r, resp, federationID)
}

// configurationMissing reports whether a 404 says that it is the configuration, and
// not the domain, that is missing.
func configurationMissing(e *Error) bool {
	return strings.Contains(strings.ToLower(e.Message), "'federationconfiguration'")
}

// DeleteFederation deletes a federation configuration: the domain is managed
// from then on, and Azure AD itself asks its users for a password. If there is
// no configuration with this ID, that is a success only if the domain has none at all.
//
//	DELETE /domains/{domain}/federationConfiguration/{id}; Domain-InternalFederation.ReadWrite.All; safe to repeat
func (c *Client) DeleteFederation(ctx context.Context, domain, id string) error {
	r := &rest.Request{Method: http.MethodDelete, Path: federationPath + "/{id}", Args: []string{id}, Class: rest.Idempotent,
		Permission: perm.FederationWrite}
	if id == "" {
		return invalid(r.Method+" "+r.Path, errNoID)
	}
	_, err := c.domainCall(ctx, r, domain, nil)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	switch other, look := c.Federation(ctx, domain); {
	case errors.Is(look, ErrNotFederated):
		return nil
	case look != nil:
		return look
	default:
		return fmt.Errorf("%w (the domain has another configuration, with ID %s)", err, oneLine(other.ID))
	}
}

func federationID(f *Federation) string { return f.ID }
