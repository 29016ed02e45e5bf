package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/manicminer/hamilton/msgraph"
	"github.com/manicminer/hamilton/odata"

	"github.com/jcaad/jcaad/aad/aadtest"
)

type object = map[string]any

// send makes a request for which hamilton has no client, by what its clients are made of.
func (g *graph) send(t *testing.T, method, entity string, body any) (object, int, error) {
	t.Helper()
	uri := msgraph.Uri{Entity: entity, HasTenantId: true}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var resp *http.Response
	var status int
	good := []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}
	switch method {
	case http.MethodGet:
		resp, status, _, err = g.base.Get(t.Context(), msgraph.GetHttpRequestInput{ValidStatusCodes: good, Uri: uri})
	case http.MethodPost:
		resp, status, _, err = g.base.Post(t.Context(), msgraph.PostHttpRequestInput{Body: b, ValidStatusCodes: good, Uri: uri})
	case http.MethodPatch:
		resp, status, _, err = g.base.Patch(t.Context(), msgraph.PatchHttpRequestInput{Body: b, ValidStatusCodes: good, Uri: uri})
	case http.MethodDelete:
		resp, status, _, err = g.base.Delete(t.Context(), msgraph.DeleteHttpRequestInput{ValidStatusCodes: good, Uri: uri})
	}
	if err != nil {
		return nil, status, err
	}
	defer resp.Body.Close()
	var answer object
	if status != http.StatusNoContent {
		err = json.NewDecoder(resp.Body).Decode(&answer)
	}
	return answer, status, err
}

// certificate is a fresh one, as signingCertificate takes it.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// federation is the body of a creation, which edits change.
func federation(t *testing.T, domain string, edits ...object) object {
	body := object{
		"@odata.type": "#microsoft.graph.internalDomainFederation", "displayName": domain, "issuerUri": "urn:uri:" + domain,
		"passiveSignInUri": "https://sso.jumpcloud.com/saml2/example-com", "signOutUri": "https://console.jumpcloud.com/userconsole/",
		"preferredAuthenticationProtocol": "saml", "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp", "signingCertificate": certificate(t),
	}
	for _, edit := range edits {
		maps.Copy(body, edit)
	}
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
	return body
}

// federationPath is where the federation of a domain is.
func federationPath(domain string) string { return "/domains/" + domain + "/federationConfiguration" }

// TestHamiltonFederation goes through the life of a federation.
func TestHamiltonFederation(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		path := federationPath("example.com")
		_, status, err := g.send(t, http.MethodGet, path, nil)
		refused(t, "the federation of a managed domain", status, err, http.StatusNotFound, "Request_ResourceNotFound")
		_, status, err = g.send(t, http.MethodPost, path, federation(t, "example.com", object{"federatedIdpMfaBehavior": nil}))
		refused(t, "a creation that says nothing of MFA", status, err, http.StatusBadRequest, "FederatedIdpMfaBehavior")

		made, status, err := g.send(t, http.MethodPost, path, federation(t, "example.com"))
		if err != nil || status != http.StatusCreated || made["issuerUri"] != "urn:uri:example.com" {
			t.Fatalf("create: %v, %d, %v", made, status, err)
		}
		_, status, err = g.send(t, http.MethodPost, path, federation(t, "example.com"))
		refused(t, "a second creation", status, err, http.StatusBadRequest, "already has Federation Configuration")
		_, status, err = g.send(t, http.MethodPost, federationPath("other.example"), federation(t, "other.example", object{"issuerUri": "urn:uri:example.com"}))
		refused(t, "an issuer of another domain", status, err, http.StatusConflict, "issuerUri")
		_, status, err = g.send(t, http.MethodPost, federationPath("contoso.onmicrosoft.com"), federation(t, "contoso.onmicrosoft.com"))
		refused(t, "the default domain", status, err, http.StatusBadRequest)

		domain := must[msgraph.Domain](t, "the domain")(g.domains().Get(t.Context(), "example.com", odata.Query{}))
		if *domain.AuthenticationType != "Federated" {
			t.Errorf("the domain is %s", *domain.AuthenticationType)
		}
		one := path + "/" + made["id"].(string)
		if changed, status, err := g.send(t, http.MethodPatch, one, object{"displayName": "JumpCloud"}); err != nil || changed["displayName"] != "JumpCloud" {
			t.Errorf("update: %v, %d, %v", changed, status, err)
		}
		list, _, err := g.send(t, http.MethodGet, path, nil)
		if items, _ := list["value"].([]any); err != nil || len(items) != 1 || items[0].(object)["displayName"] != "JumpCloud" {
			t.Errorf("the list is %v, %v", list, err)
		}
		if _, status, err := g.send(t, http.MethodDelete, one, nil); err != nil || status != http.StatusNoContent {
			t.Errorf("delete: %d, %v", status, err)
		}
		if d := g.tenant.Domain("example.com"); d.AuthenticationType != "Managed" {
			t.Errorf("afterwards the domain is %s", d.AuthenticationType)
		}
	})
}

