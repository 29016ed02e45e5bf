package aad

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/text"
)

// AuthenticationType says who judges the users of a domain.
type AuthenticationType string

// The authentication types. Others may appear.
const (
	Managed   AuthenticationType = "Managed"   // Azure AD itself
	Federated AuthenticationType = "Federated" // another identity provider
)

// Domain is a domain of the tenant.
type Domain struct {
	Name               string             `json:"id"`
	AuthenticationType AuthenticationType `json:"authenticationType,omitempty"`
	IsDefault          bool               `json:"isDefault"`      // new users are created in it; true of exactly one
	IsInitial          bool               `json:"isInitial"`      // the *.onmicrosoft.com domain that came with the tenant
	IsRoot             bool               `json:"isRoot"`         // false for subdomains, and before verification
	IsVerified         bool               `json:"isVerified"`     // the tenant has proved that it owns the domain
	IsAdminManaged     bool               `json:"isAdminManaged"` // DNS is not delegated to Microsoft 365
	SupportedServices  []string           `json:"supportedServices,omitempty"`
	AvailabilityStatus string             `json:"availabilityStatus,omitempty"` // only in the answer of VerifyDomain
	PasswordValidity   *int               `json:"passwordValidityPeriodInDays,omitempty"`
	PasswordNotice     *int               `json:"passwordNotificationWindowInDays,omitempty"`
	State              *DomainState       `json:"state,omitempty"`
}

