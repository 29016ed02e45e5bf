// Package aad is a client of the part of Microsoft Graph with which a domain of
// Azure AD (Microsoft Entra ID) is federated with another identity provider:
// domains and their federation configuration, the token-validation policy, the
// organization, users and role assignments; and of the public realm endpoint, which
// tells how users of a domain sign in.
//
// # Construct and authenticate
//
// [New] takes any credential of the Azure SDK. In a program that runs on Azure, in
// a pipeline or after "az login":
//
//	cred, err := azidentity.NewDefaultAzureCredential(nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	client, err := aad.New(cred, nil)
//
// The token is asked for when it is needed first, renewed before it expires, once
// for all goroutines, and renewed again if the service refuses it in the middle of
// a list. For the national clouds set [Options].Cloud, and the same cloud in the
// options of the credential.
//
// # Permissions
//
// A permission of an application has to be consented to by an administrator. A
// signed-in user needs the delegated permission of the same name and a directory
// role as well, such as Domain Name Administrator.
//
//	Domains, Domain, RootDomain, VerificationRecords, ServiceRecords    Domain.Read.All
//	SetDefaultDomain, CreateDomain, VerifyDomain, PromoteDomain,
//	DeleteDomain                                                        Domain.ReadWrite.All
//	SetManaged                                                          Domain.ReadWrite.All; signed-in users
//	                                                                    also Domain-InternalFederation.ReadWrite.All
//	Federation, FederationByID                                          Domain-InternalFederation.Read.All
//	CreateFederation, UpdateFederation, PatchFederation, DeleteFederation Domain-InternalFederation.ReadWrite.All
//	TokenValidationPolicy                                               Policy.Read.All
//	Organization                                                        Organization.Read.All
//	Users, User, UserCount                                              User.Read.All
//	CreateUser, SetImmutableID, SetUserPrincipalName, DeleteUser        User.ReadWrite.All
//	RevokeSignInSessions                                                User.RevokeSessions.All
//	RoleAssignments, RoleDefinitions                                    RoleManagement.Read.Directory
//	RoleUsers                                                           RoleManagement.Read.Directory, User.Read.All,
//	                                                                    and for groups GroupMember.Read.All
//	GroupMembers                                                        GroupMember.Read.All, User.Read.All
//	AssignRole, RemoveRoleAssignment                                    RoleManagement.ReadWrite.Directory
//	SignIns                                                             AuditLog.Read.All
//	Realm, Permissions                                                  none
//
// Domain.ReadWrite.All is documented as enough to write federations, and was
// refused for years. Where Domain-InternalFederation does not exist (some national
// clouds) it has to do. [Client.Permissions] reads what the token has, before
// anything is tried; an error of class [ErrDenied] names what the operation needs.
//
// # List
//
// Lists are iterators. They ask for pages as they go on, start again with each
// range, and end after the first error.
//
//	for user, err := range client.Users(ctx, &aad.UsersOptions{Domain: "example.com"}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(user.UserPrincipalName)
//	}
//
// For many users name the properties that you need in [UsersOptions].Select, and set Parallel.
//
// # Federate, and undo it
//
// A domain becomes federated by [Client.CreateFederation] and managed by
// [Client.DeleteFederation] or [Client.SetManaged]; there is no separate switch.
// Three things deserve care:
//
//   - A creation that fails may have federated the domain all the same. After [ErrOutcomeUnknown] look at
//     [Client.Domain] first, then at [Client.Federation]. A domain that is federated while its configuration is
//     [ErrNotFederated] is in a half-state, and SetManaged is the way out.
//   - Azure AD forgets the configuration of a domain that becomes managed. Keep what Federation returned: given to CreateFederation it
//     restores what was, properties that this package does not know included.
//   - Reads lag behind writes by seconds, on some replicas longer than on others; the sign-in service, which
//     [Client.Realm] shows, by minutes to hours.
//
// Package federation of this module does all of this, together with the other side.
//
// # Handle errors
//
// Every error of a call is an [*Error]: status, code and message of the service,
// the request IDs that its support asks for, the permission that was needed. Test
// for meanings with errors.Is: the service says the same thing in several ways, and
// different things in the same way.
//
//	ErrNotFound          no such object                           404
//	ErrNotFederated      the domain has no configuration          404, or an empty list
//	ErrAlreadyFederated  it has one already                       400, by its text
//	ErrIssuerInUse       the issuer belongs to another domain     409, or 400 by its text
//	ErrConflict          a unique value is taken                  409, or 400 by its code
//	ErrInvalid           refused as malformed, here or there      400
//	ErrDenied            a permission is missing                  403
//	ErrUnauthenticated   the credential failed, or its token      401
//	ErrThrottled         come back later: Error.RetryAfter        429
//	ErrUnavailable       no answer, or none of use                5xx, 2xx without what was promised, and
//	                     (a proxy's page is none)                 pages of HTML instead of 401, 403, 404, …
//	ErrOutcomeUnknown    besides the others: a write may have     no answer, 5xx
//	                     taken effect
//	ErrReadOnly          Options.ReadOnly, and the call writes
//	ErrTooManyPages      a list did not end: Options.MaxPages
//
// A list without its array, such as an error with status 200, is no empty list.
//
// The text of an error has one line, and neither secrets nor queries nor user
// names; nor have the log records.
//
// # Retries
//
// This list may change without notice.
//
//   - Reads, and writes that may be made twice (PATCH, DELETE), are repeated up to four times after a lost connection, a broken
//     answer, or a 5xx, with growing pauses.
//   - Creations (POST) are repeated only if they were turned away: by 429, by 503 with Retry-After, or
//     because nothing of them was sent. Otherwise they fail with ErrOutcomeUnknown.
//   - After 429 no goroutine of the client sends before the time that the service named, whole or fractional seconds or a date.
//     A longer wait than [Options].MaxWait is returned as ErrThrottled. Lists of users wait as often as it takes.
//   - A 401 has the token renewed, and the request repeated, once.
//   - A link to the next page is followed on Graph's own host only; redirects are not followed.
//   - An answer that stands still is given up after [Options].IdleTimeout, and counts as a lost one.
//   - Everything ends with its context. A write that was under way then may have taken effect:
//     ErrOutcomeUnknown.
//
// # What is not documented
//
// What this package relies on without a description that says so, or against one, has a
// name, by which package federation/assumptions tells what else would do and what breaks:
//
//	Domains, Domain        aad-domain-list, aad-bare-entities, aad-subdomain, aad-read-lag
//	Federation             aad-managed-404, aad-managed-404-text, aad-federation-list
//	CreateFederation       aad-half-state, aad-issuer-in-use, aad-domain-write
//	UpdateFederation       aad-update-answer, aad-clear-certificate, aad-clear-others
//	TokenValidationPolicy  aad-policy
//	Permissions            aad-permissions
//	Realm, RealmIn         aad-realm-userrealm, aad-realm-srf, aad-realm-graph, aad-realm-protocol, aad-saml-auth-url
//	Users, UserCount       aad-ends-with, aad-starts-with, aad-counts, aad-next-link, aad-empty-list
//	SetImmutableID         aad-immutable-id-write
//	RevokeSignInSessions   aad-revoke-administrators
//	RoleAssignments        aad-role-expand, aad-principal-names
//	SignIns                aad-sign-in-log, aad-sign-in-protocol
//	retries                aad-retry-after, aad-throttle-headers
//	sign-ins               aad-request-binding, aad-enforced-mfa, aad-issuer-code, aad-clock
//
// # Test with the fake
//
// Package aadtest has a tenant in memory, which behaves like the service where it
// surprises, and fails on demand:
//
//	var tenant aadtest.Server
//	tenant.AddDomain("example.com")
//	client := tenant.Client(nil)
package aad
