package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flock"
)

const lockName = "lock"

// Holder is who has the folder.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// HeldError means that another operator has the folder: this one must not go on.
type HeldError struct {
	Dir string
	By  Holder // zero if it has not said yet who it is
}

func (e *HeldError) Error() string {
	who := "another operator, which has not said yet who it is"
	if e.By.PID != 0 {
		who = fmt.Sprintf("the operator with process ID %d on host %q since %s", e.By.PID, e.By.Host, e.By.Since.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("data: %s is held by %s: end that one first, or use it. "+
		"The lock ends with that process; removing its file would let two of them write", e.Dir, who)
}

// takeLock takes the lock and says in its file who has it. The file stays when the lock
// ends: if it were removed, two could have the lock of two files with one name.
func (d *Dir) takeLock() (_ *os.File, err error) {
	f, err := d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600) // not inherited by the children of the operator
	if err != nil {
		return nil, d.explain("the lock's file cannot be opened", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	shown := filepath.Join(d.path, lockName)
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("data: %s is no regular file", shown), err)
	}
	switch err := flock.Try(f); {
	case errors.Is(err, flock.ErrHeld):
		held := &HeldError{Dir: d.path}
		if b, err := all(f, lockName, 4<<10); err == nil && json.Unmarshal(b, &held.By) != nil {
			held.By = Holder{}
		}
		return nil, held
	case err != nil:
		return nil, fmt.Errorf("data: %s cannot be locked: use a folder on a disk of this machine: %w", shown, err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b, err := json.Marshal(Holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC()})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = d.disk.write(f, append(b, '\n'))
	}
	if err == nil {
		err = d.disk.sync(f)
	}
	if err != nil {
		return nil, d.explain("the lock's file cannot be written", err)
	}
	return f, nil
}
