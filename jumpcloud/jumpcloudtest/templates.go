package jumpcloudtest

import (
	"encoding/json"
	"fmt"
)

// template is what applications are made of.
type template struct {
	id     string
	name   string
	object object
}

func (t *template) config() config {
	var c config
	json.Unmarshal(t.object["config"], &c)
	return c
}

func (t *template) sso() string {
	var w struct{ Type string }
	json.Unmarshal(t.object["sso"], &w)
	return w.Type
}

// The template of Microsoft 365 is a guess, as nobody has published it: the
// settings of JumpCloud's other SAML templates with Microsoft's constants.
const (
	field365    = `"idpEntityId":{"type":"text","label":"IdP Entity ID:","value":"","required":true,"visible":true,"readOnly":false,"position":0}`
	fieldKey    = `"idpPrivateKey":{"type":"file","label":"IdP Private Key:","value":"","required":true,"visible":true,"readOnly":false,"position":1}`
	fieldCert   = `"idpCertificate":{"type":"file","label":"IdP Certificate:","value":"","required":true,"visible":true,"readOnly":false,"position":2}`
	template365 = `{"name":"office365","displayName":"Microsoft 365","displayLabel":"","ssoUrl":"https://sso.jumpcloud.com/saml2/office365","beta":false,"sso":{"type":"saml","jit":false},"config":{` + field365 + `,` + fieldKey + `,` + fieldCert + `,` +
		`"spEntityId":{"type":"text","label":"SP Entity ID:","value":"urn:federation:MicrosoftOnline","required":true,"visible":false,"readOnly":true,"position":3},` +
		`"acsUrl":{"type":"text","label":"ACS URL:","value":"https://login.microsoftonline.com/login.srf","required":true,"visible":false,"readOnly":true,"position":4},` +
		`"subjectField":{"type":"text","label":"SAMLSubject NameID:","value":"immutableId","required":true,"visible":false,"readOnly":true,"position":5},` +
		`"overrideNameIdFormat":{"type":"text","label":"SAMLSubject NameID Format:","value":"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent","required":false,"visible":false,"readOnly":true,"position":6},` +
		`"signatureAlgorithm":{"type":"text","label":"Signature Algorithm:","value":"RSA-SHA256","required":true,"visible":true,"readOnly":false,"position":7},` +
		`"constantAttributes":{"type":"constantAttributes","label":"Constant Attributes:","value":[],"required":false,"visible":true,"readOnly":false,"position":8},` +
		`"databaseAttributes":{"type":"constantAttributes","label":"User Attributes:","value":[{"isCustomAttribute":false,"mutable":false,"readOnly":true,"tempId":"0","name":"IDPEmail","value":"email"}],"required":false,"visible":true,"readOnly":false,"position":9},` +
		`"signAssertion":{"type":"bool","label":"Sign Assertion","value":true,"required":false,"visible":false,"readOnly":true,"position":13},` +
		`"signResponse":{"type":"bool","label":"Sign Response","value":false,"required":false,"visible":false,"readOnly":true,"position":13},` +
		`"declareRedirectEndpoint":{"type":"bool","label":"Declare Redirect Endpoint","value":true,"required":false,"visible":true,"readOnly":false,"position":16}}}`
	templateSAML = `{"name":"saml2","displayName":"SAML2.0","sso":{"type":"saml"},"config":{` + field365 + `,` + fieldKey + `,` + fieldCert + `,` +
		`"spEntityId":{"type":"text","label":"SP Entity ID:","value":"","required":true,"visible":true,"readOnly":false,"position":3},` +
		`"acsUrl":{"type":"text","label":"ACS URL:","value":"https://YOUR_ACS_URL/","required":true,"visible":true,"readOnly":false,"position":4},` +
		`"subjectField":{"type":"text","label":"SAMLSubject NameID:","value":"email","required":true,"visible":true,"readOnly":false,"position":5},` +
		`"overrideNameIdFormat":{"type":"text","label":"SAMLSubject NameID Format:","value":"urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified","required":false,"visible":true,"readOnly":false,"position":6},` +
		`"signatureAlgorithm":{"type":"text","label":"Signature Algorithm:","value":"RSA-SHA256","required":false,"visible":true,"readOnly":false,"position":7},` +
		`"constantAttributes":{"type":"constantAttributes","label":"Constant Attributes:","value":[],"required":false,"visible":true,"readOnly":false,"position":8},` +
		`"databaseAttributes":{"type":"constantAttributes","label":"User Attributes:","value":[],"required":false,"visible":true,"readOnly":false,"position":9},` +
		`"includeGroups":{"type":"bool","label":"Include Group Attribute","value":false,"required":false,"visible":true,"readOnly":false,"position":10},` +
		`"groupsAttributeName":{"type":"text","label":"Groups Attribute Name","value":"","required":false,"visible":true,"readOnly":false,"position":11},` +
		`"signAssertion":{"type":"bool","label":"Sign Assertion","value":true,"required":false,"visible":true,"readOnly":false,"position":13},` +
		`"signResponse":{"type":"bool","label":"Sign Response","value":false,"required":false,"visible":true,"readOnly":false,"position":13},` +
		`"defaultTargetUrl":{"type":"text","label":"Default RelayState:","value":"","required":false,"visible":true,"readOnly":false,"position":14},` +
		`"idpInitUrl":{"type":"text","label":"Login URL:","value":"","required":false,"visible":true,"readOnly":false,"position":15},` +
		`"authClaimConfiguration":{"value":null,"label":"authClaimConfiguration:"},` +
		`"declareRedirectEndpoint":{"type":"bool","label":"Declare Redirect Endpoint","value":false,"required":false,"visible":true,"readOnly":false,"position":16}}}`
	templateOIDC     = `{"name":"oidc","displayName":"OpenID Connect","sso":{"type":"oidc"},"config":{}}`
	templateBookmark = `{"name":"bookmark","displayName":"Bookmark","sso":{"type":"bookmark"},"config":{}}`
)

