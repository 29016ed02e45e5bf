package aad_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// credential counts how often it is asked.
type credential struct {
	next azcore.TokenCredential
	err  error
	slow time.Duration

	mu    sync.Mutex
	calls int
	scope []string
}

func (c *credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	c.calls++
	c.scope = o.Scopes
	err := c.err
	c.mu.Unlock()
	select {
	case <-time.After(c.slow):
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	}
	if err != nil {
		return azcore.AccessToken{}, err
	}
	if c.next == nil {
		return azcore.AccessToken{}, nil
	}
	return c.next.GetToken(ctx, o)
}

func (c *credential) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func TestTokenIsFetchedOnceForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		cred := &credential{next: s.Credential(), slow: time.Second}
		c := s.ClientWith(cred, nil)
		all := func() {
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					if _, err := c.Domain(t.Context(), "example.com"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		all()
		if cred.calls != 1 || !slices.Equal(cred.scope, []string{"https://graph.microsoft.com/.default"}) {
			t.Errorf("asked %d times for %v; want once for Graph's default scope", cred.calls, cred.scope)
		}
		time.Sleep(54 * time.Minute)
		all()
		if cred.calls != 1 {
			t.Errorf("asked %d times within the token's life; want 1", cred.calls)
		}
		time.Sleep(2 * time.Minute) // less than five minutes are left
		all()
		if cred.calls != 2 {
			t.Errorf("asked %d times shortly before the expiry; want 2", cred.calls)
		}
		s.RevokeTokens()
		all()
		if cred.calls != 3 {
			t.Errorf("asked %d times after all were refused; want 3", cred.calls)
		}
	})
}

func TestRenewalFailsWhileTheTokenIsGood(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		cred := &credential{next: s.Credential()}
		c := s.ClientWith(cred, nil)
		ask := func() error { _, err := c.Domain(t.Context(), "example.com"); return err }
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		cred.fail(errors.New("no network"))
		time.Sleep(57 * time.Minute)
		for range 5 {
			if err := ask(); err != nil {
				t.Fatalf("with a token that is good for three minutes: %v", err)
			}
		}
		if cred.calls != 2 {
			t.Errorf("asked %d times; want 2", cred.calls)
		}
		time.Sleep(4 * time.Minute)
		if err := ask(); !errors.Is(err, aad.ErrUnauthenticated) {
			t.Errorf("with an expired token: err = %v; want ErrUnauthenticated", err)
		}
	})
}

func TestTokenExpiresInTheMiddleOfAList(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			var s aadtest.Server
			s.AddDomain("example.com")
			s.GenerateUsers(9000, numbered)
			cred := &credential{next: s.Credential()}
			c := s.ClientWith(cred, nil)
			n := 0
			for _, err := range c.Users(t.Context(), &aad.UsersOptions{Domain: "example.com", Parallel: parallel}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 2500 {
					s.RevokeTokens()
				}
			}
			if n != 9000 || cred.calls != 2 {
				t.Errorf("parallel %v: %d users with %d tokens; want 9000 with 2", parallel, n, cred.calls)
			}
			refused := 0
			for _, r := range s.Requests() {
				if r.Status == http.StatusUnauthorized {
					refused++
				}
			}
			if refused == 0 {
				t.Error("nothing was refused")
			}
		})
	}
}

func TestTokenIsRefusedForGood(t *testing.T) {
	s := tenant()
	c := s.ClientWith(static("eyJ.not.issued"), nil)
	_, err := c.Domain(t.Context(), "example.com")
	if !errors.Is(err, aad.ErrUnauthenticated) || len(s.Requests()) != 2 {
		t.Errorf("err = %v after %d requests; want ErrUnauthenticated after 2", err, len(s.Requests()))
	}
}

// static is a credential that always has the same token.
type static string

