package signin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// Names and values in assertions.
const (
	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	bearer20          = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	bearer11          = "urn:oasis:names:tc:SAML:1.0:cm:bearer"
	claimImmutableID  = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
	claimUPN          = "http://schemas.xmlsoap.org/claims/UPN"

	maxImmutableID = 64 // characters
)

// attribute is a statement about the subject. Its name includes the namespace
// that SAML 1.1 keeps apart.
type attribute struct {
	name   string
	parted bool // SAML 1.1: elsewhere than before the last word
	values []string
	node   *xmlsig.Node
}

// claims11 are the names by which attributes of SAML 1.1 are read.
var claims11 = append([]string{claimImmutableID, claimUPN, claimIssuerID}, mfaClaims[:2]...)

// attributes are all those of an assertion.
func attributes(assertion *xmlsig.Node) []attribute {
	var all []attribute
	for _, st := range assertion.All(assertion.Space, "AttributeStatement") {
		for _, a := range st.All(assertion.Space, "Attribute") {
			at := attribute{name: a.Value("Name"), node: a}
			if assertion.Space == nsSAML11 {
				space, local := a.Value("AttributeNamespace"), a.Value("AttributeName")
				at.name = strings.TrimSuffix(space, "/") + "/" + local
				at.parted = strings.HasSuffix(space, "/") || strings.Contains(local, "/")
			}
			for _, v := range a.All(assertion.Space, "AttributeValue") {
				at.values = append(at.values, v.Text())
			}
			all = append(all, at)
		}
	}
	return all
}

// values returns the values of the attributes of a name, and what holds the last.
func values(all []attribute, name string) (v []string, at *xmlsig.Node) {
	for _, a := range all {
		if a.name == name {
			v, at = append(v, a.values...), a.node
		}
	}
	return v, at
}

// subject checks who the assertion is about, and returns the immutable ID.
func (j *judge) subject() string {
	if j.v11 {
		return j.subject11()
	}
	c := Check{Topic: TopicSubject, Source: srcWindows}
	subject := j.assertion.Kid(nsSAML, "Subject")
	var name *xmlsig.Node
	if subject != nil {
		name = subject.Kid(nsSAML, "NameID")
	}
	if name == nil || name.Text() == "" {
		c.Result, c.Found, c.Want = Bad, "no NameID", "the user's immutable ID"
		c.Repair = "have the provider send the immutable ID as NameID"
		j.add(c, j.assertion)
		return ""
	}
	id := name.Text()
	c.Result, c.Found = Good, "NameID "+quote(id)+form(id)
	j.add(c, name)
	if f := name.Value("Format"); f != formatPersistent {
		j.add(Check{Topic: TopicSubject, Result: Doubtful, Found: "NameID has the format " + quote(f), Want: formatPersistent,
			Source: srcSAMLPage}, name)
	}
	j.length(id, name)
	for _, conf := range subject.All(nsSAML, "SubjectConfirmation") {
		if m, ok := conf.Attr("Method"); ok && m != bearer20 {
			j.add(Check{Topic: TopicSubject, Found: "confirmed by " + quote(m), Want: bearer20, Source: srcNobody}, conf)
		}
	}
	return id
}

func (j *judge) length(id string, at *xmlsig.Node) {
	if n := len([]rune(id)); n > maxImmutableID {
		j.add(Check{Topic: TopicSubject, Result: Doubtful, Found: fmt.Sprintf("an immutable ID of %d characters", n),
			Want: fmt.Sprintf("at most %d", maxImmutableID), Source: srcSAMLPage}, at)
	}
}

// subject11 is subject for SAML 1.1, where the immutable ID is an attribute, and
// the name in every statement besides.
func (j *judge) subject11() string {
	ids, at := values(attributes(j.assertion), claimImmutableID)
	names := make(map[string]bool)
	var some *xmlsig.Node
	j.assertion.Walk(func(n *xmlsig.Node) bool {
		if n.Is(nsSAML11, "NameIdentifier") && n.Text() != "" {
			names[n.Text()], some = true, n
		}
		if n.Is(nsSAML11, "ConfirmationMethod") && n.Text() != bearer11 {
			j.add(Check{Topic: TopicSubject, Found: "confirmed by " + quote(n.Text()), Want: bearer11, Source: srcNobody}, n)
		}
		return true
	})
	for _, a := range attributes(j.assertion) {
		if a.parted && slices.Contains(claims11, a.name) {
			j.add(Check{Topic: TopicSubject, Found: "the claim " + a.name + ", parted elsewhere than before its last word", Source: srcADFS}, a.node)
		}
	}
	c := Check{Topic: TopicSubject, Source: srcADFS, Want: "one attribute ImmutableID, and the same as NameIdentifier"}
	switch {
	case len(ids) == 0 || len(ids) == 1 && ids[0] == "":
		c.Result, c.Code, c.Found = Bad, "AADSTS90020", "no attribute ImmutableID"
		j.add(c, j.assertion)
		return ""
	case some == nil:
		c.Result, c.Found = Bad, "no NameIdentifier"
		c.Repair = "have the provider send the immutable ID as NameIdentifier"
		j.add(c, j.assertion)
		return ids[0]
	case len(ids) > 1:
		j.note(TopicUser, TopicPolicy)
		c.Found = "several values of the attribute ImmutableID"
	case len(names) > 1 || !names[ids[0]]:
		j.note(TopicUser, TopicPolicy)
		c.Found = "the NameIdentifier " + quote(some.Text()) + " beside the attribute ImmutableID " + quote(ids[0])
	default:
		c.Result, c.Want, c.Found = Good, "", "ImmutableID "+quote(ids[0])+form(ids[0])
	}
	j.add(c, at)
	if f := some.Value("Format"); f != "" && f != formatUnspecified {
		j.add(Check{Topic: TopicSubject, Result: Doubtful, Found: "NameIdentifier has the format " + quote(f), Want: formatUnspecified,
			Source: srcADFS}, some)
	}
	j.length(ids[0], at)
	return ids[0]
}

