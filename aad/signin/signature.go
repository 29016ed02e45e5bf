package signin

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// maxVerified is how many assertions are verified in one message.
const maxVerified = 4

// slot is a certificate of the realm.
type slot struct {
	name string
	cert certs.Cert
	x509 *x509.Certificate // once it is needed: most messages are by the first
}

// slots are the certificates of the realm, and whether there is one that cannot
// be read.
func (j *judge) slots() (found []slot, unreadable bool) {
	if j.realm == nil {
		return nil, false
	}
	f := j.realm.Federation
	for _, s := range []slot{{"signingCertificate", f.SigningCertificate, nil}, {"nextSigningCertificate", f.NextSigningCertificate, nil}} {
		if !s.cert.IsZero() {
			found = append(found, s)
		}
	}
	return found, f.RawSigningCertificate != "" || f.RawNextSigningCertificate != "" || len(found) == 0
}

// try verifies a signature with the key of each slot, whatever KeyInfo says.
func try(v *xmlsig.Verifier, g *xmlsig.Signature, slots []slot) (xmlsig.Outcome, error) {
	out := xmlsig.Outcome{Key: -1}
	for i := range slots {
		if slots[i].x509 == nil {
			slots[i].x509 = slots[i].cert.X509()
		}
		o, err := v.Verify(g, []*x509.Certificate{slots[i].x509})
		if err != nil || o.Key >= 0 {
			o.Key += i
			return o, err
		}
	}
	return out, nil
}

// verify verifies the signatures of the message and of its assertions, and notes
// what they cover.
func (j *judge) verify() []read {
	slots, unreadable := j.slots()
	var out []read
	if j.envelope != nil && !j.v11 {
		// The outer one first: see xmlsig.
		v := xmlsig.NewVerifier(j.doc, "ID")
		out = append(out, j.verifyResponse(v, slots)...)
		return append(j.verifyAssertions(v, slots, unreadable), out...)
	}
	return j.verifyAssertions(xmlsig.NewVerifier(j.doc, j.idName()), slots, unreadable)
}

// verifyResponse verifies the response's own signature, which need not be there.
func (j *judge) verifyResponse(v *xmlsig.Verifier, slots []slot) []read {
	sigs := j.envelope.All(nsDS, "Signature")
	if len(sigs) == 0 || len(slots) == 0 {
		return nil
	}
	c := Check{Topic: TopicSignature, Found: "the response's own signature does not verify", Source: srcNobody, Repair: fixKey}
	if len(sigs) > 1 {
		return nil // told among the parts
	}
	g, fault := xmlsig.Read(sigs[0], "ID")
	if fault != nil {
		j.suspect(g, fault, j.envelope)
		c.Found += ": " + fault.Detail
		return []read{{c, nil}}
	}
	o, err := try(v, g, slots)
	switch {
	case err != nil || o.Disagree != nil:
		c.Found = "the response's own signature cannot be judged: " + errors.Join(err, o.Disagree).Error()
	case o.Covers != nil && j.shared(j.envelope, strings.TrimPrefix(g.URI, "#")):
		c.Found = "the response's own signature is about an ID that two elements have"
	case o.Covers != nil:
		j.proved = append(j.proved, o.Covers)
		c.Result, c.Found, c.Repair, c.Source = Good, "the response is signed, too, by "+slots[o.Key].name, "", srcSAMLPage
		if g.SHA1() {
			c.Result, c.Found = Doubtful, c.Found+", with SHA-1"
		}
		return append([]read{{c, nil}}, unusual(g, "the response's signature is ", j.envelope)...)
	case o.Key >= 0:
		c.Found += ": what it covers was changed"
	}
	return []read{{c, nil}}
}

// verifyAssertions verifies the assertions' signatures, of which the first counts.
func (j *judge) verifyAssertions(v *xmlsig.Verifier, slots []slot, unreadable bool) []read {
	if j.assertion == nil {
		return []read{{Check{Topic: TopicSignature, Found: "there is no assertion that could be signed"}, nil}}
	}
	all := j.assertions()
	if len(all) > 1 {
		valid := 0
		for _, a := range all[1:min(len(all), maxVerified)] {
			if o, _ := j.verifyOne(v, a, slots, unreadable); o {
				valid++
			}
		}
		first, checks := j.verifyOne(v, all[0], slots, unreadable)
		j.signed = first
		if valid+1 != len(all) || !first {
			j.attack("%d assertions, of which not every one is signed", len(all))
		}
		return checks
	}
	var checks []read
	j.signed, checks = j.verifyOne(v, j.assertion, slots, unreadable)
	return checks
}

