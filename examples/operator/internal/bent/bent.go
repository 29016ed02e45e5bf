// Package bent has a clock that runs faster than the one on the wall, so that a
// demonstration shows in minutes what takes days. Processes that have the same Clock
// agree, also over a restart.
package bent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// MaxSpeed is the largest Speed.
const MaxSpeed = 100_000

// Clock shows the time on the wall at Base, and from then on runs Speed times as fast.
// The zero Clock, and each one of Speed 1, shows the time on the wall.
type Clock struct {
	Base  time.Time `json:"base"`
	Speed float64   `json:"speed"` // 0 is 1
}

// New returns a Clock that is right now.
func New(speed float64) Clock { return Clock{Base: time.Now().UTC().Round(0), Speed: speed} }

// Now is the time that the clock shows. That of Speed 1 is [time.Now].
func (c Clock) Now() time.Time { return c.at(time.Now()) }

func (c Clock) at(wall time.Time) time.Time {
	if c.real() {
		return wall
	}
	return c.Base.Add(scale(wall.Round(0).Sub(c.Base), c.Speed)) // other processes have no monotonic clock in common
}

// Real is how long d of the clock is on the wall.
func (c Clock) Real(d time.Duration) time.Duration {
	if c.real() {
		return d
	}
	return scale(d, 1/c.Speed)
}

// Bent is how long d on the wall is by the clock.
func (c Clock) Bent(d time.Duration) time.Duration {
	if c.real() {
		return d
	}
	return scale(d, c.Speed)
}

func (c Clock) real() bool { return c.Speed == 0 || c.Speed == 1 }

// scale multiplies, and stays at the longest duration where the product is longer.
func scale(d time.Duration, by float64) time.Duration {
	switch f := float64(d) * by; {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	default:
		return time.Duration(f)
	}
}

const fileName = "clock.json"

// Load reads the clock of a folder. The error is an [fs.ErrNotExist] if there is none.
func Load(dir string) (Clock, error) {
	name := filepath.Join(dir, fileName)
	b, err := os.ReadFile(name)
	if err != nil {
		return Clock{}, fmt.Errorf("bent: %w", err)
	}
	var c Clock
	if err := json.Unmarshal(b, &c); err != nil {
		return Clock{}, fmt.Errorf("bent: %s: %w", name, err)
	}
	if err := c.check(); err != nil {
		return Clock{}, fmt.Errorf("bent: %s: %w", name, err)
	}
	return c, nil
}

func (c Clock) check() error {
	switch {
	case !(c.Speed >= 1 && c.Speed <= MaxSpeed): // not a number is neither
		return fmt.Errorf("a speed from 1 to %d is wanted, not %v", MaxSpeed, c.Speed)
	case c.Base.IsZero():
		return errors.New("the clock has no base")
	}
	return nil
}

// Save writes the clock into a folder, whole or not at all.
func (c Clock) Save(dir string) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("bent: %w", err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("bent: %w", err)
	}
	f, err := os.CreateTemp(dir, fileName+".*") // of mode 0600
	if err != nil {
		return fmt.Errorf("bent: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, fileName))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bent: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Open returns the clock of a folder, or makes one of this speed that is right now, and
// saves it. A folder whose clock has another speed is refused: what is in it would be of
// another time.
func Open(dir string, speed float64) (Clock, error) {
	c, err := Load(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c = New(speed)
		return c, c.Save(dir)
	case err != nil:
		return Clock{}, err
	case c.Speed != speed:
		return Clock{}, fmt.Errorf("bent: the clock in %s runs %v times as fast, not %v times: use another folder, or its speed",
			dir, c.Speed, speed)
	}
	return c, nil
}