// DomainState is the state of a deletion or verification that goes on in the background.
type DomainState struct {
	Operation  string    `json:"operation,omitempty"` // ForceDelete, Verification
	Status     string    `json:"status,omitempty"`    // Scheduled, InProgress, Failed
	LastAction time.Time `json:"lastActionDateTime,omitzero"`
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (s *DomainState) UnmarshalJSON(b []byte) error {
	var wire struct {
		Operation, Status  string
		LastActionDateTime timestamp
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*s = DomainState{wire.Operation, wire.Status, time.Time(wire.LastActionDateTime)}
	return nil
}

// Domains lists the domains of the tenant.
//
//	GET /domains; Domain.Read.All; safe to repeat
//
// Each range over the result starts again; it ends after the first error.
func (c *Client) Domains(ctx context.Context) iter.Seq2[*Domain, error] {
	return list[Domain](ctx, c, func() *rest.Request {
		return &rest.Request{Method: http.MethodGet, Path: "domains", Permission: perm.DomainRead}
	})
}

// Domain returns a domain of the tenant, or [ErrNotFound].
// The name may be written in capitals and with a trailing dot; an internationalised
// one has to be given in its ASCII form (xn--…). The same holds for all methods.
//
//	GET /domains/{domain}; Domain.Read.All; safe to repeat
func (c *Client) Domain(ctx context.Context, name string) (*Domain, error) {
	return c.domain(ctx, "domains/{domain}", name)
}

// RootDomain returns the domain from which a subdomain inherits its
// authentication; for a root domain that is the domain itself.
//
//	GET /domains/{domain}/rootDomain; Domain.Read.All; safe to repeat
func (c *Client) RootDomain(ctx context.Context, name string) (*Domain, error) {
	return c.domain(ctx, "domains/{domain}/rootDomain", name)
}

func (c *Client) domain(ctx context.Context, path, name string) (*Domain, error) {
	var d entity[Domain]
	r := &rest.Request{Method: http.MethodGet, Path: path, Permission: perm.DomainRead}
	resp, err := c.domainCall(ctx, r, name, &d)
	if err != nil {
		return nil, err
	}
	return d.get(r, resp, nameOf)
}

func nameOf(d *Domain) string { return d.Name }

// SetDefaultDomain makes a domain the default, in which users are created. It
// has to be verified and managed. The domain that was the default is it no more.
//
//	PATCH /domains/{domain}; Domain.ReadWrite.All; safe to repeat
func (c *Client) SetDefaultDomain(ctx context.Context, name string) error {
	return c.patchDomain(ctx, name, perm.DomainWrite, map[string]any{"isDefault": true})
}

// SetManaged takes a domain out of its federation: from then on Azure AD itself
// asks its users for a password, which many of them may never have had. The
// service forgets the federation configuration: read and keep it first, for
// nothing else brings it back. On a managed domain it does nothing. It is also
// the way out of the state that a failed [Client.CreateFederation] can leave.
//
// The other direction does not exist here: see [Client.CreateFederation].
//
//	PATCH /domains/{domain}; Domain.ReadWrite.All, and for a signed-in user
//	Domain-InternalFederation.ReadWrite.All; safe to repeat
func (c *Client) SetManaged(ctx context.Context, name string) error {
	return c.patchDomain(ctx, name, perm.DomainWrite+" (signed-in users: and "+perm.FederationWrite+")",
		map[string]any{"authenticationType": Managed})
}

func (c *Client) patchDomain(ctx context.Context, name, permission string, body any) error {
	r := &rest.Request{Method: http.MethodPatch, Path: "domains/{domain}", Body: body, Class: rest.Idempotent, Permission: permission}
	_, err := c.domainCall(ctx, r, name, nil)
	return err
}

// CreateDomain adds a domain to the tenant. It is managed and not verified:
// see [Client.VerificationRecords] and [Client.VerifyDomain].
//
//	POST /domains; Domain.ReadWrite.All; not repeated when the answer is lost
func (c *Client) CreateDomain(ctx context.Context, name string) (*Domain, error) {
	r := &rest.Request{Method: http.MethodPost, Path: "domains", Class: rest.Create, Permission: perm.DomainWrite}
	name, err := domainName(name)
	if err != nil {
		return nil, invalid(r.Method+" "+r.Path, err)
	}
	r.Body = map[string]string{"id": name}
	var d entity[Domain]
	resp, err := c.do(ctx, r, &d)
	if err != nil {
		return nil, err
	}
	return d.get(r, resp, nameOf)
}

// VerifyDomain asks the service to look for the verification record in the DNS. It
// fails with [ErrInvalid] while the record cannot be seen, and for a domain that is
// verified already.
//
//	POST /domains/{domain}/verify; Domain.ReadWrite.All; not repeated when the answer is lost
func (c *Client) VerifyDomain(ctx context.Context, name string) (*Domain, error) {
	r := &rest.Request{Method: http.MethodPost, Path: "domains/{domain}/verify", Class: rest.Create, Permission: perm.DomainWrite}
	var d entity[Domain]
	resp, err := c.domainCall(ctx, r, name, &d)
	if err != nil {
		return nil, err
	}
	return d.get(r, resp, nameOf)
}

// PromoteDomain makes a verified subdomain a root domain of its own. It must not
// have users. A subdomain that inherited a federation is managed afterwards.
//
//	POST /domains/{domain}/promote; Domain.ReadWrite.All; not repeated when the answer is lost
func (c *Client) PromoteDomain(ctx context.Context, name string) error {
	r := &rest.Request{Method: http.MethodPost, Path: "domains/{domain}/promote", Class: rest.Create, Permission: perm.DomainWrite}
	var answer struct{ Value *bool }
	if _, err := c.domainCall(ctx, r, name, &answer); err != nil {
		return err
	}
	if answer.Value != nil && !*answer.Value {
		return &Error{Op: r.Method + " " + r.Path, StatusCode: http.StatusOK,
			Err: errors.New("the service says that it did not promote the domain"), meaning: ErrInvalid}
	}
	return nil
}

// DeleteDomain removes a domain, which must not be in use by users, groups or
// applications, from the tenant. A domain that is not there is a success.
//
//	DELETE /domains/{domain}; Domain.ReadWrite.All; safe to repeat
func (c *Client) DeleteDomain(ctx context.Context, name string) error {
	r := &rest.Request{Method: http.MethodDelete, Path: "domains/{domain}", Class: rest.Idempotent, Permission: perm.DomainWrite}
	if _, err := c.domainCall(ctx, r, name, nil); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// domainCall makes a call whose path begins with a domain.
func (c *Client) domainCall(ctx context.Context, r *rest.Request, domain string, out any) (*rest.Response, error) {
	name, err := domainName(domain)
	if err != nil {
		return nil, invalid(r.Method+" "+r.Path, err)
	}
	r.Args = append([]string{name}, r.Args...)
	return c.do(ctx, r, out)
}

// domainName returns the one spelling of a domain that is sent.
func domainName(s string) (string, error) {
	name := text.Domain(s)
	if wrong := text.WrongDomain(name); wrong != "" {
		return "", errors.New("the domain " + wrong)
	}
	return name, nil
}
