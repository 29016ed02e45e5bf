package aad_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// numbered users have names that begin alike.
func numbered(i int) aad.User {
	return aad.User{UserPrincipalName: fmt.Sprintf("user%06d@example.com", i), ImmutableID: fmt.Sprintf("id%06d", i)}
}

// named users have names like people.
func named(i int) aad.User {
	letters := "aaabcdeeefghiijjkklmmmnoopqrrsssttuvwxyz"
	r := rand.New(rand.NewPCG(uint64(i), 1))
	b := make([]byte, 6)
	for k := range b {
		b[k] = letters[r.IntN(len(letters))]
	}
	return aad.User{UserPrincipalName: fmt.Sprintf("%s.%d@example.com", b, i)}
}

// odd users have names that no range is made for.
func odd(i int) aad.User {
	first := []string{"_", "'", "!", "É", "ü", "A", "z"}[i%7]
	return aad.User{UserPrincipalName: fmt.Sprintf("%s%d@example.com", first, i)}
}

func hundreds(s *aadtest.Server) { s.PageSize = 100 }

func TestParallelUsers(t *testing.T) {
	tests := []struct {
		name   string
		n      int
		f      func(int) aad.User
		quirk  func(*aadtest.Server)
		most   time.Duration // with 50 ms a request
		atMost int           // requests
	}{
		{"none", 0, numbered, nil, 60 * time.Millisecond, 1},
		{"one page", 25, numbered, nil, 60 * time.Millisecond, 1},
		{"few pages", 3000, numbered, nil, 210 * time.Millisecond, 4},
		{"a chain", 20000, numbered, nil, 1060 * time.Millisecond, 21},
		{"numbered", 8000, numbered, hundreds, 2400 * time.Millisecond, 88},
		{"named", 8000, named, hundreds, 2 * time.Second, 88},
		{"odd", 8000, odd, hundreds, 4200 * time.Millisecond, 88},
		{"many", 100000, numbered, nil, 1800 * time.Millisecond, 111},
		{"conditions refused", 8000, odd, func(s *aadtest.Server) {
			hundreds(s)
			s.Fault = func(r *http.Request) aadtest.Fault {
				if strings.Count(r.URL.Query().Get("$filter"), "not(") > 15 {
					return aadtest.Fault{Kind: aadtest.Error500Before, Status: 400, Body: `{"error":{"code":"Request_UnsupportedQuery","message":"too long"}}`}
				}
				return aadtest.Fault{}
			}
		}, 5 * time.Second, 88},
		{"alternatives refused", 8000, named, func(s *aadtest.Server) {
			hundreds(s)
			s.Fault = func(r *http.Request) aadtest.Fault {
				if strings.Contains(r.URL.Query().Get("$filter"), " or ") {
					return aadtest.Fault{Kind: aadtest.Error500Before, Status: 400, Body: `{"error":{"code":"Request_UnsupportedQuery","message":"too long"}}`}
				}
				return aadtest.Fault{}
			}
		}, 3 * time.Second, 120},
		{"small pages", 1000, named, func(s *aadtest.Server) { s.PageSize = 7 }, 4 * time.Second, 157},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var s aadtest.Server
				s.AddDomain("example.com")
				s.AddUser(aad.User{UserPrincipalName: "admin@contoso.onmicrosoft.com"})
				s.GenerateUsers(tt.n, tt.f)
				s.Latency = 50 * time.Millisecond
				if tt.quirk != nil {
					tt.quirk(&s)
				}
				seen := make(map[string]bool, tt.n)
				total := -1
				began := time.Now()
				for u, err := range s.Client(nil).Users(t.Context(), &aad.UsersOptions{
					Domain: "example.com", Parallel: true, Select: []string{"id", "userPrincipalName"}, OnTotal: func(n int) { total = n },
				}) {
					if err != nil {
						t.Fatal(err)
					}
					if seen[u.ID] || u.UserPrincipalName == "" {
						t.Fatalf("%+v came twice, or without name", u)
					}
					seen[u.ID] = true
				}
				if len(seen) != tt.n || total != tt.n {
					t.Errorf("%d users, total %d; want %d", len(seen), total, tt.n)
				}
				took := time.Since(began)
				t.Logf("%d requests, %v", len(s.Requests()), took)
				if took > tt.most || len(s.Requests()) > tt.atMost {
					t.Errorf("took %v and %d requests; want at most %v and %d", took, len(s.Requests()), tt.most, tt.atMost)
				}
				if s.MaxInFlight() > 32 {
					t.Errorf("%d requests at once", s.MaxInFlight())
				}
			})
		})
	}
}

