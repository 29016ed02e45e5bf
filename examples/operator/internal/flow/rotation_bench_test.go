package flow

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// anyArgument is what a mock of the test suite takes for any argument.
const anyArgument = "mock.Anything"

// rotationBench plays a Rotation by time skipping, over all its runs. It is the activities.
type rotationBench struct {
	t     *testing.T
	speed float64
	env   *testsuite.TestWorkflowEnvironment
	began time.Time
	start *time.Time // of the run, of those after the first
	runs  int
	ran   []RotationIn
	err   error

	mu      sync.Mutex
	calls   []RotateIn
	at      []time.Duration // of the calls, since the beginning, by the server's clock
	told    []Notice
	toldAt  []time.Duration
	heard   []RotationState // by the domain
	gone    bool            // the domain
	tellErr error

	rotate func(n int) (RotateOut, error) // n from 0
	first  func()                         // before the first run plays
	bound  func(run int)                  // before each run plays
	admit  func(id string) bool
}

func newRotation(t *testing.T, rotate func(n int) (RotateOut, error)) *rotationBench {
	return &rotationBench{t: t, rotate: rotate}
}

func (b *rotationBench) Rotate(_ context.Context, in RotateIn) (RotateOut, error) {
	b.mu.Lock()
	n := len(b.calls)
	b.calls, b.at = append(b.calls, in), append(b.at, b.env.Now().Sub(b.began))
	b.mu.Unlock()
	return b.rotate(n)
}

func (b *rotationBench) Tell(_ context.Context, in Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tellErr != nil {
		return b.tellErr
	}
	b.told, b.toldAt = append(b.told, in), append(b.toldAt, b.env.Now().Sub(b.began))
	return nil
}

// rotationIn is what a rotation begins with.
func rotationIn(speed float64) RotationIn {
	return RotationIn{Domain: "a.example", Speed: speed, Approved: Approved{
		Run: "r1", Open: Open{Hash: "h", Verb: federation.VerbRotate, Rotate: &RotateArg{Method: federation.OwnKeyPair}},
	}}
}

// play plays all runs, and returns the last state that the domain heard.
func (b *rotationBench) play() RotationState {
	b.t.Helper()
	in := rotationIn(b.speed)
	for b.runs = 0; b.runs < 200; {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(rotationSilent{})
		b.env = suite.NewTestWorkflowEnvironment()
		b.env.SetTestTimeout(5 * time.Minute)
		b.env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
		if b.start != nil {
			b.env.SetStartTime(*b.start)
		}
		w := &Workflows{Admit: b.admit}
		b.env.RegisterWorkflow(w.Rotation)
		b.env.RegisterActivity(b.Rotate)
		b.env.RegisterActivity(b.Tell)
		b.env.OnSignalExternalWorkflow(anyArgument, anyArgument, anyArgument, anyArgument, anyArgument).
			Return(func(_, id, run, name string, arg any) error {
				s, ok := arg.(RotationState)
				if !ok || id != "domain/a.example" || run != "" || name != SignalRotation {
					b.t.Errorf("signal %s %s %s %T", id, run, name, arg)
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.gone {
					return errors.New("there is no such workflow")
				}
				b.heard = append(b.heard, s)
				return nil
			})
		if b.runs == 0 {
			b.began = b.env.Now()
			if b.first != nil {
				b.first()
			}
		}
		if b.bound != nil {
			b.bound(b.runs)
		}
		b.ran = append(b.ran, in)
		b.runs++
		b.env.ExecuteWorkflow(w.Rotation, in)
		if !b.env.IsWorkflowCompleted() {
			b.t.Fatal("the workflow does not end")
		}
		b.err = b.env.GetWorkflowError()
		var next *workflow.ContinueAsNewError
		if !errors.As(b.err, &next) {
			return b.last()
		}
		in = RotationIn{}
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
			b.t.Fatal(err)
		}
		now := b.env.Now()
		b.start = &now
	}
	b.t.Fatal("too many runs")
	return RotationState{}
}

func (b *rotationBench) last() RotationState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.heard) == 0 {
		return RotationState{}
	}
	return b.heard[len(b.heard)-1]
}

// query asks the state.
func (b *rotationBench) query() RotationState {
	b.t.Helper()
	v, err := b.env.QueryWorkflow(QueryState)
	if err != nil {
		b.t.Fatal(err)
	}
	var s RotationState
	if err := v.Get(&s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// update makes an update, and keeps what came of it.
func (b *rotationBench) update(id, name string) *rotationAnswer {
	return rotationUpdate(b.env, id, name)
}

type rotationAnswer struct {
	refused, failed error
	done            bool
}

func rotationUpdate(env *testsuite.TestWorkflowEnvironment, id, name string, args ...any) *rotationAnswer {
	a := &rotationAnswer{}
	env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { a.refused = err },
		OnComplete: func(_ any, err error) { a.done, a.failed = true, err },
	}, args...)
	return a
}

// rotationSilent logs nothing.
type rotationSilent struct{}

func (rotationSilent) Debug(string, ...any) {}
func (rotationSilent) Info(string, ...any)  {}
func (rotationSilent) Warn(string, ...any)  {}
func (rotationSilent) Error(string, ...any) {}

// What a call returns.

func rotationRef(n string) *data.Ref { return &data.Ref{Name: "rotations/" + n, SHA256: n} }

func rotationWaits(phase federation.RotationPhase, wait time.Duration) RotateOut {
	return RotateOut{Reply: Reply{Customer: "acme"}, Phase: phase, Wait: wait, Next: "the next call", Rotation: rotationRef(string(phase))}
}

func rotationDone() RotateOut {
	return RotateOut{Reply: Reply{Customer: "acme"}, Phase: federation.RotationRetired, Done: true, Rotation: rotationRef("done")}
}

func rotationTrouble(class federation.ErrorClass) RotateOut {
	return RotateOut{Reply: Reply{Customer: "acme", Problem: &Problem{Class: class, Text: "what happened"}}}
}
