package flow

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
)

// admission answers for the IDs that begin with "late" that nobody waits any more, and
// keeps what it was asked about.
type admission []string

func (a *admission) admit(id string) bool {
	*a = append(*a, id)
	return !strings.HasPrefix(id, "late")
}

const late = "nobody waits for this any more"

// Nothing that nobody waits for is done to a domain, by any update; what is refused for
// another reason is not asked about, so that who asks last knows that it is done.
func TestDomainAdmits(t *testing.T) {
	hash := strings.Repeat("a", 64)
	approve := ApproveArg{Hash: hash, Approval: ref("approvals/1"), Complete: true}
	for _, tt := range []struct {
		name   string
		update string
		arg    []any
		before func(b *bench)
	}{
		{name: "approve", update: UpdateApprove, arg: []any{approve}},
		{name: "reject", update: UpdateReject, arg: []any{RejectArg{Hash: hash}}},
		{name: "rotate", update: UpdateRotate, arg: []any{RotateArg{Method: federation.OwnKeyPair}}},
		{name: "retire", update: UpdateRetire, arg: []any{RetireArg{}}},
		{name: "note", update: UpdateNote, arg: []any{NoteArg{Note: ref("notes/1")}}},
		{name: "pause", update: UpdatePause},
		{name: "resume", update: UpdateResume, before: func(b *bench) { b.update("n0", UpdatePause) }},
		{name: "revert", update: UpdateRevert, before: func(b *bench) { b.approve("n0", "a", "") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			var asked admission
			b.admit = asked.admit
			var before int
			var out, good *answer
			var was, is string
			if tt.before != nil {
				b.at(time.Hour, func() { tt.before(b) })
			}
			b.at(30*time.Hour, func() {
				before, was = len(asked), asJSON(t, b.state())
				out = b.update("late-"+tt.name, tt.update, tt.arg...)
			})
			b.at(30*time.Hour+time.Second, func() { is = asJSON(t, b.state()) })
			b.at(30*time.Hour+time.Minute, func() { good = b.update("soon", tt.update, tt.arg...) })
			b.play(30*time.Hour + 2*time.Minute)
			if out == nil || out.accepted || !strings.Contains(out.refused, late) {
				t.Fatalf("late: %+v", out)
			}
			if d := cmp.Diff(was, is); d != "" {
				t.Error("refused, and changed:", d)
			}
			if !good.accepted {
				t.Errorf("in time: %+v", good)
			}
			if d := cmp.Diff([]string{"late-" + tt.name, "soon"}, []string(asked[before:])); d != "" {
				t.Errorf("asked: -want +got:\n%s", d)
			}
		})
	}
}

// Who has given up is asked about last: not for what is refused anyhow, but for what was
// seen in an earlier run, which is then not done again.
func TestDomainAdmitsLast(t *testing.T) {
	b := newBench(t)
	var asked admission
	b.admit = asked.admit
	var got []*answer
	pause := func() { got = append(got, b.update("n1", UpdatePause)) }
	b.at(time.Hour, pause)
	b.at(2*time.Hour, func() { got = append(got, b.update("n2", UpdatePause)) })
	b.at(30*time.Hour, pause) // in another run
	b.play(31 * time.Hour)
	if len(got) != 3 || !got[0].accepted || got[1].accepted || !got[2].accepted || b.runs < 2 {
		t.Fatalf("%d runs, %+v", b.runs, got)
	}
	if d := cmp.Diff([]string{"n1", "n1"}, []string(asked)); d != "" {
		t.Errorf("asked: -want +got:\n%s", d)
	}
}

func TestBatchAdmits(t *testing.T) {
	b := newBatch(t)
	var asked admission
	b.admit = asked.admit
	var got []*rotationAnswer
	all := func(id string) func() {
		return func() {
			got = append(got, b.update(id+"-pause", UpdatePause))
			got = append(got, b.update(id+"-resume", UpdateResume))
			got = append(got, b.update(id+"-skip", UpdateSkip, SkipArg{Domain: "c"}))
		}
	}
	b.at(time.Hour, all("late"))
	b.at(2*time.Hour, all("soon"))
	b.at(3*time.Hour, func() {
		got = append(got, b.update("late-again", UpdatePause))
		b.update("n", UpdatePause)
	})
	b.at(4*time.Hour, func() { got = append(got, b.update("late-indeed", UpdateResume)) })
	b.at(5*time.Hour, func() {
		for _, d := range []string{"0", "a", "b"} {
			b.update("skip"+d, UpdateSkip, SkipArg{Domain: d})
		}
	})
	b.play(threeWaves())
	var refused []bool
	for _, a := range got {
		refused = append(refused, a.refused != nil)
	}
	if d := cmp.Diff([]bool{true, true, true, false, false, false, true, true}, refused); d != "" {
		t.Fatal(d)
	}
	for _, i := range []int{0, 2, 6, 7} {
		if !strings.Contains(got[i].refused.Error(), late) {
			t.Errorf("%d: %v", i, got[i].refused)
		}
	}
	if !slices.Contains(asked, "late-indeed") || asked[0] != "late-pause" || asked[1] != "late-skip" {
		t.Errorf("asked about %q", asked)
	}
}

func TestRotationAdmits(t *testing.T) {
	b := newRotation(t, func(n int) (RotateOut, error) {
		if n == 0 {
			return rotationWaits(federation.RotationPublished, time.Hour), nil
		}
		return rotationDone(), nil
	})
	var asked admission
	b.admit = asked.admit
	var got []*rotationAnswer
	b.first = func() {
		b.env.RegisterDelayedCallback(func() {
			for _, id := range []string{"late-pause", "soon-pause", "late-resume", "soon-resume"} {
				got = append(got, b.update(id, id[5:]))
			}
		}, time.Minute)
	}
	b.play()
	if len(got) != 4 {
		t.Fatal(got)
	}
	for i, a := range got {
		if refused := a.refused != nil && strings.Contains(a.refused.Error(), late); refused != (i%2 == 0) {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if d := cmp.Diff([]string{"late-pause", "soon-pause", "late-resume", "soon-resume"}, []string(asked)); d != "" {
		t.Errorf("asked: -want +got:\n%s", d)
	}
}
