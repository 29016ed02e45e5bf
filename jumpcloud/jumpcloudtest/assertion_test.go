package jumpcloudtest_test

import (
	"crypto/x509/pkix"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestSigningKey: a message is signed with the key that the application has, whatever
// certificate it shows.
func TestSigningKey(t *testing.T) {
	replace := func(w *world) {
		pair, err := certs.NewKeyPair(pkix.Name{CommonName: "new"}, certs.Lifetime{NotBefore: w.now, NotAfter: w.now.AddDate(1, 0, 0)}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Client(nil).ReplaceCertificate(t.Context(), w.app, pair); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(*world)
		want   signin.Answer
	}{
		{"its own", func(*world) {}, signin.Yes},
		{"another pair", replace, signin.Yes},
		{"another certificate, the old key", func(w *world) { w.Quirks.KeepOldKey = true; replace(w) }, signin.No},
		{"regenerated", func(w *world) { w.RegenerateCertificate(w.app) }, signin.Yes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.logIn(b.post(loginURL, posted(request)))
			v := w.judged(p)
			if v.Accepted != tt.want || tt.want == signin.No && v.Code != "AADSTS5000811" && v.Code != "AADSTS50006" {
				t.Errorf("%v\n%+v", v, v.Checks)
			}
			versions := w.Histories()[0].Versions
			signs := versions[len(versions)-1].Signs
			xml, _ := p.response()
			tenant := w.tenant()
			tenant.Domains[0].Federation.SigningCertificate = signs
			if v := signin.Judge(xml, tenant, w.now); v.Accepted != signin.Yes {
				t.Errorf("by the certificate that the history names: %v\n%+v", v, v.Checks)
			}
		})
	}
}

// TestAssertion: what is in the message, by settings and quirks.
func TestAssertion(t *testing.T) {
	setting := func(key, value string) func(*world) {
		return func(w *world) { w.SetApplicationSetting(w.app, key, value) }
	}
	for _, tt := range []struct {
		name   string
		before func(*world)
		want   signin.Answer
		not    []string // what is not good
		has    []string
	}{
		{"as it is", func(*world) {}, signin.Yes, []string{"mfa doubtful"}, []string{"#rsa-sha256", `Name="IDPEmail"`}},
		{"both signed", setting("signResponse", "true"), signin.Yes, []string{"mfa doubtful"}, []string{"#rsa-sha256"}},
		{"only the response", func(w *world) {
			setting("signResponse", "true")(w)
			setting("signAssertion", "false")(w)
		}, signin.No, nil, nil},
		{"not signed", setting("signAssertion", "false"), signin.No, nil, nil},
		{"SHA-1", setting("signatureAlgorithm", "RSA-SHA1"), signin.Yes, []string{"mfa doubtful", "signature doubtful"}, []string{"#rsa-sha1"}},
		{"another format", setting("overrideNameIdFormat", ""), signin.Yes, []string{"mfa doubtful", "subject doubtful"}, nil},
		{"another audience", setting("spEntityId", "urn:x"), signin.No, nil, nil},
		{"an address in a list", setting("acsUrl", `[{"index":"0","url":"https://example.net/"},{"index":"1","isDefault":"true","url":"`+loginSRF+`"}]`),
			signin.Yes, []string{"mfa doubtful"}, nil},
		{"the clock is fast", func(w *world) { w.Quirks.SignIn.ClockSkew = 10 * time.Minute }, signin.No, nil, nil},
		{"the clock is a little slow", func(w *world) { w.Quirks.SignIn.ClockSkew = -2 * time.Minute }, signin.Yes, []string{"mfa doubtful"}, nil},
		{"short", func(w *world) { w.Quirks.SignIn.Lifetime = time.Minute }, signin.Yes, []string{"mfa doubtful"}, []string{`NotOnOrAfter="2026-03-02T09:01:00.000Z"`}},
		{"an older immutable ID", func(w *world) { w.SetImmutableID(w.ann, "3q2+7w==") }, signin.No, nil, []string{">3q2+7w==<"}},
		{"not exported, sent all the same", func(w *world) {
			w.SetSync(w.dir, jumpcloud.BoundUser{UserID: w.ann})
			w.Quirks.SignIn.NameUnexported = true
		}, signin.Yes, []string{"mfa doubtful"}, nil},
		{"in an attribute as well", func(w *world) { w.Quirks.SignIn.ImmutableIDAttribute = true }, signin.Yes, []string{"mfa doubtful"},
			[]string{"http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"}},
		{"a class of its own", func(w *world) { w.Quirks.SignIn.AuthnContext = "http://schemas.microsoft.com/claims/multipleauthn" },
			signin.Yes, nil, []string{"multipleauthn"}},
		{"an address that is not the UPN", func(w *world) {
			w.EditUser(w.ann, func(u *jumpcloud.User) { u.Email = `a"<&>'` + "\r\n\x01@example.com" })
		},
			signin.Yes, []string{"mfa doubtful", "user doubtful"}, []string{`a&quot;&lt;&amp;&gt;&apos;`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.before(w)
			b := w.browser(t)
			p := b.logIn(b.get(loginURL))
			v := w.judged(p)
			xml, _ := p.response()
			if v.Accepted != tt.want || v.Attack != "" {
				t.Fatalf("%v\n%s", v, xml)
			}
			if diff := gocmp.Diff(tt.not, bad(v)); tt.want == signin.Yes && diff != "" {
				t.Errorf("what is not good (-want +got):\n%s\n%v", diff, v.Checks)
			}
			for _, s := range tt.has {
				if !strings.Contains(string(xml), s) {
					t.Errorf("%s is not in it:\n%s", s, xml)
				}
			}
		})
	}
}

// TestAttributes: an application's own rows, and groups, as the API set them.
func TestAttributes(t *testing.T) {
	w := newWorld()
	w.SetTemplate(`{"name":"x","displayName":"X","sso":{"type":"saml"},"config":{"idpEntityId":{"value":""},"idpCertificate":{"value":""},
"idpPrivateKey":{"value":""},"spEntityId":{"value":"urn:x"},"acsUrl":{"value":"https://login.microsoftonline.com/login.srf"},"subjectField":{"value":"username"},
"signAssertion":{"value":true},"includeGroups":{"value":true},"groupsAttributeName":{"value":"teams"},"defaultTargetUrl":{"value":"/start"},
"constantAttributes":{"value":[{"name":"tier","value":"gold"}]},"databaseAttributes":{"value":[{"name":"first","value":"firstname"},{"name":"none","value":"lastname"}]}}}`)
	id := w.AddApplication("x", "X", "urn:idp", "https://sso.jumpcloud.com/apps/x") // not the usual path
	w.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: w.ann})
	b := w.browser(t)
	xml, relay := b.logIn(b.get("https://sso.jumpcloud.com/apps/x")).response()
	for _, s := range []string{
		`<saml:Attribute Name="tier"><saml:AttributeValue>gold</saml:AttributeValue></saml:Attribute>`,
		`<saml:Attribute Name="first"><saml:AttributeValue>Ann</saml:AttributeValue></saml:Attribute>`,
		`<saml:Attribute Name="teams"><saml:AttributeValue>Staff</saml:AttributeValue></saml:Attribute>`,
		`<saml:NameID Format="urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified">ann</saml:NameID>`,
	} {
		if !strings.Contains(string(xml), s) {
			t.Errorf("%s is not in it:\n%s", s, xml)
		}
	}
	if strings.Contains(string(xml), `"none"`) || relay != "/start" {
		t.Errorf("RelayState %q\n%s", relay, xml)
	}
}

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
	if _, err := w.Client(nil).ModifyApplication(t.Context(), hidden, func(a *jumpcloud.Application) error { a.Hidden = true; return nil }); err != nil {
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
	// The hosts differ; a browser that has the cookie of the one is asked again by the other.
	if p := b.logIn(b.get(tiles["Microsoft 365"])); w.judged(p).Accepted != signin.Yes {
		t.Errorf("the tile:\n%s", p.text)
	}
	w.wantEvents(t, "ann ok here")
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
		return jumpcloud.User{ID: jumpcloudtest.GeneratedID(i), Username: "u" + string(rune('A'+i)), Email: "x@example.com", State: jumpcloud.Activated}
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
	if p := b.submit(b.get(portal), "username", "annTwo", "password", "pwTwo"); !strings.Contains(p.text, "/saml2/Two") {
		t.Errorf("the portal:\n%s", p.text)
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

// TestEventsByAPI: what the API tells of sign-ins, by each of the ways in which JumpCloud
// may tell of those that failed.
func TestEventsByAPI(t *testing.T) {
	for _, tt := range []struct {
		failures jumpcloudtest.Failures
		want     []string
	}{
		{jumpcloudtest.FailedType, []string{"sso_auth_failed failed wrong-password", "sso_auth", "sso_auth idp"}},
		{jumpcloudtest.SuccessFlag, []string{"sso_auth flag failed wrong-password", "sso_auth flag", "sso_auth flag idp"}},
		{jumpcloudtest.NotTold, []string{"sso_auth", "sso_auth idp"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.EventLag = time.Minute
			w.Quirks.SignIn.Failures = tt.failures
			b := w.browser(t)
			p := b.post(loginURL, posted(request))
			b.submit(p, "username", "ann", "password", "x")
			w.now = w.now.Add(time.Second)
			b.logIn(p)
			w.now = w.now.Add(time.Second)
			b.get(loginURL)
			read := func(o jumpcloud.EventsOptions) (out []string) {
				o.From = w.now.Add(-time.Hour)
				for e, err := range w.Client(nil).Events(t.Context(), o) {
					if err != nil {
						t.Fatal(err)
					}
					s := e.Type
					if e.Success != nil {
						s += " flag"
					}
					if e.Failed() {
						s += " failed " + e.Message
					}
					if e.IDPInitiated {
						s += " idp"
					}
					out = append(out, s)
					if e.By != (jumpcloud.Actor{Type: "systemuser", ID: w.ann, Username: "ann"}) || e.Application.ID != w.app ||
						e.Application.SSOURL != loginURL || e.Organization != w.OrgID() || e.ClientIP != "192.0.2.1" || !json.Valid(e.Raw) {
						t.Errorf("%+v", e)
					}
				}
				return out
			}
			if got := read(jumpcloud.EventsOptions{}); got != nil {
				t.Errorf("at once: %q", got)
			}
			time.Sleep(time.Minute)
			if diff := gocmp.Diff(tt.want, read(jumpcloud.EventsOptions{ApplicationID: w.app})); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.failures, diff)
			}
			if got := read(jumpcloud.EventsOptions{To: w.now.Add(-3 * time.Second)}); got != nil {
				t.Errorf("before: %q", got)
			}
			if got := read(jumpcloud.EventsOptions{ApplicationID: "x"}); got != nil {
				t.Errorf("of another application: %q", got)
			}
			if got := read(jumpcloud.EventsOptions{Services: []string{"ldap"}}); got != nil {
				t.Errorf("of another service: %q", got)
			}
		})
	}
}

