package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBodyLimits(t *testing.T) {
	const limit = 10 << 10
	tests := []struct {
		body   io.Reader
		length int64
		want   int
		more   bool
	}{
		{zeros{}, -1, limit, true},
		{io.LimitReader(zeros{}, limit+1), -1, limit, true},
		{io.LimitReader(zeros{}, limit), -1, limit, false},
		{io.LimitReader(zeros{}, limit), limit, limit, false},
		{io.LimitReader(zeros{}, 5), 1 << 40, 5, false},
	}
	for _, tt := range tests {
		var buf bytes.Buffer
		more, err := readLimited(&buf, tt.body, tt.length, limit)
		b := buf.Bytes()
		if len(b) != tt.want || more != tt.more || err != nil {
			t.Errorf("%d bytes, %v, %v; want %d, %v", len(b), more, err, tt.want, tt.more)
		}
	}
}

// TestReadBodyAgain: the second page is read into the memory of the first, and a longer
// one is not read into twice as much.
func TestReadBodyAgain(t *testing.T) {
	page := func(n int) *http.Response {
		return &http.Response{StatusCode: 200, ContentLength: int64(n), Body: io.NopCloser(strings.NewReader(strings.Repeat("x", n)))}
	}
	var buf bytes.Buffer
	var at *byte
	for _, n := range []int{100_000, 90_000, 99_999, 180_000} {
		b, err := readBody(page(n), &buf)
		if err != nil || len(b) != n || buf.Cap() > n*5/4 && n > 100_000 {
			t.Fatalf("%d bytes in %d, %v; want %d", len(b), buf.Cap(), err, n)
		}
		if again := at == &b[0]; again != (n == 90_000 || n == 99_999) {
			t.Errorf("%d bytes are in the memory of the page before: %v", n, again)
		}
		at = &b[0]
	}
}

// A list that is left early is not waited for: the next one is as short as it is.
func TestPagesTakesBack(t *testing.T) {
	c, err := New(Config{Base: &url.URL{Scheme: "https", Host: "api.example.com"}, Workers: 4, MaxWorkers: 32})
	if err != nil {
		t.Fatal(err)
	}
	for range Pages(t.Context(), c, 1000, func(context.Context, int) (int, error) { return 0, nil }) {
		if c.pace.Width() < 2 {
			t.Fatal("a long list is read one page at a time")
		}
		break
	}
	c.Expect(5)
	if w := c.pace.Width(); w != 1 {
		t.Errorf("%d pages of a short list at a time, after a long one that was left; want 1", w)
	}
}

// TestWrapKeepsThePool: what Wrap is given sends through the same pool, with the
// same limits, as a Caller without it has.
func TestWrapKeepsThePool(t *testing.T) {
	var got http.RoundTripper
	_, err := New(Config{
		Base: &url.URL{Scheme: "https", Host: "api.example.com"}, MaxWorkers: 17,
		Wrap: func(next http.RoundTripper) http.RoundTripper { got = next; return next },
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, ok := got.(*inner).next.(*http.Transport)
	if !ok || pool.MaxIdleConnsPerHost != 17 || pool.MaxConnsPerHost != 17 || pool.ResponseHeaderTimeout != time.Minute {
		t.Errorf("%+v", pool)
	}
}

// TestVersion: the version is that which the program was built with, and none that
// go.mod requires and something else stands for.
func TestVersion(t *testing.T) {
	other := &debug.Module{Path: "example.com/other", Version: "v9.9.9"}
	ours := func(version string, replace *debug.Module) *debug.Module {
		return &debug.Module{Path: modulePath, Version: version, Replace: replace}
	}
	for name, c := range map[string]struct {
		main *debug.Module
		deps []*debug.Module
		want string
	}{
		"a dependency":          {other, []*debug.Module{other, ours("v1.2.3", nil)}, "v1.2.3"},
		"a commit":              {other, []*debug.Module{ours("v0.1.1-0.20260102030405-abcdefabcdef", nil)}, "v0.1.1-0.20260102030405-abcdefabcdef"},
		"installed":             {ours("v1.2.3", nil), nil, "v1.2.3"},
		"a clone with changes":  {ours("v1.2.3+dirty", nil), nil, "v1.2.3+dirty"},
		"a clone":               {ours("(devel)", nil), nil, "devel"},
		"no version":            {ours("", nil), nil, "devel"},
		"replaced by a folder":  {other, []*debug.Module{ours("v0.0.0-00010101000000-000000000000", &debug.Module{Path: "../"})}, "devel"},
		"a folder for a tag":    {other, []*debug.Module{ours("v1.2.3", &debug.Module{Path: "/src/jcaad"})}, "devel"},
		"replaced by a version": {other, []*debug.Module{ours("v1.2.3", &debug.Module{Path: "example.com/fork", Version: "v1.2.4"})}, "v1.2.4"},
		"not there":             {other, []*debug.Module{other}, "devel"},
		"no header":             {ours("v1.2.3\r\nX: y", nil), nil, "devel"},
	} {
		if got := versionIn(&debug.BuildInfo{Main: *c.main, Deps: c.deps}); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}
