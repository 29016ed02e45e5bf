package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/rest"
)

const (
	scopeApplications     = "applications"
	scopeApplicationsRead = "applications.readonly"
)

// Applications lists the SSO applications that were made from these templates
// ("office365"), or all if none is named, with all their settings: GET
// /api/applications, scope applications.readonly. Labels are not unique. Each range
// over the result starts again from the first page and ends after the first error; an
// application that is created or deleted meanwhile may be missed.
func (c *Client) Applications(ctx context.Context, templates ...string) iter.Seq2[*Application, error] {
	const path = "api/applications"
	templates = slices.Clone(templates)
	q := url.Values{}
	for _, t := range templates {
		if !isField(t) {
			return failed[*Application](op(http.MethodGet, path, invalidf("template name %q", t)))
		}
	}
	switch len(templates) {
	case 0:
	case 1:
		q.Set("filter", Eq("name", templates[0]))
	default:
		q.Set("filter", In("name", templates...))
	}
	all := listFew(ctx, c, v1[*Application](c, path, scopeApplicationsRead, q), func(a *Application) string { return a.ID })
	return only(all, func(a *Application) bool {
		return len(templates) == 0 || slices.Contains(templates, a.Name)
	})
}

// Application returns an application: GET /api/applications/{id}, scope
// applications.readonly.
func (c *Client) Application(ctx context.Context, id string) (*Application, error) {
	return c.application(ctx, &rest.Request{Method: http.MethodGet, Path: "api/applications/{id}", Args: []string{id},
		Permission: scopeApplicationsRead})
}

func (c *Client) application(ctx context.Context, r *rest.Request) (*Application, error) {
	a := new(Application)
	resp, err := c.do(ctx, r, a)
	if err := c.whole(r, resp, a.ID != "", err); err != nil {
		return nil, err
	}
	return a, nil
}

// NewApplication is what an application is made of.
type NewApplication struct {
	// Template is the live template, from [Client.Template]; its settings
	// are the application's.
	Template *Template
	// Label is what administrators will see.
	Label, Description string
	// SSOURL is where people sign in. It cannot be changed later, and should
	// be unique: JumpCloud does not check that. The rule is
	// https://sso.jumpcloud.com/saml2/ with a name of your own behind it.
	SSOURL string
	// IdPEntityID is what the application calls itself in assertions.
	IdPEntityID string
	// Hidden keeps the application off the pages on which people see theirs;
	// whoever knows its address signs in all the same.
	Hidden bool
	// Active lets people sign in. An application that is not active shows as
	// "Single Sign-On Inactive" and does nothing.
	Active bool
	// Settings are values for further settings of the template.
	Settings map[string]any
}

// CreateApplication creates an application: POST /api/applications, scope
// applications. It never sends a certificate: JumpCloud makes a key and a
// certificate of its own. Nobody can use the application until groups are bound
// to it with [Client.Associate].
//
// It creates another one each time. If the answer is lost the error is
// [ErrOutcomeUnknown]; look for the application before repeating it.
func (c *Client) CreateApplication(ctx context.Context, n NewApplication) (*Application, error) {
	const path = "api/applications"
	body, err := n.body()
	if err != nil {
		return nil, op(http.MethodPost, path, err)
	}
	return c.application(ctx, &rest.Request{Method: http.MethodPost, Path: path, Body: body, Class: rest.Create,
		Permission: scopeApplications})
}

