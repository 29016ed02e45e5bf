package federation_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// told reports whether the last call has found something, by words.
func (r *rotation) told(words string) bool {
	for _, f := range r.last.Findings {
		if strings.Contains(f.Message+" "+f.Repair, words) {
			return true
		}
	}
	return false
}

// TestRotateSecondRefused: what speaks against it is said before anything is written.
func TestRotateSecondRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, r *rotation)
		want string
		left int // applications
	}{
		{name: "no consent", make: func(t *testing.T, r *rotation) { r.plan.Consent.Policies = false }, want: "policies", left: 1},
		{name: "entity ID refused", make: func(t *testing.T, r *rotation) { r.JumpCloud.Quirks.UniqueEntityIDs = true }, want: "own-key-pair", left: 1},
		{name: "entity ID altered", make: func(t *testing.T, r *rotation) { r.JumpCloud.Quirks.AlterEntityIDs = true }, want: "own-key-pair", left: 1},
		{name: "login URL taken", make: func(t *testing.T, r *rotation) {
			first, _ := r.two(t)
			r.JumpCloud.AddApplication("saml2", "Wiki", "wiki", first.SSOURL+"-"+r.plan.Replace[:8])
		}, want: "login URL", left: 2},
		{name: "weak key", make: func(t *testing.T, r *rotation) { r.JumpCloud.KeyBits = 1024 }, want: "1024 bits", left: 2},
		{name: "pin that is gone", make: func(t *testing.T, r *rotation) { r.plan.Plan.Application.ID = "600000040000000000009999" }, want: "pins does not exist", left: 1},
		{name: "pin that is another", make: func(t *testing.T, r *rotation) {
			r.plan.Plan.Application.ID = r.JumpCloud.AddApplication("office365", "Other", r.plan.Plan.Domain, "https://sso.jumpcloud.com/saml2/other")
		}, want: "set application.id to", left: 2},
		{name: "rotation with an own key under way", make: func(t *testing.T, r *rotation) {
			own := r.plan
			own.Method, own.Consent = federation.OwnKeyPair, federation.RotateConsent{}
			if rot, err := r.Federator(r.opts()).Rotate(t.Context(), own, nil); err != nil || rot.Phase != federation.RotationPublished {
				t.Fatal(rot.Phase, err)
			}
		}, want: "own key pair is under way", left: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				tt.make(t, r)
				before, _ := r.AzureAD.Federation(r.Domain)
				var err error
				for range 3 {
					if err = r.rotate(t); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v; want %q", err, tt.want)
				}
				after, _ := r.AzureAD.Federation(r.Domain)
				if n := len(r.JumpCloud.Applications()); n != tt.left || !reflect.DeepEqual(before, after) {
					t.Errorf("%d applications; want %d; Azure AD has %+v; want %+v", n, tt.left, after, before)
				}
			})
		})
	}
}

// TestRotateSecondNotDue: nothing is made for a certificate that is not there any more.
func TestRotateSecondNotDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.plan.Replace = strings.Repeat("ab", 32)
		writes := r.Writes()
		if err := r.rotate(t); err != nil || !r.last.Done() || r.last.Phase != federation.RotationIdle || r.Writes() != writes {
			t.Errorf("%v: %s, %s", err, r.last.Phase, r.last.Next)
		}
	})
}

