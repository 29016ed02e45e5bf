package flow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/jcaad/jcaad/federation"
)

func TestDomainRefusesUpdates(t *testing.T) {
	hash := func(c string) string { return strings.Repeat(c, 64) }
	federated := func(b *bench) {
		b.look = func(int) LookOut { return LookOut{Reply: known(), Found: federation.StateFederated} }
	}
	for _, tt := range []struct {
		name   string
		setup  func(b *bench)
		before func(b *bench)
		update string
		arg    []any
		want   string
	}{
		{name: "approve nothing", setup: federated,
			update: UpdateApprove, arg: []any{ApproveArg{Hash: hash("a"), Complete: true}}, want: "no proposal waits"},
		{name: "outdated",
			update: UpdateApprove, arg: []any{ApproveArg{Hash: hash("b"), Complete: true}}, want: "not the proposal that waits now"},
		{name: "reject an outdated one",
			update: UpdateReject, arg: []any{RejectArg{Hash: hash("b")}}, want: "not the proposal that waits now"},
		{name: "approve unlisted", before: func(b *bench) { b.signal(SignalListed, ListedSignal{}) },
			update: UpdateApprove, arg: []any{ApproveArg{Hash: hash("a"), Complete: true}}, want: "not in the customers file"},
		{name: "approve while rotating", before: func(b *bench) { b.signal(SignalRotation, RotationState{Domain: testDomain}) },
			update: UpdateApprove, arg: []any{ApproveArg{Hash: hash("a"), Complete: true}}, want: "a rotation of the certificate is under way"},
		{name: "pause twice", before: func(b *bench) { b.update("n0", UpdatePause) }, update: UpdatePause, want: "paused already"},
		{name: "resume nothing", update: UpdateResume, want: "nothing to resume"},
		{name: "revert nothing", update: UpdateRevert, want: "nothing to revert"},
		{name: "rotate by no method", update: UpdateRotate, arg: []any{RotateArg{}}, want: "needs a method"},
		{name: "rotate twice", before: func(b *bench) { b.signal(SignalRotation, RotationState{Domain: testDomain}) },
			update: UpdateRotate, arg: []any{RotateArg{Method: federation.OwnKeyPair}}, want: "under way already"},
		{name: "rotate while approved", before: func(b *bench) { b.update("n0", UpdatePause); b.approve("n00", "a", "") },
			update: UpdateRotate, arg: []any{RotateArg{Method: federation.OwnKeyPair}}, want: "approved or under way"},
		{name: "rotate what is only watched", setup: func(b *bench) {
			b.look = func(int) LookOut { return LookOut{Reply: Reply{Mode: "watch"}, Found: federation.StateFederated} }
			b.verify = func(int) VerifyOut { return VerifyOut{Effective: true, Found: federation.StateFederated} }
			b.watch = func(int, WatchIn) WatchOut { return WatchOut{Watched: &Watched{}} }
		}, update: UpdateRotate, arg: []any{RotateArg{Method: federation.OwnKeyPair}}, want: "mode: manage"},
		{name: "retire while rotating", before: func(b *bench) { b.signal(SignalRotation, RotationState{Domain: testDomain}) },
			update: UpdateRetire, arg: []any{RetireArg{}}, want: "a rotation of the certificate is under way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if tt.setup != nil {
				tt.setup(b)
			}
			if tt.before != nil {
				b.at(time.Hour, func() { tt.before(b) })
			}
			var a *answer
			var was, is string
			b.at(time.Hour+time.Minute, func() { was = asJSON(t, b.state()); a = b.update("n1", tt.update, tt.arg...) })
			b.at(time.Hour+time.Minute+time.Second, func() { is = asJSON(t, b.state()) })
			b.play(2 * time.Hour)
			if a == nil || a.accepted || !strings.Contains(a.refused, tt.want) {
				t.Errorf("answered %+v, want %q", a, tt.want)
			}
			if diff := cmp.Diff(was, is); diff != "" {
				t.Error("refused, and changed:", diff)
			}
		})
	}
}

