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

// redirect sends people to another application than before.
func (q *seconding) redirect(ctx context.Context, from, to *jumpcloud.Application) error {
	var ps findings
	q.gateWrites(&ps)
	if to == q.app2 {
		q.gatePolicies(&ps)
	}
	q.note(ps)
	if err := ps.err(); err != nil {
		return err
	}
	fed := q.see.st.fed
	u := aad.FederationUpdate{PassiveSignInURI: &to.SSOURL}
	c := q.slotChange(nil, nil)
	c.Fields = []Field{{Name: fieldPassiveSignIn, Old: fed.PassiveSignInURI, New: to.SSOURL}}
	if fed.ActiveSignInURI == from.SSOURL {
		u.ActiveSignInURI = &to.SSOURL
		c.Fields = append(c.Fields, Field{Name: fieldActiveSignIn, Old: fed.ActiveSignInURI, New: to.SSOURL})
	}
	std, began := q.certs(), time.Now()
	if err := q.ask(ctx, &std, c); err != nil {
		return err
	}
	if to == q.app2 {
		if still, err := q.stillBound(ctx, began); err != nil || !still {
			return cmpErr(err, func() error { return q.notVisible("a group or a user was bound to the first application just now") })
		}
	}
	unsure, err := q.write(ctx, c, func() error {
		_, err := q.f.ad.UpdateFederation(ctx, q.rot.Domain, fed.ID, u)
		return err
	})
	if err != nil {
		return err
	}
	shown, err := q.shows(ctx, func(fed *aad.Federation) bool { return fed.PassiveSignInURI == to.SSOURL })
	switch {
	case err != nil:
		return errors.Join(err, unsure)
	case !shown && unsure != nil:
		return &StepError{PhaseApply, c, unsure}
	case !shown:
		return q.notVisible("Azure AD was told to send people to " + to.SSOURL)
	}
	q.seen()
	q.sent2 = to == q.app2
	q.see.app, q.see.others = to, []*jumpcloud.Application{from}
	q.see.shown, q.see.published = q.c1, q.c1
	if q.sent2 {
		q.see.shown, q.see.published = q.c2, q.c2
	}
	return q.reached()
}

// A todo is a change of one of the two applications.
type todo struct {
	app   **jumpcloud.Application
	field Field
}

// shows reports whether the application is as it was to be.
func (t todo) shows(a *jumpcloud.Application) bool {
	is := a.Active
	if t.field.Name == "hidden" {
		is = a.Hidden
	}
	return yesNo(is) == t.field.New
}

// tiles shows one application to people in the place of the other, the one to be shown
// first.
func (q *seconding) tiles(ctx context.Context, show, hide **jumpcloud.Application) error {
	var all []todo
	if *show != nil && (*show).Hidden {
		all = append(all, todo{show, Field{Name: "hidden", Old: "true", New: "false"}})
	}
	if *hide != nil && !(*hide).Hidden {
		all = append(all, todo{hide, Field{Name: "hidden", Old: "false", New: "true"}})
	}
	return q.change(ctx, all...)
}

// change changes applications, one after the other, and places the rotation.
func (q *seconding) change(ctx context.Context, all ...todo) error {
	var cs Changes
	for _, t := range all {
		cs = append(cs, changing(*t.app, Update, t.field))
	}
	std := q.certs()
	if err := q.ask(ctx, &std, cs...); err != nil {
		return err
	}
	for i, t := range all {
		shown, err := q.modify(ctx, t, cs[i])
		switch {
		case errors.Is(err, jumpcloud.ErrCertificateRegenerated):
			return errors.Join(err, q.regeneratedUs(ctx))
		case err != nil:
			return err
		case !shown:
			return q.notVisible(fmt.Sprintf("the application %s was told to be %s: %s", (*t.app).ID, t.field.Name, t.field.New))
		}
	}
	return q.reached()
}