// TestRotateSecondInterference: what somebody else does in the middle is mended where
// nobody could sign in, and stops the rotation elsewhere; what to do is said, and helps.
func TestRotateSecondInterference(t *testing.T) {
	other := func(t *testing.T) certs.Cert { return pairOf(t, 9, time.Now()).Cert() }
	cancel := func(r *rotation) { r.plan.Cancel = true }
	remove := func(r *rotation) { r.plan.Consent.RemoveNextCertificate = true }
	slots := func(edit func(r *rotation, first, next *certs.Cert)) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			fed, _ := r.AzureAD.Federation(r.Domain)
			edit(r, &fed.SigningCertificate, &fed.NextSigningCertificate)
			r.AzureAD.SetFederation(r.Domain, fed)
		}
	}
	regenerate := func(second bool) func(*testing.T, *rotation) {
		return func(t *testing.T, r *rotation) {
			a, b := r.two(t)
			if second {
				a = b
			}
			r.JumpCloud.RegenerateCertificate(a.ID)
		}
	}
	remove2 := func(t *testing.T, r *rotation) {
		_, b := r.two(t)
		r.JumpCloud.DeleteApplication(b.ID)
	}
	stranger := slots(func(r *rotation, first, next *certs.Cert) { *next = other(t) })
	for i, tt := range []struct {
		name  string
		at    string
		do    func(*testing.T, *rotation)
		stops string // what is found, "" if it goes on by itself
		then  func(*rotation)
		end   federation.RotationPhase
		falls bool // sign-ins fail, because of what was done
	}{
		{name: "first regenerated", at: "created", do: regenerate(false), stops: "another certificate while it was being replaced", then: cancel, end: federation.RotationCancelled, falls: true},
		{name: "first regenerated", at: "bound", do: regenerate(false), stops: "another certificate while it was being replaced", then: cancel, end: federation.RotationCancelled, falls: true},
		{name: "first regenerated", at: "redirected", do: regenerate(false), end: federation.RotationClosed, falls: true},
		{name: "first regenerated", at: "deactivated", do: regenerate(false), end: federation.RotationClosed},
		{name: "second regenerated", at: "saved", do: regenerate(true), end: federation.RotationClosed},
		{name: "second regenerated", at: "created", do: regenerate(true), stops: "has given the second application", then: cancel, end: federation.RotationCancelled},
		{name: "second regenerated", at: "created", do: regenerate(true), stops: "has given the second application", then: remove, end: federation.RotationClosed},
		{name: "second regenerated", at: "bound", do: regenerate(true), stops: "has given the second application", then: remove, end: federation.RotationClosed},
		{name: "second regenerated", at: "bound", do: regenerate(true), stops: "has given the second application", then: cancel, end: federation.RotationCancelled},
		{name: "second regenerated", at: "redirected", do: regenerate(true), end: federation.RotationClosed, falls: true},
		{name: "second regenerated", at: "swapped", do: regenerate(true), end: federation.RotationClosed, falls: true},
		{name: "second regenerated", at: "deactivated", do: regenerate(true), end: federation.RotationClosed, falls: true},
		{name: "a stranger", at: "created", do: stranger, stops: "another certificate for", then: remove, end: federation.RotationClosed},
		{name: "a stranger", at: "bound", do: stranger, stops: "another certificate for", then: remove, end: federation.RotationClosed},
		{name: "a stranger", at: "deactivated", do: stranger, stops: "another certificate for", then: remove, end: federation.RotationClosed},
		{name: "the second slot emptied", at: "bound", do: slots(func(r *rotation, first, next *certs.Cert) { *next = certs.Cert{} }), end: federation.RotationClosed},
		{name: "the second slot emptied", at: "swapped", do: slots(func(r *rotation, first, next *certs.Cert) { *next = certs.Cert{} }), end: federation.RotationClosed},
		{name: "the first slot overwritten", at: "swapped", do: slots(func(r *rotation, first, next *certs.Cert) { *first = other(t) }), end: federation.RotationClosed, falls: true},
		{name: "second deleted", at: "saved", do: remove2, end: federation.RotationClosed},
		{name: "second deleted", at: "created", do: remove2, stops: "has deleted the second application", then: cancel, end: federation.RotationCancelled},
		{name: "second deleted", at: "bound", do: remove2, stops: "has deleted the second application", then: remove, end: federation.RotationClosed},
		{name: "second deactivated", at: "bound", do: func(t *testing.T, r *rotation) {
			_, b := r.two(t)
			r.JumpCloud.SetApplicationField(b.ID, "active", false)
		}, end: federation.RotationClosed},
		{name: "first bound to another", at: "bound", do: func(t *testing.T, r *rotation) {
			a, _ := r.two(t)
			r.JumpCloud.Bind(object(jumpcloud.ApplicationObject, a.ID), jumpcloud.Object{Type: jumpcloud.UserObject, ID: r.JumpCloud.Users()[0].ID})
		}, end: federation.RotationClosed},
		{name: "first deactivated", at: "redirected", do: func(t *testing.T, r *rotation) {
			a, _ := r.two(t)
			r.JumpCloud.SetApplicationField(a.ID, "active", false)
		}, end: federation.RotationClosed, falls: true},
		{name: "first deleted", at: "swapped", do: func(t *testing.T, r *rotation) {
			a, _ := r.two(t)
			r.JumpCloud.DeleteApplication(a.ID)
		}, end: federation.RotationClosed},
	} {
		t.Run(tt.name+" when "+tt.at+" to "+string(tt.end), func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				r.until(t, federation.RotationPhase(tt.at))
				time.Sleep(3 * time.Hour)
				tt.do(t, r)
				if tt.stops != "" {
					for range 5 {
						if err := r.rotate(t); err != nil {
							t.Fatal(err)
						}
						if r.last.NotBefore.IsZero() {
							break
						}
						time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
					}
					if !r.last.NotBefore.IsZero() || r.last.Done() || !r.told(tt.stops) {
						t.Fatalf("%s: %s\n%v", r.last.Phase, r.last.Next, r.last.Findings)
					}
					writes := r.Writes()
					if err := r.rotate(t); err != nil || r.Writes() != writes || !r.told(tt.stops) {
						t.Errorf("it does not stay so: %v, %d writes, %v", err, r.Writes()-writes, r.last.Findings)
					}
					tt.then(r)
				}
				phases := r.finish(t)
				if r.last.Phase != tt.end {
					t.Errorf("%v; want %s at the end", phases, tt.end)
				}
				fed, _ := r.AzureAD.Federation(r.Domain)
				first, second := r.two(t)
				now := second
				if tt.end == federation.RotationCancelled {
					if now = first; second.ID != "" {
						t.Errorf("the second is left: %+v", second)
					}
				}
				if !now.Active || now.SSOURL != fed.PassiveSignInURI || now.Certificate != fed.SigningCertificate || !fed.NextSigningCertificate.IsZero() {
					t.Errorf("the application is %+v, Azure AD has %+v", now, fed)
				}
				time.Sleep(3 * time.Hour)
				if s := r.SignIns(r.began, time.Now(), time.Minute); (s.Failed > 0) != tt.falls {
					t.Errorf("%s", s)
				}
				if s := r.SignIns(time.Now().Add(-time.Hour), time.Now(), time.Hour); s.Failed > 0 {
					t.Errorf("at the end: %s", s)
				}
			})
		})
	}
}