func (s static) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestCredentialFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		cause := errors.New("ClientSecretCredential authentication failed.\nPOST https://login\nAADSTS7000215: Invalid client secret provided for alice@example.com")
		cred := &credential{err: cause, slow: time.Second}
		c := s.ClientWith(cred, nil)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := c.Domain(t.Context(), "example.com")
				if !errors.Is(err, aad.ErrUnauthenticated) || !errors.Is(err, cause) || errors.Is(err, aad.ErrUnavailable) {
					t.Errorf("err = %v; want ErrUnauthenticated and its cause", err)
				}
				if text := err.Error(); !strings.Contains(text, "AADSTS7000215") || strings.Contains(text, "\n") || strings.Contains(text, "alice") {
					t.Errorf("text = %q", text)
				}
			})
		}
		wg.Wait()
		if cred.calls != 1 {
			t.Errorf("asked %d times at once; want 1", cred.calls)
		}
		if len(s.Requests()) != 0 {
			t.Error("something was sent")
		}
		// It is asked again by the next call.
		cred.fail(nil)
		if _, err := c.Domain(t.Context(), "example.com"); !errors.Is(err, aad.ErrUnauthenticated) || !strings.Contains(err.Error(), "the token is empty") {
			t.Errorf("empty token: err = %v", err)
		}
		cred.next = s.Credential()
		if _, err := c.Domain(t.Context(), "example.com"); err != nil {
			t.Errorf("after the failure: %v", err)
		}
	})
}

// One caller that gives up does not spoil it for the others.
func TestCallerGivesUpWhileTheTokenIsFetched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := tenant()
		cred := &credential{next: s.Credential(), slow: time.Minute}
		c := s.ClientWith(cred, nil)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Domain(short, "example.com"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aad.ErrUnauthenticated) {
				t.Errorf("short call: err = %v; want DeadlineExceeded", err)
			}
		})
		wg.Go(func() {
			time.Sleep(time.Millisecond)
			if _, err := c.Domain(t.Context(), "example.com"); err != nil {
				t.Errorf("patient call: %v", err)
			}
		})
		wg.Wait()
	})
}

