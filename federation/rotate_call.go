package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// ask has the changes of the call confirmed. If that took its time, everything is read
// again, and the call ends if it is not as it was.
func (r *rotating) ask(ctx context.Context, s *standingCerts, changes ...Change) error {
	began := time.Now()
	if err := r.confirm(ctx, changes...); err != nil {
		return err
	}
	if time.Since(began) <= freshRead {
		return nil
	}
	if err := r.again(ctx); err != nil {
		return err
	}
	now := r.certs()
	if now.j.IsZero() && r.plan.Method == Emergency && r.see.shownErr == nil {
		now.j = r.see.shown
	}
	if now.j != s.j || now.e1 != s.e1 || now.e2 != s.e2 {
		return fmt.Errorf("federation: nothing was written, because the certificates of %s changed while the confirmation was waited for: "+
			"call again", r.rot.Domain)
	}
	return nil
}

// write sends one change, and files it as a step. It is nil if the change was made, or
// may have been: what came of it shows.
func (r *rotating) write(ctx context.Context, c Change, send func() error) (unsure, err error) {
	if r.only {
		r.ahead = append(r.ahead, c)
		return nil, errOnly
	}
	began := time.Now()
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: r.rot.Domain, Change: &c})
	r.rot.Steps = append(r.rot.Steps, Step{Change: c, Outcome: Unknown, Started: r.f.now().UTC(), Attempts: 1})
	s := &r.rot.Steps[len(r.rot.Steps)-1]
	err = send()
	s.Elapsed = time.Since(began)
	switch {
	case err == nil:
		s.Outcome = Made
	case refusedForSure(err) && !temporary(err):
		s.Outcome, s.Error, s.RequestID = Refused, err.Error(), requestID(err)
	default:
		s.Error, s.RequestID = err.Error(), requestID(err)
	}
	r.f.emit(ctx, Event{Phase: PhaseApply, Domain: r.rot.Domain, Change: &c, Text: string(s.Outcome), Elapsed: max(s.Elapsed, 1), Err: err})
	if s.Outcome == Refused {
		return nil, &StepError{PhaseApply, c, err}
	}
	return err, nil
}

// seen files that the last step shows.
func (r *rotating) seen() {
	if n := len(r.rot.Steps); n > 0 && (r.rot.Steps[n-1].Outcome == Made || r.rot.Steps[n-1].Outcome == Unknown) {
		r.rot.Steps[n-1].Outcome, r.rot.Steps[n-1].Error = Done, ""
	}
}

// slotChange is the change of the two slots, or of one: a nil certificate stays.
func (r *rotating) slotChange(signing, next *certs.Cert) Change {
	fed := r.see.st.fed
	c := updating(r.rot.Domain, fed.ID)
	add := func(name string, v *certs.Cert) {
		if v != nil {
			c.Fields = append(c.Fields, Field{Name: name, Old: federationField(fed, name), New: v.Base64()})
		}
	}
	add(fieldCertificate, signing)
	add(fieldNextCertificate, next)
	return c
}

// patch writes the slots in one request, and looks until they show. If that fails, the
// error is why it was not made; if it does not show, shown is false.
func (r *rotating) patch(ctx context.Context, signing, next *certs.Cert) (shown bool, err error) {
	c := r.slotChange(signing, next)
	unsure, err := r.write(ctx, c, func() error { // a 2xx proves nothing: what is read by the ID does
		return r.f.ad.PatchFederation(ctx, r.rot.Domain, r.see.st.fed.ID,
			aad.FederationUpdate{SigningCertificate: signing, NextSigningCertificate: next})
	})
	if err != nil {
		return false, err
	}
	shown, err = r.shows(ctx, func(fed *aad.Federation) bool { return slotted(fed, signing, next) })
	switch {
	case shown:
		r.seen()
		return true, nil
	case err != nil:
		return false, errors.Join(err, unsure)
	case unsure != nil:
		return false, &StepError{PhaseApply, c, unsure}
	}
	return false, nil
}

// slotted reports whether the slots are as they were to be written.
func slotted(fed *aad.Federation, signing, next *certs.Cert) bool {
	if signing != nil && fed.SigningCertificate != *signing {
		return false
	}
	if next == nil {
		return true
	}
	if next.IsZero() { // a copy of the first is as good as none
		return fed.RawNextSigningCertificate == "" && (fed.NextSigningCertificate.IsZero() ||
			fed.NextSigningCertificate == fed.SigningCertificate)
	}
	return fed.NextSigningCertificate == *next
}

// pairChange is the change of what the application signs with.
func (r *rotating) pairChange(c certs.Cert) Change {
	f := Field{Name: fieldIdPCertificate, Old: rawCertificate(r.see.shown, ""), New: c.Base64()}
	if c.IsZero() {
		f.New = Later
	}
	return changing(r.see.app, Update, f)
}

// fieldIdPCertificate is what the application signs with, as JumpCloud calls it.
const fieldIdPCertificate = "idpCertificate"
