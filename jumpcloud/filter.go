package jumpcloud

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Eq is a condition for [UsersOptions.Filter]: field has exactly this value.
// JumpCloud compares case-sensitively.
func Eq(field, value string) string { return field + ":$eq:" + value }

// Ne is a condition: field has another value.
func Ne(field, value string) string { return field + ":$ne:" + value }

// Gt is a condition: field is greater than value.
func Gt(field, value string) string { return field + ":$gt:" + value }

// Gte is a condition: field is greater than value or equal to it.
func Gte(field, value string) string { return field + ":$gte:" + value }

// Lt is a condition: field is less than value.
func Lt(field, value string) string { return field + ":$lt:" + value }

// Lte is a condition: field is less than value or equal to it.
func Lte(field, value string) string { return field + ":$lte:" + value }

// StartsWith is a condition: field begins with value.
func StartsWith(field, value string) string { return field + ":$sw:" + value }

// In is a condition: field has one of the values.
func In(field string, values ...string) string { return field + ":$in:" + alternatives(values) }

// NotIn is a condition: field has none of the values.
func NotIn(field string, values ...string) string { return field + ":$nin:" + alternatives(values) }

func alternatives(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = strings.ReplaceAll(v, "|", `\|`)
	}
	return strings.Join(escaped, "|")
}

// setFilter puts v1 conditions into q: all must hold.
func setFilter(q url.Values, conditions []string) error {
	for _, c := range conditions {
		field, rest, ok := strings.Cut(c, ":")
		// Without the $ the behaviour is undefined, says JumpCloud.
		operator, _, ok2 := strings.Cut(rest, ":")
		if !ok || !ok2 || !isField(field) || len(operator) < 2 || operator[0] != '$' {
			return invalidf("a filter must look like field:$eq:value; see Eq, In, StartsWith")
		}
		if hasControl(c) {
			return invalidf("a filter has control characters")
		}
	}
	if len(conditions) == 1 {
		q.Set("filter", conditions[0])
		return nil
	}
	for i, c := range conditions {
		q.Set("filter["+strconv.Itoa(i)+"]", c)
	}
	return nil
}

// setFields puts v1's space separated field list into q, and the ID with it. A
// list that is separated otherwise is silently ignored by JumpCloud.
func setFields(q url.Values, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	for _, f := range fields {
		if !isField(f) {
			return invalidf("field %q: give one name in each string", f)
		}
	}
	q.Set("fields", "_id "+strings.Join(fields, " "))
	return nil
}

// isField reports whether s can be the name of a field.
func isField(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// filterable reports whether a v2 filter takes s for what it says.
func filterable(s string) bool {
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -_.@", r)
	})
}
