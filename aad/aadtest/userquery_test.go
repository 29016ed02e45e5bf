package aadtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

var advanced = []string{"ConsistencyLevel", "eventual"}

// crowd are four users, of whom one is generated; a's department and the like were
// written by a request.
func crowd(t *testing.T) wire {
	w := newWire(t)
	day := func(d int) time.Time { return time.Date(2026, 3, d, 9, 0, 0, 0, time.UTC) }
	off := false
	w.s.AddUser(aad.User{ID: "a", UserPrincipalName: "ann@example.com", DisplayName: "Ann Miller-Smith", Mail: "ann@example.com", Created: day(1),
		ProxyAddresses: []string{"SMTP:ann@example.com", "smtp:am@example.org"}, OtherMails: []string{"ann@home.example"}})
	w.s.AddUser(aad.User{ID: "b", UserPrincipalName: "Bob@example.com", DisplayName: "bob HelloWorld", Mail: "robert@example.com", Created: day(2), Enabled: &off})
	w.s.AddUser(aad.User{ID: "c", UserPrincipalName: "cy@example.com", DisplayName: "Ann Cyber2000", Created: day(3), UserType: "Guest"})
	w.s.GenerateUsers(1, func(int) aad.User {
		return aad.User{ID: "g", UserPrincipalName: "gen@example.com", DisplayName: "Gen", Created: day(4)}
	})
	w.expect(204, "", "PATCH", "/v1.0/users/a", `{"givenName":"Ann","department":"Sales","companyName":"Contoso","jobTitle":"Boss","employeeHireDate":"2020-01-02T00:00:00Z",`+
		`"businessPhones":["+49 30 1"],"city":"Berlin","usageLocation":"DE","employeeId":"7"}`)
	w.expect(204, "", "PATCH", "/v1.0/users/b", `{"givenName":"Bob","mailNickname":"bobby","department":"IT","employeeId":"8"}`)
	return w
}

// ids are those of a list, in its order.
func (w wire) ids(query string, header ...string) string {
	w.t.Helper()
	var ids []string
	a := w.expect(200, "", "GET", "/v1.0/users?$select=id&"+query, "", header...)
	list, _ := a.body["value"].([]any)
	for _, v := range list {
		ids = append(ids, v.(map[string]any)["id"].(string))
	}
	return strings.Join(ids, "")
}

func TestFiltersOfUsers(t *testing.T) {
	w := crowd(t)
	for _, tt := range []struct{ filter, want string }{
		{"givenName eq 'ANN'", "a"},
		{"startsWith(givenName,'b')", "b"},
		{"givenName ge 'b'", "b"},
		{"givenName in ('ann','bob')", "ab"},
		{"mailNickname eq 'bobby'", "b"},
		{"mailNickname eq 'cy'", "c"}, // as the portal makes it
		{"department eq 'sales' or department eq 'it'", "ab"},
		{"employeeId eq '7'", "a"},
		{"usageLocation eq 'de'", "a"},
		{"createdDateTime ge 2026-03-02T09:00:00Z", "bcg"},
		{"createdDateTime le 2026-03-02T10:00:00%2B01:00", "ab"},
		{"createdDateTime eq 2026-03-03T09:00:00Z", "c"},
		{"createdDateTime ge 2026-03-04", "g"},
		{"userPrincipalName le 'b'", "a"},
		{"accountEnabled eq false", "b"},
		{"userType eq 'guest'", "c"},
		{"userType in ('Member','Other') and accountEnabled eq true", "ag"},
		{"proxyAddresses/any(x:x eq 'smtp:AM@example.org')", "a"},
		{"proxyAddresses/any(p:startsWith(p,'SMTP:'))", "a"},
		{"proxyAddresses/any (p: startsWith(p,'x') or p eq 'SMTP:ann@example.com')", "a"},
		{"otherMails/any(x:startsWith(x,'ann'))", "a"},
		{"businessPhones/any(x:x eq '+49 30 1')", "a"},
		{"(accountEnabled eq true) and (userType eq 'Member')", "ag"},
	} {
		if got := w.ids("$filter=" + strings.ReplaceAll(tt.filter, "+", "%2B")); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.filter, got, tt.want)
		}
	}
}

