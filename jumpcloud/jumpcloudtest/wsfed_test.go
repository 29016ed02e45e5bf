package jumpcloudtest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestWSFed: a request of WS-Federation is answered where the quirk says so, with a token
// that Azure AD takes.
func TestWSFed(t *testing.T) {
	const context = `estsredirect=2&estsrequest="<x>`
	ask := func(at string, pairs ...string) string {
		q := url.Values{"wa": {"wsignin1.0"}, "wtrealm": {"urn:federation:MicrosoftOnline"}, "wctx": {context}, "username": {"ann@example.com"}}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return at + "?" + q.Encode()
	}
	w := newWorld()
	b := w.browser(t)
	if p := b.get(ask(loginURL)); p.code() != "bad-request" {
		t.Errorf("without the quirk:\n%s", p.text)
	}
	w.Quirks.SignIn.WSFed = true
	tenant := w.tenant()
	tenant.MFA = signin.Yes
	tenant.Domains[0].Federation.Protocol = aad.WSFed
	w.SetAuthClaims(w.app, jumpcloudtest.MultipleAuthnAfterFactor())
	w.SetSecondFactor(w.ann, "1")
	for _, at := range []string{loginURL, "https://sso.jumpcloud.com/wsfed/" + w.app} {
		b := w.browser(t)
		p := b.get(ask(at))
		if !strings.Contains(p.text, `value="ann@example.com"`) {
			t.Errorf("the name is not filled in:\n%s", p.text)
		}
		p = b.submit(b.submit(p, "password", "correct horse"), "code", "1")
		form, to := p.form()
		if v := signin.Judge([]byte(form.Get("wresult")), tenant, w.now); v.Accepted != signin.Yes || bad(v) != nil {
			t.Errorf("%v\n%+v\n%s", v, v.Checks, form.Get("wresult"))
		}
		if to != loginSRF || form.Get("wa") != "wsignin1.0" || form.Get("wctx") != context {
			t.Errorf("%s: %v", to, form)
		}
		if p := b.get(ask(at, "wfresh", "0")); !strings.Contains(p.text, `type="password"`) {
			t.Errorf("wfresh=0 in a session:\n%s", p.text)
		}
		if p := b.get(ask(at, "wtrealm", "urn:x")); p.code() != "wrong-service" {
			t.Errorf("another realm:\n%s", p.text)
		}
	}
	w.wantEvents(t, " bad-request", "ann ok factor", "ann wrong-service factor", "ann ok factor", "ann wrong-service factor")
}
