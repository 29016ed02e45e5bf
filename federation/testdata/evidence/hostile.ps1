# Sign-in of example.com
Connect-MgGraph -Scopes 'Domain-InternalFederation.ReadWrite.All'

# JumpCloud: create group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"

# JumpCloud: create application "urn:uri:example.com"
#   label: "O'Brien’s $(Remove-MgDomain) ` '; Remove-Item *"
#   template: "office365"
#   idpEntityID: "urn:uri:example.com"
#   loginURL: "https://sso.jumpcloud.com/saml2/example-com"
#   active: "true"

# JumpCloud: add Microsoft 365 directory's domain "example.com"

# JumpCloud: add application's group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"

# JumpCloud: add Microsoft 365 directory's group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"

# JumpCloud: add Microsoft 365 directory's translation rule "user_department"

# JumpCloud: update Microsoft 365 directory's default domain "example.com"
#   defaultDomain: "example.com"

$federation = @{
    '@odata.type' = '#microsoft.graph.internalDomainFederation'
    'displayName' = 'it’’s''; Remove-MgDomain -DomainId ''example.com'' #'
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
# JumpCloud: remove Microsoft 365 directory's group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"
# JumpCloud: remove application's group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"
# JumpCloud: remove Microsoft 365 directory's domain "example.com"
# JumpCloud: delete application "urn:uri:example.com"
# JumpCloud: delete group "a|b`c``` # <img src=x onerror=alert(1)> [click](https://evil.example)"
