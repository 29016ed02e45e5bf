package msgraph

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"testing"
	"time"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/domains"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/rolemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/jcaad/jcaad/aad/aadtest"
)

func federation(t *testing.T, domain string) *models.InternalDomainFederation {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f := models.NewInternalDomainFederation()
	f.SetDisplayName(ptr(domain))
	f.SetIssuerUri(ptr("urn:uri:" + domain))
	f.SetPassiveSignInUri(ptr("https://sso.jumpcloud.com/saml2/example-com"))
	f.SetSignOutUri(ptr("https://console.jumpcloud.com/userconsole/"))
	f.SetPreferredAuthenticationProtocol(ptr(models.SAML_AUTHENTICATIONPROTOCOL))
	f.SetFederatedIdpMfaBehavior(ptr(models.ACCEPTIFMFADONEBYFEDERATEDIDP_FEDERATEDIDPMFABEHAVIOR))
	f.SetSigningCertificate(ptr(base64.StdEncoding.EncodeToString(der)))
	return f
}

func TestFederation(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, example := t.Context(), g.domains.ByDomainId("example.com").FederationConfiguration()
		_, err := example.Get(ctx, nil)
		refused(t, "the federation of a managed domain", err, 404, "Request_ResourceNotFound", "")
		silent := federation(t, "example.com")
		silent.SetFederatedIdpMfaBehavior(nil)
		_, err = example.Post(ctx, silent, nil)
		refused(t, "a creation that says nothing of MFA", err, 400, "Request_BadRequest", "FederatedIdpMfaBehavior")
		made, err := example.Post(ctx, federation(t, "example.com"), nil)
		if err != nil || *made.GetIssuerUri() != "urn:uri:example.com" || *made.GetPreferredAuthenticationProtocol() != models.SAML_AUTHENTICATIONPROTOCOL {
			t.Fatalf("create: %v, %v", made, err)
		}
		_, err = example.Post(ctx, federation(t, "example.com"), nil)
		refused(t, "a second creation", err, 400, "Request_BadRequest", "already")
		_, err = g.domains.ByDomainId("other.example").FederationConfiguration().Post(ctx, federation(t, "example.com"), nil)
		refused(t, "an issuer of another domain", err, 409, "Request_MultipleObjectsWithSameKeyValue", "issuerUri")
		_, err = g.domains.ByDomainId("contoso.onmicrosoft.com").FederationConfiguration().Post(ctx, federation(t, "contoso.onmicrosoft.com"), nil)
		refused(t, "the default domain", err, 400, "Request_BadRequest", "")

		change := models.NewInternalDomainFederation()
		change.SetDisplayName(ptr("JumpCloud"))
		one := example.ByInternalDomainFederationId(*made.GetId())
		if changed, err := one.Patch(ctx, change, nil); err != nil || *changed.GetDisplayName() != "JumpCloud" {
			t.Errorf("update: %v", err)
		}
		list, err := example.Get(ctx, nil)
		if err != nil || len(list.GetValue()) != 1 || *list.GetValue()[0].GetDisplayName() != "JumpCloud" {
			t.Errorf("list: %v", err)
		}
		domain, err := g.domains.ByDomainId("example.com").Get(ctx, &domains.DomainItemRequestBuilderGetRequestConfiguration{
			QueryParameters: &domains.DomainItemRequestBuilderGetQueryParameters{Select: []string{"id", "authenticationType"}},
		})
		if err != nil || *domain.GetAuthenticationType() != "Federated" || domain.GetIsDefault() != nil {
			t.Errorf("the domain: %v", err)
		}
		if err := one.Delete(ctx, nil); err != nil || g.tenant.Domain("example.com").AuthenticationType != "Managed" {
			t.Errorf("delete: %v", err)
		}
	})
}

