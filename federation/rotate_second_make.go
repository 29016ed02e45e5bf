package federation

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// secondApart is the time between two lists that must not show the second application
// before it is made.
const secondApart = 30 * time.Second

const otherWays = "choose the method own-key-pair, which keeps the one application, or regenerate, which has a gap"

// gatePolicies refuses to send people to an application of which it is not known
// whether JumpCloud's policies let them in.
func (q *seconding) gatePolicies(ps *findings) {
	ps.refuse(CodeRotation, q.app1.ID, "JumpCloud's authentication policies for "+q.see.st.nameApplication(q.app1)+
		" cannot be read here: one that names that application does not hold for the second one",
		"extend in JumpCloud every policy that names it to the second application, as soon as that is made").
		unless("policies", q.plan.Consent.Policies)
}

// gateSecondKey refuses a certificate of JumpCloud's that Azure AD would not do with.
func (q *seconding) gateSecondKey(ps *findings) {
	const repair = "call with cancel, and " + otherWays
	name := q.see.st.nameApplication(q.app2)
	for _, p := range q.c2.Check(q.f.now()) {
		if p.Severity == certs.Error {
			ps.refuse(CodeCertificate, q.c2.Thumbprint(), "the certificate of the second application, "+name+": "+p.Message, repair)
		}
	}
	if k, ok := q.c2.X509().PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < leastBits {
		ps.refuse(CodeCertificate, q.c2.Thumbprint(), fmt.Sprintf("the key of the second application, %s, has %d bits", name, k.N.BitLen()),
			repair)
	}
	if q.c2.SamePublicKey(q.c1) {
		ps.refuse(CodeCertificate, q.c2.Thumbprint(), "the second application, "+name+", has the public key of the first", repair)
	}
}

// make makes the second application, inactive and hidden, as the first one is but for
// certificate and key. It begins a rotation.
func (q *seconding) make(ctx context.Context, s *secondSight, row *secondRow) error {
	if l := q.last; l == nil || !l.Old.is(s.c1) || l.Complete || l.Phase == RotationCancelled {
		q.rot.Steps = []Step{} // those of an earlier rotation
	}
	var ps findings
	q.gatePolicies(&ps)
	q.note(ps)
	if err := ps.err(); err != nil {
		return err
	}
	if err := q.gateBegin(ctx, false); err != nil {
		return err
	}
	first := q.app1
	url, template := secondURL(first.SSOURL, q.plan.Replace), cmp.Or(first.Name, q.plan.Plan.Application.Template)
	c := Change{Resource: changing(first, Create).Resource, Name: first.IdPEntityID, Action: Create, Fields: []Field{
		{Name: "label", New: first.DisplayLabel}, {Name: "template", New: template}, {Name: "idpEntityID", New: first.IdPEntityID},
		{Name: "loginURL", New: url}, {Name: "active", New: "false"}, {Name: "hidden", New: "true"},
	}}
	if done, err := q.strange(ctx, url); done || err != nil {
		return err
	}
	std := q.certs()
	if err := q.ask(ctx, &std, c); err != nil {
		return err
	}
	if err := sleep(ctx, secondApart); err != nil {
		return reading(PhaseWait, err)
	}
	if err := q.f.applications(ctx, q.plan.Plan, &q.see.st); err != nil {
		return reading(PhaseObserve, err)
	}
	if a := q.at(url); a != nil { // a lost answer's, or another run's
		q.rot.NotBefore = q.f.now().UTC()
		return nil
	}
	t, err := q.f.jc.Template(ctx, template)
	if errors.Is(err, jumpcloud.ErrNotFound) {
		ps.refuse(CodeTemplateMissing, template, "JumpCloud has no application template "+quote(plain(template))+
			" any more, of which the first application was made", otherWays)
		return ps.err()
	}
	if err != nil {
		return reading(PhaseCheck, err)
	}
	made, err := q.post(ctx, c, q.copied(t, url))
	if err != nil || made == nil {
		return err
	}
	if made.IdPEntityID != first.IdPEntityID {
		return q.altered(ctx, made)
	}
	if q.c2, err = made.Certificate(); err != nil {
		return q.notVisible("JumpCloud was told to make the second application, and shows no certificate of it: " + err.Error())
	}
	q.app2 = made
	return q.reached()
}

