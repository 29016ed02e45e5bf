package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// An undoStep leads from what a step left (the fields' Old) to what was before
// it (New), whichever way the step went.
type undoStep struct {
	Step
	filed  int // where it is in the report
	at     standing
	why    string // why it differs, or stays
	of     Outcome
	begun  time.Time // when the step that is undone was sent
	losing bool      // sign-in through the application depends on what it takes away

	leftFields []string // of a configuration: what is not restored, and why
	nothing    bool     // what a lost creation would have made is not there
	perhaps    bool     // not worth telling if there is nothing to do
}

func newUndoStep(s Step) *undoStep {
	c := s.Change.inverse()
	return &undoStep{
		Step: Step{Change: c, ID: s.ID, Backup: s.Backup, Absent: s.Absent},
		of:   s.Outcome, begun: s.Started, losing: c.loses(),
	}
}

// was is the value that the step left in a field.
func (s *undoStep) was(name string) string {
	for _, f := range s.Change.Fields {
		if f.Name == name {
			return f.Old
		}
	}
	return ""
}

// unidentified is where a step stands whose creation was never answered, so that
// its thing has no ID.
func (s *undoStep) unidentified(kind string) (standing, string, error) {
	if s.nothing {
		return undone, "", nil
	}
	return differs, "it is not known whether the run made the " + kind + " " + quote(s.Change.Name) + " that is there, " +
		"because no answer came: if it did, delete it by hand", nil
}

// sameTime reports whether something was made when the step was sent.
func (s *undoStep) sameTime(created time.Time) bool {
	d := created.Sub(s.begun)
	return !created.IsZero() && d > -5*time.Minute && d < s.Elapsed+5*time.Minute
}

// takesAway reports whether the change takes something away, rather than adding
// it or naming it otherwise.
func (c Change) takesAway() bool {
	return c.Action == Delete || c.Action == Remove || c.movesDefault() || c.switchesOff()
}

// loses reports whether sign-in through the application depends on what the change
// takes away.
func (c Change) loses() bool { return c.takesAway() && resources[c.Resource].lifeline }

// standing says where a step stands, seen from the services' present state.
type standing int

const (
	asLeft standing = iota // as the step left it
	undone                 // as it was before the step
	differs
)

// presence says where a step stands that takes a thing away, or brings it back,
// by whether the thing is there.
func presence(c Change, there bool) standing {
	if there == (c.Action == Delete || c.Action == Remove) {
		return asLeft
	}
	return undone
}

// fieldsStand compares present values with both ends of a change.
func fieldsStand(fs []Field, now func(name string) string) (standing, string, error) {
	left, before := true, true
	var why []string
	for _, f := range fs {
		v := now(f.Name)
		if f.Old == Later {
			continue // was not known when the change was planned
		}
		if v != f.Old {
			left = false
			why = append(why, fmt.Sprintf("%s is %s, the step left %s", f.Name, f.show(v), f.show(f.Old)))
		}
		if v != f.New {
			before = false
		}
	}
	switch {
	case before:
		return undone, "", nil
	case left:
		return asLeft, "", nil
	}
	return differs, strings.Join(why, ", "), nil
}

// place finds out where a step stands: at the first look, if that finds what the
// step left; what looks gone must look so twice, apart, and for as long as a
// replica may lag behind the step; what looks otherwise must do so for some looks.
func (u *undoing) place(ctx context.Context, s *undoStep) error {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, 2*u.f.opts.Settle, ErrNotConverged)
	defer cancel()
	var gone time.Time // since when it looks undone
	differing := 0
	for n := 1; ; n++ {
		at, why, err := u.stands(ctx, s)
		pause := backoff(n)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			return &StepError{PhaseObserve, s.Change, err}
		case err != nil:
			gone, differing = time.Time{}, 0
		case at == asLeft:
			s.at, s.why = at, why
			return nil
		case at == undone:
			differing = 0
			if gone.IsZero() {
				gone = time.Now()
			}
			if since(ctx, gone) >= apart && !u.young(s) || s.Change.recovers() {
				s.at, s.why = at, ""
				return nil
			}
			pause = apart
		default:
			gone = time.Time{}
			if differing++; differing == differsLooks {
				s.at, s.why = at, why
				return nil
			}
		}
		u.f.emit(ctx, Event{Phase: PhaseWait, Domain: u.p.Domain, Change: &s.Change, Attempt: n,
			Text: "making sure of what there is to undo", Err: err})
		if serr := sleep(ctx, pause); serr != nil {
			return &StepError{PhaseObserve, s.Change, errors.Join(serr, err)}
		}
	}
}

// placeAll does so for every step, side by side.
func (u *undoing) placeAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, s := range u.steps {
		g.Go(func() error { return u.place(ctx, s) })
	}
	return g.Wait()
}
