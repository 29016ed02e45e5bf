package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jcaad/jcaad/aad"
)

// special are values that the service takes, where a text of the property's name would
// be refused; the number is that of an object.
func special(w *walk, property string, i int) (any, bool) {
	v, ok := map[string]any{
		"usageLocation":                   []string{"AT", "DE", "FR"}[i%3],
		"userPrincipalName":               fmt.Sprintf("name%d@example.com", i),
		"mail":                            fmt.Sprintf("mail%d@example.com", i),
		"mailNickname":                    fmt.Sprintf("nickname%d", i),
		"userType":                        []string{"Member", "Guest"}[i%2],
		"accountEnabled":                  i%2 == 0,
		"authenticationType":              "Managed",
		"isDefault":                       false,
		"supportedServices":               []any{"Email"},
		"signingCertificate":              w.certificate(),
		"nextSigningCertificate":          w.certificate(),
		"federatedIdpMfaBehavior":         "enforceMfaByFederatedIdp",
		"preferredAuthenticationProtocol": "wsFed",
		"promptLoginBehavior":             "nativeSupport",
	}[property]
	return v, ok
}

func (w *walk) certificate() string {
	if w.der == "" {
		w.der = keyPair(w.t).Cert().Base64()
	}
	return w.der
}

// value makes one of a schema for object i.
func (w *walk) value(property string, s *openapi3.Schema, i int) any {
	if v, ok := special(w, property, i); ok {
		return v
	}
	for _, some := range flatten([]*openapi3.Schema{s}) {
		switch {
		case len(some.Enum) > 0:
			return some.Enum[i%len(some.Enum)]
		case some.Type.Is("boolean"):
			return i%2 == 0
		case some.Type.Is("integer"):
			return float64(10 + i)
		case some.Format == "date-time":
			return fmt.Sprintf("202%d-02-03T04:05:06Z", i)
		case some.Format == "uuid":
			return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
		case some.Type.Is("string") && strings.HasSuffix(property, "Uri"):
			return fmt.Sprintf("https://%d.example/%s", i, property)
		case some.Type.Is("string"):
			return fmt.Sprintf("v%d %s", i, property)
		case some.Type.Is("array"):
			return []any{w.value(property, some.Items.Value, i)}
		case some.Type.Is("object") && len(some.Properties) > 0:
			object := map[string]any{}
			for _, name := range sorted(some.Properties) {
				if !strings.HasPrefix(name, "@") {
					object[name] = w.value(name, some.Properties[name].Value, i)
				}
			}
			return object
		}
	}
	return map[string]any{}
}

// writable are the properties that the documentation lets programs write, and that the
// fake has to keep and to show.
var writable = map[string]string{
	"user": "accountEnabled ageGroup businessPhones city companyName consentProvidedForMinor country department displayName employeeHireDate employeeId " +
		"employeeOrgData employeeType faxNumber givenName jobTitle mail mailNickname mobilePhone officeLocation onPremisesExtensionAttributes " +
		"onPremisesImmutableId otherMails passwordPolicies passwordProfile postalCode preferredDataLocation preferredLanguage state streetAddress surname " +
		"usageLocation userPrincipalName userType",
	"domain": "authenticationType isDefault passwordNotificationWindowInDays passwordValidityPeriodInDays supportedServices",
	"internalDomainFederation": "activeSignInUri displayName federatedIdpMfaBehavior isSignedAuthenticationRequestRequired issuerUri metadataExchangeUri " +
		"nextSigningCertificate passiveSignInUri passwordResetUri preferredAuthenticationProtocol promptLoginBehavior signOutUri signingCertificate",
}

// fill writes all properties of three users that can be written.
func (w *walk) fill() {
	properties, _ := w.d.properties("user")
	for i := range 3 {
		for _, property := range strings.Fields(writable["user"]) {
			a := w.send("PATCH", fmt.Sprintf("/users/u%d", i+1), nil, map[string]any{property: w.value(property, properties[property], i+1)})
			if a.status != http.StatusNoContent {
				w.t.Fatalf("%s of a user: %d %s", property, a.status, a.text)
			}
		}
	}
}

// write is an operation with a body.
type write struct {
	method, path string
	kind         string
	base         map[string]any // what the body has to have
	shows        string         // where what was written is shown; "" is path
	selects      bool
}

// sends writes one property, and looks at it. It reports whether it was kept.
func (w *walk) sends(o write, property string, v any) bool {
	body := map[string]any{property: v}
	for name, value := range o.base {
		if name != property {
			body[name] = value
		}
	}
	shows := o.path
	if o.shows != "" {
		shows = o.shows
	}
	a := w.send(o.method, o.path, nil, body)
	what := o.method + " " + o.path + " " + property
	return w.judge(what, []string{property}, a, func() string {
		if id, ok := a.body["id"].(string); ok && o.method == http.MethodPost {
			shows += "/" + id
		}
		query := url.Values{}
		if o.selects {
			query.Set("$select", property)
		}
		got := w.get(shows, query, false)
		want := v
		if property == "passwordProfile" { // nobody is shown a password
			want = map[string]any{"forceChangePasswordNextSignIn": v.(map[string]any)["forceChangePasswordNextSignIn"],
				"forceChangePasswordNextSignInWithMfa": v.(map[string]any)["forceChangePasswordNextSignInWithMfa"], "password": nil}
		}
		if shown := got.body[property]; got.status != http.StatusOK || !reflect.DeepEqual(want, shown) {
			return fmt.Sprintf("%d; %v is shown as %v", got.status, want, shown)
		}
		return ""
	})
}

