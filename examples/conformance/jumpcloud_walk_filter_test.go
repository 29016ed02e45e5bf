package conformance

import (
	"net/url"
	"slices"
	"strings"
)

// operators are those of both versions of the API, and what they mean for a text or
// number and another. The value of a condition is its second argument.
var operators = []struct {
	v1, v2     string
	eventually bool // x-eventually-consistent is needed
	holds      func(n int, have, value string) bool
}{
	{"$eq", "eq", false, func(n int, _, _ string) bool { return n == 0 }},
	{"$ne", "ne", false, func(n int, _, _ string) bool { return n != 0 }},
	{"$gt", "gt", false, func(n int, _, _ string) bool { return n > 0 }},
	{"$gte", "ge", false, func(n int, _, _ string) bool { return n >= 0 }},
	{"$lt", "lt", false, func(n int, _, _ string) bool { return n < 0 }},
	{"$lte", "le", false, func(n int, _, _ string) bool { return n <= 0 }},
	{"$sw", "", false, func(_ int, have, value string) bool { return strings.HasPrefix(have, value) }},
	{"$ew", "", true, func(_ int, have, value string) bool { return strings.HasSuffix(have, value) }},
	{"$co", "", true, func(_ int, have, value string) bool { return strings.Contains(have, value) }},
	{"$nco", "", true, func(_ int, have, value string) bool { return !strings.Contains(have, value) }},
	{"", "search", false, func(_ int, have, value string) bool {
		return strings.Contains(strings.ToLower(have), strings.ToLower(value))
	}},
	{"", "between", false, nil}, // how its values are parted is not known
}

// walkFilter sends each operator with each field of the items and a value that is there.
func (p *parameterWalk) walkFilter(v1 bool) {
	for _, field := range p.fields() {
		for _, op := range operators {
			name := op.v2
			if v1 {
				name = op.v1
			}
			if name == "" {
				continue
			}
			var header []string
			if op.eventually {
				header = append(header, "X-Eventually-Consistent: true")
			}
			value, ok := p.example(field)
			if ok {
				want := p.where(func(other map[string]any) bool {
					have, ok := p.value(other, field)
					if !ok { // only what denies holds for nothing
						return strings.HasPrefix(strings.TrimPrefix(name, "$"), "n")
					}
					return op.holds != nil && op.holds(compare(have, value), text(have), text(value))
				})
				p.want(want, field+":"+name+":"+text(value), header...)
			}
			if len(p.all) == 0 {
				p.want(nil, field+":"+name+":x", header...)
			}
		}
		p.alternatives(v1, field)
	}
	p.severalConditions(v1)
}

// example is a value of a field, of the last item that has one: first in most orders
// are the others.
func (p *parameterWalk) example(field string) (value any, ok bool) {
	for _, o := range slices.Backward(p.all) {
		if value, ok = p.value(o, field); ok && text(value) != "" && !strings.ContainsAny(text(value), ",*") {
			return value, true
		}
	}
	return nil, false
}

// alternatives are the operators that take several values, and wildcards.
func (p *parameterWalk) alternatives(v1 bool, field string) {
	if len(p.all) < 2 {
		return
	}
	first, ok := p.value(p.all[0], field)
	last, ok2 := p.value(p.all[len(p.all)-1], field)
	if !ok || !ok2 || text(first) == "" || text(last) == "" || strings.ContainsAny(text(first)+text(last), ",*|") {
		return
	}
	among := func(o map[string]any) bool {
		v, ok := p.value(o, field)
		return ok && (compare(v, first) == 0 || compare(v, last) == 0)
	}
	if !v1 {
		p.want(p.where(among), field+":in:"+text(first)+"|"+text(last))
		head := text(first)[:1]
		p.want(p.where(func(o map[string]any) bool {
			v, ok := p.value(o, field)
			return ok && strings.HasPrefix(text(v), head)
		}), field+":eq:"+head+"*")
		return
	}
	p.want(p.where(among), field+":$in:"+text(first)+"|"+text(last))
	p.want(p.where(func(o map[string]any) bool { return !among(o) }), field+":$nin:"+text(first)+"|"+text(last))
}

