package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// customers adds organisations whose one group has their number.
func customers(front *jumpcloudtest.Server, n int) (ids []string) {
	for i := range n {
		org := front.AddOrganization(fmt.Sprint("customer ", i))
		org.AddGroup(fmt.Sprint(i))
		ids = append(ids, org.OrgID())
	}
	return ids
}

// Clients of many organisations share a credential, and each is answered for its own,
// whatever the others do meanwhile: reading, writing, or what names no organisation.
func TestForOrganization(t *testing.T) {
	for _, tt := range []struct {
		name   string
		client func(*jumpcloudtest.Server) *jumpcloud.Client
		tokens int
	}{
		{"key", func(s *jumpcloudtest.Server) *jumpcloud.Client { return s.Client(nil) }, 0},
		{"service account", func(s *jumpcloudtest.Server) *jumpcloud.Client { return s.ServiceAccount(nil) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				front := &jumpcloudtest.Server{APIKey: "k", MultiTenant: true, Latency: 10 * time.Millisecond}
				base := tt.client(front)
				var wg sync.WaitGroup
				for i, id := range customers(front, 20) {
					c := base.ForOrganization(id)
					if c.OrgID() != id || c.Region() != base.Region() || c.String() != base.String() {
						t.Errorf("%s of organisation %s; want that of %s", c, c.OrgID(), id)
					}
					for range 3 {
						wg.Go(func() {
							for g, err := range c.Groups(t.Context()) {
								if err != nil || g.Name != fmt.Sprint(i) && g.Name != fmt.Sprint("new in ", i) {
									t.Errorf("organisation %d: %v, %v", i, g, err)
									return
								}
							}
							for _, err := range c.Organizations(t.Context()) {
								if err != nil {
									t.Error(err)
								}
							}
						})
					}
					wg.Go(func() {
						if _, err := c.CreateGroup(t.Context(), jumpcloud.Group{Name: fmt.Sprint("new in ", i)}); err != nil {
							t.Error(err)
						}
						for g, err := range c.Groups(t.Context(), fmt.Sprint("new in ", i)) {
							if err != nil || g.Name != fmt.Sprint("new in ", i) {
								t.Errorf("organisation %d: %v, %v", i, g, err)
							}
						}
					})
				}
				wg.Wait()
				if n := tokenRequests(front); n != tt.tokens {
					t.Errorf("%d tokens fetched; want %d", n, tt.tokens)
				}
				if base.OrgID() != "" {
					t.Errorf("the client that the others came of is of %s now", base.OrgID())
				}
				for range base.Groups(t.Context()) {
				}
				if r := front.Requests(); r[len(r)-1].Status != http.StatusUnauthorized {
					t.Errorf("it is answered with %d; want 401", r[len(r)-1].Status)
				}
			})
		})
	}
}

// What cannot be an organisation's ID is refused at every call, before anything is
// sent: without x-org-id the request would go to the organisation of the key.
func TestForOrganizationInvalid(t *testing.T) {
	for _, id := range []string{"", " ", ".", "..", "a/b", "60\n1", "org?x"} {
		t.Run(id, func(t *testing.T) {
			var s jumpcloudtest.Server
			c := s.Client(&jumpcloud.Options{OrgID: s.OrgID()}).ForOrganization(id)
			want := "GET /api/v2/usergroups/{id}"
			for range 2 { // the error of one call is not that of the next
				_, err := c.Group(t.Context(), s.OrgID())
				var e *jumpcloud.Error
				if !errors.Is(err, jumpcloud.ErrInvalid) || !errors.As(err, &e) || !strings.Contains(e.Message, "organisation") || e.Op != want {
					t.Errorf("%v; want ErrInvalid at %s", err, want)
				}
				want = "GET /api/organizations"
				for _, err := range c.Organizations(t.Context()) {
					if !errors.As(err, &e) || !errors.Is(err, jumpcloud.ErrInvalid) || e.Op != want {
						t.Errorf("%v; want ErrInvalid at %s", err, want)
					}
				}
				want = "GET /api/v2/usergroups/{id}"
			}
			if n := len(s.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
	var none *jumpcloud.Client
	if _, err := none.ForOrganization("60259a2ad81e1a474d4e7c83").Group(t.Context(), "1"); err == nil || none.OrgID() != "" {
		t.Error("a client that was not made by New has another")
	}
}

// What the client cannot do, its clients of other organisations cannot.
func TestForOrganizationReadOnly(t *testing.T) {
	var s jumpcloudtest.Server
	c := s.Client(&jumpcloud.Options{ReadOnly: true}).ForOrganization(s.AddOrganization("A").OrgID()).ForOrganization(s.AddOrganization("B").OrgID())
	if _, err := c.CreateGroup(t.Context(), jumpcloud.Group{Name: "G"}); !errors.Is(err, jumpcloud.ErrReadOnly) || len(s.Requests()) > 0 {
		t.Errorf("%v, %d requests", err, len(s.Requests()))
	}
}

// All organisations use the connections of one client.
func TestForOrganizationConnections(t *testing.T) {
	front := &jumpcloudtest.Server{MultiTenant: true}
	srv := httptest.NewUnstartedServer(front)
	var opened atomic.Int64
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	base, err := jumpcloud.New("k", &jumpcloud.Options{BaseURL: srv.URL, MaxWorkers: 4})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, id := range customers(front, 20) {
		wg.Go(func() {
			for _, err := range base.ForOrganization(id).Groups(t.Context()) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := opened.Load(); n > 4 {
		t.Errorf("%d connections; want 4 at most", n)
	}
}

// Forty organisations at once, behind a key that may ask ten times a second: they take
// hardly longer than the throttle demands, and are hardly ever refused. Clients that
// are made apart know nothing of each other.
func TestThrottledOrganizations(t *testing.T) {
	const (
		latency = 50 * time.Millisecond
		each    = 29 // requests of an organisation, one after the other, as a federation makes them
	)
	run := func(t *testing.T, client func(*jumpcloudtest.Server, string) *jumpcloud.Client) (took, schedule time.Duration, refused float64, early int) {
		front := &jumpcloudtest.Server{MultiTenant: true, Latency: latency, Throttle: &jumpcloudtest.Throttle{Rate: 10, Burst: 10, Grace: latency}}
		began := time.Now()
		var wg sync.WaitGroup
		for i, id := range customers(front, 40) {
			wg.Go(func() {
				c := client(front, id)
				for range each {
					for g, err := range c.Groups(t.Context()) {
						if err != nil || g.Name != fmt.Sprint(i) {
							t.Errorf("organisation %d: %v, %v", i, g, err)
						}
					}
				}
			})
		}
		wg.Wait()
		took = time.Since(began)
		stats := front.Throttle.Stats()
		if stats.Accepted != 40*each {
			t.Errorf("%d requests accepted; want %d", stats.Accepted, 40*each)
		}
		schedule = front.Throttle.Schedule(stats.Accepted)
		t.Logf("%v for a schedule of %v, %d of %d refused", took, schedule, stats.Refused, stats.Accepted+stats.Refused)
		return took, schedule, float64(stats.Refused) / float64(stats.Accepted+stats.Refused), stats.Early
	}
	t.Run("one client", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var once sync.Once
			var base *jumpcloud.Client
			took, schedule, refused, early := run(t, func(front *jumpcloudtest.Server, id string) *jumpcloud.Client {
				once.Do(func() { base = front.Client(nil) })
				return base.ForOrganization(id)
			})
			if took > schedule*11/10 {
				t.Errorf("took %v; the schedule allows %v", took, schedule)
			}
			if refused > 0.05 {
				t.Errorf("%.1f %% refused", refused*100)
			}
			if early > 0 {
				t.Errorf("%d requests before the time named", early)
			}
		})
	})
	t.Run("made apart", func(t *testing.T) { // else the case above is none
		synctest.Test(t, func(t *testing.T) {
			_, _, refused, _ := run(t, func(front *jumpcloudtest.Server, id string) *jumpcloud.Client {
				return front.Client(&jumpcloud.Options{OrgID: id})
			})
			if refused < 0.1 {
				t.Errorf("%.1f %% refused; there is nothing to better", refused*100)
			}
		})
	})
}

// A provider has one key, and customers with an organisation each.
func ExampleClient_ForOrganization() {
	provider := jumpcloudtest.Server{MultiTenant: true} // in place of the real one
	contoso, fabrikam := provider.AddOrganization("Contoso"), provider.AddOrganization("Fabrikam")
	contoso.AddGroup("Staff")
	fabrikam.AddGroup("Everybody")
	client := provider.Client(nil)

	for _, id := range []string{contoso.OrgID(), fabrikam.OrgID()} {
		for g, err := range client.ForOrganization(id).Groups(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(id, g.Name)
		}
	}
	// Output:
	// 600000010000010000000000 Staff
	// 600000010000020000000000 Everybody
}
