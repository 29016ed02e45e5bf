package flow

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"github.com/jcaad/jcaad/federation"
)

func TestDomainToWatching(t *testing.T) {
	b := newBench(t)
	b.verify = func(n int) VerifyOut {
		if n < 3 {
			return lateness(20 * time.Minute)
		}
		return good()
	}
	var a *answer
	b.at(time.Hour, func() { a = b.approve("n1", "a", "") })
	b.play(12 * time.Hour)
	if a == nil || !a.accepted || a.refused != "" {
		t.Fatalf("the approval: %+v", a)
	}
	if diff := cmp.Diff([]Phase{Looking, Approval, Turn, Running, Verifying, Watching}, b.phases()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{time.Hour, 80 * time.Minute, 100 * time.Minute, 2 * time.Hour}, b.times("Verify")); diff != "" {
		t.Error(diff)
	}
	s := b.last()
	if !s.Effective || len(s.Reports) != 1 || s.Approved != nil || s.Open != nil || s.Customer != "acme" || s.Problem != nil {
		t.Errorf("at last: %s", asJSON(t, s))
	}
	if s.Look == nil || s.Look.Changes != 0 {
		t.Errorf("everything was done, and the last look says %+v", s.Look)
	}
	if b.told(NoticeApproval) != 1 || b.told(NoticeEffective) != 1 || len(b.notices) != 2 {
		t.Errorf("told: %+v", b.notices)
	}
	if n := len(b.of("Watch")); n < 2 {
		t.Errorf("it was watched %d times", n)
	}
}

func TestDomainSpeed(t *testing.T) {
	b := newBench(t)
	b.speed = 3600
	b.bound = func(env *testsuite.TestWorkflowEnvironment, _ int) {
		env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 10*time.Second)
	}
	b.at(time.Second, func() { b.approve("n1", "a", "") })
	b.play(time.Minute) // 60 h of the bent clock
	at := b.times("Watch")
	if len(at) < 8 || b.runs < 4 {
		t.Fatalf("watched at %v, in %d runs", at, b.runs)
	}
	for i := range len(at) - 1 {
		if d := at[i+1] - at[i]; d < 4800*time.Millisecond || d > 7200*time.Millisecond {
			t.Errorf("a watch after %v: not 6 s, 20 %% more or less", d)
		}
	}
}

func TestDomainLateForADay(t *testing.T) {
	b := newBench(t)
	b.verify = func(int) VerifyOut { return lateness(30 * time.Minute) }
	b.at(0, func() {})
	b.at(time.Minute, func() { b.approve("n1", "a", "b1"); b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.play(26 * time.Hour)
	if n := len(b.of("Verify")); n != 49 {
		t.Errorf("%d looks, not 49", n)
	}
	s := b.last()
	if s.Phase != People || s.Problem == nil || s.Problem.Code != "late" || b.told(NoticeFailed) != 1 {
		t.Errorf("after a day: %s, told %+v", asJSON(t, s), b.notices)
	}
	if diff := cmp.Diff([]string{"b1:waiting", "b1:federated"}, b.outcomes); diff != "" {
		t.Error("waiting for people to be able to sign in is no failure:", diff)
	}
}

func TestDomainLateThenGood(t *testing.T) {
	b := newBench(t)
	b.verify = func(n int) VerifyOut {
		if n < 50 {
			return lateness(30 * time.Minute)
		}
		return good()
	}
	b.at(time.Minute, func() { b.approve("n1", "a", "") })
	b.look = func(n int) LookOut {
		out := LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
		if n > 0 {
			out.Found, out.Open = federation.StateFederated, nil
		}
		return out
	}
	b.play(40 * time.Hour)
	if s := b.last(); s.Phase != Watching || !s.Effective || b.told(NoticeEffective) != 1 || b.told(NoticeFailed) != 1 {
		t.Errorf("%s\n%+v", asJSON(t, s), b.notices)
	}
}

func TestDomainNotConverged(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		out := runDone(in)
		if n < 3 {
			out.Done, out.Reply = false, trouble(federation.ClassUnsettled, "it does not show yet")
		}
		return out, nil
	}
	b.at(time.Minute, func() { b.approve("n1", "a", "") })
	b.play(3 * time.Hour)
	runs := b.of("Run")
	if len(runs) != 4 || len(b.of("Look")) != 4 {
		t.Fatalf("%d runs, %d looks: each run again after a look", len(runs), len(b.of("Look")))
	}
	first := runs[0].in.(RunIn)
	for i, r := range runs {
		if diff := cmp.Diff(first.Approved, r.in.(RunIn).Approved); diff != "" {
			t.Error("another approval:", diff)
		}
		if i > 0 && len(r.in.(RunIn).Reports) != 1 {
			t.Errorf("run %d: reports %v", i, r.in.(RunIn).Reports)
		}
	}
	if diff := cmp.Diff([]time.Duration{time.Minute, 70 * time.Second, 90 * time.Second, 130 * time.Second}, b.times("Run")); diff != "" {
		t.Error(diff)
	}
	if s := b.last(); s.Phase != Watching || len(s.Reports) != 1 || b.told(NoticeApproval) != 1 {
		t.Errorf("%s", asJSON(t, s))
	}
}

func TestDomainLostActivity(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		if n < 5 {
			return RunOut{}, errors.New("the worker ends")
		}
		return runDone(in), nil
	}
	b.at(time.Minute, func() { b.approve("n1", "a", "") })
	b.play(3 * time.Hour)
	runs := b.of("Run")
	if len(runs) != 6 {
		t.Fatalf("%d runs", len(runs))
	}
	for _, r := range runs {
		if diff := cmp.Diff(runs[0].in, r.in); diff != "" {
			t.Error("another argument:", diff)
		}
	}
	if s := b.last(); s.Phase != Watching {
		t.Errorf("%s", asJSON(t, s))
	}
}

