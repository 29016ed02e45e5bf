package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/rest"
)

// service is a handler that plays a script of faults and then works: each POST
// makes a thing.
type service struct {
	script []fake.Fault
	n      atomic.Int64
	made   atomic.Int64
	log    fake.Log
}

func (s *service) handler() http.Handler {
	work := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			s.made.Add(1)
		}
		w.Header().Set("Request-Id", "r-"+strconv.FormatInt(s.n.Load(), 10))
		io.WriteString(w, `{"name":"x"}`)
	})
	return s.log.Wrap(fake.Wrap(work, func(*http.Request) fake.Fault {
		if i := int(s.n.Add(1)) - 1; i < len(s.script) {
			return s.script[i]
		}
		return fake.Fault{}
	}), nil)
}

func TestWhatIsRepeated(t *testing.T) {
	k := func(kinds ...fake.FaultKind) (fs []fake.Fault) {
		for _, kind := range kinds {
			fs = append(fs, fake.Fault{Kind: kind})
		}
		return fs
	}
	many := func(f fake.Fault) []fake.Fault {
		fs := make([]fake.Fault, 50)
		for i := range fs {
			fs[i] = f
		}
		return fs
	}
	away := fake.Fault{Kind: fake.Refuse503, RetryAfter: "3"}
	type want struct {
		Sent, Made int64
		Status     int // 0 and OK false: no answer
		OK         bool
		Unknown    bool
	}
	tests := []struct {
		name   string
		class  rest.Class
		script []fake.Fault
		want   want
	}{
		{"read after 500", rest.Read, k(fake.Error500Before, fake.Error500Before), want{Sent: 3, Status: 200, OK: true}},
		{"read after drop", rest.Read, k(fake.DropBefore, fake.DropAfter), want{Sent: 3, Status: 200, OK: true}},
		{"read after truncation", rest.Read, k(fake.Truncate, fake.Truncate), want{Sent: 3, Status: 200, OK: true}},
		{"read after 503", rest.Read, k(fake.Refuse503), want{Sent: 2, Status: 200, OK: true}},
		{"read after 429", rest.Read, k(fake.TooMany, fake.TooManyBare), want{Sent: 3, Status: 200, OK: true}},
		{"read gives up after 4 repeats of 500", rest.Read, many(fake.Fault{Kind: fake.Error500Before}), want{Sent: 5, Status: 500}},
		{"read gives up after 4 repeats of 503", rest.Read, many(away), want{Sent: 5, Status: 503}},
		{"read gives up after 4 dropped connections", rest.Read, many(fake.Fault{Kind: fake.DropBefore}), want{Sent: 5}},
		{"read gives up after 4 broken bodies", rest.Read, many(fake.Fault{Kind: fake.Truncate}), want{Sent: 5, Status: 200}},
		{"read is not repeated after 404", rest.Read, many(fake.Fault{Kind: fake.Error500Before, Status: 404}), want{Sent: 1, Status: 404}},
		{"read is not repeated after 501", rest.Read, many(fake.Fault{Kind: fake.Error500Before, Status: 501}), want{Sent: 1, Status: 501}},
		{"read is not repeated after 409", rest.Read, many(fake.Fault{Kind: fake.Error500Before, Status: 409}), want{Sent: 1, Status: 409}},

		{"idempotent after lost answer", rest.Idempotent, k(fake.DropAfter), want{Sent: 2, Made: 2, Status: 200, OK: true}},
		{"idempotent after 502", rest.Idempotent, []fake.Fault{{Kind: fake.Error500Before, Status: 502}}, want{Sent: 2, Made: 1, Status: 200, OK: true}},
		{"idempotent gives up", rest.Idempotent, many(fake.Fault{Kind: fake.DropAfter}), want{Sent: 5, Made: 5, Unknown: true}},
		{"idempotent, lost and then refused", rest.Idempotent, []fake.Fault{{Kind: fake.DropAfter}, {Kind: fake.Error500Before, Status: 400}}, want{Sent: 2, Made: 1, Status: 400, Unknown: true}},

		{"create with lost answer", rest.Create, k(fake.DropAfter), want{Sent: 1, Made: 1, Unknown: true}},
		{"create with dropped connection", rest.Create, k(fake.DropBefore), want{Sent: 1, Unknown: true}},
		{"create with 500", rest.Create, k(fake.Error500After), want{Sent: 1, Made: 1, Status: 500, Unknown: true}},
		{"create with 502", rest.Create, []fake.Fault{{Kind: fake.Error500Before, Status: 502}}, want{Sent: 1, Status: 502, Unknown: true}},
		{"create with 504", rest.Create, []fake.Fault{{Kind: fake.Error500Before, Status: 504, RetryAfter: "1"}}, want{Sent: 1, Status: 504, Unknown: true}},
		{"create with truncated answer", rest.Create, k(fake.Truncate), want{Sent: 1, Made: 1, Status: 200, Unknown: true}},
		{"create with bare 503", rest.Create, k(fake.Refuse503), want{Sent: 1, Status: 503, Unknown: true}},
		{"create after 503 with Retry-After", rest.Create, []fake.Fault{away}, want{Sent: 2, Made: 1, Status: 200, OK: true}},
		{"create refused with 503 every time", rest.Create, many(away), want{Sent: 3, Status: 503, Unknown: true}},
		{"create after 429", rest.Create, k(fake.TooMany, fake.TooManyBare, fake.TooMany), want{Sent: 4, Made: 1, Status: 200, OK: true}},
		{"create with 400", rest.Create, []fake.Fault{{Kind: fake.Error500Before, Status: 400}}, want{Sent: 1, Status: 400}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{script: tt.script}
				c := caller(t, s.handler(), nil)
				method := map[rest.Class]string{rest.Read: "GET", rest.Idempotent: "PUT", rest.Create: "POST"}[tt.class]
				var out struct{ Name string }
				r, err := c.Do(t.Context(), &rest.Request{Method: method, Path: "things", Class: tt.class, Body: body(method)}, &out)
				got := want{Sent: s.n.Load(), Made: s.made.Load(), OK: err == nil}
				attempts := 0
				if err == nil {
					got.Status, attempts = r.Status, r.Attempts
					if out.Name != "x" {
						t.Errorf("decoded %+v", out)
					}
				} else {
					f := failure(t, err)
					got.Status, got.Unknown, attempts = f.Status, f.OutcomeUnknown, f.Attempts
					if f.Status == 0 && f.Err == nil || f.Status >= 300 && (f.Err != nil || len(f.Body) == 0) {
						t.Errorf("status %d, body %q, err %v", f.Status, f.Body, f.Err)
					}
				}
				if attempts != int(got.Sent) {
					t.Errorf("%d attempts told; %d sent", attempts, got.Sent)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

func body(method string) any {
	if method == "GET" {
		return nil
	}
	return map[string]string{"a": "b"}
}

func failure(t *testing.T, err error) *rest.Failure {
	t.Helper()
	var f *rest.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v; want a *rest.Failure", err)
	}
	return f
}

// TestThrottlingIsLimitedByTime: a single call gives up after MaxElapsed, a
// bulk one never.
func TestThrottlingIsLimitedByTime(t *testing.T) {
	always := func() *service {
		s := &service{}
		for range 1000 {
			s.script = append(s.script, fake.Fault{Kind: fake.TooMany, RetryAfter: "20"})
		}
		return s
	}
	synctest.Test(t, func(t *testing.T) {
		s := always()
		c := caller(t, s.handler(), func(cfg *rest.Config) { cfg.MaxElapsed = time.Minute })
		start := time.Now()
		_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil)
		f := failure(t, err)
		if d := time.Since(start); d > time.Minute || d < 30*time.Second || !f.Throttled || f.Status != 429 || f.RetryAfter != 20*time.Second {
			t.Errorf("after %v: %+v", d, f)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := always()
		c := caller(t, s.handler(), func(cfg *rest.Config) { cfg.MaxElapsed = time.Minute })
		start := time.Now()
		if _, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x", Bulk: true}, nil); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 1000*20*time.Second {
			t.Errorf("came through after %v, before the time named", d)
		}
	})
}

func TestRetryAfterLongerThanMaxWait(t *testing.T) {
	for _, value := range []string{"3600", "484289", "99999999999999999999", "1e400"} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{script: []fake.Fault{{Kind: fake.TooMany, RetryAfter: value}}}
			c := caller(t, s.handler(), nil)
			start := time.Now()
			_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil)
			f := failure(t, err)
			if f.Status != 429 || !f.Throttled || f.RetryAfter < time.Hour || f.Attempts != 1 || len(f.Body) == 0 {
				t.Errorf("%s: %+v", value, f)
			}
			// The next call is not sent either: its time has not come.
			_, err = c.Do(t.Context(), &rest.Request{Method: "GET", Path: "y"}, nil)
			if f = failure(t, err); f.Attempts != 0 || !f.Throttled || f.RetryAfter < 50*time.Minute || f.RetryAfter > 24*time.Hour+time.Second {
				t.Errorf("%s: the next call: %+v", value, f)
			}
			if d := time.Since(start); d > 0 {
				t.Errorf("%s: slept %v", value, d)
			}
			time.Sleep(25 * time.Hour)
			if _, err = c.Do(t.Context(), &rest.Request{Method: "GET", Path: "y"}, nil); err != nil {
				t.Errorf("%s: a day later: %v", value, err)
			}
		})
	}
}

