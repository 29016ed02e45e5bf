package aadtest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// TestSecondFactor: what becomes of a demand for one, by the domain's behaviour.
func TestSecondFactor(t *testing.T) {
	const in, asks, back = "signed in", "asks itself", "sends back"
	for _, tt := range []struct {
		behavior aad.MFABehavior
		class    string
		demanded bool
		want     string
	}{
		{aad.AcceptIfMFADoneByFederatedIdP, password, false, in},
		{aad.AcceptIfMFADoneByFederatedIdP, password, true, asks},
		{aad.AcceptIfMFADoneByFederatedIdP, multiple, true, in},
		{aad.EnforceMFAByFederatedIdP, password, false, in},
		{aad.EnforceMFAByFederatedIdP, password, true, back},
		{aad.EnforceMFAByFederatedIdP, multiple, true, in},
		{aad.RejectMFAByFederatedIdP, password, false, in},
		{aad.RejectMFAByFederatedIdP, password, true, asks},
		{aad.RejectMFAByFederatedIdP, multiple, true, asks},
		{"somethingNew", password, true, asks},
		{"somethingNew", multiple, true, in},
	} {
		s := signInTenant(func(f *aad.Federation) { f.MFA = tt.behavior })
		s.DemandMFA = func(aad.User) bool { return tt.demanded }
		b := newBrowser(t, s)
		b.begin("ann@example.com")
		p := b.answer(reply{class: tt.class})
		action, values := p.form()
		got := "fails"
		switch {
		case p.id("userPrincipalName") != "":
			got = in
		case values.Has("otc"):
			got = asks
		case action == idpURL:
			got = back
		}
		if got != tt.want {
			t.Errorf("%s, class %s, demanded %v: %s; want %s", tt.behavior, tt.class, tt.demanded, got, tt.want)
			continue
		}
		if got != asks {
			continue
		}
		if p = b.submit("otc", "000000"); p.id("userPrincipalName") != "" || p.id("trouble") == "" {
			t.Errorf("a wrong code was taken:\n%s", p.text)
		}
		if len(s.SignIns()) != 0 {
			t.Error("a line before the second factor")
		}
		if p = b.submit("otc", " 123456 "); p.id("userPrincipalName") != "ann@example.com" {
			t.Errorf("not signed in:\n%s", p.text)
		}
		if diff := cmp.Diff([]aad.SignIn{line(s)}, lines(s)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	}
}

// TestSecondFactorLoops: who comes back without it is sent there some times, and fails.
func TestSecondFactorLoops(t *testing.T) {
	s := signInTenant(func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP })
	s.DemandMFA = func(aad.User) bool { return true }
	b := newBrowser(t, s)
	b.begin("ann@example.com")
	for range 2 {
		b.answer(reply{})
		if action, _ := b.page.form(); action != idpURL {
			t.Fatalf("not sent back:\n%s", b.page.text)
		}
	}
	if p := b.answer(reply{}); !strings.HasPrefix(p.id("message"), "AADSTS50079: ") {
		t.Fatalf("the page says %q", p.id("message"))
	}
	want := line(s)
	want.ErrorCode, want.FailureReason = 50079, s.SignIns()[0].FailureReason
	if diff := cmp.Diff([]aad.SignIn{want}, lines(s)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	b.begin("ann@example.com")
	b.answer(reply{})
	if p := b.answer(reply{class: multiple}); p.id("userPrincipalName") != "ann@example.com" {
		t.Errorf("not signed in with it:\n%s", p.text)
	}
}

func TestManagedUser(t *testing.T) {
	s := signInTenant()
	s.AddUser(aad.User{UserPrincipalName: "new@managed.example"})
	made := wire{t, s, s.Credential()}.expect(201, "", "POST", "/v1.0/users", `{"accountEnabled":true,"displayName":"Z","mailNickname":"z",`+
		`"passwordProfile":{"password":"long one"},"userPrincipalName":"zoe@managed.example"}`)
	if made.status != 201 {
		t.Fatal(made.text)
	}
	for _, tt := range []struct {
		name, user, password string
		trouble, code        string
		prepare              func()
		logged               int // -1: nothing
	}{
		{"right", "Mia@managed.example", "secret", "", "", nil, 0},
		{"of a request", "zoe@managed.example", "long one", "", "", nil, 0},
		{"wrong", "mia@managed.example", "Secret", "The account or the password is wrong.", "", nil, 50126},
		{"none", "new@managed.example", "", "", "AADSTS50056", nil, 50056},
		{"disabled", "mia@managed.example", "secret", "", "AADSTS50057", func() {
			s.EditUser("mia@managed.example", func(u *aad.User) { u.Enabled = new(bool) })
		}, 50057},
		{"nobody", "nobody@managed.example", "x", "There is no account", "", nil, 50034},
		{"no domain of ours", "ann@elsewhere.example", "x", "There is no account", "", nil, -1},
		{"no address", "ann", "x", "There is no account", "", nil, -1},
		{"only a domain", "example.com", "x", "There is no account", "", nil, 50034},
	} {
		if tt.prepare != nil {
			tt.prepare()
		}
		before := len(s.SignIns())
		b := newBrowser(t, s)
		p := b.begin(tt.user)
		if _, values := p.form(); values.Has("passwd") {
			p = b.submit("passwd", tt.password)
		} else if tt.trouble == "" {
			t.Errorf("%s: no password page:\n%s", tt.name, p.text)
		}
		signedIn := p.id("userPrincipalName") != ""
		if want := tt.trouble == "" && tt.code == ""; signedIn != want {
			t.Errorf("%s: signed in: %v\n%s", tt.name, signedIn, p.text)
		}
		if !strings.HasPrefix(p.id("trouble"), tt.trouble) || !strings.HasPrefix(p.id("message"), tt.code) {
			t.Errorf("%s: the page says %q, %q", tt.name, p.id("trouble"), p.id("message"))
		}
		all := s.SignIns()[before:]
		if tt.logged < 0 && len(all) != 0 || tt.logged >= 0 && (len(all) != 1 || all[0].ErrorCode != tt.logged || all[0].Federated()) {
			t.Errorf("%s: log = %+v", tt.name, all)
		}
	}
	s.DefaultPassword = "default"
	for user, password := range map[string]string{"new@managed.example": "default", "zoe@managed.example": "long one"} {
		for _, given := range []string{password, "another"} {
			b := newBrowser(t, s)
			b.begin(user)
			if p := b.submit("passwd", given); (p.id("userPrincipalName") == user) != (given == password) {
				t.Errorf("%s with the password %q, and a default one:\n%s", user, given, p.text)
			}
		}
	}
	s.SetPassword("new@managed.example", "x")
	s.DemandMFA = func(u aad.User) bool { return true }
	s.VerificationCode = "42"
	b := newBrowser(t, s)
	b.begin("new@managed.example")
	b.submit("passwd", "x")
	if p := b.submit("otc", "42"); p.id("userPrincipalName") != "new@managed.example" {
		t.Errorf("not signed in with a second factor:\n%s", p.text)
	}
	if p := newBrowser(t, s).post("/common/SAS/ProcessAuth", "otc", "42"); p.id("userPrincipalName") != "" || p.id("trouble") == "" {
		t.Errorf("a second factor alone:\n%s", p.text)
	}
}

// TestHomeRealm: how the page finds out where to send people.
func TestHomeRealm(t *testing.T) {
	s := signInTenant()
	s.AddDomain("sub.example.com")
	s.AddDomain("half.example", aadtest.Broken)
	s.AddUser(aad.User{UserPrincipalName: "sue@sub.example.com", ImmutableID: "sue"})
	b := newBrowser(t, s)
	for _, user := range []string{"ann@example.com", "nobody@example.com", "sue@sub.example.com"} {
		if action, _ := b.begin(user).form(); action != idpURL {
			t.Errorf("%s: the form goes to %q", user, action)
		}
	}
	if p := b.answer(reply{name: "sue"}); p.id("userPrincipalName") != "sue@sub.example.com" {
		t.Errorf("not signed in through the root domain's federation: %s", p.id("message"))
	}
	for _, path := range []string{"/login.srf?whr=example.com",
		"/common/oauth2/v2.0/authorize?prompt=login&domain_hint=example.com&login_hint=ann@example.com"} {
		b := newBrowser(t, s)
		if action, _ := b.open(path).form(); action != idpURL {
			t.Errorf("%s: the form goes to %q", path, action)
		}
	}
	for _, path := range []string{"/?whr=managed.example", "/?whr=nowhere.example"} {
		if action, _ := newBrowser(t, s).open(path).form(); action != "/common/login" {
			t.Errorf("%s: the form goes to %q", path, action)
		}
	}
	p := newBrowser(t, s).open("/contoso.onmicrosoft.com/oauth2/v2.0/authorize?client_id=app&login_hint=ann@example.com")
	if _, values := p.form(); values.Get("loginfmt") != "ann@example.com" {
		t.Errorf("the user name is not filled in: %v", values)
	}
	if got := newBrowser(t, s).begin("x@half.example").id("message"); !strings.HasPrefix(got, "AADSTS50169: ") {
		t.Errorf("half a federation: the page says %q", got)
	}
}

func TestCredentialType(t *testing.T) {
	w := wire{t, signInTenant(), nil}
	for _, tt := range []struct {
		user                  string
		exists, kind, prefers float64
		redirect              string
	}{
		{"ann@example.com", 0, 4, 4, idpURL + "?username=ann%40example.com"},
		{"nobody@example.com", 0, 4, 4, idpURL + "?username=nobody%40example.com"},
		{"mia@managed.example", 0, 3, 1, ""},
		{"nobody@managed.example", 1, 3, 1, ""},
		{"a@nowhere.example", 1, 1, 1, ""},
	} {
		a := w.send("POST", "/common/GetCredentialType", `{"username":"`+tt.user+`","isOtherIdpSupported":true}`)
		c, _ := a.body["Credentials"].(map[string]any)
		e, _ := a.body["EstsProperties"].(map[string]any)
		redirect, _ := c["FederationRedirectUrl"].(string)
		if a.status != 200 || a.body["Username"] != tt.user || a.body["IfExistsResult"] != tt.exists || e["DomainType"] != tt.kind ||
			c["PrefCredential"] != tt.prefers || redirect != tt.redirect {
			t.Errorf("%s: %s", tt.user, a.text)
		}
	}
	if a := w.send("POST", "/common/GetCredentialType", `x`); a.status != 400 {
		t.Errorf("status = %d", a.status)
	}
}

// TestPages: no page needs a script, each field has a label, and each fits a narrow screen.
func TestPages(t *testing.T) {
	s := signInTenant()
	s.DemandMFA = func(aad.User) bool { return true }
	b := newBrowser(t, s)
	pages := map[string]*page{
		"name": b.open("/"), "nobody": b.begin("nobody@managed.example"), "password": b.begin("mia@managed.example"),
		"wrong password": b.submit("passwd", "x"), "provider": b.begin("ann@example.com"), "second factor": b.answer(reply{}),
		"wrong code": b.submit("otc", "x"), "signed in": b.submit("otc", "123456"), "signed out": b.open("/common/oauth2/v2.0/logout"),
		"error": b.answer(reply{issuer: "'&gt;&lt;script&gt;alert(1)&lt;/script&gt;"}),
	}
	event := regexp.MustCompile(`(?i)^on\w+=|=javascript:`)
	for name, p := range pages {
		labels, ids := make(map[string]bool), make(map[string]bool)
		var viewport, lang, title, h1 bool
		p.walk(func(n *html.Node) {
			switch n.Data {
			case "script", "img", "link", "iframe":
				t.Errorf("%s: a %s", name, n.Data)
			case "label":
				labels[attr(n, "for")] = true
			case "input":
				shown := !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "hidden" })
				if shown && attr(n, "type") != "hidden" {
					ids[attr(n, "id")] = true
				}
			case "meta":
				viewport = viewport || attr(n, "name") == "viewport"
			case "html":
				lang = attr(n, "lang") != ""
			case "title":
				title = n.FirstChild != nil
			case "h1":
				h1 = true
			}
			for _, a := range n.Attr {
				if event.MatchString(a.Key + "=" + a.Val) {
					t.Errorf("%s: %s=%q", name, a.Key, a.Val)
				}
			}
		})
		if diff := cmp.Diff(ids, labels); diff != "" {
			t.Errorf("%s: fields and labels (-fields +labels):\n%s", name, diff)
		}
		if !viewport || !lang || !title || !h1 || p.status != http.StatusOK {
			t.Errorf("%s: viewport %v, lang %v, title %v, h1 %v, status %d", name, viewport, lang, title, h1, p.status)
		}
		if csp := p.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", name, csp)
		}
	}
	if got := pages["error"].id("message"); !strings.Contains(got, "<script>") {
		t.Errorf("the issuer is not told as it is: %q", got)
	}
	if pages["nobody"].id("trouble") == "" || pages["wrong password"].id("trouble") == "" || pages["wrong code"].id("trouble") == "" {
		t.Error("a page does not say what was wrong")
	}
}

