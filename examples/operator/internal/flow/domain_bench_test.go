package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

const testDomain = "example.com"

// bench plays a Domain by time skipping, over all its runs: what continues as new is
// handed its argument. Activities are functions of how often they were called before.
type bench struct {
	t      *testing.T
	speed  float64
	began  time.Time
	events []*event
	// bounds of a run, for tests of continue-as-new; nil for none.
	bound func(env *testsuite.TestWorkflowEnvironment, run int)
	admit func(id string) bool

	mu           sync.Mutex
	env          *testsuite.TestWorkflowEnvironment
	calls        []call1
	notices      []Notice
	outcomes     []string // batch:outcome
	rotationTold []string // the signals that a rotation was sent
	shown        []State
	rotated      []RotationIn
	cancels      int
	runs         int
	largest      int
	payloads     []string
	err          error
	done         bool

	look      func(n int) LookOut
	revert    func(n int, in ProposeRevertIn) ProposeOut
	rotate    func(n int, in ProposeRotationIn) ProposeOut
	run       func(ctx context.Context, n int, in RunIn) (RunOut, error)
	verify    func(n int) VerifyOut
	watch     func(n int, in WatchIn) WatchOut
	tellFails func(at time.Duration) bool
}

// call1 is a call of an activity, at a time since the beginning.
type call1 struct {
	name string
	at   time.Duration
	in   any
}

// event is something from outside.
type event struct {
	at    time.Duration
	do    func()
	fired bool
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, speed: 1, began: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	b.look = func(int) LookOut {
		return LookOut{Reply: known(), Found: federation.StateManaged, Look: &Look{Changes: 3}, Open: proposal("a")}
	}
	b.run = func(_ context.Context, _ int, in RunIn) (RunOut, error) { return runDone(in), nil }
	b.verify = func(int) VerifyOut { return good() }
	b.watch = func(_ int, in WatchIn) WatchOut { return quiet(in) }
	return b
}

func known() Reply { return Reply{Customer: "acme", Mode: "manage"} }

func proposal(c string) *Open {
	hash := strings.Repeat(c, 64)
	return &Open{
		Hash: hash, Verb: federation.VerbFederate, Proposal: ref("proposals/" + hash + ".json"), Changes: 3, Life: 30 * 24 * time.Hour,
	}
}

func ref(name string) data.Ref { return data.Ref{Name: name, SHA256: strings.Repeat("0", 64)} }

func runDone(in RunIn) RunOut {
	r := ref("reports/" + in.Domain + "/" + in.Approved.Run + ".json")
	return RunOut{Reply: known(), Done: true, Sent: true, Report: &r, After: federation.StateFederated, Steps: 3}
}

func good() VerifyOut {
	v := ref("verifications/1.json")
	return VerifyOut{Reply: known(), Found: federation.StateFederated, Effective: true, Verification: &v,
		Layers: []Layer{{Name: "realm", Status: federation.Good}}}
}

func lateness(again time.Duration) VerifyOut {
	v := ref("verifications/0.json")
	return VerifyOut{Reply: known(), Found: federation.StateFederated, AskAgain: again, Verification: &v,
		Layers: []Layer{{Name: "realm", Status: federation.Late}}}
}

func quiet(in WatchIn) WatchOut {
	out := WatchOut{Reply: known(), Watched: &Watched{Known: true, Days: 300, Replace: "f1"}}
	if in.Whole {
		v := good()
		out.Whole = &v
	}
	return out
}

func trouble(class federation.ErrorClass, text string) Reply {
	r := known()
	r.Problem = &Problem{Class: class, Text: text}
	return r
}

// called notes a call, and returns how many there were of that name before.
func (b *bench) called(name string, in any) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.calls {
		if c.name == name {
			n++
		}
	}
	b.calls = append(b.calls, call1{name: name, at: b.env.Now().Sub(b.began), in: in})
	return n
}

type activities struct{ b *bench }

