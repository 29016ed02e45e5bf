package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// canaries must not stand in any error.
var canaries = []string{keyText, "canary-user", "canary-password", "canary-query", "canary-path", "canary-answer"}

func leaks(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, c := range canaries {
			if text := fmt.Sprintf("%v %+v", e, e); strings.Contains(text, c) {
				t.Errorf("the error shows %s: %s", c, text)
			}
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var notice = flow.Notice{
	ID: "approval/contoso.example/1", Kind: flow.NoticeApproval, Domain: "contoso.example", Customer: "Contoso", Text: "it waits",
}

func TestSend(t *testing.T) {
	key := testKey(t, keyText)
	var got []flow.Notice
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := Verify(r.Header, body, key, noon); err != nil {
			t.Errorf("Verify: %v", err)
		}
		user, password, _ := r.BasicAuth()
		if r.Method != "POST" || r.URL.RequestURI() != "/canary-path?k=canary-query" || user != "canary-user" || password != "canary-password" ||
			r.Header.Get(HeaderID) != notice.ID || r.UserAgent() != "agent" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s %v", r.Method, r.URL, r.Header)
		}
		var n flow.Notice
		if err := json.Unmarshal(body, &n); err != nil {
			t.Error(err)
		}
		got = append(got, n)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	s, err := New(Options{
		URL: strings.Replace(server.URL, "http://", "http://canary-user:canary-password@", 1) + "/canary-path?k=canary-query",
		Key: key, Now: func() time.Time { return noon }, UserAgent: "agent",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]flow.Notice{notice}, got); diff != "" {
		t.Error(diff)
	}
	if s.String() != server.URL {
		t.Errorf("String: %s", s)
	}
	var none *Sender
	if err := none.Send(t.Context(), notice); err != nil {
		t.Errorf("no sender: %v", err)
	}
}

func TestSendOutcomes(t *testing.T) {
	for _, test := range []struct {
		status    int
		after     string
		permanent bool
		want      time.Duration
	}{
		{status: 400, permanent: true},
		{status: 401, permanent: true},
		{status: 404, permanent: true},
		{status: 410, permanent: true},
		{status: 408},
		{status: 429, after: "90", want: 90 * time.Second},
		{status: 429, after: noon.Add(time.Minute).Format(http.TimeFormat), want: time.Minute},
		{status: 429, after: noon.Add(-time.Minute).Format(http.TimeFormat)},
		{status: 429, after: "99999999999999999999"},
		{status: 429, after: "9999999999", want: MostRetryAfter},
		{status: 429, after: "canary-answer"},
		{status: 500},
		{status: 503, after: "5", want: 5 * time.Second},
		{status: 599},
		{status: 301},
		{status: 307},
	} {
		t.Run(fmt.Sprint(test.status, test.after), func(t *testing.T) {
			var paths []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				paths = append(paths, r.URL.Path)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", test.after)
				w.WriteHeader(test.status)
				fmt.Fprint(w, "canary-answer")
			}))
			defer server.Close()
			s, err := New(Options{URL: server.URL + "/canary-path?canary-query", Key: testKey(t, keyText), Now: func() time.Time { return noon }})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Send(t.Context(), notice)
			if diff := cmp.Diff([]string{"/canary-path"}, paths); diff != "" {
				t.Fatalf("one attempt, and no redirect followed: %s", diff)
			}
			leaks(t, err)
			var p *Permanent
			var e *Temporary
			switch {
			case errors.As(err, &p):
				if !test.permanent || p.Status != test.status {
					t.Errorf("got %#v", p)
				}
			case errors.As(err, &e):
				if test.permanent || e.Status != test.status || e.RetryAfter != test.want {
					t.Errorf("got %#v, want %+v", e, test)
				}
			default:
				t.Fatalf("got %v", err)
			}
			if text := fmt.Sprint(test.status); !strings.Contains(err.Error(), text) {
				t.Errorf("it does not say %s: %v", text, err)
			}
		})
	}
}

