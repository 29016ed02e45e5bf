package approve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/federation"
)

// An Act is what is approved: of which customer and domain, which verb, which proposal,
// and until when a run of it may be started.
type Act struct {
	Customer, Domain string
	Verb             federation.Verb
	Hash             string    // of the proposal
	Expires          time.Time // of the proposal
	Two              bool      // two people must approve; see [NeedsTwo]
}

// Of returns the act of a customer's proposal. The verb is the proposal's, or
// [VerbRetire]. twoPeople is as for [NeedsTwo].
func Of(customer string, verb federation.Verb, p *federation.Proposal, twoPeople *bool) (Act, error) {
	switch {
	case p == nil:
		return Act{}, errors.New("there is no proposal to approve: make one")
	case verb != VerbRetire && verb != p.Verb:
		return Act{}, fmt.Errorf("the proposal is to %s, not to %s: make one of that: %w", p.Verb, verb, ErrOtherVerb)
	}
	a := Act{customer, p.Domain, verb, p.Hash, p.Expires, NeedsTwo(verb, p, twoPeople)}
	return a, a.whole()
}

// whole says what an act lacks.
func (a Act) whole() error {
	hash, err := hex.DecodeString(a.Hash)
	switch {
	case a.Customer == "" || a.Customer == Everywhere || a.Domain == "" || a.Verb == "":
		return errors.New("an approval is of one verb, one customer and one domain: name them")
	case err != nil || len(hash) != sha256.Size || a.Hash != strings.ToLower(a.Hash):
		return errors.New("the hash of the proposal is none: make a new proposal")
	case a.Expires.IsZero():
		return errors.New("the proposal does not say until when it is good: make a new one")
	}
	return nil
}

// An Approval is the consent of one or two people to an [Act]. It is plain data: stored,
// sent, and judged by [Key.Check] before each write.
type Approval struct {
	Hash     string          `json:"hash"`
	Verb     federation.Verb `json:"verb"`
	Customer string          `json:"customer"`
	Domain   string          `json:"domain"`
	// Expires is until when a run may be started. One that was started before goes on.
	Expires time.Time `json:"expires"`
	// Actors are who has approved, in that order.
	Actors []string `json:"actors"`
	// At is when the last of them did, in UTC.
	At time.Time `json:"at"`
	// MAC is the HMAC-SHA-256 of all this, in hexadecimal.
	MAC string `json:"mac"`
}

// Errors of [Key.Sign] and [Key.Check]. Each says what to do.
var (
	ErrForged = errors.New("the approval was not made by this operator, or was changed: approve again; " +
		"if OPERATOR_APPROVAL_KEY was changed, that is why")
	ErrOtherProposal = errors.New("the approval is of another proposal: look at the present one, and approve that")
	ErrOtherVerb     = errors.New("the approval is of another verb: approve what is to be done")
	ErrOtherDomain   = errors.New("the approval is of another customer or domain: approve it for this one")
	ErrExpired       = errors.New("the proposal has expired: make a new one, look at it, and approve that")
	ErrYetToCome     = errors.New("the approval is of a time that is yet to come: look at the clocks, then approve again")
	ErrSamePerson    = errors.New("two different people must approve, and this one has already: ask another one")
	ErrOnePerson     = errors.New("two people must approve, and one has: ask another one")
	ErrNoTwo         = errors.New("two people must approve, and password mode cannot tell people apart: " +
		"start the operator with -identity-header, or set twoPeople: false for the customer")
	ErrNoRole = errors.New("an approval needs the role approve with the customer, which somebody does not have, or not any more: " +
		"ask one who has it to approve")
)

// clocksApart is how far the clocks of those who sign and check may differ.
const clocksApart = 5 * time.Minute

// Complete reports whether all who must approve have: if not, hand the approval to
// [Key.Sign] with the second person.
func (a Approval) Complete(act Act) bool { return len(a.Actors) >= act.people() }

func (a Act) people() int {
	if a.Two {
		return 2
	}
	return 1
}

