//go:build !race

package certs_test

import "testing"

// alone lets a test of one goroutine have its turn: the race detector does not look.
func alone(*testing.T) {}
