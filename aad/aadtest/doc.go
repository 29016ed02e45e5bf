// Package aadtest has an Azure AD tenant in memory, for tests of programs that
// use package aad, or Microsoft Graph by other means.
//
// A [Server] is an [net/http.Handler] with memory: what is written is read back,
// and what the service refuses is refused, in its words. It does not need package
// testing.
//
//	var tenant aadtest.Server
//	tenant.AddDomain("example.com")
//	tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com"})
//	client := tenant.Client(nil) // no network, and time can be bent with testing/synctest
//
// Over a real connection, with any client:
//
//	hs := httptest.NewServer(&tenant)
//	client, err := aad.New(tenant.Credential(), &aad.Options{GraphURL: hs.URL, LoginURL: hs.URL})
//
// # What it does as the service does
//
//   - A creation of a federation converts the domain, a deletion or PATCH to Managed converts it back and forgets
//     the configuration; its ID is another one each time.
//   - A creation without certificate answers 500 and leaves a federated domain without configuration.
//   - The federation of a managed domain is 404; a second creation is 400; an issuer of another domain, of
//     this tenant or ([Server.AddForeignIssuer]) another, 409; PATCH to Federated 400, with a configuration in it 500.
//   - The default, the initial, an unverified domain and a subdomain cannot be federated. Subdomains inherit; promoted,
//     they are managed. There is exactly one default domain, which is managed.
//   - A token without the permission of the operation gets 403, an expired or unknown one 401.
//   - Users of a federated domain need an immutable ID, synchronised users cannot be changed, properties have to be asked
//     for with $select, advanced queries need ConsistencyLevel on each page.
//   - Principals of role assignments come without user principal name, unless that is selected.
//   - Errors, headers, dates and links look as they do there. Bodies may be
//     compressed, as those of Microsoft's own clients are.
//
// What is not documented, or was seen in more than one way, is chosen in [Quirks].
//
// # What it does not model
//
// What the server accepts it keeps and shows. What Microsoft Graph has and the server
// does not model it refuses with 501, the code notImplemented and the name: an operation,
// a query parameter, an operator of $filter, a property in $select or in a body, the
// version /beta. What Graph does not have is 400, as on the service. It is modelled:
//
//   - Domains: list, get, create, update, delete, verify, promote, forceDelete of one without users, root domain, DNS
//     records, references; $select. In a body authenticationType, isDefault, supportedServices and what passwords are
//     subject to.
//   - Federation: list, get, create, update, delete, with all properties, without query parameters.
//   - Users: list, count, get, create, update, delete, end of sessions. $select, $filter with eq, ne, not, in, ge, le,
//     startsWith, endsWith, any, and /$count with 0, for the properties and in the queries that the documentation has
//     them in; $search in displayName, mail and userPrincipalName; $orderby by one property; $count, $top. All
//     properties of the directory that can be written; those of SharePoint, Exchange, licences and synchronisation not.
//   - Members of a group with those of the groups in it: $select, $top.
//   - Role definitions and assignments: list, get, create, delete; $select, $filter with eq and in, $expand=principal and
//     $expand=principal($select=…). A request can assign roles in the whole tenant only.
//   - The organisation, the token-validation policy: get; $select. The sign-in log: list; $filter, $orderby, $top.
//   - Batches of reads. A batch is one request for the log, Fault and Throttle.
//
// Keys may stand in parentheses, and the tenant's ID or one of its domains behind the
// version, as some clients send them.
//
// # Signing in
//
// The login service also has pages, without scripts, on which people sign in: with
// [Server.SetPassword]'s password on a managed domain, else through the identity
// provider, by SAML 2.0 or WS-Federation. What comes back to /login.srf is judged by
// package signin against what the realm endpoints know at that moment, users as they are
// now: the person is signed in, asked for a second factor ([Server].DemandMFA), or
// shown Azure AD's error page. What nobody has seen accepted is refused. Whoever plays
// the provider takes a form with SAMLRequest and RelayState (or, by a quirk, the same by
// HTTP-Redirect) and posts SAMLResponse and RelayState to
// https://login.microsoftonline.com/login.srf, or to /login.srf of the Server. Each
// sign-in that ends is a line in the sign-in log, after SignInLag.
//
// # Seeds and edits
//
// The Add methods add what has been there for long, and return its ID. Edit, Set and
// Remove, which an administrator has in the portal, change it, as late to be seen as
// any change. What is given an ID or a name that does not exist panics.
//
// # Trouble
//
// [Server].Fault decides for each request: refused, carried out with the answer
// lost, cut, or late. Throttle refuses by a token bucket, Latency is added to each
// request. ListLag and GetLag let lists and what is asked by ID show the past: by
// time, by number, or by turns; ResourceLag does so for one resource, and RealmLag
// for the realm endpoints.
//
// # Assertions
//
// [Server.Requests] is the log, with path templates; [Server.Writes] counts.
// [Server.Domain], [Server.Federation], [Server.Users] and [Server.RoleAssignments]
// are the truth behind the lag. [Server.History] and OnFederationChange show each
// state that a domain went through, so that a test can demand what must never have
// been, and OnRequest tells of each request, while it is under way.
// [Server.Revocations] tells whose sign-in sessions were ended, [Server.SignIns] who
// signed in and who failed to.
//
// # Scale
//
// [Server.GenerateUsers] makes users by number, without storing them: hundreds of
// thousands cost six bytes each.
package aadtest
