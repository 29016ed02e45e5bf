package certs

import (
	"strconv"
	"strings"
	"time"
)

// earlier returns the earlier of two times, of which either may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// shorter returns the shorter of two durations, of which either may be 0.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// parseDateTime reads xs:dateTime. Without a zone it is UTC, as SAML wants
// (saml-core-2.0-os, 1.3.3).
func parseDateTime(v string) (time.Time, bool) {
	v = strings.TrimSpace(v)
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseDuration reads xs:duration, or returns 0. Real files have "P1DT" and
// worse, so it is no reason to refuse them.
func parseDuration(v string) time.Duration {
	v, ok := strings.CutPrefix(strings.TrimSpace(v), "P")
	if !ok {
		return 0
	}
	const day = 24 * time.Hour
	date, clock, _ := strings.Cut(v, "T")
	sum := 0.0
	for _, part := range [...]struct {
		text  string
		units string
		sizes []time.Duration
	}{
		{date, "YMD", []time.Duration{365 * day, 30 * day, day}},
		{clock, "HMS", []time.Duration{time.Hour, time.Minute, time.Second}},
	} {
		for rest := part.text; rest != ""; {
			i := strings.IndexAny(rest, part.units)
			if i < 0 {
				return 0
			}
			n, err := strconv.ParseFloat(rest[:i], 64)
			if err != nil || n < 0 {
				return 0
			}
			sum += n * float64(part.sizes[strings.IndexByte(part.units, rest[i])])
			rest = rest[i+1:]
		}
	}
	if !(sum < float64(1<<62)) {
		return 0
	}
	return time.Duration(sum)
}
