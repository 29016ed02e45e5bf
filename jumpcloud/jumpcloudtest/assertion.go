package jumpcloudtest

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/jumpcloud"
)

const (
	classPassword     = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	multipleAuthn     = "http://schemas.microsoft.com/claims/multipleauthn"
	claimMethods      = "http://schemas.microsoft.com/claims/authnmethodsreferences"
	claimImmutableID  = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified"
	subjectImmutable  = "immutableId"
)

// answer answers the service provider, or says why it does not.
func (v *visit) answer() page {
	s, a := v.s, v.app
	if !s.bindings(v.user.ID, jumpcloud.ApplicationObject)[a.id] {
		return v.refuse(NotBound)
	}
	subject := a.value("subjectField")
	nameID := s.attribute(v.user, subject)
	if nameID == "" && subject == subjectImmutable {
		return v.refuse(NoImmutableID)
	}
	acs := a.acsURLs()
	if len(acs) == 0 {
		return v.refuse(CannotSign)
	}
	to := acs[0]
	if v.asks != nil && v.asks.acs != "" {
		to = v.asks.acs
	}
	message := v.response
	if v.asks != nil && v.asks.wsfed {
		message = v.wresult
	}
	b, err := message(nameID, to)
	if err != nil {
		return v.refuse(CannotSign)
	}
	s.tell(&event{Event: v.event("", nameID), app: v.appPart(), agent: v.r.UserAgent(), ip: clientIP(v.r)})
	relay := v.relay
	if v.asks == nil && relay == "" {
		relay = a.value("defaultTargetUrl")
	}
	return page{status: 200, name: "post", cookie: v.cookie, data: map[string]any{
		"To": to, "Label": a.label(), "Hidden": v.fields(b, relay), "Script": submitScript,
	}}
}

// fields are those of the form that goes to the service provider.
func (v *visit) fields(message []byte, relay string) []namedValue {
	if v.asks != nil && v.asks.wsfed {
		return []namedValue{{"wa", "wsignin1.0"}, {"wresult", string(message)}, {"wctx", relay}}
	}
	return []namedValue{{"SAMLResponse", base64.StdEncoding.EncodeToString(message)}, {"RelayState", relay}}
}

// label is what people know the application by.
func (a *app) label() string {
	return cmp.Or(a.text("displayLabel"), a.text("displayName"), a.text("name"))
}

// newElementID is an ID that is a name of XML.
func newElementID() string {
	var b [16]byte
	rand.Read(b[:])
	return "_" + hex.EncodeToString(b[:])
}

// stamp is a time as messages have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// response makes the signed message.
func (v *visit) response(nameID, to string) ([]byte, error) {
	q := v.s.Quirks.SignIn
	now := v.s.now().Add(q.ClockSkew)
	doc := etree.NewDocument()
	r := doc.CreateElement("samlp:Response")
	attrs(r, "xmlns:samlp", nsSAMLP, "xmlns:saml", nsSAML, "ID", newElementID(), "Version", "2.0",
		"IssueInstant", stamp(now), "Destination", to)
	if v.asks != nil {
		attrs(r, "InResponseTo", v.asks.id)
	}
	child(r, "saml:Issuer").SetText(xmlText(v.app.value("idpEntityId")))
	child(child(r, "samlp:Status"), "samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Success")

	a := v.assertion(nameID, to, now)
	if v.app.flag("signAssertion") {
		if err := v.s.sign(v.app, a); err != nil {
			return nil, err
		}
	}
	r.AddChild(a)
	if v.app.flag("signResponse") {
		if err := v.s.sign(v.app, r); err != nil {
			return nil, err
		}
	}
	return doc.WriteToBytes()
}

