package federation

import (
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Defaults of a [Plan].
const (
	// DefaultTemplate is the name of JumpCloud's Microsoft 365 application
	// template. The name follows from the template's documented IdP URL,
	// https://sso.jumpcloud.com/saml2/office365; should a live organisation
	// name it otherwise, set [Application.Template].
	DefaultTemplate = jumpcloud.Office365Template

	// DefaultSignOutURL is where Azure AD sends people after signing out, for
	// organisations in the United States: what JumpCloud's own federation tool
	// sets. Other regions have user consoles of their own, where their people
	// have accounts; see [jumpcloud.Region.UserConsole].
	DefaultSignOutURL = "https://console.jumpcloud.com/userconsole/"

	defaultLoginRoot = "https://sso.jumpcloud.com/saml2/"
	entityIDPrefix   = "urn:uri:"
)

// A Plan says what should be true. It is plain data without secrets: it can be
// a file, a test literal, a part of a [Report]. Fields left empty take the
// defaults that their comments name; MFA has none on purpose.
//
// A plan that comes out of a Report is pinned: it carries the IDs of what was
// found or made, so that a later run finds those very objects even when a list
// does not show them yet.
type Plan struct {
	// Domain is the Azure AD domain that is to be federated, such as
	// "example.com". It must be a verified root domain of the tenant.
	Domain string `json:"domain" yaml:"domain"`

	// Tenant and Organization pin the plan to an Azure AD tenant and a JumpCloud
	// organisation, by their IDs: with credentials of another customer it is
	// refused. Optional.
	Tenant       string `json:"tenant,omitempty" yaml:"tenant,omitempty"`
	Organization string `json:"organization,omitempty" yaml:"organization,omitempty"`

	// Application is the Microsoft 365 application in JumpCloud.
	Application Application `json:"application,omitzero" yaml:"application,omitempty"`

	// Groups are the JumpCloud user groups whose members may sign in. At least
	// one is needed: an application without a group lets nobody in. Groups and
	// users that are bound to the application already stay so.
	Groups []Group `json:"groups" yaml:"groups"`

	// Directory is JumpCloud's Microsoft 365 directory, which exports the
	// users. It can only be made in the console (OAuth consent).
	Directory Directory `json:"directory,omitzero" yaml:"directory,omitempty"`

	// BrandName is shown by Microsoft's sign-in page. Default: Domain.
	BrandName string `json:"brandName,omitempty" yaml:"brandName,omitempty"`

	// SignOutURL is where people land after signing out.
	// Default: the user console of the organisation's region, such as
	// [DefaultSignOutURL]. If the domain's federation sends people to another
	// one of JumpCloud's consoles already, the default leaves that alone.
	SignOutURL string `json:"signOutURL,omitempty" yaml:"signOutURL,omitempty"`

	// MFA says who asks for the second factor. There is no default, because
	// each choice weakens or doubles something and Azure AD cannot unset it:
	//
	//	acceptIfMfaDoneByFederatedIdp   Azure AD accepts JumpCloud's MFA, else asks itself
	//	enforceMfaByFederatedIdp        Azure AD sends people back to JumpCloud for MFA
	//	rejectMfaByFederatedIdp         Azure AD always asks itself, JumpCloud's MFA does not count
	MFA aad.MFABehavior `json:"mfa" yaml:"mfa"`

	// DefaultDomain becomes the tenant's default domain if Domain is it now,
	// because a default domain cannot be federated.
	// Default: the tenant's initial (*.onmicrosoft.com) domain.
	DefaultDomain string `json:"defaultDomain,omitempty" yaml:"defaultDomain,omitempty"`

	// TechnicalAccount is the administrator who gets back in when JumpCloud is
	// down. If it is left out, any Global Administrator outside Domain counts.
	TechnicalAccount TechnicalAccount `json:"technicalAccount,omitzero" yaml:"technicalAccount,omitempty"`

	// Consent names the dangerous things that may happen.
	Consent Consent `json:"consent,omitzero" yaml:"consent,omitempty"`
}

// Application describes the SSO application.
type Application struct {
	// Label is what people see in JumpCloud's user portal.
	// Default: "Microsoft 365 (<domain>)"; an application that exists keeps its own.
	Label string `json:"label,omitempty" yaml:"label,omitempty"`

	// IdPEntityID is the SAML entity ID, which is also the domain's issuerUri
	// in Azure AD: unique over all tenants, a URI, not beginning with a digit.
	// The application is found again by it. Default: "urn:uri:<domain>".
	IdPEntityID string `json:"idpEntityID,omitempty" yaml:"idpEntityID,omitempty"`

	// LoginURL is the application's SSO URL. JumpCloud fixes it when the
	// application is created, and does not see to it that no two have the same:
	// one that another application has is refused. Default:
	// https://sso.jumpcloud.com/saml2/<domain, dashes doubled, dots as dashes>, on
	// the host that the live template names; for an application that exists,
	// whatever it has.
	LoginURL string `json:"loginURL,omitempty" yaml:"loginURL,omitempty"`

	// Template is the template's name. Default: [DefaultTemplate].
	Template string `json:"template,omitempty" yaml:"template,omitempty"`

	// ID pins one application. Usually set by a Report.
	ID string `json:"id,omitempty" yaml:"id,omitempty"`
}

// Group is a JumpCloud user group, created if it is missing. A new one lets in
// nobody but the listed members: whoever is in no other group is locked out.
type Group struct {
	// Name identifies the group; two groups of one name are refused.
	Name string `json:"name" yaml:"name"`

	// Members are email addresses of users to be added. Members that the plan
	// does not list are left alone.
	Members []string `json:"members,omitempty" yaml:"members,omitempty"`

	// ID pins one group. Usually set by a Report.
	ID string `json:"id,omitempty" yaml:"id,omitempty"`
}

// Directory is JumpCloud's Microsoft 365 directory integration.
type Directory struct {
	// Name chooses one when the organisation has several.
	// Default: the only one.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// Rules are built-in translation rules to be switched on, such as
	// "user_department". Rules that the plan does not list are left alone.
	Rules []string `json:"rules,omitempty" yaml:"rules,omitempty"`

	// Groups are the names of those of Plan.Groups whose members are exported.
	// Default: all of them.
	Groups []string `json:"groups,omitempty" yaml:"groups,omitempty"`

	// DefaultDomain is the domain that the directory gives to new users.
	// Default: Plan.Domain if the directory has none, else what it has, since
	// the plans of several domains share one directory.
	DefaultDomain string `json:"defaultDomain,omitempty" yaml:"defaultDomain,omitempty"`

	// ID pins one directory. Usually set by a Report.
	ID string `json:"id,omitempty" yaml:"id,omitempty"`
}

// TechnicalAccount is a cloud-only Global Administrator outside the federated
// domain. It is always checked. It is created only if Create is set and
// [Options.TechnicalPassword] supplies a password.
type TechnicalAccount struct {
	// UserPrincipalName is on the tenant's *.onmicrosoft.com domain.
	UserPrincipalName string `json:"userPrincipalName,omitempty" yaml:"userPrincipalName,omitempty"`

	// DisplayName is used when the account is created.
	// Default: "Federation break-glass".
	DisplayName string `json:"displayName,omitempty" yaml:"displayName,omitempty"`

	// Create allows that the account is made and given the role.
	Create bool `json:"create,omitempty" yaml:"create,omitempty"`
}

// Consent names what may happen although it is dangerous. Every consent that
// was needed is told in the [Report].
type Consent struct {
	// TakeOver allows replacing a federation with somebody else.
	TakeOver bool `json:"takeOver,omitempty" yaml:"takeOver,omitempty"`

	// Recover allows setting a domain to Managed that is federated without a
	// readable configuration, before it is federated anew. People on the
	// domain sign in with Azure AD passwords in between.
	Recover bool `json:"recover,omitempty" yaml:"recover,omitempty"`

	// NoBreakGlass allows going on without an administrator outside the domain.
	NoBreakGlass bool `json:"noBreakGlass,omitempty" yaml:"noBreakGlass,omitempty"`

	// DirectorySync allows going on while the tenant is synchronised from an
	// on-premises directory, which then owns the immutable IDs.
	DirectorySync bool `json:"directorySync,omitempty" yaml:"directorySync,omitempty"`

	// RemoveNextCertificate allows removing a second certificate that is
	// neither JumpCloud's nor known. It is never the stored pair's, nor that of the
	// second application of a rotation.
	RemoveNextCertificate bool `json:"removeNextCertificate,omitempty" yaml:"removeNextCertificate,omitempty"`

	// RemoveDuplicate allows removing another application with the plan's
	// entity ID, which two runs at one moment can leave, if nothing that the
	// plan does not name is bound to it and no domain is federated with it. It is never
	// the other application of a rotation.
	RemoveDuplicate bool `json:"removeDuplicate,omitempty" yaml:"removeDuplicate,omitempty"`

	// Certificate lists codes of [certs.Problem] that are accepted.
	Certificate []string `json:"certificate,omitempty" yaml:"certificate,omitempty"`

	// LockOut names who may be locked out.
	LockOut LockOut `json:"lockOut,omitzero" yaml:"lockOut,omitempty"`
}

// LockOut is a consent to lock people out: exact people, or a number. There is
// no way to say "everyone". Only those need it who can sign in until then; whom it
// has covered is told in [Report.Consents], all of them.
type LockOut struct {
	// People are user principal names.
	People []string `json:"people,omitempty" yaml:"people,omitempty"`

	// AtMost is how many people beyond those may be locked out.
	AtMost int `json:"atMost,omitempty" yaml:"atMost,omitempty"`
}
