package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/getkin/kin-openapi/openapi3"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// The walk sends the fake of Graph every query parameter, every operator and every
// property of a body that the description has, one after the other. Each changes the
// answer as it should, or is refused: with 501 and its name, or with 400, as the
// service does. What changes nothing is a fault of the fake.

// read is an operation that is walked: where an example of it is, and of what kind the
// objects are that it answers with.
type read struct{ path, kind string }

// reads are the operations of the description that the fake models.
var reads = map[string]read{
	"GET /domains":             {"/domains", "domain"},
	"GET /domains/{domain-id}": {"/domains/example.com", "domain"},
	"GET /domains/{domain-id}/federationConfiguration":                               {"/domains/federated.example/federationConfiguration", "internalDomainFederation"},
	"GET /domains/{domain-id}/federationConfiguration/{internalDomainFederation-id}": {"/domains/federated.example/federationConfiguration/f1", "internalDomainFederation"},
	"GET /domains/{domain-id}/verificationDnsRecords":                                {"/domains/example.com/verificationDnsRecords", "domainDnsRecord"},
	"GET /domains/{domain-id}/rootDomain":                                            {"/domains/sub.example.com/rootDomain", "domain"},
	"GET /users":                                                                     {"/users", "user"},
	"GET /users/{user-id}":                                                           {"/users/u2", "user"},
	"GET /organization":                                                              {"/organization", "organization"},
	"GET /roleManagement/directory/roleAssignments":                                  {"/roleManagement/directory/roleAssignments", "unifiedRoleAssignment"},
}

// otherwise are the operations that are walked in other ways, or are not modelled.
var otherwise = map[string]string{
	"POST /domains":                                     "bodies",
	"PATCH /domains/{domain-id}":                        "bodies",
	"POST /domains/{domain-id}/federationConfiguration": "bodies",
	"PATCH /domains/{domain-id}/federationConfiguration/{internalDomainFederation-id}": "bodies",
	"PATCH /users/{user-id}":      "bodies",
	"DELETE /domains/{domain-id}": "headers",
	"DELETE /domains/{domain-id}/federationConfiguration/{internalDomainFederation-id}": "headers",
	"POST /domains/{domain-id}/verify":                                                  "no parameters",
	"POST /domains/{domain-id}/promote":                                                 "no parameters",
	"POST /$batch":                                                                      "batch",
	"GET /directoryRoles":                                                               "/directoryRoles",
	"GET /directoryRoles/{directoryRole-id}/members":                                    "/directoryRoles/1/members",
}

// walk is one.
type walk struct {
	t      *testing.T
	d      *description
	tenant *aadtest.Server
	token  string
	tally  map[string]int // what came of the requests
	der    string         // a certificate
}