// form says what an immutable ID looks like, to recognise one from elsewhere.
func form(id string) string {
	raw, err := base64.StdEncoding.DecodeString(id)
	switch {
	case len(id) == 24 && strings.Trim(id, "0123456789abcdef") == "":
		return ", in the form of a JumpCloud user's _id"
	case err == nil && len(raw) == 16 && strings.HasSuffix(id, "=="):
		return ", in the form of a GUID in base64, as directories synchronise it"
	case err == nil && isGUID(string(raw)):
		return ", in the form of a GUID's text in base64"
	case isGUID(id):
		return ", in the form of a GUID"
	case strings.Count(id, "@") == 1 && !strings.ContainsAny(id, " \t\r\n"):
		return ", in the form of an e-mail address"
	case strings.TrimSpace(id) != id:
		return ", with white space around it, which counts"
	}
	return ""
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && strings.IndexByte("0123456789abcdefABCDEF", s[i]) < 0 {
			return false
		}
	}
	return true
}

// findUser looks the user up, and compares what else the message says of them.
func (j *judge) findUser(id string) {
	c := Check{Topic: TopicUser, Source: srcWindows, Want: "a user whose onPremisesImmutableId is " + quote(id)}
	var user *aad.User
	var err error
	if j.t.User != nil && id != "" {
		user, err = j.t.User(id)
	}
	who := "the user" // who is told of a signed assertion only
	if user != nil && j.signed {
		who += " " + user.UserPrincipalName
	}
	switch {
	case id == "":
		c.Found, c.Want = "there is no immutable ID to look a user up by", ""
	case j.t.User == nil:
		c.Found = "users were not looked up"
	case j.encoded(id, user, err):
		c.Found = "no user has the immutable ID " + quote(id) + ", and one has, or may have, what it is when .2B is read as +"
		c.Want = "the immutable ID as it is, or encoded: the vendor's page asks for the latter, and working set-ups send the former"
		c.Source = srcSAMLPage
	case errors.Is(err, aad.ErrNotFound):
		c.Result, c.Code, c.Found = Bad, "AADSTS51004", "no user has the immutable ID "+quote(id)+form(id)
	case err != nil:
		c.Found = "the look-up of the user failed: " + err.Error()
	case user == nil:
		c.Found = "the look-up of the user said nothing"
	case user.ImmutableID != id:
		c.Result, c.Code, c.Found = Bad, "AADSTS51004", "no user has exactly the immutable ID "+quote(id)+form(id)
		if j.signed {
			c.Found = who + " has the immutable ID " + quote(user.ImmutableID) + form(user.ImmutableID)
		}
	case user.Enabled != nil && !*user.Enabled:
		c.Code, c.Found, c.Want, c.Source = "AADSTS50057", who+" is disabled", "an account that is enabled", srcReference
	default:
		j.user = user
		c.Result, c.Found, c.Want = Good, who+" has this immutable ID", ""
	}
	j.add(c, j.assertion)
	j.address()
}

// encoded reports whether a user has, or may have, the immutable ID that an encoded
// one stands for, where the look-up of it as it is has found nobody with exactly it.
func (j *judge) encoded(id string, user *aad.User, err error) bool {
	raw := decodeID(id)
	switch {
	case raw == id || err != nil && !errors.Is(err, aad.ErrNotFound) || err == nil && (user == nil || user.ImmutableID == id):
		return false
	case err == nil && user.ImmutableID == raw:
		return true
	}
	u, err := j.t.User(raw)
	if err != nil || u == nil {
		return !errors.Is(err, aad.ErrNotFound)
	}
	return u.ImmutableID == raw
}

// decodeID undoes the encoding in which + is .2B. Only characters that are neither
// letters nor digits are encoded so, and other points stand for themselves.
func decodeID(id string) string {
	var out []byte
	for i := 0; i < len(id); i++ {
		if id[i] == '.' && i+2 < len(id) {
			c, err := strconv.ParseUint(id[i+1:i+3], 16, 8)
			if b := byte(c); err == nil && b >= ' ' && b < 0x7f && (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z') {
				out = append(out, b)
				i += 2
				continue
			}
		}
		out = append(out, id[i])
	}
	return string(out)
}

// address compares the address in the message with the user's name.
func (j *judge) address() {
	all, name := attributes(j.assertion), "IDPEmail"
	if j.v11 {
		name = claimUPN
	}
	v, at := values(all, name)
	if len(v) == 0 && !j.v11 {
		v, at = values(all, claimUPN)
	}
	c := Check{Topic: TopicUser, Result: Doubtful, Source: srcSAMLPage, Want: "the user's UPN"}
	switch {
	case len(v) == 0:
		c.Found, at = "no attribute "+name, j.assertion
		c.Repair = "have the provider send the user's UPN as " + name
		if j.v11 { // all that were seen to be accepted have it
			c.Result, c.Code, c.Source = Unknown, "AADSTS500088", srcADFS
		}
	case len(v) > 1:
		c.Found = "several values of " + name
	case j.user == nil:
		return
	case !strings.EqualFold(v[0], j.user.UserPrincipalName):
		c.Found = name + " is " + quote(v[0])
		c.Want = "the UPN"
		if j.signed {
			c.Want += " " + j.user.UserPrincipalName
		}
	default:
		c.Result, c.Found, c.Want = Good, name+" is the user's UPN", ""
	}
	j.add(c, at)
}
