package jumpcloudtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// bindable are what users and groups of them can be associated with.
var bindable = []jumpcloud.ObjectType{
	"active_directory", jumpcloud.ApplicationObject, "g_suite", "idp_routing_policy", "ldap_server", jumpcloud.DirectoryObject,
	"password_manager_item", "radius_server", "system", "system_group",
}

// bearers are what applications and Microsoft 365 directories can be associated with.
var bearers = []jumpcloud.ObjectType{jumpcloud.UserObject, jumpcloud.GroupObject}

// directoryTypes are those of directories.
var directoryTypes = []jumpcloud.ObjectType{jumpcloud.DirectoryObject, "active_directory", "g_suite", "ldap_server", "workday"}

// view is a list of what is reached from an object: the last step of its path, the
// types in it, and the scope that it takes, where that is known.
type view struct {
	step  string
	scope string
	types []jumpcloud.ObjectType
}

// viewsOfBearers are those of users and their groups. Of some types there is nothing
// in the organisation, as nobody can add any: their lists are empty.
var viewsOfBearers = []view{
	{"applications", "applications.readonly", []jumpcloud.ObjectType{jumpcloud.ApplicationObject}},
	{"office365s", "directories.readonly", []jumpcloud.ObjectType{jumpcloud.DirectoryObject}},
	{"directories", "directories.readonly", directoryTypes},
	{"gsuites", "directories.readonly", []jumpcloud.ObjectType{"g_suite"}},
	{"activedirectories", "directories.readonly", []jumpcloud.ObjectType{"active_directory"}},
	{"ldapservers", "directories.readonly", []jumpcloud.ObjectType{"ldap_server"}},
	{"radiusservers", "", []jumpcloud.ObjectType{"radius_server"}},
	{"systems", "", []jumpcloud.ObjectType{"system"}},
	{"systemgroups", "", []jumpcloud.ObjectType{"system_group"}},
}

var viewsOfBound = []view{
	{"users", "users.readonly", []jumpcloud.ObjectType{jumpcloud.UserObject}},
	{"usergroups", "groups.readonly", []jumpcloud.ObjectType{jumpcloud.GroupObject}},
}

// nodes are the objects of the graph API: the paths, what can be associated with
// them, and the views of them.
var nodes = []struct {
	plural      string
	t           jumpcloud.ObjectType
	read, write string
	targets     []jumpcloud.ObjectType
	views       []view
}{
	{"users", jumpcloud.UserObject, "users.readonly", "users", bindable, append(
		[]view{{"memberof", "groups.readonly", []jumpcloud.ObjectType{jumpcloud.GroupObject}}}, viewsOfBearers...)},
	{"usergroups", jumpcloud.GroupObject, "groups.readonly", "groups", bindable, append(
		[]view{{"membership", "users.readonly", []jumpcloud.ObjectType{jumpcloud.UserObject}}}, viewsOfBearers...)},
	{"applications", jumpcloud.ApplicationObject, "applications.readonly", "applications", bearers, viewsOfBound},
	{"office365s", jumpcloud.DirectoryObject, "directories.readonly", "directories", bearers, viewsOfBound},
}

// traverses reports whether a pattern is that of a view.
func traverses(pattern string) bool {
	for _, n := range nodes {
		for _, v := range n.views {
			if strings.HasSuffix(pattern, "/"+n.plural+"/{id}/"+v.step) {
				return true
			}
		}
	}
	return false
}

func (s *Server) graphRoutes(mux *http.ServeMux) {
	for _, n := range nodes {
		path := "/api/v2/" + n.plural + "/{id}/"
		s.route(mux, "GET "+path+"associations", n.read, func(c *call) reply {
			target := jumpcloud.ObjectType(c.URL.Query().Get("targets"))
			if !slices.Contains(n.targets, target) {
				return invalid("targets is required")
			}
			return s.edgesOf(c, jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}, false, target)
		})
		s.route(mux, "POST "+path+"associations", n.write, func(c *call) reply {
			return s.associate(c, jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}, n.targets)
		})
		for _, v := range n.views {
			s.route(mux, "GET "+path+v.step, v.scope, func(c *call) reply {
				return s.traverse(c, jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}, v.types...)
			})
		}
	}
}

// associate binds an object to another, or ends that.
func (s *Server) associate(c *call, from jumpcloud.Object, allowed []jumpcloud.ObjectType) reply {
	to := jumpcloud.Object{Type: jumpcloud.ObjectType(c.str("type")), ID: c.str("id")}
	switch op := c.str("op"); {
	case op != "add" && op != "remove" && op != "update":
		return invalid("op is required")
	case !slices.Contains(allowed, to.Type):
		return invalid("type is not supported")
	case !s.exists(from):
		return notFound
	case !modelled(to.Type):
		return unmodelled("objects of the type " + string(to.Type))
	case op != "remove" && !s.exists(to):
		return notFound
	default:
		c.change(from.Type, from.ID)
		return s.connect(op, edge{a: from, b: to, attributes: c.body["attributes"]})
	}
}

// modelled reports whether there can be objects of a type.
func modelled(t jumpcloud.ObjectType) bool {
	switch t {
	case jumpcloud.UserObject, jumpcloud.GroupObject, jumpcloud.ApplicationObject:
		return true
	}
	return slices.Contains(directoryTypes, t)
}

func (s *Server) exists(o jumpcloud.Object) bool {
	switch o.Type {
	case jumpcloud.UserObject:
		return s.user(o.ID) != nil
	case jumpcloud.GroupObject:
		return s.groups.get(o.ID) != nil
	case jumpcloud.ApplicationObject:
		return s.apps.get(o.ID) != nil
	}
	d := s.dirs.get(o.ID)
	return d != nil && d.t == o.Type
}

// shown reports whether a reader who asks for o by its ID finds it.
func (s *Server) shown(o jumpcloud.Object) bool {
	if s.GetLag == (Lag{}) {
		return s.exists(o)
	}
	switch o.Type {
	case jumpcloud.UserObject:
		if s.users.byID[o.ID] == nil {
			return s.exists(o) // a generated one does not lag
		}
		return s.users.read(o.ID, s.GetLag) != nil
	case jumpcloud.GroupObject:
		return s.groups.read(o.ID, s.GetLag) != nil
	case jumpcloud.ApplicationObject:
		return s.apps.read(o.ID, s.GetLag) != nil
	}
	d := s.dirs.read(o.ID, s.GetLag)
	return d != nil && d.t == o.Type
}
