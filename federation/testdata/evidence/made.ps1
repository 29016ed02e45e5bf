# Sign-in of example.com
Connect-MgGraph -Scopes 'Domain-InternalFederation.ReadWrite.All'

$federation = @{
    '@odata.type' = '#microsoft.graph.internalDomainFederation'
    'displayName' = 'example.com'
    'issuerUri' = 'urn:uri:example.com'
    'passiveSignInUri' = 'https://sso.jumpcloud.com/saml2/example-com'
    'activeSignInUri' = 'https://sso.jumpcloud.com/saml2/example-com'
    'signOutUri' = 'https://console.jumpcloud.com/userconsole/'
    'preferredAuthenticationProtocol' = 'saml'
    'federatedIdpMfaBehavior' = 'acceptIfMfaDoneByFederatedIdp'
    'signingCertificate' = 'MIIDyzCCArOgAwIBAgIUDKA6tyOGQVZmLua1HbCp3p7ehG0wDQYJKoZIhvcNAQELBQAwdTELMAkGA1UEBhMCVVMxCzAJBgNVBAgMAkNPMRAwDgYDVQQHDAdCb3VsZGVyMRAwDgYDVQQKDAdFeGFtcGxlMRkwFwYDVQQLDBBKdW1wQ2xvdWRTQU1MSWRQMRowGAYDVQQDDBFKdW1wQ2xvdWRTQU1MVXNlcjAeFw0yNjExMjMwNjM2MTlaFw0zMTExMjMwNjM2MTlaMHUxCzAJBgNVBAYTAlVTMQswCQYDVQQIDAJDTzEQMA4GA1UEBwwHQm91bGRlcjEQMA4GA1UECgwHRXhhbXBsZTEZMBcGA1UECwwQSnVtcENsb3VkU0FNTElkUDEaMBgGA1UEAwwRSnVtcENsb3VkU0FNTFVzZXIwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCuQaJAllWIPL5/WAaZexdxrTFtP9GkEkPlU++oUdiyCMqIwwEbw7wq1W8T0kDUg3qbw5Tkf87PyZUhdom+HjKBLjxa6nHkCUBc4P/Gw7/ogOwTioYzvD0p66cX8lrIWshR/nfiHtAaxlpvqKhnZAbpDVBshen1G0ufOEYM12t9+sdy9ZqcSzK5TMf8jLpGGFBUEHHo82MHHG6OlYqDkwEIvpHmNo84yHuN63S+SlHIZikdTdOrN7l4FMo8VRPQYNjlZnj7UfVw5KZL44EPKsQEylnFEo3tarC59dr6O/XfMvfx2vpYS76+XvbeHI6239AqparORbMmMEknFwrLBiSFAgMBAAGjUzBRMB0GA1UdDgQWBBRFeLGziTgWb/7i7obaeiSKAXANszAfBgNVHSMEGDAWgBRFeLGziTgWb/7i7obaeiSKAXANszAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQB1Jdx+MbL0qAgqBmHs51ZesKmsPBezkrLfa/9FEJRo0dxMo6+gjlKyR62mi4PdrcGiFq5iJHY9xRDJ3hQjs1hxKCScniL2bcYu+6SFCfCFbVYhwU2HLsavaI8H5eAtIDhroSf2SBFssXo+XLVZtIR0EHWDe7osKeeYIsvQ6EEUBZHVX1jgnr7niQmXYc/SIqaYNgDq8scpRLcbLMbJ4+ywQ4PpcKYP/MLM9SA3Sf7kdvGDg4nsKzYB4JLVnRL9JW0uLUI4wMMNagqEvPofHcZFpMXWvxRogXA0ASRau3WNkiH7BjSyjPKl5ZrlpKEy6X0WMex2uNk5SI+WNpQwMuJD' # certificate 8BC63ADF7AB09E60AF800057D922FF040ED0AC9D, valid until 2031-11-23
}
New-MgDomainFederationConfiguration -DomainId 'example.com' -BodyParameter $federation

# read back
Get-MgDomain -DomainId 'example.com' | Select-Object Id, AuthenticationType, IsDefault
Get-MgDomainFederationConfiguration -DomainId 'example.com'

# the way back, if it is needed
Remove-MgDomainFederationConfiguration -DomainId 'example.com' -InternalDomainFederationId (Get-MgDomainFederationConfiguration -DomainId 'example.com').Id # the domain is managed from then on
