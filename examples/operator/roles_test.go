package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/children"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
)

// TestMain makes the test binary the program, if its first argument is a role of a child.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != roleTemporal && os.Args[1] != roleFakes {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	l, err := audit.Open(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Append(audit.Entry{Verb: "log-in"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "audit.jsonl")
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.jsonl")
	if err := os.WriteFile(bad, []byte(strings.Replace(string(b), "log-in", "log-on", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"help"}, exitGood, "64 wrong flags"},
		{[]string{"-h"}, exitGood, "operator serve-fakes"},
		{[]string{"-nonsense"}, exitUsage, "nonsense"},
		{[]string{"nonsense"}, exitUsage, "neither a role nor a flag"},
		{[]string{roleTemporal, "-h"}, exitGood, "uses a cluster"},
		{[]string{roleTemporal, "more"}, exitUsage, "more"},
		{[]string{roleTemporal, "-data", t.TempDir(), "-addr", "0.0.0.0:0"}, exitWrong, "not of this machine alone"},
		{[]string{roleFakes, "-h"}, exitGood, "in memory"},
		{[]string{roleFakes, "-customers", "0"}, exitUsage, "at least one"},
		{[]string{roleFakes, "-data", t.TempDir(), "-speed", "0.5"}, exitWrong, "speed"},
		{[]string{roleFakes, "-data", t.TempDir(), "-plain", "-addr", "192.0.2.1:0"}, exitWrong, "not of this machine alone"},
		{[]string{"audit"}, exitUsage, "audit verify FILE"},
		{[]string{"audit", "-h"}, exitGood, "audit verify FILE"},
		{[]string{"audit", "verify", "-h"}, exitGood, "audit verify FILE"},
		{[]string{"audit", "verify"}, exitUsage, "audit verify FILE"},
		{[]string{"audit", "verify", good, bad}, exitUsage, "audit verify FILE"},
		{[]string{"audit", "verify", "-data", dir, good}, exitUsage, "audit verify FILE"},
		{[]string{"audit", "verify", good}, exitGood, "2 entries"},
		{[]string{"audit", "verify", "-data", dir}, exitGood, "2 entries"},
		{[]string{"audit", "verify", bad}, exitWrong, "0 entries are good"},
		{[]string{"audit", "verify", filepath.Join(dir, "none")}, exitWrong, "none"},
	} {
		var out strings.Builder
		if code := dispatch(t.Context(), c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%q: exit code %d, want %d and %q in:\n%s", c.args, code, c.code, c.says, out.String())
		}
	}
}

// TestServices: both services start as children, are found by another set, answer again
// at their addresses after a kill, and end.
func TestServices(t *testing.T) {
	dir := t.TempDir()
	serving := func() *children.Set {
		return newChildren(dir, defaultSpeed, []string{"-customers", "2", "-plain"}, nil)
	}
	s := serving()
	t.Cleanup(func() { s.Stop(context.Background()) })
	addrs := make(map[string]string)
	for _, role := range []string{roleTemporal, roleFakes} {
		addr, err := s.Start(t.Context(), role)
		if err != nil {
			t.Fatal(err)
		}
		addrs[role] = addr
	}
	file, err := useFakes(t.Context(), dir, addrs[roleFakes])
	if err != nil {
		t.Fatal(err)
	}
	f, err := customers.Load(file)
	if err != nil || len(f.Customers) != 2 {
		t.Fatalf("customers file: %v", err)
	}
	if os.Getenv("FAKE_001_JUMPCLOUD") == "" || os.Getenv("FAKE_002_GRAPH") == "" {
		t.Error("the credentials are not in the environment")
	}
	edited := "# edited\n" + readFile(t, file)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := useFakes(t.Context(), dir, addrs[roleFakes]); err != nil || readFile(t, file) != edited {
		t.Errorf("what somebody has changed in the file is lost: %v", err)
	}
	s = serving() // as after a kill
	for role, addr := range addrs {
		before, ok := s.Find(t.Context(), role)
		if again, err := s.Start(t.Context(), role); !ok || err != nil || again != addr {
			t.Fatalf("%s is not found: %v, %s, was %s", role, err, again, addr)
		}
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until the system has ended it
			if _, ok := s.Find(t.Context(), role); !ok {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not killed", role)
			}
		}
		if again, err := s.Start(t.Context(), role); err != nil || again != addr {
			t.Errorf("%s after a kill: %v, %s, was %s", role, err, again, addr)
		}
		if after, ok := s.Find(t.Context(), role); !ok || after.PID == before.PID {
			t.Errorf("%s after a kill: %v, %v", role, after, ok)
		}
	}
	var out strings.Builder
	code := dispatch(t.Context(), []string{roleFakes, "-data", dir}, &out, &out)
	if code != exitWrong || !strings.Contains(out.String(), "already") {
		t.Errorf("a second one: exit code %d:\n%s", code, out.String())
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for role := range addrs {
		if i, ok := s.Find(t.Context(), role); ok {
			t.Errorf("%s is there after Stop: %v", role, i)
		}
		if log := readFile(t, filepath.Join(dir, "logs", role+".log")); !strings.HasSuffix(log, fmt.Sprintf("%s: ends\n", role)) {
			t.Errorf("the log of %s:\n%s", role, log)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
