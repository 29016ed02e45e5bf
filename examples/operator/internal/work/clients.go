package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// clients keeps one client for each credential, and another that cannot write. A client
// holds its secret for life, so none lives longer than a secret is kept, unless it is
// being used.
type clients struct {
	o    Options
	mu   sync.Mutex
	jc   map[clientKey]*held[*jumpcloud.Client]
	ad   map[clientKey]*held[*aad.Client]
	feds map[pair]*federation.Federator
}

type clientKey struct {
	credential string
	write      bool
}

type pair struct {
	jc *jumpcloud.Client
	ad *aad.Client
}

// held is a client and the secret that it was made with.
type held[C any] struct {
	client C
	value  secret.Value
	users  int
	old    bool // it goes when nobody uses it
}

// A use is one call's use of a federator.
type use struct {
	fed      *federation.Federator
	jc, ad   secret.Value
	releases []func()
}

func (u *use) release() {
	for _, f := range u.releases {
		f()
	}
}

func newClients(o Options) *clients {
	return &clients{
		o: o, jc: make(map[clientKey]*held[*jumpcloud.Client]), ad: make(map[clientKey]*held[*aad.Client]),
		feds: make(map[pair]*federation.Federator),
	}
}

// get returns a federator of the customer's services.
func (cs *clients) get(ctx context.Context, c *customers.Customer, write bool) (*use, error) {
	write = write && c.Mode == customers.Manage
	jv, err := cs.o.Vault.Get(ctx, c.JumpCloud.Secret)
	if err != nil {
		return nil, err
	}
	av, err := cs.o.Vault.Get(ctx, c.AzureAD.Secret)
	if err != nil {
		return nil, err
	}
	u := &use{jc: jv, ad: av}
	if err := cs.fill(u, c, write); err != nil {
		u.release()
		return nil, err
	}
	return u, nil
}

func (cs *clients) fill(u *use, c *customers.Customer, write bool) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	jc, err := hold(cs, cs.jc, clientKey{c.JumpCloud.Key(), write}, u.jc, u, func() (*jumpcloud.Client, error) {
		return cs.jumpCloud(c.JumpCloud, u.jc, !write)
	})
	if err != nil {
		return err
	}
	ad, err := hold(cs, cs.ad, clientKey{c.AzureAD.Key(), write}, u.ad, u, func() (*aad.Client, error) {
		return cs.azureAD(c.AzureAD, u.ad, !write)
	})
	if err != nil {
		return err
	}
	p := pair{jc, ad}
	if cs.feds[p] == nil {
		cs.feds[p] = federation.New(jc, ad, nil)
	}
	u.fed = cs.feds[p]
	return nil
}

// hold returns the client of a credential, made with this secret. cs.mu is held.
func hold[C comparable](cs *clients, all map[clientKey]*held[C], key clientKey, v secret.Value, u *use, make func() (C, error)) (C, error) {
	h := all[key]
	if h == nil || !h.value.Equal(v) {
		client, err := make()
		if err != nil {
			return client, err
		}
		if h != nil {
			cs.forget(h.client)
		}
		h = &held[C]{client: client, value: v}
		all[key] = h
		time.AfterFunc(secret.Keep, func() {
			cs.mu.Lock()
			defer cs.mu.Unlock()
			if h.old = true; h.users == 0 {
				drop(cs, all, key, h)
			}
		})
	}
	h.users++
	u.releases = append(u.releases, func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if h.users--; h.users == 0 && h.old {
			drop(cs, all, key, h)
		}
	})
	return h.client, nil
}

// drop lets go of a client that nobody uses. cs.mu is held.
func drop[C comparable](cs *clients, all map[clientKey]*held[C], key clientKey, h *held[C]) {
	if all[key] == h {
		delete(all, key)
	}
	cs.forget(h.client)
}

// forget drops the federators of a client. cs.mu is held.
func (cs *clients) forget(client any) {
	for p := range cs.feds {
		if any(p.jc) == client || any(p.ad) == client {
			delete(cs.feds, p)
		}
	}
}

// renew fetches the credentials anew that a service did not take. It reports whether
// there was one, and why it cannot be had.
func (cs *clients) renew(ctx context.Context, c *customers.Customer, u *use, err error) (again bool, renewed error) {
	if federation.Class(err) == federation.ClassTemporary {
		return false, nil // the login service could not be asked
	}
	var errs []error
	if errors.Is(err, jumpcloud.ErrUnauthenticated) {
		_, e := cs.o.Vault.Renew(ctx, c.JumpCloud.Secret, u.jc)
		again, errs = true, append(errs, named("JumpCloud", e))
	}
	if errors.Is(err, aad.ErrUnauthenticated) {
		_, e := cs.o.Vault.Renew(ctx, c.AzureAD.Secret, u.ad)
		again, errs = true, append(errs, named("Azure AD", e))
	}
	return again, errors.Join(errs...)
}

func named(service string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the credential for %s: %w", service, err)
}

func (cs *clients) httpClient(c customers.Credential) *http.Client {
	if cs.o.HTTPClient == nil {
		return nil
	}
	return cs.o.HTTPClient(c)
}

func (cs *clients) jumpCloud(c customers.Credential, v secret.Value, readOnly bool) (*jumpcloud.Client, error) {
	regions := map[string]jumpcloud.Region{"": jumpcloud.US, "us": jumpcloud.US, "eu": jumpcloud.EU, "in": jumpcloud.IN}
	region, ok := regions[c.Region]
	if !ok {
		return nil, fmt.Errorf("there is no region %q of JumpCloud", c.Region)
	}
	o := &jumpcloud.Options{
		Region: region, BaseURL: c.URL, TokenURL: c.LoginURL, OrgID: c.Of, ReadOnly: readOnly,
		HTTPClient: cs.httpClient(c), Wrap: cs.o.Wrap,
	}
	if c.Kind == customers.ServiceAccount {
		return jumpcloud.NewServiceAccount(c.ClientID, v.Reveal(), o)
	}
	return jumpcloud.New(v.Reveal(), o)
}

func (cs *clients) azureAD(c customers.Credential, v secret.Value, readOnly bool) (*aad.Client, error) {
	at, ok := clouds[cmp.Or(c.Region, "public")]
	if !ok {
		return nil, fmt.Errorf("there is no cloud %q of Microsoft", c.Region)
	}
	o := &aad.Options{
		Cloud: at.cloud, GraphURL: c.URL, LoginURL: c.LoginURL, ReadOnly: readOnly, HTTPClient: cs.httpClient(c), Wrap: cs.o.Wrap,
	}
	if c.Kind == customers.Token {
		return aad.New(bearer{v}, o)
	}
	return aad.New(newApp(c, v, cmp.Or(c.LoginURL, at.login), o.HTTPClient), o)
}
