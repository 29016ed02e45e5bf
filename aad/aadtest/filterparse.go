package aadtest

import (
	"slices"
	"strings"
	"time"
)

// parser reads $filter.
type parser struct {
	kind     *kind
	all      string
	rest     string   // of all, what is not read yet
	failed   *refusal // the first reason
	advanced string   // the first operator that advanced queries only have
	negated  bool     // within not
	depth    int

	variable string    // of the lambda at hand
	within   *property // the property whose elements it stands for
}

// parse returns a condition, and the operator because of which it needs
// ConsistencyLevel: eventual, if there is one.
func (k *kind) parse(s string) (e *expr, advanced string, _ *refusal) {
	p := &parser{kind: k, all: s, rest: s}
	e = p.or()
	if p.space(); p.failed == nil && p.rest != "" {
		p.fail()
	}
	return e, p.advanced, p.failed
}

// refuse ends the reading; the first reason counts.
func (p *parser) refuse(e *refusal) *expr {
	if p.failed == nil {
		p.failed = e
	}
	p.rest = ""
	return &expr{}
}

func (p *parser) fail() *expr { return p.refuse(bad("Invalid filter clause")) }

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

// joined takes "and" or "or", which stands apart from what is before it.
func (p *parser) joined(w string) bool {
	before := p.all[:len(p.all)-len(p.rest)]
	return (strings.HasPrefix(p.rest, " ") || strings.HasSuffix(before, " ") || strings.HasSuffix(before, ")")) && p.word(w)
}

func (p *parser) or() *expr {
	e := p.and()
	for p.failed == nil && p.joined("or") {
		e = &expr{op: "or", args: []*expr{e, p.and()}}
	}
	return e
}

func (p *parser) and() *expr {
	e := p.term()
	for p.failed == nil && p.joined("and") {
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
		defer func(was bool) { p.negated = was }(p.negated)
		p.negated = true
		return &expr{op: "not", args: []*expr{p.term()}}
	case p.char('('):
		e := p.or()
		if !p.char(')') {
			return p.fail()
		}
		return e
	}
	return p.condition()
}

// condition reads a function, a comparison, or what is asked of a list.
func (p *parser) condition() *expr {
	p.space()
	name := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, letters))]
	if function := strings.TrimLeft(p.rest[len(name):], " "); strings.HasPrefix(function, "(") {
		return p.function(name)
	}
	if list, asked, ok := cutList(name); ok && p.variable == "" {
		p.rest = p.rest[len(name):]
		return p.list(list, asked)
	}
	e := &expr{field: p.field()}
	if e.field == nil {
		return &expr{}
	}
	for _, op := range []string{"eq", "ne", "ge", "le", "in"} {
		if p.word(op) {
			e.op = op
			return p.compared(e)
		}
	}
	for _, op := range []string{"gt", "lt", "has"} {
		if p.word(op) {
			return p.refuse(e.field.unsupported(p.kind))
		}
	}
	return p.fail()
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/$"

// compared reads what e compares with.
func (p *parser) compared(e *expr) *expr {
	if e.op != "in" {
		e.literals = []literal{p.literal(e.field)}
		return p.allowed(e)
	}
	if !p.char('(') {
		return p.fail()
	}
	for {
		e.literals = append(e.literals, p.literal(e.field))
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
	return p.allowed(e)
}

// function reads the rest of a function.
func (p *parser) function(name string) *expr {
	op := strings.ToLower(name)
	if list, asked, ok := cutList(name); ok && p.variable == "" {
		p.rest = p.rest[len(name):]
		return p.list(list, asked)
	}
	if op != "startswith" && op != "endswith" {
		return p.refuse(unsupported("Unsupported Query."))
	}
	p.rest = p.rest[len(name):]
	p.char('(')
	e := &expr{op: op, field: p.field()}
	if e.field == nil {
		return &expr{}
	}
	if !p.char(',') {
		return p.fail()
	}
	e.literals = []literal{p.literal(e.field)}
	if !p.char(')') || e.literals[0].form != "text" {
		return p.fail()
	}
	return p.allowed(e)
}

// allowed judges whether the property has the operator.
func (p *parser) allowed(e *expr) *expr {
	name := map[string]string{"startswith": "startsWith", "endswith": "endsWith", "count eq": "count", "count ne": "count"}[e.op]
	if name == "" {
		name = e.op
	}
	names := []string{name}
	if e.op == "eq" && e.literals[0].form == "null" {
		names = []string{"null"}
	}
	if p.negated {
		names = append(names, "not")
	}
	for _, op := range names {
		advanced, ok := e.field.ops[op]
		switch {
		case !ok:
			return p.refuse(e.field.unsupported(p.kind))
		case advanced && p.advanced == "":
			p.advanced = op
		}
	}
	return e
}

// unsupported is what is said of an operator that a property does not support.
func (p *property) unsupported(k *kind) *refusal {
	return unsupported("Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.",
		p.name, strings.ToUpper(k.name[:1])+k.name[1:])
}

// field reads the name of a property, or in a lambda its variable.
func (p *parser) field() *property {
	p.space()
	name := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, letters))]
	if p.variable != "" {
		if name != p.variable {
			p.fail()
			return nil
		}
		p.rest = p.rest[len(name):]
		return p.within
	}
	f, e := p.kind.named("$filter", name)
	if e != nil {
		p.refuse(e)
		return nil
	}
	if strings.HasPrefix(f.form, "texts") {
		p.refuse(f.unsupported(p.kind)) // lists are asked with any
		return nil
	}
	p.rest = p.rest[len(name):]
	return f
}

