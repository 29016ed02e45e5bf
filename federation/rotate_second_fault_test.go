package federation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A course is a rotation in which something goes wrong with request k, counted from its
// beginning.
type course struct {
	trouble trouble
	k       int
	last    string // what is handed to the call after a death: "before", "none" or "stale"
	back    bool   // it is led back, once the first application is inactive
	lag     time.Duration
}

var courseTroubles = []trouble{
	{name: "answer lost", kind: fake.DropAfter},
	{name: "500 with effect", kind: fake.Error500After},
	{name: "reset before", kind: fake.DropBefore},
	{name: "refused 10 times", kind: fake.Refuse503, many: 10},
	{name: "dies before", kind: fake.DropBefore, dies: true},
	{name: "dies after", kind: fake.DropAfter, dies: true},
}

// follow goes through the course and says what was wrong.
func (c course) follow(t *testing.T) (requests int, err error) {
	r := newSecond(t)
	r.plan.DeleteOld = !c.back
	if c.lag > 0 {
		r.JumpCloud.ListLag, r.JumpCloud.GetLag = jumpcloudtest.Lag{For: c.lag}, jumpcloudtest.Lag{For: c.lag}
		r.AzureAD.ListLag, r.AzureAD.GetLag = aadtest.Lag{For: c.lag}, aadtest.Lag{For: c.lag}
	}
	w := &watched{Env: r.Env}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	over := func() {}
	if c.k > 0 {
		over = w.faulty(c.k, c.trouble, die)
	}
	var earlier *federation.Rotation
	failed := 0
	for range 80 {
		now, err := r.Federator(nil).Rotate(ctx, r.plan, r.last)
		if ctx.Err() != nil { // what it returned died with it
			over()
			ctx = t.Context()
			switch c.last {
			case "none":
				r.last = nil
			case "stale":
				r.last = earlier
			}
			time.Sleep(time.Second)
			continue
		}
		if err != nil {
			if failed++; failed > 3 {
				return 0, fmt.Errorf("fails again and again: %w", err)
			}
		}
		earlier, r.last = r.last, now
		if c.back && now.Phase == federation.RotationDeactivated {
			r.plan.Cancel = true
		}
		if now.Done() {
			break
		}
		time.Sleep(max(time.Second, time.Until(now.NotBefore)))
	}
	requests = r.Requests()
	over()
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	end := federation.RotationClosed
	if c.back {
		end = federation.RotationCancelled
	}
	want(r.last.Done() && r.last.Phase == end, "%s: %s", r.last.Phase, r.last.Next)
	apps := r.JumpCloud.Applications()
	fed, _ := r.AzureAD.Federation(r.Domain)
	if want(len(apps) == 1, "%d applications; want 1", len(apps)); len(apps) == 1 {
		a := apps[0]
		want(a.Active && !a.Hidden, "the application is %+v", a)
		want(fed.PassiveSignInURI == a.SSOURL && fed.SigningCertificate == a.Certificate &&
			(fed.NextSigningCertificate.IsZero() || fed.NextSigningCertificate == fed.SigningCertificate), "Azure AD has %+v", fed)
		want(c.back == (a.Certificate.Fingerprint() == r.plan.Replace), "the certificate is %s", a.Certificate.Fingerprint())
	}
	time.Sleep(3 * time.Hour)
	for _, lag := range []time.Duration{0, 2 * time.Hour} {
		s := r.SignIns(r.began, time.Now(), lag)
		want(s.Failed == 0 && s.Seconds > 3600, "lag %v: %s", lag, s)
	}
	return requests, errors.Join(errs...)
}

