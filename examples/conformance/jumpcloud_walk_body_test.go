package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/jcaad/jcaad/jumpcloud"
)

// A writing is an operation that keeps what it is sent. The object is read again at the
// address itself, or behind it by the ID in the answer.
type writing struct {
	base    func(w *world, n int) map[string]any // the least that is sent; n counts the requests
	created bool                                 // the object is new
	takes   map[string][]any                     // values for properties that do not take any
	owned   []string                             // what the service decides on, whatever is sent
	secret  []string                             // what is kept and never shown
}

var customApplication = writing{
	base: func(*world, int) map[string]any {
		return map[string]any{"name": "saml2", "ssoUrl": "https://sso.jumpcloud.com/saml2/x", "config": map[string]any{}}
	},
	takes: map[string][]any{"name": {"saml2"}},
	owned: []string{"_id", "created", "organization", "idpCertExpirationAt"},
}

var userGroup = writing{base: func(_ *world, n int) map[string]any { return map[string]any{"name": fmt.Sprint("group ", n)} }}

// writes are those of the modelled operations that have a body with an object.
var writes = map[string]writing{
	"jumpcloud v1 POST /applications":     customApplication.creating(),
	"jumpcloud v1 PUT /applications/{id}": customApplication,
	"jumpcloud v1 POST /systemusers": writing{
		base: func(_ *world, n int) map[string]any {
			return map[string]any{"username": fmt.Sprint("u", n), "email": fmt.Sprintf("u%d@example.com", n)}
		},
		secret: []string{"password"},
	}.creating(),
	"jumpcloud v1 PUT /systemusers/{id}": {
		base:   func(*world, int) map[string]any { return map[string]any{} },
		secret: []string{"password"},
	},
	"jumpcloud v2 POST /usergroups":     userGroup.creating(),
	"jumpcloud v2 PUT /usergroups/{id}": userGroup,
	"jumpcloud v2 PATCH /office365s/{office365_id}": {
		base:  func(*world, int) map[string]any { return map[string]any{} },
		takes: map[string][]any{"defaultDomain": {map[string]any{"id": theDomain}}},
		owned: []string{"id"},
	},
	"jumpcloud v2 POST /office365s/{office365_id}/translationrules": writing{
		base: func(w *world, n int) map[string]any {
			w.ids["office365s"] = w.org.AddDirectory(fmt.Sprint("directory ", n))
			return map[string]any{"builtIn": "user_city", "direction": "export"}
		},
	}.creating(),
}

// theDomain stands for the ID of a domain of the directory.
const theDomain = "the domain"

func (w writing) creating() writing {
	w.created = true
	return w
}

// walkedOtherwise are the operations with a body that tests of their own walk.
var walkedOtherwise = []string{
	"jumpcloud v1 POST /search/systemusers",
	"jumpcloud v1 POST /systemusers/{id}/state/activate",
	"jumpcloud v2 POST /applications/{application_id}/associations",
	"jumpcloud v2 POST /office365s/{office365_id}/associations",
	"jumpcloud v2 POST /usergroups/{group_id}/associations",
	"jumpcloud v2 POST /usergroups/{group_id}/members",
	"jumpcloud v2 POST /users/{user_id}/associations",
}

// TestJumpCloudWalkBodies: each property of a body is kept and shown, or refused by
// name.
func TestJumpCloudWalkBodies(t *testing.T) {
	for _, o := range jumpCloudOperations(t) {
		schema := o.body()
		if schema == nil || slices.Contains(notModelled, o.name) || slices.Contains(walkedOtherwise, o.name) {
			continue
		}
		how, known := writes[o.name]
		if !known {
			t.Errorf("nothing is known of the body of %s", o.name)
			continue
		}
		b := &bodyWalk{T: t, w: newWorld(t), o: o, how: how}
		b.walk(propertiesOf(schema))
		if b.kept == 0 {
			t.Errorf("%s keeps nothing", o.name)
		}
		t.Logf("%s keeps %d values, and refuses %v", o.name, b.kept, b.refused)
	}
}

