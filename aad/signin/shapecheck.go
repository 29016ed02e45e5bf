package signin

import (
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// message checks what the message is made of.
func (j *judge) message() {
	j.status()
	j.parts()
	j.ids()
	j.comments()
	j.strays()
	j.breaking()
}

// status checks the status, and that there is one assertion that can be read.
func (j *judge) status() {
	all := j.assertions()
	var encrypted []*xmlsig.Node
	if h := j.holder(); h != nil {
		encrypted = append(h.All(nsSAML, "EncryptedAssertion"), h.All("http://www.w3.org/2001/04/xmlenc#", "EncryptedData")...)
	}
	status, success := "", true
	if j.envelope != nil && j.protocol == aad.SAML {
		if s := j.envelope.Kid(nsSAMLP, "Status"); s != nil {
			for _, c := range s.All(nsSAMLP, "StatusCode") {
				status = c.Value("Value")
				success = success && status == statusSuccess
				if k := c.Kid(nsSAMLP, "StatusCode"); k != nil {
					status += " " + k.Value("Value")
				}
			}
			if m := s.Kid(nsSAMLP, "StatusMessage"); m != nil {
				status += " (" + text.OneLine(m.Text(), 120) + ")"
			}
			if status == "" {
				success = false
			}
		}
	}
	c := Check{Topic: TopicMessage, Want: "one assertion, in clear text", Source: srcGuide}
	switch {
	case len(all) == 0 && len(encrypted) > 0:
		c.Result, c.Code, c.Found = Bad, "AADSTS500082", "the assertion is encrypted"
		c.Repair = "switch the encryption of assertions off at the provider"
	case len(all) == 0 && j.elsewhere():
		c.Found, c.Source = "an assertion, at another place than its own", srcNobody
	case len(all) == 0 && !success:
		c.Result, c.Code, c.Found = Bad, "AADSTS500082", "no assertion, and the status "+quote(status)
		c.Repair = "read the provider's log: it has refused the sign-in"
	case len(all) == 0:
		c.Result, c.Code, c.Found = Bad, "AADSTS500082", "no assertion"
		c.Repair = "read the provider's log"
	case len(all) > 1:
		c.Found, c.Source = fmt.Sprintf("%d assertions", len(all)), srcNobody
	case len(encrypted) > 0:
		c.Found, c.Source = "an encrypted assertion beside one in clear text", srcNobody
		j.attack("an encrypted assertion beside one in clear text")
	case j.envelope == nil:
		c.Found, c.Source = "an assertion without the message that brought it", srcNobody
		c.Repair = "capture the whole message"
	default:
		c.Result, c.Found, c.Want = Good, "one assertion, in clear text", ""
	}
	j.add(c, j.envelope)
	if len(all) > 0 && !success {
		j.add(Check{Topic: TopicMessage, Found: "an assertion beside the status " + quote(status), Want: statusSuccess,
			Source: srcNobody}, j.envelope)
	}
}

// elsewhere reports whether an assertion is anywhere in the document.
func (j *judge) elsewhere() (found bool) {
	j.doc.Root.Walk(func(n *xmlsig.Node) bool {
		found = found || n.Is(nsSAML, "Assertion") || n.Is(nsSAML11, "Assertion")
		return !found
	})
	return found
}

// several notes what is read from a part of which there are several: Azure AD may
// take another of them, so that nothing that is read from one is bad for certain.
func (j *judge) several() {
	if n := j.assertion; n != nil {
		ids, _ := j.issuerIDs()
		if many(n, "Issuer") || len(ids) > 1 {
			j.note(TopicRealm, TopicProtocol, TopicSignature, TopicMFA, TopicPolicy)
		}
		if many(n, "Conditions") {
			j.note(TopicLifetime, TopicAudience)
		}
		if many(n, "Subject") || many(n.Kid(nsSAML, "Subject"), "NameID") {
			j.note(TopicSubject, TopicUser, TopicPolicy)
		}
		st := j.statement()
		if many(n, "AuthnStatement") || many(n, "AuthenticationStatement") || many(st, "AuthnContext") ||
			st != nil && many(st.Kid(nsSAML, "AuthnContext"), "AuthnContextClassRef") {
			j.note(TopicMFA)
		}
	}
	// Of assertions, each may be another's in all.
	if len(j.assertions()) > 1 || j.envelope != nil && (len(j.envelope.All(j.envelope.Space, "RequestedSecurityToken")) > 1 ||
		len(j.doc.Root.All(j.envelope.Space, "RequestSecurityTokenResponse")) > 1) {
		j.note(TopicMessage, TopicRealm, TopicProtocol, TopicSignature, TopicLifetime, TopicAudience, TopicSubject, TopicUser, TopicMFA,
			TopicPolicy)
	}
}

// many reports whether an element has several children of a name.
func many(n *xmlsig.Node, local string) bool {
	count := 0
	if n != nil {
		for _, k := range n.Kids {
			if k.Local == local {
				count++
			}
		}
	}
	return count > 1
}

// note says that what is read of the topics is read from one of several parts.
func (j *judge) note(topics ...Topic) {
	if j.unsure == nil {
		j.unsure = make(map[Topic]bool)
	}
	for _, t := range topics {
		j.unsure[t] = true
	}
}

// issuerIDs are the values of the claim that says the issuer in SAML 1.1.
func (j *judge) issuerIDs() ([]string, *xmlsig.Node) {
	if !j.v11 || j.assertion == nil {
		return nil, nil
	}
	return values(attributes(j.assertion), claimIssuerID)
}

// parts holds the message against those that were accepted.
func (j *judge) parts() {
	top := j.envelope
	if top == nil {
		top = j.assertion
	}
	var odd []string
	switch {
	case j.protocol == aad.SAML:
		odd = oddities(top, shapes20)
	case j.v11:
		odd = oddities(top, shapes11)
	}
	// An assertion that is missing, encrypted or one of several is told already.
	told := 0
	for _, o := range odd {
		if strings.HasSuffix(o, "has no Assertion") || strings.Contains(o, " Assertion, where") || strings.Contains(o, "holds Encrypted") {
			continue
		}
		told++
		j.add(Check{Topic: TopicMessage, Found: o, Source: srcNobody}, top)
	}
	for _, n := range []*xmlsig.Node{j.envelope, j.assertion} {
		if n == nil {
			continue
		}
		for _, a := range [][2]string{{"Version", "2.0"}, {"MajorVersion", "1"}, {"MinorVersion", "1"}} {
			if v, ok := n.Attr(a[0]); ok && v != a[1] {
				told++
				j.add(Check{Topic: TopicMessage, Code: "AADSTS500085", Found: n.Local + " with the " + a[0] + " " + quote(v), Want: a[1],
					Source: srcNobody}, n)
			}
		}
	}
	if told == 0 {
		j.add(Check{Topic: TopicMessage, Result: Good, Found: "made of the same parts as working messages", Source: srcSamples}, top)
	}
}

// ids checks that IDs are names and that each is one element's.
func (j *judge) ids() {
	seen := make(map[string]*xmlsig.Node)
	doubled := false
	j.doc.Root.Walk(func(n *xmlsig.Node) bool {
		for _, a := range n.Attrs {
			if !isID(a) {
				continue
			}
			if m := seen[a.Value]; m != nil && m != n && !doubled {
				doubled = true
				j.attack("the ID %s is that of two elements, %s and %s: a signature of one passes for the other's",
					quote(a.Value), m.Path(), n.Path())
				j.add(Check{Topic: TopicMessage, Found: "two elements with the ID " + quote(a.Value), Source: srcXML}, nil)
			}
			seen[a.Value] = n
		}
		return true
	})
	for _, n := range []*xmlsig.Node{j.envelope, j.assertion} {
		if n == nil {
			continue
		}
		for _, name := range []string{"ID", "AssertionID"} {
			if id, ok := n.Attr(name); ok && !ncName(id) {
				j.add(Check{Topic: TopicMessage, Code: "AADSTS500086", Found: "the " + n.Local + "'s ID " + quote(id) + " is no XML name",
					Want: "a letter or an underscore first", Source: srcReference}, n)
			}
		}
	}
}

// isID reports whether some readers may take an attribute for an ID.
func isID(a xmlsig.Attr) bool {
	return strings.EqualFold(a.Local, "ID") || a.Space == "" && (a.Local == "AssertionID" || a.Local == "ResponseID")
}

// shared reports whether another element has the ID by which a signature names this
// one: then it is not said which of them was signed.
func (j *judge) shared(n *xmlsig.Node, id string) bool {
	found := false
	j.doc.Root.Walk(func(m *xmlsig.Node) bool {
		for _, a := range m.Attrs {
			found = found || m != n && id != "" && a.Value == id && isID(a)
		}
		return !found
	})
	return found
}

// comments looks for comments within values, where some readers stop.
func (j *judge) comments() {
	j.doc.Root.Walk(func(n *xmlsig.Node) bool {
		if n.Comment && len(n.Kids) == 0 && strings.TrimSpace(n.Text()) != "" && n.Space != nsDS {
			j.attack("a comment or an instruction within the value of %s, where some readers stop reading", n.Local)
			j.add(Check{Topic: TopicMessage, Found: "a comment or an instruction within the value of " + text.Printable(n.Local, 60),
				Source: srcNobody}, n)
			return false
		}
		return true
	})
}

// strays looks for assertions and messages where none belongs: how a signature is
// carried along that is not about what is read.
func (j *judge) strays() {
	proper := make(map[*xmlsig.Node]bool)
	if j.envelope != nil || j.assertion != nil {
		for _, a := range j.assertions() {
			proper[a] = true
		}
		for m := j.envelope; m != nil; m = m.Parent {
			proper[m] = true
		}
	}
	h, told := j.holder(), 0
	j.doc.Root.Walk(func(n *xmlsig.Node) bool {
		switch {
		case n.Local != "Assertion" && n.Local != "EncryptedAssertion" && n.Local != "Response" || n.Parent == nil || proper[n]:
		case n.Local == "EncryptedAssertion" && n.Parent == h:
		case n.Space == nsSAML || n.Space == nsSAML11 || n.Space == nsSAMLP:
			j.attack("the %s at %s, where none belongs: signature wrapping", n.Local, n.Path())
			if told++; told <= maxOddities {
				j.add(Check{Topic: TopicMessage, Found: "the " + n.Local + " at " + text.Printable(n.Path(), 200) + ", where none belongs",
					Source: srcNobody}, n)
			}
			return false
		}
		if n.Is(nsDS, "Object") {
			j.attack("an Object within a Signature, at %s, which carries something else than what is read", n.Path())
		}
		return true
	})
}

// breaking tells the elements that are reported to make a message unreadable.
func (j *judge) breaking() {
	if j.assertion == nil {
		return
	}
	codes := map[string]string{"AuthnContextDeclRef": "AADSTS50008", "AuthenticatingAuthority": "AADSTS500132"}
	j.assertion.Walk(func(n *xmlsig.Node) bool {
		if code := codes[n.Local]; code != "" && n.Space == nsSAML {
			j.add(Check{Topic: TopicMessage, Result: Doubtful, Code: code, Found: "it holds " + n.Local, Want: "no such element",
				Repair: "have the provider leave the element out", Source: srcTwo}, n)
		}
		return true
	})
}
