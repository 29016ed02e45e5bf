package federation_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// TestRotateShortWait: what does not show for a moment does not shorten the wait of the phase.
func TestRotateShortWait(t *testing.T) {
	for _, tt := range []struct {
		m     federation.RotateMethod
		phase federation.RotationPhase
	}{
		{federation.OwnKeyPair, federation.RotationPublished},
		{federation.SecondApplication, federation.RotationBound},
		{federation.SecondApplication, federation.RotationSwapped},
	} {
		t.Run(string(tt.m)+" "+string(tt.phase), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, tt.m)
				r.plan.Consent.Policies = true
				r.until(t, tt.phase)
				end := r.last.NotBefore
				time.Sleep(10 * time.Minute)
				base := r.JumpCloud.HTTPClient().Transport
				jc := r.JumpCloud.Client(&jumpcloud.Options{HTTPClient: &http.Client{Transport: tripper(func(q *http.Request) (*http.Response, error) {
					if strings.HasSuffix(q.URL.Path, "/metadata.xml") {
						return &http.Response{StatusCode: 404, Status: "404 Not Found", Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: q}, nil
					}
					return base.RoundTrip(q)
				})}})
				var err error
				if r.last, err = federation.New(jc, r.AzureAD.Client(nil), r.opts()).Rotate(t.Context(), r.plan, r.last); err != nil {
					t.Log(err)
				}
				t.Log(r.last.Phase, r.last.Next, err)
				if r.last.Phase == tt.phase && r.last.NotBefore.Before(end.Add(-time.Hour)) {
					t.Errorf("the wait is over %v early", end.Sub(r.last.NotBefore))
				}
				time.Sleep(time.Until(r.last.NotBefore))
				r.rotate(t)
				t.Log(r.last.Phase, r.last.Next, err)
				time.Sleep(3 * time.Hour)
				r.judge(t, 2*time.Hour)
			})
		})
	}
}

// TestRotateCancelWhileSwitching: the switch's PUT was sent, and does not show yet: Cancel takes the new certificate out.
func TestRotateCancelWhileSwitching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		time.Sleep(time.Until(r.last.NotBefore))
		r.JumpCloud.ListLag, r.JumpCloud.GetLag = jumpcloudtest.Lag{For: 10 * time.Minute}, jumpcloudtest.Lag{For: 10 * time.Minute}
		r.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{For: 10 * time.Minute}
		err := r.rotate(t)
		t.Log(r.last.Phase, r.last.Next, err)
		r.plan.Cancel = true
		err = r.rotate(t)
		t.Log(r.last.Phase, r.last.Next, err)
		time.Sleep(3 * time.Hour)
		r.judge(t, 0)
	})
}

// TestRotateCancelAfterDeath: with the 60 s of section 9, and a process that dies right behind the PUT.
func TestRotateCancelAfterDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		time.Sleep(time.Until(r.last.NotBefore))
		r.JumpCloud.ListLag, r.JumpCloud.GetLag = jumpcloudtest.Lag{For: time.Minute}, jumpcloudtest.Lag{For: time.Minute}
		r.JumpCloud.Quirks.MetadataLag = jumpcloudtest.Lag{For: time.Minute}
		stored := r.last
		ctx, die := context.WithCancel(t.Context())
		w := r.JumpCloud.Writes()
		go func() {
			for r.JumpCloud.Writes() == w {
				time.Sleep(10 * time.Millisecond)
			}
			die()
		}()
		_, err := r.Federator(r.opts()).Rotate(ctx, r.plan, stored)
		t.Log(err)
		r.plan.Cancel, r.last = true, stored
		err = r.rotate(t)
		t.Log(r.last.Phase, r.last.Next, err)
		time.Sleep(3 * time.Hour)
		r.judge(t, 0)
	})
}

