//go:build !race

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/children"
	"github.com/jcaad/jcaad/examples/operator/internal/fakes"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/temporal"
)

// program is the operator with its children, and what it tells.
type program struct {
	t         *testing.T
	exe, dir  string
	args, env []string
	metrics   string // its address
	cmd       *exec.Cmd
	ended     chan error
	out       lockedBuffer
	notices   lockedBuffer
	figures   figures
}

// What is to be found nowhere.
const (
	password  = "canary-of-the-password"
	notifyKey = "canary-key-canary-key-canary-key-canary"
)

const (
	look      = 100 * time.Millisecond // how often is looked whether something is so
	firstLine = 5 * time.Second        // a tenth of a second, where nothing else runs
)

// built is the folder of the program, "" if it was not built.
var built string

// build builds the program once.
var build = sync.OnceValues(func() (exe string, err error) {
	if built, err = os.MkdirTemp("", "operator-e2e"); err != nil {
		return "", err
	}
	exe = filepath.Join(built, "operator")
	if out, err := exec.Command("go", "build", "-o", exe, "..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return exe, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// begin starts the operator with customers of which none is in trouble, and which it
// approves by itself; more are further flags.
func begin(t *testing.T, customers, people int, speed float64, more ...string) *program {
	t.Helper()
	exe, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, exe: exe, dir: filepath.Join(t.TempDir(), "data"), metrics: free(t)}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what is not whole is sent again
		_, _ = p.notices.Write(append(b, '\n'))
	}))
	t.Cleanup(receiver.Close)
	p.args = []string{
		"-data", p.dir, "-addr", free(t), "-metrics-addr", p.metrics, "-notify", receiver.URL + "/notices",
		"-fake-customers", strconv.Itoa(customers), "-fake-people", strconv.Itoa(people), "-fake-plain",
		"-speed", fmt.Sprint(speed), "-tour", strconv.Itoa(customers),
	}
	p.args = append(p.args, more...)
	p.env = append(os.Environ(), "OPERATOR_PASSWORD="+password, "OPERATOR_NOTIFY_KEY="+notifyKey)
	p.start()
	t.Cleanup(p.clean)
	return p
}

// free returns an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.exe, p.args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(p.cmd, p.ended)
}

// kill kills the operator, as a failure of the machine would.
func (p *program) kill() {
	p.t.Helper()
	p.measure()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

// killServer kills Temporal; the operator starts it again.
func (p *program) killServer() {
	p.t.Helper()
	was := p.child("serve-temporal")
	if err := syscall.Kill(was.PID, syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	p.until("Temporal is there again", time.Minute, func() bool {
		is, ok := p.find("serve-temporal")
		return ok && is.PID != was.PID
	})
}

// stop ends the operator as an administrator does, and returns what it has printed.
func (p *program) stop(sig os.Signal) string {
	p.t.Helper()
	p.measure()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("it ends with %v: %s", err, p.out.String())
		}
	case <-time.After(time.Minute):
		p.t.Error("it does not end")
	}
	return p.out.String()
}

// clean sees to it that no process is left.
func (p *program) clean() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
	}
	for _, role := range []string{"serve-temporal", "serve-fakes"} {
		if info, ok := p.find(role); ok {
			_ = syscall.Kill(info.PID, syscall.SIGKILL)
		}
	}
}

// find returns a child that is there.
func (p *program) find(role string) (info children.Info, ok bool) {
	b, err := os.ReadFile(filepath.Join(p.dir, "children", role+".json"))
	if err != nil || json.Unmarshal(b, &info) != nil || info.Addr == "" {
		return info, false
	}
	return info, syscall.Kill(info.PID, 0) == nil
}

// child is find that waits.
func (p *program) child(role string) (info children.Info) {
	p.t.Helper()
	p.until(role, 2*time.Minute, func() (ok bool) { info, ok = p.find(role); return ok })
	return info
}

// until looks again and again until something is so.
func (p *program) until(what string, limit time.Duration, is func() bool) {
	p.t.Helper()
	begun := time.Now()
	defer func() {
		if took := time.Since(begun); took > time.Second {
			p.t.Logf("%4.0f s until %s", took.Seconds(), what)
		}
	}()
	tick := time.NewTicker(look)
	defer tick.Stop()
	end := time.After(limit)
	for !is() {
		select {
		case err := <-p.ended:
			p.t.Fatalf("%s: the operator has ended: %v\n%s", what, err, p.out.String())
		case <-end:
			b, _ := os.ReadFile(filepath.Join(p.dir, "logs", "operator.log"))
			p.t.Fatalf("%s: not within %v\n%s\n%s", what, limit, p.out.String(), b[max(0, len(b)-4096):])
		case <-tick.C:
		}
	}
}

// get reads from the stand-ins.
func (p *program) get(path string, v any) error {
	info, ok := p.find("serve-fakes")
	if !ok {
		return errors.New("the stand-ins are not there")
	}
	b, err := fetch("http://"+info.Addr+path, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func fetch(url string, header http.Header) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return b, err
}

// federated counts the domains that are.
func (p *program) federated() (n int) {
	var all []fakes.Counts
	if p.get("/counts", &all) != nil {
		return 0
	}
	for _, c := range all {
		n += min(c.Federations, 1)
	}
	return n
}

// dial returns a client of Temporal.
func (p *program) dial() client.Client {
	p.t.Helper()
	c, err := client.Dial(client.Options{HostPort: p.child("serve-temporal").Addr, Namespace: temporal.Namespace, Logger: silent{}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// state asks where a domain is.
func state(c client.Client, domain string) (s flow.State, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	v, err := c.QueryWorkflow(ctx, flow.DomainID(domain), "", flow.QueryState)
	if err != nil {
		return s, err
	}
	return s, v.Get(&s)
}

// silent is a log of the SDK.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// lockedBuffer is a buffer that several write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
