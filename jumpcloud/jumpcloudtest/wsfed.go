package jumpcloudtest

import (
	"cmp"
	"time"

	"github.com/beevik/etree"
)

const (
	nsTrust  = "http://schemas.xmlsoap.org/ws/2005/02/trust"
	nsSAML11 = "urn:oasis:names:tc:SAML:1.0:assertion"
)

// readWSFed reads a request of WS-Federation, which stands in the address, or in the
// fields of the log-in page.
func (v *visit) readWSFed() Refusal {
	f := v.r.Form
	realm := f.Get("wtrealm")
	switch {
	case !v.s.Quirks.SignIn.WSFed || f.Get("wa") != "wsignin1.0" || realm == "":
		return BadRequest
	case v.app.value("spEntityId") != "" && realm != v.app.value("spEntityId"):
		return WrongService
	}
	v.relay = f.Get("wctx")
	v.asks = &authnRequest{issuer: realm, force: f.Get("wfresh") == "0", wsfed: true}
	return ""
}

// wresult is the answer of WS-Federation, in the shape in which AD FS gives it. It does
// not name the address that it goes to.
func (v *visit) wresult(nameID, _ string) ([]byte, error) {
	q := v.s.Quirks.SignIn
	now := v.s.now().Add(q.ClockSkew)
	begin, end := stamp(now.Add(-time.Minute)), stamp(now.Add(cmp.Or(q.Lifetime, 10*time.Minute)))
	a := v.token(nameID, stamp(now), begin, end)
	if err := v.s.sign(v.app, a); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	r := doc.CreateElement("t:RequestSecurityTokenResponse")
	attrs(r, "xmlns:t", nsTrust)
	life := child(r, "t:Lifetime")
	const utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	child(life, "wsu:Created", "xmlns:wsu", utility).SetText(stamp(now))
	child(life, "wsu:Expires", "xmlns:wsu", utility).SetText(end)
	to := child(r, "wsp:AppliesTo", "xmlns:wsp", "http://schemas.xmlsoap.org/ws/2004/09/policy")
	to = child(to, "wsa:EndpointReference", "xmlns:wsa", "http://www.w3.org/2005/08/addressing")
	child(to, "wsa:Address").SetText(xmlText(v.asks.issuer))
	child(r, "t:RequestedSecurityToken").AddChild(a)
	child(r, "t:TokenType").SetText(nsSAML11)
	child(r, "t:RequestType").SetText(nsTrust + "/Issue")
	child(r, "t:KeyType").SetText("http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey")
	return doc.WriteToBytes()
}

// token is an assertion of SAML 1.1.
func (v *visit) token(nameID, now, begin, end string) *etree.Element {
	a := etree.NewElement("saml:Assertion")
	attrs(a, "xmlns:saml", nsSAML11, "MajorVersion", "1", "MinorVersion", "1", "AssertionID", newElementID(),
		"Issuer", v.app.value("idpEntityId"), "IssueInstant", now)
	conditions := child(a, "saml:Conditions", "NotBefore", begin, "NotOnOrAfter", end)
	child(child(conditions, "saml:AudienceRestrictionCondition"), "saml:Audience").SetText(xmlText(v.asks.issuer))

	subject := func(of *etree.Element) {
		s := child(of, "saml:Subject")
		child(s, "saml:NameIdentifier", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified").SetText(xmlText(nameID))
		child(child(s, "saml:SubjectConfirmation"), "saml:ConfirmationMethod").SetText("urn:oasis:names:tc:SAML:1.0:cm:bearer")
	}
	class, methods := v.authnContext()
	if class == classPassword {
		class = "urn:oasis:names:tc:SAML:1.0:am:password"
	}
	list := child(a, "saml:AttributeStatement")
	subject(list)
	attribute := func(space, name string, values ...string) {
		el := child(list, "saml:Attribute", "AttributeName", name, "AttributeNamespace", space)
		for _, value := range values {
			child(el, "saml:AttributeValue").SetText(xmlText(value))
		}
	}
	attribute("http://schemas.xmlsoap.org/claims", "UPN", v.user.Email)
	attribute("http://schemas.microsoft.com/LiveID/Federation/2008/05", "ImmutableID", nameID)
	if len(methods) > 0 {
		attribute("http://schemas.microsoft.com/claims", "authnmethodsreferences", methods...)
	}
	at := v.session.at.Add(v.s.Quirks.SignIn.ClockSkew)
	subject(child(a, "saml:AuthenticationStatement", "AuthenticationMethod", class, "AuthenticationInstant", stamp(at)))
	return a
}
