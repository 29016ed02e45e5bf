//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package children

import (
	"errors"
	"os"
	"os/exec"
)

// tryLock refuses: without a lock that ends with the process, nobody knows whether a
// child is there.
func tryLock(*os.File) error { return errors.New("this system has no flock") }

func apart(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }
