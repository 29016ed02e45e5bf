// Package jumpcloud is a client of JumpCloud's admin API: organisations, users,
// user groups, SSO applications with their certificates, Microsoft 365
// directories, and what binds them to each other.
//
// # Construct and authenticate
//
// [New] takes an administrator's API key, [NewServiceAccount] the ID and secret
// of a service account, whose tokens are fetched and renewed as needed. Prefer
// the service account: its scopes can be limited, and its secret expires.
//
//	client, err := jumpcloud.New(os.Getenv("JUMPCLOUD_API_KEY"), nil)
//
// [Options.Region] must be the organisation's: a key of one region is refused by
// the others. Administrators of several organisations name one in
// [Options.OrgID], and get clients of the others from [Client.ForOrganization].
// A [Client] is for life, and for many goroutines.
//
// # Scopes
//
// Each method names the scope that it needs, and so does the error of a 403. A
// scope without ".readonly" includes the reading one.
//
//	organizations.readonly         Organizations
//	users.readonly                 Users, User, SearchUsers, GroupMembers, GroupMembership, Office365Users
//	users                          CreateUser, UpdateUser, associations of users
//	groups.readonly                Groups, Group
//	groups                         CreateGroup, DeleteGroup, AddGroupMember, associations of groups
//	applications.readonly          Applications, Application, Metadata
//	applications                   CreateApplication, ModifyApplication, ReplaceCertificate,
//	                               RegenerateCertificate, DeleteApplication, associations of applications
//	applicationtemplates.readonly  Templates, Template
//	directories.readonly           Directories, Office365, its domains, rules and importable users
//	directories                    writes to those, associations of directories
//	(not published)                Events
//
// # Lists
//
// Lists are iterators. Pages are fetched as they are needed; each range starts
// again from the first; after an error there is nothing more.
//
//	for u, err := range client.Users(ctx, &jumpcloud.UsersOptions{Fields: []string{"email"}}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(u.Email)
//	}
//
// [Client.Users] and the others that can be long read several pages at a time,
// as many as JumpCloud bears. For many users name the Fields: a whole user is a
// kilobyte.
//
// # Applications and their certificates
//
// JumpCloud's PUT of an application replaces everything, and makes a new
// certificate if the old one is not sent along, which ends the sign-in of a
// whole domain. There is therefore no method that writes an application from
// scratch. [Client.ModifyApplication] reads, lets you edit, and writes back what
// was read, with what this package does not know, and compares the certificate
// afterwards. A certificate changes only by [Client.ReplaceCertificate] and
// [Client.RegenerateCertificate], at once and without a way back.
//
// A new application signs with a key that JumpCloud makes, and nobody can use it
// until a group is bound to it with [Client.Associate].
//
// # Sign-ins
//
// [Client.Events] reads Directory Insights: who has signed in to an application since
// when, as far as JumpCloud has let them pass.
//
// # Errors
//
// An error of the service is an [*Error] with status, JumpCloud's message and
// request ID. Ask for its meaning with [errors.Is]: [ErrNotFound], [ErrConflict],
// [ErrInvalid], [ErrUnauthenticated], [ErrDenied], [ErrThrottled],
// [ErrUnavailable]. What can be known to be wrong is not sent at all, and is
// [ErrInvalid] with status 0.
//
// [ErrOutcomeUnknown] comes beside one of these: a write may have taken effect,
// although nothing good was heard of it. Look before you repeat it. Methods
// whose comment says that they are safe to repeat can be called again.
//
// Deleting what is not there, adding what is there and removing what is not
// bound succeed.
//
// Texts of errors and log records hold no credential, no query and no body, and
// no addresses of people; [Error.Message] is what JumpCloud said.
//
// # Retries
//
// These rules are not part of the compatibility promise.
//
//   - 429, and JumpCloud's 403 for "suspected abuse": every request is sent
//     again, creations too, because it was turned away at the door. The time
//     that Retry-After names is waited out, up to [Options.MaxWait] (two minutes)
//     at once and five minutes in all; pages of long lists wait as long as the
//     context lives. All goroutines of a client wait together.
//   - 5xx, connections that break, answers that are cut: reads and writes that
//     can be repeated without harm are sent again, five times in all, with growing
//     pauses. Creations are not: [ErrOutcomeUnknown].
//   - 503 with Retry-After: creations are sent again, too.
//   - 401: a service account's token is renewed once.
//   - An answer that stands still is given up after [Options.IdleTimeout], and
//     counts as one that was cut.
//   - Everything else is an answer, if it holds what was promised: a list without
//     its array, an object without its ID and a page of HTML are
//     [ErrUnavailable]. Redirects are not followed.
//   - A write that was under way when its context ended may have taken effect:
//     [ErrOutcomeUnknown].
//
// # Consistency
//
// What was written may be missing in lists for some time, and JumpCloud has no
// way to write only if nothing has changed: the last writer wins.
//
// # What is not documented
//
// What this package relies on without a description that says so has a name, by which
// package federation/assumptions tells what else would do and what breaks:
//
//	Template               jc-template-name, jc-template-keys, jc-template-defaults, jc-template-login-url
//	Applications           jc-list-config, jc-certificate-form, jc-certificate-dates, jc-404-body
//	Metadata               jc-metadata-endpoints, jc-metadata-certificate, jc-metadata-entity-id,
//	                       jc-metadata-type, jc-metadata-org
//	ModifyApplication      jc-empty-key
//	ReplaceCertificate     jc-certificate-lag, jc-entity-ids
//	DeleteApplication      jc-delete-status
//	Group, CreateGroup     jc-group-method, jc-group-names
//	Directories            jc-directory-grant, jc-list-office365s, jc-total-header
//	Office365Domains       jc-directory-domains, jc-total-number
//	Office365Users         jc-sync-status, jc-external-id, jc-immutable-id
//	Events                 jc-events, jc-event-failures
//	retries                jc-retry-after, jc-suspected-abuse
//	sign-ins               jc-assertion, jc-unexported, jc-wsfed, jc-clock
//
// # Testing
//
// Package [github.com/jcaad/jcaad/jumpcloud/jumpcloudtest] has an organisation
// in memory that behaves like the real one, for tests of your own code.
package jumpcloud
