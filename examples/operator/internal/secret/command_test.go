//go:build unix

package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The program of these tests is this test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "program" {
		program(os.Args[2], os.Args[3:])
	}
	os.Exit(m.Run())
}

func program(what string, args []string) {
	fmt.Fprintln(os.Stderr, canary)
	switch what {
	case "print":
		fmt.Print(args[0])
	case "repeat":
		n, _ := strconv.Atoi(args[0])
		fmt.Print(strings.Repeat("x", n))
	case "much":
		for range 1 << 20 {
			if _, err := fmt.Print(canary); err != nil {
				break
			}
		}
		select {} // a program that does not end by itself
	case "fail":
		fmt.Println(canary)
		os.Exit(7)
	case "killed":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		time.Sleep(time.Hour)
	case "forever":
		fmt.Println(canary)
		time.Sleep(time.Hour)
	case "read":
		b, err := io.ReadAll(os.Stdin)
		fmt.Print("read ", len(b), " ", err)
	case "env":
		fmt.Print(len(os.Getenv("OPERATOR_APPROVAL_KEY")), os.Getenv("SECRET_TEST_SEEN"))
	case "child": // leaves a child behind, or waits for it
		child := exec.Command(os.Args[0], "program", "called", args[1])
		if args[0] == "holds" {
			child.Stdout = os.Stdout
		}
		if err := child.Start(); err != nil {
			os.Exit(9)
		}
		conn, err := net.Dial("tcp", args[1]) // the test closes it when the child is there
		if err == nil {
			_, _ = conn.Write([]byte("P"))
			_, _ = io.Copy(io.Discard, conn)
		}
		if args[0] == "waits" {
			_ = child.Wait()
		}
		fmt.Print("parent")
	case "called": // is there until it is killed
		conn, err := net.Dial("tcp", args[0])
		if err == nil {
			_, _ = conn.Write([]byte("C"))
		}
		time.Sleep(time.Hour)
	}
	os.Exit(0)
}

func own(t *testing.T, args ...string) Source {
	t.Helper()
	s, err := Command(append([]string{os.Args[0], "program"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// vault has limits of its own.
func vault(l limits) *Vault {
	v := NewVault(nil)
	v.fetch = func(ctx context.Context, s Source) (string, error) { return l.run(ctx, s.args) }
	return v
}

func TestPrograms(t *testing.T) {
	t.Setenv("OPERATOR_APPROVAL_KEY", canary)
	t.Setenv("SECRET_TEST_SEEN", "seen")
	for in, text := range map[string]string{
		"a b $HOME *": "a b $HOME *", "line\n": "line", "line\r\n": "line", " two  ": " two  ",
	} {
		got, err := NewVault(nil).Get(t.Context(), own(t, "print", in))
		want(t, got, err, text)
	}
	got, err := NewVault(nil).Get(t.Context(), own(t, "repeat", "65536"))
	want(t, got, err, strings.Repeat("x", 64<<10))
	got, err = NewVault(nil).Get(t.Context(), own(t, "read"))
	want(t, got, err, "read 0 <nil>")
	got, err = NewVault(nil).Get(t.Context(), own(t, "env"))
	want(t, got, err, "0seen")
}

func TestProgramsThatFail(t *testing.T) {
	file := t.TempDir() + "/" + canary
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) Source {
		s, err := Command(args...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct {
		src    Source
		limits limits
		says   string
	}{
		"status":     {own(t, "fail"), defaultLimits, "ended with the status 7"},
		"killed":     {own(t, "killed"), defaultLimits, "was killed"},
		"too much":   {own(t, "much"), defaultLimits, "printed more than 64 KiB"},
		"a byte":     {own(t, "repeat", "65537"), defaultLimits, "printed more than 64 KiB"},
		"too long":   {own(t, "forever"), limits{100 * time.Millisecond, 64 << 10, time.Second}, "did not end within 100ms"},
		"no time":    {own(t, "print", canary), limits{0, 64 << 10, time.Second}, "was not started in time"},
		"nothing":    {own(t, "print", "\n"), defaultLimits, "is empty"},
		"lines":      {own(t, "print", canary+"\n\n"), defaultLimits, "more than one line"},
		"not there":  {command("/none/prog", canary), defaultLimits, "is not there"},
		"not found":  {command("no-such-program-anywhere", canary), defaultLimits, "is not there"},
		"not to run": {command(file, canary), defaultLimits, "may not be run"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := vault(c.limits).Get(t.Context(), c.src)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.says) || !got.IsZero() {
				t.Fatalf("%v, %v; want an error that says %q", got, err, c.says)
			}
			if s := strings.ReplaceAll(err.Error(), c.src.String(), ""); strings.Contains(s, canary) || strings.Contains(s, "program forever") {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// No child of a program is there after its end: neither when the program ended by itself
// nor when its time was over.
func TestChildrenAreKilled(t *testing.T) {
	for how, c := range map[string]struct {
		limits limits
		says   string
	}{
		"leaves": {defaultLimits, ""},
		"holds":  {limits{10 * time.Second, 64 << 10, 50 * time.Millisecond}, "left others that hold its output open"},
		"waits":  {limits{2 * time.Second, 64 << 10, time.Second}, "did not end within 2s"},
	} {
		t.Run(how, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			child := make(chan net.Conn, 1)
			go func() {
				var parent, called net.Conn
				for parent == nil || called == nil {
					conn, err := ln.Accept()
					if err != nil {
						close(child)
						return
					}
					who := make([]byte, 1)
					if _, _ = io.ReadFull(conn, who); who[0] == 'P' {
						parent = conn
					} else {
						called = conn
					}
				}
				parent.Close()
				child <- called
			}()
			got, err := vault(c.limits).Get(t.Context(), own(t, "child", how, ln.Addr().String()))
			if c.says == "" {
				want(t, got, err, "parent")
			} else if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, %v; want an error that says %q", got, err, c.says)
			}
			ln.Close()
			conn, ok := <-child
			if !ok {
				t.Fatal("the child was never there")
			}
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the child is still there")
			}
		})
	}
}
