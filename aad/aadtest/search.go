package aadtest

import (
	"slices"
	"strings"
	"unicode"
)

// searched are the properties of a user in which $search looks, and how: for words in
// the display name, and for the beginning of the others.
var searched = map[string]string{"displayName": "search", "mail": "startswith", "userPrincipalName": "startswith"}

// parseSearch returns the condition that $search means.
func parseSearch(s string) (*expr, *refusal) {
	p := &parser{kind: userKind, all: s, rest: s}
	e := p.searchOr()
	if p.space(); p.failed == nil && p.rest != "" {
		p.searchFail()
	}
	return e, p.failed
}

func (p *parser) searchFail() *expr {
	return p.refuse(bad("Syntax error in the $search query parameter: a clause has the form \"property:value\"."))
}

// operator takes AND or OR, which are in capitals.
func (p *parser) operator(w string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, w)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) searchOr() *expr {
	e := p.searchAnd()
	for p.failed == nil && p.operator("OR") {
		e = &expr{op: "or", args: []*expr{e, p.searchAnd()}}
	}
	return e
}

func (p *parser) searchAnd() *expr {
	e := p.clause()
	for p.failed == nil && p.operator("AND") {
		e = &expr{op: "and", args: []*expr{e, p.clause()}}
	}
	return e
}

// clause reads "property:value", or more of them in parentheses.
func (p *parser) clause() *expr {
	if p.depth++; p.depth > 200 {
		return p.searchFail()
	}
	defer func() { p.depth-- }()
	if p.char('(') {
		e := p.searchOr()
		if !p.char(')') {
			return p.searchFail()
		}
		return e
	}
	name, wanted, ok := p.quoted()
	if !ok || wanted == "" {
		return p.searchFail()
	}
	f, e := p.kind.named("$search", name)
	if e != nil {
		return p.refuse(e)
	}
	op := searched[f.name]
	switch {
	case op == "" && (len(f.ops) == 0 || f.form != "text" && f.form != "text!"):
		return p.refuse(unsupported("Property '%s' is not searchable.", f.name))
	case op == "":
		return p.refuse(notModelled("$search on %s of %s", f.name, p.kind.name))
	case op == "search" && len(tokens(wanted)) == 0:
		return p.refuse(notModelled("$search for symbols only"))
	}
	return &expr{op: op, field: f, literals: []literal{{text: wanted, form: "text"}}}
}

// quoted reads a clause out of its quotation marks.
func (p *parser) quoted() (name, wanted string, ok bool) {
	if !p.char('"') {
		return "", "", false
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		case c == '"':
			p.rest = p.rest[i+1:]
			return strings.Cut(b.String(), ":")
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// found reports whether a text has words that begin with all that are wanted. Words
// with nothing but symbols between them can be found as one.
func found(text, wanted string) bool {
	var have []string
	for part := range strings.FieldsSeq(text) {
		in := tokens(part)
		have = append(append(have, in...), strings.Join(in, ""))
	}
	for _, w := range tokens(wanted) {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return true
}

// words takes a text apart, as the service does: at spaces and symbols, between letters
// and digits, and where a capital follows a small letter.
func tokens(s string) []string {
	var all []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
		}
		word = nil
	}
	var before rune
	for _, r := range s {
		letter, digit := unicode.IsLetter(r), unicode.IsDigit(r)
		switch {
		case !letter && !digit && !unicode.IsMark(r):
			end()
		case digit != unicode.IsDigit(before), unicode.IsUpper(r) && unicode.IsLower(before):
			end()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		before = r
	}
	end()
	return all
}
