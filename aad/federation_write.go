package aad

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// CreateFederation gives a managed domain a federation configuration, and thereby
// makes it federated: within minutes its users are sent to the identity provider.
// f.ID and f.UpdateStatus are ignored.
//
// Nothing is sent, and the error names every reason at once ([ErrInvalid]), unless
// f has a display name, an issuer, sign-in and sign-out addresses, a protocol, an
// MFA behaviour and a certificate: the service accepts some incomplete
// configurations half, and a domain is then federated without a configuration that
// anybody can read or delete.
//
// After any error but [ErrInvalid], [ErrDenied], [ErrUnauthenticated],
// [ErrAlreadyFederated] and [ErrIssuerInUse], look at the domain (not only at its
// configuration) before anything else: even an internal error of the service may
// have made the domain federated. [Client.SetManaged] leads back.
//
//	POST /domains/{domain}/federationConfiguration; Domain-InternalFederation.ReadWrite.All;
//	not repeated when the answer is lost ([ErrOutcomeUnknown])
func (c *Client) CreateFederation(ctx context.Context, domain string, f Federation) (*Federation, error) {
	r := &rest.Request{Method: http.MethodPost, Path: federationPath, Class: rest.Create, Permission: perm.FederationWrite}
	errs := f.problems()
	if _, err := domainName(domain); err != nil {
		errs = append([]error{err}, errs...)
	}
	if len(errs) > 0 {
		return nil, invalid(r.Method+" "+r.Path, errs...)
	}
	f.ID, f.UpdateStatus = "", nil
	r.Body = f
	var made entity[Federation]
	resp, err := c.domainCall(ctx, r, domain, &made)
	if err != nil {
		return nil, err
	}
	return made.get(r, resp, federationID)
}

// problems is everything that speaks against creating f.
func (f *Federation) problems() []error {
	var errs []error
	add := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name, err))
		}
	}
	add("displayName", checkText(f.DisplayName))
	add("issuerUri", checkIssuer(f.IssuerURI))
	add("passiveSignInUri", checkURL(f.PassiveSignInURI, "https"))
	add("signOutUri", checkURL(f.SignOutURI, "https", "http"))
	if f.ActiveSignInURI != "" {
		add("activeSignInUri", checkURL(f.ActiveSignInURI, "https"))
	}
	if f.MetadataExchangeURI != "" {
		add("metadataExchangeUri", checkURL(f.MetadataExchangeURI, "https"))
	}
	add("preferredAuthenticationProtocol", checkMember(f.Protocol, SAML, WSFed))
	add("federatedIdpMfaBehavior", checkMember(f.MFA, AcceptIfMFADoneByFederatedIdP, EnforceMFAByFederatedIdP, RejectMFAByFederatedIdP))
	if f.PromptLogin != "" {
		add("promptLoginBehavior", checkMember(f.PromptLogin, TranslateToFreshPasswordAuthentication, NativeSupport, PromptLoginDisabled))
	}
	switch {
	case !f.SigningCertificate.IsZero():
	case f.RawSigningCertificate != "":
		errs = append(errs, errors.New("signingCertificate cannot be read as a certificate"))
	default:
		errs = append(errs, errors.New("signingCertificate is missing"))
	}
	if f.NextSigningCertificate.IsZero() && f.RawNextSigningCertificate != "" {
		errs = append(errs, errors.New("nextSigningCertificate cannot be read as a certificate"))
	}
	return errs
}

var errMissing = errors.New("is missing")

func checkText(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errMissing
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("has a control character in it")
	}
	return nil
}