// verifyOne verifies the signature of an assertion.
func (j *judge) verifyOne(v *xmlsig.Verifier, a *xmlsig.Node, slots []slot, unreadable bool) (bool, []read) {
	sigs := a.All(nsDS, "Signature")
	c := Check{Topic: TopicSignature, Source: srcSAMLPage}
	one := func(r Result, code, found string) (bool, []read) {
		c.Result, c.Code, c.Found = r, code, found
		return false, []read{{c, nil}}
	}
	switch {
	case len(sigs) == 0:
		c.Want, c.Repair = "a signature of the assertion", "have the provider sign the assertion"
		found := "the assertion is not signed"
		if j.covered(a) {
			found += ": only the response is"
		}
		return one(Bad, "AADSTS500081", found)
	case len(sigs) > 1:
		j.attack("%d signatures in one assertion, of which readers may take either", len(sigs))
		c.Source = srcNobody
		return one(Unknown, "", "several signatures in one assertion")
	}
	g, fault := xmlsig.Read(sigs[0], j.idName())
	if fault != nil {
		j.suspect(g, fault, a)
		switch fault.Fault {
		case xmlsig.Incomplete, xmlsig.Elsewhere, xmlsig.HMAC:
			c.Want, c.Repair = "a signature of this assertion", "have the provider sign the assertion with the domain's key"
			return one(Bad, map[bool]string{true: "AADSTS500081", false: "AADSTS50006"}[fault.Fault == xmlsig.Elsewhere],
				"the assertion is not signed: "+fault.Detail)
		}
		c.Source = srcNobody
		return one(Unknown, "", "the signature cannot be judged: "+fault.Detail)
	}
	if len(slots) == 0 {
		c.Repair = "write the provider's certificate to the domain's configuration"
		if j.realm == nil {
			c.Repair = ""
			return one(Unknown, "", "without a realm there is no key to verify it with"+namedBy(g))
		}
		return one(Unknown, "", "there is no certificate in the configuration that can be read"+namedBy(g))
	}
	o, err := try(v, g, slots)
	switch {
	case err != nil:
		return one(Unknown, "", "the signature cannot be judged: "+err.Error())
	case o.Disagree != nil:
		return one(Unknown, "", "two implementations of XML Signature do not agree on it: "+o.Disagree.Error())
	case o.Key < 0:
		return j.foreign(g, slots, unreadable, one, &c)
	case o.Covers == nil:
		c.Source = srcReference
		c.Want, c.Repair = "what was signed, unchanged", "find out what changes the message between the provider and Azure AD"
		return one(Bad, "AADSTS50006", "the assertion was changed after it was signed")
	case j.shared(a, strings.TrimPrefix(g.URI, "#")):
		c.Source = srcXML
		return one(Unknown, "", "the signature is about an ID that two elements have")
	}
	j.proved = append(j.proved, o.Covers)
	return true, j.how(g, slots[o.Key], a)
}

// foreign tells of a signature by none of the keys.
func (j *judge) foreign(g *xmlsig.Signature, slots []slot, unreadable bool, one func(Result, string, string) (bool, []read),
	c *Check) (bool, []read) {
	var want []string
	named := false
	for _, s := range slots {
		want = append(want, s.name+" "+s.cert.Thumbprint())
		for _, der := range g.Certs() {
			named = named || bytes.Equal(der, s.cert.DER())
		}
	}
	c.Want, c.Repair = strings.Join(want, " or "), fixKey
	switch {
	case slices.ContainsFunc(slots, func(s slot) bool { n := s.weak(); return n > 0 && n < 1024 }):
		c.Source, c.Repair = srcReference, "sign with RSA of 2048 bits or more"
		return one(Unknown, "AADSTS50032", "a key of the configuration is so short that no signature is verified with it")
	case unreadable:
		return one(Unknown, "", "signed by none of the keys that can be read; one certificate of the configuration cannot")
	case named:
		c.Source = srcReference
		return one(Bad, "AADSTS50006", "the signature does not verify, though it names a certificate of the configuration")
	}
	c.Source = srcGuest
	return one(Bad, "AADSTS5000811", "signed by a key that is none of the configuration's"+namedBy(g))
}

