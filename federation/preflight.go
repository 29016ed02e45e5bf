package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// A Preflight is what stands in the way of federating a domain: the gates that
// are shut, and the people who would be locked out, surprised or taken for
// somebody else. It can be kept as JSON, read back and compared; see [Diff].
type Preflight struct {
	Version int       `json:"version"`
	Domain  string    `json:"domain"`
	Time    time.Time `json:"time"`
	// Gates are the findings about the two services; see [Finding].
	Gates []Finding `json:"gates"`
	// People are the findings about people. Nil if they could not be read.
	People *People `json:"people"`
}

const preflightVersion = 1

// Preflight says who and what stands in the way of the plan: the gates that
// Federate checks, and everybody whose sign-in would change, by name. It only
// reads. People who would be locked out, and gates that are shut, are its result
// and no error; errors are a plan that is wrong by itself, and whatever keeps it
// from reading.
//
// Both directories are read at once, in a few requests for a small company; for
// large ones see what it costs in examples/bench/README.md. Users who are
// created, renamed or deleted while it reads are there as they were before or as
// they are after.
//
// What JumpCloud sends as the immutable ID is most likely the ID of its own user, and is
// told as expected. With [Options.SignInLog], of a domain that is federated with the
// application, it is told as proved for those who have signed in through it; see
// [CodeImmutableIDExpected].
func (f *Federator) Preflight(ctx context.Context, plan Plan) (*Preflight, error) {
	plan, err := plan.normalize()
	if err != nil {
		return nil, err
	}
	out := &Preflight{Version: preflightVersion, Domain: plan.Domain, Time: f.now().UTC(), Gates: []Finding{}}
	st, err := f.firstLook(ctx, plan, observation{})
	if err != nil {
		return nil, err
	}
	out.Gates = append(out.Gates, st.inspectAll(plan, f.now())...)
	if st.domain(plan.Domain) == nil {
		return out, nil // nobody is on it
	}
	if f.opts.SignInLog != nil && st.signsIn(plan) {
		if err := f.seeSignIns(ctx, plan, &st, &out.Gates); err != nil {
			return nil, reading(PhaseCheck, err)
		}
	}
	gates, people, err := f.check(ctx, plan, &st, false) // by name they are among the people
	if err != nil {
		return nil, err
	}
	out.Gates, out.People = append(out.Gates, gates...), people
	return out, nil
}

// LockedOut returns everyone who would be locked out, each once.
func (p *Preflight) LockedOut() []PersonFinding { return p.People.LockedOut() }

// ParsePreflight reads back what json.Marshal made of a [Preflight].
func ParsePreflight(b []byte) (*Preflight, error) {
	var p Preflight
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("federation: this is no preflight: %w", err)
	}
	switch {
	case p.Version == 0 || p.Domain == "":
		return nil, errors.New("federation: this is no preflight: it has no version or no domain")
	case p.Version > preflightVersion:
		return nil, fmt.Errorf("federation: the preflight has version %d, this package reads up to %d: use a newer one",
			p.Version, preflightVersion)
	}
	return &p, nil
}

// String returns everything as text; see [Preflight.WriteTable].
func (p *Preflight) String() string {
	var b strings.Builder
	p.WriteTable(&b)
	return b.String()
}

// WriteTable writes the gates, and the people as aligned text.
func (p *Preflight) WriteTable(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "preflight of %s, %s\n", p.Domain, stamp(p.Time)); err != nil {
		return err
	}
	for _, g := range p.Gates {
		fmt.Fprintf(w, "%-10s %s\n", gateLabel(g), plain(g.Message))
		if g.Repair != "" {
			fmt.Fprintf(w, "%-10s %s\n", "", plain(g.Repair))
		}
	}
	return p.People.WriteTable(w)
}

