package clients

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/manicminer/hamilton/msgraph"
	"github.com/manicminer/hamilton/odata"
	"golang.org/x/oauth2"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// tokens issues the tenant's tokens to hamilton.
type tokens struct{ tenant *aadtest.Server }

func (a tokens) Token() (*oauth2.Token, error) {
	t, err := a.tenant.Credential().GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	return &oauth2.Token{AccessToken: t.Token, TokenType: "Bearer"}, err
}

func (a tokens) AuxiliaryTokens() ([]*oauth2.Token, error) { return nil, nil }

// graph is hamilton in front of a tenant with two domains and three people.
type graph struct {
	tenant     *aadtest.Server
	alice, bob string
	base       msgraph.Client
}

// inGraph runs a test in a bubble of time: hamilton waits between its attempts.
func inGraph(t *testing.T, f func(t *testing.T, g *graph)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tenant := &aadtest.Server{}
		tenant.AddDomain("example.com")
		tenant.AddDomain("other.example")
		g := &graph{tenant: tenant, base: msgraph.NewClient(msgraph.Version10, tenantID(t, tenant))}
		g.alice = tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com", DisplayName: "Alice Archer"})
		g.bob = tenant.AddUser(aad.User{UserPrincipalName: "bob@example.com", DisplayName: "Bob Baker", Mail: "bob.baker@example.com"})
		tenant.AddUser(aad.User{UserPrincipalName: "carol@other.example", DisplayName: "Carol Clark"})
		g.base.Authorizer = tokens{tenant}
		g.base.RetryableClient.HTTPClient = tenant.HTTPClient()
		f(t, g)
	})
}

// tenantID is what the organisation says of itself.
func tenantID(t *testing.T, tenant *aadtest.Server) string {
	t.Helper()
	o, err := tenant.Client(nil).Organization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tenant.ResetLog()
	return o.ID
}

func (g *graph) domains() *msgraph.DomainsClient {
	return &msgraph.DomainsClient{BaseClient: g.base}
}
func (g *graph) users() *msgraph.UsersClient { return &msgraph.UsersClient{BaseClient: g.base} }
func (g *graph) assignments() *msgraph.RoleAssignmentsClient {
	return &msgraph.RoleAssignmentsClient{BaseClient: g.base}
}
func (g *graph) definitions() *msgraph.RoleDefinitionsClient {
	return &msgraph.RoleDefinitionsClient{BaseClient: g.base}
}

// refused demands an error with a status and words, as hamilton tells both.
func refused(t *testing.T, what string, status int, err error, want int, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s succeeded, want %d", what, want)
		return
	}
	if status != want {
		t.Errorf("%s: status %d (%v), want %d", what, status, err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %v; want %q in it", what, err, w)
		}
	}
}

func must[T any](t *testing.T, what string) func(v *T, status int, err error) *T {
	return func(v *T, status int, err error) *T {
		t.Helper()
		if err != nil || v == nil {
			t.Fatalf("%s: %v, status %d", what, err, status)
		}
		return v
	}
}

// found returns the user principal names of a list.
func found(users *[]msgraph.User) []string {
	names := []string{}
	if users != nil {
		for _, u := range *users {
			names = append(names, *u.UserPrincipalName)
		}
	}
	return names
}

func ptr[T any](v T) *T { return &v }

func TestHamiltonDomains(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		list := *must[[]msgraph.Domain](t, "list")(g.domains().List(t.Context(), odata.Query{}))
		if len(list) != 3 || *list[1].ID != "example.com" || *list[1].AuthenticationType != "Managed" || !*list[0].IsDefault {
			t.Errorf("got %d domains, the second is %+v", len(list), list[1])
		}
		one := must[msgraph.Domain](t, "get")(g.domains().Get(t.Context(), "example.com", odata.Query{Select: []string{"id", "isVerified"}}))
		if *one.ID != "example.com" || !*one.IsVerified || one.AuthenticationType != nil {
			t.Errorf("a domain with $select: %+v", one)
		}
		g.tenant.ResetLog()
		_, status, err := g.domains().Get(t.Context(), "nowhere.example", odata.Query{})
		refused(t, "a missing domain", status, err, http.StatusNotFound, "Request_ResourceNotFound", "nowhere.example")
		if n := len(g.tenant.Requests()); n != 5 {
			t.Errorf("hamilton asked %d times for a missing domain, want 5: it waits for what was just made", n)
		}
	})
}

