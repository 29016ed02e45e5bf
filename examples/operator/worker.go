package main

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/work"
)

const (
	// workerStop is how long activities are given when the operator ends; what is cut off
	// then is done by the next one.
	workerStop  = 20 * time.Second
	workerFirst = time.Second
	workerMost  = 15 * time.Second
)

// work runs the worker until ctx ends, once the workflows were told what has changed while
// nobody was there. While Temporal is away it tries again.
func (o *operator) work(ctx context.Context, activities *work.Activities) {
	select {
	case <-ctx.Done():
		return
	case <-o.desk.CaughtUp():
	}
	for wait := workerFirst; ctx.Err() == nil; wait = min(2*wait, workerMost) {
		fatal := make(chan error, 1)
		options := flow.WorkerOptions()
		options.WorkerStopTimeout = workerStop
		options.OnFatalError = func(err error) {
			select {
			case fatal <- err:
			default:
			}
		}
		w := worker.New(o.client, flow.TaskQueue, options)
		flows := o.workflows()
		w.RegisterWorkflowWithOptions(flows.Domain, workflow.RegisterOptions{Name: "Domain"})
		w.RegisterWorkflowWithOptions(flows.Rotation, workflow.RegisterOptions{Name: "Rotation"})
		w.RegisterWorkflowWithOptions(flows.Batch, workflow.RegisterOptions{Name: "Batch"})
		w.RegisterActivity(activities)
		err := w.Start()
		if err == nil {
			wait = workerFirst
			select {
			case <-ctx.Done():
				w.Stop()
				return
			case err = <-fatal:
			}
			w.Stop()
		}
		o.log.Warn("the worker does not run; it is tried again", "error", err.Error())
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
	}
}

// sdkLog is the log of the Temporal SDK: warnings and errors, without arguments that the
// SDK does not name itself.
type sdkLog struct{ l *slog.Logger }

// Debug drops a record.
func (sdkLog) Debug(string, ...any) {}

// Info drops a record.
func (sdkLog) Info(string, ...any) {}

// Warn tells a record.
func (s sdkLog) Warn(msg string, args ...any) { s.l.Warn(msg, args...) }

// Error tells a record.
func (s sdkLog) Error(msg string, args ...any) { s.l.Error(msg, args...) }
