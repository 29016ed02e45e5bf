package memhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/memhttp"
)

// seen is what a client sees of an answer.
type seen struct {
	Status        int
	ContentLength int64
	ContentType   string
	X             string
	Body          string
	Broken        bool // the body ended with an error
	Dropped       bool // there was no answer at all
	HasDate       bool
}

func ask(t *testing.T, client *http.Client, method, url string, body io.Reader) seen {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return seen{Dropped: true}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the body ended with %v; want io.ErrUnexpectedEOF", err)
	}
	return seen{
		Status: resp.StatusCode, ContentLength: resp.ContentLength, ContentType: resp.Header.Get("Content-Type"),
		X: resp.Header.Get("X"), Body: string(b), Broken: err != nil, HasDate: resp.Header.Get("Date") != "",
	}
}

// TestLikeNetHTTP asks the same handlers in memory and over a real connection,
// and demands the same answers.
func TestLikeNetHTTP(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"text":    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") },
		"json": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "{}")
		},
		"status": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); io.WriteString(w, "no") },
		"late": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.Header().Set("X", "late")
			w.WriteHeader(500)
		},
		"no content": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204); io.WriteString(w, "x") },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %q %v %v", r.Method, r.RequestURI, r.URL.Query().Get("q"), b, r.ContentLength, err)
		},
		"mux":   func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"abort": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"abort in the body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
		},
		"flushed": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "one ")
			http.NewResponseController(w).Flush()
			io.WriteString(w, "two")
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/there", http.StatusFound)
				return
			}
			io.WriteString(w, r.URL.Path)
		},
		"long": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(100<<10))
			io.WriteString(w, strings.Repeat("x", 100<<10))
		},
	}
	for name, f := range handlers {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name != "echo" { // else an abort resets the connection, and the answer may be lost
				io.Copy(io.Discard, r.Body)
			}
			f(w, r)
		})
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(h)
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.Start()
			defer srv.Close()
			mem := &http.Client{Transport: &memhttp.Transport{Handler: h}}
			for _, method := range []string{"GET", "HEAD", "POST"} {
				payload := func() io.Reader {
					if method == "POST" {
						return strings.NewReader("payload")
					}
					return nil
				}
				want := ask(t, srv.Client(), method, srv.URL+"/?q=a%20b", payload())
				// A connection that is reset after half an answer may lose
				// all of it on its way; the memory loses nothing.
				for n := 0; name == "abort in the body" && want.Dropped && n < 50; n++ {
					want = ask(t, srv.Client(), method, srv.URL+"/?q=a%20b", payload())
				}
				got := ask(t, mem, method, "http://example.com/?q=a%20b", payload())
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-net/http +memhttp)\n%s", method, diff)
				}
			}
		})
	}
}

func TestRequestAsTheServerSeesIt(t *testing.T) {
	var got *http.Request
	c := &http.Client{Transport: &memhttp.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
	})}}
	req, _ := http.NewRequest("GET", "https://u:p@example.com:444/a%2Fb?x=1#frag", nil)
	if _, err := c.Do(req); err != nil {
		t.Fatal(err)
	}
	user, password, _ := got.BasicAuth()
	if got.Host != "example.com:444" || got.URL.String() != "/a%2Fb?x=1" || got.RequestURI != "/a%2Fb?x=1" ||
		got.TLS == nil || user != "u" || password != "p" || got.RemoteAddr == "" || got.Body == nil {
		t.Errorf("got %+v, URL %v, user %q %q", got, got.URL, user, password)
	}
	if req.URL.Host != "example.com:444" || req.RequestURI != "" {
		t.Error("the client's request was modified")
	}
}

func TestContextEnds(t *testing.T) {
	hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	half := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	tests := []struct {
		name string
		tr   *memhttp.Transport
		body bool // the answer comes, its body does not
	}{
		{"while the handler runs", &memhttp.Transport{Handler: hang}, false},
		{"during the latency", &memhttp.Transport{Handler: hang, Latency: time.Hour}, false},
		{"during the latency of the answer", &memhttp.Transport{Handler: http.NotFoundHandler(), Latency: 3 * time.Second}, false},
		{"in the body", &memhttp.Transport{Handler: half}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// synctest also sees that no goroutine is left behind.
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
				start := time.Now()
				resp, err := tt.tr.RoundTrip(req)
				if tt.body {
					if err != nil {
						t.Fatal(err)
					}
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
					t.Errorf("got %v after %v; want the deadline after 2 s", err, time.Since(start))
				}
			})
		})
	}
}

func TestCloseEndsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		tr := &memhttp.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			ended = true
		})}
		req, _ := http.NewRequest("GET", "http://example.com/", nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if !ended {
			t.Error("the handler goes on after the client has closed the body")
		}
	})
}

func TestLatencyAndStreaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &memhttp.Transport{Latency: 50 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				io.WriteString(w, "x")
				http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		})}
		wrote := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaders: func() { wrote = true }})
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
		start := time.Now()
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 50*time.Millisecond || !wrote {
			t.Errorf("the answer began after %v, wrote %v; want 50ms", d, wrote)
		}
		b, err := io.ReadAll(resp.Body)
		if d := time.Since(start); string(b) != "xxx" || err != nil || d < 3*time.Second {
			t.Errorf("read %q, %v after %v", b, err, d)
		}
	})
}

func TestHandlerPanics(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "a bug") {
			t.Errorf("recovered %v; want the handler's panic", p)
		}
	}()
	tr := &memhttp.Transport{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })}
	req, _ := http.NewRequest("GET", "http://example.com/", nil)
	tr.RoundTrip(req)
}
