package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// batchBench plays a Batch by time skipping, over all its runs.
type batchBench struct {
	t     *testing.T
	env   *testsuite.TestWorkflowEnvironment
	began time.Time
	shown []BatchState
	mu    sync.Mutex
	turns []string
	none  []string // were told that they will have no turn
	runs  int
	size  int // of the largest argument that was carried
	err   error

	turn   func(domain string) error // is given a turn
	events []*batchEvent
	bound  func(run int)
	admit  func(id string) bool
}

// batchEvent is what happens once, so long after the beginning. One that sends two signals
// loses the second if the first ends the run: the server does not.
type batchEvent struct {
	at   time.Duration
	do   func()
	done bool
}

func newBatch(t *testing.T) *batchBench { return &batchBench{t: t} }

// at has something happen, so long after the beginning.
func (b *batchBench) at(after time.Duration, do func()) {
	e := &batchEvent{at: after, do: do}
	b.mu.Lock()
	b.events = append(b.events, e)
	b.mu.Unlock()
	if b.env != nil {
		b.register(e)
	}
}

func (b *batchBench) register(e *batchEvent) {
	b.env.RegisterDelayedCallback(func() { e.done = true; e.do() }, max(1, e.at-b.env.Now().Sub(b.began)))
}

func (b *batchBench) play(in BatchIn) BatchState {
	b.t.Helper()
	var now time.Time
	for b.runs = 0; b.runs < 1000; {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(rotationSilent{})
		b.env = suite.NewTestWorkflowEnvironment()
		b.env.SetTestTimeout(5 * time.Minute)
		b.env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
		if b.runs > 0 {
			b.env.SetStartTime(now)
		} else {
			b.began = b.env.Now()
		}
		w := &Workflows{ShowBatch: func(s BatchState) { b.shown = append(b.shown, s) }, Admit: b.admit}
		b.env.RegisterWorkflow(w.Batch)
		b.env.OnSignalExternalWorkflow(anyArgument, anyArgument, anyArgument, anyArgument, anyArgument).
			Return(func(_, id, run, name string, arg any) error {
				domain, ok := strings.CutPrefix(id, "domain/")
				if s, is := arg.(TurnSignal); !ok || !is || s.Batch != "b1" || run != "" || name != SignalTurn {
					b.t.Errorf("signal %s %s %s %+v", id, run, name, arg)
				}
				if s, _ := arg.(TurnSignal); s.Skipped {
					b.mu.Lock()
					defer b.mu.Unlock()
					b.none = append(b.none, domain)
					return nil
				}
				b.mu.Lock()
				b.turns = append(b.turns, domain)
				b.mu.Unlock()
				if b.turn != nil {
					return b.turn(domain)
				}
				return nil
			})
		for _, e := range b.events {
			if !e.done {
				b.register(e)
			}
		}
		if b.bound != nil {
			b.bound(b.runs)
		}
		b.runs++
		b.env.ExecuteWorkflow(w.Batch, in)
		if !b.env.IsWorkflowCompleted() {
			b.t.Fatal("the workflow does not end")
		}
		b.err = b.env.GetWorkflowError()
		var next *workflow.ContinueAsNewError
		if !errors.As(b.err, &next) {
			return b.last()
		}
		in = BatchIn{}
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
			b.t.Fatal(err)
		}
		b.size = max(b.size, len(next.Input.Payloads[0].GetData()))
		now = b.env.Now()
	}
	b.t.Fatal("too many runs")
	return BatchState{}
}

func (b *batchBench) last() BatchState {
	if len(b.shown) == 0 {
		return BatchState{}
	}
	return b.shown[len(b.shown)-1]
}

// says signals how it went with domains.
func (b *batchBench) says(o Outcome, domains ...string) {
	for _, d := range domains {
		b.env.SignalWorkflow(SignalOutcome, OutcomeSignal{Domain: d, Outcome: o})
	}
}