func TestDomainTwoApprovers(t *testing.T) {
	b := newBench(t)
	b.look = func(int) LookOut {
		o := proposal("a")
		o.Two = true
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: o}
	}
	send := func(id, file string, complete bool) *answer {
		r := ref("approvals/" + file)
		r.SHA256 = strings.Repeat(file[:1], 64)
		return b.update(id, UpdateApprove, ApproveArg{Hash: strings.Repeat("a", 64), Approval: r, Complete: complete})
	}
	var got []*answer
	b.at(1*time.Hour, func() { got = append(got, send("n1", "0", true)) })
	b.at(2*time.Hour, func() { got = append(got, send("n2", "1", false)) })
	b.at(3*time.Hour, func() { got = append(got, send("n3", "2", false)) })
	b.at(4*time.Hour, func() { got = append(got, send("n4", "1", true)) })
	b.at(5*time.Hour, func() { b.signal(SignalLook, nil) }) // the first approval stays
	b.at(6*time.Hour, func() { got = append(got, send("n5", "3", true)) })
	b.play(7 * time.Hour)
	var accepted []bool
	for _, a := range got {
		accepted = append(accepted, a.accepted)
	}
	if diff := cmp.Diff([]bool{false, true, false, false, true}, accepted); diff != "" {
		t.Fatal(diff)
	}
	for i, want := range map[int]string{0: "nobody has yet", 2: "approve as the second", 3: "another person"} {
		if !strings.Contains(got[i].refused, want) {
			t.Errorf("refused with %q, want %q", got[i].refused, want)
		}
	}
	runs := b.of("Run")
	if len(runs) != 1 || runs[0].at != 6*time.Hour || runs[0].in.(RunIn).Approved.Approval.Name != "approvals/3" {
		t.Errorf("runs: %+v", runs)
	}
}

func TestDomainPause(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		out := runDone(in)
		if n == 0 {
			out.Done, out.Reply = false, trouble(federation.ClassTemporary, "the service is away")
			out.Problem.After = time.Hour
		}
		return out, nil
	}
	var waits string
	b.at(1*time.Hour, func() { b.update("n1", UpdatePause) })
	b.at(2*time.Hour, func() { b.approve("n2", "a", "") })
	b.at(3*time.Hour, func() { waits = b.state().Waits })
	b.at(4*time.Hour, func() { b.update("n3", UpdateResume) })
	b.at(4*time.Hour+time.Minute, func() { b.update("n4", UpdatePause) }) // what was begun is finished
	b.play(6 * time.Hour)
	if diff := cmp.Diff([]time.Duration{4 * time.Hour, 5 * time.Hour}, b.times("Run")); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(waits, "resume it") {
		t.Errorf("waits for %q", waits)
	}
	if s := b.last(); !s.Paused || s.Phase != Watching {
		t.Errorf("%s", asJSON(t, s))
	}
}

func TestDomainPauseBeforeAnythingIsSent(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		if n == 0 {
			return RunOut{Reply: Reply{Busy: time.Hour, Why: "the window opens"}}, nil
		}
		return runDone(in), nil
	}
	b.at(1*time.Hour, func() { b.approve("n1", "a", "") })
	b.at(90*time.Minute, func() { b.update("n2", UpdatePause) })
	b.at(4*time.Hour, func() { b.update("n3", UpdateResume) })
	b.play(5 * time.Hour)
	if diff := cmp.Diff([]time.Duration{time.Hour, 4 * time.Hour}, b.times("Run")); diff != "" {
		t.Error(diff)
	}
}

// It was listed again while it was asked, by the file of before.
func TestDomainListedMeanwhile(t *testing.T) {
	b := newBench(t)
	look := b.look
	b.look = func(n int) LookOut {
		if n == 0 {
			b.env.SignalWorkflow(SignalListed, ListedSignal{Listed: true})
			return LookOut{Reply: Reply{Unlisted: true}}
		}
		return look(n)
	}
	b.play(time.Hour)
	if diff := cmp.Diff([]time.Duration{0, 0}, b.times("Look")); diff != "" || b.told(NoticeUnlisted) != 0 || b.last().Phase != Approval {
		t.Errorf("%s\ntold %+v: %s", diff, b.notices, asJSON(t, b.last()))
	}
}

