package jumpcloudtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// group is a user group. It is never changed, only replaced. What the rule of a
// dynamic one says is kept and shown, and decides on nothing.
type group struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Type             string          `json:"type"`
	Description      string          `json:"description"`
	Email            string          `json:"email"`
	MembershipMethod string          `json:"membershipMethod"`
	Attributes       json.RawMessage `json:"attributes"`

	MemberQuery             json.RawMessage `json:"memberQuery,omitempty"`
	MemberQueryExemptions   json.RawMessage `json:"memberQueryExemptions,omitempty"`
	MemberSuggestionsNotify json.RawMessage `json:"memberSuggestionsNotify,omitempty"`
}

func (s *Server) groupRoutes(mux *http.ServeMux) {
	s.route(mux, "GET /api/v2/usergroups", "groups.readonly", s.listGroups)
	s.route(mux, "POST /api/v2/usergroups", "groups", s.createGroup)
	s.route(mux, "GET /api/v2/usergroups/{id}", "groups.readonly", func(c *call) reply {
		if g := s.groups.read(c.PathValue("id"), s.GetLag); g != nil {
			return ok(g)
		}
		return notFound
	})
	s.route(mux, "PUT /api/v2/usergroups/{id}", "groups", s.putGroup)
	s.route(mux, "DELETE /api/v2/usergroups/{id}", "groups", func(c *call) reply {
		g := s.groups.get(c.PathValue("id"))
		if g == nil {
			return notFound
		}
		s.groups.put(g.ID, nil)
		s.cut(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID})
		c.change(jumpcloud.GroupObject, g.ID)
		return noContent
	})
	s.route(mux, "GET /api/v2/usergroups/{id}/members", "users.readonly", func(c *call) reply {
		return s.edgesOf(c, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: c.PathValue("id")}, true, jumpcloud.UserObject)
	})
	s.route(mux, "POST /api/v2/usergroups/{id}/members", "groups", s.putMember)
}

// Fields of groups that lists show, and those by which they find and sort besides.
var (
	listedGroupFields = []string{"id", "name", "type", "description", "email", "attributes"}
	groupFields       = append([]string{"membershipMethod"}, listedGroupFields...)
)

func (s *Server) listGroups(c *call) reply {
	return v2listOf(s, c, s.groups.list(s.ListLag), kind[*group]{
		shown: listedGroupFields, found: groupFields,
		fields: func(g *group) getter {
			o := asObject(g)
			return func(key string) json.RawMessage { return o[key] }
		},
		show: func(g *group) any {
			return listedGroup{ID: g.ID, Name: g.Name, Type: g.Type, Description: g.Description, Email: g.Email}
		},
	})
}

// listedGroup is a group in a list. Recordings of the live service have no
// membershipMethod there, and null for the attributes that the same group has
// elsewhere: only the group itself, asked by its ID, tells that a rule decides on its
// members.
type listedGroup struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Email       string          `json:"email"`
	Attributes  json.RawMessage `json:"attributes"`
}

// membershipMethods are who may decide on the members of a group.
var membershipMethods = []string{"NOTSET", "STATIC", "DYNAMIC_REVIEW_REQUIRED", "DYNAMIC_AUTOMATED"}

// fillGroup makes a group out of a body; what is not sent is reset.
func (s *Server) fillGroup(id string, c *call) (*group, reply, bool) {
	if name := groupForms.strange(c.body); name != "" && name != "name" {
		return nil, mistyped(name), false
	}
	g := &group{
		ID: id, Name: c.str("name"), Type: "user_group", Description: c.str("description"), Email: c.str("email"),
		MembershipMethod: c.str("membershipMethod"), MemberQuery: c.body["memberQuery"],
		MemberQueryExemptions: c.body["memberQueryExemptions"], MemberSuggestionsNotify: c.body["memberSuggestionsNotify"],
	}
	if g.Name == "" {
		return nil, invalid("name is required"), false
	}
	if g.MembershipMethod == "" {
		g.MembershipMethod = "STATIC"
	}
	switch t := c.str("type"); {
	case t != "" && t != g.Type:
		return nil, unmodelled("groups of the type " + strconv.Quote(t)), false
	case !slices.Contains(membershipMethods, g.MembershipMethod):
		return nil, invalid("membershipMethod is none of " + strings.Join(membershipMethods, ", ")), false
	}
	attributes := asObject(c.body["attributes"])
	if attributes == nil {
		attributes = object{}
	}
	if _, sent := attributes["ldapGroups"]; !sent { // JumpCloud adds it
		attributes["ldapGroups"] = raw([]map[string]string{{"name": g.Name}})
	}
	g.Attributes = raw(attributes)
	if old := s.groups.get(id); old != nil {
		before, now := asObject(old.Attributes)["posixGroups"], attributes["posixGroups"]
		if before != nil && now != nil && !sameJSON(before, now) {
			return nil, invalid("posixGroups cannot be changed"), false
		}
	}
	if s.Quirks.UniqueGroupNames {
		for _, other := range s.groups.all() {
			if other.ID != id && strings.EqualFold(other.Name, g.Name) {
				return nil, exists, false
			}
		}
	}
	return g, reply{}, true
}

func (s *Server) createGroup(c *call) reply {
	g, r, ok := s.fillGroup("", c)
	if !ok {
		return r
	}
	g.ID = s.newID(kindGroup)
	s.groups.put(g.ID, g)
	c.change(jumpcloud.GroupObject, g.ID)
	return answer(http.StatusCreated, g)
}

func (s *Server) putGroup(c *call) reply {
	old := s.groups.get(c.PathValue("id"))
	if old == nil {
		return notFound
	}
	g, r, good := s.fillGroup(old.ID, c)
	if !good {
		return r
	}
	s.groups.put(g.ID, g)
	c.change(jumpcloud.GroupObject, g.ID)
	return ok(g)
}

func (s *Server) putMember(c *call) reply {
	g, u := s.groups.get(c.PathValue("id")), s.user(c.str("id"))
	switch {
	case g == nil:
		return fail(http.StatusBadRequest, `{"error":"INVALID_ARGUMENT","message":"user_group not found"}`)
	case c.str("type") != "user" || c.str("op") != "add" && c.str("op") != "remove" && c.str("op") != "update":
		return invalid("op and type are required")
	case u == nil:
		return notFound
	case strings.HasPrefix(g.MembershipMethod, "DYNAMIC"):
		return noContent // and nothing has changed
	}
	c.change(jumpcloud.GroupObject, g.ID)
	return s.connect(c.str("op"), edge{
		a: jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}, b: jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.ID}, member: true,
		attributes: c.body["attributes"],
	})
}
