package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/rest"
)

type wrapper = func(next http.RoundTripper) http.RoundTripper

// through makes a wrapper of a function.
func through(f func(next http.RoundTripper, req *http.Request) (*http.Response, error)) wrapper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) { return f(next, req) })
	}
}

// answer is an answer of a wrapper's own.
func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}
}

// TestWrapOutcome: whatever a wrapper does, a write that may have been made is
// never taken for one that was not, and none is made twice.
func TestWrapOutcome(t *testing.T) {
	own := errors.New("the wrapper's own")
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	var (
		lost    = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		says200 = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
		says    = func(status int) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		}
	)
	plain := through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) { return next.RoundTrip(req) })
	after := func(resp *http.Response, err error) wrapper { // the request is sent, and this returned
		return through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if r, err := next.RoundTrip(req); err == nil {
				r.Body.Close()
			}
			return resp, err
		})
	}
	instead := func(resp *http.Response, err error) wrapper { // nothing is sent
		return through(func(http.RoundTripper, *http.Request) (*http.Response, error) { return resp, err })
	}
	tests := []struct {
		name    string
		pool    http.Handler // nil: nobody can be reached
		wrap    wrapper
		class   rest.Class
		sent    int64
		status  int
		unknown bool
		tries   int
		text    string
	}{
		{"handed on: not reached", nil, plain, rest.Create, 0, 0, false, 3, "dial"},
		{"handed on: lost", lost, plain, rest.Create, 1, 0, true, 1, "EOF"},
		{"handed on: refused", says(400), plain, rest.Create, 1, 400, false, 1, ""},
		{"another trace", lost, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GetConn: func(string) {}})))
		}), rest.Create, 1, 0, true, 1, "EOF"},
		{"another context", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.Background()))
		}), rest.Create, 0, 0, true, 1, "context"},
		{"another context, of a read", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.Background()))
		}), rest.Read, 0, 0, false, 1, "context"},
		{"an error of its own", says200, instead(nil, own), rest.Create, 0, 0, true, 1, own.Error()},
		{"an error as if of a dial", says200, instead(nil, refused), rest.Create, 0, 0, true, 1, "dial"},
		{"an error of its own, of a read", says200, instead(nil, own), rest.Read, 0, 0, false, 5, own.Error()},
		{"an error of its own, repeatable", says200, instead(nil, own), rest.Idempotent, 0, 0, true, 5, own.Error()},
		{"an answer of its own", says200, instead(answer(403, "{}"), nil), rest.Create, 0, 403, false, 1, ""},
		{"not reached, then sent elsewhere", nil, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			next.RoundTrip(req)
			return nil, own
		}), rest.Create, 0, 0, true, 1, own.Error()},
		{"not reached, and joined with what nobody knows", nil, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			_, err := next.RoundTrip(req)
			return nil, errors.Join(err, own)
		}), rest.Create, 0, 0, true, 1, own.Error()},
		{"lost, and an error as if of a dial", lost, after(nil, refused), rest.Create, 1, 0, true, 1, "dial"},
		{"lost, and answered with 429", lost, after(answer(429, ""), nil), rest.Create, 1, 429, true, 1, ""},
		{"lost, and answered with 400", lost, after(answer(400, ""), nil), rest.Create, 1, 400, true, 1, ""},
		{"made, and answered with 404", says200, after(answer(404, ""), nil), rest.Create, 1, 404, true, 1, ""},
		{"500, and answered with 401", says(500), after(answer(401, ""), nil), rest.Create, 1, 401, true, 1, ""},
		{"refused, and answered with 403", says(400), after(answer(403, ""), nil), rest.Create, 1, 403, false, 1, ""},
		{"sent twice", says(503), through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if resp, err := next.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
			return next.RoundTrip(req)
		}), rest.Create, 1, 0, true, 1, "sent again"},
		{"sent side by side", lost, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			var wg sync.WaitGroup
			errs := make([]error, 2)
			for i := range errs {
				wg.Go(func() { _, errs[i] = next.RoundTrip(req) })
			}
			wg.Wait()
			return nil, errs[0]
		}), rest.Create, 1, 0, true, 1, ""},
		{"under way, and answered with 429", lost, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Body = http.NoBody
			go next.RoundTrip(req)
			time.Sleep(time.Second)
			return answer(429, ""), nil
		}), rest.Create, 1, 429, true, 1, ""},
		{"sent after the end", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			time.AfterFunc(time.Second, func() {
				if _, err := next.RoundTrip(req); err == nil {
					panic("sent after its attempt had ended")
				}
			})
			return nil, own
		}), rest.Create, 0, 0, true, 1, own.Error()},
		{"neither answer nor error", says200, after(nil, nil), rest.Create, 1, 0, true, 1, "neither"},
		{"no status", says200, after(&http.Response{}, nil), rest.Create, 1, 0, true, 1, "status 0"},
		{"no body", says200, after(&http.Response{StatusCode: 400}, nil), rest.Create, 1, 400, true, 1, ""},
		{"less than its length", says200, after(&http.Response{StatusCode: 200, ContentLength: 2}, nil), rest.Create, 1, 0, true, 1, "without its body"},
		{"a key for net/http to repeat it", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header["Idempotency-Key"] = []string{}
			return next.RoundTrip(req)
		}), rest.Create, 0, 0, false, 1, "Idempotency-Key"},
		{"to another host", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.URL.Host = "evil.example"
			return next.RoundTrip(req)
		}), rest.Create, 0, 0, false, 1, `"https://evil.example"`},
		{"in the clear", says200, through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.URL.Scheme, req.URL.Host = "http", "api.example.com:443"
			return next.RoundTrip(req)
		}), rest.Read, 0, 0, false, 1, `"http://api.example.com:443"`},
		{"a redirect is followed", http.RedirectHandler("https://evil.example/", http.StatusFound), through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.RequestURI = ""
			return (&http.Client{Transport: next}).Do(req)
		}), rest.Read, 1, 0, false, 1, "evil.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int64
				pool := http.RoundTripper(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
				if tt.pool != nil {
					pool = &memhttp.Transport{Latency: 4 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						sent.Add(1)
						tt.pool.ServeHTTP(w, r)
					})}
				}
				c := caller(t, nil, func(cfg *rest.Config) {
					cfg.HTTPClient, cfg.Wrap = &http.Client{Transport: pool}, tt.wrap
					cfg.Authorize = func(_ context.Context, h http.Header) error { h.Set("X-Api-Key", "k3y-of-the-test"); return nil }
				})
				_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: tt.class, Body: map[string]int{"a": 1}}, nil)
				f := failure(t, err)
				time.Sleep(time.Minute)
				if sent.Load() != tt.sent || f.Status != tt.status || f.OutcomeUnknown != tt.unknown || f.Attempts != tt.tries ||
					!strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "k3y") {
					t.Errorf("sent %d times, %d attempts, unknown %v: %v; want %+v", sent.Load(), f.Attempts, f.OutcomeUnknown, err, tt)
				}
			})
		})
	}
}

