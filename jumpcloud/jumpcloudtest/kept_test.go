package jumpcloudtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// shows reports what is not as wanted in an object, of whose other members nothing is
// said.
func shows(t testing.TB, got map[string]any, want string) string {
	t.Helper()
	var w map[string]any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	part := map[string]any{}
	for k := range w {
		if v, ok := got[k]; ok {
			part[k] = v
		}
	}
	return cmp.Diff(w, part)
}

// A group keeps what it is given, and forgets what a PUT leaves out. Its list tells
// less than it does by itself.
func TestGroupsKeep(t *testing.T) {
	var s jumpcloudtest.Server
	const sent = `{"name":"G","description":"D","email":"g@example.com","membershipMethod":"DYNAMIC_AUTOMATED",` +
		`"memberQuery":{"queryType":"FilterQuery","filters":["{\"field\":\"company\"}"]},"memberSuggestionsNotify":true,` +
		`"memberQueryExemptions":[{"id":"1","type":"user"}],` +
		`"attributes":{"ldapGroups":[{"name":"other"}],"sudo":{"enabled":true},"Hello":"World"}}`
	created := send(t, &s, "POST", "/api/v2/usergroups", `{"name":"G"}`)
	path := "/api/v2/usergroups/" + created.json(t)["id"].(string)
	if d := shows(t, created.json(t), `{"attributes":{"ldapGroups":[{"name":"G"}]},"membershipMethod":"STATIC","type":"user_group"}`); d != "" {
		t.Errorf("created (-want +got):\n%s", d)
	}
	if d := shows(t, send(t, &s, "PUT", path, sent).json(t), sent); d != "" {
		t.Errorf("put (-want +got):\n%s", d)
	}
	if d := shows(t, send(t, &s, "GET", path, "").json(t), sent); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
	if d := shows(t, send(t, &s, "POST", "/api/v2/usergroups", sent).json(t), sent); d != "" {
		t.Errorf("created with everything (-want +got):\n%s", d)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(send(t, &s, "GET", "/api/v2/usergroups?limit=1", "").body), &list); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"id": list[0]["id"], "name": "G", "type": "user_group", "description": "D", "email": "g@example.com", "attributes": nil}}
	if d := cmp.Diff(want, list); d != "" {
		t.Errorf("the list (-want +got):\n%s", d)
	}
	posix := func(name string) string {
		return `{"name":"G","attributes":{"posixGroups":[{"id":1,"name":"` + name + `"}]}}`
	}
	for body, status := range map[string]int{posix("p"): 200, posix("q"): 400} {
		send(t, &s, "PUT", path, posix("p"))
		if a := send(t, &s, "PUT", path, body); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	const reset = `{"name":"H","description":"","email":"","membershipMethod":"STATIC","attributes":{"ldapGroups":[{"name":"H"}]}}`
	after := send(t, &s, "PUT", path, `{"name":"H"}`).json(t)
	if d := shows(t, after, reset); d != "" || after["memberQuery"] != nil || after["memberQueryExemptions"] != nil {
		t.Errorf("put with a name (-want +got):\n%s\n%v", d, after)
	}
}

