package jumpcloud_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A long list under a throttle takes hardly longer than the throttle demands,
// is hardly ever refused, and never comes before the time that was named.
func TestThrottledList(t *testing.T) {
	for name, style := range map[string]jumpcloudtest.RetryAfterStyle{
		"whole seconds": jumpcloudtest.WholeSeconds, "fractions": jumpcloudtest.FractionalSeconds, "date": jumpcloudtest.HTTPDate, "no Retry-After": jumpcloudtest.NoRetryAfter,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const latency = 50 * time.Millisecond
				bucket := &jumpcloudtest.Throttle{Rate: 20, Burst: 20, Style: style, Grace: latency}
				s := jumpcloudtest.Server{Latency: latency, Throttle: bucket}
				s.GenerateUsers(60000, generated)
				began := time.Now()
				if n := len(ids(t, s.Client(nil), &jumpcloud.UsersOptions{Fields: []string{"email"}})); n != 60000 {
					t.Errorf("%d users", n)
				}
				took, stats := time.Since(began), bucket.Stats()
				schedule := bucket.Schedule(stats.Accepted)
				t.Logf("%v for a schedule of %v, %d accepted, %d refused", took, schedule, stats.Accepted, stats.Refused)
				if took > schedule*11/10 {
					t.Errorf("took %v; the schedule allows %v", took, schedule)
				}
				if refused := float64(stats.Refused) / float64(stats.Accepted+stats.Refused); refused > 0.05 {
					t.Errorf("%.1f %% refused", refused*100)
				}
				if stats.Early > 0 && style != jumpcloudtest.NoRetryAfter {
					t.Errorf("%d requests before the time named", stats.Early)
				}
			})
		})
	}
}

// Connections are used again: a list with four workers opens about four for its hundred
// requests. A machine that is busy may be late to give one back, and another is opened.
func TestConnections(t *testing.T) {
	var s jumpcloudtest.Server
	s.GenerateUsers(5000, generated)
	var mu sync.Mutex
	opened := 0
	srv := httptest.NewUnstartedServer(&s)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			opened++
			mu.Unlock()
		}
	}
	srv.Start()
	defer srv.Close()
	c, err := jumpcloud.New("k", &jumpcloud.Options{BaseURL: srv.URL, Workers: 4, MaxWorkers: 4})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n := len(ids(t, c, nil)); n != 5000 {
			t.Errorf("%d users", n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if opened == 0 || opened > 8 {
		t.Errorf("%d connections; want about 4", opened)
	}
	if n := s.MaxInFlight(); n > 4 {
		t.Errorf("%d requests at a time; want 4 at most", n)
	}
}

// The widths that the caller may set.
func TestWorkers(t *testing.T) {
	for _, tt := range []struct{ workers, most, want int }{{1, 1, 1}, {2, 2, 2}, {0, 6, 6}} {
		t.Run(fmt.Sprint(tt.workers, tt.most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := jumpcloudtest.Server{Latency: 10 * time.Millisecond}
				s.GenerateUsers(10000, generated)
				ids(t, s.Client(&jumpcloud.Options{Workers: tt.workers, MaxWorkers: tt.most}), nil)
				if n := s.MaxInFlight(); n > tt.want {
					t.Errorf("%d requests at a time; want at most %d", n, tt.want)
				}
			})
		})
	}
}
