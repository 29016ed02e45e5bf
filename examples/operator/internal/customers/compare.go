package customers

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// Kind says how an entry differs between two files.
type Kind string

// Kinds of differences.
const (
	Added       Kind = "added"
	Removed     Kind = "removed"      // the customer is unlisted
	PlanChanged Kind = "plan-changed" // and perhaps more: open proposals are void
	Other       Kind = "other"        // all but the plan
)

// Everybody is the Domain of a [Difference] that is of no entry: the roles of the file.
const Everybody = "*"

// Difference is what differs of one domain.
type Difference struct {
	Domain string // or [Everybody]
	Name   string // of the customer, as it is now, or was
	Kind   Kind
	// Fields are the names of what differs, in order; of an entry that was added or
	// removed, none.
	Fields []string
}

// Compare returns what differs between two files, [Everybody] first, then by domain. A nil
// file has no entries.
func Compare(old, now *File) []Difference {
	if old == nil {
		old = &File{}
	}
	if now == nil {
		now = &File{}
	}
	var out []Difference
	if !sameRoles(old.Roles, now.Roles) {
		out = append(out, Difference{Domain: Everybody, Kind: Other, Fields: []string{"roles"}})
	}
	for i := range old.Customers {
		c := &old.Customers[i]
		if _, ok := now.ByDomain(c.Domain); !ok {
			out = append(out, Difference{Domain: c.Domain, Name: c.Name, Kind: Removed})
		}
	}
	for i := range now.Customers {
		c := &now.Customers[i]
		was, ok := old.ByDomain(c.Domain)
		if !ok {
			out = append(out, Difference{Domain: c.Domain, Name: c.Name, Kind: Added})
			continue
		}
		if fields := differing(was, c); len(fields) > 0 {
			kind := Other
			if slices.Contains(fields, "plan") {
				kind = PlanChanged
			}
			out = append(out, Difference{c.Domain, c.Name, kind, fields})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Compare(a.Domain, b.Domain) })
	return out
}

// differing names the fields in which two entries of one domain differ.
func differing(a, b *Customer) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"azureAD", a.AzureAD.Key() == b.AzureAD.Key()},
		{"jumpCloud", a.JumpCloud.Key() == b.JumpCloud.Key()},
		{"labels", maps.Equal(a.Labels, b.Labels)},
		{"mode", a.Mode == b.Mode},
		{"name", a.Name == b.Name},
		{"owner", a.Owner == b.Owner},
		{"plan", reflect.DeepEqual(a.Plan, b.Plan)},
		{"roles", sameRoles(a.Roles, b.Roles)},
		{"standing", sameSet(a.Standing, b.Standing)},
		{"twoPeople", reflect.DeepEqual(a.TwoPeople, b.TwoPeople)},
		{"window", a.Window.equal(b.Window)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func sameSet(a, b []Standing) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// sameRoles compares what may be done; the order is nothing.
func sameRoles(a, b []Role) bool {
	order := func(a, b Role) int { return cmp.Or(cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Name, b.Name)) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}