// bodies writes every property of a kind, with values of number n, and those that it does
// not have.
func (w *walk) bodies(n int, fresh func(i int) write, must []string) {
	kind := fresh(0).kind
	properties, navigation := w.d.properties(kind)
	for i, property := range sorted(properties) {
		kept := w.sends(fresh(i+1), property, w.value(property, properties[property], n))
		if !kept && slices.Contains(must, property) {
			w.t.Errorf("%s of %s is not kept", property, kind)
		}
	}
	for i, property := range append(navigation, "nonsense") {
		o := fresh(100 + i)
		if o.method == http.MethodPatch && o.kind == "domain" && property == "federationConfiguration" {
			continue // at this the service fails, with 500
		}
		w.judge(o.method+" "+o.path, []string{property}, w.send(o.method, o.path, nil, map[string]any{property: []any{}}), func() string { return property + " is taken" })
	}
}

func TestGraphWalkOfBodies(t *testing.T) {
	w := newWalk(t)
	domain := func(i int) string {
		name := fmt.Sprintf("d%d.example", i)
		w.tenant.AddDomain(name)
		return "/domains/" + name
	}
	w.bodies(1, func(i int) write {
		id := fmt.Sprintf("w%d", i)
		w.tenant.AddUser(aad.User{ID: id, UserPrincipalName: id + "@example.com"})
		return write{method: "PATCH", path: "/users/" + id, kind: "user", selects: true}
	}, strings.Fields(writable["user"]))
	w.bodies(2, func(i int) write {
		return write{method: "PATCH", path: domain(i), kind: "domain", selects: true}
	}, strings.Fields(writable["domain"]))
	w.bodies(2, func(i int) write {
		return write{method: "POST", path: "/domains", kind: "domain", base: map[string]any{"id": fmt.Sprintf("new%d.example", i)}}
	}, nil)

	base := map[string]any{"federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp", "signingCertificate": w.certificate()}
	for i, method := range []string{"POST", "PATCH"} {
		w.bodies(4+i, func(k int) write {
			path := domain(1000*(i+1)+k) + "/federationConfiguration"
			if method == "POST" {
				return write{method: method, path: path, kind: "internalDomainFederation", base: base}
			}
			made := w.send("POST", path, nil, base)
			return write{method: method, path: path + "/" + fmt.Sprint(made.body["id"]), kind: "internalDomainFederation"}
		}, strings.Fields(writable["internalDomainFederation"]))
	}
	t.Logf("of %d writes: %v", w.tally["right"]+w.tally["wrong"]+w.tally["400"]+w.tally["501"], w.tally)
}

// A batch has reads in it; what a request of it may have besides is refused.
func TestGraphWalkOfBatches(t *testing.T) {
	w := newWalk(t)
	properties := w.d.doc.Components.Schemas["batch.request"].Value.Properties["requests"].Value.Items.Value.Properties
	for _, property := range sorted(properties) {
		item := map[string]any{"id": "1", "method": "GET", "url": "/users/u1"}
		other := map[string]any{"id": "2", "method": "GET", "url": "/users/nobody"}
		right := func(item map[string]any) bool { return item["status"] == 200.0 }
		switch property {
		case "id", "url":
		case "method":
			item[property] = "DELETE"
		case "headers":
			item["url"], item[property] = "/users?$count=true", map[string]any{"ConsistencyLevel": "eventual"}
			right = func(item map[string]any) bool { return strings.Contains(fmt.Sprint(item["body"]), "@odata.count") }
		case "body":
			item[property] = map[string]any{"x": 1}
		case "dependsOn":
			item[property] = []any{"2"}
			right = func(item map[string]any) bool { return item["status"] == 424.0 }
		default:
			t.Errorf("nobody knows how to walk %s", property)
		}
		a := w.send("POST", "/$batch", nil, map[string]any{"requests": []any{item, other}})
		for _, v := range asList(a.body["responses"]) {
			if got := v.(map[string]any); got["id"] == "1" {
				text, _ := json.Marshal(got)
				body, _ := got["body"].(map[string]any)
				status, _ := got["status"].(float64)
				if property == "dependsOn" && status == 424 {
					status = 200
				}
				w.judge("a batch with "+property, []string{"in a batch"}, &answer{status: int(status), text: string(text), body: body}, func() string {
					if !right(got) {
						return string(text)
					}
					return ""
				})
			}
		}
	}
	if w.tally["right"] < 4 {
		t.Errorf("%v; want at least four right", w.tally)
	}
}
