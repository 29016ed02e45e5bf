package conformance

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A parameterWalk sends one parameter of one operation with all the values that are of
// interest.
type parameterWalk struct {
	*testing.T
	w    *world
	o    operation
	name string
	all  []map[string]any // the list without the parameter

	accepted int // requests that were answered, and rightly
	narrowed int // answers that were not the whole list
}

// TestJumpCloudWalkParameters: each query parameter, with each operator and each
// field, changes the answer as it should, or is refused by name.
func TestJumpCloudWalkParameters(t *testing.T) {
	w := newWorld(t)
	var refused []string
	for _, o := range jumpCloudOperations(t) {
		if slices.Contains(notModelled, o.name) {
			continue
		}
		for _, name := range o.query() {
			p := &parameterWalk{T: t, w: w, o: o, name: name}
			if o.method == http.MethodGet {
				p.all = p.items(p.get(nil))
			}
			if p.walk(); p.accepted == 0 {
				refused = append(refused, o.name+" "+name)
			}
			if p.name == "filter" && len(p.all) > 1 && p.narrowed == 0 && p.accepted > 0 {
				t.Errorf("%s: no filter has left anything out", o.name)
			}
		}
	}
	slices.Sort(refused)
	if d := differ(refusedParameters, refused); d != "" {
		t.Errorf("parameters that are refused:\n%s", d)
	}
}

func (p *parameterWalk) walk() {
	v1 := strings.Contains(p.o.name, " v1 ")
	separator := ","
	if v1 {
		separator = " "
	}
	switch {
	case strings.HasSuffix(p.o.path, "/import/users"):
		p.walkImport()
	case p.name == "limit":
		p.want(p.all[:min(2, len(p.all))], "2")
		p.want(p.all, "100")
	case p.name == "skip":
		p.want(p.all[min(1, len(p.all)):], "1")
		p.want(nil, "9")
	case p.name == "sort" || p.name == "sortIgnoreCase":
		for _, f := range p.fields() {
			p.sorted(f)
			p.sorted("-" + f)
		}
	case p.name == "fields":
		for _, f := range p.fields() {
			if !strings.Contains(f, ".") {
				p.projected(separator, f)
			}
		}
		p.projected(separator, "name", "displayName", "username", "builtIn")
	case p.name == "filter":
		p.walkFilter(v1)
	case p.name == "search":
		p.want(p.where(func(o map[string]any) bool { return o["username"] == "Anna" }), "ANNA")
	case p.name == "targets":
		p.walkTargets()
	case p.name == "syncStatus":
		p.walkSync()
	case p.name == "fullValidationDetails":
		p.ask("true")
	default:
		p.Errorf("%s: nothing is known of the parameter %s", p.o.name, p.name)
	}
}

// query is the least that is asked, in an order that does not change.
func (p *parameterWalk) query() url.Values {
	q := p.o.required()
	takes := p.o.query()
	if strings.Contains(p.o.name, " v1 ") && slices.Contains(takes, "limit") && !strings.HasSuffix(p.o.path, "}") {
		q.Set("sort", "_id")
	}
	if p.name != "limit" && slices.Contains(takes, "limit") && !strings.HasSuffix(p.o.path, "}") {
		q.Set("limit", "100")
	}
	return q
}

func (p *parameterWalk) get(set url.Values, header ...string) reply {
	q := p.query()
	for key, values := range set {
		if strings.HasPrefix(key, "sort") {
			q.Del("sort")
		}
		q[key] = values
	}
	return p.w.send(p.o.method, p.o.address(p.w, q), "", header...)
}

// ask sends the parameter with a value, and reports whether it was answered. What is
// not must be refused, with the name of the parameter, or of what is in it.
func (p *parameterWalk) ask(value string, header ...string) (r reply, answered bool) {
	r = p.get(url.Values{p.name: {value}}, header...)
	if r.status == http.StatusNotImplemented {
		named := r.refuses(strconv.Quote(p.name))
		for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("-:, ", r) }) {
			named = named || r.refuses(part)
		}
		if !named {
			p.Errorf("%s?%s=%s is refused without a name: %s", p.o.name, p.name, value, r.body)
		}
		return r, false
	}
	if r.status != http.StatusOK {
		p.Errorf("%s?%s=%s: %d %s", p.o.name, p.name, value, r.status, r.body)
		return r, false
	}
	p.accepted++
	return r, true
}

