package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const stopName = "STOP"

// Stop is who holds all new writes, and since when. Both are zero if somebody made the
// file by hand.
type Stop struct {
	Who string    `json:"who"`
	At  time.Time `json:"at"`
}

// Stopped reports whether new writes are held: there is something named STOP in the
// folder, even an empty file, or nobody knows whether there is.
func (d *Dir) Stopped() bool {
	if d.held.Load() {
		return true
	}
	_, err := d.root.Lstat(stopName)
	return !errors.Is(err, fs.ErrNotExist)
}

// Stop returns who holds new writes; false means that they are not held.
func (d *Dir) Stop() (Stop, bool) {
	var s Stop
	b, err := d.read(stopName, 64<<10)
	if err == nil && json.Unmarshal(b, &s) != nil {
		s = Stop{}
	}
	return s, d.Stopped()
}

// SetStop holds all new writes, or lets them go on. If they are held already, who held
// them first stays. They are held from this call on even if it returns an error, such as
// of a full disk: then until this process ends, and the next one may not know. If letting
// go fails, they stay held.
func (d *Dir) SetStop(on bool, who string, at time.Time) error {
	d.stop.Lock()
	defer d.stop.Unlock()
	if on {
		d.held.Store(true)
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if !on {
		err := d.root.Remove(stopName)
		if err == nil {
			err = d.syncFolder(".")
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.held.Store(true)
			return d.explain("new writes are still held", err)
		}
		d.held.Store(false)
		return nil
	}
	if s, _ := d.Stop(); s.Who != "" {
		return nil
	}
	b, err := json.Marshal(Stop{Who: who, At: at.UTC()})
	if err == nil {
		err = d.replace(stopName, append(b, '\n'))
	}
	if err == nil {
		return nil
	}
	err = d.explain("new writes are held, but who holds them was not saved", err)
	f, second := d.root.OpenFile(stopName, os.O_WRONLY|os.O_CREATE, 0o600) // an empty file may still find room
	if second != nil {
		return fmt.Errorf("%w; a restart would let them go: make the file %s by hand: %w", err, stopName, second)
	}
	return errors.Join(err, f.Close())
}
