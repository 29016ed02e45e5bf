package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/rest"
)

const (
	scopeGroups     = "groups"
	scopeGroupsRead = "groups.readonly"
)

// Group is a user group.
type Group struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Email       string `json:"email"`

	// MembershipMethod is "STATIC", "DYNAMIC_AUTOMATED",
	// "DYNAMIC_REVIEW_REQUIRED", "NOTSET" or empty. Members cannot be added
	// to a dynamic group: JumpCloud says yes and does nothing. Recorded lists do
	// not have it: of a group out of [Client.Groups] it is empty, whatever the
	// group is, and only [Client.Group] tells.
	MembershipMethod string `json:"membershipMethod"`

	// Attributes are what JumpCloud adds, such as the names of LDAP groups.
	// They are null in lists, and ignored in writes.
	Attributes json.RawMessage `json:"attributes"`
}

// IsDynamic reports whether a rule decides on the members, of a group that was asked for
// by its ID: see [Group.MembershipMethod].
func (g *Group) IsDynamic() bool { return strings.HasPrefix(g.MembershipMethod, "DYNAMIC") }

// Groups lists the user groups with exactly these names, or all if there are
// none: GET /api/v2/usergroups, scope groups.readonly. A single name without
// special characters is looked up by JumpCloud; otherwise all groups are read and
// compared here, because a filter of JumpCloud's takes commas and wildcards for
// its own.
//
// Names are not unique. Each range over the result starts again from the first
// page and ends after the first error; a group that is created or deleted
// meanwhile may be missed.
func (c *Client) Groups(ctx context.Context, names ...string) iter.Seq2[*Group, error] {
	names = slices.Clone(names)
	const path = "api/v2/usergroups"
	q := url.Values{"sort": {"id"}}
	for _, n := range names {
		if n == "" || hasControl(n) {
			return failed[*Group](op(http.MethodGet, path, invalidf("group name %q", n)))
		}
	}
	if len(names) == 1 && filterable(names[0]) {
		q.Set("filter", "name:eq:"+names[0])
	}
	all := listFew(ctx, c, v2[*Group](c, path, scopeGroupsRead, q), func(g *Group) string { return g.ID })
	if len(names) == 0 {
		return all
	}
	return only(all, func(g *Group) bool { return slices.Contains(names, g.Name) })
}

// Group returns a group: GET /api/v2/usergroups/{id}, scope groups.readonly.
func (c *Client) Group(ctx context.Context, id string) (*Group, error) {
	return c.group(ctx, &rest.Request{Method: http.MethodGet, Path: "api/v2/usergroups/{id}", Args: []string{id}, Permission: scopeGroupsRead})
}

func (c *Client) group(ctx context.Context, r *rest.Request) (*Group, error) {
	g := new(Group)
	resp, err := c.do(ctx, r, g)
	if err := c.whole(r, resp, g.ID != "", err); err != nil {
		return nil, err
	}
	return g, nil
}

// CreateGroup creates a group with g's Name, Description, Email and
// MembershipMethod; empty ones are left to JumpCloud. POST /api/v2/usergroups,
// scope groups.
//
// A name that is taken may be refused with [ErrConflict], or may not. If the
// answer is lost the error is [ErrOutcomeUnknown]; look for the group by name
// before repeating it.
func (c *Client) CreateGroup(ctx context.Context, g Group) (*Group, error) {
	const path = "api/v2/usergroups"
	if strings.TrimSpace(g.Name) == "" || hasControl(g.Name) {
		return nil, op(http.MethodPost, path, invalidf("group name %q", g.Name))
	}
	body := map[string]any{"name": g.Name}
	for k, v := range map[string]string{"description": g.Description, "email": g.Email, "membershipMethod": g.MembershipMethod} {
		if v != "" {
			body[k] = v
		}
	}
	return c.group(ctx, &rest.Request{Method: http.MethodPost, Path: path, Body: body, Class: rest.Create, Permission: scopeGroups})
}

// DeleteGroup deletes a group; one that does not exist is success. DELETE
// /api/v2/usergroups/{id}, scope groups. It is safe to repeat.
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	return c.delete(ctx, "api/v2/usergroups/{id}", scopeGroups, id)
}

// GroupMembers lists the IDs of the users who are members of a group
// themselves: GET /api/v2/usergroups/{id}/members, scope users.readonly.
func (c *Client) GroupMembers(ctx context.Context, groupID string) iter.Seq2[string, error] {
	edges := listWide(ctx, c, v2[edge](c, "api/v2/usergroups/{group_id}/members", scopeUsersRead, nil, groupID),
		func(e *edge) string { return e.To.ID })
	return func(yield func(string, error) bool) {
		for e, err := range edges {
			if err != nil {
				yield("", err)
				return
			}
			if e.To.Type == UserObject && !yield(e.To.ID, nil) {
				return
			}
		}
	}
}

// GroupMembership lists the users who are members of a group, directly or by
// way of others, with the way: GET /api/v2/usergroups/{id}/membership, scope
// users.readonly, as for the direct members. It lists like [Client.Office365Users].
func (c *Client) GroupMembership(ctx context.Context, groupID string) iter.Seq2[*Reach, error] {
	const path = "api/v2/usergroups/{group_id}/membership"
	return listWide(ctx, c, func(ctx context.Context, skip, limit int) (page[Reach], error) {
		var out reachPage
		r := &rest.Request{
			Method: http.MethodGet, Path: path, Args: []string{groupID},
			Query: paged(nil, skip, limit), Bulk: true, Permission: scopeUsersRead,
		}
		resp, err := c.read(ctx, r, &out)
		if err != nil {
			return page[Reach]{}, err
		}
		if out.total < 0 {
			out.total = totalHeader(resp)
		}
		return page[Reach]{out.items, out.total, r}, nil
	}, reachID)
}

// AddGroupMember makes a user a member of a group; one who is already is
// success. POST /api/v2/usergroups/{id}/members, scope groups. It is safe to
// repeat. It has no effect on a dynamic group (see [Group.IsDynamic]), and
// JumpCloud does not say so.
func (c *Client) AddGroupMember(ctx context.Context, groupID, userID string) error {
	err := c.member(ctx, groupID, "add", userID)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// RemoveGroupMember ends a user's membership of a group; one who is no member
// is success. An unknown group is [ErrNotFound]. POST
// /api/v2/usergroups/{id}/members, scope groups. It is safe to repeat.
func (c *Client) RemoveGroupMember(ctx context.Context, groupID, userID string) error {
	err := c.member(ctx, groupID, "remove", userID)
	var e *Error
	if errors.As(err, &e) && e.StatusCode == http.StatusNotFound && e.is(ErrNotFound) { // an unknown group is a 400
		return nil
	}
	return err
}

func (c *Client) member(ctx context.Context, groupID, operation, userID string) error {
	const path = "api/v2/usergroups/{group_id}/members"
	if err := checkID("user", userID); err != nil {
		return op(http.MethodPost, path, err)
	}
	_, err := c.do(ctx, &rest.Request{
		Method: http.MethodPost, Path: path, Args: []string{groupID},
		Body:  map[string]string{"op": operation, "type": string(UserObject), "id": userID},
		Class: rest.Idempotent, Permission: scopeGroups,
	}, nil)
	return err
}
