package jumpcloudtest

import (
	"encoding/json"
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
		return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
	})
	s.route(mux, "PUT /api/systemusers/{id}", "users", s.putUser)
	s.route(mux, "DELETE /api/systemusers/{id}", "users", func(c *call) reply {
		u := s.users.get(c.PathValue("id"))
		if u == nil {
			return notFound
		}
		s.users.put(u.ID, nil)
		s.cut(jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.ID})
		c.change(jumpcloud.UserObject, u.ID)
		return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
	})
	s.route(mux, "POST /api/search/systemusers", "users.readonly", s.searchUsers)
	s.route(mux, "GET /api/organizations", "organizations.readonly", func(c *call) reply {
		var all []object
		for _, o := range append([]*Server{s}, s.orgs...) {
			id := raw(o.orgID())
			all = append(all, object{
				"_id": id, "id": id, "displayName": raw(o.organization()), "logoUrl": raw(nil), "created": raw("2021-02-11T20:57:14.837Z"),
			})
		}
		return s.v1list(c, all, "_id")
	})
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

// userSource is a list of users that may not be in memory.
type userSource struct {
	n  int
	at func(int) *user
}

func (s *Server) allUsers(sorted bool) userSource {
	own := s.users.list(s.ListLag)
	if sorted {
		slices.SortStableFunc(own, func(a, b *user) int { return strings.Compare(a.ID, b.ID) })
	}
	return userSource{len(own) + s.generated, func(i int) *user {
		if i < len(own) {
			return own[i]
		}
		return s.generatedUser(i - len(own))
	}}
}

// where keeps the users that match.
func (src userSource) where(match func(*user) bool) userSource {
	var kept []*user
	for i := range src.n {
		if u := src.at(i); match(u) {
			kept = append(kept, u)
		}
	}
	return userSource{len(kept), func(i int) *user { return kept[i] }}
}

func (s *Server) listUsers(c *call) reply {
	q := c.URL.Query()
	match, bad := v1filter(c.Request)
	if bad != "" {
		return v1invalid(bad)
	}
	src := s.allUsers(q.Get("sort") == "_id")
	filtered := slices.ContainsFunc(slices.Collect(maps.Keys(q)), func(k string) bool { return strings.HasPrefix(k, "filter") })
	if search := strings.ToLower(q.Get("search")); filtered || search != "" {
		src = src.where(func(u *user) bool {
			return match(u.field) && (search == "" || slices.ContainsFunc(
				[]string{u.Username, u.Email, u.FirstName, u.LastName, u.DisplayName},
				func(v string) bool { return strings.Contains(strings.ToLower(v), search) }))
		})
	}
	order := func(i int) int { return i }
	if q.Get("sort") == "" {
		order = s.unsorted(src.n)
	}
	from, to := s.window(c, src.n)
	return userPage(src, order, from, to, q.Get("fields"))
}

