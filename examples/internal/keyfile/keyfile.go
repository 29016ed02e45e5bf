// Package keyfile keeps the key pairs of a rotation in files, one for each domain,
// encrypted with a passphrase if there is one.
//
// Whoever reads such a file can sign in as anybody of the domain. Keep the folder on a
// disk that is encrypted and backed up, and prefer your own vault: it takes two methods.
package keyfile

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

var _ federation.KeyStore = (*Store)(nil)

// Store is a folder of key files. Its fields are set before the first call.
type Store struct {
	// Dir is the folder. It must exist, and nobody else may write to it.
	Dir string

	// Passphrase encrypts the files, in the format of age (age-encryption.org). Without
	// it they are protected by their mode alone.
	Passphrase string

	workFactor int                  // of scrypt; 0 is age's
	sync       func(*os.File) error // nil is that of os.File
}

// most is how large a key file can be.
const most = 64 << 10

// Path returns the name of the file of a domain: an error if the domain is no name in
// the DNS, such as one that leads out of the folder.
func (s *Store) Path(domain string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(domain, "."))
	good := name != "" && len(name) <= 200
	for label := range strings.SplitSeq(name, ".") {
		good = good && label != "" && strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
	}
	if !good {
		return "", fmt.Errorf("%q is no name of a domain: write it as in the DNS, in letters, digits, hyphens and dots", domain)
	}
	return filepath.Join(s.Dir, "key-"+name+".pem"), nil
}

// Save replaces the file of a domain, whole or not at all. When it returns nil, the file
// is on the disk.
func (s *Store) Save(ctx context.Context, domain string, key *certs.KeyPair) error {
	path, err := s.ready(ctx, domain)
	if err != nil {
		return err
	}
	if key == nil || key.Cert().IsZero() {
		return fmt.Errorf("there is no key pair to save for %s", domain)
	}
	private := key.PrivateKeyPEM()
	text := append(key.Cert().PEM(), private...)
	defer clear(private)
	defer clear(text)
	out := text
	if s.Passphrase != "" {
		if out, err = s.encrypt(text); err != nil {
			return fmt.Errorf("the key pair of %s cannot be encrypted: %w", domain, err)
		}
	}
	if err := s.replace(path, out); err != nil {
		return fmt.Errorf("the key pair of %s cannot be saved: %w", domain, err)
	}
	return nil
}

// replace puts a file in the place of another.
func (s *Store) replace(path string, b []byte) (err error) {
	f, err := os.CreateTemp(s.Dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = s.flush(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // a folder cannot be flushed there
		return nil
	}
	d, err := os.Open(s.Dir)
	if err != nil {
		return err
	}
	return errors.Join(s.flush(d), d.Close())
}

func (s *Store) flush(f *os.File) error {
	if s.sync != nil {
		return s.sync(f)
	}
	return f.Sync()
}

// Load reads the file of a domain. If there is none, the error is a [federation.ErrNoKey],
// and an [fs.ErrNotExist]; any other error means that there is one, or that nobody knows. No error has anything of
// the key in it.
func (s *Store) Load(ctx context.Context, domain string) (*certs.KeyPair, error) {
	path, err := s.ready(ctx, domain)
	if err != nil {
		return nil, err
	}
	b, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noKey(domain, path)
	case err != nil:
		return nil, err
	}
	defer clear(b)
	switch encrypted := isEncrypted(b); {
	case encrypted && s.Passphrase == "":
		return nil, fmt.Errorf("%s is encrypted: give the passphrase", path)
	case encrypted:
		if b, err = s.decrypt(path, b); err != nil {
			return nil, err
		}
		defer clear(b)
	case s.Passphrase != "":
		return nil, fmt.Errorf("%s is not encrypted, and a passphrase is given: leave it out, or encrypt the file with \"age -p -a\"", path)
	}
	return parse(path, b)
}

// noKey is the error of a domain that has no file.
func noKey(domain, path string) error {
	return fmt.Errorf("%w: %w", federation.ErrNoKey, &fs.PathError{Op: "look for that of " + domain, Path: path, Err: fs.ErrNotExist})
}

// parse reads certificate and private key.
func parse(path string, b []byte) (*certs.KeyPair, error) {
	block, key := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s is damaged: it does not begin with a certificate: restore it from a backup", path)
	}
	pair, err := certs.ParseKeyPair(pem.EncodeToMemory(block), key)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: restore it from a backup: %w", path, err)
	}
	return pair, nil
}

// ready looks at the folder, and returns the path of a domain's file.
func (s *Store) ready(ctx context.Context, domain string) (string, error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	path, err := s.Path(domain)
	if err != nil {
		return "", err
	}
	switch info, err := os.Stat(s.Dir); {
	case err != nil: // a folder that is not there says nothing of whether there is a key
		return "", fmt.Errorf("the folder of the key files cannot be looked at: %v", err)
	case !info.IsDir():
		return "", fmt.Errorf("%s is no folder", s.Dir)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return "", fmt.Errorf("others may write to the folder %s (mode %04o), and could replace keys: chmod go-w it", s.Dir, info.Mode().Perm())
	}
	return path, nil
}

// read reads a file that only its owner can read.
func read(path string) ([]byte, error) {
	switch info, err := os.Lstat(path); { // opening a pipe would wait
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others can read or write %s (mode %04o): its key may be known to them. "+
			"If that is impossible, chmod 600 it; otherwise remove it, and have the key replaced", path, info.Mode().Perm())
	case info.Size() > most:
		return nil, fmt.Errorf("%s is damaged: it has %d bytes, and a key file has less than %d", path, info.Size(), most)
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead) // so that no copy of the key stays behind
	if _, err := b.ReadFrom(io.LimitReader(f, most)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