func (n NewApplication) body() (map[string]any, error) {
	t := n.Template
	if t == nil || t.Name == "" {
		return nil, invalidf("an application needs a Template: see Client.Template")
	}
	if strings.TrimSpace(n.Label) == "" || hasControl(n.Label) {
		return nil, invalidf("an application needs a Label")
	}
	if len([]rune(n.Description)) > 256 {
		return nil, invalidf("the Description is longer than the 256 characters that JumpCloud takes")
	}
	if u, err := url.Parse(n.SSOURL); err != nil || u.Scheme != "https" || u.Host == "" || hasControl(n.SSOURL) {
		return nil, invalidf("an application needs an SSOURL with https")
	}
	config := make(map[string]json.RawMessage, len(t.config))
	for key, field := range t.config {
		// With an empty certificate JumpCloud answers 503, every time.
		if key != settingCertificate && key != settingKey && !isNull(fieldValue(field)) {
			config[key] = field
		}
	}
	view := &Application{config: config}
	set := func(key string, value any) error {
		if _, ok := t.config[key]; !ok {
			return invalidf("template %q has no setting %q", t.Name, key)
		}
		if _, ok := view.config[key]; !ok {
			view.config[key] = t.config[key]
		}
		return view.SetSetting(key, value)
	}
	for key, value := range n.Settings {
		if key == settingCertificate || key == settingKey {
			return nil, invalidf("setting %s cannot be given on creation: see ReplaceCertificate", key)
		}
		if err := set(key, value); err != nil {
			return nil, err
		}
	}
	if n.IdPEntityID != "" {
		if err := set(settingEntityID, n.IdPEntityID); err != nil {
			return nil, err
		}
	}
	body := map[string]any{
		"name": t.Name, "displayName": cmp.Or(t.DisplayName, n.Label), "displayLabel": n.Label,
		"ssoUrl": n.SSOURL, "active": n.Active, "beta": false,
		"sso": map[string]any{"type": cmp.Or(t.SSOType, "saml"), "hidden": n.Hidden}, "config": view.config,
	}
	if n.Description != "" {
		body["description"] = n.Description
	}
	return body, nil
}

func isNull(v json.RawMessage) bool { return v == nil || string(v) == "null" }

// ModifyApplication reads an application, lets edit change it, and writes the
// whole object back, with everything this package does not know: GET and PUT
// /api/applications/{id}, scope applications. Nothing is written if edit changes
// nothing or returns an error, which is then returned as it is. It returns the
// application as JumpCloud answered.
//
// JumpCloud's PUT makes a new certificate when it does not find the old one in
// the body, which ends the sign-in of everybody. So this fails, without
// writing, with [ErrCertificate] if edit changes the certificate, and with
// [ErrNoCertificate] if JumpCloud shows none although there is one; and it
// compares the certificate in the answer: another one is
// [ErrCertificateRegenerated].
//
// The last writer wins: what others change between the reading and the writing
// is lost, and so is what they changed before, if the answer that was read is older
// than that. A certificate that was replaced a moment ago comes back that way, while
// the application signs with the new key; neither answer tells. Who replaces
// certificates has edit return an error unless [Application.Certificate] is the one
// that has to be in place, or leaves the application alone until everything shows the
// new one. It is safe to repeat.
func (c *Client) ModifyApplication(ctx context.Context, id string, edit func(*Application) error) (*Application, error) {
	before, err := c.Application(ctx, id)
	if err != nil {
		return nil, err
	}
	edited := before.clone()
	if err := edit(edited); err != nil {
		return nil, err
	}
	body, err := edited.edited(before)
	if err != nil {
		return nil, op(http.MethodPut, applicationPath, err)
	}
	if body == nil {
		return before, nil
	}
	if body, err = keepsCertificate(before, body); err != nil {
		return nil, err
	}
	after, err := c.putApplication(ctx, id, body, rest.Idempotent)
	if err != nil {
		return nil, err
	}
	if before.hasCertificate() && !sameCertificate(before, after) {
		return after, certificateChanged(before, after)
	}
	return after, nil
}

const applicationPath = "api/applications/{id}"

