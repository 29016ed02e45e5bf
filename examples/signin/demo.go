package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/aad/signin/tenant"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// introduction has a line for each paragraph: they are broken as the terminal is wide.
var introduction = []string{
	"What Azure AD makes of a sign-in, and why",
	"When people of a federated domain sign in to Microsoft 365, Azure AD (Microsoft Entra ID) sends them to JumpCloud, and " +
		"JumpCloud has their browser post a signed answer to login.srf. If Azure AD does not take it, people see a page with a code. " +
		"This program says from the captured answer what is wrong, and where.",
	"Nothing here is live: stand-ins of both services are in memory, filled with people who do not exist, and the clock stands. " +
		"Somebody signs in four times; what the browser has in its hands is captured, posted to the stand-in of Azure AD, and judged. " +
		"For a capture of your own, signin -h tells how.",
}

// scene is one sign-in.
type scene struct {
	title, story string
	who          string
	before       func(*stage)
	want         string // the code, or "" if it is accepted
}

// scenes are in the order in which they are shown. Each mends what the one before broke.
var scenes = []scene{
	{"The certificate", "Somebody had JumpCloud make a new certificate, and Azure AD still has the old one.", "ada.abbott",
		func(st *stage) { st.env.JumpCloud.RegenerateCertificate(st.application) }, "AADSTS5000811"},
	{"The immutable ID", "Azure AD has the new certificate. Ben's account has no immutable ID.", "ben.baker",
		func(st *stage) {
			st.certificate()
			st.env.AzureAD.EditUser("ben.baker@"+st.env.Domain, func(u *aad.User) { u.ImmutableID = "" })
		}, "AADSTS51004"},
	{"The protocol", "Somebody wrote the configuration again, with wsFed as its protocol. The page that Ada sees blames the issuer.",
		"ada.abbott",
		func(st *stage) { st.edit(func(f *aad.Federation) { f.Protocol = aad.WSFed }) }, "AADSTS50107"},
	{"As it should be", "All of it is mended.", "ada.abbott",
		func(st *stage) { st.edit(func(f *aad.Federation) { f.Protocol = aad.SAML }) }, ""},
}

// stage is the stand-ins while the scenes are shown.
type stage struct {
	env         *federationtest.Env
	application string
	loginURL    string
	now         time.Time
}

const password = "only for the stand-ins"

// newStage federates stand-ins of both services.
func newStage(ctx context.Context) (*stage, error) {
	st := &stage{env: federationtest.New(nil), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return st.now }
	st.env.JumpCloud.Now, st.env.AzureAD.Now = clock, clock
	for _, u := range st.env.JumpCloud.Users() {
		st.env.JumpCloud.SetPassword(u.ID, password)
	}
	f := st.env.Federator(&federation.Options{Now: clock})
	if _, err := f.Federate(federationtest.Hurry(ctx), st.env.Plan()); err != nil {
		return nil, err
	}
	for _, a := range st.env.JumpCloud.Applications() {
		st.application, st.loginURL = a.ID, a.SSOURL
	}
	return st, nil
}

// edit changes what Azure AD has of the federation.
func (st *stage) edit(change func(*aad.Federation)) {
	f, _ := st.env.AzureAD.Federation(st.env.Domain)
	change(&f)
	st.env.AzureAD.SetFederation(st.env.Domain, f)
}

// certificate gives Azure AD the certificate that JumpCloud signs with.
func (st *stage) certificate() {
	a, _ := st.env.JumpCloud.Application(st.application)
	st.edit(func(f *aad.Federation) { f.SigningCertificate, f.RawSigningCertificate = a.Certificate, "" })
}

// capture signs a person in at JumpCloud, and returns the page whose form posts the
// answer: what a browser has in its hands.
func (st *stage) capture(ctx context.Context, who string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := st.env.JumpCloud.HTTPClient()
	browser.Jar = jar
	text, err := fetch(ctx, browser, http.MethodGet, st.loginURL, nil)
	if err != nil {
		return "", err
	}
	action, fields := form(text, st.loginURL)
	fields.Set("username", who)
	fields.Set("password", password)
	return fetch(ctx, browser, http.MethodPost, action, fields)
}

