//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package children

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// tryLock takes the lock of an open file, or returns errHeld. The system ends the lock
// when the process ends, also by SIGKILL.
func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errHeld
		default:
			return err
		}
	}
}

// apart keeps the terminal's Ctrl-C from a child: its parent ends it.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
