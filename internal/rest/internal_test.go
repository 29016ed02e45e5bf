package rest

import (
	"io"
	"testing"
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
