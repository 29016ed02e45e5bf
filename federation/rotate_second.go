package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A seconding is one call of a rotation by a second application.
type seconding struct {
	*rotating
	app1, app2 *jumpcloud.Application // nil: not there
	c1, c2     certs.Cert
	sent2      bool
	met        bool // all of these are known

	lacking  int  // how many groups and users are bound to the first alone, as far as that was read
	allBound bool // none, which this call has read
	rescues  bool // people are sent to an application that is gone
}

// second is one call of a rotation by a second application.
func (r *rotating) second(ctx context.Context) error {
	if r.see.app == nil {
		return r.rescue(ctx)
	}
	if r.key != nil && r.key.Cert() == r.see.st.fed.NextSigningCertificate && r.key.Cert() != r.see.shown {
		var ps findings
		ps.refuse(CodeRotation, r.rot.Domain, "a rotation with an own key pair is under way: Azure AD accepts the certificate "+
			r.key.Cert().Thumbprint()+" of the stored pair already", "call Rotate with the method own-key-pair until it is done, or with cancel")
		return ps.err()
	}
	if err := r.gateOther(); err != nil {
		return err
	}
	r.key = nil // this method knows of no key
	q := &seconding{rotating: r}
	r.seconds = q
	if ended, err := r.settleSigner(ctx); ended || err != nil {
		return err
	}
	if done, err := q.doubles(ctx); done || err != nil {
		return err
	}
	if known, err := q.meet(ctx); !known || err != nil {
		return err
	}
	s := q.sight()
	row := s.row(secondTable)
	if r.plan.Cancel {
		row = s.row(secondBackTable)
	}
	if row.step == stepBind {
		lacks, err := q.lacks(ctx)
		if err != nil {
			return err
		}
		if q.lacking, q.allBound = len(lacks), len(lacks) == 0; q.allBound {
			s.bound = true
			row = s.row(secondTable)
		} else if q.fellBack(row, RotationBound) {
			return nil
		} else {
			return q.bind(ctx, s, row, lacks)
		}
	}
	return q.take(ctx, s, row)
}

// gateOther refuses to begin while a rotation that replaces another certificate is under
// way, and tells of applications that answer at one address.
func (r *rotating) gateOther() error {
	var ps findings
	if o := r.see.pair(); o != nil && r.pair() == nil {
		if c, err := o.Certificate(); o.Active || err == nil && holds(r.see.st.fed, c) {
			ps.refuse(CodeRotation, o.ID, "a rotation by a second application is under way that replaces another certificate than "+
				r.plan.Replace+": "+r.see.st.nameApplication(r.see.app)+" and "+r.see.st.nameApplication(o),
				"set replace to the fingerprint whose first digits are at the end of the longer login URL, and call until it is done, or with cancel")
		}
	}
	for _, o := range r.see.others {
		if o.SSOURL == r.see.app.SSOURL {
			ps.alarm(CodeApplicationTwice, o.ID, r.see.st.nameApplication(r.see.app)+" and "+r.see.st.nameApplication(o)+
				" have the same login URL "+o.SSOURL+": which of them signs is anybody's guess", "delete the one that nobody uses")
		}
	}
	r.note(ps)
	return ps.err()
}

// take makes the step of a row, once its phase has lasted.
func (q *seconding) take(ctx context.Context, s *secondSight, row *secondRow) error {
	if q.stand(s, row) && !q.only {
		return nil
	}
	switch row.step {
	case stepNone:
		return q.nothing(ctx, s, row)
	case stepNoWay:
		return q.retiredAlready()
	case stepPilot:
		q.askPilot()
		return nil
	case stepAsk:
		return q.stop(ctx, s, row)
	case stepMend:
		return q.mend(ctx)
	case stepMake:
		return q.make(ctx, s, row)
	case stepPublish:
		return q.publish(ctx, s)
	case stepRedirect:
		return q.redirect(ctx, q.app1, q.app2)
	case stepReturn:
		return q.redirect(ctx, q.app2, q.app1)
	case stepSwap, stepSwapBack:
		return q.swapSecond(ctx)
	case stepRetire, stepClear:
		return q.clear(ctx, row)
	case stepActivate, stepWithdraw:
		return q.change(ctx, todo{&q.app2, Field{Name: "active", Old: yesNo(row.step == stepWithdraw), New: yesNo(row.step == stepActivate)}})
	case stepDeactivate, stepReactivate:
		return q.change(ctx, todo{&q.app1, Field{Name: "active", Old: yesNo(row.step == stepDeactivate), New: yesNo(row.step == stepReactivate)}})
	case stepTiles:
		return q.tiles(ctx, &q.app2, &q.app1)
	case stepTilesBack:
		return q.tiles(ctx, &q.app1, &q.app2)
	case stepDelete:
		return q.delete(ctx, &q.app1)
	case stepRemove:
		return q.delete(ctx, &q.app2)
	}
	return errors.New("federation: no such step: " + string(row.step))
}

