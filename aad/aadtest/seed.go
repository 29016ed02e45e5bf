package aadtest

import (
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

// AddDomain adds a verified, managed domain: a root domain, or a subdomain if a
// verified root domain above it exists. edit may change what the domain is: only
// authentication, flags, services and state count.
func (s *Server) AddDomain(name string, edit ...func(*aad.Domain)) {
	s.start()
	s.mu.Lock()
	defer s.tell()
	defer s.mu.Unlock()
	name = strings.ToLower(name)
	if s.find(name) != nil {
		panic("aadtest: domain " + name + " is there already")
	}
	v := aad.Domain{
		Name: name, AuthenticationType: aad.Managed, IsRoot: s.parent(name) == nil, IsVerified: true, IsAdminManaged: true,
		SupportedServices: []string{"Email", "OfficeCommunicationsOnline"},
	}
	for _, f := range edit {
		f(&v)
	}
	st := domainState{
		auth: v.AuthenticationType, isDefault: v.IsDefault, isInitial: v.IsInitial, isRoot: v.IsRoot && v.IsVerified, isVerified: v.IsVerified,
		adminManaged: v.IsAdminManaged, services: v.SupportedServices, state: v.State, broken: v.AuthenticationType == aad.Federated && v.IsRoot,
	}
	if st.isDefault {
		for _, d := range s.domains {
			o := d.state.Now()
			o.isDefault = false
			d.state = fake.Cell[domainState]{}
			d.state.Set(o)
		}
	}
	s.domains = append(s.domains, newDomain(name, st))
}

// Unverified is an edit for [Server.AddDomain].
func Unverified(d *aad.Domain) { d.IsVerified, d.IsRoot = false, false }

// Default is an edit for [Server.AddDomain].
func Default(d *aad.Domain) { d.IsDefault = true }

// Broken is an edit for [Server.AddDomain]: the domain is federated and has no
// configuration that can be read.
func Broken(d *aad.Domain) { d.AuthenticationType = aad.Federated }

// SetFederation federates a domain behind everybody's back, or changes its
// federation, without the checks of the service. A federation without ID gets one.
// What is in its Extra, requests may write from then on: otherwise properties that
// Graph does not document are refused.
func (s *Server) SetFederation(name string, f aad.Federation) {
	s.start()
	s.mu.Lock()
	defer s.tell()
	defer s.mu.Unlock()
	d := s.must(name)
	if f.ID == "" {
		f.ID = s.newID(0xfed0)
	}
	for name := range f.Extra {
		s.newer[name] = true
	}
	st := d.state.Now()
	st.auth, st.fed, st.broken = aad.Federated, &f, false
	s.set(d, st)
}

// RemoveFederation makes a domain managed behind everybody's back.
func (s *Server) RemoveFederation(name string) {
	s.start()
	s.mu.Lock()
	defer s.tell()
	defer s.mu.Unlock()
	d := s.must(name)
	st := d.state.Now()
	st.auth, st.fed, st.broken = aad.Managed, nil, false
	s.set(d, st)
}

func (s *Server) must(name string) *domain {
	d := s.find(name)
	if d == nil {
		panic("aadtest: there is no domain " + name)
	}
	return d
}

// AddForeignIssuer says that a domain of another tenant uses an issuer.
func (s *Server) AddForeignIssuer(issuer string) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign[issuer] = true
}

// AddUser adds a user and returns its ID. What is not set has the values of an
// enabled member of the tenant. The rules of the service are not applied.
func (s *Server) AddUser(u aad.User) string {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.ID == "" {
		u.ID = s.newID(0x05e5)
	}
	if u.UserPrincipalName == "" {
		u.UserPrincipalName = u.ID + "@" + s.InitialDomain
	}
	if s.users[strings.ToLower(u.ID)] != nil || s.names[strings.ToLower(u.UserPrincipalName)] != nil {
		panic("aadtest: user " + u.UserPrincipalName + " is there already")
	}
	if u.UserType == "" {
		u.UserType = "Member"
	}
	if u.Enabled == nil {
		enabled := true
		u.Enabled = &enabled
	}
	if u.Created.IsZero() {
		u.Created = s.now().UTC().Truncate(time.Second)
	}
	v := new(user)
	v.state.Set(userState{User: u})
	s.add(v)
	return u.ID
}

// EditUser changes a user behind everybody's back.
func (s *Server) EditUser(idOrUPN string, edit func(*aad.User)) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.lookup(idOrUPN, true)
	if u == nil {
		panic("aadtest: there is no user " + idOrUPN)
	}
	st := u.state.Now()
	delete(s.names, strings.ToLower(st.UserPrincipalName))
	edit(&st.User)
	s.names[strings.ToLower(st.UserPrincipalName)] = u
	u.state.Set(st)
}

// SetPassword sets the password with which a user of a managed domain signs in;
// without one nobody can. Users who are created by a request have that of the request.
func (s *Server) SetPassword(idOrUPN, password string) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.lookup(idOrUPN, true)
	if u == nil {
		panic("aadtest: there is no user " + idOrUPN)
	}
	st := u.state.Now()
	st.password = password
	u.state.Set(st)
}

// RemoveUser deletes a user behind everybody's back.
func (s *Server) RemoveUser(idOrUPN string) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.lookup(idOrUPN, true)
	if u == nil {
		panic("aadtest: there is no user " + idOrUPN)
	}
	s.drop(u)
}

// MakeGlobalAdministrator gives the role to a user, a group, or, if the ID is of
// neither, a service principal. It returns the ID of the assignment.
func (s *Server) MakeGlobalAdministrator(principalID string) string {
	return s.AssignRole(aad.GlobalAdministrator, principalID)
}

// AssignRole gives any role, in the whole tenant or within a scope such as
// "/administrativeUnits/{id}".
func (s *Server) AssignRole(roleDefinitionID, principalID string, scope ...string) string {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &assignment{id: s.newID(0x401e), role: roleDefinitionID, principal: principalID, scope: "/"}
	if len(scope) > 0 {
		a.scope = scope[0]
	}
	a.gone.Set(false)
	s.roles = append(s.roles, a)
	return a.id
}

// AddGroup adds a role-assignable group and returns its ID. Members are IDs of
// users and of other groups.
func (s *Server) AddGroup(name string, memberIDs ...string) string {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{id: s.newID(0x6409), name: name, members: slices.Clone(memberIDs)}
	s.groups[g.id] = g
	return g.id
}

// SetPolicy sets the token-validation policy.
func (s *Server) SetPolicy(p aad.TokenValidationPolicy) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy = &p
}

// SetOnPremisesSync says whether the tenant is synchronised from a directory on the premises.
func (s *Server) SetOnPremisesSync(on bool) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.synced = on
}

// RemoveRole takes a role away behind everybody's back.
func (s *Server) RemoveRole(assignmentID string) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.roles {
		if a.id == assignmentID && !a.gone.Now() {
			a.gone.Set(true)
			return
		}
	}
	panic("aadtest: there is no role assignment " + assignmentID)
}
