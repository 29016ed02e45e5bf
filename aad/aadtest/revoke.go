package aadtest

import (
	"net/http"
	"slices"
	"time"
)

// Revocation is one end of a user's sign-in sessions.
type Revocation struct {
	UserID string
	At     time.Time // by Server.Now
}

// Revocations returns the truth about whose sign-in sessions were ended, and when,
// in the order of the requests.
func (s *Server) Revocations() []Revocation {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.revoked)
}

func (s *Server) revokeSignInSessions(w http.ResponseWriter, r *http.Request) *refusal {
	if e := dollar(r); e != nil {
		return e
	}
	if e := noBody(r); e != nil {
		return e
	}
	u := s.lookup(r.PathValue("id"), false)
	if u == nil {
		return notFound(r.PathValue("id"))
	}
	id := u.state.Now().ID
	if s.Quirks.RevokeRefusesAdministrators && s.hasRole(id) {
		return &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
	}
	s.revoked = append(s.revoked, Revocation{id, s.now()})
	write(w, http.StatusOK, object{"@odata.context": metadata(r, "Edm.Boolean"), "value": true})
	return nil
}

// hasRole reports whether a user has a directory role, by itself or through a group.
func (s *Server) hasRole(id string) bool {
	for _, a := range s.roles {
		if a.gone.Now() {
			continue
		}
		var members []string
		if g := s.groups[a.principal]; g != nil {
			s.expand(g, &members)
		}
		if a.principal == id || slices.Contains(members, id) {
			return true
		}
	}
	return false
}
