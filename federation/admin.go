package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/internal/people"
)

// admin is a Global Administrator, or the technical account.
type admin struct {
	id, upn, name, immutableID string
	enabled, synced, guest     bool
	external                   bool // of another tenant, and signs in there
	global                     bool
	created                    time.Time
}

func newAdmin(u *aad.User) admin {
	return admin{
		id: u.ID, upn: u.UserPrincipalName, name: u.DisplayName, immutableID: u.ImmutableID,
		enabled: u.Enabled != nil && *u.Enabled,
		synced:  u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled,
		guest:   strings.EqualFold(u.UserType, "Guest"), external: people.IsExternal(u.UserPrincipalName),
		created: u.Created,
	}
}

// recalledAdmins are the users with the role, and whom it could not be read of.
type recalledAdmins struct {
	users   []*aad.RoleUser
	leftOut []string
}

// observeAdmins reads who is Global Administrator, groups with the role
// included, and the technical account.
func (f *Federator) observeAdmins(ctx context.Context, p Plan, st *observation, parts part) error {
	if !parts.has(partAdmins) {
		return nil
	}
	defer func() { st.at.admins = time.Now() }()
	var admins []admin
	var leftOut []string
	users, err := recallable(ctx, "administrators", func(ctx context.Context) (all recalledAdmins, err error) {
		tell := func(a *aad.RoleAssignment, err error) {
			all.leftOut = append(all.leftOut, assignee(a)+" "+unreadable(err))
		}
		for u, err := range f.ad.RoleUsers(ctx, aad.GlobalAdministrator, tell) {
			if err != nil {
				return all, err
			}
			all.users = append(all.users, u)
		}
		return all, nil
	})
	if err != nil {
		return err
	}
	leftOut = append(leftOut, users.leftOut...)
	for _, u := range users.users {
		if u.DirectoryScopeID != "" && u.DirectoryScopeID != "/" {
			continue // a role over a part of the tenant gets nobody back in
		}
		a := newAdmin(&u.User)
		a.global = true
		admins = append(admins, a)
	}
	sortShort(admins, func(a, b *admin) int { return strings.Compare(a.upn, b.upn) })
	slices.Sort(leftOut)
	st.admins, st.leftOut, st.technical = admins, leftOut, nil
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" {
		return nil
	}
	for i := range admins {
		if strings.EqualFold(admins[i].upn, upn) {
			st.technical = &admins[i]
			return nil
		}
	}
	switch u, err := f.ad.User(ctx, upn); {
	case err == nil:
		a := newAdmin(u)
		st.technical = &a
	case !errors.Is(err, aad.ErrNotFound):
		return err
	}
	return nil
}

// assignee names who an assignment is to.
func assignee(a *aad.RoleAssignment) string {
	if a.Principal != nil && a.Principal.DisplayName != "" {
		return quote(a.Principal.DisplayName) + " (" + a.PrincipalID + ")"
	}
	return cmp.Or(a.PrincipalID, "nobody")
}

// unreadable says why nobody was found behind an assignment.
func unreadable(err error) string {
	switch {
	case errors.Is(err, aad.ErrDenied):
		return "may not be read"
	case errors.Is(err, aad.ErrNotFound):
		return "is not found"
	}
	return "cannot be read"
}

// unfit says why an administrator could not get back in with the plan's domain
// federated; "" means that they could.
func (a *admin) unfit(p Plan, st *observation) string {
	_, at, _ := strings.Cut(a.upn, "@")
	at = domainName(at)
	switch {
	case !a.enabled:
		return "is disabled"
	case a.guest:
		return "is a guest"
	case a.external:
		return "is of another tenant and signs in there"
	case a.synced:
		return "is synchronised from an on-premises directory"
	case beingDeleted(st.domain(at)):
		return "is on the domain " + at + ", which is being deleted"
	case st.root(at) == p.Domain:
		return "is on the domain that is to be federated"
	case a.immutableID != "":
		return "has an immutable ID, so whoever holds an identity provider's key can sign in as it"
	case st.federated(at), st.federated(st.root(at)):
		return "is on the federated domain " + at
	}
	return ""
}

// unfitAtMost is how many administrators who could not sign in are named.
const unfitAtMost = 10

// gateBreakGlass asks for two administrators who can sign in when JumpCloud
// cannot. The classic way to lose a tenant is an only administrator on the domain.
func (st *observation) gateBreakGlass(ps *findings, p Plan) {
	var fit, unfit []string
	if len(st.leftOut) > 0 {
		ps.warn(CodeRoleLeftOut, p.Domain,
			"the role of Global Administrator is assigned to somebody who is gone, of another tenant, or not to be read, and who does not count: "+
				plain(some(st.leftOut, "; ")),
			"take the role away from who is gone; for groups, grant GroupMember.Read.All to the application")
	}
	for i := range st.admins {
		a := &st.admins[i]
		if why := a.unfit(p, st); why == "" {
			fit = append(fit, a.upn)
		} else {
			unfit = append(unfit, a.upn+" "+why)
		}
		if a.immutableID != "" {
			ps.warn(CodePrivilegedImmutable, a.upn,
				"the Global Administrator "+a.upn+" has an immutable ID: whoever holds an identity provider's key can sign in as this person",
				"give administration to cloud-only accounts without an immutable ID")
		}
	}
	if p.makesAdministrator(st) {
		fit = append(fit, p.TechnicalAccount.UserPrincipalName+" (to be made)")
	}
	const repair = "have two enabled, cloud-only Global Administrators on the tenant's *.onmicrosoft.com domain"
	others := ""
	if n := len(unfit) - unfitAtMost; n > 0 {
		unfit = append(unfit[:unfitAtMost], fmt.Sprintf("and %d more could not either", n))
	}
	if len(unfit) > 0 {
		others = ": " + strings.Join(unfit, "; ")
	}
	switch len(fit) {
	case 0:
		ps.refuse(CodeBreakGlass, p.Domain, "no Global Administrator could sign in if JumpCloud were down"+others, repair).
			unless("noBreakGlass", p.Consent.NoBreakGlass)
	case 1:
		ps.warn(CodeBreakGlassOne, fit[0],
			"only one Global Administrator, "+fit[0]+", could sign in if JumpCloud were down"+others,
			repair)
	}
}

func (st *observation) adminEvidence(p Plan) string {
	var names []string
	for _, a := range st.fit(p) {
		names = append(names, a.upn)
	}
	return strings.Join(names, ", ")
}
