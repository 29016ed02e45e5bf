package signin

import (
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/xmlsig"
)

// margin is how far clocks may differ before a message is refused for certain:
// what Azure AD tolerates is not known.
const margin = 5 * time.Minute

const clockFormat = "2006-01-02T15:04:05Z"

// moment reads a time of SAML, which is one of UTC. [time.Parse] takes some that
// are none.
func moment(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil && len(s) >= len(clockFormat) && s[13] == ':' && !strings.Contains(s, ",") && strings.HasSuffix(s, "Z")
}

// statement returns the statement about the authentication, or nil.
func (j *judge) statement() *xmlsig.Node {
	if j.v11 {
		return j.assertion.Kid(nsSAML11, "AuthenticationStatement")
	}
	return j.assertion.Kid(nsSAML, "AuthnStatement")
}

// confirmation returns the data of the subject's confirmation, or nil.
func (j *judge) confirmation() *xmlsig.Node {
	if s := j.assertion.Kid(nsSAML, "Subject"); s != nil {
		if c := s.Kid(nsSAML, "SubjectConfirmation"); c != nil {
			return c.Kid(nsSAML, "SubjectConfirmationData")
		}
	}
	return nil
}

// lifetime checks all times against the clock. What is missing is told among the
// parts.
func (j *judge) lifetime() {
	space, code := nsSAML, "AADSTS500089"
	if j.v11 {
		space, code = nsSAML11, "AADSTS500133"
	}
	now := j.at.UTC().Format(clockFormat)
	// read reads a time, and tells of one that is none.
	read := func(n *xmlsig.Node, attr string) (time.Time, bool) {
		if n == nil {
			return time.Time{}, false
		}
		v, ok := n.Attr(attr)
		if !ok {
			return time.Time{}, false
		}
		t, ok := moment(v)
		if !ok {
			j.add(Check{Topic: TopicLifetime, Code: code, Found: n.Local + "/" + attr + " " + quote(v) + " is no time in UTC",
				Want: "such as 2026-01-31T09:00:00Z", Source: srcNobody}, n)
		}
		return t, ok
	}
	cond := j.assertion.Kid(space, "Conditions")
	from, hasFrom := read(cond, "NotBefore")
	to, hasTo := read(cond, "NotOnOrAfter")
	c := Check{Topic: TopicLifetime, Code: code, Want: "a time around " + now, Repair: fixClock, Source: srcSAMLPage}
	switch {
	case hasFrom && from.Sub(j.at) > margin:
		c.Result, c.Found = Bad, "not valid before "+from.Format(clockFormat)
	case hasTo && j.at.Sub(to) > margin:
		c.Result, c.Found = Bad, "expired at "+to.Format(clockFormat)
	case hasFrom && j.at.Before(from), hasTo && !j.at.Before(to):
		c.Found = "valid from " + from.Format(clockFormat) + " to " + to.Format(clockFormat) +
			", by the clock not now, but within five minutes: how far clocks may differ is not known"
		c.Source = srcNobody
	case !hasFrom || !hasTo:
		c.Code, c.Found, c.Want = "", "the assertion does not say from when to when it is valid", ""
	default:
		c = Check{Topic: TopicLifetime, Result: Good, Source: srcSAMLPage,
			Found: "valid from " + from.Format(clockFormat) + " to " + to.Format(clockFormat)}
	}
	at := j.assertion
	if cond != nil {
		at = cond
	}
	j.add(c, at)

	if data := j.confirmation(); data != nil && !j.v11 {
		begin, ok := read(data, "NotBefore")
		if ok && j.at.Before(begin) {
			j.add(Check{Topic: TopicLifetime, Code: code, Found: "the confirmation begins at " + begin.Format(clockFormat), Want: "before " + now,
				Repair: fixClock, Source: srcNobody}, data)
		}
		end, ok := read(data, "NotOnOrAfter")
		if ok && !j.at.Before(end) && c.Result != Bad {
			j.add(Check{Topic: TopicLifetime, Code: code, Found: "the confirmation ended at " + end.Format(clockFormat) +
				", and the assertion has not ended for certain", Want: "after " + now, Repair: fixClock, Source: srcNobody}, data)
		}
	}
	read(j.assertion, "IssueInstant")
	if st := j.statement(); st != nil {
		read(st, "AuthnInstant")
		read(st, "AuthenticationInstant")
		if end, ok := read(st, "SessionNotOnOrAfter"); ok && j.at.After(end) {
			j.add(Check{Topic: TopicLifetime, Found: "the session ended at " + end.Format(clockFormat), Want: "after " + now,
				Source: "nothing says whether Azure AD looks at it"}, st)
		}
	}
	if j.envelope == nil {
		return
	}
	read(j.envelope, "IssueInstant")
	if life := j.envelope.Kid(j.envelope.Space, "Lifetime"); life != nil {
		for _, n := range life.Kids {
			t, ok := moment(strings.TrimSpace(n.Text()))
			switch {
			case n.Local != "Created" && n.Local != "Expires":
			case !ok:
				j.add(Check{Topic: TopicLifetime, Code: code, Found: "Lifetime/" + n.Local + " " + quote(n.Text()) + " is no time in UTC",
					Want: "such as 2026-01-31T09:00:00Z", Source: srcNobody}, n)
			case n.Local == "Expires" && j.at.After(t):
				j.add(Check{Topic: TopicLifetime, Found: "the token's lifetime ended at " + t.Format(clockFormat),
					Want: "after " + now, Source: "nothing says whether Azure AD looks at it"}, n)
			}
		}
	}
}

