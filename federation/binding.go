package federation

import (
	"context"
	"errors"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

func bindingFrom(r Resource) jumpcloud.ObjectType {
	if r == ResApplicationGroup {
		return jumpcloud.ApplicationObject
	}
	return jumpcloud.DirectoryObject
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
	from, to := jumpcloud.Object{Type: bindingFrom(c.Resource), ID: c.Parent}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.Target}
	if c.Action == Add {
		return f.jc.Associate(ctx, from, to)
	}
	return f.jc.Dissociate(ctx, from, to)
}

func (u *undoing) bindingStands(ctx context.Context, c Change) (standing, string, error) {
	bound, err := u.f.bound(ctx, jumpcloud.Object{Type: bindingFrom(c.Resource), ID: c.Parent})
	switch {
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
