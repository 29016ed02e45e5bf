package federationtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestStrangePages: what no stand-in has is an error that says what was seen, and no walk
// goes on for ever or away from this machine.
func TestStrangePages(t *testing.T) {
	redirect := func(to string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
	}
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<!DOCTYPE html><html><head><title>A title</title></head><body>"+body+"</body></html>")
		}
	}
	for name, tt := range map[string]struct {
		h     http.HandlerFunc
		err   string
		pages int
	}{
		"unknown":      {page(`<h1>Coming soon</h1><p>Come back&nbsp;later.</p>`), `with the page "Coming soon": Come back later.`, 1},
		"without a h1": {page(`<p>Come back later.</p>`), `the page "A title": Come`, 1},
		"other fields": {page(`<h1>Fill</h1><form method=post><input name=shoe></form>`), `the page "Fill", which asks for "shoe"`, 1},
		"redirects":    {redirect("/", http.StatusFound), "does not end: 40 pages, the last one Microsoft", 40},
		"forms":        {page(`<h1>On</h1><form method="post" action="/?a=b"><input type="hidden" name="a"></form>`), "does not end: 40", 40},
		"get forms":    {page(`<h1>On</h1><form><input type="hidden" name="a" value="b"></form>`), "does not end: 40 pages", 40},
		"keeps method": {redirect("/", http.StatusTemporaryRedirect), "answers 307", 0},
		"no page":      {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }, "which is no page", 0},
		"leads away": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.jumpcloud.com/saml2/x", http.StatusFound)
		}, "sso.jumpcloud.com, which is not on", 1},
		"no way":         {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound) }, "Location", 0},
		"form to no URL": {page(`<h1>On</h1><form method="post" action="http://[::1"></form>`), "missing ']'", 1},
		"dropped":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF", 0},
	} {
		t.Run(name, func(t *testing.T) {
			hs := httptest.NewServer(tt.h)
			defer hs.Close()
			w, err := federationtest.NewBrowser(nil, hs.URL+"/").SignIn(t.Context(), federationtest.Person{UserName: "a@b.example"})
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.HasPrefix(err.Error(), "federationtest: ") {
				t.Errorf("error = %v; want one that says %q", err, tt.err)
			}
			if w == nil || len(w.Pages) != tt.pages || w.SignedIn != "" {
				t.Errorf("%d pages, want %d:\n%v", len(w.Pages), tt.pages, w)
			}
		})
	}
}

func TestNoSuchHost(t *testing.T) {
	m := meet(t).federate()
	_, err := m.Browser().Open(t.Context(), "https://www.example.com/", m.ada)
	if err == nil || !strings.Contains(err.Error(), "no host www.example.com") {
		t.Errorf("error = %v", err)
	}
	if _, err := m.Browser().Open(t.Context(), ":", m.ada); err == nil {
		t.Error("no error for what is no address")
	}
	b := federationtest.NewBrowser(nil, "http://127.0.0.1:1/")
	if _, err := b.OpenTile(t.Context(), m.ada, "x"); err == nil || !strings.Contains(err.Error(), "portal") {
		t.Errorf("error = %v", err)
	}
}

// TestOneBrowserForEachPerson: the cookies of one are not those of another.
func TestOneBrowserForEachPerson(t *testing.T) {
	m := meet(t).federate()
	m.want(m.signIn(), "in", true)
	ben := federationtest.Person{UserName: m.JumpCloud.Users()[1].Email, Password: "wrong"}
	w, err := m.Browser().SignIn(t.Context(), ben)
	if err != nil || outcome(w) != "wrong-password" {
		t.Errorf("%v\n%v", err, w)
	}
}

// TestCustomersSignIn: customers of a provider share JumpCloud's hosts.
func TestCustomersSignIn(t *testing.T) {
	p := federationtest.NewProvider(2, nil)
	if _, err := federation.FederateTenants(federationtest.Hurry(t.Context()), p.Tenants(nil), nil); err != nil {
		t.Fatal(err)
	}
	for i, e := range p.Customers {
		who := federationtest.Person{UserName: e.JumpCloud.Users()[0].Email}
		w, err := e.Browser().SignIn(t.Context(), who)
		if err != nil || w.SignedIn != who.UserName || !w.Through() {
			t.Errorf("customer %d: %v\n%v", i, err, w)
		}
		w, err = e.Browser().OpenTile(t.Context(), who, e.JumpCloud.Applications()[0].Label)
		if err != nil || w.SignedIn != who.UserName {
			t.Errorf("customer %d, from the portal: %v\n%v", i, err, w)
		}
		if n := len(e.JumpCloud.Events()); n != 2 {
			t.Errorf("customer %d: %d events", i, n)
		}
	}
	other := federationtest.Person{UserName: p.Customers[0].JumpCloud.Users()[0].Email}
	w, err := p.Customers[1].Browser().SignIn(t.Context(), other)
	if err != nil || w.SignedIn != "" || w.Through() {
		t.Errorf("another customer's person: %v\n%v", err, w)
	}
}

// TestOutcomes: the last line of a walk, in each way in which it can end.
func TestOutcomes(t *testing.T) {
	for want, w := range map[string]federationtest.Walk{
		"signed in as a@b.example":                     {SignedIn: "a@b.example"},
		"not signed in: AADSTS51004: There is none.":   {Code: "AADSTS51004", Text: "There is none."},
		"not signed in: JumpCloud says locked: It is.": {Refusal: "locked", Text: "It is."},
		"not signed in: The code is wrong.":            {Text: "The code is wrong."},
		"not signed in":                                {},
	} {
		if got := w.Outcome(); got != want {
			t.Errorf("Outcome() = %q, want %q", got, want)
		}
	}
	p := federationtest.Page{Service: "JumpCloud", Title: "No access", Status: 403}
	if got := fmt.Sprint(p); got != "JumpCloud  No access (403)" {
		t.Errorf("page = %q", got)
	}
}
