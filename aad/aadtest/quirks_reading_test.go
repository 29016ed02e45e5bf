package aadtest_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

func TestUsersOfFederatedDomainsNeedAnImmutableID(t *testing.T) {
	w := newWire(t)
	w.expect(201, "", "POST", federation, config())
	w.expect(400, "One or more properties contains invalid values.", "POST", "/v1.0/users", fmt.Sprintf(someone, ""))
	made := w.expect(201, "", "POST", "/v1.0/users", fmt.Sprintf(someone, `,"onPremisesImmutableId":"QQ=="`))
	one := "/v1.0/users/" + made.body["id"].(string)
	w.expect(400, "userPrincipalName already exists", "POST", "/v1.0/users", fmt.Sprintf(someone, `,"onPremisesImmutableId":"RR=="`))
	id := w.s.AddUser(aad.User{UserPrincipalName: "c@contoso.onmicrosoft.com"})
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"userPrincipalName":"c@example.com"}`)
	w.expect(400, "onPremisesImmutableId already exists", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"QQ=="}`)
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"a$b"}`)
	w.expect(400, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":""}`)
	w.expect(204, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"RR==","userPrincipalName":"c@example.com"}`)
	w.expect(400, "domain portion", "PATCH", "/v1.0/users/"+id, `{"userPrincipalName":"c@elsewhere.example"}`)
	w.expect(204, "", "PATCH", one, `{"onPremisesImmutableId":null,"displayName":"Bea","accountEnabled":false}`)
	w.s.Quirks.ImmutableIDFixedWhenFederated = true
	w.expect(400, "external service", "PATCH", one, `{"onPremisesImmutableId":"SS=="}`)
	w.expect(400, "", "POST", "/v1.0/users", `{"displayName":"x"}`)
	w.expect(404, "", "PATCH", "/v1.0/users/nobody", `{}`)
	w.expect(404, "", "DELETE", "/v1.0/users/nobody", "")
}

func TestImmutableIDHasToBeAskedFor(t *testing.T) {
	w := newWire(t)
	on := true
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com", ImmutableID: "QQ==", OnPremisesSyncEnabled: &on})
	one := "/v1.0/users/" + id
	if a := w.expect(200, "", "GET", one, ""); a.body["onPremisesImmutableId"] != nil || strings.Contains(a.text, "accountEnabled") {
		t.Errorf("user = %s", a.text)
	}
	if a := w.expect(200, "", "GET", "/v1.0/users", ""); strings.Contains(a.text, "QQ==") {
		t.Errorf("users = %s", a.text)
	}
	if a := w.expect(200, "", "GET", one+"?$select=onPremisesImmutableId", ""); a.body["onPremisesImmutableId"] != "QQ==" || a.body["id"] != nil {
		t.Errorf("user = %s", a.text)
	}
	w.expect(400, "Could not find a property named 'nonsense'", "GET", one+"?$select=nonsense", "")
	w.expect(400, "on-premises mastered", "PATCH", one, `{"onPremisesImmutableId":"RR=="}`)
	w.expect(400, "on-premises mastered", "PATCH", one, `{"userPrincipalName":"b@example.com"}`)
}

func TestAdvancedQueriesNeedTheHeader(t *testing.T) {
	w := newWire(t)
	w.s.GenerateUsers(300, func(i int) aad.User {
		return aad.User{UserPrincipalName: fmt.Sprintf("%c%03d@example.com", 'a'+i%3, i), DisplayName: fmt.Sprint(i)}
	})
	const users = "/v1.0/users?$select=id&"
	for _, q := range []string{"$filter=endsWith(userPrincipalName,'@example.com')", "$filter=not(startsWith(userPrincipalName,'a'))", "$filter=userType ne 'Guest'"} {
		w.expect(400, "required parameters might be missing", "GET", users+q, "")
	}
	if a := w.expect(200, "", "GET", users+"$count=true", ""); a.body["@odata.count"] != nil {
		t.Errorf("without the header the count is %v; want none", a.body["@odata.count"])
	}
	header := []string{"ConsistencyLevel", "eventual"}
	w.expect(400, "", "GET", users+"$filter=endsWith(mail,'x')", "", header...) // and $count
	a := w.expect(200, "", "GET", users+"$count=true&$top=2&$filter=endsWith(userPrincipalName,'@EXAMPLE.com') and not(startsWith(userPrincipalName,'A')) and accountEnabled eq true", "", header...)
	if a.body["@odata.count"] != 200.0 || len(a.body["value"].([]any)) != 2 {
		t.Errorf("answer = %.200s", a.text)
	}
	next, err := url.Parse(a.body["@odata.nextLink"].(string))
	if err != nil || next.Host != "graph.microsoft.com" {
		t.Fatalf("nextLink = %v, %v", next, err)
	}
	w.expect(400, "", "GET", next.RequestURI(), "") // the header has to be sent again
	w.expect(200, "", "GET", next.RequestURI(), "", header...)
	w.expect(400, "Invalid page size", "GET", users+"$top=1000", "")
	w.expect(400, "'nonsense'", "GET", users+"$filter=nonsense", "")
	w.expect(400, "", "GET", users+"$skiptoken=x", "")
	w.expect(400, "", "GET", "/v1.0/users/$count", "")
	if a := w.expect(200, "", "GET", "/v1.0/users/$count?$filter=startsWith(userPrincipalName,'b') or id in ('x','y')", "", header...); a.text != "100" {
		t.Errorf("count = %s", a.text)
	}
	if a := w.expect(200, "", "GET", users+"$filter=displayName eq '7'", ""); len(a.body["value"].([]any)) != 1 {
		t.Errorf("by name: %s", a.text)
	}
}

func TestGeneratedUsersCanBeChanged(t *testing.T) {
	w := newWire(t)
	w.s.GenerateUsers(1000, func(i int) aad.User { return aad.User{UserPrincipalName: fmt.Sprintf("u%03d@example.com", i)} })
	found := w.expect(200, "", "GET", "/v1.0/users/U500@example.com", "")
	id := found.body["id"].(string)
	w.expect(204, "", "PATCH", "/v1.0/users/"+id, `{"onPremisesImmutableId":"QQ=="}`)
	w.expect(204, "", "DELETE", "/v1.0/users/u501@example.com", "")
	w.s.EditUser("u502@example.com", func(u *aad.User) { u.Mail = "x@example.com" })
	if a := w.expect(200, "", "GET", "/v1.0/users/$count", "", "ConsistencyLevel", "eventual"); a.text != "999" {
		t.Errorf("count = %s; want 999", a.text)
	}
	w.expect(404, "", "GET", "/v1.0/users/u501@example.com", "")
	if a := w.expect(200, "", "GET", "/v1.0/users/"+id+"?$select=onPremisesImmutableId", ""); a.body["onPremisesImmutableId"] != "QQ==" {
		t.Errorf("user = %s", a.text)
	}
	if us := w.s.Users(); len(us) != 2 || us[1].Mail != "x@example.com" {
		t.Errorf("users = %+v", us)
	}
	w.expect(400, "in use", "DELETE", example, "")
}

func TestRolesNameNobody(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com", DisplayName: "A"})
	w.s.MakeGlobalAdministrator(id)
	w.s.MakeGlobalAdministrator(w.s.AddGroup("g", id))
	w.s.MakeGlobalAdministrator("an-application")
	list := "/v1.0/roleManagement/directory/roleAssignments?$expand=principal&$filter=roleDefinitionId eq '" + aad.GlobalAdministrator + "'"
	a := w.expect(200, "", "GET", list, "")
	var kinds []any
	for _, v := range a.body["value"].([]any) {
		kinds = append(kinds, v.(map[string]any)["principal"].(map[string]any)["@odata.type"])
	}
	if diff := cmp.Diff([]any{"#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal"}, kinds); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(a.text, "a@example.com") {
		t.Error("a principal has its user principal name")
	}
	w.s.Quirks.PrincipalNames = true
	if a := w.expect(200, "", "GET", list, ""); !strings.Contains(a.text, "a@example.com") {
		t.Error("no user principal name")
	}
	one := fmt.Sprintf(`{"principalId":%q,"roleDefinitionId":%q,"directoryScopeId":"/"}`, id, aad.GlobalAdministrator)
	w.expect(400, "conflicting object", "POST", "/v1.0/roleManagement/directory/roleAssignments", one)
	w.expect(400, "", "POST", "/v1.0/roleManagement/directory/roleAssignments", `{"principalId":"x"}`)
	w.s.RemoveUser(id)
	if a := w.expect(200, "", "GET", list, ""); len(a.body["value"].([]any)) != 2 {
		t.Error("a user who is gone still has a role")
	}
	w.expect(400, "", "GET", "/v1.0/roleManagement/directory/roleAssignments?$filter=x", "")
}

func TestErrorsLookLikeGraphs(t *testing.T) {
	w := newWire(t)
	a := w.expect(404, "", "GET", domains+"/nope.example", "", "client-request-id", "mine")
	inner := a.body["error"].(map[string]any)["innerError"].(map[string]any)
	if _, err := time.Parse("2006-01-02T15:04:05", inner["date"].(string)); err != nil {
		t.Errorf("date = %v; want one without zone", inner["date"])
	}
	if inner["client-request-id"] != "mine" || a.header.Get("client-request-id") != "mine" || inner["request-id"] != a.header.Get("request-id") || a.header.Get("request-id") == "" {
		t.Errorf("IDs: %v, %v", inner, a.header)
	}
	if a := w.expect(200, "", "GET", example, ""); a.header.Get("client-request-id") != a.header.Get("request-id") || a.header.Get("x-ms-resource-unit") != "1" || a.header.Get("Date") == "" {
		t.Errorf("headers = %v", a.header)
	}
	for path, want := range map[string]string{"/v1.0/users": "2", "/v1.0/users?$select=id": "1", example + "/domainNameReferences": "4"} {
		if got := w.send("GET", path, "").header.Get("x-ms-resource-unit"); got != want {
			t.Errorf("%s costs %s; want %s", path, got, want)
		}
	}
	w.expect(400, "", "GET", "/v1.0/nonsense", "")
	w.expect(400, "valid JSON", "PATCH", example, "{")
	w.expect(400, "Content-Type", "PATCH", example, "{}", "Content-Type", "text/plain")
}

// TestCompressedBodies: Microsoft's own clients compress what they send, and
// send it again as it is after 415.
func TestCompressedBodies(t *testing.T) {
	w := newWire(t)
	var b strings.Builder
	z := gzip.NewWriter(&b)
	io.WriteString(z, config())
	z.Close()
	w.expect(415, "br", "POST", federation, config(), "Content-Encoding", "br")
	w.expect(400, "", "POST", federation, config(), "Content-Encoding", "gzip") // it is not
	w.expect(400, "", "POST", federation, b.String()[:b.Len()/2], "Content-Encoding", "gzip")
	if got := w.authentication(); got != aad.Managed {
		t.Errorf("the domain is %s after what could not be read", got)
	}
	w.expect(201, "", "POST", federation, b.String(), "Content-Encoding", "gzip")
	if got := w.authentication(); got != aad.Federated {
		t.Errorf("the domain is %s; want %s", got, aad.Federated)
	}
}

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		token, err := w.cred.GetToken(t.Context(), policy.TokenRequestOptions{})
		if err != nil {
			t.Fatal(err)
		}
		fixed := wire{t, w.s, nil}
		auth := []string{"Authorization", "Bearer " + token.Token}
		fixed.expect(200, "", "GET", example, "", auth...)
		time.Sleep(time.Hour)
		fixed.expect(401, "Lifetime validation failed, the token is expired.", "GET", example, "", auth...)
		w.s.RevokeTokens()
		fixed.expect(401, "validation failure", "GET", example, "", auth...)

		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "scope": {"https://graph.microsoft.com/.default"}}
		ask := func(edit func(url.Values)) answer {
			f := url.Values{}
			for k, v := range form {
				f[k] = v
			}
			edit(f)
			return fixed.send("POST", "/contoso/oauth2/v2.0/token", f.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		}
		a := ask(func(url.Values) {})
		if a.status != 200 || a.body["token_type"] != "Bearer" || a.body["expires_in"] != 3600.0 {
			t.Errorf("token = %s", a.text)
		}
		fixed.expect(200, "", "GET", example, "", "Authorization", "Bearer "+fmt.Sprint(a.body["access_token"]))
		for name, want := range map[string]int{"grant_type": 400, "client_id": 400, "client_secret": 401, "scope": 400} {
			if a := ask(func(f url.Values) { f.Del(name) }); a.status != want || a.body["error"] == nil {
				t.Errorf("without %s: %d %s", name, a.status, a.text)
			}
		}
		if a := fixed.send("GET", "/contoso/v2.0/.well-known/openid-configuration", ""); !strings.HasSuffix(fmt.Sprint(a.body["token_endpoint"]), "/oauth2/v2.0/token") {
			t.Errorf("configuration = %s", a.text)
		}
		if w.s.Writes() != 0 {
			t.Errorf("asking for a token counts as a write")
		}
	})
}

func TestRealmForms(t *testing.T) {
	w := newWire(t)
	w.cred = nil
	w.s.SetFederation("example.com", aad.Federation{DisplayName: "Ex", PassiveSignInURI: "https://sts.example/adfs/ls/?a=b", ActiveSignInURI: "https://sts.example/active", Protocol: aad.WSFed})
	a := w.send("GET", "/getuserrealm.srf?login=u@example.com", "")
	if a.body["State"] != 3.0 || a.body["NameSpaceType"] != "Federated" || !strings.HasPrefix(fmt.Sprint(a.body["AuthURL"]), "https://sts.example/adfs/ls/?a=b&username=u%40example.com&wa=wsignin1.0") {
		t.Errorf("getuserrealm = %s", a.text)
	}
	a = w.send("GET", "/getuserrealm.srf?login=contoso.onmicrosoft.com&xml=1", "")
	if !strings.HasPrefix(a.text, `<RealmInfo Success="true"><State>4</State><UserState>1</UserState><Login>contoso.onmicrosoft.com</Login><NameSpaceType>Managed</NameSpaceType>`) {
		t.Errorf("XML = %s", a.text)
	}
	a = w.send("GET", "/getuserrealm.srf?login=u@nope.example&json=1", "")
	if diff := cmp.Diff(map[string]any{"State": 4.0, "UserState": 1.0, "Login": "u@nope.example", "NameSpaceType": "Unknown"}, a.body); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	a = w.send("GET", "/common/userrealm/u@example.com?api-version=1.0", "")
	if a.body["account_type"] != "Federated" || a.body["federation_protocol"] != "WSTrust" || a.body["federation_active_auth_url"] != "https://sts.example/active" {
		t.Errorf("1.0 = %s", a.text)
	}
	w.s.Quirks.SAMLAuthURL = func(signIn, user string) string { return signIn + "#" + user }
	w.s.SetFederation("example.com", aad.Federation{PassiveSignInURI: "https://sso.example/", Protocol: aad.SAML})
	a = w.send("GET", "/common/userrealm/?user=u@example.com&api-version=2.1&checkForMicrosoftAccount=false", "")
	if a.body["federation_protocol"] != "SAML20" || a.body["AuthURL"] != "https://sso.example/#u@example.com" {
		t.Errorf("2.1 = %s", a.text)
	}
	if a := w.send("GET", "/common/userrealm/u@example.com?api-version=9", ""); a.status != 404 {
		t.Errorf("version 9 = %d", a.status)
	}
	w.s.AddDomain("broken.example", aadtest.Broken)
	if a := w.send("GET", "/getuserrealm.srf?login=broken.example", ""); a.body["NameSpaceType"] != "Federated" || a.body["AuthURL"] != nil {
		t.Errorf("half a state = %s", a.text)
	}
}

func TestReadsLagBehind(t *testing.T) {
	list := func(w wire) string {
		if a := w.send("GET", federation, ""); a.status == 200 {
			return "new"
		}
		return "old"
	}
	auth := func(w wire) string {
		if a := w.send("GET", example, ""); a.body["authenticationType"] == "Federated" {
			return "new"
		}
		return "old"
	}
	for _, tt := range []struct {
		name string
		lag  aadtest.Lag
		only string
		wait time.Duration // between reads
		read func(wire) string
		want string
	}{
		{"none", aadtest.Lag{}, "", 0, list, "new new new new"},
		{"by reads", aadtest.Lag{Reads: 2}, "", 0, list, "old old new new"},
		{"by time", aadtest.Lag{For: 5 * time.Second}, "", 2 * time.Second, auth, "old old old new"},
		{"flapping", aadtest.Lag{Flaps: 3}, "", 0, auth, "new old new new"},
		{"another resource", aadtest.Lag{Reads: 9}, "domains/example.com", 0, list, "new new new new"},
		{"this resource", aadtest.Lag{Reads: 9}, "domains/example.com", 0, auth, "old old old old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t)
				w.s.ListLag, w.s.GetLag = tt.lag, tt.lag
				if tt.only != "" {
					w.s.ResourceLag = func(r string) aadtest.Lag {
						if r == tt.only {
							return tt.lag
						}
						return aadtest.Lag{}
					}
				}
				w.expect(201, "", "POST", federation, config())
				var got []string
				for range 4 {
					got = append(got, tt.read(w))
					time.Sleep(tt.wait)
				}
				if s := strings.Join(got, " "); s != tt.want {
					t.Errorf("reads = %s; want %s", s, tt.want)
				}
			})
		})
	}
}

func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.s.Throttle = &aadtest.Throttle{Rate: 1, Burst: 2, Style: aadtest.FractionalSeconds}
		w.send("GET", example, "")
		w.send("GET", example, "")
		a := w.expect(429, "Please retry again later.", "GET", example, "")
		if a.code() != "TooManyRequests" || a.header.Get("Retry-After") != "1.000" {
			t.Errorf("refusal = %v %s", a.header, a.text)
		}
		if a := w.send("GET", "/getuserrealm.srf?login=example.com", ""); a.status != 200 {
			t.Errorf("the login service was throttled too: %d", a.status)
		}
		w.s.Throttle = nil
		for _, f := range []aadtest.Fault{{Kind: aadtest.TooMany, RetryAfter: "7"}, {Kind: aadtest.TooManyBare}, {Kind: aadtest.Refuse503}} {
			w.s.Fault = func(*http.Request) aadtest.Fault { return f }
			a := w.send("GET", example, "")
			if a.code() == "" || a.header.Get("Retry-After") != f.RetryAfter || a.header.Get("request-id") == "" {
				t.Errorf("%v = %d %v %s", f.Kind, a.status, a.header, a.text)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	w := newWire(t)
	var told []string
	w.s.OnFederationChange = func(st aadtest.State) {
		told = append(told, fmt.Sprintf("%s %s->%s %v", st.Domain, st.Before.AuthenticationType, st.AuthenticationType, st.Federation != nil))
	}
	made := w.expect(201, "", "POST", federation, config())
	if len(told) != 1 {
		t.Error("not told before the answer")
	}
	w.expect(200, "", "PATCH", federation+"/"+made.body["id"].(string), `{"displayName":"x"}`)
	w.expect(204, "", "PATCH", example, `{"isDefault":false}`) // no change of the federation
	w.expect(204, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	w.expect(500, "", "POST", federation, config("signingCertificate", ""))
	want := []string{"example.com Managed->Federated true", "example.com Federated->Federated true", "example.com Federated->Managed false", "example.com Managed->Federated false"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if h := w.s.History(); len(h) != 4 || h[1].Federation.DisplayName != "x" || h[1].Before.Federation.DisplayName != "Example" {
		t.Errorf("history = %+v", h)
	}
}

func TestLog(t *testing.T) {
	w := newWire(t)
	w.expect(404, "", "GET", federation, "")
	w.expect(201, "", "POST", federation, config())
	w.s.Fault = func(*http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.Error500After} }
	w.expect(500, "", "PATCH", example, `{"authenticationType":"Managed"}`)
	var got []string
	for _, r := range w.s.Requests() {
		got = append(got, fmt.Sprintln(r.Path, r.Pattern, r.Status, r.Write, r.Fault))
	}
	want := []string{
		"/v1.0/domains/example.com/federationConfiguration GET /v1.0/domains/{domain}/federationConfiguration 404 false None\n",
		"/v1.0/domains/example.com/federationConfiguration POST /v1.0/domains/{domain}/federationConfiguration 201 true None\n",
		"/v1.0/domains/example.com PATCH /v1.0/domains/{domain} 500 true Error500After\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if w.s.Writes() != 2 || w.authentication() != aad.Managed {
		t.Errorf("%d writes, the domain is %s", w.s.Writes(), w.authentication())
	}
	if w.s.ResetLog(); len(w.s.Requests()) != 0 {
		t.Error("the log is still there")
	}
}

func TestOrganizationAndPolicy(t *testing.T) {
	w := newWire(t)
	w.s.SetOnPremisesSync(true)
	a := w.expect(200, "", "GET", "/v1.0/organization", "")
	o := a.body["value"].([]any)[0].(map[string]any)
	if o["onPremisesSyncEnabled"] != true || len(o["verifiedDomains"].([]any)) != 2 {
		t.Errorf("organization = %s", a.text)
	}
	a = w.expect(200, "", "GET", "/v1.0/policies/federatedTokenValidationPolicy", "")
	if d := a.body["validatingDomains"].(map[string]any); d["@odata.type"] != "#microsoft.graph.allDomains" || d["rootDomains"] != "all" {
		t.Errorf("policy = %s", a.text)
	}
	w.s.SetPolicy(aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"a.example"}})
	a = w.expect(200, "", "GET", "/v1.0/policies/federatedTokenValidationPolicy", "")
	if d := a.body["validatingDomains"].(map[string]any); d["@odata.type"] != "#microsoft.graph.enumeratedDomains" || len(d["domainNames"].([]any)) != 1 {
		t.Errorf("policy = %s", a.text)
	}
}

func TestMisusePanics(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{})
	for name, f := range map[string]func(){
		"domain twice":       func() { w.s.AddDomain("Example.com") },
		"user twice":         func() { w.s.AddUser(aad.User{ID: id}) },
		"no such domain":     func() { w.s.SetFederation("nope.example", aad.Federation{}) },
		"its truth":          func() { w.s.Domain("nope.example") },
		"its federation":     func() { w.s.Federation("nope.example") },
		"no such user":       func() { w.s.EditUser("nobody", func(*aad.User) {}) },
		"a user long gone":   func() { w.s.RemoveUser("nobody") },
		"no such assignment": func() { w.s.RemoveRole("nothing") },
		"impossible options": func() { w.s.Client(&aad.Options{GraphURL: "x"}) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.HasPrefix(fmt.Sprint(p), "aadtest: ") {
					t.Errorf("%s: panic = %v", name, p)
				}
			}()
			f()
		}()
	}
}
