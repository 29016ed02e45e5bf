package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Codes of findings about credentials that belong to another customer.
const (
	CodeWrongTenant       Code = "wrong-tenant"
	CodeWrongOrganization Code = "wrong-organization"
)

// tenant is the tenant that the credential's token is of; "" if it cannot be read.
func (f *Federator) tenant(ctx context.Context) (string, error) {
	perms, err := f.ad.Permissions(ctx)
	if errors.Is(err, aad.ErrOpaqueToken) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return perms.TenantID, nil
}

// organization is the JumpCloud organisation that the observation is of; "" if
// neither application nor directory tells.
func (st *observation) organization(p Plan) string {
	if a := st.app(p); a != nil && a.OrganizationID != "" {
		return a.OrganizationID
	}
	for _, d := range st.directories {
		if d.OrganizationID != "" {
			return d.OrganizationID
		}
	}
	return ""
}

// gateAnswers refuses answers of another organisation than the one that the client
// asks in the name of: something between them and JumpCloud has lost its x-org-id.
func gateAnswers(ps *findings, asked, answered string) {
	if asked != "" && answered != "" && asked != answered {
		ps.refuse(CodeWrongOrganization, answered,
			"JumpCloud was asked in the name of the organisation "+asked+", and what it answered is of "+answered,
			"look at what is between this program and JumpCloud: it loses the header x-org-id, or changes it")
	}
}

// onlyOrganization asks JumpCloud for the organisation, for who sees one alone.
func (f *Federator) onlyOrganization(ctx context.Context) (string, error) {
	var ids []string
	for o, err := range f.jc.Organizations(ctx) {
		if err != nil {
			return "", err
		}
		ids = append(ids, o.ID)
	}
	if len(ids) != 1 {
		return "", nil
	}
	return ids[0], nil
}

// gateCustomer compares the credentials' customer with the one that a plan or a
// report is of. What is not known is not compared.
func gateCustomer(ps *findings, what, wantTenant, tenant, wantOrganization, organization string) {
	if wantTenant != "" && tenant != "" && wantTenant != tenant {
		ps.refuse(CodeWrongTenant, tenant, "the "+what+" is of the Azure AD tenant "+wantTenant+", and the credential of "+tenant,
			"use the credential of the tenant "+wantTenant)
	}
	if wantOrganization != "" && organization != "" && wantOrganization != organization {
		ps.refuse(CodeWrongOrganization, organization,
			"the "+what+" is of the JumpCloud organisation "+wantOrganization+", and the key of "+organization,
			"use the key of the organisation "+wantOrganization)
	}
}

// fits refuses a report of another customer, before anybody is asked anything.
func (u *undoing) fits(ctx context.Context, rep *Report) error {
	tenant, err := u.f.tenant(ctx)
	if err != nil {
		return reading(PhaseCheck, err)
	}
	if rep.Version < 2 && rep.Tenant == "" && rep.Organization == "" {
		return u.fitsByID(ctx, tenant)
	}
	organization := ""
	if rep.Organization != "" {
		st, err := u.f.observe(ctx, u.p, observation{}, partApplications|partDirectories)
		if err != nil {
			return reading(PhaseCheck, err)
		}
		if organization = st.organization(u.p); organization == "" {
			if organization, err = u.f.onlyOrganization(ctx); err != nil {
				return reading(PhaseCheck, err)
			}
		}
	}
	var ps findings
	gateCustomer(&ps, "report", cmp.Or(rep.Tenant, u.p.Tenant), tenant, cmp.Or(rep.Organization, u.p.Organization), organization)
	u.rep.note(ps)
	return ps.err()
}

// fitsByID accepts a report that names no customer if one of the things that it
// names is there.
func (u *undoing) fitsByID(ctx context.Context, tenant string) error {
	probes := []probe{{u.p.Application.ID, u.f.hasApplication}, {u.p.Directory.ID, u.f.hasDirectory}}
	for _, g := range u.p.Groups {
		probes = append(probes, probe{g.ID, u.f.hasGroup})
	}
	for _, s := range u.steps {
		probes = append(probes, u.probes(s)...)
	}
	probes = slices.DeleteFunc(probes, func(p probe) bool { return p.id == "" })
	for _, p := range probes {
		err := p.find(ctx, p.id)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, jumpcloud.ErrNotFound) && !errors.Is(err, aad.ErrNotFound):
			return reading(PhaseCheck, err)
		}
	}
	if len(probes) == 0 {
		return nil
	}
	organization, err := u.f.onlyOrganization(ctx)
	if err != nil {
		return reading(PhaseCheck, err)
	}
	var ps findings
	ps.refuse(CodeWrongTenant, u.p.Domain,
		fmt.Sprintf("nothing that the report names exists in the Azure AD tenant %s or in the JumpCloud organisation %s",
			cmp.Or(tenant, "of this credential"), cmp.Or(organization, "of this key")),
		"use the credentials of the customer whose report it is")
	u.rep.note(ps)
	return ps.err()
}

// A probe is an ID, or a name, that only one customer has, and what asks for it.
// Each of those below returns an error if the service does not have the thing.
type probe struct {
	id   string
	find func(context.Context, string) error
}

func (f *Federator) hasApplication(ctx context.Context, id string) error {
	_, err := f.jc.Application(ctx, id)
	return err
}

func (f *Federator) hasGroup(ctx context.Context, id string) error {
	_, err := f.jc.Group(ctx, id)
	return err
}

func (f *Federator) hasDirectory(ctx context.Context, id string) error {
	_, err := f.jc.Office365(ctx, id)
	return err
}

func (f *Federator) hasAccount(ctx context.Context, id string) error {
	_, err := f.ad.User(ctx, id)
	return err
}

func (f *Federator) hasDomain(ctx context.Context, name string) error {
	_, err := f.ad.Domain(ctx, name)
	return err
}
