package federation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/jumpcloud"
)

func (f *Federator) observeGroups(ctx context.Context, p Plan, st *observation, parts part) error {
	if parts.has(partGroups) {
		if err := f.readGroups(ctx, p, st); err != nil {
			return err
		}
	}
	if !parts.has(partMembers) {
		return nil
	}
	var emails []string
	members := make(map[string]map[string]bool)
	g, ctx := errgroup.WithContext(ctx)
	for _, want := range p.Groups {
		if len(want.Members) == 0 {
			continue
		}
		emails = append(emails, want.Members...)
		have := st.group(want)
		if have == nil {
			continue
		}
		set := make(map[string]bool)
		members[have.ID] = set
		g.Go(func() error {
			for id, err := range f.jc.GroupMembers(ctx, have.ID) {
				if err != nil {
					return err
				}
				set[id] = true
			}
			return nil
		})
	}
	if len(emails) > 0 && st.userIDs == nil {
		g.Go(func() (err error) {
			st.userIDs, err = f.userIDs(ctx, emails)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	st.members = members
	return nil
}

// readGroups reads the plan's groups by name, and the pinned ones, which a list
// may not show yet.
func (f *Federator) readGroups(ctx context.Context, p Plan, st *observation) error {
	names := make([]string, 0, len(p.Groups))
	for _, g := range p.Groups {
		names = append(names, g.Name)
	}
	found := make(map[string][]*jumpcloud.Group)
	hidden := make(map[string]bool)
	for g, err := range f.jc.Groups(ctx, &jumpcloud.GroupsOptions{Names: names}) {
		if err != nil {
			return err
		}
		if slices.Contains(names, g.Name) {
			found[g.Name] = append(found[g.Name], g)
		}
	}
	for _, g := range p.Groups {
		if g.ID == "" || slices.ContainsFunc(found[g.Name], func(h *jumpcloud.Group) bool { return h.ID == g.ID }) {
			continue
		}
		have, err := f.jc.Group(ctx, g.ID)
		if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
			return err
		}
		if err == nil {
			found[g.Name] = append(found[g.Name], have)
			hidden[g.Name] = true
		}
	}
	for _, gs := range found {
		slices.SortFunc(gs, func(a, b *jumpcloud.Group) int { return strings.Compare(a.ID, b.ID) })
	}
	st.groups, st.hidden = found, hidden
	return nil
}

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
		for u, err := range f.jc.Users(ctx, opts) {
			if err != nil {
				return nil, err
			}
			ids[strings.ToLower(u.Email)] = u.ID
		}
	}
	return ids, nil
}

// group is the group that the plan means, or nil.
func (st *observation) group(g Group) *jumpcloud.Group {
	all := st.groups[g.Name]
	for _, have := range all {
		if g.ID != "" && have.ID == g.ID {
			return have
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}

func diffGroups(cs Changes, p Plan, st *observation) Changes {
	for _, g := range p.Groups {
		have := st.group(g)
		id := ""
		if have == nil && len(st.groups[g.Name]) > 0 {
			continue // which of them is meant? A refusal; see inspect
		}
		if have == nil {
			cs = append(cs, Change{Resource: ResGroup, Name: g.Name, Action: Create})
		} else {
			id = have.ID
		}
		for _, m := range g.Members {
			user := st.userIDs[strings.ToLower(m)]
			if have == nil || !st.members[id][user] {
				cs = append(cs, Change{Resource: ResMember, Name: g.Name + ": " + m, Action: Add, Parent: id, Target: user})
			}
		}
	}
	return cs
}

func inspectGroups(ps *problems, p Plan, st *observation) {
	for _, g := range p.Groups {
		for _, m := range g.Members {
			if st.userIDs[strings.ToLower(m)] == "" {
				ps.add(CodeMemberUnknown, m, "JumpCloud has no user with the email address "+m+", who is to be a member of "+quote(g.Name), "create the user, or take the address out of the plan")
			}
		}
	}
}

func (f *Federator) groupStands(ctx context.Context, s Step) (standing, string, error) {
	if s.ID == "" {
		return differs, "it is not known which group the step made", nil
	}
	g, err := f.jc.Group(ctx, s.ID)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	case g.Name != s.Change.Name:
		return differs, "the group is named " + quote(g.Name) + " now", nil
	}
	for _, err := range f.jc.GroupMembers(ctx, s.ID) {
		if err != nil {
			return differs, "", err
		}
		return differs, "the group has members", nil
	}
	return asLeft, "", nil
}

func (f *Federator) memberStands(ctx context.Context, c Change) (standing, string, error) {
	for id, err := range f.jc.GroupMembers(ctx, c.Parent) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			break
		}
		if err != nil {
			return differs, "", err
		}
		if id == c.Target {
			return asLeft, "", nil
		}
	}
	return undone, "", nil
}