// usersTest is a query of users, and who is found or how it is refused.
type usersTest struct {
	name   string
	query  odata.Query
	want   []string
	status int // 0 stands for 200
	words  string
}

const eventual = odata.ConsistencyLevelEventual

var usersTests = []usersTest{
	{name: "all", want: []string{"alice", "bob", "carol"}},
	{name: "a page", query: odata.Query{Top: 2}, want: []string{"alice", "bob"}},
	{name: "prefix", query: odata.Query{Filter: "startsWith(userPrincipalName,'a')"}, want: []string{"alice"}},
	{name: "mail", query: odata.Query{Filter: "mail eq 'bob.baker@example.com'"}, want: []string{"bob"}},
	{name: "one of", query: odata.Query{Filter: "userPrincipalName in ('bob@example.com','carol@other.example')"}, want: []string{"bob", "carol"}},
	{name: "suffix", query: odata.Query{Filter: "endsWith(userPrincipalName,'@other.example')", ConsistencyLevel: eventual, Count: true}, want: []string{"carol"}},
	{name: "suffix without the header", query: odata.Query{Filter: "endsWith(userPrincipalName,'@other.example')", Count: true},
		status: 400, words: "Request_UnsupportedQuery"},
	{name: "search", query: odata.Query{Search: "displayName:baker", ConsistencyLevel: eventual}, want: []string{"bob"}},
	{name: "search without the header", query: odata.Query{Search: "displayName:baker"}, status: 400, words: "ConsistencyLevel: eventual"},
	{name: "descending", query: odata.Query{OrderBy: odata.OrderBy{Field: "displayName", Direction: odata.Descending}}, want: []string{"carol", "bob", "alice"}},
	{name: "filter and order", query: odata.Query{Filter: "startsWith(userPrincipalName,'a')", OrderBy: odata.OrderBy{Field: "displayName"}},
		status: 400, words: "Request_UnsupportedQuery"},
	{name: "filter and order with the header", want: []string{"alice"}, query: odata.Query{Filter: "startsWith(userPrincipalName,'a')",
		OrderBy: odata.OrderBy{Field: "displayName"}, ConsistencyLevel: eventual, Count: true}},
	{name: "no such property", query: odata.Query{Select: []string{"id", "nickname"}}, status: 400, words: "nickname"},

	{name: "skip", query: odata.Query{Skip: 1}, status: 400, words: "$skip"},
	{name: "format", query: odata.Query{Format: odata.FormatJson}, status: 501, words: "$format of GET /users"},
	{name: "expansion", query: odata.Query{Expand: odata.Expand{Relationship: "manager"}}, status: 501, words: "$expand of GET /users"},
	{name: "property", query: odata.Query{Select: []string{"id", "skills"}}, status: 501, words: "the property skills of user"},
}

func TestHamiltonUsers(t *testing.T) {
	for _, tt := range usersTests {
		t.Run(tt.name, func(t *testing.T) {
			inGraph(t, func(t *testing.T, g *graph) {
				users, status, err := g.users().List(t.Context(), tt.query)
				if tt.status != 0 {
					refused(t, "the list", status, err, tt.status, tt.words)
					return
				}
				var names []string
				for _, name := range found(users) {
					short, _, _ := strings.Cut(name, "@")
					names = append(names, short)
				}
				if err != nil || !slices.Equal(names, tt.want) {
					t.Errorf("found %v (%v), want %v", names, err, tt.want)
				}
			})
		})
	}
}

