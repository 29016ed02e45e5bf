package signin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

const (
	multipleAuthn   = "http://schemas.microsoft.com/claims/multipleauthn"
	wiaOrMultiAuthn = "http://schemas.microsoft.com/claims/wiaormultiauthn"
)

// mfaClaims are attributes that tell of the ways in which a user has authenticated.
var mfaClaims = []string{
	"http://schemas.microsoft.com/claims/authnmethodsreferences",
	"http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod",
	"http://schemas.microsoft.com/claims/multipleauthn",
	"http://schemas.microsoft.com/claims/multifactorauthenticationinstant",
	"http://schemas.microsoft.com/ws/2017/04/identity/claims/multifactorauthenticationinstant",
}

// mfa checks whether the second factor that is demanded is shown.
func (j *judge) mfa() {
	shown, class, at := j.evidence()
	var behavior aad.MFABehavior
	if j.realm != nil {
		behavior = j.realm.Federation.MFA
	}
	c := Check{Topic: TopicMFA, Result: Good, Source: srcMFAPage, Found: "the class " + quote(class)}
	asks := "Azure AD asks for a second factor itself if one is demanded"
	switch {
	case j.realm == nil:
		c.Result, c.Found = Unknown, c.Found+"; without a realm it is not known what becomes of it"
	case behavior == aad.RejectMFAByFederatedIdP:
		c.Found += "; it does not count: " + asks
	case shown:
		c.Found += ", which counts as a second factor"
	case behavior == aad.AcceptIfMFADoneByFederatedIdP:
		c.Found += ", which is no second factor: " + asks
	case j.t.MFA == No:
		c.Found += "; nothing demands a second factor"
	default:
		c.Want, c.Repair, c.Source = multipleAuthn, fixMFA, srcMFA
		switch {
		case behavior != aad.EnforceMFAByFederatedIdP && j.t.MFA == Yes:
			c.Result, c.Found = Unknown, c.Found+", and the federatedIdpMfaBehavior "+quote(string(behavior))+" is not known"
		case behavior != aad.EnforceMFAByFederatedIdP:
			c.Result, c.Found = Doubtful, c.Found+", and the federatedIdpMfaBehavior "+quote(string(behavior))+" is not known"
		case j.t.MFA == Yes:
			c.Result, c.Found = Bad, c.Found+" while a second factor is demanded and enforced at the provider: the browser goes back and forth"
		default:
			c.Result, c.Found = Doubtful, c.Found+": if a second factor is demanded, the browser goes back and forth"
		}
	}
	j.add(c, at)
	if j.v11 {
		return
	}
	for _, a := range attributes(j.assertion) {
		if slices.Contains(mfaClaims, a.name) {
			j.add(Check{Topic: TopicMFA, Result: Doubtful,
				Found: "the attribute " + text.Printable(a.name, 100) + " tells of a second factor; it does not count in SAML 2.0",
				Want:  "AuthnContextClassRef " + multipleAuthn, Repair: fixMFA, Source: srcMFAPage}, a.node)
		}
	}
}

// evidence returns whether a second factor is shown, and by what class the
// authentication is told.
func (j *judge) evidence() (shown bool, class string, at *xmlsig.Node) {
	st := j.statement()
	if st == nil {
		return false, "", j.assertion
	}
	if !j.v11 {
		if ctx := st.Kid(nsSAML, "AuthnContext"); ctx != nil {
			if ref := ctx.Kid(nsSAML, "AuthnContextClassRef"); ref != nil {
				return ref.Text() == multipleAuthn, ref.Text(), ref
			}
		}
		return false, "", st
	}
	class = st.Value("AuthenticationMethod")
	counts := func(v string) bool { return v == multipleAuthn || v == wiaOrMultiAuthn }
	if shown = counts(class); shown {
		return shown, class, st
	}
	for _, a := range attributes(j.assertion) {
		if slices.Contains(mfaClaims[:2], a.name) && slices.ContainsFunc(a.values, counts) {
			return true, multipleAuthn, a.node
		}
	}
	return false, class, st
}

