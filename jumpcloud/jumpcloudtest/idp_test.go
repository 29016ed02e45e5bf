package jumpcloudtest_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestSignIn: a person who logs in is one whom Azure AD lets in, whichever way the
// request came, and who is asked once for a session.
func TestSignIn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(*browser) *shown
		relay string
		idp   string
	}{
		{"POST", func(b *browser) *shown { return b.post(loginURL, posted(request)) }, `estsredirect=2&"<x>`, ""},
		{"Redirect", func(b *browser) *shown { return b.get(redirected(request)) }, `estsredirect=2&"<x>`, ""},
		{"without a request", func(b *browser) *shown { return b.get(loginURL) }, "", " here"},
		{"at another address", func(b *browser) *shown { return b.get("https://jc.example.com/saml2/example-com") }, "", " here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			b := w.browser(t)
			login := tt.begin(b)
			if login.status != 200 || !strings.Contains(login.text, "Log in to Microsoft 365") {
				t.Fatalf("%d\n%s", login.status, login.text)
			}
			p := b.submit(login, "username", " ANN@example.com ", "password", "correct horse")
			if v := w.judged(p); v.Accepted != signin.Yes || v.User == nil {
				t.Fatalf("%v\n%+v", v, v.Checks)
			}
			xml, relay := p.response()
			if relay != tt.relay {
				t.Errorf("RelayState %q; want %q", relay, tt.relay)
			}
			want := 2
			if tt.idp != "" {
				want = 0
			}
			if got := bytes.Count(xml, []byte(`InResponseTo="`+asked+`"`)); got != want {
				t.Errorf("InResponseTo stands in %d places", got)
			}
			if again := tt.begin(b); w.judged(again).Accepted != signin.Yes {
				t.Errorf("the second time:\n%s", again.text)
			}
			w.wantEvents(t, "ann ok"+tt.idp, "ann ok"+tt.idp)
			if e := w.Events()[0]; e.NameID != w.ann || e.UserID != w.ann || e.ApplicationID != w.app || !e.At.Equal(w.now) {
				t.Errorf("%+v", e)
			}
			if w.Writes() != 0 || len(w.Requests()) != 3 || w.Requests()[0].Pattern != "/saml2/{application...}" {
				t.Errorf("%d writes; %+v", w.Writes(), w.Requests())
			}
		})
	}
}

// TestRefusals: each thing that stands in the way has a page and an event of its own.
func TestRefusals(t *testing.T) {
	edit := func(f func(*jumpcloud.User)) func(*world) { return func(w *world) { w.EditUser(w.ann, f) } }
	app := func(w *world) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: w.app} }
	for _, tt := range []struct {
		code   jumpcloudtest.Refusal
		name   string
		status int
		before func(*world)
		says   string
	}{
		{jumpcloudtest.SuspendedUser, "state", 403, edit(func(u *jumpcloud.User) { u.State = jumpcloud.Suspended }), "suspended"},
		{jumpcloudtest.SuspendedUser, "flag", 403, edit(func(u *jumpcloud.User) { u.Suspended = true }), "suspended"},
		{jumpcloudtest.Expired, "", 403, edit(func(u *jumpcloud.User) { u.PasswordExpired = true }), "expired"},
		{jumpcloudtest.Locked, "", 403, edit(func(u *jumpcloud.User) { u.AccountLocked = true }), "locked"},
		{jumpcloudtest.NotActivated, "staged", 403, edit(func(u *jumpcloud.User) { u.State = jumpcloud.Staged }), "not been activated"},
		{jumpcloudtest.NotActivated, "no password", 403, func(w *world) { w.SetPassword(w.ann, "") }, "not been activated"},
		{jumpcloudtest.WrongPassword, "another", 401, func(w *world) { w.SetPassword(w.ann, "battery staple") }, "is wrong"},
		{jumpcloudtest.WrongPassword, "nobody", 401, edit(func(u *jumpcloud.User) { u.Username = "eve" }), "is wrong"},
		{jumpcloudtest.NotBound, "", 403, func(w *world) {
			w.Unbind(app(w), jumpcloud.Object{Type: jumpcloud.GroupObject, ID: w.staff})
		}, "do not have access"},
		{jumpcloudtest.NotBound, "another group", 403, func(w *world) {
			w.Unbind(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: w.staff}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: w.ann})
			w.AddGroup("Guests", w.ann)
		}, "do not have access"},
		{jumpcloudtest.NoImmutableID, "not bound", 403, func(w *world) {
			w.Unbind(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: w.dir}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: w.ann})
		}, "missing the required M365 immutable ID"},
		{jumpcloudtest.NoImmutableID, "not exported", 403, func(w *world) {
			w.SetSync(w.dir, jumpcloud.BoundUser{UserID: w.ann})
		}, "missing the required M365 immutable ID"},
		{jumpcloudtest.Inactive, "", 403, func(w *world) { w.SetApplicationField(w.app, "active", false) }, "Single Sign-On Inactive"},
		{jumpcloudtest.CannotSign, "no key", 500, func(w *world) {
			w.Quirks.EmptyKey = jumpcloudtest.LoseKey
			c := w.Client(nil)
			edit := func(a *jumpcloud.Application) error { a.Description = "x"; return nil }
			if _, err := c.ModifyApplication(t.Context(), w.app, edit); err != nil {
				t.Error(err)
			}
		}, "cannot sign you in"},
		{jumpcloudtest.CannotSign, "no address", 500, func(w *world) {
			w.SetApplicationSetting(w.app, "acsUrl", "javascript:alert(1)")
		}, "cannot sign you in"},
	} {
		t.Run(string(tt.code)+" "+tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.post(loginURL, posted(request))
			if tt.code != jumpcloudtest.Inactive {
				p = b.logIn(p)
			}
			if p.status != tt.status || p.code() != string(tt.code) || !strings.Contains(p.text, tt.says) ||
				strings.Contains(p.text, "SAMLResponse") {
				t.Errorf("%d %s\n%s", p.status, p.code(), p.text)
			}
			who := "ann"
			if tt.code == jumpcloudtest.Inactive {
				who = "" // nobody has been asked
			}
			w.wantEvents(t, who+" "+string(tt.code))
		})
	}
}

