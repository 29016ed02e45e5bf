package jumpcloudtest_test

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

const (
	loginURL = "https://sso.jumpcloud.com/saml2/example-com"
	portal   = "https://console.jumpcloud.com/userconsole/"
	loginSRF = "https://login.microsoftonline.com/login.srf"
	asked    = "_3f2504e0-4f89-11d3-9a0c-0305e82c3301"
	request  = `<samlp:AuthnRequest ID="` + asked + `" Version="2.0" IssueInstant="2026-03-02T09:00:00.120Z"` +
		` xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
		`urn:federation:MicrosoftOnline</Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/>` +
		`</samlp:AuthnRequest>`
)

// world is an organisation with one application and Ann, who may use it.
type world struct {
	*jumpcloudtest.Server
	app, ann, staff, dir string
	now                  time.Time
}

func newWorld() *world {
	w := &world{Server: &jumpcloudtest.Server{}, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	w.Now = func() time.Time { return w.now }
	w.app = w.AddApplication("office365", "Microsoft 365", "https://example.com", loginURL)
	w.ann = w.AddUser(jumpcloud.User{Username: "ann", Email: "ann@example.com", FirstName: "Ann"})
	w.SetPassword(w.ann, "correct horse")
	w.staff = w.AddGroup("Staff", w.ann)
	w.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: w.app}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: w.staff})
	w.dir = w.AddDirectory("M365")
	w.BindUser(w.dir, w.ann, "0f0e0d0c-0000-4000-8000-000000000001")
	return w
}

// tenant is the one that knows Ann by her JumpCloud ID and has the certificate that the
// application shows.
func (w *world) tenant() signin.Tenant {
	a, _ := w.Application(w.app)
	return signin.Tenant{
		Domains: []signin.Domain{{Name: "example.com", Root: "example.com", Federation: &aad.Federation{
			IssuerURI: "https://example.com", Protocol: aad.SAML, MFA: aad.EnforceMFAByFederatedIdP, SigningCertificate: a.Certificate}}},
		Policy: &aad.TokenValidationPolicy{RootDomains: aad.AllDomains},
		User:   signin.Users(&aad.User{ID: "1", UserPrincipalName: "ann@example.com", ImmutableID: w.ann}),
	}
}

// browser keeps cookies, follows redirects, and submits forms as one without JavaScript.
type browser struct {
	t testing.TB
	c *http.Client
}

func (w *world) browser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := w.HTTPClient()
	c.Jar = jar
	return &browser{t, c}
}

// shown is a page that the browser has.
type shown struct {
	t      testing.TB
	at     *url.URL
	status int
	header http.Header
	text   string
	doc    *html.Node
}

func (b *browser) get(u string) *shown {
	b.t.Helper()
	return b.page(b.c.Get(u))
}

func (b *browser) post(u string, form url.Values) *shown {
	b.t.Helper()
	return b.page(b.c.PostForm(u, form))
}

func (b *browser) page(resp *http.Response, err error) *shown {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	p := &shown{b.t, resp.Request.URL, resp.StatusCode, resp.Header, string(text), doc}
	p.check()
	return p
}

// submit fills in the page's form and presses its button.
func (b *browser) submit(p *shown, pairs ...string) *shown {
	b.t.Helper()
	form, to := p.form()
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := form[pairs[i]]; !ok {
			b.t.Fatalf("the page has no field %s:\n%s", pairs[i], p.text)
		}
		form.Set(pairs[i], pairs[i+1])
	}
	return b.post(to, form)
}

// logIn gives Ann's name and password.
func (b *browser) logIn(p *shown) *shown {
	b.t.Helper()
	return b.submit(p, "username", "ann", "password", "correct horse")
}

func (p *shown) all(tag string) (out []*html.Node) {
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (p *shown) form() (url.Values, string) {
	p.t.Helper()
	forms := p.all("form")
	if len(forms) == 0 {
		p.t.Fatalf("no form:\n%s", p.text)
	}
	form := url.Values{}
	for _, n := range p.all("input") {
		form.Set(attr(n, "name"), attr(n, "value"))
	}
	to, err := p.at.Parse(attr(forms[0], "action"))
	if err != nil {
		p.t.Fatal(err)
	}
	return form, to.String()
}

// code is the refusal that the page tells of.
func (p *shown) code() string {
	for n := range p.doc.Descendants() {
		if c := attr(n, "data-code"); c != "" {
			return c
		}
	}
	return ""
}

// check is what holds for every page.
func (p *shown) check() {
	p.t.Helper()
	if !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
		return
	}
	labels := map[string]bool{}
	for _, n := range p.all("label") {
		labels[attr(n, "for")] = true
	}
	for _, n := range p.all("input") {
		if attr(n, "type") != "hidden" && !labels[attr(n, "id")] {
			p.t.Errorf("the field %s has no label", attr(n, "name"))
		}
	}
	for _, n := range p.all("form") {
		if attr(n, "method") != "post" {
			p.t.Errorf("a form that is sent in the address: %s", p.text)
		}
	}
	if len(p.all("form")) != len(p.all("button")) || len(p.all("h1")) != 1 || len(p.all("title")) != 1 ||
		!strings.Contains(p.text, `name="viewport"`) || !strings.Contains(p.text, `<html lang="en">`) {
		p.t.Errorf("a page that not everybody can use:\n%s", p.text)
	}
	if s := p.all("script"); len(s) > 0 && (len(s) != 1 || s[0].FirstChild.Data != "document.forms[0].submit()") {
		p.t.Errorf("scripts:\n%s", p.text)
	}
	if !strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") || p.header.Get("Cache-Control") != "no-store" {
		p.t.Errorf("header: %v", p.header)
	}
}

// response is the message for the service provider.
func (p *shown) response() (xml []byte, relay string) {
	p.t.Helper()
	form, to := p.form()
	b, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
	if err != nil || len(b) == 0 {
		p.t.Fatalf("no response (%v):\n%s", err, p.text)
	}
	if to != loginSRF {
		p.t.Errorf("it is posted to %s", to)
	}
	return b, form.Get("RelayState")
}

func posted(xml string) url.Values {
	return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(xml))}, "RelayState": {`estsredirect=2&"<x>`}}
}

