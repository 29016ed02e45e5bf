package federation

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// secondURL is the login URL of the second application of a rotation that replaces a
// certificate: a lost answer is found again by it.
func secondURL(first, fingerprint string) string {
	return strings.TrimSuffix(first, "/") + "-" + fingerprint[:8]
}

var secondForm = regexp.MustCompile(`^-[0-9a-f]{8}$`)

// secondOf is the other application of a rotation by a second one: of the two the
// domain's application is one, and the login URL of the second is that of the first with
// the beginning of a fingerprint behind it. If one rotation was made after another, it is
// the application of the last. Nil if there is none.
func secondOf(apps []*jumpcloud.Application, domainApp *jumpcloud.Application) *jumpcloud.Application {
	var found *jumpcloud.Application
	for _, a := range apps {
		if domainApp == nil || a.ID == domainApp.ID || a.IdPEntityID != domainApp.IdPEntityID || !follows(a, domainApp) && !follows(domainApp, a) {
			continue
		}
		better := found == nil || len(a.SSOURL) > len(found.SSOURL) || a.SSOURL == found.SSOURL && older(a, found)
		if better {
			found = a
		}
	}
	return found
}

// follows reports whether a's login URL is that of the second application to b.
func follows(a, b *jumpcloud.Application) bool {
	behind, ok := strings.CutPrefix(a.SSOURL, strings.TrimSuffix(b.SSOURL, "/"))
	return ok && b.SSOURL != "" && secondForm.MatchString(behind)
}

// pair is the other application of the rotation; see [secondOf].
func (r *rotating) pair() *jumpcloud.Application {
	app, replace := r.see.app, r.plan.Replace
	if r.plan.Method != SecondApplication || len(replace) < 8 {
		return r.see.pair()
	}
	var found *jumpcloud.Application
	for _, a := range r.see.others {
		if app == nil || a.SSOURL != secondURL(app.SSOURL, replace) && app.SSOURL != secondURL(a.SSOURL, replace) {
			continue
		}
		if found == nil || older(a, found) {
			found = a
		}
	}
	return found
}

func (s *rotateSight) pair() *jumpcloud.Application { return secondOf(s.others, s.app) }

// A seconding is one call of a rotation by a second application.
type seconding struct {
	*rotating
	app1, app2 *jumpcloud.Application // nil: not there
	c1, c2     certs.Cert
	sent2      bool
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
	next := r.rot.Next
	r.rot.Next = ""
	if err := r.settleSigner(ctx); err != nil || r.rot.Next != "" {
		if r.rot.Next == "" {
			r.rot.Next = next
		}
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
		if s.bound = len(lacks) == 0; s.bound {
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
			ps.refuse(CodeRotation, o.ID, "a rotation by a second application is under way that replaces another certificate than "+r.plan.Replace+": "+
				r.see.st.nameApplication(r.see.app)+" and "+r.see.st.nameApplication(o),
				"set replace to the fingerprint whose first digits are at the end of the longer login URL, and call until it is done, or with cancel")
		}
	}
	for _, o := range r.see.others {
		if o.SSOURL == r.see.app.SSOURL {
			ps.alarm(CodeApplicationTwice, o.ID, r.see.st.nameApplication(r.see.app)+" and "+r.see.st.nameApplication(o)+" have the same login URL "+o.SSOURL+
				": which of them signs is anybody's guess", "delete the one that nobody uses")
		}
	}
	r.note(ps)
	return ps.err()
}

