package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// urgentFor is how long the second of two writes, between which nobody can sign in, may
// still take when the call's context has ended.
const urgentFor = 2 * time.Minute

// regenerate is one call of a rotation in which JumpCloud makes a pair that nobody knows
// before it is used.
func (r *rotating) regenerate(ctx context.Context) error {
	s := r.certs()
	row := s.row()
	begins := s.j.Fingerprint() == r.plan.Replace
	switch {
	case row.step == stepMend:
		return r.mend(ctx)
	case row.step == stepAsk && (!begins || !r.plan.Consent.RemoveNextCertificate):
		return r.foreign(ctx, &s, row)
	case row.step == stepSwitch:
		var ps findings
		ps.refuse(CodeRotation, r.rot.Domain, "a rotation with an own key pair is under way: Azure AD accepts the certificate "+
			s.e2.Thumbprint()+" of the stored pair already", "call Rotate with the method own-key-pair until it is done, or with cancel")
		return ps.err()
	case row.step == stepSwap || row.step == stepRetire && !row.stranger:
		if r.waits(&s, row) {
			return nil
		}
		if row.step == stepSwap {
			return r.swap(ctx, &s)
		}
		return r.retire(ctx, &s, row)
	case !begins:
		return r.notDue(&s)
	}
	return r.renew(ctx, &s, row)
}

// renew has JumpCloud make a new pair, and Azure AD accept it: two writes in one call.
// The right to make the second is proved before the first.
func (r *rotating) renew(ctx context.Context, s *standingCerts, row *rotationRow) error {
	r.rot.Steps = []Step{}
	r.place(s, row)
	var ps findings
	ps.refuse(CodeRotationGap, r.rot.Domain, "from the moment when JumpCloud makes a new certificate nobody on "+r.rot.Domain+
		" can sign in until every node of Azure AD accepts it: "+r.gapText(), "choose own-key-pair or second-application, which have no gap").
		unless("gap", r.plan.Consent.Gap)
	r.note(ps)
	if err := ps.err(); err != nil {
		return err
	}
	if err := r.gateBegin(ctx, false); err != nil {
		return err
	}
	slots := r.slotChange(&certs.Cert{}, &s.j)
	slots.Fields[0].New = Later
	if err := r.ask(ctx, s, r.pairChange(certs.Cert{}), slots); err != nil {
		return err
	}
	if err := r.prove(ctx, s.e1); err != nil {
		return err
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), urgentFor)
	defer cancel()
	made, err := r.regenerated(work, s.j)
	if err != nil {
		return err
	}
	shown, err := r.patch(work, &made, &s.j)
	if err != nil {
		return fmt.Errorf("%w; JumpCloud signs with %s already, and nobody can sign in: call again, it is mended first", err, made.Thumbprint())
	}
	r.see.published, r.see.metaErr = made, nil
	if !shown {
		return r.notVisible("Azure AD was told to accept " + made.Thumbprint())
	}
	r.reached()
	return nil
}

// prove writes what Azure AD has in its first slot: who may not do that must not have
// JumpCloud make a new pair.
func (r *rotating) prove(ctx context.Context, e1 certs.Cert) error {
	c := r.slotChange(&e1, nil)
	unsure, err := r.write(ctx, c, func() error {
		return r.f.ad.PatchFederation(ctx, r.rot.Domain, r.see.st.fed.ID, aad.FederationUpdate{SigningCertificate: &e1})
	})
	if err == nil && unsure != nil {
		err = &StepError{PhaseApply, c, unsure}
	}
	r.seen()
	return err
}

// gapText says how long the gap of Regenerate is.
func (r *rotating) gapText() string {
	return fmt.Sprintf("for as long as that takes, at most %v and the time of the call", r.settleFor())
}

