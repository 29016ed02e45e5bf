package recording

import (
	"strings"
	"sync"
)

// What stays is listed here and nowhere else: names of members, values of enumerations, and
// what both services say to everybody. All of it is public. Whatever is not listed goes.

// treatment is what is known about the value of a member.
type treatment int

const (
	plain   treatment = iota // by its form alone
	counted                  // a number that counts or bounds: stays while it is small
	dated                    // a number that is a time
	listed                   // separated by commas, spaces or semicolons: each by itself
	asked                    // a question in a query: see expression
	coded                    // a short code of a country or language: another one of its length
	secret                   // a credential, or what stands for one: it is not looked into, unless it is a JWT
)

// memberNames are the names of members, attributes, elements and parameters that the clients'
// types have or that the services' public descriptions name. They stay; all others go.
const memberNames = `
@odata.context @odata.count @odata.deltaLink @odata.id @odata.nextLink @odata.type @type @version _id $count $expand $filter
$orderby $search $select $skip $skiptoken $top value id id_token_hint

accountEnabled activeSignInUri additionalDetails ageGroup appDisplayName appId appScopeId authenticationProtocol authenticationType
availabilityStatus businessPhones canonicalName capabilities certificateUpdateResult city clientAppUsed clientCredentials code
companyName condition consentProvidedForMinor correlationId country countryLetterCode createdDateTime creationType date definition
deletedDateTime department description details directoryScopeId displayName domainNames employeeId employeeType error errorCode
externalUserState externalUserStateChangeDateTime failureReason federatedIdpMfaBehavior federationConfiguration givenName
identities imAddresses incomingTokenType innerError ipAddress client-request-id request-id isAdminManaged isAssignableToRole isBuiltIn
isDefault isEnabled isInitial isInteractive isOptional isOrganizationDefault isResourceAccount isRoot
isSignedAuthenticationRequestRequired isVerified issuer issuerAssignedId issuerUri jobTitle label lastActionDateTime
lastPasswordChangeDateTime lastRunDateTime lastSignInDateTime legalAgeGroupClassification mail mailExchange mailNickname manufacturer
members message metadataExchangeUri method mobilePhone model name nameTarget nextSigningCertificate officeLocation
onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled
onPremisesUserPrincipalName operation otherMails partnerTenantType passiveSignInUri passwordNotificationWindowInDays passwordPolicies
passwordProfile passwordResetUri passwordValidityPeriodInDays port postalCode preference preferredAuthenticationProtocol
preferredDataLocation preferredLanguage principal principalId principalOrganizationId priority promptLoginBehavior protocol
provisionedPlans proxyAddresses recordType requests resourceScope resourceScopes responses riskState roleDefinition
roleDefinitionId rolePermissions roleTemplateId rootDomain rootDomains securityEnabled securityIdentifier service showInAddressList
signInActivity signInSessionsValidFromDateTime signInType signOutUri signingCertificate signingCertificateUpdateStatus state status
streetAddress supportedService supportedServices surname target technicalNotificationMails templateId tenantType text ttl type
usageLocation userDisplayName userId userPrincipalName userType validatingDomains verifiedDomains version weight
allowedResourceActions propertyCausingError category occurredDateTime defaultUsageLocation serviceProvisioningErrors assignedPlans
assignedLicenses licenseAssignmentStates headers body url

AuthURL AuthNForwardType CloudInstanceIssuerUri CloudInstanceName cloudinstancename cloudinstanceissueruri ConsumerDomain DomainName
FederationBrandName FederationGlobalVersion IsFederatedNS Login MEXURL NameSpaceType PreferredProtocol RealmInfo STSAuthURL State Success
UserState TenantBrandingInfo account_type cloud_audience_urn cloud_instance_name domain_name federation_active_auth_url
federation_metadata_url federation_protocol IsDSSOEnabled IsFederatedNS ver Credentials DomainType EstsProperties FederationRedirectUrl
FidoParams FlowToken HasPassword IfExistsResult PrefCredential RemoteNgcParams SasParams ThrottleStatus Username Display apiCanary
UserTenantBranding authorization_endpoint jwks_uri token_endpoint tenant_region_scope cloud_graph_host_name username login json xml user
api-version checkForMicrosoftAccount wa wauth wctx wfresh wtrealm whr wreply SAMLRequest RelayState SigAlg Signature

access_token token_type expires_in expires_on ext_expires_in id_token refresh_token scope scp client_id client_secret client_assertion
client_assertion_type grant_type error_codes error_description error_uri timestamp trace_id correlation_id suberror claims alg typ kid
x5t x5t#S256 x5c nonce aud iss iat nbf exp sub oid tid upn unique_name roles wids appid azp azpacr appidacr idtyp jti redirect_uri
response_type response_mode prompt tenant resource

results totalCount total_count totalCount data name_contains limit skip sort fields filter search targets top skipToken orderby count
syncStatus externalId default domain domains objectId resourceObjectId op action attributes compiledAttributes paths to from ldapGroups
posixGroups sambaEnabled builtIn direction groupsEnabled userLockoutAction userPasswordExpirationAction defaultDomain oAuthStatus
expiry seconds errorMessage organizationId organizationObjectId membershipMethod memberQuery memberQueryExemptions
memberSuggestionsNotify queryType syncedAt users location

active beta color config created databaseAttributes displayLabel learnMore logo logoUrl organization parentApp sso ssoUrl hidden
idpCertExpirationAt idpCertificateUpdatedAt idpPrivateKeyUpdatedAt spCertificateUpdatedAt jit certExpired catalogItem provision
spErrorFlow bookmark
supported enabled isConfigured keywords oidc grantTypes redirectUris tokenEndpointAuthMethod createOnly groups_supported test
acsUrl authClaimConfiguration authnContextMappings authnContextMode constantAttributes declareRedirectEndpoint defaultTargetUrl
groupsAttributeName idpCertificate idpEntityId idpInitUrl idpPrivateKey includeGroups overrideNameIdFormat sendAmrClaim signAssertion
signResponse signatureAlgorithm singleAuthnContextValue spCertificate spEntityId subjectField required visible readOnly
position options toggle tooltip template variables icon dependsOnProperty isCustomAttribute mutable tempId
settings features newSystemUserStateDefaults manualEntry csvImport applicationImport enableO365 maxSystemUsers

account_locked account_locked_date activated address addresses admin allow_public_key alternateEmail company costCenter creationSource
delegatedAuthority disableDeviceMaxLoginAttempts displayname email employeeIdentifier enable_managed_uid
enable_user_portal_multifactor external_dn external_password_expiration_date external_source_type externally_managed field firstname
lastname ldap_binding_user locality managedAppleId manager mfa configured exclusion exclusionDays exclusionUntil mfaEnrollment
overallStatus totpStatus pushStatus webAuthnStatus jcGoStatus middlename number password_date password_expiration_date password_expired
password_never_expires passwordless_sudo phoneNumbers poBox public_key recoveryEmail verified verifiedAt region restrictedFields
samba_service_user ssh_keys sudo suspended systemUsername extendedAddress totp_enabled unix_guid unix_uid badLoginAttempts
passwordPolicy relationships tags

event_type initiated_by application display_label sso_url client_ip useragent geoip idp_initiated success error_message end_time
start_time search_after search_term and or searchFilter searchTerm mfa_meta auth_method provider
createdAt updatedAt create_date cursor filters searchFilters enrollmentDate lastUsedDate password memberof path pendingDelete radius reply
memberQueryErrorFlags suggestionCounts roleName roleNames osVersion uvEnabled total accessRestriction systemUserDefaults userPortal
requireAdminMFA disableGoogleLogin disableLdap enableManagedUID enableGoogleApps enableRecoveryEmail enablePasswordExpirationInDays
passwordExpirationInDays passwordCompliance minLength maxHistory maxLoginAttempts needsLowercase needsNumeric needsSymbolic
needsUppercase lockoutTimeInSeconds directoryInsights systemInsights trustedAppConfig customEmailSettings showIntro
aboutMe assignedDateTime authorizationInfo automaticRepliesSetting birthday capabilityStatus certificateUserIds
customSecurityAttributes deviceEnrollmentLimit disabledPlans division employeeHireDate employeeLeaveDateTime employeeOrgData faxNumber
forceChangePasswordNextSignIn forceChangePasswordNextSignInWithMfa hireDate interests isManagementRestricted isResolved language
lastNonInteractiveSignInDateTime lastSuccessfulSignInDateTime lastUpdatedDateTime locale mailboxSettings marketingNotificationEmails
mobileDeviceManagementAuthority mySite preferredName privacyProfile provisioningStatus responsibilities
scheduledEndDateTime schools scopes securityComplianceNotificationMails securityComplianceNotificationPhones serviceInstance
servicePlanId skills skuId statementUrl userPurpose workingHours timeFormat dateFormat contactEmail

timezone country_code2 continent_code region_name region_code os os_name os_major os_minor device major minor patch build

EntityDescriptor EntitiesDescriptor entityID ID IDPSSODescriptor KeyDescriptor KeyInfo NameIDFormat SingleSignOnService
SingleLogoutService
WantAuthnRequestsSigned protocolSupportEnumeration use X509Certificate X509Data Binding Location ResponseLocation index validUntil
cacheDuration Signature SignedInfo SignatureValue SignatureMethod DigestMethod DigestValue CanonicalizationMethod Reference Transforms
Transform Algorithm URI Extensions Organization OrganizationName OrganizationDisplayName OrganizationURL ContactPerson contactType
GivenName SurName EmailAddress TelephoneNumber Company Attribute AttributeValue Name FriendlyName NameFormat lang
`

