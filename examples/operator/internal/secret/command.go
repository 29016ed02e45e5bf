package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// limits bound a program.
type limits struct {
	time   time.Duration
	output int
	linger time.Duration // how long children may hold its output open after its end
}

var defaultLimits = limits{time: 10 * time.Second, output: 64 << 10, linger: time.Second}

// run returns what a program prints, without the end of the last line. The program has
// nothing to read, its errors go nowhere, and it does not see the variables of this
// program's own secrets (OPERATOR_…). It is a process group of its own, which is killed
// at the end, whatever the end is: children that stayed do not outlive it.
func (l limits) run(ctx context.Context, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.time)
	defer cancel()
	out := &bounded{most: l.output, full: cancel}
	defer out.wipe()

	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = environment(os.Environ())
	cmd.Stdout = out
	cmd.WaitDelay = l.linger
	group(cmd)
	if err := cmd.Start(); err != nil {
		switch {
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
			return "", errors.New("the program is not there")
		case errors.Is(err, os.ErrPermission):
			return "", errors.New("the program may not be run")
		case ctx.Err() != nil:
			return "", errors.New("the program was not started in time")
		}
		return "", errors.New("the program cannot be started")
	}
	err := cmd.Wait()
	kill(cmd)

	var exit *exec.ExitError
	switch {
	case out.over:
		return "", fmt.Errorf("the program printed more than %d KiB", l.output>>10)
	case ctx.Err() != nil:
		return "", fmt.Errorf("the program did not end within %v", l.time)
	case errors.As(err, &exit) && exit.Exited():
		return "", fmt.Errorf("the program ended with the status %d", exit.ExitCode())
	case errors.As(err, &exit):
		return "", errors.New("the program was killed")
	case errors.Is(err, exec.ErrWaitDelay):
		return "", errors.New("the program ended, and left others that hold its output open")
	case err != nil:
		return "", errors.New("the output of the program cannot be read")
	}
	b := bytes.TrimSuffix(out.b, []byte("\n"))
	return string(bytes.TrimSuffix(b, []byte("\r"))), nil
}

// environment leaves out what is for this program alone.
func environment(all []string) []string {
	var env []string
	for _, e := range all {
		if !strings.HasPrefix(e, "OPERATOR_") {
			env = append(env, e)
		}
	}
	return env
}

// bounded keeps what is written to it, and says when it is too much.
type bounded struct {
	b    []byte
	most int
	over bool
	full func()
}

// Write implements [io.Writer].
func (o *bounded) Write(p []byte) (int, error) {
	if len(o.b)+len(p) > o.most {
		o.over = true
		o.full()
		return 0, io.ErrShortWrite
	}
	if o.b == nil {
		o.b = make([]byte, 0, o.most) // never grows, so that no copy of it stays
	}
	o.b = append(o.b, p...)
	return len(p), nil
}

func (o *bounded) wipe() { clear(o.b) }