// regenerated has JumpCloud make a new pair, and returns its certificate. A lost answer
// is looked after: if the old one still shows, twice and apart, it is asked once more.
func (r *rotating) regenerated(ctx context.Context, old certs.Cert) (certs.Cert, error) {
	c := r.pairChange(certs.Cert{})
	for try := 1; ; try++ {
		unsure, err := r.write(ctx, c, func() error {
			a, err := r.f.jc.RegenerateCertificate(ctx, r.see.app.ID, old)
			if err == nil {
				r.see.app = a
			}
			return err
		})
		if err != nil {
			return certs.Cert{}, err
		}
		if unsure == nil {
			if r.see.shown, r.see.shownErr = r.see.app.Certificate(); r.see.shownErr == nil {
				r.seen()
				return r.see.shown, nil
			}
		}
		for looks := 0; looks < 2; {
			a, err := r.f.jc.Application(ctx, r.see.app.ID)
			if err != nil && !temporary(err) {
				return certs.Cert{}, errors.Join(err, unsure)
			}
			if err == nil {
				if now, cerr := a.Certificate(); cerr == nil && now != old {
					r.see.app, r.see.shown, r.see.shownErr = a, now, nil
					r.seen()
					return now, nil
				}
				looks++
			}
			if looks < 2 {
				if err := sleep(ctx, rotateApart); err != nil {
					return certs.Cert{}, errors.Join(reading(PhaseWait, err), unsure)
				}
			}
		}
		if try == 2 {
			return certs.Cert{}, &StepError{PhaseApply, c, unsure}
		}
	}
}

// emergency is one call of the answer to a stolen key. Who holds it signs for himself,
// so nothing but Azure AD stops him: the slots come first, and are compared by key.
func (r *rotating) emergency(ctx context.Context) error {
	s := r.certs()
	if s.j.IsZero() && r.see.shownErr == nil {
		s.j = r.see.shown // its metadata is not waited for
	}
	r.rot.OldApplication, r.rot.NewApplication = r.see.app.ID, r.see.app.ID
	for _, o := range r.see.others {
		if o.Active {
			r.alarm(CodeApplicationTwice, o.ID, "another application signs for "+r.rot.Domain+" as well, "+r.see.st.nameApplication(o)+
				": whoever signs in through it fails from now on, and its key may be stolen too", "deactivate it")
		}
	}
	ours := r.begun()
	if !ours {
		r.rot.Steps, r.rot.Sessions = []Step{}, nil // those of an earlier emergency
	}
	accepted := r.stolen(s.e1) || r.stolen(s.e2)
	switch {
	case r.stolen(s.j), s.j.IsZero() && accepted && r.f.opts.Keys != nil:
		return r.expelAll(ctx, &s)
	case s.j.IsZero():
		var ps findings
		ps.refuse(CodeCertificateMismatch, r.see.app.ID, "the application's certificate cannot be read, so there is none that Azure AD could be told to accept alone",
			"set Options.Keys, and another pair is made; or press Regenerate certificate in JumpCloud's console, then call again")
		return ps.err()
	case !accepted && ours && r.given.Complete:
		r.rot.Complete, r.rot.Next = true, "nothing is left to be done; delete the stored key"
		return nil
	case accepted || ours && !r.alone(&s):
		return r.expelSlots(ctx, &s)
	case !ours && !holds(r.see.st.fed, s.j):
		return r.mend(ctx)
	case !ours && r.plan.RevokeSessions && r.unfinished(&s):
		r.rot.Old, r.rot.Next = Certificate{Fingerprint: r.plan.Replace}, ""
	case !ours:
		r.rot.Phase, r.rot.Complete = RotationIdle, true
		r.rot.Old, r.rot.New = newCertificate(s.j), Certificate{}
		r.rot.Next = "nothing was expelled: neither JumpCloud nor Azure AD shows the certificate " + r.plan.Replace + " for " + r.rot.Domain
		r.warn(CodeRotation, r.rot.Domain, r.rot.Next,
			"compare the fingerprint with what Inspect shows, if the key of a certificate in use was stolen")
		if s.second() {
			row := s.row()
			if row.stranger {
				r.stranger(&s)
			}
		}
		return nil
	}
	return r.expelledAll(ctx, &s)
}

