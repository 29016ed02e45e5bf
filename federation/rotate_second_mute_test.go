package federation_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// mutes are ways in which an application does not sign with what it shows.
var mutes = map[string]func(*rotation, jumpcloudtest.Application){
	"key behind": func(r *rotation, a jumpcloudtest.Application) {
		r.JumpCloud.SetApplicationSetting(a.ID, "idpCertificate", base64.StdEncoding.EncodeToString(a.Certificate.PEM()))
	},
	"metadata 500": func(r *rotation, a jumpcloudtest.Application) {
		r.JumpCloud.Fault = func(q *http.Request) fake.Fault {
			if strings.HasSuffix(q.URL.Path, a.ID+"/metadata.xml") {
				return fake.Fault{Kind: fake.Error500Before}
			}
			return fake.Fault{}
		}
	},
	"no certificate": func(r *rotation, a jumpcloudtest.Application) {
		r.JumpCloud.SetApplicationSetting(a.ID, "idpCertificate", "bm9uZQ==")
	},
}

// TestRotateSecondMute: cancel sends people back at once from a second application that
// does not sign, though nothing is known of what it signs with, and ends.
func TestRotateSecondMute(t *testing.T) {
	for name, mute := range mutes {
		for _, at := range []federation.RotationPhase{"redirected", "swapped", "deactivated"} {
			if at == federation.RotationDeactivated && name != "key behind" {
				continue // then regenerate is the way
			}
			t.Run(name+" "+string(at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newSecond(t)
					before := r.slots(t)
					r.until(t, at)
					time.Sleep(10 * time.Minute)
					a, b := r.two(t)
					mute(r, b)
					if name == "key behind" {
						err, says, not := r.rotate(t), "call with cancel", "regenerate"
						if at == federation.RotationDeactivated {
							says, not = not, says
						}
						if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), not) {
							t.Errorf("%v", err)
						}
					}
					r.plan.Cancel = true
					if at == federation.RotationDeactivated {
						r.until(t, federation.RotationReactivated)
					}
					if err := r.rotate(t); err != nil || !r.told("nobody who signs in there is accepted") {
						t.Errorf("%v: %v", err, r.last.Findings)
					}
					if fed := r.slots(t); fed.PassiveSignInURI != a.SSOURL {
						t.Fatalf("%s: people are sent to %s", r.last.Phase, fed.PassiveSignInURI)
					}
					if time.Sleep(max(time.Second, time.Until(r.last.NotBefore))); name != "no certificate" { // which JumpCloud does not write back
						r.finish(t)
						after := r.slots(t)
						if n := len(r.JumpCloud.Applications()); r.last.Phase != federation.RotationCancelled || n != 1 ||
							after.SigningCertificate != before.SigningCertificate || !after.NextSigningCertificate.IsZero() {
							t.Errorf("%s, %d applications, %+v", r.last.Phase, n, after)
						}
					}
				})
			})
		}
	}
}

// TestRotateSecondMuteDoubted: metadata that cannot be read for a moment does not shorten
// the wait for a first application that was just activated again.
func TestRotateSecondMuteDoubted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationDeactivated)
		r.plan.Cancel = true
		r.until(t, federation.RotationReactivated)
		end := r.last.NotBefore
		_, b := r.two(t)
		time.Sleep(time.Minute)
		mutes["metadata 500"](r, b)
		writes := r.Writes()
		if err := r.rotate(t); err != nil || r.Writes() != writes || !r.last.NotBefore.Equal(end) {
			t.Errorf("%s until %v: %v, %d writes", r.last.Phase, r.last.NotBefore, err, r.Writes()-writes)
		}
		r.JumpCloud.Fault = nil
		time.Sleep(time.Until(end))
		if r.finish(t); r.last.Phase != federation.RotationCancelled {
			t.Error(r.last.Phase)
		}
		r.judgeAll(t)
	})
}

// TestRotateSecondMuteStale: people are not sent back to a first application that only a
// list shows active still.
func TestRotateSecondMuteStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationSwapped)
		time.Sleep(time.Until(r.last.NotBefore))
		r.JumpCloud.ListLag = jumpcloudtest.Lag{For: 10 * time.Minute}
		r.until(t, federation.RotationDeactivated)
		_, b := r.two(t)
		mutes["key behind"](r, b)
		time.Sleep(time.Minute)
		r.plan.Cancel = true
		if err := r.rotate(t); err != nil || r.slots(t).PassiveSignInURI != b.SSOURL {
			t.Fatalf("%s, %s: %v", r.last.Phase, r.last.Next, err)
		}
		r.JumpCloud.ListLag = jumpcloudtest.Lag{}
		time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
		if r.finish(t); r.last.Phase != federation.RotationCancelled {
			t.Error(r.last.Phase)
		}
	})
}