func TestNewRefuses(t *testing.T) {
	var s aadtest.Server
	good := s.Credential()
	var none *credential
	for _, tt := range []struct {
		name string
		cred azcore.TokenCredential
		opts *aad.Options
		want string
	}{
		{"no credential", nil, nil, "credential is nil"},
		{"a nil pointer", none, nil, "credential is nil"},
		{"unknown cloud", good, &aad.Options{Cloud: 9}, "unknown cloud 9"},
		{"no scheme", good, &aad.Options{GraphURL: "graph.microsoft.com"}, "GraphURL is not of the form https://host"},
		{"plain http", good, &aad.Options{LoginURL: "http://login.example"}, "LoginURL"},
		{"secret in the URL", good, &aad.Options{GraphURL: "https://u:sec-ret@graph.example"}, "GraphURL is not of the form"},
		{"no URL", good, &aad.Options{GraphURL: "https://sec-ret%zz"}, "GraphURL is not of the form"},
		{"negative workers", good, &aad.Options{Workers: -1}, "negative"},
		{"negative wait", good, &aad.Options{MaxWait: -1}, "negative"},
	} {
		_, err := aad.New(tt.cred, tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sec-ret") {
			t.Errorf("%s: err = %v; want %q", tt.name, err, tt.want)
		}
	}
	for _, u := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://graph.example/"} {
		if _, err := aad.New(good, &aad.Options{GraphURL: u, LoginURL: u}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestClouds(t *testing.T) {
	for cloud, want := range map[aad.Cloud][3]string{
		aad.Public:  {"https://graph.microsoft.com", "https://login.microsoftonline.com", "Public"},
		aad.USGovL4: {"https://graph.microsoft.us", "https://login.microsoftonline.us", "USGovL4"},
		aad.USGovL5: {"https://dod-graph.microsoft.us", "https://login.microsoftonline.us", "USGovL5"},
		aad.China:   {"https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn", "China"},
	} {
		s := tenant()
		hosts := make(map[string]bool)
		s.Fault = func(r *http.Request) aadtest.Fault { hosts["https://"+r.Host] = true; return aadtest.Fault{} }
		cred := &credential{next: s.Credential()}
		c := s.ClientWith(cred, &aad.Options{Cloud: cloud})
		if _, err := c.Domain(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Realm(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		if got := [3]string{cloud.GraphURL(), cloud.LoginURL(), cloud.String()}; got != want || !hosts[want[0]] || !hosts[want[1]] || len(hosts) != 2 {
			t.Errorf("cloud %v = %v, asked %v; want %v", cloud, got, hosts, want)
		}
		if cred.scope[0] != want[0]+"/.default" {
			t.Errorf("cloud %v: scope %v", cloud, cred.scope)
		}
	}
	if s := aad.Cloud(-1).String() + aad.Cloud(9).GraphURL() + aad.Cloud(9).LoginURL(); s != "Cloud(-1)" {
		t.Errorf("unknown clouds: %q", s)
	}
}

func TestPermissions(t *testing.T) {
	var s aadtest.Server
	ctx := t.Context()
	p, err := s.ClientWith(s.Credential("Domain.ReadWrite.All", "User.Read.All"), nil).Permissions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !p.AppOnly || !p.Has("Domain.Read.All") || !p.Has("domain.readwrite.all") || p.Has("User.ReadWrite.All") || p.TenantID == "" || p.AppID == "" {
		t.Errorf("permissions = %+v", p)
	}
	missing := p.Missing(
		[]string{"Domain-InternalFederation.ReadWrite.All", "Domain.ReadWrite.All"}, // one is enough
		[]string{"Policy.Read.All"}, []string{"Policy.Read.All"}, nil, []string{"User.Read.All"})
	if !slices.Equal(missing, []string{"Policy.Read.All"}) {
		t.Errorf("Missing = %v", missing)
	}
	p, err = s.ClientWith(s.UserCredential("Domain.Read.All", "openid"), nil).Permissions(ctx)
	if err != nil || p.AppOnly || !slices.Equal(p.Granted, []string{"Domain.Read.All", "openid"}) {
		t.Errorf("of a user: %+v, %v", p, err)
	}
	if p.ObjectID == "" || !strings.HasSuffix(p.UserPrincipalName, ".onmicrosoft.com") {
		t.Errorf("of a user: %+v; want whose token it is", p)
	}
	if len(s.Requests()) != 0 {
		t.Error("Permissions asked Graph")
	}
	s.OpaqueTokens = true
	for _, token := range []string{"", "opaque", "a.b.c", "a." + base64.RawURLEncoding.EncodeToString([]byte("[1]")) + ".c"} {
		cred := azcore.TokenCredential(static(token))
		if token == "" {
			cred = s.Credential()
		}
		if _, err := s.ClientWith(cred, nil).Permissions(ctx); !errors.Is(err, aad.ErrOpaqueToken) {
			t.Errorf("token %q: err = %v; want ErrOpaqueToken", token, err)
		}
	}
	if _, err := s.ClientWith(&credential{err: errors.New("no")}, nil).Permissions(ctx); !errors.Is(err, aad.ErrUnauthenticated) {
		t.Errorf("failing credential: err = %v; want ErrUnauthenticated", err)
	}
}

// TestPermissionsSayWhoIsSignedIn: a delegated token names the account, as it is when
// the token is issued, an application's own the service principal alone.
func TestPermissionsSayWhoIsSignedIn(t *testing.T) {
	var s aadtest.Server
	s.AddDomain("example.com")
	ann := s.AddUser(aad.User{UserPrincipalName: "ann@example.com"})
	root := s.AddUser(aad.User{UserPrincipalName: "root@contoso.onmicrosoft.com"})
	s.MakeGlobalAdministrator("00000000-0000-4000-8000-000000000001") // an application
	s.MakeGlobalAdministrator(root)
	renamed := s.SignIn(ann, "Domain.Read.All")
	s.EditUser(ann, func(u *aad.User) { u.UserPrincipalName = "anna@example.com" })
	bob := s.AddUser(aad.User{UserPrincipalName: "bob@example.com"})
	gone := s.SignIn("bob@example.com", "Domain.Read.All")
	s.RemoveUser(bob)
	for _, tt := range []struct {
		name    string
		cred    azcore.TokenCredential
		id, upn string
	}{
		{"the first administrator", s.UserCredential("Domain.Read.All"), root, "root@contoso.onmicrosoft.com"},
		{"somebody", s.SignIn("anna@example.com", "Domain.Read.All"), ann, "anna@example.com"},
		{"somebody renamed", renamed, ann, "anna@example.com"},
		{"somebody deleted", gone, bob, ""},
		{"a token that names nobody", static("a." + base64.RawURLEncoding.EncodeToString([]byte(`{"scp":"Domain.Read.All"}`)) + ".c"), "", ""},
	} {
		p, err := s.ClientWith(tt.cred, nil).Permissions(t.Context())
		if err != nil || p.AppOnly || p.ObjectID != tt.id || p.UserPrincipalName != tt.upn {
			t.Errorf("%s: %+v, %v; want the ID %q and the name %q", tt.name, p, err, tt.id, tt.upn)
		}
	}
	p, err := s.ClientWith(s.Credential(), nil).Permissions(t.Context())
	if err != nil || !p.AppOnly || p.ObjectID == "" || p.ObjectID == root || p.UserPrincipalName != "" {
		t.Errorf("an application's own: %+v, %v; want the ID of its service principal and no name", p, err)
	}
}

var tokenOptions = policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}
