package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"
)

const scopeOrganizationsRead = "organizations.readonly"

// Organization is a JumpCloud organisation.
type Organization struct {
	ID          string
	DisplayName string // may be empty
	Created     time.Time
}

// UnmarshalJSON reads JumpCloud's form of an organisation.
func (o *Organization) UnmarshalJSON(b []byte) error {
	var w struct {
		ObjectID    string  `json:"_id"`
		ID          string  `json:"id"`
		DisplayName *string `json:"displayName"`
		Created     string  `json:"created"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*o = Organization{ID: cmp.Or(w.ObjectID, w.ID), DisplayName: deref(w.DisplayName), Created: parseTime(w.Created)}
	return nil
}

// Organizations lists the organisations that the credential can see, whatever
// [Options.OrgID] says: GET /api/organizations, scope organizations.readonly.
// An administrator of one organisation sees that one.
func (c *Client) Organizations(ctx context.Context) iter.Seq2[*Organization, error] {
	return listFew(ctx, c, v1[*Organization](c, "api/organizations", scopeOrganizationsRead, nil),
		func(o *Organization) string { return o.ID })
}

// ForOrganization returns a client of another organisation that the credential
// can see, such as a provider's customer. It makes no request.
//
// The two are one to JumpCloud, which counts the requests of a credential: they
// share the credential with its token, the connections, and the pace, so that what
// one learns of a throttle the other keeps to; clients that are made apart are
// refused in turn, again and again. All else is as c was made, [Options.ReadOnly] too,
// but for the x-org-id that each request carries: it is always the client's own,
// whatever others do at the same time.
//
// With an id that cannot be one, the empty one too, every call fails with
// [ErrInvalid], and nothing is sent: without x-org-id JumpCloud would take the
// organisation of the key.
func (c *Client) ForOrganization(id string) *Client {
	if c == nil {
		return nil
	}
	other := *c
	other.orgID, other.isView = id, true
	return &other
}

// OrgID returns the organisation that the client was made for: that of
// [Client.ForOrganization] or [Options.OrgID]. It is empty if neither was given,
// and JumpCloud takes the organisation of the key.
func (c *Client) OrgID() string {
	if c == nil {
		return ""
	}
	return c.orgID
}

// ownOrganization reports whether path is one of those that refuse x-org-id:
// they see all organisations, or name one themselves. It is the list of
// JumpCloud's own SDK.
func ownOrganization(path string) bool {
	for _, p := range [...]string{
		"api/search/organizations", "api/organizations", "api/users",
		"api/v2/organizations", "api/v2/administrators", "api/v2/providers", "api/v2/integrations/",
	} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}
