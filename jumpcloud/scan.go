package jumpcloud

import (
	"bytes"
	"time"

	"github.com/jcaad/jcaad/internal/jsonscan"
)

// newArena is for the strings of a page of n bytes: a few kilobytes.
func newArena(n int) jsonscan.Arena { return jsonscan.NewArena(4*pageSize, n/2) }

// scanPage reads a list in one of JumpCloud's forms, {"totalCount":1,"results":[…]}
// or a bare array, and calls f for each element. The total is -1 if there is
// none. Everything without an array is an error: to take it for an empty list
// would be a lie.
func scanPage(s *jsonscan.Scanner, a *jsonscan.Arena, f func()) (total int, err error) {
	total = -1
	list := false
	elements := func() {
		list = s.Peek() == '['
		s.Array(f)
	}
	if s.Peek() == '{' {
		s.Object(func(key []byte) {
			switch string(key) {
			case "results":
				elements()
			case "totalCount":
				if n, ok := s.Number(); ok {
					total = n
				}
			}
		})
	} else {
		elements()
	}
	a.Done()
	if err := s.End(); err != nil || list {
		return total, err
	}
	return total, errNoList
}

// truth reads true or "true".
func truth(s *jsonscan.Scanner) bool {
	return string(bytes.Trim(s.Skip(), `"`)) == "true"
}

// moment reads a time; zero if there is none.
func moment(s *jsonscan.Scanner) time.Time {
	if s.Peek() != '"' {
		s.Skip()
		return time.Time{}
	}
	raw, _ := s.Quoted()
	return parseTime(string(raw))
}

// parseTime reads the forms that JumpCloud writes; zero if it is none of them.
func parseTime(s string) time.Time {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
