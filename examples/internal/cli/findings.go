package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/federation"
)

// Findings writes a preflight as a table, with at most this many people, and
// below it what to do about each kind of finding. A [Page] makes it fit a terminal.
func Findings(w io.Writer, p *federation.Preflight, atMost int) {
	type line struct{ severity, who, text string }
	var lines []line
	var advice []string // alternating: kind, what to do
	known := make(map[federation.Code]bool)
	note := func(code federation.Code, kind, repair string) {
		if !known[code] && repair != "" {
			known[code] = true
			advice = append(advice, kind, repair)
		}
	}
	type about struct {
		who  string
		kind federation.Code
	}
	people := make(map[about]bool) // what is told of people need not be told as a gate
	for _, f := range p.People.All() {
		people[about{f.Who(), f.Code}] = true
	}
	for _, g := range p.Gates {
		if people[about{g.Subject, "person-" + g.Code}] {
			continue
		}
		l := line{string(g.Severity), g.Subject, string(g.Code) + ": " + g.Message}
		if g.Consented {
			l.severity = "consented"
		}
		lines = append(lines, l)
		note(g.Code, string(g.Code), g.Repair)
	}
	for i, f := range p.People.All() {
		if i == atMost {
			more := fmt.Sprintf("and %d more findings; federate preflight -o csv shows all", p.People.Len()-atMost)
			lines = append(lines, line{"…", "", more})
			break
		}
		kind := strings.TrimPrefix(string(f.Code), "person-")
		l := line{string(f.Severity), f.Who(), kind + ": " + f.Evidence}
		if f.LockedOut {
			l.severity = "LOCKED OUT"
		}
		lines = append(lines, l)
		note(f.Code, kind, f.Repair)
	}
	if p.People != nil {
		fmt.Fprintf(w, "  %s\n\n", p.People.Counts.Summary())
	}
	if len(lines) == 0 {
		fmt.Fprintln(w, "  no findings: nothing stands in the way")
		return
	}
	who := utf8.RuneCountInString("who or what")
	for _, l := range lines {
		who = min(max(who, utf8.RuneCountInString(l.who)), 36)
	}
	row := func(l line) {
		fmt.Fprintf(w, "  %-10s  %-*s  %s\n", l.severity, who, l.who, l.text)
	}
	row(line{"severity", "who or what", "what was found"})
	row(line{"--------", "-----------", "--------------"})
	for _, l := range lines {
		row(l)
	}
	if len(advice) > 0 {
		fmt.Fprintf(w, "\n  What to do about\n")
	}
	for i := 0; i < len(advice); i += 2 {
		fmt.Fprintf(w, "    %s\n      %s\n", advice[i], advice[i+1])
	}
}
