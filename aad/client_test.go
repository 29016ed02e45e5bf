package aad_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

// newCert returns a certificate, the same one for the same name.
var newCert = func() func(testing.TB, string) certs.Cert {
	var mu sync.Mutex
	made := make(map[string]certs.Cert)
	return func(t testing.TB, name string) certs.Cert {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if c, ok := made[name]; ok {
			return c
		}
		now := time.Now()
		k, err := certs.NewKeyPair(pkix.Name{CommonName: name}, certs.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		made[name] = k.Cert()
		return made[name]
	}
}()

func federation(t testing.TB) aad.Federation {
	return aad.Federation{
		DisplayName: "Example", IssuerURI: "urn:uri:example.com", PassiveSignInURI: "https://sso.jumpcloud.com/saml2/example",
		SignOutURI: "https://console.jumpcloud.com/userconsole/", Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP,
		SigningCertificate: newCert(t, "one"),
	}
}

// compare knows certificates.
var compare = cmp.Comparer(func(a, b certs.Cert) bool { return a == b })

func collect[T any](seq iter.Seq2[*T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, *v)
	}
	return all, nil
}

func ptr[T any](v T) *T { return &v }

// recorder remembers requests and their bodies.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string // method, path and query, body
	head []http.Header
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	line := req.Method + " " + strings.TrimPrefix(req.URL.RequestURI(), "/v1.0")
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		req.Body.Close()
		req.Body = io.NopCloser(strings.NewReader(string(b)))
		if len(b) > 0 {
			line += " " + string(b)
		}
	}
	r.mu.Lock()
	r.sent = append(r.sent, line)
	r.head = append(r.head, req.Header.Clone())
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// operation is one method of the client.
type operation struct {
	name       string
	permission string // that a 403 names
	prepare    func(*aadtest.Server)
	call       func(context.Context, *aad.Client) (any, error)
	sent       []string // prefixes
	want       any
	write      bool
	absentOK   bool // 404 is a success
	noAnswer   bool // an empty 200 is fine
}

const (
	selectAll = "$select=id%2CuserPrincipalName%2CdisplayName%2Cmail%2ConPremisesImmutableId%2CuserType%2CaccountEnabled%2ConPremisesSyncEnabled%2CproxyAddresses%2CotherMails%2CcreatedDateTime"
	userID    = "11111111-0000-4000-8000-000000000001"
	groupID   = "group"
)

func exampleDomain(edit func(*aad.Domain)) *aad.Domain {
	d := &aad.Domain{Name: "example.com", AuthenticationType: aad.Managed, IsRoot: true, IsVerified: true, IsAdminManaged: true,
		SupportedServices: []string{"Email", "OfficeCommunicationsOnline"}}
	if edit != nil {
		edit(d)
	}
	return d
}

func alice() *aad.User {
	return &aad.User{
		ID: userID, UserPrincipalName: "alice@example.com", DisplayName: "Alice", Mail: "alice@example.com", ImmutableID: "QQ==", UserType: "Member",
		Enabled: ptr(true), OnPremisesSyncEnabled: ptr(false), ProxyAddresses: []string{"SMTP:alice@example.com", "smtp:al@example.com"}, OtherMails: []string{"a@home.example"},
		Created: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
	}
}