// TestRotateSecondFaults: whatever goes wrong with whichever request, and whatever is lost
// with a process that dies, the rotation ends, there or back, and nobody notices.
func TestRotateSecondFaults(t *testing.T) {
	var all []course
	for _, back := range []bool{false, true} {
		for _, lag := range []time.Duration{0, time.Minute} {
			var n int
			synctest.Test(t, func(t *testing.T) {
				var err error
				if n, err = (course{back: back, lag: lag}).follow(t); err != nil {
					t.Fatal(err)
				}
			})
			step := everyNth(29, 101, 1597)
			if lag > 0 {
				step = everyNth(101, 101, 1597)
			}
			for i, tr := range courseTroubles {
				for k := 1 + 5*i%step; k <= n; k += step {
					lasts := []string{"before"}
					if tr.dies {
						lasts = []string{"before", "none", "stale"}
					}
					for _, last := range lasts {
						all = append(all, course{tr, k, last, back, lag})
					}
				}
			}
		}
	}
	var count atomic.Int64
	t.Run("matrix", func(t *testing.T) {
		for part := range slices.Chunk(all, (len(all)+4*runtime.GOMAXPROCS(0)-1)/(4*runtime.GOMAXPROCS(0))) {
			t.Run(fmt.Sprintf("%s/%d", part[0].trouble.name, part[0].k), func(t *testing.T) {
				t.Parallel()
				for _, c := range part {
					synctest.Test(t, func(t *testing.T) {
						if _, err := c.follow(t); err != nil {
							t.Errorf("%s at request %d, last %s, back %v, lag %v: %v", c.trouble.name, c.k, c.last, c.back, c.lag, err)
						}
					})
					count.Add(1)
				}
			})
		}
	})
	t.Logf("%d scenarios", count.Load())
}

// TestRotateSecondWalks: processes die at any request, again and again, what a call has
// returned is lost or older than it should be, and the administrator turns back and turns
// round; nobody notices.
func TestRotateSecondWalks(t *testing.T) {
	walks := 16
	if testing.Short() || raceDetector {
		walks = 4
	}
	for seed := range walks {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { walk(t, uint64(seed)) })
		})
	}
}

func walk(t *testing.T, seed uint64) {
	r := newSecond(t)
	w := &watched{Env: r.Env}
	rnd := rand.New(rand.NewPCG(seed, 16))
	var tale []string
	var given []*federation.Rotation // what calls have returned
	for n := 0; ; n++ {
		if n == 200 {
			t.Fatalf("no end: %v", tale)
		}
		ctx, die := context.WithCancelCause(t.Context())
		over := func() {}
		if n < 60 && rnd.IntN(3) == 0 {
			over = w.faulty(1+rnd.IntN(14), courseTroubles[rnd.IntN(len(courseTroubles))], die)
		}
		now, err := r.Federator(nil).Rotate(ctx, r.plan, r.last)
		over()
		dead := ctx.Err() != nil
		die(nil)
		if err != nil && strings.Contains(err.Error(), "has the public key of the first") {
			break // the stand-in has only so many keys
		}
		tale = append(tale, fmt.Sprintf("%s cancel=%v dead=%v err=%v", now.Phase, r.plan.Cancel, dead, err != nil))
		if !dead {
			given = append(given, now)
			r.last = now
			if now.Done() && n >= 60 {
				break
			}
		}
		switch pick := rnd.IntN(12); {
		case dead && pick == 0:
			r.last = nil
		case dead && pick < 4 && len(given) > 1:
			r.last = given[len(given)-2]
		}
		if n < 60 && rnd.IntN(15) == 0 && !now.Done() {
			r.plan.Cancel = !r.plan.Cancel
		} else if now.Phase == federation.RotationCancelled && now.Done() {
			r.plan.Cancel = false
		} else if now.Phase == federation.RotationClosed {
			if r.plan.Cancel = false; now.Done() {
				break
			}
		}
		if r.last != nil && rnd.IntN(4) > 0 {
			time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
		} else {
			time.Sleep(time.Duration(rnd.IntN(3600)) * time.Second)
		}
	}
	if r.last == nil || r.last.Phase != federation.RotationSaved && !r.last.Done() || len(r.JumpCloud.Applications()) > 2 {
		t.Errorf("no end: %v", tale)
	}
	time.Sleep(3 * time.Hour)
	for _, lag := range []time.Duration{time.Minute, 2 * time.Hour} {
		if s := r.SignIns(r.began, time.Now(), lag); s.Failed > 0 {
			t.Errorf("lag %v: %s\n%s", lag, s, strings.Join(tale, "\n"))
		}
	}
}