func (a activities) Look(_ context.Context, in LookIn) (LookOut, error) {
	return a.b.look(a.b.called("Look", in)), nil
}

func (a activities) ProposeRevert(_ context.Context, in ProposeRevertIn) (ProposeOut, error) {
	return a.b.revert(a.b.called("ProposeRevert", in), in), nil
}

func (a activities) ProposeRotation(_ context.Context, in ProposeRotationIn) (ProposeOut, error) {
	return a.b.rotate(a.b.called("ProposeRotation", in), in), nil
}

func (a activities) Run(ctx context.Context, in RunIn) (RunOut, error) {
	return a.b.run(ctx, a.b.called("Run", in), in)
}

func (a activities) Rotate(context.Context, RotateIn) (RotateOut, error) {
	return RotateOut{}, errors.New("Domain makes no rotation")
}

func (a activities) Verify(_ context.Context, in VerifyIn) (VerifyOut, error) {
	return a.b.verify(a.b.called("Verify", in)), nil
}

func (a activities) Watch(_ context.Context, in WatchIn) (WatchOut, error) {
	return a.b.watch(a.b.called("Watch", in), in), nil
}

func (a activities) Tell(_ context.Context, in Notice) error {
	a.b.called("Tell", in)
	if a.b.tellFails != nil && a.b.tellFails(a.b.env.Now().Sub(a.b.began)) {
		return errors.New("nobody answers")
	}
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	a.b.notices = append(a.b.notices, in)
	return nil
}

var _ Activities = (*activities)(nil)

// measured is a converter that keeps what it converts.
type measured struct {
	converter.DataConverter
	b *bench
}

func (m measured) ToPayload(v any) (*commonpb.Payload, error) {
	p, err := m.DataConverter.ToPayload(v)
	m.keep(p)
	return p, err
}

func (m measured) ToPayloads(v ...any) (*commonpb.Payloads, error) {
	p, err := m.DataConverter.ToPayloads(v...)
	for _, p := range p.GetPayloads() {
		m.keep(p)
	}
	return p, err
}

func (m measured) keep(p *commonpb.Payload) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.b.largest = max(m.b.largest, len(p.GetData()))
	m.b.payloads = append(m.b.payloads, string(p.GetData()))
}

// at has something done from outside after so much time.
func (b *bench) at(after time.Duration, do func()) {
	b.events = append(b.events, &event{at: after, do: do})
}

// play plays for so long, then cancels the workflow; its error is kept if it ends before.
func (b *bench) play(limit time.Duration) {
	b.t.Helper()
	b.carry(limit, DomainIn{Domain: testDomain, Speed: b.speed})
	if b.largest > 32<<10 {
		b.t.Errorf("a payload has %d bytes, more than 32 KiB", b.largest)
	}
}

func (b *bench) carry(limit time.Duration, in DomainIn) {
	b.t.Helper()
	now := b.began
	for !b.done {
		if b.runs++; b.runs > 2000 {
			b.t.Fatal("it continues as new for ever")
		}
		env := b.newEnv(now)
		passed := now.Sub(b.began)
		for _, e := range b.events {
			if !e.fired && (len(b.events) < 500 || e.at <= passed+maxAge+time.Hour) { // the environment does not take a thousand
				env.RegisterDelayedCallback(func() {
					if !e.fired && !env.IsWorkflowCompleted() {
						e.fired = true
						e.do()
					}
				}, max(e.at-passed, 0))
			}
		}
		over := false
		env.RegisterDelayedCallback(func() { over = true; env.CancelWorkflow() }, limit-passed)
		w := &Workflows{Show: func(s State) { b.shown = append(b.shown, s) }, Admit: b.admit}
		env.RegisterWorkflow(w.Domain)
		env.ExecuteWorkflow(w.Domain, in)
		now = env.Now()
		err := env.GetWorkflowError()
		var again *workflow.ContinueAsNewError
		switch {
		case errors.As(err, &again):
			in = DomainIn{}
			if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &in); err != nil {
				b.t.Fatal(err)
			}
		case over:
			b.done = true
		default:
			b.err, b.done = err, true
		}
	}
}