// checkIssuer judges an issuer: an absolute URI, which need not resolve to anything.
func checkIssuer(s string) error {
	if s == "" {
		return errMissing
	}
	if s[0] >= '0' && s[0] <= '9' {
		return errors.New("begins with a digit, which the service refuses: put https:// or urn: in front")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || (u.Host == "" && u.Opaque == "") || strings.ContainsFunc(s, notInURI) {
		return errors.New("is not an absolute URI such as https://example.com or urn:uri:example.com")
	}
	return nil
}

// checkURL judges an address that browsers are sent to.
func checkURL(s string, schemes ...string) error {
	if s == "" {
		return errMissing
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || !slices.Contains(schemes, u.Scheme) || strings.ContainsFunc(s, notInURI) {
		return fmt.Errorf("is not an absolute URL that begins with %s://", strings.Join(schemes, ":// or "))
	}
	return nil
}

func notInURI(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^{|}`, r) || r == '`'
}

// checkMember judges a value of an enumeration, capitals included.
func checkMember[T ~string](v T, members ...T) error {
	if v == "" {
		return errMissing
	}
	if slices.Contains(members, v) {
		return nil
	}
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = string(m)
	}
	return fmt.Errorf("is none of %s (capitals matter)", strings.Join(names, ", "))
}

// FederationUpdate says what to change of a federation configuration. What is
// nil stays as it is.
type FederationUpdate struct {
	DisplayName         *string
	IssuerURI           *string
	PassiveSignInURI    *string
	SignOutURI          *string
	ActiveSignInURI     *string // a pointer to "" clears it
	MetadataExchangeURI *string // a pointer to "" clears it
	Protocol            *Protocol
	MFA                 *MFABehavior
	PromptLogin         *PromptLoginBehavior // a pointer to "" clears it, by sending null

	SigningCertificate *certs.Cert

	// NextSigningCertificate is the second certificate that is accepted. A pointer
	// to the zero Cert clears it, by sending null. Whether the service takes null
	// is not documented: read the configuration afterwards, and if the certificate
	// is still there write the current one to both fields.
	NextSigningCertificate *certs.Cert

	SignedRequestsRequired *bool
}

// IsZero reports whether u changes nothing.
func (u FederationUpdate) IsZero() bool { return u == FederationUpdate{} }

// fields returns the body of the update, and what speaks against it.
func (u *FederationUpdate) fields() (map[string]any, []error) {
	body := make(map[string]any)
	var errs []error
	set := func(name string, value any, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name, err))
		}
		body[name] = value
	}
	if p := u.DisplayName; p != nil {
		set("displayName", *p, checkText(*p))
	}
	if p := u.IssuerURI; p != nil {
		set("issuerUri", *p, checkIssuer(*p))
	}
	if p := u.PassiveSignInURI; p != nil {
		set("passiveSignInUri", *p, checkURL(*p, "https"))
	}
	if p := u.SignOutURI; p != nil {
		set("signOutUri", *p, checkURL(*p, "https", "http"))
	}
	optional := func(name string, p *string) {
		switch {
		case p == nil:
		case *p == "":
			set(name, nil, nil)
		default:
			set(name, *p, checkURL(*p, "https"))
		}
	}
	optional("activeSignInUri", u.ActiveSignInURI)
	optional("metadataExchangeUri", u.MetadataExchangeURI)
	if p := u.Protocol; p != nil {
		set("preferredAuthenticationProtocol", *p, checkMember(*p, SAML, WSFed))
	}
	if p := u.MFA; p != nil {
		set("federatedIdpMfaBehavior", *p, checkMember(*p, AcceptIfMFADoneByFederatedIdP, EnforceMFAByFederatedIdP, RejectMFAByFederatedIdP))
	}
	switch p := u.PromptLogin; {
	case p == nil:
	case *p == "":
		set("promptLoginBehavior", nil, nil)
	default:
		set("promptLoginBehavior", *p, checkMember(*p, TranslateToFreshPasswordAuthentication, NativeSupport, PromptLoginDisabled))
	}
	if p := u.SigningCertificate; p != nil {
		var err error
		if p.IsZero() {
			err = errors.New("cannot be cleared")
		}
		set("signingCertificate", p.Base64(), err)
	}
	if p := u.NextSigningCertificate; p != nil {
		if p.IsZero() {
			set("nextSigningCertificate", nil, nil)
		} else {
			set("nextSigningCertificate", p.Base64(), nil)
		}
	}
	if p := u.SignedRequestsRequired; p != nil {
		set("isSignedAuthenticationRequestRequired", *p, nil)
	}
	return body, errs
}

// UpdateFederation changes a federation configuration and returns what it is
// then. Only the fields of u that are set are sent. If none is, nothing is written.
//
// The service has been seen to answer a valid update with an internal error:
// that is [ErrUnavailable] and [ErrOutcomeUnknown], after the usual repetitions.
// An issuer of another domain is [ErrIssuerInUse].
//
//	PATCH /domains/{domain}/federationConfiguration/{id}, and GET of the same if the answer is empty;
//	Domain-InternalFederation.ReadWrite.All; safe to repeat
func (c *Client) UpdateFederation(ctx context.Context, domain, id string, u FederationUpdate) (*Federation, error) {
	if u.IsZero() && id != "" {
		if _, err := domainName(domain); err == nil {
			return c.FederationByID(ctx, domain, id)
		}
	}
	answer, err := c.patchFederation(ctx, domain, id, u)
	if err != nil {
		return nil, err
	}
	var f entity[Federation]
	if len(bytes.TrimSpace(answer)) == 0 || json.Unmarshal(answer, &f) != nil || f.v == nil || f.v.ID == "" {
		f, err := c.FederationByID(ctx, domain, id)
		var e *Error
		if errors.As(err, &e) {
			e.OutcomeUnknown = true // the change has been made, and nobody has seen it
		}
		return f, err
	}
	return f.v, nil
}

// PatchFederation is [Client.UpdateFederation] for who reads the configuration by its ID
// afterwards anyhow: what the service answers is not looked at, and nothing is asked when
// the answer is empty. That there is no error says that the service took the change, not
// that it made it.
//
//	PATCH /domains/{domain}/federationConfiguration/{id}; Domain-InternalFederation.ReadWrite.All; safe to repeat
func (c *Client) PatchFederation(ctx context.Context, domain, id string, u FederationUpdate) error {
	if u.IsZero() && id != "" {
		if _, err := domainName(domain); err == nil {
			return nil
		}
	}
	_, err := c.patchFederation(ctx, domain, id, u)
	return err
}

func (c *Client) patchFederation(ctx context.Context, domain, id string, u FederationUpdate) (answer []byte, err error) {
	r := &rest.Request{Method: http.MethodPatch, Path: federationPath + "/{id}", Args: []string{id}, Class: rest.Idempotent,
		Permission: perm.FederationWrite}
	body, errs := u.fields()
	if id == "" {
		errs = append([]error{errNoID}, errs...)
	}
	if len(errs) > 0 {
		return nil, invalid(r.Method+" "+r.Path, errs...)
	}
	r.Body = body
	_, err = c.domainCall(ctx, r, domain, &answer)
	return answer, err
}
