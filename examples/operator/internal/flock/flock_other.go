//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package flock

import (
	"errors"
	"os"
)

// Try refuses: without a lock that ends with the process, two could write.
func Try(*os.File) error { return errors.New("this system has no flock") }

// Release does nothing.
func Release(*os.File) error { return nil }