// TestRefusalInSession: a session does not outlive what it was given for.
func TestRefusalInSession(t *testing.T) {
	w := newWorld()
	b := w.browser(t)
	b.logIn(b.get(loginURL))
	w.EditUser(w.ann, func(u *jumpcloud.User) { u.Suspended = true })
	if p := b.get(loginURL); p.code() != "suspended" {
		t.Errorf("suspended in a session:\n%s", p.text)
	}
	if err := w.Client(nil).DeleteApplication(t.Context(), w.app); err != nil {
		t.Fatal(err)
	}
	if p := b.get(loginURL); p.code() != "no-application" || p.status != 404 {
		t.Errorf("no application: %d\n%s", p.status, p.text)
	}
	w.wantEvents(t, "ann ok here", "ann suspended here")
}

// TestBadRequests: what is no request of this service provider is refused before
// anybody gives a password.
func TestBadRequests(t *testing.T) {
	change := func(old, new string) string {
		s := strings.Replace(request, old, new, 1)
		if s == request {
			t.Fatalf("%s is not in the request", old)
		}
		return s
	}
	for _, tt := range []struct{ name, xml, code string }{
		{"no XML", "<", "bad-request"},
		{"another message", strings.ReplaceAll(request, "AuthnRequest", "LogoutRequest"), "bad-request"},
		{"another name space", change("SAML:2.0:protocol", "SAML:1.0:protocol"), "bad-request"},
		{"no ID", change(`ID="`+asked+`"`, ""), "bad-request"},
		{"no issuer", change("urn:federation:MicrosoftOnline", ""), "bad-request"},
		{"another issuer", change("urn:federation:MicrosoftOnline", "urn:x"), "wrong-service"},
		{"an answer for another", change("<samlp:AuthnRequest",
			`<samlp:AuthnRequest AssertionConsumerServiceURL="https://example.net/acs"`), "wrong-service"},
		{"too long", change("<samlp:NameIDPolicy", "<!--"+strings.Repeat("x", 1<<17)+"--><samlp:NameIDPolicy"), "bad-request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			b := w.browser(t)
			for _, p := range []*shown{b.post(loginURL, posted(tt.xml)), b.get(redirected(tt.xml))} {
				if p.status != 400 || p.code() != tt.code {
					t.Errorf("%d %s\n%s", p.status, p.code(), p.text)
				}
			}
			w.wantEvents(t, " "+tt.code, " "+tt.code)
		})
	}
	w := newWorld()
	b := w.browser(t)
	for _, p := range []*shown{
		b.post(loginURL, nil), b.get(loginURL + "?SAMLRequest=%25"), b.post(loginURL, url.Values{"x": {strings.Repeat("x", 2<<20)}}),
	} {
		if p.status != 400 || p.code() != "bad-request" {
			t.Errorf("%d\n%s", p.status, p.text)
		}
	}
	named := change("<samlp:AuthnRequest", `<samlp:AuthnRequest AssertionConsumerServiceURL="`+loginSRF+`"`)
	if p := b.logIn(b.post(loginURL, posted(named))); w.judged(p).Accepted != signin.Yes {
		t.Errorf("the address that was agreed on:\n%s", p.text)
	}
	again := change("<samlp:AuthnRequest", `<samlp:AuthnRequest ForceAuthn="true"`)
	p := b.post(loginURL, posted(again))
	if !strings.Contains(p.text, `type="password"`) {
		t.Fatalf("ForceAuthn in a session:\n%s", p.text)
	}
	if p := b.logIn(p); w.judged(p).Accepted != signin.Yes {
		t.Errorf("after ForceAuthn:\n%s", p.text)
	}
}