// keepsCertificate refuses a body without the certificate. If the application
// never had one, its empty settings are left out, for JumpCloud to fill: it
// answers 503 to empty ones.
func keepsCertificate(before *Application, body json.RawMessage) (json.RawMessage, error) {
	if before.text(settingCertificate) != "" {
		return body, nil
	}
	if before.hasCertificate() || before.SSOType == "saml" && before.config == nil {
		return nil, fmt.Errorf("jumpcloud: application %s: %w is shown, though there is one; "+
			"nothing was written, because JumpCloud would make a new one", before.ID, ErrNoCertificate)
	}
	if _, ok := before.config[settingCertificate]; !ok {
		return body, nil
	}
	var raw, config map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw["config"], &config); err != nil {
		return nil, err
	}
	delete(config, settingCertificate)
	delete(config, settingKey)
	var err error
	if raw["config"], err = json.Marshal(config); err != nil {
		return nil, err
	}
	return json.Marshal(raw)
}

// putApplication writes the whole object. An answer that does not show the
// application is followed by a read.
func (c *Client) putApplication(ctx context.Context, id string, body json.RawMessage, class rest.Class) (*Application, error) {
	a, err := c.application(ctx, put(id, body, class))
	if written(err) && (err != nil || a.config == nil) {
		a, err = c.readBack(ctx, id)
	}
	return a, err
}

// put is the request that writes the whole object.
func put(id string, body json.RawMessage, class rest.Class) *rest.Request {
	return &rest.Request{Method: http.MethodPut, Path: applicationPath, Args: []string{id}, Body: body, Class: class,
		Permission: scopeApplications}
}

// written reports whether the answer to a write means that it has been made,
// whether the answer is of use or not.
func written(err error) bool {
	var e *Error
	return err == nil || errors.As(err, &e) && e.StatusCode/100 == 2
}

// readBack reads an application that has been written, and that nobody has seen since.
func (c *Client) readBack(ctx context.Context, id string) (*Application, error) {
	a, err := c.Application(ctx, id)
	var e *Error
	if errors.As(err, &e) {
		e.OutcomeUnknown = true
	}
	return a, err
}

func certificateChanged(before, after *Application) error {
	c, _ := before.Certificate()
	d, err := after.Certificate()
	if err != nil {
		return fmt.Errorf("jumpcloud: application %s: %w: thumbprint %s is gone and none is shown", before.ID,
			ErrCertificateRegenerated, c.Thumbprint())
	}
	return fmt.Errorf("jumpcloud: application %s: %w: thumbprint %s was replaced by %s", before.ID, ErrCertificateRegenerated,
		c.Thumbprint(), d.Thumbprint())
}

// DeleteApplication deletes an application and its associations; one that does
// not exist is success. DELETE /api/applications/{id}, scope applications. It is
// safe to repeat.
func (c *Client) DeleteApplication(ctx context.Context, id string) error {
	return c.delete(ctx, applicationPath, scopeApplications, id)
}

// Metadata returns the SAML metadata of an application, as its service provider
// would read it: GET
// /api/organizations/{org}/applications/{id}/metadata.xml, scope
// applications.readonly. The organisation's ID is [Application.OrganizationID].
//
// JumpCloud answers 500 for an application whose certificate was not written as
// base64 of PEM. The path names the organisation; where that is refused, it is asked once
// more with x-org-id (jc-metadata-org in package federation/assumptions).
func (c *Client) Metadata(ctx context.Context, orgID, appID string) (*certs.Metadata, error) {
	const path = "api/organizations/{org_id}/applications/{app_id}/metadata.xml"
	var body []byte
	r := &rest.Request{
		Method: http.MethodGet, Path: path, Args: []string{orgID, appID},
		Header: http.Header{"Accept": {"application/samlmetadata+xml, application/xml, text/xml, */*"}}, Permission: scopeApplicationsRead,
	}
	resp, err := c.do(ctx, r, &body)
	var e *Error
	if errors.As(err, &e) && (e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusUnauthorized) {
		r.Header.Set("X-Org-Id", orgID)
		if again, err2 := c.do(ctx, r, &body); err2 == nil {
			resp, err = again, nil
		}
	}
	if err != nil {
		return nil, err
	}
	m, err := certs.ParseMetadata(body)
	if err != nil {
		return nil, c.unusable(r, resp, resp.Attempts, err)
	}
	return m, nil
}
