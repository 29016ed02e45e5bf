# Sign-in of example.com
Connect-MgGraph -Scopes 'User.ReadWrite.All'

Update-MgUser -UserId 'ann@example.com' -OnPremisesImmutableId 'aWQ='

# JumpCloud: add Microsoft 365 directory's user "ann@example.com"

# JumpCloud: add group member "Staff: ann@example.com"

# read back
Get-MgDomain -DomainId 'example.com' | Select-Object Id, AuthenticationType, IsDefault
Get-MgDomainFederationConfiguration -DomainId 'example.com'

# the way back, if it is needed
# JumpCloud: remove group member "Staff: ann@example.com"
# JumpCloud: remove Microsoft 365 directory's user "ann@example.com"
Invoke-MgGraphRequest -Method PATCH -Uri ('v1.0/users/' + (Get-MgUser -UserId 'ann@example.com').Id) -Body @{ onPremisesImmutableId = $null }
