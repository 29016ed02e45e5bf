package jumpcloudtest

import (
	"net/http"

	"github.com/jcaad/jcaad/jumpcloud"
)

// stateRoutes serve what changes the state of a user by itself.
func (s *Server) stateRoutes(mux *http.ServeMux) {
	change := func(action string, edit func(*user) *reply) {
		s.route(mux, "POST /api/systemusers/{id}/"+action, "users", func(c *call) reply {
			old, refused := s.stored(c.PathValue("id"))
			if refused != nil {
				return *refused
			}
			u := *old
			if refused := edit(&u); refused != nil {
				return *refused
			}
			s.users.put(u.ID, &u)
			c.change(jumpcloud.UserObject, u.ID)
			return reply{status: http.StatusOK, body: []byte("{}")}
		})
	}
	change("unlock", func(u *user) *reply {
		u.AccountLocked = false
		return nil
	})
	change("state/activate", func(u *user) *reply {
		if u.State != jumpcloud.Staged { // how JumpCloud answers that is not known
			r := unmodelled("the activation of a user who is " + u.State)
			return &r
		}
		u.State = jumpcloud.Activated
		return nil
	})
	change("state/suspend", func(u *user) *reply {
		u.State, u.Suspended = jumpcloud.Suspended, true
		return nil
	})
}

// stored is a user who can be changed: those who are made by number cannot.
func (s *Server) stored(id string) (u *user, refused *reply) {
	if u = s.users.get(id); u != nil {
		return u, nil
	}
	r := notFound
	if s.users.byID[id] == nil && s.user(id) != nil {
		r = unmodelled("changes of users who are not kept in memory")
	}
	return nil, &r
}
