package flock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestTry(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	var files [2]*os.File
	for i := range files {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files[i] = f
	}
	if err := Try(files[0]); err != nil {
		t.Fatal(err)
	}
	if err := Try(files[1]); !errors.Is(err, ErrHeld) {
		t.Errorf("a second one: %v", err)
	}
	if err := Release(files[0]); err != nil {
		t.Fatal(err)
	}
	if err := Try(files[1]); err != nil {
		t.Errorf("after it was released: %v", err)
	}
}
