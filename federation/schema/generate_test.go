package schema_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// node is a schema; its keywords are written in this order.
type node struct {
	Schema           string   `json:"$schema,omitempty"`
	Ref              string   `json:"$ref,omitempty"`
	Title            string   `json:"title,omitempty"`
	Description      string   `json:"description,omitempty"`
	Type             any      `json:"type,omitempty"` // a word, or a list of them
	AnyOf            []*node  `json:"anyOf,omitempty"`
	Enum             []string `json:"enum,omitempty"`
	Format           string   `json:"format,omitempty"`
	Pattern          string   `json:"pattern,omitempty"`
	ContentEncoding  string   `json:"contentEncoding,omitempty"`
	ContentMediaType string   `json:"contentMediaType,omitempty"`
	Minimum          *int     `json:"minimum,omitempty"`
	MinLength        int      `json:"minLength,omitempty"`
	MinItems         int      `json:"minItems,omitempty"`
	Items            *node    `json:"items,omitempty"`
	PropertyNames    *node    `json:"propertyNames,omitempty"`
	Properties       members  `json:"properties,omitempty"`
	Required         []string `json:"required,omitempty"`
	Additional       any      `json:"additionalProperties,omitempty"` // false, or a schema
	Defs             members  `json:"$defs,omitempty"`
}

// members are named schemas in an order.
type members []member

type member struct {
	name string
	node *node
}

// MarshalJSON implements [json.Marshaler].
func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, at := range m {
		b.WriteByte("{,"[min(i, 1)])
		if err := e.Encode(at.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(at.node); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// A rule narrows the schema of a field.
type rule func(*generator, *node)

// generator makes the schema of one type.
type generator struct {
	t      *testing.T
	src    source
	strict bool // as a plan is read, not as the others are written

	rules []map[string]rule

	defs members
	done map[reflect.Type]bool
	used map[string]bool // of the rules
}

// document returns the schema of typ, as the text of a file.
func (g *generator) document(typ reflect.Type) []byte {
	root := g.object(typ)
	root.Schema, root.Title, root.Defs = "https://json-schema.org/draft/2020-12/schema", typ.Name(), g.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		g.t.Fatal(err)
	}
	return b.Bytes()
}

const certificate = "Standard base64 of the DER, on one line. What package certs reads is read here as well."

// value returns the schema of what a value of typ is in JSON.
func (g *generator) value(typ reflect.Type) *node {
	switch typ {
	case reflect.TypeFor[time.Time]():
		return &node{Type: "string", Format: "date-time"}
	case reflect.TypeFor[time.Duration]():
		return &node{Description: "A duration in nanoseconds.", Type: "integer"}
	case reflect.TypeFor[certs.Cert]():
		return &node{Description: certificate, Type: "string", ContentEncoding: "base64", ContentMediaType: "application/pkix-cert"}
	case reflect.TypeFor[json.RawMessage]():
		return &node{}
	}
	if words := g.words(typ); words != nil {
		return g.def(typ, words)
	}
	switch typ.Kind() {
	case reflect.Struct:
		if !g.done[typ] {
			g.done[typ] = true
			at := len(g.defs)
			g.defs = append(g.defs, member{typ.Name(), nil})
			g.defs[at].node = g.object(typ)
		}
		return &node{Ref: "#/$defs/" + typ.Name()}
	case reflect.Slice:
		return &node{Type: "array", Items: g.value(typ.Elem())}
	case reflect.Map:
		return &node{Type: "object", PropertyNames: g.value(typ.Key()), Additional: g.value(typ.Elem())}
	case reflect.Pointer:
		return g.value(typ.Elem())
	case reflect.String:
		return &node{Type: "string"}
	case reflect.Bool:
		return &node{Type: "boolean"}
	case reflect.Int:
		return &node{Type: "integer"}
	}
	g.t.Fatalf("no schema for %v", typ)
	return nil
}

// def returns a reference to a definition, which it makes if there is none.
func (g *generator) def(typ reflect.Type, n *node) *node {
	if !g.done[typ] {
		g.done[typ] = true
		g.defs = append(g.defs, member{typ.Name(), n})
	}
	return &node{Ref: "#/$defs/" + typ.Name()}
}

// words returns the schema of a type that is one of some words, or nil. Whoever reads
// what was written may meet a word of a service that no version of this module has.
func (g *generator) words(typ reflect.Type) *node {
	st := g.src.at(typ)
	n := &node{Description: st.doc, Type: "string"}
	var lines []string
	switch {
	case typ.Kind() == reflect.Int && typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		n.Enum = counted(g.t, typ)
	case typ.Kind() == reflect.String && len(st.values) > 0:
		for _, v := range st.values {
			n.Enum = append(n.Enum, v.text)
			if v.doc != "" {
				lines = append(lines, v.text+": "+v.doc)
			}
		}
	default:
		return nil
	}
	if len(lines) > 0 {
		n.Description += "\n\n" + strings.Join(lines, "\n")
	}
	if !g.strict && typ.PkgPath() == reflect.TypeFor[aad.Federation]().PkgPath() {
		n.AnyOf, n.Enum = []*node{{Enum: n.Enum}, {}}, nil
	}
	return n
}

// counted returns the words of a type of numbers: as many, from 0, as can be read back.
func counted(t *testing.T, typ reflect.Type) (words []string) {
	for i := 0; ; i++ {
		v, back := reflect.New(typ), reflect.New(typ)
		v.Elem().SetInt(int64(i))
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Interface().(encoding.TextUnmarshaler).UnmarshalText(text); err != nil || back.Elem().Int() != int64(i) {
			return words
		}
		words = append(words, string(text))
	}
}

// object returns the schema of a struct. What is always written is required.
func (g *generator) object(typ reflect.Type) *node {
	st := g.src.at(typ)
	n := &node{Description: st.doc, Type: "object"}
	if g.strict {
		n.Additional = false
	}
	shape := typ
	if form, ok := forms[typ]; ok {
		shape = form
	}
	for i := range shape.NumField() {
		f := shape.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" {
			g.t.Fatalf("%v.%s: how is it written?", typ, f.Name)
		}
		p := g.value(f.Type)
		g.nullable(p, f.Type, opts == "")
		if doc := st.fields[f.Name]; doc != "" {
			p.Description = strings.TrimSpace(doc + "\n" + p.Description)
		}
		for _, rules := range g.rules {
			if narrow := rules[typ.Name()+"."+name]; narrow != nil {
				narrow(g, p)
				g.used[typ.Name()+"."+name] = true
			}
		}
		n.Properties = append(n.Properties, member{name, p})
		if opts == "" {
			n.Required = append(n.Required, name)
		}
	}
	return n
}

// nullable lets p be null where it may be: in a plan objects and lists, else what has
// no value and is written all the same.
func (g *generator) nullable(p *node, typ reflect.Type, always bool) {
	switch kind := typ.Kind(); {
	case kind == reflect.Slice && (g.strict || always):
		p.Type = []string{"array", "null"}
	case kind == reflect.Struct && g.strict: // no struct of a plan is both a field and in a list
		for _, def := range g.defs {
			if def.name == typ.Name() {
				def.node.Type = []string{"object", "null"}
			}
		}
	case kind == reflect.Pointer && always:
		p.AnyOf, p.Ref = []*node{{Ref: p.Ref}, {Type: "null"}}, ""
	}
}
