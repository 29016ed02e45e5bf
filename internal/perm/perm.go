// Package perm holds the names of Microsoft Graph's permissions that the
// operations need, least privileged first.
package perm

// The permissions, as Microsoft Graph spells them.
const (
	DomainRead      = "Domain.Read.All"
	DomainWrite     = "Domain.ReadWrite.All"
	FederationRead  = "Domain-InternalFederation.Read.All"
	FederationWrite = "Domain-InternalFederation.ReadWrite.All"
	PolicyRead      = "Policy.Read.All"
	Organization    = "Organization.Read.All"
	UserRead        = "User.Read.All"
	UserWrite       = "User.ReadWrite.All"
	RevokeSessions  = "User.RevokeSessions.All"
	RoleRead        = "RoleManagement.Read.Directory"
	RoleWrite       = "RoleManagement.ReadWrite.Directory"
	GroupRead       = "GroupMember.Read.All"
	AuditLog        = "AuditLog.Read.All"
)