// begun reports whether the last call was one of this emergency.
func (r *rotating) begun() bool {
	return r.given != nil && r.given.Method == Emergency && r.given.Old.Fingerprint == r.plan.Replace
}

// unfinished reports whether JumpCloud signs with the stored pair, which is young, and Azure
// AD accepts nothing else: an emergency has come so far, and nobody has kept what it
// returned. Whether people were signed out is not known then.
func (r *rotating) unfinished(s *standingCerts) bool {
	return r.key != nil && s.j == r.key.Cert() && r.alone(s) && r.f.age(s.j.X509().NotBefore) < goneStale
}

// stolen reports whether a certificate has the key that is to be expelled.
func (r *rotating) stolen(c certs.Cert) bool {
	if c.IsZero() {
		return false
	}
	return c.Fingerprint() == r.plan.Replace || r.expelled(c) ||
		r.given != nil && r.given.Old.Fingerprint == r.plan.Replace && r.given.Old.Key == keyOf(c) ||
		r.see.shownErr == nil && r.see.shown.Fingerprint() == r.plan.Replace && c.SamePublicKey(r.see.shown)
}

// alone reports whether Azure AD accepts what JumpCloud signs with and nothing else.
func (r *rotating) alone(s *standingCerts) bool { return s.j == s.e1 && !s.second() && !s.odd1 }

// consented refuses an emergency without consent to what it brings.
func (r *rotating) consented() error {
	var ps findings
	ps.refuse(CodeRotationGap, r.rot.Domain, "the old certificate of "+r.rot.Domain+
		" is accepted no more at once: sign-ins fail until that, and the new one, "+
		"have reached every node, at most "+r.settleFor().String()+"; whatever is in Azure AD's second slot is overwritten. "+
		"Whether Azure AD remembers a certificate that it accepted before is not known", "have everybody know that sign-ins fail for some hours").
		unless("outage", r.plan.Consent.Outage)
	r.note(ps)
	return ps.err()
}

// expelAll takes the stolen key out of both services: Azure AD first, if there is a
// place to keep a pair of one's own, else JumpCloud.
func (r *rotating) expelAll(ctx context.Context, s *standingCerts) error {
	if err := r.consented(); err != nil {
		return err
	}
	if err := r.gateBegin(ctx, true); err != nil {
		return err
	}
	reuse := r.key != nil && r.begun() && r.given.New.is(r.key.Cert()) && !r.stolen(r.key.Cert())
	if !reuse {
		r.rot.Steps, r.rot.Sessions = []Step{}, nil
	}
	r.rot.Phase, r.rot.Old, r.rot.New, r.rot.Complete = RotationIdle, newCertificate(s.j), Certificate{}, false
	overwritten := s.second() && !r.stolen(s.e2) && s.e2 != s.k
	change := r.slotChange(&certs.Cert{}, &certs.Cert{})
	change.Fields[0].New, change.Fields[1].New = Later, Later
	changes := Changes{change, r.pairChange(certs.Cert{})}
	if r.f.opts.Keys == nil { // JumpCloud comes first
		slices.Reverse(changes)
	}
	if err := r.ask(ctx, s, changes...); err != nil {
		return err
	}
	r.expel(keyOf(s.j))
	for _, c := range []certs.Cert{s.e1, s.e2} {
		if r.stolen(c) {
			r.expel(keyOf(c))
			if s.j.IsZero() {
				r.rot.Old = newCertificate(c)
			}
		}
	}
	if overwritten {
		r.alarm(CodeNextCertificate, r.rot.Domain, "Azure AD accepted another certificate besides, "+
			showCertificate(rawCertificate(s.e2, r.see.st.fed.RawNextSigningCertificate))+", which is overwritten",
			"find out who set it, in Azure AD's audit log under Set federation settings on domain")
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), urgentFor)
	defer cancel()
	if r.f.opts.Keys == nil {
		made, err := r.regenerated(work, s.j)
		if err != nil {
			return err
		}
		r.rot.New = newCertificate(made)
		return r.acceptOnly(ctx, work, made)
	}
	if !reuse {
		if err := r.make(ctx); err != nil {
			return err
		}
	}
	k := r.key.Cert()
	r.rot.New = newCertificate(k)
	if fed := r.see.st.fed; fed.SigningCertificate != k || !slotted(fed, &k, &k) && !slotted(fed, &k, &certs.Cert{}) {
		shown, err := r.patch(work, &k, &k)
		if err != nil && refusedForSure(err) || err != nil && !shown && !holds(r.see.st.fed, k) {
			return err // JumpCloud is left as it is: nothing was expelled
		}
		if !shown {
			return r.notVisible("Azure AD was told to accept " + k.Thumbprint() + " alone")
		}
	}
	r.rot.Phase = RotationExpelled
	if _, err := r.give(work, s.j); err != nil {
		return fmt.Errorf("%w; Azure AD accepts %s alone already, and nobody can sign in until JumpCloud has its pair: call again", err,
			k.Thumbprint())
	}
	if j, err := r.see.signs(); err != nil || j != k {
		r.rot.Phase = RotationExpelled
		return r.notVisible("JumpCloud was given the pair of " + k.Thumbprint())
	}
	r.seenPair(k)
	return r.expelledNow(ctx)
}

