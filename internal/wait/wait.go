// Package wait waits for a time or for the end of a context, whichever comes
// first.
package wait

import (
	"context"
	"fmt"
	"time"
)

// For waits for d. It returns why ctx ended, if that came first: see [Ended].
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return Ended(ctx)
	}
}

type hasteKey struct{}

// Hurry returns a context in which time passes a hundred times as fast for who
// divides waits by [Haste], and multiplies what has passed by it.
func Hurry(ctx context.Context) context.Context {
	return context.WithValue(ctx, hasteKey{}, time.Duration(100))
}

// Haste is 1, and 100 where [Hurry] was asked for.
func Haste(ctx context.Context) time.Duration {
	if haste, ok := ctx.Value(hasteKey{}).(time.Duration); ok {
		return haste
	}
	return 1
}

// Fits reports whether ctx lives longer than d.
func Fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > d
}

// Ended returns why ctx is done, nil if it is not. Where it was ended with a
// cause, the text is the cause's, and [errors.Is] finds the context's error too.
func Ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || cause == err {
		return err
	}
	return &endError{err, cause}
}

type endError struct{ err, cause error }

func (e *endError) Error() string   { return e.cause.Error() }
func (e *endError) Unwrap() []error { return []error{e.err, e.cause} }

// DeadlineError says that a wait would have outlasted the context.
type DeadlineError struct{ Wait time.Duration }

func (e *DeadlineError) Error() string {
	return fmt.Sprintf("the wait of %v before the next request would end after the deadline", e.Wait.Round(time.Millisecond))
}

// Unwrap returns [context.DeadlineExceeded].
func (e *DeadlineError) Unwrap() error { return context.DeadlineExceeded }
