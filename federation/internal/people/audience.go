package people

// An Audience says whose sign-in is judged, and what will be true of them once
// the domain is federated.
type Audience struct {
	Domain     string   // normalised
	Subdomains []string // those that follow it

	// Before says who can sign in now.
	Before Reach

	// Directory says that there is a Microsoft 365 directory in JumpCloud, to
	// which people have to be bound.
	Directory bool

	// Planned are the addresses of those whom the plan adds to groups, and
	// whether the directory exports such a group.
	Planned map[string]bool

	// AlternateEmail says that a rule of the directory makes the alternate email
	// the user principal name.
	AlternateEmail bool

	// LikelyService says why an account looks like a service, a room or a
	// shared mailbox; "" if it does not. Nil means [LikelyService].
	LikelyService func(userPrincipalName, displayName string) string
}

// Domains are the domain itself and those that follow it.
func (a Audience) Domains() []string {
	return append([]string{a.Domain}, a.Subdomains...)
}

// Reach says who can sign in before the change, as far as anybody can read.
// Whoever cannot does not lose anything by it. What comes first reaches more.
type Reach uint8

const (
	// Everybody with an enabled account: the domain is managed.
	Everybody Reach = iota
	// WithID: whoever has an immutable ID, by another identity provider.
	WithID
	// HalfMade: nobody, since Azure AD sends people nowhere. But the run brings
	// their passwords back before it federates the domain anew, and what the plan
	// then leaves out is the plan's doing: whoever is in none of its groups is
	// locked out by it.
	HalfMade
	// AsAfter: whoever can after the change, and nobody else. The domain is
	// federated with the plan's application, and a plan only adds; or the
	// federation lets nobody in.
	AsAfter
)

// A JumpCloudUser is what is taken from a user of JumpCloud.
type JumpCloudUser struct {
	ID, Username, Email, Alternate string
	Suspended, NotActivated        bool
	Expired, Locked                bool // the password, the account
}

// An AzureADUser is what is taken from an account in Azure AD.
type AzureADUser struct {
	ID, UPN, Name, Mail, ImmutableID string
	Disabled, Guest, Synced, Admin   bool
	Proxies, Others                  []string // proxy addresses with their type, and other mails
}
