package federation_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/fake"
)

// done calls Emergency until it is done.
func (r *rotation) done(t *testing.T) {
	t.Helper()
	for range 10 {
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		if r.last.Done() {
			return
		}
		time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
	}
	t.Error("not done", r.last.Phase, r.last.Next)
}

// asking is a call whose confirmation takes a quarter of an hour, in which somebody does something.
func (r *rotation) asking(t *testing.T, do func()) (*federation.Rotation, error) {
	t.Helper()
	opts := r.opts()
	opts.Confirm = func(context.Context, *federation.Proposal) error {
		time.Sleep(7 * time.Minute)
		do()
		time.Sleep(8 * time.Minute)
		return nil
	}
	return r.Federator(opts).Rotate(t.Context(), r.plan, r.last)
}

// TestRotateEmergencyTwice: a second emergency, with Replace of the first's new certificate, as the page advises.
func TestRotateEmergencyTwice(t *testing.T) {
	for _, keep := range []bool{true, false} {
		t.Run(fmt.Sprint("kept ", keep), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				r.plan.Consent.Outage = true
				r.done(t)
				first := r.slots(t).SigningCertificate
				if !keep {
					r.last = nil
				}
				r.plan.Replace = first.Fingerprint()
				time.Sleep(3 * time.Hour)
				r.done(t)
				fed := r.slots(t)
				if fed.SigningCertificate == first || fed.NextSigningCertificate == first {
					t.Errorf("last kept %v: Done, phase %s, old %s new %s: the stolen %s is still accepted, JumpCloud signs with %s", keep, r.last.Phase, r.last.Old.Thumbprint,
						r.last.New.Thumbprint, first.Thumbprint(), r.JumpCloud.Applications()[0].Certificate.Thumbprint())
				}
			})
		})
	}
}

// TestRotateEmergencyInterruptedThenOther: an interrupted emergency, then the scheduled call of another method with its own last.
func TestRotateEmergencyInterruptedThenOther(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.Regenerate, federation.SecondApplication} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				k := pairOf(t, 1, time.Now())
				stolen := r.slots(t).SigningCertificate
				r.keys.Save(t.Context(), r.Domain, k)
				edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = k.Cert(), k.Cert() })
				r.plan.Method = m
				rot, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, nil)
				fed := r.slots(t)
				t.Log(m, rot.Phase, err)
				if fed.SigningCertificate == stolen || fed.NextSigningCertificate == stolen {
					t.Errorf("%s: %s %v: the stolen certificate is accepted again", m, rot.Phase, err)
				}
			})
		})
	}
}

// TestRotateInterruptedLog: what an interrupted rotation of either way does to the other methods.
func TestRotateInterruptedLog(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.Regenerate, federation.SecondApplication} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				k := pairOf(t, 1, time.Now())
				stolen := r.slots(t).SigningCertificate
				r.keys.Save(t.Context(), r.Domain, k)
				edit(t, r.Env, func(f *aad.Federation) { f.SigningCertificate, f.NextSigningCertificate = k.Cert(), k.Cert() })
				r.plan.Method, r.plan.Consent.Gap, r.plan.Consent.Policies = m, true, true
				err := r.rotate(t)
				fed := r.slots(t)
				t.Log(r.last.Phase, r.last.Next, err, r.Writes())
				if fed.SigningCertificate == stolen || fed.NextSigningCertificate == stolen {
					t.Error("accepted again")
				}
			})
		})
	}
}

// TestRotateEmergencyDoneBroken: emergency with a Replace that is nowhere, on a domain on which nobody can sign in.
func TestRotateEmergencyDoneBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage = true
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		r.last = nil // lost
		r.press(t)   // somebody presses the button in that night
		time.Sleep(time.Minute)
		err := r.rotate(t)
		fed, app := r.slots(t), r.JumpCloud.Applications()[0]
		if r.last.Done() && fed.SigningCertificate != app.Certificate && fed.NextSigningCertificate != app.Certificate {
			t.Errorf("done: %s %s, %v; JumpCloud signs with %s, Azure AD accepts %s", r.last.Phase, r.last.Next, err, app.Certificate.Thumbprint(), fed.SigningCertificate.Thumbprint())
		}
	})
}

