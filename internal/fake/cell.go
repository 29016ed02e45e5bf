package fake

import "time"

// Lag is how long a change cannot be seen by those who read: what was created is
// not there yet, what was deleted still is, what was changed is as before. First
// nobody sees it, for some time and then for some reads; after that readers see it
// and do not see it in turn, as when replicas alternate. The zero value is no lag.
type Lag struct {
	For   time.Duration // nobody sees the change so long after it,
	Reads int           // nor in so many reads after that time

	FlapFor time.Duration // then every other read sees it, the first one to begin with, for so long
	Flaps   int           // and for at least so many reads
}

// Cell is a value and the values that it had before.
type Cell[T any] struct{ versions []version[T] }

type version[T any] struct {
	v     T
	at    time.Time
	reads map[string]int // by view, after Lag.For
}

// Set changes the value.
func (c *Cell[T]) Set(v T) { c.versions = append(c.versions, version[T]{v: v, at: time.Now()}) }

// Settle sets the value as if it had been so for long: nobody sees another one.
func (c *Cell[T]) Settle(v T) { c.versions = []version[T]{{v: v, at: time.Now()}} }

// Now returns the value that the cell has.
func (c *Cell[T]) Now() T { return c.versions[len(c.versions)-1].v }

// Read returns the value that a reader sees. Views count their reads apart.
func (c *Cell[T]) Read(view string, lag Lag) T {
	for i := len(c.versions) - 1; i > 0; i-- {
		if v := &c.versions[i]; v.shows(view, lag) {
			return v.v
		}
	}
	return c.versions[0].v
}

// shows counts a read and reports whether it sees the version.
func (v *version[T]) shows(view string, lag Lag) bool {
	if lag == (Lag{}) {
		return true
	}
	age := time.Since(v.at)
	if age < lag.For {
		return false
	}
	n := v.reads[view] - lag.Reads
	if v.reads == nil {
		v.reads = make(map[string]int)
	}
	v.reads[view]++
	if n >= 0 && n >= lag.Flaps && age >= lag.For+lag.FlapFor {
		return true
	}
	return n >= 0 && n%2 == 0
}