// TestHamiltonPages shows that hamilton follows the links, and sends the tenant and
// the header with each.
func TestHamiltonPages(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		g.tenant.PageSize = 1
		users, _, err := g.users().List(t.Context(), odata.Query{ConsistencyLevel: eventual, Count: true, Filter: "not endsWith(userPrincipalName,'.org')"})
		if want := []string{"alice@example.com", "bob@example.com", "carol@other.example"}; err != nil || !slices.Equal(want, sorted(found(users))) {
			t.Errorf("found %v (%v), want %v", found(users), err, want)
		}
		if n := len(g.tenant.Requests()); n != 3 {
			t.Errorf("%d requests, want one for each of 3 pages", n)
		}
	})
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// TestHamiltonKeeps shows that what hamilton writes of a user is there afterwards.
func TestHamiltonKeeps(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, null := t.Context(), func(s string) *msgraph.StringNullWhenEmpty { return ptr(msgraph.StringNullWhenEmpty(s)) }
		dana := must[msgraph.User](t, "create")(g.users().Create(ctx, msgraph.User{
			AccountEnabled: ptr(true), DisplayName: ptr("Dana Reyes"), MailNickname: ptr("dana"), UserPrincipalName: ptr("dana@example.com"),
			Department: null("Sales"), PasswordProfile: &msgraph.UserPasswordProfile{Password: ptr("not-a-real-password-1")},
		}))
		change := msgraph.User{UsageLocation: null("DE"), Department: null("Support"), EmployeeId: null("42"), OnPremisesImmutableId: ptr("dana-1")}
		change.ID = dana.ID
		if _, err := g.users().Update(ctx, change); err != nil {
			t.Fatal(err)
		}
		got := must[msgraph.User](t, "get")(g.users().Get(ctx, *dana.ID, odata.Query{
			Select: []string{"department", "usageLocation", "employeeId", "mailNickname", "onPremisesImmutableId"},
		}))
		if *got.Department != "Support" || *got.UsageLocation != "DE" || *got.EmployeeId != "42" || *got.MailNickname != "dana" || *got.OnPremisesImmutableId != "dana-1" {
			t.Errorf("kept %+v", got)
		}
		other := msgraph.User{Skills: &[]string{"selling"}}
		other.ID = dana.ID
		status, err := g.users().Update(ctx, other)
		refused(t, "a property of SharePoint", status, err, http.StatusNotImplemented, "skills")
		if status, err := g.users().Delete(ctx, *dana.ID); err != nil || status != http.StatusNoContent {
			t.Errorf("delete: %d, %v", status, err)
		}
		_, status, err = g.users().Get(ctx, *dana.ID, odata.Query{})
		refused(t, "a deleted user", status, err, http.StatusNotFound, "Request_ResourceNotFound")
	})
}

func TestHamiltonRoles(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx := t.Context()
		roles := *must[[]msgraph.UnifiedRoleDefinition](t, "definitions")(g.definitions().List(ctx, odata.Query{Filter: "displayName eq 'Global Administrator'"}))
		if len(roles) != 1 || *roles[0].DisplayName != "Global Administrator" || !*roles[0].IsBuiltIn {
			t.Fatalf("got %+v, want the one definition", roles)
		}
		role := must[msgraph.UnifiedRoleDefinition](t, "a definition")(g.definitions().Get(ctx, *roles[0].ID, odata.Query{}))
		made := must[msgraph.UnifiedRoleAssignment](t, "create")(g.assignments().Create(ctx, msgraph.UnifiedRoleAssignment{
			DirectoryScopeId: ptr("/"), PrincipalId: &g.alice, RoleDefinitionId: role.ID,
		}))
		g.tenant.MakeGlobalAdministrator(g.bob)
		for filter, want := range map[string]int{
			"": 2, "principalId eq '" + g.alice + "'": 1, "roleDefinitionId eq '" + *role.ID + "'": 2, "principalId eq '" + g.base.TenantId + "'": 0,
		} {
			list := *must[[]msgraph.UnifiedRoleAssignment](t, "assignments")(g.assignments().List(ctx, odata.Query{Filter: filter}))
			if len(list) != want {
				t.Errorf("with the filter %q %d assignments, want %d", filter, len(list), want)
			}
		}
		expanded := must[msgraph.UnifiedRoleAssignment](t, "an assignment")(g.assignments().Get(ctx, *made.ID, odata.Query{
			Expand: odata.Expand{Relationship: "principal", Select: []string{"id", "displayName"}},
		}))
		if *expanded.PrincipalId != g.alice || *expanded.DirectoryScopeId != "/" {
			t.Errorf("the assignment is %+v", expanded)
		}
		_, status, err := g.assignments().List(ctx, odata.Query{Expand: odata.Expand{Relationship: "appScope"}})
		refused(t, "another expansion", status, err, http.StatusNotImplemented, "appScope")
		_, status, err = g.definitions().Create(ctx, msgraph.UnifiedRoleDefinition{DisplayName: ptr("Mine"), IsEnabled: ptr(true), RolePermissions: &[]msgraph.UnifiedRolePermission{}})
		refused(t, "a definition of one's own", status, err, http.StatusNotImplemented, "POST /roleManagement/directory/roleDefinitions")
		if _, err := g.assignments().Delete(ctx, *made.ID); err != nil {
			t.Error(err)
		}
	})
}
