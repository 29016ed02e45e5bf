package jumpcloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
)

// Keys of an application's settings that this package knows.
const (
	settingEntityID    = "idpEntityId"
	settingCertificate = "idpCertificate"
	settingKey         = "idpPrivateKey"
)

// Application is an SSO application: an instance of a [Template].
//
// It is a view of the object that JumpCloud sent, all of which it carries:
// [Client.ModifyApplication] writes back what this package does not know.
type Application struct {
	ID             string
	Name           string // of the template, "office365" for instance; not the label
	DisplayName    string // the template's title
	DisplayLabel   string // what administrators call it
	Description    string
	SSOURL         string // where people sign in; fixed when the application is created
	OrganizationID string
	Active         bool
	Hidden         bool   // people do not see it among theirs, and sign in with it by its address all the same
	SSOType        string // "saml", "oidc", …

	IdPEntityID        string    // setting idpEntityId
	CertificateExpires time.Time // zero if there is no certificate
	Created            time.Time

	// When certificate and private key were last replaced; zero if JumpCloud does
	// not tell. They are read only.
	CertificateUpdated, KeyUpdated time.Time

	raw    map[string]json.RawMessage
	config map[string]json.RawMessage // nil if there is none that can be read
}

// UnmarshalJSON reads JumpCloud's form of an application.
func (a *Application) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var w struct {
		ObjectID     string  `json:"_id"`
		ID           string  `json:"id"`
		Name         string  `json:"name"`
		DisplayName  *string `json:"displayName"`
		DisplayLabel *string `json:"displayLabel"`
		Description  *string `json:"description"`
		SSOURL       *string `json:"ssoUrl"`
		Organization *string `json:"organization"`
		Active       *bool   `json:"active"`
		Created      string  `json:"created"`
		SSO          *struct {
			Type        string `json:"type"`
			Hidden      *bool  `json:"hidden"`
			Expires     string `json:"idpCertExpirationAt"`
			CertUpdated string `json:"idpCertificateUpdatedAt"`
			KeyUpdated  string `json:"idpPrivateKeyUpdatedAt"`
		} `json:"sso"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*a = Application{
		ID: cmp.Or(w.ObjectID, w.ID), Name: w.Name, DisplayName: deref(w.DisplayName), DisplayLabel: deref(w.DisplayLabel),
		Description: deref(w.Description), SSOURL: deref(w.SSOURL), OrganizationID: deref(w.Organization),
		Active: w.Active != nil && *w.Active, Created: parseTime(w.Created), raw: raw,
	}
	if w.SSO != nil {
		a.SSOType, a.Hidden = w.SSO.Type, w.SSO.Hidden != nil && *w.SSO.Hidden
		a.CertificateExpires = parseTime(w.SSO.Expires)
		a.CertificateUpdated, a.KeyUpdated = parseTime(w.SSO.CertUpdated), parseTime(w.SSO.KeyUpdated)
	}
	// Some recorders and proxies blank the whole config: a string is no reason to fail.
	if json.Unmarshal(raw["config"], &a.config) != nil {
		a.config = nil
	}
	a.IdPEntityID = a.text(settingEntityID)
	return nil
}

// String identifies the application. It shows no setting.
func (a Application) String() string {
	state := "inactive"
	if a.Active {
		state = "active"
	}
	return fmt.Sprintf("application %s (%s, %q, %s)", a.ID, a.Name, a.DisplayLabel, state)
}

// GoString is [Application.String].
func (a Application) GoString() string { return a.String() }

// LogValue implements [slog.LogValuer]. It shows no setting.
func (a Application) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", a.ID), slog.String("template", a.Name), slog.String("label", a.DisplayLabel),
		slog.Bool("active", a.Active))
}

// Setting returns the value of a setting, as JSON. It is false if the
// application has no such setting or it has no value.
func (a *Application) Setting(key string) (json.RawMessage, bool) {
	v := fieldValue(a.config[key])
	return v, v != nil
}

// fieldValue is the value of {"type":…,"label":…,"value":…}.
func fieldValue(field json.RawMessage) json.RawMessage {
	var w struct {
		Value json.RawMessage `json:"value"`
	}
	if field == nil || json.Unmarshal(field, &w) != nil {
		return nil
	}
	return w.Value
}

// text is the value of a setting that is a string.
func (a *Application) text(key string) string {
	var s string
	if v, ok := a.Setting(key); !ok || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// Settings returns the keys of the settings, in no particular order.
func (a *Application) Settings() []string {
	keys := make([]string, 0, len(a.config))
	for k := range a.config {
		keys = append(keys, k)
	}
	return keys
}

// SetSetting gives a setting another value, which must be fit for JSON; its
// label and place stay. It is for the edit function of
// [Client.ModifyApplication]. A key that the application does not have is an
// error: JumpCloud does not support settings outside of the template.
func (a *Application) SetSetting(key string, value any) error {
	field, ok := a.config[key]
	if !ok {
		return invalidf("the application has no setting %q", key)
	}
	v, err := json.Marshal(value)
	if err != nil {
		return invalidf("setting %q: %v", key, err)
	}
	var w map[string]json.RawMessage
	if json.Unmarshal(field, &w) != nil || w == nil {
		w = map[string]json.RawMessage{}
	}
	w["value"] = v
	if field, err = json.Marshal(w); err != nil {
		return invalidf("setting %q: %v", key, err)
	}
	a.config = maps.Clone(a.config) // never write to what another view shares
	a.config[key] = field
	if key == settingEntityID {
		a.IdPEntityID = a.text(key)
	}
	return nil
}

// Certificate returns the certificate with which the application signs:
// setting idpCertificate, which is base64 of PEM. An application without one,
// or one that a proxy blanked, gives [ErrNoCertificate].
func (a *Application) Certificate() (certs.Cert, error) {
	s := a.text(settingCertificate)
	if strings.TrimSpace(s) == "" {
		return certs.Cert{}, fmt.Errorf("jumpcloud: application %s: %w", a.ID, ErrNoCertificate)
	}
	c, err := certs.ParseOne([]byte(s))
	if err != nil {
		return certs.Cert{}, fmt.Errorf("jumpcloud: application %s: its certificate cannot be read: %w", a.ID, err)
	}
	return c, nil
}

// hasCertificate reports whether JumpCloud says that there is one, readable or not.
func (a *Application) hasCertificate() bool {
	return a.text(settingCertificate) != "" || !a.CertificateExpires.IsZero()
}

// sameCertificate reports whether a and b show the same certificate.
func sameCertificate(a, b *Application) bool {
	s, t := a.text(settingCertificate), b.text(settingCertificate)
	if s == t {
		return true
	}
	c, err := a.Certificate()
	d, err2 := b.Certificate()
	return err == nil && err2 == nil && c == d
}

// clone is a copy that an edit function may do anything to.
func (a *Application) clone() *Application {
	b := *a
	b.raw, b.config = maps.Clone(a.raw), maps.Clone(a.config)
	return &b
}

// edited returns the object to write back when before was edited into a: the
// object as it was read, byte for byte but for what the edit changed, and for sso,
// which is sent without what is read only. It is nil if nothing changed.
func (a *Application) edited(before *Application) (json.RawMessage, error) {
	if a.raw == nil {
		return nil, errors.New("jumpcloud: edit must change the application it is given, not put another in its place")
	}
	for _, f := range []struct {
		name     string
		old, new string
	}{
		{"ID", before.ID, a.ID}, {"Name", before.Name, a.Name}, {"SSOURL", before.SSOURL, a.SSOURL},
		{"OrganizationID", before.OrganizationID, a.OrganizationID}, {"SSOType", before.SSOType, a.SSOType},
	} {
		if f.old != f.new {
			return nil, invalidf("the %s of an application cannot be changed: delete it and create another", f.name)
		}
	}
	if a.IdPEntityID != before.IdPEntityID && a.IdPEntityID != a.text(settingEntityID) {
		if err := a.SetSetting(settingEntityID, a.IdPEntityID); err != nil {
			return nil, err
		}
	}
	out, changed := maps.Clone(before.raw), false
	set := func(key string, value any) {
		b, _ := json.Marshal(value) // strings and bools
		out[key], changed = b, true
	}
	if a.DisplayName != before.DisplayName {
		set("displayName", a.DisplayName)
	}
	if a.DisplayLabel != before.DisplayLabel {
		set("displayLabel", a.DisplayLabel)
	}
	if a.Description != before.Description {
		set("description", a.Description)
	}
	if a.Active != before.Active {
		set("active", a.Active)
	} else if _, ok := out["active"]; !ok {
		out["active"], _ = json.Marshal(a.Active)
	}
	sso := before.sso(readOnlySSO...)
	if a.Hidden != before.Hidden {
		if sso == nil {
			return nil, invalidf("application %s does not show what it has in sso, so Hidden cannot be changed", a.ID)
		}
		sso["hidden"], _ = json.Marshal(a.Hidden)
		changed = true
	}
	if sso != nil {
		out["sso"], _ = json.Marshal(sso)
	}
	for _, key := range [...]string{settingCertificate, settingKey} {
		if !bytes.Equal(a.config[key], before.config[key]) && !sameJSON(fieldValue(a.config[key]), fieldValue(before.config[key])) {
			return nil, fmt.Errorf("jumpcloud: application %s: setting %s: %w; use ReplaceCertificate", a.ID, key, ErrCertificate)
		}
	}
	config := maps.Clone(before.config)
	for key, field := range a.config {
		if !sameJSON(field, before.config[key]) {
			config[key], changed = field, true
		}
	}
	if !changed {
		return nil, nil
	}
	if config != nil {
		b, err := json.Marshal(config)
		if err != nil {
			return nil, err
		}
		out["config"] = b
	}
	return json.Marshal(out)
}

// readOnlySSO are the members of sso that JumpCloud tells and does not take.
var readOnlySSO = []string{"idpCertificateUpdatedAt", "idpPrivateKeyUpdatedAt"}

// sso returns a copy of the object with what concerns signing in, for writing, without
// some members. It is nil if the application does not show it.
func (a *Application) sso(without ...string) map[string]json.RawMessage {
	var sso map[string]json.RawMessage
	if json.Unmarshal(a.raw["sso"], &sso) != nil {
		return nil
	}
	for _, name := range without {
		delete(sso, name)
	}
	return sso
}

// sameJSON compares without regard for white space and the order of keys.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	canonical := func(m json.RawMessage) ([]byte, bool) {
		d := json.NewDecoder(bytes.NewReader(m))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return nil, false
		}
		out, err := json.Marshal(v)
		return out, err == nil
	}
	x, ok := canonical(a)
	y, ok2 := canonical(b)
	return ok && ok2 && bytes.Equal(x, y)
}