// namedBy tells the certificate that a signature names, which proves nothing.
func namedBy(g *xmlsig.Signature) string {
	if named := g.Certs(); len(named) > 0 {
		if x, err := certs.ParseOne(named[0]); err == nil {
			return "; it names the certificate " + x.Thumbprint()
		}
	}
	return ""
}

// how tells how a valid signature was made.
func (j *judge) how(g *xmlsig.Signature, s slot, a *xmlsig.Node) []read {
	good := Check{Topic: TopicSignature, Result: Good, Source: srcSAMLPage,
		Found: "the assertion is signed by " + s.name + " " + s.cert.Thumbprint()}
	out := []read{{good, a}}
	out = append(out, unusual(g, "", a)...)
	if g.SHA1() {
		out = append(out, read{Check{Topic: TopicSignature, Result: Doubtful, Found: "made with SHA-1", Want: "rsa-sha256 and sha256",
			Repair: "have the provider sign with SHA-256", Source: srcSAMLPage}, a})
	}
	if n := s.weak(); n > 0 {
		out = append(out, read{Check{Topic: TopicSignature, Code: "AADSTS50032", Found: fmt.Sprintf("the RSA key has %d bits", n),
			Want: "2048 or more", Source: srcReference}, a})
	}
	if j.at.Before(s.x509.NotBefore) || j.at.After(s.x509.NotAfter) {
		out = append(out, read{Check{Topic: TopicSignature, Result: Doubtful,
			Found: "the certificate is good from " + s.x509.NotBefore.UTC().Format(day) + " to " + s.x509.NotAfter.UTC().Format(day),
			Want:  "a certificate that is good at the time", Repair: "renew it; whether Azure AD looks at the dates is not known",
			Source: "nothing says whether Azure AD looks at it"}, a})
	}
	return out
}

const day = "2006-01-02"

// unusual tells of algorithms that nobody has seen accepted.
func unusual(g *xmlsig.Signature, what string, at *xmlsig.Node) (out []read) {
	short := func(uri string) string { return text.Printable(uri[strings.LastIndexByte(uri, '#')+1:], 40) }
	if m, d := short(g.Method), short(g.Digest); (m != "rsa-sha256" && m != "rsa-sha1") || (d != "sha256" && d != "sha1") {
		out = append(out, read{Check{Topic: TopicSignature, Found: what + "made with " + m + " and " + d, Want: "rsa-sha256 and sha256",
			Source: srcNobody}, at})
	}
	const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	if g.By != exclusive || g.InfoBy != exclusive {
		by := g.By
		if by == exclusive {
			by = g.InfoBy
		}
		found := what + "canonicalized by " + quote(by)
		if by == "" {
			found = what + "made without a canonicalization that is named"
		}
		out = append(out, read{Check{Topic: TopicSignature, Found: found, Want: exclusive, Source: srcNobody}, at})
	}
	return out
}

// weak returns the length of an RSA key that is shorter than 2048 bits, and 0 for
// others.
func (s slot) weak() int {
	if key, ok := s.x509.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		return key.N.BitLen()
	}
	return 0
}

// suspect tells whether a faulty signature looks like an attack.
func (j *judge) suspect(g *xmlsig.Signature, fault *xmlsig.Error, holder *xmlsig.Node) {
	switch fault.Fault {
	case xmlsig.HMAC, xmlsig.Rewrites, xmlsig.Several, xmlsig.Comments:
		j.attack("%s", fault.Detail)
	case xmlsig.Elsewhere:
		id := strings.TrimPrefix(g.URI, "#")
		j.doc.Root.Walk(func(n *xmlsig.Node) bool {
			for _, a := range n.Attrs {
				if n != holder && a.Value == id && strings.HasSuffix(strings.ToLower(a.Local), "id") && id != "" {
					j.attack("the signature in the %s is about another element, %s: signature wrapping", holder.Local, n.Path())
				}
			}
			return true
		})
	}
}