func TestFiltersOfAdvancedQueries(t *testing.T) {
	w := crowd(t)
	for _, tt := range []struct{ filter, want string }{
		{"endsWith(mail,'@example.com')", "ab"},
		{"proxyAddresses/any(x:endsWith(x,'@example.org'))", "a"},
		{"proxyAddresses/$count eq 0", "bcg"},
		{"otherMails/$count ne 0", "a"},
		{"not(proxyAddresses/any(x:startsWith(x,'smtp:')))", "bcg"},
		{"mail ne 'ann@example.com'", "bcg"},
		{"mail eq null", "cg"},
		{"givenName ne null", "ab"},
		{"department eq null", "cg"},
		{"NOT startsWith(displayName,'ann')", "bg"},
		{"not(accountEnabled eq true)", "b"},
		{"companyName eq 'contoso'", "a"},
		{"employeeHireDate le 2021-01-01T00:00:00Z", "a"},
		{"startsWith(jobTitle,'bo')", "a"},
		{"createdDateTime in (2026-03-01T09:00:00Z,2026-03-04T09:00:00Z)", "ag"},
		{"onPremisesImmutableId eq null", "abcg"},
	} {
		if got := w.ids("$count=true&$filter="+tt.filter, advanced...); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.filter, got, tt.want)
		}
		for _, query := range []string{"$filter=" + tt.filter, "$filter=" + tt.filter + "&$count=true"} {
			if a := w.expect(400, "required parameters might be missing", "GET", "/v1.0/users?"+query, ""); a.code() != "Request_UnsupportedQuery" {
				t.Errorf("%s: %s", query, a.text)
			}
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	w := crowd(t)
	for _, tt := range []struct {
		status          int
		message, filter string
	}{
		{400, "'nonsense'", "nonsense eq 1"},
		{400, "Unsupported Query", "contains(displayName,'a')"},
		{400, "Unsupported Query", "tolower(displayName) eq 'a'"},
		{400, "property 'displayName'", "displayName gt 'a'"},
		{400, "property 'id'", "startsWith(id,'a')"},
		{400, "property 'displayName'", "endsWith(displayName,'a')"},
		{400, "property 'proxyAddresses'", "proxyAddresses eq 'a'"},
		{400, "property 'preferredDataLocation'", "preferredDataLocation eq 'a'"},
		{400, "incompatible types", "accountEnabled eq 'true'"},
		{400, "incompatible types", "displayName eq true"},
		{400, "incompatible types", "createdDateTime eq '2026-03-01'"},
		{400, "Invalid filter", "displayName eq"},
		{400, "Invalid filter", "displayName eq 'a' and"},
		{400, "Invalid filter", "displayName eq 'a'and mail eq 'b'"},
		{400, "Invalid filter", "displayName eq 'a"},
		{400, "Invalid filter", "proxyAddresses/any(x:y eq 'a')"},
		{400, "Invalid filter", "displayName/any(x:x eq 'a')"},
		{501, "aboutMe", "aboutMe eq 'x'"},
		{501, "assignedLicenses", "assignedLicenses/$count eq 0"},
		{501, "assignedLicenses", "assignedLicenses/any(x:x/skuId eq 1)"},
		{501, "signInActivity/lastSignInDateTime", "signInActivity/lastSignInDateTime ge 2026-03-01"},
		{501, "employeeOrgData/division", "employeeOrgData/division eq 'x'"},
		{501, "proxyAddresses/all", "proxyAddresses/all(x:x eq 'a')"},
		{501, "proxyAddresses/any()", "proxyAddresses/any()"},
		{501, "proxyAddresses/$count and 2", "proxyAddresses/$count eq 2"},
	} {
		w.expect(tt.status, tt.message, "GET", "/v1.0/users?$count=true&$filter="+tt.filter, "", advanced...)
	}
}

func TestOrder(t *testing.T) {
	w := crowd(t)
	for _, tt := range []struct {
		query  string
		header []string
		want   string
	}{
		{"$orderby=displayName", nil, "cabg"},
		{"$orderby=displayName asc", nil, "cabg"},
		{"$orderby=displayName desc", nil, "gbac"},
		{"$orderby=userPrincipalName desc", nil, "gcba"},
		{"$orderby=createdDateTime desc&$count=true", advanced, "gcba"},
		{"$orderby=displayName desc&$count=true&$filter=startsWith(displayName,'ann')", advanced, "ac"},
	} {
		if got := w.ids(tt.query, tt.header...); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.query, got, tt.want)
		}
	}
	for query, message := range map[string]string{
		"$orderby=displayName&$filter=startsWith(displayName,'a')": "Sorting not supported for current query.",
		"$orderby=createdDateTime":                                 "Sorting not supported for current query.",
		"$orderby=mail":                                            "Sorting not supported for current query.",
		"$orderby=displayName up":                                  "Invalid orderby clause",
		"$orderby=nonsense":                                        "'nonsense'",
	} {
		w.expect(400, message, "GET", "/v1.0/users?"+query, "")
	}
	w.expect(501, "$orderby", "GET", "/v1.0/users?$orderby=displayName,userPrincipalName", "")

	var got []string
	for path := "/v1.0/users?$select=id&$top=1&$orderby=displayName desc"; path != ""; {
		a := w.expect(200, "", "GET", path, "")
		got = append(got, a.body["value"].([]any)[0].(map[string]any)["id"].(string))
		next, _ := a.body["@odata.nextLink"].(string)
		path = strings.TrimPrefix(next, "https://graph.microsoft.com")
	}
	if strings.Join(got, "") != "gbac" {
		t.Errorf("page by page: %v", got)
	}
}

