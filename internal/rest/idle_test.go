package rest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
)

// drip answers with status, writes piece every so often, n times, and then
// stands still, or ends if it has nothing more to say.
func drip(status int, piece string, every time.Duration, n int, ends bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		w.(http.Flusher).Flush()
		for range n {
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
			io.WriteString(w, piece)
		}
		if !ends {
			<-r.Context().Done()
		}
	}
}

// TestAnswersEnd: an answer that has begun ends, whatever the service does, and
// one that only takes its time is read.
func TestAnswersEnd(t *testing.T) {
	const forever = 1 << 30
	tests := []struct {
		name    string
		serve   http.HandlerFunc
		class   rest.Class
		status  int
		stalled bool
		unknown bool
		each    time.Duration // until one attempt ends
	}{
		{"nothing comes", drip(200, "", 0, 0, false), rest.Read, 200, true, false, time.Minute},
		{"a byte now and then", drip(200, " ", 59*time.Second, forever, true), rest.Read, 200, true, false, time.Minute},
		{"a byte a second", drip(200, " ", time.Second, forever, true), rest.Read, 200, true, false, time.Minute},
		{"a beginning, then nothing", drip(200, strings.Repeat(" ", 5000), 50*time.Second, 3, false), rest.Read, 200, true, false, 210 * time.Second},
		{"a write, repeatable", drip(200, " ", time.Second, forever, true), rest.Idempotent, 200, true, true, time.Minute},
		{"a write, not repeatable", drip(200, " ", time.Second, forever, true), rest.Create, 200, true, true, time.Minute},
		{"an error that stands still", drip(403, "{", time.Second, forever, true), rest.Create, 403, false, false, time.Minute},
		{"slow, and whole", drip(200, strings.Repeat(" ", 2000), 50*time.Second, 20, true), rest.Read, 0, false, false, 1000 * time.Second},
		{"short, and in time", drip(200, "  ", 29*time.Second, 2, true), rest.Create, 0, false, false, 58 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sent++; tt.serve(w, r) }), nil)
				began := time.Now()
				_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: tt.class}, nil)
				took := time.Since(began)
				if tt.status == 0 {
					if err != nil || sent != 1 || took != tt.each {
						t.Errorf("%v, after %v and %d attempts", err, took, sent)
					}
					return
				}
				f := failure(t, err)
				if f.Status != tt.status || errors.Is(err, rest.ErrStalled) != tt.stalled || f.OutcomeUnknown != tt.unknown {
					t.Errorf("%+v", f)
				}
				want := 5
				if tt.class == rest.Create {
					want = 1
				}
				if n := time.Duration(sent); sent != want || took < n*tt.each || took > n*tt.each+time.Minute {
					t.Errorf("%d attempts in %v; want %d of %v", sent, took, want, tt.each)
				}
			})
		})
	}
}

// TestIdleIsTheCallers: the limit can be set, and does not count the time to the
// beginning of the answer.
func TestIdleIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(50 * time.Second)
			drip(200, " ", time.Second, 1<<30, true)(w, r)
		}), func(cfg *rest.Config) { cfg.Idle = 3 * time.Second })
		began := time.Now()
		_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
		if took := time.Since(began); !errors.Is(err, rest.ErrStalled) || !strings.Contains(err.Error(), "within 3s") || took != 53*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
	if _, err := rest.New(rest.Config{Base: &url.URL{Scheme: "https", Host: "x"}, Idle: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
}

// deaf is a body that nothing but its end or Close wakes.
type deaf struct {
	closed chan struct{}
	err    error // of a read that Close wakes
}

func (d deaf) Read([]byte) (int, error) { <-d.closed; return 0, d.err }
func (d deaf) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}

// TestDeafTransport: a transport that does not mind the context is woken too. An
// answer that ends well because its server was hung up on has not ended well.
func TestDeafTransport(t *testing.T) {
	for _, woken := range []error{errors.New("closed"), io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			c := caller(t, nil, func(cfg *rest.Config) {
				cfg.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: deaf{make(chan struct{}), woken}}, nil
				})}
			})
			_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
			if f := failure(t, err); !errors.Is(err, rest.ErrStalled) || !f.OutcomeUnknown {
				t.Errorf("woken with %v: %+v", woken, f)
			}
		})
	}
}

// TestSentOrNot: over a real connection it is known whether a request may have
// got out. A write that did is unknown, whatever ended it; one that did not is
// not. It protects against a second creation after a lost answer, and against
// looking for what was never sent.
func TestSentOrNot(t *testing.T) {
	arrived := make(chan struct{}, 10)
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/wait" {
			arrived <- struct{}{}
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	dialling := make(chan struct{}, 10)
	never := func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialling <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	tests := []struct {
		name    string
		path    string
		dial    func(context.Context, string, string) (net.Conn, error)
		until   chan struct{} // the context ends then
		before  bool          // the context has ended before
		class   rest.Class
		unknown bool
		reached int64
	}{
		{"the answer is lost", "lose", nil, nil, false, rest.Create, true, 1},
		{"cancelled while it is answered", "wait", nil, arrived, false, rest.Create, true, 1},
		{"cancelled while it is answered, repeatable", "wait", nil, arrived, false, rest.Idempotent, true, 1},
		{"a read cancelled while it is answered", "wait", nil, arrived, false, rest.Read, false, 1},
		{"cancelled before it is connected", "lose", never, dialling, false, rest.Create, false, 0},
		{"cancelled before", "lose", nil, nil, true, rest.Create, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			requests.Store(0)
			tr := &http.Transport{DialContext: tt.dial}
			defer tr.CloseIdleConnections()
			c, err := rest.New(rest.Config{Base: base, HTTPClient: &http.Client{Transport: tr}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			switch {
			case tt.before:
				cancel()
			case tt.until != nil:
				go func() { <-tt.until; cancel() }()
			}
			_, err = c.Do(ctx, &rest.Request{Method: "POST", Path: tt.path, Class: tt.class, Body: map[string]int{"a": 1}}, nil)
			f := failure(t, err)
			if f.OutcomeUnknown != tt.unknown || requests.Load() != tt.reached {
				t.Errorf("%d requests arrived, %+v; want %d, unknown %v", requests.Load(), f, tt.reached, tt.unknown)
			}
			if (tt.before || tt.until != nil) && !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v; want context.Canceled", err)
			}
		})
	}
}
