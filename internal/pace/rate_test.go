package pace

import (
	"testing"
	"time"
)

// TestModel lets the model find the numbers of known buckets in a few refusals.
func TestModel(t *testing.T) {
	for _, want := range []bucket{{20, 20}, {50, 5}, {7, 1}, {3, 100}, {200, 30}} {
		r := rate{left: 10000}
		now := time.Unix(1e9, 0)
		tokens, last := want.size, now
		for refusals := 0; refusals < 3 && now.Unix() < 1e9+100; {
			d := max(r.delay(now), time.Millisecond)
			now = now.Add(d)
			tokens = min(want.size, tokens+want.rate*now.Sub(last).Seconds())
			last = now
			r.take(now)
			if tokens >= 1 {
				tokens--
				r.accepted(Lease{at: now, bound: d > time.Millisecond}, now)
				continue
			}
			refusals++
			r.refused(now, now.Add(time.Millisecond), time.Second, time.Second, true, true)
			now = now.Add(time.Second)
		}
		r.delay(now)
		if r.pace < 0.75*want.rate || r.pace > 1.25*want.rate {
			t.Errorf("%v: estimated %.2f a second (between %.2f and %.2f), burst %.0f, quota %v", want, r.pace, r.lower, r.upper, r.burst, r.quota)
		}
	}
}
