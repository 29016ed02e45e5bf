package jumpcloud

import (
	"time"

	"github.com/jcaad/jcaad/internal/jsonscan"
)

// elements walks over a list in one of JumpCloud's forms: {"totalCount":1,"results":[…]}
// or a bare array.
type elements struct {
	*jsonscan.Scanner
	total int  // -1 if there is none
	bare  bool // an array without an object around it
	found bool // an array
}

// elementsOf returns the elements of what s is about to read.
func elementsOf(s *jsonscan.Scanner) elements { return elements{Scanner: s, total: -1} }

// first goes to the first element, and reports whether there is one.
func (e *elements) first() bool {
	if e.bare = e.Peek() != '{'; e.bare {
		return e.enter()
	}
	return e.seek(e.Object())
}

// next goes to the next element.
func (e *elements) next() bool {
	switch {
	case e.Element():
		return true
	case e.bare:
		return false
	}
	return e.seek(e.Field())
}

// seek looks for the results behind the key at hand.
func (e *elements) seek(key []byte, ok bool) bool {
	for ; ok; key, ok = e.Field() {
		switch string(key) {
		case "results":
			if e.enter() {
				return true
			}
		case "totalCount":
			if n, ok := e.Number(); ok {
				e.total = n
			}
		}
	}
	return false
}

func (e *elements) enter() bool {
	e.found = e.Peek() == '['
	return e.Array()
}

// end returns the total. Everything without an array is an error: to take it for an
// empty list would be a lie.
func (e *elements) end() (total int, err error) {
	if err := e.End(); err != nil || e.found {
		return e.total, err
	}
	return e.total, errNoList
}

// truth reads true or "true".
func truth(s *jsonscan.Scanner) bool {
	v := string(s.Skip())
	return v == "true" || v == `"true"`
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
