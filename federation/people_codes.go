package federation

import "github.com/jcaad/jcaad/federation/internal/people"

// Codes of findings about people. Those that [PersonFinding.LockedOut] can
// accompany count for [Consent.LockOut].
const (
	// In Azure AD, but not in JumpCloud: will be locked out.
	CodePersonNotInJumpCloud Code = "person-not-in-jumpcloud"
	// In JumpCloud, but not in Azure AD: cannot sign in, there is no account.
	CodePersonNotInAzureAD Code = "person-not-in-azure-ad"
	// In no group that is bound to the application.
	CodePersonNotInGroup Code = "person-not-in-group"
	// In a bound group only by way of another group.
	CodePersonNestedGroup Code = "person-nested-group"
	// Not bound to JumpCloud's Microsoft 365 directory.
	CodePersonNotBound Code = "person-not-bound"
	// Bound, and not synchronised yet, as others are.
	CodePersonNotExported Code = "person-not-exported"
	// Bound, but JumpCloud reports an error with it.
	CodePersonBindingError Code = "person-binding-error"
	// Bound to another account than the one with this address.
	CodePersonBoundElsewhere Code = "person-bound-elsewhere"
	// With another immutable ID than JumpCloud most likely sends.
	CodePersonImmutableIDDiffers Code = "person-immutable-id-differs"
	// Without the ID that Azure AD finds people by.
	CodePersonNoImmutableID Code = "person-no-immutable-id"
	// One immutable ID on two accounts: one of them gets into the other's.
	CodePersonSharedImmutableID Code = "person-immutable-id-shared"
	// JumpCloud's email is not Azure AD's user principal name or mail.
	CodePersonEmailDiffers Code = "person-email-differs"
	// The two accounts have only an alias in common.
	CodePersonAliasOnly Code = "person-alias-only"
	// On another domain: Azure AD refuses the token (AADSTS5000820).
	CodePersonOtherDomain Code = "person-other-domain"
	// Suspended in JumpCloud, enabled in Azure AD.
	CodePersonSuspended Code = "person-suspended"
	// Not activated in JumpCloud, enabled in Azure AD.
	CodePersonNotActivated Code = "person-not-activated"
	// The JumpCloud password has expired.
	CodePersonPasswordExpired Code = "person-password-expired"
	// Locked in JumpCloud after too many wrong passwords.
	CodePersonAccountLocked Code = "person-account-locked"
	// Disabled in Azure AD.
	CodePersonDisabled Code = "person-disabled"
	// Of another tenant: a guest, as a rule.
	CodePersonGuest Code = "person-guest"
	// Owned by a directory on the premises.
	CodePersonDirectorySynced Code = "person-directory-synchronised"
	// Looks like a service, a room or a shared mailbox.
	CodePersonServiceAccount Code = "person-service-account"
	// A Global Administrator on the domain.
	CodePersonGlobalAdmin Code = "person-global-administrator"
	// A privileged user whom the holder of JumpCloud's key can impersonate.
	CodePersonPrivilegedID Code = "person-privileged-immutable-id"
	// Two JumpCloud users with one email address.
	CodePersonDuplicateEmail Code = "person-duplicate-email"
	// Without an email address on one side.
	CodePersonNoEmail Code = "person-no-email"
)

