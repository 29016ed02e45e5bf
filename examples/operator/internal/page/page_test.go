package page

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestStopAndGo(t *testing.T) {
	f := newFake(approve.Grant{Actor: "ada", Customer: approve.Everywhere, Role: approve.Admin},
		approve.Grant{Actor: "bob", Customer: "Contoso", Role: approve.Admin})
	srv := site(t, f)
	ada, bob := as(t, srv, "ada"), as(t, srv, "bob")
	page := ada.get("/nowhere")
	if page.status != http.StatusNotFound {
		t.Fatalf("status %d", page.status)
	}
	form := page.form(t, "/stop")
	form.Set("verb", "stop")
	got := ada.post("/stop", form)
	if held, on := f.Stop(); !on || held.Who != "ada" {
		t.Fatalf("not held: %+v\n%s", held, got.body)
	}
	if !strings.Contains(got.body, "All new writes are held by ada") {
		t.Errorf("the page does not say so:\n%s", got.body)
	}
	if again := ada.post("/stop", form); again.status != http.StatusOK || !strings.Contains(again.body, "All new writes are held") {
		t.Errorf("sent again: %d", again.status)
	}
	form.Set("verb", "go")
	if no := bob.post("/stop", form); no.status != http.StatusForbidden {
		t.Errorf("bob: %d", no.status)
	}
	if strings.Contains(bob.get("/nowhere").body, `action="/stop"`) {
		t.Error("bob is shown the button")
	}
}

func TestLogIn(t *testing.T) {
	const password = "correct horse battery"
	f := newFake()
	f.roles = approve.PasswordRoles()
	g, err := approve.NewGuard(approve.GuardOptions{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, Options{Backend: f, Guard: g, Now: func() time.Time { return then }})
	b := as(t, srv, "")
	first := b.get("/nowhere?a=b")
	if first.url.Path != "/log-in" {
		t.Fatalf("at %s", first.url)
	}
	form := first.form(t, "/log-in")
	form.Set("password", "wrong wrong wrong wrong")
	if got := b.post("/log-in", form); got.status != http.StatusForbidden || !strings.Contains(got.body, "password is wrong") {
		t.Fatalf("a wrong password: %d", got.status)
	}
	form.Set("password", password)
	if got := b.post("/log-in", form); got.url.Path != "/nowhere" || got.status != http.StatusNotFound {
		t.Fatalf("at %s with %d", got.url, got.status)
	}
	for _, e := range f.logged() {
		if strings.Contains(e.Outcome, password) {
			t.Error("the audit has the password")
		}
	}
	if n := len(f.logged()); n != 2 {
		t.Errorf("%d entries in the audit", n)
	}
	if got := b.post("/log-out", nil); got.url.Path != "/log-in" {
		t.Errorf("at %s", got.url)
	}
	if got := b.get("/"); got.url.Path != "/log-in" {
		t.Errorf("at %s after the log-out", got.url)
	}
}
