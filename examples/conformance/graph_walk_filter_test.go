package conformance

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// condition is a filter, and whom it selects by what an object has in the property.
type condition struct {
	filter string
	holds  func(v any) bool
}

// refuse is for conditions that nothing supports.
func never(any) bool { panic("this operator is modelled, and nobody says what it selects") }

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// conditions are those with every operator that a property of this kind could have.
// example is a value that some object has.
func conditions(property string, schema *openapi3.Schema, example any) []condition {
	switch {
	case schema.Type.Is("array"):
		first := "x"
		if list := asList(example); len(list) > 0 {
			first, _ = list[0].(string)
		}
		return listConditions(property, first)
	case schema.Type.Is("boolean"):
		return comparisons(property, "true", func(v any) (int, bool) { b, ok := v.(bool); return map[bool]int{true: 0, false: -1}[b], ok })
	case schema.Type.Is("integer"):
		return comparisons(property, "1", func(v any) (int, bool) { n, ok := v.(float64); return cmp.Compare(n, 1), ok })
	case schema.Format == "date-time":
		text, _ := example.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			at = time.Date(2022, 1, 2, 3, 4, 5, 0, time.UTC)
		}
		return comparisons(property, at.Format(time.RFC3339), func(v any) (int, bool) {
			s, _ := v.(string)
			t, err := time.Parse(time.RFC3339, s)
			return t.Compare(at), err == nil
		})
	case schema.Type.Is("string"):
		text, _ := example.(string)
		text = cmp.Or(text, "nonsense")
		return append(comparisons(property, quote(text), func(v any) (int, bool) {
			s, ok := v.(string)
			return strings.Compare(strings.ToLower(s), strings.ToLower(text)), ok
		}), textConditions(property, text)...)
	}
	return []condition{{property + "/nonsense eq 'x'", never}, {property + " eq 'x'", never}, {property + "/any(x:x eq 'x')", never}}
}

// comparisons are those with a value, by what comparing an object's with it says.
func comparisons(property, literal string, compare func(v any) (n int, set bool)) []condition {
	eq := func(v any) bool { n, set := compare(v); return set && n == 0 }
	not := func(f func(any) bool) func(any) bool { return func(v any) bool { return !f(v) } }
	null := func(v any) bool { _, set := compare(v); return !set }
	return []condition{
		{property + " eq " + literal, eq},
		{property + " ne " + literal, not(eq)},
		{"not(" + property + " eq " + literal + ")", not(eq)},
		{property + " in (" + literal + ")", eq},
		{"not(" + property + " in (" + literal + "))", not(eq)},
		{property + " eq null", null},
		{property + " ne null", not(null)},
		{property + " ge " + literal, func(v any) bool { n, set := compare(v); return set && n >= 0 }},
		{property + " le " + literal, func(v any) bool { n, set := compare(v); return set && n <= 0 }},
		{property + " eq " + literal + " or " + property + " eq null", func(v any) bool { return eq(v) || null(v) }},
		{property + " eq " + literal + " and " + property + " ne null", eq},
		{property + " gt " + literal, never},
		{property + " lt " + literal, never},
		{property + " has " + literal, never},
	}
}

func textConditions(property, text string) []condition {
	prefix, suffix := text[:min(3, len(text))], text[max(0, len(text)-3):]
	starts := func(v any) bool {
		s, _ := v.(string)
		return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
	}
	return []condition{
		{"startsWith(" + property + "," + quote(prefix) + ")", starts},
		{"not(startsWith(" + property + "," + quote(prefix) + "))", func(v any) bool { return !starts(v) }},
		{"endsWith(" + property + "," + quote(suffix) + ")", func(v any) bool {
			s, _ := v.(string)
			return strings.HasSuffix(strings.ToLower(s), strings.ToLower(suffix))
		}},
		{"contains(" + property + "," + quote(prefix) + ")", never},
		{"tolower(" + property + ") eq " + quote(text), never},
		{"length(" + property + ") eq 1", never},
		{property + "/any(x:x eq 'x')", never},
	}
}

