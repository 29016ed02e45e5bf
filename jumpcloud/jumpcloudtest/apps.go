package jumpcloudtest

import (
	"cmp"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

type (
	object = map[string]json.RawMessage
	config = map[string]object
)

// app is an SSO application. It is never changed, only replaced.
type app struct {
	id      string
	fields  object // top level, as they were written, without what the service keeps
	sso     object
	config  config
	key     *rsa.PrivateKey // nil if it is lost or was never readable
	hasKey  bool
	created time.Time

	certUpdated, keyUpdated time.Time // zero if there never was one
}

func (a *app) text(key string) string {
	var v string
	json.Unmarshal(a.fields[key], &v)
	return v
}

func (a *app) value(key string) string {
	var v string
	json.Unmarshal(a.config[key]["value"], &v)
	return v
}

func (a *app) active() bool { return string(a.fields["active"]) == "true" }

// clone is a copy to be changed and then put.
func (a *app) clone() *app {
	b := *a
	b.fields, b.sso, b.config = maps.Clone(a.fields), maps.Clone(a.sso), maps.Clone(a.config)
	return &b
}

// set replaces the value of a setting of a clone.
func (a *app) set(key, value string) {
	f := maps.Clone(a.config[key])
	if f == nil {
		f = object{}
	}
	f["value"] = raw(value)
	a.config[key] = f
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func date(t time.Time) json.RawMessage { return raw(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

// readOnly are the members of sso that only the service writes.
var readOnly = []string{"idpCertExpirationAt", "idpCertificateUpdatedAt", "idpPrivateKeyUpdatedAt"}

// render is the application as JumpCloud shows it.
func (s *Server) render(a *app) object {
	out := object{
		"beta": raw(false), "color": raw(nil), "learnMore": raw(""), "description": raw(""), "displayLabel": raw(""),
		"logo": raw(map[string]string{"url": ""}), "databaseAttributes": raw([]any{}),
	}
	maps.Copy(out, a.fields)
	out["_id"], out["id"] = raw(a.id), raw(a.id)
	out["organization"] = raw(s.orgID())
	out["created"] = date(a.created)
	sso := object{"type": raw("saml"), "jit": raw(false), "beta": raw(false), "hidden": raw(false)}
	maps.Copy(sso, a.sso)
	if c := parseValue(a.value("idpCertificate")); c != nil {
		sso["idpCertExpirationAt"] = date(c.NotAfter)
	}
	if !s.Quirks.OmitUpdatedAt && !a.certUpdated.IsZero() {
		sso["idpCertificateUpdatedAt"] = date(a.certUpdated)
	}
	if !s.Quirks.OmitUpdatedAt && !a.keyUpdated.IsZero() {
		sso["idpPrivateKeyUpdatedAt"] = date(a.keyUpdated)
	}
	out["sso"] = raw(sso)
	shown := maps.Clone(a.config)
	if f, ok := shown["idpPrivateKey"]; ok { // it can only be written
		f = maps.Clone(f)
		f["value"] = raw("")
		shown["idpPrivateKey"] = f
	}
	out["config"] = raw(shown)
	return out
}

func (s *Server) appRoutes(mux *http.ServeMux) {
	s.route(mux, "GET /api/applications", "applications.readonly", s.listApps)
	s.route(mux, "POST /api/applications", "applications", s.createApp)
	s.route(mux, "GET /api/applications/{id}", "applications.readonly", func(c *call) reply {
		if a := s.apps.read(c.PathValue("id"), s.GetLag); a != nil {
			return ok(s.render(s.behind(a, "certificate", s.Quirks.CertificateLag)))
		}
		return notFound
	})
	s.route(mux, "PUT /api/applications/{id}", "applications", s.putApp)
	s.route(mux, "DELETE /api/applications/{id}", "applications", s.deleteApp)
	s.route(mux, "GET /api/application-templates", "applicationtemplates.readonly", s.listTemplates)
	s.route(mux, "GET /api/application-templates/{id}", "applicationtemplates.readonly", func(c *call) reply {
		for _, t := range s.allTemplates() {
			if t.id == c.PathValue("id") {
				return ok(project(t.object, c.URL.Query().Get("fields")))
			}
		}
		return notFound
	})
	s.route(mux, "GET /api/organizations/{org}/applications/{id}/metadata.xml", "applications.readonly", s.metadata)
}

// behind is what a view shows of an application whose certificate it sees with a lag.
func (s *Server) behind(a *app, view string, lag Lag) *app {
	if _, signs := a.config["idpCertificate"]; !signs || lag == (Lag{}) {
		return a
	}
	past := s.apps.byID[a.id].Read(view, lag)
	if past == nil || past.certUpdated.After(a.certUpdated) { // a itself is seen with a longer one
		return a
	}
	b := a.clone()
	b.config["idpCertificate"] = past.config["idpCertificate"]
	b.certUpdated, b.keyUpdated = past.certUpdated, past.keyUpdated
	return b
}

func (s *Server) listApps(c *call) reply {
	apps := s.apps.list(s.ListLag)
	objects := make([]object, len(apps))
	for i, a := range apps {
		objects[i] = s.render(s.behind(a, "certificate in lists", s.Quirks.CertificateLag))
	}
	return s.v1list(c, objects, "name")
}

func (s *Server) createApp(c *call) reply {
	for _, key := range []string{"idpCertificate", "idpPrivateKey"} {
		var conf config
		json.Unmarshal(c.body["config"], &conf)
		if v, sent := conf[key]["value"]; sent && (string(v) == `""` || string(v) == "null") {
			// Not a failure that passes: it is so every time.
			return fail(http.StatusServiceUnavailable, `{"message":"Service Unavailable"}`)
		}
	}
	a := &app{id: s.newID(kindApp), created: s.now()}
	if r, ok := s.fill(a, nil, c); !ok {
		return r
	}
	s.keep(a.id, a)
	c.change(jumpcloud.ApplicationObject, a.id)
	return ok(s.render(a))
}

func (s *Server) putApp(c *call) reply {
	old := s.apps.get(c.PathValue("id"))
	if old == nil {
		return notFound
	}
	a := &app{id: old.id, created: old.created}
	if r, ok := s.fill(a, old, c); !ok {
		return r
	}
	s.keep(a.id, a)
	c.change(jumpcloud.ApplicationObject, a.id)
	return ok(s.render(a))
}

// fill makes a out of the body alone: what is not sent is reset, the
// certificate included. old is nil on creation.
func (s *Server) fill(a, old *app, c *call) (reply, bool) {
	name := c.str("name")
	t := s.template(name)
	switch {
	case name == "":
		return v1invalid("The application name is required"), false
	case t == nil:
		return v1invalid("The application is not supported"), false
	case c.str("ssoUrl") == "" && t.sso() != "oidc":
		return v1invalid("The IdP URL is required"), false
	case c.str("ssoUrl") != "" && t.sso() == "oidc":
		return v1invalid("The IdP URL is not allowed"), false
	case len([]rune(c.str("description"))) > 256:
		return v1invalid("The description is too long"), false
	}
	shown := object{}
	if old != nil {
		shown = s.render(old)
	}
	if name := extraneous(c.body, applicationProperties, shown); name != "" {
		return unmodelled(fmt.Sprintf("the property %q of applications", name)), false
	}
	if name := applicationForms.strange(c.body); name != "" {
		return mistyped(name), false
	}
	a.fields = object{"active": raw(false), "displayName": t.object["displayName"]}
	for k, v := range c.body {
		switch k {
		case "_id", "id", "organization", "created", "config", "sso":
		default:
			a.fields[k] = v
		}
	}
	json.Unmarshal(c.body["sso"], &a.sso)
	for _, name := range readOnly {
		delete(a.sso, name)
	}
	var sent config
	if json.Unmarshal(c.body["config"], &sent) != nil || c.body["config"] == nil {
		if old == nil {
			return v1invalid("The application config is required"), false
		}
		sent = nil
	}
	if r, ok := a.configure(t, old, sent); !ok {
		return r, false
	}
	entityID := a.value("idpEntityId")
	taken := func(o *app) bool { return o.id != a.id && o.value("idpEntityId") == entityID }
	switch unique, alter := s.Quirks.UniqueEntityIDs, s.Quirks.AlterEntityIDs; {
	case !unique && !alter, entityID == "", find(s.apps.all(), taken) == nil:
	case unique:
		return v1invalid("The IdP Entity ID is in use"), false
	default:
		a.set("idpEntityId", entityID+"/"+a.id)
	}
	if _, signs := a.config["idpCertificate"]; signs {
		return s.certify(a, old, sent)
	}
	return reply{}, true
}

// configure makes the settings of a out of what was sent: what was not is as the
// template has it. What becomes of settings that the template does not have is not
// known, unless the application has got them otherwise.
func (a *app) configure(t *template, old *app, sent config) (reply, bool) {
	if a.config = t.config(); a.config == nil {
		a.config = config{}
	}
	for key, field := range sent {
		known := a.config[key] != nil || old != nil && old.config[key] != nil
		if !known {
			return unmodelled("the setting " + key + " of applications of the template " + t.name + ": SetTemplate can add it"), false
		}
		f := maps.Clone(a.config[key])
		if f == nil {
			f = object{}
		}
		maps.Copy(f, field)
		a.config[key] = f
	}
	return reply{}, true
}

// certify decides about certificate and key of a.
func (s *Server) certify(a, old *app, sent config) (reply, bool) {
	cert, certSent := sent["idpCertificate"]["value"]
	keyValue := a.value("idpPrivateKey")
	delete(a.config["idpPrivateKey"], "value") // it is not kept as text
	switch {
	case !certSent:
		s.renew(a)
		return reply{}, true
	case string(cert) == `""` || string(cert) == "null":
		return fail(http.StatusServiceUnavailable, `{"message":"Service Unavailable"}`), false
	}
	same := old != nil && old.value("idpCertificate") == a.value("idpCertificate")
	a.certUpdated = s.now()
	if old != nil {
		a.keyUpdated = old.keyUpdated
	}
	if same {
		a.certUpdated = old.certUpdated
	}
	switch {
	case keyValue != "" && old != nil && s.Quirks.KeepOldKey:
		a.key, a.hasKey = old.key, old.hasKey
	case keyValue != "":
		a.key, a.hasKey, a.keyUpdated = parseKey(keyValue), true, s.now()
	case !same: // uploading a certificate wipes the key
	case s.Quirks.EmptyKey == RenewCertificate:
		s.renew(a)
	case s.Quirks.EmptyKey == KeepKey:
		a.key, a.hasKey = old.key, old.hasKey
	}
	return reply{}, true
}

// renew gives a, which nobody else knows yet, a new pair.
func (s *Server) renew(a *app) {
	p := s.newPair()
	a.set("idpCertificate", configValue(p.der))
	a.key, a.hasKey = p.key, true
	a.certUpdated, a.keyUpdated = s.now(), s.now()
}

func (s *Server) deleteApp(c *call) reply {
	a := s.apps.get(c.PathValue("id"))
	if a == nil {
		return notFound
	}
	s.keep(a.id, nil)
	s.cut(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: a.id})
	c.change(jumpcloud.ApplicationObject, a.id)
	if s.Quirks.DeleteStatus == http.StatusNoContent {
		return noContent
	}
	return ok(s.render(a))
}

func (s *Server) metadata(c *call) reply {
	a := s.apps.read(c.PathValue("id"), s.GetLag)
	if a == nil || c.PathValue("org") != s.orgID() {
		return notFound
	}
	a = s.behind(a, "metadata", s.Quirks.MetadataLag)
	cert := parseValue(a.value("idpCertificate"))
	if cert == nil {
		return fail(http.StatusInternalServerError, `{"message":"Internal Server Error"}`)
	}
	redirect := true // a template without the setting offers both
	if f, ok := a.config["declareRedirectEndpoint"]; ok {
		redirect = string(f["value"]) == "true"
	}
	_, takesSPCert := a.config["spCertificate"]
	return reply{
		status: http.StatusOK, ctype: cmp.Or(s.Quirks.MetadataType, "application/xml"),
		body: metadataXML(a.value("idpEntityId"), a.text("ssoUrl"), cert, redirect, takesSPCert),
	}
}
