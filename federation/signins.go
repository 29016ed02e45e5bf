package federation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/federation/internal/people"
)

// SignIns is what the logs of the two services hold of the people of a domain, and of
// the subdomains that follow it. It names nobody. See [SignInLog].
type SignIns struct {
	// Since is from when on sign-ins were looked at, Of that in words, with what
	// happened then.
	Since time.Time `json:"since"`
	Of    string    `json:"of"`

	// Succeeded counts sign-ins through JumpCloud that Azure AD has let in, People who
	// they were, Last is when the last one was, and Protocol how: "saml20", or empty if
	// the log does not say.
	Succeeded int                `json:"succeeded"`
	People    int                `json:"people"`
	Last      time.Time          `json:"last,omitzero"`
	Protocol  aad.SignInProtocol `json:"protocol,omitempty"`

	// Untold counts sign-ins of which the log does not say how they were made, or of
	// which it is not known through whom, as [SignInLog.Since] was not given; and which
	// JumpCloud has not let pass right before.
	Untold int `json:"untold,omitempty"`

	// Refused is what Azure AD has refused, by code, the most frequent first.
	Refused []RefusedSignIns `json:"refused,omitempty"`
	// Interrupted counts those that Azure AD has stopped to ask for something, as it
	// does on the way to a sign-in.
	Interrupted int `json:"interrupted,omitempty"`

	// Passed counts those that JumpCloud has let pass to the application, and
	// LastPassed is when the last one was: what Azure AD made of them is not said by
	// that. Stopped counts those that JumpCloud itself has refused.
	Passed     int       `json:"passed"`
	LastPassed time.Time `json:"lastPassed,omitzero"`
	Stopped    int       `json:"stopped,omitempty"`

	// Unread is what could not be read, each with what it needs.
	Unread []string `json:"unread,omitempty"`
}

// RefusedSignIns are the sign-ins that Azure AD has refused with one code. Meaning,
// causes and repair are those of [signin.Explain].
type RefusedSignIns struct {
	signin.Explanation
	Count  int       `json:"count"`
	People int       `json:"people"`
	Last   time.Time `json:"last"`
}

// ofAll are the codes by which Azure AD refuses what JumpCloud sends, whoever it is for:
// issuer, signature, protocol, audience.
var ofAll = codeSet(50003, 50006, 500081, 500083, 500085, 500086, 500087, 5000811, 50010, 500101, 500102, 500103, 50032, 50107,
	50186, 50200, 7500514, 900023)

// onTheWay are those by which it stops somebody to ask for something.
var onTheWay = codeSet(16000, 50058, 50072, 50074, 50076, 50078, 50079, 50140)

// ofPasswords are those of sign-ins with a password of Azure AD's, which are none of the
// federation. They count for nothing where the log does not say how somebody signed in.
var ofPasswords = codeSet(50034, 50053, 50055, 50056, 50057, 50126, 50144)

// afterwards are those by which it refuses whom the federation has let in: what the
// person, the device or the application is not allowed.
var afterwards = codeSet(50097, 50105, 50155, 50158, 50161, 53000, 53001, 53002, 53003, 53004, 530035, 65001, 65004, 700016)

func codeSet(codes ...int) map[int]bool {
	set := make(map[int]bool, len(codes))
	for _, c := range codes {
		set[c] = true
	}
	return set
}

// signInsEnough is how many people must have been refused with one code, and nobody let
// in, before that is taken for no matter of theirs.
const signInsEnough = 3

// arriving is how long after a change a server of Azure AD's may not have it yet, as
// JumpCloud says. What is refused until then says nothing of the federation.
const arriving = 20 * time.Minute

// summing counts what was seen.
type summing struct {
	*SignIns
	in      map[string]bool         // who has got in, by the ID of the account
	refused map[int]map[string]bool // by code: who was refused
	able    map[int]map[string]bool // of them, who could be expected to get in
	since   map[string]time.Time    // who was refused after the last success, and when, for a reason that holds for all
	last    time.Time               // when that was the last time
}

