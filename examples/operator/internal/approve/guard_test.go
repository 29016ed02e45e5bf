package approve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const password = "correct horse battery"

// TestGuardOptions: a guard knows people in one way, or is none.
func TestGuardOptions(t *testing.T) {
	prefix := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	for name, tt := range map[string]struct {
		opts GuardOptions
		want string // in the error; "" for none
	}{
		"nothing":             {GuardOptions{}, "nobody could be told apart"},
		"both":                {GuardOptions{Header: "X-User", UnixSocket: true, Password: password}, "not both"},
		"short password":      {GuardOptions{Password: "correct"}, "too short"},
		"header of nobody":    {GuardOptions{Header: "X-User"}, "believed of nobody"},
		"proxy, no header":    {GuardOptions{Password: password, Trusted: prefix("10.0.0.1/32")}, "without -identity-header"},
		"everybody":           {GuardOptions{Header: "X-User", Trusted: prefix("0.0.0.0/0")}, "everybody"},
		"everybody by IPv6":   {GuardOptions{Header: "X-User", Trusted: prefix("::/0")}, "everybody"},
		"all IPv4, as mapped": {GuardOptions{Header: "X-User", Trusted: prefix("::ffff:0.0.0.0/96")}, "everybody"},
		"no network":          {GuardOptions{Header: "X-User", Trusted: make([]netip.Prefix, 1)}, "no network"},
		"no header name":      {GuardOptions{Header: "X User", UnixSocket: true}, "no name"},
		"the host":            {GuardOptions{Header: "host", UnixSocket: true}, "no name"},
		"password":            {GuardOptions{Password: password}, ""},
		"proxy":               {GuardOptions{Header: "X-User", Trusted: prefix("10.0.0.1/32")}, ""},
		"socket":              {GuardOptions{Header: "X-User", UnixSocket: true}, ""},
	} {
		_, err := NewGuard(tt.opts)
		switch {
		case (err == nil) != (tt.want == ""), err != nil && !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: %v; want %q", name, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "correct"):
			t.Errorf("%s: the password is in %v", name, err)
		}
	}
}

// TestForgedHeader: what a header says counts only from a trusted proxy, and only if it
// is one name.
func TestForgedHeader(t *testing.T) {
	g, err := NewGuard(GuardOptions{Header: "x-user", Trusted: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("::ffff:192.0.2.9/128"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		from   string
		header http.Header
		actor  string
		want   error
	}{
		"proxy":                   {"10.0.0.7:1", http.Header{"X-User": {"Ada@Example.com"}}, "ada@example.com", nil},
		"proxy, mapped":           {"[::ffff:10.0.0.7]:1", http.Header{"X-User": {"ada"}}, "ada", nil},
		"proxy, configured so":    {"192.0.2.9:1", http.Header{"X-User": {"ada"}}, "ada", nil},
		"proxy by IPv6":           {"[2001:db8::1]:1", http.Header{"X-User": {"ada"}}, "ada", nil},
		"proxy by IPv6, zone":     {"[2001:db8::1%eth0]:1", http.Header{"X-User": {"ada"}}, "ada", nil},
		"forged":                  {"10.0.0.8:1", http.Header{"X-User": {"ada"}}, "", ErrNotTrusted},
		"forged, says forwarded":  {"10.0.0.8:1", http.Header{"X-User": {"ada"}, "X-Forwarded-For": {"10.0.0.7"}}, "", ErrNotTrusted},
		"forged, from loopback":   {"127.0.0.1:1", http.Header{"X-User": {"ada"}}, "", ErrNotTrusted},
		"forged, from a socket":   {"@", http.Header{"X-User": {"ada"}}, "", ErrNotTrusted},
		"from nowhere":            {"", http.Header{"X-User": {"ada"}}, "", ErrNotTrusted},
		"nobody":                  {"10.0.0.7:1", http.Header{}, "", ErrNoIdentity},
		"empty":                   {"10.0.0.7:1", http.Header{"X-User": {""}}, "", ErrNoIdentity},
		"appended by the proxy":   {"10.0.0.7:1", http.Header{"X-User": {"eve", "ada"}}, "", ErrNoIdentity},
		"joined by the proxy":     {"10.0.0.7:1", http.Header{"X-User": {"eve,ada"}}, "", ErrNoIdentity},
		"looks like another":      {"10.0.0.7:1", http.Header{"X-User": {"\u0430da"}}, "", ErrNoIdentity},
		"a space":                 {"10.0.0.7:1", http.Header{"X-User": {"ada "}}, "", ErrNoIdentity},
		"too long":                {"10.0.0.7:1", http.Header{"X-User": {strings.Repeat("a", 255)}}, "", ErrNoIdentity},
		"password mode's name":    {"10.0.0.7:1", http.Header{"X-User": {"Operator"}}, "", ErrNoIdentity},
		"the cookie of a session": {"10.0.0.7:1", http.Header{"Cookie": {Cookie + "=x"}}, "", ErrNoIdentity},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header = tt.from, tt.header
		a, err := g.Actor(r)
		if a.Name != tt.actor || !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v; want %q, %v", name, a, err, tt.actor, tt.want)
		}
	}
	if _, err := g.LogIn(password); err == nil {
		t.Error("there is a password beside the header")
	}
}

// TestUnixSocket: a real socket is told from what only says that it is one.
func TestUnixSocket(t *testing.T) {
	g, err := NewGuard(GuardOptions{Header: "X-User", UnixSocket: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"", "@", "unix"} { // without a connection that is one
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		r.Header.Set("X-User", "ada")
		if _, err := g.Actor(r); !errors.Is(err, ErrNotTrusted) {
			t.Errorf("from %q: %v; want %v", from, err, ErrNotTrusted)
		}
	}
	ask := func(network, addr string) error {
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			a, err := g.Actor(r)
			if err == nil && a != (Actor{"ada", "unix"}) {
				err = errors.New(a.Name + " from " + a.From)
			}
			got <- err
		})}
		go s.Serve(l)
		defer s.Close()
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
		req, _ := http.NewRequest("GET", "http://operator/", nil)
		req.Header.Set("X-User", "Ada")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return <-got
	}
	if err := ask("unix", filepath.Join(t.TempDir(), "s")); err != nil {
		t.Errorf("socket: %v", err)
	}
	if err := ask("tcp", "127.0.0.1:0"); !errors.Is(err, ErrNotTrusted) {
		t.Errorf("TCP: %v; want %v", err, ErrNotTrusted)
	}
}

// TestPassword: a session is made by the password, and ends by itself or by its owner.
func TestPassword(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g, err := NewGuard(GuardOptions{Password: password, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "correct", password + " ", strings.ToUpper(password)} {
		if _, err := g.LogIn(wrong); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	request := func(session string) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-User", "ada")
		r.AddCookie(&http.Cookie{Name: Cookie, Value: session})
		return r
	}
	is := func(what, session string, want error) {
		t.Helper()
		if a, err := g.Actor(request(session)); !errors.Is(err, want) || (err == nil) != (a.Name == Operator) {
			t.Errorf("%s: %+v, %v; want %v", what, a, err, want)
		}
	}
	first, err := g.LogIn(password)
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.LogIn(password)
	if err != nil || first == second {
		t.Fatal(err, first == second)
	}
	is("no session", "", ErrLoggedOut)
	is("a guess", "guess", ErrLoggedOut)
	is("first", first, nil)
	is("first again", first, nil)
	g.LogOut(request(first))
	is("logged out", first, ErrLoggedOut)
	is("second", second, nil)
	now = now.Add(sessionLife)
	is("after 12 hours", second, ErrLoggedOut)
}