// TestWrapSeesAttempts: a wrapper sees each attempt, with its credential, when it
// may be sent; a redirect stays an answer.
func TestWrapSeesAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []int
		status := []int{503, 429, 302}
		wraps, closed := 0, 0
		var times []time.Duration
		began := time.Now()
		c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "https://api.example.com/v1/login")
			w.WriteHeader(status[len(said)-1])
		}), func(cfg *rest.Config) {
			cfg.Authorize = func(_ context.Context, h http.Header) error { h.Set("X-Api-Key", fmt.Sprint(len(said))); return nil }
			cfg.Wrap = func(next http.RoundTripper) http.RoundTripper {
				wraps++
				return closing{through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
					times = append(times, time.Since(began))
					if want := fmt.Sprint(len(said)); req.Header.Get("X-Api-Key") != want {
						t.Errorf("key %q; want %q", req.Header.Get("X-Api-Key"), want)
					}
					said = append(said, 0)
					resp, err := next.RoundTrip(req)
					if err == nil {
						said[len(said)-1] = resp.StatusCode
					}
					return resp, err
				})(next), &closed}
			}
		})
		_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x"}, nil)
		if f := failure(t, err); f.Status != 302 || fmt.Sprint(said) != "[503 429 302]" || wraps != 1 || closed != 0 {
			t.Errorf("%v; the wrapper saw %v, was made %d times and told %d times to close its connections", err, said, wraps, closed)
		}
		for i, at := range times {
			if least := time.Duration(i) * 7 * time.Second; at < least {
				t.Errorf("attempt %d came after %v; the service asked for %v", i+1, at, least)
			}
		}
	})
}

