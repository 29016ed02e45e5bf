package federation

import (
	"context"
	"crypto/x509/pkix"
	"fmt"

	"github.com/jcaad/jcaad/certs"
)

// publish has Azure AD accept the certificate of the stored pair as well, or of a new
// one: the first write of a rotation.
func (r *rotating) publish(ctx context.Context, s *standingCerts, row *rotationRow) error {
	if r.last == nil || !r.last.Old.is(s.j) || r.last.Complete || r.last.Phase == RotationCancelled {
		r.rot.Steps = []Step{} // those of an earlier rotation
	}
	r.place(s, row)
	if err := r.gateBegin(ctx, false); err != nil {
		return err
	}
	if row.step == stepBegin || s.k.IsZero() || !s.usable {
		announced := r.slotChange(nil, &certs.Cert{})
		announced.Fields[0].New = Later
		if err := r.ask(ctx, s, announced); err != nil {
			return err
		}
		if err := r.make(ctx); err != nil {
			return err
		}
	} else {
		k := r.key.Cert()
		if err := r.ask(ctx, s, r.slotChange(nil, &k)); err != nil {
			return err
		}
	}
	k := r.key.Cert()
	shown, err := r.patch(ctx, nil, &k)
	switch {
	case err != nil:
		r.placeSaved(s)
		return err
	case !shown:
		r.placeSaved(s)
		return r.notVisible("Azure AD was told to accept " + k.Thumbprint() + " as well")
	}
	r.reached()
	return nil
}

// placeSaved says that a pair is stored which nobody is known to accept.
func (r *rotating) placeSaved(s *standingCerts) {
	r.rot.Phase, r.rot.Old, r.rot.New = RotationSaved, newCertificate(s.j), newCertificate(r.key.Cert())
	r.rot.NotBefore, r.rot.Next = r.f.now().UTC(), r.nextText(stepPublish)
}

// make makes a pair and stores it: what is not stored safely is not used.
func (r *rotating) make(ctx context.Context) error {
	if r.only {
		return errOnly
	}
	now, domain := r.f.now(), r.rot.Domain
	name := pkix.Name{CommonName: fmt.Sprintf("JumpCloudSAMLUser %s %s", domain, now.UTC().Format("2006-01-02"))}
	k, err := certs.NewKeyPair(name, r.plan.Key.lifetime(now), r.plan.Key.Bits)
	if err != nil {
		return &StepError{Phase: PhaseApply, Err: err}
	}
	if err := r.f.saveKey(ctx, domain, k); err != nil {
		return fmt.Errorf("federation: nothing was written to either service, because the new pair could not be stored: %w", err)
	}
	back, err := r.f.loadKey(ctx, domain)
	if err == nil && back == nil {
		err = ErrNoKey
	}
	switch {
	case err != nil:
		return fmt.Errorf("federation: nothing was written to either service, because the new pair was stored and cannot be read back: %w", err)
	case back.Cert() != k.Cert():
		return fmt.Errorf("federation: nothing was written to either service, because the key store returned another pair "+
			"than the one it was given, %s",
			k.Cert().Thumbprint())
	}
	r.key = back
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: domain, Text: "a new key pair is stored: " + k.Cert().Thumbprint()})
	return nil
}