func TestDomainTemporary(t *testing.T) {
	b := newBench(t)
	b.look = func(n int) LookOut {
		if n < 12 {
			return LookOut{Reply: trouble(federation.ClassTemporary, "the service is away")}
		}
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
	}
	told := -1
	for at := time.Duration(0); at < 3*time.Hour; at += time.Minute {
		b.at(at, func() {
			if told < 0 && b.told(NoticeFailed) > 0 {
				told = int(at / time.Minute)
			}
		})
	}
	b.play(4 * time.Hour)
	at := b.times("Look")
	if len(at) != 13 {
		t.Fatalf("%d looks", len(at))
	}
	want := []time.Duration{10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900}
	for i, w := range want {
		if d := at[i+1] - at[i]; d != w*time.Second {
			t.Errorf("look %d came after %v, not %v s", i+1, d, int(w))
		}
	}
	if b.told(NoticeFailed) != 1 || told < 60 || told > 80 {
		t.Errorf("told %d times, after %d minutes", b.told(NoticeFailed), told)
	}
	if s := b.last(); s.Phase != Approval || s.Failures != 0 || s.Failing != 0 || s.Problem != nil {
		t.Errorf("%s", asJSON(t, s))
	}
}

func TestDomainRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name        string
		class       federation.ErrorClass
		after, want time.Duration
	}{
		{"short", federation.ClassTemporary, 20 * time.Second, 10 * time.Second},
		{"long", federation.ClassTemporary, 2 * time.Hour, 2 * time.Hour},
		{"stopped", federation.ClassStopped, 0, 0},
		{"fault", federation.ClassFault, 0, 10 * time.Second},
		{"unknown", "new", 0, 10 * time.Second},
		{"people", federation.ClassPeople, 0, 6 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.look = func(int) LookOut {
				r := trouble(tt.class, "no")
				r.Problem.After = tt.after
				return LookOut{Reply: r}
			}
			b.play(7 * time.Hour)
			at := b.times("Look")
			if len(at) < 2 || at[1]-at[0] != tt.want {
				t.Errorf("looked at %v, want after %v", at[:min(len(at), 3)], tt.want)
			}
		})
	}
}

