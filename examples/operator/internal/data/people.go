package data

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour

	// prunedName is the file that says when Prune looked.
	prunedName = "pruned.json"
)

// SavePeople keeps a list of people, packed: people/<hash>.json.gz. A list that is
// saved again is kept from then on.
func (d *Dir) SavePeople(at time.Time, b []byte) (Ref, error) {
	if err := d.enter(); err != nil {
		return Ref{}, err
	}
	defer d.leave()
	d.people.Lock()
	defer d.people.Unlock()
	if len(b) == 0 || len(b) > most {
		return Ref{}, fmt.Errorf("data: the list of people has %d bytes, and must have 1 to %d", len(b), most)
	}
	ref := Ref{SHA256: sum(b)}
	ref.Name = people + "/" + ref.SHA256 + ".json.gz"
	if err := d.savePeople(ref.Name, at, b); err != nil {
		return Ref{}, d.explain("the list of people was not saved", err)
	}
	return ref, nil
}

// savePeople writes the time into the file: that which the disk tells changes when a
// backup is restored.
func (d *Dir) savePeople(name string, at time.Time, b []byte) error {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.ModTime = at
	_, err := w.Write(b)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	return d.replace(name, out.Bytes())
}

// looks is when Prune looked.
type looks struct {
	Last  time.Time `json:"last"`
	Since time.Time `json:"since"` // the first look of those after the last jump of the clock
}

// Prune removes the lists of people that are older than they are kept, and returns how
// many. Call it about once an hour: it removes nothing before its calls show that the
// clock has run for a day without a jump (back, or more than two days ahead), so that a
// clock that is wrong for some hours costs no list. A list that was saved while the
// clock was ahead counts from now.
func (d *Dir) Prune(now time.Time) (removed int, err error) {
	if d.keep < 0 {
		return 0, nil
	}
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.leave()
	d.people.Lock()
	defer d.people.Unlock()
	if steady, err := d.look(now); err != nil || !steady {
		return 0, err
	}
	files, err := fs.ReadDir(d.root.FS(), people)
	if err != nil {
		return 0, fmt.Errorf("data: the lists of people cannot be listed: %w", err)
	}
	var failed error
	for _, f := range files {
		name := people + "/" + f.Name()
		if checkName(name) != nil {
			continue
		}
		switch gone, err := d.pruneOne(name, now); {
		case err != nil:
			failed = errors.Join(failed, d.explain("an old list of people is still there", err))
		case gone:
			removed++
		}
	}
	if removed > 0 {
		if err := d.syncFolder(people); err != nil {
			failed = errors.Join(failed, d.explain("lists of people may come back after a crash", err))
		}
	}
	return removed, failed
}

// look notes a look, and reports whether the clock ran well for a day.
func (d *Dir) look(now time.Time) (steady bool, err error) {
	var l looks
	switch b, err := d.read(prunedName, 4<<10); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("data: %w", err)
	case err == nil && json.Unmarshal(b, &l) != nil:
		l = looks{} // the first look of all
	}
	if l.Last.IsZero() || now.Before(l.Last.Add(-time.Minute)) || now.Sub(l.Last) > 2*day {
		l.Since = now.UTC()
	}
	l.Last = now.UTC()
	b, err := json.Marshal(l)
	if err == nil {
		err = d.replace(prunedName, append(b, '\n'))
	}
	if err != nil {
		return false, d.explain("no list of people was removed", err)
	}
	return now.Sub(l.Since) >= day, nil
}

func (d *Dir) pruneOne(name string, now time.Time) (gone bool, err error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return false, err
	}
	saved := info.ModTime() // of a file that cannot be read
	b, err := d.read(name, most)
	if err == nil {
		if r, err := gzip.NewReader(bytes.NewReader(b)); err == nil && !r.ModTime.IsZero() {
			saved = r.ModTime
		}
	}
	switch {
	case now.Sub(saved) > d.keep:
		return true, d.root.Remove(name)
	case saved.Sub(now) <= day || err != nil:
		return false, err
	}
	text, err := unpack(b, name)
	if err != nil || !strings.Contains(name, sum(text)) {
		return false, fmt.Errorf("%s: %w", name, ErrChanged)
	}
	return false, d.savePeople(name, now, text)
}
