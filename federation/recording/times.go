package recording

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Times move by one and the same offset, whatever they are written like, so that they
// keep their order and their distances, to the second: what is below a second is replaced, and
// stays nothing where it was nothing. What is no time but the sign that there is none does not move,
// for everybody knows what it was, and would learn the offset from where it went.

// isoForm is every spelling of RFC 3339 and of ISO 8601 that the services use: with or
// without fraction and zone, with a space in the middle, and dates alone.
var isoForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:([Tt ])(\d\d:\d\d)(:\d\d)?(\.\d+)?( ?)([Zz]|[+-]\d\d:?\d\d)?)?$`)

// moment reads a time that is written as a text.
func (m *mask) moment(s string, _ place, _ int) (string, bool) {
	if out, ok := m.iso(s); ok {
		return out, true
	}
	for _, layout := range [...]string{
		http.TimeFormat, time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate, "1/2/2006 3:04:05 PM",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return m.move(t.UTC()).Format(strings.Replace(layout, "MST", "GMT", 1)), true
		}
	}
	return "", false
}

func (m *mask) iso(s string) (string, bool) {
	p := isoForm.FindStringSubmatch(s)
	if p == nil {
		return "", false
	}
	date, middle, clock, seconds, fraction, gap, zone := p[1], p[2], p[3], p[4], p[5], p[6], p[7]
	layout, value := time.DateOnly, date
	if clock != "" {
		layout, value = layout+" 15:04", value+" "+clock
	}
	if seconds != "" {
		layout, value = layout+":05", value+seconds
	}
	t, err := time.Parse(layout, value)
	if err != nil {
		return "", false
	}
	if len(zone) > 1 { // another zone tells where somebody is
		n, err := strconv.Atoi(strings.ReplaceAll(zone[1:], ":", ""))
		if err != nil {
			return "", false
		}
		off := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
		if zone[0] == '+' {
			off = -off
		}
		t = t.Add(off)
		zone = zone[:1] + strings.Repeat("0", len(zone)-1)
		if zone = "+" + zone[1:]; strings.Contains(p[7], ":") {
			zone = "+00:00"
		}
	}
	out := m.move(t).Format(layout)
	if clock != "" {
		fraction = m.fraction(t, fraction)
		out = strings.Replace(out, " ", middle, 1) + fraction + gap + zone
	}
	return out, true
}

// fraction replaces a fraction of a second.
func (m *mask) fraction(t time.Time, fraction string) string {
	significant := strings.TrimRight(fraction, "0")
	if len(significant) < 2 {
		return fraction
	}
	if never(t) {
		return fraction[:1] + strings.Repeat("0", len(fraction)-1)
	}
	r := m.draw("fraction", t.Format(time.DateTime)+significant)
	out := []byte(fraction)
	for i := 1; i < len(significant); i++ {
		out[i] = digits[r.IntN(10)]
	}
	return string(out)
}

// never reports whether t stands for no time: the first second of 1970, the last ones that 32 bits can count, and
// the beginning and the end of years in which nobody lives, such as 1, 1601, 1900, 2099 and 9999.
func never(t time.Time) bool {
	switch t = t.UTC(); t.Unix() {
	case 0, math.MaxInt32, math.MaxUint32:
		return true
	}
	day, clock := t.Format("01-02"), t.Format(time.TimeOnly)
	return (t.Year() < firstYear || t.Year() >= lateYear) && (day == "01-01" || day == "12-31") && (clock == "00:00:00" || clock == "23:59:59")
}

const (
	firstYear = 1901 // in which something happened that a service tells of
	lateYear  = 2049 // from which on the turn of a year is hardly when something happens
	lastYear  = 2200 // in which certificates end
)

// move shifts a time. Of what stands for no time in another zone, only the year is left.
func (m *mask) move(t time.Time) time.Time {
	const zones = 14 * time.Hour
	start := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, t.Location())
	turn := t.Sub(start) <= zones || start.AddDate(1, 0, 0).Sub(t) <= 24*time.Hour+zones
	switch {
	case never(t):
		return t
	case t.Unix() >= -14*3600 && t.Unix() <= 14*3600:
		return time.Unix(0, 0).In(t.Location())
	case t.Year() < firstYear, t.Year() >= lastYear, t.Year() >= lateYear && turn:
		return start
	}
	return t.Add(m.shift)
}

// epoch shifts a number that is a time: of seconds, milliseconds, microseconds or nanoseconds
// since 1970, by its size. Numbers that are none of these are no times. Those of the year 9999 stand for none.
func (m *mask) epoch(s string) (string, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return "", false
	}
	if n == 0 || n == -1 {
		return s, true
	}
	const last = 253402300799 // the end of 9999
	if n/1000 == last || n <= last && n > last-366*24*3600 {
		return s, true
	}
	for _, unit := range [...]time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond} {
		if ticks := int64(time.Second / unit); n/ticks >= 1e8 && n/ticks < 1e11 {
			seconds, below := time.Unix(n/ticks, 0), n%ticks
			if below != 0 {
				below = m.draw("fraction", s).Int64N(ticks)
			}
			return strconv.FormatInt(m.move(seconds).Unix()*ticks+below, 10), true
		}
	}
	return "", false
}
