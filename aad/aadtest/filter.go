package aadtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// expr is a condition of $filter or $search.
type expr struct {
	op       string // and, or, not, startswith, endswith, eq, ne, ge, le, in, any, count, search
	args     []*expr
	field    *property
	literals []literal
}

// literal is a value in a condition.
type literal struct {
	text string
	form string // of the properties that it can be compared with; null
	at   time.Time
}

// value is what an object has in a property.
type value struct {
	set  bool
	text string
	list []string
	at   time.Time
}

// getter returns the value of a property of the object at hand.
type getter func(name string) value

// String returns a text that only conditions that say the same have.
func (e *expr) String() string {
	name := ""
	if e.field != nil {
		name = e.field.name
	}
	return fmt.Sprintf("%s %s %#v %v", e.op, name, e.literals, e.args)
}

// holds reports whether an object fulfils the condition.
func (e *expr) holds(get getter) bool {
	switch e.op {
	case "and":
		return e.args[0].holds(get) && e.args[1].holds(get)
	case "or":
		return e.args[0].holds(get) || e.args[1].holds(get)
	case "not":
		return !e.args[0].holds(get)
	case "any":
		return slices.ContainsFunc(get(e.field.name).list, func(s string) bool {
			return e.args[0].holds(func(string) value { return value{set: s != "", text: s} })
		})
	}
	v := get(e.field.name)
	switch e.op {
	case "ne":
		return !e.equal(v, e.literals[0])
	case "count eq", "count ne":
		return (len(v.list) == 0) == (e.op == "count eq")
	case "search":
		return v.set && found(v.text, e.literals[0].text)
	case "startswith":
		return hasPrefixFold(v.text, e.literals[0].text)
	case "endswith":
		l := e.literals[0].text
		return len(v.text) >= len(l) && strings.EqualFold(v.text[len(v.text)-len(l):], l)
	case "ge", "le":
		n := e.compare(v, e.literals[0])
		return v.set && (n == 0 || (n > 0) == (e.op == "ge"))
	default: // eq, in
		return slices.ContainsFunc(e.literals, func(l literal) bool { return e.equal(v, l) })
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func (e *expr) equal(v value, l literal) bool {
	switch {
	case l.form == "null":
		return !v.set
	case e.field.exact:
		return v.set && v.text == l.text
	case l.form == "date":
		return v.set && v.at.Equal(l.at)
	}
	return v.set && strings.EqualFold(v.text, l.text)
}

func (e *expr) compare(v value, l literal) int {
	switch {
	case l.form == "date":
		return v.at.Compare(l.at)
	case e.field.exact:
		return strings.Compare(v.text, l.text)
	}
	return strings.Compare(strings.ToLower(v.text), strings.ToLower(l.text))
}

// condition is what lists of a kind are limited to.
func (k *kind) condition(filter string) (func(getter) bool, *refusal) {
	if filter == "" {
		return func(getter) bool { return true }, nil
	}
	e, _, bad := k.parse(filter)
	if bad != nil {
		return nil, bad
	}
	return e.holds, nil
}

// of returns the values of an object that was written already.
func of(o object) getter {
	return func(name string) value {
		switch v := o[name].(type) {
		case string:
			return value{set: true, text: v}
		case bool:
			return value{set: true, text: fmt.Sprint(v)}
		}
		return value{}
	}
}

// query is a condition, with the parts that are looked up in an index apart.
type query struct {
	prefixes, not []string // of the user principal name, in lower case
	domain        string   // behind the @, in lower case
	others        []*expr
}

// split takes the parts that are joined by "and" apart.
func (e *expr) split(q *query) {
	upn := e.field != nil && e.field.name == "userPrincipalName"
	switch {
	case e.op == "and":
		e.args[0].split(q)
		e.args[1].split(q)
	case upn && e.op == "startswith":
		q.prefixes = append(q.prefixes, strings.ToLower(e.literals[0].text))
	case e.op == "not" && e.args[0].op == "startswith" && e.args[0].field.name == "userPrincipalName":
		q.not = append(q.not, strings.ToLower(e.args[0].literals[0].text))
	case upn && e.op == "endswith" && strings.HasPrefix(e.literals[0].text, "@") && q.domain == "":
		q.domain = strings.ToLower(e.literals[0].text[1:])
	default:
		q.others = append(q.others, e)
	}
}
