package federation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestRotateLooksBeforeTheSwitch: somebody takes the new certificate out of Azure AD
// between the first look of the call and the switch. JumpCloud is left as it is.
func TestRotateLooksBeforeTheSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		time.Sleep(time.Until(r.last.NotBefore))
		old, _ := r.AzureAD.Federation(r.Domain)
		struck := false
		opts := r.opts()
		opts.OnEvent = func(e federation.Event) {
			if e.Phase == federation.PhaseConfirm {
				struck = true
				fed := old
				fed.NextSigningCertificate = certs.Cert{}
				r.AzureAD.SetFederation(r.Domain, fed)
			}
		}
		opts.Confirm = func(context.Context, *federation.Proposal) error { return nil }
		rot, err := r.Federator(opts).Rotate(t.Context(), r.plan, r.last)
		if err != nil || !struck || r.JumpCloud.Writes() != 0 || rot.Done() {
			t.Fatalf("struck %v, %d writes, %s, %v", struck, r.JumpCloud.Writes(), rot.Phase, err)
		}
		if app := r.JumpCloud.Applications()[0]; app.Certificate != old.SigningCertificate {
			t.Errorf("JumpCloud signs with %v", app.Certificate)
		}
		r.last = rot
		r.finish(t)
		r.judge(t, 2*time.Hour)
	})
}

// TestRotateLooksAfterTheSwitch: somebody takes it out while JumpCloud is given the pair.
// It is there again before the call ends, and that is an alarm.
func TestRotateLooksAfterTheSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		time.Sleep(time.Until(r.last.NotBefore))
		old, _ := r.AzureAD.Federation(r.Domain)
		k := pairOf(t, 1, time.Now()).Cert()
		struck := false
		r.JumpCloud.OnRequest = func(q *http.Request) {
			if q.Method == http.MethodPut && strings.HasPrefix(q.URL.Path, "/api/applications/") {
				struck = true
				fed := old
				fed.NextSigningCertificate = certs.Cert{}
				r.AzureAD.SetFederation(r.Domain, fed)
			}
		}
		if err := r.rotate(t); err != nil || !struck {
			t.Fatalf("struck %v, %v", struck, err)
		}
		fed, _ := r.AzureAD.Federation(r.Domain)
		if app := r.JumpCloud.Applications()[0]; app.Certificate != k || fed.SigningCertificate != k || fed.NextSigningCertificate != old.SigningCertificate {
			t.Errorf("JumpCloud signs with %v, Azure AD accepts %v and %v", app.Certificate, fed.SigningCertificate, fed.NextSigningCertificate)
		}
		if !slices.ContainsFunc(r.last.Findings, func(f federation.Finding) bool {
			return f.Code == federation.CodeRotationBroken && f.Severity == federation.Alarm
		}) {
			t.Errorf("no alarm: %v", r.last.Findings)
		}
		r.JumpCloud.OnRequest = nil
		r.finish(t)
		// The certificate was away for no longer than the call.
		if s := r.SignIns(r.began, time.Now(), 0); s.Failed > 15*60 {
			t.Errorf("%s", s)
		}
	})
}

// noPatch lets Azure AD refuse what is written.
func noPatch(q *http.Request) aadtest.Fault {
	if q.Method == http.MethodPatch {
		return aadtest.Fault{Kind: aadtest.TooManyBare, Status: http.StatusForbidden, Body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`}
	}
	return aadtest.Fault{}
}

// TestRotateProvesTheRight: who may not write to Azure AD has JumpCloud make no new pair,
// whatever the token says.
func TestRotateProvesTheRight(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.Regenerate, federation.Emergency} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, m)
				r.plan.Consent.Gap, r.plan.Consent.Outage = true, true
				r.AzureAD.Fault = noPatch
				err := r.rotate(t)
				if !errors.Is(err, aad.ErrDenied) || r.JumpCloud.Writes() != 0 || r.AzureAD.Writes() == 0 || r.last.Done() {
					t.Errorf("%v; %d and %d writes", err, r.AzureAD.Writes(), r.JumpCloud.Writes())
				}
				r.AzureAD.Fault = nil
				time.Sleep(5 * time.Minute)
				r.finish(t)
			})
		})
	}
}

// TestRotateBetweenTwoWrites: a context that ends between the two writes of one call, with
// which nobody could sign in, does not keep the second from being made.
func TestRotateBetweenTwoWrites(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.Regenerate, federation.Emergency} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, m)
				r.plan.Consent.Gap, r.plan.Consent.Outage = true, true
				ctx, end := context.WithCancel(t.Context())
				first := 0
				r.JumpCloud.OnRequest = func(q *http.Request) {
					if q.Method == http.MethodPut {
						end()
					}
				}
				r.AzureAD.OnRequest = func(q *http.Request) {
					if q.Method == http.MethodPatch {
						if first++; m == federation.Emergency {
							end()
						}
					}
				}
				_, err := r.Federator(r.opts()).Rotate(ctx, r.plan, nil)
				fed, _ := r.AzureAD.Federation(r.Domain)
				if app := r.JumpCloud.Applications()[0]; ctx.Err() == nil || fed.SigningCertificate != app.Certificate || app.Certificate.Fingerprint() == r.plan.Replace {
					t.Errorf("%v: Azure AD accepts %v, JumpCloud signs with %v", err, fed.SigningCertificate, app.Certificate)
				}
			})
		})
	}
}

// TestRotateWritesThePairOnce: the answer to the switch is lost, and for some seconds it
// does not show. It is not sent again.
func TestRotateWritesThePairOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		time.Sleep(time.Until(r.last.NotBefore))
		r.JumpCloud.GetLag = jumpcloudtest.Lag{For: 12 * time.Second}
		puts := 0
		r.JumpCloud.Fault = func(q *http.Request) jumpcloudtest.Fault {
			if q.Method == http.MethodPut {
				puts++
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500After} // each of the client's own attempts
			}
			return jumpcloudtest.Fault{}
		}
		err := r.rotate(t)
		steps := 0
		for _, s := range r.last.Steps {
			if s.Change.Resource == federation.ResApplication {
				steps++
			}
		}
		if err != nil || puts == 0 || steps != 1 || r.last.Phase != federation.RotationSwitched {
			t.Errorf("%s, %d steps, %d requests: %v", r.last.Phase, steps, puts, err)
		}
		r.JumpCloud.Fault = nil
		r.finish(t)
		r.judge(t, 2*time.Hour)
	})
}