func TestDomainPeople(t *testing.T) {
	b := newBench(t)
	b.look = func(n int) LookOut {
		if n < 4 {
			return LookOut{Reply: trouble(federation.ClassPeople, "the key is refused: give another"), Look: &Look{Gates: 1}}
		}
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
	}
	b.at(13*time.Hour, func() { b.signal(SignalLook, nil) })
	b.at(14*time.Hour, func() {
		if a := b.update("n1", UpdateResume); a.refused != "" {
			t.Error(a.refused)
		}
	})
	b.play(15 * time.Hour)
	want := []time.Duration{0, 6 * time.Hour, 12 * time.Hour, 13 * time.Hour, 14 * time.Hour}
	if diff := cmp.Diff(want, b.times("Look")); diff != "" {
		t.Error(diff)
	}
	if b.told(NoticeRefused) != 1 || b.told(NoticeApproval) != 1 {
		t.Errorf("told %+v", b.notices)
	}
	if !slices.ContainsFunc(b.shown, func(s State) bool { return s.Phase == People && s.Problem != nil && s.Look != nil }) {
		t.Error("the problem was not shown")
	}
}

func TestDomainBusyAndVoid(t *testing.T) {
	b := newBench(t)
	b.look = func(n int) LookOut {
		c := "a"
		if n > 0 {
			c = "b"
		}
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal(c)}
	}
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		switch n {
		case 0, 1:
			return RunOut{Reply: Reply{Busy: 90 * time.Minute, Why: "the window opens"}}, nil
		case 2:
			return RunOut{Reply: trouble(federation.ClassPeople, "somebody has changed the domain"), Void: true}, nil
		}
		return runDone(in), nil
	}
	var waits string
	b.at(time.Minute, func() { b.approve("n1", "a", "b1"); b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.at(30*time.Minute, func() { waits = b.state().Waits })
	b.at(5*time.Hour, func() { b.approve("n2", "b", "b1") })
	b.at(6*time.Hour, func() { b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.play(8 * time.Hour)
	if waits != "the window opens" {
		t.Errorf("waits for %q", waits)
	}
	want := []time.Duration{time.Minute, 91 * time.Minute, 181 * time.Minute, 6 * time.Hour}
	if diff := cmp.Diff(want, b.times("Run")); diff != "" {
		t.Fatal(diff)
	}
	runs := b.of("Run")
	if a, b := runs[2].in.(RunIn).Approved.Run, runs[3].in.(RunIn).Approved.Run; a == b || a == "" {
		t.Errorf("runs are named %q and %q", a, b)
	}
	outcomes := []string{"b1:waiting", "b1:withdrawn", "b1:waiting", "b1:federated", "b1:effective"}
	if diff := cmp.Diff(outcomes, b.outcomes); diff != "" {
		t.Error(diff)
	}
	if b.told(NoticeRefused) != 1 || b.told(NoticeApproval) != 2 {
		t.Errorf("told %+v", b.notices)
	}
}

// TestDomainSkipped: what waits for a turn that it will not have waits for another approval
// instead; what has its turn, or is of another batch, goes on.
func TestDomainSkipped(t *testing.T) {
	for name, c := range map[string]struct {
		batch string
		turn  bool
		want  Phase
	}{
		"before its turn": {"b1", false, Approval}, "with its turn": {"b1", true, Watching}, "of another batch": {"b2", false, Turn},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if c.turn {
				b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
					if n == 0 {
						return RunOut{Reply: Reply{Busy: 2 * time.Hour, Why: "the window opens"}}, nil
					}
					return runDone(in), nil
				}
			}
			var before, after State
			b.at(time.Minute, func() { b.approve("n1", "a", "b1") })
			if c.turn {
				b.at(2*time.Minute, func() { b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
			}
			b.at(time.Hour, func() { before = b.state() })
			b.at(time.Hour+1, func() { b.signal(SignalTurn, TurnSignal{Batch: c.batch, Skipped: true}) })
			b.at(4*time.Hour, func() { after = b.state() })
			b.play(4*time.Hour + 1)
			if before.Phase != Turn || before.Approved == nil {
				t.Fatalf("nothing waits for its turn: %s", asJSON(t, before))
			}
			if after.Phase != c.want || c.want == Approval && (after.Approved != nil || after.Open == nil) {
				t.Errorf("then %s", asJSON(t, after))
			}
		})
	}
}

func TestDomainRunRefused(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		out := runDone(in)
		if n == 0 {
			out.Done, out.Reply = false, trouble(federation.ClassPeople, "the key may not write: grant it")
		}
		return out, nil
	}
	b.at(time.Minute, func() { b.approve("n1", "a", "b1"); b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.play(8 * time.Hour)
	if diff := cmp.Diff([]time.Duration{time.Minute, 6*time.Hour + time.Minute}, b.times("Run")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b1:waiting", "b1:failed", "b1:federated", "b1:effective"}, b.outcomes); diff != "" {
		t.Error("what has stopped half-way is a failure:", diff)
	}
	if b.told(NoticeApproval) != 1 {
		t.Error("an approval was asked for again")
	}
}

func TestDomainNoticesHoldNothing(t *testing.T) {
	b := newBench(t)
	b.tellFails = func(time.Duration) bool { return true }
	b.at(time.Hour, func() { b.approve("n1", "a", "") })
	b.play(72 * time.Hour)
	if s := b.last(); s.Phase != Watching || !s.Effective {
		t.Errorf("%s", asJSON(t, s))
	}
	ids := map[string]time.Duration{}
	for _, c := range b.of("Tell") {
		id := c.in.(Notice).ID
		if _, ok := ids[id]; !ok {
			ids[id] = c.at
		}
		if c.at-ids[id] > 24*time.Hour {
			t.Errorf("%s is sent after %v", id, c.at-ids[id])
		}
	}
	if len(ids) != 2 {
		t.Errorf("notices: %v", ids)
	}
}

func TestDomainNoticeOfTheRunBefore(t *testing.T) {
	b := newBench(t)
	b.tellFails = func(at time.Duration) bool { return at < 24*time.Hour+time.Minute }
	b.at(24*time.Hour-10*time.Minute, func() { b.approve("n1", "a", "") })
	b.play(25 * time.Hour)
	if b.runs != 2 || b.told(NoticeEffective) != 1 {
		t.Errorf("told %+v in %d runs", b.notices, b.runs)
	}
	ids := map[string]bool{}
	for _, c := range b.of("Tell") {
		ids[c.in.(Notice).ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("IDs: %v", ids)
	}
}

func TestDomainNamesNobody(t *testing.T) {
	b := newBench(t)
	b.at(time.Hour, func() { b.approve("n1", "a", "") })
	b.at(2*time.Hour, func() { b.update("n2", UpdateNote, NoteArg{Note: ref("notes/1.json")}) })
	b.play(30 * time.Hour)
	if len(b.payloads) < 20 {
		t.Fatalf("only %d payloads", len(b.payloads))
	}
	all := strings.Join(b.payloads, "\n") + asJSON(t, b.shown) + asJSON(t, b.notices)
	if !strings.Contains(all, "notes/1.json") || !strings.Contains(all, "approvals/n1.json") {
		t.Error("the files are not told")
	}
	for _, canary := range []string{"canary", "ann@", "Ann Example", "@" + testDomain} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is told", canary)
		}
	}
}

// What a service asks for after it has refused a write is a timer, whether or not something
// was sent: neither a look nor a run is made before.
func TestDomainRetryAfterOfARun(t *testing.T) {
	for _, class := range []federation.ErrorClass{federation.ClassTemporary, federation.ClassUnsettled} {
		t.Run(string(class), func(t *testing.T) {
			b := newBench(t)
			b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
				out := runDone(in)
				if n == 0 {
					out.Done, out.Reply = false, trouble(class, "asked to wait")
					out.Problem.After = 2 * time.Hour
				}
				return out, nil
			}
			var waiting State
			b.at(time.Hour, func() { b.approve("n1", "a", "") })
			b.at(2*time.Hour, func() { waiting = b.state() })
			b.play(5 * time.Hour)
			if diff := cmp.Diff([]time.Duration{time.Hour, 3 * time.Hour}, b.times("Run")); diff != "" {
				t.Error(diff)
			}
			if waiting.Problem == nil || waiting.Next.Sub(b.began) != 3*time.Hour || !b.last().Effective {
				t.Errorf("%s", asJSON(t, waiting))
			}
			if at := b.times("Look"); at[len(at)-1] != 0 && at[len(at)-1] != 3*time.Hour {
				t.Errorf("looked at %v", at)
			}
		})
	}
}
