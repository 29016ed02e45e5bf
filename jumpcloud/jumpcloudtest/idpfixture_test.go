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
	for _, control := range append(p.all("button"), p.all("input")...) {
		if attr(control, "id") == "submit" || attr(control, "name") == "submit" {
			p.t.Errorf("a control hides the form's method submit, which the script calls:\n%s", p.text)
		}
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
	q := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(b.Bytes())}, "RelayState": {`estsredirect=2&"<x>`}}
	return loginURL + "?" + q.Encode()
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
