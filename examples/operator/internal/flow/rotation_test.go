package flow

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
)

// rotationScript returns what calls return, one after the other, and then that it is done.
func rotationScript(outs ...RotateOut) func(int) (RotateOut, error) {
	return func(n int) (RotateOut, error) {
		if n < len(outs) {
			return outs[n], nil
		}
		return rotationDone(), nil
	}
}

func TestRotationToTheEnd(t *testing.T) {
	b := newRotation(t, rotationScript(
		rotationWaits(federation.RotationPublished, 3*time.Hour), rotationWaits(federation.RotationSwitched, 72*time.Hour)))
	last := b.play()
	if b.err != nil || len(b.calls) != 3 {
		t.Fatalf("%d calls, error %v", len(b.calls), b.err)
	}
	if diff := cmp.Diff([]time.Duration{0, 3 * time.Hour, 75 * time.Hour}, b.at); diff != "" {
		t.Error(diff)
	}
	for i, want := range []string{"", "published", "switched"} {
		if got := b.calls[i].Last; (got == nil) != (want == "") || got != nil && got.SHA256 != want {
			t.Errorf("call %d goes on from %v", i, got)
		}
		if b.calls[i].Domain != "a.example" || b.calls[i].Approved.Open.Hash != "h" {
			t.Errorf("call %d: %+v", i, b.calls[i])
		}
	}
	want := RotationState{Domain: "a.example", Method: federation.OwnKeyPair, Phase: federation.RotationRetired,
		Calls: 3, Done: true, Ended: true, Rotation: rotationRef("done")}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	wantNotice := []Notice{{ID: "rotation/a.example/r1/rotated", Kind: NoticeRotated, Domain: "a.example", Customer: "acme", Hash: "h"}}
	if diff := cmp.Diff(wantNotice, b.told); diff != "" {
		t.Error(diff)
	}
	ended := 0
	for _, s := range b.heard {
		if s.Ended {
			ended++
		}
	}
	if ended != 1 || b.runs != 2 {
		t.Errorf("ended %d times, %d runs: one is continued after a day", ended, b.runs)
	}
}

func TestRotationSpeed(t *testing.T) {
	b := newRotation(t, rotationScript(rotationWaits(federation.RotationPublished, 3*time.Hour),
		rotationTrouble(federation.ClassTemporary), rotationTrouble(federation.ClassPeople)))
	b.speed = 3600
	b.play()
	want := []time.Duration{0, 3 * time.Second, 3*time.Second + 10*time.Second/3600, 9*time.Second + 10*time.Second/3600}
	if len(b.at) != len(want) {
		t.Fatalf("calls at %v", b.at)
	}
	for i, at := range b.at {
		if d := at - want[i]; d < 0 || d > 10*time.Millisecond {
			t.Errorf("call %d after %v, not %v", i, at, want[i])
		}
	}
}

func TestRotationTrouble(t *testing.T) {
	long := rotationTrouble(federation.ClassTemporary)
	long.Problem.After = time.Minute
	short := rotationTrouble(federation.ClassTemporary)
	short.Problem.After = time.Second
	busy := RotateOut{Reply: Reply{Busy: 20 * time.Second, Why: "a free slot"}}
	unlisted := RotateOut{Reply: Reply{Unlisted: true}}
	well := rotationWaits(federation.RotationPublished, time.Minute)
	person := RotateOut{Next: "somebody has to try it", Phase: federation.RotationPilot}
	for name, c := range map[string]struct {
		outs  []RotateOut
		want  []time.Duration // between the calls
		calls int             // that asked anything
	}{
		"temporary":   {[]RotateOut{rotationTrouble(federation.ClassTemporary), rotationTrouble(federation.ClassTemporary)}, seconds(10, 20), 3},
		"fault":       {[]RotateOut{rotationTrouble(federation.ClassFault)}, seconds(10), 2},
		"stopped":     {[]RotateOut{rotationTrouble(federation.ClassStopped)}, seconds(10), 2},
		"unsettled":   {[]RotateOut{rotationTrouble(federation.ClassUnsettled)}, seconds(10), 2},
		"retry after": {[]RotateOut{long, short}, seconds(60, 20), 3},
		"well again":  {[]RotateOut{rotationTrouble(federation.ClassTemporary), well, rotationTrouble(federation.ClassTemporary)}, seconds(10, 60, 10), 4},
		"people":      {[]RotateOut{rotationTrouble(federation.ClassPeople)}, seconds(6 * 3600), 2},
		"a person":    {[]RotateOut{person}, seconds(6 * 3600), 2},
		"busy":        {[]RotateOut{busy, busy}, seconds(20, 20), 1},
		"unlisted":    {[]RotateOut{unlisted}, seconds(900), 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRotation(t, rotationScript(c.outs...))
			last := b.play()
			if !last.Done || len(b.calls) != len(c.outs)+1 || last.Calls != c.calls {
				t.Fatalf("%d calls, at last %+v", len(b.calls), last)
			}
			var got []time.Duration
			for i := range c.outs {
				got = append(got, b.at[i+1]-b.at[i])
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if last.Problem != nil || last.Failures != 0 || last.Failing != 0 || last.Waits != "" {
				t.Errorf("at last %+v", last)
			}
		})
	}
}

