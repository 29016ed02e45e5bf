package aadtest

import "net/http"

// graph routes the requests to Microsoft Graph. need is the least permission.
func (s *Server) graph() *http.ServeMux {
	m := http.NewServeMux()
	graph := func(pattern, need string, h func(http.ResponseWriter, *http.Request) *refusal) {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if !s.allow(w, r, need) {
				return
			}
			s.mu.Lock()
			e := h(w, r)
			s.mu.Unlock()
			s.tell()
			if e != nil {
				refuse(w, e)
			}
		})
	}
	const (
		domainRead, domainWrite         = "Domain.Read.All", "Domain.ReadWrite.All"
		federationRead, federationWrite = "Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"
		userRead, userWrite             = "User.Read.All", "User.ReadWrite.All"
		roleRead, roleWrite             = "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"
	)
	graph("GET /v1.0/domains", domainRead, s.listDomains)
	graph("POST /v1.0/domains", domainWrite, s.createDomain)
	graph("GET /v1.0/domains/{domain}", domainRead, s.getDomain)
	graph("PATCH /v1.0/domains/{domain}", domainWrite, s.patchDomain)
	graph("DELETE /v1.0/domains/{domain}", domainWrite, s.deleteDomain)
	graph("POST /v1.0/domains/{domain}/verify", domainWrite, s.verifyDomain)
	graph("POST /v1.0/domains/{domain}/promote", domainWrite, s.promoteDomain)
	graph("POST /v1.0/domains/{domain}/forceDelete", domainWrite, s.forceDelete)
	graph("GET /v1.0/domains/{domain}/rootDomain", domainRead, s.rootDomain)
	graph("GET /v1.0/domains/{domain}/verificationDnsRecords", domainRead, s.verificationRecords)
	graph("GET /v1.0/domains/{domain}/serviceConfigurationRecords", domainRead, s.serviceRecords)
	graph("GET /v1.0/domains/{domain}/domainNameReferences", domainRead, s.domainNameReferences)

	const fed = "/v1.0/domains/{domain}/federationConfiguration"
	graph("GET "+fed, federationRead, s.listFederation)
	graph("POST "+fed, federationWrite, s.createFederation)
	graph("GET "+fed+"/{id}", "federation by ID", s.getFederation)
	graph("PATCH "+fed+"/{id}", federationWrite, s.patchFederation)
	graph("DELETE "+fed+"/{id}", federationWrite, s.deleteFederation)

	graph("GET /v1.0/policies/federatedTokenValidationPolicy", "Policy.Read.All", s.getPolicy)
	graph("GET /v1.0/organization", "Organization.Read.All", s.listOrganization)

	graph("GET /v1.0/users", userRead, s.listUsers)
	graph("POST /v1.0/users", userWrite, s.createUser)
	graph("GET /v1.0/users/$count", userRead, s.countUsers)
	graph("GET /v1.0/users/{id}", userRead, s.getUser)
	graph("PATCH /v1.0/users/{id}", userWrite, s.patchUser)
	graph("DELETE /v1.0/users/{id}", userWrite, s.deleteUser)
	graph("GET /v1.0/{key}", userRead, byKey(s.getUser))
	graph("PATCH /v1.0/{key}", userWrite, byKey(s.patchUser))
	graph("DELETE /v1.0/{key}", userWrite, byKey(s.deleteUser))
	const revoke = "User.RevokeSessions.All"
	graph("POST /v1.0/users/{id}/revokeSignInSessions", revoke, s.revokeSignInSessions)
	graph("POST /v1.0/{key}/revokeSignInSessions", revoke, byKey(s.revokeSignInSessions))
	graph("GET /v1.0/groups/{id}/transitiveMembers/microsoft.graph.user", "GroupMember.Read.All", s.listMembers)

	graph("GET /v1.0/roleManagement/directory/roleDefinitions", roleRead, s.listRoleDefinitions)
	graph("GET /v1.0/roleManagement/directory/roleAssignments", roleRead, s.listRoleAssignments)
	graph("POST /v1.0/roleManagement/directory/roleAssignments", roleWrite, s.createRoleAssignment)
	graph("DELETE /v1.0/roleManagement/directory/roleAssignments/{id}", roleWrite, s.deleteRoleAssignment)

	graph("GET /v1.0/auditLogs/signIns", "AuditLog.Read.All", s.listSignIns)

	m.HandleFunc("/v1.0/", func(w http.ResponseWriter, r *http.Request) {
		if s.allow(w, r, "") {
			refuse(w, bad("Resource not found for the segment."))
		}
	})
	return m
}

// login routes the requests to the login service.
func (s *Server) login() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /getuserrealm.srf", s.getUserRealm)
	m.HandleFunc("GET /common/userrealm/{user}", s.userRealm)
	m.HandleFunc("GET /common/userrealm/{$}", s.userRealm)
	m.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	m.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.configuration)
	m.HandleFunc("POST /common/GetCredentialType", s.credentialType)

	page := func(pattern string, h func(http.ResponseWriter, *http.Request)) {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			s.mu.Lock()
			defer s.mu.Unlock()
			h(w, r)
		})
	}
	page("GET /{$}", s.beginSignIn)
	page("GET /login.srf", s.beginSignIn)
	page("GET /{tenant}/oauth2/v2.0/authorize", s.beginSignIn)
	page("POST /{tenant}/login", s.nameOrPassword)
	page("POST /common/SAS/ProcessAuth", s.secondFactor)
	page("POST /login.srf", s.answered)
	page("GET /{tenant}/oauth2/v2.0/logout", s.signOut)
	return m
}
