//go:build !unix

package secret

import "os/exec"

// group does nothing: there are no process groups here, and the program alone is ended.
func group(*exec.Cmd) {}

func kill(*exec.Cmd) {}
