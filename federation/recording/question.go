package recording

import (
	"regexp"
	"strings"
)

// Questions: what a client asks for in $filter, $select, filter, fields and sort. Names of
// members and operators stay, and what is asked for goes, as it goes in the answers.

// questionToken is a quoted text, with quotes doubled in it; a time; or a word.
var questionToken = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?|` +
	`[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[\pL\pN_@$#][\pL\pN_@$#.-]*|[^\x00-\x7f]+`)

// question replaces what is asked for in a question of either service.
func (m *mask) question(s string, at place, depth int) string {
	if field, op, value, ok := condition(s); ok {
		shown, known := m.member(field, at)
		in := at.in(shown, known)
		values := strings.Split(value, "|")
		for i, v := range values {
			values[i] = m.form(v, in, depth+1)
		}
		return shown + ":" + op + ":" + strings.Join(values, "|")
	}
	last := "" // the member that was named last
	known := false
	return questionToken.ReplaceAllStringFunc(s, func(token string) string {
		in := place{request: at.request, path: at.path}
		if known {
			in = in.in(last, true)
			in.path = at.path
		}
		switch token[0] {
		case '\'':
			plain := strings.ReplaceAll(token[1:len(token)-1], "''", "'")
			return "'" + strings.ReplaceAll(m.form(plain, in, depth+1), "'", "''") + "'"
		case '"':
			return `"` + strings.Trim(string(quote(m.form(token[1:len(token)-1], in, depth+1))), `"`) + `"`
		}
		lower := strings.ToLower(token)
		if public().queries[lower] || public().paths[lower] {
			return m.keep("operator", token, in)
		}
		if bare := strings.TrimPrefix(lower, "-"); public().names[bare] {
			last, known = token, true
			return m.keep("member", token, place{request: at.request})
		}
		return m.form(token, place{request: at.request, path: at.path}, depth+1)
	})
}

// conditionForm is JumpCloud's form of a condition.
var conditionForm = regexp.MustCompile(`^([A-Za-z_.]+):(\$?[a-z]{2,7}):((?s:.*))$`)

func condition(s string) (field, op, value string, ok bool) {
	p := conditionForm.FindStringSubmatch(s)
	if p == nil || !public().queries[p[2]] {
		return "", "", "", false
	}
	return p[1], p[2], p[3], true
}