// acceptOnly has Azure AD accept a certificate alone, which JumpCloud signs with.
func (r *rotating) acceptOnly(ctx, work context.Context, c certs.Cert) error {
	shown, err := r.patch(work, &c, &c)
	if err != nil {
		return fmt.Errorf("%w; JumpCloud signs with %s, and nobody can sign in: call again", err, c.Thumbprint())
	}
	if !shown {
		return r.notVisible("Azure AD was told to accept " + c.Thumbprint() + " alone")
	}
	r.see.published, r.see.metaErr = c, nil
	return r.expelledNow(ctx)
}

// expelSlots takes the stolen key out of Azure AD, where JumpCloud signs with another
// one already.
func (r *rotating) expelSlots(ctx context.Context, s *standingCerts) error {
	if err := r.consented(); err != nil {
		return err
	}
	var ps findings
	if r.gateWrites(&ps); ps.err() != nil {
		return ps.err()
	}
	for _, c := range []certs.Cert{s.e1, s.e2} {
		if r.stolen(c) {
			r.rot.Old = newCertificate(c)
		}
	}
	r.rot.New = newCertificate(s.j)
	if err := r.ask(ctx, s, r.slotChange(&s.j, &s.j)); err != nil {
		return err
	}
	r.expel(r.rot.Old.Key)
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), urgentFor)
	defer cancel()
	return r.acceptOnly(ctx, work, s.j)
}

// expelledNow places a rotation whose old key was just expelled, and signs people out.
func (r *rotating) expelledNow(ctx context.Context) error {
	rot := r.rot
	rot.Phase, rot.Complete = RotationExpelled, false
	rot.NotBefore = r.f.now().Add(time.Minute).UTC()
	rot.Next = "look once more that Azure AD accepts nothing but " + rot.New.Thumbprint
	if !r.plan.RevokeSessions {
		return nil
	}
	return r.revoke(ctx)
}

// expelledAll deals with an emergency of which nothing is left to be written.
func (r *rotating) expelledAll(ctx context.Context, s *standingCerts) error {
	rot := r.rot
	rot.Phase, rot.Complete, rot.Next = RotationExpelled, false, ""
	rot.New = newCertificate(s.j)
	if err := r.slots(ctx); err != nil { // twice
		return err
	}
	now := r.certs()
	if !r.alone(&now) {
		return r.notVisible("what Azure AD accepts differs between two looks")
	}
	if r.plan.RevokeSessions {
		return r.revoke(ctx)
	}
	rot.Complete, rot.Next = true, "nothing is left to be done; delete the stored key"
	return nil
}
