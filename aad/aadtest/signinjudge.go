package aadtest

import (
	"errors"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	printable "github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// next is what follows an answer.
type next int

const (
	refused  next = iota
	signedIn      // nothing more is needed
	askHere       // a second factor of the tenant's own
	sendBack      // to the provider, whose second factor is enforced
)

// outcome is what became of an answer.
type outcome struct {
	next     next
	code     string         // why it is refused
	user     *aad.User      // nil if nobody was found, or nothing proves it
	realm    *signin.Domain // nil if there is none
	said     said
	protocol aad.SignInProtocol
	token    aad.IncomingToken
}

// said is what a message claims, for the texts of errors.
type said struct{ tenant, issuer, name string }

// judge judges an answer against what the login service knows at this moment.
func (s *Server) judge(message []byte) outcome {
	o := s.read(message)
	t := s.signInTenant(&o)
	t.MFA = signin.No
	v := signin.Judge(message, t, s.now())
	if !slices.ContainsFunc(v.Checks, func(c signin.Check) bool { return c.Topic == signin.TopicUser && !c.Unproved }) {
		o.user = nil
	}
	if v.Accepted != signin.Yes {
		// What nobody has seen accepted is refused.
		o.code = v.Code
		if c := v.First(signin.Unknown); v.Accepted == signin.CannotSay && c != nil {
			o.code = c.Code
		}
		if o.code == "AADSTS50107" && s.Quirks.NoRealmIs500083 {
			o.code = "AADSTS500083"
		}
		if o.code == "" {
			o.code = "AADSTS50008"
		}
		return o
	}
	o.user, o.next = v.User, signedIn
	for i := range t.Domains {
		if f := t.Domains[i].Federation; f != nil && f.IssuerURI == o.said.issuer && (o.realm == nil || t.Domains[i].Name == t.Domains[i].Root) {
			o.realm = &t.Domains[i]
		}
	}
	if s.DemandMFA == nil || !s.DemandMFA(*v.User) {
		return o
	}
	if o.realm == nil || o.realm.Federation.MFA == aad.RejectMFAByFederatedIdP {
		o.next = askHere
		return o
	}
	behavior := o.realm.Federation.MFA
	// Who would get in if it were enforced has shown a second factor.
	strict := t
	strict.MFA, strict.Domains = signin.Yes, slices.Clone(t.Domains)
	for i := range strict.Domains {
		if f := strict.Domains[i].Federation; f != nil {
			enforcing := *f
			enforcing.MFA = aad.EnforceMFAByFederatedIdP
			strict.Domains[i].Federation = &enforcing
		}
	}
	switch shown := signin.Judge(message, strict, s.now()).Accepted == signin.Yes; {
	case shown:
	case behavior == aad.EnforceMFAByFederatedIdP:
		o.next = sendBack
	default:
		o.next = askHere
	}
	return o
}

// signInTenant is the tenant as the login service knows it: domains as late as its
// realm answers, users and policy as they are. Who is found is noted in o.
func (s *Server) signInTenant(o *outcome) signin.Tenant {
	t := signin.Tenant{Policy: s.policy}
	for _, d := range s.domains {
		name, st, ok := s.realm(d.name)
		if !ok || s.find(d.name) != d {
			continue
		}
		one := signin.Domain{Name: name, Root: name}
		if root := s.root(d); root != nil {
			one.Root = root.name
		}
		s.inherit(name, &st)
		if f, federated := st.federated(); federated {
			if st.broken {
				f = aad.Federation{}
			}
			one.Federation = &f
		}
		t.Domains = append(t.Domains, one)
	}
	t.User = func(immutableID string) (*aad.User, error) {
		found := s.byImmutableID(immutableID)
		switch len(found) {
		case 0:
			return nil, aad.ErrNotFound
		case 1:
			o.user = found[0]
			return found[0], nil
		}
		return nil, errors.New("several users have this immutable ID")
	}
	return t
}

func (s *Server) byImmutableID(id string) []*aad.User {
	var found []*aad.User
	for _, u := range s.order {
		if st := u.state.Now(); !st.gone && st.ImmutableID == id {
			found = append(found, &st.User)
		}
	}
	if s.gen != nil {
		for i := range s.gen.n {
			if s.gen.f(i).ImmutableID == id && !s.gen.changed[i] {
				u := s.gen.user(i)
				found = append(found, &u)
			}
		}
	}
	return found
}

// read reads what the texts of errors and the log tell of an answer, proved or not.
func (s *Server) read(message []byte) outcome {
	o := outcome{said: said{tenant: s.TenantID}}
	all, err := signin.Messages(message)
	if err != nil || len(all) == 0 {
		return o
	}
	doc, err := xmlsig.Parse(all[len(all)-1].XML, 5000)
	if err != nil {
		return o
	}
	o.protocol = aad.SignInWSFed
	if doc.Root.Space == "urn:oasis:names:tc:SAML:2.0:protocol" {
		o.protocol = aad.SignInSAML20
	}
	var assertion *xmlsig.Node
	doc.Root.Walk(func(n *xmlsig.Node) bool {
		if assertion == nil && n.Local == "Assertion" && (n.Space == saml20 || n.Space == saml11) {
			assertion = n
		}
		return assertion == nil
	})
	holder := assertion
	if assertion == nil {
		holder = doc.Root
	} else {
		o.token = aad.TokenSAML20
		if assertion.Space == saml11 {
			o.token = aad.TokenSAML11
		}
	}
	if k := holder.Kid(saml20, "Issuer"); k != nil {
		o.said.issuer = k.Text()
	} else {
		o.said.issuer = holder.Value("Issuer")
	}
	holder.Walk(func(n *xmlsig.Node) bool {
		claim := strings.TrimSuffix(n.Value("AttributeNamespace"), "/") + "/" + n.Value("AttributeName")
		switch {
		case n.Local == "NameID" || n.Local == "NameIdentifier":
			o.said.name = n.Text()
		case n.Local == "Attribute" && claim == "http://schemas.microsoft.com/ws/2008/06/identity/claims/issuerid" && len(n.Kids) == 1:
			o.said.issuer = n.Kids[0].Text()
		}
		return true
	})
	return o
}

const (
	saml20 = "urn:oasis:names:tc:SAML:2.0:assertion"
	saml11 = "urn:oasis:names:tc:SAML:1.0:assertion"
)

// signInText is the text of an error behind its code: the service's own where it was
// seen, else what the code means.
func signInText(code string, m said) string {
	plain := func(v string) string { return printable.Printable(v, 200) }
	switch code {
	case "AADSTS50107":
		return "The requested federation realm object '" + plain(m.issuer) + "' does not exist."
	case "AADSTS500083":
		return "Unable to verify token signature. No trusted realm was found with identifier " + plain(m.issuer) + "."
	case "AADSTS5000811":
		return "Unable to verify token signature. The signing key identifier does not match any valid registered keys."
	case "AADSTS500082":
		return "SAML assertion is not present in the token."
	case "AADSTS500089":
		return "SAML 2.0 assertion validation failed: SAML token is invalid."
	case "AADSTS50008":
		return "SAML token is invalid."
	case "AADSTS51004":
		return "The user account " + plain(m.name) + " does not exist in the " + m.tenant +
			" directory. To sign into this application, the account must be added to the directory."
	case "AADSTS5000820":
		return "Sign-in blocked by Federated Token Validation policy. Contact your administrator for details."
	}
	if e := signin.Explain(code); len(e) > 0 && e[0].Meaning != "" {
		return strings.ToUpper(e[0].Meaning[:1]) + e[0].Meaning[1:] + "."
	}
	return "The sign-in failed."
}
