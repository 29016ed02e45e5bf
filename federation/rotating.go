package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What the verbs besides Rotate see of a rotation. They have no [Rotation], and decide
// by the same table: by what JumpCloud signs with, what Azure AD accepts, and the stored
// pair, which is asked for only where Azure AD has a second certificate.

// A storedKey is what is known of [Options.Keys].
type storedKey struct {
	asked bool
	of    string // what stood in the second slot then
	at    time.Time
	cert  certs.Cert // of the pair; zero if there is none
	err   error      // why the store could not be read
}

// observeKey asks the store for the domain's pair, if Azure AD has a second certificate
// that was not asked about.
func (f *Federator) observeKey(ctx context.Context, domain string, st *observation) error {
	if f.opts.Keys == nil || st.fed == nil {
		return nil
	}
	next := rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate)
	s := &st.stored
	if next == "" || s.asked && (s.of == next || st.fed.NextSigningCertificate == s.cert) {
		return nil
	}
	*s = storedKey{asked: true, of: next, at: f.now()}
	k, err := f.loadKey(ctx, domain)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.err = err; err == nil && k != nil {
		s.cert = k.Cert()
	}
	return nil
}

// loadKey asks the store for a domain's pair, nil if it has none. Calls for one domain
// wait for each other.
func (f *Federator) loadKey(ctx context.Context, domain string) (*certs.KeyPair, error) {
	unlock, err := f.lockKey(ctx, domain)
	if err != nil {
		return nil, err
	}
	defer unlock()
	k, err := f.opts.Keys.Load(ctx, domain)
	switch {
	case errors.Is(err, ErrNoKey):
		return nil, nil
	case err != nil:
		return nil, err
	case k == nil || k.Cert().IsZero():
		return nil, errors.New("it returned neither a pair nor ErrNoKey")
	}
	return k, nil
}

// saveKey has the store keep a domain's pair.
func (f *Federator) saveKey(ctx context.Context, domain string, k *certs.KeyPair) error {
	unlock, err := f.lockKey(ctx, domain)
	if err != nil {
		return err
	}
	defer unlock()
	return f.opts.Keys.Save(ctx, domain, k)
}

// lockKey takes the store's place of a domain: reading verbs do not wait for a run, and
// must not ask for the pair while it is saved.
func (f *Federator) lockKey(ctx context.Context, domain string) (unlock func(), err error) {
	return f.lock(ctx, "key of "+domain)
}

