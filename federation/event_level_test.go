package federation

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestLevel: a refusal among failures does not make them quieter.
func TestLevel(t *testing.T) {
	left := fmt.Errorf("federation: %w, so this is not done: x", ErrDiffers)
	failed := &StepError{PhaseUndo, Change{}, errors.New("broken")}
	for _, tt := range []struct {
		name  string
		phase Phase
		err   error
		want  slog.Level
	}{
		{"good", PhaseDone, nil, slog.LevelInfo},
		{"left", PhaseDone, left, slog.LevelWarn},
		{"several left", PhaseDone, errors.Join(left, left), slog.LevelWarn},
		{"one left, one failed", PhaseDone, errors.Join(left, failed), slog.LevelError},
		{"refused while something failed", PhaseDone, errors.Join(failed, &PreconditionError{}), slog.LevelError},
		{"refused in a step", PhaseDone, &StepError{PhaseCheck, Change{}, &PreconditionError{}}, slog.LevelWarn},
		{"not confirmed, for a reason", PhaseDone, fmt.Errorf("federation: %w: %w", ErrNotConfirmed, failed), slog.LevelWarn},
		{"not approved", PhaseDone, fmt.Errorf("federation: %w: the proposal has expired", ErrNotApproved), slog.LevelWarn},
		{"not approved any more", PhaseDone, &StepError{PhaseApply, Change{}, fmt.Errorf("federation: %w: x", ErrNotApproved)}, slog.LevelWarn},
		{"not stored", PhaseDone, fmt.Errorf("federation: %w: %w", ErrNotStored, errors.New("full")), slog.LevelError},
		{"read-only", PhaseDone, &StepError{PhaseApply, Change{}, &aad.Error{Err: aad.ErrReadOnly}}, slog.LevelWarn},
		{"read-only, the other service", PhaseDone, &jumpcloud.Error{Err: jumpcloud.ErrReadOnly}, slog.LevelWarn},
		{"not started", PhaseDone, fmt.Errorf("federation: %w", ErrNotStarted), slog.LevelWarn},
		{"away at the end", PhaseDone, &aad.Error{StatusCode: 503}, slog.LevelError},
		{"away", PhaseApply, &aad.Error{StatusCode: 503}, slog.LevelWarn},
		{"denied", PhaseApply, &aad.Error{StatusCode: 403}, slog.LevelError},
		{"a look", PhaseWait, errors.New("another run was faster"), slog.LevelWarn},
	} {
		if got := (Event{Phase: tt.phase, Elapsed: 1, Err: tt.err}).level(); tt.phase != PhaseWait && got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
		if got := (Event{Phase: tt.phase, Err: tt.err}).level(); tt.phase == PhaseWait && got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
}
