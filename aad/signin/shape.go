package signin

import (
	"fmt"

	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlscan"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// Namespaces.
const (
	nsSAML    = xmlscan.URISAML
	nsSAMLP   = xmlscan.URISAMLP
	nsSAML11  = "urn:oasis:names:tc:SAML:1.0:assertion"
	nsSAMLP11 = "urn:oasis:names:tc:SAML:1.0:protocol"
	nsTrust   = "http://schemas.xmlsoap.org/ws/2005/02/trust"
	nsTrust13 = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
	nsDS      = xmlscan.URIDS
)

// part is a child that an element of working messages has.
type part struct {
	name string
	min  int
	max  int // 0: any number
	rank int // those with a lower one come before; 0: anywhere
}

// shape is what an element of working messages holds: its children, and the
// attributes that it cannot be without.
type shape struct {
	parts []part
	attrs []string
}

var leaf = shape{}

// shapes20 and shapes11 are the elements of SAML 2.0 and of SAML 1.1, as all
// complete messages have them that were seen to be accepted. The children of
// elements that are not listed are not looked at.
var (
	shapes20 = map[string]shape{
		"Response": {[]part{{"Issuer", 1, 1, 1}, {"Signature", 0, 1, 2}, {"Status", 1, 1, 3}, {"Assertion", 1, 1, 4}},
			[]string{"ID", "Version", "IssueInstant"}},
		"Status": {[]part{{"StatusCode", 1, 1, 1}, {"StatusMessage", 0, 1, 2}, {"StatusDetail", 0, 1, 3}}, nil},
		"Assertion": {[]part{{"Issuer", 1, 1, 1}, {"Signature", 0, 1, 2}, {"Subject", 1, 1, 3}, {"Conditions", 1, 1, 4},
			{"AuthnStatement", 1, 1, 5}, {"AttributeStatement", 1, 1, 5}}, []string{"ID", "Version", "IssueInstant"}},
		"Subject":                 {[]part{{"NameID", 1, 1, 1}, {"SubjectConfirmation", 1, 1, 2}}, nil},
		"SubjectConfirmation":     {[]part{{"SubjectConfirmationData", 1, 1, 1}}, []string{"Method"}},
		"SubjectConfirmationData": {nil, []string{"NotOnOrAfter"}},
		"Conditions":              {[]part{{"AudienceRestriction", 1, 1, 1}}, []string{"NotBefore", "NotOnOrAfter"}},
		"AudienceRestriction":     {[]part{{"Audience", 1, 1, 1}}, nil},
		"AuthnStatement":          {[]part{{"SubjectLocality", 0, 1, 1}, {"AuthnContext", 1, 1, 2}}, []string{"AuthnInstant"}},
		"AuthnContext": {[]part{{"AuthnContextClassRef", 1, 1, 1}, {"AuthnContextDeclRef", 0, 1, 2},
			{"AuthenticatingAuthority", 0, 0, 3}}, nil},
		"AttributeStatement": {[]part{{"Attribute", 0, 0, 0}}, nil},
		"Attribute":          {[]part{{"AttributeValue", 0, 0, 0}}, []string{"Name"}},
		"Issuer":             leaf, "NameID": leaf, "Audience": leaf, "AuthnContextClassRef": leaf,
	}
	shapes11 = map[string]shape{
		"RequestSecurityTokenResponse": {[]part{{"Lifetime", 0, 1, 0}, {"AppliesTo", 0, 1, 0}, {"RequestedSecurityToken", 1, 1, 0},
			{"RequestedAttachedReference", 0, 1, 0}, {"RequestedUnattachedReference", 0, 1, 0}, {"TokenType", 0, 1, 0},
			{"RequestType", 0, 1, 0}, {"KeyType", 0, 1, 0}}, nil},
		"RequestedSecurityToken": {[]part{{"Assertion", 1, 1, 1}}, nil},
		"Assertion": {[]part{{"Conditions", 1, 1, 1}, {"AttributeStatement", 1, 1, 2}, {"AuthenticationStatement", 1, 1, 2},
			{"Signature", 0, 1, 3}}, []string{"AssertionID", "Issuer", "IssueInstant", "MajorVersion", "MinorVersion"}},
		"Conditions":                   {[]part{{"AudienceRestrictionCondition", 1, 1, 1}}, []string{"NotBefore", "NotOnOrAfter"}},
		"AudienceRestrictionCondition": {[]part{{"Audience", 1, 1, 1}}, nil},
		"AuthenticationStatement": {[]part{{"Subject", 1, 1, 1}, {"SubjectLocality", 0, 1, 2}},
			[]string{"AuthenticationMethod", "AuthenticationInstant"}},
		"AttributeStatement":  {[]part{{"Subject", 1, 1, 1}, {"Attribute", 0, 0, 2}}, nil},
		"Subject":             {[]part{{"NameIdentifier", 1, 1, 1}, {"SubjectConfirmation", 1, 1, 2}}, nil},
		"SubjectConfirmation": {[]part{{"ConfirmationMethod", 1, 1, 1}}, nil},
		"Attribute":           {[]part{{"AttributeValue", 0, 0, 0}}, []string{"AttributeName", "AttributeNamespace"}},
		"NameIdentifier":      leaf, "ConfirmationMethod": leaf, "Audience": leaf,
	}
)

// ours reports whether an element has the name space that its name and its place
// demand.
func ours(n *xmlsig.Node) bool {
	switch n.Local {
	case "Response", "Status", "StatusCode", "StatusMessage", "StatusDetail":
		return n.Space == nsSAMLP
	case "Signature":
		return n.Space == nsDS
	case "AppliesTo":
		return n.Space == "http://schemas.xmlsoap.org/ws/2004/09/policy"
	case "RequestSecurityTokenResponse", "Lifetime", "RequestedSecurityToken", "RequestedAttachedReference",
		"RequestedUnattachedReference", "TokenType", "RequestType", "KeyType":
		return n.Space == nsTrust || n.Space == nsTrust13
	}
	in := ""
	if n.Parent != nil {
		in = n.Parent.Space
	}
	switch in {
	case nsSAMLP:
		return n.Space == nsSAML
	case nsSAML, nsSAML11:
		return n.Space == in
	}
	return n.Space == nsSAML || n.Space == nsSAML11
}

const maxOddities = 12

// oddities says in which ways an element and those in it differ from working
// messages: what is missing, doubled, at another place, or not known.
func oddities(n *xmlsig.Node, shapes map[string]shape) []string {
	var odd []string
	say := func(format string, args ...any) {
		if len(odd) < maxOddities {
			odd = append(odd, fmt.Sprintf(format, args...))
		}
	}
	n.Walk(func(n *xmlsig.Node) bool {
		sh, known := shapes[n.Local]
		if !known || !ours(n) || len(odd) >= maxOddities {
			return false
		}
		for _, a := range sh.attrs {
			if _, ok := n.Attr(a); !ok {
				say("%s has no %s", n.Local, a)
			}
		}
		if n.Mixed {
			say("%s has text between its elements", n.Local)
		}
		counts := make(map[string]int)
		rank := 0
		for _, k := range n.Kids {
			i := indexPart(sh.parts, k.Local)
			switch {
			case i < 0 || !ours(k):
				say("%s holds %s, which no working message has there", n.Local, text.Printable(k.Local, 60))
				continue
			case sh.parts[i].rank > 0 && sh.parts[i].rank < rank:
				say("%s has its %s at another place", n.Local, k.Local)
			}
			rank = max(rank, sh.parts[i].rank)
			counts[k.Local]++
		}
		for _, p := range sh.parts {
			switch c := counts[p.name]; {
			case c < p.min:
				say("%s has no %s", n.Local, p.name)
			case p.max > 0 && c > p.max:
				say("%s has %d %s, where working messages have one", n.Local, c, p.name)
			}
		}
		return true
	})
	return odd
}

func indexPart(parts []part, name string) int {
	for i := range parts {
		if parts[i].name == name {
			return i
		}
	}
	return -1
}

// ncName reports whether an ID is a name without a colon, as XML has them. Of
// characters beyond ASCII all are taken.
func ncName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}
