package aad_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

func TestRealm(t *testing.T) {
	s := tenant()
	f := federation(t)
	s.AddDomain("fed.example")
	s.SetFederation("fed.example", f)
	federated := &aad.Realm{NameSpaceType: aad.Federated, DomainName: "fed.example", BrandName: "Example", Protocol: aad.RealmSAML20, CloudInstance: "login.microsoftonline.com"}
	without := *federated
	without.Protocol, without.CloudInstance = "", "microsoftonline.com"
	tests := []struct {
		name, who string
		quirks    aadtest.Quirks
		want      *aad.Realm
		user      string // in AuthURL
		sent      []string
	}{
		{"managed", "example.com", aadtest.Quirks{}, &aad.Realm{NameSpaceType: aad.Managed, DomainName: "example.com", BrandName: "Contoso", CloudInstance: "login.microsoftonline.com"}, "", []string{"/common/userrealm/realm@example.com"}},
		{"federated", "O'Neil+x@FED.example.", aadtest.Quirks{}, federated, "O%27Neil%2Bx%40fed.example", []string{"/common/userrealm/O'Neil+x@fed.example"}},
		{"unknown", "nobody.example", aadtest.Quirks{}, &aad.Realm{NameSpaceType: aad.UnknownRealm}, "", []string{"/common/userrealm/realm@nobody.example"}},
		{"the other endpoint", "fed.example", aadtest.Quirks{NoUserRealm: true}, &without, "fed.example", []string{"/common/userrealm/realm@fed.example", "/getuserrealm.srf"}},
		{"the other endpoint in XML", "a@fed.example", aadtest.Quirks{NoUserRealm: true, RealmXML: true}, &without, "a%40fed.example", []string{"/common/userrealm/a@fed.example", "/getuserrealm.srf"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.Quirks = tt.quirks
			s.ResetLog()
			cred := &credential{err: errors.New("not to be asked")}
			rec := &recorder{next: s.HTTPClient().Transport}
			got, err := s.ClientWith(cred, &aad.Options{HTTPClient: &http.Client{Transport: rec}}).Realm(t.Context(), tt.who)
			if err != nil {
				t.Fatal(err)
			}
			want := *tt.want
			if tt.user != "" {
				want.AuthURL = f.PassiveSignInURI + "?username=" + tt.user
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("realm (-want +got):\n%s", diff)
			}
			var paths []string
			for _, r := range s.Requests() {
				paths = append(paths, r.Path)
			}
			if diff := cmp.Diff(tt.sent, paths); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			for _, h := range rec.head {
				if h.Get("Authorization") != "" || cred.calls != 0 {
					t.Error("a token was sent to the login service")
				}
			}
		})
	}
	s.Quirks = aadtest.Quirks{NoUserRealm: true}
	s.Fault = func(r *http.Request) aadtest.Fault {
		return aadtest.Fault{Kind: aadtest.Error500Before, Status: 404, Body: "<html>"}
	}
	if _, err := s.Client(nil).Realm(t.Context(), "a@example.com"); !errors.Is(err, aad.ErrNotFound) {
		t.Errorf("both endpoints gone: err = %v", err)
	}
	s.Fault = func(r *http.Request) aadtest.Fault {
		return aadtest.Fault{Kind: aadtest.Error500Before, Status: 200, Body: "{}"}
	}
	if _, err := s.Client(nil).Realm(t.Context(), "a@example.com"); !errors.Is(err, aad.ErrUnavailable) {
		t.Errorf("an answer that says nothing: err = %v", err)
	}
}

func TestRealmLag(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		s.RealmLag = 20 * time.Minute
		c, ctx := s.Client(nil), t.Context()
		if _, err := c.CreateFederation(ctx, "example.com", federation(t)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []aad.AuthenticationType{aad.Managed, aad.Federated} {
			r, err := c.Realm(ctx, "example.com")
			if err != nil || r.NameSpaceType != want {
				t.Errorf("realm = %+v, %v; want %s", r, err, want)
			}
			time.Sleep(20 * time.Minute)
		}
	})
}

