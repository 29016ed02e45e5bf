package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/jcaad/jcaad/internal/jsonscan"
	"github.com/jcaad/jcaad/internal/rest"
)

// ObjectType is a kind of object in JumpCloud's graph. There are more than the
// constants name.
type ObjectType string

// The types that have a part in federating Microsoft 365.
const (
	UserObject        ObjectType = "user"
	GroupObject       ObjectType = "user_group"
	ApplicationObject ObjectType = "application"
	DirectoryObject   ObjectType = "office_365"
)

// Object is a node of JumpCloud's graph.
type Object struct {
	Type ObjectType `json:"type"`
	ID   string     `json:"id"`
}

// String is the type and the ID.
func (o Object) String() string { return string(o.Type) + " " + o.ID }

// node is what the paths of the graph API call a type.
type node struct {
	plural     string
	read       string // path that proves an object exists
	write      string // scope to change its associations
	readScope  string
	associates []ObjectType // targets that it can be asked for
}

func nodeOf(t ObjectType) (node, error) {
	switch t {
	case UserObject:
		return node{"users", "api/systemusers/{id}", "users", scopeUsersRead, []ObjectType{ApplicationObject, DirectoryObject}}, nil
	case GroupObject:
		return node{"usergroups", "api/v2/usergroups/{id}", "groups", scopeGroupsRead, []ObjectType{ApplicationObject, DirectoryObject}}, nil
	case ApplicationObject:
		return node{"applications", "api/applications/{id}", "applications", scopeApplicationsRead, []ObjectType{UserObject, GroupObject}}, nil
	case DirectoryObject:
		return node{"office365s", "api/v2/office365s/{id}", "directories", scopeDirectoriesRead, []ObjectType{UserObject, GroupObject}}, nil
	}
	return node{}, invalidf("object type %q has no associations here", string(t))
}

// associations checks a pair of types and returns the path of from's
// associations.
func associations(method string, from Object, to ObjectType) (node, string, error) {
	n, err := nodeOf(from.Type)
	if err != nil {
		return node{}, "", op(method, "api/v2/{type}/{id}/associations", err)
	}
	path := "api/v2/" + n.plural + "/{id}/associations"
	switch {
	case to == "" || !isField(string(to)):
		err = invalidf("object type %q", string(to))
	case from.Type == to,
		from.Type == UserObject && to == GroupObject, from.Type == GroupObject && to == UserObject:
		err = invalidf("a %s has no association with a %s: members of groups have methods of their own", from.Type, to)
	case (from.Type == ApplicationObject || from.Type == DirectoryObject) && to != UserObject && to != GroupObject:
		err = invalidf("a %s has no association with a %s", from.Type, to)
	}
	return n, path, op(method, path, err)
}

// edge is a GraphConnection.
type edge struct {
	To Object `json:"to"`
}

// Associations lists what from is bound to directly: GET
// /api/v2/{type}/{id}/associations, one request for each target type; without
// targets, all that matter here. Scope: applications.readonly,
// directories.readonly, groups.readonly or users.readonly, by from's type. The
// users of a group that is bound are not among them; see [Client.Traverse].
func (c *Client) Associations(ctx context.Context, from Object, targets ...ObjectType) iter.Seq2[Object, error] {
	if len(targets) == 0 {
		n, err := nodeOf(from.Type)
		if err != nil {
			return failed[Object](op(http.MethodGet, "api/v2/{type}/{id}/associations", err))
		}
		targets = n.associates
	}
	targets = append([]ObjectType(nil), targets...)
	return func(yield func(Object, error) bool) {
		for _, t := range targets {
			n, path, err := associations(http.MethodGet, from, t)
			if err != nil {
				yield(Object{}, err)
				return
			}
			fetch := v2[edge](c, path, n.readScope, url.Values{"targets": {string(t)}}, from.ID)
			for e, err := range listWide(ctx, c, fetch, func(e *edge) string { return e.To.ID }) {
				if err != nil {
					yield(Object{}, err)
					return
				}
				if !yield(e.To, nil) {
					return
				}
			}
		}
	}
}

