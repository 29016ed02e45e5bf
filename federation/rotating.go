package federation

import (
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What the verbs besides Rotate see of a rotation. They have no [Rotation], and decide
// by the same table: by what JumpCloud signs with, what Azure AD accepts, and the stored
// pair, which is asked for only where Azure AD has a second certificate.

// A rotationSeen is how far a domain's rotation has come.
type rotationSeen struct {
	phase  RotationPhase // "" if there is none
	step   rotateStep
	certs  standingCerts
	second *jumpcloud.Application // the other application of a SecondApplication
	closed bool                   // which is over: that one is the first, and nobody signs in through it
	// under is set while a rotation is under way, which no other verb interferes with:
	// the slots stay, and the addresses of its applications.
	under    bool
	mends    bool       // Azure AD is to be told what JumpCloud signs with, at once
	next     certs.Cert // and what stays accepted as well; zero: what is there
	urgent   bool       // an emergency was interrupted, which Rotate alone finishes
	unsure   bool       // JumpCloud shows two certificates, and Azure AD accepts both
	doubtful string     // why the certificate before is not known to be that
}

// goneStale is how old a pair is in whose rotation nobody believes any more.
const goneStale = 7 * 24 * time.Hour

// rotation tells how far the rotation of the plan's domain has come. It is pure.
func (st *observation) rotation(p Plan) (r rotationSeen) {
	fed, app := st.fed, st.app(p)
	if fed == nil || app == nil || !st.federated(p.Domain) || !ours(p, st) {
		return r
	}
	if r.second = st.secondApplication(p); r.second != nil && !r.second.Active && isSecondOf(app, r.second) {
		c, err := r.second.Certificate()
		r.closed = err != nil || !holds(fed, c)
	}
	j, err := st.cert(p)
	s := &r.certs
	*s = standingCerts{
		j: j, e1: fed.SigningCertificate, e2: fed.NextSigningCertificate, k: st.stored.cert,
		odd1: fed.SigningCertificate.IsZero() && fed.RawSigningCertificate != "",
		odd2: fed.NextSigningCertificate.IsZero() && fed.RawNextSigningCertificate != "",
	}
	if err != nil {
		r.unsure = st.bothAccepted(p)
		r.under = r.unsure || r.second != nil && !r.closed
		return r
	}
	row := s.row()
	r.phase, r.step = row.phase, row.step
	switch row.phase {
	case RotationBroken:
		r.urgent = s.interrupted()
		r.mends = !r.urgent && fed.IssuerURI == app.IdPEntityID
		if before(s.e1, s.j) == "" || s.j == s.k {
			r.next = s.e1 // else it is not what JumpCloud signed with: somebody has put it there
		}
		if o := r.second; o != nil && o.Active {
			if c, err := o.Certificate(); err == nil {
				r.next = c
			}
		}
		if p.Consent.RemoveNextCertificate && !r.knows(r.next) {
			r.next = certs.Cert{} // it would be removed by the next run
		}
	case RotationPublished:
		r.under = true
	case RotationSwitched:
		r.under = true
		switch {
		case s.k.IsZero():
			r.doubtful = "no stored pair tells what it is"
		case s.j != s.k && s.e1 != s.k:
			r.doubtful = "the stored pair is neither of the two"
		case s.j == s.k:
			r.doubtful = before(s.e1, s.k)
		}
	case RotationSwapped:
		if r.doubtful = before(s.e2, s.k); r.doubtful == "" && st.stored.at.Sub(s.k.X509().NotBefore) > goneStale {
			r.doubtful = "the rotation began more than a week ago"
		}
		if r.under = r.doubtful == ""; !r.under {
			r.phase, r.step = RotationForeign, stepAsk // nobody knows, and a person has to look
		}
	case RotationForeign:
		r.under = s.odd1
	default: // whether a pair is stored is not asked without a second certificate
		r.phase, r.step = "", ""
	}
	if r.second != nil && !r.closed && row.phase != RotationBroken {
		r.bySecond(app)
	}
	return r
}

// bySecond places a rotation by a second application, as far as that shows.
func (r *rotationSeen) bySecond(app *jumpcloud.Application) {
	s, o := &r.certs, r.second
	theirs, err := o.Certificate()
	accepted := err == nil && (theirs == s.e1 || theirs == s.e2)
	first := isSecondOf(o, app) // people are still sent to the first one
	r.under = true
	if s.second() && !accepted && s.e2 != s.k && s.j == s.e1 {
		r.phase, r.step = RotationForeign, stepAsk
		return
	}
	r.step = ""
	switch {
	case !first:
		r.phase = RotationRedirected
	case o.Active:
		r.phase = RotationActivated
	default:
		r.phase = RotationCreated
	}
}

// before says why a certificate cannot be known to be the one before after; "" if it may
// well be.
func before(c, after certs.Cert) string {
	switch {
	case c.IsZero():
		return "it cannot be read"
	case !after.IsZero() && c.X509().NotBefore.After(after.X509().NotBefore.Add(time.Hour)): // which a pair is made to be older than it is
		return "it was made after the one in its place"
	}
	return ""
}

// leavesApplication reports whether the application itself is left as it is, because a
// rotation may just be giving it another key, or has: JumpCloud takes the whole of it,
// and an answer from before that, written back, would bring the certificate before back
// to the new key. Without the stored pair any second certificate may be a rotation's.
// Where it is not active nobody can sign in, and nothing rotates: it is activated.
func (st *observation) leavesApplication(p Plan) bool {
	r := st.rotation(p)
	over := r.certs.j == r.certs.k && r.certs.j == r.certs.e1 // the switch is, and the wait behind it
	switch {
	case over && (r.second == nil || r.closed):
		return false
	case r.under:
		return true
	}
	return r.phase == RotationForeign && !p.Consent.RemoveNextCertificate
}

// knows reports whether a certificate that Azure AD accepts belongs to a rotation.
func (r *rotationSeen) knows(c certs.Cert) bool {
	if c.IsZero() {
		return false
	}
	if r.second != nil {
		if own, err := r.second.Certificate(); err == nil && own == c {
			return true
		}
	}
	return c == r.certs.k || r.under && r.phase == RotationSwapped && c == r.certs.e2
}

// secondApplication is the other application of a rotation by a second one, or nil.
func (st *observation) secondApplication(p Plan) *jumpcloud.Application {
	if len(st.apps) < 2 {
		return nil
	}
	return secondOf(st.apps, st.app(p))
}

// bothAccepted reports whether Azure AD accepts everything that JumpCloud shows, where
// its two places differ: one of them is late.
func (st *observation) bothAccepted(p Plan) bool {
	a := st.app(p)
	if a == nil || st.metadata == nil || len(st.metadata.SigningCerts) != 1 || st.metadata.EntityID != a.IdPEntityID {
		return false
	}
	own, err := a.Certificate()
	return err == nil && holds(st.fed, own) && holds(st.fed, st.metadata.SigningCerts[0])
}

// stays reports whether a field of the configuration is left as it is, because it belongs
// to a rotation.
func (r *rotationSeen) stays(p Plan, st *observation, field, now string) bool {
	switch field {
	case fieldCertificate, fieldNextCertificate:
		return r.under && !r.mends || r.urgent
	case fieldPassiveSignIn, fieldActiveSignIn:
		return r.second != nil && (now == r.second.SSOURL || now == st.app(p).SSOURL)
	}
	return false
}

// told is what a rotation does to a state: the one that is under way is a state of its
// own.
func (r *rotationSeen) told() bool { return r.under && r.phase != RotationForeign && r.phase != "" }

// inspectPin refuses a plan whose application is another one than people are sent to.
func (st *observation) inspectPin(ps *findings, p Plan) bool {
	at := st.answers()
	if at == nil {
		return false
	}
	for _, a := range st.apps {
		if a.ID == p.Application.ID && a.SSOURL != at.SSOURL {
			ps.refuse(CodeApplicationFixed, at.ID, "the plan pins the application "+st.nameApplication(a)+", and people on "+p.Domain+
				" are sent to "+st.nameApplication(at), "set application.id to "+at.ID)
			return true
		}
	}
	if url := p.Application.LoginURL; url != "" && url != at.SSOURL && at.IdPEntityID == p.Application.IdPEntityID && len(st.apps) > 1 {
		ps.refuse(CodeApplicationFixed, at.ID, "the plan has the login URL "+url+", and people on "+p.Domain+" are sent to "+at.SSOURL,
			"set application.loginURL to "+at.SSOURL+", or leave it out")
		return true
	}
	return false
}

// answers is the application that people are sent to, or nil.
func (st *observation) answers() *jumpcloud.Application {
	if st.fed == nil {
		return nil
	}
	for _, a := range st.apps {
		if a.SSOURL != "" && a.SSOURL == st.fed.PassiveSignInURI && a.IdPEntityID == st.fed.IssuerURI {
			return a
		}
	}
	return nil
}
