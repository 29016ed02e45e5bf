//go:build unix

package children_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/children"
)

const env = "CHILDREN_TEST="

// TestMain makes the test binary what it is told to be.
func TestMain(m *testing.M) {
	if len(os.Args) < 4 || os.Getenv(strings.TrimSuffix(env, "=")) == "" {
		os.Exit(m.Run())
	}
	switch err := be(os.Args[1], os.Args[2], os.Args[3]); {
	case errors.Is(err, children.ErrHeld):
		os.Exit(3)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// be is a parent, or a child in a role.
func be(role, dir, addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if role == "parent" {
		s := set(dir, nil)
		if _, err := s.Start(ctx, "plain"); err != nil {
			return err
		}
		fmt.Println("started")
		<-ctx.Done()
		return s.Stop(context.Background())
	}
	if role == "broken" {
		return errors.New("out of order")
	}
	orphaned := time.Duration(0)
	if role == "orphan" {
		orphaned = time.Second
	}
	ctx, c, err := children.Begin(ctx, dir, role, orphaned)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if err := c.Ready(l.Addr().String()); err != nil {
		return err
	}
	<-ctx.Done()
	if role == "deaf" {
		select {}
	}
	return errors.Join(l.Close(), c.Close())
}

func set(dir string, told func(string)) *children.Set {
	return children.New(children.Options{
		Dir: dir, Env: []string{env + "1"}, Told: told,
		Args: func(role, addr string) []string { return []string{role, dir, addr} },
	})
}

// start starts a child that ends with the test, whatever happens.
func start(t *testing.T, s *children.Set, role string) children.Info {
	t.Helper()
	addr, err := s.Start(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := s.Find(t.Context(), role)
	if !ok || i.Addr != addr {
		t.Fatalf("found %v, %v, want the one at %s", i, ok, addr)
	}
	t.Cleanup(func() { syscall.Kill(i.PID, syscall.SIGKILL) })
	return i
}

func serves(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// until waits for what another process does.
func until(t *testing.T, what string, good func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !good(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestStartAndStop(t *testing.T) {
	dir := t.TempDir()
	s := set(dir, nil)
	i := start(t, s, "plain")
	if !serves(i.Addr) || i.PID == os.Getpid() {
		t.Fatalf("nobody serves at %s, or this process does", i.Addr)
	}
	for name, mode := range map[string]os.FileMode{"children": 0o700, "logs": 0o700, "children/plain.json": 0o600, "logs/plain.log": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %v", name, info, err, mode)
		}
	}
	if again := start(t, s, "plain"); again != i {
		t.Errorf("a second start gives another child: %v, not %v", again, i)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if serves(i.Addr) {
		t.Error("the child serves after Stop")
	}
	if _, ok := s.Find(t.Context(), "plain"); ok {
		t.Error("the child is found after Stop")
	}
}

// TestFoundAfterKill: the child of a parent that was killed is found by the next one, and
// ended by it.
func TestFoundAfterKill(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe, "parent", dir, "-")
	parent.Env = append(os.Environ(), env+"1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 10)); n == 0 {
		t.Fatalf("the parent has not started its child: %v", err)
	}
	s := set(dir, nil)
	before, ok := s.Find(t.Context(), "plain")
	if !ok {
		t.Fatal("no child before the kill")
	}
	parent.Process.Kill()
	parent.Wait()
	var mu sync.Mutex
	var told []string
	s = set(dir, func(what string) { mu.Lock(); told = append(told, what); mu.Unlock() })
	if after := start(t, s, "plain"); after != before {
		t.Errorf("found %v, want %v", after, before)
	}
	if len(told) != 1 || !strings.Contains(told[0], "was found") {
		t.Errorf("told: %q", told)
	}
	if err := s.Stop(t.Context()); err != nil || serves(before.Addr) {
		t.Errorf("it is not ended: %v", err)
	}
}

// TestNotTaken: a process that is not the child of whom the file tells is neither taken
// for it nor ended.
func TestNotTaken(t *testing.T) {
	for name, change := range map[string]func(*children.Info){
		"its process ID is another's now": func(i *children.Info) { i.PID = os.Getpid() },
		"it knows another token":          func(i *children.Info) { i.Token = "another" },
		"another listens there":           func(i *children.Info) { i.Health = i.Addr },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := set(dir, nil)
			i := start(t, s, "plain")
			change(&i)
			b, err := json.Marshal(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "children", "plain.json"), b, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // nobody answers at Addr
			defer cancel()
			if got, ok := s.Find(ctx, "plain"); ok {
				t.Errorf("found %v", got)
			}
			if addr, err := s.Start(ctx, "plain"); err == nil || !strings.Contains(err.Error(), fmt.Sprint(i.PID)) {
				t.Errorf("Start = %q, %v; want an error that names the process", addr, err)
			}
			if err := s.Stop(t.Context()); err == nil || !serves(i.Addr) {
				t.Errorf("Stop = %v, and the child has ended or not: it has not proved who it is", err)
			}
		})
	}
	t.Run("only the file is left", func(t *testing.T) {
		dir := t.TempDir()
		s := set(dir, nil)
		i := start(t, s, "plain")
		syscall.Kill(i.PID, syscall.SIGKILL)
		until(t, "the child ends", func() bool { return !serves(i.Addr) })
		b, err := os.ReadFile(filepath.Join(dir, "children", "plain.json"))
		if err != nil {
			t.Fatal(err)
		}
		b = []byte(strings.ReplaceAll(string(b), fmt.Sprint(i.PID), fmt.Sprint(os.Getpid())))
		if err := os.WriteFile(filepath.Join(dir, "children", "plain.json"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(t.Context()); err != nil { // this test would end with it
			t.Error(err)
		}
		if next := start(t, s, "plain"); next.PID == i.PID || next.PID == os.Getpid() {
			t.Errorf("found %v", next)
		}
	})
}

// TestKeep: a child that was killed is started again, at its address.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	s := set(dir, nil)
	i := start(t, s, "plain")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Keep(ctx); close(done) }()
	syscall.Kill(i.PID, syscall.SIGKILL)
	var next children.Info
	until(t, "another child is started", func() bool {
		var ok bool
		next, ok = s.Find(t.Context(), "plain")
		return ok && next.PID != i.PID
	})
	cancel()
	<-done
	if next.Addr != i.Addr || !serves(next.Addr) {
		t.Errorf("address = %s, was %s", next.Addr, i.Addr)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	t.Run("deaf", func(t *testing.T) {
		s := set(t.TempDir(), nil)
		i := start(t, s, "deaf")
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // does not wait ten seconds
		if err := s.Stop(ctx); err != nil || serves(i.Addr) {
			t.Errorf("it is not ended: %v", err)
		}
	})
	t.Run("orphan", func(t *testing.T) {
		s := set(t.TempDir(), nil)
		i := start(t, s, "orphan")
		until(t, "the child ends by itself", func() bool { return !serves(i.Addr) })
	})
	t.Run("broken", func(t *testing.T) {
		s := set(t.TempDir(), nil)
		if _, err := s.Start(t.Context(), "broken"); err == nil || !strings.Contains(err.Error(), "out of order") {
			t.Errorf("error = %v", err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestHeld: two processes do not have one role.
func TestHeld(t *testing.T) {
	dir := t.TempDir()
	_, c, err := children.Begin(t.Context(), dir, "role", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := children.Begin(t.Context(), dir, "role", 0); !errors.Is(err, children.ErrHeld) {
		t.Errorf("error = %v, want ErrHeld", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, c, err = children.Begin(t.Context(), dir, "role", 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
