package recording_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
)

// members returns the names of all members of a JSON document.
func members(doc any, out map[string]bool) {
	switch d := doc.(type) {
	case map[string]any:
		for k, v := range d {
			out[k] = true
			members(v, out)
		}
	case []any:
		for _, v := range d {
			members(v, out)
		}
	}
}

// lost returns those of some names that do not stay.
func lost(t *testing.T, names map[string]bool) (out []string) {
	t.Helper()
	doc := make(map[string]int)
	for n := range names {
		doc[n] = 0
	}
	rec := recording.New()
	exchange(t, rec, get(t, "https://graph.microsoft.com/"), 200, http.Header{}, mustJSON(doc))
	stay := make(map[string]bool)
	for _, r := range rec.Remains() {
		stay[r.Value] = r.Kind == "member"
	}
	for n := range names {
		if !stay[n] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// TestOurNamesStay: every member that the clients' types have, and every one that both fakes answer with, keeps its name.
func TestOurNamesStay(t *testing.T) {
	names := make(map[string]bool)
	for _, v := range []any{aad.Domain{}, aad.DomainState{}, aad.User{}, aad.RoleAssignment{}, aad.RoleDefinition{}, aad.DNSRecord{}, aad.Organization{},
		jumpcloud.Group{}, jumpcloud.Object{}, jumpcloud.UserUpdate{}, jumpcloud.TranslationRule{}, jumpcloud.Office365Update{}, jumpcloud.ImportUser{}} {
		for i := range reflect.TypeOf(v).NumField() {
			if name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
				names[name] = true
			}
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d names", len(names))
	}
	for _, a := range captured(t) {
		var doc any
		if json.Unmarshal(a.body, &doc) == nil {
			members(doc, names)
		}
	}
	if l := lost(t, names); len(l) > 0 {
		t.Errorf("names that do not stay: %q", l)
	}
	if l := lost(t, map[string]bool{"favouriteColour": true, "Zebulon": true, "id": true}); !slices.Equal(l, []string{"Zebulon", "favouriteColour"}) {
		t.Errorf("of names that nobody knows, only %q do not stay", l)
	}
}

// TestFactsStay: what recordings are made for.
func TestFactsStay(t *testing.T) {
	for _, doc := range []string{
		`{"authenticationType":"Federated","isDefault":false,"passwordValidityPeriodInDays":2147483647,"supportedServices":["Email","Intune"]}`,
		`{"preferredAuthenticationProtocol":"wsFed","federatedIdpMfaBehavior":"enforceMfaByFederatedIdp","promptLoginBehavior":null}`,
		`{"preferredAuthenticationProtocol":"unknownFutureValue","signingCertificateUpdateStatus":{"certificateUpdateResult":"Success"}}`,
		`{"error":{"code":"Request_MultipleObjectsWithSameKeyValue","message":"Domain already has Federation Configuration set."}}`,
		`{"error":{"code":"Request_ResourceNotFound","message":"FederatedIdpMfaBehavior cannot be empty"}}`,
		`{"error":"INVALID_ARGUMENT","message":"user_group not found"}`, `{"status":400,"error":"The IdP URL is required"}`,
		`{"code":400,"message":"name is required","status":"Bad Request"}`, `{"message":"Already Exists"}`, `{"error":"invalid_grant"}`,
		`{"totalCount":"17","results":[]}`, `{"totalCount":17,"domains":[]}`, `{"State":3,"UserState":2,"NameSpaceType":"Federated","FederationGlobalVersion":-1}`,
		`{"federation_protocol":"SAML20","cloudinstancename":"microsoftonline.com"}`, `{"account_type":"Managed","ver":"1.0"}`,
		`{"name":"office365","displayName":"Microsoft 365","ssoUrl":"https://sso.jumpcloud.com/saml2/office365","sso":{"type":"saml","hidden":false}}`,
		`{"config":{"spEntityId":{"type":"text","label":"SP Entity ID:","value":"urn:federation:MicrosoftOnline","required":true,"position":3}}}`,
		`{"config":{"acsUrl":{"value":"https://login.microsoftonline.com/login.srf"},"subjectField":{"value":"immutableId"}}}`,
		`{"config":{"overrideNameIdFormat":{"value":"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},"signAssertion":{"value":true}}}`,
		`{"databaseAttributes":{"value":[{"name":"IDPEmail","value":"email","required":true}]}}`,
		`{"type":"office_365","oAuthStatus":{"error":"invalid_grant"}}`, `{"to":{"type":"user_group","attributes":null}}`,
		`{"builtIn":"user_principal_name_from_alternate_email","direction":"export"}`, `{"syncStatus":{"code":200,"message":"OK","details":[]}}`,
		`{"userLockoutAction":"maintain","userPasswordExpirationAction":"suspend","groupsEnabled":true}`,
		`{"roleDefinitionId":"62e90394-69f5-4237-9190-012177145e10","directoryScopeId":"/","principal":{"@odata.type":"#microsoft.graph.group"}}`,
		`{"tenantType":"AAD","onPremisesSyncEnabled":null,"verifiedDomains":[{"capabilities":"Email, OfficeCommunicationsOnline","type":"Managed"}]}`,
		`{"validatingDomains":{"@odata.type":"#microsoft.graph.enumeratedDomains","rootDomains":"enumerated"}}`,
		`{"recordType":"Txt","supportedService":"Email","ttl":3600,"isOptional":false}`, `{"userType":"Guest","externalUserState":"PendingAcceptance"}`,
		`{"state":"ACTIVATED","mfaEnrollment":{"totpStatus":"ENROLLED"},"account_locked":false}`, `{"event_type":"sso_auth","service":"sso","idp_initiated":true}`,
		`{"authenticationProtocol":"saml20","incomingTokenType":"saml11","status":{"errorCode":50107}}`, `{"token_type":"Bearer","expires_in":3599,"scope":"api"}`,
		`{"lastRunDateTime":"0001-01-01T00:00:00Z","id":"00000000-0000-0000-0000-000000000000"}`, `{"@odata.count":17,"value":[]}`,
	} {
		rec := recording.New()
		exchange(t, rec, get(t, "https://graph.microsoft.com/v1.0/domains"), 200, http.Header{"Content-Type": {"application/json"}}, []byte(doc))
		if got := string(rec.Recording().Exchanges[0].Answer.JSON); got != doc {
			t.Errorf("%s\nbecomes %s", doc, got)
		}
	}
}

// TestHeaders: which headers stay, and what becomes of their values.
func TestHeaders(t *testing.T) {
	rec := recording.New()
	req := get(t, "https://console.jumpcloud.com/api/v2/directories")
	for name, value := range map[string]string{"Authorization": "Bearer a", "X-Api-Key": "a", "Cookie": "a=b", "User-Agent": "quackfabrik", "Consistencylevel": "eventual",
		"X-Org-Id": "617c3664e6f8ae27f7e1201e"} {
		req.Header.Set(name, value)
	}
	exchange(t, rec, req, 429, http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Date": {"Thu, 29 Feb 2024 12:34:56 GMT"}, "Etag": {`W/"2-l9Fw4VUO7kr8CvBlt4zaMCqXZ0w"`},
		"Retry-After": {"2.128"}, "X-Total-Count": {"17"}, "X-Ms-Resource-Unit": {"2"}, "X-Ms-Throttle-Limit-Percentage": {"1.2"},
		"X-Ms-Throttle-Scope":       {"Tenant_Application/ReadWrite/9f8e7d6c-5b4a-4321-8fed-cba987654321/9f8e7d6c-5b4a-4321-8fed-cba987654321"},
		"X-Ms-Throttle-Information": {"CPULimitExceeded"}, "Location": {"/login"}, "Cf-Ray": {"80e618d4be38a783-EZE"}, "Set-Cookie": {"a=b"},
		"Www-Authenticate": {`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="Zebulon"`},
		"Link":             {`<https://console.jumpcloud.com/api/v2/directories?skip=100>; rel="next"`}, "Server": {"quackfabrik"},
	}, []byte("[]"))
	x := rec.Recording().Exchanges[0]
	if len(x.Header) != 2 || x.Header["Consistencylevel"] != "eventual" || len(x.Header["X-Org-Id"]) != 24 {
		t.Errorf("request: %v", x.Header)
	}
	h := x.Answer.Header
	for name, want := range map[string]string{
		"Content-Type": "application/json;charset=utf-8", "Retry-After": "2.128", "X-Total-Count": "17", "X-Ms-Resource-Unit": "2", "X-Ms-Throttle-Limit-Percentage": "1.2",
		"X-Ms-Throttle-Information": "CPULimitExceeded", "Location": "/login", "Link": `<https://console.jumpcloud.com/api/v2/directories?skip=100>; rel="next"`,
		"Etag": "", "Set-Cookie": "", "Server": "",
	} {
		if h[name] != want {
			t.Errorf("%s: %q; want %q", name, h[name], want)
		}
	}
	if s := h["X-Ms-Throttle-Scope"]; !strings.HasPrefix(s, "Tenant_Application/ReadWrite/") || strings.Contains(s, "9f8e7d6c") || len(s) != 102 {
		t.Errorf("X-Ms-Throttle-Scope: %s", s)
	}
	if len(h["Cf-Ray"]) != 16 || strings.Contains(h["Www-Authenticate"], "Zebulon") || !strings.Contains(h["Www-Authenticate"], "/common/oauth2/authorize") {
		t.Errorf("%v", h)
	}
}

// TestWhatRemainsIsShown: whatever stands in a recording and stood in what was recorded is shown before it is written.
func TestWhatRemainsIsShown(t *testing.T) {
	rec := recording.New()
	real := make(map[string]bool)
	for _, a := range captured(t) {
		req := get(t, a.req.URL.String())
		exchange(t, rec, req, a.status, a.header, a.body)
		text := a.req.URL.Path + " " + a.req.URL.RawQuery + " " + string(a.body)
		for name, values := range a.header {
			text += " " + name + " " + strings.Join(values, " ")
		}
		parts(text, real)
	}
	_, text := written(t, rec)
	recorded, shown := make(map[string]bool), make(map[string]bool)
	parts(text, recorded)
	for _, r := range rec.Remains() {
		parts(r.Value, shown)
	}
	parts("version exchanges method answer status header json text mark GET", shown) // the file's own
	parts("Client-Request-Id Content-Type Date Request-Id Cf-Ray X-Ms-Resource-Unit X-Total-Count X-Limit X-Sort X-Result-Count X-Search_after", shown)
	parts("encoding utf-8 xml xmlns https example null", shown)
	if len(real) < 300 || len(shown) < 200 {
		t.Errorf("%d parts were recorded, and %d are shown", len(real), len(shown))
	}
	for p := range recorded {
		if real[p] && !shown[p] {
			t.Errorf("%q is in the recording and is not shown", p)
		}
	}
}

func unhex(s string) byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b[0]
}

var percentForm = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// parts adds the words of a text, in small letters, that have so many characters that none is there by
// chance, and begin with a letter.
func parts(text string, out map[string]bool) {
	text = percentForm.ReplaceAllStringFunc(text, func(s string) string { return string(rune(unhex(s[1:]))) })
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < '0' || r > '9' && r < 'a' || r > 'z' }) {
		if len(w) >= 6 && w[0] > '9' {
			out[w] = true
		}
	}
}
