package aad_test

import (
	"testing"
	"testing/synctest"
)

// bubble runs a test in which time passes at once.
func bubble(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) }
