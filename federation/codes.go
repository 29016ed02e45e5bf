package federation

// Codes of findings about the plan itself.
const (
	CodePlanDomain           Code = "plan-domain"
	CodePlanEntityID         Code = "plan-entity-id"
	CodePlanURL              Code = "plan-url"
	CodePlanGroups           Code = "plan-groups"
	CodePlanRule             Code = "plan-rule"
	CodePlanMFA              Code = "plan-mfa"
	CodePlanDefaultDomain    Code = "plan-default-domain"
	CodePlanTechnicalAccount Code = "plan-technical-account"
	CodePlanConsent          Code = "plan-consent"
)

// Codes of findings about the two services.
const (
	CodeDomainUnknown       Code = "domain-unknown"
	CodeDomainUnverified    Code = "domain-unverified"
	CodeDomainInitial       Code = "domain-initial"
	CodeDomainInherits      Code = "domain-inherits"
	CodeDomainForeign       Code = "domain-federated-elsewhere"
	CodeDomainHalf          Code = "domain-federated-unreadable"
	CodeDefaultDomain       Code = "default-domain"
	CodeIssuerInUse         Code = "issuer-in-use"
	CodeApplicationTwice    Code = "application-twice"
	CodeApplicationGone     Code = "application-gone"
	CodeApplicationFixed    Code = "application-login-url"
	CodeTemplateMissing     Code = "template-missing"
	CodeGroupTwice          Code = "group-twice"
	CodeMemberUnknown       Code = "member-unknown"
	CodeDirectoryMissing    Code = "directory-missing"
	CodeDirectoryAmbiguous  Code = "directory-ambiguous"
	CodeDirectoryGrant      Code = "directory-grant"
	CodeDirectoryDomain     Code = "directory-domain"
	CodeCertificate         Code = "certificate"
	CodeCertificateMismatch Code = "certificate-mismatch"
	CodeNextCertificate     Code = "next-certificate"
	CodeBreakGlass          Code = "break-glass"
	CodeBreakGlassOne       Code = "break-glass-one"
	CodeTechnicalAccount    Code = "technical-account"
	CodeDirectorySync       Code = "directory-sync"
	CodePermission          Code = "permission"
	CodePrivilegedImmutable Code = "privileged-immutable-id"
	CodeTokenPolicy         Code = "token-validation-policy"
	CodeLockOut             Code = "lock-out"
	CodeAlreadyOut          Code = "already-out"
	CodeConsentUnused       Code = "consent-unused"
	CodeSubdomain           Code = "subdomain"
	CodeImmutableIDForm     Code = "immutable-id-form"
)

// CodeDrift is the code of what no longer is as the plan says.
const CodeDrift Code = "drift"
