package federation

import (
	"context"
	"fmt"
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A Resource is a kind of thing that a plan speaks about.
type Resource string

// The resources, in the order in which they are made: what others need comes
// first, the domain last, because from then on people sign in through it.
const (
	ResTechnicalAccount Resource = "azure-ad/technical-account"
	ResRole             Resource = "azure-ad/global-administrator"
	ResDefaultDomain    Resource = "azure-ad/default-domain"
	ResGroup            Resource = "jumpcloud/group"
	ResApplication      Resource = "jumpcloud/application"
	ResMember           Resource = "jumpcloud/group-member"
	ResApplicationGroup Resource = "jumpcloud/application-group"
	ResDirectoryGroup   Resource = "jumpcloud/directory-group"
	ResDirectoryRule    Resource = "jumpcloud/directory-rule"
	ResDirectoryDomain  Resource = "jumpcloud/directory-domain"
	ResDirectoryDefault Resource = "jumpcloud/directory-default-domain"
	ResRecover          Resource = "azure-ad/authentication-type"
	ResFederation       Resource = "azure-ad/federation"
)

// stage is when a change is made: changes of one stage do not depend on each
// other. Row numbers are those of the procedure that doc.go lists.
func (r Resource) stage() int { return resources[r].stage }

// Row is the row of the manual procedure that the resource belongs to.
func (r Resource) Row() int { return resources[r].row }

// A lifeline is what sign-in through the application depends on: it is not taken
// away before the domain is seen to depend on the application no more.
var resources = map[Resource]struct {
	stage, row int
	part       part
	lifeline   bool
}{
	ResTechnicalAccount: {1, 2, partAdmins, true},
	ResRole:             {2, 2, partAdmins, true},
	ResDefaultDomain:    {1, 3, partDomains, true},
	ResGroup:            {1, 4, partGroups, true},
	ResMember:           {2, 4, partMembers, true},
	ResApplication:      {1, 5, partApplications, true},
	ResApplicationGroup: {2, 6, partApplicationGroups | partMetadata, true},
	ResDirectoryGroup:   {2, 8, partDirectoryGroups, true},
	ResDirectoryRule:    {2, 8, partRules, false},
	ResDirectoryDomain:  {1, 8, partDirectories | partDirectoryDomains, false},
	ResDirectoryDefault: {2, 8, partDirectories | partDirectoryDomains, false},
	ResRecover:          {3, 9, partDomains | partFederation, false},
	ResFederation:       {4, 9, partDomains | partFederation, false},
}

// shown is where the resource itself shows; what is read beside it is needed next.
func (r Resource) shown() part { return resources[r].part &^ partMetadata }

// send makes one change and returns the ID of what it made, if it made
// something.
func (r *run) send(ctx context.Context, plan Plan, c Change) (id string, err error) {
	switch c.Resource {
	case ResTechnicalAccount:
		u, err := r.f.ad.CreateUser(ctx, aad.NewUser{
			UserPrincipalName: c.Name,
			DisplayName:       plan.TechnicalAccount.DisplayName,
			Password:          r.f.opts.TechnicalPassword,
		})
		if err != nil {
			return "", err
		}
		return u.ID, nil
	case ResRole:
		a, err := r.f.ad.AssignRole(ctx, c.Target, aad.GlobalAdministrator)
		if err != nil {
			return "", err
		}
		return a.ID, nil
	case ResDefaultDomain:
		return "", r.f.ad.SetDefaultDomain(ctx, c.Name)
	case ResGroup:
		g, err := r.f.jc.CreateGroup(ctx, jumpcloud.Group{Name: c.Name})
		if err != nil {
			return "", err
		}
		return g.ID, nil
	case ResMember:
		return "", r.f.jc.AddGroupMember(ctx, c.Parent, c.Target)
	case ResApplication:
		return r.sendApplication(ctx, plan, c)
	case ResApplicationGroup, ResDirectoryGroup:
		return "", r.f.sendBinding(ctx, c)
	case ResDirectoryRule:
		rule, err := r.f.jc.CreateTranslationRule(ctx, c.Parent, jumpcloud.TranslationRule{BuiltIn: c.Name, Direction: "export"})
		if err != nil {
			return "", err
		}
		return rule.ID, nil
	case ResDirectoryDomain:
		d, err := r.f.jc.AddOffice365Domain(ctx, c.Parent, c.Name)
		if err != nil {
			return "", err
		}
		return d.ID, nil
	case ResDirectoryDefault:
		return "", r.f.jc.SetOffice365DefaultDomain(ctx, c.Parent, c.Target)
	case ResRecover:
		return "", r.f.ad.SetManaged(ctx, c.Name)
	case ResFederation:
		return r.sendFederation(ctx, plan, c)
	}
	return "", fmt.Errorf("federation: no way to %s", c.String())
}

// stands reads where a step stands, as things will be once the steps before it
// are made.
func (u *undoing) stands(ctx context.Context, s *undoStep) (standing, string, error) {
	c := s.Change
	switch c.Resource {
	case ResFederation:
		return u.federationStands(ctx, s)
	case ResRecover:
		return undone, "", nil // nobody wants an unreadable federation back
	case ResDefaultDomain:
		return u.defaultStands(ctx, c)
	case ResApplication:
		return u.applicationStands(ctx, s)
	case ResGroup:
		return u.groupStands(ctx, s)
	case ResApplicationGroup, ResDirectoryGroup:
		return u.bindingStands(ctx, c)
	case ResMember:
		return u.f.memberStands(ctx, c)
	case ResDirectoryRule:
		return u.f.ruleStands(ctx, c)
	case ResDirectoryDomain, ResDirectoryDefault:
		return u.f.directoryStands(ctx, c)
	case ResTechnicalAccount:
		return u.f.accountStands(ctx, s)
	case ResRole:
		return u.f.roleStands(ctx, s)
	}
	return differs, "nothing is known about " + string(c.Resource), nil
}

// send makes the change that leads a step back.
func (u *undoing) send(ctx context.Context, s *undoStep) error {
	f, c := u.f, s.Change
	switch c.Resource {
	case ResFederation:
		return u.sendFederation(ctx, s)
	case ResDefaultDomain:
		return f.ad.SetDefaultDomain(ctx, c.Fields[0].New)
	case ResApplication:
		if c.Action == Delete {
			return f.jc.DeleteApplication(ctx, s.ID)
		}
		_, err := f.jc.ModifyApplication(ctx, c.Target, func(a *jumpcloud.Application) error {
			editApplication(a, c.Fields)
			return nil
		})
		return err
	case ResGroup:
		return f.jc.DeleteGroup(ctx, s.ID)
	case ResApplicationGroup, ResDirectoryGroup:
		return f.sendBinding(ctx, c)
	case ResMember:
		if c.Action == Add {
			return f.jc.AddGroupMember(ctx, c.Parent, c.Target)
		}
		return f.jc.RemoveGroupMember(ctx, c.Parent, c.Target)
	case ResDirectoryRule:
		return f.undoRule(ctx, s.Step)
	case ResDirectoryDomain, ResDirectoryDefault:
		return f.undoDirectoryDomain(ctx, c)
	case ResTechnicalAccount:
		return f.ad.DeleteUser(ctx, s.ID)
	case ResRole:
		return f.undoRole(ctx, s)
	}
	return fmt.Errorf("federation: no way to %s", c.String())
}

// hidden reports whether a list does not show yet what the change has made. A
// run that is not pinned would make it again.
func (r *run) hidden(c Change) bool {
	switch c.Resource {
	case ResApplication:
		return r.st.appHidden
	case ResGroup:
		return r.st.hidden[c.Name]
	}
	return false
}

// found is the ID of what a creation made, as the services show it.
func (r *run) found(c Change) string {
	switch {
	case c.Action != Create:
	case c.Resource == ResApplication:
		if a := r.st.app(r.plan); a != nil {
			r.pinCreated(c, a.ID)
			return a.ID
		}
	case c.Resource == ResGroup:
		for _, g := range r.plan.Groups {
			if have := r.st.group(g); g.Name == c.Name && have != nil {
				r.pinCreated(c, have.ID)
				return have.ID
			}
		}
	case c.Resource == ResTechnicalAccount && r.st.technical != nil:
		return r.st.technical.id
	case c.Resource == ResFederation && r.st.fed != nil:
		return r.st.fed.ID
	}
	return ""
}

// pinCreated does the same for what was just made.
func (r *run) pinCreated(c Change, id string) {
	switch {
	case c.Resource == ResApplication && c.Action == Create:
		r.plan.Application.ID = id
	case c.Resource == ResGroup:
		groups := slices.Clone(r.plan.Groups)
		for i := range groups {
			if groups[i].Name == c.Name {
				groups[i].ID = id
			}
		}
		r.plan.Groups = groups
	default:
		return
	}
	r.rep.Plan = r.plan
}
