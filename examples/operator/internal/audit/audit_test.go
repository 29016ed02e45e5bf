package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// appends is the variable by which this program, started again, appends to a file.
const appends = "JCAAD_TEST_APPENDS"

func TestMain(m *testing.M) {
	if path := os.Getenv(appends); path != "" {
		l, err := Open(path)
		for i := 0; err == nil; i++ {
			if err = l.Append(Entry{Verb: "pause", Outcome: strings.Repeat("x", i%900)}); err == nil {
				fmt.Println("done")
			}
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func open(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// filled returns the path and text of a file of n entries.
func filled(t testing.TB, n int) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	for i := range n {
		err := l.Append(Entry{Time: noon.Add(time.Duration(i) * time.Hour), Actors: []string{"ann"}, Customer: "A", Domain: "a.example", Verb: "approve"})
		if err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	return path, contents(t, path)
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verified returns the entries of a file that must be good.
func verified(t *testing.T, path string) []Entry {
	t.Helper()
	b := contents(t, path)
	n, err := Verify(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	var all []Entry
	for e, err := range Read(bytes.NewReader(b), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if len(all) != n {
		t.Fatalf("%d entries are verified, and %d read", n, len(all))
	}
	return all
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	if _, told := l.Repair(); told {
		t.Error("a new file was repaired")
	}
	want := []Entry{
		{Time: noon, Actors: []string{"ann", "ben@msp.example"}, Source: "192.0.2.1", Customer: "A", Domain: "a.example", Verb: "approve",
			Proposal: "abc", Outcome: "approved", Report: "reports/a.example/x.json", Requests: []string{"r1", "r2"}},
		{Time: noon.Add(-time.Hour), Verb: "log-in", Outcome: "refused <script>"}, // the clock went back
		{Time: noon.AddDate(70, 0, 0), Verb: "pause"},
	}
	for _, e := range want {
		e.Seq, e.Prev, e.Hash = 77, "x", "y"
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	got := verified(t, path)
	if len(got) != 3 || got[0].Prev != first || got[1].Prev != got[0].Hash || got[2].Prev != got[1].Hash {
		t.Fatalf("the chain is %+v", got)
	}
	if seq, hash := l.Head(); seq != 3 || hash != got[2].Hash {
		t.Errorf("the head is %d, %s", seq, hash)
	}
	for i := range got {
		if got[i].Seq != uint64(i+1) {
			t.Errorf("entry %d is %d", i+1, got[i].Seq)
		}
		got[i].Seq, got[i].Prev, got[i].Hash = 0, "", ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	l.Close()
	if err := l.Append(want[0]); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = open(t, path) // it goes on where it was
	if err := l.Append(Entry{Verb: "resume"}); err != nil {
		t.Fatal(err)
	}
	if got := verified(t, path); len(got) != 4 || got[3].Seq != 4 || time.Since(got[3].Time) > time.Hour {
		t.Errorf("after a restart: %+v", got)
	}
}

func TestAppendRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	for name, e := range map[string]Entry{
		"no verb":   {},
		"our verb":  {Verb: Repaired},
		"a repair":  {Verb: "pause", Repair: &Repair{}},
		"the year":  {Verb: "pause", Time: noon.AddDate(9000, 0, 0)},
		"too large": {Verb: "pause", Requests: slices.Repeat([]string{strings.Repeat("\x01", mostText)}, mostTexts)},
	} {
		if err := l.Append(e); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
	if err := l.Append(Entry{Verb: "pause"}); err != nil {
		t.Errorf("a good one after: %v", err)
	}
	if got := verified(t, path); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestNoNamesButActors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	canary := "zoe.canary@a.example"
	err := l.Append(Entry{Actors: []string{"ann@msp.example", "\xff"}, Source: canary, Customer: "A@B", Domain: canary, Verb: "v " + canary,
		Proposal: canary, Outcome: "failed for zoe.canary%40a.example (" + canary + ") twice " + strings.Repeat("é", mostText), Report: canary,
		Requests: append(slices.Repeat([]string{"r"}, 2*mostTexts), canary)})
	if err != nil {
		t.Fatal(err)
	}
	if b := contents(t, path); bytes.Contains(b, []byte("canary")) {
		t.Errorf("%s", b)
	}
	e := verified(t, path)[0]
	if e.Actors[0] != "ann@msp.example" || e.Actors[1] != "\uFFFD" || e.Customer != "A@B" || len(e.Requests) != mostTexts+1 ||
		!strings.HasPrefix(e.Outcome, "failed for [address] [address] twice éé") || len(e.Outcome) > mostText+len("…") {
		t.Errorf("%+v", e)
	}
}

func TestConcurrentAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := l.Append(Entry{Verb: "pause"}); err != nil {
					t.Error(err)
				}
				for _, err := range l.Entries(Filter{}) {
					if err != nil {
						t.Error(err)
					}
				}
				l.Head()
			}
		})
	}
	wg.Wait()
	if got := verified(t, path); len(got) != 40 {
		t.Errorf("%d entries", len(got))
	}
}

// Nothing that was appended is lost by a kill.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	done := 0
	for range 3 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), appends+"="+path)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			if lines.Text() != "done" {
				t.Fatal(lines.Text())
			}
			done++
			if i == 10 {
				c.Process.Kill()
			}
		}
		c.Wait()
	}
	open(t, path)
	if got := verified(t, path); done < 33 || len(got) < done {
		t.Errorf("%d entries of %d", len(got), done)
	}
}

