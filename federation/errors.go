package federation

import (
	"context"
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

var (
	// ErrNotConverged means that a change was made, or may have been made, but
	// did not show within [Options.Settle]. Running again looks first and goes
	// on from what it finds.
	ErrNotConverged = errors.New("the change does not show yet")

	// ErrNotConfirmed wraps what [Options.Confirm] returned. Nothing was written.
	ErrNotConfirmed = errors.New("not confirmed")

	// ErrNotStored wraps what [Options.OnReport] returned. Nothing was written after
	// that; what was written before is in the report that the call returns. Running
	// again, once there is room for reports, goes on from what it finds.
	ErrNotStored = errors.New("the report was not stored")
)

// A StepError says what a run was doing when it stopped. While it read, the
// change is the zero one.
type StepError struct {
	Phase  Phase
	Change Change
	Err    error
}

// Error names the phase, the change if there is one, and the cause.
func (e *StepError) Error() string {
	if e.Change.Resource == "" {
		return fmt.Sprintf("federation: %s: %v", e.Phase, e.Err)
	}
	return fmt.Sprintf("federation: %s %s: %v", e.Phase, e.Change.String(), e.Err)
}

// reading says of what failed while something was read which phase it was.
func reading(phase Phase, err error) error {
	if err == nil {
		return nil
	}
	return &StepError{Phase: phase, Err: err}
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// ErrDiffers is why a step is not undone: the present state is not what the
// step left.
var ErrDiffers = errors.New("the present state is not what the step left")

// already reports whether a write was refused because it is so already.
func already(err error) bool {
	return errors.Is(err, aad.ErrAlreadyFederated) || errors.Is(err, aad.ErrConflict) && !errors.Is(err, aad.ErrIssuerInUse) ||
		errors.Is(err, jumpcloud.ErrConflict)
}

// notThere reports whether a service does not know what was just made.
func notThere(err error) bool {
	return errors.Is(err, jumpcloud.ErrNotFound) || errors.Is(err, jumpcloud.ErrInvalid) || errors.Is(err, aad.ErrNotFound)
}

// unheard reports whether a change was refused because the service has not heard
// yet of what it builds on. Of an account that was just made Azure AD says so
// with a 400 as well, "Not a valid reference update".
func unheard(c Change, err error) bool {
	return notThere(err) || c.givesRole() && errors.Is(err, aad.ErrInvalid)
}

// temporary reports whether a failure may pass by itself.
func temporary(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	for _, t := range []error{
		errLagging,
		jumpcloud.ErrThrottled, jumpcloud.ErrUnavailable, jumpcloud.ErrOutcomeUnknown,
		aad.ErrThrottled, aad.ErrUnavailable, aad.ErrOutcomeUnknown,
	} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// errLagging is the answer of a replica that does not know yet, or still knows,
// what another answer of the same service says otherwise of.
var errLagging = errors.New("one answer of the service is older than another")

var errVanished = fmt.Errorf("%w: what is to be made was seen a moment ago, and is not there by its ID either", errLagging)

// lagging takes a 404 for what a list has just shown for such an answer.
func lagging(err error) error {
	if errors.Is(err, jumpcloud.ErrNotFound) {
		return fmt.Errorf("%w: %w", errLagging, err)
	}
	return err
}

// unknown reports whether a failed write may have been carried out.
func unknown(err error) bool {
	return errors.Is(err, jumpcloud.ErrOutcomeUnknown) || errors.Is(err, aad.ErrOutcomeUnknown)
}

func requestID(err error) string {
	var je *jumpcloud.Error
	var ae *aad.Error
	switch {
	case errors.As(err, &je):
		return je.RequestID
	case errors.As(err, &ae):
		return ae.RequestID
	}
	return ""
}
