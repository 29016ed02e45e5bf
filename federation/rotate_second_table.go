package federation

import (
	"slices"

	"github.com/jcaad/jcaad/certs"
)

// A secondSight is what the phase of a rotation by a second application is decided by.
type secondSight struct {
	sent2            bool       // people are sent to the second application, not to the first
	there1, there2   bool       // it exists
	active1, active2 bool       // it signs
	hidden1, hidden2 bool       // people do not see it among theirs
	c1, c2           certs.Cert // what it signs with
	e1, e2           certs.Cert // what Azure AD accepts: the first slot and the second
	odd1, odd2       bool       // the slot holds what is no certificate
	bound            bool       // whatever is bound to the first is bound to the second

	replace string // fingerprint of what the plan replaces
	lastOld string // of what the last call has said to be the old one, and the new one
	lastNew string
	hid     bool     // the steps so far have hidden the first application
	wrote   []string // what the steps so far have written to the slots, in base64
	pilot   bool     // somebody is to try the second first, and has not
	remove  bool     // the first is to be deleted at the end
}

// signs is what the domain's application signs with.
func (s *secondSight) signs() certs.Cert {
	if s.sent2 {
		return s.c2
	}
	return s.c1
}

// accepted reports whether Azure AD accepts c.
func (s *secondSight) accepted(c certs.Cert) bool { return !c.IsZero() && (c == s.e1 || c == s.e2) }

// more reports whether the second slot holds anything but a copy of the first.
func (s *secondSight) more() bool { return s.odd2 || !s.e2.IsZero() && s.e2 != s.e1 }

// old reports whether c is the certificate that is replaced.
func (s *secondSight) old(c certs.Cert) bool {
	return !c.IsZero() && (c == s.c1 || c.Fingerprint() == s.replace || c.Fingerprint() == s.lastOld)
}

// ours reports whether this rotation has put c where it is.
func (s *secondSight) ours(c certs.Cert) bool {
	return !c.IsZero() && (s.old(c) || c == s.c2 || c.Fingerprint() == s.lastNew || slices.Contains(s.wrote, c.Base64()))
}

// stranger reports whether a slot holds what is none of these.
func (s *secondSight) stranger(known func(certs.Cert) bool) bool {
	return s.odd1 || s.odd2 || !s.e1.IsZero() && !known(s.e1) || s.more() && !known(s.e2)
}

// Steps of a rotation by a second application, besides those of the others.
const (
	stepMake       rotateStep = "make"       // make the second application
	stepActivate   rotateStep = "activate"   // let it sign
	stepWithdraw   rotateStep = "withdraw"   // and no more
	stepPilot      rotateStep = "pilot"      // a person tries it
	stepBind       rotateStep = "bind"       // let everybody use it
	stepRedirect   rotateStep = "redirect"   // send people to it
	stepTiles      rotateStep = "tiles"      // show it in the place of the first
	stepDeactivate rotateStep = "deactivate" // the first signs no more
	stepDelete     rotateStep = "delete"     // and is deleted
	stepNone       rotateStep = "none"       // nothing is left

	stepReactivate rotateStep = "reactivate" // led back: the first signs again
	stepReturn     rotateStep = "return"     // people are sent to it
	stepTilesBack  rotateStep = "tiles-back" // and see it in the place of the second
	stepSwapBack   rotateStep = "swap-back"  // its certificate is the first
	stepClear      rotateStep = "clear"      // the second slot is emptied
	stepRemove     rotateStep = "remove"     // the second application is deleted
	stepNoWay      rotateStep = "no-way"     // it cannot be led back
)

// A secondRow is one row of a table. The first whose condition holds decides.
type secondRow struct {
	phase RotationPhase
	seen  string // the condition, in the words of the documentation
	holds func(*secondSight) bool
	step  rotateStep
	waits bool // the phase has to last before the step
	pages bool // and as long as a page may be open that leads to what the step takes away
}

