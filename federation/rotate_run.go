package federation

import (
	"context"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// VerbRotate is the verb of [Federator.Rotate].
const VerbRotate Verb = "rotate"

// Rotate does what can safely be done now to replace the certificate of a federated
// domain, and returns: one call makes at most one change of who is accepted or what
// signs, and a rotation takes several, hours apart. Call it again with what it returned
// until [Rotation.Done]; [Federator.WaitRotation] does that. Without the last Rotation a
// call waits longer, and is as safe. The returned Rotation is never nil.
//
// It looks first, and goes on from what it finds, whoever has done that: the phase is
// decided by what JumpCloud signs with and what Azure AD accepts, as both show it. A
// domain on which nobody can sign in, because Azure AD accepts nothing that JumpCloud
// signs, is mended before anything else, without asking. A call before
// [Rotation.NotBefore] only reads.
//
// Before the first write the domain must be ours, verified and a root, the application
// active, its certificate the same in both places, an administrator be there who could
// sign in without JumpCloud: what is not comes back in one [*PreconditionError].
// [Options.Confirm] is asked in each call that writes, with its changes. A failure is a
// [*StepError]; call again, it goes on from what it finds.
//
// Microsoft Graph: Domain.Read.All, Domain-InternalFederation.ReadWrite.All, and in the
// call that begins RoleManagement.Read.Directory and User.Read.All; RevokeSessions:
// User.RevokeSessions.All, and for administrators a role besides. JumpCloud: applications;
// SecondApplication: applicationtemplates.readonly and groups as well.
func (f *Federator) Rotate(ctx context.Context, plan RotatePlan, last *Rotation) (*Rotation, error) {
	r := f.newRotating(plan, last)
	err := r.run(ctx)
	return r.rot, r.finish(ctx, err)
}

// A rotating is one call of Rotate in progress.
type rotating struct {
	f     *Federator
	plan  RotatePlan
	given *Rotation // as it was handed over
	last  *Rotation // the same, if it is of this rotation
	rot   *Rotation // what is returned
	began time.Time

	see     rotateSight
	key     *certs.KeyPair // the stored one
	perms   *aad.Permissions
	tenant  string
	only    bool // nothing is written: what would be, is in ahead
	ahead   Changes
	seconds *seconding // of a rotation by a second application
	asked   bool       // Confirm was asked
	lagged  bool       // what was given to JumpCloud did not show in all places

	same func(context.Context) error // is it all as it was, after a confirmation that took its time; nil: see ask
}

func (f *Federator) newRotating(plan RotatePlan, last *Rotation) *rotating {
	return &rotating{f: f, plan: plan, given: last, began: time.Now(), rot: &Rotation{
		Version: rotationVersion, Domain: domainName(plan.Plan.Domain), Method: plan.Method, Phase: RotationIdle,
		Plan: plan.Plan, Steps: []Step{},
	}}
}

// adopt takes over what the last call has left.
func (r *rotating) adopt() {
	r.rot.Domain, r.rot.Method, r.rot.Plan = r.plan.Plan.Domain, r.plan.Method, r.plan.Plan
	l := r.given
	if l == nil {
		return
	}
	r.rot.Expelled = slices.Clone(l.Expelled)
	if l.Method != r.plan.Method {
		return
	}
	r.last = l
	r.rot.Phase, r.rot.Old, r.rot.New, r.rot.NotBefore, r.rot.Next = l.Phase, l.Old, l.New, l.NotBefore, l.Next
	r.rot.OldApplication, r.rot.NewApplication = l.OldApplication, l.NewApplication
	r.rot.Steps = slices.Clone(l.Steps)
	if l.Sessions != nil {
		s := *l.Sessions
		s.Refused, s.Again = slices.Clone(s.Refused), slices.Clone(s.Again)
		r.rot.Sessions = &s
	}
}

func (r *rotating) run(ctx context.Context) error {
	plan, err := r.plan.normalize()
	if err == nil {
		r.plan = plan
		err = r.given.check(plan)
	}
	if err != nil {
		if r.given != nil && domainName(r.given.Domain) == r.rot.Domain && r.given.Version == rotationVersion {
			*r.rot = *r.given // nothing of it is lost
			r.rot.Findings = nil
		}
		return err
	}
	r.adopt()
	if err := r.gateStore(); err != nil {
		return err
	}
	unlock, err := r.f.lock(ctx, plan.Plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.firstLook(ctx); err != nil {
		return err
	}
	if err := r.gateCustomer(ctx); err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if err := r.gateState(); err != nil {
		return err
	}
	r.tellYoung()
	if plan.Method == SecondApplication {
		return r.second(ctx)
	}
	if err := r.gateSecond(); err != nil {
		return err
	}
	if ended, err := r.settleSigner(ctx); ended || err != nil {
		return err
	}
	switch plan.Method {
	case Regenerate:
		return r.regenerate(ctx)
	case Emergency:
		return r.emergency(ctx)
	}
	return r.ownPair(ctx)
}

// finish completes the rotation, whatever came of the call.
func (r *rotating) finish(ctx context.Context, err error) error {
	rot := r.rot
	rot.Error = ""
	if err != nil {
		rot.Error, rot.Complete = err.Error(), r.wasComplete()
	}
	r.keepWaiting()
	if rot.Complete {
		rot.NotBefore = time.Time{}
	}
	text := string(rot.Phase)
	if rot.Next != "" {
		text += ": " + rot.Next
	}
	r.f.emit(ctx, Event{Phase: PhaseDone, Domain: rot.Domain, Text: text, Elapsed: max(time.Since(r.began), 1), Err: err})
	return err
}

// wasComplete reports whether the rotation that was handed over is complete and this call,
// which has failed, has begun no other: what has ended stays so.
func (r *rotating) wasComplete() bool {
	l := r.given
	return l != nil && l.Complete && l.Method == r.rot.Method && l.Phase == r.rot.Phase && l.Old == r.rot.Old && l.New == r.rot.New &&
		len(l.Steps) == len(r.rot.Steps)
}

// keepWaiting keeps a call that has only looked from shortening the wait of the phase that
// the last one was in: what did not show for a moment is looked at again soon, and the
// next step waits for as long as before.
func (r *rotating) keepWaiting() {
	rot, l := r.rot, r.last
	if l == nil || rot.Complete || rot.NotBefore.IsZero() || l.Phase != rot.Phase || l.Old != rot.Old || l.New != rot.New {
		return
	}
	at, most := l.NotBefore, r.f.now().Add(r.settleFor()+time.Minute).UTC()
	if r.plan.Method == SecondApplication {
		most = most.Add(pageOpen)
	}
	if at.After(most) {
		at = most
	}
	if rot.NotBefore.Before(at) {
		rot.NotBefore = at
	}
}

// ownPair is one call of a rotation with an own key pair.
func (r *rotating) ownPair(ctx context.Context) error {
	s := r.certs()
	row := s.row()
	if row.step == stepMend {
		return r.mend(ctx)
	}
	if r.plan.Cancel {
		return r.cancelOwn(ctx, &s, row)
	}
	switch row.step {
	case stepBegin, stepPublish:
		if !r.due(s.j) {
			return r.notDue(&s)
		}
		if row.step == stepPublish && r.fellBack(&s) {
			return nil
		}
		return r.publish(ctx, &s, row)
	case stepAsk:
		return r.foreign(ctx, &s, row)
	}
	if r.waits(&s, row) {
		return nil
	}
	switch row.step {
	case stepSwitch:
		return r.switchOver(ctx, &s)
	case stepSwap:
		return r.swap(ctx, &s)
	default:
		return r.retire(ctx, &s, row)
	}
}

// fellBack reports whether Azure AD does not accept the stored pair's certificate any
// more, which the last call says that it did. That is only told: if the call that has it
// accepted again were cut off, what the last one said would be taken for what is then.
func (r *rotating) fellBack(s *standingCerts) bool {
	l := r.last
	if l == nil || l.Phase != RotationPublished && l.Phase != RotationSwitched || !l.New.is(s.k) || r.only {
		return false
	}
	r.place(s, &rotationRow{phase: RotationSaved, step: stepPublish})
	r.rot.NotBefore = r.f.now().UTC()
	r.warn(CodeRotation, r.rot.Domain, "somebody has taken the new certificate "+l.New.Thumbprint+
		" out of Azure AD, where it was accepted already",
		"find out who it was, in Azure AD's audit log; the next call writes it there again")
	return true
}

// due reports whether a rotation is to begin.
func (r *rotating) due(j certs.Cert) bool {
	if r.plan.Replace != "" {
		return j.Fingerprint() == r.plan.Replace
	}
	return !j.X509().NotAfter.After(r.f.now().Add(r.plan.Within))
}

// notDue ends a call in which nothing is to be done.
func (r *rotating) notDue(s *standingCerts) error {
	rot := r.rot
	rot.Phase, rot.Complete, rot.NotBefore = RotationIdle, true, time.Time{}
	if r.last != nil && r.last.New.is(s.j) && (r.last.Phase == RotationSwapped || r.last.Phase == RotationRetired ||
		r.last.Phase == RotationIdle && r.last.Complete) {
		rot.Phase = RotationRetired
	} else {
		rot.Old, rot.New = newCertificate(s.j), Certificate{}
	}
	rot.Next = "nothing is due: JumpCloud signs with the certificate " + newCertificate(s.j).String()
	if rot.Phase == RotationRetired {
		rot.Next = "nothing is left to be done; delete the stored key"
	}
	return nil
}

// place says in the rotation where it stands.
func (r *rotating) place(s *standingCerts, row *rotationRow) {
	phase := row.phase
	if phase == RotationSwapped && r.plan.Method == Regenerate {
		phase = RotationRegenerated
	}
	before, after := s.names(phase)
	rot := r.rot
	rot.Phase, rot.Complete = phase, false
	if !before.IsZero() {
		rot.Old = newCertificate(before)
	}
	rot.New = newCertificate(after)
	if r.see.app != nil {
		rot.OldApplication, rot.NewApplication = r.see.app.ID, r.see.app.ID
	}
	rot.Next = r.nextText(row.step)
	if row.stranger {
		r.stranger(s)
	}
}

// settleFor is how long a change may take to be everywhere.
func (r *rotating) settleFor() time.Duration {
	a := r.see.app
	if o := r.pair(); a != nil && o != nil && r.plan.Method == SecondApplication && older(o, a) {
		a = o // the second is always young
	}
	young := a != nil && !a.Created.IsZero() && r.f.age(a.Created) < youngSettle
	return r.plan.settle(young)
}

// tellYoung says why each wait is a day: what was converted a short time ago takes longer to
// be everywhere.
func (r *rotating) tellYoung() {
	if a := r.see.app; a != nil && r.plan.Settle == 0 && r.settleFor() == youngSettle {
		var ps findings
		ps.info(CodeRotation, a.ID, "the application "+r.see.st.nameApplication(a)+
			" is younger than a day, and the domain may have been federated as lately: "+
			"each change is waited for 24 hours", "set settle in the rotation's plan to wait as long as you know to be enough")
		r.note(ps)
	}
}

// later is when a change that is seen now is everywhere.
func (r *rotating) later() time.Time { return r.see.read.Add(r.settleFor() + time.Minute).UTC() }

// waits places the rotation and reports whether the phase has not lasted long enough.
// What the last call said of it counts only if it saw exactly this.
func (r *rotating) waits(s *standingCerts, row *rotationRow) bool {
	r.place(s, row)
	r.rot.NotBefore = r.notBefore()
	if null, same, _ := r.tried(s.e2); row.step == stepRetire && null && same {
		r.stays(s.e2)
	}
	return !r.only && r.f.now().Before(r.rot.NotBefore)
}

// notBefore is when the phase that the rotation is in has lasted long enough.
func (r *rotating) notBefore() time.Time {
	at := r.later()
	if l := r.last; l != nil && l.Phase == r.rot.Phase && l.Old == r.rot.Old && l.New == r.rot.New && !l.NotBefore.IsZero() &&
		l.NotBefore.Before(at) {
		at = l.NotBefore
	}
	return at
}

// reached places the rotation after a change that was read back.
func (r *rotating) reached() {
	s := r.certs()
	row := s.row()
	r.place(&s, row)
	r.rot.NotBefore = r.later()
}

// notVisible ends a call whose change, or somebody's, does not show yet.
func (r *rotating) notVisible(what string) error {
	r.rot.Complete = false
	r.rot.Next = "not visible yet: " + what + "; nothing is lost, call again"
	r.rot.NotBefore = r.f.now().Add(notShownFor).UTC()
	return nil
}