// TestHamiltonTrouble shows how hamilton bears what services do under load.
func TestHamiltonTrouble(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  aadtest.Fault
		waited time.Duration // at least
	}{
		{"429", aadtest.Fault{Kind: aadtest.TooMany, RetryAfter: "17"}, 17 * time.Second},
		{"429 without Retry-After", aadtest.Fault{Kind: aadtest.TooManyBare}, time.Second},
		{"503", aadtest.Fault{Kind: aadtest.Refuse503, RetryAfter: "9"}, 9 * time.Second},
		{"no answer", aadtest.Fault{Kind: aadtest.DropBefore}, time.Second},
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
				users := must[[]msgraph.User](t, "the list")(g.users().List(t.Context(), odata.Query{}))
				if waited := time.Since(before); len(*users) != 3 || asked != 2 || waited < tt.waited {
					t.Errorf("%d users after %d requests and %v; want 3 after 2 and at least %v", len(*users), asked, waited, tt.waited)
				}
			})
		})
	}
}

// TestHamiltonNotModelled shows that what the tenant does not model arrives as an error
// that names it.
func TestHamiltonNotModelled(t *testing.T) {
	inGraph(t, func(t *testing.T, g *graph) {
		ctx, q := t.Context(), odata.Query{}
		beta := g.base
		beta.ApiVersion = msgraph.VersionBeta
		for _, tt := range []struct {
			names string
			call  func() (int, error)
		}{
			{"GET /groups", func() (int, error) {
				_, s, err := (&msgraph.GroupsClient{BaseClient: g.base}).List(ctx, q)
				return s, err
			}},
			{"/groups/1/members", func() (int, error) {
				_, s, err := (&msgraph.GroupsClient{BaseClient: g.base}).ListMembers(ctx, "1")
				return s, err
			}},
			{"GET /me", func() (int, error) { _, s, err := (&msgraph.MeClient{BaseClient: g.base}).Get(ctx, q); return s, err }},
			{"GET /applications", func() (int, error) {
				_, s, err := (&msgraph.ApplicationsClient{BaseClient: g.base}).List(ctx, q)
				return s, err
			}},
			{"GET /servicePrincipals", func() (int, error) {
				_, s, err := (&msgraph.ServicePrincipalsClient{BaseClient: g.base}).List(ctx, q)
				return s, err
			}},
			{"GET /directoryRoles", func() (int, error) {
				_, s, err := (&msgraph.DirectoryRolesClient{BaseClient: g.base}).List(ctx)
				return s, err
			}},
			{"GET /identity/conditionalAccess/policies", func() (int, error) {
				_, s, err := (&msgraph.ConditionalAccessPoliciesClient{BaseClient: g.base}).List(ctx, q)
				return s, err
			}},
			{"GET /directory/deleteditems", func() (int, error) { _, s, err := g.users().ListDeleted(ctx, q); return s, err }},
			{"transitiveMemberOf", func() (int, error) { _, s, err := g.users().ListGroupMemberships(ctx, g.alice, q); return s, err }},
			{"/manager", func() (int, error) { _, s, err := g.users().GetManager(ctx, g.alice); return s, err }},
			{"/sendMail", func() (int, error) { s, err := g.users().Sendmail(ctx, g.alice, msgraph.MailMessage{}); return s, err }},
			{"GET /beta/", func() (int, error) {
				_, s, err := (&msgraph.SignInReportsClient{BaseClient: beta}).List(ctx, q)
				return s, err
			}},
		} {
			status, err := tt.call()
			refused(t, tt.names, status, err, http.StatusNotImplemented, "notImplemented", tt.names)
		}
		_, status, err := g.send(t, http.MethodGet, "/nonsense", nil)
		refused(t, "what Graph does not have", status, err, http.StatusBadRequest, "nonsense")
		if n := g.tenant.Writes(); n != 1 {
			t.Errorf("%d writes, want the one of sendMail", n)
		}
	})
}
