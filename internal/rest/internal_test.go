package rest

import (
	"io"
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

// TestModel checks the fit against buckets whose numbers are known.
func TestModel(t *testing.T) {
	for _, want := range []bucket{{20, 20}, {50, 5}, {7, 1}, {3, 100}} {
		var r rate
		now := time.Unix(1e9, 0)
		tokens, last := want.size, now
		ask := func(d time.Duration) bool {
			now = now.Add(d)
			tokens = min(want.size, tokens+want.rate*now.Sub(last).Seconds())
			last = now
			r.delay(now)
			r.take(now)
			if tokens < 1 {
				r.refused(now, now.Add(time.Millisecond), time.Second, true, true)
				now = now.Add(time.Second)
				return false
			}
			tokens--
			r.accepted(lease{at: now}, now)
			return true
		}
		for ask(time.Millisecond) { // until the burst is used up
		}
		for pace := 1.0; ask(time.Duration(float64(time.Second) / pace)); pace += 0.5 { // and then faster and faster
		}
		r.delay(now)
		if r.estimate < 0.95*want.rate || r.estimate > 1.05*want.rate {
			t.Errorf("%v: estimated %.2f a second (between %.2f and %.2f), burst %.0f", want, r.estimate, r.lower, r.upper, r.burst)
		}
	}
}
