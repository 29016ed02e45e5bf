package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

var resources = map[Resource]struct {
	stage, row int
	part       part
}{
	ResTechnicalAccount: {1, 2, partAdmins},
	ResRole:             {2, 2, partAdmins},
	ResDefaultDomain:    {1, 3, partDomains},
	ResGroup:            {1, 4, partGroups},
	ResMember:           {2, 4, partMembers},
	ResApplication:      {1, 5, partApplications},
	ResApplicationGroup: {2, 6, partApplicationGroups | partMetadata},
	ResDirectoryGroup:   {2, 8, partDirectoryGroups},
	ResDirectoryRule:    {2, 8, partRules},
	ResDirectoryDomain:  {1, 8, partDirectories | partDirectoryDomains},
	ResDirectoryDefault: {2, 8, partDirectories | partDirectoryDomains},
	ResRecover:          {3, 9, partDomains | partFederation},
	ResFederation:       {4, 9, partDomains | partFederation},
}

// needed are the permissions that changes of Azure AD need.
var needed = map[Resource][]string{
	ResFederation:       {permissionInternalFederationReadWrite},
	ResRecover:          {permissionDomainReadWrite},
	ResDefaultDomain:    {permissionDomainReadWrite},
	ResTechnicalAccount: {permissionUserReadWrite},
	ResRole:             {permissionRoleReadWrite},
}

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
	case ResApplicationGroup:
		return "", r.f.jc.Associate(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target})
	case ResDirectoryGroup:
		return "", r.f.jc.Associate(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target})
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
		return r.sendFederation(ctx, c)
	}
	return "", fmt.Errorf("federation: no way to %s", c.String())
}

// standing says where a step stands, seen from the services' present state.
type standing int

const (
	asLeft standing = iota // as the step left it
	undone                 // as it was before the step
	differs
)

// stands reads where a step stands. The step's change is inverted already: its
// fields lead from what the step left (Old) to what was before (New).
func (f *Federator) stands(ctx context.Context, p Plan, s Step) (standing, string, error) {
	c := s.Change
	switch c.Resource {
	case ResFederation:
		return f.federationStands(ctx, s)
	case ResRecover:
		return undone, "", nil // nobody wants an unreadable federation back
	case ResDefaultDomain:
		return f.defaultStands(ctx, p, c)
	case ResApplication:
		return f.applicationStands(ctx, p, s)
	case ResGroup:
		return f.groupStands(ctx, s)
	case ResApplicationGroup, ResDirectoryGroup:
		bound, err := f.bound(ctx, jumpcloud.Object{Type: bindingFrom(c.Resource), ID: c.Parent})
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return undone, "", nil
		}
		return gone(!bound[c.Target], err)
	case ResMember:
		return f.memberStands(ctx, c)
	case ResDirectoryRule:
		for r, err := range f.jc.TranslationRules(ctx, c.Parent) {
			if err != nil {
				return gone(false, err)
			}
			if r.BuiltIn == c.Name {
				return asLeft, "", nil
			}
		}
		return undone, "", nil
	case ResDirectoryDomain, ResDirectoryDefault:
		return f.directoryStands(ctx, c)
	case ResTechnicalAccount:
		_, err := f.ad.User(ctx, s.ID)
		if errors.Is(err, aad.ErrNotFound) {
			return undone, "", nil
		}
		return gone(false, err)
	case ResRole:
		for a, err := range f.ad.RoleAssignments(ctx, aad.GlobalAdministrator) {
			if err != nil {
				return gone(false, err)
			}
			if a.ID == s.ID {
				return asLeft, "", nil
			}
		}
		return undone, "", nil
	}
	return differs, "nothing is known about " + string(c.Resource), nil
}

func gone(is bool, err error) (standing, string, error) {
	if is {
		return undone, "", err
	}
	return asLeft, "", err
}

// fieldsStand compares present values with both ends of a change.
func fieldsStand(fs []Field, now func(name string) string) (standing, string, error) {
	left, before := true, true
	var why []string
	for _, f := range fs {
		v := now(f.Name)
		if f.Old == Later {
			continue // was not known when the change was planned
		}
		if v != f.Old {
			left = false
			why = append(why, fmt.Sprintf("%s is %s, the step left %s", f.Name, f.show(v), f.show(f.Old)))
		}
		if v != f.New {
			before = false
		}
	}
	switch {
	case before:
		return undone, "", nil
	case left:
		return asLeft, "", nil
	}
	return differs, strings.Join(why, ", "), nil
}

// sendUndo makes the inverted change of a step.
func (f *Federator) sendUndo(ctx context.Context, p Plan, s Step) error {
	c := s.Change
	switch c.Resource {
	case ResFederation:
		return f.undoFederation(ctx, s)
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
		return f.jc.Dissociate(ctx, jumpcloud.Object{Type: bindingFrom(c.Resource), ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target})
	case ResMember:
		return f.jc.RemoveGroupMember(ctx, c.Parent, c.Target)
	case ResDirectoryRule:
		return f.undoRule(ctx, s)
	case ResDirectoryDomain, ResDirectoryDefault:
		return f.undoDirectoryDomain(ctx, c)
	case ResTechnicalAccount:
		return f.ad.DeleteUser(ctx, s.ID)
	case ResRole:
		return f.ad.RemoveRoleAssignment(ctx, s.ID)
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

// pin writes the IDs of what was found into the plan of the report, so that a
// resumed run finds those very objects.
func (r *run) pin() {
	if a := r.st.app(r.plan); a != nil {
		r.plan.Application.ID = a.ID
	}
	groups := slices.Clone(r.plan.Groups)
	for i := range groups {
		if g := r.st.group(groups[i]); g != nil {
			groups[i].ID = g.ID
		}
	}
	r.plan.Groups = groups
	if d := r.st.directory(r.plan); d != nil {
		r.plan.Directory.ID = d.ID
	}
	r.rep.Plan = r.plan
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

func bindingFrom(r Resource) jumpcloud.ObjectType {
	if r == ResApplicationGroup {
		return jumpcloud.ApplicationObject
	}
	return jumpcloud.DirectoryObject
}

// bound returns the IDs of the groups that are bound to an object directly.
func (f *Federator) bound(ctx context.Context, o jumpcloud.Object) (map[string]bool, error) {
	ids := make(map[string]bool)
	for to, err := range f.jc.Associations(ctx, o, jumpcloud.GroupObject) {
		if err != nil {
			return nil, err
		}
		ids[to.ID] = true
	}
	return ids, nil
}
