package standin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/federationtest"
)

var ada = federationtest.Person{UserName: "ada.abbott@example.com"}

// serve serves both services, over which a domain was federated.
func serve(t *testing.T) *standin.Services {
	t.Helper()
	env := federationtest.New(nil)
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	env.JumpCloud.APIKey = "" // this client has another one
	if _, err := env.Federator(nil).Federate(federationtest.Hurry(t.Context()), env.Plan()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWalkOverHTTP: on each way the pages lead from one service to the other, and a
// browser that stays on this machine gets in.
func TestWalkOverHTTP(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*standin.Services)
		tile    bool
	}{
		"posted":           {},
		"redirect binding": {prepare: func(s *standin.Services) { s.AzureAD.Quirks.RedirectBinding = true }},
		"user name":        {prepare: func(s *standin.Services) { s.AzureAD.Quirks.SAMLUserName = true }},
		"portal":           {tile: true},
		"WS-Federation": {prepare: func(s *standin.Services) {
			s.JumpCloud.Quirks.SignIn.WSFed = true
			f, _ := s.AzureAD.Federation(s.Domain)
			f.Protocol = aad.WSFed
			s.AzureAD.SetFederation(s.Domain, f)
		}},
		"login URL of another form": {prepare: func(s *standin.Services) {
			const at = "https://login.example.com/saml2/a&b"
			s.JumpCloud.SetApplicationField(s.JumpCloud.Applications()[0].ID, "ssoUrl", at)
			f, _ := s.AzureAD.Federation(s.Domain)
			f.PassiveSignInURI = at
			s.AzureAD.SetFederation(s.Domain, f)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			if tt.prepare != nil {
				tt.prepare(s)
			}
			way := s.Browser().SignIn
			if tt.tile {
				way = func(ctx context.Context, p federationtest.Person) (*federationtest.Walk, error) {
					return s.Browser().OpenTile(ctx, p, s.JumpCloud.Applications()[0].Label)
				}
			}
			w, err := way(t.Context(), ada)
			if err != nil || w.SignedIn != ada.UserName || !w.Through() {
				t.Fatalf("%v\n%v", err, w)
			}
			for _, p := range w.Pages {
				if !strings.HasPrefix(p.URL, s.AzureADURL) && !strings.HasPrefix(p.URL, s.JumpCloudURL) {
					t.Errorf("page at %s", p.URL)
				}
			}
		})
	}
}

// TestOnlyLinksAreChanged: what is in messages names the real services, and links to others
// stay.
func TestOnlyLinksAreChanged(t *testing.T) {
	s := serve(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	post := func(at string, form url.Values) string {
		t.Helper()
		resp, err := c.PostForm(at, form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || resp.ContentLength != int64(len(b)) {
			t.Fatalf("%d, %d of %d bytes, %v", resp.StatusCode, len(b), resp.ContentLength, err)
		}
		return string(b)
	}
	login := s.JumpCloud.Applications()[0].SSOURL
	u, err := url.Parse(login)
	if err != nil {
		t.Fatal(err)
	}
	text := post(s.JumpCloudURL+u.Path, url.Values{
		"step": {"password"}, "username": {ada.UserName}, "password": {federationtest.JumpCloudPassword},
		"RelayState": {`<a href="https://login.microsoftonline.com/">`},
	})
	if !strings.Contains(text, ` action="`+s.AzureADURL+`/login.srf"`) {
		t.Errorf("the form does not go to the stand-in:\n%s", text)
	}
	if !strings.Contains(text, `href=&#34;https://login.microsoftonline.com/&#34;`) {
		t.Errorf("a field was changed:\n%s", text)
	}
	m := regexp.MustCompile(`name="SAMLResponse" value="([^"]*)"`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no response:\n%s", text)
	}
	text = post(s.SignInURL()+"login.srf", url.Values{"SAMLResponse": {strings.ReplaceAll(m[1], "&#43;", "+")}})
	if !strings.Contains(text, "You are signed in") {
		t.Errorf("the message is not taken:\n%s", text)
	}

	f, _ := s.AzureAD.Federation(s.Domain)
	f.PassiveSignInURI = "https://idp.example.com/other"
	s.AzureAD.SetFederation(s.Domain, f)
	text = post(s.SignInURL()+"common/login", url.Values{"loginfmt": {ada.UserName}})
	if !strings.Contains(text, `action="https://idp.example.com/other"`) {
		t.Errorf("a link to another provider was changed:\n%s", text)
	}
	if w, err := s.Browser().SignIn(t.Context(), ada); err == nil || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("error = %v\n%v", err, w)
	}
}
