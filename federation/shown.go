package federation

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

// sightings are the IDs of the applications and groups of the plan that the looks of a run
// have shown, whatever became of those looks: of what one replica has, another may not
// know for minutes, and what it does not list is not made a second time.
type sightings struct{ applications, groups sighted }

// sighted are IDs, each once.
type sighted []string

func (s *sighted) add(id string) {
	if !slices.Contains(*s, id) {
		*s = append(*s, id)
	}
}

// missed adds what was found, and returns the IDs of what an earlier look has found and
// this one has not.
func missed[T any](s *sighted, found []T, id func(T) string) []string {
	missing := slices.Clone(*s)
	for _, v := range found {
		missing = slices.DeleteFunc(missing, func(was string) bool { return was == id(v) })
		s.add(id(v))
	}
	return missing
}

// byID reads those of the IDs that are there. It reports whether one is not.
func byID[T any](ctx context.Context, ids []string, read func(context.Context, string) (T, error)) (there []T, vanished bool, err error) {
	for _, id := range ids {
		switch v, err := read(ctx, id); {
		case err == nil:
			there = append(there, v)
		case errors.Is(err, jumpcloud.ErrNotFound):
			vanished = true
		default:
			return nil, false, err
		}
	}
	return there, vanished, nil
}

// shownApplications are those with the plan's entity ID that an earlier look has shown,
// and the list that was found does not.
func (f *Federator) shownApplications(ctx context.Context, p Plan, st *observation, found []*jumpcloud.Application) (
	more []*jumpcloud.Application, err error) {
	if st.shown == nil {
		return nil, nil
	}
	ids := missed(&st.shown.applications, found, func(a *jumpcloud.Application) string { return a.ID })
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == p.Application.ID }) // that one was asked for
	more, st.appVanished, err = byID(ctx, ids, f.jc.Application)
	return slices.DeleteFunc(more, func(a *jumpcloud.Application) bool { return a.IdPEntityID != p.Application.IdPEntityID }), err
}

// shownGroups are those that an earlier look has shown, and the list that was found
// does not.
func (f *Federator) shownGroups(ctx context.Context, st *observation, found map[string][]*jumpcloud.Group) (
	more []*jumpcloud.Group, err error) {
	if st.shown == nil {
		return nil, nil
	}
	all := slices.Concat(slices.Collect(maps.Values(found))...)
	ids := missed(&st.shown.groups, all, func(g *jumpcloud.Group) string { return g.ID })
	more, st.groupVanished, err = byID(ctx, ids, f.jc.Group)
	return more, err
}