func seconds(n ...int) []time.Duration {
	var d []time.Duration
	for _, s := range n {
		d = append(d, time.Duration(s)*time.Second)
	}
	return d
}

func TestRotationTellsAfterAnHour(t *testing.T) {
	b := newRotation(t, func(n int) (RotateOut, error) {
		if n < 20 {
			return rotationTrouble(federation.ClassTemporary), nil
		}
		return rotationDone(), nil
	})
	b.play()
	if len(b.told) != 2 || b.told[0].Kind != NoticeFailed || b.told[1].Kind != NoticeRotated {
		t.Fatalf("told %+v", b.told)
	}
	if at := b.toldAt[0]; at < time.Hour || at > 75*time.Minute {
		t.Errorf("told after %v", at)
	}
	if b.told[0].Text != "what happened" || !strings.HasPrefix(b.told[0].ID, "rotation/a.example/r1/failed/") {
		t.Errorf("%+v", b.told[0])
	}
	for i := range b.at[:20] {
		if d := b.at[i+1] - b.at[i]; d > 15*time.Minute || i > 7 && d != 15*time.Minute {
			t.Errorf("%v between call %d and the next", d, i)
		}
	}
}

func TestRotationTellingHoldsNoCall(t *testing.T) {
	b := newRotation(t, func(n int) (RotateOut, error) {
		if n < 12 {
			return rotationTrouble(federation.ClassTemporary), nil
		}
		return rotationDone(), nil
	})
	b.tellErr = errors.New("nobody answers")
	last := b.play()
	if len(b.calls) != 13 || b.at[12] > 4*time.Hour {
		t.Fatalf("%d calls, at %v", len(b.calls), b.at)
	}
	if b.err != nil || !last.Ended {
		t.Errorf("%v, %+v", b.err, last)
	}
}

func TestRotationLostCall(t *testing.T) {
	b := newRotation(t, func(n int) (RotateOut, error) {
		if n < 3 {
			return RotateOut{}, errors.New("the worker ends")
		}
		return rotationDone(), nil
	})
	last := b.play()
	if len(b.calls) != 4 || last.Calls != 1 || !last.Done {
		t.Fatalf("%d calls, %+v: Temporal asks again", len(b.calls), last)
	}
	for _, in := range b.calls {
		if diff := cmp.Diff(b.calls[0], in); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRotationVoid(t *testing.T) {
	for name, problem := range map[string]*Problem{"said": {Class: federation.ClassPeople, Code: "c", Text: "another plan"}, "not said": nil} {
		t.Run(name, func(t *testing.T) {
			b := newRotation(t, rotationScript(RotateOut{Void: true, Reply: Reply{Problem: problem}}))
			last := b.play()
			if len(b.calls) != 1 || b.err != nil || !last.Ended || last.Done || last.Problem == nil || len(b.told) != 0 {
				t.Fatalf("%d calls, %v, %+v, told %v", len(b.calls), b.err, last, b.told)
			}
			if problem != nil && *last.Problem != *problem || last.Problem.Class != federation.ClassPeople {
				t.Errorf("%+v", last.Problem)
			}
		})
	}
}

func TestRotationLook(t *testing.T) {
	after := rotationTrouble(federation.ClassTemporary)
	after.Problem.After = time.Hour
	for name, c := range map[string]struct {
		out  RotateOut
		want time.Duration
	}{
		"people":        {rotationTrouble(federation.ClassPeople), 5 * time.Second},
		"temporary":     {rotationTrouble(federation.ClassTemporary), 5 * time.Second},
		"unlisted":      {RotateOut{Reply: Reply{Unlisted: true}}, 5 * time.Second},
		"named a time":  {after, time.Hour},
		"nothing wrong": {rotationWaits(federation.RotationPublished, time.Hour), time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRotation(t, rotationScript(c.out))
			b.first = func() {
				b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalLook, nil) }, 5*time.Second)
			}
			b.play()
			if len(b.at) != 2 || b.at[1] != c.want {
				t.Errorf("calls at %v, not after %v", b.at, c.want)
			}
		})
	}
}