// newWalk fills a tenant.
func newWalk(t *testing.T) *walk {
	w := &walk{t: t, d: load(t, "graph", "graph-v1.0-trimmed.yaml"), tenant: new(aadtest.Server), tally: map[string]int{}}
	w.tenant.AddDomain("example.com")
	w.tenant.AddDomain("sub.example.com")
	w.tenant.AddDomain("federated.example")
	w.tenant.SetFederation("federated.example", aad.Federation{ID: "f1", IssuerURI: "urn:uri:federated.example", SigningCertificate: keyPair(t).Cert()})
	for i := range 3 {
		w.tenant.AddUser(aad.User{ID: fmt.Sprintf("u%d", i+1), UserPrincipalName: fmt.Sprintf("u%d@example.com", i+1), DisplayName: fmt.Sprintf("User %d", i+1),
			Created: time.Date(2021+i, 1, 2, 3, 4, 5, 0, time.UTC), ProxyAddresses: []string{fmt.Sprintf("SMTP:u%d@example.com", i+1)}})
	}
	w.tenant.AddUser(aad.User{ID: "plain", UserPrincipalName: "plain@example.com"})
	w.tenant.MakeGlobalAdministrator("u1")
	token, err := w.tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.token = token.Token
	w.tenant.AssignRole("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "u2", "/administrativeUnits/1")
	return w
}

// answer is what came back.
type answer struct {
	status int
	text   string
	body   map[string]any
}

// list returns the objects of an answer.
func (a *answer) list() (objects []map[string]any) {
	values, ok := a.body["value"].([]any)
	if !ok {
		return []map[string]any{a.body}
	}
	for _, v := range values {
		o, _ := v.(map[string]any)
		objects = append(objects, o)
	}
	return objects
}

// send sends a request, an advanced query if it is to be one.
func (w *walk) send(method, path string, query url.Values, body any, header ...string) *answer {
	w.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		in = strings.NewReader(string(b))
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, "https://graph.microsoft.com/v1.0"+path+"?"+query.Encode(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := w.tenant.HTTPClient().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := &answer{status: resp.StatusCode, text: string(b)}
	json.Unmarshal(b, &a.body)
	return a
}

// get sends a read, with ConsistencyLevel: eventual if it is an advanced query.
func (w *walk) get(path string, query url.Values, advanced bool) *answer {
	w.t.Helper()
	if advanced {
		query = maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("$count", "true")
		return w.send("GET", path, query, nil, "ConsistencyLevel", "eventual")
	}
	return w.send("GET", path, query, nil)
}

// judge demands that an answer is a refusal that names what it does not model, or right.
// It reports whether it is right.
func (w *walk) judge(what string, names []string, a *answer, wrong func() string) bool {
	w.t.Helper()
	switch {
	case a.status == http.StatusNotImplemented:
		w.tally["501"]++
		named := slices.ContainsFunc(names, func(name string) bool { return strings.Contains(a.text, name) })
		if !named || !strings.Contains(a.text, `"notImplemented"`) {
			w.t.Errorf("%s: 501 without a name of %v: %s", what, names, a.text)
		}
	case a.status == http.StatusBadRequest:
		w.tally["400"]++
		if _, ok := a.body["error"].(map[string]any); !ok {
			w.t.Errorf("%s: %s", what, a.text)
		}
	case a.status >= 300:
		w.t.Errorf("%s: %d %s", what, a.status, a.text)
	default:
		if say := wrong(); say != "" {
			w.tally["wrong"]++
			w.t.Errorf("%s: %s", what, say)
			return false
		}
		w.tally["right"]++
		return true
	}
	return false
}

// properties returns the properties of a kind, sorted; navigation are those that lead
// to other objects.
func (d *description) properties(kind string) (all map[string]*openapi3.Schema, navigation []string) {
	all = map[string]*openapi3.Schema{}
	for name, ref := range d.doc.Components.Schemas {
		// the records of a domain have kinds of their own
		if name != "microsoft.graph."+kind && (kind != "domainDnsRecord" || !strings.HasPrefix(name, "microsoft.graph.domainDns")) {
			continue
		}
		for _, s := range flatten([]*openapi3.Schema{ref.Value}) {
			for property, p := range s.Properties {
				switch {
				case strings.HasPrefix(property, "@"):
				case p.Value.Extensions["x-ms-navigationProperty"] == true:
					navigation = append(navigation, property)
				default:
					all[property] = p.Value
				}
			}
		}
	}
	if trimmed, ok := d.doc.Extensions["x-trimmed-navigation-properties"].(map[string]any); ok {
		for _, v := range asList(trimmed["microsoft.graph."+kind]) {
			navigation = append(navigation, fmt.Sprint(v))
		}
	}
	slices.Sort(navigation)
	return all, slices.Compact(navigation)
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func TestGraphWalk(t *testing.T) {
	w := newWalk(t)
	for _, operation := range w.d.operations() {
		_, walked := reads[operation]
		if how, other := otherwise[operation]; walked == other {
			t.Errorf("%s is walked %v, otherwise %q", operation, walked, how)
		}
	}
	w.fill()
	right := map[string]bool{}
	for _, operation := range sorted(reads) {
		method, path, _ := strings.Cut(operation, " ")
		for _, p := range w.d.doc.Paths.Value(path).GetOperation(method).Parameters {
			if p.Value.In == "query" {
				w.parameter(operation, p.Value.Name, right)
			}
		}
	}
	for _, must := range []string{
		"GET /domains $select", "GET /domains/{domain-id} $select", "GET /domains/{domain-id}/rootDomain $select", "GET /organization $select",
		"GET /domains/{domain-id}/verificationDnsRecords $select", "GET /users $select", "GET /users/{user-id} $select", "GET /users $filter", "GET /users $search",
		"GET /users $orderby", "GET /users $count", "GET /users $top", "GET /roleManagement/directory/roleAssignments $select",
		"GET /roleManagement/directory/roleAssignments $filter", "GET /roleManagement/directory/roleAssignments $expand",
	} {
		if !right[must] {
			t.Errorf("%s is refused always, or wrong", must)
		}
	}
	for _, operation := range sorted(otherwise) {
		if path := otherwise[operation]; strings.HasPrefix(path, "/") {
			w.judge(operation, []string{"GET " + path}, w.get(path, nil, false), func() string { return "it is modelled" })
		}
		if otherwise[operation] == "headers" {
			path := strings.NewReplacer("{domain-id}", "example.com", "{internalDomainFederation-id}", "f1").Replace(strings.TrimPrefix(operation, "DELETE "))
			w.judge(operation, []string{"If-Match"}, w.send("DELETE", path, nil, nil, "If-Match", `W/"1"`), func() string { return "If-Match has no effect" })
		}
	}
	t.Logf("of %d requests: %v", w.tally["right"]+w.tally["wrong"]+w.tally["400"]+w.tally["501"], w.tally)
}

// parameter walks one parameter of an operation, and notes whether there is a value that
// changes the answer as it should. What is not modelled at all is not asked for in each way.
func (w *walk) parameter(operation, name string, right map[string]bool) {
	o, what := reads[operation], operation+" "+name
	if a := w.get(o.path, url.Values{name: {"1"}}, false); a.status == http.StatusNotImplemented && strings.Contains(a.text, "does not model "+name+" of ") {
		w.tally["never"]++
		return
	}
	properties, navigation := w.d.properties(o.kind)
	done := func(ok bool) { right[what] = right[what] || ok }
	switch name {
	case "$select":
		for _, property := range sorted(properties) {
			done(w.selects(o, property))
		}
	case "$expand":
		for _, property := range append(navigation, "nonsense") {
			a := w.get(o.path, url.Values{name: {property}}, false)
			done(w.judge(what+"="+property, []string{name}, a, func() string {
				if _, ok := a.list()[0][property].(map[string]any); !ok || property == "nonsense" {
					return "nothing is expanded"
				}
				return ""
			}))
		}
	case "$filter":
		for _, property := range sorted(properties) {
			done(w.filters(o, property, properties[property]))
		}
	case "$orderby":
		for _, property := range sorted(properties) {
			done(w.orders(o, property))
		}
	case "$search":
		for _, property := range sorted(properties) {
			done(w.searches(o, property))
		}
	case "$count":
		a := w.get(o.path, nil, true)
		done(w.judge(what, []string{name}, a, func() string {
			if a.body["@odata.count"] != float64(len(a.list())) {
				return fmt.Sprintf("the count is %v of %d", a.body["@odata.count"], len(a.list()))
			}
			return ""
		}))
	case "$top", "$skip":
		base := w.get(o.path, nil, false)
		a := w.get(o.path, url.Values{name: {"1"}}, false)
		done(w.judge(what, []string{name}, a, func() string {
			want := map[string]int{"$top": 1, "$skip": len(base.list()) - 1}[name]
			if len(a.list()) != want {
				return fmt.Sprintf("%d objects; want %d", len(a.list()), want)
			}
			return ""
		}))
	default:
		w.t.Errorf("%s is a parameter that nobody knows how to walk", what)
	}
}

// selects asks for one property.
func (w *walk) selects(o read, property string) bool {
	a := w.get(o.path, url.Values{"$select": {property}}, false)
	return w.judge("GET "+o.path+"?$select="+property, []string{property, "$select"}, a, func() string {
		some := false
		for _, object := range a.list() {
			for name := range object {
				some = some || name == property
				if name != property && !strings.HasPrefix(name, "@") {
					return "there is " + name
				}
			}
		}
		if !some {
			return "it is not there"
		}
		return ""
	})
}