// assertion stands for itself until it is signed: it names its own name spaces.
func (v *visit) assertion(nameID, to string, now time.Time) *etree.Element {
	q, app := v.s.Quirks.SignIn, v.app
	end := stamp(now.Add(cmp.Or(q.Lifetime, 10*time.Minute)))
	a := etree.NewElement("saml:Assertion")
	attrs(a, "xmlns:saml", nsSAML, "ID", newElementID(), "Version", "2.0", "IssueInstant", stamp(now))
	child(a, "saml:Issuer").SetText(xmlText(app.value("idpEntityId")))

	subject := child(a, "saml:Subject")
	child(subject, "saml:NameID", "Format", cmp.Or(app.value("overrideNameIdFormat"), formatUnspecified)).SetText(xmlText(nameID))
	data := child(child(subject, "saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer"),
		"saml:SubjectConfirmationData", "NotOnOrAfter", end, "Recipient", to)
	audience := app.value("spEntityId")
	if v.asks != nil {
		attrs(data, "InResponseTo", v.asks.id)
		audience = cmp.Or(audience, v.asks.issuer)
	}

	conditions := child(a, "saml:Conditions", "NotBefore", stamp(now.Add(-time.Minute)), "NotOnOrAfter", end)
	child(child(conditions, "saml:AudienceRestriction"), "saml:Audience").SetText(xmlText(audience))

	statement := child(a, "saml:AuthnStatement", "AuthnInstant", stamp(v.session.at.Add(q.ClockSkew)), "SessionIndex", newElementID())
	class, methods := v.authnContext()
	child(child(statement, "saml:AuthnContext"), "saml:AuthnContextClassRef").SetText(xmlText(class))

	list := child(a, "saml:AttributeStatement")
	for _, at := range v.attributes() {
		el := child(list, "saml:Attribute", "Name", at.Name)
		child(el, "saml:AttributeValue").SetText(xmlText(at.Value))
	}
	if len(methods) > 0 {
		el := child(list, "saml:Attribute", "Name", claimMethods)
		for _, m := range methods {
			child(el, "saml:AttributeValue").SetText(xmlText(m))
		}
	}
	if len(list.Child) == 0 { // an empty statement is none
		a.RemoveChild(list)
	}
	return a
}

func attrs(e *etree.Element, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		e.CreateAttr(pairs[i], xmlText(pairs[i+1]))
	}
}

// xmlText is text that is the same behind any reader of XML: what readers change, or
// refuse, is not in it.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r == 0xfffe || r == 0xffff:
			return 0xfffd
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

func child(parent *etree.Element, name string, pairs ...string) *etree.Element {
	e := parent.CreateElement(name)
	attrs(e, pairs...)
	return e
}

// namedValue is a row of an application's attributes: of the constant ones the value, of
// the others the name of the user's field.
type namedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// attributes are what the application is told of the user.
func (v *visit) attributes() []namedValue {
	var out, rows []namedValue
	json.Unmarshal(v.app.config["constantAttributes"]["value"], &rows)
	for _, row := range rows {
		if row.Name != "" {
			out = append(out, row)
		}
	}
	rows = nil
	json.Unmarshal(v.app.config["databaseAttributes"]["value"], &rows)
	for _, row := range rows {
		if value := v.s.attribute(v.user, row.Value); row.Name != "" && value != "" {
			out = append(out, namedValue{row.Name, value})
		}
	}
	if v.s.Quirks.SignIn.ImmutableIDAttribute {
		out = append(out, namedValue{claimImmutableID, v.s.attribute(v.user, subjectImmutable)})
	}
	if v.app.flag("includeGroups") {
		groups := v.s.bindings(v.user.ID, jumpcloud.GroupObject)
		for _, g := range v.s.groups.all() {
			if groups[g.ID] {
				out = append(out, namedValue{cmp.Or(v.app.value("groupsAttributeName"), "memberOf"), g.Name})
			}
		}
	}
	return out
}

// sign signs an element with the key that the application has, and names the
// certificate that it shows, whether they belong together or not.
func (s *Server) sign(a *app, e *etree.Element) error {
	cert := parseValue(a.value("idpCertificate"))
	if !a.hasKey || a.key == nil || cert == nil {
		return errNoKey
	}
	ctx, err := dsig.NewSigningContext(a.key, [][]byte{cert.Raw})
	if err != nil {
		return err
	}
	at := 1 // behind the issuer
	if e.SelectAttr("AssertionID") != nil {
		ctx.IdAttribute, at = "AssertionID", len(e.Child)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	method := dsig.RSASHA256SignatureMethod
	if strings.HasSuffix(strings.ToUpper(a.value("signatureAlgorithm")), "SHA1") {
		method = dsig.RSASHA1SignatureMethod
	}
	if err := ctx.SetSignatureMethod(method); err != nil {
		return err
	}
	sig, err := ctx.ConstructSignature(e, true)
	if err != nil {
		return err
	}
	e.InsertChildAt(at, sig)
	return nil
}
