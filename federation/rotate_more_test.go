package federation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// inPhase is a rotation with an own key pair that has just come to a phase.
func inPhase(t testing.TB, phase federation.RotationPhase) *rotation {
	t.Helper()
	r := newRotation(t, federation.OwnKeyPair)
	r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
	r.until(t, phase)
	return r
}

// press is what somebody does who presses "Regenerate certificate" in JumpCloud.
func (r *rotation) press(t testing.TB) certs.Cert {
	t.Helper()
	app := r.JumpCloud.Applications()[0]
	a, err := r.JumpCloud.Client(nil).RegenerateCertificate(t.Context(), app.ID, app.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRotateMends: somebody regenerates in each phase; the next call has Azure AD accept
// that at once, and the rotation comes to its end.
func TestRotateMends(t *testing.T) {
	for _, phase := range []federation.RotationPhase{federation.RotationIdle, federation.RotationPublished, federation.RotationSwitched, federation.RotationSwapped} {
		t.Run(string(phase), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
				if phase != federation.RotationIdle {
					r.until(t, phase)
				}
				before, _ := r.AzureAD.Federation(r.Domain)
				third := r.press(t)
				asked := 0
				opts := r.opts()
				opts.Confirm = func(context.Context, *federation.Proposal) error { asked++; return nil }
				r.ResetLog()
				rot, err := r.Federator(opts).Rotate(t.Context(), r.plan, r.last)
				if err != nil {
					t.Fatal(err)
				}
				fed, _ := r.AzureAD.Federation(r.Domain)
				if fed.SigningCertificate != third || fed.NextSigningCertificate != before.SigningCertificate {
					t.Errorf("Azure AD accepts %v and %v", fed.SigningCertificate, fed.NextSigningCertificate)
				}
				if r.AzureAD.Writes() != 1 || r.JumpCloud.Writes() != 0 || asked != 0 || r.Requests() > 12 {
					t.Errorf("%d and %d writes, %d requests, asked %d times", r.AzureAD.Writes(), r.JumpCloud.Writes(), r.Requests(), asked)
				}
				if !slices.ContainsFunc(rot.Findings, func(f federation.Finding) bool {
					return f.Code == federation.CodeRotationBroken && f.Severity == federation.Alarm
				}) {
					t.Errorf("no alarm: %v", rot.Findings)
				}
				r.last = rot
				time.Sleep(time.Until(rot.NotBefore))
				r.finish(t)
				if fed, _ := r.AzureAD.Federation(r.Domain); fed.SigningCertificate != third || !fed.NextSigningCertificate.IsZero() {
					t.Errorf("in the end %v and %v", fed.SigningCertificate, fed.NextSigningCertificate)
				}
			})
		})
	}
}

// TestRotateWaits: a call before its time reads and writes nothing; what the last call
// said counts only if it saw exactly this, and never beyond the whole wait.
func TestRotateWaits(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*federation.Rotation) *federation.Rotation
		wait time.Duration // after half an hour
	}{
		{"kept", func(r *federation.Rotation) *federation.Rotation { return r }, 91 * time.Minute},
		{"lost", func(*federation.Rotation) *federation.Rotation { return nil }, 121 * time.Minute},
		{"of another phase", func(r *federation.Rotation) *federation.Rotation { r.Phase = federation.RotationSwitched; return r }, 121 * time.Minute},
		{"of another old", func(r *federation.Rotation) *federation.Rotation { r.Old.Fingerprint = "00"; return r }, 121 * time.Minute},
		{"of another new", func(r *federation.Rotation) *federation.Rotation { r.New.Fingerprint = "00"; return r }, 121 * time.Minute},
		{"of another method", func(r *federation.Rotation) *federation.Rotation {
			r.Method = federation.Regenerate
			return r
		}, 121 * time.Minute},
		{"far ahead", func(r *federation.Rotation) *federation.Rotation {
			r.NotBefore = r.NotBefore.AddDate(1, 0, 0)
			return r
		}, 121 * time.Minute},
		{"without a time", func(r *federation.Rotation) *federation.Rotation { r.NotBefore = time.Time{}; return r }, 121 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := inPhase(t, federation.RotationPublished)
				time.Sleep(30 * time.Minute)
				last := *r.last
				r.last = tt.edit(&last)
				r.ResetLog()
				if err := r.rotate(t); err != nil || r.Writes() != 0 || r.last.Phase != federation.RotationPublished {
					t.Fatalf("%s, %d writes: %v", r.last.Phase, r.Writes(), err)
				}
				if got := time.Until(r.last.NotBefore).Round(time.Minute); got != tt.wait {
					t.Errorf("waits for %v; want %v", got, tt.wait)
				}
				time.Sleep(time.Until(r.last.NotBefore) - time.Second)
				if err := r.rotate(t); err != nil || r.Writes() != 0 {
					t.Errorf("a second before: %d writes, %v", r.Writes(), err)
				}
				time.Sleep(time.Second)
				if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationSwitched {
					t.Errorf("%s %v", r.last.Phase, err)
				}
				r.finish(t)
				r.judge(t, 2*time.Hour)
			})
		})
	}
}

