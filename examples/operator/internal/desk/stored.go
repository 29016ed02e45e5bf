package desk

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// load reads what is stored under ref, if there is one.
func load[T any](d *Desk, what string, ref *data.Ref, parse func([]byte) (T, error)) (T, error) {
	var none T
	if ref == nil || ref.Name == "" {
		return none, fmt.Errorf("there is no %s: %w", what, fs.ErrNotExist)
	}
	b, err := d.o.Data.Load(*ref)
	if err != nil {
		return none, err
	}
	return parse(b)
}

// Preflight returns the last preflight of a domain.
func (d *Desk) Preflight(domain string) (*federation.Preflight, error) {
	s, _ := d.Domain(domain)
	var ref *data.Ref
	if s.Look != nil {
		ref = s.Look.Preflight
	}
	return load(d, "preflight", ref, federation.ParsePreflight)
}

// Proposal returns the proposal that waits for an approval.
func (d *Desk) Proposal(domain string) (*federation.Proposal, error) {
	s, _ := d.Domain(domain)
	var ref *data.Ref
	if s.Open != nil {
		ref = &s.Open.Proposal
	}
	return load(d, "proposal that waits for an approval", ref, federation.ParseProposal)
}

// Verification returns the last verification.
func (d *Desk) Verification(domain string) (*federation.Verification, error) {
	s, _ := d.Domain(domain)
	return load(d, "verification", s.Verification, func(b []byte) (*federation.Verification, error) {
		v := new(federation.Verification)
		return v, json.Unmarshal(b, v)
	})
}

// Rotation returns the rotation that is under way, or was last.
func (d *Desk) Rotation(domain string) (*federation.Rotation, error) {
	s, _ := d.Domain(domain)
	var ref *data.Ref
	if s.Rotation != nil {
		ref = s.Rotation.Rotation
	}
	return load(d, "rotation", ref, federation.ParseRotation)
}

// Reports returns the reports of all runs of a domain, the oldest first, that of a run
// which is under way included.
func (d *Desk) Reports(domain string) ([]data.Ref, error) { return d.o.Data.Reports(lower(domain)) }

// Report returns one of them.
func (d *Desk) Report(ref data.Ref) (*federation.Report, error) {
	return load(d, "report", &ref, federation.ParseReport)
}

// Notes returns what people have written about a domain, the oldest first.
func (d *Desk) Notes(domain string) ([]string, error) {
	s, _ := d.Domain(domain)
	var notes []string
	for _, ref := range s.Notes {
		b, err := d.o.Data.Load(ref)
		if err != nil {
			return notes, err
		}
		notes = append(notes, string(b))
	}
	return notes, nil
}

// Evidence writes what is kept of a domain as Markdown: the preflight, the proposal that
// waits, what each run did, the last verification and rotation, and who decided what. What
// is kept no more is said to be so, and so are reports that were changed or are missing.
func (d *Desk) Evidence(domain string, w io.Writer) error {
	domain = lower(domain)
	s, ok := d.Domain(domain)
	if !ok {
		return fmt.Errorf("there is no such domain: %w", fs.ErrNotExist)
	}
	out := &strict{w: w}
	out.printf("# %s, of %s\n\nFound: %s. Phase: %s. Effective: %t.\n", domain, s.Customer, s.Found, s.Phase, s.Effective)
	if s.Problem != nil {
		out.printf("\nIt does not go on: %s\n", s.Problem.Text)
	}
	out.section("Preflight", func() error {
		p, err := d.Preflight(domain)
		if err != nil {
			return err
		}
		return p.WriteMarkdown(out)
	})
	if s.Open != nil {
		out.section("Proposal that waits for an approval", func() error {
			p, err := d.Proposal(domain)
			if err != nil {
				return err
			}
			out.block(p.String())
			return nil
		})
	}
	refs, err := d.Reports(domain)
	if err != nil {
		return err
	}
	if err := s.CheckReports(refs); err != nil {
		out.printf("\nThe reports are not whole: %v.\n", err)
	}
	for _, ref := range refs {
		out.section("Run: "+ref.Name+", SHA-256 "+ref.SHA256, func() error {
			r, err := d.Report(ref)
			if err != nil {
				return err
			}
			return federation.Evidence{Report: r}.WriteMarkdown(out)
		})
	}
	if s.Verification != nil {
		out.section("Last verification", func() error {
			v, err := d.Verification(domain)
			if err != nil {
				return err
			}
			out.block(v.String())
			return nil
		})
	}
	if s.Rotation != nil {
		out.section("Rotation", func() error {
			r, err := d.Rotation(domain)
			if err != nil {
				return err
			}
			out.printf("By %s, phase %s. %s\n", r.Method, r.Phase, r.Next)
			return nil
		})
	}
	out.section("Who decided what", func() error {
		for e, err := range d.o.Audit.Entries(audit.Filter{Domain: domain}) {
			if err != nil {
				return err
			}
			out.printf("- %d. %s %s by %s from %s: %s", e.Seq, e.Time.Format("2006-01-02 15:04:05Z"), e.Verb,
				strings.Join(e.Actors, ", "), e.Source, e.Outcome)
			if e.Proposal != "" {
				out.printf("; proposal %s", e.Proposal)
			}
			out.printf("\n")
		}
		return nil
	})
	return out.err
}

// strict is a writer that keeps its first error.
type strict struct {
	w   io.Writer
	err error
}

// Write writes unless something failed before.
func (s *strict) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(b)
	s.err = err
	return n, err
}

func (s *strict) printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// block writes text as it is.
func (s *strict) block(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		s.printf("    %s", line)
	}
}

// section writes a heading and what comes below it, or why that is not there.
func (s *strict) section(title string, body func() error) {
	s.printf("\n## %s\n\n", title)
	if err := body(); err != nil && s.err == nil {
		s.printf("Not there: %v\n", err)
	}
}
