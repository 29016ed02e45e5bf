package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// Left: it stays as it is, because taking it away would take somebody's
	// sign-in or somebody else's work with it, or because it is not certainly
	// what the run made. The step's Error says why, and what to do.
	Left Outcome = "left"
	// Planned: nothing has been sent yet.
	Planned Outcome = "planned"
)

// A Verb is what a run does.
type Verb string

// The verbs, by their methods.
const (
	VerbFederate   Verb = "federate"
	VerbDefederate Verb = "defederate"
	VerbRepair     Verb = "repair"
	VerbRevert     Verb = "revert"
)

// A Step is a change that was sent to a service.
type Step struct {
	Change  Change  `json:"change"`
	Outcome Outcome `json:"outcome"`
	// ID is what the service calls the thing that was made.
	ID string `json:"id,omitempty"`
	// Backup is the whole federation configuration before the step, where the
	// step replaced or removed one.
	Backup *aad.Federation `json:"backup,omitempty"`
	// Absent says of a creation that the run had looked twice before it was
	// sent, and had seen no such thing. What is there after a lost answer can
	// only then be taken for the run's own.
	Absent    bool          `json:"absent,omitempty"`
	Started   time.Time     `json:"started"`
	Elapsed   time.Duration `json:"elapsedNanoseconds"`
	Attempts  int           `json:"attempts"`
	RequestID string        `json:"requestID,omitempty"`
	Error     string        `json:"error,omitempty"`
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
	Version int `json:"version"`
	// Verb is what has made the report; "" in one that was stored before there were
	// verbs.
	Verb Verb `json:"verb,omitempty"`
	Plan Plan `json:"plan"`
	// Repair is what [Federator.PreviewRepair] was asked for, if it has made the
	// report, or the one that Repair or Revert was handed. Its Plan is the report's.
	Repair *RepairPlan `json:"repair,omitempty"`
	// Tenant and Organization are the IDs of the Azure AD tenant and the
	// JumpCloud organisation that the run worked on, as far as they were known:
	// Revert refuses a report of another customer. Version 1 has neither.
	Tenant       string    `json:"tenant,omitempty"`
	Organization string    `json:"organization,omitempty"`
	Started      time.Time `json:"started"`
	Finished     time.Time `json:"finished"`
	// Before and After name the domain's state; see [State].
	Before   State     `json:"before,omitempty"`
	After    State     `json:"after,omitempty"`
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings,omitempty"`
	// Consents are the findings that only the plan's consent overrode, with
	// everybody whom a consent to lock out has covered.
	Consents []Finding `json:"consents,omitempty"`
	Rows     []Row     `json:"rows,omitempty"`
	// Observed counts, before a repair, what the immutable IDs of people on the
	// domain are made of: of each source, how many it reproduces; of "", how many
	// none does.
	Observed map[ImmutableIDSource]int `json:"observed,omitempty"`
	Error    string                    `json:"error,omitempty"`
}

// reportVersion 2 has the tenant and the organisation.
const reportVersion = 2

// ParseReport reads back what json.Marshal made of a [Report].
func ParseReport(b []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("federation: this is no report: %w", err)
	}
	switch {
	case r.Plan.Domain == "" && repairReport(b):
		return nil, errors.New("federation: this is the report of a repair as it was written before version 0.1.0, which is not read any more: " +
			"PreviewRepair finds what is left to do; its steps name the people and the values that can be taken back by hand")
	case r.Version == 0 || r.Plan.Domain == "":
		return nil, errors.New("federation: this is no report: it has no version or no domain")
	case r.Version > reportVersion:
		return nil, fmt.Errorf("federation: the report has version %d, this package reads up to %d: use a newer one", r.Version, reportVersion)
	}
	return &r, nil
}

// repairReport reports whether b is the report of a repair of a form that no
// version of this package was published with.
func repairReport(b []byte) bool {
	var old struct {
		Plan struct {
			Plan struct{ Domain string }
		}
	}
	return json.Unmarshal(b, &old) == nil && old.Plan.Plan.Domain != ""
}

// tookEffect reports whether the step changed something, or may have.
func (s *Step) tookEffect() bool {
	return s.Outcome == Done || s.Outcome == Made || s.Outcome == Unknown
}

// Changed reports whether the run wrote anything, or may have.
func (r *Report) Changed() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.tookEffect() })
}

// Count returns how many steps have one of the outcomes.
func (r *Report) Count(outcomes ...Outcome) int {
	n := 0
	for i := range r.Steps {
		if slices.Contains(outcomes, r.Steps[i].Outcome) {
			n++
		}
	}
	return n
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	r.WriteTo(&b)
	return b.String()
}

// WriteTo implements [io.WriterTo]: the report for people, a line for each step.
func (r *Report) WriteTo(w io.Writer) (n int64, err error) {
	line := func(format string, args ...any) {
		if err == nil {
			var k int
			k, err = fmt.Fprintf(w, format+"\n", args...)
			n += int64(k)
		}
	}
	repair := r.Repair != nil
	if repair {
		line("repair of people on %s: %d to do, %d done, %d skipped, %d left, %d refused, %d unknown", r.Plan.Domain,
			r.Count(Planned), r.Count(Done), r.Count(Skipped), r.Count(Left), r.Count(Refused), r.Count(Unknown))
	} else {
		line("federation of %s: %s -> %s", r.Plan.Domain, orDash(r.Before), orDash(r.After))
	}
	if repair { // there may be tens of thousands of steps
		r.tell(line)
	}
	for _, row := range r.Rows {
		evidence := ""
		if row.Evidence != "" {
			evidence = ": " + row.Evidence
		}
		line("%3d  %-8s %s%s", row.Number, row.State, row.Title, evidence)
	}
	if len(r.Steps) == 0 {
		line("no changes were made")
	}
	for i := range r.Steps {
		line("%s", r.Steps[i].line())
	}
	if !repair {
		r.tell(line)
	}
	if r.Error != "" {
		line("ended with: %s", r.Error)
	}
	return n, err
}

