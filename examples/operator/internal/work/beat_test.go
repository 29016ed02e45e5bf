package work

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

// beats are the heartbeats of an activity: those by the client, which gets an answer, and
// those by the SDK.
type beats struct {
	client.Client
	answer     error
	asked, sdk int
}

func (b *beats) RecordActivityHeartbeat(_ context.Context, _ []byte, details ...any) error {
	if p, ok := details[0].(Progress); ok && p.Steps == 3 {
		b.asked++
	}
	return b.answer
}

// listening has activities use beats.
type listening struct {
	interceptor.WorkerInterceptorBase
	b *beats
}

func (l *listening) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &inbound{b: l.b}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	b *beats
}

func (i *inbound) Init(next interceptor.ActivityOutboundInterceptor) error {
	out := &outbound{b: i.b}
	out.Next = next
	return i.Next.Init(out)
}

type outbound struct {
	interceptor.ActivityOutboundInterceptorBase
	b *beats
}

func (o *outbound) RecordHeartbeat(_ context.Context, _ ...any) { o.b.sdk++ }

// A heartbeat tells whether it got through. What ends the activity, the SDK hears of.
func TestHeartbeat(t *testing.T) {
	for name, tt := range map[string]struct {
		answer error
		sdk    int
	}{
		"taken":     {nil, 0},
		"away":      {serviceerror.NewUnavailable("away"), 0},
		"too late":  {context.DeadlineExceeded, 0},
		"cancelled": {temporal.NewCanceledError(), 1},
		"lost":      {serviceerror.NewNotFound("of another worker"), 1},
		"paused":    {activity.ErrActivityPaused, 1},
		"reset":     {activity.ErrActivityReset, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := &beats{answer: tt.answer}
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&listening{b: b}}})
			var got error
			beat := func(ctx context.Context) error { got = Heartbeat(b)(ctx, Progress{Steps: 3}); return nil }
			env.RegisterActivity(beat)
			if _, err := env.ExecuteActivity(beat); err != nil {
				t.Fatal(err)
			}
			if b.asked != 1 || b.sdk != tt.sdk || !errors.Is(got, tt.answer) {
				t.Errorf("%d heartbeats, %d of the SDK, %v", b.asked, b.sdk, got)
			}
		})
	}
}