// stand places the rotation before a step, and reports whether its phase has not lasted
// long enough for that.
func (q *seconding) stand(s *secondSight, row *secondRow) bool {
	q.place(s, row)
	if !row.waits || q.lasted(s, row) {
		return false
	}
	q.rot.NotBefore = q.endOf(row)
	return q.f.now().Before(q.rot.NotBefore)
}

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// place says in the rotation where it stands.
func (q *seconding) place(s *secondSight, row *secondRow) {
	rot := q.rot
	rot.Phase, rot.Complete = row.phase, false
	known := false
	for _, c := range []certs.Cert{s.c1, s.e1, s.e2} {
		if !c.IsZero() && c.Fingerprint() == s.replace {
			rot.Old, known = newCertificate(c), true
			break
		}
	}
	if !known && (rot.Old.Fingerprint == "" || !s.there2) {
		rot.Old = newCertificate(s.c1)
	}
	if left := rot.New.is(s.e1) || rot.New.is(s.e2); s.there2 || !left { // it stands there still, though its application is gone
		rot.New = newCertificate(s.c2)
	}
	if q.app1 != nil {
		rot.OldApplication = q.app1.ID
	}
	if rot.NewApplication = ""; q.app2 != nil {
		rot.NewApplication = q.app2.ID
	}
	q.pin(row)
	rot.Next = q.secondText(row.step)
	rot.NotBefore = q.f.now().UTC()
}

// pin names in the plan to keep the application that people are sent to.
func (q *seconding) pin(row *secondRow) {
	p := &q.rot.Plan.Application
	switch {
	case q.sent2:
		if given := q.plan.Plan.Application; given.ID != "" && given.ID != q.app2.ID {
			q.warn(CodeApplicationFixed, q.app2.ID, "the plan pins the application "+given.ID+", and people on "+q.rot.Domain+
				" are sent to "+q.app2.ID,
				"set application.id to "+q.app2.ID+" and application.loginURL to "+q.app2.SSOURL+" in the plan that you keep")
		}
		p.ID, p.LoginURL = q.app2.ID, q.app2.SSOURL
	case row.phase == RotationCancelled, q.app2 != nil && p.ID == q.app2.ID:
		p.ID, p.LoginURL = q.app1.ID, q.app1.SSOURL
	}
}

// reached places the rotation after a change that was read back.
func (q *seconding) reached() error {
	s := q.sight()
	row := s.row(secondTable)
	if q.plan.Cancel {
		row = s.row(secondBackTable)
	}
	return q.arrive(s, row)
}

func (q *seconding) arrive(s *secondSight, row *secondRow) error {
	q.place(s, row)
	switch {
	case row.waits:
		q.rot.NotBefore = q.laterThan(row)
	case row.step == stepPilot:
		q.askPilot()
	case row.step == stepNone && row.phase != RotationIdle:
		q.rot.Complete = true
	}
	return nil
}

// pageOpen is how long a person may take from the page that leads to an application to
// that application.
const pageOpen = 10 * time.Minute

// laterThan is when the phase of a row that is seen now has lasted long enough.
func (q *seconding) laterThan(row *secondRow) time.Time {
	at := q.later()
	if row.pages {
		at = at.Add(pageOpen)
	}
	return at
}

// endOf is that, or what the last call has said of it if it saw exactly this.
func (q *seconding) endOf(row *secondRow) time.Time {
	at := q.laterThan(row)
	l, rot := q.last, q.rot
	if l != nil && l.Phase == rot.Phase && l.Old == rot.Old && l.New == rot.New && !l.NotBefore.IsZero() && l.NotBefore.Before(at) {
		at = l.NotBefore
	}
	return at
}

// lasted reports of a rotation that is led back that nobody can have been sent where the
// step takes something away, so that there is nothing to wait for. It is asked before a
// call writes: what the call itself does has to last in any case.
func (q *seconding) lasted(s *secondSight, row *secondRow) bool {
	l := q.last
	switch row.step {
	case stepReturn: // before the slots are swapped the first one is not deactivated
		return s.e1 == s.c1 && (l == nil || l.Phase != RotationReactivated)
	case stepClear:
		return q.plan.Cancel && l != nil && l.Phase == RotationCreated && l.New == q.rot.New && l.Old == q.rot.Old
	}
	return false
}

// fellBack deals with a rotation that is seen before where the last call has seen it:
// this one only says so. A write now would lead to the phase that the last one has named,
// and if the call is cut off behind it, the next would take what that said of the time.
func (q *seconding) fellBack(row *secondRow, from RotationPhase) bool {
	if l := q.last; l == nil || l.Phase != from || !l.New.is(q.c2) {
		return false
	}
	q.place(q.sight(), row)
	return true
}

// nothing ends a call after which nothing is left to be done.
func (q *seconding) nothing(ctx context.Context, s *secondSight, row *secondRow) error {
	rot := q.rot
	if row.phase == RotationIdle {
		std := q.certs()
		if err := q.notDue(&std); err != nil {
			return err
		}
		if rot.OldApplication = q.app1.ID; s.more() || s.odd1 {
			q.stranger(&std)
		}
		return nil
	}
	if err := q.slots(ctx); err != nil { // twice
		return err
	}
	if q.app1 != nil && row.phase == RotationClosed {
		a, err := q.f.jc.Application(ctx, q.app1.ID)
		switch {
		case errors.Is(err, jumpcloud.ErrNotFound):
			q.app1 = nil
		case err != nil:
			return reading(PhaseObserve, err)
		default:
			q.app1 = a
		}
	}
	again := q.sight()
	table := secondTable
	if q.plan.Cancel {
		table = secondBackTable
	}
	if now := again.row(table); now.phase != row.phase || now.step != row.step {
		return q.notVisible("what the services show differs between two looks")
	}
	if s.more() {
		std := q.certs()
		q.stranger(&std)
	}
	rot.Complete = true
	return nil
}
