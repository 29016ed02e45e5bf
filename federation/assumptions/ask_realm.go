package assumptions

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// askRealm asks the public endpoints for one domain in each of their forms: a federated
// one if there is one.
func (l *looker) askRealm() {
	name := l.federated
	if name == "" {
		name = l.people
	}
	const protocol, address = "aad-realm-protocol", "aad-saml-auth-url"
	if name == "" {
		l.unknown("there is no domain to look at", "aad-realm-userrealm", "aad-realm-srf", "aad-realm-graph", protocol, address)
		return
	}
	first, err := l.ad.RealmIn(l.ctx, aad.UserRealm, name)
	if err == nil {
		l.holds("aad-realm-userrealm", "%s is %s there", name, first.NameSpaceType)
	} else if refused(err) {
		l.differs("aad-realm-userrealm", "it was not answered: %s", why(err))
	} else {
		l.fails(err, "aad-realm-userrealm")
	}
	second := l.askSRF(name, first)
	realm := first
	if realm == nil {
		realm = second
	}
	if realm == nil {
		if l.answers["aad-realm-userrealm"].Result == Differs && l.answers["aad-realm-srf"].Result == Differs {
			l.but("aad-realm-userrealm", DoNotFederate)
		}
		var e *aad.Error
		if answered := errors.As(err, &e) && e.StatusCode != 0; !answered && l.ctx.Err() == nil {
			l.noLogin = err
		}
		l.unknown("no realm endpoint has answered", "aad-realm-graph", protocol, address)
		return
	}
	if d := l.domains[name]; d != nil {
		l.check("aad-realm-graph", realm.NameSpaceType == d.AuthenticationType, "%s is %s to the one and %s to the other", name,
			realm.NameSpaceType, d.AuthenticationType)
	} else {
		l.unknown("the tenant does not have the domain", "aad-realm-graph")
	}
	if l.fed == nil || l.fed.Protocol != aad.SAML {
		l.unknown("no domain of the tenant is federated by SAML yet: look again afterwards", protocol, address)
		return
	}
	if first == nil {
		l.unknown("common/userrealm was not answered", protocol)
	} else {
		l.check(protocol, first.Protocol == aad.RealmSAML20, "it names %q", first.Protocol)
	}
	l.authURL(realm.AuthURL)
}

// refused reports whether a service has answered that it does not serve a request.
func refused(err error) bool {
	var e *aad.Error
	return errors.As(err, &e) && e.StatusCode/100 == 4 && !errors.Is(err, aad.ErrThrottled)
}

// askSRF asks getuserrealm.srf in both formats.
func (l *looker) askSRF(name string, first *aad.Realm) *aad.Realm {
	const id = "aad-realm-srf"
	var told *aad.Realm
	for _, f := range []struct {
		form   aad.RealmForm
		format string
		begins string
	}{{aad.GetUserRealm, "JSON", "{"}, {aad.GetUserRealmXML, "XML", "<"}} {
		var r *aad.Realm
		var err error
		x := last(l.during(false, func() { r, err = l.ad.RealmIn(l.ctx, f.form, name) }))
		switch {
		case err != nil && refused(err):
			l.differs(id, "it was not answered in %s: %s", f.format, why(err))
			return told
		case err != nil:
			l.fails(err, id)
			return told
		}
		told = r
		began := bytes.HasPrefix(bytes.TrimPrefix(bytes.TrimSpace(x.body.Bytes()), []byte("\ufeff")), []byte(f.begins))
		if !began || first != nil && r.NameSpaceType != first.NameSpaceType {
			l.differs(id, "asked for %s, it came so: %s, and says %s", f.format, yes(began), r.NameSpaceType)
			return told
		}
	}
	l.holds(id, "both formats came, and say %s", told.NameSpaceType)
	return told
}

// authURL compares where people are sent with what the domain's configuration says.
func (l *looker) authURL(text string) {
	const id = "aad-saml-auth-url"
	is, err := url.Parse(text)
	want, err2 := url.Parse(l.fed.PassiveSignInURI)
	if err != nil || err2 != nil || want.Host == "" {
		l.differs(id, "it is no address, or the domain's is none")
		return
	}
	var names []string
	for _, pair := range strings.FieldsFunc(is.RawQuery, func(r rune) bool { return r == '&' }) {
		key, _, _ := strings.Cut(pair, "=")
		names = append(names, key)
	}
	l.check(id, strings.EqualFold(is.Host, want.Host), "it is on %s, and the sign-in address on %s; the path is the same: %s; "+
		"its parameters: %s", is.Host, want.Host, yes(is.Path == want.Path), orNone(names))
}

// How far two clocks may be apart: what is told, and what Azure AD is said to bear.
const (
	clockTold  = time.Minute
	clockBorne = 5 * time.Minute
)

// clocks compares the clocks of both services, and of this machine, by the Date of
// the answer that came fastest.
func (l *looker) clocks() {
	ad, adOK := l.offset(false)
	jc, jcOK := l.offset(true)
	judge := func(id string, ahead time.Duration, worse Advice, text string) {
		l.check(id, ahead.Abs() <= clockTold, text+" by %s", ahead.Round(time.Second))
		if ahead.Abs() <= clockBorne {
			worse = SafeToGoOn
		}
		l.but(id, worse)
	}
	if adOK {
		judge("aad-clock", ad, SetOption, "Azure AD's is ahead of this machine's")
	} else {
		l.unknown("no answer of Azure AD has told the time", "aad-clock")
	}
	if adOK && jcOK {
		judge("jc-clock", jc-ad, DoNotFederate, "JumpCloud's is ahead of Azure AD's")
	} else {
		l.unknown(fmt.Sprintf("the time was told by JumpCloud: %s, by Azure AD: %s", yes(jcOK), yes(adOK)), "jc-clock")
	}
}

// offset is how far a service's clock is ahead of this machine's. Of less than the
// error of the measurement it is nothing.
func (l *looker) offset(jumpCloud bool) (time.Duration, bool) {
	seen, _ := l.w.since(0, jumpCloud)
	var best, exact time.Duration
	ok := false
	for _, x := range seen {
		if ahead, within, told := x.offset(); told && (!ok || within < exact) {
			best, exact, ok = ahead, within, true
		}
	}
	if best.Abs() <= exact {
		best = 0
	}
	return best, ok
}