// Whatever ends a list ends it once, with everything that runs.
func TestParallelUsersEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s aadtest.Server
		s.GenerateUsers(20000, numbered)
		hundreds(&s)
		s.Latency = time.Millisecond
		c := s.Client(nil)
		opts := &aad.UsersOptions{Parallel: true, Select: []string{"id"}}
		n := 0
		for _, err := range c.Users(t.Context(), opts) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 7000 {
				break
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		reason := errors.New("enough")
		var last error
		n = 0
		for _, err := range c.Users(ctx, opts) {
			if last != nil {
				t.Fatal("goes on after an error")
			}
			if last = err; err == nil {
				if n++; n == 7000 {
					cancel(reason)
				}
			}
		}
		if !errors.Is(last, reason) {
			t.Errorf("cancelled: err = %v; want its cause", last)
		}
		synctest.Wait() // what was on its way is over
		s.Fault = func(r *http.Request) aadtest.Fault {
			if strings.Contains(r.URL.RawQuery, "skiptoken") {
				return aadtest.Fault{Kind: aadtest.Error500Before, Status: 403}
			}
			return aadtest.Fault{}
		}
		n = 0
		for _, err := range c.Users(t.Context(), opts) {
			if err != nil {
				n++
				last = err
			}
		}
		if n != 1 || !errors.Is(last, aad.ErrDenied) {
			t.Errorf("%d errors, %v; want one ErrDenied", n, last)
		}
	})
}

// A service that answers the conditions of ranges with nobody has not listed everybody.
func TestParallelUsersMissing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s aadtest.Server
		s.GenerateUsers(8000, named)
		hundreds(&s)
		asked := false
		var mu sync.Mutex
		s.Fault = func(r *http.Request) aadtest.Fault {
			if strings.Contains(r.URL.Query().Get("$filter"), " or ") {
				mu.Lock()
				defer mu.Unlock()
				asked = true
				return aadtest.Fault{Kind: aadtest.Error500Before, Status: 200, Body: `{"@odata.count":0,"value":[]}`}
			}
			return aadtest.Fault{}
		}
		var last error
		n := 0
		for _, err := range s.Client(nil).Users(t.Context(), &aad.UsersOptions{Parallel: true, Select: []string{"id", "userPrincipalName"}}) {
			if n++; err != nil {
				last = err
			}
		}
		if !asked || !errors.Is(last, aad.ErrUnavailable) || !strings.Contains(last.Error(), "has counted 8000 users") {
			t.Errorf("%d users, then %v; want an error that says how many there are", n-1, last)
		}
	})
}

func TestUsersPages(t *testing.T) {
	s := tenant()
	for i := range 10 {
		s.AddUser(numbered(i))
	}
	s.GenerateUsers(10, named)
	s.PageSize = 4
	c, ctx := s.Client(nil), t.Context()
	total := 0
	users := c.Users(ctx, &aad.UsersOptions{Domain: "example.com", OnTotal: func(n int) { total = n }})
	for range 2 { // each range starts again
		all, err := collect(users)
		if err != nil || len(all) != 21 || total != 21 {
			t.Fatalf("%d users, total %d, %v; want 21", len(all), total, err)
		}
	}
	for _, tt := range []struct {
		name string
		opts *aad.UsersOptions
		want int
	}{
		{"all", nil, 21},
		{"prefix", &aad.UsersOptions{Prefix: "USER00000"}, 10},
		{"not prefix", &aad.UsersOptions{NotPrefixes: []string{"user", "a"}, Domain: "example.com"}, -1},
		{"filter", &aad.UsersOptions{Filter: "onPremisesImmutableId eq " + aad.Quote("id000003") + " or mail eq 'alice@example.com'", Prefix: "user"}, 1},
		{"other domain", &aad.UsersOptions{Domain: "contoso.onmicrosoft.com"}, 0},
		{"IDs of nobody", &aad.UsersOptions{IDs: []string{}}, 0},
		{"IDs with a condition", &aad.UsersOptions{IDs: []string{userID}, Domain: "contoso.onmicrosoft.com"}, 0},
		{"IDs with a filter", &aad.UsersOptions{IDs: []string{userID}, Filter: "accountEnabled eq true"}, 1},
	} {
		all, err := collect(c.Users(ctx, tt.opts))
		if err != nil || tt.want >= 0 && len(all) != tt.want {
			t.Errorf("%s: %d users, %v; want %d", tt.name, len(all), err, tt.want)
		}
		if tt.opts != nil && tt.opts.IDs == nil {
			if n, err := c.UserCount(ctx, tt.opts); err != nil || n != len(all) {
				t.Errorf("%s: count %d, %v; want %d", tt.name, n, err, len(all))
			}
		}
	}
	s.Quirks.NullLists = true
	if all, err := collect(c.Users(ctx, &aad.UsersOptions{Prefix: "zzz"})); err != nil || len(all) != 0 {
		t.Errorf("null list: %v, %v", all, err)
	}
}

