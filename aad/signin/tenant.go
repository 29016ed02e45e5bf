package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
)

// Tenant is what Azure AD holds, as far as it decides a sign-in. It is read from
// a live one by package tenant, or from JSON; or it is written down.
type Tenant struct {
	Cloud aad.Cloud

	// Domains are the domains of the tenant, managed ones included: what is not
	// among them is no domain of it. Every tenant has one, so that none means
	// that they are not known: then no issuer is refused.
	Domains []Domain

	// Policy is nil for the service's default, which is then told as assumed.
	Policy *aad.TokenValidationPolicy

	// User returns the user with an immutable ID, or [aad.ErrNotFound] if there
	// is none. Any other error, and a nil user, mean that it cannot be said. A
	// nil User means that nobody looks: the answer is never yes.
	User func(immutableID string) (*aad.User, error)

	// MFA is whether something demands a second factor of this person:
	// Conditional Access, security defaults, or the user's own setting.
	MFA Answer
}

// Domain is a domain of a [Tenant].
type Domain struct {
	Name string

	// Root is the domain from which it inherits its authentication, and itself
	// for a root: what Graph says ([aad.Client.RootDomain]). Empty means that
	// it is not known. It cannot be told from the names, as a subdomain may
	// have been made a root of its own.
	Root string

	// Federation is nil for a managed domain.
	Federation *aad.Federation
}

// loginURL is where the tenant's cloud takes answers.
func (t *Tenant) loginURL() string {
	if u := t.Cloud.LoginURL(); u != "" {
		return u + "/login.srf"
	}
	return aad.Public.LoginURL() + "/login.srf"
}

// domain returns the domain of this name.
func (t *Tenant) domain(name string) *Domain {
	for i := range t.Domains {
		if text.Domain(t.Domains[i].Name) == text.Domain(name) {
			return &t.Domains[i]
		}
	}
	return nil
}

// rootOf returns the root of a domain in its one spelling, "" if it is not known.
func (t *Tenant) rootOf(name string) string {
	if d := t.domain(name); d != nil {
		return text.Domain(d.Root)
	}
	return ""
}

// wireTenant is a Tenant in JSON.
type wireTenant struct {
	Cloud   string `json:"cloud"`
	Domains []struct {
		Name       string          `json:"name"`
		Root       string          `json:"root"`
		Federation *aad.Federation `json:"federation"`
	} `json:"domains"`
	Policy *aad.TokenValidationPolicy `json:"policy"`
	Users  *[]json.RawMessage         `json:"users"`
	MFA    Answer                     `json:"mfa"`
}

// UnmarshalJSON reads a tenant that was written down:
//
//	{"cloud": "Public",
//	 "domains": [{"name": "example.com", "root": "example.com", "federation": {…}}],
//	 "policy": {…},
//	 "users": [{"userPrincipalName": "ann@example.com", "onPremisesImmutableId": "…"}],
//	 "mfa": "cannot say"}
//
// Federation, policy and users have the shape that Graph gives them, and may have
// more than is needed. Beside them a field that is not known is an error. Of users
// that are given it is taken that there are no others.
func (t *Tenant) UnmarshalJSON(b []byte) error {
	var w wireTenant
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("signin: a tenant: %w", err)
	}
	*t = Tenant{Policy: w.Policy, MFA: w.MFA}
	known := w.Cloud == ""
	for c := aad.Public; !known && c.LoginURL() != ""; c++ {
		if strings.EqualFold(c.String(), w.Cloud) {
			t.Cloud, known = c, true
		}
	}
	if !known {
		return fmt.Errorf("signin: the cloud %q is not known: it is Public, USGovL4, USGovL5 or China", text.Printable(w.Cloud, 40))
	}
	for _, d := range w.Domains {
		if d.Name == "" {
			return errors.New("signin: a domain of the tenant has no name")
		}
		t.Domains = append(t.Domains, Domain{d.Name, d.Root, d.Federation})
	}
	if w.Users != nil {
		users := make([]*aad.User, len(*w.Users))
		for i, raw := range *w.Users {
			if err := json.Unmarshal(raw, &users[i]); err != nil {
				return fmt.Errorf("signin: user %d of the tenant: %w", i+1, err)
			}
		}
		t.User = Users(users...)
	}
	return nil
}

// Users returns a [Tenant]'s User that knows these users and says of everybody
// else that there is none. If two have one immutable ID, it cannot say which.
func Users(users ...*aad.User) func(immutableID string) (*aad.User, error) {
	byID := make(map[string]*aad.User, len(users))
	twice := make(map[string]bool)
	for _, u := range users {
		if u == nil || u.ImmutableID == "" {
			continue
		}
		twice[u.ImmutableID] = byID[u.ImmutableID] != nil
		byID[u.ImmutableID] = u
	}
	return func(id string) (*aad.User, error) {
		switch u := byID[id]; {
		case u == nil:
			return nil, aad.ErrNotFound
		case twice[id]:
			return nil, errors.New("two users have this immutable ID")
		default:
			return u, nil
		}
	}
}
