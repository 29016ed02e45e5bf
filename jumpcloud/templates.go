package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

const scopeTemplatesRead = "applicationtemplates.readonly"

// Office365Template is the name of the template for Microsoft 365.
const Office365Template = "office365"

// Template is what JumpCloud offers to make an [Application] of. It is
// different in each release of JumpCloud: read it, do not remember it.
type Template struct {
	ID          string
	Name        string // "office365", "saml2", …
	DisplayName string
	SSOURL      string
	SSOType     string // "saml", "oidc", "bookmark", …
	Status      string // "end_of_life", "beta", …; usually empty

	config map[string]json.RawMessage
}

// UnmarshalJSON reads JumpCloud's form of a template.
func (t *Template) UnmarshalJSON(b []byte) error {
	var w struct {
		ObjectID    string          `json:"_id"`
		ID          string          `json:"id"`
		Name        string          `json:"name"`
		DisplayName *string         `json:"displayName"`
		SSOURL      *string         `json:"ssoUrl"`
		Status      *string         `json:"status"`
		Config      json.RawMessage `json:"config"`
		SSO         *struct {
			Type string `json:"type"`
		} `json:"sso"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*t = Template{
		ID: cmp.Or(w.ObjectID, w.ID), Name: w.Name, DisplayName: deref(w.DisplayName), SSOURL: deref(w.SSOURL), Status: deref(w.Status),
	}
	if w.SSO != nil {
		t.SSOType = w.SSO.Type
	}
	if json.Unmarshal(w.Config, &t.config) != nil {
		t.config = nil
	}
	return nil
}

// Setting returns the default value of a setting, as JSON. It is false if the
// template has no such setting.
func (t *Template) Setting(key string) (json.RawMessage, bool) {
	field, ok := t.config[key]
	return fieldValue(field), ok
}

// Templates lists what applications can be made of: GET
// /api/application-templates, scope applicationtemplates.readonly. There are
// many hundreds.
func (c *Client) Templates(ctx context.Context) iter.Seq2[*Template, error] {
	return c.templates(ctx, nil)
}

const templatesPath = "api/application-templates"

func (c *Client) templates(ctx context.Context, q url.Values) iter.Seq2[*Template, error] {
	return listFew(ctx, c, v1[*Template](c, templatesPath, scopeTemplatesRead, q), func(t *Template) string { return cmp.Or(t.ID, t.Name) })
}

// Template returns the template with the given name, [Office365Template] for
// instance: GET /api/application-templates with a filter, scope
// applicationtemplates.readonly. If there is none the error is [ErrNotFound].
func (c *Client) Template(ctx context.Context, name string) (*Template, error) {
	if !isField(name) {
		return nil, op(http.MethodGet, templatesPath, invalidf("template name %q", name))
	}
	for t, err := range c.templates(ctx, url.Values{"filter": {Eq("name", name)}}) {
		if err != nil {
			return nil, err
		}
		if t.Name == name {
			return t, nil
		}
	}
	return nil, op(http.MethodGet, templatesPath, &Error{
		Message: fmt.Sprintf("no application template is named %q", name), Scope: scopeTemplatesRead, class: ErrNotFound,
	})
}
