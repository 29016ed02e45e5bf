package page

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

const (
	mostReports = 20 // that are read; of earlier ones the time is told
	mostEarlier = 500
	mostEntries = 20
	mostSteps   = 2000
)

// historyView is what was done about a domain, the newest first.
type historyView struct {
	Reports []reportBrief
	Earlier []reportBrief
	More    int // earlier ones that are not listed
	Notes   []string
	Audit   []entryView
	Lacks   []string // what could not be read
}

// reportBrief is the report of a run in one line.
type reportBrief struct {
	Name, At, Verb, Before, After string
	Outcome, Class                string
}

// entryView is an entry of the audit.
type entryView struct {
	At, Who, Verb, Outcome string
}

// history is what was done about a domain.
func (v *viewer) history(s flow.State) *historyView {
	b, out := v.p.o.Backend, new(historyView)
	lacks := func(what string, err error) { out.Lacks = append(out.Lacks, what+": "+sentence(err.Error())) }
	refs, err := b.Reports(s.Domain)
	if err != nil {
		lacks("The reports cannot be read", err)
	}
	for i, ref := range slices.Backward(refs) {
		switch n := len(refs) - 1 - i; {
		case n < mostReports:
			out.Reports = append(out.Reports, v.brief(ref))
		case n < mostReports+mostEarlier:
			out.Earlier = append(out.Earlier, reportBrief{Name: ref.Name, At: reportTime(ref.Name)})
		default:
			out.More++
		}
	}
	notes, err := b.Notes(s.Domain)
	if err != nil {
		lacks("The notes cannot be read", err)
	}
	out.Notes = slices.Clone(notes)
	slices.Reverse(out.Notes)
	for e, err := range b.Audit(audit.Filter{Domain: s.Domain}) {
		if err != nil {
			lacks("The audit cannot be read to its end", err)
			break
		}
		if !v.mayRead(e) {
			continue
		}
		out.Audit = append(out.Audit, entryView{clock(e.Time), strings.Join(e.Actors, ", "), e.Verb, e.Outcome})
		if len(out.Audit) > 4*mostEntries {
			out.Audit = slices.Clone(out.Audit[len(out.Audit)-mostEntries:])
		}
	}
	out.Audit = out.Audit[max(0, len(out.Audit)-mostEntries):]
	slices.Reverse(out.Audit)
	return out
}

// mayRead reports whether the viewer may see an entry of the audit: one of a customer that
// the domain had before is that customer's.
func (v *viewer) mayRead(e audit.Entry) bool {
	if e.Customer == "" {
		return v.canAll(approve.View)
	}
	return v.can(e.Customer, approve.View)
}

// brief is a report in one line.
func (v *viewer) brief(ref data.Ref) reportBrief {
	out := reportBrief{Name: ref.Name, At: reportTime(ref.Name)}
	r, err := v.p.o.Backend.Report(ref)
	if err != nil {
		out.Outcome, out.Class = notRead(err), "bad"
		return out
	}
	out.At = cmp.Or(clock(r.Started), out.At)
	out.Verb, out.Before, out.After = string(r.Verb), string(r.Before), string(r.After)
	out.Outcome, out.Class = runOutcome(r)
	return out
}

func notRead(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it is not kept any more"
	}
	return "it cannot be read: " + err.Error()
}

// runOutcome is how a run went, in words.
func runOutcome(r *federation.Report) (words, class string) {
	steps := count(r.Count(federation.Done, federation.Made), "step done", "steps done")
	if n := r.Count(federation.Unknown); n > 0 {
		steps += ", " + count(n, "without an answer", "without an answer")
	}
	switch {
	case r.Error != "":
		return "failed: " + steps, "bad"
	case r.Finished.IsZero():
		return "under way, or interrupted: " + steps, "warn"
	}
	return "done: " + steps, "good"
}

// reportTime is the time in the name of a report.
func reportTime(name string) string {
	const form = "20060102T150405.000000000Z"
	base := path.Base(name)
	if len(base) < len(form) {
		return ""
	}
	t, err := time.Parse(form, base[:len(form)])
	if err != nil {
		return ""
	}
	return clock(t)
}

// reportView is the page of one report.
type reportView struct {
	Domain, Name   string
	Brief          reportBrief
	Started, Ended string
	Customer       string
	Steps          []stepView
	MoreSteps      int
	Rows           []federation.Row
	Findings       []findingView
	Consents       []findingView
	Error          string
}

// stepView is a step of a run.
type stepView struct {
	Change                   changeView
	Outcome, Class           string
	Started, Took, ID, Error string
	Attempts                 int
	Request                  string
}

// reportPage is one report, also as JSON. Only a report of the domain is found.
func (p *page) reportPage(v *viewer, r *http.Request) (*screen, error) {
	s, err := v.domainOf(r)
	if err != nil {
		return nil, err
	}
	refs, err := p.o.Backend.Reports(s.Domain)
	if err != nil {
		return nil, err
	}
	name := r.URL.Query().Get("name")
	i := slices.IndexFunc(refs, func(ref data.Ref) bool { return ref.Name == name })
	if i < 0 {
		return nil, errNotFound
	}
	rep, err := p.o.Backend.Report(refs[i])
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	d := &reportView{
		Domain: s.Domain, Name: name, Brief: v.brief(refs[i]), Started: clock(rep.Started), Ended: clock(rep.Finished),
		Rows: rep.Rows, Findings: findingsOf(rep.Findings), Consents: findingsOf(rep.Consents), Error: rep.Error,
	}
	if rep.Tenant != "" || rep.Organization != "" {
		d.Customer = "tenant " + cmp.Or(rep.Tenant, "not known") + ", organisation " + cmp.Or(rep.Organization, "not known")
	}
	for _, one := range rep.Steps[:min(len(rep.Steps), mostSteps)] {
		d.Steps = append(d.Steps, stepView{
			Change: changeOf(one.Change), Outcome: string(one.Outcome), Class: outcomeClass(one.Outcome), Started: clock(one.Started),
			Took: span(one.Elapsed), ID: one.ID, Error: one.Error, Attempts: one.Attempts, Request: one.RequestID,
		})
	}
	d.MoreSteps = len(rep.Steps) - len(d.Steps)
	title := "Report: " + cmp.Or(d.Brief.Verb, "run") + " of " + s.Domain
	return &screen{
		name: "domain-report", Title: title, Data: d, json: func(w io.Writer) error { return writeIndented(w, rep) },
	}, nil
}

func outcomeClass(o federation.Outcome) string {
	switch o {
	case federation.Done, federation.Made:
		return "good"
	case federation.Refused, federation.Unknown:
		return "bad"
	case federation.Left:
		return "warn"
	}
	return "muted"
}

// evidence is what is kept of a domain, for a change ticket.
func (p *page) evidence(w http.ResponseWriter, r *http.Request) {
	p.file(w, r, "evidence.md", "text/markdown; charset=utf-8", func(s flow.State) (func(io.Writer) error, error) {
		return func(w io.Writer) error { return p.o.Backend.Evidence(s.Domain, w) }, nil
	})
}
