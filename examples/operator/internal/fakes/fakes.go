// Package fakes has customers for demonstrations and tests: each with a JumpCloud
// organisation and an Azure AD tenant, the library's stand-ins, all served at one address.
//
// They are in memory. Whoever serves them in a process of their own keeps them over a
// kill of the operator, and not over one of that process: then nothing was ever
// federated, except what a new set has federated from the start. Credentials and
// addresses are the same again.
//
// The pages on which people sign in are not served.
package fakes

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A Kind says what is special about a customer.
type Kind string

// Kinds of customers. All but Healthy and the two that are federated are in trouble.
const (
	Healthy   Kind = "healthy"    // not federated, and nothing stands in the way
	Expiring  Kind = "expiring"   // federated, with a certificate that ends in forty days
	Drifting  Kind = "drifting"   // federated for a year; somebody changes it later, see Fakes.Drift
	LockedOut Kind = "locked-out" // somebody in Azure AD has no immutable ID and is not in JumpCloud
	Refused   Kind = "refused"    // JumpCloud refuses the key that the environment has
	Foreign   Kind = "foreign"    // federated with somebody else
)

// special are the customers that are not healthy, by their number from 1.
var special = map[int]Kind{3: Expiring, 5: LockedOut, 6: Drifting, 7: Refused, 8: Foreign}

// Options say which customers there are. The zero value of every field is its default.
type Options struct {
	Customers int // 25
	People    int // of each customer, in both directories; 3
	// Plain makes all customers healthy; else those with the numbers 3 and 5 to 8 are not.
	Plain bool
	// Clock is that of dates. What a service takes until it shows a change is divided
	// by its speed.
	Clock bent.Clock
	// Propagation is how long Microsoft's login service takes to show a change, by Clock;
	// the default is half an hour, and on the wall it is at most five seconds. Graph's
	// lists take a tenth of it. Less than 0 is none.
	Propagation time.Duration
}

// Fakes are the customers. It is an [net/http.Handler], safe for concurrent use.
type Fakes struct {
	o        Options
	provider *federationtest.Provider
	all      []*customer
	byDomain map[string]*customer
	handler
}

type customer struct {
	*federationtest.Env
	number int
	name   string
	kind   Kind
	token  string // for Graph: what its stand-in has given; graphToken stands for it
}

// New returns customers. The federated ones were federated in the past of the clock; until
// everybody sees that, as long as Propagation on the wall, New waits.
func New(ctx context.Context, o Options) (*Fakes, error) {
	if o.Customers == 0 {
		o.Customers = 25
	}
	if o.People == 0 {
		o.People = 3
	}
	if o.Propagation == 0 {
		o.Propagation = 30 * time.Minute
	}
	if o.Customers < 0 || o.People < 0 {
		return nil, errors.New("fakes: a number of customers or people is below 0")
	}
	f := &Fakes{
		o: o, byDomain: make(map[string]*customer),
		provider: federationtest.NewProvider(o.Customers, &federationtest.Options{Users: o.People, DefaultDomain: true}),
	}
	f.setNow(o.Clock.Now)
	for i, env := range f.provider.Customers {
		c := &customer{Env: env, number: i + 1, name: env.JumpCloud.Organization, kind: Healthy}
		if kind, ok := special[c.number]; ok && !o.Plain {
			c.kind = kind
		}
		if err := f.make(ctx, c); err != nil {
			return nil, fmt.Errorf("fakes: %s: %w", c.Domain, err)
		}
		f.all = append(f.all, c)
		f.byDomain[c.Domain] = c
	}
	f.provider.JumpCloud.APIKey = providerKey
	if f.lag() > 0 && slices.ContainsFunc(f.all, func(c *customer) bool { return c.kind != Healthy }) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("fakes: %w", context.Cause(ctx))
		case <-time.After(f.lag()):
		}
	}
	if err := f.serve(); err != nil {
		return nil, fmt.Errorf("fakes: %w", err)
	}
	return f, nil
}

// setNow sets the clock of all services. Nobody may be asking them.
func (f *Fakes) setNow(now func() time.Time) {
	f.provider.JumpCloud.Now = now
	for _, env := range f.provider.Customers {
		env.JumpCloud.Now, env.AzureAD.Now = now, now
	}
}

// lag is how long the login service takes, on the wall.
func (f *Fakes) lag() time.Duration {
	return min(max(0, f.o.Clock.Real(f.o.Propagation)), 5*time.Second)
}

// make brings a customer where its kind has it.
func (f *Fakes) make(ctx context.Context, c *customer) error {
	now := f.o.Clock.Now()
	switch c.kind {
	case Expiring:
		if err := f.federated(ctx, c, now.AddDate(-5, 0, 40)); err != nil { // certificates hold for five years
			return err
		}
	case Drifting:
		if err := f.federated(ctx, c, now.AddDate(-1, 0, 0)); err != nil {
			return err
		}
	case LockedOut:
		yes := true
		c.AzureAD.AddUser(aad.User{
			UserPrincipalName: "uma.underhill@" + c.Domain, DisplayName: "Uma Underhill", Mail: "uma.underhill@" + c.Domain,
			Enabled: &yes, UserType: "Member",
		})
	case Foreign:
		if err := foreign(c, now); err != nil {
			return err
		}
	}
	if lag := f.lag(); lag > 0 {
		c.AzureAD.RealmLag = lag
		c.AzureAD.ListLag = aadtest.Lag{For: lag / 10}
	}
	c.AzureAD.TokenLifetime = 10 * 365 * 24 * time.Hour
	return nil
}

