package recording

import (
	"cmp"
	"slices"
	"strings"
)

// place is where a value stands.
type place struct {
	request string // "GET https://graph.microsoft.com/v1.0/domains", replaced
	path    string // "value[].id"
	key     string // the member that it is the value of, in small letters; empty if that is unknown
	above   string // the member that this one is in
}

// longest is from when on a path grows no more, for a hostile document would make it grow without end.
const longest = 500

// in is the place of a member.
func (p place) in(name string, known bool) place {
	if len(p.path) < longest {
		p.path = strings.TrimPrefix(p.path+"."+name, ".")
	}
	p.above, p.key = p.key, ""
	if known {
		p.key = strings.ToLower(name)
	}
	return p
}

// each is the place of the elements of a list.
func (p place) each() place {
	if len(p.path) < longest {
		p.path += "[]"
	}
	return p
}

// treatment is how the value is to be read.
func (p place) treatment() treatment {
	t := public().treatments
	if p.key == "value" && t[p.above] == secret {
		return secret
	}
	return t[p.key]
}

// enumerated reports whether s is a value of an enumeration that the member has. A setting of an
// application has its value in a member of its own.
func (p place) enumerated(s string) bool {
	v := public()
	s = strings.ToLower(s)
	return v.values[p.key][s] || p.key == "value" && v.values[p.above][s]
}

// A Remain is something that a recording holds as it came: what is public, such as the
// name of a member, a value of an enumeration, or a number that counts.
type Remain struct {
	Value string   // as it came
	Kind  string   // member, value, number, host, path, operator, header, sentence, id
	Count int      // how often it stands in the recording
	Where []string // the first few places: request, and the member's path after a colon
}

// String is one line: the kind, the value, and where it stands.
func (r Remain) String() string {
	return r.Kind + " " + r.Value + " (" + strings.Join(r.Where, ", ") + ")"
}

// most is how many places are remembered of one that remains.
const most = 3

type kept struct{ kind, value string }

// keep notes that a value stays, and returns it.
func (m *mask) keep(kind, value string, at place) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := kept{kind, value}
	r := m.left[k]
	if r == nil {
		r = &Remain{Value: value, Kind: kind}
		m.left[k] = r
	}
	r.Count++
	where := at.request
	if at.path != "" {
		where += ": " + at.path
	}
	if len(r.Where) < most && !slices.Contains(r.Where, where) {
		r.Where = append(r.Where, where)
	}
	return value
}

// remains lists what was kept, by kind and value.
func (m *mask) remains() []Remain {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Remain, 0, len(m.left))
	for _, r := range m.left {
		c := *r
		c.Where = slices.Clone(r.Where)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Remain) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	return out
}
