package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/internal/text"
)

const (
	digestNames = 10   // domains that a line names
	digestText  = 2048 // bytes of the text
	digestName  = 64   // bytes of a domain's name
)

// Phases in the order in which a digest tells them.
var phases = []flow.Phase{
	flow.Looking, flow.Approval, flow.Turn, flow.Running, flow.Verifying, flow.Watching, flow.People, flow.Retired,
}

// Digest is what is told of all domains once a day: how many are in which phase, which
// wait for people, the certificate that ends first, and what fails. Its ID is that of the
// day of at in UTC, so that a second digest of a day is none. It names no person, and at
// most ten domains a line, in order of their names. Days is of that certificate, and 0 if
// none is known. The text is of at most 2 KiB.
func Digest(states []flow.State, at time.Time) flow.Notice {
	day := at.UTC().Format(time.DateOnly)
	n := flow.Notice{ID: "digest/" + day, Kind: flow.NoticeDigest}
	sorted := slices.Clone(states)
	slices.SortFunc(sorted, func(a, b flow.State) int { return cmp.Compare(a.Domain, b.Domain) })

	counts := make(map[flow.Phase]int)
	var approvals, people, failing, foreign, drift, unlisted, paused []string
	var first *flow.State
	for i := range sorted {
		s := &sorted[i]
		name := nameless(s.Domain)
		counts[s.Phase]++
		if s.Phase == flow.Retired {
			continue
		}
		if s.Unlisted {
			unlisted = append(unlisted, name)
			continue // what is known of it is old
		}
		if s.Paused {
			paused = append(paused, name)
		}
		switch s.Phase {
		case flow.Approval:
			approvals = append(approvals, name)
		case flow.People:
			people = append(people, name+because(s.Problem))
		default:
			if s.Failures > 0 || s.Problem != nil {
				failing = append(failing, name+because(s.Problem))
			}
		}
		if w := s.Watch; w != nil {
			if w.Foreign {
				foreign = append(foreign, name)
			}
			if w.Drift > 0 && w.Twice {
				drift = append(drift, name)
			}
			if w.Known && (first == nil || w.Days < first.Watch.Days) {
				first = s
			}
		}
	}

	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", day, plural(len(states), "domain"))
	sep := ": "
	for _, p := range phases {
		if counts[p] > 0 {
			fmt.Fprintf(&b, "%s%d %s", sep, counts[p], phaseText(p))
			sep = ", "
		}
		delete(counts, p)
	}
	other := 0
	for _, c := range counts {
		other += c
	}
	if other > 0 {
		fmt.Fprintf(&b, "%s%d other", sep, other)
	}
	b.WriteByte('\n')
	list(&b, "wait for an approval", approvals)
	list(&b, "wait for somebody to do something", people)
	list(&b, "fail", failing)
	list(&b, "accept a certificate that nobody knows", foreign)
	list(&b, "differ from their plan", drift)
	list(&b, "are paused", paused)
	list(&b, "are not in the customers file", unlisted)
	if first == nil {
		b.WriteString("no certificate's end is known\n")
	} else {
		n.Days = first.Watch.Days
		fmt.Fprintf(&b, "the certificate that ends first: %s, %s\n", nameless(first.Domain), daysLeft(n.Days))
	}
	n.Text = cut(strings.TrimSuffix(b.String(), "\n"), digestText)
	return n
}

// list writes a line: how many, and the first of them.
func list(b *strings.Builder, what string, names []string) {
	if len(names) == 0 {
		return
	}
	shown := names[:min(len(names), digestNames)]
	fmt.Fprintf(b, "%d %s: %s", len(names), what, strings.Join(shown, ", "))
	if more := len(names) - len(shown); more > 0 {
		fmt.Fprintf(b, " and %d more", more)
	}
	b.WriteByte('\n')
}

// because tells the class and code of a problem. Its text is for the page.
func because(p *flow.Problem) string {
	if p == nil {
		return ""
	}
	why := string(p.Class)
	if p.Code != "" && p.Code != why {
		why = strings.TrimSpace(why + " " + p.Code)
	}
	if why == "" {
		return ""
	}
	return " (" + nameless(why) + ")"
}

// nameless is a text on one line, without addresses, and of at most so many bytes as a name.
func nameless(s string) string { return cut(text.OneLine(text.NoAddresses(s), digestName), digestName) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func daysLeft(n int) string {
	if n < 0 {
		return plural(-n, "day") + " ago"
	}
	return plural(n, "day") + " left"
}

func phaseText(p flow.Phase) string {
	switch p {
	case flow.Looking:
		return "being looked at"
	case flow.Approval:
		return "waiting for an approval"
	case flow.Turn:
		return "waiting for their turn"
	case flow.Running:
		return "being written to"
	case flow.Verifying:
		return "waiting until people can sign in"
	case flow.Watching:
		return "only watched"
	case flow.People:
		return "waiting for somebody"
	default:
		return string(p)
	}
}