// secondTable decides how far a rotation by a second application has come and what comes
// next. A1 and A2 are the two applications, C1 and C2 what they sign with.
var secondTable = []secondRow{
	{phase: RotationBroken, seen: "what people are sent to signs with what is in no slot", step: stepMend,
		holds: func(s *secondSight) bool { return !s.accepted(s.signs()) }},
	{phase: RotationBroken, seen: "people are sent to A2, A1 is active, C1 in no slot", step: stepMend,
		holds: func(s *secondSight) bool { return s.sent2 && s.active1 && !s.accepted(s.c1) }},

	{phase: RotationForeign, seen: "no A2, another certificate in a slot", step: stepAsk,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.there2 && s.begins() && (s.more() || s.odd1) }},
	{phase: RotationIdle, seen: "no A2, C1 = Replace", step: stepMake,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.there2 && s.begins() }},
	{phase: RotationIdle, seen: "no A2, C1 ≠ Replace", step: stepNone,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.there2 }},
	{phase: RotationForeign, seen: "A2, C1 ≠ Replace", step: stepAsk,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.begins() }},
	{phase: RotationSaved, seen: "A2 active, C2 in no slot", step: stepWithdraw,
		holds: func(s *secondSight) bool { return !s.sent2 && s.active2 && !s.accepted(s.c2) }},
	{phase: RotationForeign, seen: "A2, what is neither C1 nor C2 in a slot", step: stepAsk,
		holds: func(s *secondSight) bool {
			return !s.sent2 && s.stranger(func(c certs.Cert) bool { return c == s.c1 || c == s.c2 })
		}},
	{phase: RotationSaved, seen: "A2, C2 in no slot", step: stepPublish,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.accepted(s.c2) }},
	{phase: RotationCreated, seen: "C1 and C2 in the slots, A2 inactive", step: stepActivate, waits: true,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.active2 }},
	{phase: RotationPilot, seen: "A2 active, a pilot asked for and not approved", step: stepPilot,
		holds: func(s *secondSight) bool { return !s.sent2 && s.pilot }},
	{phase: RotationActivated, seen: "A2 active, bindings of A1 that it lacks", step: stepBind,
		holds: func(s *secondSight) bool { return !s.sent2 && !s.bound }},
	{phase: RotationBound, seen: "A2 active, all bindings of A1", step: stepRedirect, waits: true,
		holds: func(s *secondSight) bool { return !s.sent2 }},

	{phase: RotationForeign, seen: "people are sent to A2, what is none of the rotation's in a slot", step: stepAsk,
		holds: func(s *secondSight) bool { return s.stranger(s.ours) }},
	{phase: RotationRedirected, seen: "people are sent to A2, A1 is not hidden", step: stepTiles, waits: true,
		holds: func(s *secondSight) bool { return s.there1 && !s.hidden1 }},
	{phase: RotationRedirected, seen: "people are sent to A2, C2 is not in the first slot", step: stepSwap,
		holds: func(s *secondSight) bool { return s.e1 != s.c2 }},
	{phase: RotationSwapped, seen: "C2 in the first slot, A1 active", step: stepDeactivate, waits: true, pages: true,
		holds: func(s *secondSight) bool { return s.active1 }},
	{phase: RotationDeactivated, seen: "C2 in the first slot, the old one in the second, A1 inactive", step: stepRetire, waits: true,
		holds: func(s *secondSight) bool { return s.more() }},
	{phase: RotationClosed, seen: "C2 alone, A1 inactive, to be deleted", step: stepDelete,
		holds: func(s *secondSight) bool { return s.there1 && s.remove }},
	{phase: RotationClosed, seen: "C2 alone, A1 inactive or gone", step: stepNone,
		holds: func(*secondSight) bool { return true }},
}

// secondBackTable decides what comes next in a rotation that is led back.
var secondBackTable = []secondRow{
	secondTable[0], secondTable[1],
	{phase: RotationClosed, seen: "people are sent to A2, C1 in no slot or A1 gone", step: stepNoWay,
		holds: func(s *secondSight) bool { return s.sent2 && (!s.there1 || !s.accepted(s.c1)) }},
	{phase: RotationDeactivated, seen: "people are sent to A2, A1 inactive", step: stepReactivate,
		holds: func(s *secondSight) bool { return s.sent2 && !s.active1 }},
	{phase: RotationReactivated, seen: "people are sent to A2, A1 active", step: stepReturn, waits: true,
		holds: func(s *secondSight) bool { return s.sent2 }},
	{phase: RotationReturning, seen: "people are sent to A1, A2 is not hidden", step: stepTilesBack,
		holds: func(s *secondSight) bool { return s.there2 && !s.hidden2 }},
	{phase: RotationReturning, seen: "no A2, A1 hidden by the rotation", step: stepTilesBack,
		holds: func(s *secondSight) bool { return !s.there2 && s.hidden1 && s.hid }},
	{phase: RotationReturning, seen: "people are sent to A1, C1 is not in the first slot, C2 is", step: stepSwapBack,
		holds: func(s *secondSight) bool { return s.there2 && s.e1 != s.c1 && s.e1 == s.c2 }},
	{phase: RotationReturned, seen: "people are sent to A1, A2 active", step: stepWithdraw, waits: true, pages: true,
		holds: func(s *secondSight) bool { return s.active2 }},
	{phase: RotationWithdrawn, seen: "A2 inactive or gone, C1 not in the first slot", step: stepSwapBack,
		holds: func(s *secondSight) bool { return s.e1 != s.c1 && s.ours(s.e1) }},
	{phase: RotationWithdrawn, seen: "A2 inactive or gone, a certificate of the rotation in the second slot", step: stepClear, waits: true,
		holds: func(s *secondSight) bool { return s.more() && !s.odd2 && s.e2 != s.c1 && s.ours(s.e2) }},
	{phase: RotationWithdrawn, seen: "A2 inactive, its certificate in no slot", step: stepRemove,
		holds: func(s *secondSight) bool { return s.there2 }},
	{phase: RotationCancelled, seen: "no A2", step: stepNone,
		holds: func(*secondSight) bool { return true }},
}

// begins reports whether the first application signs with what is to be replaced.
func (s *secondSight) begins() bool { return s.c1.Fingerprint() == s.replace }

// row is the row of a table that holds.
func (s *secondSight) row(table []secondRow) *secondRow {
	for i := range table {
		if r := &table[i]; r.holds(s) {
			return r
		}
	}
	panic("the last row always holds")
}
