package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// retiredAlready refuses to lead back what cannot be.
func (q *seconding) retiredAlready() error {
	var ps findings
	ps.refuse(CodeRotation, q.rot.Domain, "the rotation cannot be led back: Azure AD does not accept the first application's "+
		"certificate any more, or the application is gone", "call without cancel")
	return ps.err()
}

// stop deals with what a person has to look at.
func (q *seconding) stop(ctx context.Context, s *secondSight, row *secondRow) error {
	q.rot.NotBefore = time.Time{}
	std := q.certs()
	switch {
	case !s.sent2 && s.there2 && !s.begins():
		q.alarm(CodeRotation, q.app1.ID, "somebody has given "+q.see.st.nameApplication(q.app1)+
			" another certificate while it was being replaced: it signs with "+newCertificate(s.c1).String(),
			"call with cancel, which removes the second application; then rotate again, with replace "+s.c1.Fingerprint()+", if it is due")
		return nil
	case !s.sent2 && s.there2 && s.ours(s.e2) && s.e2 != s.c1:
		q.alarm(CodeRotation, q.app2.ID, "somebody has given the second application, "+q.see.st.nameApplication(q.app2)+
			", another certificate: it signs with "+
			newCertificate(s.c2).String()+", and Azure AD accepts "+newCertificate(s.e2).Thumbprint+". Nobody is sent there yet",
			"find out who it was; call with cancel, or set consent.removeNextCertificate in the rotation's plan, "+
				"and its new certificate is written in the place of that one")
	case !s.sent2 && !s.there2 && s.ours(s.e2) && !s.old(s.e2):
		q.alarm(CodeRotation, q.rot.Domain, "somebody has deleted the second application; its certificate "+s.e2.Thumbprint()+
			" stands in Azure AD's second slot still",
			"call with cancel, which removes it; or set consent.removeNextCertificate in the rotation's plan, and another application is made")
	default:
		q.stranger(&std)
	}
	if !q.plan.Consent.RemoveNextCertificate {
		return nil
	}
	switch s.consented() {
	case stepOnly:
		return q.only2(ctx, s, &std)
	case stepPublish:
		return q.publish(ctx, s)
	}
	return q.make(ctx, s, row)
}

// only2 takes a certificate out that nobody knows, where the first application signs no
// more.
func (q *seconding) only2(ctx context.Context, s *secondSight, std *standingCerts) error {
	next := s.beside()
	if next.IsZero() {
		if null, _, _ := q.tried(std.e2); null {
			next = q.c2
		}
	}
	return q.set(ctx, &q.c2, &next, "Azure AD was told to accept "+q.c2.Thumbprint()+" and no stranger")
}

// set writes the slots, and places the rotation.
func (q *seconding) set(ctx context.Context, signing, next *certs.Cert, what string) error {
	var ps findings
	if q.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	std := q.certs()
	if signing != nil && *signing == std.e1 {
		signing = nil
	}
	if err := q.ask(ctx, &std, q.slotChange(signing, next)); err != nil {
		return err
	}
	shown, err := q.patch(ctx, signing, next)
	if errors.Is(err, aad.ErrInvalid) && next.IsZero() { // which changed nothing
		same := std.e1
		if signing != nil {
			same = *signing
		}
		shown, err = q.patch(ctx, signing, &same)
	}
	if err != nil || !shown {
		return cmpErr(err, func() error { return q.notVisible(what) })
	}
	return q.reached()
}

// publish has Azure AD accept the second application's certificate as well.
func (q *seconding) publish(ctx context.Context, s *secondSight) error {
	var ps findings
	q.gateSecondKey(&ps)
	if ps.err() != nil {
		q.note(ps)
		return ps.err()
	}
	return q.set(ctx, &q.c1, &q.c2, "Azure AD was told to accept "+s.c2.Thumbprint()+" as well")
}

// swapSecond makes what the domain's application signs with the first certificate.
func (q *seconding) swapSecond(ctx context.Context) error {
	j := q.see.shown
	before := q.see.st.fed.SigningCertificate
	return q.set(ctx, &j, &before, "Azure AD was told to have "+j.Thumbprint()+" first")
}
