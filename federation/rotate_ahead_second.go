package federation

import (
	"context"
	"fmt"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// foresee reads what the forecast of a rotation by a second application needs besides
// what the call has read: where it stands if the call was refused before that was known,
// and how many groups and users are to be bound.
func (r *rotating) foresee(ctx context.Context) error {
	if r.plan.Method != SecondApplication || r.see.app == nil || r.see.st.fed == nil {
		return nil
	}
	q := r.seconds
	if q == nil {
		q = &seconding{rotating: r}
		r.seconds = q
	}
	if !q.met {
		known := !r.standsApart()
		if known {
			q.leaveOut()
			var err error
			if known, err = q.meet(ctx); err != nil {
				return err
			}
		}
		if !known {
			return nil
		}
		s := q.sight()
		q.stand(s, s.row(q.table()))
	}
	steps, _ := q.steps()
	for _, st := range steps {
		if st.step == stepBind && q.lacking == 0 {
			return q.countLacking(ctx)
		}
	}
	return nil
}

// standsApart reports whether what JumpCloud signs with is not known.
func (r *rotating) standsApart() bool {
	_, err := r.see.signs()
	return err != nil
}

// leaveOut forgets the one of two second applications that the next call deletes.
func (q *seconding) leaveOut() {
	if len(q.rotating.ahead) != 1 || q.rotating.ahead[0].Action != Delete {
		return
	}
	for i, a := range q.see.others {
		if a.ID == q.rotating.ahead[0].Target {
			q.see.others = append(q.see.others[:i:i], q.see.others[i+1:]...)
			return
		}
	}
}

// countLacking reads what is bound to the first application, and not to the second.
func (q *seconding) countLacking(ctx context.Context) error {
	first, err := q.boundTo(ctx, q.app1.ID)
	if err != nil {
		return err
	}
	if q.app2 != nil {
		second, err := q.boundTo(ctx, q.app2.ID)
		if err != nil {
			return err
		}
		for o := range second {
			delete(first, o)
		}
	}
	q.lacking = len(first)
	return nil
}

// table is the one that decides.
func (q *seconding) table() []secondRow {
	if q.plan.Cancel {
		return secondBackTable
	}
	return secondTable
}

// steps are those that are left.
func (q *seconding) steps() ([]secondAhead, rotateStep) {
	s, first := *q.sight(), rotateStep("")
	s.bound = q.allBound
	if q.rescues {
		first = stepRescue
	}
	return s.ahead(q.table(), first, q.plan.Consent.RemoveNextCertificate, q.plan.Pilot, q.expelled)
}

// behind reports whether the call only says that more is to be bound than the last has
// seen.
func (q *seconding) behind() bool {
	return q != nil && q.lacking > 0 && len(q.rotating.ahead) == 0 && q.rot.Phase == RotationActivated
}

// second lists the calls of SecondApplication.
func (a *forecast) second() {
	r, q := a.r, a.r.seconds
	if q == nil || !q.met {
		return
	}
	steps, end := q.steps()
	if q.deletesOther() {
		a.call("delete the application "+r.ahead[0].Target+" again, which an earlier call has made and nobody uses", "")
		if len(steps) > 0 && steps[0].step == stepMake {
			return // the call is refused then
		}
	} else if len(steps) > 0 {
		a.lasts(steps[0].row)
	}
	for i := range steps {
		if i > 0 && steps[i].row.waits {
			a.wait()
			if steps[i].row.pages {
				a.at = a.at.Add(pageOpen)
			}
		}
		a.take(&steps[i])
	}
	switch n := len(a.p.Calls); end {
	case stepNone:
		if n > 0 && len(steps) > 0 && steps[len(steps)-1].step == stepMend {
			a.call("look once more", "")
		}
		a.p.Done = a.at
	case stepPilot:
		if n > 0 {
			last := &a.p.Calls[n-1]
			last.Does += "; then nothing more, until one person has signed in with it and approve in the plan is its certificate's fingerprint"
			last.Notice += "; the one person whom you bind to it may try it"
		}
	case stepAsk:
		if n > 0 {
			a.call("look, and write nothing until a person has looked: the findings say then at what", "")
		}
	}
}

// deletesOther reports whether the call deletes neither of the two applications, but one
// that is in the way.
func (q *seconding) deletesOther() bool {
	ahead := q.rotating.ahead
	if len(ahead) != 1 || ahead[0].Action != Delete {
		return false
	}
	for _, a := range []*jumpcloud.Application{q.app1, q.app2} {
		if a != nil && a.ID == ahead[0].Target {
			return false
		}
	}
	return true
}

// lasts lists the call that only looks, if nothing says since when the phase has lasted
// that the first step waits for, and waits.
func (a *forecast) lasts(row *secondRow) {
	r, q := a.r, a.r.seconds
	nb := r.rot.NotBefore
	if q.behind() {
		a.call("look, and write nothing: groups or users are bound to the first application alone since the last call", "")
		return
	}
	if !row.waits || !nb.After(a.at) {
		return
	}
	l := r.last
	believed := l != nil && l.Phase == r.rot.Phase && l.Old == r.rot.Old && l.New == r.rot.New && l.NotBefore.Equal(nb)
	if !believed && nb.Equal(q.laterThan(row)) {
		long := a.settle()
		if row.pages {
			long += pageOpen
		}
		r.ahead = nil
		a.call("look, and write nothing: it must have been so for "+short(long)+" before the next step is safe", "")
	}
	a.at = nb
}

// take lists the calls of a step.
func (a *forecast) take(st *secondAhead) {
	r, q := a.r, a.r.seconds
	s, domain := &st.seen, a.r.rot.Domain
	first, second := "the first application's certificate"+named(s.c1), "the second application's certificate"+named(s.c2)
	switch st.step {
	case stepMend:
		a.p.Gap = a.settle()
		who, now := "nobody on "+domain+" can", "nobody can sign in now; everybody can"
		if s.accepted(s.signs()) {
			who, now = "whoever opens the first application cannot", "whoever opens the first application cannot sign in now; everybody can"
		}
		r.alarm(CodeRotationBroken, domain, who+" sign in: Azure AD accepts "+accepts(r.see.st.fed),
			"call Rotate now: it mends that before anything else")
		a.call("have Azure AD accept what JumpCloud signs with, at once and without asking",
			now+" again where every node has it, in at most "+short(a.p.Gap))
	case stepRescue:
		a.p.Gap = a.settle()
		a.call("send people to the first application, at once: somebody has deleted the second one",
			"nobody can sign in now; everybody can again where every node has it, in at most "+short(a.p.Gap))
	case stepMake:
		a.call("make a second application, inactive and hidden, with the settings of the first and a certificate of its own", "")
	case stepPublish:
		does := "have Azure AD accept " + second + " as well, beside the first one's"
		if st.row.step == stepAsk {
			does += "; the certificate that stands there now is overwritten"
		}
		a.call(does, "")
	case stepOnly:
		a.call("have Azure AD accept "+second+", and what nobody here knows no more", "")
	case stepActivate:
		a.call("activate the second application, which nobody sees", "")
	case stepWithdraw:
		if st.row.phase == RotationSaved {
			a.call("deactivate the second application, whose certificate Azure AD does not accept", "")
			return
		}
		a.call("deactivate the second application", "nothing, but that whoever has its address among the bookmarks gets in by that no more")
	case stepBind:
		a.bind(q.lacking)
	case stepRedirect:
		a.call("have Azure AD send people to the second application", "")
	case stepTiles:
		a.call("show the second application's tile in JumpCloud, and hide the first one's",
			"in JumpCloud they see the second application's tile, of the same name, in the place of the first one's")
	case stepSwap:
		a.call("have "+second+" first in Azure AD, and the one that is first now second", "")
	case stepDeactivate:
		a.call("deactivate the first application, to which nobody is sent any more",
			"nothing, but that whoever has its address among the bookmarks gets in by that no more")
	case stepRetire:
		a.call("have Azure AD accept "+outgoing(s, "the first application's")+" no more", "")
	case stepDelete:
		a.call("delete the first application", "")
	case stepReactivate:
		a.call("activate the first application again", "")
	case stepReturn:
		a.call("have Azure AD send people to the first application again", "")
	case stepTilesBack:
		does := "show the first application's tile in JumpCloud again"
		if s.there2 {
			does += ", and hide the second one's"
		}
		a.call(does, "in JumpCloud they see the first application's tile again")
	case stepSwapBack:
		a.call("have "+first+" first in Azure AD again, and the one that is first now second", "")
	case stepClear:
		a.call("have Azure AD accept "+outgoing(s, "the second application's")+" no more", "")
	case stepRemove:
		a.call("delete the second application", "")
	default:
		a.call(string(st.step), "")
	}
}

// bind lists the calls that bind n groups and users.
func (a *forecast) bind(n int) {
	if n == 0 {
		a.call("look, and write nothing: whoever may use the first application may use the second", "")
		return
	}
	does := fmt.Sprintf("bind to the second application what is bound to the first alone: %d groups and users", n)
	if n == 1 {
		does = "bind to the second application what is bound to the first alone: one group or user"
	}
	calls := (n + bindAtMost - 1) / bindAtMost
	if calls > 1 {
		does += fmt.Sprintf(", in %d calls one after the other, at most %d in each", calls, bindAtMost)
	}
	a.call(does, "")
	a.p.Calls[len(a.p.Calls)-1].Times = calls
}

// named is the thumbprint of a certificate that is there.
func named(c certs.Cert) string {
	if c.IsZero() || c == unmade() {
		return ""
	}
	return " " + c.Thumbprint()
}

// outgoing names what is in the second slot.
func outgoing(s *secondSight, whose string) string {
	switch {
	case s.e2.IsZero():
		return "what stands in the second place"
	case s.e2 == s.c1 || s.e2 == s.c2:
		return whose + " certificate" + named(s.e2)
	}
	return "the certificate" + named(s.e2)
}