type closing struct {
	http.RoundTripper
	n *int
}

func (c closing) CloseIdleConnections() { *c.n++ }

// TestWrapAnswersEnd: an answer ends within the limit also if the wrapper reads
// it by itself, or does not hear that it is closed.
func TestWrapAnswersEnd(t *testing.T) {
	tests := []struct {
		name string
		wrap wrapper
	}{
		{"read by the wrapper", through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				return nil, err
			}
			return answer(resp.StatusCode, string(b)), nil
		})},
		{"closed after it was read", through(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.Body = &locked{body: resp.Body}
			}
			return resp, err
		})},
		{"of the wrapper's own", through(func(http.RoundTripper, *http.Request) (*http.Response, error) {
			resp := answer(200, "")
			resp.Body = deaf{make(chan struct{}), io.EOF}
			return resp, nil
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := caller(t, drip(200, " ", time.Second, 1<<30, true), func(cfg *rest.Config) { cfg.Wrap, cfg.Idle = tt.wrap, 3*time.Second })
				began := time.Now()
				_, err := c.Do(t.Context(), &rest.Request{Method: "POST", Path: "x", Class: rest.Create}, nil)
				if f := failure(t, err); !errors.Is(err, rest.ErrStalled) || !f.OutcomeUnknown || time.Since(began) != 3*time.Second {
					t.Errorf("%v after %v, unknown %v", err, time.Since(began), f.OutcomeUnknown)
				}
			})
		})
	}
}

// locked is a body that cannot be closed while it is read.
type locked struct {
	mu   sync.Mutex
	body io.ReadCloser
}

func (l *locked) Read(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.body.Read(p) }
func (l *locked) Close() error               { l.mu.Lock(); defer l.mu.Unlock(); return l.body.Close() }

// TestWrapErrorsAreDiscreet: neither the credential nor the query leave the
// process in an error or a log, also if the wrapper's error shows the request.
func TestWrapErrorsAreDiscreet(t *testing.T) {
	tests := []struct {
		name string
		fail func(req *http.Request) (*http.Response, error)
	}{
		{"the error", func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("failed: %v %v", req.URL, req.Header)
		}},
		{"an error in an error", func(req *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: fmt.Errorf("failed: %v", req.Header)}
		}},
		{"of the body", func(req *http.Request) (*http.Response, error) {
			resp := answer(200, "")
			resp.Body = deaf{make(chan struct{}), fmt.Errorf("failed: %v", req.Header)}
			resp.Body.Close()
			return resp, nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				c := caller(t, nil, func(cfg *rest.Config) {
					cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
					cfg.Authorize = func(_ context.Context, h http.Header) error {
						h.Set("X-Api-Key", "k3y-of-the-test")
						h.Set("Authorization", "Bearer t0ken-of-the-test")
						return nil
					}
					cfg.Wrap = through(func(_ http.RoundTripper, req *http.Request) (*http.Response, error) { return tt.fail(req) })
				})
				_, err := c.Do(t.Context(), &rest.Request{Method: "GET", Path: "x", Query: url.Values{"filter": {"dana"}}}, nil)
				for _, s := range []string{err.Error(), log.String()} {
					if strings.Contains(s, "k3y") || strings.Contains(s, "t0ken") || strings.Contains(s, "dana") || !strings.Contains(s, "failed") {
						t.Error(s)
					}
				}
			})
		})
	}
}

// TestWrapNeedsATransport: nothing is no transport.
func TestWrapNeedsATransport(t *testing.T) {
	for name, rt := range map[string]http.RoundTripper{"nil": nil, "a nil pointer": (*http.Transport)(nil)} {
		_, err := rest.New(rest.Config{
			Base: &url.URL{Scheme: "https", Host: "api.example.com"},
			Wrap: func(http.RoundTripper) http.RoundTripper { return rt },
		})
		if !errors.Is(err, rest.ErrNoTransport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
