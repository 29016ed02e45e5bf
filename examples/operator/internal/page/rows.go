package page

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// phases are all phases in words, in the order in which they are counted.
var phases = []struct {
	phase flow.Phase
	words string
}{
	{flow.People, "waiting for people"},
	{flow.Approval, "waiting for an approval"},
	{flow.Turn, "waiting for their turn"},
	{flow.Running, "being written"},
	{flow.Verifying, "waiting until people can sign in"},
	{flow.Looking, "being looked at"},
	{flow.Watching, "watched"},
	{flow.Retired, "retired"},
}

// inWords is a phase as people call it.
func inWords(p flow.Phase) string {
	for _, known := range phases {
		if known.phase == p {
			return known.words
		}
	}
	return string(p)
}

// domainRow is a domain among others.
type domainRow struct {
	State    flow.State
	Link     string
	Words    string // of the phase
	Problem  string // why it does not go on
	Now      string // what it waits for
	Labels   []string
	Fails    bool
	Waits    bool
	Mine     bool   // it waits for the viewer
	Together bool   // the viewer may approve it with others
	Bucket   string // of the days
	owner    string
}

// rank is what is listed first: failures, then what waits, then the rest.
func (r domainRow) rank() int {
	switch {
	case r.Fails:
		return 0
	case r.Waits:
		return 1
	case r.State.Phase != flow.Retired:
		return 2
	}
	return 3
}

// rows are all domains that the viewer may see, in the order in which they are listed.
func (v *viewer) rows() []domainRow {
	file := v.p.o.Backend.File()
	var out []domainRow
	for _, s := range v.domains() {
		r := domainRow{
			State: s, Link: domainAddress(s.Domain), Words: inWords(s.Phase), Bucket: bucketOf(s.Watch), Fails: fails(s),
			Mine: v.waitsFor(s),
		}
		r.Problem, r.Now = whyStuck(s), s.Waits
		if s.Phase == flow.Approval && s.Open != nil {
			r.Now = proposed(*s.Open)
		}
		switch s.Phase {
		case flow.Approval, flow.Turn, flow.Running, flow.Verifying:
			r.Waits = true
		}
		r.Waits = r.Waits || s.Paused || s.Unlisted
		c := v.candidate(s)
		r.Together = c.with
		if file != nil {
			if c, ok := file.ByDomain(s.Domain); ok {
				r.owner = c.Owner
				for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
					r.Labels = append(r.Labels, k+"="+c.Labels[k])
				}
			}
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b domainRow) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.State.Domain, b.State.Domain))
	})
	return out
}

// whyStuck is why a domain, or its rotation, does not go on.
func whyStuck(s flow.State) string {
	switch r := s.Rotation; {
	case s.Problem != nil:
		return s.Problem.Text
	case r != nil && !r.Done && r.Problem != nil:
		return "the rotation: " + r.Problem.Text
	}
	return ""
}

// fails says that something about a domain is wrong, or does not get better by waiting.
func fails(s flow.State) bool {
	return s.Phase != flow.Retired && (s.Phase == flow.People || whyStuck(s) != "" || s.Failures > 0 ||
		s.Watch != nil && (s.Watch.Foreign || s.Watch.Known && s.Watch.Days < 0) ||
		slices.ContainsFunc(s.Layers, func(l flow.Layer) bool { return l.Status == federation.Wrong }))
}

// choice is which domains are asked for; what is empty is not looked at.
type choice struct {
	Q, Phase, Days string
	Labels         []string
	Mine           bool
}

func chosen(q url.Values) choice {
	c := choice{
		Q: strings.TrimSpace(q.Get("q")), Phase: q.Get("state"), Days: q.Get("days"), Mine: q.Get("waits") == "me",
	}
	for _, l := range q["label"] {
		if l = strings.TrimSpace(l); l != "" {
			c.Labels = append(c.Labels, l)
		}
	}
	return c
}

// Any says that something is asked for.
func (c choice) Any() bool {
	return c.Q != "" || c.Phase != "" || c.Days != "" || c.Mine || len(c.Labels) > 0
}

// Label is what stands in the field of labels.
func (c choice) Label() string {
	if len(c.Labels) == 0 {
		return ""
	}
	return c.Labels[0]
}

