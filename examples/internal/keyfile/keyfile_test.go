package keyfile

import (
	"bytes"
	"context"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

const domain = "example.com"

// pairs are two key pairs for all tests.
var pairs = sync.OnceValue(func() (out [2]*certs.KeyPair) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range out {
		p, err := certs.NewKeyPair(pkix.Name{CommonName: domain}, certs.Lifetime{NotBefore: from, NotAfter: from.AddDate(5, 0, 0)}, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = p
	}
	return out
})

// newStore returns a store in a new folder.
func newStore(t *testing.T, passphrase string) *Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &Store{Dir: dir, Passphrase: passphrase, workFactor: 4}
}

func save(t *testing.T, s *Store, key *certs.KeyPair) (path string) {
	t.Helper()
	if err := s.Save(t.Context(), domain, key); err != nil {
		t.Fatal(err)
	}
	path, err := s.Path(domain)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// same reports whether two pairs are the same, the private key included.
func same(a, b *certs.KeyPair) bool {
	return a != nil && b != nil && a.Cert() == b.Cert() && bytes.Equal(a.PrivateKeyPEM(), b.PrivateKeyPEM())
}

// files are the names in the folder of a store.
func files(t *testing.T, s *Store) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestRoundTrip: what was saved is loaded, and what is saved again takes its place.
func TestRoundTrip(t *testing.T) {
	for name, passphrase := range map[string]string{"plain": "", "encrypted": "correct horse"} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, passphrase)
			if _, err := s.Load(t.Context(), domain); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, federation.ErrNoKey) ||
				!strings.Contains(err.Error(), domain) {
				t.Errorf("before it is saved: %v", err)
			}
			for _, key := range pairs() {
				path := save(t, s, key)
				got, err := s.Load(t.Context(), "EXAMPLE.com.")
				if err != nil || !same(got, key) {
					t.Errorf("loaded %v, %v; want %v", got, err, key)
				}
				b := content(t, path)
				if bytes.Contains(b, []byte("PRIVATE")) != (passphrase == "") || bytes.Contains(b, []byte("AGE ENCRYPTED")) != (passphrase != "") {
					t.Errorf("the file begins with %.40q", b)
				}
				if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
					t.Errorf("%v, %v; want mode 0600", info.Mode(), err)
				}
			}
			if got := files(t, s); len(got) != 1 || got[0] != "key-example.com.pem" {
				t.Errorf("the folder has %q", got)
			}
			if _, err := s.Load(t.Context(), "other.example"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of another domain: %v", err)
			}
		})
	}
}

// TestPath: names that are no domain's lead nowhere.
func TestPath(t *testing.T) {
	tests := []struct{ domain, want string }{
		{"example.com", "key-example.com.pem"},
		{"Sub.Example.COM.", "key-sub.example.com.pem"},
		{"xn--bcher-kva.example", "key-xn--bcher-kva.example.pem"},
		{"", ""}, {".", ""}, {"..", ""}, {"../example.com", ""}, {"a/b.example", ""}, {`a\b.example`, ""}, {"a..example", ""},
		{".example.com", ""}, {"example.com\x00", ""}, {"bücher.example", ""}, {"c:example.com", ""}, {"a b.example", ""}, {"example.com..", ""},
		{strings.Repeat("a.", 120) + "example", ""},
	}
	s := &Store{Dir: "d"}
	for _, tt := range tests {
		got, err := s.Path(tt.domain)
		if tt.want != "" {
			tt.want = filepath.Join("d", tt.want)
		}
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %q, %v; want %q", tt.domain, got, err, tt.want)
		}
		if err != nil && (s.Save(t.Context(), tt.domain, pairs()[0]) == nil || files(t, newStore(t, "")) != nil) {
			t.Errorf("%q was saved", tt.domain)
		}
	}
}

