package federation

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/jcaad/jcaad/certs"
)

// A standingCerts is what a rotation's phase is decided by: which certificate stands
// where. A zero certificate is none; one that cannot be read is none, and says so.
type standingCerts struct {
	j      certs.Cert // what JumpCloud signs with
	e1, e2 certs.Cert // what Azure AD accepts: the first slot and the second
	odd1   bool       // the first slot holds what is no certificate
	odd2   bool       // the second one does
	k      certs.Cert // of the stored pair
	usable bool       // the stored pair may be given to both services

	replace string // fingerprint of what the plan replaces
	lastOld string // and of what the last call has said to be the old one
}

// old reports whether c is the certificate that is being replaced.
func (s *standingCerts) old(c certs.Cert) bool {
	return !c.IsZero() && (c.Fingerprint() == s.replace || c.Fingerprint() == s.lastOld)
}

// second reports whether the second slot holds anything but a copy of the first.
func (s *standingCerts) second() bool { return s.odd2 || !s.e2.IsZero() && s.e2 != s.e1 }

// A rotateStep is what is to be done next.
type rotateStep string

const (
	stepMend    rotateStep = "mend"    // write what JumpCloud signs with, now
	stepSwap    rotateStep = "swap"    // make the new certificate the first
	stepRetire  rotateStep = "retire"  // empty the second slot
	stepSwitch  rotateStep = "switch"  // give JumpCloud the pair
	stepPublish rotateStep = "publish" // put the new certificate into the second slot
	stepBegin   rotateStep = "begin"   // if it is due
	stepAsk     rotateStep = "ask"     // a person has to look
)

// A rotationRow is one row of the table. The first whose condition holds decides.
type rotationRow struct {
	phase    RotationPhase
	seen     string // the condition, in the words of the documentation
	holds    func(*standingCerts) bool
	step     rotateStep
	stranger bool // the second certificate is nobody's that is known
}

// rotationTable decides from what is seen, and from nothing else, how far a rotation of
// one application has come and what comes next.
var rotationTable = []rotationRow{
	{phase: RotationBroken, seen: "J in no slot", step: stepMend,
		holds: func(s *standingCerts) bool { return s.j != s.e1 && s.j != s.e2 }},
	{phase: RotationForeign, seen: "J = E2, E1 no certificate", step: stepAsk, stranger: true,
		holds: func(s *standingCerts) bool { return s.j == s.e2 && s.odd1 }},
	{phase: RotationSwitched, seen: "J = E2 ≠ E1", step: stepSwap,
		holds: func(s *standingCerts) bool { return s.j == s.e2 && s.e1 != s.e2 }},
	{phase: RotationSwapped, seen: "J = E1, E2 = Replace or last.Old", step: stepRetire,
		holds: func(s *standingCerts) bool { return s.second() && s.old(s.e2) }},
	{phase: RotationPublished, seen: "J = E1, E2 = K ≠ J", step: stepSwitch,
		holds: func(s *standingCerts) bool { return s.second() && !s.k.IsZero() && s.e2 == s.k }},
	{phase: RotationSwapped, seen: "J = E1 = K, E2 other", step: stepRetire, stranger: true,
		holds: func(s *standingCerts) bool { return s.second() && !s.k.IsZero() && s.j == s.k }},
	{phase: RotationForeign, seen: "J = E1, E2 other", step: stepAsk, stranger: true,
		holds: func(s *standingCerts) bool { return s.second() }},
	{phase: RotationSaved, seen: "J = E1, E2 empty, K ≠ J usable", step: stepPublish,
		holds: func(s *standingCerts) bool { return !s.k.IsZero() && s.k != s.j && s.usable }},
	{phase: RotationIdle, seen: "J = E1, E2 empty", step: stepBegin,
		holds: func(*standingCerts) bool { return true }},
}

// interrupted reports whether Azure AD accepts one certificate alone that is younger than
// what JumpCloud signs with, and is the stored pair's or stands in both slots: nothing
// but an emergency whose second write was not made leaves that.
func (s *standingCerts) interrupted() bool {
	return !s.j.IsZero() && !s.e1.IsZero() && s.j != s.e1 && s.j != s.e2 && !s.second() &&
		(s.e1 == s.k || s.e1 == s.e2) && s.j.X509().NotBefore.Before(s.e1.X509().NotBefore)
}

// row is the row of the table that holds.
func (s *standingCerts) row() *rotationRow {
	for i := range rotationTable {
		if r := &rotationTable[i]; r.holds(s) {
			return r
		}
	}
	panic("the last row always holds")
}

// names are the certificate that is replaced and the one in its place in a phase, as
// far as what is seen tells.
func (s *standingCerts) names(phase RotationPhase) (before, after certs.Cert) {
	switch phase {
	case RotationSaved, RotationPublished:
		return s.j, s.k
	case RotationSwitched:
		return s.e1, s.j
	case RotationSwapped, RotationRegenerated:
		return s.e2, s.j
	case RotationIdle, RotationForeign:
		return s.j, certs.Cert{}
	case RotationBroken:
		return s.e1, s.j
	}
	return certs.Cert{}, s.j
}

// keyOf is the SHA-256 of a certificate's public key; "" for none.
func keyOf(c certs.Cert) string {
	if c.IsZero() {
		return ""
	}
	sum := sha256.Sum256(c.X509().RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
