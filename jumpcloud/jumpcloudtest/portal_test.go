package jumpcloudtest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestPortal: people see the applications that are theirs, and start there.
func TestPortal(t *testing.T) {
	w := newWorld()
	tile := func(label, url string) string {
		id := w.AddApplication("saml2", label, "urn:"+label, url)
		w.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: w.staff})
		return id
	}
	tile("<b>Wiki</b>", "https://sso.jumpcloud.com/saml2/wiki")
	w.SetApplicationField(tile("Off", "https://sso.jumpcloud.com/saml2/off"), "active", false)
	hidden := tile("Hidden", "https://sso.jumpcloud.com/saml2/hidden")
	hide := func(a *jumpcloud.Application) error { a.Hidden = true; return nil }
	if _, err := w.Client(nil).ModifyApplication(t.Context(), hidden, hide); err != nil {
		t.Fatal(err)
	}
	w.AddApplication("saml2", "Others", "urn:others", "https://sso.jumpcloud.com/saml2/others")

	b := w.browser(t)
	if p := b.submit(b.get(portal), "username", "ann", "password", "x"); p.status != 401 || p.code() != "wrong-password" {
		t.Errorf("%d\n%s", p.status, p.text)
	}
	p := b.logIn(b.get(portal))
	if p.at.String() != portal {
		t.Errorf("the portal is at %s", p.at)
	}
	tiles := map[string]string{}
	for _, a := range p.all("a") {
		tiles[a.FirstChild.Data] = attr(a, "href")
	}
	want := map[string]string{"Microsoft 365": loginURL, "<b>Wiki</b>": "https://sso.jumpcloud.com/saml2/wiki"}
	if diff := gocmp.Diff(want, tiles); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	w.wantEvents(t)
	if p := b.get(tiles["Microsoft 365"]); w.judged(p).Accepted != signin.Yes {
		t.Errorf("the tile:\n%s", p.text)
	}
	w.wantEvents(t, "ann ok here")
	elsewhere := w.browser(t)
	if p := elsewhere.logIn(elsewhere.get("http://localhost:8080/userconsole/")); !strings.Contains(p.text, `href="/saml2/example-com"`) {
		t.Errorf("a tile leads away from the stand-in:\n%s", p.text)
	}
	if p := b.submit(b.get(portal)); !strings.Contains(p.text, `type="password"`) {
		t.Errorf("after logging out:\n%s", p.text)
	}
}

// TestSessions: they end, and so does the wait for a second factor.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.SessionLifetime = 20 * time.Minute
		b := w.browser(t)
		asks := func() bool { return strings.Contains(b.get(loginURL).text, `type="password"`) }
		b.logIn(b.get(loginURL))
		time.Sleep(19 * time.Minute)
		if asks() {
			t.Error("asked too early")
		}
		time.Sleep(time.Minute)
		if !asks() {
			t.Error("the session did not end")
		}
		w.SetSecondFactor(w.ann, "1")
		p := b.logIn(b.get(loginURL))
		time.Sleep(10 * time.Minute)
		if p := b.submit(p, "code", "1"); !strings.Contains(p.text, `type="password"`) {
			t.Errorf("the code came late:\n%s", p.text)
		}
	})
}

// TestHostileNames: what people and administrators write is text in every page.
func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	w := newWorld()
	w.Organization = evil
	w.SetApplicationField(w.app, "displayLabel", evil)
	w.EditUser(w.ann, func(u *jumpcloud.User) { u.Username = evil })
	w.SetSecondFactor(w.ann, "1")
	b := w.browser(t) // which finds foreign scripts in each page
	form := posted(request)
	form.Set("RelayState", evil)
	form.Set("username", evil)
	p := b.post(loginURL, form)
	seen := []*shown{p, b.submit(p, "password", "x")}
	p = b.submit(p, "username", evil, "password", "correct horse")
	seen = append(seen, p, b.submit(p, "code", evil))
	p = b.submit(b.submit(b.post(loginURL, form), "username", evil, "password", "correct horse"), "code", "1")
	if _, relay := p.response(); relay != evil {
		t.Errorf("RelayState %q", relay)
	}
	w.SetApplicationField(w.app, "active", false)
	seen = append(seen, p, b.post(loginURL, form), b.get(portal))
	for _, p := range seen {
		if strings.Contains(p.text, "<script>alert") {
			t.Errorf("a script:\n%s", p.text)
		}
	}
}

