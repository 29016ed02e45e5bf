package jumpcloudtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// plain is a JSON string, number or bool as text.
func plain(v json.RawMessage) string {
	var s string
	if len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// v1filter reads v1's filter parameters: filter=f:$eq:v, or filter[0], filter[1]
// and so on, all of which must hold; filter[or][0] and so on, of which one must.
// A condition without $ is undefined, and refused here.
func v1filter(r *http.Request) (match func(func(string) json.RawMessage) bool, bad string) {
	var all, any []condition
	for key, values := range r.URL.Query() {
		if key != "filter" && !strings.HasPrefix(key, "filter[") {
			continue
		}
		for _, v := range values {
			c, ok := parseCondition(v, r.Header.Get("X-Eventually-Consistent") == "true")
			if !ok {
				return nil, "Invalid filter"
			}
			if strings.HasPrefix(key, "filter[or]") {
				any = append(any, c)
			} else {
				all = append(all, c)
			}
		}
	}
	return func(get func(string) json.RawMessage) bool {
		for _, c := range all {
			if !c.holds(get) {
				return false
			}
		}
		return len(any) == 0 || slices.ContainsFunc(any, func(c condition) bool { return c.holds(get) })
	}, ""
}

// condition is field, operator and value of a v1 filter.
type condition struct{ field, op, value string }

func parseCondition(s string, eventually bool) (condition, bool) {
	field, rest, ok := strings.Cut(s, ":")
	op, value, ok2 := strings.Cut(rest, ":")
	known := []string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$sw"}
	if eventually {
		known = append(known, "$ew", "$co", "$nco")
	}
	return condition{field, op, value}, ok && ok2 && field != "" && slices.Contains(known, op)
}

func (c condition) holds(get func(string) json.RawMessage) bool {
	v := plain(get(c.field))
	switch c.op {
	case "$eq":
		return v == c.value
	case "$ne":
		return v != c.value
	case "$gt":
		return v > c.value
	case "$gte":
		return v >= c.value
	case "$lt":
		return v < c.value
	case "$lte":
		return v <= c.value
	case "$in":
		return slices.Contains(splitAlternatives(c.value), v)
	case "$nin":
		return !slices.Contains(splitAlternatives(c.value), v)
	case "$sw":
		return strings.HasPrefix(v, c.value)
	case "$ew":
		return strings.HasSuffix(v, c.value)
	case "$co":
		return strings.Contains(v, c.value)
	case "$nco":
		return !strings.Contains(v, c.value)
	}
	return false
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

// v2filter reads v2's filter parameter: f:eq:v, separated by commas, so that a
// value with a comma breaks it. Values may hold wildcards.
func v2filter(r *http.Request) (match func(func(string) string) bool, bad string) {
	var conditions []condition
	for _, param := range r.URL.Query()["filter"] {
		for part := range strings.SplitSeq(param, ",") {
			field, rest, ok := strings.Cut(part, ":")
			op, value, ok2 := strings.Cut(rest, ":")
			if !ok || !ok2 || !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le", "between", "search", "in"}, op) {
				return nil, "invalid filter"
			}
			conditions = append(conditions, condition{field, op, value})
		}
	}
	return func(get func(string) string) bool {
		for _, c := range conditions {
			v := get(c.field)
			switch c.op {
			case "eq":
				if !wild(v, c.value) {
					return false
				}
			case "ne":
				if wild(v, c.value) {
					return false
				}
			case "in":
				if !slices.Contains(strings.Split(c.value, "|"), v) {
					return false
				}
			case "search":
				if !strings.Contains(strings.ToLower(v), strings.ToLower(c.value)) {
					return false
				}
			}
		}
		return true
	}, ""
}

// wild compares with * for anything.
func wild(s, pattern string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return s == pattern
	}
	return strings.HasPrefix(s, head) && strings.HasSuffix(s[len(head):], tail)
}