func listConditions(property, text string) []condition {
	prefix, suffix := text[:min(6, len(text))], text[max(0, len(text)-3):]
	some := func(f func(s string) bool) func(any) bool {
		return func(v any) bool {
			return slices.ContainsFunc(asList(v), func(item any) bool { s, ok := item.(string); return ok && f(s) })
		}
	}
	equal := some(func(s string) bool { return strings.EqualFold(s, text) })
	any := property + "/any(x:"
	return []condition{
		{any + "x eq " + quote(text) + ")", equal},
		{"not(" + any + "x eq " + quote(text) + "))", func(v interface{}) bool { return !equal(v) }},
		{any + "x ge " + quote(text) + ")", some(func(s string) bool { return strings.ToLower(s) >= strings.ToLower(text) })},
		{any + "x le " + quote(text) + ")", some(func(s string) bool { return strings.ToLower(s) <= strings.ToLower(text) })},
		{any + "startsWith(x," + quote(prefix) + "))", some(func(s string) bool { return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix)) })},
		{any + "endsWith(x," + quote(suffix) + "))", some(func(s string) bool { return strings.HasSuffix(strings.ToLower(s), strings.ToLower(suffix)) })},
		{property + "/$count eq 0", func(v interface{}) bool { return len(asList(v)) == 0 }},
		{property + "/$count ne 0", func(v interface{}) bool { return len(asList(v)) > 0 }},
		{property + "/$count eq 1", never},
		{property + "/all(x:x eq " + quote(text) + ")", never},
		{property + "/any()", never},
		{any + "x ne " + quote(text) + ")", never},
		{any + "contains(x," + quote(text) + "))", never},
		{property + " eq " + quote(text), never},
		{any + "x/nonsense eq 1)", never},
	}
}

// values returns what the objects of a list have in a property, by their IDs.
func (w *walk) values(o read, property string) map[string]any {
	w.t.Helper()
	all := map[string]any{}
	for _, object := range w.get(o.path, url.Values{"$select": {"id," + property}}, false).list() {
		if id, ok := object["id"].(string); ok {
			all[id] = object[property]
		}
	}
	if len(all) == 0 { // it cannot be selected, so what is there is all
		for _, object := range w.get(o.path, nil, false).list() {
			id, _ := object["id"].(string)
			all[id] = object[property]
		}
	}
	return all
}

// example returns one of the values.
func example(values map[string]any) any {
	for _, id := range append([]string{"u2"}, sorted(values)...) {
		if v := values[id]; v != nil && fmt.Sprint(v) != "[]" {
			return v
		}
	}
	return nil
}

// filters asks with every operator for a property, in simple and in advanced queries.
func (w *walk) filters(o read, property string, schema *openapi3.Schema) bool {
	values := w.values(o, property)
	some := false
	for _, c := range conditions(property, schema, example(values)) {
		for _, advanced := range []bool{false, true} {
			a := w.get(o.path, url.Values{"$filter": {c.filter}}, advanced)
			ok := w.judge("GET "+o.path+"?$filter="+c.filter, []string{property, "$filter of", "$count of"}, a, func() string {
				var want, got []string
				for _, id := range sorted(values) {
					if c.holds(values[id]) {
						want = append(want, id)
					}
				}
				for _, object := range a.list() {
					got = append(got, fmt.Sprint(object["id"]))
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					return fmt.Sprintf("it selects %v; want %v", got, want)
				}
				return ""
			})
			some = some || ok
		}
	}
	return some
}

// orders asks for the order of a property.
func (w *walk) orders(o read, property string) bool {
	values := w.values(o, property)
	some := false
	for _, direction := range []string{"", " asc", " desc"} {
		for _, advanced := range []bool{false, true} {
			a := w.get(o.path, url.Values{"$orderby": {property + direction}}, advanced)
			ok := w.judge("GET "+o.path+"?$orderby="+property+direction, []string{"$orderby", "$count of"}, a, func() string {
				var in []string
				for _, object := range a.list() {
					in = append(in, strings.ToLower(fmt.Sprint(cmp.Or(values[fmt.Sprint(object["id"])], any("")))))
				}
				if direction == " desc" {
					slices.Reverse(in)
				}
				if len(in) != len(values) || !slices.IsSorted(in) {
					return fmt.Sprintf("the order is %q", in)
				}
				return ""
			})
			some = some || ok
		}
	}
	return some
}

// searches looks for a value: whole, so that words and beginnings are the same.
func (w *walk) searches(o read, property string) bool {
	values := w.values(o, property)
	text, _ := example(values).(string)
	text = cmp.Or(text, "nonsense")
	some := false
	for _, advanced := range []bool{false, true} {
		a := w.get(o.path, url.Values{"$search": {`"` + property + ":" + text + `"`}}, advanced)
		ok := w.judge("GET "+o.path+"?$search="+property+":"+text, []string{"$search", "$count of"}, a, func() string {
			for _, object := range a.list() {
				if got := values[fmt.Sprint(object["id"])]; got != text {
					return fmt.Sprintf("%v is found", got)
				}
			}
			if len(a.list()) != 1 {
				return fmt.Sprintf("%d objects are found", len(a.list()))
			}
			return ""
		})
		some = some || ok
	}
	return some
}
