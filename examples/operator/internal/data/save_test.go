package data

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// full is a disk that has room for half of it.
func full(f *os.File, b []byte) (int, error) {
	n, _ := f.Write(b[:len(b)/2])
	return n, &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	list := []byte(`["ann@a.example"]`)
	for name, tt := range map[string]struct {
		save func() (Ref, error)
		want string
	}{
		"report":   {func() (Ref, error) { return d.SaveReport("A.example.", "r-1", noon, list) }, "reports/a.example/20260301T120000.000000000Z-r-1.json"},
		"proposal": {func() (Ref, error) { return d.SaveProposal(hash, list) }, "proposals/" + hash + ".json"},
		"people":   {func() (Ref, error) { return d.SavePeople(noon, list) }, "people/" + sum(list) + ".json.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			ref, err := tt.save()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Ref{Name: tt.want, SHA256: sum(list)}, ref); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			got, err := d.Load(ref)
			if err != nil || !bytes.Equal(got, list) {
				t.Errorf("loaded %q, %v", got, err)
			}
			b, err := os.ReadFile(filepath.Join(dir, ref.Name))
			if err != nil {
				t.Fatal(err)
			}
			if name == "people" && bytes.Contains(b, []byte("ann")) {
				t.Error("the list is not packed")
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(filepath.Join(dir, ref.Name), b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load(ref); !errors.Is(err, ErrChanged) || strings.Contains(err.Error(), "ann") {
				t.Errorf("of a changed file: %v", err)
			}
			if err := os.Remove(filepath.Join(dir, ref.Name)); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load(ref); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of a file that is gone: %v", err)
			}
		})
	}
}

func TestSaveRefuses(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	before := tree(t, dir)
	b := []byte("{}")
	for name, save := range map[string]func() (Ref, error){
		"no domain":           func() (Ref, error) { return d.SaveReport("", "r", noon, b) },
		"domain leads out":    func() (Ref, error) { return d.SaveReport("..", "r", noon, b) },
		"domain with slash":   func() (Ref, error) { return d.SaveReport("a/../../b", "r", noon, b) },
		"domain with nothing": func() (Ref, error) { return d.SaveReport("a..example", "r", noon, b) },
		"no ASCII":            func() (Ref, error) { return d.SaveReport("ä.example", "r", noon, b) },
		"long label":          func() (Ref, error) { return d.SaveReport(strings.Repeat("a", 64)+".example", "r", noon, b) },
		"run leads out":       func() (Ref, error) { return d.SaveReport("a.example", "/../../x", noon, b) },
		"no run":              func() (Ref, error) { return d.SaveReport("a.example", "", noon, b) },
		"run with NUL":        func() (Ref, error) { return d.SaveReport("a.example", "r\x00", noon, b) },
		"no time":             func() (Ref, error) { return d.SaveReport("a.example", "r", time.Time{}, b) },
		"far time":            func() (Ref, error) { return d.SaveReport("a.example", "r", noon.AddDate(9000, 0, 0), b) },
		"empty report":        func() (Ref, error) { return d.SaveReport("a.example", "r", noon, nil) },
		"short hash":          func() (Ref, error) { return d.SaveProposal(hash[1:], b) },
		"large letters":       func() (Ref, error) { return d.SaveProposal(strings.ToUpper(hash), b) },
		"hash leads out":      func() (Ref, error) { return d.SaveProposal("../"+hash[3:], b) },
		"no people":           func() (Ref, error) { return d.SavePeople(noon, nil) },
		"too many people":     func() (Ref, error) { return d.SavePeople(noon, make([]byte, most+1)) },
	} {
		if ref, err := save(); err == nil {
			t.Errorf("%s: saved as %s", name, ref.Name)
		}
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("files (-before +after)\n%s", diff)
	}
}