// A link that leads elsewhere, or round in a circle, ends the list.
func TestUsersLinks(t *testing.T) {
	s := tenant()
	s.GenerateUsers(3000, numbered)
	s.Quirks.NextLinkHost = "evil.example"
	_, err := collect(s.Client(nil).Users(t.Context(), nil))
	if err == nil || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("foreign link: err = %v; want it to name the host", err)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests; want 1: the token must not travel", n)
	}

	circle := answering{status: 200, body: `{"value":[{"id":"1"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?x=1"}`}
	n := 0
	for _, err = range s.Client(&aad.Options{HTTPClient: &http.Client{Transport: circle}}).Users(t.Context(), nil) {
		n++
	}
	if n != 3 || err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("circle: %d results, err = %v", n, err)
	}
	n = 0
	for _, err = range s.Client(&aad.Options{HTTPClient: &http.Client{Transport: circle}}).Domains(t.Context()) {
		n++
	}
	if n != 3 || err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("circle of domains: %d results, err = %v", n, err)
	}
}

func TestRoleUsers(t *testing.T) {
	s := tenant()
	own := s.AddUser(aad.User{UserPrincipalName: "admin@contoso.onmicrosoft.com"})
	both := s.AddUser(aad.User{UserPrincipalName: "both@example.com"})
	inner := s.AddGroup("inner", both)
	for _, id := range []string{own, both, s.AddGroup("outer", userID, inner), "00000000-0000-4000-8000-00000000005p"} {
		s.MakeGlobalAdministrator(id)
	}
	got := make(map[string]bool)
	for u, err := range s.Client(nil).RoleUsers(t.Context(), aad.GlobalAdministrator) {
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprint(u.UserPrincipalName, " by group: ", u.GroupID != "", " ", u.DirectoryScopeID)] = true
	}
	want := []string{"admin@contoso.onmicrosoft.com by group: false /", "both@example.com by group: false /", "alice@example.com by group: true /"}
	for _, w := range want {
		if !got[w] {
			t.Errorf("no %q in %v", w, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v; want %v", got, want)
	}
	for _, f := range []string{"roleAssignments", "/users", "/groups/"} {
		s.Fault = func(r *http.Request) aadtest.Fault {
			if strings.Contains(r.URL.Path, f) {
				return aadtest.Fault{Kind: aadtest.Error500Before, Status: 403}
			}
			return aadtest.Fault{}
		}
		var last error
		for _, err := range s.Client(nil).RoleUsers(t.Context(), aad.GlobalAdministrator) {
			last = err
		}
		if !errors.Is(last, aad.ErrDenied) {
			t.Errorf("%s refused: err = %v", f, last)
		}
	}
}

func ExampleClient_Users() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.AddUser(aad.User{UserPrincipalName: "alice@example.com", ImmutableID: "QQ=="})
	tenant.AddUser(aad.User{UserPrincipalName: "bob@example.com"})
	tenant.AddUser(aad.User{UserPrincipalName: "admin@contoso.onmicrosoft.com"})
	client := tenant.Client(nil)

	for user, err := range client.Users(context.Background(), &aad.UsersOptions{
		Domain: "example.com",
		Select: []string{"id", "userPrincipalName", "onPremisesImmutableId"},
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %q\n", user.UserPrincipalName, user.ImmutableID)
	}
	// Output:
	// alice@example.com "QQ=="
	// bob@example.com ""
}

func ExampleClient_RoleUsers() {
	var tenant aadtest.Server
	id := tenant.AddUser(aad.User{UserPrincipalName: "admin@contoso.onmicrosoft.com"})
	tenant.MakeGlobalAdministrator(id)
	client := tenant.Client(nil)

	for user, err := range client.RoleUsers(context.Background(), aad.GlobalAdministrator) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.UserPrincipalName, *user.Enabled)
	}
	// Output: admin@contoso.onmicrosoft.com true
}

func TestUsersReuse(t *testing.T) {
	s := tenant()
	s.GenerateUsers(7000, numbered)
	c, ctx := s.Client(nil), t.Context()
	for _, parallel := range []bool{false, true} {
		var first *aad.User
		names := make(map[string]bool)
		for u, err := range c.Users(ctx, &aad.UsersOptions{Reuse: true, Parallel: parallel}) {
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = u
			}
			if u != first {
				t.Fatal("another variable")
			}
			if names[u.UserPrincipalName] = true; len(u.ProxyAddresses) != 0 && u.ID != userID || u.Mail != "" && u.ID != userID {
				t.Fatalf("something of another user is left: %+v", u)
			}
		}
		if len(names) != 7001 {
			t.Errorf("%d users; want 7001", len(names))
		}
	}
}
