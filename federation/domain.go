package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
)

func (f *Federator) observeDomain(ctx context.Context, p Plan, st *observation, parts part) error {
	readFederation := func() error {
		fed, err := f.ad.Federation(ctx, p.Domain)
		if err != nil && !errors.Is(err, aad.ErrNotFederated) {
			return err
		}
		st.fed = fed
		st.lookedAt(fed)
		return nil
	}
	const both = partDomains | partFederation
	afterWrite := parts.has(partFederation) && parts&^both == 0
	if afterWrite {
		// After our own write the configuration is asked for first: where there is
		// one, the domain is federated. On a first look a managed domain, which has
		// none, is not asked for it.
		if err := readFederation(); err != nil {
			return err
		}
		if st.fed != nil && st.domain(p.Domain) != nil {
			st.federate(p.Domain)
			return nil
		}
	}
	var g errgroup.Group
	beside := parts&both == both && !afterWrite && st.fed != nil && st.federated(p.Domain)
	if beside { // there was a configuration a moment ago
		g.Go(readFederation)
	}
	if parts.has(partDomains) {
		var domains []*aad.Domain
		for d, err := range recallList(ctx, "domains", f.ad.Domains(ctx)) {
			if err != nil {
				return errors.Join(err, g.Wait())
			}
			domains = append(domains, d)
		}
		st.domains = domains
	}
	err := g.Wait()
	switch {
	case err != nil || afterWrite || !parts.has(partFederation):
		return err
	case !st.federated(p.Domain):
		st.fed = nil
	case !beside:
		return readFederation()
	}
	return nil
}

// domain is the plan's domain, or nil.
func (st *observation) domain(name string) *aad.Domain {
	for _, d := range st.domains {
		if domainName(d.Name) == name {
			return d
		}
	}
	return nil
}

// federated reports whether the domain is federated, with whatever settings.
func (st *observation) federated(name string) bool {
	d := st.domain(name)
	return d != nil && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
}

func (st *observation) diffDefaultDomain(cs Changes, p Plan) Changes {
	d := st.domain(p.Domain)
	if d == nil || !d.IsDefault {
		return cs
	}
	return append(cs, Change{Resource: ResDefaultDomain, Name: p.newDefault(st), Action: Update, Fields: []Field{
		{Name: "defaultDomain", Old: domainName(d.Name), New: p.newDefault(st)},
	}})
}

// movesDefault reports whether the change makes another domain the default one.
func (c Change) movesDefault() bool { return c.Resource == ResDefaultDomain }

// newDefault is the domain that becomes the default one.
func (p Plan) newDefault(st *observation) string {
	if p.DefaultDomain != "" {
		return p.DefaultDomain
	}
	for _, d := range st.domains {
		if d.IsInitial {
			return domainName(d.Name)
		}
	}
	return Later
}

func (st *observation) inspectDomain(ps *findings, p Plan) {
	state := st.classify(p)
	switch state {
	case StateUnknown:
		ps.refuse(CodeDomainUnknown, p.Domain, p.Domain+" is not a domain of this Azure AD tenant", state.Next())
		return
	case StateUnverified:
		ps.refuse(CodeDomainUnverified, p.Domain, p.Domain+" is not verified in Azure AD", state.Next())
	case StateInitial:
		ps.refuse(CodeDomainInitial, p.Domain, p.Domain+" is the tenant's initial domain, which cannot be federated", state.Next())
	case StateInherits:
		ps.refuse(CodeDomainInherits, p.Domain, p.Domain+" is a subdomain and inherits the authentication of "+st.rootOf(p.Domain),
			"federate "+st.rootOf(p.Domain)+"; its subdomains follow")
	case StateForeign:
		if st.inspectOwnTool(ps, p) {
			break
		}
		ps.refuse(CodeDomainForeign, p.Domain,
			fmt.Sprintf("%s is federated with %s (issuer %s)", p.Domain, provider(st.fed.IssuerURI, st.fed.PassiveSignInURI), st.fed.IssuerURI),
			state.Next()+"; then set consent.takeOver").
			unless("takeOver", p.Consent.TakeOver)
	case StateHalf:
		ps.refuse(CodeDomainHalf, p.Domain, p.Domain+" is federated, but its configuration cannot be read: what a failed creation leaves behind",
			state.Next()).
			unless("recover", p.Consent.Recover)
	}
	d := st.domain(p.Domain)
	inspectDeletion(ps, d)
	if bare(p.Application.IdPEntityID, p.Domain) && (st.fed == nil || st.fed.IssuerURI != p.Application.IdPEntityID) {
		ps.refuse(CodePlanEntityID, p.Application.IdPEntityID,
			"the IdP entity ID "+quote(p.Application.IdPEntityID)+" begins with neither https:// nor urn:, "+
				"and is not the issuer that "+p.Domain+" is federated with; Azure AD takes such a one no more",
			"use "+entityIDPrefix+p.Domain+", or leave it out")
	}
	st.inspectSignOut(ps, p)
	if !d.IsDefault {
		return
	}
	name := p.newDefault(st)
	switch next := st.domain(name); {
	case next == nil:
		ps.refuse(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and there is no domain "+quote(name)+" to take its place",
			"name a verified, managed domain under defaultDomain")
	case !next.IsVerified:
		ps.refuse(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and "+name+" cannot take its place, "+
			"because it is not verified",
			"name a verified, managed domain under defaultDomain")
	case beingDeleted(next):
		ps.refuse(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and "+name+" cannot take its place, "+
			"because it is being deleted",
			"name a verified, managed domain under defaultDomain")
	case st.federated(name):
		ps.refuse(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and "+name+" cannot take its place, "+
			"because it is federated itself",
			"name a verified, managed domain under defaultDomain")
	}
}

