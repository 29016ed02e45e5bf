package fake_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
)

// outcome is what a client and the service know of one request.
type outcome struct {
	Status     int // 0: no answer
	Body       string
	Broken     bool // the body broke off
	RetryAfter string
	Effect     bool
	Logged     fake.Request
}

// run sends one request with a fault over the transport that serve makes.
func run(t *testing.T, f fake.Fault, serve func(http.Handler) (*http.Client, string)) outcome {
	t.Helper()
	effect := false
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		effect = true
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":"1234567"}`)
	})
	var log fake.Log
	client, url := serve(log.Wrap(fake.Wrap(mux, func(*http.Request) fake.Fault { return f }), nil))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "PUT", url+"/things/7?secret=1", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	if resp, err := client.Do(req); err == nil {
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		o = outcome{Status: resp.StatusCode, Body: string(b), Broken: err != nil, RetryAfter: resp.Header.Get("Retry-After")}
	}
	for range 100 { // the server may learn a little later that the client is gone
		if o.Logged = log.Requests()[0]; o.Logged.Done {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if o.Logged.At.IsZero() || !o.Logged.Done {
		t.Errorf("logged %+v", o.Logged)
	}
	o.Logged.At, o.Logged.Took = time.Time{}, 0
	o.Effect = effect
	return o
}

func TestKinds(t *testing.T) {
	const whole = `{"id":"1234567"}`
	record := func(status, inner int, k fake.FaultKind, pattern bool) fake.Request {
		r := fake.Request{N: 1, Method: "PUT", Path: "/things/7", Write: true, Status: status, Inner: inner, Fault: k, Done: true}
		if pattern {
			r.Pattern = "PUT /things/{id}"
		}
		return r
	}
	tests := []struct {
		fault fake.Fault
		want  outcome
	}{
		{fake.Fault{}, outcome{Status: 201, Body: whole, Effect: true, Logged: record(201, 0, fake.None, true)}},
		{fake.Fault{Delay: 20 * time.Millisecond}, outcome{Status: 201, Body: whole, Effect: true, Logged: record(201, 0, fake.None, true)}},
		{fake.Fault{Kind: fake.Refuse503, RetryAfter: "3"}, outcome{Status: 503, Body: `{"message":"Service Unavailable"}`, RetryAfter: "3", Logged: record(503, 0, fake.Refuse503, false)}},
		{fake.Fault{Kind: fake.Refuse503, Status: 403, Body: "no"}, outcome{Status: 403, Body: "no", Logged: record(403, 0, fake.Refuse503, false)}},
		{fake.Fault{Kind: fake.Error500Before}, outcome{Status: 500, Body: `{"message":"Internal Server Error"}`, Logged: record(500, 0, fake.Error500Before, false)}},
		{fake.Fault{Kind: fake.Error500After}, outcome{Status: 500, Body: `{"message":"Internal Server Error"}`, Effect: true, Logged: record(500, 201, fake.Error500After, true)}},
		{fake.Fault{Kind: fake.DropBefore}, outcome{Logged: record(0, 0, fake.DropBefore, false)}},
		{fake.Fault{Kind: fake.DropAfter}, outcome{Effect: true, Logged: record(0, 201, fake.DropAfter, true)}},
		{fake.Fault{Kind: fake.Truncate}, outcome{Status: 201, Body: whole[:8], Broken: true, Effect: true, Logged: record(201, 201, fake.Truncate, true)}},
		{fake.Fault{Kind: fake.TooMany}, outcome{Status: 429, Body: `{"message":"Too Many Requests"}`, RetryAfter: "1", Logged: record(429, 0, fake.TooMany, false)}},
		{fake.Fault{Kind: fake.TooMany, RetryAfter: "2.128"}, outcome{Status: 429, Body: `{"message":"Too Many Requests"}`, RetryAfter: "2.128", Logged: record(429, 0, fake.TooMany, false)}},
		{fake.Fault{Kind: fake.TooManyBare}, outcome{Status: 429, Body: `{"message":"Too Many Requests"}`, Logged: record(429, 0, fake.TooManyBare, false)}},
		{fake.Fault{Kind: fake.Hang}, outcome{Logged: record(0, 0, fake.Hang, false)}},
		{fake.Fault{Kind: fake.SlowBody, Delay: 50 * time.Millisecond}, outcome{Status: 201, Body: whole, Effect: true, Logged: record(201, 201, fake.SlowBody, true)}},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := run(t, tt.fault, func(h http.Handler) (*http.Client, string) {
					return &http.Client{Transport: &memhttp.Transport{Handler: h}}, "http://example.com"
				})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("in memory (-want +got)\n%s", diff)
				}
			})
			got := run(t, tt.fault, func(h http.Handler) (*http.Client, string) {
				srv := httptest.NewServer(h)
				t.Cleanup(srv.Close)
				return srv.Client(), srv.URL
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("over HTTP (-want +got)\n%s", diff)
			}
		})
	}
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log fake.Log
		h := log.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }),
			func(r *http.Request) bool { return r.Method == "POST" && !strings.HasPrefix(r.URL.Path, "/search") })
		c := &http.Client{Transport: &memhttp.Transport{Handler: h}}
		var wg sync.WaitGroup
		for _, path := range []string{"/search", "/a", "/b"} {
			wg.Go(func() {
				resp, err := c.Post("http://example.com"+path, "", nil)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
		wg.Wait()
		if log.Writes() != 2 || log.MaxInFlight() != 3 || len(log.Requests()) != 3 {
			t.Errorf("%d writes, %d in flight, %+v", log.Writes(), log.MaxInFlight(), log.Requests())
		}
		for i, r := range log.Requests() {
			if r.N != i+1 || r.Status != 200 || r.Took != time.Second {
				t.Errorf("%+v", r)
			}
		}
		log.Reset()
		if log.Writes() != 0 || len(log.Requests()) != 0 || log.MaxInFlight() != 0 {
			t.Error("Reset left something")
		}
	})
}

