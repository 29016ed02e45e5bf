package federation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
)

func phasesOf(ps []federation.RotationPhase) string {
	return strings.Trim(fmt.Sprint(ps), "[]")
}

// TestRegenerate: the gap is the one that was promised.
func TestRegenerate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Regenerate)
		err := r.rotate(t)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodeRotationGap) || r.Writes() != 0 {
			t.Fatalf("without consent: %v, %d writes", err, r.Writes())
		}
		r.plan.Consent.Gap = true
		r.last = nil
		began := time.Now()
		phases := r.finish(t)
		if got := phasesOf(phases); got != "regenerated retired" {
			t.Errorf("phases %s", got)
		}
		for _, lag := range []time.Duration{0, time.Hour, 2 * time.Hour} {
			s := r.SignIns(r.began, time.Now().Add(lag), lag)
			// The sign-in that began ten minutes before is lost as well.
			if most := int((lag + 11*time.Minute + time.Minute).Seconds()); s.Failed > most || lag > 0 && s.Failed < int(lag.Seconds()) {
				t.Errorf("lag %v, %d failed; want at most %d\n%s", lag, s.Failed, most, s)
			}
			for _, g := range s.Gaps {
				if g.To.Sub(began) > lag+2*time.Minute {
					t.Errorf("lag %v: it fails until %v after the call", lag, g.To.Sub(began))
				}
			}
		}
		if err := r.rotate(t); err != nil || !r.last.Done() {
			t.Errorf("once more: %v, %v", err, r.last)
		}
	})
}

// TestEmergency: the stolen certificate is accepted no more after the first write, with a
// key store and without one, and everybody is signed out twice.
func TestEmergency(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("store ", stored), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				opts := r.opts()
				if !stored {
					opts.Keys = nil
				}
				old, _ := r.AzureAD.Federation(r.Domain)
				r.plan.RevokeSessions = true
				f := r.Federator(opts)
				rot, err := f.Rotate(t.Context(), r.plan, nil)
				var pe *federation.PreconditionError
				if !errors.As(err, &pe) || !pe.Has(federation.CodeRotationGap) || r.Writes() != 0 {
					t.Fatalf("without consent: %v, %d writes", err, r.Writes())
				}
				r.plan.Consent.Outage = true
				r.ResetLog()
				rot, err = f.Rotate(t.Context(), r.plan, rot)
				if err != nil || rot.Phase != federation.RotationExpelled {
					t.Fatalf("%s %v", rot.Phase, err)
				}
				fed, _ := r.AzureAD.Federation(r.Domain)
				app := r.JumpCloud.Applications()[0]
				if fed.SigningCertificate != app.Certificate || fed.NextSigningCertificate == old.SigningCertificate || fed.SigningCertificate == old.SigningCertificate {
					t.Errorf("Azure AD accepts %v and %v", fed.SigningCertificate, fed.NextSigningCertificate)
				}
				people := 0
				for _, u := range r.AzureAD.Users() {
					if strings.HasSuffix(u.UserPrincipalName, "@"+r.Domain) {
						people++
					}
				}
				if n := len(r.AzureAD.Revocations()); n != people || people == 0 || rot.Sessions.People != people {
					t.Errorf("%d sessions were ended; want %d", n, people)
				}
				if n := r.Requests(); n > 12+people+2 { // the accounts are listed, which reads the domains
					t.Errorf("%d requests for %d people", n, people)
				}
				for range 5 {
					time.Sleep(max(time.Second, time.Until(rot.NotBefore)))
					if rot, err = f.Rotate(t.Context(), r.plan, rot); err != nil {
						t.Fatal(err)
					}
					if rot.Done() {
						break
					}
				}
				if !rot.Done() || rot.Phase != federation.RotationRevoked || len(r.AzureAD.Revocations()) != 2*people {
					t.Errorf("%s, %d sessions were ended: %s", rot.Phase, len(r.AzureAD.Revocations()), rot.Next)
				}
				if rot.Sessions.Second.Sub(rot.Sessions.First) < 2*time.Hour {
					t.Errorf("signed out after %v again", rot.Sessions.Second.Sub(rot.Sessions.First))
				}
			})
		})
	}
}

// TestRotateRequests: no call of any method makes more than 12 requests.
func TestRotateRequests(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.Regenerate, federation.Emergency} {
		for _, empty := range []bool{false, true} {
			t.Run(fmt.Sprint(m, " ", empty), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRotation(t, m)
					if empty {
						r.AzureAD.Quirks.UpdateStatus = 204
					}
					r.plan.Consent.Gap, r.plan.Consent.Outage = true, true
					most := 0
					for range 10 {
						r.ResetLog()
						if err := r.rotate(t); err != nil {
							t.Fatal(err)
						}
						n := r.Requests()
						t.Logf("%s: %d", r.last.Phase, n)
						most = max(most, n)
						if r.last.Done() {
							break
						}
						time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
					}
					if want := 12; most > want || !r.last.Done() {
						t.Errorf("%d requests; want at most %d", most, want)
						for _, q := range r.AzureAD.Requests() {
							t.Logf("%+v", q)
						}
					}
				})
			})
		}
	}
}

var _ = aad.Federated
