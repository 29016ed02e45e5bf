package jumpcloudtest

import (
	"net/http"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

// edge binds two objects. Associations have no direction; of a membership, a is
// the group.
type edge struct {
	a, b   jumpcloud.Object
	member bool
}

// key is the same for both directions.
func (e edge) key() string {
	x, y := e.a.String(), e.b.String()
	if x > y {
		x, y = y, x
	}
	return x + " " + y
}

// other is the end that is not o; false if o is no end.
func (e *edge) other(o jumpcloud.Object) (jumpcloud.Object, bool) {
	switch o {
	case e.a:
		return e.b, true
	case e.b:
		return e.a, true
	}
	return jumpcloud.Object{}, false
}

// connect adds or removes an edge.
func (s *Server) connect(op string, e edge) reply {
	there := s.edges.get(e.key()) != nil
	switch {
	case op == "add" && there:
		return exists
	case op == "add":
		s.tie(e, &e, s.edges.put)
	case !there: // remove and update
		return notFound
	case op == "remove":
		s.tie(e, nil, s.edges.put)
	}
	return noContent
}

// cut removes all edges of an object that is deleted.
func (s *Server) cut(o jumpcloud.Object) {
	for _, e := range s.edges.all() {
		if _, ok := e.other(o); ok {
			s.tie(*e, nil, s.edges.put)
		}
	}
}

// kindsOf maps the paths of the graph API to types, and to what they can be
// associated with.
var nodes = map[string]struct {
	t       jumpcloud.ObjectType
	read    string
	write   string
	targets []jumpcloud.ObjectType
}{
	"users": {jumpcloud.UserObject, "users.readonly", "users", []jumpcloud.ObjectType{
		jumpcloud.ApplicationObject, jumpcloud.DirectoryObject, "g_suite", "active_directory", "ldap_server", "system", "system_group",
	}},
	"usergroups": {jumpcloud.GroupObject, "groups.readonly", "groups", []jumpcloud.ObjectType{
		jumpcloud.ApplicationObject, jumpcloud.DirectoryObject, "g_suite", "active_directory", "ldap_server", "system", "system_group",
	}},
	"applications": {jumpcloud.ApplicationObject, "applications.readonly", "applications", []jumpcloud.ObjectType{
		jumpcloud.UserObject, jumpcloud.GroupObject,
	}},
	"office365s": {jumpcloud.DirectoryObject, "directories.readonly", "directories", []jumpcloud.ObjectType{
		jumpcloud.UserObject, jumpcloud.GroupObject,
	}},
}

func (s *Server) graphRoutes(mux *http.ServeMux) {
	for plural, n := range nodes {
		path := "/api/v2/" + plural + "/{id}/"
		s.route(mux, "GET "+path+"associations", n.read, func(c *call) reply {
			target := jumpcloud.ObjectType(c.URL.Query().Get("targets"))
			if !slices.Contains(n.targets, target) {
				return invalid("targets is required")
			}
			return s.edgesOf(c, jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}, false, target)
		})
		s.route(mux, "POST "+path+"associations", n.write, func(c *call) reply {
			from := jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}
			to := jumpcloud.Object{Type: jumpcloud.ObjectType(c.str("type")), ID: c.str("id")}
			switch op := c.str("op"); {
			case op != "add" && op != "remove" && op != "update":
				return invalid("op is required")
			case !slices.Contains(n.targets, to.Type):
				return invalid("type is not supported")
			case !s.exists(from) || op != "remove" && !s.exists(to):
				return notFound
			default:
				c.change(from.Type, from.ID)
				return s.connect(op, edge{a: from, b: to})
			}
		})
		for other, m := range nodes {
			last := other
			switch {
			case n.t == m.t,
				n.t == jumpcloud.ApplicationObject && m.t == jumpcloud.DirectoryObject,
				n.t == jumpcloud.DirectoryObject && m.t == jumpcloud.ApplicationObject:
				continue
			case n.t == jumpcloud.UserObject && m.t == jumpcloud.GroupObject:
				last = "memberof"
			case n.t == jumpcloud.GroupObject && m.t == jumpcloud.UserObject:
				last = "membership"
			}
			scope := m.read
			if last == "membership" {
				scope = "users.readonly"
			}
			s.route(mux, "GET "+path+last, scope, func(c *call) reply {
				return s.traverse(c, jumpcloud.Object{Type: n.t, ID: c.PathValue("id")}, m.t)
			})
		}
	}
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
	return s.dirs.get(o.ID) != nil
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
	return s.dirs.read(o.ID, s.GetLag) != nil
}

