package aadtest

import "net/http"

// operation is an operation of Microsoft Graph that the server models.
type operation struct {
	pattern string
	need    string // the least permission
	params  string // the query parameters that it takes
	kind    *kind  // of what it answers with; nil if $select is not among the parameters
	serve   func(http.ResponseWriter, *http.Request) *refusal
}

const (
	domainRead, domainWrite         = "Domain.Read.All", "Domain.ReadWrite.All"
	federationRead, federationWrite = "Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"
	userRead, userWrite             = "User.Read.All", "User.ReadWrite.All"
	roleRead, roleWrite             = "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"
)

// operations are all of them. Every query parameter that a line does not name is refused.
func (s *Server) operations() []operation {
	const (
		domain  = "/v1.0/domains/{domain}"
		fed     = domain + "/federationConfiguration"
		roles   = "/v1.0/roleManagement/directory/roleAssignments"
		defined = "/v1.0/roleManagement/directory/roleDefinitions"
	)
	return []operation{
		{"GET /v1.0/domains", domainRead, "$select $skiptoken", domainKind, s.listDomains},
		{"POST /v1.0/domains", domainWrite, "", nil, s.createDomain},
		{"GET " + domain, domainRead, "$select", domainKind, s.getDomain},
		{"PATCH " + domain, domainWrite, "", nil, s.patchDomain},
		{"DELETE " + domain, domainWrite, "", nil, s.deleteDomain},
		{"POST " + domain + "/verify", domainWrite, "", nil, s.verifyDomain},
		{"POST " + domain + "/promote", domainWrite, "", nil, s.promoteDomain},
		{"POST " + domain + "/forceDelete", domainWrite, "", nil, s.forceDelete},
		{"GET " + domain + "/rootDomain", domainRead, "$select", domainKind, s.rootDomain},
		{"GET " + domain + "/verificationDnsRecords", domainRead, "$select $skiptoken", recordKind, s.verificationRecords},
		{"GET " + domain + "/serviceConfigurationRecords", domainRead, "$select $skiptoken", recordKind, s.serviceRecords},
		{"GET " + domain + "/domainNameReferences", domainRead, "$skiptoken", nil, s.domainNameReferences},

		{"GET " + fed, federationRead, "$skiptoken", nil, s.listFederation},
		{"POST " + fed, federationWrite, "", nil, s.createFederation},
		{"GET " + fed + "/{id}", "federation by ID", "", nil, s.getFederation},
		{"PATCH " + fed + "/{id}", federationWrite, "", nil, s.patchFederation},
		{"DELETE " + fed + "/{id}", federationWrite, "", nil, s.deleteFederation},

		{"GET /v1.0/policies/federatedTokenValidationPolicy", "Policy.Read.All", "$select $skiptoken", policyKind, s.getPolicy},
		{"GET /v1.0/organization", "Organization.Read.All", "$select $skiptoken", organizationKind, s.listOrganization},
		{"GET /v1.0/organization/{id}", "Organization.Read.All", "$select", organizationKind, s.getOrganization},

		{"GET /v1.0/users", userRead, "$select $filter $search $orderby $count $top $skiptoken", userKind, s.listUsers},
		{"POST /v1.0/users", userWrite, "", nil, s.createUser},
		{"GET /v1.0/users/$count", userRead, "$filter $search", nil, s.countUsers},
		{"GET /v1.0/users/{id}", userRead, "$select", userKind, s.getUser},
		{"PATCH /v1.0/users/{id}", userWrite, "", nil, s.patchUser},
		{"DELETE /v1.0/users/{id}", userWrite, "", nil, s.deleteUser},
		{"POST /v1.0/users/{id}/revokeSignInSessions", "User.RevokeSessions.All", "", nil, s.revokeSignInSessions},
		{"GET /v1.0/groups/{id}/transitiveMembers/microsoft.graph.user", "GroupMember.Read.All",
			"$select $count $top $skiptoken", userKind, s.listMembers},

		{"GET " + defined, roleRead, "$select $filter $skiptoken", definitionKind, s.listRoleDefinitions},
		{"GET " + defined + "/{id}", roleRead, "$select", definitionKind, s.getRoleDefinition},
		{"GET " + roles, roleRead, "$select $filter $expand $skiptoken", assignmentKind, s.listRoleAssignments},
		{"GET " + roles + "/{id}", roleRead, "$select $expand", assignmentKind, s.getRoleAssignment},
		{"POST " + roles, roleWrite, "", nil, s.createRoleAssignment},
		{"DELETE " + roles + "/{id}", roleWrite, "", nil, s.deleteRoleAssignment},

		{"GET /v1.0/auditLogs/signIns", "AuditLog.Read.All", "$filter $orderby $top $skiptoken", nil, s.listSignIns},
	}
}

// graph routes the requests to Microsoft Graph.
func (s *Server) graph() http.Handler {
	m := http.NewServeMux()
	for _, o := range s.operations() {
		m.HandleFunc(o.pattern, func(w http.ResponseWriter, r *http.Request) {
			if !s.allow(w, r, o.need) {
				return
			}
			e := o.checkQuery(r)
			if e == nil {
				e = checkHeader(r)
			}
			if e == nil {
				s.mu.Lock()
				e = o.serve(w, r)
				s.mu.Unlock()
			}
			s.tell()
			if e != nil {
				refuse(w, e)
			}
		})
	}
	m.HandleFunc("POST /v1.0/$batch", s.batch(m))
	m.HandleFunc("/v1.0/", func(w http.ResponseWriter, r *http.Request) {
		if s.allow(w, r, "") {
			refuse(w, elsewhere(r))
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
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, notModelled("%s %s", r.Method, r.URL.Path)) })
	page("GET /{$}", s.beginSignIn)
	page("GET /login.srf", s.beginSignIn)
	page("GET /{tenant}/oauth2/v2.0/authorize", s.beginSignIn)
	page("POST /{tenant}/login", s.nameOrPassword)
	page("POST /common/SAS/ProcessAuth", s.secondFactor)
	page("POST /login.srf", s.answered)
	page("GET /{tenant}/oauth2/v2.0/logout", s.signOut)
	return m
}