// members says how the values of some members are read.
var memberKinds = []struct {
	treatment treatment
	names     string
}{
	{counted, `@odata.count $count $top $skip totalCount total_count limit skip count top position ttl preference priority port weight
		passwordNotificationWindowInDays passwordValidityPeriodInDays state userState domaintype ifexistsresult prefcredential
		throttlestatus authNForwardType federationGlobalVersion status code errorCode error_codes expires_in ext_expires_in version @version
		index ver exclusionDays x-total-count x-limit x-result-count x-ms-resource-unit retry-after x-ms-throttle-limit-percentage
		ratelimit-limit ratelimit-remaining ratelimit-reset json xml isdefault display major minor`},
	{dated, `seconds expiry exp iat nbf expires_on created timestamp search_after x-search_after xms_tcdt password_date`},
	{listed, `capabilities supportedServices scope scp response_type protocolSupportEnumeration keywords targets`},
	{asked, `$filter $select $expand $orderby $search filter fields sort search orderby`},
	{coded, `countryLetterCode usageLocation country_code country_code2 region_code continent_code preferredDataLocation preferredLanguage
		locale tenant_region_scope defaultUsageLocation`},
	{secret, `client_secret client_assertion password idpPrivateKey access_token refresh_token id_token flowtoken apiCanary wctx
		RelayState SAMLRequest Signature kid x5t nonce`},
}