func TestRotationLookDuringCall(t *testing.T) {
	b := newRotation(t, nil)
	b.rotate = func(n int) (RotateOut, error) {
		if n == 0 {
			b.env.SignalWorkflow(SignalLook, nil)
			return rotationTrouble(federation.ClassPeople), nil
		}
		return rotationDone(), nil
	}
	b.play()
	if len(b.at) != 2 || b.at[1] != 0 {
		t.Errorf("calls at %v: what was mended during the call is seen at once", b.at)
	}
}

func TestRotationPause(t *testing.T) {
	b := newRotation(t, rotationScript(rotationWaits(federation.RotationPublished, time.Hour)))
	var answers []*rotationAnswer
	var during RotationState
	b.first = func() {
		for i, name := range []string{UpdateResume, UpdatePause, UpdatePause} {
			b.env.RegisterDelayedCallback(func() { answers = append(answers, b.update(name+string(rune('0'+i)), name)) },
				time.Duration(i+1)*time.Minute)
		}
		b.env.RegisterDelayedCallback(func() { during = b.query() }, 4*time.Hour)
		b.env.RegisterDelayedCallback(func() { answers = append(answers, b.update("4", UpdateResume)) }, 5*time.Hour)
	}
	last := b.play()
	if len(answers) != 4 || answers[0].refused == nil || answers[2].refused == nil || !answers[1].done || !answers[3].done {
		t.Fatalf("%+v %+v %+v", answers[0], answers[1], answers)
	}
	if !during.Paused || during.Calls != 1 || last.Paused || !last.Done {
		t.Errorf("during %+v, at last %+v", during, last)
	}
	if diff := cmp.Diff([]time.Duration{0, 5 * time.Hour}, b.at); diff != "" {
		t.Error(diff)
	}
	paused := false
	for _, s := range b.heard {
		paused = paused || s.Paused
	}
	if !paused {
		t.Error("the domain did not hear of the pause")
	}
}

// The pause of its domain holds a rotation, over runs that continue as new as well.
func TestRotationPausedByItsDomain(t *testing.T) {
	b := newRotation(t, rotationScript(rotationWaits(federation.RotationPublished, time.Hour)))
	var during RotationState
	b.first = func() {
		b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalPaused, PausedSignal{Paused: true}) }, time.Minute)
		b.env.RegisterDelayedCallback(func() { during = b.query() }, 4*time.Hour)
		b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalPaused, PausedSignal{}) }, 5*time.Hour)
	}
	last := b.play()
	if !during.Paused || during.Calls != 1 || last.Paused || !last.Done {
		t.Errorf("during %+v, at last %+v", during, last)
	}
	if diff := cmp.Diff([]time.Duration{0, 5 * time.Hour}, b.at); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(b.heard, func(s RotationState) bool { return s.Paused }) {
		t.Error("the domain did not hear of the pause")
	}
}