// TestSecondFactor: it is asked for behind the password, and only what the application
// is set to say of it is said.
func TestSecondFactor(t *testing.T) {
	w := newWorld()
	w.SetSecondFactor(w.ann, "246810")
	b := w.browser(t)
	p := b.logIn(b.post(loginURL, posted(request)))
	if p.status != 200 || !strings.Contains(p.text, `inputmode="numeric"`) || strings.Contains(p.text, "SAMLResponse") {
		t.Fatalf("%d\n%s", p.status, p.text)
	}
	first := p
	if p = b.submit(p, "code", "000000"); p.status != 401 || p.code() != "wrong-factor" {
		t.Fatalf("%d\n%s", p.status, p.text)
	}
	if stale := b.submit(first, "code", "246810"); !strings.Contains(stale.text, `type="password"`) {
		t.Errorf("a page was good for two tries:\n%s", stale.text)
	}
	p = b.submit(p, "code", " 246810 ")
	demanding := w.tenant()
	demanding.MFA = signin.Yes
	xml, relay := p.response()
	if v := signin.Judge(xml, demanding, w.now); v.Accepted != signin.No || relay == "" {
		t.Errorf("without a claim, where one is enforced: %v", v)
	}
	w.SetAuthClaims(w.app, jumpcloudtest.MultipleAuthnAfterFactor())
	xml, _ = b.post(loginURL, posted(request)).response()
	if v := signin.Judge(xml, demanding, w.now); v.Accepted != signin.Yes {
		t.Errorf("with the claim: %v", v)
	}
	w.wantEvents(t, "ann wrong-factor", "ann ok factor", "ann ok factor")
}

// TestAuthClaims: the class by each mode.
func TestAuthClaims(t *testing.T) {
	const multi = "http://schemas.microsoft.com/claims/multipleauthn"
	byFactor := jumpcloudtest.AuthClaims{Mode: "mapping", Mappings: map[string]string{"password": "urn:p", "mfa": multi}}
	for _, tt := range []struct {
		name   string
		claims jumpcloudtest.AuthClaims
		factor bool
		want   string
	}{
		{"none", jumpcloudtest.AuthClaims{}, true, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
		{"single", jumpcloudtest.AuthClaims{Mode: "SINGLE", Single: "urn:x"}, false, "urn:x"},
		{"mapping, password", byFactor, false, "urn:p"},
		{"mapping, factor", byFactor, true, multi},
		{"attribute", jumpcloudtest.AuthClaims{AMR: true}, false, "authnmethodsreferences"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.SetAuthClaims(w.app, tt.claims)
			b := w.browser(t)
			if tt.factor {
				w.SetSecondFactor(w.ann, "1")
			}
			p := b.logIn(b.get(loginURL))
			if tt.factor {
				p = b.submit(p, "code", "1")
			}
			if xml, _ := p.response(); !strings.Contains(string(xml), tt.want) || strings.Contains(string(xml), multi) != (tt.want == multi) {
				t.Errorf("%s", xml)
			}
		})
	}
}