// connection is a GraphConnection; from is left out where it is clear.
type connection struct {
	Attributes any  `json:"attributes"`
	To         node `json:"to"`
}

type node struct {
	Attributes any                  `json:"attributes"`
	ID         string               `json:"id"`
	Type       jumpcloud.ObjectType `json:"type"`
}

func connectionTo(o jumpcloud.Object) connection {
	return connection{To: node{ID: o.ID, Type: o.Type}}
}

// edgesOf lists the direct neighbours of o.
func (s *Server) edgesOf(c *call, o jumpcloud.Object, members bool, target jumpcloud.ObjectType) reply {
	if !s.shown(o) {
		return notFound
	}
	var all []connection
	for _, e := range s.edges.list(s.ListLag) {
		if to, ok := e.other(o); ok && e.member == members && to.Type == target {
			all = append(all, connectionTo(to))
		}
	}
	return v2list(s, c, all)
}

// reached is a GraphObjectWithPaths.
type reached struct {
	ID                 string               `json:"id"`
	Type               jumpcloud.ObjectType `json:"type"`
	CompiledAttributes struct{}             `json:"compiledAttributes"`
	Paths              [][]connection       `json:"paths"`
	ExternalID         string               `json:"externalId,omitempty"`
	SyncStatus         *syncStatus          `json:"syncStatus,omitempty"`
}

// reach finds the objects of one type that o reaches, directly or through a
// group and the groups in it, in the order of the edges.
func reach(edges []*edge, o jumpcloud.Object, target jumpcloud.ObjectType) []*reached {
	var out []*reached
	index := map[string]*reached{}
	add := func(path ...jumpcloud.Object) {
		last := path[len(path)-1]
		r := index[last.ID]
		if r == nil {
			r = &reached{ID: last.ID, Type: last.Type}
			index[last.ID] = r
			out = append(out, r)
		}
		var p []connection
		for _, o := range path {
			p = append(p, connectionTo(o))
		}
		r.Paths = append(r.Paths, p)
	}
	var within func(path []jumpcloud.Object)
	within = func(path []jumpcloud.Object) {
		g := path[len(path)-1]
		for _, f := range edges {
			end, ok := f.other(g)
			if !ok || end == o || slices.Contains(path, end) {
				continue
			}
			way := append(slices.Clip(path), end)
			if end.Type == target {
				add(way...)
			}
			from := f.a // down to the members of a group, or up from a user
			if o.Type == jumpcloud.UserObject {
				from = f.b
			}
			if f.member && from == g && end.Type == jumpcloud.GroupObject {
				within(way)
			}
		}
	}
	for _, e := range edges {
		to, ok := e.other(o)
		if !ok {
			continue
		}
		if to.Type == target {
			add(to)
		}
		if to.Type == jumpcloud.GroupObject && (o.Type != jumpcloud.GroupObject || e.member && e.a == o) {
			within([]jumpcloud.Object{to})
		}
	}
	return out
}

func (s *Server) traverse(c *call, o jumpcloud.Object, target jumpcloud.ObjectType) reply {
	if !s.shown(o) {
		if o.Type == jumpcloud.UserObject { // seen for memberof
			return v2list[*reached](s, c, nil)
		}
		return notFound
	}
	if _, generated := s.bound[o.ID]; target == jumpcloud.UserObject && (generated || o.Type == jumpcloud.DirectoryObject) {
		return s.boundUsers(c, o)
	}
	return v2list(s, c, reach(s.edges.list(s.ListLag), o, target))
}
