package data

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSaveByContent(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	text := []byte(`{"actors":["ann@a.example"]}`)
	for name, tt := range map[string]struct {
		save func([]byte) (Ref, error)
		want string
	}{
		"approval":     {d.SaveApproval, "approvals/"},
		"note":         {d.SaveNote, "notes/"},
		"verification": {func(b []byte) (Ref, error) { return d.SaveVerification("A.example.", b) }, "verifications/a.example/"},
		"rotation":     {func(b []byte) (Ref, error) { return d.SaveRotation("A.example", b) }, "rotations/a.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			ref, err := tt.save(text)
			if err != nil {
				t.Fatal(err)
			}
			if want := (Ref{Name: tt.want + sum(text) + ".json", SHA256: sum(text)}); ref != want {
				t.Errorf("saved as %v, want %v", ref, want)
			}
			if got, err := d.Load(ref); err != nil || !bytes.Equal(got, text) {
				t.Errorf("loaded %q, %v", got, err)
			}
			if again, err := tt.save(text); err != nil || again != ref {
				t.Errorf("saved again as %v, %v", again, err)
			}
			if _, err := tt.save(nil); err == nil {
				t.Error("nothing was saved")
			}
			if err := os.WriteFile(filepath.Join(dir, ref.Name), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load(ref); !errors.Is(err, ErrChanged) || strings.Contains(err.Error(), "ann") {
				t.Errorf("of a changed file: %v", err)
			}
			before := tree(t, dir)
			d.disk.write = full
			_, err = tt.save([]byte("another"))
			d.disk = system()
			if err == nil || len(tree(t, dir)) != len(before) {
				t.Errorf("on a full disk: %v", err)
			}
		})
	}
	for _, domain := range []string{"", "..", "a/../../b", "ä.example"} {
		if ref, err := d.SaveVerification(domain, text); err == nil {
			t.Errorf("%q: a verification was saved as %s", domain, ref.Name)
		}
		if ref, err := d.SaveRotation(domain, text); err == nil {
			t.Errorf("%q: a rotation was saved as %s", domain, ref.Name)
		}
	}
}

// Of verifications and rotations the last are kept, of everything else all are.
func TestOldOnesGo(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	other, err := d.SaveVerification("b.example", []byte("other"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []Ref
	for i := range 3 * few {
		b := fmt.Appendf(nil, "%d", i)
		for n, save := range []func([]byte) (Ref, error){
			d.SaveApproval, d.SaveNote,
			func(b []byte) (Ref, error) { return d.SaveVerification("a.example", b) },
			func(b []byte) (Ref, error) { return d.SaveRotation("a.example", b) },
		} {
			ref, err := save(b)
			if err != nil {
				t.Fatal(err)
			}
			// The clock of the disk is coarser than this loop.
			at := noon.Add(time.Duration(i) * time.Second)
			if err := os.Chtimes(filepath.Join(dir, ref.Name), at, at); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load(ref); err != nil {
				t.Errorf("the newest: %v", err)
			}
			if n < 2 || i >= 2*few {
				kept = append(kept, ref)
			}
		}
	}
	for _, ref := range append(kept, other) {
		if _, err := d.Load(ref); err != nil {
			t.Errorf("%s: %v", ref.Name, err)
		}
	}
	if last, err := d.Rotation("A.example"); err != nil || last != kept[len(kept)-1] {
		t.Errorf("the last rotation is %v, %v; want %v", last, err, kept[len(kept)-1])
	}
	if _, err := d.Rotation("b.example"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no rotation: %v", err)
	}
	for _, folder := range []string{"verifications/a.example", "rotations/a.example"} {
		files, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil || len(files) != few {
			t.Errorf("%s has %d files, %v; want %d", folder, len(files), err, few)
		}
	}
	first := sum([]byte("0"))
	if _, err := d.Load(Ref{Name: "rotations/a.example/" + first + ".json", SHA256: first}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest: %v", err)
	}
}
