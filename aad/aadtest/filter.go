package aadtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// expr is a condition of $filter.
type expr struct {
	op       string // and, or, not, startswith, endswith, eq, ne, in
	args     []*expr
	field    string
	literals []literal
}

type literal struct {
	text   string
	quoted bool
}

// String returns a text that only conditions that say the same have.
func (e *expr) String() string { return fmt.Sprintf("%s %s %#v %v", e.op, e.field, e.literals, e.args) }

// advanced reports whether the condition is one that needs ConsistencyLevel: eventual.
func (e *expr) advanced() bool {
	return e.op == "endswith" || e.op == "ne" || e.op == "not" || slices.ContainsFunc(e.args, (*expr).advanced)
}

// holds reports whether a user fulfils the condition.
func (e *expr) holds(u *aad.User) bool {
	switch e.op {
	case "and":
		return e.args[0].holds(u) && e.args[1].holds(u)
	case "or":
		return e.args[0].holds(u) || e.args[1].holds(u)
	case "not":
		return !e.args[0].holds(u)
	case "ne":
		return !equal(u, e.field, e.literals[0])
	case "startswith":
		v, _ := property(u, e.field)
		return hasPrefixFold(v, e.literals[0].text)
	case "endswith":
		v, _ := property(u, e.field)
		l := e.literals[0].text
		return len(v) >= len(l) && strings.EqualFold(v[len(v)-len(l):], l)
	default: // eq, in
		return slices.ContainsFunc(e.literals, func(l literal) bool { return equal(u, e.field, l) })
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func equal(u *aad.User, field string, l literal) bool {
	v, set := property(u, field)
	switch {
	case !l.quoted && l.text == "null":
		return !set
	case field == "onPremisesImmutableId":
		return set && v == l.text
	}
	return set && strings.EqualFold(v, l.text)
}

// property returns a property as text, and whether it is not null.
func property(u *aad.User, field string) (string, bool) {
	text := func(s string) (string, bool) { return s, s != "" }
	boolean := func(v bool) (string, bool) {
		if v {
			return "true", true
		}
		return "false", true
	}
	switch field {
	case "id":
		return text(u.ID)
	case "userPrincipalName":
		return text(u.UserPrincipalName)
	case "displayName":
		return text(u.DisplayName)
	case "mail":
		return text(u.Mail)
	case "onPremisesImmutableId":
		return text(u.ImmutableID)
	case "userType":
		return text(userType(u))
	case "accountEnabled":
		return boolean(u.Enabled == nil || *u.Enabled)
	case "onPremisesSyncEnabled":
		if u.OnPremisesSyncEnabled == nil {
			return "", false
		}
		return boolean(*u.OnPremisesSyncEnabled)
	}
	return "", false
}

func userType(u *aad.User) string {
	if u.UserType == "" {
		return "Member"
	}
	return u.UserType
}

// filterable are the properties that conditions may name.
var filterable = []string{
	"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "userType", "accountEnabled", "onPremisesSyncEnabled",
}

// parser reads $filter.
type parser struct {
	rest   string
	failed bool
	depth  int
}

// parseFilter returns nil if the condition is not understood.
func parseFilter(s string) *expr {
	p := &parser{rest: s}
	e := p.or()
	if p.space(); p.failed || p.rest != "" {
		return nil
	}
	return e
}

func (p *parser) fail() *expr { p.failed = true; return &expr{} }

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " ") }

// word takes a word if it is the next one.
func (p *parser) word(w string) bool {
	p.space()
	if !hasPrefixFold(p.rest, w) {
		return false
	}
	if after := p.rest[len(w):]; after != "" && after[0] != ' ' && after[0] != '(' {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func (p *parser) char(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) or() *expr {
	e := p.and()
	for !p.failed && p.word("or") {
		e = &expr{op: "or", args: []*expr{e, p.and()}}
	}
	return e
}

func (p *parser) and() *expr {
	e := p.term()
	for !p.failed && p.word("and") {
		e = &expr{op: "and", args: []*expr{e, p.term()}}
	}
	return e
}

func (p *parser) term() *expr {
	if p.depth++; p.depth > 200 {
		return p.fail()
	}
	defer func() { p.depth-- }()
	switch {
	case p.word("not"):
		return &expr{op: "not", args: []*expr{p.term()}}
	case p.char('('):
		e := p.or()
		if !p.char(')') {
			return p.fail()
		}
		return e
	case p.word("startsWith"):
		return p.function("startswith")
	case p.word("endsWith"):
		return p.function("endswith")
	}
	field := p.field()
	switch {
	case field == "":
		return p.fail()
	case p.word("eq"):
		return &expr{op: "eq", field: field, literals: []literal{p.literal()}}
	case p.word("ne"):
		return &expr{op: "ne", field: field, literals: []literal{p.literal()}}
	case p.word("in"):
		e := &expr{op: "in", field: field}
		if !p.char('(') {
			return p.fail()
		}
		for {
			e.literals = append(e.literals, p.literal())
			if p.char(')') {
				break
			}
			if !p.char(',') {
				return p.fail()
			}
		}
		if len(e.literals) > 15 {
			return p.fail()
		}
		return e
	}
	return p.fail()
}

func (p *parser) function(op string) *expr {
	if !p.char('(') {
		return p.fail()
	}
	e := &expr{op: op, field: p.field()}
	if e.field == "" || !p.char(',') {
		return p.fail()
	}
	e.literals = []literal{p.literal()}
	if !p.char(')') {
		return p.fail()
	}
	return e
}

func (p *parser) field() string {
	p.space()
	i := strings.IndexAny(p.rest, " ,)(")
	if i < 0 {
		return ""
	}
	for _, f := range filterable {
		if strings.EqualFold(f, p.rest[:i]) {
			p.rest = p.rest[i:]
			return f
		}
	}
	return ""
}

func (p *parser) literal() literal {
	if p.char('\'') {
		var b strings.Builder
		for {
			i := strings.IndexByte(p.rest, '\'')
			if i < 0 {
				p.fail()
				return literal{}
			}
			b.WriteString(p.rest[:i])
			p.rest = p.rest[i+1:]
			if !strings.HasPrefix(p.rest, "'") {
				return literal{b.String(), true}
			}
			b.WriteByte('\'')
			p.rest = p.rest[1:]
		}
	}
	for _, w := range []string{"true", "false", "null"} {
		if hasPrefixFold(p.rest, w) {
			p.rest = p.rest[len(w):]
			return literal{w, false}
		}
	}
	p.fail()
	return literal{}
}

// query is a condition, with the parts that are looked up in an index apart.
type query struct {
	prefixes, not []string // of the user principal name, in lower case
	domain        string   // behind the @, in lower case
	others        []*expr
}

// split takes the parts that are joined by "and" apart.
func (e *expr) split(q *query) {
	upn := e.field == "userPrincipalName"
	switch {
	case e.op == "and":
		e.args[0].split(q)
		e.args[1].split(q)
	case upn && e.op == "startswith":
		q.prefixes = append(q.prefixes, strings.ToLower(e.literals[0].text))
	case e.op == "not" && e.args[0].op == "startswith" && e.args[0].field == "userPrincipalName":
		q.not = append(q.not, strings.ToLower(e.args[0].literals[0].text))
	case upn && e.op == "endswith" && strings.HasPrefix(e.literals[0].text, "@") && q.domain == "":
		q.domain = strings.ToLower(e.literals[0].text[1:])
	default:
		q.others = append(q.others, e)
	}
}
