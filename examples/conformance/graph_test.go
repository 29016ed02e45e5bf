package conformance

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

// namedGraph are the operations of the description that the design of the
// client names.
var namedGraph = []string{
	"graph GET /domains",
	"graph GET /domains/{domain-id}",
	"graph PATCH /domains/{domain-id}",
	"graph POST /domains/{domain-id}/verify",
	"graph POST /domains/{domain-id}/promote",
	"graph GET /domains/{domain-id}/verificationDnsRecords",
	"graph GET /domains/{domain-id}/rootDomain",
	"graph GET /domains/{domain-id}/federationConfiguration",
	"graph POST /domains/{domain-id}/federationConfiguration",
	"graph PATCH /domains/{domain-id}/federationConfiguration/{internalDomainFederation-id}",
	"graph DELETE /domains/{domain-id}/federationConfiguration/{internalDomainFederation-id}",
	"graph GET /organization",
	"graph GET /users",
	"graph GET /users/{user-id}",
	"graph PATCH /users/{user-id}",
	"graph GET /roleManagement/directory/roleAssignments",
}

// clouds are those whose addresses the description names, and the login
// services beside them.
var clouds = []aad.Cloud{aad.Public, aad.USGovL4, aad.USGovL5, aad.China}

func TestGraph(t *testing.T) {
	graph := load(t, "graph", "graph-v1.0-trimmed.yaml")
	graph.property = func(name string) bool { return strings.Contains(name, "@odata.") } // annotations need no description
	tenant := aadtest.Server{PageSize: 2}
	check := newChecker(tenant.HTTPClient().Transport, absentRoutes(t, "graph", graph), graph)
	through := &http.Client{Transport: check}
	driveGraph(t, tenant.Client(&aad.Options{HTTPClient: through}), &tenant)
	for _, cloud := range clouds {
		c := tenant.Client(&aad.Options{HTTPClient: through, Cloud: cloud})
		if _, err := c.Organization(t.Context()); err != nil {
			t.Errorf("%v: %v", cloud, err)
		}
	}
	poor := tenant.ClientWith(tenant.Credential(""), &aad.Options{HTTPClient: through})
	if _, err := all(poor.Domains(t.Context())); !errors.Is(err, aad.ErrDenied) {
		t.Errorf("without permissions: got %v, want %v", err, aad.ErrDenied)
	}
	judge(t, check, "graph", namedGraph, graph)
}

