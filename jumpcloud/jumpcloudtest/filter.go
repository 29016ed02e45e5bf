package jumpcloudtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plain is a JSON string, number or bool as text.
func plain(v json.RawMessage) string {
	var s string
	if len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	if string(v) == "null" {
		return ""
	}
	return string(v)
}

// getter is the top-level fields of an object.
type getter func(string) json.RawMessage

// values are what an object has at a path, like "mfa.exclusion": one value, or one
// of each item of the lists on the way; a nil one where there is nothing.
func (get getter) values(path string) []json.RawMessage {
	steps := strings.Split(path, ".")
	found := items(get(steps[0]))
	for _, step := range steps[1:] {
		var next []json.RawMessage
		for _, v := range found {
			var o object
			json.Unmarshal(v, &o)
			next = append(next, items(o[step])...)
		}
		found = next
	}
	if len(found) == 0 {
		return []json.RawMessage{nil}
	}
	return found
}

// items are those of a list; of another value it is itself.
func items(v json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(v) > 0 && v[0] == '[' && json.Unmarshal(v, &list) == nil {
		return list
	}
	return []json.RawMessage{v}
}

// condition is field, operator and value of a filter.
type condition struct{ field, op, value string }

// holds reports whether an object meets the condition.
func (c condition) holds(get getter) bool {
	values := get.values(c.field)
	switch c.op { // none may, not one
	case "$ne", "$nin", "$nco", "ne":
		opposite := map[string]string{"$ne": "$eq", "$nin": "$in", "$nco": "$co", "ne": "eq"}
		return !condition{c.field, opposite[c.op], c.value}.holds(get)
	}
	return slices.ContainsFunc(values, func(v json.RawMessage) bool { return c.meets(v) })
}

// meets reports whether one value meets a condition that does not negate.
func (c condition) meets(v json.RawMessage) bool {
	text := plain(v)
	switch c.op {
	case "$eq":
		return text == c.value
	case "$in", "in":
		return slices.Contains(splitAlternatives(c.value), text)
	case "$sw":
		return strings.HasPrefix(text, c.value)
	case "$ew":
		return strings.HasSuffix(text, c.value)
	case "$co":
		return strings.Contains(text, c.value)
	case "eq":
		return wild(text, c.value)
	case "search":
		return strings.Contains(strings.ToLower(text), strings.ToLower(c.value))
	}
	if len(v) == 0 || string(v) == "null" { // is neither more nor less than anything
		return false
	}
	n := compareText(v, c.value)
	switch strings.TrimPrefix(c.op, "$") {
	case "gt":
		return n > 0
	case "gte", "ge":
		return n >= 0
	case "lt":
		return n < 0
	case "lte", "le":
		return n <= 0
	}
	return false
}

// compareText compares a value with a text: a number with the number in it.
func compareText(v json.RawMessage, text string) int {
	a, errA := strconv.ParseFloat(string(v), 64)
	b, errB := strconv.ParseFloat(text, 64)
	if errA == nil && errB == nil {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(plain(v), text)
}

// splitAlternatives splits at |, but not at \|.
func splitAlternatives(s string) []string {
	const escaped = "\x00"
	parts := strings.Split(strings.ReplaceAll(s, `\|`, escaped), "|")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, escaped, "|")
	}
	return parts
}

// wild compares with * for anything.
func wild(s, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	last := len(parts) - 1
	s, ok := strings.CutPrefix(s, parts[0])
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if ok = ok && i >= 0; !ok {
			return false
		}
		s = s[i+len(part):]
	}
	return ok && strings.HasSuffix(s, parts[last])
}

var v1FilterName = regexp.MustCompile(`^filter(\[(or|and)\])?(\[\d*\])?$`)

// v1Filter reports whether a parameter holds a condition of v1: filter, or filter[0],
// filter[1] and so on, all of which must hold; filter[or][0] and so on, of which one
// must.
func v1Filter(name string) bool { return v1FilterName.MatchString(name) }

// v1filter reads the conditions of a request of v1; bad is what is wrong with them.
func v1filter(r *http.Request) (match func(getter) bool, bad string) {
	var all, some []condition
	for key, values := range r.URL.Query() {
		if !v1Filter(key) {
			continue
		}
		for _, v := range values {
			c, ok := parseCondition(v, r.Header.Get("X-Eventually-Consistent") == "true")
			if !ok {
				return nil, "Invalid filter"
			}
			if strings.HasPrefix(key, "filter[or]") {
				some = append(some, c)
			} else {
				all = append(all, c)
			}
		}
	}
	return matcher(all, some), ""
}

// matcher returns what reports whether an object meets all of one list, and one of
// another that is not empty.
func matcher(all, some []condition) func(getter) bool {
	return func(get getter) bool {
		holds := func(c condition) bool { return c.holds(get) }
		return !slices.ContainsFunc(all, func(c condition) bool { return !holds(c) }) && (len(some) == 0 || slices.ContainsFunc(some, holds))
	}
}

// parseCondition reads field:$op:value. A condition without $ is undefined, and refused here.
func parseCondition(s string, eventually bool) (condition, bool) {
	field, rest, ok := strings.Cut(s, ":")
	op, value, ok2 := strings.Cut(rest, ":")
	known := []string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$sw"}
	if eventually {
		known = append(known, "$ew", "$co", "$nco")
	}
	return condition{field, op, value}, ok && ok2 && field != "" && slices.Contains(known, op)
}

// v2filter reads the conditions of a request of v2, f:eq:v, separated by commas, so
// that a value with a comma breaks it; all must hold. Values may hold wildcards.
// fields are those by which there is something to find; refused, if not nil, is the
// answer to what is not understood.
func v2filter(r *http.Request, fields []string) (match func(getter) bool, refused *reply) {
	var all []condition
	no := func(r reply) (func(getter) bool, *reply) { return nil, &r }
	for _, param := range r.URL.Query()["filter"] {
		for part := range strings.SplitSeq(param, ",") {
			field, rest, ok := strings.Cut(part, ":")
			op, value, ok2 := strings.Cut(rest, ":")
			top, _, _ := strings.Cut(field, ".")
			switch {
			case !ok || !ok2 || !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le", "between", "search", "in"}, op):
				return no(invalid("invalid filter"))
			case op == "between": // how its two values are parted is not known
				return no(unmodelled("the operator between"))
			case !slices.Contains(fields, top):
				return no(unmodelled("filters by " + field))
			}
			all = append(all, condition{field, op, value})
		}
	}
	return matcher(all, nil), nil
}