func TestDeadlineBeforeTheEndOfTheWait(t *testing.T) {
	for _, f := range []fake.Fault{
		{Kind: fake.TooMany, RetryAfter: "60"},
		{Kind: fake.Refuse503, RetryAfter: "60"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{script: []fake.Fault{f, f, f}}
			c := caller(t, s.handler(), nil)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			_, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "x"}, nil)
			got := failure(t, err)
			if !errors.Is(err, context.DeadlineExceeded) || got.Status/100 == 2 || got.Status == 0 || got.RetryAfter != 60*time.Second || got.Attempts != 1 {
				t.Errorf("%v: %+v", f.Kind, got)
			}
			if got.Throttled != (f.Kind == fake.TooMany) {
				t.Errorf("%v: throttled is %v", f.Kind, got.Throttled)
			}
			// Nor does a call wait that only meets the closed gate.
			_, err = c.Do(ctx, &rest.Request{Method: "GET", Path: "y"}, nil)
			if got = failure(t, err); !errors.Is(err, context.DeadlineExceeded) || got.Attempts != 0 || !got.Throttled {
				t.Errorf("%v: the next call: %+v", f.Kind, got)
			}
			if d := time.Since(start); d > 0 {
				t.Errorf("%v: slept %v", f.Kind, d)
			}
		})
	}
}