// audience checks for whom the assertion was made.
func (j *judge) audience() {
	space, restriction := nsSAML, "AudienceRestriction"
	if j.v11 {
		space, restriction = nsSAML11, "AudienceRestrictionCondition"
	}
	c := Check{Topic: TopicAudience, Want: spEntityID, Source: srcSAMLPage}
	var all []string
	at := j.assertion
	right, blank := false, false
	if cond := j.assertion.Kid(space, "Conditions"); cond != nil {
		for _, r := range cond.All(space, restriction) {
			for _, a := range r.All(space, "Audience") {
				all, at = append(all, a.Text()), a
				right = right || a.Text() == spEntityID
				blank = blank || strings.TrimSpace(a.Text()) == spEntityID
			}
		}
	}
	switch {
	case len(all) == 0:
		c.Found, c.Source = "no audience", srcNobody
	case !right && blank:
		c.Found, c.Source = "white space around the audience: "+fmt.Sprintf("%q", strings.Join(all, " ")), srcNobody
	case !right:
		c.Result, c.Code, c.Found = Bad, "AADSTS50010", "the audience "+quote(strings.Join(all, " "))
		for _, a := range all {
			if guest(a) {
				c.Found += ", which is that of the federation of guests"
				c.Repair = "set the application's SP entity ID to " + spEntityID + "; with it go the immutable ID as NameID, and no address"
			}
		}
	case len(all) > 1:
		c.Found, c.Source = "several audiences: "+quote(strings.Join(all, " ")), srcNobody
	default:
		c.Result, c.Found, c.Want = Good, "the audience "+spEntityID, ""
	}
	j.add(c, at)
}

// guest reports whether an audience is that of the federation of guests: the
// login service with the tenant's ID.
func guest(audience string) bool {
	for cloud := aad.Public; cloud.LoginURL() != ""; cloud++ {
		if rest, ok := strings.CutPrefix(audience, cloud.LoginURL()+"/"); ok && rest != "login.srf" {
			return true
		}
	}
	return false
}

// recipient checks to where the message says that it goes.
func (j *judge) recipient() {
	login := j.t.loginURL()
	look := func(n *xmlsig.Node, attr, code string) {
		if n == nil {
			return
		}
		v, ok := n.Attr(attr)
		switch {
		case v == login:
			j.add(Check{Topic: TopicRecipient, Result: Good, Found: n.Local + "/" + attr + " " + v, Source: srcSAMLPage}, n)
		case !ok:
			j.add(Check{Topic: TopicRecipient, Result: Doubtful, Found: n.Local + " has no " + attr, Want: login, Repair: fixACS,
				Source: srcSamples}, n)
		default:
			j.add(Check{Topic: TopicRecipient, Result: Doubtful, Code: code, Found: n.Local + "/" + attr + " " + quote(v), Want: login,
				Repair: fixACS, Source: srcSamples}, n)
		}
	}
	if j.url != "" && !strings.EqualFold(j.url, login) {
		j.add(Check{Topic: TopicRecipient, Result: Doubtful, Code: "AADSTS75008", Found: "sent to " + quote(j.url), Want: login, Repair: fixACS,
			Source: srcSamples}, nil)
	}
	switch {
	case j.protocol == aad.SAML:
		look(j.envelope, "Destination", "AADSTS75008")
		if data := j.confirmation(); data != nil {
			look(data, "Recipient", "AADSTS500089")
		} else {
			j.add(Check{Topic: TopicRecipient, Found: "no confirmation that names a recipient", Want: login, Source: srcNobody}, j.assertion)
		}
	default:
		j.appliesTo()
	}
}

// appliesTo checks the recipient of WS-Federation, which is the audience once more.
func (j *judge) appliesTo() {
	c := Check{Topic: TopicRecipient, Result: Good, Found: "no address in AppliesTo, which need not be there", Source: srcADFS}
	if j.envelope != nil {
		j.envelope.Walk(func(n *xmlsig.Node) bool {
			if n.Local == "Address" && n.Parent != nil && n.Parent.Local == "EndpointReference" {
				c.Found = "AppliesTo " + quote(n.Text())
				if strings.TrimSpace(n.Text()) != spEntityID {
					c.Result, c.Want = Doubtful, spEntityID
				}
			}
			return n != j.assertion
		})
	}
	j.add(c, j.envelope)
}