// severalConditions are v1's: all of which must hold, or one; and what is not a
// condition.
func (p *parameterWalk) severalConditions(v1 bool) {
	if len(p.all) < 2 {
		return
	}
	if r := p.get(url.Values{"filter": {"nonsense"}}); r.status != 400 && !r.refuses(`"filter"`) {
		p.Errorf("%s?filter=nonsense: %d %s", p.o.name, r.status, r.body)
	}
	if !v1 {
		return
	}
	id := func(i int) string { return identities(p.all)[i] }
	for _, tt := range []struct {
		query url.Values
		want  []string
	}{
		{url.Values{"filter": {"_id:$eq:" + id(0), "_id:$eq:" + id(1)}}, []string{}},
		{url.Values{"filter[0]": {"_id:$eq:" + id(0)}, "filter[1]": {"_id:$ne:" + id(1)}}, []string{id(0)}},
		{url.Values{"filter[or][0]": {"_id:$eq:" + id(0)}, "filter[or][1]": {"_id:$eq:" + id(1)}}, []string{id(0), id(1)}},
	} {
		if r := p.get(tt.query); !r.refuses(`"filter`) {
			if d := differ(tt.want, identities(r.items())); d != "" {
				p.Errorf("%s?%s:\n%s", p.o.name, tt.query.Encode(), d)
			}
		}
	}
	if r := p.get(url.Values{"filter[not][0]": {"_id:$eq:" + id(0)}}); !r.refuses("filter[not][0]") {
		p.Errorf("%s?filter[not][0]=…: %d %s", p.o.name, r.status, r.body)
	}
}

// walkTargets asks for all the types that the description names.
func (p *parameterWalk) walkTargets() {
	for _, param := range p.o.params {
		if param.Value.Name != p.name {
			continue
		}
		for _, target := range param.Value.Schema.Value.Enum {
			kind := target.(string)
			bound := map[string]string{"user": "users", "user_group": "usergroups", "application": "applications"}[kind]
			if bound == "" {
				bound = kind
			}
			r, ok := p.ask(kind)
			if !ok {
				continue
			}
			want, got := slices.Sorted(slices.Values(p.w.more[bound])), slices.Sorted(slices.Values(identities(r.items())))
			if d := differ(want, got); d != "" {
				p.Errorf("%s?targets=%s:\n%s", p.o.name, kind, d)
			}
		}
	}
	if r := p.get(url.Values{"targets": {"nonsense"}}); r.status != 400 {
		p.Errorf("%s?targets=nonsense: %d %s", p.o.name, r.status, r.body)
	}
}

// walkSync asks for the state of synchronisation.
func (p *parameterWalk) walkSync() {
	for _, value := range []string{"true", "false"} {
		r, ok := p.ask(value)
		if !ok {
			continue
		}
		for _, o := range r.items() {
			if _, told := o["syncStatus"]; told != (value == "true") {
				p.Errorf("%s?syncStatus=%s: %v", p.o.name, value, o)
			}
		}
	}
}

// walkImport asks for users of Microsoft 365 in the words of Graph.
func (p *parameterWalk) walkImport() {
	named := func(names ...string) []map[string]any {
		return p.where(func(o map[string]any) bool { return slices.Contains(names, o["givenName"].(string)) })
	}
	values := map[string]map[string][]map[string]any{
		"top":       {"2": p.all[:2], "100": p.all},
		"skipToken": {"": p.all},
		"filter": {
			"surname eq 'hall'":                                named("Carl", "Anna"),
			"startsWith(userPrincipalName,'an')":               named("Anna"),
			"startswith(givenName, 'B') and surname eq 'Ives'": named("Bert"),
			"id eq 'nobody'":                                   nil,
			"surname ne 'Hall'":                                nil,
			"endsWith(userPrincipalName,'com')":                nil,
			"surname eq 'Hall' or surname eq 'Ives'":           nil,
			"not(surname eq 'Hall')":                           nil,
			"nonsense eq 'Hall'":                               nil,
			"surname eq 'Hall' and":                            nil,
		},
		"search": {`"displayName:a"`: nil}, "orderby": {"surname desc": nil}, "count": {"true": nil},
	}[p.name]
	if values == nil {
		p.Errorf("%s: nothing is known of the parameter %s", p.o.name, p.name)
	}
	for value, want := range values {
		p.want(want, value)
	}
	if p.name == "skipToken" {
		first := p.get(url.Values{"top": {"2"}}).object()
		token, _ := first["skipToken"].(string)
		if p.want(p.all[2:], token); token == "" {
			p.Errorf("%s?top=2 has no skipToken: %v", p.o.name, first)
		}
	}
}