func TestSearch(t *testing.T) {
	w := crowd(t)
	for _, tt := range []struct{ search, want string }{
		{`"displayName:ann"`, "ac"},
		{`"displayName:mill"`, "a"},
		{`"displayName:smith ann"`, "a"},
		{`"displayName:millersmith"`, "a"},
		{`"displayName:iller"`, ""}, // it does not look inside words
		{`"displayName:world"`, "b"},
		{`"displayName:helloWorld"`, "b"},
		{`"displayName:2000"`, "c"},
		{`"mail:robert"`, "b"},
		{`"mail:example"`, ""},
		{`"userPrincipalName:GEN"`, "g"},
		{`"displayName:hello" OR "mail:ann@"`, "ab"},
		{`"displayName:ann" AND ("mail:ann" OR "mail:x")`, "a"},
		{`"displayName:a\"nn"`, ""},
	} {
		if got := w.ids("$search="+url.QueryEscape(tt.search), advanced...); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.search, got, tt.want)
		}
		if a := w.expect(400, "special request header", "GET", "/v1.0/users?$search="+url.QueryEscape(tt.search), ""); a.code() != "Request_UnsupportedQuery" {
			t.Errorf("without the header: %s", a.text)
		}
	}
	if got := w.ids(`$filter=accountEnabled eq true&$search=`+url.QueryEscape(`"displayName:ann"`)+`&$count=true&$orderby=displayName`, advanced...); got != "ca" {
		t.Errorf("with a filter and an order: %q", got)
	}
	if a := w.expect(200, "", "GET", `/v1.0/users/$count?$search=`+url.QueryEscape(`"displayName:ann"`), "", advanced...); a.text != "2" {
		t.Errorf("count = %s", a.text)
	}
	for search, status := range map[string]int{
		`ann`: 400, `"ann"`: 400, `"displayName:ann`: 400, `"displayName:ann" or "mail:x"`: 400, `"nonsense:x"`: 400, `"accountEnabled:true"`: 400,
		`"displayName:"`: 400, `"department:x"`: 501, `"aboutMe:x"`: 501, `"displayName:-"`: 501,
	} {
		w.expect(status, "", "GET", "/v1.0/users?$search="+url.QueryEscape(search), "", advanced...)
	}
}

func TestPagesOfUsers(t *testing.T) {
	w := newWire(t)
	w.s.GenerateUsers(1000, func(i int) aad.User { return aad.User{UserPrincipalName: fmt.Sprintf("%d@example.com", i)} })
	for query, want := range map[string]int{"": 100, "?$top=999": 999, "?$top=1": 1} {
		a := w.expect(200, "", "GET", "/v1.0/users"+query, "")
		if got := len(a.body["value"].([]any)); got != want || a.body["@odata.nextLink"] == nil {
			t.Errorf("%q: %d users; want %d, and a link", query, got, want)
		}
	}
	w.expect(400, "Invalid page size", "GET", "/v1.0/users?$top=0", "")
	id := w.s.AddGroup("g", w.s.AddUser(aad.User{UserPrincipalName: "a@example.com"}), w.s.AddUser(aad.User{UserPrincipalName: "b@example.com"}))
	a := w.expect(200, "", "GET", "/v1.0/groups/"+id+"/transitiveMembers/microsoft.graph.user?$count=true&$top=1", "", advanced...)
	if len(a.body["value"].([]any)) != 1 || a.body["@odata.count"] != 2.0 || a.body["@odata.nextLink"] == nil {
		t.Errorf("members = %s", a.text)
	}
}

