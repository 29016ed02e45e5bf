package temporal_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/temporal"
)

const childFile, childAddr = "TEMPORAL_TEST_FILE", "TEMPORAL_TEST_ADDR"

// TestMain makes the test binary a server, if it is told so.
func TestMain(m *testing.M) {
	file := os.Getenv(childFile)
	if file == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ready := func(addr string) { os.Stdout.WriteString(addr + "\n") }
	if err := temporal.Serve(ctx, temporal.Options{File: file, Addr: os.Getenv(childAddr), Log: file + ".log", Ready: ready}); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

// serve starts a server as a process of its own, and returns it and its address.
func serve(t *testing.T, file, addr string) (*exec.Cmd, string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childFile+"="+file, childAddr+"="+addr)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // it may have ended
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server is not ready: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

// Slow waits for a signal, then for a timer.
func Slow(ctx workflow.Context, wait time.Duration) (string, error) {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return "done", workflow.Sleep(ctx, wait)
}

// TestKill: a workflow that waits for a timer when the server is killed completes on the
// next server of the same file, which has the same namespace.
func TestKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "a?b#c%20.db")
	first, addr := serve(t, file, "127.0.0.1:0")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode of the file = %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(file + "-wal"); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("write-ahead log: %v, %v", info, err)
	}
	quiet := log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	c, err := client.Dial(client.Options{HostPort: addr, Namespace: temporal.Namespace, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id := namespaceID(ctx, t, c)
	w := worker.New(c, "tests", worker.Options{})
	w.RegisterWorkflow(Slow)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "slow", TaskQueue: "tests"}, Slow, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SignalWorkflow(ctx, "slow", "", "go", nil); err != nil {
		t.Fatal(err)
	}
	for timers := 0; timers == 0; { // until the timer is in the history
		events := c.GetWorkflowHistory(ctx, "slow", "", false, 0)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e.GetTimerStartedEventAttributes() != nil {
				timers++
			}
		}
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	if l, err := net.Listen("tcp", addr); err != nil {
		t.Fatalf("the first server still listens: %v", err)
	} else {
		l.Close()
	}
	second, again := serve(t, file, addr)
	if again != addr {
		t.Fatalf("address = %s, want %s", again, addr)
	}
	if now := namespaceID(ctx, t, c); now != id {
		t.Errorf("the namespace is another one: %s, was %s", now, id)
	}
	var result string
	if err := run.Get(ctx, &result); err != nil || result != "done" {
		t.Errorf("result = %q, %v", result, err)
	}
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("end by SIGTERM: %v", err)
	}
	if info, err := os.Stat(file + ".log"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log: %v, %v", info, err)
	}
}

func namespaceID(ctx context.Context, t *testing.T, c client.Client) string {
	t.Helper()
	r, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: temporal.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetNamespaceInfo().GetId()
}

func TestRefused(t *testing.T) {
	for name, o := range map[string]temporal.Options{
		"every address": {File: filepath.Join(t.TempDir(), "a"), Addr: "0.0.0.0:0"},
		"a name":        {File: filepath.Join(t.TempDir(), "a"), Addr: "localhost:0"},
		"no port":       {File: filepath.Join(t.TempDir(), "a"), Addr: "127.0.0.1"},
		"no folder":     {File: filepath.Join(t.TempDir(), "b", "a"), Addr: "127.0.0.1:0"},
		"no database":   {File: t.TempDir(), Addr: "127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Ready = func(addr string) { t.Errorf("it serves at %s", addr) }
			if err := temporal.Serve(t.Context(), o); err == nil {
				t.Error("no error")
			}
		})
	}
}
