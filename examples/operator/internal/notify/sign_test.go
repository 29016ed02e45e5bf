package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const keyText = "canary-key-0123456789abcdefghijklmnop"

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func testKey(t testing.TB, text string) Key {
	t.Helper()
	key, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerify(t *testing.T) {
	const body = `{"id":"n1","kind":"drift"}`
	key := testKey(t, keyText)
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	for _, test := range []struct {
		name   string
		change func(http.Header)
		body   string // default: body
		at     time.Time
		key    *Key
		want   error  // or
		text   string // of the error
	}{
		{name: "good"},
		{name: "at the end of the window", at: noon.Add(Window)},
		{name: "at its beginning", at: noon.Add(-Window)},
		{name: "replayed", at: noon.Add(Window + time.Second), want: ErrWindow},
		{name: "from the future", at: noon.Add(-Window - time.Second), want: ErrWindow},
		{name: "another key", key: new(testKey(t, "another-key-0123456789abcdefghijklm")), want: ErrSignature},
		{name: "no key", key: new(Key), text: "no key"},
		{name: "another body", body: `{"id":"n1","kind":"digest"}`, want: ErrSignature},
		{name: "a later timestamp", change: set(HeaderTimestamp, strconv.FormatInt(noon.Unix()+1, 10)), want: ErrSignature},
		{name: "another id", change: set(HeaderID, "n2"), text: "not the id of the notice"},
		{name: "no id", change: func(h http.Header) { h.Del(HeaderID) }, text: "missing"},
		{name: "no timestamp", change: func(h http.Header) { h.Del(HeaderTimestamp) }, text: "missing"},
		{name: "no signature", change: func(h http.Header) { h.Del(HeaderSignature) }, text: "missing"},
		{name: "two signatures", change: func(h http.Header) { h.Add(HeaderSignature, "v1=00") }, text: "2 times"},
		{name: "a sign", change: set(HeaderTimestamp, "+"+strconv.FormatInt(noon.Unix(), 10)), text: "no count of seconds"},
		{name: "no number", change: set(HeaderTimestamp, "now"), text: "no count of seconds"},
		{name: "another version", change: set(HeaderSignature, "v2="+strings.Repeat("0", 64)), text: "not of the form"},
		{name: "short", change: set(HeaderSignature, "v1=00"), text: "not of the form"},
		{name: "capitals", change: func(h http.Header) {
			h.Set(HeaderSignature, "v1="+strings.ToUpper(strings.TrimPrefix(h.Get(HeaderSignature), "v1=")))
		}, text: "not of the form"},
		{name: "too long", body: strings.Repeat(" ", MaxBody+1), text: "more than 4096 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := make(http.Header)
			key.sign(h, "n1", []byte(body), noon)
			if test.change != nil {
				test.change(h)
			}
			at, sent, by := test.at, test.body, key
			if at.IsZero() {
				at = noon
			}
			if sent == "" {
				sent = body
			}
			if test.key != nil {
				by = *test.key
			}
			err := Verify(h, []byte(sent), by, at)
			switch {
			case test.text != "":
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Errorf("got %v, want an error with %q", err, test.text)
				}
			case !errors.Is(err, test.want):
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), keyText) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestVerifySignedNonsense(t *testing.T) {
	key := testKey(t, keyText)
	h := make(http.Header)
	key.sign(h, "n1", []byte("nonsense"), noon)
	if err := Verify(h, []byte("nonsense"), key, noon); err == nil || !strings.Contains(err.Error(), "is no notice") {
		t.Errorf("got %v", err)
	}
}

// TestSignature holds the form that receivers in other languages are written for: it
// was computed by openssl dgst -sha256 -hmac.
func TestSignature(t *testing.T) {
	h := make(http.Header)
	testKey(t, "0123456789abcdef0123456789abcdef").sign(h, "n1", []byte(`{"id":"n1"}`), time.Unix(1700000000, 0))
	want := http.Header{
		"Content-Type": {"application/json"}, HeaderID: {"n1"}, HeaderTimestamp: {"1700000000"},
		HeaderSignature: {"v1=22be459d3cf45771b5557a873ae2fa1fdf9c3af037981c01dea62b718ac3251b"},
	}
	if got := fmt.Sprint(h); got != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseKey(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", " \n", "no key"},
		{"short", "canary-short", "less than 32"},
		{"long", strings.Repeat("canary-long.", 100), "more than 1024"},
		{"good", " " + keyText + "\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := ParseKey(test.text)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				b, _ := json.Marshal(key)
				if text := fmt.Sprintf("%v %+v %#v %s %q %x %s", key, key, key, key, key, key, b); strings.Contains(text, "canary") ||
					strings.Count(text, "not shown") != 7 {
					t.Errorf("it prints itself: %s", text)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// FuzzVerify: what Verify believes is signed as this package signs it.
func FuzzVerify(f *testing.F) {
	key := testKey(f, keyText)
	good := make(http.Header)
	body := []byte(`{"id":"n1","kind":"drift"}`)
	key.sign(good, "n1", body, noon)
	f.Add("n1", good.Get(HeaderTimestamp), good.Get(HeaderSignature), body)
	f.Add("n1", "-1", "v1=", []byte("{}"))
	f.Add("", "9223372036854775807", "v1="+strings.Repeat("a", 64), []byte(""))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := make(http.Header)
		h.Set(HeaderID, id)
		h.Set(HeaderTimestamp, timestamp)
		h.Set(HeaderSignature, signature)
		if err := Verify(h, body, key, noon); err != nil {
			if strings.Contains(err.Error(), keyText) {
				t.Errorf("the error shows the key: %v", err)
			}
			return
		}
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		again := make(http.Header)
		key.sign(again, id, body, time.Unix(seconds, 0))
		again.Del("Content-Type")
		if fmt.Sprint(again) != fmt.Sprint(h) {
			t.Errorf("believed %v, and would sign %v", h, again)
		}
	})
}
