package federation

import (
	"context"
	"slices"

	"github.com/jcaad/jcaad/certs"
)

// mend has Azure AD accept what JumpCloud signs with, before anything else and without
// asking: nobody on the domain can sign in. It is believed only if both places of
// JumpCloud agree and both slots lack it, twice and apart.
func (r *rotating) mend(ctx context.Context) error {
	before := r.certs()
	if r.expelled(before.j) || before.interrupted() {
		return r.mendExpelled(before.interrupted())
	}
	if !r.only {
		if err := sleep(ctx, rotateApart); err != nil {
			return reading(PhaseWait, err)
		}
		if err := r.again(ctx); err != nil {
			return err
		}
	}
	now := r.certs()
	if j, err := r.see.signs(); err != nil || j != before.j || holds(r.see.st.fed, j) {
		if err == nil && holds(r.see.st.fed, j) {
			r.reached() // one of the two answers was old
			return nil
		}
		return r.notVisible("JumpCloud's certificate differs between two looks")
	}
	row := now.row()
	r.place(&now, row)
	fed := r.see.st.fed
	next := fed.SigningCertificate
	if r.expelled(next) || next.IsZero() {
		next = now.j
	}
	c := r.slotChange(&now.j, &next)
	var ps findings
	if gatePermissions(&ps, Changes{c}, r.perms); ps.err() != nil {
		return ps.err()
	}
	if r.only {
		r.ahead = append(r.ahead, c)
		return errOnly
	}
	r.alarm(CodeRotationBroken, r.rot.Domain, "nobody on "+r.rot.Domain+" could sign in: JumpCloud signs with the certificate "+
		newCertificate(now.j).String()+", and Azure AD accepted "+accepts(fed)+"; it was told at once, and accepts it where that has spread",
		"find out who has changed it, most likely by Regenerate certificate in JumpCloud")
	shown, err := r.patch(ctx, &now.j, &next)
	switch {
	case err != nil:
		return err
	case !shown:
		return r.notVisible("Azure AD was told to accept " + now.j.Thumbprint())
	}
	r.mended(now.e1)
	return nil
}

// mended places a rotation after a mend: what Azure AD accepted before is the old one.
func (r *rotating) mended(before certs.Cert) {
	s := r.certs()
	if s.lastOld == "" || !s.old(s.e2) {
		s.lastOld = before.Fingerprint()
	}
	row := s.row()
	r.place(&s, row)
	r.rot.NotBefore = r.later()
}

// mendExpelled refuses to have Azure AD accept a key again that an emergency has expelled,
// or was about to: JumpCloud has to get another one.
func (r *rotating) mendExpelled(interrupted bool) error {
	var ps findings
	message := "JumpCloud signs with a certificate whose key an emergency has expelled, " + newCertificate(r.see.shown).String() +
		": it is never written to Azure AD again, and nobody can sign in"
	if interrupted {
		message = "nobody can sign in: JumpCloud signs with " + newCertificate(r.see.shown).String() + ", and Azure AD accepts a younger certificate alone, " +
			newCertificate(r.see.st.fed.SigningCertificate).String() + ". That is what an emergency leaves that was interrupted, and then the key of the first is stolen"
	}
	ps.refuse(CodeRotationBroken, r.rot.Domain, message,
		"finish the emergency: call Rotate with the method emergency, and replace "+r.see.shown.Fingerprint())
	return ps.err()
}

// expel notes a key that must never come back.
func (r *rotating) expel(keys ...string) {
	for _, k := range keys {
		if k != "" && !slices.Contains(r.rot.Expelled, k) {
			r.rot.Expelled = append(r.rot.Expelled, k)
		}
	}
}
