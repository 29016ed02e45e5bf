package certs

import (
	"regexp"
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

// dateTime is an xs:dateTime, white space around it collapsed. Without a zone it
// is UTC, as SAML wants (saml-core-2.0-os, 1.3.3).
var dateTime = regexp.MustCompile(`^[ \t\r\n]*(-?[0-9]{4,9})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?[ \t\r\n]*$`)

// parseDateTime reads xs:dateTime.
func parseDateTime(v string) (time.Time, bool) {
	m := dateTime.FindStringSubmatch(v)
	if m == nil {
		return time.Time{}, false
	}
	n := func(i int) int { k, _ := strconv.Atoi(m[i]); return k } // digits
	fraction, _ := strconv.ParseFloat("0"+m[7], 64)
	day := time.Date(n(1), time.Month(n(2)), n(3), 0, 0, 0, 0, time.UTC)
	zone := time.Duration(n(9))*time.Hour + time.Duration(n(10))*time.Minute
	midnight := n(4) == 24 && n(5) == 0 && n(6) == 0 && fraction == 0 // of the next day
	if day.Month() != time.Month(n(2)) || day.Day() != n(3) || n(4) > 23 && !midnight || n(5) > 59 || n(6) > 59 ||
		n(10) > 59 || zone > 14*time.Hour {
		return time.Time{}, false
	}
	if m[8] == "-" {
		zone = -zone
	}
	clock := time.Duration(n(4))*time.Hour + time.Duration(n(5))*time.Minute + time.Duration(n(6))*time.Second
	return day.Add(clock - zone).Add(time.Duration(fraction * 1e9)), true
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
