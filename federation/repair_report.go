package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A RepairReport is a repair in any of its tenses: what PreviewRepair found to be
// done, what Repair has done of it, what UndoRepair took back. It can be kept as
// JSON and handed on to any of them later. It is never nil.
type RepairReport struct {
	Version  int          `json:"version"`
	Plan     RepairPlan   `json:"plan"`
	Started  time.Time    `json:"started"`
	Finished time.Time    `json:"finished"`
	Steps    []RepairStep `json:"steps"`

	// Observed counts what the immutable IDs of people on the domain are made
	// of: of each source, how many it reproduces. Others counts the rest.
	Observed map[ImmutableIDSource]int `json:"observed,omitempty"`
	Others   int                       `json:"others,omitempty"`

	// Notes are what a person should know before confirming, such as who was
	// left out, and why.
	Notes []string `json:"notes,omitempty"`
	Error string   `json:"error,omitempty"`
}

const repairVersion = 1

// ParseRepairReport reads back what json.Marshal made of a [RepairReport].
func ParseRepairReport(b []byte) (*RepairReport, error) {
	var r RepairReport
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("federation: this is no repair report: %w", err)
	}
	switch {
	case r.Version == 0 || r.Plan.Plan.Domain == "":
		return nil, errors.New("federation: this is no repair report: it has no version or no domain")
	case r.Version > repairVersion:
		return nil, fmt.Errorf("federation: the repair report has version %d, this package reads up to %d: use a newer one", r.Version, repairVersion)
	}
	return &r, nil
}

// Count returns how many steps have one of the outcomes.
func (r *RepairReport) Count(outcomes ...Outcome) int {
	n := 0
	for _, s := range r.Steps {
		if slices.Contains(outcomes, s.Outcome) {
			n++
		}
	}
	return n
}

// Left returns how many steps a further Repair would try.
func (r *RepairReport) Left() int { return r.Count(Planned, Unknown, Refused) }

// Duration is how long the steps that are left will take at least, by the number
// of writes that Microsoft publishes.
func (r *RepairReport) Duration() time.Duration {
	n := 0
	for _, s := range r.Steps {
		if s.Kind == SetImmutableID && (s.Outcome == Planned || s.Outcome == Unknown || s.Outcome == Refused) {
			n++
		}
	}
	return time.Duration(n) * writeInterval
}

// String is the report for people.
func (r *RepairReport) String() string {
	var b strings.Builder
	r.WriteTo(&b)
	return b.String()
}

// WriteTo implements [io.WriterTo]: the report for people, a line for each step.
func (r *RepairReport) WriteTo(w io.Writer) (n int64, err error) {
	line := func(format string, args ...any) {
		if err == nil {
			var k int
			k, err = fmt.Fprintf(w, format+"\n", args...)
			n += int64(k)
		}
	}
	line("repair of people on %s: %d to do, %d done, %d skipped, %d refused, %d unknown, %d undone", r.Plan.Plan.Domain,
		r.Count(Planned), r.Count(Done), r.Count(Skipped), r.Count(Refused), r.Count(Unknown), r.Count(Undone))
	for _, s := range r.Notes {
		line("note: %s", plain(s))
	}
	for _, s := range r.Steps {
		line("%s", s)
	}
	if r.Error != "" {
		line("ended with: %s", plain(r.Error))
	}
	return n, err
}

func (r *RepairReport) clone() *RepairReport {
	out := *r
	out.Steps = slices.Clone(r.Steps)
	out.Started, out.Error = time.Now().UTC(), ""
	return &out
}
