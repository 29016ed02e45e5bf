package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// The rule that the walks hold the stand-in to: what it does not model it refuses with
// 501 and its name, never with an answer that looks right; what it accepts it keeps
// and shows. They walk every query parameter, operator and body property of the
// descriptions.

// notModelled are the operations of the descriptions that the stand-in refuses.
var notModelled = []string{
	"jumpcloud v1 POST /search/organizations",
	"jumpcloud v1 POST /systemusers/{id}/expire",
	"jumpcloud v1 POST /systemusers/{id}/mfasync",
	"jumpcloud v1 POST /systemusers/{id}/resetmfa",
	"jumpcloud v1 GET /systemusers/{id}/totpinfo",
	"jumpcloud v1 PUT /organizations/{id}",
	"jumpcloud v2 DELETE /applications/{application_id}/logo",
	"jumpcloud v2 GET /applications/{application_id}/import/users",
	"jumpcloud v2 GET /users/{user_id}/pushendpoints",
	"jumpcloud v2 GET /users/{user_id}/pushendpoints/{push_endpoint_id}",
	"jumpcloud v2 DELETE /users/{user_id}/pushendpoints/{push_endpoint_id}",
	"jumpcloud v2 PATCH /users/{user_id}/pushendpoints/{push_endpoint_id}",
}

// refusedParameters are the parameters that the stand-in refuses whatever their value.
var refusedParameters = []string{
	"jumpcloud v1 GET /application-templates/{id} filter",
	"jumpcloud v1 GET /application-templates/{id} limit",
	"jumpcloud v1 GET /application-templates/{id} skip",
	"jumpcloud v1 GET /application-templates/{id} sort",
	"jumpcloud v1 GET /organizations search",
	"jumpcloud v1 GET /organizations/{id} filter",
	"jumpcloud v1 GET /systemusers/{id} filter",
	"jumpcloud v1 POST /systemusers fullValidationDetails",
	"jumpcloud v1 PUT /systemusers/{id} fullValidationDetails",
	"jumpcloud v2 GET /office365s/{office365_id}/import/users count",
	"jumpcloud v2 GET /office365s/{office365_id}/import/users orderby",
	"jumpcloud v2 GET /office365s/{office365_id}/import/users search",
}

// world is an organisation in which every list has three items, as far as it can have
// any.
type world struct {
	t    *testing.T
	org  *jumpcloudtest.Server
	ids  map[string]string // by the part of a path before them
	more map[string][]string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, org: &jumpcloudtest.Server{KeyBits: 1024, Sync: synchronised}, ids: map[string]string{}, more: map[string][]string{}}
	w.org.ImportUsers = []jumpcloud.ImportUser{
		{ID: "i1", UserPrincipalName: "carl@example.com", GivenName: "Carl", Surname: "Hall"},
		{ID: "i2", UserPrincipalName: "anna@example.com", GivenName: "Anna", Surname: "Hall"},
		{ID: "i3", UserPrincipalName: "bert@example.com", GivenName: "Bert", Surname: "Ives"},
	}
	add := func(kind, id string) string {
		w.more[kind] = append(w.more[kind], id)
		w.ids[kind] = w.more[kind][0]
		return id
	}
	w.org.AddOrganization("Zebra")
	w.org.AddOrganization("alpha")
	add("organizations", w.org.OrgID())
	for i, name := range []string{"carl", "Anna", "bert"} {
		body := fmt.Sprintf(`{"username":%q,"email":"%s@example.com","firstname":"F%d","unix_uid":%d,"sudo":%t,"department":"D%d"}`,
			name, strings.ToLower(name), i%2, []int{900, 10000, 5001}[i], i == 1, i%2)
		id := add("systemusers", w.post("/api/systemusers", body))
		add("users", id)
	}
	for i, name := range []string{"Pilot", "Alpha", "everybody"} {
		body := fmt.Sprintf(`{"name":%q,"email":"g%d@example.com","membershipMethod":%q}`, name, i%2, []string{"STATIC", "NOTSET", "STATIC"}[i])
		add("usergroups", w.post("/api/v2/usergroups", body))
	}
	for i, name := range []string{"saml2", "office365", "bookmark"} {
		add("applications", w.org.AddApplication(name, "L"+name, fmt.Sprint("urn:", i), fmt.Sprint("https://sso.jumpcloud.com/saml2/", 2-i)))
	}
	for _, name := range []string{"Main", "beta", "Alt"} {
		id := add("office365s", w.org.AddDirectory(name))
		add(string(jumpcloud.DirectoryObject), id)
	}
	for _, kind := range []jumpcloud.ObjectType{"g_suite", "active_directory", "ldap_server"} {
		add(string(kind), w.org.AddDirectoryOf(kind, "A "+string(kind)))
	}
	for _, rule := range []string{"user_state", "user_city", "user_department"} {
		add("translationrules", w.org.AddTranslationRule(w.ids["office365s"], rule))
	}
	add("application-templates", w.list("/api/application-templates?limit=1")[0]["_id"].(string))
	w.bind()
	return w
}