// operations are all methods of the client that talk to Graph.
func operations(t testing.TB) []operation {
	fed := federation(t)
	stored := fed
	stored.ID = "fed-1"
	federated := func(s *aadtest.Server) { s.SetFederation("example.com", stored) }
	clean := func(err error, v any) (any, error) {
		if err != nil {
			return nil, err
		}
		return v, nil
	}
	return []operation{
		{
			name: "Domains", permission: "Domain.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				var names []string
				for d, err := range c.Domains(ctx) {
					if err != nil {
						return nil, err
					}
					names = append(names, d.Name)
				}
				return names, nil
			},
			sent: []string{"GET /domains"}, want: []string{"contoso.onmicrosoft.com", "example.com"},
		}, {
			name: "Domain", permission: "Domain.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.Domain(ctx, "Example.COM.") },
			sent: []string{"GET /domains/example.com"}, want: exampleDomain(nil),
		}, {
			name: "RootDomain", permission: "Domain.Read.All",
			prepare: func(s *aadtest.Server) { s.AddDomain("sub.example.com") },
			call:    func(ctx context.Context, c *aad.Client) (any, error) { return c.RootDomain(ctx, "sub.example.com") },
			sent:    []string{"GET /domains/sub.example.com/rootDomain"}, want: exampleDomain(nil),
		}, {
			name: "SetDefaultDomain", permission: "Domain.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.SetDefaultDomain(ctx, "example.com"), nil)
			},
			sent: []string{`PATCH /domains/example.com {"isDefault":true}`},
		}, {
			name: "SetManaged", permission: "Domain-InternalFederation.ReadWrite.All", write: true, noAnswer: true, prepare: federated,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.SetManaged(ctx, "example.com"), nil)
			},
			sent: []string{`PATCH /domains/example.com {"authenticationType":"Managed"}`},
		}, {
			name: "CreateDomain", permission: "Domain.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.CreateDomain(ctx, "New.example") },
			sent: []string{`POST /domains {"id":"new.example"}`},
			want: &aad.Domain{Name: "new.example", AuthenticationType: aad.Managed, IsAdminManaged: true, SupportedServices: []string{}},
		}, {
			name: "VerifyDomain", permission: "Domain.ReadWrite.All", write: true, noAnswer: true,
			prepare: func(s *aadtest.Server) { s.AddDomain("new.example", aadtest.Unverified) },
			call:    func(ctx context.Context, c *aad.Client) (any, error) { return c.VerifyDomain(ctx, "new.example") },
			sent:    []string{"POST /domains/new.example/verify"},
			want:    exampleDomain(func(d *aad.Domain) { d.Name, d.AvailabilityStatus = "new.example", "AvailableImmediately" }),
		}, {
			name: "PromoteDomain", permission: "Domain.ReadWrite.All", write: true, noAnswer: true,
			prepare: func(s *aadtest.Server) { s.AddDomain("sub.example.com") },
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.PromoteDomain(ctx, "sub.example.com"), nil)
			},
			sent: []string{"POST /domains/sub.example.com/promote"},
		}, {
			name: "DeleteDomain", permission: "Domain.ReadWrite.All", write: true, absentOK: true, noAnswer: true,
			prepare: func(s *aadtest.Server) { s.RemoveUser(userID) },
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.DeleteDomain(ctx, "example.com"), nil)
			},
			sent: []string{"DELETE /domains/example.com"},
		}, {
			name: "VerificationRecords", permission: "Domain.Read.All", noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				rs, err := c.VerificationRecords(ctx, "example.com")
				if err != nil {
					return nil, err
				}
				return rs[0].Type + " " + rs[0].Text[:5], nil
			},
			sent: []string{"GET /domains/example.com/verificationDnsRecords"}, want: "Txt MS=ms",
		}, {
			name: "ServiceRecords", permission: "Domain.Read.All", noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				rs, err := c.ServiceRecords(ctx, "example.com")
				if err != nil {
					return nil, err
				}
				return rs[0].CanonicalName, nil
			},
			sent: []string{"GET /domains/example.com/serviceConfigurationRecords"}, want: "autodiscover.outlook.com",
		}, {
			name: "Federation", permission: "Domain-InternalFederation.Read.All", prepare: federated,
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.Federation(ctx, "example.com") },
			sent: []string{"GET /domains/example.com/federationConfiguration"}, want: &stored,
		}, {
			name: "FederationByID", permission: "Domain-InternalFederation.Read.All", prepare: federated,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return c.FederationByID(ctx, "example.com", "fed-1")
			},
			sent: []string{"GET /domains/example.com/federationConfiguration/fed-1"}, want: &stored,
		}, {
			name: "CreateFederation", permission: "Domain-InternalFederation.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				f, err := c.CreateFederation(ctx, "example.com", fed)
				if err != nil {
					return nil, err
				}
				f.ID = ""
				return f, nil
			},
			sent: []string{`POST /domains/example.com/federationConfiguration {"@odata.type":"#microsoft.graph.internalDomainFederation","displayName":"Example","issuerUri":"urn:uri:example.com","passiveSignInUri":"https://sso.jumpcloud.com/saml2/example","signOutUri":"https://console.jumpcloud.com/userconsole/","preferredAuthenticationProtocol":"saml","federatedIdpMfaBehavior":"acceptIfMfaDoneByFederatedIdp","signingCertificate":"` + fed.SigningCertificate.Base64() + `"}`},
			want: &fed,
		}, {
			name: "UpdateFederation", permission: "Domain-InternalFederation.ReadWrite.All", write: true, prepare: federated,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				f, err := c.UpdateFederation(ctx, "example.com", "fed-1", aad.FederationUpdate{DisplayName: ptr("New"), NextSigningCertificate: ptr(certs.Cert{})})
				if err != nil {
					return nil, err
				}
				return f.DisplayName, nil
			},
			sent: []string{`PATCH /domains/example.com/federationConfiguration/fed-1 {"displayName":"New","nextSigningCertificate":null}`}, want: "New",
		}, {
			name: "DeleteFederation", permission: "Domain-InternalFederation.ReadWrite.All", write: true, prepare: federated, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.DeleteFederation(ctx, "example.com", "fed-1"), nil)
			},
			sent: []string{"DELETE /domains/example.com/federationConfiguration/fed-1"},
		}, {
			name: "TokenValidationPolicy", permission: "Policy.Read.All", absentOK: true, noAnswer: true,
			prepare: func(s *aadtest.Server) {
				s.SetPolicy(aad.TokenValidationPolicy{ID: "p", RootDomains: aad.EnumeratedDomains, DomainNames: []string{"example.com"}})
			},
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.TokenValidationPolicy(ctx) },
			sent: []string{"GET /policies/federatedTokenValidationPolicy"},
			want: &aad.TokenValidationPolicy{ID: "p", RootDomains: aad.EnumeratedDomains, DomainNames: []string{"example.com"}},
		}, {
			name: "Organization", permission: "Organization.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.Organization(ctx) },
			sent: []string{"GET /organization"},
			want: &aad.Organization{ID: "5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21", DisplayName: "Contoso", TenantType: "AAD", VerifiedDomains: []aad.Domain{
				{Name: "contoso.onmicrosoft.com", AuthenticationType: aad.Managed, SupportedServices: []string{"Email", "OfficeCommunicationsOnline"}, IsVerified: true, IsDefault: true, IsInitial: true},
				{Name: "example.com", AuthenticationType: aad.Managed, SupportedServices: []string{"Email", "OfficeCommunicationsOnline"}, IsVerified: true},
			}},
		}, {
			name: "Users", permission: "User.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return collect(c.Users(ctx, &aad.UsersOptions{Domain: "Example.com"}))
			},
			sent: []string{"GET /users?$count=true&$filter=endsWith%28userPrincipalName%2C%27%40example.com%27%29&" + selectAll + "&$top=999"},
			want: []aad.User{*alice()},
		}, {
			name: "Users by ID", permission: "User.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return collect(c.Users(ctx, &aad.UsersOptions{IDs: []string{userID, "nobody's"}, Select: []string{"id"}}))
			},
			sent: []string{"GET /users?$filter=%28id+in+%28%27" + userID + "%27%2C%27nobody%27%27s%27%29%29&$select=id&$top=999"},
			want: []aad.User{{ID: userID}},
		}, {
			name: "UserCount", permission: "User.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return c.UserCount(ctx, &aad.UsersOptions{Prefix: "o'n"})
			},
			sent: []string{"GET /users/$count?$filter=startsWith%28userPrincipalName%2C%27o%27%27n%27%29"}, want: 0,
		}, {
			name: "User", permission: "User.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) { return c.User(ctx, userID) },
			sent: []string{"GET /users/" + userID + "?" + selectAll}, want: alice(),
		}, {
			name: "CreateUser", permission: "User.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				u, err := c.CreateUser(ctx, aad.NewUser{UserPrincipalName: "bob@example.com", DisplayName: "Bob", Password: aad.NewSecret("pass word")})
				if err != nil {
					return nil, err
				}
				return u.UserPrincipalName, nil
			},
			sent: []string{`POST /users {"accountEnabled":true,"displayName":"Bob","mailNickname":"bob","passwordProfile":{"forceChangePasswordNextSignIn":false,"password":"pass word"},"userPrincipalName":"bob@example.com"}`},
			want: "bob@example.com",
		}, {
			name: "SetImmutableID", permission: "User.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.SetImmutableID(ctx, userID, "AA=="), nil)
			},
			sent: []string{"PATCH /users/" + userID + ` {"onPremisesImmutableId":"AA=="}`},
		}, {
			name: "SetImmutableID to nothing", permission: "User.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.SetImmutableID(ctx, userID, ""), nil)
			},
			sent: []string{"PATCH /users/" + userID + ` {"onPremisesImmutableId":null}`},
		}, {
			name: "SetUserPrincipalName", permission: "User.ReadWrite.All", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.SetUserPrincipalName(ctx, userID, "al@contoso.onmicrosoft.com"), nil)
			},
			sent: []string{"PATCH /users/" + userID + ` {"userPrincipalName":"al@contoso.onmicrosoft.com"}`},
		}, {
			name: "RevokeSignInSessions", permission: "User.RevokeSessions.All", write: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.RevokeSignInSessions(ctx, userID), nil)
			},
			sent: []string{"POST /users/" + userID + "/revokeSignInSessions"},
		}, {
			name: "DeleteUser", permission: "User.ReadWrite.All", write: true, absentOK: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) { return clean(c.DeleteUser(ctx, userID), nil) },
			sent: []string{"DELETE /users/" + userID},
		}, {
			name: "RoleAssignments", permission: "RoleManagement.Read.Directory",
			prepare: func(s *aadtest.Server) { s.MakeGlobalAdministrator(userID) },
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				as, err := collect(c.RoleAssignments(ctx, aad.GlobalAdministrator))
				if err != nil {
					return nil, err
				}
				return as[0].Principal, nil
			},
			sent: []string{"GET /roleManagement/directory/roleAssignments?$expand=principal&$filter=roleDefinitionId+eq+%2762e90394-69f5-4237-9190-012177145e10%27"},
			want: &aad.Principal{ID: userID, Type: aad.UserPrincipal, DisplayName: "Alice", UserType: "Member", Enabled: ptr(true)},
		}, {
			name: "AssignRole", permission: "RoleManagement.ReadWrite.Directory", write: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				a, err := c.AssignRole(ctx, userID, aad.GlobalAdministrator)
				if err != nil {
					return nil, err
				}
				return a.PrincipalID + a.DirectoryScopeID, nil
			},
			sent: []string{`POST /roleManagement/directory/roleAssignments {"directoryScopeId":"/","principalId":"` + userID + `","roleDefinitionId":"` + aad.GlobalAdministrator + `"}`},
			want: userID + "/",
		}, {
			name: "RemoveRoleAssignment", permission: "RoleManagement.ReadWrite.Directory", write: true, absentOK: true, noAnswer: true,
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return clean(c.RemoveRoleAssignment(ctx, "some"), nil)
			},
			sent: []string{"DELETE /roleManagement/directory/roleAssignments/some"},
		}, {
			name: "RoleDefinitions", permission: "RoleManagement.Read.Directory",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				ds, err := collect(c.RoleDefinitions(ctx))
				if err != nil {
					return nil, err
				}
				return ds[0].DisplayName, nil
			},
			sent: []string{"GET /roleManagement/directory/roleDefinitions"}, want: "Global Administrator",
		}, {
			name: "SignIns", permission: "AuditLog.Read.All",
			prepare: func(s *aadtest.Server) {
				s.AddSignIn(signIn(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 0))
				s.AddSignIn(signIn(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), 50107))
				s.AddSignIn(signIn(time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC), 0))
			},
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				at := time.Date(2026, 3, 2, 9, 0, 0, 700, time.FixedZone("", 0))
				return collect(c.SignIns(ctx, &aad.SignInsOptions{Since: at, Until: at.Add(time.Hour),
					UserPrincipalName: "Alice@example.com", AppID: "app"}))
			},
			sent: []string{"GET /auditLogs/signIns?$filter=createdDateTime+ge+2026-03-02T09%3A00%3A00Z+and+" +
				"createdDateTime+le+2026-03-02T10%3A00%3A00Z+and+userPrincipalName+eq+%27alice%40example.com%27+and+appId+eq+%27app%27&$top=999"},
			want: []aad.SignIn{signIn(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), 50107), signIn(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 0)},
		}, {
			name: "GroupMembers", permission: "GroupMember.Read.All",
			call: func(ctx context.Context, c *aad.Client) (any, error) {
				return collect(c.GroupMembers(ctx, groupOf(ctx)))
			},
			sent: []string{"GET /groups/"}, want: []aad.User{*alice()},
		},
	}
}