func TestDomainReject(t *testing.T) {
	b := newBench(t)
	b.at(1*time.Hour, func() { b.update("n1", UpdateReject, RejectArg{Hash: strings.Repeat("a", 64)}) })
	var after, asked State
	b.at(20*time.Hour, func() { after = b.state() })
	b.at(21*time.Hour, func() { b.signal(SignalLook, nil) })
	b.at(22*time.Hour, func() { asked = b.state() })
	b.play(23 * time.Hour)
	if after.Phase != Watching || after.Open != nil || b.told(NoticeApproval) != 1 {
		t.Errorf("after: %s", asJSON(t, after))
	}
	if asked.Phase != Approval || asked.Open == nil {
		t.Errorf("asked: %s", asJSON(t, asked))
	}
	if n := len(b.of("Look")); n < 3 {
		t.Errorf("%d looks", n)
	}
}

func TestDomainProposalExpires(t *testing.T) {
	b := newBench(t)
	b.look = func(n int) LookOut {
		o := proposal(fmt.Sprint(n % 10))
		o.Life = 8 * time.Hour
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: o}
	}
	b.play(20 * time.Hour)
	if diff := cmp.Diff([]time.Duration{0, 8 * time.Hour, 16 * time.Hour}, b.times("Look")); diff != "" {
		t.Error(diff)
	}
}

func TestDomainUnlistedDuringRun(t *testing.T) {
	b := newBench(t)
	ended, cancelled := false, make(chan bool)
	b.bound = func(env *testsuite.TestWorkflowEnvironment, _ int) {
		env.SetOnActivityCanceledListener(func(info *activity.Info) {
			if info.ActivityType.Name == "Run" {
				close(cancelled)
			}
		})
	}
	b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
		if n > 0 {
			return runDone(in), nil
		}
		b.env.SignalWorkflow(SignalListed, ListedSignal{Listed: false})
		<-cancelled // the next safe point
		ended = true
		out := runDone(in)
		out.Done, out.Reply = false, trouble(federation.ClassStopped, "it was ended")
		return out, nil
	}
	b.at(time.Hour, func() { b.approve("n1", "a", "") })
	var unlisted State
	b.at(20*time.Hour, func() { unlisted = b.state() })
	b.at(40*time.Hour, func() { b.signal(SignalListed, ListedSignal{Listed: true}) })
	b.play(41 * time.Hour)
	if !ended {
		t.Fatal("the run was not ended")
	}
	if !unlisted.Unlisted || unlisted.Approved == nil || !unlisted.Approved.Begun || !unlisted.Next.IsZero() {
		t.Errorf("unlisted: %s", asJSON(t, unlisted))
	}
	if diff := cmp.Diff([]time.Duration{0, 40 * time.Hour}, b.times("Look")); diff != "" {
		t.Error("a look first:", diff)
	}
	if diff := cmp.Diff([]time.Duration{time.Hour, 40 * time.Hour}, b.times("Run")); diff != "" {
		t.Error(diff)
	}
	for _, c := range b.calls {
		if c.name != "Tell" && c.at > time.Hour && c.at < 40*time.Hour {
			t.Errorf("%s was asked while it was unlisted", c.name)
		}
	}
	if b.told(NoticeUnlisted) != 1 || b.told(NoticeApproval) != 1 || !b.last().Effective {
		t.Errorf("told %+v", b.notices)
	}
}

func TestDomainUnlistedByReply(t *testing.T) {
	for _, name := range []string{"Look", "Run", "Verify", "Watch"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			un := Reply{Unlisted: true}
			switch name {
			case "Look":
				was := b.look
				b.look = func(n int) LookOut {
					if n == 0 {
						return LookOut{Reply: un}
					}
					return was(n)
				}
			case "Run":
				b.run = func(_ context.Context, n int, in RunIn) (RunOut, error) {
					if n == 0 {
						return RunOut{Reply: un}, nil
					}
					return runDone(in), nil
				}
			case "Verify":
				b.verify = func(n int) VerifyOut {
					if n == 0 {
						return VerifyOut{Reply: un}
					}
					return good()
				}
			case "Watch":
				b.watch = func(n int, in WatchIn) WatchOut {
					if n == 0 {
						return WatchOut{Reply: un}
					}
					return quiet(in)
				}
			}
			b.at(2*time.Hour, func() { b.approve("n1", "a", "") })
			b.at(9*time.Hour, func() { b.signal(SignalListed, ListedSignal{Listed: true}) })
			b.at(10*time.Hour, func() { b.approve("n2", "a", "") })
			b.play(30 * time.Hour)
			if b.told(NoticeUnlisted) != 1 || b.last().Unlisted || !b.last().Effective {
				t.Errorf("told %+v\n%s", b.notices, asJSON(t, b.last()))
			}
			if !slices.ContainsFunc(b.shown, func(s State) bool { return s.Unlisted }) {
				t.Error("it was not shown")
			}
		})
	}
}

