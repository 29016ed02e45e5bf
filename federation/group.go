package federation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/jcaad/jcaad/jumpcloud"
)

func (f *Federator) observeGroups(ctx context.Context, p Plan, st *observation, parts part, read lists) error {
	known := observation{groups: st.groups} // who is in a group that is known already is asked for beside the list
	m := memberReads{f: f, of: make(map[string]*memberRead)}
	ctx, cancel := context.WithCancel(ctx)
	defer m.wg.Wait()
	defer cancel()
	if parts.has(partMembers) {
		for _, want := range p.Groups {
			m.begin(ctx, want, &known)
		}
	}
	if err := f.listGroups(ctx, p, st, parts, read); err != nil || !parts.has(partMembers) {
		return err
	}
	emails := p.members()
	var meant []string
	for _, want := range p.Groups {
		if have := m.begin(ctx, want, st); have != nil {
			meant = append(meant, have.ID)
		}
	}
	var err error
	if len(emails) > 0 && st.userIDs == nil && !(st.asksAll && st.lacksGroups(p)) {
		st.userIDs, err = f.userIDs(ctx, emails)
	}
	m.wg.Wait()
	members := make(map[string]map[string]bool)
	for _, id := range meant {
		members[id], err = m.of[id].ids, cmp.Or(err, m.of[id].err)
	}
	if err != nil {
		return err
	}
	st.members = members
	return nil
}

// listGroups reads the list, if it is one of the parts.
func (f *Federator) listGroups(ctx context.Context, p Plan, st *observation, parts part, read lists) error {
	defer close(read.groups)
	if !parts.has(partGroups) {
		return nil
	}
	return f.readGroups(ctx, p, st)
}

// memberReads read who is in groups, side by side, each group once.
type memberReads struct {
	f  *Federator
	wg sync.WaitGroup
	of map[string]*memberRead // by the group's ID
}

type memberRead struct {
	ids map[string]bool // of users
	err error
}

// begin begins to read who is in a group whose members the plan lists, and returns the
// group that is meant; nil if there is none, or nothing to be asked.
func (m *memberReads) begin(ctx context.Context, want Group, st *observation) *jumpcloud.Group {
	have := st.group(want)
	if have == nil || len(want.Members) == 0 {
		return nil
	}
	if m.of[have.ID] != nil {
		return have
	}
	r := &memberRead{ids: make(map[string]bool)}
	m.of[have.ID] = r
	m.wg.Go(func() {
		for id, err := range recallList(ctx, "members "+have.ID, m.f.jc.GroupMembers(ctx, have.ID)) {
			if err != nil {
				r.err = lagging(err)
				return
			}
			r.ids[id] = true
		}
	})
	return have
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
	for g, err := range recallList(ctx, "groups "+strings.Join(names, "\x00"), f.jc.Groups(ctx, names...)) {
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
		have, err := recallable(ctx, "group "+g.ID, func(ctx context.Context) (*jumpcloud.Group, error) { return f.jc.Group(ctx, g.ID) })
		if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
			return err
		}
		if err == nil {
			found[g.Name] = append(found[g.Name], have)
			hidden[g.Name] = true
		}
	}
	more, err := f.shownGroups(ctx, st, found)
	if err != nil {
		return err
	}
	for _, g := range more {
		if slices.Contains(names, g.Name) {
			found[g.Name] = append(found[g.Name], g)
		}
	}
	for _, gs := range found {
		slices.SortFunc(gs, func(a, b *jumpcloud.Group) int { return strings.Compare(a.ID, b.ID) })
	}
	st.groups, st.hidden, st.at.groups = found, hidden, time.Now()
	return nil
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

