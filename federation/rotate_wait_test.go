package federation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

// TestWaitRotation: it ends by itself, when it can at the earliest, and nobody notices.
func TestWaitRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		opts, calls, waits := r.opts(), 0, 0
		opts.OnEvent = func(e federation.Event) {
			switch {
			case e.Phase == federation.PhaseDone:
				calls++
			case strings.HasPrefix(e.Text, "until "):
				waits++
			}
		}
		rot, err := r.Federator(opts).WaitRotation(t.Context(), r.plan, nil)
		if err != nil || !rot.Done() || rot.Phase != federation.RotationRetired {
			t.Fatalf("%v: %+v", err, rot)
		}
		fed, _ := r.AzureAD.Federation(r.Domain)
		if fed.SigningCertificate != pairOf(t, 1, time.Now()).Cert() {
			t.Error("Azure AD does not accept the new certificate")
		}
		if took := time.Since(r.began); calls != 4 || waits != 3 || took < 6*time.Hour+3*time.Minute || took > 6*time.Hour+4*time.Minute {
			t.Errorf("%d calls, %d waits, %v; want 4, 3, and three times 2 h and a minute", calls, waits, took)
		}
		r.judge(t, 2*time.Hour)
		r.ResetLog()
		if rot, err = r.Federator(r.opts()).WaitRotation(t.Context(), r.plan, rot); err != nil || !rot.Done() || r.Writes() > 0 {
			t.Errorf("again: %v, %+v, %d writes", err, rot, r.Writes())
		}
	})
}

// TestWaitRotationClock: a clock that runs 60 times as fast is looked at often enough.
func TestWaitRotationClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		opts := r.opts()
		opts.Now = func() time.Time { return r.began.Add(60 * time.Since(r.began)) }
		rot, err := r.Federator(opts).WaitRotation(t.Context(), r.plan, nil)
		if took := time.Since(r.began); err != nil || !rot.Done() || took < 6*time.Minute || took > 12*time.Minute {
			t.Errorf("%v after %v: %+v", err, took, rot)
		}
	})
}

// TestWaitRotationReturns: when a person has to act, and with an error that lasts, it
// returns at once.
func TestWaitRotationReturns(t *testing.T) {
	for _, tt := range []struct {
		name  string
		make  func(*testing.T, *rotation)
		err   error
		phase federation.RotationPhase
	}{
		{name: "a person has to act", phase: federation.RotationForeign, make: func(t *testing.T, r *rotation) {
			edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		}},
		{name: "refused", err: new(federation.PreconditionError), phase: federation.RotationIdle, make: func(_ *testing.T, r *rotation) {
			r.AzureAD.RemoveFederation(r.Domain)
		}},
		{name: "store", err: errShelf, phase: federation.RotationIdle, make: func(_ *testing.T, r *rotation) {
			r.keys.load = func(*certs.KeyPair) (*certs.KeyPair, error) { return nil, errShelf }
		}},
		{name: "nothing is due", phase: federation.RotationIdle, make: func(_ *testing.T, r *rotation) { r.plan.Replace = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				tt.make(t, r)
				began := time.Now()
				rot, err := r.Federator(r.opts()).WaitRotation(t.Context(), r.plan, nil)
				var pe *federation.PreconditionError
				if _, refused := tt.err.(*federation.PreconditionError); refused {
					if !errors.As(err, &pe) {
						t.Error(err)
					}
				} else if !errors.Is(err, tt.err) {
					t.Errorf("%v; want %v", err, tt.err)
				}
				if rot == nil || rot.Phase != tt.phase || r.Writes() > 0 || time.Since(began) > 2*time.Minute {
					t.Errorf("after %v, %d writes: %+v", time.Since(began), r.Writes(), rot)
				}
			})
		})
	}
}

// TestWaitRotationOutage: after failures that may pass it rests for 5 minutes at least,
// and goes on.
func TestWaitRotationOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		r.AzureAD.Fault = func(*http.Request) aadtest.Fault {
			if time.Since(r.began) < time.Hour {
				return aadtest.Fault{Kind: aadtest.Error500Before}
			}
			return aadtest.Fault{}
		}
		opts, failed := r.opts(), []time.Time(nil)
		opts.OnEvent = func(e federation.Event) {
			if e.Phase == federation.PhaseDone && e.Err != nil {
				failed = append(failed, e.Time)
			}
		}
		rot, err := r.Federator(opts).WaitRotation(t.Context(), r.plan, nil)
		if err != nil || !rot.Done() || len(failed) < 3 {
			t.Fatalf("%v, failed at %v: %+v", err, failed, rot)
		}
		for i := range failed[1:] {
			if d := failed[i+1].Sub(failed[i]); d < 5*time.Minute || d > 10*time.Minute {
				t.Errorf("%v between two calls", d)
			}
		}
	})
}

// TestWaitRotationEnds: the context's end returns the last rotation, with the cause.
func TestWaitRotationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Hour, errShelf)
		defer cancel()
		rot, err := r.Federator(r.opts()).WaitRotation(ctx, r.plan, nil)
		if !errors.Is(err, errShelf) || rot.Phase != federation.RotationSwitched || rot.Done() || time.Since(r.began) != 3*time.Hour {
			t.Errorf("%v after %v: %+v", err, time.Since(r.began), rot)
		}
		again, err := r.Federator(r.opts()).WaitRotation(ctx, r.plan, rot)
		if !errors.Is(err, errShelf) || again == nil || again.Phase != federation.RotationSwitched || !again.NotBefore.Equal(rot.NotBefore) {
			t.Errorf("begun when it had ended: %v, %+v", err, again)
		}
	})
}