func newTemplate(id, text string) *template {
	t := &template{id: id}
	if err := json.Unmarshal([]byte(text), &t.object); err != nil {
		panic(fmt.Sprintf("jumpcloudtest: a template must be a JSON object: %v", err))
	}
	json.Unmarshal(t.object["name"], &t.name)
	if t.name == "" {
		panic("jumpcloudtest: a template needs a name")
	}
	t.object["_id"], t.object["id"] = raw(id), raw(id)
	return t
}

// allTemplates are those of the zero value unless there are others of their
// name.
func (s *Server) allTemplates() []*template {
	if len(s.templates) == 0 {
		for _, text := range []string{template365, templateSAML, templateOIDC, templateBookmark} {
			s.templates = append(s.templates, newTemplate(s.newID(kindTemplate), text))
		}
	}
	return s.templates
}

func (s *Server) template(name string) *template {
	return find(s.allTemplates(), func(t *template) bool { return t.name == name })
}

// SetTemplate adds a template, or replaces the one of the same name. It is a
// JSON object with name, displayName, sso and config, as in JumpCloud's
// application-templates. The zero Server has "office365" (which is a guess),
// "saml2", "oidc" and "bookmark".
func (s *Server) SetTemplate(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.allTemplates()
	t := newTemplate(s.newID(kindTemplate), text)
	for i, old := range all {
		if old.name == t.name {
			all[i] = t
			return
		}
	}
	s.templates = append(all, t)
}

// RemoveTemplate removes the template with the given name.
func (s *Server) RemoveTemplate(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []*template
	for _, t := range s.allTemplates() {
		if t.name != name {
			left = append(left, t)
		}
	}
	s.templates = left
}

func (s *Server) listTemplates(c *call) reply {
	var all []object
	for _, t := range s.allTemplates() {
		all = append(all, t.object)
	}
	return s.v1list(c, all, "name")
}
