package federation_test

import (
	"bytes"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// replay answers what it was asked before out of memory, so that a measurement
// sees the library and hardly anything of the services.
type replay struct {
	next  http.RoundTripper
	mu    sync.Mutex
	known map[string]*http.Response
	body  map[string][]byte
}

func newReplay(next http.RoundTripper) *replay {
	return &replay{next: next, known: make(map[string]*http.Response), body: make(map[string][]byte)}
}

func (r *replay) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.Method + " " + req.URL.Path + "?" + req.URL.RawQuery
	r.mu.Lock()
	resp, body := r.known[key], r.body[key]
	r.mu.Unlock()
	if resp == nil {
		var err error
		if resp, err = r.next.RoundTrip(req); err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(resp.Body); err != nil {
			return nil, err
		}
		resp.Body.Close()
		r.mu.Lock()
		r.known[key], r.body[key] = resp, body
		r.mu.Unlock()
	}
	out := *resp
	out.Request, out.ContentLength = req, int64(len(body))
	out.Body = io.NopCloser(bytes.NewReader(body))
	return &out, nil
}

// replaying returns a function that makes a preflight out of memory.
func replaying(t testing.TB, env *federationtest.Env) func() *federation.Preflight {
	jt, at := newReplay(env.JumpCloud.HTTPClient().Transport), newReplay(env.AzureAD.HTTPClient().Transport)
	jc, err := jumpcloud.New("key", &jumpcloud.Options{HTTPClient: &http.Client{Transport: jt}})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(env.AzureAD.Credential(), &aad.Options{HTTPClient: &http.Client{Transport: at}})
	if err != nil {
		t.Fatal(err)
	}
	f := federation.New(jc, ad, nil)
	run := func() *federation.Preflight {
		pf, err := f.Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		return pf
	}
	run()
	return run
}

// usage is what a run costs.
type usage struct {
	allocs, allocated float64 // a person
	live, peak        float64 // bytes a person over the base
}

func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// measure runs f. Peak is the most that the heap held, what was not yet collected
// included; live is what the result holds.
func measure(people int, f func() any) usage {
	runtime.GC()
	runtime.GC()
	base := heap()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, stop := base, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for {
			peak = max(peak, heap())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	result := f()
	close(stop)
	wg.Wait()
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.GC()
	live := heap()
	runtime.KeepAlive(result)
	runtime.KeepAlive(f)
	n := float64(people)
	return usage{
		allocs: float64(after.Mallocs-before.Mallocs) / n, allocated: float64(after.TotalAlloc-before.TotalAlloc) / n,
		live: (float64(live) - float64(base)) / n, peak: (float64(peak) - float64(base)) / n,
	}
}

// TestPeopleMemory is the budget of bytes and allocations a person, both sides
// together. The peak includes what waits for the collector, whose goal is twice
// what lives at the time, the recorded pages of this test among it; so it is
// judged in the benchmark, which has none.
func TestPeopleMemory(t *testing.T) {
	const n = 10000
	env := crowd(n)
	run := replaying(t, env)
	u := measure(n, func() any { return run() })
	t.Logf("%d people a side: %.2f allocations and %.0f bytes allocated a person; %.1f bytes live, %.0f at the peak", n, u.allocs, u.allocated, u.live, u.peak)
	if u.allocs > 6 {
		t.Errorf("%.2f allocations a person, want at most 6", u.allocs)
	}
	if u.live > 100 {
		t.Errorf("%.1f bytes a person stay, want at most 100", u.live)
	}
}

// TestAilingMemory holds the budget when everybody has a finding. What stays of few people
// is more for each.
func TestAilingMemory(t *testing.T) {
	if raceDetector {
		t.Skip("counts what the race detector adds to")
	}
	const n = 6000
	for _, with := range ailments {
		t.Run(with.name, func(t *testing.T) {
			run := replaying(t, ailing(n, with))
			var pf *federation.Preflight
			u := measure(n, func() any { pf = run(); return pf })
			if err := with.check(n, pf.People.Counts); err != nil {
				t.Error(err)
			}
			t.Logf("%.2f allocations and %.0f bytes allocated a person; %.1f bytes live, %.0f at the peak", u.allocs, u.allocated, u.live, u.peak)
			if u.allocs > 6 {
				t.Errorf("%.2f allocations a person, want at most 6", u.allocs)
			}
			if u.live > 200 {
				t.Errorf("%.1f bytes a person stay, want at most 200", u.live)
			}
		})
	}
}

// gauge is a writer that looks at the heap, without what is garbage, some times.
type gauge struct{ written, every, next, looks, most int }

func (g *gauge) Write(b []byte) (int, error) {
	if g.written += len(b); g.every > 0 && g.written >= g.next {
		runtime.GC()
		g.most = max(g.most, int(heap()))
		g.next += g.every
		g.looks++
	}
	return len(b), nil
}

// TestFindingsAreStreamed makes sure that findings are written one by one: of all that
// are written at most a name is held.
func TestFindingsAreStreamed(t *testing.T) {
	if raceDetector {
		t.Skip("counts what the race detector adds to")
	}
	const n, each = 3000, 3
	env := ailing(n, ailments[0])
	pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
	if err != nil || pf.People.Len() < n*each {
		t.Fatalf("%d findings, %v", pf.People.Len(), err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"table": pf.WriteTable, "CSV": pf.WriteCSV, "Markdown": pf.WriteMarkdown, "JSON": pf.WriteJSON,
		"lock-outs": func(w io.Writer) error { return pf.People.WriteLockOuts(w) },
	} {
		var g gauge
		if err := write(&g); err != nil || g.written < n*each*50 {
			t.Fatalf("%s: %d bytes, %v", name, g.written, err)
		}
		g.every, g.written = g.written/4, 0
		runtime.GC()
		runtime.GC()
		before := int(heap())
		if err := write(&g); err != nil || g.looks < 3 {
			t.Fatalf("%s: looked %d times, %v", name, g.looks, err)
		}
		t.Logf("%s: %d bytes more in all", name, g.most-before)
		if more := (g.most - before) / (n * each); more > 40 {
			t.Errorf("%s: %d bytes a finding are held while they are written", name, more)
		}
	}
	runtime.KeepAlive(env)
}