// named finds the property that a query parameter names, without regard to capitals.
func (k *kind) named(parameter, name string) (*property, *refusal) {
	if name == "" {
		return nil, bad("Invalid filter clause")
	}
	f := k.find(name)
	if f != nil && f.access != unmodelled {
		return f, nil
	}
	if first, _, deeper := strings.Cut(name, "/"); f != nil || deeper && k.find(first) != nil {
		return nil, notModelled("%s on %s of %s", parameter, name, k.name)
	}
	return nil, k.missing(name)
}

func (k *kind) find(name string) *property {
	if f := k.properties[name]; f != nil {
		return f
	}
	for _, f := range k.properties {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// cutList takes /any, /all and /$count off a name.
func cutList(name string) (list, asked string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", "", false
	}
	asked = strings.ToLower(name[i+1:])
	return name[:i], asked, asked == "any" || asked == "all" || asked == "$count"
}

// list reads what is asked of a list: any(x:…), or whether it has nothing in it.
func (p *parser) list(name, asked string) *expr {
	f, e := p.kind.named("$filter", name)
	switch {
	case e != nil:
		return p.refuse(e)
	case !strings.HasPrefix(f.form, "texts"):
		return p.fail()
	case asked == "all":
		return p.refuse(notModelled("$filter with %s/all", f.name))
	case asked == "$count":
		return p.count(f)
	case !p.char('('):
		return p.fail()
	}
	p.space()
	i := strings.IndexByte(p.rest, ':')
	if i < 1 || strings.Trim(p.rest[:i], letters) != "" {
		if strings.HasPrefix(p.rest, ")") {
			return p.refuse(notModelled("$filter with %s/any()", f.name))
		}
		return p.fail()
	}
	p.variable, p.within, p.rest = p.rest[:i], f, p.rest[i+1:]
	inner := p.or()
	p.variable, p.within = "", nil
	if !p.char(')') {
		return p.fail()
	}
	return &expr{op: "any", field: f, args: []*expr{inner}}
}

// count reads a comparison of a list's length with 0.
func (p *parser) count(f *property) *expr {
	e := &expr{op: "count eq", field: f}
	if !p.word("eq") {
		if e.op = "count ne"; !p.word("ne") {
			return p.fail()
		}
	}
	p.space()
	digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
	p.rest = p.rest[len(digits):]
	switch digits {
	case "0":
		return p.allowed(e)
	case "":
		return p.fail()
	}
	return p.refuse(notModelled("$filter with %s/$count and %s", f.name, digits))
}

// literal reads a value that a property can be compared with.
func (p *parser) literal(f *property) literal {
	l := p.anyLiteral()
	form := strings.TrimSuffix(strings.TrimSuffix(f.form, "!"), "s") // the elements of texts are text
	if p.failed == nil && l.form != "null" && l.form != form {
		p.refuse(bad("A binary operator with incompatible types was detected for the property '%s'.", f.name))
	}
	return l
}

func (p *parser) anyLiteral() literal {
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
				return literal{text: b.String(), form: "text"}
			}
			b.WriteByte('\'')
			p.rest = p.rest[1:]
		}
	}
	word := p.rest
	if i := strings.IndexAny(p.rest, " ,)"); i >= 0 {
		word = p.rest[:i]
	}
	p.rest = p.rest[len(word):]
	switch lower := strings.ToLower(word); {
	case lower == "true" || lower == "false":
		return literal{text: lower, form: "bool"}
	case lower == "null":
		return literal{text: lower, form: "null"}
	case word != "" && strings.Trim(word, "0123456789") == "":
		return literal{text: word, form: "int"}
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, word); err == nil {
			return literal{text: word, form: "date", at: at}
		}
	}
	p.fail()
	return literal{}
}

// needsAdvanced refuses an operator that a query has which is not an advanced one.
func needsAdvanced(op string) *refusal {
	if slices.Contains([]string{"null", "count"}, op) {
		op = "eq"
	}
	return unsupported("Operator '%s' is not supported because the required parameters might be missing. "+
		"Try adding $count=true query parameter and ConsistencyLevel:eventual header.", op)
}
