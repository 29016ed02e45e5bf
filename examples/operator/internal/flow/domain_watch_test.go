package flow

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
)

// watching is a bench with a domain that is federated, and of which nothing is missing.
func watching(t *testing.T) *bench {
	b := newBench(t)
	b.look = func(int) LookOut { return LookOut{Reply: known(), Found: federation.StateFederated, Look: &Look{}} }
	return b
}

func rotation(c string, arg RotateArg, standing bool) ProposeOut {
	o := proposal(c)
	o.Verb, o.Standing, o.Rotate = federation.VerbRotate, standing, &arg
	return ProposeOut{Reply: known(), Open: o}
}

func TestDomainWatches(t *testing.T) {
	b := watching(t)
	b.play(15 * 24 * time.Hour)
	watches := b.of("Watch")
	if len(watches) < 45 {
		t.Fatalf("%d watches", len(watches))
	}
	var whole []time.Duration
	distinct := map[time.Duration]bool{}
	for i, w := range watches {
		if w.in.(WatchIn).Whole {
			whole = append(whole, w.at)
		}
		if i > 0 {
			d := w.at - watches[i-1].at
			distinct[d] = true
			if d < watchEvery*8/10 || d > watchEvery*12/10 {
				t.Errorf("a watch after %v", d)
			}
		}
	}
	if len(whole) != 3 || whole[0] != 0 || whole[1] < wholeEvery || whole[1] > wholeEvery+8*time.Hour {
		t.Errorf("whole at %v", whole)
	}
	if len(distinct) < 20 {
		t.Errorf("only %d intervals", len(distinct))
	}
	if len(b.notices) != 0 || len(b.of("Run")) != 0 || b.runs < 14 {
		t.Errorf("told %+v, %d runs of the workflow", b.notices, b.runs)
	}
}

func TestDomainWatchFails(t *testing.T) {
	for _, tt := range []struct {
		fails, told int
	}{{2, 0}, {3, 1}, {9, 1}} {
		b := watching(t)
		b.watch = func(n int, in WatchIn) WatchOut {
			if n >= 3 && n < 3+tt.fails {
				return WatchOut{Reply: trouble(federation.ClassTemporary, "the service is away")}
			}
			return quiet(in)
		}
		b.play(72 * time.Hour)
		if got := b.told(NoticeFailed); got != tt.told {
			t.Errorf("%d failures in a row were told %d times", tt.fails, got)
		}
		if s := b.last(); s.Failures != 0 || s.Problem != nil || s.Phase != Watching {
			t.Errorf("%s", asJSON(t, s))
		}
	}
}

func TestDomainWatchWaitsForPeople(t *testing.T) {
	b := watching(t)
	b.watch = func(n int, in WatchIn) WatchOut {
		if n == 1 {
			return WatchOut{Reply: trouble(federation.ClassPeople, "the key is refused: give another")}
		}
		return quiet(in)
	}
	b.play(24 * time.Hour)
	if b.told(NoticeRefused) != 1 || b.told(NoticeFailed) != 0 || b.last().Phase != Watching || len(b.of("Look")) != 2 {
		t.Errorf("told %+v: %s", b.notices, asJSON(t, b.last()))
	}
}

func TestDomainDrift(t *testing.T) {
	for _, tt := range []struct {
		name     string
		last     int // the call that shows the drift last
		standing bool
		told     int
	}{
		{"seen once", 1, false, 0},
		{"seen twice", 99, false, 1},
		{"seen twice, mended", 2, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := watching(t)
			b.watch = func(n int, in WatchIn) WatchOut {
				out := quiet(in)
				if n >= 1 && n <= tt.last && in.Whole {
					out.Watched.Drift, out.Whole.Drift = 2, 2
				}
				if n == 1 {
					out.Watched.Drift = 2 // it is seen before a week has passed
				}
				return out
			}
			b.look = func(n int) LookOut {
				out := LookOut{Reply: known(), Found: federation.StateFederated}
				if n == 1 {
					out.Found, out.Open = federation.StateDiffers, proposal("e")
					out.Open.Standing = tt.standing
				}
				return out
			}
			b.play(23 * time.Hour)
			if b.told(NoticeDrift) != tt.told {
				t.Errorf("told %+v", b.notices)
			}
			at := b.times("Watch")
			if at[2]-at[1] != confirmAfter {
				t.Errorf("looked at again after %v", at[2]-at[1])
			}
			runs := b.of("Run")
			switch {
			case tt.standing:
				if len(runs) != 1 || !runs[0].in.(RunIn).Approved.Open.Standing || b.told(NoticeApproval) != 0 || b.last().Phase != Watching {
					t.Errorf("runs %+v, told %+v", runs, b.notices)
				}
			case tt.told > 0:
				if len(runs) != 0 || b.last().Phase != Approval || b.told(NoticeApproval) != 1 {
					t.Errorf("%s", asJSON(t, b.last()))
				}
			default:
				if len(b.of("Look")) != 1 || b.last().Phase != Watching {
					t.Errorf("%s", asJSON(t, b.last()))
				}
			}
		})
	}
}