// TestRotateSecondRescue: the second application is deleted by somebody when people are
// sent to it, and cancel sends them back at once.
func TestRotateSecondRescue(t *testing.T) {
	for _, at := range []string{"redirected", "swapped", "deactivated"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				before, _ := r.AzureAD.Federation(r.Domain)
				r.until(t, federation.RotationPhase(at))
				_, second := r.two(t)
				r.JumpCloud.DeleteApplication(second.ID)
				if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), "call with cancel") {
					t.Errorf("%v", err)
				}
				r.plan.Cancel = true
				if err := r.rotate(t); err != nil {
					t.Fatal(err)
				}
				if fed, _ := r.AzureAD.Federation(r.Domain); fed.PassiveSignInURI != before.PassiveSignInURI {
					t.Errorf("people are sent to %s", fed.PassiveSignInURI)
				}
				time.Sleep(time.Second)
				r.finish(t)
				fed, _ := r.AzureAD.Federation(r.Domain)
				if first, _ := r.two(t); !first.Active || first.Hidden || fed.SigningCertificate != before.SigningCertificate || !fed.NextSigningCertificate.IsZero() {
					t.Errorf("%+v\n%+v", first, fed)
				}
			})
		})
	}
}

// TestRotateSecondRescueFaults: the way back from an application that is gone survives what
// goes wrong with any request.
func TestRotateSecondRescueFaults(t *testing.T) {
	step := everyNth(5, 11, 31)
	for _, tr := range courseTroubles {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			for k := 1; k <= 48; k += step {
				synctest.Test(t, func(t *testing.T) {
					r := newSecond(t)
					w := &watched{Env: r.Env}
					r.until(t, federation.RotationDeactivated)
					_, second := r.two(t)
					r.JumpCloud.DeleteApplication(second.ID)
					r.plan.Cancel = true
					ctx, die := context.WithCancelCause(t.Context())
					defer die(nil)
					over := w.faulty(k, tr, die)
					if now, _ := r.Federator(nil).Rotate(ctx, r.plan, r.last); ctx.Err() == nil {
						r.last = now
					}
					over()
					for range 3 { // an error says to call again
						time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
						if r.rotate(t) == nil {
							break
						}
					}
					time.Sleep(time.Second)
					r.finish(t)
					fed, _ := r.AzureAD.Federation(r.Domain)
					first, _ := r.two(t)
					if !first.Active || first.Hidden || fed.PassiveSignInURI != first.SSOURL || fed.SigningCertificate != first.Certificate ||
						!fed.NextSigningCertificate.IsZero() && fed.NextSigningCertificate != first.Certificate {
						t.Errorf("%s at request %d: %+v\n%+v", tr.name, k, first, fed)
					}
				})
			}
		})
	}
}
