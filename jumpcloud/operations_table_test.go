package jumpcloud_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

const (
	realUser = `{"account_locked":false,"account_locked_date":null,"activated":true,"email":"dana.reyes@contoso.com","externally_managed":false,"firstname":"Dana","lastname":"Reyes","displayname":"Dana R","employeeIdentifier":null,"state":"ACTIVATED","suspended":false,"username":"dana.reyes","created":"2021-02-12T17:45:42.369Z","_id":"6026bec6b8207255280d5981","id":"6026bec6b8207255280d5981"}`
	realApp  = `{"_id":"617c3664e6f8ae27f7e1201e","id":"617c3664e6f8ae27f7e1201e","active":true,"name":"aws-sso","displayName":"AWS SSO","displayLabel":"AWS SSO","beta":false,"color":null,"organization":"60259a2ad81e1a474d4e7c83","logo":{"url":"https://example.com/x.png"},"ssoUrl":"https://sso.jumpcloud.com/saml2/aws-sso","learnMore":"","description":"","config":"[REDACTED]","databaseAttributes":[],"created":"2021-10-29T17:59:00.448Z","sso":{"jit":false,"beta":false,"type":"saml","idpCertExpirationAt":"2026-10-29T17:58:59.000Z"}}`
	group1   = `{"attributes":null,"id":"6026da081f24755306c2ee0d","name":"My Test Group","type":"user_group","email":"","description":"Testing!"}`
	reach1   = `[{"id":"6026bec6b8207255280d5981","type":"user","compiledAttributes":{"Hello":"World"},"paths":[[{"attributes":null,"to":{"attributes":null,"id":"6026da081f24755306c2ee0d","type":"user_group"}},{"attributes":null,"to":{"attributes":null,"id":"6026bec6b8207255280d5981","type":"user"}}]]}]`
	office   = `{"id":"d1","name":"M365","groupsEnabled":true,"userLockoutAction":"suspend","userPasswordExpirationAction":"maintain","defaultDomain":{"id":"dd","domain":"example.com"}}`
)

var (
	wantUser = &jumpcloud.User{
		ID: "6026bec6b8207255280d5981", Username: "dana.reyes", Email: "dana.reyes@contoso.com", FirstName: "Dana", LastName: "Reyes",
		DisplayName: "Dana R", State: jumpcloud.Activated, Activated: true, Created: time.Date(2021, 2, 12, 17, 45, 42, 369e6, time.UTC),
		Raw: json.RawMessage(realUser),
	}
	wantApp = &jumpcloud.Application{
		ID: "617c3664e6f8ae27f7e1201e", Name: "aws-sso", DisplayName: "AWS SSO", DisplayLabel: "AWS SSO", SSOURL: "https://sso.jumpcloud.com/saml2/aws-sso",
		OrganizationID: "60259a2ad81e1a474d4e7c83", Active: true, SSOType: "saml",
		CertificateExpires: time.Date(2026, 10, 29, 17, 58, 59, 0, time.UTC), Created: time.Date(2021, 10, 29, 17, 59, 0, 448e6, time.UTC),
	}
	wantReach = []*jumpcloud.Reach{{
		Object: jumpcloud.Object{Type: jumpcloud.UserObject, ID: "6026bec6b8207255280d5981"},
		Paths: [][]jumpcloud.Object{{
			{Type: jumpcloud.GroupObject, ID: "6026da081f24755306c2ee0d"}, {Type: jumpcloud.UserObject, ID: "6026bec6b8207255280d5981"},
		}},
		CompiledAttributes: json.RawMessage(`{"Hello":"World"}`),
	}}
	wantOffice = &jumpcloud.Office365{
		ID: "d1", Name: "M365", GroupsEnabled: true, UserLockoutAction: "suspend", UserPasswordExpirationAction: "maintain",
		DefaultDomain: &jumpcloud.DirectoryDomain{ID: "dd", Domain: "example.com", Default: true},
	}
)

