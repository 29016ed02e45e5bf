package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// cancelOwn leads a rotation with an own key pair back, which can be done until JumpCloud
// has the pair: Azure AD's second slot is emptied.
func (r *rotating) cancelOwn(ctx context.Context, s *standingCerts, row *rotationRow) error {
	r.place(s, row)
	if row.phase == RotationPublished || row.phase == RotationSaved {
		// A write of an earlier call may be on its way, or not show yet.
		if at := r.handed(s.k); !at.IsZero() && r.f.age(at) < r.settleFor() {
			return r.notVisible("JumpCloud was given the pair of " + s.k.Thumbprint() + " at " + when(at) + ", and may sign with it by now")
		}
		if same, err := r.staysSo(ctx, s); !same || err != nil {
			return err
		}
	}
	ours := s.second() && (s.e2 == s.k || r.given != nil && r.given.New.is(s.e2))
	switch {
	case row.step == stepBegin || row.step == stepPublish:
		return r.cancelled(s)
	case row.phase == RotationPublished, row.phase == RotationForeign && (ours || r.plan.Consent.RemoveNextCertificate):
	case row.phase == RotationForeign:
		r.rot.NotBefore = time.Time{}
		return nil
	default:
		return r.noWayBack()
	}
	var ps findings
	if r.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	null, _, _ := r.tried(s.e2)
	next := certs.Cert{}
	if null {
		next = s.e1
	}
	if err := r.ask(ctx, s, r.slotChange(nil, &next)); err != nil {
		return err
	}
	shown, err := r.empty(ctx, next)
	if errors.Is(err, aad.ErrInvalid) && next.IsZero() {
		shown, err = r.empty(ctx, s.e1)
	}
	if err != nil {
		return err
	}
	if !shown {
		return r.notVisible("Azure AD was told to accept the new certificate no more")
	}
	now := r.certs()
	return r.cancelled(&now)
}

// readsLag is how far answers of the services' interfaces may be behind.
const readsLag = time.Minute

// handed is when JumpCloud was given the pair of k last, as far as the steps tell; zero if
// it was not.
func (r *rotating) handed(k certs.Cert) (at time.Time) {
	for i := range r.rot.Steps {
		if s := &r.rot.Steps[i]; s.tookEffect() && s.Change.ofApplication() && s.Change.value(fieldIdPCertificate) == k.Base64() {
			at = s.Started
		}
	}
	return at
}

// staysSo looks again when what was written before the first look must show, and reports
// whether it is as it was then.
func (r *rotating) staysSo(ctx context.Context, s *standingCerts) (bool, error) {
	if r.only {
		return true, nil
	}
	r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.rot.Domain, Text: "making sure that no earlier change is on its way"})
	if err := sleep(ctx, readsLag+time.Second); err != nil {
		return false, reading(PhaseWait, err)
	}
	if err := r.again(ctx); err != nil {
		return false, err
	}
	now := r.certs()
	if now.j == s.j && now.e1 == s.e1 && now.e2 == s.e2 {
		return true, nil
	}
	if now.j.IsZero() {
		return false, r.notVisible("what JumpCloud signs with differs between two looks")
	}
	r.reached()
	r.rot.Next = "what both services show has changed meanwhile: look again whether the rotation can be led back"
	r.rot.NotBefore = r.f.now().UTC()
	return false, nil
}

// cancelled ends a rotation that was led back.
func (r *rotating) cancelled(s *standingCerts) error {
	rot := r.rot
	rot.Phase, rot.Complete = RotationCancelled, true
	rot.Old = newCertificate(s.j)
	rot.Next = "nothing is left to be done: JumpCloud signs with " + newCertificate(s.j).Thumbprint + ", and Azure AD accepts nothing else"
	return nil
}

// noWayBack refuses to lead back what cannot be.
func (r *rotating) noWayBack() error {
	if r.rot.NotBefore.IsZero() {
		r.rot.NotBefore = r.notBefore()
	}
	var ps findings
	ps.refuse(CodeRotation, r.rot.Domain, "the rotation is "+string(r.rot.Phase)+
		" and cannot be led back: JumpCloud never gives the old key again",
		"go on without cancel: the next call will "+r.rot.Next)
	return ps.err()
}