func TestDomainStandingWhilePaused(t *testing.T) {
	b := newBench(t)
	b.look = func(int) LookOut {
		o := proposal("a")
		o.Standing = true
		return LookOut{Reply: known(), Found: federation.StateDiffers, Open: o}
	}
	b.at(0, func() { b.update("n1", UpdatePause) })
	b.at(10*time.Hour, func() { b.update("n2", UpdateResume) })
	b.play(12 * time.Hour)
	if at := b.times("Run"); len(at) != 1 || at[0] != 10*time.Hour {
		t.Errorf("runs at %v", at)
	}
}

func TestDomainExpiry(t *testing.T) {
	b := watching(t)
	b.watch = func(_ int, in WatchIn) WatchOut {
		out := quiet(in)
		left := 40 - int(b.env.Now().Sub(b.began)/(24*time.Hour))
		if left < -2 {
			left = 300 // it was rotated
		}
		out.Watched.Days = left
		return out
	}
	b.play(50 * 24 * time.Hour)
	var days []int
	for _, n := range b.notices {
		if n.Kind == NoticeExpiry {
			days = append(days, n.Days)
		}
	}
	if diff := cmp.Diff([]int{30, 7, 1}, days); diff != "" {
		t.Error(diff)
	}
}

func TestDomainForeign(t *testing.T) {
	b := watching(t)
	b.watch = func(n int, in WatchIn) WatchOut {
		out := quiet(in)
		out.Watched.Foreign = n >= 2 && n < 8 || n >= 12
		return out
	}
	b.play(5 * 24 * time.Hour)
	if b.told(NoticeForeign) != 2 {
		t.Errorf("told %+v", b.notices)
	}
}

func TestDomainWrong(t *testing.T) {
	b := newBench(t)
	b.verify = func(int) VerifyOut {
		layers := []Layer{{Name: "realm", Status: federation.Wrong}}
		return VerifyOut{Reply: known(), Found: federation.StateDiffers, Wrong: true, Layers: layers}
	}
	b.look = func(n int) LookOut {
		if n > 0 {
			return LookOut{Reply: known(), Found: federation.StateDiffers}
		}
		return LookOut{Reply: known(), Found: federation.StateManaged, Open: proposal("a")}
	}
	b.at(time.Hour, func() { b.approve("n1", "a", "b1"); b.signal(SignalTurn, TurnSignal{Batch: "b1"}) })
	b.play(14 * time.Hour)
	s := b.last()
	if s.Phase != People || s.Problem == nil || !strings.Contains(s.Problem.Text, "realm") || b.told(NoticeFailed) != 1 {
		t.Errorf("%s, told %+v", asJSON(t, s), b.notices)
	}
	if diff := cmp.Diff([]string{"b1:waiting", "b1:federated", "b1:failed", "b1:failed", "b1:failed"}, b.outcomes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{time.Hour, 7 * time.Hour, 13 * time.Hour}, b.times("Verify")); diff != "" {
		t.Error(diff)
	}
}

func TestDomainRotates(t *testing.T) {
	b := watching(t)
	b.rotate = func(_ int, in ProposeRotationIn) ProposeOut { return rotation("c", in.Rotate, false) }
	b.at(2*time.Hour, func() { b.update("n1", UpdateRotate, RotateArg{Method: federation.Regenerate, Replace: "f1"}) })
	b.at(3*time.Hour, func() { b.approve("n2", "c", "") })
	var during State
	b.at(4*time.Hour, func() {
		s := RotationState{Domain: testDomain, Method: federation.Regenerate, Phase: federation.RotationRegenerated, Calls: 1}
		b.signal(SignalRotation, s)
	})
	b.at(5*time.Hour, func() { during = b.state() })
	b.at(6*time.Hour, func() {
		b.signal(SignalRotation, RotationState{Domain: testDomain, Method: federation.Regenerate, Done: true, Ended: true})
	})
	b.play(7 * time.Hour)
	if len(b.rotated) != 1 {
		t.Fatalf("rotations: %+v", b.rotated)
	}
	in := b.rotated[0]
	if in.Domain != testDomain || in.Speed != 1 || in.Approved.Run == "" || in.Approved.Open.Rotate == nil ||
		in.Approved.Open.Rotate.Method != federation.Regenerate || in.Approved.Approval.Name != "approvals/n2.json" {
		t.Errorf("%s", asJSON(t, in))
	}
	if during.Phase != Watching || during.Rotation == nil || during.Rotation.Calls != 1 || during.Approved != nil {
		t.Errorf("during: %s", asJSON(t, during))
	}
	watches := b.of("Watch")
	if last := watches[len(watches)-1]; last.at != 6*time.Hour || !last.in.(WatchIn).Whole {
		t.Errorf("after it, everything was not looked at: %+v", watches)
	}
	if len(b.of("Run")) != 0 {
		t.Error("something else was run")
	}
}

