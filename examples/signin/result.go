package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad/signin"
)

// result is what is said of an input, in the form that -o json prints.
type result struct {
	Input    string `json:"input"`
	Sentence string `json:"sentence"`

	// Of a message that was judged; Accepted is nil if none was.
	Accepted    *signin.Answer `json:"accepted,omitempty"`
	Code        string         `json:"code,omitempty"`
	User        string         `json:"user,omitempty"` // who is signed in
	Side        string         `json:"side,omitempty"` // on which the first check that fails is to be mended
	Attack      string         `json:"attack,omitempty"`
	Messages    int            `json:"messages,omitempty"` // that were found, of which one is judged
	Message     string         `json:"message,omitempty"`  // which
	At          time.Time      `json:"at,omitzero"`
	AtFrom      string         `json:"atFrom,omitempty"`
	Tenant      string         `json:"tenant,omitempty"`
	Checks      []signin.Check `json:"checks,omitempty"`
	Differences []string       `json:"differences,omitempty"` // of the tenant from the plan

	Explanations []explanation `json:"explanations,omitempty"`
	Notes        []string      `json:"notes,omitempty"`

	atAssumed bool
	basis     kind
	brief     bool // good checks in one line
}

// explanation is that of a code of the verdict, or of one that stands in the input.
type explanation struct {
	signin.Explanation
	InInput bool `json:"inInput"`
}

// judged judges a message.
func (r *result) judged(raw []byte, m signin.Message, b *basis) {
	v := signin.Judge(raw, b.tenant, r.At)
	r.Accepted, r.Code, r.Attack, r.Checks = &v.Accepted, v.Code, v.Attack, v.Checks
	r.basis, r.Tenant, r.Differences = b.kind, b.about, b.differ
	r.Notes = append(r.Notes, b.notes...)
	if v.User != nil {
		r.User = v.User.UserPrincipalName
	}
	r.Message = which(m, r.Messages)
	if bad, _ := r.first(signin.Bad); bad != nil {
		r.Side = side(bad)
	}
	for _, e := range signin.Explain(v.Code) {
		r.Explanations = append(r.Explanations, explanation{Explanation: e})
	}
	if r.basis == unknown {
		r.Notes = append(r.Notes, "Without the tenant nobody knows which issuer, certificates, users and policy Azure AD has: these "+
			"checks are unknown. "+
			"Give -tenant FILE, or -live, or -plan FILE.")
	}
	if late := r.late(); late && r.atAssumed {
		r.Notes = append(r.Notes, "The times were judged as of now. If the message was posted at another time, say when: -at TIME.")
	}
	if b.tenant.MFA == signin.CannotSay && slices.ContainsFunc(r.Checks, func(c signin.Check) bool {
		return c.Topic == signin.TopicMFA && c.Result == signin.Doubtful
	}) {
		r.Notes = append(r.Notes, "Whether something demands a second factor of this person is not known; -mfa yes or -mfa no says so.")
	}
	r.Sentence = r.sentence()
}

// late reports whether the message is refused or doubtful for its time.
func (r *result) late() bool {
	for _, c := range r.Checks {
		if c.Topic == signin.TopicLifetime && c.Result != signin.Good {
			return true
		}
	}
	return false
}

// noMessage reports whether what was judged is no message at all.
func (r *result) noMessage() bool {
	return len(r.Checks) == 1 && r.Checks[0].Source == "" && r.Attack == ""
}

// which says which message is judged.
func which(m signin.Message, n int) string {
	s := "XML"
	if m.Field != "" {
		s = "the field " + m.Field
	}
	switch {
	case n == 1:
	case strings.HasSuffix(strings.ToLower(m.URL), "/login.srf"):
		s += fmt.Sprintf(": of %d messages, the last that was posted to login.srf", n)
	default:
		s += fmt.Sprintf(": the last of %d messages, as none was posted to login.srf", n)
	}
	return s
}

// side says on which side a check that fails is to be mended, as far as its topic
// and code tell.
func side(c *signin.Check) string {
	switch c.Topic {
	case signin.TopicProtocol, signin.TopicPolicy:
		if strings.HasPrefix(c.Found, "an assertion of") { // of a version that its own protocol does not have
			break
		}
		return "Azure AD"
	case signin.TopicRealm:
		return "either: the provider's entity ID and Azure AD's issuerUri differ"
	case signin.TopicUser:
		return "either: what the provider sends and the account in Azure AD differ"
	case signin.TopicMFA:
		return "either: Azure AD demands what the provider does not show"
	case signin.TopicLifetime:
		return "the identity provider's clock, or a browser that waited"
	case signin.TopicSignature:
		switch c.Code {
		case "AADSTS5000811":
			return "either: the provider's certificate and Azure AD's differ"
		case "AADSTS50006":
			return "the identity provider, or what lies between"
		}
	}
	return "the identity provider"
}

// first returns the first check with a result, or nil, and how many there are.
func (r *result) first(of signin.Result) (c *signin.Check, n int) {
	for i := range r.Checks {
		if r.Checks[i].Result == of {
			if n++; c == nil {
				c = &r.Checks[i]
			}
		}
	}
	return c, n
}

// sentence is the verdict.
func (r *result) sentence() string {
	by := ""
	if r.basis == planned {
		by = ", by the plan"
	}
	bad, refusals := r.first(signin.Bad)
	why, unknowns := r.first(signin.Unknown)
	_, doubts := r.first(signin.Doubtful)
	wanted := func(c *signin.Check) string {
		if c.Want == "" || len(c.Want) > 100 || c.Topic == signin.TopicUser { // where it says nothing more
			return ""
		}
		return "; wanted: " + c.Want
	}
	more := func(n int) string {
		switch n {
		case 1:
			return ""
		case 2:
			return "; one more check fails as well"
		}
		return fmt.Sprintf("; %d more checks fail as well", n-1)
	}
	switch {
	case *r.Accepted == signin.Yes && doubts > 0:
		return fmt.Sprintf("Accepted: Azure AD signs %s in%s; %s.", r.User, by, count(doubts, "one thing is doubtful",
			"%d things are doubtful"))
	case *r.Accepted == signin.Yes:
		return fmt.Sprintf("Accepted: Azure AD signs %s in%s.", r.User, by)
	case *r.Accepted == signin.No && r.Code == "":
		return fmt.Sprintf("Refused%s: %s: %s%s%s.", by, bad.Topic, bad.Found, wanted(bad), more(refusals))
	case *r.Accepted == signin.No && r.basis == unknown:
		return fmt.Sprintf("Refused, with %s if nothing before it is: %s: %s%s%s.", r.Code, bad.Topic, bad.Found, wanted(bad), more(refusals))
	case *r.Accepted == signin.No:
		return fmt.Sprintf("Refused with %s%s: %s: %s%s%s.", r.Code, by, bad.Topic, bad.Found, wanted(bad), more(refusals))
	case r.basis == unknown:
		return "Cannot say, because the tenant is not known; nothing that can be seen without it is refused for certain."
	case why == nil:
		return "Cannot say" + by + "."
	}
	return fmt.Sprintf("Cannot say%s, because of %s%s: %s.", by, why.Topic, others(unknowns), why.Found)
}

// others says that a check is not the only one.
func others(n int) string {
	if n == 1 {
		return ""
	}
	return " and " + count(n-1, "another check", "%d other checks")
}

func count(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// code is the exit code.
func (r *result) code() int {
	switch {
	case r.Accepted == nil, *r.Accepted == signin.Yes:
		return exitDone
	case *r.Accepted == signin.No:
		return exitRefused
	}
	return exitCannotSay
}
