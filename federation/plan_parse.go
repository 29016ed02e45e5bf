package federation

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/internal/text"
)

// A PlanError lists everything that [ParsePlan] or [ParsePlanNode] has against a
// file, in the order in which it is written there.
type PlanError struct {
	Problems []PlanProblem
}

// Error tells all problems on one line.
func (e *PlanError) Error() string {
	var b strings.Builder
	b.WriteString("federation: this is no plan")
	if len(e.Problems) > 1 {
		fmt.Fprintf(&b, ", %d problems", len(e.Problems))
	}
	for i, p := range e.Problems {
		b.WriteString([...]string{": ", "; "}[min(i, 1)])
		b.WriteString(p.String())
	}
	return b.String()
}

// A PlanProblem is one thing that is wrong with a file. Nothing of the file is in
// it but names of fields and short values where another kind of value is wanted.
type PlanProblem struct {
	// Path is where in the plan, such as "groups[0].name", "" for the whole of it.
	Path string `json:"path,omitempty"`
	// Line and Column are where in the file, from 1; 0 if the reader does not know.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Text says what is wrong there, and what would be right.
	Text string `json:"text"`
}

// String returns the problem as "line 3, column 5: groups[0].name: …".
func (p PlanProblem) String() string {
	var parts []string
	switch {
	case p.Line > 0 && p.Column > 0:
		parts = append(parts, fmt.Sprintf("line %d, column %d", p.Line, p.Column))
	case p.Line > 0:
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, p.Text), ": ")
}

// A NodeKind says what a [Node] is.
type NodeKind string

// Kinds of nodes. Whatever else a reader's format has, it names by a word of its
// own, such as a YAML tag: no plan takes it, and the error repeats the word.
const (
	NodeNull   NodeKind = "null"
	NodeText   NodeKind = "text"
	NodeNumber NodeKind = "number"
	NodeBool   NodeKind = "boolean"
	NodeList   NodeKind = "list"
	NodeObject NodeKind = "object"

	// NodePlain is a word without quotes that its format takes for a number, a
	// boolean or a date unless text is wanted: a group may be named 123 in YAML.
	// Where the plan wants text, it is the word as it is written.
	NodePlain NodeKind = "plain"
)

// A Node is one value of a file that holds a plan, as a reader of its format sees
// it: so this module needs no YAML of its own. Aliases and the like are resolved.
type Node interface {
	Kind() NodeKind

	// Value is a text without its quotes, or the letters of a number ("2"), of a
	// boolean ("true" or "false") or of a plain word. Otherwise it is not asked for.
	Value() string

	// Line and Column tell where the value begins, from 1; 0 if it is not known.
	Line() int
	Column() int

	// Children are the items of a list; of an object, each name and behind it its
	// value, in order, doubled ones too. Otherwise it is not asked for.
	Children() []Node
}

