package aad

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// RootDomains says for the users of which root domains a [TokenValidationPolicy] holds.
type RootDomains string

// The choices. Others may appear.
const (
	NoDomains                         RootDomains = "none"
	AllDomains                        RootDomains = "all"
	AllFederatedDomains               RootDomains = "allFederated"
	AllManagedDomains                 RootDomains = "allManaged"
	EnumeratedDomains                 RootDomains = "enumerated"
	AllManagedAndEnumeratedFederation RootDomains = "allManagedAndEnumeratedFederated"
)

// TokenValidationPolicy says for which domains Azure AD insists that a user who
// signs in through a federated domain also has a user name on it, or on a
// subdomain. Where it holds, everybody else is refused (AADSTS5000820).
type TokenValidationPolicy struct {
	ID          string
	RootDomains RootDomains
	DomainNames []string // of EnumeratedDomains and AllManagedAndEnumeratedFederation
}

// Validates reports whether the policy holds for users of a domain with this
// authentication. What the package does not know counts as held, so that nobody
// relies on a gap that is none.
func (p *TokenValidationPolicy) Validates(domain string, auth AuthenticationType) bool {
	name, err := domainName(domain)
	listed := err == nil && slices.ContainsFunc(p.DomainNames, func(d string) bool {
		d, err := domainName(d)
		return err == nil && (d == name || strings.HasSuffix(name, "."+d))
	})
	switch p.RootDomains {
	case NoDomains:
		return false
	case AllFederatedDomains:
		return auth == Federated
	case AllManagedDomains:
		return auth == Managed
	case EnumeratedDomains:
		return listed
	case AllManagedAndEnumeratedFederation:
		return auth == Managed || listed
	}
	return true
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (p *TokenValidationPolicy) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID                string
		ValidatingDomains *struct {
			RootDomains RootDomains
			DomainNames []string
		}
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*p = TokenValidationPolicy{ID: wire.ID, RootDomains: AllDomains}
	if v := wire.ValidatingDomains; v != nil {
		p.DomainNames = v.DomainNames
		if v.RootDomains != "" {
			p.RootDomains = v.RootDomains
		}
	}
	return nil
}

// TokenValidationPolicy returns the tenant's policy. If none is set it is the
// service's default, [AllDomains], without an ID.
//
//	GET /policies/federatedTokenValidationPolicy; Policy.Read.All; safe to repeat
func (c *Client) TokenValidationPolicy(ctx context.Context) (*TokenValidationPolicy, error) {
	r := &rest.Request{Method: http.MethodGet, Path: "policies/federatedTokenValidationPolicy", Permission: perm.PolicyRead}
	var p entity[TokenValidationPolicy]
	resp, err := c.do(ctx, r, &p)
	switch {
	case errors.Is(err, ErrNotFound):
		return &TokenValidationPolicy{RootDomains: AllDomains}, nil
	case err != nil:
		return nil, err
	case p.none:
		return &TokenValidationPolicy{RootDomains: AllDomains}, nil
	}
	return p.get(r, resp, func(p *TokenValidationPolicy) string { return p.ID })
}