// What a caller may get wrong is either refused before it is sent, or sent right.
func TestBadInput(t *testing.T) {
	const long = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	domain := func(name string) func(context.Context, *aad.Client) error {
		return func(ctx context.Context, c *aad.Client) error { _, err := c.Domain(ctx, name); return err }
	}
	user := func(id string) func(context.Context, *aad.Client) error {
		return func(ctx context.Context, c *aad.Client) error { _, err := c.User(ctx, id); return err }
	}
	list := func(o aad.UsersOptions) func(context.Context, *aad.Client) error {
		return func(ctx context.Context, c *aad.Client) error { _, err := collect(c.Users(ctx, &o)); return err }
	}
	tests := []struct {
		name string
		call func(context.Context, *aad.Client) error
		sent string // "": refused
		say  string
	}{
		{"domain in capitals", domain("EXAMPLE.Com"), "/domains/example.com", ""},
		{"domain with a dot at its end", domain("example.com."), "/domains/example.com", ""},
		{"internationalised domain", domain("bücher.example"), "", "xn--"},
		{"its ASCII form", domain("XN--bcher-kva.example"), "/domains/xn--bcher-kva.example", ""},
		{"empty domain", domain(""), "", "the domain is empty"},
		{"dots only", domain(".."), "", "is not a domain name"},
		{"no dot", domain("localhost"), "", "full domain name"},
		{"empty label", domain("a..example"), "", "is not a domain name"},
		{"long label", domain(long + ".example"), "", "is not a domain name"},
		{"long name", domain(strings.Repeat("a.", 130) + "example"), "", "longer than a domain name"},
		{"hyphen at an end", domain("-a.example"), "", "is not a domain name"},
		{"domain with a slash", domain("example.com/federationConfiguration"), "", "is not a domain name"},
		{"domain with a space", domain(" example.com"), "", "is not a domain name"},
		{"domain with a newline", domain("example.com\n"), "", "is not a domain name"},
		{"domain with a query", domain("example.com?$select=id"), "", "is not a domain name"},
		{"address for a domain", domain("a@example.com"), "", "is not a domain name"},
		{"user with an apostrophe", user("o'neil@example.com"), "/users/o%27neil@example.com|/users/o'neil@example.com", ""},
		{"guest", user("a_b.example#EXT#@example.com"), "/users/a_b.example%23EXT%23@example.com", ""},
		{"user with a plus", user("a+b@example.com"), "/users/a+b@example.com|/users/a%2Bb@example.com", ""},
		{"user beyond ASCII", user("é@example.com"), "/users/%C3%A9@example.com", ""},
		{"user with a percent sign", user("a%2f@example.com"), "/users/a%252f@example.com", ""},
		{"empty user", user(""), "", "is empty"},
		{"user with a slash", user("a/b"), "", "character"},
		{"dots for a user", user(".."), "", "another resource"},
		{"user with a newline", user("a\n"), "", "character"},
		{"empty ID in a list", list(aad.UsersOptions{IDs: []string{"a", ""}}), "", "the ID is empty"},
		{"empty prefix to leave out", list(aad.UsersOptions{NotPrefixes: []string{""}}), "", "leave out everybody"},
		{"newline in a filter", list(aad.UsersOptions{Filter: "a eq 'b'\r\nX: y"}), "", "control character"},
		{"bad domain in a filter", list(aad.UsersOptions{Domain: "x') or (true"}), "", "is not a domain name"},
		{"bad domain, in ranges", list(aad.UsersOptions{Domain: "x", Parallel: true}), "", "full domain name"},
		{"bad domain, counted", func(ctx context.Context, c *aad.Client) error {
			_, err := c.UserCount(ctx, &aad.UsersOptions{Domain: "x"})
			return err
		}, "", "full domain name"},
		{"prefix with an apostrophe", list(aad.UsersOptions{Prefix: "o'n"}), "/users?$count=true&$filter=startsWith%28userPrincipalName%2C%27o%27%27n%27%29", ""},
		{"empty role", func(ctx context.Context, c *aad.Client) error {
			_, err := collect(c.RoleAssignments(ctx, ""))
			return err
		}, "", "role is empty"},
		{"empty group", func(ctx context.Context, c *aad.Client) error { _, err := collect(c.GroupMembers(ctx, "")); return err }, "", "the ID is empty"},
		{"empty assignment", func(ctx context.Context, c *aad.Client) error { return c.RemoveRoleAssignment(ctx, "") }, "", "the ID is empty"},
		{"role for nobody", func(ctx context.Context, c *aad.Client) error { _, err := c.AssignRole(ctx, "", "x"); return err }, "", "the ID is empty"},
		{"new user without anything", func(ctx context.Context, c *aad.Client) error { _, err := c.CreateUser(ctx, aad.NewUser{}); return err }, "", "userPrincipalName is missing; displayName is missing; password is missing"},
		{"new user without domain", func(ctx context.Context, c *aad.Client) error {
			_, err := c.CreateUser(ctx, aad.NewUser{UserPrincipalName: "bob", DisplayName: "B", Password: aad.NewSecret("x"), ImmutableID: "a_b"})
			return err
		}, "", "at sign and a domain; onPremisesImmutableId has a $ or a _"},
		{"new name with a space", func(ctx context.Context, c *aad.Client) error {
			return c.SetUserPrincipalName(ctx, "id", "a b@example.com")
		}, "", "userPrincipalName has a character"},
		{"immutable ID with a dollar", func(ctx context.Context, c *aad.Client) error { return c.SetImmutableID(ctx, "id", "a$") }, "", "onPremisesImmutableId has a $"},
		{"immutable ID of nobody", func(ctx context.Context, c *aad.Client) error { return c.SetImmutableID(ctx, "", "a") }, "", "is empty"},
		{"nobody deleted", func(ctx context.Context, c *aad.Client) error { return c.DeleteUser(ctx, "") }, "", "is empty"},
		{"no domain deleted", func(ctx context.Context, c *aad.Client) error { return c.DeleteDomain(ctx, "") }, "", "the domain is empty"},
		{"no domain created", func(ctx context.Context, c *aad.Client) error { _, err := c.CreateDomain(ctx, ""); return err }, "", "the domain is empty"},
		{"no domain for records", func(ctx context.Context, c *aad.Client) error { _, err := c.VerificationRecords(ctx, ""); return err }, "", "the domain is empty"},
		{"no realm", func(ctx context.Context, c *aad.Client) error { _, err := c.Realm(ctx, "a@"); return err }, "", "the domain is empty"},
		{"update without ID", func(ctx context.Context, c *aad.Client) error {
			_, err := c.UpdateFederation(ctx, "example.com", "", aad.FederationUpdate{})
			return err
		}, "", "the ID is empty"},
		{"federation by no ID", func(ctx context.Context, c *aad.Client) error {
			_, err := c.FederationByID(ctx, "example.com", "")
			return err
		}, "", "the ID is empty"},
		{"sessions of nobody", func(ctx context.Context, c *aad.Client) error { return c.RevokeSignInSessions(ctx, "") }, "", "is empty"},
		{"sessions of a path", func(ctx context.Context, c *aad.Client) error { return c.RevokeSignInSessions(ctx, "a/b") }, "", "character"},
		{"federation with two mistakes", func(ctx context.Context, c *aad.Client) error {
			f := federation(t)
			f.DisplayName = ""
			_, err := c.CreateFederation(ctx, "x", f)
			return err
		}, "", "give the full domain name, such as example.com; displayName is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tenant()
			rec := &recorder{next: s.HTTPClient().Transport}
			err := tt.call(t.Context(), s.Client(&aad.Options{HTTPClient: &http.Client{Transport: rec}}))
			if tt.sent == "" {
				if err == nil || !strings.Contains(err.Error(), tt.say) || len(rec.sent) != 0 {
					t.Errorf("err = %v, sent %q; want an error with %q and nothing sent", err, rec.sent, tt.say)
				}
				if tt.name != "dots for a user" && !errors.Is(err, aad.ErrInvalid) {
					t.Errorf("err = %v; want ErrInvalid", err)
				}
				return
			}
			ok := false
			for want := range strings.SplitSeq(tt.sent, "|") {
				ok = ok || len(rec.sent) > 0 && strings.HasPrefix(strings.ReplaceAll(rec.sent[0], "%24", "$"), "GET "+want)
			}
			if !ok {
				t.Errorf("sent %q; want %q (err = %v)", rec.sent, tt.sent, err)
			}
			if err != nil && !errors.Is(err, aad.ErrNotFound) {
				t.Error(err)
			}
		})
	}
}