type groupKey struct{}

// groupOf returns the ID of a group that a test has put into the context.
func groupOf(ctx context.Context) string {
	if id, _ := ctx.Value(groupKey{}).(string); id != "" {
		return id
	}
	return groupID
}

// tenant is a server with a domain and a user.
func tenant() *aadtest.Server {
	s := new(aadtest.Server)
	s.AddDomain("example.com")
	s.AddUser(*alice())
	return s
}

func TestOperations(t *testing.T) {
	for _, op := range operations(t) {
		t.Run(op.name, func(t *testing.T) {
			s := tenant()
			ctx := t.Context()
			if op.prepare != nil {
				op.prepare(s)
			}
			inner := s.AddGroup("inner", userID)
			ctx = context.WithValue(ctx, groupKey{}, s.AddGroup("admins", inner, userID))
			rec := &recorder{next: s.HTTPClient().Transport}
			c := s.Client(&aad.Options{HTTPClient: &http.Client{Transport: rec}})
			got, err := op.call(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(op.want, got, compare); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if len(rec.sent) != len(op.sent) {
				t.Fatalf("sent %d requests; want %d: %q", len(rec.sent), len(op.sent), rec.sent)
			}
			for i, want := range op.sent {
				if got := strings.ReplaceAll(rec.sent[i], "%24", "$"); !strings.HasPrefix(got, want) {
					t.Errorf("request %d\n got %s\nwant %s", i, got, want)
				}
			}
			if (s.Writes() > 0) != op.write {
				t.Errorf("writes = %d; want some: %v", s.Writes(), op.write)
			}
			for _, h := range rec.head {
				if !strings.HasPrefix(h.Get("Authorization"), "Bearer ") || len(h.Get("client-request-id")) != 36 || !strings.HasPrefix(h.Get("User-Agent"), "jcaad-aad/") {
					t.Errorf("headers = %v", h)
				}
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	for _, op := range operations(t) {
		s := tenant()
		ctx := t.Context()
		if op.prepare != nil {
			op.prepare(s)
		}
		ctx = context.WithValue(ctx, groupKey{}, s.AddGroup("admins", userID))
		c := s.Client(&aad.Options{ReadOnly: true})
		_, err := op.call(ctx, c)
		if got := errors.Is(err, aad.ErrReadOnly); got != op.write {
			t.Errorf("%s: errors.Is(%v, ErrReadOnly) = %v; want %v", op.name, err, got, op.write)
		}
		if s.Writes() != 0 || op.write && len(s.Requests()) != 0 {
			t.Errorf("%s: %d requests were sent", op.name, len(s.Requests()))
		}
	}
}

func ExampleError() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	client := tenant.ClientWith(tenant.Credential("Domain.Read.All"), nil)

	_, err := client.Federation(context.Background(), "example.com")
	var e *aad.Error
	if errors.As(err, &e) && errors.Is(err, aad.ErrDenied) {
		fmt.Println("status", e.StatusCode, "- grant", e.Permission)
	}
	// Output: status 403 - grant Domain-InternalFederation.Read.All
}
