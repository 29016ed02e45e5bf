// Package tenant reads from a live Azure AD what package signin needs to judge a
// sign-in.
package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// Read reads the domains of a tenant, their roots and federations, and the policy
// of token validation, and returns a [signin.Tenant] that looks users up as they
// are asked for, under ctx. It reads only. The cloud is left for the caller to
// set where it is not the public one, and so is MFA, which Graph does not tell of
// a person.
//
// The federation of a domain that has a configuration which cannot be read is the
// error. A policy that cannot be read, or a root, is left unknown, as tokens often
// lack the permission: the judge then says that it assumes the service's default,
// or that it cannot say.
//
//	Domain.Read.All, Domain-InternalFederation.Read.All, User.Read.All; Policy.Read.All for the policy
func Read(ctx context.Context, c *aad.Client) (signin.Tenant, error) {
	var t signin.Tenant
	federations := make(map[string]*aad.Federation)
	var inherit []int // domains that have their root's
	for d, err := range c.Domains(ctx) {
		if err != nil {
			return signin.Tenant{}, err
		}
		if !d.IsVerified {
			continue
		}
		one := signin.Domain{Name: d.Name}
		if d.IsRoot {
			one.Root = d.Name
		} else {
			root, err := c.RootDomain(ctx, d.Name)
			switch {
			case err == nil:
				one.Root = root.Name
			case ctx.Err() != nil:
				return signin.Tenant{}, err
			}
		}
		if d.AuthenticationType == aad.Federated {
			f, err := c.Federation(ctx, d.Name)
			switch {
			case err == nil:
				one.Federation, federations[d.Name] = f, f
			case errors.Is(err, aad.ErrNotFederated) && !d.IsRoot:
				inherit = append(inherit, len(t.Domains))
			default:
				return signin.Tenant{}, fmt.Errorf("the federation of %s: %w", d.Name, err)
			}
		}
		t.Domains = append(t.Domains, one)
	}
	for _, i := range inherit {
		t.Domains[i].Federation = federations[t.Domains[i].Root]
	}
	policy, err := c.TokenValidationPolicy(ctx)
	switch {
	case err == nil:
		t.Policy = policy
	case !errors.Is(err, aad.ErrDenied):
		return signin.Tenant{}, err
	}
	t.User = func(immutableID string) (*aad.User, error) { return find(ctx, c, immutableID) }
	return t, nil
}

// find returns the user with an immutable ID, or one whose ID the service takes
// for the same: the judge compares again.
func find(ctx context.Context, c *aad.Client, immutableID string) (*aad.User, error) {
	var found, exact []*aad.User
	for u, err := range c.Users(ctx, &aad.UsersOptions{Filter: "onPremisesImmutableId eq " + aad.Quote(immutableID)}) {
		if err != nil {
			return nil, err
		}
		found = append(found, u)
		if u.ImmutableID == immutableID {
			exact = append(exact, u)
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) > 1:
		return nil, fmt.Errorf("%d users have this immutable ID", len(exact))
	case len(found) > 0:
		return found[0], nil // whose ID differs, as the judge will tell
	}
	return nil, aad.ErrNotFound
}
