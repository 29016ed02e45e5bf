package federation

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
)

const (
	day        = 24 * time.Hour
	stillAfter = 7 * day // a rotation whose new certificate is older stands still
)

// expiryMarks are from how many days before the end on a certificate is told of, and
// how. The last that holds counts.
var expiryMarks = []struct {
	days     int
	severity Severity
	repair   string
}{
	{60, Info, "call Rotate: it is due"},
	{30, Warning, "call Rotate: it takes some hours, in which nobody notices anything"},
	{7, Warning, "call Rotate today, and again until it is done"},
	{1, Alarm, "call Rotate now, with a settle of 20 minutes if there is no time for more"},
}

// daysUntil are the whole days until the end: 0 on the last day, -1 on the first one
// after it.
func daysUntil(end, now time.Time) int {
	left := end.Sub(now)
	days := int(left / day)
	if left < 0 && left%day != 0 {
		days--
	}
	return days
}

// judge makes the findings from what was read.
func (a *watching) judge() {
	w, st := a.w, &a.see.st
	w.State = st.classify(a.p)
	if !w.State.byUs() {
		a.notOurs()
		return
	}
	j, err := a.see.signs()
	if err != nil && temporary(a.see.metaErr) && a.see.shownErr == nil {
		j = a.see.shown // the metadata cannot be read, the application can
	}
	w.Signs, w.Accepts = newCertificate(j), newCertificate(st.fed.SigningCertificate)
	if next := st.fed.NextSigningCertificate; next != st.fed.SigningCertificate {
		w.AcceptsNext = newCertificate(next)
	}
	w.JumpCloudExpires, w.AzureADExpires = ends(j), ends(st.fed.SigningCertificate)
	if !j.IsZero() && st.fed.NextSigningCertificate == j {
		w.AzureADExpires = ends(j)
	}
	if err != nil {
		a.found.warn(CodeCertificateMismatch, w.Domain, "which certificate JumpCloud signs with is not known: "+err.Error(),
			"watch again in some minutes; if it stays so, look at the application in JumpCloud's console")
	}
	if a.keysErr != nil {
		a.found.warn(CodeRotationKey, w.Domain, "the key store could not be read: "+cmp.Or(errors.Unwrap(a.keysErr), a.keysErr).Error(),
			"mend the store: without it no rotation with an own key pair goes on")
	}
	switch {
	case a.see.app == nil:
		a.found.alarm(CodeDrift, w.Domain, "people on "+w.Domain+" are sent to "+st.fed.PassiveSignInURI+
			", and no JumpCloud application with the entity ID "+st.fed.IssuerURI+" answers there", "run Inspect")
	case err == nil:
		a.slots()
	}
	a.expiry()
	a.grant()
}

// byUs reports whether people on a domain in the state are sent to an application of the
// organisation, whose certificate is then ours to replace.
func (s State) byUs() bool {
	return slices.Contains([]State{StateFederated, StateDiffers, StateRotating, StateUnknownNext, StateMismatch}, s)
}

// notOurs tells of a domain that is not federated with the plan's application.
func (a *watching) notOurs() {
	s, name := a.w.State, a.w.Domain
	tell := a.found.warn
	code, ok := map[State]Code{
		StateUnknown: CodeDomainUnknown, StateUnverified: CodeDomainUnverified,
		StateInitial: CodeDomainInitial, StateInherits: CodeDomainInherits,
		StateForeign: CodeDomainForeign, StateHalf: CodeDomainHalf,
		StateOrphaned: CodeApplicationGone, StateAmbiguous: CodeApplicationTwice,
	}[s]
	if !ok {
		code = CodeDrift // managed: it could be federated
	}
	message := name + ": " + s.Meaning()
	switch s {
	case StateForeign:
		message += ": " + provider(a.see.st.fed.IssuerURI, a.see.st.fed.PassiveSignInURI)
		tell = a.found.alarm
	case StateHalf, StateOrphaned:
		tell = a.found.alarm // nobody may be able to sign in
	}
	tell(code, name, message, s.Next())
}