// words are values that stay under the members named before them.
var words = []struct{ members, values string }{
	{"authenticationType namespacetype account_type", "Managed Federated Unknown"},
	{"type", `Managed Federated text file bool constantAttributes authClaimConfiguration select string user user_group application office_365
		g_suite active_directory ldap_server workday saml oidc bookmark import systemuser admin federated_identity_provider scim
		radius_server system system_group`},
	{"@odata.type", `#microsoft.graph.user #microsoft.graph.group #microsoft.graph.servicePrincipal #microsoft.graph.domain
		#microsoft.graph.internalDomainFederation microsoft.graph.domainDnsMxRecord microsoft.graph.domainDnsTxtRecord
		microsoft.graph.domainDnsCnameRecord microsoft.graph.domainDnsSrvRecord #microsoft.graph.domainDnsMxRecord
		#microsoft.graph.domainDnsTxtRecord #microsoft.graph.domainDnsCnameRecord #microsoft.graph.domainDnsSrvRecord
		#microsoft.graph.domainDnsUnavailableRecord #microsoft.graph.federatedTokenValidationPolicy #microsoft.graph.allDomains
		#microsoft.graph.enumeratedDomains #microsoft.graph.validatingDomains`},
	{"availabilityStatus", "AvailableImmediately EmailVerifiedDomainTakeoverScheduled"},
	{"operation status", `ForceDelete Verification Scheduled InProgress Failed end_of_life end_of_support beta active inactive ok`},
	{"status", "success failure"},
	{"supportedServices supportedService capabilities", `Email Sharepoint EmailInternalRelayOnly OfficeCommunicationsOnline
		SharePointDefaultDomain FullRedelegation SharePointPublic OrgIdAuthentication Yammer Intune None`},
	{"preferredAuthenticationProtocol preferredprotocol", "saml wsFed SAMLP Samlp unknownFutureValue 1 2 3"},
	{"federatedIdpMfaBehavior", "acceptIfMfaDoneByFederatedIdp enforceMfaByFederatedIdp rejectMfaByFederatedIdp unknownFutureValue"},
	{"promptLoginBehavior", "translateToFreshPasswordAuthentication nativeSupport disabled unknownFutureValue"},
	{"certificateUpdateResult", `success unknownError internalServerError noValidExistingCertFound noStsAuthUrlFound noFederationProtocolFound
		noNewCertificateFound couldNotAccessRemoteHost connectionError xmlParsingError badRequest unauthorized forbidden notFound
		providerError`},
	{"recordType", "Txt Mx CName Cname Srv Ns"},
	{"userType", "Member Guest"},
	{"externalUserState", "PendingAcceptance Accepted"},
	{"tenantType", "AAD CIAM B2C AAD-B2C"},
	{"rootDomains", "none all allFederated allManaged enumerated allManagedAndEnumeratedFederated unknownFutureValue"},
	{"directoryScopeId resourceScope resourceScopes", "/"},
	{"displayName name description", `office365 saml2 aws-sso oidc bookmark IDPEmail`},
	{"displayName", `Global*Administrator Global*Reader Domain*Name*Administrator Hybrid*Identity*Administrator
		External*Identity*Provider*Administrator Security*Administrator Microsoft*365 Office*365 SAML2.0 OpenID*Connect All*Users`},
	{"name", "Microsoft*365 Office*365 All*Users NameID SAML_SUBJECT emailaddress"},
	{"federation_protocol", "WSTrust SAML20 SAML WsFed"},
	{"cloudinstancename cloud_instance_name", `microsoftonline.com microsoftonline.us partner.microsoftonline.cn login.microsoftonline.com`},
	{"authenticationProtocol", "saml20 wsFederation oAuth2 ropc deviceCode none unknownFutureValue"},
	{"incomingTokenType", "none primaryRefreshToken saml11 saml20 remoteDesktopToken unknownFutureValue"},
	{"clientAppUsed", "Browser"},
	{"signInType", "userPrincipalName userName emailAddress federated"},
	{"code error errorcode", `Request_BadRequest Request_ResourceNotFound Request_UnsupportedQuery Request_MultipleObjectsWithSameKeyValue
		Authorization_RequestDenied Authorization_IdentityNotFound InvalidAuthenticationToken BadRequest Forbidden TooManyRequests
		ServiceUnavailable InternalServerError generalException UnknownError Directory_ObjectNotFound Directory_QuotaExceeded
		Authentication_RequestFromNonPremiumTenantOrB2CTenant Service_ServiceUnavailable ResourceNotFound ErrorItemNotFound
		INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED UNAUTHENTICATED UNIMPLEMENTED INTERNAL Unauthorized
		invalid_grant invalid_client invalid_request invalid_scope unauthorized_client unsupported_grant_type invalid_tenant
		interaction_required`},
	{"state", "STAGED ACTIVATED SUSPENDED"},
	{"membershipMethod", "STATIC DYNAMIC_REVIEW_REQUIRED DYNAMIC_AUTOMATED NOTSET"},
	{"userLockoutAction userPasswordExpirationAction", "suspend maintain remove_access"},
	{"direction", "export import"},
	{"op", "add remove update"},
	{"builtIn", `user_alternate_email user_business_phones user_city user_country user_department user_job_title user_manager user_mobile_phone
		user_office_location user_postal_code user_principal_name_from_alternate_email user_state user_street_address`},
	{"overallStatus totpStatus pushStatus webAuthnStatus jcGoStatus", `NOT_ENROLLED DISABLED PENDING_ACTIVATION ENROLLMENT_EXPIRED
		IN_ENROLLMENT PRE_ENROLLMENT ENROLLED`},
	{"queryType", "FilterQuery Filter"},
	{"service", `all directory sso systems radius ldap mdm`},
	{"event_type", `sso_auth sso_auth_failed application_create application_update application_delete association_change group_create
		group_update group_delete o365_directory_create o365_directory_update o365_directory_delete user_login_attempt
		admin_login_attempt`},
	{"sort", "ASC DESC"},
	{"label", `IdP*Entity*ID: IdP*Private*Key: IdP*Certificate: SP*Entity*ID: ACS*URL: SAMLSubject*NameID: Constant*Attributes:
		User*Attributes: Include*Group*Attribute Groups*Attribute*Name Sign*Assertion Sign*Response Declare*Redirect*Endpoint
		Login*URL: IDP*URL:`},
	{"subjectField value", `immutableId email username userPrincipalName externalId`},
	{"overrideNameIdFormat signatureAlgorithm value", `RSA-SHA1 RSA-SHA256 persistent emailAddress unspecified transient`},
	{"authnContextMode", "default single mapping"},
	{"token_type typ", "Bearer JWT"},
	{"alg", "RS256 PS256 none"},
	{"idtyp", "app user"},
	{"scope scp roles", `api openid profile offline_access Domain.Read.All Domain.ReadWrite.All Domain-InternalFederation.Read.All
		Domain-InternalFederation.ReadWrite.All Organization.Read.All Policy.Read.All User.Read.All User.ReadWrite.All
		User.RevokeSessions.All RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory GroupMember.Read.All
		AuditLog.Read.All Directory.Read.All Directory.ReadWrite.All .default`},
	{"grant_type", "client_credentials"},
	{"wa", "wsignin1.0"},
	{"targets", "user user_group application office_365"},
	{"use", "signing encryption"},
	{"contactType", "technical support administrative billing other"},
	{"protocol", "SAML WSFED"},
	{"api-version", "1.0 2.0 2.1"},
	{"x-sort", "ASC DESC"},
	{"x-ms-throttle-information", "CPULimitExceeded WriteLimitExceeded ResourceUnitLimitExceeded"},
	{"consistencylevel", "eventual"},
	{"message", "OK"},
}

