package aadtest_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/aad/signin"
)

// lines are the sign-ins without what is made up.
func lines(s *aadtest.Server) []aad.SignIn {
	all := s.SignIns()
	for i := range all {
		all[i].ID, all[i].CorrelationID = "", ""
	}
	return all
}

// line is a sign-in of Ann through her provider.
func line(s *aadtest.Server) aad.SignIn {
	return aad.SignIn{Created: office, UserID: s.Users()[0].ID, UserPrincipalName: "ann@example.com", UserDisplayName: "Ann <Example>",
		AppID: "4765445b-32c6-49b0-83e6-1d93765276ca", AppDisplayName: "OfficeHome", Protocol: aad.SignInSAML20, Token: aad.TokenSAML20}
}

func TestSignIn(t *testing.T) {
	s := signInTenant()
	b := newBrowser(t, s)
	if p := b.begin("Ann@Example.com"); !strings.Contains(p.text, "Example &amp; Co") {
		t.Fatalf("the page does not name the provider:\n%s", p.text)
	}
	if action, _ := b.page.form(); action != idpURL {
		t.Errorf("the request goes to %q", action)
	}
	if n := len(s.SignIns()); n != 0 {
		t.Errorf("%d sign-ins before the answer", n)
	}
	p := b.answer(reply{})
	if p.id("displayName") != "Ann <Example>" || p.id("userPrincipalName") != "ann@example.com" {
		t.Fatalf("not signed in:\n%s", p.text)
	}
	if diff := cmp.Diff([]aad.SignIn{line(s)}, lines(s)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}

	if p = b.open("/"); p.id("userPrincipalName") != "ann@example.com" {
		t.Error("the session does not count")
	}
	if p = b.open("/?prompt=login"); p.id("userPrincipalName") != "" {
		t.Error("the session counts in spite of prompt=login")
	}
	if _, err := s.Client(nil).User(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := s.Client(nil).RevokeSignInSessions(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	if p = b.open("/"); p.id("userPrincipalName") != "" {
		t.Error("the session counts after it was ended")
	}
	b.begin("ann@example.com")
	b.answer(reply{})
	if b.open("/common/oauth2/v2.0/logout"); b.open("/").id("userPrincipalName") != "" {
		t.Error("signing out does not")
	}
}

// TestUnsolicited: answers without a request are accepted.
func TestUnsolicited(t *testing.T) {
	s := signInTenant()
	b := newBrowser(t, s)
	for _, state := range []string{"", "nobody's", "estsrequest=x", "%zz"} {
		p := b.post("/login.srf", "SAMLResponse", base64.StdEncoding.EncodeToString([]byte(reply{}.xml(t, "_x"))), "RelayState", state)
		if p.id("userPrincipalName") != "ann@example.com" {
			t.Errorf("RelayState %q: not signed in:\n%s", state, p.text)
		}
	}
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// TestRefused: each error is a page with code, text and IDs, and a line in the log.
func TestRefused(t *testing.T) {
	other := func(s *aadtest.Server) {
		s.AddDomain("example.org")
		s.EditUser("ann@example.com", func(u *aad.User) { u.UserPrincipalName = "ann@example.org" })
	}
	foreign := stranger()
	enforce := func(s *aadtest.Server) {
		s.DemandMFA = func(u aad.User) bool { return u.UserPrincipalName == "ann@example.com" }
		s.Quirks.MFALoops = -1
		f, _ := s.Federation("example.com")
		f.MFA = aad.EnforceMFAByFederatedIdP
		s.SetFederation("example.com", f)
	}
	tests := []struct {
		name    string
		prepare func(*aadtest.Server)
		reply   reply
		code    int
		text    string // "": not known
	}{
		{"certificate", nil, reply{by: &foreign}, 5000811, "The signing key identifier does not match any valid registered keys."},
		{"not signed", nil, reply{unsigned: true}, 500081, ""},
		{"issuer", nil, reply{issuer: idpIssuer + "/"}, 50107,
			"The requested federation realm object '" + idpIssuer + "/' does not exist."},
		{"issuer, in other words", func(s *aadtest.Server) { s.Quirks.NoRealmIs500083 = true }, reply{issuer: "urn:x"}, 500083,
			"No trusted realm was found with identifier urn:x."},
		{"protocol", func(s *aadtest.Server) {
			f, _ := s.Federation("example.com")
			f.Protocol = aad.WSFed
			s.SetFederation("example.com", f)
		}, reply{}, 50107, "realm object '" + idpIssuer + "'"},
		{"no immutable ID", func(s *aadtest.Server) {
			s.EditUser("ann@example.com", func(u *aad.User) { u.ImmutableID = "" })
		}, reply{}, 51004, "The user account " + annID + " does not exist in the 5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21 directory."},
		{"another immutable ID", nil, reply{name: strings.ToUpper(annID)}, 51004, "The user account " + strings.ToUpper(annID)},
		{"audience", nil, reply{audience: "https://login.microsoftonline.com/x/"}, 50010, ""},
		{"expired", nil, reply{at: office.Add(-3 * time.Hour)}, 500089, "SAML 2.0 assertion validation failed"},
		{"early", nil, reply{at: office.Add(3 * time.Hour)}, 500089, "SAML 2.0 assertion validation failed"},
		{"error of the provider", nil, reply{failed: true}, 500082, "SAML assertion is not present in the token."},
		{"policy", other, reply{}, 5000820, "Sign-in blocked by Federated Token Validation policy."},
		{"disabled", func(s *aadtest.Server) {
			s.EditUser("ann@example.com", func(u *aad.User) { u.Enabled = new(bool) })
		}, reply{}, 50057, ""},
		{"two of an immutable ID", func(s *aadtest.Server) {
			s.AddUser(aad.User{UserPrincipalName: "twin@example.com", ImmutableID: annID})
		}, reply{}, 50008, "SAML token is invalid."},
		{"second factor", enforce, reply{}, 50079, "second factor"},
		{"second factor, in another code", func(s *aadtest.Server) { enforce(s); s.Quirks.MFALoopCode = "AADSTS50196" }, reply{}, 50196, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := signInTenant()
			b := newBrowser(t, s)
			b.begin("ann@example.com")
			if tt.prepare != nil {
				tt.prepare(s)
			}
			p := b.answer(tt.reply)
			code := "AADSTS" + strconv.Itoa(tt.code)
			if got := p.id("message"); !strings.HasPrefix(got, code+": ") || !strings.Contains(got, tt.text) {
				t.Fatalf("the page says %q; want %s and %q", got, code, tt.text)
			}
			if found := signin.Explain(p.text); len(found) != 1 || found[0].Code != code {
				t.Errorf("explained as %+v", found)
			}
			if id := p.id("requestId"); !guid.MatchString(id) || id != p.header.Get("request-id") {
				t.Errorf("request ID %q", id)
			}
			if got := p.id("timestamp"); got != "2026-03-02T09:00:00Z" {
				t.Errorf("timestamp %q", got)
			}
			all := s.SignIns()
			if len(all) != 1 {
				t.Fatalf("log = %+v", all)
			}
			if e := all[0]; e.ErrorCode != tt.code || !strings.Contains(e.FailureReason, tt.text) || e.CorrelationID != p.id("correlationId") ||
				!guid.MatchString(e.CorrelationID) || !strings.HasPrefix(e.UserPrincipalName, "ann@example.") || e.Protocol != aad.SignInSAML20 {
				t.Errorf("log = %+v", e)
			}
			if p := b.open("/"); p.id("userPrincipalName") != "" {
				t.Error("somebody is signed in")
			}
		})
	}
}

// TestUnproved: what nothing proves names nobody in the log.
func TestUnproved(t *testing.T) {
	s := signInTenant()
	foreign := stranger()
	newBrowser(t, s).post("/login.srf", "SAMLResponse", base64.StdEncoding.EncodeToString([]byte(reply{by: &foreign}.xml(t, "_x"))))
	want := line(s)
	want.UserID, want.UserPrincipalName, want.UserDisplayName, want.ErrorCode = "00000000-0000-0000-0000-000000000000", "", "", 5000811
	if diff := cmp.Diff([]aad.SignIn{want}, lines(s), cmpopts.IgnoreFields(aad.SignIn{}, "FailureReason")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestNoMessage(t *testing.T) {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, flate.BestSpeed)
	w.Write([]byte(reply{}.xml(t, "_x")))
	w.Close()
	good := base64.StdEncoding.EncodeToString([]byte(reply{}.xml(t, "_x")))
	s := signInTenant()
	b := newBrowser(t, s)
	for _, tt := range []struct {
		name, code string
		fields     []string
	}{
		{"nothing", "AADSTS90121", nil},
		{"compressed", "AADSTS75005", []string{"SAMLResponse", base64.StdEncoding.EncodeToString(z.Bytes())}},
		{"not base64", "AADSTS75005", []string{"SAMLResponse", reply{}.xml(t, "_x")}},
		{"no XML", "AADSTS75005", []string{"SAMLResponse", "Zm9v"}},
		{"too long", "AADSTS75005", []string{"SAMLResponse", strings.Repeat("PHg+", 1<<20)}},
		{"broken XML", "AADSTS50008", []string{"SAMLResponse", base64.StdEncoding.EncodeToString([]byte("<x>"))}},
		{"a request", "AADSTS50008", []string{"SAMLResponse", base64.StdEncoding.EncodeToString([]byte(
			`<a:AuthnRequest xmlns:a="urn:oasis:names:tc:SAML:2.0:protocol"/>`))}},
		{"no wa", "AADSTS20012", []string{"wresult", reply{wsfed: true}.xml(t, "")}},
		{"base64 for WS-Federation", "AADSTS20012", []string{"wa", "wsignin1.0", "wresult", good}},
	} {
		if got := b.post("/login.srf", tt.fields...).id("message"); !strings.HasPrefix(got, tt.code+": ") {
			t.Errorf("%s: the page says %q; want %s", tt.name, got, tt.code)
		}
	}
	if got := b.open("/login.srf?SAMLResponse=" + url.QueryEscape(good)).id("message"); !strings.HasPrefix(got, "AADSTS75001: ") {
		t.Errorf("by HTTP-Redirect: the page says %q", got)
	}
	wrapped := regexp.MustCompile(`.{76}`).ReplaceAllString(good, "$0\r\n")
	if p := b.post("/login.srf", "SAMLResponse", wrapped); p.id("userPrincipalName") != "ann@example.com" {
		t.Errorf("base64 in lines is refused: %s", p.id("message"))
	}
}

// TestSignInFollowsTheRealm: the pages go by what the realm endpoints know.
func TestSignInFollowsTheRealm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInTenant()
		s.RealmLag = time.Hour
		foreign := stranger()
		renewed, _ := s.Federation("example.com")
		renewed.SigningCertificate = foreign.cert
		time.Sleep(2 * time.Hour)
		s.SetFederation("example.com", renewed)
		s.SetPassword("ann@example.com", "hers")
		step := func(when string, by *struct{ old, new bool }) {
			b := newBrowser(t, s)
			b.begin("ann@example.com")
			old := b.answer(reply{}).id("userPrincipalName") != ""
			b = newBrowser(t, s)
			b.begin("ann@example.com")
			if got := b.answer(reply{by: &foreign}).id("userPrincipalName") != ""; old != by.old || got != by.new {
				t.Errorf("%s: old certificate %v, new one %v; want %+v", when, old, got, *by)
			}
		}
		step("at once", &struct{ old, new bool }{true, false})
		time.Sleep(time.Hour)
		step("later", &struct{ old, new bool }{false, true})

		s.RemoveFederation("example.com")
		b := newBrowser(t, s)
		if action, _ := b.begin("ann@example.com").form(); action != idpURL {
			t.Errorf("managed, and not known to be: the form goes to %s", action)
		}
		time.Sleep(time.Hour)
		if p := b.begin("ann@example.com"); !strings.Contains(p.text, `name="passwd"`) {
			t.Errorf("no password page:\n%s", p.text)
		}
		if p := b.submit("passwd", "hers"); p.id("userPrincipalName") != "ann@example.com" {
			t.Errorf("not signed in:\n%s", p.text)
		}
	})
}
