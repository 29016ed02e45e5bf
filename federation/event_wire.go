package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Moment tells the start of a thing from its end.
type Moment string

// The moments. A thing need not have all of them: looking has no end of its own.
const (
	MomentStart    Moment = "start"    // of a phase or a change
	MomentProgress Moment = "progress" // one look of several, some people of all
	MomentEnd      Moment = "end"      // of a phase, a change or a run; Err says that it failed
)

// Moment says whether a phase or a change starts with e, goes on, or has ended.
// An event that ends one has an Elapsed; that of a whole run is [PhaseDone].
func (e Event) Moment() Moment {
	switch {
	case e.Elapsed > 0 || e.Phase == PhaseDone:
		return MomentEnd
	case e.Phase == PhaseWait, e.Phase == PhaseObserve && e.Attempt > 0, e.Done > 0 || e.Total > 0, e.Err != nil:
		return MomentProgress
	}
	return MomentStart
}

// String says in a few words what e tells: its Text, or what stands for it if it
// has none, and the failure. It is never empty.
func (e Event) String() string {
	s := e.words()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// words is Text, never empty.
func (e Event) words() string {
	if e.Text != "" {
		return e.Text
	}
	what := "both services"
	if e.Change != nil {
		what = e.Change.String()
	}
	switch moment := e.Moment(); e.Phase {
	case PhaseObserve:
		return "reading " + what
	case PhaseCheck:
		return "checking"
	case PhaseConfirm:
		return "asking for confirmation"
	case PhaseWait:
		if e.Change != nil {
			return "waiting until it shows: " + what
		}
		return "looking again"
	case PhaseApply, PhaseUndo:
		switch {
		case moment == MomentStart:
			return "sending: " + what
		case e.Err != nil:
			return "not done: " + what
		}
		return "done: " + what
	case PhaseDone:
		if e.Err != nil {
			return "ended with an error"
		}
		return "done"
	}
	return "phase " + string(e.Phase)
}

// wireEvent is an [Event] as JSON.
type wireEvent struct {
	Time    time.Time     `json:"time,omitzero"`
	Phase   Phase         `json:"phase"`
	Moment  Moment        `json:"moment"`
	Domain  string        `json:"domain,omitempty"`
	Change  *Change       `json:"change,omitempty"`
	Text    string        `json:"text"`
	Attempt int           `json:"attempt,omitempty"`
	Elapsed time.Duration `json:"elapsedNanoseconds,omitempty"`
	Done    int           `json:"done,omitempty"`
	Total   int           `json:"total,omitempty"`
	Error   string        `json:"error,omitempty"`
}

// MarshalJSON implements [json.Marshaler]: the fields in lower case, Err as its
// text, Elapsed in nanoseconds, the [Moment] beside them, and a text that is never
// empty. It holds what the event holds: names and addresses of people as far as the
// change, the text or the error name them, and no secrets.
func (e Event) MarshalJSON() ([]byte, error) {
	w := wireEvent{
		Time: e.Time, Phase: e.Phase, Moment: e.Moment(), Domain: e.Domain, Change: e.Change, Text: e.words(),
		Attempt: e.Attempt, Elapsed: e.Elapsed, Done: e.Done, Total: e.Total,
	}
	if e.Err != nil {
		if w.Error = e.Err.Error(); w.Error == "" {
			w.Error = "failed"
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements [json.Unmarshaler]. Of an error its text comes back,
// and not what it is: [errors.Is] finds nothing in it.
func (e *Event) UnmarshalJSON(b []byte) error {
	var w wireEvent
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("federation: this is no event: %w", err)
	}
	*e = Event{
		Time: w.Time, Phase: w.Phase, Domain: w.Domain, Change: w.Change, Text: w.Text,
		Attempt: w.Attempt, Elapsed: w.Elapsed, Done: w.Done, Total: w.Total,
	}
	if w.Error != "" {
		e.Err = errors.New(w.Error)
	}
	return nil
}

// level is how loud an event is in the log: see [Options.Logger].
func (e Event) level() slog.Level {
	switch {
	case e.Err == nil:
		return slog.LevelInfo
	case e.Moment() == MomentProgress, e.Phase != PhaseDone && (temporary(e.Err) || already(e.Err)), refusal(e.Err):
		return slog.LevelWarn
	}
	return slog.LevelError
}

// refusal reports whether err is nothing but a decision of this library, or of the
// person it asked, not to write: nothing has failed.
func refusal(err error) bool {
	switch err {
	case ErrNotConfirmed, ErrNotApproved, ErrNotStarted, ErrDiffers, aad.ErrReadOnly, jumpcloud.ErrReadOnly:
		return true
	}
	switch err := err.(type) {
	case *PreconditionError:
		return true
	case interface{ Unwrap() []error }:
		all := err.Unwrap()
		if slices.Contains(all, ErrNotConfirmed) { // the others are why
			return true
		}
		return len(all) > 0 && !slices.ContainsFunc(all, func(err error) bool { return !refusal(err) })
	case interface{ Unwrap() error }:
		return refusal(err.Unwrap())
	}
	return false
}