func redirected(xml string) string {
	var b bytes.Buffer
	d, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	io.WriteString(d, xml)
	d.Close()
	return loginURL + "?" + url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(b.Bytes())}, "RelayState": {`estsredirect=2&"<x>`}}.Encode()
}

// judged is what Azure AD says to the response.
func (w *world) judged(p *shown) *signin.Verdict {
	p.t.Helper()
	xml, _ := p.response()
	return signin.Judge(xml, w.tenant(), w.now)
}

// events are the events in short.
func (w *world) events() (out []string) {
	for _, e := range w.Events() {
		s := e.Username + " " + cmp.Or(string(e.Refused), "ok")
		if e.IDPInitiated {
			s += " here"
		}
		if e.SecondFactor {
			s += " factor"
		}
		out = append(out, s)
	}
	return out
}

func (w *world) wantEvents(t testing.TB, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, w.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

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
			if got := bytes.Count(xml, []byte(`InResponseTo="`+asked+`"`)); got != map[bool]int{true: 0, false: 2}[tt.idp != ""] {
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
			if _, err := c.ModifyApplication(t.Context(), w.app, func(a *jumpcloud.Application) error { a.Description = "x"; return nil }); err != nil {
				t.Error(err)
			}
		}, "cannot sign you in"},
		{jumpcloudtest.CannotSign, "no address", 500, func(w *world) { w.SetApplicationSetting(w.app, "acsUrl", "javascript:alert(1)") }, "cannot sign you in"},
	} {
		t.Run(string(tt.code)+" "+tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.post(loginURL, posted(request))
			if tt.code != jumpcloudtest.Inactive {
				p = b.logIn(p)
			}
			if p.status != tt.status || p.code() != string(tt.code) || !strings.Contains(p.text, tt.says) || strings.Contains(p.text, "SAMLResponse") {
				t.Errorf("%d %s\n%s", p.status, p.code(), p.text)
			}
			who := map[jumpcloudtest.Refusal]string{jumpcloudtest.Inactive: ""}
			name, ok := who[tt.code]
			if !ok {
				name = "ann"
			}
			w.wantEvents(t, name+" "+string(tt.code))
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
		{"an answer for another", change("<samlp:AuthnRequest", `<samlp:AuthnRequest AssertionConsumerServiceURL="https://example.net/acs"`), "wrong-service"},
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
			w.wantEvents(t, " "+tt.code+map[bool]string{true: " here"}[true], " "+tt.code+" here")
		})
	}
	w := newWorld()
	b := w.browser(t)
	for _, p := range []*shown{b.post(loginURL, nil), b.get(loginURL + "?SAMLRequest=%25"), b.post(loginURL, url.Values{"x": {strings.Repeat("x", 2<<20)}})} {
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
	for _, tt := range []struct {
		name   string
		claims jumpcloudtest.AuthClaims
		factor bool
		want   string
	}{
		{"none", jumpcloudtest.AuthClaims{}, true, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
		{"single", jumpcloudtest.AuthClaims{Mode: "SINGLE", Single: "urn:x"}, false, "urn:x"},
		{"mapping, password", jumpcloudtest.AuthClaims{Mode: "mapping", Mappings: map[string]string{"password": "urn:p", "mfa": multi}}, false, "urn:p"},
		{"mapping, factor", jumpcloudtest.AuthClaims{Mode: "mapping", Mappings: map[string]string{"password": "urn:p", "mfa": multi}}, true, multi},
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

// bad are the topics of checks that are not good.
func bad(v *signin.Verdict) (out []string) {
	for _, c := range v.Checks {
		if c.Result != signin.Good {
			out = append(out, string(c.Topic)+" "+strings.ToLower(c.Result.String()))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