// TestRefused: what is no key file that nobody else knows is refused, with what to do,
// and without anything of the key.
func TestRefused(t *testing.T) {
	edit := func(f func([]byte) []byte) func(*testing.T, *Store, string) {
		return func(t *testing.T, _ *Store, path string) { write(t, path, f(content(t, path))) }
	}
	mode := func(m fs.FileMode) func(*testing.T, *Store, string) {
		return func(t *testing.T, _ *Store, path string) {
			if runtime.GOOS == "windows" {
				t.Skip("there are no modes")
			}
			if err := os.Chmod(path, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	half := edit(func(b []byte) []byte { return b[:len(b)/2] })
	tests := []struct {
		name       string
		passphrase string
		do         func(t *testing.T, s *Store, path string)
		want       string
	}{
		{"others can read it", "", mode(0o604), "others can read or write"},
		{"the group can read it", "", mode(0o640), "mode 0640"},
		{"others can read it, and it is encrypted", "p", mode(0o644), "chmod 600"},
		{"a wrong passphrase", "p", func(_ *testing.T, s *Store, _ string) { s.Passphrase = "q" }, "the passphrase is wrong"},
		{"no passphrase", "p", func(_ *testing.T, s *Store, _ string) { s.Passphrase = "" }, "is encrypted: give the passphrase"},
		{"a passphrase for nothing", "", func(_ *testing.T, s *Store, _ string) { s.Passphrase = "p" }, "is not encrypted"},
		{"half of it", "", half, "is damaged"},
		{"half of it, encrypted", "p", half, "is damaged"},
		{"no line breaks", "p", edit(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), nil) }), "is damaged"},
		{"another byte", "p", edit(func(b []byte) []byte { b[len(b)/2] ^= 2; return b }), "is damaged"},
		{"empty", "", edit(func([]byte) []byte { return nil }), "does not begin with a certificate"},
		{"the key first", "", edit(func([]byte) []byte {
			return append(pairs()[0].PrivateKeyPEM(), pairs()[0].Cert().PEM()...)
		}), "does not begin with a certificate"},
		{"another's certificate", "", edit(func([]byte) []byte {
			return append(pairs()[1].Cert().PEM(), pairs()[0].PrivateKeyPEM()...)
		}), "is damaged"},
		{"a certificate alone", "", edit(func([]byte) []byte { return pairs()[0].Cert().PEM() }), "is damaged"},
		{"much too long", "", edit(func(b []byte) []byte { return append(b, make([]byte, most)...) }), "a key file has less"},
		{"a folder in its place", "", func(t *testing.T, _ *Store, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "is no regular file"},
		{"a link in its place", "", func(t *testing.T, s *Store, path string) {
			other := filepath.Join(s.Dir, "other")
			if err := errors.Join(os.Rename(path, other), os.Symlink(other, path)); err != nil {
				t.Skip(err)
			}
		}, "is no regular file"},
		{"others can write to the folder", "", func(t *testing.T, s *Store, _ string) { mode(0o777)(t, s, s.Dir) }, "others may write"},
		{"the folder is not there", "", func(_ *testing.T, s *Store, _ string) { s.Dir += "-gone" }, "cannot be looked at"},
		{"the folder is a file", "", func(_ *testing.T, s *Store, path string) { s.Dir = path }, "is no folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, tt.passphrase)
			path := save(t, s, pairs()[0])
			tt.do(t, s, path)
			got, err := s.Load(t.Context(), domain)
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Fatalf("%v, %v; want an error with %q", got, err, tt.want)
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, federation.ErrNoKey) {
				t.Errorf("%v; that is not to say that there is no key", err)
			}
			secret(t, err)
		})
	}
}

// secret fails if an error has anything of the key of the first pair.
func secret(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	for line := range strings.Lines(string(pairs()[0].PrivateKeyPEM())) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "---") && strings.Contains(text, line) {
			t.Errorf("%q shows %q", text, line)
		}
		if raw, err := base64.StdEncoding.DecodeString(line); err == nil && strings.Contains(text, string(raw)) {
			t.Errorf("%q shows bytes of the key", text)
		}
	}
}

// TestUnreadable: a file that cannot be read is not one that is not there.
func TestUnreadable(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("everything can be read by this user")
	}
	s := newStore(t, "")
	path := save(t, s, pairs()[0])
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), domain); !errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestSaveFails: a file that cannot be written whole leaves the old one, and nothing else.
func TestSaveFails(t *testing.T) {
	full := errors.New("no space left on device")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(full)
	tests := []struct {
		name string
		do   func(s *Store, path string) error
	}{
		{"the disk is full", func(s *Store, _ string) error {
			s.sync = func(*os.File) error { return full }
			return s.Save(t.Context(), domain, pairs()[1])
		}},
		{"the context has ended", func(s *Store, _ string) error { return s.Save(cancelled, domain, pairs()[1]) }},
		{"no pair", func(s *Store, _ string) error { return s.Save(t.Context(), domain, nil) }},
		{"an empty pair", func(s *Store, _ string) error { return s.Save(t.Context(), domain, new(certs.KeyPair)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, "")
			path := save(t, s, pairs()[0])
			err := tt.do(s, path)
			if err == nil {
				t.Fatal("no error")
			}
			secret(t, err)
			if got, err := s.Load(t.Context(), domain); !same(got, pairs()[0]) {
				t.Errorf("the old pair is now %v, %v", got, err)
			}
			if got := files(t, s); len(got) != 1 {
				t.Errorf("the folder has %q", got)
			}
		})
	}
}

// TestSaveIsFlushed: first the file, then the folder that has its name; and an error of
// either is one of Save.
func TestSaveIsFlushed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder cannot be flushed")
	}
	s := newStore(t, "")
	broken := errors.New("broken")
	var flushed []string
	s.sync = func(f *os.File) error {
		if info, err := f.Stat(); err != nil || info.IsDir() {
			flushed = append(flushed, "folder with "+strings.Join(files(t, s), " "))
			return broken
		}
		flushed = append(flushed, "file")
		return nil
	}
	if err := s.Save(t.Context(), domain, pairs()[0]); !errors.Is(err, broken) {
		t.Errorf("%v; want what the folder said", err)
	}
	if got := strings.Join(flushed, ", "); got != "file, folder with key-example.com.pem" {
		t.Errorf("flushed %s", got)
	}
	if got, err := s.Load(t.Context(), domain); !same(got, pairs()[0]) {
		t.Errorf("%v, %v; the file was in its place", got, err)
	}
}

// TestDefaultWorkFactor: without a test's shortcut a passphrase takes about a second to try.
func TestDefaultWorkFactor(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	s := newStore(t, "p")
	s.workFactor = 0
	if got, err := s.Load(t.Context(), domain); err == nil {
		t.Fatal(got)
	}
	path := save(t, s, pairs()[0])
	body := bytes.Join(bytes.Split(content(t, path), []byte("\n"))[1:], nil)
	header, _ := base64.StdEncoding.DecodeString(string(body[:120]))
	if !bytes.Contains(header, []byte(" 18\n")) {
		t.Errorf("the header is %q", header)
	}
	if got, err := s.Load(t.Context(), domain); !same(got, pairs()[0]) {
		t.Error(got, err)
	}
}