func ptr[T any](v T) *T { return &v }

// operation is one method of the client on its simplest path.
type operation struct {
	name   string
	call   func(context.Context, *jumpcloud.Client) (any, error)
	want   seen // query "limit", "skip" and "sort" of lists included
	status int
	body   string
	header http.Header
	result any
	scope  string
	write  bool // refused by a ReadOnly client
	create bool // not safe to repeat
	gone   bool // 404 is success
	there  bool // 409 is success, or leads to a look
}

var totals = http.Header{"X-Total-Count": {"1"}}

var operations = []operation{
	{
		name:   "Organizations",
		call:   func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Organizations(ctx)) },
		want:   seen{Method: "GET", Path: "/api/organizations", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}}},
		body:   `{"totalCount":1,"results":[{"_id":"60259a2ad81e1a474d4e7c83","id":"60259a2ad81e1a474d4e7c83","displayName":null,"logoUrl":null,"created":"2021-02-11T20:57:14.837Z"}]}`,
		result: []*jumpcloud.Organization{{ID: "60259a2ad81e1a474d4e7c83", Created: time.Date(2021, 2, 11, 20, 57, 14, 837e6, time.UTC)}},
		scope:  "organizations.readonly",
	},
	{
		name: "Users",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Users(ctx, nil)) },
		want: seen{Method: "GET", Path: "/api/systemusers", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}}},
		body: `{"totalCount":1,"results":[` + realUser + `]}`, result: []*jumpcloud.User{wantUser}, scope: "users.readonly",
	},
	{
		name: "Users with options",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Users(ctx, &jumpcloud.UsersOptions{
				Filter: []string{jumpcloud.Eq("email", "o'neil+x,\"y\"@exämple.com"), jumpcloud.In("state", "ACTIVATED", "a|b")},
				Fields: []string{"email", "state"}, Search: "dana",
			}))
		},
		want: seen{Method: "GET", Path: "/api/systemusers", Query: url.Values{
			"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}, "fields": {"_id email state"}, "search": {"dana"},
			"filter[0]": {"email:$eq:o'neil+x,\"y\"@exämple.com"}, "filter[1]": {`state:$in:ACTIVATED|a\|b`},
		}},
		body:   `{"totalCount":1,"results":[` + realUser + `]}`,
		result: []*jumpcloud.User{{ID: wantUser.ID, Email: wantUser.Email, State: jumpcloud.Activated}}, scope: "users.readonly",
	},
	{
		name: "SearchUsers",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.SearchUsers(ctx, jumpcloud.UserSearch{
				Terms: []string{"@x.com"}, TermFields: []string{"email"}, Any: []jumpcloud.Condition{{Field: "department", Value: "IT"}}, Fields: []string{"email"},
			}))
		},
		want: seen{Method: "POST", Path: "/api/search/systemusers", Query: url.Values{},
			Body: `{"fields":"_id email","filter":{"or":[{"department":"IT"}]},"limit":100,"searchFilter":{"fields":["email"],"searchTerm":["@x.com"]},"skip":0,"sort":"_id"}`},
		body: `{"totalCount":"1","results":[` + realUser + `]}`, result: []*jumpcloud.User{{ID: wantUser.ID, Email: wantUser.Email}}, scope: "users.readonly",
	},
	{
		name: "User",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.User(ctx, "u1") },
		want: seen{Method: "GET", Path: "/api/systemusers/u1"}, body: realUser, result: wantUser, scope: "users.readonly",
	},
	{
		name: "CreateUser",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.CreateUser(ctx, jumpcloud.User{ID: "ignored", Username: "dana.reyes", Email: "dana.reyes@contoso.com", FirstName: "Dana", State: jumpcloud.Staged, Suspended: true})
		},
		want: seen{Method: "POST", Path: "/api/systemusers", Body: `{"email":"dana.reyes@contoso.com","firstname":"Dana","state":"STAGED","username":"dana.reyes"}`},
		body: realUser, result: wantUser, scope: "users", write: true, create: true,
	},
	{
		name: "UpdateUser",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.UpdateUser(ctx, "u1", jumpcloud.UserUpdate{Email: ptr("dana.reyes@contoso.com"), DisplayName: ptr("")})
		},
		want: seen{Method: "PUT", Path: "/api/systemusers/u1", Body: `{"email":"dana.reyes@contoso.com","displayname":""}`},
		body: realUser, result: wantUser, scope: "users", write: true,
	},
	{
		name: "Groups",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Groups(ctx)) },
		want: seen{Method: "GET", Path: "/api/v2/usergroups", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"id"}}},
		body: "[" + group1 + "]", header: totals, scope: "groups.readonly",
		result: []*jumpcloud.Group{{ID: "6026da081f24755306c2ee0d", Name: "My Test Group", Description: "Testing!", Attributes: json.RawMessage("null")}},
	},
	{
		name: "Groups by a plain name",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Groups(ctx, "Müller GmbH-1"))
		},
		want: seen{Method: "GET", Path: "/api/v2/usergroups", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"id"}, "filter": {"name:eq:Müller GmbH-1"}}},
		body: "[" + group1 + "]", header: totals, result: []*jumpcloud.Group(nil), scope: "groups.readonly",
	},
	{
		name: "Groups by a name that a filter would misread",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Groups(ctx, "Sales, EMEA*"))
		},
		want: seen{Method: "GET", Path: "/api/v2/usergroups", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"id"}}},
		body: `[{"id":"g","name":"Sales, EMEA*"},` + group1 + "]", header: http.Header{"X-Total-Count": {"2"}}, result: []*jumpcloud.Group{{ID: "g", Name: "Sales, EMEA*"}}, scope: "groups.readonly",
	},
	{
		name: "Group",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Group(ctx, "g1") },
		want: seen{Method: "GET", Path: "/api/v2/usergroups/g1"}, body: `{"id":"g1","name":"G","membershipMethod":"DYNAMIC_AUTOMATED","attributes":{"x":1}}`,
		result: &jumpcloud.Group{ID: "g1", Name: "G", MembershipMethod: "DYNAMIC_AUTOMATED", Attributes: json.RawMessage(`{"x":1}`)}, scope: "groups.readonly",
	},
	{
		name: "CreateGroup",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.CreateGroup(ctx, jumpcloud.Group{Name: "G", Description: "D"})
		},
		want: seen{Method: "POST", Path: "/api/v2/usergroups", Body: `{"description":"D","name":"G"}`}, status: 201, body: `{"id":"g1","name":"G"}`,
		result: &jumpcloud.Group{ID: "g1", Name: "G"}, scope: "groups", write: true, create: true,
	},
	{
		name: "DeleteGroup",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return nil, c.DeleteGroup(ctx, "g1") },
		want: seen{Method: "DELETE", Path: "/api/v2/usergroups/g1"}, status: 204, scope: "groups", write: true, gone: true,
	},
	{
		name: "GroupMembers",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.GroupMembers(ctx, "g1")) },
		want: seen{Method: "GET", Path: "/api/v2/usergroups/g1/members", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: `[{"attributes":null,"to":{"attributes":null,"id":"u1","type":"user"}},{"to":{"id":"x","type":"something"}}]`, result: []string{"u1"}, scope: "users.readonly",
	},
	{
		name: "GroupMembership",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.GroupMembership(ctx, "g1"))
		},
		want: seen{Method: "GET", Path: "/api/v2/usergroups/g1/membership", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: reach1, result: wantReach, scope: "users.readonly",
	},
	{
		name: "AddGroupMember",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.AddGroupMember(ctx, "g1", "u1")
		},
		want: seen{Method: "POST", Path: "/api/v2/usergroups/g1/members", Body: `{"id":"u1","op":"add","type":"user"}`}, status: 204, scope: "groups", write: true, there: true,
	},
	{
		name: "RemoveGroupMember",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.RemoveGroupMember(ctx, "g1", "u1")
		},
		want: seen{Method: "POST", Path: "/api/v2/usergroups/g1/members", Body: `{"id":"u1","op":"remove","type":"user"}`}, status: 204, scope: "groups", write: true, gone: true,
	},
	{
		name: "Applications",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Applications(ctx)) },
		want: seen{Method: "GET", Path: "/api/applications", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}}},
		body: `{"totalCount":1,"results":[` + realApp + `]}`, result: []*jumpcloud.Application{wantApp}, scope: "applications.readonly",
	},
	{
		name: "Applications of templates",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Applications(ctx, "office365", "aws-sso"))
		},
		want: seen{Method: "GET", Path: "/api/applications", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}, "filter": {"name:$in:office365|aws-sso"}}},
		body: `{"totalCount":1,"results":[` + realApp + `]}`, result: []*jumpcloud.Application{wantApp}, scope: "applications.readonly",
	},
	{
		name: "Application",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Application(ctx, "a1") },
		want: seen{Method: "GET", Path: "/api/applications/a1"}, body: realApp, result: wantApp, scope: "applications.readonly",
	},
	{
		name: "DeleteApplication",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.DeleteApplication(ctx, "a1")
		},
		want: seen{Method: "DELETE", Path: "/api/applications/a1"}, body: realApp, scope: "applications", write: true, gone: true,
	},
	{
		name:   "Templates",
		call:   func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Templates(ctx)) },
		want:   seen{Method: "GET", Path: "/api/application-templates", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}}},
		body:   `{"totalCount":1,"results":[{"_id":"t1","name":"saml2","displayName":"SAML2.0","sso":{"type":"saml"},"status":"beta","config":{}}]}`,
		result: []*jumpcloud.Template{{ID: "t1", Name: "saml2", DisplayName: "SAML2.0", SSOType: "saml", Status: "beta"}}, scope: "applicationtemplates.readonly",
	},
	{
		name: "Template",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Template(ctx, "saml2") },
		want: seen{Method: "GET", Path: "/api/application-templates", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "sort": {"_id"}, "filter": {"name:$eq:saml2"}}},
		body: `{"totalCount":2,"results":[{"name":"other"},{"name":"saml2","config":null}]}`, result: &jumpcloud.Template{Name: "saml2"}, scope: "applicationtemplates.readonly",
	},
	{
		name: "Associations",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Associations(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: "d1"}, jumpcloud.GroupObject))
		},
		want: seen{Method: "GET", Path: "/api/v2/office365s/d1/associations", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "targets": {"user_group"}}},
		body: `[{"attributes":null,"to":{"attributes":null,"id":"g1","type":"user_group"}}]`, result: []jumpcloud.Object{{Type: jumpcloud.GroupObject, ID: "g1"}}, scope: "directories.readonly",
	},
	{
		name: "Associate",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.Associate(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: "a1"}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: "g1"})
		},
		want: seen{Method: "POST", Path: "/api/v2/applications/a1/associations", Body: `{"id":"g1","op":"add","type":"user_group"}`}, status: 204,
		scope: "applications", write: true, there: true,
	},
	{
		name: "Dissociate",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.Dissociate(ctx, jumpcloud.Object{Type: jumpcloud.UserObject, ID: "u1"}, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: "d1"})
		},
		want: seen{Method: "POST", Path: "/api/v2/users/u1/associations", Body: `{"id":"d1","op":"remove","type":"office_365"}`}, status: 204, scope: "users", write: true,
	},
	{
		name: "Traverse",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Traverse(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: "a1"}, jumpcloud.UserObject))
		},
		want: seen{Method: "GET", Path: "/api/v2/applications/a1/users", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: reach1, result: wantReach, scope: "users.readonly",
	},
	{
		name: "Directories",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Directories(ctx)) },
		want: seen{Method: "GET", Path: "/api/v2/directories", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: `[{"id":"d1","type":"g_suite","name":"Workspace","organizationId":"o1"},` +
			`{"id":"d2","type":"office_365","name":"Broken","defaultDomain":{},"oAuthStatus":{"expiry":{"seconds":"1703732260"},"error":"invalid_grant","errorMessage":"AADSTS9002313"}},` +
			`{"id":"d3","type":"office_365","name":"Healthy","defaultDomain":{"id":"dd","domain":"example.com"},"oAuthStatus":{"expiry":{"seconds":1913732260}}}]`,
		result: []*jumpcloud.Directory{
			{ID: "d1", Name: "Workspace", Type: "g_suite", OrganizationID: "o1"},
			{ID: "d2", Name: "Broken", Type: jumpcloud.DirectoryObject, OAuth: &jumpcloud.OAuthStatus{Expiry: time.Unix(1703732260, 0).UTC(), Error: "invalid_grant", Message: "AADSTS9002313"}},
			{ID: "d3", Name: "Healthy", Type: jumpcloud.DirectoryObject, OAuth: &jumpcloud.OAuthStatus{Expiry: time.Unix(1913732260, 0).UTC()},
				DefaultDomain: &jumpcloud.DirectoryDomain{ID: "dd", Domain: "example.com", Default: true}},
		},
		scope: "directories.readonly",
	},
	{
		name: "Office365",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Office365(ctx, "d1") },
		want: seen{Method: "GET", Path: "/api/v2/office365s/d1"}, body: office, result: wantOffice, scope: "directories.readonly",
	},
	{
		name: "UpdateOffice365",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.UpdateOffice365(ctx, "d1", jumpcloud.Office365Update{GroupsEnabled: ptr(true), UserLockoutAction: ptr("suspend")})
		},
		want: seen{Method: "PATCH", Path: "/api/v2/office365s/d1", Body: `{"groupsEnabled":true,"userLockoutAction":"suspend"}`}, body: office, result: wantOffice,
		scope: "directories", write: true,
	},
	{
		name: "SetOffice365DefaultDomain",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.SetOffice365DefaultDomain(ctx, "d1", "dd")
		},
		want: seen{Method: "PATCH", Path: "/api/v2/office365s/d1", Body: `{"defaultDomain":{"id":"dd"}}`}, body: office, scope: "directories", write: true,
	},
	{
		name: "UnsetOffice365DefaultDomain",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.UnsetOffice365DefaultDomain(ctx, "d1")
		},
		want: seen{Method: "PATCH", Path: "/api/v2/office365s/d1", Body: `{"defaultDomain":{}}`}, body: office, scope: "directories", write: true,
	},
	{
		name: "Office365s",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return collect(c.Office365s(ctx)) },
		want: seen{Method: "GET", Path: "/api/v2/office365s", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: `[{"id":"d1","name":"Microsoft 365"}]`, result: []*jumpcloud.Office365{{ID: "d1", Name: "Microsoft 365"}}, scope: "directories.readonly",
	},
	{
		name: "Office365Domains",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Office365Domains(ctx, "d1"))
		},
		want:   seen{Method: "GET", Path: "/api/v2/office365s/d1/domains", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body:   `{"domains":[{"objectId":"dd","domain":"example.com","default":true,"resourceObjectId":"d1"}],"totalCount":"1"}`,
		result: []*jumpcloud.DirectoryDomain{{ID: "dd", Domain: "example.com", Default: true}}, scope: "directories.readonly",
	},
	{
		name: "AddOffice365Domain",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.AddOffice365Domain(ctx, "d1", "Example.COM.")
		},
		want: seen{Method: "POST", Path: "/api/v2/office365s/d1/domains", Body: `{"domain":"example.com"}`}, body: `{"domain":{"objectId":"dd","domain":"example.com"}}`,
		result: &jumpcloud.DirectoryDomain{ID: "dd", Domain: "example.com"}, scope: "directories", write: true, there: true,
	},
	{
		name: "DeleteOffice365Domain",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.DeleteOffice365Domain(ctx, "d1", "dd")
		},
		want: seen{Method: "DELETE", Path: "/api/v2/office365s/d1/domains/dd"}, body: `{"domain":{}}`, scope: "directories", write: true, gone: true,
	},
	{
		name: "Office365Users",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.Office365Users(ctx, "d1"))
		},
		want: seen{Method: "GET", Path: "/api/v2/office365s/d1/users", Query: url.Values{"limit": {"100"}, "skip": {"0"}, "syncStatus": {"true"}}},
		body: `[{"id":"u1","type":"user","compiledAttributes":null,"paths":[],"externalId":"e1","syncStatus":{"code":200,"message":"ok","details":[{"a":1}],"syncedAt":"2026-01-02T03:04:05.1234567"}},{"id":"u2","type":"user","paths":[[{"to":{"id":"u2"}}]],"syncStatus":null}]`,
		result: []*jumpcloud.BoundUser{
			{UserID: "u1", ExternalID: "e1", Sync: &jumpcloud.SyncStatus{Code: "200", Message: "ok", SyncedAt: time.Date(2026, 1, 2, 3, 4, 5, 123456700, time.UTC), Details: json.RawMessage(`[{"a":1}]`)}},
			{UserID: "u2"},
		},
		header: http.Header{"X-Total-Count": {"2"}}, scope: "users.readonly",
	},
	{
		name: "TranslationRules",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.TranslationRules(ctx, "d1"))
		},
		want: seen{Method: "GET", Path: "/api/v2/office365s/d1/translationrules", Query: url.Values{"limit": {"100"}, "skip": {"0"}}},
		body: `[{"id":"r1","builtIn":"user_something_new","direction":"export"}]`, result: []*jumpcloud.TranslationRule{{ID: "r1", BuiltIn: "user_something_new", Direction: "export"}}, scope: "directories.readonly",
	},
	{
		name: "CreateTranslationRule",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return c.CreateTranslationRule(ctx, "d1", jumpcloud.TranslationRule{BuiltIn: jumpcloud.UPNFromAlternateEmail})
		},
		want:   seen{Method: "POST", Path: "/api/v2/office365s/d1/translationrules", Body: `{"builtIn":"user_principal_name_from_alternate_email","direction":"export"}`},
		status: 201, body: `{"id":"r1","builtIn":"user_principal_name_from_alternate_email","direction":"export"}`,
		result: &jumpcloud.TranslationRule{ID: "r1", BuiltIn: jumpcloud.UPNFromAlternateEmail, Direction: jumpcloud.Export}, scope: "directories", write: true, create: true,
	},
	{
		name: "DeleteTranslationRule",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return nil, c.DeleteTranslationRule(ctx, "d1", "r1")
		},
		want: seen{Method: "DELETE", Path: "/api/v2/office365s/d1/translationrules/r1"}, status: 204, scope: "directories", write: true, gone: true,
	},
	{
		name: "ImportableUsers",
		call: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
			return collect(c.ImportableUsers(ctx, "d1"))
		},
		want:   seen{Method: "GET", Path: "/api/v2/office365s/d1/import/users", Query: url.Values{"top": {"100"}}},
		body:   `{"skipToken":"","top":100,"users":[{"id":"e1","givenName":"Dana","surname":"Reyes","userPrincipalName":"dana@example.com"}]}`,
		result: []*jumpcloud.ImportUser{{ID: "e1", GivenName: "Dana", Surname: "Reyes", UserPrincipalName: "dana@example.com"}}, scope: "directories.readonly",
	},
}