// at is the application with a login URL, whatever its entity ID.
func (q *seconding) at(url string) *jumpcloud.Application {
	for _, all := range [][]*jumpcloud.Application{q.see.st.apps, q.see.st.others} {
		for _, a := range all {
			if a.SSOURL == url {
				return a
			}
		}
	}
	return nil
}

// copied is what the second application is made of.
func (q *seconding) copied(t *jumpcloud.Template, url string) jumpcloud.NewApplication {
	first := q.app1
	settings := make(map[string]any)
	for _, key := range first.Settings() {
		switch key {
		case fieldIdPCertificate, "idpPrivateKey", "idpEntityId":
			continue
		}
		v, ok := first.Setting(key)
		if !ok || string(v) == "null" {
			continue
		}
		if _, ok := t.Setting(key); !ok {
			q.warn(CodeRotation, first.ID, "JumpCloud's template "+t.Name+" has no setting "+quote(plain(key))+
				" any more: the second application lacks it", "")
			continue
		}
		settings[key] = v
	}
	return jumpcloud.NewApplication{
		Template: t, Label: first.DisplayLabel, Description: first.Description, SSOURL: url,
		IdPEntityID: first.IdPEntityID, Hidden: true, Settings: settings,
	}
}

// post makes the application, and looks until a list shows it. It is nil, without an
// error, if that is not known; the rotation says so.
func (q *seconding) post(ctx context.Context, c Change, n jumpcloud.NewApplication) (*jumpcloud.Application, error) {
	var made *jumpcloud.Application
	unsure, err := q.write(ctx, c, func() (err error) {
		made, err = q.f.jc.CreateApplication(ctx, n)
		return err
	})
	switch {
	case err != nil && (errors.Is(err, jumpcloud.ErrInvalid) || errors.Is(err, jumpcloud.ErrConflict)):
		var ps findings
		ps.refuse(CodeRotation, q.app1.ID, "JumpCloud does not make a second application with the entity ID "+n.IdPEntityID+": "+
			err.Error(), otherWays)
		q.note(ps)
		return nil, ps.err()
	case err != nil:
		return nil, err
	}
	step := &q.rot.Steps[len(q.rot.Steps)-1]
	if made != nil {
		step.ID = made.ID
		q.rot.NewApplication = made.ID
	}
	for look := 1; ; look++ {
		lerr := q.f.applications(ctx, q.plan.Plan, &q.see.st)
		if lerr != nil && (!temporary(lerr) || ctx.Err() != nil) {
			return nil, errors.Join(reading(PhaseObserve, lerr), unsure)
		}
		if a := q.at(n.SSOURL); lerr == nil && a != nil {
			step.ID = a.ID
			q.seen()
			return a, nil
		}
		if look == rotateLooks {
			break
		}
		q.f.emit(ctx, Event{Phase: PhaseWait, Domain: q.rot.Domain, Attempt: look, Err: lerr})
		if err := sleep(ctx, backoff(look)); err != nil {
			return nil, reading(PhaseWait, err)
		}
	}
	if err := q.notVisible("JumpCloud was told to make the second application"); unsure == nil {
		return nil, err
	}
	return nil, &StepError{PhaseApply, c, unsure}
}

// altered removes a second application to which JumpCloud has given another entity ID.
func (q *seconding) altered(ctx context.Context, made *jumpcloud.Application) error {
	var ps findings
	ps.refuse(CodeRotation, q.app1.ID, "JumpCloud gave the second application the entity ID "+quote(plain(made.IdPEntityID))+" instead of "+
		q.app1.IdPEntityID+", with which nobody could sign in; it is deleted again", otherWays)
	q.note(ps)
	if _, err := q.erase(ctx, made); err != nil {
		return errors.Join(ps.err(), err)
	}
	q.rot.NewApplication = ""
	return ps.err()
}

// strange deals with an application that has the second one's login URL and another
// entity ID: it is an altered one of ours, or somebody else's.
func (q *seconding) strange(ctx context.Context, url string) (bool, error) {
	a := q.at(url)
	if a == nil || a.IdPEntityID == q.app1.IdPEntityID {
		return false, nil
	}
	bound, err := q.boundTo(ctx, a.ID)
	if err != nil {
		return true, err
	}
	if !a.Active && a.Hidden && len(bound) == 0 && a.DisplayLabel == q.app1.DisplayLabel {
		std := q.certs()
		if err := q.ask(ctx, &std, deleting(a)); err != nil {
			return true, err
		}
		return true, q.altered(ctx, a)
	}
	var ps findings
	ps.refuse(CodeLoginURLTaken, url, "the login URL "+url+" of the second application is that of "+
		quote(a.DisplayLabel)+" ("+a.ID+") already",
		"delete that application if nobody uses it, or "+otherWays)
	return true, ps.err()
}

