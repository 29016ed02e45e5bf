package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// Outcome is what became of a step.
type Outcome string

const (
	// Done: the change was made and shows.
	Done Outcome = "done"
	// Made: the service said that it was made; it did not show yet when the
	// run ended.
	Made Outcome = "made"
	// Unknown: no answer came; it may have been made or not. A further run
	// looks first.
	Unknown Outcome = "unknown"
	// Refused: the service said no; nothing was changed.
	Refused Outcome = "refused"
	// Skipped: the thing was already as it should be, or was not ours to undo.
	Skipped Outcome = "skipped"
)

// A Step is a change that was sent to a service.
type Step struct {
	Change  Change  `json:"change"`
	Outcome Outcome `json:"outcome"`
	// ID is what the service calls the thing that was made.
	ID string `json:"id,omitempty"`
	// Backup is the whole federation configuration before the step, where the
	// step replaced or removed one.
	Backup    *aad.Federation `json:"backup,omitempty"`
	Started   time.Time       `json:"started"`
	Elapsed   time.Duration   `json:"elapsedNanoseconds"`
	Attempts  int             `json:"attempts"`
	RequestID string          `json:"requestID,omitempty"`
	Error     string          `json:"error,omitempty"`
}

// A Row is what became of one row of the manual procedure.
type Row struct {
	Number int    `json:"number"`
	Title  string `json:"title"`
	// State is "done" (this run wrote), "held" (it was so already), "checked",
	// "open" (not reached) or "waiting".
	State    string `json:"state"`
	Evidence string `json:"evidence,omitempty"`
}

// A Report says what a run did. It is never nil, and it is complete when the
// run failed. It holds no secrets, and what [Federator.Revert] and a resumed
// run need: Plan carries the IDs of everything that was found or made.
type Report struct {
	Version  int       `json:"version"`
	Plan     Plan      `json:"plan"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Before and After name the domain's state; see [State].
	Before   State     `json:"before,omitempty"`
	After    State     `json:"after,omitempty"`
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings,omitempty"`
	// Consents are the findings that only the plan's consent overrode.
	Consents []Finding `json:"consents,omitempty"`
	Rows     []Row     `json:"rows,omitempty"`
	Error    string    `json:"error,omitempty"`
}

const reportVersion = 1

// ParseReport reads back what json.Marshal made of a [Report].
func ParseReport(b []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("federation: this is no report: %w", err)
	}
	switch {
	case r.Version == 0 || r.Plan.Domain == "":
		return nil, errors.New("federation: this is no report: it has no version or no domain")
	case r.Version > reportVersion:
		return nil, fmt.Errorf("federation: the report has version %d, this package reads up to %d: use a newer one", r.Version, reportVersion)
	}
	return &r, nil
}

// Changed reports whether the run wrote anything, or may have.
func (r *Report) Changed() bool {
	for _, s := range r.Steps {
		if s.Outcome == Done || s.Outcome == Made || s.Outcome == Unknown {
			return true
		}
	}
	return false
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "federation of %s: %s -> %s\n", r.Plan.Domain, orDash(r.Before), orDash(r.After))
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "%3d  %-8s %s", row.Number, row.State, row.Title)
		if row.Evidence != "" {
			fmt.Fprintf(&b, ": %s", row.Evidence)
		}
		b.WriteByte('\n')
	}
	if len(r.Steps) == 0 {
		b.WriteString("no changes were made\n")
	}
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%-8s %s (%s)", s.Outcome, s.Change.String(), s.Elapsed.Round(time.Millisecond))
		if s.Error != "" {
			fmt.Fprintf(&b, ": %s", s.Error)
		}
		b.WriteByte('\n')
	}
	for _, f := range r.Consents {
		fmt.Fprintf(&b, "consented to: %s\n", f.Message)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Severity, f)
	}
	if r.Error != "" {
		fmt.Fprintf(&b, "ended with: %s\n", r.Error)
	}
	return b.String()
}

func orDash(s State) string {
	if s == "" {
		return "?"
	}
	return string(s)
}