// slots tells who signs with what, and how far a rotation has come.
func (a *watching) slots() {
	w, fed := a.w, a.see.st.fed
	s := a.certs()
	row := s.row()
	w.Phase = row.phase
	_, after := s.names(row.phase)
	if phase, made := a.twoApplications(&s); phase != "" {
		w.Phase, after = phase, made
		a.still(after)
		return
	}
	first := showCertificate(rawCertificate(fed.SigningCertificate, fed.RawSigningCertificate))
	second := showCertificate(rawCertificate(fed.NextSigningCertificate, fed.RawNextSigningCertificate))
	const audit = "find out who set it, in Azure AD's audit log under Set federation settings on domain"
	const rotates = "if a rotation is under way and this is the certificate that it replaces, call Rotate until it is done; else " + audit
	switch {
	case s.interrupted():
		message, repair := s.interruption(w.Domain)
		a.found.alarm(CodeRotationBroken, w.Domain, message, repair)
	case row.phase == RotationBroken:
		a.found.alarm(CodeRotationBroken, w.Domain, "nobody on "+w.Domain+" can sign in: JumpCloud signs with the certificate "+w.Signs.String()+
			", and Azure AD accepts the "+first, "call Rotate or Federate now: either has Azure AD accept it; then find out who has changed it, "+
			"most likely by Regenerate certificate in JumpCloud")
	case row.stranger && s.odd1:
		a.found.alarm(CodeNextCertificate, w.Domain, "the first certificate that Azure AD has for "+w.Domain+
			" is none that can be read; JumpCloud's is the second", audit)
	case row.stranger && a.keysErr != nil:
		w.Phase = "" // whether it is the stored pair's decides
		a.found.warn(CodeNextCertificate, w.Domain, "beside JumpCloud's, Azure AD accepts another certificate for "+w.Domain+": "+second+
			" (SHA-256 "+w.AcceptsNext.Fingerprint+"); whether it is the one of a rotation is not known, because the key store could not be read",
			"mend the store, and watch again")
	case row.stranger:
		repair := audit
		if row.phase == RotationSwapped || a.f.opts.Keys == nil {
			repair = rotates
		}
		a.found.alarm(CodeNextCertificate, w.Domain, "beside JumpCloud's, Azure AD accepts another certificate for "+w.Domain+": "+second+
			" (SHA-256 "+cmp.Or(w.AcceptsNext.Fingerprint, "not known")+"); whoever has its key can sign in as anybody", repair+retiring(s.e2, s.j))
	case row.phase == RotationSwitched:
		a.found.warn(CodeNextCertificate, w.Domain, "JumpCloud's certificate is the second one that Azure AD accepts for "+w.Domain+
			", and the first is unknown here: "+first+" (SHA-256 "+w.Accepts.Fingerprint+"); whoever has its key can sign in as anybody", rotates)
	}
	a.pins()
	a.still(after)
}

// twoApplications is the phase of a rotation by a second application, and its new
// certificate; "" if none of the two slots is the other application's.
func (a *watching) twoApplications(s *standingCerts) (RotationPhase, certs.Cert) {
	other := a.see.pair()
	if other == nil {
		return "", certs.Cert{}
	}
	c, err := other.Certificate()
	// The login URL of the second is that of the first with something behind it.
	younger := strings.HasPrefix(a.see.app.SSOURL, other.SSOURL)
	switch {
	case err != nil || c.IsZero() || c == s.j:
		return "", certs.Cert{}
	case s.j == s.e2 && s.e1 == c && younger:
		return RotationRedirected, s.j
	case s.j == s.e1 && s.e2 == c && younger:
		return RotationSwapped, s.j
	case s.j == s.e1 && s.e2 == c && other.Active:
		return RotationActivated, c
	case s.j == s.e1 && s.e2 == c:
		return RotationCreated, c
	}
	return "", certs.Cert{}
}

