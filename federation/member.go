package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// userIDs resolves email addresses. The service's filter is case-sensitive, so
// it is asked for each address as written and in lower case.
func (f *Federator) userIDs(ctx context.Context, emails []string) (map[string]string, error) {
	var values []string
	for _, e := range emails {
		values = append(values, e, strings.ToLower(e))
	}
	slices.Sort(values)
	values = slices.Compact(values)
	ids := make(map[string]string)
	const chunk = 40 // keeps the query string short
	for part := range slices.Chunk(values, chunk) {
		opts := &jumpcloud.UsersOptions{Filter: []string{jumpcloud.In("email", part...)}, Fields: []string{"email"}}
		for u, err := range recallList(ctx, "users "+strings.Join(part, "\x00"), f.jc.Users(ctx, opts)) {
			if err != nil {
				return nil, err
			}
			ids[strings.ToLower(u.Email)] = u.ID
		}
	}
	return ids, nil
}

// gateMembers asks a group to which somebody is to be added whether that has an effect.
func (f *Federator) gateMembers(ctx context.Context, ps *findings, g Group, have *jumpcloud.Group, todo Changes) error {
	if have == nil {
		return nil
	}
	var missing []string
	for _, c := range todo {
		if c.Resource == ResMember && c.Parent == have.ID {
			missing = append(missing, strings.TrimPrefix(c.Name, g.Name+": "))
		}
	}
	if missing == nil {
		return nil
	}
	whole, err := recallable(ctx, "group "+have.ID, func(ctx context.Context) (*jumpcloud.Group, error) { return f.jc.Group(ctx, have.ID) })
	if err != nil {
		return lagging(err)
	}
	if whole.IsDynamic() {
		if n := len(missing) - namesAtMost; n > 0 {
			missing = append(missing[:namesAtMost], fmt.Sprintf("and %d more", n))
		}
		ps.refuse(CodeGroupDynamic, g.Name, "a rule decides who is a member of the group "+quote(g.Name)+
			", and to additions JumpCloud says yes and does nothing; not members yet: "+strings.Join(missing, ", "),
			"change the rule, or list these members under a group without one")
	}
	return nil
}

func (f *Federator) memberStands(ctx context.Context, c Change) (standing, string, error) {
	for id, err := range f.jc.GroupMembers(ctx, c.Parent) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			if c.Action == Add {
				return differs, "the group is gone: Federate makes it anew", nil
			}
			break
		}
		if err != nil {
			return differs, "", err
		}
		if id == c.Target {
			return presence(c, true), "", nil
		}
	}
	return presence(c, false), "", nil
}

// sendMember adds a member, or takes one out.
func (f *Federator) sendMember(ctx context.Context, c Change) error {
	if c.Action == Add {
		return f.jc.AddGroupMember(ctx, c.Parent, c.Target)
	}
	return f.jc.RemoveGroupMember(ctx, c.Parent, c.Target)
}