// A custom SAML application has the settings of its template, and keeps them.
func TestApplicationsKeep(t *testing.T) {
	var s jumpcloudtest.Server
	const settings = `"idpEntityId":{"value":"e"},"spEntityId":{"value":"sp"},"acsUrl":{"value":"https://app.example.com/acs"},` +
		`"signResponse":{"value":true},"signAssertion":{"value":false},"includeGroups":{"value":true},"groupsAttributeName":{"value":"teams"},` +
		`"signatureAlgorithm":{"value":"RSA-SHA1"},"overrideNameIdFormat":{"value":"f"},"defaultTargetUrl":{"value":"/start"},` +
		`"idpInitUrl":{"value":"https://app.example.com"},"subjectField":{"value":"username"},"declareRedirectEndpoint":{"value":true},` +
		`"constantAttributes":{"value":[{"name":"a","value":"b"}]},"databaseAttributes":{"value":[{"name":"c","value":"email"}]}`
	const rest = `"name":"saml2","ssoUrl":"https://sso.jumpcloud.com/saml2/x","displayName":"N","displayLabel":"L","description":"D","active":true,` +
		`"color":"#202D38","logo":{"url":"https://example.com/l.png","color":"#202D38"},"learnMore":"M","beta":true,"parentApp":"P",` +
		`"databaseAttributes":[{"name":"x"}]`
	check := func(when string, m map[string]any) {
		t.Helper()
		if d := shows(t, m, "{"+rest+"}"); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
		var want map[string]map[string]any
		if err := json.Unmarshal([]byte("{"+settings+"}"), &want); err != nil {
			t.Fatal(err)
		}
		for key, f := range want {
			if d := cmp.Diff(f["value"], m["config"].(map[string]any)[key].(map[string]any)["value"]); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", when, key, d)
			}
		}
		if sso := m["sso"].(map[string]any); sso["hidden"] != true || sso["type"] != "saml" || sso["jit"] != true {
			t.Errorf("%s: %v", when, sso)
		}
	}
	const body = `{` + rest + `,"sso":{"hidden":true,"jit":true},"config":{` + settings + `}}`
	created := send(t, &s, "POST", "/api/applications", body).json(t)
	check("created", created)
	path := "/api/applications/" + created["id"].(string)
	check("read", send(t, &s, "GET", path, "").json(t))
	check("put", send(t, &s, "PUT", path, body).json(t))

	view := send(t, &s, "GET", "/api/v2"+strings.TrimPrefix(path, "/api"), "").json(t)
	if d := shows(t, view, `{"name":"saml2","displayName":"N","displayLabel":"L","description":"D","color":"#202D38"}`); d != "" {
		t.Errorf("in v2 (-want +got):\n%s", d)
	}
	sso := view["sso"].(map[string]any)
	if d := shows(t, sso, `{"active":true,"url":"https://sso.jumpcloud.com/saml2/x","type":"saml","hidden":true,"certExpired":false}`); d != "" {
		t.Errorf("in v2 (-want +got):\n%s", d)
	}
	if view["config"] != nil || sso["idpCertExpirationAt"] == nil {
		t.Errorf("in v2: %v", view)
	}
	s.AddApplication("office365", "A", "urn:a", "https://sso.jumpcloud.com/saml2/a")
	for query, want := range map[string]int{"": 2, "?filter=name:eq:office365": 1, "?filter=sso.url:eq:*/a": 1, "/": 2} {
		if got := send(t, &s, "GET", "/api/v2/applications"+query, "").list(t); len(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// Users keep whatever they are sent; a password opens the sign-in and is not shown.
func TestUsersKeep(t *testing.T) {
	var s jumpcloudtest.Server
	const sent = `{"username":"u","email":"u@example.com","alternateEmail":"a@example.org","department":"IT","sudo":true,"unix_uid":7,` +
		`"attributes":[{"name":"k","value":"v"}],"addresses":[{"type":"work","locality":"Boulder"}],"phoneNumbers":[{"type":"work","number":"1"}],` +
		`"relationships":[{"type":"manager","value":"m"}],"restrictedFields":[{"field":"email","id":"1","type":"scim"}],` +
		`"externally_managed":true,"account_locked":true,"recoveryEmail":{"address":"r@example.org"},"managedAppleId":"x"}`
	a := send(t, &s, "POST", "/api/systemusers", strings.TrimSuffix(sent, "}")+`,"password":"secret","mfa":{"exclusion":true}}`)
	id := a.json(t)["_id"].(string)
	for _, got := range []answer{a, send(t, &s, "GET", "/api/systemusers/"+id, ""), send(t, &s, "PUT", "/api/systemusers/"+id, `{"mfa":{"configured":false}}`)} {
		if d := shows(t, got.json(t), sent); d != "" || strings.Contains(got.body, "secret") {
			t.Errorf("(-want +got):\n%s\n%s", d, got.body)
		}
		if d := shows(t, got.json(t), `{"mfa":{"exclusion":true,"configured":false},"activated":true,"password_expired":false}`); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	whole := send(t, &s, "GET", "/api/systemusers/"+id, "").body
	if again := send(t, &s, "PUT", "/api/systemusers/"+id, whole); again.status != 200 || again.body != whole {
		t.Errorf("written back as it was: %d\n%s\n%s", again.status, again.body, whole)
	}
	for _, tt := range []struct{ action, state, want string }{
		{"unlock", "ACTIVATED", `{"account_locked":false,"state":"ACTIVATED","suspended":false}`},
		{"state/suspend", "ACTIVATED", `{"state":"SUSPENDED","suspended":true}`},
		{"state/activate", "STAGED", `{"state":"ACTIVATED","suspended":false}`},
	} {
		s.EditUser(id, func(u *jumpcloud.User) { u.State, u.Suspended = tt.state, false })
		r := send(t, &s, "POST", "/api/systemusers/"+id+"/"+tt.action, "{}")
		if d := shows(t, send(t, &s, "GET", "/api/systemusers/"+id, "").json(t), tt.want); d != "" || r.status != http.StatusOK {
			t.Errorf("%s: %d %s (-want +got):\n%s", tt.action, r.status, r.body, d)
		}
		if r := send(t, &s, "POST", "/api/systemusers/000000000000000000000000/"+tt.action, "{}"); r.status != http.StatusNotFound {
			t.Errorf("%s of nobody: %d %s", tt.action, r.status, r.body)
		}
	}
}

// Attributes of what binds objects, and of groups, are shown on the ways along them.
func TestAttributesKeep(t *testing.T) {
	var s jumpcloudtest.Server
	user := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"})
	app := addApp(&s)
	var groups []string
	for _, name := range []string{"A", "B"} {
		group := send(t, &s, "POST", "/api/v2/usergroups", `{"name":"`+name+`","attributes":{"`+name+`":1,"both":"`+name+`"}}`).json(t)["id"].(string)
		groups = append(groups, group)
		for path, body := range map[string]string{
			"usergroups/" + group + "/members":      fmt.Sprintf(`{"op":"add","type":"user","id":%q,"attributes":{"member":true}}`, user),
			"applications/" + app + "/associations": fmt.Sprintf(`{"op":"add","type":"user_group","id":%q,"attributes":{"bound":true}}`, group),
		} {
			if a := send(t, &s, "POST", "/api/v2/"+path, body); a.status != http.StatusNoContent {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
	const edge = `[{"attributes":%s,"to":{"attributes":null,"id":%q,"type":"user"}}]`
	members := "/api/v2/usergroups/" + groups[0] + "/members"
	if got, want := send(t, &s, "GET", members, "").body, fmt.Sprintf(edge, `{"member":true}`, user); got != want {
		t.Errorf("members: %s, want %s", got, want)
	}
	var reached []map[string]any
	if err := json.Unmarshal([]byte(send(t, &s, "GET", "/api/v2/applications/"+app+"/users", "").body), &reached); err != nil || len(reached) != 1 {
		t.Fatalf("%v %v", reached, err)
	}
	const compiled = `{"compiledAttributes":{"A":1,"B":1,"both":"A","bound":true,"member":true,"ldapGroups":[{"name":"A"},{"name":"B"}]}}`
	if d := shows(t, reached[0], compiled); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	first := reached[0]["paths"].([]any)[0].([]any)[0].(map[string]any)
	if d := shows(t, first, `{"attributes":{"bound":true},"to":{"attributes":{"A":1,"both":"A","ldapGroups":[{"name":"A"}]},"id":"`+groups[0]+`","type":"user_group"}}`); d != "" {
		t.Errorf("the way (-want +got):\n%s", d)
	}
	if a := send(t, &s, "POST", members, fmt.Sprintf(`{"op":"update","type":"user","id":%q,"attributes":{"member":2}}`, user)); a.status != http.StatusNoContent {
		t.Errorf("update: %d %s", a.status, a.body)
	}
	if got, want := send(t, &s, "GET", members, "").body, fmt.Sprintf(edge, `{"member":2}`, user); got != want {
		t.Errorf("after an update: %s, want %s", got, want)
	}
}

// The directories of a user and of a group are of all types, whatever binds them.
func TestDirectoriesOf(t *testing.T) {
	var s jumpcloudtest.Server
	user := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"})
	group := s.AddGroup("G", user)
	m365, suite, ldap := s.AddDirectory("M365"), s.AddDirectoryOf("g_suite", "Google"), s.AddDirectoryOf("ldap_server", "LDAP")
	s.Bind(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: group}, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: m365})
	s.Bind(jumpcloud.Object{Type: jumpcloud.UserObject, ID: user}, jumpcloud.Object{Type: "g_suite", ID: suite})
	s.Bind(jumpcloud.Object{Type: jumpcloud.UserObject, ID: user}, jumpcloud.Object{Type: "ldap_server", ID: ldap})
	for path, want := range map[string][]string{
		"users/" + user + "/directories":                              {m365, suite, ldap},
		"users/" + user + "/directories?filter=type:eq:g_suite":       {suite},
		"users/" + user + "/ldapservers":                              {ldap},
		"usergroups/" + group + "/directories":                        {m365},
		"usergroups/" + group + "/directories?filter=type:ne:g_suite": {m365},
		"usergroups/" + group + "/gsuites":                            nil,
	} {
		if d := cmp.Diff(want, send(t, &s, "GET", "/api/v2/"+path, "").list(t)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}