func TestUsers(t *testing.T) {
	type query = users.UsersRequestBuilderGetQueryParameters
	for _, tt := range []struct {
		name     string
		query    query
		advanced bool
		want     string
		status   int
		code     string
		words    string
	}{
		{name: "all", want: "alice bob carol"},
		{name: "filter", query: query{Filter: ptr("startsWith(userPrincipalName,'a')"), Select: []string{"userPrincipalName"}}, want: "alice"},
		{name: "suffix", query: query{Filter: ptr("endsWith(userPrincipalName,'@other.example')"), Count: ptr(true)}, advanced: true, want: "carol"},
		{name: "suffix without the header", query: query{Filter: ptr("endsWith(userPrincipalName,'@other.example')"), Count: ptr(true)},
			status: 400, code: "Request_UnsupportedQuery"},
		{name: "search", query: query{Search: ptr(`"displayName:Baker"`)}, advanced: true, want: "bob"},
		{name: "search without the header", query: query{Search: ptr(`"displayName:Baker"`)}, status: 400, code: "Request_UnsupportedQuery", words: "ConsistencyLevel"},
		{name: "order", query: query{Orderby: []string{"displayName desc"}, Top: ptr(int32(2))}, want: "carol bob"},
		{name: "expansion", query: query{Expand: []string{"manager"}}, status: 501, code: "notImplemented", words: "$expand of GET /users"},
		{name: "property", query: query{Select: []string{"skills"}}, status: 501, code: "notImplemented", words: "skills"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inGraph(t, func(t *testing.T, g *graph) {
				config := &users.UsersRequestBuilderGetRequestConfiguration{QueryParameters: &tt.query}
				if tt.advanced {
					config.Headers = eventual()
				}
				page, err := g.users.Get(t.Context(), config)
				if tt.status != 0 {
					refused(t, "the list", err, tt.status, tt.code, tt.words)
				} else if err != nil || names(page) != tt.want {
					t.Errorf("found %v (%v), want %s", page, err, tt.want)
				}
			})
		})
	}
}

func TestPagesAndCount(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx := t.Context()
		g.tenant.PageSize = 1
		page, err := g.users.Get(ctx, &users.UsersRequestBuilderGetRequestConfiguration{Headers: eventual(), QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Count: ptr(true)}})
		if err != nil {
			t.Fatal(err)
		}
		iterator, err := core.NewPageIterator[models.Userable](page, g.adapter, models.CreateUserCollectionResponseFromDiscriminatorValue)
		if err != nil {
			t.Fatal(err)
		}
		iterator.SetHeaders(eventual())
		seen := 0
		if err := iterator.Iterate(ctx, func(models.Userable) bool { seen++; return true }); err != nil || seen != 3 || *page.GetOdataCount() != 3 {
			t.Errorf("%d users of %v, %v", seen, page.GetOdataCount(), err)
		}
		n, err := g.users.Count().Get(ctx, &users.CountRequestBuilderGetRequestConfiguration{Headers: eventual()})
		if err != nil || *n != 3 {
			t.Errorf("$count: %v, %v", n, err)
		}
	})
}

func TestKept(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, user, password := t.Context(), models.NewUser(), models.NewPasswordProfile()
		password.SetPassword(ptr("not-a-real-password-1"))
		password.SetForceChangePasswordNextSignIn(ptr(true))
		user.SetAccountEnabled(ptr(true))
		user.SetDisplayName(ptr("Dana"))
		user.SetMailNickname(ptr("dana"))
		user.SetUserPrincipalName(ptr("dana@example.com"))
		user.SetPasswordProfile(password)
		made, err := g.users.Post(ctx, user, nil)
		if err != nil {
			t.Fatal(err)
		}
		change := models.NewUser()
		change.SetDepartment(ptr("IT"))
		change.SetUsageLocation(ptr("DE"))
		change.SetEmployeeId(ptr("42"))
		if _, err := g.users.ByUserId("dana@example.com").Patch(ctx, change, nil); err != nil {
			t.Fatal(err)
		}
		got, err := g.users.ByUserId(*made.GetId()).Get(ctx, &users.UserItemRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: []string{"department", "usageLocation", "employeeId"}},
		})
		if err != nil || *got.GetDepartment() != "IT" || *got.GetUsageLocation() != "DE" || *got.GetEmployeeId() != "42" {
			t.Errorf("kept %v, %v", got, err)
		}
		other := models.NewUser()
		other.SetSkills([]string{"selling"})
		_, err = g.users.ByUserId(*made.GetId()).Patch(ctx, other, nil)
		refused(t, "a property of SharePoint", err, 501, "notImplemented", "skills")
		if err := g.users.ByUserId(*made.GetId()).Delete(ctx, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestRolesAndOrganization(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx := t.Context()
		g.tenant.MakeGlobalAdministrator(g.alice)
		found, err := g.roles.Directory().RoleDefinitions().Get(ctx, &rolemanagement.DirectoryRoleDefinitionsRequestBuilderGetRequestConfiguration{
			QueryParameters: &rolemanagement.DirectoryRoleDefinitionsRequestBuilderGetQueryParameters{Filter: ptr("displayName eq 'Global Administrator'")},
		})
		if err != nil || len(found.GetValue()) != 1 {
			t.Fatalf("definitions: %v, %v", found, err)
		}
		type query = rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetQueryParameters
		list := func(q query) (models.UnifiedRoleAssignmentCollectionResponseable, error) {
			return g.roles.Directory().RoleAssignments().Get(ctx, &rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetRequestConfiguration{QueryParameters: &q})
		}
		assigned, err := list(query{Filter: ptr("roleDefinitionId eq '" + *found.GetValue()[0].GetId() + "'"), Expand: []string{"principal($select=id,userPrincipalName)"}})
		if err != nil || len(assigned.GetValue()) != 1 {
			t.Fatalf("assignments: %v, %v", assigned, err)
		}
		who, ok := assigned.GetValue()[0].GetPrincipal().(models.Userable)
		if !ok || *who.GetUserPrincipalName() != "alice@example.com" {
			t.Errorf("the principal is a %T", assigned.GetValue()[0].GetPrincipal())
		}
		_, err = list(query{Expand: []string{"appScope"}})
		refused(t, "another expansion", err, 501, "notImplemented", "appScope")
		organizations, err := g.organization.Get(ctx, nil)
		if err != nil || len(organizations.GetValue()) != 1 || len(organizations.GetValue()[0].GetVerifiedDomains()) != 3 {
			t.Errorf("organization: %v, %v", organizations, err)
		}
	})
}

