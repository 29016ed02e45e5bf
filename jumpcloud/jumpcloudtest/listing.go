package jumpcloudtest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// sorted sorts by fields, of which those with - before them descend; fold ignores
// case. Objects that are equal in all of them stay in their order.
func sorted[T any](all []T, by []string, fold bool, of func(T) getter) {
	type keyed struct {
		item T
		keys []json.RawMessage
	}
	rows := make([]keyed, len(all))
	for i, item := range all {
		rows[i].item = item
		get := of(item)
		for _, f := range by {
			rows[i].keys = append(rows[i].keys, get.values(strings.TrimPrefix(f, "-"))[0])
		}
	}
	slices.SortStableFunc(rows, func(a, b keyed) int {
		for i, f := range by {
			n := compareValues(a.keys[i], b.keys[i], fold)
			if strings.HasPrefix(f, "-") {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	for i, r := range rows {
		all[i] = r.item
	}
}

// compareValues orders what there is not before numbers, texts and the rest.
func compareValues(a, b json.RawMessage, fold bool) int {
	kind := func(v json.RawMessage) int {
		switch {
		case len(v) == 0 || string(v) == "null":
			return 0
		case v[0] == '-' || v[0] >= '0' && v[0] <= '9':
			return 1
		case v[0] == '"':
			return 2
		}
		return 3
	}
	if n := cmp.Compare(kind(a), kind(b)); n != 0 {
		return n
	}
	x, y := plain(a), plain(b)
	if kind(a) == 1 {
		return compareText(a, y)
	}
	if fold {
		x, y = strings.ToLower(x), strings.ToLower(y)
	}
	return cmp.Compare(x, y)
}

// v1list filters, sorts and cuts objects, and puts them into v1's envelope.
// Without sort they are sorted by the field that byDefault names, which says
// nothing about those that have the same.
func (s *Server) v1list(c *call, all []object, byDefault string) reply {
	q := c.URL.Query()
	match, err := v1filter(c.Request)
	if err != "" {
		return v1invalid(err)
	}
	of := func(o object) getter { return func(key string) json.RawMessage { return o[key] } }
	all = slices.DeleteFunc(all, func(o object) bool { return !match(of(o)) })
	order := func(i int) int { return i }
	by, fold := strings.Fields(q.Get("sort")), false
	if folded := strings.Fields(q.Get("sortIgnoreCase")); len(folded) > 0 {
		by, fold = folded, true
	}
	if len(by) > 0 {
		sorted(all, by, fold, of)
	} else {
		sorted(all, []string{byDefault}, false, of)
		order = s.unsorted(len(all))
	}
	from, to := s.window(c, len(all))
	results := make([]object, 0, to-from)
	for i := from; i < to; i++ {
		results = append(results, project(all[order(i)], q.Get("fields")))
	}
	return ok(map[string]any{"totalCount": len(all), "results": results})
}

// project keeps the fields of a space separated list. A list with commas is
// ignored without a word.
func project(o object, fields string) object {
	if fields == "" || strings.Contains(fields, ",") {
		return o
	}
	return only(o, append([]string{"_id"}, strings.Fields(fields)...))
}

// only is a part of an object.
func only(o object, fields []string) object {
	out := object{}
	for _, f := range fields {
		if v, ok := o[f]; ok {
			out[f] = v
		}
	}
	return out
}

// asObject is what v looks like in JSON.
func asObject(v any) object {
	var o object
	json.Unmarshal(raw(v), &o)
	return o
}

// kind is what a list of v2 knows of its objects.
type kind[T any] struct {
	shown  []string       // the fields that can be asked for
	found  []string       // those by which they can be found and sorted
	fields func(T) getter // their values
	show   func(T) any    // nil: as they are
}

// v2list is a page of a bare array with the total in a header, filtered and sorted
// by the fields that its objects have; fields are their names.
func v2list[T any](s *Server, c *call, all []T, fields ...string) reply {
	return v2listOf(s, c, all, kind[T]{shown: fields, found: fields, fields: func(v T) getter {
		o := asObject(v)
		return func(key string) json.RawMessage { return o[key] }
	}})
}

// v2listOf is like v2list where objects are not found by what they look like.
func v2listOf[T any](s *Server, c *call, all []T, k kind[T]) reply {
	q := c.URL.Query()
	match, refused := v2filter(c.Request, k.found)
	if refused != nil {
		return *refused
	}
	by, asked := commas(q["sort"]), commas(q["fields"])
	for _, f := range by {
		if !slices.Contains(k.found, strings.TrimPrefix(f, "-")) {
			return unmodelled("sorting by " + f)
		}
	}
	for _, f := range asked {
		if !slices.Contains(k.shown, f) {
			return unmodelled("the field " + f + " in this list")
		}
	}
	if q.Has("filter") {
		all = slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !match(k.fields(v)) })
	}
	if len(by) > 0 {
		all = slices.Clone(all)
		sorted(all, by, false, k.fields)
	}
	from, to := s.window(c, len(all))
	page := make([]any, to-from)
	for i, v := range all[from:to] {
		page[i] = v
		if k.show != nil {
			page[i] = k.show(v)
		}
		if len(asked) > 0 {
			page[i] = only(asObject(page[i]), append([]string{"id", "_id"}, asked...))
		}
	}
	r := ok(page)
	r.total, r.count = len(all), true
	return r
}

// commas splits the values of a parameter that v2 takes for a list.
func commas(values []string) []string {
	var all []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}