// take makes the step of a row, once its phase has lasted.
func (q *seconding) take(ctx context.Context, s *secondSight, row *secondRow) error {
	rot := q.rot
	q.place(s, row)
	if row.waits && !q.lasted(row) {
		rot.NotBefore = q.endOf(row)
		if q.f.now().Before(rot.NotBefore) {
			return nil
		}
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

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// meet finds the two applications and what they sign with. It is false if that cannot be
// told now, which the rotation says then.
func (q *seconding) meet(ctx context.Context) (bool, error) {
	other := q.pair()
	if l := q.last; other == nil && l != nil {
		for _, id := range []string{l.NewApplication, l.OldApplication} {
			if id == "" || id == q.see.app.ID {
				continue
			}
			a, err := q.f.jc.Application(ctx, id) // a list may not show it yet
			if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
				return false, reading(PhaseObserve, err)
			}
			if err == nil && a.IdPEntityID == q.see.app.IdPEntityID {
				q.see.others = append(q.see.others, a)
				q.see.st.apps = append(q.see.st.apps, a)
			}
			break
		}
		other = q.pair()
	}
	q.app1, q.app2, q.c1, q.c2 = q.see.app, other, q.see.shown, certs.Cert{}
	q.sent2 = other == nil && q.outlived() ||
		other != nil && len(other.SSOURL) < len(q.see.app.SSOURL)
	if q.sent2 {
		q.app1, q.app2, q.c1, q.c2 = other, q.see.app, certs.Cert{}, q.see.shown
	}
	if other == nil {
		return true, nil
	}
	for n := 1; ; n++ {
		c, err := q.signer(ctx, other)
		switch {
		case err == nil && q.sent2:
			q.app1, q.c1 = other, c
			return true, nil
		case err == nil:
			q.app2, q.c2 = other, c
			return true, nil
		case !temporary(err):
			var ps findings
			ps.refuse(CodeCertificateMismatch, other.ID, q.see.st.nameApplication(other)+": "+err.Error(),
				"look at the application in JumpCloud's console; call with cancel to lead the rotation back")
			return false, ps.err()
		case n == rotateLooks && errors.Is(err, errLagging):
			return false, q.notVisible(err.Error())
		case n == rotateLooks:
			return false, reading(PhaseObserve, err)
		}
		q.f.emit(ctx, Event{Phase: PhaseObserve, Domain: q.rot.Domain, Attempt: n, Text: "reading again what may be out of date", Err: err})
		if err := sleep(ctx, backoff(n)); err != nil {
			return false, reading(PhaseObserve, err)
		}
		if a, err := q.f.jc.Application(ctx, other.ID); err == nil {
			other = a
		}
	}
}

// signer is what the other application signs with. Of the first one that signs no more
// nobody asks the metadata.
func (q *seconding) signer(ctx context.Context, a *jumpcloud.Application) (certs.Cert, error) {
	c, err := a.Certificate()
	if q.sent2 && !a.Active {
		return c, nil
	}
	if err != nil {
		return certs.Cert{}, err
	}
	s := rotateSight{app: a, shown: c}
	s.published, s.metaErr = q.f.inMetadata(ctx, a)
	return s.signs()
}

// sight is what the phase is decided by.
func (q *seconding) sight() *secondSight {
	std := q.certs()
	s := &secondSight{
		sent2: q.sent2, there1: q.app1 != nil, there2: q.app2 != nil, c1: q.c1, c2: q.c2,
		e1: std.e1, e2: std.e2, odd1: std.odd1, odd2: std.odd2,
		replace: q.plan.Replace, lastOld: std.lastOld, remove: q.plan.DeleteOld,
	}
	if s.there1 {
		s.active1, s.hidden1 = q.app1.Active, q.app1.Hidden
	}
	if s.there2 {
		s.active2, s.hidden2 = q.app2.Active, q.app2.Hidden
		s.pilot = q.plan.Pilot && q.plan.Approve != q.c2.Fingerprint()
	}
	if q.last != nil {
		s.lastNew = q.last.New.Fingerprint
	}
	for i := range q.rot.Steps {
		if c := &q.rot.Steps[i].Change; c.ofFederation() {
			s.wrote = append(s.wrote, c.value(fieldCertificate), c.value(fieldNextCertificate))
		}
	}
	return s
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
			q.warn(CodeApplicationFixed, q.app2.ID, "the plan pins the application "+given.ID+", and people on "+q.rot.Domain+" are sent to "+q.app2.ID,
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
	case row.waits && !q.lasted(row):
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
	if l := q.last; l != nil && l.Phase == q.rot.Phase && l.Old == q.rot.Old && l.New == q.rot.New && !l.NotBefore.IsZero() && l.NotBefore.Before(at) {
		at = l.NotBefore
	}
	return at
}

// lasted reports of a row of which it is certain, by what the last call has said, that
// nobody was sent where its step takes something away. Of two calls that were cut off one
// after the other it must stay so: from none of these phases the next step leads on
// without its own wait.
func (q *seconding) lasted(row *secondRow) bool {
	l := q.last
	if l == nil || l.New != q.rot.New || l.Old != q.rot.Old || !q.plan.Cancel {
		return false
	}
	switch row.step {
	case stepReturn:
		return l.Phase == RotationRedirected
	case stepWithdraw:
		return l.Phase == RotationPilot || l.Phase == RotationActivated
	case stepClear:
		return l.Phase == RotationCreated
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

// retiredAlready refuses to lead back what cannot be.
func (q *seconding) retiredAlready() error {
	var ps findings
	ps.refuse(CodeRotation, q.rot.Domain, "the rotation cannot be led back: Azure AD does not accept the first application's certificate any more, or the application is gone",
		"call without cancel")
	return ps.err()
}

// stop deals with what a person has to look at.
func (q *seconding) stop(ctx context.Context, s *secondSight, row *secondRow) error {
	q.rot.NotBefore = time.Time{}
	std := q.certs()
	switch {
	case !s.sent2 && s.there2 && !s.begins():
		q.alarm(CodeRotation, q.app1.ID, "somebody has given "+q.see.st.nameApplication(q.app1)+" another certificate while it was being replaced: it signs with "+
			newCertificate(s.c1).String(), "call with cancel, which removes the second application; then rotate again, with replace "+s.c1.Fingerprint()+", if it is due")
		return nil
	case !s.sent2 && s.there2 && s.ours(s.e2) && s.e2 != s.c1:
		q.alarm(CodeRotation, q.app2.ID, "somebody has given the second application, "+q.see.st.nameApplication(q.app2)+", another certificate: it signs with "+
			newCertificate(s.c2).String()+", and Azure AD accepts "+newCertificate(s.e2).Thumbprint+". Nobody is sent there yet",
			"find out who it was; call with cancel, or set consent.removeNextCertificate in the rotation's plan, and its new certificate is written in the place of that one")
	case !s.sent2 && !s.there2 && s.ours(s.e2) && !s.old(s.e2):
		q.alarm(CodeRotation, q.rot.Domain, "somebody has deleted the second application; its certificate "+s.e2.Thumbprint()+" stands in Azure AD's second slot still",
			"call with cancel, which removes it; or set consent.removeNextCertificate in the rotation's plan, and another application is made")
	default:
		q.stranger(&std)
	}
	if !q.plan.Consent.RemoveNextCertificate {
		return nil
	}
	switch {
	case s.sent2:
		return q.only2(ctx, &std)
	case s.there2:
		return q.publish(ctx, s)
	}
	return q.make(ctx, s, row)
}

// only2 takes a certificate out that nobody knows, where the first application signs no
// more.
func (q *seconding) only2(ctx context.Context, std *standingCerts) error {
	next := std.e1
	if std.odd1 || next != q.c2 && !q.sight().ours(next) {
		next = q.c2
	}
	if next == q.c2 {
		next = certs.Cert{}
		if null, _, _ := q.tried(std.e2); null {
			next = q.c2
		}
	}
	return q.set(ctx, &q.c2, &next, "Azure AD was told to accept "+q.c2.Thumbprint()+" and no stranger")
}

// set writes the slots, and places the rotation.
func (q *seconding) set(ctx context.Context, signing, next *certs.Cert, what string) error {
	var ps findings
	if q.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	std := q.certs()
	if signing != nil && *signing == std.e1 {
		signing = nil
	}
	if err := q.ask(ctx, &std, q.slotChange(signing, next)); err != nil {
		return err
	}
	shown, err := q.patch(ctx, signing, next)
	if errors.Is(err, aad.ErrInvalid) && next.IsZero() && signing == nil { // which changed nothing
		same := std.e1
		shown, err = q.patch(ctx, nil, &same)
	}
	if err != nil || !shown {
		return cmpErr(err, func() error { return q.notVisible(what) })
	}
	return q.reached()
}

// publish has Azure AD accept the second application's certificate as well.
func (q *seconding) publish(ctx context.Context, s *secondSight) error {
	var ps findings
	q.gateSecondKey(&ps)
	if ps.err() != nil {
		q.note(ps)
		return ps.err()
	}
	return q.set(ctx, &q.c1, &q.c2, "Azure AD was told to accept "+s.c2.Thumbprint()+" as well")
}

// swapSecond makes what the domain's application signs with the first certificate.
func (q *seconding) swapSecond(ctx context.Context) error {
	j := q.see.shown
	before := q.see.st.fed.SigningCertificate
	return q.set(ctx, &j, &before, "Azure AD was told to have "+j.Thumbprint()+" first")
}
