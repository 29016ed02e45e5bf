package conformance

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// report takes an error of the validator apart: one finding for each thing that
// is wrong.
func (x *exchange) report(where string, err error) {
	switch e := err.(type) {
	case nil:
	case openapi3.MultiError:
		for _, err := range e {
			x.report(where, err)
		}
	case *openapi3filter.RequestError:
		if p := e.Parameter; p != nil {
			where += " " + p.In + " " + p.Name
		} else if e.RequestBody != nil {
			where += " body"
		}
		x.inner(where, e.Reason, e.Err)
	case *openapi3filter.ResponseError:
		if strings.Contains(e.Reason, "body") {
			where += " body"
		}
		x.inner(where, e.Reason, e.Err)
	case *openapi3filter.SecurityRequirementsError:
		x.found(where+" security", "%v", errors.Join(e.Errors...))
	case *openapi3.SchemaError:
		var deeper openapi3.MultiError
		if e.Origin != nil && errors.As(e.Origin, &deeper) {
			x.report(where, deeper)
			return
		}
		what := e.SchemaField
		if e.Value == nil {
			what = "null"
		}
		x.found(at(where, e.JSONPointer()), "%s: %s", what, e.Reason)
	default:
		if inner := errors.Unwrap(err); inner != nil {
			x.report(where, inner)
			return
		}
		x.found(where, "%v", err)
	}
}

func (x *exchange) inner(where, reason string, err error) {
	if err == nil {
		x.found(where, "%s", reason)
		return
	}
	x.report(where, err)
}

// at puts a place in a body behind where; the places in lists are all the same.
func at(where string, pointer []string) string {
	if len(pointer) == 0 {
		return where
	}
	steps := slices.Clone(pointer)
	for i, s := range steps {
		if _, err := strconv.Atoi(s); err == nil {
			steps[i] = "*"
		}
	}
	if !strings.Contains(where, " /") {
		where += " "
	}
	return where + "/" + strings.Join(steps, "/")
}

// properties finds the properties of a body that its schema does not name.
func (x *exchange) properties(where string, schema *openapi3.Schema, body []byte) {
	var value any
	if json.Unmarshal(body, &value) == nil {
		x.visit(where, nil, []*openapi3.Schema{schema}, value)
	}
}

// visit descends into value, which all of schemas describe.
func (x *exchange) visit(where string, pointer []string, schemas []*openapi3.Schema, value any) {
	schemas = flatten(schemas)
	switch v := value.(type) {
	case []any:
		var items []*openapi3.Schema
		for _, s := range schemas {
			if s.Items != nil {
				items = append(items, s.Items.Value)
			}
		}
		if len(items) > 0 {
			for _, item := range v {
				x.visit(where, append(pointer[:len(pointer):len(pointer)], "*"), items, item)
			}
		}
	case map[string]any:
		if derived := x.derived(v); derived != nil && !slices.Contains(schemas, derived) {
			if err := derived.VisitJSON(value, openapi3.MultiErrors()); err != nil {
				x.report(at(where, pointer), err)
			}
			schemas = flatten(append(schemas, derived))
		}
		named := map[string][]*openapi3.Schema{}
		for _, s := range schemas {
			for name, p := range s.Properties {
				named[name] = append(named[name], p.Value)
			}
			if s.AdditionalProperties.Schema != nil {
				return // anything goes that the validator has accepted
			}
		}
		if len(named) == 0 {
			return // nothing is said about this object
		}
		for name, inner := range v {
			next := append(pointer[:len(pointer):len(pointer)], name)
			if p, ok := named[name]; ok {
				x.visit(where, next, p, inner)
			} else if !x.route.desc.property(name) {
				x.found(at(where, next), "not described")
			}
		}
	}
}

// derived returns the schema of the type that an object of OData says it has.
func (x *exchange) derived(object map[string]any) *openapi3.Schema {
	name, _ := object["@odata.type"].(string)
	if ref := x.route.desc.doc.Components.Schemas[strings.TrimPrefix(name, "#")]; name != "" && ref != nil {
		return ref.Value
	}
	return nil
}

// flatten returns schemas with all that they are put together from.
func flatten(schemas []*openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	var add func(s *openapi3.Schema)
	add = func(s *openapi3.Schema) {
		if s == nil || slices.Contains(all, s) {
			return
		}
		all = append(all, s)
		for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
			for _, r := range refs {
				add(r.Value)
			}
		}
	}
	for _, s := range schemas {
		add(s)
	}
	return all
}
