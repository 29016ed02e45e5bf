package jumpcloudtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// user is a system user. It is never changed, only replaced.
type user struct {
	jumpcloud.User
	extra object // fields that package jumpcloud does not know
}

func (s *Server) userRoutes(mux *http.ServeMux) {
	s.route(mux, "GET /api/systemusers", "users.readonly", s.listUsers)
	s.route(mux, "POST /api/systemusers", "users", s.createUser)
	s.route(mux, "GET /api/systemusers/{id}", "users.readonly", func(c *call) reply {
		u := s.users.read(c.PathValue("id"), s.GetLag)
		if g := s.user(c.PathValue("id")); u == nil && g != nil && s.users.byID[g.ID] == nil {
			u = g // a generated one does not lag
		}
		if u == nil {
			return notFound
		}
		return reply{status: http.StatusOK, body: appendUser(nil, u, fieldsOf(c.URL.Query().Get("fields")))}
	})
	s.route(mux, "PUT /api/systemusers/{id}", "users", s.putUser)
	s.route(mux, "DELETE /api/systemusers/{id}", "users", func(c *call) reply {
		u, refused := s.stored(c.PathValue("id"))
		if refused != nil {
			return *refused
		}
		s.users.put(u.ID, nil)
		s.cut(jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.ID})
		c.change(jumpcloud.UserObject, u.ID)
		return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
	})
	s.stateRoutes(mux)
	s.route(mux, "POST /api/search/systemusers", "users.readonly", s.searchUsers)
}

// user is the truth about a user; nil if there is none.
func (s *Server) user(id string) *user {
	if s.users.byID[id] != nil {
		return s.users.get(id)
	}
	if i, ok := generatedIndex(id); ok && i < s.generated {
		return s.generatedUser(i)
	}
	return nil
}

func (s *Server) generatedUser(i int) *user {
	u := s.generate(i)
	if u.ID == "" {
		u.ID = GeneratedID(i)
	}
	return &user{User: u}
}

// constant are the fields that real users have and the package does not know.
const constant = `"addresses":[],"allow_public_key":true,"attributes":[],"company":"","costCenter":"","department":"",` +
	`"description":"","employeeIdentifier":null,"employeeType":"","enable_managed_uid":false,` +
	`"enable_user_portal_multifactor":false,"external_dn":"","external_source_type":"","jobTitle":"","location":"",` +
	`"mfa":{"exclusion":false,"configured":false},"middlename":"","password_never_expires":false,"phoneNumbers":[],` +
	`"sudo":false,"totp_enabled":false,"unix_guid":5001,"unix_uid":5001,`

// constants are the same, one by one.
var constants = asObject(json.RawMessage("{" + strings.TrimSuffix(constant, ",") + "}"))

// more is a field that package jumpcloud does not know.
func (u *user) more(name string) (json.RawMessage, bool) {
	v, ok := u.extra[name]
	if !ok {
		v, ok = constants[name]
	}
	return v, ok
}