// sentences are what the services say to everybody, with an asterisk for what they say to one.
const sentences = `
OK
Not Found
Not Found: *
Already Exists
Unauthorized
Unauthorized: api key user not found
Unauthorized: an organization must be selected
Forbidden
Bad Request
Service Unavailable
Internal Server Error
The IdP URL is required
Invalid filter
name is required
x-org-id is required
user_group not found
* not found
Too Many Requests
Insufficient privileges to complete the operation.
Domain already has Federation Configuration set.
FederatedIdpMfaBehavior cannot be empty
Creation of federated domain is not allowed.
This API is not supported for federated domains.
Changing authenticationType from Managed to Federated is currently not supported.
Resource not found for the segment.
Resource '*' does not exist or one of its queried reference-property objects are not present.
Another object with the same value for property * already exists.
Tenant is not a B2C tenant and doesn't have premium license
Access token has expired or is not yet valid.
Access token is empty.
`

// speakers are the members that hold what a service says.
const speakers = `
message error error_description errorMessage error_message failureReason status additionalDetails detail www-authenticate
`

// pathWords are parts of addresses that are the services' own.
const pathWords = `
v1.0 beta domains federationConfiguration verify promote rootDomain verificationDnsRecords serviceConfigurationRecords
domainNameReferences users organization directoryRoles members directoryObjects groups transitiveMembers microsoft.graph.user
roleManagement directory roleAssignments roleDefinitions policies federatedTokenValidationPolicy auditLogs signIns me
administrativeUnits revokeSignInSessions $count $batch $metadata $entity $value Edm.Boolean Edm.String Collection getuserrealm.srf
login.srf userrealm common organizations
consumers adfs ls oauth2 v2.0 token authorize GetCredentialType .well-known openid-configuration openid
federationmetadata saml20 federationmetadata.xml 2007-06

api v2 applications application-templates metadata.xml metadata selection systemusers search usergroups members membership memberof
office365s office365 directories associations translationrules import activate reactivate insights v1 events login userconsole
saml2 wsfed commands sso oauth2 providers administrators office365s service-accounts support s article static.jumpcloud.com logos
application-icon-office365.png static

2000 2001 2005 09 xmldsig-more 04 10 02 07 08 XMLSchema XMLSchema-instance xmldsig xmlenc xml-exc-c14n rsa-sha1 rsa-sha256 sha1 sha256
ws identity claims schemas.xmlsoap.org identity authenticationmethod multipleauthn UPN ImmutableID authnmethodsreferences
enveloped-signature
implicitupn emailaddress upn nameidentifier name
`