// TestRotateFinishedEmergencyAgain: a finished emergency is called once more while a planned rotation is under way.
func TestRotateFinishedEmergencyAgain(t *testing.T) {
	for _, phase := range []federation.RotationPhase{federation.RotationPublished, federation.RotationSwitched} {
		t.Run(string(phase), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				r.plan.Consent.Outage = true
				r.done(t)
				emergency, plan := r.last, r.plan
				delete(r.keys.keys, r.Domain)
				time.Sleep(60 * 24 * time.Hour)
				r.began = time.Now()
				r.plan.Method, r.plan.Replace, r.plan.Consent.Outage, r.last = federation.OwnKeyPair, r.slots(t).SigningCertificate.Fingerprint(), false, nil
				r.until(t, phase)
				w := r.Writes()
				time.Sleep(time.Minute)
				rot, err := r.Federator(r.opts()).Rotate(t.Context(), plan, emergency)
				t.Log(rot.Phase, rot.Done(), rot.Next, err)
				if r.Writes() != w {
					t.Errorf("%d writes, though the emergency was done and nothing of it is seen", r.Writes()-w)
				}
				time.Sleep(3 * time.Hour)
				r.judge(t, time.Hour)
			})
		})
	}
}

// TestRotateDiesWhileRevoking: the process dies while the first emergency call signs people out: nothing was returned.
func TestRotateDiesWhileRevoking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage, r.plan.RevokeSessions = true, true
		ctx, die := context.WithCancel(t.Context())
		r.AzureAD.OnRequest = func(q *http.Request) {
			if strings.HasSuffix(q.URL.Path, "revokeSignInSessions") {
				die()
			}
		}
		_, err := r.Federator(r.opts()).Rotate(ctx, r.plan, nil)
		t.Log(err, len(r.AzureAD.Revocations()))
		r.AzureAD.OnRequest = nil
		n := len(r.AzureAD.Revocations())
		r.done(t)
		if m := len(r.AzureAD.Revocations()); m == n {
			t.Errorf("%s done %v: %s; %d of 3 people were signed out", r.last.Phase, r.last.Done(), r.last.Next, m)
		}
	})
}

// TestRotateOnePersonBlocks: one person whom the service answers with 500.
func TestRotateOnePersonBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage, r.plan.RevokeSessions = true, true
		var first string
		r.AzureAD.Fault = func(q *http.Request) fake.Fault {
			if !strings.HasSuffix(q.URL.Path, "revokeSignInSessions") {
				return fake.Fault{}
			}
			if first == "" {
				first = q.URL.Path
			}
			if q.URL.Path == first {
				return fake.Fault{Kind: aadtest.Error500Before}
			}
			return fake.Fault{}
		}
		for range 10 {
			if err := r.rotate(t); err == nil && r.last.Done() {
				return
			}
			time.Sleep(max(5*time.Minute, time.Until(r.last.NotBefore)))
		}
		t.Errorf("after 10 calls %d people were signed out: %s %s %s", len(r.AzureAD.Revocations()), r.last.Phase, r.last.Next, r.last.Error)
	})
}

// TestRotateSessionsOfBefore: a second emergency after one that has signed people out: nobody is signed out again.
func TestRotateSessionsOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage, r.plan.RevokeSessions = true, true
		r.done(t)
		n := len(r.AzureAD.Revocations())
		delete(r.keys.keys, r.Domain) // as Next says
		time.Sleep(30 * 24 * time.Hour)
		r.plan.Replace = r.slots(t).SigningCertificate.Fingerprint()
		r.press(t) // somebody was quick
		r.done(t)
		if m := len(r.AzureAD.Revocations()); m == n {
			t.Errorf("%s, done, and %d people were signed out: %+v", r.last.Phase, m-n, r.last.Sessions)
		}
	})
}

// TestRotateSessionsLost: a call of another method between the two sign-outs, with the same file.
func TestRotateSessionsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage, r.plan.RevokeSessions = true, true
		if err := r.rotate(t); err != nil {
			t.Fatal(err)
		}
		n := len(r.AzureAD.Revocations())
		own := r.plan
		own.Method, own.RevokeSessions, own.Replace, own.Consent = federation.OwnKeyPair, false, "", federation.RotateConsent{}
		rot, err := r.Federator(r.opts()).Rotate(t.Context(), own, r.last)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || rot.Method != federation.Emergency || rot.Sessions == nil {
			t.Fatalf("%+v, %v", rot, err)
		}
		time.Sleep(3 * time.Hour)
		r.last = rot
		r.done(t)
		if m := len(r.AzureAD.Revocations()); m == n {
			t.Errorf("%s, done: %s; the second sign-out was never made", r.last.Phase, r.last.Next)
		}
	})
}

