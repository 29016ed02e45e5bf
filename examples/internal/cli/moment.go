package cli

import (
	"errors"
	"strings"
	"time"
)

// Moment is a flag with a point in time.
type Moment struct{ time.Time }

func (m *Moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set implements [flag.Value]. A time without a zone is in UTC.
func (m *Moment) Set(s string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			m.Time = t
			return nil
		}
	}
	return errors.New(`this is no time such as 2026-03-02T09:01:00Z, 2026-03-02T10:01:00+01:00 or "2026-03-02 09:01", which is in UTC`)
}