// want demands a list, in its order.
func (p *parameterWalk) want(want []map[string]any, value string, header ...string) {
	p.Helper()
	r, ok := p.ask(value, header...)
	if !ok {
		return
	}
	if len(want) < len(p.all) {
		p.narrowed++
	}
	if d := differ(identities(want), identities(p.items(r))); d != "" {
		p.Errorf("%s?%s=%s:\n%s", p.o.name, p.name, value, d)
	}
}

// items are those of a list, or a single object.
func (p *parameterWalk) items(r reply) []map[string]any {
	if strings.HasSuffix(p.o.path, "{id}") {
		return []map[string]any{r.object()}
	}
	return r.items()
}

func (p *parameterWalk) where(keep func(map[string]any) bool) (kept []map[string]any) {
	for _, o := range p.all {
		if keep(o) {
			kept = append(kept, o)
		}
	}
	return kept
}

func identities(items []map[string]any) []string {
	ids := []string{}
	for _, o := range items {
		to, _ := o["to"].(map[string]any)
		id, _ := cmp.Or(o["id"], o["_id"], to["id"]).(string)
		ids = append(ids, id)
	}
	return ids
}

// fields are the paths of texts, numbers and truths in the items; of graph objects,
// those that filters know.
func (p *parameterWalk) fields() (names []string) {
	for _, o := range p.all {
		if _, reached := o["paths"]; reached {
			return []string{"object_id", "type"}
		}
		for key, v := range p.whole(o) {
			switch v := v.(type) {
			case map[string]any:
				for inner, v := range v {
					switch v.(type) {
					case map[string]any, []any:
					default:
						names = append(names, key+"."+inner)
					}
				}
			case []any:
			default:
				names = append(names, key)
			}
		}
	}
	if len(names) == 0 {
		names = []string{"object_id", "type"}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// whole is an item with what only the object itself shows.
func (p *parameterWalk) whole(o map[string]any) map[string]any {
	if p.o.path != "/usergroups" {
		return o
	}
	return p.w.send("GET", p.o.base+p.o.path+"/"+o["id"].(string), "").object()
}

// value is what an item has at a path; ok is false if it has nothing.
func (p *parameterWalk) value(o map[string]any, path string) (v any, ok bool) {
	if path == "object_id" {
		path = "id"
	}
	top, inner, nested := strings.Cut(path, ".")
	v = p.whole(o)[top]
	if m, is := v.(map[string]any); nested {
		if v = nil; is {
			v = m[inner]
		}
	}
	return v, v != nil
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// compare compares numbers as such, and everything else as text.
func compare(a, b any) int {
	x, isNumber := a.(float64)
	y, isToo := b.(float64)
	if isNumber && isToo {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(text(a), text(b))
}

// sorted demands the list in an order: what has nothing there comes first.
func (p *parameterWalk) sorted(by string) {
	field, descending := strings.CutPrefix(by, "-")
	want := slices.Clone(p.all)
	slices.SortStableFunc(want, func(a, b map[string]any) int {
		x, okX := p.value(a, field)
		y, okY := p.value(b, field)
		n := 0
		switch {
		case okX && okY && p.name == "sortIgnoreCase":
			n = compare(strings.ToLower(text(x)), strings.ToLower(text(y)))
		case okX && okY:
			n = compare(x, y)
		case okX:
			n = 1
		case okY:
			n = -1
		}
		if descending {
			n = -n
		}
		return n
	})
	p.want(want, by)
}

// projected demands the items with some of their fields, and their IDs.
func (p *parameterWalk) projected(separator string, fields ...string) {
	value := strings.Join(fields, separator)
	if len(fields) > 1 && separator == "," { // of several, those of this list
		known := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return len(p.all) > 0 && p.all[0][f] == nil })
		if len(known) == 0 {
			return
		}
		value, fields = strings.Join(known, separator), known
	}
	r, ok := p.ask(value)
	if !ok {
		return
	}
	want := []map[string]any{}
	for _, o := range p.all {
		part := map[string]any{}
		for key, v := range o {
			identity := key == "_id" || key == "id" && separator == ","
			if identity || slices.Contains(fields, key) {
				part[key] = v
			}
		}
		want = append(want, part)
	}
	if d := differ(want, p.items(r)); d != "" {
		p.Errorf("%s?fields=%s:\n%s", p.o.name, value, d)
	}
}
