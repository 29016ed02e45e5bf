package customers

import (
	"slices"
	"time"
	_ "time/tzdata" // a machine without a database of zones reads the same file
)

// Window is when runs may start, by the clock on the wall of its Location: on the Days,
// from From until just before To. Where To is not after From, it is To of the next day.
//
// The wall decides also where the clock is put forward or back: an hour that does not
// exist is in no window, one that there is twice is in it twice.
type Window struct {
	Days     []time.Weekday
	From, To time.Duration // since midnight, From below 24 h, To up to 24 h; not equal
	Location *time.Location
}

const day = 24 * time.Hour

// wall returns what the clock in the window's location shows, as if it was UTC, and how
// far it is from UTC.
func (w *Window) wall(t time.Time) (time.Time, time.Duration) {
	_, seconds := t.In(w.Location).Zone()
	offset := time.Duration(seconds) * time.Second
	return t.UTC().Add(offset), offset
}

// Open reports whether a run may start at t. A nil Window is always open.
func (w *Window) Open(t time.Time) bool {
	if w == nil {
		return true
	}
	now, _ := w.wall(t)
	since := now.Sub(now.Truncate(day))
	if w.From < w.To {
		return w.on(now) && since >= w.From && since < w.To
	}
	return w.on(now) && since >= w.From || w.on(now.Add(-day)) && since < w.To
}

// on reports whether the window begins on the day of a time that wall returned.
func (w *Window) on(wall time.Time) bool { return slices.Contains(w.Days, wall.Weekday()) }

// Next returns t if the window is open then, else when it opens next: the zero time if
// it never does, which is so of none that was read from a file.
func (w *Window) Next(t time.Time) time.Time {
	if w.Open(t) {
		return t
	}
	for range 100 { // each round is one span without a change of the clock
		_, end := t.In(w.Location).ZoneBounds()
		if next := w.opens(t); !next.IsZero() && (end.IsZero() || next.Before(end)) {
			return next
		}
		if end.IsZero() {
			break
		}
		if t = end.In(w.Location); w.Open(t) {
			return t
		}
	}
	return time.Time{}
}

// opens returns the first beginning of a window after t, if the clock is not changed
// meanwhile; the zero time if the window has no days.
func (w *Window) opens(t time.Time) time.Time {
	now, offset := w.wall(t)
	for d := range 8 {
		at := now.Truncate(day).Add(time.Duration(d)*day + w.From)
		if w.on(at) && at.After(now) {
			return at.Add(-offset).In(w.Location)
		}
	}
	return time.Time{}
}

// equal reports whether both are the same window.
func (w *Window) equal(v *Window) bool {
	if w == nil || v == nil {
		return w == v
	}
	return slices.Equal(w.Days, v.Days) && w.From == v.From && w.To == v.To && w.Location.String() == v.Location.String()
}
