package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Log is a file that grows. It is safe for concurrent use by one process; two processes
// must not have one file.
type Log struct {
	path   string
	mu     sync.Mutex
	f      *os.File // nil when closed
	at     chain    // up to the last entry that is on the disk
	unsure bool     // there may be more in the file
	told   *Entry

	write func(*os.File, []byte) (int, error)
	sync  func(*os.File) error
}

// Open opens the file, or makes it, and verifies it whole: the error is a [*BreakError]
// if somebody has changed it, and the file is then left as it is. If a crash has torn its
// end, an entry with the verb [Repaired] is appended, which [Log.Repair] tells; nothing
// is ever cut off.
func Open(path string) (_ *Log, err error) {
	if info, err := os.Lstat(path); err == nil { // opening a pipe would wait
		switch {
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("audit: %s is no regular file", path)
		case info.Mode().Perm()&0o022 != 0:
			return nil, fmt.Errorf("audit: others may write to %s (mode %04o): chmod 600 it, after a look at what is in it",
				path, info.Mode().Perm())
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: the file cannot be opened: %w", err)
	}
	l := &Log{path: path, f: f, at: newChain(), write: (*os.File).Write, sync: (*os.File).Sync}
	if err := errors.Join(f.Sync(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(l.explain(err), f.Close())
	}
	if l.told, err = l.repair(false); err != nil {
		var broken *BreakError
		if errors.As(err, &broken) {
			err = fmt.Errorf("%w: keep %s, find out who changed it, and move it away: a new one is then begun", err, path)
		}
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Repair returns the entry that [Open] had to append because of a torn end.
func (l *Log) Repair() (Entry, bool) {
	if l.told == nil {
		return Entry{}, false
	}
	return *l.told, true
}

// Head returns number and hash of the last entry: whoever keeps them elsewhere can tell
// later that the end was not cut off. They are 0 and zeros if there is none.
func (l *Log) Head() (seq uint64, hash string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at.seq, l.at.head
}

// Append adds an entry. When it returns nil, the entry is on the disk: only then may the
// act begin. After an error, such as of a full disk, the act must not be done; if the
// entry is in the file nevertheless, one that says so follows before the next is added.
// Seq, Prev and Hash of the entry are not looked at; a zero Time is now.
func (l *Log) Append(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.f == nil:
		return fmt.Errorf("audit: the file is closed: %w", fs.ErrClosed)
	case e.Verb == "" || e.Verb == Repaired || e.Repair != nil:
		return fmt.Errorf("audit: an entry needs a verb, and it cannot be %q", e.Verb)
	}
	if l.unsure {
		if _, err := l.repair(true); err != nil {
			return err
		}
	}
	_, err := l.add(e, l.at, "")
	return err
}

// add writes an entry after at, with what must come before it.
func (l *Log) add(e Entry, at chain, before string) (*Entry, error) {
	if err := l.same(at.end); err != nil {
		return nil, err
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = clean(e)
	e.Seq, e.Prev = at.seq+1, at.head
	line, err := encode(&e)
	if err != nil {
		return nil, err
	}
	line = append([]byte(before), line...)
	l.unsure = true
	if _, err = l.write(l.f, line); err == nil {
		err = l.sync(l.f)
	}
	if err != nil {
		return nil, l.explain(err)
	}
	l.unsure = false
	l.at = chain{seq: e.Seq, head: e.Hash, line: at.line + 1, end: at.end + int64(len(line)), whole: true}
	return &e, nil
}

// same is an error unless the file is the one at its path, and has so many bytes.
func (l *Log) same(size int64) error {
	info, err := l.f.Stat()
	if err != nil {
		return l.explain(err)
	}
	there, err := os.Stat(l.path)
	switch {
	case err != nil || !os.SameFile(info, there):
		return errors.Join(fmt.Errorf("audit: %s was moved away or replaced: put it back, or start the operator again", l.path), err)
	case info.Size() != size:
		return fmt.Errorf("audit: %s has %d bytes, and %d are known: another program has written to it: start the operator again",
			l.path, info.Size(), size)
	}
	return nil
}

// repair reads what follows the last entry that is known to be on the disk. If that ends
// well, it is believed; otherwise, or if failed says that an Append of this process has
// left it, an entry is added that says so.
func (l *Log) repair(failed bool) (*Entry, error) {
	info, err := l.f.Stat()
	if err != nil {
		return nil, l.explain(err)
	}
	if info.Size() < l.at.end {
		return nil, l.same(l.at.end)
	}
	c, n := l.at, 0
	err = c.scan(io.NewSectionReader(l.f, c.end, info.Size()-c.end), func(*Entry) error { n++; return nil })
	if err != nil {
		return nil, l.explain(err)
	}
	broken := c.broken()
	var where *BreakError
	if errors.As(broken, &where) && !where.Torn {
		return nil, broken
	}
	e := Entry{Verb: Repaired}
	before := ""
	switch {
	case broken == nil && (n == 0 || !failed):
		l.at, l.unsure = c, false
		return nil, nil
	case c.waste.sum != nil:
		e.Repair = c.waste.repair()
		e.Outcome = fmt.Sprintf("%d bytes before this entry are what is left of one that was not stored", e.Repair.Bytes)
		if !c.waste.ended {
			before = "\n"
		}
	case failed:
		e.Outcome = fmt.Sprintf("entry %d could not be stored for certain, and was not acted upon", c.seq)
	default:
		e.Outcome = fmt.Sprintf("the line of entry %d had no end, and whether it was acted upon is not known", c.seq)
	}
	if !c.whole && c.waste.sum == nil {
		before = "\n"
	}
	return l.add(e, c, before)
}

// Entries reads the entries that are on the disk, in their order, and chooses by a
// filter. Entries that are added meanwhile are not read.
func (l *Log) Entries(f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l.mu.Lock()
		end := l.at.end
		l.mu.Unlock()
		file, err := os.Open(l.path)
		if err != nil {
			yield(Entry{}, fmt.Errorf("audit: %w", err))
			return
		}
		defer file.Close()
		Read(io.LimitReader(file, end), f)(yield)
	}
}

// Close closes the file; later calls of [Log.Append] are refused.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}

func (l *Log) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("audit: the disk of %s is full, and without this file nothing is done: make room there: %w", l.path, err)
	}
	return fmt.Errorf("audit: %s cannot be read or written, and without it nothing is done: %w", l.path, err)
}