// A file that is cut off anywhere keeps all whole entries, and is told and repaired.
func TestTornAnywhere(t *testing.T) {
	path, text := filled(t, 3)
	for cut := range len(text) {
		torn := text[:cut]
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Count(torn, []byte("\n"))
		clean := cut == 0 || torn[cut-1] == '\n'
		n, err := Verify(bytes.NewReader(torn))
		var where *BreakError
		if errors.As(err, &where); clean != (err == nil) || !clean && (!where.Torn || where.Line != whole+1) || n < whole {
			t.Fatalf("cut at %d: %d, %v", cut, n, err)
		}
		l := open(t, path)
		e, told := l.Repair()
		if told == clean || told && (e.Verb != Repaired || e.Outcome == "") {
			t.Fatalf("cut at %d: told %v: %+v", cut, told, e)
		}
		if err := l.Append(Entry{Verb: "resume"}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if now := contents(t, path); !bytes.HasPrefix(now, torn) {
			t.Fatalf("cut at %d: what was there is gone:\n%s", cut, now)
		}
		got := verified(t, path)
		if len(got) < whole+1 || got[len(got)-1].Verb != "resume" || got[len(got)-1].Seq != uint64(len(got)) {
			t.Fatalf("cut at %d: %+v", cut, got)
		}
	}
}

// A crash can also leave a file of the right length with zeros in it.
func TestTornWithZeros(t *testing.T) {
	path, text := filled(t, 2)
	start := bytes.IndexByte(text, '\n') + 1
	clear(text[start+10 : len(text)-20])
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path)
	if e, told := l.Repair(); !told || e.Repair == nil || e.Repair.Bytes != int64(len(text)-start-1) {
		t.Errorf("%+v, %v", e, told)
	}
	if got := verified(t, path); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestFailedAppends(t *testing.T) {
	half := func(f *os.File, b []byte) (int, error) {
		n, _ := f.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	for name, tt := range map[string]struct {
		fail    func(*Log)
		repairs int // entries that tell of it
	}{
		"nothing is written": {func(l *Log) { l.write = func(*os.File, []byte) (int, error) { return 0, syscall.ENOSPC } }, 0},
		"half is written":    {func(l *Log) { l.write = half }, 1},
		"all but the line's end": {func(l *Log) {
			l.write = func(f *os.File, b []byte) (int, error) { n, _ := f.Write(b[:len(b)-1]); return n, syscall.ENOSPC }
		}, 1},
		"the flush fails":         {func(l *Log) { l.sync = func(*os.File) error { return syscall.ENOSPC } }, 1},
		"the quota is used up":    {func(l *Log) { l.write = func(*os.File, []byte) (int, error) { return 0, syscall.EDQUOT } }, 0},
		"half and no flush after": {func(l *Log) { l.write = half; l.sync = func(*os.File) error { return syscall.ENOSPC } }, 1},
	} {
		for _, restart := range []bool{false, true} {
			for _, failures := range []int{1, 2, 3} {
				t.Run(fmt.Sprintf("%s, %d times, restart %v", name, failures, restart), func(t *testing.T) {
					path, before := filled(t, 2)
					l := open(t, path)
					tt.fail(l)
					for range failures {
						err := l.Append(Entry{Verb: "approve", Outcome: "lost"})
						if err == nil || !strings.Contains(err.Error(), "is full") {
							t.Fatalf("Append: %v", err)
						}
					}
					if seq, _ := l.Head(); seq != 2 {
						t.Errorf("the head is %d", seq)
					}
					n := 0
					for _, err := range l.Entries(Filter{}) {
						if n++; err != nil {
							t.Error(err)
						}
					}
					if n != 2 {
						t.Errorf("%d entries are shown", n)
					}
					left := contents(t, path)
					if restart {
						l.Close()
						l = open(t, path)
					} else {
						l.write, l.sync = (*os.File).Write, (*os.File).Sync
					}
					if err := l.Append(Entry{Verb: "resume"}); err != nil {
						t.Fatal(err)
					}
					now := contents(t, path)
					if !bytes.HasPrefix(now, before) || !bytes.HasPrefix(now, left) {
						t.Error("something was cut off")
					}
					got := verified(t, path)
					told := 0
					for i, e := range got[2:] {
						if e.Verb == Repaired {
							told++
						}
						if e.Verb == "approve" && !restart && got[2+i+1].Verb != Repaired {
							t.Errorf("nobody tells that entry %d was not acted upon", e.Seq)
						}
					}
					if got[len(got)-1].Verb != "resume" || (told > 0) != (tt.repairs > 0) && !(restart && name == "the flush fails") {
						t.Errorf("%+v", got)
					}
				})
			}
		}
	}
}

func TestOthersWrite(t *testing.T) {
	path, text := filled(t, 2)
	l := open(t, path)
	if err := os.WriteFile(path, append(slices.Clone(text), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Entry{Verb: "pause"}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("of a file that grew: %v", err)
	}
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Entry{Verb: "pause"}); err == nil {
		t.Error("of a file that was cut: appended")
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Entry{Verb: "pause"}); err == nil || !strings.Contains(err.Error(), "moved away") {
		t.Errorf("of a file that was moved: %v", err)
	}
	if err := os.Rename(path+".1", path); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Entry{Verb: "pause"}); err != nil {
		t.Errorf("of the file put back: %v", err)
	}
	verified(t, path)
}

func TestOpenRefuses(t *testing.T) {
	path, text := filled(t, 3)
	for name, tt := range map[string]struct {
		text []byte
		mode fs.FileMode
		want string
	}{
		"changed":        {bytes.Replace(text, []byte("ann"), []byte("ben"), 1), 0o600, "line 1 (at byte 0), after entry 0: the chain breaks"},
		"changed at end": {append(slices.Clone(text[:len(text)-4]), "0\"}\n"...), 0o600, "move it away"},
		"writable":       {text, 0o620, "others may write"},
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(tt.text, text) && tt.mode == 0o600 {
				t.Skip("the last digit is this one")
			}
			if err := errors.Join(os.WriteFile(path, tt.text, 0o600), os.Chmod(path, tt.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
			if !bytes.Equal(contents(t, path), tt.text) {
				t.Error("the file was changed")
			}
			os.Chmod(path, 0o600)
		})
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "file")); err == nil {
		t.Error("a file in no folder was opened")
	}
}
