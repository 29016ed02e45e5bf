package federation_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
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
