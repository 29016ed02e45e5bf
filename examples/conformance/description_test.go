package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// description is an API's description in OpenAPI 3, whatever it was before.
type description struct {
	name  string
	doc   *openapi3.T
	bases []string // addresses that paths are put behind, without a slash at the end

	// property reports whether an object may have a property that its schema
	// does not name.
	property func(name string) bool
}

// operations returns the operations, like "GET /users/{id}", sorted.
func (d *description) operations() []string {
	var all []string
	for path, item := range d.doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// load reads one of the descriptions; without them the test is skipped.
func load(t *testing.T, name, file string) *description {
	t.Helper()
	folder := os.Getenv("JCAAD_SPECS")
	if folder == "" {
		t.Skip("JCAAD_SPECS is not set: it names the folder with the descriptions of the two services, without which there is nothing to compare with")
	}
	b, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(name, b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return d
}

// parse reads a description in OpenAPI 3 (YAML or JSON) or Swagger 2.0 (JSON).
func parse(name string, b []byte) (*description, error) {
	d := &description{name: name, property: func(string) bool { return false }}
	var kind struct{ Swagger string }
	if json.Unmarshal(b, &kind) == nil && kind.Swagger != "" {
		var old openapi2.T
		if err := json.Unmarshal(withoutExtensions(b), &old); err != nil {
			return nil, err
		}
		doc, err := openapi2conv.ToV3(&old)
		if err != nil {
			return nil, err
		}
		d.doc = doc
	} else {
		doc, err := openapi3.NewLoader().LoadFromData(b)
		if err != nil {
			return nil, err
		}
		d.doc = doc
	}
	for _, s := range d.doc.Servers {
		d.bases = append(d.bases, strings.TrimSuffix(s.URL, "/"))
	}
	if len(d.bases) == 0 {
		return nil, fmt.Errorf("the description names no server")
	}
	return d, nil
}

// withoutExtensions takes the keys that begin with x- out of the items of
// paths, where they would be read as operations.
func withoutExtensions(b []byte) []byte {
	var doc map[string]json.RawMessage
	var paths map[string]map[string]json.RawMessage
	if json.Unmarshal(b, &doc) != nil || json.Unmarshal(doc["paths"], &paths) != nil {
		return b // the reader will say what is wrong
	}
	for _, item := range paths {
		for key := range item {
			if strings.HasPrefix(key, "x-") {
				delete(item, key)
			}
		}
	}
	doc["paths"], _ = json.Marshal(paths)
	b, _ = json.Marshal(doc)
	return b
}

// route is an operation that requests are recognised by.
type route struct {
	method string
	base   string // scheme, host and what comes before the path
	path   string // a template: "/users/{id}"
	desc   *description

	route          *routers.Route   // nil: the description does not have it
	sends, answers *openapi3.Schema // of the bodies then, if there are schemas
}

// routes returns the operations of a description, at each of its addresses.
func (d *description) routes() []*route {
	var all []*route
	for _, base := range d.bases {
		for path, item := range d.doc.Paths.Map() {
			for method, operation := range item.Operations() {
				all = append(all, &route{method: method, base: base, path: path, desc: d, route: &routers.Route{
					Spec: d.doc, Server: d.doc.Servers[0], Path: path, PathItem: item, Method: method, Operation: operation,
				}})
			}
		}
	}
	return all
}

// match returns the values of the parameters in the path if r is a request for
// the operation, and how much of its address is fixed.
func (o *route) match(method string, u *url.URL) (params map[string]string, fixed int, ok bool) {
	rest, ok := strings.CutPrefix(u.Scheme+"://"+u.Host+u.EscapedPath(), o.base)
	if !ok || o.method != method {
		return nil, 0, false
	}
	want, have := strings.Split(o.path, "/"), strings.Split(rest, "/")
	if len(want) != len(have) {
		return nil, 0, false
	}
	params, fixed = map[string]string{}, len(o.base)
	for i, w := range want {
		if strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}") {
			value, err := url.PathUnescape(have[i])
			if err != nil || value == "" {
				return nil, 0, false
			}
			params[w[1:len(w)-1]] = value
			continue
		}
		if w != have[i] {
			return nil, 0, false
		}
		fixed += 1 + len(w)
	}
	return params, fixed, true
}

// find returns the operation that a request is for: of several the one that
// leaves least to parameters.
func find(routes []*route, r *http.Request) (found *route, params map[string]string) {
	most := -1
	for _, o := range routes {
		if p, fixed, ok := o.match(r.Method, r.URL); ok && fixed > most {
			found, params, most = o, p, fixed
		}
	}
	return found, params
}
