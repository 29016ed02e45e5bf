//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package children

import (
	"os"
	"os/exec"
)

func apart(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }
