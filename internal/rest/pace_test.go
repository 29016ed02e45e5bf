package rest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/rest"
)

// list reads n pages of nothing and returns how long it took.
func list(ctx context.Context, c *rest.Caller, n int) (time.Duration, error) {
	start := time.Now()
	for _, err := range rest.Pages(ctx, c, n, func(ctx context.Context, page int) (int, error) {
		_, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "things"}, nil)
		return page, err
	}) {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func inMemory(h http.Handler, latency time.Duration) *http.Client {
	return &http.Client{Transport: &memhttp.Transport{Handler: h, Latency: latency}}
}

var empty = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

var styles = map[string]fake.RetryAfterStyle{
	"whole": fake.WholeSeconds, "fraction": fake.FractionalSeconds, "date": fake.HTTPDate, "absent": fake.NoRetryAfter,
}

// TestThrottledListing is the budget of the service's own schedule: at most
// 1.1 times its time, at most 5 % refused, and nothing before the time named.
func TestThrottledListing(t *testing.T) {
	services := []struct {
		rate    float64
		burst   int
		latency time.Duration
		pages   int
	}{
		{5, 10, 50 * time.Millisecond, 600},
		{20, 20, 50 * time.Millisecond, 1000},
		{50, 100, 150 * time.Millisecond, 1500},
		{200, 200, 20 * time.Millisecond, 8000},
		{20, 1, 10 * time.Millisecond, 2500}, // no burst at all
	}
	for name, style := range styles {
		for _, s := range services {
			t.Run(fmt.Sprintf("%s/%v a second, burst %d", name, s.rate, s.burst), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := &fake.Throttle{Rate: s.rate, Burst: s.burst, Style: style, Grace: s.latency}
					c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(b.Wrap(empty), s.latency) })
					took, err := list(t.Context(), c, s.pages)
					if err != nil {
						t.Fatal(err)
					}
					stats := b.Stats()
					ratio := took.Seconds() / b.Schedule(s.pages).Seconds()
					share := float64(stats.Refused) / float64(stats.Accepted+stats.Refused)
					t.Logf("%.3f of the schedule, %.2f %% refused", ratio, 100*share)
					if ratio > 1.1 {
						t.Errorf("took %.3f times the schedule of %v; want at most 1.1", ratio, b.Schedule(s.pages))
					}
					if share > 0.05 {
						t.Errorf("%d of %d requests refused; want at most 5 %%", stats.Refused, stats.Accepted+stats.Refused)
					}
					if stats.Early > 0 {
						t.Errorf("%d requests came before the time that the service had named", stats.Early)
					}
				})
			})
		}
	}
}

// TestWindowThrottle counts by fixed windows, as many services do.
func TestWindowThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perWindow, window, pages = 100, 10 * time.Second, 1000
		var mu sync.Mutex
		var used, refused int
		start := time.Now()
		current := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			now := time.Since(start)
			if n := int(now / window); n != current {
				current, used = n, 0
			}
			if used++; used > perWindow {
				refused++
				left := window - now%window
				w.Header().Set("Retry-After", fmt.Sprint(int((left+time.Second-1)/time.Second)))
				w.WriteHeader(http.StatusTooManyRequests)
			}
		})
		c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(h, 50*time.Millisecond) })
		took, err := list(t.Context(), c, pages)
		if err != nil {
			t.Fatal(err)
		}
		schedule := (pages/perWindow - 1) * window
		ratio := took.Seconds() / schedule.Seconds()
		t.Logf("%.3f of the schedule, %d refused", ratio, refused)
		if ratio > 1.2 || refused > pages/20 {
			t.Errorf("took %v of %v, %d refused", took, schedule, refused)
		}
	})
}

// TestCapacityComesAndGoes changes the limit in the middle.
func TestCapacityComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &fake.Throttle{Rate: 10, Burst: 10, Style: fake.WholeSeconds}
		fast := &fake.Throttle{Rate: 100, Burst: 100, Style: fake.WholeSeconds}
		start := time.Now()
		slowH, fastH := slow.Wrap(empty), fast.Wrap(empty)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if age := time.Since(start); age > 30*time.Second && age < 60*time.Second {
				slowH.ServeHTTP(w, r)
				return
			}
			fastH.ServeHTTP(w, r)
		})
		c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(h, 50*time.Millisecond) })
		took, err := list(t.Context(), c, 3000+300+9000)
		if err != nil {
			t.Fatal(err)
		}
		refused := slow.Stats().Refused + fast.Stats().Refused
		t.Logf("took %v, %d refused", took, refused)
		if took > 240*time.Second || refused > 300 {
			t.Errorf("took %v, %d refused; want the pace to fall and to rise again", took, refused)
		}
	})
}

func TestGateHoldsEveryGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first atomic.Bool
		var mu sync.Mutex
		var arrivals []time.Duration
		start := time.Now()
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			arrivals = append(arrivals, time.Since(start))
			mu.Unlock()
			if first.CompareAndSwap(false, true) {
				w.Header().Set("Retry-After", "2.5")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}), nil)
		do := func() {
			if _, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil); err != nil {
				t.Error(err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(do)
		synctest.Wait()
		for range 16 {
			wg.Go(do)
		}
		wg.Wait()
		if len(arrivals) != 18 {
			t.Fatalf("%d requests; want 18", len(arrivals))
		}
		for _, at := range arrivals[1:] {
			if at < 2500*time.Millisecond {
				t.Errorf("a request came after %v; the gate is closed for 2.5 s", at)
			}
		}
		if arrivals[1] == arrivals[17] {
			t.Error("all requests came at the same moment: a herd")
		}
	})
}

// TestSingleCallsGoFirst: a single call does not queue behind a bulk read.
func TestSingleCallsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fake.Throttle{Rate: 2, Burst: 2}
		c := caller(t, b.Wrap(empty), nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			list(ctx, c, 1000)
		}()
		time.Sleep(time.Minute) // in the bubble
		for range 5 {
			start := time.Now()
			if _, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "x"}, nil); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("a single call waited %v behind the pages", d)
			}
		}
		cancel()
		<-done
	})
}

func TestUnthrottledListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log fake.Log
		c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(log.Wrap(slow(50*time.Millisecond), nil), 0) })
		took, err := list(t.Context(), c, 1000)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("1000 pages of 50 ms: %v, up to %d at a time", took, log.MaxInFlight())
		if took > 2*time.Second || log.MaxInFlight() != 32 {
			t.Errorf("took %v with up to %d at a time; want at most 2 s, and 32", took, log.MaxInFlight())
		}
		if took, err = list(t.Context(), c, 320); err != nil || took > 600*time.Millisecond {
			t.Errorf("the second listing took %v, %v; want the width that was learned", took, err)
		}
	})
}

func slow(d time.Duration) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(d) })
}

// TestWidthYieldsToLatency: a service that slows down under load is not
// pressed to the limit.
func TestWidthYieldsToLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log fake.Log
		var n atomic.Int64
		var sum, count atomic.Int64
		h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			k := n.Add(1)
			defer n.Add(-1)
			sum.Add(k)
			count.Add(1)
			d := 50 * time.Millisecond
			if k > 8 { // it can do eight at a time; more only queue
				d = d * time.Duration(k) / 8 * 2
			}
			time.Sleep(d)
		})
		c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(log.Wrap(h, nil), 0) })
		if _, err := list(t.Context(), c, 2000); err != nil {
			t.Fatal(err)
		}
		mean := float64(sum.Load()) / float64(count.Load())
		t.Logf("%.1f at a time, %d at most", mean, log.MaxInFlight())
		if mean > 20 {
			t.Errorf("%.1f requests at a time on average; want the width to yield", mean)
		}
	})
}

func TestThrottlePercentageSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Graph warns from 80 % of 100 requests a second on, and refuses above.
		var mu sync.Mutex
		var recent []time.Time
		refused := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			now := time.Now()
			for len(recent) > 0 && now.Sub(recent[0]) > time.Second {
				recent = recent[1:]
			}
			pct := float64(len(recent)+1) / 100
			if pct > 0.8 {
				w.Header().Set("x-ms-throttle-limit-percentage", fmt.Sprintf("%.1f", pct))
			}
			if pct > 1.2 { // it may go over for a moment
				refused++
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			recent = append(recent, now)
		})
		c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(h, 50*time.Millisecond) })
		took, err := list(t.Context(), c, 3000)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("3000 pages in %v, %d refused", took, refused)
		if refused > 60 || took > time.Minute {
			t.Errorf("took %v, %d refused; want at most a minute and 60", took, refused)
		}
	})
}

func TestConnections(t *testing.T) {
	var conns atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"results":[1,2,3]}`)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	c, err := rest.New(rest.Config{Base: base, Workers: 4, MaxWorkers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list(t.Context(), c, 400); err != nil {
		t.Fatal(err)
	}
	if n := conns.Load(); n > 4 {
		t.Errorf("400 pages with 4 workers opened %d connections; want at most 4", n)
	}
}
