package federation

import (
	"context"
	"errors"
	"regexp"
	"strings"

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
		if !isSecondOf(a, domainApp) && !isSecondOf(domainApp, a) {
			continue
		}
		better := found == nil || len(a.SSOURL) > len(found.SSOURL) || a.SSOURL == found.SSOURL && older(a, found)
		if better {
			found = a
		}
	}
	return found
}

// isSecondOf reports whether a is the second application of a rotation whose first one is
// b: its login URL is the other's with the beginning of a fingerprint behind it.
func isSecondOf(a, b *jumpcloud.Application) bool {
	if a == nil || b == nil || b.SSOURL == "" || a.IdPEntityID != b.IdPEntityID {
		return false
	}
	behind, ok := strings.CutPrefix(a.SSOURL, strings.TrimSuffix(b.SSOURL, "/"))
	return ok && secondForm.MatchString(behind)
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
	if q.met = other == nil; q.met {
		return true, nil
	}
	for n := 1; ; n++ {
		c, err := q.signer(ctx, other)
		switch {
		case err == nil && q.sent2:
			q.app1, q.c1, q.met = other, c, true
			return true, nil
		case err == nil:
			q.app2, q.c2, q.met = other, c, true
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
		s.active1, s.hidden1, s.hid = q.app1.Active, q.app1.Hidden, q.hid(q.app1.ID)
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
