package flow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/jcaad/jcaad/federation"
)

// An update and a signal are sent at each moment of runs that continue as new all the time,
// also while one ends; each is acted on once.
func TestDomainCarriesActsOn(t *testing.T) {
	for step := range 20 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			b := newBench(t)
			b.verify = func(n int) VerifyOut {
				if n < 3 {
					return lateness(time.Hour)
				}
				return good()
			}
			moments, note := 0, (*answer)(nil)
			send := func() {
				note = b.update("once", UpdateNote, NoteArg{Note: ref("notes/1.json")})
				b.signal(SignalTurn, TurnSignal{Batch: "b1"})
			}
			moment := func() {
				if moments++; moments == step+1 {
					send()
				}
			}
			b.bound = func(env *testsuite.TestWorkflowEnvironment, _ int) {
				if note != nil && !note.accepted && note.refused == "" {
					// It came too late for the run before: a server hands it to this one.
					env.RegisterDelayedCallback(send, 0)
				}
				env.RegisterDelayedCallback(moment, 0)
				env.SetOnActivityCompletedListener(listenCompleted(moment))
				env.SetOnTimerFiredListener(func(string) { moment() })
				env.SetContinueAsNewSuggested(false)
				env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, time.Second)
			}
			approved := false
			for at := time.Minute; at < 12*time.Hour; at += 7 * time.Minute {
				b.at(at, func() {
					if !approved && b.state().Phase == Approval {
						approved = b.approve("n1", "a", "b1").accepted
					}
				})
			}
			b.at(12*time.Hour, func() {
				if note == nil {
					b.signal(SignalTurn, TurnSignal{Batch: "b1"})
				}
			})
			b.play(48 * time.Hour)
			s := b.last()
			if note == nil {
				t.Fatal("nothing was sent")
			}
			if len(s.Notes) != 1 || s.Kept.Turn != "b1" || note.refused != "" {
				t.Errorf("%+v: %s", note, asJSON(t, s))
			}
			if n := len(b.of("Run")); n != 1 || !s.Effective || b.told(NoticeApproval) != 1 || b.told(NoticeEffective) != 1 {
				t.Errorf("%d runs, told %+v: %s", n, b.notices, asJSON(t, s))
			}
			if b.runs < 4 {
				t.Errorf("it continued as new %d times", b.runs-1)
			}
		})
	}
}

// A signal that came with the task that ends a run is acted on.
func TestDomainDrains(t *testing.T) {
	b := watching(t)
	b.at(maxAge-time.Second, func() {
		b.env.SignalWorkflowSkippingWorkflowTask(SignalTurn, TurnSignal{Batch: "b1"})
		b.env.SignalWorkflowSkippingWorkflowTask(SignalLook, nil)
	})
	b.play(maxAge + time.Hour)
	if b.runs != 2 || b.last().Kept.Turn != "b1" || len(b.of("Look")) != 2 {
		t.Errorf("%d runs, looked at %v: %s", b.runs, b.times("Look"), asJSON(t, b.last()))
	}
	if len(b.outcomes) != 1 || b.outcomes[0] != "b1:effective" {
		t.Errorf("outcomes %v: there is nothing to do, which the batch is told", b.outcomes)
	}
}

// What was accepted once is not done again by the same update, also in a later run.
func TestDomainKnowsAnUpdateAgain(t *testing.T) {
	b := watching(t)
	for _, at := range []time.Duration{time.Hour, 30 * time.Hour, 60 * time.Hour} {
		b.at(at, func() {
			if a := b.update("same", UpdateNote, NoteArg{Note: ref("notes/1.json")}); a.refused != "" {
				t.Error(a.refused)
			}
		})
	}
	b.at(61*time.Hour, func() { b.update("other", UpdateNote, NoteArg{Note: ref("notes/2.json")}) })
	b.play(62 * time.Hour)
	if n := len(b.last().Notes); n != 2 || b.runs < 3 {
		t.Errorf("%d notes, %d runs", n, b.runs)
	}
}

// Each limit ends a run, and a run under way ends none.
func TestDomainLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(env *testsuite.TestWorkflowEnvironment)
	}{
		{"events", func(env *testsuite.TestWorkflowEnvironment) { env.SetCurrentHistoryLength(maxEvents + 1) }},
		{"bytes", func(env *testsuite.TestWorkflowEnvironment) { env.SetCurrentHistorySize(maxBytes + 1) }},
		{"suggested", func(env *testsuite.TestWorkflowEnvironment) { env.SetContinueAsNewSuggested(true) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			var writing bool
			b.run = func(_ context.Context, _ int, in RunIn) (RunOut, error) {
				writing = true
				tt.set(b.env)
				b.env.SignalWorkflow(SignalLook, nil)
				b.env.SignalWorkflow(SignalLook, nil)
				writing = false
				return runDone(in), nil
			}
			b.bound = func(_ *testsuite.TestWorkflowEnvironment, run int) {
				if writing {
					t.Errorf("run %d began while something was written", run)
				}
			}
			b.look = func(n int) LookOut {
				out := LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
				if n > 0 {
					out.Found, out.Open = federation.StateFederated, nil
				}
				return out
			}
			b.at(time.Hour, func() { b.approve("n1", "a", "") })
			b.play(4 * time.Hour)
			if b.runs != 2 || len(b.of("Run")) != 1 || len(b.of("Look")) != 2 || !b.last().Effective {
				t.Errorf("%d runs of the workflow, %d runs, %d looks: %s", b.runs, len(b.of("Run")), len(b.of("Look")), asJSON(t, b.last()))
			}
		})
	}
}

// The largest state that there may be stays below 32 KiB.
func TestDomainPayloads(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("ä", 600)
	b.look = func(n int) LookOut {
		if n%2 == 0 {
			return LookOut{Reply: trouble(federation.ClassPeople, fmt.Sprint(n)+long), Look: &Look{}}
		}
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal(fmt.Sprint(n % 10))}
	}
	b.tellFails = func(time.Duration) bool { return true }
	for n := range 60 {
		b.at(time.Duration(n)*10*time.Minute, func() {
			b.update(fmt.Sprintf("%064d", n), UpdateNote, NoteArg{Note: ref(fmt.Sprintf("notes/%064d.json", n))})
			b.signal(SignalLook, nil)
		})
	}
	s := State{Domain: testDomain, Phase: Looking}
	for n := range 60 {
		s.Reports = append(s.Reports, ref(fmt.Sprintf("reports/%s/20260301T080000.000Z-%064d.json", testDomain, n)))
	}
	b.carry(30*time.Hour, DomainIn{Domain: testDomain, State: &s})
	if b.largest > 32<<10 || b.largest < 8<<10 || b.runs < 2 {
		t.Errorf("the largest payload has %d bytes, after %d runs", b.largest, b.runs)
	}
	last := b.last()
	if n := len(last.Notes) + last.EarlierNotes.Count; n != 60 || len(last.Reports)+last.EarlierReports.Count != 60 {
		t.Errorf("%d notes, %d and %d reports", n, len(last.Reports), last.EarlierReports.Count)
	}
}

func TestWorkerOptions(t *testing.T) {
	if WorkerOptions().WorkflowPanicPolicy != worker.BlockWorkflow {
		t.Error("a history that does not fit would fail a workflow")
	}
}