func TestContextEndsWithItsCause(t *testing.T) {
	cause := errors.New("the user went home")
	for _, script := range [][]fake.Fault{
		{{Kind: fake.Hang}},
		{{Kind: fake.TooMany, RetryAfter: "100"}},
		{{Kind: fake.Refuse503, RetryAfter: "100"}},
		{{Kind: fake.SlowBody, Delay: time.Hour}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{script: script}
			c := caller(t, s.handler(), nil)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(5*time.Second, func() { cancel(cause) })
			start := time.Now()
			_, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "x"}, nil)
			if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
				t.Errorf("%v: got %v; want the cause and context.Canceled", script[0].Kind, err)
			}
			if d := time.Since(start); d != 5*time.Second {
				t.Errorf("%v: ended after %v; want 5s", script[0].Kind, d)
			}
		})
	}
}

func TestRetryAfterForms(t *testing.T) {
	const date = "Wed, 04 Mar 2026 05:06:07 GMT"
	tests := []struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		{"", "", 0, false},
		{"2", "", 2 * time.Second, true},
		{"2.128", "", 2128 * time.Millisecond, true},
		{" 3 ", "", 3 * time.Second, true},
		{"0", "", 0, true},
		{"-5", "", 0, false},
		{"NaN", "", 0, false},
		{"soon", "", 0, false},
		{"2s", "", 0, false},
		{"Wed, 04 Mar 2026 05:06:37 GMT", date, 30 * time.Second, true},
		{"Wednesday, 04-Mar-26 05:06:37 GMT", date, 30 * time.Second, true},
		{"Wed Mar  4 05:06:37 2026", date, 30 * time.Second, true},
		{"Wed, 04 Mar 2026 05:00:00 GMT", date, 0, true},
		{"9223372037", date, time.Hour, true},
		{"99999999999999999999", date, 1<<63 - 1, true},
		{"1e400", date, 1<<63 - 1, true},
		{"1772600797", date, 30 * time.Second, true},    // the time of day, not a wait
		{"1772600797000", date, 30 * time.Second, true}, // the same in milliseconds
	}
	for _, tt := range tests {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		if tt.date != "" {
			h.Set("Date", tt.date)
		}
		got, ok := rest.RetryAfter(h)
		if strings.HasPrefix(tt.value, "92233") { // not negative is what counts
			if got < time.Hour {
				t.Errorf("%s: %v; want a long wait", tt.value, got)
			}
			continue
		}
		if got.Round(time.Millisecond) != tt.want.Round(time.Millisecond) || ok != tt.ok {
			t.Errorf("%q: got %v, %v; want %v, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

// TestDateAgainstTheAnswersClock: our clock may be wrong.
func TestDateAgainstTheAnswersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				theirs := time.Now().Add(-8 * time.Hour)
				w.Header().Set("Date", theirs.UTC().Format(http.TimeFormat))
				w.Header().Set("Retry-After", theirs.Add(30*time.Second).UTC().Format(time.RFC850))
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}), nil)
		start := time.Now()
		if _, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 30*time.Second || d > 32*time.Second {
			t.Errorf("waited %v; want 30 s", d)
		}
	})
}

func TestOtherThrottling(t *testing.T) {
	tests := []struct {
		name       string
		retryAfter string
		body       string
		sent       int64
	}{
		{"403 with Retry-After", "7", `{}`, 2},
		{"suspected abuse", "", `{"message":"Suspected Abuse"}`, 2},
		{"plain 403", "", `{"message":"Forbidden"}`, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &service{script: []fake.Fault{{Kind: fake.Refuse503, Status: 403, RetryAfter: tt.retryAfter, Body: tt.body}}}
			c := caller(t, s.handler(), func(cfg *rest.Config) {
				cfg.Throttled = func(status int, _ http.Header, body []byte) bool {
					return status == 403 && strings.Contains(string(body), "Suspected Abuse")
				}
			})
			_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
			if s.n.Load() != tt.sent || (err == nil) != (tt.sent == 2) {
				t.Errorf("%s: %d requests, %v; want %d", tt.name, s.n.Load(), err, tt.sent)
			}
		})
	}
}
