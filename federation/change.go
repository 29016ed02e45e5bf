package federation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/certs"
)

// Action is what is done to a resource.
type Action string

// The actions. A revert of Create is Delete, of Add is Remove, of Update is
// Update.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Add    Action = "add"
	Remove Action = "remove"
)

// Later stands for a value that is only known once an earlier change is made.
const Later = "(known later)"

// A Field is one value that a change sets.
type Field struct {
	Name string `json:"name"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// A Change is one write that brings a service closer to the plan. Its fields
// hold the values before and after, so a list of changes is also the list of
// what to undo.
type Change struct {
	Resource Resource `json:"resource"`
	// Name tells which one, in people's words: a group's name, a domain.
	Name   string  `json:"name"`
	Action Action  `json:"action"`
	Fields []Field `json:"fields,omitempty"`

	// Parent and Target are the IDs of what is changed, as far as they are
	// known: the application and the group of a binding.
	Parent string `json:"parent,omitempty"`
	Target string `json:"target,omitempty"`
}

// stage is when the change is made; see [thing].
func (c Change) stage() int { return resources[c.Resource].stage }

// key identifies the change within a run.
func (c Change) key() string {
	return string(c.Action) + " " + string(c.Resource) + " " + c.Name
}

// String names the change in a few words, such as
// create jumpcloud/group "Microsoft 365". [Changes.String] shows its fields.
func (c Change) String() string {
	return fmt.Sprintf("%s %s %q", c.Action, c.Resource, c.Name)
}

// writes reports whether the change is one of the field, among others.
func (c Change) writes(field string) bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Name == field })
}

// value is the value that the change gives a field.
func (c Change) value(field string) string {
	for _, f := range c.Fields {
		if f.Name == field {
			return f.New
		}
	}
	return ""
}

// inverse is the change that undoes c.
func (c Change) inverse() Change {
	c.Action = map[Action]Action{Create: Delete, Delete: Create, Add: Remove, Remove: Add, Update: Update}[c.Action]
	c.Fields = inverse(c.Fields)
	return c
}

// inverse returns the fields that lead back.
func inverse(fs []Field) []Field {
	fs = slices.Clone(fs)
	for i, f := range fs {
		fs[i].Old, fs[i].New = f.New, f.Old
	}
	return fs
}

// Changes is what is missing, thing by thing. What others need is made before
// them, whatever the order here. An empty list means that the plan holds.
type Changes []Change

// String returns the changes as a diff for people: one line per change, one
// indented line per field. Certificates are shown by thumbprint.
func (cs Changes) String() string {
	var b strings.Builder
	for _, c := range cs {
		sign := "~"
		switch c.Action {
		case Create, Add:
			sign = "+"
		case Delete, Remove:
			sign = "-"
		}
		fmt.Fprintf(&b, "%s %s %q\n", sign, c.Resource, c.Name)
		for _, f := range c.Fields {
			if sign == "+" {
				fmt.Fprintf(&b, "    %s: %s\n", f.Name, f.show(f.New))
			} else {
				fmt.Fprintf(&b, "    %s: %s -> %s\n", f.Name, f.show(f.Old), f.show(f.New))
			}
		}
	}
	return b.String()
}

// has reports whether cs holds a change with this key.
func (cs Changes) has(key string) bool {
	return slices.ContainsFunc(cs, func(c Change) bool { return c.key() == key })
}

// only returns the changes of cs that are in other too, as cs has them.
func (cs Changes) only(other Changes) Changes {
	var out Changes
	for _, c := range cs {
		if other.has(c.key()) {
			out = append(out, c)
		}
	}
	return out
}

// first returns the changes of the lowest stage.
func (cs Changes) first() Changes {
	var out Changes
	for _, c := range cs {
		if len(out) == 0 || c.stage() == out[0].stage() {
			out = append(out, c)
		} else if c.stage() < out[0].stage() {
			out = append(out[:0:0], c)
		}
	}
	return out
}

func (cs Changes) parts() (p part) {
	for _, c := range cs {
		p |= resources[c.Resource].parts
	}
	return p
}

func (f Field) show(v string) string {
	switch {
	case v == "":
		return "(none)"
	case v == Later:
		return Later
	case f.Name == fieldCertificate || f.Name == fieldNextCertificate || f.Name == fieldIdPCertificate:
		return showCertificate(v)
	}
	return quote(v)
}

func showCertificate(b64 string) string {
	c, err := certs.ParseOne([]byte(b64))
	if err != nil {
		return "(unreadable certificate)"
	}
	return "certificate " + c.Thumbprint() + ", valid until " + c.X509().NotAfter.UTC().Format("2006-01-02")
}

// diff returns what is missing for the plan to hold. It is pure: no I/O, no
// clock. It compares only what the plan speaks about; everything else is
// somebody else's setting and survives.
func diff(p Plan, st *observation) Changes {
	var cs Changes
	cs = st.diffAdmins(cs, p)
	cs = st.diffDefaultDomain(cs, p)
	cs = st.diffGroups(cs, p)
	cs = st.diffApplication(cs, p)
	cs = st.diffDirectory(cs, p)
	cs = st.diffFederation(cs, p)
	return cs
}

// sortShort sorts as slices.SortFunc does, of which every type of value has a copy of its
// own in the program, 15 KiB of it; pointers share one.
func sortShort[E any](s []E, compare func(a, b *E) int) {
	copied := slices.Clone(s)
	order := make([]*E, len(s))
	for i := range copied {
		order[i] = &copied[i]
	}
	slices.SortFunc(order, compare)
	for i, v := range order {
		s[i] = *v
	}
}