// bind binds everything to everything that it can be bound to.
func (w *world) bind() {
	object := func(t jumpcloud.ObjectType, id string) jumpcloud.Object { return jumpcloud.Object{Type: t, ID: id} }
	first := object(jumpcloud.GroupObject, w.ids["usergroups"])
	for _, id := range w.more["users"] {
		w.org.Bind(first, object(jumpcloud.UserObject, id))
	}
	for _, id := range w.more["usergroups"][1:] {
		w.org.Bind(object(jumpcloud.GroupObject, id), object(jumpcloud.UserObject, w.ids["users"]))
	}
	for kind, t := range map[string]jumpcloud.ObjectType{
		"applications": jumpcloud.ApplicationObject, "office_365": jumpcloud.DirectoryObject,
		"g_suite": "g_suite", "active_directory": "active_directory", "ldap_server": "ldap_server",
	} {
		for _, id := range w.more[kind] {
			w.org.Bind(object(t, id), first)
			w.org.Bind(object(t, id), object(jumpcloud.UserObject, w.ids["users"]))
		}
		for _, g := range w.more["usergroups"][1:] {
			w.org.Bind(object(t, w.ids[kind]), object(jumpcloud.GroupObject, g))
		}
		for _, u := range w.more["users"][1:] {
			w.org.Bind(object(t, w.ids[kind]), object(jumpcloud.UserObject, u))
		}
	}
}

// reply is what came back.
type reply struct {
	status int
	body   []byte
}

// refuses reports whether the answer is 501 with a name in it.
func (r reply) refuses(name string) bool {
	return r.status == http.StatusNotImplemented && strings.Contains(strings.ReplaceAll(string(r.body), `\"`, `"`), name)
}

// object is the body as an object; nil if it is none.
func (r reply) object() (o map[string]any) {
	json.Unmarshal(r.body, &o)
	return o
}

// items are the objects of a list, in whatever it is wrapped.
func (r reply) items() (items []map[string]any) {
	if json.Unmarshal(r.body, &items) == nil {
		return items
	}
	var wrapped struct{ Results, Users []map[string]any }
	json.Unmarshal(r.body, &wrapped)
	return append(wrapped.Results, wrapped.Users...)
}

func (w *world) send(method, address, body string, header ...string) reply {
	w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = "https://console.jumpcloud.com" + address
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "k")
	for _, line := range header {
		set(r.Header, line)
	}
	resp, err := w.org.HTTPClient().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, b}
}

// post creates something, and returns its ID.
func (w *world) post(path, body string) string {
	w.t.Helper()
	r := w.send("POST", path, body)
	id, _ := r.object()["id"].(string)
	if id == "" {
		w.t.Fatalf("POST %s: %d %s", path, r.status, r.body)
	}
	return id
}

