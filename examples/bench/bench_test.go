package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/services"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// TestMain makes the test binary the server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		if err := serve(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// newBench builds the light contenders.
func newBench(t *testing.T, all ...contender) *bench {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: dir, bin: t.TempDir(), self: self, log: t.Output()}
	for _, c := range all {
		if err := b.build(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestContenders: whoever is compared finds everybody, and who does not is not shown.
func TestContenders(t *testing.T) {
	const people = 2300
	b := newBench(t, ours, floor, hand)
	c := crowd.New(people, false)
	for _, tt := range []struct {
		cell cell
		from []contender
	}{
		{cell{Task: task.Task{Work: task.Join}, want: c.Joined()}, []contender{ours, floor, hand}},
		{cell{Task: task.Task{Work: task.JumpCloud}, want: c.Users()}, []contender{ours, floor, hand}},
		{cell{Task: task.Task{Work: task.Graph}, want: c.Accounts()}, []contender{ours, floor, hand}},
		{cell{Task: task.Task{Work: task.Preflight}, want: crowd.Sum{Count: c.LockedOut()}}, []contender{ours, hand}},
		{cell{Task: task.Task{Work: task.Preflight}, want: crowd.Sum{Count: people}, settings: settings{All: true}}, []contender{ours, hand}},
	} {
		for _, who := range tt.from {
			tt.cell.contender, tt.cell.settings.People = who, people
			r, err := b.run(t.Context(), tt.cell)
			if err != nil {
				t.Errorf("%s, %s: %v", who.name, tt.cell.Work, err)
				continue
			}
			if r.Requests < 3 || r.Allocs == 0 || r.Peak < r.Base || r.Refused != 0 {
				t.Errorf("%s, %s: %+v %+v", who.name, tt.cell.Work, r.counts, r.Result)
			}
		}
	}
	wrong := c.Joined()
	wrong.Hash++
	if _, err := b.run(t.Context(), cell{contender: floor, settings: settings{People: people}, Task: task.Task{Work: task.Join}, want: wrong}); err == nil {
		t.Error("a contender that found something else was not refused")
	}
}

func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		limit    *services.Limit
		n        int
		schedule time.Duration
	}{
		{"bucket", &services.Limit{Requests: 50, Per: 2 * time.Second}, 200, 6 * time.Second},
		{"windows", &services.Limit{Requests: 50, Per: 2 * time.Second, Windows: true}, 200, 6 * time.Second},
		{"bucket", &services.Limit{Requests: 5, Per: 2 * time.Second}, 21, 6400 * time.Millisecond},
		{"windows", &services.Limit{Requests: 5, Per: 2 * time.Second, Windows: true}, 21, 8 * time.Second},
	} {
		if got := tt.limit.Schedule(tt.n); got != tt.schedule {
			t.Errorf("%s, %d: %v, want %v", tt.name, tt.n, got, tt.schedule)
		}
	}
}

func TestReplace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, []byte("before\n"+firstMark+"old\n"+lastMark+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := replace(file, "| new |\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if want := "before\n" + firstMark + "\n| new |\n\n" + lastMark + "after\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if err := os.WriteFile(file, []byte("no marks\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replace(file, "new"); err == nil {
		t.Error("a file without marks was written")
	}
}

// TestReadme: the README has the marks, and each table.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), firstMark)
	tables, _, closed := strings.Cut(rest, lastMark)
	if !ok || !closed || strings.Count(tables, "\n### ") != 9 {
		t.Errorf("between the marks are %d tables, want 9: %v %v", strings.Count(tables, "\n### "), ok, closed)
	}
}
