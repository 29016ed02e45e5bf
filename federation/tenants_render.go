package federation

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Summary is what came of many tenants: a table, Markdown, or, by
// [encoding/json], everything, with the reports.
type Summary struct {
	// Preview says that nothing was to be written.
	Preview  bool      `json:"preview,omitempty"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Results are those of all domains, in the order of the tenants and their plans.
	Results []TenantResult `json:"results"`
	// Error is why the list was refused as a whole; "" if it was not.
	Error string `json:"error,omitempty"`
}

// tenantOutcomes are the outcomes, those first that somebody has to look at.
var tenantOutcomes = [...]TenantOutcome{TenantFailed, TenantRefused, TenantNotStarted, TenantChanged, TenantPlanned, TenantHeld}

// Count returns how many domains have one of the outcomes.
func (s *Summary) Count(outcomes ...TenantOutcome) int {
	n := 0
	for _, r := range s.Results {
		if slices.Contains(outcomes, r.Outcome) {
			n++
		}
	}
	return n
}

// String returns the summary as a table; see [Summary.WriteTable].
func (s *Summary) String() string {
	var b strings.Builder
	s.WriteTable(&b)
	return b.String()
}

// WriteTable writes a sentence with the figures, and a line for each domain. Those
// that somebody has to look at come first.
func (s *Summary) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, s.figures())
	if s.Error != "" {
		fmt.Fprintln(b, plain(s.Error))
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	for _, r := range s.sorted() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Outcome, plain(r.Name), plain(r.Domain), plain(r.text()))
	}
	t.Flush() // b keeps the error
	return b.Flush()
}

// WriteMarkdown writes the same as a table in Markdown.
func (s *Summary) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s.\n\n", markdown(s.figures()))
	if s.Error != "" {
		fmt.Fprintf(b, "%s\n\n", markdown(s.Error))
	}
	b.WriteString("| | customer | domain | what came of it |\n|---|---|---|---|\n")
	for _, r := range s.sorted() {
		outcome := markdown(string(r.Outcome))
		if r.Outcome == TenantFailed || r.Outcome == TenantRefused {
			outcome = "**" + outcome + "**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", outcome, markdown(r.Name), markdown(r.Domain), markdown(r.text()))
	}
	return b.Flush()
}

// figures is the summary in one sentence without a full stop.
func (s *Summary) figures() string {
	var parts []string
	for _, o := range tenantOutcomes {
		if n := s.Count(o); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	what := plural(len(s.Results), "domain", "domains")
	if s.Preview {
		what = "preview of " + what
	}
	if len(parts) == 0 {
		return what
	}
	return what + ": " + strings.Join(parts, ", ")
}

// sorted returns the results by outcome, and those of one outcome as they are.
func (s *Summary) sorted() []TenantResult {
	rank := func(r TenantResult) int { return slices.Index(tenantOutcomes[:], r.Outcome) }
	return slices.SortedStableFunc(slices.Values(s.Results), func(a, b TenantResult) int { return cmp.Compare(rank(a), rank(b)) })
}

// text is the result in one sentence without a full stop.
func (r *TenantResult) text() string {
	why := sentenceOf(strings.TrimPrefix(sentenceOf(r.Error), r.Domain+": "))
	switch {
	case r.Report != nil && r.Report.Changed() && why != "":
		return r.Report.summary("made") + ": " + why
	case why != "":
		return why
	case r.Report != nil:
		return r.Report.summary("made")
	case len(r.Changes) > 0:
		return plural(len(r.Changes), "change", "changes") + " to be made"
	}
	return "nothing is to be done"
}