// urnWords are parts of names that everybody uses.
const urnWords = `
urn uri uuid ietf params oauth client-assertion-type jwt-bearer oasis names tc SAML 2.0 1.0 1.1 metadata protocol assertion bindings
HTTP-POST HTTP-Redirect HTTP-POST-SimpleSign HTTP-Artifact PAOS SOAP nameid-format persistent transient unspecified emailAddress
entity ac classes PasswordProtectedTransport Password unspecified federation MicrosoftOnline attrname-format basic uri status Success
microsoft cloud
`

// queryWords are operators of questions, beside the names of members.
const queryWords = `
eq ne not and or in gt ge lt le startsWith endsWith contains any all true false null asc desc $eq $ne $gt $gte $lt $lte $in $nin $sw $ew
$co $nco between search microsoft.graph.user principal
`

// wellKnown are IDs that mean the same in every tenant: roles, Microsoft Graph, Microsoft 365.
const wellKnown = `
62e90394-69f5-4237-9190-012177145e10 f2ef992c-3afb-46b9-b7cf-a126ee74c451 8329153b-31d0-4727-b945-745eb3bc5f31
8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2 be2f45a1-457d-42af-a067-6ec1fa63bc45 194ae4cb-b126-40b2-bd5b-6091b380977d
00000003-0000-0000-c000-000000000000 4765445b-32c6-49b0-83e6-1d93765276ca
`