// appendUser writes a user as JumpCloud does; only, if not nil, are the fields
// that were asked for. It is fast, as lists have hundreds of thousands.
func appendUser(b []byte, u *user, only []string) []byte {
	b = append(b, '{')
	if only == nil {
		if u.extra == nil {
			b = append(b, constant...)
		} else {
			o := maps.Clone(constants)
			maps.Copy(o, u.extra)
			inner := raw(o)
			b = append(append(b, inner[1:len(inner)-1]...), ',')
		}
	}
	str := func(key, v string) {
		if key != "_id" && only != nil && !slices.Contains(only, key) {
			return
		}
		b = append(append(append(b, '"'), key...), '"', ':')
		if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' || r >= 0x7f }) {
			b = append(b, raw(v)...)
		} else {
			b = append(append(append(b, '"'), v...), '"')
		}
		b = append(b, ',')
	}
	truth := func(key string, v bool) {
		if only == nil || slices.Contains(only, key) {
			b = append(append(append(b, '"'), key...), '"', ':')
			b = append(strconv.AppendBool(b, v), ',')
		}
	}
	truth("password_expired", u.PasswordExpired)
	str("username", u.Username)
	str("email", u.Email)
	if u.AlternateEmail != "" { // absent fields are simply missing
		str("alternateEmail", u.AlternateEmail)
	}
	str("firstname", u.FirstName)
	str("lastname", u.LastName)
	str("displayname", u.DisplayName)
	if u.State != "" {
		str("state", u.State)
	}
	truth("activated", u.Activated)
	truth("suspended", u.Suspended)
	truth("account_locked", u.AccountLocked)
	truth("externally_managed", u.ExternallyManaged)
	if !u.Created.IsZero() {
		str("created", u.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	for _, key := range only {
		if v, ok := u.more(key); ok {
			b = append(append(append(append(append(b, '"'), key...), '"', ':'), v...), ',')
		}
	}
	str("_id", u.ID)
	if only == nil || slices.Contains(only, "id") {
		str("id", u.ID)
	}
	b[len(b)-1] = '}'
	return b
}

// field is one field as JSON.
func (u *user) field(name string) json.RawMessage {
	var o object
	json.Unmarshal(appendUser(nil, u, []string{name, "id"}), &o)
	return o[name]
}

// strange returns the first property of a body that users do not have; "" if there is
// none.
func (u *user) strange(body object) string {
	return extraneous(body, userProperties, asObject(json.RawMessage(appendUser(nil, u, nil))))
}

// apply changes a copy of a user as a body says.
func (u *user) apply(body object) (*user, string) {
	n := *u
	n.extra = maps.Clone(u.extra)
	for key, v := range body {
		text, flag := plain(v), string(v) == "true"
		switch key {
		case "_id", "id", "created", "organization", "password":
		case "username":
			n.Username = text
		case "email":
			n.Email = text
		case "alternateEmail":
			n.AlternateEmail = text
		case "firstname":
			n.FirstName = text
		case "lastname":
			n.LastName = text
		case "displayname":
			n.DisplayName = text
		case "state":
			n.State = text
		case "activated":
			n.Activated = flag
		case "suspended":
			n.Suspended = flag
		case "account_locked":
			n.AccountLocked = flag
		case "externally_managed":
			n.ExternallyManaged = flag
		case "password_expired":
			n.PasswordExpired = flag
		case "mfa": // what is not sent stays
			before, _ := u.more(key)
			mfa := asObject(before)
			maps.Copy(mfa, asObject(v))
			v = raw(mfa)
			fallthrough
		default:
			if n.extra == nil {
				n.extra = object{}
			}
			n.extra[key] = v
		}
	}
	_, state := body["state"]
	_, suspended := body["suspended"]
	switch {
	case state && suspended && (n.State == jumpcloud.Suspended) != n.Suspended:
		return nil, "Cannot save conflicting state and suspended fields. " +
			"(state=" + n.State + " suspended=" + strconv.FormatBool(n.Suspended) + ")"
	case state:
		n.Suspended = n.State == jumpcloud.Suspended
	case suspended && n.Suspended:
		n.State = jumpcloud.Suspended
	case suspended && n.State == jumpcloud.Suspended:
		n.State = jumpcloud.Activated
	}
	return &n, ""
}

func (s *Server) createUser(c *call) reply {
	switch {
	case c.str("email") == "":
		return v1invalid("email is required")
	case c.str("username") == "":
		return v1invalid("username is required")
	}
	if name := new(user).strange(c.body); name != "" {
		return unmodelled(fmt.Sprintf("the property %q of users", name))
	}
	if name := userForms.strange(c.body); name != "" {
		return mistyped(name)
	}
	if st := c.str("state"); st != "" && !slices.Contains([]string{jumpcloud.Staged, jumpcloud.Activated, jumpcloud.Suspended}, st) {
		return v1invalid("state must be STAGED, ACTIVATED or SUSPENDED")
	}
	if s.taken("", c.str("email"), c.str("username")) {
		return exists
	}
	u, bad := (&user{User: jumpcloud.User{ID: s.newID(kindUser), Created: s.now(), State: jumpcloud.Activated}}).apply(c.body)
	if bad != "" {
		return v1invalid(bad)
	}
	return s.keepUser(c, u)
}

func (s *Server) putUser(c *call) reply {
	old, refused := s.stored(c.PathValue("id"))
	if refused != nil {
		return *refused
	}
	if _, sent := c.body["state"]; sent && c.str("state") != jumpcloud.Activated && c.str("state") != jumpcloud.Suspended {
		return v1invalid("state must be ACTIVATED or SUSPENDED")
	}
	if name := old.strange(c.body); name != "" {
		return unmodelled(fmt.Sprintf("the property %q of users", name))
	}
	if name := userForms.strange(c.body); name != "" {
		return mistyped(name)
	}
	u, bad := old.apply(c.body)
	switch {
	case bad != "":
		return v1invalid(bad)
	case u.Email == "" && old.Email != "":
		return v1invalid("email is required")
	case u.Username == "" && old.Username != "":
		return v1invalid("username is required")
	case (u.Email != old.Email || u.Username != old.Username) && s.taken(u.ID, u.Email, u.Username):
		return exists
	}
	return s.keepUser(c, u)
}

// taken reports whether somebody else than the user with an ID has an address or a name.
func (s *Server) taken(id, email, name string) bool {
	same := func(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
	return s.allUsers(false).where(func(u *user) bool { return u.ID != id && (same(u.Email, email) || same(u.Username, name)) }).n > 0
}

// keepUser sets a user, and the password if there is one in the body: it is never
// shown, and opens the sign-in.
func (s *Server) keepUser(c *call, u *user) reply {
	if password := c.str("password"); password != "" {
		if s.idp.passwords == nil {
			s.idp.passwords = map[string]string{}
		}
		s.idp.passwords[u.ID] = password
		u.Activated, u.PasswordExpired = true, false
	}
	s.users.put(u.ID, u)
	c.change(jumpcloud.UserObject, u.ID)
	return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
}