// TestEventsSearch: the parts of the request that the client does not use.
func TestEventsSearch(t *testing.T) {
	w := newWorld()
	b := w.browser(t)
	for range 5 {
		w.now = w.now.Add(time.Second)
		b.post(loginURL, nil)
	}
	b.logIn(b.get(loginURL))
	const path = "/insights/directory/v1/events"
	for _, tt := range []struct {
		body   string
		status int
		n      string
	}{
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z"}`, 200, "6"},
		{`{"service":["all"],"start_time":"2026-03-01T00:00:00Z","limit":2,"sort":"DESC"}`, 200, "2"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","search_term":{"and":{"event_type":"sso_auth"}}}`, 200, "1"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","search_term":{"not":{"event_type":["sso_auth"]},"or":{"application.name":"office365"}}}`, 200, "5"},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","fields":["id"]}`, 200, "6"},
		{`{"service":["sso"]}`, 400, ""},
		{`{"start_time":"2026-03-01T00:00:00Z"}`, 400, ""},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","limit":10001}`, 400, ""},
		{`{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","sort":"UP"}`, 400, ""},
		{`{"service":"sso","start_time":"2026-03-01T00:00:00Z"}`, 400, ""},
	} {
		a := send(t, w.Server, "POST", path, tt.body)
		if a.status != tt.status || a.header.Get("X-Result-Count") != tt.n {
			t.Errorf("%s: %d, %s events\n%s", tt.body, a.status, a.header.Get("X-Result-Count"), a.body)
		}
	}
	if a := send(t, w.Server, "POST", path, `{}`, "-"); a.status != 302 {
		t.Errorf("without a key: %d", a.status)
	}
	// By pages, in both directions.
	for _, order := range []string{"ASC", "DESC"} {
		var ids []string
		for after := `[]`; len(ids) < 20; {
			a := send(t, w.Server, "POST", path, `{"service":["sso"],"start_time":"2026-03-01T00:00:00Z","limit":2,"sort":"`+order+`","search_after":`+after+`}`)
			page := a.list(t)
			if ids = append(ids, page...); len(page) == 0 {
				break
			}
			after = a.header.Get("X-Search_after")
		}
		if len(ids) != 6 || (ids[0] < ids[5]) != (order == "ASC") {
			t.Errorf("%s: %q", order, ids)
		}
	}
}
