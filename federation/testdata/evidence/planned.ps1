# Sign-in of example.com
Connect-MgGraph -Scopes 'User.ReadWrite.All', 'Domain.ReadWrite.All', 'RoleManagement.ReadWrite.Directory', 'Domain-InternalFederation.ReadWrite.All'

$password = [System.Net.NetworkCredential]::new('', (Read-Host -AsSecureString)).Password # not on this page
New-MgUser -UserPrincipalName 'rescue@contoso.onmicrosoft.com' -DisplayName 'Federation break-glass' -MailNickname 'rescue' -AccountEnabled -PasswordProfile @{ Password = $password; ForceChangePasswordNextSignIn = $false }

Update-MgDomain -DomainId 'contoso.onmicrosoft.com' -IsDefault

# JumpCloud: create group "Staff"

# JumpCloud: create group "Contractors"

# JumpCloud: create application "urn:uri:example.com"
#   label: "Microsoft 365 (example.com)"
#   template: "office365"
#   idpEntityID: "urn:uri:example.com"
#   loginURL: "https://sso.jumpcloud.com/saml2/example-com"
#   active: "true"

# JumpCloud: add Microsoft 365 directory's domain "example.com"

$assignment = New-MgRoleManagementDirectoryRoleAssignment -PrincipalId (Get-MgUser -UserId 'rescue@contoso.onmicrosoft.com').Id -RoleDefinitionId '62e90394-69f5-4237-9190-012177145e10' -DirectoryScopeId '/' # Global Administrator

# JumpCloud: add group member "Contractors: Ada@example.com"

# JumpCloud: add application's group "Staff"

# JumpCloud: add application's group "Contractors"

# JumpCloud: add Microsoft 365 directory's group "Staff"

# JumpCloud: add Microsoft 365 directory's group "Contractors"

# JumpCloud: add Microsoft 365 directory's translation rule "user_department"

# JumpCloud: update Microsoft 365 directory's default domain "example.com"
#   defaultDomain: "example.com"

$federation = @{
    '@odata.type' = '#microsoft.graph.internalDomainFederation'
    'displayName' = 'example.com'
    'issuerUri' = 'urn:uri:example.com'
    'passiveSignInUri' = 'https://sso.jumpcloud.com/saml2/example-com'
    'activeSignInUri' = 'https://sso.jumpcloud.com/saml2/example-com'
    'signOutUri' = 'https://console.jumpcloud.com/userconsole/'
    'preferredAuthenticationProtocol' = 'saml'
    'federatedIdpMfaBehavior' = 'acceptIfMfaDoneByFederatedIdp'
    'signingCertificate' = $null # (known later): the certificate of the JumpCloud application
}
New-MgDomainFederationConfiguration -DomainId 'example.com' -BodyParameter $federation

# read back
Get-MgDomain -DomainId 'example.com' | Select-Object Id, AuthenticationType, IsDefault
Get-MgDomainFederationConfiguration -DomainId 'example.com'

# the way back, if it is needed
Remove-MgDomainFederationConfiguration -DomainId 'example.com' -InternalDomainFederationId (Get-MgDomainFederationConfiguration -DomainId 'example.com').Id # the domain is managed from then on
# JumpCloud: update Microsoft 365 directory's default domain "example.com"
#   defaultDomain: (none)
# JumpCloud: remove Microsoft 365 directory's translation rule "user_department"
# JumpCloud: remove Microsoft 365 directory's group "Contractors"
# JumpCloud: remove Microsoft 365 directory's group "Staff"
# JumpCloud: remove application's group "Contractors"
# JumpCloud: remove application's group "Staff"
# JumpCloud: remove group member "Contractors: Ada@example.com"
Remove-MgRoleManagementDirectoryRoleAssignment -UnifiedRoleAssignmentId $assignment.Id # what the step above returned; Global Administrator of rescue@contoso.onmicrosoft.com
# JumpCloud: remove Microsoft 365 directory's domain "example.com"
# JumpCloud: delete application "urn:uri:example.com"
# JumpCloud: delete group "Contractors"
# JumpCloud: delete group "Staff"
Update-MgDomain -DomainId 'example.com' -IsDefault
Remove-MgUser -UserId 'rescue@contoso.onmicrosoft.com'
