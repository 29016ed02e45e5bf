package federation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// userIDs resolves email addresses. The service's filter is case-sensitive, so
// it is asked for each address as written and in lower case.
func (f *Federator) userIDs(ctx context.Context, emails []string) (map[string]string, error) {
	values := spellings(emails)
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

// spellings are the addresses as written and in lower case, each once, in order.
func spellings(emails []string) []string {
	var values []string
	for _, e := range emails {
		values = append(values, e, strings.ToLower(e))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// A lookOut finds the plan's members while everybody is read, as userIDs does. A nil one
// looks for nobody.
type lookOut struct {
	emails []string
	ids    map[string]string // folded email -> user ID
}

// lookOut is for whom the plan lists, if they were not looked for yet.
func (st *observation) lookOut(p Plan) *lookOut {
	emails := p.members()
	if emails == nil || st.userIDs != nil {
		return nil
	}
	return &lookOut{spellings(emails), make(map[string]string)}
}

// members are the email addresses of all groups' members.
func (p Plan) members() (emails []string) {
	for _, g := range p.Groups {
		emails = append(emails, g.Members...)
	}
	return emails
}

// inspectMembers judges the plan's members, who were looked for among everybody. If
// nobody was read, because the domain is none of the tenant's, they are looked up.
func (r *run) inspectMembers(ctx context.Context, ps *findings) (err error) {
	if r.st.userIDs == nil {
		if r.st.userIDs, err = r.f.userIDs(ctx, r.plan.members()); err != nil {
			return reading(PhaseCheck, err)
		}
	}
	r.st.inspectGroups(ps, r.plan)
	return nil
}

func (l *lookOut) see(u *jumpcloud.User) {
	if l == nil {
		return
	}
	if _, ok := slices.BinarySearch(l.emails, u.Email); ok {
		l.ids[strings.ToLower(u.Email)] = u.ID
	}
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
		ps.refuse(CodeGroupDynamic, g.Name, "a rule decides who is a member of the group "+quote(g.Name)+
			", and to additions JumpCloud says yes and does nothing; not members yet: "+some(missing, ", "),
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

// joining adds a person to a group.
func joining(who string, g *jumpcloud.Group, user string) Change {
	return Change{Resource: ResMember, Name: g.Name + ": " + who, Action: Add, Parent: g.ID, Target: user}
}

// person is whom a change of a repair is about; see [joining].
func (c Change) person() string {
	if c.Resource == ResMember {
		if i := strings.LastIndex(c.Name, ": "); i >= 0 {
			return c.Name[i+2:]
		}
	}
	return c.Name
}

// personMemberStands reads where one person's membership stands, asking about the
// person: the group may have more members than anybody wants to read for each of
// them. Who is in it by way of another group needs nothing, but that is nobody's own
// doing: what was sent without an answer counts only if it shows by itself.
func (f *Federator) personMemberStands(ctx context.Context, c Change, was Outcome) (standing, string, error) {
	direct, in, err := f.isMember(ctx, c)
	switch {
	case err != nil:
		return differs, "", err
	case c.Action == Add && (direct || in && was != Unknown):
		return undone, "a member already", nil
	case c.Action == Remove && !direct:
		return undone, "no member any more", nil
	case c.Action == Remove && was == Unknown:
		return differs, "a member, but it is not known by whom: remove the person from the group in JumpCloud if it should not be so", nil
	}
	return asLeft, "", nil
}

// isMember reports whether the user is in the group, directly and in any way.
func (f *Federator) isMember(ctx context.Context, c Change) (direct, in bool, err error) {
	for r, err := range f.jc.Traverse(ctx, c.user(), jumpcloud.GroupObject) {
		if errors.Is(err, jumpcloud.ErrNotFound) && c.Action == Remove {
			return false, false, nil // the user is gone, and so is the membership
		}
		if err != nil {
			return false, false, err
		}
		if r.ID != c.Parent {
			continue
		}
		if len(r.Paths) > 0 {
			return slices.ContainsFunc(r.Paths, func(way []jumpcloud.Object) bool { return len(way) == 1 }), true, nil
		}
		// The way is not told: the group knows who is in it by itself.
		for id, err := range f.jc.GroupMembers(ctx, c.Parent) {
			if err != nil {
				return false, false, err
			}
			if id == c.Target {
				return true, true, nil
			}
		}
		return false, true, nil
	}
	return false, false, nil
}

// ruled says why a change of a member has no effect: a rule decides on the members
// of the group. It is "" for all other changes.
func (f *Federator) ruled(ctx context.Context, c Change) string {
	if c.Resource != ResMember {
		return ""
	}
	if g, err := f.jc.Group(ctx, c.Parent); err != nil || !g.IsDynamic() {
		return ""
	}
	if c.Action == Add {
		return "a rule decides who is a member of the group, and additions have no effect: change the rule, or name another group"
	}
	return "a rule decides who is a member of the group, and nobody can be taken out of it: change the rule"
}
