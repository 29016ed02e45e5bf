package people

// A Finding is something about one person: what, how bad it is, and whom it is
// about, by number. [Judgement.Person] and [Judgement.Evidence] put it into words.
type Finding struct {
	Kind     Kind
	Severity Severity

	// LockedOut says that the person can sign in today, and could not any more
	// once the domain is federated; AlreadyOut, that they cannot today either.
	LockedOut, AlreadyOut bool

	jc, ad uint32 // from 1
}

// Both reports whether the person is in both directories.
func (f Finding) Both() bool { return f.jc != 0 && f.ad != 0 }

// SamePerson reports whether two findings of one judgement are about one person.
func (f Finding) SamePerson(g Finding) bool { return f.jc == g.jc && f.ad == g.ad }

// A Severity says how much a finding matters. Those that come first are told
// first.
type Severity uint8

const (
	Alarm Severity = iota
	Refusal
	Warning
	Info
	severities
)

// A Kind is what was found about a person. A person's findings are told in the
// order of the kinds.
type Kind uint8

const (
	_ Kind = iota
	NotInJumpCloud
	NotInAzureAD
	NoImmutableID
	SharedImmutableID
	Suspended
	NotActivated
	PasswordExpired
	AccountLocked
	NotInGroup
	NotBound
	BindingError
	BoundElsewhere
	ImmutableIDDiffers
	NotExported
	OtherDomain
	EmailDiffers
	AliasOnly
	DuplicateEmail
	NoEmail
	GlobalAdmin
	PrivilegedID
	DirectorySynced
	ServiceAccount
	NestedGroup
	Guest
	Disabled

	Kinds // how many there are, with the first, which is none
)
