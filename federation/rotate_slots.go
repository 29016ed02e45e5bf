package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// swap makes what JumpCloud signs with the first certificate, in one request, so that
// nothing that is accepted ceases to be.
func (r *rotating) swap(ctx context.Context, s *standingCerts) error {
	var ps findings
	if r.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	if err := r.ask(ctx, s, r.slotChange(&s.j, &s.e1)); err != nil {
		return err
	}
	shown, err := r.patch(ctx, &s.j, &s.e1)
	if !shown && r.see.st.fed != nil && !holds(r.see.st.fed, s.j) {
		shown, err = r.patch(ctx, &s.j, &s.e1) // written by halves: nobody can sign in
	}
	if err != nil {
		return err
	}
	if !shown {
		return r.notVisible("Azure AD was told to have " + s.j.Thumbprint() + " first")
	}
	r.reached()
	return nil
}

// How the second slot is emptied is not known of the service: null is tried first, a
// copy of the first certificate if that still shows the old one after the wait.
func (r *rotating) retire(ctx context.Context, s *standingCerts, row *rotationRow) error {
	var ps findings
	if r.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	null, same, at := r.tried(s.e2)
	if null && same && r.f.now().Before(at.Add(24*time.Hour)) {
		r.rot.NotBefore = at.Add(24 * time.Hour).UTC()
		r.stays(s.e2)
		if !r.only {
			return nil
		}
	}
	next := certs.Cert{}
	if null {
		next = s.e1
	}
	if err := r.ask(ctx, s, r.slotChange(nil, &next)); err != nil {
		return err
	}
	shown, err := r.empty(ctx, next)
	if errors.Is(err, aad.ErrInvalid) && next.IsZero() { // which changed nothing
		shown, err = r.empty(ctx, s.e1)
	}
	switch {
	case err != nil:
		r.place(s, row)
		return err
	case !shown:
		r.place(s, row)
		r.rot.NotBefore = r.later()
		r.rot.Next = "have Azure AD accept the certificate " + newCertificate(s.e2).Thumbprint + " no more, which it was told and does not show"
		if _, same, _ := r.tried(s.e2); same {
			r.stays(s.e2)
		}
		return nil
	}
	return r.retired(ctx, s)
}

// empty writes the second slot and reports whether it shows empty.
func (r *rotating) empty(ctx context.Context, next certs.Cert) (bool, error) {
	shown, err := r.patch(ctx, nil, &next)
	if !shown || err != nil {
		return false, err
	}
	if err := r.slots(ctx); err != nil { // twice: one answer may be younger than the next
		return false, err
	}
	return slotted(r.see.st.fed, nil, &next), nil
}

// retired ends a rotation whose old certificate is accepted no more.
func (r *rotating) retired(ctx context.Context, s *standingCerts) error {
	rot := r.rot
	rot.Phase, rot.Complete = RotationRetired, true
	rot.New, rot.Old = newCertificate(s.j), newCertificate(s.e2)
	rot.Next = "nothing is left to be done"
	if r.plan.Method == Regenerate && s.j.Fingerprint() == r.plan.Replace { // an earlier rotation has ended
		rot.Phase, rot.Complete, rot.NotBefore = RotationIdle, false, r.f.now().UTC()
		rot.Old, rot.New = newCertificate(s.j), Certificate{}
		rot.Next = "have JumpCloud make a new pair, with a gap"
		return nil
	}
	if r.plan.Method == OwnKeyPair {
		rot.Next += "; delete the stored key"
	}
	return nil
}

// tried reports how the slot that holds c was tried to be emptied since c has been
// there, and when last.
func (r *rotating) tried(c certs.Cert) (null, same bool, at time.Time) {
	for i := range r.rot.Steps {
		st := &r.rot.Steps[i]
		f := st.Change.Fields
		if !st.Change.ofFederation() || len(f) != 1 || f[0].Name != fieldNextCertificate {
			null, same = false, false // what was tried before the certificate came there
			continue
		}
		if f[0].Old != c.Base64() {
			continue
		}
		if f[0].New == "" {
			null = true
		} else {
			same = true
		}
		at = st.Started
	}
	return null, same, at
}

// stays warns of an old certificate that Azure AD does not let go of.
func (r *rotating) stays(c certs.Cert) {
	r.rot.Next = "try once a day to have Azure AD accept the certificate " + newCertificate(c).Thumbprint + " no more"
	r.warn(CodeNextCertificate, r.rot.Domain, "Azure AD still accepts the old certificate "+newCertificate(c).String()+
		" for "+r.rot.Domain+", though it was told not to, in both ways that are known; nobody's sign-in depends on that",
		"call again: it is tried once a day; if its key may be in other hands, choose the method emergency")
}

// foreign deals with a second certificate that nobody here knows: nothing without
// consent.
func (r *rotating) foreign(ctx context.Context, s *standingCerts, row *rotationRow) error {
	r.place(s, row)
	r.rot.NotBefore = time.Time{}
	if !r.plan.Consent.RemoveNextCertificate {
		return nil
	}
	if r.see.st.fed.RawSigningCertificate != "" && s.odd1 {
		if err := r.ask(ctx, s, r.slotChange(&s.j, &certs.Cert{})); err != nil {
			return err
		}
		shown, err := r.patch(ctx, &s.j, &certs.Cert{})
		if errors.Is(err, aad.ErrInvalid) { // null was refused, and nothing changed
			shown, err = r.patch(ctx, &s.j, &s.j)
		}
		if err != nil || !shown {
			return cmpErr(err, func() error { return r.notVisible("the first certificate was replaced by JumpCloud's") })
		}
		r.reached()
		return nil
	}
	if r.plan.Method == OwnKeyPair && r.due(s.j) && !r.plan.Cancel {
		return r.publish(ctx, s, row)
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
	if err != nil || !shown {
		return cmpErr(err, func() error { return r.notVisible("Azure AD was told to accept the second certificate no more") })
	}
	r.reached()
	r.rot.NotBefore = r.f.now().UTC()
	return nil
}

func cmpErr(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}