// TestSignInTrouble: the pages are in the log of requests, and go wrong like everything.
func TestSignInTrouble(t *testing.T) {
	s := signInTenant()
	newBrowser(t, s).begin("ann@example.com")
	var got []string
	for _, r := range s.Requests() {
		got = append(got, r.Pattern)
	}
	if diff := cmp.Diff([]string{"GET /{$}", "POST /{tenant}/login"}, got); diff != "" || s.Writes() != 0 {
		t.Errorf("%d writes; requests (-want +got):\n%s", s.Writes(), diff)
	}
	s.Fault = func(r *http.Request) aadtest.Fault {
		if r.URL.Path == "/login.srf" {
			return aadtest.Fault{Kind: aadtest.Refuse503}
		}
		return aadtest.Fault{}
	}
	b := newBrowser(t, s)
	b.begin("ann@example.com")
	if p := b.answer(reply{}); p.status != 503 || len(s.SignIns()) != 0 {
		t.Errorf("status = %d, log = %+v", p.status, s.SignIns())
	}
}

func TestGeneratedUserSignsIn(t *testing.T) {
	s := signInTenant()
	s.GenerateUsers(100, func(i int) aad.User {
		n := string(rune('a'+i/26)) + string(rune('a'+i%26))
		return aad.User{UserPrincipalName: n + "@example.com", ImmutableID: "id-" + n}
	})
	b := newBrowser(t, s)
	b.begin("bc@example.com")
	if p := b.answer(reply{name: "id-bc"}); p.id("userPrincipalName") != "bc@example.com" {
		t.Errorf("not signed in: %s", p.id("message"))
	}
}