// No secret is in anything that a program may print.
func TestSecretsStaySecret(t *testing.T) {
	const password = "p4ssw0rd-of-bob"
	secret := aad.NewSecret(password)
	bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		show := func(v any) {
			fmt.Fprintf(&out, "%v %+v %#v %s %q %x\n", v, v, v, v, v, v)
			b, err := json.Marshal(v)
			fmt.Fprintln(&out, string(b), err)
			log.Info("value", "v", v)
		}
		s := tenant()
		token, err := s.Credential().GetToken(t.Context(), tokenOptions)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := false
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "graph.microsoft.com" {
				elsewhere = true
			}
			return s.HTTPClient().Transport.RoundTrip(r)
		})
		hc := &http.Client{Transport: rt}
		opts := &aad.Options{HTTPClient: hc, Logger: log}
		c := s.ClientWith(static(token.Token), opts)
		ctx := t.Context()
		user := aad.NewUser{UserPrincipalName: "bob@example.com", DisplayName: "Bob", Password: secret}
		attempt := func() {
			_, err := c.CreateUser(ctx, user)
			show(err)
			var e *aad.Error
			if errors.As(err, &e) {
				show(*e)
			}
			_, err = collect(c.Users(ctx, nil))
			show(err)
		}
		show(secret)
		show(&secret)
		show(user)
		show(&user)
		show(c)
		show(*opts)
		attempt()
		for _, f := range []aadtest.Fault{
			{Kind: aadtest.Error500After}, {Kind: aadtest.DropAfter}, {Kind: aadtest.DropBefore}, {Kind: aadtest.Truncate}, {Kind: aadtest.TooMany, RetryAfter: "9999"},
			{Kind: aadtest.Error500Before, Status: 401, Body: graphError("InvalidAuthenticationToken", "bad token "+token.Token)},
			{Kind: aadtest.Error500Before, Status: 400, Body: "<html>"},
		} {
			s.Fault = func(*http.Request) aadtest.Fault { return f }
			attempt()
			time.Sleep(3 * time.Hour)
			c = s.ClientWith(static(token.Token), opts)
		}
		s.Fault = nil
		s.Quirks.NextLinkHost = "evil.example"
		s.PageSize = 1
		attempt()
		hc.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			elsewhere = elsewhere || r.URL.Host != "graph.microsoft.com"
			return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"https://evil.example/" + token.Token}}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
		})
		attempt()
		func() {
			hc.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("lost") })
			defer func() { show(recover()) }()
			attempt()
		}()
		if elsewhere {
			t.Error("a request went to another host")
		}
		text := out.String()
		if !strings.Contains(text, `"msg":"request"`) || len(text) < 1000 {
			t.Errorf("the debug log is not there: %s", text)
		}
		for _, s := range []string{password, fmt.Sprintf("%x", password), token.Token, token.Token[:40], strings.Split(token.Token, ".")[1], "bob@example.com failed", "skiptoken"} {
			if i := strings.Index(text, s); i >= 0 {
				t.Errorf("found a secret at …%s…", text[max(0, i-200):i])
			}
		}
	})
	if secret.Reveal() != password || secret.IsZero() || !(aad.Secret{}).IsZero() {
		t.Error("the secret does not know itself")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOptionsAreCopied(t *testing.T) {
	s := tenant()
	hc := s.HTTPClient()
	opts := &aad.Options{HTTPClient: hc}
	c := s.Client(opts)
	*opts = aad.Options{ReadOnly: true}
	if err := c.SetDefaultDomain(t.Context(), "example.com"); err != nil {
		t.Error(err)
	}
	if hc.CheckRedirect != nil || hc.Timeout != 0 {
		t.Error("the caller's HTTP client was changed")
	}
	uo := &aad.UsersOptions{Select: []string{"id"}, IDs: []string{userID}}
	users := c.Users(t.Context(), uo)
	uo.Select[0], uo.IDs[0] = "nonsense", "nobody"
	if all, err := collect(users); err != nil || len(all) != 1 {
		t.Errorf("users = %v, %v", all, err)
	}
}

func TestPolicy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(*aadtest.Server)
		want    aad.RootDomains
	}{
		{"default", func(*aadtest.Server) {}, aad.AllDomains},
		{"none there", func(s *aadtest.Server) { s.Quirks.NoPolicy = true }, aad.AllDomains},
		{"in a list", func(s *aadtest.Server) {
			s.Quirks.PolicyList = true
			s.SetPolicy(aad.TokenValidationPolicy{RootDomains: aad.NoDomains})
		}, aad.NoDomains},
		{"wrapped", func(s *aadtest.Server) {
			s.Quirks.WrapEntities = true
			s.SetPolicy(aad.TokenValidationPolicy{RootDomains: "somethingNew"})
		}, "somethingNew"},
	} {
		s := tenant()
		tt.prepare(s)
		p, err := s.Client(nil).TokenValidationPolicy(t.Context())
		if err != nil || p.RootDomains != tt.want {
			t.Errorf("%s: %+v, %v; want %s", tt.name, p, err, tt.want)
		}
	}
	for _, tt := range []struct {
		root   aad.RootDomains
		domain string
		auth   aad.AuthenticationType
		want   bool
	}{
		{aad.AllDomains, "x.example", aad.Managed, true}, {"", "x.example", aad.Managed, true}, {"new", "x.example", aad.Managed, true},
		{aad.NoDomains, "x.example", aad.Federated, false},
		{aad.AllFederatedDomains, "x.example", aad.Federated, true}, {aad.AllFederatedDomains, "x.example", aad.Managed, false},
		{aad.AllManagedDomains, "x.example", aad.Federated, false}, {aad.AllManagedDomains, "x.example", aad.Managed, true},
		{aad.EnumeratedDomains, "X.example.", aad.Federated, true}, {aad.EnumeratedDomains, "sub.x.example", aad.Federated, true}, {aad.EnumeratedDomains, "ax.example", aad.Managed, false},
		{aad.AllManagedAndEnumeratedFederation, "y.example", aad.Managed, true}, {aad.AllManagedAndEnumeratedFederation, "y.example", aad.Federated, false}, {aad.AllManagedAndEnumeratedFederation, "x.example", aad.Federated, true},
	} {
		p := aad.TokenValidationPolicy{RootDomains: tt.root, DomainNames: []string{"x.example"}}
		if got := p.Validates(tt.domain, tt.auth); got != tt.want {
			t.Errorf("%s: Validates(%s, %s) = %v; want %v", tt.root, tt.domain, tt.auth, got, tt.want)
		}
	}
}
