package customers

import (
	"math/rand/v2"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestWindow(t *testing.T) {
	berlin, utc := zone(t, "Europe/Berlin"), time.UTC
	clock := func(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute }
	mon, sat, sun := time.Monday, time.Saturday, time.Sunday
	for _, c := range []struct {
		name    string
		w       *Window
		at      string
		next    string // "" is open
		comment string
	}{
		{"before", &Window{[]time.Weekday{mon}, clock(9, 0), clock(17, 0), utc}, "2026-03-02T08:59:59Z", "2026-03-02T09:00:00Z", "a Monday"},
		{"first", &Window{[]time.Weekday{mon}, clock(9, 0), clock(17, 0), utc}, "2026-03-02T09:00:00Z", "", ""},
		{"last", &Window{[]time.Weekday{mon}, clock(9, 0), clock(17, 0), utc}, "2026-03-02T16:59:59.999Z", "", ""},
		{"over", &Window{[]time.Weekday{mon}, clock(9, 0), clock(17, 0), utc}, "2026-03-02T17:00:00Z", "2026-03-09T09:00:00Z", "a week later"},
		{"whole day", &Window{[]time.Weekday{mon}, 0, clock(24, 0), utc}, "2026-03-02T23:59:59Z", "", ""},
		{"until midnight", &Window{[]time.Weekday{mon}, clock(22, 0), 0, utc}, "2026-03-03T00:00:00Z", "2026-03-09T22:00:00Z", ""},
		{"over midnight", &Window{[]time.Weekday{mon}, clock(22, 0), clock(4, 0), utc}, "2026-03-03T03:59:00Z", "", "Tuesday is Monday's"},
		{"not of Monday", &Window{[]time.Weekday{mon}, clock(22, 0), clock(4, 0), utc}, "2026-03-02T03:59:00Z", "2026-03-02T22:00:00Z", ""},
		{"winter", &Window{[]time.Weekday{sat}, clock(22, 0), clock(23, 0), berlin}, "2026-03-28T20:00:00Z", "2026-03-28T21:00:00Z", "+1 h"},
		{"over the change", &Window{[]time.Weekday{sat}, clock(22, 0), clock(23, 0), berlin}, "2026-03-28T22:00:00Z",
			"2026-04-04T20:00:00Z", "+2 h"},
		{"over the change back", &Window{[]time.Weekday{sun}, clock(9, 0), clock(10, 0), berlin}, "2026-10-24T22:00:00Z",
			"2026-10-25T08:00:00Z", "+1 h"},
		{"the hour that is not", &Window{[]time.Weekday{sun}, clock(2, 15), clock(2, 45), berlin}, "2026-03-29T00:30:00Z",
			"2026-04-05T00:15:00Z", "skips that day"},
		{"into the window", &Window{[]time.Weekday{sun}, clock(2, 30), clock(4, 0), berlin}, "2026-03-29T00:30:00Z",
			"2026-03-29T01:00:00Z", "2:00 is 3:00"},
		{"over both", &Window{[]time.Weekday{sat}, clock(22, 0), clock(4, 0), berlin}, "2026-03-29T01:59:59Z", "", "3:59 of a short night"},
		{"a short night", &Window{[]time.Weekday{sat}, clock(22, 0), clock(4, 0), berlin}, "2026-03-29T02:00:00Z", "2026-04-04T20:00:00Z", ""},
		{"twice, first", &Window{[]time.Weekday{sun}, clock(2, 15), clock(2, 45), berlin}, "2026-10-25T00:20:00Z", "", ""},
		{"twice, between", &Window{[]time.Weekday{sun}, clock(2, 15), clock(2, 45), berlin}, "2026-10-25T00:50:00Z", "2026-10-25T01:15:00Z", ""},
		{"twice, second", &Window{[]time.Weekday{sun}, clock(2, 15), clock(2, 45), berlin}, "2026-10-25T01:20:00Z", "", ""},
		{"no window", nil, "2026-10-25T01:20:00Z", "", ""},
		{"a day that is not", &Window{[]time.Weekday{time.Friday}, clock(1, 0), clock(2, 0), zone(t, "Pacific/Apia")}, "2011-12-30T09:00:00Z",
			"2012-01-05T11:00:00Z", "Samoa had no 30 December 2011"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if open := c.w.Open(at); open != (c.next == "") {
			t.Errorf("%s: Open = %v", c.name, open)
		}
		if c.next == "" {
			c.next = c.at
		}
		if next := c.w.Next(at); next.UTC().Format(time.RFC3339Nano) != c.next {
			t.Errorf("%s (%s): Next = %v; want %s", c.name, c.comment, next.UTC(), c.next)
		}
	}
	if next := (&Window{Location: time.UTC, To: time.Hour}).Next(time.Now()); !next.IsZero() {
		t.Errorf("a window without days opens: %v", next)
	}
}

// What Next returns is the first minute at which Open says yes, in zones that change the
// clock by an hour, by half of one, and by a day.
func TestNextIsTheFirst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	zones := []*time.Location{
		zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Africa/Casablanca"),
		zone(t, "Pacific/Apia"), time.UTC,
	}
	waited := 0
	for range 400 {
		w := &Window{Location: zones[rnd.IntN(len(zones))]}
		for d := range time.Saturday + 1 {
			if rnd.IntN(4) == 0 {
				w.Days = append(w.Days, d)
			}
		}
		w.From, w.To = time.Duration(rnd.IntN(24*60))*time.Minute, time.Duration(rnd.IntN(24*60+1))*time.Minute
		if w.From == w.To || len(w.Days) == 0 {
			continue
		}
		year := 2011 + 15*rnd.IntN(2)
		at := time.Date(year, time.Month(1+rnd.IntN(12)), 1+rnd.IntN(31), rnd.IntN(24), rnd.IntN(60), 0, 0, time.UTC)
		if rnd.IntN(2) == 0 { // close before a change
			if _, end := at.In(w.Location).ZoneBounds(); !end.IsZero() {
				at = end.Add(-time.Duration(rnd.IntN(3*24*60)) * time.Minute).UTC().Truncate(time.Minute)
			}
		}
		next, first := w.Next(at), at
		for !w.Open(first) && first.Sub(at) < 30*day {
			first = first.Add(time.Minute)
		}
		if !next.Equal(first) {
			t.Errorf("%+v after %v: Next = %v; Open says %v", w, at, next.UTC(), first)
		}
		if next.After(at) {
			waited++
		}
	}
	if waited < 100 {
		t.Errorf("only %d of the windows were closed", waited)
	}
}