// FuzzUserQuery: whatever is asked for is answered, or refused as wrong or as what is
// not modelled.
func FuzzUserQuery(f *testing.F) {
	for _, s := range []string{
		"accountEnabled eq true and not(startsWith(mail,'a'))", "proxyAddresses/any(x:x eq 'a' or endsWith(x,'b'))", "otherMails/$count ne 0",
		"createdDateTime ge 2026-03-02T09:00:00Z", "id in ('a','b')", "((", "'", "a/b/any(", `"displayName:ann" OR ("mail:x")`, "displayName desc", `"\`,
	} {
		f.Add(s)
	}
	w := wire{}
	f.Fuzz(func(t *testing.T, s string) {
		if w.t = t; w.s == nil {
			w = crowd(t)
		}
		for _, name := range []string{"$filter", "$search", "$orderby", "$select"} {
			a := w.send("GET", "/v1.0/users?$count=true&"+url.Values{name: {s}}.Encode(), "", advanced...)
			if !slices.Contains([]int{http.StatusOK, http.StatusBadRequest, http.StatusNotImplemented}, a.status) || a.body == nil {
				t.Errorf("%s=%q: %d %s", name, s, a.status, a.text)
			}
		}
	})
}

func TestWhatIsWrittenIsShown(t *testing.T) {
	w := newWire(t)
	made := w.expect(201, "", "POST", "/v1.0/users", fmt.Sprintf(someone, `,"usageLocation":"DE","mail":"b@example.com","otherMails":["x@example.org"],"userType":"Guest"`))
	one := "/v1.0/users/" + made.body["id"].(string)
	all := "?$select=mailNickname,usageLocation,mail,otherMails,userType,department,employeeId,businessPhones,employeeOrgData,passwordProfile,onPremisesExtensionAttributes,employeeHireDate"
	want := map[string]any{
		"mailNickname": "b", "usageLocation": "DE", "mail": "b@example.com", "otherMails": []any{"x@example.org"}, "userType": "Guest", "department": nil,
		"employeeId": nil, "businessPhones": []any{}, "employeeOrgData": nil, "onPremisesExtensionAttributes": nil, "employeeHireDate": nil,
		"passwordProfile": map[string]any{"password": nil, "forceChangePasswordNextSignIn": false, "forceChangePasswordNextSignInWithMfa": false},
	}
	shows := func() {
		t.Helper()
		got := w.expect(200, "", "GET", one+all, "").body
		delete(got, "@odata.context")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
	}
	shows()
	w.expect(204, "", "PATCH", one, `{"department":"IT","employeeId":"7","businessPhones":["1"],"employeeOrgData":{"division":"d"},"usageLocation":"AT",`+
		`"onPremisesExtensionAttributes":{"extensionAttribute1":"x"},"employeeHireDate":"2026-01-01T00:00:00Z","passwordProfile":{"forceChangePasswordNextSignIn":true}}`)
	want["department"], want["employeeId"], want["businessPhones"], want["usageLocation"] = "IT", "7", []any{"1"}, "AT"
	want["employeeOrgData"], want["onPremisesExtensionAttributes"] = map[string]any{"division": "d"}, map[string]any{"extensionAttribute1": "x"}
	want["employeeHireDate"], want["passwordProfile"].(map[string]any)["forceChangePasswordNextSignIn"] = "2026-01-01T00:00:00Z", true
	shows()
	w.expect(204, "", "PATCH", one, `{"department":null,"employeeOrgData":{"costCenter":"c"},"mail":null,"otherMails":[]}`)
	want["department"], want["mail"], want["otherMails"] = nil, nil, []any{}
	want["employeeOrgData"] = map[string]any{"division": "d", "costCenter": "c"}
	shows()
	w.expect(204, "", "PATCH", one, `{"id":"`+made.body["id"].(string)+`","employeeId":"8"}`) // as hamilton writes it
	want["employeeId"] = "8"
	shows()
	w.expect(400, "'id' is read-only", "PATCH", one, `{"id":"x"}`)
	w.expect(204, "", "PATCH", example, `{"passwordValidityPeriodInDays":90,"passwordNotificationWindowInDays":14}`)
	a := w.expect(200, "", "GET", example+"?$select=passwordValidityPeriodInDays,passwordNotificationWindowInDays", "")
	if a.body["passwordValidityPeriodInDays"] != 90.0 || a.body["passwordNotificationWindowInDays"] != 14.0 || a.body["id"] != nil {
		t.Errorf("domain = %s", a.text)
	}
}