// TestSignInTrouble: faults and the log work for people's requests, the API's throttle
// does not count them.
func TestSignInTrouble(t *testing.T) {
	w := newWorld()
	w.Throttle = &jumpcloudtest.Throttle{Rate: 0.001, Burst: 1}
	b := w.browser(t)
	for range 3 {
		if p := b.get(loginURL); p.status != 200 {
			t.Fatalf("%d\n%s", p.status, p.text)
		}
	}
	w.Fault = func(r *http.Request) jumpcloudtest.Fault {
		if r.URL.Path == "/saml2/example-com" {
			return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503}
		}
		return jumpcloudtest.Fault{}
	}
	if p := b.get(loginURL); p.status != 503 {
		t.Errorf("%d\n%s", p.status, p.text)
	}
	log := w.Requests()
	if last := log[len(log)-1]; len(log) != 4 || last.Fault != jumpcloudtest.Refuse503 || last.Path != "/saml2/example-com" {
		t.Errorf("%+v", log)
	}
}

// TestGeneratedSignIn: people who are not kept in memory sign in like others.
func TestGeneratedSignIn(t *testing.T) {
	w := newWorld()
	w.DefaultPassword = "of all"
	w.GenerateUsers(50, func(i int) jumpcloud.User {
		return jumpcloud.User{ID: jumpcloudtest.GeneratedID(i), Username: "u" + string(rune('A'+i)), State: jumpcloud.Activated}
	})
	w.GenerateMembers(w.staff, 5, jumpcloudtest.GeneratedID)
	w.GenerateBound(w.dir, 4, func(i int) jumpcloud.BoundUser {
		return jumpcloud.BoundUser{UserID: jumpcloudtest.GeneratedID(i), ExternalID: "x"}
	})
	for user, want := range map[string]string{"uD": "", "uE": "no-immutable-id", "uF": "not-bound"} {
		b := w.browser(t)
		if p := b.submit(b.get(loginURL), "username", user, "password", "of all"); p.code() != want {
			t.Errorf("%s: %q\n%s", user, p.code(), p.text)
		}
	}
}

// TestProvidersSignIn: each customer of a provider has applications and people of its own.
func TestProvidersSignIn(t *testing.T) {
	var front jumpcloudtest.Server
	var hosts []*jumpcloudtest.Server
	for _, name := range []string{"One", "Two"} {
		o := front.AddOrganization(name)
		id := o.AddApplication("office365", name, "https://"+name, "https://sso.jumpcloud.com/saml2/"+name)
		u := o.AddUser(jumpcloud.User{Username: "ann" + name, Email: "ann@example.com"})
		o.SetPassword(u, "pw"+name)
		o.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: u})
		o.BindUser(o.AddDirectory("M365"), u, "x")
		hosts = append(hosts, o)
	}
	b := (&world{Server: &front}).browser(t)
	b.submit(b.get("https://sso.jumpcloud.com/saml2/Two"), "username", "annTwo", "password", "pwTwo").response()
	if p := b.submit(b.get("https://sso.jumpcloud.com/saml2/One"), "username", "annTwo", "password", "pwTwo"); p.code() != "wrong-password" {
		t.Errorf("a customer let another's people in:\n%s", p.text)
	}
	for _, b := range []*browser{b, (&world{Server: &front}).browser(t)} {
		p := b.get(portal)
		if strings.Contains(p.text, `type="password"`) {
			p = b.submit(p, "username", "annTwo", "password", "pwTwo")
		}
		if !strings.Contains(p.text, "/saml2/Two") {
			t.Errorf("the portal:\n%s", p.text)
		}
	}
	if one, two := hosts[0].Events(), hosts[1].Events(); len(front.Events()) != 0 || len(one) != 1 || len(two) != 1 {
		t.Errorf("events: %v, %v", one, two)
	}
	for _, o := range hosts {
		n := 0
		for _, err := range o.Client(nil).Events(t.Context(), jumpcloud.EventsOptions{}) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != 1 {
			t.Errorf("%d events by the API", n)
		}
	}
}
