// Package jumpcloudtest has a JumpCloud organisation in memory, for tests of programs
// that use package jumpcloud, or JumpCloud's API by other means.
//
// A [Server] is an [net/http.Handler] with memory: what is written is read back,
// and what the service refuses is refused, in its words. It does not need package
// testing.
//
//	var org jumpcloudtest.Server
//	org.AddUser(jumpcloud.User{Username: "alice", Email: "alice@example.com"})
//	client := org.Client(nil) // no network, and time can be bent with testing/synctest
//
// Over a real connection, with any client:
//
//	hs := httptest.NewServer(&org)
//	client, err := jumpcloud.New("any key", &jumpcloud.Options{BaseURL: hs.URL})
//
// # What it does as the service does
//
//   - A PUT of an application resets what is not sent along; without the old certificate it makes a new one. An
//     empty certificate is a 503, each time. Private keys are written and never shown.
//   - Certificates, keys and metadata of applications are real; an application tells when they were replaced.
//   - Lists without sort repeat users from page to page; fields with commas are ignored without a word.
//   - A member who is put into a group on whose members a rule decides is accepted and not there afterwards; only the
//     group itself tells of the rule and its attributes, lists do not. Groups in groups are reached, not listed.
//   - A request without a key is redirected to /login, one at another region's host is refused like a wrong key, one
//     outside of [Server].Scopes gets 403, and x-org-id is demanded and refused route by route.
//   - Errors, headers and IDs look as they do there, in the several shapes that they have there.
//
// # What it does not do
//
// What is not modelled is refused with 501 and its name: a route, a parameter in the
// query, an operator or field of a filter, a property of a body. What is accepted is
// kept and shown. Modelled are users, with search and states; user groups and their
// members; applications in both versions of the API, templates and metadata; what binds
// these, and what is reached from them; Microsoft 365 directories with domains, rules
// and the users of Microsoft 365; organisations; events of sign-ins; service accounts'
// tokens. Of systems, RADIUS servers and the like there is none: their lists are empty,
// and nothing can be bound to one.
//
// Two things are kept and shown, and do nothing: the rule of a dynamic group, whose
// members are those that a test gave it, and the attributes of groups and bindings.
//
// # Signing in
//
// Each application's login URL is an identity provider, for people and for tests that
// walk like them. It takes SAML requests by POST and by Redirect, or none, asks for name
// and password ([Server.SetPassword]) and perhaps a second factor
// ([Server.SetSecondFactor]), and answers with a form that posts the response to the
// service provider. The response is signed with the key that the application really
// has, and names the person by the immutable ID that JumpCloud's directory has exported,
// which is the user's own ID unless [Server.SetImmutableID] says otherwise. Who may not
// sign in sees a page that says why: [Refusal]. The user portal, at /userconsole/, has a
// tile for each application that a person has. [Server.Events] tells what happened;
// the API tells the same, as late as EventLag says. No page needs JavaScript.
//
// How a log-in page of JumpCloud looks, and what an assertion of its Microsoft 365
// application holds beside the immutable ID, is not published: do not test against
// the looks. [SignInQuirks] and [AuthClaims] change what is said.
//
// # Quirks
//
// What nobody outside of JumpCloud knows, or was seen in more than one way, is chosen in [Quirks].
//
// # Seeds and edits
//
// The Add methods add what has been there for long, and return its ID. Edit, Set and
// Remove, and the others that an administrator has in the console, change it, as
// late to be seen as any change. What is given an ID or a name that does not exist panics.
//
// # Trouble
//
// [Server].Fault decides for each request: refused, carried out with the answer
// lost, cut, or late; [SuspectedAbuse] is one that only JumpCloud has. Throttle
// refuses by a token bucket, Latency is added to each request. ListLag and GetLag let
// lists and what is asked by ID show the past: by time, by number, or by turns; two of
// the Quirks do so for a new certificate.
//
// # Organisations
//
// [Server.AddOrganization] puts another organisation behind the same key, throttle and
// log, as a provider's customers are; x-org-id chooses among them.
//
// # Assertions
//
// [Server.Requests] is the log, with path templates; [Server.Writes] counts.
// [Server.Application], [Server.Directory], [Server.Groups], [Server.Users] and
// [Server.Associations] are the truth behind the lag. OnChange tells of each object
// that a request changed, and OnRequest of each request, while it is under way.
//
// # Scale
//
// [Server.GenerateUsers] makes users by number, without storing them;
// [Server.GenerateBound] and [Server.GenerateMembers] bind as many to a directory and
// to a group.
package jumpcloudtest