// Query is the choice as it stands in an address.
func (c choice) Query() string {
	q := make(url.Values)
	for name, value := range map[string]string{"q": c.Q, "state": c.Phase, "days": c.Days} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Mine {
		q.Set("waits", "me")
	}
	if len(c.Labels) > 0 {
		q["label"] = c.Labels
	}
	return q.Encode()
}

// of are the rows that are asked for.
func (c choice) of(all []domainRow) []domainRow {
	var out []domainRow
	for _, r := range all {
		if c.matches(r) {
			out = append(out, r)
		}
	}
	return out
}

func (c choice) matches(r domainRow) bool {
	switch {
	case c.Phase != "" && c.Phase != string(r.State.Phase), c.Days != "" && c.Days != r.Bucket, c.Mine && !r.Mine:
		return false
	}
	for _, l := range c.Labels {
		if !slices.ContainsFunc(r.Labels, func(has string) bool {
			name, _, _ := strings.Cut(has, "=")
			return strings.EqualFold(has, l) || strings.EqualFold(name, l)
		}) {
			return false
		}
	}
	if c.Q == "" {
		return true
	}
	q := strings.ToLower(c.Q)
	for _, s := range append([]string{r.State.Domain, r.State.Customer, r.owner}, r.Labels...) {
		if strings.Contains(strings.ToLower(s), q) {
			return true
		}
	}
	return false
}

// labelsOf are all labels of the rows.
func labelsOf(all []domainRow) []string {
	var out []string
	for _, r := range all {
		out = append(out, r.Labels...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// record is a row outside of this page.
type record struct {
	Domain    string    `json:"domain"`
	Customer  string    `json:"customer"`
	Labels    []string  `json:"labels,omitempty"`
	Phase     string    `json:"phase"`
	Waits     string    `json:"waits,omitempty"`
	Problem   string    `json:"problem,omitempty"`
	Failures  int       `json:"failures,omitempty"`
	Found     string    `json:"found,omitempty"`
	Effective bool      `json:"effective"`
	Days      *int      `json:"days,omitempty"`
	Drift     int       `json:"drift,omitempty"`
	Foreign   bool      `json:"foreign,omitempty"`
	Paused    bool      `json:"paused,omitempty"`
	Unlisted  bool      `json:"unlisted,omitempty"`
	Changed   time.Time `json:"changed,omitzero"`
}

func (r domainRow) record() record {
	s := r.State
	out := record{
		Domain: s.Domain, Customer: s.Customer, Labels: r.Labels, Phase: string(s.Phase), Waits: s.Waits, Problem: r.Problem,
		Failures: s.Failures,
		Found:    string(s.Found), Effective: s.Effective, Paused: s.Paused, Unlisted: s.Unlisted, Changed: s.Changed.UTC(),
	}
	if w := s.Watch; w != nil {
		if w.Known {
			out.Days = &w.Days
		}
		out.Drift, out.Foreign = w.Drift, w.Foreign
	}
	return out
}

// rowsCSV writes rows as a table in which no formula begins.
func rowsCSV(rows []domainRow) func(io.Writer) error {
	return func(w io.Writer) error {
		out := csv.NewWriter(w)
		err := out.Write([]string{"domain", "customer", "labels", "phase", "waits for", "problem", "failures", "found", "effective", "days",
			"drift", "foreign", "paused", "unlisted", "changed"})
		for _, row := range rows {
			r := row.record()
			days, changed := "", ""
			if r.Days != nil {
				days = strconv.Itoa(*r.Days)
			}
			if !r.Changed.IsZero() {
				changed = r.Changed.Format(time.RFC3339)
			}
			cells := []string{r.Domain, r.Customer, strings.Join(r.Labels, "; "), r.Phase, r.Waits, r.Problem, strconv.Itoa(r.Failures), r.Found,
				strconv.FormatBool(r.Effective), days, strconv.Itoa(r.Drift), strconv.FormatBool(r.Foreign),
				strconv.FormatBool(r.Paused), strconv.FormatBool(r.Unlisted), changed}
			for i, s := range cells {
				if i != 9 { // a number below zero is none
					cells[i] = audit.Cell(s)
				}
			}
			err = errors.Join(err, out.Write(cells))
		}
		out.Flush()
		return errors.Join(err, out.Error())
	}
}

// rowsJSON writes rows as an array.
func rowsJSON(rows []domainRow) func(io.Writer) error {
	return func(w io.Writer) error {
		out := make([]record, len(rows))
		for i, r := range rows {
			out[i] = r.record()
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
}
