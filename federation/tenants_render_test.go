package federation_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
)

// The table and Markdown put first what somebody has to look at, and let no name break
// a line, a cell or a terminal.
func TestSummaryRenders(t *testing.T) {
	changed := &federation.Report{Steps: []federation.Step{{Outcome: federation.Done}, {Outcome: federation.Skipped}}}
	stopped := &federation.Report{Steps: changed.Steps, Error: "federation: apply: no"}
	s := &federation.Summary{Results: []federation.TenantResult{
		{Name: "Held", Domain: "held.example", Outcome: federation.TenantHeld, Report: new(federation.Report)},
		{Name: "Changed\x1b[31m", Domain: "changed.example", Outcome: federation.TenantChanged, Report: changed},
		{Name: "Late", Domain: "late.example", Outcome: federation.TenantNotStarted, Error: "federation: late.example: not started: enough"},
		{Name: "A|B", Domain: "a.example", Outcome: federation.TenantRefused, Error: "a.example: federation: refused before any write: no\nway"},
		{Name: "Planned", Domain: "planned.example", Outcome: federation.TenantPlanned, Changes: make(federation.Changes, 2)},
		{Name: "Übel", Domain: "b.example", Outcome: federation.TenantFailed, Report: stopped, Error: "b.example: federation: apply: no"},
	}}
	table := `6 domains: 1 failed, 1 refused, 1 not started, 1 changed, 1 planned, 1 held

failed       Übel          b.example        stopped after 1 change: apply: no
refused      A|B           a.example        refused before any write: no way
not started  Late          late.example     not started: enough
changed      Changed [31m  changed.example  1 change made
planned      Planned       planned.example  2 changes to be made
held         Held          held.example     nothing was to be done
`
	markdown := `6 domains: 1 failed, 1 refused, 1 not started, 1 changed, 1 planned, 1 held.

| | customer | domain | what came of it |
|---|---|---|---|
| **failed** | Übel | b.example | stopped after 1 change: apply: no |
| **refused** | A\|B | a.example | refused before any write: no way |
| not started | Late | late.example | not started: enough |
| changed | Changed \[31m | changed.example | 1 change made |
| planned | Planned | planned.example | 2 changes to be made |
| held | Held | held.example | nothing was to be done |
`
	var md strings.Builder
	if err := s.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(table, s.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(markdown, md.String()); diff != "" {
		t.Errorf("Markdown (-want +got):\n%s", diff)
	}
	refused := &federation.Summary{Preview: true, Error: "federation: refused"}
	if got, want := refused.String(), "preview of 0 domains\nfederation: refused\n\n"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
	md.Reset()
	if err := refused.WriteMarkdown(&md); err != nil || !strings.HasPrefix(md.String(), "preview of 0 domains.\n\nfederation: refused\n\n") {
		t.Errorf("%v: %q", err, md.String())
	}
	for _, write := range []func(io.Writer) error{s.WriteTable, s.WriteMarkdown} {
		if err := write(brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a writer's error is lost: %v", err)
		}
	}
}

// brokenWriter writes nothing.
type brokenWriter struct{}

// Write implements [io.Writer].
func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
