package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What there is one of is there again after a restart; a disk that is full, and a kill
// while it was written, leave what was kept before.
func TestSingle(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	if firsts, err := d.Retiring(); err != nil || len(firsts) != 0 {
		t.Errorf("nothing was kept: %v, %v", firsts, err)
	}
	if plans, err := d.Told(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing was kept: %v, %v", plans, err)
	}
	firsts := map[string]Ref{"a.example": {Name: "approvals/" + hash + ".json", SHA256: hash}}
	plans := map[string]string{"a.example": hash, "b.example": ""}
	for _, m := range []map[string]Ref{{"x.example": {}}, firsts} {
		if err := d.SaveRetiring(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SaveTold(plans); err != nil {
		t.Fatal(err)
	}
	d.disk.write = full
	for _, err := range []error{d.SaveRetiring(nil), d.SaveTold(nil)} {
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "is full") {
			t.Errorf("on a full disk: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, temporary+"x"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.SaveTold(plans); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	d = open(t, dir)
	if got, err := d.Retiring(); err != nil || cmp.Diff(firsts, got) != "" {
		t.Errorf("after a restart: %v, %v", got, err)
	}
	if got, err := d.Told(); err != nil || cmp.Diff(plans, got) != "" {
		t.Errorf("after a restart: %v, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, retiringName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if n := d.Leftovers(); n != 1 {
		t.Errorf("%d leftovers", n)
	}
	for _, name := range []string{retiringName, toldName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"ann@a.example":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, first := d.Retiring()
	_, second := d.Told()
	for _, err := range []error{first, second} {
		if err == nil || strings.Contains(err.Error(), "@") {
			t.Errorf("of half a file: %v", err)
		}
	}
}
