package federation

import (
	"context"
	"errors"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

// Bindings are the groups of the application, and those of the Microsoft 365
// directory.

// diffApplicationGroups tells which groups are not bound to the application, whose
// ID is "" as long as there is none.
func (st *observation) diffApplicationGroups(cs Changes, p Plan, id string) Changes {
	for _, g := range p.Groups {
		var gid string
		if have := st.group(g); have != nil {
			gid = have.ID
		}
		if gid == "" || !st.appGroups[gid] {
			cs = append(cs, Change{Resource: ResApplicationGroup, Name: g.Name, Action: Add, Parent: id, Target: gid})
		}
	}
	return cs
}

func (st *observation) diffDirectoryGroups(cs Changes, p Plan, id string) Changes {
	for _, name := range p.Directory.Groups {
		i := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Name == name })
		var gid string
		if have := st.group(p.Groups[i]); have != nil {
			gid = have.ID
		}
		if gid == "" || !st.dirGroups[gid] {
			cs = append(cs, Change{Resource: ResDirectoryGroup, Name: name, Action: Add, Parent: id, Target: gid})
		}
	}
	return cs
}

// bindsApplication reports whether the change is about a group of the application.
func (c Change) bindsApplication() bool { return c.Resource == ResApplicationGroup }

// bindsDirectory reports whether the change is about a group of the directory.
func (c Change) bindsDirectory() bool { return c.Resource == ResDirectoryGroup }

// boundTo is the kind of thing that the group is bound to.
func (c Change) boundTo() jumpcloud.ObjectType {
	if c.bindsApplication() {
		return jumpcloud.ApplicationObject
	}
	return jumpcloud.DirectoryObject
}

// unbinding is the step that ends a group's binding to the application.
func unbinding(application, group string) Step {
	return Step{Change: Change{Resource: ResApplicationGroup, Name: group, Action: Remove, Parent: application, Target: group}}
}

// binding is the change that binds a group or a user to an application.
func binding(application string, to jumpcloud.Object) Change {
	return Change{Resource: ResApplicationGroup, Name: to.String(), Action: Add, Parent: application, Target: to.ID}
}

func (c Change) bindingDrift() (Severity, string) {
	if c.bindsApplication() {
		return Alarm, "the group " + quote(c.Name) + " is not bound to JumpCloud's application, so its members cannot sign in"
	}
	return Warning, "the group " + quote(c.Name) + " is not bound to the Microsoft 365 directory, so new members are not exported"
}

// bound returns the IDs of the groups that are bound to an object directly.
func (f *Federator) bound(ctx context.Context, o jumpcloud.Object) (map[string]bool, error) {
	ids := make(map[string]bool)
	for to, err := range recallList(ctx, "groups of "+o.String(), f.jc.Associations(ctx, o, jumpcloud.GroupObject)) {
		if err != nil {
			return nil, err
		}
		ids[to.ID] = true
	}
	return ids, nil
}

// sendBinding binds a group, or ends its binding.
func (f *Federator) sendBinding(ctx context.Context, c Change) error {
	from, to := jumpcloud.Object{Type: c.boundTo(), ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target}
	if c.Action == Add {
		return f.jc.Associate(ctx, from, to)
	}
	return f.jc.Dissociate(ctx, from, to)
}

func (u *undoing) bindingStands(ctx context.Context, c Change) (standing, string, error) {
	bound, err := u.f.bound(ctx, jumpcloud.Object{Type: c.boundTo(), ID: c.Parent})
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound) && c.Action == Add && u.elderApplication(c.Parent):
		return undone, "", nil
	case errors.Is(err, jumpcloud.ErrNotFound) && c.Action == Add:
		return differs, "what the group was bound to is gone: Federate makes it anew", nil
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	case c.Action == Add && !bound[c.Target]:
		if _, err := u.f.jc.Group(ctx, c.Target); errors.Is(err, jumpcloud.ErrNotFound) {
			return differs, "the group is gone: Federate makes it anew", nil
		} else if err != nil {
			return differs, "", err
		}
	}
	return presence(c, bound[c.Target]), "", nil
}

// removes reports whether one of the steps takes this member or binding away.
func (u *undoing) removes(r Resource, parent, target string) bool {
	return slices.ContainsFunc(u.steps, func(s *undoStep) bool {
		c := s.Change
		return c.Action == Remove && c.Resource == r && c.Parent == parent && c.Target == target
	})
}

// deletes reports whether one of the steps deletes this thing.
func (u *undoing) deletes(id string) bool {
	return slices.ContainsFunc(u.steps, func(s *undoStep) bool { return s.Change.Action == Delete && s.ID == id })
}
