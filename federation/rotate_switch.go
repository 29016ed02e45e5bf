package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// switchOver gives the application the pair whose certificate Azure AD accepts. There is
// no way back from it, so both slots are read by the federation's ID right before; and
// right after, because somebody may have written them between the two.
func (r *rotating) switchOver(ctx context.Context, s *standingCerts) error {
	k := r.key.Cert()
	if why := r.doubtsKey(s.j); why != "" {
		var ps findings
		ps.refuse(CodeRotationKey, k.Thumbprint(), "the stored pair, which Azure AD accepts already, must not be given to JumpCloud: "+why,
			"call with cancel, then begin again")
		return ps.err()
	}
	if err := r.ask(ctx, s, r.pairChange(k)); err != nil {
		return err
	}
	if err := r.slots(ctx); err != nil {
		return err
	}
	if now := r.certs(); now.e1 != s.e1 || now.e2 != s.e2 {
		row := now.row()
		r.place(&now, row)
		r.rot.NotBefore = r.later()
		return nil // somebody was at work: the next call looks again
	}
	denied, err := r.give(ctx, s.j)
	if err != nil {
		if denied {
			err = fmt.Errorf("%w (JumpCloud's key may not write applications; the rotation stays %s, in which everybody can sign in for ever)",
				err, RotationPublished)
		}
		return err
	}
	if err := r.guard(ctx, k); err != nil {
		return err
	}
	j, err := r.see.signs()
	if err != nil || j != k {
		return r.notVisible("JumpCloud was given the pair of " + k.Thumbprint())
	}
	r.seenPair(k)
	r.reached()
	return nil
}

// doubtsKey says why the pair that Azure AD accepts must not be given to JumpCloud.
func (r *rotating) doubtsKey(j certs.Cert) string {
	k := r.key.Cert()
	if k.SamePublicKey(j) {
		return "it has the public key of the certificate that it is to replace"
	}
	if r.spent(k) {
		return "it has the public key of a certificate that was replaced"
	}
	return ""
}

// give writes the pair, and looks until the application shows it. A lost answer is
// looked after: if neither place shows the new certificate, twice and apart, the same
// write is repeated once.
func (r *rotating) give(ctx context.Context, before certs.Cert) (denied bool, err error) {
	k := r.key.Cert()
	c := r.pairChange(k)
	for try := 1; ; try++ {
		unsure, err := r.write(ctx, c, func() error {
			a, err := r.f.jc.ReplaceCertificate(ctx, r.see.app.ID, r.key)
			if a != nil {
				r.see.app = a
			}
			if r.lagged = errors.Is(err, jumpcloud.ErrNotVisible); r.lagged {
				return nil
			}
			return err
		})
		if err != nil {
			return errors.Is(err, jumpcloud.ErrDenied), err
		}
		if unsure == nil {
			return false, r.readPair(ctx, k)
		}
		there, err := r.arrived(ctx, k, before)
		switch {
		case err != nil:
			return false, errors.Join(err, unsure)
		case there:
			return false, nil
		case try == 2:
			return false, &StepError{PhaseApply, c, unsure}
		}
	}
}

// readPair looks until both places show the certificate that was just written, or the
// looks are over.
func (r *rotating) readPair(ctx context.Context, k certs.Cert) error {
	if r.see.shown, r.see.shownErr = r.see.app.Certificate(); r.see.shownErr == nil && r.see.shown == k {
		// ReplaceCertificate has read both places; what it could not confirm is read again.
		if r.rot.Steps[len(r.rot.Steps)-1].Outcome == Made && !r.lagged {
			r.see.published, r.see.metaErr = k, nil
			return nil
		}
	}
	for n := 1; n < rotateLooks; n++ {
		if err := sleep(ctx, backoff(n)); err != nil {
			return reading(PhaseWait, err)
		}
		err := r.again(ctx)
		if err != nil && !temporary(err) {
			return err
		}
		if j, jerr := r.see.signs(); err == nil && jerr == nil && j == k {
			return nil
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.rot.Domain, Attempt: n, Err: err})
	}
	return nil
}

// arrived looks what came of a write whose answer was lost. It is true if it was made,
// or is on its way: one place shows it. It is false if neither does, twice and apart.
func (r *rotating) arrived(ctx context.Context, k, before certs.Cert) (bool, error) {
	for old := 0; ; {
		err := r.again(ctx)
		switch {
		case err != nil && !temporary(err):
			return false, err
		case err != nil:
			return false, err
		case r.see.shownErr == nil && r.see.shown == k || r.see.metaErr == nil && r.see.published == k:
			return true, r.readPair(ctx, k)
		case r.see.shown == before && r.see.metaErr == nil && r.see.published == before:
			if old++; old == 2 {
				return false, nil
			}
		default:
			return false, fmt.Errorf("JumpCloud shows neither the certificate before nor the new one: %w", errLagging)
		}
		if err := sleep(ctx, rotateApart); err != nil {
			return false, reading(PhaseWait, err)
		}
	}
}

