package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
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
	return listWide(ctx, c, v1[Organization](c, "api/organizations", scopeOrganizationsRead, nil),
		func(o *Organization) string { return o.ID })
}