func userPage(src userSource, order func(int) int, from, to int, fields string) reply {
	var only []string
	if fields != "" && !strings.Contains(fields, ",") {
		only = strings.Fields(fields)
	}
	b := make([]byte, 0, 256*(to-from)+64)
	b = append(b, `{"totalCount":`...)
	b = strconv.AppendInt(b, int64(src.n), 10)
	b = append(b, `,"results":[`...)
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = appendUser(b, src.at(order(i)), only)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

// constant are the fields that real users have and the package does not know.
const constant = `"addresses":[],"allow_public_key":true,"attributes":[],"company":"","costCenter":"","department":"",` +
	`"description":"","employeeIdentifier":null,"employeeType":"","enable_managed_uid":false,` +
	`"enable_user_portal_multifactor":false,"external_dn":"","external_source_type":"","jobTitle":"","location":"",` +
	`"mfa":{"exclusion":false,"configured":false},"middlename":"","password_never_expires":false,"phoneNumbers":[],` +
	`"sudo":false,"totp_enabled":false,"unix_guid":5001,"unix_uid":5001,`

// appendUser writes a user as JumpCloud does; only, if not nil, are the fields
// that were asked for. It is fast, as lists have hundreds of thousands.
func appendUser(b []byte, u *user, only []string) []byte {
	b = append(b, '{')
	if only == nil {
		if u.extra == nil {
			b = append(b, constant...)
		} else {
			var o object
			json.Unmarshal([]byte("{"+strings.TrimSuffix(constant, ",")+"}"), &o)
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
		if v, ok := u.extra[key]; ok {
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
		case "password_expired":
			n.PasswordExpired = flag
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
	taken := s.allUsers(false).where(func(u *user) bool {
		return strings.EqualFold(u.Email, c.str("email")) || strings.EqualFold(u.Username, c.str("username"))
	})
	if taken.n > 0 {
		return exists
	}
	u, bad := (&user{User: jumpcloud.User{ID: s.newID(kindUser), Created: s.now(), State: jumpcloud.Activated}}).apply(c.body)
	if bad != "" {
		return v1invalid(bad)
	}
	s.users.put(u.ID, u)
	c.change(jumpcloud.UserObject, u.ID)
	return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
}

func (s *Server) putUser(c *call) reply {
	old := s.users.get(c.PathValue("id"))
	if old == nil {
		return notFound
	}
	if st := c.str("state"); st == jumpcloud.Staged {
		return v1invalid("state must be ACTIVATED or SUSPENDED")
	}
	u, bad := old.apply(c.body)
	if bad != "" {
		return v1invalid(bad)
	}
	s.users.put(u.ID, u)
	c.change(jumpcloud.UserObject, u.ID)
	return reply{status: http.StatusOK, body: appendUser(nil, u, nil)}
}

// searchUsers serves POST /search/systemusers.
func (s *Server) searchUsers(c *call) reply {
	var w struct {
		Filter       json.RawMessage
		SearchFilter struct {
			SearchTerm json.RawMessage
			Fields     []string
		}
		Fields, Sort string
		Limit, Skip  int
	}
	if json.Unmarshal(raw(c.body), &w) != nil {
		return v1invalid("Invalid search")
	}
	var list []object
	var words map[string][]object
	all, any := list, list
	if w.Filter != nil && json.Unmarshal(w.Filter, &all) != nil {
		if json.Unmarshal(w.Filter, &words) != nil {
			return v1invalid("Invalid filter")
		}
		all, any = words["and"], words["or"]
	}
	holds := func(u *user) func(object) bool {
		return func(o object) bool {
			for k, v := range o {
				if plain(u.field(k)) != plain(v) {
					return false
				}
			}
			return true
		}
	}
	var terms []string
	if w.SearchFilter.SearchTerm != nil && json.Unmarshal(w.SearchFilter.SearchTerm, &terms) != nil {
		terms = []string{plain(w.SearchFilter.SearchTerm)}
	}
	src := s.allUsers(w.Sort == "_id").where(func(u *user) bool {
		return !slices.ContainsFunc(all, func(o object) bool { return !holds(u)(o) }) &&
			(len(any) == 0 || slices.ContainsFunc(any, holds(u))) &&
			(len(terms) == 0 || slices.ContainsFunc(w.SearchFilter.Fields, func(f string) bool {
				v := strings.ToLower(plain(u.field(f)))
				return slices.ContainsFunc(terms, func(t string) bool { return strings.Contains(v, strings.ToLower(t)) })
			}))
	})
	if w.Limit <= 0 {
		w.Limit = 10
	}
	most := 100
	if s.PageSize > 0 {
		most = s.PageSize
	}
	from := min(max(w.Skip, 0), src.n)
	order := func(i int) int { return i }
	if w.Sort == "" {
		order = s.unsorted(src.n)
	}
	return userPage(src, order, from, min(from+min(w.Limit, most), src.n), w.Fields)
}
