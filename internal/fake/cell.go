package fake

import "time"

// Lag says how long reads of a resource go on to show the state before a
// write. The zero value is no lag.
type Lag struct {
	For   time.Duration // by the clock, and
	Reads int           // so many reads of the resource
	Flap  bool          // meanwhile every other read, from the first on, shows the new state
}

// Cell is a value and the values that it had before.
type Cell[T any] struct{ versions []version[T] }

type version[T any] struct {
	v     T
	at    time.Time
	reads map[string]int // by view
}

// Set gives the cell another value.
func (c *Cell[T]) Set(v T) {
	c.versions = append(c.versions, version[T]{v: v, at: time.Now(), reads: make(map[string]int)})
}

// Now returns the value that the cell has.
func (c *Cell[T]) Now() T { return c.versions[len(c.versions)-1].v }

// Read returns the value as a lagging view shows it.
func (c *Cell[T]) Read(view string, lag Lag) T {
	for i := len(c.versions) - 1; i > 0; i-- {
		v := &c.versions[i]
		n := v.reads[view]
		if time.Since(v.at) >= lag.For && n >= lag.Reads {
			return v.v
		}
		v.reads[view]++
		if lag.Flap && n%2 == 0 {
			return v.v
		}
	}
	return c.versions[0].v
}
