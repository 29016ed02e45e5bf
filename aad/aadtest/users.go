package aadtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

// user is a user of the tenant.
type user struct{ state fake.Cell[userState] }

type userState struct {
	aad.User
	more     map[string]json.RawMessage // what aad.User has no field for; never changed, only replaced
	password string
	gone     bool
}

// lookup returns a user by ID or user principal name, as it is now. A generated
// one becomes a user of its own if it is to be changed.
func (s *Server) lookup(idOrUPN string, change bool) *user {
	u := s.users[strings.ToLower(idOrUPN)]
	if u == nil {
		u = s.names[strings.ToLower(idOrUPN)]
	}
	if u == nil && s.gen != nil {
		if i, ok := s.gen.find(idOrUPN); ok {
			u = new(user)
			u.state.Set(userState{User: s.gen.user(i)})
			if change {
				s.gen.change(i)
				s.add(u)
			}
		}
	}
	if u == nil || u.state.Now().gone {
		return nil
	}
	return u
}

func (s *Server) add(u *user) {
	st := u.state.Now()
	s.users[strings.ToLower(st.ID)] = u
	s.names[strings.ToLower(st.UserPrincipalName)] = u
	s.order = append(s.order, u)
}

// defaultFields is what comes without $select.
var defaultFields = strings.Split("businessPhones,displayName,givenName,id,jobTitle,mail,mobilePhone,"+
	"officeLocation,preferredLanguage,surname,userPrincipalName", ",")

// fields returns the properties that $select asks for, once each.
func fields(r *http.Request) []string {
	names := selected(r)
	if names == nil {
		return defaultFields
	}
	return names
}

// appendUser writes a user. It is written by hand, so that large lists are cheap.
func appendUser(b []byte, u *userState, fields []string) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f...)
		b = append(b, `":`...)
		b = u.append(b, f)
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			q, _ := json.Marshal(s)
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// dollar refuses a name that begins with a dollar sign as a part of a path.
func dollar(r *http.Request) *refusal {
	if strings.HasPrefix(r.PathValue("id"), "$") && !asked(r).quoted {
		return bad("The request URI is not valid. The segment '%s' is not an operator.", r.PathValue("id"))
	}
	return nil
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) *refusal {
	if e := dollar(r); e != nil {
		return e
	}
	id := r.PathValue("id")
	u := s.users[strings.ToLower(id)]
	if u == nil {
		u = s.names[strings.ToLower(id)]
	}
	if u == nil {
		u = s.lookup(id, false)
	}
	if u == nil {
		u = s.formerly(id)
	}
	if u == nil {
		return notFound(id)
	}
	st := u.state.Read("user", s.lag("users/"+u.state.Now().ID, s.GetLag))
	if st.gone {
		return notFound(id)
	}
	s.entity(w, r, http.StatusOK, "users/$entity", userObject(&st, fields(r)))
	return nil
}

// formerly returns the deleted user who had a user principal name, whom a
// lagging read may still show.
func (s *Server) formerly(upn string) *user {
	for _, u := range slices.Backward(s.order) {
		if st := u.state.Now(); st.gone && strings.EqualFold(st.UserPrincipalName, upn) {
			return u
		}
	}
	return nil
}

func userObject(u *userState, fields []string) object {
	o := make(object)
	json.Unmarshal(appendUser(nil, u, fields), &o)
	return o
}