// federated federates a customer at a time of the past.
func (f *Fakes) federated(ctx context.Context, c *customer, at time.Time) error {
	f.setNow(func() time.Time { return at })
	defer f.setNow(f.o.Clock.Now)
	_, err := c.Federator(&federation.Options{Now: func() time.Time { return at }}).Federate(federationtest.Hurry(ctx), c.Plan())
	c.ResetLog()
	return err
}

// foreign federates a customer with a provider that is not JumpCloud.
func foreign(c *customer, now time.Time) error {
	life := certs.Lifetime{NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	pair, err := certs.NewKeyPair(pkix.Name{CommonName: "sts." + c.Domain}, life, 0)
	if err != nil {
		return err
	}
	c.AzureAD.AddDomain("other."+c.AzureAD.InitialDomain, aadtest.Default) // a federated domain is not the default one
	c.AzureAD.SetFederation(c.Domain, aad.Federation{
		DisplayName: "Another provider", IssuerURI: "http://sts." + c.Domain + "/trust", PassiveSignInURI: "https://sts." + c.Domain + "/saml",
		SignOutURI: "https://sts." + c.Domain + "/out", Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP,
		SigningCertificate: pair.Cert(),
	})
	return nil
}

// Customer is what is known of a customer.
type Customer struct {
	Number       int    `json:"number"`
	Name         string `json:"name"`
	Domain       string `json:"domain"`
	Kind         Kind   `json:"kind"`
	Tenant       string `json:"tenant"`
	Organization string `json:"organization"`
}

// Customers returns the customers, in the order of their numbers.
func (f *Fakes) Customers() []Customer {
	var all []Customer
	for _, c := range f.all {
		all = append(all, Customer{
			Number: c.number, Name: c.name, Domain: c.Domain, Kind: c.kind,
			Tenant: c.AzureAD.TenantID, Organization: c.JumpCloud.OrgID(),
		})
	}
	return all
}

// Counts is what there is of a domain, whatever the services show: one of each, if it is
// federated once.
type Counts struct {
	Domain       string `json:"domain"`
	Applications int    `json:"applications"` // of the organisation
	Federations  int    `json:"federations"`  // that can be read, of the domain
	Bindings     int    `json:"bindings"`     // of applications to groups and users
	// Created and Federated are how many applications, and federations of the domain,
	// there ever were.
	Created   int `json:"created"`
	Federated int `json:"federated"`
	Writes    int `json:"writes"` // requests that meant to change something
}

// Counts counts what there is of a domain; false if no customer has it.
func (f *Fakes) Counts(domain string) (Counts, bool) {
	c, ok := f.byDomain[strings.ToLower(domain)]
	if !ok {
		return Counts{}, false
	}
	n := Counts{
		Domain: c.Domain, Applications: len(c.JumpCloud.Applications()), Created: len(c.JumpCloud.Histories()), Writes: c.Writes(),
	}
	if _, ok := c.AzureAD.Federation(c.Domain); ok {
		n.Federations = 1
	}
	for _, pair := range c.JumpCloud.Associations() {
		if slices.ContainsFunc(pair[:], func(o jumpcloud.Object) bool { return o.Type == jumpcloud.ApplicationObject }) {
			n.Bindings++
		}
	}
	was := false
	for _, s := range c.AzureAD.History() {
		if !strings.EqualFold(s.Domain, c.Domain) {
			continue
		}
		is := s.AuthenticationType == aad.Federated
		if is && !was {
			n.Federated++
		}
		was = is
	}
	return n, true
}

// Writes counts the requests of all customers that meant to change something.
func (f *Fakes) Writes() int {
	n := 0
	for _, c := range f.all {
		n += c.Writes()
	}
	return n
}

// Drift changes the federation of a domain as an administrator in a hurry does: the second
// factor that JumpCloud has asked for does not count any more. Nobody is locked out.
func (f *Fakes) Drift(domain string) error {
	c, ok := f.byDomain[strings.ToLower(domain)]
	if !ok {
		return errors.New("fakes: no customer has this domain")
	}
	fed, ok := c.AzureAD.Federation(c.Domain)
	if !ok {
		return errors.New("fakes: the domain is not federated")
	}
	fed.MFA = aad.RejectMFAByFederatedIdP
	c.AzureAD.SetFederation(c.Domain, fed)
	return nil
}

// DriftLater drifts the domains of the kind Drifting after d on the wall, or not at all if
// ctx ends before.
func (f *Fakes) DriftLater(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
		for _, c := range f.all {
			if c.kind == Drifting {
				_ = f.Drift(c.Domain) // it may have been defederated
			}
		}
	}
}