type bodyWalk struct {
	*testing.T
	w   *world
	o   operation
	how writing

	n, kept int
	refused []string
}

// propertiesOf are the properties of an object, of all the schemas that it is put
// together from.
func propertiesOf(schema *openapi3.Schema) map[string]*openapi3.Schema {
	all := map[string]*openapi3.Schema{}
	for _, s := range flatten([]*openapi3.Schema{schema}) {
		for name, p := range s.Properties {
			all[name] = p.Value
		}
	}
	return all
}

func (b *bodyWalk) walk(properties map[string]*openapi3.Schema) {
	if b.o.lastWord() == "office365s" {
		domain := b.w.org.AddDirectoryDomain(b.w.ids["office365s"], "example.com", false)
		b.how.takes["defaultDomain"] = []any{map[string]any{"id": domain}}
	}
	properties["nonsense"] = openapi3.NewStringSchema()
	for name, schema := range properties {
		if schema.ReadOnly {
			continue
		}
		if name == "config" {
			for key, field := range propertiesOf(schema) {
				b.send("config", key, map[string]any{key: b.sample(field)})
			}
			continue
		}
		values := b.how.takes[name]
		if values == nil {
			values = schema.Enum
		}
		if len(values) == 0 {
			values = []any{b.sample(schema)}
		}
		for _, v := range values {
			b.send(name, name, v)
		}
	}
}

// sample is a value that a schema allows. Texts are others each time.
func (b *bodyWalk) sample(s *openapi3.Schema) any {
	b.n++
	switch {
	case len(s.Enum) > 0:
		return s.Enum[len(s.Enum)-1]
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 7.0
	case s.Type.Is("array"):
		return []any{b.sample(s.Items.Value)}
	case s.Type.Is("string") && s.Format == "date-time":
		return "2026-01-02T03:04:05.000Z"
	case s.Type.Is("string"):
		return fmt.Sprint("s", b.n)
	}
	object := map[string]any{}
	for name, p := range propertiesOf(s) {
		if !p.ReadOnly {
			object[name] = b.sample(p)
		}
	}
	if len(object) == 0 {
		object["any"] = "thing"
	}
	return object
}

// send sends one property beside what is required. named is what a refusal names.
func (b *bodyWalk) send(property, named string, value any) {
	b.n++
	body := b.how.base(b.w, b.n)
	body[property] = value
	sent, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	address := b.o.address(b.w, nil)
	r := b.w.send(b.o.method, address, string(sent))
	if r.status == http.StatusNotImplemented {
		if b.refused = append(b.refused, named); !r.refuses(named) {
			b.Errorf("%s refuses %s without its name: %s", b.o.name, named, r.body)
		}
		return
	}
	if r.status/100 != 2 {
		b.Errorf("%s, %s: %d %s", b.o.name, sent, r.status, r.body)
		return
	}
	if b.how.created {
		id, _ := r.object()["id"].(string)
		address += "/" + id
	}
	again := b.w.send("GET", address, "")
	for when, shown := range map[string]reply{"answer": r, "object": again} {
		got, there := shown.object()[property]
		switch {
		case slices.Contains(b.how.owned, property):
			if there && fmt.Sprint(got) == fmt.Sprint(value) {
				b.Errorf("%s: the %s shows %s as it was sent", b.o.name, when, property)
			}
		case slices.Contains(b.how.secret, property):
			if there || strings.Contains(string(shown.body), fmt.Sprint(value)) {
				b.Errorf("%s: the %s shows %s: %s", b.o.name, when, property, shown.body)
			}
		case !there:
			b.Errorf("%s: the %s does not show %s", b.o.name, when, property)
		default:
			if where := b.missing(property, value, got); where != "" {
				b.Errorf("%s: the %s shows %s, after %s was sent: %v in place of %v", b.o.name, when, where, sent, got, value)
			}
		}
	}
	b.kept++
}