// twoDomains federates a second domain beside the first.
func twoDomains(t *testing.T) (*rotation, []federation.RotatePlan) {
	r := newRotation(t, federation.OwnKeyPair)
	const other = "example.org"
	r.AzureAD.AddDomain(other)
	p := r.Plan()
	p.Domain = other
	if rep, err := r.Federator(nil).Federate(t.Context(), p); err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	time.Sleep(25 * time.Hour)
	fed, _ := r.AzureAD.Federation(other)
	second := federation.RotatePlan{Plan: p, Replace: fed.SigningCertificate.Fingerprint(), Key: r.plan.Key}
	r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
	r.keys.Save(t.Context(), other, pairOf(t, 2, time.Now()))
	r.ResetLog()
	return r, []federation.RotatePlan{r.plan, second}
}

// TestRotateAll: one call for each, in order, and the last rotations go on.
func TestRotateAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, plans := twoDomains(t)
		var lasts []*federation.Rotation
		var phases []string
		for range 4 {
			all, err := r.Federator(r.opts()).RotateAll(t.Context(), plans, lasts, nil)
			if err != nil || len(all) != 2 || all[0].Domain != r.Domain || all[1].Domain != "example.org" || all[0].Phase != all[1].Phase {
				t.Fatalf("%v: %v", err, all)
			}
			phases, lasts = append(phases, string(all[1].Phase)), all
			time.Sleep(2*time.Hour + 2*time.Minute)
		}
		if got := strings.Join(phases, " "); got != "published switched swapped retired" || !lasts[0].Done() || !lasts[1].Done() {
			t.Errorf("%s", got)
		}
	})
}

// TestRotateAllRefused: what cannot be carried out together is refused before anything.
func TestRotateAllRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, plans := twoDomains(t)
		f := r.Federator(r.opts())
		last := &federation.Rotation{Version: 1, Domain: r.Domain, Phase: federation.RotationPublished, Next: "kept"}
		for name, tt := range map[string]struct {
			plans []federation.RotatePlan
			lasts []*federation.Rotation
		}{
			"one domain twice": {[]federation.RotatePlan{plans[0], plans[1], plans[0]}, []*federation.Rotation{last, nil, nil}},
			"too few lasts":    {plans, []*federation.Rotation{last}},
			"too many lasts":   {plans, []*federation.Rotation{last, nil, nil}},
			"an empty list":    {plans, []*federation.Rotation{}},
		} {
			all, err := f.RotateAll(t.Context(), tt.plans, tt.lasts, nil)
			var pe *federation.PreconditionError
			if !errors.As(err, &pe) || !pe.Has(federation.CodeBatch) || len(all) != len(tt.plans) || r.Requests() != 0 {
				t.Errorf("%s: %v, %d requests", name, err, r.Requests())
			}
			for i, rot := range all {
				if rot == nil || rot.Error == "" || rot.Version != 1 || rot.Phase == "" || rot.Domain == "" {
					t.Errorf("%s: %d: %+v", name, i, rot)
				}
			}
			if name == "one domain twice" && (all[0].Next != "kept" || last.Error != "") {
				t.Errorf("%+v, and the caller's %+v", all[0], last)
			}
		}
		if all, err := f.RotateAll(t.Context(), nil, nil, nil); all == nil || err != nil {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// TestRotateAllFails: once one has failed no other is begun, unless it is to keep going;
// what is not begun keeps its last rotation.
func TestRotateAllFails(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r, plans := twoDomains(t)
			plans[0].Consent.NoBreakGlass = false
			plans[0].Plan.Application.ID = "ffffffffffffffffffffffff" // which is gone
			last := &federation.Rotation{Version: 1, Domain: "example.org", Method: federation.OwnKeyPair, Phase: federation.RotationIdle, Next: "kept"}
			all, err := r.Federator(r.opts()).RotateAll(t.Context(), plans, []*federation.Rotation{nil, last}, &federation.BatchOptions{Concurrency: 1, KeepGoing: keep})
			var pe *federation.PreconditionError
			if !errors.As(err, &pe) || !strings.HasPrefix(err.Error(), "example.com: ") || all[0].Error == "" {
				t.Fatalf("%v: %+v", err, all[0])
			}
			if keep && (all[1].Phase != federation.RotationPublished || all[1].Error != "") {
				t.Errorf("not begun: %+v", all[1])
			}
			if !keep && (!errors.Is(err, federation.ErrNotStarted) || all[1].Next != "kept" || all[1].Error == "" || last.Error != "" || r.Writes() != 0) {
				t.Errorf("%v, %d writes: %+v", err, r.Writes(), all[1])
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r, plans := twoDomains(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errShelf)
		all, err := r.Federator(r.opts()).RotateAll(ctx, plans, nil, nil)
		if !errors.Is(err, federation.ErrNotStarted) || !errors.Is(err, errShelf) || r.Requests() != 0 || all[1].Domain != "example.org" || all[1].Error == "" {
			t.Errorf("%v: %+v", err, all[1])
		}
	})
}
