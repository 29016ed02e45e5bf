package federation

import (
	"cmp"
	"time"
)

// A forecast lists the calls that are left of a rotation.
type forecast struct {
	r  *rotating
	p  *RotationPreview
	s  *standingCerts
	at time.Time // when the next call makes sense
}

// call adds one. The first has the changes that the look has found.
func (a *forecast) call(does, notice string) {
	c := RotationCall{Number: 1, Does: does, Notice: cmp.Or(notice, nothingNoticed)}
	if n := len(a.p.Calls); n > 0 {
		c.Number = a.p.Calls[n-1].Number + max(a.p.Calls[n-1].Times, 1)
	} else {
		c.Changes = a.r.ahead
	}
	if a.at.After(a.r.f.now()) {
		c.At = a.at.UTC()
	}
	a.p.Calls = append(a.p.Calls, c)
}

// wait is for what the last call has changed to be everywhere.
func (a *forecast) wait() { a.at = a.at.Add(a.settle() + time.Minute) }

// settle is how long that takes: longer while the application is young.
func (a *forecast) settle() time.Duration {
	created := a.r.see.app.Created
	if o := a.r.pair(); o != nil && a.r.plan.Method == SecondApplication && older(o, a.r.see.app) {
		created = o.Created // the second is always young
	}
	return a.r.plan.settle(!created.IsZero() && a.at.Sub(created) < youngSettle)
}

// all lists the calls of the method.
func (a *forecast) all() {
	row, m := a.s.row(), a.r.plan.Method
	if m == SecondApplication {
		a.second()
		return
	}
	waits := row.step == stepSwitch || row.step == stepSwap || row.step == stepRetire // else it is done at once
	switch m {
	case Emergency:
		waits = a.sessions()
	case Regenerate:
		waits = row.step == stepSwap || row.step == stepRetire && !row.stranger
	}
	if nb := a.r.rot.NotBefore; nb.After(a.at) && waits && !a.r.plan.Cancel {
		l := a.r.last
		believed := l != nil && l.Phase == a.r.rot.Phase && l.Old == a.r.rot.Old && l.New == a.r.rot.New && l.NotBefore.Equal(nb)
		if m != Emergency && nb.Equal(a.r.later()) && !believed { // nothing says since when it is so
			a.r.ahead = nil
			a.call("look, and write nothing: it must have been so for "+short(a.settle())+" before the next step is safe", "")
		}
		a.at = nb
	}
	switch {
	case m == Emergency:
		a.emergency()
	case row.step == stepMend:
		a.mend()
	case a.r.gives() && row.step != stepSwitch:
		a.again(row)
	case m == Regenerate:
		a.regenerate(row)
	default:
		a.own(row)
	}
}

// steps lists the calls of a rotation with an own key pair, from one of its steps on.
func (a *forecast) steps(from rotateStep) {
	old, made := "the old certificate", "the new certificate"
	if c := a.r.rot.Old; c.Fingerprint != "" {
		old += " " + c.Thumbprint
	}
	if c := a.r.rot.New; c.Fingerprint != "" {
		made += " " + c.Thumbprint
	}
	publish := "have Azure AD accept the stored certificate as well, beside the one that JumpCloud signs with"
	if from == stepBegin || from == stepPublish && (a.s.k.IsZero() || !a.s.usable) {
		publish = "make a key pair, store it, and have Azure AD accept its certificate as well, beside the one that JumpCloud signs with"
	}
	begun := false
	for _, step := range []struct {
		rotateStep
		does string
	}{
		{stepPublish, publish},
		{stepSwitch, "look again whether Azure AD accepts " + made + ", and have JumpCloud sign with it"},
		{stepSwap, "have " + made + " first in Azure AD, and " + old + " second"},
		{stepRetire, "have Azure AD accept " + old + " no more"},
	} {
		if step.rotateStep == from || from == stepBegin && step.rotateStep == stepPublish {
			begun = true
		} else if begun {
			a.wait()
		}
		if begun {
			a.call(step.does, "")
		}
	}
	a.p.Done = a.at
}

// own lists the calls of OwnKeyPair.
func (a *forecast) own(row *rotationRow) {
	r := a.r
	switch begins := row.step == stepBegin || row.step == stepPublish; {
	case r.plan.Cancel && (row.phase == RotationPublished || row.phase == RotationForeign) && len(r.ahead) > 0:
		a.call("have Azure AD accept nothing but what JumpCloud signs with: the rotation is led back", "")
		a.p.Done = a.at
	case r.plan.Cancel: // there is no way back, or nothing to lead back
	case begins && !r.due(a.s.j):
		a.p.Done = a.at
		r.rot.Next = "nothing is due: JumpCloud signs with the certificate " + newCertificate(a.s.j).String()
	case begins:
		a.steps(row.step)
	case row.step == stepAsk:
		a.foreign()
	default:
		a.steps(row.step)
	}
}

// foreign lists the calls that deal with a second certificate that nobody here knows,
// with consent.
func (a *forecast) foreign() {
	r := a.r
	if !r.plan.Consent.RemoveNextCertificate {
		return
	}
	switch due := r.due(a.s.j); {
	case a.s.odd1:
		a.call("have JumpCloud's certificate first in Azure AD, in the place of what is no certificate, and none second", "")
		a.wait()
		if due && r.plan.Method == OwnKeyPair {
			a.steps(stepBegin)
			return
		}
		a.call("look once more", "")
	case due && r.plan.Method == OwnKeyPair:
		a.steps(stepPublish)
		a.p.Calls[0].Does += "; the second certificate that stands there now is overwritten"
		return
	default:
		a.call("have Azure AD accept the second certificate no more", "")
		a.call("look once more", "")
	}
	a.p.Done = a.at
}

