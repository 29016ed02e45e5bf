package rest

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the Retry-After header: whole or fractional seconds (Graph
// documents 2.128), or a date in any of HTTP's three formats, taken against the
// answer's own Date. A number too large for seconds is a Unix time, which some
// gateways send. What cannot be read is (0, false); a time in the past is
// (0, true).
func RetryAfter(h http.Header) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	now := time.Now()
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil || math.IsInf(f, 0) {
		const epoch = 1e9 // September 2001; as seconds, 31 years
		switch {
		case math.IsNaN(f) || f < 0:
			return 0, false
		case f >= epoch*1e3: // milliseconds of the epoch
			f = f/1e3 - float64(now.UnixMilli())/1e3
		case f >= epoch:
			f -= float64(now.UnixMilli()) / 1e3
		}
		if f <= 0 {
			return 0, true
		}
		if f >= math.MaxInt64/float64(time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(math.Ceil(f * float64(time.Second))), true
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return max(0, t.Sub(now)), true
}

// grain is by how much the wait that [RetryAfter] reads may be too long: seconds
// are rounded up, and so is a date, whose answer's own Date is rounded down.
func grain(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if _, err := strconv.Atoi(v); err == nil {
		return time.Second
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return 0
	}
	return 2 * time.Second
}