// A rotationSeen is how far a domain's rotation has come.
type rotationSeen struct {
	phase  RotationPhase // "" if there is none
	step   rotateStep
	certs  standingCerts
	second *jumpcloud.Application // the other application of a SecondApplication
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
	r.second = st.secondApplication(p)
	j, err := st.cert(p)
	s := &r.certs
	*s = standingCerts{
		j: j, e1: fed.SigningCertificate, e2: fed.NextSigningCertificate, k: st.stored.cert,
		odd1: fed.SigningCertificate.IsZero() && fed.RawSigningCertificate != "",
		odd2: fed.NextSigningCertificate.IsZero() && fed.RawNextSigningCertificate != "",
	}
	if err != nil {
		r.unsure = st.bothAccepted(p)
		r.under = r.unsure || r.second != nil
		return r
	}
	row := s.row()
	r.phase, r.step = row.phase, row.step
	switch row.phase {
	case RotationBroken:
		r.urgent = !s.k.IsZero() && s.e1 == s.k && s.e2 == s.k
		r.mends = !r.urgent && fed.IssuerURI == app.IdPEntityID
		if before(s.e1, s.j) == "" || s.j == s.k {
			r.next = s.e1 // else it is not what JumpCloud signed with: somebody has put it there
		}
		if o := r.second; o != nil && o.Active {
			if c, err := o.Certificate(); err == nil {
				r.next = c
			}
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
	if r.second != nil && row.phase != RotationBroken {
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
	if !first && !o.Active && !accepted {
		return // closed: nothing is under way, whatever phase the certificates are in
	}
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

// isSecondOf reports whether a is the second application of a rotation whose first one is
// b: its login URL is the other's with eight digits of a fingerprint behind it.
func isSecondOf(a, b *jumpcloud.Application) bool {
	if a == nil || b == nil || b.SSOURL == "" || a.IdPEntityID != b.IdPEntityID {
		return false
	}
	digits, ok := strings.CutPrefix(a.SSOURL, b.SSOURL+"-")
	return ok && len(digits) == 8 && strings.Trim(digits, "0123456789abcdef") == ""
}

// secondApplication is the other application of a rotation by a second one, or nil.
func (st *observation) secondApplication(p Plan) *jumpcloud.Application {
	if len(st.apps) < 2 {
		return nil
	}
	app := st.app(p)
	for _, a := range st.apps {
		if a != app && (isSecondOf(a, app) || isSecondOf(app, a)) {
			return a
		}
	}
	return nil
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

// nextText says what the next call of Rotate will do; "" if there is none to be made.
func (r *rotationSeen) nextText() string {
	switch {
	case r.step != "":
		was, is := r.certs.names(r.phase)
		rot := rotating{rot: &Rotation{Old: newCertificate(was), New: newCertificate(is)}}
		return rot.nextText(r.step)
	case r.second != nil && r.under:
		return "go on with the second application"
	}
	return ""
}

// call says what to do about a rotation that is under way.
func (r *rotationSeen) call() string {
	how := ""
	switch {
	case r.phase == RotationForeign:
		return "find out who set the certificate that is not JumpCloud's, then call Rotate"
	case r.second != nil:
		how = " with the method second-application"
	}
	return "call Rotate" + how + " until it is done: once that has spread, it will " + r.nextText()
}

// evidence is what a verification says of the second certificate; "" if there is nothing
// to be said.
func (r *rotationSeen) evidence() string {
	if !r.under {
		return ""
	}
	s := &r.certs
	text := "; a rotation is " + string(r.phase)
	switch r.phase {
	case RotationPublished:
		text += ": Azure AD accepts " + s.e2.Thumbprint() + " as well"
	case RotationSwitched:
		text += ": the first one is " + s.e1.Thumbprint() + ", the certificate before, as far as can be known"
		if s.e1 == s.k {
			text = strings.TrimSuffix(text, ", the certificate before, as far as can be known") + ", of the stored pair"
		}
	case RotationSwapped:
		text += ": the second one is " + s.e2.Thumbprint() + ", the certificate before, as far as can be known"
	case RotationForeign:
		return "; the other one is no certificate"
	}
	return text + "; " + r.call()
}

// inspectRotation tells of a rotation, and refuses what must not be written meanwhile.
func (st *observation) inspectRotation(ps *findings, p Plan) {
	r := st.rotation(p)
	shown := func() string {
		return showCertificate(rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate))
	}
	if err := st.stored.err; err != nil {
		const repair = "see to the key store, then call again"
		message := "the key store could not be read, so that it is not known what Azure AD's second certificate for " + p.Domain +
			" is, " + shown() + ": " + err.Error()
		if st.writesSlots(p) {
			ps.refuse(CodeRotationKey, p.Domain, message, repair)
		} else {
			ps.warn(CodeRotationKey, p.Domain, message, repair)
		}
	}
	switch {
	case r.urgent:
		ps.refuse(CodeRotationBroken, p.Domain, "Azure AD accepts nothing but the certificate of the stored pair, "+newCertificate(r.certs.k).String()+
			", and JumpCloud signs with another, "+newCertificate(r.certs.j).String()+": an emergency was interrupted, and nobody on "+p.Domain+" can sign in",
			"call Rotate with the method emergency: the certificate that JumpCloud signs with may be a stolen one")
	case r.told():
		message := "a rotation of the certificate of " + p.Domain + " is " + string(r.phase) + "; certificates and sign-in addresses are left to it"
		if r.second != nil {
			message += "; its other application is " + st.nameApplication(r.second)
		}
		ps.info(CodeRotation, p.Domain, message, r.call())
	case r.second != nil:
		ps.info(CodeRotation, r.second.ID, "beside the domain's application there is the other one of a rotation, "+st.nameApplication(r.second),
			"delete it when nobody needs it, with jumpcloud.Client.DeleteApplication(ctx, "+quote(r.second.ID)+")")
	}
	if r.under && (r.phase == RotationSwitched && r.doubtful != "" || r.phase == RotationForeign && r.certs.odd1) {
		ps.warn(CodeRotation, p.Domain, "JumpCloud signs with Azure AD's second certificate for "+p.Domain+", and the first one is not known to be the one before: "+
			showCertificate(rawCertificate(st.fed.SigningCertificate, st.fed.RawSigningCertificate))+
			strings.TrimSuffix("; "+r.doubtful, "; "), "find out who set it; call Rotate to have it replaced")
	}
	if st.classifyOurs(p) == StateUnknownNext && st.stored.err == nil {
		tell := ps.alarm
		if p.Consent.RemoveNextCertificate && !r.under {
			tell = ps.warn // somebody has looked, and it is to go
		}
		message := "beside JumpCloud's, Azure AD accepts another certificate for " + p.Domain + ": " + shown() + "; whoever has its key can sign in as anybody"
		if !st.stored.asked {
			message += "; it is unknown to this program, which has no key store"
		} else if r.doubtful != "" {
			message += "; it may be the one before the last rotation, but " + r.doubtful
		}
		tell(CodeNextCertificate, p.Domain, message, "find out who set it; set consent.removeNextCertificate to have it removed").
			unless("removeNextCertificate", p.Consent.RemoveNextCertificate)
	}
}

// writesSlots reports whether Federate would write a certificate.
func (st *observation) writesSlots(p Plan) bool {
	for _, c := range st.diffFederation(nil, p) {
		if c.ofFederation() && c.Action == Update && (c.writes(fieldCertificate) || c.writes(fieldNextCertificate)) {
			return true
		}
	}
	return false
}

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

// believe holds a mend back until it was seen twice and apart, read by IDs, that Azure AD
// accepts nothing that JumpCloud signs: one of two answers may be older than the other.
func (r *run) believe(ctx context.Context, c Change) error {
	if err := r.st.stored.err; err != nil && c.Action == Update && (c.writes(fieldCertificate) || c.writes(fieldNextCertificate)) {
		var ps findings
		r.st.inspectRotation(&ps, r.plan)
		return switching(ps.err()) // it has failed since the gates were asked
	}
	if !r.st.mending(r.plan, c) {
		return nil
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	for n, looks := 1, 0; ; n++ {
		err := r.lookByID(ctx)
		pause := backoff(n)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseWait, c, err}
		case err != nil:
		case !r.st.mending(r.plan, c):
			return r.disbelieve(ctx, c)
		default:
			if looks++; looks == 2 {
				seen := r.st.rotation(r.plan)
				var ps findings
				message := "nobody on " + r.plan.Domain + " could sign in: JumpCloud signs with the certificate " +
					newCertificate(seen.certs.j).String() + ", and Azure AD accepted " + accepts(r.st.fed)
				repair := "find out who has changed it in Azure AD"
				if !seen.next.IsZero() {
					message += "; " + seen.next.Thumbprint() + " stays accepted as the second one, because some of JumpCloud's nodes may still sign with it"
					repair = "find out who has changed it, most likely by Regenerate certificate in JumpCloud; some hours later have the one before removed: " +
						"call Rotate with replace set to its fingerprint, " + seen.next.Fingerprint() + ", or set consent.removeNextCertificate"
				}
				ps.alarm(CodeRotationBroken, r.plan.Domain, message, repair)
				r.rep.note(ps)
				return nil
			}
			pause = rotateApart
		}
		r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n,
			Text: "making sure that Azure AD accepts nothing that JumpCloud signs", Err: err})
		if serr := sleep(ctx, pause); serr != nil {
			return &StepError{PhaseWait, c, errors.Join(serr, err)}
		}
	}
}

// disbelieve waits a moment where a list shows what is not so. It is an error if that
// goes on for as long as a change may take to show.
func (r *run) disbelieve(ctx context.Context, c Change) error {
	if r.disbelieved.IsZero() {
		r.disbelieved = time.Now()
	}
	err := sleep(ctx, rotateApart)
	if err == nil && since(ctx, r.disbelieved) > r.f.opts.Settle {
		err = ErrNotConverged
	}
	if err != nil {
		return &StepError{PhaseWait, c, errors.Join(err, errLagging)}
	}
	return nil
}

// mending reports whether the change has Azure AD accept what JumpCloud signs with, in a
// federation that stands, with an application that this run has not made.
func (st *observation) mending(p Plan, c Change) bool {
	r := st.rotation(p)
	return c.ofFederation() && c.Action == Update && c.writes(fieldCertificate) && r.mends && !st.anew
}

// lookByID reads who signs and who is accepted anew, each by its ID.
func (r *run) lookByID(ctx context.Context) error {
	st := r.st
	fed, err := r.f.ad.FederationByID(ctx, r.plan.Domain, st.fed.ID)
	switch {
	case errors.Is(err, aad.ErrNotFound), errors.Is(err, aad.ErrNotFederated):
		return fmt.Errorf("%w: %w", errLagging, err)
	case err != nil:
		return err
	}
	own := st.app(r.plan)
	a, err := r.f.jc.Application(ctx, own.ID)
	if err != nil {
		return lagging(err)
	}
	m, err := r.f.jc.Metadata(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return lagging(err)
	}
	apps := make([]*jumpcloud.Application, len(st.apps))
	for i, b := range st.apps {
		if apps[i] = b; b == own {
			apps[i] = a
		}
	}
	st.fed, st.apps, st.metadata = fed, apps, m
	if err := r.f.observeKey(ctx, r.plan.Domain, &st); err != nil {
		return err
	}
	r.st = st
	return nil
}