// again lists the call that gives JumpCloud once more the pair that it holds by halves,
// and those after it.
func (a *forecast) again(row *rotationRow) {
	r := a.r
	a.at = r.f.now()
	a.p.Gap = a.settle()
	a.call("have JumpCloud sign with the stored pair again, of which it holds one half",
		"sign-ins may fail now; none does where every node has it, in at most "+short(a.p.Gap))
	if r.place(a.s, row); row.step != stepSwap && row.step != stepRetire {
		return
	}
	a.wait()
	a.steps(row.step)
}

// mend lists the call that mends at once, and those after it.
func (a *forecast) mend() {
	r, domain := a.r, a.r.rot.Domain
	a.at = r.f.now()
	r.alarm(CodeRotationBroken, domain, "nobody on "+domain+" can sign in: JumpCloud signs with the certificate "+
		newCertificate(a.s.j).String()+", and Azure AD accepts "+accepts(r.see.st.fed), "call Rotate now: it mends that before anything else")
	if r.expelled(a.s.j) {
		return // which is not mended by this method
	}
	a.p.Gap = a.settle()
	a.call("have Azure AD accept what JumpCloud signs with, at once and without asking",
		"nobody can sign in now; everybody can again where every node has it, in at most "+short(a.p.Gap))
	next := r.see.st.fed.SigningCertificate
	a.wait()
	if r.expelled(next) || next.IsZero() {
		a.call("look once more", "")
	} else {
		a.call("have Azure AD accept the certificate "+newCertificate(next).Thumbprint+" no more", "")
	}
	if r.plan.Method == Regenerate {
		a.renews()
	}
	a.p.Done = a.at
}

// regenerate lists the calls of Regenerate.
func (a *forecast) regenerate(row *rotationRow) {
	r := a.r
	begins := a.s.j.Fingerprint() == r.plan.Replace
	switch {
	case row.step == stepSwitch: // of another rotation, which is to be ended first
	case row.step == stepAsk && (!begins || !r.plan.Consent.RemoveNextCertificate):
		a.foreign()
	case row.step == stepSwap || row.step == stepRetire && !row.stranger:
		a.steps(row.step)
		a.renews()
		a.p.Done = a.at
	case begins:
		a.renews()
		a.p.Done = a.at
	default:
		a.p.Done = a.at
		r.rot.Next = "nothing is due: JumpCloud signs with the certificate " + newCertificate(a.s.j).String()
	}
}

// renews lists the two calls with which JumpCloud makes a new pair, if what it signs
// with is to be replaced.
func (a *forecast) renews() {
	r := a.r
	if a.s.j.Fingerprint() != r.plan.Replace {
		return
	}
	a.p.Gap = a.settle() + urgentFor
	a.call("have JumpCloud make a new key pair, with a gap, and Azure AD accept its certificate at once",
		"from then on nobody on "+r.rot.Domain+" can sign in until every node of Azure AD accepts the new certificate: for at most "+
			short(a.p.Gap)+", the call's own time among it")
	a.wait()
	a.call("have Azure AD accept the old certificate "+newCertificate(a.s.j).Thumbprint+" no more", "")
}

// sessions reports whether nothing is left to an emergency but signing people out.
func (a *forecast) sessions() bool {
	r := a.r
	return a.s != nil && r.plan.Method == Emergency && r.plan.RevokeSessions && r.rot.Sessions != nil && r.rot.Sessions.Second.IsZero()
}

// emergency lists the calls of Emergency.
func (a *forecast) emergency() {
	r, s := a.r, a.s
	domain := r.rot.Domain
	const signOut = "sign out everybody on the domain"
	const notice = "everybody is signed out, and has to sign in anew"
	ours := r.given != nil && r.given.Method == Emergency && r.given.Old.Fingerprint == r.plan.Replace
	switch {
	case r.stolen(s.j):
		a.p.Gap = a.settle() + urgentFor
		does := "make a key pair, store it, have Azure AD accept its certificate alone, then have JumpCloud sign with it"
		switch k := r.key; {
		case r.f.opts.Keys == nil:
			does = "have JumpCloud make a new key pair, and Azure AD accept its certificate alone"
		case k != nil && ours && r.given.New.is(k.Cert()):
			does = "have Azure AD accept the stored certificate alone, and JumpCloud sign with it"
		}
		a.call(does, "an outage: sign-ins on "+domain+" fail until both services' nodes have the new certificate, for at most "+short(a.p.Gap))
	case r.stolen(s.e1) || r.stolen(s.e2) || ours && !r.alone(s):
		out := ""
		if !holds(r.see.st.fed, s.j) {
			a.p.Gap = a.settle() + urgentFor
			out = "an outage: sign-ins on " + domain + " fail until every node of Azure AD has it, for at most " + short(a.p.Gap)
		}
		a.call("have Azure AD accept what JumpCloud signs with alone", out)
	case a.sessions() && !r.rot.Sessions.First.IsZero():
		a.call(signOut+" once more", notice)
		a.p.Done = a.at
		return
	case a.sessions():
		a.call(signOut, notice)
		a.wait()
		a.call(signOut+" once more", notice)
		a.p.Done = a.at
		return
	default:
		return
	}
	if r.plan.RevokeSessions {
		first := &a.p.Calls[0]
		if first.Does += "; " + signOut; first.Notice == nothingNoticed {
			first.Notice = notice
		} else {
			first.Notice += "; " + notice
		}
		a.wait()
		a.call("look once more that Azure AD accepts nothing else, and "+signOut+" once more", notice)
	} else {
		a.at = a.at.Add(time.Minute)
		a.call("look once more that Azure AD accepts nothing else", "")
	}
	a.p.Done = a.at
}
