package federation

import (
	"context"

	"errors"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"time"
)

// cancelOwn leads a rotation with an own key pair back, which can be done until JumpCloud
// has the pair: Azure AD's second slot is emptied.
func (r *rotating) cancelOwn(ctx context.Context, s *standingCerts, row *rotationRow) error {
	r.place(s, row)
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