// personCodes holds what is told of a kind: its code, and the sentence that a help
// desk can read out.
var personCodes = [people.Kinds]struct {
	code   Code
	repair string
}{
	people.NotInJumpCloud: {CodePersonNotInJumpCloud,
		"Create the person in JumpCloud with this very email address, " +
			"put them into the Microsoft 365 group and wait until the directory shows them as synchronised; " +
			"if nobody uses the account, disable it in Azure AD; if it is a program, " +
			"move it to the onmicrosoft.com domain."},
	people.NotInAzureAD: {CodePersonNotInAzureAD,
		"Bind the person to the Microsoft 365 directory in JumpCloud, which creates the account, " +
			"or create it in Azure AD with this user principal name; if they need no Microsoft 365, " +
			"nothing is to be done."},
	people.NoImmutableID: {CodePersonNoImmutableID,
		"Bind the person to the Microsoft 365 directory in JumpCloud and wait for the synchronisation, " +
			"or set the missing ID with the repair command, before the domain is switched."},
	people.SharedImmutableID: {CodePersonSharedImmutableID,
		"Find out whose ID it is and give the other account its own, before the domain is switched: " +
			"until then one of the two signs in as the other."},
	people.Suspended: {CodePersonSuspended,
		"Reactivate the person in JumpCloud if they still work here; otherwise disable the account in Azure AD too."},
	people.NotActivated: {CodePersonNotActivated,
		"Let the person open JumpCloud's welcome message and choose a password, or send it again, " +
			"before the domain is switched."},
	people.PasswordExpired: {CodePersonPasswordExpired,
		"Let the person choose a new password in JumpCloud: until then they sign in nowhere."},
	people.AccountLocked: {CodePersonAccountLocked,
		"Unlock the person in JumpCloud, or wait until the lock ends: until then they sign in nowhere."},
	people.NotInGroup: {CodePersonNotInGroup,
		"Add the person to one of the JumpCloud groups that are bound to the Microsoft 365 application."},
	people.NotBound: {CodePersonNotBound,
		"Bind the person, or their group, " +
			"to the Microsoft 365 directory in JumpCloud and wait until the directory shows them as synchronised."},
	people.NotExported: {CodePersonNotExported,
		"Wait until the directory shows the person as synchronised, or let the person sign in through JumpCloud on a test domain, " +
			"before the domain is switched."},
	people.BindingError: {CodePersonBindingError,
		"Open the person in JumpCloud's Microsoft 365 directory, put right what the message says, " +
			"and bind them again if it stays."},
	people.BoundElsewhere: {CodePersonBoundElsewhere,
		"Unbind the person from the Microsoft 365 directory in JumpCloud and bind them again, " +
			"so that the directory finds the account that they use; if the other account is theirs, rename it."},
	people.ImmutableIDDiffers: {CodePersonImmutableIDDiffers,
		"Find out which immutable ID JumpCloud sends for this person, " +
			"by a sign-in on a test domain or by what people of the same kind have, " +
			"and make the account's the same before the domain is switched."},
	people.OtherDomain: {CodePersonOtherDomain,
		"Give the person a user principal name on the federated domain, or leave them out of the group: " +
			"Azure AD refuses sign-ins from one domain for people of another (AADSTS5000820)."},
	people.EmailDiffers: {CodePersonEmailDiffers,
		"Make the email address in JumpCloud and the user principal name and mail address in Azure AD the same; " +
			"JumpCloud's export renames the account to its own."},
	people.AliasOnly: {CodePersonAliasOnly,
		"Make sure that both accounts belong to the same person, " +
			"then make the email address in JumpCloud and the user principal name in Azure AD the same."},
	people.DuplicateEmail: {CodePersonDuplicateEmail,
		"Give one of the two JumpCloud users another email address, or delete it: " +
			"only one of them can be bound to the account."},
	people.NoEmail: {CodePersonNoEmail,
		"Fill in the missing email address: the two directories can only be matched by it."},
	people.GlobalAdmin: {CodePersonGlobalAdmin,
		"Keep at least two Global Administrators on the onmicrosoft.com domain, " +
			"so that the tenant can be reached when JumpCloud cannot."},
	people.PrivilegedID: {CodePersonPrivilegedID,
		"Remove the immutable ID and let this administrator sign in from the onmicrosoft.com domain: with the ID, " +
			"whoever holds JumpCloud's signing key can sign in as them."},
	people.DirectorySynced: {CodePersonDirectorySynced,
		"Leave this account to the directory on the premises, which owns its immutable ID, " +
			"or end the synchronisation first: neither JumpCloud nor this program can change it."},
	people.ServiceAccount: {CodePersonServiceAccount,
		"If a program, a device or a room signs in with this account, move it to the onmicrosoft.com domain, " +
			"because it cannot answer JumpCloud's sign-in page; a shared mailbox needs no sign-in: disable it."},
	people.NestedGroup: {CodePersonNestedGroup,
		"Add the person to the bound group directly: Microsoft's own assignments do not follow groups in groups."},
	people.Guest: {CodePersonGuest,
		"Nothing is to be done: people of other tenants sign in at home. If this is an employee, " +
			"give them an account of their own."},
	people.Disabled: {CodePersonDisabled,
		"Nothing is to be done: a disabled account cannot sign in before or after the switch."},
}

// personSeverities are the severities as the engine counts them.
var personSeverities = [...]Severity{people.Alarm: Alarm, people.Refusal: Refusal, people.Warning: Warning, people.Info: Info}

// Repair returns the sentence that says what to do about people with this
// finding; "" for codes that are not about people.
func (c Code) Repair() string {
	for _, p := range personCodes {
		if p.code == c && c != "" {
			return p.repair
		}
	}
	return ""
}

// LikelyService says why an account looks like a service, a device, a room or a
// shared mailbox rather than a person; "" means that it does not. It is a guess
// by words of the name alone.
func LikelyService(userPrincipalName, displayName string) (reason string) {
	return people.LikelyService(userPrincipalName, displayName)
}
