package signin

import (
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

const claimIssuerID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/issuerid"

// issuerNode is what the issuer is read from.
func (j *judge) issuerNode() *xmlsig.Node {
	if j.assertion == nil {
		return j.envelope
	}
	return j.assertion
}

// issuer returns the issuer by which Azure AD looks the realm up.
func (j *judge) issuer() string {
	n := j.issuerNode()
	if n == nil {
		return ""
	}
	if j.v11 {
		if v, _ := values(attributes(n), claimIssuerID); len(v) > 0 {
			return v[0]
		}
		return n.Value("Issuer")
	}
	if k := n.Kid(nsSAML, "Issuer"); k != nil {
		return k.Text()
	}
	return ""
}

// findRealm finds the domain whose issuer the message has.
func (j *judge) findRealm() []Check {
	issuer := j.issuer()
	c := Check{Topic: TopicRealm, Found: "the issuer " + quote(issuer), Source: srcIssuer}
	if issuer == "" {
		c.Found = "no issuer"
		return []Check{c}
	}
	var near string
	var roots []string
	for i := range j.t.Domains {
		d := &j.t.Domains[i]
		if d.Federation == nil || d.Federation.IssuerURI == "" {
			continue
		}
		have := d.Federation.IssuerURI
		switch {
		case have == issuer:
			root := text.Domain(d.Root)
			if root == "" {
				root = text.Domain(d.Name)
			}
			if j.realm == nil || text.Domain(d.Name) == root { // subdomains inherit their root's configuration
				j.realm = d
			}
			if len(roots) == 0 || roots[0] != root {
				roots = append(roots, root)
			}
		case plainIssuer(have) == plainIssuer(issuer):
			near = have
		}
	}
	if v, _ := j.issuerIDs(); len(v) > 1 {
		c.Found = fmt.Sprintf("%d issuers", len(v))
		j.realm = nil
		return []Check{c}
	}
	switch {
	case len(j.t.Domains) == 0:
		c.Found += "; the tenant's domains are not known"
		return []Check{c}
	case j.realm == nil:
		c.Result, c.Code, c.Want = Bad, "AADSTS50107", "the issuerUri of one of the tenant's domains"
		if near != "" {
			c.Want = quote(near) + ", character for character"
		}
		c.Repair = fixIssuer
		return []Check{c}
	case len(roots) > 1:
		c.Found += fmt.Sprintf(" is that of %d domains", len(roots))
		c.Repair = "give each domain an issuerUri of its own"
		j.realm = nil // nothing is certain of either
		return []Check{c}
	}
	c.Result = Good
	c.Found += " is that of " + j.realm.Name
	checks := []Check{c}
	other := issuer
	switch {
	case j.v11 && j.assertion != nil:
		if v, ok := j.assertion.Attr("Issuer"); ok {
			other = v
		}
	case j.envelope != nil && j.protocol == aad.SAML:
		if k := j.envelope.Kid(nsSAMLP, "Issuer"); k == nil {
			if k = j.envelope.Kid(nsSAML, "Issuer"); k != nil {
				other = k.Text()
			}
		}
	}
	if other != issuer {
		checks = append(checks, Check{Topic: TopicRealm, Result: Doubtful,
			Found: "the message has another issuer than its assertion: " + quote(other), Want: quote(issuer), Repair: fixIssuer, Source: srcSamples})
	}
	return checks
}

// plainIssuer is an issuer without what people get wrong.
func plainIssuer(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, p := range []string{"https://", "http://"} {
		s = strings.TrimPrefix(s, p)
	}
	return strings.TrimRight(s, "/")
}

// checkProtocol compares what the message is with what the domain is configured for.
func (j *judge) checkProtocol() {
	const advice = "set preferredAuthenticationProtocol to what the provider sends"
	what := map[aad.Protocol]string{aad.SAML: "a response of SAML 2.0", aad.WSFed: "a token of WS-Federation"}[j.protocol]
	read := j.issuerNode()
	c := Check{Topic: TopicProtocol, Found: what, Source: srcRealm, Repair: advice}
	var configured aad.Protocol
	if j.realm != nil {
		configured = j.realm.Federation.Protocol
		c.Want = fmt.Sprintf("%s, as configured", quote(string(configured)))
	}
	switch {
	case j.realm == nil:
		c.Found, c.Repair = c.Found+"; there is no configuration to compare it with", ""
	case strings.EqualFold(string(configured), string(j.protocol)):
		c.Result, c.Want, c.Repair = Good, "", ""
	case strings.EqualFold(string(configured), string(aad.WSFed)):
		c.Result, c.Code = Bad, "AADSTS50107"
	case strings.EqualFold(string(configured), string(aad.SAML)):
		c.Result, c.Code = Bad, "AADSTS500085"
	default:
		c.Found += "; the configured protocol is not known"
	}
	j.add(c, read)
	if j.assertion == nil || j.v11 == (j.protocol == aad.WSFed) {
		return
	}
	v := Check{Topic: TopicProtocol, Result: Bad, Code: "AADSTS500085", Found: "an assertion of SAML 2.0 in a token of WS-Federation",
		Want: "SAML 1.1", Source: srcReference}
	if j.v11 {
		v.Code, v.Found, v.Want = "AADSTS7500514", "an assertion of SAML 1.1 in a response of SAML 2.0", "SAML 2.0"
	}
	j.add(v, read)
}
