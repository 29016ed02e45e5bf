package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// steady calls Prune each hour of a time, and returns how many lists it removed.
func steady(t *testing.T, d *Dir, from, to time.Time) int {
	t.Helper()
	removed := 0
	for now := from; !now.After(to); now = now.Add(time.Hour) {
		n, err := d.Prune(now)
		if err != nil {
			t.Fatal(err)
		}
		removed += n
	}
	return removed
}

func TestPrune(t *testing.T) {
	for name, tt := range map[string]struct {
		keep time.Duration
		at   time.Duration // after the save
		gone bool
	}{
		"young":               {0, 89 * day, false},
		"old":                 {0, 90*day + time.Hour, true},
		"young by the option": {day * 7, 7 * day, false},
		"old by the option":   {day * 7, 7*day + time.Hour, true},
		"for ever":            {-1, 1000 * day, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Open(t.TempDir(), &Options{KeepPeople: tt.keep})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			ref, err := d.SavePeople(noon, []byte("[]"))
			if err != nil {
				t.Fatal(err)
			}
			report, err := d.SaveReport("a.example", "r", noon, []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			other := filepath.Join(d.Path(), "people", "notes.txt")
			if err := os.WriteFile(other, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			removed := steady(t, d, noon.Add(tt.at-day), noon.Add(tt.at))
			_, err = d.Load(ref)
			if gone := errors.Is(err, fs.ErrNotExist); gone != tt.gone || (removed == 1) != tt.gone || !gone && err != nil {
				t.Errorf("%d removed, then %v", removed, err)
			}
			if tt.gone && !strings.Contains(err.Error(), "such lists are kept for") {
				t.Errorf("the message is %q", err)
			}
			if _, err := d.Load(report); err != nil {
				t.Errorf("the report: %v", err)
			}
			if _, err := os.Stat(other); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPruneWhenTheClockJumps(t *testing.T) {
	d := open(t, t.TempDir())
	ref, err := d.SavePeople(noon, []byte("[]"))
	if err != nil {
		t.Fatal(err)
	}
	now := noon.Add(3 * day)
	if n := steady(t, d, noon, now); n != 0 {
		t.Fatalf("%d removed", n)
	}
	wrong := now.AddDate(70, 0, 0)
	if n := steady(t, d, wrong, wrong.Add(day-time.Hour)); n != 0 {
		t.Errorf("%d removed while the clock was ahead", n)
	}
	ahead, err := d.SavePeople(wrong, []byte("[1]"))
	if err != nil {
		t.Fatal(err)
	}
	if n := steady(t, d, now, now.Add(2*day)); n != 0 {
		t.Errorf("%d removed when it was right again", n)
	}
	for _, r := range []Ref{ref, ahead} {
		if _, err := d.Load(r); err != nil {
			t.Error(err)
		}
	}
	if n := steady(t, d, now.Add(2*day), now.Add(92*day)); n != 2 {
		t.Errorf("%d removed at the end, want 2", n)
	}
}

func TestSavedAgainIsKept(t *testing.T) {
	d := open(t, t.TempDir())
	for _, at := range []time.Time{noon, noon.Add(80 * day)} {
		if _, err := d.SavePeople(at, []byte("[]")); err != nil {
			t.Fatal(err)
		}
	}
	if n := steady(t, d, noon.Add(100*day), noon.Add(102*day)); n != 0 {
		t.Errorf("%d removed", n)
	}
	if n := steady(t, d, noon.Add(169*day), noon.Add(171*day)); n != 1 {
		t.Errorf("%d removed at last", n)
	}
}

func TestPruneOfDamage(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	ref, err := d.SavePeople(noon, []byte("[]"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ref.Name)
	if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chtimes(path, noon, noon),
		os.WriteFile(filepath.Join(dir, prunedName), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if n := steady(t, d, noon.Add(91*day), noon.Add(92*day)); n != 1 {
		t.Errorf("%d removed", n)
	}
}
