// Package msgraph drives the stand-in for Microsoft Graph with Microsoft's client for
// Go. See the page of package clients, two folders up.
package msgraph

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	azure "github.com/microsoft/kiota-authentication-azure-go"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	ktext "github.com/microsoft/kiota-serialization-text-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/domains"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/organization"
	"github.com/microsoftgraph/msgraph-sdk-go/rolemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// graph is the client in front of a tenant with two domains and three people.
type graph struct {
	tenant       *aadtest.Server
	alice, bob   string
	adapter      abstractions.RequestAdapter
	domains      *domains.DomainsRequestBuilder
	users        *users.UsersRequestBuilder
	roles        *rolemanagement.RoleManagementRequestBuilder
	organization *organization.OrganizationRequestBuilder
}

func TestMain(m *testing.M) {
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return kjson.NewJsonSerializationWriterFactory() })
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return ktext.NewTextSerializationWriterFactory() })
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return ktext.NewTextParseNodeFactory() })
	m.Run()
}

// logged shows what goes over the wire, with -v.
type logged struct {
	t    *testing.T
	next http.RoundTripper
}

func (l logged) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil {
		h := r.Header.Clone()
		h.Del("Authorization")
		l.t.Logf("%s %s %v: %d", r.Method, r.URL, h, resp.StatusCode)
	}
	return resp, err
}

// inGraph runs a test in a bubble of time: the client waits between its attempts. Its
// middlewares are those that it has by default.
func inGraph(t *testing.T, f func(t *testing.T, g *graph)) {
	synctest.Test(t, func(t *testing.T) {
		g := &graph{tenant: &aadtest.Server{}}
		g.tenant.AddDomain("example.com")
		g.tenant.AddDomain("other.example")
		g.alice = g.tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com", DisplayName: "Alice Archer"})
		g.bob = g.tenant.AddUser(aad.User{UserPrincipalName: "bob@example.com", DisplayName: "Bob Baker"})
		g.tenant.AddUser(aad.User{UserPrincipalName: "carol@other.example", DisplayName: "Carol Clark"})
		options := core.GraphClientOptions{GraphServiceLibraryVersion: "1.89.0"}
		hc := g.tenant.HTTPClient()
		hc.Transport = khttp.NewCustomTransportWithParentTransport(logged{t, hc.Transport}, core.GetDefaultMiddlewaresWithOptions(&options)...)
		auth, err := azure.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(g.tenant.Credential(),
			[]string{"https://graph.microsoft.com/.default"}, []string{"graph.microsoft.com"})
		if err != nil {
			t.Fatal(err)
		}
		adapter, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(auth, options, nil, nil, hc)
		if err != nil {
			t.Fatal(err)
		}
		adapter.SetBaseUrl("https://graph.microsoft.com/v1.0")
		g.adapter = adapter
		base := map[string]string{"baseurl": adapter.GetBaseUrl()}
		g.domains = domains.NewDomainsRequestBuilderInternal(base, adapter)
		g.users = users.NewUsersRequestBuilderInternal(base, adapter)
		g.roles = rolemanagement.NewRoleManagementRequestBuilderInternal(base, adapter)
		g.organization = organization.NewOrganizationRequestBuilderInternal(base, adapter)
		f(t, g)
	})
}

func ptr[T any](v T) *T { return &v }

// eventual is the header of advanced queries.
func eventual() *abstractions.RequestHeaders {
	h := abstractions.NewRequestHeaders()
	h.Add("ConsistencyLevel", "eventual")
	return h
}

// refused demands the client's error with a status, a code and words.
func refused(t *testing.T, what string, err error, status int, code, words string) {
	t.Helper()
	var e *odataerrors.ODataError
	if !errors.As(err, &e) {
		t.Errorf("%s: %v (%T), want an ODataError", what, err, err)
		return
	}
	main := e.GetErrorEscaped()
	if e.ResponseStatusCode != status || main == nil || *main.GetCode() != code || !strings.Contains(*main.GetMessage(), words) {
		t.Errorf("%s: %d %v, want %d, %s and %q", what, e.ResponseStatusCode, err, status, code, words)
	}
	if main != nil && (main.GetInnerError() == nil || main.GetInnerError().GetRequestId() == nil) {
		t.Errorf("%s: the error has no request ID", what)
	}
}

func names(page models.UserCollectionResponseable) string {
	var s []string
	for _, u := range page.GetValue() {
		name, _, _ := strings.Cut(*u.GetUserPrincipalName(), "@")
		s = append(s, name)
	}
	return strings.Join(s, " ")
}