func TestLoadRefusesNamesThatLeadOut(t *testing.T) {
	outer := t.TempDir()
	secret := []byte("{}")
	if err := os.WriteFile(filepath.Join(outer, "secret.json"), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, filepath.Join(outer, "data"))
	if err := os.Symlink(outer, filepath.Join(d.Path(), "reports", "link.example")); err != nil {
		t.Fatal(err)
	}
	file := "20260301T120000.000000000Z-r.json"
	if err := os.WriteFile(filepath.Join(outer, file), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../secret.json", "reports/../../secret.json", filepath.Join(outer, "secret.json"), "lock", "audit.jsonl",
		"keys/key-a.example.pem", "reports/link.example/" + file, "reports/a.example/../" + file, "proposals/../../secret.json",
		`reports\a.example\` + file, "reports/a.example/" + file + "/x", "people/" + hash + ".json", "STOP"} {
		if b, err := d.Load(Ref{Name: name, SHA256: sum(secret)}); err == nil {
			t.Errorf("%q gave %q", name, b)
		}
	}
	if _, err := d.SaveReport("link.example", "r", noon, secret); err == nil {
		t.Error("a report was saved through a link")
	}
	if _, err := d.Load(Ref{Name: "proposals/" + hash + ".json", SHA256: "x"}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no SHA-256: %v", err)
	}
}

// Whatever fails while a file is replaced, the earlier one stays whole, and nothing else.
func TestFailuresLeaveNothingHalf(t *testing.T) {
	fault := errors.New("fault")
	for name, tt := range map[string]struct {
		disk func(*disk)
		want error
		kept bool // the earlier one is there, as opposed to the later
	}{
		"full":          {func(s *disk) { s.write = full }, syscall.ENOSPC, true},
		"full at flush": {func(s *disk) { s.sync = func(*os.File) error { return syscall.EDQUOT } }, syscall.EDQUOT, true},
		"rename":        {func(s *disk) { s.rename = func(*os.Root, string, string) error { return fault } }, fault, true},
		"flush of the folder": {func(s *disk) {
			s.sync = func(f *os.File) error {
				if info, err := f.Stat(); err != nil || info.IsDir() {
					return fault
				}
				return f.Sync()
			}
		}, fault, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			old, err := d.SaveReport("a.example", "r", noon, []byte(`{"first":true}`))
			if err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			tt.disk(&d.disk)
			_, err = d.SaveReport("a.example", "r", noon, []byte(`{"second":true}`))
			if !errors.Is(err, tt.want) {
				t.Fatalf("SaveReport: %v, want %v", err, tt.want)
			}
			if full := strings.Contains(err.Error(), "the disk of "+dir+" is full"); full != strings.HasPrefix(name, "full") {
				t.Errorf("the message is %q", err)
			}
			d.disk = system()
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("files (-before +after)\n%s", diff)
			}
			want := `{"second":true}`
			if tt.kept {
				want = `{"first":true}`
			}
			now, err := d.Report("a.example", "r")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := d.Load(now); err != nil || string(b) != want || (now == old) != tt.kept {
				t.Errorf("there is %s, %v", b, err)
			}
			if _, err := d.SaveReport("a.example", "r", noon, []byte(`{"third":true}`)); err != nil {
				t.Errorf("with room again: %v", err)
			}
		})
	}
}

func TestReports(t *testing.T) {
	d := open(t, t.TempDir())
	if got, err := d.Reports("a.example"); err != nil || len(got) != 0 {
		t.Errorf("of none: %v, %v", got, err)
	}
	if _, err := d.Report("a.example", "r"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no run: %v", err)
	}
	if _, err := d.Reports("../proposals"); err == nil {
		t.Error("a name that leads out was listed")
	}
	var want []Ref
	for _, r := range []struct {
		run string
		at  time.Duration
	}{{"x-r", 3 * time.Hour}, {"r", 0}, {"r", 2 * time.Hour}, {"r", time.Nanosecond}} {
		ref, err := d.SaveReport("a.example", r.run, noon.Add(r.at), []byte(r.at.String()))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, ref)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "reports/a.example/notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := d.Reports("A.example")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Ref{want[1], want[3], want[2], want[0]}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if last, err := d.Report("a.example", "r"); err != nil || last != want[2] {
		t.Errorf("the last of r is %v, %v", last, err)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.example", "r", "reports/a.example/20260301T120000.000000000Z-r.json")
	f.Add("..", "/", "people/"+hash+".json.gz")
	f.Add("", "", "../x")
	f.Fuzz(func(t *testing.T, domain, run, name string) {
		if made, err := reportName(domain, run, noon); err == nil {
			if !filepath.IsLocal(made) || strings.Count(made, "/") != 2 {
				t.Errorf("a report is called %q", made)
			}
			if err := checkName(made); err != nil {
				t.Error(err)
			}
		}
		if checkName(name) == nil && (!filepath.IsLocal(name) || filepath.ToSlash(filepath.Clean(name)) != name) {
			t.Errorf("%q is taken", name)
		}
	})
}
