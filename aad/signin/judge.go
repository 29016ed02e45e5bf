package signin

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// maxElements bounds a message. Honest ones have 60 elements, or some hundreds
// with the groups of a user.
const maxElements = 5000

// Sources of the rules.
const (
	srcSAMLPage = "Microsoft: Use a SAML 2.0 identity provider for single sign-on"
	srcMFAPage  = "Microsoft: Satisfy multifactor authentication controls with MFA claims from a federated IdP"
	srcWindows  = "Microsoft: Configure federated sign-in for Windows devices"
	srcSamples  = "six working set-ups that were published"
	srcNobody   = "no working set-up that was published has it"
	srcTwo      = "two reports of a failure"
	srcADFS     = "recorded answers of AD FS"
	srcXML      = "XML Signature"
)

// Judge judges a message, in any form that [Messages] reads, as Azure AD would at
// the given time, and tells every check. Of several messages it judges the last
// that was posted to login.srf, or the last if none was. The result is never nil.
//
// It is No only for what is certain, and Yes only if everything is as it was seen
// to be accepted. See the table in the documentation of the package.
func Judge(message []byte, t Tenant, at time.Time) *Verdict {
	j := &judge{t: &t, at: at, v: &Verdict{}}
	j.run(message)
	for i := range j.v.Checks {
		if j.v.Checks[i].Result == Bad {
			j.v.Code = j.v.Checks[i].Code
			break
		}
	}
	switch {
	case j.v.First(Bad) != nil:
		j.v.Accepted = No
	case len(j.v.Checks) == 0 || j.v.First(Unknown) != nil || j.user == nil || !j.signed:
		j.v.Accepted = CannotSay
	default:
		j.v.Accepted, j.v.User = Yes, j.user
	}
	return j.v
}

// judge is one message on its way through the checks.
type judge struct {
	t  *Tenant
	at time.Time
	v  *Verdict

	url       string // where the message was sent, if that is known
	doc       *xmlsig.Document
	protocol  aad.Protocol // of the message
	v11       bool         // the assertion is of SAML 1.1
	envelope  *xmlsig.Node // Response or RequestSecurityTokenResponse, or nil
	assertion *xmlsig.Node // that is judged, or nil

	realm  *Domain        // whose issuer it has, or nil
	proved []*xmlsig.Node // what valid signatures cover
	signed bool           // the assertion has a valid signature of its own
	user   *aad.User      // who was found

	unsure map[Topic]bool // what is read from one of several parts
}

// add notes a check. What was found was read from the node, or, if that is nil,
// from nothing that a signature could cover.
func (j *judge) add(c Check, read *xmlsig.Node) {
	c.Unproved = read != nil && !j.covered(read)
	if c.Result == Bad && j.unsure[c.Topic] {
		c.Result, c.Code, c.Source = Unknown, "", ""
		c.Found += "; there are others of which it may be read"
	}
	c.Found, c.Want = oneLine(c.Found), oneLine(c.Want)
	if c.Repair == "" && c.Result != Good {
		if e, ok := table[c.Code]; ok {
			c.Repair = e.Repair
		}
	}
	j.v.Checks = append(j.v.Checks, c)
}

// oneLine makes s fit for one line, which most texts are.
func oneLine(s string) string {
	const most = 300
	plain := len(s) <= most
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] > ' ' && s[i] < 0x7f || s[i] == ' ' && i > 0 && s[i-1] != ' ' && i+1 < len(s)
	}
	if plain {
		return s
	}
	return text.OneLine(s, most)
}

func (j *judge) covered(n *xmlsig.Node) bool {
	for _, p := range j.proved {
		if n.Within(p) {
			return true
		}
	}
	return false
}

// attack notes what looks like one. The first that is found is told.
func (j *judge) attack(format string, args ...any) {
	if j.v.Attack == "" {
		j.v.Attack = text.OneLine(fmt.Sprintf(format, args...), 300)
	}
}

func (j *judge) run(message []byte) {
	found, err := Messages(message)
	if err != nil {
		j.add(Check{Topic: TopicMessage, Found: strings.TrimPrefix(err.Error(), "signin: "), Want: "an answer of the identity provider",
			Repair: "capture the POST to login.srf in the browser's developer tools, and give its form data or the HAR"}, nil)
		return
	}
	m := found[Pick(found)]
	j.url = m.URL
	if j.doc, err = xmlsig.Parse(m.XML, maxElements); err != nil {
		var e *xmlscan.Error
		switch {
		case errors.As(err, &e) && e.DTD:
			j.attack("a document type, with which a reader can be made to read files, or something else than what was signed")
			err = fmt.Errorf("line %d, column %d: a document type", e.Line, e.Column)
		case strings.Contains(err.Error(), "second root"):
			j.attack("two documents in one, of which the reader and the verifier of signatures may take either")
		}
		j.add(Check{Topic: TopicMessage, Found: "XML that is not well-formed, or that two readers read in two ways: " + err.Error(),
			Want: "well-formed XML", Repair: "capture the message anew, and see that nothing has changed it", Source: srcXML}, nil)
		return
	}
	if !j.open() {
		return
	}
	// What is proved decides how everything else is told, and the realm has the
	// keys: both are found first and told at their places.
	j.several()
	realm := j.findRealm()
	signature := j.verify()
	j.delivery(&m, found)
	j.message()
	for _, c := range realm {
		j.add(c, j.issuerNode())
	}
	j.checkProtocol()
	for _, c := range signature {
		j.add(c.Check, c.read)
	}
	if j.assertion == nil {
		for _, topic := range []Topic{TopicLifetime, TopicAudience, TopicRecipient, TopicSubject, TopicUser, TopicMFA, TopicPolicy} {
			j.add(Check{Topic: topic, Found: "there is no assertion to read it from"}, nil)
		}
		return
	}
	j.lifetime()
	j.audience()
	j.recipient()
	id := j.subject()
	j.findUser(id)
	j.mfa()
	j.policy()
}