func (b *bench) newEnv(now time.Time) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	b.mu.Lock()
	b.env = env
	b.mu.Unlock()
	env.SetStartTime(now)
	env.SetTestTimeout(5 * time.Minute)
	env.SetDetachedChildWait(false)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: DomainID(testDomain), TaskQueue: TaskQueue})
	env.SetDataConverter(measured{DataConverter: converter.GetDefaultDataConverter(), b: b})
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.RegisterActivity(&activities{b: b})
	env.RegisterWorkflowWithOptions(func(_ workflow.Context, in RotationIn) error {
		b.rotated = append(b.rotated, in)
		return nil
	}, workflow.RegisterOptions{Name: "Rotation"})
	const anything = "mock.Anything"
	env.OnSignalExternalWorkflow(anything, anything, anything, SignalOutcome, anything).Maybe().Return(
		func(_, id, _, _ string, arg any) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.outcomes = append(b.outcomes, strings.TrimPrefix(id, BatchID(""))+":"+string(arg.(OutcomeSignal).Outcome))
			return nil
		})
	env.OnSignalExternalWorkflow(anything, RotationID(testDomain), anything, anything, anything).Maybe().Return(
		func(_, _, _, name string, arg any) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if p, ok := arg.(PausedSignal); ok {
				name += fmt.Sprint(" ", p.Paused)
			}
			b.rotationTold = append(b.rotationTold, name)
			return nil
		})
	env.OnRequestCancelExternalWorkflow(anything, RotationID(testDomain), anything).Maybe().Return(
		func(_, _, _ string) error {
			b.cancels++
			return nil
		})
	if b.bound != nil {
		b.bound(env, b.runs)
	}
	return env
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// answer is what came of an update.
type answer struct {
	accepted bool
	refused  string
}

// update sends one.
func (b *bench) update(id, name string, args ...any) *answer {
	a := &answer{}
	b.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept: func() { a.accepted = true },
		OnReject: func(err error) {
			a.refused = err.Error()
			if app := (*temporal.ApplicationError)(nil); errors.As(err, &app) {
				a.refused = app.Message()
			}
		},
		OnComplete: func(any, error) {},
	}, args...)
	return a
}

// approve approves what is proposed by proposal(c).
func (b *bench) approve(id, c, batch string) *answer {
	return b.update(id, UpdateApprove, ApproveArg{
		Hash: strings.Repeat(c, 64), Approval: ref("approvals/" + id + ".json"), Complete: true, Batch: batch,
	})
}

func (b *bench) signal(name string, arg any) { b.env.SignalWorkflow(name, arg) }

// state asks where the domain is.
func (b *bench) state() State {
	b.t.Helper()
	var s State
	v, err := b.env.QueryWorkflow(QueryState)
	if err == nil {
		err = v.Get(&s)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// last is the state that was shown last.
func (b *bench) last() State {
	b.t.Helper()
	if len(b.shown) == 0 {
		b.t.Fatal("nothing was shown")
	}
	return b.shown[len(b.shown)-1]
}

func (b *bench) of(name string) []call1 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.calls), func(c call1) bool { return c.name != name })
}

// times are when an activity was called.
func (b *bench) times(name string) []time.Duration {
	var out []time.Duration
	for _, c := range b.of(name) {
		out = append(out, c.at)
	}
	return out
}

// told counts the notices by kind.
func (b *bench) told(kind string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, notice := range b.notices {
		if notice.Kind == kind {
			n++
		}
	}
	return n
}

// phases are those that were shown, without repetition.
func (b *bench) phases() []Phase {
	var out []Phase
	for _, s := range b.shown {
		out = append(out, s.Phase)
	}
	return slices.Compact(out)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// listenCompleted calls a function after each activity but notices.
func listenCompleted(act func()) func(*activity.Info, converter.EncodedValue, error) {
	return func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name != "Tell" {
			act()
		}
	}
}
