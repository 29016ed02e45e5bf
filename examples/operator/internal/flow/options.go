package flow

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Limits of one run of a workflow, before it continues as new.
const (
	maxAge    = 24 * time.Hour
	maxEvents = 1500
	maxBytes  = 3 << 19 // 1.5 MiB
)

// Versions. A change of a workflow that makes other commands of a history that may still
// be open is named here, asked for by [workflow.GetVersion] where it is made, and stays
// until no such history is open. versionDomain marks each run of Domain as one that has
// the changes up to its number; versionDomainNow is the present one. Since 2, what came in
// the same task is seen to before the next step.
//
// versionSkip marks a skip of a Batch; since 1, a domain that waits for its turn is told.
const (
	versionDomain    = "domain"
	versionDomainNow = workflow.Version(2)
	versionSkip      = "skip"
	versionSkipNow   = workflow.Version(1)
)

// WorkerOptions are those of a worker with these workflows. One whose history does not
// fit the program waits for a program that it fits; it does not fail.
func WorkerOptions() worker.Options {
	return worker.Options{WorkflowPanicPolicy: worker.BlockWorkflow}
}

// lost is how an activity is tried again whose worker was lost.
func lost() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: 10 * time.Second, BackoffCoefficient: 2, MaximumInterval: 15 * time.Minute}
}

// reading are the options of an activity that only reads. Without a heartbeat one that was
// killed would be waited for to its very end.
func reading() workflow.ActivityOptions {
	return workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: 30 * time.Second, RetryPolicy: lost()}
}

// writing are the options of an activity that writes. One that is cancelled is waited for.
func writing() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Hour, HeartbeatTimeout: 30 * time.Second, WaitForCancellation: true, RetryPolicy: lost(),
	}
}

// telling are the options of sending a notice until it is too old.
func telling(left time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: left, RetryPolicy: lost()}
}