// pins warns of a plan that means another application than the one that people are sent
// to, as it does after a rotation by a second one.
func (a *watching) pins() {
	app, p := a.see.app, a.p.Application
	if p.ID != "" && p.ID != app.ID {
		a.found.warn(CodeApplicationFixed, app.ID,
			"the plan pins the application "+p.ID+", and people on "+a.w.Domain+" are sent to "+app.ID, "set application.id to "+app.ID)
	}
	if p.LoginURL != "" && p.LoginURL != app.SSOURL {
		a.found.warn(CodeApplicationFixed, app.ID,
			"the plan has the login URL "+p.LoginURL+", and people on "+a.w.Domain+" are sent to "+app.SSOURL,
			"set application.loginURL to "+app.SSOURL+", or leave it out")
	}
}

// still warns of a rotation that nobody carries on.
func (a *watching) still(made certs.Cert) {
	switch a.w.Phase {
	case "", RotationIdle, RotationBroken, RotationForeign:
		return // nothing is under way, or worse is told
	}
	if made.IsZero() || a.now.Sub(made.X509().NotBefore) <= stillAfter {
		return
	}
	a.found.warn(CodeRotation, a.w.Domain, "the rotation of "+a.w.Domain+" stands still: it is "+string(a.w.Phase)+
		", and its new certificate, "+newCertificate(made).String()+", is of "+made.X509().NotBefore.UTC().Format("2006-01-02"),
		"call Rotate until it is done")
}

// expiry tells how long the side is good for that ends earlier.
func (a *watching) expiry() {
	w := a.w
	days, f := expiring(w.Domain, w.JumpCloudExpires, w.AzureADExpires, a.now, w.Phase)
	if w.Days = days; f != nil {
		a.found = append(a.found, *f)
	}
}

// expiring are the days that are left of the side's certificate that ends earlier, 0 if
// neither end is known, and what is to be said about them in the phase of a rotation; nil
// is nothing.
func expiring(domain string, jc, ad, now time.Time, phase RotationPhase) (days int, f *Finding) {
	end, what := jc, "that JumpCloud signs with and Azure AD accepts"
	switch {
	case jc.Equal(ad):
	case ad.IsZero() || !jc.IsZero() && jc.Before(ad):
		what = "that JumpCloud signs with"
	default:
		end, what = ad, "that Azure AD accepts"
	}
	if end.IsZero() {
		return 0, nil
	}
	days = daysUntil(end, now)
	what = "the certificate of " + domain + " " + what
	var told findings
	if days < 0 {
		return days, told.alarm(CodeCertificate, domain,
			what+" has ended on "+when(end)+"; whether people can still sign in with it is not known",
			"call Rotate now: it replaces an ended certificate as well")
	}
	for _, m := range slices.Backward(expiryMarks) {
		if days <= m.days {
			repair := m.repair
			if phase != "" && phase != RotationIdle && m.severity != Alarm {
				repair = "call Rotate until it is done: it is " + string(phase)
			}
			return days, told.add(m.severity, CodeCertificate, domain, what+" ends on "+when(end)+", "+leftDays(days), repair)
		}
	}
	return days, nil
}

// grant warns of a directory whose consent is broken: sign-in still works then, and
// nobody who comes is brought to Azure AD.
func (a *watching) grant() {
	if a.dirErr != nil {
		a.found.warn(CodeDirectoryGrant, a.w.Domain,
			"whether JumpCloud's Microsoft 365 directory still has its consent is not known: "+a.dirErr.Error(), "")
		return
	}
	var ps findings
	a.see.st.inspectDirectory(&ps, a.p)
	for _, f := range ps {
		f.Severity = Warning // it stands in the way of Federate, and of no sign-in
		a.found = append(a.found, f)
	}
}