// sees posts what was captured to Azure AD, and returns what the person is told.
func (st *stage) sees(ctx context.Context, page string) (string, error) {
	action, fields := form(page, "")
	text, err := fetch(ctx, st.env.AzureAD.HTTPClient(), http.MethodPost, action, fields)
	if err != nil {
		return "", err
	}
	if m := regexp.MustCompile(`AADSTS\d+: [^<\n]+`).FindString(text); m != "" {
		return html.UnescapeString(m), nil
	}
	m := regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`).FindStringSubmatch(text)
	if m == nil {
		return "", errors.New("a page without a heading")
	}
	return html.UnescapeString(strings.TrimSpace(m[1])), nil
}

// fetch returns a page, whatever its status.
func fetch(ctx context.Context, c *http.Client, method, address string, fields url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

var (
	formTag  = regexp.MustCompile(`<form[^>]*>`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	attr     = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// form reads the form of a page: where it goes, and its fields.
func form(page, base string) (action string, fields url.Values) {
	attrs := func(tag string) map[string]string {
		m := make(map[string]string)
		for _, a := range attr.FindAllStringSubmatch(tag, -1) {
			m[a[1]] = html.UnescapeString(a[2])
		}
		return m
	}
	action = attrs(formTag.FindString(page))["action"]
	if b, err := url.Parse(base); err == nil {
		if u, err := b.Parse(action); err == nil {
			action = u.String()
		}
	}
	fields = make(url.Values)
	for _, tag := range inputTag.FindAllString(page, -1) {
		if a := attrs(tag); a["name"] != "" {
			fields.Set(a["name"], a["value"])
		}
	}
	return action, fields
}

// demonstrate shows the scenes.
func demonstrate(ctx context.Context, w, errs io.Writer) int {
	fmt.Fprintln(w, strings.Join(introduction, "\n\n"))
	st, err := newStage(ctx)
	for i, sc := range scenes {
		if err == nil {
			err = st.show(ctx, w, i+1, sc)
		}
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "interrupted")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	return exitDone
}

// show shows one scene.
func (st *stage) show(ctx context.Context, w io.Writer, n int, sc scene) error {
	title := fmt.Sprintf("%d. %s", n, sc.title)
	fmt.Fprintf(w, "\n%s\n%s\n\n%s\n", title, strings.Repeat("-", len(title)), sc.story)
	sc.before(st)
	page, err := st.capture(ctx, sc.who)
	if err != nil {
		return err
	}
	told, err := st.sees(ctx, page)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n  %s sees:  %s\n\n", strings.ToUpper(sc.who[:1])+sc.who[1:strings.IndexByte(sc.who, '.')], told)
	found, err := signin.Messages([]byte(page))
	if err != nil {
		return err
	}
	b := &basis{kind: live}
	if b.tenant, err = tenant.Read(ctx, st.env.AzureAD.Client(nil)); err != nil {
		return err
	}
	b.tenant.MFA = signin.No
	b.about = describeTenant(b.tenant)
	r := &result{Input: "the page of JumpCloud that posts", Messages: len(found), At: st.now, AtFrom: "by the clock of the stand-ins",
		brief: sc.want != ""}
	r.judged([]byte(page), found[signin.Pick(found)], b)
	if r.Code != sc.want || (*r.Accepted == signin.Yes) != (sc.want == "") {
		return fmt.Errorf("this was to end with %q: %s", sc.want, r.Sentence)
	}
	if sc.want != "" && !strings.HasPrefix(told, sc.want+":") {
		return fmt.Errorf("the stand-in of Azure AD says %s, and the judge %s", told, r.Code)
	}
	r.table(w)
	return nil
}
