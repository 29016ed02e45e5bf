package data

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// holds is the variable by which this program, started again, holds a folder.
const holds = "JCAAD_TEST_HOLDS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holds); dir != "" {
		if _, err := Open(dir, nil); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

func open(t *testing.T, dir string) *Dir {
	t.Helper()
	d, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// tree returns the names of all files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOpenMakesAPrivateFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, dir)
	ref, err := d.SaveReport("a.example", "run", noon, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{".": 0o700, "reports/a.example": 0o700, "keys": 0o700, "people": 0o700,
		"lock": 0o600, ref.Name: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", name, got, want)
		}
	}
	if d.Path() != dir || d.Keys() != filepath.Join(dir, "keys") || d.Audit() != filepath.Join(dir, "audit.jsonl") {
		t.Errorf("paths: %s, %s, %s", d.Path(), d.Keys(), d.Audit())
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"writable by the group": {func(dir string) error { return os.Chmod(dir, 0o770) }, "others may write to the folder"},
		"writable by all":       {func(dir string) error { return os.Chmod(dir, 0o707) }, "mode 0707"},
		"a folder inside": {func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "people"), 0o700), os.Chmod(filepath.Join(dir, "people"), 0o777))
		}, "people (mode 0777)"},
		"a link inside":        {func(dir string) error { return os.Symlink(os.TempDir(), filepath.Join(dir, "reports")) }, "reports is no folder"},
		"a file inside":        {func(dir string) error { return os.WriteFile(filepath.Join(dir, "keys"), nil, 0o600) }, "keys is no folder"},
		"the lock is a folder": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "lock"), 0o700) }, "lock"},
		"of another user": {func(dir string) error {
			if os.Geteuid() != 0 {
				return fs.ErrPermission
			}
			return os.Chown(dir, 12345, 12345)
		}, "belongs to another user"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.make(dir); errors.Is(err, fs.ErrPermission) {
				t.Skip("only root can make this case")
			} else if err != nil {
				t.Fatal(err)
			}
			d, err := Open(dir, nil)
			if err == nil {
				d.Close()
				t.Fatal("Open took it")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
	if _, err := Open("", nil); err == nil {
		t.Error("Open took no folder")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, nil); err == nil {
		t.Error("Open took a file")
	}
}

func TestSecondIsRefused(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	_, err := Open(dir, nil)
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("the second got %v", err)
	}
	host, _ := os.Hostname()
	if held.By.PID != os.Getpid() || held.By.Host != host || time.Since(held.By.Since) > time.Hour {
		t.Errorf("held by %+v", held.By)
	}
	for _, want := range []string{dir, fmt.Sprint(os.Getpid()), host, held.By.Since.Format(time.RFC3339)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte(`{"pid":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "has not said yet") {
		t.Errorf("of a lock that says nothing: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	if _, err := d.SaveReport("a.example", "run", noon, []byte("{}")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a save after Close: %v", err)
	}
	open(t, dir)
}

func TestLockEndsWithTheProcess(t *testing.T) {
	dir := t.TempDir()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), holds+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	_, err = Open(dir, nil)
	var held *HeldError
	if !errors.As(err, &held) || held.By.PID != c.Process.Pid {
		t.Fatalf("while the child has it: %v", err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	open(t, dir)
}

// A child of the operator, such as the server, outlives it: it must not keep the lock.
func TestChildrenDoNotInheritTheLock(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), holds+"="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { c.Process.Kill(); c.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	if err := d.lock.Close(); err != nil { // as a kill does, without unlock
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	if _, err := d.SaveReport("a.example", "run", noon, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for _, name := range []string{".tmp-1", "reports/.tmp-1", "reports/a.example/.tmp-2", "proposals/.tmp-3", "people/.tmp-4", "keys/.key-5"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"keys/key-a.example.pem", "other/.tmp-6"} { // those of others stay
		before = append(before, name)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d = open(t, dir)
	if d.Leftovers() != 6 {
		t.Errorf("%d leftovers, want 6", d.Leftovers())
	}
	if got := tree(t, dir); len(got) != len(before) {
		t.Errorf("left: %v, want %v", got, before)
	}
}

func TestStop(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	if d.Stopped() {
		t.Fatal("stopped from the start")
	}
	if err := d.SetStop(true, "ann", noon); err != nil {
		t.Fatal(err)
	}
	if err := d.SetStop(true, "ben", noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if !d.Stopped() {
		t.Error("not held when nobody can know")
	}
	d = open(t, dir) // it survives a restart
	if s, on := d.Stop(); !on || !d.Stopped() || s != (Stop{Who: "ann", At: noon}) {
		t.Errorf("%+v, %v", s, on)
	}
	if err := d.SetStop(false, "ben", noon); err != nil {
		t.Fatal(err)
	}
	if err := d.SetStop(false, "ben", noon); err != nil {
		t.Errorf("letting go twice: %v", err)
	}
	if _, on := d.Stop(); on {
		t.Error("still held")
	}
	if err := os.WriteFile(filepath.Join(dir, "STOP"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, on := d.Stop(); !on || s != (Stop{}) {
		t.Errorf("of a file made by hand: %+v, %v", s, on)
	}
	if err := d.SetStop(true, "ann", noon); err != nil {
		t.Fatal(err)
	}
	if s, _ := d.Stop(); s.Who != "ann" {
		t.Errorf("of a file made by hand and held after: %+v", s)
	}
	if err := os.Remove(filepath.Join(dir, "STOP")); err != nil {
		t.Fatal(err)
	}
	if !d.Stopped() {
		t.Error("the hold of this process went with the file")
	}
}

func TestStopWithAFullDisk(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	d.disk.write = full
	if err := d.SetStop(true, "ann", noon); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("SetStop: %v", err)
	}
	if !d.Stopped() {
		t.Error("not held")
	}
	d.Close()
	if d = open(t, dir); !d.Stopped() {
		t.Error("not held after a restart")
	}
}

func TestConcurrentUse(t *testing.T) {
	d := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := fmt.Appendf(nil, `{"n":%d}`, i%2)
			if _, err := d.SaveReport("a.example", "run", noon, b); err != nil {
				t.Error(err)
			}
			ref, err := d.SavePeople(noon, b)
			if err != nil {
				t.Error(err)
			}
			if _, err := d.Load(ref); err != nil {
				t.Error(err)
			}
			if _, err := d.Prune(noon); err != nil {
				t.Error(err)
			}
			if err := d.SetStop(i%2 == 0, "ann", noon); err != nil {
				t.Error(err)
			}
			d.Stopped()
		})
	}
	wg.Wait()
	if ref, err := d.Report("a.example", "run"); err != nil {
		t.Error(err)
	} else if b, err := d.Load(ref); err != nil || !strings.HasPrefix(string(b), `{"n":`) {
		t.Errorf("%q, %v", b, err)
	}
}
