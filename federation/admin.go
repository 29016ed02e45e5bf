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
	slices.SortFunc(admins, func(a, b admin) int { return strings.Compare(a.upn, b.upn) })
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

// freshFor is how long the parts of Azure AD may not have heard of an account
// that was just made: minutes have been seen.
const freshFor = 15 * time.Minute

// fresh reports whether the change gives a role to an account that an earlier run
// has just made.
func (st *observation) fresh(c Change) bool {
	return c.Resource == ResRole && st.technical != nil && !st.technical.created.IsZero() && time.Since(st.technical.created) < freshFor
}

func diffAdmins(cs Changes, p Plan, st *observation) Changes {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" || !p.TechnicalAccount.Create {
		return cs
	}
	var id string
	if st.technical == nil {
		cs = append(cs, Change{Resource: ResTechnicalAccount, Name: upn, Action: Create, Fields: []Field{
			{Name: "displayName", New: p.TechnicalAccount.DisplayName},
			{Name: "accountEnabled", New: "true"},
		}})
	} else {
		id = st.technical.id
		if st.technical.global {
			return cs
		}
	}
	return append(cs, Change{Resource: ResRole, Name: upn, Action: Add, Target: id})
}

// inspectTechnicalAccount checks the account that gets back in.
func inspectTechnicalAccount(ps *problems, p Plan, st *observation) {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" {
		return
	}
	a := st.technical
	if a == nil {
		if !p.TechnicalAccount.Create {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" does not exist", "create it, or set technicalAccount.create and supply a password")
		}
	} else {
		if why := a.unfit(p, st); why != "" {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" "+why, "make it an enabled, cloud-only account on the tenant's *.onmicrosoft.com domain without an immutable ID")
		}
		if !a.global && !p.TechnicalAccount.Create {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" is not a Global Administrator", "give it the role, or set technicalAccount.create to have it given")
		}
	}
	if _, at, _ := strings.Cut(upn, "@"); !strings.HasSuffix(domainName(at), ".onmicrosoft.com") {
		*ps = append(*ps, Finding{Code: CodeTechnicalAccount, Severity: Warning, Subject: upn,
			Message: "the technical account " + upn + " is not on the tenant's *.onmicrosoft.com domain", Repair: "an account there is out of reach of any federation"})
	}
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
func gateBreakGlass(ps *problems, p Plan, st *observation) {
	var fit, unfit []string
	if n := len(st.leftOut); n > 0 {
		named := st.leftOut[:min(n, unfitAtMost)]
		if n > unfitAtMost {
			named = append(slices.Clone(named), fmt.Sprintf("and %d more", n-unfitAtMost))
		}
		*ps = append(*ps, Finding{Code: CodeRoleLeftOut, Severity: Warning, Subject: p.Domain,
			Message: "the role of Global Administrator is assigned to somebody who is gone, of another tenant, or not to be read, and who does not count: " + plain(strings.Join(named, "; ")),
			Repair:  "take the role away from who is gone; for groups, grant GroupMember.Read.All to the application"})
	}
	for i := range st.admins {
		a := &st.admins[i]
		if why := a.unfit(p, st); why == "" {
			fit = append(fit, a.upn)
		} else {
			unfit = append(unfit, a.upn+" "+why)
		}
		if a.immutableID != "" {
			*ps = append(*ps, Finding{Code: CodePrivilegedImmutable, Severity: Warning, Subject: a.upn,
				Message: "the Global Administrator " + a.upn + " has an immutable ID: whoever holds an identity provider's key can sign in as this person",
				Repair:  "give administration to cloud-only accounts without an immutable ID"})
		}
	}
	if t := p.TechnicalAccount; t.Create && (st.technical == nil || !st.technical.global) {
		fit = append(fit, t.UserPrincipalName+" (to be made)")
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
		ps.add(CodeBreakGlass, p.Domain, "no Global Administrator could sign in if JumpCloud were down"+others, repair)
		ps.consent("noBreakGlass", p.Consent.NoBreakGlass)
	case 1:
		*ps = append(*ps, Finding{Code: CodeBreakGlassOne, Severity: Warning, Subject: fit[0],
			Message: "only one Global Administrator, " + fit[0] + ", could sign in if JumpCloud were down" + others, Repair: repair})
	}
}

func (f *Federator) gatePassword(ps *problems, p Plan, st *observation) {
	if p.TechnicalAccount.Create && st.technical == nil && f.opts.TechnicalPassword.IsZero() {
		ps.add(CodeTechnicalAccount, p.TechnicalAccount.UserPrincipalName, "the technical account "+p.TechnicalAccount.UserPrincipalName+" is to be made, but no password was supplied",
			"supply Options.TechnicalPassword, or create the account by hand")
	}
}

func adminEvidence(p Plan, st *observation) string {
	var fit []string
	for i := range st.admins {
		if st.admins[i].unfit(p, st) == "" {
			fit = append(fit, st.admins[i].upn)
		}
	}
	return strings.Join(fit, ", ")
}

func (f *Federator) accountStands(ctx context.Context, s *undoStep) (standing, string, error) {
	if s.ID == "" {
		return s.unidentified("account")
	}
	switch _, err := f.ad.User(ctx, s.ID); {
	case errors.Is(err, aad.ErrNotFound) && s.Change.Action == Create:
		return differs, "the account was deleted: Federate makes it anew", nil
	case err != nil && !errors.Is(err, aad.ErrNotFound):
		return differs, "", err
	default:
		return presence(s.Change, err == nil), "", nil
	}
}

// identifyAccount takes an account for the one whose creation was never
// answered if it was not there before, and its name and its time are right.
func (u *undoing) identifyAccount(ctx context.Context, s *undoStep) error {
	a, err := u.f.ad.User(ctx, s.Change.Name)
	switch {
	case errors.Is(err, aad.ErrNotFound):
		s.nothing = true
		return nil
	case err != nil:
		return err
	}
	if name := s.was("displayName"); s.Absent && a.DisplayName == name && s.sameTime(a.Created) {
		s.ID = a.ID
	}
	return nil
}

func (f *Federator) roleStands(ctx context.Context, s *undoStep) (standing, string, error) {
	there := false
	for a, err := range f.ad.RoleAssignments(ctx, aad.GlobalAdministrator) {
		if err != nil {
			return differs, "", err
		}
		if a.ID == s.ID || s.ID == "" && s.Change.Target != "" && a.PrincipalID == s.Change.Target {
			there = true
			s.ID = a.ID
		}
	}
	return presence(s.Change, there), "", nil
}

func (f *Federator) undoRole(ctx context.Context, s *undoStep) error {
	if s.Change.Action == Add {
		_, err := f.ad.AssignRole(ctx, s.Change.Target, aad.GlobalAdministrator)
		return err
	}
	return f.ad.RemoveRoleAssignment(ctx, s.ID)
}