// TestRotateSecondMuteFirst: a rotation whose first application does not sign is led back
// from before the redirect, also with a confirmation that takes its time.
func TestRotateSecondMuteFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationBound)
		a, _ := r.two(t)
		mutes["key behind"](r, a)
		time.Sleep(3 * time.Hour)
		if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), "call with cancel") {
			t.Errorf("%v", err)
		}
		r.plan.Cancel = true
		r.until(t, federation.RotationReturned)
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.confirming(t, func() {}); err != nil || r.last.Phase != federation.RotationWithdrawn {
			t.Errorf("%s: %v", r.last.Phase, err)
		}
		if r.finish(t); r.last.Phase != federation.RotationCancelled {
			t.Error(r.last.Phase)
		}
	})
}

// TestRotateSecondUnverified: nobody is sent to an application whose key does not fit.
func TestRotateSecondUnverified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSecond(t)
		r.until(t, federation.RotationBound)
		_, b := r.two(t)
		mutes["key behind"](r, b)
		time.Sleep(time.Until(r.last.NotBefore))
		if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), "does not verify") {
			t.Errorf("%s: %v", r.last.Phase, err)
		}
		r.plan.Cancel = true
		if r.finish(t); r.last.Phase != federation.RotationCancelled {
			t.Error(r.last.Phase)
		}
		r.judgeAll(t)
	})
}

// expelledAt is a rotation by a second application in a phase in which an emergency has
// expelled the certificate that was accepted first.
func expelledAt(t *testing.T, phase federation.RotationPhase) *rotation {
	r := newSecond(t)
	r.until(t, phase)
	plan := r.plan
	r.plan.Method, r.plan.Consent.Outage, r.plan.Consent.Policies = federation.Emergency, true, false
	r.plan.Replace = r.slots(t).SigningCertificate.Fingerprint()
	for n := 0; n == 0 || !r.last.Done(); n++ {
		if err := r.rotate(t); err != nil || n > 6 {
			t.Fatal(n, err)
		}
		time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
	}
	r.plan = plan
	return r
}

// TestRotateSecondExpelled: a rotation goes on to its end after an emergency for one of
// the two certificates, and what that has expelled stays out.
func TestRotateSecondExpelled(t *testing.T) {
	for _, tt := range []struct {
		at   federation.RotationPhase
		back bool
		end  federation.RotationPhase
		want string // or what is refused
	}{
		{at: "redirected", end: federation.RotationClosed},
		{at: "redirected", back: true, want: "cannot be led back"},
		{at: "swapped", end: federation.RotationClosed},
		{at: "swapped", back: true, end: federation.RotationCancelled},
	} {
		t.Run(fmt.Sprint(tt.at, " back ", tt.back), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := expelledAt(t, tt.at)
				r.plan.Cancel = tt.back
				stolen := r.last.Old.Fingerprint
				if tt.want != "" {
					if err := r.rotate(t); err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("%s: %v", r.last.Phase, err)
					}
					return
				}
				if phases := r.finish(t); r.last.Phase != tt.end {
					t.Errorf("%v", phases)
				}
				fed := r.slots(t)
				first, second := r.two(t)
				if fed.SigningCertificate.Fingerprint() == stolen || !fed.NextSigningCertificate.IsZero() && fed.NextSigningCertificate != fed.SigningCertificate {
					t.Errorf("%+v", fed)
				}
				if now := map[bool]jumpcloudtest.Application{false: second, true: first}[tt.back]; !now.Active || now.Certificate != fed.SigningCertificate {
					t.Errorf("%+v", now)
				}
				if !tt.back && first.Active {
					t.Error("the first is active")
				}
			})
		})
	}
}

// TestRotateSecondMendBefore: before people are sent to the second application, a mend
// keeps what the first signed with, where nobody can come to the second.
func TestRotateSecondMendBefore(t *testing.T) {
	for _, visible := range []bool{false, true} {
		t.Run(fmt.Sprint("visible ", visible), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSecond(t)
				old := r.slots(t).SigningCertificate
				r.until(t, federation.RotationBound)
				a, b := r.two(t)
				if visible {
					show := func(a *jumpcloud.Application) error { a.Hidden = false; return nil }
					if _, err := r.JumpCloud.Client(nil).ModifyApplication(t.Context(), b.ID, show); err != nil {
						t.Fatal(err)
					}
				}
				if _, b = r.two(t); b.Hidden == visible {
					t.Fatal("not as it was to be")
				}
				r.JumpCloud.RegenerateCertificate(a.ID)
				if err := r.rotate(t); err != nil {
					t.Fatal(err)
				}
				a, _ = r.two(t)
				want := old
				if visible {
					want = b.Certificate
				}
				if fed := r.slots(t); fed.SigningCertificate != a.Certificate || fed.NextSigningCertificate != want {
					t.Errorf("Azure AD accepts %s and %s; want %s and %s", fed.SigningCertificate.Thumbprint(), fed.NextSigningCertificate.Thumbprint(),
						a.Certificate.Thumbprint(), want.Thumbprint())
				}
			})
		})
	}
}
