package jumpcloudtest

import (
	"encoding/json"
	"slices"

	"github.com/jcaad/jcaad/jumpcloud"
)

// edge binds two objects. Associations have no direction; of a membership, a is
// the group.
type edge struct {
	a, b       jumpcloud.Object
	member     bool
	attributes json.RawMessage // that were sent along, if any
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
	default:
		changed := *s.edges.get(e.key())
		changed.attributes = e.attributes
		s.tie(e, &changed, s.edges.put)
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

// connection is a GraphConnection; from is left out where it is clear.
type connection struct {
	Attributes json.RawMessage `json:"attributes"`
	To         node            `json:"to"`
}

type node struct {
	Attributes json.RawMessage      `json:"attributes"`
	ID         string               `json:"id"`
	Type       jumpcloud.ObjectType `json:"type"`
}

// hop is a step from one object to another.
type hop struct {
	to  jumpcloud.Object
	via *edge
}

func (h hop) connection() connection {
	return connection{Attributes: h.via.attributes, To: node{ID: h.to.ID, Type: h.to.Type}}
}

// edgesOf lists the direct neighbours of o.
func (s *Server) edgesOf(c *call, o jumpcloud.Object, members bool, target jumpcloud.ObjectType) reply {
	if !s.shown(o) {
		return notFound
	}
	var all []connection
	for _, e := range s.edges.list(s.ListLag) {
		if to, ok := e.other(o); ok && e.member == members && to.Type == target {
			all = append(all, hop{to, e}.connection())
		}
	}
	return v2list(s, c, all)
}

// reached is a GraphObjectWithPaths.
type reached struct {
	ID         string               `json:"id"`
	Type       jumpcloud.ObjectType `json:"type"`
	Compiled   object               `json:"compiledAttributes"`
	Paths      [][]connection       `json:"paths"`
	ExternalID string               `json:"externalId,omitempty"`
	SyncStatus *syncStatus          `json:"syncStatus,omitempty"`

	made *jumpcloud.BoundUser // of one who is not kept in memory
}

// compile puts together what the attributes of all ways come to: lists of the same
// name are joined. What JumpCloud does with other values that differ is not known:
// here the first counts.
func (r *reached) compile() {
	r.Compiled = object{}
	for _, path := range r.Paths {
		for _, c := range path {
			for _, attributes := range []json.RawMessage{c.Attributes, c.To.Attributes} {
				if len(attributes) == 0 || string(attributes) == "null" {
					continue
				}
				for key, v := range asObject(attributes) {
					r.Compiled[key] = joined(r.Compiled[key], v)
				}
			}
		}
	}
}

// joined is b without a, the items of both if they are lists, else a.
func joined(a, b json.RawMessage) json.RawMessage {
	var first, second []json.RawMessage
	switch {
	case a == nil:
		return b
	case json.Unmarshal(a, &first) != nil || json.Unmarshal(b, &second) != nil:
		return a
	}
	for _, v := range second {
		if !slices.ContainsFunc(first, func(w json.RawMessage) bool { return string(w) == string(v) }) {
			first = append(first, v)
		}
	}
	return raw(first)
}

// reach finds the objects of some types that o reaches, directly or through a
// group and the groups in it, in the order of the edges.
func reach(edges []*edge, o jumpcloud.Object, types ...jumpcloud.ObjectType) []*reached {
	var out []*reached
	index := map[string]*reached{}
	add := func(path ...hop) {
		last := path[len(path)-1].to
		r := index[last.ID]
		if r == nil {
			r = &reached{ID: last.ID, Type: last.Type}
			index[last.ID] = r
			out = append(out, r)
		}
		var p []connection
		for _, h := range path {
			p = append(p, h.connection())
		}
		r.Paths = append(r.Paths, p)
	}
	var within func(path []hop)
	within = func(path []hop) {
		g := path[len(path)-1].to
		for _, f := range edges {
			end, ok := f.other(g)
			if !ok || end == o || slices.ContainsFunc(path, func(h hop) bool { return h.to == end }) {
				continue
			}
			way := append(slices.Clip(path), hop{end, f})
			if slices.Contains(types, end.Type) {
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
		if slices.Contains(types, to.Type) {
			add(hop{to, e})
		}
		if to.Type == jumpcloud.GroupObject && (o.Type != jumpcloud.GroupObject || e.member && e.a == o) {
			within([]hop{{to, e}})
		}
	}
	return out
}

// graphFields are those by which what is reached can be found and sorted.
var graphFields = []string{"object_id", "type"}

func (r *reached) field(name string) json.RawMessage {
	switch name {
	case "object_id":
		return raw(r.ID)
	case "type":
		return raw(r.Type)
	}
	return nil
}

func (s *Server) traverse(c *call, o jumpcloud.Object, types ...jumpcloud.ObjectType) reply {
	if !s.shown(o) {
		if o.Type == jumpcloud.UserObject { // seen for memberof
			return v2list[*reached](s, c, nil, graphFields...)
		}
		return notFound
	}
	users := slices.Contains(types, jumpcloud.UserObject)
	if _, generated := s.bound[o.ID]; users && (generated || o.Type == jumpcloud.DirectoryObject) {
		return s.boundUsers(c, o)
	}
	return v2listOf(s, c, reach(s.edges.list(s.ListLag), o, types...), kind[*reached]{
		found: graphFields, fields: func(r *reached) getter { return r.field }, show: func(r *reached) any { return s.whole(r) },
	})
}

// whole fills in what only one who is shown tells: the attributes on the ways.
func (s *Server) whole(r *reached) *reached {
	for _, path := range r.Paths {
		for i, c := range path {
			if c.To.Type != jumpcloud.GroupObject {
				continue
			}
			if g := s.groups.get(c.To.ID); g != nil {
				path[i].To.Attributes = g.Attributes
			}
		}
	}
	r.compile()
	return r
}