// sum counts what was seen. Those who are unable, by user principal name, are known not
// to get in.
func (s *signInsSeen) sum(unable map[string]bool) *summing {
	out := &summing{
		SignIns: &SignIns{Since: s.since, Of: s.of, Unread: s.unread()}, in: make(map[string]bool),
		refused: make(map[int]map[string]bool), able: make(map[int]map[string]bool), since: make(map[string]time.Time),
	}
	got := make(map[string]bool)
	byCode := make(map[int]*RefusedSignIns)
	for i := range s.entries { // the newest first
		e := &s.entries[i]
		switch {
		case s.proves(e):
			if out.Succeeded++; out.Succeeded == 1 {
				out.Last, out.Protocol = e.Created, e.Protocol
				maps.DeleteFunc(out.since, func(_ string, at time.Time) bool { return !at.After(e.Created) })
			}
			got[signedInAs(e)] = true
			if strings.Trim(e.UserID, "0-") != "" {
				out.in[e.UserID] = true
			}
		case e.ErrorCode == 0 && (byToken(e) || untold(e)):
			out.Untold++
		case e.ErrorCode <= 0 || !e.Federated() && (!untold(e) || ofPasswords[e.ErrorCode]):
		case onTheWay[e.ErrorCode]:
			out.Interrupted++
		default:
			out.refuse(e, byCode, unable)
		}
	}
	for code, r := range byCode {
		r.People = len(out.refused[code])
		out.Refused = append(out.Refused, *r)
	}
	slices.SortFunc(out.Refused, func(a, b RefusedSignIns) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	out.People = len(got)
	for i := range s.events {
		switch e := &s.events[i]; {
		case e.Failed():
			out.Stopped++
		default:
			if out.Passed++; out.Passed == 1 {
				out.LastPassed = e.At.UTC()
			}
		}
	}
	return out
}

// refuse counts a sign-in that Azure AD has refused.
func (s *summing) refuse(e *aad.SignIn, byCode map[int]*RefusedSignIns, unable map[string]bool) {
	who, code := signedInAs(e), e.ErrorCode
	r := byCode[code]
	if r == nil {
		r = &RefusedSignIns{Explanation: known("AADSTS" + strconv.Itoa(code)), Last: e.Created}
		byCode[code], s.refused[code], s.able[code] = r, make(map[string]bool), make(map[string]bool)
	}
	r.Count++
	s.refused[code][who] = true
	if !unable[people.Fold(e.UserPrincipalName)] {
		s.able[code][who] = true
	}
	if ofAll[code] && s.Succeeded == 0 {
		if _, later := s.since[who]; !later {
			s.since[who] = e.Created
		}
		if e.Created.After(s.last) {
			s.last = e.Created
		}
	}
}

// wrong says whether what was refused is the federation's fault: while nobody was let in,
// all of it for reasons that hold for everybody, or one reason for several people; and
// after somebody was, several people for such a reason since.
func (s *summing) wrong() (forAll, forMany bool) {
	if s.Succeeded > 0 {
		return len(s.since) >= signInsEnough, false
	}
	forAll = len(s.refused) > 0
	for code, who := range s.able {
		forAll = forAll && ofAll[code]
		forMany = forMany || !ofAll[code] && !afterwards[code] && len(who) >= signInsEnough
	}
	return forAll || len(s.since) >= signInsEnough, forMany
}

// signsIn reports whether people sign in through an application that is known.
func (st *observation) signsIn(p Plan) bool {
	return st.federated(p.Domain) && ours(p, st) && st.app(p) != nil
}

// seeSignIns notes in st who has signed in through JumpCloud.
func (f *Federator) seeSignIns(ctx context.Context, p Plan, st *observation, gates *[]Finding) error {
	seen, err := f.signIns(ctx, p, st)
	if err != nil {
		return err
	}
	sum := seen.sum(nil)
	st.signedIn = slices.Sorted(maps.Keys(sum.in))
	var ps findings
	ps.info(CodeSignInLog, p.Domain, sum.evidence(), "")
	*gates = append(*gates, ps...)
	return nil
}

// layerSignIn looks at real sign-ins since the change; see [LayerSignIn]. The realm is
// the layer of the public realm endpoint.
func (f *Federator) layerSignIn(ctx context.Context, p Plan, st *observation, realm *Layer) (Layer, *SignIns, error) {
	l := Layer{Name: LayerSignIn, Status: Unseen}
	if !st.signsIn(p) {
		l.Evidence = "not looked for, because " + p.Domain + " is not federated with a JumpCloud application of the plan"
		return l, nil, nil
	}
	seen, err := f.signIns(ctx, p, st)
	if err != nil {
		return l, nil, err
	}
	s := seen.sum(st.unable)
	early := s.last.Before(s.Since.Add(arriving))
	switch forAll, forMany := s.wrong(); {
	case forAll && s.Succeeded == 0 && !forMany && (realm.Status == Late || early && f.now().Before(s.Since.Add(arriving))):
		l.Status, l.Range = Late, realmDelay
	case forAll && !early, forMany:
		l.Status = Wrong
	case s.Succeeded > 0:
		l.Status = Good
	}
	l.Evidence = s.evidence()
	return l, s.SignIns, nil
}

// refusedAtMost is how many codes a sentence tells.
const refusedAtMost = 3

// evidence says what was seen, in one line.
func (s *SignIns) evidence() string {
	var parts []string
	tell := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case s.Succeeded > 0:
		by := ""
		if s.Protocol != "" {
			by = " by " + plain(string(s.Protocol))
		}
		tell("%s signed in through JumpCloud %s, the last at %s%s", plural(s.People, "person has", "people have"), s.Of, when(s.Last), by)
	default:
		tell("nobody has been seen to sign in through JumpCloud %s; the logs are minutes late", s.Of)
	}
	for i, r := range s.Refused {
		if i == refusedAtMost {
			tell("and %s more", plural(len(s.Refused)-i, "code", "codes"))
			break
		}
		line := fmt.Sprintf("Azure AD has refused %s of %s, the last at %s, with %s: %s", plural(r.Count, "sign-in", "sign-ins"),
			plural(r.People, "person", "people"), when(r.Last), r.Code, r.Meaning)
		if r.Repair != "" {
			line += " (" + r.Repair + ")"
		}
		tell("%s", line)
	}
	if s.Interrupted > 0 && s.Succeeded == 0 {
		tell("Azure AD has stopped %s to ask for something, a second factor as a rule", plural(s.Interrupted, "sign-in", "sign-ins"))
	}
	if s.Untold > 0 && s.Succeeded == 0 {
		tell("%s succeeded, and the logs do not show that it was through JumpCloud", plural(s.Untold, "sign-in has", "sign-ins have"))
	}
	if s.Passed > 0 {
		line := fmt.Sprintf("JumpCloud has let %s pass, the last at %s", plural(s.Passed, "sign-in", "sign-ins"), when(s.LastPassed))
		if s.Succeeded == 0 {
			line += ", of which Azure AD's log shows no success"
		}
		tell("%s", line)
	}
	if s.Stopped > 0 {
		tell("JumpCloud itself has refused %d", s.Stopped)
	}
	return strings.Join(append(parts, s.Unread...), "; ")
}