// TestRotateConfirmExpelSlots: while an emergency is being confirmed JumpCloud gets another pair.
func TestRotateConfirmExpelSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.Emergency)
		r.plan.Consent.Outage = true
		r.press(t)
		rot, err := r.asking(t, func() { r.press(t) })
		if w := r.AzureAD.Writes(); err == nil || w != 0 {
			t.Errorf("%v, %d writes", err, w)
		}
		r.last = rot
		r.done(t)
		fed, app := r.slots(t), r.JumpCloud.Applications()[0]
		if fed.SigningCertificate != app.Certificate {
			t.Errorf("%s %v: Azure AD was told to accept %s alone, JumpCloud signs with %s", rot.Phase, err, fed.SigningCertificate.Thumbprint(), app.Certificate.Thumbprint())
		}
	})
}

// TestRotateEmergencyUnreadable: the application shows no certificate that can be read.
func TestRotateEmergencyUnreadable(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint(stored), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				r.plan.Consent.Outage = true
				app := r.JumpCloud.Applications()[0]
				r.JumpCloud.SetApplicationSetting(app.ID, "idpCertificate", "bm9uZQ==")
				opts := r.opts()
				if !stored {
					opts.Keys = nil
				}
				rot, err := r.Federator(opts).Rotate(t.Context(), r.plan, nil)
				fed := r.slots(t)
				if !stored { // nobody knows what JumpCloud signs with, and there is no pair to give it
					var pe *federation.PreconditionError
					if !errors.As(err, &pe) || !strings.Contains(err.Error(), "press Regenerate certificate") || r.Writes() != 0 {
						t.Errorf("%v, %d writes", err, r.Writes())
					}
					return
				}
				if app := r.JumpCloud.Applications()[0]; err != nil || rot.Phase != federation.RotationExpelled || fed.SigningCertificate != app.Certificate ||
					fed.SigningCertificate.Fingerprint() == r.plan.Replace {
					t.Errorf("%s %v: Azure AD accepts %v, JumpCloud signs with %v", rot.Phase, err, fed.SigningCertificate, app.Certificate)
				}
			})
		})
	}
}

// TestRotateExpelledComesBack: after an emergency somebody gives JumpCloud the stolen pair
// again. No method has Azure AD accept it while the last Rotation tells of it.
func TestRotateExpelledComesBack(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.Regenerate, federation.SecondApplication, federation.Emergency} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, federation.Emergency)
				app := r.JumpCloud.Applications()[0]
				key, err := x509.MarshalPKCS8PrivateKey(r.JumpCloud.Signer(app.ID))
				if err != nil {
					t.Fatal(err)
				}
				stolen, err := certs.ParseKeyPair(app.Certificate.PEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
				if err != nil {
					t.Fatal(err)
				}
				r.plan.Consent = federation.RotateConsent{Outage: true, Gap: true, Policies: true}
				r.done(t)
				if _, err := r.JumpCloud.Client(nil).ReplaceCertificate(t.Context(), app.ID, stolen); err != nil {
					t.Fatal(err)
				}
				delete(r.keys.keys, r.Domain)
				r.plan.Method = m
				rot, err := r.Federator(r.opts()).Rotate(t.Context(), r.plan, r.last)
				fed := r.slots(t)
				if fed.SigningCertificate == stolen.Cert() || fed.NextSigningCertificate == stolen.Cert() {
					t.Errorf("%s: %v: the stolen certificate is accepted again", rot.Phase, err)
				}
				var pe *federation.PreconditionError
				if m == federation.Emergency {
					if err != nil || rot.Phase != federation.RotationExpelled || fed.SigningCertificate != r.JumpCloud.Applications()[0].Certificate {
						t.Errorf("%s: %v", rot.Phase, err)
					}
				} else if !errors.As(err, &pe) || !pe.Has(federation.CodeRotationBroken) {
					t.Errorf("%s: %v", rot.Phase, err)
				}
			})
		})
	}
}

// TestRotateFailsWhenDone: a call that fails does not make a rotation that has ended one
// that is under way.
func TestRotateFailsWhenDone(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.Emergency} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, m)
				r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
				r.plan.Consent.Outage = true
				r.finish(t)
				r.AzureAD.Fault = func(*http.Request) fake.Fault { return fake.Fault{Kind: aadtest.Refuse503} }
				if err := r.rotate(t); err == nil || !r.last.Complete || r.last.Error == "" {
					t.Errorf("%v, complete %v", err, r.last.Complete)
				}
				r.AzureAD.Fault = nil
				writes := r.Writes()
				if err := r.rotate(t); err != nil || !r.last.Done() || r.Writes() != writes {
					t.Errorf("%v, done %v, %d writes", err, r.last.Done(), r.Writes()-writes)
				}
			})
		})
	}
}
