package customers

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	base := "customers:\n" + entry("b.example", "") + entry("a.example", "")
	for _, c := range []struct {
		name, now string
		want      []Difference
	}{
		{"nothing", base, nil},
		{"order and spelling", "customers:\n" + entry("A.example.", "    mode: watch\n") + entry("B.example", ""), nil},
		{"added and removed", "customers:\n" + entry("c.example", "    name: C\n") + entry("a.example", ""),
			[]Difference{{"b.example", "b.example", Removed, nil}, {"c.example", "C", Added, nil}}},
		{"roles of everybody", base + "roles: {ada: view}\n", []Difference{{"*", "", Other, []string{"roles"}}}},
		{"plan", strings.Replace(base, "Everyone", "Some", 1), []Difference{{"b.example", "b.example", PlanChanged, []string{"plan"}}}},
		{"plan and more", "customers:\n" + entry("b.example", "    name: B\n") +
			strings.Replace(entry("a.example", "    mode: manage\n"), "Everyone", "X", 1),
			[]Difference{{"a.example", "a.example", PlanChanged, []string{"mode", "plan"}}, {"b.example", "B", Other, []string{"name"}}}},
		{"credentials", strings.Replace(strings.Replace(base, "env:A", "env:C", 1), "clientID: c", "clientID: d", 1),
			[]Difference{{"b.example", "b.example", Other, []string{"azureAD", "jumpCloud"}}}},
		{"the rest", "customers:\n" + entry("b.example", "") + entry("a.example", "    labels: {a: b}\n    owner: o\n    roles: {ada: view}\n"+
			"    standing: [mend-ours]\n    twoPeople: false\n    window: {days: [mon], from: 01:00, to: 02:00, timeZone: UTC}\n"),
			[]Difference{{"a.example", "a.example", Other, []string{"labels", "owner", "roles", "standing", "twoPeople", "window"}}}},
	} {
		if d := cmp.Diff(c.want, Compare(parse(t, base), parse(t, c.now))); d != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, d)
		}
	}
	f := parse(t, base)
	if got := Compare(nil, f); len(got) != 2 || got[0].Kind != Added {
		t.Errorf("from no file: %v", got)
	}
	if got := Compare(f, nil); len(got) != 2 || got[1].Kind != Removed {
		t.Errorf("to no file: %v", got)
	}
}

// The order in lists of which the order means nothing is no difference; a window's days,
// its times and its zone are.
func TestCompareDetails(t *testing.T) {
	with := func(s string) *File { return parse(t, "customers:\n"+entry("a.example", s)) }
	window := func(s string) *File { return with("    window: {" + s + "}\n") }
	old := window("days: [mon, tue], from: 01:00, to: 02:00, timeZone: UTC")
	for s, same := range map[string]bool{
		"days: [tue, mon], from: 01:00, to: 02:00, timeZone: UTC":          true,
		"days: [tue], from: 01:00, to: 02:00, timeZone: UTC":               false,
		"days: [tue, mon], from: 01:01, to: 02:00, timeZone: UTC":          false,
		"days: [tue, mon], from: 01:00, to: 02:01, timeZone: UTC":          false,
		"days: [tue, mon], from: 01:00, to: 02:00, timeZone: Europe/Paris": false,
	} {
		if d := Compare(old, window(s)); (len(d) == 0) != same {
			t.Errorf("%s: %v", s, d)
		}
	}
	for a, b := range map[string]string{
		"    standing: [mend-ours, rotate-own-key]\n": "    standing: [rotate-own-key, mend-ours]\n",
		"    roles: {a: [view, admin], b: view}\n":    "    roles: {b: view, a: [admin, view]}\n",
		"    labels: {a: b, c: d}\n":                  "    labels: {c: d, a: b}\n",
	} {
		if d := Compare(with(a), with(b)); len(d) > 0 {
			t.Errorf("%s: %v", a, d)
		}
	}
}

func TestHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.yaml")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var h Holder
	if _, err := h.Reload(); err == nil || h.Current() != nil {
		t.Errorf("a reload before the first load: %v", err)
	}
	if err := h.Load(path); !errors.Is(err, fs.ErrNotExist) || h.Current() != nil {
		t.Errorf("a file that is not there: %v", err)
	}
	write("customers: []\n")
	if err := h.Load(path); err == nil || h.Current() != nil {
		t.Errorf("a wrong file: %v", err)
	}
	write("customers:\n" + entry("a.example", ""))
	if err := h.Load(path); err != nil {
		t.Fatal(err)
	}
	first := h.Current()
	if at, err := h.Problem(); err != nil || at.IsZero() || len(first.Customers) != 1 {
		t.Errorf("after the first load: %v, %v, %v", at, err, first)
	}

	for _, wrong := range []string{"customers:\n" + entry("a.example", "    mode: x\n"), "", "customers: ["} {
		write(wrong)
		d, err := h.Reload()
		var e *Error
		if !errors.As(err, &e) || e.File != path || d != nil || h.Current() != first {
			t.Errorf("a wrong file changed something: %v, %v", d, err)
		}
		if _, told := h.Problem(); !errors.Is(told, err) {
			t.Errorf("the page is told %v; want %v", told, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Reload(); !errors.Is(err, fs.ErrNotExist) || h.Current() != first {
		t.Errorf("a file that went away: %v", err)
	}

	write("customers:\n" + entry("b.example", ""))
	d, err := h.Reload()
	want := []Difference{{"a.example", "a.example", Removed, nil}, {"b.example", "b.example", Added, nil}}
	if diff := cmp.Diff(want, d); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if _, told := h.Problem(); told != nil || h.Current() == first {
		t.Errorf("after a good file: %v", told)
	}

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := h.Reload(); err != nil {
				t.Error(err)
			}
			_, _ = h.Problem()
			if _, ok := h.Current().ByDomain("b.example"); !ok {
				t.Error("an entry is lost")
			}
		})
	}
	wg.Wait()
	if err := h.Load(t.TempDir()); err == nil {
		t.Error("a folder is no file")
	}
}