// TestRotateCancelledTooSoon: cancelled, while the PATCH of publish is on its way.
func TestRotateCancelledTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		r.AzureAD.ListLag, r.AzureAD.GetLag = aadtest.Lag{For: time.Minute}, aadtest.Lag{For: time.Minute}
		err := r.rotate(t)
		t.Log(r.last.Phase, r.last.Next, err)
		r.plan.Cancel = true
		err = r.rotate(t)
		t.Log(r.last.Phase, r.last.Next, err)
		time.Sleep(time.Hour)
		if fed := r.slots(t); r.last.Done() && !fed.NextSigningCertificate.IsZero() {
			t.Errorf("%s, %q, and Azure AD accepts %s as well", r.last.Phase, r.last.Next, fed.NextSigningCertificate.Thumbprint())
		}
	})
}

// TestRotateHalfSwap: a PATCH of both slots of which only the second is written.
func TestRotateHalfSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationSwitched)
		time.Sleep(time.Until(r.last.NotBefore))
		old := r.slots(t).SigningCertificate
		r.AzureAD.GetLag = aadtest.Lag{For: 5 * time.Second}
		w := r.AzureAD.Writes()
		go func() {
			for r.AzureAD.Writes() == w {
				time.Sleep(time.Millisecond)
			}
			edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = old, old })
		}()
		err := r.rotate(t)
		fed, j := r.slots(t), r.JumpCloud.Applications()[0].Certificate
		if fed.SigningCertificate != j && fed.NextSigningCertificate != j {
			t.Errorf("%s %s %v: the call ends, and nobody can sign in", r.last.Phase, r.last.Next, err)
		}
	})
}

// TestRotateNullRefusedWithFirst: null refused where the first slot is written as well.
func TestRotateNullRefusedWithFirst(t *testing.T) {
	t.Run("own, first no certificate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRotation(t, federation.OwnKeyPair)
			r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
			r.AzureAD.Quirks.RefuseNullCertificate = true
			edit(t, r.Env, func(f *aad.Federation) {
				f.NextSigningCertificate = f.SigningCertificate
				f.SigningCertificate, f.RawSigningCertificate = certs.Cert{}, "bm9uZQ=="
			})
			r.plan.Consent.RemoveNextCertificate = true
			var err error
			for range 3 {
				err = r.rotate(t)
				time.Sleep(time.Hour)
			}
			if err != nil {
				t.Errorf("%s: %v", r.last.Phase, err)
			}
		})
	})
	t.Run("second, a stranger first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newSecond(t)
			r.until(t, federation.RotationDeactivated)
			r.AzureAD.Quirks.RefuseNullCertificate = true
			_, b := r.two(t)
			edit(t, r.Env, func(f *aad.Federation) {
				f.SigningCertificate, f.NextSigningCertificate = pairOf(t, 9, time.Now()).Cert(), b.Certificate
			})
			r.plan.Consent.RemoveNextCertificate = true
			var err error
			for range 6 {
				if err = r.rotate(t); r.last.Done() {
					break
				}
				t.Log(r.last.Phase, err)
				time.Sleep(3 * time.Hour)
			}
			if err != nil || !r.last.Done() {
				t.Errorf("%s: %v", r.last.Phase, err)
			}
		})
	})
}

// TestRotatePublishedAgain: E2 emptied by somebody, published again by a call that is cut off: the old last is believed.
func TestRotatePublishedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		stored := r.last
		time.Sleep(3 * time.Hour)
		edit(t, r.Env, func(f *aad.Federation) { f.NextSigningCertificate = certs.Cert{} })
		w := r.Writes()
		rot, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, stored)
		if err != nil || rot.Phase != federation.RotationSaved || r.Writes() != w || len(rot.Findings) == 0 {
			t.Fatalf("%s, %d writes, %v", rot.Phase, r.Writes()-w, err)
		}
		time.Sleep(time.Minute)
		// This call's process dies before what it returns is stored.
		if next, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, rot); err != nil || next.Phase != federation.RotationPublished {
			t.Fatalf("%s, %v", next.Phase, err)
		}
		time.Sleep(time.Minute)
		r.last = rot
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished || time.Until(r.last.NotBefore) < 2*time.Hour {
			t.Errorf("%s, %v, %v", r.last.Phase, err, r.last.NotBefore)
		}
		r.finish(t)
		r.judge(t, time.Hour)
	})
}
