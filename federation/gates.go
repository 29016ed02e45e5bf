package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/perm"
)

// inspectAll returns what the two services' state says against the plan, or what
// should be known about it. It is pure but for the clock it is given.
func (st *observation) inspectAll(p Plan, now time.Time) findings {
	var ps findings
	st.inspectDomain(&ps, p)
	st.inspectDoubles(&ps, p)
	st.inspectTwice(&ps, p)
	st.inspectApplication(&ps, p)
	st.inspectCertificates(&ps, p, now)
	st.inspectGroups(&ps, p)
	st.inspectDirectory(&ps, p)
	st.inspectTechnicalAccount(&ps, p)
	st.inspectMFA(&ps, p)
	return ps
}

// check reads what the gates need and who would be locked out, both at once.
// People are nil if the domain does not exist. The gates' findings have their people
// if byName says so.
func (f *Federator) check(ctx context.Context, p Plan, st *observation, byName bool) (gates findings, people *People, err error) {
	f.emit(ctx, Event{Phase: PhaseCheck, Domain: p.Domain, Text: "checking the gates and everybody's sign-in"})
	g, gctx := errgroup.WithContext(ctx)
	var perms *aad.Permissions
	g.Go(func() (err error) {
		gates, perms, err = f.gates(gctx, p, st)
		return err
	})
	audience := newAudience(p, st)
	if st.domain(p.Domain) != nil {
		g.Go(func() (err error) {
			people, err = f.people(gctx, audience)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, reading(PhaseCheck, err)
	}
	if audience.members != nil && people != nil {
		st.userIDs = audience.members.ids
	}
	if people != nil {
		similar, err := f.similarGroups(ctx, p, people)
		if err != nil {
			return nil, nil, reading(PhaseCheck, err)
		}
		gates = append(gates, people.gates(p.Consent.LockOut, similar, byName)...)
	}
	st.gateSignedIn(&gates, p, perms, people)
	return gates, people, nil
}

// gates reads what must be known before the first write and says what is shut, and
// what the token says; nil if it cannot be read. The observed state has been judged
// by inspectAll already.
func (f *Federator) gates(ctx context.Context, p Plan, st *observation) (ps findings, perms *aad.Permissions, err error) {
	st.gateBreakGlass(&ps, p)
	f.gatePassword(&ps, p, st)

	var org *aad.Organization
	var issuers map[string]string
	var taken, groups findings
	todo := diff(p, st)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		org, err = recallable(ctx, "organization", f.ad.Organization)
		return err
	})
	g.Go(func() (err error) {
		issuers, err = f.issuers(ctx, p, st)
		return err
	})
	g.Go(func() (err error) {
		perms, err = f.ad.Permissions(ctx)
		if errors.Is(err, aad.ErrOpaqueToken) {
			err = nil // the services will say
		}
		return err
	})
	g.Go(func() (err error) {
		taken, err = f.gateLoginURL(ctx, p, st, todo)
		return err
	})
	g.Go(func() (err error) {
		groups, err = f.gateGroups(ctx, p, st, todo)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}

	gatePermissions(&ps, todo, perms)
	ps = append(append(ps, taken...), groups...)
	if org.OnPremisesSyncEnabled {
		ps.refuse(CodeDirectorySync, org.DisplayName,
			"the tenant is synchronised from an on-premises directory, which owns the users' immutable IDs",
			"switch directory synchronisation off first, or make sure that JumpCloud sends the same immutable IDs and set consent.directorySync").
			unless("directorySync", p.Consent.DirectorySync)
	}
	if other, ok := issuers[p.Application.IdPEntityID]; ok {
		own := entityIDPrefix + p.Domain
		if own == p.Application.IdPEntityID {
			own = "https://" + p.Domain
		}
		ps.refuse(CodeIssuerInUse, p.Application.IdPEntityID,
			"the issuer "+p.Application.IdPEntityID+" is used by the domain "+other+" already, and Azure AD tells domains apart by it",
			"set application.idpEntityID to one that no other domain has, such as "+own)
	}
	return ps, perms, nil
}

// gatePermissions compares the token with what the changes need.
func gatePermissions(ps *findings, todo Changes, perms *aad.Permissions) {
	if perms == nil {
		ps.info(CodePermission, "token",
			"the access token cannot be read, so its permissions are not known before the first write", "")
		return
	}
	kind := "delegated"
	if perms.AppOnly {
		kind = "application"
	}
	told := make(map[string]bool)
	for _, c := range todo {
		is := resources[c.Resource]
		for _, name := range is.permissions {
			if perms.Has(name) || told[name] || slices.ContainsFunc(is.instead, perms.Has) {
				continue
			}
			told[name] = true
			if c.ofFederation() && perms.Has(perm.DomainWrite) {
				// Listed as sufficient, yet years of reports say otherwise.
				ps.warn(CodePermission, name,
					"the token has "+perm.DomainWrite+" but not "+name+", and many tenants refuse to "+c.purpose()+" without it",
					"grant "+name+" to the application and have an administrator consent")
				continue
			}
			ps.refuse(CodePermission, name, fmt.Sprintf("the token lacks the permission %s, which is needed to %s", name, c.purpose()),
				"grant it to the application, as Microsoft Graph "+kind+" permission, and have an administrator consent")
		}
	}
}

// purpose says what a change of Azure AD is for, as people would.
func (c Change) purpose() string {
	switch text := resources[c.Resource].purpose; {
	case c.ofFederation() && c.Action == Update:
		return "change the federation of " + c.Name
	case text != "":
		return fmt.Sprintf(text, c.Name)
	}
	return c.String()
}
