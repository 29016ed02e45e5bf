package aadtest

import (
	"slices"

	"github.com/jcaad/jcaad/aad"
)

// Domain returns the truth about a domain, whatever reads show.
func (s *Server) Domain(name string) aad.Domain {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.truth(s.must(name))
}

func (s *Server) truth(d *domain) aad.Domain {
	st := s.seen(d, "truth", Lag{})
	return aad.Domain{
		Name: d.name, AuthenticationType: st.auth, IsDefault: st.isDefault, IsInitial: st.isInitial, IsRoot: st.isRoot,
		IsVerified: st.isVerified, IsAdminManaged: st.adminManaged, SupportedServices: slices.Clone(st.services), State: st.state,
	}
}

// Federation returns the truth about a domain's federation; false if there is
// none that can be read.
func (s *Server) Federation(name string) (aad.Federation, bool) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.must(name).state.Now(); st.fed != nil && !st.broken {
		return *st.fed, true
	}
	return aad.Federation{}, false
}

// Users returns the truth about all users but the generated ones.
func (s *Server) Users() []aad.User {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []aad.User
	for _, u := range s.order {
		if st := u.state.Now(); !st.gone {
			all = append(all, st.User)
		}
	}
	return all
}

// Domains returns the truth about all domains, oldest first.
func (s *Server) Domains() []aad.Domain {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []aad.Domain
	for _, d := range s.domains {
		if !d.state.Now().gone {
			all = append(all, s.truth(d))
		}
	}
	return all
}

// RoleAssignments returns the truth about who has which role. Of groups the
// members are not named one by one.
func (s *Server) RoleAssignments() []aad.RoleAssignment {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []aad.RoleAssignment
	for _, a := range s.roles {
		if !a.gone.Now() {
			all = append(all, aad.RoleAssignment{ID: a.id, RoleDefinitionID: a.role, PrincipalID: a.principal, DirectoryScopeID: a.scope})
		}
	}
	return all
}

// History returns the states that the domains' authentication went through, in their order.
func (s *Server) History() []State {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}
