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

// parseDateTime reads xs:dateTime (XML Schema part 2, 3.2.7), and nothing else:
// time.Parse takes more. Without a zone it is UTC, as SAML wants
// (saml-core-2.0-os, 1.3.3).
func parseDateTime(v string) (time.Time, bool) {
	v = strings.Trim(v, " \t\r\n")
	year, rest, ok := cutYear(v)
	if !ok || len(rest) < 15 {
		return time.Time{}, false
	}
	var n [5]int // month, day, hour, minute, second
	for i, sep := range "--T::" {
		if rest[3*i] != byte(sep) {
			return time.Time{}, false
		}
		if n[i], ok = twoDigits(rest[3*i+1:]); !ok {
			return time.Time{}, false
		}
	}
	rest = rest[15:]
	nanos := 0
	if strings.HasPrefix(rest, ".") {
		digits := len(rest[1:]) - len(strings.TrimLeft(rest[1:], "0123456789"))
		if digits == 0 {
			return time.Time{}, false
		}
		fraction := (rest[1:1+digits] + "000000000")[:9]
		nanos, _ = strconv.Atoi(fraction)
		rest = rest[1+digits:]
	}
	zone, ok := parseZone(rest)
	midnight := n[2] == 24 && n[3] == 0 && n[4] == 0 && nanos == 0 // of the next day
	if !ok || n[0] < 1 || n[0] > 12 || n[1] < 1 || n[2] > 23 && !midnight || n[3] > 59 || n[4] > 59 {
		return time.Time{}, false
	}
	if n[1] > time.Date(year, time.Month(n[0])+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(n[0]), n[1], n[2], n[3], n[4], nanos, time.UTC).Add(-zone), true
}

// cutYear reads a year of four digits or more, which may be negative.
func cutYear(v string) (year int, rest string, ok bool) {
	digits := strings.TrimPrefix(v, "-")
	n := len(digits) - len(strings.TrimLeft(digits, "0123456789"))
	if n < 4 || n > 9 || n > 4 && digits[0] == '0' {
		return 0, "", false
	}
	year, err := strconv.Atoi(digits[:n])
	if err != nil || year == 0 {
		return 0, "", false
	}
	if len(digits) < len(v) {
		year = -year
	}
	return year, digits[n:], true
}

func twoDigits(s string) (int, bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// parseZone reads what ends a dateTime: nothing, Z, or an offset.
func parseZone(s string) (time.Duration, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	h, ok := twoDigits(s[1:])
	m, mok := twoDigits(s[4:])
	if !ok || !mok || m > 59 || h > 14 || h == 14 && m > 0 {
		return 0, false
	}
	zone := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		zone = -zone
	}
	return zone, true
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