func TestBatch(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, batch := t.Context(), core.NewBatchRequest(g.adapter)
		all, err := g.users.ToGetRequestInformation(ctx, &users.UsersRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Select: []string{"userPrincipalName"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		nobody, err := g.users.ByUserId("nobody@example.com").ToGetRequestInformation(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		gone, err := g.users.ByUserId(g.bob).ToDeleteRequestInformation(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, request := range []*abstractions.RequestInformation{all, nobody, gone} {
			item, err := batch.AddBatchRequestStep(*request)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, *item.GetId())
		}
		answer, err := batch.Send(ctx, g.adapter)
		if err != nil {
			t.Fatal(err)
		}
		page, err := core.GetBatchResponseById[models.UserCollectionResponseable](answer, ids[0], models.CreateUserCollectionResponseFromDiscriminatorValue)
		if err != nil || names(page) != "alice bob carol" {
			t.Errorf("the list: %v, %v", page, err)
		}
		if s := answer.GetStatusCodes(); s[ids[1]] != 404 || s[ids[2]] != 501 {
			t.Errorf("statuses %v, want 404 for nobody and 501 for a write", s)
		}
	})
}

// TestTrouble shows how the client bears what services do under load.
func TestTrouble(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  aadtest.Fault
		waited time.Duration
	}{
		{"429", aadtest.Fault{Kind: aadtest.TooMany, RetryAfter: "17"}, 17 * time.Second},
		{"429 without Retry-After", aadtest.Fault{Kind: aadtest.TooManyBare}, time.Second},
		{"503", aadtest.Fault{Kind: aadtest.Refuse503, RetryAfter: "9"}, 9 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inGraph(t, func(t *testing.T, g *graph) {
				asked := 0
				g.tenant.Fault = func(*http.Request) aadtest.Fault {
					if asked++; asked == 1 {
						return tt.fault
					}
					return aadtest.Fault{}
				}
				before := time.Now()
				page, err := g.users.Get(t.Context(), nil)
				if waited := time.Since(before); err != nil || len(page.GetValue()) != 3 || asked != 2 || waited < tt.waited {
					t.Errorf("after %d requests and %v: %v", asked, waited, err)
				}
				g.tenant.Fault = func(*http.Request) aadtest.Fault { return tt.fault }
				_, err = g.users.Get(t.Context(), nil)
				if _, ok := err.(*odataerrors.ODataError); !ok {
					t.Errorf("in the end: %v (%T)", err, err)
				}
			})
		})
	}
}

func TestNotModelled(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, alice := t.Context(), g.users.ByUserId(g.alice)
		_, err := alice.MemberOf().Get(ctx, nil)
		refused(t, "memberOf", err, 501, "notImplemented", "/memberOf")
		_, err = alice.Manager().Get(ctx, nil)
		refused(t, "manager", err, 501, "notImplemented", "/manager")
		_, err = g.users.Delta().GetAsDeltaGetResponse(ctx, nil)
		refused(t, "delta", err, 501, "notImplemented", "delta()")
		_, err = g.domains.Count().Get(ctx, nil)
		refused(t, "the number of domains", err, 501, "notImplemented", "GET /domains/$count")
		_, err = g.roles.Directory().RoleEligibilitySchedules().Get(ctx, nil)
		refused(t, "eligibility", err, 501, "notImplemented", "roleEligibilitySchedules")
	})
}
