package federation

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/jcaad/jcaad/internal/text"
)

// A Digest is what the states of many domains, of one customer or of hundreds, come to:
// how many are in which state, which have to be looked at first, which could not be read,
// and which certificates end next. [Statuses.Digest] makes it.
//
// However many domains there are, it has a bounded number of lines of bounded length. It
// names no person: an address in a text is blanked. It can be stored as JSON.
type Digest struct {
	// At is the moment from which days are counted. Zero: each domain's own Checked.
	At      time.Time `json:"at,omitzero"`
	Domains int       `json:"domains"`
	// States are the states that there are, what needs people most first.
	States []StateCount `json:"states,omitempty"`

	// First are the domains to be looked at first, with what weighs most: the state, a
	// finding, or a certificate that ends within 30 days or has ended. Alarms come before
	// all else, those first by which nobody can sign in; then comes whose certificate
	// ends soonest. A domain about which there is no more than an [Info] is not among them.
	First     []DigestLine `json:"first,omitempty"`
	FirstMore int          `json:"firstMore,omitempty"` // how many more there are

	// Unread are the domains about which something could not be read, and why. One of
	// them is in First as well if what could be read puts it there.
	Unread     []DigestLine `json:"unread,omitempty"`
	UnreadMore int          `json:"unreadMore,omitempty"` // how many more there are

	// Certificates is on how many domains a certificate's end is known, on either side.
	// Only domains count whose people are sent to an application of the organisation, and
	// those whose state could not be read; one that inherits is told by its root. The side
	// that ends earlier decides.
	Certificates int `json:"certificates"`
	// Ended is how many of them have ended. Within7, Within30 and Within60 are how many of
	// the others have at most so many whole days left; each contains the one before.
	Ended    int `json:"ended"`
	Within7  int `json:"within7"`
	Within30 int `json:"within30"`
	Within60 int `json:"within60"`
	// JumpCloudNext is the certificate that ends next of those that JumpCloud signs with,
	// AzureADNext of those that Azure AD checks that with: as in a [Watch], in whichever of
	// its two places JumpCloud's is, else the first. Nil: none is known that has not ended.
	JumpCloudNext *CertificateEnd `json:"jumpCloudNext,omitempty"`
	AzureADNext   *CertificateEnd `json:"azureADNext,omitempty"`
}

// A StateCount says how many domains are in a state.
type StateCount struct {
	State   State `json:"state"` // "": it is not known
	Domains int   `json:"domains"`
}

// A DigestLine is why a domain is told of in a [Digest].
type DigestLine struct {
	Domain string `json:"domain"`
	State  State  `json:"state"` // "": it is not known
	// Severity says how much it matters; "" for what could not be read.
	Severity Severity `json:"severity,omitempty"`
	// Reason is one plain line, with what to do where that is known.
	Reason string `json:"reason"`
}

// A CertificateEnd is when the certificate of a domain ends.
type CertificateEnd struct {
	Domain string    `json:"domain"`
	Ends   time.Time `json:"ends"`
	// Days are the whole days that are left: 0 on the last one.
	Days int `json:"days"`
}

// digestAtMost bounds either list of a digest, the others the characters of a line.
const (
	digestAtMost  = 20
	longestDomain = 253
	longestReason = 400
)

// digestStates are the states, what needs people most first, with how much the state by
// itself matters. That a domain is federated by somebody else may be as its owner wants
// it; a [Watch], which has the plan, raises the alarm if it is not.
var digestStates = []struct {
	state    State
	severity Severity
}{
	{StateMismatch, Alarm}, {StateOrphaned, Alarm}, {StateHalf, Alarm}, {StateUnknownNext, Alarm},
	{"", Info}, // told among those that could not be read
	{StateAmbiguous, Warning}, {StateForeign, Warning}, {StateDiffers, Warning}, {StateUnknown, Warning},
	{StateRotating, Info}, {StateUnverified, Info}, {StatePrepared, Info}, {StateManaged, Info},
	{StateFederated, Info}, {StateInherits, Info}, {StateInitial, Info},
}

// needs is the place of the state in digestStates; one that is not there comes last.
func (s State) needs() int {
	for i, d := range digestStates {
		if d.state == s {
			return i
		}
	}
	return len(digestStates)
}