// WriteMarkdown writes the same in Markdown.
func (p *Preflight) WriteMarkdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "# Preflight of %s\n\n%s\n\n", markdown(p.Domain), stamp(p.Time)); err != nil {
		return err
	}
	for _, g := range p.Gates {
		fmt.Fprintf(w, "- **%s** `%s`: %s", gateLabel(g), g.Code, markdown(g.Message))
		if g.Repair != "" {
			fmt.Fprintf(w, ". %s", markdown(g.Repair))
		}
		fmt.Fprintln(w)
	}
	if len(p.Gates) > 0 {
		fmt.Fprintln(w)
	}
	return p.People.WriteMarkdown(w)
}

// WriteCSV writes the findings about people; see [People.WriteCSV].
func (p *Preflight) WriteCSV(w io.Writer) error { return p.People.WriteCSV(w) }

// WriteJSON writes what [ParsePreflight] reads, finding by finding.
func (p *Preflight) WriteJSON(w io.Writer) error {
	type head struct {
		Version int       `json:"version"`
		Domain  string    `json:"domain"`
		Time    time.Time `json:"time"`
		Gates   []Finding `json:"gates"`
	}
	h, err := json.Marshal(head{p.Version, p.Domain, p.Time, p.Gates})
	if err != nil {
		return err
	}
	if p.People == nil {
		_, err := fmt.Fprintf(w, "%s,\"people\":null}\n", h[:len(h)-1])
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"people\":", h[:len(h)-1]); err != nil {
		return err
	}
	if err := p.People.writeJSON(w, "\n"); err != nil {
		return err
	}
	_, err = io.WriteString(w, "}\n")
	return err
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

func gateLabel(f Finding) string {
	if f.Consented {
		return "consented"
	}
	return string(f.Severity)
}

// A PreflightDiff is what changed between two preflights of a domain.
type PreflightDiff struct {
	Domain        string
	Before, After time.Time

	Fixed []PersonFinding // found before, not any more
	New   []PersonFinding // not found before
	Same  int             // findings that are still there

	// LockedOutBefore and LockedOutAfter count people.
	LockedOutBefore, LockedOutAfter int
}

// Diff compares two preflights of one domain: who was fixed, and who is new.
// Findings are the same if they are of one kind, about one person, and lock out
// or do not; the wording and a service's message do not matter.
func Diff(before, after *Preflight) PreflightDiff {
	d := PreflightDiff{Domain: after.Domain, Before: before.Time, After: after.Time}
	type key struct {
		person string
		code   Code
		locked bool
	}
	keyOf := func(f PersonFinding) key {
		id := f.AzureADID
		if id == "" {
			id = f.JumpCloudID
		}
		if id == "" {
			id = people.Fold(f.Who())
		}
		return key{id, f.Code, f.LockedOut}
	}
	old := make(map[key]bool, before.People.Len())
	for _, f := range before.People.All() {
		old[keyOf(f)] = true
	}
	for _, f := range after.People.All() {
		if k := keyOf(f); old[k] {
			d.Same++
			delete(old, k)
		} else {
			d.New = append(d.New, f)
		}
	}
	for _, f := range before.People.All() {
		if k := keyOf(f); old[k] {
			d.Fixed = append(d.Fixed, f)
			delete(old, k)
		}
	}
	d.LockedOutBefore, d.LockedOutAfter = before.People.counts().LockedOut, after.People.counts().LockedOut
	return d
}

// String returns the comparison as text: fixed findings with a minus, new ones
// with a plus.
func (d PreflightDiff) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "preflight of %s: %d fixed, %d new, %d as before; locked out %d -> %d\n",
		d.Domain, len(d.Fixed), len(d.New), d.Same, d.LockedOutBefore, d.LockedOutAfter)
	for _, f := range d.Fixed {
		fmt.Fprintf(&b, "- %s: %s\n", f.Code.reason(), plain(f.String()))
	}
	for _, f := range d.New {
		fmt.Fprintf(&b, "+ %s: %s\n", f.Code.reason(), plain(f.String()))
	}
	return b.String()
}