func (b *batchBench) update(id, name string, args ...any) *rotationAnswer {
	return rotationUpdate(b.env, id, name, args...)
}

// turned are those that had a turn, as often as they had one. The suite gives turns that are
// given at once in any order.
func (b *batchBench) turned() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.turns))
}

// seen is what had turns at a moment.
func (b *batchBench) seen(into *[]string) func() {
	return func() { *into = b.turned() }
}

func threeWaves() BatchIn {
	return BatchIn{Batch: "b1", Waves: [][]string{{"0"}, {"a", "b"}, {"c"}}}
}

// A wave begins when the one before is as far as is asked for, or nothing of it is waited for.
func TestBatchWaves(t *testing.T) {
	const at = time.Hour
	for name, c := range map[string]struct {
		federated bool
		says      func(b *batchBench)
		want      []string // turns, after the pilot said so
	}{
		"effective":               {false, func(b *batchBench) { b.says(OutcomeEffective, "0") }, []string{"0", "a", "b"}},
		"federated is not enough": {false, func(b *batchBench) { b.says(OutcomeFederated, "0") }, []string{"0"}},
		"federated, as asked":     {true, func(b *batchBench) { b.says(OutcomeFederated, "0") }, []string{"0", "a", "b"}},
		"effective is federated":  {true, func(b *batchBench) { b.says(OutcomeEffective, "0") }, []string{"0", "a", "b"}},
		"withdrawn":               {false, func(b *batchBench) { b.says(OutcomeWithdrawn, "0") }, []string{"0", "a", "b"}},
		"skipped":                 {false, func(b *batchBench) { b.update("s", UpdateSkip, SkipArg{Domain: "0"}) }, []string{"0", "a", "b"}},
		"nothing":                 {false, func(*batchBench) {}, []string{"0"}},
		"another":                 {false, func(b *batchBench) { b.says(OutcomeEffective, "x", "a") }, []string{"0"}},
		"what there is not":       {false, func(b *batchBench) { b.says("perhaps", "0") }, []string{"0"}},
		"late":                    {true, func(b *batchBench) { b.says(OutcomeEffective, "0"); b.says(OutcomeFederated, "0") }, []string{"0", "a", "b"}},
		"failed":                  {false, func(b *batchBench) { b.says(OutcomeFailed, "0") }, []string{"0"}},
		"approved anew":           {false, func(b *batchBench) { b.says(OutcomeWaiting, "0") }, []string{"0", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBatch(t)
			in := threeWaves()
			in.Federated = c.federated
			var before, after []string
			b.at(at-time.Minute, b.seen(&before))
			b.at(at, func() { c.says(b) })
			b.at(at+time.Minute, b.seen(&after))
			b.at(at+time.Hour, func() { b.env.CancelWorkflow() })
			b.play(in)
			if diff := cmp.Diff([]string{"0"}, before); diff != "" {
				t.Fatal("at first:", diff)
			}
			if diff := cmp.Diff(c.want, after); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBatchToTheEnd(t *testing.T) {
	b := newBatch(t)
	b.turn = func(domain string) error { // at once, before it is known that the turn was given
		b.says(OutcomeFederated, domain)
		b.env.RegisterDelayedCallback(func() { b.says(OutcomeEffective, domain) }, time.Hour)
		return nil
	}
	var during BatchState
	b.at(90*time.Minute, func() {
		v, err := b.env.QueryWorkflow(QueryState)
		if err != nil || v.Get(&during) != nil {
			t.Error("query:", err)
		}
	})
	last := b.play(threeWaves())
	if b.err != nil {
		t.Fatal(b.err)
	}
	if diff := cmp.Diff([]string{"0", "a", "b", "c"}, b.turned()); diff != "" {
		t.Error(diff)
	}
	want := BatchState{Batch: "b1", Waves: threeWaves().Waves, Wave: 2, Done: true, Outcomes: map[string]Outcome{
		"0": OutcomeEffective, "a": OutcomeEffective, "b": OutcomeEffective, "c": OutcomeEffective}}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	want.Wave, want.Done = 1, false
	want.Outcomes = map[string]Outcome{"0": OutcomeEffective, "a": OutcomeFederated, "b": OutcomeFederated, "c": OutcomeWaiting}
	if diff := cmp.Diff(want, during); diff != "" {
		t.Error(diff)
	}
}

func TestBatchFailuresStopIt(t *testing.T) {
	b := newBatch(t)
	in := BatchIn{Batch: "b1", Failures: 2, Waves: [][]string{{"0"}, {"a", "b", "c"}, {"d"}}}
	var stopped, failedOnce, resumed []string
	var state BatchState
	b.at(1*time.Hour, func() { b.says(OutcomeEffective, "0") })
	b.at(2*time.Hour, func() { b.says(OutcomeFailed, "a", "a") }) // one domain, told twice
	b.at(3*time.Hour, func() { b.seen(&failedOnce)(); state = b.last() })
	b.at(4*time.Hour, func() {
		if state.Stopped || state.Failed != 1 {
			t.Errorf("after one failure: %+v", state)
		}
		b.says(OutcomeFailed, "b")
	})
	b.at(5*time.Hour, func() { b.says(OutcomeEffective, "a", "b", "c") }) // those that have their turn go on
	b.at(6*time.Hour, func() { b.seen(&stopped)(); state = b.last() })
	var resume *rotationAnswer
	b.at(7*time.Hour, func() { resume = b.update("r", UpdateResume) })
	b.at(8*time.Hour, b.seen(&resumed))
	b.at(9*time.Hour, func() { b.says(OutcomeEffective, "d") })
	last := b.play(in)
	if diff := cmp.Diff([]string{"0", "a", "b", "c"}, stopped); diff != "" {
		t.Fatal(diff)
	}
	if !state.Stopped || state.Why == "" || state.Failed != 2 || state.Outcomes["c"] != OutcomeEffective {
		t.Errorf("stopped: %+v", state)
	}
	if resume == nil || !resume.done || !slices.Contains(resumed, "d") {
		t.Errorf("resume %+v, turns %v", resume, resumed)
	}
	if b.err != nil || !last.Done || last.Failed != 0 || last.Stopped {
		t.Errorf("%v, %+v", b.err, last)
	}
}

func TestBatchWaitsForAnEarlierWave(t *testing.T) {
	b := newBatch(t)
	in := threeWaves()
	in.Failures = 5
	var held, free []string
	b.at(1*time.Hour, func() { b.says(OutcomeEffective, "0") })
	b.at(2*time.Hour, func() { b.says(OutcomeFailed, "0") })
	b.at(3*time.Hour, func() { b.says(OutcomeEffective, "a", "b") })
	b.at(4*time.Hour, b.seen(&held))
	b.at(5*time.Hour, func() { b.says(OutcomeEffective, "0") })
	b.at(6*time.Hour, b.seen(&free))
	b.at(7*time.Hour, func() { b.says(OutcomeEffective, "c") })
	last := b.play(in)
	if diff := cmp.Diff([]string{"0", "a", "b"}, held); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"0", "a", "b", "c"}, free); diff != "" || !last.Done || b.err != nil {
		t.Errorf("%s%+v, %v", diff, last, b.err)
	}
}

func TestBatchPause(t *testing.T) {
	b := newBatch(t)
	var answers []*rotationAnswer
	do := func(name string) func() {
		return func() { answers = append(answers, b.update(fmt.Sprint(name, len(answers)), name)) }
	}
	var paused, resumed []string
	b.at(1*time.Hour, do(UpdateResume))
	b.at(2*time.Hour, do(UpdatePause))
	b.at(3*time.Hour, do(UpdatePause))
	b.at(4*time.Hour, func() { b.says(OutcomeEffective, "0") })
	var state BatchState
	b.at(5*time.Hour, func() { b.seen(&paused)(); state = b.last() })
	b.at(6*time.Hour, do(UpdateResume))
	b.at(7*time.Hour, b.seen(&resumed))
	b.at(8*time.Hour, func() { b.says(OutcomeEffective, "a", "b") })
	b.at(9*time.Hour, do(UpdatePause))
	b.at(10*time.Hour, func() { b.says(OutcomeEffective, "c") }) // nothing is left: it ends
	last := b.play(threeWaves())
	if len(answers) != 5 || answers[0].refused == nil || answers[2].refused == nil {
		t.Fatalf("%d answers: %+v", len(answers), answers)
	}
	if !answers[1].done || !answers[3].done || !answers[4].done {
		t.Errorf("%+v", answers)
	}
	if diff := cmp.Diff([]string{"0"}, paused); diff != "" {
		t.Error("paused:", diff)
	}
	if !state.Stopped || state.Wave != 0 || state.Outcomes["0"] != OutcomeEffective {
		t.Errorf("paused: %+v", state)
	}
	if diff := cmp.Diff([]string{"0", "a", "b"}, resumed); diff != "" {
		t.Error("resumed:", diff)
	}
	if b.err != nil || !last.Done {
		t.Errorf("%v, %+v", b.err, last)
	}
}

func TestBatchSkip(t *testing.T) {
	b := newBatch(t)
	answers := map[string]*rotationAnswer{}
	skip := func(domain string) func() {
		return func() {
			answers[domain+fmt.Sprint(len(answers))] = b.update(domain+fmt.Sprint(len(answers)), UpdateSkip, SkipArg{Domain: domain})
		}
	}
	b.at(1*time.Hour, skip("x"))
	b.at(2*time.Hour, skip("c")) // before its turn
	b.at(3*time.Hour, skip("c"))
	b.at(4*time.Hour, func() { b.says(OutcomeEffective, "0", "a") })
	b.at(5*time.Hour, skip("0"))
	b.at(6*time.Hour, skip("b"))
	b.at(6*time.Hour+1, func() { b.says(OutcomeFederated, "b"); b.says(OutcomeEffective, "b") })
	last := b.play(threeWaves())
	for name, refused := range map[string]string{"x0": "does not have", "c1": "", "c2": "skipped", "03": "effective", "b4": ""} {
		a := answers[name]
		switch {
		case a == nil:
			t.Fatalf("no answer for %s of %v", name, answers)
		case refused == "" && (a.refused != nil || !a.done):
			t.Errorf("%s: %+v", name, a)
		case refused != "" && (a.refused == nil || !strings.Contains(a.refused.Error(), refused)):
			t.Errorf("%s: refused %v, not with %q", name, a.refused, refused)
		}
	}
	if diff := cmp.Diff([]string{"0", "a", "b"}, b.turned()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c"}, b.none); diff != "" {
		t.Errorf("told that they have no turn: %s", diff)
	}
	if !last.Done || last.Outcomes["b"] != OutcomeSkipped || last.Outcomes["c"] != OutcomeSkipped {
		t.Errorf("%+v", last)
	}
}

func TestBatchFailureOfASkippedDomainCounts(t *testing.T) {
	b := newBatch(t)
	b.at(1*time.Hour, func() { b.update("s", UpdateSkip, SkipArg{Domain: "0"}) })
	b.at(2*time.Hour, func() { b.says(OutcomeFailed, "0") })
	b.at(3*time.Hour, func() { b.env.CancelWorkflow() })
	b.play(threeWaves())
	if last := b.last(); len(b.turned()) != 3 || !last.Stopped || last.Failed != 1 || last.Outcomes["0"] != OutcomeFailed {
		t.Errorf("turns %v, %+v", b.turns, last)
	}
}

func TestBatchDomainGone(t *testing.T) {
	b := newBatch(t)
	b.turn = func(domain string) error {
		switch domain {
		case "a":
			return &temporal.UnknownExternalWorkflowExecutionError{}
		case "c":
			if len(b.turned()) < 5 {
				return errors.New("too many signals")
			}
		}
		b.says(OutcomeEffective, domain)
		return nil
	}
	var state BatchState
	b.at(time.Hour, func() { state = b.last(); b.update("r", UpdateResume) })
	last := b.play(threeWaves())
	if diff := cmp.Diff([]string{"0", "a", "b", "c", "c"}, b.turned()); diff != "" {
		t.Fatal(diff)
	}
	if !state.Stopped || !strings.Contains(state.Why, "the turn of c") || state.Outcomes["c"] != OutcomeWaiting {
		t.Errorf("a turn that could not be given: %+v", state)
	}
	if b.err != nil || !last.Done || last.Outcomes["a"] != OutcomeWithdrawn {
		t.Errorf("%v, %+v", b.err, last)
	}
}

func TestBatchRefused(t *testing.T) {
	for name, waves := range map[string][][]string{
		"no domain": nil, "empty waves": {{}, {}}, "twice": {{"a"}, {"b", "a"}}, "no name": {{"a", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBatch(t)
			b.play(BatchIn{Batch: "b1", Waves: waves})
			if b.err == nil || len(b.turned()) != 0 {
				t.Errorf("%v, turns %v", b.err, b.turns)
			}
		})
	}
	b := newBatch(t)
	b.turn = func(domain string) error { b.says(OutcomeEffective, domain); return nil }
	if last := b.play(BatchIn{Batch: "b1", Waves: [][]string{{}, {"a"}, nil, {"b"}}}); b.err != nil || !last.Done || len(b.turned()) != 2 {
		t.Errorf("empty waves are none: %v, %+v", b.err, last)
	}
}

// hundreds is a batch of 300 domains with names of a usual length.
func hundreds() BatchIn {
	in := BatchIn{Batch: "b1", Waves: [][]string{{"a-pilot.of-a-provider.example"}, nil, nil}}
	for i := range 299 {
		in.Waves[1+min(1, i/10)] = append(in.Waves[1+min(1, i/10)], fmt.Sprintf("customer-%03d.of-a-provider.example", i))
	}
	return in
}

func TestBatchOfHundreds(t *testing.T) {
	for name, continues := range map[string]bool{"in one run": false, "continued whenever it may be": true} {
		t.Run(name, func(t *testing.T) {
			b := newBatch(t)
			b.bound = func(int) { b.env.SetContinueAsNewSuggested(continues) }
			in := hundreds()
			all := slices.Concat(in.Waves...)
			b.turn = func(domain string) error {
				// Some tell at the same moment; where runs end, a little apart, see batchEvent.
				n := slices.Index(all, domain)
				began := b.env.Now().Sub(b.began) + time.Duration(1+n/7)*time.Minute
				if continues {
					began += time.Duration(n)
				}
				b.at(began, func() { b.says(OutcomeFederated, domain) })
				b.at(began+time.Hour, func() { b.says(OutcomeEffective, domain) })
				return nil
			}
			last := b.play(in)
			if b.err != nil || !last.Done || len(last.Outcomes) != 300 {
				t.Fatalf("%v, %d outcomes, done %t", b.err, len(last.Outcomes), last.Done)
			}
			if diff := cmp.Diff(all, b.turned()); diff != "" {
				t.Error("each has one turn:", diff)
			}
			if continues && (b.runs < 10 || b.size > 32<<10 || b.size < 10<<10) {
				t.Errorf("%d runs, at most %d bytes carried", b.runs, b.size)
			}
			for domain, o := range last.Outcomes {
				if o != OutcomeEffective {
					t.Errorf("%s is %s", domain, o)
				}
			}
		})
	}
}
