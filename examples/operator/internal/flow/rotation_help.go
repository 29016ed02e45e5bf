package flow

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// rotationTell sends a notice, for a day at most: what is told is on the page as well.
func rotationTell(ctx workflow.Context, notice Notice) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: rotationFirst, BackoffCoefficient: 2, MaximumInterval: rotationLast,
		},
	})
	if err := workflow.ExecuteActivity(ctx, "Tell", notice).Get(ctx, nil); err != nil && ctx.Err() == nil {
		workflow.GetLogger(ctx).Error("a notice was not sent", "id", notice.ID, "error", err)
	}
}

// rotationLong says that the history is to be continued as new.
func rotationLong(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() >= rotationHistory
}

// rotationDrain drops the signals that are there.
func rotationDrain(ch workflow.ReceiveChannel) {
	for ch.ReceiveAsync(nil) {
	}
}

// rotationBackoff is how long to wait after so many failures, from 1.
func rotationBackoff(failures int) time.Duration {
	d := rotationFirst
	for range failures - 1 {
		if d *= 2; d >= rotationLast {
			return rotationLast
		}
	}
	return d
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

// rotationRefuse is what a validator says; the page shows it as it is.
func rotationRefuse(text string) error {
	return temporal.NewNonRetryableApplicationError(text, "refused", nil)
}