// TestWSFed: the request of WS-Federation, and its answer.
func TestWSFed(t *testing.T) {
	for _, tt := range []struct {
		name, start string
		edit        func(*aad.Federation)
		prepare     func(*aadtest.Server)
		extra       url.Values
	}{
		{"plain", "/?login_hint=", nil, nil, nil},
		{"prompt, nothing said", "/?prompt=login&login_hint=", nil, nil, nil},
		{"prompt, translated", "/?prompt=login&login_hint=", func(f *aad.Federation) {
			f.PromptLogin = aad.TranslateToFreshPasswordAuthentication
		}, nil, url.Values{"wauth": {"urn:oasis:names:tc:SAML:1.0:am:password"}, "wfresh": {"0"}}},
		{"prompt, as it is", "/?prompt=login&login_hint=", func(f *aad.Federation) { f.PromptLogin = aad.NativeSupport }, nil,
			url.Values{"prompt": {"login"}}},
		{"second factor", "/?login_hint=", func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP }, func(s *aadtest.Server) {
			s.Quirks.RequestMFA, s.DemandMFA = true, func(aad.User) bool { return true }
		}, url.Values{"wauth": {multiple}}},
		{"address with a query", "/?login_hint=", func(f *aad.Federation) { f.PassiveSignInURI += "?app=1" }, nil, url.Values{"app": {"1"}}},
	} {
		s := signInTenant(func(f *aad.Federation) {
			f.Protocol = aad.WSFed
			if tt.edit != nil {
				tt.edit(f)
			}
		})
		if tt.prepare != nil {
			tt.prepare(s)
		}
		b := newBrowser(t, s)
		b.open(tt.start + "ann@example.com")
		p := b.submit()
		to, err := url.Parse(p.header.Get("Location"))
		if err != nil || p.status != http.StatusFound || !strings.HasPrefix(to.String(), idpURL+"?") {
			t.Fatalf("%s: %d to %q", tt.name, p.status, to)
		}
		q := to.Query()
		id, wctx := q.Get("client-request-id"), q.Get("wctx")
		if !guid.MatchString(id) || !regexp.MustCompile(`^estsredirect=2&estsrequest=[\w-]+$`).MatchString(wctx) {
			t.Errorf("%s: client-request-id %q, wctx %q", tt.name, id, wctx)
		}
		want := url.Values{"client-request-id": {id}, "wctx": {wctx}, "username": {"ann@example.com"}, "wa": {"wsignin1.0"},
			"wtrealm": {"urn:federation:MicrosoftOnline"}}
		for k, v := range tt.extra {
			want[k] = v
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("%s: query (-want +got):\n%s", tt.name, diff)
		}
		p = b.post("/login.srf", "wa", "wsignin1.0", "wresult", reply{wsfed: true, class: multiple}.xml(t, ""), "wctx", wctx)
		if p.id("userPrincipalName") != "ann@example.com" {
			t.Errorf("%s: not signed in: %s", tt.name, p.id("message"))
		}
		entry := line(s)
		entry.Protocol, entry.Token = aad.SignInWSFed, aad.TokenSAML11
		if diff := cmp.Diff([]aad.SignIn{entry}, lines(s)); diff != "" || s.SignIns()[0].CorrelationID != id {
			t.Errorf("%s: correlation ID %q, log (-want +got):\n%s", tt.name, s.SignIns()[0].CorrelationID, diff)
		}
		foreign := stranger()
		p = b.post("/login.srf", "wa", "wsignin1.0", "wresult", reply{wsfed: true, by: &foreign}.xml(t, ""), "wctx", "")
		if got := p.id("message"); !strings.HasPrefix(got, "AADSTS5000811: ") {
			t.Errorf("%s: wrong certificate: the page says %q", tt.name, got)
		}
		p = b.post("/login.srf", "wa", "wsignin1.0", "wresult", reply{wsfed: true, name: "x"}.xml(t, ""), "wctx", "")
		if got := p.id("message"); !strings.HasPrefix(got, "AADSTS51004: The user account x does not exist") {
			t.Errorf("%s: wrong immutable ID: the page says %q", tt.name, got)
		}
	}
}