// tell tells what was found and consented to.
func (r *Report) tell(line func(format string, args ...any)) {
	for _, f := range r.Consents {
		line("consented to: %s", f.Message)
	}
	for _, f := range r.Findings {
		line("%s: %s", f.Severity, f)
	}
}

// line is the step for people. What is only planned shows its values.
func (s *Step) line() string {
	out := fmt.Sprintf("%-8s %s", s.Outcome, s.Change.String())
	if s.Outcome == Planned {
		for _, f := range s.Change.Fields {
			out += fmt.Sprintf(" (%s: %s)", f.Name, f.show(f.New))
		}
	} else {
		out += fmt.Sprintf(" (%s)", s.Elapsed.Round(time.Millisecond))
	}
	if s.Error != "" {
		out += ": " + s.Error
	}
	return out
}

func orDash(s State) string {
	if s == "" {
		return "?"
	}
	return string(s)
}

// note files findings in the report.
func (r *Report) note(fs []Finding) {
	for _, f := range fs {
		if f.Consented {
			r.Consents = append(r.Consents, f)
		} else {
			r.Findings = append(r.Findings, f)
		}
	}
}

// summary says in a few words what came of a run.
func (r *Report) summary(what string) string {
	n := 0
	for _, s := range r.Steps {
		if s.Outcome == Done || s.Outcome == Made {
			n++
		}
	}
	switch {
	case r.Error != "":
		return fmt.Sprintf("stopped after %s", plural(n, "change", "changes"))
	case n == 0:
		return "nothing was to be done"
	}
	return plural(n, "change", "changes") + " " + what
}

// finish completes the report, whatever came of the run.
func (r *run) finish(err error) {
	rep := r.rep
	rep.Finished = r.f.now()
	if r.st.domains != nil {
		rep.After = r.st.classify(r.plan)
	}
	if err != nil {
		rep.Error = err.Error()
	}
	rep.Rows = r.rows()
}

// rows tells what became of each row of the procedure.
func (r *run) rows() []Row {
	p, st := r.plan, &r.st
	observed := st.domains != nil
	var todo Changes
	if observed {
		todo = diff(p, st)
	}
	row := func(n int, title string) Row {
		out := Row{Number: n, Title: title, State: "held"}
		var names []string
		for _, s := range r.rep.Steps {
			if s.Change.inRow(n) && s.tookEffect() {
				out.State = "done"
				names = append(names, string(s.Change.Action)+" "+s.Change.Name)
			}
		}
		out.Evidence = strings.Join(names, ", ")
		if !observed || slices.ContainsFunc(todo, func(c Change) bool { return c.inRow(n) }) {
			out.State = "open"
		}
		return out
	}
	people := Row{Number: 1, Title: "users' email addresses agree in both directories", State: "open", Evidence: r.people}
	switch {
	case r.people != "":
		people.State = "checked"
	case observed && len(todo) == 0:
		people.Evidence, people.State = "nothing was to be changed; ask Preflight", "held"
	}
	rows := []Row{people,
		row(2, "a Global Administrator outside the domain"),
		row(3, "the domain is not the tenant's default domain"),
		row(4, "JumpCloud group for the accounts"),
		row(5, "Microsoft 365 application"),
		row(6, "IdP entity ID, login URL, groups of the application"),
		row(7, "application active, certificate read"),
		row(8, "Microsoft 365 directory: grant, rules, groups, default domain"),
		row(9, "domain federated"),
		{Number: 10, Title: "read back", State: "open"},
		{Number: 11, Title: "people can sign in", State: "waiting",
			Evidence: "not told by the services' settings; ask Verify or Wait (20 minutes to 2 hours, at worst 24)"},
	}
	rows[1].Evidence = joined(rows[1].Evidence, st.adminEvidence(p))
	for _, d := range st.domains {
		if d.IsDefault {
			rows[2].Evidence = "the default domain is " + domainName(d.Name)
		}
	}
	if d := st.directory(p); d != nil {
		rows[7].Evidence = joined(rows[7].Evidence, "directory "+quote(d.Name))
	}
	if a := st.app(p); a != nil {
		rows[4].Evidence = joined(rows[4].Evidence, quote(a.DisplayLabel)+" ("+a.ID+")")
		rows[5].Evidence = joined(rows[5].Evidence, a.IdPEntityID+", "+a.SSOURL)
		if c, err := st.cert(p); err == nil {
			rows[6].Evidence = joined("", "the application and its metadata show the same certificate "+c.Thumbprint())
		} else {
			rows[6].State = "open"
		}
	}
	if observed && len(todo) == 0 && st.fed != nil {
		rows[9].State, rows[9].Evidence = "checked", "Microsoft Graph shows the domain federated, with the plan's values"
		if r.realm != "" {
			rows[9].Evidence += "; " + r.realm
		}
	}
	return rows
}

// inRow reports whether the change belongs to a row of the procedure.
func (c Change) inRow(n int) bool { return slices.Contains(resources[c.Resource].rows, n) }

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