// driveGraph calls every method of the client that makes a request.
func driveGraph(t *testing.T, c *aad.Client, tenant *aadtest.Server) {
	ctx := t.Context()
	tenant.AddDomain("example.com")
	tenant.AddDomain("sub.example.com")
	tenant.AddDomain("example.org")
	tenant.AddDomain("new.example.net", aadtest.Unverified)
	alice := tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com", DisplayName: "Alice", Mail: "alice@example.com",
		ProxyAddresses: []string{"SMTP:alice@example.com"}, OtherMails: []string{"a@example.org"}})
	bob := tenant.AddUser(aad.User{UserPrincipalName: "bob@example.com"})
	tenant.AddUser(aad.User{UserPrincipalName: "guest_example.org#EXT#@contoso.onmicrosoft.com", UserType: "Guest"})
	admins := tenant.AddGroup("Administrators", alice, bob)
	tenant.MakeGlobalAdministrator(admins)
	tenant.MakeGlobalAdministrator(alice)
	tenant.SetPolicy(aad.TokenValidationPolicy{ID: "p", RootDomains: aad.EnumeratedDomains, DomainNames: []string{"example.com"}})

	first, second := keyPair(t).Cert(), keyPair(t).Cert()
	federation, user, assignment := new(aad.Federation), new(aad.User), new(aad.RoleAssignment)

	drive(t, c, []step{
		{"Permissions", func() error { _, err := c.Permissions(ctx); return err }},
		{"Organization", func() error { _, err := c.Organization(ctx); return err }},

		{"Domains", func() error { return some(all(c.Domains(ctx))) }},
		{"Domain", func() error { _, err := c.Domain(ctx, "example.com"); return err }},
		{"Domain", func() error { _, err := c.Domain(ctx, "nowhere.example"); return is(err, aad.ErrNotFound) }},
		{"CreateDomain", func() error { _, err := c.CreateDomain(ctx, "created.example"); return err }},
		{"VerificationRecords", func() error { return some(c.VerificationRecords(ctx, "created.example")) }},
		{"VerifyDomain", func() error {
			tenant.Quirks.DNSMissing = true
			_, err := c.VerifyDomain(ctx, "created.example")
			tenant.Quirks.DNSMissing = false
			return is(err, aad.ErrInvalid)
		}},
		{"VerifyDomain", func() error { _, err := c.VerifyDomain(ctx, "created.example"); return err }},
		{"ServiceRecords", func() error { return some(c.ServiceRecords(ctx, "created.example")) }},
		{"DeleteDomain", func() error {
			return errors.Join(c.DeleteDomain(ctx, "created.example"), c.DeleteDomain(ctx, "created.example"))
		}},
		{"SetDefaultDomain", func() error { return c.SetDefaultDomain(ctx, "example.org") }},
		{"RootDomain", func() error { _, err := c.RootDomain(ctx, "sub.example.com"); return err }},

		{"Federation", func() error { _, err := c.Federation(ctx, "example.com"); return is(err, aad.ErrNotFederated) }},
		{"CreateFederation", func() error {
			f, err := c.CreateFederation(ctx, "example.com", aad.Federation{
				DisplayName: "example.com", IssuerURI: "urn:uri:example.com", PassiveSignInURI: "https://sso.jumpcloud.com/saml2/example-com",
				ActiveSignInURI: "https://sso.jumpcloud.com/saml2/example-com", MetadataExchangeURI: "https://sso.jumpcloud.com/mex",
				SignOutURI: "https://console.jumpcloud.com/userconsole/", Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP,
				PromptLogin: aad.NativeSupport, SigningCertificate: first, SignedRequestsRequired: ptr(false),
			})
			return keep(federation, f, err)
		}},
		{"CreateFederation", func() error {
			_, err := c.CreateFederation(ctx, "example.com", *federation)
			return is(err, aad.ErrAlreadyFederated)
		}},
		{"CreateFederation", func() error {
			_, err := c.CreateFederation(ctx, "contoso.onmicrosoft.com", *federation)
			if err == nil {
				return errors.New("the initial domain was federated")
			}
			return nil
		}},
		{"Federation", func() error { _, err := c.Federation(ctx, "example.com"); return err }},
		{"FederationByID", func() error { _, err := c.FederationByID(ctx, "example.com", federation.ID); return err }},
		{"UpdateFederation", func() error {
			_, err := c.UpdateFederation(ctx, "example.com", federation.ID, aad.FederationUpdate{
				DisplayName: ptr("Example"), PassiveSignInURI: ptr("https://sso.jumpcloud.com/saml2/other"), SignOutURI: ptr("https://example.com/out"),
				ActiveSignInURI: ptr(""), MetadataExchangeURI: ptr(""), Protocol: ptr(aad.WSFed), MFA: ptr(aad.RejectMFAByFederatedIdP),
				IssuerURI: ptr("urn:uri:www.example.com"), PromptLogin: ptr(aad.PromptLoginDisabled), SigningCertificate: &second,
				NextSigningCertificate: &first, SignedRequestsRequired: ptr(true),
			})
			return err
		}},
		{"PatchFederation", func() error {
			return c.PatchFederation(ctx, "example.com", federation.ID, aad.FederationUpdate{NextSigningCertificate: new(certs.Cert)})
		}},
		{"UpdateFederation", func() error { // what else an update may answer
			tenant.Quirks.UpdateStatus = http.StatusNoContent
			_, err := c.UpdateFederation(ctx, "example.com", federation.ID, aad.FederationUpdate{NextSigningCertificate: new(certs.Cert)})
			tenant.Quirks.UpdateStatus = http.StatusOK
			return err
		}},
		{"SignIns", func() error {
			tenant.AddSignIn(aad.SignIn{UserPrincipalName: "alice@example.com"})
			return some(all(c.SignIns(ctx, nil)))
		}},
		{"Realm", func() error { _, err := c.Realm(ctx, "alice@example.com"); return err }},
		{"RealmIn", func() error { _, err := c.RealmIn(ctx, aad.UserRealm, "alice@example.com"); return err }},
		{"RealmIn", func() error { _, err := c.RealmIn(ctx, aad.GetUserRealm, "alice@example.com"); return err }},
		{"Realm", func() error {
			tenant.Quirks.NoUserRealm = true
			_, err := c.Realm(ctx, "alice@example.com")
			tenant.Quirks.NoUserRealm = false
			return err
		}},
		{"PromoteDomain", func() error { return c.PromoteDomain(ctx, "sub.example.com") }},
		{"DeleteFederation", func() error {
			return errors.Join(c.DeleteFederation(ctx, "example.com", federation.ID), c.DeleteFederation(ctx, "example.com", federation.ID))
		}},
		{"SetManaged", func() error {
			if _, err := c.CreateFederation(ctx, "example.com", *federation); err != nil {
				return err
			}
			return c.SetManaged(ctx, "example.com")
		}},
		{"TokenValidationPolicy", func() error { _, err := c.TokenValidationPolicy(ctx); return err }},

		{"CreateUser", func() error {
			u, err := c.CreateUser(ctx, aad.NewUser{UserPrincipalName: "admin@contoso.onmicrosoft.com", DisplayName: "Technical account",
				Password: aad.NewSecret("correct horse Battery 9"), ForceChange: true, ImmutableID: "abc123", UsageLocation: "DE"})
			return keep(user, u, err)
		}},
		{"Users", func() error { return some(all(c.Users(ctx, nil))) }},
		{"Users", func() error {
			return some(all(c.Users(ctx, &aad.UsersOptions{Domain: "example.com", Filter: "accountEnabled eq true", Select: []string{"id", "userPrincipalName"}, OnTotal: func(int) {}})))
		}},
		{"Users", func() error {
			return some(all(c.Users(ctx, &aad.UsersOptions{Prefix: "a", NotPrefixes: []string{"az"}, Parallel: true})))
		}},
		{"Users", func() error { return some(all(c.Users(ctx, &aad.UsersOptions{Parallel: true}))) }},
		{"Users", func() error { return some(all(c.Users(ctx, &aad.UsersOptions{IDs: []string{alice, bob}}))) }},
		{"User", func() error { _, err := c.User(ctx, "guest_example.org#EXT#@contoso.onmicrosoft.com"); return err }},
		{"User", func() error { _, err := c.User(ctx, "nobody@example.com"); return is(err, aad.ErrNotFound) }},
		{"UserCount", func() error { _, err := c.UserCount(ctx, &aad.UsersOptions{Domain: "example.com"}); return err }},
		{"SetImmutableID", func() error {
			return errors.Join(c.SetImmutableID(ctx, user.ID, "def456"), c.SetImmutableID(ctx, user.ID, ""))
		}},
		{"SetUserPrincipalName", func() error { return c.SetUserPrincipalName(ctx, user.ID, "admin2@contoso.onmicrosoft.com") }},
		{"RevokeSignInSessions", func() error {
			return errors.Join(c.RevokeSignInSessions(ctx, user.ID), c.RevokeSignInSessions(ctx, user.ID))
		}},

		{"RoleDefinitions", func() error { return some(all(c.RoleDefinitions(ctx))) }},
		{"AssignRole", func() error {
			a, err := c.AssignRole(ctx, user.ID, aad.GlobalAdministrator)
			return keep(assignment, a, err)
		}},
		{"RoleAssignments", func() error { return some(all(c.RoleAssignments(ctx, aad.GlobalAdministrator))) }},
		{"RoleUsers", func() error { return some(all(c.RoleUsers(ctx, aad.GlobalAdministrator))) }},
		{"GroupMembers", func() error { return some(all(c.GroupMembers(ctx, admins))) }},
		{"RemoveRoleAssignment", func() error {
			return errors.Join(c.RemoveRoleAssignment(ctx, assignment.ID), c.RemoveRoleAssignment(ctx, assignment.ID))
		}},
		{"DeleteUser", func() error { return errors.Join(c.DeleteUser(ctx, user.ID), c.DeleteUser(ctx, user.ID)) }},
	})
}
