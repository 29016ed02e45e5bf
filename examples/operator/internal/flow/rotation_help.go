package flow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// rotationTell sends a notice, for a day at most: what is told is on the page as well.
func rotationTell(ctx workflow.Context, notice Notice) {
	ctx = workflow.WithActivityOptions(ctx, telling(tellFor))
	if err := workflow.ExecuteActivity(ctx, "Tell", notice).Get(ctx, nil); err != nil && ctx.Err() == nil {
		workflow.GetLogger(ctx).Error("a notice was not sent", "notice", notice.ID, "error", err)
	}
}

// rotationLong reports whether the history is long enough to continue as new.
func rotationLong(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() ||
		info.GetCurrentHistoryLength() > maxEvents || info.GetCurrentHistorySize() > maxBytes
}

// rotationDrain drops the signals that are there.
func rotationDrain(ch workflow.ReceiveChannel) {
	for ch.ReceiveAsync(nil) {
	}
}

// rotationBent is a duration of the bent clock by the server's. What is longer than 0 stays so.
func rotationBent(d time.Duration, speed float64) time.Duration {
	if speed > 0 && d > 0 {
		return max(time.Duration(float64(d)/speed), time.Millisecond)
	}
	return d
}

// rotationUnbent is a duration of the server's clock by the bent one.
func rotationUnbent(d time.Duration, speed float64) time.Duration {
	if speed > 0 {
		return time.Duration(float64(d) * speed)
	}
	return d
}