// regeneratedUs deals with a write in answer to which JumpCloud has made a new
// certificate: if people are sent to that application it is mended at once.
func (q *seconding) regeneratedUs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), urgentFor)
	defer cancel()
	if err := q.again(ctx); err != nil {
		return err
	}
	if _, err := q.see.signs(); err != nil {
		return err
	}
	if known, err := q.meet(ctx); !known || err != nil {
		return err
	}
	if q.sight().row(secondTable).step != stepMend {
		return q.reached()
	}
	return q.mend(ctx)
}

// modify changes an application, and looks until that shows when it is read by its ID.
func (q *seconding) modify(ctx context.Context, t todo, c Change) (bool, error) {
	id := (*t.app).ID
	unsure, err := q.write(ctx, c, func() error {
		_, err := q.f.jc.ModifyApplication(ctx, id, func(a *jumpcloud.Application) error {
			editApplication(a, c.Fields)
			return nil
		})
		return err
	})
	if err != nil {
		return false, err
	}
	for n := 1; ; n++ {
		a, err := q.f.jc.Application(ctx, id)
		if err != nil && (!temporary(lagging(err)) || ctx.Err() != nil) {
			return false, errors.Join(reading(PhaseObserve, err), unsure)
		}
		if err == nil && t.shows(a) {
			q.seen()
			if q.see.app.ID == id {
				q.see.app = a
			}
			*t.app, q.see.read = a, q.f.now()
			return true, nil
		}
		if n == rotateLooks {
			break
		}
		q.f.emit(ctx, Event{Phase: PhaseWait, Domain: q.rot.Domain, Attempt: n, Err: err})
		if err := sleep(ctx, backoff(n)); err != nil {
			return false, errors.Join(reading(PhaseWait, err), unsure)
		}
	}
	if unsure != nil {
		return false, &StepError{PhaseApply, c, unsure}
	}
	return false, nil
}

// clear empties the second slot of a certificate with which nobody signs any more: the
// application is asked once more, by its ID.
func (q *seconding) clear(ctx context.Context, row *secondRow) error {
	silent := q.app1
	if row.step == stepClear {
		silent = q.app2
	}
	if silent != nil {
		a, err := q.f.jc.Application(ctx, silent.ID)
		switch {
		case err != nil && !errors.Is(err, jumpcloud.ErrNotFound):
			return reading(PhaseObserve, err)
		case err == nil && a.Active:
			return q.notVisible("the application " + silent.ID + " shows inactive in one place and active in another")
		}
	}
	std := q.certs()
	phase := row.phase
	if err := q.retire(ctx, &std, &rotationRow{phase: phase, step: stepRetire}); err != nil {
		if !q.only { // of which the time is known
			q.placeAgain(row)
		}
		return err
	}
	if q.rot.Complete {
		return q.reached()
	}
	next, at := q.rot.Next, q.rot.NotBefore
	q.placeAgain(row)
	q.rot.Next, q.rot.NotBefore = next, at
	return nil
}

func (q *seconding) placeAgain(row *secondRow) { q.place(q.sight(), row) }

// delete deletes an application that the rotation has no more use for.
func (q *seconding) delete(ctx context.Context, a **jumpcloud.Application) error {
	std := q.certs()
	if err := q.ask(ctx, &std, deleting(*a)); err != nil {
		return err
	}
	gone, err := q.erase(ctx, *a)
	if err != nil || !gone {
		return err
	}
	if *a = nil; q.app2 == nil {
		q.c2 = certs.Cert{}
	}
	return q.reached()
}

