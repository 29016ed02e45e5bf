// Package data keeps what must outlive a run in one folder: reports, proposals, approvals, lists of
// people, keys, and the file that holds all new writes.
//
// One operator at a time has the folder ([Open] takes its lock). Each file is written
// whole or not at all: a temporary file, flushed, renamed, and the folder flushed; when a
// call returns nil, the file is on the disk. Reports and lists name people, so that files
// have mode 0600 and the folders made here 0700.
//
// No name, address or user name of a person is in the name of a file or in an error.
package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flock"
)

// DefaultKeepPeople is for how long lists of people are kept unless [Options] say otherwise.
const DefaultKeepPeople = 90 * 24 * time.Hour

// Options are the choices of [Open]. The zero value is good.
type Options struct {
	// KeepPeople is for how long [Dir.Prune] lets lists of people be: 0 is
	// [DefaultKeepPeople], and less than 0 is for ever.
	KeepPeople time.Duration
}

// Dir is the folder. It is safe for concurrent use.
type Dir struct {
	path      string
	root      *os.Root
	lock      *os.File
	keep      time.Duration
	leftovers int
	disk      disk

	use    sync.RWMutex // read by every call, written by Close
	closed bool

	people  sync.Mutex // so that Prune removes no list that is saved again meanwhile
	stop    sync.Mutex // one SetStop at a time
	held    atomic.Bool
	folders sync.Map // those known to be on the disk
}

const (
	reports   = "reports"
	proposals = "proposals"
	people    = "people"
	keys      = "keys"
)

// folders are all that there are.
var folders = []string{reports, proposals, people, keys, approvals, notes, verifications, rotations}

// byDomain reports whether a folder has one for each domain.
func byDomain(folder string) bool {
	return folder == reports || folder == verifications || folder == rotations
}

// Open takes the folder and its lock; it makes the folder if there is none, and removes
// the temporary files that a kill has left. The error is a [*HeldError] if another
// operator has it. A folder that others can write is refused: what they put there would
// be believed. The lock ends with [Dir.Close] or with the process, however that ends.
func Open(dir string, o *Options) (_ *Dir, err error) {
	if o == nil {
		o = &Options{}
	}
	d := &Dir{path: filepath.Clean(dir), keep: o.KeepPeople, disk: system()}
	if dir == "" {
		return nil, errors.New("data: no folder is given")
	}
	if d.keep == 0 {
		d.keep = DefaultKeepPeople
	}
	if err := makeOuter(d.path); err != nil {
		return nil, d.explain("the folder cannot be made", err)
	}
	if d.root, err = os.OpenRoot(d.path); err != nil {
		return nil, fmt.Errorf("data: the folder cannot be opened: %w", err)
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := d.private("."); err != nil {
		return nil, err
	}
	if d.lock, err = d.takeLock(); err != nil {
		return nil, err
	}
	for _, name := range folders {
		if err := d.makeFolder(name); err != nil {
			return nil, err
		}
	}
	if err := d.clean(); err != nil {
		return nil, d.explain("what a kill has left cannot be removed", err)
	}
	return d, nil
}

// makeOuter makes the folder itself.
func makeOuter(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// private is an error unless name is a folder that only we can write.
func (d *Dir) private(name string) error {
	shown := filepath.Join(d.path, filepath.FromSlash(name))
	info, err := d.root.Lstat(name)
	switch {
	case err != nil:
		return fmt.Errorf("data: %s cannot be looked at: %w", shown, err)
	case !info.IsDir():
		return fmt.Errorf("data: %s is no folder", shown)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("data: others may write to the folder %s (mode %04o): chmod 700 it, after a look at what is in it",
			shown, info.Mode().Perm())
	case !ours(info):
		return fmt.Errorf("data: the folder %s belongs to another user, who can write to it: chown it, or run as that user", shown)
	}
	return nil
}

// makeFolder makes a folder inside, if there is none, and sees to it that it is on the disk.
func (d *Dir) makeFolder(name string) error {
	if _, ok := d.folders.Load(name); ok {
		return nil
	}
	if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return d.explain("a folder cannot be made", err)
	}
	if err := d.private(name); err != nil {
		return err
	}
	if err := d.syncFolder(path.Dir(name)); err != nil {
		return d.explain("a folder cannot be flushed", err)
	}
	d.folders.Store(name, true)
	return nil
}

// clean removes temporary files: nobody else writes, so that each is of a process that
// is gone and has told nobody of it.
func (d *Dir) clean() error {
	return fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		top, rest, _ := strings.Cut(name, "/")
		switch base := path.Base(name); {
		case err != nil:
			return err
		case e.IsDir() && rest != "" && !byDomain(top):
			return fs.SkipDir
		case e.IsDir() && name != "." && !slices.Contains(folders, top):
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		case !strings.HasPrefix(base, temporary) && (top != keys || !strings.HasPrefix(base, temporaryKey)):
			return nil
		}
		d.leftovers++
		return d.root.Remove(name)
	})
}

// Leftovers is how many temporary files of a killed process [Open] has removed.
func (d *Dir) Leftovers() int { return d.leftovers }

// Path returns the folder.
func (d *Dir) Path() string { return d.path }

// Keys returns the path of the folder for key files; others can neither read nor write it.
func (d *Dir) Keys() string { return filepath.Join(d.path, keys) }

// Audit returns the path of the audit's file.
func (d *Dir) Audit() string { return filepath.Join(d.path, "audit.jsonl") }

// Close waits for calls under way, and gives the folder back. Later calls are refused; a
// second Close does nothing.
func (d *Dir) Close() error {
	d.use.Lock()
	defer d.use.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	var err error
	if d.lock != nil {
		err = errors.Join(flock.Release(d.lock), d.lock.Close())
	}
	return errors.Join(err, d.root.Close())
}

// enter begins a call; leave ends it unless it was refused.
func (d *Dir) enter() error {
	d.use.RLock()
	if d.closed {
		d.use.RUnlock()
		return fmt.Errorf("data: the folder was given back: %w", fs.ErrClosed)
	}
	return nil
}

func (d *Dir) leave() { d.use.RUnlock() }

// explain says what went wrong, and what to do if the disk is full.
func (d *Dir) explain(what string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("data: %s: the disk of %s is full; no file was left half: make room there: %w", what, d.path, err)
	}
	return fmt.Errorf("data: %s: %w", what, err)
}