// TestRotateYoung: of an application that is younger than a day a whole day is waited for.
func TestRotateYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rotation{Env: federationtest.New(nil), keys: new(keyShelf)}
		if _, err := r.Federator(nil).Federate(t.Context(), r.Plan()); err != nil {
			t.Fatal(err)
		}
		fed, _ := r.AzureAD.Federation(r.Domain)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		r.plan = federation.RotatePlan{Plan: r.Plan(), Replace: fed.SigningCertificate.Fingerprint(), Key: federation.RotateKey{Bits: 2048}}
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished {
			t.Fatalf("%s %v", r.last.Phase, err)
		}
		if got := time.Until(r.last.NotBefore); got < 23*time.Hour+59*time.Minute {
			t.Errorf("waits for %v", got)
		}
		r.plan.Settle = time.Hour
		if err := r.rotate(t); err != nil || time.Until(r.last.NotBefore) > 62*time.Minute {
			t.Errorf("with settle: %v, %v", time.Until(r.last.NotBefore), err)
		}
	})
}

// TestRotateForeign: a second certificate that nobody here knows is left without consent;
// with consent it goes, and a rotation that is due goes on.
func TestRotateForeign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		fed, _ := r.AzureAD.Federation(r.Domain)
		fed.NextSigningCertificate = pairOf(t, 9, time.Now()).Cert()
		r.AzureAD.SetFederation(r.Domain, fed)
		time.Sleep(3 * time.Hour)
		r.ResetLog()
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationForeign || r.Writes() != 0 || r.last.Done() {
			t.Fatalf("%s, %d writes, %v", r.last.Phase, r.Writes(), err)
		}
		if len(r.last.Findings) == 0 || r.last.Findings[0].Severity != federation.Alarm || !r.last.NotBefore.IsZero() {
			t.Errorf("findings %v", r.last.Findings)
		}
		r.plan.Consent.RemoveNextCertificate = true
		r.began = time.Now()
		if got := phasesOf(r.finish(t)); got != "published switched swapped retired" {
			t.Errorf("phases %s", got)
		}
		r.judge(t, 2*time.Hour)
	})
}

// TestRotateKeyForgotten: the store loses the key when Azure AD accepts its certificate.
func TestRotateKeyForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		key := r.keys.keys[r.Domain]
		delete(r.keys.keys, r.Domain)
		time.Sleep(time.Until(r.last.NotBefore))
		r.ResetLog()
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationForeign || r.Writes() != 0 {
			t.Fatalf("%s, %d writes, %v", r.last.Phase, r.Writes(), err)
		}
		if len(r.last.Findings) == 0 || !strings.Contains(r.last.Findings[0].Message, "its key is not in the store any more") {
			t.Errorf("%v", r.last.Findings)
		}
		r.keys.keys[r.Domain] = key // it is found again
		r.finish(t)
		r.judge(t, 2*time.Hour)
	})
}

// TestRotateCancel: until JumpCloud has the pair a rotation can be led back, and no more
// after that.
func TestRotateCancel(t *testing.T) {
	for _, phase := range []federation.RotationPhase{federation.RotationIdle, federation.RotationPublished, federation.RotationSwitched, federation.RotationSwapped} {
		t.Run(string(phase), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
				if phase != federation.RotationIdle {
					r.until(t, phase)
				}
				before, _ := r.AzureAD.Federation(r.Domain)
				r.plan.Cancel = true
				r.ResetLog()
				err := r.rotate(t)
				fed, _ := r.AzureAD.Federation(r.Domain)
				if phase == federation.RotationSwitched || phase == federation.RotationSwapped {
					var pe *federation.PreconditionError
					if !errors.As(err, &pe) || r.Writes() != 0 || !strings.Contains(err.Error(), "go on without cancel") {
						t.Errorf("%v, %d writes", err, r.Writes())
					}
					r.plan.Cancel = false
					r.finish(t)
				} else if err != nil || !r.last.Done() || r.last.Phase != federation.RotationCancelled ||
					fed.SigningCertificate != before.SigningCertificate || !fed.NextSigningCertificate.IsZero() {
					t.Errorf("%s %v: Azure AD accepts %v and %v", r.last.Phase, err, fed.SigningCertificate, fed.NextSigningCertificate)
				}
				r.judge(t, 2*time.Hour)
			})
		})
	}
}

// TestRotateNotDue: what is not due is left, and a rotation that has ended says so.
func TestRotateNotDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		for _, replace := range []string{"", strings.Repeat("ab", 32)} {
			r.plan.Replace, r.last = replace, nil
			if err := r.rotate(t); err != nil || !r.last.Done() || r.last.Phase != federation.RotationIdle || r.Writes() != 0 || r.keys.saves != 0 {
				t.Errorf("replace %q: %s, %d writes, %v", replace, r.last.Phase, r.Writes(), err)
			}
		}
		r.plan.Replace, r.plan.Within = "", 6*366*24*time.Hour
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		if err := r.rotate(t); err != nil || r.last.Phase != federation.RotationPublished {
			t.Errorf("within: %s, %v", r.last.Phase, err)
		}
	})
}