func TestDomainRotationHoldsRuns(t *testing.T) {
	b := newBench(t)
	b.at(1*time.Hour, func() { b.update("n1", UpdatePause) })
	b.at(2*time.Hour, func() { b.approve("n2", "a", "") })
	b.at(3*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain}); b.update("n3", UpdateResume) })
	var waits string
	b.at(4*time.Hour, func() { waits = b.state().Waits })
	b.at(5*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain, Ended: true}) })
	b.play(6 * time.Hour)
	if !strings.Contains(waits, "rotation") {
		t.Errorf("waits for %q", waits)
	}
	if at := b.times("Run"); len(at) != 1 || at[0] != 5*time.Hour {
		t.Errorf("runs at %v", at)
	}
}

// Who pauses a domain holds its rotation as well, and who has it looked at wakes that.
func TestDomainRotationPaused(t *testing.T) {
	b := watching(t)
	b.at(1*time.Hour, func() { b.update("n0", UpdatePause); b.update("n1", UpdateResume); b.signal(SignalLook, nil) })
	b.at(2*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain}) })
	b.at(3*time.Hour, func() { b.update("n2", UpdatePause) })
	b.at(4*time.Hour, func() { b.signal(SignalLook, nil) })
	b.at(5*time.Hour, func() { b.update("n3", UpdateResume) })
	b.at(6*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain, Ended: true}) })
	b.at(7*time.Hour, func() { b.update("n4", UpdatePause) })
	b.play(8 * time.Hour)
	if diff := cmp.Diff([]string{"paused true", "look", "paused false"}, b.rotationTold); diff != "" {
		t.Error(diff)
	}
}

func TestDomainRotationLedBack(t *testing.T) {
	b := watching(t)
	b.rotate = func(_ int, in ProposeRotationIn) ProposeOut { return rotation("c", in.Rotate, false) }
	b.at(1*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain}) })
	b.at(2*time.Hour, func() { b.update("n1", UpdateRotate, RotateArg{Cancel: true}) })
	b.at(3*time.Hour, func() { b.approve("n2", "c", "") })
	b.at(3*time.Hour+5*time.Minute, func() {
		if b.cancels != 1 || len(b.rotated) != 0 {
			t.Errorf("%d asked to end, %d begun", b.cancels, len(b.rotated))
		}
		b.signal(SignalRotation, RotationState{Domain: testDomain, Ended: true})
	})
	b.play(4 * time.Hour)
	if len(b.rotated) != 1 || !b.rotated[0].Approved.Open.Rotate.Cancel {
		t.Errorf("rotations: %+v", b.rotated)
	}
}

func TestDomainRotationStands(t *testing.T) {
	for _, tt := range []struct {
		name     string
		standing bool
	}{{"it stands", true}, {"it stands no more", false}} {
		t.Run(tt.name, func(t *testing.T) {
			b := watching(t)
			b.watch = func(_ int, in WatchIn) WatchOut {
				out := quiet(in)
				if b.env.Now().Sub(b.began) > 10*time.Hour {
					out.Watched.Due = federation.OwnKeyPair
				}
				return out
			}
			b.rotate = func(_ int, in ProposeRotationIn) ProposeOut {
				if !in.Standing || in.Rotate.Replace != "f1" {
					t.Errorf("asked for %+v", in)
				}
				return rotation("c", in.Rotate, tt.standing)
			}
			b.play(30 * time.Hour)
			if n := len(b.of("ProposeRotation")); n != 1 {
				t.Fatalf("%d proposals", n)
			}
			if got := len(b.rotated) == 1; got != tt.standing || len(b.rotated) > 1 {
				t.Errorf("rotations: %+v", b.rotated)
			}
			if got := b.told(NoticeApproval); (got == 1) == tt.standing {
				t.Errorf("told %+v", b.notices)
			}
		})
	}
}
