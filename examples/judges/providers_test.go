package judges_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	stampLayout = "2006-01-02T15:04:05.000Z"
	entityOf    = "https://sso.example.com/"
)

// request is Azure AD's request, as recorded.
func request(at time.Time) string {
	return `<samlp:AuthnRequest ID="` + requestID + `" Version="2.0" IssueInstant="` + at.UTC().Format(stampLayout) +
		`" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + online +
		`</Issuer><samlp:NameIDPolicy Format="` + persistent + `"/></samlp:AuthnRequest>`
}

// service is Azure AD to crewjam/saml's identity provider, in all of its roles.
type service struct {
	recipe
	metadata saml.EntityDescriptor
	made     *etree.Element
	plain    bool // the assertion is as crewjam/saml makes it
}

func (s *service) GetServiceProvider(_ *http.Request, id string) (*saml.EntityDescriptor, error) {
	if id != online {
		return nil, os.ErrNotExist
	}
	return &s.metadata, nil
}

func (s *service) GetSession(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
	session := &saml.Session{ID: "1", Index: "_s1", CreateTime: s.at, ExpireTime: s.at.Add(time.Hour), NameID: s.nameID, UserEmail: s.email}
	if !s.plain {
		session.NameIDFormat, session.AuthnContextClassRef = s.format, s.class
	}
	return session
}

// MakeAssertion lets crewjam/saml make the assertion, and then has what Azure AD
// needs and that has no setting for.
func (s *service) MakeAssertion(req *saml.IdpAuthnRequest, session *saml.Session) error {
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(req, session); err != nil || s.plain {
		return err
	}
	a := req.Assertion
	a.AttributeStatements = []saml.AttributeStatement{{Attributes: []saml.Attribute{}}}
	if s.email != "" {
		value := saml.AttributeValue{Type: "xs:string", Value: s.email}
		a.AttributeStatements[0].Attributes = []saml.Attribute{{Name: "IDPEmail", Values: []saml.AttributeValue{value}}}
	}
	a.Conditions.AudienceRestrictions[0].Audience.Value = s.audience
	a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = s.destination
	return nil
}

// WriteResponse signs what the recipe says: crewjam/saml itself signs both.
func (s *service) WriteResponse(_ http.ResponseWriter, req *saml.IdpAuthnRequest) error {
	if s.signs == "response" || s.signs == "none" {
		req.AssertionEl = req.Assertion.Element()
	}
	if s.signs == "both" || s.signs == "response" {
		err := req.MakeResponse()
		s.made = req.ResponseEl
		return err
	}
	if req.AssertionEl == nil {
		if err := req.MakeAssertionEl(); err != nil {
			return err
		}
	}
	r := saml.Response{ID: "_r1", Version: "2.0", IssueInstant: req.Now, Destination: s.destination, InResponseTo: req.Request.ID,
		Issuer: &saml.Issuer{Value: s.issuer}, Status: saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusSuccess}}}
	s.made = r.Element()
	s.made.AddChild(req.AssertionEl)
	return nil
}

// crewjam answers by crewjam/saml's identity provider; plain is how it does that by
// default.
func crewjam(t *testing.T, r recipe, plain bool) []byte {
	t.Helper()
	s := &service{recipe: r, plain: plain, metadata: saml.EntityDescriptor{EntityID: online, SPSSODescriptors: []saml.SPSSODescriptor{{
		AssertionConsumerServices: []saml.IndexedEndpoint{{Binding: saml.HTTPPostBinding, Location: loginSRF, Index: 0}}}}}}
	if r.encrypted {
		s.metadata.SPSSODescriptors[0].KeyDescriptors = []saml.KeyDescriptor{{Use: "encryption", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{
			X509Certificates: []saml.X509Certificate{{Data: pairs().service.Cert().Base64()}}}}}}
	}
	entity, err := url.Parse(r.issuer)
	if err != nil {
		t.Fatal(err)
	}
	sso, err := url.Parse(entityOf)
	if err != nil {
		t.Fatal(err)
	}
	idp := &saml.IdentityProvider{
		Key: signer(t, r.by), Certificate: r.by.Cert().X509(), SignatureMethod: r.method, MetadataURL: *entity, SSOURL: *sso,
		ServiceProviderProvider: s, SessionProvider: s, AssertionMaker: s, ResponseWriter: s, Clock: dsig.NewFakeClockAt(r.at),
		OnError: func(_ http.ResponseWriter, _ *http.Request, status int, err error) { t.Fatalf("%d: %v", status, err) },
	}
	w := httptest.NewRecorder()
	if r.unsolicited {
		idp.ServeIDPInitiated(w, httptest.NewRequest(http.MethodGet, entityOf, nil), online, "")
	} else {
		form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(request(r.at)))}, "RelayState": {"state"}}
		ask := httptest.NewRequest(http.MethodPost, entityOf, strings.NewReader(form.Encode()))
		ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		idp.ServeSSO(w, ask)
	}
	if s.made == nil {
		t.Fatal("there is no response")
	}
	doc := etree.NewDocument()
	doc.SetRoot(s.made)
	b, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// samlify answers by samlify's identity provider; plain is how it does that by default.
func samlify(t *testing.T, r recipe, plain bool) []byte {
	t.Helper()
	if r.signs == "none" {
		t.Skip("samlify always signs")
	}
	args := map[string]any{
		"issuer": r.issuer, "audience": r.audience, "destination": r.destination, "nameID": r.nameID, "format": r.format, "class": r.class,
		"email": r.email, "method": r.method, "signs": r.signs, "key": string(r.by.PrivateKeyPEM()), "certificate": string(r.by.Cert().PEM()),
		"now": r.at.UTC().Format(stampLayout), "begin": r.at.Add(-time.Minute).UTC().Format(stampLayout),
		"end": r.at.Add(5 * time.Minute).UTC().Format(stampLayout), "inResponseTo": requestID,
	}
	if r.unsolicited {
		args["inResponseTo"] = ""
	}
	if r.encrypted {
		args["encryptTo"] = string(pairs().service.Cert().PEM())
	}
	call := "respond"
	if plain {
		call = "respondByDefault"
	}
	a := node(t, call, args)
	if a.Error != "" {
		t.Fatal(a.Error)
	}
	return a.Message
}
