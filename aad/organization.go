package aad

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// Organization is the tenant.
type Organization struct {
	ID          string // the tenant ID
	DisplayName string
	TenantType  string

	// OnPremisesSyncEnabled: users come from a directory on the premises, and
	// some of their properties, the immutable ID first, can only be changed there.
	OnPremisesSyncEnabled bool
	LastSync              time.Time // zero if there never was one

	// VerifiedDomains are told with Name, AuthenticationType, IsDefault, IsInitial,
	// IsVerified and SupportedServices only: see [Client.Domains] for the rest.
	VerifiedDomains []Domain
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (o *Organization) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID, DisplayName, TenantType string
		OnPremisesSyncEnabled       bool
		OnPremisesLastSyncDateTime  timestamp
		VerifiedDomains             []struct {
			Name, Capabilities   string // the latter a list with commas
			Type                 AuthenticationType
			IsDefault, IsInitial bool
		}
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*o = Organization{wire.ID, wire.DisplayName, wire.TenantType, wire.OnPremisesSyncEnabled, time.Time(wire.OnPremisesLastSyncDateTime), nil}
	for _, d := range wire.VerifiedDomains {
		services := strings.FieldsFunc(d.Capabilities, func(r rune) bool { return r == ',' || r == ' ' })
		o.VerifiedDomains = append(o.VerifiedDomains, Domain{
			Name: d.Name, AuthenticationType: d.Type, IsDefault: d.IsDefault, IsInitial: d.IsInitial,
			IsVerified: true, SupportedServices: services,
		})
	}
	return nil
}

// Organization returns the tenant, with its verified domains: one request tells
// which are federated.
//
//	GET /organization; Organization.Read.All; safe to repeat
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	r := &rest.Request{Method: http.MethodGet, Path: "organization", Permission: perm.Organization}
	var page struct{ Value collection[Organization] }
	resp, err := c.do(ctx, r, &page)
	if err != nil {
		return nil, err
	}
	if !page.Value.read {
		return nil, unusable(r, resp, errNoList)
	}
	for _, o := range page.Value.items {
		switch {
		case o == nil:
		case o.ID == "":
			return nil, unusable(r, resp, errHollow)
		default:
			return o, nil
		}
	}
	return nil, &Error{Op: r.Method + " " + r.Path, StatusCode: resp.Status, RequestID: resp.RequestID,
		Err: errors.New("the list is empty"), meaning: ErrNotFound}
}