func TestDomainPlanChanges(t *testing.T) {
	for _, tt := range []struct {
		name     string
		approved bool
	}{{"open", false}, {"approved, not begun", true}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.look = func(n int) LookOut {
				c := "a"
				if n > 0 {
					c = "b"
				}
				return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal(c)}
			}
			if tt.approved {
				b.at(time.Hour, func() { b.approve("n1", "a", "b1") }) // its turn does not come
			}
			b.at(2*time.Hour, func() { b.signal(SignalListed, ListedSignal{Listed: true, Plan: true}) })
			var a *answer
			b.at(3*time.Hour, func() { a = b.approve("n2", "a", "") })
			b.play(4 * time.Hour)
			s := b.last()
			if s.Phase != Approval || s.Open == nil || s.Open.Hash != strings.Repeat("b", 64) || s.Approved != nil || len(b.of("Run")) != 0 {
				t.Errorf("%s", asJSON(t, s))
			}
			if a.accepted {
				t.Error("the approval of the old one was accepted")
			}
			if got := slices.Contains(b.outcomes, "b1:withdrawn"); got != tt.approved {
				t.Errorf("outcomes %v", b.outcomes)
			}
		})
	}
}

func TestDomainRevert(t *testing.T) {
	b := newBench(t)
	b.revert = func(_ int, in ProposeRevertIn) ProposeOut {
		o := proposal("c")
		o.Verb = federation.VerbRevert
		return ProposeOut{Reply: known(), Open: o}
	}
	b.look = func(n int) LookOut {
		out := LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
		if n > 0 {
			out.Open = proposal("d")
		}
		return out
	}
	b.at(1*time.Hour, func() { b.approve("n1", "a", "") })
	b.at(2*time.Hour, func() { b.update("n2", UpdateRevert); b.signal(SignalLook, nil) })
	var open State
	b.at(3*time.Hour, func() { open = b.state() })
	b.at(4*time.Hour, func() { b.approve("n3", "c", "") })
	var after State
	b.at(59*time.Hour, func() { after = b.state() })
	b.at(60*time.Hour, func() { b.signal(SignalLook, nil) })
	b.play(61 * time.Hour)
	if after.Phase != Watching || after.Open != nil {
		t.Errorf("after: %s", asJSON(t, after))
	}
	asked := b.of("ProposeRevert")
	if len(asked) != 1 || len(asked[0].in.(ProposeRevertIn).Reports) != 1 {
		t.Fatalf("asked: %+v", asked)
	}
	if open.Phase != Approval || open.Open == nil || open.Open.Verb != federation.VerbRevert {
		t.Errorf("open: %s", asJSON(t, open))
	}
	runs := b.of("Run")
	if len(runs) != 2 || runs[1].at != 4*time.Hour || runs[1].in.(RunIn).Approved.Open.Verb != federation.VerbRevert {
		t.Fatalf("runs: %+v", runs)
	}
	s := b.last()
	if s.Phase != Approval || len(s.Reports) != 2 {
		t.Errorf("after a look was asked for: %s", asJSON(t, s))
	}
	if b.told(NoticeApproval) != 3 {
		t.Errorf("what was reverted was proposed again by itself: %+v", b.notices)
	}
}

func TestDomainRetire(t *testing.T) {
	b := newBench(t)
	b.run = func(_ context.Context, _ int, in RunIn) (RunOut, error) {
		b.update("n2", UpdateRetire, RetireArg{})
		return runDone(in), nil
	}
	b.at(time.Hour, func() { b.approve("n1", "a", "b1"); b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.play(5 * time.Hour)
	s := b.last()
	if b.err != nil || s.Phase != Retired || len(s.Reports) != 1 || len(b.of("Verify")) != 0 {
		t.Errorf("%v: %s", b.err, asJSON(t, s))
	}
	if !slices.Contains(b.outcomes, "b1:federated") {
		t.Errorf("outcomes %v", b.outcomes)
	}
}