// Digest sums the domains up, by the days that are left at the moment now; zero means at
// the Checked of each. States of several tenants can be put together, in any order. What
// was read long ago is told as it was then, but for the days.
func (ss Statuses) Digest(now time.Time) Digest {
	d := Digest{At: now, Domains: len(ss)}
	states := make(map[State]int)
	var first []urgent
	for i := range ss {
		s := &ss[i]
		states[s.State]++
		u := d.certificate(s)
		if u.weigh(s); urgency[u.line.Severity] > urgency[Info] {
			first = append(first, u)
		}
		if s.Error == "" {
			continue
		}
		if len(d.Unread) == digestAtMost {
			d.UnreadMore++
		} else {
			d.Unread = append(d.Unread, s.digestLine("", s.Error))
		}
	}
	for s, n := range states {
		d.States = append(d.States, StateCount{s, n})
	}
	slices.SortFunc(d.States, func(a, b StateCount) int {
		return cmp.Or(cmp.Compare(a.State.needs(), b.State.needs()), cmp.Compare(a.State, b.State))
	})
	slices.SortStableFunc(first, urgent.compare)
	d.FirstMore = max(0, len(first)-digestAtMost)
	for _, u := range first[:len(first)-d.FirstMore] {
		d.First = append(d.First, u.line)
	}
	return d
}

// digestLine is a line about the domain.
func (s *Status) digestLine(severity Severity, reason string) DigestLine {
	return DigestLine{
		Domain: text.OneLine(s.Domain, longestDomain), State: s.State, Severity: severity,
		Reason: text.OneLine(text.NoAddresses(sentenceOf(reason)), longestReason),
	}
}

// acceptedUntil is when the certificate ends that Azure AD checks what JumpCloud signs
// with: in whichever of its two places that is, else in the first.
func (s *Status) acceptedUntil() time.Time {
	if s.Federation != nil && !s.Signer.IsZero() && s.Federation.NextSigningCertificate == s.Signer {
		return s.NextExpires
	}
	return s.Expires
}

// certificate counts the domain's certificate, and returns what is to be said of it.
func (d *Digest) certificate(s *Status) urgent {
	u := urgent{days: math.MaxInt}
	jc, ad := s.ApplicationExpires, s.acceptedUntil()
	if !s.State.byUs() && s.State != "" || jc.IsZero() && ad.IsZero() {
		return u
	}
	now := d.At
	if now.IsZero() {
		now = s.Checked
	}
	u.days, u.ends = expiring(s.Domain, jc, ad, now, s.Rotation)
	d.Certificates++
	if u.days < 0 {
		d.Ended++
	}
	for within, n := range map[int]*int{7: &d.Within7, 30: &d.Within30, 60: &d.Within60} {
		if u.days >= 0 && u.days <= within {
			*n++
		}
	}
	sooner(&d.JumpCloudNext, s, jc, now)
	sooner(&d.AzureADNext, s, ad, now)
	return u
}

// sooner makes next the end, if that is to come before it.
func sooner(next **CertificateEnd, s *Status, end, now time.Time) {
	days := daysUntil(end, now)
	if end.IsZero() || days < 0 || *next != nil && !end.Before((*next).Ends) {
		return
	}
	*next = &CertificateEnd{Domain: text.OneLine(s.Domain, longestDomain), Ends: end.UTC(), Days: days}
}

// urgent is a domain that may have to be looked at first.
type urgent struct {
	line DigestLine
	days int      // until a certificate ends; the largest number if that is not known
	ends *Finding // what is to be said of that, nil for nothing
}

// weigh makes the line of what weighs most: an alarm by the state before all that weighs
// as much, any other state behind it.
func (u *urgent) weigh(s *Status) {
	state := Finding{Severity: Info, Message: cmp.Or(s.Meaning, s.State.Meaning()), Repair: cmp.Or(s.Next, s.State.Next())}
	if i := s.State.needs(); i < len(digestStates) {
		state.Severity = digestStates[i].severity
	}
	var all []Finding
	if u.ends != nil {
		all = append(all, *u.ends)
	}
	all = append(all, s.Findings...)
	if state.Severity == Alarm {
		all = slices.Insert(all, 0, state)
	} else {
		all = append(all, state)
	}
	most := slices.MaxFunc(all, func(a, b Finding) int { return cmp.Compare(urgency[a.Severity], urgency[b.Severity]) })
	u.line = s.digestLine(most.Severity, most.String())
}

// compare orders by severity, then alarms by the state, then all by the days that are left.
func (u urgent) compare(v urgent) int {
	alarms := func(u urgent) int {
		if i := u.line.State.needs(); i < len(digestStates) && digestStates[i].severity == Alarm {
			return i
		}
		return len(digestStates)
	}
	return cmp.Or(
		cmp.Compare(urgency[v.line.Severity], urgency[u.line.Severity]),
		cmp.Compare(alarms(u), alarms(v)),
		cmp.Compare(u.days, v.days),
		cmp.Compare(u.line.State.needs(), v.line.State.needs()),
		cmp.Compare(u.line.Domain, v.line.Domain),
	)
}