// TestRotateTwoAtOnce: calls of one Federator wait for each other; two processes with one
// store end in one rotation.
func TestRotateTwoAtOnce(t *testing.T) {
	for _, one := range []bool{true, false} {
		t.Run(fmt.Sprint("one process ", one), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.OwnKeyPair)
				f := r.Federator(r.opts())
				var wg sync.WaitGroup
				for i := range 2 {
					wg.Go(func() {
						g := f
						if !one {
							g = r.Federator(r.opts())
						}
						var last *federation.Rotation
						for range 60 {
							rot, err := g.Rotate(t.Context(), r.plan, last)
							if err != nil && i == 0 && one {
								t.Error(err)
							}
							if last = rot; rot.Done() {
								return
							}
							time.Sleep(max(time.Minute, time.Until(rot.NotBefore)))
							if rot.Phase == federation.RotationForeign {
								return // the other one has stored another pair meanwhile
							}
						}
						t.Errorf("not done: %s %s", last.Phase, last.Next)
					})
				}
				wg.Wait()
				r.judge(t, 2*time.Hour)
				fed, _ := r.AzureAD.Federation(r.Domain)
				if app := r.JumpCloud.Applications()[0]; one && fed.SigningCertificate != app.Certificate {
					t.Errorf("Azure AD has %v first, JumpCloud signs with %v", fed.SigningCertificate, app.Certificate)
				}
			})
		})
	}
}

// TestRotateStubborn: a second slot that cannot be emptied is no outage, and no end; it
// is tried once a day.
func TestRotateStubborn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationSwapped)
		old, _ := r.AzureAD.Federation(r.Domain)
		r.AzureAD.Quirks.IgnoreNullCertificate = true
		keep := func(st aadtest.State) { // whatever is written there, the old one stays
			if f := st.Federation; f != nil && f.NextSigningCertificate != old.NextSigningCertificate {
				g := *f
				g.NextSigningCertificate = old.NextSigningCertificate
				r.AzureAD.SetFederation(r.Domain, g)
			}
		}
		r.AzureAD.OnFederationChange = keep
		writes := func() int { n := r.AzureAD.Writes(); r.ResetLog(); return n }
		writes()
		day := 0
		for range 200 {
			time.Sleep(max(time.Minute, min(time.Until(r.last.NotBefore), time.Hour)))
			if err := r.rotate(t); err != nil {
				t.Fatal(err)
			}
			if r.last.Phase != federation.RotationSwapped || r.last.Done() {
				t.Fatalf("%s", r.last.Phase)
			}
			day += writes()
		}
		if hours := time.Since(r.began).Hours(); float64(day) > hours/24+3 || day < 4 {
			t.Errorf("tried %d times in %.0f hours", day, hours)
		}
		if len(r.last.Findings) == 0 || r.last.Findings[0].Severity != federation.Warning {
			t.Errorf("findings %v", r.last.Findings)
		}
		r.AzureAD.OnFederationChange = nil
		r.finish(t)
		r.judge(t, 2*time.Hour)
	})
}

// TestRotateBehindKey: JumpCloud took the certificate and kept the old key. The pair is
// written again.
func TestRotateBehindKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationPublished)
		r.JumpCloud.Quirks.KeepOldKey = true
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		r.JumpCloud.Quirks.KeepOldKey = false
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		h := r.JumpCloud.Histories()[0].Versions
		if v := h[len(h)-1]; v.Signs != v.Certificate || v.Certificate != pairOf(t, 1, time.Now()).Cert() {
			t.Errorf("JumpCloud shows %v and signs with %v", v.Certificate, v.Signs)
		}
		r.finish(t)
	})
}

// TestRotateSecrets: no key is in what a rotation tells.
func TestRotateSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inPhase(t, federation.RotationSwitched)
		pem := string(pairOf(t, 1, time.Now()).PrivateKeyPEM())
		middle := strings.Split(pem, "\n")[5]
		if text := fmt.Sprintf("%+v %#v", r.last, r.last); len(middle) < 40 || strings.Contains(text, middle) || strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("%s", text)
		}
	})
}

// TestRotateFromACopy: where the second slot held a copy of the first, and null is
// ignored, the copy is tried after one wait, not after a day.
func TestRotateFromACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		fed, _ := r.AzureAD.Federation(r.Domain)
		fed.NextSigningCertificate = fed.SigningCertificate
		r.AzureAD.SetFederation(r.Domain, fed)
		r.AzureAD.Quirks.IgnoreNullCertificate = true
		if got := phasesOf(r.finish(t)); got != "published switched swapped swapped retired" {
			t.Errorf("phases %s", got)
		}
		if took := time.Since(r.began); took > 9*time.Hour {
			t.Errorf("it took %v", took)
		}
		r.judge(t, 2*time.Hour)
	})
}
