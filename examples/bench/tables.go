package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// table is one of the tables.
type table struct {
	title string
	text  string
	head  []string
	rows  [][]string
}

func (t *table) add(row ...string) { t.rows = append(t.rows, row) }

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n\n| %s |\n|", t.title, t.text, strings.Join(t.head, " | "))
	for i := range t.head {
		b.WriteString(map[bool]string{true: "---|", false: "---:|"}[i == 0 || i == 1 && t.head[1] == by])
	}
	b.WriteByte('\n')
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r, " | "))
	}
	return b.String()
}

const by = "by"

// tables measures, and returns the tables as Markdown.
func (b *bench) tables(ctx context.Context, quick bool, only string) (string, error) {
	p := newPlan(quick)
	var book ledger
	var all []*table
	for _, part := range []struct {
		name string
		make func(context.Context, *plan, *ledger) ([]*table, error)
	}{
		{"reading", one(b.reading)}, {"latency", one(b.latency)}, {"throttled", one(b.throttled)}, {"preflight", one(b.preflight)},
		{"signatures", one(b.signatures)}, {"federating", one(b.federating)}, {"weight", b.weight},
	} {
		if only != "" && only != part.name {
			continue
		}
		t, err := part.make(ctx, p, &book)
		if err != nil {
			return "", err
		}
		all = append(all, t...)
	}
	if len(all) == 0 {
		return "", fmt.Errorf("there is no table %q", only)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Measured in one run: %s, %s/%s, %d cores, which the services shared.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, t := range append([]*table{budgets(&book)}, all...) {
		out.WriteString("\n" + t.String())
	}
	return out.String(), nil
}

// one makes one table a list.
func one(f func(context.Context, *plan, *ledger) (*table, error)) func(context.Context, *plan, *ledger) ([]*table, error) {
	return func(ctx context.Context, p *plan, book *ledger) ([]*table, error) {
		t, err := f(ctx, p, book)
		return []*table{t}, err
	}
}

// ledger keeps what the budgets are judged by.
type ledger struct {
	results []result
	figures map[string]float64
}

func (l *ledger) note(name string, v float64) {
	if l.figures == nil {
		l.figures = make(map[string]float64)
	}
	l.figures[name] = v
}

// budgets judges the figures.
func budgets(l *ledger) *table {
	t := &table{
		title: "Budgets",
		text:  "What this library is to reach, and what came out in this run. A figure of a size that was not run is not judged.",
		head:  []string{"budget", "at most", "figure", "reached"},
	}
	for _, budget := range []struct {
		text, name string
		most       float64
		digits     int
	}{
		{"reading 300,000 a side: processor time, floor = 1", "reading cpu", 2, 2},
		{"reading 300,000 a side: allocations a person, both sides together", "reading allocations", 1.5, 2},
		{"Preflight, everybody with a finding, 300,000 a side: bytes a person at the peak, beyond those at the start", "preflight peak", 200, 0},
		{"… allocations a person", "preflight allocations", 6, 2},
		{"… processor time, reading alone = 1", "preflight cpu", 3, 2},
		{"100,000 a side at 50 ms a request, users of both sides: seconds", "latency wall", 2.6, 2},
		{"throttled: time, the service's own schedule = 1, the worst", "throttled wall", 1.15, 2},
		{"throttled: refused below 50 pages, %, the worst", "throttled few", 8, 1},
		{"throttled: refused from 50 pages on, %, the worst", "throttled many", 5, 1},
		{"throttled: requests for Graph's pages, %, the worst", "throttled requests", 110, 0},
		{"VerifyMetadata, one: processor time, goxmldsig alone = 1", "one", 1.25, 2},
		{"VerifyMetadata, an aggregate of 100: processor time, goxmldsig alone = 1", "aggregate", 1.25, 2},
		{"Federate, a fresh domain: requests", "fresh requests", 36, 0},
		{"Federate, a fresh domain: round trips", "fresh trips", 12, 0},
		{"Federate, nothing to do: requests", "again requests", 8, 0},
		{"Federate, nothing to do: round trips", "again trips", 2, 0},
		{"a program that imports `federation`: MiB over net/http", "importing plain", 2.5, 2},
		{"a program that previews, linked with `-s -w`: MiB over net/http", "previewing", 2.5, 2},
		{"a program that federates, linked with `-s -w`: MiB over net/http", "federating", 2.5, 2},
		{"each of them: modules", "modules", 12, 0},
	} {
		v, ok := l.figures[budget.name]
		figure, reached := "not run", ""
		if ok {
			figure = strconv.FormatFloat(v, 'f', budget.digits, 64)
			rounded, err := strconv.ParseFloat(figure, 64)
			reached = map[bool]string{true: "yes", false: "**no**"}[err == nil && rounded <= budget.most]
		}
		t.add(budget.text, strconv.FormatFloat(budget.most, 'g', -1, 64), figure, reached)
	}
	return t
}

// find returns what a contender needed for a work.
func (l *ledger) find(c contender, work string, people int, all bool) (result, bool) {
	for _, r := range l.results {
		if r.contender == c && r.Work == work && r.settings.People == people && r.All == all && r.Latency == 0 && !r.limited() && r.gave == "" {
			return r, true
		}
	}
	return result{}, false
}

// thousands writes a number with commas.
func thousands[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// seconds writes seconds with three digits that count.
func seconds(s float64) string {
	switch {
	case s < 1:
		return strconv.FormatFloat(s, 'f', 3, 64)
	case s < 100:
		return strconv.FormatFloat(s, 'f', 2, 64)
	}
	return strconv.FormatFloat(s, 'f', 0, 64)
}

// perPerson writes the allocations of both sides together.
func perPerson(r task.Result, people int) string {
	return strconv.FormatFloat(float64(r.Allocs)/float64(people), 'f', 2, 64)
}

func mib(bytes uint64) string { return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 0, 64) }
