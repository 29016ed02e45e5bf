package federation

import (
	"context"
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What a call of a rotation by a second application makes sure of besides: that what was
// decided still holds after a confirmation that took its time, and that people are led
// back from an application that does not sign.

// row is the row that decides.
func (q *seconding) row(s *secondSight) *secondRow {
	if !q.plan.Cancel {
		return s.row(secondTable)
	}
	if q.mute && q.sent2 && s.active1 && s.accepted(s.c1) { // whether what the second shows is accepted is no matter
		for i := range secondBackTable {
			if secondBackTable[i].step == stepReturn {
				return &secondBackTable[i]
			}
		}
	}
	return s.row(secondBackTable)
}

// stillHolds looks anew, after a confirmation that took its time, and ends the call if
// anything is not as it was that the step was decided by.
func (q *seconding) stillHolds(ctx context.Context, was *secondSight, row *secondRow) error {
	fed, one, two := q.see.st.fed.ID, idOf(q.app1), idOf(q.app2)
	if err := q.firstLook(ctx); err != nil {
		return err
	}
	if _, err := q.see.signs(); q.see.app == nil || q.see.st.fed == nil || q.mute && !q.see.mute() || err != nil && !q.mute {
		return q.changed()
	}
	if known, err := q.meet(ctx); !known || err != nil {
		return cmpErr(err, q.changed)
	}
	now := q.sight()
	now.bound = was.bound // which the step looks after
	if q.row(now) == row && q.see.st.fed.ID == fed && idOf(q.app1) == one && idOf(q.app2) == two && now.sent2 == was.sent2 &&
		[4]certs.Cert{now.c1, now.c2, now.e1, now.e2} == [4]certs.Cert{was.c1, was.c2, was.e1, was.e2} &&
		now.odd1 == was.odd1 && now.odd2 == was.odd2 {
		return nil
	}
	now.bound = false
	found := q.row(now)
	q.place(now, found)
	at, err := q.rot.NotBefore, q.changed()
	if !found.waits {
		q.rot.NotBefore = at
	}
	return err
}

func idOf(a *jumpcloud.Application) string {
	if a == nil {
		return ""
	}
	return a.ID
}

// changed ends a call before its write. What was found last has to last anew.
func (q *seconding) changed() error {
	q.rot.NotBefore = q.later().Add(pageOpen)
	q.drifted = true
	return fmt.Errorf("federation: nothing was written, because what was found of %s changed while the confirmation was waited for: "+
		"call again", q.rot.Domain)
}

// settle deals with an application that does not sign with what it shows, as
// settleSigner does. One that people are led back from, or that is only about to lose its
// second one, is no hindrance.
func (q *seconding) settle(ctx context.Context) (ended bool, err error) {
	if q.plan.Cancel && q.returnable() && q.see.mute() {
		if !q.only {
			if err := sleep(ctx, rotateApart); err != nil {
				return true, reading(PhaseWait, err)
			}
			if err := q.again(ctx); err != nil {
				return true, err
			}
		}
		if q.mute = q.see.mute() && q.returnable(); q.mute {
			q.alarm(CodeRotationBroken, q.see.app.ID, "people are sent to "+q.see.st.nameApplication(q.see.app)+
				", and nobody who signs in there is accepted: "+q.see.muteBy()+"; they are sent to the first application again",
				"find out who has changed it, in JumpCloud's log")
			return false, nil
		}
	}
	if _, err := q.see.signs(); err == nil && q.plan.Cancel {
		return false, nil
	}
	return q.settleSigner(ctx)
}

// returnable reports whether people are sent to the second application, and the first one
// signs and is accepted.
func (q *seconding) returnable() bool {
	first := q.pair()
	if first == nil || len(first.SSOURL) >= len(q.see.app.SSOURL) || !first.Active {
		return false
	}
	c, err := first.Certificate()
	return err == nil && holds(q.see.st.fed, c)
}

// signsFirst reports whether the first application, to which people are to be sent, is
// active when it is read by its ID: a list may be older.
func (q *seconding) signsFirst(ctx context.Context) (bool, error) {
	if q.only {
		return true, nil
	}
	a, err := q.f.jc.Application(ctx, q.app1.ID)
	if err != nil {
		return false, reading(PhaseObserve, err)
	}
	return a.Active, nil
}

// doubted reports whether only the metadata speaks against the second application, which
// may be JumpCloud's trouble of a moment.
func (q *seconding) doubted() bool { return q.see.shownErr == nil && !keyBehind(q.see.app) }

// mute reports whether what the application signs does not verify, as far as JumpCloud
// shows that.
func (s *rotateSight) mute() bool { return s.muteBy() != "" }

func (s *rotateSight) muteBy() string {
	switch {
	case s.app == nil:
		return ""
	case s.shownErr != nil:
		return s.shownErr.Error()
	case s.metaErr != nil && unreadableMetadata(s.metaErr):
		return s.metaErr.Error()
	case s.metaErr != nil && !temporary(s.metaErr) && !errors.As(s.metaErr, new(*jumpcloud.Error)) && !errors.Is(s.metaErr, context.Canceled):
		return s.metaErr.Error()
	case keyBehind(s.app):
		return "its key is of " + when(s.app.KeyUpdated) + " and its certificate of " + when(s.app.CertificateUpdated)
	}
	return ""
}

// gateVerifies refuses to send people to a second application whose key does not fit its
// certificate.
func (q *seconding) gateVerifies(ps *findings) {
	if a := q.app2; keyBehind(a) {
		ps.refuse(CodeRotationKey, a.ID, "JumpCloud says that the key of the second application, "+q.see.st.nameApplication(a)+", is of "+
			when(a.KeyUpdated)+" and its certificate of "+when(a.CertificateUpdated)+": what it signs does not verify",
			"call with cancel, and "+otherWays)
	}
}

// otherwise says what helps where an application does not sign with what it shows:
// regenerate is refused while two applications sign.
func (r *rotating) otherwise() string {
	o := r.pair()
	switch {
	case r.plan.Method != SecondApplication || o == nil || !o.Active:
		return "choose the method regenerate, which makes a new pair"
	case r.plan.Cancel:
		return "deactivate the second application in JumpCloud's console once people are not sent there, " +
			"and choose the method regenerate, which makes a new pair"
	}
	return "call with cancel, which leads the rotation back"
}
