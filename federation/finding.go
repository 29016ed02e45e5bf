package federation

import (
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a [Finding] matters.
type Severity string

const (
	// Info is worth knowing and hinders nothing.
	Info Severity = "info"
	// Warning should be looked at; nothing is hindered.
	Warning Severity = "warning"
	// Refusal keeps Federate from writing, unless the plan consents to it.
	Refusal Severity = "refusal"
	// Alarm looks like the trace of an intruder: look at it before all else.
	Alarm Severity = "alarm"
)

// A Code names a kind of finding. Codes are stable; texts are not.
type Code string

// A Finding is something that a person should know before, during or after a
// federation: a gate that is shut, a person who will be locked out, a drift.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	// Subject is what it is about: a domain, an application, a user.
	Subject string `json:"subject,omitempty"`
	// Message says what was found, in one sentence.
	Message string `json:"message"`
	// Repair says what to do about it.
	Repair string `json:"repair,omitempty"`
	// Consent names the field of [Consent] that overrides a refusal, if any.
	Consent string `json:"consent,omitempty"`
	// Consented is set when the plan consents.
	Consented bool `json:"consented,omitempty"`
	// People are all whom it is about, where it is about people; the message
	// names some. A [Preflight] leaves them out, because it has them anyhow.
	People []PersonFinding `json:"people,omitempty"`
}

// String returns the finding on one line.
func (f Finding) String() string {
	s := f.Message
	if f.Repair != "" {
		s += " (" + f.Repair + ")"
	}
	return s
}

// refuses reports whether the finding keeps Federate from writing.
func (f Finding) refuses() bool { return f.Severity == Refusal && !f.Consented }

// A PreconditionError lists everything that stands in the way, so that one run
// shows it all. Nothing was written, or, if it is found right before the domain is
// switched, nothing that people sign in by: the error says which.
//
// It is [ErrDiffers] too if Revert was refused because the present state is not
// what the run left.
type PreconditionError struct {
	Findings []Finding

	differs   bool
	switching bool // something was written before, but the domain was not switched

	// People are all who would lose their sign-in, however many: those of the
	// findings, each once, with the first reason.
	People []PersonFinding
}

// Is reports whether the error is target's kind as well.
func (e *PreconditionError) Is(target error) bool { return e.differs && target == ErrDiffers }

// Error lists the problems on one line, each with what to do.
func (e *PreconditionError) Error() string {
	var b strings.Builder
	b.WriteString("federation: refused before any write")
	if e.switching {
		b.Reset()
		b.WriteString("federation: refused before the domain was switched")
	}
	if len(e.Findings) > 1 {
		fmt.Fprintf(&b, ", %d problems", len(e.Findings))
	}
	b.WriteString(": ")
	for i, f := range e.Findings {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.String())
	}
	return b.String()
}

// Has reports whether one of the problems has this code.
func (e *PreconditionError) Has(c Code) bool {
	return slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Code == c })
}

// findings collects what was found. A method adds one finding, and returns it as
// long as none is added after it.
type findings []Finding

func (fs *findings) add(s Severity, c Code, subject, message, repair string) *Finding {
	*fs = append(*fs, Finding{Code: c, Severity: s, Subject: subject, Message: message, Repair: repair})
	return &(*fs)[len(*fs)-1]
}

func (fs *findings) refuse(c Code, subject, message, repair string) *Finding {
	return fs.add(Refusal, c, subject, message, repair)
}

func (fs *findings) alarm(c Code, subject, message, repair string) *Finding {
	return fs.add(Alarm, c, subject, message, repair)
}

func (fs *findings) warn(c Code, subject, message, repair string) *Finding {
	return fs.add(Warning, c, subject, message, repair)
}

func (fs *findings) info(c Code, subject, message, repair string) *Finding {
	return fs.add(Info, c, subject, message, repair)
}

// unless says which field of [Consent] overrides the finding, and whether the plan
// has it.
func (f *Finding) unless(field string, given bool) { f.Consent, f.Consented = field, given }

// err returns the refusals as one error, or nil.
func (fs findings) err() error {
	var bad []Finding
	for _, f := range fs {
		if f.refuses() {
			bad = append(bad, f)
		}
	}
	if bad == nil {
		return nil
	}
	e := &PreconditionError{Findings: bad}
	for _, f := range bad {
		e.People = append(e.People, f.People...)
	}
	return e
}
