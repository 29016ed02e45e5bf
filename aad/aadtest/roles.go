package aadtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

type assignment struct {
	id, role, principal, scope string
	gone                       fake.Cell[bool]
}

// group is a role-assignable group.
type group struct {
	id, name string
	members  []string // IDs of users and groups
}

// roleNames are the roles that the server knows.
var roleNames = []struct{ id, name string }{
	{aad.GlobalAdministrator, "Global Administrator"},
	{"f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"},
	{"8329153b-31d0-4727-b945-745eb3bc5f31", "Domain Name Administrator"},
	{"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"},
	{"be2f45a1-457d-42af-a067-6ec1fa63bc45", "External Identity Provider Administrator"},
	{"194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"},
}

// definition is a role as Graph writes it; nil if there is none.
func definition(id string) object {
	for _, role := range roleNames {
		if strings.EqualFold(role.id, id) {
			return object{
				"id": role.id, "templateId": role.id, "displayName": role.name,
				"isBuiltIn": true, "isEnabled": true, "resourceScopes": []string{"/"}, "version": "1",
			}
		}
	}
	return nil
}

func (s *Server) listRoleDefinitions(w http.ResponseWriter, r *http.Request) *refusal {
	holds, e := definitionKind.condition(r.URL.Query().Get("$filter"))
	if e != nil {
		return e
	}
	var all []object
	for _, role := range roleNames {
		if o := definition(role.id); holds(of(o)) {
			all = append(all, o)
		}
	}
	return s.list(w, r, "roleManagement/directory/roleDefinitions", all)
}

func (s *Server) getRoleDefinition(w http.ResponseWriter, r *http.Request) *refusal {
	o := definition(r.PathValue("id"))
	if o == nil {
		return notFound(r.PathValue("id"))
	}
	s.entity(w, r, http.StatusOK, "roleManagement/directory/roleDefinitions/$entity", o)
	return nil
}

func (a *assignment) object() object {
	return object{"id": a.id, "principalId": a.principal, "roleDefinitionId": a.role, "directoryScopeId": a.scope, "resourceScope": a.scope}
}

func (s *Server) listRoleAssignments(w http.ResponseWriter, r *http.Request) *refusal {
	holds, e := assignmentKind.condition(r.URL.Query().Get("$filter"))
	if e != nil {
		return e
	}
	x, e := s.expansion(r.URL.Query().Get("$expand"))
	if e != nil {
		return e
	}
	var all []object
	for _, a := range s.roles {
		gone := a.gone.Read("roles", s.lag("roleManagement/directory/roleAssignments", s.ListLag))
		if gone || !holds(of(a.object())) {
			continue
		}
		all = append(all, x.expand(a))
	}
	return s.list(w, r, "roleManagement/directory/roleAssignments"+x.context(), all)
}

func (s *Server) getRoleAssignment(w http.ResponseWriter, r *http.Request) *refusal {
	x, e := s.expansion(r.URL.Query().Get("$expand"))
	if e != nil {
		return e
	}
	id := r.PathValue("id")
	for _, a := range s.roles {
		if a.id == id && !a.gone.Read("role", s.lag("roleManagement/directory/roleAssignments/"+id, s.GetLag)) {
			s.entity(w, r, http.StatusOK, "roleManagement/directory/roleAssignments"+x.context()+"/$entity", x.expand(a))
			return nil
		}
	}
	return notFound(id)
}

func (s *Server) createRoleAssignment(w http.ResponseWriter, r *http.Request) *refusal {
	body, e := decode(r)
	if e != nil {
		return e
	}
	if e := assignmentKind.writes(body); e != nil {
		return e
	}
	a := &assignment{id: s.newID(0x401e), role: text(body, "roleDefinitionId"), principal: text(body, "principalId"), scope: "/"}
	known := false
	for _, role := range roleNames {
		known = known || role.id == a.role
	}
	switch {
	case !known:
		return bad("The specified role definition does not exist.")
	case text(body, "directoryScopeId") == "":
		return bad("The directoryScopeId is missing.")
	case text(body, "directoryScopeId") != "/":
		return notModelled("the assignment of roles within %s", text(body, "directoryScopeId"))
	case s.groups[a.principal] == nil && s.lookup(a.principal, false) == nil:
		return notFound(a.principal)
	}
	for _, b := range s.roles {
		if b.role == a.role && b.principal == a.principal && b.scope == a.scope && !b.gone.Now() {
			return bad("A conflicting object with one or more of the specified property values is present in the directory.")
		}
	}
	a.gone.Set(true)
	a.gone.Set(false)
	s.roles = append(s.roles, a)
	s.entity(w, r, http.StatusCreated, "roleManagement/directory/roleAssignments/$entity", a.object())
	return nil
}

func (s *Server) deleteRoleAssignment(w http.ResponseWriter, r *http.Request) *refusal {
	for _, a := range s.roles {
		if a.id == r.PathValue("id") && !a.gone.Now() {
			a.gone.Set(true)
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	return notFound(r.PathValue("id"))
}

func (s *Server) listMembers(w http.ResponseWriter, r *http.Request) *refusal {
	g := s.groups[r.PathValue("id")]
	if g == nil {
		return notFound(r.PathValue("id"))
	}
	if !eventual(r) || r.URL.Query().Get("$count") != "true" {
		return unsupported("A cast needs ConsistencyLevel: eventual and $count=true.")
	}
	size, e := s.top(r, defaultPage, greatestPage)
	if e != nil {
		return e
	}
	from, e := position(r)
	if e != nil {
		return e
	}
	var ids []string
	s.expand(g, &ids)
	var all []userState
	for _, id := range ids {
		if u := s.lookup(id, false); u != nil {
			all = append(all, u.state.Now())
		}
	}
	s.writeUsers(w, r, &userPage{stored: all, from: from, size: size})
	return nil
}

// expand collects the members of a group and of the groups in it, once each.
func (s *Server) expand(g *group, ids *[]string) {
	for _, id := range g.members {
		if slices.Contains(*ids, id) {
			continue
		}
		*ids = append(*ids, id)
		if inner := s.groups[id]; inner != nil {
			s.expand(inner, ids)
		}
	}
}