func TestThrottle(t *testing.T) {
	tests := []struct {
		style fake.RetryAfterStyle
		want  string
	}{
		{fake.WholeSeconds, "1"},
		{fake.FractionalSeconds, "0.400"},
		{fake.HTTPDate, "Sat, 01 Jan 2000 00:00:01 GMT"},
		{fake.NoRetryAfter, ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			b := &fake.Throttle{Rate: 2.5, Burst: 3, Style: tt.style, Grace: 10 * time.Millisecond}
			h := b.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			ask := func() (int, string) {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				return w.Code, w.Header().Get("Retry-After")
			}
			for range 3 {
				if code, _ := ask(); code != 200 {
					t.Fatalf("the burst was refused: %d", code)
				}
			}
			if code, after := ask(); code != 429 || after != tt.want {
				t.Errorf("got %d, Retry-After %q; want 429, %q", code, after, tt.want)
			}
			time.Sleep(5 * time.Millisecond) // within the grace
			ask()
			time.Sleep(100 * time.Millisecond)
			ask()
			time.Sleep(300 * time.Millisecond)
			early := 1
			if tt.style == fake.WholeSeconds || tt.style == fake.HTTPDate {
				early = 2 // 0.405 s are within the whole second
			}
			code, _ := ask()
			s := b.Stats()
			if tt.style == fake.NoRetryAfter {
				early = 0
			}
			if code != 200 || s.Accepted != 4 || s.Refused != 3 || s.Early != early {
				t.Errorf("style %d: %d, %+v; want 4 accepted, 3 refused, %d early", tt.style, code, s, early)
			}
			if got := b.Schedule(13); got != 4*time.Second {
				t.Errorf("Schedule(13) = %v; want 4s", got)
			}
		})
	}
}
