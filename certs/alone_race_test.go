//go:build race

package certs_test

import "testing"

// alone skips a test of one goroutine under the race detector, if it takes long there.
func alone(t *testing.T) {
	t.Helper()
	t.Skip("one goroutine has no races")
}