// doubles deals with two second applications, as a lost answer leaves them: of those the
// younger one that nobody is bound to is deleted. It reports whether the call ends.
func (q *seconding) doubles(ctx context.Context) (bool, error) {
	app := q.see.app
	var all []*jumpcloud.Application
	for _, a := range q.see.others {
		if a.SSOURL == secondURL(app.SSOURL, q.plan.Replace) {
			all = append(all, a)
		}
	}
	if len(all) < 2 {
		return false, nil
	}
	var ps findings
	spare := func(a *jumpcloud.Application) (bool, error) {
		c, err := a.Certificate()
		if a.Active || err == nil && holds(q.see.st.fed, c) {
			return false, nil
		}
		bound, err := q.boundTo(ctx, a.ID)
		return len(bound) == 0, err
	}
	var young *jumpcloud.Application
	for _, a := range all {
		if young != nil && older(a, young) {
			continue
		}
		ok, err := spare(a)
		if err != nil {
			return true, err
		}
		if ok {
			young = a
		}
	}
	if young == nil {
		ps.refuse(CodeApplicationTwice, all[0].ID, fmt.Sprintf("%d applications have the login URL %s, and all are in use", len(all),
			all[0].SSOURL),
			"find out who made them, and delete all but one")
		return true, ps.err()
	}
	std := q.certs()
	if err := q.ask(ctx, &std, deleting(young)); err != nil {
		return true, err
	}
	if gone, err := q.erase(ctx, young); err != nil || !gone {
		return true, err
	}
	q.rot.NotBefore, q.rot.Complete = q.f.now().UTC(), false
	q.rot.Next = "go on: of two second applications one was deleted"
	return true, nil
}

// deleting is the change that deletes an application.
func deleting(a *jumpcloud.Application) Change {
	return changing(a, Delete, Field{Name: "label", Old: a.DisplayLabel}, Field{Name: "loginURL", Old: a.SSOURL})
}

// erase deletes an application that signs nothing, seen so twice and apart. It is false
// if it is in use, or does not show; the rotation says so.
func (q *seconding) erase(ctx context.Context, a *jumpcloud.Application) (bool, error) {
	for look := 1; look <= 2; look++ {
		now, err := q.f.jc.Application(ctx, a.ID)
		switch {
		case errors.Is(err, jumpcloud.ErrNotFound) && look == 2:
			return true, nil
		case err != nil && !errors.Is(err, jumpcloud.ErrNotFound):
			return false, reading(PhaseObserve, err)
		case err == nil && now.Active:
			return false, q.notVisible("the application " + q.see.st.nameApplication(now) + " is to be deleted, and is active")
		}
		if look == 1 {
			if err := sleep(ctx, rotateApart); err != nil {
				return false, reading(PhaseWait, err)
			}
		}
	}
	if err := q.slots(ctx); err != nil {
		return false, err
	}
	if q.see.st.fed.PassiveSignInURI == a.SSOURL {
		return false, q.notVisible("people are sent to the application " + a.ID + ", which is to be deleted")
	}
	c := deleting(a)
	unsure, err := q.write(ctx, c, func() error { return q.f.jc.DeleteApplication(ctx, a.ID) })
	if err != nil {
		return false, err
	}
	for look := 1; look <= rotateLooks; look++ {
		_, err := q.f.jc.Application(ctx, a.ID)
		if errors.Is(err, jumpcloud.ErrNotFound) {
			q.seen()
			return true, nil
		}
		if err != nil && (!temporary(err) || ctx.Err() != nil) {
			return false, errors.Join(reading(PhaseObserve, err), unsure)
		}
		if look < rotateLooks {
			if err := sleep(ctx, backoff(look)); err != nil {
				return false, reading(PhaseWait, err)
			}
		}
	}
	if err := q.notVisible("the application " + a.ID + " was deleted"); unsure == nil {
		return false, err
	}
	return false, &StepError{PhaseApply, c, unsure}
}