// Associate binds from to to, in either direction; if they are bound already
// that is success. POST /api/v2/{type}/{id}/associations, scope applications,
// directories, groups or users, by from's type. It is safe to repeat.
func (c *Client) Associate(ctx context.Context, from, to Object) error {
	err := c.associate(ctx, "add", from, to)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// Dissociate unbinds from and to; if they are not bound that is success, as
// long as from exists. It takes the operations and scopes of [Client.Associate]
// and, when they were not bound, reads from. It is safe to repeat.
func (c *Client) Dissociate(ctx context.Context, from, to Object) error {
	err := c.associate(ctx, "remove", from, to)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	n, nerr := nodeOf(from.Type)
	if nerr != nil {
		return nerr
	}
	var found struct {
		ObjectID string `json:"_id"`
		ID       string `json:"id"`
	}
	r := &rest.Request{Method: http.MethodGet, Path: n.read, Args: []string{from.ID}, Permission: n.readScope}
	resp, err := c.do(ctx, r, &found)
	return c.whole(r, resp, found.ObjectID != "" || found.ID != "", err)
}

func (c *Client) associate(ctx context.Context, operation string, from, to Object) error {
	n, path, err := associations(http.MethodPost, from, to.Type)
	if err != nil {
		return err
	}
	if err := checkID(string(to.Type), to.ID); err != nil {
		return op(http.MethodPost, path, err)
	}
	_, err = c.do(ctx, &rest.Request{
		Method: http.MethodPost, Path: path, Args: []string{from.ID},
		Body:  map[string]string{"op": operation, "type": string(to.Type), "id": to.ID},
		Class: rest.Idempotent, Permission: n.write,
	}, nil)
	return err
}

// Reach is an object that can be reached through the graph, with the ways.
type Reach struct {
	Object

	// Paths are the ways to it, each ending with the object itself. All of
	// them must be cut to end the access.
	Paths [][]Object

	// CompiledAttributes are JumpCloud's attributes along all paths.
	CompiledAttributes json.RawMessage
}

// UnmarshalJSON reads JumpCloud's GraphObjectWithPaths.
func (r *Reach) UnmarshalJSON(b []byte) error {
	var w struct {
		Object
		CompiledAttributes json.RawMessage `json:"compiledAttributes"`
		Paths              [][]edge        `json:"paths"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*r = Reach{Object: w.Object, CompiledAttributes: w.CompiledAttributes}
	for _, p := range w.Paths {
		way := make([]Object, len(p))
		for i, e := range p {
			way[i] = e.To
		}
		r.Paths = append(r.Paths, way)
	}
	return nil
}

func reachID(r *Reach) string { return r.ID }

// reachPage is a page of a long list of objects with their ways. Like userPage
// it is read by hand: most ways are one step long, and most of the answer is
// not wanted.
type reachPage struct {
	items []Reach
	total int

	steps      []Object
	ways       []extent // of each way, in steps
	attributes []byte
	of         []struct{ ways, attributes extent } // of each item
}

// extent is a part of a slice that has not stopped growing.
type extent struct{ from, to int }

func (p *reachPage) decode(b []byte) (err error) {
	s, a := jsonscan.New(b), new(jsonscan.Arena)
	*p = reachPage{
		items: make([]Reach, 0, pageSize),
		steps: make([]Object, 0, pageSize), ways: make([]extent, 0, pageSize), of: make([]struct{ ways, attributes extent }, 0, pageSize),
	}
	e := elementsOf(&s)
	for ok := e.first(); ok; ok = e.next() {
		p.object(&s, a)
	}
	if p.total, err = e.end(); err != nil {
		return err
	}
	paths := make([][]Object, len(p.ways))
	for i, w := range p.ways {
		paths[i] = p.steps[w.from:w.to:w.to]
	}
	for i, o := range p.of {
		if w := o.ways; w.to > w.from {
			p.items[i].Paths = paths[w.from:w.to:w.to]
		}
		if at := o.attributes; at.to > at.from {
			p.items[i].CompiledAttributes = p.attributes[at.from:at.to:at.to]
		}
	}
	return nil
}

// object reads one object.
func (p *reachPage) object(s *jsonscan.Scanner, a *jsonscan.Arena) {
	p.items, p.of = append(p.items, Reach{}), append(p.of, struct{ ways, attributes extent }{})
	r, o := &p.items[len(p.items)-1], &p.of[len(p.of)-1]
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		switch string(key) {
		case "id":
			a.Loose(s, &r.ID)
		case "type":
			r.Type = objectType(s)
		case "compiledAttributes":
			if v := s.Skip(); string(v) != "null" {
				o.attributes.from = len(p.attributes)
				p.attributes = append(p.attributes, v...)
				o.attributes.to = len(p.attributes)
			}
		case "paths":
			o.ways.from = len(p.ways)
			for ok := s.Array(); ok; ok = s.Element() {
				p.way(s, a)
			}
			o.ways.to = len(p.ways)
		}
	}
}

// way reads one way to an object.
func (p *reachPage) way(s *jsonscan.Scanner, a *jsonscan.Arena) {
	from := len(p.steps)
	for ok := s.Array(); ok; ok = s.Element() {
		p.steps = append(p.steps, Object{})
		target(s, a, &p.steps[len(p.steps)-1])
	}
	p.ways = append(p.ways, extent{from, len(p.steps)})
}

// target reads where a GraphConnection leads.
func target(s *jsonscan.Scanner, a *jsonscan.Arena, to *Object) {
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		if string(key) != "to" {
			continue
		}
		for key, ok := s.Object(); ok; key, ok = s.Field() {
			switch string(key) {
			case "id":
				a.Loose(s, &to.ID)
			case "type":
				to.Type = objectType(s)
			}
		}
	}
}

// objectType reads a type; those that are known are not allocated.
func objectType(s *jsonscan.Scanner) ObjectType {
	if s.Peek() != '"' {
		s.Skip()
		return ""
	}
	raw, _ := s.Quoted()
	for _, t := range [...]ObjectType{UserObject, GroupObject, ApplicationObject, DirectoryObject} {
		if string(raw) == string(t) {
			return t
		}
	}
	return ObjectType(raw)
}

// Traverse lists the objects of one type that from reaches, directly or by way
// of groups: who can use an application, say. GET /api/v2/{type}/{id}/{types}.
// The scope is the reading one of the type that is reached.
func (c *Client) Traverse(ctx context.Context, from Object, to ObjectType) iter.Seq2[*Reach, error] {
	path, scope, err := traversal(from, to)
	if err != nil {
		return failed[*Reach](err)
	}
	return listWide(ctx, c, v2[Reach](c, path, scope, nil, from.ID), reachID)
}

func traversal(from Object, to ObjectType) (path, scope string, err error) {
	const unknown = "api/v2/{type}/{id}/{types}"
	n, err := nodeOf(from.Type)
	if err != nil {
		return "", "", op(http.MethodGet, unknown, err)
	}
	m, err := nodeOf(to)
	if err != nil {
		return "", "", op(http.MethodGet, unknown, err)
	}
	last := m.plural
	switch {
	case from.Type == to,
		from.Type == ApplicationObject && to == DirectoryObject, from.Type == DirectoryObject && to == ApplicationObject:
		return "", "", op(http.MethodGet, unknown, invalidf("there is no way from a %s to a %s", from.Type, to))
	case from.Type == UserObject && to == GroupObject:
		last = "memberof"
	case from.Type == GroupObject && to == UserObject:
		last = "membership"
	}
	return "api/v2/" + n.plural + "/{id}/" + last, m.readScope, nil
}
