package rest

import (
	"io"
	"net/http"
	"net/url"
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
		b, more, err := readLimited(tt.body, tt.length, limit)
		if len(b) != tt.want || more != tt.more || err != nil {
			t.Errorf("%d bytes, %v, %v; want %d, %v", len(b), more, err, tt.want, tt.more)
		}
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
