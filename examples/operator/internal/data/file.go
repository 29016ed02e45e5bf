package data

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

const (
	temporary    = ".tmp-" // how the names of our temporary files begin
	temporaryKey = ".key-" // and those of key files

	most = 64 << 20 // how large a file can be, unpacked
)

// disk is what can fail when the disk is full.
type disk struct {
	write  func(*os.File, []byte) (int, error)
	sync   func(*os.File) error
	rename func(root *os.Root, from, to string) error
}

func system() disk {
	return disk{write: (*os.File).Write, sync: (*os.File).Sync, rename: (*os.Root).Rename}
}

// replace puts a file in the place of another. After an error one of the two is there,
// whole; it is the earlier one unless the error is of flushing the folder.
func (d *Dir) replace(name string, b []byte) (err error) {
	temp := path.Join(path.Dir(name), temporary+rand.Text())
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.root.Remove(temp) // if that fails too, the next Open removes it
		}
	}()
	_, err = d.disk.write(f, b)
	if err == nil {
		err = d.disk.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.disk.rename(d.root, temp, name); err != nil {
		return err
	}
	return d.syncFolder(path.Dir(name))
}

// syncFolder flushes the names in a folder.
func (d *Dir) syncFolder(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.disk.sync(f), f.Close())
}

// read reads a file of at most limit bytes.
func (d *Dir) read(name string, limit int64) ([]byte, error) {
	switch info, err := d.root.Lstat(name); { // opening a pipe would wait
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is no regular file")}
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return all(f, name, limit)
}

// all reads what has at most limit bytes.
func all(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = tooLarge(name, limit)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func tooLarge(name string, limit int64) error {
	return fmt.Errorf("%s is larger than %d bytes", name, limit)
}