// Each pause that comes while a rotation continues as new counts in the run that follows.
func TestRotationPausedWhileContinuing(t *testing.T) {
	for at := range 16 { // that run ends after 80 s
		b := newRotation(t, func(n int) (RotateOut, error) {
			if n < 8 {
				return rotationTrouble(federation.ClassTemporary), nil
			}
			return rotationDone(), nil
		})
		paused, calls := false, 0
		b.bound = func(run int) {
			b.env.SetContinueAsNewSuggested(run < 6)
			if run == 3 {
				calls = len(b.calls)
				b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalPaused, PausedSignal{Paused: true}) }, time.Duration(at)*5*time.Second)
			}
			if run == 3 || run == 4 {
				b.env.RegisterDelayedCallback(func() { paused = paused || b.query().Paused && len(b.calls) <= calls+2 }, time.Hour)
				b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalPaused, PausedSignal{}) }, 2*time.Hour)
			}
		}
		if last := b.play(); !last.Done || !paused {
			t.Errorf("paused after %d s: held %v, %+v", at*5, paused, last)
		}
	}
}

func TestRotationPauseWhileBroken(t *testing.T) {
	b := newRotation(t, rotationScript(
		rotationWaits(federation.RotationBroken, time.Hour), rotationWaits(federation.RotationSwitched, time.Hour)))
	b.first = func() {
		b.env.RegisterDelayedCallback(func() { b.update("1", UpdatePause) }, time.Minute)
		b.env.RegisterDelayedCallback(func() { b.update("2", UpdateResume) }, 10*time.Hour)
	}
	b.play()
	if diff := cmp.Diff([]time.Duration{0, time.Hour, 10 * time.Hour}, b.at); diff != "" {
		t.Error("what is broken is mended, and no more:", diff)
	}
}

func TestRotationCancelled(t *testing.T) {
	for name, out := range map[string]RotateOut{
		"waiting": rotationWaits(federation.RotationPublished, 5*time.Hour), "for people": rotationTrouble(federation.ClassPeople),
	} {
		t.Run(name, func(t *testing.T) {
			b := newRotation(t, rotationScript(out))
			b.first = func() { b.env.RegisterDelayedCallback(func() { b.env.CancelWorkflow() }, time.Hour) }
			last := b.play()
			if len(b.calls) != 1 || b.err == nil || !last.Ended || last.Done ||
				last.Problem == nil || last.Problem.Class != federation.ClassStopped {
				t.Fatalf("%d calls, %v, %+v", len(b.calls), b.err, last)
			}
		})
	}
}

func TestRotationDomainGone(t *testing.T) {
	b := newRotation(t, rotationScript(rotationWaits(federation.RotationPublished, time.Hour)))
	b.gone = true
	b.play()
	if b.err != nil || len(b.calls) != 2 || len(b.told) != 1 {
		t.Fatalf("%v, %d calls, told %v", b.err, len(b.calls), b.told)
	}
}

// A signal and a pause at each moment around continue-as-new are acted on once.
func TestRotationContinues(t *testing.T) {
	b := newRotation(t, func(n int) (RotateOut, error) {
		if n < 40 {
			return rotationTrouble(federation.ClassTemporary), nil
		}
		return rotationDone(), nil
	})
	b.bound = func(run int) {
		b.env.SetContinueAsNewSuggested(run < 50)
		if run == 5 {
			b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(SignalLook, nil) }, 0)
			b.env.RegisterDelayedCallback(func() { b.update("p", UpdatePause) }, time.Second)
			b.env.RegisterDelayedCallback(func() { b.update("r", UpdateResume) }, 3*time.Hour)
		}
	}
	last := b.play()
	if b.runs < 30 || len(b.calls) != 41 || !last.Done || last.Calls != 41 {
		t.Fatalf("%d runs, %d calls, %+v", b.runs, len(b.calls), last)
	}
	failed := 0
	for _, n := range b.told {
		if n.Kind == NoticeFailed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("told %+v: one hour passes once, over all runs", b.told)
	}
	seen := map[int]int{}
	for _, s := range b.heard {
		if !s.Paused && s.Problem != nil {
			seen[s.Calls]++
		}
	}
	if len(seen) != 40 {
		t.Errorf("the domain heard of %d failures", len(seen))
	}
	for i, in := range b.ran[1:] {
		if in.State == nil || in.Approved.Run != "r1" || in.State.Paused {
			t.Errorf("run %d carries on %+v", i+1, in)
		}
	}
}
