// Package federation federates an Azure AD (Microsoft Entra ID) domain with
// JumpCloud: people then sign in to Microsoft 365 through JumpCloud.
//
// Call [Federator.Preflight] first: it names everyone whom the change would lock
// out. [Federator.Preview] shows what would change, [Federator.Federate] does it
// and may be called again at any time, [Federator.Verify] and [Federator.Wait]
// tell when people can sign in, [Federator.Revert] undoes what a report says.
//
// Beside these: [Federator.Inspect] names the state of a domain, without a plan,
// and the safe next step, [Federator.Overview] those of all domains of the tenant
// in one table; [Federator.FederateAll] works on several domains, and
// [FederateTenants] on those of many customers;
// [Federator.Defederate] goes back to passwords on purpose; [Federator.Repair]
// mends what Preflight found about people, of which [Federator.PreviewRepair] makes
// the list; [Evidence] writes a page for a change
// ticket, and the same in PowerShell for auditors. [Federator.Rotate] replaces the
// certificate that JumpCloud signs with, weeks before it ends, and [Federator.Watch]
// tells when that is: see Rotating the signing certificate, at the end of this page.
//
// # Three tenses
//
// A [Plan] says what should be true; it is plain data without secrets. [ParsePlan]
// reads one from a file, strictly, [ParsePlanNode] one that is not in JSON: a typing
// error is no consent.
// [Changes] are what is missing; they are computed and printable. A [Report]
// says what was done; it is never nil, also on error, and holds what Revert and
// a resumed run need. There is no saved state: the two services are the state.
// A repair is one report in all tenses, because a person approves it name by name:
// its steps are planned first, then done; Revert takes them back. So it is with all
// verbs if somebody else approves, at another time or place: a [Proposal], made by
// [Federator.Propose] and its kin, is the plan and its changes in one, can be stored,
// and [Federator.Apply] does just that or refuses.
//
// # The procedure
//
// Federate does what an administrator does by hand in two consoles and
// PowerShell. Rows are numbered in reports:
//
//	 1  users' email addresses agree in both directories     Preflight, and the gate before the first write
//	 2  a Global Administrator outside the domain            Plan.TechnicalAccount
//	 3  the domain is not the tenant's default domain        Plan.DefaultDomain
//	 4  JumpCloud group for the accounts                     Plan.Groups
//	 5  Microsoft 365 application                            Plan.Application
//	 6  IdP entity ID, login URL, groups                     Plan.Application, Plan.Groups
//	 7  application active, certificate read twice           -
//	 8  Microsoft 365 directory: grant, rules, groups        Plan.Directory
//	 9  domain federated                                     Plan.MFA, BrandName, SignOutURL
//	10  read back                                            Verify
//	11  wait                                                 Wait
//
// # What can go wrong
//
// Everything that stands in the way before the first write comes back in one
// [*PreconditionError]: nothing was written. After the first write a
// [*StepError] says at which change the run stopped; nothing is undone. Run
// Federate again: it looks first, and goes on from what it finds. Whatever was
// sent without an answer is looked for before it is sent again. [Explain] says of
// any error what happened, who was asked for what, and what to do; [Class] says it to
// a program: again, again later, or not before somebody has done something. One that is
// stopped and started meanwhile waits with [Federator.VerifyAgain] instead of Wait.
//
// Revert and Defederate may be called at any moment, with any report. They judge
// every step against the present before the first is undone (of a repair, each
// person right before the write); what people sign in by goes last, once the domain
// was seen twice to depend on it no more; what others have changed or live on stays,
// and the report says why and what to do; then call again. Neither takes away a
// sign-in that works, but that people of a domain that becomes managed need an Azure
// AD password.
//
// # Between processes
//
// Within a process, runs for one domain wait for each other, for all views of one
// Federator (see [Federator.With]), and switches of one tenant go one after the other,
// for all Federators over one [aad.Client]. Processes know nothing of each other but
// what the services show. What remains:
//
//   - Two processes, or one that died with the answer to a creation on its way, can
//     leave two applications or groups of one name while lists lag. Every run then
//     chooses the same: the application that stands in Azure AD, else the older one.
//     The run that made the other removes it; one that nobody owns up to is an
//     alarm with its ID, and goes with Consent.RemoveDuplicate if nobody uses it.
//   - Two processes that federate two domains in the same second can take each
//     other's last break-glass administrator, unless one sees the other's new
//     application, or the other's domain says itself that it is federated: then
//     the later one is refused.
//   - What somebody changes between the last read before a switch and the switch
//     itself, usually less than a second, is not seen.
//
// One process at a time for each tenant rules all of this out.
//
// What must outlive a process is the caller's to store. [Options.OnReport] gives it the
// report before each write, so that [Federator.RevertAll] can undo what a killed program
// has made.
//
// # Operating
//
// A program that looks after many domains for years, is stopped and started meanwhile,
// and lets people decide, stores what each call returns, which can be JSON, and hands it
// to the next:
//
//   - Every day: [Federator.Overview] of each tenant, and [Statuses.Digest] of all of them
//     together: what needs people first. [Federator.Watch] looks at the certificates of one
//     domain by its plan: who signs with what, how long for, does a rotation stand still.
//     Verify says what has drifted.
//   - Nothing is written that nobody has approved: [Federator.Propose] and its kin make a
//     [Proposal], whose Hash is what is approved, and [Federator.Apply] does that or refuses.
//     [Options.OnReport] stores the report before each write.
//   - After a write: [Federator.VerifyAgain] with the Verification before, again after its
//     AskAgain, until that is 0: then Effective says that people can sign in, or Wrong that
//     a person has to look. A rotation is called again at its [Rotation.NotBefore].
//   - After an error: [Class] says whether to come back by itself. [ClassTemporary]: after
//     [RetryAfter], or a pause that grows; [ClassUnsettled]: Inspect, then the same call,
//     which looks first; [ClassPeople]: not before somebody has done what [Explain] says.
//
// Dates are compared by [Options.Now].
//
// # What is not promised
//
// Federate returns when both services' interfaces show the plan. When people
// can sign in is another matter: minutes to hours, published as 20 minutes by
// JumpCloud and up to 24 hours by Microsoft.
//
// Nor does it follow that anybody does. Proof are real sign-ins: with
// [Options.SignInLog], Verify looks for them in the logs of both services, and tells
// those that failed, with what each code means and what to do; see [LayerSignIn]. That
// needs AuditLog.Read.All and Microsoft Entra ID P1, and, of JumpCloud, whatever
// Directory Insights demands, which is not published.
//
// What the two services are assumed to do, without a description that says so, is the list
// in package federation/assumptions, whose Look asks a live organisation and tenant, before
// anything is planned: the template and the keys of the application (jc-template-name,
// jc-template-keys), that a bound account is found by its ID and has the immutable ID that
// JumpCloud sends (jc-external-id, jc-immutable-id), how the realm endpoint shows a domain
// on SAML (aad-saml-auth-url), and the others. What only a write shows is on the list as well:
// whether two applications may share an entity ID (jc-entity-ids), what becomes of a creation
// that failed (aad-half-state), how a second certificate is cleared (aad-clear-certificate).
package federation
