package assumptions

import (
	"fmt"
	"io"
	"strings"
)

// Result is what a [Look] says of an assumption.
type Result string

// The results.
const (
	Holds        Result = "holds"
	Differs      Result = "differs"
	CouldNotTell Result = "could not tell"
)

// Answer is what a [Look] says of one assumption. Of one that differs, Advice is what it
// means here and now.
type Answer struct {
	Assumption
	Result Result `json:"result"`
	Seen   string `json:"seen"` // what was seen, or why it could not be told; names nobody
}

// Means says in a sentence what the answer means for who is about to federate a domain.
// It is empty for what holds.
func (a Answer) Means() string {
	switch {
	case a.Result == Holds:
		return ""
	case a.Result == CouldNotTell:
		return fmt.Sprintf("if it is not so, %s; to try it: %s", a.Breaks, strings.Join(a.Knobs, ", "))
	case a.Advice == SafeToGoOn && a.Tolerated != "":
		return "safe to go on; this is borne: " + a.Tolerated
	case a.Advice == SafeToGoOn:
		return "safe to go on"
	case a.Advice == SetOption:
		return fmt.Sprintf("set %s; otherwise %s", a.Setting, a.Breaks)
	case a.Setting != "":
		return fmt.Sprintf("do not federate yet: %s; see %s", a.Breaks, a.Setting)
	}
	return "do not federate yet: " + a.Breaks
}

// Findings are the answers of a [Look].
type Findings struct {
	Domain   string   `json:"domain,omitempty"`
	Answers  []Answer `json:"answers"`  // one for each of [All], in its order
	Requests int      `json:"requests"` // how many were sent
}

// Count returns how many answers are one of results.
func (f *Findings) Count(results ...Result) int {
	n := 0
	for _, a := range f.Answers {
		for _, r := range results {
			if a.Result == r {
				n++
			}
		}
	}
	return n
}

// Unseen returns how many of the readable ones could not be told.
func (f *Findings) Unseen() int {
	n := 0
	for _, a := range f.Answers {
		if a.Kind == Readable && a.Result == CouldNotTell {
			n++
		}
	}
	return n
}

// Advice is the gravest advice of those that differ; empty if none does.
func (f *Findings) Advice() Advice {
	var worst Advice
	for _, a := range f.Answers {
		if a.Result == Differs && rank(a.Advice) > rank(worst) {
			worst = a.Advice
		}
	}
	return worst
}

func rank(a Advice) int {
	for i, b := range [...]Advice{SafeToGoOn, SetOption, DoNotFederate} {
		if a == b {
			return i + 1
		}
	}
	return 0
}

// WriteTo writes the answers for people: what differs first, each with what it means,
// then what could not be told though it is readable and why, then what holds, and at last
// what reading cannot tell, with its knobs.
func (f *Findings) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, f.String())
	return int64(n), err
}

// String is the text that [Findings.WriteTo] writes.
func (f *Findings) String() string {
	var b strings.Builder
	part := func(title string, of func(Answer) bool, line func(Answer)) {
		for _, a := range f.Answers {
			if !of(a) {
				continue
			}
			if title != "" {
				fmt.Fprintf(&b, "%s\n\n", title)
				title = ""
			}
			line(a)
		}
		if title == "" {
			b.WriteByte('\n')
		}
	}
	long := func(a Answer) {
		fmt.Fprintf(&b, "  %-26s assumed:  %s\n  %-26s seen:     %s\n", a.ID, a.Assumed, "", a.Seen)
		if a.Result == Differs {
			fmt.Fprintf(&b, "  %-26s means:    %s\n", "", a.Means())
		}
	}
	part("Differs", func(a Answer) bool { return a.Result == Differs }, long)
	part("Could not be told, though it can be read", func(a Answer) bool { return a.Result == CouldNotTell && a.Kind == Readable },
		func(a Answer) { fmt.Fprintf(&b, "  %-26s %s\n", a.ID, a.Seen) })
	part("Holds", func(a Answer) bool { return a.Result == Holds },
		func(a Answer) { fmt.Fprintf(&b, "  %-26s %s\n", a.ID, a.Assumed) })
	part("Cannot be told by reading; the knob of the stand-ins tries both", func(a Answer) bool { return a.Kind != Readable },
		func(a Answer) {
			fmt.Fprintf(&b, "  %-26s %s (%s; %s)\n", a.ID, a.Assumed, a.Kind, strings.Join(a.Knobs, ", "))
		})
	fmt.Fprintf(&b, "%d hold, %d differ, %d could not be told, %d cannot be told by reading; %d requests, none of which wrote.\n",
		f.Count(Holds), f.Count(Differs), f.Unseen(), f.Count(CouldNotTell)-f.Unseen(), f.Requests)
	switch f.Advice() {
	case SetOption:
		b.WriteString("Before you federate, set what the differences name.\n")
	case DoNotFederate:
		b.WriteString("Do not federate yet: see what differs.\n")
	case SafeToGoOn:
		b.WriteString("What differs is borne: it is safe to go on.\n")
	}
	return b.String()
}