// policy checks whether the user's domain may be signed in to through the realm's.
func (j *judge) policy() {
	c := Check{Topic: TopicPolicy, Source: srcPolicy}
	p, assumed := j.t.Policy, ""
	if p == nil {
		p, assumed = &aad.TokenValidationPolicy{RootDomains: aad.AllDomains}, ", as the default is, which was assumed"
	}
	kind := fmt.Sprintf("the policy %q%s", p.RootDomains, assumed)
	if j.realm == nil || j.user == nil {
		c.Found = "not judged without a realm and a user; " + kind
		j.add(c, j.assertion)
		return
	}
	_, domain, _ := strings.Cut(j.user.UserPrincipalName, "@")
	domain = text.Domain(domain)
	realm := text.Domain(j.realm.Name)
	realmRoot, userRoot := text.Domain(j.realm.Root), j.t.rootOf(domain)
	if domain == realm && userRoot == "" { // whatever it is, it is the same
		realmRoot, userRoot = realm, realm
	}
	held := j.held(p, userRoot)
	same := CannotSay
	if realmRoot != "" && userRoot != "" {
		same = No
		if realmRoot == userRoot {
			same = Yes
		}
	}
	who := "the user is on a domain"
	if j.signed {
		who = "the user is on " + domain
	}
	switch {
	case held == CannotSay && !knownPolicy(p.RootDomains):
		c.Found = kind + " is not known"
	case same == Yes:
		c.Result, c.Found = Good, who+" of the same root as "+realm+"; "+kind
	case held == No:
		c.Result, c.Found = Good, who+", for which token validation is off: "+kind
	case same == No && held == Yes:
		c.Result, c.Code, c.Found = Bad, "AADSTS5000820", who+" of another root than "+realm+"; "+kind
		c.Want = "a user on " + realmRoot + " or a subdomain"
	case same == CannotSay:
		c.Found = "the root of a domain is not known: of " + realm + " or of the user's; " + kind
		if j.signed {
			c.Found = "the root of a domain is not known: of " + domain + " or of " + realm + "; " + kind
		}
	default:
		c.Found = who + " of another root than " + realm + "; whether that is among those of " + kind + " is not known"
	}
	j.add(c, j.assertion)
}

func knownPolicy(r aad.RootDomains) bool {
	switch r {
	case aad.NoDomains, aad.AllDomains, aad.AllFederatedDomains, aad.AllManagedDomains, aad.EnumeratedDomains,
		aad.AllManagedAndEnumeratedFederation:
		return true
	}
	return false
}

// held returns whether a policy holds for the users of a root domain.
func (j *judge) held(p *aad.TokenValidationPolicy, root string) Answer {
	answer := func(b bool) Answer {
		if b {
			return Yes
		}
		return No
	}
	switch p.RootDomains {
	case aad.NoDomains:
		return No
	case aad.AllDomains:
		return Yes
	}
	d := j.t.domain(root)
	if !knownPolicy(p.RootDomains) || root == "" || d == nil {
		return CannotSay
	}
	listed, around := false, false
	for _, name := range p.DomainNames {
		listed = listed || text.Domain(name) == root
		// Whether the name of a subdomain stands for its root is not known either.
		around = around || strings.HasSuffix(root, "."+text.Domain(name)) || text.Domain(name) != root && j.t.rootOf(name) == root
	}
	switch p.RootDomains {
	case aad.AllFederatedDomains:
		return answer(d.Federation != nil)
	case aad.AllManagedDomains:
		return answer(d.Federation == nil)
	case aad.AllManagedAndEnumeratedFederation:
		if d.Federation == nil {
			return Yes
		}
	}
	if !listed && around { // a root of its own below one that is listed, or the root of one that is
		return CannotSay
	}
	return answer(listed)
}
