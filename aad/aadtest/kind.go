package aadtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kind is a type of Microsoft Graph, with all properties that Graph documents for it:
// those that the server keeps and shows, and those that it refuses by their names.
type kind struct {
	name       string // without the name space
	properties map[string]*property
}

// property is a property of a kind.
type property struct {
	name, form string
	access     access
	ops        map[string]bool // of $filter; true: only with ConsistencyLevel: eventual and $count=true
	inner      *kind           // of an object
	exact      bool            // compared with its capitals
}

// access is what the server does with a property.
type access string

const (
	kept       access = "kept"       // taken by writes, kept and shown
	shown      access = "shown"      // read-only, as on the service
	unmodelled access = "unmodelled" // refused with 501
)

// newKind reads a table: in each line the names of properties that are alike, the form
// of their values, the access, the operators of $filter that they support, and those
// that they support in advanced queries only. Operators are written with dots between
// them, and a dash stands for none.
func newKind(name, table string) *kind {
	k := &kind{name: name, properties: make(map[string]*property)}
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) == 0 {
			continue
		}
		ops := make(map[string]bool)
		for i, advanced := range []bool{false, true} {
			for op := range strings.SplitSeq(columns[3+i], ".") {
				if op != "-" {
					ops[op] = advanced
				}
			}
		}
		for name := range strings.SplitSeq(columns[0], ",") {
			k.properties[name] = &property{name: name, form: columns[1], access: access(columns[2]), ops: ops}
		}
	}
	return k
}

// with says what is inside an object.
func (k *kind) with(property string, inner *kind) *kind {
	k.properties[property].inner = inner
	return k
}

// missing is what is said of a property that Graph does not know.
func (k *kind) missing(name string) *refusal {
	return bad("Could not find a property named '%s' on type 'microsoft.graph.%s'.", name, k.name)
}

// selects judges what $select names, and returns it as Graph spells it: Microsoft's
// module for PowerShell begins names with capitals.
func (k *kind) selects(names []string) ([]string, *refusal) {
	var spelled []string
	for _, name := range names {
		p := k.find(name)
		switch {
		case name == "*":
			return nil, notModelled("$select=*")
		case p == nil:
			return nil, k.missing(name)
		case p.access == unmodelled:
			return nil, notModelled("the property %s of %s", p.name, k.name)
		}
		spelled = append(spelled, p.name)
	}
	return spelled, nil
}

// writes judges the properties of a body.
func (k *kind) writes(body map[string]json.RawMessage) *refusal {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		p := k.properties[name]
		switch {
		case name == "@odata.type":
			if text(body, name) != "#microsoft.graph."+k.name {
				return bad("A type named '%s' could not be resolved by the model.", text(body, name))
			}
			continue
		case strings.Contains(name, "@odata."):
			return notModelled("the annotation %s of %s", name, k.name)
		case p == nil && k.find(name) != nil:
			return notModelled("the spelling %s of a property in a body", name)
		case p == nil:
			return bad("The property '%s' does not exist on type 'microsoft.graph.%s'. "+
				"Make sure to only use property names that are defined by the type.", name, k.name)
		case p.access == unmodelled:
			return notModelled("writing the property %s of %s", name, k.name)
		case p.access == shown:
			return bad("Property '%s' is read-only and cannot be set.", name)
		case !p.takes(body[name]):
			return bad("Invalid value specified for property '%s' of resource '%s'.", name, strings.ToUpper(k.name[:1])+k.name[1:])
		}
		if e := p.inside(body[name]); e != nil {
			return e
		}
	}
	return nil
}

// inside judges the properties of an object.
func (p *property) inside(v json.RawMessage) *refusal {
	var body map[string]json.RawMessage
	if p.inner == nil || json.Unmarshal(v, &body) != nil {
		return nil
	}
	return p.inner.writes(body)
}

// takes reports whether a value has the form of the property's. An exclamation mark
// behind the form means that it cannot be null.
func (p *property) takes(v json.RawMessage) bool {
	form, required := strings.CutSuffix(p.form, "!")
	if string(bytes.TrimSpace(v)) == "null" {
		return !required
	}
	var into any
	switch form {
	case "text":
		into = new(string)
	case "bool":
		into = new(bool)
	case "int":
		into = new(int32)
	case "texts":
		into = new([]*string)
	case "date":
		into = new(time.Time)
	case "object":
		into = new(map[string]json.RawMessage)
	case "list":
		into = new([]json.RawMessage)
	default:
		panic("aadtest: form " + p.form)
	}
	if json.Unmarshal(v, into) != nil {
		return false
	}
	list, ok := into.(*[]*string)
	return !ok || !slices.Contains(*list, nil)
}

// notModelled refuses, by its name, what Graph has and the server does not.
func notModelled(format string, args ...any) *refusal {
	return &refusal{http.StatusNotImplemented, "notImplemented", "The stand-in does not model " + fmt.Sprintf(format, args...) + "."}
}
