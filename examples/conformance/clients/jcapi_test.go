package clients

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/TheJumpCloud/jcapi-go/v1"
	v2 "github.com/TheJumpCloud/jcapi-go/v2"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

const js = "application/json"

type opts = map[string]any

// organization is jcapi-go in front of an organisation with three people, a group of
// two, a directory and an application.
type organization struct {
	*jumpcloudtest.Server
	v1                    *v1.APIClient
	v2                    *v2.APIClient
	ctx1, ctx2            context.Context // they carry the key
	alice, bob            string
	group, directory, app string
}

func newOrganization(t *testing.T) *organization {
	t.Helper()
	o := &organization{Server: &jumpcloudtest.Server{}}
	o.alice = o.AddUser(jumpcloud.User{Username: "alice", Email: "alice@example.com", FirstName: "Alice"})
	o.bob = o.AddUser(jumpcloud.User{Username: "bob", Email: "bob@example.com"})
	o.AddUser(jumpcloud.User{Username: "carol", Email: "carol@example.org"})
	o.group = o.AddGroup("Everybody", o.alice, o.bob)
	o.directory = o.AddDirectory("Microsoft 365")
	o.app = o.AddApplication(jumpcloud.Office365Template, "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
	c1, c2 := v1.NewConfiguration(), v2.NewConfiguration()
	c1.HTTPClient, c2.HTTPClient = o.HTTPClient(), o.HTTPClient()
	o.v1, o.v2 = v1.NewAPIClient(c1), v2.NewAPIClient(c2)
	o.ctx1 = context.WithValue(t.Context(), v1.ContextAPIKey, v1.APIKey{Key: "not-a-real-key"})
	o.ctx2 = context.WithValue(t.Context(), v2.ContextAPIKey, v2.APIKey{Key: "not-a-real-key"})
	return o
}

// got demands that a call succeeded, and returns what it decoded.
func got[T any](t *testing.T, what string) func(T, *http.Response, error) T {
	return func(v T, _ *http.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

// done is got for calls that return nothing.
func done(t *testing.T, what string) func(*http.Response, error) {
	return func(_ *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// rejected demands an error of a status with words. jcapi-go puts both into its text.
func rejected(t *testing.T, what string, resp *http.Response, err error, status int, words ...string) {
	t.Helper()
	if err == nil || resp == nil || resp.StatusCode != status {
		t.Errorf("%s: %v; want status %d", what, err, status)
		return
	}
	for _, w := range words {
		if !strings.Contains(strings.ReplaceAll(err.Error(), `\"`, `"`), w) {
			t.Errorf("%s: %v; want %q in it", what, err, w)
		}
	}
}

func usernames(list v1.Systemuserslist) []string {
	names := []string{}
	for _, u := range list.Results {
		names = append(names, u.Username)
	}
	return names
}

func TestJCAPIUsers(t *testing.T) {
	o := newOrganization(t)
	users := o.v1.SystemusersApi
	for _, tt := range []struct {
		name string
		opts opts
		want string
	}{
		{"sorted", opts{"sort": "username"}, "alice bob carol"},
		{"sorted the other way", opts{"sort": "-username"}, "carol bob alice"},
		{"second page", opts{"sort": "username", "limit": int32(1), "skip": int32(1)}, "bob"},
		{"filter", opts{"filter": "email:$eq:bob@example.com"}, "bob"},
		{"search", opts{"search": "@example.org", "fields": "username email"}, "carol"},
	} {
		list := got[v1.Systemuserslist](t, tt.name)(users.SystemusersList(o.ctx1, js, js, tt.opts))
		if names := strings.Join(usernames(list), " "); names != tt.want || list.TotalCount == 0 {
			t.Errorf("%s: %s of %d, want %s", tt.name, names, list.TotalCount, tt.want)
		}
	}
	made := got[v1.Systemuserreturn](t, "create")(users.SystemusersPost(o.ctx1, js, js, opts{"body": v1.Systemuserputpost{
		Username: "dana", Email: "dana@example.com", Firstname: "Dana", Department: "Sales", Sudo: true,
		Attributes: []any{opts{"name": "badge", "value": "7"}},
	}}))
	if made.Department != "Sales" || !made.Sudo || len(made.Attributes) != 1 {
		t.Errorf("created %+v", made)
	}
	_, resp, err := users.SystemusersPost(o.ctx1, js, js, opts{"body": v1.Systemuserputpost{Username: "dana", Email: "other@example.com"}})
	rejected(t, "a second user of the same name", resp, err, http.StatusConflict)
	changed := got[v1.Systemuserreturn](t, "update")(users.SystemusersPut(o.ctx1, made.Id, js, js, opts{"body": v1.Systemuserput{JobTitle: "Clerk"}}))
	if changed.JobTitle != "Clerk" || changed.Department != "Sales" {
		t.Errorf("updated %+v", changed)
	}
	one := got[v1.Systemuserreturn](t, "get")(users.SystemusersGet(o.ctx1, made.Id, js, js, opts{"fields": "jobTitle"}))
	if one.JobTitle != "Clerk" || one.Email != "" {
		t.Errorf("a field of the user: %+v", one)
	}
	done(t, "unlock")(users.SystemusersUnlock(o.ctx1, made.Id, js, js, nil))
	got[v1.Systemuserreturn](t, "delete")(users.SystemusersDelete(o.ctx1, made.Id, js, js, nil))
	_, resp, err = users.SystemusersGet(o.ctx1, made.Id, js, js, nil)
	rejected(t, "a deleted user", resp, err, http.StatusNotFound)
}

// filter is an expression of a search, as jcapi-go wants it.
func filter(v any) *any { return &v }

func TestJCAPISearch(t *testing.T) {
	o := newOrganization(t)
	for _, tt := range []struct {
		name   string
		search v1.Search
		want   []string
	}{
		{"texts, as jc-cli sends them", v1.Search{Filter: filter(opts{"and": []string{"email:$eq:bob@example.com"}})}, []string{"bob"}},
		{"texts with an operator", v1.Search{Filter: filter(opts{"and": []string{"username:$gt:alice", "username:$lt:carol"}})}, []string{"bob"}},
		{"one of two", v1.Search{Filter: filter(opts{"or": []opts{{"username": "alice"}, {"username": "carol"}}})}, []string{"alice", "carol"}},
		{"a list", v1.Search{Filter: filter([]opts{{"username": "alice"}})}, []string{"alice"}},
		{"terms", v1.Search{SearchFilter: filter(opts{"searchTerm": "EXAMPLE.org", "fields": []string{"email"}}), Fields: "username"}, []string{"carol"}},
		{"nobody", v1.Search{Filter: filter(opts{"and": []string{"username:$eq:nobody"}})}, []string{}},
	} {
		list := got[v1.Systemuserslist](t, tt.name)(o.v1.SearchApi.SearchSystemusersPost(o.ctx1, js, js, opts{"body": tt.search}))
		if names := sorted(usernames(list)); !slices.Equal(names, tt.want) || int(list.TotalCount) != len(tt.want) {
			t.Errorf("%s: %v of %d, want %v", tt.name, names, list.TotalCount, tt.want)
		}
	}
	for words, search := range map[string]v1.Search{
		`the filter "not"`:      {Filter: filter(opts{"not": []opts{{"username": "alice"}}})},
		"operators in a search": {Filter: filter(opts{"and": []opts{{"username": opts{"$regex": "^a"}}}})},
		`"exact"`:               {SearchFilter: filter(opts{"searchTerm": "a", "fields": []string{"email"}, "exact": true})},
	} {
		_, resp, err := o.v1.SearchApi.SearchSystemusersPost(o.ctx1, js, js, opts{"body": search})
		rejected(t, words, resp, err, http.StatusNotImplemented, words)
	}
}

func TestJCAPIApplications(t *testing.T) {
	o := newOrganization(t)
	apps := o.v1.ApplicationsApi
	organizations := got[v1.Organizationslist](t, "organizations")(o.v1.OrganizationsApi.OrganizationList(o.ctx1, js, js, nil))
	if len(organizations.Results) != 1 || organizations.Results[0].Id != o.OrgID() {
		t.Errorf("organizations: %+v", organizations)
	}
	templates := got[v1.Applicationtemplateslist](t, "templates")(o.v1.ApplicationTemplatesApi.ApplicationTemplatesList(o.ctx1, js, js, opts{"filter": "name:$eq:office365"}))
	if len(templates.Results) != 1 || templates.Results[0].Name != "office365" {
		t.Errorf("templates: %+v", templates)
	}
	list := got[v1.Applicationslist](t, "list")(apps.ApplicationsList(o.ctx1, js, js, nil))
	if len(list.Results) != 1 || list.Results[0].Id != o.app || list.TotalCount != 1 {
		t.Errorf("applications: %+v", list)
	}
	app := got[v1.Application](t, "get")(apps.ApplicationsGet(o.ctx1, o.app, nil))
	certificate := app.Config.IdpCertificate.Value
	if app.Config.IdpEntityId.Value != "urn:uri:example.com" || certificate == "" {
		t.Errorf("the application: %+v", app.Config)
	}
	app.DisplayLabel = "Office"
	kept := got[v1.Application](t, "put")(apps.ApplicationsPut(o.ctx1, o.app, opts{"body": app}))
	if kept.DisplayLabel != "Office" || kept.Config.IdpCertificate.Value != certificate {
		t.Errorf("what was read and written back has the label %q, and another certificate: %t", kept.DisplayLabel, kept.Config.IdpCertificate.Value != certificate)
	}
	app.Config.IdpCertificate = nil
	renewed := got[v1.Application](t, "put without the certificate")(apps.ApplicationsPut(o.ctx1, o.app, opts{"body": app}))
	if renewed.Config.IdpCertificate.Value == certificate || renewed.Config.IdpCertificate.Value == "" {
		t.Error("a PUT without the certificate has not made a new one")
	}
	made := got[v1.Application](t, "create")(apps.ApplicationsPost(o.ctx1, opts{"body": v1.Application{
		Name: "saml2", DisplayLabel: "Another", SsoUrl: "https://sso.jumpcloud.com/saml2/another", Config: &v1.ApplicationConfig{
			IdpEntityId: &v1.ApplicationConfigAcsUrl{Value: "another"}, AcsUrl: &v1.ApplicationConfigAcsUrl{Value: "https://app.example.com/acs"},
		},
	}}))
	if made.Id == "" || made.Config.AcsUrl.Value != "https://app.example.com/acs" {
		t.Errorf("created %+v", made)
	}
	_, resp, err := apps.ApplicationsPost(o.ctx1, opts{"body": v1.Application{Name: "saml2", SsoUrl: "https://sso.jumpcloud.com/saml2/another"}})
	if err == nil {
		t.Errorf("a second application at the same address was made, %d", resp.StatusCode)
	}
	got[v1.Application](t, "delete")(apps.ApplicationsDelete(o.ctx1, made.Id, nil))
	_, resp, err = apps.ApplicationsGet(o.ctx1, made.Id, nil)
	rejected(t, "a deleted application", resp, err, http.StatusNotFound)
}

// TestJCAPITrouble shows what reaches a client that tries nothing twice.
func TestJCAPITrouble(t *testing.T) {
	for _, tt := range []struct {
		fault  jumpcloudtest.Fault
		status int
		header string
	}{
		{jumpcloudtest.Fault{Kind: jumpcloudtest.TooMany, RetryAfter: "7"}, http.StatusTooManyRequests, "7"},
		{jumpcloudtest.Fault{Kind: jumpcloudtest.TooManyBare}, http.StatusTooManyRequests, ""},
		{jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503}, http.StatusServiceUnavailable, ""},
		{jumpcloudtest.SuspectedAbuse(), http.StatusForbidden, ""},
	} {
		o := newOrganization(t)
		o.Fault = func(*http.Request) jumpcloudtest.Fault { return tt.fault }
		_, resp, err := o.v1.SystemusersApi.SystemusersList(o.ctx1, js, js, nil)
		rejected(t, tt.fault.Kind.String(), resp, err, tt.status)
		if resp != nil && resp.Header.Get("Retry-After") != tt.header {
			t.Errorf("%v: Retry-After is %q, want %q", tt.fault.Kind, resp.Header.Get("Retry-After"), tt.header)
		}
	}
	o := newOrganization(t)
	o.v1.SystemusersApi.SystemusersList(t.Context(), js, js, nil) // without a key one is sent to /login, where there is no JSON
	if r := o.Requests(); len(r) == 0 || r[0].Status != http.StatusFound {
		t.Errorf("without a key: %+v", r)
	}
}
