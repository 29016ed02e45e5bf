// Package flock locks files as long as a process lives: the system ends the lock when the
// process ends, also by SIGKILL. Where a system has no such lock, none is given.
package flock

import "errors"

// ErrHeld says that another process has the lock, or another open file of this one.
var ErrHeld = errors.New("somebody else has the lock")
