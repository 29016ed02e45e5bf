package aadtest

// The kinds, with what the documentation says about each property. Where its tables of
// operators differ, an operator is one of advanced queries.
var (
	userKind = newKind("user", userTable).
			with("passwordProfile", passwordKind).
			with("employeeOrgData", newKind("employeeOrgData", "costCenter,division text kept - -")).
			with("onPremisesExtensionAttributes", extensionKind).
			exactly("onPremisesImmutableId")

	passwordKind = newKind("passwordProfile", `
		password                             text kept       - -
		forceChangePasswordNextSignIn        bool kept       - -
		forceChangePasswordNextSignInWithMfa bool kept       - -`)

	extensionKind = newKind("onPremisesExtensionAttributes", `
		extensionAttribute1,extensionAttribute2,extensionAttribute3,extensionAttribute4,extensionAttribute5 text kept - -
		extensionAttribute6,extensionAttribute7,extensionAttribute8,extensionAttribute9,extensionAttribute10 text kept - -
		extensionAttribute11,extensionAttribute12,extensionAttribute13,extensionAttribute14,extensionAttribute15 text kept - -`)

	groupKind = newKind("group", `
		id                                   text  shown      - -
		displayName                          text  shown      - -
		isAssignableToRole,securityEnabled   bool  shown      - -`)

	domainKind = newKind("domain", `
		id                                              text!  kept       - -
		authenticationType                              text!  kept       - -
		availabilityStatus,manufacturer,model           text   shown      - -
		isAdminManaged,isInitial,isRoot,isVerified      bool   shown      - -
		isDefault                                       bool!  kept       - -
		passwordNotificationWindowInDays                int    kept       - -
		passwordValidityPeriodInDays                    int    kept       - -
		state                                           object shown      - -
		supportedServices                               texts! kept       - -
		domainNameReferences,federationConfiguration    list   unmodelled - -
		rootDomain                                      object unmodelled - -
		serviceConfigurationRecords,verificationDnsRecords list unmodelled - -`)

	forceDeleteKind = newKind("forceDelete", "disableUserAccounts bool kept - -")

	federationKind = newKind("internalDomainFederation", `
		id                                              text   shown      - -
		displayName,issuerUri,metadataExchangeUri       text   kept       - -
		passiveSignInUri,activeSignInUri,signOutUri     text   kept       - -
		passwordResetUri                                text   kept       - -
		preferredAuthenticationProtocol                 text   kept       - -
		federatedIdpMfaBehavior,promptLoginBehavior     text   kept       - -
		signingCertificate,nextSigningCertificate       text   kept       - -
		isSignedAuthenticationRequestRequired           bool   kept       - -
		signingCertificateUpdateStatus                  object shown      - -`)

	recordKind = newKind("domainDnsRecord", `
		id,label,recordType,supportedService            text   shown      - -
		isOptional                                      bool   shown      - -
		ttl                                             int    shown      - -
		text,mailExchange,preference,canonicalName      text   unmodelled - -
		nameTarget,port,priority,protocol               text   unmodelled - -
		service,weight,description                      text   unmodelled - -`)  // those of one sort of record only cannot be selected

	organizationKind = newKind("organization", `
		id,displayName,tenantType,countryLetterCode     text   shown      - -
		onPremisesSyncEnabled                           bool   shown      - -
		onPremisesLastSyncDateTime                      date   shown      - -
		technicalNotificationMails                      texts  shown      - -
		verifiedDomains                                 list   shown      - -
		assignedPlans,provisionedPlans,businessPhones   list   unmodelled - -
		city,country,postalCode,state,street            text   unmodelled - -
		createdDateTime,deletedDateTime                 date   unmodelled - -
		defaultUsageLocation,preferredLanguage          text   unmodelled - -
		marketingNotificationEmails                     texts  unmodelled - -
		securityComplianceNotificationMails             texts  unmodelled - -
		securityComplianceNotificationPhones            texts  unmodelled - -
		mobileDeviceManagementAuthority                 text   unmodelled - -
		partnerTenantType                               text   unmodelled - -
		privacyProfile                                  object unmodelled - -
		branding,certificateBasedAuthConfiguration      list   unmodelled - -
		extensions                                      list   unmodelled - -`)

	policyKind = newKind("federatedTokenValidationPolicy", `
		id                                              text   shown      - -
		deletedDateTime                                 date   shown      - -
		validatingDomains                               object shown      - -`)

	assignmentKind = newKind("unifiedRoleAssignment", `
		id                                              text   shown      - -
		principalId,roleDefinitionId                    text!  kept       eq.in -
		directoryScopeId                                text!  kept       eq.in -
		resourceScope                                   text   shown      - -
		appScopeId,condition,principalOrganizationId    text   unmodelled - -
		principal,roleDefinition                        object unmodelled - -
		appScope,directoryScope                         object unmodelled - -`)

	definitionKind = newKind("unifiedRoleDefinition", `
		id,displayName                                  text   shown      eq.in -
		isBuiltIn                                       bool   shown      eq.in -
		isEnabled                                       bool   shown      - -
		templateId,version                              text   shown      - -
		resourceScopes                                  texts  shown      - -
		description                                     text   unmodelled - -
		rolePermissions,inheritsPermissionsFrom         list   unmodelled - -`)

	signInKind = newKind("signIn", `
		id                                              text   shown      - -
		createdDateTime                                 date   shown      eq.ge.le -
		correlationId,userId,appId                      text   shown      eq -
		userPrincipalName,appDisplayName                text   shown      eq.startsWith -
		userDisplayName                                 text   shown      eq.startsWith -
		isInteractive                                   bool   shown      - -
		clientAppUsed                                   text   shown      - -
		status                                          object shown      - -
		status/errorCode                                int    shown      eq -
		authenticationProtocol,incomingTokenType        text   shown      - -
		ipAddress,resourceDisplayName,resourceId        text   unmodelled - -
		conditionalAccessStatus,riskDetail,riskState    text   unmodelled - -
		riskLevelAggregated,riskLevelDuringSignIn       text   unmodelled - -
		riskEventTypes,riskEventTypes_v2                texts  unmodelled - -
		deviceDetail,location                           object unmodelled - -
		appliedConditionalAccessPolicies                list   unmodelled - -`)
)

// exactly says that the service distinguishes the capitals of a property.
func (k *kind) exactly(property string) *kind {
	k.properties[property].exact = true
	return k
}

const (
	byDefault = "eq.in.ge.le.startsWith null.ne.not"
	advanced  = "- eq.in.ge.le.startsWith.null.ne.not"
)

// userTable has the properties of a user. Those of SharePoint and Exchange, those of
// licences, and those that only a synchronisation fills are not modelled.
const userTable = `
	id                                      text   shown      eq.in                  ne.not
	userPrincipalName                       text!  kept       eq.in.le.startsWith    ge.endsWith.ne.not
	displayName                             text!  kept       eq.in.startsWith       ge.le.null.ne.not
	mail                                    text   kept       eq.in.ge.le.startsWith endsWith.null.ne.not
	mailNickname                            text!  kept       ` + byDefault + `
	givenName,surname,department,country    text   kept       ` + byDefault + `
	state                                   text   kept       ` + byDefault + `
	city                                    text   kept       eq.in.ge.startsWith    le.null.ne.not
	jobTitle                                text   kept       eq.in.ge.le            startsWith.null.ne.not
	employeeId                              text   kept       eq.in.startsWith       ge.le.null.ne.not
	usageLocation                           text!  kept       ` + byDefault + `
	companyName,mobilePhone,officeLocation  text   kept       ` + advanced + `
	postalCode,preferredLanguage            text   kept       ` + advanced + `
	streetAddress,faxNumber,employeeType    text   kept       ` + advanced + `
	ageGroup,consentProvidedForMinor        text   kept       eq.in                  ne.not
	userType                                text   kept       eq.in                  null.ne.not
	accountEnabled                          bool!  kept       eq.in                  ne.not
	onPremisesSyncEnabled                   bool   shown      eq.in                  null.ne.not
	onPremisesImmutableId                   text   kept       -                      eq.in.ge.le.null.ne.not
	passwordPolicies                        text   kept       -                      null.ne.not
	preferredDataLocation                   text   kept       -                      -
	createdDateTime                         date   shown      eq.ge.le               in.ne.not
	deletedDateTime                         date   shown      eq.ge.le               in.ne.not
	employeeHireDate                        date   kept       -                      eq.in.ge.le.ne.not
	businessPhones                          texts! kept       eq.ge.le.startsWith    not
	otherMails                              texts! kept       eq.ge.le.startsWith    endsWith.count.not
	proxyAddresses                          texts  shown      eq.ge.le.startsWith    endsWith.count.not
	imAddresses                             texts  shown      eq.ge.le.startsWith    not
	passwordProfile                         object kept       -                      -
	employeeOrgData                         object kept       -                      -
	onPremisesExtensionAttributes           object kept       -                      -
	assignedLicenses,assignedPlans,provisionedPlans            list   unmodelled - -
	licenseAssignmentStates,identities                         list   unmodelled - -
	onPremisesProvisioningErrors,serviceProvisioningErrors     list   unmodelled - -
	interests,pastProjects,responsibilities,schools,skills     texts  unmodelled - -
	aboutMe,birthday,hireDate,mySite,preferredName             text   unmodelled - -
	authorizationInfo,customSecurityAttributes,mailboxSettings object unmodelled - -
	print,signInActivity                                       object unmodelled - -
	creationType,externalUserState,legalAgeGroupClassification text   unmodelled - -
	identityParentId,securityIdentifier                        text   unmodelled - -
	deviceEnrollmentLimit                                      int    unmodelled - -
	isManagementRestricted,isResourceAccount,showInAddressList bool   unmodelled - -
	employeeLeaveDateTime,externalUserStateChangeDateTime      date   unmodelled - -
	lastPasswordChangeDateTime,signInSessionsValidFromDateTime date   unmodelled - -
	onPremisesLastSyncDateTime                                 date   unmodelled - -
	onPremisesDistinguishedName,onPremisesDomainName           text   unmodelled - -
	onPremisesSamAccountName,onPremisesSecurityIdentifier      text   unmodelled - -
	onPremisesUserPrincipalName                                text   unmodelled - -`
