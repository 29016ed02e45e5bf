package children

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flock"
)

// Options say which children there are and how they are started.
type Options struct {
	// Dir is the folder in which children are found again. One process at a time may
	// have a Set in it.
	Dir string
	// Exe is the executable; "" is that of this process.
	Exe string
	// Args are the arguments with which a role is started. The address is "127.0.0.1:0"
	// for one that has none yet, else the one that it had.
	Args func(role, addr string) []string
	// Env is added to the environment of this process.
	Env []string
	// Patience is how long a child may take until it is ready. 0 is two minutes.
	Patience time.Duration
	// Told, if not nil, is told in words what was done. Calls may overlap.
	Told func(what string)
}

// A Set is the children of this process. It is safe for concurrent use.
type Set struct {
	o      Options
	client *http.Client

	mu    sync.Mutex // held while children are started or ended
	addrs map[string]string
}

// New returns a Set without children.
func New(o Options) *Set {
	if o.Told == nil {
		o.Told = func(string) {}
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	return &Set{o: o, addrs: make(map[string]string), client: &http.Client{
		Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}, // no proxy
	}}
}

// status says what is known of a role.
type status int

const (
	nobody   status = iota // no process has it
	starting               // one has, and is not ready
	found                  // one has, and has proved who it is
	silent                 // one has, and does not answer
)

// Find returns the child of a role that is ready; false if there is none.
func (s *Set) Find(ctx context.Context, role string) (Info, bool) {
	i, st, err := s.look(ctx, role)
	return i, err == nil && st == found
}

func (s *Set) look(ctx context.Context, role string) (Info, status, error) {
	p := pathsOf(s.o.Dir, role)
	switch lock, err := openLock(p); {
	case err == nil:
		return Info{}, nobody, lock.Close()
	case !errors.Is(err, flock.ErrHeld):
		return Info{}, nobody, err
	}
	var i Info
	switch b, err := os.ReadFile(p.info); {
	case errors.Is(err, os.ErrNotExist):
		return Info{}, starting, nil
	case err != nil:
		return Info{}, starting, err
	case json.Unmarshal(b, &i) != nil || i.Role != role || i.PID <= 1 || i.Token == "":
		return Info{}, starting, fmt.Errorf("%s is not what a child has written", p.info)
	}
	if !s.proves(ctx, i) {
		return i, silent, nil
	}
	return i, found, nil
}

// proves asks a child whether it is the one of whom the file tells.
func (s *Set) proves(ctx context.Context, i Info) bool {
	challenge := rand.Text()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.Health+"/health?challenge="+challenge, nil)
	if err != nil {
		return false
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return err == nil && resp.StatusCode == http.StatusOK && hmac.Equal(b, []byte(i.proof(challenge)))
}

// Start returns where the child of a role serves: one that is found, or one that is
// started now. A process that has the role and does not prove who it is, is an error that
// names it: nothing is ever sent to such a process.
func (s *Set) Start(ctx context.Context, role string) (addr string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := folders(s.o.Dir); err != nil {
		return "", fmt.Errorf("children: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Patience, errors.New("it is not ready in time"))
	defer cancel()
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("children: %s: %w%s", role, err, tail(pathsOf(s.o.Dir, role).log))
	}
	var ended chan error // of the one that was started here
	for {
		i, st, err := s.look(ctx, role)
		switch {
		case st == silent && ctx.Err() != nil:
			return fail(fmt.Errorf("%w: process %d has the role and does not answer: end it by hand", context.Cause(ctx), i.PID))
		case ctx.Err() != nil:
			return fail(context.Cause(ctx))
		case err != nil:
			return fail(err)
		case st == found:
			if ended == nil && s.addrs[role] == "" {
				s.o.Told(fmt.Sprintf("%s was found, process %d at %s", role, i.PID, i.Addr))
			}
			s.addrs[role] = i.Addr
			return i.Addr, nil
		case st == nobody && ended == nil:
			if ended, err = s.spawn(role); err != nil {
				return fail(err)
			}
		}
		select {
		case err := <-ended:
			ended = nil
			if _, st, _ := s.look(ctx, role); st == nobody {
				return fail(fmt.Errorf("it has ended before it was ready: %w", err))
			}
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done(): // seen above
		}
	}
}

// spawn starts a child, and tells when it has ended.
func (s *Set) spawn(role string) (chan error, error) {
	exe := s.o.Exe
	if exe == "" {
		var err error
		if exe, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	log, err := openLog(pathsOf(s.o.Dir, role).log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	addr := s.addrs[role]
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	cmd := exec.Command(exe, s.o.Args(role, addr)...)
	cmd.Env = append(os.Environ(), s.o.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.o.Told(fmt.Sprintf("%s is started, process %d", role, cmd.Process.Pid))
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		ended <- err
	}()
	return ended, nil
}

// Keep starts children again that have ended, at the addresses that they had, and lets
// the others know that they are not alone. It returns when ctx ends.
func (s *Set) Keep(ctx context.Context) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, role := range s.roles() {
			_, st, err := s.look(ctx, role)
			if err != nil || st != nobody {
				continue
			}
			s.o.Told(role + " has ended")
			if _, err := s.Start(ctx, role); err != nil && ctx.Err() == nil {
				s.o.Told(err.Error())
			}
		}
	}
}

func (s *Set) roles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for role := range s.addrs {
		all = append(all, role)
	}
	return all
}

// Stop ends the children that Start has returned, all at once: by SIGTERM and, after ten
// seconds or when ctx ends, by SIGKILL. When it returns nil, they are gone.
func (s *Set) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make(chan error)
	for role := range s.addrs {
		go func() { errs <- s.stop(ctx, role) }()
	}
	var all []error
	for range s.addrs {
		all = append(all, <-errs)
	}
	clear(s.addrs)
	return errors.Join(all...)
}

func (s *Set) stop(ctx context.Context, role string) error {
	i, st, err := s.look(context.WithoutCancel(ctx), role)
	if err != nil || st == nobody {
		return err
	}
	switch st {
	case starting:
		return fmt.Errorf("children: %s is not ready yet, and is let be", role)
	case silent:
		return fmt.Errorf("children: %s, process %d, does not answer, and is let be", role, i.PID)
	}
	p, err := os.FindProcess(i.PID)
	if err != nil {
		return err
	}
	defer p.Release()
	_ = terminate(p) // it may have ended
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s.gone(ctx, role) {
		return nil
	}
	s.o.Told(fmt.Sprintf("%s, process %d, does not end and is killed", role, i.PID))
	_ = p.Kill()
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if !s.gone(ctx, role) {
		return fmt.Errorf("children: %s, process %d, cannot be ended", role, i.PID)
	}
	return nil
}

// gone waits until no process has the role.
func (s *Set) gone(ctx context.Context, role string) bool {
	for {
		lock, err := openLock(pathsOf(s.o.Dir, role))
		if err == nil {
			lock.Close()
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const longestLog = 16 << 20

// openLog opens a log to be appended to. A long one gets another name first.
func openLog(name string) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && info.Size() > longestLog {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// tail is the end of a log, for a message.
func tail(name string) string {
	b, err := os.ReadFile(name)
	if b = bytes.TrimSpace(b); err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(string(b), "\n")
	return fmt.Sprintf("; %s ends with: %.300s", name, lines[len(lines)-1])
}