// beingDeleted reports whether a deletion of the domain is under way, or planned.
// A domain whose deletion has failed stays.
func beingDeleted(d *aad.Domain) bool {
	return d != nil && d.State != nil && strings.Contains(strings.ToLower(d.State.Operation), "delete") &&
		!strings.EqualFold(d.State.Status, "Failed")
}

func inspectDeletion(ps *findings, d *aad.Domain) {
	name := domainName(d.Name)
	switch {
	case beingDeleted(d):
		ps.refuse(CodeDomainDeleted, name, name+" is being deleted from the tenant ("+plain(d.State.Operation+", "+d.State.Status)+
			"), and its accounts are disabled or renamed with it",
			"wait until the deletion is over; add the domain and verify it again if it is wanted")
	case d.State != nil && strings.Contains(strings.ToLower(d.State.Operation), "delete"):
		ps.warn(CodeDomainDeleted, name,
			"a deletion of "+name+" from the tenant was begun and has failed; accounts may have been disabled or renamed by it",
			"look at the accounts on the domain")
	}
}

// inspectSignOut tells of a default that is not written over what stands.
func (st *observation) inspectSignOut(ps *findings, p Plan) {
	if st.keepsSignOut(p) && st.signOut != "" && st.fed.SignOutURI != st.signOut {
		ps.info(CodeSignOut, p.Domain,
			"after signing out, people on "+p.Domain+" are sent to "+st.fed.SignOutURI+"; the user console of this organisation is "+st.signOut,
			"set signOutURL to "+st.signOut+" to have it written")
	}
}

// keepsSignOut reports whether the plan leaves the sign-out address to its
// default, and the federation has one of JumpCloud's, which was a default too.
func (st *observation) keepsSignOut(p Plan) bool {
	return p.SignOutURL == "" && ours(p, st) && within(hostOf(st.fed.SignOutURI), "jumpcloud.com")
}

// above is the nearest root domain of the tenant that name is below; "" if there
// is none.
func (st *observation) above(name string) string {
	for {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return ""
		}
		if d := st.domain(rest); d != nil && d.IsRoot {
			return rest
		}
		name = rest
	}
}

// rootOf names the domain that a subdomain follows.
func (st *observation) rootOf(name string) string {
	return cmp.Or(st.above(name), "its root domain")
}

// root is the domain whose authentication counts for people on name: itself, or
// for a subdomain that is no root the nearest one above it.
func (st *observation) root(name string) string {
	if d := st.domain(name); d != nil && d.IsRoot {
		return name
	}
	return cmp.Or(st.above(name), name)
}

// followers are the subdomains that inherit a domain's authentication, in order.
func (st *observation) followers(name string) []string {
	var names []string
	for _, d := range st.domains {
		if n := domainName(d.Name); n != name && !d.IsRoot && st.root(n) == name {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// issuersAtMost is how many other federated domains are asked for their
// issuer. In a larger tenant only Azure AD's own refusal (409) tells.
const issuersAtMost = 50

// issuers maps the issuers of the tenant's other federated domains to them.
func (f *Federator) issuers(ctx context.Context, p Plan, st *observation) (map[string]string, error) {
	var names []string
	for _, d := range st.domains {
		if n := domainName(d.Name); n != p.Domain && d.IsRoot && st.federated(n) {
			names = append(names, n)
		}
	}
	if len(names) > issuersAtMost {
		return nil, nil
	}
	found := make([]string, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, n := range names {
		g.Go(func() error {
			fed, err := recallable(ctx, "federation of "+n, func(ctx context.Context) (*aad.Federation, error) { return f.ad.Federation(ctx, n) })
			if err == nil {
				found[i] = fed.IssuerURI
			} else if !errors.Is(err, aad.ErrNotFederated) {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	issuers := make(map[string]string, len(names))
	for i, n := range names {
		issuers[found[i]] = n
	}
	return issuers, nil
}

func (u *undoing) defaultStands(ctx context.Context, c Change) (standing, string, error) {
	left, before := c.Fields[0].Old, domainName(c.Fields[0].New)
	now := ""
	own := u.federation()
	freed := before == u.p.Domain && own != nil && own.Change.Action == Delete // by an earlier step
	for d, err := range u.f.ad.Domains(ctx) {
		if err != nil {
			return differs, "", err
		}
		if d.IsDefault {
			now = domainName(d.Name)
		}
		if domainName(d.Name) == before && !freed && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)) {
			return differs, before + " is federated and cannot be the default domain: choose the default domain by hand", nil
		}
	}
	switch now {
	case before:
		return undone, "", nil
	case left:
		return asLeft, "", nil
	}
	return differs, "the default domain is " + now + ", the step left " + left + ": choose the default domain by hand", nil
}