// open finds out what the message is, and the assertion to judge.
func (j *judge) open() bool {
	root := j.doc.Root
	j.protocol = aad.SAML
	switch {
	case root.Is(nsSAMLP, "Response"):
		j.envelope = root
	case root.Is(nsTrust, "RequestSecurityTokenResponse"), root.Is(nsTrust13, "RequestSecurityTokenResponse"):
		j.protocol, j.envelope = aad.WSFed, root
	case root.Is(nsTrust13, "RequestSecurityTokenResponseCollection"), root.Is(nsTrust, "RequestSecurityTokenResponseCollection"):
		j.protocol = aad.WSFed
		if j.envelope = root.Kid(root.Space, "RequestSecurityTokenResponse"); j.envelope == nil {
			j.envelope = root
		}
	case root.Is(nsSAML, "Assertion"):
		j.assertion = root
	case root.Is(nsSAML11, "Assertion"):
		j.protocol, j.assertion = aad.WSFed, root
	default:
		what := "a " + text.Printable(root.Local, 60) + " of " + text.Printable(root.Space, 80)
		if root.Space == nsSAMLP && strings.HasSuffix(root.Local, "Request") {
			what += ", a request and no answer"
		}
		j.add(Check{Topic: TopicMessage, Found: what, Want: "a Response of SAML 2.0, or a RequestSecurityTokenResponse",
			Repair: "capture the POST to login.srf"}, nil)
		return false
	}
	if j.envelope != nil {
		if all := j.assertions(); len(all) > 0 {
			j.assertion = all[0]
		}
	}
	j.v11 = j.assertion != nil && j.assertion.Space == nsSAML11 || j.assertion == nil && j.protocol == aad.WSFed
	return true
}

// holder is the element that holds the assertions.
func (j *judge) holder() *xmlsig.Node {
	if j.protocol == aad.WSFed && j.envelope != nil {
		if k := j.envelope.Kid(j.envelope.Space, "RequestedSecurityToken"); k != nil {
			return k
		}
	}
	return j.envelope
}

// assertions are those in the place where one belongs.
func (j *judge) assertions() []*xmlsig.Node {
	h := j.holder()
	if h == nil {
		return []*xmlsig.Node{j.assertion}
	}
	return append(h.All(nsSAML, "Assertion"), h.All(nsSAML11, "Assertion")...)
}

// idName is the attribute with the assertion's ID.
func (j *judge) idName() string {
	if j.v11 {
		return "AssertionID"
	}
	return "ID"
}

// read is a check with what it was read from.
type read struct {
	Check
	read *xmlsig.Node
}

func quote(s string) string { return fmt.Sprintf("%q", text.Printable(s, 120)) }

// delivery says how the message came.
func (j *judge) delivery(m *Message, all []Message) {
	c := Check{Topic: TopicMessage, Result: Good, Source: srcSAMLPage}
	switch {
	case m.Binding == certs.BindingHTTPRedirect:
		c.Result, c.Code = Unknown, "AADSTS75001"
		c.Found, c.Want = "sent with the Redirect binding", "a POST to login.srf"
		c.Repair = fixACS
	case m.Binding == certs.BindingHTTPPost:
		c.Found = "posted"
		if m.URL != "" {
			c.Found += " to " + m.URL
		}
	default:
		c.Found = "how it was sent is not told"
	}
	if len(all) > 1 {
		c.Found += fmt.Sprintf("; judged of %d messages", len(all))
		if m.posted() {
			c.Found += " as the last that was posted to login.srf"
		} else {
			c.Found += " as the last, of which none was posted to login.srf"
		}
	}
	j.add(c, nil)
	if odd := m.odd(j.protocol); odd != "" {
		j.add(Check{Topic: TopicMessage, Code: "AADSTS75005", Found: odd,
			Want: fieldSAML + " with base64 of the response, or " + fieldWSFed + " with the token", Source: srcSAMLPage}, nil)
	}
}