func (w *world) list(path string) []map[string]any {
	w.t.Helper()
	items := w.send("GET", path, "").items()
	if len(items) == 0 {
		w.t.Fatalf("GET %s has nothing", path)
	}
	return items
}

// operation is one of a description.
type operation struct {
	name   string // "jumpcloud v1 GET /systemusers"
	method string
	base   string
	path   string
	op     *openapi3.Operation
	params openapi3.Parameters
}

func operationsOf(descriptions ...*description) (all []operation) {
	for _, d := range descriptions {
		for path, item := range d.doc.Paths.Map() {
			for method, op := range item.Operations() {
				all = append(all, operation{
					name: d.name + " " + method + " " + path, method: method, base: d.bases[0], path: path, op: op,
					params: append(slices.Clone(item.Parameters), op.Parameters...),
				})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.name, b.name) })
	return all
}

// address is that of the first objects of the world.
func (o operation) address(w *world, query url.Values) string {
	parts := strings.Split(o.path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = w.ids[parts[i-1]]
		}
	}
	address := o.base + strings.Join(parts, "/")
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// query are the names of the parameters in the query.
func (o operation) query() (names []string) {
	for _, p := range o.params {
		if p.Value.In == "query" {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// required is a query without which there is no answer.
func (o operation) required() url.Values {
	if slices.Contains(o.query(), "targets") {
		target := "user"
		if strings.HasPrefix(o.path, "/user") {
			target = "application"
		}
		return url.Values{"targets": {target}}
	}
	return url.Values{}
}

// body is the schema of what is sent; nil if there is none.
func (o operation) body() *openapi3.Schema {
	if o.op.RequestBody == nil || o.op.RequestBody.Value.Content["application/json"] == nil {
		return nil
	}
	return o.op.RequestBody.Value.Content["application/json"].Schema.Value
}

// lastWord is the last part of a path that is no parameter.
func (o operation) lastWord() string {
	parts := strings.Split(o.path, "/")
	for strings.HasPrefix(parts[len(parts)-1], "{") {
		parts = parts[:len(parts)-1]
	}
	return parts[len(parts)-1]
}

// TestJumpCloudWalkOperations: an operation is modelled, or refused with its name; and
// a parameter that nobody describes is refused.
func TestJumpCloudWalkOperations(t *testing.T) {
	var refused []string
	w := newWorld(t)
	for _, o := range jumpCloudOperations(t) {
		if o.lastWord() == "activate" {
			w.org.EditUser(w.ids["users"], func(u *jumpcloud.User) { u.State = jumpcloud.Staged })
		}
		if r := w.send(o.method, o.address(w, nil), "{}"); r.status == http.StatusNotImplemented {
			refused = append(refused, o.name)
			if !r.refuses(o.lastWord()) {
				t.Errorf("%s: %s", o.name, r.body)
			}
			continue
		}
		q := o.required()
		q.Set("nonsense", "1")
		if r := w.send(o.method, o.address(w, q), "{}"); !r.refuses(`"nonsense"`) {
			t.Errorf("%s?nonsense=1: %d %s", o.name, r.status, r.body)
		}
		if o.method != http.MethodGet {
			w = newWorld(t)
		}
	}
	if d := differ(slices.Sorted(slices.Values(notModelled)), refused); d != "" {
		t.Errorf("operations that are refused:\n%s", d)
	}
}

// jumpCloudOperations are all that the descriptions have.
func jumpCloudOperations(t *testing.T) []operation {
	return operationsOf(load(t, "jumpcloud v1", "jumpcloud-v1-trimmed.json"), load(t, "jumpcloud v2", "jumpcloud-v2-trimmed.json"))
}

// differ tells how two values differ; "" if they do not.
func differ(want, got any) string {
	a, _ := json.MarshalIndent(want, "", "\t")
	b, _ := json.MarshalIndent(got, "", "\t")
	if bytes.Equal(a, b) {
		return ""
	}
	return fmt.Sprintf("want\n%s\ngot\n%s", a, b)
}