// mend has Azure AD accept what an application signs with that people are sent to, or
// can reach still, before anything else and without asking.
func (q *seconding) mend(ctx context.Context) error {
	if q.expelled(q.see.shown) {
		return q.mendExpelled(false)
	}
	before := *q.sight()
	if !q.only {
		if err := sleep(ctx, rotateApart); err != nil {
			return reading(PhaseWait, err)
		}
		if err := q.again(ctx); err != nil {
			return err
		}
		if q.see.st.fed == nil {
			return q.notVisible("the federation does not show")
		}
		if _, err := q.see.signs(); err != nil {
			return q.notVisible(err.Error())
		}
		if known, err := q.meet(ctx); !known || err != nil {
			return err
		}
	}
	s := q.sight()
	row := s.row(secondTable)
	if row.step != stepMend {
		return q.reached() // one of the two answers was old
	}
	if s.sent2 != before.sent2 || s.c1 != before.c1 || s.c2 != before.c2 {
		return q.notVisible("what JumpCloud signs with differs between two looks")
	}
	j, next := s.mended(q.expelled)
	c := q.slotChange(&j, &next)
	var ps findings
	if gatePermissions(&ps, Changes{c}, q.perms); ps.err() != nil {
		return ps.err()
	}
	if q.only {
		q.ahead = append(q.ahead, c)
		return errOnly
	}
	who, what := "nobody on "+q.rot.Domain+" could sign in: ", q.see.app
	if s.accepted(j) {
		who, what = "whoever opened the first application could not sign in: ", q.app1
	}
	signs, _ := what.Certificate()
	q.alarm(CodeRotationBroken, q.rot.Domain, who+q.see.st.nameApplication(what)+" signs with the certificate "+newCertificate(signs).String()+
		", and Azure AD accepted "+accepts(q.see.st.fed)+"; it was told at once, and accepts it where that has spread",
		"find out who has changed it, most likely by Regenerate certificate in JumpCloud")
	shown, err := q.patch(ctx, &j, &next)
	if err != nil || !shown {
		return cmpErr(err, func() error { return q.notVisible("Azure AD was told to accept " + signs.Thumbprint()) })
	}
	return q.reached()
}

// askPilot says what a person has to do.
func (q *seconding) askPilot() {
	q.rot.Next, q.rot.NotBefore = q.secondText(stepPilot), time.Time{}
	if a := q.plan.Approve; a != "" && a != q.c2.Fingerprint() {
		q.warn(CodeRotation, q.app2.ID, "approve names the certificate "+a+", and the second application signs with "+q.c2.Fingerprint(),
			"set approve to that, once somebody has signed in with it")
	}
}

// secondText says what the next call will do.
func (q *seconding) secondText(step rotateStep) string {
	rot, url := q.rot, ""
	if q.app2 != nil {
		url = q.app2.SSOURL
	}
	switch step {
	case stepMake:
		return "make a second application, inactive and hidden"
	case stepPublish:
		return "have Azure AD accept the second application's certificate " + rot.New.Thumbprint + " as well"
	case stepActivate:
		return "activate the second application, which nobody sees"
	case stepWithdraw:
		return "deactivate the second application"
	case stepPilot:
		return "nothing, until somebody has tried the second application: bind one person to " + rot.NewApplication +
			" in JumpCloud, have that person open " + url + " and sign in, then set approve to " + rot.New.Fingerprint
	case stepBind:
		return "bind the groups and users of the first application to the second"
	case stepRedirect:
		return "send people to " + url
	case stepTiles:
		return "show people the second application in the place of the first"
	case stepTilesBack:
		return "show people the first application in the place of the second"
	case stepSwapBack:
		return "make the first application's certificate the first one in Azure AD again"
	case stepDeactivate:
		return "deactivate the first application"
	case stepReactivate:
		return "activate the first application again"
	case stepReturn:
		return "send people to the first application again"
	case stepClear:
		return "have Azure AD accept the second application's certificate no more"
	case stepDelete:
		return "delete the first application, " + rot.OldApplication
	case stepRemove:
		return "delete the second application, " + rot.NewApplication
	case stepNone:
		if rot.Phase == RotationClosed {
			return "nothing is left to be done; keep the plan that is returned, which names the application " + rot.NewApplication
		}
		return "nothing is left to be done: people are sent to the first application, and Azure AD accepts its certificate"
	case stepNoWay:
		return "nothing: the first application's certificate is retired"
	case stepAsk:
		return "nothing, until a person has looked: see the findings"
	}
	return q.nextText(step)
}