func TestSendUnanswered(t *testing.T) {
	wait := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	echo := roundTripper(func(r *http.Request) (*http.Response, error) {
		key := keyText // as a proxy might that has looked into its environment
		user, password, _ := r.BasicAuth()
		return nil, fmt.Errorf("cannot reach %s (%s, %s, %s): %s", r.URL, user, password, key, r.URL.RawQuery)
	})
	for _, test := range []struct {
		name   string
		base   roundTripper
		cancel time.Duration // 0: not
		took   time.Duration
		is     error
		want   string
	}{
		{"no answer", wait, 0, Limit, context.DeadlineExceeded, "has not answered within 10s"},
		{"ended", wait, time.Second, time.Second, context.Canceled, "was ended"},
		{"an error that tells all", echo, 0, 0, nil, "https://hooks.example cannot be reached: cannot reach (not shown)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Options{
					URL: "https://canary-user:canary-password@hooks.example/canary-path?k=canary-query",
					Key: testKey(t, keyText), Client: &http.Client{Transport: test.base, Timeout: time.Nanosecond},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				start := time.Now()
				err = s.Send(ctx, notice)
				leaks(t, err)
				var e *Temporary
				if !errors.As(err, &e) || e.Status != 0 || !strings.Contains(err.Error(), test.want) || errors.Unwrap(err) != test.is {
					t.Errorf("got %v, want %q", err, test.want)
				}
				if took := time.Since(start); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
			})
		})
	}
}

func TestNewRefuses(t *testing.T) {
	key := testKey(t, keyText)
	for _, test := range []struct{ name, url, want string }{
		{"none", "", "no URL"},
		{"unreadable", "https://canary-user:canary-password@hooks.example/%zz", "cannot be read"},
		{"another scheme", "ftp://hooks.example/canary-path", "not of the form"},
		{"no host", "https:///canary-path", "not of the form"},
		{"opaque", "https:canary-path", "not of the form"},
		{"in the clear", "http://hooks.example/?canary-query", "http to another machine"},
		{"localhost as a prefix", "http://localhost.hooks.example/", "http to another machine"},
		{"private is no loopback", "http://10.0.0.1/", "http to another machine"},
		{"fragment", "https://hooks.example/#canary-path", "fragment"},
		{"good", "https://hooks.example", ""},
		{"this machine", "http://localhost:8080/a", ""},
		{"this machine, IPv4", "http://127.1.2.3/a", ""},
		{"this machine, IPv6", "http://[::1]:8080/a", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Options{URL: test.url, Key: key})
			leaks(t, err)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := New(Options{URL: "https://hooks.example"}); err == nil || !strings.Contains(err.Error(), KeyVariable) {
		t.Errorf("without a key: %v", err)
	}
}

func TestBody(t *testing.T) {
	for _, test := range []struct {
		name string
		n    flow.Notice
		text string // want, or
		err  string
	}{
		{name: "as it is", n: flow.Notice{ID: "a", Text: "two words\nand a line"}, text: "two words\nand a line"},
		{name: "people", n: flow.Notice{ID: "a", Text: "ask ada@contoso.example, or\n<grace@contoso.example>"}, text: "ask <address>, or\n<<address>>"},
		{name: "no UTF-8", n: flow.Notice{ID: "a", Text: "a\xffb"}, text: "a\ufffdb"},
		{name: "long", n: flow.Notice{ID: "a", Text: strings.Repeat("ä", 3000)}, text: strings.Repeat("ä", 1022) + "…"},
		{name: "long when written", n: flow.Notice{ID: "a", Text: strings.Repeat("\x01", 3000)}, text: strings.Repeat("\x01", 509) + "…"},
		{name: "no ID", n: flow.Notice{Text: "a"}, err: "ID"},
		{name: "an ID that is no header", n: flow.Notice{ID: "a\r\nb"}, err: "ID"},
		{name: "a long ID", n: flow.Notice{ID: strings.Repeat("a", 257)}, err: "ID"},
		{name: "a long name", n: flow.Notice{ID: "a", Customer: strings.Repeat("a", 5000)}, err: "4096 bytes without its text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, err := encode(test.n)
			if test.err != "" {
				var p *Permanent
				if !errors.As(err, &p) || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || len(body) > MaxBody {
				t.Fatalf("%d bytes, %v", len(body), err)
			}
			var got flow.Notice
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			want := test.n
			want.Text = test.text
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
