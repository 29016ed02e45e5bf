package federation_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// rotateStep thins the matrix out: of all its cells every so many-th is played. 1 plays
// all of them.
var rotateStep = flag.Int("rotate-step", 0, "play every `N`th cell of the rotations' fault matrix; 0 is 151, or 307 with -short or under the race detector")

// A keeping is what becomes of what the calls return.
type keeping string

const (
	keptLast  keeping = "kept"  // each is handed to the next call
	lostLast  keeping = "lost"  // that of the call with the trouble is lost, and all before
	staleLast keeping = "stale" // that of the call with the trouble is lost; the one before is handed over
)

// rotateReadings are how the interfaces of both services follow their state.
var rotateReadings = []struct {
	name string
	set  func(*rotation)
}{
	{"prompt", func(*rotation) {}},
	{"lagging", func(r *rotation) {
		r.JumpCloud.ListLag, r.JumpCloud.GetLag = jumpcloudtest.Lag{For: 40 * time.Second}, jumpcloudtest.Lag{For: 20 * time.Second}
		r.AzureAD.ListLag, r.AzureAD.GetLag = aadtest.Lag{For: 50 * time.Second}, aadtest.Lag{For: 30 * time.Second}
	}},
	{"flapping", func(r *rotation) {
		r.JumpCloud.ListLag, r.JumpCloud.GetLag = jumpcloudtest.Lag{FlapFor: 50 * time.Second}, jumpcloudtest.Lag{FlapFor: 40 * time.Second}
		r.AzureAD.ListLag, r.AzureAD.GetLag = aadtest.Lag{FlapFor: 50 * time.Second}, aadtest.Lag{FlapFor: 50 * time.Second}
	}},
	{"metadata behind", func(r *rotation) { r.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{For: 50 * time.Second} }},
	{"certificate behind", func(r *rotation) { r.JumpCloud.Quirks.CertificateLag = jumpcloudtest.Lag{For: 50 * time.Second} }},
	{"null refused", func(r *rotation) { r.AzureAD.Quirks.RefuseNullCertificate = true }},
	{"null ignored", func(r *rotation) { r.AzureAD.Quirks.IgnoreNullCertificate = true }},
	{"dates not told", func(r *rotation) { r.JumpCloud.Quirks.OmitUpdatedAt = true }},
}

// play makes a whole rotation in which trouble befalls request k, counted from the first
// call, and returns why the rotation did not end well; "" if it did. over is set if there
// were fewer requests.
func (r *rotation) play(t *testing.T, k int, tr trouble, keep keeping) (calls int, over bool, err error) {
	var n atomic.Int64
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	var struck atomic.Bool
	var dying atomic.Pointer[http.Request]
	f := func(q *http.Request) fake.Fault {
		i := int(n.Add(1))
		if i < k || i >= k+max(tr.many, 1) {
			return fake.Fault{}
		}
		struck.Store(true)
		switch {
		case tr.dies && tr.kind == fake.DropAfter: // it must live until the request has arrived
			dying.Store(q)
		case tr.dies:
			die(errDied)
		}
		return fake.Fault{Kind: tr.kind, RetryAfter: tr.wait}
	}
	r.JumpCloud.Fault, r.AzureAD.Fault = f, f
	arrived := func(q *http.Request) {
		if dying.Load() == q {
			die(errDied)
		}
	}
	r.JumpCloud.OnRequest, r.AzureAD.OnRequest = arrived, arrived
	var last *federation.Rotation
	lost := false
	for calls = 1; calls <= 25; calls++ {
		rot, rerr := r.Federator(r.opts()).Rotate(ctx, r.plan, last)
		if rot == nil {
			return calls, false, errors.New("Rotate returned nil")
		}
		if rerr != nil && !struck.Load() {
			return calls, false, fmt.Errorf("without trouble: %w", rerr)
		}
		if rot.Done() {
			return calls, !struck.Load(), nil
		}
		switch {
		case struck.Load() && !lost && keep == lostLast:
			last, lost = nil, true
		case struck.Load() && !lost && keep == staleLast:
			lost = true
		default:
			last = rot
		}
		if ctx.Err() != nil {
			ctx = t.Context() // another process
		}
		pause := 5 * time.Minute
		if rerr == nil && last != nil {
			pause = max(time.Second, time.Until(last.NotBefore))
		}
		time.Sleep(pause)
	}
	return calls, false, fmt.Errorf("not done after %d calls: %s, %s %s", calls, last.Phase, last.Next, last.Error)
}

// TestRotateFaults: whatever goes wrong with whichever request, and whatever becomes of
// what the calls return, a rotation ends in the same state, and nobody's sign-in fails;
// where the method has a gap, only in that.
func TestRotateFaults(t *testing.T) {
	step := *rotateStep
	if step == 0 {
		step = everyNth(151, 307, 307)
	}
	var played atomic.Int64
	group := 0
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.Regenerate, federation.Emergency} {
		for _, reading := range rotateReadings {
			cell := group * 7 // so that each group plays others
			group++
			t.Run(string(m)+"/"+reading.name, func(t *testing.T) {
				t.Parallel()
				for _, tr := range troubles {
					for _, keep := range []keeping{keptLast, lostLast, staleLast} {
						for k := 1; ; k++ {
							cell++
							if cell%step != 0 && k < 60 {
								continue
							}
							if k >= 60 {
								break
							}
							played.Add(1)
							over := false
							name := fmt.Sprintf("%s, %s, %s at request %d, last %s", m, reading.name, tr.name, k, keep)
							synctest.Test(t, func(t *testing.T) {
								r := newRotation(t, m)
								r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
								r.plan.Consent.Gap, r.plan.Consent.Outage = true, true
								reading.set(r)
								over = r.check(t, name, k, tr, keep)
							})
							if over {
								break
							}
						}
					}
				}
			})
		}
	}
	t.Cleanup(func() { t.Logf("%d cells played, every %dth", played.Load(), step) })
}

// check plays and judges.
func (r *rotation) check(t *testing.T, name string, k int, tr trouble, keep keeping) (over bool) {
	calls, over, err := r.play(t, k, tr, keep)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return over
	}
	fed, _ := r.AzureAD.Federation(r.Domain)
	apps := r.JumpCloud.Applications()
	if len(apps) != 1 || fed.SigningCertificate != apps[0].Certificate || fed.NextSigningCertificate != fed.SigningCertificate && !fed.NextSigningCertificate.IsZero() ||
		fed.SigningCertificate.Fingerprint() == r.plan.Replace {
		t.Errorf("%s: Azure AD accepts %v and %v, JumpCloud signs with %v", name, fed.SigningCertificate, fed.NextSigningCertificate, apps[0].Certificate)
	}
	if h := r.JumpCloud.Histories(); len(h) != 1 || h[0].Versions[len(h[0].Versions)-1].Signs != apps[0].Certificate {
		t.Errorf("%s: the application signs with another key", name)
	}
	lag := time.Hour
	s := r.SignIns(r.began, time.Now().Add(lag), lag)
	most := 0
	switch r.plan.Method {
	case federation.Regenerate, federation.Emergency:
		// From the first write to the end of the call that mends it, and until that has spread.
		most = int((2*lag + time.Hour).Seconds())
	}
	if s.Failed > most || s.Seconds < 60 {
		t.Errorf("%s: %d calls: %s", name, calls, s)
	}
	return over
}