// vocabulary is the same, ready to be looked up: in small letters.
type vocabulary struct {
	names      map[string]bool
	treatments map[string]treatment
	values     map[string]map[string]bool // by member
	paths      map[string]bool
	urns       map[string]bool
	queries    map[string]bool
	speaks     map[string]bool
	ids        map[string]bool
	sentences  []string
}

// public returns the vocabulary.
var public = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{
		names: set(memberNames), paths: set(pathWords), urns: set(urnWords), queries: set(queryWords), ids: set(wellKnown), speaks: set(speakers),
		treatments: make(map[string]treatment), values: make(map[string]map[string]bool),
	}
	for _, k := range memberKinds {
		for name := range set(k.names) {
			v.treatments[name] = k.treatment
		}
	}
	for _, w := range words {
		for member := range set(w.members) {
			if v.values[member] == nil {
				v.values[member] = make(map[string]bool)
			}
			for value := range set(w.values) {
				v.values[member][strings.ReplaceAll(value, "*", " ")] = true
			}
		}
	}
	for line := range strings.Lines(sentences) {
		if line = strings.TrimSpace(line); line != "" {
			v.sentences = append(v.sentences, line)
		}
	}
	return v
})

func set(words string) map[string]bool {
	out := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		out[strings.ToLower(w)] = true
	}
	return out
}
