package aad

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// GlobalAdministrator is the ID of the role that may do everything. It is the
// same in all tenants.
const GlobalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// RoleAssignment gives a role to a principal. Roles that somebody may activate for
// a while (privileged identity management) are assignments only while they are
// active.
type RoleAssignment struct {
	ID               string     `json:"id"`
	PrincipalID      string     `json:"principalId"`
	RoleDefinitionID string     `json:"roleDefinitionId"`
	DirectoryScopeID string     `json:"directoryScopeId"` // "/" is the whole tenant
	Principal        *Principal `json:"principal,omitempty"`
}

// What kind of thing a principal is. Others may appear.
const (
	UserPrincipal    = "user"
	GroupPrincipal   = "group"
	ServicePrincipal = "servicePrincipal"
)

// Principal is who a role is assigned to. Of users the service usually leaves out the
// user principal name: see [Client.RoleUsers].
type Principal struct {
	ID                string
	Type              string // [UserPrincipal], …
	DisplayName       string
	UserPrincipalName string
	UserType          string
	Enabled           *bool
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (p *Principal) UnmarshalJSON(b []byte) error {
	var wire struct {
		ODataType                                    string `json:"@odata.type"`
		ID, DisplayName, UserPrincipalName, UserType string
		AccountEnabled                               *bool
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*p = Principal{wire.ID, strings.TrimPrefix(wire.ODataType, "#microsoft.graph."), wire.DisplayName,
		wire.UserPrincipalName, wire.UserType, wire.AccountEnabled}
	return nil
}

// RoleAssignments lists the assignments of a role, each with its principal.
//
//	GET /roleManagement/directory/roleAssignments; RoleManagement.Read.Directory; safe to repeat
func (c *Client) RoleAssignments(ctx context.Context, roleDefinitionID string) iter.Seq2[*RoleAssignment, error] {
	request := func() *rest.Request {
		return &rest.Request{
			Method: http.MethodGet, Path: "roleManagement/directory/roleAssignments", Permission: perm.RoleRead,
			Query: url.Values{"$filter": {"roleDefinitionId eq " + quote(roleDefinitionID)}, "$expand": {"principal"}},
		}
	}
	if roleDefinitionID == "" {
		return failed[RoleAssignment](request(), errors.New("the ID of the role is empty"))
	}
	return list[RoleAssignment](ctx, c, request)
}

// AssignRole gives a role, for the whole tenant, to a user or a group.
// The role that the principal has already is [ErrConflict] or [ErrInvalid].
//
//	POST /roleManagement/directory/roleAssignments; RoleManagement.ReadWrite.Directory;
//	not repeated when the answer is lost
func (c *Client) AssignRole(ctx context.Context, principalID, roleDefinitionID string) (*RoleAssignment, error) {
	r := &rest.Request{Method: http.MethodPost, Path: "roleManagement/directory/roleAssignments", Class: rest.Create,
		Permission: perm.RoleWrite}
	if principalID == "" || roleDefinitionID == "" {
		return nil, invalid(r.Method+" "+r.Path, errNoID)
	}
	r.Body = map[string]string{"principalId": principalID, "roleDefinitionId": roleDefinitionID, "directoryScopeId": "/"}
	var a entity[RoleAssignment]
	resp, err := c.do(ctx, r, &a)
	if err != nil {
		return nil, err
	}
	return a.get(r, resp, func(a *RoleAssignment) string { return a.ID })
}

// RemoveRoleAssignment takes a role away. An assignment that is not there is a success.
//
//	DELETE /roleManagement/directory/roleAssignments/{id}; RoleManagement.ReadWrite.Directory; safe to repeat
func (c *Client) RemoveRoleAssignment(ctx context.Context, id string) error {
	r := &rest.Request{Method: http.MethodDelete, Path: "roleManagement/directory/roleAssignments/{id}", Args: []string{id},
		Class: rest.Idempotent, Permission: perm.RoleWrite}
	if id == "" {
		return invalid(r.Method+" "+r.Path, errNoID)
	}
	if _, err := c.do(ctx, r, nil); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// RoleDefinition is a role.
type RoleDefinition struct {
	ID          string `json:"id"`
	TemplateID  string `json:"templateId"` // the same in all tenants
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	BuiltIn     bool   `json:"isBuiltIn"`
	Enabled     bool   `json:"isEnabled"`
}

// RoleDefinitions lists the roles of the tenant.
//
//	GET /roleManagement/directory/roleDefinitions; RoleManagement.Read.Directory; safe to repeat
func (c *Client) RoleDefinitions(ctx context.Context) iter.Seq2[*RoleDefinition, error] {
	return list[RoleDefinition](ctx, c, func() *rest.Request {
		return &rest.Request{Method: http.MethodGet, Path: "roleManagement/directory/roleDefinitions", Permission: perm.RoleRead}
	})
}

// RoleUser is a user who has a role.
type RoleUser struct {
	User
	AssignmentID     string
	GroupID          string // the group through which the user has the role; empty if it is the user's own
	DirectoryScopeID string // "/" is the whole tenant
}

// RoleUsers lists the users who have a role, those of role-assignable groups
// included, with all properties of [User]. A user who has the role in two ways
// comes once, by the wider of them: a user's own assignment over a part of the
// tenant does not hide one over all of it. Service principals are left out.
//
// An assignment outlives its principal, and may name one of another tenant. Users
// who cannot be found are left out, and so are groups if leftOut is given; it is
// told of each, with the reason. Without it a group that cannot be read is an error.
//
//	as RoleAssignments, GroupMembers (for each group) and Users (for each 15 users);
//	RoleManagement.Read.Directory, User.Read.All and, if a group has the role, GroupMember.Read.All; safe to repeat
func (c *Client) RoleUsers(
	ctx context.Context, roleDefinitionID string, leftOut ...func(*RoleAssignment, error),
) iter.Seq2[*RoleUser, error] {
	tell := func(a *RoleAssignment, err error) {
		for _, f := range leftOut {
			f(a, err)
		}
	}
	return func(yield func(*RoleUser, error) bool) {
		var ids []string
		via := make(map[string]*RoleUser)
		own := make(map[string]*RoleAssignment)
		var groups []*RoleAssignment
		for a, err := range c.RoleAssignments(ctx, roleDefinitionID) {
			if err != nil {
				yield(nil, err)
				return
			}
			switch {
			case a.PrincipalID == "":
				tell(a, errNoID)
			case a.Principal != nil && a.Principal.Type == GroupPrincipal:
				groups = append(groups, a)
			case a.Principal != nil && a.Principal.Type == ServicePrincipal:
			case own[a.PrincipalID] == nil:
				ids = append(ids, a.PrincipalID)
				own[a.PrincipalID] = a
			case !own[a.PrincipalID].everywhere():
				own[a.PrincipalID] = a
			}
		}
		for chunk := range slices.Chunk(ids, maxIn) {
			for u, err := range c.usersThere(ctx, chunk) {
				if err != nil {
					yield(nil, err)
					return
				}
				a := own[u.ID]
				if a == nil || via[u.ID] != nil {
					continue
				}
				via[u.ID] = &RoleUser{User: *u, AssignmentID: a.ID, DirectoryScopeID: a.DirectoryScopeID}
				if !yield(via[u.ID], nil) {
					return
				}
			}
		}
		for _, id := range ids {
			if via[id] == nil {
				tell(own[id], ErrNotFound)
			}
		}
		for _, a := range groups {
			for u, err := range c.GroupMembers(ctx, a.PrincipalID) {
				if leftOut != nil && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || errors.Is(err, ErrInvalid)) {
					tell(a, err)
					break
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if had := via[u.ID]; had != nil && (everywhere(had.DirectoryScopeID) || !a.everywhere()) {
					continue
				}
				ru := &RoleUser{*u, a.ID, a.PrincipalID, a.DirectoryScopeID}
				via[u.ID] = ru
				if !yield(ru, nil) {
					return
				}
			}
		}
	}
}

// everywhere reports whether a scope is the whole tenant.
func everywhere(scope string) bool { return scope == "" || scope == "/" }

func (a *RoleAssignment) everywhere() bool { return everywhere(a.DirectoryScopeID) }

// usersThere lists those of the users that there are. A service that refuses a
// list because of one of them is asked for each.
func (c *Client) usersThere(ctx context.Context, ids []string) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for u, err := range c.Users(ctx, &UsersOptions{IDs: ids}) {
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalid) {
				c.usersOneByOne(ctx, ids, yield)
				return
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

func (c *Client) usersOneByOne(ctx context.Context, ids []string, yield func(*User, error) bool) {
	for _, id := range ids {
		u, err := c.User(ctx, id)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalid) {
			continue
		}
		if !yield(u, err) || err != nil {
			return
		}
	}
}