// guard makes sure that Azure AD accepts what JumpCloud signs with from now on: if
// somebody has taken it out of the slots meanwhile, it is written there at once.
func (r *rotating) guard(ctx context.Context, k certs.Cert) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	for n := 1; ; n++ {
		err := r.slots(ctx)
		if err == nil {
			break
		}
		if !temporary(err) || n == rotateLooks {
			return err
		}
		if err := sleep(ctx, backoff(n)); err != nil {
			return reading(PhaseWait, err)
		}
	}
	if holds(r.see.st.fed, k) {
		return nil
	}
	r.alarm(CodeRotationBroken, r.rot.Domain, "between the last look and the switch somebody has taken the new certificate "+k.Thumbprint()+
		" out of Azure AD; it was written there again at once", "find out who it was, in Azure AD's audit log")
	next := r.see.st.fed.SigningCertificate
	_, err := r.patch(ctx, &k, &next)
	return err
}

// seenPair files that the application shows the pair.
func (r *rotating) seenPair(k certs.Cert) {
	for i := range r.rot.Steps {
		s := &r.rot.Steps[i]
		if s.Change.ofApplication() && s.Change.value(fieldIdPCertificate) == k.Base64() && (s.Outcome == Made || s.Outcome == Unknown) {
			s.Outcome, s.Error = Done, ""
		}
	}
}

// keyBehind reports whether JumpCloud says that the application's key is clearly older
// than its certificate: what it signs does not verify then.
func keyBehind(a *jumpcloud.Application) bool {
	return !a.CertificateUpdated.IsZero() && !a.KeyUpdated.IsZero() && a.KeyUpdated.Before(a.CertificateUpdated.Add(-time.Minute))
}

// settleSigner deals with an application of which it is not known, or is known, that it
// does not sign with the certificate that it shows. It reports whether the call ends with
// that.
func (r *rotating) settleSigner(ctx context.Context) (ended bool, err error) {
	_, err = r.see.signs()
	held := r.key != nil && r.see.shownErr == nil && r.see.shown == r.key.Cert()
	switch {
	case r.plan.Method == Emergency:
		return false, nil
	case err != nil && r.see.metaErr != nil && unreadableMetadata(r.see.metaErr) && r.see.shownErr == nil && !r.see.shown.IsZero():
		// JumpCloud answers so for a certificate that was not written in its form.
		if held && holds(r.see.st.fed, r.see.shown) {
			return true, r.giveAgain(ctx, "its metadata cannot be read")
		}
		return true, reading(PhaseObserve, fmt.Errorf("%w; nothing was written, because JumpCloud's metadata "+
			"does not tell which certificate it signs with; "+
			"if it stays so, choose the method regenerate", r.see.metaErr))
	case err != nil && r.see.shownErr != nil:
		var ps findings
		ps.refuse(CodeCertificateMismatch, r.see.app.ID, err.Error(),
			"look at the application in JumpCloud's console; the method regenerate makes a new pair")
		return true, ps.err()
	case err != nil && errors.Is(err, errLagging):
		return true, r.notVisible(err.Error())
	case err != nil:
		return true, reading(PhaseObserve, err)
	case !keyBehind(r.see.app):
		return false, nil
	}
	if err := sleep(ctx, rotateApart); err != nil {
		return true, reading(PhaseWait, err)
	}
	if err := r.again(ctx); err != nil || !keyBehind(r.see.app) {
		return false, err
	}
	if held {
		return true, r.giveAgain(ctx, "its key is older than its certificate")
	}
	if r.plan.Method == Regenerate {
		return false, nil
	}
	var ps findings
	ps.refuse(CodeRotationKey, r.see.app.ID, "JumpCloud says that the application's key is of "+
		when(r.see.app.KeyUpdated)+" and its certificate of "+
		when(r.see.app.CertificateUpdated)+": what it signs does not verify, and the key that fits is not in the store",
		"choose the method regenerate, which makes a new pair")
	return true, ps.err()
}

// unreadableMetadata reports whether JumpCloud cannot make the metadata.
func unreadableMetadata(err error) bool { return errors.Is(err, jumpcloud.ErrUnavailable) }

// giveAgain writes the pair that JumpCloud has already, and holds by halves.
func (r *rotating) giveAgain(ctx context.Context, why string) error {
	s := r.certs()
	if s.j.IsZero() {
		s.j = r.see.shown
	}
	if r.only { // a mend is not asked for
		r.ahead = append(r.ahead, r.pairChange(r.key.Cert()))
		return errOnly
	}
	if _, err := r.give(ctx, r.see.shown); err != nil {
		return err
	}
	k := r.key.Cert()
	if err := r.guard(ctx, k); err != nil {
		return err
	}
	if j, err := r.see.signs(); err != nil || j != k {
		return r.notVisible("JumpCloud was given the pair of " + k.Thumbprint() + " again, because " + why)
	}
	r.seenPair(k)
	r.reached()
	return nil
}

// accepts is a short form for what Azure AD accepts.
func accepts(fed *aad.Federation) string {
	return "the " + showCertificate(rawCertificate(fed.SigningCertificate, fed.RawSigningCertificate))
}
