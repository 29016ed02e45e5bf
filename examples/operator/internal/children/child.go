// Package children runs services as processes of their own, of the same executable,
// which outlive a kill of the process that has started them: the next one finds them.
//
// What is known of a child is in DIR/children: ROLE.lock, whose lock it holds as long as
// it is there, and ROLE.json, its process ID and where it listens, which it writes when
// it is ready. A child answers at an address of its own with a proof that it knows the
// token in that file, so that neither another process with its ID nor another one at
// its address is taken for it. What it prints is in DIR/logs/ROLE.log.
package children

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flock"
)

// ErrHeld means that another process has the role already.
var ErrHeld = errors.New("children: another process has this role")

// Info is what is known of a child that is ready.
type Info struct {
	Role string `json:"role"`
	PID  int    `json:"pid"`
	// Addr is where it serves, Health where it proves who it is.
	Addr   string `json:"addr"`
	Health string `json:"health"`
	// Token is for the proof. Only the owner of the file can read it.
	Token   string    `json:"token"`
	Started time.Time `json:"started"`
}

// proof is what a child answers to a challenge.
func (i Info) proof(challenge string) string {
	m := hmac.New(sha256.New, []byte(i.Token))
	fmt.Fprintf(m, "%s %d %s %s", i.Role, i.PID, i.Addr, challenge)
	return hex.EncodeToString(m.Sum(nil))
}

// paths are those of a role.
type paths struct{ lock, info, log string }

func pathsOf(dir, role string) paths {
	return paths{
		lock: filepath.Join(dir, "children", role+".lock"),
		info: filepath.Join(dir, "children", role+".json"),
		log:  filepath.Join(dir, "logs", role+".log"),
	}
}

func folders(dir string) error {
	return errors.Join(os.MkdirAll(filepath.Join(dir, "children"), 0o700), os.MkdirAll(filepath.Join(dir, "logs"), 0o700))
}

func openLock(p paths) (*os.File, error) {
	f, err := os.OpenFile(p.lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock.Try(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Child is this process in its role.
type Child struct {
	paths   paths
	lock    *os.File
	server  *http.Server
	orphans time.Duration

	mu    sync.Mutex
	info  Info
	ready bool
	alone *time.Timer
	end   context.CancelFunc
}

// Begin takes a role in the folder dir, which it makes if it does not exist. The error
// is [ErrHeld] if another process has it. The role ends with Close or with the process.
//
// The returned context ends with ctx, and when nobody has asked for the child for the
// time orphaned; 0 is never.
func Begin(ctx context.Context, dir, role string, orphaned time.Duration) (context.Context, *Child, error) {
	if err := folders(dir); err != nil {
		return nil, nil, fmt.Errorf("children: %w", err)
	}
	c := &Child{paths: pathsOf(dir, role), orphans: orphaned}
	var err error
	for tries := 0; ; tries++ { // who looks for a child has the lock for a moment
		if c.lock, err = openLock(c.paths); !errors.Is(err, flock.ErrHeld) || tries == 20 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	switch {
	case errors.Is(err, flock.ErrHeld):
		return nil, nil, ErrHeld
	case err != nil:
		return nil, nil, fmt.Errorf("children: %w", err)
	}
	if err := os.Remove(c.paths.info); err != nil && !errors.Is(err, os.ErrNotExist) { // of the one before
		return nil, nil, errors.Join(fmt.Errorf("children: %w", err), c.lock.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("children: %w", err), c.lock.Close())
	}
	c.info = Info{Role: role, PID: os.Getpid(), Health: l.Addr().String(), Token: rand.Text(), Started: time.Now().UTC()}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	ctx, c.end = context.WithCancel(ctx)
	if orphaned > 0 {
		c.alone = time.AfterFunc(orphaned, c.end)
	}
	go c.server.Serve(l) // ends with Close
	return ctx, c, nil
}

// Ready says that the child serves at addr.
func (c *Child) Ready(addr string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info.Addr, c.ready = addr, true
	b, err := json.Marshal(c.info)
	if err == nil {
		err = replace(c.paths.info, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("children: %w", err)
	}
	return nil
}

// ServeHTTP answers to a challenge, if the child is ready.
func (c *Child) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	challenge := r.URL.Query().Get("challenge")
	if !c.ready || len(challenge) < 16 || r.URL.Path != "/health" {
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	}
	if c.alone != nil {
		c.alone.Reset(c.orphans)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(2*sha256.Size))
	w.Write([]byte(c.info.proof(challenge))) // the one who asks may be gone
}

// Close gives the role back.
func (c *Child) Close() error {
	c.end()
	c.mu.Lock()
	if c.alone != nil {
		c.alone.Stop()
	}
	c.mu.Unlock()
	err := os.Remove(c.paths.info)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, c.server.Close(), c.lock.Close())
}

// replace writes a file whole or not at all.
func replace(name string, b []byte) error {
	part := name + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, name)
}
