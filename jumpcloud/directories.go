package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/jcaad/jcaad/internal/text"
)

const (
	scopeDirectories     = "directories"
	scopeDirectoriesRead = "directories.readonly"
)

// Directory is a directory that JumpCloud is connected with. One of type
// "office_365" ([DirectoryObject]) can only be made in the console, because a
// global administrator of Microsoft 365 must consent.
type Directory struct {
	ID, Name       string
	Type           ObjectType       // "office_365", "g_suite", "active_directory", "ldap_server", "workday", …
	OrganizationID string           // may be empty
	DefaultDomain  *DirectoryDomain // nil if none is set
	OAuth          *OAuthStatus     // nil if JumpCloud says nothing
}

// OAuthStatus is the state of the consent that JumpCloud works with.
type OAuthStatus struct {
	Expiry         time.Time
	Error, Message string // empty if the consent is good
}

// Healthy reports whether the directory's consent is good, as far as JumpCloud
// knows: a directory without a status is healthy.
func (d *Directory) Healthy() bool { return d.OAuth == nil || d.OAuth.Error == "" }

// DirectoryDomain is a domain of a directory.
type DirectoryDomain struct {
	ID      string
	Domain  string
	Default bool
}

// UnmarshalJSON reads both forms that JumpCloud has.
func (d *DirectoryDomain) UnmarshalJSON(b []byte) error {
	var w struct {
		ID       string `json:"id"`
		ObjectID string `json:"objectId"`
		Domain   string `json:"domain"`
		Default  bool   `json:"default"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*d = DirectoryDomain{cmp.Or(w.ObjectID, w.ID), w.Domain, w.Default}
	return nil
}

// UnmarshalJSON reads JumpCloud's form of a directory.
func (d *Directory) UnmarshalJSON(b []byte) error {
	var w struct {
		ID             string           `json:"id"`
		Name           string           `json:"name"`
		Type           ObjectType       `json:"type"`
		OrganizationID string           `json:"organizationId"`
		DefaultDomain  *DirectoryDomain `json:"defaultDomain"`
		OAuth          *OAuthStatus     `json:"oAuthStatus"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*d = Directory{w.ID, w.Name, w.Type, w.OrganizationID, domainOrNil(w.DefaultDomain), w.OAuth}
	return nil
}

// domainOrNil takes {} for "none".
func domainOrNil(d *DirectoryDomain) *DirectoryDomain {
	if d == nil || d.ID == "" && d.Domain == "" {
		return nil
	}
	d.Default = true
	return d
}

// UnmarshalJSON reads the status; expiry is protobuf's {"seconds":"…"}, a
// number, or a time.
func (o *OAuthStatus) UnmarshalJSON(b []byte) error {
	var w struct {
		Expiry  json.RawMessage `json:"expiry"`
		Error   json.RawMessage `json:"error"`
		Message string          `json:"errorMessage"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*o = OAuthStatus{Message: w.Message}
	if w.Error != nil && json.Unmarshal(w.Error, &o.Error) != nil {
		o.Error = text.OneLine(string(w.Error), 200)
	}
	var seconds struct {
		Seconds looseInt `json:"seconds"`
	}
	var s string
	var n looseInt
	switch {
	case w.Expiry == nil:
	case json.Unmarshal(w.Expiry, &seconds) == nil && seconds.Seconds != 0:
		o.Expiry = time.Unix(int64(seconds.Seconds), 0).UTC()
	case json.Unmarshal(w.Expiry, &n) == nil && n != 0:
		o.Expiry = time.Unix(int64(n), 0).UTC()
	case json.Unmarshal(w.Expiry, &s) == nil:
		o.Expiry = parseTime(s)
	}
	return nil
}

// Directories lists the directories of all types: GET /api/v2/directories, scope
// directories.readonly. JumpCloud has no filter for it.
func (c *Client) Directories(ctx context.Context) iter.Seq2[*Directory, error] {
	return listFew(ctx, c, v2[*Directory](c, "api/v2/directories", scopeDirectoriesRead, nil), func(d *Directory) string { return d.ID })
}
