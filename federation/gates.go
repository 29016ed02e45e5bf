package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
)

// gates reads what must be known before the first write and says what is shut.
// The observed state has been judged by inspect already.
func (f *Federator) gates(ctx context.Context, p Plan, st *state) ([]Finding, error) {
	var ps problems
	gateBreakGlass(&ps, p, st)
	f.gatePassword(&ps, p, st)

	var org *aad.Organization
	var issuers map[string]string
	var perms *aad.Permissions
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		org, err = f.ad.Organization(ctx)
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
	if err := g.Wait(); err != nil {
		return nil, err
	}

	gatePermissions(&ps, diff(p, st), perms)
	if org.OnPremisesSyncEnabled {
		ps.add(CodeDirectorySync, org.DisplayName, "the tenant is synchronised from an on-premises directory, which owns the users' immutable IDs",
			"switch directory synchronisation off first, or make sure that JumpCloud sends the same immutable IDs and set consent.directorySync")
		ps.consent("directorySync", p.Consent.DirectorySync)
	}
	if other, ok := issuers[p.Application.IdPEntityID]; ok {
		own := entityIDPrefix + p.Domain
		if own == p.Application.IdPEntityID {
			own = "https://" + p.Domain
		}
		ps.add(CodeIssuerInUse, p.Application.IdPEntityID, "the issuer "+p.Application.IdPEntityID+" is used by the domain "+other+" already, and Azure AD tells domains apart by it",
			"set application.idpEntityID to one that no other domain has, such as "+own)
	}
	return ps, nil
}

// issuersAtMost is how many other federated domains are asked for their
// issuer. In a larger tenant only Azure AD's own refusal (409) tells.
const issuersAtMost = 50

// issuers maps the issuers of the tenant's other federated domains to them.
func (f *Federator) issuers(ctx context.Context, p Plan, st *state) (map[string]string, error) {
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
			fed, err := f.ad.Federation(ctx, n)
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

// unfitAtMost is how many administrators who could not sign in are named.
const unfitAtMost = 10

// gateBreakGlass asks for two administrators who can sign in when JumpCloud
// cannot. The classic way to lose a tenant is an only administrator on the domain.
func gateBreakGlass(ps *problems, p Plan, st *state) {
	var fit, unfit []string
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

func (f *Federator) gatePassword(ps *problems, p Plan, st *state) {
	if p.TechnicalAccount.Create && st.technical == nil && f.opts.TechnicalPassword.IsZero() {
		ps.add(CodeTechnicalAccount, p.TechnicalAccount.UserPrincipalName, "the technical account "+p.TechnicalAccount.UserPrincipalName+" is to be made, but no password was supplied",
			"supply Options.TechnicalPassword, or create the account by hand")
	}
}

// The permissions that writes need.
const (
	permissionInternalFederationReadWrite = "Domain-InternalFederation.ReadWrite.All"
	permissionDomainReadWrite             = "Domain.ReadWrite.All"
	permissionUserReadWrite               = "User.ReadWrite.All"
	permissionRoleReadWrite               = "RoleManagement.ReadWrite.Directory"
)

// needed are the permissions that changes of Azure AD need.
var needed = map[Resource][]string{
	ResFederation:       {permissionInternalFederationReadWrite},
	ResRecover:          {permissionDomainReadWrite},
	ResDefaultDomain:    {permissionDomainReadWrite},
	ResTechnicalAccount: {permissionUserReadWrite},
	ResRole:             {permissionRoleReadWrite},
}

// purpose says what a change of Azure AD is for, as people would.
func (c Change) purpose() string {
	switch c.Resource {
	case ResFederation:
		if c.Action == Update {
			return "change the federation of " + c.Name
		}
		return "federate " + c.Name
	case ResRecover:
		return "set " + c.Name + " to Managed"
	case ResDefaultDomain:
		return "make " + c.Name + " the default domain"
	case ResTechnicalAccount:
		return "create the account " + c.Name
	case ResRole:
		return "make " + c.Name + " a Global Administrator"
	}
	return c.String()
}

// gatePermissions compares the token with what the changes need.
func gatePermissions(ps *problems, todo Changes, perms *aad.Permissions) {
	if perms == nil {
		*ps = append(*ps, Finding{Code: CodePermission, Severity: Info, Subject: "token",
			Message: "the access token cannot be read, so its permissions are not known before the first write"})
		return
	}
	kind := "delegated"
	if perms.AppOnly {
		kind = "application"
	}
	told := make(map[string]bool)
	for _, c := range todo {
		for _, name := range needed[c.Resource] {
			if perms.Has(name) || told[name] {
				continue
			}
			told[name] = true
			if c.Resource == ResFederation && perms.Has(permissionDomainReadWrite) {
				// Listed as sufficient, yet years of reports say otherwise.
				*ps = append(*ps, Finding{Code: CodePermission, Severity: Warning, Subject: name,
					Message: "the token has " + permissionDomainReadWrite + " but not " + name + ", and many tenants refuse to " + c.purpose() + " without it",
					Repair:  "grant " + name + " to the application and have an administrator consent"})
				continue
			}
			ps.add(CodePermission, name, fmt.Sprintf("the token lacks the permission %s, which is needed to %s", name, c.purpose()),
				"grant it to the application, as Microsoft Graph "+kind+" permission, and have an administrator consent")
		}
	}
}