// Sign makes the approval of an act by an actor who has the role for it. With an
// approval of the same act by somebody else, first, it is that of both; otherwise
// first is nil. Errors are as of [Key.Check], about the moment now.
func (k Key) Sign(act Act, first *Approval, actor string, roles Roles, now time.Time) (Approval, error) {
	name := Name(actor)
	if err := act.whole(); err != nil {
		return Approval{}, err
	}
	switch {
	case len(k.b) < leastKey:
		return Approval{}, errors.New("there is no key for approvals")
	case !now.Before(act.Expires):
		return Approval{}, ErrExpired
	case !roles.Allows(name, act.Customer, Approve):
		return Approval{}, ErrNoRole
	case act.Two && name == Operator:
		return Approval{}, ErrNoTwo
	}
	a := Approval{
		Hash: act.Hash, Verb: act.Verb, Customer: act.Customer, Domain: act.Domain, Expires: act.Expires.UTC(),
		Actors: []string{name}, At: now.UTC().Truncate(time.Second),
	}
	if first != nil {
		if err := k.Check(*first, act, false, roles, now); err != nil && !errors.Is(err, ErrOnePerson) {
			return Approval{}, err
		}
		if slices.Contains(first.Actors, name) {
			return Approval{}, ErrSamePerson
		}
		if len(first.Actors) >= 2 || !act.Two {
			return Approval{}, errors.New("the proposal is approved already: nothing more is needed")
		}
		a.Actors = append(slices.Clone(first.Actors), name)
	}
	a.MAC = hex.EncodeToString(k.mac(a))
	return a, nil
}

// Check says why an approval does not allow an act now, nil if it does. Everybody who
// has approved must still have the role for it. started says that a run of the act was
// started under this approval, as a stored report shows: then it does not matter that
// the proposal has expired meanwhile.
func (k Key) Check(a Approval, act Act, started bool, roles Roles, now time.Time) error {
	if err := act.whole(); err != nil {
		return err
	}
	mac, err := hex.DecodeString(a.MAC)
	switch {
	case err != nil || len(k.b) < leastKey || !hmac.Equal(mac, k.mac(a)):
		return ErrForged
	case a.Customer != act.Customer || a.Domain != act.Domain:
		return ErrOtherDomain
	case a.Verb != act.Verb:
		return ErrOtherVerb
	case a.Hash != act.Hash:
		return ErrOtherProposal
	case a.At.After(now.Add(clocksApart)):
		return ErrYetToCome
	case !started && (!now.Before(a.Expires) || !now.Before(act.Expires)):
		return ErrExpired
	}
	seen := make(map[string]bool)
	for _, actor := range a.Actors {
		switch name := Name(actor); {
		case name == "" || !roles.Allows(name, act.Customer, Approve):
			return ErrNoRole
		case seen[name]:
			return ErrSamePerson
		case act.Two && name == Operator:
			return ErrNoTwo
		default:
			seen[name] = true
		}
	}
	switch {
	case len(seen) == 0:
		return ErrForged
	case len(seen) < act.people():
		return ErrOnePerson
	}
	return nil
}

// mac is what the approval's MAC must be.
func (k Key) mac(a Approval) []byte {
	h := hmac.New(sha256.New, k.b)
	h.Write(a.encode())
	return h.Sum(nil)
}

// encode is the approval without its MAC, as bytes that no other approval has: each
// text after its length, the actors after their number, times as seconds and nanoseconds.
func (a Approval) encode() []byte {
	b := []byte("jcaad operator approval 1\n")
	text := func(s string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	instant := func(t time.Time) {
		b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
		b = binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
	}
	text(a.Hash)
	text(string(a.Verb))
	text(a.Customer)
	text(a.Domain)
	instant(a.Expires)
	b = binary.BigEndian.AppendUint64(b, uint64(len(a.Actors)))
	for _, actor := range a.Actors {
		text(actor)
	}
	instant(a.At)
	return b
}
