package recording_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation/recording"
)

// TestReadIsStrict: what is no recording is refused, with what was found and where.
func TestReadIsStrict(t *testing.T) {
	const exchange = `{"at":"2021-01-01T00:00:00Z","method":"GET","url":"https://graph.microsoft.com/v1.0/domains","answer":{"status":200`
	for _, tt := range []struct{ name, file, want string }{
		{"empty", " \n", "it is empty"},
		{"no JSON", "GET /\n", "line 1, column 2: invalid character 'G'"},
		{"cut", `{"version":1,` + "\n" + `"exchanges":[`, "line 2"},
		{"another version", `{"version":2,"exchanges":[]}`, "version 2; this program reads version 1"},
		{"no version", `{"exchanges":[]}`, "version 0"},
		{"an unknown member", `{"version":1,"exchanges":[],"key":"a"}`, `unknown field "key"`},
		{"another type", "{\"version\":1,\n\"exchanges\":{}}", "line 2, column 14"},
		{"something behind it", `{"version":1,"exchanges":[]} {}`, "something follows"},
		{"no method", `{"version":1,"exchanges":[{"at":"2021-01-01T00:00:00Z","method":"","url":"https://a/"}]}`, "exchange 1: it has no method"},
		{"no address", `{"version":1,"exchanges":[{"at":"2021-01-01T00:00:00Z","method":"GET","url":"/v1.0/domains"}]}`, `exchange 1: its url "/v1.0/domains"`},
		{"no status", `{"version":1,"exchanges":[` + strings.Replace(exchange, "200", "0", 1) + `}}]}`, "exchange 1: its answer has the status 0"},
		{"two bodies", `{"version":1,"exchanges":[` + exchange + `,"json":{},"text":"a"}}]}`, "both json and text"},
		{"a credential", `{"version":1,"exchanges":[` + exchange + `,"header":{"set-cookie":"a=b"}}}]}`, "the header Set-Cookie, which no recording has"},
	} {
		_, err := recording.Read(strings.NewReader(tt.file))
		if err == nil || !strings.HasPrefix(err.Error(), "recording: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error = %v; want one that says %q", tt.name, err, tt.want)
		}
	}
	broken := errors.New("broken")
	if _, err := recording.Read(io.MultiReader(strings.NewReader("{"), errReader{broken})); !errors.Is(err, broken) {
		t.Errorf("error = %v; want that of the reader", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// TestWrittenTwice: a recording that was read is written as it was.
func TestWrittenTwice(t *testing.T) {
	rec := recording.New()
	for _, body := range []string{`{"value":[{"id":"a"}]}`, "<RealmInfo><Login>a</Login></RealmInfo>", "\ufeff12", "", "no JSON", "<html><body>a", "\xff\xfe"} {
		exchange(t, rec, get(t, "https://graph.microsoft.com/v1.0/users/$count"), 200, http.Header{"Content-Type": {"text/plain"}}, []byte(body))
	}
	r, text := written(t, rec)
	var again bytes.Buffer
	if _, err := r.WriteTo(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, again.String()); diff != "" {
		t.Errorf("(-first +second)\n%s", diff)
	}
	if r.Exchanges[2].Answer.Text != "12" || !r.Exchanges[2].Answer.Mark || r.Exchanges[3].Answer.Text != "" || len(r.Exchanges) != 7 {
		t.Errorf("%+v", r.Exchanges)
	}
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// trips is a transport that does what the function does.
type trips func(*http.Request) (*http.Response, error)

func (f trips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAnswersThatAreNone: a connection that breaks is recorded and breaks again, a body that breaks off does too, and
// what the caller gave up is left out.
func TestAnswersThatAreNone(t *testing.T) {
	rec := recording.New()
	const address = "https://graph.microsoft.com/v1.0/organization"
	broken := errors.New("dial tcp: lookup graph.microsoft.com at Quackenbush")
	tr := rec.Transport(trips(func(r *http.Request) (*http.Response, error) { return nil, broken }))
	if _, err := tr.RoundTrip(get(t, address)); !errors.Is(err, broken) {
		t.Fatalf("error = %v; want that of the transport", err)
	}
	tr = rec.Transport(trips(func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"value":[`), errReader{io.ErrUnexpectedEOF})
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body)}, nil
	}))
	resp, err := tr.RoundTrip(get(t, address))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("error = %v", err)
	}
	tr = rec.Transport(trips(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204, Header: http.Header{}}, nil
	}))
	if _, err := tr.RoundTrip(get(t, address)); err != nil {
		t.Fatal(err)
	}
	late := rec.Transport(trips(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	}))
	unread, err := late.RoundTrip(get(t, address))
	if err != nil {
		t.Fatal(err)
	}
	r, text := written(t, rec)
	unread.Body.Close()
	if f := found(text); len(f) > 0 || len(r.Exchanges) != 3 || r.Exchanges[0].Answer != nil || !r.Exchanges[1].Answer.Cut {
		t.Fatalf("%v\n%s", f, text)
	}
	client := r.HTTPClient()
	if _, err := client.Get(address); err == nil {
		t.Error("the first request is answered; want a connection that breaks")
	}
	if resp, err = client.Get(address); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err == nil || len(b) == 0 {
		t.Errorf("the second answer is %q, %v; want one that breaks off", b, err)
	}
	for range 2 {
		if resp, err = client.Get(address); err != nil || resp.StatusCode != 204 {
			t.Fatalf("%v, %v; want 204, again and again", resp, err)
		}
	}
}

// TestMatching: which requests are the same question.
func TestMatching(t *testing.T) {
	x := func(method, url, org, answer string) recording.Exchange {
		e := recording.Exchange{At: time.Unix(0, 0).UTC(), Method: method, URL: url, Answer: &recording.Answer{Status: 200, Text: answer}}
		if org != "" {
			e.Header = map[string]string{"X-Org-Id": org}
		}
		return e
	}
	r := &recording.Recording{Version: recording.Version, Exchanges: []recording.Exchange{
		x("GET", "https://a.example/v/1?b=2&a=1", "", "first"), x("GET", "https://a.example/v/1?a=1&b=2", "", "second"),
		x("GET", "https://b.example/v/1?a=1&b=2", "", "other host"), x("POST", "https://a.example/v/1?a=1&b=2", "", "other method"),
		x("GET", "https://a.example/since?at=2021-01-01T00%3A00%3A00Z", "", "since"),
		x("GET", "https://a.example/users/a%40b.example", "", "user"),
		x("GET", "https://a.example/of", "617c3664e6f8ae27f7e1201e", "one"), x("GET", "https://a.example/of", "617c3664e6f8ae27f7e1201f", "two"),
	}}
	client := r.HTTPClient()
	for _, tt := range []struct{ method, url, org, want string }{
		{"GET", "https://a.example/v/1?a=1&b=2", "", "first"}, {"GET", "https://A.example/v/1?b=2&a=1", "", "second"},
		{"GET", "https://a.example/v/1?a=1&b=2", "", "second"}, {"GET", "https://b.example/v/1?a=1&b=2", "", "other host"},
		{"POST", "https://a.example/v/1?a=1&b=2", "", "other method"},
		{"GET", "https://a.example/v/1?a=1", "", "501"}, {"GET", "https://a.example/v/1?a=1&b=3", "", "501"}, {"DELETE", "https://a.example/v/1?a=1&b=2", "", "501"},
		{"GET", "https://a.example/since?at=2025-05-05T05:05:05.123Z", "", "since"}, {"GET", "https://a.example/users/A@b.example", "", "user"},
		{"GET", "https://a.example/of", "617C3664E6F8AE27F7E1201F", "two"}, {"GET", "https://a.example/of", "617c3664e6f8ae27f7e1201e", "one"},
		{"GET", "https://a.example/of", "617c3664e6f8ae27f7e12020", "501"}, {"GET", "https://a.example/of", "", "one"},
		{"GET", "http://127.0.0.1:99/since?at=2021-01-01T00:00:00Z", "", "since"}, {"GET", "https://c.example/since?at=2021-01-01T00:00:00Z", "", "501"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Org-Id", tt.org)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := string(b)
		if resp.StatusCode == http.StatusNotImplemented {
			got = "501"
		}
		if got != tt.want {
			t.Errorf("%s %s of %q: %s; want %s", tt.method, tt.url, tt.org, got, tt.want)
		}
	}
}

// TestLinksLeadBack: served on this machine, a recording's links to other pages and other places lead there.
func TestLinksLeadBack(t *testing.T) {
	r := &recording.Recording{Version: recording.Version, Exchanges: []recording.Exchange{{
		Method: "GET", URL: "https://graph.microsoft.com/v1.0/users", Answer: &recording.Answer{Status: 200, Header: map[string]string{"Location": "https://console.jumpcloud.com/login?a=b"},
			JSON: []byte(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=a"}`)},
	}}}
	for host, want := range map[string]string{
		"http://127.0.0.1:8080":       `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","@odata.nextLink":"http://127.0.0.1:8080/v1.0/users?$skiptoken=a"} http://127.0.0.1:8080/login?a=b`,
		"https://graph.microsoft.com": string(r.Exchanges[0].Answer.JSON) + " https://console.jumpcloud.com/login?a=b",
	} {
		resp, err := r.HTTPClient().Get(host + "/v1.0/users")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if got := string(b) + " " + resp.Header.Get("Location"); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", host, got, err, want)
		}
	}
}