// ParsePlanNode reads a plan as [ParsePlan] does, out of another format than JSON.
// Of n and what is below it only what can belong to a plan is looked at, so a
// circle of aliases has an end.
func ParsePlanNode(n Node) (Plan, error) {
	if n == nil {
		return Plan{}, &PlanError{[]PlanProblem{{Text: "the plan is empty"}}}
	}
	var d planDecoder
	p := d.plan(n)
	if err := d.err(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// planDecoder decodes strictly, by the json tags of [Plan].
type planDecoder struct {
	problems []PlanProblem
	values   int // seen; aliases of aliases can make many of few
}

const maxPlanValues = 1 << 20

// tooMany counts values, and reports whether there are more than can be a plan's.
func (d *planDecoder) tooMany(n Node, path string, values int) bool {
	full := d.values > maxPlanValues
	if d.values += values; d.values > maxPlanValues && !full {
		d.add(n, path, "the plan has more than %d values up to here", maxPlanValues)
	}
	return d.values > maxPlanValues
}

func (d *planDecoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	return &PlanError{d.problems}
}

func (d *planDecoder) add(n Node, path, format string, args ...any) {
	d.problems = append(d.problems, PlanProblem{path, n.Line(), n.Column(), fmt.Sprintf(format, args...)})
}

func (d *planDecoder) plan(n Node) Plan {
	var p Plan
	if n.Kind() == NodeNull {
		d.add(n, "", "the plan is empty")
		return p
	}
	d.decode(n, reflect.ValueOf(&p).Elem(), "")
	return p
}

// decode reads n into v. Null stands for an object or a list that is left out, as
// where all lines below a name are commented out; a text, a number or a boolean
// that is null is a value that somebody meant to give, such as a pin to a tenant
// out of an empty variable, and is refused.
func (d *planDecoder) decode(n Node, v reflect.Value, path string) {
	kind := n.Kind()
	switch v.Kind() {
	case reflect.Struct:
		switch kind {
		case NodeNull:
		case NodeObject:
			d.object(n, v, path)
		default:
			d.wrongKind(n, path, "fields are wanted")
		}
	case reflect.Slice:
		switch kind {
		case NodeNull:
		case NodeList:
			d.list(n, v, path)
		default:
			d.wrongKind(n, path, "a list is wanted")
		}
	case reflect.String:
		if kind != NodeText && kind != NodePlain {
			d.wrongKind(n, path, "text is wanted")
			return
		}
		s := n.Value()
		if !utf8.ValidString(s) {
			d.add(n, path, "the text is not UTF-8")
			return
		}
		v.SetString(s)
	case reflect.Bool:
		s := ""
		if kind == NodeBool || kind == NodePlain {
			s = n.Value()
		}
		if s != "true" && s != "false" {
			d.wrongKind(n, path, "true or false is wanted")
			return
		}
		v.SetBool(s == "true")
	case reflect.Int:
		if kind != NodeNumber && kind != NodePlain {
			d.wrongKind(n, path, "a number is wanted")
			return
		}
		i, err := strconv.Atoi(n.Value())
		if err != nil || strconv.Itoa(i) != n.Value() { // 010 is eight to one reader of YAML, ten to the next
			d.wrongKind(n, path, "a whole number in decimal digits is wanted")
			return
		}
		v.SetInt(int64(i))
	default:
		panic("federation: a plan has a field of the kind " + v.Kind().String())
	}
}

// wrongKind notes what n is instead of what is wanted. The value is told if it is short:
// a long one may be a password or a key in the wrong place, and a person finds it by its line.
func (d *planDecoder) wrongKind(n Node, path, want string) {
	const shown = 24
	kind := n.Kind()
	switch kind {
	case NodeNull:
		d.add(n, path, "%s, and there is no value: give one, or leave the name out", want)
		return
	case NodeList:
		d.add(n, path, "%s, this is a list", want)
		return
	case NodeObject:
		d.add(n, path, "%s, this has fields", want)
		return
	case NodeText, NodeNumber, NodeBool, NodePlain:
	default:
		d.add(n, path, "%s, this is of the kind %q", want, text.OneLine(string(kind), shown))
		return
	}
	value := n.Value()
	switch size := utf8.RuneCountInString(value); {
	case size > shown:
		d.add(n, path, "%s, this is a value of %d characters", want, size)
	case kind == NodeText:
		d.add(n, path, "%s, this is the text %q", want, text.OneLine(value, shown))
	default:
		d.add(n, path, "%s, this is %s", want, text.OneLine(value, shown))
	}
}

// list reads the items of n into the slice v; one without items is as none.
func (d *planDecoder) list(n Node, v reflect.Value, path string) {
	items := n.Children()
	if len(items) == 0 || d.tooMany(n, path, len(items)) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		at := path + "[" + strconv.Itoa(i) + "]"
		if item.Kind() == NodeNull {
			d.add(item, at, "the item is empty: fill it in, or take it out of the list")
			continue
		}
		d.decode(item, v.Index(i), at)
	}
}

// object reads the fields of n into the struct v.
func (d *planDecoder) object(n Node, v reflect.Value, path string) {
	children := n.Children()
	if d.tooMany(n, path, len(children)) {
		return
	}
	if len(children)%2 != 0 {
		d.add(n, path, "a name has no value")
		return
	}
	names := fieldNames(v.Type())
	seen := make(map[string]Node)
	for i := 0; i < len(children); i += 2 {
		key, value := children[i], children[i+1]
		switch key.Kind() {
		case NodeText, NodePlain, NodeNumber, NodeBool:
		default:
			d.add(key, path, "a name of a field is wanted here")
			continue
		}
		name := key.Value()
		at := join(path, text.OneLine(name, longestName))
		if first, ok := seen[name]; ok {
			where := ""
			if first.Line() > 0 {
				where = " on line " + strconv.Itoa(first.Line())
			}
			d.add(key, at, "doubled: it is there already%s", where)
		}
		seen[name] = key
		f := slices.Index(names, name)
		if f < 0 {
			d.add(key, at, "no such field; %s", hint(name, names, path))
			continue
		}
		d.decode(value, v.Field(f), at)
	}
}

const longestName = text.LongestName

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldNames returns the name of each field of the struct type t in a file.
func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// hint says what may be meant by a name that none of names is: the nearest of them,
// else the one field elsewhere in a plan that has it, else which there are.
func hint(name string, names []string, path string) string {
	if meant := text.Meant(name, names); meant != "" {
		return meant
	}
	if at := elsewhere(text.Fold(name), reflect.TypeFor[Plan](), ""); len(at) == 1 {
		return fmt.Sprintf("did you mean %q?", at[0])
	}
	where := "here"
	if path == "" {
		where = "in a plan"
	}
	return "the fields " + where + " are " + strings.Join(names, ", ")
}

// elsewhere returns the paths of all fields below t with a name.
func elsewhere(folded string, t reflect.Type, path string) []string {
	var at []string
	for i, name := range fieldNames(t) {
		here, inner := join(path, name), t.Field(i).Type
		if text.Fold(name) == folded {
			at = append(at, here)
		}
		if inner.Kind() == reflect.Slice {
			here, inner = here+"[]", inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			at = append(at, elsewhere(folded, inner, here)...)
		}
	}
	return at
}