func (st *observation) diffGroups(cs Changes, p Plan) Changes {
	for _, g := range p.Groups {
		have := st.group(g)
		id := ""
		if have == nil && len(st.groups[g.Name]) > 0 {
			continue // which of them is meant? A refusal; see inspectTwice
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

func (f *Federator) createGroup(ctx context.Context, c Change) (string, error) {
	g, err := f.jc.CreateGroup(ctx, jumpcloud.Group{Name: c.Name})
	if err != nil {
		return "", err
	}
	return g.ID, nil
}

// groupID is the ID of the plan's group of a name, "" if there is none.
func (st *observation) groupID(p Plan, name string) string {
	for _, g := range p.Groups {
		if have := st.group(g); g.Name == name && have != nil {
			return have.ID
		}
	}
	return ""
}

// pinGroup returns the groups with the ID of one of them.
func pinGroup(groups []Group, name, id string) []Group {
	groups = slices.Clone(groups)
	for i := range groups {
		if groups[i].Name == name {
			groups[i].ID = id
		}
	}
	return groups
}

// lacksGroups reports whether all groups to which the plan adds somebody are yet to be
// made. Of one that is there it must be known before the gates who is no member yet.
func (st *observation) lacksGroups(p Plan) bool {
	return !slices.ContainsFunc(p.Groups, func(g Group) bool { return len(g.Members) > 0 && len(st.groups[g.Name]) > 0 })
}

func (st *observation) inspectGroups(ps *findings, p Plan) {
	if st.userIDs == nil {
		return // nobody was looked for: the plan lists nobody, or everybody is to be read
	}
	for _, g := range p.Groups {
		for _, m := range g.Members {
			if st.userIDs[strings.ToLower(m)] == "" {
				ps.refuse(CodeMemberUnknown, m, "JumpCloud has no user with the email address "+m+", who is to be a member of "+quote(g.Name),
					"create the user, or take the address out of the plan")
			}
		}
	}
}

// gateGroups refuses what would be made beside a group that is most likely meant,
// and additions to a group whose members a rule decides on, to which JumpCloud
// says yes and does nothing. Which groups those are, only each group itself tells.
func (f *Federator) gateGroups(ctx context.Context, p Plan, st *observation, todo Changes) (findings, error) {
	var ps findings
	if len(todo) == 0 {
		return ps, nil
	}
	var names []string
	for g, err := range recallList(ctx, "groups", f.jc.Groups(ctx)) {
		if err != nil {
			return nil, err
		}
		names = append(names, g.Name)
	}
	for i, g := range p.Groups {
		if err := f.gateMembers(ctx, &ps, g, st.group(g), todo); err != nil {
			return nil, err
		}
		exists := st.group(g) != nil || len(st.groups[g.Name]) > 0
		var like []string
		for _, name := range names {
			named := slices.ContainsFunc(p.Groups, func(other Group) bool { return other.Name == name })
			if name != g.Name && plainName(name) == plainName(g.Name) && !(exists && named) {
				like = append(like, quote(name))
			}
		}
		for _, other := range p.Groups[:i] {
			if !exists && len(st.groups[other.Name]) == 0 && plainName(other.Name) == plainName(g.Name) {
				like = append(like, quote(other.Name)+" in the plan")
			}
		}
		slices.Sort(like)
		like = slices.Compact(like)
		switch similar := strings.Join(like, " and "); {
		case like == nil:
		case exists:
			ps.warn(CodeGroupSimilar, g.Name,
				"beside the group "+quote(g.Name)+" there is "+similar+", whose name differs in nothing but capitals or spaces",
				"make sure that the plan names the one that has the people")
		default:
			ps.refuse(CodeGroupSimilar, g.Name, "there is no group "+quote(g.Name)+", but there is "+similar+
				", whose name differs in nothing but capitals or spaces",
				"name the group as it is written; if both are wanted, create "+quote(g.Name)+" in JumpCloud first")
		}
	}
	return ps, nil
}

// plainName is a name without what people overlook: capitals and spaces.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func (u *undoing) groupStands(ctx context.Context, s *undoStep) (standing, string, error) {
	if s.ID == "" {
		return s.unidentified("group")
	}
	g, err := u.f.jc.Group(ctx, s.ID)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound) && s.Change.Action == Create:
		return differs, "the group was deleted: Federate makes it anew", nil
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	case s.Change.Action == Create:
		return undone, "", nil
	case g.Name != s.Change.Name:
		return differs, "the group is named " + quote(g.Name) + " now: rename it, or delete it by hand", nil
	}
	for id, err := range u.f.jc.GroupMembers(ctx, s.ID) {
		if err != nil {
			return differs, "", lagging(err)
		}
		if !u.removes(ResMember, s.ID, id) {
			return differs, "the group has members that this run did not add: take them out, or keep the group", nil
		}
	}
	for _, r := range []Resource{ResApplicationGroup, ResDirectoryGroup} {
		for to, err := range u.f.jc.Associations(ctx, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: s.ID}, Change{Resource: r}.boundTo()) {
			if err != nil {
				return differs, "", lagging(err)
			}
			if !u.removes(r, to.ID, s.ID) && !u.deletes(to.ID) {
				return differs, "the group is bound to the " + string(to.Type) + " " + to.ID + ", which this run did not do: " +
					"end that binding, or keep the group", nil
			}
		}
	}
	return asLeft, "", nil
}

// identifyGroup takes a group for the one whose creation was never answered if
// there was none before and there is one now. JumpCloud does not tell when a
// group was made.
func (u *undoing) identifyGroup(ctx context.Context, s *undoStep) error {
	var ids []string
	for g, err := range u.f.jc.Groups(ctx, s.Change.Name) {
		if err != nil {
			return err
		}
		ids = append(ids, g.ID)
	}
	s.nothing = len(ids) == 0
	if s.Absent && len(ids) == 1 {
		s.ID = ids[0]
	}
	return nil
}
