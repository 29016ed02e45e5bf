package flow

import (
	"testing"
	"time"

	"github.com/jcaad/jcaad/federation"
)

// Drift that begins between two weekly looks is told within two watches, whether or not it
// goes on; what is seen but once is not told.
func TestDomainDriftIsToldInTime(t *testing.T) {
	const began = 50 * time.Hour
	for _, tt := range []struct {
		name  string
		lasts time.Duration
		told  int
	}{{"it stays", 1000 * time.Hour, 1}, {"it is over before it is seen again", 7 * time.Hour, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			b := watching(t)
			var seen, told time.Duration
			b.watch = func(_ int, in WatchIn) WatchOut {
				out := quiet(in)
				out.Watched.Compared = true
				if at := b.env.Now().Sub(b.began); at >= began && at < began+tt.lasts && (tt.told > 0 || seen == 0) {
					if out.Watched.Drift = 2; seen == 0 {
						seen = at
					}
				}
				return out
			}
			for at := began; at < began+16*time.Hour; at += time.Minute * 5 {
				b.at(at, func() {
					if told == 0 && b.told(NoticeDrift) > 0 {
						told = b.env.Now().Sub(b.began)
					}
				})
			}
			b.play(5 * 24 * time.Hour)
			if seen < began || seen > began+8*time.Hour {
				t.Fatalf("seen at %v", seen)
			}
			if b.told(NoticeDrift) != tt.told || tt.told > 0 && (told < seen || told > began+12*time.Hour) {
				t.Errorf("told at %v: %+v", told, b.notices)
			}
			if s := b.last(); (s.Watch.Drift > 0) != (tt.told > 0) || s.Watch.Twice != (tt.told > 0) {
				t.Errorf("%s", asJSON(t, s.Watch))
			}
		})
	}
}

// What differs because a proposal waits, or a rotation is under way, is not told as drift;
// what differs after the rotation is.
func TestDomainDriftThatIsSeenTo(t *testing.T) {
	for _, tt := range []struct {
		name        string
		open, ended bool
		told        int
	}{{"a proposal waits", true, false, 0}, {"a rotation is under way", false, false, 0}, {"it is over", false, true, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			b := watching(t)
			drift := false
			b.watch = func(_ int, in WatchIn) WatchOut {
				out := quiet(in)
				if out.Watched.Compared = true; drift {
					out.Watched.Drift = 1
				}
				return out
			}
			b.look = func(int) LookOut {
				out := LookOut{Reply: known(), Found: federation.StateFederated}
				if drift {
					out.Open = proposal("e")
				}
				return out
			}
			b.at(20*time.Hour, func() {
				if drift = true; tt.open { // another plan
					b.signal(SignalListed, ListedSignal{Listed: true, Plan: true})
				} else {
					b.signal(SignalRotation, RotationState{Domain: testDomain})
				}
			})
			if tt.ended {
				b.at(60*time.Hour, func() { b.signal(SignalRotation, RotationState{Domain: testDomain, Ended: true}) })
			}
			b.play(90 * time.Hour)
			if n := len(b.of("Watch")); n < 12 || b.last().Watch.Drift != 1 {
				t.Fatalf("%d watches: %s", n, asJSON(t, b.last()))
			}
			if b.told(NoticeDrift) != tt.told {
				t.Errorf("told %+v", b.notices)
			}
		})
	}
}