// missing returns where something sent is not in what is shown; "" if all is.
func (b *bodyWalk) missing(at string, sent, shown any) string {
	if sent, ok := sent.(map[string]any); ok {
		got, _ := shown.(map[string]any)
		for key, v := range sent {
			if slices.Contains(b.how.owned, key) || at == "config" && key == "idpPrivateKey" {
				continue
			}
			if where := b.missing(at+"."+key, v, got[key]); where != "" {
				return where
			}
		}
		return ""
	}
	x, _ := json.Marshal(sent)
	y, _ := json.Marshal(shown)
	if string(x) != string(y) {
		return at
	}
	return ""
}

// TestJumpCloudWalkSearch: each property of a search changes what is found, in all the
// forms that conditions have.
func TestJumpCloudWalkSearch(t *testing.T) {
	w := newWorld(t)
	var names []string // by ID
	for _, id := range w.more["users"] {
		names = append(names, w.send("GET", "/api/systemusers/"+id, "").object()["username"].(string))
	}
	for body, want := range map[string]string{
		`{"limit":100}`:                    "carl Anna bert",
		`{"limit":1}`:                      "carl",
		`{"skip":1}`:                       "Anna bert",
		`{"sort":"username"}`:              "Anna bert carl",
		`{"sort":"-username"}`:             "carl bert Anna",
		`{"filter":[{"department":"D0"}]}`: "carl bert",
		`{"filter":["department:$eq:D0"]}`: "carl bert",
		`{"filter":{"and":["department:$eq:D0","username:$ne:carl"]}}`:                       "bert",
		`{"filter":{"or":["username:$eq:Anna",{"username":"carl"}]}}`:                        "carl Anna",
		`{"filter":["unix_uid:$gte:5001"]}`:                                                  "Anna bert",
		`{"searchFilter":{"searchTerm":"AN","fields":["username"]}}`:                         "Anna",
		`{"searchFilter":{"searchTerm":["an","BE"],"fields":["email"]}}`:                     "Anna bert",
		`{"filter":[{"sudo":true}],"searchFilter":{"searchTerm":"r","fields":["username"]}}`: "",
	} {
		if !strings.Contains(body, `"sort"`) {
			body = strings.TrimSuffix(body, "}") + `,"sort":"_id"}`
		}
		var got []string
		for _, id := range identities(w.send("POST", "/api/search/systemusers", body).items()) {
			got = append(got, names[slices.Index(w.more["users"], id)])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
	for _, o := range w.send("POST", "/api/search/systemusers", `{"fields":"username sudo"}`).items() {
		if _, ok := o["sudo"].(bool); !ok || len(o) != 3 {
			t.Errorf("fields: %v", o)
		}
	}
	for _, o := range jumpCloudOperations(t) {
		if o.name != "jumpcloud v1 POST /search/systemusers" {
			continue
		}
		properties := propertiesOf(o.body())
		for _, name := range []string{"fields", "filter", "searchFilter", "skip", "limit"} {
			delete(properties, name)
		}
		if len(properties) > 0 {
			t.Errorf("more is described: %v", properties)
		}
	}
	if r := w.send("POST", "/api/search/systemusers", `{"nonsense":1}`); !r.refuses("nonsense") {
		t.Errorf("nonsense: %d %s", r.status, r.body)
	}
}

// TestJumpCloudWalkActivate: a welcome that is sent or not shows nowhere; anything else
// in the body is refused.
func TestJumpCloudWalkActivate(t *testing.T) {
	w := newWorld(t)
	address := "/api/systemusers/" + w.ids["users"]
	for body, status := range map[string]int{`{}`: 200, `{"email":true}`: 200, `{"email":"a@example.com"}`: 200, `{"nonsense":1}`: 501} {
		w.org.EditUser(w.ids["users"], func(u *jumpcloud.User) { u.State = jumpcloud.Staged })
		r := w.send("POST", address+"/state/activate", body)
		if state := w.send("GET", address, "").object()["state"]; r.status != status || (state == jumpcloud.Activated) != (status == 200) {
			t.Errorf("%s: %d %s, and the user is %v", body, r.status, r.body, state)
		}
	}
}
