package aadtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

type assignment struct {
	id, role, principal string
	gone                fake.Cell[bool]
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

func (s *Server) listRoleDefinitions(w http.ResponseWriter, r *http.Request) *refusal {
	var all []object
	for _, role := range roleNames {
		all = append(all, object{
			"id": role.id, "templateId": role.id, "displayName": role.name, "description": nil,
			"isBuiltIn": true, "isEnabled": true, "resourceScopes": []string{"/"}, "version": "1",
		})
	}
	s.list(w, r, "roleManagement/directory/roleDefinitions", all)
	return nil
}

func (a *assignment) object() object {
	return object{"id": a.id, "principalId": a.principal, "roleDefinitionId": a.role, "directoryScopeId": "/", "resourceScope": "/"}
}

func (s *Server) listRoleAssignments(w http.ResponseWriter, r *http.Request) *refusal {
	params := r.URL.Query()
	var role, principal string
	for cond := range strings.SplitSeq(params.Get("$filter"), " and ") {
		field, value, ok := strings.Cut(strings.TrimSpace(cond), " eq ")
		value, quoted := strings.CutPrefix(value, "'")
		switch {
		case cond == "":
		case !ok || !quoted || !strings.HasSuffix(value, "'"):
			return bad("Invalid filter clause")
		case field == "roleDefinitionId":
			role = strings.TrimSuffix(value, "'")
		case field == "principalId":
			principal = strings.TrimSuffix(value, "'")
		default:
			return bad("Invalid filter clause")
		}
	}
	var all []object
	for _, a := range s.roles {
		gone := a.gone.Read("roles", s.lag("roleManagement/directory/roleAssignments", s.ListLag))
		if gone || role != "" && !strings.EqualFold(a.role, role) || principal != "" && !strings.EqualFold(a.principal, principal) {
			continue
		}
		o := a.object()
		if params.Get("$expand") == "principal" {
			o["principal"] = s.principal(a.principal)
		}
		all = append(all, o)
	}
	s.list(w, r, "roleManagement/directory/roleAssignments(principal())", all)
	return nil
}

// principal is who has a role, as $expand shows it: users without their user principal name.
func (s *Server) principal(id string) object {
	if g := s.groups[id]; g != nil {
		return object{
			"@odata.type": "#microsoft.graph.group", "id": g.id, "displayName": g.name,
			"isAssignableToRole": true, "securityEnabled": true,
		}
	}
	if u := s.lookup(id, false); u != nil {
		st := u.state.Now()
		o := object{
			"@odata.type": "#microsoft.graph.user", "id": st.ID, "accountEnabled": st.Enabled == nil || *st.Enabled,
			"displayName": st.DisplayName, "imAddresses": []string{}, "userType": userType(&st.User),
		}
		if s.Quirks.PrincipalNames {
			o["userPrincipalName"] = st.UserPrincipalName
		}
		return o
	}
	return object{"@odata.type": "#microsoft.graph.servicePrincipal", "id": id, "displayName": "Application", "accountEnabled": true}
}

func (s *Server) createRoleAssignment(w http.ResponseWriter, r *http.Request) *refusal {
	body, e := decode(r)
	if e != nil {
		return e
	}
	a := &assignment{id: s.newID(0x401e), role: text(body, "roleDefinitionId"), principal: text(body, "principalId")}
	known := false
	for _, role := range roleNames {
		known = known || role.id == a.role
	}
	switch {
	case !known:
		return bad("The specified role definition does not exist.")
	case text(body, "directoryScopeId") == "":
		return bad("The directoryScopeId is missing.")
	case s.groups[a.principal] == nil && s.lookup(a.principal, false) == nil:
		return notFound(a.principal)
	}
	for _, b := range s.roles {
		if b.role == a.role && b.principal == a.principal && !b.gone.Now() {
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
	if !strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual") || r.URL.Query().Get("$count") != "true" {
		return unsupported("A cast needs ConsistencyLevel: eventual and $count=true.")
	}
	want, e := fields(r)
	if e != nil {
		return e
	}
	var ids []string
	s.expand(g, &ids)
	var all []object
	for _, id := range ids {
		if u := s.lookup(id, false); u != nil {
			st := u.state.Now()
			all = append(all, userObject(&st.User, want))
		}
	}
	s.list(w, r, "users", all)
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
