package federation

import (
	"context"
	"errors"
	"slices"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What becomes of a rotation one of whose applications somebody has deleted.

// outlived reports whether people are sent to the second application of the plan's
// rotation, and the first one is not there: the plan may name that still.
func (r *rotating) outlived() bool {
	a := r.see.app
	return r.plan.Method == SecondApplication && a != nil && r.pair() == nil && r.plan.Replace != "" &&
		len(a.SSOURL) > 9 && a.SSOURL == secondURL(a.SSOURL[:len(a.SSOURL)-9], r.plan.Replace)
}

// bereft reports whether people are sent to the second application, and that one is not
// there any more, and the first is.
func (r *rotating) bereft() bool {
	return r.plan.Method == SecondApplication && r.see.app == nil && r.first() != nil
}

// first is the application whose second one people are sent to.
func (r *rotating) first() *jumpcloud.Application {
	fed := r.see.st.fed
	for _, a := range r.see.st.apps {
		if fed != nil && a.IdPEntityID == fed.IssuerURI && secondURL(a.SSOURL, r.plan.Replace) == fed.PassiveSignInURI {
			return a
		}
	}
	return nil
}

// refuseBereft says what to do.
func (r *rotating) refuseBereft(ps *findings) {
	ps.refuse(CodeRotation, r.rot.Domain, "nobody on "+r.rot.Domain+" can sign in: people are sent to "+r.see.st.fed.PassiveSignInURI+
		", and somebody has deleted the second application, which answered there",
		"call with cancel, which sends people to the first application at once")
}

// rescue sends people back to the first application, because the second is not there any
// more. Nobody can sign in, so the application is activated, its certificate accepted and
// the address changed in one call; it is believed if it is so twice, and apart.
func (r *rotating) rescue(ctx context.Context) error {
	r.key = nil
	q := &seconding{rotating: r, rescues: true}
	q.sent2, r.seconds = true, q
	if !q.only {
		if err := sleep(ctx, rotateApart); err != nil {
			return reading(PhaseWait, err)
		}
		if err := q.look(ctx); err != nil {
			return err
		}
		if !q.bereft() {
			q.rot.NotBefore, q.rot.Next = q.f.now().UTC(), "look again: the second application was not there a moment ago"
			return nil
		}
	}
	first, gone := q.first(), q.see.st.fed.PassiveSignInURI
	q.app1 = first
	c1, err := first.Certificate()
	if err != nil {
		var ps findings
		ps.refuse(CodeCertificateMismatch, first.ID, err.Error(), "look at the application in JumpCloud's console")
		return ps.err()
	}
	q.see.app, q.see.shown, q.see.published, q.c1 = first, c1, c1, c1
	q.met = true
	q.rot.OldApplication, q.rot.Old, q.rot.NewApplication = first.ID, newCertificate(c1), ""
	fed := q.see.st.fed
	u := aad.FederationUpdate{PassiveSignInURI: &first.SSOURL}
	c := q.slotChange(nil, nil)
	if !holds(fed, c1) {
		u.SigningCertificate, u.NextSigningCertificate = &c1, &fed.SigningCertificate
		c = q.slotChange(u.SigningCertificate, u.NextSigningCertificate)
	}
	c.Fields = append(c.Fields, Field{Name: fieldPassiveSignIn, Old: gone, New: first.SSOURL})
	if fed.ActiveSignInURI == gone {
		u.ActiveSignInURI = &first.SSOURL
		c.Fields = append(c.Fields, Field{Name: fieldActiveSignIn, Old: gone, New: first.SSOURL})
	}
	activate := changing(first, Update, Field{Name: "active", Old: "false", New: "true"})
	cs := Changes{c}
	if !first.Active {
		cs = Changes{activate, c}
	}
	var ps findings
	if q.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	if err := q.confirm(ctx, cs...); err != nil {
		return err
	}
	if !first.Active {
		if shown, err := q.modify(ctx, todo{&q.app1, activate.Fields[0]}, activate); err != nil || !shown {
			return cmpErr(err, func() error { return q.notVisible("the first application was told to be active") })
		}
	}
	unsure, err := q.write(ctx, c, func() error {
		_, err := q.f.ad.UpdateFederation(ctx, q.rot.Domain, fed.ID, u)
		return err
	})
	if err != nil {
		return err
	}
	shown, err := q.shows(ctx, func(fed *aad.Federation) bool { return fed.PassiveSignInURI == first.SSOURL && holds(fed, c1) })
	switch {
	case err != nil:
		return errors.Join(err, unsure)
	case !shown && unsure != nil:
		return &StepError{PhaseApply, c, unsure}
	case !shown:
		return q.notVisible("Azure AD was told to send people to " + first.SSOURL)
	}
	q.seen()
	q.sent2, q.see.app = false, q.app1
	q.alarm(CodeRotationBroken, q.rot.Domain, "nobody on "+q.rot.Domain+" could sign in, because somebody has deleted "+
		"the second application; people are sent to the first again",
		"find out who it was, in JumpCloud's log")
	if q.app1.Hidden && !q.hid(first.ID) {
		q.warn(CodeRotation, first.ID, q.see.st.nameApplication(first)+" is hidden, and it is not known whether it was so before the rotation",
			"show it in JumpCloud's console if people start from their applications")
	}
	return q.reached()
}

// hid reports whether this rotation has hidden an application.
func (q *seconding) hid(id string) bool {
	return slices.ContainsFunc(q.rot.Steps, func(s Step) bool { return s.Change.Target == id && s.Change.value("hidden") == "true" })
}
